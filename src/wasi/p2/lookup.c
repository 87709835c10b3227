/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:sockets/ip-name-lookup: names to addresses, one after the other. */
#include "wasi/p2/resolver_priv.h"
#include "wasi/p2/sockets_priv.h"

#include "bind/wasi_sockets_ip_name_lookup.h"

#include <arpa/inet.h>
#include <string.h>

typedef WasiSocketsIpNameLookupResolveAddressStream Lookup;
typedef WasiSocketsIpNameLookupResultOptionNetworkIpAddressNetworkErrorCode NextResult;

struct WasiSocketsIpNameLookupResolveAddressStream {
    P2Children pollables;
    WasiWaker done;
    P2Query *query;    /* NULL: it has its answer */
    int status;        /* of c-ares */
    OsInetAddr *found; /* own */
    u32 n, at;
};

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

static P2Resolver *resolver_of(WasiP2 *p)
{
    if (!p->resolver)
        p->resolver = p2_resolver_new();
    return p->resolver;
}

void wasi_sockets_ip_name_lookup_resolve_address_stream_drop(void *host, Lookup *rep)
{
    if (p2_has_children(host, &rep->pollables,
                        &wasi_sockets_ip_name_lookup_resolve_address_stream_type, rep))
        return;
    if (rep->query)
        p2_resolver_cancel(rep->query);
    mem_free(rep->found);
    p2_resource_free(host, rep);
}

static void take_addresses(Lookup *l, const struct ares_addrinfo *info)
{
    u32 n = 0;
    for (const struct ares_addrinfo_node *i = info->nodes; i && n < WASI_LIMIT_LOOKUP_ADDRESSES;
         i = i->ai_next)
        n++;
    l->found = mem_alloc_array(n, sizeof *l->found);
    for (const struct ares_addrinfo_node *i = info->nodes; i && l->n < n; i = i->ai_next)
        l->n += p2_resolver_ip(i, &l->found[l->n]);
}

/* P2ResolvedFn */
static void on_resolved(void *arg, int status, const struct ares_addrinfo *info)
{
    Lookup *l = arg;
    l->query = NULL;
    l->status = status;
    if (status == ARES_SUCCESS)
        take_addresses(l, info);
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
    if (!address && !p2_resolver_takes(name)) {
        SOCK_FAIL(ret_result, SOCK_CODE(INVALID_ARGUMENT));
        return;
    }
    if (!address && (!(r = resolver_of(p)) || p2_resolver_pending(r) >= WASI_LIMIT_LOOKUPS)) {
        SOCK_FAIL(ret_result, SOCK_CODE(TEMPORARY_RESOLVER_FAILURE));
        return;
    }
    Lookup *l = p2_resource_new(call, sizeof *l);
    ret_result->as.ok = l;
    if (!address) {
        P2Query *q = p2_resolver_start(r, name, on_resolved, l);
        if (!l->done.ready)
            l->query = q;
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
    if (self->query) {
        WasiWait w = wasi_wait_waker(&self->done); /* the loop gets a turn */
        if (!p2_wait(call, &w, 1, 0))
            return;
    }
    if (self->query)
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
