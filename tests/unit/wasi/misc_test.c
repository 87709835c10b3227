/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Preview 1: arguments, environment, clocks, randomness, exits, pointers, fuel and limits. */
#include "unit/wasi/guest_fixture.h"

#include <errno.h>
#include <stdlib.h>

static Guest *plain_guest(void)
{
    return guest_new((GuestOptions){0});
}

TEST(misc_errno)
{
    static const struct {
        int host;
        u32 guest;
    } rows[] = {
        {0, 0},      {E2BIG, 1},   {EACCES, 2},  {EBADF, 8},    {EINVAL, 28},
        {EIO, 29},   {EMFILE, 33}, {ENOENT, 44}, {ENOTSUP, 58}, {EPERM, 63},
        {EPIPE, 64}, {EROFS, 69},  {EXDEV, 75},  {12345, 29},
    };
    for (usize i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_EQ(p1_errno(rows[i].host), rows[i].guest);
}

TEST(misc_texts)
{
    Guest *g = plain_guest();
    static const char all[] = "prog\0\0a b\0caf\xc3\xa9";
    EXPECT(!wasi_ctx_arg(g->ctx, STR("prog")) && !wasi_ctx_arg(g->ctx, STR("")) &&
           !wasi_ctx_arg(g->ctx, STR("a b")) && !wasi_ctx_arg(g->ctx, STR("caf\xc3\xa9")));
    EXPECT(!wasi_ctx_env(g->ctx, STR("A"), STR("1=2")));
    EXPECT(!wasi_ctx_env(g->ctx, STR("A"), STR("")));
    EXPECT_EQ(guest_ok(g, p1_args_sizes_get(g->c, 64, 68)), P1_SUCCESS);
    EXPECT_EQ(load_u32(g->mem + 64), 4);
    EXPECT_EQ(load_u32(g->mem + 68), sizeof all);
    EXPECT_EQ(guest_ok(g, p1_args_get(g->c, 64, 4096)), P1_SUCCESS);
    EXPECT(memcmp(g->mem + 4096, all, sizeof all) == 0);
    EXPECT_EQ(load_u32(g->mem + 64), 4096);
    EXPECT_EQ(load_u32(g->mem + 68), 4101);
    EXPECT_EQ(load_u32(g->mem + 76), 4106);
    EXPECT_EQ(guest_ok(g, p1_environ_sizes_get(g->c, 64, 68)), P1_SUCCESS);
    EXPECT_EQ(load_u32(g->mem + 64), 2);
    EXPECT_EQ(load_u32(g->mem + 68), 9);
    EXPECT_EQ(guest_ok(g, p1_environ_get(g->c, 64, 4096)), P1_SUCCESS);
    EXPECT(memcmp(g->mem + 4096, "A=1=2\0A=", 9) == 0);
    /* The texts end at the end of memory, or one byte beyond. */
    EXPECT_EQ(guest_ok(g, p1_environ_get(g->c, 64, GUEST_BYTES - 9)), P1_SUCCESS);
    p1_environ_get(g->c, 64, GUEST_BYTES - 8);
    guest_expect_end(g, "Pointer out of bounds: Region { start: 65534, len: 3 }");
    p1_environ_get(g->c, 65, 4096);
    guest_expect_end(g, "Pointer not aligned to 4: Region { start: 65, len: 4 }");
    p1_environ_get(g->c, GUEST_BYTES - 4, 4096);
    guest_expect_end(g, "Pointer out of bounds: Region { start: 65536, len: 4 }");
    p1_environ_get(g->c, UINT32_MAX - 3, 4096);
    guest_expect_end(g, "Pointer out of bounds");
    p1_args_sizes_get(g->c, 64, 67);
    guest_expect_end(g, "In func wasi_snapshot_preview1::test at write size: Pointer not aligned");
    guest_free(g);
}

TEST(misc_ctx_refuses)
{
    WasiCtx *c = wasi_ctx_new();
    Error *e[] = {
        wasi_ctx_arg(c, STR("a\xff")),
        wasi_ctx_arg(c, (Str){"a\0b", 3}),
        wasi_ctx_env(c, STR("\xc0\x80"), STR("")),
        wasi_ctx_env(c, STR("A"), STR("\xed\xa0\x80")),
        wasi_ctx_preopen(c, "/", STR("\xff"), false),
        wasi_ctx_preopen(c, "/no/such/directory", STR("a"), false),
        wasi_ctx_preopen(c, "/etc/passwd", STR("a"), false),
    };
    for (usize i = 0; i < ARRAY_LEN(e); i++) {
        EXPECT(e[i]);
        error_free(e[i]);
    }
    EXPECT_EQ(c->args.n + c->env.n + c->preopens.n, 0);
    EXPECT(setenv("WASI_TEST_VARIABLE", "x=y", 1) == 0);
    EXPECT(!wasi_ctx_inherit_env(c));
    bool found = false;
    for (u32 i = 0; i < c->env.n; i++)
        found |= strcmp(c->env.p[i], "WASI_TEST_VARIABLE=x=y") == 0;
    EXPECT(found);
    wasi_ctx_free(c);
}

TEST(misc_clocks)
{
    Guest *g = plain_guest();
    u64 last = 0;
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(guest_ok(g, p1_clock_time_get(g->c, P1_CLOCK_MONOTONIC, 0, 64)), P1_SUCCESS);
        EXPECT(load_u64(g->mem + 64) >= last);
        last = load_u64(g->mem + 64);
    }
    EXPECT(last < 60 * (u64)1000000000); /* it began with the context */
    EXPECT_EQ(guest_ok(g, p1_clock_time_get(g->c, P1_CLOCK_REALTIME, 0, 64)), P1_SUCCESS);
    EXPECT(load_u64(g->mem + 64) > (u64)1700000000 * 1000000000);
    for (u32 id = 0; id < 2; id++) {
        EXPECT_EQ(guest_ok(g, p1_clock_res_get(g->c, id, 64)), P1_SUCCESS);
        EXPECT(load_u64(g->mem + 64) > 0);
        EXPECT_EQ(guest_ok(g, p1_clock_res_get(g->c, id + 2, 64)), P1_EBADF);
        EXPECT_EQ(guest_ok(g, p1_clock_time_get(g->c, id + 2, 0, 64)), P1_EBADF);
    }
    p1_clock_res_get(g->c, 4, 64);
    guest_expect_end(g, "Invalid enum value Clockid");
    guest_free(g);
}

