/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The kernel gives the type of the device in the lower half of the first word, the access in the
 * upper half, then major and minor number; the answer is 1 or 0. Rules are looked at from the last
 * to the first one. The kernel takes no code that is never reached, so what is behind a rule for
 * everything is left out.
 */
#include "sandbox/device_filter.h"

#include <linux/bpf.h>

enum { R_ANSWER = 0, R_CONTEXT = 1, R_TYPE = 2, R_ACCESS = 3, R_MAJOR = 4, R_MINOR = 5 };

static_assert((int)DEVICE_MAKE == BPF_DEVCG_ACC_MKNOD && (int)DEVICE_READ == BPF_DEVCG_ACC_READ &&
                  (int)DEVICE_WRITE == BPF_DEVCG_ACC_WRITE,
              "the kernel's numbers");

enum { ALL = DEVICE_MAKE | DEVICE_READ | DEVICE_WRITE, TO_NEXT = INT16_MAX };

static void emit(DeviceFilter *f, int code, int to, int from, i16 off, i32 imm)
{
    vec_push(f, ((OsBpfInsn){(u8)code, (u8)(to | from << 4), off, imm}));
}

static void emit_answer(DeviceFilter *f, bool allow)
{
    emit(f, BPF_ALU64 | BPF_MOV | BPF_K, R_ANSWER, 0, 0, allow);
    emit(f, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void emit_start(DeviceFilter *f)
{
    emit(f, BPF_LDX | BPF_MEM | BPF_W, R_TYPE, R_CONTEXT, 0, 0);
    emit(f, BPF_ALU64 | BPF_MOV | BPF_X, R_ACCESS, R_TYPE, 0, 0);
    emit(f, BPF_ALU | BPF_AND | BPF_K, R_TYPE, 0, 0, 0xffff);
    emit(f, BPF_ALU | BPF_RSH | BPF_K, R_ACCESS, 0, 0, 16);
    emit(f, BPF_LDX | BPF_MEM | BPF_W, R_MAJOR, R_CONTEXT, 4, 0);
    emit(f, BPF_LDX | BPF_MEM | BPF_W, R_MINOR, R_CONTEXT, 8, 0);
}

static void emit_unless(DeviceFilter *f, int jump, int reg, i64 value)
{
    emit(f, BPF_JMP32 | jump | BPF_K, reg, 0, TO_NEXT, (i32)(u32)value);
}

static void emit_rule(DeviceFilter *f, const DeviceRule *r)
{
    u32 start = f->n;
    if (r->type != 'a')
        emit_unless(f, BPF_JNE, R_TYPE, r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
    if (!r->allow || r->access != ALL) {
        emit(f, BPF_ALU64 | BPF_MOV | BPF_X, R_ANSWER, R_ACCESS, 0, 0);
        emit(f, BPF_ALU | BPF_AND | BPF_K, R_ANSWER, 0, 0, r->allow ? ALL & ~r->access : r->access);
        emit_unless(f, r->allow ? BPF_JNE : BPF_JEQ, R_ANSWER, 0);
    }
    if (r->major >= 0)
        emit_unless(f, BPF_JNE, R_MAJOR, r->major);
    if (r->minor >= 0)
        emit_unless(f, BPF_JNE, R_MINOR, r->minor);
    emit_answer(f, r->allow);
    for (u32 i = start; i < f->n; i++)
        if (f->p[i].off == TO_NEXT)
            f->p[i].off = (i16)(f->n - i - 1);
}

void device_filter_make(const DeviceRule *rules, u32 n, DeviceFilter *ret_filter)
{
    DeviceFilter f = {0};
    emit_start(&f);
    for (u32 i = n; i-- > 0;) {
        if (rules[i].type == 'a') {
            emit_answer(&f, rules[i].allow);
            *ret_filter = f;
            return;
        }
        emit_rule(&f, &rules[i]);
    }
    emit_answer(&f, false);
    *ret_filter = f;
}
