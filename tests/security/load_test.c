/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What a guest may cost: time to compile, address space, stack, fuel, descriptors. Limits are such
 * that a quadratic walk, a leak or a missing check would miss them by far.
 */
#include "security/modes.h"
#include "wasm/text/text.h"

#include "os/time.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
enum { SLOWER = 20 };
#else
enum { SLOWER = 1 };
#endif

static void repeat(Buf *b, const char *text, u32 n)
{
    usize size = strlen(text);
    buf_reserve(b, size * n);
    for (u32 i = 0; i < n; i++)
        buf_bytes(b, text, size);
}

static Buf binary_of(Buf *text)
{
    Buf bin = {0};
    Diag d;
    diag_init(&d);
    if (!text_parse_module((Str){(char *)text->p, text->n}, &(TextOptions){0}, &bin, NULL, &d))
        test_fail(__FILE__, __LINE__, "text: %s at %llu", d.msg, (unsigned long long)d.offset);
    return bin;
}

/* --- time to compile --- */

/* Compiles the whole module, or is refused, in time; releases the text. */
static void compiles(int line, Buf *text, double seconds)
{
    Buf bin = binary_of(text);
    for (u32 variant = 0; variant < 2; variant++) {
        EngineConfig c;
        engine_config_init(&c);
        c.lazy = false;
        c.compile_threads = 1;
        c.tunables.fuel = c.tunables.epoch = variant == 1;
        c.tunables.signal_traps &= variant == 0;
        Engine *engine = NULL;
        EXPECT(!engine_new(&c, &engine));
        clock_t start = clock();
        Module *m = NULL;
        Error *e = engine_module_new(engine, bin.p, bin.n, NULL, &m);
        double took = (double)(clock() - start) / CLOCKS_PER_SEC;
        printf("line %d: %zu bytes in %.3f s%s%s\n", line, bin.n, took, e ? ": " : "",
               e ? e->message : "");
        if (took > seconds * SLOWER)
            test_fail(__FILE__, line, "took %.2f s, the limit is %.2f s", took, seconds * SLOWER);
        error_free(e);
        if (m)
            module_unref(m);
        engine_free(engine);
    }
    buf_release(&bin);
    buf_release(text);
}

#define COMPILES(text, seconds) compiles(__LINE__, (text), (seconds))

TEST(security_compile_time_of_chains)
{
    enum { N = 100000 };
    static const char *const links[][2] = {
        {"i32.eqz ", ""},
        {"local.get 0 i32.add ", ""},
        {"local.get 0 local.get 1 select ", ""},
        {"local.tee 1 local.get 1 i32.add ", ""},
        {"i32.load ", ""},
        {"local.get 0 ", "i32.add "},
        {"local.get 1 i32.const 1 i32.add ", "i32.xor "},
        {"block (param i32) (result i32) ", "end "},
        {"loop (param i32) (result i32) ", "end "},
        {"local.get 0 if (param i32) (result i32) ", "else end "},
        {"block (param i32) (result i32) local.get 0 br_if 0 ", "local.get 1 br_if 0 end "},
    };
    for (usize i = 0; i < ARRAY_LEN(links); i++) {
        Buf t = {0};
        buf_str(&t, STR("(memory 1) (func (param i32 i32) (result i32) local.get 0 "));
        repeat(&t, links[i][0], N);
        repeat(&t, links[i][1], N);
        buf_str(&t, STR(")"));
        COMPILES(&t, 1);
    }
}

TEST(security_compile_time_of_branches)
{
    enum { TARGETS = 1000000, BLOCKS = 10000, TABLES = 1000 };
    Buf t = {0};
    buf_str(&t, STR("(func (param i32) block block local.get 0 br_table "));
    repeat(&t, "0 1 ", TARGETS / 2);
    buf_str(&t, STR("1 end end)"));
    COMPILES(&t, 1);
    /* Many tables of labels that are far out, with values to move. */
    buf_str(&t, STR("(func (param i32) (result i64 f64 i32) "));
    repeat(&t, "block (result i64 f64 i32) ", TABLES);
    for (u32 i = 0; i < TABLES; i++) {
        buf_str(&t, STR("i64.const 1 f64.const 2 i32.const 3 local.get 0 br_if 0 local.get 0 "
                        "br_table "));
        for (u32 k = 0; k < TABLES; k += 10)
            buf_printf(&t, "%u ", k % (TABLES - i));
        buf_str(&t, STR("0 end "));
    }
    buf_str(&t, STR(")"));
    COMPILES(&t, 2);
}

