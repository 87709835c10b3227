/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The state's page, what imports allocate with, and the table of descriptors. */
#include "host.h"

/* Globals of wasm. `component new` knows allocation_state: it is 0 first, 1 while it allocates the
 * adapter's stack, 2 when that is there. */
__asm__(".globaltype internal_state_ptr, i32\ninternal_state_ptr:\n"
        ".globaltype allocation_state, i32\nallocation_state:\n");

enum { STACK_ALLOCATING = 1, STATE_ALLOCATING = 3, STATE_ALLOCATED = 4 };

IMPORT("__main_module__", "cabi_realloc") u8 *main_realloc(u8 *p, u32 old, u32 align, u32 n);

static inline u32 get_allocation_state(void)
{
    u32 v;
    __asm__ volatile("global.get allocation_state\nlocal.set %0" : "=r"(v));
    return v;
}

static inline void set_allocation_state(u32 v)
{
    __asm__ volatile("local.get %0\nglobal.set allocation_state" : : "r"(v));
}

static inline State *get_state(void)
{
    State *v;
    __asm__ volatile("global.get internal_state_ptr\nlocal.set %0" : "=r"(v));
    return v;
}

static inline void set_state(State *v)
{
    __asm__ volatile("local.get %0\nglobal.set internal_state_ptr" : : "r"(v));
}

_Static_assert(sizeof(State) <= STATE_SIZE, "the state is one page");

static __attribute__((noinline)) State *new_state(void)
{
    set_allocation_state(STATE_ALLOCATING);
    u8 *page = main_realloc(NULL, 0, 8, STATE_SIZE);
    State *s = (State *)page;
    __builtin_memset(s, 0, sizeof *s);
    s->lasting_at = page + sizeof *s;
    s->lasting_end = page + STATE_SIZE;
    for (u32 i = 0; i < 3; i++)
        s->fds[i].kind = (u8)(FD_STDIN + i);
    s->nfds = 3;
    set_state(s);
    set_allocation_state(STATE_ALLOCATED);
    return s;
}

State *state(void)
{
    u32 allocation = get_allocation_state();
    if (allocation == STACK_ALLOCATING || allocation == STATE_ALLOCATING)
        return NULL;
    State *s = get_state();
    return s ? s : new_state();
}

/* --- what imports allocate with --- */

void alloc_into(State *s, u8 *p, u32 n)
{
    s->mode = ALLOC_BUFFER;
    s->alloc_at = p;
    s->alloc_end = p + n;
}

void alloc_scratch(State *s)
{
    s->mode = ALLOC_SCRATCH;
    s->alloc_at = s->scratch;
    s->alloc_end = s->scratch + STATE_SCRATCH;
}

void alloc_lasting(State *s)
{
    s->mode = ALLOC_LASTING;
    s->alloc_at = s->lasting_at;
    s->alloc_end = s->lasting_end;
}

/* More memory that is never given back: a page as the state's, or grown where that is too small. */
static void more_lasting(State *s, u32 n)
{
    u32 pages = n / STATE_SIZE + 1;
    if (n <= STATE_SIZE) {
        s->alloc_at = main_realloc(NULL, 0, 8, STATE_SIZE);
        s->alloc_end = s->alloc_at + STATE_SIZE;
        return;
    }
    u32 at = (u32)__builtin_wasm_memory_grow(0, pages);
    if (at == UINT32_MAX)
        TRAP();
    s->alloc_at = (u8 *)(at * STATE_SIZE);
    s->alloc_end = s->alloc_at + pages * STATE_SIZE;
}

static u8 *aligned(const State *s, u32 align)
{
    return (u8 *)(((u32)s->alloc_at + align - 1) & ~(align - 1));
}

EXPORT(cabi_import_realloc) u8 *cabi_import_realloc(u8 *p, u32 old, u32 align, u32 n)
{
    State *s = state();
    if (!s || s->mode == ALLOC_NONE)
        TRAP();
    if (p && n <= old)
        return p;
    u8 *at = aligned(s, align);
    if (s->mode == ALLOC_LASTING && (at > s->alloc_end || n > (u32)(s->alloc_end - at))) {
        more_lasting(s, n);
        at = aligned(s, align);
    }
    if (p || at > s->alloc_end || n > (u32)(s->alloc_end - at))
        TRAP();
    s->alloc_at = at + n;
    if (s->mode == ALLOC_LASTING) {
        s->lasting_at = s->alloc_at;
        s->lasting_end = s->alloc_end;
    }
    return at;
}

