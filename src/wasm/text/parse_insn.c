/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Instructions, plain and folded, to bytes. Nesting lives on explicit stacks: `frames` for what is
 * open, `labels` for what branches can name, `pending` for folded instructions whose operands come
 * first. An instruction's immediates follow from its row in opcodes.def.
 *
 * Source: https://webassembly.github.io/spec/core/text/instructions.html
 */
#include "wasm/text/number.h"
#include "wasm/text/parser.h"

enum { OPCODE_ELSE = 0x05, OPCODE_END = 0x0b };

static void push_label(Parser *p, Str id)
{
    Label l = {.id = id};
    u32 index = p->nlabels++;
    vec_push(&p->labels, l);
    if (!id.p)
        return;
    Label *top = &p->labels.p[p->labels.n - 1];
    if (!map_get(&p->label_map, id, &top->shadowed))
        top->shadowed = 0;
    map_set(&p->label_map, id, p->labels.n);
    if (p->in_func)
        vec_push(&p->label_names, ((SubName){p->func, index, id}));
}

static void pop_label(Parser *p)
{
    Label *l = &p->labels.p[--p->labels.n];
    if (l->id.p)
        map_set(&p->label_map, l->id, l->shadowed);
}

/* ---- immediates ---- */

static u32 optional_index(Parser *p, Space s)
{
    return at_index(p) ? parse_index(p, s) : 0;
}

static void imm_index(Parser *p, Buf *b, Space s)
{
    buf_uleb(b, parse_index(p, s));
}

static void imm_labels(Parser *p, Buf *b)
{
    u32 n = 0;
    while (peek_at(p, n)->kind == TOKEN_INT || peek_at(p, n)->kind == TOKEN_ID)
        n++;
    if (n == 0)
        parse_unexpected(p, "a label");
    buf_uleb(b, n ? n - 1 : 0);
    for (u32 i = 0; i < n && parse_ok(p); i++)
        buf_uleb(b, parse_label(p));
}

static void imm_call_indirect(Parser *p, Buf *b)
{
    u32 table = optional_index(p, SPACE_TABLE);
    TypeUse u = parse_typeuse(p, false);
    buf_uleb(b, u.type);
    buf_uleb(b, table);
}

/* memory.copy, table.copy: none or both. */
static void imm_pair(Parser *p, Buf *b, Space s)
{
    bool given = at_index(p);
    u32 first = given ? parse_index(p, s) : 0;
    u32 second = given ? parse_index(p, s) : 0;
    buf_uleb(b, first);
    buf_uleb(b, second);
}

/* memory.init, table.init: the segment, which the memory or table may stand before. */
static void imm_segment(Parser *p, Buf *b, Space segment, Space space)
{
    const Token *next = peek_at(p, at_index(p) ? 1 : 0);
    bool two = at_index(p) && (next->kind == TOKEN_INT || next->kind == TOKEN_ID);
    u32 into = two ? parse_index(p, space) : 0;
    buf_uleb(b, parse_index(p, segment));
    buf_uleb(b, into);
}

/* The number behind `offset=` or `align=`; false if the word at hand is not that. */
static bool take_attribute(Parser *p, Str word, u64 *ret_value)
{
    const Token *t = peek(p);
    Str s = tok_text(p, t);
    if (t->kind != TOKEN_KEYWORD || !str_starts(s, word))
        return false;
    Str digits = {s.p + word.n, s.n - word.n};
    bool good = digits.n > 0 && is_digit(digits.p[0]);
    bool hex = str_starts(digits, STR("0x"));
    for (usize i = hex ? 2 : 0; i < digits.n && good; i++) {
        bool digit = hex ? is_hex_digit(digits.p[i]) : is_digit(digits.p[i]);
        bool underscore = digits.p[i] == '_' && i > 0 && i + 1 < digits.n &&
                          digits.p[i - 1] != '_' && digits.p[i - 1] != 'x';
        good = digit || underscore;
    }
    if (!good || (hex && digits.n == 2))
        parse_fail(p, t, "unknown operator %.*s", (int)MIN(s.n, 64), s.p);
    else if (!number_unsigned(digits, UINT64_MAX, ret_value))
        parse_fail(p, t, "constant out of range: %.*s", (int)MIN(s.n, 64), s.p);
    else
        p->at++;
    return true;
}

