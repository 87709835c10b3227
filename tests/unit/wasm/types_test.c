/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The type registry: canonical ids, lifetimes, subtyping, threads. */
#include "unit/wasm/wasm_fixture.h"

#include <pthread.h>

static SubType struct_of(const FieldType *fields, u32 n)
{
    return (SubType){.kind = COMPOSITE_STRUCT,
                     .final = true,
                     .super = TYPE_NONE,
                     .nfields = n,
                     .fields = fields};
}

static u32 add_one(TypeRegistry *r, const SubType *t)
{
    u32 id;
    EXPECT(types_add_group(r, t, 1, &id));
    return id;
}

TEST(types_equal_functions_share_an_id)
{
    TypeRegistry *r = types_new();
    ValType a[] = {VT_I32, VT_F64}, b[] = {VT_F64, VT_I32};
    u32 x = types_add_func(r, a, 2, NULL, 0), y = types_add_func(r, a, 2, NULL, 0);
    u32 z = types_add_func(r, b, 2, NULL, 0), w = types_add_func(r, a, 1, a + 1, 1);
    EXPECT_EQ(x, y);
    EXPECT(x != z && x != w && z != w);
    EXPECT_EQ(types_count(r), 3);
    EXPECT_EQ(types_func_type(r, w)->nresults, 1);
    EXPECT_EQ(types_func_type(r, w)->results[0], VT_F64);
    types_unref(r, x);
    EXPECT_EQ(types_count(r), 3);
    types_unref(r, y);
    EXPECT_EQ(types_count(r), 2);
    types_unref(r, z);
    types_unref(r, w);
    EXPECT_EQ(types_count(r), 0);
    types_free(r);
}

/* What two types differ in makes them different: mutability, packing, nullability, finality. */
TEST(types_differences_that_count)
{
    TypeRegistry *r = types_new();
    FieldType base = {.type = VT_I32};
    FieldType variants[] = {base,
                            {.type = VT_I32, .mut = true},
                            {.type = VT_I32, .storage = STORAGE_I8},
                            {.type = VT_I32, .storage = STORAGE_I16},
                            {.type = VALTYPE_REF(HEAP_EQ, true)},
                            {.type = VALTYPE_REF(HEAP_EQ, false)},
                            {.type = VALTYPE_REF(0, true) | VALTYPE_REL}};
    u32 ids[2 * ARRAY_LEN(variants)];
    u32 n = 0;
    for (u32 i = 0; i < ARRAY_LEN(variants); i++)
        for (u32 final = 0; final < 2; final++) {
            SubType t = struct_of(&variants[i], 1);
            t.final = final;
            ids[n] = add_one(r, &t);
            EXPECT_EQ(add_one(r, &t), ids[n]);
            for (u32 k = 0; k < n; k++)
                EXPECT(ids[k] != ids[n]);
            n++;
        }
    types_free(r);
}

/* A group of two types that name each other; the same as one type that names itself it is not. */
TEST(types_recursive_groups)
{
    TypeRegistry *r = types_new();
    FieldType to_second = {.type = VALTYPE_REF(1, true) | VALTYPE_REL};
    FieldType to_first = {.type = VALTYPE_REF(0, true) | VALTYPE_REL};
    SubType pair[] = {struct_of(&to_second, 1), struct_of(&to_first, 1)};
    u32 a[2], b[2];
    EXPECT(types_add_group(r, pair, 2, a));
    EXPECT(types_add_group(r, pair, 2, b));
    EXPECT(a[0] == b[0] && a[1] == b[1] && a[0] != a[1]);
    EXPECT_EQ(types_get(r, a[0])->fields[0].type, VALTYPE_REF(a[1], true));
    EXPECT_EQ(types_get(r, a[1])->fields[0].type, VALTYPE_REF(a[0], true));
    SubType self = struct_of(&to_first, 1);
    u32 c = add_one(r, &self);
    EXPECT(c != a[0] && c != a[1]);
    EXPECT_EQ(types_get(r, c)->fields[0].type, VALTYPE_REF(c, true));
    types_unref_all(r, a, 2);
    types_unref_all(r, b, 2);
    EXPECT_EQ(types_count(r), 1);
    types_unref(r, c);
    EXPECT_EQ(types_count(r), 0);
    types_free(r);
}

