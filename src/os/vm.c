/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Virtual memory of Linux. */
#include "os/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x8U
#endif

static int prot_flags(OsProt prot)
{
    switch (prot) {
    case OS_PROT_NONE:
        return PROT_NONE;
    case OS_PROT_R:
        return PROT_READ;
    case OS_PROT_RW:
        return PROT_READ | PROT_WRITE;
    case OS_PROT_RX:
        return PROT_READ | PROT_EXEC;
    }
    BUG("no such protection");
}

static void *map(void *at, u64 bytes, int prot, int flags, int fd, u64 offset)
{
    void *p = mmap(at, bytes, prot, flags | (at ? MAP_FIXED : 0), fd, (off_t)offset);
    return p == MAP_FAILED ? NULL : p;
}

u64 os_page_size(void)
{
    return PAGE;
}

void *os_vm_reserve(u64 bytes)
{
    return map(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

void *os_vm_alloc(u64 bytes)
{
    return map(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

bool os_vm_commit(void *p, u64 bytes)
{
    return bytes == 0 || mprotect(p, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool os_vm_decommit(void *p, u64 bytes)
{
    return bytes == 0 ||
           map(p, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

bool os_vm_protect(void *p, u64 bytes, OsProt prot)
{
    return bytes == 0 || mprotect(p, bytes, prot_flags(prot)) == 0;
}

bool os_vm_discard(void *p, u64 bytes)
{
    return bytes == 0 || madvise(p, bytes, MADV_DONTNEED) == 0;
}

bool os_vm_is_mapped(const void *p, u64 bytes)
{
    return msync((void *)(uintptr_t)p, bytes, MS_ASYNC) == 0;
}

void os_vm_release(void *p, u64 bytes)
{
    if (p && munmap(p, bytes) != 0)
        BUG("munmap of a range that is not ours");
}

void *os_vm_resize(void *p, u64 bytes, u64 to, bool move)
{
    void *at = mremap(p, bytes, to, move ? MREMAP_MAYMOVE : 0);
    return at == MAP_FAILED ? NULL : at;
}

bool os_vm_reserve_at(void *at, u64 bytes)
{
    void *p = mmap(at, bytes, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (p == MAP_FAILED)
        return false;
    if (p == at)
        return true;
    os_vm_release(p, bytes); /* a kernel that takes the address for a wish */
    return false;
}

void *os_vm_map_file(void *at, u64 bytes, int fd, u64 offset, OsProt prot, bool shared)
{
    return map(at, bytes, prot_flags(prot), shared ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE, fd,
               offset);
}

int os_memfd(const char *label, u64 size, bool exec)
{
    int fd = memfd_create(label, MFD_CLOEXEC | (exec ? MFD_EXEC : MFD_NOEXEC_SEAL));
    if (fd < 0 && errno == EINVAL) /* older kernels know neither flag */
        fd = memfd_create(label, MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (ftruncate(fd, (off_t)size) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool os_pwrite(int fd, const void *p, usize n, u64 offset)
{
    const u8 *at = p;
    while (n > 0) {
        ssize_t done = pwrite(fd, at, n, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        n -= (usize)done;
        offset += (u64)done;
    }
    return true;
}

void os_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* linux/fs.h of Linux 6.7 */
typedef struct PageRegion {
    u64 start, end, categories;
} PageRegion;
typedef struct PmScanArg {
    u64 size, flags, start, end, walk_end, vec, vec_len, max_pages;
    u64 category_inverted, category_mask, category_anyof_mask, return_mask;
} PmScanArg;
#define PAGEMAP_SCAN_IOCTL _IOWR('f', 16, PmScanArg)
enum {
    PAGE_IS_FILE = 1 << 2,
    PAGE_IS_PRESENT = 1 << 3,
    PAGE_IS_SWAPPED = 1 << 4,
    PAGE_IS_PFNZERO = 1 << 5, /* was only read */
    REGIONS = 64
};

static bool scan(int fd, u8 *p, u64 bytes, OsVmRun run, void *arg)
{
    u64 at = (u64)(uintptr_t)p, end = at + bytes;
    PageRegion found[REGIONS];
    while (at < end) {
        /* Private pages are present or swapped, and no longer those of the file behind them. */
        PmScanArg a = {.size = sizeof a,
                       .start = at,
                       .end = end,
                       .vec = (u64)(uintptr_t)found,
                       .vec_len = REGIONS,
                       .category_inverted = PAGE_IS_FILE | PAGE_IS_PFNZERO,
                       .category_mask = PAGE_IS_FILE | PAGE_IS_PFNZERO,
                       .category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
                       .return_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED};
        int n = ioctl(fd, PAGEMAP_SCAN_IOCTL, &a);
        if (n < 0)
            return false;
        for (int i = 0; i < n; i++)
            if (!run(arg, p + (found[i].start - (u64)(uintptr_t)p), found[i].end - found[i].start))
                return true;
        at = a.walk_end;
    }
    return true;
}

/*
 * The process's pagemap, kept open: its number plus one, 0 before it was opened. After a fork it
 * would tell of the parent, so it stands in a page that a forked process finds cleared.
 */
static struct {
    _Alignas(PAGE) _Atomic u32 fd;
    u8 rest[PAGE - sizeof(u32)];
} pagemap;

static int open_pagemap(void)
{
    u32 have = atomic_load_explicit(&pagemap.fd, memory_order_acquire);
    if (have)
        return (int)have - 1;
    if (madvise(&pagemap, sizeof pagemap, MADV_WIPEONFORK) != 0)
        return -1;
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && !atomic_compare_exchange_strong(&pagemap.fd, &have, (u32)fd + 1)) {
        close(fd); /* another thread was quicker */
        return (int)have - 1;
    }
    return fd;
}

bool os_vm_dirty(void *p, u64 bytes, OsVmRun run, void *arg)
{
    int fd = open_pagemap();
    return fd >= 0 && scan(fd, p, bytes, run, arg);
}

void os_vm_small_pages(void *p, u64 bytes)
{
    (void)madvise(p, bytes, MADV_NOHUGEPAGE); /* a kernel without large pages refuses it */
}
