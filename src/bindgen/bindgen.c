/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A world's bindings: the scopes one by one, and the files that hold what they wrote. */
#include "bindgen/bindgen_priv.h"

#include "base/vec.h"

/* --- names of scopes --- */

/* "wasi_io_streams"; with the version where the model has more than one of the package. */
static Str interface_prefix(Bindgen *g, WitId id)
{
    const WitInterface *in = &g->m->interfaces[id];
    const WitPackage *p = &g->m->packages[in->package];
    bool versions = false;
    for (u32 i = 0; i < g->m->npackages; i++) {
        const WitPackage *other = &g->m->packages[i];
        versions |= other != p && str_eq(other->ns, p->ns) && str_eq(other->name, p->name);
    }
    Str version = versions ? p->version.text : STR("");
    return bindgen_snake(g, bindgen_format(g, "%.*s_%.*s%s%.*s_%.*s", TEXT_ARG(p->ns),
                                           TEXT_ARG(p->name), version.n ? "_" : "",
                                           TEXT_ARG(version), TEXT_ARG(in->name)));
}

/* `taken`: names that are there. */
static void name_scopes(Bindgen *g, const WitWorldItem *items, u32 n, bool export, Map *taken)
{
    for (u32 i = 0; i < n && !g->error; i++) {
        const WitWorldItem *it = &items[i];
        if (it->kind != WIT_ITEM_INTERFACE)
            continue;
        Str *slot = export ? &g->export[it->id] : &g->imported[it->id];
        Str prefix = it->name.n ? bindgen_snake(g, it->name) : interface_prefix(g, it->id);
        if (export && !it->name.n)
            prefix = bindgen_format(g, "exports_%.*s", TEXT_ARG(prefix));
        if (!map_add(taken, prefix, 0))
            g->error = error_new("`%.*s` would be two interfaces of the world in C; `include` can "
                                 "give one of them another name",
                                 STR_ARG(prefix));
        *slot = prefix;
        g->module[it->id] = it->name.n ? it->name : g->m->interfaces[it->id].full;
    }
}

/* --- what there are bindings for --- */

static Error *check_type(const WitModel *m, WitId id, const WitFunc *f)
{
    const WitType *t = &m->types[id];
    const char *what = t->kind == WIT_STREAM          ? "a stream"
                       : t->kind == WIT_FUTURE        ? "a future"
                       : t->kind == WIT_ERROR_CONTEXT ? "an error-context"
                       : t->kind == WIT_FIXED_LIST    ? "a list of fixed length"
                                                      : NULL;
    return what ? error_new("`%.*s` uses %s, for which there are no bindings in C yet",
                            STR_ARG(f->label), what)
                : NULL;
}

typedef struct TypeWalk {
    VEC(WitId) stack;
    bool *seen;
} TypeWalk;

static void walk_push(TypeWalk *w, WitId id)
{
    if (id == WIT_NONE || w->seen[id])
        return;
    w->seen[id] = true;
    vec_push(&w->stack, id);
}

static Error *check_func(const Bindgen *g, TypeWalk *w, const WitFunc *f)
{
    Error *e = f->is_async
                   ? error_new("`%.*s` is asynchronous; there are no bindings in C for such "
                               "functions yet",
                               STR_ARG(f->label))
                   : NULL;
    for (u32 i = 0; i < f->nparams; i++)
        walk_push(w, f->params[i].type);
    walk_push(w, f->result);
    while (w->stack.n && !e) {
        WitId id = w->stack.p[--w->stack.n];
        const WitType *t = &g->m->types[id];
        e = check_type(g->m, id, f);
        for (u32 i = 0; i < t->nfields; i++)
            walk_push(w, t->fields[i].type);
        walk_push(w, t->elem);
        walk_push(w, t->second);
    }
    return e;
}

static Error *check_items(const Bindgen *g, TypeWalk *w, const WitWorldItem *items, u32 n)
{
    Error *e = NULL;
    for (u32 i = 0; i < n && !e; i++) {
        if (items[i].kind == WIT_ITEM_FUNC)
            e = check_func(g, w, &g->m->funcs[items[i].id]);
        if (items[i].kind != WIT_ITEM_INTERFACE)
            continue;
        const WitInterface *in = &g->m->interfaces[items[i].id];
        for (u32 k = 0; k < in->nfuncs && !e; k++)
            e = check_func(g, w, &g->m->funcs[in->funcs[k]]);
    }
    return e;
}

static Error *check_supported(const Bindgen *g)
{
    TypeWalk w = {.seen = mem_alloc_array(g->m->ntypes, sizeof(bool))};
    Error *e = check_items(g, &w, g->w->imports, g->w->nimports);
    if (!e)
        e = check_items(g, &w, g->w->exports, g->w->nexports);
    mem_free(w.seen);
    vec_release(&w.stack);
    return e;
}

