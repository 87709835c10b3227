/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Core types of components: recursive groups, which the reader of modules reads into a module that
 * stands for the index space, and types of modules.
 */
#include "wit/component_priv.h"

enum { CODE_MODULE = 0x50 };

/* ---- module types ---- */

static CoreExtern read_core_extern(CDecoder *d)
{
    const u8 *at = rd(d)->at;
    CoreExtern e = {.kind = read_u8(rd(d))};
    if (!ok(d))
        return e;
    switch (e.kind) {
    case EXTERN_FUNC:
        e.func = decode_func_type_index(&d->w);
        break;
    case EXTERN_TABLE:
        e.table = decode_table_type(&d->w);
        break;
    case EXTERN_MEMORY:
        e.memory = decode_memory_type(&d->w);
        break;
    case EXTERN_GLOBAL:
        e.global = decode_global_type(&d->w);
        break;
    case EXTERN_TAG:
        e.func = decode_tag_type(&d->w);
        break;
    default:
        cbad_code(d, at, e.kind, "external kind");
    }
    return e;
}

static void check_module_names(CDecoder *d, CoreModuleType *t)
{
    Buf key = {0};
    for (u32 i = 0; i < t->nimports && ok(d); i++) {
        const CoreNamed *m = &t->imports[i];
        key.n = 0;
        buf_str(&key, m->module);
        buf_u8(&key, 0);
        buf_str(&key, m->name);
        Str own = {arena_dup(arena(d), key.p, key.n), key.n};
        if (!map_add(&t->import_map, own, i))
            cfail(d, "duplicate import name `%.*s:%.*s`", STR_ARG(m->module), STR_ARG(m->name));
    }
    buf_release(&key);
    if (t->nimports)
        vec_push(&d->root->maps, &t->import_map);
}

static void check_export_names(CDecoder *d, const CoreModuleType *t)
{
    Map seen = {0};
    for (u32 i = 0; i < t->nexports && ok(d); i++)
        if (!map_add(&seen, t->exports[i].name, i))
            cfail(d, "export name `%.*s` already defined", STR_ARG(t->exports[i].name));
    map_release(&seen);
}

static CoreExtern module_item(const WasmModule *m, u8 kind, u32 index)
{
    CoreExtern e = {.kind = kind};
    switch ((ExternKind)kind) {
    case EXTERN_FUNC:
        e.func = m->funcs[index].type;
        break;
    case EXTERN_TABLE:
        e.table = m->tables[index].type;
        break;
    case EXTERN_MEMORY:
        e.memory = m->memories[index];
        break;
    case EXTERN_GLOBAL:
        e.global = m->globals[index].type;
        break;
    case EXTERN_TAG:
        e.func = m->tags[index];
        break;
    }
    return e;
}

const CoreModuleType *module_type_of(CDecoder *d, const WasmModule *m)
{
    CoreModuleType *t = arena_new(arena(d), CoreModuleType);
    t->nimports = m->nimports;
    t->imports = arena_array(arena(d), CoreNamed, m->nimports);
    for (u32 i = 0; i < m->nimports; i++) {
        const Import *e = &m->imports[i];
        t->imports[i] = (CoreNamed){e->module, e->name, module_item(m, e->kind, e->index)};
    }
    t->nexports = m->nexports;
    t->exports = arena_array(arena(d), CoreNamed, m->nexports);
    for (u32 i = 0; i < m->nexports; i++) {
        const Export *e = &m->exports[i];
        t->exports[i] = (CoreNamed){{0}, e->name, module_item(m, e->kind, e->index)};
    }
    check_module_names(d, t);
    core_index(d, t);
    return t;
}

/* (alias outer <count> <index> (type)): a type from outside, no module type. */
static void read_module_alias(CDecoder *d, u32 *cap)
{
    const u8 *at = d->at = rd(d)->at;
    u8 sort = read_u8(rd(d)), how = read_u8(rd(d));
    u32 count = read_u32(rd(d)), index = read_u32(rd(d));
    if (!ok(d))
        return;
    if (sort != 0x10 || how != 0x01) {
        cbad_code(d, at, sort == 0x10 ? how : sort,
                  sort == 0x10 ? "outer alias target" : "outer alias kind");
        return;
    }
    const Scope *s = d->scope;
    WasmModule *m = d->w.m;
    u32 id = TYPE_NONE;
    if (count == 0) {
        id = index < m->ntypes ? m->types[index] : TYPE_NONE;
    } else {
        for (u32 i = 1; i < count && s; i++)
            s = s->outer;
        if (!s) {
            cfail(d, "invalid outer alias count of %u", count);
            return;
        }
        if (index < s->core.ntypes && s->core_types.p[index]) {
            cfail(d, "cannot alias module type %u into a module type", index);
            return;
        }
        id = index < s->core.ntypes ? s->core.types[index] : TYPE_NONE;
    }
    if (id == TYPE_NONE) {
        cfail(d, "unknown core type %u: type index out of bounds", index);
        return;
    }
    if (m->ntypes == *cap) {
        u32 *grown = arena_array(&m->arena, u32, *cap * 2 + 8);
        if (m->ntypes)
            memcpy(grown, m->types, m->ntypes * sizeof *grown);
        m->types = grown;
        *cap = *cap * 2 + 8;
    }
    types_ref(m->registry, id);
    m->types[m->ntypes++] = id;
}

