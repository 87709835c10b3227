/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The module generator: function bodies. A body is made instruction by instruction against a model
 * of the operand stack: an instruction takes what fits from the top of the stack, and code for the
 * operands that are missing is put in front of it. Blocks begin and end by their types; in
 * unreachable code operands may be left out.
 */
#include "fuzz/gen_code.h"

#include <stdio.h>

static void value(FuncGen *f, GenType t, u32 depth);

static void push(FuncGen *f, GenType t)
{
    ALWAYS(f->n < ARRAY_LEN(f->stack));
    f->stack[f->n++] = t;
}

static void push_all(FuncGen *f, const GenType *types, u32 n)
{
    for (u32 i = 0; i < n; i++)
        push(f, types[i]);
}

static void idx(FuncGen *f, OpId op, u32 index)
{
    gen_op(f->b, op);
    buf_uleb(f->b, index);
}

static void i32_const(FuncGen *f, i32 v)
{
    gen_op(f->b, OP_i32_const);
    buf_sleb(f->b, v);
}

/* In unreachable code with nothing of its own on the stack, operands come from nowhere. */
static bool polymorphic(const FuncGen *f)
{
    return f->unreachable && f->n == f->base && f->floor == f->base;
}

/*
 * Sees to it that the top of the stack has these types, and takes them off the model. Values below
 * `floor` are somebody else's operands.
 */
static void want(FuncGen *f, const GenType *types, u32 n)
{
    if (polymorphic(f) && gen_chance(f->g, 128))
        return;
    u32 k = MIN(n, f->n - f->floor);
    while (k > 0 && memcmp(f->stack + f->n - k, types, k) != 0)
        k--;
    if (gen_chance(f->g, 30))
        k = 0;
    for (u32 i = k; i < n; i++)
        value(f, types[i], 2);
    f->n -= n;
}

/* As want, but with operands on top that stay: the next `want` may not touch them. */
static u32 protect(FuncGen *f)
{
    u32 floor = f->floor;
    f->floor = f->n;
    return floor;
}

/* The float on top of the stack gets the canonical NaN in place of any other. */
static void canonical_scalar(FuncGen *f, GenType t)
{
    u32 local = t == 'f' ? f->temp_f : f->temp_d;
    idx(f, OP_local_tee, local);
    gen_op(f->b, t == 'f' ? OP_f32_const : OP_f64_const);
    if (t == 'f')
        buf_u32(f->b, 0x7fc00000);
    else
        buf_u64(f->b, 0x7ff8000000000000);
    idx(f, OP_local_get, local);
    idx(f, OP_local_get, local);
    gen_op(f->b, t == 'f' ? OP_f32_eq : OP_f64_eq);
    gen_op(f->b, OP_select);
}

static void canonical_vector(FuncGen *f, bool f64)
{
    idx(f, OP_local_tee, f->temp_v);
    gen_op(f->b, OP_v128_const);
    for (u32 i = 0; i < 2; i++)
        buf_u64(f->b, f64 ? 0x7ff8000000000000 : 0x7fc000007fc00000);
    idx(f, OP_local_get, f->temp_v);
    idx(f, OP_local_get, f->temp_v);
    gen_op(f->b, f64 ? OP_f64x2_eq : OP_f32x4_eq);
    gen_op(f->b, OP_v128_bitselect);
}

/* Shows the bits of its last operand, a scalar float. */
static bool shows_float(OpId op)
{
    switch ((u32)op) {
    case OP_i32_reinterpret_f32:
    case OP_i64_reinterpret_f64:
    case OP_f32_store:
    case OP_f64_store:
    case OP_f32_copysign:
    case OP_f64_copysign:
    case OP_f32x4_splat:
    case OP_f64x2_splat:
    case OP_f32x4_replace_lane:
    case OP_f64x2_replace_lane:
        return true;
    }
    return false;
}

/* 'f' or 'd' if it gives a vector of such lanes that may be NaNs of its own making. */
static char makes_nans(OpId op)
{
    static const char *const names[] = {"ceil", "floor",   "trunc",  "nearest", "sqrt",
                                        "add",  "sub",     "mul",    "div",     "min",
                                        "max",  "relaxed", "demote", "promote"};
    const char *text = op_infos[op].text;
    bool f32 = strncmp(text, "f32x4.", 6) == 0;
    if (!f32 && strncmp(text, "f64x2.", 6) != 0)
        return 0;
    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        if (strncmp(text + 6, names[i], strlen(names[i])) == 0)
            return f32 ? 'f' : 'd';
    return 0;
}

