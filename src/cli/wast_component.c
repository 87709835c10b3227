/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Components in scripts: definitions, instances, calls, and values of component types. */
#include "cli/wast_priv.h"
#include "component/wave.h"
#include "wit/text/ctext.h"

/* --- components --- */

Error *wast_component_build(WastRun *r, const Buf *binary, Diag *diag,
                            LoadedComponent **ret_component)
{
    ComponentOptions o = {.features = engine_config(r->engine)->features,
                          .component_features = r->o->component_features};
    return component_load(r->engine, &o, binary->p, binary->n, diag, ret_component);
}

Error *wast_component_instantiate(WastRun *r, LoadedComponent *c, ComponentInstance **ret_instance)
{
    ComponentInstance *i = NULL;
    if (!r->host)
        r->host = wast_host_new();
    Error *e = component_instance_new(r->store, c, wast_host_linker(r->host), &i);
    vec_push(&r->components, i); /* functions of the store may lead into a failed one, too */
    if (!e)
        *ret_instance = i;
    return e;
}

/* --- values --- */

static const u8 script_kinds[WAST_COMPONENT_COUNT] = {
    [WAST_COMPONENT_BOOL] = CT_BOOL,       [WAST_COMPONENT_U8] = CT_U8,
    [WAST_COMPONENT_S8] = CT_S8,           [WAST_COMPONENT_U16] = CT_U16,
    [WAST_COMPONENT_S16] = CT_S16,         [WAST_COMPONENT_U32] = CT_U32,
    [WAST_COMPONENT_S32] = CT_S32,         [WAST_COMPONENT_U64] = CT_U64,
    [WAST_COMPONENT_S64] = CT_S64,         [WAST_COMPONENT_F32] = CT_F32,
    [WAST_COMPONENT_F64] = CT_F64,         [WAST_COMPONENT_CHAR] = CT_CHAR,
    [WAST_COMPONENT_STRING] = CT_STRING,   [WAST_COMPONENT_LIST] = CT_LIST,
    [WAST_COMPONENT_RECORD] = CT_RECORD,   [WAST_COMPONENT_TUPLE] = CT_TUPLE,
    [WAST_COMPONENT_VARIANT] = CT_VARIANT, [WAST_COMPONENT_ENUM] = CT_ENUM,
    [WAST_COMPONENT_NONE] = CT_OPTION,     [WAST_COMPONENT_SOME] = CT_OPTION,
    [WAST_COMPONENT_OK] = CT_RESULT,       [WAST_COMPONENT_ERR] = CT_RESULT,
    [WAST_COMPONENT_FLAGS] = CT_FLAGS,
};

/* The types at hand and where trees go. */
typedef struct Maker {
    const ComponentTypes *types;
    Arena *arena;
} Maker;

static bool make_value(const Maker *m, const WastComponentValue *v, CTypeId type,
                       ComponentVal *ret_val);

static bool make_list(const Maker *m, const WastComponentValue *v, const CType *c,
                      ComponentVal *ret_val)
{
    if (c->kind == CT_FIXED_LIST && v->n != c->length)
        return false;
    ret_val->n = v->n;
    ret_val->items = arena_array(m->arena, ComponentVal, MAX(v->n, 1));
    for (u32 i = 0; i < v->n; i++)
        if (!make_value(m, &v->items[i], c->fields[0].type, &ret_val->items[i]))
            return false;
    return true;
}

/* A map is a list of pairs. */
static bool make_map(const Maker *m, const WastComponentValue *v, const CType *c,
                     ComponentVal *ret_val)
{
    ret_val->n = v->n;
    ret_val->items = arena_alloc_array(m->arena, 2 * (u64)MAX(v->n, 1), sizeof(ComponentVal));
    for (u32 i = 0; i < v->n; i++) {
        const WastComponentValue *pair = &v->items[i];
        if (pair->kind != WAST_COMPONENT_TUPLE || pair->n != 2)
            return false;
        for (u32 k = 0; k < 2; k++)
            if (!make_value(m, &pair->items[k], c->fields[k].type, &ret_val->items[2 * i + k]))
                return false;
    }
    return true;
}

static bool make_fields(const Maker *m, const WastComponentValue *v, const CType *c,
                        ComponentVal *ret_val)
{
    if (v->n != c->n)
        return false;
    ret_val->n = v->n;
    ret_val->items = arena_array(m->arena, ComponentVal, MAX(v->n, 1));
    for (u32 i = 0; i < v->n; i++)
        if ((c->kind == CT_RECORD && !str_eq(v->labels[i], c->fields[i].name)) ||
            !make_value(m, &v->items[i], c->fields[i].type, &ret_val->items[i]))
            return false;
    return true;
}

