/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Paths of preview 1: how they resolve, over openat2 and over the walk. */
#include "unit/wasi/guest_fixture.h"

#include <stdio.h>
#include <sys/stat.h>

enum { FOLLOW = P1_LOOKUP_SYMLINK_FOLLOW };

/* Opens for reading and closes again. */
static u32 try_open(Guest *g, const char *path, u32 lookup, u32 oflags)
{
    u32 fd;
    u32 err = guest_open(g, path, lookup, oflags, P1_RIGHT_FD_READ, 0, &fd);
    if (!err)
        EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, fd)), P1_SUCCESS);
    return err;
}

typedef struct OpenRow {
    const char *path;
    u32 lookup, oflags;
    u32 err;
} OpenRow;

static void check_opens(Guest *g, const OpenRow *rows, usize n)
{
    for (usize i = 0; i < n; i++) {
        u32 err = try_open(g, rows[i].path, rows[i].lookup, rows[i].oflags);
        if (err != rows[i].err)
            test_fail(__FILE__, __LINE__, "open %s (lookup %u, oflags %u): errno %u, expected %u",
                      rows[i].path, rows[i].lookup, rows[i].oflags, err, rows[i].err);
    }
}

TEST_BOTH_WAYS(path_resolves)
{
    host_mkdir(g, "d");
    host_mkdir(g, "d/e");
    host_write(g, "f", "text");
    host_write(g, "d/e/f", "deep");
    static const OpenRow rows[] = {
        {"f", 0, 0, P1_SUCCESS},
        {"d/e/f", 0, 0, P1_SUCCESS},
        {"./d/./e//f", 0, 0, P1_SUCCESS},
        {"d/../f", 0, 0, P1_SUCCESS},
        {"d/e/../../d/e/f", 0, 0, P1_SUCCESS},
        {".", 0, 0, P1_SUCCESS},
        {"d/..", 0, 0, P1_SUCCESS},
        {"d/e/../..", 0, 0, P1_SUCCESS},
        {"d/", 0, 0, P1_SUCCESS},
        {"d//", 0, P1_OFLAGS_DIRECTORY, P1_SUCCESS},
        {"d/.", 0, 0, P1_SUCCESS},
        {"", 0, 0, P1_ENOENT},
        {"none", 0, 0, P1_ENOENT},
        {"none/f", 0, 0, P1_ENOENT},
        {"none/", 0, 0, P1_ENOENT},
        {"f/", 0, 0, P1_ENOTDIR},
        {"f/.", 0, 0, P1_ENOTDIR},
        {"f/..", 0, 0, P1_ENOTDIR},
        {"f/x", 0, 0, P1_ENOTDIR},
        {"f", 0, P1_OFLAGS_DIRECTORY, P1_ENOTDIR},
        {"/", 0, 0, P1_EPERM},
        {"/f", 0, 0, P1_EPERM},
        {"//f", 0, 0, P1_EPERM},
        {"..", 0, 0, P1_EPERM},
        {"../", 0, 0, P1_EPERM},
        {"./..", 0, 0, P1_EPERM},
        {"d/../..", 0, 0, P1_EPERM},
        {"d/../../", 0, 0, P1_EPERM},
        {"d/../../d", 0, 0, P1_EPERM},
        {"d", 0, P1_OFLAGS_DIRECTORY | P1_OFLAGS_CREAT, P1_EINVAL},
        {"d", 0, P1_OFLAGS_DIRECTORY | P1_OFLAGS_TRUNC, P1_EINVAL},
        {"d", 0, P1_OFLAGS_DIRECTORY | P1_OFLAGS_EXCL, P1_EINVAL},
        {"d", 0, P1_OFLAGS_TRUNC, P1_EISDIR},
        {"d", 0, P1_OFLAGS_CREAT, P1_EISDIR},
        {"f", 0, P1_OFLAGS_CREAT | P1_OFLAGS_EXCL, P1_EEXIST},
        {"new/", 0, P1_OFLAGS_CREAT, P1_EISDIR},
        {"new", 0, P1_OFLAGS_CREAT | P1_OFLAGS_EXCL, P1_SUCCESS},
    };
    check_opens(g, rows, ARRAY_LEN(rows));
    EXPECT(host_exists(g, "new"));
}

