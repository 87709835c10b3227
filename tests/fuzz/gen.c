/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The module generator: everything but function bodies. */
#include "fuzz/gen_priv.h"

#include <stdlib.h>

/* Entries into functions that one run may make. */
enum { FUEL = 60 };

static FeatureSet all_features(void)
{
    return FEATURE_MASK(MULTI_VALUE) | FEATURE_MASK(BULK_MEMORY) | FEATURE_MASK(REFERENCE_TYPES) |
           FEATURE_MASK(SIMD) | FEATURE_MASK(RELAXED_SIMD) | FEATURE_MASK(TAIL_CALL) |
           FEATURE_MASK(EXTENDED_CONST) | FEATURE_MASK(MULTI_MEMORY) | FEATURE_MASK(MEMORY64) |
           FEATURE_MASK(FUNCTION_REFERENCES) | FEATURE_MASK(WIDE_ARITHMETIC) |
           FEATURE_MASK(CUSTOM_PAGE_SIZES) | FEATURE_MASK(GC);
}

/* Of GC subtypes of function types only. Those that the environment names in FUZZ_WITHOUT
 * ("simd,threads") are left out. */
FeatureSet gen_features(void)
{
    const char *without = getenv("FUZZ_WITHOUT");
    FeatureSet features = all_features();
    for (u32 bit = 0; without && bit < FEATURE_COUNT; bit++) {
        const char *name = feature_name((enum FeatureBit)bit);
        if (*name && strstr(without, name))
            features &= ~((FeatureSet)1 << bit);
    }
    return features;
}

FeatureSet gen_features_not_js(void)
{
    return FEATURE_MASK(RELAXED_SIMD) | FEATURE_MASK(CUSTOM_PAGE_SIZES) | FEATURE_MASK(GC) |
           FEATURE_MASK(WIDE_ARITHMETIC) | FEATURE_MASK(THREADS) |
           FEATURE_MASK(FUNCTION_REFERENCES) | FEATURE_MASK(MEMORY64) | FEATURE_MASK(MULTI_MEMORY);
}

u64 gen_u64(Gen *g)
{
    if (g->end - g->p >= 8) {
        u64 v = load_u64(g->p);
        g->p += 8;
        return v;
    }
    g->random ^= g->random << 13;
    g->random ^= g->random >> 7;
    g->random ^= g->random << 17;
    return g->random;
}

u32 gen_below(Gen *g, u32 n)
{
    if (g->p < g->end && n <= 256)
        return *g->p++ % n;
    return (u32)((gen_u64(g) >> 16) % n);
}

GenType gen_type(Gen *g)
{
    static const char types[] = "iiiilllffddvvre";
    for (;;) {
        GenType t = types[gen_below(g, sizeof types - 1)];
        if (t == 'v' && !gen_has(g, FEATURE_BIT_SIMD))
            continue;
        if ((t == 'r' || t == 'e') && !gen_has(g, FEATURE_BIT_REFERENCE_TYPES))
            continue;
        return t;
    }
}

u8 gen_type_code(GenType t)
{
    switch (t) {
    case 'i':
        return 0x7f;
    case 'l':
        return 0x7e;
    case 'f':
        return 0x7d;
    case 'd':
        return 0x7c;
    case 'v':
        return 0x7b;
    case 'r':
        return 0x70;
    case 'e':
        return 0x6f;
    }
    BUG("unknown type letter");
}

u64 gen_int(Gen *g)
{
    static const u64 special[] = {
        0,          1,          2,           3,         7,           8,       15,
        31,         32,         33,          63,        64,          0x7f,    0x80,
        0xff,       0x100,      0x7fff,      0x8000,    0xffff,      0x10000, 0x7fffffff,
        0x80000000, 0xffffffff, 0x100000000, INT64_MAX, (u64)1 << 63};
    switch (gen_below(g, 4)) {
    case 0:
        return gen_below(g, 64);
    case 1:
        return special[gen_below(g, ARRAY_LEN(special))];
    case 2:
        return -special[gen_below(g, ARRAY_LEN(special))];
    default:
        return gen_u64(g) >> gen_below(g, 64);
    }
}

