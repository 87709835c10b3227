/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What may be linked to an import, and how types are written in messages.
 *
 * Source: https://webassembly.github.io/spec/core/valid/matching.html
 */
#include "runtime/runtime_priv.h"

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

static bool limits_match(const Limits *have, const Limits *want)
{
    if (have->min < want->min)
        return false;
    return !want->has_max || (have->has_max && have->max <= want->max);
}

static bool memory_matches(const Memory *m, const MemoryType *want)
{
    MemoryType have = memory_type(m);
    return have.is64 == want->is64 && have.shared == want->shared &&
           have.page_size_log2 == want->page_size_log2 && limits_match(&have.limits, &want->limits);
}

static bool table_matches(const RtTable *t, const TableType *want)
{
    TableType have = table_type(t);
    return have.elem == want->elem && have.is64 == want->is64 &&
           limits_match(&have.limits, &want->limits);
}

static bool global_matches(const TypeRegistry *r, GlobalType have, GlobalType want)
{
    if (have.mut != want.mut)
        return false;
    return have.mut ? have.type == want.type : valtype_is_subtype(r, have.type, want.type);
}

static bool matches(Store *s, const WasmModule *m, const Import *import, const Extern *e)
{
    const TypeRegistry *r = s->config.registry;
    if (e->kind != (ExternKind)import->kind)
        return false;
    switch (e->kind) {
    case EXTERN_FUNC:
        return types_is_subtype(r, e->func->type, m->funcs[import->index].type);
    case EXTERN_TABLE:
        return table_matches(e->table, &m->tables[import->index].type);
    case EXTERN_MEMORY:
        return memory_matches(e->memory, &m->memories[import->index]);
    case EXTERN_GLOBAL:
        return global_matches(r, e->global->type, m->globals[import->index].type);
    case EXTERN_TAG:
        return e->tag->type == m->tags[import->index];
    }
    return false;
}

Error *import_match(Store *s, const WasmModule *m, const Import *import, const Extern *e)
{
    if (matches(s, m, import, e))
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
    return error_wrap(error, "incompatible import type for `%.*s::%.*s`", STR_ARG(import->module),
                      STR_ARG(import->name));
}
