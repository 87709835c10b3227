/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * WIT in binary form: reading. The bytes are decoded and validated as any component; what is left
 * is to walk its types. Value types nest at most LIMIT_TYPE_DEPTH deep, which bounds the recursion.
 */
#include "wit/component_priv.h"
#include "wit/module_sections.h"
#include "wit/wit_builder_priv.h"
#include "wit/wit_docs.h"

enum { MAX_HOPS = 100 }; /* from name to name, where no name on the way is known */

typedef struct Reading {
    WitBuilder *b;
    const ComponentTypes *t;
    IntMap nodes;      /* CTypeId -> WitId */
    IntMap resources;  /* number -> WitId of its first name */
    IntMap imported;   /* interfaces, by the world of a component */
    IntMap used;       /* interface and type of another one -> WitId of its name there */
    const CType *here; /* the interface or world that is read */
    const CType *listed;
    Map names;         /* of what `listed` imports and exports */
    WitOwner owner;    /* of what is read now */
    bool of_component; /* the world of one that may run */
} Reading;

PRINTF_LIKE(2, 3) static WitId fail(Reading *r, const char *fmt, ...)
{
    Buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    if (!r->b->error)
        r->b->error = error_new("%.*s", STR_ARG(((Str){(char *)text.p, text.n})));
    buf_release(&text);
    return WIT_BOOL;
}

static const CType *ctype(const Reading *r, CTypeId id)
{
    return ctype_get(r->t, id);
}

/* The WIT type that a node, or one it is a name of, has got. */
static bool find_known(const Reading *r, CTypeId id, WitId *ret_type)
{
    for (u32 hops = 0; id != CTYPE_NONE && hops < MAX_HOPS; hops++) {
        if (int_map_get(&r->nodes, id, ret_type))
            return true;
        id = ctype(r, id)->origin;
    }
    return false;
}

static WitKind primitive_kind(CTypeKind k)
{
    static const u8 kinds[CT_PRIMITIVES] = {
        [CT_BOOL] = WIT_BOOL,     [CT_S8] = WIT_S8,
        [CT_U8] = WIT_U8,         [CT_S16] = WIT_S16,
        [CT_U16] = WIT_U16,       [CT_S32] = WIT_S32,
        [CT_U32] = WIT_U32,       [CT_S64] = WIT_S64,
        [CT_U64] = WIT_U64,       [CT_F32] = WIT_F32,
        [CT_F64] = WIT_F64,       [CT_CHAR] = WIT_CHAR,
        [CT_STRING] = WIT_STRING, [CT_ERROR_CONTEXT] = WIT_ERROR_CONTEXT};
    return (WitKind)kinds[k];
}

static bool same_owner(WitOwner a, WitOwner b)
{
    return a.kind == b.kind && a.id == b.id;
}

/*
 * What another interface names needs a name here, too: a `use`. A world that is made of a component
 * may lack it for what it imports; for what it exports there are no words.
 */
static bool is_foreign(const Reading *r, WitId id)
{
    const WitType *t = &r->b->types.p[id];
    if (t->owner.kind != WIT_OWNER_INTERFACE || r->owner.kind == WIT_OWNER_NONE)
        return false;
    if (r->owner.kind == WIT_OWNER_INTERFACE)
        return t->owner.id != r->owner.id;
    return int_map_has(&r->imported, t->owner.id);
}

static bool find_here(const Reading *r, Str name, WitId *ret_type)
{
    u64 found;
    if (r->owner.kind == WIT_OWNER_WORLD)
        return build_world_find(r->b, r->owner.id, false, name, ret_type);
    if (!map_get(&r->b->interfaces.p[r->owner.id].names, name, &found))
        return false;
    *ret_type = (WitId)found;
    return true;
}

/* The interface of the owner uses that one. */
static void note_use(Reading *r, WitId interface)
{
    if (r->owner.kind != WIT_OWNER_INTERFACE)
        return;
    BuildInterface *i = &r->b->interfaces.p[r->owner.id];
    if (map_add(&i->names, build_format(r->b, "/%u", interface), 0))
        vec_push(&i->uses, interface);
}