u64 gen_float32(Gen *g)
{
    static const u32 special[] = {0,          0x3f800000, 0x3f000000, 0x3fc00000, 0x40200000,
                                  0x7f800000, 0x7fc00000, 0x7fa00001, 0x00000001, 0x007fffff,
                                  0x7f7fffff, 0x4f000000, 0x4effffff, 0x4f800000, 0x5f000000,
                                  0x5f800000, 0x4b000000, 0x3effffff, 0x42280000, 0x477fff00};
    u32 bits = gen_chance(g, 200) ? special[gen_below(g, ARRAY_LEN(special))] : (u32)gen_u64(g);
    return gen_chance(g, 64) ? bits ^ 0x80000000 : bits;
}

u64 gen_float64(Gen *g)
{
    static const u64 special[] = {
        0,
        0x3ff0000000000000,
        0x3fe0000000000000,
        0x3ff8000000000000,
        0x4004000000000000,
        0x7ff0000000000000,
        0x7ff8000000000000,
        0x7ff4000000000001,
        1,
        0x000fffffffffffff,
        0x7fefffffffffffff,
        0x41e0000000000000,
        0x41dfffffffc00000,
        0x41f0000000000000,
        0x41efffffffe00000,
        0x43e0000000000000,
        0x43f0000000000000,
        0x4330000000000000,
        0x3fdfffffffffffff,
        0x47efffffe0000000,
        0x36a0000000000000,
    };
    u64 bits = gen_chance(g, 200) ? special[gen_below(g, ARRAY_LEN(special))] : gen_u64(g);
    return gen_chance(g, 64) ? bits ^ (u64)1 << 63 : bits;
}

void gen_op(Buf *b, OpId op)
{
    if (op_infos[op].prefix) {
        buf_u8(b, op_infos[op].prefix);
        buf_uleb(b, op_infos[op].code);
    } else {
        buf_u8(b, (u8)op_infos[op].code);
    }
}

static void v128_const(Gen *g, Buf *b)
{
    u32 kind = gen_below(g, 4);
    gen_op(b, OP_v128_const);
    for (u32 i = 0; i < 4; i++) {
        if (kind == 3 && i % 2 == 0)
            buf_u64(b, gen_float64(g));
        else if (kind < 3)
            buf_u32(b, kind == 0   ? (u32)gen_float32(g)
                       : kind == 1 ? (u32)gen_int(g)
                                   : (u32)gen_u64(g));
    }
}

void gen_const(Gen *g, Buf *b, GenType t)
{
    switch (t) {
    case 'i':
        gen_op(b, OP_i32_const);
        buf_sleb(b, (i32)gen_int(g));
        break;
    case 'l':
        gen_op(b, OP_i64_const);
        buf_sleb(b, (i64)gen_int(g));
        break;
    case 'f':
        gen_op(b, OP_f32_const);
        buf_u32(b, (u32)gen_float32(g));
        break;
    case 'd':
        gen_op(b, OP_f64_const);
        buf_u64(b, gen_float64(g));
        break;
    case 'v':
        v128_const(g, b);
        break;
    default:
        gen_op(b, OP_ref_null);
        buf_u8(b, gen_type_code(t));
        break;
    }
}

/* The result letter of a signature, 0 if the generator has no use for such ops. */
static char result_letter(const char *sig)
{
    const char *r = strchr(sig, ':');
    if (!r || sig == r)
        return 0;
    if (r[1] == 0)
        return 'x';
    if (strcmp(r + 1, "ll") == 0)
        return 'w';
    return r[2] == 0 ? r[1] : 0;
}

