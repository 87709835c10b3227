/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The module generator: blocks, branches, calls, and the frame of a body. */
#include "fuzz/gen_code.h"

/* Rounds that a function's loops may make together, and rounds of a counted loop. */
enum { LOOP_FUEL = 30, MAX_COUNT = 6, COUNTERS = 3, BODY_BUDGET = 160 };

/* Index of the type, which is added if it is new and there is room; UINT32_MAX otherwise. */
static u32 type_index(Gen *g, const GenSig *sig)
{
    for (u32 i = 0; i < g->ntypes; i++)
        if (memcmp(&g->types[i], sig, sizeof *sig) == 0)
            return i;
    if (g->ntypes == GEN_MAX_TYPES)
        return UINT32_MAX;
    g->types[g->ntypes] = *sig;
    return g->ntypes++;
}

/* False if the type section is full. */
static bool block_type(FuncGen *f, OpId op, const GenSig *sig)
{
    u32 index = 0;
    bool plain = sig->nparams == 0 && sig->nresults <= 1;
    if (!plain && (index = type_index(f->g, sig)) == UINT32_MAX)
        return false;
    gen_op(f->b, op);
    if (!plain)
        buf_sleb(f->b, index);
    else
        buf_u8(f->b, sig->nresults ? gen_type_code(sig->results[0]) : 0x40);
    return true;
}

/* What a block saves of its surroundings. */
typedef struct Outer {
    u32 base, floor, n;
    bool unreachable;
} Outer;

static Outer open_block(FuncGen *f, const GenSig *sig, bool is_loop, bool closed)
{
    Outer o = {f->base, f->floor, f->n, f->unreachable};
    GenLabel *l = &f->labels[f->nlabels++];
    l->n = is_loop ? sig->nparams : sig->nresults;
    memcpy(l->types, is_loop ? sig->params : sig->results, l->n);
    l->is_loop = is_loop;
    l->closed = closed;
    f->base = f->floor = f->n;
    gen_push(f, sig->params, sig->nparams);
    f->unreachable = false;
    return o;
}

/* Makes the stack of the block be exactly the results. */
static void fit(FuncGen *f, const GenType *types, u32 n)
{
    u32 have = f->n - f->base, k = MIN(have, n);
    if (f->unreachable && have == 0 && gen_chance(f->g, 128))
        return;
    bool on_top = have > n && memcmp(f->stack + f->n - n, types, n) == 0;
    if (on_top && gen_chance(f->g, 200) && !f->labels[f->nlabels - 1].is_loop) {
        gen_index(f, OP_br, 0); /* drops what is below */
        f->n = f->base;
        return;
    }
    while (k > 0 && memcmp(f->stack + f->base, types, k) != 0)
        k--;
    gen_drop_to(f, f->base + k);
    f->floor = f->n;
    gen_want(f, types + k, n - k);
}

static void restore(FuncGen *f, const Outer *o)
{
    f->base = o->base;
    f->floor = o->floor;
    f->n = o->n;
    f->unreachable = o->unreachable;
}

static void close_block(FuncGen *f, const GenSig *sig, const Outer *o)
{
    gen_op(f->b, OP_end);
    f->nlabels--;
    restore(f, o);
    gen_push(f, sig->results, sig->nresults);
}

/* A loop takes its fuel where it begins, so any branch to it is counted. */
static void loop_fuel(FuncGen *f)
{
    gen_index(f, OP_local_get, f->fuel);
    gen_op(f->b, OP_i32_eqz);
    gen_op(f->b, OP_if);
    buf_u8(f->b, 0x40);
    gen_op(f->b, OP_unreachable);
    gen_op(f->b, OP_end);
    gen_index(f, OP_local_get, f->fuel);
    gen_i32(f, 1);
    gen_op(f->b, OP_i32_sub);
    gen_index(f, OP_local_set, f->fuel);
}

/* The back edge of a counted loop, with its params on top of the stack. */
static void counted_end(FuncGen *f, u32 counter)
{
    gen_index(f, OP_local_get, counter);
    gen_i32(f, 1);
    gen_op(f->b, OP_i32_sub);
    gen_index(f, OP_local_tee, counter);
    gen_index(f, OP_br_if, 0);
}

