/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Accesses of memories without enough address space around them: where they trap, and that a check
 * is left out only where an earlier one holds. Each way of keeping a memory must agree.
 */
#include "unit/compile/harness.h"

/* The modules: `INDEX` is the memory's index type. */
static const char boundaries[] =
    "(memory INDEX 1 3)"
    "(func (export \"grow\") (param INDEX) (result INDEX) (memory.grow (local.get 0)))"
    "(func (export \"byte\") (param INDEX) (result i32) (i32.load8_u (local.get 0)))"
    "(func (export \"word\") (param INDEX) (result i64) (i64.load offset=4 (local.get 0)))"
    "(func (export \"last_small\") (param INDEX) (result i32)"
    " (i32.load offset=65532 (local.get 0)))"
    "(func (export \"first_large\") (param INDEX) (result i32)"
    " (i32.load offset=65533 (local.get 0)))"
    "(func (export \"huge\") (param INDEX) (result i32)"
    " (i32.load8_u offset=0xfffffff0 (local.get 0)))"
    "(func (export \"sum\") (param INDEX INDEX) (result i32)"
    " (i32.load8_u (INDEX.add (local.get 0) (local.get 1))))"
    "(func (export \"in\") (result i32) (i32.load (INDEX.const 65532)))"
    "(func (export \"out\") (result i32) (i32.load (INDEX.const 65533)))"
    "(func (export \"far\") (result i32) (i32.load8_u offset=65536 (INDEX.const 65535)))"
    "(func (export \"put\") (param INDEX i64) (i64.store offset=1 (local.get 0) (local.get 1)))"
    "(func (export \"vector\") (param INDEX) (result i32)"
    " (i32x4.extract_lane 3 (v128.load offset=16 (local.get 0))))";

static const char repeats[] =
    "(memory INDEX 1 3) (data (INDEX.const 8) \"\\01\\00\\00\\00\\02\\00\\00\\00\")"
    "(func $nothing)"
    /* the second access reaches further */
    "(func (export \"twice\") (param INDEX) (result i32)"
    " (i32.add (i32.load (local.get 0)) (i32.load offset=4 (local.get 0))))"
    /* written in between */
    "(func (export \"moved\") (param INDEX INDEX) (result i32) (local i32)"
    " (local.set 2 (i32.load (local.get 0))) (local.set 0 (local.get 1))"
    " (i32.add (local.get 2) (i32.load (local.get 0))))"
    /* checked on one way only */
    "(func (export \"maybe\") (param INDEX i32) (result i32)"
    " (if (local.get 1) (then (drop (i32.load (local.get 0)))))"
    " (i32.load (local.get 0)))"
    "(func (export \"either\") (param INDEX i32) (result i32)"
    " (if (result i32) (local.get 1)"
    "  (then (i32.load (local.get 0))) (else (i32.load (local.get 0)))))"
    "(func (export \"skipped\") (param INDEX i32) (result i32)"
    " (block (br_if 0 (local.get 1)) (drop (i32.load (local.get 0))))"
    " (i32.load (local.get 0)))"
    /* checked before the loop, written at its end */
    "(func (export \"loop\") (param INDEX i32) (result i32) (local i32)"
    " (drop (i32.load (local.get 0)))"
    " (loop (local.set 2 (i32.add (local.get 2) (i32.load (local.get 0))))"
    "  (local.set 0 (INDEX.add (local.get 0) (INDEX.const 0x10000000)))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))"
    " (local.get 2))"
    /* checked before the loop, never written */
    "(func (export \"base\") (param INDEX i32) (result i32) (local i32)"
    " (drop (i32.load (local.get 0)))"
    " (loop (local.set 2 (i32.add (local.get 2) (i32.load offset=4 (local.get 0))))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))"
    " (local.get 2))"
    /* one access by a local that steps */
    "(func (export \"step\") (param INDEX i32) (result i32) (local i32)"
    " (loop (local.set 2 (i32.add (local.get 2) (i32.load (local.get 0))))"
    "  (local.set 0 (INDEX.add (local.get 0) (INDEX.const 0x10000000)))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))"
    " (local.get 2))"
    "(func (export \"fill\") (param INDEX i32)"
    " (loop (memory.fill (local.get 0) (i32.const 1) (INDEX.const 40))"
    "  (local.set 0 (INDEX.add (local.get 0) (INDEX.const 40)))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))"
    /* the length changes within the loop, and so does what is in bounds */
    "(func (export \"growing\") (param INDEX i32) (result i32) (local i32)"
    " (loop (local.set 2 (i32.add (local.get 2) (i32.load (local.get 0))))"
    "  (drop (memory.grow (INDEX.const 1))) (call $nothing)"
    "  (local.set 0 (INDEX.add (local.get 0) (INDEX.const 65536)))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))"
    " (local.get 2))";