static void collect_ops(Gen *g)
{
    for (u32 op = 0; op < OP_COUNT; op++) {
        const OpInfo *o = &op_infos[op];
        char r = result_letter(o->sig);
        const char *row = r ? strchr(GEN_RESULTS, r) : NULL;
        bool access = o->imm == IMM_MEMARG || o->imm == IMM_MEMARG_LANE;
        bool plain = o->imm == IMM_NONE || o->imm == IMM_LANE || o->imm == IMM_SHUFFLE;
        if (!row || (!access && !plain) || op == OP_memory_atomic_wait32 ||
            op == OP_memory_atomic_wait64)
            continue;
        bool basic = o->feature == FEATURE_BIT_MVP || o->feature == FEATURE_BIT_SIGN_EXTENSION ||
                     o->feature == FEATURE_BIT_SAT_FLOAT_TO_INT;
        if (!basic && !gen_has(g, o->feature))
            continue;
        GenClass c = o->flags & OPF_ATOMIC ? GEN_ATOMIC : access ? GEN_MEMORY : GEN_PURE;
        usize i = (usize)(row - GEN_RESULTS);
        ALWAYS(g->ops.n[c][i] < GEN_OPS);
        g->ops.ops[c][i][g->ops.n[c][i]++] = (u16)op;
    }
}

static u32 few(Gen *g, u32 most)
{
    u32 n = gen_below(g, 5);
    return gen_chance(g, 20) ? gen_below(g, most + 1) : MIN(n, most);
}

static void make_sig(Gen *g, GenSig *sig)
{
    sig->nparams = (u8)few(g, GEN_MAX_VALUES);
    sig->nresults = (u8)(gen_has(g, FEATURE_BIT_MULTI_VALUE) ? few(g, 12) : gen_below(g, 2));
    for (u32 i = 0; i < sig->nparams; i++)
        sig->params[i] = gen_type(g);
    for (u32 i = 0; i < sig->nresults; i++)
        sig->results[i] = gen_type(g);
}

/* Types that have subtypes make calls through tables look closer. */
static void open_type(Gen *g, u32 i)
{
    if (!gen_has(g, FEATURE_BIT_GC) || !gen_chance(g, 90))
        return;
    g->type_open[i] = true;
    for (u32 n = gen_below(g, 3); n > 0; n--) {
        u32 sub = g->ntypes++;
        g->types[sub] = g->types[i];
        g->type_super[sub] = (u8)(gen_chance(g, 128) || !g->type_open[sub - 1] ? i : sub - 1);
        g->type_open[sub] = gen_chance(g, 128);
    }
}

static void make_types(Gen *g)
{
    static const GenSig imports[GEN_IMPORTS] = {
        {1, 1, "i", "i"}, {2, 1, "li", "l"}, {1, 1, "d", "d"}, {2, 2, "il", "li"}};
    static const GenSig run = {0, 1, "", "l"}, reset = {0, 0, "", ""};
    for (u32 i = 0; i < GEN_IMPORTS; i++) {
        g->types[i] = imports[i];
        g->func_type[i] = i;
    }
    g->types[GEN_IMPORTS] = run;
    g->types[GEN_IMPORTS + 1] = reset;
    g->ntypes = GEN_IMPORTS + 2;
    for (u32 i = 0; i < GEN_MAX_TYPES; i++)
        g->type_super[i] = (u8)i;
    for (u32 n = 1 + gen_below(g, 10); n > 0; n--) {
        make_sig(g, &g->types[g->ntypes++]);
        open_type(g, g->ntypes - 1);
    }
}

/* Functions of the same type are wanted, for calls through tables. */
static void make_funcs(Gen *g)
{
    g->nfuncs = GEN_IMPORTS + 1 + gen_below(g, GEN_MAX_FUNCS);
    for (u32 i = GEN_IMPORTS; i < g->nfuncs; i++)
        g->func_type[i] = gen_below(g, g->ntypes);
}