static void keep_type(Reading *r, Str name, WitId id)
{
    if (r->owner.kind == WIT_OWNER_WORLD) {
        build_world_item(r->b, r->owner.id, false,
                         (WitWorldItem){.kind = WIT_ITEM_TYPE, .name = name, .id = id});
        return;
    }
    BuildInterface *i = &r->b->interfaces.p[r->owner.id];
    map_add(&i->names, name, id);
    vec_push(&i->types, id);
}

/* What a type of another interface is called here: names that `use` makes are one with theirs. */
static u64 use_key(const Reading *r, WitId id)
{
    u64 world = r->owner.kind == WIT_OWNER_WORLD;
    while (r->b->types.p[id].used)
        id = r->b->types.p[id].elem;
    return world << 63 | (u64)r->owner.id << 32 | id;
}

/* Will the interface or world have something of that name? */
static bool is_taken(Reading *r, Str name)
{
    const CType *c = r->here;
    u64 ignored;
    WitId known;
    if (r->listed != c) {
        map_release(&r->names);
        for (u32 i = 0; i < c->nimports; i++)
            map_add(&r->names, c->imports[i].name.text, 0);
        for (u32 i = 0; i < c->nexports; i++)
            map_add(&r->names, c->exports[i].name.text, 0);
        r->listed = c;
    }
    return map_get(&r->names, name, &ignored) || find_here(r, name, &known);
}

/*
 * Components that were not made of WIT may have no name for it in the interface; WIT needs one, and
 * with it the interface is the same.
 */
static WitId use_foreign(Reading *r, WitId id)
{
    const WitType *of = &r->b->types.p[id];
    WitOwner owner = of->owner;
    Str name = of->name, from = r->b->interfaces.p[owner.id].i.name;
    if (is_taken(r, name))
        name = build_format(r->b, "%.*s-%.*s", STR_ARG(from), STR_ARG(name));
    if (!from.n || is_taken(r, name))
        return fail(r, "`%.*s` of another interface is used without a name of its own",
                    STR_ARG(of->name));
    u64 key = use_key(r, id);
    id = build_type(r->b, (WitType){.kind = WIT_ALIAS,
                                    .elem = id,
                                    .second = WIT_NONE,
                                    .used = true,
                                    .name = name,
                                    .owner = r->owner});
    note_use(r, owner.id);
    keep_type(r, name, id);
    int_map_set(&r->used, key, id);
    return id;
}

static WitId checked(Reading *r, WitId id)
{
    WitId here;
    if (!is_foreign(r, id))
        return id;
    return int_map_get(&r->used, use_key(r, id), &here) ? here : use_foreign(r, id);
}

static WitId value_type(Reading *r, CTypeId id);

static WitId optional_type(Reading *r, CTypeId id)
{
    return id == CTYPE_NONE ? WIT_NONE : value_type(r, id);
}

static void read_fields(Reading *r, const CType *c, WitType *t)
{
    t->nfields = c->n;
    t->fields = arena_array(&r->b->m->arena, WitField, c->n);
    bool names_only = c->kind == CT_FLAGS || c->kind == CT_ENUM;
    for (u32 i = 0; i < c->n; i++)
        t->fields[i] =
            (WitField){.name = build_str(r->b, c->fields[i].name),
                       .type = names_only ? WIT_NONE : optional_type(r, c->fields[i].type)};
}

static WitId read_handle(Reading *r, const CType *c)
{
    WitId resource;
    if ((c->handle == CTYPE_NONE || !find_known(r, c->handle, &resource)) &&
        !int_map_get(&r->resources, c->resource, &resource))
        return fail(r, "a handle to a resource without a name");
    return checked(r, resource);
}

