/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Values as they are written on a command line. Each function is false if the text is not one. */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include "base/base.h"

bool value_bool(Str s, bool *ret_value);    /* y yes true n no false */
bool value_number(Str s, u64 *ret_value);   /* decimal or 0x; _ is ignored */
bool value_size(Str s, u64 *ret_value);     /* a number, or one with KiB, MiB, GiB or TiB */
bool value_duration(Str s, u64 *ret_nanos); /* N, Ns, Nms, Nus, Nns; saturates */
/* Number of the choice in "a|b|c". */
bool value_choice(Str s, const char *choices, u64 *ret_index);

/* How many edits lead from one word to the other, at most `limit` + 1. */
u32 edit_distance(Str a, Str b, u32 limit);
/* As above, for what somebody may have meant: a word cut short is as good as the whole. */
u32 typo_distance(Str typed, Str meant, u32 limit);

#endif
