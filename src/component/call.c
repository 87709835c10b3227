/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Calls across the borders of components, and the builtins of resources. A call goes: lift the
 * parameters from the caller, enter the callee, lower them, run, lift the result, lower it to the
 * caller, post-return, leave.
 */
#include "component/abi_priv.h"
#include "component/instance_priv.h"
#include "runtime/fiber.h"

/* --- who may enter --- */

bool instance_is_inside(const ComponentInstance *caller, const ComponentInstance *i)
{
    for (; caller; caller = caller->parent)
        if (caller == i)
            return true;
    return false;
}

/*
 * One is inside of the other. The Component Model's text lets a component and what it is made of
 * call each other; Wasmtime and the suite do not, for now.
 */
bool instance_is_related(const ComponentInstance *a, const ComponentInstance *b)
{
    return instance_is_inside(a, b) || instance_is_inside(b, a);
}

Error *instance_enter(ComponentInstance *callee, const ComponentInstance *caller)
{
    if (!caller) { /* the host is inside of none */
        bool may = true;
        for (const ComponentInstance *i = callee; i; i = i->parent)
            may &= *i->may_enter;
        for (ComponentInstance *i = callee; i && may; i = i->parent)
            *i->may_enter = false;
        return may ? NULL : trap_error(TRAP_CANNOT_ENTER_COMPONENT);
    }
    for (ComponentInstance *i = callee; i && !instance_is_inside(caller, i); i = i->parent)
        if (!*i->may_enter)
            return trap_error(TRAP_CANNOT_ENTER_COMPONENT);
    for (ComponentInstance *i = callee; i && !instance_is_inside(caller, i); i = i->parent)
        *i->may_enter = false;
    return NULL;
}

void instance_leave(ComponentInstance *callee, const ComponentInstance *caller)
{
    for (ComponentInstance *i = callee; i && !instance_is_inside(caller, i); i = i->parent)
        *i->may_enter = true;
}

/* --- lifted functions --- */

static AbiSide side_of(const CanonEnv *env, CallScope *scope, bool host, Arena *arena)
{
    ComponentInstance *i = env->inst;
    return (AbiSide){.store = i->root->store,
                     .types = i->component->types,
                     .handles = &i->handles,
                     .resources = i->resources,
                     .first_resource = i->component->first_resource,
                     .inst = i,
                     .may_leave = i->may_leave,
                     .memory = env->memory,
                     .realloc = env->realloc,
                     .encoding = env->encoding,
                     .wide = env->wide,
                     .host = host,
                     .scope = scope,
                     .arena = arena};
}

static AbiTuple params_of(const CanonEnv *env)
{
    return (AbiTuple){env->type->fields, env->type->n, env->sig.params_spilled};
}

static AbiTuple result_of(const CanonEnv *env, CField *field)
{
    field->type = env->type->result;
    return (AbiTuple){field, env->type->result != CTYPE_NONE, env->sig.results_spilled};
}

MUST_CHECK static Error *run_post_return(const CanonEnv *env, u64 flat)
{
    if (!env->post_return)
        return NULL;
    ComponentInstance *i = env->inst;
    VmVal vals[1] = {{.pair = {flat}}};
    *i->may_leave = false;
    Error *e = func_call(i->root->store, env->post_return, vals);
    if (!e)
        *i->may_leave = true;
    return e;
}

/* Where a caller that is a component wants the result. */
typedef struct Caller {
    const CanonEnv *env;
    HostCall *call;
} Caller;

MUST_CHECK static Error *lower_result(const Caller *c, const ComponentVal *result)
{
    const CanonEnv *env = c->env;
    CField field = {0};
    AbiTuple t = result_of(env, &field);
    u64 out = env->sig.results_spilled ? c->call->flat[env->sig.nparams - 1] : 0;
    return abi_lower(&c->call->side, &t, result, t.spilled ? &out : NULL, c->call->flat);
}

