/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Benchmarks inside one process; the usage text lists them. What a program is timed for is on
 * stderr as "NAMENS n", results for people and scripts on stdout as "name n ns".
 */
#include "bench/bench.h"

#include "bench/component.h"
#include "runtime/fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

u64 bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

void bench_check(Error *e)
{
    if (!e)
        return;
    Buf text = {0};
    error_format(e, &text);
    fprintf(stderr, "%.*s", (int)text.n, (const char *)text.p);
    exit(1);
}

static void section(Buf *out, u8 id, Buf *content)
{
    buf_u8(out, id);
    buf_uleb(out, content->n);
    buf_bytes(out, content->p, content->n);
    content->n = 0;
}

Engine *bench_engine(bool lazy)
{
    EngineConfig config;
    engine_config_init(&config);
    config.lazy = lazy;
    config.compile_threads = 1;
    Engine *engine = NULL;
    bench_check(engine_new(&config, &engine));
    return engine;
}

void bench_read(const char *path, Buf *ret_bytes)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    for (usize n = 1; n > 0;) {
        buf_reserve(ret_bytes, 1 << 20);
        n = fread(ret_bytes->p + ret_bytes->n, 1, 1 << 20, f);
        ret_bytes->n += n;
    }
    fclose(f);
}

static int bench_compile(const char *path)
{
    Buf bytes = {0};
    bench_read(path, &bytes);
    u64 best = UINT64_MAX;
    for (int i = 0; i < 5; i++) {
        Engine *engine = bench_engine(false);
        Module *module = NULL;
        u64 start = bench_now();
        bench_check(engine_module_new(engine, bytes.p, bytes.n, NULL, &module));
        best = MIN(best, bench_now() - start);
        module_unref(module);
        engine_free(engine);
    }
    buf_release(&bytes);
    fprintf(stderr, "COMPILENS %llu\n", (unsigned long long)best);
    return 0;
}

/* (module (import "h" "f" (func (param i32) (result i32)))
 *   (func (export "nop") (param i32) (result i32) (local.get 0))
 *   (func (export "loop") (param i32) (result i32)
 *     (loop (local.set 0 (i32.sub (call 0 (local.get 0)) (i32.const 1))) (br_if 0 (local.get 0)))
 *     (local.get 0))) */
static const u8 calls_wasm[] = {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,       /* header */
                                0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f,       /* type */
                                0x02, 0x07, 0x01, 0x01, 'h',  0x01, 'f',  0x00, 0x00, /* import */
                                0x03, 0x03, 0x02, 0x00, 0x00,                         /* func */
                                0x07, 0x0e, 0x02, 0x03, 'n',  'o',  'p',  0x00, 0x01, 0x04, 'l',
                                'o',  'o',  'p',  0x00, 0x02, 0x0a, 0x1b, 0x02, 0x04, 0x00, 0x20,
                                0x00, 0x0b, /* nop */
                                0x14, 0x00, 0x03, 0x40, 0x20, 0x00, 0x10, 0x00, 0x41, 0x01, 0x6b,
                                0x21, 0x00, 0x20, 0x00, 0x0d, 0x00, 0x0b, 0x20, 0x00, 0x0b};

static u32 host_identity(void *env, VmCtx *caller, u32 v)
{
    (void)env;
    (void)caller;
    return v;
}

static VmFuncRef *exported(Instance *i, Str name)
{
    Extern e;
    ALWAYS(instance_export(i, name, &e) && e.kind == EXTERN_FUNC);
    return e.func;
}

static int bench_calls(void)
{
    enum { CALLS = 2000000 };
    Engine *engine = bench_engine(true);
    Module *module = NULL;
    bench_check(engine_module_new(engine, calls_wasm, sizeof calls_wasm, NULL, &module));
    Store *store = NULL;
    bench_check(engine_store_new(engine, &store));
    ValType i32_type = VT_I32;
    u32 type = types_add_func(engine_types(engine), &i32_type, 1, &i32_type, 1);
    Extern import = {.kind = EXTERN_FUNC};
    bench_check(
        store_host_func(store, type, true, (void *)(uintptr_t)host_identity, NULL, &import.func));
    Instance *instance = NULL;
    bench_check(instance_new(store, module, &import, 1, &instance));
    VmFuncRef *nop = exported(instance, STR("nop")), *loop = exported(instance, STR("loop"));
    double in = 1e9, out = 1e9;
    for (int round = 0; round < 20; round++) {
        u64 start = bench_now();
        VmVal v = {.i32 = round};
        for (int i = 0; i < CALLS / 10; i++)
            bench_check(func_call(store, nop, &v));
        in = MIN(in, (double)(bench_now() - start) / (CALLS / 10));
        v = (VmVal){.i32 = CALLS};
        start = bench_now();
        bench_check(func_call(store, loop, &v));
        out = MIN(out, (double)(bench_now() - start) / CALLS);
    }
    printf("host-to-wasm %.2f ns, wasm-to-host %.2f ns\n", in, out);
    store_free(store);
    module_unref(module);
    types_unref(engine_types(engine), type);
    engine_free(engine);
    return 0;
}

