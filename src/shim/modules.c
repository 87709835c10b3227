/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The key of an entry is the module's digest and what the code is for. A read-only view of the
 * entry's file goes into the container; where the kernel makes none, a sealed copy does.
 */
#include "shim/modules.h"

#include "engine/engine.h"
#include "os/file.h"
#include "os/fs.h"
#include "os/share.h"
#include "os/time.h"
#include "os/vm.h"
#include "shim/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_CODE = INT32_MAX,
    MAX_EXECUTOR = 256 << 20,
    SMALL = 256 << 10, /* copied in a fraction of a millisecond */
    STACK = 64 << 10,
};

#define DEFAULT_LIMIT ((u64)2 << 30)

void modules_init(Modules *m, Children *children, const ShimLog *log)
{
    const char *size = getenv("WASMTIME_SHIM_CACHE_SIZE");
    u64 bytes = size ? strtoull(size, NULL, 10) : 0;
    m->children = children;
    m->log = log;
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->settled, NULL);
    Error *e = cache_open(&m->cache, getenv("WASMTIME_SHIM_CACHE"), bytes ? bytes : DEFAULT_LIMIT);
    if (e)
        shim_log(log, "warning", "%s", e->message);
    error_free(e);
}

/* Above the descriptors that a child gets; takes the old one. */
static Error *raise_fd(int fd, int *ret_fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, MIN_FD);
    os_fd_close(fd);
    if (high < 0)
        return error_new("out of descriptors");
    *ret_fd = high;
    return NULL;
}

static Error *seal(const char *name, const Buf *bytes, int *ret_fd)
{
    int fd, err = os_sealed_memory(name, bytes->p, bytes->n, &fd);
    return err ? error_new("failed to make sealed memory for the %s: %s", name, strerror(err))
               : raise_fd(fd, ret_fd);
}

/* ---- views ---- */

typedef struct Closing {
    Modules *modules;
    int mount; /* own */
} Closing;

static void *close_mount(void *arg)
{
    Closing c = *(Closing *)arg;
    mem_free(arg);
    os_fd_close(c.mount);
    pthread_mutex_lock(&c.modules->lock);
    c.modules->closing--;
    pthread_cond_broadcast(&c.modules->settled);
    pthread_mutex_unlock(&c.modules->lock);
    return NULL;
}

/* Meanwhile the container is made. */
static void close_later(Modules *m, int mount)
{
    pthread_attr_t attr;
    pthread_t thread;
    Closing *c = mem_alloc(sizeof *c);
    *c = (Closing){m, mount};
    pthread_mutex_lock(&m->lock);
    m->closing++;
    pthread_mutex_unlock(&m->lock);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attr, close_mount, c) != 0)
        close_mount(c);
    pthread_attr_destroy(&attr);
}

void modules_settle(Modules *m)
{
    pthread_mutex_lock(&m->lock);
    while (m->closing > 0)
        pthread_cond_wait(&m->settled, &m->lock);
    pthread_mutex_unlock(&m->lock);
}

static Error *copy_out(int fd, const char *name, usize max, int *ret_fd)
{
    Buf bytes = {0};
    Error *e = os_read_fd(fd, name, max, &bytes);
    if (!e)
        e = seal(name, &bytes, ret_fd);
    buf_release(&bytes);
    return e;
}

/* Takes the descriptor. What is small is copied, which is faster than to share it. */
static Error *give_out(Modules *m, int fd, const char *name, usize max, int *ret_fd)
{
    int view, mount;
    OsStat st;
    Error *e;
    if (os_stat(fd, &st) == 0 && st.size > SMALL && os_readonly_view(fd, &view, &mount) == 0) {
        close_later(m, mount);
        e = raise_fd(view, ret_fd);
    } else {
        e = copy_out(fd, name, max, ret_fd);
    }
    os_fd_close(fd);
    return e;
}

Error *executor_open(Modules *m, int *ret_fd)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? error_new("failed to open this program: %s", strerror(errno))
                  : give_out(m, fd, "executor", MAX_EXECUTOR, ret_fd);
}

/* ---- an entry that is not there ---- */

typedef struct Making {
    Modules *m;
    const ModuleSource *s;
    const char *key;
    Buf own; /* the module, if it was read */
} Making;

static const char *target_of(const Making *k)
{
    return k->key + 65;
}

/* Read once, and only if it is needed. */
static Error *module_bytes(Making *k, const Buf **ret_bytes)
{
    Error *e = k->s->bytes || k->own.n > 0 ? NULL : k->s->read(k->s->arg, &k->own);
    *ret_bytes = k->s->bytes ? k->s->bytes : &k->own;
    return e;
}

/* Takes the reason. */
static void warn(const Making *k, Error *why)
{
    if (why)
        shim_log(k->m->log, "warning", "%s: the module is run as it is: %s", k->s->id,
                 why->message);
    error_free(why);
}

