/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Instances, memories, tables, segments, linking. */
#include "os/vm.h"
#include "unit/runtime/fake_code.h"
#include "unit/test.h"

#include <stdio.h>
#include <sys/resource.h>

#define T "(type (func (param i32 i32) (result i32)))"
#define ADD "(func $add (export \"add\") (type 0) unreachable)"

static Extern export_of(Instance *i, const char *name)
{
    Extern e;
    if (!instance_export(i, str_of(name), &e))
        test_fail(__FILE__, __LINE__, "no export %s", name);
    return e;
}

TEST(segments_globals_and_constant_expressions)
{
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    Module *m = fake_module(
        &f, "(module " T ADD "(memory (export \"m\") 1 3) (table (export \"t\") 4 8 funcref)"
            "(global $a (export \"a\") i32 (i32.sub (i32.const 7) (i32.mul (i32.const 2)"
            "  (i32.const 3))))"
            "(global (export \"b\") (mut i64) (i64.add (i64.const -1) (i64.const 3)))"
            "(global (export \"c\") funcref (ref.func $add))"
            "(global (export \"d\") v128 (v128.const i32x4 1 2 3 4))"
            "(elem (offset (global.get $a)) func $add $add)"
            "(data (i32.const 65534) \"hi\") (data \"passive\"))");
    Store *s = fake_store(&f);
    Instance *i = fake_instance(s, m, NULL, 0);
    EXPECT_EQ(global_value(export_of(i, "a").global)->i32, 1);
    EXPECT_EQ(global_value(export_of(i, "b").global)->i64, 2);
    EXPECT_EQ(global_value(export_of(i, "c").global)->ref,
              (u64)(uintptr_t)export_of(i, "add").func);
    EXPECT_EQ(global_value(export_of(i, "d").global)->v128[12], 4);
    u64 n = 0;
    u64 *elems = table_elems(export_of(i, "t").table, &n);
    EXPECT_EQ(n, 4);
    EXPECT(elems[0] == 0 && elems[1] && elems[1] == elems[2] && elems[3] == 0);
    u8 *base = memory_data(export_of(i, "m").memory, &n);
    EXPECT_EQ(n, 65536);
    EXPECT(memcmp(base + 65534, "hi", 2) == 0);
    store_free(s);
    module_unref(m);
    fake_release(&f);
}

TEST(memories_and_tables_grow_within_their_limits)
{
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    Store *s = fake_store(&f);
    MemoryType t = {.limits = {1, 3, true}, .page_size_log2 = 16};
    Memory *m = NULL;
    EXPECT(store_memory_new(s, &t, &m) == NULL);
    u64 n = 0;
    u8 *base = memory_data(m, &n);
    EXPECT_EQ(memory_grow(s, m, 2), 1);
    EXPECT_EQ(memory_grow(s, m, 1), -1);
    EXPECT_EQ(memory_grow(s, m, UINT64_MAX), -1);
    EXPECT_EQ(memory_grow(s, m, 0), 3);
    EXPECT(memory_data(m, &n) == base && n == 3 * 65536);
    EXPECT_EQ(base[n - 1], 0);
    TableType tt = {.elem = VT_EXTERNREF, .limits = {1, 0, false}};
    RtTable *table = NULL;
    EXPECT(store_table_new(s, &tt, store_extern_new(s, &f), &table) == NULL);
    EXPECT_EQ(table_grow(s, table, 99, 0), 1);
    EXPECT_EQ(table_grow(s, table, UINT64_MAX, 0), -1);
    EXPECT_EQ(table_grow(s, table, (u64)UINT32_MAX - 99, 0), -1);
    u64 *elems = table_elems(table, &n);
    EXPECT_EQ(n, 100);
    EXPECT(store_extern_get(s, elems[0]) == &f && elems[99] == 0 && elems[0] % 2 == 0);
    store_free(s);
    fake_release(&f);
}

