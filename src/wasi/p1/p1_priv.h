/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Preview 1 and 0 inside wasi/: numbers, layouts, the state of one call, and the functions.
 *
 * A function p1_<name> returns an errno. If it leaves c->mem.error set (an access out of bounds,
 * a value that is none of its type, an exit) the guest is ended with that error instead.
 */
#ifndef WASI_P1_P1_PRIV_H
#define WASI_P1_P1_PRIV_H

#include "wasi/ctx_priv.h"
#include "wasi/guest.h"

typedef enum P1Errno {
    P1_SUCCESS,
#define ERRNO(name) P1_E##name,
#include "wasi/errno.def"
#undef ERRNO
    P1_ENOTCAPABLE,
} P1Errno;
static_assert(P1_ENOTCAPABLE == 76, "numbers of the specification");

/* Of an errno value of the host; EIO for what preview 1 has no number for. */
u32 p1_errno(int err);

enum P1Filetype {
    P1_FILETYPE_UNKNOWN,
    P1_FILETYPE_BLOCK_DEVICE,
    P1_FILETYPE_CHARACTER_DEVICE,
    P1_FILETYPE_DIRECTORY,
    P1_FILETYPE_REGULAR_FILE,
    P1_FILETYPE_SOCKET_DGRAM,
    P1_FILETYPE_SOCKET_STREAM,
    P1_FILETYPE_SYMBOLIC_LINK,
};
u8 p1_filetype(OsFileType t);

enum P1Clockid { P1_CLOCK_REALTIME, P1_CLOCK_MONOTONIC, P1_CLOCK_PROCESS, P1_CLOCK_THREAD };

enum P1Fdflags {
    P1_FDFLAGS_APPEND = 1,
    P1_FDFLAGS_DSYNC = 2,
    P1_FDFLAGS_NONBLOCK = 4,
    P1_FDFLAGS_RSYNC = 8,
    P1_FDFLAGS_SYNC = 16,
    P1_FDFLAGS_ALL = 31,
};
enum P1Oflags {
    P1_OFLAGS_CREAT = 1,
    P1_OFLAGS_DIRECTORY = 2,
    P1_OFLAGS_EXCL = 4,
    P1_OFLAGS_TRUNC = 8,
    P1_OFLAGS_ALL = 15,
};
enum P1Lookupflags { P1_LOOKUP_SYMLINK_FOLLOW = 1, P1_LOOKUP_ALL = 1 };
enum P1Fstflags {
    P1_FSTFLAGS_ATIM = 1,
    P1_FSTFLAGS_ATIM_NOW = 2,
    P1_FSTFLAGS_MTIM = 4,
    P1_FSTFLAGS_MTIM_NOW = 8,
    P1_FSTFLAGS_ALL = 15,
};

/* Rights, in order from bit 0. */
#define P1_RIGHTS(R)                                                                               \
    R(FD_DATASYNC)                                                                                 \
    R(FD_READ)                                                                                     \
    R(FD_SEEK)                                                                                     \
    R(FD_FDSTAT_SET_FLAGS)                                                                         \
    R(FD_SYNC)                                                                                     \
    R(FD_TELL)                                                                                     \
    R(FD_WRITE)                                                                                    \
    R(FD_ADVISE)                                                                                   \
    R(FD_ALLOCATE)                                                                                 \
    R(PATH_CREATE_DIRECTORY)                                                                       \
    R(PATH_CREATE_FILE)                                                                            \
    R(PATH_LINK_SOURCE)                                                                            \
    R(PATH_LINK_TARGET)                                                                            \
    R(PATH_OPEN)                                                                                   \
    R(FD_READDIR)                                                                                  \
    R(PATH_READLINK)                                                                               \
    R(PATH_RENAME_SOURCE)                                                                          \
    R(PATH_RENAME_TARGET)                                                                          \
    R(PATH_FILESTAT_GET)                                                                           \
    R(PATH_FILESTAT_SET_SIZE)                                                                      \
    R(PATH_FILESTAT_SET_TIMES)                                                                     \
    R(FD_FILESTAT_GET)                                                                             \
    R(FD_FILESTAT_SET_SIZE)                                                                        \
    R(FD_FILESTAT_SET_TIMES)                                                                       \
    R(PATH_SYMLINK)                                                                                \
    R(PATH_REMOVE_DIRECTORY)                                                                       \
    R(PATH_UNLINK_FILE)                                                                            \
    R(POLL_FD_READWRITE)                                                                           \
    R(SOCK_SHUTDOWN)                                                                               \
    R(SOCK_ACCEPT) /* preview 1 only */
