/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types of components: value types, functions, resources, instances, components, modules. */
#include "wit/component_priv.h"

enum {
    CODE_RESOURCE = 0x3f,
    CODE_FUNC = 0x40,
    CODE_COMPONENT = 0x41,
    CODE_INSTANCE = 0x42,
    CODE_FUNC_ASYNC = 0x43,
    CODE_MAP = 0x63,
    CODE_ERROR_CONTEXT = 0x64,
    CODE_FUTURE = 0x65,
    CODE_STREAM = 0x66,
    CODE_FIXED_LIST = 0x67,
    CODE_BORROW = 0x68,
    CODE_OWN = 0x69,
    CODE_RESULT = 0x6a,
    CODE_OPTION = 0x6b,
    CODE_ENUM = 0x6d,
    CODE_FLAGS = 0x6e,
    CODE_TUPLE = 0x6f,
    CODE_LIST = 0x70,
    CODE_VARIANT = 0x71,
    CODE_RECORD = 0x72,
    CODE_STRING = 0x73,
    CODE_BOOL = 0x7f,
};

/* ---- indices and value types ---- */

void cbad_code(CDecoder *d, const u8 *at, u8 code, const char *what)
{
    read_fail(rd(d), DIAG_MALFORMED, at, "invalid leading byte (0x%x) for %s", code, what);
}

static bool is_primitive_code(u8 code)
{
    return (code >= CODE_STRING && code <= CODE_BOOL) || code == CODE_ERROR_CONTEXT;
}

static CTypeId primitive_of_code(CDecoder *d, u8 code)
{
    if (code != CODE_ERROR_CONTEXT)
        return CODE_BOOL - code; /* the kinds are in the order of the codes */
    cneed(d, COMPONENT_FEATURE_BIT_ERROR_CONTEXT, "error-context type");
    return CT_ERROR_CONTEXT;
}
static_assert(CODE_BOOL - CODE_STRING == CT_STRING, "primitive types are in the codes' order");

CTypeId cread_type_index(CDecoder *d)
{
    u32 index = cread_index(d, SORT_TYPE);
    return ok(d) ? d->scope->types.p[index] : CT_BOOL;
}

CTypeId cread_val_type(CDecoder *d)
{
    Reader *r = rd(d);
    const u8 *at = r->at;
    if (at < r->end && (*at & 0xc0) == 0x40) {
        u8 code = read_u8(r);
        if (is_primitive_code(code))
            return primitive_of_code(d, code);
        cbad_code(d, at, code, "component value type");
        return CT_BOOL;
    }
    d->at = at;
    i64 index = read_s(r, 33);
    if (!ok(d))
        return CT_BOOL;
    if (index < 0 || index >= d->scope->types.n) {
        cfail(d, "unknown type %lld: type index out of bounds", (long long)index);
        return CT_BOOL;
    }
    CTypeId id = d->scope->types.p[index];
    if (node(d, id)->kind >= CT_VALUES)
        cfail(d, "type index %lld is not a defined type", (long long)index);
    return ok(d) ? id : CT_BOOL;
}

CTypeId cread_opt_val_type(CDecoder *d)
{
    return cread_flag(d, "optional component value type") ? cread_val_type(d) : CTYPE_NONE;
}

CTypeId cread_result(CDecoder *d)
{
    const u8 *at = rd(d)->at;
    u8 code = read_u8(rd(d));
    if (code == 0)
        return cread_val_type(d);
    if (code != 1)
        cbad_code(d, at, code, "component function results");
    at = rd(d)->at;
    u8 zero = read_u8(rd(d));
    if (ok(d) && zero != 0)
        cbad_code(d, at, zero, "number of results");
    return CTYPE_NONE;
}

/* ---- labels ---- */

/* How messages call a list's names. */
typedef struct LabelWords {
    const char *what, *previous;
} LabelWords;

static bool same_label(Str a, Str b)
{
    if (a.n != b.n)
        return false;
    for (usize i = 0; i < a.n; i++)
        if ((a.p[i] | 32) != (b.p[i] | 32) || (a.p[i] == '-') != (b.p[i] == '-'))
            return false;
    return true;
}

