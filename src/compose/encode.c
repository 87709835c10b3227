/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A composition as one component: its imports first, each behind those whose types it uses, then
 * the components as they are, then instances and aliases in the order in which they were made, then
 * the exports. What comes out goes through the decoder, so that no composition leaves that is not
 * valid.
 */
#include "compose/encode_priv.h"

enum {
    SECTION_COMPONENT = 4,
    SECTION_INSTANCE = 5,
    SECTION_ALIAS = 6,
    SECTION_IMPORT = 10,
    SECTION_EXPORT = 11
};

typedef struct Encoder {
    Graph *g;
    TypeScope scope;
    u32 counts[SORT_COUNT]; /* but for types, which the scope counts */
    u32 ncomponents;
} Encoder;

static u8 sort_byte(u8 sort)
{
    static const u8 bytes[] = {[SORT_FUNC] = 1,
                               [SORT_VALUE] = 2,
                               [SORT_TYPE] = 3,
                               [SORT_COMPONENT] = 4,
                               [SORT_INSTANCE] = 5};
    return sort < ARRAY_LEN(bytes) ? bytes[sort] : 0;
}

static void put_sort(u8 sort, Buf *out)
{
    buf_u8(out, sort_byte(sort));
    if (sort == SORT_CORE_MODULE)
        buf_u8(out, 0x11);
}

/* ---- the order of imports ---- */

typedef struct Order {
    Graph *g;
    u8 *state; /* of each item: 1 while it is visited, 2 when it is placed */
    VEC(u32) placed;
    Map seen; /* types that were looked at for the import at hand */
    u32 depth;
    Error *error;
} Order;

static void visit_import(Order *o, u32 item);

static void visit_home(Order *o, u32 self, const GraphType *t)
{
    Buf track = {0};
    u64 at;
    extern_name_track(t->home, &track);
    if (t->home.n && map_get(&o->g->imports, (Str){(const char *)track.p, track.n}, &at) &&
        at != self)
        visit_import(o, (u32)at);
    buf_release(&track);
}

static void visit_externs(Order *o, u32 self, const GraphExtern *list, u32 n);

/* Types nest to a bounded depth, and each is looked at once. */
static void visit_type(Order *o, u32 self, GraphType *t)
{
    if (!t)
        return;
    t = gtypes_find(t);
    if (!gtypes_is_named(t) || !map_add(&o->seen, (Str){(const char *)&t->id, sizeof t->id}, 0))
        return;
    visit_home(o, self, t);
    for (u32 i = 0; i < t->n; i++)
        visit_type(o, self, t->fields[i].type);
    visit_type(o, self, t->result);
    visit_type(o, self, t->of);
    visit_externs(o, self, t->imports, t->nimports);
    visit_externs(o, self, t->exports, t->nexports);
}

static void visit_externs(Order *o, u32 self, const GraphExtern *list, u32 n)
{
    for (u32 i = 0; i < n; i++)
        visit_type(o, self, list[i].type);
}

enum { ORDER_DEPTH = 500 }; /* imports that need each other in a chain */

static void visit_import(Order *o, u32 item)
{
    const GraphItem *i = o->g->items.p[item];
    if (o->state[item] == 2 || o->error)
        return;
    if (o->state[item] == 1) {
        o->error = error_new("the imports of the composition use each other's types in a circle: "
                             "`%.*s` needs itself",
                             STR_ARG(i->ext.name));
        return;
    }
    if (o->depth >= ORDER_DEPTH) {
        o->error = error_new("more than %u imports of the composition need each other in a chain",
                             (u32)ORDER_DEPTH);
        return;
    }
    o->state[item] = 1;
    Map outer = o->seen;
    o->seen = (Map){0};
    o->depth++;
    visit_type(o, item, i->ext.type);
    o->depth--;
    map_release(&o->seen);
    o->seen = outer;
    o->state[item] = 2;
    vec_push(&o->placed, item);
}

/* ---- definitions ---- */

static u32 next_index(Encoder *en, u8 sort)
{
    return sort == SORT_TYPE ? en->scope.ntypes : en->counts[sort]++;
}

static void put_import(Encoder *en, GraphItem *item)
{
    Buf b = {0};
    scope_extern(&en->scope, &item->ext, &b);
    scope_section(&en->scope, SECTION_IMPORT);
    put_name(&en->scope.defs, item->ext.name, item->ext.implements);
    buf_bytes(&en->scope.defs, b.p, b.n);
    buf_release(&b);
    item->index = next_index(en, item->ext.sort);
    if (item->ext.sort == SORT_TYPE)
        scope_name_type(&en->scope, item->ext.type);
    if (item->ext.sort == SORT_INSTANCE)
        scope_offer(&en->scope, item->index, item->ext.type);
}