/* Locals that step through memory, which are compared with the length before the loop, and those
 * that only look like it. All go on until they trap, or for as many turns as the second parameter
 * says; what they leave in memory or in the global tells how far they came. */
static const char loops[] =
    "(memory INDEX 1 3) (global $seen (mut INDEX) (INDEX.const 0))"
    "(func $nothing)"
    "(func (export \"get_seen\") (result INDEX) (global.get $seen))"
    "(func (export \"byte\") (param INDEX) (result i32) (i32.load8_u (local.get 0)))"
    "(func (export \"size\") (result INDEX) (memory.size))"
    "(func (export \"grow\") (param INDEX) (result INDEX) (memory.grow (local.get 0)))"
    "(func (export \"clear\") (memory.fill (INDEX.const 0) (i32.const 0)"
    " (INDEX.mul (memory.size) (INDEX.const 65536))))"
    /* the access, then the step */
    "(func (export \"fill\") (param INDEX i32)"
    " (loop (i32.store8 (local.get 0) (i32.const 7))"
    "  (local.set 0 (INDEX.add (local.get 0) (INDEX.const 1)))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))"
    /* the step, then the access; further ones of other offsets */
    "(func (export \"ahead\") (param INDEX i32) (result i32) (local i32)"
    " (loop (drop (i32.load16_u (local.tee 0 (INDEX.add (local.get 0) (INDEX.const 64)))))"
    "  (local.set 2 (i32.add (local.get 2) (i32.load8_u offset=32000 (local.get 0))))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))"
    " (local.get 2))"
    /* two of them, from one to the other */
    "(func (export \"copy\") (param INDEX i32) (result INDEX) (local INDEX)"
    " (loop (i32.store8 (local.get 2) (i32.load8_u offset=5 (local.get 0)))"
    "  (local.set 2 (INDEX.add (local.get 2) (INDEX.const 1)))"
    "  (local.set 0 (INDEX.add (local.get 0) (INDEX.const 1)))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))"
    " (INDEX.add (local.get 0) (local.get 2)))"
    /* too large a step */
    "(func (export \"leap\") (param INDEX i32)"
    " (loop (i32.store8 (local.get 0) (i32.const 7))"
    "  (local.set 0 (INDEX.add (local.get 0) (INDEX.const 0x10000000)))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))"
    /* small ones, too many of them: by an inner loop */
    "(func (export \"inner\") (param INDEX i32) (local i32)"
    " (loop (i32.store8 (local.get 0) (i32.const 7)) (local.set 2 (i32.const 1000000))"
    "  (loop (local.set 0 (INDEX.add (local.get 0) (INDEX.const 64)))"
    "   (br_if 0 (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))"
    /* another write behind a branch */
    "(func (export \"behind\") (param INDEX i32)"
    " (loop (i32.store8 (local.get 0) (i32.const 7))"
    "  (if (i32.eq (local.get 1) (i32.const 2))"
    "   (then (local.set 0 (INDEX.const 0x20000000))))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))"
    /* the access is not reached in every turn */
    "(func (export \"leaves\") (param INDEX i32) (result INDEX)"
    " (block (loop (br_if 1 (i32.eqz (local.get 1))) (i32.store8 (local.get 0) (i32.const 7))"
    "  (local.set 1 (i32.sub (local.get 1) (i32.const 1)))"
    "  (local.set 0 (INDEX.add (local.get 0) (INDEX.const 1))) (br 0)))"
    " (local.get 0))"
    /* the value is seen before the access */
    "(func (export \"seen\") (param INDEX i32)"
    " (loop (global.set $seen (local.get 0)) (i32.store8 (local.get 0) (i32.const 7))"
    "  (local.set 0 (INDEX.add (local.get 0) (INDEX.const 1)))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))"
    "(func (export \"stored\") (param INDEX i32)"
    " (loop (INDEX.store (INDEX.const 16) (local.get 0)) (i32.store8 (local.get 0) (i32.const 7))"
    "  (local.set 0 (INDEX.add (local.get 0) (INDEX.const 1)))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))"
    "(func (export \"kept\") (param INDEX i32) (local INDEX)"
    " (loop (local.set 2 (INDEX.add (local.get 0) (INDEX.const 1)))"
    "  (global.set $seen (local.get 2)) (i32.store8 (local.get 0) (i32.const 7))"
    "  (local.set 0 (INDEX.add (local.get 0) (INDEX.const 1)))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))"
    /* the access is in a block, behind which turns end */
    "(func (export \"blocked\") (param INDEX i32)"
    " (loop (block (i32.store8 (local.get 0) (i32.const 7)) (br_if 0 (local.get 1)))"
    "  (local.set 0 (INDEX.add (local.get 0) (INDEX.const 1)))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))"
    /* it is left before the access, but in the last turn */
    "(func (export \"left\") (param INDEX i32) (result INDEX)"
    " (loop (block (br_if 0 (i32.ne (local.get 1) (i32.const 1)))"
    "   (i32.store8 (local.get 0) (i32.const 7)))"
    "  (local.set 0 (INDEX.add (local.get 0) (INDEX.const 1)))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))"
    " (local.get 0))"
    /* what is in bounds changes */
    "(func (export \"grows\") (param INDEX i32)"
    " (loop (i32.store8 (local.get 0) (i32.const 7)) (drop (memory.grow (INDEX.const 1)))"
    "  (call $nothing) (local.set 0 (INDEX.add (local.get 0) (INDEX.const 64)))"
    "  (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))"
    /* sums that lead on from what was checked, in a line */
    "(func (export \"sums\") (param INDEX i32) (result i32) (local INDEX)"
    " (drop (i32.load8_u (local.get 0)))"
    " (local.set 2 (INDEX.add (local.get 0) (INDEX.const 30000)))"
    " (drop (i32.load8_u (local.get 2)))"
    " (local.set 2 (INDEX.add (local.get 2) (INDEX.const 30000)))"
    " (local.set 2 (INDEX.add (local.get 2) (INDEX.const 30000)))"
    " (local.set 2 (INDEX.add (local.get 2) (INDEX.const 0x7fffffff)))"
    " (local.set 2 (INDEX.sub (local.get 2) (INDEX.const 0x7fffffff)))"
    " (i32.load8_u offset=9 (local.get 2)))"
    "(func (export \"back\") (param INDEX i32) (result i32)"
    " (drop (i32.load8_u (local.get 0)))"
    " (local.set 0 (INDEX.add (local.get 0) (INDEX.const -8)))"
    " (i32.load8_u (local.get 0)))";