TEST(security_compile_time_of_locals)
{
    enum { LOCALS = 50000 - 1, BLOCKS = 10000, FUNCS = 20000 };
    static const char *const types[] = {"i64 ", "v128 ", "funcref "};
    for (usize k = 0; k < ARRAY_LEN(types); k++) {
        Buf t = {0};
        buf_str(&t, STR("(func (param i32) (local "));
        repeat(&t, types[k], LOCALS);
        buf_str(&t, STR(") "));
        for (u32 i = 0; i < BLOCKS; i++)
            buf_printf(&t, "block local.get %u local.set %u local.get 0 br_if 0 loop ",
                       1 + i % LOCALS, 1 + (i * 7) % LOCALS);
        repeat(&t, "end end ", BLOCKS);
        buf_str(&t, STR(")"));
        COMPILES(&t, 2);
    }
    /* Few bytes that ask for very much stack. */
    Buf bin = {0}, bodies = {0}, funcs = {0};
    buf_bytes(&bin, "\0asm\1\0\0\0\1\4\1\x60\0\0", 14);
    buf_uleb(&funcs, FUNCS);
    buf_uleb(&bodies, FUNCS);
    for (u32 i = 0; i < FUNCS; i++) {
        buf_u8(&funcs, 0);
        buf_bytes(&bodies, "\6\1\xd0\x86\3\x7b\x0b", 7);
    }
    buf_u8(&bin, 3);
    buf_uleb(&bin, funcs.n);
    buf_bytes(&bin, funcs.p, funcs.n);
    buf_u8(&bin, 10);
    buf_uleb(&bin, bodies.n);
    buf_bytes(&bin, bodies.p, bodies.n);
    EngineConfig c;
    engine_config_init(&c);
    c.lazy = false;
    Engine *engine = NULL;
    EXPECT(!engine_new(&c, &engine));
    clock_t start = clock();
    Module *m = NULL;
    EXPECT(!engine_module_new(engine, bin.p, bin.n, NULL, &m));
    double took = (double)(clock() - start) / CLOCKS_PER_SEC;
    if (took > 6 * SLOWER) /* 10^9 locals */
        test_fail(__FILE__, __LINE__, "%zu bytes took %.2f s", bin.n, took);
    module_unref(m);
    engine_free(engine);
    buf_release(&bin);
    buf_release(&bodies);
    buf_release(&funcs);
}

TEST(security_compile_time_of_signatures)
{
    enum { PARAMS = 1000, CALLS = 3000, FUNCS = 300000 };
    Buf t = {0};
    buf_str(&t, STR("(type $t (func (param "));
    repeat(&t, "i32 f64 v128 i64 ", PARAMS / 4);
    buf_str(&t, STR(") (result "));
    repeat(&t, "i32 f64 v128 i64 ", PARAMS / 4);
    buf_str(&t, STR("))) (func $f (type $t) "));
    for (u32 i = 0; i < PARAMS; i++)
        buf_printf(&t, "local.get %u ", i);
    repeat(&t, "call $f ", CALLS);
    buf_str(&t, STR(")"));
    COMPILES(&t, 4);
    repeat(&t, "(func)", FUNCS);
    COMPILES(&t, 2);
}

/* --- stack --- */

static void large_frames(Harness *h)
{
    harness_trap(h, "vectors", 0, 0, TRAP_STACK_OVERFLOW);
    harness_trap(h, "deep", 1000000, 0, TRAP_STACK_OVERFLOW);
    EXPECT_EQ(harness_run(h, "deep", 5, 0, 0), 0);
    harness_trap(h, "mixed", 0, 0, TRAP_STACK_OVERFLOW);
    EXPECT_EQ(harness_run(h, "deep", 1, 0, 0), 0);
}

