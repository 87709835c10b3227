/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Folders and small files by path, as those of /sys/fs/cgroup. */
#ifndef OS_FOLDER_H
#define OS_FOLDER_H

#include "base/error.h"

bool os_is_folder(const char *path);
bool os_is_cgroup(const char *path, int version); /* a folder of control groups */
/* May be there already. */
Error *os_make_folder(const char *path, u32 mode) MUST_CHECK;
/* False if it is in use or not empty; a folder that is not there is removed. */
bool os_remove_folder(const char *path);
void os_remove_path(const char *path); /* a file, if it is there */
/* Calls `each` with the names of the folders in it. */
typedef void OsFolderFn(void *arg, const char *name);
void os_each_folder(const char *path, OsFolderFn *each, void *arg);
/* Writes to a file that is there, with one call. */
Error *os_write_text(const char *path, const char *text) MUST_CHECK;
void os_pause_us(u32 us);
/* Sends a signal; a process that is gone is no error. */
void os_kill(int pid, int signal);

#endif
