/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Components in one process: calls across their borders, and decoding with validation. */
#include "bench/component.h"

#include "bench/bench.h"
#include "component/instance.h"
#include "wit/text/ctext.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 12, BYTES = 65536 };

/* Generated glue, by hand: what tools/witgen writes for a function of two numbers. */
static u32 host_add(const LiftEnv *env, VmCtx *caller, u32 a, u32 b)
{
    LiftCall call;
    lift_enter(&call, env, caller);
    u32 sum = lift_ok(&call) ? a + b : 0;
    lift_leave(&call);
    return sum;
}

static const LiftFunc host_func = {
    .name = "add", .core = "ii:i", .wit = "func(a: u32, b: u32) -> u32", .fn = (void *)host_add};
static const LiftInterface host_interface = {
    .name = "bench:host/api", .funcs = &host_func, .nfuncs = 1};

static Error *trees_add(void *env, HostCall *call, const ComponentVal *params,
                        ComponentVal *ret_result)
{
    (void)env;
    (void)call;
    *ret_result = (ComponentVal){.kind = CT_U32, .bits = (u32)(params[0].bits + params[1].bits)};
    return NULL;
}

static ComponentOptions options_of(const Engine *e)
{
    return (ComponentOptions){.features = engine_config(e)->features,
                              .component_features = component_features_default()};
}

static LoadedComponent *load_text(Engine *e, const char *path)
{
    Buf text = {0}, binary = {0};
    Diag diag;
    LoadedComponent *c = NULL;
    bench_read(path, &text);
    if (!component_text_parse((Str){(char *)text.p, text.n}, &(TextOptions){0}, &binary, NULL,
                              &diag)) {
        fprintf(stderr, "%s: %s\n", path, diag.msg);
        exit(1);
    }
    ComponentOptions o = options_of(e);
    bench_check(component_load(e, &o, binary.p, binary.n, NULL, &c));
    buf_release(&text);
    buf_release(&binary);
    return c;
}

static ComponentFunc *func(ComponentInstance *i, const char *name)
{
    ComponentItem item;
    ALWAYS(items_find(component_exports(i), str_of(name), &item));
    return item.func;
}

/* ns for each of n repetitions within the guest; the least of all rounds. */
static double each(ComponentInstance *i, const char *name, u32 n)
{
    double best = 1e12;
    ComponentFunc *f = func(i, name);
    for (u32 round = 0; round < ROUNDS; round++) {
        Arena arena;
        arena_init(&arena);
        ComponentVal arg = {.kind = CT_U32, .bits = n}, result = {0};
        u64 start = bench_now();
        bench_check(component_call(f, &arg, &arena, &result));
        best = MIN(best, (double)(bench_now() - start) / n);
        arena_release(&arena);
    }
    return best;
}

static double from_host(ComponentInstance *i, u32 n)
{
    double best = 1e12;
    ComponentFunc *f = func(i, "add");
    for (u32 round = 0; round < ROUNDS; round++) {
        Arena arena;
        arena_init(&arena);
        ComponentVal args[2] = {{.kind = CT_U32}, {.kind = CT_U32, .bits = 3}}, result = {0};
        u64 start = bench_now();
        for (u32 k = 0; k < n; k++) {
            args[0].bits = k;
            bench_check(component_call(f, args, &arena, &result));
        }
        best = MIN(best, (double)(bench_now() - start) / n);
        ALWAYS(result.bits == n + 2);
        arena_release(&arena);
    }
    return best;
}

static double copy_bytes(u32 n)
{
    double best = 1e12;
    u8 *from = mem_alloc(BYTES), *to = mem_alloc(BYTES);
    memset(from, 1, BYTES);
    for (u32 round = 0; round < ROUNDS; round++) {
        u64 start = bench_now();
        for (u32 k = 0; k < n; k++) {
            memcpy(to, from, BYTES);
            __asm__ volatile("" : : "r"(to) : "memory");
        }
        best = MIN(best, (double)(bench_now() - start) / n);
    }
    mem_free(from);
    mem_free(to);
    return best;
}

int bench_component(const char *path)
{
    Engine *e = bench_engine(true);
    Store *s = NULL;
    ComponentInstance *i = NULL;
    LoadedComponent *c = load_text(e, path);
    ComponentLinker *l = component_linker_new();
    HostFunc trees = {.vals = trees_add};
    bench_check(component_linker_interface(l, &host_interface, NULL));
    bench_check(component_linker_func(l, STR(""), STR("trees"), &trees));
    bench_check(engine_store_new(e, &s));
    bench_check(component_instance_new(s, c, l, &i));
    printf("host-to-guest %.1f ns, guest-to-host %.1f ns, guest-to-host-by-trees %.1f ns\n",
           from_host(i, 100000), each(i, "hosts", 100000), each(i, "trees", 100000));
    printf("between-components %.1f ns, string-1KiB %.1f ns\n", each(i, "adds", 1000000),
           each(i, "strings", 100000));
    printf("list-64KiB %.0f ns, memcpy-64KiB %.0f ns\n", each(i, "lists", 3000), copy_bytes(3000));
    store_free(s);
    component_instance_free(i);
    component_linker_free(l);
    component_unref(c);
    engine_free(e);
    return 0;
}

int bench_component_decode(const char *path)
{
    Buf bytes = {0};
    bench_read(path, &bytes);
    double best = 1e18;
    for (u32 round = 0; round < 8; round++) {
        Engine *e = bench_engine(true);
        Diag diag;
        ComponentOptions o = options_of(e);
        o.borrow = true;
        u64 start = bench_now();
        Component *c = component_decode(engine_types(e), &o, bytes.p, bytes.n, &diag);
        best = MIN(best, (double)(bench_now() - start));
        ALWAYS(c);
        component_free(c);
        engine_free(e);
    }
    fprintf(stderr, "DECODENS %.0f\n", best);
    buf_release(&bytes);
    return 0;
}
