/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Lifting and lowering: what the glue that tools/witgen writes is made of. A host function gets C
 * values. What the guest passes is checked and lifted in place where C has the same layout: strings
 * in UTF-8 and lists of plain numbers are views into guest memory, valid until the host function
 * returns; the rest is copied into the call's arena. Results are written to guest memory that the
 * guest's realloc gives, which may move the memory, and may take long, while other guests and the
 * event loop go on. So what a result points at stays as it is until then: it lies in the call's
 * arena, or is changed and freed by nothing but calls of this guest, which can make none from its
 * realloc, or lives as long as the host. Parameters do not.
 *
 * Sticky: after a failure every primitive returns zeros and the call only unwinds.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md
 */
#ifndef COMPONENT_LIFT_H
#define COMPONENT_LIFT_H

#include "abi/vmctx.h"
#include "base/mem.h"

typedef struct LiftCall LiftCall;

/* A resource type that the host implements. `drop` ends a value that the guest owned. */
typedef struct LiftResource {
    const char *interface, *name; /* "wasi:io/streams@0.2.12", "input-stream" */
    void (*drop)(void *host, void *rep);
} LiftResource;

/* One host function. `fn` is the glue: fn(LiftEnv *, VmCtx *caller, core parameters...). */
typedef struct LiftFunc {
    const char *name; /* "[method]input-stream.read" */
    const char *core; /* "iIi:": parameters, then results; i, I, f, d are i32, i64, f32, f64 */
    const char *wit;  /* "func(self: borrow<input-stream>, len: u64) -> ..." */
    void *fn;
    bool is_async;
    u64 type; /* see wit/type_hash.h; 0: not known, only `core` is compared */
} LiftFunc;

typedef struct LiftInterface {
    const char *name; /* "wasi:io/streams@0.2.12" */
    const LiftFunc *funcs;
    const LiftResource *const *resources;
    u32 nfuncs, nresources;
} LiftInterface;

typedef enum LiftEncoding { LIFT_UTF8, LIFT_UTF16, LIFT_LATIN1_UTF16 } LiftEncoding;

/* What the runtime gives. Failures are reported with lift_fail; then the result is ignored. */
typedef struct LiftOps {
    /* The guest's realloc. May move the memory: lift.c looks it up again. */
    u32 (*realloc)(LiftCall *c, u32 old, u32 old_size, u32 align, u32 size);
    /* Takes an owned handle out of the guest's table; the value it stands for. */
    void *(*take_own)(LiftCall *c, const LiftResource *type, u32 handle);
    /* The value a handle stands for, lent until `leave`. */
    void *(*borrow)(LiftCall *c, const LiftResource *type, u32 handle);
    /* A new owned handle; transfers rep. */
    u32 (*give_own)(LiftCall *c, const LiftResource *type, void *rep);
    /* The call ends: gives back what was lent. */
    void (*leave)(LiftCall *c);
    /* The call traps with this text. Called once a call. */
    void (*fail)(LiftCall *c, const char *text);
} LiftOps;

/* One lowered function or all with the same options; the first thing in a runtime's own struct. */
typedef struct LiftEnv {
    const LiftOps *ops;
    void *host;             /* what the host functions serve */
    const VmMemory *memory; /* NULL: none */
    LiftEncoding encoding;
    u64 fuel;              /* bytes that one call may take in the host for its parameters */
    const bool *may_leave; /* false while no host function may be called; NULL: always */
} LiftEnv;

struct LiftCall {
    const LiftEnv *env;
    VmCtx *caller;
    u8 *base; /* of the memory, as of the last realloc */
    u64 length;
    u64 fuel;
    Arena arena; /* empty until something needs it; host functions may use it for their results */
    u32 given;   /* owned values that lower_own gave to the guest */
    bool failed;
};

#define LIFT_LIST(name, T)                                                                         \
    typedef struct name {                                                                          \
        const T *p;                                                                                \
        usize n;                                                                                   \
    } name
LIFT_LIST(LiftListBool, bool);
LIFT_LIST(LiftListU8, u8);
LIFT_LIST(LiftListU16, u16);
LIFT_LIST(LiftListU32, u32);
LIFT_LIST(LiftListU64, u64);
LIFT_LIST(LiftListS8, i8);
LIFT_LIST(LiftListS16, i16);
LIFT_LIST(LiftListS32, i32);
LIFT_LIST(LiftListS64, i64);
LIFT_LIST(LiftListF32, float);
LIFT_LIST(LiftListF64, double);
LIFT_LIST(LiftListChar, u32);
LIFT_LIST(LiftListString, Str);

