/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The words for each trap code. */
#include "abi/trap.h"

static const char *const texts[TRAP_COUNT] = {
#define TRAP(id, text) [TRAP_##id] = text,
#include "abi/traps.def"
#undef TRAP
};

const char *trap_text(TrapCode code)
{
    return texts[code];
}
