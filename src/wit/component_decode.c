/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * From bytes to a component: header and sections, one definition after the other. Components inside
 * are read in place, to a bounded depth; modules inside are given to the decoder of modules, which
 * validates their code.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */
#include "wit/component_priv.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- features ---- */

ComponentFeatures component_features_default(void)
{
    ComponentFeatures f = 0;
#define COMPONENT_FEATURE(id, name, on, text)                                                      \
    f |= (ComponentFeatures)(on) << COMPONENT_FEATURE_BIT_##id;
#include "wit/component_features.def"
#undef COMPONENT_FEATURE
    return f;
}

const char *component_feature_name(enum ComponentFeatureBit bit)
{
    static const char *const names[] = {
#define COMPONENT_FEATURE(id, name, on, text) name,
#include "wit/component_features.def"
#undef COMPONENT_FEATURE
    };
    return names[bit];
}

bool cneed(CDecoder *d, enum ComponentFeatureBit bit, const char *what)
{
    static const char *const texts[] = {
#define COMPONENT_FEATURE(id, name, on, text) text,
#include "wit/component_features.def"
#undef COMPONENT_FEATURE
    };
    if (d->options->component_features >> bit & 1)
        return ok(d);
    if (bit == COMPONENT_FEATURE_BIT_MAP) /* its words are a sentence */
        read_fail(rd(d), DIAG_UNSUPPORTED, d->at, "%s feature", texts[bit]);
    else
        read_fail(rd(d), DIAG_UNSUPPORTED, d->at, "%s requires the %s feature", what, texts[bit]);
    return false;
}

/* ---- errors and small things ---- */

void cfail(CDecoder *d, const char *fmt, ...)
{
    char msg[DIAG_MSG_SIZE];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    read_fail(rd(d), DIAG_INVALID, d->at, "%s", msg);
}

u32 cread_count(CDecoder *d, u32 limit, const char *what)
{
    return read_count(rd(d), limit, what);
}

u8 cread_flag(CDecoder *d, const char *what)
{
    const u8 *at = rd(d)->at;
    u8 v = read_u8(rd(d));
    if (v > 1) {
        read_fail(rd(d), DIAG_MALFORMED, at, "invalid leading byte (0x%x) for %s", v, what);
        return 0;
    }
    return v;
}

/* ---- sections ---- */

static void read_component(CDecoder *d, Component *c);

static Range range_of(CDecoder *d, const u8 *from)
{
    return (Range){(u32)read_offset(rd(d), from), (u32)(rd(d)->at - from)};
}

static void push_def(CDecoder *d, const u8 *at, ComponentDef def)
{
    if (!ok(d))
        return;
    def.bytes = range_of(d, at);
    def.index = space_count(d->scope, (Sort)def.space) - 1;
    vec_push(&d->scope->defs, def);
}

static void read_module(CDecoder *d)
{
    Reader *r = rd(d);
    const u8 *at = r->at;
    if (d->scope->core_modules.n >= LIMIT_MODULES) {
        read_fail(r, DIAG_LIMIT, at, "too many modules: the limit is %u", LIMIT_MODULES);
        return;
    }
    usize n = read_left(r);
    if (component_is(at, n)) {
        read_fail(r, DIAG_MALFORMED, at + 4, "expected a version header for a module");
        return;
    }
    Diag diag;
    DecodeOptions o = {d->options->features, d->options->skip_bodies, true};
    WasmModule *m = module_decode(d->root->component.registry, &o, at, n, &diag);
    if (!m) {
        read_fail(r, diag.kind, at + diag.offset, "%s", diag.msg);
        r->diag->func = diag.func;
        d->in_module = true;
        return;
    }
    r->at = r->end;
    vec_push(&d->root->modules, m);
    d->at = at;
    ComponentModule entry = {range_of(d, at), m, module_type_of(d, m)};
    m->file_at = entry.bytes.at;
    vec_push(&d->scope->core_modules, entry);
    push_def(
        d, at,
        (ComponentDef){.kind = DEF_CORE_MODULE, .space = SORT_CORE_MODULE, .module = entry.type});
}