static void loop_block(FuncGen *f, GenSig *sig)
{
    bool counted = f->nlabels < 1 + COUNTERS && gen_chance(f->g, 140);
    u32 counter = f->counters + f->nlabels - 1;
    if (counted) { /* its results are its params, which the back edge has on the stack */
        sig->nresults = sig->nparams;
        memcpy(sig->results, sig->params, sizeof sig->params);
        gen_i32(f, 1 + (i32)gen_below(f->g, MAX_COUNT));
        gen_index(f, OP_local_set, counter);
    }
    if (!block_type(f, OP_loop, sig)) {
        gen_push(f, sig->params, sig->nparams);
        return;
    }
    Outer o = open_block(f, sig, true, counted);
    if (!counted)
        loop_fuel(f);
    gen_sequence(f);
    if (!counted && f->n - f->base >= sig->nparams && !f->unreachable && gen_chance(f->g, 60)) {
        gen_want(f, sig->params, sig->nparams);
        gen_index(f, OP_br, 0);
        f->n = f->base;
        f->unreachable = true;
    }
    fit(f, sig->results, sig->nresults);
    if (counted)
        counted_end(f, counter);
    close_block(f, sig, &o);
}

static void if_block(FuncGen *f, const GenSig *sig)
{
    static const GenType cond = 'i';
    u32 floor = f->floor;
    f->floor = f->n += sig->nparams;
    gen_want(f, &cond, 1);
    f->n -= sig->nparams;
    f->floor = floor;
    if (!block_type(f, OP_if, sig)) {
        gen_op(f->b, OP_drop);
        gen_push(f, sig->params, sig->nparams);
        return;
    }
    bool same = sig->nparams == sig->nresults && !memcmp(sig->params, sig->results, sig->nparams);
    Outer o = open_block(f, sig, false, false);
    gen_sequence(f);
    fit(f, sig->results, sig->nresults);
    if (!same || gen_chance(f->g, 100)) {
        gen_op(f->b, OP_else);
        restore(f, &o);
        f->nlabels--;
        o = open_block(f, sig, false, false);
        gen_sequence(f);
        fit(f, sig->results, sig->nresults);
    }
    close_block(f, sig, &o);
}

/* The params are on the stack and off the model. */
static void any_block(FuncGen *f, GenSig *sig)
{
    u32 kind = gen_below(f->g, 5);
    i32 rest = f->budget / 2;
    f->budget -= rest;
    if (kind < 2) {
        loop_block(f, sig);
    } else if (kind < 4) {
        if_block(f, sig);
    } else if (block_type(f, OP_block, sig)) {
        Outer o = open_block(f, sig, false, false);
        gen_sequence(f);
        fit(f, sig->results, sig->nresults);
        close_block(f, sig, &o);
    } else {
        gen_push(f, sig->params, sig->nparams);
    }
    f->budget += rest;
}

void gen_block_value(FuncGen *f, GenType t)
{
    GenSig sig = {.nresults = 1, .results = {t}};
    if (f->nlabels + 1 >= GEN_MAX_LABELS || f->n > GEN_MAX_STACK / 2) {
        gen_const(f->g, f->b, t);
        gen_push(f, &t, 1);
        return;
    }
    bool loop = gen_chance(f->g, 60);
    i32 rest = f->budget * 2 / 3;
    f->budget -= rest;
    if (loop || gen_chance(f->g, 128)) {
        block_type(f, loop ? OP_loop : OP_block, &sig);
        Outer o = open_block(f, &sig, loop, loop);
        gen_sequence(f);
        fit(f, sig.results, 1);
        close_block(f, &sig, &o);
    } else {
        if_block(f, &sig);
    }
    f->budget += rest;
}

