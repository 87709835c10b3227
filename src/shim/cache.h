/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Compiled code by the content that it was made of, for all containers of this machine: a folder
 * of this user's alone, with a file for each entry. An entry appears whole or not at all and never
 * changes; those that were not used for the longest time go when there are too many bytes.
 */
#ifndef SHIM_CACHE_H
#define SHIM_CACHE_H

#include "base/error.h"

#define CACHE_PATH "/var/cache/containerd-shim-wasmtime"

enum { CACHE_KEY = 81 }; /* SHA-256, "-", 16 digits of what the code is for */

typedef struct CodeCache {
    int dir; /* -1: there is none */
    u64 limit;
} CodeCache;

/* `path` NULL: the usual one; "off": none. A folder that others could write to is refused. */
Error *cache_open(CodeCache *c, const char *path, u64 limit) MUST_CHECK;
void cache_close(CodeCache *c);
/* The entry, for reading; -1 if there is none or it is damaged, and then it is gone. */
int cache_find(const CodeCache *c, const char *key);

/* Who holds the lock of a key makes its entry, so that it is made once. Taken while others hold it,
 * look for the entry again. */
Error *cache_lock(const CodeCache *c, const char *key, int *ret_lock) MUST_CHECK;
void cache_unlock(int lock);
/* With the lock held: a file to be filled, then to be entered or dropped. */
Error *cache_begin(const CodeCache *c, const char *key, int *ret_fd) MUST_CHECK;
void cache_drop(const CodeCache *c, const char *key);
Error *cache_enter(const CodeCache *c, const char *key) MUST_CHECK;

/* That the module of the key has the function, which need not be looked for again. */
void cache_note(const CodeCache *c, const char *key, const char *func);
bool cache_noted(const CodeCache *c, const char *key, const char *func);

/* A few bytes of text about other content, by its digest: 64 hexadecimal digits. False if there are
 * none, they are damaged, or they have `size` bytes or more. */
bool cache_recall(const CodeCache *c, const char *digest, char *text, usize size);
/* Nothing if there is no cache. */
Error *cache_remember(const CodeCache *c, const char *digest, const char *text) MUST_CHECK;

#endif