static void read_nested(CDecoder *d)
{
    Scope *s = d->scope;
    const u8 *at = rd(d)->at;
    if (s->components.n >= LIMIT_COMPONENTS) {
        read_fail(rd(d), DIAG_LIMIT, at, "too many components: the limit is %u", LIMIT_COMPONENTS);
        return;
    }
    Component *c = arena_new(arena(d), Component);
    c->parent = s->component;
    read_component(d, c);
    if (!ok(d))
        return;
    vec_push(&s->components, c);
    vec_push(&s->component_types, c->type);
    push_def(d, at, (ComponentDef){.kind = DEF_COMPONENT, .space = SORT_COMPONENT, .component = c});
}

static void read_custom(CDecoder *d)
{
    CustomSection c = {.name = read_name(rd(d))};
    if (!ok(d))
        return;
    c.payload = (Range){(u32)read_offset(rd(d), rd(d)->at), (u32)read_left(rd(d))};
    rd(d)->at = rd(d)->end;
    vec_push(&d->scope->customs, c);
}

static void read_core_type_def(CDecoder *d, ComponentDef *def)
{
    cread_core_type(d);
    def->kind = DEF_CORE_TYPE;
    def->space = SORT_CORE_TYPE;
}

static void read_type_def(CDecoder *d, ComponentDef *def)
{
    cread_type(d);
    def->kind = DEF_TYPE;
    def->space = SORT_TYPE;
}

static void read_values(CDecoder *d)
{
    read_fail(rd(d), DIAG_UNSUPPORTED, rd(d)->at,
              "support for component model `value`s is not enabled");
}

/* A section: read whole, or item by item. */
typedef struct SectionInfo {
    const char *name;
    void (*whole)(CDecoder *d);
    void (*item)(CDecoder *d, ComponentDef *def);
} SectionInfo;

static const SectionInfo sections[] = {
    {"custom", read_custom, NULL},
    {"core module", read_module, NULL},
    {"core instance", NULL, cread_core_instance},
    {"core type", NULL, read_core_type_def},
    {"component", read_nested, NULL},
    {"instance", NULL, cread_instance},
    {"alias", NULL, cread_alias},
    {"type", NULL, read_type_def},
    {"canon", NULL, cread_canon},
    {"start", read_values, NULL},
    {"import", NULL, cread_import},
    {"export", NULL, cread_export},
    {"value", read_values, NULL},
};

static void read_items(CDecoder *d, const SectionInfo *info)
{
    u32 n = cread_count(d, LIMIT_CTYPES, "definitions in a section");
    for (u32 i = 0; i < n && ok(d); i++) {
        ComponentDef def = {0};
        const u8 *at = rd(d)->at;
        info->item(d, &def);
        push_def(d, at, def);
    }
}

static void read_section(CDecoder *d)
{
    Reader *r = rd(d);
    const u8 *at = r->at, *end = r->end;
    u8 id = read_u8(r);
    if (id >= ARRAY_LEN(sections))
        read_fail(r, DIAG_MALFORMED, at, "malformed section id: %u", id);
    const u8 *size_at = r->at;
    u32 size = read_u32(r);
    if (!ok(d))
        return;
    if (size > read_left(r)) {
        read_fail(r, DIAG_MALFORMED, size_at,
                  "unexpected end-of-file: section of %u bytes where %zu are left", size,
                  read_left(r));
        return;
    }
    const SectionInfo *info = &sections[id];
    r->end = r->at + size;
    r->diag->section = info->name;
    if (info->whole)
        info->whole(d);
    else
        read_items(d, info);
    if (ok(d) && r->at != r->end)
        read_fail(r, DIAG_MALFORMED, r->at,
                  "unexpected content in the component %s section, section size mismatch",
                  info->name);
    r->end = end;
    if (ok(d))
        r->diag->section = NULL;
    else
        r->at = end;
}