static void switch_forever(void *arg)
{
    (void)arg;
    while (!fiber_suspend())
        ;
}

static void nothing(void *arg)
{
    (void)arg;
}

static int bench_fibers(void)
{
    enum { SWITCHES = 1000000 };
    double best = 1e9, fresh = 1e9;
    Fiber *f = fiber_new(0, switch_forever, NULL);
    for (int round = 0; round < 20; round++) {
        u64 start = bench_now();
        for (int i = 0; i < SWITCHES; i++)
            fiber_resume(f);
        best = MIN(best, (double)(bench_now() - start) / SWITCHES);
        start = bench_now();
        for (int i = 0; i < SWITCHES / 10; i++) {
            Fiber *g = fiber_new(0, nothing, NULL);
            fiber_resume(g);
            fiber_free(g);
        }
        fresh = MIN(fresh, (double)(bench_now() - start) / (SWITCHES / 10));
    }
    fiber_free(f);
    printf("fiber there and back %.2f ns, new, run and freed %.2f ns\n", best, fresh);
    return 0;
}

/* 1,000 functions in a table of 1,000, a memory of 16 pages filled by one segment. */
static void instantiate_module(Buf *out)
{
    enum { FUNCS = 1000, IMAGE = 1 << 20 };
    Buf s = {0};
    buf_bytes(out, "\0asm\1\0\0\0", 8);
    buf_bytes(&s, "\1\x60\0\1\x7f", 5);
    section(out, 1, &s);
    buf_uleb(&s, FUNCS);
    for (int i = 0; i < FUNCS; i++)
        buf_u8(&s, 0);
    section(out, 3, &s);
    buf_bytes(&s, "\1\x70\0", 3);
    buf_uleb(&s, FUNCS);
    section(out, 4, &s);
    buf_bytes(&s, "\1\0\x10", 3);
    section(out, 5, &s);
    buf_bytes(&s, "\1\3run\0\0", 7);
    section(out, 7, &s);
    buf_bytes(&s, "\1\0\x41\0\x0b", 5);
    buf_uleb(&s, FUNCS);
    for (u32 i = 0; i < FUNCS; i++)
        buf_uleb(&s, i);
    section(out, 9, &s);
    buf_uleb(&s, FUNCS);
    for (int i = 0; i < FUNCS; i++)
        buf_bytes(&s, "\4\0\x41\7\x0b", 5);
    section(out, 10, &s);
    buf_bytes(&s, "\1\0\x41\0\x0b", 5);
    buf_uleb(&s, IMAGE);
    for (u32 i = 0; i < IMAGE; i++)
        buf_u8(&s, (u8)(i * 7 + 1));
    section(out, 11, &s);
    buf_release(&s);
}

static int bench_instantiate(void)
{
    enum { TIMES = 2000 };
    Buf wasm = {0};
    instantiate_module(&wasm);
    Engine *engine = bench_engine(true);
    Module *module = NULL;
    bench_check(engine_module_new(engine, wasm.p, wasm.n, NULL, &module));
    double best = 1e12, called = 1e12;
    for (int round = 0; round < 10; round++) {
        for (int call = 0; call < 2; call++) {
            u64 start = bench_now();
            for (int i = 0; i < TIMES; i++) {
                Store *store = NULL;
                Instance *instance = NULL;
                bench_check(engine_store_new(engine, &store));
                bench_check(instance_new(store, module, NULL, 0, &instance));
                VmVal v = {0};
                if (call)
                    bench_check(func_call(store, exported(instance, STR("run")), &v));
                ALWAYS(!call || v.i32 == 7);
                store_free(store);
            }
            double each = (double)(bench_now() - start) / TIMES;
            *(call ? &called : &best) = MIN(each, call ? called : best);
        }
    }
    printf("instantiate-and-drop %.0f ns, with-a-call %.0f ns\n", best, called);
    module_unref(module);
    engine_free(engine);
    buf_release(&wasm);
    return 0;
}

static int bench_rss(char **argv)
{
    pid_t pid = fork();
    if (pid == 0) {
        execv(argv[0], argv);
        _exit(127);
    }
    int status = 0;
    struct rusage usage;
    if (wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status) || WEXITSTATUS(status) == 127)
        return 1;
    fprintf(stderr, "RSSKIB %ld\n", usage.ru_maxrss);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "rss") == 0)
        return bench_rss(argv + 2);
    if (argc == 3 && strcmp(argv[1], "compile") == 0)
        return bench_compile(argv[2]);
    if (argc == 2 && strcmp(argv[1], "calls") == 0)
        return bench_calls();
    if (argc == 2 && strcmp(argv[1], "fibers") == 0)
        return bench_fibers();
    if (argc == 2 && strcmp(argv[1], "instantiate") == 0)
        return bench_instantiate();
    if (argc == 3 && strcmp(argv[1], "component") == 0)
        return bench_component(argv[2]);
    if (argc == 3 && strcmp(argv[1], "component-decode") == 0)
        return bench_component_decode(argv[2]);
    fprintf(stderr, "usage: bench-micro compile FILE | component FILE.wat | component-decode FILE "
                    "| calls | fibers | instantiate | rss PROGRAM ARG...\n");
    return 2;
}
