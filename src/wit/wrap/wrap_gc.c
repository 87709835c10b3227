/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Adapters go into the component as they are. */
#include "wit/wrap/wrap_parts.h"

void wrap_gc(Wrap *w, CoreSource *c, const u8 *keep)
{
    (void)w;
    (void)c;
    (void)keep;
}
