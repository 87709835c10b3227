/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The bindings generator: sources. For each type that is passed, functions that lift it from memory
 * (load_), from core values (flat_) and lower it to memory (store_); for each function its glue.
 */
#include "witgen.h"

static void put(Gen *g, const char *text)
{
    buf_str(&g->out, str_of(text));
}

#define PUTF(g, ...) buf_printf(&(g)->out, __VA_ARGS__)

/* A piece of C, built for use in a statement. Own: mem_free. */
static char *text(const char *fmt, ...) PRINTF_LIKE(1, 2);
static char *text(const char *fmt, ...)
{
    Buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    return buf_take_string(&b);
}

static char *ctype(const Gen *g, WitId id)
{
    Buf b = {0};
    gen_ctype(g, id, &b);
    return buf_take_string(&b);
}

static char *resource(const Gen *g, WitId handle)
{
    Buf b = {0};
    gen_resource(g, handle, &b);
    return buf_take_string(&b);
}

static const char *core_type(char c)
{
    return c == 'i' ? "u32" : c == 'I' ? "u64" : c == 'f' ? "float" : "double";
}

static bool is_compound(const Gen *g, WitId id)
{
    return !gen_by_value(g, id);
}

/* Is there a value of type own in one of the type? Types are no deeper than the resolver allows. */
static bool has_own(const Gen *g, WitId id)
{
    if (id == WIT_NONE)
        return false;
    const WitType *t = &g->m->types[wit_unalias(g->m, id)];
    if (t->kind == WIT_OWN)
        return true;
    if (t->kind == WIT_LIST || t->kind == WIT_FIXED_LIST || t->kind == WIT_OPTION)
        return has_own(g, t->elem);
    if (t->kind == WIT_RESULT)
        return has_own(g, t->elem) || has_own(g, t->second);
    for (u32 i = 0; i < t->nfields; i++)
        if (has_own(g, t->fields[i].type))
            return true;
    return false;
}

/* --- which functions a source needs --- */

static void need(Gen *g, WitId id, u8 what)
{
    if (id == WIT_NONE)
        return;
    id = wit_unalias(g->m, id);
    const WitType *t = &g->m->types[id];
    if (wit_is_primitive(t->kind) || t->kind == WIT_OWN || t->kind == WIT_BORROW)
        return;
    if (what == NEED_DROP && !has_own(g, id))
        return;
    if (t->kind == WIT_LIST && what == NEED_FLAT)
        what = NEED_LOAD;
    if (g->needs[id] & what)
        return;
    g->needs[id] |= what;
    if (t->kind == WIT_LIST) {
        if (what == NEED_DROP ? has_own(g, t->elem) : !gen_is_plain(g, t->elem))
            need(g, t->elem, what);
        return;
    }
    for (u32 i = 0; i < t->nfields; i++)
        need(g, t->fields[i].type, what);
    if (t->kind == WIT_OPTION || t->kind == WIT_RESULT || t->kind == WIT_FIXED_LIST)
        need(g, t->elem, what);
    if (t->kind == WIT_RESULT)
        need(g, t->second, what);
}

/* --- statements --- */

