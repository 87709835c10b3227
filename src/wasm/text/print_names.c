/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Names for the printer. A name that two things of a space share cannot be an identifier: it is
 * kept in an annotation, and the thing is referred to by its index. A section that is malformed is
 * printed as bytes.
 */
#include "base/utf8.h"
#include "wasm/text/printer.h"

enum {
    SUB_MODULE,
    SUB_FUNC,
    SUB_LOCAL,
    SUB_LABEL,
    SUB_TYPE,
    SUB_TABLE,
    SUB_MEMORY,
    SUB_GLOBAL,
    SUB_ELEM,
    SUB_DATA,
    SUB_FIELD,
    SUB_TAG
};

static u32 space_size(const WasmModule *m, Space s)
{
    const u32 sizes[SPACE_COUNT] = {
        [SPACE_TYPE] = m->ntypes,      [SPACE_FUNC] = m->nfuncs,     [SPACE_TABLE] = m->ntables,
        [SPACE_MEMORY] = m->nmemories, [SPACE_GLOBAL] = m->nglobals, [SPACE_TAG] = m->ntags,
        [SPACE_ELEM] = m->nelems,      [SPACE_DATA] = m->ndatas};
    return sizes[s];
}

static Reader reader_of(const Printer *p, Str bytes, Diag *d)
{
    diag_init(d);
    return (Reader){.at = (const u8 *)bytes.p,
                    .end = (const u8 *)bytes.p + bytes.n,
                    .base = p->m->bytes,
                    .m = p->m,
                    .diag = d};
}

static void read_names(Printer *p, Reader *r, Space s)
{
    Map seen = {0};
    u32 n = read_count(r, UINT32_MAX, "names"), size = space_size(p->m, s);
    PrintName *names = p->names[s] = arena_array(&p->arena, PrintName, size);
    for (u32 i = 0; i < n && read_ok(r); i++) {
        u32 index = read_u32(r);
        Str name = read_name(r);
        if (read_ok(r) && index < size && !names[index].name.p)
            names[index] = (PrintName){name, name.n > 0 && map_add(&seen, name, index)};
    }
    map_release(&seen);
}

/* `unique`: two of the same name cannot both be identifiers. */
static void read_sub_names(Reader *r, PrintSubNames *v, bool unique)
{
    u32 n = read_count(r, UINT32_MAX, "names");
    for (u32 i = 0; i < n && read_ok(r); i++) {
        Map seen = {0};
        u32 outer = read_u32(r), count = read_count(r, UINT32_MAX, "names");
        for (u32 k = 0; k < count && read_ok(r); k++) {
            u32 index = read_u32(r);
            Str name = read_name(r);
            const PrintSubName *last = v->n ? &v->p[v->n - 1] : NULL;
            if (last && (last->outer > outer || (last->outer == outer && last->index >= index)))
                read_fail(r, DIAG_MALFORMED, r->at, "names out of order");
            bool usable = name.n > 0 && (!unique || map_add(&seen, name, index));
            vec_push(v, ((PrintSubName){outer, index, {name, usable}}));
        }
        map_release(&seen);
    }
}

static void read_subsection(Printer *p, u8 id, Reader *r)
{
    static const u8 spaces[] = {
        [SUB_FUNC] = SPACE_FUNC,     [SUB_TYPE] = SPACE_TYPE,     [SUB_TABLE] = SPACE_TABLE,
        [SUB_MEMORY] = SPACE_MEMORY, [SUB_GLOBAL] = SPACE_GLOBAL, [SUB_ELEM] = SPACE_ELEM,
        [SUB_DATA] = SPACE_DATA,     [SUB_TAG] = SPACE_TAG};
    if (id == SUB_MODULE)
        p->module_name = (PrintName){read_name(r), true};
    else if (id == SUB_LOCAL)
        read_sub_names(r, &p->locals, true);
    else if (id == SUB_LABEL)
        read_sub_names(r, &p->labels, false);
    else if (id == SUB_FIELD)
        read_sub_names(r, &p->fields, true);
    else if (id <= SUB_TAG)
        read_names(p, r, (Space)spaces[id]);
}

/* True if all of the section was understood. */
static bool read_name_section(Printer *p, Str payload)
{
    Diag d;
    u32 seen = 0;
    Reader r = reader_of(p, payload, &d);
    while (read_ok(&r) && r.at < r.end) {
        u8 id = read_u8(&r);
        u32 size = read_u32(&r);
        const u8 *at = read_bytes(&r, size);
        if (!at || id > SUB_TAG || (seen & 1u << id))
            return false;
        seen |= 1u << id;
        Reader inner = r;
        inner.at = at;
        inner.end = at + size;
        read_subsection(p, id, &inner);
        if (!read_ok(&r) || inner.at != inner.end)
            return false;
    }
    return read_ok(&r);
}

static bool read_hints(Printer *p, Str payload)
{
    Diag d;
    Reader r = reader_of(p, payload, &d);
    u32 n = read_count(&r, UINT32_MAX, "functions");
    for (u32 i = 0; i < n && read_ok(&r); i++) {
        u32 func = read_u32(&r), count = read_count(&r, UINT32_MAX, "hints");
        for (u32 k = 0; k < count && read_ok(&r); k++) {
            Hint h = {func, read_u32(&r), 0}, *last = p->hints.n ? &p->hints.p[p->hints.n - 1] : 0;
            u32 size = read_u32(&r);
            h.value = read_u8(&r);
            if (size != 1 || h.value > 1 ||
                (last && (last->func > func || (last->func == func && last->offset >= h.offset))))
                return false;
            vec_push(&p->hints, h);
        }
    }
    return read_ok(&r) && r.at == r.end;
}

