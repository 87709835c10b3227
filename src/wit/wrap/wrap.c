/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a core module to a component: what is done in which order. */
#include "wit/module_sections.h"
#include "wit/wrap/wrap_parts.h"

static const u8 preamble[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
#define WORLD STR("root:component/root")

void wrap_fail(Wrap *w, const char *fmt, ...)
{
    if (w->error)
        return;
    Buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    w->error = error_new("%.*s", STR_ARG(((Str){(char *)text.p, text.n})));
    buf_release(&text);
}

Str wrap_format(Wrap *w, const char *fmt, ...)
{
    Buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    Str s = {arena_strdup(&w->arena, (Str){(char *)text.p, text.n}), text.n};
    buf_release(&text);
    return s;
}

Str wrap_source_name(const CoreSource *c)
{
    return c->name.n ? c->name : STR("the module");
}

const Export *wrap_core_export(const CoreSource *c, Str name, ExternKind kind)
{
    const Export *e = module_find_export(c->m, name);
    return e && e->kind == kind ? e : NULL;
}

static bool is_component_type(void *arg, const SectionView *s)
{
    (void)arg;
    return section_is_component_type(s);
}

Error *component_embed(const WitModel *m, WitId world, StringEncoding encoding, const u8 *p,
                       usize n, Buf *out)
{
    Buf payload = {0}, section = {0};
    usize before = out->n;
    if (component_is(p, n))
        return error_new("a core module is needed here, this is a component");
    Error *e = sections_filter(p, n, is_component_type, NULL, out);
    if (e) {
        out->n = before;
        return e;
    }
    wit_encode_world(m, world, encoding, &payload);
    buf_name(&section, STR("component-type"));
    buf_bytes(&section, payload.p, payload.n);
    buf_section(out, 0, &section);
    buf_release(&payload);
    buf_release(&section);
    return NULL;
}

/* ---- sources ---- */

/* Decodes what is in c->bytes. */
void wrap_decode_source(Wrap *w, CoreSource *c)
{
    DecodeOptions o = {.features = ~(FeatureSet)0};
    Diag diag;
    diag_init(&diag);
    c->m = module_decode(w->registry, &o, c->bytes.p, c->bytes.n, &diag);
    if (!c->m)
        wrap_fail(w, "%.*s is not valid: %s (at offset 0x%llx)", STR_ARG(wrap_source_name(c)),
                  diag.msg, (unsigned long long)diag.offset);
}

static void add_source(Wrap *w, WitBuilder *b, Str name, const u8 *p, usize n)
{
    CoreSource c = {.name = name, .import_realloc = NO_INDEX, .export_realloc = NO_INDEX};
    if (component_is(p, n))
        w->error = error_new("a core module is needed here, this is a component");
    else
        w->error =
            wit_builder_add_module(b, p, n, WORLD, !name.n && w->options->nadapters, &c.encoding);
    if (!w->error)
        w->error = sections_filter(p, n, is_component_type, NULL, &c.bytes);
    vec_push(&w->sources, c);
    if (!w->error)
        wrap_decode_source(w, &w->sources.p[w->sources.n - 1]);
    if (w->error && name.n)
        w->error = error_wrap(w->error, "in the adapter `%.*s`", STR_ARG(name));
}

static void read_sources(Wrap *w, const u8 *p, usize n)
{
    WitBuilder *b = wit_builder_new(!w->options->keep_versions);
    WitId world;
    add_source(w, b, (Str){0}, p, n);
    for (u32 i = 0; i < w->options->nadapters && !w->error; i++) {
        const WrapAdapter *a = &w->options->adapters[i];
        add_source(w, b, a->name, a->p, a->n);
    }
    if (w->error) {
        wit_builder_free(b);
        return;
    }
    w->error = wit_builder_finish(b, &w->m, &w->names);
    if (!w->error)
        w->error = wit_find_world(w->m, WORLD, &world);
    if (!w->error)
        w->world = &w->m->worlds[world];
}

/* ---- adapters ---- */

/* Does the world export what stands behind this key of wrap_index_exports? */
static bool is_world_export(Wrap *w, Str key, const char *hash)
{
    Str name = {hash + 1, key.n - (usize)(hash + 1 - key.p)};
    Str none = wrap_format(w, "%u#", WIT_NONE);
    if (str_starts(key, STR("post"))) {
        key.p += 4;
        key.n -= 4;
    }
    u64 item;
    return !str_starts(key, none) ||
           (map_get(&w->items[1], name, &item) && w->world->exports[item].kind == WIT_ITEM_FUNC);
}

/* Which exports of an adapter anything needs. */
static bool mark_adapter(Wrap *w, CoreSource *c, u8 *keep)
{
    bool any = false;
    const WasmModule *main = wrap_main(w)->m;
    for (u32 i = 0; i < main->nimports; i++) {
        const Export *e = wrap_core_export(c, main->imports[i].name, EXTERN_FUNC);
        if (str_eq(main->imports[i].module, c->name) && main->imports[i].kind == EXTERN_FUNC && e) {
            keep[e - c->m->exports] = 1;
            any = true;
        }
    }
    for (u32 i = 0; i < c->exports.cap; i++) {
        const MapSlot *slot = &c->exports.slots[i];
        const char *hash = slot->key.p ? memchr(slot->key.p, '#', slot->key.n) : NULL;
        u64 own;
        if (!hash || !is_world_export(w, slot->key, hash) ||
            map_get(&wrap_main(w)->exports, slot->key, &own)) /* the module's comes first */
            continue;
        keep[slot->value] = 1;
        any = true;
    }
    static const char *const always[] = {"cabi_import_realloc", "cabi_export_realloc",
                                         "cabi_realloc"};
    for (u32 i = 0; i < ARRAY_LEN(always); i++) {
        const Export *e = wrap_core_export(c, str_of(always[i]), EXTERN_FUNC);
        if (e)
            keep[e - c->m->exports] = 1;
    }
    return any;
}

static void source_release(CoreSource *c)
{
    buf_release(&c->bytes);
    module_free(c->m);
    map_release(&c->exports);
}

/* Leaves adapters out that nothing needs, and cuts the others down to what is used. */
static void trim_adapters(Wrap *w)
{
    u32 n = 1;
    for (u32 i = 1; i < w->sources.n; i++) {
        CoreSource *c = &w->sources.p[i];
        u8 *keep = mem_alloc((usize)c->m->nexports + 1);
        wrap_index_exports(w, c);
        bool any = !w->error && mark_adapter(w, c, keep);
        if (any)
            wrap_gc(w, c, keep);
        mem_free(keep);
        if (any)
            w->sources.p[n++] = *c;
        else
            source_release(c);
    }
    w->sources.n = n;
}

/* ---- all of it ---- */

static void run(Wrap *w, const u8 *p, usize n)
{
    read_sources(w, p, n);
    if (w->error)
        return;
    wrap_index_world(w);
    wrap_shape_types(w);
    wrap_index_exports(w, wrap_main(w));
    trim_adapters(w);
    for (u32 i = 0; i < w->sources.n && !w->error; i++) {
        map_release(&w->sources.p[i].exports);
        wrap_index_exports(w, &w->sources.p[i]);
    }
    for (u32 i = 0; i < w->sources.n && !w->error; i++)
        wrap_classify_imports(w, i);
    if (w->error)
        return;
    wrap_mark_live(w);
    wrap_assign_slots(w);
    TypeFilter live = {w->live_types, w->live_funcs};
    wit_scope_init(&w->s, WIT_SCOPE_SECTIONS, w->m);
    wit_scope_imports(&w->s, w->world, &live);
    if (!w->error)
        wrap_put_core(w);
    if (!w->error)
        wrap_put_exports(w);
    wit_scope_flush(&w->s);
}

/* What was made is decoded again: an import or export of a wrong type is found here. */
static void validate(Wrap *w, const Buf *bytes)
{
    TypeRegistry *r = types_new();
    Component *c = NULL;
    Error *e = wit_decode_component(r, bytes->p, bytes->n, &c);
    component_free(c);
    types_free(r);
    w->error = error_wrap(e, "the module does not fit its world");
}

static void wrap_release(Wrap *w)
{
    for (u32 i = 0; i < w->sources.n; i++)
        source_release(&w->sources.p[i]);
    vec_release(&w->sources);
    vec_release(&w->slots);
    int_map_release(&w->dtors);
    int_map_release(&w->shell_seen);
    int_map_release(&w->export_items);
    map_release(&w->members);
    map_release(&w->tracks[0]);
    map_release(&w->tracks[1]);
    map_release(&w->items[0]);
    map_release(&w->items[1]);
    map_release(&w->names);
    wit_scope_release(&w->s);
    wit_free(w->m);
    types_free(w->registry);
    arena_release(&w->arena);
}

Error *component_wrap(const u8 *p, usize n, const WrapOptions *o, Buf *out)
{
    Wrap w = {.options = o, .memory = NO_INDEX, .registry = types_new()};
    Buf made = {0};
    arena_init(&w.arena);
    run(&w, p, n);
    if (!w.error) {
        buf_bytes(&made, preamble, sizeof preamble);
        buf_bytes(&made, w.s.out.p, w.s.out.n);
        validate(&w, &made);
    }
    if (!w.error)
        buf_bytes(out, made.p, made.n);
    buf_release(&made);
    Error *e = w.error;
    wrap_release(&w);
    return e;
}
