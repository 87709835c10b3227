/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* c-ares on the event loop, with the hosts file and the name servers of the system. */
#include "wasi/p2/resolver_priv.h"

#include "base/mem.h"
#include "wasi/loop.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <uv.h>

/*
 * c-ares asks these for the numbers of services, which nobody gives it; glibc's would need its
 * shared libraries in a static program. There are no named services, then.
 */
struct servent *getservbyname(const char *name, const char *proto)
{
    (void)name, (void)proto;
    return NULL;
}

int getservbyport_r(int port, const char *proto, struct servent *buf, char *p, size_t n,
                    struct servent **ret)
{
    (void)port, (void)proto, (void)buf, (void)p, (void)n;
    *ret = NULL;
    return ENOENT;
}

enum {
    NAME_BYTES = 253,
    TICK_MS = 500, /* how often c-ares looks for what takes too long */
};

struct P2Resolver {
    ares_channel channel;
    uv_timer_t timer;
    u32 pending;
    struct DnsSocket *sockets;
};

/* A socket of c-ares. */
typedef struct DnsSocket {
    uv_poll_t uv;
    P2Resolver *resolver;
    ares_socket_t fd;
    struct DnsSocket *next;
} DnsSocket;

/* A name that is looked up. */
struct P2Query {
    P2Resolver *resolver;
    P2ResolvedFn *done; /* NULL: nobody waits any more */
    void *arg;
};

/* --- c-ares on the loop --- */

static void on_dns_closed(uv_handle_t *h)
{
    mem_free(h->data);
}

static void on_dns_event(uv_poll_t *h, int status, int events)
{
    const DnsSocket *s = h->data;
    bool r = status < 0 || events & UV_READABLE, w = status < 0 || events & UV_WRITABLE;
    ares_process_fd(s->resolver->channel, r ? s->fd : ARES_SOCKET_BAD, w ? s->fd : ARES_SOCKET_BAD);
}

static DnsSocket **find_socket(P2Resolver *r, ares_socket_t fd)
{
    DnsSocket **at = &r->sockets;
    while (*at && (*at)->fd != fd)
        at = &(*at)->next;
    return at;
}

/* ares_sock_state_cb */
static void on_dns_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    P2Resolver *r = arg;
    DnsSocket **at = find_socket(r, fd), *s = *at;
    if (!readable && !writable) {
        if (s) {
            *at = s->next;
            uv_close((uv_handle_t *)&s->uv, on_dns_closed);
        }
        return;
    }
    if (!s) {
        s = mem_alloc(sizeof *s);
        *s = (DnsSocket){.resolver = r, .fd = fd};
        if (uv_poll_init(wasi_loop_uv(wasi_loop()), &s->uv, fd) != 0) {
            mem_free(s);
            return; /* the query ends by its timeout */
        }
        s->uv.data = s;
        *at = s;
    }
    uv_poll_start(&s->uv, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
                  on_dns_event);
}

static void on_tick(uv_timer_t *t)
{
    P2Resolver *r = (P2Resolver *)((u8 *)t - offsetof(P2Resolver, timer));
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

P2Resolver *p2_resolver_new(void)
{
    WasiLoop *l = wasi_loop();
    if (!l)
        return NULL;
    P2Resolver *r = mem_alloc(sizeof *r);
    struct ares_options o = {.sock_state_cb = on_dns_socket, .sock_state_cb_data = r};
    if (ares_init_options(&r->channel, &o, ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS) {
        mem_free(r);
        return NULL;
    }
    uv_timer_init(wasi_loop_uv(l), &r->timer);
    return r;
}

static void on_resolver_closed(uv_handle_t *h)
{
    mem_free((u8 *)h - offsetof(P2Resolver, timer));
}

void p2_resolver_free(P2Resolver *r)
{
    if (!r)
        return;
    ares_destroy(r->channel); /* calls back for all that is pending */
    uv_close((uv_handle_t *)&r->timer, on_resolver_closed);
}

/* --- names --- */

/* Of letters, digits, - and _ in labels, the last one not a number, which some would take for an
 * address. Labels of a wrong length are names that nobody has. */
bool p2_resolver_takes(Str s)
{
    usize label = 0;
    if (s.n > 0 && s.p[s.n - 1] == '.')
        s.n--;
    if (s.n == 0 || s.n > NAME_BYTES)
        return false;
    for (usize i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c == '.')
            label = i + 1;
        else if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return label == s.n || s.p[label] < '0' || s.p[label] > '9';
}

u32 p2_resolver_pending(const P2Resolver *r)
{
    return r->pending;
}

/* ares_addrinfo_callback */
static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    P2Query *q = arg;
    P2Resolver *r = q->resolver;
    (void)timeouts;
    if (--r->pending == 0 && status != ARES_EDESTRUCTION)
        uv_timer_stop(&r->timer);
    if (q->done)
        q->done(q->arg, status, info);
    if (info)
        ares_freeaddrinfo(info);
    mem_free(q);
}

P2Query *p2_resolver_start(P2Resolver *r, Str name, P2ResolvedFn *done, void *arg)
{
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char *z = mem_strdup_n(name.p, name.n);
    P2Query *q = mem_alloc(sizeof *q);
    *q = (P2Query){.resolver = r, .done = done, .arg = arg};
    if (r->pending++ == 0)
        uv_timer_start(&r->timer, on_tick, TICK_MS, TICK_MS);
    ares_getaddrinfo(r->channel, z, NULL, &hints, on_addresses, q);
    mem_free(z);
    return q;
}

void p2_resolver_cancel(P2Query *q)
{
    q->done = NULL;
}

bool p2_resolver_ip(const struct ares_addrinfo_node *i, OsInetAddr *ret_addr)
{
    *ret_addr = (OsInetAddr){.v6 = i->ai_family == AF_INET6};
    if (ret_addr->v6)
        memcpy(ret_addr->ip, &((const struct sockaddr_in6 *)(const void *)i->ai_addr)->sin6_addr,
               16);
    else if (i->ai_family == AF_INET)
        memcpy(ret_addr->ip, &((const struct sockaddr_in *)(const void *)i->ai_addr)->sin_addr, 4);
    else
        return false;
    return true;
}
