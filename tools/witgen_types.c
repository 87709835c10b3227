/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The bindings generator: headers. */
#include "witgen.h"

static void put(Gen *g, const char *text)
{
    buf_str(&g->out, str_of(text));
}

static void put_ctype(Gen *g, WitId id)
{
    gen_ctype(g, id, &g->out);
}

static void put_fields(Gen *g, const WitType *t)
{
    for (u32 i = 0; i < t->nfields; i++) {
        put(g, "    ");
        put_ctype(g, t->fields[i].type);
        put(g, " ");
        if (t->kind == WIT_TUPLE)
            buf_printf(&g->out, "f%u", i);
        else
            gen_ident(&g->out, t->fields[i].name);
        put(g, ";\n");
    }
}

static void put_union(Gen *g, const WitType *t)
{
    bool any = false;
    for (u32 i = 0; i < wit_ncases(t); i++) {
        if (wit_case(t, i) == WIT_NONE)
            continue;
        put(g, any ? "        " : "    union {\n        ");
        any = true;
        put_ctype(g, wit_case(t, i));
        put(g, " ");
        if (t->kind == WIT_RESULT)
            put(g, i == 0 ? "ok" : "err");
        else
            gen_ident(&g->out, t->fields[i].name);
        put(g, ";\n");
    }
    if (any)
        put(g, "    } as;\n");
}

static void put_constants(Gen *g, WitId id, const WitType *t)
{
    for (u32 i = 0; i < t->nfields; i++) {
        put(g, "    ");
        gen_constants(g, id, &g->out);
        gen_upper(&g->out, t->fields[i].name);
        if (t->kind == WIT_FLAGS)
            buf_printf(&g->out, " = (int)(1u << %u)", i);
        put(g, ",\n");
    }
}

static void put_enum(Gen *g, WitId id, const WitType *t, const char *suffix)
{
    put(g, "typedef enum ");
    put_ctype(g, id);
    buf_printf(&g->out, "%s {\n", suffix);
    put_constants(g, id, t);
    put(g, "} ");
    put_ctype(g, id);
    buf_printf(&g->out, "%s;\n", suffix);
}

static void put_struct(Gen *g, WitId id, const WitType *t)
{
    put(g, "typedef struct ");
    put_ctype(g, id);
    put(g, " {\n");
    switch (t->kind) {
    case WIT_RECORD:
    case WIT_TUPLE:
        put_fields(g, t);
        break;
    case WIT_VARIANT:
        put(g, "    ");
        put_ctype(g, id);
        put(g, "Tag tag;\n");
        put_union(g, t);
        break;
    case WIT_OPTION:
        put(g, "    bool some;\n    ");
        put_ctype(g, t->elem);
        put(g, " value; /* if some */\n");
        break;
    case WIT_RESULT:
        put(g, "    bool is_err;\n");
        put_union(g, t);
        break;
    case WIT_LIST:
        put(g, "    ");
        put_ctype(g, t->elem);
        put(g, " const *p;\n    usize n;\n");
        break;
    case WIT_FIXED_LIST:
        put(g, "    ");
        put_ctype(g, t->elem);
        buf_printf(&g->out, " v[%u];\n", t->length);
        break;
    default:
        BUG("a type that is no struct");
    }
    put(g, "} ");
    put_ctype(g, id);
    put(g, ";\n\n");
}

static void put_resource(Gen *g, WitId id)
{
    Buf type = {0};
    put(g, "typedef struct ");
    put_ctype(g, id);
    put(g, " ");
    put_ctype(g, id);
    put(g, "; /* defined by the host */\n");
    if (g->imported[g->interface]) {
        gen_interface_name(g, g->interface, &type);
        buf_u8(&type, '_');
        gen_snake(&type, g->m->types[id].name);
        buf_printf(&g->out, "extern const LiftResource %.*s_type;\n", (int)type.n, type.p);
        buf_printf(&g->out, "void %.*s_drop(void *host, ", (int)type.n, type.p);
        put_ctype(g, id);
        put(g, " *rep);\n");
        buf_release(&type);
    }
    put(g, "\n");
}

