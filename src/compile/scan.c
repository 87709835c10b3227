/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The look at a body before code is emitted: how often each local is used (weighted by loop
 * depth), which are written, which must be zeroed, what is called. From that, which locals live in
 * registers, and the frame's layout.
 *
 * A local needs no zero if every read is dominated by a write. The scan proves that in the common
 * cases: the write's block is still open at the read (blocks are entered at their top only, so
 * what follows a write within its block is dominated by it).
 */
#include "compile/baseline.h"

#include <stdlib.h>

enum { WEIGHT_MAX_DEPTH = 6, FRAME_MAX = 64 << 20 };

static void add_locals(void *arg, u32 count, ValType type)
{
    Baseline *b = arg;
    u32 need = b->nlocals + count;
    if (need > b->locals_cap) {
        u32 cap = MAX(need, b->locals_cap * 2);
        b->locals = mem_realloc(b->locals, b->locals_cap * sizeof(Local), cap * sizeof(Local));
        b->locals_cap = cap;
    }
    Local *l = b->locals + b->nlocals;
    Local fresh = {.type = (u8)valtype_kind(type), .reg = GPR_NONE};
    for (u32 i = 0; i < count; i++)
        l[i] = fresh;
    b->has_v128 |= count && fresh.type == KIND_V128;
    b->nlocals = need;
}

/* Of instructions that are no local.get. */
enum { STEP_CONST = INT32_MAX - 3, STEP_ADD, STEP_SUB, STEP_OTHER };

typedef struct Scan {
    Baseline *b;
    u32 depth; /* of loops */
    u32 serial;
    u64 consts[2]; /* of the last two instructions, the last first; UINT64_MAX: no i32.const */
    u64 amount;    /* of the last constant */
    LoopScan loops;
    u32 step[3]; /* the last three instructions, the last first: STEP_* or the local that is read */
} Scan;

static u32 weight_at(u32 depth)
{
    return 1u << 3 * MIN(depth, WEIGHT_MAX_DEPTH);
}

static void add_weight(u32 *w, u32 more)
{
    *w = *w > UINT32_MAX - more ? UINT32_MAX : *w + more;
}

static void use_local(Scan *s, Local *l)
{
    if (l->weight == 0)
        vec_push(&s->b->used, (u32)(l - s->b->locals));
    add_weight(&l->weight, weight_at(s->depth));
}

static void scan_open(Scan *s, bool loop)
{
    Baseline *b = s->b;
    if (loop) {
        vec_push(&b->loops, (LoopInfo){0});
        loop_scan_open(b, &s->loops);
    }
    vec_push(&b->scan_blocks, ((ScanBlock){++s->serial, loop ? b->loops.n : 0}));
    s->depth += loop;
}

static void scan_close(Scan *s)
{
    Baseline *b = s->b;
    u32 loop = b->scan_blocks.p[--b->scan_blocks.n].loop;
    if (!loop)
        return;
    s->depth--;
    b->loops.p[loop - 1].innermost = loop == b->loops.n; /* none was opened since */
    loop_scan_close(b, &s->loops);
}

static bool is_defined(const Baseline *b, const Local *l)
{
    return l->def_serial && l->def_depth < b->scan_blocks.n &&
           b->scan_blocks.p[l->def_depth].serial == l->def_serial;
}

static void scan_read(Scan *s, Local *l)
{
    if (!is_defined(s->b, l))
        l->need_init = true;
    l->reads += s->depth > 0;
    use_local(s, l);
}

static void scan_write(Scan *s, Local *l, u32 at)
{
    Baseline *b = s->b;
    l->written = true;
    l->last_write = at;
    bool steps = (s->step[0] == STEP_ADD || s->step[0] == STEP_SUB) && s->step[1] == STEP_CONST &&
                 s->step[2] == (u32)(l - b->locals);
    l->stepped |= s->depth && steps;
    loop_scan_write(b, &s->loops, (u32)(l - b->locals),
                    steps && s->step[0] == STEP_ADD ? s->amount : 0);
    if (!is_defined(b, l)) {
        l->def_depth = b->scan_blocks.n - 1;
        l->def_serial = b->scan_blocks.p[l->def_depth].serial;
    }
    use_local(s, l);
}