TEST(memories_without_a_reservation_move_when_they_grow)
{
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    f.tunables.memory_reservation = 0;
    Store *s = fake_store(&f);
    MemoryType t = {.limits = {1, 0, false}, .page_size_log2 = 16};
    Memory *m = NULL;
    EXPECT(store_memory_new(s, &t, &m) == NULL);
    u64 n = 0;
    u8 *before = memory_data(m, &n);
    before[65535] = 9;
    EXPECT_EQ(memory_grow(s, m, 10), 1);
    u8 *after = memory_data(m, &n);
    EXPECT(after != before && after[65535] == 9 && after[n - 1] == 0);
    MemoryType bytes = {.limits = {5, 10, true}, .page_size_log2 = 0};
    EXPECT(store_memory_new(s, &bytes, &m) == NULL);
    EXPECT_EQ(memory_grow(s, m, 5), 5);
    EXPECT_EQ(memory_grow(s, m, 1), -1);
    memory_data(m, &n);
    EXPECT_EQ(n, 10);
    MemoryType wide = {.limits = {(u64)1 << 48, 0, false}, .page_size_log2 = 16, .is64 = true};
    EXPECT(strstr(fake_text(store_memory_new(s, &wide, &m)), "exceeds memory limits"));
    store_free(s);
    fake_release(&f);
}

TEST(memories_do_with_little_address_space)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    test_skip("sanitizers need more address space");
#endif
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    f.tunables.memory_reservation = (u64)1 << 30;
    f.tunables.signal_traps = false;
    Store *s = fake_store(&f);
    struct rlimit limit = {.rlim_cur = 900 << 20, .rlim_max = RLIM_INFINITY};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        test_skip("the address space cannot be limited");
    MemoryType t = {.limits = {1, 0, false}, .page_size_log2 = 16};
    Memory *m = NULL;
    if (store_memory_new(s, &t, &m))
        test_skip("the program itself needs more address space");
    EXPECT_EQ(memory_grow(s, m, 1000), 1);
    EXPECT_EQ(memory_grow(s, m, 60000), -1);
    u64 n = 0;
    u8 *p = memory_data(m, &n);
    EXPECT(n == 1001 * 65536 && p[n - 1] == 0);
    store_free(s);
    fake_release(&f);
}

static u64 resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long long pages = 0;
    if (!f || fscanf(f, "%*u %llu", &pages) != 1)
        test_fail(__FILE__, __LINE__, "no resident pages in /proc/self/statm");
    fclose(f);
    return pages * 4096;
}

/* Grows by a MiB until it is refused: nothing is copied or touched, and the base seldom changes. */
TEST(growth_in_little_address_space_is_linear)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    test_skip("sanitizers need more address space");
#endif
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    f.tunables.memory_reservation = 0;
    f.tunables.signal_traps = false;
    Store *s = fake_store(&f);
    struct rlimit limit = {.rlim_cur = 900 << 20, .rlim_max = RLIM_INFINITY};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        test_skip("the address space cannot be limited");
    MemoryType t = {.limits = {1, 0, false}, .page_size_log2 = 16};
    Memory *m = NULL;
    if (store_memory_new(s, &t, &m))
        test_skip("the program itself needs more address space");
    u64 n = 0, before = resident_bytes();
    u32 moves = 0;
    u8 *base = memory_data(m, &n);
    base[0] = 1;
    while (memory_grow(s, m, 16) >= 0) {
        u8 *now = memory_data(m, &n);
        moves += now != base;
        base = now;
        EXPECT(now[0] == 1 && now[n - 1] == 0);
        now[n - 1] = (u8)(n >> 20);
    }
    EXPECT_EQ(memory_grow(s, m, 16), -1);
    EXPECT_EQ(memory_grow(s, m, 0), (i64)(n >> 16));
    for (u64 at = (1 << 20) + 65536; at <= n; at += 1 << 20)
        EXPECT_EQ(base[at - 1], (u8)(at >> 20));
    EXPECT(n > (u64)600 << 20); /* more than half: old and new place never exist at once */
    EXPECT(moves >= 1 && moves <= 40);
    EXPECT(resident_bytes() < before + ((u64)64 << 20));
    void *left = os_vm_reserve(32 << 20); /* the host can go on */
    EXPECT(left != NULL);
    os_vm_release(left, 32 << 20);
    store_free(s);
    fake_release(&f);
}

