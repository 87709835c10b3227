/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The instruction reader: every kind of immediate arrives in the fields that insn.h promises. */
#include "unit/wasm/wasm_fixture.h"

/* A module with types 0 (function), 1 (structure), 2 (array) whose bytes go on with `code`. */
typedef struct Code {
    WasmModule *m;
    Buf bytes;
    InsnReader r;
    Diag diag;
} Code;

static void code_open(Code *c, const char *hex)
{
    *c = (Code){0};
    Buf b = {0};
    wasm_begin(&b);
    wasm_hex(&b, "01 [03 60 01 7f 02 7f 7e 5f 01 7f 00 5e 78 01]");
    c->m = DECODE_OK(&b);
    buf_release(&b);
    wasm_hex(&c->bytes, hex);
    diag_init(&c->diag);
    c->r = (InsnReader){.at = c->bytes.p,
                        .end = c->bytes.p + c->bytes.n,
                        .base = c->bytes.p,
                        .m = c->m,
                        .diag = &c->diag};
}

static void code_close(Code *c)
{
    wasm_drop(c->m);
    buf_release(&c->bytes);
}

static Insn next(Code *c, OpId op)
{
    Insn i;
    if (!insn_read(&c->r, &i))
        test_fail(__FILE__, __LINE__, "no %s: %s", op_infos[op].text, c->diag.msg);
    EXPECT_STR(op_infos[i.op].text, op_infos[op].text);
    return i;
}

TEST(insn_numbers)
{
    Code c;
    code_open(&c, "41 7f 42 80 7f 43 01 02 03 84 44 01 02 03 04 05 06 07 88 20 80 01 "
                  "fd 0c 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f fe 03 00");
    EXPECT_EQ(next(&c, OP_i32_const).value, UINT64_MAX);
    EXPECT_EQ((i64)next(&c, OP_i64_const).value, -128);
    EXPECT_EQ(next(&c, OP_f32_const).value, 0x84030201);
    EXPECT_EQ(next(&c, OP_f64_const).value, 0x8807060504030201);
    EXPECT_EQ(next(&c, OP_local_get).idx, 128);
    EXPECT_EQ(next(&c, OP_v128_const).v128[15], 15);
    EXPECT_EQ(next(&c, OP_atomic_fence).offset, c.bytes.n - 3);
    Insn i;
    EXPECT(!insn_read(&c.r, &i) && diag_ok(&c.diag));
    code_close(&c);
}

TEST(insn_blocks_and_labels)
{
    Code c;
    code_open(&c, "02 40 03 7e 04 00 0e 02 05 80 01 07 1c 01 6f "
                  "1f 00 03 00 02 03 01 04 05 03 06");
    EXPECT_EQ(next(&c, OP_block).block.kind, BLOCK_EMPTY);
    Insn i = next(&c, OP_loop);
    EXPECT(i.block.kind == BLOCK_VALUE && i.block.type == VT_I64);
    BlockSig sig;
    block_sig(c.m, &i.block, &sig);
    EXPECT(sig.nparams == 0 && sig.nresults == 1 && sig.results[0] == VT_I64);
    i = next(&c, OP_if);
    block_sig(c.m, &i.block, &sig);
    EXPECT(sig.nparams == 1 && sig.nresults == 2 && sig.results[1] == VT_I64);
    i = next(&c, OP_br_table);
    EXPECT_EQ(i.count, 2);
    EXPECT_EQ(insn_next_label(&i.targets), 5);
    EXPECT_EQ(insn_next_label(&i.targets), 128);
    EXPECT_EQ(insn_next_label(&i.targets), 7);
    i = next(&c, OP_select_t);
    EXPECT(i.count == 1 && i.type == VT_EXTERNREF);
    i = next(&c, OP_try_table);
    EXPECT_EQ(i.count, 3);
    CatchClause k = insn_next_catch(&i.targets);
    EXPECT(k.kind == CATCH_TAG && k.tag == 2 && k.label == 3);
    k = insn_next_catch(&i.targets);
    EXPECT(k.kind == CATCH_TAG_REF && k.tag == 4 && k.label == 5);
    k = insn_next_catch(&i.targets);
    EXPECT(k.kind == CATCH_ALL_REF && k.label == 6);
    code_close(&c);
}

TEST(insn_memory_and_tables)
{
    Code c;
    code_open(&c, "28 02 10 29 43 07 80 80 80 80 80 80 80 80 80 01 fd 54 00 01 0f "
                  "fc 08 03 04 fc 0a 05 06 fc 0c 07 08 fc 0e 09 0a 11 00 0b");
    Insn i = next(&c, OP_i32_load);
    EXPECT(i.memarg.align_log2 == 2 && i.memarg.memory == 0 && i.memarg.offset == 16);
    i = next(&c, OP_i64_load);
    EXPECT(i.memarg.align_log2 == 3 && i.memarg.memory == 7);
    EXPECT_EQ(i.memarg.offset, (u64)1 << 63);
    i = next(&c, OP_v128_load8_lane);
    EXPECT(i.memarg.offset == 1 && i.lane == 15);
    i = next(&c, OP_memory_init);
    EXPECT(i.idx == 3 && i.idx2 == 4);
    i = next(&c, OP_memory_copy);
    EXPECT(i.idx == 5 && i.idx2 == 6);
    i = next(&c, OP_table_init);
    EXPECT(i.idx == 7 && i.idx2 == 8);
    i = next(&c, OP_table_copy);
    EXPECT(i.idx == 9 && i.idx2 == 10);
    i = next(&c, OP_call_indirect);
    EXPECT(i.idx == 0 && i.idx2 == 11);
    code_close(&c);
}

