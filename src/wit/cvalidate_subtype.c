/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Subtyping and instantiation. Value and function types are below each other only when they are
 * equal, which their canonical numbers tell; a difference is searched for the message alone.
 * Instances and components are compared export by export, each pair of nodes once.
 */
#include "wit/component_priv.h"

#include <stdio.h>

/* ---- messages ---- */

/* Puts the name of a place in front of the error there is. */
bool cfail_within(CDecoder *d, const char *fmt, ...)
{
    char front[DIAG_MSG_SIZE], all[2 * DIAG_MSG_SIZE];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(front, sizeof front, fmt, ap);
    va_end(ap);
    Diag *diag = rd(d)->diag;
    int n = snprintf(all, sizeof all, "%s: %s", front, diag->msg);
    usize keep = MIN((usize)MAX(n, 0), sizeof diag->msg - 1);
    memcpy(diag->msg, all, keep);
    diag->msg[keep] = 0;
    return false;
}

static const char *desc(const CDecoder *d, CTypeId id)
{
    return ctype_kind_name((CTypeKind)node(d, id)->kind);
}

static bool is_primitive(const CDecoder *d, CTypeId id)
{
    return node(d, id)->kind < CT_PRIMITIVES;
}

/* ---- why two value types differ ---- */

static void explain(CDecoder *d, CTypeId a, CTypeId b);

/* As explain, where a part may be missing; `what`: "ok", "err". */
static bool explain_optional(CDecoder *d, CTypeId a, CTypeId b, const char *what)
{
    if (ctype_equal(&d->root->types, a, b))
        return false;
    if (a == CTYPE_NONE) {
        cfail(d, "expected %s type, but found none", what);
    } else if (b == CTYPE_NONE) {
        cfail(d, "expected %s type to not be present", what);
    } else {
        explain(d, a, b);
        cfail_within(d, "type mismatch in %s variant", what);
    }
    return true;
}

static void explain_record(CDecoder *d, const CType *a, const CType *b)
{
    if (a->n != b->n) {
        cfail(d, "expected %u fields, found %u", b->n, a->n);
        return;
    }
    for (u32 i = 0; i < a->n; i++) {
        const CField *f = &a->fields[i], *g = &b->fields[i];
        if (!str_eq(f->name, g->name)) {
            cfail(d, "expected field name `%.*s`, found `%.*s`", STR_ARG(g->name),
                  STR_ARG(f->name));
            return;
        }
        if (!ctype_equal(&d->root->types, f->type, g->type)) {
            explain(d, f->type, g->type);
            cfail_within(d, "type mismatch in record field `%.*s`", STR_ARG(g->name));
            return;
        }
    }
}

static void explain_variant(CDecoder *d, const CType *a, const CType *b)
{
    if (a->n != b->n) {
        cfail(d, "expected %u cases, found %u", b->n, a->n);
        return;
    }
    for (u32 i = 0; i < a->n; i++) {
        const CField *f = &a->fields[i], *g = &b->fields[i];
        if (!str_eq(f->name, g->name)) {
            cfail(d, "expected case named `%.*s`, found `%.*s`", STR_ARG(g->name),
                  STR_ARG(f->name));
        } else if (ctype_equal(&d->root->types, f->type, g->type)) {
            continue;
        } else if (f->type == CTYPE_NONE) {
            cfail(d, "expected case `%.*s` to have a type, found none", STR_ARG(g->name));
        } else if (g->type == CTYPE_NONE) {
            cfail(d, "expected case `%.*s` to have no type", STR_ARG(g->name));
        } else {
            explain(d, f->type, g->type);
            cfail_within(d, "type mismatch in variant case `%.*s`", STR_ARG(g->name));
        }
        return;
    }
}

static void explain_tuple(CDecoder *d, const CType *a, const CType *b)
{
    if (a->n != b->n) {
        cfail(d, "expected %u types, found %u", b->n, a->n);
        return;
    }
    for (u32 i = 0; i < a->n; i++)
        if (!ctype_equal(&d->root->types, a->fields[i].type, b->fields[i].type)) {
            explain(d, a->fields[i].type, b->fields[i].type);
            cfail_within(d, "type mismatch in tuple field %u", i);
            return;
        }
}

