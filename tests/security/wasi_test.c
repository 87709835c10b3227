/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Attacks on the file system sandbox that worked on other runtimes, over openat2 and over the walk
 * that replaces it. Beside the directory given lies one that is not, with a canary in it: whatever
 * the guest tries, the canary stays what it is and is not seen.
 */
#include "security/modes.h"
#include "unit/wasi/guest_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/time.h"

enum { FOLLOW = P1_LOOKUP_SYMLINK_FOLLOW, RW = P1_RIGHT_FD_READ | P1_RIGHT_FD_WRITE };

static const char canary_text[] = "canary";

/* The outside directory: a file and a directory with a file. */
typedef struct Canary {
    struct stat before[4]; /* of what canary_paths names */
} Canary;

static const char *const canary_paths[] = {"", "/secret", "/d", "/d/secret"};

static void canary_stat(Guest *g, struct stat st[4])
{
    for (usize i = 0; i < ARRAY_LEN(canary_paths); i++) {
        char full[256];
        snprintf(full, sizeof full, "%s%s", g->outside, canary_paths[i]);
        EXPECT(lstat(full, &st[i]) == 0);
    }
}

static void canary_set(Guest *g, Canary *c)
{
    char full[256];
    snprintf(full, sizeof full, "%s/secret", g->outside);
    host_write(g, full, canary_text);
    snprintf(full, sizeof full, "%s/d", g->outside);
    host_mkdir(g, full);
    snprintf(full, sizeof full, "%s/d/secret", g->outside);
    host_write(g, full, canary_text);
    canary_stat(g, c->before);
}

static void canary_check(Guest *g, const Canary *c)
{
    struct stat now[4];
    canary_stat(g, now);
    for (usize i = 0; i < ARRAY_LEN(now); i++) {
        const struct stat *a = &c->before[i], *b = &now[i];
        EXPECT(a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_nlink == b->st_nlink &&
               a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
               a->st_mtim.tv_nsec == b->st_mtim.tv_nsec);
    }
    char full[256];
    snprintf(full, sizeof full, "%s/secret", g->outside);
    char *text = host_read(g, full);
    EXPECT_STR(text, canary_text);
    mem_free(text);
}

/* Every operation on one path, with an accomplice inside for those that take two. None of them may
 * open, show or change anything outside; what they answer is not looked at here. */
static void try_everything(Guest *g, const char *path)
{
    static const u32 oflags[] = {0, P1_OFLAGS_CREAT, P1_OFLAGS_CREAT | P1_OFLAGS_EXCL,
                                 P1_OFLAGS_TRUNC, P1_OFLAGS_DIRECTORY};
    static const u64 rights[] = {P1_RIGHT_FD_READ, P1_RIGHT_FD_WRITE, RW, 0};
    u32 n = guest_path(g, path);
    for (usize i = 0; i < ARRAY_LEN(oflags); i++)
        for (usize k = 0; k < ARRAY_LEN(rights); k++)
            for (u32 lookup = 0; lookup < 2; lookup++) {
                u32 fd;
                if (guest_open(g, path, lookup, oflags[i], rights[k], 0, &fd))
                    continue;
                (void)guest_write(g, fd, "overwritten");
                EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, fd)), P1_SUCCESS);
            }
    P1Call *c = g->c;
    u32 m = guest_path2(g, "inside"), o;
    for (u32 lookup = 0; lookup < 2; lookup++) {
        (void)p1_path_filestat_get(c, GUEST_DIR, lookup, GUEST_PATH, n, GUEST_RET);
        (void)p1_path_filestat_set_times(c, GUEST_DIR, lookup, GUEST_PATH, n, 1, 1, 5);
        (void)p1_path_link(c, GUEST_DIR, lookup, GUEST_PATH, n, GUEST_DIR, GUEST_PATH2, m);
        (void)p1_path_link(c, GUEST_DIR, lookup, GUEST_PATH2, m, GUEST_DIR, GUEST_PATH, n);
    }
    (void)p1_path_create_directory(c, GUEST_DIR, GUEST_PATH, n);
    (void)p1_path_rename(c, GUEST_DIR, GUEST_PATH2, m, GUEST_DIR, GUEST_PATH, n);
    (void)p1_path_symlink(c, GUEST_PATH2, m, GUEST_DIR, GUEST_PATH, n);
    (void)p1_path_readlink(c, GUEST_DIR, GUEST_PATH, n, GUEST_BUF, 100, GUEST_RET);
    o = guest_path2(g, "stolen");
    (void)p1_path_rename(c, GUEST_DIR, GUEST_PATH, n, GUEST_DIR, GUEST_PATH2, o);
    (void)p1_path_unlink_file(c, GUEST_DIR, GUEST_PATH, n);
    (void)p1_path_remove_directory(c, GUEST_DIR, GUEST_PATH, n);
    (void)guest_ok(g, 0);
}

