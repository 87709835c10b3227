/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types in the header, with what frees, drops and makes their values. */
#include "bindgen/bindgen_priv.h"

bool bindgen_is_resource(const WitModel *m, WitId id)
{
    return m->types[wit_unalias(m, id)].kind == WIT_RESOURCE;
}

bool bindgen_by_value(const WitModel *m, WitId id)
{
    const WitType *t = &m->types[wit_unalias(m, id)];
    return (wit_is_primitive(t->kind) && t->kind != WIT_STRING) || t->kind == WIT_ENUM ||
           t->kind == WIT_FLAGS || t->kind == WIT_OWN || t->kind == WIT_BORROW;
}

bool bindgen_own_resource(const Bindgen *g, WitId handle)
{
    const WitType *h = &g->m->types[wit_unalias(g->m, handle)];
    const WitType *r = &g->m->types[wit_unalias(g->m, h->elem)];
    return g->exporting && r->owner.kind == WIT_OWNER_INTERFACE && g->export[r->owner.id].n;
}

const WitType *bindgen_shape(const WitModel *m, WitId id)
{
    const WitType *t = &m->types[id];
    if (t->kind != WIT_ALIAS)
        return t;
    const WitType *to = &m->types[t->elem];
    bool own =
        to->name.n || wit_is_primitive(to->kind) || to->kind == WIT_OWN || to->kind == WIT_BORROW;
    return own ? t : to;
}

static u8 traits_of(const Bindgen *g, const WitType *t)
{
    u8 parts = 0, all = TYPE_PLAIN;
    for (u32 i = 0; i < t->nfields; i++) {
        u8 one = t->fields[i].type == WIT_NONE ? TYPE_PLAIN : g->traits[t->fields[i].type];
        parts |= one;
        all &= one;
    }
    const WitId inner[] = {t->elem, t->second};
    for (u32 i = 0; i < ARRAY_LEN(inner); i++) {
        bool there = inner[i] != WIT_NONE && t->kind != WIT_RESOURCE;
        parts |= there ? g->traits[inner[i]] : 0;
        all &= there ? g->traits[inner[i]] : TYPE_PLAIN;
    }
    u8 memory = parts & TYPE_MEMORY, plain = t->name.n ? 0 : all;
    switch (t->kind) {
    case WIT_STRING:
        return TYPE_FREED | TYPE_MEMORY | TYPE_PLAIN;
    case WIT_LIST:
    case WIT_MAP:
        return (u8)(TYPE_FREED | TYPE_MEMORY | plain);
    case WIT_OPTION:
        return (u8)(TYPE_FREED | memory | plain);
    case WIT_RESULT:
    case WIT_VARIANT:
        return TYPE_FREED | memory;
    case WIT_ALIAS:
    case WIT_RECORD:
        return (u8)((parts & TYPE_FREED) | memory);
    case WIT_TUPLE:
        return (u8)((parts & TYPE_FREED) | memory | plain);
    default:
        return wit_is_primitive(t->kind) ? TYPE_PLAIN : 0;
    }
}

void bindgen_traits(Bindgen *g)
{
    for (u32 i = 0; i < g->m->ntypes; i++)
        g->traits[i] = traits_of(g, &g->m->types[i]); /* parts come before wholes */
}

/* --- freeing --- */

/* A call that frees `expr`, a pointer, if there is anything to free. */
static void put_free(Bindgen *g, WitId type, const char *indent, const char *expr, Str field)
{
    if (type == WIT_NONE || !(g->traits[type] & TYPE_FREED))
        return;
    buf_printf(&g->freeing, "%s%.*s_free(%s%.*s);\n", indent, TEXT_ARG(bindgen_type_name(g, type)),
               expr, TEXT_ARG(field));
}

