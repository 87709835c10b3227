/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The guest's memory, seen from a host function: every access is checked against the memory's
 * bounds and the type's alignment. The first access that fails is kept as an error, which ends the
 * guest when the host function returns; accesses that fail read zeros and write nothing.
 */
#ifndef WASI_GUEST_H
#define WASI_GUEST_H

#include "base/error.h"

typedef struct GuestMem {
    u8 *base;
    u64 len;
    Error *error; /* own: the first access that failed */
} GuestMem;

/*
 * The host address of `len` bytes at `ptr`, or NULL with the error set. It is good until the guest
 * runs again. Of no bytes it is not NULL if ptr is in bounds or at the end.
 */
u8 *guest_at(GuestMem *m, u32 ptr, u64 len, u32 align);
static inline u8 *guest_bytes(GuestMem *m, u32 ptr, u64 len)
{
    return guest_at(m, ptr, len, 1);
}

u16 guest_u16(GuestMem *m, u32 ptr);
u32 guest_u32(GuestMem *m, u32 ptr);
u64 guest_u64(GuestMem *m, u32 ptr);
void guest_put_u8(GuestMem *m, u32 ptr, u8 v);
void guest_put_u16(GuestMem *m, u32 ptr, u16 v);
void guest_put_u32(GuestMem *m, u32 ptr, u32 v);
void guest_put_u64(GuestMem *m, u32 ptr, u64 v);
/* Copies n bytes in; of no bytes ptr may be anything. */
void guest_put(GuestMem *m, u32 ptr, const void *p, u64 n);

#endif