/* Sets up the traps afresh: the operations may remove the links themselves, which are inside. */
static void set_traps(Guest *g)
{
    char full[256], up[300];
    const char *base = strrchr(g->outside, '/') + 1;
    static const char *const names[] = {"evil", "evil-up", "link1", "link2", "chain", "inside"};
    for (usize i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(full, sizeof full, "%s/%s", g->dir, names[i]);
        (void)remove(full);
    }
    host_symlink(g, g->outside, "evil");
    snprintf(up, sizeof up, "../%s", base);
    host_symlink(g, up, "evil-up");
    host_symlink(g, "evil/", "link1");
    host_symlink(g, "evil-up/", "link2");
    host_symlink(g, "link2/d/", "chain");
    host_write(g, "inside", "mine");
    if (!host_exists(g, "d"))
        host_mkdir(g, "d");
}

TEST_BOTH_WAYS(security_links_and_slashes)
{
    static const char *const starts[] = {"evil", "evil-up", "link1", "link2", "chain"};
    static const char *const ends[] = {"",    "/",       "//",  "/.",       "/./",
                                       "/..", "/secret", "/d/", "/d/secret"};
    static const char *const fronts[] = {"", "./", "d/../", "d/.././"};
    Canary canary;
    canary_set(g, &canary);
    for (usize f = 0; f < ARRAY_LEN(fronts); f++)
        for (usize i = 0; i < ARRAY_LEN(starts); i++)
            for (usize k = 0; k < ARRAY_LEN(ends); k++) {
                char path[128];
                snprintf(path, sizeof path, "%s%s%s", fronts[f], starts[i], ends[k]);
                set_traps(g);
                try_everything(g, path);
                EXPECT(!host_exists(g, "stolen/secret"));
                char full[256];
                snprintf(full, sizeof full, "%s/stolen", g->dir);
                (void)remove(full);
                canary_check(g, &canary);
            }
}

TEST_BOTH_WAYS(security_dots)
{
    static const char *const paths[] = {
        "..",
        "../",
        "./..",
        "d/../..",
        "d/../../",
        "../secret",
        "d/../../secret",
        "/",
        "//",
        "/tmp",
        "d/../../../../../../../../etc/passwd",
        "../../../../../../etc/passwd",
        "...//../..",
    };
    Canary canary;
    canary_set(g, &canary);
    for (usize i = 0; i < ARRAY_LEN(paths); i++) {
        char path[300];
        set_traps(g);
        try_everything(g, paths[i]);
        u32 fd;
        u32 err = guest_open(g, paths[i], FOLLOW, 0, P1_RIGHT_FD_READ, 0, &fd);
        if (err != P1_EPERM && err != P1_ENOENT)
            test_fail(__FILE__, __LINE__, "open %s: errno %u", paths[i], err);
        snprintf(path, sizeof path, "../%s/%s", strrchr(g->outside, '/') + 1, "secret");
        try_everything(g, path);
        canary_check(g, &canary);
    }
}