void lift_fail(LiftCall *c, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

static inline void lift_refresh(LiftCall *c)
{
    if (c->env->memory) {
        c->base = c->env->memory->base;
        c->length = c->env->memory->length;
    }
}
static inline void lift_enter(LiftCall *c, const LiftEnv *env, VmCtx *caller)
{
    *c = (LiftCall){.env = env, .caller = caller, .fuel = env->fuel};
    lift_refresh(c);
    if (UNLIKELY(env->may_leave && !*env->may_leave))
        lift_fail(c, "cannot leave component instance");
}
static inline void lift_leave(LiftCall *c)
{
    c->env->ops->leave(c);
    if (UNLIKELY(c->arena.chunks != NULL))
        arena_release(&c->arena);
}
static inline bool lift_ok(const LiftCall *c)
{
    return LIKELY(!c->failed);
}
static inline void *lift_host(const LiftCall *c)
{
    return c->env->host;
}

/* --- lifting --- */

/* Parameters in memory, or where results go: in bounds and aligned, or the call fails. */
void lift_check_range(LiftCall *c, u32 at, u32 size, u32 align);
Str lift_string(LiftCall *c, u32 at, u32 len);
/* Elements in bounds and aligned. NULL if there are none or the call fails. */
const void *lift_list(LiftCall *c, u32 at, u32 n, u32 size, u32 align);
/* Room for n lifted elements in the arena; NULL if the call fails or n is 0. */
void *lift_array(LiftCall *c, usize n, usize size);
u32 lift_char(LiftCall *c, u32 v);
/* A case of n; 0 if the call fails. */
u32 lift_case(LiftCall *c, u32 v, u32 n);
static inline void *lift_own(LiftCall *c, const LiftResource *type, u32 handle)
{
    return c->failed ? NULL : c->env->ops->take_own(c, type, handle);
}
static inline void *lift_borrow(LiftCall *c, const LiftResource *type, u32 handle)
{
    return c->failed ? NULL : c->env->ops->borrow(c, type, handle);
}

/* Loads of memory that was checked. */
static inline u8 lift_u8(const LiftCall *c, u32 at)
{
    return c->base[at];
}
static inline u16 lift_u16(const LiftCall *c, u32 at)
{
    return load_u16(c->base + at);
}
static inline u32 lift_u32(const LiftCall *c, u32 at)
{
    return load_u32(c->base + at);
}
static inline u64 lift_u64(const LiftCall *c, u32 at)
{
    return load_u64(c->base + at);
}
static inline float lift_f32_bits(u32 bits)
{
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}
static inline double lift_f64_bits(u64 bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* --- lowering --- */

/* Guest memory for n elements; 0 with a failure if realloc gives none that is good. */
u32 lower_alloc(LiftCall *c, usize n, u32 size, u32 align);
/* Writes a string's place and length to `at`. */
void lower_string(LiftCall *c, u32 at, Str s);
u32 lower_char(LiftCall *c, u32 v); /* a scalar value, or the call fails */
static inline u32 lower_own(LiftCall *c, const LiftResource *type, void *rep)
{
    u32 handle = c->failed ? 0 : c->env->ops->give_own(c, type, rep);
    c->given += !c->failed;
    return handle;
}
/*
 * Of a call that failed: ends an owned value that nobody got. Called for the values in the order in
 * which they are lowered, so the first ones are those that the guest has.
 */
static inline void lift_drop_own(LiftCall *c, const LiftResource *type, void *rep)
{
    if (c->given)
        c->given--;
    else if (rep)
        type->drop(c->env->host, rep);
}

/* Stores to memory that was checked. */
static inline void lower_bytes(LiftCall *c, u32 at, const void *p, usize n)
{
    if (n && !c->failed)
        memcpy(c->base + at, p, n);
}
static inline void lower_u8(LiftCall *c, u32 at, u8 v)
{
    c->base[at] = v;
}
static inline void lower_u16(LiftCall *c, u32 at, u16 v)
{
    store_u16(c->base + at, v);
}
static inline void lower_u32(LiftCall *c, u32 at, u32 v)
{
    store_u32(c->base + at, v);
}
static inline void lower_u64(LiftCall *c, u32 at, u64 v)
{
    store_u64(c->base + at, v);
}
static inline u32 lower_f32_bits(float v)
{
    u32 bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}
static inline u64 lower_f64_bits(double v)
{
    u64 bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* --- for host functions: results that live long enough --- */

/* Zeroed memory until the call ends. */
void *lift_alloc(LiftCall *c, usize n, usize size);
Str lift_copy(LiftCall *c, Str s);

#endif
