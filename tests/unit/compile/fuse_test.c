/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Instructions that become one: the same results where operands and targets are the same local. */
#include "unit/compile/harness.h"

#include <stdio.h>

static u32 run2(const char *body, u32 a, u32 b)
{
    Buf text = {0};
    buf_printf(
        &text,
        "(memory 1) (data (i32.const 0) \"\\05\\00\\00\\00\\09\\00\\00\\00\\00\\00\\00\\00\")"
        "(func $id (param i32) (result i32) (local.get 0))"
        "(func (export \"leaf\") (param $a i32) (param $b i32) (result i32) (local $c i32) %s)"
        "(func (export \"calls\") (param $a i32) (param $b i32) (result i32) (local $c i32)"
        " (drop (call $id (i32.const 1))) %s)",
        body, body);
    char *z = buf_take_string(&text);
    Harness h = harness_new(z, NULL);
    u32 leaf = (u32)harness_run(&h, "leaf", a, b, 0);
    EXPECT_EQ(harness_run(&h, "calls", a, b, 0), leaf);
    harness_free(&h);
    mem_free(z);
    return leaf;
}

/* `form` with the digit k in place of '#'. */
static void put_count(const char *form, u32 k, char ret_body[256])
{
    usize i = 0;
    for (; form[i] && i < 255; i++)
        ret_body[i] = form[i] == '#' ? (char)('0' + k) : form[i];
    ret_body[i] = 0;
}

TEST(fuse_scaled_sums)
{
    for (u32 k = 0; k < 5; k++) {
        static const char *const forms[] = {
            "(i32.add (local.get $b) (i32.shl (local.get $a) (i32.const #)))",
            "(i32.add (i32.shl (local.get $a) (i32.const #)) (local.get $b))",
            "(local.set $a (i32.add (local.get $b) (i32.shl (local.get $a) (i32.const #))))"
            "(local.get $a)",
            "(local.set $b (i32.add (i32.shl (local.get $a) (i32.const #)) (local.get $b)))"
            "(local.get $b)",
            "(local.get $c) (local.set $c (i32.add (local.get $b)"
            " (i32.shl (local.get $a) (i32.const #)))) (i32.add (local.get $c))",
            "(i32.add (i32.mul (local.get $b) (i32.const 1))"
            " (i32.shl (i32.xor (local.get $a) (i32.const 0)) (i32.const #)))",
        };
        for (u32 i = 0; i < ARRAY_LEN(forms); i++) {
            char body[256];
            put_count(forms[i], k, body);
            EXPECT_EQ(run2(body, 0x60000003, 0xfffffff0), (0x60000003u << k) + 0xfffffff0u);
        }
        char body[256];
        snprintf(body, sizeof body,
                 "(i32.add (i32.shl (local.get $a) (i32.const %u)) (i32.const -100))", k);
        EXPECT_EQ(run2(body, 0x60000003, 0), (0x60000003u << k) - 100);
        snprintf(body, sizeof body,
                 "(i32.add (i32.const -100) (i32.shl (local.get $a) (i32.const %u)))", k);
        EXPECT_EQ(run2(body, 7, 0), (7u << k) - 100);
    }
}

TEST(fuse_loads)
{
    EXPECT_EQ(run2("(i32.sub (local.get $a) (i32.load (local.get $b)))", 100, 4), 91);
    EXPECT_EQ(run2("(local.set $b (i32.sub (local.get $a) (i32.load (local.get $b))))"
                   "(local.get $b)",
                   100, 4),
              91);
    EXPECT_EQ(run2("(local.set $a (i32.sub (local.get $a) (i32.load (local.get $b))))"
                   "(local.get $a)",
                   100, 4),
              91);
    EXPECT_EQ(run2("(local.get $b) (local.set $b (i32.mul (local.get $b)"
                   " (i32.load (local.get $b)))) (i32.add (local.get $b))",
                   0, 4),
              40);
    EXPECT_EQ(run2("(i32.eqz (i32.load8_u (local.get $b)))", 0, 4), 0);
    EXPECT_EQ(run2("(i32.eqz (i32.load8_s (local.get $b)))", 0, 8), 1);
    EXPECT_EQ(run2("(if (result i32) (i32.load16_u (local.get $b)) (then (i32.const 1))"
                   " (else (i32.const 2)))",
                   0, 7),
              2);
    EXPECT_EQ(run2("(block (result i32) (br_if 0 (i32.const 3) (i32.load (local.get $b)))"
                   " (i32.add (i32.const 4)))",
                   0, 8),
              7);
    EXPECT_EQ(run2("(i32.eqz (i32.eqz (i32.load (local.get $b))))", 0, 0), 1);
    EXPECT_EQ(run2("(select (i32.const 5) (i32.const 6)"
                   " (i32.and (local.get $a) (i32.load (local.get $b))))",
                   2, 0),
              6);
}
