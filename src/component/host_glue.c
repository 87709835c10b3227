/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What generated glue asks of the runtime. A guest calls the glue as a typed host function, whose
 * environment is a Glue; functions of an instance with the same options have the same one.
 */
#include "component/instance_priv.h"
#include "runtime/fiber.h"

typedef struct Glue {
    LiftEnv lift; /* first: the glue hands it back */
    ComponentInstance *inst;
    VmFuncRef *realloc;
    struct Glue *next; /* of the instance */
    const ComponentLinker *linker;
    const CType *func; /* NULL: of any; given if the instance knows the same type twice */
    const LiftResource *glue_type; /* looked up before: */
    ResourceKey key;
    CallScope scope; /* of the call that runs: there is one at a time, see instance_enter */
    bool failed;     /* it has its error */
} Glue;

static Glue *glue_of(LiftCall *c)
{
    return (Glue *)(uintptr_t)c->env;
}

/* Transfers `e`. */
static void fail(LiftCall *c, Error *e)
{
    Glue *g = glue_of(c);
    c->failed = true;
    if (g->failed) {
        error_free(e);
        return;
    }
    g->failed = true;
    host_fail(g->inst->root->store, e);
}

static void op_fail(LiftCall *c, const char *text)
{
    Glue *g = glue_of(c);
    fail(c, *g->inst->may_leave ? error_new("%s", text) : trap_error(TRAP_CANNOT_LEAVE_COMPONENT));
}

/* What of the resource the type mentions. As deep as the type. */
static ResourceKey key_in_type(const ComponentInstance *i, CTypeId type, const ResourceType *t)
{
    if (type == CTYPE_NONE)
        return NULL;
    const CType *c = ctype_get(i->component->types, type);
    if (c->kind == CT_OWN || c->kind == CT_BORROW) {
        ResourceKey key = &i->resources[c->resource - i->component->first_resource];
        return *key == t ? key : NULL;
    }
    ResourceKey key = NULL;
    for (u32 n = 0; n < c->n && c->fields && !key; n++)
        key = key_in_type(i, c->fields[n].type, t);
    return key;
}

static ResourceKey find_key(const Glue *g, const ResourceType *t)
{
    ResourceKey key = NULL;
    for (u32 n = 0; g->func && n < g->func->n && !key; n++)
        key = key_in_type(g->inst, g->func->fields[n].type, t);
    if (g->func && !key)
        key = key_in_type(g->inst, g->func->result, t);
    return key ? key : instance_key(g->inst, t);
}

/* What the instance knows the glue's type by; NULL, with the call failed, if its interface is not
 * linked. */
static ResourceKey find_type(LiftCall *c, const LiftResource *type)
{
    Glue *g = glue_of(c);
    if (g->glue_type == type)
        return g->key;
    ResourceType *t = component_linker_type(g->linker, type);
    ResourceKey key = t ? find_key(g, t) : NULL;
    if (!key) {
        fail(c, error_new("the resource type `%s` is not linked", type->name));
        return NULL;
    }
    g->glue_type = type;
    g->key = key;
    return key;
}

static u32 op_realloc(LiftCall *c, u32 old, u32 old_size, u32 align, u32 size)
{
    Glue *g = glue_of(c);
    ComponentInstance *i = g->inst;
    VmVal vals[4] = {{.pair = {old}}, {.pair = {old_size}}, {.pair = {align}}, {.pair = {size}}};
    u64 context[2];
    task_hide_context(i, context);
    *i->may_leave = false;
    fiber_hold(); /* what is being lowered may be a view of what others change */
    Error *e = g->realloc ? func_call(i->root->store, g->realloc, vals)
                          : error_new("no realloc is given to the canonical function");
    fiber_unhold();
    *i->may_leave = true;
    task_show_context(i, context);
    if (!e)
        return (u32)vals[0].i32;
    fail(c, e);
    return 0;
}

