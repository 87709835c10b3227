/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Checks of indices, once before a loop instead of in every turn, where memory 0 is checked by the
 * index alone. A local qualifies if
 *  - every turn, in the straight line behind the loop's head, accesses memory by it, and before
 *    that does nothing else with its value,
 *  - all writes to it in the loop, of which each is passed at most once in a turn, add a small
 *    positive constant,
 *  - nothing in the loop calls (baseline.h says why a call ends what is known of a pin).
 *
 * Then the lesser of local and length, taken before the loop, is as good as the local: if that
 * changes it, the first access traps before anybody has seen it. And each turn's access, which did
 * not trap, shows that the local is below the length until the next one but for the steps in
 * between; the guard is larger than those. What is run speculatively stays within the guard as
 * well: HOIST_STEPS times the turns that a processor can have begun is less than HOIST_DRIFT.
 *
 * The scan finds such locals: the straight line with a stack of where values come from, the rest of
 * the loop by the writes alone.
 */
#include "compile/baseline.h"

enum {
    HOIST_STEPS = 64, /* bytes that a local may step in a turn */
    NO_LOCAL = UINT32_MAX,
    A_CONST = UINT32_MAX - 1,
    PLUS_CONST = 1u << 31, /* the value of the local in the other bits, and a constant more */
};
static_assert(HOIST_STEPS * 512 <= HOIST_DRIFT, "a turn has three instructions or more");

static u8 index_type(const Baseline *b)
{
    return b->m->memories[0].is64 ? KIND_I64 : KIND_I32;
}

void loop_scan_init(Baseline *b, LoopScan *s)
{
    s->on = b->m->nmemories && bl_checks_by_guard(b, b->m->memories) && !b->t->fuel && !b->t->epoch;
    s->straight = false;
    s->loop = s->calls = 0;
    b->hoists.n = 0;
}

/* --- the straight line --- */

/* The row of that local; a new one, or NULL if there is no room. */
static LoopLocal *row_of(LoopScan *s, u32 local)
{
    for (u32 i = 0; i < s->nlocals; i++)
        if (s->locals[i].local == local)
            return s->locals + i;
    if (s->nlocals == LOOP_LOCALS)
        return NULL;
    s->locals[s->nlocals] = (LoopLocal){.local = local};
    return s->locals + s->nlocals++;
}

static void push(LoopScan *s, u32 value)
{
    if (s->nstack < LOOP_STACK)
        s->stack[s->nstack++] = value;
    else
        s->full = true;
}

static u32 pop(LoopScan *s)
{
    return s->nstack ? s->stack[--s->nstack] : NO_LOCAL;
}

/* The value is used other than as an address. */
static void consume(LoopScan *s, u32 value)
{
    if (value >= A_CONST)
        return;
    LoopLocal *l = row_of(s, value & ~PLUS_CONST);
    if (!l)
        s->full = true;
    else
        l->bad |= !l->accessed;
}

static void access_by(LoopScan *s, u32 value, const MemArg *a, u32 size)
{
    if (value >= PLUS_CONST || a->memory != 0 || a->offset > HOIST_REACH - size) {
        consume(s, value);
        return;
    }
    LoopLocal *l = row_of(s, value);
    if (!l) {
        s->full = true;
        return;
    }
    l->bad |= !l->accessed && l->step; /* it may wrap around to what is in bounds */
    l->accessed = true;
}

/* By the instruction's signature; false if it has none. */
static bool pass_plain(const Baseline *b, LoopScan *s, const Insn *in)
{
    const OpInfo *info = op_infos + in->op;
    const char *sig = info->sig;
    if (*sig == '*' || info->flags & (OPF_CALL | OPF_CTRL | OPF_TERM) ||
        (info->prefix != 0 && (info->prefix != 0xfd || bl_simd_calls(b, (OpId)in->op))))
        return false;
    for (; *sig != ':'; sig++)
        consume(s, pop(s));
    while (*++sig)
        push(s, NO_LOCAL);
    return true;
}

static bool pass_access(LoopScan *s, const Insn *in)
{
    u32 size = 0;
    bool store = (in->op >= OP_i32_store && in->op <= OP_i64_store32) || in->op == OP_v128_store;
    if (in->op >= OP_i32_load && in->op <= OP_i64_store32)
        size = 1u << bl_access_size((OpId)in->op);
    else if (in->op == OP_v128_load || in->op == OP_v128_store)
        size = 16;
    if (!size)
        return false;
    if (store)
        consume(s, pop(s));
    access_by(s, pop(s), &in->memarg, size);
    if (!store)
        push(s, NO_LOCAL);
    return true;
}

