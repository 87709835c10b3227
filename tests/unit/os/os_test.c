/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Mappings, whole files, threads, signals. */
#include "os/file.h"
#include "os/signal.h"
#include "os/thread.h"
#include "os/time.h"
#include "os/vm.h"
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Dirty {
    u8 *base;
    u64 pages; /* bit i: page i */
    bool one;  /* the first run is enough */
} Dirty;

static bool mark(void *arg, void *at, u64 bytes)
{
    Dirty *d = arg;
    u64 first = (u64)((u8 *)at - d->base) / 4096;
    for (u64 i = 0; i < bytes / 4096; i++)
        d->pages |= (u64)1 << (first + i);
    return !d->one;
}

TEST(os_vm_finds_written_pages_of_a_private_mapping)
{
    int fd = os_memfd("t", 16 * 4096, false);
    EXPECT(fd >= 0);
    EXPECT(os_pwrite(fd, "image", 5, 4096));
    u8 *p = os_vm_map_file(NULL, 16 * 4096, fd, 0, OS_PROT_RW, false);
    EXPECT(p && memcmp(p + 4096, "image", 5) == 0);
    Dirty d = {.base = p};
    p[2 * 4096] = 1;
    p[9 * 4096 + 5] = 1;
    if (!os_vm_dirty(p, 16 * 4096, mark, &d))
        test_skip("the kernel has no PAGEMAP_SCAN");
    EXPECT_EQ(d.pages, 1 << 2 | 1 << 9);
    d = (Dirty){.base = p, .one = true};
    EXPECT(os_vm_dirty(p, 16 * 4096, mark, &d));
    EXPECT_EQ(d.pages, 1 << 2);
    EXPECT(os_vm_discard(p, 16 * 4096));
    EXPECT_EQ(p[2 * 4096], 0);
    os_vm_release(p, 16 * 4096);
    os_close(fd);
}

/* A forked process has pages of its own, and another pagemap. */
TEST(os_vm_finds_written_pages_after_a_fork)
{
    enum { PAGES = 16 };
    u8 *p = os_vm_alloc(PAGES * 4096);
    EXPECT(p);
    Dirty d = {.base = p};
    p[4096] = 1;
    if (!os_vm_dirty(p, PAGES * 4096, mark, &d))
        test_skip("the kernel has no PAGEMAP_SCAN");
    EXPECT_EQ(d.pages, 1 << 1);
    pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        p[5 * 4096] = 1;
        d.pages = 0;
        bool told = os_vm_dirty(p, PAGES * 4096, mark, &d);
        _exit(told && (d.pages & 1 << 5) ? 0 : 1);
    }
    int status = 1;
    EXPECT(waitpid(pid, &status, 0) == pid);
    EXPECT_EQ(status, 0);
    d.pages = 0;
    EXPECT(os_vm_dirty(p, PAGES * 4096, mark, &d));
    EXPECT_EQ(d.pages, 1 << 1);
    os_vm_release(p, PAGES * 4096);
}

TEST(os_vm_reserves_commits_and_decommits)
{
    u8 *p = os_vm_reserve((u64)8 << 30);
    EXPECT(p);
    EXPECT(os_vm_commit(p, 8192));
    p[8191] = 7;
    EXPECT(os_vm_decommit(p, 8192));
    EXPECT(os_vm_commit(p, 8192));
    EXPECT_EQ(p[8191], 0);
    os_vm_release(p, (u64)8 << 30);
}

TEST(os_read_file_reads_files_and_pipes_within_a_limit)
{
    char path[] = "/tmp/os_test_XXXXXX";
    int fd = mkstemp(path);
    EXPECT(fd >= 0 && write(fd, "hello", 5) == 5);
    Buf b = {0};
    EXPECT(os_read_file(path, 5, &b) == NULL && b.n == 5 && memcmp(b.p, "hello", 5) == 0);
    buf_release(&b);
    Error *e = os_read_file(path, 4, &b);
    EXPECT(e && strstr(e->message, "more than 4 bytes") && b.p == NULL);
    error_free(e);
    os_rewind(fd);
    EXPECT(os_read_fd(fd, path, 5, &b) == NULL && b.n == 5);
    buf_release(&b);
    int unreadable = open(path, O_WRONLY); /* its size alone says that it is too large */
    e = os_read_fd(unreadable, path, 4, &b);
    EXPECT(e && strstr(e->message, "more than 4 bytes"));
    error_free(e);
    close(unreadable);
    close(fd);
    unlink(path);
    e = os_read_file(path, 4, &b);
    EXPECT(e && strstr(e->message, "No such file"));
    error_free(e);
    int pipes[2];
    EXPECT(pipe(pipes) == 0 && write(pipes[1], "abc", 3) == 3);
    close(pipes[1]);
    EXPECT(os_read_fd(pipes[0], "pipe", 100, &b) == NULL && b.n == 3);
    buf_release(&b);
}

