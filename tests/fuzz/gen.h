/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Random modules from fuzz bytes. Every module is valid, ends, and behaves the same everywhere:
 * loops and recursion are bounded by fuel of the module's own, and where the bits of a NaN could be
 * seen (stores, reinterpretation, vectors) code of the module makes the NaN canonical first.
 * The same bytes and options give the same module.
 *
 * Imports (in this order, "env"): h0 (i32)->i32, h1 (i64 i32)->i64, h2 (f64)->f64,
 * h3 (i32 i64)->(i64 i32); gen_host_* below say what they compute. Behind them there may be
 * memories m<i>, tables t<i> and globals g<i>; g0 is the fuel. Exports: f<i> every function; run<i>
 * a ()->i64 that calls f<i> with constants and folds the results into a number; reset ()->()
 * refills the fuel; m<i>, t<i>, g<i> memories, tables and mutable globals.
 */
#ifndef TESTS_FUZZ_GEN_H
#define TESTS_FUZZ_GEN_H

#include "base/buf.h"
#include "wasm/types.h"

typedef struct GenOptions {
    FeatureSet features; /* of these a module uses a random part */
    bool js;             /* only what a JavaScript embedding can call and look at */
} GenOptions;

/* What the compiler under test supports and the generator knows. */
FeatureSet gen_features(void);
/* Of these, what the JavaScript engine at hand does not have or leaves to the CPU. */
FeatureSet gen_features_not_js(void);
void gen_module(const GenOptions *o, const u8 *p, usize n, Buf *ret_wasm);

/* Upper bounds of any generated module. */
enum { GEN_MAX_FUNCS = 8, GEN_MAX_VALUES = 24, GEN_MAX_PAGES = 8 };

static inline u32 gen_host_h0(u32 a)
{
    return a * 2654435761U + 1;
}
static inline u64 gen_host_h1(u64 a, u32 b)
{
    return (a << (b & 7)) ^ b;
}
static inline double gen_host_h2(double a)
{
    return a * 0.5 + 1;
}

#endif
