/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The instruction table: its order, both ways to find a row, its signatures and widths. */
#include "unit/test.h"
#include "wasm/insn.h"

TEST(op_rows_are_in_order_and_found)
{
    for (u32 op = 0; op < OP_COUNT; op++) {
        const OpInfo *o = &op_infos[op];
        EXPECT_EQ(op_find(o->prefix, o->code), op);
        if (op > 0) {
            const OpInfo *before = &op_infos[op - 1];
            EXPECT((before->prefix << 16 | before->code) < (o->prefix << 16 | o->code));
        }
    }
}

TEST(op_unassigned_codes_are_not_found)
{
    static const struct {
        u8 prefix;
        u32 code;
    } none[] = {
        {0, 0x06},    {0, 0x07},     {0, 0x09},    {0, 0x19},    {0, 0x1d},         {0, 0xc5},
        {0, 0xfb},    {0, 0xff},     {0xfb, 0x1f}, {0xfc, 0x12}, {0xfc, 0x17},      {0xfd, 0x9a},
        {0xfd, 0xa2}, {0xfd, 0x114}, {0xfe, 0x04}, {0xfe, 0x4f}, {0xfa, 0},         {1, 0},
        {0xff, 0},    {0xfc, 0x100}, {0, 0x100},   {0, 262144},  {0xfd, UINT32_MAX}};
    for (u32 i = 0; i < ARRAY_LEN(none); i++)
        EXPECT_EQ(op_find(none[i].prefix, none[i].code), OP_COUNT);
    for (u32 op = 0; op < OP_COUNT; op++)
        EXPECT_EQ(op_find(op_infos[op].prefix, op_infos[op].code + 262144U), OP_COUNT);
}

TEST(op_keywords_are_found)
{
    Map map = {0};
    op_text_map(&map);
    for (u32 op = 0; op < OP_COUNT; op++) {
        OpId found = op_find_text(str_of(op_infos[op].text));
        EXPECT_STR(op_infos[found].text, op_infos[op].text);
        bool shared = op == OP_select_t || op == OP_ref_test_null || op == OP_ref_cast_null;
        EXPECT_EQ(found, shared ? op - 1 : op);
        u64 mapped = OP_COUNT;
        EXPECT(map_get(&map, str_of(op_infos[op].text), &mapped));
        EXPECT_EQ(mapped, found);
    }
    map_release(&map);
    EXPECT_EQ(op_find_text(STR("i32.ad")), OP_COUNT);
    EXPECT_EQ(op_find_text(STR("i32.addd")), OP_COUNT);
    EXPECT_EQ(op_find_text(STR("")), OP_COUNT);
}

/* Memory instructions, and only they, have a width; their first parameter is the address. */
TEST(op_signatures_are_well_formed)
{
    for (u32 op = 0; op < OP_COUNT; op++) {
        const OpInfo *o = &op_infos[op];
        bool access = o->imm == IMM_MEMARG || o->imm == IMM_MEMARG_LANE;
        EXPECT_EQ(o->flags >> 8 != 0, access);
        EXPECT(!(o->flags & OPF_ATOMIC) || access);
        if (access)
            EXPECT(o->sig[0] == 'a' && op_access_log2((OpId)op) <= 4);
        if (o->sig[0] == '*')
            continue;
        EXPECT_EQ(strspn(o->sig, "ilfdva:"), strlen(o->sig));
        EXPECT(strchr(o->sig, ':') && strchr(o->sig, ':') == strrchr(o->sig, ':'));
    }
}

TEST(op_known_encodings)
{
    static const struct {
        const char *text;
        u8 prefix;
        u32 code;
    } known[] = {{"unreachable", 0, 0x00},
                 {"try_table", 0, 0x1f},
                 {"i64.store32", 0, 0x3e},
                 {"f64.reinterpret_i64", 0, 0xbf},
                 {"i64.extend32_s", 0, 0xc4},
                 {"br_on_non_null", 0, 0xd6},
                 {"i31.get_u", 0xfb, 30},
                 {"table.fill", 0xfc, 17},
                 {"i64.mul_wide_u", 0xfc, 22},
                 {"f64x2.convert_low_i32x4_u", 0xfd, 255},
                 {"i32x4.relaxed_dot_i8x16_i7x16_add_s", 0xfd, 275},
                 {"i64.atomic.rmw32.cmpxchg_u", 0xfe, 0x4e}};
    for (u32 i = 0; i < ARRAY_LEN(known); i++)
        EXPECT_EQ(op_find(known[i].prefix, known[i].code), op_find_text(str_of(known[i].text)));
}