static void label_conflict(CDecoder *d, LabelWords w, Str name, Str before)
{
    cfail(d, "%s name `%.*s` conflicts with previous %s name `%.*s`", w.what, STR_ARG(name),
          w.previous, STR_ARG(before));
}

/* Names that differ in more than case. */
static void check_distinct(CDecoder *d, LabelWords w, const CField *f, u32 n)
{
    enum { FEW = 16 };
    if (n <= FEW) {
        for (u32 i = 1; i < n && ok(d); i++)
            for (u32 k = 0; k < i && ok(d); k++)
                if (same_label(f[i].name, f[k].name))
                    label_conflict(d, w, f[i].name, f[k].name);
        return;
    }
    Map seen = {0};
    Arena keys;
    arena_init(&keys);
    for (u32 i = 0; i < n && ok(d); i++) {
        char *p = arena_dup(&keys, f[i].name.p, f[i].name.n);
        for (usize k = 0; k < f[i].name.n; k++)
            p[k] = (char)(p[k] == '-' ? '-' : p[k] | 32);
        u64 before;
        if (map_get(&seen, (Str){p, f[i].name.n}, &before))
            label_conflict(d, w, f[i].name, f[before].name);
        map_add(&seen, (Str){p, f[i].name.n}, i);
    }
    map_release(&seen);
    arena_release(&keys);
}

static Str read_label(CDecoder *d, LabelWords w)
{
    d->at = rd(d)->at;
    Str s = read_name(rd(d));
    if (!ok(d))
        return s;
    if (s.n == 0)
        cfail(d, "%s name cannot be empty", w.what);
    else if (!label_is_kebab(s))
        cfail(d, "%s name `%.*s` is not in kebab case", w.what, STR_ARG(s));
    return s;
}

/* ---- constructed value types ---- */

typedef enum ListShape { SHAPE_FIELDS, SHAPE_CASES, SHAPE_LABELS, SHAPE_TYPES } ListShape;

/* Types that are a list of something; errors for an empty one. */
typedef struct ListInfo {
    u8 kind, shape;
    u32 limit;
    const char *items, *empty;
    LabelWords words;
} ListInfo;

static const ListInfo list_infos[] = {
    {CT_RECORD,
     SHAPE_FIELDS,
     LIMIT_RECORD_FIELDS,
     "record fields",
     "record type must have at least one field",
     {"record field", "field"}},
    {CT_VARIANT,
     SHAPE_CASES,
     LIMIT_VARIANT_CASES,
     "variant cases",
     "variant type must have at least one case",
     {"variant case", "case"}},
    {CT_TUPLE,
     SHAPE_TYPES,
     LIMIT_TUPLE_TYPES,
     "tuple types",
     "tuple type must have at least one type",
     {"", ""}},
    {CT_FLAGS,
     SHAPE_LABELS,
     LIMIT_FLAGS,
     "flags",
     "flags must have at least one entry",
     {"flag", "flag"}},
    {CT_ENUM,
     SHAPE_LABELS,
     LIMIT_ENUM_CASES,
     "enum cases",
     "enum type must have at least one variant",
     {"enum tag", "tag"}},
};

static void read_list_item(CDecoder *d, const ListInfo *info, CField *f)
{
    f->type = CTYPE_NONE;
    if (info->shape != SHAPE_TYPES)
        f->name = read_label(d, info->words);
    if (info->shape == SHAPE_FIELDS || info->shape == SHAPE_TYPES)
        f->type = cread_val_type(d);
    if (info->shape != SHAPE_CASES)
        return;
    f->type = cread_opt_val_type(d);
    const u8 *at = rd(d)->at;
    u8 zero = read_u8(rd(d));
    if (ok(d) && zero != 0)
        cbad_code(d, at, zero, "zero byte required");
}

static CTypeId read_list_type(CDecoder *d, CTypeKind kind)
{
    const ListInfo *info = list_infos;
    while (info->kind != kind)
        info++;
    const u8 *at = d->at = rd(d)->at;
    u32 n = read_u32(rd(d));
    if (kind == CT_FLAGS && n > LIMIT_FLAGS) {
        cfail(d, "cannot have more than %u flags", LIMIT_FLAGS);
        return CT_BOOL;
    }
    rd(d)->at = ok(d) ? at : rd(d)->at;
    n = cread_count(d, info->limit, info->items);
    if (ok(d) && n == 0)
        cfail(d, "%s", info->empty);
    if (!ok(d))
        return CT_BOOL;
    CType *t = ctype_new(d, kind, n);
    for (u32 i = 0; i < n && ok(d); i++)
        read_list_item(d, info, &t->fields[i]);
    d->at = at;
    if (ok(d) && info->shape != SHAPE_TYPES)
        check_distinct(d, info->words, t->fields, n);
    return ok(d) ? ctype_add(d, t) : CT_BOOL;
}

