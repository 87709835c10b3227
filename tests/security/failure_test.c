/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Every request for memory, a mapping or a thread fails once: the n-th one of the life of a small
 * program, for each n. What must come of it is the program's right result (it did without), an
 * error, or for the small allocations that cannot fail the message "out of memory" and an abort;
 * and where the process goes on, the same program runs at once, and nothing has leaked.
 *
 * The linker sends the calls of this program (not those of the C library) to the functions here.
 */
#include "component/instance.h"
#include "component/wave.h"
#include "security/modes.h"
#include "wasm/text/text.h"
#include "wit/text/ctext.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the calls that fail --- */

static atomic_long countdown;        /* the call that makes it 0 fails; never negative at rest */
static atomic_long calls;            /* so far */
static atomic_long live;             /* pieces of the heap */
static atomic_long mapped;           /* bytes */
static _Atomic(const char *) failed; /* what the call was that failed */
static atomic_bool crowded;          /* no mapping fits where it would like to be */

static bool fails(const char *what)
{
    atomic_fetch_add(&calls, 1);
    if (atomic_load(&countdown) == 0 || atomic_fetch_sub(&countdown, 1) != 1)
        return false;
    atomic_store(&failed, what);
    errno = ENOMEM;
    return true;
}

long test_memory_calls(void)
{
    return atomic_load(&calls);
}

/* The linker's names. */
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __real_free(void *p);
void __wrap_free(void *p);
void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *p, size_t n);
int __wrap_munmap(void *p, size_t n);
void *__real_mremap(void *p, size_t from, size_t to, int flags, ...);
void *__wrap_mremap(void *p, size_t from, size_t to, int flags);
int __real_mprotect(void *p, size_t n, int prot);
int __wrap_mprotect(void *p, size_t n, int prot);
int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*run)(void *), void *arg);

void *__wrap_calloc(size_t n, size_t size)
{
    void *p = fails("calloc") ? NULL : __real_calloc(n, size);
    atomic_fetch_add(&live, p != NULL);
    return p;
}

void *__wrap_realloc(void *p, size_t size)
{
    void *q = fails("realloc") ? NULL : __real_realloc(p, size);
    atomic_fetch_add(&live, !p && q);
    return q;
}

void __wrap_free(void *p)
{
    atomic_fetch_sub(&live, p != NULL);
    __real_free(p);
}

void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    if ((flags & MAP_FIXED_NOREPLACE) && atomic_load(&crowded)) {
        errno = EEXIST;
        return MAP_FAILED;
    }
    void *p = fails("mmap") ? MAP_FAILED : __real_mmap(at, n, prot, flags, fd, offset);
    if (p != MAP_FAILED && !(flags & MAP_FIXED)) /* else it is counted already */
        atomic_fetch_add(&mapped, (long)n);
    return p;
}

int __wrap_munmap(void *p, size_t n)
{
    int rc = __real_munmap(p, n);
    if (rc == 0)
        atomic_fetch_sub(&mapped, (long)n);
    return rc;
}

void *__wrap_mremap(void *p, size_t from, size_t to, int flags)
{
    void *q = fails("mremap") ? MAP_FAILED : __real_mremap(p, from, to, flags);
    if (q != MAP_FAILED)
        atomic_fetch_add(&mapped, (long)to - (long)from);
    return q;
}

int __wrap_mprotect(void *p, size_t n, int prot)
{
    return fails("mprotect") ? -1 : __real_mprotect(p, n, prot);
}

int __wrap_memfd_create(const char *name, unsigned flags)
{
    return fails("memfd_create") ? -1 : __real_memfd_create(name, flags);
}

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*run)(void *), void *arg)
{
    return fails("pthread_create") ? EAGAIN : __real_pthread_create(t, a, run, arg);
}

/* --- the program --- */

static const char program[] =
    "(module (memory (export \"m\") 1 4) (table $t 3 20 funcref) (global $g (mut i64) (i64.const "
    "5))"
    "(data (i32.const 8) \"text\") (elem (i32.const 0) $a $b) (elem $p func $a)"
    "(func $a (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))"
    "(func $b (param i32) (result i32) (call $a (i32.mul (local.get 0) (i32.const 3))))"
    "(func (export \"run\") (param i32) (result i32) (local $n i32)"
    " (drop (memory.grow (i32.const 1))) (i32.store (i32.const 70000) (local.get 0))"
    " (drop (table.grow $t (ref.func $b) (i32.const 5)))"
    " (table.init $t $p (i32.const 2) (i32.const 0) (i32.const 1))"
    " (loop (local.set $n (i32.add (local.get $n)"
    "   (call_indirect (param i32) (result i32) (local.get 0) (i32.const 1))))"
    "  (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
    " (local.get $n))"
    "(func (export \"boom\") (param i32) (result i32) (i32.load (i32.const -1))))";