TEST(null_elements_of_large_tables_take_no_memory)
{
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    Store *s = fake_store(&f);
    TableType type = {.elem = VT_EXTERNREF, .limits = {3, 0, false}};
    RtTable *table = NULL;
    EXPECT(store_table_new(s, &type, 6, &table) == NULL);
    u64 before = resident_bytes();
    u64 n = 0;
    for (u64 size = 3; size < 40000000; size += 1000000) {
        EXPECT_EQ(table_grow(s, table, 1000000, 0), (i64)size);
        u64 *elems = table_elems(table, &n);
        EXPECT(elems[2] == 6 && elems[size - 1] == (size == 3 ? 6 : 8) && elems[size] == 0);
        elems[n - 1] = 8;
    }
    EXPECT_EQ(table_grow(s, table, 2, 4), 40000003);
    u64 *elems = table_elems(table, &n);
    EXPECT(n == 40000005 && elems[n - 1] == 4 && elems[n - 2] == 4 && elems[n - 3] == 8);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    before = UINT64_MAX / 2; /* their shadows are resident, too */
#endif
    EXPECT(resident_bytes() < before + ((u64)16 << 20));
    EXPECT_EQ(table_grow(s, table, UINT32_MAX, 0), -1);
    store_free(s);
    fake_release(&f);
}

TEST(memory_grow_of_compiled_code)
{
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    Module *m = fake_module(&f, "(module " T "(memory 1 3)"
                                "(func (export \"grow\") (type 0) unreachable)"
                                "(func (export \"load\") (type 0) unreachable))");
    Store *s = fake_store(&f);
    Instance *i = fake_instance(s, m, NULL, 0);
    EXPECT(strstr(fake_call_error(i, "load", 65536, 0), "out of bounds"));
    EXPECT_EQ(fake_call(i, "grow", 1, 0), 1);
    EXPECT_EQ(fake_call(i, "load", 65536, 0), 0);
    EXPECT_EQ(fake_call(i, "grow", 2, 0), UINT32_MAX);
    store_free(s);
    f.config.limits.trap_on_grow_failure = true;
    s = fake_store(&f);
    i = fake_instance(s, m, NULL, 0);
    EXPECT(strstr(fake_call_error(i, "grow", 3, 0), "forcing trap when growing memory to 262144"));
    store_free(s);
    module_unref(m);
    fake_release(&f);
}

TEST(failed_instantiation_keeps_its_effects_and_its_functions)
{
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    Store *s = fake_store(&f);
    Module *owner = fake_module(&f, "(module (table (export \"t\") 2 funcref))");
    Instance *o = fake_instance(s, owner, NULL, 0);
    Module *m = fake_module(&f, "(module " T "(import \"o\" \"t\" (table 2 funcref))" ADD
                                "(elem (i32.const 1) $add) (elem (i32.const 2) $add))");
    Extern import = export_of(o, "t");
    Instance *i = NULL;
    EXPECT_STR(fake_text(instance_new(s, m, &import, 1, &i)),
               "Error: wasm trap: undefined element: out of bounds table access\n");
    EXPECT(i == NULL);
    module_unref(m);
    u64 n = 0;
    VmFuncRef *add = (VmFuncRef *)(uintptr_t)table_elems(import.table, &n)[1];
    VmVal vals[2] = {{.i32 = 40}, {.i32 = 2}};
    EXPECT(func_call(s, add, vals) == NULL && vals[0].i32 == 42);
    store_free(s);
    module_unref(owner);
    fake_release(&f);
}

/* One import of each shape against what is offered. */
static const char *link_error(Fake *f, const char *offer, const char *want)
{
    Store *s = fake_store(f);
    char wat[300];
    snprintf(wat, sizeof wat, "(module %s)", offer);
    Module *a = fake_module(f, wat);
    snprintf(wat, sizeof wat, "(module (import \"a\" \"x\" %s))", want);
    Module *b = fake_module(f, wat);
    Linker *l = linker_new(s);
    Error *e = linker_define_instance(l, STR("a"), fake_instance(s, a, NULL, 0));
    EXPECT(e == NULL);
    Instance *i = NULL;
    const char *text = fake_text(linker_instantiate(l, b, &i));
    linker_free(l);
    store_free(s);
    module_unref(a);
    module_unref(b);
    return text;
}

