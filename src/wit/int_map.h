/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A map from numbers to numbers, for what would be a table if it were not so sparse. */
#ifndef WIT_INT_MAP_H
#define WIT_INT_MAP_H

#include "base/base.h"

/* u64 -> u32, by open addressing. Lives on the heap. */
typedef struct IntMap {
    u64 *keys; /* key + 1; 0: free */
    u32 *values;
    u32 n, cap;
} IntMap;
void int_map_release(IntMap *m);
void int_map_set(IntMap *m, u64 key, u32 value);
bool int_map_get(const IntMap *m, u64 key, u32 *ret_value);
static inline bool int_map_has(const IntMap *m, u64 key)
{
    u32 v;
    return int_map_get(m, key, &v);
}

#endif