static void put_imports(Encoder *en)
{
    Graph *g = en->g;
    Order o = {.g = g, .state = mem_alloc(g->items.n + 1)};
    for (u32 i = 0; i < g->items.n; i++)
        if (g->items.p[i]->kind == ITEM_IMPORT)
            visit_import(&o, i);
    for (u32 i = 0; i < o.placed.n && !o.error && !en->scope.error; i++)
        put_import(en, g->items.p[o.placed.p[i]]);
    if (o.error && !en->scope.error)
        en->scope.error = TAKE_PTR(o.error);
    error_free(o.error);
    vec_release(&o.placed);
    mem_free(o.state);
}

static void put_packages(Encoder *en)
{
    scope_flush(&en->scope);
    for (u32 i = 0; i < en->g->packages.n; i++) {
        GraphPackage *p = en->g->packages.p[i];
        if (!p->used)
            continue;
        buf_section(en->scope.out, SECTION_COMPONENT, &p->bytes);
        p->index = en->ncomponents++;
    }
}

static void put_instance(Encoder *en, GraphItem *item)
{
    const GraphType *t = item->ext.type;
    Buf *out = &en->scope.defs;
    scope_section(&en->scope, SECTION_INSTANCE);
    buf_u8(out, 0);
    buf_uleb(out, item->package->index);
    buf_uleb(out, t->nimports);
    for (u32 i = 0; i < t->nimports; i++) {
        buf_name(out, t->imports[i].name);
        put_sort(item->args[i]->ext.sort, out);
        buf_uleb(out, item->args[i]->index);
    }
    item->index = en->counts[SORT_INSTANCE]++;
}

static void put_alias(Encoder *en, GraphItem *item)
{
    Buf *out = &en->scope.defs;
    scope_section(&en->scope, SECTION_ALIAS);
    put_sort(item->ext.sort, out);
    buf_u8(out, 0);
    buf_uleb(out, item->from->index);
    buf_name(out, item->ext.name);
    item->index = next_index(en, item->ext.sort);
    if (item->ext.sort == SORT_TYPE)
        en->scope.ntypes++;
}

static void put_export(Encoder *en, Str name, const GraphItem *item)
{
    scope_section(&en->scope, SECTION_EXPORT);
    put_name(&en->scope.defs, name, item->ext.implements);
    put_sort(item->ext.sort, &en->scope.defs);
    buf_uleb(&en->scope.defs, item->index);
    buf_u8(&en->scope.defs, 0);
}

/* Later types refer to a type by what exports it. */
static void put_definition(Encoder *en, GraphItem *item)
{
    item->index = scope_type_index(&en->scope, item->ext.type);
    put_export(en, item->ext.name, item);
    item->index = en->scope.ntypes;
    scope_name_type(&en->scope, item->ext.type);
}

static void put_items(Encoder *en)
{
    for (u32 i = 0; i < en->g->items.n; i++) {
        GraphItem *item = en->g->items.p[i];
        if (item->kind == ITEM_INSTANCE)
            put_instance(en, item);
        else if (item->kind == ITEM_ALIAS)
            put_alias(en, item);
        else if (item->kind == ITEM_DEFINITION)
            put_definition(en, item);
    }
}

static void put_exports(Encoder *en)
{
    for (u32 i = 0; i < en->g->exports.n; i++) {
        const GraphExport *e = &en->g->exports.p[i];
        put_export(en, e->name, e->item);
    }
}

static bool decodes(Graph *g, const Buf *b, Diag *diag)
{
    ComponentOptions o = {.features = ~(FeatureSet)0,
                          .component_features = ~(ComponentFeatures)0,
                          .skip_bodies = true,
                          .borrow = true};
    diag_init(diag);
    Component *c = component_decode(g->registry, &o, b->p, b->n, diag);
    component_free(c);
    return c != NULL;
}

static void put_preamble(Buf *out)
{
    static const u8 preamble[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
    buf_bytes(out, preamble, sizeof preamble);
}

Error *graph_encode(Graph *g, Buf *ret_bytes)
{
    Buf out = {0};
    Diag diag;
    Encoder en = {.g = g, .scope = {.out = &out}};
    put_preamble(&out);
    put_imports(&en);
    if (!en.scope.error) {
        put_packages(&en);
        put_items(&en);
        put_exports(&en);
        scope_flush(&en.scope);
    }
    Error *e = TAKE_PTR(en.scope.error);
    if (!e && !decodes(g, &out, &diag))
        e = error_new("the composition is not a valid component: %s (at offset 0x%llx)", diag.msg,
                      (unsigned long long)diag.offset);
    if (!e)
        buf_bytes(ret_bytes, out.p, out.n);
    buf_release(&out);
    type_scope_release(&en.scope);
    return e;
}

Error *graph_check_type(Graph *g, GraphType *type)
{
    Buf out = {0};
    TypeScope scope = {.out = &out};
    put_preamble(&out);
    (void)scope_type_index(&scope, type);
    scope_flush(&scope);
    Error *e = scope.error;
    Diag diag;
    if (!e && !decodes(g, &out, &diag))
        e = error_new("%s", diag.msg);
    buf_release(&out);
    type_scope_release(&scope);
    return e;
}
