/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Checked accesses to the guest's memory. */
#include "wasi/guest.h"

static COLD u8 *refuse(GuestMem *m, Error *e)
{
    if (m->error)
        error_free(e);
    else
        m->error = e;
    return NULL;
}

u8 *guest_at(GuestMem *m, u32 ptr, u64 len, u32 align)
{
    if (ptr > m->len || len > m->len - ptr)
        return refuse(m, error_new("Pointer out of bounds: Region { start: %u, len: %llu }", ptr,
                                   (unsigned long long)len));
    if (ptr % align != 0)
        return refuse(m, error_new("Pointer not aligned to %u: Region { start: %u, len: %llu }",
                                   align, ptr, (unsigned long long)len));
    return m->base + ptr;
}

u16 guest_u16(GuestMem *m, u32 ptr)
{
    const u8 *p = guest_at(m, ptr, 2, 2);
    return p ? load_u16(p) : 0;
}

u32 guest_u32(GuestMem *m, u32 ptr)
{
    const u8 *p = guest_at(m, ptr, 4, 4);
    return p ? load_u32(p) : 0;
}

u64 guest_u64(GuestMem *m, u32 ptr)
{
    const u8 *p = guest_at(m, ptr, 8, 8);
    return p ? load_u64(p) : 0;
}

void guest_put_u8(GuestMem *m, u32 ptr, u8 v)
{
    guest_put(m, ptr, &v, 1);
}

void guest_put_u16(GuestMem *m, u32 ptr, u16 v)
{
    u8 *p = guest_at(m, ptr, 2, 2);
    if (p)
        store_u16(p, v);
}

void guest_put_u32(GuestMem *m, u32 ptr, u32 v)
{
    u8 *p = guest_at(m, ptr, 4, 4);
    if (p)
        store_u32(p, v);
}

void guest_put_u64(GuestMem *m, u32 ptr, u64 v)
{
    u8 *p = guest_at(m, ptr, 8, 8);
    if (p)
        store_u64(p, v);
}

void guest_put(GuestMem *m, u32 ptr, const void *p, u64 n)
{
    u8 *to = n > 0 ? guest_bytes(m, ptr, n) : NULL;
    if (to)
        memcpy(to, p, n);
}