/* Links that the guest makes itself. */
TEST_BOTH_WAYS(security_guest_links)
{
    Canary canary;
    canary_set(g, &canary);
    set_traps(g);
    char target[300];
    u32 fd, n, m = guest_path2(g, "d/mine");
    n = guest_path(g, g->outside);
    EXPECT_EQ(guest_ok(g, p1_path_symlink(g->c, GUEST_PATH, n, GUEST_DIR, GUEST_PATH2, m)),
              P1_ENOMEM); /* no fuel set yet: nothing happened */
    g->c->fuel = 100000;
    EXPECT_EQ(guest_ok(g, p1_path_symlink(g->c, GUEST_PATH, n, GUEST_DIR, GUEST_PATH2, m)),
              P1_EPERM);
    snprintf(target, sizeof target, "../../%s", strrchr(g->outside, '/') + 1);
    n = guest_path(g, target);
    EXPECT_EQ(guest_ok(g, p1_path_symlink(g->c, GUEST_PATH, n, GUEST_DIR, GUEST_PATH2, m)),
              P1_SUCCESS);
    EXPECT_EQ(guest_open(g, "d/mine/secret", FOLLOW, 0, P1_RIGHT_FD_READ, 0, &fd), P1_EPERM);
    EXPECT_EQ(guest_open(g, "d/mine/new", FOLLOW, P1_OFLAGS_CREAT, RW, 0, &fd), P1_EPERM);
    EXPECT_EQ(guest_open(g, "d/mine/", FOLLOW, P1_OFLAGS_DIRECTORY, P1_RIGHT_FD_READ, 0, &fd),
              P1_EPERM);
    EXPECT_EQ(guest_open(g, "d/mine", FOLLOW, P1_OFLAGS_CREAT | P1_OFLAGS_EXCL, RW, 0, &fd),
              P1_EEXIST);
    /* Moved up, it leads elsewhere, still inside or refused. */
    n = guest_path(g, "d/mine");
    m = guest_path2(g, "top");
    EXPECT_EQ(
        guest_ok(g, p1_path_rename(g->c, GUEST_DIR, GUEST_PATH, n, GUEST_DIR, GUEST_PATH2, m)),
        P1_SUCCESS);
    EXPECT_EQ(guest_open(g, "top/secret", FOLLOW, 0, P1_RIGHT_FD_READ, 0, &fd), P1_EPERM);
    canary_check(g, &canary);
}

/* A directory opened through the guest's own descriptor is a root of its own. */
TEST_BOTH_WAYS(security_nested_root)
{
    u32 fd, n;
    host_mkdir(g, "d");
    host_write(g, "f", "text");
    EXPECT_EQ(guest_open(g, "d", 0, P1_OFLAGS_DIRECTORY, P1_RIGHT_FD_READ, 0, &fd), P1_SUCCESS);
    n = guest_path(g, "../f");
    EXPECT_EQ(guest_ok(g, p1_path_open(g->c, fd, 0, GUEST_PATH, n, 0, 0, 0, 0, GUEST_RET)),
              P1_EPERM);
    EXPECT_EQ(guest_ok(g, p1_path_unlink_file(g->c, fd, GUEST_PATH, n)), P1_EPERM);
    EXPECT(host_exists(g, "f"));
}

TEST(security_no_directory_given)
{
    WasiCtx *ctx = wasi_ctx_new();
    u8 mem[128] = "x";
    P1Call c = {.ctx = ctx, .abi = &P1_ABI_PREVIEW1, .func = "t", .fuel = 100};
    c.mem = (GuestMem){.base = mem, .len = sizeof mem};
    for (u32 fd = 0; fd < 100; fd++)
        EXPECT_EQ(p1_path_open(&c, fd, 0, 0, 1, P1_OFLAGS_CREAT, RW, 0, 0, 64), P1_EBADF);
    EXPECT(!c.mem.error);
    wasi_ctx_free(ctx);
}

/* The host swaps a directory for a link to the outside and moves another away, again and again. */
typedef struct Swapper {
    Guest *g;
    bool stop;
} Swapper;

static void *swap(void *arg)
{
    Swapper *s = arg;
    char a[256], real[256], moved[256], b[256], away[256];
    snprintf(a, sizeof a, "%s/a", s->g->dir);
    snprintf(real, sizeof real, "%s/real", s->g->dir);
    snprintf(moved, sizeof moved, "%s/link", s->g->dir);
    snprintf(b, sizeof b, "%s/real/b", s->g->dir);
    snprintf(away, sizeof away, "%s-away", s->g->dir);
    while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
        (void)renameat2(AT_FDCWD, a, AT_FDCWD, moved, RENAME_EXCHANGE);
        (void)rename(b, away);
        (void)rename(away, b);
        snprintf(b, sizeof b, "%s/a/b", s->g->dir);
        (void)rename(b, away);
        (void)rename(away, b);
    }
    (void)rmdir(away);
    return NULL;
}

enum { GUESTS = 8, RACE_DIR = GUEST_DIR + 1 };

typedef struct Racer {
    Guest *g; /* its own; the directory is descriptor RACE_DIR */
    u64 end;
    u32 opened;
} Racer;

