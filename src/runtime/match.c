/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What may be linked to an import, and how types are written in messages.
 *
 * Source: https://webassembly.github.io/spec/core/valid/matching.html
 */
#include "runtime/runtime_priv.h"

#include <stdio.h>

/* --- types as text --- */

static void put_valtypes(Buf *out, const char *word, const ValType *types, u32 n)
{
    if (!n)
        return;
    buf_printf(out, " (%s", word);
    for (u32 i = 0; i < n; i++) {
        char name[VALTYPE_NAME_SIZE];
        buf_printf(out, " %s", valtype_name(types[i], name));
    }
    buf_u8(out, ')');
}

static void put_func(Buf *out, const char *word, const FuncType *t)
{
    buf_printf(out, "(%s", word);
    put_valtypes(out, "param", t->params, t->nparams);
    put_valtypes(out, "result", t->results, t->nresults);
    buf_u8(out, ')');
}

static void put_limits(Buf *out, const Limits *l, bool is64)
{
    buf_printf(out, "%s %llu", is64 ? " i64" : "", (unsigned long long)l->min);
    if (l->has_max)
        buf_printf(out, " %llu", (unsigned long long)l->max);
}

static void put_memory(Buf *out, const MemoryType *t)
{
    buf_str(out, STR("(memory"));
    put_limits(out, &t->limits, t->is64);
    if (t->shared)
        buf_str(out, STR(" shared"));
    if (t->page_size_log2 != 16)
        buf_printf(out, " (pagesize %u)", 1u << t->page_size_log2);
    buf_u8(out, ')');
}

static void put_table(Buf *out, const TableType *t)
{
    char name[VALTYPE_NAME_SIZE];
    buf_str(out, STR("(table"));
    put_limits(out, &t->limits, t->is64);
    buf_printf(out, " %s)", valtype_name(t->elem, name));
}

static void put_global(Buf *out, const GlobalType *t)
{
    char name[VALTYPE_NAME_SIZE];
    valtype_name(t->type, name);
    buf_printf(out, t->mut ? "(global (mut %s))" : "(global %s)", name);
}

void import_describe(const WasmModule *m, const Import *import, Buf *out)
{
    switch ((ExternKind)import->kind) {
    case EXTERN_FUNC:
        put_func(out, "func", module_func_type(m, import->index));
        return;
    case EXTERN_TABLE:
        put_table(out, &m->tables[import->index].type);
        return;
    case EXTERN_MEMORY:
        put_memory(out, &m->memories[import->index]);
        return;
    case EXTERN_GLOBAL:
        put_global(out, &m->globals[import->index].type);
        return;
    case EXTERN_TAG:
        put_func(out, "tag", types_func_type(m->registry, m->tags[import->index]));
        return;
    }
}

void extern_describe(Store *s, const Extern *e, Buf *out)
{
    TableType table;
    MemoryType memory;
    switch (e->kind) {
    case EXTERN_FUNC:
        put_func(out, "func", func_type(s, e->func));
        return;
    case EXTERN_TABLE:
        table = table_type(e->table);
        put_table(out, &table);
        return;
    case EXTERN_MEMORY:
        memory = memory_type(e->memory);
        put_memory(out, &memory);
        return;
    case EXTERN_GLOBAL:
        put_global(out, &e->global->type);
        return;
    case EXTERN_TAG:
        put_func(out, "tag", types_func_type(s->config.registry, e->tag->type));
        return;
    }
}

/* --- matching --- */

/* NULL if it matches, otherwise an error that says what does not. */

MUST_CHECK static Error *match_flag(const char *what, bool want, bool have, const char *yes,
                                    const char *no)
{
    if (want == have)
        return NULL;
    return error_new("%s types incompatible: expected %s %s, found %s %s", what, want ? yes : no,
                     what, have ? yes : no, what);
}

/* The same type, or a subtype where `subtype` says so. */
MUST_CHECK static Error *match_valtype(const TypeRegistry *r, const char *what, ValType want,
                                       ValType have, bool subtype)
{
    char want_name[VALTYPE_NAME_SIZE], have_name[VALTYPE_NAME_SIZE];
    if (have == want || (subtype && valtype_is_subtype(r, have, want)))
        return NULL;
    return error_new("%s types incompatible: expected %s of type `%s`, found %s of type `%s`", what,
                     what, valtype_name(want, want_name), what, valtype_name(have, have_name));
}

#define LIMITS_TEXT_SIZE 64

