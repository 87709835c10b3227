/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Adapters: calls between components as core functions in wasm's own instructions, compiled like
 * any other. They exist for functions of numbers, chars, strings, lists, records, tuples,
 * variants, enums, flags, options, results and handles; the others go by trees.
 */
#ifndef COMPONENT_ADAPTER_H
#define COMPONENT_ADAPTER_H

#include "base/buf.h"
#include "wit/component.h"

/* The options of one side that the code depends on. */
typedef struct AdapterSide {
    const FlatSig *sig;
    u8 encoding; /* StringEncoding */
    bool memory, realloc, wide;
} AdapterSide;

/* What the code depends on. */
typedef struct AdapterShape {
    const ComponentTypes *types;
    const CType *func;
    AdapterSide caller, callee;
    u32 nentered; /* instances that the call enters */
    bool post_return;
    /* Does the callee define the resource type of that number? NULL: none. */
    bool (*owns)(const void *callee, u32 resource);
    const void *owner;
    bool handles; /* there are some; found out by adapter_encode */
} AdapterShape;

/* Imports of an adapter, all of module "", by the letter that names them. */
typedef enum AdapterImport {
    ADAPTER_CALLEE,        /* f */
    ADAPTER_TRAP,          /* t: (code) traps with a TrapCode */
    ADAPTER_CHECK_CALLER,  /* u: (pointer, length) traps unless the memory has a string there */
    ADAPTER_CHECK_CALLEE,  /* v */
    ADAPTER_RECODE_CALLER, /* x: (pointer, length) of the callee's to a new string of the caller's,
                            * whose pointer and, shifted by 32, length it gives */
    ADAPTER_RECODE_CALLEE, /* y: the other way */
    ADAPTER_LOOK_CALLER,   /* i: (handle, resource) to what is behind the caller's handle, which has
                            * to   own it and be free to go if ADAPTER_OWN is set in the number */
    ADAPTER_LOOK_CALLEE,   /* j */
    ADAPTER_MOVE_CALLER, /* g: (handle, resource) gives the caller what a handle of the callee owns,
                          * as a handle of its own */
    ADAPTER_MOVE_CALLEE, /* h: the other way */
    ADAPTER_POST,        /* p */
    ADAPTER_REALLOC_CALLER, /* q */
    ADAPTER_REALLOC_CALLEE, /* r */
    ADAPTER_FUNCS,
    ADAPTER_MEMORY_CALLER = ADAPTER_FUNCS, /* m */
    ADAPTER_MEMORY_CALLEE,                 /* n */
    ADAPTER_LEAVE_CALLER,                  /* l: mutable i32 globals: may the instance be left? */
    ADAPTER_LEAVE_CALLEE,                  /* c */
    ADAPTER_ENTER,                         /* e: `nentered` of them: may the instance be entered? */
} AdapterImport;

#define ADAPTER_OWN 0x80000000u

/*
 * Appends a module that exports the adapter as "a", or returns false if there can be none. Equal
 * bytes are equal code. *ret_imports has a bit for each AdapterImport that the module has, in their
 * order.
 */
bool adapter_encode(const AdapterShape *s, Buf *out, u32 *ret_imports);

#endif
