/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Descriptors of preview 1: numbers, rights, flags, positions, layouts, directories. */
#include "unit/wasi/guest_fixture.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RW = P1_RIGHT_FD_READ | P1_RIGHT_FD_WRITE };

static Guest *plain_guest(void)
{
    return guest_new((GuestOptions){0});
}

static u32 open_file(Guest *g, const char *path, u32 oflags, u32 fdflags)
{
    u32 fd;
    EXPECT_EQ(guest_open(g, path, 0, oflags, RW, fdflags, &fd), P1_SUCCESS);
    return fd;
}

static u32 seek(Guest *g, u32 fd, i64 offset, u32 whence, u64 *ret_pos)
{
    u32 err = guest_ok(g, p1_fd_seek(g->c, fd, (u64)offset, whence, GUEST_RET));
    if (!err)
        *ret_pos = load_u64(g->mem + GUEST_RET);
    return err;
}

TEST(fd_numbers)
{
    Guest *g = plain_guest();
    for (u32 i = 4; i < 8; i++) {
        char name[8];
        snprintf(name, sizeof name, "f%u", i);
        EXPECT_EQ(open_file(g, name, P1_OFLAGS_CREAT, 0), i);
    }
    EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, 6)), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, 6)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, 4)), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, 5)), P1_SUCCESS);
    EXPECT_EQ(open_file(g, "f4", 0, 0), 4); /* the lowest first */
    EXPECT_EQ(open_file(g, "f5", 0, 0), 5);
    EXPECT_EQ(open_file(g, "f6", 0, 0), 6);
    EXPECT_EQ(open_file(g, "f7", 0, 0), 8);
    guest_free(g);
}

TEST(fd_renumber)
{
    Guest *g = plain_guest();
    u32 a = open_file(g, "a", P1_OFLAGS_CREAT, 0), b = open_file(g, "b", P1_OFLAGS_CREAT, 0);
    EXPECT_EQ(guest_write(g, a, "aaa"), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_renumber(g->c, a, a)), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_renumber(g->c, a, 77)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_renumber(g->c, a, UINT32_MAX)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_renumber(g->c, 77, a)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_renumber(g->c, a, b)), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_tell(g->c, a, GUEST_RET)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_tell(g->c, b, GUEST_RET)), P1_SUCCESS);
    EXPECT_EQ(load_u64(g->mem + GUEST_RET), 3);
    EXPECT_EQ(open_file(g, "c", P1_OFLAGS_CREAT, 0), a);
    /* Over a preopen: its number is a file now. */
    EXPECT_EQ(guest_ok(g, p1_fd_prestat_get(g->c, GUEST_DIR, GUEST_RET)), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_renumber(g->c, b, GUEST_DIR)), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_prestat_get(g->c, GUEST_DIR, GUEST_RET)), P1_EBADF);
    EXPECT_EQ(guest_write(g, GUEST_DIR, "more"), P1_SUCCESS);
    char *text = host_read(g, "a");
    EXPECT_STR(text, "aaamore");
    mem_free(text);
    guest_free(g);
}

TEST(fd_prestat)
{
    Guest *g = plain_guest();
    memset(g->mem + GUEST_RET, 0xff, 16);
    EXPECT_EQ(guest_ok(g, p1_fd_prestat_get(g->c, GUEST_DIR, GUEST_RET)), P1_SUCCESS);
    EXPECT_EQ(load_u64(g->mem + GUEST_RET), (u64)3 << 32); /* tag, padding, length */
    EXPECT_EQ(g->mem[GUEST_RET + 8], 0xff);
    EXPECT_EQ(guest_ok(g, p1_fd_prestat_dir_name(g->c, GUEST_DIR, GUEST_RET, 2)), P1_ENAMETOOLONG);
    EXPECT_EQ(guest_ok(g, p1_fd_prestat_dir_name(g->c, GUEST_DIR, GUEST_RET, 3)), P1_SUCCESS);
    EXPECT(memcmp(g->mem + GUEST_RET, "dir", 3) == 0);
    EXPECT_EQ(guest_ok(g, p1_fd_prestat_get(g->c, 4, GUEST_RET)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_prestat_get(g->c, 1, GUEST_RET)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_prestat_dir_name(g->c, 1, GUEST_RET, 9)), P1_ENOTDIR);
    EXPECT_EQ(guest_ok(g, p1_fd_prestat_dir_name(g->c, 9, GUEST_RET, 9)), P1_EBADF);
    guest_free(g);
}