/* A group keeps the groups alive that it names, in a chain of any length. */
TEST(types_named_groups_stay)
{
    enum { N = 100000 };
    TypeRegistry *r = types_new();
    FieldType none = {.type = VT_I64};
    SubType t = struct_of(&none, 1);
    u32 id = add_one(r, &t);
    for (u32 i = 0; i < N; i++) {
        FieldType f = {.type = VALTYPE_REF(id, true)};
        t = struct_of(&f, 1);
        u32 next = add_one(r, &t);
        types_unref(r, id);
        id = next;
    }
    EXPECT_EQ(types_count(r), N + 1);
    types_unref(r, id);
    EXPECT_EQ(types_count(r), 0);
    t = struct_of(&none, 1);
    EXPECT(add_one(r, &t) <= N); /* ids are used again */
    types_free(r);
}

TEST(types_subtyping_of_long_chains)
{
    enum { DEPTH = 64 };
    TypeRegistry *r = types_new();
    u32 chain[2][DEPTH];
    for (u32 k = 0; k < 2; k++)
        for (u32 i = 0; i < DEPTH; i++) {
            FieldType f = {.type = k ? VT_I32 : VT_I64};
            SubType t = struct_of(&f, 1);
            t.final = false;
            t.depth = (u8)i;
            t.super = i ? chain[k][i - 1] : TYPE_NONE;
            chain[k][i] = add_one(r, &t);
        }
    for (u32 i = 0; i < DEPTH; i++)
        for (u32 j = 0; j < DEPTH; j++) {
            EXPECT_EQ(types_is_subtype(r, chain[0][i], chain[0][j]), i >= j);
            EXPECT(!types_is_subtype(r, chain[0][i], chain[1][j]));
        }
    types_free(r);
}

TEST(types_heap_lattice)
{
    TypeRegistry *r = types_new();
    FieldType f = {.type = VT_I32};
    SubType s = struct_of(&f, 1), a = s;
    a.kind = COMPOSITE_ARRAY;
    u32 st = add_one(r, &s), ar = add_one(r, &a), fn = types_add_func(r, NULL, 0, NULL, 0);
    SubType c = {.kind = COMPOSITE_CONT, .final = true, .super = TYPE_NONE, .cont = fn};
    u32 co = add_one(r, &c);
    const struct {
        HeapType sub, super;
    } yes[] = {{HEAP_EQ, HEAP_ANY},      {HEAP_I31, HEAP_EQ},
               {HEAP_STRUCT, HEAP_EQ},   {HEAP_ARRAY, HEAP_ANY},
               {HEAP_NONE, HEAP_I31},    {HEAP_NONE, st},
               {HEAP_NONE, ar},          {st, HEAP_STRUCT},
               {st, HEAP_ANY},           {ar, HEAP_ARRAY},
               {fn, HEAP_FUNC},          {HEAP_NOFUNC, fn},
               {HEAP_NOFUNC, HEAP_FUNC}, {HEAP_NOEXTERN, HEAP_EXTERN},
               {HEAP_NOEXN, HEAP_EXN},   {co, HEAP_CONT},
               {HEAP_NOCONT, co},        {HEAP_BOT, st},
               {HEAP_BOT, HEAP_EXN}},
      no[] = {{HEAP_ANY, HEAP_EQ},
              {HEAP_FUNC, HEAP_ANY},
              {HEAP_EXTERN, HEAP_ANY},
              {st, HEAP_ARRAY},
              {st, ar},
              {HEAP_NONE, fn},
              {HEAP_NOFUNC, st},
              {HEAP_STRUCT, st},
              {HEAP_EXN, HEAP_ANY},
              {HEAP_NONE, HEAP_EXTERN},
              {fn, HEAP_ANY},
              {co, HEAP_FUNC},
              {HEAP_I31, HEAP_STRUCT},
              {HEAP_NOEXN, HEAP_ANY},
              {HEAP_NOCONT, fn}};
    for (u32 i = 0; i < ARRAY_LEN(yes); i++)
        EXPECT(heap_is_subtype(r, yes[i].sub, yes[i].super));
    for (u32 i = 0; i < ARRAY_LEN(no); i++)
        EXPECT(!heap_is_subtype(r, no[i].sub, no[i].super));
    EXPECT(valtype_is_subtype(r, VALTYPE_REF(st, false), VALTYPE_REF(HEAP_ANY, true)));
    EXPECT(!valtype_is_subtype(r, VALTYPE_REF(st, true), VALTYPE_REF(st, false)));
    EXPECT(!valtype_is_subtype(r, VT_I32, VT_I64));
    EXPECT(valtype_is_subtype(r, VT_BOT, VT_V128));
    EXPECT_EQ(heap_top(r, HEAP_NONE), HEAP_ANY);
    EXPECT_EQ(heap_top(r, fn), HEAP_FUNC);
    char buf[VALTYPE_NAME_SIZE];
    EXPECT_STR(valtype_name(VT_FUNCREF, buf), "funcref");
    EXPECT_STR(valtype_name(VALTYPE_REF(HEAP_ANY, true), buf), "(ref null any)");
    EXPECT_STR(valtype_name(VT_V128, buf), "v128");
    types_free(r);
}

