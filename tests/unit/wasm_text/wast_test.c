/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tests of the reader of .wast scripts. */
#include "unit/test.h"
#include "wasm/wast/wast.h"

TEST(wast_commands)
{
    Str text = STR("(module $m (func (export \"f\")))\n"
                   "(module definition $d)\n"
                   "(module instance $i $d)\n"
                   "(register \"lib\" $m)\n"
                   "(invoke $m \"f\" (i32.const -1) (ref.extern 7))\n"
                   "(assert_return (get \"g\") (f32.const nan:canonical))\n"
                   "(assert_trap (module (func)) \"trap\")\n"
                   "(assert_trap (invoke \"f\") \"unreachable\")\n"
                   "(assert_exception (invoke \"f\"))\n"
                   "(assert_malformed (module quote \"(fu\" \"nk)\") \"unknown operator\")\n"
                   "(assert_invalid (module binary \"\\00asm\") \"no\")\n"
                   "(thread $T (shared (module $m)) (invoke \"f\"))\n"
                   "(wait $T)\n");
    static const u8 kinds[] = {WAST_MODULE,
                               WAST_MODULE,
                               WAST_INSTANCE,
                               WAST_REGISTER,
                               WAST_ACTION,
                               WAST_ASSERT_RETURN,
                               WAST_ASSERT_TRAP,
                               WAST_ASSERT_TRAP,
                               WAST_ASSERT_EXCEPTION,
                               WAST_ASSERT_MALFORMED,
                               WAST_ASSERT_INVALID,
                               WAST_THREAD,
                               WAST_WAIT};
    Diag d;
    diag_init(&d);
    WastCommand c;
    WastScript *s = wast_open(text);
    for (u32 i = 0; i < ARRAY_LEN(kinds); i++) {
        EXPECT(wast_next(s, &c, &d));
        EXPECT_EQ(c.kind, kinds[i]);
        EXPECT_EQ(c.line, i + 1);
        switch (i) {
        case 0:
            EXPECT(c.has_module && !c.module.is_definition && str_eq(c.name, STR("m")));
            EXPECT(str_eq(c.module.text, STR("(module $m (func (export \"f\")))")));
            break;
        case 1:
            EXPECT(c.module.is_definition);
            break;
        case 2:
            EXPECT(str_eq(c.name, STR("i")) && str_eq(c.of, STR("d")));
            break;
        case 3:
            EXPECT(str_eq(c.message, STR("lib")) && str_eq(c.name, STR("m")));
            break;
        case 4:
            EXPECT(c.action.kind == WAST_INVOKE && str_eq(c.action.name, STR("f")));
            EXPECT_EQ(c.action.nargs, 2);
            EXPECT_EQ(load_u32(c.action.args[0].bytes), 0xffffffff);
            EXPECT_EQ(c.action.args[1].number, 7);
            break;
        case 5:
            EXPECT(c.action.kind == WAST_GET && c.nresults == 1);
            EXPECT_EQ(c.results[0].nan[0], WAST_NAN_CANONICAL);
            break;
        case 6:
            EXPECT(c.has_module);
            break;
        case 7:
            EXPECT(!c.has_module && str_eq(c.message, STR("unreachable")));
            break;
        case 11:
            EXPECT(str_eq(c.body, STR("(invoke \"f\")")) && c.nshared == 1);
            break;
        default:
            break;
        }
    }
    EXPECT(!wast_next(s, &c, &d));
    EXPECT(diag_ok(&d));
    wast_close(s);
}

TEST(wast_result_patterns)
{
    Str text = STR("(assert_return (invoke \"f\")"
                   " (v128.const f32x4 nan:arithmetic 1.5 nan:canonical -0)"
                   " (v128.const i16x8 1 2 3 4 5 6 7 -8)"
                   " (either (i32.const 1) (i32.const 2))"
                   " (ref.null) (ref.null func) (ref.struct) (ref.host 3) (ref.extern))");
    Diag d;
    diag_init(&d);
    WastCommand c;
    WastScript *s = wast_open(text);
    EXPECT(wast_next(s, &c, &d));
    EXPECT_EQ(c.nresults, 8);
    const WastValue *v = c.results;
    EXPECT(v[0].is_float && v[0].lane_bits == 32);
    EXPECT(v[0].nan[0] == WAST_NAN_ARITHMETIC && v[0].nan[1] == WAST_NAN_NONE);
    EXPECT(v[0].nan[2] == WAST_NAN_CANONICAL && load_u32(v[0].bytes + 12) == 0x80000000);
    EXPECT(!v[1].is_float && v[1].lane_bits == 16 && load_u16(v[1].bytes + 14) == 0xfff8);
    EXPECT(v[2].kind == WAST_VALUE_EITHER && v[2].nalternatives == 2);
    EXPECT_EQ(v[2].alternatives[1].bytes[0], 2);
    EXPECT(v[3].kind == WAST_VALUE_NULL && v[3].any);
    EXPECT(v[4].kind == WAST_VALUE_NULL && !v[4].any && v[4].heap == HEAP_FUNC);
    EXPECT(v[5].kind == WAST_VALUE_REF && v[5].heap == HEAP_STRUCT);
    EXPECT(v[6].kind == WAST_VALUE_HOST && v[6].number == 3);
    EXPECT(v[7].kind == WAST_VALUE_EXTERN && v[7].any);
    wast_close(s);
}

/* What the module of the only command gives: its bytes, or an error. */
static bool only_module(Str text, Buf *out, Diag *d)
{
    WastCommand c;
    WastScript *s = wast_open(text);
    EXPECT(wast_next(s, &c, d));
    bool good = wast_module_binary(s, &c.module, out, NULL, d);
    wast_close(s);
    return good;
}

TEST(wast_modules_are_read_when_asked_for)
{
    Buf out = {0};
    Diag d;
    diag_init(&d);
    EXPECT(only_module(STR("(module binary \"\\00asm\" \"\\01\")"), &out, &d));
    EXPECT(out.n == 5 && memcmp(out.p, "\0asm\1", 5) == 0);
    buf_release(&out);
    EXPECT(only_module(STR("(func) (memory 0)"), &out, &d)); /* a module without its parentheses */
    EXPECT(out.n > 8);
    buf_release(&out);
    EXPECT(!only_module(STR("(module quote \"(funk)\")"), &out, &d));
    EXPECT(str_starts(str_of(d.msg), STR("unknown operator funk")));
    diag_init(&d);
    EXPECT(!only_module(STR("  (module (funk))"), &out, &d));
    EXPECT_EQ(d.offset, 11);
}

TEST(wast_malformed_script)
{
    Diag d;
    diag_init(&d);
    WastCommand c;
    WastScript *s = wast_open(STR("(module)\n(assert_nothing)"));
    EXPECT(wast_next(s, &c, &d));
    EXPECT(!wast_next(s, &c, &d));
    EXPECT_EQ(d.offset, 10);
    wast_close(s);
}