static u32 race_open(Guest *g, const char *path, u32 *ret_fd)
{
    u32 n = guest_path(g, path);
    g->c->fuel = g->ctx->hostcall_fuel;
    u32 err =
        guest_ok(g, p1_path_open(g->c, RACE_DIR, FOLLOW, GUEST_PATH, n, 0, RW, RW, 0, GUEST_RET));
    *ret_fd = load_u32(g->mem + GUEST_RET);
    return err;
}

/* A guest of its own that walks until the end; what it reads must never be the canary. */
static void *race(void *arg)
{
    static const char *const paths[] = {"a/secret", "a/b/../secret", "a/./secret",
                                        "a/b/../../secret", "a/b/../../../secret"};
    Racer *r = arg;
    Guest *g = r->g;
    while (os_monotonic_ns() < r->end) {
        for (usize i = 0; i < ARRAY_LEN(paths); i++) {
            u32 fd, n;
            if (race_open(g, paths[i], &fd))
                continue;
            r->opened++;
            memset(g->mem + GUEST_BUF, 0, 16);
            EXPECT_EQ(guest_read(g, fd, 10, &n), P1_SUCCESS);
            EXPECT(memcmp(g->mem + GUEST_BUF, canary_text, sizeof canary_text - 1) != 0);
            EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, fd)), P1_SUCCESS);
        }
        u32 n = guest_path(g, "a/new");
        (void)p1_path_create_directory(g->c, RACE_DIR, GUEST_PATH, n);
        (void)p1_path_remove_directory(g->c, RACE_DIR, GUEST_PATH, n);
    }
    return NULL;
}

static void races(bool walk)
{
    Guest *g = guest_new((GuestOptions){.walk = walk});
    Canary canary;
    canary_set(g, &canary);
    host_mkdir(g, "a");
    host_mkdir(g, "a/b");
    host_write(g, "a/secret", "mine");
    host_write(g, "secret", "mine");
    host_symlink(g, g->outside, "link");
    Swapper s = {.g = g};
    pthread_t swapper, threads[GUESTS];
    Racer racers[GUESTS];
    u64 end = os_monotonic_ns() + race_seconds(2) * (u64)1000000000;
    u32 opened = 0;
    EXPECT(pthread_create(&swapper, NULL, swap, &s) == 0);
    for (u32 i = 0; i < GUESTS; i++) {
        racers[i] = (Racer){guest_new((GuestOptions){.walk = walk}), end, 0};
        EXPECT(!wasi_ctx_preopen(racers[i].g->ctx, g->dir, STR("race"), false));
        EXPECT(pthread_create(&threads[i], NULL, race, &racers[i]) == 0);
    }
    for (u32 i = 0; i < GUESTS; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
        opened += racers[i].opened;
        guest_free(racers[i].g);
    }
    __atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
    EXPECT(pthread_join(swapper, NULL) == 0);
    EXPECT(opened > 0);
    canary_check(g, &canary);
    guest_free(g);
}

TEST(security_races_openat2)
{
    races(false);
}

TEST(security_races_walk)
{
    races(true);
}

static void check_procfs(bool walk)
{
    static const char *const paths[] = {
        "proc",
        "proc/",
        "proc/self/mem",
        "proc/self/exe",
        "proc/1/root",
        "proc/self/root/etc/passwd",
        "dev/fd/1",
        "proc/self/cwd",
        "proc/sys/kernel/core_pattern",
        "proc/version",
        "etc/../proc/self/maps",
        "proc/thread-self/mem",
    };
    Guest *g = guest_new((GuestOptions){.walk = walk});
    if (access("/proc/self/mem", F_OK) != 0)
        test_skip("no procfs at /proc");
    EXPECT(!wasi_ctx_preopen(g->ctx, "/", STR("/"), false));
    for (usize i = 0; i < ARRAY_LEN(paths); i++)
        for (u32 lookup = 0; lookup < 2; lookup++)
            for (u64 rights = 0; rights < 2; rights++) {
                u32 n = guest_path(g, paths[i]);
                g->c->fuel = 1000;
                u32 err = guest_ok(g, p1_path_open(g->c, 4, lookup, GUEST_PATH, n, 0,
                                                   rights ? RW : P1_RIGHT_FD_READ, 0, 0, 64));
                if (err == P1_SUCCESS)
                    test_fail(__FILE__, __LINE__, "opened %s", paths[i]);
            }
    u32 n = guest_path(g, "proc/self/exe");
    g->c->fuel = 1000;
    EXPECT_EQ(guest_ok(g, p1_path_readlink(g->c, 4, GUEST_PATH, n, GUEST_BUF, 100, 64)), P1_EPERM);
    u32 err = guest_ok(g, p1_path_filestat_get(g->c, 4, FOLLOW, GUEST_PATH, n, 64));
    EXPECT(err == P1_EPERM || err == P1_ELOOP); /* the kernel says of magic links that they loop */
    n = guest_path(g, "etc/passwd");            /* the rest is there */
    EXPECT_EQ(guest_ok(g, p1_path_filestat_get(g->c, 4, FOLLOW, GUEST_PATH, n, 64)), P1_SUCCESS);
    guest_free(g);
}

