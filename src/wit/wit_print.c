/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A resolved model as WIT text. */
#include "base/map.h"
#include "wit/int_map.h"
#include "wit/wit.h"

typedef struct Printer {
    const WitModel *m;
    const WitPrintOptions *o;
    Buf *out;
    u32 indent;
    WitId package; /* names of its interfaces are short */
} Printer;

static void print_id(Printer *p, Str name)
{
    if (wit_is_keyword(name))
        buf_u8(p->out, '%');
    buf_str(p->out, name);
}

static void begin_line(Printer *p)
{
    for (u32 i = 0; i < p->indent; i++)
        buf_str(p->out, STR("  "));
}

static void open_block(Printer *p)
{
    buf_str(p->out, STR(" {\n"));
    p->indent++;
}

static void close_block(Printer *p)
{
    p->indent--;
    begin_line(p);
    buf_str(p->out, STR("}\n"));
}

static void print_docs(Printer *p, Str docs)
{
    while (docs.n && !p->o->no_docs) {
        const char *end = memchr(docs.p, '\n', docs.n);
        Str line = {docs.p, end ? (usize)(end - docs.p) : docs.n};
        begin_line(p);
        buf_str(p->out, line.n ? STR("/// ") : STR("///"));
        buf_str(p->out, line);
        buf_u8(p->out, '\n');
        usize skip = MIN(line.n + 1, docs.n);
        docs.p += skip;
        docs.n -= skip;
    }
}

static void print_head(Printer *p, Str docs, const WitGate *g, Str external_id)
{
    print_docs(p, docs);
    if (g->since.text.n) {
        begin_line(p);
        buf_printf(p->out, "@since(version = %.*s)\n", STR_ARG(g->since.text));
    }
    if (g->feature.n) {
        begin_line(p);
        buf_printf(p->out, "@unstable(feature = ");
        print_id(p, g->feature);
        buf_str(p->out, STR(")\n"));
    }
    if (g->deprecated.text.n) {
        begin_line(p);
        buf_printf(p->out, "@deprecated(version = %.*s)\n", STR_ARG(g->deprecated.text));
    }
    if (external_id.n) {
        begin_line(p);
        buf_str(p->out, STR("@external-id("));
        buf_quoted(p->out, external_id);
        buf_str(p->out, STR(")\n"));
    }
}

static void print_type(Printer *p, WitId id);

/* NAME<A, B>, each of which may be missing; `none` stands for a missing A in front of a B. */
static void print_args(Printer *p, const char *name, WitId a, WitId b, const char *none)
{
    buf_str(p->out, str_of(name));
    if (a == WIT_NONE && b == WIT_NONE)
        return;
    buf_u8(p->out, '<');
    if (a == WIT_NONE)
        buf_str(p->out, str_of(none));
    else
        print_type(p, a);
    if (b != WIT_NONE) {
        buf_str(p->out, STR(", "));
        print_type(p, b);
    }
    buf_u8(p->out, '>');
}

static void print_tuple(Printer *p, const WitType *t)
{
    buf_str(p->out, STR("tuple<"));
    for (u32 i = 0; i < t->nfields; i++) {
        if (i)
            buf_str(p->out, STR(", "));
        print_type(p, t->fields[i].type);
    }
    buf_u8(p->out, '>');
}

static void print_structure(Printer *p, const WitType *t)
{
    switch (t->kind) {
    case WIT_TUPLE:
        print_tuple(p, t);
        return;
    case WIT_LIST:
        print_args(p, "list", t->elem, WIT_NONE, "");
        return;
    case WIT_FIXED_LIST:
        buf_str(p->out, STR("list<"));
        print_type(p, t->elem);
        buf_printf(p->out, ", %u>", t->length);
        return;
    case WIT_MAP:
        print_args(p, "map", t->elem, t->second, "");
        return;
    case WIT_OPTION:
        print_args(p, "option", t->elem, WIT_NONE, "");
        return;
    case WIT_RESULT:
        print_args(p, "result", t->elem, t->second, "_");
        return;
    case WIT_OWN:
        print_id(p, p->m->types[t->elem].name);
        return;
    case WIT_BORROW:
        buf_str(p->out, STR("borrow<"));
        print_id(p, p->m->types[t->elem].name);
        buf_u8(p->out, '>');
        return;
    case WIT_STREAM:
        print_args(p, "stream", t->elem, WIT_NONE, "");
        return;
    case WIT_FUTURE:
        print_args(p, "future", t->elem, WIT_NONE, "");
        return;
#define WIT_PRIMITIVE(id, text) case WIT_##id:
#define WIT_CONSTRUCTOR(id)
#include "wit/wit_kinds.def"
#undef WIT_PRIMITIVE
#undef WIT_CONSTRUCTOR
    case WIT_RECORD:
    case WIT_VARIANT:
    case WIT_ENUM:
    case WIT_FLAGS:
    case WIT_RESOURCE:
    case WIT_ALIAS:
        BUG("an anonymous type of a kind that has names");
    }
}

