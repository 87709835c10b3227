/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types of a WIT model in the binary format. Types nest as deep as the resolver allows. */
#include "wit/wit_scope.h"

#include "wit/component_priv.h"

/* Functions in a map of interfaces. */
#define FUNC_KEY ((u64)1 << 32)

void wit_scope_init(WitScope *s, WitScopeKind kind, const WitModel *m)
{
    *s = (WitScope){.m = m, .kind = (u8)kind};
    arena_init(&s->arena);
}

void wit_scope_release(WitScope *s)
{
    buf_release(&s->out);
    buf_release(&s->pending);
    for (u32 i = 0; i < 2; i++) {
        int_map_release(&s->types[i]);
        int_map_release(&s->instances[i]);
    }
    map_release(&s->structures);
    arena_release(&s->arena);
}

void put_extern_name(Buf *b, Str s)
{
    buf_u8(b, 0);
    buf_name(b, s);
}

void put_instance_name(Buf *b, const WitModel *m, WitId interface, Str name)
{
    enum { FORM_ATTRIBUTES = 2, ATTRIBUTE_IMPLEMENTS = 0 };
    const WitInterface *i = &m->interfaces[interface];
    if (!i->is_copy) {
        put_extern_name(b, name);
        return;
    }
    buf_u8(b, FORM_ATTRIBUTES);
    buf_name(b, name);
    buf_uleb(b, 1);
    buf_u8(b, ATTRIBUTE_IMPLEMENTS);
    buf_name(b, m->interfaces[i->original].full);
}

void wit_scope_flush(WitScope *s)
{
    if (s->npending) {
        Buf head = {0};
        buf_uleb(&head, s->npending);
        buf_u8(&s->out, s->section);
        buf_uleb(&s->out, head.n + s->pending.n);
        buf_bytes(&s->out, head.p, head.n);
        buf_bytes(&s->out, s->pending.p, s->pending.n);
        buf_release(&head);
    }
    s->pending.n = 0;
    s->npending = 0;
}

/* Modules and components are sections of their own. */
static void define_section(WitScope *s, u8 section, const Buf *def)
{
    if (section == CSECTION_CORE_MODULE || section == CSECTION_COMPONENT) {
        wit_scope_flush(s);
        buf_section(&s->out, section, def);
        return;
    }
    if (s->section != section)
        wit_scope_flush(s);
    s->section = section;
    buf_bytes(&s->pending, def->p, def->n);
    s->npending++;
}

static u8 decl_code(u8 section)
{
    switch (section) {
    case CSECTION_TYPE:
        return 1;
    case CSECTION_ALIAS:
        return 2;
    case CSECTION_IMPORT:
        return 3;
    case CSECTION_EXPORT:
        return 4;
    }
    BUG("a type has no such declaration");
}

u32 wit_scope_define(WitScope *s, u8 section, Sort sort, const Buf *def)
{
    if (s->kind == WIT_SCOPE_SECTIONS) {
        define_section(s, section, def);
    } else {
        buf_u8(&s->out, decl_code(section));
        buf_bytes(&s->out, def->p, def->n);
        s->ndecls++;
    }
    return s->counts[sort]++;
}

void wit_scope_note(WitScope *s, WitId type, u32 index)
{
    int_map_set(&s->types[s->exporting], type, index);
}

static bool find_noted(const WitScope *s, bool exporting, WitId type, u32 *ret_index)
{
    u32 index;
    if (!int_map_get(&s->types[exporting], type, &index) || index == WIT_NONE)
        return false;
    *ret_index = index;
    return true;
}

bool wit_scope_find(const WitScope *s, WitId type, u32 *ret_index)
{
    return (s->exporting && find_noted(s, true, type, ret_index)) ||
           find_noted(s, false, type, ret_index);
}

void wit_scope_note_instance(WitScope *s, WitId interface, u32 index)
{
    int_map_set(&s->instances[s->exporting], interface, index);
}

u32 wit_scope_alias(WitScope *s, Sort sort, u32 instance, Str name)
{
    static const u8 codes[SORT_COUNT] = {[SORT_FUNC] = 1, [SORT_TYPE] = 3, [SORT_INSTANCE] = 5};
    Buf def = {0};
    buf_u8(&def, codes[sort]);
    buf_u8(&def, 0);
    buf_uleb(&def, instance);
    buf_name(&def, name);
    u32 index = wit_scope_define(s, CSECTION_ALIAS, sort, &def);
    buf_release(&def);
    return index;
}

