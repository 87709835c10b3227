/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Operands: what a careless compiler leaves in a register's upper half, reads from the wrong spill
 * slot or overwrites while it is still needed. Modules are made from the instruction table, so that
 * no instruction is left out; all run in every mode.
 */
#include "security/modes.h"
#include "wasm/insn.h"

#include <stdio.h>

/* A module's text being written. */
static char *text_of(Buf *b)
{
    buf_u8(b, 0);
    return (char *)b->p;
}

/* --- CVE-2021-32629: a 32-bit value that lived in a spill slot --- */

enum { SPILLED = 40 };

/* v0 .. v39 are loaded, a call is made, then all are used where 64 bits count. */
static void put_spilled(Buf *b, const char *name, const char *use)
{
    buf_printf(b, "(func (export \"%s\") (result i64) (local $n i64)", name);
    for (u32 i = 0; i < SPILLED; i++)
        buf_printf(b, "(i32.load (i32.const %u))", i * 4);
    buf_str(b, STR("(call $clobber)"));
    for (u32 i = 0; i < SPILLED; i++)
        buf_printf(b, "%s (local.set $n (i64.add (local.get $n)))", use);
    buf_str(b, STR("(local.get $n))"));
}

static void spilled(Harness *h)
{
    u64 sum = 0;
    for (u32 i = 0; i < SPILLED; i++)
        sum += 0x80000000u | i;
    EXPECT_EQ(harness_run(h, "extend", 0, 0, 0), sum);
    EXPECT_EQ(harness_run(h, "shift", 0, 0, 0), 2 * sum);
    harness_trap(h, "address", 0, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_trap(h, "element", 0, 0, TRAP_TABLE_OUT_OF_BOUNDS);
    harness_run(h, "drop", 0, 0, 0);
    EXPECT_EQ(harness_run(h, "extend", 0, 0, 0), sum);
}

TEST(security_spilled_values_keep_their_width)
{
    Buf b = {0};
    buf_str(&b, STR("(memory 1 1) (table $t 1 1 funcref) (data $d \"gone\")"
                    "(func $clobber (local i64 i64 i64 i64 f64 v128)"
                    " (local.set 0 (i64.const -1)) (local.set 1 (i64.const -1))"
                    " (local.set 2 (i64.const -1)) (local.set 3 (i64.const -1)))"
                    "(func $init (local $i i32) (loop (i32.store (i32.shl (local.get $i)"
                    " (i32.const 2)) (i32.or (local.get $i) (i32.const 0x80000000)))"
                    " (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))"
                    " (i32.const 40))))) (start $init)"));
    put_spilled(&b, "extend", "(i64.extend_i32_u)");
    put_spilled(&b, "shift", "(i64.shl (i64.extend_i32_u) (i64.const 1))");
    put_spilled(&b, "address", "(i64.load8_u)");
    put_spilled(&b, "element", "(ref.is_null (table.get $t)) (i64.extend_i32_u)");
    /* Values of other types in the slots, and a builtin between. */
    buf_str(&b, STR("(func (export \"drop\") (local f64 f32 v128) (f64.const 1) (f32.const 2)"
                    " (v128.const i64x2 3 4) (data.drop $d)"
                    " (local.set 2) (local.set 1) (local.set 0)"
                    " (if (f64.ne (local.get 0) (f64.const 1)) (then unreachable))"
                    " (if (f32.ne (local.get 1) (f32.const 2)) (then unreachable))"
                    " (if (i64.ne (i64x2.extract_lane 1 (local.get 2)) (i64.const 4))"
                    "  (then unreachable)))"));
    each_mode(text_of(&b), spilled);
    buf_release(&b);
}

/* --- packed operands in memory, where the CPU wants them aligned without AVX --- */

static void put_vector_operands(Buf *b, const OpInfo *o)
{
    const char *lane = o->imm == IMM_LANE ? " 0" : "";
    u32 n = (u32)(strchr(o->sig, ':') - o->sig);
    for (u32 way = 0; way < 2; way++) { /* from memory at odd places, and from registers */
        buf_printf(b, "(v128.store (i32.const %u) ", 128 + way * 16);
        buf_printf(b, "(%s%s", o->text, lane);
        for (u32 k = 0; k < n; k++)
            if (way == 0)
                buf_printf(b, " (v128.load offset=%u align=1 (local.get $at))", 16 * k);
            else
                buf_printf(b, " (local.get %u)", 1 + k);
        buf_str(b, STR("))"));
    }
    buf_str(b, STR("(if (v128.any_true (v128.xor (v128.load (i32.const 128))"
                   " (v128.load (i32.const 144)))) (then unreachable))"));
}

static void vectors(Harness *h)
{
    for (u32 at = 0; at < 16; at++)
        harness_run(h, "run", at, 0, 0);
}

TEST(security_vector_operands_need_no_alignment)
{
    Buf b = {0};
    u32 tried = 0;
    buf_str(&b, STR("(memory 1) (data (i32.const 0) \"\\01\\7f\\80\\ff\\00\\3f\\80\\40\\09\\70\\c1"
                    "\\bf\\01\\02\\fe\\f0\\11\\22\\33\\44\\55\\66\\77\\08\\19\\2a\\3b\\4c\\5d\\6e"
                    "\\7f\\00\\f1\\e2\\d3\\c4\\b5\\a6\\97\\88\\79\\6a\\5b\\4c\\3d\\2e\\1f\\10\")"
                    "(func (export \"run\") (param $at i32) (local v128 v128 v128)"
                    "(local.set 1 (v128.load align=1 (local.get $at)))"
                    "(local.set 2 (v128.load offset=16 align=1 (local.get $at)))"
                    "(local.set 3 (v128.load offset=32 align=1 (local.get $at)))"));
    for (u32 op = 0; op < OP_COUNT; op++) {
        const OpInfo *o = &op_infos[op];
        if (o->prefix != 0xfd || o->imm != IMM_NONE || !strstr(o->sig, ":v") ||
            strspn(o->sig, "v") == 0 || o->sig[strspn(o->sig, "v")] != ':')
            continue;
        put_vector_operands(&b, o);
        tried++;
    }
    EXPECT(tried > 150);
    buf_str(&b, STR(")"));
    each_mode(text_of(&b), vectors);
    buf_release(&b);
}

/* --- CVE-2026-34987, -35186: further consumers of values whose upper half may be dirty --- */

static void consumers(Harness *h)
{
    EXPECT_EQ(harness_run(h, "br_table", 0, 0, 0), 9);
    EXPECT_EQ(harness_run(h, "size", 0, 0, 0), 10);
    EXPECT_EQ(harness_run(h, "size twice", 0, 0, 0), 10);
    harness_trap(h, "table.get", 0, 0, TRAP_TABLE_OUT_OF_BOUNDS);
    harness_trap(h, "call_indirect", 0, 0, TRAP_TABLE_OUT_OF_BOUNDS);
    harness_trap(h, "fill", 0, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_trap(h, "fill length", 0, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_trap(h, "table.fill", 0, 0, TRAP_TABLE_OUT_OF_BOUNDS);
    harness_trap(h, "global", 0, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_trap(h, "result", 0, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    EXPECT_EQ(harness_run(h, "param", 0xdeadbeefffffffffu, 0, 0), 0xffffffff);
    harness_trap(h, "param address", 0xdeadbeefffffff9du, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
}

TEST(security_upper_halves_reach_no_other_consumer)
{
    each_mode(
        "(memory 1 1) (table $t 10 10 funcref) (table $w i64 10 funcref)"
        "(global $g (mut i32) (i32.const 0)) (data (i32.const 0) \"\\ff\") (type $v (func))"
        "(func $two (result i32 i32) (i32.const 1) (i32.load8_s (i32.const 0)))"
        "(func (export \"br_table\") (result i32)"
        " (block (block (block (br_table 0 1 2 (i32.load8_s (i32.const 0)))) (return (i32.const "
        "7)))"
        "  (return (i32.const 8))) (i32.const 9))"
        "(func (export \"size\") (result i64) (table.size $w))"
        "(func (export \"size twice\") (result i64) (drop (table.size $w)) (table.size $w))"
        "(func (export \"table.get\") (drop (table.get $t (i32.load8_s (i32.const 0)))))"
        "(func (export \"call_indirect\") (call_indirect $t (type $v)"
        " (i32.extend8_s (i32.const 0xff))))"
        "(func (export \"fill\") (memory.fill (i32.load8_s (i32.const 0)) (i32.const 1)"
        " (i32.const 1)))"
        "(func (export \"fill length\") (memory.fill (i32.const 0) (i32.const 1)"
        " (i32.load8_s (i32.const 0))))"
        "(func (export \"table.fill\") (table.fill $t (i32.load8_s (i32.const 0)) (ref.null func)"
        " (i32.const 1)))"
        "(func (export \"global\") (result i32) (global.set $g (i32.load8_s (i32.const 0)))"
        " (i32.load offset=100 (global.get $g)))"
        "(func (export \"result\") (result i32) (call $two) (i32.load offset=100) (i32.add))"
        "(func (export \"param\") (param i32) (result i64) (i64.extend_i32_u (local.get 0)))"
        "(func (export \"param address\") (param i32) (result i32)"
        " (i32.load offset=100 (local.get 0)))",
        consumers);
}

/* --- an operand that is used again, or is the result, or both operands --- */

static bool is_binary_number(const OpInfo *o)
{
    static const char *const sigs[] = {"ii:i", "ll:l", "ll:i", "ff:f", "dd:d", "ff:i", "dd:i"};
    if (o->prefix || o->imm != IMM_NONE)
        return false;
    for (usize i = 0; i < ARRAY_LEN(sigs); i++)
        if (strcmp(o->sig, sigs[i]) == 0)
            return true;
    return false;
}

static const char *type_name(char c)
{
    return c == 'i' ? "i32" : c == 'l' ? "i64" : c == 'f' ? "f32" : "f64";
}

/* Compares the bits of the two values on the stack; NaNs of any bits are one. */
static const char *unequal(char c)
{
    return c == 'i'   ? "(i32.ne)"
           : c == 'l' ? "(i64.ne)"
           : c == 'f' ? "(call $differ32)"
                      : "(call $differ64)";
}

/*
 * $plain computes x op y from its parameters. The same again with both operands in locals that are
 * used afterwards, with the result in the place of either, with equal operands, with a constant.
 */
static void put_again(Buf *b, const OpInfo *o, u32 n)
{
    const char *t = type_name(o->sig[0]), *r = type_name(o->sig[3]), *differ = unequal(o->sig[3]);
    const char *op = o->text;
    buf_printf(b, "(func $plain%u (param %s %s) (result %s) (%s (local.get 0) (local.get 1)))", n,
               t, t, r, op);
    buf_printf(b, "(func $again%u (param $x %s) (param $y %s) (local $r %s) (local $s %s)", n, t, t,
               r, t);
    buf_printf(b, "(local.set $r (call $plain%u (local.get $x) (local.get $y)))", n);
    static const char *const forms[] = {
        "(%s (local.get $x) (local.get $y))",
        "(%s (local.tee $s (local.get $x)) (local.get $y)) (local.set $s (local.get $y))",
        "(local.get $x) (local.get $y) (local.set $s (local.get $x)) (%s)",
    };
    for (u32 k = 0; k < ARRAY_LEN(forms); k++) {
        const char *at = strstr(forms[k], "%s");
        buf_bytes(b, forms[k], (usize)(at - forms[k]));
        buf_str(b, str_of(op));
        buf_str(b, str_of(at + 2));
        buf_printf(b, " (if (%.*s (local.get $r)) (then unreachable))", (int)strlen(differ) - 2,
                   differ + 1);
    }
    /* Equal operands, against the same values through a call; then the operands themselves. */
    buf_printf(b,
               "(%s (local.get $x) (local.get $x)) (call $plain%u (local.get $x) (local.get $x))",
               op, n);
    buf_printf(b, "(if %s (then unreachable))", differ);
    buf_printf(b,
               "(%s (local.get $y) (local.get $x)) (local.get $x) (local.get $y)"
               " (local.set $s) (local.set $x) (local.set $y (local.get $s))"
               " (call $plain%u (local.get $y) (local.get $x)) (if %s (then unreachable)))",
               op, n, differ);
}

static void again(Harness *h)
{
    EXPECT_EQ(harness_run(h, "run", 0, 0, 0), 1);
}

TEST(security_operands_may_be_used_again)
{
    static const char *const values[][2] = {{"7", "3"}, {"-5", "2"}, {"2147483647", "-3"}};
    Buf b = {0}, run = {0};
    buf_str(&b,
            STR("(func $differ32 (param f32 f32) (result i32) (i32.and"
                " (i32.ne (i32.reinterpret_f32 (local.get 0)) (i32.reinterpret_f32 (local.get 1)))"
                " (i32.or (f32.eq (local.get 0) (local.get 0)) (f32.eq (local.get 1)"
                "  (local.get 1)))))"
                "(func $differ64 (param f64 f64) (result i32) (i32.and"
                " (i64.ne (i64.reinterpret_f64 (local.get 0)) (i64.reinterpret_f64 (local.get 1)))"
                " (i32.or (f64.eq (local.get 0) (local.get 0)) (f64.eq (local.get 1)"
                "  (local.get 1)))))"));
    u32 n = 0;
    for (u32 op = 0; op < OP_COUNT; op++) {
        const OpInfo *o = &op_infos[op];
        if (!is_binary_number(o))
            continue;
        put_again(&b, o, n);
        const char *t = type_name(o->sig[0]);
        for (usize k = 0; k < ARRAY_LEN(values); k++)
            buf_printf(&run, "(call $again%u (%s.const %s) (%s.const %s))", n, t, values[k][0], t,
                       values[k][1]);
        n++;
    }
    EXPECT(n > 60);
    buf_str(&b, STR("(func (export \"run\") (result i32)"));
    buf_bytes(&b, run.p, run.n);
    buf_str(&b, STR("(i32.const 1))"));
    each_mode(text_of(&b), again);
    buf_release(&b);
    buf_release(&run);
}

/* --- very many parameters and results --- */

enum { PARAMS = 400, RESULTS = 1000 };

static void put_types(Buf *b, const char *what, u32 n)
{
    static const char *const types[] = {"i32", "f64", "i64", "v128", "f32"};
    buf_printf(b, "(%s", what);
    for (u32 i = 0; i < n; i++)
        buf_printf(b, " %s", types[i % ARRAY_LEN(types)]);
    buf_str(b, STR(")"));
}

static void put_values(Buf *b, u32 n)
{
    static const char *const consts[] = {"i32.const ", "f64.const ", "i64.const ",
                                         "v128.const i64x2 5 ", "f32.const "};
    for (u32 i = 0; i < n; i++)
        buf_printf(b, "(%s%u)", consts[i % ARRAY_LEN(consts)], i + 1);
}

/* Takes all values off the stack; traps if one is not what put_values pushed. */
static void put_checks(Buf *b, u32 n)
{
    static const char *const checks[] = {
        "(i32.ne (i32.const %u))", "(f64.ne (f64.const %u))", "(i64.ne (i64.const %u))",
        "(i64.ne (i64x2.extract_lane 1) (i64.const %u))", "(f32.ne (f32.const %u))"};
    for (u32 i = n; i-- > 0;) {
        const char *c = checks[i % ARRAY_LEN(checks)], *at = strstr(c, "%u");
        buf_printf(b, "%.*s%u%s (if (then unreachable))", (int)(at - c), c, i + 1, at + 2);
    }
}

static void many(Harness *h)
{
    static const char *const names[] = {"call", "indirect", "block", "loop", "br_table"};
    for (usize i = 0; i < ARRAY_LEN(names); i++)
        EXPECT_EQ(harness_run(h, names[i], 2, 0, 0), 1);
}

TEST(security_very_many_params_and_results)
{
    Buf b = {0};
    buf_str(&b, STR("(type $t (func "));
    put_types(&b, "param", PARAMS);
    put_types(&b, "result", RESULTS);
    buf_str(&b, STR(")) (type $b (func "));
    put_types(&b, "param", PARAMS);
    put_types(&b, "result", PARAMS);
    buf_str(&b, STR(")) (type $r (func "));
    put_types(&b, "result", PARAMS);
    buf_str(&b, STR(")) (table funcref (elem $f)) (func $f (type $t)"));
    for (u32 i = 0; i < PARAMS; i++)
        buf_printf(&b, "(local.get %u)", i);
    put_checks(&b, PARAMS);
    put_values(&b, RESULTS);
    static const char *const ways[] = {
        "(func (export \"call\") (param i32) (result i32)",
        "(func (export \"indirect\") (param i32) (result i32)",
        "(func (export \"block\") (param i32) (result i32)",
        "(func (export \"loop\") (param i32) (result i32)",
        ("(func (export \"br_table\") (param i32) (result i32) (block $a (type $r)"
         " (block $b (type $r)"),
    };
    static const char *const middles[] = {
        "(call $f)", "(call_indirect (type $t) (i32.const 0))", "(block (type $b) (br 0))",
        "(loop (type $b) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))",
        "(br_table $a $b $a (local.get 0))) unreachable)"};
    for (usize i = 0; i < ARRAY_LEN(ways); i++) {
        buf_str(&b, STR(")"));
        buf_str(&b, str_of(ways[i]));
        put_values(&b, PARAMS);
        buf_str(&b, str_of(middles[i]));
        put_checks(&b, i < 2 ? RESULTS : PARAMS);
        buf_str(&b, STR("(i32.const 1)"));
    }
    buf_str(&b, STR(")"));
    each_mode(text_of(&b), many);
    buf_release(&b);
}

/* --- the callee's stack is not the caller's --- */

static void own_stack(Harness *h)
{
    EXPECT_EQ(harness_run(h, "caller", 0, 0, 0), 10 + 42);
    EXPECT_EQ(harness_run(h, "block", 0, 0, 0), 10 + 50);
}

TEST(security_a_return_takes_only_its_results)
{
    each_mode("(func $leaves (result i32) (i32.const 1337) (i64.const 1338) (f64.const 1)"
              " (i32.const 42) (return))"
              "(func (export \"caller\") (result i32) (i32.const 10) (call $leaves) (i32.add))"
              "(func (export \"block\") (result i32) (i32.const 10) (i32.const 20) (i32.const 30)"
              " (block (param i32 i32) (result i32) (i32.add) (br 0)) (i32.add))",
              own_stack);
}

/* --- each memory has its own bytes --- */

static void two_memories(Harness *h)
{
    EXPECT_EQ(harness_run(h, "loads", 0, 0, 0), 0x0102);
    EXPECT_EQ(harness_run(h, "lanes", 0, 0, 0), 0x0102);
    harness_run(h, "store", 0, 0, 0);
    EXPECT_EQ(harness_run(h, "loads", 0, 0, 0), 0x0907);
    harness_run(h, "copy", 0, 0, 0);
    EXPECT_EQ(harness_run(h, "loads", 0, 0, 0), 0x0909);
    harness_trap(h, "beyond first", 0, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_trap(h, "copy too far", 0, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    EXPECT_EQ(harness_run(h, "loads", 0, 0, 0), 0x0909);
    EXPECT_EQ(harness_run(h, "overlap up", 0, 0, 0), 0x0001010203);
    EXPECT_EQ(harness_run(h, "overlap down", 0, 0, 0), 0x0102030303);
}

TEST(security_memories_are_their_own)
{
    each_mode(
        "(memory $a 1 1) (memory $b i64 2 2) (memory $c 1 1)"
        "(data (memory $a) (i32.const 16) \"\\01\") (data (memory $b) (i64.const 16) \"\\02\")"
        "(func (export \"loads\") (result i32) (i32.or"
        " (i32.shl (i32.load8_u $a (i32.const 16)) (i32.const 8)) (i32.load8_u $b (i64.const 16))))"
        "(func (export \"lanes\") (result i32) (i32.or (i32.shl (i8x16.extract_lane_u 3"
        "  (v128.load8_lane $a 3 (i32.const 16) (v128.const i64x2 0 0))) (i32.const 8))"
        " (i8x16.extract_lane_u 0 (v128.load $b (i64.const 16)))))"
        "(func (export \"store\") (i32.store8 $a (i32.const 16) (i32.const 9))"
        " (i64.store8 $b (i64.const 16) (i64.const 7)))"
        "(func (export \"copy\") (memory.copy $b $a (i64.const 16) (i32.const 16) (i32.const 1)))"
        "(func (export \"beyond first\") (drop (i32.load8_u $a (i32.const 65536))))"
        "(func (export \"copy too far\")"
        " (memory.copy $b $a (i64.const 16) (i32.const 16) (i32.const 65521)))"
        "(func $set (i32.store $c (i32.const 0) (i32.const 0x03020100)) (i32.store8 $c (i32.const "
        "4)"
        " (i32.const 0)))"
        "(func $get (result i64) (local $i i32) (local $n i64) (loop (local.set $n (i64.or"
        " (i64.shl (local.get $n) (i64.const 8)) (i64.load8_u $c (local.get $i))))"
        " (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))"
        " (i32.const 5)))) (local.get $n))"
        "(func (export \"overlap up\") (result i64) (call $set)"
        " (memory.copy $c $c (i32.const 1) (i32.const 0) (i32.const 4)) (i32.store8 $c (i32.const "
        "1)"
        " (i32.load8_u $c (i32.const 2)))  (call $get))"
        "(func (export \"overlap down\") (result i64) (call $set)"
        " (memory.copy $c $c (i32.const 0) (i32.const 1) (i32.const 3))"
        " (i32.store8 $c (i32.const 4) (i32.const 3)) (call $get))",
        two_memories);
}

/* --- each access at each edge --- */

static const u64 offsets[] = {0, 1, 65535, 65536, 0x7fffffff, 0xffffffff};

static void at_edges(Harness *h)
{
    static const u64 indices[] = {0,          1,          65519,      65520,      65521,     65528,
                                  65529,      65532,      65533,      65534,      65535,     65536,
                                  0x7fffffff, 0x80000000, 0x80000001, 0xfffffff0, 0xffffffff};
    for (u32 op = 0; op < OP_COUNT; op++) {
        const OpInfo *o = &op_infos[op];
        if ((o->imm != IMM_MEMARG && o->imm != IMM_MEMARG_LANE) || o->prefix == 0xfe)
            continue;
        u64 width = 1u << op_access_log2((OpId)op);
        for (usize k = 0; k < ARRAY_LEN(offsets); k++)
            for (usize i = 0; i < ARRAY_LEN(indices); i++) {
                char name[64];
                VmVal vals[4] = {{.ref = indices[i]}};
                snprintf(name, sizeof name, "%s %zu", o->text, k);
                int got = harness_call(h, name, vals);
                bool inside = indices[i] + offsets[k] + width <= 65536;
                if (got != (inside ? HARNESS_OK : TRAP_MEMORY_OUT_OF_BOUNDS))
                    test_fail(__FILE__, __LINE__, "%s at %llu: %d", name,
                              (unsigned long long)indices[i], got);
            }
    }
}

TEST(security_every_access_at_every_edge)
{
    Buf b = {0};
    buf_str(&b, STR("(memory 1 1)"));
    for (u32 op = 0; op < OP_COUNT; op++) {
        const OpInfo *o = &op_infos[op];
        if ((o->imm != IMM_MEMARG && o->imm != IMM_MEMARG_LANE) || o->prefix == 0xfe)
            continue;
        const char *lane = o->imm == IMM_MEMARG_LANE ? " 0" : "";
        for (usize k = 0; k < ARRAY_LEN(offsets); k++) {
            buf_printf(&b,
                       "(func (export \"%s %zu\") (param i32) (local v128 i64 f32 f64 i32)"
                       " (local.get 0)",
                       o->text, k);
            /* the other operand, by its type */
            static const struct {
                char c;
                u32 local;
            } locals[] = {{'v', 1}, {'l', 2}, {'f', 3}, {'d', 4}, {'i', 5}};
            for (usize i = 0; i < ARRAY_LEN(locals); i++)
                if (o->sig[1] == locals[i].c)
                    buf_printf(&b, "(local.get %u)", locals[i].local);
            buf_printf(&b, "%s offset=%llu%s", o->text, (unsigned long long)offsets[k], lane);
            buf_str(&b, str_of(strchr(o->sig, ':')[1] ? " drop)" : ")"));
        }
    }
    each_mode(text_of(&b), at_edges);
    buf_release(&b);
}
