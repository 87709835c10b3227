/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Documentation and gates of a package in binary form. The component's types have no place for
 * them; a custom section `package-docs` has: a version byte and JSON with what there is to say of
 * each item, by name. Only what is not empty is written.
 */
#include "wit/wit_docs.h"

#include "base/map.h"

#include <jansson.h>
#include <stdlib.h>

enum { VERSION = 1 };

/* ---- writing ---- */

static void set(json_t *o, Str key, json_t *value)
{
    json_object_setn_new(o, key.p, key.n, value);
}

/* An object that is left out if it is empty. */
static void set_filled(json_t *o, Str key, json_t *value)
{
    if (json_object_size(value))
        set(o, key, value);
    else
        json_decref(value);
}

static json_t *text(Str s)
{
    return json_stringn(s.p, s.n);
}

static bool has_gate(const WitGate *g)
{
    return g->since.text.n || g->feature.n;
}

static json_t *stability(const WitGate *g)
{
    json_t *o = json_object(), *what = json_object();
    if (g->feature.n)
        set(what, STR("feature"), text(g->feature));
    else
        set(what, STR("since"), text(g->since.text));
    if (g->deprecated.text.n)
        set(what, STR("deprecated"), text(g->deprecated.text));
    set(o, g->feature.n ? STR("unstable") : STR("stable"), what);
    return o;
}

static json_t *entry(Str docs, const WitGate *g)
{
    json_t *o = json_object();
    if (docs.n)
        set(o, STR("docs"), text(docs));
    if (g && has_gate(g))
        set(o, STR("stability"), stability(g));
    return o;
}

static json_t *type_entry(const WitType *t)
{
    json_t *o = entry(t->docs, &t->gate), *items = json_object();
    for (u32 i = 0; t->name.n && i < t->nfields; i++)
        if (t->fields[i].docs.n)
            set(items, t->fields[i].name, text(t->fields[i].docs));
    set_filled(o, STR("items"), items);
    return o;
}

static json_t *interface_entry(const WitModel *m, const WitInterface *in)
{
    json_t *o = entry(in->docs, &in->gate), *funcs = json_object(), *types = json_object();
    for (u32 i = 0; i < in->nfuncs; i++) {
        const WitFunc *f = &m->funcs[in->funcs[i]];
        set_filled(funcs, f->name, entry(f->docs, &f->gate));
    }
    for (u32 i = 0; i < in->ntypes; i++)
        set_filled(types, m->types[in->types[i]].name, type_entry(&m->types[in->types[i]]));
    set_filled(o, STR("funcs"), funcs);
    set_filled(o, STR("types"), types);
    return o;
}

/* Members of a world's object. */
typedef enum WorldPart {
    PART_INTERFACES,
    PART_TYPES,
    PART_FUNCS,
    PART_INTERFACE_EXPORTS,
    PART_FUNC_EXPORTS,
    PART_IMPORT_STABILITY,
    PART_EXPORT_STABILITY,
    PART_IMPORT_DOCS,
    PART_EXPORT_DOCS,
    WORLD_PARTS
} WorldPart;

static Str part_key(WorldPart p)
{
    static const char *const keys[WORLD_PARTS] = {
        [PART_INTERFACES] = "interfaces",
        [PART_TYPES] = "types",
        [PART_FUNCS] = "funcs",
        [PART_INTERFACE_EXPORTS] = "interface_exports",
        [PART_FUNC_EXPORTS] = "func_exports",
        [PART_IMPORT_STABILITY] = "interface_import_stability",
        [PART_EXPORT_STABILITY] = "interface_export_stability",
        [PART_IMPORT_DOCS] = "interface_import_docs",
        [PART_EXPORT_DOCS] = "interface_export_docs"};
    return str_of(keys[p]);
}

static Str item_key(const WitModel *m, const WitWorldItem *i)
{
    return i->name.n ? i->name : m->interfaces[i->id].full;
}

