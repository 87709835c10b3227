/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Virtual memory. Addresses and sizes are multiples of the page size unless said otherwise. Calls
 * that return a pointer return NULL on failure, the others false; errno says why.
 */
#ifndef OS_VM_H
#define OS_VM_H

#include "base/base.h"

typedef enum OsProt { OS_PROT_NONE, OS_PROT_R, OS_PROT_RW, OS_PROT_RX } OsProt;

u64 os_page_size(void);
static inline u64 os_page_up(u64 bytes)
{
    u64 page = os_page_size();
    return align_up(bytes, page);
}

/* Address space without memory behind it: every access faults. */
void *os_vm_reserve(u64 bytes);
/* Zeroed readable and writable memory. */
void *os_vm_alloc(u64 bytes);
/* Makes reserved pages readable and writable; they are zero the first time. */
bool os_vm_commit(void *p, u64 bytes) MUST_CHECK;
/* Gives the memory back and keeps the address space: every access faults again. */
bool os_vm_decommit(void *p, u64 bytes) MUST_CHECK;
bool os_vm_protect(void *p, u64 bytes, OsProt prot) MUST_CHECK;
/* Private anonymous pages become zero again; pages of a private file mapping what the file has. */
bool os_vm_discard(void *p, u64 bytes) MUST_CHECK;
/* False if any page of the range is of no mapping. */
bool os_vm_is_mapped(const void *p, u64 bytes);
void os_vm_release(void *p, u64 bytes);

/*
 * Makes the `bytes` at p, one mapping of one protection, `to` bytes long: where they are, or with
 * `move` elsewhere, by their page tables: nothing is copied, pages that were never touched stay
 * absent. What is new is as it was when p was mapped. Nothing has changed on failure; EFAULT says
 * that the bytes are not one mapping.
 */
void *os_vm_resize(void *p, u64 bytes, u64 to, bool move);
/* As os_vm_reserve, exactly at `at`; false where something else is. */
bool os_vm_reserve_at(void *at, u64 bytes) MUST_CHECK;

/*
 * Maps `bytes` of a file at `at` (replacing what is mapped there; NULL: anywhere). Shared mappings
 * see what is written to the file later; private ones copy a page on the first write.
 */
void *os_vm_map_file(void *at, u64 bytes, int fd, u64 offset, OsProt prot, bool shared);
/* A file without a name, -1 on failure. Not `exec`: the kernel never lets it be executed. */
int os_memfd(const char *label, u64 size, bool exec);
/* All of it; false on any error. */
bool os_pwrite(int fd, const void *p, usize n, u64 offset) MUST_CHECK;
void os_close(int fd);

/*
 * Finds pages of [p, p + bytes) that were written since they were mapped: calls back with each run
 * of them, in order, until one returns false. False if the kernel cannot tell.
 */
typedef bool (*OsVmRun)(void *arg, void *at, u64 bytes);
bool os_vm_dirty(void *p, u64 bytes, OsVmRun run, void *arg);
/* A write makes one small page, whatever the system's settings are. */
void os_vm_small_pages(void *p, u64 bytes);

#endif
