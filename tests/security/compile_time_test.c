/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Bodies that make a careless compiler quadratic: operand stacks so deep that looking for something
 * on them shows. Each has a limit of time that a search a few instructions would miss by far.
 */
#include <time.h>

#include "base/buf.h"
#include "unit/compile/harness.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
enum { SLOWER = 20 };
#else
enum { SLOWER = 1 };
#endif

/* Compiles and calls "f"; both together must take less than `seconds`. */
static u64 timed_run(int line, Buf *text, double seconds)
{
    buf_u8(text, 0);
    struct timespec start, end;
    Harness h = harness_new((const char *)text->p, NULL);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    u64 result = harness_run(&h, "f", 3, 0, 0);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    double took =
        (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
    if (took > seconds * SLOWER)
        test_fail(__FILE__, line, "took %.2f s, the limit is %.2f s", took, seconds * SLOWER);
    harness_free(&h);
    buf_release(text);
    return result;
}

/* A function with a parameter that nobody uses, and locals 1 to n that have their own numbers. */
static Buf many_locals(u32 n)
{
    Buf t = {0};
    buf_printf(&t, "(func $callee) (func (export \"f\") (param i32) (result i32) (local");
    for (u32 i = 0; i < n; i++)
        buf_printf(&t, " i32");
    buf_printf(&t, ")");
    for (u32 i = 1; i <= n; i++)
        buf_printf(&t, " i32.const %u local.set %u", i, i);
    return t;
}

/* Gives local `i`, of which values are on the stack, another value. */
static void overwrite(Buf *t, u32 i)
{
    buf_printf(t, " i32.const 1000000 local.set %u", i);
}

static void finish(Buf *t, u32 depth)
{
    for (u32 i = 1; i < depth; i++)
        buf_printf(t, " i32.add");
    buf_printf(t, ")");
}

/* Each local is overwritten while values of it and of thousands of others are on the stack. */
TEST(security_values_of_a_local_are_found_at_once)
{
    enum { LOCALS = 20000, DEPTH = 30000 };
    Buf t = many_locals(LOCALS);
    u64 sum = 0;
    for (u32 i = 0; i < DEPTH; i++) {
        u32 local = 1 + i % LOCALS;
        buf_printf(&t, " local.get %u", local);
        sum += local;
    }
    for (u32 i = 1; i <= LOCALS; i++)
        overwrite(&t, i);
    finish(&t, DEPTH);
    EXPECT_EQ(timed_run(__LINE__, &t, 0.25), sum);
}

/* What is overwritten lies far below; then something looks for temporaries on the stack. */
static u64 deep_values(Buf *t, const char *between)
{
    enum { LOCALS = 8000, DEPTH = 40000 };
    *t = many_locals(LOCALS);
    for (u32 i = 1; i <= LOCALS; i++)
        buf_printf(t, " local.get %u", i);
    for (u32 i = 0; i < DEPTH; i++)
        buf_printf(t, " i32.const 2");
    for (u32 i = 1; i <= LOCALS; i++) {
        overwrite(t, i);
        buf_printf(t, " %s", between);
    }
    finish(t, LOCALS + DEPTH);
    return (u64)LOCALS * (LOCALS + 1) / 2 + 2 * DEPTH;
}

TEST(security_calls_find_temporaries_near_the_top)
{
    Buf t = {0};
    u64 sum = deep_values(&t, "call $callee");
    EXPECT_EQ(timed_run(__LINE__, &t, 0.25), sum);
}

TEST(security_temporaries_are_spilled_near_the_top)
{
    Buf t = {0};
    u64 sum = deep_values(&t, "(i32.eqz (local.get 0)) (i32.eqz (local.get 0)) "
                              "(i32.eqz (local.get 0)) (i32.eqz (local.get 0)) "
                              "(i32.eqz (local.get 0)) (i32.eqz (local.get 0)) "
                              "(i32.eqz (local.get 0)) (i32.eqz (local.get 0)) "
                              "(i32.eqz (local.get 0)) (i32.eqz (local.get 0)) "
                              "drop drop drop drop drop drop drop drop drop drop");
    EXPECT_EQ(timed_run(__LINE__, &t, 0.3), sum);
}
