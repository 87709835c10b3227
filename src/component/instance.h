/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Components that can be instantiated, what they may import, and their instances.
 *
 * A LoadedComponent is the decoded component with an engine module for each core module in it;
 * reference counted, shared by stores and threads. A ComponentLinker holds what a host offers. An
 * instance belongs to a store and is freed after it, since functions of the store lead into it.
 */
#ifndef COMPONENT_INSTANCE_H
#define COMPONENT_INSTANCE_H

#include "component/abi.h"
#include "component/lift.h"
#include "engine/engine.h"

typedef struct LoadedComponent LoadedComponent;

/* Binary components only. `diag` (may be NULL) gets the details of a refusal. The bytes are copied.
 */
Error *component_load(Engine *e, const ComponentOptions *o, const u8 *p, usize n, Diag *diag,
                      LoadedComponent **ret_component);
/* Takes the buffer's bytes over instead, also on failure. */
Error *component_load_owned(Engine *e, const ComponentOptions *o, Buf *bytes, Diag *diag,
                            LoadedComponent **ret_component);
/* From a compiled file, which is transferred, also on failure. */
Error *component_load_compiled(Engine *e, const ComponentOptions *o, CompiledComponent *compiled,
                               LoadedComponent **ret_component);
/* A compiled file with the component and the code of all modules inside; see
 * engine_module_serialize. */
Error *component_serialize(LoadedComponent *l, Buf *out);
LoadedComponent *component_ref(LoadedComponent *c);
void component_unref(LoadedComponent *c);
const Component *component_decoded(const LoadedComponent *c);

typedef struct ComponentFunc ComponentFunc;
typedef struct ComponentItems ComponentItems;

/* A component with what its outer aliases reach. */
typedef struct ComponentClosure {
    const Component *component;
    struct ComponentInstance *outer; /* NULL: the outermost component */
} ComponentClosure;

/* Anything that can be imported or exported. Lives as long as the instance that made it. */
typedef struct ComponentItem {
    u8 sort; /* Sort */
    union {
        ComponentFunc *func;
        ComponentItems *instance;
        ComponentClosure component;
        Module *module;
        ResourceType *resource; /* SORT_TYPE; NULL for all other types */
    };
} ComponentItem;

/* What an instance exports, in order. */
u32 items_count(const ComponentItems *i);
Str items_name(const ComponentItems *i, u32 n);
ComponentItem items_nth(const ComponentItems *i, u32 n);
bool items_find(const ComponentItems *i, Str name, ComponentItem *ret_item);
/* Or, if there is none of that name, the newest of a compatible version: ns:pkg/name@0.2.1 goes
 * with any 0.2.x, one of 1.2.0 with any 1.x. */
bool items_find_version(const ComponentItems *items, Str name, ComponentItem *ret_item);

/* --- host functions --- */

/* A call of a host function. */
typedef struct HostCall {
    Store *store;
    void *host;        /* of component_instance_new_for; NULL: there is none */
    const CType *type; /* of the function, as the caller sees it */
    AbiSide side;      /* of the caller: memory, realloc, encoding, handles, an arena */
    const FlatSig *sig;
    u64 *flat; /* core parameters; the function leaves its core result in [0] */
} HostCall;

/*
 * One of the three is set: `raw` reads the flat parameters and memory by itself (generated glue),
 * `vals` gets trees and leaves the result's tree, all of it in the call's arena: the guest's
 * realloc runs before it is written, and others may meanwhile. An error of these ends the
 * guest. `glue` is called by the guest without a detour.
 */
typedef struct HostFunc {
    Error *(*raw)(void *env, HostCall *call);
    Error *(*vals)(void *env, HostCall *call, const ComponentVal *params, ComponentVal *ret_result);
    const LiftFunc *glue;
    const struct ComponentLinker *linker; /* `glue`: that knows its resource types */
    void *env;
    const char *signature; /* as type_text writes it: what importers must agree with; static */
} HostFunc;