void print_names_init(Printer *p)
{
    Str payload;
    if (module_custom(p->m, STR("name"), &payload)) {
        p->has_names = read_name_section(p, payload);
        if (!p->has_names) { /* it is printed as bytes; names that it has are not used */
            memset(p->names, 0, sizeof p->names);
            p->locals.n = p->labels.n = p->fields.n = 0;
            p->module_name = (PrintName){0};
        }
    }
    if (module_custom(p->m, STR("metadata.code.branch_hint"), &payload)) {
        p->has_hints = read_hints(p, payload);
        if (!p->has_hints)
            p->hints.n = 0;
    }
}

/* ---- printing ---- */

/* What buf_printf would do, without its price: most of a module's text is numbers and blanks. */
void print_unsigned(Printer *p, u64 v)
{
    char digits[20];
    u32 n = sizeof digits;
    do {
        digits[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    buf_bytes(p->out, digits + n, sizeof digits - n);
}

void print_string(Printer *p, Str s, bool utf8)
{
    static const char hex[] = "0123456789abcdef";
    Buf *b = p->out;
    buf_u8(b, '"');
    for (usize i = 0; i < s.n; i++) {
        u8 c = (u8)s.p[i];
        u32 ch, len = utf8 ? utf8_decode((const u8 *)s.p + i, s.n - i, &ch) : 0;
        if (len > 1 && lexer_is_confusing(ch)) {
            buf_printf(b, "\\u{%x}", ch);
            i += len - 1;
        } else if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if ((c >= ' ' && c < 0x7f) || (utf8 && c >= 0x80))
            buf_u8(b, c);
        else
            buf_bytes(b, (u8[]){'\\', (u8)hex[c >> 4], (u8)hex[c & 15]}, 3);
    }
    buf_u8(b, '"');
}

void print_id(Printer *p, Str name)
{
    bool plain = true;
    for (usize i = 0; i < name.n && plain; i++)
        plain = lexer_is_idchar((u8)name.p[i]);
    buf_u8(p->out, '$');
    if (plain)
        buf_str(p->out, name);
    else
        print_string(p, name, true);
}

void print_name_annotation(Printer *p, const PrintName *n)
{
    buf_str(p->out, STR("(@name "));
    print_string(p, n->name, true);
    buf_u8(p->out, ')');
}

static const PrintName *name_of(const Printer *p, Space s, u32 index)
{
    const PrintName *names = p->names[s];
    return names && index < space_size(p->m, s) && names[index].name.p ? &names[index] : NULL;
}

void print_definition(Printer *p, Space s, u32 index)
{
    const PrintName *n = name_of(p, s, index);
    if (n && n->usable) {
        buf_u8(p->out, ' ');
        print_id(p, n->name);
    }
    buf_printf(p->out, " (;%u;)", index);
    if (n && !n->usable) {
        buf_u8(p->out, ' ');
        print_name_annotation(p, n);
    }
}

void print_index(Printer *p, Space s, u32 index)
{
    const PrintName *n = name_of(p, s, index);
    if (n && n->usable)
        print_id(p, n->name);
    else
        print_unsigned(p, index);
}

const PrintName *print_sub_name(const PrintSubNames *v, u32 outer, u32 index)
{
    u32 lo = 0, hi = v->n;
    while (lo < hi) {
        u32 mid = lo + (hi - lo) / 2;
        const PrintSubName *e = &v->p[mid];
        if (e->outer < outer || (e->outer == outer && e->index < index))
            lo = mid + 1;
        else
            hi = mid;
    }
    bool found = lo < v->n && v->p[lo].outer == outer && v->p[lo].index == index;
    return found ? &v->p[lo].name : NULL;
}

static const char *section_word(u8 id)
{
    static const char *const words[] = {NULL,     "type",   "import",    "func",  "table",
                                        "memory", "global", "export",    "start", "elem",
                                        "code",   "data",   "datacount", "tag"};
    return id < ARRAY_LEN(words) ? words[id] : NULL;
}

/* Custom sections but those that are printed as names and hints. */
void print_customs(Printer *p)
{
    bool names_gone = false;
    for (u32 i = 0; i < p->m->ncustoms; i++) {
        const CustomSection *c = &p->m->customs[i];
        bool is_names = p->has_names && str_eq(c->name, STR("name"));
        if (is_names && !names_gone) {
            names_gone = true;
            continue;
        }
        if (p->has_hints && str_eq(c->name, STR("metadata.code.branch_hint")))
            continue;
        buf_str(p->out, STR("\n  (@custom "));
        print_string(p, c->name, true);
        const char *word = section_word(c->after);
        if (names_gone) /* the section of the names comes behind all known ones */
            buf_str(p->out, STR(" (after last) "));
        else
            buf_printf(p->out, " (%s %s) ", word ? "after" : "before", word ? word : "first");
        Str bytes = {(const char *)p->m->bytes + c->payload.at, c->payload.size};
        print_string(p, bytes, false);
        buf_u8(p->out, ')');
    }
}
