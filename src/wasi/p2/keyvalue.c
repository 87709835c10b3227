/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * wasi:keyvalue in memory. The one store there is has the name ""; each bucket opened from it is a
 * copy of the entries that the command line gave. What all buckets take together is bounded.
 */
#include "bind/wasi_keyvalue_atomics.h"
#include "bind/wasi_keyvalue_batch.h"
#include "bind/wasi_keyvalue_store.h"
#include "wasi/p2/p2_priv.h"

#include <stdio.h>

enum { ENTRY_COST = 128 }; /* what an entry takes besides its bytes, about */

typedef WasiKeyvalueStoreBucket Bucket;
typedef WasiKeyvalueStoreError KvError;
typedef WasiKeyvalueStoreResultVoidError VoidResult;

typedef struct Entry {
    Str key, value; /* own */
} Entry;

struct WasiKeyvalueStoreBucket {
    VEC(Entry) entries;
    Map index; /* key -> index into `entries` */
};

static KvError other(const char *text)
{
    return (KvError){.tag = WASI_KEYVALUE_STORE_ERROR_OTHER, .as.other = str_of(text)};
}

static Str own_copy(Str s)
{
    return (Str){mem_strdup_n(s.p, s.n), s.n};
}

static void drop_str(Str s)
{
    mem_free((char *)(uintptr_t)s.p);
}

/* --- buckets --- */

static Entry *find(const Bucket *b, Str key)
{
    u64 at;
    return map_get(&b->index, key, &at) ? &b->entries.p[at] : NULL;
}

/* Accounts for a change of what is kept; false if it would be too much. */
static bool account(WasiP2 *p, u64 before, u64 after)
{
    u64 rest = p->keyvalue_bytes - before;
    if (after > WASI_LIMIT_KEYVALUE_BYTES - rest)
        return false;
    p->keyvalue_bytes = rest + after;
    return true;
}

static bool put(WasiP2 *p, Bucket *b, Str key, Str value)
{
    Entry *e = find(b, key);
    u64 before = e ? ENTRY_COST + e->key.n + e->value.n : 0;
    if (!account(p, before, ENTRY_COST + (u64)key.n + value.n))
        return false;
    if (e) {
        drop_str(e->value);
        e->value = own_copy(value);
        return true;
    }
    Entry fresh = {own_copy(key), own_copy(value)};
    map_add(&b->index, fresh.key, b->entries.n);
    vec_push(&b->entries, fresh);
    return true;
}

static void forget(WasiP2 *p, const Entry *e)
{
    p->keyvalue_bytes -= ENTRY_COST + e->key.n + e->value.n;
    drop_str(e->key);
    drop_str(e->value);
}

/* The last entry takes the place of the one that goes. */
static void delete_key(WasiP2 *p, Bucket *b, Str key)
{
    Entry *e = find(b, key), *last = e ? &b->entries.p[b->entries.n - 1] : NULL;
    if (!e)
        return;
    map_remove(&b->index, key);
    if (last != e)
        map_set(&b->index, last->key, (u64)(e - b->entries.p));
    forget(p, e);
    *e = *last;
    b->entries.n--;
}

static void bucket_release(WasiP2 *p, Bucket *b)
{
    for (u32 i = 0; i < b->entries.n; i++)
        forget(p, &b->entries.p[i]);
    vec_release(&b->entries);
    map_release(&b->index);
}

void wasi_keyvalue_store_bucket_drop(void *host, Bucket *rep)
{
    bucket_release(host, rep);
    p2_resource_free(host, rep);
}

void wasi_keyvalue_store_open(LiftCall *call, Str identifier,
                              WasiKeyvalueStoreResultBucketError *ret_result)
{
    WasiP2 *p = p2_of(call);
    ret_result->is_err = true;
    ret_result->as.err = (KvError){.tag = WASI_KEYVALUE_STORE_ERROR_NO_SUCH_STORE};
    if (identifier.n)
        return;
    Bucket *b = p2_resource_new(call, sizeof *b);
    for (u32 i = 0; i < p->keyvalue->list.n; i++)
        if (!put(p, b, p->keyvalue->list.p[i].name, p->keyvalue->list.p[i].value)) {
            wasi_keyvalue_store_bucket_drop(p, b);
            ret_result->as.err = other("the store is full");
            return;
        }
    ret_result->is_err = false;
    ret_result->as.ok = b;
}

/* What is given to the guest are views of the bucket: it alone changes it, and not from its
 * realloc.
 */
void wasi_keyvalue_store_bucket_get(LiftCall *call, Bucket *self, Str key,
                                    WasiKeyvalueStoreResultOptionListU8Error *ret_result)
{
    (void)call;
    const Entry *e = find(self, key);
    ret_result->is_err = false;
    ret_result->as.ok.some = e != NULL;
    if (e)
        ret_result->as.ok.value = (LiftListU8){(const u8 *)e->value.p, e->value.n};
}