/* Offset and alignment; `natural` is the logarithm of the default. */
static void imm_memarg(Parser *p, Buf *b, u32 memory, u32 natural)
{
    u64 offset = 0, align = (u64)1 << natural;
    take_attribute(p, STR("offset="), &offset);
    const Token *t = peek(p);
    if (take_attribute(p, STR("align="), &align) && (align == 0 || (align & (align - 1)) != 0))
        parse_fail(p, t, "alignment must be a power of two");
    u32 log2 = align ? (u32)__builtin_ctzll(align) : 0;
    buf_uleb(b, log2 | (memory ? 0x40 : 0));
    if (memory)
        buf_uleb(b, memory);
    buf_uleb(b, offset);
}

/* Does a memory index stand here, and not already the lane? */
static bool at_lane_memory(const Parser *p)
{
    const Token *next = peek_at(p, 1);
    if (at_kind(p, TOKEN_ID))
        return true;
    if (!at_kind(p, TOKEN_INT))
        return false;
    Str s = tok_text(p, next);
    return next->kind == TOKEN_INT ||
           (next->kind == TOKEN_KEYWORD &&
            (str_starts(s, STR("offset=")) || str_starts(s, STR("align="))));
}

static void imm_shuffle(Parser *p, Buf *b)
{
    for (u32 i = 0; i < 16 && parse_ok(p); i++) {
        if (at_kind(p, TOKEN_LPAREN) || at_kind(p, TOKEN_RPAREN))
            parse_fail(p, peek(p), "invalid lane length: %u instead of 16", i);
        Str s = tok_text(p, peek(p));
        if (at_kind(p, TOKEN_FLOAT) || (at_kind(p, TOKEN_INT) && (s.p[0] == '-' || s.p[0] == '+')))
            parse_fail(p, peek(p), "i8 constant out of range: %.*s", STR_ARG(s));
        buf_u8(b, parse_lane(p));
    }
    if (at_kind(p, TOKEN_INT))
        parse_fail(p, peek(p), "invalid lane length: more than 16");
}

static void imm_number(Parser *p, Buf *b, ImmKind k)
{
    u8 bytes[16] = {0};
    if (k == IMM_I32) {
        parse_int_bytes(p, 32, bytes);
        buf_sleb(b, (i32)load_u32(bytes));
    } else if (k == IMM_I64) {
        parse_int_bytes(p, 64, bytes);
        buf_sleb(b, (i64)load_u64(bytes));
    } else if (k == IMM_V128) {
        parse_v128(p, bytes);
        buf_bytes(b, bytes, 16);
    } else {
        u32 bits = k == IMM_F32 ? 32 : 64;
        parse_float_bytes(p, bits, bytes);
        buf_bytes(b, bytes, bits / 8);
    }
}

static void imm_type_field(Parser *p, Buf *b)
{
    u32 type = parse_index(p, SPACE_TYPE);
    buf_uleb(b, type);
    buf_uleb(b, parse_field_index(p, type));
}

static void imm_br_cast(Parser *p, Buf *b)
{
    u32 label = parse_label(p);
    TypeCode from = parse_ref_type(p), to = parse_ref_type(p);
    buf_u8(b, (u8)(type_nullable(from) | type_nullable(to) << 1));
    buf_uleb(b, label);
    emit_heap_type(b, type_heap(from));
    emit_heap_type(b, type_heap(to));
}

/* How many parentheses that open with a word from `words` stand here. */
static u32 count_clauses(const Parser *p, const Str *words, usize nwords)
{
    u32 n = 0;
    for (const Token *t = peek(p); t->kind == TOKEN_LPAREN && t[1].kind == TOKEN_KEYWORD; n++) {
        usize k = 0;
        while (k < nwords && !str_eq(tok_text(p, t + 1), words[k]))
            k++;
        if (k == nwords)
            break;
        t = &p->tokens[t->len];
        if (t->kind == TOKEN_RPAREN)
            t++;
    }
    return n;
}