/* Bytes that memory `m` has at the start. */
static u64 memory_bytes(const Gen *g, u32 m)
{
    return (u64)g->memories[m].min << g->memories[m].page_log2;
}

static GenType addr_type(bool is64)
{
    return is64 ? 'l' : 'i';
}

static void addr_const(FuncGen *f, bool is64, u64 v)
{
    gen_op(f->b, is64 ? OP_i64_const : OP_i32_const);
    buf_sleb(f->b, is64 ? (i64)v : (i32)v);
    push(f, addr_type(is64));
}

/* An address or index, mostly below `size`. */
static void address(FuncGen *f, bool is64, u64 size)
{
    u32 kind = gen_below(f->g, 64);
    u64 mask = 1;
    while (mask < size / 2)
        mask = mask * 2 + 1;
    if (kind < 20) {
        addr_const(f, is64, size ? gen_below(f->g, (u32)MIN(size, 65536)) : 0);
    } else if (kind < 26) {
        addr_const(f, is64, size - gen_below(f->g, 20));
    } else if (kind < 62) {
        value(f, addr_type(is64), 2);
        gen_op(f->b, is64 ? OP_i64_const : OP_i32_const);
        buf_sleb(f->b, (i64)mask >> 1);
        gen_op(f->b, is64 ? OP_i64_and : OP_i32_and);
    } else {
        value(f, addr_type(is64), 2);
    }
}

static u64 static_offset(FuncGen *f, bool is64)
{
    static const u64 large[] = {0xffff,     0x10000,    0x7fffffff,           0x80000000,
                                0xfffffff0, 0xffffffff, (u64)1 << 32,         (u64)1 << 40,
                                INT64_MAX,  UINT64_MAX, 0xfffffffffffffff0ULL};
    if (gen_chance(f->g, 6))
        return large[gen_below(f->g, is64 ? ARRAY_LEN(large) : 6)];
    return gen_chance(f->g, 128) ? 0 : gen_below(f->g, gen_chance(f->g, 64) ? 4000 : 24);
}

static void memarg(FuncGen *f, OpId op, u32 m)
{
    u32 natural = op_access_log2(op);
    u32 align = op_infos[op].flags & OPF_ATOMIC ? natural : gen_below(f->g, natural + 1);
    buf_uleb(f->b, align | (m ? 0x40 : 0));
    if (m)
        buf_uleb(f->b, m);
    buf_uleb(f->b, static_offset(f, f->g->memories[m].is64));
    if (op_infos[op].imm == IMM_MEMARG_LANE)
        buf_u8(f->b, (u8)gen_below(f->g, 16U >> natural));
}

static u32 lane_count(OpId op)
{
    u32 bits = 0, lanes = 0;
    int n = sscanf(op_infos[op].text + 1, "%ux%u", &bits, &lanes);
    ALWAYS(n == 2);
    return lanes;
}

static void lanes_of(FuncGen *f, OpId op)
{
    if (op_infos[op].imm == IMM_LANE)
        buf_u8(f->b, (u8)gen_below(f->g, lane_count(op)));
    else if (op_infos[op].imm == IMM_SHUFFLE)
        for (u32 i = 0; i < 16; i++)
            buf_u8(f->b, (u8)gen_below(f->g, 32));
}

/* Operands of an access: address first. */
static void want_access(FuncGen *f, u32 m, const GenType *rest, u32 n)
{
    const GenMemory *mem = &f->g->memories[m];
    u32 base = f->n;
    address(f, mem->is64, memory_bytes(f->g, m));
    u32 floor = protect(f);
    want(f, rest, n);
    f->floor = floor;
    f->n = base;
}