/* Depth is bounded by the resolver. */
static void print_type(Printer *p, WitId id)
{
    const WitType *t = &p->m->types[id];
    if (wit_is_primitive(t->kind))
        buf_str(p->out, str_of(wit_primitive_name(t->kind)));
    else if (t->name.n)
        print_id(p, t->name);
    else
        print_structure(p, t);
}

void wit_print_type(const WitModel *m, WitId type, Buf *out)
{
    static const WitPrintOptions plain = {0};
    Printer p = {.m = m, .o = &plain, .out = out};
    print_type(&p, type);
}

static void print_params(Printer *p, const WitFunc *f)
{
    u32 first = f->kind == WIT_FUNC_METHOD;
    buf_u8(p->out, '(');
    for (u32 i = first; i < f->nparams; i++) {
        if (i > first)
            buf_str(p->out, STR(", "));
        print_id(p, f->params[i].name);
        buf_str(p->out, STR(": "));
        print_type(p, f->params[i].type);
    }
    buf_u8(p->out, ')');
}

static bool prints_result(const Printer *p, const WitFunc *f)
{
    if (f->result == WIT_NONE)
        return false;
    return f->kind != WIT_FUNC_CONSTRUCTOR || p->m->types[f->result].kind != WIT_OWN;
}

/* "name: static async func(...) -> T;" without what stands in front. */
static void print_func(Printer *p, const WitFunc *f, Str name)
{
    if (f->kind == WIT_FUNC_CONSTRUCTOR) {
        buf_str(p->out, STR("constructor"));
    } else {
        print_id(p, name);
        buf_str(p->out, STR(": "));
        if (f->kind == WIT_FUNC_STATIC)
            buf_str(p->out, STR("static "));
        buf_str(p->out, f->is_async ? STR("async func") : STR("func"));
    }
    print_params(p, f);
    if (prints_result(p, f)) {
        buf_str(p->out, STR(" -> "));
        print_type(p, f->result);
    }
    buf_str(p->out, STR(";\n"));
}

static void print_fields(Printer *p, const WitType *t)
{
    open_block(p);
    for (u32 i = 0; i < t->nfields; i++) {
        const WitField *f = &t->fields[i];
        print_docs(p, f->docs);
        begin_line(p);
        print_id(p, f->name);
        if (f->type != WIT_NONE) {
            buf_str(p->out, t->kind == WIT_RECORD ? STR(": ") : STR("("));
            print_type(p, f->type);
            if (t->kind == WIT_VARIANT)
                buf_u8(p->out, ')');
        }
        buf_str(p->out, STR(",\n"));
    }
    close_block(p);
}

/* The methods of each resource among some functions: links from one to the next. */
typedef struct Methods {
    const WitId *funcs;
    u32 *next;    /* index of the next function of the same resource */
    IntMap first; /* resource -> index */
} Methods;

static Methods methods_of(const WitModel *m, const WitId *funcs, u32 n)
{
    Methods x = {.funcs = funcs, .next = mem_alloc_array((usize)n + 1, sizeof *x.next)};
    for (u32 i = n; i-- > 0;) {
        WitId resource = m->funcs[funcs[i]].resource;
        if (resource == WIT_NONE)
            continue;
        if (!int_map_get(&x.first, resource, &x.next[i]))
            x.next[i] = WIT_NONE;
        int_map_set(&x.first, resource, i);
    }
    return x;
}