TEST(security_procfs_openat2)
{
    check_procfs(false);
}

TEST(security_procfs_walk)
{
    check_procfs(true);
}

TEST(security_procfs_given)
{
    Guest *g = guest_new((GuestOptions){0});
    if (wasi_ctx_preopen(g->ctx, "/proc", STR("/proc"), false))
        test_skip("no procfs at /proc");
    u32 n = guest_path(g, "self/mem");
    g->c->fuel = 1000;
    EXPECT_EQ(guest_ok(g, p1_path_open(g->c, 4, FOLLOW, GUEST_PATH, n, 0, RW, 0, 0, 64)), P1_EPERM);
    n = guest_path(g, "version");
    EXPECT_EQ(guest_ok(g, p1_path_open(g->c, 4, FOLLOW, GUEST_PATH, n, 0, 0, 0, 0, 64)), P1_EPERM);
    guest_free(g);
}

TEST(security_sysfs_only_where_it_is_given)
{
    Guest *g = guest_new((GuestOptions){0});
    if (access("/sys/kernel", F_OK) != 0 || wasi_ctx_preopen(g->ctx, "/", STR("/"), false) ||
        wasi_ctx_preopen(g->ctx, "/sys", STR("/sys"), false))
        test_skip("no sysfs at /sys");
    u32 n = guest_path(g, "sys/kernel");
    g->c->fuel = 1000;
    EXPECT_EQ(guest_ok(g, p1_path_open(g->c, 4, FOLLOW, GUEST_PATH, n, 0, 0, 0, 0, 64)), P1_EPERM);
    n = guest_path(g, "kernel");
    EXPECT_EQ(guest_ok(g, p1_path_open(g->c, 5, FOLLOW, GUEST_PATH, n, 0, 0, 0, 0, 64)),
              P1_SUCCESS);
    guest_free(g);
}

