/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The timer wheel, the task queue and the pool of buffers of a loop. A timer stays in the slot it
 * is in when it is set for later: when the slot comes up it is moved on, so setting it for each
 * request is one store.
 */
#include "http/loop.h"

#include "base/mem.h"
#include "os/time.h"

enum { SLOTS = 256, POOLED_BLOCKS = 64 };

struct HttpLoop {
    uv_loop_t *uv;
    uv_timer_t ticker;
    uv_prepare_t prepare;
    uv_check_t check;
    u32 handles; /* not closed yet */
    bool ticking;
    u64 tick; /* slots up to here have been looked at */
    u32 timers;
    HttpTimer *slots[SLOTS];
    HttpTask *first, *last;
    HttpBlock *blocks;
    u32 n_blocks;
    HttpDate date;
    u64 date_until; /* loop's milliseconds */
};

/* ---- timers ---- */

static void unlink_timer(HttpLoop *l, HttpTimer *t)
{
    HttpTimer **head = &l->slots[t->tick % SLOTS];
    if (t->next == t)
        *head = NULL;
    else if (*head == t)
        *head = t->next;
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->prev = t->next = NULL;
    l->timers--;
}

static void link_timer(HttpLoop *l, HttpTimer *t)
{
    u64 tick = t->deadline / HTTP_TICK_MS + 1;
    t->tick = MIN(MAX(tick, l->tick + 1), l->tick + SLOTS - 1);
    HttpTimer **head = &l->slots[t->tick % SLOTS];
    if (*head) {
        t->next = *head;
        t->prev = (*head)->prev;
        t->prev->next = t->next->prev = t;
    } else {
        t->next = t->prev = *head = t;
    }
    l->timers++;
}

/* Looks at all timers of one slot, which may change while they fire. */
static void run_slot(HttpLoop *l, u64 now)
{
    HttpTimer **head = &l->slots[l->tick % SLOTS];
    while (*head) {
        HttpTimer *t = *head;
        unlink_timer(l, t);
        if (t->deadline > now) {
            link_timer(l, t);
        } else if (t->deadline) {
            t->deadline = 0;
            t->fire(t);
        }
    }
}

static void on_tick(uv_timer_t *ticker)
{
    HttpLoop *l = ticker->data;
    u64 now = uv_now(l->uv), tick = now / HTTP_TICK_MS;
    if (tick - l->tick > SLOTS) /* the loop was held up: each slot once is enough */
        l->tick = tick - SLOTS;
    while (l->tick < tick) {
        l->tick++;
        run_slot(l, now);
    }
    if (l->timers == 0) {
        uv_timer_stop(ticker);
        l->ticking = false;
    }
}

void http_timer_at(HttpLoop *l, HttpTimer *t, u64 deadline)
{
    t->deadline = MAX(deadline, 1);
    if (t->next && t->tick <= t->deadline / HTTP_TICK_MS + 1)
        return;
    if (t->next)
        unlink_timer(l, t);
    if (!l->ticking) {
        l->ticking = true;
        l->tick = uv_now(l->uv) / HTTP_TICK_MS;
        uv_timer_start(&l->ticker, on_tick, HTTP_TICK_MS, HTTP_TICK_MS);
    }
    link_timer(l, t);
}

void http_timer_remove(HttpLoop *l, HttpTimer *t)
{
    t->deadline = 0;
    if (t->next)
        unlink_timer(l, t);
}

/* ---- tasks ---- */

/* A loop with tasks goes round. */
static void keep_alive(HttpLoop *l)
{
    if (l->first)
        uv_ref((uv_handle_t *)&l->prepare);
    else
        uv_unref((uv_handle_t *)&l->prepare);
}

void http_task_queue(HttpLoop *l, HttpTask *t)
{
    if (t->queued)
        return;
    t->queued = true;
    t->next = NULL;
    if (l->last)
        l->last->next = t;
    else
        l->first = t;
    l->last = t;
    keep_alive(l);
}

void http_task_remove(HttpLoop *l, HttpTask *t)
{
    HttpTask *before = NULL;
    if (!t->queued)
        return;
    for (HttpTask *x = l->first; x != t; x = x->next)
        before = x;
    if (before)
        before->next = t->next;
    else
        l->first = t->next;
    if (l->last == t)
        l->last = before;
    t->queued = false;
    keep_alive(l);
}

static void run_tasks(HttpLoop *l)
{
    if (!l->first)
        return;
    while (l->first) {
        HttpTask *t = l->first;
        l->first = t->next;
        if (!l->first)
            l->last = NULL;
        t->queued = false;
        t->run(t);
    }
    keep_alive(l);
}

static void on_prepare(uv_prepare_t *h)
{
    run_tasks(h->data);
}

static void on_check(uv_check_t *h)
{
    run_tasks(h->data);
}

/* ---- buffers, date, patience ---- */

HttpBlock *http_block_get(HttpLoop *l)
{
    HttpBlock *b = l->blocks;
    if (!b)
        return mem_alloc(sizeof *b);
    l->blocks = b->next;
    l->n_blocks--;
    return b;
}

void http_block_put(HttpLoop *l, HttpBlock *b)
{
    if (l->n_blocks >= POOLED_BLOCKS) {
        mem_free(b);
        return;
    }
    b->next = l->blocks;
    l->blocks = b;
    l->n_blocks++;
}

const HttpDate *http_loop_date(HttpLoop *l)
{
    u64 now = uv_now(l->uv);
    if (now >= l->date_until) {
        u64 ns = os_realtime_ns();
        http_date_set(&l->date, ns / 1000000000);
        l->date_until = now + 1000 - ns / 1000000 % 1000;
    }
    return &l->date;
}

u64 http_loop_now(HttpLoop *l)
{
    return uv_now(l->uv);
}

uv_loop_t *http_loop_uv(HttpLoop *l)
{
    return l->uv;
}

void http_patience_wait(HttpPatience *p, u64 now)
{
    if (!p->since)
        p->since = MAX(now, 1);
}

void http_patience_progress(HttpPatience *p, u64 now, usize bytes)
{
    if (p->since)
        p->left -= (i64)(now - p->since);
    p->left += (i64)(MIN(bytes, INT32_MAX) * 1000 / HTTP_LEAST_RATE);
    p->left = MIN(p->left, p->max);
    p->since = 0;
}

/* ---- life ---- */

HttpLoop *http_loop_new(uv_loop_t *uv)
{
    HttpLoop *l = mem_alloc(sizeof *l);
    l->uv = uv;
    l->handles = 3;
    uv_timer_init(uv, &l->ticker);
    uv_prepare_init(uv, &l->prepare);
    uv_check_init(uv, &l->check);
    l->ticker.data = l->prepare.data = l->check.data = l;
    uv_prepare_start(&l->prepare, on_prepare);
    uv_check_start(&l->check, on_check);
    uv_unref((uv_handle_t *)&l->ticker);
    uv_unref((uv_handle_t *)&l->prepare);
    uv_unref((uv_handle_t *)&l->check);
    return l;
}

static void on_closed(uv_handle_t *h)
{
    HttpLoop *l = h->data;
    if (--l->handles > 0)
        return;
    for (HttpBlock *next, *b = l->blocks; b; b = next) {
        next = b->next;
        mem_free(b);
    }
    mem_free(l);
}

void http_loop_close(HttpLoop *l)
{
    uv_close((uv_handle_t *)&l->ticker, on_closed);
    uv_close((uv_handle_t *)&l->prepare, on_closed);
    uv_close((uv_handle_t *)&l->check, on_closed);
}
