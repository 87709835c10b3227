/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The canonical definitions: their immediates and options, and the core function types that they
 * make or expect.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md
 */
#include "wit/component_priv.h"

#include <stdio.h>

typedef enum Shape {
    SHAPE_LIFT,
    SHAPE_LOWER,
    SHAPE_RESOURCE,
    SHAPE_TASK_RETURN,
    SHAPE_CONTEXT,
    SHAPE_PLAIN,
    SHAPE_TYPE,
    SHAPE_TRANSFER,
    SHAPE_CANCEL,
    SHAPE_ASYNC_FLAG,
    SHAPE_CANCELLABLE,
    SHAPE_WAIT,
    SHAPE_OPTIONS,
    SHAPE_INDIRECT
} Shape;

typedef struct CanonInfo {
    u8 code;
    u8 feature; /* COMPONENT_FEATURE_COUNT: none */
    u8 shape;   /* Shape */
    u8 type;    /* CTypeKind: CT_STREAM or CT_FUTURE */
    const char *name;
    const char *sig;
} CanonInfo;

enum { COMPONENT_FEATURE_BIT_NONE = COMPONENT_FEATURE_COUNT };

#define LIFT .shape = SHAPE_LIFT
#define LOWER .shape = SHAPE_LOWER
#define RESOURCE .shape = SHAPE_RESOURCE
#define TASK_RETURN .shape = SHAPE_TASK_RETURN
#define CONTEXT .shape = SHAPE_CONTEXT
#define WAIT .shape = SHAPE_WAIT, .sig = "ip:i"
#define INDIRECT .shape = SHAPE_INDIRECT
#define PLAIN(s) .shape = SHAPE_PLAIN, .sig = s
#define ASYNC_FLAG(s) .shape = SHAPE_ASYNC_FLAG, .sig = s
#define CANCELLABLE(s) .shape = SHAPE_CANCELLABLE, .sig = s
#define OPTIONS(s) .shape = SHAPE_OPTIONS, .sig = s
#define TYPE(k, s) .shape = SHAPE_TYPE, .type = CT_##k, .sig = s
#define CANCEL(k) .shape = SHAPE_CANCEL, .type = CT_##k, .sig = "i:i"
#define TRANSFER(k)                                                                                \
    .shape = SHAPE_TRANSFER, .type = CT_##k, .sig = CT_##k == CT_STREAM ? "ipp:p" : "ip:i"