static void free_list(Bindgen *g, Str element, WitId key, WitId value)
{
    Buf *o = &g->freeing;
    buf_printf(o, "  size_t list_len = ptr->len;\n  if (list_len > 0) {\n");
    u8 traits = (u8)(g->traits[key] | (value == WIT_NONE ? 0 : g->traits[value]));
    if (traits & TYPE_FREED) {
        buf_printf(o, "    %.*s *list_ptr = ptr->ptr;\n", TEXT_ARG(element));
        buf_printf(o, "    for (size_t i = 0; i < list_len; i++) {\n");
        if (value == WIT_NONE)
            put_free(g, key, "      ", "&list_ptr[i]", STR(""));
        else
            put_free(g, key, "      ", "&list_ptr[i].key", STR(""));
        put_free(g, value, "      ", "&list_ptr[i].value", STR(""));
        buf_printf(o, "    }\n");
    }
    buf_printf(o, "    free(ptr->ptr);\n  }\n");
}

static void free_variant(Bindgen *g, const WitType *t)
{
    buf_str(&g->freeing, STR("  switch (ptr->tag) {\n"));
    for (u32 i = 0; i < t->nfields; i++) {
        WitId payload = t->fields[i].type;
        if (payload == WIT_NONE || !(g->traits[payload] & TYPE_FREED))
            continue;
        buf_printf(&g->freeing, "  case %u:\n", i);
        put_free(g, payload, "    ", "&ptr->val.", bindgen_ident(g, t->fields[i].name));
        buf_str(&g->freeing, STR("    break;\n"));
    }
    buf_str(&g->freeing, STR("  default:\n    break;\n  }\n"));
}

/* Of record fields and members of tuples. */
static Str field_name(Bindgen *g, const WitType *t, u32 i)
{
    return t->kind == WIT_TUPLE ? bindgen_format(g, "f%u", i) : bindgen_ident(g, t->fields[i].name);
}

static void free_body(Bindgen *g, WitId id, const WitType *t)
{
    switch (t->kind) {
    case WIT_RECORD:
    case WIT_TUPLE:
        for (u32 i = 0; i < t->nfields; i++)
            put_free(g, t->fields[i].type, "  ", "&ptr->", field_name(g, t, i));
        break;
    case WIT_VARIANT:
        free_variant(g, t);
        break;
    case WIT_OPTION:
        buf_str(&g->freeing, STR("  if (ptr->is_some) {\n"));
        put_free(g, t->elem, "    ", "&ptr->val", STR(""));
        buf_str(&g->freeing, STR("  }\n"));
        break;
    case WIT_RESULT:
        buf_str(&g->freeing, STR("  if (!ptr->is_err) {\n"));
        put_free(g, t->elem, "    ", "&ptr->val.ok", STR(""));
        buf_str(&g->freeing, STR("  } else {\n"));
        put_free(g, t->second, "    ", "&ptr->val.err", STR(""));
        buf_str(&g->freeing, STR("  }\n"));
        break;
    case WIT_LIST:
        free_list(g, bindgen_ctype(g, t->elem), t->elem, WIT_NONE);
        break;
    case WIT_MAP:
        free_list(g, bindgen_format(g, "%.*s_entry_t", TEXT_ARG(bindgen_type_name(g, id))), t->elem,
                  t->second);
        break;
    default: /* an alias */
        put_free(g, t->elem, "  ", "ptr", STR(""));
    }
}

static void define_free(Bindgen *g, WitId id)
{
    if (!(g->traits[id] & TYPE_FREED))
        return;
    Str name = bindgen_type_name(g, id);
    buf_printf(&g->helpers, "void %.*s_free(%.*s_t *ptr);\n\n", TEXT_ARG(name), TEXT_ARG(name));
    buf_printf(&g->freeing, "void %.*s_free(%.*s_t *ptr) {\n", TEXT_ARG(name), TEXT_ARG(name));
    free_body(g, id, bindgen_shape(g->m, id));
    buf_str(&g->freeing, STR("}\n\n"));
}

/* --- resources --- */