/* ---- random groups against a slow structural comparison ---- */

enum { GROUP = 3, FIELDS = 2, ROUNDS = 20000 };

typedef struct RandomGroup {
    SubType types[GROUP];
    FieldType fields[GROUP][FIELDS];
    u32 n;
    u32 ids[GROUP];
} RandomGroup;

static u32 next_random(u64 *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (u32)(*state >> 33);
}

static void make_group(RandomGroup *g, u64 *state)
{
    static const ValType types[] = {VT_I32, VT_I64, VALTYPE_REF(HEAP_ANY, true)};
    g->n = 1 + next_random(state) % GROUP;
    for (u32 i = 0; i < g->n; i++) {
        SubType *t = &g->types[i];
        *t = struct_of(g->fields[i], next_random(state) % (FIELDS + 1));
        t->final = next_random(state) % 2;
        if (i && next_random(state) % 4 == 0) {
            t->super = next_random(state) % i | TYPE_REL;
            t->depth = (u8)(g->types[t->super & ~TYPE_REL].depth + 1);
        }
        for (u32 k = 0; k < FIELDS; k++) {
            u32 pick = next_random(state) % 5;
            ValType rel = VALTYPE_REF(next_random(state) % g->n, pick == 4) | VALTYPE_REL;
            g->fields[i][k] =
                (FieldType){.type = pick < 3 ? types[pick] : rel, .mut = next_random(state) % 2};
        }
    }
}

static bool same_group(const RandomGroup *a, const RandomGroup *b)
{
    if (a->n != b->n)
        return false;
    for (u32 i = 0; i < a->n; i++) {
        const SubType *x = &a->types[i], *y = &b->types[i];
        if (x->final != y->final || x->super != y->super || x->nfields != y->nfields)
            return false;
        for (u32 k = 0; k < x->nfields; k++)
            if (a->fields[i][k].type != b->fields[i][k].type ||
                a->fields[i][k].mut != b->fields[i][k].mut)
                return false;
    }
    return true;
}

TEST(types_random_groups_against_comparison)
{
    enum { KEPT = 64 };
    TypeRegistry *r = types_new();
    RandomGroup *kept = mem_alloc_array(KEPT, sizeof *kept);
    u64 state = 42;
    for (u32 i = 0; i < ROUNDS; i++) {
        RandomGroup *g = &kept[i % KEPT];
        if (i >= KEPT)
            types_unref_all(r, g->ids, g->n);
        make_group(g, &state);
        EXPECT(types_add_group(r, g->types, g->n, g->ids));
        for (u32 k = 0; k < MIN(i + 1, KEPT); k++)
            EXPECT_EQ(kept[k].ids[0] == g->ids[0], same_group(&kept[k], g));
    }
    for (u32 k = 0; k < KEPT; k++)
        types_unref_all(r, kept[k].ids, kept[k].n);
    EXPECT_EQ(types_count(r), 0);
    mem_free(kept);
    types_free(r);
}

