/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Adapters between running instances: what they import, and the functions that they call of ours.
 */
#include "base/utf8.h"
#include "component/instance_priv.h"
#include "component/recode.h"

enum { ADAPTER_ENTERED = 8, ADAPTER_IMPORTS = ADAPTER_ENTER + ADAPTER_ENTERED };

static void adapter_trap(void *env, VmCtx *caller, u32 code)
{
    (void)caller;
    host_fail(((ComponentRoot *)env)->store, trap_error((TrapCode)code));
}

typedef struct StringEnv {
    Store *store;
    const CanonEnv *from, *to;
} StringEnv;

/* The adapter found that the bytes are in memory. */
static void check_utf8(void *env, VmCtx *caller, u32 at, u32 n)
{
    (void)caller;
    const StringEnv *s = env;
    u64 length = 0;
    const u8 *base = memory_data(s->from->memory, &length);
    ALWAYS(at <= length && n <= length - at);
    if (!utf8_valid(base + at, n))
        host_fail(s->store, error_new("invalid utf8 encoding"));
}

static AbiSide string_side(const CanonEnv *env)
{
    return (AbiSide){.store = env->inst->root->store,
                     .may_leave = env->inst->may_leave,
                     .memory = env->memory,
                     .realloc = env->realloc,
                     .encoding = env->encoding};
}

static void check_string(void *env, VmCtx *caller, u32 at, u32 n)
{
    (void)caller;
    const StringEnv *s = env;
    AbiSide side = string_side(s->from);
    Error *e = recode_check(&side, (AbiSlice){at, n});
    if (e)
        host_fail(s->store, e);
}

static u64 recode_string(void *env, VmCtx *caller, u32 at, u32 n)
{
    (void)caller;
    const StringEnv *s = env;
    AbiSlice made = {0};
    AbiSide from = string_side(s->from), to = string_side(s->to);
    Error *e = recode(&from, &to, (AbiSlice){at, n}, &made);
    if (e)
        host_fail(s->store, e);
    return (u32)made.ptr | made.n << 32;
}

/* Handles that go from one instance to another. */
typedef struct HandleEnv {
    ComponentInstance *from, *to;
    const ComponentInstance *callee;  /* whose numbers the resource types have */
    ResourceKey in_callee, in_caller; /* of the handle before */
} HandleEnv;

static ResourceKey resource_of(const ComponentInstance *callee, u32 number)
{
    return &callee->resources[(number & ~ADAPTER_OWN) - callee->component->first_resource];
}

/* What the type of that number is in the table of `i`. Callers know no two of the same, or have no
 * adapters. */
static ResourceKey key_for(HandleEnv *h, const ComponentInstance *i, u32 number)
{
    ResourceKey key = resource_of(h->callee, number);
    if (i == h->callee)
        return key;
    if (h->in_callee != key) {
        h->in_callee = key;
        h->in_caller = instance_key(i, *key);
    }
    ALWAYS(h->in_caller != NULL); /* its function has the type */
    return h->in_caller;
}

static u32 look_at_handle(void *env, VmCtx *caller, u32 handle, u32 number)
{
    (void)caller;
    HandleEnv *h = env;
    ResourceKey type = key_for(h, h->from, number);
    u64 rep = 0;
    Error *e = number & ADAPTER_OWN ? handles_look_own(&h->from->handles, type, handle, &rep)
                                    : handles_rep(&h->from->handles, type, handle, &rep);
    if (e)
        host_fail(h->callee->root->store, e);
    return (u32)rep;
}

static u32 move_handle(void *env, VmCtx *caller, u32 handle, u32 number)
{
    (void)caller;
    HandleEnv *h = env;
    ResourceKey type = key_for(h, h->from, number), there = key_for(h, h->to, number);
    u64 rep = 0;
    u32 moved = 0, back = 0;
    Error *e = handles_take_own(&h->from->handles, type, handle, &rep);
    if (!e) {
        e = handles_add(&h->to->handles, there, rep, NULL, &moved);
        if (e) /* its place was freed just now */
            ALWAYS(!handles_add(&h->from->handles, type, rep, NULL, &back));
    }
    if (e)
        host_fail(h->callee->root->store, e);
    return moved;
}