static void expect_fdstat(Guest *g, u32 fd, u8 type, u16 flags, u64 base, u64 inheriting)
{
    memset(g->mem + GUEST_RET, 0xff, 32);
    EXPECT_EQ(guest_ok(g, p1_fd_fdstat_get(g->c, fd, GUEST_RET)), P1_SUCCESS);
    const u8 *p = g->mem + GUEST_RET;
    EXPECT_EQ(p[0], type);
    EXPECT_EQ(p[1], 0); /* padding */
    EXPECT_EQ(load_u16(p + 2), flags);
    EXPECT_EQ(load_u32(p + 4), 0);
    EXPECT_EQ(load_u64(p + 8), base);
    EXPECT_EQ(load_u64(p + 16), inheriting);
    EXPECT_EQ(p[24], 0xff);
}

TEST(fd_rights)
{
    Guest *g = plain_guest();
    const u64 all = GUEST_ALL_RIGHTS;
    u32 fd;
    host_mkdir(g, "d");
    host_write(g, "f", "text");
    expect_fdstat(g, 0, P1_FILETYPE_UNKNOWN, 0, P1_RIGHT_FD_READ, P1_RIGHT_FD_READ);
    expect_fdstat(g, 1, P1_FILETYPE_UNKNOWN, 0, P1_RIGHT_FD_WRITE, P1_RIGHT_FD_WRITE);
    /* The numbers the C libraries of guests know. */
    expect_fdstat(g, GUEST_DIR, P1_FILETYPE_DIRECTORY, 0, 0x07b7fe00, 0x0ff7ffff);
    EXPECT_EQ(guest_open(g, "f", 0, 0, P1_RIGHT_FD_READ, 0, &fd), P1_SUCCESS);
    expect_fdstat(g, fd, P1_FILETYPE_REGULAR_FILE, 0, all & ~(u64)P1_RIGHT_FD_WRITE,
                  all & ~(u64)P1_RIGHT_FD_WRITE);
    const u64 no_read = P1_RIGHT_FD_READ | P1_RIGHT_FD_READDIR;
    EXPECT_EQ(
        guest_open(g, "f", 0, 0, P1_RIGHT_FD_WRITE, P1_FDFLAGS_APPEND | P1_FDFLAGS_NONBLOCK, &fd),
        P1_SUCCESS);
    expect_fdstat(g, fd, P1_FILETYPE_REGULAR_FILE, P1_FDFLAGS_APPEND | P1_FDFLAGS_NONBLOCK,
                  all & ~no_read, all & ~no_read);
    EXPECT_EQ(guest_open(g, "f", 0, 0, 0, 0, &fd), P1_SUCCESS);
    expect_fdstat(g, fd, P1_FILETYPE_REGULAR_FILE, 0, all & ~(u64)P1_RIGHT_FD_WRITE,
                  all & ~(u64)P1_RIGHT_FD_WRITE);
    EXPECT_EQ(guest_open(g, "d", 0, P1_OFLAGS_DIRECTORY, P1_RIGHT_FD_READ, 0, &fd), P1_SUCCESS);
    const u64 no_dir = P1_RIGHT_FD_SEEK | P1_RIGHT_FD_FILESTAT_SET_SIZE |
                       P1_RIGHT_PATH_FILESTAT_SET_SIZE | P1_RIGHT_FD_WRITE;
    expect_fdstat(g, fd, P1_FILETYPE_DIRECTORY, 0, all & ~no_dir, all & ~no_dir);
    EXPECT_EQ(guest_ok(g, p1_fd_fdstat_set_rights(g->c, fd, 0, 0)), P1_ENOTSUP);
    EXPECT_EQ(guest_ok(g, p1_fd_fdstat_set_rights(g->c, 99, 0, 0)), P1_EBADF);
    p1_fd_fdstat_set_rights(g->c, fd, (u64)1 << 30, 0);
    guest_expect_end(g, "Invalid flag value Rights");
    guest_free(g);
}

