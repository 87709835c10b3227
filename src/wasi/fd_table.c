/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Descriptors of preview 1: 0 to 2 the standard streams, then the preopens in the order they were
 * given, then what the guest opens.
 */
#include "wasi/ctx_priv.h"

#include <errno.h>

static void heap_push(WasiFdTable *t, u32 fd)
{
    vec_push(&t->free, fd);
    u32 *h = t->free.p;
    for (u32 i = t->free.n - 1; i > 0 && h[i] < h[(i - 1) / 2]; i = (i - 1) / 2) {
        u32 up = h[(i - 1) / 2];
        h[(i - 1) / 2] = h[i];
        h[i] = up;
    }
}

static u32 heap_pop(WasiFdTable *t)
{
    u32 *h = t->free.p;
    u32 top = h[0], n = --t->free.n;
    u32 last = h[n], i = 0;
    while (2 * i + 1 < n) {
        u32 child = 2 * i + 1;
        if (child + 1 < n && h[child + 1] < h[child])
            child++;
        if (h[child] >= last)
            break;
        h[i] = h[child];
        i = child;
    }
    h[i] = last;
    return top;
}

static void table_push(WasiFdTable *t, const WasiFd *d, u32 *ret_fd)
{
    u32 fd;
    if (t->free.n > 0) {
        fd = heap_pop(t);
        t->fds.p[fd] = *d;
    } else {
        fd = t->fds.n;
        vec_push(&t->fds, *d);
    }
    t->open++;
    *ret_fd = fd;
}

WasiFdTable *wasi_ctx_fds(WasiCtx *c)
{
    WasiFdTable *t = &c->fds;
    if (c->fds_ready)
        return t;
    c->fds_ready = true;
    u32 fd;
    for (u32 i = 0; i < ARRAY_LEN(c->stdio); i++) {
        WasiFd d = {
            .kind = i == WASI_STDIN ? WASI_FD_STDIN : WASI_FD_STDOUT,
            .tty = c->stdio[i] >= 0 && os_is_tty(c->stdio[i]),
            .node = {.fd = c->stdio[i], .borrowed = true},
        };
        table_push(t, &d, &fd);
    }
    for (u32 i = 0; i < c->preopens.n; i++) {
        WasiFd d = {
            .kind = WASI_FD_DIR,
            .node = c->preopens.p[i].node,
            .preopen = c->preopens.p[i].name,
        };
        d.node.borrowed = true;
        table_push(t, &d, &fd);
    }
    return t;
}

WasiFd *wasi_fd_get(WasiCtx *c, u32 fd)
{
    WasiFdTable *t = wasi_ctx_fds(c);
    if (fd >= t->fds.n || t->fds.p[fd].kind == WASI_FD_CLOSED)
        return NULL;
    return &t->fds.p[fd];
}

bool wasi_fd_push(WasiCtx *c, const WasiFd *d, u32 *ret_fd)
{
    WasiFdTable *t = wasi_ctx_fds(c);
    if (t->open >= c->max_resources)
        return false;
    table_push(t, d, ret_fd);
    return true;
}

void wasi_fd_unlist(WasiCtx *c, WasiFd *d)
{
    if (d->listing)
        c->listing_bytes -= fs_listing_bytes(d->listing);
    fs_listing_free(d->listing);
    d->listing = NULL;
}

int wasi_fd_list(WasiCtx *c, WasiFd *d)
{
    wasi_fd_unlist(c, d);
    int err = fs_list(&d->node, WASI_LIMIT_DIRECTORY_BYTES - c->listing_bytes, &d->listing);
    if (err)
        return err;
    c->listing_bytes += fs_listing_bytes(d->listing);
    if (fs_listing_is_utf8(d->listing))
        return 0;
    wasi_fd_unlist(c, d);
    return EILSEQ;
}

void wasi_fd_close(WasiCtx *c, u32 fd)
{
    WasiFd *d = &c->fds.fds.p[fd];
    fs_node_release(&d->node);
    wasi_fd_unlist(c, d);
    *d = (WasiFd){.kind = WASI_FD_CLOSED};
    c->fds.open--;
    heap_push(&c->fds, fd);
}

void wasi_fd_renumber(WasiCtx *c, u32 from, u32 to)
{
    WasiFd *fds = c->fds.fds.p;
    fs_node_release(&fds[to].node);
    wasi_fd_unlist(c, &fds[to]);
    fds[to] = fds[from];
    fds[from] = (WasiFd){.kind = WASI_FD_CLOSED};
    c->fds.open--;
    heap_push(&c->fds, from);
}