TEST(misc_random)
{
    Guest *g = plain_guest();
    u8 zero[64] = {0};
    EXPECT_EQ(guest_ok(g, p1_random_get(g->c, 100, 64)), P1_SUCCESS);
    EXPECT(memcmp(g->mem + 100, zero, 64) != 0);
    EXPECT(memcmp(g->mem + 164, zero, 64) == 0);
    EXPECT_EQ(guest_ok(g, p1_random_get(g->c, UINT32_MAX, 0)), P1_SUCCESS);
    p1_random_get(g->c, GUEST_BYTES - 10, 11);
    guest_expect_end(g, "Pointer out of bounds: Region { start: 65526, len: 11 }");
    wasi_ctx_max_random_size(g->ctx, 255);
    EXPECT_EQ(guest_ok(g, p1_random_get(g->c, 100, 255)), P1_SUCCESS);
    p1_random_get(g->c, 100, 256);
    guest_expect_end(g, "requested len 256 exceeds limit 255");
    guest_free(g);
}

TEST(misc_exit)
{
    Guest *g = plain_guest();
    p1_proc_exit(g->c, 125);
    const Error *e = error_find(g->c->mem.error, ERROR_EXIT);
    EXPECT(e && e->value == 125);
    guest_expect_end(g, "Exited with i32 exit status 125");
    p1_proc_exit(g->c, 126);
    EXPECT(!error_find(g->c->mem.error, ERROR_EXIT));
    guest_expect_end(g, "exit with invalid exit status outside of [0..126)");
    p1_proc_exit(g->c, UINT32_MAX);
    guest_expect_end(g, "exit with invalid exit status outside of [0..126)");
    EXPECT_EQ(guest_ok(g, p1_proc_raise(g->c, 0)), P1_ENOTSUP);
    EXPECT_EQ(guest_ok(g, p1_sched_yield(g->c)), P1_SUCCESS);
    guest_free(g);
}

