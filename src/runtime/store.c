/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stores, and what a host makes in them. */
#include "runtime/activation.h"
#include "runtime/runtime_priv.h"
#include "runtime/x64/entry.h"

StoreLimits store_limits_default(void)
{
    return (StoreLimits){.memory_bytes = UINT64_MAX,
                         .table_elements = UINT64_MAX,
                         .instances = 10000,
                         .memories = 10000,
                         .tables = 10000};
}

/* A frame has a return address and a frame pointer at least; nobody reads more than a million. */
static u64 most_frames(u64 stack)
{
    return MIN(stack / 16 + 1, 1000000);
}

Error *store_new(const StoreConfig *c, Store **ret_store)
{
    if (c->max_wasm_stack == 0)
        return error_new("max_wasm_stack size cannot be zero");
    Store *s = mem_alloc(sizeof *s);
    s->config = *c;
    s->config.max_backtrace = (u32)MIN(c->max_backtrace, most_frames(c->max_wasm_stack));
    s->tunables = *c->tunables;
    s->vm.epoch = c->epoch;
    s->vm.builtins = builtin_entries;
    s->vm.epoch_deadline = UINT64_MAX;
    if (s->config.max_backtrace > THREAD_FRAMES)
        s->frames = mem_alloc_array(s->config.max_backtrace, sizeof *s->frames);
    arena_init(&s->arena);
    *ret_store = s;
    return NULL;
}

/* Instances that are used again keep their memories and tables, which are in the lists, too. */
static void free_own(Store *s)
{
    for (Memory *m = s->memories; m; m = m->next)
        if (!m->pooled)
            memory_release(m);
    for (RtTable *t = s->tables; t; t = t->next)
        if (!t->pooled)
            table_release(t);
    while (s->instances) {
        Instance *i = s->instances;
        s->instances = i->next;
        if (i->snapshot)
            pool_give(i);
        else
            instance_drop(i);
    }
}

void store_free(Store *s)
{
    if (!s)
        return;
    for (const Activation *a = thread_state.top; a; a = a->prev)
        ALWAYS(a->store != s);
    ALWAYS(s->suspended == 0);
    frozen_free(s->frozen);
    free_own(s);
    for (u32 i = 0; i < s->types.n; i++)
        types_unref(s->config.registry, s->types.p[i]);
    error_free(store_take_pending(s));
    vec_release(&s->types);
    vec_release(&s->externs);
    arena_release(&s->arena);
    mem_free(s->frames);
    if (s->config.release)
        s->config.release(s->config.arg);
    mem_free(s);
}

VmStore *store_vm(Store *s)
{
    return &s->vm;
}

TypeRegistry *store_registry(Store *s)
{
    return s->config.registry;
}

usize store_host_bytes(const Store *s)
{
    return arena_used(&s->arena);
}

void store_reserve_host(Store *s, usize bytes)
{
    arena_reserve(&s->arena, bytes);
}

void *store_data(Store *s)
{
    return s->data;
}

void store_set_data(Store *s, void *data)
{
    s->data = data;
}

void store_set_fuel(Store *s, u64 fuel)
{
    s->vm.fuel = -(i64)MIN(fuel, (u64)INT64_MAX);
}

u64 store_fuel(const Store *s)
{
    return s->vm.fuel < 0 ? (u64)-s->vm.fuel : 0;
}

void store_set_epoch_deadline(Store *s, u64 ticks_from_now)
{
    u64 now = s->vm.epoch ? __atomic_load_n(s->vm.epoch, __ATOMIC_RELAXED) : 0;
    if (__builtin_add_overflow(now, ticks_from_now, &s->vm.epoch_deadline))
        s->vm.epoch_deadline = UINT64_MAX;
}

/* --- what a host makes --- */

typedef struct HostFunc {
    VmHostFunc host;
    VmFuncRef ref;
} HostFunc;

Error *store_host_func(Store *s, u32 type, bool typed, void *fn, void *env, VmFuncRef **ret_func)
{
    const void *code = NULL;
    StubKind kind = typed ? STUB_HOST_TYPED : STUB_HOST_ARRAY;
    ALWAYS(!typed || types_func_type(s->config.registry, type)->nresults <= 1);
    Error *e = s->config.stub(s->config.arg, kind, type, &code);
    if (e)
        return e;
    types_ref(s->config.registry, type);
    vec_push(&s->types, type);
    HostFunc *f = arena_new(&s->arena, HostFunc);
    f->host = (VmHostFunc){.magic = VMHOST_MAGIC, .store = &s->vm, .fn = fn, .env = env};
    f->ref =
        (VmFuncRef){.code = code, .vmctx = (VmCtx *)&f->host, .type = type, .func = UINT32_MAX};
    *ret_func = &f->ref;
    return NULL;
}

Error *store_global_new(Store *s, GlobalType t, VmVal init, RtGlobal **ret_global)
{
    RtGlobal *g = arena_new(&s->arena, RtGlobal);
    g->val = &g->own;
    g->own = init;
    g->type = t;
    g->next = s->globals;
    s->globals = g;
    *ret_global = g;
    return NULL;
}

RtTag *store_tag_new(Store *s, u32 type)
{
    types_ref(s->config.registry, type);
    vec_push(&s->types, type);
    RtTag *t = arena_new(&s->arena, RtTag);
    t->type = type;
    return t;
}

u64 store_extern_new(Store *s, void *host)
{
    vec_push(&s->externs, host);
    return (u64)s->externs.n << 1;
}

void *store_extern_get(Store *s, u64 ref)
{
    u64 index = ref >> 1;
    return index >= 1 && index <= s->externs.n ? s->externs.p[index - 1] : NULL;
}

GlobalType global_type(const RtGlobal *g)
{
    return g->type;
}

VmVal *global_value(RtGlobal *g)
{
    return g->val;
}

u32 tag_type(const RtTag *t)
{
    return t->type;
}