/* Lifts from memory that was checked: `dst` is an lvalue, `at` the place. */
static void put_load(Gen *g, WitId id, const char *dst, const char *at)
{
    id = wit_unalias(g->m, id);
    const WitType *t = &g->m->types[id];
    char *type = ctype(g, id);
    u32 bits = g->sizes[id] * 8;
    PUTF(g, "    ");
    if (t->kind == WIT_BOOL)
        PUTF(g, "%s = lift_u8(c, %s) != 0;\n", dst, at);
    else if (t->kind == WIT_F32 || t->kind == WIT_F64)
        PUTF(g, "%s = lift_f%u_bits(lift_u%u(c, %s));\n", dst, bits, bits, at);
    else if (t->kind == WIT_CHAR)
        PUTF(g, "%s = lift_char(c, lift_u32(c, %s));\n", dst, at);
    else if (t->kind == WIT_STRING)
        PUTF(g, "%s = lift_string(c, lift_u32(c, %s), lift_u32(c, %s + 4));\n", dst, at, at);
    else if (wit_is_primitive(t->kind))
        PUTF(g, "%s = (%s)lift_u%u(c, %s);\n", dst, type, bits, at);
    else if (t->kind == WIT_OWN || t->kind == WIT_BORROW) {
        char *r = resource(g, id);
        PUTF(g, "%s = lift_%s(c, &%s, lift_u32(c, %s));\n", dst,
             t->kind == WIT_OWN ? "own" : "borrow", r, at);
        mem_free(r);
    } else if (t->kind == WIT_ENUM)
        PUTF(g, "%s = (%s)lift_case(c, lift_u%u(c, %s), %u);\n", dst, type, bits, at, t->nfields);
    else if (t->kind == WIT_FLAGS)
        PUTF(g, "%s = (%s)(lift_u%u(c, %s) & 0x%xu);\n", dst, type, bits, at,
             (u32)(((u64)1 << t->nfields) - 1));
    else if (t->kind == WIT_LIST)
        PUTF(g, "load_%s(c, lift_u32(c, %s), lift_u32(c, %s + 4), &%s);\n", type, at, at, dst);
    else
        PUTF(g, "load_%s(c, %s, &%s);\n", type, at, dst);
    mem_free(type);
}

/* Lifts from core values, which are C expressions of their core types. */
static void put_flat(Gen *g, WitId id, const char *dst, char *const *v, u32 n)
{
    id = wit_unalias(g->m, id);
    const WitType *t = &g->m->types[id];
    char *type = ctype(g, id);
    PUTF(g, "    ");
    if (t->kind == WIT_BOOL)
        PUTF(g, "%s = %s != 0;\n", dst, v[0]);
    else if (t->kind == WIT_CHAR)
        PUTF(g, "%s = lift_char(c, %s);\n", dst, v[0]);
    else if (t->kind == WIT_STRING)
        PUTF(g, "%s = lift_string(c, %s, %s);\n", dst, v[0], v[1]);
    else if (wit_is_primitive(t->kind))
        PUTF(g, "%s = (%s)%s;\n", dst, type, v[0]);
    else if (t->kind == WIT_OWN || t->kind == WIT_BORROW) {
        char *r = resource(g, id);
        PUTF(g, "%s = lift_%s(c, &%s, %s);\n", dst, t->kind == WIT_OWN ? "own" : "borrow", r, v[0]);
        mem_free(r);
    } else if (t->kind == WIT_ENUM)
        PUTF(g, "%s = (%s)lift_case(c, %s, %u);\n", dst, type, v[0], t->nfields);
    else if (t->kind == WIT_FLAGS)
        PUTF(g, "%s = (%s)(%s & 0x%xu);\n", dst, type, v[0], (u32)(((u64)1 << t->nfields) - 1));
    else {
        PUTF(g, "%s_%s(c", t->kind == WIT_LIST ? "load" : "flat", type);
        for (u32 i = 0; i < n; i++)
            PUTF(g, ", %s", v[i]);
        PUTF(g, ", &%s);\n", dst);
    }
    mem_free(type);
}

/* Lowers `src`, an lvalue, to memory that was checked. */
static void put_store(Gen *g, WitId id, const char *src, const char *at)
{
    id = wit_unalias(g->m, id);
    const WitType *t = &g->m->types[id];
    u32 bits = g->sizes[id] * 8;
    PUTF(g, "    ");
    if (t->kind == WIT_F32 || t->kind == WIT_F64)
        PUTF(g, "lower_u%u(c, %s, lower_f%u_bits(%s));\n", bits, at, bits, src);
    else if (t->kind == WIT_CHAR)
        PUTF(g, "lower_u32(c, %s, lower_char(c, %s));\n", at, src);
    else if (t->kind == WIT_STRING)
        PUTF(g, "lower_string(c, %s, %s);\n", at, src);
    else if (wit_is_primitive(t->kind) || t->kind == WIT_ENUM || t->kind == WIT_FLAGS)
        PUTF(g, "lower_u%u(c, %s, (u%u)%s);\n", bits, at, bits, src);
    else if (t->kind == WIT_OWN) {
        char *r = resource(g, id);
        PUTF(g, "lower_u32(c, %s, lower_own(c, &%s, %s));\n", at, r, src);
        mem_free(r);
    } else {
        char *type = ctype(g, id);
        PUTF(g, "store_%s(c, %s, &%s);\n", type, at, src);
        mem_free(type);
    }
}