static void make_memories(Gen *g)
{
    g->nmemories = gen_chance(g, 240);
    if (gen_has(g, FEATURE_BIT_MULTI_MEMORY))
        g->nmemories += gen_below(g, GEN_MAX_MEMORIES);
    for (u32 i = 0; i < g->nmemories; i++) {
        GenMemory *m = &g->memories[i];
        m->is64 = gen_has(g, FEATURE_BIT_MEMORY64) && gen_chance(g, 128);
        m->page_log2 = gen_has(g, FEATURE_BIT_CUSTOM_PAGE_SIZES) && gen_chance(g, 128) ? 0 : 16;
        u32 unit = m->page_log2 == 0 ? 1 + gen_below(g, 9000) : 1;
        m->min = gen_below(g, 4) * unit;
        m->max = m->min + gen_below(g, 4) * unit;
    }
}

static void make_tables(Gen *g)
{
    g->ntables = 1;
    if (gen_has(g, FEATURE_BIT_REFERENCE_TYPES))
        g->ntables += gen_below(g, GEN_MAX_TABLES);
    for (u32 i = 0; i < g->ntables; i++) {
        GenTable *t = &g->tables[i];
        t->elem = i > 0 && gen_chance(g, 100) ? 'e' : 'r';
        t->is64 = gen_has(g, FEATURE_BIT_MEMORY64) && gen_chance(g, 80);
        t->min = gen_below(g, 2 * GEN_MAX_FUNCS);
        t->max = t->min + gen_below(g, 20);
    }
}

static void make_globals(Gen *g)
{
    g->nglobals = 1 + gen_below(g, GEN_MAX_GLOBALS);
    g->globals[GEN_FUEL_GLOBAL] = (GenGlobal){'i', true};
    for (u32 i = 1; i < g->nglobals; i++)
        g->globals[i] = (GenGlobal){gen_type(g), gen_chance(g, 200)};
}

static void make_segments(Gen *g)
{
    bool bulk = gen_has(g, FEATURE_BIT_BULK_MEMORY);
    g->ndatas = g->nmemories ? gen_below(g, GEN_MAX_SEGMENTS + 1) : 0;
    for (u32 i = 0; i < g->ndatas; i++) {
        GenSegment *d = &g->datas[i];
        d->passive = bulk && gen_chance(g, 128);
        d->target = gen_below(g, g->nmemories);
        const GenMemory *m = &g->memories[d->target];
        u64 room = (u64)m->min << m->page_log2;
        d->size = gen_below(g, 48);
        if (!d->passive && d->size > room)
            d->size = (u32)room;
    }
    g->nelems = gen_below(g, GEN_MAX_SEGMENTS + 1);
    for (u32 i = 0; i < g->nelems; i++) {
        GenSegment *e = &g->elems[i];
        e->target = 0;
        e->passive = bulk && gen_chance(g, 128);
        e->size = gen_below(g, 12);
        if (!e->passive && e->size > g->tables[0].min)
            e->size = g->tables[0].min;
    }
}

static void section(Buf *out, u8 id, Buf *body)
{
    buf_u8(out, id);
    buf_uleb(out, body->n);
    buf_bytes(out, body->p, body->n);
    buf_release(body);
}

static void put_name(Buf *b, Str s)
{
    buf_uleb(b, s.n);
    buf_str(b, s);
}

static void type_section(const Gen *g, Buf *out)
{
    Buf b = {0};
    buf_uleb(&b, g->ntypes);
    for (u32 i = 0; i < g->ntypes; i++) {
        const GenSig *t = &g->types[i];
        bool has_super = g->type_super[i] != i;
        if (g->type_open[i] || has_super) {
            buf_u8(&b, g->type_open[i] ? 0x50 : 0x4f);
            buf_u8(&b, has_super);
            if (has_super)
                buf_uleb(&b, g->type_super[i]);
        }
        buf_u8(&b, 0x60);
        buf_uleb(&b, t->nparams);
        for (u32 k = 0; k < t->nparams; k++)
            buf_u8(&b, gen_type_code(t->params[k]));
        buf_uleb(&b, t->nresults);
        for (u32 k = 0; k < t->nresults; k++)
            buf_u8(&b, gen_type_code(t->results[k]));
    }
    section(out, 1, &b);
}

