/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the files that load, link, instantiate and call components. */
#ifndef COMPONENT_INSTANCE_PRIV_H
#define COMPONENT_INSTANCE_PRIV_H

#include "component/adapter.h"
#include "component/instance.h"

/*
 * Names to items. `names` keeps the order; the bytes of names are somebody else's. A set of a few
 * has no index.
 */
struct ComponentItems {
    struct ComponentItems *next; /* of all sets of a root */
    VEC(Str) names;
    VEC(ComponentItem) items;
    Map index;
    bool exported; /* can be reached from what the outermost component exports */
};
bool items_add(ComponentItems *i, Str name, ComponentItem item); /* false: the name is taken */
void items_release(ComponentItems *i);

/* A core instance: of a module, or made of parts. */
typedef struct CoreInstance {
    Instance *instance; /* NULL: of parts */
    u32 n;
    Extern *externs;
    Map index; /* of parts */
} CoreInstance;

/* The index spaces of a component, as far as they are filled; gone when all is instantiated. */
typedef struct ComponentSpaces {
    ComponentFunc **funcs;
    ComponentItems **instances;
    ComponentClosure *components;
    ResourceType **types; /* NULL: no resource type */
    Module **core_modules;
    CoreInstance **core_instances;
    Extern *core[5]; /* by ExternKind */
} ComponentSpaces;

/* What an instantiation from the host makes; the tree of instances shares it. */
typedef struct ComponentRoot {
    Store *store;
    void *host; /* what functions of the linker serve; NULL: what they were linked with */
    HandleBudget handles;
    LoadedComponent *loaded; /* own */
    Arena arena;
    ComponentItems *sets;         /* that are left */
    ComponentInstance *instances; /* all of them, newest first */
    /* While it is instantiated: */
    Arena scratch;
    CoreInstance **parts;
    u32 ninstances, nparts, cap_parts;
    u32 beside;       /* calls under way whose callers do not wait for them */
    VmFuncRef *trap;  /* of adapters; NULL until one is made */
    bool called_host; /* a guest has called a function that the linker offered */
} ComponentRoot;

/*
 * A call of a lifted function or of a destructor, as the builtins of its instance see it. Calls by
 * adapters have none: their callees have no builtins that would ask for it.
 */
typedef struct Task {
    struct Task *outer;         /* the instance's task until this one began */
    const struct CanonEnv *env; /* NULL: none, this is no lifted function */
    AbiSide *side;              /* of the callee */
    ComponentVal *result;       /* where task.return leaves it */
    bool returned;
    u64 context[2];
} Task;

struct ComponentInstance {
    ComponentInstance *next; /* of all of the root */
    ComponentRoot *root;
    ComponentInstance *parent; /* that instantiated it; NULL: the host did */
    ComponentInstance *outer;  /* whose definitions outer aliases name */
    const Component *component;
    const ComponentItems *args; /* imports by name; while it is instantiated */
    ComponentItems *exports;    /* later on: of the outermost component */
    ComponentSpaces *at;        /* while it is instantiated */
    /* The values of the globals, which adapters read and write. */
    bool *may_enter, *may_leave;
    RtGlobal *enter_global, *leave_global;
    bool has_tasks; /* has builtins that ask for the task of a call */
    Task *task;     /* the innermost call of this instance */
    Task start;     /* its task while it is instantiated */
    u32 backpressure;
    HandleTable handles;
    ResourceType **resources; /* by number less component->first_resource */
    bool has_twins;           /* two of them are the same */
    struct GlueSet *glues;    /* of host_glue.c; NULL: it has none */
};

typedef struct GlueSet GlueSet;

/* The options of a canonical definition, resolved. */
typedef struct CanonEnv {
    ComponentInstance *inst;
    const CType *type; /* of the function, as `inst` sees it */
    CTypeId type_id;   /* of lifted functions */
    Memory *memory;
    VmFuncRef *realloc, *post_return, *callback;
    u8 encoding;
    bool wide;
    bool is_async; /* the option: the asynchronous ABI */
    FlatSig sig;
    bool scalar; /* only scalars are passed, and the call is nobody's business but the two's */
} CanonEnv;

struct ComponentFunc {
    bool is_host;
    union {
        HostFunc host;
        struct { /* of a lifted function */
            CanonEnv env;
            VmFuncRef *core;
        };
    };
};

/* Where a hash of types (wit/type_hash.h) gets resources from: NULL for those that are not of
 * generated glue. */