/* Ends what of `src`, an lvalue, the guest did not get. */
static void put_drop(Gen *g, WitId id, const char *src)
{
    id = wit_unalias(g->m, id);
    if (!has_own(g, id))
        return;
    if (g->m->types[id].kind == WIT_OWN) {
        char *r = resource(g, id);
        PUTF(g, "    lift_drop_own(c, &%s, %s);\n", r, src);
        mem_free(r);
        return;
    }
    char *type = ctype(g, id);
    PUTF(g, "    drop_%s(c, &%s);\n", type, src);
    mem_free(type);
}

/* --- functions of types --- */

void gen_case_path(const Gen *g, const WitType *t, u32 i, Buf *out)
{
    (void)g;
    if (t->kind == WIT_OPTION) {
        buf_str(out, STR("value"));
    } else if (t->kind == WIT_RESULT) {
        buf_str(out, i == 0 ? STR("as.ok") : STR("as.err"));
    } else {
        buf_str(out, STR("as."));
        gen_ident(out, t->fields[i].name);
    }
}

static char *case_path(const Gen *g, const WitType *t, u32 i)
{
    Buf b = {0};
    gen_case_path(g, t, i, &b);
    return buf_take_string(&b);
}

static char *field_path(const WitType *t, u32 i)
{
    Buf b = {0};
    if (t->kind == WIT_TUPLE)
        buf_printf(&b, "f%u", i);
    else
        gen_ident(&b, t->fields[i].name);
    return buf_take_string(&b);
}

/* The member that says which case it is. */
static const char *tag_of(const WitType *t)
{
    return t->kind == WIT_OPTION ? "some" : t->kind == WIT_RESULT ? "is_err" : "tag";
}

typedef enum Direction { LOAD, STORE, DROP } Direction;

static void put_value(Gen *g, Direction d, WitId id, const char *member, u32 offset)
{
    char *path = text("v->%s", member), *at = offset ? text("at + %u", offset) : text("at");
    if (d == LOAD)
        put_load(g, id, path, at);
    else if (d == STORE)
        put_store(g, id, path, at);
    else
        put_drop(g, id, path);
    mem_free(path);
    mem_free(at);
}

static void put_record_body(Gen *g, Direction d, const WitType *t)
{
    u64 at = 0;
    for (u32 i = 0; i < t->nfields; i++) {
        WitId f = t->fields[i].type;
        char *path = field_path(t, i);
        at = align_up(at, g->aligns[f]);
        put_value(g, d, f, path, (u32)at);
        at += g->sizes[f];
        mem_free(path);
    }
}

static void put_tag(Gen *g, const WitType *t, const char *type, const char *value)
{
    if (t->kind == WIT_VARIANT)
        PUTF(g, "    v->tag = (%sTag)%s;\n", type, value);
    else
        PUTF(g, "    v->%s = %s != 0;\n", tag_of(t), value);
}

static void put_variant_body(Gen *g, Direction d, const WitType *t, const char *type)
{
    u32 n = wit_ncases(t), bits = wit_discriminant_size(n) * 8;
    if (d == LOAD) {
        char *value = text("lift_case(c, lift_u%u(c, at), %u)", bits, n);
        put_tag(g, t, type, value);
        mem_free(value);
    } else if (d == STORE) {
        PUTF(g, "    lower_u%u(c, at, (u%u)v->%s);\n", bits, bits, tag_of(t));
    }
    PUTF(g, "    switch ((u32)v->%s) {\n", tag_of(t));
    for (u32 i = 0; i < n; i++) {
        if (wit_case(t, i) == WIT_NONE || (d == DROP && !has_own(g, wit_case(t, i))))
            continue;
        char *path = case_path(g, t, i);
        PUTF(g, "    case %u:\n    ", i);
        put_value(g, d, wit_case(t, i), path, gen_payload_offset(g, t));
        put(g, "        break;\n");
        mem_free(path);
    }
    put(g, "    default:\n        break;\n    }\n");
}

