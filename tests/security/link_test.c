/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Several instances: what one module hides must not be reached from another, types are compared by
 * what they are, and each access goes to the memory and the table that it names.
 */
#include "security/modes.h"
#include "wasm/text/text.h"

#include <stdio.h>

typedef struct Linked {
    Engine *engine;
    Store *store;
    Linker *linker;
} Linked;

static Linked linked_new(void)
{
    Linked l = {0};
    EngineConfig c;
    engine_config_init(&c);
    EXPECT(!engine_new(&c, &l.engine) && !engine_store_new(l.engine, &l.store));
    l.linker = linker_new(l.store);
    return l;
}

static void linked_free(Linked *l)
{
    linker_free(l->linker);
    store_free(l->store);
    engine_free(l->engine);
}

MUST_CHECK static Error *try_add(Linked *l, const char *name, const char *wat, Instance **ret)
{
    Buf bin = {0};
    Diag d;
    diag_init(&d);
    if (!text_parse_module(str_of(wat), &(TextOptions){0}, &bin, NULL, &d))
        test_fail(__FILE__, __LINE__, "%s at %llu", d.msg, (unsigned long long)d.offset);
    Module *m = NULL;
    Error *e = engine_module_new(l->engine, bin.p, bin.n, &d, &m);
    EXPECT(!e);
    e = linker_instantiate(l->linker, m, ret);
    module_unref(m);
    buf_release(&bin);
    if (!e)
        e = linker_define_instance(l->linker, str_of(name), *ret);
    return e;
}

static Instance *add(Linked *l, const char *name, const char *wat)
{
    Instance *i = NULL;
    Error *e = try_add(l, name, wat, &i);
    if (e)
        test_fail(__FILE__, __LINE__, "%s: %s", name, e->message);
    return i;
}

/* The trap's code, HARNESS_OK without one; other errors are -2. The result is in vals[0]. */
static int call(Instance *i, const char *name, VmVal *vals)
{
    Extern x;
    EXPECT(instance_export(i, str_of(name), &x));
    Error *e = func_call(instance_store(i), x.func, vals);
    if (!e)
        return HARNESS_OK;
    const Error *trap = error_find(e, ERROR_TRAP);
    int code = trap ? trap->value : -2;
    error_free(e);
    return code;
}

static u32 result(Instance *i, const char *name, u32 arg)
{
    VmVal vals[2] = {{.i32 = (i32)arg}};
    EXPECT_EQ(call(i, name, vals), HARNESS_OK);
    return (u32)vals[0].i32;
}

static int trap(Instance *i, const char *name, u32 arg)
{
    VmVal vals[2] = {{.i32 = (i32)arg}};
    return call(i, name, vals);
}

/* --- null is null in every module: no number of it is another module's private function --- */

TEST(security_unset_references_are_null)
{
    Linked l = linked_new();
    add(&l, "a",
        "(func $private (result i32) (i32.const 42)) (table (export \"t\") 3 funcref)"
        "(elem declare func $private)");
    Instance *b = add(&l, "b",
                      "(type $v (func (result i32))) (import \"a\" \"t\" (table $t 3 funcref))"
                      "(table $own 3 funcref) (global $g (mut funcref) (ref.null func))"
                      "(global $x (mut externref) (ref.null extern))"
                      "(func (export \"local\") (result i32) (local funcref)"
                      " (table.set $t (i32.const 0) (local.get 0))"
                      " (call_indirect $t (type $v) (i32.const 0)))"
                      "(func (export \"slot\") (result i32) (call_indirect $t (type $v)"
                      " (i32.const 1)))"
                      "(func (export \"copied\") (result i32)"
                      " (table.copy $t $own (i32.const 0) (i32.const 0) (i32.const 3))"
                      " (call_indirect $t (type $v) (i32.const 2)))"
                      "(func (export \"global\") (result i32)"
                      " (table.set $own (i32.const 1) (global.get $g))"
                      " (call_indirect $own (type $v) (i32.const 1)))"
                      "(func (export \"grown\") (result i32)"
                      " (call_indirect $own (type $v)"
                      "  (table.grow $own (ref.null func) (i32.const 2))))"
                      "(func (export \"nulls\") (result i32) (local externref)"
                      " (i32.add (ref.is_null (local.get 0)) (ref.is_null (global.get $x))))");
    static const char *const names[] = {"local", "slot", "copied", "global", "grown"};
    for (usize i = 0; i < ARRAY_LEN(names); i++)
        EXPECT_EQ(trap(b, names[i], 0), TRAP_INDIRECT_CALL_TO_NULL);
    EXPECT_EQ(result(b, "nulls", 0), 2);
    linked_free(&l);
}

