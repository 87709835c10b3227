/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WASI 0.2: which interfaces there are. */
#include "bind/wasi_cli_environment.h"
#include "bind/wasi_cli_exit.h"
#include "bind/wasi_cli_stderr.h"
#include "bind/wasi_cli_stdin.h"
#include "bind/wasi_cli_stdout.h"
#include "bind/wasi_cli_terminal_stderr.h"
#include "bind/wasi_cli_terminal_stdin.h"
#include "bind/wasi_cli_terminal_stdout.h"
#include "bind/wasi_clocks_monotonic_clock.h"
#include "bind/wasi_clocks_wall_clock.h"
#include "bind/wasi_config_store.h"
#include "bind/wasi_filesystem_preopens.h"
#include "bind/wasi_filesystem_types.h"
#include "bind/wasi_http_outgoing_handler.h"
#include "bind/wasi_keyvalue_atomics.h"
#include "bind/wasi_keyvalue_batch.h"
#include "bind/wasi_keyvalue_store.h"
#include "bind/wasi_random_insecure.h"
#include "bind/wasi_random_insecure_seed.h"
#include "bind/wasi_random_random.h"
#include "bind/wasi_sockets_instance_network.h"
#include "bind/wasi_sockets_ip_name_lookup.h"
#include "bind/wasi_sockets_network.h"
#include "bind/wasi_sockets_tcp.h"
#include "bind/wasi_sockets_tcp_create_socket.h"
#include "bind/wasi_sockets_udp.h"
#include "bind/wasi_sockets_udp_create_socket.h"
#include "wasi/http/http_priv.h"

static const LiftInterface *const interfaces[] = {
    &wasi_io_error_interface,
    &wasi_io_poll_interface,
    &wasi_io_streams_interface,
    &wasi_cli_environment_interface,
    &wasi_cli_exit_interface,
    &wasi_cli_stdin_interface,
    &wasi_cli_stdout_interface,
    &wasi_cli_stderr_interface,
    &wasi_cli_terminal_input_interface,
    &wasi_cli_terminal_output_interface,
    &wasi_cli_terminal_stdin_interface,
    &wasi_cli_terminal_stdout_interface,
    &wasi_cli_terminal_stderr_interface,
    &wasi_clocks_wall_clock_interface,
    &wasi_clocks_monotonic_clock_interface,
    &wasi_filesystem_types_interface,
    &wasi_filesystem_preopens_interface,
    &wasi_sockets_network_interface,
    &wasi_sockets_instance_network_interface,
    &wasi_sockets_tcp_interface,
    &wasi_sockets_tcp_create_socket_interface,
    &wasi_sockets_udp_interface,
    &wasi_sockets_udp_create_socket_interface,
    &wasi_sockets_ip_name_lookup_interface,
    &wasi_random_random_interface,
    &wasi_random_insecure_interface,
    &wasi_random_insecure_seed_interface,
};

void p2_fail(LiftCall *c, Error *e)
{
    c->failed = true;
    host_fail(p2_of(c)->store, e);
}

/* --- memory of requests --- */

/*
 * Blocks of a few sizes are kept when they are freed, so that a warm request asks the heap for
 * nothing. A block is zeroed when it is taken. Sanitizers see each block come and go.
 */
typedef struct Block {
    union {
        struct Block *next; /* spare */
        usize step;         /* in use: its size in steps; BLOCK_STEPS: larger ones, not kept */
    };
    _Alignas(16) u8 bytes[];
} Block;

#if defined __SANITIZE_ADDRESS__
enum { BLOCKS_KEPT = 0 };
#else
enum { BLOCKS_KEPT = 16 };
#endif
enum { BLOCK_STEP = 64 };

void *p2_block_new(WasiP2 *p, usize size)
{
    usize step = (size - 1) / BLOCK_STEP;
    if (step >= P2_BLOCK_STEPS) {
        Block *b = mem_alloc(sizeof *b + size);
        b->step = P2_BLOCK_STEPS;
        return b->bytes;
    }
    P2Blocks *s = &p->blocks[step];
    Block *b = s->first;
    if (b) {
        s->first = b->next;
        s->n--;
        memset(b->bytes, 0, (step + 1) * BLOCK_STEP);
    } else {
        b = mem_alloc(sizeof *b + (step + 1) * BLOCK_STEP);
    }
    b->step = step;
    return b->bytes;
}

void p2_block_free(WasiP2 *p, void *bytes)
{
    Block *b = (Block *)((u8 *)bytes - offsetof(Block, bytes));
    usize step = b->step;
    if (step >= P2_BLOCK_STEPS || p->blocks[step].n >= BLOCKS_KEPT) {
        mem_free(b);
        return;
    }
    b->next = p->blocks[step].first;
    p->blocks[step].first = b;
    p->blocks[step].n++;
}

static void free_blocks(WasiP2 *p)
{
    for (u32 i = 0; i < P2_BLOCK_STEPS; i++) {
        for (Block *b = p->blocks[i].first; b;) {
            Block *next = b->next;
            mem_free(b);
            b = next;
        }
    }
}

