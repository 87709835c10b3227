/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fuzz targets of src/compose: WAC texts, and components (binary or text) that are instantiated
 * twice, with what they import shared and what they export plugged into themselves. Encoding
 * validates what it makes, so a composition that comes out is valid.
 */
#include "compose/plug.h"
#include "compose/wac_compose.h"
#include "fuzz/targets.h"
#include "wit/text/ctext.h"

static void drop(Error *e)
{
    if (e && !*e->message)
        fuzz_finding("an error without a message");
    error_free(e);
}

void fuzz_wac(const u8 *p, usize n)
{
    Buf out = {0};
    drop(wac_compose("fuzz.wac", (Str){(const char *)p, n}, &(WacOptions){0}, &out));
    buf_release(&out);
}

static GraphPackage *package(Graph *g, const u8 *p, usize n)
{
    Buf bytes = {0};
    GraphPackage *result = NULL;
    Diag diag;
    diag_init(&diag);
    if (component_is(p, n))
        buf_bytes(&bytes, p, n);
    else if (!component_text_parse((Str){(const char *)p, n}, &(TextOptions){0}, &bytes, NULL,
                                   &diag))
        return NULL;
    drop(graph_add_package(g, STR("fuzz"), &bytes, &result));
    return result;
}

static Error *twice(Graph *g, GraphPackage *p)
{
    Error *e = NULL;
    for (u32 i = 0; i < 2 && !e; i++) {
        GraphItem *instance = NULL;
        e = graph_instantiate(g, p, &instance);
        if (!e)
            e = graph_complete(g, instance, true);
        if (!e)
            e = graph_export(g, i ? STR("b") : STR("a"), instance);
    }
    return e;
}

void fuzz_compose(const u8 *p, usize n)
{
    for (u32 way = 0; way < 2; way++) {
        Graph *g = graph_new();
        Buf out = {0};
        GraphPackage *c = package(g, p, n);
        Error *e = !c ? NULL : way ? graph_plug(g, c, &c, 1) : twice(g, c);
        if (c && !e)
            e = graph_encode(g, &out);
        drop(e);
        buf_release(&out);
        graph_free(g);
    }
}
