/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A core module that has what a world asks for and does nothing: all of its imports, and exports
 * that trap. It is written as text; names of WIT need no escapes there.
 */
#include "wasm/text/text.h"
#include "wit/wit_flat.h"
#include "wit/wrap/wrap.h"

typedef struct Dummy {
    const WitModel *m;
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

static void put_import(Dummy *d, Str module, const WitFunc *f)
{
    if (f->is_async && !d->error)
        d->error = error_new("`%.*s` is asynchronous; there are no dummies for that yet",
                             STR_ARG(f->label));
    buf_printf(&d->text, "(import \"%.*s\" \"%.*s\" (func", STR_ARG(module), STR_ARG(f->name));
    put_signature(d, f, false);
    buf_str(&d->text, STR("))\n"));
}

static void put_builtin(Dummy *d, const char *prefix, Str module, const char *what, Str resource)
{
    bool result = strcmp(what, "drop") != 0;
    buf_printf(&d->text, "(import \"%s%.*s\" \"[resource-%s]%.*s\" (func (param i32)%s))\n", prefix,
               STR_ARG(module), what, STR_ARG(resource), result ? " (result i32)" : "");
}

/* `before`: "ns:pkg/interface#", or nothing for the world. */
static void put_export(Dummy *d, Str before, const char *hash, const WitFunc *f)
{
    if (f->is_async && !d->error)
        d->error = error_new("`%.*s` is asynchronous; there are no dummies for that yet",
                             STR_ARG(f->label));
    buf_printf(&d->text, "(func (export \"%.*s%s%.*s\")", STR_ARG(before), hash, STR_ARG(f->name));
    bool spilled = put_signature(d, f, true);
    buf_str(&d->text, STR(" unreachable)\n"));
    if (spilled)
        buf_printf(&d->text, "(func (export \"cabi_post_%.*s%s%.*s\") (param i32))\n",
                   STR_ARG(before), hash, STR_ARG(f->name));
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
            put_builtin(d, "", module, "drop", d->m->types[in->types[i]].name);
}

/* Imports stand in front of all else. */
static void import_for_exports(Dummy *d, Str module, const WitInterface *in)
{
    static const char *const builtins[] = {"drop", "new", "rep"};
    for (u32 i = 0; i < in->ntypes; i++)
        for (u32 k = 0; is_resource(d, in->types[i]) && k < ARRAY_LEN(builtins); k++)
            put_builtin(d, "[export]", module, builtins[k], d->m->types[in->types[i]].name);
}

static void export_interface(Dummy *d, Str module, const WitInterface *in)
{
    for (u32 i = 0; i < in->nfuncs; i++)
        put_export(d, module, "#", &d->m->funcs[in->funcs[i]]);
    for (u32 i = 0; i < in->ntypes; i++)
        if (is_resource(d, in->types[i]))
            buf_printf(&d->text, "(func (export \"%.*s#[dtor]%.*s\") (param i32))\n",
                       STR_ARG(module), STR_ARG(d->m->types[in->types[i]].name));
}

static void put_item(Dummy *d, const WitWorldItem *item, bool export)
{
    const WitModel *m = d->m;
    Str none = {"", 0};
    if (item->kind == WIT_ITEM_INTERFACE) {
        const WitInterface *in = &m->interfaces[item->id];
        (export ? export_interface : import_interface)(d, item->name.n ? item->name : in->full, in);
    } else if (item->kind == WIT_ITEM_FUNC && export) {
        put_export(d, none, "", &m->funcs[item->id]);
    } else if (item->kind == WIT_ITEM_FUNC) {
        put_import(d, STR("$root"), &m->funcs[item->id]);
    } else if (is_resource(d, item->id)) {
        put_builtin(d, "", STR("$root"), "drop", item->name);
    }
}

Error *component_dummy(const WitModel *m, WitId world, Buf *out)
{
    Dummy d = {.m = m};
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
    buf_str(&d.text, STR("(memory (export \"memory\") 0)\n(func (export \"cabi_realloc\") (param "
                         "i32 i32 i32 i32) (result i32) unreachable)\n"));
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