static void imm_try_table(Parser *p, Buf *b)
{
    static const Str words[] = {
        {"catch", 5}, {"catch_ref", 9}, {"catch_all", 9}, {"catch_all_ref", 13}};
    emit_block_type(p, b);
    u32 n = count_clauses(p, words, ARRAY_LEN(words));
    buf_uleb(b, n);
    for (u32 i = 0; i < n && parse_ok(p); i++) {
        u8 k = 0;
        while (k < ARRAY_LEN(words) - 1 && !at_paren(p, words[k]))
            k++;
        p->at += 2;
        buf_u8(b, k);
        if (k == CATCH_TAG || k == CATCH_TAG_REF)
            imm_index(p, b, SPACE_TAG);
        buf_uleb(b, parse_label(p));
        expect_rparen(p);
    }
}

/* (on $tag $label) or (on $tag switch), any number of them. */
static void imm_handlers(Parser *p, Buf *b)
{
    static const Str on = {"on", 2};
    u32 n = count_clauses(p, &on, 1);
    buf_uleb(b, n);
    for (u32 i = 0; i < n && parse_ok(p); i++) {
        p->at += 2;
        u32 tag = parse_index(p, SPACE_TAG);
        bool is_switch = take_keyword(p, STR("switch"));
        buf_u8(b, is_switch);
        buf_uleb(b, tag);
        if (!is_switch)
            buf_uleb(b, parse_label(p));
        expect_rparen(p);
    }
}

static void emit_op(Buf *b, OpId op)
{
    const OpInfo *i = &op_infos[op];
    if (i->prefix) {
        buf_u8(b, i->prefix);
        buf_uleb(b, i->code);
    } else {
        buf_u8(b, (u8)i->code);
    }
}

/* select with (result t*), once or more often, is another instruction than without. */
static void parse_select(Parser *p, Buf *b)
{
    if (!at_paren(p, STR("result"))) {
        emit_op(b, OP_select);
        return;
    }
    Buf types = {0};
    u32 n = 0;
    emit_op(b, OP_select_t);
    while (take_paren(p, STR("result"))) {
        for (; parse_ok(p) && !at_kind(p, TOKEN_RPAREN); n++)
            emit_type(&types, parse_value_type(p));
        expect_rparen(p);
    }
    buf_uleb(b, n);
    buf_bytes(b, types.p, types.n);
    buf_release(&types);
}

/* ref.test and ref.cast: nullable or not are two instructions. */
static void parse_cast(Parser *p, Buf *b, OpId op)
{
    bool test = op == OP_ref_test || op == OP_ref_test_null;
    TypeCode t = parse_ref_type(p);
    if (type_nullable(t))
        emit_op(b, test ? OP_ref_test_null : OP_ref_cast_null);
    else
        emit_op(b, test ? OP_ref_test : OP_ref_cast);
    emit_heap_type(b, type_heap(t));
}