/* The callee was entered. The caller has its result before post-return may free what it is of. */
MUST_CHECK static Error *run_lifted(ComponentFunc *f, Task *task, const Caller *caller,
                                    const ComponentVal *params)
{
    const CanonEnv *env = &f->env;
    AbiSide *side = task->side;
    AbiTuple t = params_of(env);
    u64 flat[ABI_FLAT] = {0};
    VmVal vals[ABI_FLAT];
    *env->inst->may_leave = false;
    Error *e = abi_lower(side, &t, params, NULL, flat);
    if (e)
        return e;
    *env->inst->may_leave = true;
    abi_to_vals(flat, env->sig.nparams, vals);
    e = func_call(side->store, f->core, vals);
    if (!e && env->is_async)
        e = task_finish(task, vals);
    if (e || env->is_async)
        return e || !caller ? e : lower_result(caller, task->result);
    flat[0] = 0;
    abi_from_vals(env->sig.results, env->sig.nresults, vals, flat);
    CField field = {0};
    t = result_of(env, &field);
    e = scope_check_borrows(side->scope);
    if (!e)
        e = abi_lift(side, &t, flat, task->result);
    if (!e && caller)
        e = lower_result(caller, task->result);
    return e ? e : run_post_return(env, flat[0]);
}

/* `to` NULL: the host calls. */
MUST_CHECK static Error *call_lifted(ComponentFunc *f, const Caller *to, const ComponentVal *params,
                                     Arena *arena, ComponentVal *ret_result)
{
    const ComponentInstance *caller = to ? to->env->inst : NULL;
    if (caller && instance_is_related(caller, f->env.inst))
        return trap_error(TRAP_CANNOT_ENTER_COMPONENT);
    Error *e = task_start(&f->env);
    if (!e)
        e = instance_enter(f->env.inst, caller);
    if (e)
        return e;
    CallScope scope = {0};
    AbiSide side = side_of(&f->env, &scope, !caller, arena);
    Task task;
    task_begin(&task, f->env.inst, &f->env, &side, ret_result);
    bool beside = to && to->env->is_async;
    f->env.inst->root->beside += beside;
    e = run_lifted(f, &task, to, params);
    f->env.inst->root->beside -= beside;
    task_end(&task, f->env.inst);
    scope_end_lends(&scope);
    if (!e)
        instance_leave(f->env.inst, caller);
    return e; /* who failed stays entered, for good */
}

static u64 scalar_bits(const ComponentVal *v)
{
    if (v->kind == CT_ENUM)
        return v->n;
    bool narrow = v->kind == CT_S8 || v->kind == CT_S16 || v->kind == CT_S32;
    return narrow ? (u32)v->bits : v->bits;
}

MUST_CHECK static Error *lift_result(const ComponentTypes *types, CTypeId type, u64 flat,
                                     ComponentVal *ret_result)
{
    CTypeKind kind = (CTypeKind)ctype_get(types, type)->kind;
    if (kind == CT_U32 || kind == CT_U64 || kind == CT_F32 || kind == CT_F64 || kind == CT_S64) {
        *ret_result = (ComponentVal){.kind = (u8)kind, .bits = flat};
        return NULL;
    }
    AbiSide side = {.types = types, .host = true};
    return abi_lift_flat(&side, type, &(FlatReader){&flat, 0}, ret_result);
}

/* A call from the host that needs neither memory nor handles: nothing is kept of it. */
MUST_CHECK static Error *call_scalars(const ComponentFunc *f, const ComponentVal *params,
                                      ComponentVal *ret_result)
{
    const CanonEnv *env = &f->env;
    const ComponentTypes *types = env->inst->component->types;
    VmVal vals[ABI_FLAT];
    Error *e = instance_enter(env->inst, NULL);
    if (e)
        return e;
    for (u32 i = 0; i < env->type->n; i++) {
        const CType *c = ctype_get(types, env->type->fields[i].type);
        if (params[i].kind != c->kind || (c->kind == CT_ENUM && params[i].n >= c->n))
            return error_new("type mismatch: expected %s", ctype_kind_name((CTypeKind)c->kind));
        vals[i].pair[0] = scalar_bits(&params[i]);
    }
    e = func_call(env->inst->root->store, f->core, vals);
    if (e)
        return e;
    u64 flat = 0;
    abi_from_vals(env->sig.results, env->sig.nresults, vals, &flat);
    if (env->sig.nresults)
        e = lift_result(types, env->type->result, flat, ret_result);
    if (!e && UNLIKELY(env->post_return != NULL))
        e = run_post_return(env, flat);
    if (!e)
        instance_leave(env->inst, NULL);
    return e;
}

bool component_func_type(const ComponentFunc *f, const ComponentTypes **ret_types,
                         const CType **ret_type)
{
    if (f->is_host)
        return false;
    *ret_types = f->env.inst->component->types;
    *ret_type = f->env.type;
    return true;
}

Error *component_call(ComponentFunc *f, const ComponentVal *params, Arena *arena,
                      ComponentVal *ret_result)
{
    if (f->is_host)
        return error_new("the export is a function of the host");
    if (f->env.scalar)
        return call_scalars(f, params, ret_result);
    return call_lifted(f, NULL, params, arena, ret_result);
}