/* An instruction of the table, with its operands. */
static void table_op(FuncGen *f, OpId op)
{
    const char *sig = op_infos[op].sig, *colon = strchr(sig, ':');
    u32 n = (u32)(colon - sig);
    if (sig[0] == 'a') {
        u32 m = gen_below(f->g, f->g->nmemories);
        want_access(f, m, sig + 1, n - 1);
        if (shows_float(op))
            canonical_scalar(f, sig[n - 1]);
        gen_op(f->b, op);
        memarg(f, op, m);
    } else {
        want(f, sig, n);
        if (shows_float(op))
            canonical_scalar(f, sig[n - 1]);
        gen_op(f->b, op);
        lanes_of(f, op);
    }
    push_all(f, colon + 1, (u32)strlen(colon + 1));
    char lanes = makes_nans(op);
    if (lanes)
        canonical_vector(f, lanes == 'd');
}

/* Traps on half of all operands: rarely wanted. */
static bool mostly_traps(OpId op)
{
    return strstr(op_infos[op].text, ".trunc_f") != NULL;
}

/* OP_COUNT if there is none that gives `result`. */
static OpId pick_op(FuncGen *f, char result)
{
    Gen *g = f->g;
    usize r = (usize)(strchr(GEN_RESULTS, result) - GEN_RESULTS);
    GenClass c = GEN_PURE;
    if (g->nmemories > 0 && gen_chance(g, result == 'x' ? 255 : 50))
        c = gen_chance(g, 40) ? GEN_ATOMIC : GEN_MEMORY;
    if (g->ops.n[c][r] == 0)
        return OP_COUNT;
    OpId op = (OpId)g->ops.ops[c][r][gen_below(g, g->ops.n[c][r])];
    return mostly_traps(op) && !gen_chance(g, 16) ? OP_COUNT : op;
}

static bool find_local(FuncGen *f, GenType t, u32 *ret_local)
{
    if (f->nlocals == 0)
        return false;
    u32 first = gen_below(f->g, f->nlocals);
    for (u32 i = 0; i < f->nlocals; i++) {
        u32 k = (first + i) % f->nlocals;
        if (f->locals[k] == t) {
            *ret_local = k;
            return true;
        }
    }
    return false;
}

static bool find_global(FuncGen *f, GenType t, bool mut, u32 *ret_global)
{
    Gen *g = f->g;
    u32 first = gen_below(g, g->nglobals);
    for (u32 i = 0; i < g->nglobals; i++) {
        u32 k = (first + i) % g->nglobals;
        if (k != GEN_FUEL_GLOBAL && g->globals[k].type == t && (g->globals[k].mut || !mut)) {
            *ret_global = k;
            return true;
        }
    }
    return false;
}

/* A value without operands. */
static void leaf_value(FuncGen *f, GenType t)
{
    Gen *g = f->g;
    u32 at;
    if (gen_chance(g, 150) && find_local(f, t, &at)) {
        idx(f, OP_local_get, at);
    } else if (gen_chance(g, 50) && find_global(f, t, false, &at)) {
        idx(f, OP_global_get, at);
    } else if (t == 'r' && gen_chance(g, 200)) {
        idx(f, OP_ref_func, gen_below(g, g->nfuncs));
    } else {
        gen_const(g, f->b, t);
    }
    push(f, t);
}

static void select_value(FuncGen *f, GenType t)
{
    const GenType types[3] = {t, t, 'i'};
    want(f, types, 3);
    if (t == 'r' || t == 'e' ||
        (gen_has(f->g, FEATURE_BIT_REFERENCE_TYPES) && gen_chance(f->g, 40))) {
        gen_op(f->b, OP_select_t);
        buf_u8(f->b, 1);
        buf_u8(f->b, gen_type_code(t));
    } else {
        gen_op(f->b, OP_select);
    }
    push(f, t);
}

static void value(FuncGen *f, GenType t, u32 depth)
{
    u32 floor = protect(f), local;
    u32 kind = depth == 0 || f->budget <= 0 ? 0 : gen_below(f->g, 16);
    OpId op;
    f->budget--;
    if (kind < 6 || f->depth > 40) {
        leaf_value(f, t);
    } else if (kind == 6) {
        f->depth++;
        select_value(f, t);
        f->depth--;
    } else if (kind == 7 && find_local(f, t, &local)) {
        value(f, t, depth - 1);
        idx(f, OP_local_tee, local);
    } else if (kind == 8) {
        gen_block_value(f, t);
    } else if (strchr(GEN_RESULTS, t) && (op = pick_op(f, t)) != OP_COUNT) {
        f->depth++;
        table_op(f, op);
        f->depth--;
    } else {
        leaf_value(f, t);
    }
    f->floor = floor;
}

/* The statements; each leaves the model right. */