TEST(security_large_frames_do_not_jump_over_the_guard)
{
    enum { VECTORS = 49990, SOME = 3000 };
    Buf t = {0};
    buf_str(&t, STR("(func $v (export \"vectors\") (local "));
    repeat(&t, "v128 ", VECTORS);
    buf_str(&t, STR(") (local.set 49000 (v128.const i64x2 1 1)) (call $v))"
                    "(func $d (export \"deep\") (param i32) (result i32) (local "));
    repeat(&t, "v128 ", SOME);
    buf_str(&t, STR(") (if (result i32) (local.get 0) (then (call $d (i32.sub (local.get 0)"
                    " (i32.const 1)))) (else (i32.const 0))))"
                    /* small frames up to the brink, then the large one */
                    "(func $m (export \"mixed\") (param i32) (drop (call $d (i32.const 3)))"
                    " (call $m (local.get 0)))"));
    buf_u8(&t, 0);
    each_mode((char *)t.p, large_frames);
    buf_release(&t);
}

/* --- address space --- */

static u64 address_space(void)
{
    char text[256] = {0};
    FILE *f = fopen("/proc/self/statm", "r");
    EXPECT(f && fgets(text, sizeof text, f));
    fclose(f);
    return strtoull(text, NULL, 10) * 4096;
}

/* True if it could be instantiated. */
static bool instantiate(Engine *e, Module *m)
{
    Store *s = NULL;
    Instance *i = NULL;
    EXPECT(!engine_store_new(e, &s));
    Error *error = instance_new(s, m, NULL, 0, &i);
    error_free(error);
    store_free(s);
    return !error;
}

TEST(security_instances_give_their_address_space_back)
{
    static const char *const wats[] = {
        "(memory 1) (memory 1 70) (table 1000 funcref) (data (i32.const 9) \"x\")",
        "(table 10000000 funcref) (table 1000000 externref)",
        "(memory 65536) (memory i64 1)",
        "(memory 1) (data (i32.const 65535) \"xy\")", /* fails half-way */
        "(memory 1) (func $f unreachable) (start $f)",
    };
    for (usize k = 0; k < ARRAY_LEN(wats); k++) {
        EngineConfig c;
        engine_config_init(&c);
        Engine *e = NULL;
        EXPECT(!engine_new(&c, &e));
        Buf text = {0};
        buf_str(&text, str_of(wats[k]));
        Buf bin = binary_of(&text);
        Module *m = NULL;
        EXPECT(!engine_module_new(e, bin.p, bin.n, NULL, &m));
        for (u32 i = 0; i < 20; i++)
            EXPECT_EQ(instantiate(e, m), k < 3);
        u64 before = address_space();
        for (u32 i = 0; i < (k == 1 ? 20 : 2000) / SLOWER; i++)
            EXPECT_EQ(instantiate(e, m), k < 3);
        u64 after = address_space();
        if (after > before + (1 << 22))
            test_fail(__FILE__, __LINE__, "%s: %llu bytes more", wats[k],
                      (unsigned long long)(after - before));
        module_unref(m);
        engine_free(e);
        buf_release(&bin);
        buf_release(&text);
    }
}