/* --- lowered functions --- */

typedef struct Lowered {
    CanonEnv env;
    ComponentFunc *func;
} Lowered;

enum { FEW_PARAMS = 8 };

MUST_CHECK static Error *call_any(const Lowered *l, HostCall *call, const ComponentVal *params,
                                  ComponentVal *ret_result)
{
    ComponentFunc *f = l->func;
    const Caller caller = {&l->env, call};
    if (!f->is_host)
        return call_lifted(f, &caller, params, call->side.arena, ret_result);
    Error *e = f->host.vals(f->host.env, call, params, ret_result);
    return e ? e : lower_result(&caller, ret_result);
}

/* What a core function lowered with the asynchronous ABI answers if the call is over. */
enum { SUBTASK_RETURNED = 2 };

MUST_CHECK static Error *lowered_call(const Lowered *l, HostCall *call)
{
    if (l->func->is_host)
        l->env.inst->root->called_host = true;
    if (l->func->is_host && l->func->host.raw)
        return l->func->host.raw(l->func->host.env, call);
    const CanonEnv *env = &l->env;
    if (env->type->is_async && !env->is_async && !task_may_block(env->inst->task))
        return trap_error(TRAP_CANNOT_BLOCK_SYNC_TASK);
    ComponentVal few[FEW_PARAMS], *params = few;
    if (env->type->n > FEW_PARAMS)
        params = arena_array(call->side.arena, ComponentVal, env->type->n);
    ComponentVal result = {0};
    AbiTuple t = params_of(env);
    Error *e = abi_lift(&call->side, &t, call->flat, params);
    if (!e)
        e = call_any(l, call, params, &result);
    if (!e && env->is_async) /* no call is left under way */
        call->flat[0] = SUBTASK_RETURNED;
    return e;
}

/* The host function behind canon lower. */
static void lowered_entry(void *arg, VmCtx *caller, VmVal *vals)
{
    (void)caller;
    const Lowered *l = arg;
    const CanonEnv *env = &l->env;
    Store *store = env->inst->root->store;
    if (!*env->inst->may_leave) {
        host_fail(store, trap_error(TRAP_CANNOT_LEAVE_COMPONENT));
        return;
    }
    u64 flat[ABI_FLAT] = {0};
    abi_from_vals(env->sig.params, env->sig.nparams, vals, flat);
    Arena arena;
    arena_init(&arena);
    CallScope scope = {0};
    HostCall call = {.store = store,
                     .host = env->inst->root->host,
                     .type = env->type,
                     .sig = &env->sig,
                     .flat = flat};
    call.side = side_of(env, &scope, l->func->is_host, &arena);
    Error *e = lowered_call(l, &call);
    scope_end_lends(&scope);
    arena_release(&arena);
    if (e)
        host_fail(store, e);
    else
        abi_to_vals(flat, env->sig.nresults, vals);
    fiber_yield_if_asked();
}

/* --- builtins of resources --- */

typedef struct ResourceEnv {
    ComponentInstance *inst;
    ResourceKey type;
} ResourceEnv;

MUST_CHECK static Error *check_may_leave(const ComponentInstance *i)
{
    return *i->may_leave ? NULL : trap_error(TRAP_CANNOT_LEAVE_COMPONENT);
}

static u32 resource_new(void *arg, VmCtx *caller, u32 rep)
{
    (void)caller;
    ResourceEnv *r = arg;
    u32 index = 0;
    Error *e = check_may_leave(r->inst);
    if (!e)
        e = handles_add(&r->inst->handles, r->type, rep, NULL, &index);
    if (e)
        host_fail(r->inst->root->store, e);
    return index;
}

static u32 resource_rep(void *arg, VmCtx *caller, u32 index)
{
    (void)caller;
    ResourceEnv *r = arg;
    u64 rep = 0;
    Error *e = handles_rep(&r->inst->handles, r->type, index, &rep);
    if (e)
        host_fail(r->inst->root->store, e);
    return (u32)rep;
}

MUST_CHECK static Error *destroy(Store *store, const ComponentInstance *caller, ResourceType *t,
                                 u64 rep)
{
    void *host = caller ? caller->root->host : NULL;
    if (!t->owner)
        return t->host_drop ? t->host_drop(t->env, host, rep) : NULL;
    Error *e = instance_enter(t->owner, caller);
    if (e)
        return e;
    VmVal vals[1] = {{.pair = {rep}}};
    Task task;
    task_begin(&task, t->owner, NULL, NULL, NULL);
    if (t->dtor)
        e = func_call(store, t->dtor, vals);
    task_end(&task, t->owner);
    if (!e)
        instance_leave(t->owner, caller);
    return e;
}

