/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runner of generated code for the tests of sequences. */
#include "unit/backend/exec.h"
#include "unit/test.h"

#include <sys/mman.h>

const u32 exec_f32[] = {
    0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x3f000000, 0xbf000000, 0x3effffff, 0x3fc00000,
    0x40200000, 0xc0200000, 0xbf7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7fc12345,
    0xffa12345, 0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0x00000001, 0x80000001, 0x007fffff,
    0x00800000, 0x7f7fffff, 0xff7fffff, 0x4f000000, 0xcf000000, 0x4effffff, 0xcf000001, 0x4f7fffff,
    0x4f800000, 0x5f000000, 0xdf000000, 0x5effffff, 0xdf000001, 0x5f7fffff, 0x5f800000, 0x4b000000,
    0x4b000001, 0xcb7fffff, 0x4a7fffff, 0xca800001, 0x42f6e979, 0xc2f6e979,
};
const u32 exec_nf32 = ARRAY_LEN(exec_f32);

const u64 exec_f64[] = {
    0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000,
    0x3fe0000000000000, 0xbfe0000000000000, 0x3fdfffffffffffff, 0x3ff8000000000000,
    0x4004000000000000, 0xc004000000000000, 0xbfefffffffffffff, 0x7ff0000000000000,
    0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000000, 0x7ff8123456789abc,
    0xfff4123456789abc, 0x7ff0000000000001, 0xfff0000000000001, 0x7fffffffffffffff,
    0xffffffffffffffff, 0x0000000000000001, 0x8000000000000001, 0x000fffffffffffff,
    0x0010000000000000, 0x7fefffffffffffff, 0xffefffffffffffff, 0x41dfffffffc00000,
    0x41e0000000000000, 0x41dfffffffffffff, 0xc1e0000000000000, 0xc1e0000000100000,
    0xc1e0000000200000, 0xc1e00000001fffff, 0x41efffffffe00000, 0x41efffffffffffff,
    0x41f0000000000000, 0x43e0000000000000, 0x43dfffffffffffff, 0xc3e0000000000000,
    0xc3e0000000000001, 0x43f0000000000000, 0x43efffffffffffff, 0x4330000000000000,
    0x4330000000000001, 0xc32fffffffffffff, 0x405ec6e978d4fdf4, 0xc05ec6e978d4fdf4,
};
const u32 exec_nf64 = ARRAY_LEN(exec_f64);

u64 exec_random(u64 *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

Regs exec_regs(u32 choice)
{
    static const Regs choices[REG_CHOICES] = {
        {{XMM1, XMM2, XMM3}, XMM4, XMM5},    {{XMM1, XMM9, XMM3}, XMM1, XMM0},
        {{XMM0, XMM8, XMM10}, XMM8, XMM6},   {{XMM7, XMM2, XMM11}, XMM11, XMM14},
        {{XMM12, XMM12, XMM3}, XMM2, XMM13}, {{XMM3, XMM3, XMM0}, XMM3, XMM9},
        {{XMM14, XMM5, XMM5}, XMM5, XMM1},
    };
    return choices[choice];
}

bool exec_choice_matters(u32 choice, u32 operands)
{
    static const u8 needs[REG_CHOICES] = {1, 1, 2, 3, 2, 2, 3};
    return operands >= needs[choice];
}

u32 exec_feature_sets(X64CpuSet ret_sets[EXEC_MAX_SETS])
{
    X64CpuSet here, s;
    u32 n = 0;
    EXPECT(x64_cpu_detect(&here));
    ret_sets[n++] = X64_CPU_SET_BASE;
    static const char *const lists[] = {"base,sse4.2", "base,sse4.2,avx"};
    for (u32 i = 0; i < ARRAY_LEN(lists); i++) {
        EXPECT(!x64_cpu_parse(str_of(lists[i]), (s = 0, &s)));
        if ((s & here) == s)
            ret_sets[n++] = s;
    }
    ret_sets[n++] = here;
    return n;
}

X64Mem exec_field(usize offset)
{
    return x64_mem(RDI, (i32)offset);
}

void exec_begin(CodeBuf *c, X64CpuSet features, const Regs *r)
{
    code_reset(c);
    c->features = features;
    for (u32 i = 0; i < 3; i++)
        x64_xm(c, X64_MOVUPS, r->in[i], exec_field(offsetof(Frame, in) + 16 * i));
    x64_rm(c, X64_MOV, SZ_64, RCX, exec_field(offsetof(Frame, gpr)));
}

ExecFn exec_end(CodeBuf *c, const Regs *r, u32 *ret_size)
{
    x64_mx(c, X64_MOVUPS, exec_field(offsetof(Frame, out)), r->dst);
    for (u32 i = 0; i < 3; i++)
        x64_mx(c, X64_MOVUPS, exec_field(offsetof(Frame, after) + 16 * i), r->in[i]);
    x64_mr(c, X64_MOV, SZ_64, exec_field(offsetof(Frame, gpr_out)), RDX);
    x64_ret(c);
    EXPECT(code_finish(c));
    void *p = mmap(NULL, c->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(p != MAP_FAILED);
    memcpy(p, c->base, c->size);
    EXPECT(mprotect(p, c->size, PROT_READ | PROT_EXEC) == 0);
    *ret_size = c->size;
    return (ExecFn)p;
}

void exec_free(ExecFn fn, u32 size)
{
    munmap((void *)fn, size);
}

void exec_run(ExecFn fn, const Regs *r, u32 operands, Frame *f, const char *name)
{
    for (u32 i = 2; i > 0; i--) /* equal registers hold what was loaded last */
        for (u32 k = 0; k < i; k++)
            if (r->in[k] == r->in[i])
                f->in[k] = f->in[i];
    fn(f);
    for (u32 i = 0; i < operands; i++)
        if (r->in[i] != r->dst && memcmp(&f->after[i], &f->in[i], 16) != 0)
            test_fail(__FILE__, __LINE__, "%s clobbers operand %u", name, i);
}
