/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A WIT model as JSON, in the shape that users of `wasm-tools component wit --json` read: four
 * lists that refer to each other by index, types without the primitive ones.
 */
#include "cli/wit_json.h"

#include <jansson.h>
#include <stdlib.h>

/* Names are valid UTF-8: a text or a binary with others is refused. */
static json_t *text(Str s)
{
    return json_stringn(s.p ? s.p : "", s.n);
}

static json_t *number(u32 n)
{
    return json_integer((json_int_t)n);
}

static json_t *pair(const char *key, json_t *value)
{
    json_t *o = json_object();
    json_object_set_new(o, key, value);
    return o;
}

static void set(json_t *o, Str key, json_t *value)
{
    json_object_setn_new(o, key.p, key.n, value);
}

/*
 * What is shown, and its place there: not the copies of interfaces, whose items show the original,
 * nor their types.
 */
typedef struct Shown {
    const WitModel *m;
    u32 *types, *interfaces; /* WIT_NONE: not shown */
} Shown;

static Shown shown(const WitModel *m)
{
    Shown s = {.m = m,
               .types = mem_alloc_array((usize)m->ntypes + 1, sizeof *s.types),
               .interfaces = mem_alloc_array((usize)m->ninterfaces + 1, sizeof *s.interfaces)};
    u32 n = 0;
    for (u32 i = 0; i < m->ninterfaces; i++)
        s.interfaces[i] = m->interfaces[i].is_copy ? WIT_NONE : n++;
    n = 0;
    for (u32 i = WIT_PRIMITIVES; i < m->ntypes; i++) {
        const WitOwner *o = &m->types[i].owner;
        bool copy = o->kind == WIT_OWNER_INTERFACE && m->interfaces[o->id].is_copy;
        s.types[i] = copy ? WIT_NONE : n++;
    }
    return s;
}

static json_t *type_ref(const Shown *s, WitId id)
{
    if (id == WIT_NONE)
        return json_null();
    if (wit_is_primitive(s->m->types[id].kind))
        return json_string(wit_primitive_name(s->m->types[id].kind));
    return number(s->types[id]);
}

static void set_docs(json_t *o, Str docs, const WitGate *g)
{
    if (docs.n)
        json_object_set_new(o, "docs", pair("contents", text(docs)));
    if (!g || (!g->since.text.n && !g->feature.n))
        return;
    json_t *what =
        g->feature.n ? pair("feature", text(g->feature)) : pair("since", text(g->since.text));
    if (g->deprecated.text.n)
        json_object_set_new(what, "deprecated", text(g->deprecated.text));
    json_object_set_new(o, "stability", pair(g->feature.n ? "unstable" : "stable", what));
}

/* {LIST: [{name, type?}]} */
static json_t *fields(const Shown *s, const WitType *t, const char *list, bool typed)
{
    json_t *all = json_array();
    for (u32 i = 0; i < t->nfields; i++) {
        json_t *f = pair("name", text(t->fields[i].name));
        if (typed)
            json_object_set_new(f, "type", type_ref(s, t->fields[i].type));
        set_docs(f, t->fields[i].docs, NULL);
        json_array_append_new(all, f);
    }
    return pair(list, all);
}

static json_t *tuple(const Shown *s, const WitType *t)
{
    json_t *all = json_array();
    for (u32 i = 0; i < t->nfields; i++)
        json_array_append_new(all, type_ref(s, t->fields[i].type));
    return pair("types", all);
}

static json_t *two(json_t *a, json_t *b)
{
    json_t *list = json_array();
    json_array_append_new(list, a);
    json_array_append_new(list, b);
    return list;
}

static json_t *result(const Shown *s, const WitType *t)
{
    json_t *o = pair("ok", type_ref(s, t->elem));
    json_object_set_new(o, "err", type_ref(s, t->second));
    return o;
}