typedef struct ComponentLinker ComponentLinker;
ComponentLinker *component_linker_new(void);
void component_linker_free(ComponentLinker *l); /* after instances that import from it */
/* `instance` is "" for what is imported by itself; names are copied. A name is defined once. */
Error *component_linker_func(ComponentLinker *l, Str instance, Str name,
                             const HostFunc *f) MUST_CHECK;
/* The type stays the caller's, who keeps it while instances use it. */
Error *component_linker_resource(ComponentLinker *l, Str instance, Str name,
                                 ResourceType *type) MUST_CHECK;
/*
 * All functions and resource types of an interface with generated glue, whose tables stay; `host`
 * is what they serve. Importers must agree with the types.
 */
Error *component_linker_interface(ComponentLinker *l, const LiftInterface *interface,
                                  void *host) MUST_CHECK;
/* Bytes that one call of generated glue may make the host take; 128 MiB if it is not said. */
void component_linker_fuel(ComponentLinker *l, u64 bytes);
/* Handles that an instance and those inside it may have at a time. */
enum { COMPONENT_MAX_HANDLES = 100000 };
void component_linker_max_handles(ComponentLinker *l, u64 count); /* the same, if it is not said */
/* What stands for it in values of type own; NULL if its interface is not linked. */
ResourceType *component_linker_type(const ComponentLinker *l, const LiftResource *type);
/* What is offered for an import, as items_find_version. */
bool component_linker_find(const ComponentLinker *l, const ExternName *name,
                           ComponentItem *ret_item);

/* Defines the functions and resource types that the component imports and nobody offers: such
 * functions fail when they are called. */
Error *component_linker_unknown(ComponentLinker *l, const LoadedComponent *c) MUST_CHECK;

/* Appends "; ..." that tells how to get the import, if it can be had. */
typedef void ComponentHint(void *arg, Str name, Buf *out);
void component_linker_hint(ComponentLinker *l, ComponentHint *hint, void *arg);

/* What component_instance_new would say of the imports, without an instance. */
Error *component_check_imports(const LoadedComponent *c, const ComponentLinker *l) MUST_CHECK;
/*
 * Whether the memories and tables of its core modules fit, as they are at first. A module that
 * does not may be one that is never instantiated.
 */
Error *component_check_limits(const LoadedComponent *c, const StoreLimits *l) MUST_CHECK;

/* --- instances --- */

/*
 * `l` NULL: the host offers nothing. Reports all missing and ill-typed imports in one error.
 * *ret_instance is set on failure, too, and is freed after the store all the same: functions of the
 * store may lead into it by then.
 */
Error *component_instance_new(Store *s, LoadedComponent *c, const ComponentLinker *l,
                              ComponentInstance **ret_instance);
/*
 * An instance with a host of its own, in place of that with which the linker's interfaces were
 * linked: so many instances share a linker that nobody changes any more.
 */
Error *component_instance_new_for(Store *s, LoadedComponent *c, const ComponentLinker *l,
                                  void *host, ComponentInstance **ret_instance);
void component_instance_free(ComponentInstance *i);
const ComponentItems *component_exports(const ComponentInstance *i);

/* Of a lifted function (false: a host's function that is passed through). */
bool component_func_type(const ComponentFunc *f, const ComponentTypes **ret_types,
                         const CType **ret_type);
/*
 * Calls from the host. `params` are as many as the type has; the result, if there is one, is put
 * into `arena`. After a trap the instance and those it lives in cannot be entered any more.
 */
Error *component_call(ComponentFunc *f, const ComponentVal *params, Arena *arena,
                      ComponentVal *ret_result);

/* Ends a resource that a call gave to the host as a value of type own: runs its destructor. Those
 * that generated glue made for an instance with a host of its own are not among them. */
Error *component_drop_resource(Store *s, const ComponentVal *own) MUST_CHECK;

/* A type in WIT's words: "list<u8>", "func(a: u32) -> string". */
typedef struct TypeNames {
    const Str *resources; /* by number less `first`; may be NULL */
    u32 first, n;
    const Str *types; /* by node: shown in place of the type; may be NULL */
} TypeNames;
void type_text(const ComponentTypes *t, CTypeId type, const TypeNames *names, Buf *out);

#endif
