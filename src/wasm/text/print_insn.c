/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Instructions for the printer: one a line, indented by their blocks. What follows the keyword is
 * said by the immediates in opcodes.def.
 */
#include "wasm/text/printer.h"

#include <math.h>
#include <stdio.h>

enum { INDENT_MAX = 40, INDENT_STEP = 2, INDENT_BODY = 4 };

static void space(Printer *p)
{
    buf_u8(p->out, ' ');
}

static void print_ref(Printer *p, Space s, u32 index)
{
    space(p);
    print_index(p, s, index);
}

/* An index that is left out where it is 0. */
static void print_optional(Printer *p, Space s, u32 index)
{
    if (index != 0)
        print_ref(p, s, index);
}

/* ---- numbers ---- */

static void print_signed(Printer *p, i64 v)
{
    buf_str(p->out, v < 0 ? STR(" -") : STR(" "));
    print_unsigned(p, v < 0 ? 0 - (u64)v : (u64)v);
}

static void print_hex_float(Buf *b, u64 fraction, u32 fraction_bits, i32 exp, bool normal)
{
    u32 digits = (fraction_bits + 3) / 4;
    fraction <<= digits * 4 - fraction_bits;
    buf_str(b, normal ? STR("0x1") : STR("0x0"));
    if (fraction)
        buf_u8(b, '.');
    for (u32 i = digits; i-- > 0 && fraction;) {
        buf_u8(b, (u8) "0123456789abcdef"[fraction >> (i * 4) & 15]);
        fraction &= ((u64)1 << (i * 4)) - 1;
    }
    buf_printf(b, "p%+d", exp);
}

/* Sign, exponent and fraction of `bits` bits, exactly. */
static void print_float(Printer *p, u64 v, u32 bits)
{
    u32 fbits = bits == 32 ? 23 : 52, ebits = bits - 1 - fbits;
    u64 fraction = v & (((u64)1 << fbits) - 1), exp = v >> fbits & ((1u << ebits) - 1);
    i32 bias = (1 << (ebits - 1)) - 1;
    if (v >> (bits - 1))
        buf_u8(p->out, '-');
    if (exp == (1u << ebits) - 1) {
        if (fraction == 0)
            buf_str(p->out, STR("inf"));
        else if (fraction == (u64)1 << (fbits - 1))
            buf_str(p->out, STR("nan"));
        else
            buf_printf(p->out, "nan:0x%llx", (unsigned long long)fraction);
    } else if (exp == 0 && fraction == 0) {
        buf_str(p->out, STR("0x0p+0"));
    } else {
        print_hex_float(p->out, fraction, fbits, exp ? (i32)exp - bias : 1 - bias, exp != 0);
    }
}

static void print_float_insn(Printer *p, u64 v, u32 bits)
{
    double d;
    float f;
    u32 v32 = (u32)v;
    memcpy(&f, &v32, sizeof f);
    memcpy(&d, &v, sizeof d);
    space(p);
    print_float(p, v, bits);
    if (bits == 32)
        d = (double)f;
    if (isfinite(d))
        buf_printf(p->out, " (;=%.*g;)", bits == 32 ? 9 : 17, d);
}

static void print_v128(Printer *p, const u8 *v)
{
    buf_str(p->out, STR(" i32x4"));
    for (u32 i = 0; i < 16; i += 4)
        buf_printf(p->out, " 0x%08x", load_u32(v + i));
}

/* ---- labels ---- */

static void push_label(Printer *p)
{
    const PrintName *n = print_sub_name(&p->labels, p->func, p->next_label++);
    Label l = {.id = n && n->usable ? n->name : (Str){0}};
    if (l.id.p) {
        if (!map_get(&p->label_map, l.id, &l.shadowed))
            l.shadowed = 0;
        map_set(&p->label_map, l.id, p->open.n + 1);
    }
    vec_push(&p->open, l);
}

static void pop_label(Printer *p)
{
    if (p->open.n == 0)
        return;
    const Label *l = &p->open.p[--p->open.n];
    if (l->id.p)
        map_set(&p->label_map, l->id, l->shadowed);
}

/* `$name` where that is the nearest one of the name, otherwise the depth with the label's number.
 */
static void print_label(Printer *p, u32 depth)
{
    space(p);
    u64 number = 0;
    u32 target = p->open.n >= depth ? p->open.n - depth : 0;
    if (target > 0) {
        const Label *l = &p->open.p[target - 1];
        if (l->id.p && map_get(&p->label_map, l->id, &number) && number == target) {
            print_id(p, l->id);
            return;
        }
    }
    buf_printf(p->out, "%u (;@%u;)", depth, target);
}

static void print_labels(Printer *p, const Insn *i)
{
    const u8 *at = i->targets;
    for (u32 k = 0; k <= i->count; k++)
        print_label(p, insn_next_label(&at));
}