void gen_block_statement(FuncGen *f)
{
    Gen *g = f->g;
    GenSig sig = {0};
    if (f->nlabels + 1 >= GEN_MAX_LABELS || f->n > GEN_MAX_STACK / 2)
        return;
    if (gen_has(g, FEATURE_BIT_MULTI_VALUE)) {
        u32 nparams = gen_below(g, 4);
        sig.nparams = (u8)MIN(nparams, f->n - f->floor);
        sig.nresults = (u8)gen_below(g, gen_chance(g, 30) ? 9 : 4);
    } else {
        sig.nresults = (u8)gen_below(g, 2);
    }
    memcpy(sig.params, f->stack + f->n - sig.nparams, sig.nparams);
    f->n -= sig.nparams;
    for (u32 i = 0; i < sig.nresults; i++)
        sig.results[i] = i < sig.nparams && gen_chance(g, 128) ? sig.params[i] : gen_type(g);
    any_block(f, &sig);
}

/* A label that may be branched to; false if the pick is closed. */
static bool pick_label(FuncGen *f, u32 *ret_depth, const GenLabel **ret_label)
{
    u32 depth = gen_below(f->g, f->nlabels);
    *ret_depth = depth;
    *ret_label = &f->labels[f->nlabels - 1 - depth];
    return !(*ret_label)->closed;
}

static void dead(FuncGen *f)
{
    f->n = f->floor = f->base;
    f->unreachable = true;
}

/* Operands, then an i32 on top of them. */
static void want_and_index(FuncGen *f, const GenLabel *l)
{
    GenType types[GEN_MAX_VALUES + 1];
    memcpy(types, l->types, l->n);
    types[l->n] = 'i';
    gen_want(f, types, l->n + 1U);
}

static void br_table(FuncGen *f, u32 depth, const GenLabel *l)
{
    u32 n = gen_below(f->g, gen_chance(f->g, 20) ? 40 : 6);
    want_and_index(f, l);
    gen_index(f, OP_br_table, n);
    for (u32 i = 0; i <= n; i++) {
        u32 other = gen_below(f->g, f->nlabels);
        const GenLabel *k = &f->labels[f->nlabels - 1 - other];
        bool same = !k->closed && k->n == l->n && memcmp(k->types, l->types, l->n) == 0;
        buf_uleb(f->b, same ? other : depth);
    }
    dead(f);
}

static void br_if(FuncGen *f, u32 depth, const GenLabel *l)
{
    want_and_index(f, l);
    gen_index(f, OP_br_if, depth);
    gen_push(f, l->types, l->n);
}

/* To labels that end with a funcref, or with one as an additional operand. */
static void br_on_null(FuncGen *f, u32 depth, const GenLabel *l)
{
    GenType types[GEN_MAX_VALUES + 1];
    if (!gen_has(f->g, FEATURE_BIT_FUNCTION_REFERENCES))
        return;
    memcpy(types, l->types, l->n);
    types[l->n] = 'r';
    if (l->n > 0 && l->types[l->n - 1] == 'r' && gen_chance(f->g, 128)) {
        gen_want(f, l->types, l->n);
        gen_index(f, OP_br_on_non_null, depth);
        gen_push(f, l->types, l->n - 1U);
    } else {
        gen_want(f, types, l->n + 1U);
        gen_index(f, OP_br_on_null, depth);
        gen_push(f, types, l->n + 1U);
    }
}

static void tail_call(FuncGen *f);

static void terminator(FuncGen *f, u32 depth, const GenLabel *l)
{
    switch (gen_below(f->g, 8)) {
    case 0:
    case 1:
        br_table(f, depth, l);
        break;
    case 2:
        gen_want(f, f->sig->results, f->sig->nresults);
        gen_op(f->b, OP_return);
        dead(f);
        break;
    case 3:
        if (f->nlabels > 2 && gen_chance(f->g, 20)) {
            gen_op(f->b, OP_unreachable);
            dead(f);
        }
        break;
    case 4:
    case 5:
        tail_call(f);
        break;
    default:
        gen_want(f, l->types, l->n);
        gen_index(f, OP_br, depth);
        dead(f);
        break;
    }
}

void gen_branch_statement(FuncGen *f)
{
    u32 depth;
    const GenLabel *l;
    if (!pick_label(f, &depth, &l))
        return;
    u32 kind = gen_below(f->g, 16);
    if (kind < 9)
        br_if(f, depth, l);
    else if (kind < 11)
        br_on_null(f, depth, l);
    else if (f->nlabels > 1 || gen_chance(f->g, 40))
        terminator(f, depth, l);
}

