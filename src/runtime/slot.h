/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Stores whose state can be put back: instantiate once, freeze, then run, reset, run, reset. After
 * a reset guests find everything as it was when the store was frozen: memories, tables, globals,
 * segments, what they hold of the host, fuel. What was made since, by guest or host, is gone.
 *
 * Who freezes answers for this: instantiating anew would have led to the same state. That holds
 * where no host function was called on the way (store_called_host).
 */
#ifndef RUNTIME_SLOT_H
#define RUNTIME_SLOT_H

#include "runtime/store.h"

/*
 * The initial content of memories, shared by all stores that were made in the same way: by threads,
 * too. Reference counted; NULL may be unref'd.
 */
typedef struct SlotImages SlotImages;
SlotImages *slot_images_new(void);
SlotImages *slot_images_ref(SlotImages *s);
void slot_images_unref(SlotImages *s);

typedef struct SlotOptions {
    u64 resident;     /* bytes of written pages that an idle memory keeps */
    u64 table_spare;  /* elements that an idle table may have beyond its initial ones */
    u32 sample_every; /* resets after which pages that nobody writes any more are given back */
    /* What the kernel may lack; set, it is not tried. */
    bool no_scan; /* telling which pages were written: all of them are given back */
    bool no_file; /* files in memory: images are copied, and copied back */
} SlotOptions;
void slot_options_init(SlotOptions *o);

/* Before the first instance: the store is going to be frozen. Its instances do not come from the
 * pools of their modules and do not go there. */
void store_will_freeze(Store *s);
/* Has guest code called a host function since the store was made or reset? */
bool store_called_host(const Store *s);
/*
 * Takes the state as it is. Nothing runs in the store. What it refuses stays usable, and can be
 * freed only. Instances that have no exports and no functions, memories and tables of their own are
 * gone afterwards: what they had to do is done.
 */
Error *store_freeze(Store *s, const SlotOptions *o, SlotImages *images) MUST_CHECK;
/*
 * Puts it back, whatever happened since: returns, traps, exits, interrupts. Nothing runs in the
 * store, and nobody is about to interrupt it. False: it cannot be put back and has to be freed;
 * so it is where the host made functions, memories, tables, globals or instances in it since.
 */
bool store_reset(Store *s) MUST_CHECK;

#endif
