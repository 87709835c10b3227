/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Entries are named by their keys, files that are being made "new-" and the key. A lock is a place
 * in the file "locks", so that no file has to go while somebody waits for it, and nobody waits for
 * another's module. An empty file "func-" and a digest says that a module has a function,
 * a file "image-" and a digest which of an image's layers is the program.
 */
#include "shim/cache.h"

#include "base/vec.h"
#include "engine/engine.h"
#include "oci/digest.h"
#include "os/fs.h"
#include "os/share.h"
#include "os/time.h"
#include "os/vm.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_SIZE = CACHE_KEY + 8, MAX_ENTRIES = 65536, PLACE_DIGITS = 15 };

#define LOCKS "locks"

static Error *failed(const char *what, int err)
{
    return error_new("failed to %s of the code cache: %s", what, strerror(err));
}

Error *cache_open(CodeCache *c, const char *path, u64 limit)
{
    *c = (CodeCache){.dir = -1, .limit = limit};
    if (path && strcmp(path, "off") == 0)
        return NULL;
    path = path && *path ? path : CACHE_PATH;
    int err = os_private_dir(path, &c->dir);
    return err ? error_new("compiled code is not kept: `%s` can not be used (%s), which must be "
                           "a folder that is open to its owner alone",
                           path, strerror(err))
               : NULL;
}

void cache_close(CodeCache *c)
{
    if (c->dir >= 0)
        os_fd_close(c->dir);
    c->dir = -1;
}

/* Which entry is old is a hint only. */
static void touch(int fd)
{
    u64 now = os_realtime_ns();
    OsTime used = {(i64)(now / 1000000000), (u32)(now % 1000000000)};
    os_set_times(fd, NULL, &used);
}

int cache_find(const CodeCache *c, const char *key)
{
    int fd;
    if (c->dir < 0 || os_private_open(c->dir, key, &fd) != 0)
        return -1;
    if (!engine_compiled_intact(fd)) {
        os_unlink_at(c->dir, key);
        os_fd_close(fd);
        return -1;
    }
    touch(fd);
    return fd;
}

/* The number of its first digits. */
static u64 place_of(const char *key)
{
    char digits[PLACE_DIGITS + 1];
    memcpy(digits, key, PLACE_DIGITS);
    digits[PLACE_DIGITS] = 0;
    return strtoull(digits, NULL, 16);
}

Error *cache_lock(const CodeCache *c, const char *key, int *ret_lock)
{
    int fd = -1;
    int err = os_private_create(c->dir, LOCKS, &fd);
    if (!err)
        err = os_lock(fd, place_of(key));
    if (err) {
        if (fd >= 0)
            os_fd_close(fd);
        return failed("take a lock", err);
    }
    *ret_lock = fd;
    return NULL;
}

void cache_unlock(int lock)
{
    os_fd_close(lock);
}

static void new_name(const char *key, char name[NAME_SIZE])
{
    memcpy(name, "new-", 4);
    memcpy(name + 4, key, strlen(key) + 1);
}

Error *cache_begin(const CodeCache *c, const char *key, int *ret_fd)
{
    char name[NAME_SIZE];
    new_name(key, name);
    os_unlink_at(c->dir, name); /* whoever was killed while making it may still write to it */
    int err = os_private_create(c->dir, name, ret_fd);
    return err ? failed("make a file", err) : NULL;
}

void cache_drop(const CodeCache *c, const char *key)
{
    char name[NAME_SIZE];
    new_name(key, name);
    os_unlink_at(c->dir, name);
}

/* ---- functions ---- */

/* By a digest of both, since a function's name may be anything. */
static void note_name(const char *key, const char *func, char name[NAME_SIZE])
{
    Buf both = {0};
    Digest d;
    buf_str(&both, str_of(key));
    buf_str(&both, str_of(func));
    digest_of(both.p, both.n, &d);
    snprintf(name, NAME_SIZE, "func-%s", d.hex);
    buf_release(&both);
}

void cache_note(const CodeCache *c, const char *key, const char *func)
{
    char name[NAME_SIZE];
    int fd;
    note_name(key, func, name);
    if (os_private_create(c->dir, name, &fd) == 0)
        os_fd_close(fd);
}

bool cache_noted(const CodeCache *c, const char *key, const char *func)
{
    char name[NAME_SIZE];
    OsStat st;
    note_name(key, func, name);
    return os_stat_at(c->dir, name, &st) == 0;
}

/* ---- the limit ---- */

typedef struct Entry {
    char name[NAME_SIZE];
    u64 size;
    OsTime used;
} Entry;

typedef struct Listing {
    int dir;
    u64 bytes;
    VEC(Entry) entries;
} Listing;