MUST_CHECK static Error *host_func(ComponentRoot *r, u32 nparams, u32 nresults, ValType result,
                                   void *fn, void *env, VmFuncRef **ret_func)
{
    TypeRegistry *types = store_registry(r->store);
    const ValType params[] = {VT_I32, VT_I32};
    u32 type = types_add_func(types, params, nparams, &result, nresults);
    Error *e = store_host_func(r->store, type, true, fn, env, ret_func);
    types_unref(types, type);
    return e;
}

/* Of strings; `to` NULL: only looks at them. */
MUST_CHECK static Error *string_func(const CanonEnv *from, const CanonEnv *to, bool utf8,
                                     VmFuncRef **ret_func)
{
    ComponentRoot *r = from->inst->root;
    StringEnv *s = arena_new(&r->arena, StringEnv);
    *s = (StringEnv){r->store, from, to};
    if (to)
        return host_func(r, 2, 1, VT_I64, (void *)recode_string, s, ret_func);
    return host_func(r, 2, 0, VT_I32, utf8 ? (void *)check_utf8 : (void *)check_string, s,
                     ret_func);
}

MUST_CHECK static Error *handle_func(const CanonEnv *caller, const CanonEnv *callee,
                                     AdapterImport which, VmFuncRef **ret_func)
{
    ComponentRoot *r = callee->inst->root;
    HandleEnv *h = arena_new(&r->arena, HandleEnv);
    bool of_caller = which == ADAPTER_LOOK_CALLER || which == ADAPTER_MOVE_CALLEE;
    bool look = which == ADAPTER_LOOK_CALLER || which == ADAPTER_LOOK_CALLEE;
    *h = (HandleEnv){callee->inst, caller->inst, callee->inst, NULL, NULL};
    if (of_caller)
        *h = (HandleEnv){caller->inst, callee->inst, callee->inst, NULL, NULL};
    return host_func(r, 2, 1, VT_I32, look ? (void *)look_at_handle : (void *)move_handle, h,
                     ret_func);
}

typedef struct Imports {
    u32 n;
    Extern p[ADAPTER_IMPORTS];
} Imports;

static void add_func(Imports *i, VmFuncRef *f)
{
    i->p[i->n++] = (Extern){.kind = EXTERN_FUNC, .func = f};
}

static void add_flag(Imports *i, RtGlobal *g)
{
    i->p[i->n++] = (Extern){.kind = EXTERN_GLOBAL, .global = g};
}

static void add_memory(Imports *i, Memory *m)
{
    i->p[i->n++] = (Extern){.kind = EXTERN_MEMORY, .memory = m};
}

/* The functions of ours, which are made for the adapter. */
MUST_CHECK static Error *add_own_func(const CanonEnv *caller, const CanonEnv *env,
                                      AdapterImport which, Imports *ret)
{
    ComponentRoot *r = env->inst->root;
    VmFuncRef *f = NULL;
    Error *e = NULL;
    bool utf8 = caller->encoding == STRING_UTF8 && env->encoding == STRING_UTF8;
    if (which == ADAPTER_TRAP) {
        if (!r->trap)
            e = host_func(r, 1, 0, VT_I32, (void *)adapter_trap, r, &r->trap);
        f = r->trap;
    } else if (which == ADAPTER_CHECK_CALLER || which == ADAPTER_CHECK_CALLEE) {
        e = string_func(which == ADAPTER_CHECK_CALLER ? caller : env, NULL, utf8, &f);
    } else if (which >= ADAPTER_LOOK_CALLER) {
        e = handle_func(caller, env, which, &f);
    } else {
        bool to_caller = which == ADAPTER_RECODE_CALLER;
        e = string_func(to_caller ? env : caller, to_caller ? caller : env, utf8, &f);
    }
    add_func(ret, f);
    return e;
}

