/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A decoded component as text: its definitions in order, named by their indices, which stand in
 * comments. What is printed parses back to a component with the same definitions; custom sections
 * are left out. Components nest at most as deep as the decoder allows.
 */
#include "wit/text/cprint_parts.h"
#include "wit/text/ctext.h"
#include "wit/text/ctext_priv.h"

#include <stdio.h>

void cprint_line(CPrinter *p)
{
    buf_u8(p->out, '\n');
    for (u32 i = 0; i < p->indent; i++)
        buf_str(p->out, STR("  "));
}

void cprint_index(CPrinter *p)
{
    buf_printf(p->out, " %u", read_u32(&p->r));
}

void cprint_core_sort(CPrinter *p)
{
    u8 code = read_u8(&p->r);
    static const char *const words[] = {"func", "table", "memory", "global", "tag"};
    buf_str(p->out, str_of(code < ARRAY_LEN(words) ? words[code]
                           : code == 0x10          ? "type"
                           : code == 0x11          ? "module"
                                                   : "instance"));
}

void cprint_sort(CPrinter *p)
{
    static const char *const words[] = {"core ", "func", "value", "type", "component", "instance"};
    u8 code = read_u8(&p->r);
    buf_str(p->out, str_of(code < ARRAY_LEN(words) ? words[code] : "?"));
    if (code == 0)
        cprint_core_sort(p);
}

void cprint_sort_index(CPrinter *p)
{
    buf_str(p->out, STR(" ("));
    cprint_sort(p);
    cprint_index(p);
    buf_u8(p->out, ')');
}

void cprint_alias(CPrinter *p, const char *comment)
{
    Buf sort = {0}, *out = p->out;
    p->out = &sort;
    cprint_sort(p);
    p->out = out;
    u8 target = read_u8(&p->r);
    static const char *const words[] = {"export", "core export", "outer"};
    buf_printf(out, "(alias %s", target < ARRAY_LEN(words) ? words[target] : "?");
    cprint_index(p);
    if (target == 2) {
        cprint_index(p);
    } else {
        buf_u8(out, ' ');
        buf_quoted(p->out, read_name(&p->r));
    }
    buf_printf(out, " (%.*s%s))", STR_ARG(((Str){(char *)sort.p, sort.n})), comment);
    buf_release(&sort);
}

/* ---- instances ---- */

/* name (sort index), of which the name is plain or that of an export. */
static void print_items(CPrinter *p, const char *word, bool core, bool extern_names)
{
    u32 n = read_u32(&p->r);
    p->indent++;
    for (u32 i = 0; i < n && read_ok(&p->r); i++) {
        cprint_line(p);
        buf_printf(p->out, "(%s", word);
        if (extern_names) {
            cprint_extern_name(p);
        } else {
            buf_u8(p->out, ' ');
            buf_quoted(p->out, read_name(&p->r));
        }
        if (core) {
            buf_str(p->out, STR(" ("));
            cprint_core_sort(p);
            cprint_index(p);
            buf_u8(p->out, ')');
        } else {
            cprint_sort_index(p);
        }
        buf_u8(p->out, ')');
    }
    p->indent--;
}

static void print_instance(CPrinter *p, bool core)
{
    bool parts = read_u8(&p->r) == 1;
    if (parts) {
        print_items(p, "export", core, !core);
        return;
    }
    buf_str(p->out, STR(" (instantiate"));
    cprint_index(p);
    print_items(p, "with", core, false);
    buf_u8(p->out, ')');
}

/* ---- canonical definitions ---- */

static void print_options(CPrinter *p)
{
    static const char *const words[] = {"string-encoding=utf8",
                                        "string-encoding=utf16",
                                        "string-encoding=latin1+utf16",
                                        "memory",
                                        "realloc",
                                        "post-return",
                                        "async",
                                        "callback",
                                        "core-type",
                                        "gc"};
    u32 n = read_u32(&p->r);
    for (u32 i = 0; i < n && read_ok(&p->r); i++) {
        u8 code = read_u8(&p->r);
        bool reference = (code >= 3 && code <= 5) || code == 7 || code == 8;
        buf_printf(p->out, reference ? " (%s" : " %s", code < ARRAY_LEN(words) ? words[code] : "?");
        if (reference) {
            cprint_index(p);
            buf_u8(p->out, ')');
        }
    }
}

static void print_flag(CPrinter *p, const char *word)
{
    if (read_u8(&p->r))
        buf_printf(p->out, " %s", word);
}

static void print_immediates(CPrinter *p, CanonImmediates k)
{
    switch (k) {
    case AFTER_LIFT:
    case AFTER_NONE:
        break;
    case AFTER_LOWER:
        (void)read_u8(&p->r);
        buf_str(p->out, STR(" (func"));
        cprint_index(p);
        buf_u8(p->out, ')');
        print_options(p);
        break;
    case AFTER_TASK_RETURN:
        cprint_result(p);
        print_options(p);
        break;
    case AFTER_CONTEXT:
        cprint_core_value_type(p);
        cprint_index(p);
        break;
    case AFTER_TYPE:
        cprint_index(p);
        break;
    case AFTER_TRANSFER:
        cprint_index(p);
        print_options(p);
        break;
    case AFTER_CANCEL:
        cprint_index(p);
        print_flag(p, "async");
        break;
    case AFTER_ASYNC:
        print_flag(p, "async");
        break;
    case AFTER_CANCELLABLE:
        print_flag(p, "cancellable");
        break;
    case AFTER_WAIT:
        print_flag(p, "cancellable");
        buf_str(p->out, STR(" (memory"));
        cprint_index(p);
        buf_u8(p->out, ')');
        break;
    case AFTER_OPTIONS:
        print_options(p);
        break;
    case AFTER_INDIRECT:
        cprint_index(p);
        cprint_index(p);
        break;
    }
}