static json_t *type_kind(const Shown *s, const WitType *t)
{
    switch (t->kind) {
    case WIT_RECORD:
        return pair("record", fields(s, t, "fields", true));
    case WIT_VARIANT:
        return pair("variant", fields(s, t, "cases", true));
    case WIT_ENUM:
        return pair("enum", fields(s, t, "cases", false));
    case WIT_FLAGS:
        return pair("flags", fields(s, t, "flags", false));
    case WIT_RESOURCE:
        return json_string("resource");
    case WIT_TUPLE:
        return pair("tuple", tuple(s, t));
    case WIT_LIST:
        return pair("list", type_ref(s, t->elem));
    case WIT_FIXED_LIST:
        return pair("fixed-length-list", two(type_ref(s, t->elem), number(t->length)));
    case WIT_MAP:
        return pair("map", two(type_ref(s, t->elem), type_ref(s, t->second)));
    case WIT_OPTION:
        return pair("option", type_ref(s, t->elem));
    case WIT_RESULT:
        return pair("result", result(s, t));
    case WIT_OWN:
        return pair("handle", pair("own", type_ref(s, t->elem)));
    case WIT_BORROW:
        return pair("handle", pair("borrow", type_ref(s, t->elem)));
    case WIT_STREAM:
        return pair("stream", type_ref(s, t->elem));
    case WIT_FUTURE:
        return pair("future", type_ref(s, t->elem));
    case WIT_ALIAS: {
        /* A name for an anonymous type is shown as that type. */
        const WitType *of = &s->m->types[t->elem];
        bool named = of->name.n || wit_is_primitive(of->kind);
        return named ? pair("type", type_ref(s, t->elem)) : type_kind(s, of);
    }
#define WIT_PRIMITIVE(id, text) case WIT_##id:
#define WIT_CONSTRUCTOR(id)
#include "wit/wit_kinds.def"
#undef WIT_PRIMITIVE
#undef WIT_CONSTRUCTOR
    break;
    }
    BUG("a primitive type has no entry");
}

static json_t *type_entry(const Shown *s, const WitType *t)
{
    json_t *o = pair("name", t->name.n ? text(t->name) : json_null());
    json_object_set_new(o, "kind", type_kind(s, t));
    json_t *owner = !t->name.n || t->owner.kind == WIT_OWNER_NONE ? json_null()
                    : t->owner.kind == WIT_OWNER_INTERFACE
                        ? pair("interface", number(s->interfaces[t->owner.id]))
                        : pair("world", number(t->owner.id));
    json_object_set_new(o, "owner", owner);
    set_docs(o, t->docs, &t->gate);
    return o;
}

static json_t *func_kind(const Shown *s, const WitFunc *f)
{
    static const char *const kinds[2][4] = {
        {"freestanding", "method", "static", "constructor"},
        {"async-freestanding", "async-method", "async-static", "constructor"}};
    const char *word = kinds[f->is_async][f->kind];
    return f->kind == WIT_FUNC_FREE ? json_string(word) : pair(word, type_ref(s, f->resource));
}

static json_t *func_entry(const Shown *s, const WitFunc *f, Str name)
{
    json_t *o = pair("name", text(name)), *params = json_array();
    json_object_set_new(o, "kind", func_kind(s, f));
    for (u32 i = 0; i < f->nparams; i++) {
        json_t *p = pair("name", text(f->params[i].name));
        json_object_set_new(p, "type", type_ref(s, f->params[i].type));
        json_array_append_new(params, p);
    }
    json_object_set_new(o, "params", params);
    if (f->result != WIT_NONE)
        json_object_set_new(o, "result", type_ref(s, f->result));
    set_docs(o, f->docs, &f->gate);
    return o;
}

static json_t *interface_entry(const Shown *s, const WitInterface *i)
{
    json_t *o = pair("name", i->name.n ? text(i->name) : json_null());
    json_t *types = json_object(), *funcs = json_object();
    for (u32 k = 0; k < i->ntypes; k++)
        set(types, s->m->types[i->types[k]].name, type_ref(s, i->types[k]));
    for (u32 k = 0; k < i->nfuncs; k++) {
        const WitFunc *f = &s->m->funcs[i->funcs[k]];
        set(funcs, f->name, func_entry(s, f, f->name));
    }
    json_object_set_new(o, "types", types);
    json_object_set_new(o, "functions", funcs);
    set_docs(o, i->docs, &i->gate);
    json_object_set_new(o, "package", number(i->package));
    return o;
}

