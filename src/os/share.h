/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Files between processes that trust each other differently: what a less trusted one gets to read
 * but can never change, and a folder of this process's own whose files are believed. The functions
 * return 0 or an errno value; outputs are left alone on failure.
 */
#ifndef OS_SHARE_H
#define OS_SHARE_H

#include "base/base.h"

/* A copy of the bytes in memory that nobody can change, writers of the system included. */
int os_sealed_memory(const char *label, const void *p, usize n, int *ret_fd) MUST_CHECK;
/*
 * The same file through a mount of its own that is read-only, executable and in no process's view:
 * whoever has only this descriptor (or runs the file by it) can not open the file for writing,
 * not even with all rights of root. Needs CAP_SYS_ADMIN and Linux 5.12; EPERM or ENOSYS else.
 * EACCES: a file that not everybody may read, or run as its owner may.
 *
 * That is so from when *ret_mount is closed, which waits for the whole system: milliseconds.
 */
int os_readonly_view(int fd, int *ret_fd, int *ret_mount) MUST_CHECK;

/* A folder that is this user's and that others can not even look into; it is made if need be.
 * EPERM: it is another's, or open to others. */
int os_private_dir(const char *path, int *ret_fd) MUST_CHECK;
/* A regular file of such a folder, for reading. EPERM: it is another's, others may write to it, or
 * it has a second name. */
int os_private_open(int dir, const char *name, int *ret_fd) MUST_CHECK;
/* Made or emptied; for writing by this user, and for reading by whoever is given it. */
int os_private_create(int dir, const char *name, int *ret_fd) MUST_CHECK;
/* Waits until no other opening of the file has locked this place, below 2^63; the lock ends with
 * the descriptor. The file is open for writing, and may be shorter. */
int os_lock(int fd, u64 place) MUST_CHECK;

#endif
