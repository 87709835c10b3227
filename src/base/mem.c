/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Heap wrappers and the bump allocator. */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

NORETURN COLD static void out_of_memory(usize size)
{
    fprintf(stderr, "out of memory allocating %zu bytes\n", size);
    abort();
}

void *mem_alloc(usize size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p)
        out_of_memory(size);
    return p;
}

void *mem_try_alloc_array(usize count, usize size)
{
    return calloc(count ? count : 1, size ? size : 1);
}

void *mem_alloc_array(usize count, usize size)
{
    void *p = mem_try_alloc_array(count, size);
    if (!p)
        out_of_memory(count);
    return p;
}

void *mem_resize(void *p, usize new_size)
{
    void *q = realloc(p, new_size ? new_size : 1);
    if (!q)
        out_of_memory(new_size);
    return q;
}

void *mem_realloc(void *p, usize old_size, usize new_size)
{
    u8 *q = mem_resize(p, new_size);
    if (new_size > old_size)
        memset(q + old_size, 0, new_size - old_size);
    return q;
}

void *mem_dup(const void *p, usize size)
{
    void *q = mem_alloc(size);
    if (size)
        memcpy(q, p, size);
    return q;
}

char *mem_strdup_n(const char *p, usize n)
{
    char *q = mem_alloc(n + 1);
    if (n)
        memcpy(q, p, n);
    return q;
}

void mem_free(void *p)
{
    free(p);
}

struct ArenaChunk {
    ArenaChunk *next;
    usize size; /* of the bytes behind this header */
};

enum { ARENA_FIRST = 4096 - 64, ARENA_ALIGN = 16 };
static_assert(sizeof(ArenaChunk) % ARENA_ALIGN == 0, "chunk data stays aligned");

void arena_init(Arena *a)
{
    *a = (Arena){0};
}

static void arena_free_chunks(ArenaChunk *c)
{
    while (c) {
        ArenaChunk *next = c->next;
        free(c);
        c = next;
    }
}

void arena_release(Arena *a)
{
    arena_free_chunks(a->chunks);
    *a = (Arena){0};
}

void arena_reset(Arena *a)
{
    ArenaChunk *c = a->chunks;
    if (!c)
        return;
    arena_free_chunks(c->next);
    c->next = NULL;
    memset(c + 1, 0, (usize)(a->at - (u8 *)(c + 1)));
    a->at = (u8 *)(c + 1);
    a->end = a->at + c->size;
    a->total = c->size;
}

static void arena_add(Arena *a, usize want)
{
    ArenaChunk *c = mem_alloc(sizeof *c + want);
    c->next = a->chunks;
    c->size = want;
    a->chunks = c;
    a->at = (u8 *)(c + 1);
    a->end = a->at + want;
    a->total += want;
}

static void arena_grow(Arena *a, usize size)
{
    usize want = a->chunks ? MIN(a->chunks->size * 2, (usize)4 << 20) : ARENA_FIRST;
    arena_add(a, MAX(want, size));
}

void arena_reserve(Arena *a, usize bytes)
{
    if (!a->chunks && bytes)
        arena_add(a, align_up(bytes, ARENA_ALIGN));
}

usize arena_used(const Arena *a)
{
    return a->total - (usize)(a->end - a->at);
}

void *arena_alloc(Arena *a, usize size)
{
    if (size > (usize)1 << 40)
        out_of_memory(size);
    size = align_up(size, size >= 16 ? 16 : 8);
    u8 *p = a->at;
    if (size >= 16)
        p = (u8 *)align_up((u64)(uintptr_t)p, ARENA_ALIGN);
    if (!p || size > (usize)(a->end - MIN(p, a->end))) {
        arena_grow(a, size);
        p = a->at;
    }
    a->at = p + size;
    return p;
}

void *arena_alloc_array(Arena *a, usize count, usize size)
{
    usize bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory(count);
    return arena_alloc(a, bytes);
}

void *arena_dup(Arena *a, const void *p, usize size)
{
    void *q = arena_alloc(a, size);
    if (size)
        memcpy(q, p, size);
    return q;
}

char *arena_strdup(Arena *a, Str s)
{
    char *q = arena_alloc(a, s.n + 1);
    if (s.n)
        memcpy(q, s.p, s.n);
    return q;
}
