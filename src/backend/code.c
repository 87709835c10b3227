/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The code buffer: growth, labels and their fix-ups, the constant pool and jump tables. */
#include "backend/code.h"

enum { INITIAL_SIZE = 16 * 1024, PAD_BYTE = 0xcc, NONE = UINT32_MAX };

void code_init(CodeBuf *c, u64 features)
{
    memset(c, 0, sizeof *c);
    c->features = features;
    c->cap = INITIAL_SIZE;
    c->base = c->at = mem_alloc(c->cap);
    c->limit = c->base + c->cap - CODE_MARGIN;
}

void code_release(CodeBuf *c)
{
    mem_free(c->base);
    vec_release(&c->labels);
    vec_release(&c->fixups);
    vec_release(&c->consts);
    vec_release(&c->const_bytes);
    vec_release(&c->const_hash);
    vec_release(&c->tables);
    vec_release(&c->table_labels);
    vec_release(&c->relocs);
    memset(c, 0, sizeof *c);
}

void code_reset(CodeBuf *c)
{
    c->at = c->base;
    c->failed = false;
    c->code_size = c->size = c->pending = 0;
    if (c->consts.n > 0)
        memset(c->const_hash.p, 0, c->const_hash.n * sizeof *c->const_hash.p);
    c->labels.n = c->fixups.n = c->consts.n = c->const_bytes.n = 0;
    c->tables.n = c->table_labels.n = c->relocs.n = 0;
}

/* --- growth --- */

/* Room for n bytes, beyond the margin. n is at most CODE_MAX_SIZE. */
static void grow_to(CodeBuf *c, u32 n)
{
    u32 used = code_offset(c);
    u64 need = (u64)used + n + CODE_MARGIN;
    u64 cap = MAX((u64)c->cap * 2, need);
    u8 *p = need <= CODE_MAX_SIZE ? mem_try_alloc_array(cap, 1) : NULL;
    if (!p) {
        c->failed = true;
        c->at = c->base;
        return;
    }
    memcpy(p, c->base, used);
    mem_free(c->base);
    c->base = p;
    c->cap = (u32)cap;
    c->at = p + used;
    c->limit = p + cap - CODE_MARGIN;
}

void code_grow(CodeBuf *c)
{
    grow_to(c, CODE_MARGIN);
}

void code_bytes(CodeBuf *c, const void *p, u32 n)
{
    /* An instruction may end within the margin, beyond the limit. */
    if (c->at > c->limit || n > (usize)(c->limit - c->at))
        grow_to(c, n);
    if (c->failed || n == 0)
        return;
    memcpy(c->at, p, n);
    c->at += n;
}

/* --- labels --- */

/* Fills the field at offset `at`; distances are below CODE_MAX_SIZE. */
static void patch(CodeBuf *c, u32 at, u8 size, u8 trailing, u32 target)
{
    i32 distance = (i32)(target - (at + size + trailing));
    if (size == 4) {
        store_u32(c->base + at, (u32)distance);
        return;
    }
    ALWAYS(c->failed || (distance >= INT8_MIN && distance <= INT8_MAX));
    c->base[at] = (u8)distance;
}

void code_refer(CodeBuf *c, CodeLabel l, u32 at, u8 size, u8 trailing)
{
    CodeLabelInfo *info = &c->labels.p[l];
    if (info->offset != NONE) {
        patch(c, at, size, trailing, info->offset);
        return;
    }
    CodeFixup f = {.at = at, .next = info->fixups, .size = size, .trailing = trailing};
    info->fixups = c->fixups.n;
    vec_push(&c->fixups, f);
    c->pending++;
}

void code_bind_at(CodeBuf *c, CodeLabel l, u32 offset)
{
    CodeLabelInfo *info = &c->labels.p[l];
    assert(info->offset == NONE);
    info->offset = offset;
    for (u32 i = info->fixups; i != NONE; i = c->fixups.p[i].next) {
        const CodeFixup *f = &c->fixups.p[i];
        patch(c, f->at, f->size, f->trailing, offset);
        c->pending--;
    }
    info->fixups = NONE;
}

void code_bind(CodeBuf *c, CodeLabel l)
{
    code_bind_at(c, l, code_offset(c));
}

/* --- constants --- */

static u32 hash_bytes(const u8 *p, u32 size)
{
    u64 h = size;
    for (u32 i = 0; i < size; i += 4)
        h = (h ^ load_u32(p + i)) * 0x9e3779b97f4a7c15u;
    return (u32)(h >> 32);
}