TEST(imports_match_by_type)
{
    static const struct {
        const char *offer, *want;
        bool ok;
    } t[] = {
        {"(memory (export \"x\") 2)", "(memory 1)", true},
        {"(memory (export \"x\") 2)", "(memory 3)", false},
        {"(memory (export \"x\") 2)", "(memory 1 4)", false},
        {"(memory (export \"x\") 2 3)", "(memory 1 4)", true},
        {"(memory (export \"x\") i64 2 3)", "(memory 1 4)", false},
        {"(table (export \"x\") 2 funcref)", "(table 1 funcref)", true},
        {"(table (export \"x\") 2 funcref)", "(table 1 externref)", false},
        {"(global (export \"x\") i32 (i32.const 0))", "(global i32)", true},
        {"(global (export \"x\") i32 (i32.const 0))", "(global (mut i32))", false},
        {"(global (export \"x\") (ref null nofunc) (ref.null nofunc))", "(global funcref)", true},
        {"(global (export \"x\") i32 (i32.const 0))", "(func)", false},
        {"(func (export \"x\") (param i32))", "(func (param i32))", true},
        {"(func (export \"x\") (param i32))", "(func (param i64))", false},
        {"(tag (export \"x\") (param i32))", "(tag (param i32))", true},
        {"(tag (export \"x\") (param i32))", "(tag)", false},
        {"(type $s (sub (func))) (func (export \"x\") (type $s))", "(func)", false},
    };
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    for (u32 i = 0; i < ARRAY_LEN(t); i++) {
        const char *e = link_error(&f, t[i].offer, t[i].want);
        if ((*e == 0) != t[i].ok || (*e && !strstr(e, "incompatible import type for `a::x`")))
            test_fail(__FILE__, __LINE__, "%s for %s: \"%s\"", t[i].offer, t[i].want, e);
    }
    EXPECT_STR(link_error(&f, t[12].offer, t[12].want),
               "Error: incompatible import type for `a::x`\n\nCaused by:\n    types incompatible: "
               "expected type `(func (param i64))`, found type `(func (param i32))`\n");
    fake_release(&f);
}

/* The words are those of Wasmtime, which scripts look for. */
TEST(a_link_error_says_what_differs)
{
    static const struct {
        const char *offer, *want, *message;
    } t[] = {
        {"(memory (export \"x\") 0)", "(memory 1)",
         "memory types incompatible: expected memory limits (min: 1, max: none) doesn't match "
         "provided memory limits (min: 0, max: none)"},
        {"(memory (export \"x\") 1 3)", "(memory i64 1 3)",
         "memory types incompatible: expected 64-bit memory, found 32-bit memory"},
        {"(table (export \"x\") 1 3 funcref)", "(table 1 2 funcref)",
         "table types incompatible: expected table limits (min: 1, max: 2) doesn't match provided "
         "table limits (min: 1, max: 3)"},
        {"(table (export \"x\") 1 externref)", "(table 1 funcref)",
         "table types incompatible: expected table of type `funcref`, found table of type "
         "`externref`"},
        {"(table (export \"x\") i64 1 funcref)", "(table 1 funcref)",
         "table types incompatible: expected 32-bit table, found 64-bit table"},
        {"(global (export \"x\") i32 (i32.const 0))", "(global i64)",
         "global types incompatible: expected global of type `i64`, found global of type `i32`"},
        {"(global (export \"x\") (mut i32) (i32.const 0))", "(global i32)",
         "global types incompatible: expected immutable global, found mutable global"},
        {"(func (export \"x\"))", "(memory 1)", "expected memory, but found function"},
        {"(tag (export \"x\") (param i32))", "(func)", "expected func, but found tag"},
        {"(tag (export \"x\") (param i32))", "(tag)", "incompatible tag types"},
    };
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    for (u32 i = 0; i < ARRAY_LEN(t); i++) {
        const char *e = link_error(&f, t[i].offer, t[i].want);
        const char *cause = strstr(e, "Caused by:\n    ");
        if (!cause || strncmp(cause + 15, t[i].message, strlen(t[i].message)) != 0)
            test_fail(__FILE__, __LINE__, "%s for %s: \"%s\"", t[i].offer, t[i].want, e);
    }
    fake_release(&f);
}