TEST(fd_flags)
{
    Guest *g = plain_guest();
    u32 fd = open_file(g, "f", P1_OFLAGS_CREAT, 0);
    u64 pos;
    EXPECT_EQ(guest_write(g, fd, "0123456789"), P1_SUCCESS);
    EXPECT_EQ(seek(g, fd, 2, 0, &pos), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_fdstat_set_flags(g->c, fd, P1_FDFLAGS_APPEND)), P1_SUCCESS);
    EXPECT_EQ(guest_write(g, fd, "end"), P1_SUCCESS);
    EXPECT_EQ(seek(g, fd, 0, 1, &pos), P1_SUCCESS);
    EXPECT_EQ(pos, 13);
    EXPECT_EQ(guest_ok(g, p1_fd_fdstat_set_flags(g->c, fd, 0)), P1_SUCCESS);
    EXPECT_EQ(seek(g, fd, 0, 0, &pos), P1_SUCCESS);
    EXPECT_EQ(guest_write(g, fd, "AB"), P1_SUCCESS);
    char *text = host_read(g, "f");
    EXPECT_STR(text, "AB23456789end");
    mem_free(text);
    EXPECT_EQ(guest_ok(g, p1_fd_fdstat_set_flags(g->c, fd, P1_FDFLAGS_SYNC)), P1_EINVAL);
    EXPECT_EQ(guest_ok(g, p1_fd_fdstat_set_flags(g->c, 1, 0)), P1_EBADF);
    EXPECT_EQ(guest_open(g, "f", 0, 0, RW, P1_FDFLAGS_DSYNC, &fd), P1_ENOTSUP);
    p1_fd_fdstat_set_flags(g->c, fd, 32);
    guest_expect_end(g, "In func wasi_snapshot_preview1::test at convert Fdflags: Invalid flag "
                        "value Fdflags");
    p1_fd_fdstat_set_flags(g->c, fd, 0x10000);
    guest_expect_end(g, "Int conversion error: TryFromIntError(())");
    guest_free(g);
}

TEST(fd_read_and_write)
{
    Guest *g = plain_guest();
    u32 n, fd = open_file(g, "f", P1_OFLAGS_CREAT, 0);
    u64 pos;
    EXPECT_EQ(guest_write(g, fd, "hello"), P1_SUCCESS);
    EXPECT_EQ(guest_read(g, fd, 10, &n), P1_SUCCESS);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(seek(g, fd, -4, 2, &pos), P1_SUCCESS);
    EXPECT_EQ(guest_read(g, fd, 10, &n), P1_SUCCESS);
    EXPECT_EQ(n, 4);
    EXPECT(memcmp(g->mem + GUEST_BUF, "ello", 4) == 0);
    /* The first buffer that is not empty, and only that. */
    static const u32 iovs[] = {GUEST_BUF, 0, GUEST_BUF, 2, GUEST_BUF + 2, 3};
    memcpy(g->mem + GUEST_IOV, iovs, sizeof iovs);
    EXPECT_EQ(guest_ok(g, p1_fd_pread(g->c, fd, GUEST_IOV, 3, 1, GUEST_RET)), P1_SUCCESS);
    EXPECT_EQ(load_u32(g->mem + GUEST_RET), 2);
    EXPECT(memcmp(g->mem + GUEST_BUF, "el", 2) == 0);
    EXPECT_EQ(guest_ok(g, p1_fd_pwrite(g->c, fd, GUEST_IOV, 3, 3, GUEST_RET)), P1_SUCCESS);
    EXPECT_EQ(load_u32(g->mem + GUEST_RET), 2);
    EXPECT_EQ(seek(g, fd, 0, 1, &pos), P1_SUCCESS);
    EXPECT_EQ(pos, 5); /* neither moved it */
    EXPECT_EQ(guest_ok(g, p1_fd_write(g->c, fd, GUEST_IOV, 1, GUEST_RET)), P1_SUCCESS);
    EXPECT_EQ(load_u32(g->mem + GUEST_RET), 0);
    char *text = host_read(g, "f");
    EXPECT_STR(text, "helel");
    mem_free(text);
    EXPECT_EQ(guest_ok(g, p1_fd_pread(g->c, fd, GUEST_IOV, 3, UINT64_MAX, GUEST_RET)), P1_EINVAL);
    EXPECT_EQ(guest_open(g, "f", 0, 0, P1_RIGHT_FD_READ, 0, &fd), P1_SUCCESS);
    EXPECT_EQ(guest_write(g, fd, "x"), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_set_size(g->c, fd, 0)), P1_EINVAL);
    EXPECT_EQ(guest_open(g, "f", 0, 0, P1_RIGHT_FD_WRITE, 0, &fd), P1_SUCCESS);
    EXPECT_EQ(guest_read(g, fd, 1, &n), P1_EBADF);
    guest_free(g);
}

