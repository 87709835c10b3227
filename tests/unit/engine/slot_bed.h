/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Modules of texts, instantiated in a store that is frozen, or in one that is not. */
#ifndef TESTS_UNIT_ENGINE_SLOT_BED_H
#define TESTS_UNIT_ENGINE_SLOT_BED_H

#include "engine/engine.h"
#include "runtime/slot.h"
#include "unit/test.h"

enum { SLOT_BED_MODULES = 2 };

/* A reservation: 64 MiB, and code that compares with the exact length instead of using faults. */
#define SLOT_BED_EXACT ((u64)1)

typedef struct SlotBed {
    EngineConfig config;
    Engine *engine;
    SlotOptions options;
    SlotImages *images;
    Module *modules[SLOT_BED_MODULES];
    u32 nmodules;
    u64 fuel; /* of a new store */
} SlotBed;

void slot_bed_init(SlotBed *b, const SlotOptions *o, u64 reservation);
/* The same in two steps. */
void slot_bed_configure(SlotBed *b);
void slot_bed_begin(SlotBed *b, const SlotOptions *o);
/* The first may import "h" "f", which adds one; the second what the first exports, by name. */
void slot_bed_module(SlotBed *b, const char *wat);
void slot_bed_release(SlotBed *b);

typedef struct SlotRun {
    Store *store;
    Instance *instances[SLOT_BED_MODULES];
    Extern import;
    u32 n;
} SlotRun;

void slot_run_init(SlotRun *r, SlotBed *b, bool frozen);
void slot_run_release(SlotRun *r);
/* All functions take two i32 and give one. */
u32 slot_run_call(SlotRun *r, u32 instance, const char *name, u32 x, u32 y);
void slot_run_trap(SlotRun *r, u32 instance, const char *name, TrapCode code);
void slot_run_trap_at(SlotRun *r, u32 instance, const char *name, u32 x, TrapCode code);
/* The result, or 1 << 32 and what trapped. */
u64 slot_run_any(SlotRun *r, u32 instance, const char *name, u32 x, u32 y);
/* Memories and tables have the same content. */
void slot_run_same(SlotRun *a, SlotRun *b);

#endif
