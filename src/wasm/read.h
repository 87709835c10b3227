/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Reading the binary format: numbers, names and types. Private to the folder. Sticky: after the
 * first error everything returns zero and the reader stands at its end.
 *
 * Source: https://webassembly.github.io/spec/core/binary/index.html
 */
#ifndef WASM_READ_H
#define WASM_READ_H

#include "wasm/insn.h"

typedef InsnReader Reader;

enum {
#define LIMIT(id, value) LIMIT_##id = value,
#include "wasm/limits.def"
#undef LIMIT
};

static inline u64 read_offset(const Reader *r, const u8 *at)
{
    return (u64)(at - r->base);
}
static inline bool read_ok(const Reader *r)
{
    return diag_ok(r->diag);
}
static inline usize read_left(const Reader *r)
{
    return (usize)(r->end - r->at);
}

void read_fail(Reader *r, DiagKind kind, const u8 *at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5), cold, noinline));
/* "unexpected end of section or function" here. */
void read_fail_end(Reader *r) __attribute__((cold, noinline));
/* For messages: the -W key, or the id in features.def where there is no key. */
const char *read_proposal_name(enum FeatureBit bit);
/* Notes the use of a proposal; an error naming `what` if it is off. */
bool read_need(Reader *r, enum FeatureBit bit, const u8 *at, const char *what);

u32 read_u32_slow(Reader *r);
u64 read_u64_slow(Reader *r);
i64 read_sleb(Reader *r, u32 bits);

static inline u8 read_u8(Reader *r)
{
    if (UNLIKELY(r->at >= r->end)) {
        read_fail_end(r);
        return 0;
    }
    return *r->at++;
}

static inline u32 read_u32(Reader *r)
{
    if (LIKELY(r->at < r->end && *r->at < 0x80))
        return *r->at++;
    return read_u32_slow(r);
}

static inline u64 read_u64(Reader *r)
{
    if (LIKELY(r->at < r->end && *r->at < 0x80))
        return *r->at++;
    return read_u64_slow(r);
}

static inline i64 read_s(Reader *r, u32 bits)
{
    if (LIKELY(r->at < r->end && *r->at < 0x80))
        return (i64)((u64)*r->at++ << 57) >> 57;
    return read_sleb(r, bits);
}

/* `n` bytes, NULL after an error. */
const u8 *read_bytes(Reader *r, usize n);
/* The count of a vector; at most the bytes that are left, as each item takes one at least. */
u32 read_count(Reader *r, u32 limit, const char *what);
Str read_name(Reader *r);

/* Index of a type of the module, checked. Within the type section also of the current group. */
u32 read_type_index(Reader *r);
HeapType read_heap_type(Reader *r, ValType *ret_rel);
ValType read_ref_type(Reader *r);
ValType read_val_type(Reader *r);
/* (ref null? heap) after its code or flag was read. */
ValType read_ref_to(Reader *r, bool nullable);

/* The byte of an abstract heap type. */
u8 read_heap_code(HeapType heap);

/* The instruction at a prefix's row and code, 0 for none, otherwise OpId + 1. */
enum { OP_PREFIXES = 5, OP_CODES = 0x114 };
extern const u16 op_by_code[OP_PREFIXES][OP_CODES];

#endif
