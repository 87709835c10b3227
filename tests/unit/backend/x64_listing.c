/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The listing's helpers and its vector rows. */
#include "unit/backend/x64_listing.h"

#include <stdarg.h>
#include <stdio.h>

static const X64Mem mems[LISTING_MEMS] = {
    {RAX, GPR_NONE, 0, 0, 0},
    {RSP, GPR_NONE, 0, 0, 0},
    {RBP, GPR_NONE, 0, 0, 0},
    {R12, GPR_NONE, 0, 0, 127},
    {R13, GPR_NONE, 0, 0, 0},
    {RBX, GPR_NONE, 0, 0, -128},
    {R9, GPR_NONE, 0, 0, 128},
    {RSP, GPR_NONE, 0, 0, -129},
    {RDI, RCX, 0, 0, 0},
    {R8, R12, 3, 0, 8},
    {RBP, RAX, 2, 0, 0},
    {R13, R15, 1, 0, 0x12345678},
    {RSP, RBP, 0, 0, 4},
    {R12, R13, 2, 0, -0x80000000},
    {GPR_NONE, RSI, 3, 0, 64},
    {GPR_NONE, R11, 2, 0, 0},
    {GPR_NONE, GPR_NONE, 0, 0, 0x1000},
    {R15, RDX, 0, 0, 0x7fffffff},
    {GPR_NONE, GPR_NONE, 0, X64_MEM_LABEL, 0},
};

X64Mem listing_mem(Listing *l)
{
    X64Mem m = mems[(l->nth * 7 + l->nth / 19) % ARRAY_LEN(mems)];
    return m.kind == X64_MEM_LABEL ? x64_mem_label(code_label(&l->c)) : m;
}

const char *listing_mem_text(X64Mem m, const char *size)
{
    static char ring[4][96];
    static u32 at;
    char *s = ring[at++ % 4];
    static const char *const scales[] = {"", "*2", "*4", "*8"};
    const char *base = m.base == GPR_NONE ? "" : x64_gpr_name(m.base, SZ_64);
    const char *index = m.index == GPR_NONE ? "" : x64_gpr_name(m.index, SZ_64);
    const char *plus = *base && *index ? " + " : "";
    if (m.kind == X64_MEM_LABEL)
        snprintf(s, sizeof ring[0], "%s[rip + 4660]", size);
    else if (!*base && !*index)
        snprintf(s, sizeof ring[0], "%s[%d]", size, m.disp);
    else
        snprintf(s, sizeof ring[0], "%s[%s%s%s%s + %d]", size, base, plus, index,
                 *index ? scales[m.scale] : "", m.disp);
    return s;
}

const char *listing_ptr(X64Size sz)
{
    static const char *const names[] = {"byte ptr ", "word ptr ", "dword ptr ", "qword ptr "};
    return names[sz];
}

void listing_line(Listing *l, const char *fmt, ...)
{
    CodeBuf *c = &l->c;
    u32 end = code_offset(c);
    for (u32 i = 0; i < c->labels.n; i++)
        if (!code_label_bound(c, i))
            code_bind_at(c, i, end + 4660);
    c->labels.n = 0;
    for (u32 i = l->start; i < end; i++)
        buf_printf(&l->golden, "%02x", c->base[i]);
    usize text = l->text.n;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&l->text, fmt, ap);
    va_end(ap);
    buf_u8(&l->text, '\n');
    buf_u8(&l->golden, ' ');
    buf_bytes(&l->golden, l->text.p + text, l->text.n - text);
    l->start = end;
    l->nth++;
}

/* --- vector registers --- */

typedef struct Row {
    X64Sse i;
    X64Form form;
    const char *text;
} Row;

static const Row rows[] = {
#define X64_SSE(id, text, form, pp, map, op, op2, w, flags, cpu) {X64_##id, X64F_##form, text},
#include "backend/x64/insts.def"
#undef X64_SSE
};

enum { ROW_COMMUTES = 1 << 21, ROW_VEX_ONLY = 1 << 22 };

/* The mnemonic: with a v where VEX is written and the row's text has none. */
static const char *name_of(const Listing *l, const Row *r)
{
    static char s[32];
    bool vex = X64_HAS(l->c.features, AVX), only = (u32)r->i & ROW_VEX_ONLY;
    snprintf(s, sizeof s, "%s%s", vex && !only ? "v" : "", r->text);
    return s;
}

