/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The cache of compiled code: entries that are whole, a lock, a limit. */
#include "shim/cache.h"

#include "engine/engine.h"
#include "os/fs.h"
#include "os/vm.h"
#include "unit/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Place {
    char base[40], path[64];
    CodeCache cache;
    Buf code; /* of an empty module */
} Place;

static void compile_empty(Buf *out)
{
    EngineConfig config;
    Engine *engine;
    Module *m;
    engine_config_init(&config);
    config.tunables.direct_calls = true;
    EXPECT(!engine_new(&config, &engine));
    EXPECT(!engine_module_new(engine, (const u8 *)"\0asm\1\0\0", 8, NULL, &m));
    EXPECT(!engine_module_serialize(engine, m, out));
    module_unref(m);
    engine_free(engine);
}

static void place_init(Place *p, u64 limit)
{
    *p = (Place){0};
    snprintf(p->base, sizeof p->base, "/tmp/cache-test-XXXXXX");
    EXPECT(mkdtemp(p->base));
    snprintf(p->path, sizeof p->path, "%s/cache", p->base);
    EXPECT(!cache_open(&p->cache, p->path, limit));
    compile_empty(&p->code);
}

static int remove_entry(void *arg, const char *name, OsFileType type, u64 ino)
{
    (void)type;
    (void)ino;
    return os_unlink_at(((Place *)arg)->cache.dir, name);
}

static void place_release(Place *p)
{
    EXPECT_EQ(os_list_dir(p->cache.dir, remove_entry, p), 0);
    cache_close(&p->cache);
    rmdir(p->path);
    rmdir(p->base);
    buf_release(&p->code);
}

static void key_of(u32 i, char key[CACHE_KEY + 1])
{
    memset(key, 'a', CACHE_KEY);
    key[64] = '-';
    key[CACHE_KEY] = 0;
    snprintf(key, 9, "%08x", i);
    key[8] = 'b';
}

static void enter(Place *p, const char *key, usize n)
{
    int lock, fd;
    EXPECT(!cache_lock(&p->cache, key, &lock));
    EXPECT(!cache_begin(&p->cache, key, &fd));
    EXPECT(os_pwrite(fd, p->code.p, n, 0));
    close(fd);
    EXPECT(!cache_enter(&p->cache, key));
    cache_unlock(lock);
}

