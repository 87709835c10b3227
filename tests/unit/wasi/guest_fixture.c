/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A guest without a runtime, for tests of preview 1. */
#include "unit/wasi/guest_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_dir(char *buf, usize n)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(buf, n, "%s/wasi-test-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    if (!mkdtemp(buf))
        test_skip("no temporary directory: %s", strerror(errno));
}

Guest *guest_new(GuestOptions o)
{
    Guest *g = mem_alloc(sizeof *g);
    make_dir(g->dir, sizeof g->dir);
    make_dir(g->outside, sizeof g->outside);
    g->ctx = wasi_ctx_new();
    EXPECT(!wasi_ctx_preopen(g->ctx, g->dir, STR("dir"), o.read_only));
    if (o.walk)
        wasi_ctx_walk_paths(g->ctx);
    g->mem = mmap(NULL, GUEST_BYTES + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(g->mem != MAP_FAILED);
    EXPECT(mprotect(g->mem, GUEST_BYTES, PROT_READ | PROT_WRITE) == 0);
    g->call = (P1Call){
        .ctx = g->ctx,
        .abi = o.preview0 ? &P1_ABI_PREVIEW0 : &P1_ABI_PREVIEW1,
        .func = "test",
        .mem = {.base = g->mem, .len = GUEST_BYTES},
    };
    g->c = &g->call;
    return g;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
    (void)st, (void)type, (void)w;
    return remove(path);
}

void guest_free(Guest *g)
{
    wasi_ctx_free(g->ctx);
    nftw(g->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    nftw(g->outside, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    munmap(g->mem, GUEST_BYTES + 4096);
    mem_free(g);
}

u32 guest_path(Guest *g, const char *path)
{
    usize n = strlen(path);
    EXPECT(n < GUEST_PATH2 - GUEST_PATH);
    memcpy(g->mem + GUEST_PATH, path, n);
    return (u32)n;
}

u32 guest_path2(Guest *g, const char *path)
{
    usize n = strlen(path);
    EXPECT(n < GUEST_BYTES - GUEST_PATH2);
    memcpy(g->mem + GUEST_PATH2, path, n);
    return (u32)n;
}

u32 guest_ok(Guest *g, u32 err)
{
    if (g->c->mem.error)
        test_fail(__FILE__, __LINE__, "the guest was ended: %s", g->c->mem.error->message);
    g->c->fuel = g->ctx->hostcall_fuel; /* for the next call */
    return err;
}

void guest_expect_end(Guest *g, const char *text)
{
    Buf b = {0};
    if (g->c->mem.error)
        error_format(g->c->mem.error, &b);
    buf_u8(&b, 0);
    if (!g->c->mem.error || !strstr((const char *)b.p, text))
        test_fail(__FILE__, __LINE__, "ended with \"%s\", expected \"%s\"", (const char *)b.p,
                  text);
    buf_release(&b);
    error_free(TAKE_PTR(g->c->mem.error));
    g->c->fuel = g->ctx->hostcall_fuel;
}

u32 guest_open(Guest *g, const char *path, u32 lookup, u32 oflags, u64 rights, u32 fdflags,
               u32 *ret_fd)
{
    u32 n = guest_path(g, path);
    g->c->fuel = g->ctx->hostcall_fuel;
    u32 err = guest_ok(g, p1_path_open(g->c, GUEST_DIR, lookup, GUEST_PATH, n, oflags, rights,
                                       rights, fdflags, GUEST_RET));
    if (!err && ret_fd)
        *ret_fd = load_u32(g->mem + GUEST_RET);
    return err;
}

static void put_iov(Guest *g, u32 n)
{
    store_u32(g->mem + GUEST_IOV, GUEST_BUF);
    store_u32(g->mem + GUEST_IOV + 4, n);
    g->c->fuel = g->ctx->hostcall_fuel;
}

u32 guest_write(Guest *g, u32 fd, const char *text)
{
    u32 n = (u32)strlen(text);
    memcpy(g->mem + GUEST_BUF, text, n);
    put_iov(g, n);
    u32 err = guest_ok(g, p1_fd_write(g->c, fd, GUEST_IOV, 1, GUEST_RET));
    if (!err)
        EXPECT_EQ(load_u32(g->mem + GUEST_RET), n);
    return err;
}

u32 guest_read(Guest *g, u32 fd, u32 n, u32 *ret_n)
{
    put_iov(g, n);
    u32 err = guest_ok(g, p1_fd_read(g->c, fd, GUEST_IOV, 1, GUEST_RET));
    if (!err)
        *ret_n = load_u32(g->mem + GUEST_RET);
    return err;
}

static void full_path(Guest *g, const char *path, char buf[512])
{
    if (path[0] == '/')
        snprintf(buf, 512, "%s", path);
    else
        snprintf(buf, 512, "%s/%s", g->dir, path);
}

void host_write(Guest *g, const char *path, const char *text)
{
    char full[512];
    full_path(g, path, full);
    FILE *f = fopen(full, "w");
    EXPECT(f);
    fputs(text, f);
    EXPECT(fclose(f) == 0);
}

void host_symlink(Guest *g, const char *target, const char *path)
{
    char full[512];
    full_path(g, path, full);
    EXPECT(symlink(target, full) == 0);
}

void host_mkdir(Guest *g, const char *path)
{
    char full[512];
    full_path(g, path, full);
    EXPECT(mkdir(full, 0777) == 0);
}

char *host_read(Guest *g, const char *path)
{
    char full[512], text[4096];
    full_path(g, path, full);
    FILE *f = fopen(full, "r");
    if (!f)
        return NULL;
    usize n = fread(text, 1, sizeof text, f);
    fclose(f);
    return mem_strdup_n(text, n);
}

bool host_exists(Guest *g, const char *path)
{
    char full[512];
    struct stat st;
    full_path(g, path, full);
    return lstat(full, &st) == 0;
}