TEST(all_missing_imports_are_in_one_error)
{
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    Store *s = fake_store(&f);
    Module *m = fake_module(&f, "(module (import \"a\" \"x\" (func (param i32)))"
                                "(import \"b\" \"y\" (global i64)))");
    Linker *l = linker_new(s);
    Instance *i = NULL;
    EXPECT_STR(fake_text(linker_instantiate(l, m, &i)),
               "Error: unknown import: `a::x` has not been defined (expected (func (param i32)); "
               "nothing is defined in module `a`)\n"
               "    unknown import: `b::y` has not been defined (expected (global i64); nothing is "
               "defined in module `b`)\n");
    RtGlobal *g = NULL;
    EXPECT(store_global_new(s, (GlobalType){VT_I64, false}, (VmVal){.i64 = 5}, &g) == NULL);
    Extern e = {.kind = EXTERN_GLOBAL, .global = g};
    EXPECT(linker_define(l, STR("b"), STR("y"), e) == NULL);
    EXPECT(strstr(fake_text(linker_define(l, STR("b"), STR("y"), e)), "defined twice"));
    linker_allow_shadowing(l, true);
    EXPECT(linker_define(l, STR("b"), STR("y"), e) == NULL);
    EXPECT(linker_define(l, STR("c"), STR("x"), e) == NULL);
    EXPECT(strstr(fake_text(linker_instantiate(l, m, &i)), "`c::x` is defined"));
    linker_unknown_imports(l, UNKNOWN_TRAP);
    EXPECT(linker_instantiate(l, m, &i) == NULL);
    linker_free(l);
    store_free(s);
    module_unref(m);
    fake_release(&f);
}

TEST(unknown_imports_trap_or_return_zero_when_called)
{
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    Store *s = fake_store(&f);
    Module *m = fake_module(&f, "(module " T "(import \"a\" \"x\" (func (type 0)))"
                                "(func (export \"import0\") (type 0) unreachable))");
    Linker *l = linker_new(s);
    Instance *i = NULL;
    linker_unknown_imports(l, UNKNOWN_TRAP);
    EXPECT(linker_instantiate(l, m, &i) == NULL);
    EXPECT(strstr(fake_call_error(i, "import0", 1, 2), "unknown import: `a::x` has not been"));
    linker_unknown_imports(l, UNKNOWN_DEFAULT);
    EXPECT(linker_instantiate(l, m, &i) == NULL);
    EXPECT_EQ(fake_call(i, "import0", 1, 2), 0);
    linker_free(l);
    store_free(s);
    module_unref(m);
    fake_release(&f);
}

TEST(limits_of_a_store_are_errors)
{
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    f.config.limits = (StoreLimits){
        .memory_bytes = 65536, .table_elements = 10, .instances = 4, .memories = 1, .tables = 1};
    Store *s = fake_store(&f);
    static const char *const t[][2] = {
        {"(module (memory 2))", "memory minimum size of 2 pages exceeds memory limits"},
        {"(module (table 11 funcref))", "table minimum size of 11 elements exceeds table limits"},
        {"(module (memory 1) (memory 1))", "memory count too high at 2"},
        {"(module (table 1 funcref) (table 1 funcref))", "table count too high at 2"},
        {"(module)", "instance count too high at 5"},
    };
    for (u32 k = 0; k < ARRAY_LEN(t); k++) {
        Module *m = fake_module(&f, t[k][0]);
        Instance *i = NULL;
        const char *e = fake_text(instance_new(s, m, NULL, 0, &i));
        if (!strstr(e, t[k][1]))
            test_fail(__FILE__, __LINE__, "%s: %s", t[k][0], e);
        module_unref(m);
    }
    store_free(s);
    fake_release(&f);
}

TEST(address_space_is_given_back)
{
    Fake f;
    fake_init(&f, CODE_BACKING_BEST);
    Module *m = fake_module(&f, "(module (memory 1) (table 10 funcref))");
    for (int k = 0; k < 40000; k++) { /* 160 TiB if none were */
        Store *s = fake_store(&f);
        fake_instance(s, m, NULL, 0);
        store_free(s);
    }
    module_unref(m);
    fake_release(&f);
}