static void *op_take_own(LiftCall *c, const LiftResource *type, u32 handle)
{
    Glue *g = glue_of(c);
    u64 rep = 0;
    ResourceKey t = find_type(c, type);
    if (!t)
        return NULL;
    Error *e = handles_take_own(&g->inst->handles, t, handle, &rep);
    if (e)
        fail(c, e);
    return (void *)(uintptr_t)rep;
}

static void *op_borrow(LiftCall *c, const LiftResource *type, u32 handle)
{
    Glue *g = glue_of(c);
    u64 rep = 0;
    ResourceKey t = find_type(c, type);
    if (!t)
        return NULL;
    Error *e = handles_lend(&g->inst->handles, t, handle, &g->scope, &rep);
    if (e)
        fail(c, e);
    return (void *)(uintptr_t)rep;
}

static u32 op_give_own(LiftCall *c, const LiftResource *type, void *rep)
{
    Glue *g = glue_of(c);
    u32 index = 0;
    ResourceKey t = find_type(c, type);
    if (!t)
        return 0;
    Error *e = handles_add(&g->inst->handles, t, (u64)(uintptr_t)rep, NULL, &index);
    if (e)
        fail(c, e);
    return index;
}

static void op_leave(LiftCall *c)
{
    Glue *g = glue_of(c);
    scope_end_lends(&g->scope);
    g->failed = false;
    g->inst->root->called_host = true;
    fiber_yield_if_asked();
}

static const LiftOps ops = {.realloc = op_realloc,
                            .take_own = op_take_own,
                            .borrow = op_borrow,
                            .give_own = op_give_own,
                            .leave = op_leave,
                            .fail = op_fail};

static bool same_letters(const char **text, const u8 *types, u32 n)
{
    static const char letters[] = {
        [KIND_I32] = 'i', [KIND_I64] = 'I', [KIND_F32] = 'f', [KIND_F64] = 'd'};
    for (u32 i = 0; i < n; i++)
        if (*(*text)++ != letters[types[i]])
            return false;
    return true;
}

/* The glue is called with what the signature says, so it has to be its own. */
bool glue_fits(const FlatSig *sig, const LiftFunc *f)
{
    const char *core = f->core;
    return same_letters(&core, sig->params, sig->nparams) && *core++ == ':' &&
           same_letters(&core, sig->results, sig->nresults) && *core == 0;
}

enum { GLUES_LOOKED_AT = 8 }; /* few instances have more sorts of options */

/* The one that the instance has for these options, made for the first. */
static Glue *glue_for(const CanonEnv *env, const HostFunc *f)
{
    ComponentInstance *i = env->inst;
    void *host = i->root->host ? i->root->host : f->env;
    const VmMemory *memory = env->memory ? memory_vm(env->memory) : NULL;
    u32 n = 0;
    for (Glue *g = i->has_twins ? NULL : i->glues; g && n < GLUES_LOOKED_AT; g = g->next, n++)
        if (g->linker == f->linker && g->realloc == env->realloc && g->lift.host == host &&
            g->lift.memory == memory && g->lift.encoding == (LiftEncoding)env->encoding)
            return g;
    Glue *g = arena_new(&i->root->arena, Glue);
    *g = (Glue){.lift = {.ops = &ops,
                         .host = host,
                         .memory = memory,
                         .encoding = (LiftEncoding)env->encoding,
                         .fuel = linker_hostcall_fuel(f->linker),
                         .may_leave = i->may_leave},
                .inst = i,
                .realloc = env->realloc,
                .next = i->glues,
                .linker = f->linker,
                .func = i->has_twins ? env->type : NULL};
    i->glues = g;
    return g;
}

Error *glue_lowered(const CanonEnv *env, u32 core_type, const HostFunc *f, VmFuncRef **ret_func)
{
    const LiftFunc *lift = f->glue;
    if (lift->is_async)
        return error_new("asynchronous functions are not supported by this build yet");
    if (!glue_fits(&env->sig, lift))
        return error_new("the import `%s` has another type than the host's %s", lift->name,
                         lift->wit);
    return store_host_func(env->inst->root->store, core_type, true, lift->fn, glue_for(env, f),
                           ret_func);
}
