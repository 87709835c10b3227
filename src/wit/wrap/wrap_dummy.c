/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A core module that has what a world asks for and does nothing: all of its imports, and exports
 * that trap. It is written as text; names of WIT need no escapes there.
 */
#include "wasm/text/text.h"
#include "wit/component.h"
#include "wit/wit_flat.h"
#include "wit/wrap/wrap.h"

typedef struct Dummy {
    const WitModel *m;
    bool standard; /* names that begin with cm32p2 */
    Buf text;
    Error *error; /* the first one */
} Dummy;

static void put_types(Dummy *d, const char *word, const WitFlat *flat)
{
    buf_printf(&d->text, " (%s", word);
    for (u32 i = 0; i < flat->n; i++) {
        char c = flat->c[i];
        buf_str(&d->text, c == 'i'   ? STR(" i32")
                          : c == 'I' ? STR(" i64")
                          : c == 'f' ? STR(" f32")
                                     : STR(" f64"));
    }
    buf_u8(&d->text, ')');
}

/* Parameters and results of the core function, and whether its result is in memory. */
static bool put_signature(Dummy *d, const WitFunc *f, bool export)
{
    WitFlat params = {.n = 0}, result = {.n = 0};
    for (u32 i = 0; i < f->nparams; i++)
        wit_flatten(d->m, f->params[i].type, &params);
    if (f->result != WIT_NONE)
        wit_flatten(d->m, f->result, &result);
    bool spilled = result.n > 1;
    if (params.n > WIT_MAX_FLAT_PARAMS)
        params = (WitFlat){.c = {'i'}, .n = 1};
    if (spilled && !export)
        params.c[params.n++] = 'i';
    if (spilled)
        result = (WitFlat){.c = {'i'}, .n = export};
    put_types(d, "param", &params);
    put_types(d, "result", &result);
    return spilled;
}

/*
 * The module of an import: that of an interface, or of the world with an empty name; `exported`:
 * what belongs to an exported interface.
 */
static void put_module(Dummy *d, Str name, bool exported)
{
    buf_str(&d->text, STR("(import \""));
    if (!d->standard) {
        buf_str(&d->text, exported ? STR("[export]") : STR(""));
        buf_str(&d->text, name.n ? name : STR("$root"));
    } else {
        buf_str(&d->text, STR("cm32p2"));
        buf_str(&d->text, exported ? STR("|_ex_") : name.n ? STR("|") : STR(""));
        extern_name_track(name, &d->text);
    }
    buf_str(&d->text, STR("\" \""));
}

static void refuse_async(Dummy *d, const WitFunc *f)
{
    if (f->is_async && !d->error)
        d->error = error_new("`%.*s` is asynchronous; there are no dummies for that yet",
                             STR_ARG(f->label));
}

static void put_import(Dummy *d, Str module, const WitFunc *f)
{
    refuse_async(d, f);
    put_module(d, module, false);
    buf_printf(&d->text, "%.*s\" (func", STR_ARG(f->name));
    put_signature(d, f, false);
    buf_str(&d->text, STR("))\n"));
}

static void put_builtin(Dummy *d, bool exported, Str module, const char *what, Str resource)
{
    bool result = strcmp(what, "drop") != 0;
    put_module(d, module, exported);
    if (d->standard)
        buf_printf(&d->text, "%.*s_%s", STR_ARG(resource), what);
    else
        buf_printf(&d->text, "[resource-%s]%.*s", what, STR_ARG(resource));
    buf_printf(&d->text, "\" (func (param i32)%s))\n", result ? " (result i32)" : "");
}

/*
 * (func (export "NAME", for a function of an interface, or of the world with an empty `interface`.
 * prefix and mark: what other names have in front of the whole and of the function, end: what the
 * standard ones have behind it.
 */
static void put_name(Dummy *d, Str interface, const char *prefix, const char *mark, Str func,
                     const char *end)
{
    buf_str(&d->text, STR("(func (export \""));
    if (d->standard) {
        buf_str(&d->text, STR("cm32p2|"));
        extern_name_track(interface, &d->text);
        buf_printf(&d->text, "|%.*s%s", STR_ARG(func), end);
    } else {
        buf_printf(&d->text, "%s%.*s%s%s%.*s", prefix, STR_ARG(interface), interface.n ? "#" : "",
                   mark, STR_ARG(func));
    }
    buf_str(&d->text, STR("\")"));
}

