/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* By the types of exports alone: nothing is instantiated. */
#include "shim/entry.h"

#include "runtime/module.h"

EntryKind entry_of_module(const char *func)
{
    return strcmp(func, ENTRY_DEFAULT) == 0 ? ENTRY_RUN : ENTRY_INVOKE;
}

EntryKind entry_of_component(const Component *c, const char *func)
{
    const CType *t = ctype_get(c->types, c->type);
    EntryKind kind = entry_of_module(func);
    for (u32 i = 0; i < t->nexports; i++) {
        Str name = t->exports[i].name.text;
        if (str_starts(name, STR("wasi:http/incoming-handler")))
            return ENTRY_HTTP;
        if (str_starts(name, STR("wasi:cli/run")))
            kind = ENTRY_RUN;
    }
    return kind;
}

static bool exports_func(const WasmModule *w, const char *name)
{
    const Export *e = module_find_export(w, str_of(name));
    return e && e->kind == EXTERN_FUNC;
}

static Error *check_module(const WasmModule *w, const char *func)
{
    if (exports_func(w, func) || (entry_of_module(func) == ENTRY_RUN && exports_func(w, "")))
        return NULL;
    return error_new("the module exports no function `%.1000s`", func);
}

static bool type_exports_func(const CType *t, Str name)
{
    for (u32 i = 0; i < t->nexports; i++)
        if (t->exports[i].sort == SORT_FUNC && str_eq(t->exports[i].name.text, name))
            return true;
    return false;
}

/* Of the component, or of an instance that it exports. */
static bool component_exports_func(const Component *c, Str name)
{
    const CType *t = ctype_get(c->types, c->type);
    bool found = type_exports_func(t, name);
    for (u32 i = 0; i < t->nexports && !found; i++)
        found = t->exports[i].sort == SORT_INSTANCE &&
                type_exports_func(ctype_get(c->types, t->exports[i].type), name);
    return found;
}

static bool exports_instance(const CType *t, Str prefix)
{
    for (u32 i = 0; i < t->nexports; i++)
        if (t->exports[i].sort == SORT_INSTANCE && str_starts(t->exports[i].name.text, prefix))
            return true;
    return false;
}

static Error *check_component(const Component *c, const char *func)
{
    Str name = str_of(func);
    bool qualified = memchr(name.p, ':', name.n) || memchr(name.p, '.', name.n);
    if (entry_of_component(c, func) != ENTRY_INVOKE) {
        const CType *t = ctype_get(c->types, c->type);
        if (exports_instance(t, STR("wasi:http/incoming-handler")) ||
            exports_instance(t, STR("wasi:cli/run")))
            return NULL;
        return error_new("the component exports neither `wasi:cli/run` nor "
                         "`wasi:http/incoming-handler`, and no other function is named: "
                         "`path#function` names one");
    }
    if (qualified || component_exports_func(c, name)) /* where it is found, or not, when it runs */
        return NULL;
    return error_new("the component exports no function `%.1000s`", func);
}

Error *entry_check(const Module *m, const LoadedComponent *component, const char *func)
{
    return component ? check_component(component_decoded(component), func)
                     : check_module(module_wasm(m), func);
}