static void import_handle(Bindgen *g, const char *what, Str resource, const char *rest)
{
    Str module = g->wasm_module.n ? g->wasm_module : STR("$root");
    buf_printf(&g->freeing,
               "__attribute__((__import_module__(\"%s%.*s\"), __import_name__(\"[resource-%s]%.*s\""
               ")))\nextern %s;\n\n",
               g->exporting ? "[export]" : "", TEXT_ARG(module), what, TEXT_ARG(resource), rest);
}

/* A resource of the host. */
static void define_imported(Bindgen *g, Str name, Str label, Str wit_name)
{
    Buf *o = &g->freeing;
    Str own = bindgen_format(g, "%.*s_own_%.*s_t", TEXT_ARG(g->prefix), TEXT_ARG(label));
    Str borrow = bindgen_format(g, "%.*s_borrow_%.*s_t", TEXT_ARG(g->prefix), TEXT_ARG(label));
    buf_printf(&g->types,
               "typedef struct %.*s {\n  int32_t __handle;\n} %.*s;\n\n"
               "typedef struct %.*s {\n  int32_t __handle;\n} %.*s;\n\n",
               TEXT_ARG(own), TEXT_ARG(own), TEXT_ARG(borrow), TEXT_ARG(borrow));
    buf_printf(&g->helpers,
               "extern void %.*s_drop_own(%.*s handle);\n\n"
               "extern void %.*s_drop_borrow(%.*s handle);\n\n"
               "extern %.*s %.*s_borrow_%.*s(%.*s handle);\n\n",
               TEXT_ARG(name), TEXT_ARG(own), TEXT_ARG(name), TEXT_ARG(borrow), TEXT_ARG(borrow),
               TEXT_ARG(g->prefix), TEXT_ARG(label), TEXT_ARG(own));
    Str drop = bindgen_format(g, "void __wasm_import_%.*s_drop(int32_t handle)", TEXT_ARG(name));
    import_handle(g, "drop", wit_name, drop.p);
    buf_printf(o,
               "void %.*s_drop_own(%.*s handle) {\n"
               "  __wasm_import_%.*s_drop(handle.__handle);\n}\n\n",
               TEXT_ARG(name), TEXT_ARG(own), TEXT_ARG(name));
    buf_printf(o,
               "void %.*s_drop_borrow(%.*s handle) {\n"
               "  __wasm_import_%.*s_drop(handle.__handle);\n}\n\n",
               TEXT_ARG(name), TEXT_ARG(borrow), TEXT_ARG(name));
    buf_printf(
        o, "%.*s %.*s_borrow_%.*s(%.*s handle) {\n  return (%.*s) { handle.__handle };\n}\n\n",
        TEXT_ARG(borrow), TEXT_ARG(g->prefix), TEXT_ARG(label), TEXT_ARG(own), TEXT_ARG(borrow));
}