static void explain_element(CDecoder *d, CTypeId a, CTypeId b)
{
    if (a == CTYPE_NONE || b == CTYPE_NONE)
        cfail(d, a == CTYPE_NONE ? "expected a type, found none"
                                 : "expected no type, found an element type");
    else
        explain(d, a, b);
}

static void explain_kind(CDecoder *d, const CType *a, const CType *b)
{
    switch ((CTypeKind)a->kind) {
    case CT_RECORD:
        explain_record(d, a, b);
        return;
    case CT_VARIANT:
        explain_variant(d, a, b);
        return;
    case CT_TUPLE:
        explain_tuple(d, a, b);
        return;
    case CT_FLAGS:
        cfail(d, "mismatch in flags elements");
        return;
    case CT_ENUM:
        cfail(d, "mismatch in enum elements");
        return;
    case CT_RESULT:
        if (!explain_optional(d, a->fields[0].type, b->fields[0].type, "ok"))
            explain_optional(d, a->fields[1].type, b->fields[1].type, "err");
        return;
    case CT_OPTION:
        explain(d, a->fields[1].type, b->fields[1].type);
        return;
    case CT_FIXED_LIST:
        if (a->length != b->length) {
            cfail(d, "expected fixed size list of %u elements, found %u", b->length, a->length);
            return;
        }
        explain_element(d, a->fields[0].type, b->fields[0].type);
        return;
    case CT_LIST:
    case CT_STREAM:
    case CT_FUTURE:
        explain_element(d, a->fields[0].type, b->fields[0].type);
        return;
    case CT_MAP: {
        u32 i = ctype_equal(&d->root->types, a->fields[0].type, b->fields[0].type);
        explain(d, a->fields[i].type, b->fields[i].type);
        return;
    }
    case CT_OWN:
    case CT_BORROW:
    case CT_RESOURCE:
        cfail(d, "resource types are not the same");
        return;
    case CT_BOOL:
    case CT_S8:
    case CT_U8:
    case CT_S16:
    case CT_U16:
    case CT_S32:
    case CT_U32:
    case CT_S64:
    case CT_U64:
    case CT_F32:
    case CT_F64:
    case CT_CHAR:
    case CT_STRING:
    case CT_ERROR_CONTEXT:
    case CT_FUNC:
    case CT_INSTANCE:
    case CT_COMPONENT:
    case CT_KIND_COUNT:
        break;
    }
    BUG("equal types that differ");
}

/* Types differ: says where. Recursion goes no deeper than LIMIT_TYPE_DEPTH. */
static void explain(CDecoder *d, CTypeId a, CTypeId b)
{
    if (is_primitive(d, a) && is_primitive(d, b))
        cfail(d, "expected primitive `%s` found primitive `%s`", desc(d, b), desc(d, a));
    else if (node(d, a)->kind != node(d, b)->kind)
        cfail(d, "expected %s, found %s", desc(d, b), desc(d, a));
    else
        explain_kind(d, node(d, a), node(d, b));
}

/* A whole type: a primitive at the top is called so. */
static bool explain_type(CDecoder *d, CTypeId a, CTypeId b)
{
    if (is_primitive(d, b) && !is_primitive(d, a))
        cfail(d, "expected primitive, found %s", desc(d, a));
    else
        explain(d, a, b);
    return false;
}