TEST_BOTH_WAYS(path_links)
{
    host_mkdir(g, "d");
    host_write(g, "f", "text");
    host_write(g, "d/g", "text");
    host_symlink(g, "f", "to-f");
    host_symlink(g, "d", "to-d");
    host_symlink(g, "d/", "to-d-slash");
    host_symlink(g, "to-f", "to-to-f");
    host_symlink(g, "../f", "d/up");
    host_symlink(g, "loop", "loop");
    host_symlink(g, "none", "dangling");
    host_symlink(g, "f/", "f-slash");
    host_symlink(g, g->outside, "out");
    host_symlink(g, "../", "parent");
    host_symlink(g, "d/../../", "sly");
    static const OpenRow rows[] = {
        {"to-f", FOLLOW, 0, P1_SUCCESS},
        {"to-to-f", FOLLOW, 0, P1_SUCCESS},
        {"to-d/g", 0, 0, P1_SUCCESS},
        {"to-d-slash/g", 0, 0, P1_SUCCESS},
        {"to-d", FOLLOW, P1_OFLAGS_DIRECTORY, P1_SUCCESS},
        {"to-d/", 0, 0, P1_SUCCESS},
        {"to-d/up", FOLLOW, 0, P1_SUCCESS},
        {"to-d/../f", 0, 0, P1_SUCCESS},
        {"to-f", 0, 0, P1_ELOOP},
        {"to-d", 0, 0, P1_ELOOP},
        {"to-f/", FOLLOW, 0, P1_ENOTDIR},
        {"f-slash", FOLLOW, 0, P1_ENOTDIR},
        {"loop", FOLLOW, 0, P1_ELOOP},
        {"loop", 0, 0, P1_ELOOP},
        {"loop/f", 0, 0, P1_ELOOP},
        {"dangling", FOLLOW, 0, P1_ENOENT},
        {"dangling", 0, 0, P1_ELOOP},
        {"dangling/", 0, 0, P1_ENOENT},
        {"dangling", 0, P1_OFLAGS_CREAT | P1_OFLAGS_EXCL, P1_EEXIST},
        {"out", FOLLOW, 0, P1_EPERM},
        {"out/", 0, 0, P1_EPERM},
        {"out/.", 0, 0, P1_EPERM},
        {"d/../out/x", 0, P1_OFLAGS_CREAT, P1_EPERM},
        {"parent", FOLLOW, 0, P1_EPERM},
        {"parent/", 0, 0, P1_EPERM},
        {"sly", FOLLOW, 0, P1_EPERM},
        {"sly/", 0, 0, P1_EPERM},
        {"dangling", FOLLOW, P1_OFLAGS_CREAT, P1_SUCCESS}, /* makes what it leads to */
    };
    check_opens(g, rows, ARRAY_LEN(rows));
    EXPECT(host_exists(g, "none"));
}

TEST_BOTH_WAYS(path_link_chain)
{
    host_write(g, "l0", "end");
    for (int i = 1; i <= 41; i++) {
        char from[16], to[16];
        snprintf(to, sizeof to, "l%d", i - 1);
        snprintf(from, sizeof from, "l%d", i);
        host_symlink(g, to, from);
    }
    EXPECT_EQ(try_open(g, "l40", FOLLOW, 0), P1_SUCCESS);
    EXPECT_EQ(try_open(g, "l41", FOLLOW, 0), P1_ELOOP);
}

TEST_BOTH_WAYS(path_lengths)
{
    static char path[5100];
    memset(path, 'a', 255);
    EXPECT_EQ(try_open(g, path, 0, 0), P1_ENOENT);
    memset(path, 'a', 256);
    EXPECT_EQ(try_open(g, path, 0, 0), P1_ENAMETOOLONG);
    for (int i = 0; i < 4094; i += 2)
        memcpy(path + i, "./", 2);
    path[4094] = 0;
    EXPECT_EQ(try_open(g, path, 0, 0), P1_SUCCESS);
    memset(path, '/', 5000);
    path[0] = 'a';
    EXPECT_EQ(try_open(g, path, 0, 0), P1_ENAMETOOLONG);
}

TEST_BOTH_WAYS(path_names)
{
    /* What other systems treat as special is a plain name. */
    static const char *const names[] = {"CON", "a:b", "a\\b", "COM\xc2\xb9", "...", " ", "a\nb"};
    for (usize i = 0; i < ARRAY_LEN(names); i++) {
        EXPECT_EQ(try_open(g, names[i], 0, P1_OFLAGS_CREAT | P1_OFLAGS_EXCL), P1_SUCCESS);
        EXPECT(host_exists(g, names[i]));
    }
    guest_path(g, "a");
    g->mem[GUEST_PATH + 1] = 0; /* "a\0..." */
    EXPECT_EQ(guest_ok(g, p1_path_open(g->c, GUEST_DIR, 0, GUEST_PATH, 3, 0, 0, 0, 0, GUEST_RET)),
              P1_EINVAL);
    guest_path(g, "a\xff");
    EXPECT_EQ(guest_ok(g, p1_path_open(g->c, GUEST_DIR, 0, GUEST_PATH, 2, 0, 0, 0, 0, GUEST_RET)),
              P1_EILSEQ);
}