static bool find_label(const CType *c, Str label, u32 *ret_index)
{
    for (u32 i = 0; i < c->n; i++) {
        if (str_eq(c->fields[i].name, label)) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static bool make_flags(const WastComponentValue *v, const CType *c, ComponentVal *ret_val)
{
    u32 bit = 0;
    for (u32 i = 0; i < v->n; i++) {
        if (!find_label(c, v->labels[i], &bit))
            return false;
        ret_val->bits |= (u64)1 << bit;
    }
    return true;
}

static bool make_case(const Maker *m, const WastComponentValue *v, const CType *c,
                      ComponentVal *ret_val)
{
    u32 n = v->kind == WAST_COMPONENT_SOME || v->kind == WAST_COMPONENT_ERR;
    if ((c->kind == CT_VARIANT || c->kind == CT_ENUM) && !find_label(c, v->text, &n))
        return false;
    ret_val->n = n;
    bool payload = c->kind != CT_ENUM && c->fields[n].type != CTYPE_NONE;
    if (v->n != payload)
        return false;
    if (!payload)
        return true;
    ret_val->payload = arena_new(m->arena, ComponentVal);
    return make_value(m, &v->items[0], c->fields[n].type, ret_val->payload);
}

/* False if the value is not of the type. As deep as the script's values, which are bounded. */
static bool make_value(const Maker *m, const WastComponentValue *v, CTypeId type,
                       ComponentVal *ret_val)
{
    const CType *c = ctype_get(m->types, type);
    CTypeKind kind = (CTypeKind)c->kind, is = (CTypeKind)script_kinds[v->kind];
    bool list = kind == CT_FIXED_LIST || kind == CT_MAP;
    if (kind != is && !(list && is == CT_LIST))
        return false;
    *ret_val = (ComponentVal){.kind = (u8)(kind == CT_FIXED_LIST ? CT_LIST : kind)};
    if (kind == CT_STRING) {
        *ret_val = val_string((Str){arena_dup(m->arena, v->text.p, v->text.n), v->text.n});
        return true;
    }
    if ((u32)kind < CT_PRIMITIVES) {
        ret_val->bits = v->bits;
        return true;
    }
    if (kind == CT_MAP)
        return make_map(m, v, c, ret_val);
    if (is == CT_LIST)
        return make_list(m, v, c, ret_val);
    if (kind == CT_RECORD || kind == CT_TUPLE)
        return make_fields(m, v, c, ret_val);
    if (kind == CT_FLAGS)
        return make_flags(v, c, ret_val);
    return make_case(m, v, c, ret_val);
}

/* Floats by themselves have the words of core values. */
static bool make_any(const Maker *m, const WastValue *v, CTypeId type, ComponentVal *ret_val)
{
    u8 kind = ctype_get(m->types, type)->kind;
    if (v->kind == WAST_VALUE_COMPONENT)
        return make_value(m, v->component, type, ret_val);
    if (v->kind == WAST_VALUE_F32 && kind == CT_F32)
        *ret_val =
            (ComponentVal){.kind = CT_F32, .bits = v->nan[0] ? 0x7fc00000 : load_u32(v->bytes)};
    else if (v->kind == WAST_VALUE_F64 && kind == CT_F64)
        *ret_val = (ComponentVal){.kind = CT_F64,
                                  .bits = v->nan[0] ? 0x7ff8000000000000 : load_u64(v->bytes)};
    else
        return false;
    return true;
}

/* --- calls --- */

MUST_CHECK static Error *make_arguments(const Maker *m, const WastAction *a, const CType *type,
                                        ComponentVal *ret_vals)
{
    if (a->nargs != type->n)
        return error_new("`%.*s` has %u parameters, %u arguments are given", STR_ARG(a->name),
                         type->n, a->nargs);
    for (u32 i = 0; i < a->nargs; i++)
        if (!make_any(m, &a->args[i], type->fields[i].type, &ret_vals[i]))
            return error_new("argument %u of `%.*s` is not of the parameter's type", i,
                             STR_ARG(a->name));
    return NULL;
}

Error *wast_component_call(const ComponentInstance *i, const WastAction *a,
                           WastComponentResult *ret, Error **ret_guest)
{
    arena_init(&ret->arena);
    ComponentItem item;
    const CType *type = NULL;
    if (a->kind != WAST_INVOKE)
        return error_new("components have no globals to get");
    if (!items_find(component_exports(i), a->name, &item))
        return error_new("no item named `%.*s` found", STR_ARG(a->name));
    if (item.sort != SORT_FUNC || !component_func_type(item.func, &ret->types, &type))
        return error_new("the export `%.*s` is not a function of the component", STR_ARG(a->name));
    Maker m = {ret->types, &ret->arena};
    ComponentVal *vals = arena_array(m.arena, ComponentVal, MAX(type->n, 1));
    Error *e = make_arguments(&m, a, type, vals);
    if (e)
        return e;
    ret->type = type->result;
    *ret_guest = component_call(item.func, vals, &ret->arena, &ret->val);
    return NULL;
}

Error *wast_component_compare(const WastValue *expected, u32 n, const WastComponentResult *result)
{
    u32 have = result->type != CTYPE_NONE;
    if (n != have)
        return error_new("expected %u results, got %u", n, have);
    if (n == 0)
        return NULL;
    Arena arena;
    arena_init(&arena);
    Maker m = {result->types, &arena};
    ComponentVal want = {0};
    bool typed = make_any(&m, expected, result->type, &want);
    Error *e = NULL;
    if (!typed || !val_equal(result->types, result->type, &want, &result->val)) {
        Buf text = {0};
        buf_str(&text, STR("result 0: expected "));
        if (typed)
            wave_print(result->types, result->type, &want, &text);
        else
            buf_str(&text, STR("a value of another type"));
        buf_str(&text, STR(", got "));
        wave_print(result->types, result->type, &result->val, &text);
        char *z = buf_take_string(&text);
        e = error_new("%s", z);
        mem_free(z);
    }
    arena_release(&arena);
    return e;
}