/* --- scopes --- */

static void enter_scope(Bindgen *g, WitOwner owner, bool exporting)
{
    g->owner = owner;
    /* What a world itself uses of interfaces it imports, for what it exports, too. */
    g->exporting = exporting && owner.kind == WIT_OWNER_INTERFACE;
    if (owner.kind == WIT_OWNER_INTERFACE) {
        g->prefix = g->func_prefix = bindgen_prefix(g, owner.id);
        g->wasm_module = g->module[owner.id];
    } else {
        g->prefix = g->world;
        g->func_prefix = bindgen_format(g, "exports_%.*s", TEXT_ARG(g->world));
        g->wasm_module = STR("");
    }
}

/* Has the scope functions? The first one gets a heading in front. */
static void put_heading(Bindgen *g, bool export, bool *ret_done)
{
    if (*ret_done)
        return;
    *ret_done = true;
    Str name = g->wasm_module.n ? g->wasm_module : g->w->name;
    const char *what = export ? "Exported" : "Imported";
    buf_printf(&g->funcs, "\n// %s Functions from `%.*s`\n", what, TEXT_ARG(name));
    buf_printf(&g->exports, "// %s functions of `%.*s`\n\n", what, TEXT_ARG(name));
}

static void put_func(Bindgen *g, WitId id, bool export)
{
    const WitFunc *f = &g->m->funcs[id];
    for (u32 i = 0; i < f->nparams; i++)
        bindgen_define(g, f->params[i].type);
    if (f->result != WIT_NONE)
        bindgen_define(g, f->result);
    if (g->error)
        return;
    if (export)
        bindgen_export(g, f);
    else
        bindgen_import(g, f);
}

static void put_interface(Bindgen *g, WitId id, bool export)
{
    const WitInterface *in = &g->m->interfaces[id];
    bool headed = false;
    enter_scope(g, (WitOwner){WIT_OWNER_INTERFACE, id}, export);
    for (u32 i = 0; i < in->ntypes; i++)
        bindgen_define(g, in->types[i]);
    for (u32 i = 0; i < in->nfuncs; i++) {
        put_heading(g, export, &headed);
        put_func(g, in->funcs[i], export);
    }
}

/* Interfaces that others use come first: by number, which the model promises to be so ordered. */
static void put_interfaces(Bindgen *g, const WitWorldItem *items, u32 n, bool export)
{
    bool *there = mem_alloc_array((usize)g->m->ninterfaces + 1, sizeof *there);
    for (u32 i = 0; i < n; i++)
        if (items[i].kind == WIT_ITEM_INTERFACE)
            there[items[i].id] = true;
    for (u32 i = 0; i < g->m->ninterfaces && !g->error; i++)
        if (there[i])
            put_interface(g, i, export);
    mem_free(there);
}

/* Types and functions of the world itself. */
static void put_world(Bindgen *g, const WitWorldItem *items, u32 n, bool export)
{
    bool headed = false;
    enter_scope(g, (WitOwner){WIT_OWNER_WORLD, (WitId)(g->w - g->m->worlds)}, export);
    for (u32 i = 0; i < n; i++)
        if (items[i].kind == WIT_ITEM_TYPE)
            bindgen_define(g, items[i].id);
    for (u32 i = 0; i < n && !g->error; i++) {
        if (items[i].kind != WIT_ITEM_FUNC)
            continue;
        put_heading(g, export, &headed);
        put_func(g, items[i].id, export);
    }
}

/* --- files --- */

static void put_buf(Buf *out, const Buf *b)
{
    buf_bytes(out, b->p, b->n);
}

static void write_header(const Bindgen *g, Buf *out)
{
    Str guard = {(const char *)g->world.p, g->world.n};
    char *upper = mem_strdup_n(guard.p, guard.n);
    for (usize i = 0; i < guard.n; i++)
        if (upper[i] >= 'a' && upper[i] <= 'z')
            upper[i] = (char)(upper[i] - 32);
    buf_printf(out,
               "// Written by `wasmtime component bindgen`. DO NOT EDIT!\n"
               "#ifndef __BINDINGS_%s_H\n#define __BINDINGS_%s_H\n"
               "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
               "#include <stdint.h>\n#include <stdbool.h>\n#include <stddef.h>\n\n",
               upper, upper);
    mem_free(upper);
    if (g->has_strings)
        bindgen_string_type(g, out);
    put_buf(out, &g->types);
    put_buf(out, &g->funcs);
    if (g->helpers.n)
        buf_str(out, STR("\n// Helper Functions\n\n"));
    put_buf(out, &g->helpers);
    if (g->has_strings)
        bindgen_string_helpers(g, out);
    buf_str(out, STR("\n#ifdef __cplusplus\n}\n#endif\n#endif\n"));
}

