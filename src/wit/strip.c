/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sections of modules and components, by their heads. Recursion is bounded by MAX_DEPTH. */
#include "wit/strip.h"

#include "wit/component.h"
#include "wit/module_sections.h"
#include "wit/wit_scope.h"

enum { MAX_DEPTH = 100 };

static bool is_inner(const SectionView *s, bool component)
{
    return component && (s->id == CSECTION_CORE_MODULE || s->id == CSECTION_COMPONENT);
}

static bool goes(const StripOptions *o, const SectionView *s)
{
    static const char *const kept[] = {"name", "component-name", "dylink.0"};
    for (u32 i = 0; i < o->nnames; i++)
        if (str_eq(s->name, str_of(o->names[i])))
            return true;
    if (o->nnames)
        return false;
    for (u32 i = 0; i < ARRAY_LEN(kept) && !o->all; i++)
        if (str_eq(s->name, str_of(kept[i])))
            return false;
    return o->all || !section_is_component_type(s);
}

static Error *strip(const u8 *p, usize n, const StripOptions *o, u32 depth, Buf *out)
{
    SectionReader r;
    SectionView s;
    Error *e = NULL;
    bool component = component_is(p, n);
    if (depth > MAX_DEPTH)
        return error_new("components are nested more than %d deep", MAX_DEPTH);
    sections_init(&r, p, n);
    if (!r.error)
        buf_bytes(out, p, 8);
    while (!e && sections_next(&r, &s)) {
        Buf inner = {0};
        if (is_inner(&s, component)) {
            e = strip((const u8 *)s.payload.p, s.payload.n, o, depth + 1, &inner);
            buf_section(out, s.id, &inner);
        } else if (s.id != 0 || !goes(o, &s)) {
            buf_str(out, s.whole);
        }
        buf_release(&inner);
    }
    return e ? e : r.error;
}

Error *wasm_strip(const u8 *p, usize n, const StripOptions *o, Buf *out)
{
    return strip(p, n, o, 0, out);
}

/* ---- lists ---- */

static const char *const module_sections[] = {
    "custom",  "types", "imports",  "functions", "tables", "memories",   "globals",
    "exports", "start", "elements", "code",      "data",   "data count", "tags"};
static const char *const component_sections[] = {
    "custom",    "core module", "core instances", "core types",          "component",
    "instances", "aliases",     "types",          "canonical functions", "start",
    "imports",   "exports",     "values"};

/* The first number of the payload: how many items there are. */
static bool count_of(const SectionView *s, bool component, u32 *ret_count)
{
    u64 v = 0;
    if (s->id == 0 || is_inner(s, component) || (component ? s->id == 9 : s->id == 8))
        return false;
    for (u32 i = 0; i < 5 && i < s->payload.n; i++) {
        v |= (u64)((u8)s->payload.p[i] & 0x7f) << (7 * i);
        if (!((u8)s->payload.p[i] & 0x80)) {
            *ret_count = (u32)v;
            return true;
        }
    }
    return false;
}

static void list_section(const SectionView *s, bool component, usize base, u32 depth, Buf *out)
{
    Buf name = {0};
    u32 count, n = component ? ARRAY_LEN(component_sections) : ARRAY_LEN(module_sections);
    usize at = base + s->at + (s->whole.n - s->payload.n);
    if (s->id >= n)
        buf_printf(&name, "unknown %u", s->id);
    else
        buf_printf(&name, "%s", component ? component_sections[s->id] : module_sections[s->id]);
    if (s->id == 0)
        buf_printf(&name, " \"%.*s\"", STR_ARG(s->name));
    buf_printf(out, "%*s%-*.*s | 0x%08zx - 0x%08zx | %9zu bytes |", (int)depth * 2, "",
               (int)MAX(40 - 2 * (i64)depth, 1), STR_ARG(((Str){(char *)name.p, name.n})), at,
               at + s->payload.n, s->payload.n);
    if (count_of(s, component, &count))
        buf_printf(out, " %u count", count);
    else if (is_inner(s, component))
        buf_str(out, STR(" inside:"));
    buf_u8(out, '\n');
    buf_release(&name);
}

static Error *list(const u8 *p, usize n, usize base, u32 depth, Buf *out)
{
    SectionReader r;
    SectionView s;
    Error *e = NULL;
    bool component = component_is(p, n);
    if (depth > MAX_DEPTH)
        return error_new("components are nested more than %d deep", MAX_DEPTH);
    sections_init(&r, p, n);
    while (!e && sections_next(&r, &s)) {
        list_section(&s, component, base, depth, out);
        if (is_inner(&s, component))
            e = list((const u8 *)s.payload.p, s.payload.n,
                     base + (usize)((const u8 *)s.payload.p - p), depth + 1, out);
    }
    return e ? e : r.error;
}

Error *wasm_list_sections(const u8 *p, usize n, Buf *out)
{
    return list(p, n, 0, 0, out);
}

/* A string with its length in front; false at the end of what is there. */
static bool take_string(Str *from, Str *ret_string)
{
    u64 n = 0;
    u32 i = 0;
    for (;; i++) {
        if (i >= 5 || i >= from->n)
            return false;
        n |= (u64)((u8)from->p[i] & 0x7f) << (7 * i);
        if (!((u8)from->p[i] & 0x80))
            break;
    }
    i++;
    if (n > from->n - i)
        return false;
    *ret_string = (Str){from->p + i, (usize)n};
    from->p += i + n;
    from->n -= i + (usize)n;
    return true;
}

/* A count, as that of bytes of a string that is not there. */
static bool take_count(Str *from, u32 *ret_count)
{
    if (!from->n || ((u8)from->p[0] & 0x80))
        return false;
    *ret_count = (u8)from->p[0];
    from->p++;
    from->n--;
    return true;
}

void wasm_list_producers(const u8 *p, usize n, Buf *out)
{
    SectionReader r;
    SectionView s;
    u32 fields, values;
    Str field, name, version;
    sections_init(&r, p, n);
    while (sections_next(&r, &s)) {
        if (s.id != 0 || !str_eq(s.name, STR("producers")) || !take_count(&s.payload, &fields))
            continue;
        while (fields-- && take_string(&s.payload, &field) && take_count(&s.payload, &values))
            while (values-- && take_string(&s.payload, &name) && take_string(&s.payload, &version))
                buf_printf(out, "%.*s: %.*s %.*s\n", STR_ARG(field), STR_ARG(name),
                           STR_ARG(version));
    }
    error_free(r.error);
}
