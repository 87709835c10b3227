/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Vector lanes: loads and stores, splat, extract, replace, shuffles, constants. */
#include "backend/x64/simd_how.h"

/* --- memory --- */

static void load_row(CodeBuf *c, X64Sse row, Xmm dst, X64Mem m, Xmm tmp)
{
    (void)tmp;
    x64_xm(c, row, dst, m);
}

/* dst = its lowest byte in all lanes, without AVX2. */
static void spread_byte(CodeBuf *c, Xmm dst, Xmm tmp)
{
    x64_zero_x(c, tmp);
    x64_xx(c, X64_PSHUFB, dst, tmp);
}

static void spread_word(CodeBuf *c, Xmm dst)
{
    x64_xxi(c, X64_PSHUFLW, dst, dst, 0);
    x64_xxi(c, X64_PSHUFD, dst, dst, 0);
}

static void load_splat8(CodeBuf *c, X64Sse row, Xmm dst, X64Mem m, Xmm tmp)
{
    if (X64_HAS(c->features, AVX2)) {
        x64_xm(c, row, dst, m);
    } else {
        x64_pins_m(c, X64_PINSRB, dst, dst, m, 0);
        spread_byte(c, dst, tmp);
    }
}

static void load_splat16(CodeBuf *c, X64Sse row, Xmm dst, X64Mem m, Xmm tmp)
{
    (void)tmp;
    if (X64_HAS(c->features, AVX2)) {
        x64_xm(c, row, dst, m);
    } else {
        x64_pins_m(c, X64_PINSRW, dst, dst, m, 0);
        spread_word(c, dst);
    }
}

static void load_splat32(CodeBuf *c, X64Sse row, Xmm dst, X64Mem m, Xmm tmp)
{
    (void)tmp;
    if (X64_HAS(c->features, AVX2)) {
        x64_xm(c, row, dst, m);
    } else {
        x64_xm(c, X64_MOVSS, dst, m);
        x64_xxi(c, X64_PSHUFD, dst, dst, 0);
    }
}

void x64_simd_load(CodeBuf *c, X64SimdLoad op, Xmm dst, X64Mem m, Xmm tmp)
{
    switch (op) {
#define SIMD_LOAD(id, how, row)                                                                    \
    case X64_SIMD_##id:                                                                            \
        load_##how(c, X64_##row, dst, m, tmp);                                                     \
        return;
#include "backend/x64/simd.def"
#undef SIMD_LOAD
    case X64_SIMD_LOAD_COUNT:
        break;
    }
    BUG("no such load");
}

static X64Sse insert_row(X64Size lane_size)
{
    static const X64Sse rows[] = {X64_PINSRB, X64_PINSRW, X64_PINSRD, X64_PINSRQ};
    return rows[lane_size];
}

static X64Sse extract_row(X64Size lane_size)
{
    static const X64Sse rows[] = {X64_PEXTRB, X64_PEXTRW, X64_PEXTRD, X64_PEXTRQ};
    return rows[lane_size];
}

void x64_simd_load_lane(CodeBuf *c, X64Size lane_size, Xmm dst, X64Mem m, u8 lane)
{
    if (lane_size == SZ_64)
        x64_xm(c, lane ? X64_MOVHPS : X64_MOVLPS, dst, m);
    else
        x64_pins_m(c, insert_row(lane_size), dst, dst, m, lane);
}

void x64_simd_store_lane(CodeBuf *c, X64Size lane_size, X64Mem m, Xmm src, u8 lane)
{
    if (lane_size == SZ_64)
        x64_mx(c, lane ? X64_MOVHPS : X64_MOVLPS, m, src);
    else if (lane_size == SZ_32 && lane == 0)
        x64_mx(c, X64_MOVSS, m, src);
    else
        x64_pext_m(c, extract_row(lane_size), m, src, lane);
}

void x64_simd_store(CodeBuf *c, X64Mem m, Xmm src)
{
    x64_mx(c, X64_MOVDQU, m, src);
}

/* --- splat --- */