static void write_source(const Bindgen *g, Buf *out)
{
    static const char casts[] =
        "// Floats and integers that share a place, in variants\n\n"
        "__attribute__((__unused__))\nstatic int32_t bits_of_float(float v) {\n"
        "  int32_t bits;\n  memcpy(&bits, &v, sizeof bits);\n  return bits;\n}\n\n"
        "__attribute__((__unused__))\nstatic int64_t bits_of_double(double v) {\n"
        "  int64_t bits;\n  memcpy(&bits, &v, sizeof bits);\n  return bits;\n}\n\n"
        "__attribute__((__unused__))\nstatic float float_of_bits(int32_t bits) {\n"
        "  float v;\n  memcpy(&v, &bits, sizeof v);\n  return v;\n}\n\n"
        "__attribute__((__unused__))\nstatic double double_of_bits(int64_t bits) {\n"
        "  double v;\n  memcpy(&v, &bits, sizeof v);\n  return v;\n}\n\n";
    static const char realloc_source[] =
        "// What the canonical ABI allocates with\n\n"
        "__attribute__((__weak__, __export_name__(\"cabi_realloc\")))\n"
        "void *cabi_realloc(void *ptr, size_t old_size, size_t align, size_t new_size) {\n"
        "  (void) old_size;\n  if (new_size == 0) return (void *) align;\n"
        "  void *ret = realloc(ptr, new_size);\n  if (!ret) abort();\n  return ret;\n}\n\n";
    buf_printf(out,
               "// Written by `wasmtime component bindgen`. DO NOT EDIT!\n"
               "#include \"%.*s.h\"\n#include <stdlib.h>\n#include <string.h>\n\n",
               TEXT_ARG(g->world));
    buf_str(out, str_of(casts));
    put_buf(out, &g->imports);
    buf_str(out, str_of(realloc_source));
    put_buf(out, &g->freeing);
    if (g->has_strings)
        bindgen_string_source(g, out);
    put_buf(out, &g->exports);
    buf_printf(out,
               "// The object with the type of the world has to be linked in\n\n"
               "extern void __component_type_object_force_link_%.*s(void);\n"
               "__attribute__((used))\n"
               "void __component_type_object_force_link_%.*s_public_use_in_this_compilation_unit"
               "(void) {\n  __component_type_object_force_link_%.*s();\n}\n",
               TEXT_ARG(g->world), TEXT_ARG(g->world), TEXT_ARG(g->world));
}

static void generate(Bindgen *g)
{
    const WitWorld *w = g->w;
    bindgen_traits(g);
    put_interfaces(g, w->imports, w->nimports, false);
    put_world(g, w->imports, w->nimports, false);
    put_world(g, w->exports, w->nexports, true);
    put_interfaces(g, w->exports, w->nexports, true);
}

Error *bindgen_c(const WitModel *m, WitId world, BindgenOutput *ret_output)
{
    Bindgen g = {.m = m, .w = &m->worlds[world]};
    usize n = (usize)m->ninterfaces + 1;
    arena_init(&g.arena);
    g.world = bindgen_snake(&g, g.w->name);
    g.imported = arena_array(&g.arena, Str, n);
    g.export = arena_array(&g.arena, Str, n);
    g.module = arena_array(&g.arena, Str, n);
    g.traits = arena_array(&g.arena, u8, m->ntypes);
    Map taken = {0};
    name_scopes(&g, g.w->imports, g.w->nimports, false, &taken);
    name_scopes(&g, g.w->exports, g.w->nexports, true, &taken);
    map_release(&taken);
    Error *e = g.error ? g.error : check_supported(&g);
    if (!e) {
        generate(&g);
        e = g.error;
    }
    if (!e) {
        BindgenOutput o = {.name = mem_strdup_n(g.world.p, g.world.n)};
        write_header(&g, &o.header);
        write_source(&g, &o.source);
        *ret_output = o;
    }
    Buf *parts[] = {&g.types, &g.funcs, &g.helpers, &g.imports, &g.exports, &g.freeing};
    for (u32 i = 0; i < ARRAY_LEN(parts); i++)
        buf_release(parts[i]);
    map_release(&g.emitted);
    arena_release(&g.arena);
    return e;
}

void bindgen_release(BindgenOutput *o)
{
    mem_free(o->name);
    buf_release(&o->header);
    buf_release(&o->source);
    o->name = NULL;
}
