/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The adapter: WASI preview 1 on top of WASI 0.2, as a core module that goes into a component
 * beside the module that it serves. It works in that module's memory, so it has no data of its own:
 * what it keeps is in one page that the main module's cabi_realloc gives (or memory.grow), and a
 * wasm global points to it. So nothing here may be a static variable, a string or a table that the
 * compiler would put into memory; the build refuses a module with data.
 *
 * Source: https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md, and the WIT of 0.2
 */
#ifndef ADAPTER_ADAPTER_H
#define ADAPTER_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

#define EXPORT(name) __attribute__((export_name(#name)))
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define TRAP() __builtin_trap()

/* Preview 1's errno. */
typedef enum Errno {
    E_SUCCESS = 0,
    E_2BIG = 1,
    E_ACCES = 2,
    E_AGAIN = 6,
    E_ALREADY = 7,
    E_BADF = 8,
    E_BUSY = 10,
    E_DEADLK = 16,
    E_DQUOT = 19,
    E_EXIST = 20,
    E_FBIG = 22,
    E_ILSEQ = 25,
    E_INPROGRESS = 26,
    E_INTR = 27,
    E_INVAL = 28,
    E_IO = 29,
    E_ISDIR = 31,
    E_LOOP = 32,
    E_MFILE = 33,
    E_MLINK = 34,
    E_MSGSIZE = 35,
    E_NAMETOOLONG = 37,
    E_NODEV = 43,
    E_NOENT = 44,
    E_NOLCK = 46,
    E_NOMEM = 48,
    E_NOSPC = 51,
    E_NOTDIR = 54,
    E_NOTEMPTY = 55,
    E_NOTRECOVERABLE = 56,
    E_NOTSOCK = 57,
    E_NOTSUP = 58,
    E_NOTTY = 59,
    E_NXIO = 60,
    E_OVERFLOW = 61,
    E_PERM = 63,
    E_PIPE = 64,
    E_ROFS = 69,
    E_SPIPE = 70,
    E_TXTBSY = 74,
    E_XDEV = 75,
} Errno;

enum {
    FDFLAG_APPEND = 1,
    FDFLAG_DSYNC = 2,
    FDFLAG_NONBLOCK = 4,
    FDFLAG_RSYNC = 8,
    FDFLAG_SYNC = 16
};
enum {
    FILETYPE_UNKNOWN,
    FILETYPE_BLOCK,
    FILETYPE_CHARACTER,
    FILETYPE_DIRECTORY,
    FILETYPE_REGULAR,
    FILETYPE_SOCKET = 6,
    FILETYPE_SYMLINK
};
#define RIGHT_FD_READ (1ull << 1)
#define RIGHT_FD_SEEK (1ull << 2)
#define RIGHT_FD_TELL (1ull << 5)
#define RIGHT_FD_WRITE (1ull << 6)

typedef struct Iovec {
    u8 *p;
    u32 n;
} Iovec;

typedef struct Filestat {
    u64 dev, ino;
    u8 type;
    u64 nlink, size, atim, mtim, ctim;
} Filestat;

typedef struct Fdstat {
    u8 type;
    u16 flags;
    u64 rights, inheriting;
} Fdstat;

/* --- the state --- */

typedef enum FdKind { FD_FREE, FD_STDIN, FD_STDOUT, FD_STDERR, FD_FILE } FdKind;

/* A file descriptor of preview 1. */
typedef struct Fd {
    u8 kind, type; /* FdKind, file type */
    u8 flags;      /* FDFLAG_APPEND, FDFLAG_NONBLOCK */
    u8 preopen;    /* has a name */
    u32 handle;    /* descriptor, or stream of a standard file; 0: not asked for yet */
    union {
        u64 position; /* of files */
        struct {
            u8 *name; /* of preopened directories */
            u32 name_n;
        };
    };
    u32 append; /* stream that appends; 0: none */
} Fd;

typedef struct List {
    u8 *p;
    u32 n;
} List;

typedef enum AllocMode {
    ALLOC_NONE,
    ALLOC_BUFFER,  /* one allocation, which is the caller's buffer */
    ALLOC_SCRATCH, /* until the next call */
    ALLOC_LASTING,
} AllocMode;

enum { STATE_SIZE = 65536, STATE_FDS = 1024, STATE_SCRATCH = 16384, NAME_LIMIT = 4096 };

/* The directory that is being read: entries come in order, and the last one may be asked for again.
 */
typedef struct DirCache {
    u32 fd, stream; /* stream 0: none */
    u64 next;       /* cookie of the entry that the stream gives next */
    bool has_entry; /* `entry` is number next - 1 */
    u8 type;
    u64 ino;
    u32 name_n;
    u8 name[NAME_LIMIT];
} DirCache;

typedef struct State {
    u8 mode; /* AllocMode */
    u8 *alloc_at, *alloc_end;
    u8 *lasting_at, *lasting_end;
    bool has_args, has_env, has_preopens;
    List args, env; /* elements: List; two of them in a row */
    u32 nfds;       /* entries above are free */
    Fd fds[STATE_FDS];
    DirCache dir;
    u8 scratch[STATE_SCRATCH] __attribute__((aligned(8)));
} State;

/* NULL while the page is being allocated: the main module may call in from there. */
State *state(void);
/* What the next import allocates with. */
void alloc_into(State *s, u8 *p, u32 n);
void alloc_scratch(State *s);
void alloc_lasting(State *s);

/* The descriptor, if it is open. */
Fd *fd_find(State *s, u32 fd);
/* E_BADF if it is not open, E_BADF too if it is no file. */
Errno fd_file(State *s, u32 fd, Fd **ret);
Errno fd_new(State *s, u32 *ret);
/* Closes what the directory cache keeps of it. */
void dir_forget(State *s, u32 fd);
u32 fd_stream(Fd *f);

#endif
