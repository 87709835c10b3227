/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The canonical ABI's flattening: which core values a value of a WIT type becomes. */
#ifndef WIT_WIT_FLAT_H
#define WIT_WIT_FLAT_H

#include "wit/wit.h"

enum { WIT_MAX_FLAT_PARAMS = 16, WIT_MAX_FLAT = WIT_MAX_FLAT_PARAMS + 1 };

/* Core types by letter: i, I, f, d. n is WIT_MAX_FLAT if there are that many or more. */
typedef struct WitFlat {
    char c[WIT_MAX_FLAT];
    u32 n;
} WitFlat;

/* Appends. */
void wit_flatten(const WitModel *m, WitId type, WitFlat *ret_flat);
/* The payload of a case of a variant, enum, option or result (WIT_NONE: none); their number. */
WitId wit_case(const WitType *t, u32 i);
u32 wit_ncases(const WitType *t);
/* Bytes of the discriminant in memory. */
u32 wit_discriminant_size(u32 cases);

#endif
