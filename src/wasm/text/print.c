/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A decoded module as text: fields in the order of the binary, one instruction a line, the name
 * section's names as identifiers where they are usable. What is printed parses back to an
 * equivalent module.
 */
#include "wasm/text/printer.h"

static void print_limits(Printer *p, const Limits *l, bool is64)
{
    buf_printf(p->out, " %s%llu", is64 ? "i64 " : "", (unsigned long long)l->min);
    if (l->has_max)
        buf_printf(p->out, " %llu", (unsigned long long)l->max);
}

static void print_table_type(Printer *p, u32 index)
{
    const TableType *t = &p->m->tables[index].type;
    print_limits(p, &t->limits, t->is64);
    buf_u8(p->out, ' ');
    print_valtype(p, t->elem);
}

static void print_memory_type(Printer *p, u32 index)
{
    const MemoryType *t = &p->m->memories[index];
    print_limits(p, &t->limits, t->is64);
    if (t->shared)
        buf_str(p->out, STR(" shared"));
    if (t->page_size_log2 != 16)
        buf_printf(p->out, " (pagesize %u)", 1u << t->page_size_log2);
}

static void print_global_type(Printer *p, u32 index)
{
    const GlobalType *t = &p->m->globals[index].type;
    buf_str(p->out, t->mut ? STR(" (mut ") : STR(" "));
    print_valtype(p, t->type);
    buf_str(p->out, t->mut ? STR(")") : STR(""));
}

static void print_func_type(Printer *p, u32 index)
{
    print_typeuse(p, print_type_index(p, p->m->funcs[index].type));
}

static void print_tag_type(Printer *p, u32 index)
{
    print_typeuse(p, print_type_index(p, p->m->tags[index]));
}

static const struct {
    Space space;
    const char *word;
    void (*type)(Printer *p, u32 index);
} externs[] = {
    [EXTERN_FUNC] = {SPACE_FUNC, "func", print_func_type},
    [EXTERN_TABLE] = {SPACE_TABLE, "table", print_table_type},
    [EXTERN_MEMORY] = {SPACE_MEMORY, "memory", print_memory_type},
    [EXTERN_GLOBAL] = {SPACE_GLOBAL, "global", print_global_type},
    [EXTERN_TAG] = {SPACE_TAG, "tag", print_tag_type},
};

static void print_imports(Printer *p)
{
    for (u32 i = 0; i < p->m->nimports; i++) {
        const Import *m = &p->m->imports[i];
        buf_str(p->out, STR("\n  (import "));
        print_string(p, m->module, true);
        buf_u8(p->out, ' ');
        print_string(p, m->name, true);
        buf_printf(p->out, " (%s", externs[m->kind].word);
        print_definition(p, externs[m->kind].space, m->index);
        externs[m->kind].type(p, m->index);
        buf_str(p->out, STR("))"));
    }
}

/* Keyword, name and type, without the closing parenthesis. */
static void print_extern(Printer *p, ExternKind k, u32 index)
{
    buf_printf(p->out, "\n  (%s", externs[k].word);
    print_definition(p, externs[k].space, index);
    externs[k].type(p, index);
}

static void print_definitions(Printer *p)
{
    const WasmModule *m = p->m;
    for (u32 i = m->n_imported_tables; i < m->ntables; i++) {
        print_extern(p, EXTERN_TABLE, i);
        buf_str(p->out, m->tables[i].has_init ? STR(" ") : STR(""));
        if (m->tables[i].has_init)
            print_expr(p, m->tables[i].init, NULL);
        buf_u8(p->out, ')');
    }
    for (u32 i = m->n_imported_memories; i < m->nmemories; i++) {
        print_extern(p, EXTERN_MEMORY, i);
        buf_u8(p->out, ')');
    }
    for (u32 i = m->n_imported_tags; i < m->ntags; i++) {
        print_extern(p, EXTERN_TAG, i);
        buf_u8(p->out, ')');
    }
    for (u32 i = m->n_imported_globals; i < m->nglobals; i++) {
        print_extern(p, EXTERN_GLOBAL, i);
        buf_u8(p->out, ' ');
        print_expr(p, m->globals[i].init, NULL);
        buf_u8(p->out, ')');
    }
}

