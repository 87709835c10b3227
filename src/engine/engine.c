/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Configuration, modules from bytes, stores, stubs. */
#include "backend/x64/cpu.h"
#include "engine/engine_priv.h"
#include "os/vm.h"

enum { STUB_TEXT = 1 << 20 };

#define GUARDED_RESERVATION ((u64)4 << 30)
#define GUARD ((u64)32 << 20)
#define CHECKED_RESERVATION ((u64)0)

enum { USUAL_MEMORIES = 16 };

/* Some systems limit address space (RLIMIT_AS, cgroups): try what a guarded memory takes. */
static bool can_reserve(u64 bytes)
{
    void *p = os_vm_reserve(bytes);
    if (p)
        os_vm_release(p, bytes);
    return p != NULL;
}

static bool can_reserve_guarded(u32 memories)
{
    return can_reserve(memories * (GUARDED_RESERVATION + 2 * GUARD));
}

void engine_config_memories(EngineConfig *c, u32 n)
{
    bool guarded = can_reserve_guarded(n);
    c->tunables.memory_reservation = guarded ? GUARDED_RESERVATION : CHECKED_RESERVATION;
    c->tunables.memory_guard = guarded ? GUARD : CHECKED_GUARD;
}

/* One of the two ways between which engine_config_memories chooses. */
static bool is_usual(u64 reservation, u64 guard)
{
    return (reservation == GUARDED_RESERVATION && guard == GUARD) ||
           (reservation == CHECKED_RESERVATION && guard == CHECKED_GUARD);
}

bool engine_adopt_memories(Engine *e, u64 reservation, u64 guard)
{
    Tunables *t = &e->config.tunables;
    if (e->config.memories_given || atomic_load(&e->refs) != 1 || !is_usual(reservation, guard) ||
        !is_usual(t->memory_reservation, t->memory_guard))
        return false;
    if (reservation && !can_reserve_guarded(1))
        return false;
    t->memory_reservation = reservation;
    t->memory_guard = guard;
    return true;
}

void engine_config_init(EngineConfig *c)
{
    *c = (EngineConfig){.features = features_default(),
                        .limits = store_limits_default(),
                        .max_wasm_stack = 512 << 10,
                        .max_backtrace = 20,
                        .lazy = true};
    c->tunables = (Tunables){.memory_may_move = true, .signal_traps = true};
    engine_config_memories(c, USUAL_MEMORIES);
    if (!x64_cpu_detect(&c->tunables.cpu))
        c->tunables.cpu = 0; /* engine_new refuses it */
}

Error *engine_new(const EngineConfig *c, Engine **ret_engine)
{
    if (!X64_HAS(c->tunables.cpu, BASE))
        return error_new("this processor is not supported: SSE4.1 is required");
    if (c->max_wasm_stack == 0)
        return error_new("max_wasm_stack size cannot be zero");
    Engine *e = mem_alloc(sizeof *e);
    atomic_init(&e->refs, 1);
    e->config = *c;
    e->types = types_new();
    os_mutex_init(&e->lock);
    arena_init(&e->keys);
    *ret_engine = e;
    return NULL;
}

void engine_ref(Engine *e)
{
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
}

