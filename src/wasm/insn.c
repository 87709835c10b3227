/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The instruction reader. Everything that a later walk needs to stay within bounds is checked here:
 * counts, type indices of block types and of value types. Other indices are the validator's.
 */
#include "wasm/insn.h"

#include "wasm/read.h"

void insn_reader_init(InsnReader *r, const WasmModule *m, Range range, Diag *diag)
{
    *r = (InsnReader){
        .at = m->bytes + range.at,
        .end = m->bytes + range.at + range.size,
        .base = m->bytes,
        .m = m,
        .diag = diag,
    };
}

static void read_block_type(InsnReader *r, BlockType *b)
{
    const u8 *at = r->at;
    if (LIKELY(at < r->end && *at == 0x40)) {
        r->at++;
        *b = (BlockType){.kind = BLOCK_EMPTY};
        return;
    }
    if (at < r->end && (*at & 0xc0) == 0x40) {
        *b = (BlockType){.kind = BLOCK_VALUE, .type = read_val_type(r)};
        return;
    }
    i64 index = read_s(r, 33);
    *b = (BlockType){.kind = BLOCK_EMPTY};
    if (!read_ok(r))
        return;
    if (index < 0) {
        read_fail(r, DIAG_MALFORMED, at, "malformed block type");
        return;
    }
    if (index >= r->m->ntypes ||
        types_get(r->m->registry, r->m->types[index])->kind != COMPOSITE_FUNC) {
        read_fail(r, DIAG_INVALID, at, "unknown type %lld: a block needs a function type",
                  (long long)index);
        return;
    }
    if (read_need(r, FEATURE_BIT_MULTI_VALUE, at, "block with parameters or several results"))
        *b = (BlockType){.kind = BLOCK_TYPE, .index = (u32)index};
}

enum { MEMARG_ALIGN = 0x3f, MEMARG_INDEX = 0x40, MEMARG_LIMIT = 0x80 };

static void read_memarg(InsnReader *r, MemArg *ret_arg)
{
    const u8 *at = r->at;
    u32 flags = read_u32(r);
    u32 memory = 0;
    if (UNLIKELY(flags >= MEMARG_INDEX)) {
        if (flags >= MEMARG_LIMIT || !(r->m->features & FEATURE_MASK(MULTI_MEMORY))) {
            read_fail(r, DIAG_MALFORMED, at, "malformed memop flags 0x%x", flags);
            return;
        }
        memory = read_u32(r);
    }
    *ret_arg =
        (MemArg){.align_log2 = flags & MEMARG_ALIGN, .memory = memory, .offset = read_u64(r)};
}

/* A memory or table index that was a zero byte before `feature`. */
static u32 read_index_or_zero(InsnReader *r, enum FeatureBit feature)
{
    const u8 *at = r->at;
    if (LIKELY(r->m->features >> feature & 1))
        return read_u32(r);
    u8 byte = read_u8(r);
    if (byte != 0)
        read_fail(r, DIAG_MALFORMED, at, "zero byte expected");
    return 0;
}

static void read_labels(InsnReader *r, Insn *i)
{
    i->count = read_count(r, LIMIT_BR_TABLE, "branch targets");
    i->targets = r->at;
    for (u32 k = 0; k <= i->count && read_ok(r); k++)
        read_u32(r);
}

static void read_select_types(InsnReader *r, Insn *i)
{
    i->count = read_count(r, LIMIT_BODY_SIZE, "types of select");
    i->targets = r->at;
    for (u32 k = 0; k < i->count && read_ok(r); k++)
        i->type = read_val_type(r);
}

static void read_catches(InsnReader *r, Insn *i)
{
    i->count = read_count(r, LIMIT_CATCHES, "catch clauses");
    i->targets = r->at;
    for (u32 k = 0; k < i->count && read_ok(r); k++) {
        const u8 *at = r->at;
        u8 kind = read_u8(r);
        if (kind > CATCH_ALL_REF)
            read_fail(r, DIAG_MALFORMED, at, "malformed catch clause 0x%02x", kind);
        if (kind <= CATCH_TAG_REF)
            read_u32(r);
        read_u32(r);
    }
}

static void read_handlers(InsnReader *r, Insn *i)
{
    i->count = read_count(r, LIMIT_CATCHES, "handlers");
    i->targets = r->at;
    for (u32 k = 0; k < i->count && read_ok(r); k++) {
        const u8 *at = r->at;
        u8 kind = read_u8(r);
        if (kind > 1)
            read_fail(r, DIAG_MALFORMED, at, "malformed handler 0x%02x", kind);
        read_u32(r);
        if (kind == 0)
            read_u32(r);
    }
}