/* The structure of a node, which gets no name by this. */
static WitType structure(Reading *r, const CType *c)
{
    static const u8 kinds[CT_KIND_COUNT] = {
        [CT_RECORD] = WIT_RECORD,         [CT_VARIANT] = WIT_VARIANT, [CT_LIST] = WIT_LIST,
        [CT_FIXED_LIST] = WIT_FIXED_LIST, [CT_MAP] = WIT_MAP,         [CT_TUPLE] = WIT_TUPLE,
        [CT_FLAGS] = WIT_FLAGS,           [CT_ENUM] = WIT_ENUM,       [CT_OPTION] = WIT_OPTION,
        [CT_RESULT] = WIT_RESULT,         [CT_OWN] = WIT_OWN,         [CT_BORROW] = WIT_BORROW,
        [CT_STREAM] = WIT_STREAM,         [CT_FUTURE] = WIT_FUTURE};
    WitType t = {.kind = (WitKind)kinds[c->kind],
                 .elem = WIT_NONE,
                 .second = WIT_NONE,
                 .length = c->length,
                 .owner = r->owner};
    switch (t.kind) {
    case WIT_RECORD:
    case WIT_VARIANT:
    case WIT_TUPLE:
    case WIT_FLAGS:
    case WIT_ENUM:
        read_fields(r, c, &t);
        break;
    case WIT_OPTION:
        t.elem = value_type(r, c->fields[1].type);
        break;
    case WIT_RESULT:
    case WIT_MAP:
        t.elem = optional_type(r, c->fields[0].type);
        t.second = optional_type(r, c->fields[1].type);
        break;
    case WIT_LIST:
    case WIT_FIXED_LIST:
    case WIT_STREAM:
    case WIT_FUTURE:
        t.elem = optional_type(r, c->fields[0].type);
        break;
    case WIT_OWN:
    case WIT_BORROW:
        t.elem = read_handle(r, c);
        break;
#define WIT_PRIMITIVE(id, text) case WIT_##id:
#define WIT_CONSTRUCTOR(id)
#include "wit/wit_kinds.def"
#undef WIT_PRIMITIVE
#undef WIT_CONSTRUCTOR
    case WIT_RESOURCE:
    case WIT_ALIAS:
        BUG("no structure of a value type");
    }
    return t;
}

static bool needs_name(CTypeKind k)
{
    return k == CT_RECORD || k == CT_VARIANT || k == CT_FLAGS || k == CT_ENUM;
}

static WitId value_type(Reading *r, CTypeId id)
{
    const CType *c = ctype(r, id);
    WitId known;
    if (r->b->error)
        return WIT_BOOL;
    if (id < CT_PRIMITIVES)
        return (WitId)primitive_kind((CTypeKind)c->kind);
    if (find_known(r, id, &known) && (r->b->types.p[known].name.n || !is_foreign(r, known)))
        return checked(r, known);
    if (c->kind < CT_PRIMITIVES)
        return (WitId)primitive_kind((CTypeKind)c->kind);
    if (c->kind >= CT_VALUES)
        return fail(r, "a %s where a value type is needed", ctype_kind_name((CTypeKind)c->kind));
    if (needs_name((CTypeKind)c->kind))
        return fail(r, "a %s without a name: WIT cannot express it",
                    ctype_kind_name((CTypeKind)c->kind));
    WitType t = structure(r, c);
    known = build_type(r->b, t);
    int_map_set(&r->nodes, id, known);
    return known;
}

static WitId define_named(Reading *r, Str name, CTypeId node)
{
    const CType *c = ctype(r, node);
    WitId target;
    WitType t = {.kind = WIT_ALIAS, .elem = WIT_NONE, .second = WIT_NONE};
    if (find_known(r, c->origin, &target)) {
        const WitType *of = &r->b->types.p[target];
        t.elem = target;
        t.used =
            of->name.n && of->owner.kind == WIT_OWNER_INTERFACE && !same_owner(of->owner, r->owner);
        if (t.used && !r->b->interfaces.p[of->owner.id].i.name.n)
            fail(r,
                 "`%.*s` is the type `%.*s` of an interface without a full name: WIT cannot "
                 "express it",
                 STR_ARG(name), STR_ARG(of->name));
        if (t.used)
            note_use(r, of->owner.id);
    } else if (c->kind == CT_RESOURCE) {
        t.kind = WIT_RESOURCE;
    } else if (needs_name((CTypeKind)c->kind)) {
        t = structure(r, c);
    } else {
        t.elem = value_type(r, c->origin == CTYPE_NONE ? node : c->origin);
    }
    t.name = name;
    t.owner = r->owner;
    return build_type(r->b, t);
}