static bool explain_func(CDecoder *d, const CType *a, const CType *b)
{
    const ComponentTypes *t = &d->root->types;
    if (a->is_async != b->is_async) {
        cfail(d, b->is_async ? "expected an async function, found a sync one"
                             : "expected a sync function, found an async one");
        return false;
    }
    if (a->n != b->n) {
        cfail(d, "expected %u parameters, found %u", b->n, a->n);
        return false;
    }
    for (u32 i = 0; i < a->n; i++) {
        const CField *p = &a->fields[i], *q = &b->fields[i];
        if (!str_eq(p->name, q->name)) {
            cfail(d, "expected parameter named `%.*s`, found `%.*s`", STR_ARG(q->name),
                  STR_ARG(p->name));
            return false;
        }
        if (!ctype_equal(t, p->type, q->type)) {
            explain(d, p->type, q->type);
            return cfail_within(d, "type mismatch in function parameter `%.*s`", STR_ARG(q->name));
        }
    }
    if (a->result == CTYPE_NONE || b->result == CTYPE_NONE) {
        cfail(d, "expected a result, found none");
        return false;
    }
    explain(d, a->result, b->result);
    return cfail_within(d, "type mismatch with result type");
}

/* ---- core types ---- */

static const char *const extern_names[] = {"func", "table", "memory", "global", "tag"};

static void put_types(char *out, usize size, const char *word, const ValType *t, u32 n)
{
    usize at = strlen(out);
    for (u32 i = 0; i < n && at + VALTYPE_NAME_SIZE + 16 < size; i++) {
        char name[VALTYPE_NAME_SIZE];
        at +=
            (usize)snprintf(out + at, size - at, "%s%s", i ? " " : word, valtype_name(t[i], name));
    }
    if (n && at + 2 < size)
        memcpy(out + at, ")", 2);
}

static void func_text(const CDecoder *d, u32 id, char out[96])
{
    const FuncType *f = types_func_type(d->root->component.registry, id);
    memcpy(out, "(func", 6);
    put_types(out, 90, " (param ", f->params, f->nparams);
    put_types(out, 90, " (result ", f->results, f->nresults);
    usize n = strlen(out);
    memcpy(out + n, ")", 2);
}

static bool limits_match(const Limits *a, const Limits *b)
{
    return a->min >= b->min && (!b->has_max || (a->has_max && a->max <= b->max));
}

static bool match_func(CDecoder *d, u32 a, u32 b)
{
    if (types_is_subtype(d->root->component.registry, a, b))
        return true;
    char want[96], found[96];
    func_text(d, b, want);
    func_text(d, a, found);
    cfail(d, "expected: %s, found: %s", want, found);
    return false;
}

static bool match_table(CDecoder *d, const TableType *a, const TableType *b)
{
    char want[VALTYPE_NAME_SIZE], found[VALTYPE_NAME_SIZE];
    if (a->elem != b->elem)
        cfail(d, "expected table element type %s, found %s", valtype_name(b->elem, want),
              valtype_name(a->elem, found));
    else if (a->is64 != b->is64)
        cfail(d, "mismatch in index type used for tables");
    else if (!limits_match(&a->limits, &b->limits))
        cfail(d, "mismatch in table limits");
    return ok(d);
}

static bool match_memory(CDecoder *d, const MemoryType *a, const MemoryType *b)
{
    if (a->shared != b->shared)
        cfail(d, "mismatch in the shared flag for memories");
    else if (a->is64 != b->is64)
        cfail(d, "mismatch in index type used for memories");
    else if (a->page_size_log2 != b->page_size_log2)
        cfail(d, "mismatch in page size for memories");
    else if (!limits_match(&a->limits, &b->limits))
        cfail(d, "mismatch in memory limits");
    return ok(d);
}

static bool match_global(CDecoder *d, const GlobalType *a, const GlobalType *b)
{
    char want[VALTYPE_NAME_SIZE], found[VALTYPE_NAME_SIZE];
    const TypeRegistry *r = d->root->component.registry;
    if (a->mut != b->mut)
        cfail(d, "global types differ in mutability");
    else if (a->type != b->type && (a->mut || !valtype_is_subtype(r, a->type, b->type)))
        cfail(d, "expected global type %s, found %s", valtype_name(b->type, want),
              valtype_name(a->type, found));
    return ok(d);
}