static const CanonInfo infos[CANON_COUNT] = {
#define CANON(id, canon_code, text, bit, canon_shape)                                              \
    [CANON_##id] = {                                                                               \
        .code = canon_code, .feature = COMPONENT_FEATURE_BIT_##bit, .name = text, canon_shape},
#include "wit/component_canons.def"
#undef CANON
};

const char *canon_name(CanonKind k)
{
    return infos[k].name;
}

/* ---- options ---- */

enum { OPT_ENCODING = 2, OPT_MEMORY, OPT_REALLOC, OPT_POST_RETURN, OPT_ASYNC, OPT_CALLBACK };

static const char *const encoding_names[] = {"utf8", "utf16", "latin1-utf16"};
static const char *const option_names[] = {[OPT_MEMORY] = "memory",
                                           [OPT_REALLOC] = "realloc",
                                           [OPT_POST_RETURN] = "post-return",
                                           [OPT_ASYNC] = "async",
                                           [OPT_CALLBACK] = "callback"};

static void once(CDecoder *d, bool *has, u8 code)
{
    if (ok(d) && *has)
        cfail(d, "canonical option `%s` is specified more than once", option_names[code]);
    *has = true;
}

/* A memory that values go through: no shared one, of pages of 64 KiB. *ret_is64: its addresses. */
static u32 read_memory(CDecoder *d, const char *what, bool *ret_is64)
{
    u32 index = cread_index(d, SORT_CORE_MEMORY);
    if (!ok(d))
        return 0;
    const MemoryType *m = &d->scope->core_memories.p[index];
    *ret_is64 = m->is64;
    if (m->shared)
        cfail(d, "mismatch in the shared flag for memories");
    else if (m->page_size_log2 != 16)
        cfail(d, "mismatch in page size for memories");
    else if (m->is64)
        cneed(d, COMPONENT_FEATURE_BIT_MEMORY64, what);
    return index;
}

static void read_option(CDecoder *d, CanonOptions *o)
{
    const u8 *at = d->at = rd(d)->at;
    u8 code = read_u8(rd(d));
    if (!ok(d))
        return;
    if (code <= OPT_ENCODING) {
        if (o->has_encoding)
            cfail(d, "canonical encoding option `%s` conflicts with option `%s`",
                  encoding_names[o->encoding], encoding_names[code]);
        o->has_encoding = true;
        o->encoding = code;
        return;
    }
    switch (code) {
    case OPT_MEMORY:
        once(d, &o->has_memory, code);
        o->memory = read_memory(d, "64-bit memory of a canonical option", &o->memory64);
        return;
    case OPT_REALLOC:
        once(d, &o->has_realloc, code);
        o->realloc = cread_index(d, SORT_CORE_FUNC);
        return;
    case OPT_POST_RETURN:
        once(d, &o->has_post_return, code);
        o->post_return = cread_index(d, SORT_CORE_FUNC);
        return;
    case OPT_ASYNC:
        once(d, &o->async, code);
        cneed(d, COMPONENT_FEATURE_BIT_ASYNC, "canonical option `async`");
        return;
    case OPT_CALLBACK:
        once(d, &o->has_callback, code);
        cneed(d, COMPONENT_FEATURE_BIT_ASYNC, "canonical option `callback`");
        o->callback = cread_index(d, SORT_CORE_FUNC);
        return;
    default:
        read_fail(rd(d), DIAG_MALFORMED, at, "invalid leading byte (0x%x) for canonical option",
                  code);
    }
}

static void read_options(CDecoder *d, CanonOptions *o)
{
    u32 n = cread_count(d, LIMIT_CANON_OPTIONS, "canonical options");
    for (u32 i = 0; i < n && ok(d); i++)
        read_option(d, o);
}

static bool has_sig(const CDecoder *d, u32 func, const ValType *params, u32 nparams,
                    const ValType *results, u32 nresults)
{
    const FuncType *f = types_func_type(d->root->component.registry, d->scope->core_funcs.p[func]);
    return f->nparams == nparams && f->nresults == nresults &&
           (!nparams || memcmp(f->params, params, nparams * sizeof *params) == 0) &&
           (!nresults || memcmp(f->results, results, nresults * sizeof *results) == 0);
}

static void bad_sig(CDecoder *d, u8 code)
{
    cfail(d, "canonical option `%s` uses a core function with an incorrect signature",
          option_names[code]);
}

/* What holds wherever options stand. */
static void check_options(CDecoder *d, const CanonOptions *o)
{
    if (!ok(d) || !o->has_realloc)
        return;
    ValType a = o->memory64 ? VT_I64 : VT_I32;
    const ValType params[] = {a, a, a, a};
    if (!o->has_memory)
        cfail(d, "canonical option `realloc` requires `memory` to also be specified");
    else if (!has_sig(d, o->realloc, params, 4, params, 1))
        bad_sig(d, OPT_REALLOC);
}

static void forbid(CDecoder *d, bool has, u8 code, const char *where)
{
    if (ok(d) && has)
        cfail(d, "canonical option `%s` cannot be specified for %s", option_names[code], where);
}

static void require(CDecoder *d, bool needed, bool has, u8 code)
{
    if (ok(d) && needed && !has)
        cfail(d, "canonical option `%s` is required", option_names[code]);
}

static bool has_pointers(const CDecoder *d, CTypeId id)
{
    return id != CTYPE_NONE && node(d, id)->has_pointers;
}

/* ---- signatures ---- */

static u32 make_type(CDecoder *d, const u8 *params, u32 nparams, const u8 *results, u32 nresults)
{
    ValType p[MAX_FLAT_PARAMS + 1], r[MAX_FLAT_RESULTS];
    for (u32 i = 0; i < nparams; i++)
        p[i] = params[i];
    for (u32 i = 0; i < nresults; i++)
        r[i] = results[i];
    u32 id = types_add_func(d->root->component.registry, p, nparams, r, nresults);
    vec_push(&d->root->type_ids, id);
    return id;
}

static void push_core_func(CDecoder *d, Canon *c, u32 type)
{
    c->core_type = type;
    if (ok(d) && d->scope->core_funcs.n >= LIMIT_CFUNCS)
        read_fail(rd(d), DIAG_LIMIT, d->at, "too many functions: the limit is %u", LIMIT_CFUNCS);
    vec_push(&d->scope->core_funcs, type);
}

/* The function of a signature "ip:i"; p is an address. */
static void push_sig(CDecoder *d, Canon *c, const char *sig, bool is64)
{
    u8 types[8];
    u32 n = 0, nparams = 0;
    for (; *sig; sig++)
        if (*sig == ':')
            nparams = n;
        else
            types[n++] = (u8)(*sig == 'l' || (*sig == 'p' && is64) ? VT_I64 : VT_I32);
    push_core_func(d, c, make_type(d, types, nparams, types + nparams, n - nparams));
}

static void types_text(char *out, usize size, const ValType *t, u32 n)
{
    static const char *const names[] = {"I32", "I64", "F32", "F64", "V128", "Ref", "Bot"};
    usize at = (usize)snprintf(out, size, "[");
    for (u32 i = 0; i < n && at + 8 < size; i++)
        at +=
            (usize)snprintf(out + at, size - at, "%s%s", i ? ", " : "", names[valtype_kind(t[i])]);
    snprintf(out + at, size - at, "]");
}

static void check_list(CDecoder *d, const char *what, const u8 *want, u32 nwant,
                       const ValType *found, u32 nfound)
{
    ValType w[MAX_FLAT_PARAMS + 1];
    for (u32 i = 0; i < nwant; i++)
        w[i] = want[i];
    if (!ok(d) || (nwant == nfound && (!nwant || memcmp(w, found, nwant * sizeof *w) == 0)))
        return;
    char a[96], b[96];
    types_text(a, sizeof a, w, nwant);
    types_text(b, sizeof b, found, nfound);
    cfail(d, "lowered %s types `%s` do not match %s types `%s` of core function", what, a, what, b);
}

/* ---- lift and lower ---- */

static void read_func_byte(CDecoder *d, const char *name)
{
    const u8 *at = rd(d)->at;
    u8 zero = read_u8(rd(d));
    if (ok(d) && zero != 0)
        read_fail(rd(d), DIAG_MALFORMED, at,
                  "invalid leading byte (0x%x) for canonical function %s", zero, name);
}

static void check_async(CDecoder *d, const CanonOptions *o, const CType *f)
{
    if (ok(d) && o->async && !f->is_async)
        cfail(d, "the `async` canonical option requires an async function type");
}

static void check_lift_options(CDecoder *d, const CanonOptions *o, const CType *f)
{
    static const ValType i32s[] = {VT_I32, VT_I32, VT_I32};
    check_async(d, o, f);
    if (ok(d) && o->async && o->has_post_return)
        cfail(d, "cannot specify canonical option `post-return` with `async`");
    if (ok(d) && o->has_callback && !o->async)
        cfail(d, "cannot specify canonical option `callback` without `async`");
    if (ok(d) && o->async && !o->has_callback)
        cneed(d, COMPONENT_FEATURE_BIT_ASYNC_STACKFUL, "`async` without `callback`");
    if (ok(d) && o->has_callback && !has_sig(d, o->callback, i32s, 3, i32s, 1))
        bad_sig(d, OPT_CALLBACK);
}

static void check_lift(CDecoder *d, const Canon *c, u32 core)
{
    const CanonOptions *o = &c->options;
    const CType *f = node(d, c->type);
    const FuncType *have = types_func_type(d->root->component.registry, core);
    FlatSig s;
    check_lift_options(d, o, f);
    ctype_flatten(&d->root->types, f, FLAT_LIFT, o, &s);
    bool pointers = s.params_spilled;
    for (u32 i = 0; i < f->n; i++)
        pointers |= has_pointers(d, f->fields[i].type);
    bool big_result = s.results_spilled;
    if (o->async && f->result != CTYPE_NONE)
        big_result = node(d, f->result)->layout[o->memory64].nflat > MAX_FLAT_PARAMS;
    require(d, pointers || big_result || has_pointers(d, f->result), o->has_memory, OPT_MEMORY);
    require(d, pointers, o->has_realloc, OPT_REALLOC);
    check_list(d, "parameter", s.params, s.nparams, have->params, have->nparams);
    check_list(d, "result", s.results, s.nresults, have->results, have->nresults);
    if (ok(d) && o->has_post_return &&
        !has_sig(d, o->post_return, have->results, have->nresults, NULL, 0))
        bad_sig(d, OPT_POST_RETURN);
}

static void canon_lift(CDecoder *d, ComponentDef *def, const u8 *at)
{
    Canon *c = &def->canon;
    read_func_byte(d, "lift");
    c->func = cread_index(d, SORT_CORE_FUNC);
    read_options(d, &c->options);
    u32 index = cread_index(d, SORT_TYPE);
    d->at = at;
    check_options(d, &c->options);
    if (!ok(d))
        return;
    c->type = d->scope->types.p[index];
    if (node(d, c->type)->kind != CT_FUNC) {
        cfail(d, "type index %u is not a function type", index);
        return;
    }
    c->core_type = d->scope->core_funcs.p[c->func];
    check_lift(d, c, c->core_type);
    def->space = SORT_FUNC;
    vec_push(&d->scope->funcs, c->type);
}

static void canon_lower(CDecoder *d, Canon *c, const u8 *at)
{
    CanonOptions *o = &c->options;
    read_func_byte(d, "lower");
    c->func = cread_index(d, SORT_FUNC);
    read_options(d, o);
    d->at = at;
    forbid(d, o->has_post_return, OPT_POST_RETURN, "lowerings");
    forbid(d, o->has_callback, OPT_CALLBACK, "lowerings");
    check_options(d, o);
    if (!ok(d))
        return;
    c->type = d->scope->funcs.p[c->func];
    const CType *f = node(d, c->type);
    check_async(d, o, f);
    FlatSig s;
    ctype_flatten(&d->root->types, f, FLAT_LOWER, o, &s);
    bool memory = s.params_spilled || s.results_spilled || has_pointers(d, f->result);
    for (u32 i = 0; i < f->n; i++)
        memory |= has_pointers(d, f->fields[i].type);
    require(d, memory, o->has_memory, OPT_MEMORY);
    require(d, has_pointers(d, f->result), o->has_realloc, OPT_REALLOC);
    push_core_func(d, c, make_type(d, s.params, s.nparams, s.results, s.nresults));
}

static void canon_task_return(CDecoder *d, Canon *c, const u8 *at)
{
    CanonOptions *o = &c->options;
    c->type = cread_result(d);
    c->has_result = c->type != CTYPE_NONE;
    read_options(d, o);
    d->at = at;
    forbid(d, o->has_realloc, OPT_REALLOC, "`task.return`");
    forbid(d, o->has_post_return, OPT_POST_RETURN, "`task.return`");
    forbid(d, o->async, OPT_ASYNC, "`task.return`");
    forbid(d, o->has_callback, OPT_CALLBACK, "`task.return`");
    if (ok(d) && c->has_result && node(d, c->type)->has_borrow)
        cfail(d, "function result cannot contain a `borrow` type");
    if (!ok(d))
        return;
    CField param = {.type = c->type};
    CType f = {.kind = CT_FUNC, .n = c->has_result, .fields = &param, .result = CTYPE_NONE};
    FlatSig s;
    ctype_flatten(&d->root->types, &f, FLAT_LOWER, o, &s);
    require(d, s.params_spilled || has_pointers(d, c->type), o->has_memory, OPT_MEMORY);
    push_core_func(d, c, make_type(d, s.params, s.nparams, s.results, s.nresults));
}

/* ---- built-ins ---- */

static void canon_resource(CDecoder *d, Canon *c)
{
    u32 index = cread_index(d, SORT_TYPE);
    if (!ok(d))
        return;
    c->type = d->scope->types.p[index];
    const CType *t = node(d, c->type);
    if (t->kind != CT_RESOURCE) {
        cfail(d, "type index %u is not a resource type", index);
        return;
    }
    const CResource *r = &d->root->types.resources[t->resource];
    if (c->kind != CANON_resource_drop && !r->defined) {
        cfail(d, "type index %u is not a local resource", index);
        return;
    }
    push_sig(d, c,
             c->kind == CANON_resource_new   ? "p:i"
             : c->kind == CANON_resource_rep ? "i:p"
                                             : "i:",
             r->is64);
}

static void canon_context(CDecoder *d, Canon *c)
{
    Scope *s = d->scope;
    const u8 *at = d->at = rd(d)->at;
    u8 type = read_u8(rd(d));
    c->slot = read_u32(rd(d));
    if (!ok(d))
        return;
    if (type != 0x7f && type != 0x7e) {
        read_fail(rd(d), DIAG_INVALID, at, "`%s` needs a type of `i32` or `i64`",
                  infos[c->kind].name);
        return;
    }
    if (type == 0x7e)
        cneed(d, COMPONENT_FEATURE_BIT_MEMORY64, "`i64` context");
    if (ok(d) && s->context_type && s->context_type != type)
        cfail(d, "all `context.get` and `context.set` of a component must have the same type");
    if (ok(d) && c->slot > 1)
        cfail(d, "`%s` immediate must be zero or one: %u", infos[c->kind].name, c->slot);
    s->context_type = type;
    push_sig(d, c, c->kind == CANON_context_get ? ":p" : "p:", type == 0x7e);
}

/* A stream or future type by its index. */
static void read_async_type(CDecoder *d, Canon *c)
{
    u32 index = cread_index(d, SORT_TYPE);
    if (!ok(d))
        return;
    c->type = d->scope->types.p[index];
    const CanonInfo *info = &infos[c->kind];
    if (node(d, c->type)->kind != info->type)
        cfail(d, "`%s` requires a %s type: type index %u is none", info->name,
              ctype_kind_name((CTypeKind)info->type), index);
}

static void need_more(CDecoder *d, const Canon *c, const char *how)
{
    char what[64];
    snprintf(what, sizeof what, "%s `%s`", how, infos[c->kind].name);
    cneed(d, COMPONENT_FEATURE_BIT_MORE_ASYNC_BUILTINS, what);
}

static bool read_bool(CDecoder *d)
{
    const u8 *at = rd(d)->at;
    u8 v = read_u8(rd(d));
    if (v > 1)
        read_fail(rd(d), DIAG_MALFORMED, at, "invalid boolean value 0x%x", v);
    return v;
}

static void read_async_flag(CDecoder *d, Canon *c)
{
    c->async = read_bool(d);
    if (c->async)
        need_more(d, c, "asynchronous");
}

static void canon_transfer(CDecoder *d, Canon *c, const u8 *at)
{
    CanonOptions *o = &c->options;
    read_async_type(d, c);
    read_options(d, o);
    d->at = at;
    forbid(d, o->has_post_return, OPT_POST_RETURN, "stream and future operations");
    forbid(d, o->has_callback, OPT_CALLBACK, "stream and future operations");
    check_options(d, o);
    if (!ok(d))
        return;
    CTypeId element = node(d, c->type)->fields[0].type;
    bool read = c->kind == CANON_stream_read || c->kind == CANON_future_read;
    require(d, element != CTYPE_NONE, o->has_memory, OPT_MEMORY);
    require(d, read && has_pointers(d, element), o->has_realloc, OPT_REALLOC);
    if (!o->async)
        need_more(d, c, "synchronous");
    push_sig(d, c, infos[c->kind].sig, o->memory64);
}

static void canon_wait(CDecoder *d, Canon *c)
{
    c->cancellable = read_bool(d);
    bool is64;
    c->memory = read_memory(d, "64-bit memory", &is64);
    if (ok(d))
        push_sig(d, c, infos[c->kind].sig, is64);
}

static void canon_options(CDecoder *d, Canon *c, const u8 *at)
{
    CanonOptions *o = &c->options;
    read_options(d, o);
    d->at = at;
    forbid(d, o->has_post_return, OPT_POST_RETURN, "error contexts");
    forbid(d, o->async, OPT_ASYNC, "error contexts");
    forbid(d, o->has_callback, OPT_CALLBACK, "error contexts");
    check_options(d, o);
    require(d, true, o->has_memory, OPT_MEMORY);
    require(d, c->kind == CANON_error_context_debug_message, o->has_realloc, OPT_REALLOC);
    if (ok(d))
        push_sig(d, c, infos[c->kind].sig, o->memory64);
}

static void canon_indirect(CDecoder *d, Canon *c)
{
    u32 type = cread_index(d, SORT_CORE_TYPE);
    const u8 *at = d->at;
    c->table = cread_index(d, SORT_CORE_TABLE);
    d->at = at;
    if (!ok(d))
        return;
    const WasmModule *core = &d->scope->core;
    c->spawn_type = core->types[type];
    const SubType *t = c->spawn_type == TYPE_NONE ? NULL : types_get(core->registry, c->spawn_type);
    if (!t || t->kind != COMPOSITE_FUNC || t->func.nresults != 0 || t->func.nparams != 1 ||
        t->func.params[0] != VT_I32) {
        cfail(d,
              "start function must take a single `i32` argument and return nothing: core type "
              "index %u",
              type);
        return;
    }
    const TableType *table = &d->scope->core_tables.p[c->table];
    if (!valtype_is_subtype(core->registry, table->elem, VT_FUNCREF))
        cfail(d, "expected a table of `funcref`: table %u", c->table);
    push_sig(d, c, table->is64 ? "li:i" : "ii:i", false);
}

/* ---- reading ---- */

static CanonKind canon_of_code(u8 code)
{
    u32 k = 0;
    while (k < CANON_COUNT && infos[k].code != code)
        k++;
    return (CanonKind)k;
}

static void read_shape(CDecoder *d, ComponentDef *def, const u8 *at)
{
    Canon *c = &def->canon;
    const CanonInfo *info = &infos[c->kind];
    switch ((Shape)info->shape) {
    case SHAPE_LIFT:
        canon_lift(d, def, at);
        return;
    case SHAPE_LOWER:
        canon_lower(d, c, at);
        return;
    case SHAPE_RESOURCE:
        canon_resource(d, c);
        return;
    case SHAPE_TASK_RETURN:
        canon_task_return(d, c, at);
        return;
    case SHAPE_CONTEXT:
        canon_context(d, c);
        return;
    case SHAPE_TRANSFER:
        canon_transfer(d, c, at);
        return;
    case SHAPE_WAIT:
        canon_wait(d, c);
        return;
    case SHAPE_OPTIONS:
        canon_options(d, c, at);
        return;
    case SHAPE_INDIRECT:
        canon_indirect(d, c);
        return;
    case SHAPE_CANCEL:
        read_async_type(d, c);
        read_async_flag(d, c);
        break;
    case SHAPE_TYPE:
        read_async_type(d, c);
        break;
    case SHAPE_ASYNC_FLAG:
        read_async_flag(d, c);
        break;
    case SHAPE_CANCELLABLE:
        c->cancellable = read_bool(d);
        break;
    case SHAPE_PLAIN:
        break;
    }
    if (ok(d))
        push_sig(d, c, info->sig, false);
}

void cread_canon(CDecoder *d, ComponentDef *def)
{
    const u8 *at = d->at = rd(d)->at;
    u8 code = read_u8(rd(d));
    if (!ok(d))
        return;
    CanonKind kind = canon_of_code(code);
    if (kind == CANON_COUNT) {
        read_fail(rd(d), DIAG_MALFORMED, at, "invalid leading byte (0x%x) for canonical function",
                  code);
        return;
    }
    def->kind = DEF_CANON;
    def->space = SORT_CORE_FUNC;
    def->canon = (Canon){.kind = (u8)kind, .type = CTYPE_NONE};
    const CanonInfo *info = &infos[kind];
    if (info->feature == COMPONENT_FEATURE_COUNT ||
        cneed(d, (enum ComponentFeatureBit)info->feature, info->name))
        read_shape(d, def, at);
}
