/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Matching the exports of plugs with the imports of a socket. */
#include "compose/plug.h"

typedef struct Socket {
    GraphItem *instance;
    Map names, tracks; /* -> index of the import */
} Socket;

static Str track_of(Graph *g, Str name)
{
    Buf b = {0};
    extern_name_track(name, &b);
    Str kept = gtypes_keep(&g->types, (Str){(const char *)b.p, b.n});
    buf_release(&b);
    return kept;
}

/* The import that the export goes into, or that of a compatible version. */
static bool matching_import(Graph *g, const Socket *s, Str export, u64 *ret_import)
{
    return map_get(&s->names, export, ret_import) ||
           map_get(&s->tracks, track_of(g, export), ret_import);
}

/* Another export of the plug names the import exactly: that one is meant. */
static bool outdone(Graph *g, GraphType *plug, Str export, Str import)
{
    return !str_eq(export, import) && gtypes_export(&g->types, plug, import) != NULL;
}

MUST_CHECK static Error *give(Graph *g, GraphItem *socket, u32 import, GraphItem *plug, Str export)
{
    const GraphItem *other = socket->args[import];
    if (other)
        return error_new("two plugs have an export for the import `%.*s` of `%.*s`: `%.*s` of "
                         "`%.*s` and `%.*s` of `%.*s`",
                         STR_ARG(socket->ext.type->imports[import].name),
                         STR_ARG(socket->package->name), STR_ARG(other->ext.name),
                         STR_ARG(other->from->package->name), STR_ARG(export),
                         STR_ARG(plug->package->name));
    return graph_give(socket, import, graph_alias(g, plug, export));
}

/* Instantiates the plug and gives what it has; its own imports are those of the result. */
MUST_CHECK static Error *plug_one(Graph *g, Socket *s, GraphPackage *p, bool *plugged)
{
    VEC(u32) pairs = {0}; /* export, import */
    for (u32 i = 0; i < p->type->nexports; i++) {
        const GraphExtern *x = &p->type->exports[i];
        u64 import;
        if (x->sort != SORT_TYPE && matching_import(g, s, x->name, &import) &&
            !outdone(g, p->type, x->name, s->instance->ext.type->imports[import].name)) {
            vec_push(&pairs, i);
            vec_push(&pairs, (u32)import);
        }
    }
    GraphItem *plug = NULL;
    Error *e = pairs.n ? graph_instantiate(g, p, &plug) : NULL;
    if (!e && plug)
        e = graph_complete(g, plug, true);
    for (u32 i = 0; i < pairs.n && !e; i += 2)
        e = give(g, s->instance, pairs.p[i + 1], plug, p->type->exports[pairs.p[i]].name);
    *plugged |= pairs.n > 0;
    vec_release(&pairs);
    return e;
}

Error *graph_plug(Graph *g, GraphPackage *socket, GraphPackage *const *plugs, u32 nplugs)
{
    Socket s = {0};
    bool plugged = false;
    Error *e = graph_instantiate(g, socket, &s.instance);
    for (u32 i = 0; !e && i < s.instance->ext.type->nimports; i++) {
        Str name = s.instance->ext.type->imports[i].name;
        map_add(&s.names, name, i);
        map_add(&s.tracks, track_of(g, name), i);
    }
    for (u32 i = 0; i < nplugs && !e; i++)
        e = plug_one(g, &s, plugs[i], &plugged);
    if (!e && !plugged)
        e = error_new("the socket component had no matching imports for the plugs that were "
                      "provided");
    if (!e)
        e = graph_complete(g, s.instance, true);
    for (u32 i = 0; !e && i < s.instance->ext.type->nexports; i++) {
        Str name = s.instance->ext.type->exports[i].name;
        e = graph_export(g, name, graph_alias(g, s.instance, name));
    }
    map_release(&s.names);
    map_release(&s.tracks);
    return e;
}