TEST(misc_sockets)
{
    Guest *g = plain_guest();
    EXPECT_EQ(guest_ok(g, p1_sock_accept(g->c, 0, 0, 64)), P1_ENOTSOCK);
    EXPECT_EQ(guest_ok(g, p1_sock_accept(g->c, 99, 0, 64)), P1_EBADF);
    EXPECT_EQ(guest_ok(g, p1_sock_recv(g->c, GUEST_DIR, 0, 0, 0, 64, 68)), P1_ENOTSOCK);
    EXPECT_EQ(guest_ok(g, p1_sock_send(g->c, 1, 0, 0, 0, 64)), P1_ENOTSOCK);
    EXPECT_EQ(guest_ok(g, p1_sock_shutdown(g->c, 1, 3)), P1_ENOTSOCK);
    EXPECT_EQ(guest_ok(g, p1_sock_shutdown(g->c, 77, 1)), P1_EBADF);
    p1_sock_shutdown(g->c, 1, 4);
    guest_expect_end(g, "Invalid flag value Sdflags");
    g->call.abi = &P1_ABI_PREVIEW0;
    g->call.func = "sock_recv";
    p1_sock_recv(g->c, 1, 0, 0, 0, 64, 68);
    guest_expect_end(g, "sock_recv unsupported");
    guest_free(g);
}

/* Pointers at and over the edges: an error, and nothing is touched beyond. */
TEST(misc_pointers)
{
    Guest *g = plain_guest();
    host_write(g, "f", "text");
    const u32 end = GUEST_BYTES;
    u32 fd;
    EXPECT_EQ(guest_open(g, "f", 0, 0, P1_RIGHT_FD_READ | P1_RIGHT_FD_WRITE, 0, &fd), P1_SUCCESS);
    static const u32 bad[] = {GUEST_BYTES - 1, GUEST_BYTES, UINT32_MAX - 7, UINT32_MAX};
    for (usize i = 0; i < ARRAY_LEN(bad); i++) {
        p1_fd_read(g->c, fd, bad[i], 1, 64);
        guest_expect_end(g, "Pointer ");
        p1_fd_filestat_get(g->c, fd, bad[i]);
        guest_expect_end(g, "Pointer ");
        p1_fd_fdstat_get(g->c, fd, bad[i]);
        guest_expect_end(g, "Pointer ");
        p1_fd_prestat_get(g->c, GUEST_DIR, bad[i]);
        guest_expect_end(g, "Pointer ");
        p1_fd_prestat_dir_name(g->c, GUEST_DIR, bad[i], 3);
        guest_expect_end(g, "Pointer ");
        p1_fd_readdir(g->c, GUEST_DIR, bad[i], 100, 0, 64);
        guest_expect_end(g, "Pointer ");
        p1_path_open(g->c, GUEST_DIR, 0, bad[i], 2, 0, 0, 0, 0, 64);
        guest_expect_end(g, "Pointer out of bounds");
        p1_path_readlink(g->c, GUEST_DIR, bad[i], 2, GUEST_BUF, 10, 64);
        guest_expect_end(g, "Pointer out of bounds");
        p1_poll_oneoff(g->c, bad[i], 4096, 1, 64);
        guest_expect_end(g, "Pointer ");
        p1_clock_time_get(g->c, 0, 0, bad[i]);
        guest_expect_end(g, "at write timestamp: Pointer ");
    }
    /* A path that ends at the end of memory. */
    g->mem[end - 1] = 'f';
    EXPECT_EQ(guest_ok(g, p1_path_filestat_get(g->c, GUEST_DIR, 0, end - 1, 1, 64)), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_filestat_get(g->c, fd, end - 64)), P1_SUCCESS);
    p1_fd_filestat_get(g->c, fd, end - 56);
    guest_expect_end(g, "Pointer out of bounds");
    p1_fd_filestat_get(g->c, fd, 68);
    guest_expect_end(g, "Pointer not aligned to 8");
    /* The buffer is wrong: nothing is read. The result's place is wrong: it was. */
    store_u32(g->mem + GUEST_IOV, end - 2);
    store_u32(g->mem + GUEST_IOV + 4, 3);
    p1_fd_read(g->c, fd, GUEST_IOV, 1, 64);
    guest_expect_end(g, "Pointer out of bounds: Region { start: 65534, len: 3 }");
    store_u32(g->mem + GUEST_IOV, GUEST_BUF);
    p1_fd_read(g->c, fd, GUEST_IOV, 1, 65);
    guest_expect_end(g, "In func wasi_snapshot_preview1::test at write size: Pointer not aligned");
    EXPECT_EQ(guest_ok(g, p1_fd_tell(g->c, fd, 64)), P1_SUCCESS);
    EXPECT_EQ(load_u64(g->mem + 64), 3);
    /* Overlaps: where the result lands is data like any other. */
    store_u32(g->mem + GUEST_IOV, GUEST_IOV);
    EXPECT_EQ(guest_ok(g, p1_fd_pread(g->c, fd, GUEST_IOV, 1, 0, GUEST_IOV)), P1_SUCCESS);
    EXPECT_EQ(load_u32(g->mem + GUEST_IOV), 3);
    /* The last buffer would be beyond 2^32. */
    memset(g->mem, 0, GUEST_BYTES);
    p1_fd_write(g->c, fd, GUEST_IOV, 1 << 24, 64);
    guest_expect_end(g, "Pointer out of bounds");
    guest_free(g);
}