/* From the other place; not if what is there is damaged. */
static bool fetch(const Making *k, int out)
{
    Buf code = {0};
    bool ok = k->s->fetch && k->s->fetch(k->s->arg, target_of(k), &code) &&
              os_pwrite(out, code.p, code.n, 0) && engine_compiled_intact(out);
    if (!ok)
        (void)os_truncate(out, 0);
    buf_release(&code);
    return ok;
}

static void keep(const Making *k, int made)
{
    Buf code = {0};
    if (!k->s->keep)
        return;
    Error *e = os_read_fd(made, "the compiled module", MAX_CODE, &code);
    if (e)
        shim_log(k->m->log, "warning", "%s: %s", k->s->id, e->message);
    else
        k->s->keep(k->s->arg, target_of(k), &code);
    error_free(e);
    buf_release(&code);
}

/* *ret_made: `out` has the code. */
static Error *compile(Making *k, int out, bool *ret_made)
{
    const Buf *bytes;
    int in;
    char *why = NULL;
    Error *e = module_bytes(k, &bytes);
    if (!e)
        e = seal("module", bytes, &in);
    if (e)
        return e;
    u64 start = os_monotonic_ns();
    e = precompile_run(k->m->children, k->s->func, k->s->options, in, out, ret_made, &why);
    os_fd_close(in);
    if (*ret_made) {
        shim_log(k->m->log, "info", "%s: compiled %s in %llu ms", k->s->id, k->key,
                 (unsigned long long)((os_monotonic_ns() - start) / 1000000));
        cache_note(&k->m->cache, k->key, k->s->func);
        keep(k, out);
    }
    if (why)
        warn(k, error_new("%s", why));
    mem_free(why);
    return e;
}

/* With the lock of the key. *ret_fd stays as it is where there is no way to have an entry. */
static Error *make_entry(Making *k, int *ret_fd)
{
    const CodeCache *cache = &k->m->cache;
    int out;
    Error *e = cache_begin(cache, k->key, &out);
    if (e) {
        warn(k, e);
        return NULL;
    }
    bool made = fetch(k, out);
    if (!made)
        e = compile(k, out, &made);
    os_fd_close(out);
    if (e || !made) {
        cache_drop(cache, k->key);
        return e;
    }
    e = cache_enter(cache, k->key);
    if (!e)
        *ret_fd = cache_find(cache, k->key);
    warn(k, e);
    return NULL;
}

/* Another may have made it while this one waited for the lock. */
static Error *find_or_make(Making *k, int *ret_fd)
{
    int lock;
    Error *e = cache_lock(&k->m->cache, k->key, &lock);
    if (e) {
        warn(k, e);
        return NULL;
    }
    *ret_fd = cache_find(&k->m->cache, k->key);
    if (*ret_fd < 0)
        e = make_entry(k, ret_fd);
    cache_unlock(lock);
    return e;
}

/* Is the function in the code that was compiled before, for another function maybe? */
static Error *check_function(const Making *k, int code)
{
    const CodeCache *cache = &k->m->cache;
    bool there = false;
    char *why = NULL;
    if (cache_noted(cache, k->key, k->s->func))
        return NULL;
    Error *e = precompile_run(k->m->children, k->s->func, k->s->options, code, -1, &there, &why);
    if (there)
        cache_note(cache, k->key, k->s->func);
    os_rewind(code);
    mem_free(why); /* whoever runs it says what is not there */
    return e;
}

/* Takes the descriptor of the code. */
static Error *give_code(const Making *k, int code, int *ret_fd)
{
    Error *e = check_function(k, code);
    if (!e)
        return give_out(k->m, code, "code", MAX_CODE, ret_fd);
    os_fd_close(code);
    return e;
}

static Error *open_new(Making *k, int *ret_fd)
{
    const Buf *bytes;
    int fd = -1;
    Error *e = k->m->cache.dir >= 0 ? find_or_make(k, &fd) : NULL;
    if (!e && fd >= 0)
        return give_code(k, fd, ret_fd);
    if (!e)
        e = module_bytes(k, &bytes);
    return e ? e : seal("module", bytes, ret_fd);
}

Error *modules_open(Modules *m, const ModuleSource *s, int *ret_fd)
{
    char target[17], key[CACHE_KEY + 1];
    Making k = {.m = m, .s = s, .key = key};
    Error *e = precompile_target(s->options, target);
    if (e)
        return e;
    snprintf(key, sizeof key, "%s-%s", s->digest.hex, target);
    int fd = cache_find(&m->cache, key);
    e = fd >= 0 ? give_code(&k, fd, ret_fd) : open_new(&k, ret_fd);
    buf_release(&k.own);
    return e;
}
