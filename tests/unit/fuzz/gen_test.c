/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The module generator: what it makes is valid, and the same for the same bytes. */
#include "fuzz/gen.h"
#include "unit/test.h"
#include "wasm/module.h"

enum { SEEDS = 3000 };

TEST(gen_modules_are_valid)
{
    GenOptions o = {.features = gen_features()};
    DecodeOptions d = {.features = gen_features() | features_default()};
    TypeRegistry *r = types_new();
    for (u64 seed = 0; seed < SEEDS; seed++) {
        Buf wasm = {0};
        Diag diag;
        diag_init(&diag);
        gen_module(&o, (const u8 *)&seed, sizeof seed, &wasm);
        WasmModule *m = module_decode(r, &d, wasm.p, wasm.n, &diag);
        if (!m)
            test_fail(__FILE__, __LINE__, "seed %llu: %s at 0x%llx", (unsigned long long)seed,
                      diag.msg, (unsigned long long)diag.offset);
        module_free(m);
        buf_release(&wasm);
    }
    types_free(r);
}

TEST(gen_is_deterministic)
{
    GenOptions o = {.features = gen_features(), .js = true};
    static const u8 bytes[] = "some bytes that are long enough to matter for more than the header";
    Buf a = {0}, b = {0};
    gen_module(&o, bytes, sizeof bytes, &a);
    gen_module(&o, bytes, sizeof bytes, &b);
    EXPECT(a.n == b.n && memcmp(a.p, b.p, a.n) == 0);
    buf_release(&a);
    buf_release(&b);
}