/* One path: mkdir, rmdir, unlink. */
typedef u32 PathFn(P1Call *c, u32 fd, u32 path, u32 len);

static u32 on_path(Guest *g, PathFn *fn, const char *path)
{
    u32 n = guest_path(g, path);
    g->c->fuel = g->ctx->hostcall_fuel;
    return guest_ok(g, fn(g->c, GUEST_DIR, GUEST_PATH, n));
}

static u32 rename_to(Guest *g, const char *from, const char *to)
{
    u32 n = guest_path(g, from), m = guest_path2(g, to);
    g->c->fuel = g->ctx->hostcall_fuel;
    return guest_ok(g, p1_path_rename(g->c, GUEST_DIR, GUEST_PATH, n, GUEST_DIR, GUEST_PATH2, m));
}

static u32 link_to(Guest *g, u32 lookup, const char *from, const char *to)
{
    u32 n = guest_path(g, from), m = guest_path2(g, to);
    g->c->fuel = g->ctx->hostcall_fuel;
    return guest_ok(
        g, p1_path_link(g->c, GUEST_DIR, lookup, GUEST_PATH, n, GUEST_DIR, GUEST_PATH2, m));
}

static u32 symlink_to(Guest *g, const char *target, const char *path)
{
    u32 n = guest_path(g, target), m = guest_path2(g, path);
    g->c->fuel = g->ctx->hostcall_fuel;
    return guest_ok(g, p1_path_symlink(g->c, GUEST_PATH, n, GUEST_DIR, GUEST_PATH2, m));
}

static u32 read_link(Guest *g, const char *path, u32 cap, u32 *ret_n)
{
    u32 n = guest_path(g, path);
    g->c->fuel = g->ctx->hostcall_fuel;
    u32 err =
        guest_ok(g, p1_path_readlink(g->c, GUEST_DIR, GUEST_PATH, n, GUEST_BUF, cap, GUEST_RET));
    if (!err)
        *ret_n = load_u32(g->mem + GUEST_RET);
    return err;
}

TEST_BOTH_WAYS(path_directories)
{
    host_write(g, "f", "");
    EXPECT_EQ(on_path(g, p1_path_create_directory, "d"), P1_SUCCESS);
    EXPECT_EQ(on_path(g, p1_path_create_directory, "d"), P1_EEXIST);
    EXPECT_EQ(on_path(g, p1_path_create_directory, "d/e//"), P1_SUCCESS);
    EXPECT_EQ(on_path(g, p1_path_create_directory, "f/x"), P1_ENOTDIR);
    EXPECT_EQ(on_path(g, p1_path_create_directory, "x/y"), P1_ENOENT);
    EXPECT_EQ(on_path(g, p1_path_create_directory, "../x"), P1_EPERM);
    EXPECT_EQ(on_path(g, p1_path_create_directory, "."), P1_EEXIST);
    EXPECT_EQ(on_path(g, p1_path_remove_directory, "d"), P1_ENOTEMPTY);
    EXPECT_EQ(on_path(g, p1_path_remove_directory, "f"), P1_ENOTDIR);
    EXPECT_EQ(on_path(g, p1_path_remove_directory, "f/"), P1_ENOTDIR);
    EXPECT_EQ(on_path(g, p1_path_unlink_file, "d"), P1_EISDIR);
    EXPECT_EQ(on_path(g, p1_path_unlink_file, "d/"), P1_EISDIR);
    EXPECT_EQ(on_path(g, p1_path_unlink_file, "f/"), P1_ENOTDIR);
    EXPECT_EQ(on_path(g, p1_path_remove_directory, "d/e/"), P1_SUCCESS);
    /* Links: with a slash, what is wrong with where they lead. */
    host_symlink(g, "d", "inside");
    host_symlink(g, "f", "file");
    host_symlink(g, "nowhere", "dangling");
    host_symlink(g, "round", "round");
    host_symlink(g, "..", "up");
    host_symlink(g, g->outside, "outside");
    static const struct {
        const char *path;
        u32 err;
    } links[] = {
        {"inside", P1_ENOTDIR}, {"inside/", P1_EINVAL},      {"inside//", P1_EINVAL},
        {"file/", P1_ENOTDIR},  {"dangling", P1_ENOTDIR},    {"dangling/", P1_ENOENT},
        {"round/", P1_ELOOP},   {"up", P1_ENOTDIR},          {"up/", P1_EPERM},
        {"outside/", P1_EPERM}, {"d/../outside/", P1_EPERM},
    };
    for (usize i = 0; i < ARRAY_LEN(links); i++)
        EXPECT_EQ(on_path(g, p1_path_remove_directory, links[i].path), links[i].err);
    EXPECT_EQ(on_path(g, p1_path_remove_directory, "d"), P1_SUCCESS);
    EXPECT_EQ(on_path(g, p1_path_unlink_file, "f"), P1_SUCCESS);
    EXPECT_EQ(on_path(g, p1_path_unlink_file, "f"), P1_ENOENT);
}