/* --- types are compared by structure, across modules and re-exports --- */

TEST(security_types_hold_across_modules)
{
    static const struct {
        bool same;
        const char *type, *args, *result;
    } rows[] = {
        {true, "(type $t (func (param i32) (result i32)))", "(i32.const 41)", ""},
        {true, "(type $x (func)) (type $t (func (param i32) (result i32)))", "(i32.const 41)", ""},
        {true, "(rec (type $t (func (param i32) (result i32))))", "(i32.const 41)", ""},
        {false, "(type $t (func (param i64) (result i32)))", "(i64.const 41)", ""},
        {false, "(type $t (func (param i32) (result i64)))", "(i32.const 41)", "i32.wrap_i64"},
        {false, "(type $t (func (param i32)))", "(i32.const 41)", "(i32.const 0)"},
        {false, "(type $t (func (param i32 i32) (result i32)))", "(i32.const 1) (i32.const 2)", ""},
        {false, "(type $t (sub (func (param i32) (result i32))))", "(i32.const 41)", ""},
        {false, "(rec (type $t (func (param i32) (result i32))) (type (func)))", "(i32.const 41)",
         ""},
        {false, "(type $o (sub (func))) (type $t (sub final $o (func)))", "", "(i32.const 0)"},
    };
    for (usize k = 0; k < ARRAY_LEN(rows); k++) {
        Linked l = linked_new();
        add(&l, "a",
            "(table (export \"t\") 1 funcref) (elem (i32.const 0) $f)"
            "(func $f (export \"f\") (param i32) (result i32)"
            " (i32.add (local.get 0) (i32.const 1)))");
        /* through a module in between that hands on what it imports */
        add(&l, "b",
            "(import \"a\" \"t\" (table 1 funcref)) (export \"t\" (table 0))"
            "(import \"a\" \"f\" (func (param i32) (result i32))) (export \"f\" (func 0))");
        char wat[800];
        snprintf(wat, sizeof wat,
                 "%s (import \"b\" \"t\" (table 1 funcref))"
                 "(func (export \"run\") (param i32) (result i32)"
                 " (call_indirect (type $t) %s (i32.const 0)) %s)",
                 rows[k].type, rows[k].args, rows[k].result);
        Instance *c = add(&l, "c", wat);
        if (rows[k].same)
            EXPECT_EQ(result(c, "run", 0), 42);
        else
            EXPECT_EQ(trap(c, "run", 0), TRAP_BAD_SIGNATURE);
        Instance *d = NULL;
        snprintf(wat, sizeof wat, "%s (import \"b\" \"f\" (func (type $t)))", rows[k].type);
        Error *e = try_add(&l, "d", wat, &d);
        if ((e == NULL) != rows[k].same)
            test_fail(__FILE__, __LINE__, "import of %s", rows[k].type);
        error_free(e);
        linked_free(&l);
    }
}

/* --- imported and defined tables and memories by the same instructions --- */