/* Opens a label, which is named behind the keyword, before the block's type. */
static void print_block(Printer *p, const BlockType *b)
{
    if (b->kind == BLOCK_VALUE) {
        buf_str(p->out, STR(" (result "));
        print_valtype(p, b->type);
        buf_u8(p->out, ')');
    } else if (b->kind == BLOCK_TYPE) {
        print_typeuse(p, b->index);
    }
}

static void print_catches(Printer *p, const Insn *i)
{
    static const char *const words[] = {[CATCH_TAG] = "catch",
                                        [CATCH_TAG_REF] = "catch_ref",
                                        [CATCH_ALL] = "catch_all",
                                        [CATCH_ALL_REF] = "catch_all_ref"};
    const u8 *at = i->targets;
    for (u32 k = 0; k < i->count; k++) {
        CatchClause c = insn_next_catch(&at);
        buf_printf(p->out, " (%s", words[c.kind]);
        if (c.kind == CATCH_TAG || c.kind == CATCH_TAG_REF)
            print_ref(p, SPACE_TAG, c.tag);
        print_label(p, c.label);
        buf_u8(p->out, ')');
    }
}

static void print_handlers(Printer *p, const Insn *i)
{
    const u8 *at = i->targets;
    for (u32 k = 0; k < i->count; k++) {
        CatchClause c = insn_next_handler(&at);
        buf_str(p->out, STR(" (on"));
        print_ref(p, SPACE_TAG, c.tag);
        if (c.kind == 1)
            buf_str(p->out, STR(" switch"));
        else
            print_label(p, c.label);
        buf_u8(p->out, ')');
    }
}

/* ---- other immediates ---- */

static void print_local(Printer *p, u32 index)
{
    space(p);
    if (p->local_names && index < p->nlocals && p->local_names[index].usable)
        print_id(p, p->local_names[index].name);
    else
        print_unsigned(p, index);
}

static void print_memarg(Printer *p, const Insn *i)
{
    print_optional(p, SPACE_MEMORY, i->memarg.memory);
    if (i->memarg.offset) {
        buf_str(p->out, STR(" offset="));
        print_unsigned(p, i->memarg.offset);
    }
    if (i->memarg.align_log2 != op_access_log2((OpId)i->op))
        buf_printf(p->out, " align=%llu", 1ull << i->memarg.align_log2);
}

static void print_select(Printer *p, const Insn *i)
{
    const u8 *at = i->targets;
    buf_str(p->out, STR(" (result"));
    for (u32 k = 0; k < i->count; k++) {
        space(p);
        print_valtype(p, insn_next_type(p->m, &at));
    }
    buf_u8(p->out, ')');
}

static void print_type_field(Printer *p, const Insn *i)
{
    const PrintName *n = print_sub_name(&p->fields, i->idx, i->idx2);
    print_ref(p, SPACE_TYPE, i->idx);
    space(p);
    if (n && n->usable)
        print_id(p, n->name);
    else
        buf_printf(p->out, "%u", i->idx2);
}

static void print_pair(Printer *p, Space s, const Insn *i)
{
    if (i->idx == 0 && i->idx2 == 0)
        return;
    print_ref(p, s, i->idx);
    print_ref(p, s, i->idx2);
}

static void print_call_indirect(Printer *p, const Insn *i)
{
    print_optional(p, SPACE_TABLE, i->idx2);
    buf_str(p->out, STR(" (type"));
    print_ref(p, SPACE_TYPE, i->idx);
    buf_u8(p->out, ')');
}