TEST_BOTH_WAYS(path_renames)
{
    host_mkdir(g, "d");
    host_mkdir(g, "full");
    host_write(g, "full/x", "");
    host_write(g, "f", "text");
    EXPECT_EQ(rename_to(g, "f", "h"), P1_SUCCESS);
    EXPECT_EQ(rename_to(g, "f", "h"), P1_ENOENT);
    EXPECT_EQ(rename_to(g, "h/", "f"), P1_ENOTDIR);
    EXPECT_EQ(rename_to(g, "h", "f/"), P1_ENOTDIR);
    EXPECT_EQ(rename_to(g, "d", "h"), P1_ENOTDIR);
    EXPECT_EQ(rename_to(g, "h", "d"), P1_EISDIR);
    EXPECT_EQ(rename_to(g, "d", "full"), P1_ENOTEMPTY);
    EXPECT_EQ(rename_to(g, "d/", "e//"), P1_SUCCESS);
    EXPECT_EQ(rename_to(g, "e", "full/e/"), P1_SUCCESS);
    EXPECT_EQ(rename_to(g, "h", "../h"), P1_EPERM);
    EXPECT_EQ(rename_to(g, "../h", "h"), P1_EPERM);
    EXPECT(host_exists(g, "full/e") && host_exists(g, "h"));
}

TEST_BOTH_WAYS(path_hard_links)
{
    host_mkdir(g, "d");
    host_write(g, "f", "text");
    host_symlink(g, g->outside, "out");
    EXPECT_EQ(link_to(g, FOLLOW, "f", "h"), P1_EINVAL);
    EXPECT_EQ(link_to(g, 0, "f", "h"), P1_SUCCESS);
    EXPECT_EQ(link_to(g, 0, "f", "h"), P1_EEXIST);
    EXPECT_EQ(link_to(g, 0, "f/", "i"), P1_ENOTDIR);
    EXPECT_EQ(link_to(g, 0, "f", "i/"), P1_ENOENT);
    EXPECT_EQ(link_to(g, 0, "d", "i"), P1_EPERM);
    EXPECT_EQ(link_to(g, 0, "out/", "i"), P1_EPERM);
    EXPECT_EQ(link_to(g, 0, "out", "link-to-link"), P1_SUCCESS);
    struct stat st;
    char full[128];
    snprintf(full, sizeof full, "%s/link-to-link", g->dir);
    EXPECT(lstat(full, &st) == 0 && S_ISLNK(st.st_mode));
}

TEST_BOTH_WAYS(path_symlinks)
{
    u32 n;
    host_mkdir(g, "d");
    host_symlink(g, "/etc", "abs");
    host_symlink(g, "\xff", "raw");
    EXPECT_EQ(symlink_to(g, "f/g", "l"), P1_SUCCESS);
    EXPECT_EQ(symlink_to(g, "../../f", "up"), P1_SUCCESS);
    EXPECT_EQ(symlink_to(g, "/etc", "l2"), P1_EPERM);
    EXPECT_EQ(symlink_to(g, "", "l2"), P1_ENOENT);
    EXPECT_EQ(symlink_to(g, "", "/l2"), P1_EPERM); /* where it goes is looked at first */
    EXPECT_EQ(symlink_to(g, "f", "l"), P1_EEXIST);
    EXPECT_EQ(symlink_to(g, "f", "l2/"), P1_ENOENT);
    EXPECT_EQ(symlink_to(g, "f", "d/"), P1_EEXIST);
    EXPECT_EQ(symlink_to(g, "f", "../l2"), P1_EPERM);
    EXPECT_EQ(read_link(g, "l", 100, &n), P1_SUCCESS);
    EXPECT_EQ(n, 3);
    EXPECT(memcmp(g->mem + GUEST_BUF, "f/g", 3) == 0);
    EXPECT_EQ(read_link(g, "l", 2, &n), P1_SUCCESS);
    EXPECT_EQ(n, 2);
    EXPECT_EQ(read_link(g, "l", 0, &n), P1_SUCCESS);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(read_link(g, "d", 100, &n), P1_EINVAL);
    EXPECT_EQ(read_link(g, "abs", 100, &n), P1_EPERM);
    EXPECT_EQ(read_link(g, "raw", 100, &n), P1_EILSEQ);
    EXPECT_EQ(on_path(g, p1_path_unlink_file, "abs"), P1_SUCCESS);
    EXPECT_EQ(on_path(g, p1_path_remove_directory, "up"), P1_ENOTDIR);
}

