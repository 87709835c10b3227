/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Connections of the client: resolving, connecting (one address after the other), the TLS
 * handshake, sending and receiving, and the pool of idle ones. What arrives at an idle one, or its
 * end, closes it.
 */
#include "http/client_priv.h"
#include "os/fs.h"

#include <errno.h>
#include <stdio.h>

static void on_ready(uv_poll_t *poll, int status, int events);

static u64 now_of(const HttpLink *k)
{
    return http_loop_now(k->client->loop);
}

/* ---- end ---- */

static void maybe_free(HttpClient *c)
{
    if (!c->freed || c->closing > 0)
        return;
    http_tls_context_free(c->tls);
    mem_free(c);
}

static void free_link(HttpLink *k)
{
    HttpClient *c = k->client;
    mem_free((void *)(usize)k->key.p);
    mem_free(k);
    c->closing--;
    maybe_free(c);
}

static void on_poll_closed(uv_handle_t *h)
{
    free_link(h->data);
}

static void release_input(HttpLink *k)
{
    if (!k->b)
        return;
    if (k->in != k->b->in)
        mem_free(k->in);
    http_block_put(k->client->loop, k->b);
    k->b = NULL;
    k->in = NULL;
    k->in_n = k->in_at = k->in_cap = 0;
}

static void drop_socket(HttpLink *k)
{
    if (k->fd < 0)
        return;
    if (k->has_poll)
        uv_poll_stop(&k->poll);
    os_fd_close(k->fd);
    k->fd = -1;
    k->polled = 0;
}

void http_link_close(HttpLink *k)
{
    HttpClient *c = k->client;
    if (k->state == LINK_CLOSED)
        return;
    if (k->state == LINK_RESOLVING && k->resolving)
        c->o.resolver.cancel(c->o.resolver.ctx, k->resolving);
    c->n_idle -= k->state == LINK_IDLE;
    k->state = LINK_CLOSED;
    k->x = NULL;
    http_timer_remove(c->loop, &k->timer);
    http_tls_free(k->tls);
    k->tls = NULL;
    buf_release(&k->out);
    release_input(k);
    k->prev->next = k->next;
    k->next->prev = k->prev;
    if (c->links == k)
        c->links = k->next == k ? NULL : k->next;
    c->n_links--;
    c->closing++;
    drop_socket(k);
    if (k->has_poll)
        uv_close((uv_handle_t *)&k->poll, on_poll_closed);
    else
        free_link(k);
}

/* Tells the exchange, or closes a link without one. */
static void link_failed(HttpLink *k, HttpFailure f)
{
    if (k->x)
        http_exchange_fail(k->x, f);
    else
        http_link_close(k);
}

/* ---- sending ---- */

static bool tls_failure(HttpLink *k, HttpTlsStep step, HttpFailure *ret_failure)
{
    *ret_failure =
        (HttpFailure){.error = step == HTTP_TLS_CERTIFICATE ? HTTP_ERROR_TLS_CERTIFICATE_ERROR
                               : step == HTTP_TLS_ALERT     ? HTTP_ERROR_TLS_ALERT_RECEIVED
                               : step == HTTP_TLS_CLOSED    ? HTTP_ERROR_CONNECTION_TERMINATED
                                                            : HTTP_ERROR_TLS_PROTOCOL_ERROR,
                      .alert = http_tls_alert(k->tls),
                      .detail = "TLS"};
    return false;
}

static bool terminated(HttpFailure *ret_failure, int e)
{
    *ret_failure = (HttpFailure){.error = e == ETIMEDOUT ? HTTP_ERROR_CONNECTION_TIMEOUT
                                                         : HTTP_ERROR_CONNECTION_TERMINATED,
                                 .detail = strerror(e)};
    return false;
}

static usize unsent(const HttpLink *k)
{
    return k->out.n - k->out_at;
}

static void dropped(HttpLink *k, usize n)
{
    k->out_at += n;
    if (k->out_at == k->out.n)
        k->out.n = k->out_at = 0;
}

/* Sends the bytes; none if the socket is full. */
static bool send_bytes(HttpLink *k, Str s, usize *ret_sent, HttpFailure *ret_failure)
{
    int e = os_send(k->fd, s, (Str){0}, ret_sent);
    if (e == EAGAIN)
        return true;
    if (e)
        return terminated(ret_failure, e);
    http_patience_progress(&k->write_patience, now_of(k), *ret_sent);
    return true;
}