void wasi_keyvalue_store_bucket_set(LiftCall *call, Bucket *self, Str key, LiftListU8 value,
                                    VoidResult *ret_result)
{
    ret_result->is_err = !put(p2_of(call), self, key, (Str){(const char *)value.p, value.n});
    if (ret_result->is_err)
        ret_result->as.err = other("the store is full");
}

void wasi_keyvalue_store_bucket_delete(LiftCall *call, Bucket *self, Str key,
                                       VoidResult *ret_result)
{
    delete_key(p2_of(call), self, key);
    ret_result->is_err = false;
}

void wasi_keyvalue_store_bucket_exists(LiftCall *call, Bucket *self, Str key,
                                       WasiKeyvalueStoreResultBoolError *ret_result)
{
    (void)call;
    ret_result->is_err = false;
    ret_result->as.ok = find(self, key) != NULL;
}

/* All keys from the cursor on at once: there is no next page. */
void wasi_keyvalue_store_bucket_list_keys(LiftCall *call, Bucket *self,
                                          const WasiKeyvalueStoreOptionU64 *cursor,
                                          WasiKeyvalueStoreResultKeyResponseError *ret_result)
{
    u32 first = cursor->some ? (u32)MIN(cursor->value, (u64)self->entries.n) : 0;
    u32 n = self->entries.n - first;
    Str *keys = lift_alloc(call, n, sizeof *keys);
    for (u32 i = 0; i < n; i++)
        keys[i] = self->entries.p[first + i].key;
    ret_result->is_err = false;
    ret_result->as.ok = (WasiKeyvalueStoreKeyResponse){.keys = {keys, n}, .cursor = {0}};
}

/* --- numbers --- */

/* NULL, or what is wrong with the text of a number: an optional + and digits. */
static const char *parse_number(Str s, u64 *ret_value)
{
    usize i = s.n > 1 && s.p[0] == '+';
    u64 v = 0;
    if (s.n == 0)
        return "cannot parse integer from empty string";
    for (; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return "invalid digit found in string";
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (u64)(s.p[i] - '0'), &v))
            return "number too large to fit in target type";
    }
    *ret_value = v;
    return NULL;
}

void wasi_keyvalue_atomics_increment(LiftCall *call, Bucket *bucket, Str key, u64 delta,
                                     WasiKeyvalueAtomicsResultU64StoreError *ret_result)
{
    u64 value = 0;
    const Entry *e = find(bucket, key);
    const char *wrong = e ? parse_number(e->value, &value) : NULL;
    if (!wrong && __builtin_add_overflow(value, delta, &value))
        wrong = "overflow incrementing value";
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    if (!wrong && !put(p2_of(call), bucket, key, (Str){text, (usize)n}))
        wrong = "the store is full";
    ret_result->is_err = wrong != NULL;
    if (wrong)
        ret_result->as.err = other(wrong);
    else
        ret_result->as.ok = value;
}

/* --- many at once --- */

void wasi_keyvalue_batch_get_many(
    LiftCall *call, Bucket *bucket, LiftListString keys,
    WasiKeyvalueBatchResultListOptionTuple2StringListU8StoreError *ret_result)
{
    WasiKeyvalueBatchOptionTuple2StringListU8 *out = lift_alloc(call, keys.n, sizeof *out);
    for (usize i = 0; i < keys.n; i++) {
        const Entry *e = find(bucket, keys.p[i]);
        out[i].some = e != NULL;
        if (!e)
            continue;
        out[i].value.f0 = e->key;
        out[i].value.f1 = (LiftListU8){(const u8 *)e->value.p, e->value.n};
    }
    ret_result->is_err = false;
    ret_result->as.ok = (WasiKeyvalueBatchListOptionTuple2StringListU8){out, keys.n};
}

void wasi_keyvalue_batch_set_many(LiftCall *call, Bucket *bucket,
                                  WasiKeyvalueBatchListTuple2StringListU8 key_values,
                                  WasiKeyvalueBatchResultVoidStoreError *ret_result)
{
    *ret_result = (WasiKeyvalueBatchResultVoidStoreError){0};
    for (usize i = 0; i < key_values.n && !ret_result->is_err; i++) {
        LiftListU8 value = key_values.p[i].f1;
        ret_result->is_err =
            !put(p2_of(call), bucket, key_values.p[i].f0, (Str){(const char *)value.p, value.n});
    }
    if (ret_result->is_err)
        ret_result->as.err = other("the store is full");
}

void wasi_keyvalue_batch_delete_many(LiftCall *call, Bucket *bucket, LiftListString keys,
                                     WasiKeyvalueBatchResultVoidStoreError *ret_result)
{
    ret_result->is_err = false;
    for (usize i = 0; i < keys.n; i++)
        delete_key(p2_of(call), bucket, keys.p[i]);
}
