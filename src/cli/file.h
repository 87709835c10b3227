/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whole files in and out. */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include "base/error.h"

enum { FILE_MAX_SIZE = 1 << 30 }; /* bytes of a file that is read whole */

/* "-" is standard input. */
Error *file_read(const char *path, Buf *ret_bytes) MUST_CHECK;
/* From the descriptor's position to the end. */
Error *file_read_fd(int fd, Buf *ret_bytes) MUST_CHECK;
/* Under the final name there is always the old or the whole new content. */
Error *file_write(const char *path, const void *p, usize n) MUST_CHECK;
bool file_is_folder(const char *path);
/* Makes a folder unless it is there. */
Error *file_make_folder(const char *path) MUST_CHECK;
/* What stands behind the last slash. */
Str path_base(const char *path);

#endif