static void parse_immediates(Parser *p, Buf *b, OpId op)
{
    u32 memory;
    ImmKind k = (ImmKind)op_infos[op].imm;
    switch (k) {
    case IMM_NONE:
    case IMM_REFTYPE: /* these three: parse_op */
    case IMM_REFTYPE_NULL:
    case IMM_SELECT:
        return;
    case IMM_BLOCK:
        emit_block_type(p, b);
        return;
    case IMM_LABEL:
        buf_uleb(b, parse_label(p));
        return;
    case IMM_LABELS:
        imm_labels(p, b);
        return;
    case IMM_FUNC:
        imm_index(p, b, SPACE_FUNC);
        return;
    case IMM_TYPE:
        imm_index(p, b, SPACE_TYPE);
        return;
    case IMM_CALL_INDIRECT:
        imm_call_indirect(p, b);
        return;
    case IMM_LOCAL:
        buf_uleb(b, parse_local_index(p));
        return;
    case IMM_GLOBAL:
        imm_index(p, b, SPACE_GLOBAL);
        return;
    case IMM_TABLE:
        buf_uleb(b, optional_index(p, SPACE_TABLE));
        return;
    case IMM_TABLE2:
        imm_pair(p, b, SPACE_TABLE);
        return;
    case IMM_MEMORY:
        buf_uleb(b, optional_index(p, SPACE_MEMORY));
        return;
    case IMM_MEMORY2:
        imm_pair(p, b, SPACE_MEMORY);
        return;
    case IMM_DATA_MEMORY:
        p->needs_data_count = true;
        imm_segment(p, b, SPACE_DATA, SPACE_MEMORY);
        return;
    case IMM_ELEM_TABLE:
        imm_segment(p, b, SPACE_ELEM, SPACE_TABLE);
        return;
    case IMM_DATA:
        p->needs_data_count = true;
        imm_index(p, b, SPACE_DATA);
        return;
    case IMM_ELEM:
        imm_index(p, b, SPACE_ELEM);
        return;
    case IMM_TAG:
        imm_index(p, b, SPACE_TAG);
        return;
    case IMM_MEMARG:
        memory = optional_index(p, SPACE_MEMORY);
        imm_memarg(p, b, memory, op_access_log2(op));
        return;
    case IMM_MEMARG_LANE:
        memory = at_lane_memory(p) ? parse_index(p, SPACE_MEMORY) : 0;
        imm_memarg(p, b, memory, op_access_log2(op));
        buf_u8(b, parse_lane(p));
        return;
    case IMM_LANE:
        buf_u8(b, parse_lane(p));
        return;
    case IMM_SHUFFLE:
        imm_shuffle(p, b);
        return;
    case IMM_V128:
    case IMM_I32:
    case IMM_I64:
    case IMM_F32:
    case IMM_F64:
        imm_number(p, b, k);
        return;
    case IMM_HEAPTYPE:
        emit_heap_type(b, parse_heap_type(p));
        return;
    case IMM_TYPE_FIELD:
        imm_type_field(p, b);
        return;
    case IMM_TYPE_N:
        imm_index(p, b, SPACE_TYPE);
        buf_uleb(b, parse_u32(p));
        return;
    case IMM_TYPE_DATA:
        p->needs_data_count = true;
        imm_index(p, b, SPACE_TYPE);
        imm_index(p, b, SPACE_DATA);
        return;
    case IMM_TYPE_ELEM:
        imm_index(p, b, SPACE_TYPE);
        imm_index(p, b, SPACE_ELEM);
        return;
    case IMM_TYPE2:
        imm_index(p, b, SPACE_TYPE);
        imm_index(p, b, SPACE_TYPE);
        return;
    case IMM_BR_CAST:
        imm_br_cast(p, b);
        return;
    case IMM_TRY_TABLE:
        imm_try_table(p, b);
        return;
    case IMM_FENCE:
        buf_u8(b, 0);
        return;
    case IMM_TYPE_TAG:
        imm_index(p, b, SPACE_TYPE);
        imm_index(p, b, SPACE_TAG);
        return;
    case IMM_RESUME:
        imm_index(p, b, SPACE_TYPE);
        imm_handlers(p, b);
        return;
    case IMM_RESUME_THROW:
        imm_index(p, b, SPACE_TYPE);
        imm_index(p, b, SPACE_TAG);
        imm_handlers(p, b);
        return;
    }
}

/* Opcode and immediates of an instruction that is not a block, behind its keyword. */
static void parse_op(Parser *p, Buf *b, OpId op)
{
    ImmKind k = (ImmKind)op_infos[op].imm;
    if (op == OP_select || op == OP_select_t) {
        parse_select(p, b);
    } else if (k == IMM_REFTYPE || k == IMM_REFTYPE_NULL) {
        parse_cast(p, b, op);
    } else {
        emit_op(b, op);
        parse_immediates(p, b, op);
    }
}

/* ---- structure ---- */

static bool is_block(OpId op)
{
    return op == OP_block || op == OP_loop || op == OP_if || op == OP_try_table;
}