static void scan_call(Scan *s, bool leaves)
{
    s->b->has_call = true;
    s->b->leaves |= leaves;
    s->loops.calls++;
    add_weight(&s->b->call_weight, weight_at(s->depth));
}

/* Vectors need larger slots, wherever they come from. */
static void scan_results(Scan *s, const FuncType *t)
{
    if (!(s->b->m->uses & FEATURE_MASK(SIMD)))
        return;
    for (u32 i = 0; i < t->nresults; i++)
        s->b->has_v128 |= valtype_kind(t->results[i]) == KIND_V128;
}

static void scan_insn(Scan *s, const Insn *in)
{
    Baseline *b = s->b;
    switch (in->op) {
    case OP_block:
    case OP_if:
        scan_open(s, false);
        break;
    case OP_loop:
        scan_open(s, true);
        break;
    case OP_else:
        scan_close(s);
        scan_open(s, false);
        break;
    case OP_end:
        scan_close(s);
        break;
    case OP_local_get:
        scan_read(s, b->locals + in->idx);
        break;
    case OP_local_set:
    case OP_local_tee:
        scan_write(s, b->locals + in->idx, in->offset);
        break;
    case OP_global_get:
        b->has_v128 |= valtype_kind(b->m->globals[in->idx].type.type) == KIND_V128;
        break;
    case OP_call:
        scan_results(s, module_func_type(b->m, in->idx));
        scan_call(s, in->idx < b->m->n_imported_funcs || bl_tail_calls(b->m));
        break;
    case OP_call_indirect:
    case OP_call_ref:
        scan_results(s, types_func_type(b->m->registry, b->m->types[in->idx]));
        scan_call(s, true);
        break;
    case OP_return_call: /* the frame's words are used to move the arguments */
    case OP_return_call_ref:
    case OP_return_call_indirect:
        scan_call(s, true);
        break;
    case OP_memory_copy:
    case OP_memory_fill:
        if (!bl_bulk_is_inline(b, in, s->consts[0]) ||
            (in->op == OP_memory_fill && s->consts[1] == UINT64_MAX))
            scan_call(s, false);
        break;
    case OP_memory_grow:
    case OP_memory_init:
    case OP_data_drop:
    case OP_table_grow:
    case OP_table_copy:
    case OP_table_fill:
    case OP_table_init:
    case OP_elem_drop:
        scan_call(s, false);
        break;
    case OP_table_get:
    case OP_table_set:
        if (b->m->tables[in->idx].common)
            scan_call(s, false);
        break;
    case OP_ref_func:
        if (bl_ref_is_late(b, in->idx))
            scan_call(s, false);
        break;
    default: /* nothing that matters here but accesses */
        if (in->op >= OP_i32_load && in->op <= OP_i64_store32)
            add_weight(&b->locals[b->length_local].weight, weight_at(s->depth));
        if (op_infos[in->op].prefix == 0xfd)
            b->has_v128 = true;
        if (bl_simd_calls(b, (OpId)in->op))
            scan_call(s, false);
        break;
    }
}

static int ascending(const void *a, const void *b)
{
    u32 x = *(const u32 *)a, y = *(const u32 *)b;
    return (x > y) - (x < y);
}

static u32 step_of(const Insn *in)
{
    switch ((u32)in->op) {
    case OP_local_get:
        return in->idx;
    case OP_i32_const:
    case OP_i64_const:
        return STEP_CONST;
    case OP_i32_add:
    case OP_i64_add:
        return STEP_ADD;
    case OP_i32_sub:
    case OP_i64_sub:
        return STEP_SUB;
    default:
        return STEP_OTHER;
    }
}