static void define_exported_functions(Bindgen *g, Str name, Str own, Str wit_name)
{
    Buf *o = &g->freeing;
    Str n = name;
    buf_printf(&g->helpers,
               "extern void %.*s_drop_own(%.*s handle);\n\n"
               "extern %.*s %.*s_new(%.*s_t *rep);\nextern %.*s_t* %.*s_rep(%.*s handle);\n"
               "void %.*s_destructor(%.*s_t *rep);\n\n",
               TEXT_ARG(n), TEXT_ARG(own), TEXT_ARG(own), TEXT_ARG(n), TEXT_ARG(n), TEXT_ARG(n),
               TEXT_ARG(n), TEXT_ARG(own), TEXT_ARG(n), TEXT_ARG(n));
    Str s = bindgen_format(g, "void __wasm_import_%.*s_drop(int32_t handle)", TEXT_ARG(n));
    import_handle(g, "drop", wit_name, s.p);
    s = bindgen_format(g, "int32_t __wasm_import_%.*s_new(int32_t rep)", TEXT_ARG(n));
    import_handle(g, "new", wit_name, s.p);
    s = bindgen_format(g, "int32_t __wasm_import_%.*s_rep(int32_t handle)", TEXT_ARG(n));
    import_handle(g, "rep", wit_name, s.p);
    buf_printf(o,
               "void %.*s_drop_own(%.*s handle) {\n"
               "  __wasm_import_%.*s_drop(handle.__handle);\n}\n\n",
               TEXT_ARG(n), TEXT_ARG(own), TEXT_ARG(n));
    buf_printf(o,
               "%.*s %.*s_new(%.*s_t *rep) {\n"
               "  return (%.*s) { __wasm_import_%.*s_new((int32_t) rep) };\n}\n\n",
               TEXT_ARG(own), TEXT_ARG(n), TEXT_ARG(n), TEXT_ARG(own), TEXT_ARG(n));
    buf_printf(o,
               "%.*s_t* %.*s_rep(%.*s handle) {\n"
               "  return (%.*s_t *) __wasm_import_%.*s_rep(handle.__handle);\n}\n\n",
               TEXT_ARG(n), TEXT_ARG(n), TEXT_ARG(own), TEXT_ARG(n), TEXT_ARG(n));
    Str item = bindgen_format(g, "[dtor]%.*s", TEXT_ARG(wit_name));
    buf_printf(o,
               "__attribute__((__export_name__(\"%.*s\")))\n"
               "void __wasm_export_%.*s_dtor(%.*s_t *rep) {\n  %.*s_destructor(rep);\n}\n\n",
               TEXT_ARG(bindgen_export_name(g, item)), TEXT_ARG(n), TEXT_ARG(n), TEXT_ARG(n));
}

/* A resource of the guest: a borrow is a pointer to what the guest made. */
static void define_exported(Bindgen *g, Str name, Str label, Str wit_name)
{
    Str own = bindgen_format(g, "%.*s_own_%.*s_t", TEXT_ARG(g->prefix), TEXT_ARG(label));
    buf_printf(&g->types,
               "typedef struct %.*s {\n  int32_t __handle;\n} %.*s;\n\n"
               "typedef struct %.*s_t %.*s_t;\n\ntypedef %.*s_t* %.*s_borrow_%.*s_t;\n\n",
               TEXT_ARG(own), TEXT_ARG(own), TEXT_ARG(name), TEXT_ARG(name), TEXT_ARG(name),
               TEXT_ARG(g->prefix), TEXT_ARG(label));
    define_exported_functions(g, name, own, wit_name);
}

static void define_resource(Bindgen *g, WitId id)
{
    const WitType *t = &g->m->types[id];
    Str name = bindgen_type_name(g, id), label = bindgen_snake(g, t->name);
    if (g->exporting && t->owner.kind == WIT_OWNER_INTERFACE)
        define_exported(g, name, label, t->name);
    else
        define_imported(g, name, label, t->name);
}

/* A handle to a resource that this scope knows by another name. */
static void define_handle(Bindgen *g, WitId id, const WitType *t)
{
    const WitType *alias = &g->m->types[t->elem];
    const WitType *r = &g->m->types[wit_unalias(g->m, t->elem)];
    if (alias->kind == WIT_RESOURCE)
        return;
    Str prefix = r->owner.kind == WIT_OWNER_INTERFACE ? bindgen_prefix(g, r->owner.id) : g->world;
    buf_printf(&g->types, "typedef %.*s_%s_%.*s_t %.*s_t;\n\n", TEXT_ARG(prefix),
               t->kind == WIT_OWN ? "own" : "borrow", TEXT_ARG(bindgen_snake(g, r->name)),
               TEXT_ARG(bindgen_type_name(g, id)));
}

/* --- declarations --- */

const char *bindgen_int_type(u32 bytes)
{
    return bytes == 1 ? "uint8_t" : bytes == 2 ? "uint16_t" : "uint32_t";
}