TEST(fd_seeks)
{
    Guest *g = plain_guest();
    u32 fd = open_file(g, "f", P1_OFLAGS_CREAT, 0);
    u64 pos;
    EXPECT_EQ(seek(g, fd, -1, 0, &pos), P1_EINVAL);
    EXPECT_EQ(seek(g, fd, -1, 1, &pos), P1_EINVAL);
    EXPECT_EQ(seek(g, fd, -1, 2, &pos), P1_EINVAL);
    EXPECT_EQ(seek(g, fd, INT64_MIN, 0, &pos), P1_EINVAL);
    EXPECT_EQ(seek(g, fd, 100, 0, &pos), P1_SUCCESS);
    EXPECT_EQ(pos, 100);
    EXPECT_EQ(seek(g, fd, -40, 1, &pos), P1_SUCCESS);
    EXPECT_EQ(pos, 60);
    EXPECT_EQ(seek(g, fd, INT64_MAX, 0, &pos), P1_SUCCESS);
    EXPECT_EQ(seek(g, fd, INT64_MAX, 1, &pos), P1_SUCCESS);
    EXPECT_EQ(seek(g, fd, 2, 1, &pos), P1_EINVAL);
    EXPECT_EQ(guest_write(g, fd, "x"), P1_EINVAL); /* no file reaches there */
    EXPECT_EQ(seek(g, 0, 0, 0, &pos), P1_ESPIPE);
    EXPECT_EQ(seek(g, GUEST_DIR, 0, 0, &pos), P1_EBADF);
    EXPECT_EQ(seek(g, 99, 0, 0, &pos), P1_EBADF);
    p1_fd_seek(g->c, fd, 0, 3, GUEST_RET);
    guest_expect_end(g, "Invalid enum value Whence");
    g->call.abi = &P1_ABI_PREVIEW0; /* cur, end, set */
    EXPECT_EQ(seek(g, fd, 7, 2, &pos), P1_SUCCESS);
    EXPECT_EQ(seek(g, fd, 1, 0, &pos), P1_SUCCESS);
    EXPECT_EQ(pos, 8);
    EXPECT_EQ(seek(g, fd, 0, 1, &pos), P1_SUCCESS);
    EXPECT_EQ(pos, 0);
    guest_free(g);
}

TEST(fd_of_directory)
{
    Guest *g = plain_guest();
    u32 n;
    store_u32(g->mem + GUEST_IOV, GUEST_BUF);
    store_u32(g->mem + GUEST_IOV + 4, 1);
    EXPECT_EQ(guest_read(g, GUEST_DIR, 1, &n), P1_EBADF);
    EXPECT_EQ(guest_write(g, GUEST_DIR, "x"), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_pread(g->c, GUEST_DIR, GUEST_IOV, 1, 0, GUEST_RET)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_pwrite(g->c, GUEST_DIR, GUEST_IOV, 1, 0, GUEST_RET)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_tell(g->c, GUEST_DIR, GUEST_RET)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_advise(g->c, GUEST_DIR, 0, 0, 0)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_allocate(g->c, GUEST_DIR, 0, 0)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_set_size(g->c, GUEST_DIR, 0)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_sync(g->c, GUEST_DIR)), P1_EBADF);
    u32 fd = open_file(g, "f", P1_OFLAGS_CREAT, 0);
    EXPECT_EQ(guest_ok(g, p1_fd_allocate(g->c, fd, 0, 10)), P1_ENOTSUP);
    EXPECT_EQ(guest_ok(g, p1_fd_advise(g->c, fd, 0, 10, OS_ADVICE_WILLNEED)), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_sync(g->c, fd)), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_datasync(g->c, fd)), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_readdir(g->c, fd, GUEST_BUF, 100, 0, GUEST_RET)), P1_EBADF);
    n = guest_path(g, "x");
    EXPECT_EQ(guest_ok(g, p1_path_open(g->c, fd, 0, GUEST_PATH, n, 0, 0, 0, 0, GUEST_RET)),
              P1_ENOTDIR);
    EXPECT_EQ(guest_ok(g, p1_path_open(g->c, 0, 0, GUEST_PATH, n, 0, 0, 0, 0, GUEST_RET)),
              P1_EBADF);
    p1_fd_advise(g->c, fd, 0, 0, 6);
    guest_expect_end(g, "Invalid enum value Advice");
    guest_free(g);
}

