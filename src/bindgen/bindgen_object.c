/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The object with the component type: one empty function, whose symbol the bindings' source refers
 * to, and the custom section that `component new` looks for.
 *
 * Source: https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md
 */
#include "bindgen/bindgen_priv.h"

static void put_section(Buf *out, u8 id, const void *p, usize n)
{
    buf_u8(out, id);
    buf_sized(out, p, n);
}

static void put_name(Buf *out, const char *prefix, Str name)
{
    buf_uleb(out, strlen(prefix) + name.n);
    buf_str(out, str_of(prefix));
    buf_str(out, name);
}

void bindgen_object(Str world, const char *name, Str type, Buf *out)
{
    static const u8 header[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    static const u8 types[] = {1, 0x60, 0, 0}, funcs[] = {1, 0}, code[] = {1, 2, 0, 0x0b};
    Buf b = {0}, table = {0};
    buf_bytes(out, header, sizeof header);
    put_section(out, 1, types, sizeof types);
    put_section(out, 3, funcs, sizeof funcs);
    put_section(out, 10, code, sizeof code);
    put_name(&b, "component-type:", world);
    buf_str(&b, type);
    put_section(out, 0, b.p, b.n);
    b.n = 0;
    buf_uleb(&table, 1); /* one symbol: a function, no flags, index 0 */
    buf_u8(&table, 0);
    buf_u8(&table, 0);
    buf_u8(&table, 0);
    put_name(&table, "__component_type_object_force_link_", str_of(name));
    put_name(&b, "linking", STR(""));
    buf_u8(&b, 2); /* version */
    put_section(&b, 8, table.p, table.n);
    put_section(out, 0, b.p, b.n);
    buf_release(&b);
    buf_release(&table);
}
