/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Whole modules compiled on several threads. Workers take functions in small batches from a
 * counter and keep the results in arenas of their own; one thread places them in the order of the
 * functions, so the outcome does not depend on who was quicker.
 */
#include "engine/engine_priv.h"

enum { MAX_WORKERS = 64, BATCH = 8 };

typedef struct Job {
    Engine *engine;
    Module *module;
    const u32 *funcs; /* to compile, ascending */
    u32 n;
    CompiledFunc *code; /* by place in `funcs` */
    _Atomic u32 next;
    _Atomic(Error *) error; /* own; the first one */
} Job;

typedef struct Worker {
    Job *job;
    Arena arena; /* of results */
    OsThread thread;
} Worker;

static void fail(Job *j, Error *e, u32 func)
{
    Error *none = NULL;
    e = error_wrap(e, "failed to compile function %u", func);
    if (!atomic_compare_exchange_strong(&j->error, &none, e))
        error_free(e);
    atomic_store(&j->next, j->n);
}

/* The compiler's result lives until its next function. */
static CompiledFunc keep(Arena *a, const CompiledFunc *c)
{
    CompiledFunc k = *c;
    k.code = arena_dup(a, c->code, c->size);
    k.relocs = arena_dup(a, c->relocs, c->nrelocs * sizeof *c->relocs);
    k.traps = arena_dup(a, c->traps, c->ntraps * sizeof *c->traps);
    k.calls = arena_dup(a, c->calls, c->ncalls * sizeof *c->calls);
    return k;
}

static void work(void *arg)
{
    Worker *w = arg;
    Job *j = w->job;
    CompileEnv env = {module_wasm(j->module), module_layout(j->module),
                      &j->engine->config.tunables};
    CompileCtx *ctx = engine_take_ctx(j->engine);
    for (;;) {
        u32 first = atomic_fetch_add(&j->next, BATCH);
        for (u32 i = first; i < j->n && i - first < BATCH; i++) {
            CompiledFunc code;
            Error *e = compile_baseline(ctx, &env, j->funcs[i], &code);
            if (e)
                fail(j, e, j->funcs[i]);
            else
                j->code[i] = keep(&w->arena, &code);
        }
        if (first >= j->n || j->n - first <= BATCH)
            break;
    }
    engine_give_ctx(j->engine, ctx);
}

static void run_workers(Job *j, Worker *workers, u32 n)
{
    u32 started = 0;
    for (u32 i = 0; i < n; i++) {
        workers[i].job = j;
        arena_init(&workers[i].arena);
        if (i > 0 && started == i - 1 && os_thread_start(&workers[i].thread, work, &workers[i]))
            started = i;
    }
    work(&workers[0]);
    for (u32 i = 1; i <= started; i++)
        os_thread_join(workers[i].thread);
}

/* Publishes runs of functions that follow each other. */
static Error *publish(Job *j)
{
    Error *e = NULL;
    for (u32 from = 0, to = 0; from < j->n && !e; from = to) {
        for (to = from + 1; to < j->n && j->funcs[to] == j->funcs[to - 1] + 1;)
            to++;
        e = module_publish(j->module, j->code + from, j->funcs + from, to - from);
    }
    return e;
}

static Error *compile_list(Engine *e, Module *m, const u32 *funcs, u32 n)
{
    Job j = {.engine = e, .module = m, .funcs = funcs, .n = n};
    j.code = mem_alloc_array(n, sizeof *j.code);
    u32 threads = e->config.compile_threads ? e->config.compile_threads : os_cpu_count();
    threads = MIN(MIN(threads, MAX_WORKERS), n / BATCH + 1);
    Worker *workers = mem_alloc_array(threads, sizeof *workers);
    run_workers(&j, workers, threads);
    Error *error = atomic_load(&j.error);
    if (!error)
        error = publish(&j);
    for (u32 i = 0; i < threads; i++)
        arena_release(&workers[i].arena);
    mem_free(workers);
    mem_free(j.code);
    return error;
}

Error *engine_module_compile(Engine *e, Module *m)
{
    const WasmModule *w = module_wasm(m);
    u32 *funcs = mem_alloc_array(w->nfuncs - w->n_imported_funcs, sizeof *funcs), n = 0;
    module_lock(m);
    for (u32 f = w->n_imported_funcs; f < w->nfuncs; f++)
        if (!module_is_compiled(m, f))
            funcs[n++] = f;
    Error *error = n ? compile_list(e, m, funcs, n) : NULL;
    module_unlock(m);
    mem_free(funcs);
    return error;
}
