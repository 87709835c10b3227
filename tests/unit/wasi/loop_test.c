/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Waiting on the thread's own stack and on fibers; wakers; tasks; interrupts. */
#include "wasi/loop.h"

#include "base/mem.h"
#include "os/thread.h"
#include "os/time.h"
#include "runtime/fiber.h"
#include "unit/compile/harness.h"
#include "unit/test.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define MS ((u64)1000000)

typedef struct Pipe {
    int r, w;
} Pipe;

static Pipe pipe_new(void)
{
    int p[2];
    EXPECT(pipe(p) == 0);
    return (Pipe){p[0], p[1]};
}

static void pipe_free(Pipe *p)
{
    wasi_loop_forget(p->r);
    wasi_loop_forget(p->w);
    close(p->r);
    close(p->w);
}

/* --- the same on the thread's stack and on a fiber --- */

static void no_task(void *arg)
{
    (void)arg;
}

/* Runs the function in both ways. */
static void both(void (*run)(void *arg), void *arg)
{
    run(arg);
    EXPECT(wasi_task_new(wasi_loop(), run, no_task, arg) != NULL);
    wasi_loop_run(wasi_loop());
    run(arg); /* now with a loop */
    wasi_loop_release();
    fiber_release_stacks();
}

static void wait_for_time(void *arg)
{
    (void)arg;
    u64 before = os_monotonic_ns();
    WasiWait w[2] = {wasi_wait_time(before + 30 * MS), wasi_wait_time(UINT64_MAX)};
    EXPECT(wasi_wait(NULL, w, 2, UINT64_MAX));
    EXPECT(w[0].ready && !w[1].ready);
    EXPECT(os_monotonic_ns() >= before + 30 * MS);
    /* The deadline of the wait itself. */
    before = os_monotonic_ns();
    EXPECT(wasi_wait(NULL, &w[1], 1, before + 20 * MS));
    EXPECT(!w[1].ready && os_monotonic_ns() >= before + 20 * MS);
    EXPECT(wasi_wait(NULL, w, 2, 0));
    EXPECT(w[0].ready && !w[1].ready);
}

TEST(loop_waits_for_times)
{
    both(wait_for_time, NULL);
}

static void wait_for_pipes(void *arg)
{
    (void)arg;
    Pipe a = pipe_new(), b = pipe_new();
    char c = 'x';
    WasiWait w[5] = {wasi_wait_read(a.r), wasi_wait_read(b.r), wasi_wait_write(a.w),
                     wasi_wait_read(b.r), wasi_wait_time(UINT64_MAX)};
    EXPECT(wasi_wait(NULL, w, 5, UINT64_MAX));
    EXPECT(!w[0].ready && !w[1].ready && w[2].ready && !w[3].ready && !w[4].ready);
    EXPECT(wasi_wait(NULL, w, 2, 0));
    EXPECT(!w[0].ready && !w[1].ready);
    EXPECT_EQ(write(b.w, &c, 1), 1);
    EXPECT(wasi_wait(NULL, w, 5, UINT64_MAX));
    EXPECT(!w[0].ready && w[1].ready && w[2].ready && w[3].ready && !w[4].ready);
    close(b.w); /* the end is something to read, too */
    EXPECT_EQ(read(b.r, &c, 1), 1);
    EXPECT(wasi_wait(NULL, &w[1], 1, UINT64_MAX));
    EXPECT(w[1].ready);
    b.w = open("/dev/null", O_WRONLY);
    EXPECT_EQ(fcntl(a.r, F_GETFL) & O_NONBLOCK, 0); /* stays as it was */
    pipe_free(&a);
    pipe_free(&b);
}

TEST(loop_waits_for_descriptors)
{
    both(wait_for_pipes, NULL);
}

