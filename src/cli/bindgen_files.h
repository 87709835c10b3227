/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The files of a guest's bindings. */
#ifndef CLI_BINDGEN_FILES_H
#define CLI_BINDGEN_FILES_H

#include "base/error.h"
#include "wit/wit.h"

/*
 * Writes WORLD.h, WORLD.c and WORLD_component_type.o to the directory, which is made if it is not
 * there. `say`: tells on standard error what is written.
 */
Error *bindgen_write_files(const WitModel *m, WitId world, const char *dir, bool say) MUST_CHECK;

#endif