/* Operand size where the text alone is ambiguous. */
static const char *size_of(const Row *r)
{
    bool narrows = r->i == X64_CVTPD2PS || r->i == X64_CVTPD2DQ || r->i == X64_CVTTPD2DQ;
    return narrows ? "xmmword ptr " : "";
}

#define X(r) x64_xmm_name(r)

typedef struct Ops {
    Xmm d, a, b;
    X64Mem m;
    bool vex, vex_only;
} Ops;

static Ops operands(Listing *l, const Row *r)
{
    static const u8 some[][3] = {{0, 1, 2},  {8, 9, 10}, {3, 4, 13},
                                 {12, 1, 5}, {6, 15, 7}, {1, 14, 8}};
    const u8 *s = some[l->nth % ARRAY_LEN(some)];
    Ops o = {(Xmm)s[0],
             (Xmm)s[1],
             (Xmm)s[2],
             listing_mem(l),
             X64_HAS(l->c.features, AVX),
             (u32)r->i & ROW_VEX_ONLY};
    return o;
}

/* "d, a, " or "d, " as the encoding has three operands or two. */
static const char *head(const Ops *o)
{
    static char s[32];
    snprintf(s, sizeof s, o->vex ? "%s, %s, " : "%s, ", X(o->d), X(o->a));
    return s;
}

static void list_rm(Listing *l, const Row *r)
{
    Ops o = operands(l, r);
    x64_xx(&l->c, r->i, o.d, o.b);
    listing_line(l, "%s %s, %s", name_of(l, r), X(o.d), X(o.b));
    o = operands(l, r);
    x64_xm(&l->c, r->i, o.d, o.m);
    listing_line(l, "%s %s, %s", name_of(l, r), X(o.d), listing_mem_text(o.m, size_of(r)));
}

static void list_mr(Listing *l, const Row *r)
{
    Ops o = operands(l, r);
    x64_mx(&l->c, r->i, o.m, o.b);
    listing_line(l, "%s %s, %s", name_of(l, r), listing_mem_text(o.m, ""), X(o.b));
}

static void list_rvm(Listing *l, const Row *r, bool mem)
{
    Ops o = operands(l, r);
    if (!o.vex)
        o.a = o.d;
    x64_xxx(&l->c, r->i, o.d, o.a, o.b);
    bool swap = o.vex && ((u32)r->i & ROW_COMMUTES) && o.b >= XMM8 && o.a < XMM8;
    Xmm b = swap ? o.a : o.b;
    o.a = swap ? o.b : o.a;
    listing_line(l, "%s %s%s", name_of(l, r), head(&o), X(b));
    if (!mem)
        return;
    o = operands(l, r);
    if (!o.vex)
        o.a = o.d;
    x64_xxm(&l->c, r->i, o.d, o.a, o.m);
    listing_line(l, "%s %s%s", name_of(l, r), head(&o), listing_mem_text(o.m, ""));
    o = operands(l, r);
    o.a = o.d; /* the form of two operands */
    x64_xm(&l->c, r->i, o.d, o.m);
    listing_line(l, "%s %s%s", name_of(l, r), head(&o), listing_mem_text(o.m, ""));
}

static void list_rmi(Listing *l, const Row *r)
{
    Ops o = operands(l, r);
    x64_xxi(&l->c, r->i, o.d, o.b, 0x1b);
    listing_line(l, "%s %s, %s, 27", name_of(l, r), X(o.d), X(o.b));
    o = operands(l, r);
    x64_xmi(&l->c, r->i, o.d, o.m, 3);
    listing_line(l, "%s %s, %s, 3", name_of(l, r), X(o.d), listing_mem_text(o.m, ""));
}

static void list_rvmi(Listing *l, const Row *r)
{
    Ops o = operands(l, r);
    if (!o.vex)
        o.a = o.d;
    x64_xxxi(&l->c, r->i, o.d, o.a, o.b, 3);
    listing_line(l, "%s %s%s, 3", name_of(l, r), head(&o), X(o.b));
    o = operands(l, r);
    if (!o.vex)
        o.a = o.d;
    x64_xxmi(&l->c, r->i, o.d, o.a, o.m, 5);
    listing_line(l, "%s %s%s, 5", name_of(l, r), head(&o), listing_mem_text(o.m, ""));
}

