/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* poll_oneoff: layouts of both versions, clocks, descriptors, interruption. */
#include "unit/wasi/guest_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "os/time.h"

enum { SUBS = 8192, EVENTS = 16384, MS = 1000000 };

/* Puts a clock subscription at place i. */
static void sub_clock(Guest *g, u32 i, u64 userdata, u32 clock, u64 timeout, u16 flags)
{
    const P1Abi *abi = g->c->abi;
    u8 *p = g->mem + SUBS + i * abi->subscription_end;
    memset(p, 0, abi->subscription_end);
    store_u64(p, userdata);
    store_u32(p + abi->clock_id, clock);
    store_u64(p + abi->clock_timeout, timeout);
    store_u16(p + abi->clock_flags, flags);
}

static void sub_fd(Guest *g, u32 i, u64 userdata, u8 type, u32 fd)
{
    u8 *p = g->mem + SUBS + i * g->c->abi->subscription_end;
    memset(p, 0, g->c->abi->subscription_end);
    store_u64(p, userdata);
    p[8] = type;
    store_u32(p + 16, fd);
}

static u32 poll_for(Guest *g, u32 n, u32 *ret_n)
{
    memset(g->mem + EVENTS, 0xff, 256);
    g->c->fuel = g->ctx->hostcall_fuel;
    u32 err = guest_ok(g, p1_poll_oneoff(g->c, SUBS, EVENTS, n, GUEST_RET));
    if (!err)
        *ret_n = load_u32(g->mem + GUEST_RET);
    return err;
}

static void expect_event(Guest *g, u32 i, u64 userdata, u8 type, u64 nbytes, u16 flags)
{
    const u8 *p = g->mem + EVENTS + i * P1_EVENT_SIZE;
    EXPECT_EQ(load_u64(p), userdata);
    EXPECT_EQ(load_u16(p + 8), 0);
    EXPECT_EQ(p[10], type);
    EXPECT_EQ(p[11], 0);
    EXPECT_EQ(load_u32(p + 12), 0);
    EXPECT_EQ(load_u64(p + 16), nbytes);
    EXPECT_EQ(load_u64(p + 24), flags); /* with the padding */
}

static void check_sleep(Guest *g, u32 clock, u64 timeout, u16 flags, u64 at_least)
{
    u32 n;
    u64 before = os_monotonic_ns();
    sub_clock(g, 0, 0x1122334455667788, clock, timeout, flags);
    EXPECT_EQ(poll_for(g, 1, &n), P1_SUCCESS);
    EXPECT_EQ(n, 1);
    u64 took = os_monotonic_ns() - before;
    EXPECT(took >= at_least && took < at_least + 5000 * (u64)MS);
    EXPECT_EQ(load_u64(g->mem + EVENTS), 0x1122334455667788);
    EXPECT_EQ(g->mem[EVENTS + 10], 0);
}

static void sleeps(Guest *g)
{
    check_sleep(g, P1_CLOCK_MONOTONIC, 20 * MS, 0, 20 * MS);
    check_sleep(g, P1_CLOCK_REALTIME, 20 * MS, 0, 20 * MS);
    check_sleep(g, P1_CLOCK_MONOTONIC, 0, 0, 0);
    check_sleep(g, P1_CLOCK_MONOTONIC, 0, 1, 0); /* long past */
    check_sleep(g, P1_CLOCK_REALTIME, 1, 1, 0);
    check_sleep(g, P1_CLOCK_REALTIME, os_realtime_ns() + 20 * MS, 1, 15 * MS);
    EXPECT_EQ(guest_ok(g, p1_clock_time_get(g->c, P1_CLOCK_MONOTONIC, 0, 64)), P1_SUCCESS);
    check_sleep(g, P1_CLOCK_MONOTONIC, load_u64(g->mem + 64) + 20 * MS, 1, 15 * MS);
}