static void check_read_only(bool walk)
{
    Guest *g = guest_new((GuestOptions){.walk = walk, .read_only = true});
    EXPECT(!wasi_ctx_preopen(g->ctx, g->outside, STR("rw"), false));
    host_write(g, "f", "text");
    host_mkdir(g, "d");
    host_symlink(g, "f", "l");
    u32 fd, n, m, dir;
    struct stat before, after;
    char full[128];
    snprintf(full, sizeof full, "%s/f", g->dir);
    EXPECT(lstat(full, &before) == 0);
    EXPECT_EQ(guest_open(g, "f", 0, 0, P1_RIGHT_FD_WRITE, 0, &fd), P1_EPERM);
    EXPECT_EQ(guest_open(g, "f", 0, P1_OFLAGS_TRUNC, P1_RIGHT_FD_READ, 0, &fd), P1_EPERM);
    EXPECT_EQ(guest_open(g, "f", 0, P1_OFLAGS_TRUNC, 0, 0, &fd), P1_EPERM);
    EXPECT_EQ(guest_open(g, "new", 0, P1_OFLAGS_CREAT, P1_RIGHT_FD_READ, 0, &fd), P1_EPERM);
    EXPECT_EQ(guest_open(g, "f", 0, 0, P1_RIGHT_FD_READ, P1_FDFLAGS_APPEND, &fd), P1_SUCCESS);
    EXPECT_EQ(guest_write(g, fd, "x"), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_set_size(g->c, fd, 0)), P1_EPERM);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_set_times(g->c, fd, 1, 1, 5)), P1_EPERM);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_set_times(g->c, GUEST_DIR, 1, 1, 5)), P1_EPERM);
    /* A directory beneath it is no better. */
    EXPECT_EQ(guest_open(g, "d", 0, P1_OFLAGS_DIRECTORY, P1_RIGHT_FD_READ, 0, &dir), P1_SUCCESS);
    n = guest_path(g, "x");
    g->c->fuel = 100000;
    EXPECT_EQ(guest_ok(g, p1_path_create_directory(g->c, dir, GUEST_PATH, n)), P1_EPERM);
    EXPECT_EQ(guest_ok(g, p1_path_create_directory(g->c, GUEST_DIR, GUEST_PATH, n)), P1_EPERM);
    n = guest_path(g, "f");
    m = guest_path2(g, "g");
    EXPECT_EQ(guest_ok(g, p1_path_unlink_file(g->c, GUEST_DIR, GUEST_PATH, n)), P1_EPERM);
    EXPECT_EQ(guest_ok(g, p1_path_remove_directory(g->c, GUEST_DIR, GUEST_PATH, n)), P1_EPERM);
    EXPECT_EQ(guest_ok(g, p1_path_symlink(g->c, GUEST_PATH, n, GUEST_DIR, GUEST_PATH2, m)),
              P1_EPERM);
    for (u32 to = 3; to <= 4; to++) { /* 4 may be written */
        u32 from = 7 - to;
        EXPECT_EQ(guest_ok(g, p1_path_rename(g->c, 3, GUEST_PATH, n, to, GUEST_PATH2, m)),
                  P1_EPERM);
        EXPECT_EQ(guest_ok(g, p1_path_link(g->c, 3, 0, GUEST_PATH, n, to, GUEST_PATH2, m)),
                  P1_EPERM);
        EXPECT_EQ(guest_ok(g, p1_path_rename(g->c, from, GUEST_PATH, n, 3, GUEST_PATH2, m)),
                  P1_EPERM);
        EXPECT_EQ(guest_ok(g, p1_path_link(g->c, from, 0, GUEST_PATH, n, 3, GUEST_PATH2, m)),
                  P1_EPERM);
    }
    for (u32 lookup = 0; lookup < 2; lookup++)
        EXPECT_EQ(guest_ok(g, p1_path_filestat_set_times(g->c, 3, lookup, GUEST_PATH, n, 1, 1, 5)),
                  P1_EPERM);
    /* Reading is fine, also of what a link leads to. */
    EXPECT_EQ(guest_open(g, "l", FOLLOW, 0, P1_RIGHT_FD_READ, 0, &fd), P1_SUCCESS);
    EXPECT(lstat(full, &after) == 0);
    EXPECT(after.st_mtim.tv_nsec == before.st_mtim.tv_nsec && after.st_size == before.st_size);
    EXPECT(!host_exists(g, "new") && !host_exists(g, "x") && !host_exists(g, "g"));
    guest_free(g);
}

TEST(security_read_only_openat2)
{
    check_read_only(false);
}

TEST(security_read_only_walk)
{
    check_read_only(true);
}

static u32 count_host_fds(void)
{
    u32 n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

TEST_BOTH_WAYS(security_descriptors)
{
    struct rlimit few = {64, 64};
    EXPECT(setrlimit(RLIMIT_NOFILE, &few) == 0);
    host_write(g, "f", "text");
    host_mkdir(g, "d");
    u32 a, b, before = count_host_fds();
    for (int i = 0; i < 2000; i++) {
        EXPECT_EQ(guest_open(g, "d/../f", 0, 0, RW, 0, &a), P1_SUCCESS);
        EXPECT_EQ(guest_open(g, "f", 0, 0, RW, 0, &b), P1_SUCCESS);
        EXPECT_EQ(guest_ok(g, p1_fd_renumber(g->c, a, b)), P1_SUCCESS);
        EXPECT_EQ(guest_ok(g, p1_fd_renumber(g->c, a, b)), P1_EBADF);
        EXPECT_EQ(guest_ok(g, p1_fd_renumber(g->c, 0, 0)), P1_SUCCESS);
        EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, b)), P1_SUCCESS);
        (void)guest_open(g, "none/x/y", 0, 0, RW, 0, &b);
        (void)guest_open(g, "d/../../x", 0, 0, RW, 0, &b);
    }
    EXPECT_EQ(count_host_fds(), before);
    /* All that the process has: an errno, and the guest goes on. */
    u32 err, opened = 0;
    while ((err = guest_open(g, "f", 0, 0, RW, 0, &a)) == P1_SUCCESS)
        EXPECT(++opened < 100);
    EXPECT_EQ(err, P1_EMFILE);
    EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, 4)), P1_SUCCESS);
    EXPECT_EQ(guest_open(g, "f", 0, 0, RW, 0, &a), P1_SUCCESS);
    EXPECT_EQ(a, 4);
}