static void print_immediates(Printer *p, const Insn *i)
{
    switch ((ImmKind)op_infos[i->op].imm) {
    case IMM_NONE:
    case IMM_FENCE:
        return;
    case IMM_BLOCK:
        print_block(p, &i->block);
        return;
    case IMM_TRY_TABLE:
        print_block(p, &i->block);
        print_catches(p, i);
        return;
    case IMM_LABEL:
        print_label(p, i->idx);
        return;
    case IMM_LABELS:
        print_labels(p, i);
        return;
    case IMM_FUNC:
        print_ref(p, SPACE_FUNC, i->idx);
        return;
    case IMM_TYPE:
        print_ref(p, SPACE_TYPE, i->idx);
        return;
    case IMM_CALL_INDIRECT:
        print_call_indirect(p, i);
        return;
    case IMM_LOCAL:
        print_local(p, i->idx);
        return;
    case IMM_GLOBAL:
        print_ref(p, SPACE_GLOBAL, i->idx);
        return;
    case IMM_TABLE:
        print_ref(p, SPACE_TABLE, i->idx);
        return;
    case IMM_TABLE2:
        print_pair(p, SPACE_TABLE, i);
        return;
    case IMM_MEMORY:
        print_optional(p, SPACE_MEMORY, i->idx);
        return;
    case IMM_MEMORY2:
        print_pair(p, SPACE_MEMORY, i);
        return;
    case IMM_DATA_MEMORY:
        print_optional(p, SPACE_MEMORY, i->idx2);
        print_ref(p, SPACE_DATA, i->idx);
        return;
    case IMM_ELEM_TABLE:
        print_optional(p, SPACE_TABLE, i->idx2);
        print_ref(p, SPACE_ELEM, i->idx);
        return;
    case IMM_DATA:
        print_ref(p, SPACE_DATA, i->idx);
        return;
    case IMM_ELEM:
        print_ref(p, SPACE_ELEM, i->idx);
        return;
    case IMM_TAG:
        print_ref(p, SPACE_TAG, i->idx);
        return;
    case IMM_MEMARG:
        print_memarg(p, i);
        return;
    case IMM_MEMARG_LANE:
        print_memarg(p, i);
        buf_printf(p->out, " %u", i->lane);
        return;
    case IMM_LANE:
        buf_printf(p->out, " %u", i->lane);
        return;
    case IMM_SHUFFLE:
        for (u32 k = 0; k < 16; k++)
            buf_printf(p->out, " %u", i->v128[k]);
        return;
    case IMM_V128:
        print_v128(p, i->v128);
        return;
    case IMM_I32:
    case IMM_I64:
        print_signed(p, (i64)i->value);
        return;
    case IMM_F32:
        print_float_insn(p, i->value, 32);
        return;
    case IMM_F64:
        print_float_insn(p, i->value, 64);
        return;
    case IMM_HEAPTYPE:
        space(p);
        print_heap(p, i->type);
        return;
    case IMM_REFTYPE_NULL:
    case IMM_REFTYPE:
        space(p);
        print_valtype(p, i->type);
        return;
    case IMM_SELECT:
        print_select(p, i);
        return;
    case IMM_TYPE_FIELD:
        print_type_field(p, i);
        return;
    case IMM_TYPE_N:
        print_ref(p, SPACE_TYPE, i->idx);
        buf_printf(p->out, " %u", i->idx2);
        return;
    case IMM_TYPE_DATA:
        print_ref(p, SPACE_TYPE, i->idx);
        print_ref(p, SPACE_DATA, i->idx2);
        return;
    case IMM_TYPE_ELEM:
        print_ref(p, SPACE_TYPE, i->idx);
        print_ref(p, SPACE_ELEM, i->idx2);
        return;
    case IMM_TYPE2:
        print_ref(p, SPACE_TYPE, i->idx);
        print_ref(p, SPACE_TYPE, i->idx2);
        return;
    case IMM_BR_CAST:
        print_label(p, i->idx);
        space(p);
        print_valtype(p, i->type);
        space(p);
        print_valtype(p, i->type2);
        return;
    case IMM_TYPE_TAG:
        print_ref(p, SPACE_TYPE, i->idx);
        print_ref(p, SPACE_TAG, i->idx2);
        return;
    case IMM_RESUME:
        print_ref(p, SPACE_TYPE, i->idx);
        print_handlers(p, i);
        return;
    case IMM_RESUME_THROW:
        print_ref(p, SPACE_TYPE, i->idx);
        print_ref(p, SPACE_TAG, i->idx2);
        print_handlers(p, i);
        return;
    }
}

/* ---- sequences ---- */

static bool is_block(u32 op)
{
    return op == OP_block || op == OP_loop || op == OP_if || op == OP_try_table;
}

/*
 * Keyword and immediates. A block's label comes between the two, but its clauses are about the
 * labels outside, so it is opened last.
 */
static void print_insn(Printer *p, const Insn *i)
{
    buf_str(p->out, str_of(op_infos[i->op].text));
    if (is_block(i->op)) {
        const PrintName *n = print_sub_name(&p->labels, p->func, p->next_label);
        if (n && n->usable) {
            space(p);
            print_id(p, n->name);
        }
        print_immediates(p, i);
        push_label(p);
        if (!(n && n->usable))
            buf_printf(p->out, " ;; label = @%u", p->open.n);
        return;
    }
    print_immediates(p, i);
    if (i->op == OP_end)
        pop_label(p);
}

static void print_line(Printer *p)
{
    u32 n = 1 + INDENT_BODY + MIN(p->open.n, INDENT_MAX) * INDENT_STEP;
    buf_reserve(p->out, n);
    memset(p->out->p + p->out->n, ' ', n);
    p->out->p[p->out->n] = '\n';
    p->out->n += n;
}

static void print_hint(Printer *p, u32 offset)
{
    while (p->next_hint < p->hints.n) {
        const Hint *h = &p->hints.p[p->next_hint];
        if (h->func > p->func || (h->func == p->func && h->offset > offset))
            return;
        if (h->func == p->func && h->offset == offset) {
            buf_printf(p->out, "(@metadata.code.branch_hint \"\\%02x\")", h->value);
            print_line(p);
        }
        p->next_hint++;
    }
}