TEST(security_imported_and_defined_are_not_mixed_up)
{
    Linked l = linked_new();
    Instance *a = add(&l, "a",
                      "(table (export \"t\") 4 funcref) (memory (export \"m\") 1)"
                      "(global (export \"g\") (mut i32) (i32.const 1))"
                      "(func (export \"set\") (param i32) (result i32)"
                      " (ref.is_null (table.get 0 (local.get 0))))"
                      "(func (export \"byte\") (param i32) (result i32)"
                      " (i32.load8_u (local.get 0)))"
                      "(func (export \"global\") (result i32) (global.get 0))");
    Instance *b = add(&l, "b",
                      "(import \"a\" \"t\" (table $t 4 funcref)) (import \"a\" \"m\" (memory $m 1))"
                      "(import \"a\" \"g\" (global $g (mut i32)))"
                      "(table $u 4 funcref) (table $v 4 funcref) (memory $n 1)"
                      "(global $h (mut i32) (i32.const 2))"
                      "(data $d \"\\07\\07\\07\\07\") (elem $e func $f $f $f $f) (func $f)"
                      "(func (export \"run\")"
                      " (table.fill $u (i32.const 1) (ref.func $f) (i32.const 2))"
                      " (table.init $v $e (i32.const 0) (i32.const 0) (i32.const 4))"
                      " (drop (table.grow $u (ref.func $f) (i32.const 3)))"
                      " (memory.fill $n (i32.const 0) (i32.const 5) (i32.const 100))"
                      " (memory.init $n $d (i32.const 8) (i32.const 0) (i32.const 4))"
                      " (drop (memory.grow $n (i32.const 1)))"
                      " (global.set $h (i32.const 3)))"
                      "(func (export \"over\")"
                      " (table.copy $t $u (i32.const 1) (i32.const 1) (i32.const 1))"
                      " (memory.copy $m $n (i32.const 50) (i32.const 8) (i32.const 1))"
                      " (global.set $g (global.get $h)))"
                      "(func (export \"sizes\") (result i32) (i32.add (i32.add"
                      " (i32.mul (table.size $t) (i32.const 100))"
                      " (i32.mul (table.size $u) (i32.const 10))) (memory.size $m)))"
                      "(func (export \"far\") (table.fill $t (i32.const 4) (ref.func $f)"
                      " (i32.const 1)))");
    EXPECT_EQ(trap(b, "run", 0), HARNESS_OK);
    for (u32 k = 0; k < 4; k++)
        EXPECT_EQ(result(a, "set", k), 1);
    for (u32 k = 0; k < 100; k++)
        EXPECT_EQ(result(a, "byte", k), 0);
    EXPECT_EQ(result(a, "global", 0), 1);
    EXPECT_EQ(result(b, "sizes", 0), 471);
    EXPECT_EQ(trap(b, "far", 0), TRAP_TABLE_OUT_OF_BOUNDS); /* the defined one is larger now */
    EXPECT_EQ(trap(b, "over", 0), HARNESS_OK);
    EXPECT_EQ(result(a, "set", 1), 0);
    EXPECT_EQ(result(a, "byte", 50), 7);
    EXPECT_EQ(result(a, "global", 0), 3);
    linked_free(&l);
}

/* --- the memory of another instance moves, ends in a trap, tail-calls --- */

TEST(security_the_callers_memory_is_back_after_any_call)
{
    Linked l = linked_new();
    add(&l, "a",
        "(memory 1) (data (i32.const 0) \"\\aa\") (global $g (mut i32) (i32.const 7))"
        "(func (export \"grow\") (param i32) (result i32)"
        " (drop (memory.grow (i32.const 40))) (i32.load8_u (i32.const 0)))"
        "(func (export \"boom\") (param i32) (result i32)"
        " (i32.store (i32.const 0) (i32.const 1)) unreachable)"
        "(func (export \"tail\") (param i32) (result i32)"
        " (return_call $own (local.get 0)))"
        "(func $own (param i32) (result i32)"
        " (i32.add (global.get $g) (i32.load8_u (i32.const 0))))");
    Instance *b = add(&l, "b",
                      "(type $t (func (param i32) (result i32)))"
                      "(import \"a\" \"grow\" (func $grow (type $t)))"
                      "(import \"a\" \"boom\" (func $boom (type $t)))"
                      "(import \"a\" \"tail\" (func $tail (type $t)))"
                      "(table funcref (elem $tail)) (memory 1) (data (i32.const 0) \"\\bb\")"
                      "(global $g (mut i32) (i32.const 9))"
                      "(func (export \"grows\") (param i32) (result i32)"
                      " (i32.add (call $grow (i32.const 0)) (i32.load8_u (i32.const 0))))"
                      "(func (export \"traps\") (param i32) (result i32) (call $boom"
                      " (i32.const 0)))"
                      "(func (export \"mine\") (param i32) (result i32)"
                      " (i32.load8_u (i32.const 0)))"
                      "(func (export \"tails\") (param i32) (result i32)"
                      " (i32.add (call $over (i32.const 1)) (i32.load8_u (i32.const 0))))"
                      "(func $over (type $t) (return_call $tail (local.get 0)))"
                      "(func (export \"indirect\") (param i32) (result i32)"
                      " (i32.add (i32.add (call $i (i32.const 1)) (i32.load8_u (i32.const 0)))"
                      "  (global.get $g)))"
                      "(func $i (type $t) (return_call_indirect (type $t) (local.get 0)"
                      " (i32.const 0)))");
    EXPECT_EQ(result(b, "grows", 0), 0xaa + 0xbb);
    EXPECT_EQ(result(b, "tails", 0), 7 + 0xaa + 0xbb);
    EXPECT_EQ(result(b, "indirect", 0), 7 + 0xaa + 0xbb + 9);
    EXPECT_EQ(trap(b, "traps", 0), TRAP_UNREACHABLE);
    EXPECT_EQ(result(b, "mine", 0), 0xbb);
    linked_free(&l);
}