static bool has(Place *p, const char *key)
{
    int fd = cache_find(&p->cache, key);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

TEST(shim_cache_entries)
{
    Place p;
    char key[CACHE_KEY + 1];
    place_init(&p, 1 << 20);
    key_of(0, key);
    EXPECT(!has(&p, key));
    enter(&p, key, p.code.n);
    EXPECT(has(&p, key));
    int fd = cache_find(&p.cache, key);
    EXPECT(fd >= 0 && write(fd, "x", 1) < 0);
    close(fd);
    place_release(&p);
}

/* A damaged or half written entry is not believed, and gone. */
TEST(security_shim_cache_damage)
{
    Place p;
    char key[CACHE_KEY + 1];
    place_init(&p, 1 << 20);
    key_of(0, key);
    for (usize at = 0; at < p.code.n; at += 7) {
        p.code.p[at] ^= 1;
        enter(&p, key, p.code.n);
        EXPECT(!has(&p, key));
        p.code.p[at] ^= 1;
        EXPECT(faccessat(p.cache.dir, key, F_OK, 0) != 0);
    }
    for (usize n = 0; n < p.code.n; n += 501) {
        enter(&p, key, n);
        EXPECT(!has(&p, key));
    }
    enter(&p, key, p.code.n);
    EXPECT(has(&p, key));
    EXPECT(fchmodat(p.cache.dir, key, 0666, 0) == 0); /* others could write to it */
    EXPECT(!has(&p, key));
    place_release(&p);
}

typedef struct Waiter {
    Place *place;
    const char *key;
    atomic_bool through;
} Waiter;

static void *take_lock(void *arg)
{
    Waiter *w = arg;
    int lock;
    EXPECT(!cache_lock(&w->place->cache, w->key, &lock));
    atomic_store(&w->through, true);
    cache_unlock(lock);
    return NULL;
}

static void await_lock(Waiter *w, u32 tries)
{
    for (u32 i = 0; i < tries && !atomic_load(&w->through); i++)
        usleep(10000);
}

/* A module that takes minutes to compile keeps nobody else's waiting, whatever their digests are.
 */
TEST(security_shim_cache_locks)
{
    Place p;
    char slow[CACHE_KEY + 1], other[CACHE_KEY + 1];
    pthread_t threads[2];
    int lock;
    place_init(&p, 1 << 20);
    key_of(1, slow);
    key_of(2, other);
    Waiter same = {.place = &p, .key = slow}, apart = {.place = &p, .key = other};
    EXPECT(!cache_lock(&p.cache, slow, &lock));
    EXPECT_EQ(pthread_create(&threads[0], NULL, take_lock, &apart), 0);
    EXPECT_EQ(pthread_create(&threads[1], NULL, take_lock, &same), 0);
    await_lock(&apart, 500);
    EXPECT(atomic_load(&apart.through));
    await_lock(&same, 20);
    EXPECT(!atomic_load(&same.through));
    cache_unlock(lock);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    EXPECT(atomic_load(&same.through));
    place_release(&p);
}

/* Who began an entry and was killed, and its child that still writes, change no other's. */
TEST(shim_cache_begun_twice)
{
    Place p;
    char key[CACHE_KEY + 1];
    int lock, first, second;
    place_init(&p, 1 << 20);
    key_of(0, key);
    EXPECT(!cache_lock(&p.cache, key, &lock));
    EXPECT(!cache_begin(&p.cache, key, &first));
    cache_unlock(lock);
    EXPECT(!cache_lock(&p.cache, key, &lock));
    EXPECT(!cache_begin(&p.cache, key, &second));
    EXPECT(os_pwrite(second, p.code.p, p.code.n, 0));
    EXPECT(!cache_enter(&p.cache, key));
    cache_unlock(lock);
    EXPECT(os_pwrite(first, "damage", 6, 0));
    EXPECT(has(&p, key));
    close(first);
    close(second);
    place_release(&p);
}

TEST(shim_cache_limit)
{
    Place p;
    char key[CACHE_KEY + 1];
    enum { ENTRIES = 10, KEPT = 4 };
    place_init(&p, 0);
    p.cache.limit = KEPT * p.code.n + p.code.n / 2;
    for (u32 i = 0; i < ENTRIES; i++) {
        OsTime when = {1000 + i, 0};
        key_of(i, key);
        enter(&p, key, p.code.n);
        EXPECT_EQ(os_set_times_at(p.cache.dir, key, NULL, &when), 0);
        if (i >= 1) { /* the second stays: it is used all the time */
            key_of(1, key);
            EXPECT(has(&p, key));
        }
    }
    for (u32 i = 0; i < ENTRIES; i++) {
        key_of(i, key);
        EXPECT_EQ(has(&p, key), i == 1 || i > ENTRIES - KEPT);
    }
    place_release(&p);
}

TEST(shim_cache_folder)
{
    Place p;
    CodeCache c;
    char key[CACHE_KEY + 1];
    place_init(&p, 1 << 20);
    EXPECT(!cache_open(&c, "off", 1));
    EXPECT_EQ(c.dir, -1);
    key_of(0, key);
    EXPECT_EQ(cache_find(&c, key), -1);
    EXPECT(chmod(p.path, 0755) == 0);
    Error *e = cache_open(&c, p.path, 1);
    EXPECT(e && strstr(e->message, "open to its owner alone"));
    EXPECT_EQ(c.dir, -1);
    error_free(e);
    place_release(&p);
}

/* What is remembered is there as they were made, or not at all: for another digest, damaged, cut
 * short, or too long for who asks. */
TEST(security_shim_cache_images)
{
    Place p;
    char text[80], digest[65], other[65], key[80], bytes[256];
    place_init(&p, 1 << 20);
    memset(digest, 'd', 64);
    memset(other, 'e', 64);
    digest[64] = other[64] = 0;
    snprintf(key, sizeof key, "image-%s", digest);
    EXPECT(!cache_recall(&p.cache, digest, text, sizeof text));
    EXPECT(!cache_remember(&p.cache, digest, "wasm sha256:1234"));
    EXPECT(cache_recall(&p.cache, digest, text, sizeof text) && !strcmp(text, "wasm sha256:1234"));
    EXPECT(!cache_recall(&p.cache, digest, text, 16) && cache_recall(&p.cache, digest, text, 17));
    EXPECT(!cache_recall(&p.cache, other, text, sizeof text));
    int fd = openat(p.cache.dir, key, O_RDWR);
    ssize_t n = pread(fd, bytes, sizeof bytes, 0);
    EXPECT_EQ(n, 65 + 16);
    for (ssize_t i = 0; i < n; i++) {
        char wrong = (char)(bytes[i] ^ 1);
        EXPECT(pwrite(fd, &wrong, 1, i) == 1 &&
               !cache_recall(&p.cache, digest, text, sizeof text) &&
               pwrite(fd, &bytes[i], 1, i) == 1);
    }
    EXPECT(cache_recall(&p.cache, digest, text, sizeof text));
    for (ssize_t i = 0; i < n; i++)
        EXPECT(ftruncate(fd, i) == 0 && !cache_recall(&p.cache, digest, text, sizeof text));
    close(fd);
    EXPECT(!cache_remember(&p.cache, digest, "none")); /* in its place */
    EXPECT(cache_recall(&p.cache, digest, text, sizeof text) && !strcmp(text, "none"));
    EXPECT_EQ(renameat(p.cache.dir, key, p.cache.dir,
                       "image-" /* of another */
                       "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
                       "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"),
              0);
    EXPECT(!cache_recall(&p.cache, other, text, sizeof text));
    cache_close(&p.cache);
    EXPECT(!cache_remember(&p.cache, digest, "none") &&
           !cache_recall(&p.cache, digest, text, sizeof text));
    EXPECT(!cache_open(&p.cache, p.path, 1 << 20));
    place_release(&p);
}