/* Operands of the call, and the instruction that makes it; `ops` plain, indirect, by reference. */
static void call_by(FuncGen *f, u32 callee, const OpId ops[3])
{
    Gen *g = f->g;
    u32 type = g->func_type[callee], kind = gen_below(g, 8);
    const GenSig *sig = &g->types[type];
    while (g->type_super[type] != type && gen_chance(g, 160))
        type = g->type_super[type];
    if (kind == 0 && gen_has(g, FEATURE_BIT_FUNCTION_REFERENCES)) {
        gen_want(f, sig->params, sig->nparams);
        if (gen_chance(g, 10)) {
            gen_op(f->b, OP_ref_null);
            buf_sleb(f->b, type);
        } else {
            gen_index(f, OP_ref_func, callee);
        }
        gen_index(f, ops[2], type);
    } else if (kind < 4) {
        u32 table = gen_has(g, FEATURE_BIT_REFERENCE_TYPES) ? gen_below(g, g->ntables) : 0;
        table = g->tables[table].elem == 'r' && gen_chance(g, 60) ? table : 0;
        gen_want(f, sig->params, sig->nparams);
        u32 base = f->n, floor = f->floor;
        f->floor = f->n += sig->nparams; /* they are there, whatever the model says */
        gen_address(f, g->tables[table].is64, g->tables[table].min);
        f->n = base;
        f->floor = floor;
        gen_index(f, ops[1], type);
        buf_uleb(f->b, table);
    } else {
        gen_want(f, sig->params, sig->nparams);
        gen_index(f, ops[0], callee);
    }
}

/* To a function with the same results. */
static void tail_call(FuncGen *f)
{
    static const OpId ops[3] = {OP_return_call, OP_return_call_indirect, OP_return_call_ref};
    Gen *g = f->g;
    if (f->leaf || !gen_has(g, FEATURE_BIT_TAIL_CALL))
        return;
    u32 first = gen_below(g, g->nfuncs);
    for (u32 i = 0; i < g->nfuncs; i++) {
        u32 callee = (first + i) % g->nfuncs;
        const GenSig *sig = &g->types[g->func_type[callee]];
        if (sig->nresults == f->sig->nresults &&
            memcmp(sig->results, f->sig->results, sig->nresults) == 0) {
            call_by(f, callee, ops);
            dead(f);
            return;
        }
    }
}

void gen_call_statement(FuncGen *f)
{
    static const OpId ops[3] = {OP_call, OP_call_indirect, OP_call_ref};
    if (f->leaf || f->n > GEN_MAX_STACK / 2)
        return;
    u32 callee = gen_below(f->g, f->g->nfuncs);
    const GenSig *sig = &f->g->types[f->g->func_type[callee]];
    call_by(f, callee, ops);
    gen_push(f, sig->results, sig->nresults);
}

/* Each entry of a function that makes calls costs fuel, which bounds recursion. */
static void entry_fuel(FuncGen *f)
{
    gen_index(f, OP_global_get, GEN_FUEL_GLOBAL);
    gen_i32(f, 1);
    gen_op(f->b, OP_i32_sub);
    gen_index(f, OP_global_set, GEN_FUEL_GLOBAL);
    gen_index(f, OP_global_get, GEN_FUEL_GLOBAL);
    gen_i32(f, 0);
    gen_op(f->b, OP_i32_lt_s);
    gen_op(f->b, OP_if);
    buf_u8(f->b, 0x40);
    gen_op(f->b, OP_unreachable);
    gen_op(f->b, OP_end);
}

/* The vector local is there only with SIMD. */
static void put_own_locals(FuncGen *f, Buf *b, u32 first)
{
    bool simd = gen_has(f->g, FEATURE_BIT_SIMD);
    f->temp_f = first;
    f->temp_d = first + 1;
    f->fuel = first + 2;
    f->counters = first + 3;
    f->temp_v = first + 3 + COUNTERS;
    buf_uleb(b, 1);
    buf_u8(b, gen_type_code('f'));
    buf_uleb(b, 1);
    buf_u8(b, gen_type_code('d'));
    buf_uleb(b, 1 + COUNTERS);
    buf_u8(b, gen_type_code('i'));
    if (simd) {
        buf_uleb(b, 1);
        buf_u8(b, gen_type_code('v'));
    }
}

