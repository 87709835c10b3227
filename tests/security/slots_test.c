/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A request that looks for what the one before left (CVE-2022-39393, CVE-2026-34988 and others). */
#include "unit/engine/slot_bed.h"

/* "hide" leaves a secret everywhere, "seek" counts where it is found: 0x5e bytes in memory, as far
 * as it goes and as far as it grows, elements of tables, values of globals. */
static const char program[] =
    "(module (import \"h\" \"f\" (func $h (param i32) (result i32)))"
    "(memory (export \"m\") 2 40) (table (export \"t\") 4 5000 funcref)"
    "(table $x (export \"x\") 2 3000 externref)"
    "(global $a (mut i64) (i64.const 0)) (global $b (mut v128) (v128.const i64x2 0 0))"
    "(global $c (mut f64) (f64.const 0)) (global $d (mut funcref) (ref.null func))"
    "(data (i32.const 65530) \"over the border of a page\")"
    "(func $f (export \"f\")) (elem declare func $f)"
    "(func (export \"hide\") (param $pages i32) (param $how i32) (result i32)"
    "  (drop (memory.grow (local.get $pages)))"
    "  (memory.fill (i32.const 0) (i32.const 0x5e) (i32.mul (memory.size) (i32.const 65536)))"
    "  (drop (table.grow 0 (ref.func $f) (i32.mul (local.get $pages) (i32.const 100))))"
    "  (table.fill 0 (i32.const 0) (ref.func $f) (table.size 0))"
    "  (global.set $a (i64.const 0x5e)) (global.set $b (v128.const i64x2 0x5e 0x5e))"
    "  (global.set $c (f64.const 0x5e)) (global.set $d (ref.func $f))"
    "  (if (i32.eq (local.get $how) (i32.const 1)) (then unreachable))"
    "  (if (i32.eq (local.get $how) (i32.const 2)) (then (drop (i32.load (i32.const -1)))))"
    "  (if (i32.eq (local.get $how) (i32.const 3)) (then (loop (br 0))))"
    "  (memory.size))"
    "(func $look (result i32) (local $i i32) (local $n i32)"
    "  (loop $l (local.set $n (i32.add (local.get $n)"
    "     (i32.eq (i32.load8_u (local.get $i)) (i32.const 0x5e))))"
    "   (local.set $i (i32.add (local.get $i) (i32.const 1)))"
    "   (br_if $l (i32.lt_u (local.get $i) (i32.mul (memory.size) (i32.const 65536)))))"
    "  (local.set $i (i32.const 0))"
    "  (loop $l (local.set $n (i32.add (local.get $n)"
    "     (i32.eqz (ref.is_null (table.get 0 (local.get $i))))))"
    "   (local.set $i (i32.add (local.get $i) (i32.const 1)))"
    "   (br_if $l (i32.lt_u (local.get $i) (table.size 0))))"
    "  (local.get $n))"
    "(func (export \"seek\") (param $pages i32) (param i32) (result i32) (local $n i32)"
    "  (local.set $n (i32.add (i64.ne (global.get $a) (i64.const 0))"
    "   (i32.add (v128.any_true (global.get $b)) (i32.add (f64.ne (global.get $c) (f64.const 0))"
    "    (i32.eqz (ref.is_null (global.get $d)))))))"
    "  (local.set $n (i32.add (local.get $n) (call $look)))"
    "  (drop (memory.grow (local.get $pages)))"
    "  (drop (table.grow 0 (ref.null func) (i32.mul (local.get $pages) (i32.const 100))))"
    "  (i32.add (local.get $n) (call $look)))"
    "(func (export \"beyond\") (param $at i32) (param i32) (result i32)"
    "  (i32.load8_u (local.get $at)))"
    "(func (export \"offset\") (param $at i32) (param i32) (result i32)"
    "  (i32.load8_u offset=65000 (local.get $at))))";

static void hide_and_seek(SlotRun *r, u32 round)
{
    static const u32 pages[] = {0, 1, 38, 7, 20};
    u32 grown = pages[round % ARRAY_LEN(pages)], how = round % 4;
    EXPECT_EQ(slot_run_call(r, 0, "seek", pages[round / 2 % ARRAY_LEN(pages)], 0), 0);
    EXPECT(store_reset(r->store));
    if (how == 3)
        store_interrupt(r->store); /* ends the request before it begins, or in its loop */
    u64 v = slot_run_any(r, 0, "hide", grown, how == 3 ? 0 : how);
    EXPECT(how ? v >> 32 : v == 2 + grown);
    EXPECT(store_reset(r->store));
    EXPECT(slot_run_any(r, 0, "beyond", 2 * 65536, 0) >> 32);
    EXPECT(slot_run_any(r, 0, "beyond", (2 + grown) * 65536 - 1, 0) >> 32 || grown == 0);
    EXPECT(slot_run_any(r, 0, "offset", 65536 + 600, 0) >> 32);
    EXPECT(store_reset(r->store));
}

/* All ways of putting memories back, with budgets that all, some and none of them exceed. */
static void each_way(u64 reservation)
{
    static const u64 resident[] = {8 << 20, 40 << 10, 0};
    for (u32 way = 0; way < 4; way++)
        for (u32 k = 0; k < ARRAY_LEN(resident); k++) {
            SlotOptions o;
            slot_options_init(&o);
            o.no_scan = way & 1;
            o.no_file = way & 2;
            o.resident = resident[k];
            o.sample_every = 3;
            o.table_spare = 1000;
            SlotBed b;
            slot_bed_init(&b, &o, reservation);
            slot_bed_module(&b, program);
            SlotRun r;
            slot_run_init(&r, &b, true);
            for (u32 round = 0; round < 10; round++)
                hide_and_seek(&r, round);
            slot_run_release(&r);
            slot_bed_release(&b);
        }
}

TEST(security_slots_show_no_secret_of_the_request_before)
{
    each_way((u64)4 << 30);
}

TEST(security_slots_show_no_secret_in_memories_that_move)
{
    each_way(0);
}

TEST(security_slots_show_no_secret_in_checked_memories)
{
    each_way((u64)64 << 20);
    each_way(SLOT_BED_EXACT);
}

/* Two stores of one program, with the same image: what one writes the other does not see. */
TEST(security_slots_share_images_but_no_page)
{
    SlotOptions o;
    slot_options_init(&o);
    SlotBed b;
    slot_bed_init(&b, &o, (u64)4 << 30);
    slot_bed_module(&b, program);
    SlotRun x, y;
    slot_run_init(&x, &b, true);
    slot_run_init(&y, &b, true);
    for (u32 round = 0; round < 4; round++) {
        EXPECT_EQ(slot_run_call(&x, 0, "hide", 3, 0), 5);
        EXPECT_EQ(slot_run_call(&y, 0, "seek", 3, 0), 0);
        EXPECT(store_reset(y.store));
        EXPECT_EQ(slot_run_call(&y, 0, "hide", 1, 0), 3);
        EXPECT(store_reset(x.store));
        EXPECT_EQ(slot_run_call(&x, 0, "seek", 3, 0), 0);
        EXPECT(store_reset(x.store));
        EXPECT(store_reset(y.store));
    }
    slot_run_release(&x);
    slot_run_release(&y);
    slot_bed_release(&b);
}