TEST(poll_sleeps)
{
    Guest *g = guest_new((GuestOptions){0});
    sleeps(g);
    guest_free(g);
    g = guest_new((GuestOptions){.preview0 = true});
    sleeps(g);
    guest_free(g);
}

TEST(poll_refuses)
{
    Guest *g = guest_new((GuestOptions){0});
    u32 n;
    EXPECT_EQ(poll_for(g, 0, &n), P1_EINVAL);
    sub_clock(g, 0, 0, P1_CLOCK_PROCESS, 1, 1);
    EXPECT_EQ(poll_for(g, 1, &n), P1_EINVAL);
    sub_clock(g, 0, 0, 4, 1, 0);
    EXPECT_EQ(poll_for(g, 1, &n), P1_EINVAL);
    sub_clock(g, 0, 0, 0, 1, 2);
    EXPECT_EQ(poll_for(g, 1, &n), P1_EINVAL);
    sub_fd(g, 0, 0, 3, 0);
    EXPECT_EQ(poll_for(g, 1, &n), P1_EINVAL);
    static const struct {
        u8 type;
        u32 fd;
    } bad[] = {{1, 99}, {2, 99}, {1, 1}, {2, 0}, {1, GUEST_DIR}, {2, GUEST_DIR}};
    for (usize i = 0; i < ARRAY_LEN(bad); i++) {
        sub_fd(g, 0, 0, bad[i].type, bad[i].fd);
        EXPECT_EQ(poll_for(g, 1, &n), P1_EBADF);
    }
    guest_free(g);
}

TEST(poll_files)
{
    Guest *g = guest_new((GuestOptions){0});
    u32 n, fd;
    host_write(g, "f", "text");
    EXPECT_EQ(guest_open(g, "f", 0, 0, P1_RIGHT_FD_READ | P1_RIGHT_FD_WRITE, 0, &fd), P1_SUCCESS);
    sub_clock(g, 0, 1, P1_CLOCK_MONOTONIC, UINT64_MAX, 0); /* never */
    sub_fd(g, 1, 2, 1, fd);
    sub_fd(g, 2, 3, 2, fd);
    sub_fd(g, 3, 4, 2, 1);
    EXPECT_EQ(poll_for(g, 4, &n), P1_SUCCESS);
    EXPECT_EQ(n, 3);
    expect_event(g, 0, 2, 1, 1, 0);
    expect_event(g, 1, 3, 2, 1, 0);
    expect_event(g, 2, 4, 2, 1, 0);
    EXPECT_EQ(guest_read(g, fd, 10, &n), P1_SUCCESS);
    EXPECT_EQ(poll_for(g, 4, &n), P1_SUCCESS);
    expect_event(g, 0, 2, 1, 1, P1_EVENT_HANGUP); /* nothing left */
    guest_free(g);
}

TEST(poll_stdin)
{
    Guest *g = guest_new((GuestOptions){0});
    int in[2];
    u32 n;
    EXPECT(pipe(in) == 0);
    wasi_ctx_stdio(g->ctx, WASI_STDIN, in[0]);
    sub_fd(g, 0, 7, 1, 0);
    sub_clock(g, 1, 8, P1_CLOCK_MONOTONIC, 30 * MS, 0);
    EXPECT_EQ(poll_for(g, 2, &n), P1_SUCCESS);
    EXPECT_EQ(n, 1);
    expect_event(g, 0, 8, 0, 0, 0);
    EXPECT(write(in[1], "x", 1) == 1);
    sub_clock(g, 1, 8, P1_CLOCK_MONOTONIC, 60000 * (u64)MS, 0);
    EXPECT_EQ(poll_for(g, 2, &n), P1_SUCCESS);
    EXPECT_EQ(n, 1);
    expect_event(g, 0, 7, 1, 1, 0);
    EXPECT_EQ(guest_read(g, 0, 10, &n), P1_SUCCESS); /* polling took nothing */
    EXPECT_EQ(n, 1);
    close(in[1]);
    EXPECT_EQ(poll_for(g, 2, &n), P1_SUCCESS); /* the end can be read, too */
    expect_event(g, 0, 7, 1, 1, 0);
    guest_free(g);
    g = guest_new((GuestOptions){0}); /* no standard input at all */
    sub_fd(g, 0, 7, 1, 0);
    EXPECT_EQ(poll_for(g, 1, &n), P1_SUCCESS);
    EXPECT_EQ(n, 1);
    guest_free(g);
}