/* Documentation of an interface that is written here is its own. */
static json_t *interface_item(const Shown *s, const WitWorldItem *w)
{
    WitId id = wit_item_interface(s->m, w);
    json_t *o = pair("id", number(s->interfaces[id]));
    set_docs(o, s->m->interfaces[id].name.n ? w->docs : (Str){0}, &w->gate);
    return o;
}

static json_t *items(const Shown *s, const WitWorldItem *list, u32 n)
{
    json_t *o = json_object();
    for (u32 i = 0; i < n; i++) {
        const WitWorldItem *w = &list[i];
        Buf key = {0};
        json_t *value;
        if (w->name.n)
            buf_str(&key, w->name);
        else
            buf_printf(&key, "interface-%u", s->interfaces[w->id]);
        if (w->kind == WIT_ITEM_INTERFACE)
            value = pair("interface", interface_item(s, w));
        else if (w->kind == WIT_ITEM_FUNC)
            value = pair("function", func_entry(s, &s->m->funcs[w->id], w->name));
        else
            value = pair("type", type_ref(s, w->id));
        set(o, (Str){(char *)key.p, key.n}, value);
        buf_release(&key);
    }
    return o;
}

static json_t *world_entry(const Shown *s, const WitWorld *w)
{
    json_t *o = pair("name", text(w->name));
    json_object_set_new(o, "imports", items(s, w->imports, w->nimports));
    json_object_set_new(o, "exports", items(s, w->exports, w->nexports));
    set_docs(o, w->docs, &w->gate);
    json_object_set_new(o, "package", number(w->package));
    return o;
}

static json_t *package_entry(const Shown *s, const WitPackage *p)
{
    json_t *o = pair("name", text(p->full)), *interfaces = json_object(), *worlds = json_object();
    for (u32 i = 0; i < p->ninterfaces; i++)
        set(interfaces, s->m->interfaces[p->interfaces[i]].name,
            number(s->interfaces[p->interfaces[i]]));
    for (u32 i = 0; i < p->nworlds; i++)
        set(worlds, s->m->worlds[p->worlds[i]].name, number(p->worlds[i]));
    json_object_set_new(o, "interfaces", interfaces);
    json_object_set_new(o, "worlds", worlds);
    set_docs(o, p->docs, NULL);
    return o;
}

void wit_json(const WitModel *m, Buf *out)
{
    json_t *worlds = json_array(), *interfaces = json_array(), *types = json_array(),
           *packages = json_array();
    Shown s = shown(m);
    for (u32 i = 0; i < m->nworlds; i++)
        json_array_append_new(worlds, world_entry(&s, &m->worlds[i]));
    for (u32 i = 0; i < m->ninterfaces; i++)
        if (s.interfaces[i] != WIT_NONE)
            json_array_append_new(interfaces, interface_entry(&s, &m->interfaces[i]));
    for (u32 i = WIT_PRIMITIVES; i < m->ntypes; i++)
        if (s.types[i] != WIT_NONE)
            json_array_append_new(types, type_entry(&s, &m->types[i]));
    for (u32 i = 0; i < m->npackages; i++)
        json_array_append_new(packages, package_entry(&s, &m->packages[i]));
    json_t *o = pair("worlds", worlds);
    json_object_set_new(o, "interfaces", interfaces);
    json_object_set_new(o, "types", types);
    json_object_set_new(o, "packages", packages);
    char *z = json_dumps(o, JSON_INDENT(2));
    ALWAYS(z);
    buf_str(out, str_of(z));
    buf_u8(out, '\n');
    free(z);
    json_decref(o);
    mem_free(s.types);
    mem_free(s.interfaces);
}
