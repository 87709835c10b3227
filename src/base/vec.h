/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Typed growing arrays on the heap. `VEC(u32) v = {0};` then vec_push, v.p[i], v.n, vec_release.
 * Elements move when the array grows: never keep a pointer into it across a push.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/mem.h"

#define VEC(T)                                                                                     \
    struct {                                                                                       \
        T *p;                                                                                      \
        u32 n, cap;                                                                                \
    }

/* The new capacity for at least `need` elements; ends the process beyond 2^31 elements. */
static inline u32 vec_capacity(u32 cap, u64 need)
{
    ALWAYS(need <= INT32_MAX);
    u64 grown = cap ? (u64)cap * 2 : 8;
    return (u32)MAX(MIN(grown, INT32_MAX), need);
}

#define vec_reserve(v, need)                                                                       \
    do {                                                                                           \
        u64 need_ = (need);                                                                        \
        if (need_ > (v)->cap) {                                                                    \
            u32 cap_ = vec_capacity((v)->cap, need_);                                              \
            (v)->p = mem_realloc((v)->p, (v)->cap * sizeof *(v)->p, cap_ * sizeof *(v)->p);        \
            (v)->cap = cap_;                                                                       \
        }                                                                                          \
    } while (0)

#define vec_push(v, value)                                                                         \
    do {                                                                                           \
        vec_reserve(v, (u64)(v)->n + 1);                                                           \
        (v)->p[(v)->n++] = (value);                                                                \
    } while (0)

/* Gives back the memory of elements that are not there. */
#define vec_shrink(v)                                                                              \
    do {                                                                                           \
        if ((v)->cap > (v)->n && (v)->n) {                                                         \
            (v)->p = mem_resize((v)->p, (v)->n * sizeof *(v)->p);                                  \
            (v)->cap = (v)->n;                                                                     \
        }                                                                                          \
    } while (0)

#define vec_release(v)                                                                             \
    do {                                                                                           \
        mem_free((v)->p);                                                                          \
        (v)->p = NULL;                                                                             \
        (v)->n = (v)->cap = 0;                                                                     \
    } while (0)

#endif