static const char *limits_text(const Limits *l, char buf[LIMITS_TEXT_SIZE])
{
    if (l->has_max)
        snprintf(buf, LIMITS_TEXT_SIZE, "(min: %llu, max: %llu)", (unsigned long long)l->min,
                 (unsigned long long)l->max);
    else
        snprintf(buf, LIMITS_TEXT_SIZE, "(min: %llu, max: none)", (unsigned long long)l->min);
    return buf;
}

MUST_CHECK static Error *match_limits(const char *what, const Limits *want, const Limits *have)
{
    char want_text[LIMITS_TEXT_SIZE], have_text[LIMITS_TEXT_SIZE];
    if (have->min >= want->min && (!want->has_max || (have->has_max && have->max <= want->max)))
        return NULL;
    return error_new(
        "%s types incompatible: expected %s limits %s doesn't match provided %s limits "
        "%s",
        what, what, limits_text(want, want_text), what, limits_text(have, have_text));
}

MUST_CHECK static Error *match_memory(const Memory *m, const MemoryType *want)
{
    MemoryType have = memory_type(m);
    Error *e = match_flag("memory", want->shared, have.shared, "shared", "non-shared");
    if (!e)
        e = match_flag("memory", want->is64, have.is64, "64-bit", "32-bit");
    if (!e)
        e = match_limits("memory", &want->limits, &have.limits);
    if (e || want->page_size_log2 == have.page_size_log2)
        return e;
    return error_new("memory types incompatible: expected a memory with a page size of %u, found "
                     "one with a page size of %u",
                     1u << want->page_size_log2, 1u << have.page_size_log2);
}

MUST_CHECK static Error *match_table(const TypeRegistry *r, const RtTable *t, const TableType *want)
{
    TableType have = table_type(t);
    Error *e = match_valtype(r, "table", want->elem, have.elem, false);
    if (!e)
        e = match_flag("table", want->is64, have.is64, "64-bit", "32-bit");
    return e ? e : match_limits("table", &want->limits, &have.limits);
}

MUST_CHECK static Error *match_global(const TypeRegistry *r, GlobalType have, GlobalType want)
{
    Error *e = match_valtype(r, "global", want.type, have.type, !want.mut && !have.mut);
    return e ? e : match_flag("global", want.mut, have.mut, "mutable", "immutable");
}

MUST_CHECK static Error *match_func(Store *s, const WasmModule *m, const Import *import,
                                    const Extern *e)
{
    if (types_is_subtype(s->config.registry, e->func->type, m->funcs[import->index].type))
        return NULL;
    Buf want = {0}, have = {0};
    import_describe(m, import, &want);
    extern_describe(s, e, &have);
    buf_u8(&want, 0);
    buf_u8(&have, 0);
    Error *error = error_new("types incompatible: expected type `%s`, found type `%s`",
                             (char *)want.p, (char *)have.p);
    buf_release(&want);
    buf_release(&have);
    return error;
}

static const char *const kind_names[] = {
    [EXTERN_FUNC] = "func",     [EXTERN_TABLE] = "table", [EXTERN_MEMORY] = "memory",
    [EXTERN_GLOBAL] = "global", [EXTERN_TAG] = "tag",
};

MUST_CHECK static Error *match_extern(Store *s, const WasmModule *m, const Import *import,
                                      const Extern *e)
{
    const TypeRegistry *r = s->config.registry;
    if (e->kind != (ExternKind)import->kind)
        return error_new("expected %s, but found %s", kind_names[import->kind],
                         e->kind == EXTERN_FUNC ? "function" : kind_names[e->kind]);
    switch (e->kind) {
    case EXTERN_FUNC:
        return match_func(s, m, import, e);
    case EXTERN_TABLE:
        return match_table(r, e->table, &m->tables[import->index].type);
    case EXTERN_MEMORY:
        return match_memory(e->memory, &m->memories[import->index]);
    case EXTERN_GLOBAL:
        return match_global(r, e->global->type, m->globals[import->index].type);
    case EXTERN_TAG:
        return e->tag->type == m->tags[import->index] ? NULL : error_new("incompatible tag types");
    }
    BUG("kinds of externals are all listed above");
}

Error *import_match(Store *s, const WasmModule *m, const Import *import, const Extern *e)
{
    Error *error = match_extern(s, m, import, e);
    if (!error)
        return NULL;
    return error_wrap(error, "incompatible import type for `%.*s::%.*s`", STR_ARG(import->module),
                      STR_ARG(import->name));
}