static void op_statement(FuncGen *f)
{
    static const char results[] = "iiiiillllffddvvvvvw";
    OpId op = pick_op(f, results[gen_below(f->g, sizeof results - 1)]);
    if (op != OP_COUNT)
        table_op(f, op);
}

static void store_statement(FuncGen *f)
{
    OpId op = pick_op(f, 'x');
    if (op != OP_COUNT)
        table_op(f, op);
}

static void local_statement(FuncGen *f)
{
    if (f->nlocals == 0)
        return;
    u32 k = gen_below(f->g, f->nlocals);
    GenType t = f->locals[k];
    u32 kind = gen_below(f->g, 4);
    if (kind == 0) {
        idx(f, OP_local_get, k);
        push(f, t);
        return;
    }
    want(f, &t, 1);
    idx(f, kind == 1 ? OP_local_tee : OP_local_set, k);
    if (kind == 1)
        push(f, t);
}

static void global_statement(FuncGen *f)
{
    u32 k;
    GenType t = gen_type(f->g);
    if (gen_chance(f->g, 128) && find_global(f, t, false, &k)) {
        idx(f, OP_global_get, k);
        push(f, t);
    } else if (find_global(f, t, true, &k)) {
        want(f, &t, 1);
        idx(f, OP_global_set, k);
    }
}

static void drop_statement(FuncGen *f)
{
    if (f->n > f->floor) {
        gen_op(f->b, OP_drop);
        f->n--;
    }
}

static void push_statement(FuncGen *f)
{
    if (f->n - f->base < 24)
        value(f, gen_type(f->g), 2);
}

static void select_statement(FuncGen *f)
{
    select_value(f, gen_type(f->g));
}

static void null_statement(FuncGen *f)
{
    GenType t = gen_chance(f->g, 200) ? 'r' : 'e';
    if (!gen_has(f->g, FEATURE_BIT_REFERENCE_TYPES))
        return;
    want(f, &t, 1);
    if (t == 'r' && gen_has(f->g, FEATURE_BIT_FUNCTION_REFERENCES) && gen_chance(f->g, 40)) {
        gen_op(f->b, OP_ref_as_non_null);
        push(f, t);
    } else {
        gen_op(f->b, OP_ref_is_null);
        push(f, 'i');
    }
}

static void memory_statement(FuncGen *f)
{
    Gen *g = f->g;
    if (g->nmemories == 0)
        return;
    u32 m = gen_below(g, g->nmemories);
    GenType a = addr_type(g->memories[m].is64);
    if (gen_chance(g, 128)) {
        idx(f, OP_memory_size, m);
    } else {
        if (gen_chance(g, 200))
            addr_const(f, a == 'l', gen_below(g, 3));
        else
            value(f, a, 1);
        f->n--;
        idx(f, OP_memory_grow, m);
    }
    push(f, a);
}

static void bulk_memory_statement(FuncGen *f)
{
    Gen *g = f->g;
    if (g->nmemories == 0 || !gen_has(g, FEATURE_BIT_BULK_MEMORY))
        return;
    u32 dst = gen_below(g, g->nmemories), src = gen_below(g, g->nmemories), base = f->n;
    bool dst64 = g->memories[dst].is64, src64 = g->memories[src].is64;
    u32 kind = gen_below(g, g->ndatas ? 4 : 2), data = g->ndatas ? gen_below(g, g->ndatas) : 0;
    if (kind == 3) {
        idx(f, OP_data_drop, data);
        return;
    }
    address(f, dst64, memory_bytes(g, dst));
    if (kind == 0)
        value(f, 'i', 2);
    else if (kind == 1)
        address(f, src64, memory_bytes(g, src));
    else
        address(f, false, g->datas[data].size);
    addr_const(f, kind == 0 ? dst64 : kind == 1 && dst64 && src64, gen_below(g, 40));
    f->n = base;
    idx(f,
        kind == 0   ? OP_memory_fill
        : kind == 1 ? OP_memory_copy
                    : OP_memory_init,
        kind == 2 ? data : dst);
    if (kind > 0)
        buf_uleb(f->b, kind == 1 ? src : dst);
}