static Frame *top_frame(Parser *p)
{
    return p->frames.n ? &p->frames.p[p->frames.n - 1] : NULL;
}

static void push_frame(Parser *p, FrameKind kind, u32 text, Str id, i8 hint)
{
    Frame f = {(u8)kind, hint, u32_of(p->pending.n), text, id};
    vec_push(&p->frames, f);
}

static void add_hint(Parser *p, Out *out, i8 value)
{
    if (value >= 0)
        vec_push(&p->hints, ((Hint){p->func, u32_of(out->b.n), (u8)value}));
}

/* The instruction that the keyword at hand names; OP_COUNT, with the error set, if none. */
static OpId parse_op_name(Parser *p)
{
    OpId op = at_kind(p, TOKEN_KEYWORD) ? op_find_text(tok_text(p, peek(p))) : OP_COUNT;
    if (op == OP_COUNT)
        parse_unexpected(p, "an instruction");
    else
        p->at++;
    return op;
}

/* else $id? and end $id? name the block again. */
static void check_label(Parser *p, Str id)
{
    const Token *t = peek(p);
    Str again = parse_id(p);
    if (again.p && !(id.p && str_eq(id, again)))
        parse_fail(p, t, "mismatching label $%.*s", (int)MIN(again.n, 64), again.p);
}

static void parse_else(Parser *p, Out *out)
{
    Frame *f = top_frame(p);
    if (!f || f->kind != FRAME_IF) {
        parse_unexpected(p, "an instruction");
        return;
    }
    out_mark(out, parse_next(p)->at);
    buf_u8(&out->b, OPCODE_ELSE);
    f->kind = FRAME_ELSE;
    check_label(p, f->id);
}

static void parse_end(Parser *p, Out *out)
{
    Frame *f = top_frame(p);
    if (!f || f->kind > FRAME_ELSE) {
        parse_unexpected(p, "an instruction or `)`");
        return;
    }
    out_mark(out, parse_next(p)->at);
    buf_u8(&out->b, OPCODE_END);
    check_label(p, f->id);
    pop_label(p);
    p->frames.n--;
}

/*
 * Conditions and the places between clauses take no plain instructions. Operands should not either,
 * but common parsers let them, and so texts have them.
 */
static bool takes_plain(const Parser *p)
{
    if (p->frames.n == 0)
        return true;
    FrameKind k = (FrameKind)p->frames.p[p->frames.n - 1].kind;
    return k != FRAME_FIF && k != FRAME_FTHENED && k != FRAME_FDONE;
}

static void parse_plain(Parser *p, Out *out)
{
    i8 hint = -1;
    u32 text = peek(p)->at;
    if (!takes_plain(p)) {
        parse_unexpected(p, "`(` or `)`");
        return;
    }
    bool hinted = take_hint(p, &hint);
    if (at_keyword(p, STR("end"))) {
        parse_end(p, out);
        return;
    }
    if (at_keyword(p, STR("else"))) {
        parse_else(p, out);
        return;
    }
    OpId op = parse_op_name(p);
    if (op == OP_COUNT)
        return;
    if (hinted && op != OP_if && op != OP_br_if)
        diag_set(p->diag, DIAG_INVALID, text,
                 "@metadata.code.branch_hint annotation: invalid target");
    add_hint(p, out, hint);
    out_mark(out, text);
    if (!is_block(op)) {
        parse_op(p, &out->b, op);
        return;
    }
    Str id = parse_id(p);
    parse_op(p, &out->b, op);
    push_frame(p, op == OP_if ? FRAME_IF : FRAME_BLOCK, text, id, -1);
    push_label(p, id);
}

/* Emits the instruction of a folded frame, whose operands are done. */
static void flush_frame(Parser *p, Out *out, const Frame *f)
{
    add_hint(p, out, f->hint);
    out_mark(out, f->text);
    buf_bytes(&out->b, p->pending.p + f->pending, p->pending.n - f->pending);
    p->pending.n = f->pending;
}