TEST(poll_many)
{
    Guest *g = guest_new((GuestOptions){0});
    const u32 count = 10000, size = 48;
    static u8 memory[10000 * 48 + 10000 * 32 + 64];
    g->call.mem = (GuestMem){.base = memory, .len = sizeof memory};
    for (u32 i = 0; i < count; i++) {
        store_u64(memory + i * size, i);
        store_u32(memory + i * size + 16, P1_CLOCK_MONOTONIC);
        store_u64(memory + i * size + 24, i % 2 ? UINT64_MAX : 0);
    }
    EXPECT_EQ(guest_ok(g, p1_poll_oneoff(g->c, 0, count * size, count, sizeof memory - 8)),
              P1_ENOMEM); /* no fuel in a call of our own */
    g->call.fuel = WASI_LIMIT_HOSTCALL_FUEL;
    EXPECT_EQ(guest_ok(g, p1_poll_oneoff(g->c, 0, count * size, count, sizeof memory - 8)),
              P1_SUCCESS);
    EXPECT_EQ(load_u32(memory + sizeof memory - 8), count / 2);
    /* Events over subscriptions: whatever comes of it, nothing breaks. */
    g->call.fuel = WASI_LIMIT_HOSTCALL_FUEL;
    (void)p1_poll_oneoff(g->c, 0, 0, count, sizeof memory - 8);
    error_free(TAKE_PTR(g->call.mem.error));
    guest_free(g);
}

typedef struct Interrupter {
    pthread_t thread;
    void *pending;
} Interrupter;

static void on_signal(int sig)
{
    (void)sig;
}

static void *interrupt(void *arg)
{
    Interrupter *i = arg;
    for (int k = 0; k < 3; k++) { /* signals that mean nothing do not end a wait */
        usleep(5000);
        pthread_kill(i->thread, SIGUSR1);
    }
    usleep(5000);
    __atomic_store_n(&i->pending, (void *)i, __ATOMIC_RELEASE);
    pthread_kill(i->thread, SIGUSR1);
    return NULL;
}

TEST(poll_interrupted)
{
    Guest *g = guest_new((GuestOptions){0});
    int in[2];
    u32 n;
    pthread_t other;
    struct sigaction sa = {.sa_handler = on_signal};
    EXPECT(pipe(in) == 0 && sigaction(SIGUSR1, &sa, NULL) == 0);
    wasi_ctx_stdio(g->ctx, WASI_STDIN, in[0]);
    for (int round = 0; round < 3; round++) {
        Interrupter i = {.thread = pthread_self()};
        g->call.stop = &i.pending;
        EXPECT(pthread_create(&other, NULL, interrupt, &i) == 0);
        u64 before = os_monotonic_ns();
        sub_clock(g, 0, 0, P1_CLOCK_MONOTONIC, UINT64_MAX, 0);
        sub_fd(g, 1, 0, 1, 0);
        u32 err = round < 2 ? poll_for(g, (u32)round + 1, &n) : guest_read(g, 0, 10, &n);
        EXPECT_EQ(err, P1_EINTR);
        EXPECT(os_monotonic_ns() - before >= 18 * MS);
        EXPECT(pthread_join(other, NULL) == 0);
        /* Already due: it does not even begin to wait. */
        EXPECT_EQ(poll_for(g, 1, &n), P1_EINTR);
        g->call.stop = NULL;
    }
    guest_free(g);
}