bool core_extern_match(CDecoder *d, const CoreExtern *a, const CoreExtern *b)
{
    if (a->kind != b->kind) {
        cfail(d, "expected %s, found %s", extern_names[b->kind], extern_names[a->kind]);
        return false;
    }
    switch ((ExternKind)a->kind) {
    case EXTERN_FUNC:
        return match_func(d, a->func, b->func);
    case EXTERN_TABLE:
        return match_table(d, &a->table, &b->table);
    case EXTERN_MEMORY:
        return match_memory(d, &a->memory, &b->memory);
    case EXTERN_GLOBAL:
        return match_global(d, &a->global, &b->global);
    case EXTERN_TAG:
        return a->func == b->func || match_func(d, a->func, b->func);
    }
    return false;
}

static const CoreNamed *find_import(const CoreModuleType *t, Str module, Str name, Buf *key)
{
    key->n = 0;
    buf_str(key, module);
    buf_u8(key, 0);
    buf_str(key, name);
    u64 at;
    return map_get(&t->import_map, (Str){(char *)key->p, key->n}, &at) ? &t->imports[at] : NULL;
}

/* a imports less and exports more than b. */
static bool match_module(CDecoder *d, const CoreModuleType *a, const CoreModuleType *b)
{
    Buf key = {0};
    for (u32 i = 0; i < a->nimports && ok(d) && a != b; i++) {
        const CoreNamed *want = &a->imports[i];
        const CoreNamed *given = find_import(b, want->module, want->name, &key);
        if (!given)
            cfail(d, "missing expected import `%.*s::%.*s`", STR_ARG(want->module),
                  STR_ARG(want->name));
        else if (!core_extern_match(d, &given->type, &want->type))
            cfail_within(d, "type mismatch in import `%.*s::%.*s`", STR_ARG(want->module),
                         STR_ARG(want->name));
    }
    buf_release(&key);
    for (u32 i = 0; i < b->nexports && ok(d) && a != b; i++) {
        const CoreNamed *want = &b->exports[i], *given = core_find_export(a, want->name);
        if (!given)
            cfail(d, "missing expected export `%.*s`", STR_ARG(want->name));
        else if (!core_extern_match(d, &given->type, &want->type))
            cfail_within(d, "type mismatch in export `%.*s`", STR_ARG(want->name));
    }
    return ok(d);
}

/* ---- definitions ---- */

static bool match_instance(CDecoder *d, CTypeId a, CTypeId b)
{
    const CType *ta = node(d, a), *tb = node(d, b);
    if (ta->exports == tb->exports)
        return true;
    for (u32 i = 0; i < tb->nexports; i++) {
        if (!remap_work(d, 1))
            return false;
        const ComponentExtern *want = &tb->exports[i];
        const ComponentExtern *given = ctype_find_export(ta, want->name.text);
        if (!given) {
            cfail(d, "missing expected export `%.*s`", STR_ARG(want->name.text));
            return false;
        }
        if (!extern_match(d, given, want))
            return cfail_within(d, "type mismatch in instance export `%.*s`",
                                STR_ARG(want->name.text));
    }
    return true;
}

/* Notes which resources of `given` stand for those of `want`; what does not fit is skipped. */
static void pair_resources(CDecoder *d, Remap *m, const ComponentExtern *want,
                           const ComponentExtern *given)
{
    if (want->sort != given->sort || (want->sort != SORT_TYPE && want->sort != SORT_INSTANCE))
        return;
    const CType *w = node(d, want->type), *g = node(d, given->type);
    if (w->least_resource == UINT32_MAX)
        return;
    if (want->sort == SORT_TYPE) {
        bool both = w->kind == CT_RESOURCE && g->kind == CT_RESOURCE;
        if (both && !int_map_has(&m->resources, w->resource))
            int_map_set(&m->resources, w->resource, g->resource);
        return;
    }
    if (w->exports == g->exports || !remap_work(d, w->nexports))
        return;
    for (u32 i = 0; i < w->nexports; i++) {
        const ComponentExtern *e = ctype_find_export(g, w->exports[i].name.text);
        if (e)
            pair_resources(d, m, &w->exports[i], e);
    }
}