enum P1RightBit {
#define R(name) P1_RIGHT_BIT_##name,
    P1_RIGHTS(R)
#undef R
        P1_RIGHT_COUNT
};
enum P1Right {
#define R(name) P1_RIGHT_##name = 1 << P1_RIGHT_BIT_##name,
    P1_RIGHTS(R)
#undef R
};

/* Layouts that both versions share: sizes and offsets in bytes. */
enum P1Layout {
    P1_IOVEC_SIZE = 8,
    P1_FDSTAT_SIZE = 24,
    P1_FDSTAT_FLAGS = 2,
    P1_FDSTAT_BASE = 8,
    P1_FDSTAT_INHERITING = 16,
    P1_PRESTAT_SIZE = 8,
    P1_PRESTAT_NAME_LEN = 4,
    P1_DIRENT_SIZE = 24,
    P1_DIRENT_INO = 8,
    P1_DIRENT_NAMLEN = 16,
    P1_DIRENT_TYPE = 20,
    P1_FILESTAT_INO = 8,
    P1_FILESTAT_TYPE = 16,
    P1_FILESTAT_MAX_SIZE = 64,
    P1_SUBSCRIPTION_TAG = 8,
    P1_SUBSCRIPTION_FD = 16,
    P1_EVENT_SIZE = 32,
    P1_EVENT_ERROR = 8,
    P1_EVENT_TYPE = 10,
    P1_EVENT_NBYTES = 16,
    P1_EVENT_FLAGS = 24,
    P1_EVENT_HANGUP = 1,
};

/* What differs between the versions. */
struct P1Abi {
    const char *module;
    u64 rights;
    bool nlink32; /* the link count of a filestat has 4 bytes */
    bool sockets; /* the socket functions exist, if only to say that a file is no socket */
    u8 filestat_nlink, filestat_size, filestat_atim, filestat_mtim, filestat_ctim, filestat_end;
    u8 subscription_end, clock_id, clock_timeout, clock_precision, clock_flags;
    u8 whence_set, whence_cur, whence_end;
};
extern const P1Abi P1_ABI_PREVIEW0, P1_ABI_PREVIEW1;

/* One call of a function. */
typedef struct P1Call {
    WasiCtx *ctx;
    const P1Abi *abi;
    const char *func; /* its name */
    GuestMem mem;
    u64 fuel;          /* bytes that may still be copied */
    void *const *stop; /* may be NULL; if *stop is set the guest is to be left */
} P1Call;

/* False if the call is out of fuel; the function then returns P1_ENOMEM. */
bool p1_consume(P1Call *c, u64 bytes);
/* A path or link target, borrowed from the guest's memory; sets *ret_err on failure. */
bool p1_path(P1Call *c, u32 ptr, u32 len, Str *ret_path, u32 *ret_err);
/* The open directory or file of that number; NULL: the function returns P1_EBADF. */
WasiFd *p1_dir(P1Call *c, u32 fd);
WasiFd *p1_file(P1Call *c, u32 fd);

/* A pointer a number of elements further; false with the error set if that is beyond 2^32. */
bool p1_element(P1Call *c, u32 ptr, u32 i, u32 size, u32 *ret_ptr);
/* Results. `type` is the specification's name of it, for the message. */
void p1_ret_u32(P1Call *c, u32 ptr, u32 v, const char *type);
void p1_ret_u64(P1Call *c, u32 ptr, u64 v, const char *type);
void p1_ret_struct(P1Call *c, u32 ptr, const void *p, u32 size, u32 align, const char *type);
/* False with the error set if v is not one of n values, or has other bits than `all`. */
bool p1_check_enum(P1Call *c, u32 v, u32 n, const char *type);
bool p1_check_flags(P1Call *c, u64 v, u64 all, u32 bits, const char *type);
/* The error of a table of descriptors that is full. */
void p1_fail_full(P1Call *c);

/* A blocking call was interrupted: true if the guest is to be left. */
static inline bool p1_stopped(const P1Call *c)
{
    return c->stop && __atomic_load_n(c->stop, __ATOMIC_ACQUIRE);
}

#define P1_LIST(...) __VA_OPT__(, ) __VA_ARGS__
#define P1(name, signature, versions, params, args) u32 p1_##name(P1Call *c P1_LIST params);
#include "wasi/p1/p1.def"
#undef P1

#endif