/* ---- components ---- */

static const u8 preamble[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};

bool component_is(const u8 *p, usize n)
{
    return n >= sizeof preamble && memcmp(p, preamble, 4) == 0 && p[6] == 1 && p[7] == 0;
}

static void read_preamble(CDecoder *d)
{
    Reader *r = rd(d);
    const u8 *p = r->at;
    usize n = read_left(r);
    if (memcmp(p, preamble, MIN(n, 4)) != 0)
        read_fail(r, DIAG_MALFORMED, p, "magic header not detected: bad magic number");
    else if (n < sizeof preamble)
        read_fail(r, DIAG_MALFORMED, r->end, "unexpected end-of-file");
    else if (p[4] == 1 && p[6] == 0)
        read_fail(r, DIAG_MALFORMED, p + 4, "expected a version header for a component");
    else if (memcmp(p, preamble, sizeof preamble) != 0)
        read_fail(r, DIAG_MALFORMED, p + 4,
                  "unknown binary version and encoding combination: "
                  "0x%02x%02x and 0x%02x%02x",
                  p[5], p[4], p[7], p[6]);
    else
        r->at += sizeof preamble;
}

/* Resources that come out of an instance and did not come in: the component makes them. */
static void collect_defined(CDecoder *d, const ComponentExtern *e, u32 n, IntMap *seen,
                            IntMap *instances)
{
    Scope *s = d->scope;
    for (u32 i = 0; i < n; i++) {
        const CType *t = e[i].sort == SORT_CORE_MODULE ? NULL : node(d, e[i].type);
        if (e[i].sort == SORT_TYPE && t->kind == CT_RESOURCE) {
            if (!int_map_has(seen, t->resource)) {
                int_map_set(seen, t->resource, 0);
                vec_push(&s->defined_resources, t->resource);
            }
        } else if (e[i].sort == SORT_INSTANCE && t->least_resource != UINT32_MAX &&
                   !int_map_has(instances, e[i].type)) {
            int_map_set(instances, e[i].type, 0);
            collect_defined(d, t->exports, t->nexports, seen, instances);
        }
    }
}

static void find_defined(CDecoder *d)
{
    Scope *s = d->scope;
    IntMap seen = {0}, instances = {0};
    for (u32 i = 0; i < s->imported_resources.n; i++)
        int_map_set(&seen, s->imported_resources.p[i], 0);
    s->defined_resources.n = 0;
    collect_defined(d, s->exports.p, s->exports.n, &seen, &instances);
    int_map_release(&seen);
    int_map_release(&instances);
}

#define KEEP(field, space)                                                                         \
    (c->field = arena_dup(arena(d), s->space.p, s->space.n * sizeof *s->space.p))

/* What the scope gathered, into the component. */
static void keep_scope(CDecoder *d, Component *c)
{
    const Scope *s = d->scope;
    for (u32 k = 0; k < SORT_COUNT; k++)
        c->counts[k] = space_count(s, (Sort)k);
    c->ndefs = s->defs.n;
    c->ncustoms = s->customs.n;
    KEEP(defs, defs);
    KEEP(customs, customs);
    KEEP(funcs, funcs);
    KEEP(values, values);
    KEEP(ctypes, types);
    KEEP(instances, instances);
    KEEP(component_types, component_types);
    KEEP(components, components);
    KEEP(core_funcs, core_funcs);
    KEEP(core_tables, core_tables);
    KEEP(core_memories, core_memories);
    KEEP(core_globals, core_globals);
    KEEP(core_tags, core_tags);
    KEEP(core_modules, core_modules);
    KEEP(core_instances, core_instances);
    c->end_resource = d->root->types.nresources;
}