static void wait_for_file(void *arg)
{
    (void)arg;
    int fd = open("/proc/self/exe", O_RDONLY);
    WasiWait w[2] = {wasi_wait_read(fd), wasi_wait_time(UINT64_MAX)};
    EXPECT(wasi_wait(NULL, w, 2, UINT64_MAX));
    EXPECT(w[0].ready && !w[1].ready);
    wasi_loop_forget(fd);
    close(fd);
}

TEST(loop_has_files_ready)
{
    both(wait_for_file, NULL);
}

static void write_later(void *arg)
{
    usleep(20000);
    EXPECT_EQ(write(*(int *)arg, "x", 1), 1);
}

/* Many things, of which one happens; the same descriptor many times. */
static void wait_for_many(void *arg)
{
    enum { N = 20000 };
    (void)arg;
    Pipe p = pipe_new();
    WasiWaker never = {0};
    WasiWait *w = mem_alloc_array(N, sizeof *w);
    for (u32 i = 0; i < N; i++)
        w[i] = i % 3 == 0   ? wasi_wait_read(p.r)
               : i % 3 == 1 ? wasi_wait_waker(&never)
                            : wasi_wait_time(UINT64_MAX);
    OsThread t;
    EXPECT(os_thread_start(&t, write_later, &p.w));
    EXPECT(wasi_wait(NULL, w, N, UINT64_MAX));
    os_thread_join(t);
    for (u32 i = 0; i < N; i++)
        EXPECT(w[i].ready == (i % 3 == 0));
    EXPECT(!never.waiters);
    mem_free(w);
    pipe_free(&p);
}

TEST(loop_waits_for_thousands_of_things)
{
    both(wait_for_many, NULL);
}

/* --- wakers --- */

static void set_waker(uv_timer_t *t)
{
    wasi_waker_set(t->data);
    uv_close((uv_handle_t *)t, NULL);
}

static void wait_for_waker(void *arg)
{
    (void)arg;
    WasiWaker waker = {0};
    uv_timer_t timer = {.data = &waker};
    uv_timer_init(wasi_loop_uv(wasi_loop()), &timer);
    uv_timer_start(&timer, set_waker, 20, 0);
    WasiWait w[2] = {wasi_wait_time(UINT64_MAX), wasi_wait_waker(&waker)};
    EXPECT(wasi_wait(NULL, w, 2, UINT64_MAX));
    EXPECT(!w[0].ready && w[1].ready);
    EXPECT(wasi_wait(NULL, w, 2, UINT64_MAX)); /* stays */
    EXPECT(w[1].ready);
    wasi_waker_clear(&waker);
    EXPECT(wasi_wait(NULL, w, 2, 0));
    EXPECT(!w[1].ready);
    EXPECT(wasi_wait(NULL, w, 2, os_monotonic_ns() + 5 * MS)); /* the timer's memory is free now */
}

TEST(loop_wakers_are_set_by_callbacks)
{
    both(wait_for_waker, NULL);
}

typedef struct Room {
    WasiWaker waker;
    u32 inside, done;
} Room;

static void enter_room(void *arg)
{
    Room *r = arg;
    WasiWait w = wasi_wait_waker(&r->waker);
    r->inside++;
    EXPECT(wasi_wait(NULL, &w, 1, UINT64_MAX));
    r->inside--;
}

static void left_room(void *arg)
{
    ++((Room *)arg)->done;
}

static void open_room(void *arg)
{
    Room *r = arg;
    while (r->inside < 1000) {
        WasiWait none = wasi_wait_time(UINT64_MAX);
        EXPECT(wasi_wait(NULL, &none, 1, 0)); /* the others get their turn */
    }
    wasi_waker_set(&r->waker);
    EXPECT_EQ(r->inside, 1000); /* not within the call */
}

TEST(loop_wakes_all_who_wait)
{
    Room r = {0};
    WasiLoop *l = wasi_loop();
    for (u32 i = 0; i < 1000; i++)
        EXPECT(wasi_task_new(l, enter_room, left_room, &r) != NULL);
    EXPECT(wasi_task_new(l, open_room, no_task, &r) != NULL);
    wasi_loop_run(l);
    EXPECT_EQ(r.inside, 0);
    EXPECT_EQ(r.done, 1000);
    wasi_loop_release();
}