static void read_br_cast(InsnReader *r, Insn *i)
{
    const u8 *at = r->at;
    u8 flags = read_u8(r);
    if (flags > 3) {
        read_fail(r, DIAG_MALFORMED, at, "malformed br_on_cast flags 0x%02x", flags);
        return;
    }
    i->idx = read_u32(r);
    i->type = read_ref_to(r, flags & 1);
    i->type2 = read_ref_to(r, flags & 2);
}

static void read_16(InsnReader *r, Insn *i)
{
    const u8 *p = read_bytes(r, 16);
    if (p)
        memcpy(i->v128, p, 16);
}

static void read_bits(InsnReader *r, Insn *i, usize n)
{
    const u8 *p = read_bytes(r, n);
    i->value = 0;
    if (p)
        memcpy(&i->value, p, n);
}

static void read_immediates(InsnReader *r, Insn *i, ImmKind imm)
{
    switch (imm) {
    case IMM_NONE:
        break;
    case IMM_BLOCK:
        read_block_type(r, &i->block);
        break;
    case IMM_LABEL:
    case IMM_FUNC:
    case IMM_LOCAL:
    case IMM_GLOBAL:
    case IMM_TABLE:
    case IMM_DATA:
    case IMM_ELEM:
    case IMM_TAG:
        i->idx = read_u32(r);
        break;
    case IMM_LABELS:
        read_labels(r, i);
        break;
    case IMM_TYPE:
        i->idx = read_type_index(r);
        break;
    case IMM_CALL_INDIRECT:
        i->idx = read_type_index(r);
        i->idx2 = read_index_or_zero(r, FEATURE_BIT_REFERENCE_TYPES);
        break;
    case IMM_MEMORY:
        i->idx = read_index_or_zero(r, FEATURE_BIT_MULTI_MEMORY);
        break;
    case IMM_TABLE2:
        i->idx = read_u32(r);
        i->idx2 = read_u32(r);
        break;
    case IMM_MEMORY2:
        i->idx = read_index_or_zero(r, FEATURE_BIT_MULTI_MEMORY);
        i->idx2 = read_index_or_zero(r, FEATURE_BIT_MULTI_MEMORY);
        break;
    case IMM_DATA_MEMORY:
        i->idx = read_u32(r);
        i->idx2 = read_index_or_zero(r, FEATURE_BIT_MULTI_MEMORY);
        break;
    case IMM_ELEM_TABLE:
        i->idx = read_u32(r);
        i->idx2 = read_u32(r);
        break;
    case IMM_MEMARG:
        read_memarg(r, &i->memarg);
        break;
    case IMM_MEMARG_LANE:
        read_memarg(r, &i->memarg);
        i->lane = read_u8(r);
        break;
    case IMM_LANE:
        i->lane = read_u8(r);
        break;
    case IMM_SHUFFLE:
    case IMM_V128:
        read_16(r, i);
        break;
    case IMM_I32:
        i->value = (u64)read_s(r, 32);
        break;
    case IMM_I64:
        i->value = (u64)read_s(r, 64);
        break;
    case IMM_F32:
        read_bits(r, i, 4);
        break;
    case IMM_F64:
        read_bits(r, i, 8);
        break;
    case IMM_HEAPTYPE:
    case IMM_REFTYPE_NULL:
        i->type = read_ref_to(r, true);
        break;
    case IMM_REFTYPE:
        i->type = read_ref_to(r, false);
        break;
    case IMM_SELECT:
        read_select_types(r, i);
        break;
    case IMM_TYPE_FIELD:
    case IMM_TYPE_N:
    case IMM_TYPE_DATA:
    case IMM_TYPE_ELEM:
    case IMM_TYPE_TAG:
        i->idx = read_type_index(r);
        i->idx2 = read_u32(r);
        break;
    case IMM_TYPE2:
        i->idx = read_type_index(r);
        i->idx2 = read_type_index(r);
        break;
    case IMM_BR_CAST:
        read_br_cast(r, i);
        break;
    case IMM_TRY_TABLE:
        read_block_type(r, &i->block);
        read_catches(r, i);
        break;
    case IMM_FENCE: {
        const u8 *at = r->at;
        if (read_u8(r) != 0)
            read_fail(r, DIAG_MALFORMED, at, "zero byte expected");
        break;
    }
    case IMM_RESUME:
        i->idx = read_type_index(r);
        read_handlers(r, i);
        break;
    case IMM_RESUME_THROW:
        i->idx = read_type_index(r);
        i->idx2 = read_u32(r);
        read_handlers(r, i);
        break;
    }
}

