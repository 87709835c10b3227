/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Types as a component writes them. What an interface takes from another one that the component
 * imports is an alias of the type there; other types are written out where they are needed.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */
#include "compose/encode_priv.h"

static Str key_of(const GraphType *t)
{
    return (Str){(const char *)&t->id, sizeof t->id};
}

void type_scope_release(TypeScope *s)
{
    map_release(&s->known);
    map_release(&s->named);
    map_release(&s->sources);
    vec_release(&s->source_list);
    buf_release(&s->defs);
}

static TypeScope *scope_root(TypeScope *s)
{
    while (s->outer)
        s = s->outer;
    return s;
}

void scope_flush(TypeScope *s)
{
    if (s->ndefs) {
        Buf count = {0};
        buf_uleb(&count, s->ndefs);
        buf_u8(s->out, s->section);
        buf_uleb(s->out, count.n + s->defs.n);
        buf_bytes(s->out, count.p, count.n);
        buf_bytes(s->out, s->defs.p, s->defs.n);
        buf_release(&count);
    }
    s->ndefs = 0;
    s->defs.n = 0;
}

void scope_section(TypeScope *s, u8 section)
{
    if (s->section != section)
        scope_flush(s);
    s->section = section;
    s->ndefs++;
}

enum { DECL_TYPE = 1, DECL_ALIAS = 2, DECL_IMPORT = 3, DECL_EXPORT = 4 };
enum { SECTION_ALIAS = 6, SECTION_TYPE = 7 };
enum { SORT_BYTE_TYPE = 3 };

/* Begins a declaration of a type scope, a definition of the component. */
static void begin(TypeScope *s, u8 declaration, u8 section)
{
    if (s->out) {
        scope_section(s, section);
        return;
    }
    s->ndefs++;
    buf_u8(&s->defs, declaration);
}

static u32 add_type(TypeScope *s, const Buf *definition)
{
    begin(s, DECL_TYPE, SECTION_TYPE);
    buf_bytes(&s->defs, definition->p, definition->n);
    return s->ntypes++;
}

/* ---- looking types up ---- */

static bool from_source(TypeScope *s, GraphType *t, u32 *ret_index)
{
    u64 at;
    if (!map_get(&s->sources, key_of(t), &at))
        return false;
    begin(s, DECL_ALIAS, SECTION_ALIAS);
    buf_u8(&s->defs, SORT_BYTE_TYPE);
    buf_u8(&s->defs, 0);
    buf_uleb(&s->defs, s->source_list.p[at].instance);
    buf_name(&s->defs, s->source_list.p[at].name);
    *ret_index = s->ntypes++;
    return true;
}

static bool from_outer(TypeScope *s, GraphType *t, u32 *ret_index);

/* Is there a name for the type? */
static bool find_type(TypeScope *s, GraphType *t, u32 *ret_index)
{
    u64 at;
    if (map_get(&s->known, key_of(t), &at)) {
        *ret_index = (u32)at;
        return true;
    }
    if (!from_source(s, t, ret_index) && !from_outer(s, t, ret_index))
        return false;
    map_set(&s->known, key_of(t), *ret_index);
    return true;
}

static bool from_outer(TypeScope *s, GraphType *t, u32 *ret_index)
{
    u32 index;
    bool own = s->self.n && str_eq(s->self, t->home);
    if (!s->outer || s->closed || own || !t->name.n || !find_type(s->outer, t, &index))
        return false;
    begin(s, DECL_ALIAS, SECTION_ALIAS);
    buf_u8(&s->defs, SORT_BYTE_TYPE);
    buf_u8(&s->defs, 2);
    buf_uleb(&s->defs, 1);
    buf_uleb(&s->defs, index);
    *ret_index = s->ntypes++;
    return true;
}

/* ---- definitions ---- */

static void put_type(TypeScope *s, GraphType *t, Buf *out)
{
    u32 index;
    t = gtypes_find(t);
    if (t->kind < CT_PRIMITIVES && gtypes_is_named(t) && find_type(s, t, &index))
        buf_sleb(out, index);
    else if (t->kind < CT_STRING + 1)
        buf_u8(out, (u8)(0x7f - t->kind));
    else if (t->kind == CT_ERROR_CONTEXT)
        buf_u8(out, 0x64);
    else
        buf_sleb(out, scope_type_index(s, t));
}

