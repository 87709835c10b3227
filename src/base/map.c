/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Hash map from byte strings: linear probing, at most half full, seeded once per process. */
#include "base/map.h"

#include <sys/random.h>

static u64 hash_seed(void)
{
    static u64 seed; /* written once, to the same value by whoever comes first */
    u64 v = __atomic_load_n(&seed, __ATOMIC_RELAXED);
    if (LIKELY(v))
        return v;
    if (getrandom(&v, sizeof v, GRND_NONBLOCK) != (ssize_t)sizeof v)
        v = (u64)(uintptr_t)&seed * 0x9e3779b97f4a7c15u;
    v |= 1;
    u64 none = 0;
    if (!__atomic_compare_exchange_n(&seed, &none, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        v = none;
    return v;
}

static u64 mix(u64 a, u64 b)
{
    unsigned __int128 r = (unsigned __int128)a * b;
    return (u64)r ^ (u64)(r >> 64);
}

u64 hash_bytes(const void *bytes, usize n)
{
    const u8 *p = bytes;
    u64 h = hash_seed() ^ n;
    for (; n >= 8; p += 8, n -= 8)
        h = mix(h ^ load_u64(p), 0x9e3779b97f4a7c15u);
    u64 tail = 0;
    if (n)
        memcpy(&tail, p, n);
    h = mix(h ^ tail, 0xd6e8feb86659fd93u);
    return h ? h : 1;
}

void map_release(Map *m)
{
    mem_free(m->slots);
    *m = (Map){0};
}

static MapSlot *map_find(const Map *m, Str key, u64 hash)
{
    u32 mask = m->cap - 1;
    for (u32 i = (u32)hash & mask;; i = (i + 1) & mask) {
        MapSlot *s = &m->slots[i];
        if (!s->key.p || (s->hash == hash && str_eq(s->key, key)))
            return s;
    }
}

static void map_grow(Map *m)
{
    Map bigger = {.cap = m->cap ? m->cap * 2 : 16, .n = m->n};
    ALWAYS(bigger.cap);
    bigger.slots = mem_alloc_array(bigger.cap, sizeof *bigger.slots);
    for (u32 i = 0; i < m->cap; i++)
        if (m->slots[i].key.p)
            *map_find(&bigger, m->slots[i].key, m->slots[i].hash) = m->slots[i];
    mem_free(m->slots);
    *m = bigger;
}

/* The slot of the key, made if it is not there; *ret_fresh says whether it was made. */
static MapSlot *map_claim(Map *m, Str key, bool *ret_fresh)
{
    if (!key.p)
        key = STR("");
    if (m->n * 2 >= m->cap)
        map_grow(m);
    u64 hash = hash_bytes(key.p, key.n);
    MapSlot *s = map_find(m, key, hash);
    *ret_fresh = !s->key.p;
    if (*ret_fresh) {
        s->key = key;
        s->hash = hash;
        m->n++;
    }
    return s;
}

bool map_add(Map *m, Str key, u64 value)
{
    bool fresh;
    MapSlot *s = map_claim(m, key, &fresh);
    if (fresh)
        s->value = value;
    return fresh;
}

void map_set(Map *m, Str key, u64 value)
{
    bool fresh;
    map_claim(m, key, &fresh)->value = value;
}

bool map_get(const Map *m, Str key, u64 *ret_value)
{
    if (!m->cap)
        return false;
    const MapSlot *s = map_find(m, key.p ? key : STR(""), hash_bytes(key.p, key.n));
    if (!s->key.p)
        return false;
    *ret_value = s->value;
    return true;
}

void map_remove(Map *m, Str key)
{
    if (!m->cap)
        return;
    u32 mask = m->cap - 1;
    MapSlot *s = map_find(m, key.p ? key : STR(""), hash_bytes(key.p, key.n));
    if (!s->key.p)
        return;
    m->n--;
    /* What probed past the slot moves up into it, so that no chain is cut. */
    u32 hole = (u32)(s - m->slots);
    for (u32 i = (hole + 1) & mask; m->slots[i].key.p; i = (i + 1) & mask) {
        u32 home = (u32)m->slots[i].hash & mask;
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        m->slots[hole] = m->slots[i];
        hole = i;
    }
    m->slots[hole] = (MapSlot){0};
}