static void put_array_body(Gen *g, Direction d, const WitType *t)
{
    char *at = text("at + i * %u", g->sizes[t->elem]);
    PUTF(g, "    for (u32 i = 0; i < %u%s; i++) {\n    ", t->length,
         d == DROP ? "" : " && lift_ok(c)");
    if (d == LOAD)
        put_load(g, t->elem, "v->v[i]", at);
    else if (d == STORE)
        put_store(g, t->elem, "v->v[i]", at);
    else
        put_drop(g, t->elem, "v->v[i]");
    put(g, "    }\n");
    mem_free(at);
}

static void put_body(Gen *g, Direction d, WitId id)
{
    const WitType *t = &g->m->types[id];
    char *type = ctype(g, id);
    if (t->kind == WIT_RECORD || t->kind == WIT_TUPLE)
        put_record_body(g, d, t);
    else if (t->kind == WIT_FIXED_LIST)
        put_array_body(g, d, t);
    else
        put_variant_body(g, d, t, type);
    mem_free(type);
}

static void put_list_load(Gen *g, WitId id)
{
    const WitType *t = &g->m->types[id];
    u32 size = g->sizes[t->elem], align = g->aligns[t->elem];
    char *type = ctype(g, id), *elem = ctype(g, t->elem);
    PUTF(g, "static void load_%s(LiftCall *c, u32 at, u32 n, %s *v)\n{\n", type, type);
    if (gen_is_plain(g, t->elem)) {
        PUTF(g, "    v->p = lift_list(c, at, n, %u, %u);\n    v->n = v->p ? n : 0;\n}\n\n", size,
             align);
    } else {
        char *place = text("at + i * %u", size);
        PUTF(g, "    %s *to = NULL;\n", elem);
        PUTF(g, "    if (lift_list(c, at, n, %u, %u))\n", size, align);
        put(g, "        to = lift_array(c, n, sizeof *to);\n    if (!to)\n        return;\n");
        put(g, "    for (u32 i = 0; i < n && lift_ok(c); i++) {\n    ");
        put_load(g, t->elem, "to[i]", place);
        put(g, "    }\n    v->p = to;\n    v->n = n;\n}\n\n");
        mem_free(place);
    }
    mem_free(type);
    mem_free(elem);
}

static void put_list_store(Gen *g, WitId id)
{
    const WitType *t = &g->m->types[id];
    u32 size = g->sizes[t->elem], align = g->aligns[t->elem];
    char *type = ctype(g, id);
    PUTF(g, "static void store_%s(LiftCall *c, u32 at, const %s *v)\n{\n", type, type);
    PUTF(g, "    u32 to = lower_alloc(c, v->n, %u, %u);\n", size, align);
    if (gen_is_plain(g, t->elem)) {
        PUTF(g, "    lower_bytes(c, to, v->p, v->n * %u);\n", size);
    } else {
        char *place = text("to + (u32)i * %u", size);
        put(g, "    for (usize i = 0; i < v->n && lift_ok(c); i++) {\n    ");
        put_store(g, t->elem, "v->p[i]", place);
        put(g, "    }\n");
        mem_free(place);
    }
    put(g, "    lower_u32(c, at, to);\n    lower_u32(c, at + 4, (u32)v->n);\n}\n\n");
    mem_free(type);
}

static void put_drop_function(Gen *g, WitId id)
{
    const WitType *t = &g->m->types[id];
    char *type = ctype(g, id);
    PUTF(g, "static void drop_%s(LiftCall *c, const %s *v)\n{\n", type, type);
    if (t->kind == WIT_LIST) {
        put(g, "    for (usize i = 0; i < v->n; i++) {\n    ");
        put_drop(g, t->elem, "v->p[i]");
        put(g, "    }\n");
    } else {
        put_body(g, DROP, id);
    }
    put(g, "}\n\n");
    mem_free(type);
}