static void put_locals(FuncGen *f)
{
    u32 n = gen_below(f->g, gen_chance(f->g, 40) ? 20 : 7);
    f->nlocals = f->sig->nparams;
    memcpy(f->locals, f->sig->params, f->nlocals);
    buf_uleb(f->b, n + 3U + gen_has(f->g, FEATURE_BIT_SIMD));
    for (u32 i = 0; i < n; i++) {
        GenType t = gen_type(f->g);
        f->locals[f->nlocals++] = t;
        buf_uleb(f->b, 1);
        buf_u8(f->b, gen_type_code(t));
    }
    put_own_locals(f, f->b, f->nlocals);
}

static void put_body(Buf *b, Buf *out)
{
    gen_op(b, OP_end);
    buf_uleb(out, b->n);
    buf_bytes(out, b->p, b->n);
    buf_release(b);
}

void gen_body(Gen *g, u32 func, Buf *out)
{
    Buf b = {0};
    FuncGen *f = mem_alloc(sizeof *f);
    f->g = g;
    f->b = &b;
    f->sig = &g->types[g->func_type[func]];
    f->budget = 4 + (i32)gen_below(g, BODY_BUDGET) * (gen_chance(g, 8) ? 12 : 1);
    f->leaf = gen_chance(g, 60);
    put_locals(f);
    f->labels[0].n = f->sig->nresults;
    memcpy(f->labels[0].types, f->sig->results, f->sig->nresults);
    f->nlabels = 1;
    if (!f->leaf)
        entry_fuel(f);
    gen_i32(f, LOOP_FUEL);
    gen_index(f, OP_local_set, f->fuel);
    gen_sequence(f);
    fit(f, f->sig->results, f->sig->nresults);
    put_body(&b, out);
    mem_free(f);
}

/* The value on top as an i64. */
static void as_i64(FuncGen *f, GenType t)
{
    switch (t) {
    case 'i':
        gen_op(f->b, OP_i64_extend_i32_u);
        break;
    case 'l':
        break;
    case 'f':
        gen_canonical(f, 'f');
        gen_op(f->b, OP_i32_reinterpret_f32);
        gen_op(f->b, OP_i64_extend_i32_u);
        break;
    case 'd':
        gen_canonical(f, 'd');
        gen_op(f->b, OP_i64_reinterpret_f64);
        break;
    case 'v':
        gen_index(f, OP_local_tee, f->temp_v);
        gen_index(f, OP_i64x2_extract_lane, 0);
        gen_index(f, OP_local_get, f->temp_v);
        gen_index(f, OP_i64x2_extract_lane, 1);
        gen_i32(f, 7);
        gen_op(f->b, OP_i64_extend_i32_u);
        gen_op(f->b, OP_i64_rotl);
        gen_op(f->b, OP_i64_xor);
        break;
    default:
        gen_op(f->b, OP_ref_is_null);
        gen_op(f->b, OP_i64_extend_i32_u);
        break;
    }
}

void gen_run_body(Gen *g, u32 func, Buf *out)
{
    Buf b = {0};
    FuncGen *f = mem_alloc(sizeof *f);
    const GenSig *sig = &g->types[g->func_type[func]];
    u32 hash = 0;
    f->g = g;
    f->b = &b;
    buf_uleb(&b, 4U + gen_has(g, FEATURE_BIT_SIMD));
    buf_uleb(&b, 1);
    buf_u8(&b, gen_type_code('l'));
    put_own_locals(f, &b, 1);
    for (u32 i = 0; i < sig->nparams; i++)
        gen_const(g, &b, sig->params[i]);
    gen_index(f, OP_call, func);
    for (u32 i = sig->nresults; i-- > 0;) {
        as_i64(f, sig->results[i]);
        gen_index(f, OP_local_get, hash);
        gen_op(&b, OP_i64_xor);
        gen_op(&b, OP_i64_const);
        buf_sleb(&b, 0x100000001b3);
        gen_op(&b, OP_i64_mul);
        gen_index(f, OP_local_set, hash);
    }
    gen_index(f, OP_local_get, hash);
    put_body(&b, out);
    mem_free(f);
}