u32 wit_scope_foreign(WitScope *s, WitId type)
{
    const WitType *t = &s->m->types[type];
    u32 index, instance;
    bool exported = s->exporting && t->owner.kind == WIT_OWNER_INTERFACE &&
                    int_map_get(&s->instances[1], t->owner.id, &instance);
    if (find_noted(s, exported, type, &index))
        return index;
    if (t->owner.kind != WIT_OWNER_INTERFACE ||
        (!exported && !int_map_get(&s->instances[0], t->owner.id, &instance)))
        BUG("a type of an interface that has no instance");
    index = wit_scope_alias(s, SORT_TYPE, instance, t->name);
    int_map_set(&s->types[exported], type, index);
    return index;
}

/* ---- value types ---- */

static u8 primitive_code(WitKind k)
{
    static const u8 codes[WIT_PRIMITIVES] = {
        [WIT_BOOL] = 0x7f,   [WIT_S8] = 0x7e,           [WIT_U8] = 0x7d,  [WIT_S16] = 0x7c,
        [WIT_U16] = 0x7b,    [WIT_S32] = 0x7a,          [WIT_U32] = 0x79, [WIT_S64] = 0x78,
        [WIT_U64] = 0x77,    [WIT_F32] = 0x76,          [WIT_F64] = 0x75, [WIT_CHAR] = 0x74,
        [WIT_STRING] = 0x73, [WIT_ERROR_CONTEXT] = 0x64};
    return codes[k];
}

u32 wit_scope_structure(WitScope *s, const Buf *def)
{
    u64 found;
    if (map_get(&s->structures, (Str){(char *)def->p, def->n}, &found))
        return (u32)found;
    u32 index = wit_scope_define(s, CSECTION_TYPE, SORT_TYPE, def);
    map_add(&s->structures, (Str){arena_dup(&s->arena, def->p, def->n), def->n}, index);
    return index;
}

static void put_optional(WitScope *s, WitId type, Buf *out)
{
    buf_u8(out, type != WIT_NONE);
    if (type != WIT_NONE)
        wit_scope_value(s, type, out);
}

static void put_fields(WitScope *s, const WitType *t, Buf *out)
{
    buf_uleb(out, t->nfields);
    for (u32 i = 0; i < t->nfields; i++) {
        const WitField *f = &t->fields[i];
        if (t->kind != WIT_TUPLE)
            buf_name(out, f->name);
        if (t->kind == WIT_VARIANT)
            put_optional(s, f->type, out);
        else if (t->kind == WIT_RECORD || t->kind == WIT_TUPLE)
            wit_scope_value(s, f->type, out);
        if (t->kind == WIT_VARIANT)
            buf_u8(out, 0);
    }
}

static void put_handle(WitScope *s, WitId resource, Buf *out)
{
    u32 index;
    if (!wit_scope_find(s, resource, &index))
        index = wit_scope_foreign(s, resource);
    buf_uleb(out, index);
}

static void put_structure(WitScope *s, const WitType *t, Buf *out)
{
    static const u8 codes[] = {
        [WIT_RECORD] = 0x72, [WIT_VARIANT] = 0x71, [WIT_ENUM] = 0x6d, [WIT_FLAGS] = 0x6e,
        [WIT_TUPLE] = 0x6f,  [WIT_LIST] = 0x70,    [WIT_MAP] = 0x63,  [WIT_FIXED_LIST] = 0x67,
        [WIT_OPTION] = 0x6b, [WIT_RESULT] = 0x6a,  [WIT_OWN] = 0x69,  [WIT_BORROW] = 0x68,
        [WIT_STREAM] = 0x66, [WIT_FUTURE] = 0x65};
    if (wit_is_primitive(t->kind)) {
        buf_u8(out, primitive_code(t->kind));
        return;
    }
    buf_u8(out, codes[t->kind]);
    if (t->kind == WIT_OWN || t->kind == WIT_BORROW) {
        put_handle(s, t->elem, out);
    } else if (t->kind == WIT_RESULT) {
        put_optional(s, t->elem, out);
        put_optional(s, t->second, out);
    } else if (t->kind == WIT_STREAM || t->kind == WIT_FUTURE) {
        put_optional(s, t->elem, out);
    } else if (t->elem != WIT_NONE && t->nfields == 0 && t->kind >= WIT_LIST) {
        wit_scope_value(s, t->elem, out);
        if (t->kind == WIT_MAP)
            wit_scope_value(s, t->second, out);
        if (t->kind == WIT_FIXED_LIST)
            buf_uleb(out, t->length);
    } else {
        put_fields(s, t, out);
    }
}