static void free_text(char **text)
{
    mem_free(*text);
}

/* The text with the index type in place. */
static char *with_index(const char *text, const char *index)
{
    Buf b = {0};
    for (const char *at; (at = strstr(text, "INDEX")); text = at + 5) {
        buf_bytes(&b, text, (usize)(at - text));
        buf_str(&b, str_of(index));
    }
    buf_str(&b, str_of(text));
    return buf_take_string(&b);
}

static void check_boundaries(const char *index, const EngineConfig *config)
{
    __attribute__((cleanup(free_text))) char *text = with_index(boundaries, index);
    bool is64 = index[1] == '6';
    Harness h = harness_new(text, config);
    for (u64 end = 65536; end <= 3 * 65536; end += 65536) {
        TrapCode oob = TRAP_MEMORY_OUT_OF_BOUNDS;
        harness_run(&h, "put", end - 9, 0x0807060504030201, 0);
        harness_trap(&h, "put", end - 8, 0, oob);
        EXPECT_EQ(harness_run(&h, "byte", end - 1, 0, 0), 8);
        EXPECT_EQ(harness_run(&h, "word", end - 12, 0, 0), 0x0807060504030201);
        EXPECT_EQ(harness_run(&h, "vector", end - 32, 0, 0), 0x08070605);
        EXPECT_EQ(harness_run(&h, "sum", end - 11, 10, 0), 8);
        harness_trap(&h, "byte", end, 0, oob);
        harness_trap(&h, "word", end - 11, 0, oob);
        harness_trap(&h, "vector", end - 31, 0, oob);
        harness_trap(&h, "sum", end - 1, 1, oob);
        if (end == 65536) {
            harness_trap(&h, "far", 0, 0, oob);
        } else {
            EXPECT_EQ(harness_run(&h, "last_small", end - 65536, 0, 0), 0x08070605);
            EXPECT_EQ(harness_run(&h, "first_large", end - 65537, 0, 0), 0x08070605);
            harness_run(&h, "far", 0, 0, 0);
        }
        harness_trap(&h, "last_small", end - 65535, 0, oob);
        harness_trap(&h, "first_large", end - 65536, 0, oob);
        EXPECT_EQ(harness_run(&h, "in", 0, 0, 0), 0x08070605);
        if (end == 65536)
            harness_trap(&h, "out", 0, 0, oob);
        else
            EXPECT_EQ(harness_run(&h, "out", 0, 0, 0), 0x080706);
        static const u64 wild[] = {0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffff8, 0xffffffff};
        for (u32 i = 0; i < ARRAY_LEN(wild); i++) {
            harness_trap(&h, "byte", wild[i], 0, oob);
            harness_trap(&h, "word", wild[i], 0, oob);
            harness_trap(&h, "first_large", wild[i], 0, oob);
            harness_trap(&h, "huge", wild[i], 0, oob);
            if (!is64)
                continue;
            harness_trap(&h, "word", wild[i] << 32, 0, oob);
            harness_trap(&h, "word", (u64)0 - 12 - i, 0, oob);
            harness_trap(&h, "first_large", (u64)0 - 65533 - i, 0, oob);
            harness_trap(&h, "huge", (u64)0 - 0xfffffff0 + i, 0, oob);
        }
        harness_run(&h, "grow", 1, 0, 0);
    }
    harness_free(&h);
}