typedef struct LocalGroups {
    Printer *p;
    bool open; /* a (local of types without names is open */
} LocalGroups;

static void close_locals(LocalGroups *g)
{
    if (g->open)
        buf_u8(g->p->out, ')');
    g->open = false;
}

static void print_local_group(void *arg, u32 count, ValType type)
{
    LocalGroups *g = arg;
    Printer *p = g->p;
    for (u32 i = 0; i < count; i++) {
        u32 index = p->nlocals++;
        const PrintName *n = p->local_names ? &p->local_names[index] : NULL;
        bool named = n && n->name.p;
        if (named || !g->open) {
            close_locals(g);
            print_line(p);
            buf_str(p->out, STR("(local"));
            g->open = true;
        }
        space(p);
        if (named && n->usable)
            print_id(p, n->name);
        else if (named)
            print_name_annotation(p, n);
        buf_str(p->out, named ? STR(" ") : STR(""));
        print_valtype(p, type);
        if (named)
            close_locals(g);
    }
}

static void count_local_group(void *arg, u32 count, ValType type)
{
    (void)type;
    *(u32 *)arg += count;
}

/* The names of a function's locals as an array, if it has any. */
static void find_local_names(Printer *p, u32 nlocals)
{
    p->local_names = NULL;
    u32 lo = 0, hi = p->locals.n;
    while (lo < hi) {
        u32 mid = lo + (hi - lo) / 2;
        if (p->locals.p[mid].outer < p->func)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == p->locals.n || p->locals.p[lo].outer != p->func)
        return;
    p->local_names = mem_alloc_array(MAX(nlocals, 1), sizeof *p->local_names);
    for (; lo < p->locals.n && p->locals.p[lo].outer == p->func; lo++)
        if (p->locals.p[lo].index < nlocals)
            p->local_names[p->locals.p[lo].index] = p->locals.p[lo].name;
}

void print_body(Printer *p, u32 func)
{
    const WasmModule *m = p->m;
    Range body = m->funcs[func].body;
    Insn i;
    Diag d;
    InsnReader r;
    u32 nlocals = module_func_type(m, func)->nparams;
    diag_init(&d);
    insn_reader_init(&r, m, body, &d);
    insn_read_locals(&r, count_local_group, &nlocals);
    p->func = func;
    p->next_label = 0;
    find_local_names(p, nlocals);
    print_func_typeuse(p, print_type_index(p, m->funcs[func].type));
    p->nlocals = module_func_type(m, func)->nparams;
    insn_reader_init(&r, m, body, &d);
    LocalGroups groups = {.p = p};
    insn_read_locals(&r, print_local_group, &groups);
    close_locals(&groups);
    while (insn_read(&r, &i)) {
        if (i.op == OP_end && p->open.n == 0)
            break; /* the parenthesis stands for it */
        Label *top = p->open.n ? &p->open.p[p->open.n - 1] : NULL;
        p->open.n -= top && (i.op == OP_end || i.op == OP_else); /* as far out as its block */
        print_line(p);
        p->open.n += top && (i.op == OP_end || i.op == OP_else);
        print_hint(p, i.offset - body.at);
        print_mark(p, i.offset);
        print_insn(p, &i);
    }
    while (p->open.n > 0)
        pop_label(p);
    if (!diag_ok(&d))
        buf_printf(p->out, "\n    ;; malformed: %s", d.msg);
    mem_free(p->local_names);
    p->local_names = NULL;
    buf_str(p->out, STR("\n  )"));
}

u32 print_skip_expr(const Printer *p, Range range)
{
    Insn i;
    Diag d;
    InsnReader r;
    diag_init(&d);
    insn_reader_init(&r, p->m, range, &d);
    while (insn_read(&r, &i) && i.op != OP_end)
        ;
    return (u32)(r.at - p->m->bytes);
}

void print_expr(Printer *p, Range range, const char *word)
{
    Insn i;
    Diag d;
    InsnReader r;
    u32 n = 0;
    Buf *out = p->out, text = {0};
    diag_init(&d);
    insn_reader_init(&r, p->m, range, &d);
    p->out = &text;
    for (; insn_read(&r, &i) && i.op != OP_end; n++) {
        buf_str(&text, n ? STR(" ") : STR(""));
        print_insn(p, &i);
    }
    p->out = out;
    bool wrap = word && n != 1;
    if (wrap)
        buf_printf(out, "(%s ", word);
    else if (n == 1)
        buf_u8(out, '(');
    buf_bytes(out, text.p, text.n);
    if (wrap || n == 1)
        buf_u8(out, ')');
    buf_release(&text);
}
