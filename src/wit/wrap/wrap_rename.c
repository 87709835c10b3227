/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Imports that a core module has several times, each under a name of its own: `name`, `name [v2]`
 * and so on. Only the import section is written anew.
 */
#include "wit/module_sections.h"
#include "wit/wrap/wrap_parts.h"

static Str import_key(Wrap *w, Str module, Str name)
{
    return wrap_format(w, "%.*s\1%.*s", STR_ARG(module), STR_ARG(name));
}

/* True if any name is not the one in the module. */
static bool name_imports(Wrap *w, CoreSource *c)
{
    Map seen = {0}, versions = {0};
    bool any = false;
    for (u32 i = 0; i < c->m->nimports; i++)
        map_add(&seen, import_key(w, c->m->imports[i].module, c->m->imports[i].name), i);
    for (u32 i = 0; i < c->m->nimports; i++) {
        Str module = c->m->imports[i].module, name = c->m->imports[i].name;
        Str key = import_key(w, module, name);
        u64 version = 1, first;
        c->imports[i].name = name;
        if (map_get(&seen, key, &first) && first == i)
            continue;
        (void)map_get(&versions, key, &version);
        do
            c->imports[i].name = wrap_format(w, "%.*s [v%u]", STR_ARG(name), (u32)++version);
        while (!map_add(&seen, import_key(w, module, c->imports[i].name), i));
        map_set(&versions, key, version);
        any = true;
    }
    map_release(&seen);
    map_release(&versions);
    return any;
}

/* The payload of the import section, which lies in the bytes of the decoded module. */
static void put_imports(const CoreSource *c, Str payload, Buf *out)
{
    const char *done = payload.p;
    for (u32 i = 0; i < c->m->nimports; i++) {
        const Import *import = &c->m->imports[i];
        if (import->name.p == c->imports[i].name.p)
            continue;
        const char *at = import->module.p + import->module.n; /* of the length of the name */
        buf_bytes(out, done, (usize)(at - done));
        buf_name(out, c->imports[i].name);
        done = import->name.p + import->name.n;
    }
    buf_bytes(out, done, (usize)(payload.p + payload.n - done));
}

void wrap_rename_imports(Wrap *w, CoreSource *c)
{
    enum { HEAD = 8, SECTION_IMPORTS = 2 };
    SectionReader r;
    SectionView s;
    Buf out = {0}, section = {0};
    if (!name_imports(w, c))
        return;
    sections_init(&r, c->m->bytes, c->bytes.n); /* those of the module's names */
    buf_bytes(&out, c->m->bytes, HEAD);
    while (sections_next(&r, &s)) {
        if (s.id != SECTION_IMPORTS) {
            buf_str(&out, s.whole);
            continue;
        }
        section.n = 0;
        put_imports(c, s.payload, &section);
        buf_section(&out, SECTION_IMPORTS, &section);
    }
    ALWAYS(!r.error); /* the decoder read them all */
    buf_release(&section);
    buf_release(&c->bytes);
    c->bytes = out;
}