TEST(insn_references)
{
    Code c;
    code_open(&c, "d0 6e fb 02 01 00 fb 08 02 09 fb 11 02 02 fb 14 01 fb 17 6d "
                  "fb 18 01 04 6e 01 e3 00 02 00 01 02 01 03");
    EXPECT_EQ(next(&c, OP_ref_null).type, VALTYPE_REF(HEAP_ANY, true));
    Insn i = next(&c, OP_struct_get);
    EXPECT(i.idx == 1 && i.idx2 == 0);
    i = next(&c, OP_array_new_fixed);
    EXPECT(i.idx == 2 && i.idx2 == 9);
    i = next(&c, OP_array_copy);
    EXPECT(i.idx == 2 && i.idx2 == 2);
    EXPECT_EQ(next(&c, OP_ref_test).type, VALTYPE_REF(c.m->types[1], false));
    EXPECT_EQ(next(&c, OP_ref_cast_null).type, VALTYPE_REF(HEAP_EQ, true));
    i = next(&c, OP_br_on_cast);
    EXPECT_EQ(i.idx, 4);
    EXPECT_EQ(i.type, VALTYPE_REF(HEAP_ANY, true));
    EXPECT_EQ(i.type2, VALTYPE_REF(c.m->types[1], false));
    i = next(&c, OP_resume);
    EXPECT_EQ(i.count, 2);
    CatchClause k = insn_next_handler(&i.targets);
    EXPECT(k.kind == 0 && k.tag == 1 && k.label == 2);
    k = insn_next_handler(&i.targets);
    EXPECT(k.kind == 1 && k.tag == 3);
    code_close(&c);
}

static void add_group(void *arg, u32 count, ValType type)
{
    u32 *sum = arg;
    *sum += count * (type == VT_I64 ? 1000 : 1);
}

TEST(insn_locals)
{
    Code c;
    code_open(&c, "02 03 7f 02 7e 0b");
    u32 sum = 0;
    EXPECT(insn_read_locals(&c.r, add_group, &sum));
    EXPECT_EQ(sum, 2003);
    EXPECT_EQ(next(&c, OP_end).offset, 5);
    code_close(&c);
}

/* A proposal that is off is named. */
TEST(insn_proposals_off)
{
    static const struct {
        const char *body, *message;
        FeatureSet off;
    } rows[] = {
        {"00 41 00 c0 1a 0b", "illegal opcode c0: i32.extend8_s needs the SIGN_EXTENSION proposal",
         FEATURE_MASK(SIGN_EXTENSION)},
        {"00 12 00 0b", "illegal opcode 12: return_call needs the tail-call",
         FEATURE_MASK(TAIL_CALL)},
        {"00 fd 0c 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 1a 0b",
         "illegal opcode fd: v128.const needs the simd proposal", FEATURE_MASK(SIMD)},
        {"01 01 7b 0b", "v128: the simd proposal is off", FEATURE_MASK(SIMD)},
        {"00 fc 09 00 0b", "illegal opcode fc: data.drop needs the bulk-memory",
         FEATURE_MASK(BULK_MEMORY)},
        {"00 d0 6e 1a 0b", "heap type: the gc proposal is off", FEATURE_MASK(GC)},
        {"00 fe 03 00 0b", "illegal opcode fe: atomic.fence needs the threads proposal",
         FEATURE_MASK(THREADS)},
        {"00 00 13 05 0b", "illegal opcode 13", FEATURE_MASK(TAIL_CALL)},
        {"01 01 64 70 0b", "typed reference: the function-references proposal is off",
         FEATURE_MASK(FUNCTION_REFERENCES) | FEATURE_MASK(GC)},
        {"00 02 00 0b 0b", "block with parameters or several results: the multi-value",
         FEATURE_MASK(MULTI_VALUE)},
        {"00 1f 40 00 0b 0b", "illegal opcode 1f: try_table needs the exceptions",
         FEATURE_MASK(EXCEPTIONS)},
    };
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        Buf b = {0};
        wasm_one_func(&b, "60 00 00", rows[i].body);
        wasm_expect_error(__FILE__, __LINE__, &b, wasm_all_features() & ~rows[i].off,
                          DIAG_UNSUPPORTED, -1, rows[i].message);
        buf_release(&b);
    }
}

/* What a module uses is reported, nothing else. */
TEST(insn_uses)
{
    Buf b = {0};
    wasm_one_func(&b, "60 00 00", "00 41 00 c0 1a 0b");
    WasmModule *m = DECODE_OK(&b);
    EXPECT_EQ(m->uses, FEATURE_MASK(MVP) | FEATURE_MASK(SIGN_EXTENSION));
    wasm_drop(m);
    buf_release(&b);
}
