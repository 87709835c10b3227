/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Every row and form of the x86-64 encoder against llvm-mc, and against a listing kept in the
 * tree where llvm-mc is missing. BLESS=1 rewrites the listing.
 *
 * Accepted differences from llvm-mc: a commutative VEX instruction whose second source alone needs
 * the long prefix has its sources exchanged; the text is written that way here.
 */
#include "unit/backend/x64_listing.h"
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GOLDEN_PATH "tests/unit/backend/x64_golden.txt"

/* --- general registers --- */

#define NAME(r, sz) x64_gpr_name(r, sz)

static Gpr gpr(u32 i)
{
    return (Gpr)(i & 15);
}

static void list_gpr_row(Listing *l, X64Inst i, const char *text)
{
    CodeBuf *c = &l->c;
    X64Size first = (u32)i & X64_ROW_BYTE ? SZ_8 : SZ_16;
    for (X64Size sz = first; sz <= SZ_64; sz++) {
        for (u32 k = 0; k < 4; k++) {
            Gpr a = gpr(l->nth * 5 + k * 3), b = gpr(l->nth * 11 + k + 4);
            if (i == X64_XCHG && (a == RAX || b == RAX))
                a = RDI, b = R9;
            x64_rr(c, i, sz, a, b);
            if (i == X64_XCHG) { /* symmetric; llvm-mc has the operands the other way */
                Gpr t = a;
                a = b;
                b = t;
            }
            listing_line(l, "%s %s, %s", text, NAME(a, sz), NAME(b, sz));
        }
        for (u32 k = 0; k < 5; k++) {
            X64Mem m = listing_mem(l);
            Gpr a = gpr(l->nth * 7 + 3);
            if ((u32)i >> 8 & 0xff) {
                x64_rm(c, i, sz, a, m);
                listing_line(l, "%s %s, %s", text, NAME(a, sz), listing_mem_text(m, ""));
            }
            m = listing_mem(l);
            if ((u32)i & 0xff) {
                x64_mr(c, i, sz, m, a);
                listing_line(l, "%s %s, %s", text, listing_mem_text(m, ""), NAME(a, sz));
            }
        }
    }
}

static const i32 imms[] = {1, -1, 127, -128, 128, -129, 0x1234, 0x7fffffff, -0x80000000};

static i32 imm_for(X64Size sz, i32 v)
{
    return sz == SZ_8 ? (i8)v : sz == SZ_16 ? (i16)v : v;
}

static void list_immediates(Listing *l, X64Inst i, const char *text)
{
    CodeBuf *c = &l->c;
    for (X64Size sz = SZ_8; sz <= SZ_64; sz++) {
        for (u32 k = 0; k < ARRAY_LEN(imms); k++) {
            i32 v = imm_for(sz, imms[k]);
            Gpr r = k % 3 == 0 ? RAX : gpr(l->nth * 5);
            if (i != X64_MOV) {
                x64_ri(c, i, sz, r, v);
                listing_line(l, "%s %s, %d", text, NAME(r, sz), v);
            }
            X64Mem m = listing_mem(l);
            x64_mi(c, i, sz, m, v);
            listing_line(l, "%s %s, %d", text, listing_mem_text(m, listing_ptr(sz)), v);
        }
    }
}

static void list_bits(Listing *l, X64Inst i, const char *text)
{
    for (X64Size sz = SZ_16; sz <= SZ_64; sz++) {
        Gpr r = gpr(l->nth * 5);
        x64_bit_ri(&l->c, i, sz, r, 13);
        listing_line(l, "%s %s, 13", text, NAME(r, sz));
        X64Mem m = listing_mem(l);
        x64_bit_mi(&l->c, i, sz, m, 7);
        listing_line(l, "%s %s, 7", text, listing_mem_text(m, listing_ptr(sz)));
    }
}

