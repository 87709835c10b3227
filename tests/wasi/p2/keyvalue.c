/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* flags: -Skeyvalue -Skeyvalue-in-memory-data=hello=world -Skeyvalue-in-memory-data=n=41 */
/* world: keyvalue */
#include "guest.h"

IMPORT(KV("store"), "open") void kv_open(const char *p, u32 n, void *ret);
IMPORT(KV("store"), "[method]bucket.get") void kv_get(u32 b, const char *p, u32 n, void *ret);
IMPORT(KV("store"), "[method]bucket.set")
void kv_set(u32 b, const char *p, u32 n, const char *value, u32 nvalue, void *ret);
IMPORT(KV("store"), "[method]bucket.delete") void kv_delete(u32 b, const char *p, u32 n, void *ret);
IMPORT(KV("store"), "[method]bucket.exists") void kv_exists(u32 b, const char *p, u32 n, void *ret);
IMPORT(KV("store"), "[method]bucket.list-keys")
void kv_list_keys(u32 b, u32 some, u64 cursor, void *ret);
IMPORT(KV("store"), "[resource-drop]bucket") void kv_drop(u32 b);
IMPORT(KV("atomics"), "increment")
void kv_increment(u32 b, const char *p, u32 n, u64 delta, void *ret);
IMPORT(KV("batch"), "get-many") void kv_get_many(u32 b, const Span *p, u32 n, void *ret);
IMPORT(KV("batch"), "set-many") void kv_set_many(u32 b, const Span (*p)[2], u32 n, void *ret);
IMPORT(KV("batch"), "delete-many") void kv_delete_many(u32 b, const Span *p, u32 n, void *ret);

typedef struct Error {
    u8 tag;
    Span other;
} Error;

typedef struct Result { /* of everything but increment */
    u8 is_err;
    union {
        u8 boolean;
        u32 bucket;
        Span list;
        struct {
            u8 some;
            Span value;
        } option;
        struct {
            Span keys;
            u8 some;
        } response;
        Error err;
        u64 align;
    };
} Result;
typedef struct Packed { /* where the largest alignment is 4 */
    u8 is_err;
    union {
        u8 boolean;
        u32 bucket;
        Span list;
        struct {
            u8 some;
            Span value;
        } option;
        Error err;
    };
} Packed;

static void put_error(const Error *e)
{
    static const char *const tags[] = {"no-such-store", "access-denied", "other"};
    put(" err ");
    put(tags[e->tag]);
    if (e->tag == 2) {
        put(": ");
        put_span(e->other);
    }
    put("\n");
}

static u32 open(const char *name)
{
    Packed r;
    kv_open(S(name), &r);
    put("open");
    if (r.is_err)
        put_error(&r.err);
    else
        put(" ok\n");
    return r.is_err ? 0 : r.bucket;
}

static void get(u32 b, const char *key)
{
    Packed r;
    kv_get(b, S(key), &r);
    put("get ");
    put(key);
    if (r.is_err)
        put_error(&r.err);
    else if (!r.option.some)
        put(" none\n");
    else
        say_span("", r.option.value);
}

static void set(u32 b, const char *key, const char *value)
{
    Packed r;
    kv_set(b, S(key), S(value), &r);
    put("set");
    if (r.is_err)
        put_error(&r.err);
    else
        put(" ok\n");
}

static void delete (u32 b, const char *key)
{
    Packed r;
    kv_delete(b, S(key), &r);
    put("delete");
    if (r.is_err)
        put_error(&r.err);
    else
        put(" ok\n");
}

static void exists(u32 b, const char *key)
{
    Packed r;
    kv_exists(b, S(key), &r);
    say_bool("exists", r.boolean);
}

static void increment(u32 b, const char *key, u64 delta)
{
    struct {
        u8 is_err;
        union {
            u64 value;
            Error err;
        };
    } r;
    kv_increment(b, S(key), delta, &r);
    put("increment");
    if (r.is_err) {
        put_error(&r.err);
        return;
    }
    say_u64("", r.value);
}

static void list_keys(u32 b, u32 some, u64 cursor)
{
    Result r;
    kv_list_keys(b, some, cursor, &r);
    u32 bytes = 0;
    for (u32 i = 0; i < r.response.keys.n; i++)
        bytes += ((const Span *)r.response.keys.p)[i].n; /* the order is not said */
    say_u64("keys", r.response.keys.n);
    if (!cursor)
        say_u64("bytes", bytes);
    say_bool("cursor", r.response.some);
}

static void batch(u32 b)
{
    static const Span keys[] = {{"x", 1}, {"hello", 5}, {"z", 1}, {"x", 1}};
    static const Span pairs[][2] = {
        {{"x", 1}, {"1", 1}}, {{"y", 1}, {"22", 2}}, {{"x", 1}, {"3", 1}}};
    Packed r;
    kv_set_many(b, pairs, 3, &r);
    say_bool("set-many failed", r.is_err);
    kv_get_many(b, keys, 4, &r);
    const struct {
        u8 some;
        Span key, value;
    } *got = r.list.p;
    say_u64("get-many", r.list.n);
    for (u32 i = 0; i < r.list.n; i++) {
        if (!got[i].some) {
            put("none\n");
            continue;
        }
        put_span(got[i].key);
        say_span("", got[i].value);
    }
    kv_delete_many(b, keys, 4, &r);
    say_bool("delete-many failed", r.is_err);
}

void test(void)
{
    open("other");
    u32 b = open(""), c = open("");
    get(b, "hello");
    get(b, "missing");
    set(b, "hello", "there");
    set(b, "", "empty key");
    set(b, "bin", "");
    get(b, "hello");
    get(b, "");
    get(b, "bin");
    get(c, "hello"); /* a bucket of its own */
    exists(b, "bin");
    delete (b, "bin");
    delete (b, "bin");
    exists(b, "bin");
    increment(b, "n", 1);
    increment(b, "new", 5);
    increment(b, "hello", 1);
    set(b, "plus", "+7");
    increment(b, "plus", 1);
    set(b, "empty", "");
    increment(b, "empty", 1);
    set(b, "big", "18446744073709551616");
    increment(b, "big", 1);
    set(b, "max", "18446744073709551615");
    increment(b, "max", 1);
    set(b, "minus", "-1");
    increment(b, "minus", 1);
    list_keys(b, 0, 0);
    list_keys(b, 1, 7);
    list_keys(c, 1, ~0ull);
    batch(b);
    list_keys(b, 0, 0);
    kv_drop(b);
    kv_drop(c);
    b = open("");
    list_keys(b, 0, 0);
}