static void check_repeats(const char *index, const EngineConfig *config)
{
    __attribute__((cleanup(free_text))) char *text = with_index(repeats, index);
    const u32 far = 0x10000000; /* behind the guard: an access without a check is no trap there */
    TrapCode oob = TRAP_MEMORY_OUT_OF_BOUNDS;
    Harness h = harness_new(text, config);
    EXPECT_EQ(harness_run(&h, "twice", 8, 0, 0), 3);
    harness_trap(&h, "twice", 65532, 0, oob);
    EXPECT_EQ(harness_run(&h, "moved", 8, 12, 0), 3);
    harness_trap(&h, "moved", 8, far, oob);
    static const char *const ways[] = {"maybe", "either", "skipped"};
    for (u32 i = 0; i < ARRAY_LEN(ways); i++)
        for (u32 way = 0; way < 2; way++) {
            EXPECT_EQ(harness_run(&h, ways[i], 12, way, 0), 2);
            harness_trap(&h, ways[i], far, way, oob);
        }
    EXPECT_EQ(harness_run(&h, "loop", 8, 1, 0), 1);
    harness_trap(&h, "loop", 8, 2, oob);
    EXPECT_EQ(harness_run(&h, "base", 8, 3, 0), 6);
    harness_trap(&h, "base", 65532, 1, oob);
    EXPECT_EQ(harness_run(&h, "step", 8, 1, 0), 1);
    harness_trap(&h, "step", 8, 2, oob);
    EXPECT_EQ(harness_run(&h, "growing", 8, 3, 0), 1);
    harness_trap(&h, "growing", 8, 4, oob);
    harness_run(&h, "fill", 2 * 65536 - 80, 2, 0);
    harness_trap(&h, "fill", 3 * 65536 - 80, 3, oob);
    harness_free(&h);
}