static void pass_add(LoopScan *s)
{
    u32 y = pop(s), x = pop(s);
    if (y == A_CONST && x < PLUS_CONST) {
        push(s, x | PLUS_CONST);
        return;
    }
    consume(s, y);
    consume(s, x);
    push(s, NO_LOCAL);
}

/* False at the end of the straight line. */
static bool pass(const Baseline *b, LoopScan *s, const Insn *in)
{
    switch ((u32)in->op) {
    case OP_block: /* what is in it is passed as well */
    case OP_nop:
        return true;
    case OP_local_get:
        push(s, in->idx);
        return true;
    case OP_local_set:
    case OP_local_tee: { /* the write itself is seen by loop_scan_write */
        u32 value = pop(s);
        if (value != (in->idx | PLUS_CONST))
            consume(s, value);
        if (in->op == OP_local_tee)
            push(s, in->idx);
        return true;
    }
    case OP_i32_const:
    case OP_i64_const:
        push(s, A_CONST);
        return true;
    case OP_i32_add:
    case OP_i64_add:
        pass_add(s);
        return true;
    case OP_drop:
        pop(s);
        return true;
    case OP_select:
        for (u32 i = 0; i < 3; i++)
            consume(s, pop(s));
        push(s, NO_LOCAL);
        return true;
    case OP_global_get:
        push(s, NO_LOCAL);
        return true;
    case OP_global_set:
        consume(s, pop(s));
        return true;
    default:
        return pass_access(s, in) || pass_plain(b, s, in);
    }
}

/* Notes the locals that qualify so far. */
static void end_straight(Baseline *b, LoopScan *s)
{
    s->straight = false;
    LoopInfo *info = b->loops.p + s->loop - 1;
    info->hoist = b->hoists.n;
    for (u32 i = 0; i < s->nlocals; i++) {
        const LoopLocal *r = s->locals + i;
        Local *l = b->locals + r->local;
        if (!r->accessed || r->bad || l->type != index_type(b))
            continue;
        Hoist h = {.local = r->local, .loop = s->loop, .step = r->step, .outer = l->hoist};
        vec_push(&b->hoists, h);
        l->hoist = b->hoists.n;
    }
    info->nhoists = b->hoists.n - info->hoist;
}

void loop_scan_straight(Baseline *b, LoopScan *s, const Insn *in)
{
    if (!pass(b, s, in) || s->full)
        end_straight(b, s);
}

void loop_scan_write(Baseline *b, LoopScan *s, u32 local, u64 step)
{
    if (!s->loop || !s->on)
        return;
    Local *l = b->locals + local;
    bool small = step >= 1 && step <= HOIST_STEPS;
    LoopLocal *r = s->straight ? row_of(s, local) : NULL;
    if (r) {
        r->step += small ? (u32)step : 0;
        r->bad |= !small || r->step > HOIST_STEPS;
    }
    /* the loop's own entry comes first; to those around it a step may come any number of times */
    u32 keep = 0;
    for (u32 i = l->hoist; i; i = b->hoists.p[i - 1].outer) {
        Hoist *h = b->hoists.p + i - 1;
        if (h->loop == s->loop && small && h->step + step <= HOIST_STEPS) {
            h->step += (u32)step;
            keep = i;
        } else {
            h->dead = true;
        }
    }
    if (keep)
        b->hoists.p[keep - 1].outer = 0;
    l->hoist = keep;
}

void loop_scan_open(Baseline *b, LoopScan *s)
{
    LoopInfo *info = b->loops.p + b->loops.n - 1;
    info->outer = s->loop;
    info->calls = s->calls;
    s->loop = b->loops.n;
    s->straight = s->on;
    s->full = false;
    s->nstack = s->nlocals = 0;
}

void loop_scan_close(Baseline *b, LoopScan *s)
{
    const LoopInfo *info = b->loops.p + s->loop - 1;
    for (u32 i = 0; i < info->nhoists; i++) {
        Hoist *h = b->hoists.p + info->hoist + i;
        if (!h->dead)
            b->locals[h->local].hoist = h->outer;
        h->dead |= info->calls != s->calls;
    }
    s->loop = info->outer;
}

/* --- emitting --- */

void bl_hoist_checks(Baseline *b, const LoopInfo *info, u32 depth, u32 serial)
{
    for (u32 i = 0; i < info->nhoists; i++) {
        const Hoist *h = b->hoists.p + info->hoist + i;
        Local *l = b->locals + h->local;
        if (h->dead || l->reg == GPR_NONE || bl_is_hoisted(b, l))
            continue;
        if (!bl_is_checked(b, l, HOIST_REACH)) {
            bl_mask_index(b, 0, l->reg);
            bl_note_check(b, l, 0);
        }
        l->hoist_depth = depth;
        l->hoist_serial = serial;
    }
}
