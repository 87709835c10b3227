/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What a valid component may say and no host can carry out: components that go in or out of the
 * outermost one, and functions of the host that only pass through it. Wasmtime refuses the same
 * with the same words.
 */
#include "component/instance_priv.h"

/* Which functions and instances are the host's, by index. */
typedef struct Imported {
    bool *funcs, *instances;
} Imported;

static void note_imported(const Imported *k, const ComponentDef *d)
{
    bool *place = d->space == SORT_FUNC       ? &k->funcs[d->index]
                  : d->space == SORT_INSTANCE ? &k->instances[d->index]
                                              : NULL;
    if (!place)
        return;
    if (d->kind == DEF_IMPORT)
        *place = true;
    else if (d->kind == DEF_ALIAS_EXPORT)
        *place = k->instances[d->alias.instance];
    else if (d->kind == DEF_EXPORT)
        *place =
            d->space == SORT_FUNC ? k->funcs[d->port.item.index] : k->instances[d->port.item.index];
}

static void check_export(const Imported *k, const ComponentDef *d, Diag *diag)
{
    Str name = d->port.ext->name.text;
    if (d->space == SORT_COMPONENT)
        diag_set(diag, DIAG_INVALID, d->bytes.at,
                 "exporting a component from the root component is not supported");
    else if (d->space == SORT_FUNC && k->funcs[d->port.item.index])
        diag_set(diag, DIAG_INVALID, d->bytes.at,
                 "component export `%.*s` is a reexport of an imported function which is not "
                 "implemented",
                 STR_ARG(name));
}

bool component_is_hostable(const Component *c, Diag *diag)
{
    Imported k = {mem_alloc_array(MAX(c->counts[SORT_FUNC], 1), sizeof *k.funcs),
                  mem_alloc_array(MAX(c->counts[SORT_INSTANCE], 1), sizeof *k.instances)};
    for (u32 i = 0; i < c->ndefs && diag_ok(diag); i++) {
        const ComponentDef *d = &c->defs[i];
        if (d->kind == DEF_IMPORT && d->space == SORT_COMPONENT)
            diag_set(diag, DIAG_INVALID, d->bytes.at,
                     "root-level component imports are not supported");
        else if (d->kind == DEF_EXPORT)
            check_export(&k, d, diag);
        note_imported(&k, d);
    }
    mem_free(k.funcs);
    mem_free(k.instances);
    return diag_ok(diag);
}
