/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The validator: families of invalid bodies, with message and place, and what bodies report. */
#include "unit/wasm/wasm_fixture.h"

/* A body (locals and code) of a function of the given type. */
static void expect_valid(int line, const char *type, const char *body)
{
    Buf b = {0};
    wasm_one_func(&b, type, body);
    wasm_drop(wasm_decode_ok(__FILE__, line, &b, wasm_all_features()));
    buf_release(&b);
}

static void expect_invalid(int line, const char *type, const char *body, const char *message)
{
    Buf b = {0};
    wasm_one_func(&b, type, body);
    wasm_expect_error(__FILE__, line, &b, wasm_all_features(), DIAG_INVALID, -1, message);
    buf_release(&b);
}

#define VALID(type, body) expect_valid(__LINE__, type, body)
#define INVALID(type, body, message) expect_invalid(__LINE__, type, body, message)

#define NOTHING "60 00 00"
#define GIVES_I32 "60 00 01 7f"

TEST(validate_stack)
{
    VALID(NOTHING, "00 0b");
    VALID(GIVES_I32, "00 41 00 0b");
    VALID(GIVES_I32, "00 41 01 41 02 6a 0b");
    VALID(GIVES_I32, "00 00 6a 0b");
    VALID(GIVES_I32, "00 00 1a 1a 41 00 0b");
    INVALID(GIVES_I32, "00 0b", "type mismatch: expected i32 but nothing on stack");
    INVALID(GIVES_I32, "00 42 00 0b", "type mismatch: expected i32, found i64");
    INVALID(NOTHING, "00 41 00 0b", "type mismatch: 1 values remaining on stack");
    INVALID(GIVES_I32, "00 41 00 42 00 6a 0b", "type mismatch: expected i32, found i64");
    INVALID(GIVES_I32, "00 00 42 00 6a 0b", "type mismatch: expected i32, found i64");
    INVALID(NOTHING, "00 1a 0b", "type mismatch");
}

TEST(validate_blocks)
{
    VALID(GIVES_I32, "00 02 7f 41 00 0b 0b");
    VALID(GIVES_I32, "00 41 00 04 7f 41 00 05 41 01 0b 0b");
    VALID(NOTHING, "00 03 40 0c 00 0b 0b");
    VALID(GIVES_I32, "00 02 7f 41 00 41 01 0d 00 0b 0b");
    VALID(GIVES_I32, "00 02 7f 41 00 41 01 0e 01 00 01 0b 0b");
    INVALID(GIVES_I32, "00 41 00 04 7f 41 00 0b 0b", "type mismatch: if without else");
    INVALID(NOTHING, "00 0c 01 0b", "unknown label 1");
    INVALID(GIVES_I32, "00 02 40 02 7f 41 00 41 01 0e 01 00 01 0b 1a 0b 41 00 0b",
            "type mismatch: br_table");
    INVALID(NOTHING, "00 02 05 0b 0b", "unknown type 5");
}

TEST(validate_indices)
{
    INVALID(NOTHING, "00 20 00 1a 0b", "unknown local 0");
    INVALID(NOTHING, "00 23 00 1a 0b", "unknown global 0");
    INVALID(NOTHING, "00 10 01 0b", "unknown function 1");
    INVALID(NOTHING, "00 41 00 11 00 00 0b", "unknown table 0");
    INVALID(NOTHING, "00 41 00 28 02 00 1a 0b", "unknown memory 0");
    INVALID(NOTHING, "00 3f 07 1a 0b", "unknown memory 7");
    INVALID(NOTHING, "00 08 00 0b", "unknown tag 0");
    INVALID(NOTHING, "00 fc 0d 00 0b", "unknown elem segment 0");
    INVALID(NOTHING, "00 d2 00 1a 0b", "undeclared function reference");
    VALID(NOTHING, "01 c0 84 03 7f 20 bf 84 03 1a 0b");
    INVALID(NOTHING, "01 c0 84 03 7f 20 c0 84 03 1a 0b", "unknown local 49728");
}

/* Bodies one by one. */
TEST(validate_func_alone)
{
    Buf b = {0};
    wasm_one_func(&b, "60 02 7f 7f 00", "01 03 7e 03 40 20 00 20 01 6a 0d 00 0b 10 00 0b");
    Diag diag;
    DecodeOptions o = {.features = wasm_all_features(), .skip_bodies = true};
    TypeRegistry *registry = types_new();
    WasmModule *m = module_decode(registry, &o, b.p, b.n, &diag);
    EXPECT(m);
    Validator *v = validator_new();
    FeatureSet uses = 0;
    diag_init(&diag);
    EXPECT(!validate_func(v, m, 0, &uses, &diag));
    EXPECT(str_starts(str_of(diag.msg), STR("type mismatch")));
    EXPECT_EQ(diag.func, 0);
    EXPECT_STR(diag.section, "code");
    validator_free(v);
    module_free(m);
    types_free(registry);

    b.n = 0;
    wasm_one_func(&b, "60 02 7f 7f 00", "01 03 7e 03 40 20 00 20 01 6a 0d 00 0b 00 10 00 0b");
    m = DECODE_OK(&b);
    wasm_drop(m);
    buf_release(&b);
}