/* Is it a type of the interface that is read as a copy now? */
static bool is_original(const Reading *r, WitId id)
{
    const WitOwner *o = &r->b->types.p[id].owner;
    if (r->owner.kind != WIT_OWNER_INTERFACE || o->kind != WIT_OWNER_INTERFACE)
        return false;
    const WitInterface *i = &r->b->interfaces.p[r->owner.id].i;
    return i->is_copy && i->original == o->id;
}

/* One instance type under two names: each of its types would be two interfaces' own. */
static void refuse_second_owner(Reading *r, Str name, CTypeId node)
{
    WitId first;
    if (int_map_get(&r->nodes, node, &first) && is_foreign(r, first) && !is_original(r, first))
        fail(r,
             "`%.*s` belongs to two interfaces: WIT cannot express that an instance has two names",
             STR_ARG(name));
}

static void read_named(Reading *r, Str name, CTypeId node)
{
    WitId id;
    name = build_str(r->b, name);
    if (!find_here(r, name, &id)) {
        refuse_second_owner(r, name, node);
        id = define_named(r, name, node);
        keep_type(r, name, id);
        if (r->b->types.p[id].used)
            int_map_set(&r->used, use_key(r, id), id);
    }
    int_map_set(&r->nodes, node, id);
    const CType *c = ctype(r, node);
    WitId ignored;
    if (c->kind == CT_RESOURCE && !int_map_get(&r->resources, c->resource, &ignored))
        int_map_set(&r->resources, c->resource, id);
}

static WitFuncKind func_kind(const ExternName *n)
{
    switch ((ExternNameKind)n->kind) {
    case NAME_CONSTRUCTOR:
        return WIT_FUNC_CONSTRUCTOR;
    case NAME_METHOD:
        return WIT_FUNC_METHOD;
    case NAME_STATIC:
        return WIT_FUNC_STATIC;
    case NAME_LABEL:
    case NAME_INTERFACE:
        return WIT_FUNC_FREE;
    }
    BUG("kind of name");
}

static WitId read_func(Reading *r, const ExternName *n, CTypeId node)
{
    const CType *c = ctype(r, node);
    WitFunc f = {.kind = func_kind(n),
                 .is_async = c->is_async,
                 .name = build_str(r->b, n->text),
                 .resource = WIT_NONE,
                 .owner = r->owner,
                 .nparams = c->n};
    f.label = n->kind == NAME_CONSTRUCTOR ? STR("constructor")
                                          : build_str(r->b, n->member.n ? n->member : n->label);
    if (f.kind != WIT_FUNC_FREE && !find_here(r, n->label, &f.resource))
        fail(r, "`%.*s` belongs to no resource", STR_ARG(n->text));
    f.params = arena_array(&r->b->m->arena, WitField, c->n);
    for (u32 i = 0; i < c->n; i++)
        f.params[i] = (WitField){.name = build_str(r->b, c->fields[i].name),
                                 .type = value_type(r, c->fields[i].type)};
    f.result = optional_type(r, c->result);
    vec_push(&r->b->funcs, f);
    return r->b->funcs.n - 1;
}

static void read_interface_func(Reading *r, const ExternName *n, CTypeId node)
{
    Str key = build_format(r->b, "(%.*s", STR_ARG(n->text));
    u64 known;
    if (map_get(&r->b->interfaces.p[r->owner.id].names, key, &known))
        return;
    WitId id = read_func(r, n, node);
    BuildInterface *i = &r->b->interfaces.p[r->owner.id];
    map_add(&i->names, key, id);
    vec_push(&i->funcs, id);
}