TEST(fd_filestat_layouts)
{
    Guest *g = plain_guest();
    u32 fd = open_file(g, "f", P1_OFLAGS_CREAT, 0);
    const u64 atim = 1000000000000000001, mtim = 1500000000000000002;
    EXPECT_EQ(guest_write(g, fd, "12345"), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_set_times(g->c, fd, atim, mtim,
                                                   P1_FSTFLAGS_ATIM | P1_FSTFLAGS_MTIM)),
              P1_SUCCESS);
    u8 *p = g->mem + GUEST_RET;
    memset(p, 0xff, 80);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_get(g->c, fd, GUEST_RET)), P1_SUCCESS);
    EXPECT_EQ(load_u64(p), 1);
    EXPECT(load_u64(p + 8) != 0);
    u64 ino = load_u64(p + 8), ctim = load_u64(p + 56);
    EXPECT_EQ(load_u64(p + 16), P1_FILETYPE_REGULAR_FILE); /* with its padding */
    EXPECT_EQ(load_u64(p + 24), 1);
    EXPECT_EQ(load_u64(p + 32), 5);
    EXPECT_EQ(load_u64(p + 40), atim);
    EXPECT_EQ(load_u64(p + 48), mtim);
    EXPECT_EQ(p[64], 0xff);
    g->call.abi = &P1_ABI_PREVIEW0;
    memset(p, 0xff, 80);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_get(g->c, fd, GUEST_RET)), P1_SUCCESS);
    EXPECT_EQ(load_u64(p + 8), ino);
    EXPECT_EQ(load_u32(p + 16), P1_FILETYPE_REGULAR_FILE);
    EXPECT_EQ(load_u32(p + 20), 1);
    EXPECT_EQ(load_u64(p + 24), 5);
    EXPECT_EQ(load_u64(p + 32), atim);
    EXPECT_EQ(load_u64(p + 40), mtim);
    EXPECT_EQ(load_u64(p + 48), ctim);
    EXPECT_EQ(p[56], 0xff);
    g->call.abi = &P1_ABI_PREVIEW1;
    memset(p, 0xff, 80);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_get(g->c, 1, GUEST_RET)), P1_SUCCESS);
    for (int i = 0; i < 64; i++)
        EXPECT_EQ(p[i], 0);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_set_times(g->c, 1, 0, 0, 0)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_set_times(g->c, fd, 0, 0,
                                                   P1_FSTFLAGS_ATIM | P1_FSTFLAGS_ATIM_NOW)),
              P1_EINVAL);
    guest_free(g);
}

TEST(fd_identity_is_siphash)
{
    /* SipHash-1-3 of two words under a key of zeros, and nothing else of the file. */
    EXPECT_EQ(fs_identity(&(OsStat){.dev = 0xfe00, .ino = 2}), 0x17917204463686b5);
    EXPECT_EQ(fs_identity(&(OsStat){.dev = 0xfe00, .ino = 2, .size = 9}), 0x17917204463686b5);
}

TEST(fd_extreme_times)
{
    u64 ns = 7;
    EXPECT_EQ(fs_time_ns((OsTime){-5, 3}, &ns), 0);
    EXPECT_EQ(ns, 0);
    EXPECT_EQ(fs_time_ns((OsTime){18446744073, 709551615}, &ns), 0);
    EXPECT_EQ(ns, UINT64_MAX);
    EXPECT(fs_time_ns((OsTime){18446744073, 709551616}, &ns) != 0);
    EXPECT(fs_time_ns((OsTime){INT64_MAX, 0}, &ns) != 0);
    Guest *g = plain_guest();
    u32 fd = open_file(g, "f", P1_OFLAGS_CREAT, 0);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_set_times(g->c, fd, 0, 5, P1_FSTFLAGS_MTIM)), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_clock_time_get(g->c, P1_CLOCK_REALTIME, 0, 8)), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_set_times(g->c, fd, 0, 0, P1_FSTFLAGS_MTIM_NOW)),
              P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_get(g->c, fd, GUEST_RET)), P1_SUCCESS);
    EXPECT(load_u64(g->mem + GUEST_RET + 48) >= load_u64(g->mem + 8));
    static const u64 times[] = {0, 1, (u64)1 << 63, UINT64_MAX};
    for (usize i = 0; i < ARRAY_LEN(times); i++) { /* the file system may cut them off */
        EXPECT_EQ(guest_ok(g, p1_fd_filestat_set_times(g->c, fd, times[i], times[i],
                                                       P1_FSTFLAGS_ATIM | P1_FSTFLAGS_MTIM)),
                  P1_SUCCESS);
        EXPECT_EQ(guest_ok(g, p1_fd_filestat_get(g->c, fd, GUEST_RET)), P1_SUCCESS);
    }
    guest_free(g);
}

