/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names in C, made as wit-bindgen makes them. */
#include "bindgen/bindgen_priv.h"

#include <stdlib.h>

Str bindgen_format(Bindgen *g, const char *fmt, ...)
{
    Buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    Str s = {arena_strdup(&g->arena, (Str){(const char *)b.p, b.n}), b.n};
    buf_release(&b);
    return s;
}

static char word_char(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + 32);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_';
}

Str bindgen_snake(Bindgen *g, Str name)
{
    char *s = arena_strdup(&g->arena, name);
    for (usize i = 0; i < name.n; i++)
        s[i] = word_char(s[i]);
    return (Str){s, name.n};
}

Str bindgen_upper(Bindgen *g, Str name)
{
    char *s = arena_strdup(&g->arena, name);
    for (usize i = 0; i < name.n; i++) {
        char c = word_char(s[i]);
        s[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    return (Str){s, name.n};
}

static int compare_words(const void *key, const void *word)
{
    return strcmp(key, *(const char *const *)word);
}

Str bindgen_ident(Bindgen *g, Str name)
{
    /* Sorted. `ret` and `err` are names of the bindings' own parameters. */
    static const char *const reserved[] = {
        "alignas",   "alignof",      "and",       "asm",       "auto",      "bitand",   "bitor",
        "bool",      "break",        "case",      "catch",     "char",      "class",    "compl",
        "concept",   "const",        "consteval", "constexpr", "constinit", "continue", "decltype",
        "default",   "delete",       "do",        "double",    "else",      "enum",     "err",
        "explicit",  "export",       "extern",    "false",     "float",     "for",      "friend",
        "goto",      "if",           "inline",    "int",       "long",      "mutable",  "namespace",
        "new",       "noexcept",     "not",       "nullptr",   "operator",  "or",       "private",
        "protected", "public",       "reflexpr",  "register",  "requires",  "restrict", "ret",
        "return",    "short",        "signed",    "sizeof",    "static",    "stdin",    "struct",
        "switch",    "synchronized", "template",  "this",      "throw",     "true",     "try",
        "typedef",   "typeid",       "typename",  "union",     "unsigned",  "using",    "virtual",
        "void",      "volatile",     "while",     "xor"};
    Str s = bindgen_snake(g, name);
    bool found = bsearch(s.p, reserved, ARRAY_LEN(reserved), sizeof reserved[0], compare_words);
    return found ? bindgen_format(g, "%.*s_", TEXT_ARG(s)) : s;
}

Str bindgen_prefix(const Bindgen *g, WitId interface)
{
    return g->exporting && g->export[interface].n ? g->export[interface] : g->imported[interface];
}

/* The prefix of a type. */
static Str owner_prefix(const Bindgen *g, const WitType *t)
{
    return t->owner.kind == WIT_OWNER_INTERFACE ? bindgen_prefix(g, t->owner.id) : g->world;
}

static void part_name(Bindgen *g, WitId id, Buf *out);

/* "option_u32" */
static void anonymous_name(Bindgen *g, const WitType *t, Buf *out)
{
    static const char *const words[] = {
        [WIT_TUPLE] = "tuple",   [WIT_LIST] = "list",     [WIT_MAP] = "map",
        [WIT_OPTION] = "option", [WIT_RESULT] = "result", [WIT_OWN] = "own",
        [WIT_BORROW] = "borrow"};
    buf_str(out, str_of(words[t->kind]));
    if (t->kind == WIT_TUPLE)
        buf_printf(out, "%u", t->nfields);
    for (u32 i = 0; i < t->nfields; i++)
        part_name(g, t->fields[i].type, out);
    if (t->kind != WIT_TUPLE)
        part_name(g, t->elem, out);
    if (t->kind == WIT_RESULT || t->kind == WIT_MAP)
        part_name(g, t->second, out);
}

/* "_u32" */
static void part_name(Bindgen *g, WitId id, Buf *out)
{
    buf_u8(out, '_');
    if (id == WIT_NONE) {
        buf_str(out, STR("void"));
        return;
    }
    const WitType *t = &g->m->types[id];
    if (wit_is_primitive(t->kind))
        buf_str(out, t->kind == WIT_CHAR ? STR("char32") : str_of(wit_primitive_name(t->kind)));
    else if (t->name.n)
        buf_str(out, bindgen_snake(g, t->name));
    else
        anonymous_name(g, t, out);
}

Str bindgen_type_name(Bindgen *g, WitId id)
{
    const WitType *t = &g->m->types[id];
    if (t->kind == WIT_STRING)
        return bindgen_format(g, "%.*s_string", TEXT_ARG(g->world));
    Buf b = {0};
    if (t->name.n) {
        buf_str(&b, owner_prefix(g, t));
        part_name(g, id, &b);
    } else {
        buf_str(&b, g->traits[id] & TYPE_PLAIN ? g->world : owner_prefix(g, t));
        part_name(g, id, &b);
    }
    Str s = {arena_strdup(&g->arena, (Str){(const char *)b.p, b.n}), b.n};
    buf_release(&b);
    return s;
}

static const char *const primitive_types[] = {
    [WIT_BOOL] = "bool",    [WIT_U8] = "uint8_t",    [WIT_U16] = "uint16_t",
    [WIT_U32] = "uint32_t", [WIT_U64] = "uint64_t",  [WIT_S8] = "int8_t",
    [WIT_S16] = "int16_t",  [WIT_S32] = "int32_t",   [WIT_S64] = "int64_t",
    [WIT_F32] = "float",    [WIT_F64] = "double",    [WIT_CHAR] = "uint32_t",
    [WIT_STRING] = "",      [WIT_ERROR_CONTEXT] = ""};

Str bindgen_ctype(Bindgen *g, WitId id)
{
    const WitType *t = &g->m->types[id];
    if (wit_is_primitive(t->kind) && t->kind != WIT_STRING)
        return str_of(primitive_types[t->kind]);
    g->has_strings |= t->kind == WIT_STRING;
    return bindgen_format(g, "%.*s_t", TEXT_ARG(bindgen_type_name(g, id)));
}

Str bindgen_func_name(Bindgen *g, const WitFunc *f, bool export)
{
    static const char *const kinds[] = {
        [WIT_FUNC_METHOD] = "method", [WIT_FUNC_STATIC] = "static", [WIT_FUNC_CONSTRUCTOR] = ""};
    Str prefix = export ? g->func_prefix : g->prefix, label = bindgen_snake(g, f->label);
    if (f->kind == WIT_FUNC_FREE)
        return bindgen_format(g, "%.*s_%.*s", TEXT_ARG(prefix), TEXT_ARG(label));
    Str resource = bindgen_snake(g, g->m->types[f->resource].name);
    if (f->kind == WIT_FUNC_CONSTRUCTOR)
        return bindgen_format(g, "%.*s_constructor_%.*s", TEXT_ARG(prefix), TEXT_ARG(resource));
    return bindgen_format(g, "%.*s_%s_%.*s_%.*s", TEXT_ARG(prefix), kinds[f->kind],
                          TEXT_ARG(resource), TEXT_ARG(label));
}

Str bindgen_export_name(Bindgen *g, Str item)
{
    if (!g->wasm_module.n)
        return item;
    return bindgen_format(g, "%.*s#%.*s", TEXT_ARG(g->wasm_module), TEXT_ARG(item));
}