static void read_interface(Reading *r, WitId interface, CTypeId node)
{
    const CType *c = ctype(r, node), *around = r->here;
    WitOwner outer = r->owner;
    r->owner = (WitOwner){WIT_OWNER_INTERFACE, interface};
    r->here = c;
    for (u32 i = 0; i < c->nexports && !r->b->error; i++) {
        const ComponentExtern *e = &c->exports[i];
        if (e->sort == SORT_TYPE)
            read_named(r, e->name.text, e->type);
        else if (e->sort == SORT_FUNC)
            read_interface_func(r, &e->name, e->type);
        else
            fail(r, "`%.*s` is a %s: an interface of WIT has types and functions",
                 STR_ARG(e->name.text), sort_name((Sort)e->sort));
    }
    r->here = around;
    r->owner = outer;
}

/* What a plain name tells that it is an instance of; that has at least what is seen here. */
static WitId implemented(Reading *r, const ComponentExtern *e, bool import)
{
    ExternName n;
    Diag diag;
    if (!e->name.has_implements)
        return WIT_NONE;
    diag_init(&diag);
    ALWAYS(extern_name_parse(e->name.implements, 0, &n, &diag));
    WitId original = build_interface(r->b, &n, import);
    read_interface(r, original, e->type);
    return original;
}

static void read_world_interface(Reading *r, WitId world, bool export, const ComponentExtern *e)
{
    WitWorldItem item = {.kind = WIT_ITEM_INTERFACE};
    if (e->name.kind == NAME_INTERFACE) {
        item.id = build_interface(r->b, &e->name, !export);
        if (r->of_component && !export)
            int_map_set(&r->imported, item.id, 0);
    } else {
        WitId original = implemented(r, e, !export);
        item.name = build_str(r->b, e->name.text);
        if (!build_world_find(r->b, world, export, item.name, &item.id))
            item.id = build_inline(r->b, r->b->worlds.p[world].w.package, original);
    }
    read_interface(r, item.id, e->type);
    build_world_item(r->b, world, export, item);
}

static void read_world_extern(Reading *r, WitId world, bool export, const ComponentExtern *e)
{
    WitId known;
    switch ((Sort)e->sort) {
    case SORT_TYPE:
        read_named(r, e->name.text, e->type);
        break;
    case SORT_INSTANCE:
        read_world_interface(r, world, export, e);
        break;
    case SORT_FUNC:
        if (!build_world_find(r->b, world, export, e->name.text, &known)) {
            WitWorldItem item = {.kind = WIT_ITEM_FUNC, .id = read_func(r, &e->name, e->type)};
            item.name = r->b->funcs.p[item.id].name;
            build_world_item(r->b, world, export, item);
        }
        break;
    case SORT_VALUE:
    case SORT_COMPONENT:
    case SORT_CORE_FUNC:
    case SORT_CORE_TABLE:
    case SORT_CORE_MEMORY:
    case SORT_CORE_GLOBAL:
    case SORT_CORE_TAG:
    case SORT_CORE_TYPE:
    case SORT_CORE_MODULE:
    case SORT_CORE_INSTANCE:
    case SORT_NONE:
        fail(r, "%s `%.*s` is a %s: WIT cannot express it", export ? "export" : "import",
             STR_ARG(e->name.text), sort_name((Sort)e->sort));
    }
}

/* Of what components export, WIT cannot say types of functions, interfaces and worlds. */
static bool has_words(const Reading *r, const ComponentExtern *e)
{
    if (e->sort != SORT_TYPE)
        return true;
    u8 kind = ctype(r, e->type)->kind;
    return kind < CT_VALUES || kind == CT_RESOURCE;
}