/* Some memories, tables and globals are somebody else's, but not where JavaScript would have to
 * make them. */
static void choose_imports(Gen *g)
{
    if (g->js || gen_chance(g, 150))
        return;
    g->imported_memories = gen_below(g, g->nmemories + 1);
    g->imported_tables = gen_below(g, g->ntables + 1);
    g->imported_globals = gen_below(g, g->nglobals + 1);
}

static void put_table(const GenTable *t, Buf *b)
{
    buf_u8(b, gen_type_code(t->elem));
    buf_u8(b, (u8)(1 | (t->is64 ? 4 : 0)));
    buf_uleb(b, t->min);
    buf_uleb(b, t->max);
}

static void put_memory(const GenMemory *m, Buf *b)
{
    buf_u8(b, (u8)(1 | (m->is64 ? 4 : 0) | (m->page_log2 != 16 ? 8 : 0)));
    buf_uleb(b, m->min);
    buf_uleb(b, m->max);
    if (m->page_log2 != 16)
        buf_uleb(b, m->page_log2);
}

static void put_global(const GenGlobal *g, Buf *b)
{
    buf_u8(b, gen_type_code(g->type));
    buf_u8(b, g->mut);
}

static void put_import(Buf *b, char kind_name, u32 n, u8 kind)
{
    const char name[] = {kind_name, (char)('0' + n)};
    put_name(b, STR("env"));
    put_name(b, (Str){name, 2});
    buf_u8(b, kind);
}

static void import_section(const Gen *g, Buf *out)
{
    Buf b = {0};
    buf_uleb(&b, GEN_IMPORTS + g->imported_memories + g->imported_tables + g->imported_globals);
    for (u32 i = 0; i < GEN_IMPORTS; i++) {
        put_import(&b, 'h', i, EXTERN_FUNC);
        buf_uleb(&b, i);
    }
    for (u32 i = 0; i < g->imported_memories; i++) {
        put_import(&b, 'm', i, EXTERN_MEMORY);
        put_memory(&g->memories[i], &b);
    }
    for (u32 i = 0; i < g->imported_tables; i++) {
        put_import(&b, 't', i, EXTERN_TABLE);
        put_table(&g->tables[i], &b);
    }
    for (u32 i = 0; i < g->imported_globals; i++) {
        put_import(&b, 'g', i, EXTERN_GLOBAL);
        put_global(&g->globals[i], &b);
    }
    section(out, 2, &b);
}

/* Behind the functions come run<i> of each and `reset`. */
static void function_section(const Gen *g, Buf *out)
{
    Buf b = {0};
    u32 own = g->nfuncs - GEN_IMPORTS;
    buf_uleb(&b, 2 * own + 1);
    for (u32 i = 0; i < own; i++)
        buf_uleb(&b, g->func_type[GEN_IMPORTS + i]);
    for (u32 i = 0; i < own; i++)
        buf_uleb(&b, GEN_IMPORTS);
    buf_uleb(&b, GEN_IMPORTS + 1);
    section(out, 3, &b);
}

static void table_section(const Gen *g, Buf *out)
{
    Buf b = {0};
    buf_uleb(&b, g->ntables - g->imported_tables);
    for (u32 i = g->imported_tables; i < g->ntables; i++)
        put_table(&g->tables[i], &b);
    section(out, 4, &b);
}

static void memory_section(const Gen *g, Buf *out)
{
    Buf b = {0};
    buf_uleb(&b, g->nmemories - g->imported_memories);
    for (u32 i = g->imported_memories; i < g->nmemories; i++)
        put_memory(&g->memories[i], &b);
    section(out, 5, &b);
}