/* A value of the joined core type as one of the case's. */
static char *convert(char from, char to, u32 i)
{
    if (from == to)
        return text("a%u", i);
    if (from == 'i')
        return text("lift_f32_bits(a%u)", i);
    if (to == 'i')
        return text("(u32)a%u", i);
    return to == 'f' ? text("lift_f32_bits((u32)a%u)", i) : text("lift_f64_bits(a%u)", i);
}

/* Lifts `id` from the parameters from a<first> on, which have the core types `have`. */
static u32 put_flat_from(Gen *g, WitId id, const char *dst, const WitFlat *have, u32 first)
{
    WitFlat want = {.n = 0};
    char *v[WIT_MAX_FLAT];
    wit_flatten(g->m, id, &want);
    ALWAYS(first + want.n <= have->n);
    for (u32 i = 0; i < want.n; i++)
        v[i] = convert(have->c[first + i], want.c[i], first + i);
    put_flat(g, id, dst, v, want.n);
    for (u32 i = 0; i < want.n; i++)
        mem_free(v[i]);
    return first + want.n;
}

static void put_flat_variant(Gen *g, const WitType *t, const char *type, const WitFlat *have)
{
    char *value = text("lift_case(c, a0, %u)", wit_ncases(t));
    put_tag(g, t, type, value);
    mem_free(value);
    for (u32 i = 1; i < have->n; i++)
        PUTF(g, "    (void)a%u;\n", i);
    PUTF(g, "    switch ((u32)v->%s) {\n", tag_of(t));
    for (u32 i = 0; i < wit_ncases(t); i++) {
        if (wit_case(t, i) == WIT_NONE)
            continue;
        char *path = case_path(g, t, i), *dst = text("v->%s", path);
        PUTF(g, "    case %u:\n    ", i);
        (void)put_flat_from(g, wit_case(t, i), dst, have, 1);
        put(g, "        break;\n");
        mem_free(path);
        mem_free(dst);
    }
    put(g, "    default:\n        break;\n    }\n");
}

static void put_flat_function(Gen *g, WitId id)
{
    const WitType *t = &g->m->types[id];
    WitFlat have = {.n = 0};
    char *type = ctype(g, id);
    wit_flatten(g->m, id, &have);
    PUTF(g, "static void flat_%s(LiftCall *c", type);
    for (u32 i = 0; i < have.n; i++)
        PUTF(g, ", %s a%u", core_type(have.c[i]), i);
    PUTF(g, ", %s *v)\n{\n    (void)c;\n", type);
    u32 at = 0;
    if (t->kind == WIT_RECORD || t->kind == WIT_TUPLE) {
        for (u32 i = 0; i < t->nfields; i++) {
            char *path = field_path(t, i), *dst = text("v->%s", path);
            at = put_flat_from(g, t->fields[i].type, dst, &have, at);
            mem_free(path);
            mem_free(dst);
        }
    } else if (t->kind == WIT_FIXED_LIST) {
        for (u32 i = 0; i < t->length; i++) {
            char *dst = text("v->v[%u]", i);
            at = put_flat_from(g, t->elem, dst, &have, at);
            mem_free(dst);
        }
    } else {
        put_flat_variant(g, t, type, &have);
    }
    put(g, "}\n\n");
    mem_free(type);
}

/* Types that have one C name have the same functions. */
static bool is_new(Gen *g, const char *what, WitId id)
{
    char *type = ctype(g, id), *key = text("%s_%s", what, type);
    Str kept = {arena_strdup(&g->arena, str_of(key)), strlen(key)};
    mem_free(key);
    mem_free(type);
    return map_add(&g->emitted, kept, 1);
}