TEST_BOTH_WAYS(path_stat)
{
    host_mkdir(g, "d");
    host_write(g, "f", "text");
    host_symlink(g, "f", "l");
    u32 n = guest_path(g, "l");
    u8 *st = g->mem + GUEST_RET;
    g->c->fuel = 1000;
    EXPECT_EQ(guest_ok(g, p1_path_filestat_get(g->c, GUEST_DIR, FOLLOW, GUEST_PATH, n, GUEST_RET)),
              P1_SUCCESS);
    EXPECT_EQ(st[16], P1_FILETYPE_REGULAR_FILE);
    EXPECT_EQ(load_u64(st + 32), 4);
    EXPECT_EQ(guest_ok(g, p1_path_filestat_get(g->c, GUEST_DIR, 0, GUEST_PATH, n, GUEST_RET)),
              P1_SUCCESS);
    EXPECT_EQ(st[16], P1_FILETYPE_SYMBOLIC_LINK);
    n = guest_path(g, "d/../d/.");
    EXPECT_EQ(guest_ok(g, p1_path_filestat_get(g->c, GUEST_DIR, 0, GUEST_PATH, n, GUEST_RET)),
              P1_SUCCESS);
    EXPECT_EQ(st[16], P1_FILETYPE_DIRECTORY);
    n = guest_path(g, "f/");
    EXPECT_EQ(guest_ok(g, p1_path_filestat_get(g->c, GUEST_DIR, 0, GUEST_PATH, n, GUEST_RET)),
              P1_ENOTDIR);
    EXPECT_EQ(guest_ok(g, p1_path_filestat_get(g->c, GUEST_DIR, 0, GUEST_PATH, 0, GUEST_RET)),
              P1_ENOENT);
}

TEST_BOTH_WAYS(path_times)
{
    host_write(g, "f", "text");
    host_symlink(g, "f", "l");
    u32 n = guest_path(g, "l");
    u8 *st = g->mem + GUEST_RET;
    const u64 then = 1234567890123456789;
    g->c->fuel = 1000;
    EXPECT_EQ(guest_ok(g, p1_path_filestat_set_times(g->c, GUEST_DIR, FOLLOW, GUEST_PATH, n, 0,
                                                     then, P1_FSTFLAGS_MTIM)),
              P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_path_filestat_get(g->c, GUEST_DIR, FOLLOW, GUEST_PATH, n, GUEST_RET)),
              P1_SUCCESS);
    EXPECT_EQ(load_u64(st + 48), then);
    EXPECT_EQ(guest_ok(g, p1_path_filestat_get(g->c, GUEST_DIR, 0, GUEST_PATH, n, GUEST_RET)),
              P1_SUCCESS);
    EXPECT(load_u64(st + 48) != then);
    EXPECT_EQ(guest_ok(g, p1_path_filestat_set_times(g->c, GUEST_DIR, 0, GUEST_PATH, n, then, then,
                                                     P1_FSTFLAGS_MTIM | P1_FSTFLAGS_ATIM)),
              P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_path_filestat_get(g->c, GUEST_DIR, 0, GUEST_PATH, n, GUEST_RET)),
              P1_SUCCESS);
    EXPECT_EQ(load_u64(st + 48), then);
    EXPECT_EQ(guest_ok(g, p1_path_filestat_set_times(g->c, GUEST_DIR, 0, GUEST_PATH, n, then, then,
                                                     P1_FSTFLAGS_MTIM | P1_FSTFLAGS_MTIM_NOW)),
              P1_EINVAL);
}