static void world_item(const WitModel *m, const WitWorldItem *i, bool export, json_t **parts)
{
    Str key = item_key(m, i);
    switch (i->kind) {
    case WIT_ITEM_TYPE:
        set_filled(parts[PART_TYPES], key, type_entry(&m->types[i->id]));
        return;
    case WIT_ITEM_FUNC:
        set_filled(parts[export ? PART_FUNC_EXPORTS : PART_FUNCS], key,
                   entry(m->funcs[i->id].docs, &m->funcs[i->id].gate));
        return;
    case WIT_ITEM_INTERFACE:
        break;
    }
    if (!m->interfaces[wit_item_interface(m, i)].name.n) {
        set_filled(parts[export ? PART_INTERFACE_EXPORTS : PART_INTERFACES], key,
                   interface_entry(m, &m->interfaces[i->id]));
        return;
    }
    if (has_gate(&i->gate))
        set(parts[export ? PART_EXPORT_STABILITY : PART_IMPORT_STABILITY], key,
            stability(&i->gate));
    if (i->docs.n)
        set(parts[export ? PART_EXPORT_DOCS : PART_IMPORT_DOCS], key, text(i->docs));
}

static json_t *world_entry(const WitModel *m, const WitWorld *w)
{
    json_t *o = entry(w->docs, &w->gate), *parts[WORLD_PARTS];
    for (u32 i = 0; i < WORLD_PARTS; i++)
        parts[i] = json_object();
    for (u32 i = 0; i < w->nimports; i++)
        world_item(m, &w->imports[i], false, parts);
    for (u32 i = 0; i < w->nexports; i++)
        world_item(m, &w->exports[i], true, parts);
    for (u32 i = 0; i < WORLD_PARTS; i++)
        set_filled(o, part_key((WorldPart)i), parts[i]);
    return o;
}

void wit_docs_write(const WitModel *m, WitId package, Buf *out)
{
    const WitPackage *p = &m->packages[package];
    json_t *o = entry(p->docs, NULL), *worlds = json_object(), *interfaces = json_object();
    for (u32 i = 0; i < p->nworlds; i++)
        set_filled(worlds, m->worlds[p->worlds[i]].name, world_entry(m, &m->worlds[p->worlds[i]]));
    for (u32 i = 0; i < p->ninterfaces; i++)
        set_filled(interfaces, m->interfaces[p->interfaces[i]].name,
                   interface_entry(m, &m->interfaces[p->interfaces[i]]));
    set_filled(o, STR("worlds"), worlds);
    set_filled(o, STR("interfaces"), interfaces);
    if (json_object_size(o)) {
        char *z = json_dumps(o, JSON_COMPACT);
        ALWAYS(z);
        buf_u8(out, VERSION);
        buf_str(out, str_of(z));
        free(z);
    }
    json_decref(o);
}

/* ---- reading ---- */

typedef struct DocsReader {
    WitModel *m;
    Error *error; /* the first one */
} DocsReader;

PRINTF_LIKE(2, 3) static void fail(DocsReader *r, const char *fmt, ...)
{
    Buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    if (!r->error)
        r->error = error_new("the section `package-docs` %.*s", STR_ARG(((Str){(char *)b.p, b.n})));
    buf_release(&b);
}

static Str member_text(DocsReader *r, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (!v || json_is_null(v))
        return (Str){0};
    if (!json_is_string(v)) {
        fail(r, "has a `%s` that is no text", key);
        return (Str){0};
    }
    Str s = {json_string_value(v), json_string_length(v)};
    return (Str){arena_strdup(&r->m->arena, s), s.n};
}

static WitVersion member_version(DocsReader *r, const json_t *o, const char *key)
{
    WitVersion v = {0};
    Str s = member_text(r, o, key);
    if (s.n && !wit_version_parse(s, &v))
        fail(r, "has a version `%.*s` that is none", STR_ARG(s));
    return v;
}