static void put_type_functions(Gen *g, WitId id)
{
    const WitType *t = &g->m->types[id];
    u8 needs = g->needs[id];
    if (!needs || (t->kind != WIT_LIST && !is_compound(g, id)))
        return;
    char *type = ctype(g, id);
    if ((needs & NEED_LOAD) && is_new(g, "load", id)) {
        if (t->kind == WIT_LIST) {
            put_list_load(g, id);
        } else {
            PUTF(g, "static void load_%s(LiftCall *c, u32 at, %s *v)\n{\n", type, type);
            put_body(g, LOAD, id);
            put(g, "}\n\n");
        }
    }
    if ((needs & NEED_FLAT) && is_new(g, "flat", id))
        put_flat_function(g, id);
    if ((needs & NEED_STORE) && is_new(g, "store", id)) {
        if (t->kind == WIT_LIST) {
            put_list_store(g, id);
        } else {
            PUTF(g, "static void store_%s(LiftCall *c, u32 at, const %s *v)\n{\n", type, type);
            put_body(g, STORE, id);
            put(g, "}\n\n");
        }
    }
    if ((needs & NEED_DROP) && is_new(g, "drop", id))
        put_drop_function(g, id);
    mem_free(type);
}

/* --- functions --- */

typedef struct Signature {
    WitFlat params, result;
    bool by_memory;  /* parameters are in memory, a0 is where */
    bool ret_memory; /* results go to memory, the last parameter is where */
} Signature;

static Signature signature(const Gen *g, const WitFunc *f)
{
    Signature s = {0};
    for (u32 i = 0; i < f->nparams; i++)
        wit_flatten(g->m, f->params[i].type, &s.params);
    if (f->result != WIT_NONE)
        wit_flatten(g->m, f->result, &s.result);
    s.by_memory = s.params.n > WIT_MAX_FLAT_PARAMS;
    s.ret_memory = s.result.n > 1;
    if (s.by_memory)
        s.params = (WitFlat){.c = {'i'}, .n = 1};
    return s;
}

static void need_func(Gen *g, const WitFunc *f)
{
    Signature s = signature(g, f);
    for (u32 i = 0; i < f->nparams; i++)
        need(g, f->params[i].type, s.by_memory ? NEED_LOAD : NEED_FLAT);
    if (s.ret_memory)
        need(g, f->result, NEED_STORE);
    for (u32 i = 0; i < f->nparams; i++)
        need(g, f->params[i].type, NEED_DROP);
    need(g, f->result, NEED_DROP);
}

/* The one core value that a result is. */
static char *single(const Gen *g, WitId id, const char *src)
{
    id = wit_unalias(g->m, id);
    const WitType *t = &g->m->types[id];
    char *part, *out;
    switch (t->kind) {
    case WIT_U64:
    case WIT_S64:
        return text("(u64)%s", src);
    case WIT_F32:
    case WIT_F64:
        return text("%s", src);
    case WIT_S8:
    case WIT_S16:
        return text("(u32)(i32)%s", src);
    case WIT_CHAR:
        return text("lower_char(c, %s)", src);
    case WIT_OWN:
        part = resource(g, id);
        out = text("lower_own(c, &%s, %s)", part, src);
        break;
    case WIT_RECORD:
    case WIT_TUPLE: {
        char *name = field_path(t, 0);
        part = text("%s.%s", src, name);
        out = single(g, t->fields[0].type, part);
        mem_free(name);
        break;
    }
    case WIT_FIXED_LIST:
        part = text("%s.v[0]", src);
        out = single(g, t->elem, part);
        break;
    case WIT_VARIANT:
    case WIT_RESULT:
        return text("(u32)%s.%s", src, tag_of(t));
    default:
        return text("(u32)%s", src);
    }
    mem_free(part);
    return out;
}

