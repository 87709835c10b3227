/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The bindings generator: names in C. */
#include "witgen.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

void gen_snake(Buf *out, Str name)
{
    for (usize i = 0; i < name.n; i++)
        buf_u8(out, (u8)(name.p[i] == '-' ? '_' : lower(name.p[i])));
}

void gen_upper(Buf *out, Str name)
{
    for (usize i = 0; i < name.n; i++)
        buf_u8(out, (u8)(name.p[i] == '-' ? '_' : upper(name.p[i])));
}

void gen_pascal(Buf *out, Str name)
{
    bool begins = true;
    for (usize i = 0; i < name.n; i++) {
        if (name.p[i] == '-' || name.p[i] == '_') {
            begins = true;
            continue;
        }
        buf_u8(out, (u8)(begins ? upper(name.p[i]) : lower(name.p[i])));
        begins = false;
    }
}

void gen_ident(Buf *out, Str name)
{
    static const char *const words[] = {
        "auto",  "bool",     "break",     "case",     "char",   "const",    "continue", "default",
        "do",    "double",   "else",      "enum",     "extern", "false",    "float",    "for",
        "goto",  "if",       "inline",    "int",      "long",   "register", "restrict", "return",
        "short", "signed",   "sizeof",    "static",   "struct", "switch",   "true",     "typedef",
        "union", "unsigned", "void",      "volatile", "while",  "asm",      "typeof",   "unix",
        "linux", "call",     "ret_result"};
    usize begin = out->n;
    gen_snake(out, name);
    Str written = {(const char *)out->p + begin, out->n - begin};
    for (u32 i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq(written, str_of(words[i]))) {
            buf_u8(out, '_');
            return;
        }
    }
}

void gen_interface_name(const Gen *g, WitId interface, Buf *out)
{
    const WitInterface *i = &g->m->interfaces[interface];
    buf_str(out, g->prefixes[i->package]);
    buf_u8(out, '_');
    gen_snake(out, i->name);
}

static void pascal_interface(const Gen *g, WitId interface, Buf *out)
{
    Buf name = {0};
    gen_interface_name(g, interface, &name);
    gen_pascal(out, (Str){(const char *)name.p, name.n});
    buf_release(&name);
}

/* What a part adds to the name of a type without a name. */
static void part_name(const Gen *g, WitId owner, WitId id, Buf *out)
{
    static const char *const words[] = {
        [WIT_TUPLE] = "Tuple", [WIT_LIST] = "List",     [WIT_FIXED_LIST] = "Array",
        [WIT_MAP] = "Map",     [WIT_OPTION] = "Option", [WIT_RESULT] = "Result",
        [WIT_OWN] = "",        [WIT_BORROW] = "Borrow"};
    if (id == WIT_NONE) {
        buf_str(out, STR("Void"));
        return;
    }
    id = wit_unalias(g->m, id);
    const WitType *t = &g->m->types[id];
    if (wit_is_primitive(t->kind)) {
        gen_pascal(out, str_of(wit_primitive_name(t->kind)));
        return;
    }
    if (t->name.n) {
        if (t->owner.id != owner)
            gen_pascal(out, g->m->interfaces[t->owner.id].name);
        gen_pascal(out, t->name);
        return;
    }
    buf_str(out, str_of(words[t->kind]));
    if (t->kind == WIT_FIXED_LIST)
        buf_printf(out, "%u", t->length);
    if (t->kind == WIT_TUPLE)
        buf_printf(out, "%u", t->nfields);
    for (u32 i = 0; i < t->nfields; i++)
        part_name(g, owner, t->fields[i].type, out);
    if (t->kind != WIT_TUPLE)
        part_name(g, owner, t->elem, out);
    if (t->kind == WIT_RESULT || t->kind == WIT_MAP)
        part_name(g, owner, t->second, out);
}

static const char *const primitive_types[] = {
    [WIT_BOOL] = "bool", [WIT_U8] = "u8",     [WIT_U16] = "u16",    [WIT_U32] = "u32",
    [WIT_U64] = "u64",   [WIT_S8] = "i8",     [WIT_S16] = "i16",    [WIT_S32] = "i32",
    [WIT_S64] = "i64",   [WIT_F32] = "float", [WIT_F64] = "double", [WIT_CHAR] = "u32",
    [WIT_STRING] = "Str"};

void gen_ctype(const Gen *g, WitId id, Buf *out)
{
    id = wit_unalias(g->m, id);
    const WitType *t = &g->m->types[id];
    if (wit_is_primitive(t->kind)) {
        buf_str(out, str_of(primitive_types[t->kind]));
        return;
    }
    if (t->kind == WIT_OWN || t->kind == WIT_BORROW) {
        gen_ctype(g, t->elem, out);
        buf_str(out, STR(" *"));
        return;
    }
    if (t->kind == WIT_LIST && wit_is_primitive(g->m->types[wit_unalias(g->m, t->elem)].kind)) {
        buf_str(out, STR("LiftList"));
        part_name(g, WIT_NONE, t->elem, out);
        return;
    }
    pascal_interface(g, t->owner.id, out);
    part_name(g, t->owner.id, id, out);
}

void gen_constants(const Gen *g, WitId id, Buf *out)
{
    const WitType *t = &g->m->types[wit_unalias(g->m, id)];
    Buf name = {0};
    gen_interface_name(g, t->owner.id, &name);
    gen_upper(out, (Str){(const char *)name.p, name.n});
    buf_u8(out, '_');
    gen_upper(out, t->name);
    buf_u8(out, '_');
    buf_release(&name);
}

void gen_resource(const Gen *g, WitId handle, Buf *out)
{
    const WitType *t = &g->m->types[wit_unalias(g->m, g->m->types[handle].elem)];
    gen_interface_name(g, t->owner.id, out);
    buf_u8(out, '_');
    gen_snake(out, t->name);
    buf_str(out, STR("_type"));
}

void gen_func_name(const Gen *g, const WitFunc *f, Buf *out)
{
    gen_interface_name(g, f->owner.id, out);
    buf_u8(out, '_');
    if (f->resource != WIT_NONE) {
        gen_snake(out, g->m->types[f->resource].name);
        buf_u8(out, '_');
    }
    gen_snake(out, f->label);
}