/* With extended constant expressions a sum now and then. */
static void const_expr(Gen *g, Buf *b, GenType t)
{
    gen_const(g, b, t);
    if ((t == 'i' || t == 'l') && gen_has(g, FEATURE_BIT_EXTENDED_CONST) && gen_chance(g, 80)) {
        static const OpId ops[2][3] = {{OP_i32_add, OP_i32_sub, OP_i32_mul},
                                       {OP_i64_add, OP_i64_sub, OP_i64_mul}};
        gen_const(g, b, t);
        gen_op(b, ops[t == 'l'][gen_below(g, 3)]);
    }
    gen_op(b, OP_end);
}

static void global_section(Gen *g, Buf *out)
{
    Buf b = {0};
    buf_uleb(&b, g->nglobals - g->imported_globals);
    for (u32 i = g->imported_globals; i < g->nglobals; i++) {
        put_global(&g->globals[i], &b);
        if (i == GEN_FUEL_GLOBAL) {
            gen_op(&b, OP_i32_const);
            buf_sleb(&b, FUEL);
            gen_op(&b, OP_end);
        } else {
            const_expr(g, &b, g->globals[i].type);
        }
    }
    section(out, 6, &b);
}

static void put_export(Buf *b, const char *kind_name, u32 n, u8 kind, u32 index, u32 *count)
{
    Buf name = {0};
    buf_printf(&name, "%s%u", kind_name, n);
    put_name(b, (Str){(const char *)name.p, name.n});
    buf_release(&name);
    buf_u8(b, kind);
    buf_uleb(b, index);
    *count += 1;
}

static void export_section(const Gen *g, Buf *out)
{
    Buf b = {0}, all = {0};
    u32 own = g->nfuncs - GEN_IMPORTS, n = 1;
    put_name(&b, STR("reset"));
    buf_u8(&b, EXTERN_FUNC);
    buf_uleb(&b, g->nfuncs + own);
    for (u32 i = 0; i < own; i++) {
        put_export(&b, "f", i, EXTERN_FUNC, GEN_IMPORTS + i, &n);
        put_export(&b, "run", i, EXTERN_FUNC, g->nfuncs + i, &n);
    }
    for (u32 i = 0; i < g->nmemories; i++)
        put_export(&b, "m", i, EXTERN_MEMORY, i, &n);
    for (u32 i = 0; i < g->ntables; i++)
        put_export(&b, "t", i, EXTERN_TABLE, i, &n);
    for (u32 i = 1; i < g->nglobals; i++)
        if (g->globals[i].mut && !(g->js && g->globals[i].type == 'v'))
            put_export(&b, "g", i, EXTERN_GLOBAL, i, &n);
    buf_uleb(&all, n);
    buf_bytes(&all, b.p, b.n);
    buf_release(&b);
    section(out, 7, &all);
}

static void elem_offset(Gen *g, Buf *b, u32 room, bool is64)
{
    gen_op(b, is64 ? OP_i64_const : OP_i32_const);
    buf_sleb(b, gen_below(g, room + 1));
    gen_op(b, OP_end);
}

/* The last segment declares every function, so that all of them can be referred to. */
static void elem_section(Gen *g, Buf *out)
{
    Buf b = {0};
    bool refs = gen_has(g, FEATURE_BIT_REFERENCE_TYPES);
    buf_uleb(&b, g->nelems + refs);
    for (u32 i = 0; i < g->nelems; i++) {
        const GenSegment *e = &g->elems[i];
        buf_u8(&b, e->passive ? 1 : 0);
        if (e->passive)
            buf_u8(&b, 0);
        else
            elem_offset(g, &b, g->tables[0].min - e->size, g->tables[0].is64);
        buf_uleb(&b, e->size);
        for (u32 k = 0; k < e->size; k++)
            buf_uleb(&b, gen_below(g, g->nfuncs));
    }
    if (refs) {
        buf_u8(&b, 3);
        buf_u8(&b, 0);
        buf_uleb(&b, g->nfuncs);
        for (u32 i = 0; i < g->nfuncs; i++)
            buf_uleb(&b, i);
    }
    section(out, 9, &b);
}