void bl_scan(Baseline *b)
{
    b->nlocals = b->used.n = 0;
    for (u32 i = 0; i < b->type->nparams; i++)
        add_locals(b, 1, b->type->params[i]);
    insn_read_locals(&b->r, add_locals, b);
    b->length_local = b->nlocals;
    add_locals(b, 1, VT_I64);
    b->nlocals--;
    for (u32 i = 0; i < b->type->nresults; i++)
        b->has_v128 |= valtype_kind(b->type->results[i]) == KIND_V128;
    Scan s = {
        .b = b, .consts = {UINT64_MAX, UINT64_MAX}, .step = {STEP_OTHER, STEP_OTHER, STEP_OTHER}};
    b->scan_blocks.n = b->loops.n = b->loop = 0;
    loop_scan_init(b, &s.loops);
    scan_open(&s, false);
    for (u32 i = 0; i < b->type->nparams; i++) {
        b->locals[i].def_serial = s.serial;
        b->locals[i].def_depth = 0;
    }
    InsnReader start = b->r;
    Insn in;
    while (insn_read(&b->r, &in)) {
        loop_scan_insn(b, &s.loops, &in);
        scan_insn(&s, &in);
        s.step[2] = s.step[1];
        s.step[1] = s.step[0];
        s.step[0] = step_of(&in);
        if (s.step[0] == STEP_CONST)
            s.amount = in.value;
        s.consts[1] = s.consts[0];
        s.consts[0] = in.op == OP_i32_const ? (u32)in.value : UINT64_MAX;
    }
    b->r = start;
    if (b->used.n > 1)
        qsort(b->used.p, b->used.n, sizeof *b->used.p, ascending);
    if (b->t->epoch || b->t->fuel)
        b->has_call = true;
}

/* --- registers --- */

/* Candidates of one class, heaviest first. */
typedef struct Ranking {
    u32 n, max;
    u32 local[MAX(BL_MAX_PINS, BL_FLOAT_PINS)];
} Ranking;

static void rank(Ranking *r, const Local *locals, u32 local)
{
    u32 w = locals[local].weight, i = r->n;
    if (i == r->max && w <= locals[r->local[i - 1]].weight)
        return;
    if (i < r->max)
        r->n++;
    else
        i--;
    for (; i > 0 && locals[r->local[i - 1]].weight < w; i--)
        r->local[i] = r->local[i - 1];
    r->local[i] = local;
}

static void pin(Baseline *b, u32 local, u8 reg)
{
    b->locals[local].reg = reg;
    b->pinned[b->npinned++] = local;
}

static const u8 kept_regs[] = ROLE_SAVED;
static const u8 arg_regs[] = ROLE_INT_ARGS;

static bool callee_keeps(u8 reg)
{
    return reg == RBX || (reg >= R10 && reg <= R13);
}

static void pin_saved(Baseline *b, u32 local, u8 reg)
{
    pin(b, local, reg);
    b->saved_pins[b->nsaved++] = reg;
}

/* In functions without calls: where parameters arrive, and few of the others. */
static void pin_leaf(Baseline *b, const Ranking *r)
{
    u32 free = 1u << RDI | 1u << RSI | 1u << R8 | 1u << R9, left = 3;
    for (u32 i = 0; i < r->n; i++) {
        u32 l = r->local[i];
        if (l >= b->type->nparams || b->call.params[l].cls != ARG_INT || !left)
            continue;
        u8 reg = arg_regs[b->call.params[l].reg];
        if (!(free >> reg & 1))
            continue;
        pin(b, l, reg);
        free &= ~(1u << reg);
        left--;
    }
    for (u32 i = 0, k = 0; i < r->n; i++) {
        Local *l = b->locals + r->local[i];
        if (l->reg != GPR_NONE)
            continue;
        if (left) {
            u8 reg = (u8)(31 - __builtin_clz(free));
            pin(b, r->local[i], reg);
            free &= ~(1u << reg);
            left--;
        } else if (l->weight > 2 && k < ARRAY_LEN(kept_regs)) {
            pin_saved(b, r->local[i], kept_regs[k++]);
        }
    }
}