static CTypeId add_fields(CDecoder *d, CTypeKind kind, CTypeId a, CTypeId b, u32 n)
{
    static const Str option_names[] = {{"none", 4}, {"some", 4}};
    static const Str result_names[] = {{"ok", 2}, {"error", 5}};
    if (!ok(d))
        return CT_BOOL;
    CType *t = ctype_new(d, kind, n);
    CTypeId parts[] = {a, b};
    for (u32 i = 0; i < n; i++) {
        t->fields[i].type = parts[i];
        if (kind == CT_OPTION || kind == CT_RESULT)
            t->fields[i].name = kind == CT_OPTION ? option_names[i] : result_names[i];
    }
    return ctype_add(d, t);
}

static CTypeId read_handle(CDecoder *d, CTypeKind kind)
{
    d->at = rd(d)->at;
    u32 index = cread_index(d, SORT_TYPE);
    if (!ok(d))
        return CT_BOOL;
    CTypeId id = d->scope->types.p[index];
    if (node(d, id)->kind != CT_RESOURCE) {
        cfail(d, "type index %u is not a resource type", index);
        return CT_BOOL;
    }
    CType *t = ctype_new(d, kind, 0);
    t->handle = id;
    t->resource = node(d, id)->resource;
    return ctype_add(d, t);
}

static CTypeId read_async_value(CDecoder *d, CTypeKind kind)
{
    const char *name = ctype_kind_name(kind);
    d->at = rd(d)->at;
    cneed(d, COMPONENT_FEATURE_BIT_ASYNC, name);
    CTypeId element = cread_opt_val_type(d);
    if (ok(d) && element != CTYPE_NONE && node(d, element)->has_borrow)
        cfail(d, "`%s` element type cannot contain a `borrow` type", name);
    if (ok(d) && kind == CT_STREAM && element != CTYPE_NONE && node(d, element)->kind == CT_CHAR)
        cfail(d, "`stream<char>` is not valid at this time");
    return add_fields(d, kind, element, CTYPE_NONE, 1);
}

static CTypeId read_map(CDecoder *d)
{
    d->at = rd(d)->at;
    cneed(d, COMPONENT_FEATURE_BIT_MAP, "map type");
    CTypeId key = cread_val_type(d), value = cread_val_type(d);
    u8 k = ok(d) ? node(d, key)->kind : 0;
    if (ok(d) && (k > CT_STRING || k == CT_F32 || k == CT_F64))
        cfail(d, "invalid map key type %s", ctype_kind_name((CTypeKind)k));
    return add_fields(d, CT_MAP, key, value, 2);
}

static CTypeId read_fixed_list(CDecoder *d)
{
    const u8 *at = d->at = rd(d)->at;
    cneed(d, COMPONENT_FEATURE_BIT_FIXED_LENGTH_LISTS, "fixed-length list type");
    CTypeId element = cread_val_type(d);
    u32 length = read_u32(rd(d));
    d->at = at;
    if (ok(d) && length == 0)
        cfail(d, "Fixed-length lists must have more than zero elements");
    if (!ok(d))
        return CT_BOOL;
    CType *t = ctype_new(d, CT_FIXED_LIST, 1);
    t->fields[0].type = element;
    t->length = length;
    return ctype_add(d, t);
}

static CTypeId read_result_type(CDecoder *d)
{
    CTypeId good = cread_opt_val_type(d), error = cread_opt_val_type(d);
    return add_fields(d, CT_RESULT, good, error, 2);
}

/* ---- functions and resources ---- */

