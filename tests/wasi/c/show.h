/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* For programs that print the same natively and as WASI guests: results with errno by name. */
#ifndef TESTS_WASI_C_SHOW_H
#define TESTS_WASI_C_SHOW_H

#include <errno.h>
#include <stdio.h>

static const char *errno_name(int err)
{
    static const struct {
        int err;
        const char *name;
    } names[] = {
        {0, "ok"},
        {EACCES, "EACCES"},
        {EBADF, "EBADF"},
        {EEXIST, "EEXIST"},
        {EINVAL, "EINVAL"},
        {EISDIR, "EISDIR"},
        {ELOOP, "ELOOP"},
        {ENOENT, "ENOENT"},
        {ENOTDIR, "ENOTDIR"},
        {ENOTEMPTY, "ENOTEMPTY"},
        {EPERM, "EPERM"},
        {ESPIPE, "ESPIPE"},
        {ENAMETOOLONG, "ENAMETOOLONG"},
    };
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].err == err)
            return names[i].name;
    return "another";
}

/* Evaluates a call that returns a negative number or NULL-like 0 on failure. */
#define SHOW(call)                                                                                 \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long long got_ = (long long)(call);                                                        \
        printf("%s: %lld %s\n", #call, got_, got_ < 0 ? errno_name(errno) : "");                   \
    } while (0)

#endif