static void read_world(Reading *r, WitId world, const CType *c)
{
    r->owner = (WitOwner){WIT_OWNER_WORLD, world};
    r->here = c;
    for (u32 i = 0; i < c->nimports && !r->b->error; i++)
        read_world_extern(r, world, false, &c->imports[i]);
    for (u32 i = 0; i < c->nexports && !r->b->error; i++)
        if (!r->of_component || has_words(r, &c->exports[i]))
            read_world_extern(r, world, true, &c->exports[i]);
    r->owner = (WitOwner){0};
}

static void set_root(WitBuilder *b, WitId package)
{
    if (!b->has_root)
        b->root = package;
    b->has_root = true;
}

/* A world by its full name, or the one into which all are merged. */
static WitId world_named(Reading *r, const ExternName *n, Str merged)
{
    if (!merged.n)
        return build_world(r->b, n->ns, n->package, n->interface, n->version);
    ExternName m;
    Diag diag;
    diag_init(&diag);
    ALWAYS(extern_name_parse(merged, 0, &m, &diag));
    return build_world(r->b, m.ns, m.package, m.interface, m.version);
}

/* (component (import ...)* (export "ns:pkg/name" ...)) of a package. */
static void read_item(Reading *r, const CType *c, Str merged)
{
    r->owner = (WitOwner){0};
    for (u32 i = 0; i < c->nimports && !r->b->error; i++) {
        const ComponentExtern *e = &c->imports[i];
        if (e->sort != SORT_INSTANCE || e->name.kind != NAME_INTERFACE)
            fail(r, "`%.*s` is imported, but an interface can only use interfaces",
                 STR_ARG(e->name.text));
        else
            read_interface(r, build_interface(r->b, &e->name, true), e->type);
    }
    const ComponentExtern *e = c->exports;
    if (c->nexports != 1 || e->name.kind != NAME_INTERFACE ||
        (e->sort != SORT_INSTANCE && e->sort != SORT_COMPONENT)) {
        fail(r, "expected one interface or one world for each exported type");
    } else if (e->sort == SORT_INSTANCE) {
        WitId id = build_interface(r->b, &e->name, true);
        set_root(r->b, r->b->interfaces.p[id].i.package);
        read_interface(r, id, e->type);
    } else {
        WitId id = world_named(r, &e->name, merged);
        set_root(r->b, r->b->worlds.p[id].w.package);
        read_world(r, id, ctype(r, e->type));
    }
}

static Error *end_reading(Reading *r)
{
    int_map_release(&r->nodes);
    int_map_release(&r->resources);
    int_map_release(&r->imported);
    int_map_release(&r->used);
    map_release(&r->names);
    return TAKE_PTR(r->b->error);
}

bool wit_is_binary(const Component *c)
{
    const CType *t = ctype_get(c->types, c->type);
    bool all = t->nexports > 0 && t->nimports == 0;
    for (u32 i = 0; i < t->nexports && all; i++)
        all = t->exports[i].sort == SORT_TYPE &&
              ctype_get(c->types, t->exports[i].type)->kind == CT_COMPONENT;
    Str payload;
    return all || component_custom(c, STR("wit-component-encoding"), &payload);
}

Error *wit_decode_component(TypeRegistry *r, const u8 *p, usize n, Component **ret)
{
    ComponentOptions o = {.features = ~(FeatureSet)0, .component_features = ~(ComponentFeatures)0};
    Diag diag;
    diag_init(&diag);
    Component *c = component_decode(r, &o, p, n, &diag);
    if (!c)
        return error_new("%s (at offset 0x%llx)", diag.msg, (unsigned long long)diag.offset);
    *ret = c;
    return NULL;
}

MUST_CHECK static Error *check_encoding(const Component *c, StringEncoding *ret_encoding)
{
    Str payload;
    if (!component_custom(c, STR("wit-component-encoding"), &payload)) {
        *ret_encoding = STRING_UTF8;
        return NULL;
    }
    if (payload.n != 2 || payload.p[0] != 4 || (u8)payload.p[1] > STRING_LATIN1_UTF16)
        return error_new("the section `wit-component-encoding` is of an unknown version");
    *ret_encoding = (StringEncoding)payload.p[1];
    return NULL;
}