static CTypeId read_func_type(CDecoder *d, bool is_async)
{
    static const LabelWords words = {"function parameter", "parameter"};
    const u8 *at = rd(d)->at;
    u32 n = cread_count(d, LIMIT_CPARAMS, "function parameters");
    CType *t = ctype_new(d, CT_FUNC, n);
    t->is_async = is_async;
    for (u32 i = 0; i < n && ok(d); i++) {
        t->fields[i].name = read_label(d, words);
        t->fields[i].type = cread_val_type(d);
    }
    d->at = at;
    if (is_async)
        cneed(d, COMPONENT_FEATURE_BIT_ASYNC, "async function type");
    check_distinct(d, words, t->fields, n);
    t->result = cread_result(d);
    d->at = at;
    if (ok(d) && t->result != CTYPE_NONE && node(d, t->result)->has_borrow)
        cfail(d, "function result cannot contain a `borrow` type");
    return ok(d) ? ctype_add(d, t) : CT_BOOL;
}

static void check_destructor(CDecoder *d, u32 func, bool is64)
{
    u32 id = d->scope->core_funcs.p[func];
    const FuncType *f = types_func_type(d->root->component.registry, id);
    if (f->nparams != 1 || f->nresults != 0 || f->params[0] != (is64 ? VT_I64 : VT_I32))
        cfail(d, "core function %u has wrong signature for a destructor", func);
}

static CTypeId read_resource(CDecoder *d)
{
    const u8 *at = d->at = rd(d)->at;
    u8 rep = read_u8(rd(d));
    CResource r = {.defined = true, .is64 = rep == 0x7e};
    if (ok(d) && d->scope->kind != SCOPE_COMPONENT)
        cfail(d, "resources can only be defined within a concrete component");
    else if (ok(d) && rep != 0x7f && !r.is64)
        cfail(d, "resources can only be represented by `i32` or `i64`");
    if (r.is64)
        cneed(d, COMPONENT_FEATURE_BIT_MEMORY64, "resources represented by `i64`");
    r.has_dtor = cread_flag(d, "resource destructor");
    if (r.has_dtor) {
        r.dtor = cread_index(d, SORT_CORE_FUNC);
        d->at = at;
        if (ok(d))
            check_destructor(d, r.dtor, r.is64);
    }
    return ok(d) ? resource_node(d, resource_new(d, r)) : CT_BOOL;
}

/* ---- instance and component types ---- */

static CTypeId typed_index(CDecoder *d, CTypeKind kind, const char *what)
{
    u32 index = cread_index(d, SORT_TYPE);
    if (!ok(d))
        return CT_BOOL;
    CTypeId id = d->scope->types.p[index];
    if (node(d, id)->kind != kind)
        cfail(d, "type index %u is not %s type", index, what);
    return id;
}

static void read_type_bound(CDecoder *d, ComponentExtern *e)
{
    const u8 *at = rd(d)->at;
    u8 code = read_u8(rd(d));
    if (code == 0)
        e->type = cread_type_index(d);
    else if (code == 1)
        e->is_sub = true;
    else
        cbad_code(d, at, code, "type bound");
}

static const CoreModuleType *read_module_index(CDecoder *d)
{
    const u8 *at = rd(d)->at;
    u8 sort = read_u8(rd(d));
    if (ok(d) && sort != 0x11)
        cbad_code(d, at, sort, "component external kind");
    u32 index = cread_index(d, SORT_CORE_TYPE);
    if (!ok(d))
        return NULL;
    if (!d->scope->core_types.p[index])
        cfail(d, "core type index %u is not a module type", index);
    return d->scope->core_types.p[index];
}

ComponentExtern cread_extern_type(CDecoder *d)
{
    ComponentExtern e = {.type = CT_BOOL};
    const u8 *at = d->at = rd(d)->at;
    u8 code = read_u8(rd(d));
    switch (code) {
    case 0x00:
        e.sort = SORT_CORE_MODULE;
        e.module = read_module_index(d);
        break;
    case 0x01:
        e.sort = SORT_FUNC;
        e.type = typed_index(d, CT_FUNC, "a function");
        break;
    case 0x02:
        read_fail(rd(d), DIAG_UNSUPPORTED, at,
                  "support for component model `value`s is not enabled");
        break;
    case 0x03:
        e.sort = SORT_TYPE;
        read_type_bound(d, &e);
        break;
    case 0x04:
        e.sort = SORT_COMPONENT;
        e.type = typed_index(d, CT_COMPONENT, "a component");
        break;
    case 0x05:
        e.sort = SORT_INSTANCE;
        e.type = typed_index(d, CT_INSTANCE, "an instance");
        break;
    default:
        cbad_code(d, at, code, "component external kind");
    }
    return e;
}

