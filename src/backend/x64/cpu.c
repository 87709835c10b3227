/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* CPU features: detection by cpuid, and lists of names. */
#include "backend/x64/cpu.h"

#include <cpuid.h>

enum { NEEDS_NONE, NEEDS_AVX };
enum { REG_A, REG_B, REG_C, REG_D };
enum {
    LEAF1_C_SSE3 = 1 << 0,
    LEAF1_C_SSSE3 = 1 << 9,
    LEAF1_C_SSE41 = 1 << 19,
    LEAF1_C_OSXSAVE = 1 << 27,
    XCR0_SSE_AVX = 6,
};

typedef struct CpuRow {
    const char *name;
    u32 leaf;
    u8 reg, bit, needs;
} CpuRow;

static const CpuRow rows[X64_CPU_COUNT] = {
    [X64_CPU_BASE] = {"sse4.1", 1, REG_C, 19, NEEDS_NONE},
#define X64_CPU(id, name, leaf, reg, bit, needs)                                                   \
    [X64_CPU_##id] = {name, leaf, REG_##reg, bit, NEEDS_##needs},
#include "backend/x64/cpu.def"
#undef X64_CPU
};

static X64CpuSet bit_of(u32 id)
{
    return (X64CpuSet)1 << id;
}

/* All features that need AVX, with it. */
static X64CpuSet avx_family(void)
{
    X64CpuSet s = 0;
    for (u32 i = 0; i < X64_CPU_COUNT; i++)
        if (rows[i].needs == NEEDS_AVX)
            s |= bit_of(i);
    return s;
}

/* The operating system saves the upper halves of the vector registers. */
static bool os_keeps_avx(u32 leaf1_c)
{
    u32 lo, hi;
    if (!(leaf1_c & LEAF1_C_OSXSAVE))
        return false;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (lo & XCR0_SSE_AVX) == XCR0_SSE_AVX;
}

/* The leaves that cpu.def names, each asked for once: a hypervisor makes cpuid slow. */
typedef struct CpuLeaf {
    u32 leaf, regs[4];
} CpuLeaf;

static void read_leaves(CpuLeaf leaves[], u32 n)
{
    u32 max = __get_cpuid_max(0, NULL);
    for (u32 i = 0; i < n; i++) {
        u32 leaf = leaves[i].leaf, *r = leaves[i].regs;
        if (leaf <= max || leaf == 0x80000001) /* which every 64-bit CPU has */
            __cpuid_count(leaf, 0, r[REG_A], r[REG_B], r[REG_C], r[REG_D]);
    }
}

static bool has_row(const CpuLeaf leaves[], u32 n, const CpuRow *row)
{
    for (u32 i = 0; i < n; i++)
        if (leaves[i].leaf == row->leaf)
            return leaves[i].regs[row->reg] >> row->bit & 1;
    BUG("a leaf of cpu.def that is not read");
}

bool x64_cpu_detect(X64CpuSet *ret_set)
{
    CpuLeaf leaves[] = {{.leaf = 1}, {.leaf = 7}, {.leaf = 0x80000001}};
    const u32 floor = LEAF1_C_SSE3 | LEAF1_C_SSSE3 | LEAF1_C_SSE41;
    read_leaves(leaves, ARRAY_LEN(leaves));
    u32 c = leaves[0].regs[REG_C];
    if ((c & floor) != floor)
        return false;
    X64CpuSet s = X64_CPU_SET_BASE;
    for (u32 i = X64_CPU_BASE + 1; i < X64_CPU_COUNT; i++)
        if (has_row(leaves, ARRAY_LEN(leaves), &rows[i]))
            s |= bit_of(i);
    if (!X64_HAS(s, AVX) || !os_keeps_avx(c))
        s &= ~avx_family();
    *ret_set = s;
    return true;
}

const char *x64_cpu_name(X64CpuBit bit)
{
    return rows[bit].name;
}

void x64_cpu_print(X64CpuSet set, Buf *out)
{
    const char *comma = "";
    for (u32 i = 0; i < X64_CPU_COUNT; i++) {
        if (!(set & bit_of(i)))
            continue;
        buf_printf(out, "%s%s", comma, rows[i].name);
        comma = ",";
    }
}

static X64CpuSet switch_on(X64CpuSet s, u32 id)
{
    if (rows[id].needs == NEEDS_AVX)
        s |= bit_of(X64_CPU_AVX);
    return s | bit_of(id);
}

static X64CpuSet switch_off(X64CpuSet s, u32 id)
{
    return id == X64_CPU_AVX ? s & ~avx_family() : s & ~bit_of(id);
}

static Error *apply_item(Str item, X64CpuSet *set)
{
    bool signed_item = item.n > 0 && (item.p[0] == '-' || item.p[0] == '+');
    bool off = signed_item && item.p[0] == '-';
    Str name = signed_item ? (Str){item.p + 1, item.n - 1} : item;
    if (str_eq(item, STR("base"))) {
        *set = X64_CPU_SET_BASE;
        return NULL;
    }
    for (u32 i = X64_CPU_BASE + 1; i < X64_CPU_COUNT; i++) {
        if (!str_eq(name, str_of(rows[i].name)))
            continue;
        *set = off ? switch_off(*set, i) : switch_on(*set, i);
        return NULL;
    }
    return error_new("unknown CPU feature `%.*s`", STR_ARG(item));
}

Error *x64_cpu_parse(Str list, X64CpuSet *set)
{
    X64CpuSet s = *set;
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        usize n = comma ? (usize)(comma - list.p) : list.n;
        Error *e = apply_item((Str){list.p, n}, &s);
        if (e)
            return e;
        usize skip = comma ? n + 1 : n;
        list = (Str){list.p + skip, list.n - skip};
    }
    *set = s;
    return NULL;
}