static void put_export(Dummy *d, Str interface, const WitFunc *f)
{
    refuse_async(d, f);
    put_name(d, interface, "", "", f->name, "");
    bool spilled = put_signature(d, f, true);
    buf_str(&d->text, STR(" unreachable)\n"));
    if (!spilled)
        return;
    put_name(d, interface, "cabi_post_", "", f->name, "_post");
    buf_str(&d->text, STR(" (param i32))\n"));
}

static bool is_resource(const Dummy *d, WitId type)
{
    return d->m->types[type].kind == WIT_RESOURCE;
}

static void import_interface(Dummy *d, Str module, const WitInterface *in)
{
    for (u32 i = 0; i < in->nfuncs; i++)
        put_import(d, module, &d->m->funcs[in->funcs[i]]);
    for (u32 i = 0; i < in->ntypes; i++)
        if (is_resource(d, in->types[i]))
            put_builtin(d, false, module, "drop", d->m->types[in->types[i]].name);
}

/* Imports stand in front of all else. */
static void import_for_exports(Dummy *d, Str module, const WitInterface *in)
{
    static const char *const builtins[] = {"drop", "new", "rep"};
    for (u32 i = 0; i < in->ntypes; i++)
        for (u32 k = 0; is_resource(d, in->types[i]) && k < ARRAY_LEN(builtins); k++)
            put_builtin(d, true, module, builtins[k], d->m->types[in->types[i]].name);
}

static void export_interface(Dummy *d, Str module, const WitInterface *in)
{
    for (u32 i = 0; i < in->nfuncs; i++)
        put_export(d, module, &d->m->funcs[in->funcs[i]]);
    for (u32 i = 0; i < in->ntypes; i++)
        if (is_resource(d, in->types[i])) {
            put_name(d, module, "", "[dtor]", d->m->types[in->types[i]].name, "_dtor");
            buf_str(&d->text, STR(" (param i32))\n"));
        }
}

static void put_item(Dummy *d, const WitWorldItem *item, bool export)
{
    const WitModel *m = d->m;
    Str none = {"", 0};
    if (item->kind == WIT_ITEM_INTERFACE) {
        const WitInterface *in = &m->interfaces[item->id];
        (export ? export_interface : import_interface)(d, item->name.n ? item->name : in->full, in);
    } else if (item->kind == WIT_ITEM_FUNC && export) {
        put_export(d, none, &m->funcs[item->id]);
    } else if (item->kind == WIT_ITEM_FUNC) {
        put_import(d, none, &m->funcs[item->id]);
    } else if (is_resource(d, item->id)) {
        put_builtin(d, false, none, "drop", item->name);
    }
}

Error *component_dummy(const WitModel *m, WitId world, bool standard, Buf *out)
{
    Dummy d = {.m = m, .standard = standard};
    const WitWorld *w = &m->worlds[world];
    Diag diag;
    buf_str(&d.text, STR("(module\n"));
    for (u32 i = 0; i < w->nimports; i++)
        put_item(&d, &w->imports[i], false);
    for (u32 i = 0; i < w->nexports; i++) {
        const WitWorldItem *item = &w->exports[i];
        if (item->kind == WIT_ITEM_INTERFACE)
            import_for_exports(&d, item->name.n ? item->name : m->interfaces[item->id].full,
                               &m->interfaces[item->id]);
    }
    buf_printf(&d.text,
               "(memory (export \"%s\") 0)\n(func (export \"%s\") (param i32 i32 i32 i32) "
               "(result i32) unreachable)\n",
               standard ? "cm32p2_memory" : "memory", standard ? "cm32p2_realloc" : "cabi_realloc");
    for (u32 i = 0; i < w->nexports; i++)
        put_item(&d, &w->exports[i], true);
    buf_str(&d.text, STR(")\n"));
    diag_init(&diag);
    Str text = {(const char *)d.text.p, d.text.n};
    if (!d.error && !text_parse_module(text, &(TextOptions){0}, out, NULL, &diag))
        d.error = text_error("dummy", text, &diag);
    buf_release(&d.text);
    return d.error;
}