static void table_statement(FuncGen *f)
{
    Gen *g = f->g;
    if (!gen_has(g, FEATURE_BIT_REFERENCE_TYPES))
        return;
    u32 t = gen_below(g, g->ntables), base = f->n;
    const GenTable *table = &g->tables[t];
    GenType elem = table->elem, a = addr_type(table->is64);
    switch (gen_below(g, 4)) {
    case 0:
        address(f, table->is64, table->min);
        f->n = base;
        idx(f, OP_table_get, t);
        push(f, elem);
        break;
    case 1:
        address(f, table->is64, table->min);
        value(f, elem, 1);
        f->n = base;
        idx(f, OP_table_set, t);
        break;
    case 2:
        idx(f, OP_table_size, t);
        push(f, a);
        break;
    default:
        value(f, elem, 1);
        addr_const(f, table->is64, gen_below(g, 3));
        f->n = base;
        idx(f, OP_table_grow, t);
        push(f, a);
        break;
    }
}

static void bulk_table_statement(FuncGen *f)
{
    Gen *g = f->g;
    if (!gen_has(g, FEATURE_BIT_REFERENCE_TYPES) || !gen_has(g, FEATURE_BIT_BULK_MEMORY))
        return;
    u32 dst = gen_below(g, g->ntables), src = gen_below(g, g->ntables), base = f->n;
    u32 kind = gen_below(g, 4), elem = g->nelems ? gen_below(g, g->nelems) : 0;
    bool dst64 = g->tables[dst].is64, src64 = g->tables[src].is64;
    bool differ = g->tables[dst].elem != (kind == 1 ? g->tables[src].elem : 'r');
    if ((kind >= 2 && g->nelems == 0) || (kind != 0 && kind != 3 && differ))
        return;
    if (kind == 3) {
        idx(f, OP_elem_drop, elem);
        return;
    }
    address(f, dst64, g->tables[dst].min);
    if (kind == 0)
        value(f, g->tables[dst].elem, 1);
    else if (kind == 1)
        address(f, src64, g->tables[src].min);
    else
        address(f, false, g->elems[elem].size);
    addr_const(f, kind == 0 ? dst64 : kind == 1 && dst64 && src64, gen_below(g, 6));
    f->n = base;
    idx(f,
        kind == 0   ? OP_table_fill
        : kind == 1 ? OP_table_copy
                    : OP_table_init,
        kind == 2 ? elem : dst);
    if (kind > 0)
        buf_uleb(f->b, kind == 1 ? src : dst);
}

static void step(FuncGen *f)
{
    static const struct {
        u32 weight;
        void (*make)(FuncGen *f);
    } steps[] = {
        {70, op_statement},        {36, local_statement},      {14, global_statement},
        {20, push_statement},      {10, drop_statement},       {12, select_statement},
        {22, store_statement},     {5, memory_statement},      {5, bulk_memory_statement},
        {7, table_statement},      {4, bulk_table_statement},  {4, null_statement},
        {24, gen_block_statement}, {14, gen_branch_statement}, {18, gen_call_statement},
    };
    u32 total = 0;
    for (u32 i = 0; i < ARRAY_LEN(steps); i++)
        total += steps[i].weight;
    u32 at = gen_below(f->g, total), i = 0;
    for (; at >= steps[i].weight; i++)
        at -= steps[i].weight;
    f->budget--;
    steps[i].make(f);
    if (f->n - f->base > 40)
        gen_drop_to(f, f->base);
}

void gen_want(FuncGen *f, const GenType *types, u32 n)
{
    want(f, types, n);
}

void gen_push(FuncGen *f, const GenType *types, u32 n)
{
    push_all(f, types, n);
}

void gen_index(FuncGen *f, OpId op, u32 index)
{
    idx(f, op, index);
}

void gen_address(FuncGen *f, bool is64, u64 size)
{
    address(f, is64, size);
}

void gen_i32(FuncGen *f, i32 v)
{
    i32_const(f, v);
}

void gen_canonical(FuncGen *f, GenType t)
{
    canonical_scalar(f, t);
}

void gen_drop_to(FuncGen *f, u32 height)
{
    while (f->n > height) {
        gen_op(f->b, OP_drop);
        f->n--;
    }
}

void gen_sequence(FuncGen *f)
{
    u32 tail = gen_below(f->g, 4);
    while (f->budget > 0 && gen_chance(f->g, 238)) {
        if (f->unreachable && tail-- == 0)
            break;
        step(f);
    }
}