static u32 structure_of(WitScope *s, const WitType *t)
{
    Buf def = {0};
    put_structure(s, t, &def);
    u32 index = wit_scope_structure(s, &def);
    buf_release(&def);
    return index;
}

/* A definition that nothing else shares: each named type has one of its own, or readers take the
 * second name of a structure for an alias of something that has no name. */
static u32 own_structure(WitScope *s, const WitType *t)
{
    Buf def = {0};
    put_structure(s, t, &def);
    u32 index = wit_scope_define(s, CSECTION_TYPE, SORT_TYPE, &def);
    buf_release(&def);
    return index;
}

u32 wit_scope_definition(WitScope *s, WitId type)
{
    const WitType *t = &s->m->types[type];
    if (t->kind != WIT_ALIAS)
        return own_structure(s, t);
    u32 index;
    if (wit_scope_find(s, t->elem, &index))
        return index;
    const WitType *target = &s->m->types[t->elem];
    return target->name.n ? wit_scope_foreign(s, t->elem) : own_structure(s, target);
}

void wit_scope_value(WitScope *s, WitId type, Buf *out)
{
    const WitType *t = &s->m->types[type];
    u32 index;
    if (wit_is_primitive(t->kind)) {
        buf_u8(out, primitive_code(t->kind));
        return;
    }
    if (!t->name.n)
        index = structure_of(s, t);
    else if (!wit_scope_find(s, type, &index))
        index = wit_scope_foreign(s, type);
    buf_sleb(out, index);
}

u32 wit_scope_func(WitScope *s, const WitFunc *f)
{
    Buf def = {0};
    buf_u8(&def, f->is_async ? 0x43 : 0x40);
    buf_uleb(&def, f->nparams);
    for (u32 i = 0; i < f->nparams; i++) {
        buf_name(&def, f->params[i].name);
        wit_scope_value(s, f->params[i].type, &def);
    }
    buf_u8(&def, f->result == WIT_NONE);
    if (f->result == WIT_NONE)
        buf_u8(&def, 0);
    else
        wit_scope_value(s, f->result, &def);
    u32 index = wit_scope_structure(s, &def);
    buf_release(&def);
    return index;
}

/* ---- interfaces ---- */

/* (import or export "name" (type (eq index))), or (sub resource) with WIT_NONE. */
static u32 put_type_name(WitScope *s, u8 section, Str name, u32 index)
{
    Buf def = {0};
    put_extern_name(&def, name);
    buf_u8(&def, 3);
    buf_u8(&def, index == WIT_NONE);
    if (index != WIT_NONE)
        buf_uleb(&def, index);
    u32 made = wit_scope_define(s, section, SORT_TYPE, &def);
    buf_release(&def);
    return made;
}

static u32 put_func(WitScope *s, u8 section, Str name, u32 type)
{
    Buf def = {0};
    put_extern_name(&def, name);
    buf_u8(&def, 1);
    buf_uleb(&def, type);
    u32 made = wit_scope_define(s, section, SORT_FUNC, &def);
    buf_release(&def);
    return made;
}

static u32 put_instance(WitScope *s, WitId interface, Str name, u32 type)
{
    Buf def = {0};
    put_instance_name(&def, s->m, interface, name);
    buf_u8(&def, 5);
    buf_uleb(&def, type);
    u32 made = wit_scope_define(s, CSECTION_IMPORT, SORT_INSTANCE, &def);
    buf_release(&def);
    return made;
}

static u32 outer_alias(WitScope *s, u32 index)
{
    Buf def = {0};
    buf_bytes(&def, "\x03\x02\x01", 3);
    buf_uleb(&def, index);
    u32 made = wit_scope_define(s, CSECTION_ALIAS, SORT_TYPE, &def);
    buf_release(&def);
    return made;
}

static void put_interface_type(WitScope *outer, WitScope *s, WitId type)
{
    const WitType *t = &s->m->types[type];
    u32 index = WIT_NONE;
    if (t->used)
        index = outer_alias(s, wit_scope_foreign(outer, t->elem));
    else if (t->kind != WIT_RESOURCE)
        index = wit_scope_definition(s, type);
    wit_scope_note(s, type, put_type_name(s, CSECTION_EXPORT, t->name, index));
}

