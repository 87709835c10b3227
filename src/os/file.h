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
/* The same with the bare reason: what errno says, or that there is more. */
Error *os_read_all(int fd, usize limit, Buf *out) MUST_CHECK;
/* What was read of a file is read again; of what is none, nothing is. */
void os_rewind(int fd);
/* Replaces the file, or writes to standard output for "-". */
Error *os_write_file(const char *path, const void *p, usize n);
/* All bytes, however few the system takes at a time. The error is the bare reason. */
Error *os_write_all(int fd, const void *p, usize n) MUST_CHECK;

/*
 * A file that takes the place of `path` when it is complete: until then the old one is there, or
 * none. Its mode is that of the file whose place it takes, or of one that open() makes.
 */
typedef struct OsReplacement {
    const char *path; /* view */
    char *temporary;  /* own: beside it */
    int fd;           /* write here */
    u32 mode;         /* of the old file; 0: there is none */
} OsReplacement;

Error *os_replace_begin(OsReplacement *r, const char *path) MUST_CHECK;
/* Renames it, or removes it if `e` (own; passed on) is an error. */
Error *os_replace_end(OsReplacement *r, Error *e) MUST_CHECK;

/* What errno says, with its number. */
Error *os_error(void) MUST_CHECK;

#endif