static void list_gpr(Listing *l)
{
#define X64_GPR(id, text, op_mr, op_rm, pp, map, digit, flags, cpu)                                \
    list_gpr_row(l, X64_##id, text);                                                               \
    if (((u32)X64_##id & X64_ROW_IMM) || X64_##id == X64_TEST || X64_##id == X64_MOV)              \
        list_immediates(l, X64_##id, text);                                                        \
    if ((digit) >= 4 && !((u32)X64_##id & X64_ROW_IMM))                                            \
        list_bits(l, X64_##id, text);
#define B X64_ROW_BYTE
#define I X64_ROW_IMM
#include "backend/x64/insts.def"
#undef X64_GPR
#undef B
#undef I
}

static void list_unary(Listing *l)
{
    static const struct {
        X64Unary i;
        const char *text;
    } rows[] = {
#define X64_UNARY(id, text, op, digit) {X64_##id, text},
#include "backend/x64/insts.def"
#undef X64_UNARY
    };
    for (u32 k = 0; k < ARRAY_LEN(rows); k++) {
        for (X64Size sz = SZ_8; sz <= SZ_64; sz++) {
            for (Gpr r = RAX; r < GPR_COUNT; r += 3) {
                x64_r(&l->c, rows[k].i, sz, r);
                listing_line(l, "%s %s", rows[k].text, NAME(r, sz));
            }
            X64Mem m = listing_mem(l);
            x64_m(&l->c, rows[k].i, sz, m);
            listing_line(l, "%s %s", rows[k].text, listing_mem_text(m, listing_ptr(sz)));
        }
    }
}

static void list_shift_row(Listing *l, X64Shift i, const char *text, X64Size sz)
{
    CodeBuf *c = &l->c;
    for (u8 count = 1; count < 8; count = (u8)(count + 5)) {
        Gpr r = gpr(l->nth * 5 + 2);
        x64_shift_ri(c, i, sz, r, count);
        listing_line(l, count == 1 ? "%s %s" : "%s %s, %d", text, NAME(r, sz), count);
        X64Mem m = listing_mem(l);
        x64_shift_mi(c, i, sz, m, count);
        listing_line(l, count == 1 ? "%s %s" : "%s %s, %d", text,
                     listing_mem_text(m, listing_ptr(sz)), count);
    }
    Gpr r = gpr(l->nth * 5 + 1);
    x64_shift_rcl(c, i, sz, r);
    listing_line(l, "%s %s, cl", text, NAME(r, sz));
    X64Mem m = listing_mem(l);
    x64_shift_mcl(c, i, sz, m);
    listing_line(l, "%s %s, cl", text, listing_mem_text(m, listing_ptr(sz)));
}

static void list_double_shifts(Listing *l, X64Size sz)
{
    CodeBuf *c = &l->c;
    Gpr a = gpr(l->nth * 3 + 1), b = gpr(l->nth * 5);
    x64_shld_rri(c, sz, a, b, 5);
    listing_line(l, "shld %s, %s, 5", NAME(a, sz), NAME(b, sz));
    x64_shrd_rri(c, sz, b, a, 9);
    listing_line(l, "shrd %s, %s, 9", NAME(b, sz), NAME(a, sz));
    x64_shld_rrcl(c, sz, a, b);
    listing_line(l, "shld %s, %s, cl", NAME(a, sz), NAME(b, sz));
    x64_shrd_rrcl(c, sz, b, a);
    listing_line(l, "shrd %s, %s, cl", NAME(b, sz), NAME(a, sz));
}

static void list_shifts(Listing *l)
{
    for (X64Size sz = SZ_8; sz <= SZ_64; sz++) {
#define X64_SHIFT(id, text, digit) list_shift_row(l, X64_##id, text, sz);
#include "backend/x64/insts.def"
#undef X64_SHIFT
        if (sz != SZ_8)
            list_double_shifts(l, sz);
    }
}

static void list_bmi_row(Listing *l, X64Bmi i, const char *text, X64BmiForm form, X64Size sz)
{
    CodeBuf *c = &l->c;
    Gpr d = gpr(l->nth * 3 + 1), a = gpr(l->nth * 5), b = gpr(l->nth * 7 + 9);
    X64Mem m = listing_mem(l);
    const char *dn = NAME(d, sz), *an = NAME(a, sz), *bn = NAME(b, sz),
               *mn = listing_mem_text(m, "");
    switch (form) {
    case X64B_RVM:
        x64_rrm(c, i, sz, d, a, m);
        listing_line(l, "%s %s, %s, %s", text, dn, an, mn);
        x64_rrr(c, i, sz, d, a, b);
        listing_line(l, "%s %s, %s, %s", text, dn, an, bn);
        break;
    case X64B_RMV:
        x64_rmr(c, i, sz, d, m, b);
        listing_line(l, "%s %s, %s, %s", text, dn, mn, bn);
        x64_rrr(c, i, sz, d, a, b);
        listing_line(l, "%s %s, %s, %s", text, dn, an, bn);
        break;
    case X64B_VM:
        x64_bls_rm(c, i, sz, d, m);
        listing_line(l, "%s %s, %s", text, dn, mn);
        x64_bls_rr(c, i, sz, d, a);
        listing_line(l, "%s %s, %s", text, dn, an);
        break;
    case X64B_RMI:
        x64_rorx_rmi(c, sz, d, m, 6);
        listing_line(l, "%s %s, %s, 6", text, dn, mn);
        x64_rorx_rri(c, sz, d, a, 17);
        listing_line(l, "%s %s, %s, 17", text, dn, an);
        break;
    }
}

static void list_bmi(Listing *l)
{
    for (u32 k = 0; k < 3; k++) {
        for (X64Size sz = SZ_32; sz <= SZ_64; sz++) {
#define X64_BMI(id, text, form, pp, map, op, digit, cpu)                                           \
    list_bmi_row(l, X64_##id, text, X64B_##form, sz);
#include "backend/x64/insts.def"
#undef X64_BMI
        }
    }
}

static void list_extensions(Listing *l, X64Size from, X64Size to, Gpr a, Gpr b)
{
    CodeBuf *c = &l->c;
    const char *sx = from == SZ_32 ? "movsxd" : "movsx";
    x64_movsx_rr(c, from, to, a, b);
    listing_line(l, "%s %s, %s", sx, NAME(a, to), NAME(b, from));
    X64Mem m = listing_mem(l);
    x64_movsx_rm(c, from, to, a, m);
    listing_line(l, "%s %s, %s", sx, NAME(a, to), listing_mem_text(m, listing_ptr(from)));
    if (to != SZ_32)
        return;
    x64_movzx_rr(c, from, a, b);
    listing_line(l, "movzx %s, %s", NAME(a, to), NAME(b, from));
    m = listing_mem(l);
    x64_movzx_rm(c, from, a, m);
    listing_line(l, "movzx %s, %s", NAME(a, to), listing_mem_text(m, listing_ptr(from)));
}

static void list_moves(Listing *l)
{
    static const i64 values[] = {0,         1,          -1,         INT32_MAX,
                                 INT32_MIN, UINT32_MAX, 1ll << 32,  -(1ll << 32),
                                 INT64_MIN, INT64_MAX,  0x80000000, -0x80000001ll};
    CodeBuf *c = &l->c;
    for (u32 k = 0; k < ARRAY_LEN(values); k++) {
        i64 v = values[k];
        Gpr r = gpr(k * 5 + 3);
        bool low = (u64)v <= UINT32_MAX, abs = !low && v != (i32)v;
        x64_mov_ri(c, SZ_64, r, v);
        listing_line(l, "%s %s, %lld", abs ? "movabs" : "mov", NAME(r, low ? SZ_32 : SZ_64),
                     (long long)v);
        x64_mov_ri(c, SZ_32, r, v);
        listing_line(l, "mov %s, %u", NAME(r, SZ_32), (u32)v);
        EXPECT_EQ(x64_mov_abs(c, r, (u64)v), code_offset(c) - 8);
        listing_line(l, "movabs %s, %lld", NAME(r, SZ_64), (long long)v);
        x64_zero(c, r);
        listing_line(l, "xor %s, %s", NAME(r, SZ_32), NAME(r, SZ_32));
    }
    for (Gpr a = RAX; a < GPR_COUNT; a++) {
        Gpr b = gpr(a * 3 + 5);
        list_extensions(l, SZ_8, SZ_32, a, b);
        list_extensions(l, SZ_16, SZ_32, a, b);
        list_extensions(l, SZ_8, SZ_64, a, b);
        list_extensions(l, SZ_16, SZ_64, a, b);
        list_extensions(l, SZ_32, SZ_64, a, b);
    }
    for (X64Size sz = SZ_16; sz <= SZ_64; sz++) {
        x64_xchg_rr(c, sz, RAX, R9);
        listing_line(l, "xchg %s, %s", NAME(RAX, sz), NAME(R9, sz));
        x64_xchg_rr(c, sz, RCX, RAX);
        listing_line(l, "xchg %s, %s", NAME(RCX, sz), NAME(RAX, sz));
    }
}

/* All bases with all indexes and displacements at the borders of their sizes. */
static void list_addresses(Listing *l)
{
    static const i32 disps[] = {0, 127, -129};
    for (u32 base = 0; base < GPR_COUNT; base++) {
        for (u32 index = 0; index < GPR_COUNT; index++) {
            X64Mem m = x64_mem((Gpr)base, disps[index % 3]);
            if (index != RSP)
                m = x64_mem_index((Gpr)base, (Gpr)index, (base + index) & 3, m.disp);
            x64_lea(&l->c, SZ_64, gpr(base + index), m);
            listing_line(l, "lea %s, %s", NAME(gpr(base + index), SZ_64), listing_mem_text(m, ""));
        }
    }
    x64_lea(&l->c, SZ_32, RDX, x64_mem_index(GPR_NONE, R10, 1, 5));
    listing_line(l, "lea edx, [r10 + r10 + 5]");
    x64_lea(&l->c, SZ_32, RDX, x64_mem_index(GPR_NONE, R10, 0, 5));
    listing_line(l, "lea edx, [r10 + 5]");
}

static void list_conditions(Listing *l)
{
    CodeBuf *c = &l->c;
    for (X64Cond cc = 0; cc < CC_COUNT; cc++) {
        const char *n = x64_cond_name(cc);
        Gpr a = (Gpr)cc, b = gpr(cc * 7 + 2);
        X64Size sz = SZ_16 + cc % 3;
        x64_setcc_r(c, cc, a);
        listing_line(l, "set%s %s", n, NAME(a, SZ_8));
        X64Mem m = listing_mem(l);
        x64_setcc_m(c, cc, m);
        listing_line(l, "set%s %s", n, listing_mem_text(m, ""));
        x64_cmov_rr(c, cc, sz, a, b);
        listing_line(l, "cmov%s %s, %s", n, NAME(a, sz), NAME(b, sz));
        m = listing_mem(l);
        x64_cmov_rm(c, cc, sz, a, m);
        listing_line(l, "cmov%s %s, %s", n, NAME(a, sz), listing_mem_text(m, ""));
    }
}

/* llvm-mc takes `call qword ptr [4096]` for a direct call. */
static X64Mem branch_mem(Listing *l)
{
    X64Mem m = listing_mem(l);
    bool absolute = m.base == GPR_NONE && m.index == GPR_NONE && m.kind != X64_MEM_LABEL;
    return absolute ? x64_mem(R9, m.disp) : m;
}

static void list_stack(Listing *l)
{
    CodeBuf *c = &l->c;
    for (Gpr r = RAX; r < GPR_COUNT; r++) {
        const char *n = NAME(r, SZ_64);
        x64_push_r(c, r);
        listing_line(l, "push %s", n);
        x64_pop_r(c, r);
        listing_line(l, "pop %s", n);
        x64_jmp_r(c, r);
        listing_line(l, "jmp %s", n);
        x64_call_r(c, r);
        listing_line(l, "call %s", n);
        x64_bswap(c, SZ_64, r);
        listing_line(l, "bswap %s", n);
    }
    for (u32 k = 0; k < LISTING_MEMS; k++) {
        X64Mem m = listing_mem(l);
        x64_push_m(c, m);
        listing_line(l, "push %s", listing_mem_text(m, "qword ptr "));
        m = listing_mem(l);
        x64_pop_m(c, m);
        listing_line(l, "pop %s", listing_mem_text(m, "qword ptr "));
        m = branch_mem(l);
        x64_jmp_m(c, m);
        listing_line(l, "jmp %s", listing_mem_text(m, "qword ptr "));
        m = branch_mem(l);
        x64_call_m(c, m);
        listing_line(l, "call %s", listing_mem_text(m, "qword ptr "));
    }
    for (u32 k = 0; k < ARRAY_LEN(imms); k++) {
        x64_push_i(c, imms[k]);
        listing_line(l, "push %d", imms[k]);
    }
}

static void list_multiply(Listing *l)
{
    CodeBuf *c = &l->c;
    for (X64Size sz = SZ_16; sz <= SZ_64; sz++) {
        for (u32 k = 0; k < ARRAY_LEN(imms); k++) {
            i32 v = imm_for(sz, imms[k]);
            Gpr a = gpr(l->nth * 5), b = gpr(l->nth * 3 + 1);
            x64_imul_rri(c, sz, a, b, v);
            listing_line(l, "imul %s, %s, %d", NAME(a, sz), NAME(b, sz), v);
            X64Mem m = listing_mem(l);
            x64_imul_rmi(c, sz, a, m, v);
            listing_line(l, "imul %s, %s, %d", NAME(a, sz), listing_mem_text(m, listing_ptr(sz)),
                         v);
        }
    }
}

static void list_others(Listing *l)
{
    static const struct {
        void (*emit)(CodeBuf *c);
        const char *text;
    } plain[] = {
        {x64_cdq, "cdq"},
        {x64_cqo, "cqo"},
        {x64_ret, "ret"},
        {x64_ud2, "ud2"},
        {x64_int3, "int3"},
        {x64_pause, "pause"},
        {x64_mfence, "mfence"},
        {x64_rep_movsb, "rep movsb"},
        {x64_rep_stosb, "rep stosb"},
        {x64_rep_movsq, "rep movsq"},
        {x64_rep_stosq, "rep stosq"},
    };
    CodeBuf *c = &l->c;
    for (u32 k = 0; k < ARRAY_LEN(plain); k++) {
        plain[k].emit(c);
        listing_line(l, "%s", plain[k].text);
    }
    x64_ret_pop(c, 0x1238);
    listing_line(l, "ret 4664");
    for (u32 k = 0; k < 3; k++) {
        X64Mem m = listing_mem(l);
        x64_cmpxchg16b(c, m);
        listing_line(l, "cmpxchg16b %s", listing_mem_text(m, ""));
        m = listing_mem(l);
        x64_cmpxchg8b(c, m);
        listing_line(l, "cmpxchg8b %s", listing_mem_text(m, ""));
        m = listing_mem(l);
        x64_lock(c);
        X64Size sz = k == 0 ? SZ_8 : SZ_16 + k; /* 16 bits: lock before the size prefix here */
        x64_mr(c, X64_XADD, sz, m, RSI);
        listing_line(l, "lock xadd %s, %s", listing_mem_text(m, ""), NAME(RSI, sz));
        m = listing_mem(l);
        x64_lock(c);
        x64_mi(c, X64_AND, SZ_32, m, 77);
        listing_line(l, "lock and %s, 77", listing_mem_text(m, "dword ptr "));
    }
}

/* --- comparison --- */

static void list_all(Listing *l, X64CpuSet features)
{
    memset(l, 0, sizeof *l);
    code_init(&l->c, features);
    list_gpr(l);
    list_unary(l);
    list_shifts(l);
    list_bmi(l);
    list_moves(l);
    list_addresses(l);
    list_conditions(l);
    list_stack(l);
    list_multiply(l);
    list_others(l);
    listing_sse(l);
    l->c.features &= ~((X64CpuSet)1 << X64_CPU_AVX);
    listing_sse(l);
    listing_sse_sequences(l);
    EXPECT(!l->c.failed);
}

static void release(Listing *l)
{
    code_release(&l->c);
    buf_release(&l->text);
    buf_release(&l->golden);
}

static Buf read_all(FILE *f)
{
    Buf b = {0};
    for (;;) {
        buf_reserve(&b, 65536);
        usize n = fread(b.p + b.n, 1, 65536, f);
        b.n += n;
        if (n == 0)
            return b;
    }
}

/* The first line that differs fails the test. */
static void compare_lines(Str got, Str want, const char *what)
{
    while (got.n > 0 || want.n > 0) {
        const char *g = memchr(got.p, '\n', got.n), *w = memchr(want.p, '\n', want.n);
        Str gl = {got.p, g ? (usize)(g - got.p) : got.n};
        Str wl = {want.p, w ? (usize)(w - want.p) : want.n};
        if (!str_eq(gl, wl))
            test_fail(__FILE__, __LINE__, "%s:\n  ours %.*s\n  want %.*s", what, STR_ARG(gl),
                      STR_ARG(wl));
        usize gn = MIN(gl.n + 1, got.n), wn = MIN(wl.n + 1, want.n);
        got = (Str){got.p + gn, got.n - gn};
        want = (Str){want.p + wn, want.n - wn};
    }
}

TEST(x64_encodings_equal_the_listing)
{
    Listing l;
    list_all(&l, X64_CPU_SET_ALL);
    if (getenv("BLESS")) {
        FILE *out = fopen(GOLDEN_PATH, "w");
        EXPECT(out && fwrite(l.golden.p, 1, l.golden.n, out) == l.golden.n && fclose(out) == 0);
    }
    FILE *f = fopen(GOLDEN_PATH, "r");
    if (!f)
        test_fail(__FILE__, __LINE__, "%s is missing: run at the top of the tree", GOLDEN_PATH);
    Buf want = read_all(f);
    fclose(f);
    compare_lines((Str){(char *)l.golden.p, l.golden.n}, (Str){(char *)want.p, want.n},
                  "the listing");
    buf_release(&want);
    release(&l);
}

/* Turns what llvm-mc printed into the listing's form: the bytes of one line of `text` after the
 * other. */
static Buf golden_from_mc(Str mc, Str text)
{
    Buf out = {0};
    const char *at = mc.p, *end = mc.p + mc.n;
    while (text.n > 0) {
        const char *eol = memchr(text.p, '\n', text.n);
        usize n = (usize)(eol - text.p) + 1;
        u32 count = 1;
        for (usize i = 0; i < n; i++)
            count += text.p[i] == ';';
        for (; count > 0; count--) {
            static const char mark[] = "encoding: [";
            const char *p = memmem(at, (usize)(end - at), mark, sizeof mark - 1);
            if (!p)
                test_fail(__FILE__, __LINE__, "llvm-mc does not know %.*s", (int)n, text.p);
            for (at = p + sizeof mark - 1; at < end && *at != ']'; at++)
                if (at[0] == '0' && at[1] == 'x')
                    buf_bytes(&out, at + 2, 2);
        }
        buf_u8(&out, ' ');
        buf_bytes(&out, text.p, n);
        text = (Str){text.p + n, text.n - n};
    }
    return out;
}

TEST(x64_encodings_equal_llvm_mc)
{
    if (system("command -v llvm-mc >/dev/null 2>&1") != 0)
        test_skip("llvm-mc is not installed");
    Listing l;
    list_all(&l, X64_CPU_SET_ALL);
    char path[] = "/tmp/x64-listing-XXXXXX", command[256];
    int fd = mkstemp(path);
    EXPECT(fd >= 0);
    FILE *f = fdopen(fd, "w");
    EXPECT(f && fwrite(l.text.p, 1, l.text.n, f) == l.text.n && fclose(f) == 0);
    snprintf(command, sizeof command,
             "llvm-mc -triple=x86_64 -x86-asm-syntax=intel --show-encoding %s 2>&1", path);
    FILE *pipe = popen(command, "r");
    EXPECT(pipe);
    Buf mc = read_all(pipe);
    int status = pclose(pipe);
    unlink(path);
    if (status != 0)
        test_fail(__FILE__, __LINE__, "llvm-mc: %.600s", (char *)mc.p);
    Buf want = golden_from_mc((Str){(char *)mc.p, mc.n}, (Str){(char *)l.text.p, l.text.n});
    compare_lines((Str){(char *)l.golden.p, l.golden.n}, (Str){(char *)want.p, want.n}, "llvm-mc");
    buf_release(&mc);
    buf_release(&want);
    release(&l);
}