/* --- descriptors --- */

#ifdef ADAPTER_PROXY
static void load_preopens(State *s)
{
    s->has_preopens = true;
}
#else
static void load_preopens(State *s)
{
    List dirs;
    s->has_preopens = true;
    alloc_lasting(s);
    get_directories(&dirs);
    const Preopen *p = (const Preopen *)dirs.p;
    for (u32 i = 0; i < dirs.n && s->nfds < STATE_FDS; i++) {
        Fd *f = &s->fds[s->nfds++];
        f->kind = FD_FILE;
        f->type = FILETYPE_DIRECTORY;
        f->preopen = 1;
        f->handle = p[i].handle;
        f->name = p[i].name;
        f->name_n = p[i].name_n;
    }
}
#endif

Fd *fd_find(State *s, u32 fd)
{
    if (!s)
        return NULL;
    if (!s->has_preopens)
        load_preopens(s);
    return fd < s->nfds && s->fds[fd].kind != FD_FREE ? &s->fds[fd] : NULL;
}

Errno fd_file(State *s, u32 fd, Fd **ret)
{
    Fd *f = fd_find(s, fd);
    if (!f || f->kind != FD_FILE)
        return E_BADF;
    *ret = f;
    return E_SUCCESS;
}

Errno fd_new(State *s, u32 *ret)
{
    u32 i = 0;
    while (i < s->nfds && s->fds[i].kind != FD_FREE)
        i++;
    if (i == STATE_FDS)
        return E_MFILE;
    if (i == s->nfds)
        s->nfds++;
    __builtin_memset(&s->fds[i], 0, sizeof s->fds[i]);
    *ret = i;
    return E_SUCCESS;
}

u32 fd_stream(Fd *f)
{
    if (!f->handle)
        f->handle = f->kind == FD_STDIN    ? get_stdin()
                    : f->kind == FD_STDOUT ? get_stdout()
                                           : get_stderr();
    return f->handle;
}

u8 filetype_of(u32 type)
{
    return type == 1   ? FILETYPE_BLOCK
           : type == 2 ? FILETYPE_CHARACTER
           : type == 3 ? FILETYPE_DIRECTORY
           : type == 5 ? FILETYPE_SYMLINK
           : type == 6 ? FILETYPE_REGULAR
           : type == 7 ? FILETYPE_SOCKET
                       : FILETYPE_UNKNOWN;
}

/* The error codes of wasi:filesystem, in their order. */
Errno errno_of(u32 code)
{
    switch (code) {
    case 0:
        return E_ACCES;
    case 1:
        return E_AGAIN;
    case 2:
        return E_ALREADY;
    case 3:
        return E_BADF;
    case 4:
        return E_BUSY;
    case 5:
        return E_DEADLK;
    case 6:
        return E_DQUOT;
    case 7:
        return E_EXIST;
    case 8:
        return E_FBIG;
    case 9:
        return E_ILSEQ;
    case 10:
        return E_INPROGRESS;
    case 11:
        return E_INTR;
    case 12:
        return E_INVAL;
    case 13:
        return E_IO;
    case 14:
        return E_ISDIR;
    case 15:
        return E_LOOP;
    case 16:
        return E_MLINK;
    case 17:
        return E_MSGSIZE;
    case 18:
        return E_NAMETOOLONG;
    case 19:
        return E_NODEV;
    case 20:
        return E_NOENT;
    case 21:
        return E_NOLCK;
    case 22:
        return E_NOMEM;
    case 23:
        return E_NOSPC;
    case 24:
        return E_NOTDIR;
    case 25:
        return E_NOTEMPTY;
    case 26:
        return E_NOTRECOVERABLE;
    case 27:
        return E_NOTSUP;
    case 28:
        return E_NOTTY;
    case 29:
        return E_NXIO;
    case 30:
        return E_OVERFLOW;
    case 31:
        return E_PERM;
    case 32:
        return E_PIPE;
    case 33:
        return E_ROFS;
    case 34:
        return E_SPIPE;
    case 35:
        return E_TXTBSY;
    case 36:
        return E_XDEV;
    default:
        return E_IO;
    }
}