void engine_free(Engine *e)
{
    if (!e || atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (u32 i = 0; i < e->idle.n; i++)
        compile_ctx_free(e->idle.p[i]);
    for (u32 i = 0; i < e->stub_mems.n; i++)
        code_mem_free(e->stub_mems.p[i]);
    vec_release(&e->idle);
    vec_release(&e->stub_mems);
    map_release(&e->stubs);
    arena_release(&e->keys);
    types_free(e->types);
    os_mutex_release(&e->lock);
    mem_free(e);
}

static void release(void *arg)
{
    engine_free(arg);
}

TypeRegistry *engine_types(Engine *e)
{
    return e->types;
}

const EngineConfig *engine_config(const Engine *e)
{
    return &e->config;
}

void engine_increment_epoch(Engine *e)
{
    atomic_fetch_add_explicit(&e->epoch, 1, memory_order_relaxed);
}

/* --- compiling one function --- */

CompileCtx *engine_take_ctx(Engine *e)
{
    os_mutex_lock(&e->lock);
    CompileCtx *c = e->idle.n ? e->idle.p[--e->idle.n] : NULL;
    os_mutex_unlock(&e->lock);
    return c ? c : compile_ctx_new();
}

void engine_give_ctx(Engine *e, CompileCtx *c)
{
    os_mutex_lock(&e->lock);
    vec_push(&e->idle, c);
    os_mutex_unlock(&e->lock);
}

/* ModuleConfig.compile */
static Error *compile_one(void *arg, Module *m, u32 func)
{
    Engine *e = arg;
    CompileEnv env = {module_wasm(m), module_layout(m), &e->config.tunables};
    CompileCtx *c = engine_take_ctx(e);
    CompiledFunc code;
    Error *error = compile_baseline(c, &env, func, &code);
    if (!error)
        error = module_publish(m, &code, &func, 1);
    engine_give_ctx(e, c);
    return error;
}

ModuleConfig engine_module_config(Engine *e)
{
    /* Reservations for memories are made where address space is not limited. */
    bool roomy = e->config.tunables.memory_reservation >= GUARDED_RESERVATION;
    return (ModuleConfig){.arg = e,
                          .compile = compile_one,
                          .release = release,
                          .roomy = roomy,
                          .types = e->config.tunables.direct_calls};
}

/* --- stubs --- */

/* Signatures of equal shape share their stubs: classes of values, not types. */
static void put_shape(const TypeRegistry *r, Buf *key, const ValType *types, u32 n)
{
    buf_uleb(key, n);
    for (u32 i = 0; i < n; i++) {
        TypeKind kind = valtype_kind(types[i]);
        bool func = kind == KIND_REF && heap_is_subtype(r, valtype_heap(types[i]), HEAP_FUNC);
        buf_u8(key, (u8)(func ? KIND_BOT : kind));
    }
}

static Error *place_stub(Engine *e, const CompiledFunc *code, const void **ret_code)
{
    u32 none = UINT32_MAX;
    if (e->stub_mems.n) {
        CodeMem *last = e->stub_mems.p[e->stub_mems.n - 1];
        Error *full = code_publish(last, code, &none, 1, ret_code);
        if (!full)
            return NULL;
        error_free(full);
    }
    CodeMemConfig config = {.text_bytes = MAX(STUB_TEXT, (u64)code->size * 2)};
    CodeMem *m = NULL;
    Error *error = code_mem_new(&config, &m);
    if (error)
        return error;
    vec_push(&e->stub_mems, m);
    return code_publish(m, code, &none, 1, ret_code);
}

static Error *make_stub(Engine *e, StubKind kind, const FuncType *t, Str key, const void **ret_code)
{
    CompileCtx *c = e->idle.n ? e->idle.p[--e->idle.n] : compile_ctx_new();
    CompiledFunc code;
    Error *error = compile_stub(c, kind, t, &e->config.tunables, &code);
    if (!error)
        error = place_stub(e, &code, ret_code);
    vec_push(&e->idle, c);
    if (error)
        return error;
    char *kept = arena_dup(&e->keys, key.p, key.n);
    map_add(&e->stubs, (Str){kept, key.n}, (u64)(uintptr_t)*ret_code);
    return NULL;
}

/* StoreConfig.stub */
static Error *find_stub(void *arg, StubKind kind, u32 type, const void **ret_code)
{
    Engine *e = arg;
    const FuncType *t = types_func_type(e->types, type);
    Buf shape = {0};
    buf_u8(&shape, (u8)kind);
    put_shape(e->types, &shape, t->params, t->nparams);
    put_shape(e->types, &shape, t->results, t->nresults);
    Str key = {(char *)shape.p, shape.n};
    u64 found = 0;
    Error *error = NULL;
    os_mutex_lock(&e->lock);
    if (map_get(&e->stubs, key, &found))
        *ret_code = (const void *)(uintptr_t)found;
    else
        error = make_stub(e, kind, t, key, ret_code);
    os_mutex_unlock(&e->lock);
    buf_release(&shape);
    return error;
}

/* --- modules and stores --- */

Error *engine_diag_error(const Diag *d)
{
    unsigned long long at = d->offset;
    bool in_func = d->func != DIAG_NO_FUNC;
    const char *head = "failed to parse WebAssembly module";
    if (!in_func && d->section)
        return error_wrap(
            error_new("%s (at offset 0x%llx in the %s section)", d->msg, at, d->section), "%s",
            head);
    if (!in_func)
        return error_wrap(error_new("%s (at offset 0x%llx)", d->msg, at), "%s", head);
    Error *e = error_new("Invalid input WebAssembly code at offset %llu: %s", at, d->msg);
    e = error_wrap(e, "WebAssembly translation error");
    return error_wrap(e, "failed to compile: wasm[0]::function[%u]", d->func);
}

/* Of the decoded module (transfer), NULL if it could not be decoded. */
static Error *make_module(Engine *e, WasmModule *w, Diag *diag, Module **ret_module)
{
    if (!w)
        return engine_diag_error(diag);
    const char *missing = compile_unsupported(w);
    if (missing) {
        module_free(w);
        diag_set(diag, DIAG_NOT_BUILT, 0,
                 "the module uses the %s proposal, which is not supported by this build", missing);
        return error_new("%s", diag->msg);
    }
    ModuleConfig config = engine_module_config(e);
    Module *m = NULL;
    Error *error = module_new(w, &config, &m);
    if (error)
        return error;
    engine_ref(e);
    error = e->config.lazy ? NULL : engine_module_compile(e, m);
    if (error) {
        module_unref(m);
        return error;
    }
    *ret_module = m;
    return NULL;
}

Error *engine_module_new(Engine *e, const u8 *p, usize n, Diag *diag, Module **ret_module)
{
    Diag own;
    diag = diag ? diag : &own;
    DecodeOptions options = {.features = e->config.features};
    return make_module(e, module_decode(e->types, &options, p, n, diag), diag, ret_module);
}

Error *engine_module_new_owned(Engine *e, Buf *bytes, Diag *diag, Module **ret_module)
{
    Diag own;
    diag = diag ? diag : &own;
    DecodeOptions options = {.features = e->config.features};
    WasmModule *w = module_decode_owned(e->types, &options, TAKE_PTR(bytes->p), bytes->n, diag);
    *bytes = (Buf){0};
    return make_module(e, w, diag, ret_module);
}

Error *engine_module_new_decoded(Engine *e, WasmModule *w, Module **ret_module)
{
    Diag diag;
    diag_init(&diag);
    return make_module(e, w, &diag, ret_module);
}

Error *engine_store_new(Engine *e, Store **ret_store)
{
    StoreConfig c = {.registry = e->types,
                     .tunables = &e->config.tunables,
                     .limits = e->config.limits,
                     .max_wasm_stack = e->config.max_wasm_stack,
                     .max_backtrace = e->config.max_backtrace,
                     .no_offsets = e->config.no_offsets,
                     .details = e->config.details,
                     .details_note = e->config.details_note,
                     .epoch = (const u64 *)&e->epoch,
                     .stub = find_stub,
                     .release = release,
                     .arg = e};
    Error *error = store_new(&c, ret_store);
    if (!error)
        engine_ref(e);
    return error;
}
