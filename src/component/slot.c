/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Pools of slots. The store puts back what guests changed in it, which includes the flags that say
 * who may be entered: globals of the store. Left are tables of handles, tasks, and the host.
 */
#include "component/slot.h"

#include "component/instance_priv.h"

/* An instance as it was. Its handles are resources of guests only: no host function made one. */
typedef struct FrozenInstance {
    ComponentInstance *i;
    Handle *slots; /* own */
    u32 n, free;
    u64 context[2]; /* of the task while it was instantiated; those of calls are gone */
    u32 backpressure;
} FrozenInstance;

enum { SPARE_HANDLES = 1024 }; /* that an idle table has room for */

struct Slot {
    Slot *next; /* idle */
    SlotPool *pool;
    Store *store;
    ComponentInstance *instance; /* NULL: not instantiated */
    SlotHost host;
    bool frozen;
    FrozenInstance *instances; /* all of them */
    u32 ninstances;
    u64 handles; /* alive in all tables */
};

struct SlotPool {
    SlotConfig config;
    SlotImages *images; /* own reference */
    Slot *idle;
    SlotStats stats;
};

SlotPool *slot_pool_new(const SlotConfig *c)
{
    SlotPool *p = mem_alloc(sizeof *p);
    p->config = *c;
    p->images = c->images ? slot_images_ref(c->images) : slot_images_new();
    return p;
}

void slot_pool_stats(const SlotPool *p, SlotStats *ret_stats)
{
    *ret_stats = p->stats;
}

Store *slot_store(const Slot *s)
{
    return s->store;
}

ComponentInstance *slot_instance(const Slot *s)
{
    return s->instance;
}

void *slot_host(const Slot *s)
{
    return s->host.host;
}

/* --- instances --- */

static bool may_be_kept(const HandleTable *t)
{
    for (u32 i = 1; i < t->slots.n; i++)
        if (t->slots.p[i].type && (t->slots.p[i].scope || !(*t->slots.p[i].type)->owner))
            return false;
    return true;
}

/* False if there are handles that cannot be. */
static bool freeze_instances(Slot *s)
{
    u32 n = 0;
    for (ComponentInstance *i = s->instance->root->instances; i; i = i->next, n++)
        if (!may_be_kept(&i->handles))
            return false;
    s->instances = mem_alloc_array(n, sizeof *s->instances);
    for (ComponentInstance *i = s->instance->root->instances; i; i = i->next) {
        const HandleTable *t = &i->handles;
        s->instances[s->ninstances++] = (FrozenInstance){
            .i = i,
            .slots = t->slots.n ? mem_dup(t->slots.p, t->slots.n * sizeof *t->slots.p) : NULL,
            .n = t->slots.n,
            .free = t->free,
            .context = {i->start.context[0], i->start.context[1]},
            .backpressure = i->backpressure};
    }
    s->handles = s->instance->root->handles.alive;
    return true;
}

static void reset_instance(const FrozenInstance *f)
{
    HandleTable *t = &f->i->handles;
    if (t->slots.cap > f->n + SPARE_HANDLES)
        vec_release(&t->slots);
    vec_reserve(&t->slots, f->n);
    if (f->n)
        memcpy(t->slots.p, f->slots, f->n * sizeof *f->slots);
    t->slots.n = f->n;
    t->free = f->free;
    f->i->start = (Task){.context = {f->context[0], f->context[1]}};
    f->i->task = &f->i->start;
    f->i->backpressure = f->backpressure;
}

/* --- slots --- */

/* What guests hold of the host goes while the store is there. */
static void end_request(Slot *s)
{
    if (s->pool->config.host_end && s->host.host)
        s->pool->config.host_end(s->host.host);
    if (s->instance)
        component_drop_host_resources(s->instance);
}

static void slot_free(Slot *s)
{
    const SlotConfig *c = &s->pool->config;
    end_request(s);
    store_free(s->store);
    component_instance_free(s->instance);
    if (s->host.host)
        c->host_free(s->host.host);
    for (u32 i = 0; i < s->ninstances; i++)
        mem_free(s->instances[i].slots);
    mem_free(s->instances);
    mem_free(s);
}

void slot_pool_free(SlotPool *p)
{
    while (p->idle) {
        Slot *s = p->idle;
        p->idle = s->next;
        slot_free(s);
    }
    slot_images_unref(p->images);
    mem_free(p);
}

MUST_CHECK static Error *fill(Slot *s)
{
    const SlotConfig *c = &s->pool->config;
    Error *e = engine_store_new(c->engine, &s->store);
    if (e)
        return e;
    if (!s->pool->stats.anew)
        store_will_freeze(s->store);
    e = c->host_new(c->arg, s->store, &s->host);
    if (!e)
        e = component_instance_new_for(s->store, c->component, c->linker, s->host.serves,
                                       &s->instance);
    return e;
}

/* Keeps the state for the next requests, if any of them would have found the same. */
static bool freeze(Slot *s)
{
    SlotPool *p = s->pool;
    if (s->instance->root->called_host || !freeze_instances(s))
        return false;
    Error *e = store_freeze(s->store, &p->config.options, p->images);
    error_free(e); /* it works as it is, once */
    return !e;
}

Error *slot_take(SlotPool *p, Slot **ret_slot)
{
    Slot *s = p->idle;
    if (s) {
        p->idle = s->next;
        p->stats.idle--;
        p->stats.reused++;
        *ret_slot = s;
        return NULL;
    }
    s = mem_alloc(sizeof *s);
    s->pool = p;
    Error *e = fill(s);
    if (e) {
        slot_free(s);
        return e;
    }
    p->stats.made++;
    if (!p->stats.anew) {
        s->frozen = freeze(s);
        p->stats.anew = !s->frozen;
    }
    *ret_slot = s;
    return NULL;
}

static bool put_back(Slot *s)
{
    end_request(s);
    for (u32 i = 0; i < s->ninstances; i++)
        reset_instance(&s->instances[i]);
    s->instance->root->handles.alive = s->handles;
    return s->pool->config.host_reset(s->host.host) && store_reset(s->store);
}

void slot_give(Slot *s)
{
    SlotPool *p = s->pool;
    if (!s->frozen || p->stats.idle >= p->config.max_idle) {
        slot_free(s);
    } else if (!put_back(s)) {
        p->stats.refused++;
        slot_free(s);
    } else {
        s->next = p->idle;
        p->idle = s;
        p->stats.idle++;
    }
}