static bool send_wire(HttpLink *k, bool *ret_empty, HttpFailure *ret_failure)
{
    for (;;) {
        usize sent = 0;
        Str wire = http_tls_wire(k->tls);
        *ret_empty = wire.n == 0;
        if (wire.n == 0)
            return true;
        if (!send_bytes(k, wire, &sent, ret_failure))
            return false;
        if (sent == 0)
            return true;
        http_tls_sent(k->tls, sent);
    }
}

/* Encrypts only when the wire is free, so what is queued is held once. */
static bool flush_tls(HttpLink *k, HttpFailure *ret_failure)
{
    for (;;) {
        bool empty;
        usize n;
        if (!send_wire(k, &empty, ret_failure))
            return false;
        if (!empty || unsent(k) == 0 || k->state < LINK_OPEN)
            return true;
        HttpTlsStep step = http_tls_write(k->tls, k->out.p + k->out_at, unsent(k), &n);
        if (step == HTTP_TLS_WANT)
            return true;
        if (step != HTTP_TLS_OK)
            return tls_failure(k, step, ret_failure);
        dropped(k, n);
    }
}

bool http_link_flush(HttpLink *k, HttpFailure *ret_failure)
{
    if (k->fd < 0 || k->state < LINK_HANDSHAKE)
        return true;
    if (k->tls)
        return flush_tls(k, ret_failure);
    while (unsent(k) > 0) {
        usize sent = 0;
        if (!send_bytes(k, (Str){(char *)k->out.p + k->out_at, unsent(k)}, &sent, ret_failure))
            return false;
        if (sent == 0)
            return true;
        dropped(k, sent);
    }
    return true;
}

/* ---- receiving ---- */

static bool in_room(HttpLink *k)
{
    const HttpExchange *x = k->x;
    if (!k->b) {
        k->b = http_block_get(k->client->loop);
        k->in = k->b->in;
        k->in_cap = HTTP_IN_SIZE;
        http_head_start(&k->b->head);
    }
    if (x && x->has_head && x->pending.n == 0 && !x->body.ended &&
        (k->in_at == k->in_n || k->in_n == k->in_cap)) {
        u32 n = k->in_n - k->in_at, base = k->b->head.size;
        memmove(k->in + base, k->in + k->in_at, n);
        k->in_at = base;
        k->in_n = base + n;
    }
    return k->in_n < k->in_cap;
}

static bool receive_tls(HttpLink *k, HttpFailure *ret_failure)
{
    u8 raw[16384];
    while (in_room(k)) {
        usize n;
        HttpTlsStep step = http_tls_read(k->tls, k->in + k->in_n, k->in_cap - k->in_n, &n);
        k->in_n += (u32)n;
        if (step == HTTP_TLS_OK)
            continue;
        if (step == HTTP_TLS_CLOSED) {
            k->eof = k->tls_ended = true;
            return true;
        }
        if (step != HTTP_TLS_WANT)
            return tls_failure(k, step, ret_failure);
        int e = os_recv(k->fd, raw, sizeof raw, &n);
        if (e == EAGAIN)
            return true;
        if (e)
            return terminated(ret_failure, e);
        if (n == 0) {
            k->eof = true;
            return true;
        }
        http_tls_feed(k->tls, raw, n);
    }
    return true;
}

bool http_link_receive(HttpLink *k, HttpFailure *ret_failure)
{
    usize n;
    if (k->eof)
        return true;
    if (k->tls)
        return receive_tls(k, ret_failure);
    if (!in_room(k))
        return true;
    int e = os_recv(k->fd, k->in + k->in_n, k->in_cap - k->in_n, &n);
    if (e == EAGAIN)
        return true;
    if (e)
        return terminated(ret_failure, e);
    k->in_n += (u32)n;
    k->eof = n == 0;
    return true;
}

/* ---- connecting ---- */

static HttpError connect_error(int e)
{
    switch (e) {
    case ECONNREFUSED:
        return HTTP_ERROR_CONNECTION_REFUSED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
        return HTTP_ERROR_DESTINATION_IP_UNROUTABLE;
    case ETIMEDOUT:
        return HTTP_ERROR_CONNECTION_TIMEOUT;
    case EACCES:
    case EPERM:
        return HTTP_ERROR_DESTINATION_IP_PROHIBITED;
    case EMFILE:
    case ENFILE:
        return HTTP_ERROR_CONNECTION_LIMIT_REACHED;
    case ECONNRESET:
        return HTTP_ERROR_CONNECTION_TERMINATED;
    default:
        return HTTP_ERROR_DESTINATION_UNAVAILABLE;
    }
}