static void data_section(Gen *g, Buf *out)
{
    Buf b = {0};
    buf_uleb(&b, g->ndatas);
    for (u32 i = 0; i < g->ndatas; i++) {
        const GenSegment *d = &g->datas[i];
        const GenMemory *m = &g->memories[d->target];
        buf_u8(&b, d->passive ? 1 : d->target ? 2 : 0);
        if (!d->passive) {
            if (d->target)
                buf_uleb(&b, d->target);
            u64 room = ((u64)m->min << m->page_log2) - d->size;
            elem_offset(g, &b, (u32)room, m->is64);
        }
        buf_uleb(&b, d->size);
        for (u32 k = 0; k < d->size; k++)
            buf_u8(&b, (u8)gen_below(g, 256));
    }
    section(out, 11, &b);
}

void gen_reset_body(Buf *out)
{
    Buf b = {0};
    buf_uleb(&b, 0);
    gen_op(&b, OP_i32_const);
    buf_sleb(&b, FUEL);
    gen_op(&b, OP_global_set);
    buf_uleb(&b, GEN_FUEL_GLOBAL);
    gen_op(&b, OP_end);
    buf_uleb(out, b.n);
    buf_bytes(out, b.p, b.n);
    buf_release(&b);
}

static void code_section(Gen *g, Buf *out)
{
    Buf b = {0};
    u32 own = g->nfuncs - GEN_IMPORTS;
    buf_uleb(&b, 2 * own + 1);
    for (u32 i = 0; i < own; i++)
        gen_body(g, GEN_IMPORTS + i, &b);
    for (u32 i = 0; i < own; i++)
        gen_run_body(g, GEN_IMPORTS + i, &b);
    gen_reset_body(&b);
    section(out, 10, &b);
}

static FeatureSet choose_features(Gen *g, FeatureSet all)
{
    FeatureSet chosen = 0;
    for (u32 bit = 0; bit < FEATURE_COUNT; bit++)
        if (all >> bit & 1 && gen_chance(g, 180))
            chosen |= (FeatureSet)1 << bit;
    if (!(chosen & FEATURE_MASK(SIMD)))
        chosen &= ~FEATURE_MASK(RELAXED_SIMD);
    if (!(chosen & FEATURE_MASK(REFERENCE_TYPES)))
        chosen &= ~FEATURE_MASK(FUNCTION_REFERENCES);
    return chosen;
}

void gen_module(const GenOptions *o, const u8 *p, usize n, Buf *ret_wasm)
{
    static const u8 header[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    Gen *g = mem_alloc(sizeof *g);
    Buf code = {0};
    g->p = p;
    g->end = p + n;
    g->random = 0x9e3779b97f4a7c15;
    for (usize i = 0; i < n; i++)
        g->random = (g->random ^ p[i]) * 0x100000001b3;
    g->random |= 1;
    g->js = o->js;
    g->features = choose_features(g, o->features);
    collect_ops(g);
    make_types(g);
    make_funcs(g);
    make_memories(g);
    make_tables(g);
    make_globals(g);
    make_segments(g);
    choose_imports(g);

    code_section(g, &code); /* first, because blocks add types */
    buf_bytes(ret_wasm, header, sizeof header);
    type_section(g, ret_wasm);
    import_section(g, ret_wasm);
    function_section(g, ret_wasm);
    table_section(g, ret_wasm);
    memory_section(g, ret_wasm);
    global_section(g, ret_wasm);
    export_section(g, ret_wasm);
    elem_section(g, ret_wasm);
    if (gen_has(g, FEATURE_BIT_BULK_MEMORY)) {
        Buf count = {0};
        buf_uleb(&count, g->ndatas);
        section(ret_wasm, 12, &count);
    }
    buf_bytes(ret_wasm, code.p, code.n);
    buf_release(&code);
    data_section(g, ret_wasm);
    mem_free(g);
}
