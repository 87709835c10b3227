/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "unit/compose/compose_fixture.h"

#include "wit/text/ctext.h"

void compose_ok(const char *file, int line, Error *e)
{
    if (!e)
        return;
    Buf b = {0};
    error_format(e, &b);
    test_fail(file, line, "%s", buf_take_string(&b));
}

void compose_expect_error(const char *file, int line, Error *e, const char *part)
{
    if (!e)
        test_fail(file, line, "no error, expected \"%s\"", part);
    Buf b = {0};
    error_format(e, &b);
    error_free(e);
    char *text = buf_take_string(&b);
    if (!strstr(text, part))
        test_fail(file, line, "\"%s\" is not in \"%s\"", part, text);
    mem_free(text);
}

GraphPackage *compose_package(Graph *g, const char *name, const char *text)
{
    Buf b = {0};
    Diag diag;
    GraphPackage *p = NULL;
    diag_init(&diag);
    if (!component_text_parse(str_of(text), &(TextOptions){0}, &b, NULL, &diag))
        test_fail(__FILE__, __LINE__, "%s: %s at %llu", name, diag.msg,
                  (unsigned long long)diag.offset);
    compose_ok(__FILE__, __LINE__, graph_add_package(g, str_of(name), &b, &p));
    return p;
}

static void put_line(const char *what, const GraphExtern *e, Buf *out)
{
    buf_printf(out, "%s %.*s", what, STR_ARG(e->name));
    if (e->sort == SORT_INSTANCE) {
        buf_str(out, STR(" {"));
        for (u32 i = 0; i < e->type->nexports; i++) {
            const GraphExtern *x = &e->type->exports[i];
            buf_printf(out, " %.*s: ", STR_ARG(x->name));
            gtypes_text(x->type, out);
            buf_u8(out, ';');
        }
        buf_str(out, STR(" }\n"));
    } else {
        buf_str(out, STR(": "));
        gtypes_text(e->type, out);
        buf_u8(out, '\n');
    }
}

char *compose_interface(Graph *g)
{
    Buf bytes = {0}, out = {0};
    compose_ok(__FILE__, __LINE__, graph_encode(g, &bytes));
    Graph *again = graph_new();
    GraphPackage *p = NULL;
    compose_ok(__FILE__, __LINE__, graph_add_package(again, STR("composed"), &bytes, &p));
    for (u32 i = 0; i < p->type->nimports; i++)
        put_line("import", &p->type->imports[i], &out);
    for (u32 i = 0; i < p->type->nexports; i++)
        put_line("export", &p->type->exports[i], &out);
    graph_free(again);
    return buf_take_string(&out);
}
