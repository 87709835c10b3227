/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:filesystem/types: paths, and what they may not lead to. */
#include "fs.h"

static void stat_at(u32 dir, u32 flags, const char *path)
{
    Res8 r;
    d_stat_at(dir, flags, S(path), &r);
    put(flags ? "stat, following, " : "stat ");
    if (ended8(path, &r))
        say_u64(" type", r.stat.type);
}

static void times_at(u32 dir, u32 flags, const char *path)
{
    Res1 r;
    d_set_times_at(dir, flags, S(path), TIMESTAMP, 10, 0, TIMESTAMP, 20, 0, &r);
    put("set-times ");
    ended1(path, &r);
}

static void opens(u32 dir)
{
    open(dir, "file", 0, 0, READ);
    open(dir, "none", 0, 0, READ);
    open(dir, "file", 0, CREATE | EXCLUSIVE, READ | WRITE);
    open(dir, "file", 0, DIRECTORY, READ);
    open(dir, "sub", 0, 0, READ);
    open(dir, "sub", 0, 0, WRITE);
    open(dir, "sub", 0, DIRECTORY | CREATE, READ);
    open(dir, "sub", 0, DIRECTORY | EXCLUSIVE, READ);
    open(dir, "sub", 0, DIRECTORY | TRUNCATE, READ);
    open(dir, "sub/", 0, DIRECTORY, READ);
    open(dir, "sub///", 0, DIRECTORY, READ);
    open(dir, "link", 0, 0, READ);
    open(dir, "link", FOLLOW, 0, READ);
    open(dir, "link", 0, DIRECTORY, READ);
    open(dir, "self", FOLLOW, 0, READ);
    open(dir, "self", 0, 0, READ);
    open(dir, "file", 0, TRUNCATE, WRITE);
    open(dir, "created", 0, CREATE, WRITE);
    u32 file = open(dir, "file", 0, 0, READ);
    open(file, "x", 0, 0, READ);
    open(file, ".", 0, 0, READ);
}

static void escapes(u32 dir)
{
    static const char *const paths[] = {
        "/",
        "/etc/passwd",
        "..",
        "../d/file",
        "sub/../../d/file",
        "sub/../..",
        "escape",
        "sub/.",
        "./file",
        "sub/../file",
        "sub//..",
        "sub/../sub/./../.",
        "file/",
        "file/.",
        "link/",
        "none/..",
        "file/..",
        "",
        "escape/x",
        "sub/../../d/../d",
    };
    for (u32 i = 0; i < sizeof paths / sizeof *paths; i++) {
        stat_at(dir, FOLLOW, paths[i]);
        open(dir, paths[i], FOLLOW, 0, READ);
    }
    Res8 r;
    d_stat_at(dir, 0, "a\0b", 3, &r);
    ended8("stat of a name with NUL", &r);
    make_dir(dir, "../out");
    make_dir(dir, "/out");
    unlink(dir, "../e");
    remove_dir(dir, "../e");
    rename(dir, "file", dir, "../file");
    rename(dir, "../d/file", dir, "file");
    symlink(dir, "/etc", "absolute");
    symlink(dir, "../../..", "up");
    open(dir, "up", FOLLOW, 0, READ);
    open(dir, "up/etc", FOLLOW, 0, READ);
    symlink(dir, "x", "../out");
    link(dir, 0, "../d/file", dir, "linked");
    readlink(dir, "../d/link");
    times_at(dir, 0, "../d/file");
}

static void links(u32 dir, u32 other)
{
    link(dir, 0, "file", dir, "hard");
    link(dir, 0, "file", dir, "hard");
    link(dir, 0, "none", dir, "hard2");
    link(dir, 0, "sub", dir, "hard3");
    link(dir, FOLLOW, "link", dir, "hard4");
    link(dir, 0, "link", dir, "hard5");
    link(dir, 0, "file", dir, "hard6/");
    link(dir, 0, "file", other, "hard7");
    stat_at(dir, 0, "hard");
    stat_at(dir, 0, "hard5");
    symlink(dir, "sub", "to-sub");
    symlink(dir, "none", "dangling");
    symlink(dir, "file", "to-sub");
    symlink(dir, "file", "trailing/");
    symlink(dir, "file", "sub/");
    symlink(dir, "", "empty");
    readlink(dir, "to-sub");
    readlink(dir, "file");
    readlink(dir, "none");
    stat_at(dir, 0, "to-sub");
    stat_at(dir, FOLLOW, "to-sub");
    stat_at(dir, FOLLOW, "dangling");
    open(dir, "dangling", 0, 0, READ);
    open(dir, "dangling", FOLLOW, 0, READ);
    open(dir, "dangling", FOLLOW, DIRECTORY, READ);
    open(dir, "to-sub", 0, DIRECTORY, READ);
    open(dir, "to-sub", FOLLOW, DIRECTORY, READ);
    times_at(dir, FOLLOW, "link");
    times_at(dir, 0, "link");
    times_at(dir, FOLLOW, "none");
    times_at(dir, FOLLOW, "self");
}

static void names(u32 dir, u32 other)
{
    make_dir(dir, "one");
    make_dir(dir, "one");
    make_dir(dir, "one/two/");
    make_dir(dir, "none/two");
    make_dir(dir, "file");
    open(dir, "one/f", 0, CREATE, WRITE);
    remove_dir(dir, "one");
    remove_dir(dir, "file");
    remove_dir(dir, "none");
    remove_dir(dir, "one/two");
    unlink(dir, "sub");
    unlink(dir, "none");
    unlink(dir, "file/");
    unlink(dir, "created");
    rename(dir, "none", dir, "x");
    rename(dir, "one", dir, "sub2");
    rename(dir, "sub", dir, "sub2");
    rename(dir, "sub", dir, "file");
    rename(dir, "file", dir, "sub");
    rename(dir, "sub/", dir, "sub3/");
    rename(dir, "file/", dir, "file2");
    rename(dir, "file", dir, "file2/");
    rename(dir, "hard", dir, "hard");
    rename(dir, "hard", dir, "file");
    rename(dir, "file", other, "moved");
    stat_at(other, 0, "moved");
    unlink(other, "moved");
    unlink(other, "hard7");
    remove_dir(dir, "sub3");
    remove_dir(dir, "sub2");
}

void test(void)
{
    u32 dir = preopen(0), other = preopen(1);
    opens(dir);
    escapes(dir);
    links(dir, other);
    names(dir, other);
}
