/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files that read scripts share. */
#ifndef WASM_WAST_WAST_PRIV_H
#define WASM_WAST_WAST_PRIV_H

#include "wasm/text/parser.h"
#include "wasm/wast/wast.h"

/* Parentheses from here to the closing one. */
u32 wast_count_parens(const Parser *p);
/* At the word of a component's value that is none of a core value? */
bool wast_at_component_value(const Parser *p);
/* Such a value, at its word; in the arena. */
const WastComponentValue *wast_component_value(Parser *p);

#endif