static void list_vmi(Listing *l, const Row *r)
{
    Ops o = operands(l, r);
    if (!o.vex)
        o.a = o.d;
    x64_xshift(&l->c, r->i, o.d, o.a, 7);
    listing_line(l, "%s %s7", name_of(l, r), head(&o));
}

static void list_movh(Listing *l, const Row *r)
{
    Ops o = operands(l, r);
    if (!o.vex)
        o.a = o.d;
    x64_xxm(&l->c, r->i, o.d, o.a, o.m);
    listing_line(l, "%s %s%s", name_of(l, r), head(&o), listing_mem_text(o.m, ""));
    list_mr(l, r);
}

static void list_movs(Listing *l, const Row *r)
{
    list_rvm(l, r, false);
    Ops o = operands(l, r);
    o.a = o.d;
    x64_xx(&l->c, r->i, o.d, o.b);
    listing_line(l, "%s %s%s", name_of(l, r), head(&o), X(o.b));
    o = operands(l, r);
    x64_xm(&l->c, r->i, o.d, o.m);
    listing_line(l, "%s %s, %s", name_of(l, r), X(o.d), listing_mem_text(o.m, ""));
    list_mr(l, r);
}

/* movd and movq */
static void list_movg(Listing *l, const Row *r)
{
    static const char *const names[2][2] = {{"movd", "movq"}, {"vmovd", "vmovq"}};
    for (X64Size sz = SZ_32; sz <= SZ_64; sz++) {
        Ops o = operands(l, r);
        Gpr g = (Gpr)(l->nth * 5 & 15);
        const char *n = names[o.vex][sz == SZ_64];
        x64_xr(&l->c, r->i, sz, o.d, g);
        listing_line(l, "%s %s, %s", n, X(o.d), x64_gpr_name(g, sz));
        o = operands(l, r);
        x64_rx(&l->c, r->i, sz, g, o.d);
        listing_line(l, "%s %s, %s", n, x64_gpr_name(g, sz), X(o.d));
    }
    Ops o = operands(l, r);
    x64_x_mem(&l->c, r->i, SZ_32, o.d, o.m);
    listing_line(l, "%s %s, %s", names[o.vex][0], X(o.d), listing_mem_text(o.m, "dword ptr "));
}

static void list_from_int(Listing *l, const Row *r)
{
    for (X64Size sz = SZ_32; sz <= SZ_64; sz++) {
        Ops o = operands(l, r);
        o.a = o.d;
        Gpr g = (Gpr)(l->nth * 5 & 15);
        x64_xr(&l->c, r->i, sz, o.d, g);
        listing_line(l, "%s %s%s", name_of(l, r), head(&o), x64_gpr_name(g, sz));
        o = operands(l, r);
        o.a = o.d;
        x64_x_mem(&l->c, r->i, sz, o.d, o.m);
        listing_line(l, "%s %s%s", name_of(l, r), head(&o), listing_mem_text(o.m, listing_ptr(sz)));
    }
}

static void list_to_int(Listing *l, const Row *r)
{
    for (X64Size sz = SZ_32; sz <= (r->form == X64F_GX ? SZ_64 : SZ_32); sz++) {
        Ops o = operands(l, r);
        Gpr g = (Gpr)(l->nth * 5 & 15);
        x64_rx(&l->c, r->i, sz, g, o.b);
        listing_line(l, "%s %s, %s", name_of(l, r), x64_gpr_name(g, sz), X(o.b));
        if (r->form == X64F_GXR)
            continue;
        o = operands(l, r);
        x64_rx_mem(&l->c, r->i, sz, g, o.m);
        listing_line(l, "%s %s, %s", name_of(l, r), x64_gpr_name(g, sz), listing_mem_text(o.m, ""));
    }
}

static void list_pins(Listing *l, const Row *r)
{
    for (u32 k = 0; k < 3; k++) {
        Ops o = operands(l, r);
        Gpr g = (Gpr)(l->nth * 5 & 15);
        if (!o.vex)
            o.a = o.d;
        X64Size sz = r->i == X64_PINSRQ ? SZ_64 : SZ_32;
        x64_xxri(&l->c, r->i, o.d, o.a, g, 1);
        listing_line(l, "%s %s%s, 1", name_of(l, r), head(&o), x64_gpr_name(g, sz));
        o = operands(l, r);
        if (!o.vex)
            o.a = o.d;
        x64_pins_m(&l->c, r->i, o.d, o.a, o.m, 1);
        listing_line(l, "%s %s%s, 1", name_of(l, r), head(&o), listing_mem_text(o.m, ""));
    }
}