/* ---- threads ---- */

enum { THREADS = 8, TURNS = 5000 };

static void *add_and_drop(void *arg)
{
    TypeRegistry *r = arg;
    u64 state = (u64)(uintptr_t)&r;
    for (u32 i = 0; i < TURNS; i++) {
        RandomGroup g;
        make_group(&g, &state);
        EXPECT(types_add_group(r, g.types, g.n, g.ids));
        for (u32 k = 0; k < g.n; k++) {
            const SubType *t = types_get(r, g.ids[k]);
            EXPECT_EQ(t->nfields, g.types[k].nfields);
            EXPECT_EQ(t->final, g.types[k].final);
            if (t->super != TYPE_NONE)
                EXPECT(types_is_subtype(r, g.ids[k], t->super));
        }
        types_unref_all(r, g.ids, g.n);
    }
    return NULL;
}

TEST(types_threads_add_and_drop)
{
    TypeRegistry *r = types_new();
    pthread_t threads[THREADS];
    for (u32 i = 0; i < THREADS; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, add_and_drop, r), 0);
    for (u32 i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    EXPECT_EQ(types_count(r), 0);
    types_free(r);
}

/* ---- modules in threads ---- */

typedef struct Loader {
    TypeRegistry *registry;
    WasmModule *shared; /* whose names all threads ask for first at once */
    u64 state;
} Loader;

/* One of twenty sets of types: groups that overlap from set to set. */
static WasmModule *load_set(TypeRegistry *r, u32 set)
{
    Buf b = {0};
    wasm_begin(&b);
    Buf types = {0};
    buf_u8(&types, 3);
    wasm_hex(&types, "60 00 00 4e 02 50 00 5f 02 63 01 00 63 02 00 50 00 5e 63");
    wasm_hex(&types, set % 4 == 0   ? "01 00"
                     : set % 4 == 1 ? "02 00"
                     : set % 4 == 2 ? "00 00"
                                    : "01 01");
    buf_u8(&types, 0x60);
    buf_uleb(&types, set % 5);
    for (u32 i = 0; i < set % 5; i++)
        wasm_hex(&types, "63 02");
    buf_u8(&types, 0);
    wasm_section(&b, 1, &types);
    Diag d;
    DecodeOptions o = {.features = wasm_all_features()};
    WasmModule *m = module_decode(r, &o, b.p, b.n, &d);
    if (!m)
        test_fail(__FILE__, __LINE__, "%s", d.msg);
    EXPECT_EQ(types_func_type(r, m->types[3])->nparams, set % 5);
    buf_release(&b);
    buf_release(&types);
    return m;
}

static void *load_and_drop(void *arg)
{
    Loader *l = arg;
    EXPECT(str_eq(module_name(l->shared), STR("ab")));
    for (u32 i = 0; i < TURNS / 4; i++) {
        u32 set = next_random(&l->state) % 20;
        WasmModule *a = load_set(l->registry, set), *b = load_set(l->registry, set);
        for (u32 k = 0; k < a->ntypes; k++)
            EXPECT_EQ(a->types[k], b->types[k]);
        module_free(a);
        EXPECT(types_is_subtype(l->registry, b->types[1], b->types[1]));
        module_free(b);
    }
    return NULL;
}

TEST(types_threads_load_and_drop_modules)
{
    Buf b = {0};
    wasm_begin(&b);
    wasm_section_hex(&b, 0, "04 6e 61 6d 65 00 03 02 61 62");
    WasmModule *shared = DECODE_OK(&b);
    buf_release(&b);
    pthread_t threads[THREADS];
    Loader loaders[THREADS];
    for (u32 i = 0; i < THREADS; i++) {
        loaders[i] = (Loader){shared->registry, shared, i};
        EXPECT_EQ(pthread_create(&threads[i], NULL, load_and_drop, &loaders[i]), 0);
    }
    for (u32 i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    wasm_drop(shared);
}
