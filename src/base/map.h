/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Hash map from a byte string to a u64: open addressing, seeded hash. Keys are borrowed: the caller
 * keeps their bytes alive. Used for names (exports, identifiers of the text format, options).
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/mem.h"

typedef struct MapSlot {
    Str key; /* key.p NULL: free */
    u64 hash, value;
} MapSlot;

typedef struct Map {
    MapSlot *slots;
    u32 n, cap; /* cap is a power of two or 0 */
} Map;

void map_release(Map *m);
/* False, with the value kept as it was, if the key is there already. */
bool map_add(Map *m, Str key, u64 value);
void map_set(Map *m, Str key, u64 value);
bool map_get(const Map *m, Str key, u64 *ret_value);
void map_remove(Map *m, Str key); /* may be absent */
u64 hash_bytes(const void *p, usize n);

#endif
