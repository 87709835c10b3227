/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Copies and fills of constant length: all lengths, overlaps, the memory's end. */
#include "unit/compile/harness.h"

enum { LONGEST = 80 };

static char *module_text(u32 n)
{
    Buf b = {0};
    buf_printf(&b,
               "(memory 1)"
               "(func (export \"set\") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))"
               "(func (export \"get\") (param i32) (result i32) (i32.load8_u (local.get 0)))"
               "(func (export \"copy\") (param i32 i32)"
               " (memory.copy (local.get 0) (local.get 1) (i32.const %u)))"
               "(func (export \"end\") (param i32)"
               " (memory.copy (i32.const 65526) (local.get 0) (i32.const %u)))"
               "(func (export \"fill\") (param i32)"
               " (memory.fill (local.get 0) (i32.const 0x1a5) (i32.const %u)))"
               "(func (export \"clear\") (param i32)"
               " (memory.fill (local.get 0) (i32.const 0) (i32.const %u)))",
               n, n, n, n);
    return buf_take_string(&b);
}

/* 200 bytes from address 1000 on. */
static void expect_bytes(Harness *h, const u8 *want)
{
    for (u32 i = 0; i < 200; i++)
        EXPECT_EQ(harness_run(h, "get", 1000 + i, 0, 0), want[i]);
}

static void check_length(u32 n, const EngineConfig *config)
{
    char *text = module_text(n);
    Harness h = harness_new(text, config);
    u8 want[200];
    for (u32 i = 0; i < 200; i++) {
        want[i] = (u8)(i * 3 + 1);
        harness_run(&h, "set", 1000 + i, want[i], 0);
    }
    static const u32 distances[] = {0, 1, 5, 16, 90};
    for (u32 i = 0; i < ARRAY_LEN(distances); i++) {
        u32 d = distances[i];
        harness_run(&h, "copy", 1010 + d, 1010, 0);
        memmove(want + 10 + d, want + 10, n);
        harness_run(&h, "copy", 1010, 1010 + d, 0);
        memmove(want + 10, want + 10 + d, n);
    }
    expect_bytes(&h, want);
    harness_run(&h, "fill", 1020, 0, 0);
    memset(want + 20, 0xa5, n);
    harness_run(&h, "clear", 1030, 0, 0);
    memset(want + 30, 0, n);
    expect_bytes(&h, want);
    /* at the end of the memory: nothing is written before a trap */
    harness_run(&h, "fill", 65536 - n, 0, 0);
    EXPECT_EQ(harness_run(&h, "get", 65535, 0, 0), n ? 0xa5 : 0);
    harness_run(&h, "clear", 65536 - n, 0, 0);
    harness_trap(&h, "fill", 65537 - n, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_trap(&h, "copy", 65537 - n, 1000, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_trap(&h, "copy", 1000, 65537 - n, TRAP_MEMORY_OUT_OF_BOUNDS);
    harness_trap(&h, "copy", UINT32_MAX, 1000, TRAP_MEMORY_OUT_OF_BOUNDS);
    if (n > 10)
        harness_trap(&h, "end", 1000, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    for (u32 i = 65536 - 90; i < 65536; i++)
        EXPECT_EQ(harness_run(&h, "get", i, 0, 0), 0);
    expect_bytes(&h, want);
    harness_free(&h);
    mem_free(text);
}

TEST(bulk_of_constant_length)
{
    for (u32 n = 0; n < LONGEST; n++)
        check_length(n, NULL);
}

TEST(bulk_of_constant_length_checked)
{
    EngineConfig c;
    engine_config_init(&c);
    c.tunables.memory_reservation = c.tunables.memory_guard = 0;
    c.tunables.signal_traps = false;
    for (u32 n = 0; n < LONGEST; n += 3)
        check_length(n, &c);
}