/* --- cut off --- */

static void wait_for_ever(void *arg)
{
    u32 *stopped = arg;
    WasiWaker never = {0};
    Pipe p = pipe_new();
    WasiWait w[3] = {wasi_wait_waker(&never), wasi_wait_read(p.r), wasi_wait_time(UINT64_MAX - 1)};
    *stopped += !wasi_wait(NULL, w, 3, UINT64_MAX);
    *stopped += !wasi_wait(NULL, w, 3, UINT64_MAX); /* does not wait again */
    EXPECT(!never.waiters);
    pipe_free(&p);
}

static void count_done(void *arg)
{
    *(u32 *)arg += 100;
}

TEST(loop_task_is_stopped)
{
    u32 stopped = 0;
    WasiLoop *l = wasi_loop();
    WasiTask *t = wasi_task_new(l, wait_for_ever, count_done, &stopped);
    WasiTask *never = wasi_task_new(l, wait_for_ever, count_done, &stopped);
    wasi_task_stop(never); /* has not started */
    EXPECT_EQ(stopped, 100);
    uv_run(wasi_loop_uv(l), UV_RUN_NOWAIT);
    EXPECT_EQ(stopped, 100);
    wasi_task_stop(t);
    EXPECT_EQ(stopped, 202);
    wasi_loop_run(l);
    wasi_loop_release();
}

static void interrupt_later(void *arg)
{
    void **a = arg;
    usleep(30000);
    store_interrupt(a[0]);
    if (a[1])
        wasi_loop_poke(a[1]);
}

static void wait_with_store(void *arg)
{
    WasiWait w[2] = {wasi_wait_time(UINT64_MAX), wasi_wait_read(0)};
    Pipe p = pipe_new();
    w[1].fd = p.r;
    EXPECT(!wasi_wait(arg, w, 2, UINT64_MAX));
    pipe_free(&p);
}

TEST(loop_interrupted_store_does_not_wait)
{
    Harness h = harness_new("(func (export \"f\"))", NULL);
    VmVal none[1] = {0};
    EXPECT_EQ(harness_call(&h, "f", none), HARNESS_OK); /* the store knows its thread */
    void *arg[2] = {h.store, NULL};
    OsThread t;
    EXPECT(os_thread_start(&t, interrupt_later, arg));
    wait_with_store(h.store);
    os_thread_join(t);
    EXPECT_EQ(harness_call(&h, "f", none), TRAP_INTERRUPT);
    /* The same on a fiber. */
    arg[1] = wasi_loop();
    EXPECT(wasi_task_new(wasi_loop(), wait_with_store, no_task, h.store) != NULL);
    EXPECT(os_thread_start(&t, interrupt_later, arg));
    wasi_loop_run(wasi_loop());
    os_thread_join(t);
    wasi_loop_release();
    harness_free(&h);
}

/* --- callbacks --- */

typedef struct Drain {
    WasiWatch *watch;
    int fd;
    u32 got;
} Drain;

static void drain(void *arg)
{
    Drain *d = arg;
    char c;
    EXPECT_EQ(read(d->fd, &c, 1), 1);
    if (++d->got == 3)
        wasi_watch_free(d->watch);
}

TEST(loop_calls_back)
{
    Pipe p = pipe_new();
    Drain d = {.fd = p.r};
    d.watch = wasi_watch_new(p.r, WASI_WAIT_READ, drain, &d);
    EXPECT(d.watch != NULL);
    EXPECT_EQ(write(p.w, "abcd", 4), 4);
    /* Also while the thread's own stack waits for something else. */
    WasiWait w = wasi_wait_time(os_monotonic_ns() + 30 * MS);
    EXPECT(wasi_wait(NULL, &w, 1, UINT64_MAX));
    EXPECT_EQ(d.got, 3);
    pipe_free(&p);
    wasi_loop_release();
}
