/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The code buffer: labels, constants, jump tables, growth; branches of the encoder; CPU names. */
#include "backend/x64/asm.h"
#include "unit/test.h"

#include <sys/mman.h>

/* Copies the finished code to memory that may be executed; stays mapped. */
static void *make_callable(CodeBuf *c)
{
    EXPECT(code_finish(c));
    void *p = mmap(NULL, c->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(p != MAP_FAILED);
    memcpy(p, c->base, c->size);
    EXPECT(mprotect(p, c->size, PROT_READ | PROT_EXEC) == 0);
    return p;
}

static void expect_bytes(const CodeBuf *c, u32 at, const char *want, u32 n)
{
    if (memcmp(c->base + at, want, n) == 0)
        return;
    for (u32 i = 0; i < n; i++)
        if (c->base[at + i] != (u8)want[i])
            test_fail(__FILE__, __LINE__, "byte %u is %02x, expected %02x", at + i, c->base[at + i],
                      (u8)want[i]);
}

TEST(code_branches_take_the_short_form_backward)
{
    CodeBuf c;
    code_init(&c, X64_CPU_SET_BASE);
    CodeLabel back = code_label(&c), fwd = code_label(&c);
    code_bind(&c, back);
    x64_jmp(&c, back);            /* 0: eb fe */
    x64_jcc(&c, CC_NE, back);     /* 2: 75 fc */
    x64_jmp(&c, fwd);             /* 4: e9 rel32 */
    x64_jcc_short(&c, CC_E, fwd); /* 9: 74 rel8 */
    x64_call(&c, back);           /* 11: e8 rel32 */
    x64_nop(&c, 108);             /* 16 */
    x64_jcc(&c, CC_L, back);      /* 124: 7c 82 */
    x64_jcc(&c, CC_L, back);      /* 126: 7c 80 */
    x64_jcc(&c, CC_L, back);      /* 128: 0f 8c rel32 */
    EXPECT_EQ(code_offset(&c), 134);
    code_bind(&c, fwd);
    expect_bytes(&c, 0, "\xeb\xfe\x75\xfc\xe9\x7d\x00\x00\x00\x74\x7b\xe8\xf0\xff\xff\xff", 16);
    expect_bytes(&c, 124, "\x7c\x82\x7c\x80\x0f\x8c\x7a\xff\xff\xff", 10);
    EXPECT(code_finish(&c));
    EXPECT_EQ(c.size, 134);
    code_release(&c);
}

TEST(code_constants_are_shared_and_aligned)
{
    CodeBuf c;
    code_init(&c, X64_CPU_SET_BASE);
    for (u32 round = 0; round < 3; round++) {
        code_reset(&c);
        u64 base = 0x1000 * round;
        CodeLabel a = code_const_u32(&c, 7), b = code_const_u64(&c, 7);
        CodeLabel v = code_const_u64x2(&c, 1, 2);
        EXPECT(a != b);
        EXPECT_EQ(code_const_u32(&c, 7), a);
        EXPECT_EQ(code_const_u64(&c, 7), b);
        EXPECT_EQ(code_const_u64x2(&c, 1, 2), v);
        CodeLabel many[500];
        for (u64 i = 0; i < 500; i++)
            many[i] = code_const_u64(&c, base + i * 3 + 8);
        for (u64 i = 0; i < 500; i++)
            EXPECT_EQ(code_const_u64(&c, base + i * 3 + 8), many[i]);
        x64_rm(&c, X64_MOV, SZ_64, RAX, x64_mem_label(b));
        x64_mi(&c, X64_CMP, SZ_32, x64_mem_label(a), 0x12345);
        x64_ret(&c);
        EXPECT(code_finish(&c));
        EXPECT_EQ(c.code_size, 7 + 10 + 1);
        u32 at_a = code_label_offset(&c, a), at_b = code_label_offset(&c, b);
        u32 at_v = code_label_offset(&c, v);
        EXPECT(at_a % 4 == 0 && at_b % 8 == 0 && at_v % 16 == 0);
        EXPECT(load_u32(c.base + at_a) == 7 && load_u64(c.base + at_b) == 7);
        EXPECT(load_u64(c.base + at_v + 8) == 2);
        EXPECT_EQ(load_u32(c.base + 3), at_b - 7);
        EXPECT_EQ(load_u32(c.base + 7 + 2), at_a - 17); /* the immediate counts too */
        for (u64 i = 0; i < 500; i++)
            EXPECT_EQ(load_u64(c.base + code_label_offset(&c, many[i])), base + i * 3 + 8);
    }
    code_release(&c);
}

TEST(code_jump_table_runs)
{
    CodeBuf c;
    code_init(&c, X64_CPU_SET_BASE);
    CodeLabel cases[5];
    for (u32 i = 0; i < 5; i++)
        cases[i] = code_label(&c);
    x64_lea(&c, SZ_64, RAX, x64_mem_label(code_jump_table(&c, cases, 5)));
    x64_movsx_rm(&c, SZ_32, SZ_64, RCX, x64_mem_index(RAX, RDI, 2, 0));
    x64_rr(&c, X64_ADD, SZ_64, RCX, RAX);
    x64_jmp_r(&c, RCX);
    for (u32 i = 0; i < 5; i++) {
        code_bind(&c, cases[4 - i]);
        x64_mov_ri(&c, SZ_32, RAX, 100 + 4 - i);
        x64_ret(&c);
    }
    int (*f)(u64) = make_callable(&c);
    for (u32 i = 0; i < 5; i++)
        EXPECT_EQ(f(i), 100 + i);
    code_release(&c);
}

TEST(code_grows_and_keeps_what_it_has)
{
    CodeBuf c;
    code_init(&c, X64_CPU_SET_BASE);
    CodeLabel end = code_label(&c);
    x64_jmp(&c, end);
    for (u32 i = 0; i < 200000; i++)
        x64_ri(&c, X64_ADD, SZ_32, RAX, 1);
    code_bind(&c, end);
    x64_mov_ri(&c, SZ_32, RAX, 3);
    x64_ret(&c);
    int (*f)(void) = make_callable(&c);
    EXPECT_EQ(c.size, 5 + 600000 + 6);
    EXPECT_EQ(f(), 3);
    code_release(&c);
}

TEST(code_beyond_the_limit_fails_and_stays_usable)
{
    CodeBuf c;
    code_init(&c, X64_CPU_SET_BASE);
    CodeLabel l = code_label(&c);
    x64_jmp(&c, l);
    static u8 chunk[1 << 20];
    code_bytes(&c, chunk, sizeof chunk);
    EXPECT(!c.failed);
    code_bytes(&c, chunk, CODE_MAX_SIZE); /* refused before a byte is read */
    EXPECT(c.failed);
    for (u32 i = 0; i < 100000; i++)
        x64_jcc_short(&c, CC_E, l);
    code_bind(&c, l);
    EXPECT(!code_finish(&c));
    code_reset(&c);
    x64_ret(&c);
    EXPECT(code_finish(&c));
    EXPECT_EQ(c.size, 1);
    code_release(&c);
}

TEST(code_relocations_say_where_and_what)
{
    CodeBuf c;
    code_init(&c, X64_CPU_SET_BASE);
    x64_call_reloc(&c, 17);
    x64_lea_reloc(&c, R9, 18);
    x64_jcc_reloc(&c, CC_A, 19);
    x64_mov_abs(&c, RAX, 0);
    code_reloc(&c, CODE_RELOC_ABS64, 20);
    EXPECT_EQ(c.relocs.n, 4);
    static const u32 at[] = {1, 8, 14, 20};
    for (u32 i = 0; i < 4; i++) {
        EXPECT_EQ(c.relocs.p[i].at, at[i]);
        EXPECT_EQ(c.relocs.p[i].target, 17 + i);
        EXPECT_EQ(c.relocs.p[i].addend, i < 3 ? -4 : 0);
        EXPECT_EQ(c.relocs.p[i].kind, i < 3 ? CODE_RELOC_REL32 : CODE_RELOC_ABS64);
    }
    code_release(&c);
}

TEST(x64_nops_of_any_length_run)
{
    CodeBuf c;
    for (u32 n = 0; n < 40; n++) {
        code_init(&c, X64_CPU_SET_BASE);
        x64_mov_ri(&c, SZ_32, RAX, n);
        x64_nop(&c, n);
        EXPECT_EQ(code_offset(&c), 5 + n);
        x64_align(&c, 16);
        EXPECT_EQ(code_offset(&c) % 16, 0);
        x64_ret(&c);
        int (*f)(void) = make_callable(&c);
        EXPECT_EQ(f(), n);
        code_release(&c);
    }
}

TEST(x64_condition_codes_swap_and_negate)
{
    static const X64Cond order[] = {CC_B, CC_AE, CC_E,  CC_NE, CC_BE,
                                    CC_A, CC_L,  CC_GE, CC_LE, CC_G};
    for (u32 i = 0; i < ARRAY_LEN(order); i++) {
        CodeBuf c;
        code_init(&c, X64_CPU_SET_BASE);
        x64_zero(&c, RAX);
        x64_rr(&c, X64_CMP, SZ_32, RDI, RSI);
        x64_setcc_r(&c, order[i], RAX);
        x64_rr(&c, X64_CMP, SZ_32, RSI, RDI);
        x64_setcc_r(&c, x64_cond_swap(order[i]), RCX);
        x64_rr(&c, X64_SUB, SZ_8, RCX, RAX);
        x64_rr(&c, X64_CMP, SZ_32, RDI, RSI);
        x64_setcc_r(&c, x64_cond_not(order[i]), RDX);
        x64_rr(&c, X64_ADD, SZ_8, RAX, RDX);
        x64_shift_ri(&c, X64_SHL, SZ_8, RCX, 1);
        x64_rr(&c, X64_ADD, SZ_8, RAX, RCX);
        x64_ret(&c);
        int (*f)(int, int) = make_callable(&c);
        static const int values[] = {0, 1, -1, INT32_MIN, INT32_MAX};
        for (u32 a = 0; a < 5; a++)
            for (u32 b = 0; b < 5; b++)
                EXPECT_EQ(f(values[a], values[b]), 1);
        code_release(&c);
    }
}

TEST(x64_cpu_lists_parse_and_print)
{
    X64CpuSet s = X64_CPU_SET_ALL;
    EXPECT(!x64_cpu_parse(STR("-avx,-popcnt"), &s));
    EXPECT(!X64_HAS(s, AVX) && !X64_HAS(s, AVX2) && !X64_HAS(s, FMA) && !X64_HAS(s, POPCNT));
    EXPECT(X64_HAS(s, BMI2) && X64_HAS(s, SSE42));
    EXPECT(!x64_cpu_parse(STR("base,+avx2,lzcnt"), &s));
    Buf b = {0};
    x64_cpu_print(s, &b);
    char *text = buf_take_string(&b);
    EXPECT_STR(text, "sse4.1,lzcnt,avx,avx2");
    mem_free(text);
    X64CpuSet before = s;
    Error *e = x64_cpu_parse(STR("-lzcnt,+sse9"), &s);
    EXPECT(e);
    EXPECT_STR(e->message, "unknown CPU feature `+sse9`");
    EXPECT_EQ(s, before);
    error_free(e);
}

TEST(x64_cpu_detects_what_the_compiler_sees)
{
    X64CpuSet s;
    if (!x64_cpu_detect(&s))
        test_skip("no SSE4.1 here");
    EXPECT(X64_HAS(s, BASE));
    EXPECT_EQ(X64_HAS(s, AVX), !!__builtin_cpu_supports("avx"));
    EXPECT_EQ(X64_HAS(s, AVX2), !!__builtin_cpu_supports("avx2"));
    EXPECT_EQ(X64_HAS(s, BMI2), !!__builtin_cpu_supports("bmi2"));
    EXPECT_EQ(X64_HAS(s, POPCNT), !!__builtin_cpu_supports("popcnt"));
    EXPECT_EQ(X64_HAS(s, FMA), !!__builtin_cpu_supports("fma"));
}

TEST(code_bytes_grow_from_within_the_margin)
{
    for (u32 past = 0; past <= CODE_MARGIN; past++) {
        CodeBuf c;
        code_init(&c, X64_CPU_SET_BASE);
        code_ensure(&c);
        /* The last instruction before the constants may end anywhere in the margin. */
        memset(c.at, 0x90, (usize)(c.limit - c.at) + past);
        c.at = c.limit + past;
        u32 cap = c.cap, used = code_offset(&c);
        u8 chunk[32];
        memset(chunk, 0x5a, sizeof chunk);
        code_bytes(&c, chunk, sizeof chunk);
        EXPECT(!c.failed && c.cap > cap);
        EXPECT_EQ(code_offset(&c), used + sizeof chunk);
        EXPECT(c.base[used - 1] == 0x90 || used == 0);
        EXPECT(memcmp(c.base + used, chunk, sizeof chunk) == 0);
        code_release(&c);
    }
}
