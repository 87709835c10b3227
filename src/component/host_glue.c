/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What generated glue asks of the runtime. A guest calls the glue as a typed host function, whose
 * environment is a Glue; functions of an instance with the same options have the same one.
 */
#include "component/instance_priv.h"
#include "runtime/fiber.h"

/* What the instance knows a type of the glue's by. */
typedef struct GlueType {
    const LiftResource *type;
    ResourceKey key;
    struct GlueType *next;
} GlueType;

typedef struct Glue {
    LiftEnv lift; /* first: the glue hands it back */
    ComponentInstance *inst;
    VmFuncRef *realloc;
    struct Glue *next; /* of the instance */
    const ComponentLinker *linker;
    GlueType *types; /* all that its functions mention; most have one or two */
} Glue;

/* What the glues of an instance share: of all of its calls one runs at a time, see instance_enter.
 */
struct GlueSet {
    Glue *first;
    CallScope scope; /* of the call that runs */
    bool failed;     /* it has its error */
};

static Glue *glue_of(LiftCall *c)
{
    return (Glue *)(uintptr_t)c->env;
}

static GlueSet *set_of(LiftCall *c)
{
    return glue_of(c)->inst->glues;
}

/* Transfers `e`. */
static void fail(LiftCall *c, Error *e)
{
    GlueSet *set = set_of(c);
    c->failed = true;
    if (set->failed) {
        error_free(e);
        return;
    }
    set->failed = true;
    host_fail(glue_of(c)->inst->root->store, e);
}

static void op_fail(LiftCall *c, const char *text)
{
    Glue *g = glue_of(c);
    fail(c, *g->inst->may_leave ? error_new("%s", text) : trap_error(TRAP_CANNOT_LEAVE_COMPONENT));
}

static GlueType *find_among(GlueType *types, const LiftResource *type)
{
    while (types && types->type != type)
        types = types->next;
    return types;
}

/* NULL, with the call failed, if the type's interface is not linked. */
static ResourceKey find_type(LiftCall *c, const LiftResource *type)
{
    const Glue *g = glue_of(c);
    const GlueType *known = find_among(g->types, type);
    if (LIKELY(known))
        return known->key;
    const ResourceType *t = component_linker_type(g->linker, type);
    ResourceKey key = t ? instance_key(g->inst, t) : NULL;
    if (!key)
        fail(c, error_new("the resource type `%s` is not linked", type->name));
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
    Error *e = g->realloc ? func_call(i->root->store, g->realloc, vals)
                          : error_new("no realloc is given to the canonical function");
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
    Error *e = handles_lend(&g->inst->handles, t, handle, &g->inst->glues->scope, &rep);
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
    GlueSet *set = set_of(c);
    scope_end_lends(&set->scope);
    set->failed = false;
    glue_of(c)->inst->root->called_host = true;
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

/*
 * Adds what the type mentions to a function's list. An instance may know a type twice, and what a
 * function mentions of it first is what it means. As deep as the type.
 */
static void note_types(const ComponentInstance *i, CTypeId type, Arena *a, GlueType **types)
{
    if (type == CTYPE_NONE)
        return;
    const CType *c = ctype_get(i->component->types, type);
    for (u32 n = 0; n < c->n && c->fields; n++)
        note_types(i, c->fields[n].type, a, types);
    if (c->kind != CT_OWN && c->kind != CT_BORROW)
        return;
    ResourceKey key = &i->resources[c->resource - i->component->first_resource];
    const LiftResource *glue = linker_glue_type(*key);
    if (!glue || find_among(*types, glue))
        return;
    GlueType *t = arena_new(a, GlueType);
    *t = (GlueType){glue, key, *types};
    *types = t;
}

static bool glue_serves(const Glue *g, const Glue *own)
{
    if (g->linker != own->linker || g->realloc != own->realloc || g->lift.host != own->lift.host ||
        g->lift.memory != own->lift.memory || g->lift.encoding != own->lift.encoding)
        return false;
    for (const GlueType *t = own->types; t; t = t->next) {
        const GlueType *known = find_among(g->types, t->type);
        if (known && known->key != t->key)
            return false;
    }
    return true;
}

static void add_types(Glue *g, const GlueType *types, Arena *a)
{
    for (; types; types = types->next) {
        if (find_among(g->types, types->type))
            continue;
        GlueType *t = arena_dup(a, types, sizeof *t);
        t->next = g->types;
        g->types = t;
    }
}

/* The one that the instance has for `own`, which is made for a function, or a new one. */
static Glue *share_glue(ComponentInstance *i, Glue *own)
{
    Arena *a = &i->root->arena;
    if (!i->glues)
        i->glues = arena_new(a, GlueSet);
    u32 n = 0;
    Glue *g = i->glues->first;
    while (g && n++ < GLUES_LOOKED_AT && !glue_serves(g, own))
        g = g->next;
    if (!g || n > GLUES_LOOKED_AT) {
        g = arena_dup(a, own, sizeof *own);
        g->types = NULL;
        g->next = i->glues->first;
        i->glues->first = g;
    }
    add_types(g, own->types, a);
    return g;
}

static Glue *glue_for(const CanonEnv *env, const HostFunc *f)
{
    ComponentInstance *i = env->inst;
    Glue own = {.lift = {.ops = &ops,
                         .host = i->root->host ? i->root->host : f->env,
                         .memory = env->memory ? memory_vm(env->memory) : NULL,
                         .encoding = (LiftEncoding)env->encoding,
                         .fuel = linker_hostcall_fuel(f->linker),
                         .may_leave = i->may_leave},
                .inst = i,
                .realloc = env->realloc,
                .linker = f->linker};
    Arena *scratch = &i->root->scratch;
    for (u32 n = 0; n < env->type->n; n++)
        note_types(i, env->type->fields[n].type, scratch, &own.types);
    note_types(i, env->type->result, scratch, &own.types);
    return share_glue(i, &own);
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
