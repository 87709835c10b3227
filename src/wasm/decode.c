/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * From bytes to a module: header, order and sizes of the sections; then the bodies. Everything
 * before the code is validated while it is decoded.
 */
#include "wasm/decode.h"

#include "wasm/names.h"

typedef struct SectionInfo {
    const char *name;
    u8 rank; /* place in the order of sections */
    void (*decode)(Decoder *d);
} SectionInfo;

static void decode_custom(Decoder *d);
static void decode_data_count(Decoder *d);

static const SectionInfo section_infos[SECTION_COUNT] = {
    [SECTION_CUSTOM] = {"custom", 0, decode_custom},
    [SECTION_TYPE] = {"type", 1, decode_types},
    [SECTION_IMPORT] = {"import", 2, decode_imports},
    [SECTION_FUNCTION] = {"function", 3, decode_functions},
    [SECTION_TABLE] = {"table", 4, decode_tables},
    [SECTION_MEMORY] = {"memory", 5, decode_memories},
    [SECTION_TAG] = {"tag", 6, decode_tags},
    [SECTION_GLOBAL] = {"global", 7, decode_globals},
    [SECTION_EXPORT] = {"export", 8, decode_exports},
    [SECTION_START] = {"start", 9, decode_start},
    [SECTION_ELEMENT] = {"element", 10, decode_elements},
    [SECTION_DATA_COUNT] = {"data count", 11, decode_data_count},
    [SECTION_CODE] = {"code", 12, decode_code},
    [SECTION_DATA] = {"data", 13, decode_data},
};

static void decode_custom(Decoder *d)
{
    CustomSection c = {.name = read_name(&d->r)};
    if (!read_ok(&d->r))
        return;
    c.payload = (Range){(u32)read_offset(&d->r, d->r.at), (u32)read_left(&d->r)};
    c.after = d->last;
    d->r.at = d->r.end;
    vec_push(&d->customs, c);
}

static void decode_data_count(Decoder *d)
{
    const u8 *at = d->r.at;
    read_need(&d->r, FEATURE_BIT_BULK_MEMORY, at, "data count section");
    d->data_count = read_u32(&d->r);
    if (d->data_count > LIMIT_DATA_SEGMENTS)
        read_fail(&d->r, DIAG_LIMIT, at, "too many data segments: %u, the limit is %u",
                  d->data_count, LIMIT_DATA_SEGMENTS);
    d->m->has_data_count = true;
}

static void decode_header(Decoder *d)
{
    static const u8 magic[] = {0, 'a', 's', 'm'}, version[] = {1, 0, 0, 0};
    Reader *r = &d->r;
    const u8 *p = r->at;
    usize n = read_left(r);
    if (memcmp(p, magic, MIN(n, 4)) != 0)
        read_fail(r, DIAG_MALFORMED, p, n < 4 ? "unexpected end" : "magic header not detected");
    else if (n < 8)
        read_fail(r, DIAG_MALFORMED, r->end, "unexpected end");
    else if (memcmp(p + 4, version, 4) != 0)
        read_fail(r, DIAG_MALFORMED, p + 4,
                  p[4] == 0x0d && p[6] == 1 ? "unknown binary version: this is a component"
                                            : "unknown binary version");
    else
        r->at += 8;
}

static void decode_section(Decoder *d)
{
    Reader *r = &d->r;
    const u8 *at = r->at, *end = r->end;
    u8 id = read_u8(r);
    const u8 *size_at = r->at;
    u32 size = read_u32(r);
    if (!read_ok(r))
        return;
    if (id >= SECTION_COUNT) {
        read_fail(r, DIAG_MALFORMED, at, "malformed section id %u", id);
        return;
    }
    if (size > read_left(r)) {
        read_fail(r, DIAG_MALFORMED, size_at,
                  "length out of bounds: a section of %u bytes where %zu are left", size,
                  read_left(r));
        return;
    }
    const SectionInfo *info = &section_infos[id];
    if (id != SECTION_CUSTOM) {
        if (info->rank <= section_infos[d->last].rank) {
            read_fail(r, DIAG_MALFORMED, at,
                      "unexpected content after last section: section out of order: %s",
                      info->name);
            return;
        }
        if (id == SECTION_TYPE)
            d->m->type_section = (Range){(u32)read_offset(r, r->at), size};
        d->last = id;
    }
    r->diag->section = info->name;
    r->end = r->at + size;
    info->decode(d);
    if (!read_ok(r))
        return;
    if (r->at != r->end)
        read_fail(r, DIAG_MALFORMED, r->at, "section size mismatch: %zu bytes left in section %s",
                  read_left(r), info->name);
    r->end = end;
    if (read_ok(r))
        r->diag->section = NULL;
    else
        r->at = end;
}