static void read_all(Reading *r, const Component *c, Str merged)
{
    const CType *t = ctype_get(c->types, c->type);
    for (u32 i = 0; i < t->nexports && !r->b->error; i++) {
        const CType *item = ctype_get(c->types, t->exports[i].type);
        if (t->exports[i].sort != SORT_TYPE || item->kind != CT_COMPONENT)
            fail(r, "`%.*s` is not a type of an interface or world",
                 STR_ARG(t->exports[i].name.text));
        else
            read_item(r, item, merged);
    }
}

Error *wit_builder_add(WitBuilder *b, const u8 *p, usize n, Str merged,
                       StringEncoding *ret_encoding)
{
    TypeRegistry *registry = types_new();
    Component *c = NULL;
    StringEncoding encoding = STRING_UTF8;
    Error *e = wit_decode_component(registry, p, n, &c);
    if (!e)
        e = check_encoding(c, &encoding);
    if (!e) {
        Reading r = {.b = b, .t = c->types};
        read_all(&r, c, merged);
        e = end_reading(&r);
    }
    component_free(c);
    types_free(registry);
    if (!e && ret_encoding)
        *ret_encoding = encoding;
    return e;
}

Error *wit_builder_add_component(WitBuilder *b, const Component *c)
{
    Reading r = {.b = b, .t = c->types, .of_component = true};
    WitId world = build_world(b, STR("root"), STR("component"), STR("root"), (Str){0});
    set_root(b, b->worlds.p[world].w.package);
    read_world(&r, world, ctype_get(c->types, c->type));
    return end_reading(&r);
}

Error *wit_builder_add_module(WitBuilder *b, const u8 *p, usize n, Str merged, bool may_lack,
                              StringEncoding *ret_encoding)
{
    SectionReader r;
    SectionView s;
    u32 found = 0;
    Error *e = NULL;
    sections_init(&r, p, n);
    while (!e && sections_next(&r, &s)) {
        if (!section_is_component_type(&s))
            continue;
        e = wit_builder_add(b, (const u8 *)s.payload.p, s.payload.n, merged, ret_encoding);
        e = error_wrap(e, "in the custom section `%.*s`", STR_ARG(s.name));
        found++;
    }
    if (r.error) {
        error_free(e);
        return r.error;
    }
    if (!e && !found && !may_lack)
        e = error_new("the module has no `component-type` section, which says what its world is; "
                      "`wasmtime component embed` adds one");
    return e;
}

/* *ret_docs: own, a payload of `package-docs`. */
MUST_CHECK static Error *add_component_bytes(WitBuilder *b, const u8 *p, usize n, Buf *ret_docs)
{
    Str docs;
    TypeRegistry *registry = types_new();
    Component *c = NULL;
    Error *e = wit_decode_component(registry, p, n, &c);
    bool is_wit = !e && wit_is_binary(c);
    if (!e && !is_wit)
        e = wit_builder_add_component(b, c);
    if (is_wit && component_custom(c, STR("package-docs"), &docs))
        buf_str(ret_docs, docs);
    component_free(c);
    types_free(registry);
    return is_wit ? wit_builder_add(b, p, n, (Str){0}, NULL) : e;
}

Error *wit_decode(const u8 *p, usize n, WitModel **ret_model)
{
    WitBuilder *b = wit_builder_new(false);
    Buf docs = {0};
    Error *e = component_is(p, n)
                   ? add_component_bytes(b, p, n, &docs)
                   : wit_builder_add_module(b, p, n, STR("root:root/root"), false, NULL);
    WitModel *m = NULL;
    if (e)
        wit_builder_free(b);
    else
        e = wit_builder_finish(b, &m, NULL);
    if (!e && docs.n)
        e = wit_docs_read(m, m->root, (Str){(char *)docs.p, docs.n});
    buf_release(&docs);
    if (e)
        wit_free(m);
    else
        *ret_model = m;
    return e;
}