u32 wit_scope_interface(WitScope *s, WitId interface, const TypeFilter *f, bool types_only)
{
    const WitInterface *i = &s->m->interfaces[interface];
    WitScope inner;
    wit_scope_init(&inner, WIT_SCOPE_INSTANCE, s->m);
    for (u32 k = 0; k < i->ntypes; k++)
        if (!f || f->types[i->types[k]])
            put_interface_type(s, &inner, i->types[k]);
    for (u32 k = 0; k < i->nfuncs && !types_only; k++) {
        const WitFunc *func = &s->m->funcs[i->funcs[k]];
        if (!f || f->funcs[i->funcs[k]])
            put_func(&inner, CSECTION_EXPORT, func->name, wit_scope_func(&inner, func));
    }
    Buf def = {0};
    buf_u8(&def, 0x42);
    buf_uleb(&def, inner.ndecls);
    buf_bytes(&def, inner.out.p, inner.out.n);
    u32 index = wit_scope_define(s, CSECTION_TYPE, SORT_TYPE, &def);
    buf_release(&def);
    wit_scope_release(&inner);
    return index;
}

/* Is anything of the interface wanted? */
static bool interface_wanted(const WitModel *m, WitId interface, const TypeFilter *f)
{
    const WitInterface *i = &m->interfaces[interface];
    for (u32 k = 0; f && k < i->ntypes; k++)
        if (f->types[i->types[k]])
            return true;
    for (u32 k = 0; f && k < i->nfuncs; k++)
        if (f->funcs[i->funcs[k]])
            return true;
    return !f;
}

typedef struct UseFrame {
    WitId interface;
    u32 next;
} UseFrame;

void wit_scope_import_interface(WitScope *s, WitId interface, Str name, const TypeFilter *f,
                                bool types_only)
{
    VEC(UseFrame) stack = {0};
    u32 ignored;
    if (!name.n && int_map_get(&s->instances[0], interface, &ignored))
        return;
    vec_push(&stack, ((UseFrame){interface, 0}));
    while (stack.n) {
        UseFrame *at = &stack.p[stack.n - 1];
        const WitInterface *i = &s->m->interfaces[at->interface];
        if (at->next < i->nuses) {
            WitId used = i->uses[at->next++];
            if (!int_map_get(&s->instances[0], used, &ignored) && interface_wanted(s->m, used, f) &&
                stack.n <= s->m->ninterfaces)
                vec_push(&stack, ((UseFrame){used, 0}));
            continue;
        }
        bool outermost = stack.n == 1;
        Str shown = outermost && name.n ? name : i->full;
        u32 type = wit_scope_interface(s, at->interface, f, types_only && !outermost);
        int_map_set(&s->instances[0], at->interface, put_instance(s, at->interface, shown, type));
        stack.n--;
    }
    vec_release(&stack);
}

static void import_item(WitScope *s, const WitWorldItem *i, const TypeFilter *f)
{
    if (i->kind == WIT_ITEM_TYPE) {
        const WitType *t = &s->m->types[i->id];
        if (f && !f->types[i->id])
            return;
        u32 index = t->kind == WIT_RESOURCE ? WIT_NONE : wit_scope_definition(s, i->id);
        wit_scope_note(s, i->id, put_type_name(s, CSECTION_IMPORT, i->name, index));
    } else if (i->kind == WIT_ITEM_FUNC && (!f || f->funcs[i->id])) {
        u32 type = wit_scope_func(s, &s->m->funcs[i->id]);
        u32 index = put_func(s, CSECTION_IMPORT, i->name, type);
        int_map_set(&s->instances[0], FUNC_KEY | i->id, index);
    }
}

u32 wit_scope_imported_func(WitScope *s, WitId func)
{
    const WitFunc *f = &s->m->funcs[func];
    u32 index, instance;
    if (int_map_get(&s->instances[0], FUNC_KEY | func, &index))
        return index;
    if (f->owner.kind != WIT_OWNER_INTERFACE ||
        !int_map_get(&s->instances[0], f->owner.id, &instance))
        BUG("a function of an interface that has no instance");
    index = wit_scope_alias(s, SORT_FUNC, instance, f->name);
    int_map_set(&s->instances[0], FUNC_KEY | func, index);
    return index;
}

void wit_scope_imports(WitScope *s, const WitWorld *w, const TypeFilter *f)
{
    for (u32 k = 0; k < w->nimports; k++) {
        const WitWorldItem *i = &w->imports[k];
        if (i->kind == WIT_ITEM_INTERFACE && interface_wanted(s->m, i->id, f))
            wit_scope_import_interface(s, i->id, i->name, f, false);
    }
    /* Methods of the world's resources may stand in front of types that they use. */
    for (u32 k = 0; k < w->nimports; k++)
        if (w->imports[k].kind == WIT_ITEM_TYPE)
            import_item(s, &w->imports[k], f);
    for (u32 k = 0; k < w->nimports; k++)
        if (w->imports[k].kind != WIT_ITEM_TYPE)
            import_item(s, &w->imports[k], f);
}
