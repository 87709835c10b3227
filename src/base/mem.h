/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Heap and arena. Three lifetimes exist in this program and each struct's comment names its own:
 * function arena (reset per compiled function), module arena (lives with the decoded module), heap.
 *
 * The heap calls never return NULL: running out of memory ends the process with a message, except
 * for the mem_try_* calls, which are for sizes that come from input or from a guest.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/base.h"

/* Zeroed memory, own. */
void *mem_alloc(usize size);
void *mem_alloc_array(usize count, usize size);
/* Grows or shrinks; bytes beyond old_size are zero. Transfers p. */
void *mem_realloc(void *p, usize old_size, usize new_size);
/* The same without zeros behind the old bytes. */
void *mem_resize(void *p, usize new_size);
void *mem_dup(const void *p, usize size);
char *mem_strdup_n(const char *p, usize n); /* NUL-terminated copy */
void mem_free(void *p);
/* As above, NULL where the memory is not to be had or the product overflows. */
void *mem_try_alloc_array(usize count, usize size) MUST_CHECK;

typedef struct ArenaChunk ArenaChunk;

/* Bump allocator. Memory is zeroed, 16-byte aligned at most, freed all at once. */
typedef struct Arena {
    u8 *at, *end;
    ArenaChunk *chunks; /* newest first */
    usize total;        /* bytes of all chunks, for limits and statistics */
} Arena;

void arena_init(Arena *a);
void arena_release(Arena *a);
void arena_reset(Arena *a); /* keeps the largest chunk for the next use */
/* Room for that many bytes, and no more at first. Nothing if there is room for anything already. */
void arena_reserve(Arena *a, usize bytes);
usize arena_used(const Arena *a); /* bytes, with the unused ends of all chunks but the last */
void *arena_alloc(Arena *a, usize size);
void *arena_alloc_array(Arena *a, usize count, usize size);
void *arena_dup(Arena *a, const void *p, usize size);
char *arena_strdup(Arena *a, Str s); /* NUL-terminated */
#define arena_new(a, T) ((T *)arena_alloc((a), sizeof(T)))
#define arena_array(a, T, n) ((T *)arena_alloc_array((a), (n), sizeof(T)))

#endif