static void put_params(Gen *g, const WitFunc *f, const Signature *s)
{
    u64 offset = 0, size = 0;
    u32 align = 1, at = 0;
    for (u32 i = 0; i < f->nparams; i++) {
        char *type = ctype(g, f->params[i].type);
        PUTF(g, "    %s p%u = %s;\n", type, i, type[strlen(type) - 1] == '*' ? "NULL" : "{0}");
        mem_free(type);
        align = MAX(align, g->aligns[f->params[i].type]);
        size = align_up(size, g->aligns[f->params[i].type]) + g->sizes[f->params[i].type];
    }
    if (s->by_memory)
        PUTF(g, "    lift_check_range(c, a0, %u, %u);\n    if (lift_ok(c)) {\n",
             u32_of(align_up(size, align)), align);
    for (u32 i = 0; i < f->nparams; i++) {
        WitId p = f->params[i].type;
        char *dst = text("p%u", i);
        offset = align_up(offset, g->aligns[p]);
        char *from = text("a0 + %u", (u32)offset);
        if (s->by_memory)
            put_load(g, p, dst, from);
        else
            at = put_flat_from(g, p, dst, &s->params, at);
        offset += g->sizes[p];
        mem_free(from);
        mem_free(dst);
    }
    if (s->by_memory)
        put(g, "    }\n");
}

/* What the host function is not called with, or gave and the guest did not get, ends. */
static void put_drops(Gen *g, const WitFunc *f)
{
    for (u32 i = 0; i < f->nparams; i++) {
        char *param = text("p%u", i);
        if (has_own(g, f->params[i].type)) {
            put(g, "    if (!called)\n    ");
            put_drop(g, f->params[i].type, param);
        }
        mem_free(param);
    }
    if (!has_own(g, f->result))
        return;
    put(g, "    if (!lift_ok(c))\n    ");
    put_drop(g, f->result, "ret");
}

static bool has_drops(const Gen *g, const WitFunc *f)
{
    for (u32 i = 0; i < f->nparams; i++)
        if (has_own(g, f->params[i].type))
            return true;
    return false;
}

static void put_call(Gen *g, const WitFunc *f)
{
    if (has_drops(g, f))
        put(g, "    bool called = lift_ok(c);\n");
    put(g, "    if (lift_ok(c))\n        ");
    gen_func_name(g, f, &g->out);
    put(g, "(c");
    for (u32 i = 0; i < f->nparams; i++)
        PUTF(g, ", %sp%u", gen_by_value(g, f->params[i].type) ? "" : "&", i);
    put(g, f->result == WIT_NONE ? ");\n" : ", &ret);\n");
}

static void put_result(Gen *g, const WitFunc *f, const Signature *s)
{
    if (s->ret_memory) {
        char *at = text("a%u", s->params.n);
        put(g, "    if (lift_ok(c)) {\n    ");
        put_store(g, f->result, "ret", at);
        put(g, "    }\n");
        mem_free(at);
    } else if (f->result != WIT_NONE) {
        char *value = single(g, f->result, "ret");
        PUTF(g, "    %s flat = lift_ok(c) ? %s : 0;\n", core_type(s->result.c[0]), value);
        mem_free(value);
    }
}

static void put_glue(Gen *g, const WitFunc *f)
{
    Signature s = signature(g, f);
    bool direct = f->result != WIT_NONE && !s.ret_memory;
    PUTF(g, "static %s glue_", direct ? core_type(s.result.c[0]) : "void");
    gen_func_name(g, f, &g->out);
    put(g, "(const LiftEnv *env, VmCtx *caller");
    for (u32 i = 0; i < s.params.n; i++)
        PUTF(g, ", %s a%u", core_type(s.params.c[i]), i);
    if (s.ret_memory)
        PUTF(g, ", u32 a%u", s.params.n);
    put(g, ")\n{\n    LiftCall call, *c = &call;\n    lift_enter(c, env, caller);\n");
    put_params(g, f, &s);
    if (f->result != WIT_NONE) {
        char *type = ctype(g, f->result);
        PUTF(g, "    %s ret = %s;\n", type, type[strlen(type) - 1] == '*' ? "NULL" : "{0}");
        mem_free(type);
    }
    if (s.ret_memory)
        PUTF(g, "    lift_check_range(c, a%u, %u, %u);\n", s.params.n, g->sizes[f->result],
             g->aligns[f->result]);
    put_call(g, f);
    put_result(g, f, &s);
    put_drops(g, f);
    put(g, direct ? "    lift_leave(c);\n    return flat;\n}\n\n" : "    lift_leave(c);\n}\n\n");
}