static void put_docs(Buf *out, const char *indent, Str docs)
{
    usize from = 0;
    while (from < docs.n) {
        const char *nl = memchr(docs.p + from, '\n', docs.n - from);
        usize to = nl ? (usize)(nl - docs.p) : docs.n;
        usize end = to;
        /* A backslash at the end would continue the comment. */
        while (end > from && (docs.p[end - 1] == '\\' || docs.p[end - 1] == ' '))
            end--;
        buf_printf(out, "%s//%s", indent, end > from ? " " : "");
        buf_str(out, (Str){docs.p + from, end - from});
        buf_u8(out, '\n');
        from = to + 1;
    }
}

/* #define lines of an enum, a variant or flags. */
static void put_constants(Bindgen *g, Str name, const WitType *t)
{
    Str upper = bindgen_upper(g, name);
    buf_u8(&g->types, '\n');
    for (u32 i = 0; i < t->nfields; i++) {
        put_docs(&g->types, "", t->fields[i].docs);
        buf_printf(&g->types,
                   t->kind == WIT_FLAGS ? "#define %.*s_%.*s (1 << %u)\n"
                                        : "#define %.*s_%.*s %u\n",
                   TEXT_ARG(upper), TEXT_ARG(bindgen_upper(g, t->fields[i].name)), i);
    }
}

static void put_fields(Bindgen *g, const WitType *t)
{
    for (u32 i = 0; i < t->nfields; i++) {
        put_docs(&g->types, "  ", t->fields[i].docs);
        buf_printf(&g->types, "  %.*s %.*s;\n", TEXT_ARG(bindgen_ctype(g, t->fields[i].type)),
                   TEXT_ARG(field_name(g, t, i)));
    }
}

static void put_variant(Bindgen *g, const WitType *t)
{
    bool has_payload = false;
    for (u32 i = 0; i < t->nfields; i++)
        has_payload |= t->fields[i].type != WIT_NONE;
    buf_printf(&g->types, "  %s tag;\n", bindgen_int_type(wit_discriminant_size(t->nfields)));
    if (!has_payload)
        return;
    buf_str(&g->types, STR("  union {\n"));
    for (u32 i = 0; i < t->nfields; i++)
        if (t->fields[i].type != WIT_NONE)
            buf_printf(&g->types, "    %.*s %.*s;\n", TEXT_ARG(bindgen_ctype(g, t->fields[i].type)),
                       TEXT_ARG(bindgen_ident(g, t->fields[i].name)));
    buf_str(&g->types, STR("  } val;\n"));
}

static void put_result(Bindgen *g, const WitType *t)
{
    buf_str(&g->types, STR("  bool is_err;\n"));
    if (t->elem == WIT_NONE && t->second == WIT_NONE)
        return;
    buf_str(&g->types, STR("  union {\n"));
    if (t->elem != WIT_NONE)
        buf_printf(&g->types, "    %.*s ok;\n", TEXT_ARG(bindgen_ctype(g, t->elem)));
    if (t->second != WIT_NONE)
        buf_printf(&g->types, "    %.*s err;\n", TEXT_ARG(bindgen_ctype(g, t->second)));
    buf_str(&g->types, STR("  } val;\n"));
}

/* What stands between the braces of a struct. */
static void put_members(Bindgen *g, Str name, const WitType *t)
{
    switch (t->kind) {
    case WIT_RECORD:
    case WIT_TUPLE:
        put_fields(g, t);
        break;
    case WIT_VARIANT:
        put_variant(g, t);
        break;
    case WIT_OPTION:
        buf_printf(&g->types, "  bool is_some;\n  %.*s val;\n",
                   TEXT_ARG(bindgen_ctype(g, t->elem)));
        break;
    case WIT_RESULT:
        put_result(g, t);
        break;
    case WIT_MAP:
        buf_printf(&g->types, "  %.*s_entry_t *ptr;\n  size_t len;\n", TEXT_ARG(name));
        break;
    default: /* a list */
        buf_printf(&g->types, "  %.*s *ptr;\n  size_t len;\n", TEXT_ARG(bindgen_ctype(g, t->elem)));
    }
}