static void print_lift(CPrinter *p, const ComponentDef *d)
{
    Buf canon = {0}, *out = p->out;
    (void)read_bytes(&p->r, 2);
    p->out = &canon;
    buf_str(&canon, STR("(canon lift (core func"));
    cprint_index(p);
    buf_u8(&canon, ')');
    print_options(p);
    p->out = out;
    buf_printf(out, "(func (;%u;) (type %u) ", d->index, read_u32(&p->r));
    buf_bytes(out, canon.p, canon.n);
    buf_str(out, STR("))"));
    buf_release(&canon);
}

static void print_canon(CPrinter *p, const ComponentDef *d)
{
    if (d->canon.kind == CANON_lift) {
        print_lift(p, d);
        return;
    }
    (void)read_u8(&p->r);
    buf_printf(p->out, "(core func (;%u;) (canon %s", d->index,
               canon_name((CanonKind)d->canon.kind));
    print_immediates(p, ctext_canon_immediates((CanonKind)d->canon.kind));
    buf_str(p->out, STR("))"));
}

/* ---- definitions ---- */

static void print_module(CPrinter *p, const Component *c, const ComponentDef *d)
{
    const ComponentModule *m = &c->core_modules[d->index];
    Buf text = {0};
    text_print(m->module, &text);
    Str s = {(char *)text.p, text.n};
    usize skip = sizeof "(module" - 1;
    buf_printf(p->out, "(core module (;%u;)", d->index);
    /* The name becomes a comment's neighbour: two modules may have the same. */
    if (s.p[skip] == ' ') {
        while (skip < s.n && s.p[skip] != '\n')
            skip++;
    }
    while (s.n && s.p[s.n - 1] == '\n')
        s.n--;
    for (usize i = skip; i < s.n; i++) {
        if (s.p[i] == '\n')
            cprint_line(p);
        else
            buf_u8(p->out, (u8)s.p[i]);
    }
    buf_release(&text);
}

static void print_component(CPrinter *p, const Component *c);

static void print_port(CPrinter *p, bool import)
{
    buf_str(p->out, import ? STR("(import") : STR("(export"));
    cprint_extern_name(p);
    if (!import)
        cprint_sort_index(p);
    if (import || read_u8(&p->r) == 1)
        cprint_extern_type(p);
    buf_u8(p->out, ')');
}

static void print_def(CPrinter *p, const Component *c, const ComponentDef *d)
{
    char comment[32];
    snprintf(comment, sizeof comment, " (;%u;)", d->index);
    p->r = (Reader){.at = c->bytes + d->bytes.at,
                    .end = c->bytes + d->bytes.at + d->bytes.size,
                    .base = c->bytes,
                    .diag = &p->diag};
    cprint_line(p);
    switch ((DefKind)d->kind) {
    case DEF_CORE_MODULE:
        print_module(p, c, d);
        return;
    case DEF_COMPONENT:
        buf_printf(p->out, "(component%s", comment);
        print_component(p, d->component);
        break;
    case DEF_CORE_INSTANTIATE:
    case DEF_CORE_EXPORTS:
        buf_printf(p->out, "(core instance%s", comment);
        print_instance(p, true);
        break;
    case DEF_INSTANTIATE:
    case DEF_EXPORTS:
        buf_printf(p->out, "(instance%s", comment);
        print_instance(p, false);
        break;
    case DEF_CORE_TYPE:
        buf_printf(p->out, "(core type%s", comment);
        cprint_core_type(p);
        break;
    case DEF_TYPE:
        buf_printf(p->out, "(type%s", comment);
        cprint_type(p);
        break;
    case DEF_ALIAS_EXPORT:
    case DEF_ALIAS_CORE_EXPORT:
    case DEF_ALIAS_OUTER:
        cprint_alias(p, comment);
        return;
    case DEF_CANON:
        print_canon(p, d);
        return;
    case DEF_IMPORT:
    case DEF_EXPORT:
        print_port(p, d->kind == DEF_IMPORT);
        return;
    }
    buf_u8(p->out, ')');
}

static void print_component(CPrinter *p, const Component *c)
{
    p->indent++;
    for (u32 i = 0; i < c->ndefs; i++)
        print_def(p, c, &c->defs[i]);
    p->indent--;
    if (c->ndefs)
        cprint_line(p);
}

void component_text_print(const Component *c, Buf *out)
{
    CPrinter p = {.out = out};
    diag_init(&p.diag);
    buf_str(out, STR("(component"));
    print_component(&p, c);
    buf_str(out, STR(")\n"));
    if (!diag_ok(&p.diag))
        BUG("a valid component that cannot be read again");
}
