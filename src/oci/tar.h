/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Writer of tar archives: regular files only, owner and time 0, so that equal content makes equal
 * archives.
 */
#ifndef OCI_TAR_H
#define OCI_TAR_H

#include "base/error.h"

typedef struct TarWriter {
    int fd;     /* borrow */
    Error *why; /* own; the first write that failed, nothing is written after it */
} TarWriter;

/* `name` has at most 99 bytes. */
void tar_file(TarWriter *t, const char *name, u32 mode, const void *p, usize n);
/* Ends the archive; the first error that happened. */
Error *tar_end(TarWriter *t) MUST_CHECK;

#endif
