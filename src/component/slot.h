/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A fresh instance for every request: a pool of stores with an instance of a component in each,
 * which are put back after a request instead of being made anew (runtime/slot.h).
 *
 *     Slot *s = NULL;
 *     Error *e = slot_take(pool, &s);
 *     ... component_call with exports of slot_instance(s), in slot_store(s) ...
 *     slot_give(s);
 *
 * Where instantiation calls functions of the host, the state depends on what they answered, and
 * must not be shared: then each slot is instantiated anew, and freed when it is given.
 *
 * A pool and its slots belong to one thread; pools of several threads share the component, its
 * images and what the host offers, and nothing else: there are no locks, and taking and giving
 * allocate nothing.
 */
#ifndef COMPONENT_SLOT_H
#define COMPONENT_SLOT_H

#include "component/instance.h"
#include "runtime/slot.h"

/* `host` for the functions below, `serves` for those of the linker (component_instance_new_for). */
typedef struct SlotHost {
    void *host, *serves;
} SlotHost;

typedef struct SlotConfig {
    Engine *engine;                /* borrow */
    LoadedComponent *component;    /* borrow */
    const ComponentLinker *linker; /* borrow: what the host offers; NULL: nothing */
    SlotImages *images;            /* borrow: of the component; NULL: the pool has its own */
    SlotOptions options;
    u32 max_idle; /* slots that are kept */
    /*
     * The host of a slot. Sets the store up (limits, fuel). A host that it made is freed by the
     * pool, also if it fails then.
     */
    Error *(*host_new)(void *arg, Store *s, SlotHost *ret_host);
    /* The request is over: its resources are dropped next, in any order. May be NULL. */
    void (*host_end)(void *host);
    /* Everything of the request is gone; as new. False: the slot has to be freed. */
    bool (*host_reset)(void *host);
    /* The store and the instance are gone. */
    void (*host_free)(void *host);
    void *arg;
} SlotConfig;

typedef struct SlotStats {
    u64 made, reused; /* slots that were taken: instantiated, or put back before */
    u64 refused;      /* slots that could not be put back */
    u32 idle;
    bool anew; /* each is instantiated anew */
} SlotStats;

typedef struct SlotPool SlotPool;
SlotPool *slot_pool_new(const SlotConfig *c);
void slot_pool_free(SlotPool *p); /* all its slots were given */
void slot_pool_stats(const SlotPool *p, SlotStats *ret_stats);

typedef struct Slot Slot;
Error *slot_take(SlotPool *p, Slot **ret_slot) MUST_CHECK;
/* Whatever way the request ended. Nothing of it runs any more, no fiber is suspended in it, the
 * host holds none of its resources, and nobody is about to interrupt its store. */
void slot_give(Slot *s);
Store *slot_store(const Slot *s);
ComponentInstance *slot_instance(const Slot *s);
void *slot_host(const Slot *s);

#endif
