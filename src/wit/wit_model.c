/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Questions to a resolved model. */
#include "wit/wit.h"

const char *wit_primitive_name(WitKind k)
{
    static const char *const names[] = {
#define WIT_PRIMITIVE(id, text) [WIT_##id] = text,
#define WIT_CONSTRUCTOR(id)
#include "wit/wit_kinds.def"
#undef WIT_PRIMITIVE
#undef WIT_CONSTRUCTOR
    };
    ALWAYS(wit_is_primitive(k));
    return names[k];
}

WitId wit_unalias(const WitModel *m, WitId type)
{
    while (m->types[type].kind == WIT_ALIAS)
        type = m->types[type].elem;
    return type;
}

WitId wit_find_package(const WitModel *m, Str full)
{
    for (u32 i = 0; i < m->npackages; i++)
        if (str_eq(m->packages[i].full, full))
            return i;
    return WIT_NONE;
}

WitId wit_find_interface(const WitModel *m, Str full)
{
    for (u32 i = 0; i < m->ninterfaces; i++)
        if (m->interfaces[i].full.n && str_eq(m->interfaces[i].full, full))
            return i;
    return WIT_NONE;
}

static void list_worlds(const WitModel *m, const WitPackage *p, Buf *out)
{
    for (u32 i = 0; i < p->nworlds; i++)
        buf_printf(out, "\n  %.*s", STR_ARG(m->worlds[p->worlds[i]].name));
}

static Error *ambiguous_world(const WitModel *m, const WitPackage *p)
{
    Buf list = {0};
    list_worlds(m, p, &list);
    Error *e = error_new("There are %u worlds in `%.*s`; choose one:%.*s", p->nworlds,
                         STR_ARG(p->full), STR_ARG(((Str){(char *)list.p, list.n})));
    buf_release(&list);
    return e;
}

static Error *only_world(const WitModel *m, WitId *ret_world)
{
    const WitPackage *p = &m->packages[m->root];
    if (p->nworlds == 0)
        return error_new("package `%.*s` has no world", STR_ARG(p->full));
    if (p->nworlds > 1)
        return ambiguous_world(m, p);
    *ret_world = p->worlds[0];
    return NULL;
}

static Error *unknown_world(const WitModel *m, Str name)
{
    const WitPackage *p = &m->packages[m->root];
    if (!p->nworlds)
        return error_new("there is no world `%.*s`", STR_ARG(name));
    Buf list = {0};
    list_worlds(m, p, &list);
    Error *e = error_new("there is no world `%.*s`; `%.*s` has:%.*s", STR_ARG(name),
                         STR_ARG(p->full), STR_ARG(((Str){(char *)list.p, list.n})));
    buf_release(&list);
    return e;
}

Error *wit_find_world(const WitModel *m, Str name, WitId *ret_world)
{
    if (!name.n)
        return only_world(m, ret_world);
    for (u32 i = 0; i < m->nworlds; i++) {
        const WitWorld *w = &m->worlds[i];
        if (str_eq(w->full, name) || (w->package == m->root && str_eq(w->name, name))) {
            *ret_world = i;
            return NULL;
        }
    }
    return unknown_world(m, name);
}