Error *component_drop_resource(Store *s, const ComponentVal *own)
{
    return destroy(s, NULL, own->resource, own->rep);
}

static void resource_drop(void *arg, VmCtx *caller, u32 index)
{
    (void)caller;
    ResourceEnv *r = arg;
    bool own = false;
    u64 rep = 0;
    Error *e = check_may_leave(r->inst);
    if (!e)
        e = handles_drop(&r->inst->handles, r->type, index, &own, &rep);
    if (!e && own)
        e = destroy(r->inst->root->store, r->inst, *r->type, rep);
    if (e)
        host_fail(r->inst->root->store, e);
    fiber_yield_if_asked();
}

/* --- what canonical definitions make --- */

static bool is_scalar(const ComponentTypes *t, CTypeId type)
{
    const CType *c = ctype_get(t, type);
    return c->kind <= CT_CHAR || c->kind == CT_ENUM || c->kind == CT_FLAGS;
}

/* Is this a function of scalars, whose calls no builtin asks about? */
static bool is_scalar_func(const CanonEnv *env)
{
    const ComponentTypes *t = env->inst->component->types;
    const CType *c = env->type;
    bool all = !env->is_async && !c->is_async && !env->sig.params_spilled && !env->inst->has_tasks;
    for (u32 i = 0; i < c->n && all; i++)
        all = is_scalar(t, c->fields[i].type);
    return all && (c->result == CTYPE_NONE || is_scalar(t, c->result));
}

void canon_env_init(ComponentInstance *i, const Canon *c, const CType *type, FlatContext context,
                    CanonEnv *ret_env)
{
    const CanonOptions *o = &c->options;
    *ret_env = (CanonEnv){.inst = i,
                          .type = type,
                          .encoding = o->encoding,
                          .wide = o->memory64,
                          .is_async = o->async};
    if (o->has_memory)
        ret_env->memory = i->at->core[EXTERN_MEMORY][o->memory].memory;
    if (o->has_realloc)
        ret_env->realloc = i->at->core[EXTERN_FUNC][o->realloc].func;
    if (o->has_post_return)
        ret_env->post_return = i->at->core[EXTERN_FUNC][o->post_return].func;
    if (o->has_callback)
        ret_env->callback = i->at->core[EXTERN_FUNC][o->callback].func;
    ctype_flatten(i->component->types, type, context, o, &ret_env->sig);
    ret_env->scalar = is_scalar_func(ret_env);
}

/* --- core functions --- */

static Error *make_lowered(ComponentInstance *i, const Canon *c, VmFuncRef **ret_func)
{
    CanonEnv env;
    ComponentFunc *f = i->at->funcs[c->func];
    const CType *type = ctype_get(i->component->types, i->component->funcs[c->func]);
    canon_env_init(i, c, type, FLAT_LOWER, &env);
    if (f->is_host && !f->host.vals && env.is_async)
        return error_new(
            "asynchronous calls of host functions are not supported by this build yet");
    if (f->is_host && f->host.glue)
        return glue_lowered(&env, c->core_type, &f->host, ret_func);
    Lowered *l = arena_new(&i->root->arena, Lowered);
    *l = (Lowered){env, f};
    if (!l->func->is_host && adapter_make(&l->env, l->func, ret_func))
        return NULL;
    return store_host_func(i->root->store, c->core_type, false, (void *)lowered_entry, l, ret_func);
}

Error *canon_core_func(ComponentInstance *i, const Canon *c, VmFuncRef **ret_func)
{
    if (c->kind == CANON_lower)
        return make_lowered(i, c, ret_func);
    if (!canon_is_resource(c))
        return task_builtin(i, c, ret_func);
    ResourceEnv *r = arena_new(&i->root->arena, ResourceEnv);
    const Component *k = i->component;
    u32 number = ctype_get(k->types, c->type)->resource;
    *r = (ResourceEnv){i, &i->resources[number - k->first_resource]};
    if (k->types->resources[number].is64)
        return error_new("64-bit representations of resources are not supported by this build yet");
    void *fn = c->kind == CANON_resource_new   ? (void *)resource_new
               : c->kind == CANON_resource_rep ? (void *)resource_rep
                                               : (void *)resource_drop;
    return store_host_func(i->root->store, c->core_type, true, fn, r, ret_func);
}