static bool permitted(const HttpClient *c, const OsAddress *a)
{
    return !c->o.permit || c->o.permit(c->o.permit_ctx, a);
}

/* A poll handle is of one descriptor, so the next attempt's socket takes the number of the last. */
static bool take_socket(HttpLink *k, int fd)
{
    if (k->has_poll) {
        uv_poll_stop(&k->poll);
        k->polled = 0;
        return os_socket_move(fd, k->fd) == 0;
    }
    k->fd = fd;
    if (uv_poll_init(http_loop_uv(k->client->loop), &k->poll, fd) != 0)
        return false;
    k->has_poll = true;
    k->poll.data = k;
    return true;
}

/* The next address that can be tried; the last failure if there is none. */
static void connect_next(HttpLink *k, HttpError why)
{
    HttpFailure f = {.error = why, .detail = "connect"};
    k->state = LINK_CONNECTING;
    while (k->next_address < k->n_addresses) {
        const OsAddress *a = &k->addresses[k->next_address++];
        int fd = -1, e;
        if (!permitted(k->client, a)) {
            f.error = HTTP_ERROR_DESTINATION_IP_PROHIBITED;
            continue;
        }
        e = os_connect(a, &fd);
        if (e && e != EINPROGRESS) {
            f.error = connect_error(e);
            continue;
        }
        os_socket_no_delay(fd);
        if (!take_socket(k, fd)) {
            f.error = HTTP_ERROR_INTERNAL_ERROR;
            break;
        }
        http_link_settle(k);
        return;
    }
    link_failed(k, f);
}

static void on_resolved(void *arg, HttpError e, const OsAddress *addresses, u32 n)
{
    HttpLink *k = arg;
    k->resolving = NULL;
    k->n_addresses = e ? 0 : MIN(n, LINK_ADDRESSES);
    for (u32 i = 0; i < k->n_addresses; i++)
        k->addresses[i] = addresses[i];
    connect_next(k, e ? e : HTTP_ERROR_DESTINATION_NOT_FOUND);
}

static void opened(HttpLink *k)
{
    k->state = LINK_OPEN;
    http_patience_progress(&k->write_patience, now_of(k), 0);
    http_exchange_advance(k->x);
}

static void handshake(HttpLink *k)
{
    HttpFailure f;
    HttpTlsStep step = http_tls_handshake(k->tls);
    while (step == HTTP_TLS_WANT) {
        u8 raw[16384];
        usize n;
        if (!http_link_flush(k, &f)) {
            link_failed(k, f);
            return;
        }
        int e = os_recv(k->fd, raw, sizeof raw, &n);
        if (e == EAGAIN) {
            http_link_settle(k);
            return;
        }
        if (e || n == 0) {
            terminated(&f, e ? e : ECONNRESET);
            link_failed(k, f);
            return;
        }
        http_tls_feed(k->tls, raw, n);
        step = http_tls_handshake(k->tls);
    }
    if (step != HTTP_TLS_OK) {
        HttpFailure ignored;
        tls_failure(k, step, &f);
        f.detail = http_tls_reason(k->tls);
        (void)http_link_flush(k, &ignored); /* our alert */
        link_failed(k, f);
        return;
    }
    opened(k);
}

static void connected(HttpLink *k)
{
    int e = os_socket_error(k->fd);
    if (e) {
        connect_next(k, connect_error(e));
        return;
    }
    if (!k->tls_wanted) {
        opened(k);
        return;
    }
    HttpClient *c = k->client;
    if (!c->tls)
        c->tls = http_tls_context_new(c->o.roots);
    k->tls = c->tls ? http_tls_new(c->tls, k->host) : NULL;
    if (!k->tls) {
        link_failed(k, (HttpFailure){.error = HTTP_ERROR_CONFIGURATION_ERROR, .detail = "TLS"});
        return;
    }
    k->state = LINK_HANDSHAKE;
    handshake(k);
}

/* ---- events ---- */

