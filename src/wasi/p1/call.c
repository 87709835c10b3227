/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the functions of preview 1 share: errors, fuel, arguments and results. */
#include "wasi/p1/p1_priv.h"

#include <errno.h>

#include "base/utf8.h"

const P1Abi P1_ABI_PREVIEW1 = {
    .module = "wasi_snapshot_preview1",
    .rights = ((u64)1 << P1_RIGHT_COUNT) - 1,
    .sockets = true,
    .filestat_nlink = 24,
    .filestat_size = 32,
    .filestat_atim = 40,
    .filestat_mtim = 48,
    .filestat_ctim = 56,
    .filestat_end = 64,
    .subscription_end = 48,
    .clock_id = 16,
    .clock_timeout = 24,
    .clock_precision = 32,
    .clock_flags = 40,
    .whence_set = 0,
    .whence_cur = 1,
    .whence_end = 2,
};

const P1Abi P1_ABI_PREVIEW0 = {
    .module = "wasi_unstable",
    .rights = ((u64)1 << P1_RIGHT_BIT_SOCK_ACCEPT) - 1,
    .nlink32 = true,
    .filestat_nlink = 20,
    .filestat_size = 24,
    .filestat_atim = 32,
    .filestat_mtim = 40,
    .filestat_ctim = 48,
    .filestat_end = 56,
    .subscription_end = 56, /* the clock's has a number of its own in front */
    .clock_id = 24,
    .clock_timeout = 32,
    .clock_precision = 40,
    .clock_flags = 48,
    .whence_cur = 0,
    .whence_end = 1,
    .whence_set = 2,
};

u32 p1_errno(int err)
{
    switch (err) {
    case 0:
        return P1_SUCCESS;
#define ERRNO(name)                                                                                \
    case E##name:                                                                                  \
        return P1_E##name;
#include "wasi/errno.def"
#undef ERRNO
    default:
        return P1_EIO;
    }
}

u8 p1_filetype(OsFileType t)
{
    switch (t) {
    case OS_FILE_REGULAR:
        return P1_FILETYPE_REGULAR_FILE;
    case OS_FILE_DIRECTORY:
        return P1_FILETYPE_DIRECTORY;
    case OS_FILE_SYMLINK:
        return P1_FILETYPE_SYMBOLIC_LINK;
    case OS_FILE_BLOCK:
        return P1_FILETYPE_BLOCK_DEVICE;
    case OS_FILE_CHAR:
        return P1_FILETYPE_CHARACTER_DEVICE;
    case OS_FILE_FIFO: /* the specification has no number for it */
    case OS_FILE_SOCKET:
    case OS_FILE_UNKNOWN:
        return P1_FILETYPE_UNKNOWN;
    }
    return P1_FILETYPE_UNKNOWN;
}

bool p1_consume(P1Call *c, u64 bytes)
{
    if (bytes > c->fuel)
        return false;
    c->fuel -= bytes;
    return true;
}

bool p1_path(P1Call *c, u32 ptr, u32 len, Str *ret_path, u32 *ret_err)
{
    if (!p1_consume(c, len)) {
        *ret_err = P1_ENOMEM;
        return false;
    }
    const u8 *p = guest_bytes(&c->mem, ptr, len);
    if (!p || !utf8_valid(p, len)) {
        *ret_err = P1_EILSEQ; /* not looked at if the pointer was wrong */
        return false;
    }
    *ret_path = (Str){(const char *)p, len};
    return true;
}

WasiFd *p1_dir(P1Call *c, u32 fd)
{
    WasiFd *d = wasi_fd_get(c->ctx, fd);
    return d && d->kind == WASI_FD_DIR ? d : NULL;
}

WasiFd *p1_file(P1Call *c, u32 fd)
{
    WasiFd *d = wasi_fd_get(c->ctx, fd);
    return d && d->kind == WASI_FD_FILE ? d : NULL;
}

/* Takes `e`; the first error stays. */
static void fail(P1Call *c, Error *e)
{
    if (c->mem.error)
        error_free(e);
    else
        c->mem.error = e;
}

/* Puts the place in front of an error, which is named again below as its cause. */
static Error *at_place(const P1Call *c, Error *e, const char *what, const char *type)
{
    return error_wrap(e, "In func %s::%s at %s %s: %s", c->abi->module, c->func, what, type,
                      e->message);
}

bool p1_element(P1Call *c, u32 ptr, u32 i, u32 size, u32 *ret_ptr)
{
    u64 at = ptr + (u64)i * size;
    if (at > UINT32_MAX) {
        fail(c, error_new("Pointer overflow"));
        return false;
    }
    *ret_ptr = (u32)at;
    return true;
}

void p1_ret_struct(P1Call *c, u32 ptr, const void *p, u32 size, u32 align, const char *type)
{
    if (c->mem.error)
        return;
    u8 *to = guest_at(&c->mem, ptr, size, align);
    if (to)
        memcpy(to, p, size);
    else
        c->mem.error = at_place(c, c->mem.error, "write", type);
}

void p1_ret_u32(P1Call *c, u32 ptr, u32 v, const char *type)
{
    p1_ret_struct(c, ptr, &v, sizeof v, sizeof v, type);
}

void p1_ret_u64(P1Call *c, u32 ptr, u64 v, const char *type)
{
    p1_ret_struct(c, ptr, &v, sizeof v, sizeof v, type);
}

bool p1_check_enum(P1Call *c, u32 v, u32 n, const char *type)
{
    if (v < n)
        return true;
    fail(c, at_place(c, error_new("Invalid enum value %s", type), "convert", type));
    return false;
}

bool p1_check_flags(P1Call *c, u64 v, u64 all, u32 bits, const char *type)
{
    if ((v & ~all) == 0)
        return true;
    Error *e = bits < 64 && v >> bits ? error_new("Int conversion error: TryFromIntError(())")
                                      : error_new("Invalid flag value %s", type);
    fail(c, at_place(c, e, "convert", type));
    return false;
}

void p1_fail_full(P1Call *c)
{
    fail(c, error_new("resource table has no free keys"));
}
