/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Code memory: one region a module (and some for stubs), and the way from a machine address back
 * to it.
 *
 *     slots              one address a defined function, writable: where its calls go
 *     text               executable, never writable:
 *       lazy entry       16 bytes: jumps to lazy_common of the runtime
 *       function stubs   16 bytes a function: jmp [slot]; mov eax, index; jmp lazy entry
 *       code             functions, in the order in which they were compiled
 *
 * A slot starts out as its stub + 6, so the first call compiles and later ones jump to the code.
 * Loaded images have no slots and no stubs: their text is the file's.
 *
 * Publishing (code_publish) is for one thread at a time, under the owner's lock; everything else
 * may run at any time on any thread, lookups in signal handlers too: what is published is only
 * ever appended.
 */
#ifndef RUNTIME_CODE_H
#define RUNTIME_CODE_H

#include "abi/code.h"
#include "base/error.h"

#include <stdatomic.h>

typedef struct Module Module;

/* A function's place and its tables. */
typedef struct CodeFunc {
    u32 at, size; /* in text */
    u32 func;     /* function index in the module */
    u32 ntraps, ncalls;
    const TrapSite *traps;
    const CallSite *calls;
} CodeFunc;

typedef enum CodeBacking {
    CODE_BACKING_BEST,     /* memfd where it may be executed, otherwise anonymous */
    CODE_BACKING_MEMFD,    /* text is mapped once, executable, and filled through the file */
    CODE_BACKING_ANONYMOUS /* pages are written, then made executable; a page a publication */
} CodeBacking;

typedef struct CodeMem {
    Module *owner; /* NULL for stubs */
    u8 *map;       /* slots, then text */
    u64 map_bytes;
    _Atomic(const void *) *slots; /* NULL without stubs */
    u8 *text;
    u64 text_bytes;
    int fd; /* -1: anonymous or an image */
    u32 nslots, first_func;
    bool bound;      /* some code refers to slots or stubs: it cannot be moved elsewhere */
    u64 used;        /* of text; publisher only */
    CodeFunc *funcs; /* sorted by `at` */
    u32 cap;
    _Atomic u32 nfuncs;
    Arena meta;   /* tables of published functions */
    Buf scratch;  /* publisher only */
    u32 registry; /* place in the registry of regions */
} CodeMem;

typedef struct CodeMemConfig {
    Module *owner;
    u32 nslots; /* defined functions; 0: no slots and stubs */
    u32 first_func;
    u32 max_funcs;  /* functions that will be published at most */
    u64 text_bytes; /* to reserve, at most 1 GiB, besides the stubs */
    CodeBacking backing;
} CodeMemConfig;

Error *code_mem_new(const CodeMemConfig *c, CodeMem **ret_mem);
/*
 * A region over text that is mapped already (transfer of the mapping, in which the tables are
 * too). funcs[i] is the function first_func + i; they ascend in place.
 */
CodeMem *code_mem_image(Module *owner, u8 *map, u64 map_bytes, u8 *text, u64 text_bytes,
                        u32 first_func, const CodeFunc *funcs, u32 nfuncs);
void code_mem_free(CodeMem *m);

/*
 * Places functions one behind the other, relocates and publishes them: funcs[i] is compiled[i].
 * Calls to functions that are not published go to their stubs. With UINT32_MAX as index: a stub
 * without tables.
 */
Error *code_publish(CodeMem *m, const CompiledFunc *compiled, const u32 *funcs, u32 n,
                    const void **ret_first);
/* Where calls from outside go: the code if it is compiled, the stub otherwise. */
const void *code_entry(const CodeMem *m, u32 func);
bool code_is_compiled(const CodeMem *m, u32 func);
/* The stub's address: calls through it always find the newest code. */
static inline const void *code_stub(const CodeMem *m, u32 func)
{
    return m->text + 16 + (u64)(func - m->first_func) * 16;
}

/* The region that has `pc`, NULL if none. Async-signal-safe. */
const CodeMem *code_find(u64 pc);
/* The function that has `pc`, NULL between functions and in stubs. Async-signal-safe. */
const CodeFunc *code_find_func(const CodeMem *m, u64 pc);
/* The trap site at exactly `pc`, NULL if there is none. */
const TrapSite *code_find_trap(const CodeMem *m, const CodeFunc *f, u64 pc);
/* Module offset of a call by its return address, or of whatever precedes `pc`. */
u32 code_wasm_offset(const CodeMem *m, const CodeFunc *f, u64 pc);

#endif