void x64_simd_splat(CodeBuf *c, X64Size lane_size, Xmm dst, Gpr src, Xmm tmp)
{
    static const X64Sse rows[] = {X64_VPBROADCASTB, X64_VPBROADCASTW, X64_VPBROADCASTD,
                                  X64_VPBROADCASTQ};
    x64_xr(c, X64_MOVGX, lane_size == SZ_64 ? SZ_64 : SZ_32, dst, src);
    if (X64_HAS(c->features, AVX2))
        x64_xx(c, rows[lane_size], dst, dst);
    else if (lane_size == SZ_8)
        spread_byte(c, dst, tmp);
    else if (lane_size == SZ_16)
        spread_word(c, dst);
    else
        x64_xxi(c, X64_PSHUFD, dst, dst, lane_size == SZ_64 ? 0x44 : 0);
}

void x64_simd_splat_float(CodeBuf *c, X64Size lane_size, Xmm dst, Xmm src)
{
    if (lane_size == SZ_64)
        x64_xx(c, X64_MOVDDUP, dst, src);
    else if (X64_HAS(c->features, AVX2))
        x64_xx(c, X64_VBROADCASTSS, dst, src);
    else
        x64_xxxi(c, X64_SHUFPS, dst, src, src, 0);
}

/* --- extract and replace --- */

void x64_simd_extract(CodeBuf *c, X64Size lane_size, bool sign, Gpr dst, Xmm src, u8 lane)
{
    if (lane_size >= SZ_32 && lane == 0)
        x64_rx(c, X64_MOVGX, lane_size, dst, src);
    else
        x64_rxi(c, extract_row(lane_size), dst, src, lane);
    if (sign && lane_size < SZ_32)
        x64_movsx_rr(c, lane_size, SZ_32, dst, dst);
}

void x64_simd_extract_float(CodeBuf *c, X64Size lane_size, Xmm dst, Xmm src, u8 lane)
{
    if (lane == 0)
        x64_mov_xx(c, dst, src);
    else
        x64_xxi(c, X64_PSHUFD, dst, src, lane_size == SZ_64 ? 0xee : lane);
}

void x64_simd_replace(CodeBuf *c, X64Size lane_size, Xmm dst, Xmm a, Gpr b, u8 lane)
{
    x64_xxri(c, insert_row(lane_size), dst, a, b, lane);
}

void x64_simd_replace_float(CodeBuf *c, X64Size lane_size, Xmm dst, Xmm a, Xmm b, u8 lane)
{
    if (lane_size == SZ_32)
        x64_xxxi(c, X64_INSERTPS, dst, a, b, (u8)(lane << 4));
    else
        x64_xxx(c, lane ? X64_MOVLHPS : X64_MOVSD, dst, a, b);
}

/* --- shuffles --- */

void x64_simd_const(CodeBuf *c, Xmm dst, const u8 bytes[16])
{
    u64 lo = load_u64(bytes), hi = load_u64(bytes + 8);
    if ((lo | hi) == 0)
        x64_zero_x(c, dst);
    else if ((lo & hi) == UINT64_MAX)
        simd_ones(c, dst);
    else
        x64_xm(c, X64_MOVDQA, dst, x64_mem_label(code_const(c, bytes, 16)));
}

/* Lanes that are pairs of one word, or fours of one double word, may be moved as such: the
 * immediate of pshufd, if all is from one operand. */
static bool as_double_words(const u8 lanes[16], u8 *ret_imm)
{
    u32 imm = 0;
    for (u32 i = 0; i < 4; i++) {
        const u8 *l = lanes + 4 * i;
        if (l[0] % 4 != 0 || l[1] != l[0] + 1 || l[2] != l[0] + 2 || l[3] != l[0] + 3)
            return false;
        imm |= (u32)(l[0] / 4 & 3) << 2 * i;
    }
    *ret_imm = (u8)imm;
    return true;
}

/* One operand; lanes below 16. */
static void shuffle_one(CodeBuf *c, const u8 lanes[16], Xmm dst, Xmm a)
{
    u8 imm;
    if (as_double_words(lanes, &imm)) {
        if (imm == 0xe4)
            x64_mov_xx(c, dst, a);
        else
            x64_xxi(c, X64_PSHUFD, dst, a, imm);
        return;
    }
    x64_xxm(c, X64_PSHUFB, dst, a, x64_mem_label(code_const(c, lanes, 16)));
}