/* Nothing may come while no request is there; TLS has messages of its own. */
static bool still_idle(HttpLink *k)
{
    HttpFailure ignored;
    bool alive = http_link_receive(k, &ignored) && !k->eof && k->in_n == 0;
    release_input(k);
    return alive;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    HttpLink *k = poll->data;
    (void)events;
    if (status < 0)
        k->polled = 0; /* libuv has stopped; the next call of the socket tells what it was */
    switch (k->state) {
    case LINK_CONNECTING:
        connected(k);
        break;
    case LINK_HANDSHAKE:
        handshake(k);
        break;
    case LINK_OPEN:
        http_exchange_advance(k->x);
        break;
    case LINK_IDLE:
        if (!still_idle(k))
            http_link_close(k);
        break;
    case LINK_RESOLVING:
    case LINK_CLOSED:
        break;
    }
}

static void on_timer(HttpTimer *t)
{
    HttpLink *k = (HttpLink *)((u8 *)t - offsetof(HttpLink, timer));
    HttpFailure f = {.detail = "timeout"};
    u64 now = now_of(k);
    bool writing = k->state == LINK_OPEN && k->write_patience.since &&
                   http_patience_deadline(&k->write_patience) <= now;
    switch (k->state) {
    case LINK_RESOLVING:
        f.error = HTTP_ERROR_DNS_TIMEOUT;
        break;
    case LINK_CONNECTING:
    case LINK_HANDSHAKE:
        f.error = HTTP_ERROR_CONNECTION_TIMEOUT;
        break;
    case LINK_OPEN:
        f.error =
            writing ? HTTP_ERROR_CONNECTION_WRITE_TIMEOUT : HTTP_ERROR_CONNECTION_READ_TIMEOUT;
        break;
    case LINK_IDLE:
    case LINK_CLOSED:
        http_link_close(k);
        return;
    }
    link_failed(k, f);
}

static bool is_sending(const HttpLink *k)
{
    return !k->broken && (unsent(k) || (k->tls && http_tls_wire(k->tls).n));
}

static u64 deadline_of(HttpLink *k)
{
    u64 at;
    switch (k->state) {
    case LINK_RESOLVING:
    case LINK_CONNECTING:
    case LINK_HANDSHAKE:
        return k->deadline_connect;
    case LINK_IDLE:
        return k->idle_since + k->client->o.idle_ms;
    case LINK_OPEN:
        at = http_exchange_deadline(k->x);
        if (is_sending(k)) {
            http_patience_wait(&k->write_patience, now_of(k));
            u64 write = http_patience_deadline(&k->write_patience);
            at = at ? MIN(at, write) : write;
        }
        return at;
    case LINK_CLOSED:
        break;
    }
    return 0;
}

static int events_of(HttpLink *k)
{
    bool sending = is_sending(k);
    switch (k->state) {
    case LINK_CONNECTING:
        return UV_WRITABLE;
    case LINK_HANDSHAKE:
        return UV_READABLE | (http_tls_wire(k->tls).n ? UV_WRITABLE : 0);
    case LINK_OPEN:
        return (sending ? UV_WRITABLE : 0) | (!k->eof && in_room(k) ? UV_READABLE : 0);
    case LINK_IDLE:
        return UV_READABLE;
    case LINK_RESOLVING:
    case LINK_CLOSED:
        break;
    }
    return 0;
}

void http_link_settle(HttpLink *k)
{
    if (k->state == LINK_CLOSED)
        return;
    int events = k->has_poll ? events_of(k) : 0;
    if (events != k->polled) {
        k->polled = events;
        if (events)
            uv_poll_start(&k->poll, events, on_ready);
        else
            uv_poll_stop(&k->poll);
    }
    u64 at = deadline_of(k);
    if (at)
        http_timer_at(k->client->loop, &k->timer, at);
    else
        http_timer_stop(&k->timer);
}

/* ---- the pool ---- */

static void to_front(HttpClient *c, HttpLink *k)
{
    k->next = k->prev = k;
    if (c->links) {
        k->next = c->links;
        k->prev = c->links->prev;
        k->prev->next = k->next->prev = k;
    }
    c->links = k;
}

/* The idle link that was used last, or the one whose turn to go it is. */
static HttpLink *find_idle(HttpClient *c, const Str *key)
{
    HttpLink *found = NULL;
    for (HttpLink *k = c->links; k; k = k->next == c->links ? NULL : k->next) {
        if (k->state != LINK_IDLE || (key && !str_eq(k->key, *key)))
            continue;
        found = k;
        if (key)
            break;
    }
    return found;
}