static void list_pext(Listing *l, const Row *r)
{
    for (u32 k = 0; k < 3; k++) {
        Ops o = operands(l, r);
        Gpr g = (Gpr)(l->nth * 5 & 15);
        X64Size sz = r->i == X64_PEXTRQ ? SZ_64 : SZ_32;
        x64_rxi(&l->c, r->i, g, o.b, 1);
        listing_line(l, "%s %s, %s, 1", name_of(l, r), x64_gpr_name(g, sz), X(o.b));
        o = operands(l, r);
        x64_pext_m(&l->c, r->i, o.m, o.b, 1);
        listing_line(l, "%s %s, %s, 1", name_of(l, r), listing_mem_text(o.m, ""), X(o.b));
    }
}

static void list_blendv(Listing *l, const Row *r)
{
    Ops o = operands(l, r);
    if (o.vex) {
        x64_blendv(&l->c, r->i, o.d, o.a, o.b, XMM11);
        listing_line(l, "%s %s%s, xmm11", name_of(l, r), head(&o), X(o.b));
    } else {
        o.d = o.d == XMM0 ? XMM9 : o.d;
        x64_blendv(&l->c, r->i, o.d, o.d, o.b, XMM0);
        listing_line(l, "%s %s%s, xmm0", name_of(l, r), head(&o), X(o.b));
    }
}

static void list_row(Listing *l, const Row *r)
{
    switch (r->form) {
    case X64F_RM:
        list_rm(l, r);
        break;
    case X64F_RVM:
        list_rvm(l, r, true);
        break;
    case X64F_RVR:
        list_rvm(l, r, false);
        break;
    case X64F_RMI:
        list_rmi(l, r);
        break;
    case X64F_RVMI:
        list_rvmi(l, r);
        break;
    case X64F_VMI:
        list_vmi(l, r);
        break;
    case X64F_MOV:
        list_rm(l, r);
        list_mr(l, r);
        break;
    case X64F_MOVS:
        list_movs(l, r);
        break;
    case X64F_MOVH:
        list_movh(l, r);
        break;
    case X64F_MOVG:
        list_movg(l, r);
        break;
    case X64F_XVG:
        list_from_int(l, r);
        break;
    case X64F_GX:
    case X64F_GXR:
        list_to_int(l, r);
        break;
    case X64F_PINS:
        list_pins(l, r);
        break;
    case X64F_PEXT:
        list_pext(l, r);
        break;
    case X64F_BLENDV:
        list_blendv(l, r);
        break;
    }
}

void listing_sse(Listing *l)
{
    bool vex = X64_HAS(l->c.features, AVX);
    for (u32 round = 0; round < 2; round++)
        for (u32 k = 0; k < ARRAY_LEN(rows); k++)
            if (vex || !((u32)rows[k].i & ROW_VEX_ONLY))
                list_row(l, &rows[k]);
}

void listing_sse_sequences(Listing *l)
{
    x64_xxx(&l->c, X64_SUBPS, XMM1, XMM2, XMM3);
    listing_line(l, "movaps xmm1, xmm2; subps xmm1, xmm3");
    x64_xxx(&l->c, X64_SUBPS, XMM1, XMM2, XMM1);
    listing_line(l, "movaps xmm15, xmm1; movaps xmm1, xmm2; subps xmm1, xmm15");
    x64_xxx(&l->c, X64_PADDD, XMM9, XMM2, XMM9);
    listing_line(l, "paddd xmm9, xmm2");
    x64_xxx(&l->c, X64_SUBPS, XMM4, XMM4, XMM4);
    listing_line(l, "subps xmm4, xmm4");
    x64_xxxi(&l->c, X64_PALIGNR, XMM1, XMM2, XMM1, 4);
    listing_line(l, "movaps xmm15, xmm1; movaps xmm1, xmm2; palignr xmm1, xmm15, 4");
    x64_xshift(&l->c, X64_PSRLW_I, XMM7, XMM8, 3);
    listing_line(l, "movaps xmm7, xmm8; psrlw xmm7, 3");
    x64_mov_xx(&l->c, XMM3, XMM3);
    x64_zero_x(&l->c, XMM3);
    listing_line(l, "xorps xmm3, xmm3");
}
