/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Distributes parameters and results over registers and stack slots. */
#include "abi/callconv.h"

static bool is_float_class(ValType t)
{
    TypeKind k = valtype_kind(t);
    return k == KIND_F32 || k == KIND_F64 || k == KIND_V128;
}

/* True if all results fit into registers; then they are assigned. */
static bool assign_results(CallLayout *c, const FuncType *t)
{
    u8 ints = 0, floats = 0;
    for (u32 i = 0; i < t->nresults; i++) {
        bool f = is_float_class(t->results[i]);
        u8 *n = f ? &floats : &ints;
        if (*n == (f ? CALL_FLOAT_RESULTS : CALL_INT_RESULTS))
            return false;
        c->results[i] = (ArgLoc){f ? ARG_FLOAT : ARG_INT, (*n)++, 0};
    }
    return true;
}

void call_layout_init(CallLayout *c, const FuncType *t, Arena *arena)
{
    c->params = arena_array(arena, ArgLoc, t->nparams);
    c->results = arena_array(arena, ArgLoc, t->nresults);
    c->by_pointer = !assign_results(c, t);
    u8 ints = c->by_pointer ? 1 : 0, floats = 0;
    u64 stack = 0;
    for (u32 i = 0; i < t->nparams; i++) {
        if (is_float_class(t->params[i]) ? floats < CALL_FLOAT_ARGS : ints < CALL_INT_ARGS) {
            bool f = is_float_class(t->params[i]);
            c->params[i] = (ArgLoc){f ? ARG_FLOAT : ARG_INT, f ? floats++ : ints++, 0};
            continue;
        }
        u32 size = t->params[i] == VT_V128 ? 16 : 8;
        stack = align_up(stack, size);
        c->params[i] = (ArgLoc){ARG_STACK, 0, u32_of(stack)};
        stack += size;
    }
    c->stack_bytes = u32_of(align_up(stack, 16));
}