static void put_struct(Bindgen *g, Str name, const WitType *t, bool named)
{
    if (t->kind == WIT_MAP)
        buf_printf(&g->types, "typedef struct {\n  %.*s key;\n  %.*s value;\n} %.*s_entry_t;\n\n",
                   TEXT_ARG(bindgen_ctype(g, t->elem)), TEXT_ARG(bindgen_ctype(g, t->second)),
                   TEXT_ARG(name));
    if (named)
        buf_printf(&g->types, "typedef struct %.*s_t {\n", TEXT_ARG(name));
    else
        buf_str(&g->types, STR("typedef struct {\n"));
    put_members(g, name, t);
    buf_printf(&g->types, "} %.*s_t;\n\n", TEXT_ARG(name));
    if (t->kind == WIT_VARIANT) {
        g->types.n--; /* constants stand close */
        put_constants(g, name, t);
        buf_u8(&g->types, '\n');
    }
}

static void put_type(Bindgen *g, WitId id, const WitType *t)
{
    const WitType *as_named = &g->m->types[id];
    Str name = bindgen_type_name(g, id);
    put_docs(&g->types, "", as_named->docs);
    if (t->kind == WIT_ENUM || t->kind == WIT_FLAGS) {
        u32 bytes = t->kind == WIT_ENUM ? wit_discriminant_size(t->nfields)
                    : t->nfields <= 8   ? 1
                    : t->nfields <= 16  ? 2
                                        : 4;
        buf_printf(&g->types, "typedef %s %.*s_t;\n", bindgen_int_type(bytes), TEXT_ARG(name));
        put_constants(g, name, t);
        buf_u8(&g->types, '\n');
    } else if (t->kind == WIT_ALIAS) {
        buf_printf(&g->types, "typedef %.*s %.*s_t;\n\n", TEXT_ARG(bindgen_ctype(g, t->elem)),
                   TEXT_ARG(name));
    } else {
        put_struct(g, name, t, as_named->name.n);
    }
}

void bindgen_define(Bindgen *g, WitId id)
{
    const WitType *t = &g->m->types[id];
    if (wit_is_primitive(t->kind))
        return;
    /* Types of other scopes are there already; an alias of a resource is not a type in C. */
    /* Types of a world are also those of the worlds that it includes. */
    bool foreign =
        t->name.n && (t->owner.kind != g->owner.kind ||
                      (t->owner.kind == WIT_OWNER_INTERFACE && t->owner.id != g->owner.id));
    if (foreign || (t->kind == WIT_ALIAS && bindgen_is_resource(g->m, id)))
        return;
    if (g->error)
        return;
    Str name = bindgen_type_name(g, id);
    if (name.n > BINDGEN_NAME_LIMIT) {
        g->error =
            error_new("the type %.*s... has a name of more than %d characters in C; a `type` "
                      "of its own makes it shorter",
                      40, name.p, BINDGEN_NAME_LIMIT);
        return;
    }
    if (!map_add(&g->emitted, name, 1))
        return;
    if (t->kind == WIT_RESOURCE) {
        put_docs(&g->types, "", t->docs);
        define_resource(g, id);
        return;
    }
    if (t->kind == WIT_OWN || t->kind == WIT_BORROW) {
        define_handle(g, id, t);
        return;
    }
    t = bindgen_shape(g->m, id);
    for (u32 i = 0; i < t->nfields; i++)
        if (t->fields[i].type != WIT_NONE)
            bindgen_define(g, t->fields[i].type);
    if (t->elem != WIT_NONE)
        bindgen_define(g, t->elem);
    if (t->second != WIT_NONE)
        bindgen_define(g, t->second);
    put_type(g, id, t);
    define_free(g, id);
}