/* An opcode that one byte does not name: the instruction behind a prefix, or an error. */
static OpId read_prefixed(InsnReader *r, u8 prefix, const u8 *start)
{
    if (prefix < 0xfb || prefix == 0xff) {
        read_fail(r, DIAG_MALFORMED, start, "illegal opcode %02x", prefix);
        return OP_COUNT;
    }
    u32 code = read_u32(r);
    OpId op = op_find(prefix, code);
    if (op == OP_COUNT)
        read_fail(r, DIAG_MALFORMED, start, "illegal opcode %02x %02x", prefix, code);
    return op;
}

bool insn_read(InsnReader *r, Insn *i)
{
    const u8 *start = r->at;
    if (UNLIKELY(start >= r->end))
        return false;
    u8 byte = *r->at++;
    u32 found = op_by_code[0][byte];
    OpId op = LIKELY(found) ? (OpId)(found - 1) : read_prefixed(r, byte, start);
    if (UNLIKELY(op == OP_COUNT))
        return false;
    const OpInfo *info = &op_infos[op];
    i->op = (u16)op;
    i->offset = (u32)(start - r->base);
    r->uses |= (FeatureSet)1 << info->feature;
    if (UNLIKELY(!(r->m->features >> info->feature & 1))) {
        read_fail(r, DIAG_UNSUPPORTED, start, "illegal opcode %02x: %s needs the %s proposal",
                  info->prefix ? info->prefix : info->code, info->text,
                  read_proposal_name((enum FeatureBit)info->feature));
        return false;
    }
    if (info->imm != IMM_NONE) {
        read_immediates(r, i, (ImmKind)info->imm);
        return LIKELY(read_ok(r));
    }
    return true;
}

bool insn_read_locals(InsnReader *r, void (*group)(void *arg, u32 count, ValType type), void *arg)
{
    u32 ngroups = read_u32(r);
    u64 total = 0;
    const u8 *start = r->at;
    for (u32 i = 0; i < ngroups && read_ok(r); i++) {
        u32 count = read_u32(r);
        total += count;
        ValType type = read_val_type(r);
        if (read_ok(r) && total <= LIMIT_LOCALS)
            group(arg, count, type);
    }
    if (total > LIMIT_LOCALS)
        read_fail(r, total > UINT32_MAX ? DIAG_MALFORMED : DIAG_LIMIT, start,
                  "too many locals: %llu, the limit is %u", (unsigned long long)total,
                  LIMIT_LOCALS);
    return read_ok(r);
}

/* LEB128 of bytes that the reader above went over. */
static u32 next_u32(const u8 **at)
{
    u32 v = 0;
    for (u32 shift = 0;; shift += 7) {
        u8 b = *(*at)++;
        v |= (u32)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return v;
    }
}

u32 insn_next_label(const u8 **at)
{
    return next_u32(at);
}

ValType insn_next_type(const WasmModule *m, const u8 **at)
{
    Diag diag;
    diag_init(&diag);
    InsnReader r = {.at = *at, .end = m->bytes + m->size, .base = m->bytes, .m = m, .diag = &diag};
    ValType t = read_val_type(&r);
    *at = r.at;
    return t;
}

CatchClause insn_next_catch(const u8 **at)
{
    CatchClause c = {.kind = *(*at)++};
    if (c.kind <= CATCH_TAG_REF)
        c.tag = next_u32(at);
    c.label = next_u32(at);
    return c;
}

CatchClause insn_next_handler(const u8 **at)
{
    CatchClause c = {.kind = *(*at)++};
    c.tag = next_u32(at);
    if (c.kind == 0)
        c.label = next_u32(at);
    return c;
}

void block_sig(const WasmModule *m, const BlockType *b, BlockSig *ret_sig)
{
    *ret_sig = (BlockSig){0};
    switch ((BlockTypeKind)b->kind) {
    case BLOCK_EMPTY:
        break;
    case BLOCK_VALUE:
        ret_sig->single = b->type;
        ret_sig->nresults = 1;
        ret_sig->results = &ret_sig->single;
        break;
    case BLOCK_TYPE: {
        const FuncType *f = types_func_type(m->registry, m->types[b->index]);
        ret_sig->nparams = f->nparams;
        ret_sig->nresults = f->nresults;
        ret_sig->params = f->params;
        ret_sig->results = f->results;
        break;
    }
    }
}