/* Only where the name is not one of a type already. */
static void put_alias(Gen *g, const WitType *t)
{
    const WitType *target = &g->m->types[wit_unalias(g->m, t->elem)];
    if (t->used || target->kind == WIT_OWN || target->kind == WIT_BORROW)
        return;
    Buf name = {0}, snake = {0};
    gen_interface_name(g, g->interface, &snake);
    gen_pascal(&name, (Str){(const char *)snake.p, snake.n});
    gen_pascal(&name, t->name);
    put(g, "typedef ");
    put_ctype(g, t->elem);
    buf_printf(&g->out, " %.*s;\n\n", (int)name.n, name.p);
    buf_release(&name);
    buf_release(&snake);
}

/* Was nothing of this name written yet? */
static bool is_new(Gen *g, WitId id)
{
    Buf name = {0};
    gen_ctype(g, id, &name);
    Str key = {arena_strdup(&g->arena, (Str){(const char *)name.p, name.n}), name.n};
    buf_release(&name);
    return map_add(&g->emitted, key, 1);
}

static void put_type(Gen *g, WitId id)
{
    const WitType *t = &g->m->types[id];
    if (t->kind == WIT_OWN || t->kind == WIT_BORROW)
        return;
    if (t->kind == WIT_ALIAS) {
        put_alias(g, t);
        return;
    }
    if (t->kind == WIT_LIST && wit_is_primitive(g->m->types[wit_unalias(g->m, t->elem)].kind))
        return; /* of component/lift.h */
    if (!is_new(g, id))
        return;
    if (t->kind == WIT_RESOURCE) {
        put_resource(g, id);
    } else if (t->kind == WIT_ENUM) {
        put_enum(g, id, t, "");
        put(g, "\n");
    } else if (t->kind == WIT_FLAGS) {
        buf_printf(&g->out, "typedef u%u ", g->sizes[id] * 8);
        put_ctype(g, id);
        put(g, ";\nenum {\n");
        put_constants(g, id, t);
        put(g, "};\n\n");
    } else {
        if (t->kind == WIT_VARIANT)
            put_enum(g, id, t, "Tag");
        put_struct(g, id, t);
    }
}

void gen_prototype(const Gen *g, const WitFunc *f, Buf *out)
{
    buf_str(out, STR("void "));
    gen_func_name(g, f, out);
    buf_str(out, STR("(LiftCall *call"));
    for (u32 i = 0; i < f->nparams; i++) {
        bool value = gen_by_value(g, f->params[i].type);
        buf_str(out, value ? STR(", ") : STR(", const "));
        gen_ctype(g, f->params[i].type, out);
        buf_str(out, value ? STR(" ") : STR(" *"));
        gen_ident(out, f->params[i].name);
    }
    if (f->result != WIT_NONE) {
        buf_str(out, STR(", "));
        gen_ctype(g, f->result, out);
        buf_str(out, STR(" *ret_result"));
    }
    buf_u8(out, ')');
}

void gen_header(Gen *g)
{
    const WitInterface *in = &g->m->interfaces[g->interface];
    Buf name = {0};
    gen_interface_name(g, g->interface, &name);
    gen_upper(&g->out, (Str){0});
    buf_printf(&g->out, "/* Written by witgen from %.*s. */\n", STR_ARG(in->full));
    buf_printf(&g->out, "#ifndef BIND_%.*s_H\n#define BIND_%.*s_H\n\n", (int)name.n, name.p,
               (int)name.n, name.p);
    put(g, "#include \"component/lift.h\"\n");
    for (u32 i = 0; i < in->nuses; i++) {
        put(g, "#include \"bind/");
        gen_interface_name(g, in->uses[i], &g->out);
        put(g, ".h\"\n");
    }
    put(g, "\n");
    for (u32 i = WIT_PRIMITIVES; i < g->m->ntypes; i++) {
        WitOwner o = g->m->types[i].owner;
        if (o.kind == WIT_OWNER_INTERFACE && o.id == g->interface)
            put_type(g, i);
    }
    for (u32 i = 0; i < in->nfuncs && g->imported[g->interface]; i++) {
        gen_prototype(g, &g->m->funcs[in->funcs[i]], &g->out);
        put(g, ";\n");
    }
    if (g->imported[g->interface])
        buf_printf(&g->out, "\nextern const LiftInterface %.*s_interface;\n", (int)name.n, name.p);
    put(g, "\n#endif\n");
    buf_release(&name);
}
