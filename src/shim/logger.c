/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* As containerd's own shim does it; a logger that does not say that it is ready is an error. */
#include "shim/logger.h"

#include "os/fs.h"
#include "os/time.h"
#include "shim/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SCHEME "binary://"

enum { MAX_WORDS = 64, READY_SECONDS = 10 };

bool logger_is_meant(const char *address)
{
    return str_starts(str_of(address), STR(SCHEME));
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes up to one of the ends; *p is left there. False if it is not an address's text. */
static bool decode(const char **p, const char *ends, bool plus, char **out)
{
    for (; **p && !strchr(ends, **p); ++*p) {
        char c = **p;
        if (c == '%') {
            int high = hex_digit((*p)[1]), low = high < 0 ? -1 : hex_digit((*p)[2]);
            if (low < 0 || (high == 0 && low == 0))
                return false;
            c = (char)(high << 4 | low);
            *p += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        *(*out)++ = c;
    }
    *(*out)++ = 0;
    return true;
}

bool logger_parse(const char *address, char **ret_block, const char ***ret_words)
{
    const char *p = address + strlen(SCHEME);
    usize n = strlen(p);
    const char **words = mem_alloc_array(MAX_WORDS + 1, sizeof *words);
    char *block = mem_alloc(n + MAX_WORDS + 2), *out = block;
    usize count = 0;
    words[count++] = out;
    bool ok = *p == '/' && decode(&p, "?#", false, &out);
    while (ok && (*p == '?' || *p == '&')) {
        p++;
        if (count + 2 > MAX_WORDS) {
            ok = false;
            break;
        }
        words[count++] = out;
        ok = decode(&p, "=&#", true, &out);
        if (ok && *p == '=') {
            p++;
            words[count++] = out;
            ok = decode(&p, "&#", true, &out);
        }
    }
    if (ok && *p == 0) {
        *ret_block = block;
        *ret_words = words;
        return true;
    }
    mem_free(words);
    mem_free(block);
    return false;
}

/* Pipes above the descriptors that a child gets: read ends first. */
static bool make_pipe(int ret_ends[2])
{
    int low[2];
    if (pipe2(low, O_CLOEXEC) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        ret_ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, MIN_FD);
        os_fd_close(low[i]);
    }
    return ret_ends[0] >= 0 && ret_ends[1] >= 0;
}

static bool await_ready(int fd)
{
    u64 deadline = os_monotonic_ns() + (u64)READY_SECONDS * 1000000000;
    bool ready = false;
    while (os_wait(fd, OS_WAIT_READ, deadline, NULL, &ready) == EINTR)
        ;
    return ready; /* closed, or written to */
}

typedef enum { OUT, ERR, READY, PIPES } Pipe;

static Error *start(const LoggerOwner *o, const char *const *words, int pipes[PIPES][2])
{
    char id[300], ns[300];
    const char *env[] = {id, ns, NULL};
    snprintf(id, sizeof id, "CONTAINER_ID=%s", o->id);
    snprintf(ns, sizeof ns, "CONTAINER_NAMESPACE=%s", o->ns);
    ChildSpec spec = {.argv = words,
                      .env = env,
                      .fds = {-1, -1, -1, pipes[OUT][0], pipes[ERR][0]},
                      .fd5 = pipes[READY][1]};
    Error *e = children_start(o->children, &spec);
    os_fd_close(pipes[READY][1]);
    pipes[READY][1] = -1;
    if (!e && !await_ready(pipes[READY][0]))
        e = error_new("the logger `%s` does not become ready", words[0]);
    return e;
}

static void close_all(int pipes[PIPES][2])
{
    for (int i = 0; i < PIPES; i++)
        for (int k = 0; k < 2; k++)
            if (pipes[i][k] >= 0)
                os_fd_close(pipes[i][k]);
}

Error *logger_start(const LoggerOwner *o, const char *address, int *ret_out, int *ret_err)
{
    int pipes[PIPES][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    char *block = NULL;
    const char **words = NULL;
    Error *e = NULL;
    if (!logger_parse(address, &block, &words))
        return error_new("`%s` is not the address of a logger", address);
    for (int i = 0; i < PIPES && !e; i++)
        if (!make_pipe(pipes[i]))
            e = error_new("failed to make a pipe: %s", strerror(errno));
    if (!e)
        e = start(o, words, pipes);
    if (!e) {
        *ret_out = pipes[OUT][1];
        *ret_err = pipes[ERR][1];
        pipes[OUT][1] = pipes[ERR][1] = -1;
    }
    close_all(pipes);
    mem_free(words);
    mem_free(block);
    return e;
}
