/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime component inspect`: what is in a binary, who made it, and what it imports and exports.
 */
#include "cli/component_io.h"
#include "wit/component.h"
#include "wit/strip.h"
#include "wit/wit_binary.h"

/* Names from the file, without what would act on a terminal. */
static void put_name(Buf *out, Str s)
{
    for (usize i = 0; i < s.n; i++)
        if ((u8)s.p[i] < 0x20 || (u8)s.p[i] == 0x7f)
            buf_printf(out, "\\%02x", (u8)s.p[i]);
        else
            buf_u8(out, (u8)s.p[i]);
}

static void list_module(const WasmModule *m, Buf *out)
{
    static const char *const kinds[] = {"func", "table", "memory", "global", "tag"};
    buf_printf(out, "\nimports: %u\n", m->nimports);
    for (u32 i = 0; i < m->nimports; i++) {
        buf_printf(out, "  %-6s ", kinds[m->imports[i].kind]);
        put_name(out, m->imports[i].module);
        buf_str(out, STR(" "));
        put_name(out, m->imports[i].name);
        buf_u8(out, '\n');
    }
    buf_printf(out, "\nexports: %u\n", m->nexports);
    for (u32 i = 0; i < m->nexports; i++) {
        buf_printf(out, "  %-6s ", kinds[m->exports[i].kind]);
        put_name(out, m->exports[i].name);
        buf_u8(out, '\n');
    }
}

static void list_externs(const char *word, const ComponentExtern *e, u32 n, Buf *out)
{
    buf_printf(out, "\n%s: %u\n", word, n);
    for (u32 i = 0; i < n; i++)
        buf_printf(out, "  %-9s %.*s\n", sort_name((Sort)e[i].sort), STR_ARG(e[i].name.text));
}

static Error *list_ports(const Buf *bytes, Buf *out)
{
    TypeRegistry *registry = types_new();
    Error *e = NULL;
    if (component_is(bytes->p, bytes->n)) {
        Component *c = NULL;
        e = wit_decode_component(registry, bytes->p, bytes->n, &c);
        if (!e) {
            const CType *t = ctype_get(c->types, c->type);
            list_externs("imports", t->imports, t->nimports, out);
            list_externs("exports", t->exports, t->nexports, out);
        }
        component_free(c);
    } else {
        Diag diag;
        diag_init(&diag);
        DecodeOptions o = {.features = ~(FeatureSet)0};
        WasmModule *m = module_decode(registry, &o, bytes->p, bytes->n, &diag);
        if (m)
            list_module(m, out);
        else
            e = error_new("%s (at offset 0x%llx)", diag.msg, (unsigned long long)diag.offset);
        module_free(m);
    }
    types_free(registry);
    return e;
}

Error *cmd_component_inspect(CmdLine *c, int *ret_status)
{
    Buf bytes = {0}, out = {0}, producers = {0};
    const char *path = component_input(c);
    Error *e = component_read(path, &bytes);
    if (!e) {
        buf_printf(&out, "%s, %zu bytes\n\nsections:\n",
                   component_is(bytes.p, bytes.n) ? "component" : "core module", bytes.n);
        e = wasm_list_sections(bytes.p, bytes.n, &out);
    }
    if (!e)
        e = list_ports(&bytes, &out);
    if (!e) {
        wasm_list_producers(bytes.p, bytes.n, &producers);
        if (producers.n) {
            buf_str(&out, STR("\nmade by:\n"));
            for (usize i = 0; i < producers.n; i++)
                if (producers.p[i] == '\n')
                    buf_u8(&out, '\n');
                else
                    put_name(&out, (Str){(char *)producers.p + i, 1});
        }
        e = component_write_text(c, &out);
    }
    buf_release(&bytes);
    buf_release(&out);
    buf_release(&producers);
    *ret_status = 0;
    return error_wrap(e, "failed to inspect `%s`", path);
}