static int add_entry(void *arg, const char *name, OsFileType type, u64 ino)
{
    Listing *l = arg;
    Entry e = {0};
    OsStat st;
    (void)type;
    (void)ino;
    if (strlen(name) + 1 > sizeof e.name || strcmp(name, LOCKS) == 0 ||
        l->entries.n >= MAX_ENTRIES || os_stat_at(l->dir, name, &st) != 0)
        return 0;
    memcpy(e.name, name, strlen(name) + 1);
    e.size = st.size;
    e.used = st.mtime;
    l->bytes += st.size;
    vec_push(&l->entries, e);
    return 0;
}

static int by_age(const void *a, const void *b)
{
    const Entry *x = a, *y = b;
    if (x->used.sec != y->used.sec)
        return x->used.sec < y->used.sec ? -1 : 1;
    return (x->used.nsec > y->used.nsec) - (x->used.nsec < y->used.nsec);
}

/* Whoever has an entry open, or runs from it, keeps it. */
static void drop_oldest(const CodeCache *c, const char *kept)
{
    Listing l = {.dir = c->dir};
    os_list_dir(c->dir, add_entry, &l);
    if (l.bytes > c->limit || l.entries.n >= MAX_ENTRIES) {
        qsort(l.entries.p, l.entries.n, sizeof *l.entries.p, by_age);
        for (u32 i = 0; i < l.entries.n; i++) {
            const Entry *e = &l.entries.p[i];
            if (l.bytes <= c->limit && l.entries.n - i < MAX_ENTRIES)
                break;
            if (strcmp(e->name, kept) != 0 && os_unlink_at(c->dir, e->name) == 0)
                l.bytes -= e->size;
        }
    }
    vec_release(&l.entries);
}

Error *cache_enter(const CodeCache *c, const char *key)
{
    char name[NAME_SIZE];
    new_name(key, name);
    /* Not synced: what a crash leaves of it, cache_find sees by its checksum. */
    int err = os_rename_at(c->dir, name, c->dir, key);
    if (err) {
        cache_drop(c, key);
        return failed("enter a file", err);
    }
    drop_oldest(c, key);
    return NULL;
}

/* ---- images ---- */

enum { MAX_NOTE = 256, CHECK = 65 /* the digest of what follows, in a line of its own */ };

static void image_key(const char *digest, char key[CACHE_KEY + 1])
{
    snprintf(key, CACHE_KEY + 1, "image-%.64s", digest);
}

/* What a crash leaves of it is seen by the digest. */
static void note_make(const char *digest, const char *text, Buf *out)
{
    Buf both = {0};
    Digest d;
    buf_printf(&both, "%.64s %s", digest, text);
    digest_of(both.p, both.n, &d);
    buf_printf(out, "%s\n%s", d.hex, text);
    buf_release(&both);
}

static bool note_take(const char *digest, const u8 *p, usize n, char *text, usize size)
{
    Buf want = {0};
    if (n < CHECK || n - CHECK >= size)
        return false;
    memcpy(text, p + CHECK, n - CHECK);
    text[n - CHECK] = 0;
    note_make(digest, text, &want);
    bool ok = want.n == n && memcmp(want.p, p, n) == 0;
    buf_release(&want);
    return ok;
}

bool cache_recall(const CodeCache *c, const char *digest, char *text, usize size)
{
    char key[CACHE_KEY + 1];
    u8 bytes[MAX_NOTE];
    int fd;
    usize n = 0;
    image_key(digest, key);
    if (c->dir < 0 || os_private_open(c->dir, key, &fd) != 0)
        return false;
    bool ok =
        os_fd_pread(fd, bytes, sizeof bytes, 0, &n) == 0 && note_take(digest, bytes, n, text, size);
    if (ok)
        touch(fd);
    os_fd_close(fd);
    return ok;
}

static Error *note_enter(const CodeCache *c, const char *key, const Buf *note)
{
    int fd;
    Error *e = cache_begin(c, key, &fd);
    if (e)
        return e;
    bool ok = os_pwrite(fd, note->p, note->n, 0);
    os_fd_close(fd);
    if (ok)
        return cache_enter(c, key);
    cache_drop(c, key);
    return error_new("failed to write to the code cache");
}

Error *cache_remember(const CodeCache *c, const char *digest, const char *text)
{
    char key[CACHE_KEY + 1];
    Buf note = {0};
    int lock;
    if (c->dir < 0)
        return NULL;
    image_key(digest, key);
    note_make(digest, text, &note);
    ALWAYS(note.n <= MAX_NOTE);
    Error *e = cache_lock(c, digest, &lock);
    if (!e) {
        e = note_enter(c, key, &note);
        cache_unlock(lock);
    }
    buf_release(&note);
    return e;
}
