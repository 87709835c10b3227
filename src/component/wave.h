/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * WAVE: component values as text. What is read is steered by the type, so nesting is bounded by
 * the type's; what is written reads back to an equal value.
 */
#ifndef COMPONENT_WAVE_H
#define COMPONENT_WAVE_H

#include "base/error.h"
#include "component/value.h"

/* All of `text` is one value of the type. Errors name line and column. */
Error *wave_parse(const ComponentTypes *t, CTypeId type, Str text, Arena *arena,
                  ComponentVal *ret_val) MUST_CHECK;

/* name(args): the name, and what is between the parentheses. */
typedef struct WaveCall {
    Str name, text;
    usize args; /* in `text`, behind the opening parenthesis */
} WaveCall;
Error *wave_parse_call(Str text, WaveCall *ret_call) MUST_CHECK;
/* The arguments, one for each parameter; trailing options may be left out. */
Error *wave_parse_args(const ComponentTypes *t, const CType *func, const WaveCall *call,
                       Arena *arena, ComponentVal *ret_vals) MUST_CHECK;

void wave_print(const ComponentTypes *t, CTypeId type, const ComponentVal *v, Buf *out);

#endif