static void put_optional(TypeScope *s, GraphType *t, Buf *out)
{
    buf_u8(out, t != NULL);
    if (t)
        put_type(s, t, out);
}

static void put_fields(TypeScope *s, const GraphType *t, Buf *out)
{
    buf_uleb(out, t->n);
    for (u32 i = 0; i < t->n; i++) {
        if (t->kind != CT_TUPLE)
            buf_name(out, t->fields[i].name);
        if (t->kind == CT_VARIANT)
            put_optional(s, t->fields[i].type, out);
        else if (t->fields[i].type)
            put_type(s, t->fields[i].type, out);
        if (t->kind == CT_VARIANT)
            buf_u8(out, 0);
    }
}

static const u8 value_codes[CT_VALUES] = {
    [CT_RECORD] = 0x72, [CT_VARIANT] = 0x71, [CT_LIST] = 0x70,  [CT_FIXED_LIST] = 0x67,
    [CT_MAP] = 0x63,    [CT_TUPLE] = 0x6f,   [CT_FLAGS] = 0x6e, [CT_ENUM] = 0x6d,
    [CT_OPTION] = 0x6b, [CT_RESULT] = 0x6a,  [CT_OWN] = 0x69,   [CT_BORROW] = 0x68,
    [CT_STREAM] = 0x66, [CT_FUTURE] = 0x65,
};

static void put_value_type(TypeScope *s, GraphType *t, Buf *out)
{
    CTypeKind kind = (CTypeKind)t->kind;
    buf_u8(out, value_codes[kind]);
    if (kind == CT_LIST || kind == CT_FIXED_LIST) {
        put_type(s, t->fields[0].type, out);
        if (kind == CT_FIXED_LIST)
            buf_uleb(out, t->length);
    } else if (kind == CT_MAP) {
        put_type(s, t->fields[0].type, out);
        put_type(s, t->fields[1].type, out);
    } else if (kind == CT_OPTION) {
        put_type(s, t->fields[1].type, out);
    } else if (kind == CT_RESULT) {
        put_optional(s, t->fields[0].type, out);
        put_optional(s, t->fields[1].type, out);
    } else if (kind == CT_OWN || kind == CT_BORROW) {
        buf_uleb(out, scope_type_index(s, t->of));
    } else if (kind == CT_STREAM || kind == CT_FUTURE) {
        put_optional(s, t->fields[0].type, out);
    } else {
        put_fields(s, t, out);
    }
}

static void put_func_type(TypeScope *s, GraphType *t, Buf *out)
{
    buf_u8(out, t->is_async ? 0x43 : 0x40);
    put_fields(s, t, out);
    buf_u8(out, t->result == NULL);
    if (t->result)
        put_type(s, t->result, out);
    else
        buf_u8(out, 0);
}

void put_name(Buf *out, Str name, Str implements)
{
    enum { FORM_PLAIN, FORM_ATTRIBUTES = 2, ATTRIBUTE_IMPLEMENTS = 0 };
    bool plain = !implements.n || (name.n && memchr(name.p, ':', name.n));
    buf_u8(out, plain ? FORM_PLAIN : FORM_ATTRIBUTES);
    buf_name(out, name);
    if (plain)
        return;
    buf_uleb(out, 1);
    buf_u8(out, ATTRIBUTE_IMPLEMENTS);
    buf_name(out, implements);
}

static void put_declarations(TypeScope *s, const GraphExtern *list, u32 n, u8 declaration)
{
    for (u32 i = 0; i < n; i++) {
        Buf b = {0};
        if (s->types_only && list[i].sort != SORT_TYPE)
            continue;
        scope_extern(s, &list[i], &b);
        s->ndefs++;
        buf_u8(&s->defs, declaration);
        put_name(&s->defs, list[i].name, list[i].implements);
        buf_bytes(&s->defs, b.p, b.n);
        buf_release(&b);
        if (list[i].sort == SORT_TYPE)
            scope_name_type(s, list[i].type);
        if (list[i].sort == SORT_INSTANCE && declaration == DECL_IMPORT)
            scope_offer(s, s->ninstances, list[i].type);
        if (list[i].sort == SORT_INSTANCE)
            s->ninstances++;
    }
}

