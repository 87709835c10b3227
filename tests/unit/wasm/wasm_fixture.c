/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "unit/wasm/wasm_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Returns the end, or the closing bracket. */
static const char *hex_until(Buf *b, const char *p)
{
    while (*p && *p != ']') {
        if (*p == ' ') {
            p++;
            continue;
        }
        if (*p == '[') {
            Buf inner = {0};
            p = hex_until(&inner, p + 1);
            if (*p++ != ']')
                test_fail(__FILE__, __LINE__, "a bracket is open");
            buf_uleb(b, inner.n);
            buf_bytes(b, inner.p, inner.n);
            buf_release(&inner);
            continue;
        }
        int hi = hex_digit(p[0]), lo = hi < 0 ? -1 : hex_digit(p[1]);
        if (lo < 0)
            test_fail(__FILE__, __LINE__, "not hexadecimal: %s", p);
        buf_u8(b, (u8)(hi << 4 | lo));
        p += 2;
    }
    return p;
}

void wasm_hex(Buf *b, const char *hex)
{
    if (*hex_until(b, hex))
        test_fail(__FILE__, __LINE__, "a bracket too many: %s", hex);
}

void wasm_begin(Buf *b)
{
    wasm_hex(b, "00 61 73 6d 01 00 00 00");
}

void wasm_section(Buf *b, u8 id, const Buf *payload)
{
    buf_u8(b, id);
    buf_uleb(b, payload->n);
    buf_bytes(b, payload->p, payload->n);
}

void wasm_section_hex(Buf *b, u8 id, const char *hex)
{
    Buf payload = {0};
    wasm_hex(&payload, hex);
    wasm_section(b, id, &payload);
    buf_release(&payload);
}

void wasm_one_func(Buf *b, const char *type, const char *body)
{
    Buf section = {0}, code = {0};
    wasm_begin(b);
    wasm_hex(&section, "01");
    wasm_hex(&section, type);
    wasm_section(b, 1, &section);
    wasm_section_hex(b, 3, "01 00");
    wasm_hex(&code, body);
    section.n = 0;
    buf_u8(&section, 1);
    buf_uleb(&section, code.n);
    buf_bytes(&section, code.p, code.n);
    wasm_section(b, 10, &section);
    buf_release(&section);
    buf_release(&code);
}

FeatureSet wasm_all_features(void)
{
    return ((FeatureSet)1 << FEATURE_COUNT) - 1;
}

WasmModule *wasm_decode_ok(const char *file, int line, const Buf *b, FeatureSet features)
{
    Diag diag;
    DecodeOptions o = {.features = features};
    WasmModule *m = module_decode(types_new(), &o, b->p, b->n, &diag);
    if (!m)
        test_fail(file, line, "refused at 0x%llx: %s", (unsigned long long)diag.offset, diag.msg);
    return m;
}

void wasm_drop(WasmModule *m)
{
    TypeRegistry *registry = m->registry;
    module_free(m);
    EXPECT_EQ(types_count(registry), 0);
    types_free(registry);
}

void wasm_expect_error(const char *file, int line, const Buf *b, FeatureSet features, DiagKind kind,
                       i64 offset, const char *message)
{
    Diag diag;
    DecodeOptions o = {.features = features};
    TypeRegistry *registry = types_new();
    WasmModule *m = module_decode(registry, &o, b->p, b->n, &diag);
    if (m)
        test_fail(file, line, "accepted, expected \"%s\"", message);
    if (!str_starts(str_of(diag.msg), str_of(message)))
        test_fail(file, line, "message is \"%s\", expected \"%s\"", diag.msg, message);
    if (diag.kind != kind)
        test_fail(file, line, "kind is %d, expected %d (%s)", (int)diag.kind, (int)kind, diag.msg);
    if (offset >= 0 && diag.offset != (u64)offset)
        test_fail(file, line, "offset is 0x%llx, expected 0x%llx (%s)",
                  (unsigned long long)diag.offset, (unsigned long long)offset, diag.msg);
    EXPECT_EQ(types_count(registry), 0);
    types_free(registry);
}

u8 *wasm_suite_file(const char *name, usize *ret_size)
{
    const char *top = getenv("WASMTIME_SUITES");
    char path[512];
    snprintf(path, sizeof path, "%s/%s", top ? top : "../shared/suites", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        test_skip("no %s", path);
    Buf b = {0};
    u8 chunk[65536];
    for (usize n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_bytes(&b, chunk, n);
    fclose(f);
    *ret_size = b.n;
    return b.p;
}
