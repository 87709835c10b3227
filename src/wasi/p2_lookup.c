/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * wasi:sockets/ip-name-lookup: c-ares on the event loop, with the hosts file and the name servers
 * that the system is configured with.
 */
#include "wasi/p2_sockets_priv.h"

#include "bind/wasi_sockets_ip_name_lookup.h"

#include <ares.h>
#include <arpa/inet.h>
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

typedef WasiSocketsIpNameLookupResolveAddressStream Lookup;
typedef WasiSocketsIpNameLookupResultOptionNetworkIpAddressNetworkErrorCode NextResult;

struct WasiSocketsIpNameLookupResolveAddressStream {
    P2Children pollables;
    P2Resolver *resolver;
    WasiWaker done;
    bool pending, dropped; /* dropped while pending: memory of the callback's */
    int status;            /* of c-ares */
    OsInetAddr *found;     /* own */
    u32 n, at;
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

static P2Resolver *resolver_of(WasiP2 *p)
{
    if (p->resolver)
        return p->resolver;
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
    p->resolver = r;
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
static bool is_name(Str s)
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

/* 127.0.0.1, ::1, [::1] */
static bool is_address(Str s, OsInetAddr *ret_addr)
{
    char text[INET6_ADDRSTRLEN];
    if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
        s = (Str){s.p + 1, s.n - 2};
    if (s.n == 0 || s.n >= sizeof text || memchr(s.p, 0, s.n))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    *ret_addr = (OsInetAddr){0};
    if (inet_pton(AF_INET, text, ret_addr->ip) == 1)
        return true;
    ret_addr->v6 = true;
    return inet_pton(AF_INET6, text, ret_addr->ip) == 1;
}

/* --- lookups --- */

static void free_lookup(Lookup *l, void *host)
{
    mem_free(l->found);
    if (host)
        p2_resource_free(host, l);
    else
        mem_free(l);
}

void wasi_sockets_ip_name_lookup_resolve_address_stream_drop(void *host, Lookup *rep)
{
    WasiP2 *p = host;
    if (p2_has_children(host, &rep->pollables,
                        &wasi_sockets_ip_name_lookup_resolve_address_stream_type, rep))
        return;
    if (!rep->pending) {
        free_lookup(rep, host);
        return;
    }
    rep->dropped = true; /* the callback frees it */
    p->resources--;
}

static void take_addresses(Lookup *l, const struct ares_addrinfo *info)
{
    u32 n = 0;
    for (const struct ares_addrinfo_node *i = info->nodes; i && n < WASI_LIMIT_LOOKUP_ADDRESSES;
         i = i->ai_next)
        n++;
    l->found = mem_alloc_array(n, sizeof *l->found);
    for (const struct ares_addrinfo_node *i = info->nodes; i && l->n < n; i = i->ai_next) {
        OsInetAddr a = {.v6 = i->ai_family == AF_INET6};
        if (a.v6)
            memcpy(a.ip, &((const struct sockaddr_in6 *)(const void *)i->ai_addr)->sin6_addr, 16);
        else if (i->ai_family == AF_INET)
            memcpy(a.ip, &((const struct sockaddr_in *)(const void *)i->ai_addr)->sin_addr, 4);
        else
            continue;
        l->found[l->n++] = a;
    }
}

/* ares_addrinfo_callback */
static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    Lookup *l = arg;
    (void)timeouts;
    l->pending = false;
    l->status = status;
    if (--l->resolver->pending == 0 && status != ARES_EDESTRUCTION)
        uv_timer_stop(&l->resolver->timer);
    if (status == ARES_SUCCESS && !l->dropped)
        take_addresses(l, info);
    if (info)
        ares_freeaddrinfo(info);
    if (l->dropped)
        free_lookup(l, NULL);
    else
        wasi_waker_set(&l->done);
}

static SockCode code_of_status(int status)
{
    switch (status) {
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
        return SOCK_CODE(NAME_UNRESOLVABLE);
    case ARES_ETIMEOUT:
    case ARES_ESERVFAIL:
    case ARES_ECONNREFUSED:
        return SOCK_CODE(TEMPORARY_RESOLVER_FAILURE);
    case ARES_ENOMEM:
        return SOCK_CODE(OUT_OF_MEMORY);
    default:
        return SOCK_CODE(PERMANENT_RESOLVER_FAILURE);
    }
}

static void start(Lookup *l, P2Resolver *r, Str name)
{
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char *z = mem_strdup_n(name.p, name.n);
    l->resolver = r;
    l->pending = true;
    if (r->pending++ == 0)
        uv_timer_start(&r->timer, on_tick, TICK_MS, TICK_MS);
    ares_getaddrinfo(r->channel, z, NULL, &hints, on_addresses, l);
    mem_free(z);
}

void wasi_sockets_ip_name_lookup_resolve_addresses(
    LiftCall *call, WasiSocketsNetworkNetwork *network, Str name,
    WasiSocketsIpNameLookupResultResolveAddressStreamNetworkErrorCode *ret_result)
{
    (void)network;
    WasiP2 *p = p2_of(call);
    OsInetAddr literal;
    P2Resolver *r = NULL;
    ret_result->is_err = false;
    if (!p->ctx->network.names) {
        SOCK_FAIL(ret_result, SOCK_CODE(PERMANENT_RESOLVER_FAILURE));
        return;
    }
    bool address = is_address(name, &literal);
    if (!address && !is_name(name)) {
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_ARGUMENT));
        return;
    }
    if (!address && (!(r = resolver_of(p)) || r->pending >= WASI_LIMIT_LOOKUPS)) {
        SOCK_FAIL(ret_result, SOCK_CODE(TEMPORARY_RESOLVER_FAILURE));
        return;
    }
    Lookup *l = p2_resource_new(call, sizeof *l);
    ret_result->as.ok = l;
    if (!address) {
        start(l, r, name);
        return;
    }
    l->found = mem_dup(&literal, sizeof literal);
    l->n = 1;
    wasi_waker_set(&l->done);
}

void wasi_sockets_ip_name_lookup_resolve_address_stream_resolve_next_address(LiftCall *call,
                                                                             Lookup *self,
                                                                             NextResult *ret_result)
{
    (void)call;
    *ret_result = (NextResult){0};
    if (self->pending) {
        WasiWait w = wasi_wait_waker(&self->done); /* the loop gets a turn */
        if (!p2_wait(call, &w, 1, 0))
            return;
    }
    if (self->pending)
        SOCK_FAIL(ret_result, SOCK_CODE(WOULD_BLOCK));
    else if (self->status != ARES_SUCCESS)
        SOCK_FAIL(ret_result, code_of_status(self->status));
    else if (self->at < self->n) {
        ret_result->as.ok.some = true;
        sock_ip_to_guest(&self->found[self->at++], &ret_result->as.ok.value);
    }
}

static void lookup_wants(const void *of, WasiWait *ret_wait)
{
    *ret_wait = wasi_wait_waker((WasiWaker *)(uintptr_t) & ((const Lookup *)of)->done);
}

void wasi_sockets_ip_name_lookup_resolve_address_stream_subscribe(LiftCall *call, Lookup *self,
                                                                  WasiIoPollPollable **ret_result)
{
    *ret_result = p2_pollable_of(call, lookup_wants, self, &self->pollables);
}