TEST(misc_fuel)
{
    Guest *g = plain_guest();
    wasi_ctx_hostcall_fuel(g->ctx, 5000);
    u32 fd;
    EXPECT_EQ(guest_open(g, "f", 0, P1_OFLAGS_CREAT, P1_RIGHT_FD_READ | P1_RIGHT_FD_WRITE, 0, &fd),
              P1_SUCCESS);
    memset(g->mem + GUEST_PATH, 'a', 5001);
    g->c->fuel = 5000;
    EXPECT_EQ(guest_ok(g, p1_path_create_directory(g->c, GUEST_DIR, GUEST_PATH, 5001)), P1_ENOMEM);
    store_u32(g->mem + GUEST_IOV, GUEST_BUF);
    store_u32(g->mem + GUEST_IOV + 4, 4993);
    EXPECT_EQ(guest_ok(g, p1_fd_write(g->c, fd, GUEST_IOV, 1, 64)), P1_ENOMEM);
    store_u32(g->mem + GUEST_IOV + 4, 4992);
    EXPECT_EQ(guest_ok(g, p1_fd_write(g->c, fd, GUEST_IOV, 1, 64)), P1_SUCCESS);
    EXPECT_EQ(guest_ok(g, p1_fd_read(g->c, fd, GUEST_IOV, 626, 64)), P1_ENOMEM);
    EXPECT_EQ(guest_ok(g, p1_poll_oneoff(g->c, 4096, 4096, 79, 64)), P1_ENOMEM);
    /* With the usual amount 2^29 buffers are too many, too. */
    wasi_ctx_hostcall_fuel(g->ctx, WASI_LIMIT_HOSTCALL_FUEL);
    g->c->fuel = WASI_LIMIT_HOSTCALL_FUEL;
    EXPECT_EQ(guest_ok(g, p1_fd_read(g->c, fd, GUEST_IOV, 1 << 29, 64)), P1_ENOMEM);
    EXPECT_EQ(guest_ok(g, p1_poll_oneoff(g->c, 4096, 4096, 1 << 29, 64)), P1_ENOMEM);
    guest_free(g);
}

TEST(misc_resources)
{
    Guest *g = plain_guest();
    wasi_ctx_max_resources(g->ctx, 6);
    u32 fd;
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(guest_open(g, ".", 0, 0, P1_RIGHT_FD_READ, 0, &fd), P1_SUCCESS);
    guest_path(g, ".");
    p1_path_open(g->c, GUEST_DIR, 0, GUEST_PATH, 1, 0, 0, 0, 0, 64);
    guest_expect_end(g, "resource table has no free keys");
    EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, fd)), P1_SUCCESS);
    EXPECT_EQ(guest_open(g, ".", 0, 0, P1_RIGHT_FD_READ, 0, &fd), P1_SUCCESS);
    guest_free(g);
}