static void check_loops(const char *index, const EngineConfig *config)
{
    __attribute__((cleanup(free_text))) char *text = with_index(loops, index);
    TrapCode oob = TRAP_MEMORY_OUT_OF_BOUNDS;
    Harness h = harness_new(text, config);
    static const char *const steppers[] = {"fill", "leaves", "seen", "stored", "kept", "blocked"};
    for (u32 i = 0; i < ARRAY_LEN(steppers); i++) {
        harness_run(&h, steppers[i], 65526, 10, 0);
        harness_trap(&h, steppers[i], 65526, 11, oob);
        harness_run(&h, "clear", 0, 0, 0);
        harness_trap(&h, steppers[i], 65534, 100, oob);
        EXPECT_EQ(harness_run(&h, "byte", 65533, 0, 0), 0);
        EXPECT_EQ(harness_run(&h, "byte", 65535, 0, 0), 7);
        harness_trap(&h, steppers[i], 65536, 1, oob);
        harness_trap(&h, steppers[i], 0x10000000, 1, oob);
        harness_trap(&h, steppers[i], 0xfffffff0, 100, oob);
    }
    harness_trap(&h, "seen", 0x10000000, 1, oob);
    EXPECT_EQ(harness_run(&h, "get_seen", 0, 0, 0), 0x10000000);
    harness_trap(&h, "kept", 0x10000000, 1, oob);
    EXPECT_EQ(harness_run(&h, "get_seen", 0, 0, 0), 0x10000001);
    harness_trap(&h, "stored", 0x12345678, 1, oob);
    EXPECT_EQ(harness_run(&h, "byte", 17, 0, 0), 0x56);
    EXPECT_EQ(harness_run(&h, "leaves", 0x10000000, 0, 0), 0x10000000);
    harness_trap(&h, "left", 0x10000000, 0x1000000, oob);
    EXPECT_EQ(harness_run(&h, "left", 65535 - 100, 101, 0), 65536);
    harness_trap(&h, "left", 65535 - 100, 102, oob);
    if (index[1] == '3')
        EXPECT_EQ(harness_run(&h, "left", 0xfffffff0, 32, 0), 16);
    harness_run(&h, "ahead", 65535 - 32000 - 640, 10, 0);
    harness_trap(&h, "ahead", 65535 - 32000 - 640, 11, oob);
    harness_trap(&h, "ahead", 65535, 11, oob);
    harness_trap(&h, "ahead", 0x10000000, 11, oob);
    u64 wraps = (u64)0 - 64; /* out of bounds until the step */
    harness_run(&h, "ahead", index[1] == '6' ? wraps : (u32)wraps, 2, 0);
    EXPECT_EQ(harness_run(&h, "copy", 65530 - 100, 101, 0), 65530 + 1 + 101);
    harness_trap(&h, "copy", 65530 - 100, 102, oob);
    harness_trap(&h, "copy", 0x10000000, 102, oob);
    static const char *const others[] = {"leap", "inner", "behind"};
    for (u32 i = 0; i < ARRAY_LEN(others); i++) {
        harness_run(&h, others[i], 65535, 1, 0);
        harness_trap(&h, others[i], 65535, 2, oob);
    }
    harness_trap(&h, "sums", 100, 0, oob); /* 90109 */
    harness_run(&h, "grow", 1, 0, 0);
    harness_run(&h, "sums", 40000, 0, 0);
    harness_trap(&h, "sums", 131072 - 90009, 0, oob);
    harness_run(&h, "sums", 131071 - 90009, 0, 0);
    harness_trap(&h, "back", 7, 0, oob);
    harness_run(&h, "back", 8, 0, 0);
    harness_run(&h, "grows", 131072 - 64, 1000, 0);
    EXPECT_EQ(harness_run(&h, "size", 0, 0, 0), 3);
    harness_trap(&h, "grows", 3 * 65536 - 64, 2, oob);
    harness_free(&h);
}

static void check_all(const EngineConfig *config)
{
    static const char *const types[] = {"i32", "i64"};
    for (u32 i = 0; i < ARRAY_LEN(types); i++) {
        check_boundaries(types[i], config);
        check_repeats(types[i], config);
        check_loops(types[i], config);
    }
}

TEST(accesses_with_guard_pages)
{
    check_all(NULL);
}

TEST(accesses_without_reservation)
{
    EngineConfig c;
    engine_config_init(&c);
    c.tunables.memory_reservation = c.tunables.memory_guard = 0;
    check_all(&c);
}

TEST(accesses_without_signals)
{
    EngineConfig c;
    engine_config_init(&c);
    c.tunables.signal_traps = false;
    check_all(&c);
}
