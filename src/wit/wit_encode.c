/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WIT in binary form: writing packages and worlds. */
#include "base/map.h"
#include "wit/wit_scope.h"
#include "wit/wit_binary.h"
#include "wit/wit_docs.h"

#include <stdlib.h>

static const u8 preamble[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
enum { ENCODING_VERSION = 4 };

/* (component DECLARATIONS) as a type of `s`; its index. */
static u32 put_component_type(WitScope *s, const WitScope *inner)
{
    Buf def = {0};
    buf_u8(&def, 0x41);
    buf_uleb(&def, inner->ndecls);
    buf_bytes(&def, inner->out.p, inner->out.n);
    u32 index = wit_scope_define(s, CSECTION_TYPE, SORT_TYPE, &def);
    buf_release(&def);
    return index;
}

static void put_export_decl(WitScope *s, Str name, u8 sort_code, u32 type, Sort sort)
{
    Buf def = {0};
    put_extern_name(&def, name);
    buf_u8(&def, sort_code);
    buf_uleb(&def, type);
    wit_scope_define(s, CSECTION_EXPORT, sort, &def);
    buf_release(&def);
}

/* (export "name" (type index)) of the outer component. */
static void put_type_export(WitScope *s, Str name, u32 type)
{
    Buf def = {0};
    put_extern_name(&def, name);
    buf_u8(&def, 3);
    buf_uleb(&def, type);
    buf_u8(&def, 0);
    wit_scope_define(s, CSECTION_EXPORT, SORT_TYPE, &def);
    buf_release(&def);
}

static void put_interface(WitScope *s, WitId interface)
{
    const WitInterface *i = &s->m->interfaces[interface];
    WitScope inner;
    wit_scope_init(&inner, WIT_SCOPE_COMPONENT, s->m);
    for (u32 k = 0; k < i->nuses; k++)
        wit_scope_import_interface(&inner, i->uses[k], (Str){0}, NULL, true);
    u32 type = wit_scope_interface(&inner, interface, NULL, false);
    put_export_decl(&inner, i->full, 5, type, SORT_INSTANCE);
    put_type_export(s, i->name, put_component_type(s, &inner));
    wit_scope_release(&inner);
}

static void put_export_interface(WitScope *s, const WitWorldItem *i)
{
    Str name = i->name.n ? i->name : s->m->interfaces[i->id].full;
    Buf def = {0};
    u32 type = wit_scope_interface(s, i->id, NULL, false);
    put_instance_name(&def, s->m, i->id, name);
    buf_u8(&def, 5);
    buf_uleb(&def, type);
    wit_scope_note_instance(s, i->id, wit_scope_define(s, CSECTION_EXPORT, SORT_INSTANCE, &def));
    buf_release(&def);
}

static int compare_keys(const void *a, const void *b)
{
    u64 x = *(const u64 *)a, y = *(const u64 *)b;
    return x < y ? -1 : x > y;
}

/* Functions, then interfaces: these stand in the model behind those that they use. */
static void put_exports(WitScope *s, const WitWorld *w)
{
    s->exporting = true;
    for (u32 k = 0; k < w->nexports; k++) {
        const WitWorldItem *i = &w->exports[k];
        if (i->kind == WIT_ITEM_FUNC)
            put_export_decl(s, i->name, 1, wit_scope_func(s, &s->m->funcs[i->id]), SORT_FUNC);
    }
    u32 n = 0;
    u64 *order = mem_alloc_array((usize)w->nexports + 1, sizeof *order);
    for (u32 k = 0; k < w->nexports; k++)
        if (w->exports[k].kind == WIT_ITEM_INTERFACE)
            order[n++] = (u64)w->exports[k].id << 32 | k;
    qsort(order, n, sizeof *order, compare_keys);
    for (u32 k = 0; k < n; k++)
        put_export_interface(s, &w->exports[(u32)order[k]]);
    mem_free(order);
}

static void put_world(WitScope *s, const WitWorld *w)
{
    WitScope middle, inner;
    wit_scope_init(&middle, WIT_SCOPE_COMPONENT, s->m);
    wit_scope_init(&inner, WIT_SCOPE_COMPONENT, s->m);
    wit_scope_imports(&inner, w, NULL);
    put_exports(&inner, w);
    put_export_decl(&middle, w->full, 4, put_component_type(&middle, &inner), SORT_COMPONENT);
    put_type_export(s, w->name, put_component_type(s, &middle));
    wit_scope_release(&inner);
    wit_scope_release(&middle);
}

static void put_docs(const WitModel *m, WitId package, Buf *out)
{
    Buf docs = {0}, section = {0};
    wit_docs_write(m, package, &docs);
    if (docs.n) {
        buf_name(&section, STR("package-docs"));
        buf_bytes(&section, docs.p, docs.n);
        buf_section(out, 0, &section);
    }
    buf_release(&docs);
    buf_release(&section);
}

void wit_encode_package(const WitModel *m, WitId package, Buf *out)
{
    const WitPackage *p = &m->packages[package];
    WitScope s;
    wit_scope_init(&s, WIT_SCOPE_SECTIONS, m);
    for (u32 i = 0; i < p->ninterfaces; i++)
        put_interface(&s, p->interfaces[i]);
    for (u32 i = 0; i < p->nworlds; i++)
        put_world(&s, &m->worlds[p->worlds[i]]);
    wit_scope_flush(&s);
    buf_bytes(out, preamble, sizeof preamble);
    buf_bytes(out, s.out.p, s.out.n);
    wit_scope_release(&s);
    put_docs(m, package, out);
}

void wit_encode_world(const WitModel *m, WitId world, StringEncoding encoding, Buf *out)
{
    WitScope s;
    Buf section = {0};
    wit_scope_init(&s, WIT_SCOPE_SECTIONS, m);
    put_world(&s, &m->worlds[world]);
    wit_scope_flush(&s);
    buf_name(&section, STR("wit-component-encoding"));
    buf_u8(&section, ENCODING_VERSION);
    buf_u8(&section, (u8)encoding);
    buf_bytes(out, preamble, sizeof preamble);
    buf_section(out, 0, &section);
    buf_bytes(out, s.out.p, s.out.n);
    buf_release(&section);
    wit_scope_release(&s);
}

static Str item_name(const WitModel *m, const WitWorldItem *i)
{
    return i->name.n ? i->name : m->interfaces[i->id].full;
}

/* What only one of both has, by name: that says more than the first difference of types. */
MUST_CHECK static Error *check_names(const WitModel *m, const WitWorld *w, const Component *c)
{
    const CType *t = ctype_get(c->types, c->type);
    Map imports = {0}, exports = {0};
    Buf more = {0}, less = {0};
    u64 ignored;
    for (u32 i = 0; i < w->nimports; i++)
        map_add(&imports, item_name(m, &w->imports[i]), i);
    for (u32 i = 0; i < t->nexports; i++)
        map_add(&exports, t->exports[i].name.text, i);
    for (u32 i = 0; i < t->nimports; i++)
        if (!map_get(&imports, t->imports[i].name.text, &ignored))
            buf_printf(&more, "\n  %.*s", STR_ARG(t->imports[i].name.text));
    for (u32 i = 0; i < w->nexports; i++)
        if (!map_get(&exports, item_name(m, &w->exports[i]), &ignored))
            buf_printf(&less, "\n  %.*s", STR_ARG(item_name(m, &w->exports[i])));
    Buf text = {0};
    if (more.n) {
        buf_str(&text, STR("the component imports what the world does not:"));
        buf_bytes(&text, more.p, more.n);
    }
    if (less.n) {
        buf_printf(&text, "%sthe world exports what the component does not:", more.n ? "\n" : "");
        buf_bytes(&text, less.p, less.n);
    }
    Error *e = NULL;
    if (text.n) {
        char *z = buf_take_string(&text);
        e = error_new("%s", z);
        mem_free(z);
    }
    map_release(&imports);
    map_release(&exports);
    buf_release(&more);
    buf_release(&less);
    buf_release(&text);
    return e;
}

/* The component is exported as of the world's type, which the validator then checks. */
Error *wit_check_world(const WitModel *m, WitId world, const u8 *p, usize n)
{
    WitScope s, inner;
    Buf def = {0}, whole = {0};
    wit_scope_init(&s, WIT_SCOPE_SECTIONS, m);
    wit_scope_init(&inner, WIT_SCOPE_COMPONENT, m);
    wit_scope_imports(&inner, &m->worlds[world], NULL);
    put_exports(&inner, &m->worlds[world]);
    u32 type = put_component_type(&s, &inner);
    buf_bytes(&def, p, n);
    wit_scope_define(&s, CSECTION_COMPONENT, SORT_COMPONENT, &def);
    def.n = 0;
    put_extern_name(&def, STR("component"));
    buf_bytes(&def, "\x04\x00\x01\x04", 4); /* component 0, as of a component type */
    buf_uleb(&def, type);
    wit_scope_define(&s, CSECTION_EXPORT, SORT_COMPONENT, &def);
    wit_scope_flush(&s);
    buf_bytes(&whole, preamble, sizeof preamble);
    buf_bytes(&whole, s.out.p, s.out.n);
    TypeRegistry *registry = types_new();
    Component *c = NULL;
    Error *e = wit_decode_component(registry, p, n, &c); /* errors of its own come first */
    if (!e)
        e = check_names(m, &m->worlds[world], c);
    component_free(c);
    c = NULL;
    if (!e)
        e = wit_decode_component(registry, whole.p, whole.n, &c);
    component_free(c);
    types_free(registry);
    buf_release(&def);
    buf_release(&whole);
    wit_scope_release(&inner);
    wit_scope_release(&s);
    return e;
}