TEST(fd_sizes)
{
    Guest *g = plain_guest();
    u32 n, fd = open_file(g, "f", P1_OFLAGS_CREAT, 0);
    EXPECT_EQ(guest_write(g, fd, "12345"), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_set_size(g->c, fd, 100)), P1_SUCCESS);
    EXPECT_EQ(guest_read(g, fd, 200, &n), P1_SUCCESS);
    EXPECT_EQ(n, 95);
    EXPECT_EQ(g->mem[GUEST_BUF + 94], 0);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_set_size(g->c, fd, UINT64_MAX)), P1_EINVAL);
    fd = open_file(g, "f", P1_OFLAGS_TRUNC, 0);
    EXPECT_EQ(guest_read(g, fd, 200, &n), P1_SUCCESS);
    EXPECT_EQ(n, 0);
    guest_free(g);
}

typedef struct Entry {
    u64 next, ino;
    u32 len;
    u8 type;
    char name[16];
} Entry;

/* Reads entries from `cookie` into a buffer of n bytes; returns how many are whole. */
static u32 read_dir(Guest *g, u64 cookie, u32 n, Entry *e, u32 max, u32 *ret_bytes)
{
    EXPECT_EQ(guest_ok(g, p1_fd_readdir(g->c, GUEST_DIR, GUEST_BUF, n, cookie, GUEST_RET)),
              P1_SUCCESS);
    u32 bytes = load_u32(g->mem + GUEST_RET), count = 0;
    EXPECT(bytes <= n);
    *ret_bytes = bytes;
    for (u32 at = 0; at + 24 <= bytes && count < max; count++) {
        const u8 *p = g->mem + GUEST_BUF + at;
        Entry *to = &e[count];
        *to = (Entry){load_u64(p), load_u64(p + 8), load_u32(p + 16), p[20], {0}};
        EXPECT(to->len < sizeof to->name && p[21] == 0 && p[22] == 0 && p[23] == 0);
        if (at + 24 + to->len > bytes)
            break;
        memcpy(to->name, p + 24, to->len);
        at += 24 + to->len;
    }
    return count;
}