static void read_port_decl(CDecoder *d, bool import)
{
    const u8 *at = rd(d)->at;
    ExternName name = cread_extern_name(d);
    ComponentExtern e = cread_extern_type(d);
    e.name = name;
    d->at = at;
    scope_add_extern(d, &e, import);
}

static void read_decl(CDecoder *d)
{
    const u8 *at = rd(d)->at;
    u8 code = read_u8(rd(d));
    ComponentDef alias = {0};
    if (!ok(d))
        return;
    switch (code) {
    case 0:
        cread_core_type(d);
        return;
    case 1:
        cread_type(d);
        return;
    case 2:
        cread_alias(d, &alias);
        return;
    case 3:
        if (d->scope->kind == SCOPE_COMPONENT_TYPE)
            read_port_decl(d, true);
        else
            cbad_code(d, at, code, "component or instance type declaration");
        return;
    case 4:
        read_port_decl(d, false);
        return;
    default:
        cbad_code(d, at, code, "component or instance type declaration");
    }
}

static CTypeId read_decls(CDecoder *d, CTypeKind kind)
{
    const u8 *at = rd(d)->at;
    u32 n = cread_count(d, LIMIT_DECLS, "declarations of a type");
    if (!scope_push(d, kind == CT_COMPONENT ? SCOPE_COMPONENT_TYPE : SCOPE_INSTANCE_TYPE))
        return CT_BOOL;
    for (u32 i = 0; i < n && ok(d); i++)
        read_decl(d);
    d->at = at;
    CTypeId id = ok(d) ? scope_type(d, kind) : CT_BOOL;
    scope_pop(d);
    return id;
}

/* ---- the type section ---- */

static CTypeId read_def_type(CDecoder *d)
{
    const u8 *at = rd(d)->at;
    u8 code = read_u8(rd(d));
    if (!ok(d))
        return CT_BOOL;
    if (is_primitive_code(code))
        return primitive_of_code(d, code);
    switch (code) {
    case CODE_RECORD:
        return read_list_type(d, CT_RECORD);
    case CODE_VARIANT:
        return read_list_type(d, CT_VARIANT);
    case CODE_TUPLE:
        return read_list_type(d, CT_TUPLE);
    case CODE_FLAGS:
        return read_list_type(d, CT_FLAGS);
    case CODE_ENUM:
        return read_list_type(d, CT_ENUM);
    case CODE_LIST:
        return add_fields(d, CT_LIST, cread_val_type(d), CTYPE_NONE, 1);
    case CODE_FIXED_LIST:
        return read_fixed_list(d);
    case CODE_OPTION:
        return add_fields(d, CT_OPTION, CTYPE_NONE, cread_val_type(d), 2);
    case CODE_RESULT:
        return read_result_type(d);
    case CODE_OWN:
        return read_handle(d, CT_OWN);
    case CODE_BORROW:
        return read_handle(d, CT_BORROW);
    case CODE_STREAM:
        return read_async_value(d, CT_STREAM);
    case CODE_FUTURE:
        return read_async_value(d, CT_FUTURE);
    case CODE_MAP:
        return read_map(d);
    case CODE_FUNC:
        return read_func_type(d, false);
    case CODE_FUNC_ASYNC:
        return read_func_type(d, true);
    case CODE_RESOURCE:
        return read_resource(d);
    case CODE_COMPONENT:
        return read_decls(d, CT_COMPONENT);
    case CODE_INSTANCE:
        return read_decls(d, CT_INSTANCE);
    default:
        cbad_code(d, at, code, "component defined type");
        return CT_BOOL;
    }
}

void cread_type(CDecoder *d)
{
    d->at = rd(d)->at;
    if (d->scope->types.n >= LIMIT_CTYPES) {
        read_fail(rd(d), DIAG_LIMIT, d->at, "too many types: the limit is %u", LIMIT_CTYPES);
        return;
    }
    CTypeId id = read_def_type(d);
    if (ok(d))
        vec_push(&d->scope->types, id);
}