/* Types that came in are replaced by those given, so that they keep the names given to them. */
static void pair_types(CDecoder *d, Remap *m, const ComponentExtern *want,
                       const ComponentExtern *given)
{
    if (want->sort == SORT_TYPE && want->type != given->type) {
        int_map_set(&m->nodes, want->type, given->type);
        m->any = true;
    } else if (want->sort == SORT_INSTANCE && want->type != given->type) {
        const CType *w = node(d, want->type), *g = node(d, given->type);
        for (u32 i = 0; i < w->nexports && remap_work(d, 1); i++)
            pair_types(d, m, &w->exports[i], ctype_find_export(g, w->exports[i].name.text));
    }
}

/* A substitution that is to replace only the listed resources. */
static void keep_only(Remap *m, const u32 *list, u32 n)
{
    Remap kept = {0};
    IntMap in = {0};
    for (u32 i = 0; i < n; i++)
        int_map_set(&in, list[i], 0);
    bool all = true;
    for (u32 i = 0; i < m->resources.cap; i++)
        if (m->resources.keys[i]) {
            u64 key = m->resources.keys[i] - 1;
            if (int_map_has(&in, key))
                int_map_set(&kept.resources, key, m->resources.values[i]);
            else
                all = false;
        }
    int_map_release(&in);
    if (all) {
        remap_release(&kept);
        return;
    }
    remap_release(m);
    *m = kept;
}

/* For what has been found to match: the substitution that leads from `want` to `given`. */
static void pair_all_types(CDecoder *d, Remap *m, const ComponentExtern *want, u32 nwant,
                           const ComponentExtern *given, u32 ngiven)
{
    Map names = {0};
    int_map_release(&m->nodes);
    for (u32 i = 0; i < ngiven; i++)
        map_add(&names, given[i].name.text, i);
    for (u32 i = 0; i < nwant; i++) {
        u64 at;
        if (map_get(&names, want[i].name.text, &at))
            pair_types(d, m, &want[i], &given[at]);
    }
    map_release(&names);
}

/*
 * All of `want` are among `given`, whose names the map has, with the listed resources of `want`
 * replaced by those given. The substitution is left in *m.
 */
static bool open_externs(CDecoder *d, Remap *m, const ComponentExtern *want, u32 nwant,
                         const u32 *resources, u32 nresources, const ComponentExtern *given,
                         u32 ngiven, const char *what)
{
    Map names = {0};
    for (u32 i = 0; i < ngiven; i++)
        map_add(&names, given[i].name.text, i);
    u64 at;
    for (u32 i = 0; i < nwant; i++)
        if (map_get(&names, want[i].name.text, &at))
            pair_resources(d, m, &want[i], &given[at]);
    keep_only(m, resources, nresources);
    for (u32 i = 0; i < nwant && ok(d); i++) {
        Str name = want[i].name.text;
        if (!map_get(&names, name, &at)) {
            cfail(d, "missing %s named `%.*s`", what, STR_ARG(name));
            break;
        }
        ComponentExtern e = extern_remap(d, m, &want[i]);
        if (ok(d) && !extern_match(d, &given[at], &e))
            cfail_within(d, "type mismatch for %s `%.*s`", what, STR_ARG(name));
    }
    map_release(&names);
    return ok(d);
}

static bool match_component(CDecoder *d, CTypeId a, CTypeId b)
{
    const CType *ta = node(d, a), *tb = node(d, b);
    Remap imports = {0}, exports = {0};
    open_externs(d, &imports, ta->imports, ta->nimports, ta->imported_resources,
                 ta->nimported_resources, tb->imports, tb->nimports, "import");
    ComponentExtern *given = NULL;
    if (ok(d) && remap_work(d, ta->nexports))
        given = arena_array(arena(d), ComponentExtern, ta->nexports);
    for (u32 i = 0; i < ta->nexports && ok(d); i++)
        given[i] = extern_remap(d, &imports, &ta->exports[i]);
    if (ok(d))
        open_externs(d, &exports, tb->exports, tb->nexports, tb->defined_resources,
                     tb->ndefined_resources, given, ta->nexports, "export");
    remap_release(&imports);
    remap_release(&exports);
    return ok(d);
}