/* The rows that interleave halves: first lane, bytes of a lane. */
static const struct {
    X64Sse row;
    u8 first, width;
} unpacks[] = {
    {X64_PUNPCKLBW, 0, 1}, {X64_PUNPCKHBW, 8, 1}, {X64_PUNPCKLWD, 0, 2},  {X64_PUNPCKHWD, 8, 2},
    {X64_PUNPCKLDQ, 0, 4}, {X64_PUNPCKHDQ, 8, 4}, {X64_PUNPCKLQDQ, 0, 8}, {X64_PUNPCKHQDQ, 8, 8},
};

/* The unpack row that does it with (a, b), or with (b, a) if flip is 16. */
static bool find_unpack(const u8 lanes[16], u8 flip, X64Sse *ret_row)
{
    for (u32 k = 0; k < ARRAY_LEN(unpacks); k++) {
        u32 w = unpacks[k].width, i = 0;
        for (; i < 16; i++) {
            u32 from_second = i / w % 2, lane = unpacks[k].first + i / (2 * w) * w + i % w;
            if (lanes[i] != ((lane + 16 * from_second) ^ flip))
                break;
        }
        if (i == 16) {
            *ret_row = unpacks[k].row;
            return true;
        }
    }
    return false;
}

/* Sixteen consecutive bytes of the concatenation, which may wrap around. */
static bool is_consecutive(const u8 lanes[16])
{
    for (u32 i = 1; i < 16; i++)
        if (lanes[i] != (lanes[0] + i) % 32)
            return false;
    return true;
}

static bool shuffle_two_once(CodeBuf *c, const u8 lanes[16], Xmm dst, Xmm a, Xmm b)
{
    X64Sse row;
    u8 imm;
    if (find_unpack(lanes, 0, &row))
        x64_xxx(c, row, dst, a, b);
    else if (find_unpack(lanes, 16, &row))
        x64_xxx(c, row, dst, b, a);
    else if (is_consecutive(lanes) && lanes[0] < 16)
        x64_xxxi(c, X64_PALIGNR, dst, b, a, lanes[0]);
    else if (is_consecutive(lanes))
        x64_xxxi(c, X64_PALIGNR, dst, a, b, lanes[0] & 15);
    else if (as_double_words(lanes, &imm) && (lanes[0] | lanes[4]) < 16 &&
             (lanes[8] & lanes[12]) >= 16)
        x64_xxxi(c, X64_SHUFPS, dst, a, b, imm);
    else if (as_double_words(lanes, &imm) && (lanes[0] & lanes[4]) >= 16 &&
             (lanes[8] | lanes[12]) < 16)
        x64_xxxi(c, X64_SHUFPS, dst, b, a, imm);
    else
        return false;
    return true;
}

/* The mask of pshufb for the lanes of one operand; the others give zeros. */
static X64Mem half_mask(CodeBuf *c, const u8 lanes[16], u8 operand)
{
    u8 mask[16];
    for (u32 i = 0; i < 16; i++)
        mask[i] = lanes[i] / 16 == operand ? lanes[i] & 15 : 0x80;
    return x64_mem_label(code_const(c, mask, 16));
}

void x64_simd_shuffle(CodeBuf *c, const u8 lanes[16], Xmm dst, Xmm a, Xmm b, Xmm tmp)
{
    u8 low[16];
    u32 any_a = 0, any_b = 0;
    for (u32 i = 0; i < 16; i++) {
        assert(lanes[i] < 32);
        low[i] = lanes[i] & 15;
        any_a |= lanes[i] < 16;
        any_b |= lanes[i] >= 16;
    }
    if (a == b || !any_b) {
        shuffle_one(c, low, dst, a);
    } else if (!any_a) {
        shuffle_one(c, low, dst, b);
    } else if (!shuffle_two_once(c, lanes, dst, a, b)) {
        x64_xxm(c, X64_PSHUFB, tmp, a, half_mask(c, lanes, 0));
        x64_xxm(c, X64_PSHUFB, SCRATCH, b, half_mask(c, lanes, 1));
        x64_xxx(c, X64_POR, dst, tmp, SCRATCH);
    }
}
