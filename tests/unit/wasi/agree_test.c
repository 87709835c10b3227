/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Both ways to resolve paths agree: the same random operations on two directories, one through
 * openat2 and one through the walk, have the same results and leave the same behind.
 */
#include "unit/wasi/guest_fixture.h"

#include <stdio.h>

enum { ROUNDS = 40, STEPS = 250 };

/* Few names, so that operations meet each other's traces. */
static const char *const paths[] = {
    "a",      "b",      "d",     "d/e",    "d/a",           "l",      "m",   "a/",
    "d/",     "l/",     "m/",    "d/.",    "d/..",          "l/..",   ".",   "..",
    "..//",   "./a",    "d//e/", "d/../a", "../a",          "/a",     "l/a", "a/b",
    "m/x",    "none/x", "",      "d/e/..", "d/e/f",         "d/e/f/", "l/.", "l/../b",
    "m/../l", "d/l",    "d/l/a", "../d/l", "d/e/../../l/e",
};

static u32 random_below(u32 *state, u32 n)
{
    *state = *state * 1103515245u + 12345u;
    return (*state >> 16) % n;
}

/* One operation; what it does is decided by the numbers alone. */
typedef struct Step {
    u32 what, lookup, oflags;
    u64 rights;
    const char *path, *other;
} Step;

static Step random_step(u32 *state)
{
    Step s = {.what = random_below(state, 12)};
    s.lookup = random_below(state, 2);
    s.oflags = random_below(state, 16);
    s.rights = (random_below(state, 2) ? P1_RIGHT_FD_READ : 0u) |
               (random_below(state, 2) ? P1_RIGHT_FD_WRITE : 0u);
    s.path = paths[random_below(state, ARRAY_LEN(paths))];
    s.other = paths[random_below(state, ARRAY_LEN(paths))];
    return s;
}

/* Opens, writes a little, and tells what it was: the errno, or the type above it. */
static u32 open_and_close(Guest *g, const Step *s)
{
    u32 fd;
    u32 err = guest_open(g, s->path, s->lookup, s->oflags, s->rights, 0, &fd);
    if (err)
        return err;
    EXPECT_EQ(guest_ok(g, p1_fd_fdstat_get(g->c, fd, GUEST_RET)), P1_SUCCESS);
    u32 type = g->mem[GUEST_RET];
    store_u32(g->mem + GUEST_IOV, GUEST_BUF);
    store_u32(g->mem + GUEST_IOV + 4, 3);
    err = guest_ok(g, p1_fd_write(g->c, fd, GUEST_IOV, 1, GUEST_RET));
    EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, fd)), P1_SUCCESS);
    return 1000 + type * 100 + err;
}

static u32 stat_type(Guest *g, const Step *s, u32 n)
{
    u32 err = p1_path_filestat_get(g->c, GUEST_DIR, s->lookup, GUEST_PATH, n, GUEST_RET);
    if (err)
        return err;
    const u8 *st = g->mem + GUEST_RET;
    return 1000 + st[16] * 100u + (u32)load_u64(st + 24); /* type and links */
}

static u32 do_step(Guest *g, const Step *s)
{
    P1Call *c = g->c;
    c->fuel = g->ctx->hostcall_fuel;
    u32 n = guest_path(g, s->path), m = guest_path2(g, s->other);
    switch (s->what) {
    case 0:
        return p1_path_create_directory(c, GUEST_DIR, GUEST_PATH, n);
    case 1:
        return p1_path_remove_directory(c, GUEST_DIR, GUEST_PATH, n);
    case 2:
        return p1_path_unlink_file(c, GUEST_DIR, GUEST_PATH, n);
    case 3:
        return p1_path_rename(c, GUEST_DIR, GUEST_PATH, n, GUEST_DIR, GUEST_PATH2, m);
    case 4:
        return p1_path_link(c, GUEST_DIR, 0, GUEST_PATH, n, GUEST_DIR, GUEST_PATH2, m);
    case 5:
    case 6:
        return p1_path_symlink(c, GUEST_PATH, n, GUEST_DIR, GUEST_PATH2, m);
    case 7:
        return p1_path_readlink(c, GUEST_DIR, GUEST_PATH, n, GUEST_BUF, 100, GUEST_RET);
    case 8:
        return stat_type(g, s, n);
    case 9:
        return p1_path_filestat_set_times(c, GUEST_DIR, s->lookup, GUEST_PATH, n, 5, 5, 5);
    default:
        return open_and_close(g, s);
    }
}

TEST(paths_agree)
{
    u32 state = 1;
    for (int round = 0; round < ROUNDS; round++) {
        Guest *a = guest_new((GuestOptions){.walk = false});
        Guest *b = guest_new((GuestOptions){.walk = true});
        for (int i = 0; i < STEPS; i++) {
            Step s = random_step(&state);
            u32 x = guest_ok(a, do_step(a, &s)), y = guest_ok(b, do_step(b, &s));
            if (x != y)
                test_fail(__FILE__, __LINE__,
                          "round %d, step %d: operation %u of %s and %s (lookup %u, oflags %u): %u "
                          "through openat2, %u by the walk",
                          round, i, s.what, s.path, s.other, s.lookup, s.oflags, x, y);
        }
        guest_free(a);
        guest_free(b);
    }
}