static void put_wit(Gen *g, const WitFunc *f)
{
    put(g, f->is_async ? "async func(" : "func(");
    for (u32 i = 0; i < f->nparams; i++) {
        PUTF(g, "%s%.*s: ", i ? ", " : "", STR_ARG(f->params[i].name));
        wit_print_type(g->m, f->params[i].type, &g->out);
    }
    put(g, ")");
    if (f->result != WIT_NONE) {
        put(g, " -> ");
        wit_print_type(g->m, f->result, &g->out);
    }
}

static void put_row(Gen *g, const WitFunc *f)
{
    Signature s = signature(g, f);
    PUTF(g, "    {\"%.*s\", \"%.*s%s:%.*s\",\n     \"", STR_ARG(f->name), (int)s.params.n,
         s.params.c, s.ret_memory ? "i" : "", s.ret_memory ? 0 : (int)s.result.n, s.result.c);
    put_wit(g, f);
    put(g, "\",\n     (void *)glue_");
    gen_func_name(g, f, &g->out);
    PUTF(g, ", %s, 0x%llxu},\n", f->is_async ? "true" : "false",
         (unsigned long long)gen_type_hash(g, f));
}

static u32 put_resources(Gen *g, const WitInterface *in)
{
    u32 n = 0;
    Buf rows = {0};
    for (u32 i = 0; i < in->ntypes; i++) {
        const WitType *t = &g->m->types[in->types[i]];
        if (t->kind != WIT_RESOURCE)
            continue;
        Buf name = {0};
        gen_interface_name(g, g->interface, &name);
        buf_u8(&name, '_');
        gen_snake(&name, t->name);
        PUTF(g, "static void drop_%.*s(void *host, void *rep)\n{\n    %.*s_drop(host, rep);\n}\n\n",
             (int)name.n, name.p, (int)name.n, name.p);
        PUTF(g, "const LiftResource %.*s_type = {\"%.*s\", \"%.*s\", drop_%.*s};\n\n", (int)name.n,
             name.p, STR_ARG(in->full), STR_ARG(t->name), (int)name.n, name.p);
        buf_printf(&rows, "%s&%.*s_type", n++ ? ", " : "", (int)name.n, name.p);
        buf_release(&name);
    }
    if (n)
        PUTF(g, "static const LiftResource *const resources[] = {%.*s};\n\n", (int)rows.n, rows.p);
    buf_release(&rows);
    return n;
}

static void put_interface(Gen *g, const WitInterface *in)
{
    u32 resources = put_resources(g, in);
    if (in->nfuncs)
        put(g, "static const LiftFunc funcs[] = {\n");
    for (u32 i = 0; i < in->nfuncs; i++)
        put_row(g, &g->m->funcs[in->funcs[i]]);
    if (in->nfuncs)
        put(g, "};\n\n");
    put(g, "const LiftInterface ");
    gen_interface_name(g, g->interface, &g->out);
    PUTF(g, "_interface = {\"%.*s\", %s, %s, %u, %u};\n", STR_ARG(in->full),
         in->nfuncs ? "funcs" : "NULL", resources ? "resources" : "NULL", in->nfuncs, resources);
}

void gen_source(Gen *g)
{
    const WitInterface *in = &g->m->interfaces[g->interface];
    PUTF(g, "/* Written by witgen from %.*s. */\n#include \"bind/", STR_ARG(in->full));
    gen_interface_name(g, g->interface, &g->out);
    put(g, ".h\"\n\n");
    if (!g->imported[g->interface])
        return;
    memset(g->needs, 0, g->m->ntypes);
    for (u32 i = 0; i < in->nfuncs; i++)
        need_func(g, &g->m->funcs[in->funcs[i]]);
    for (u32 i = WIT_PRIMITIVES; i < g->m->ntypes; i++)
        put_type_functions(g, i);
    for (u32 i = 0; i < in->nfuncs; i++)
        put_glue(g, &g->m->funcs[in->funcs[i]]);
    put_interface(g, in);
}
