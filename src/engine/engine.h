/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The composition root: configuration, modules from bytes or compiled files, compilation (lazy,
 * eager, on worker threads), stores that know where stubs come from. An engine is shared by
 * threads.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "abi/tunables.h"
#include "runtime/instance.h"

typedef struct Engine Engine;

typedef struct EngineConfig {
    FeatureSet features;
    Tunables tunables;
    StoreLimits limits;
    u64 max_wasm_stack;  /* 512 KiB */
    u32 max_backtrace;   /* 20 */
    bool no_offsets;     /* backtraces say nothing of places within functions */
    bool details;        /* backtraces name source files and lines, by the modules' DWARF */
    bool details_note;   /* backtraces name WASMTIME_BACKTRACE_DETAILS where it may help */
    u32 compile_threads; /* for whole modules; 0: one a core */
    bool memories_given; /* a compiled file does not decide on guard regions or checks */
    bool lazy;           /* compile on the first call; otherwise whole modules when they are made */
} EngineConfig;

/* Wasmtime's defaults; the CPU's features; engine_config_memories for what programs usually have.
 */
void engine_config_init(EngineConfig *c);
/* Guard regions if reservations of 4 GiB are to be had for so many memories at a time, else checks
 * in compiled code. */
void engine_config_memories(EngineConfig *c, u32 n);

Error *engine_new(const EngineConfig *c, Engine **ret_engine);
void engine_free(Engine *e);
TypeRegistry *engine_types(Engine *e);
const EngineConfig *engine_config(const Engine *e);
void engine_increment_epoch(Engine *e); /* async-signal-safe */

/* Why bytes are no module or component: where (offset, section or function) and what. */
Error *engine_diag_error(const Diag *d) MUST_CHECK;

/* Binary modules only; `diag` (may be NULL) gets the details of a refusal. The bytes are copied. */
Error *engine_module_new(Engine *e, const u8 *p, usize n, Diag *diag, Module **ret_module);
/* Takes the buffer's bytes over instead, also on failure. */
Error *engine_module_new_owned(Engine *e, Buf *bytes, Diag *diag, Module **ret_module);
/* From a module that was decoded, with its bodies validated (transfer, also on failure). */
Error *engine_module_new_decoded(Engine *e, WasmModule *w, Module **ret_module);
/* Compiles what is not compiled yet, on `compile_threads` threads. */
Error *engine_module_compile(Engine *e, Module *m);
/* A compiled file (ELF), for engine_module_load. Needs tunables.direct_calls. */
Error *engine_module_serialize(Engine *e, Module *m, Buf *out);
/* Appends a listing of the code of a defined function, whose body is there: a module that was not
 * loaded from a compiled file. */
Error *engine_module_dump(Engine *e, Module *m, u32 func, Buf *out);
/* True if the bytes begin as a compiled file does. */
bool engine_is_compiled(const u8 *p, usize n);
/* Maps the file and runs from the mapping; refuses damaged, foreign and older files. */
Error *engine_module_load_fd(Engine *e, int fd, const char *label, Module **ret_module);
Error *engine_module_load(Engine *e, const u8 *p, usize n, Module **ret_module);
/* Appends a text that two engines of this program share if each can use what the other compiles. */
void engine_compatibility(const EngineConfig *c, Buf *out);
/* A compiled file of this version, a module's or a component's, with all its bytes undamaged?
 * Whether an engine can use it is seen when it loads it. */
bool engine_compiled_intact(int fd);

/*
 * Compiled components: the component's bytes and the code of the modules inside, in the order of
 * their definitions. `p` is a valid component.
 */
Error *engine_component_serialize(Engine *e, const u8 *p, usize n, Module *const *modules,
                                  u32 nmodules, Buf *out);
bool engine_is_compiled_component(const u8 *p, usize n); /* of at least 64 bytes */
/* The component inside of a compiled file, with empty bodies; empty if there is none. Nothing else
 * of the file is looked at. Borrowed. */
Str engine_compiled_component(const u8 *p, usize n);
typedef struct CompiledComponent CompiledComponent;
Error *engine_component_open_fd(Engine *e, int fd, const char *label, CompiledComponent **ret_file);
Error *engine_component_open(Engine *e, const u8 *p, usize n, CompiledComponent **ret_file);
/* To be decoded without bodies; borrowed. */
Str compiled_component_bytes(const CompiledComponent *c);
u32 compiled_component_modules(const CompiledComponent *c);
/* Module i with its code; transfers `w`, which was decoded from those bytes, also on failure. */
Error *compiled_component_module(CompiledComponent *c, u32 i, WasmModule *w, Module **ret_module);
void compiled_component_free(CompiledComponent *c); /* after its modules */

Error *engine_store_new(Engine *e, Store **ret_store);

#endif