static void add_one(void *arg)
{
    atomic_fetch_add((_Atomic u32 *)arg, 1);
}

TEST(os_threads_run)
{
    _Atomic u32 n = 0;
    OsThread t[4];
    for (u32 i = 0; i < 4; i++)
        EXPECT(os_thread_start(&t[i], add_one, (void *)&n));
    for (u32 i = 0; i < 4; i++)
        os_thread_join(t[i]);
    EXPECT_EQ(n, 4);
    EXPECT(os_cpu_count() >= 1);
    u64 here = (u64)(uintptr_t)&n;
    EXPECT(os_stack_low() < here && os_stack_low() != 0);
    EXPECT(os_monotonic_ns() <= os_monotonic_ns());
}

static bool not_mine(const OsFault *f)
{
    (void)f;
    return false;
}
static OsInterrupt not_due(const OsFault *f)
{
    (void)f;
    return OS_INTERRUPT_NONE;
}
static void not_asked(const OsFault *f)
{
    (void)f;
}
static volatile sig_atomic_t seen;
static void host_handler(int sig, siginfo_t *info, void *context)
{
    (void)context;
    seen = sig;
    if (info->si_code > 0)
        _exit(42);
}

/* Runs `body` in a child; its exit status or 128 + signal. */
static int in_child(void (*body)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        body();
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void crash(void)
{
    static volatile uintptr_t nowhere = 8; /* out of the compiler's sight */
    *(volatile u8 *)nowhere = 1;
}
static void crash_with_ours(void)
{
    signal(SIGSEGV, SIG_DFL);
    os_signal_install(not_mine, not_due, not_asked);
    os_signal_thread_init();
    crash();
}
static void crash_with_an_earlier_handler(void)
{
    struct sigaction act = {.sa_flags = SA_SIGINFO, .sa_sigaction = host_handler};
    sigaction(SIGSEGV, &act, NULL);
    os_signal_install(not_mine, not_due, not_asked);
    crash();
}
static void sent_signals_reach_the_earlier_handler(void)
{
    struct sigaction act = {.sa_flags = SA_SIGINFO, .sa_sigaction = host_handler};
    sigaction(SIGFPE, &act, NULL);
    sigaction(SIGURG, &act, NULL);
    os_signal_install(not_mine, not_due, not_asked);
    raise(SIGFPE);
    if (seen != SIGFPE)
        _exit(1);
    kill(getpid(), SIGURG);
    if (seen != SIGURG)
        _exit(2);
#ifdef __SANITIZE_THREAD__
    _exit(0); /* it delivers such signals late */
#endif
    seen = 0;
    os_signal_interrupt(os_thread_id()); /* sent by a thread of this process */
    _exit(seen == SIGURG ? 0 : 3);
}

TEST(os_signal_leaves_foreign_faults_to_earlier_handlers)
{
    EXPECT_EQ(in_child(crash_with_ours), 128 + SIGSEGV);
    EXPECT_EQ(in_child(crash_with_an_earlier_handler), 42);
    EXPECT_EQ(in_child(sent_signals_reach_the_earlier_handler), 0);
}

TEST(mappings_grow_where_they_are_or_move)
{
    enum { N = 1 << 20 };
    u8 *p = os_vm_alloc(3 * N);
    EXPECT(p != NULL);
    p[0] = 7;
    EXPECT(os_vm_resize(p, N, 2 * N, false) == NULL && p[0] == 7); /* the rest is behind it */
    EXPECT(!os_vm_reserve_at(p + N, N));
    os_vm_release(p + N, N);
    EXPECT(os_vm_reserve_at(p + N, N));
    EXPECT(os_vm_resize(p, 2 * N, 3 * N, true) == NULL && errno == EFAULT); /* two mappings */
    os_vm_release(p + N, N);
    EXPECT(os_vm_resize(p, N, 2 * N, false) == p);
    u8 *q = os_vm_resize(p, 2 * N, 4 * N, true);
    EXPECT(q != NULL && q != p && q[0] == 7 && q[4 * N - 1] == 0);
    EXPECT(os_vm_reserve_at(p, 2 * N)); /* it is no longer there */
    os_vm_release(p, 2 * N);
    os_vm_release(q, 4 * N);
    os_vm_release(p + 2 * N, N);
}
