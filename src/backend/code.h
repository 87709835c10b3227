/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The machine code of one function while it is being written: bytes, labels, jump tables, a pool
 * of constants and the relocations that are left for whoever places the code. Nothing in here
 * knows an instruction set, except that references are relative to the end of an instruction.
 *
 * Use: code_init once, then for each function code_reset, emit, code_finish, copy base[0..size).
 * Memory: heap, own, kept from function to function.
 *
 * Running out (256 MiB of code, or no memory) sets `failed`; emitting goes on harmlessly at the
 * start of the buffer and code_finish returns false.
 */
#ifndef BACKEND_CODE_H
#define BACKEND_CODE_H

#include "base/vec.h"

enum {
    CODE_MAX_SIZE = 256 << 20,
    CODE_MARGIN = 64, /* bytes that may be written after one code_ensure() */
};

/* A place in the code: created unbound, bound once, referred to before and after. */
typedef u32 CodeLabel;
#define CODE_NO_LABEL UINT32_MAX

typedef struct CodeLabelInfo {
    u32 offset; /* UINT32_MAX while unbound */
    u32 fixups; /* newest reference in CodeBuf.fixups, UINT32_MAX if none */
} CodeLabelInfo;

/* A reference to a label that is not bound yet. */
typedef struct CodeFixup {
    u32 at;      /* offset of the field */
    u32 next;    /* of the same label, UINT32_MAX ends */
    u8 size;     /* of the field: 1 or 4 */
    u8 trailing; /* bytes of the instruction behind the field */
} CodeFixup;

typedef struct CodeConst {
    CodeLabel label;
    u8 size; /* 4, 8, 16, 32; its alignment too */
    u32 at;  /* of the bytes in const_bytes */
} CodeConst;

typedef struct CodeTable {
    CodeLabel label;
    u32 first, count; /* in table_labels */
} CodeTable;

/* A field that the code's owner fills: what `target` and `kind` mean is for the owner (abi/). */
typedef struct CodeReloc {
    u32 at; /* offset of the field */
    u32 target;
    i32 addend; /* as in ELF: value = S + addend - (address of the field) for relative kinds */
    u8 kind;    /* CodeRelocKind */
} CodeReloc;

typedef enum CodeRelocKind {
    CODE_RELOC_REL32, /* 32 bits, relative: addend is -4 */
    CODE_RELOC_ABS64, /* 64 bits, absolute */
} CodeRelocKind;

typedef struct CodeBuf {
    u8 *at;    /* the next byte */
    u8 *limit; /* code_ensure() grows beyond here */
    u8 *base;
    u64 features; /* CPU features that may be used: backend/x64/cpu.h */
    u32 cap;
    u32 pending; /* fix-ups that no bound label has resolved */
    bool failed;
    u32 code_size; /* after code_finish: the part before tables and constants */
    u32 size;      /* after code_finish: everything */
    VEC(CodeLabelInfo) labels;
    VEC(CodeFixup) fixups;
    VEC(CodeConst) consts;
    VEC(u8) const_bytes;
    VEC(u32) const_hash; /* open addressing: index in consts plus one */
    VEC(CodeTable) tables;
    VEC(CodeLabel) table_labels;
    VEC(CodeReloc) relocs; /* ascending `at` */
} CodeBuf;

/* Code must be placed at a multiple of this; constants rely on it. */
enum { CODE_ALIGN = 32 };

void code_init(CodeBuf *c, u64 features);
void code_release(CodeBuf *c);
void code_reset(CodeBuf *c);
/* Ends the function: places tables and constants, resolves what is left. All labels that were
 * referred to must be bound. False if `failed`; base[0..size) is the code otherwise. */
bool code_finish(CodeBuf *c) MUST_CHECK;

static inline u32 code_offset(const CodeBuf *c)
{
    return (u32)(c->at - c->base);
}

COLD void code_grow(CodeBuf *c);
/* Room for one instruction (or CODE_MARGIN bytes). */
static inline void code_ensure(CodeBuf *c)
{
    if (UNLIKELY(c->at > c->limit))
        code_grow(c);
}
/* Raw bytes of any length: at the caller's choice data or code. */
void code_bytes(CodeBuf *c, const void *p, u32 n);

/* --- labels --- */
static inline CodeLabel code_label(CodeBuf *c)
{
    CodeLabelInfo info = {UINT32_MAX, UINT32_MAX};
    vec_push(&c->labels, info);
    return c->labels.n - 1;
}
static inline bool code_label_bound(const CodeBuf *c, CodeLabel l)
{
    return c->labels.p[l].offset != UINT32_MAX;
}
/* Only of bound labels. */
static inline u32 code_label_offset(const CodeBuf *c, CodeLabel l)
{
    return c->labels.p[l].offset;
}
/* Here is the label; all references so far are filled in. */
void code_bind(CodeBuf *c, CodeLabel l);
void code_bind_at(CodeBuf *c, CodeLabel l, u32 offset);
/* For encoders: a reference from the field at offset `at`, `size` bytes, with `trailing` bytes of
 * the instruction behind it. Fills it now or when the label is bound. */
void code_refer(CodeBuf *c, CodeLabel l, u32 at, u8 size, u8 trailing);

/* --- behind the code --- */
/* The label of a constant in the pool: 4, 8, 16 or 32 bytes, equal ones are shared, aligned to
 * their size. */
CodeLabel code_const(CodeBuf *c, const void *bytes, u32 size);
static inline CodeLabel code_const_u32(CodeBuf *c, u32 v)
{
    return code_const(c, &v, 4);
}
static inline CodeLabel code_const_u64(CodeBuf *c, u64 v)
{
    return code_const(c, &v, 8);
}
static inline CodeLabel code_const_u64x2(CodeBuf *c, u64 lo, u64 hi)
{
    u64 v[2] = {lo, hi};
    return code_const(c, v, 16);
}
/* The label of a table of `count` 32-bit entries, each a label's offset minus the table's. The
 * labels are copied and may be bound later. */
CodeLabel code_jump_table(CodeBuf *c, const CodeLabel *labels, u32 count);

/* A field of the kind's size was just written, ending at `at`: have the owner fill it. */
void code_reloc(CodeBuf *c, CodeRelocKind kind, u32 target);

#endif