/* (op ...: the opening of a folded instruction. */
static void open_folded(Parser *p, Out *out)
{
    i8 hint = -1;
    bool hinted = take_hint(p, &hint);
    p->at++;
    u32 text = peek(p)->at;
    OpId op = parse_op_name(p);
    if (op == OP_COUNT)
        return;
    if (hinted && op != OP_if && op != OP_br_if)
        diag_set(p->diag, DIAG_INVALID, text,
                 "@metadata.code.branch_hint annotation: invalid target");
    if (op == OP_else || op == OP_end) {
        p->at--;
        parse_unexpected(p, "an instruction");
    } else if (op == OP_if || !is_block(op)) {
        Str id = op == OP_if ? parse_id(p) : (Str){0};
        push_frame(p, op == OP_if ? FRAME_FIF : FRAME_FOLDED, text, id, hint);
        parse_op(p, &p->pending, op);
    } else {
        Str id = parse_id(p);
        out_mark(out, text);
        parse_op(p, &out->b, op);
        push_frame(p, FRAME_FBLOCK, text, id, -1);
        push_label(p, id);
    }
}

static void parse_lparen(Parser *p, Out *out)
{
    Frame *f = top_frame(p);
    if (f && f->kind == FRAME_FIF && take_paren(p, STR("then"))) {
        flush_frame(p, out, f);
        f->kind = FRAME_FTHEN;
        push_label(p, f->id);
    } else if (f && f->kind == FRAME_FTHENED && at_paren(p, STR("else"))) {
        out_mark(out, peek_at(p, 1)->at);
        p->at += 2;
        buf_u8(&out->b, OPCODE_ELSE);
        f->kind = FRAME_FELSE;
    } else if (f && (f->kind == FRAME_FTHENED || f->kind == FRAME_FDONE)) {
        parse_unexpected(p, "`)`");
    } else {
        open_folded(p, out);
    }
}

static void parse_rparen(Parser *p, Out *out)
{
    Frame *f = top_frame(p);
    switch ((FrameKind)f->kind) {
    case FRAME_BLOCK:
    case FRAME_IF:
    case FRAME_ELSE:
        parse_unexpected(p, "`end`");
        return;
    case FRAME_FIF:
        parse_unexpected(p, "`(then`");
        return;
    case FRAME_FTHEN:
        f->kind = FRAME_FTHENED;
        p->at++;
        return;
    case FRAME_FELSE:
        f->kind = FRAME_FDONE;
        p->at++;
        return;
    case FRAME_FOLDED:
        flush_frame(p, out, f);
        break;
    case FRAME_FBLOCK:
    case FRAME_FTHENED:
    case FRAME_FDONE:
        out_mark(out, peek(p)->at);
        buf_u8(&out->b, OPCODE_END);
        pop_label(p);
        break;
    }
    p->at++;
    p->frames.n--;
}

/* Until the frames that this call opened are closed: one folded instruction, or all of them. */
static void parse_sequence(Parser *p, Out *out, bool one)
{
    while (parse_ok(p)) {
        switch ((TokenKind)peek(p)->kind) {
        case TOKEN_LPAREN:
            parse_lparen(p, out);
            break;
        case TOKEN_RPAREN:
            if (p->frames.n == 0)
                return;
            parse_rparen(p, out);
            break;
        case TOKEN_KEYWORD:
            parse_plain(p, out);
            break;
        case TOKEN_EOF:
        case TOKEN_ERROR:
        case TOKEN_ID:
        case TOKEN_STRING:
        case TOKEN_INT:
        case TOKEN_FLOAT:
        case TOKEN_RESERVED:
            parse_unexpected(p, "an instruction or `)`");
            break;
        }
        if (one && p->frames.n == 0)
            return;
    }
}

void parse_instrs(Parser *p, Out *out)
{
    parse_sequence(p, out, false);
}

void parse_folded(Parser *p, Out *out)
{
    if (at_kind(p, TOKEN_LPAREN))
        parse_sequence(p, out, true);
    else
        parse_unexpected(p, "an instruction in parentheses");
}