static void print_typedef(Printer *p, WitId id, const Methods *methods)
{
    const WitType *t = &p->m->types[id];
    static const char *const words[] = {
        [WIT_RECORD] = "record", [WIT_VARIANT] = "variant",   [WIT_ENUM] = "enum",
        [WIT_FLAGS] = "flags",   [WIT_RESOURCE] = "resource", [WIT_ALIAS] = "type"};
    print_head(p, t->docs, &t->gate, t->external_id);
    begin_line(p);
    buf_printf(p->out, "%s ", words[t->kind]);
    print_id(p, t->name);
    if (t->kind == WIT_ALIAS) {
        buf_str(p->out, STR(" = "));
        print_type(p, t->elem);
        buf_str(p->out, STR(";\n"));
        return;
    }
    if (t->kind != WIT_RESOURCE) {
        print_fields(p, t);
        return;
    }
    u32 i;
    if (!int_map_get(&methods->first, id, &i)) {
        buf_str(p->out, STR(";\n"));
        return;
    }
    open_block(p);
    for (; i != WIT_NONE; i = methods->next[i]) {
        const WitFunc *f = &p->m->funcs[methods->funcs[i]];
        print_head(p, f->docs, &f->gate, f->external_id);
        begin_line(p);
        print_func(p, f, f->label);
    }
    close_block(p);
}

/* The name of an interface as the package writes it. */
static void print_path(Printer *p, WitId interface)
{
    const WitInterface *i = &p->m->interfaces[interface];
    if (i->package == p->package)
        print_id(p, i->name);
    else {
        const WitPackage *k = &p->m->packages[i->package];
        print_id(p, k->ns);
        buf_u8(p->out, ':');
        print_id(p, k->name);
        buf_u8(p->out, '/');
        print_id(p, i->name);
        if (k->version.text.n)
            buf_printf(p->out, "@%.*s", STR_ARG(k->version.text));
    }
}

static bool same_use(const WitModel *m, const WitType *a, const WitType *b)
{
    return b->used && m->types[a->elem].owner.id == m->types[b->elem].owner.id &&
           str_eq(a->gate.feature, b->gate.feature) &&
           str_eq(a->gate.since.text, b->gate.since.text) &&
           str_eq(a->gate.deprecated.text, b->gate.deprecated.text);
}

/*
 * One `use` statement for types[at] and those behind it that belong to the same; `next` leads from
 * each to the next one of the same interface.
 */
static void print_use(Printer *p, const WitId *types, u32 at, const u32 *next, u8 *done)
{
    const WitModel *m = p->m;
    const WitType *first = &m->types[types[at]];
    print_head(p, (Str){0}, &first->gate, (Str){0});
    begin_line(p);
    buf_str(p->out, STR("use "));
    print_path(p, m->types[first->elem].owner.id);
    buf_str(p->out, STR(".{"));
    for (u32 i = at; i != WIT_NONE; i = next[i]) {
        const WitType *t = &m->types[types[i]];
        if (done[i] || !same_use(m, first, t))
            continue;
        done[i] = 1;
        if (i != at)
            buf_str(p->out, STR(", "));
        print_id(p, m->types[t->elem].name);
        if (!str_eq(m->types[t->elem].name, t->name)) {
            buf_str(p->out, STR(" as "));
            print_id(p, t->name);
        }
    }
    buf_str(p->out, STR("};\n"));
}

static void blank_line(Printer *p, bool *first)
{
    if (!*first)
        buf_u8(p->out, '\n');
    *first = false;
}

/* For each used type the next one of the same interface. Own. */
static u32 *chain_uses(const WitModel *m, const WitId *types, u32 n)
{
    u32 *next = mem_alloc_array((usize)n + 1, sizeof *next);
    Map first = {0};
    for (u32 i = n; i-- > 0;) {
        if (!m->types[types[i]].used)
            continue;
        const WitId *owner = &m->types[m->types[types[i]].elem].owner.id;
        Str key = {(const char *)owner, sizeof *owner};
        u64 behind = WIT_NONE;
        (void)map_get(&first, key, &behind);
        next[i] = (u32)behind;
        map_set(&first, key, i);
    }
    map_release(&first);
    return next;
}

/* `use` statements, definitions, and the methods that belong to them. */
static bool print_types(Printer *p, const WitId *types, u32 n, const WitId *funcs, u32 nfuncs)
{
    u8 *done = mem_alloc((usize)n + 1);
    u32 *next = chain_uses(p->m, types, n);
    Methods methods = methods_of(p->m, funcs, nfuncs);
    bool first = true;
    for (u32 i = 0; i < n; i++) {
        if (!done[i] && p->m->types[types[i]].used) {
            print_use(p, types, i, next, done);
            first = false;
        }
    }
    for (u32 i = 0; i < n; i++) {
        if (p->m->types[types[i]].used)
            continue;
        blank_line(p, &first);
        print_typedef(p, types[i], &methods);
    }
    mem_free(methods.next);
    int_map_release(&methods.first);
    mem_free(next);
    mem_free(done);
    return first;
}