/* The slot that holds an equal constant, or the empty one where it belongs. */
static u32 *const_slot(CodeBuf *c, const u8 *p, u32 size)
{
    u32 mask = c->const_hash.n - 1;
    for (u32 i = hash_bytes(p, size) & mask;; i = (i + 1) & mask) {
        u32 *slot = &c->const_hash.p[i];
        if (*slot == 0)
            return slot;
        const CodeConst *k = &c->consts.p[*slot - 1];
        if (k->size == size && memcmp(c->const_bytes.p + k->at, p, size) == 0)
            return slot;
    }
}

/* Keeps the table at most half full. */
static void grow_const_hash(CodeBuf *c)
{
    u32 n = c->const_hash.n ? c->const_hash.n * 2 : 64;
    vec_reserve(&c->const_hash, n);
    c->const_hash.n = n;
    memset(c->const_hash.p, 0, n * sizeof *c->const_hash.p);
    for (u32 i = 0; i < c->consts.n; i++) {
        const CodeConst *k = &c->consts.p[i];
        *const_slot(c, c->const_bytes.p + k->at, k->size) = i + 1;
    }
}

CodeLabel code_const(CodeBuf *c, const void *bytes, u32 size)
{
    assert(size == 4 || size == 8 || size == 16 || size == 32);
    if ((c->consts.n + 1) * 2 > c->const_hash.n)
        grow_const_hash(c);
    u32 *slot = const_slot(c, bytes, size);
    if (*slot == 0) {
        CodeConst k = {code_label(c), (u8)size, c->const_bytes.n};
        vec_reserve(&c->const_bytes, (u64)c->const_bytes.n + size);
        memcpy(c->const_bytes.p + c->const_bytes.n, bytes, size);
        c->const_bytes.n += size;
        vec_push(&c->consts, k);
        *slot = c->consts.n;
    }
    return c->consts.p[*slot - 1].label;
}

CodeLabel code_jump_table(CodeBuf *c, const CodeLabel *labels, u32 count)
{
    CodeTable t = {code_label(c), c->table_labels.n, count};
    vec_reserve(&c->table_labels, (u64)c->table_labels.n + count);
    if (count > 0)
        memcpy(c->table_labels.p + c->table_labels.n, labels, count * sizeof *labels);
    c->table_labels.n += count;
    vec_push(&c->tables, t);
    return t.label;
}

void code_reloc(CodeBuf *c, CodeRelocKind kind, u32 target)
{
    u32 size = kind == CODE_RELOC_REL32 ? 4 : 8;
    i32 addend = kind == CODE_RELOC_REL32 ? -4 : 0;
    CodeReloc r = {code_offset(c) - size, target, addend, (u8)kind};
    vec_push(&c->relocs, r);
}

/* --- the end of a function --- */

static void pad_to(CodeBuf *c, u32 align)
{
    static const u8 pad[CODE_ALIGN] = {[0 ... CODE_ALIGN - 1] = PAD_BYTE};
    code_bytes(c, pad, -code_offset(c) & (align - 1));
}

static void place_consts(CodeBuf *c)
{
    static const u8 sizes[] = {32, 16, 8, 4};
    for (u32 s = 0; s < ARRAY_LEN(sizes); s++) {
        for (u32 i = 0; i < c->consts.n; i++) {
            const CodeConst *k = &c->consts.p[i];
            if (k->size != sizes[s])
                continue;
            pad_to(c, k->size);
            code_bind_at(c, k->label, code_offset(c));
            code_bytes(c, c->const_bytes.p + k->at, k->size);
        }
    }
}

static void place_tables(CodeBuf *c)
{
    for (u32 i = 0; i < c->tables.n; i++) {
        const CodeTable *t = &c->tables.p[i];
        pad_to(c, 4);
        u32 start = code_offset(c);
        code_bind_at(c, t->label, start);
        for (u32 k = 0; k < t->count && !c->failed; k++) {
            u32 target = c->labels.p[c->table_labels.p[t->first + k]].offset;
            ALWAYS(target != NONE);
            u32 entry = target - start;
            code_bytes(c, &entry, sizeof entry);
        }
    }
}

bool code_finish(CodeBuf *c)
{
    c->code_size = code_offset(c);
    place_consts(c);
    place_tables(c);
    c->size = code_offset(c);
    if (c->failed)
        return false;
    ALWAYS(c->pending == 0);
    return true;
}