static void pin_with_calls(Baseline *b, const Ranking *r)
{
    static const u8 clobbered[] = {R9, R8}; /* no registers of results */
    u32 k = 0, c = 0;
    for (u32 i = 0; i < r->n; i++) {
        u32 w = b->locals[r->local[i]].weight;
        if (r->local[i] == b->length_local && w / 3 <= b->call_weight)
            continue;
        if (k < ARRAY_LEN(kept_regs) && w > 1)
            pin_saved(b, r->local[i], kept_regs[k++]);
        else if (c < ARRAY_LEN(clobbered) && w / 3 > b->call_weight)
            pin(b, r->local[i], clobbered[c++]);
    }
}

static void pin_floats(Baseline *b, const Ranking *r)
{
    u8 reg = XMM14;
    for (u32 i = 0; i < r->n; i++)
        if (!b->has_call || b->locals[r->local[i]].weight / 3 > b->call_weight)
            pin(b, r->local[i], reg--);
}

static void set_temps(Baseline *b)
{
    u32 gprs = 1u << RCX | 1u << RDX | 1u << RSI | 1u << RDI | 1u << R8 | 1u << R9;
    u32 xmms = (1u << XMM15) - 1;
    for (u32 i = 0; i < b->npinned; i++) {
        const Local *l = b->locals + b->pinned[i];
        *(bl_is_float(l->type) ? &xmms : &gprs) &= ~(1u << l->reg);
    }
    b->gpr_temps = gprs;
    b->xmm_temps = xmms;
    b->gpr_busy = b->xmm_busy = 0;
    static const u8 order[] = {RSI, RDI, R8, R9, RDX, RCX};
    u32 n = 0;
    for (u32 i = 0; i < ARRAY_LEN(order) && n < BL_MERGE_INTS; i++)
        if (gprs >> order[i] & 1)
            b->merge_gpr[n++] = order[i];
}

/* --- frame --- */

static i32 frame_place(u64 *at, u32 size)
{
    *at = align_up(*at + size, size);
    return -(i32)MIN(*at, (u64)FRAME_MAX);
}

static void lay_out_frame(Baseline *b)
{
    u64 at = b->leaves ? 16 : 0;
    at += 8 * b->nsaved;
    b->result_ptr = b->call.by_pointer ? (u32)(at += 8) : 0;
    at = align_up(at,
                  16); /* the locals are zeroed in words of 16 bytes: nothing else may lie there */
    b->locals_start = (u32)at;
    for (u32 i = 0; i < b->used.n; i++) {
        Local *l = b->locals + b->used.p[i];
        l->saved =
            l->reg != GPR_NONE && b->has_call && (bl_is_float(l->type) || !callee_keeps(l->reg));
        if (l->reg == GPR_NONE || l->saved)
            l->offset = frame_place(&at, l->type == KIND_V128 ? 16 : 8);
    }
    b->slot_log2 = b->has_v128 ? 4 : 3;
    at = align_up(at, 16);
    if (at > FRAME_MAX)
        b->failed = true;
    b->locals_end = (u32)MIN(at, (u64)FRAME_MAX);
    b->max_slot = 0;
}

void bl_assign_registers(Baseline *b)
{
    Ranking ints = {.max = BL_MAX_PINS}, floats = {.max = BL_FLOAT_PINS};
    for (u32 i = 0; i < b->used.n; i++)
        rank(bl_is_float(b->locals[b->used.p[i]].type) ? &floats : &ints, b->locals, b->used.p[i]);
    Local *length = b->locals + b->length_local;
    length->weight /= 2;
    if (b->m->nmemories && bl_checks_by_guard(b, b->m->memories) && length->weight >= 8)
        rank(&ints, b->locals, b->length_local);
    b->npinned = b->nsaved = 0;
    if (b->has_call)
        pin_with_calls(b, &ints);
    else
        pin_leaf(b, &ints);
    pin_floats(b, &floats);
    b->length_reg = length->reg;
    set_temps(b);
    lay_out_frame(b);
}