static WitGate read_stability(DocsReader *r, const json_t *o)
{
    WitGate g = {0};
    const json_t *stable = json_object_get(o, "stable"), *unstable = json_object_get(o, "unstable");
    if (stable) {
        g.since = member_version(r, stable, "since");
        g.deprecated = member_version(r, stable, "deprecated");
    } else if (unstable) {
        g.feature = member_text(r, unstable, "feature");
        g.deprecated = member_version(r, unstable, "deprecated");
        if (g.feature.n && !wit_is_label(g.feature))
            fail(r, "has a feature `%.*s` that is no name", STR_ARG(g.feature));
    }
    return g;
}

/* Documentation of version 0 may be a text in the place of an object. */
static void read_entry(DocsReader *r, const json_t *o, Str *ret_docs, WitGate *ret_gate)
{
    if (json_is_string(o)) {
        Str s = {json_string_value(o), json_string_length(o)};
        *ret_docs = (Str){arena_strdup(&r->m->arena, s), s.n};
        return;
    }
    *ret_docs = member_text(r, o, "docs");
    *ret_gate = read_stability(r, json_object_get(o, "stability"));
}

/* The index by name; UINT32_MAX with an error if there is none. */
static u32 find(DocsReader *r, const Map *names, const char *what, const char *name)
{
    u64 index;
    if (map_get(names, str_of(name), &index))
        return (u32)index;
    fail(r, "tells of the %s `%.100s`, which is not there", what, name);
    return UINT32_MAX;
}

static void read_type(DocsReader *r, const json_t *o, WitType *t)
{
    const char *key;
    json_t *value, *items = json_object_get(o, "items");
    WitGate ignored;
    Map names = {0};
    read_entry(r, o, &t->docs, &t->gate);
    for (u32 i = 0; items && i < t->nfields; i++)
        map_add(&names, t->fields[i].name, i);
    json_object_foreach(items, key, value)
    {
        u32 i = find(r, &names, "item", key);
        if (i != UINT32_MAX && json_is_string(value))
            read_entry(r, value, &t->fields[i].docs, &ignored);
    }
    map_release(&names);
}

static void read_interface(DocsReader *r, const json_t *o, WitInterface *in)
{
    WitModel *m = r->m;
    const char *key;
    json_t *value;
    Map types = {0}, funcs = {0};
    read_entry(r, o, &in->docs, &in->gate);
    for (u32 i = 0; i < in->ntypes; i++)
        map_add(&types, m->types[in->types[i]].name, in->types[i]);
    for (u32 i = 0; i < in->nfuncs; i++)
        map_add(&funcs, m->funcs[in->funcs[i]].name, in->funcs[i]);
    json_object_foreach(json_object_get(o, "types"), key, value)
    {
        u32 i = find(r, &types, "type", key);
        if (i != UINT32_MAX)
            read_type(r, value, &m->types[i]);
    }
    json_object_foreach(json_object_get(o, "funcs"), key, value)
    {
        u32 i = find(r, &funcs, "function", key);
        if (i != UINT32_MAX)
            read_entry(r, value, &m->funcs[i].docs, &m->funcs[i].gate);
    }
    map_release(&types);
    map_release(&funcs);
}

static void read_world_item(DocsReader *r, WorldPart part, const json_t *value, WitWorldItem *i)
{
    WitModel *m = r->m;
    Str text;
    WitGate ignored;
    switch (i->kind) {
    case WIT_ITEM_TYPE:
        read_type(r, value, &m->types[i->id]);
        i->docs = m->types[i->id].docs;
        i->gate = m->types[i->id].gate;
        break;
    case WIT_ITEM_FUNC:
        read_entry(r, value, &m->funcs[i->id].docs, &m->funcs[i->id].gate);
        i->docs = m->funcs[i->id].docs;
        i->gate = m->funcs[i->id].gate;
        break;
    case WIT_ITEM_INTERFACE:
        if (part == PART_IMPORT_STABILITY || part == PART_EXPORT_STABILITY) {
            i->gate = read_stability(r, value);
        } else if (part == PART_IMPORT_DOCS || part == PART_EXPORT_DOCS) {
            if (json_is_string(value)) {
                read_entry(r, value, &text, &ignored);
                i->docs = text;
            }
        } else {
            read_interface(r, value, &m->interfaces[i->id]);
            i->docs = m->interfaces[i->id].docs;
            i->gate = m->interfaces[i->id].gate;
        }
        break;
    }
}