TEST(security_very_large_instances_end_in_a_verdict)
{
    enum { MEMORIES = 100, SEGMENTS = 100000 };
    EngineConfig c;
    engine_config_init(&c);
    Engine *e = NULL;
    EXPECT(!engine_new(&c, &e));
    Buf texts[2] = {{0}, {0}};
    repeat(&texts[0], "(memory 65536)", MEMORIES);
    buf_str(&texts[1], STR("(memory 1) (table 1 funcref) (func $f)"));
    repeat(&texts[1], "(data (i32.const 1) \"a\") (elem (i32.const 0) $f)", SEGMENTS);
    for (usize k = 0; k < ARRAY_LEN(texts); k++) {
        clock_t start = clock();
        u64 before = address_space();
        Buf bin = binary_of(&texts[k]);
        Module *m = NULL;
        Error *error = engine_module_new(e, bin.p, bin.n, NULL, &m);
        if (!error) {
            for (u32 i = 0; i < 3; i++)
                (void)instantiate(e, m);
            module_unref(m);
        }
        error_free(error);
        EXPECT(address_space() < before + ((u64)1 << 30));
        EXPECT(clock() - start < 2 * SLOWER * CLOCKS_PER_SEC);
        buf_release(&bin);
        buf_release(&texts[k]);
    }
    engine_free(e);
}

/* --- fuel --- */

typedef struct Price {
    const char *text; /* of an instruction or a few, on a value of the type on the stack */
    char type;
} Price;

/* What a compiler can do in little, and in much. */
static const Price prices[] = {
    {"(i32.const 7) i32.add", 'i'},
    {"(i32.const 7) i32.mul", 'i'},
    {"i32.popcnt", 'i'},
    {"i32.clz", 'i'},
    {"i32.ctz", 'i'},
    {"(i32.const 7) i32.div_s", 'i'},
    {"(local.get $d) i32.div_s", 'i'},
    {"(local.get $d) i32.rem_u", 'i'},
    {"(local.get $d) i32.shl", 'i'},
    {"(local.get $d) i32.rotl", 'i'},
    {"(local.get $z) i32.and i32.load", 'i'},
    {"(i32.const 1) (local.get $d) select", 'i'},
    {"(local.get $e) i64.div_s", 'l'},
    {"(local.get $e) i64.rem_s", 'l'},
    {"i64.popcnt", 'l'},
    {"(local.get $e) i64.mul", 'l'},
    {"f32.sqrt", 'f'},
    {"(f32.const 3) f32.div", 'f'},
    {"f32.nearest", 'f'},
    {"(f32.const 3) f32.min", 'f'},
    {"f64.sqrt", 'd'},
    {"(f64.const 3) f64.div", 'd'},
    {"f64.floor", 'd'},
    {"(f64.const 3) f64.max", 'd'},
    {"i64.trunc_sat_f64_u f64.convert_i64_u", 'd'},
    {"i32.trunc_sat_f64_s f64.convert_i32_s", 'd'},
    {"f32.demote_f64 f64.promote_f32", 'd'},
    {"(call $id)", 'i'},
    {"(i32.const 0) (call_indirect (type $id))", 'i'},
    {"drop global.get $g", 'i'},
    {"global.set $g global.get $g", 'i'},
    {"drop memory.size", 'i'},
    {"drop (memory.grow (i32.const 0))", 'i'},
    {"drop (table.size 0)", 'i'},
    {"drop (memory.fill (i32.const 0) (i32.const 1) (i32.const 0)) (i32.const 9)", 'i'},
    {"drop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (i32.const 9)", 'i'},
    {"drop (memory.copy (i32.const 0) (i32.const 9) (i32.const 60000)) (i32.const 9)", 'i'},
    {"drop (i32.eqz (ref.is_null (table.get 0 (i32.const 0))))", 'i'},
};

