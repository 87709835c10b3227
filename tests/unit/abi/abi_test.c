/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Calling convention and context layout. */
#include "unit/test.h"

#include "abi/callconv.h"
#include "abi/trap.h"
#include "abi/vmctx.h"

TEST(call_layout_registers_then_stack)
{
    ValType params[] = {VT_I32, VT_F64, VT_I64, VT_I32,  VT_FUNCREF,
                        VT_I32, VT_I32, VT_I32, VT_V128, VT_I64};
    FuncType t = {ARRAY_LEN(params), 1, params, params};
    Arena arena;
    arena_init(&arena);
    CallLayout c;
    call_layout_init(&c, &t, &arena);
    EXPECT(!c.by_pointer);
    EXPECT_EQ(c.params[0].cls, ARG_INT);
    EXPECT_EQ(c.params[1].cls, ARG_FLOAT);
    EXPECT_EQ(c.params[1].reg, 0);
    EXPECT_EQ(c.params[6].reg, 5);
    EXPECT_EQ(c.params[7].cls, ARG_STACK);
    EXPECT_EQ(c.params[7].offset, 0);
    EXPECT_EQ(c.params[8].cls, ARG_FLOAT);
    EXPECT_EQ(c.params[9].offset, 8);
    EXPECT_EQ(c.stack_bytes, 16);
    arena_release(&arena);
}

TEST(call_layout_results_by_pointer)
{
    ValType types[] = {VT_I32, VT_I32, VT_I32, VT_I32, VT_I32, VT_V128};
    FuncType t = {1, 5, types, types};
    Arena arena;
    arena_init(&arena);
    CallLayout c;
    call_layout_init(&c, &t, &arena);
    EXPECT(c.by_pointer);
    EXPECT_EQ(c.params[0].reg, 1); /* the pointer comes first */
    t.nresults = 4;
    call_layout_init(&c, &t, &arena);
    EXPECT(!c.by_pointer);
    EXPECT_EQ(c.results[3].reg, 3);
    arena_release(&arena);
}

TEST(call_layout_vectors_are_aligned_on_the_stack)
{
    ValType types[12];
    for (u32 i = 0; i < 12; i++)
        types[i] = i < 9 ? VT_F32 : VT_V128;
    FuncType t = {12, 0, types, types};
    Arena arena;
    arena_init(&arena);
    CallLayout c;
    call_layout_init(&c, &t, &arena);
    EXPECT_EQ(c.params[8].offset, 0);
    EXPECT_EQ(c.params[9].offset, 16);
    EXPECT_EQ(c.params[11].offset, 48);
    EXPECT_EQ(c.stack_bytes, 64);
    arena_release(&arena);
}

TEST(vm_layout_places_without_overlap)
{
    u8 escapes[5] = {0, 1, 1, 0, 1};
    WasmModule m = {.nfuncs = 5,
                    .n_imported_funcs = 2,
                    .ntables = 2,
                    .n_imported_tables = 1,
                    .nmemories = 2,
                    .n_imported_memories = 1,
                    .nglobals = 3,
                    .n_imported_globals = 1,
                    .escapes = escapes,
                    .n_escaping = 3};
    Arena arena;
    arena_init(&arena);
    VmLayout l;
    vm_layout_init(&l, &m, true, &arena);
    EXPECT_EQ(l.globals % 16, 0);
    EXPECT(l.memories >= l.globals + 2 * sizeof(VmVal));
    EXPECT_EQ(l.memory_ptrs - l.memories, sizeof(VmMemory));
    EXPECT_EQ(l.funcref_of[1], UINT32_MAX); /* an import */
    EXPECT_EQ(l.funcref_of[3], UINT32_MAX);
    EXPECT_EQ(l.nfuncrefs, 2);
    EXPECT_EQ(vm_layout_funcref(&l, 4) - vm_layout_funcref(&l, 2), sizeof(VmFuncRef));
    EXPECT_EQ(vm_layout_func_import(&l, 1), l.func_imports + sizeof(VmFuncImport));
    EXPECT(l.size >= l.funcrefs + 2 * sizeof(VmFuncRef));
    arena_release(&arena);
}

TEST(trap_texts)
{
    EXPECT_STR(trap_text(TRAP_UNREACHABLE), "wasm `unreachable` instruction executed");
    for (int i = 0; i < TRAP_COUNT; i++)
        EXPECT(trap_text((TrapCode)i)[0]);
}