MUST_CHECK static Error *add_import(const CanonEnv *caller, const ComponentFunc *callee,
                                    AdapterImport which, Imports *ret)
{
    const CanonEnv *env = &callee->env;
    switch (which) {
    case ADAPTER_CALLEE:
        add_func(ret, callee->core);
        return NULL;
    case ADAPTER_TRAP:
    case ADAPTER_CHECK_CALLER:
    case ADAPTER_CHECK_CALLEE:
    case ADAPTER_RECODE_CALLER:
    case ADAPTER_RECODE_CALLEE:
    case ADAPTER_LOOK_CALLER:
    case ADAPTER_LOOK_CALLEE:
    case ADAPTER_MOVE_CALLER:
    case ADAPTER_MOVE_CALLEE:
        return add_own_func(caller, env, which, ret);
    case ADAPTER_POST:
        add_func(ret, env->post_return);
        return NULL;
    case ADAPTER_REALLOC_CALLER:
        add_func(ret, caller->realloc);
        return NULL;
    case ADAPTER_REALLOC_CALLEE:
        add_func(ret, env->realloc);
        return NULL;
    case ADAPTER_MEMORY_CALLER:
        add_memory(ret, caller->memory);
        return NULL;
    case ADAPTER_MEMORY_CALLEE:
        add_memory(ret, env->memory);
        return NULL;
    case ADAPTER_LEAVE_CALLER:
        add_flag(ret, caller->inst->leave_global);
        return NULL;
    case ADAPTER_LEAVE_CALLEE:
        add_flag(ret, env->inst->leave_global);
        return NULL;
    case ADAPTER_ENTER:
        for (ComponentInstance *i = env->inst; i && !instance_is_inside(caller->inst, i);
             i = i->parent)
            add_flag(ret, i->enter_global);
        return NULL;
    }
    BUG("not an import of adapters");
}

MUST_CHECK static Error *instantiate(const CanonEnv *caller, const ComponentFunc *callee, Str bytes,
                                     u32 imports, Instance **ret_instance)
{
    ComponentRoot *r = caller->inst->root;
    Imports list = {0};
    Module *m = NULL;
    Error *e = loaded_adapter(r->loaded, bytes, &m);
    for (u32 i = 0; i <= ADAPTER_ENTER && !e; i++)
        if (imports >> i & 1)
            e = add_import(caller, callee, (AdapterImport)i, &list);
    return e ? e : instance_new(r->store, m, list.p, list.n, ret_instance);
}

static AdapterSide side_of(const CanonEnv *env)
{
    return (AdapterSide){&env->sig, env->encoding, env->memory != NULL, env->realloc != NULL,
                         env->wide};
}

static bool owns(const void *callee, u32 resource)
{
    const ResourceType *type = *resource_of(callee, resource);
    return type && type->owner == callee;
}

bool adapter_make(const CanonEnv *caller, const ComponentFunc *callee, VmFuncRef **ret_func)
{
    const CanonEnv *env = &callee->env;
    bool caller_task = caller->inst->has_tasks && caller->realloc; /* which has slots of its own */
    if (caller->is_async || env->is_async || env->inst->has_tasks || caller_task ||
        caller->inst->has_twins || instance_is_related(caller->inst, env->inst) ||
        env->inst->root != caller->inst->root)
        return false;
    AdapterShape shape = {.types = env->inst->component->types,
                          .func = env->type,
                          .caller = side_of(caller),
                          .callee = side_of(env),
                          .post_return = env->post_return != NULL,
                          .owns = owns,
                          .owner = env->inst};
    for (ComponentInstance *i = env->inst; i && !instance_is_inside(caller->inst, i); i = i->parent)
        shape.nentered++;
    Buf bytes = {0};
    u32 imports = 0;
    Instance *instance = NULL;
    Error *e = NULL;
    bool possible = shape.nentered <= ADAPTER_ENTERED && adapter_encode(&shape, &bytes, &imports);
    if (possible)
        e = instantiate(caller, callee, (Str){(char *)bytes.p, bytes.n}, imports, &instance);
    buf_release(&bytes);
    if (!possible || e) { /* limits of the store, or proposals that are off: trees need neither */
        error_free(e);
        return false;
    }
    Extern made;
    ALWAYS(instance_export(instance, STR("a"), &made));
    *ret_func = made.func;
    return true;
}