static void check_counts(Decoder *d)
{
    const WasmModule *m = d->m;
    if (!read_ok(&d->r))
        return;
    if (d->nbodies != m->nfuncs - m->n_imported_funcs)
        read_fail(&d->r, DIAG_MALFORMED, d->r.at,
                  "function and code section have inconsistent lengths");
    else if (m->has_data_count && d->data_count != m->ndatas)
        read_fail(&d->r, DIAG_MALFORMED, d->r.at,
                  "data count and data section have inconsistent lengths");
}

static void check_bodies(Decoder *d)
{
    WasmModule *m = d->m;
    for (u32 i = m->n_imported_funcs; i < m->nfuncs; i++)
        if (!validate_func(d->v, m, i, &m->uses, d->r.diag))
            return;
}

static void decode_all(Decoder *d, const DecodeOptions *o)
{
    WasmModule *m = d->m;
    decode_header(d);
    while (read_ok(&d->r) && d->r.at < d->r.end)
        decode_section(d);
    check_counts(d);
    if (!read_ok(&d->r))
        return;
    m->uses |= d->r.uses;
    m->ncustoms = d->customs.n;
    m->customs = arena_dup(&m->arena, d->customs.p, d->customs.n * sizeof *d->customs.p);
    const u8 *escapes = decode_escapes(d);
    decode_common_tables(d);
    for (u32 i = 0; i < m->nfuncs; i++)
        m->n_escaping += escapes[i] & ESCAPES;
    if (o->skip_bodies)
        m->uses |= FEATURE_MASK(FLOATS); /* who knows */
    else
        check_bodies(d);
}

/* Transfers `bytes` unless they are borrowed. */
static WasmModule *decode_module(TypeRegistry *registry, const DecodeOptions *o, const u8 *bytes,
                                 usize n, bool borrowed, Diag *diag)
{
    WasmModule *m = mem_alloc(sizeof *m);
    arena_init(&m->arena);
    m->registry = registry;
    m->bytes = bytes;
    m->size = u32_of(n);
    m->borrowed = borrowed;
    m->features = o->features | FEATURE_MASK(MVP);
    Decoder d = {.m = m, .v = validator_new()};
    insn_reader_init(&d.r, m, (Range){0, m->size}, diag);
    decode_all(&d, o);
    validator_free(d.v);
    vec_release(&d.customs);
    if (!diag_ok(diag)) {
        module_free(m);
        return NULL;
    }
    return m;
}

static bool size_ok(usize n, Diag *diag)
{
    diag_init(diag);
    if (n > LIMIT_MODULE_SIZE)
        diag_set(diag, DIAG_LIMIT, 0, "module too big: %zu bytes, the limit is %u", n,
                 LIMIT_MODULE_SIZE);
    return diag_ok(diag);
}

WasmModule *module_decode_owned(TypeRegistry *registry, const DecodeOptions *o, u8 *own, usize n,
                                Diag *diag)
{
    if (size_ok(n, diag))
        return decode_module(registry, o, own, n, false, diag);
    mem_free(own);
    return NULL;
}

WasmModule *module_decode(TypeRegistry *registry, const DecodeOptions *o, const u8 *p, usize n,
                          Diag *diag)
{
    if (!size_ok(n, diag))
        return NULL;
    return decode_module(registry, o, o->borrow ? p : mem_dup(p, n), n, o->borrow, diag);
}

void module_free(WasmModule *m)
{
    if (!m)
        return;
    types_unref_all(m->registry, m->types, m->ntypes);
    map_release(&m->export_map);
    names_free(m->names);
    arena_release(&m->arena);
    if (!m->borrowed)
        mem_free((void *)(uintptr_t)m->bytes);
    mem_free(m);
}

const Export *module_find_export(const WasmModule *m, Str name)
{
    u64 index;
    return map_get(&m->export_map, name, &index) ? &m->exports[index] : NULL;
}

bool module_has_debug_info(const WasmModule *m)
{
    for (u32 i = 0; i < m->ncustoms; i++)
        if (str_starts(m->customs[i].name, STR(".debug_")))
            return true;
    return false;
}

bool module_custom(const WasmModule *m, Str name, Str *ret_payload)
{
    for (u32 i = 0; i < m->ncustoms; i++)
        if (str_eq(m->customs[i].name, name)) {
            Range p = m->customs[i].payload;
            *ret_payload = (Str){(const char *)m->bytes + p.at, p.size};
            return true;
        }
    return false;
}