/* --- tail calls to functions of the host, with no frame of wasm left --- */

static u64 host_fails(void *env, VmCtx *caller, u64 n)
{
    (void)env;
    if (n == 1)
        host_fail(caller_store(caller), error_new("the host fails"));
    if (n == 2)
        host_fail(caller_store(caller), trap_error(TRAP_UNREACHABLE));
    return n;
}

TEST(security_tail_calls_to_the_host)
{
    Linked l = linked_new();
    static const ValType i64s[] = {VT_I64};
    TypeRegistry *types = engine_types(l.engine);
    u32 type = types_add_func(types, i64s, 1, i64s, 1);
    Extern host = {.kind = EXTERN_FUNC};
    EXPECT(!store_host_func(l.store, type, true, (void *)host_fails, NULL, &host.func));
    EXPECT(!linker_define(l.linker, STR("h"), STR("f"), host));
    types_unref(types, type);
    Instance *i = add(&l, "a",
                      "(type $t (func (param i64) (result i64))) (import \"h\" \"f\" (func $f"
                      " (type $t))) (table funcref (elem $f))"
                      "(func (export \"direct\") (type $t) (return_call $f (local.get 0)))"
                      "(func (export \"indirect\") (type $t)"
                      " (return_call_indirect (type $t) (local.get 0) (i32.const 0)))"
                      "(func (export \"ref\") (type $t) (return_call_ref $t (local.get 0)"
                      " (ref.func $f)))"
                      "(func $odd (export \"ring\") (type $t) (if (i64.eqz (local.get 0))"
                      " (then (return_call $f (i64.const 2))))"
                      " (return_call $even (i64.sub (local.get 0) (i64.const 1))))"
                      "(func $even (type $t) (if (i64.eqz (local.get 0))"
                      " (then (return_call $f (i64.const 5))))"
                      " (return_call $odd (i64.sub (local.get 0) (i64.const 1))))");
    static const char *const names[] = {"direct", "indirect", "ref"};
    for (usize k = 0; k < ARRAY_LEN(names); k++) {
        VmVal none[2] = {{.i64 = 9}}, error[2] = {{.i64 = 1}}, trapped[2] = {{.i64 = 2}};
        EXPECT_EQ(call(i, names[k], none), HARNESS_OK);
        EXPECT_EQ(none[0].i64, 9);
        EXPECT_EQ(call(i, names[k], error), -2);
        EXPECT_EQ(call(i, names[k], trapped), TRAP_UNREACHABLE);
    }
    VmVal odd[2] = {{.i64 = 10000000}}, even[2] = {{.i64 = 9999999}};
    EXPECT_EQ(call(i, "ring", odd), TRAP_UNREACHABLE);
    EXPECT_EQ(call(i, "ring", even), HARNESS_OK);
    EXPECT_EQ(even[0].i64, 5);
    linked_free(&l);
}