static const char *type_desc(const CType *t)
{
    switch ((CTypeKind)t->kind) {
    case CT_RESOURCE:
        return "resource";
    case CT_FUNC:
        return "func";
    case CT_INSTANCE:
        return "instance";
    case CT_COMPONENT:
        return "component";
    default:
        return "defined type";
    }
}

static bool match_node(CDecoder *d, CTypeId a, CTypeId b)
{
    const CType *ta = node(d, a), *tb = node(d, b);
    if (ta->canon == tb->canon)
        return true;
    bool value = ta->kind < CT_VALUES && tb->kind < CT_VALUES;
    if (!value && ta->kind != tb->kind) {
        cfail(d, "expected %s, found %s", type_desc(tb), type_desc(ta));
        return false;
    }
    u64 pair = (u64)a << 32 | b;
    if (int_map_has(&d->subtypes, pair))
        return true;
    bool match = ta->kind == CT_INSTANCE    ? match_instance(d, a, b)
                 : ta->kind == CT_COMPONENT ? match_component(d, a, b)
                 : ta->kind == CT_FUNC      ? explain_func(d, ta, tb)
                                            : explain_type(d, a, b);
    if (match)
        int_map_set(&d->subtypes, pair, 0);
    return match;
}

bool extern_match(CDecoder *d, const ComponentExtern *a, const ComponentExtern *b)
{
    if (a->sort != b->sort) {
        cfail(d, "expected %s, found %s", sort_name((Sort)b->sort), sort_name((Sort)a->sort));
        return false;
    }
    if (a->sort == SORT_CORE_MODULE)
        return match_module(d, a->module, b->module);
    return match_node(d, a->type, b->type);
}

bool ascription_match(CDecoder *d, const ComponentExtern *item, const ComponentExtern *type)
{
    const CType *t = type->sort == SORT_CORE_MODULE ? NULL : node(d, type->type);
    if (item->sort != type->sort || !t)
        return extern_match(d, item, type);
    const CType *i = node(d, item->type);
    if (type->is_sub) {
        if (i->kind != CT_RESOURCE)
            cfail(d, "expected resource, found %s", type_desc(i));
        return ok(d);
    }
    if (type->sort != SORT_INSTANCE || t->ndefined_resources == 0)
        return extern_match(d, item, type);
    Remap m = {0};
    open_externs(d, &m, t->exports, t->nexports, t->defined_resources, t->ndefined_resources,
                 i->exports, i->nexports, "export");
    remap_release(&m);
    return ok(d);
}

/* ---- instantiation ---- */

CTypeId component_instantiate(CDecoder *d, CTypeId component, const ComponentExtern *args,
                              u32 nargs)
{
    const CType *c = node(d, component);
    Remap m = {0};
    CTypeId id = CTYPE_NONE;
    if (open_externs(d, &m, c->imports, c->nimports, c->imported_resources, c->nimported_resources,
                     args, nargs, "import")) {
        pair_all_types(d, &m, c->imports, c->nimports, args, nargs);
        for (u32 i = 0; i < c->ndefined_resources; i++)
            int_map_set(&m.resources, c->defined_resources[i], resource_new(d, (CResource){0}));
        CType *t = ctype_new(d, CT_INSTANCE, 0);
        t->nexports = c->nexports;
        t->exports = c->exports;
        t->export_map = c->export_map;
        if ((m.resources.n || m.any) && remap_work(d, c->nexports)) {
            t->exports = arena_array(arena(d), ComponentExtern, c->nexports);
            for (u32 i = 0; i < c->nexports && ok(d); i++)
                t->exports[i] = extern_remap(d, &m, &c->exports[i]);
        }
        if (ok(d))
            id = ctype_add(d, t);
    }
    remap_release(&m);
    return ok(d) ? id : CTYPE_NONE;
}
