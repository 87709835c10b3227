/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whole files. */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/buf.h"
#include "base/error.h"

/*
 * Reads a regular file, a pipe or, for "-", standard input to its end into `out` (which is
 * released on failure). More than `limit` bytes are an error; so is a directory.
 */
Error *os_read_file(const char *path, usize limit, Buf *out);
Error *os_read_fd(int fd, const char *label, usize limit, Buf *out);
/* Replaces the file, or writes to standard output for "-". */
Error *os_write_file(const char *path, const void *p, usize n);

#endif