typedef struct Bytes {
    const u8 *p;
    usize n;
} Bytes;

typedef struct Life {
    EngineConfig config;
    Bytes module;
    bool serialize;
    Error *(*run)(const struct Life *l); /* once, from beginning to end */
} Life;

MUST_CHECK static Error *call_export(Instance *i, const char *name, u32 arg, u32 *ret_result)
{
    Extern x;
    EXPECT(instance_export(i, str_of(name), &x));
    VmVal vals[2] = {{.i32 = (i32)arg}};
    Error *e = func_call(instance_store(i), x.func, vals);
    *ret_result = (u32)vals[0].i32;
    return e;
}

/* An instance, a call with a result, one that traps; where growth
 * fails, the guest is told and traps. */
MUST_CHECK static Error *tenant(Engine *engine, Module *m)
{
    Store *s = NULL;
    Instance *i = NULL;
    u32 n = 0;
    Error *e = engine_store_new(engine, &s);
    if (e)
        return e;
    e = instance_new(s, m, NULL, 0, &i);
    if (!e)
        e = call_export(i, "run", 10, &n);
    if (!e)
        EXPECT_EQ(n, 3 * 55 + 10);
    if (!e) {
        Error *trap = call_export(i, "boom", 0, &n);
        EXPECT(trap);
        Buf text = {0};
        error_format(trap, &text);
        buf_release(&text);
        error_free(trap);
    }
    store_free(s);
    return e;
}

/* From the engine's beginning to its end, several tenants of one module in between. */
MUST_CHECK static Error *live_once(const Life *l)
{
    Engine *engine = NULL;
    Module *m = NULL, *loaded = NULL;
    Buf image = {0};
    Error *e = engine_new(&l->config, &engine);
    if (!e)
        e = engine_module_new(engine, l->module.p, l->module.n, NULL, &m);
    for (u32 k = 0; k < 4 && !e; k++)
        e = tenant(engine, m);
    if (!e && l->serialize) {
        e = engine_module_serialize(engine, m, &image);
        if (!e)
            e = engine_module_load(engine, image.p, image.n, &loaded);
        if (!e)
            e = tenant(engine, loaded);
    }
    buf_release(&image);
    if (m)
        module_unref(m);
    if (loaded)
        module_unref(loaded);
    if (engine)
        engine_free(engine);
    return e;
}

/* --- a component --- */

static const char component[] =
    "(component (core module $m (memory (export \"memory\") 1) (global $at (mut i32) (i32.const "
    "64))"
    " (func (export \"r\") (param i32 i32 i32 i32) (result i32) (local i32)"
    "  (local.set 4 (global.get $at)) (global.set $at (i32.add (global.get $at) (i32.const 64)))"
    "  (local.get 4))"
    " (func (export \"f\") (param i32 i32) (result i32)"
    "  (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const "
    "0)))"
    "(core instance $i (instantiate $m))"
    "(func (export \"echo\") (param \"s\" string) (result string) (canon lift (core func $i \"f\")"
    " (memory (core memory $i \"memory\")) (realloc (core func $i \"r\")))))";

MUST_CHECK static Error *call_echo(ComponentInstance *i)
{
    ComponentItem item;
    WaveCall c;
    Arena arena;
    arena_init(&arena);
    EXPECT(items_find(component_exports(i), STR("echo"), &item));
    EXPECT(!wave_parse_call(STR("echo(\"text\")"), &c));
    const ComponentTypes *t = NULL;
    const CType *type = NULL;
    EXPECT(component_func_type(item.func, &t, &type));
    ComponentVal args[1], result = {0};
    Error *e = wave_parse_args(t, type, &c, &arena, args);
    if (!e)
        e = component_call(item.func, args, &arena, &result);
    arena_release(&arena);
    return e;
}

/* A component from its bytes to its end, with a call. */
MUST_CHECK static Error *live_as_component(const Life *l)
{
    Engine *engine = NULL;
    Store *s = NULL;
    LoadedComponent *c = NULL;
    ComponentInstance *i = NULL;
    ComponentLinker *linker = component_linker_new();
    ComponentOptions o = {.features = l->config.features,
                          .component_features = component_features_default()};
    Error *e = engine_new(&l->config, &engine);
    if (!e)
        e = engine_store_new(engine, &s);
    if (!e)
        e = component_load(engine, &o, l->module.p, l->module.n, NULL, &c);
    if (!e)
        e = component_instance_new(s, c, linker, &i);
    if (!e)
        e = call_echo(i);
    if (s)
        store_free(s);
    component_instance_free(i);
    component_linker_free(linker);
    component_unref(c);
    if (engine)
        engine_free(engine);
    return e;
}

