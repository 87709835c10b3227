/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The ways that code and memories can be set up; attacks on compiled code must fail in all of them.
 */
#ifndef TESTS_SECURITY_MODES_H
#define TESTS_SECURITY_MODES_H

#include "unit/compile/harness.h"

/* Calls `attack` with an instance of the module in every mode; the mode is printed if it fails. */
void each_mode(const char *wat, void (*attack)(Harness *h));

/* How long tests of races last: `usual`, or what the variable SECURITY_SECONDS says (at most 50).
 */
u32 race_seconds(u32 usual);

#endif