TEST_BOTH_WAYS(security_special_files)
{
    char full[128];
    u32 fd, n;
    alarm(20);
    snprintf(full, sizeof full, "%s/fifo", g->dir);
    EXPECT(mkfifo(full, 0666) == 0);
    /* Nobody is at the other end, and nothing waits. A FIFO has no positions to read at. */
    EXPECT_EQ(guest_open(g, "fifo", 0, 0, P1_RIGHT_FD_READ, 0, &fd), P1_SUCCESS);
    EXPECT_EQ(guest_read(g, fd, 10, &n), P1_ESPIPE);
    EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, fd)), P1_SUCCESS);
    EXPECT_EQ(guest_open(g, "fifo", 0, 0, P1_RIGHT_FD_WRITE, 0, &fd), P1_ENXIO);
    n = guest_path(g, "fifo");
    EXPECT_EQ(guest_ok(g, p1_path_filestat_set_times(g->c, GUEST_DIR, FOLLOW, GUEST_PATH, n, 1, 1,
                                                     P1_FSTFLAGS_MTIM)),
              P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_path_filestat_get(g->c, GUEST_DIR, 0, GUEST_PATH, n, GUEST_RET)),
              P1_SUCCESS);
    EXPECT_EQ(g->mem[GUEST_RET + 16], P1_FILETYPE_UNKNOWN);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/sock", g->dir);
    EXPECT(s >= 0 && bind(s, (struct sockaddr *)&addr, sizeof addr) == 0);
    EXPECT_EQ(guest_open(g, "sock", 0, 0, RW, 0, &fd), P1_ENXIO);
    close(s);
}

TEST(security_devices)
{
    Guest *g = guest_new((GuestOptions){0});
    if (wasi_ctx_preopen(g->ctx, "/dev", STR("dev"), false) || access("/dev/zero", R_OK) != 0)
        test_skip("no devices");
    u32 n = guest_path(g, "zero");
    g->c->fuel = 1000000;
    EXPECT_EQ(guest_ok(g, p1_path_open(g->c, 4, 0, GUEST_PATH, n, 0, RW, 0, 0, 64)), P1_SUCCESS);
    EXPECT_EQ(guest_read(g, 5, 1000, &n), P1_SUCCESS);
    EXPECT_EQ(n, 1000); /* what was asked for */
    n = guest_path(g, "tty");
    if (guest_ok(g, p1_path_open(g->c, 4, 0, GUEST_PATH, n, 0, RW, 0, 0, 64)) == P1_SUCCESS)
        EXPECT_EQ(guest_read(g, load_u32(g->mem + 64), 10, &n), P1_ESPIPE);
    guest_free(g);
}

/* A system call filter that does not know openat2, with the answers that such filters give. */
static void check_filtered(u32 answer)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};
    Guest *g = guest_new((GuestOptions){0});
    u32 fd;
    Canary canary;
    canary_set(g, &canary);
    set_traps(g);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        test_skip("no system call filters");
    EXPECT_EQ(guest_open(g, "d/../inside", FOLLOW, 0, RW, 0, &fd), P1_SUCCESS);
    EXPECT_EQ(guest_open(g, "evil/secret", FOLLOW, 0, RW, 0, &fd), P1_EPERM);
    EXPECT_EQ(guest_open(g, "link1", FOLLOW, 0, P1_RIGHT_FD_READ, 0, &fd), P1_EPERM);
    EXPECT_EQ(guest_open(g, "d/../../x", FOLLOW, 0, RW, 0, &fd), P1_EPERM);
    EXPECT_EQ(g->ctx->sandbox.walk, answer == ENOSYS); /* learned, or asked again each time */
    canary_check(g, &canary);
    guest_free(g);
}

TEST(security_openat2_unknown)
{
    check_filtered(ENOSYS);
}

TEST(security_openat2_forbidden)
{
    check_filtered(EPERM);
}
