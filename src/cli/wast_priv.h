/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the files of the script runner: what one running script has, and its components. */
#ifndef CLI_WAST_PRIV_H
#define CLI_WAST_PRIV_H

#include "base/map.h"
#include "base/vec.h"
#include "cli/wast_run.h"
#include "component/instance.h"

/* An instance or a definition of a script: of a module or of a component. */
typedef struct WastInstance {
    Instance *core; /* NULL: a component's */
    ComponentInstance *component;
} WastInstance;

typedef struct WastDefinition {
    Module *module; /* own; NULL: a component */
    LoadedComponent *component;
} WastDefinition;

/* What the host offers to components (wast_host.c); freed after their instances. */
typedef struct WastHost WastHost;
WastHost *wast_host_new(void);
const ComponentLinker *wast_host_linker(const WastHost *h);
void wast_host_free(WastHost *h);

/* Lives as long as one script runs. Names are copied into the arena. */
typedef struct WastRun {
    const WastOptions *o;
    Engine *engine;
    Store *store;
    Linker *linker;
    WastHost *host; /* own; NULL until there is a component */
    WastScript *script;
    const char *path;
    Arena arena;
    Map instances;   /* name -> index in all_instances */
    Map definitions; /* name -> index in all_definitions */
    VEC(WastInstance) all_instances;
    VEC(WastDefinition) all_definitions; /* the last is the unnamed one */
    VEC(ComponentInstance *) components; /* own, good ones and others; freed after the store */
    WastInstance last;                   /* of the last module command, empty after a failed one */
    u32 nmodules;                        /* so far, for the names of compiled files */
} WastRun;

/* What a call of a component's function gave. */
typedef struct WastComponentResult {
    Arena arena;
    const ComponentTypes *types;
    CTypeId type; /* CTYPE_NONE: no result */
    ComponentVal val;
} WastComponentResult;

/* Text or bytes to a component, as build_module does for modules. */
Error *wast_component_build(WastRun *r, const Buf *binary, Diag *diag,
                            LoadedComponent **ret_component) MUST_CHECK;
Error *wast_component_instantiate(WastRun *r, LoadedComponent *c,
                                  ComponentInstance **ret_instance) MUST_CHECK;
/*
 * Two kinds of failure: the returned error is of the script, *ret_guest (own) is what the call
 * ended with. The result's arena is released by the caller, whatever happens.
 */
Error *wast_component_call(const ComponentInstance *i, const WastAction *a,
                           WastComponentResult *ret, Error **ret_guest) MUST_CHECK;
Error *wast_component_compare(const WastValue *expected, u32 n,
                              const WastComponentResult *result) MUST_CHECK;

#endif
