/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fuzz target of src/wit: WIT texts. What resolves prints as a text that prints the same again. */
#include "fuzz/targets.h"
#include "wit/wit.h"

static Error *resolve(Str text, WitModel **ret_model)
{
    WitInput *in = wit_input_new();
    Error *e = wit_input_add(in, 0, STR("fuzz.wit"), text);
    if (!e)
        e = wit_resolve(in, &(WitOptions){.all_features = true}, ret_model);
    wit_input_free(in);
    return e;
}

static void print(const WitModel *m, Buf *out)
{
    wit_print_package(m, m->root, NULL, out);
    for (u32 i = 0; i < m->npackages; i++)
        if (i != m->root)
            wit_print_package(m, i, NULL, out);
}

void fuzz_wit(const u8 *p, usize n)
{
    WitModel *m;
    Error *e = resolve((Str){(const char *)p, n}, &m);
    if (e) {
        if (!*e->message)
            fuzz_finding("an error without a message");
        error_free(e);
        return;
    }
    Buf first = {0}, second = {0};
    print(m, &first);
    wit_free(m);
    e = resolve((Str){(const char *)first.p, first.n}, &m);
    if (e)
        fuzz_finding("the printed text does not resolve: %s", e->message);
    print(m, &second);
    wit_free(m);
    if (first.n != second.n || memcmp(first.p, second.p, first.n) != 0)
        fuzz_finding("the printed text prints differently");
    buf_release(&first);
    buf_release(&second);
}