/* --- every call fails once --- */

enum { ENDED_WELL = 0, ENDED_IN_ERROR = 3 };

/* In a process of its own: the n-th call fails. */
NORETURN static void attempt(const Life *l, long n)
{
    long live_before = atomic_load(&live), mapped_before = atomic_load(&mapped);
    atomic_store(&countdown, n);
    Error *e = l->run(l);
    atomic_store(&countdown, 0);
    bool failed_well = e != NULL;
    error_free(e);
    /* What the process keeps for good was made before the fork, by a life without failures. */
    if (atomic_load(&live) != live_before)
        test_fail(__FILE__, __LINE__, "%ld pieces of the heap leaked",
                  atomic_load(&live) - live_before);
    if (atomic_load(&mapped) != mapped_before)
        test_fail(__FILE__, __LINE__, "%ld mapped bytes leaked",
                  atomic_load(&mapped) - mapped_before);
    EXPECT(!l->run(l));
    fflush(stdout);
    _exit(failed_well ? ENDED_IN_ERROR : ENDED_WELL);
}

/* What the attempt wrote to stderr. */
static usize read_all(int fd, char *text, usize room)
{
    usize n = 0;
    for (ssize_t got; n < room - 1 && (got = read(fd, text + n, room - 1 - n)) > 0;)
        n += (usize)got;
    text[n] = 0;
    return n;
}

static int attempt_in_child(const Life *l, long n, bool *ret_out_of_memory)
{
    int fds[2];
    char text[512];
    EXPECT(pipe(fds) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        attempt(l, n);
    }
    close(fds[1]);
    read_all(fds[0], text, sizeof text);
    close(fds[0]);
    int status = 0;
    EXPECT(waitpid(pid, &status, 0) == pid);
    *ret_out_of_memory = strstr(text, "out of memory") != NULL;
    if (!*ret_out_of_memory && text[0])
        printf("%s", text);
    return status;
}

static void every_call_fails(const Life *l)
{
    EXPECT(!l->run(l)); /* what is made once a process is made */
    EXPECT(!l->run(l));
    atomic_store(&calls, 0);
    EXPECT(!l->run(l));
    long total = atomic_load(&calls);
    u32 well = 0, errors = 0, aborts = 0;
    EXPECT(total > 50 && total < 5000);
    for (long n = 1; n <= total; n++) {
        bool out_of_memory;
        int status = attempt_in_child(l, n, &out_of_memory);
        if (WIFEXITED(status) && WEXITSTATUS(status) == ENDED_WELL)
            well++;
        else if (WIFEXITED(status) && WEXITSTATUS(status) == ENDED_IN_ERROR)
            errors++;
        else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && out_of_memory)
            aborts++;
        else
            test_fail(__FILE__, __LINE__, "call %ld of %ld fails: status %x", n, total,
                      (unsigned)status);
    }
    printf("%ld calls: did without %u, errors %u, out of memory %u\n", total, well, errors, aborts);
    EXPECT(well && errors && aborts);
}

static void lives(bool eager, u64 reservation, bool serialize)
{
    Life l = {.serialize = serialize, .run = live_once};
    Buf bin = {0};
    Diag d;
    diag_init(&d);
    EXPECT(text_parse_module(str_of(program), &(TextOptions){0}, &bin, NULL, &d));
    l.module = (Bytes){bin.p, bin.n};
    engine_config_init(&l.config);
    l.config.lazy = !eager;
    l.config.compile_threads = 2;
    l.config.tunables.memory_reservation = reservation;
    l.config.tunables.direct_calls = serialize;
    every_call_fails(&l);
    buf_release(&bin);
}

TEST(security_every_allocation_fails_once_lazily)
{
    lives(false, (u64)1 << 32, false);
}

TEST(security_every_allocation_fails_once_eagerly)
{
    lives(true, (u64)1 << 32, true);
}

TEST(security_every_allocation_fails_once_without_reservations)
{
    lives(false, 0, false);
}

TEST(security_every_allocation_fails_once_between_other_mappings)
{
    atomic_store(&crowded, true);
    lives(false, 0, false);
    atomic_store(&crowded, false);
}

TEST(security_every_allocation_fails_once_in_a_component)
{
    Life l = {.run = live_as_component};
    Buf bin = {0};
    Diag d;
    diag_init(&d);
    EXPECT(component_text_parse(str_of(component), &(TextOptions){0}, &bin, NULL, &d));
    l.module = (Bytes){bin.p, bin.n};
    engine_config_init(&l.config);
    every_call_fails(&l);
    buf_release(&bin);
}
