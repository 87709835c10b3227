/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the configuration of an artifact says about a component: its imports and exports. */
#include "oci/image.h"

#include "wit/component.h"

static char *name_of(const ComponentExtern *x)
{
    return mem_strdup_n(x->name.text.p, x->name.text.n);
}

Error *oci_image_note_component(OciImage *i, const char *path, const Buf *bytes)
{
    if (!component_is(bytes->p, bytes->n) || i->is_component)
        return NULL;
    TypeRegistry *types = types_new();
    ComponentOptions o = {.features = features_default(),
                          .component_features = component_features_default(),
                          .skip_bodies = true,
                          .borrow = true};
    Diag diag;
    diag_init(&diag);
    Error *e = NULL;
    Component *c = component_decode(types, &o, bytes->p, bytes->n, &diag);
    if (!c) {
        e = error_new("`%s` is not a valid component: %s (at offset 0x%llx)", path, diag.msg,
                      (unsigned long long)diag.offset);
    } else {
        const CType *t = ctype_get(c->types, c->type);
        for (u32 k = 0; k < t->nimports; k++)
            vec_push(&i->imports, name_of(&t->imports[k]));
        for (u32 k = 0; k < t->nexports; k++)
            vec_push(&i->exports, name_of(&t->exports[k]));
        i->is_component = true;
    }
    component_free(c);
    types_free(types);
    return e;
}