static u64 cpu_ns(void)
{
    struct timespec t;
    EXPECT(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
    return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

/* Nanoseconds for one unit of fuel. */
static double price_of(const Price *p)
{
    enum { TIMES = 40 };
    Buf t = {0};
    const char *type = p->type == 'l'   ? "i64"
                       : p->type == 'f' ? "f32"
                       : p->type == 'd' ? "f64"
                                        : "i32";
    buf_str(&t, STR("(type $id (func (param i32) (result i32))) (memory 1 2) (table 2 2 funcref)"
                    "(elem (i32.const 0) $id) (global $g (mut i32) (i32.const 0))"
                    "(func $id (type $id) (local.get 0))"));
    buf_printf(&t,
               "(func (export \"run\") (local $d i32) (local $e i64) (local $z i32)"
               " (local $t i32) (local.set $d (i32.const 3)) (local.set $e (i64.const 3))"
               " (loop (%s.const 12345678)",
               type);
    for (u32 i = 0; i < TIMES; i++) {
        buf_str(&t, STR(" "));
        buf_str(&t, str_of(p->text));
    }
    buf_str(&t, STR(" drop (br 0)))"));
    buf_u8(&t, 0);
    EngineConfig c;
    engine_config_init(&c);
    c.tunables.fuel = true;
    double best = 1e9;
    for (u32 round = 0; round < 3; round++) {
        Harness h = harness_new((char *)t.p, &c);
        enum { FUEL = 3000000 };
        store_set_fuel(h.store, 20000); /* compiles, warms up */
        harness_trap(&h, "run", 0, 0, TRAP_OUT_OF_FUEL);
        store_set_fuel(h.store, FUEL);
        u64 start = cpu_ns();
        harness_trap(&h, "run", 0, 0, TRAP_OUT_OF_FUEL);
        best = MIN(best, (double)(cpu_ns() - start) / FUEL);
        harness_free(&h);
    }
    buf_release(&t);
    return best;
}

/* No work is to be had for a small part of the usual price; dear work is no attack. */
TEST(security_fuel_has_one_price)
{
    enum { SPREAD = 30 }; /* the costs are Wasmtime's */
    double found[ARRAY_LEN(prices)], sum = 0;
    for (usize i = 0; i < ARRAY_LEN(prices); i++) {
        found[i] = price_of(&prices[i]);
        sum += found[i];
    }
    double mean = sum / ARRAY_LEN(prices);
    for (usize i = 0; i < ARRAY_LEN(prices); i++)
        printf("%7.2f ns  %s\n", found[i], prices[i].text);
    for (usize i = 0; i < ARRAY_LEN(prices); i++)
        if (found[i] > SPREAD * mean)
            test_fail(__FILE__, __LINE__, "%s: %.1f ns for one fuel, %.1f in the mean",
                      prices[i].text, found[i], mean);
}

/* The whole table is paid for before it grows. */
TEST(security_growth_is_paid_before_it_happens)
{
    EngineConfig c;
    engine_config_init(&c);
    c.tunables.fuel = true;
    Harness h = harness_new("(table $t 1 10000000 funcref) (elem declare func $f) (func $f)"
                            "(func (export \"run\") (drop (table.grow $t (ref.func $f)"
                            " (i32.const 9999999))))"
                            "(func (export \"size\") (result i32) (table.size $t))",
                            &c);
    store_set_fuel(h.store, 20);
    harness_trap(&h, "run", 0, 0, TRAP_OUT_OF_FUEL);
    store_set_fuel(h.store, 20);
    EXPECT_EQ(harness_run(&h, "size", 0, 0, 0), 1);
    harness_free(&h);
}

/* --- guards --- */

/* Can the byte be read or written? Asked of the kernel's list of mappings. */
static bool accessible(const void *p)
{
    char line[512];
    bool found = false;
    FILE *f = fopen("/proc/self/maps", "r");
    EXPECT(f);
    while (fgets(line, sizeof line, f)) {
        char *end;
        u64 from = strtoull(line, &end, 16), to = strtoull(end + 1, &end, 16);
        u64 at = (u64)(uintptr_t)p;
        if (at >= from && at < to)
            found = end[1] == 'r' || end[2] == 'w';
    }
    fclose(f);
    return found;
}

static void guarded(Harness *h)
{
    Extern x;
    EXPECT(instance_export(h->instance, STR("m"), &x));
    for (u32 round = 0; round < 3; round++) {
        u64 n = 0;
        u8 *base = memory_data(x.memory, &n);
        EXPECT(accessible(base) && accessible(base + n - 1));
        EXPECT(!accessible(base - 1) && !accessible(base - 4096));
        harness_run(h, "grow", 0, 0, 0);
    }
}

TEST(security_memories_have_guards)
{
    each_mode("(memory (export \"m\") 1 100)"
              "(func (export \"grow\") (result i32) (memory.grow (i32.const 1)))",
              guarded);
    Harness h = harness_new("(memory (export \"m\") 1 100)", NULL);
    Extern x;
    EXPECT(instance_export(h.instance, STR("m"), &x));
    u64 n = 0;
    u8 *base = memory_data(x.memory, &n);
    static const u64 beyond[] = {65536,
                                 1 << 20,
                                 0x7fffffff,
                                 0x80000000,
                                 0xffffffff,
                                 0x100000000,
                                 0x100000000 + (32 << 20) - 4096};
    for (usize i = 0; i < ARRAY_LEN(beyond); i++)
        EXPECT(!accessible(base + beyond[i]));
    harness_free(&h);
}

/* --- types in many threads --- */

enum { THREADS = 32, SETS = 20 };

typedef struct Sharer {
    Engine *engine;
    u64 until;
    u32 first;
} Sharer;

/* A module of its own types, which calls through a table once with the right one, once not. */
static Buf module_of_set(u32 set)
{
    Buf t = {0};
    buf_str(&t, STR("(type $wrong (func (param i32)))(type $right (func "));
    for (u32 i = 0; i < set % 7; i++)
        buf_str(&t, i % 2 ? STR("(param i64)") : STR("(param f32)"));
    buf_str(&t, set % 3 ? STR("(result i32)") : STR("(result i64)"));
    buf_str(&t, STR("))(table funcref (elem $f)) (func $f (type $right)"));
    buf_str(&t, set % 3 ? STR("(i32.const 5)") : STR("(i64.const 5)"));
    buf_str(&t, STR(")(func (export \"right\")"));
    for (u32 i = 0; i < set % 7; i++)
        buf_str(&t, i % 2 ? STR("(i64.const 1)") : STR("(f32.const 1)"));
    buf_str(&t, STR(" (call_indirect (type $right) (i32.const 0)) drop)"
                    "(func (export \"wrong\") (i32.const 1) (call_indirect (type $wrong)"
                    " (i32.const 0)))"));
    Buf bin = binary_of(&t);
    buf_release(&t);
    return bin;
}

static int trap_of(Store *s, Instance *i, const char *name)
{
    Extern x;
    VmVal vals[2] = {{.i64 = 0}};
    EXPECT(instance_export(i, str_of(name), &x));
    Error *e = func_call(s, x.func, vals);
    const Error *t = error_find(e, ERROR_TRAP);
    int code = !e ? HARNESS_OK : t ? t->value : -2;
    error_free(e);
    return code;
}

static void *share(void *arg)
{
    Sharer *sh = arg;
    for (u32 k = sh->first; os_monotonic_ns() < sh->until; k++) {
        Buf bin = module_of_set(k % SETS);
        Module *m = NULL;
        Store *s = NULL;
        Instance *i = NULL;
        EXPECT(!engine_module_new(sh->engine, bin.p, bin.n, NULL, &m));
        EXPECT(!engine_store_new(sh->engine, &s) && !instance_new(s, m, NULL, 0, &i));
        EXPECT_EQ(trap_of(s, i, "right"), HARNESS_OK);
        EXPECT_EQ(trap_of(s, i, "wrong"), TRAP_BAD_SIGNATURE);
        module_unref(m);
        store_free(s);
        buf_release(&bin);
    }
    return NULL;
}

TEST(security_types_are_shared_by_many_threads)
{
    Engine *e = NULL;
    EngineConfig c;
    engine_config_init(&c);
    EXPECT(!engine_new(&c, &e));
    pthread_t threads[THREADS];
    Sharer sharers[THREADS];
    u64 until = os_monotonic_ns() + (u64)race_seconds(2) * 1000000000;
    for (u32 i = 0; i < THREADS; i++) {
        sharers[i] = (Sharer){e, until, i * 3};
        EXPECT(pthread_create(&threads[i], NULL, share, &sharers[i]) == 0);
    }
    for (u32 i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    EXPECT_EQ(types_count(engine_types(e)), 0);
    engine_free(e);
}