static HttpLink *reuse(HttpClient *c, HttpExchange *x)
{
    for (HttpLink *k; (k = find_idle(c, &x->key));) {
        if (!still_idle(k)) {
            http_link_close(k);
            continue;
        }
        c->n_idle--;
        k->state = LINK_OPEN;
        k->reused = true;
        k->x = x;
        k->write_patience = (HttpPatience){.left = x->between_ms, .max = x->between_ms};
        uv_ref((uv_handle_t *)&k->poll);
        return k;
    }
    return NULL;
}

static HttpLink *new_link(HttpExchange *x)
{
    HttpClient *c = x->client;
    HttpLink *k = mem_alloc(sizeof *k);
    k->client = c;
    k->x = x;
    k->fd = -1;
    k->timer.fire = on_timer;
    k->key = (Str){mem_dup(x->key.p, x->key.n), x->key.n};
    k->tls_wanted = k->key.p[0] == 's';
    k->deadline_connect = http_loop_now(c->loop) + x->connect_ms;
    to_front(c, k);
    c->n_links++;
    return k;
}

/* Addresses are taken as they are, names go to the resolver. */
static bool begin(HttpLink *k, HttpFailure *ret_failure)
{
    HttpClient *c = k->client;
    char text[300];
    Str authority = {k->key.p + 1, k->key.n - 1};
    i32 port;
    if (!http_authority_split(authority, &k->host, &port))
        BUG("an authority that was checked");
    u16 number = (u16)(port >= 0 ? port : k->tls_wanted ? 443 : 80);
    bool six = authority.p[0] == '[';
    int n = snprintf(text, sizeof text, six ? "[%.*s]:%u" : "%.*s:%u", (int)MIN(k->host.n, 256),
                     k->host.p, number);
    k->state = LINK_RESOLVING;
    if (k->host.n < 256 && os_address_parse((Str){text, (usize)n}, &k->addresses[0])) {
        k->n_addresses = 1;
        return true;
    }
    if (six || k->host.n > 253 || !c->o.resolver.start) {
        *ret_failure = (HttpFailure){.error = HTTP_ERROR_DNS_ERROR, .detail = "no such name"};
        return false;
    }
    k->resolving = c->o.resolver.start(c->o.resolver.ctx, k->host, number, on_resolved, k);
    return true;
}

HttpLink *http_link_get(HttpExchange *x, bool fresh, HttpFailure *ret_failure)
{
    HttpClient *c = x->client;
    HttpLink *k = fresh ? NULL : reuse(c, x);
    if (k)
        return k;
    if (c->n_links >= c->o.max_connections) {
        HttpLink *oldest = find_idle(c, NULL);
        if (!oldest) {
            *ret_failure =
                (HttpFailure){.error = HTTP_ERROR_CONNECTION_LIMIT_REACHED, .detail = ""};
            return NULL;
        }
        http_link_close(oldest);
    }
    k = new_link(x);
    k->write_patience = (HttpPatience){.left = x->between_ms, .max = x->between_ms};
    if (!begin(k, ret_failure)) {
        http_link_close(k);
        return NULL;
    }
    http_link_settle(k);
    return k;
}

void http_link_start(HttpLink *k)
{
    if (k->state == LINK_RESOLVING && !k->resolving)
        connect_next(k, HTTP_ERROR_DESTINATION_UNAVAILABLE);
}

void http_link_leave(HttpLink *k, bool keep)
{
    HttpClient *c = k->client;
    k->x = NULL;
    if (!keep || k->state != LINK_OPEN || k->eof || k->broken || unsent(k) || k->in_at != k->in_n ||
        c->o.max_idle == 0) {
        http_link_close(k);
        return;
    }
    if (c->n_idle >= c->o.max_idle)
        http_link_close(find_idle(c, NULL));
    release_input(k);
    buf_release(&k->out);
    k->state = LINK_IDLE;
    k->idle_since = now_of(k);
    c->n_idle++;
    uv_unref((uv_handle_t *)&k->poll); /* an idle connection keeps no loop running */
    http_link_settle(k);
}

void http_client_free(HttpClient *c)
{
    if (!c)
        return;
    while (c->links) {
        ALWAYS(!c->links->x);
        http_link_close(c->links);
    }
    c->freed = true;
    maybe_free(c);
}