void *p2_resource_new(LiftCall *c, usize size)
{
    WasiP2 *p = p2_of(c);
    if (++p->resources > p->ctx->max_resources)
        lift_fail(c, "resource table has no free keys");
    return p2_block_new(p, size);
}

void p2_resource_free(void *host, void *rep)
{
    WasiP2 *p = host;
    p->resources--;
    p2_block_free(p, rep);
}

bool p2_has_children(void *host, P2Children *c, const LiftResource *type, void *rep)
{
    const WasiP2 *p = host;
    if (c->n == 0)
        return false;
    c->type = type;
    c->rep = rep;
    if (p->store)
        host_fail(p->store, error_new("resource has children"));
    return true;
}

void p2_child_gone(void *host, P2Children *c)
{
    if (c && --c->n == 0 && c->type)
        c->type->drop(host, c->rep);
}

bool p2_stopped(LiftCall *c)
{
    if (!__atomic_load_n(&store_vm(p2_of(c)->store)->pending, __ATOMIC_ACQUIRE))
        return false;
    c->failed = true; /* what is pending ends the guest */
    return true;
}

MUST_CHECK static Error *define_all(WasiP2 *p, ComponentLinker *l, const LiftInterface *const *of,
                                    usize n)
{
    Error *e = NULL;
    for (usize k = 0; k < n && !e; k++) {
        LiftInterface i = *of[k];
        /* Its only function is unstable, and has to be asked for. */
        if (of[k] == &wasi_sockets_network_interface && !p->ctx->network.error_code)
            i.nfuncs = 0;
        e = component_linker_interface(l, &i, p);
    }
    return e;
}

WasiP2 *wasi_p2_new(WasiCtx *c, Store *s)
{
    WasiP2 *p = mem_alloc(sizeof *p);
    *p = (WasiP2){.ctx = c, .store = s};
    return p;
}

WasiP2 *wasi_p2_new_like(const WasiP2 *linked, WasiCtx *c, Store *s)
{
    WasiP2 *p = wasi_p2_new(c, s);
    p->config = linked->config;
    p->keyvalue = linked->keyvalue;
    if (linked->http)
        p->http = p2_http_new_like(p, linked->http);
    return p;
}

void wasi_p2_free(WasiP2 *p)
{
    if (!p)
        return;
    p2_http_free(p->http);
    free_blocks(p);
    p2_resolver_free(p->resolver);
    for (u32 i = 0; i < ARRAY_LEN(p->own); i++)
        p2_pairs_free(p->own[i]);
    mem_free(p);
}

void wasi_p2_detach(WasiP2 *p)
{
    if (p)
        p->store = NULL;
}

void wasi_p2_reset(WasiP2 *p)
{
    wasi_ctx_reset(p->ctx);
    p2_http_reset(p->http);
}

Error *wasi_p2_link(ComponentLinker *l, WasiP2 *p)
{
    return define_all(p, l, interfaces, ARRAY_LEN(interfaces));
}

Error *wasi_p2_link_config(ComponentLinker *l, WasiP2 *p, const Str *pairs, u32 n)
{
    static const LiftInterface *const config[] = {&wasi_config_store_interface};
    Error *e = p2_pairs_new(pairs, n, &p->own[0]);
    p->config = p->own[0];
    return e ? e : define_all(p, l, config, ARRAY_LEN(config));
}

Error *wasi_p2_link_keyvalue(ComponentLinker *l, WasiP2 *p, const Str *pairs, u32 n)
{
    static const LiftInterface *const keyvalue[] = {
        &wasi_keyvalue_store_interface,
        &wasi_keyvalue_atomics_interface,
        &wasi_keyvalue_batch_interface,
    };
    Error *e = p2_pairs_new(pairs, n, &p->own[1]);
    p->keyvalue = p->own[1];
    return e ? e : define_all(p, l, keyvalue, ARRAY_LEN(keyvalue));
}

/* What the world wasi:http/proxy imports, and what wasi:http uses. */
static const LiftInterface *const proxy[] = {
    &wasi_io_error_interface,          &wasi_io_poll_interface,
    &wasi_io_streams_interface,        &wasi_cli_stdin_interface,
    &wasi_cli_stdout_interface,        &wasi_cli_stderr_interface,
    &wasi_clocks_wall_clock_interface, &wasi_clocks_monotonic_clock_interface,
    &wasi_random_random_interface,
};
enum { PROXY_IO = 3 };

Error *wasi_p2_link_proxy(ComponentLinker *l, WasiP2 *p)
{
    return define_all(p, l, proxy, ARRAY_LEN(proxy));
}

Error *wasi_p2_link_http(ComponentLinker *l, WasiP2 *p, const WasiHttpOptions *o)
{
    static const LiftInterface *const http[] = {&wasi_http_types_interface,
                                                &wasi_http_outgoing_handler_interface};
    Error *e = NULL;
    p->http = p2_http_new(p, l, o);
    if (!component_linker_type(l, &wasi_io_streams_input_stream_type))
        e = define_all(p, l, proxy, PROXY_IO);
    return e ? e : define_all(p, l, http, ARRAY_LEN(http));
}