static void print_interface_body(Printer *p, const WitInterface *i)
{
    open_block(p);
    bool first = print_types(p, i->types, i->ntypes, i->funcs, i->nfuncs);
    for (u32 k = 0; k < i->nfuncs; k++) {
        const WitFunc *f = &p->m->funcs[i->funcs[k]];
        if (f->kind != WIT_FUNC_FREE)
            continue;
        blank_line(p, &first);
        print_head(p, f->docs, &f->gate, f->external_id);
        begin_line(p);
        print_func(p, f, f->label);
    }
    close_block(p);
}

static void print_world_item(Printer *p, const WitWorldItem *i, const char *word)
{
    const WitModel *m = p->m;
    if (i->kind == WIT_ITEM_TYPE ||
        (i->kind == WIT_ITEM_FUNC && m->funcs[i->id].kind != WIT_FUNC_FREE))
        return;
    print_head(p, i->docs, &i->gate, i->external_id);
    begin_line(p);
    buf_printf(p->out, "%s ", word);
    if (i->kind == WIT_ITEM_FUNC) {
        print_func(p, &m->funcs[i->id], i->name); /* `include` may have given it another */
        return;
    }
    if (i->name.n) {
        print_id(p, i->name);
        buf_str(p->out, STR(": "));
    }
    if (!m->interfaces[wit_item_interface(m, i)].name.n) {
        buf_str(p->out, STR("interface"));
        print_interface_body(p, &m->interfaces[i->id]);
    } else {
        print_path(p, wit_item_interface(m, i));
        buf_str(p->out, STR(";\n"));
    }
}

static void print_world_types(Printer *p, const WitWorld *w)
{
    WitId *types = mem_alloc_array((usize)w->nimports + 1, sizeof *types);
    WitId *funcs = mem_alloc_array((usize)w->nimports + 1, sizeof *funcs);
    u32 ntypes = 0, nfuncs = 0;
    for (u32 i = 0; i < w->nimports; i++) {
        if (w->imports[i].kind == WIT_ITEM_TYPE)
            types[ntypes++] = w->imports[i].id;
        if (w->imports[i].kind == WIT_ITEM_FUNC)
            funcs[nfuncs++] = w->imports[i].id;
    }
    bool first = print_types(p, types, ntypes, funcs, nfuncs);
    if (!first && w->nimports > ntypes)
        buf_u8(p->out, '\n');
    mem_free(types);
    mem_free(funcs);
}

static void print_world(Printer *p, const WitWorld *w)
{
    print_head(p, w->docs, &w->gate, (Str){0});
    begin_line(p);
    buf_str(p->out, STR("world "));
    print_id(p, w->name);
    open_block(p);
    print_world_types(p, w);
    for (u32 i = 0; i < w->nimports; i++)
        print_world_item(p, &w->imports[i], "import");
    for (u32 i = 0; i < w->nexports; i++)
        print_world_item(p, &w->exports[i], "export");
    close_block(p);
}

void wit_print_package(const WitModel *m, WitId package, const WitPrintOptions *o, Buf *out)
{
    static const WitPrintOptions plain = {0};
    const WitPackage *k = &m->packages[package];
    Printer p = {.m = m, .o = o ? o : &plain, .out = out, .package = package};
    bool nested = out->n != 0, first = true;
    if (nested)
        buf_u8(out, '\n');
    print_docs(&p, k->docs);
    buf_str(out, STR("package "));
    print_id(&p, k->ns);
    buf_u8(out, ':');
    print_id(&p, k->name);
    if (k->version.text.n)
        buf_printf(out, "@%.*s", STR_ARG(k->version.text));
    if (nested)
        open_block(&p);
    else
        buf_str(out, STR(";\n\n"));
    for (u32 i = 0; i < k->ninterfaces; i++) {
        const WitInterface *in = &m->interfaces[k->interfaces[i]];
        blank_line(&p, &first);
        print_head(&p, in->docs, &in->gate, (Str){0});
        begin_line(&p);
        buf_str(out, STR("interface "));
        print_id(&p, in->name);
        print_interface_body(&p, in);
    }
    for (u32 i = 0; i < k->nworlds; i++) {
        blank_line(&p, &first);
        print_world(&p, &m->worlds[k->worlds[i]]);
    }
    if (nested)
        close_block(&p);
}