static void print_exports(Printer *p)
{
    for (u32 i = 0; i < p->m->nexports; i++) {
        const Export *e = &p->m->exports[i];
        buf_str(p->out, STR("\n  (export "));
        print_string(p, e->name, true);
        buf_printf(p->out, " (%s ", externs[e->kind].word);
        print_index(p, externs[e->kind].space, e->index);
        buf_str(p->out, STR("))"));
    }
    if (p->m->has_start) {
        buf_str(p->out, STR("\n  (start "));
        print_index(p, SPACE_FUNC, p->m->start);
        buf_u8(p->out, ')');
    }
}

/* The items of a segment: function indices, or expressions. */
static void print_items(Printer *p, const ElemSegment *s)
{
    const u8 *at = p->m->bytes + s->items.at;
    Range rest = s->items;
    if (s->exprs)
        print_valtype(p, s->type);
    else
        buf_str(p->out, STR("func"));
    for (u32 i = 0; i < s->count; i++) {
        buf_u8(p->out, ' ');
        if (!s->exprs) {
            print_index(p, SPACE_FUNC, insn_next_label(&at));
            continue;
        }
        u32 end = print_skip_expr(p, rest);
        print_expr(p, (Range){rest.at, end - rest.at}, "item");
        rest = (Range){end, rest.size - (end - rest.at)};
    }
}

static void print_elems(Printer *p)
{
    for (u32 i = 0; i < p->m->nelems; i++) {
        const ElemSegment *s = &p->m->elems[i];
        buf_str(p->out, STR("\n  (elem"));
        print_definition(p, SPACE_ELEM, i);
        buf_u8(p->out, ' ');
        if (s->mode == SEGMENT_DECLARED)
            buf_str(p->out, STR("declare "));
        if (s->mode == SEGMENT_ACTIVE) {
            if (s->table) {
                buf_str(p->out, STR("(table "));
                print_index(p, SPACE_TABLE, s->table);
                buf_str(p->out, STR(") "));
            }
            print_expr(p, s->offset, "offset");
            buf_u8(p->out, ' ');
        }
        print_items(p, s);
        buf_u8(p->out, ')');
    }
}

static void print_datas(Printer *p)
{
    for (u32 i = 0; i < p->m->ndatas; i++) {
        const DataSegment *s = &p->m->datas[i];
        buf_str(p->out, STR("\n  (data"));
        print_definition(p, SPACE_DATA, i);
        buf_u8(p->out, ' ');
        if (s->mode == SEGMENT_ACTIVE) {
            if (s->memory) {
                buf_str(p->out, STR("(memory "));
                print_index(p, SPACE_MEMORY, s->memory);
                buf_str(p->out, STR(") "));
            }
            print_expr(p, s->offset, "offset");
            buf_u8(p->out, ' ');
        }
        print_string(p, (Str){(const char *)p->m->bytes + s->bytes.at, s->bytes.size}, false);
        buf_u8(p->out, ')');
    }
}

static void print_funcs(Printer *p)
{
    for (u32 i = p->m->n_imported_funcs; i < p->m->nfuncs; i++) {
        buf_str(p->out, STR("\n  "));
        print_mark(p, p->m->funcs[i].body.at);
        buf_str(p->out, STR("(func"));
        print_definition(p, SPACE_FUNC, i);
        print_body(p, i);
    }
}

static void printer_release(Printer *p)
{
    vec_release(&p->locals);
    vec_release(&p->labels);
    vec_release(&p->fields);
    vec_release(&p->hints);
    vec_release(&p->open);
    map_release(&p->label_map);
    arena_release(&p->arena);
}

void text_print(const WasmModule *m, Buf *out)
{
    text_print_with_map(m, out, NULL);
}

void text_print_with_map(const WasmModule *m, Buf *out, TextMap *ret_map)
{
    Printer p = {.m = m, .out = out, .map = ret_map};
    arena_init(&p.arena);
    print_names_init(&p);
    print_types_init(&p);
    buf_str(out, STR("(module"));
    if (p.module_name.name.n > 0) {
        buf_u8(out, ' ');
        print_id(&p, p.module_name.name);
    }
    print_types(&p);
    print_imports(&p);
    print_definitions(&p);
    print_exports(&p);
    print_elems(&p);
    print_funcs(&p);
    print_datas(&p);
    print_customs(&p);
    buf_str(out, STR("\n)\n"));
    printer_release(&p);
}
