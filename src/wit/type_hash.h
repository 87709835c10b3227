/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Hashes of types, to see without comparing texts whether a function is what an importer thinks it
 * is. The bindings generator and the linker build the same sequence from what they have: the kind
 * (CTypeKind), then
 *
 *   record, variant, flags, enum, tuple   the number of fields; of each its name and its type
 *   list, option, result, stream, future  the types inside
 *   fixed-length list                     the type inside, the length
 *   map                                   the types of key and value
 *   own, borrow                           the interface that defines the resource, and its name
 *   function                              whether it is asynchronous, fields as above, the result
 *
 * A type that is not there (of a case, a result) is TYPE_HASH_NONE.
 */
#ifndef WIT_TYPE_HASH_H
#define WIT_TYPE_HASH_H

#include "base/mem.h"

#define TYPE_HASH_NONE UINT64_MAX

static inline u64 type_hash_num(u64 h, u64 v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 32);
}

static inline u64 type_hash_str(u64 h, Str s)
{
    usize i = 0;
    u64 tail = 0;
    h = type_hash_num(h, s.n);
    for (; s.n - i >= 8; i += 8)
        h = type_hash_num(h, load_u64(s.p + i));
    if (i < s.n)
        memcpy(&tail, s.p + i, s.n - i);
    return type_hash_num(h, tail);
}

#endif