TEST(fd_readdir)
{
    Guest *g = plain_guest();
    Entry e[16], again[16];
    u32 bytes;
    host_write(g, "file", "");
    host_mkdir(g, "sub");
    host_symlink(g, "file", "link");
    EXPECT_EQ(read_dir(g, 0, 4096, e, 16, &bytes), 5);
    EXPECT_STR(e[0].name, ".");
    EXPECT_STR(e[1].name, "..");
    EXPECT_EQ(e[0].ino, e[1].ino);
    for (u32 i = 0; i < 5; i++) {
        EXPECT_EQ(e[i].next, i + 1);
        u8 type = strcmp(e[i].name, "file") == 0   ? P1_FILETYPE_REGULAR_FILE
                  : strcmp(e[i].name, "link") == 0 ? P1_FILETYPE_SYMBOLIC_LINK
                                                   : P1_FILETYPE_DIRECTORY;
        EXPECT_EQ(e[i].type, type);
    }
    /* Identities are those of stat. */
    u32 n = guest_path(g, e[2].name);
    EXPECT_EQ(guest_ok(g, p1_path_filestat_get(g->c, GUEST_DIR, 0, GUEST_PATH, n, GUEST_RET)),
              P1_SUCCESS);
    EXPECT_EQ(load_u64(g->mem + GUEST_RET + 8), e[2].ino);
    /* From a cookie, and cut off at every length: the buffer is full then. */
    EXPECT_EQ(read_dir(g, 2, 4096, again, 16, &bytes), 3);
    EXPECT_STR(again[0].name, e[2].name);
    EXPECT_EQ(read_dir(g, 5, 4096, again, 16, &bytes), 0);
    EXPECT_EQ(bytes, 0);
    EXPECT_EQ(read_dir(g, UINT64_MAX, 4096, again, 16, &bytes), 0);
    for (u32 len = 0; len < 60; len++) {
        memset(g->mem + GUEST_BUF, 0xee, 100);
        (void)read_dir(g, 0, len, again, 16, &bytes);
        EXPECT_EQ(bytes, len);
        EXPECT_EQ(g->mem[GUEST_BUF + len], 0xee);
    }
    /* Cookies stay good while the directory changes; a new start sees the change. */
    EXPECT_EQ(read_dir(g, 0, 4096, e, 16, &bytes), 5);
    char full[128];
    snprintf(full, sizeof full, "%s/%s", g->dir, e[2].name);
    EXPECT(remove(full) == 0);
    host_write(g, "new", "");
    EXPECT_EQ(read_dir(g, 3, 4096, again, 16, &bytes), 2);
    EXPECT_STR(again[0].name, e[3].name);
    EXPECT_STR(again[1].name, e[4].name);
    EXPECT_EQ(read_dir(g, 2, 4096, again, 16, &bytes), 3);
    EXPECT_STR(again[0].name, e[2].name); /* gone, but it was there */
    EXPECT_EQ(read_dir(g, 0, 4096, e, 16, &bytes), 5);
    EXPECT(g->ctx->listing_bytes > 0);
    /* Without room for another listing. */
    g->ctx->listing_bytes += WASI_LIMIT_DIRECTORY_BYTES - 64;
    EXPECT_EQ(guest_ok(g, p1_fd_readdir(g->c, GUEST_DIR, GUEST_BUF, 99, 0, GUEST_RET)), P1_ENOMEM);
    g->ctx->listing_bytes = 0;
    EXPECT_EQ(read_dir(g, 0, 4096, e, 16, &bytes), 5);
    host_write(g, "\xff", "");
    EXPECT_EQ(guest_ok(g, p1_fd_readdir(g->c, GUEST_DIR, GUEST_BUF, 99, 0, GUEST_RET)), P1_EILSEQ);
    EXPECT_EQ(g->ctx->listing_bytes, 0);
    guest_free(g);
}

TEST(fd_streams)
{
    Guest *g = plain_guest();
    int in[2], out[2];
    u32 n;
    EXPECT(pipe(in) == 0 && pipe(out) == 0);
    wasi_ctx_stdio(g->ctx, WASI_STDIN, in[0]);
    wasi_ctx_stdio(g->ctx, WASI_STDOUT, out[1]);
    EXPECT(write(in[1], "line one\nline two\n", 18) == 18);
    EXPECT_EQ(guest_read(g, 0, 9, &n), P1_SUCCESS);
    EXPECT_EQ(n, 9); /* and no more was taken */
    char left[32] = {0};
    EXPECT(read(in[0], left, sizeof left) == 9);
    EXPECT_STR(left, "line two\n");
    close(in[1]);
    EXPECT_EQ(guest_read(g, 0, 9, &n), P1_SUCCESS);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(guest_write(g, 1, "out"), P1_SUCCESS);
    EXPECT(read(out[0], left, sizeof left) == 3);
    EXPECT_EQ(guest_write(g, 2, "nowhere"), P1_SUCCESS); /* not connected */
    EXPECT_EQ(guest_write(g, 0, "x"), P1_EBADF);
    EXPECT_EQ(guest_read(g, 1, 1, &n), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_fd_pread(g->c, 0, GUEST_IOV, 1, 0, GUEST_RET)), P1_ESPIPE);
    EXPECT_EQ(guest_ok(g, p1_fd_pwrite(g->c, 1, GUEST_IOV, 1, 0, GUEST_RET)), P1_ESPIPE);
    os_ignore_write_signals();
    close(out[0]);
    EXPECT_EQ(guest_write(g, 1, "x"), P1_EPIPE);
    EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, 1)), P1_SUCCESS);
    EXPECT_EQ(guest_write(g, 1, "x"), P1_EBADF);
    EXPECT(write(out[1], "x", 0) == 0); /* the host's descriptor is still open */
    guest_free(g);
}