typedef struct TypeHash {
    const ComponentTypes *types;
    const LiftResource *(*resource)(const void *arg, u32 number);
    const void *arg;
} TypeHash;
u64 type_hash(const TypeHash *k, CTypeId type);
/* What a resource type of generated glue stands for; NULL for all others. */
const LiftResource *linker_glue_type(const ResourceType *t);
u64 linker_hostcall_fuel(const ComponentLinker *l);
u64 linker_max_handles(const ComponentLinker *l);
/* What is offered under the name, made if there is nothing; all, if it is "". */
Error *linker_instance(ComponentLinker *l, Str name, ComponentItems **ret_items) MUST_CHECK;
Error *linker_define_func(ComponentLinker *l, ComponentItems *in, Str name,
                          const HostFunc *f) MUST_CHECK;
Error *linker_define_resource(ComponentLinker *l, ComponentItems *in, Str name,
                              ResourceType *type) MUST_CHECK;
/* As long as the linker. */
const char *linker_keep(ComponentLinker *l, Str s);
ResourceType *linker_new_resource(ComponentLinker *l);
/* A function of generated glue for a component that imports it. */
Error *glue_lowered(const CanonEnv *env, u32 core_type, const HostFunc *f,
                    VmFuncRef **ret_func) MUST_CHECK;
void canon_env_init(ComponentInstance *i, const Canon *c, const CType *type, FlatContext context,
                    CanonEnv *ret_env);
/* The function that a canonical definition makes, except lift. */
Error *canon_core_func(ComponentInstance *i, const Canon *c, VmFuncRef **ret_func) MUST_CHECK;

/* `env` NULL: of a destructor. Ended by task_end, whatever happens in between. */
void task_begin(Task *t, ComponentInstance *i, const CanonEnv *env, AbiSide *side,
                ComponentVal *ret_result);
void task_end(Task *t, ComponentInstance *i);
/* May a function be called now? */
Error *task_start(const CanonEnv *env) MUST_CHECK;
/* What comes behind the core call of a function with the asynchronous ABI, and its result. */
Error *task_finish(Task *t, const VmVal *results) MUST_CHECK;
/* A realloc sees context slots of its own, which start as 0; `inst` may be NULL. */
void task_hide_context(ComponentInstance *inst, u64 ret_context[2]);
void task_show_context(ComponentInstance *inst, const u64 context[2]);
/* The builtins other than those of resources. */
Error *task_builtin(ComponentInstance *i, const Canon *c, VmFuncRef **ret_func) MUST_CHECK;
/* Synchronous functions, destructors and instantiations must go on. */
static inline bool task_may_block(const Task *t)
{
    return t->env && t->env->type->is_async;
}
bool component_has_tasks(const Component *c);
static inline bool canon_is_resource(const Canon *c)
{
    return c->kind == CANON_resource_new || c->kind == CANON_resource_drop ||
           c->kind == CANON_resource_rep;
}

/* Refuses a callee that is being executed, unless the caller is inside of it. */
Error *instance_enter(ComponentInstance *callee, const ComponentInstance *caller) MUST_CHECK;
void instance_leave(ComponentInstance *callee, const ComponentInstance *caller);

/* Drops what all instances of the root hold of the host's; their tables are empty then. */
void component_drop_host_resources(ComponentInstance *any);

/* False, with the reason in *diag, if no host can carry out what the component asks for. */
bool component_is_hostable(const Component *c, Diag *diag);
/* Checks what the linker offers for the imports of the outermost component. */
Error *link_imports(const Component *c, const ComponentLinker *l, ComponentItems *args) MUST_CHECK;
/* How to get an import that is missing, as the embedder says; appends "; ..." or nothing. */
void linker_give_hint(const ComponentLinker *l, Str name, Buf *out);
/* The newest that the linker has of an interface in any version. */
bool linker_nearest(const ComponentLinker *l, Str name, Str *ret_name);
/* Is the core signature that of the glue? */
bool glue_fits(const FlatSig *sig, const LiftFunc *f);
/* Appends the tools that the component says it was made by, with commas. */
void component_producers(const Component *c, Buf *out);
/* Bytes that an instantiation of the component has taken, in its own arena and in its store's. */
typedef struct InstanceSizes {
    usize root, store;
} InstanceSizes;
InstanceSizes loaded_sizes(const LoadedComponent *c); /* zeros: there was none */
void loaded_note_sizes(LoadedComponent *c, InstanceSizes s);
/* The module of an adapter, made by the first who asks; borrowed. Thread-safe. */
Error *loaded_adapter(LoadedComponent *c, Str bytes, Module **ret_module) MUST_CHECK;
/* False if the call cannot be an adapter: then it goes by trees. */
bool adapter_make(const CanonEnv *caller, const ComponentFunc *callee, VmFuncRef **ret_func);
/* What the instance knows the type by: the first of several, NULL if it does not know it. */
ResourceKey instance_key(const ComponentInstance *i, const ResourceType *type);
bool instance_is_inside(const ComponentInstance *caller, const ComponentInstance *i);
bool instance_is_related(const ComponentInstance *a, const ComponentInstance *b);
Module *loaded_module(const LoadedComponent *c, const ComponentModule *m);

#endif