/* An instance type, or a component type. */
static void put_scope_type(TypeScope *s, GraphType *t, bool types_only, Buf *out)
{
    TypeScope inner = {.outer = s, .closed = t->kind == CT_COMPONENT, .types_only = types_only};
    if (t->kind == CT_INSTANCE)
        inner.self = t->name;
    put_declarations(&inner, t->imports, t->nimports, DECL_IMPORT);
    put_declarations(&inner, t->exports, t->nexports, DECL_EXPORT);
    buf_u8(out, t->kind == CT_INSTANCE ? 0x42 : 0x41);
    buf_uleb(out, inner.ndefs);
    buf_bytes(out, inner.defs.p, inner.defs.n);
    type_scope_release(&inner);
}

static u32 define_part(TypeScope *s, GraphType *t, bool types_only)
{
    Buf b = {0};
    if (t->kind < CT_PRIMITIVES)
        put_type(s, t, &b);
    else if (t->kind < CT_VALUES)
        put_value_type(s, t, &b);
    else if (t->kind == CT_FUNC)
        put_func_type(s, t, &b);
    else
        put_scope_type(s, t, types_only, &b);
    u32 index = add_type(s, &b);
    buf_release(&b);
    return index;
}

static u32 define(TypeScope *s, GraphType *t)
{
    return define_part(s, t, false);
}

/* A resource that has to be there and is not. */
static void miss_resource(TypeScope *s, const GraphType *t)
{
    TypeScope *root = scope_root(s);
    if (root->error)
        return;
    if (t->made)
        root->error = error_new(
            "what is left to import uses the resource `%.*s` that an instance of `%.*s` makes, "
            "and an import cannot: give that import as an argument, too",
            STR_ARG(t->name), STR_ARG(t->maker->package->name));
    else
        root->error = error_new("what is left to import uses the resource `%.*s`, which nothing "
                                "that is imported has",
                                STR_ARG(t->name));
}

u32 scope_type_index(TypeScope *s, GraphType *t)
{
    u32 index;
    t = gtypes_find(t);
    if (find_type(s, t, &index))
        return index;
    if (t->kind == CT_RESOURCE) {
        miss_resource(s, t);
        return 0;
    }
    index = define(s, t);
    if (t->kind < CT_VALUES)
        map_set(&s->known, key_of(t), index);
    return index;
}

void scope_name_type(TypeScope *s, GraphType *t)
{
    t = gtypes_find(t);
    u32 index = s->ntypes++;
    /* Methods go by the first name of a resource; further ones are only other names. */
    if (gtypes_is_named(t) && map_add(&s->named, key_of(t), 0))
        map_set(&s->known, key_of(t), index);
}

static void put_type_bound(TypeScope *s, const GraphExtern *e, Buf *out)
{
    GraphType *t = gtypes_find(e->type);
    u32 index;
    buf_u8(out, 3);
    if (t->kind == CT_RESOURCE && !find_type(s, t, &index)) {
        if (t->made)
            miss_resource(s, t);
        buf_u8(out, 1);
        return;
    }
    buf_u8(out, 0);
    buf_uleb(out, gtypes_is_named(t) ? scope_type_index(s, t) : define(s, t));
}

void scope_extern(TypeScope *s, const GraphExtern *e, Buf *out)
{
    u32 index;
    switch (e->sort) {
    case SORT_TYPE:
        put_type_bound(s, e, out);
        break;
    case SORT_FUNC:
        index = define(s, gtypes_find(e->type));
        buf_u8(out, 1);
        buf_uleb(out, index);
        break;
    case SORT_INSTANCE:
    case SORT_COMPONENT:
        index = define_part(s, e->type, e->types_only);
        buf_u8(out, e->sort == SORT_INSTANCE ? 5 : 4);
        buf_uleb(out, index);
        break;
    default:
        if (!scope_root(s)->error)
            scope_root(s)->error = error_new("a %s cannot be written in the type of `%.*s`",
                                             sort_name((Sort)e->sort), STR_ARG(e->name));
    }
}

void scope_offer(TypeScope *s, u32 instance, const GraphType *type)
{
    for (u32 i = 0; i < type->nexports; i++) {
        const GraphExtern *e = &type->exports[i];
        GraphType *t = e->sort == SORT_TYPE ? gtypes_find(e->type) : NULL;
        if (!t || !gtypes_is_named(t))
            continue;
        if (map_add(&s->sources, key_of(t), s->source_list.n))
            vec_push(&s->source_list, ((TypeSource){instance, e->name}));
    }
}