typedef struct ModuleDecls {
    VEC(CoreNamed) imports, exports;
} ModuleDecls;

static void read_module_decl(CDecoder *d, ModuleDecls *l, u32 *cap)
{
    const u8 *at = d->at = rd(d)->at;
    u8 code = read_u8(rd(d));
    CoreNamed n = {0};
    switch (code) {
    case 0:
        n.module = read_name(rd(d));
        n.name = read_name(rd(d));
        n.type = read_core_extern(d);
        vec_push(&l->imports, n);
        return;
    case 1:
        if (ok(d))
            decode_type_group(&d->w, cap);
        return;
    case 2:
        read_module_alias(d, cap);
        return;
    case 3:
        n.name = read_name(rd(d));
        n.type = read_core_extern(d);
        vec_push(&l->exports, n);
        return;
    default:
        cbad_code(d, at, code, "type definition");
    }
}

void core_space_init(CDecoder *d, WasmModule *m)
{
    *m = (WasmModule){.registry = d->root->component.registry,
                      .features = d->options->features | FEATURE_MASK(MVP)};
    arena_init(&m->arena);
}

void core_space_enter(CDecoder *d, WasmModule *m)
{
    d->w.m = m;
    d->w.r.m = m;
}

/* The references of a space's types go to the outermost component. */
void core_space_leave(CDecoder *d, WasmModule *m)
{
    for (u32 i = 0; i < m->ntypes; i++)
        if (m->types[i] != TYPE_NONE)
            vec_push(&d->root->type_ids, m->types[i]);
    arena_release(&m->arena);
}

static const CoreModuleType *read_module_type(CDecoder *d)
{
    const u8 *at = rd(d)->at;
    WasmModule space, *outer = d->w.m;
    core_space_init(d, &space);
    core_space_enter(d, &space);
    ModuleDecls l = {0};
    u32 cap = 0, n = cread_count(d, LIMIT_DECLS, "module type declarations");
    for (u32 i = 0; i < n && ok(d); i++)
        read_module_decl(d, &l, &cap);
    CoreModuleType *t = arena_new(arena(d), CoreModuleType);
    t->nimports = l.imports.n;
    t->imports = arena_dup(arena(d), l.imports.p, l.imports.n * sizeof *l.imports.p);
    t->nexports = l.exports.n;
    t->exports = arena_dup(arena(d), l.exports.p, l.exports.n * sizeof *l.exports.p);
    vec_release(&l.imports);
    vec_release(&l.exports);
    d->at = at;
    check_module_names(d, t);
    check_export_names(d, t);
    core_index(d, t);
    core_space_enter(d, outer);
    core_space_leave(d, &space);
    return t;
}

/* Puts an entry into the scope's core type space: a canonical id, or TYPE_NONE and a module type.
 */
static void push_core_type(CDecoder *d, u32 id, const CoreModuleType *module)
{
    WasmModule *m = &d->scope->core;
    if (m->ntypes == d->scope->core_cap) {
        d->scope->core_cap = d->scope->core_cap * 2 + 8;
        u32 *grown = arena_array(&m->arena, u32, d->scope->core_cap);
        if (m->ntypes)
            memcpy(grown, m->types, m->ntypes * sizeof *grown);
        m->types = grown;
    }
    if (id != TYPE_NONE)
        types_ref(m->registry, id);
    m->types[m->ntypes++] = id;
    vec_push(&d->scope->core_types, module);
}

void core_type_alias(CDecoder *d, const Scope *s, u32 index)
{
    push_core_type(d, s->core.types[index], s->core_types.p[index]);
}

void cread_core_type(CDecoder *d)
{
    Scope *s = d->scope;
    Reader *r = rd(d);
    d->at = r->at;
    if (s->core.ntypes >= LIMIT_CTYPES) {
        read_fail(r, DIAG_LIMIT, r->at, "too many core types: the limit is %u", LIMIT_CTYPES);
        return;
    }
    if (r->at < r->end && *r->at == CODE_MODULE) {
        r->at++;
        const CoreModuleType *t = read_module_type(d);
        if (ok(d))
            push_core_type(d, TYPE_NONE, t);
        return;
    }
    /* A plain `sub` has a byte in front, as its own code is that of module types here. */
    if (r->at + 1 < r->end && r->at[0] == 0x00 && r->at[1] == CODE_MODULE)
        r->at++;
    decode_type_group(&d->w, &s->core_cap);
    while (s->core_types.n < s->core.ntypes)
        vec_push(&s->core_types, NULL);
}