/* All up to the reader's end. */
static void read_component(CDecoder *d, Component *c)
{
    const Component *root = &d->root->component;
    const u8 *at = rd(d)->at;
    c->arena = arena(d);
    c->registry = root->registry;
    c->types = &d->root->types;
    c->bytes = root->bytes;
    c->range = (Range){(u32)read_offset(rd(d), at), (u32)read_left(rd(d))};
    c->first_resource = d->root->types.nresources;
    Scope *s = scope_push(d, SCOPE_COMPONENT);
    if (!s)
        return;
    s->component = c;
    read_preamble(d);
    while (ok(d) && rd(d)->at < rd(d)->end)
        read_section(d);
    d->at = at;
    if (ok(d)) {
        find_defined(d);
        c->type = scope_type(d, CT_COMPONENT);
    }
    if (ok(d))
        keep_scope(d, c);
    scope_pop(d);
}

/* The reader of modules has other words for the end of the bytes, and for the code of a type. */
static void use_own_words(const Component *c, Diag *diag)
{
    Str msg = str_of(diag->msg);
    if (str_starts(msg, STR("unexpected end of section")) ||
        str_starts(msg, STR("length out of bounds")))
        snprintf(diag->msg, sizeof diag->msg, "unexpected end-of-file");
    else if (str_starts(msg, STR("malformed definition type")))
        snprintf(diag->msg, sizeof diag->msg, "invalid leading byte (0x%x) for type",
                 c->bytes[diag->offset]);
}

static void finish_decoder(CDecoder *d)
{
    Diag *diag = rd(d)->diag;
    if (!d->in_module && diag->kind == DIAG_MALFORMED)
        use_own_words(&d->root->component, diag);
    map_release(&d->canons);
    int_map_release(&d->subtypes);
}

Component *component_decode(TypeRegistry *registry, const ComponentOptions *o, const u8 *p, usize n,
                            Diag *diag)
{
    diag_init(diag);
    if (n > LIMIT_MODULE_SIZE) {
        diag_set(diag, DIAG_LIMIT, 0, "component too big: %zu bytes, the limit is %u", n,
                 LIMIT_MODULE_SIZE);
        return NULL;
    }
    ComponentRoot *root = mem_alloc(sizeof *root);
    Component *c = &root->component;
    root->own_bytes = o->borrow ? NULL : mem_dup(p, n);
    c->bytes = o->borrow ? p : root->own_bytes;
    c->registry = registry;
    c->arena = &root->arena;
    arena_init(&root->arena);
    CDecoder d = {.root = root, .options = o, .at = c->bytes};
    WasmModule none = {.registry = registry, .bytes = c->bytes, .size = u32_of(n)};
    d.w.m = &none;
    insn_reader_init(rd(&d), &none, (Range){0, none.size}, diag);
    ctypes_init(&d);
    read_component(&d, c);
    finish_decoder(&d);
    if (diag_ok(diag))
        return c;
    component_free(c);
    return NULL;
}

void component_free(Component *c)
{
    if (!c)
        return;
    ALWAYS(!c->parent);
    ComponentRoot *root = (ComponentRoot *)c;
    for (u32 i = 0; i < root->modules.n; i++)
        module_free(root->modules.p[i]);
    for (u32 i = 0; i < root->maps.n; i++)
        map_release(root->maps.p[i]);
    types_unref_all(c->registry, root->type_ids.p, root->type_ids.n);
    vec_release(&root->modules);
    vec_release(&root->maps);
    vec_release(&root->type_ids);
    mem_free(root->types.p);
    mem_free(root->types.resources);
    mem_free(root->own_bytes);
    arena_release(&root->arena);
    mem_free(root);
}

WasmModule *component_take_module(Component *c, u32 i)
{
    ALWAYS(!c->parent);
    return TAKE_PTR(((ComponentRoot *)c)->modules.p[i]);
}

bool component_custom(const Component *c, Str name, Str *ret_payload)
{
    for (u32 i = 0; i < c->ncustoms; i++)
        if (str_eq(c->customs[i].name, name)) {
            Range p = c->customs[i].payload;
            *ret_payload = (Str){(const char *)c->bytes + p.at, p.size};
            return true;
        }
    return false;
}
