/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A guest without a runtime: a context with a fresh directory of the host as descriptor 3 (named
 * "dir"), and a memory that the functions of preview 1 are called on. The memory is followed by a
 * page that must not be touched.
 */
#ifndef TESTS_UNIT_WASI_GUEST_FIXTURE_H
#define TESTS_UNIT_WASI_GUEST_FIXTURE_H

#include "unit/test.h"
#include "wasi/p1/p1_priv.h"

enum {
    GUEST_BYTES = 1 << 16,
    GUEST_RET = 64,     /* results go here */
    GUEST_IOV = 128,    /* one buffer's address and length */
    GUEST_BUF = 4096,   /* data */
    GUEST_PATH = 32768, /* paths */
    GUEST_PATH2 = 49152,
    GUEST_DIR = 3,
    GUEST_ALL_RIGHTS = (1 << P1_RIGHT_COUNT) - 1,
};

typedef struct Guest {
    P1Call call;
    P1Call *c; /* &call */
    WasiCtx *ctx;
    u8 *mem;
    char dir[64];     /* the directory given, ... */
    char outside[64]; /* and one that is not; both go away with the guest */
} Guest;

typedef struct GuestOptions {
    bool walk, read_only, preview0;
} GuestOptions;

Guest *guest_new(GuestOptions o);
void guest_free(Guest *g);

/* Puts text at GUEST_PATH (or GUEST_PATH2) and returns its length. */
u32 guest_path(Guest *g, const char *path);
u32 guest_path2(Guest *g, const char *path);

/* The errno of the call, after checking that the guest lives on. */
u32 guest_ok(Guest *g, u32 err);
/* Checks that the guest would be ended with an error that holds `text`, and clears it. */
void guest_expect_end(Guest *g, const char *text);

/* Calls on GUEST_DIR, errno returned. */
u32 guest_open(Guest *g, const char *path, u32 lookup, u32 oflags, u64 rights, u32 fdflags,
               u32 *ret_fd);
u32 guest_write(Guest *g, u32 fd, const char *text);
/* Reads at most `n` bytes into GUEST_BUF. */
u32 guest_read(Guest *g, u32 fd, u32 n, u32 *ret_n);

/* Files of the host, in g->dir unless the path is absolute; these end the test on failure. */
void host_write(Guest *g, const char *path, const char *text);
void host_symlink(Guest *g, const char *target, const char *path);
void host_mkdir(Guest *g, const char *path);
/* The content, own; NULL if there is no such file. */
char *host_read(Guest *g, const char *path);
bool host_exists(Guest *g, const char *path);

/* Defines a test twice: over openat2, and over the walk that replaces it. */
#define TEST_BOTH_WAYS(name)                                                                       \
    static void name(Guest *g);                                                                    \
    TEST(name##_openat2)                                                                           \
    {                                                                                              \
        Guest *g = guest_new((GuestOptions){.walk = false});                                       \
        name(g);                                                                                   \
        guest_free(g);                                                                             \
    }                                                                                              \
    TEST(name##_walk)                                                                              \
    {                                                                                              \
        Guest *g = guest_new((GuestOptions){.walk = true});                                        \
        name(g);                                                                                   \
        guest_free(g);                                                                             \
    }                                                                                              \
    static void name(Guest *g)

#endif