static void read_world_part(DocsReader *r, WorldPart part, const json_t *o, WitWorld *w,
                            const Map names[2])
{
    static const u8 kinds[WORLD_PARTS] = {[PART_TYPES] = WIT_ITEM_TYPE,
                                          [PART_FUNCS] = WIT_ITEM_FUNC,
                                          [PART_FUNC_EXPORTS] = WIT_ITEM_FUNC};
    bool export = part == PART_INTERFACE_EXPORTS || part == PART_FUNC_EXPORTS ||
                  part == PART_EXPORT_STABILITY || part == PART_EXPORT_DOCS;
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(o, part_key(part).p), key, value)
    {
        /* Version 0 has exports among the imports. */
        u64 index;
        bool in_exports = export || !map_get(&names[0], str_of(key), &index);
        u32 i = find(r, &names[in_exports], "item", key);
        if (i == UINT32_MAX)
            return;
        WitWorldItem *item = in_exports ? &w->exports[i] : &w->imports[i];
        WitWorldItemKind kind = (WitWorldItemKind)kinds[part];
        if (item->kind != kind)
            fail(r, "tells of `%.100s` what is of another kind", key);
        else
            read_world_item(r, part, value, item);
    }
}

static void read_world(DocsReader *r, const json_t *o, WitWorld *w)
{
    Map names[2] = {{0}, {0}};
    read_entry(r, o, &w->docs, &w->gate);
    for (u32 i = 0; i < w->nimports; i++)
        map_add(&names[0], item_key(r->m, &w->imports[i]), i);
    for (u32 i = 0; i < w->nexports; i++)
        map_add(&names[1], item_key(r->m, &w->exports[i]), i);
    for (u32 part = 0; part < WORLD_PARTS && !r->error; part++)
        read_world_part(r, (WorldPart)part, o, w, names);
    map_release(&names[0]);
    map_release(&names[1]);
}

static void read_package(DocsReader *r, const json_t *o, WitPackage *p)
{
    WitModel *m = r->m;
    const char *key;
    json_t *value;
    Map worlds = {0}, interfaces = {0};
    for (u32 i = 0; i < p->nworlds; i++)
        map_add(&worlds, m->worlds[p->worlds[i]].name, p->worlds[i]);
    for (u32 i = 0; i < p->ninterfaces; i++)
        map_add(&interfaces, m->interfaces[p->interfaces[i]].name, p->interfaces[i]);
    p->docs = member_text(r, o, "docs");
    json_object_foreach(json_object_get(o, "worlds"), key, value)
    {
        u32 i = find(r, &worlds, "world", key);
        if (i != UINT32_MAX)
            read_world(r, value, &m->worlds[i]);
    }
    json_object_foreach(json_object_get(o, "interfaces"), key, value)
    {
        u32 i = find(r, &interfaces, "interface", key);
        if (i != UINT32_MAX)
            read_interface(r, value, &m->interfaces[i]);
    }
    map_release(&worlds);
    map_release(&interfaces);
}

Error *wit_docs_read(WitModel *m, WitId package, Str payload)
{
    DocsReader r = {.m = m};
    json_error_t why;
    if (!payload.n || (u8)payload.p[0] > VERSION)
        return error_new("the section `package-docs` is of an unknown version");
    json_t *o = json_loadb(payload.p + 1, payload.n - 1, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(o))
        fail(&r, "is no JSON object%s%s", o ? "" : ": ", o ? "" : why.text);
    else
        read_package(&r, o, &m->packages[package]);
    json_decref(o);
    return r.error;
}
