/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The glue that tools/witgen writes, for an interface with every shape of type: a guest made of an
 * array and a realloc that moves forward (and the memory too, if asked) calls host functions that
 * give back what they get.
 */
#include "base/vec.h"
#include "bind/glue_shapes.h"
#include "bind/test_bind.h"
#include "unit/test.h"

#include <stdio.h>

struct GlueShapesThing {
    u32 n;
};

enum { MEMORY_SIZE = 4096, HEAP_START = 2048, HANDLES = 8 };

typedef struct Guest {
    LiftEnv env; /* first: lift_enter gets a pointer to it */
    VmMemory memory;
    u32 top;    /* of what realloc gave */
    u32 offset; /* added to what realloc gives: a guest that is wrong */
    GlueShapesThing *handles[HANDLES];
    u32 full; /* handles from this one on cannot be given; 0: all can */
    u32 lent, drops, leaves;
    bool moves; /* realloc moves the memory */
    char failure[256];
} Guest;

static Guest *guest_of(LiftCall *c)
{
    return (Guest *)(uintptr_t)c->env;
}

static u32 guest_realloc(LiftCall *c, u32 old, u32 old_size, u32 align, u32 size)
{
    Guest *g = guest_of(c);
    EXPECT(old == 0 && old_size == 0);
    u32 at = (u32)align_up(g->top, align);
    g->top = at + size;
    if (g->moves) {
        u8 *to = mem_dup(g->memory.base, MEMORY_SIZE);
        memset(g->memory.base, 0xee, MEMORY_SIZE);
        mem_free(g->memory.base);
        g->memory.base = to;
    }
    return at + g->offset;
}

static GlueShapesThing **handle(LiftCall *c, const LiftResource *type, u32 h)
{
    Guest *g = guest_of(c);
    EXPECT(type == &glue_shapes_thing_type);
    if (h == 0 || h >= HANDLES || !g->handles[h]) {
        lift_fail(c, "unknown handle index %u", h);
        return NULL;
    }
    return &g->handles[h];
}

static void *guest_take(LiftCall *c, const LiftResource *type, u32 h)
{
    GlueShapesThing **p = handle(c, type, h);
    return p ? TAKE_PTR(*p) : NULL;
}

static void *guest_borrow(LiftCall *c, const LiftResource *type, u32 h)
{
    GlueShapesThing **p = handle(c, type, h);
    guest_of(c)->lent++;
    return p ? *p : NULL;
}

static u32 guest_give(LiftCall *c, const LiftResource *type, void *rep)
{
    Guest *g = guest_of(c);
    EXPECT(type == &glue_shapes_thing_type);
    for (u32 h = 1; h < HANDLES; h++) {
        if (h == g->full) {
            lift_fail(c, "the table is full");
            return 0;
        }
        if (!g->handles[h]) {
            g->handles[h] = rep;
            return h;
        }
    }
    test_fail(__FILE__, __LINE__, "no free handle");
}

static void guest_leave(LiftCall *c)
{
    guest_of(c)->leaves++;
}

static void guest_fail(LiftCall *c, const char *text)
{
    Guest *g = guest_of(c);
    EXPECT(!g->failure[0]);
    snprintf(g->failure, sizeof g->failure, "%s", text);
}

static const LiftOps ops = {guest_realloc, guest_take,  guest_borrow,
                            guest_give,    guest_leave, guest_fail};

static void guest_init(Guest *g)
{
    *g = (Guest){.env = {.ops = &ops, .fuel = 1 << 20}, .top = HEAP_START};
    g->memory = (VmMemory){mem_alloc(MEMORY_SIZE), MEMORY_SIZE};
    g->env.memory = &g->memory;
    g->env.host = g;
}

static void guest_release(Guest *g)
{
    for (u32 i = 0; i < HANDLES; i++)
        mem_free(g->handles[i]);
    mem_free(g->memory.base);
}

static void put32(Guest *g, u32 at, u32 v)
{
    store_u32(g->memory.base + at, v);
}

static u32 get32(const Guest *g, u32 at)
{
    return load_u32(g->memory.base + at);
}

static void put_text(Guest *g, u32 at, const char *text)
{
    memcpy(g->memory.base + at, text, strlen(text));
}

static void expect_text(const Guest *g, u32 at, const char *text)
{
    EXPECT_EQ(get32(g, at + 4), strlen(text));
    EXPECT(memcmp(g->memory.base + get32(g, at), text, strlen(text)) == 0);
}

static const LiftFunc *find(const char *name)
{
    for (u32 i = 0; i < glue_shapes_interface.nfuncs; i++)
        if (strcmp(glue_shapes_interface.funcs[i].name, name) == 0)
            return &glue_shapes_interface.funcs[i];
    test_fail(__FILE__, __LINE__, "no function %s", name);
}

/* Calls the glue of a function as compiled code does: with its core signature. */
#define CALL(R, g, name, types, ...)                                                               \
    (((R(*) types)(uintptr_t)find(name)->fn)(&(g)->env, NULL, ##__VA_ARGS__))
#define TYPES(...) (const LiftEnv *, VmCtx *, ##__VA_ARGS__)

/* --- the host --- */

void glue_shapes_thing_drop(void *host, GlueShapesThing *rep)
{
    ((Guest *)host)->drops++;
    mem_free(rep);
}

void glue_shapes_thing_constructor(LiftCall *call, u32 n, GlueShapesThing **ret_result)
{
    (void)call;
    GlueShapesThing *t = mem_alloc(sizeof *t);
    t->n = n;
    *ret_result = t;
}

void glue_shapes_thing_get(LiftCall *call, GlueShapesThing *self, u32 *ret_result)
{
    EXPECT(lift_host(call) == guest_of(call));
    *ret_result = self->n;
}

void glue_shapes_thing_merge(LiftCall *call, GlueShapesThing *a, GlueShapesThing *b,
                             GlueShapesResultThingString *ret_result)
{
    a->n += b->n;
    if (a->n < 100) {
        ret_result->as.ok = a;
        return;
    }
    glue_shapes_thing_drop(lift_host(call), a);
    ret_result->is_err = true;
    ret_result->as.err = lift_copy(call, STR("too large"));
}

void glue_shapes_thing_all(LiftCall *call, GlueShapesListBorrowThing things,
                           GlueShapesListThing *ret_result)
{
    GlueShapesThing **copies = lift_alloc(call, things.n, sizeof *copies);
    for (usize i = 0; i < things.n; i++)
        copies[i] = mem_dup(things.p[i], sizeof *things.p[i]);
    *ret_result = (GlueShapesListThing){copies, things.n};
}

void glue_shapes_scalars(LiftCall *call, bool a, u8 b, i8 c, u16 d, i16 e, u32 f, i32 g, u64 h,
                         i64 i, float j, double k, u32 l,
                         GlueShapesTuple12BoolU8S8U16S16U32S32U64S64F32F64Char *ret_result)
{
    (void)call;
    *ret_result =
        (GlueShapesTuple12BoolU8S8U16S16U32S32U64S64F32F64Char){a, b, c, d, e, f, g, h, i, j, k, l};
}

/* Results are no views of parameters: what was lifted in place is copied. */
static GlueShapesMixed copy_mixed(LiftCall *call, const GlueShapesMixed *m)
{
    GlueShapesMixed out = *m;
    out.s = lift_copy(call, m->s);
    GlueShapesPlain *l = lift_alloc(call, m->l.n + 1, sizeof *l);
    if (m->l.n)
        memcpy(l, m->l.p, m->l.n * sizeof *l);
    out.l.p = l;
    return out;
}

void glue_shapes_echo_mixed(LiftCall *call, GlueShapesListMixed m, GlueShapesListMixed *ret_result)
{
    GlueShapesMixed *out = lift_alloc(call, m.n, sizeof *out);
    for (usize i = 0; i < m.n; i++)
        out[i] = copy_mixed(call, &m.p[i]);
    *ret_result = (GlueShapesListMixed){out, m.n};
}

void glue_shapes_echo_flat(LiftCall *call, const GlueShapesMixed *m, GlueShapesMixed *ret_result)
{
    *ret_result = copy_mixed(call, m);
}

static GlueShapesShape copy_shape(LiftCall *call, const GlueShapesShape *s)
{
    GlueShapesShape out = *s;
    if (s->tag == GLUE_SHAPES_SHAPE_TEXT)
        out.as.text = lift_copy(call, s->as.text);
    return out;
}

void glue_shapes_echo_shape(LiftCall *call, const GlueShapesShape *s, GlueShapesShape *ret_result)
{
    *ret_result = copy_shape(call, s);
}

void glue_shapes_echo_shapes(LiftCall *call, GlueShapesListShape s, GlueShapesListShape *ret_result)
{
    GlueShapesShape *out = lift_alloc(call, s.n, sizeof *out);
    for (usize i = 0; i < s.n; i++)
        out[i] = copy_shape(call, &s.p[i]);
    *ret_result = (GlueShapesListShape){out, s.n};
}

void glue_shapes_echo_results(
    LiftCall *call, const GlueShapesResultU32String *a, const GlueShapesResultVoidColor *b,
    const GlueShapesResultVoidVoid *c,
    GlueShapesTuple3ResultU32StringResultVoidColorResultVoidVoid *ret_result)
{
    ret_result->f0 = *a;
    if (a->is_err)
        ret_result->f0.as.err = lift_copy(call, a->as.err);
    ret_result->f1 = *b;
    ret_result->f2 = *c;
}

void glue_shapes_echo_lists(
    LiftCall *call, LiftListString a, LiftListBool b, LiftListU32 c, GlueShapesListListU8 d,
    GlueShapesListColor e, GlueShapesListPerms f,
    GlueShapesTuple6ListStringListBoolListU32ListListU8ListColorListPerms *ret_result)
{
    (void)call; /* the memory does not move in this test */
    ret_result->f0 = a;
    ret_result->f1 = b;
    ret_result->f2 = c;
    ret_result->f3 = d;
    ret_result->f4 = e;
    ret_result->f5 = f;
}

void glue_shapes_echo_array(LiftCall *call, const GlueShapesArray3U16 *a,
                            GlueShapesArray3U16 *ret_result)
{
    (void)call;
    *ret_result = *a;
}

void glue_shapes_sum(LiftCall *call, u32 a, u32 b, u32 c, u32 d, u32 e, u32 f, u32 g, u32 h, u32 i,
                     u32 j, u32 k, u32 l, u32 m, u32 n, u32 o, Str p, u64 *ret_result)
{
    (void)call;
    *ret_result = (u64)a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p.n;
}

void glue_shapes_negate(LiftCall *call, i8 v, i8 *ret_result)
{
    (void)call;
    *ret_result = (i8)-v;
}

void glue_shapes_mix(LiftCall *call, GlueShapesColor c, GlueShapesPerms p,
                     GlueShapesPerms *ret_result)
{
    (void)call;
    *ret_result = c == GLUE_SHAPES_COLOR_BLUE ? p : GLUE_SHAPES_PERMS_R;
}

void glue_shapes_next(LiftCall *call, u32 c, u32 *ret_result)
{
    (void)call;
    *ret_result = c + 1;
}

void glue_shapes_half(LiftCall *call, double v, double *ret_result)
{
    (void)call;
    *ret_result = v / 2;
}

void glue_shapes_check(LiftCall *call, bool ok, GlueShapesResultVoidVoid *ret_result)
{
    (void)call;
    ret_result->is_err = !ok;
}

/* --- tests --- */

TEST(glue_descriptors)
{
    EXPECT(test_bind_interfaces[0] == &glue_shapes_interface && !test_bind_interfaces[1]);
    EXPECT_STR(glue_shapes_interface.name, "test:glue/shapes@1.0.0");
    EXPECT_EQ(glue_shapes_interface.nresources, 1);
    EXPECT_STR(glue_shapes_interface.resources[0]->name, "thing");
    EXPECT_STR(find("scalars")->core, "iiiiiiiIIfdii:");
    EXPECT_STR(find("sum")->core, "i:I");
    EXPECT_STR(find("echo-shape")->core, "iIIii:");
    EXPECT_STR(find("[static]thing.merge")->core, "iii:");
    EXPECT_STR(find("half")->core, "d:d");
    EXPECT_STR(find("[static]thing.merge")->wit,
               "func(a: thing, b: borrow<thing>) -> result<thing, string>");
}

TEST(glue_single_values)
{
    Guest g;
    guest_init(&g);
    EXPECT_EQ((i32)CALL(u32, &g, "negate", TYPES(u32), 0xffffff05u), -5);
    EXPECT_EQ((i32)CALL(u32, &g, "negate", TYPES(u32), 5), -5);
    EXPECT_EQ(CALL(u32, &g, "mix", TYPES(u32, u32), 2, 0xfffffff6u), 6); /* surplus bits are gone */
    EXPECT_EQ(CALL(u32, &g, "mix", TYPES(u32, u32), 1, 6), 1);
    EXPECT_EQ(CALL(u32, &g, "next", TYPES(u32), 0x10fffe), 0x10ffff);
    EXPECT(CALL(double, &g, "half", TYPES(double), 3.0) == 1.5);
    EXPECT_EQ(CALL(u32, &g, "check", TYPES(u32), 7), 0);
    EXPECT_EQ(CALL(u32, &g, "check", TYPES(u32), 0), 1);
    EXPECT_EQ(g.failure[0], 0);
    EXPECT_EQ(g.leaves, 8);
    guest_release(&g);
}

TEST(glue_scalars)
{
    Guest g;
    guest_init(&g);
    CALL(void, &g, "scalars",
         TYPES(u32, u32, u32, u32, u32, u32, u32, u64, u64, float, double, u32, u32), 2, 0x1ff,
         0x80, 0x12345, 0x8000, 0xffffffff, 0x80000000, UINT64_MAX, (u64)INT64_MIN, 1.5f, -2.5,
         0x1f600, 64);
    const u8 *p = g.memory.base + 64;
    EXPECT(p[0] == 1 && p[1] == 0xff && p[2] == 0x80 && load_u16(p + 4) == 0x2345);
    EXPECT(load_u16(p + 6) == 0x8000 && load_u32(p + 8) == 0xffffffff);
    EXPECT(load_u32(p + 12) == 0x80000000 && load_u64(p + 16) == UINT64_MAX);
    EXPECT(load_u64(p + 24) == (u64)INT64_MIN && lift_f32_bits(load_u32(p + 32)) == 1.5f);
    EXPECT(lift_f64_bits(load_u64(p + 40)) == -2.5 && load_u32(p + 48) == 0x1f600);
    EXPECT_EQ(g.failure[0], 0);
    guest_release(&g);
}

TEST(glue_many_params_in_memory)
{
    Guest g;
    guest_init(&g);
    for (u32 i = 0; i < 15; i++)
        put32(&g, 128 + i * 4, i + 1);
    put_text(&g, 300, "four");
    put32(&g, 128 + 60, 300);
    put32(&g, 128 + 64, 4);
    EXPECT_EQ(CALL(u64, &g, "sum", TYPES(u32), 128), 124);
    EXPECT_EQ(g.failure[0], 0);
    CALL(u64, &g, "sum", TYPES(u32), 130);
    EXPECT_STR(g.failure, "pointer not aligned");
    g.failure[0] = 0;
    CALL(u64, &g, "sum", TYPES(u32), MEMORY_SIZE - 64);
    EXPECT_STR(g.failure, "pointer out of bounds of memory");
    guest_release(&g);
}

/* A record mixed at `at`: ("hé", some('x'), [(1, 2, -3)], true, (0.5, 0.25)). */
static void put_mixed(Guest *g, u32 at)
{
    put_text(g, 600, "h\xc3\xa9");
    put32(g, at, 600);
    put32(g, at + 4, 3);
    g->memory.base[at + 8] = 1;
    put32(g, at + 12, 'x');
    put32(g, at + 16, 640);
    put32(g, at + 20, 1);
    g->memory.base[640] = 1;
    store_u64(g->memory.base + 648, 2);
    store_u16(g->memory.base + 656, (u16)-3);
    g->memory.base[at + 24] = 1;
    put32(g, at + 32, lower_f32_bits(0.5f));
    store_u64(g->memory.base + at + 40, lower_f64_bits(0.25));
}

static void expect_mixed(const Guest *g, u32 at)
{
    const u8 *p = g->memory.base;
    expect_text(g, at, "h\xc3\xa9");
    EXPECT(p[at + 8] == 1 && get32(g, at + 12) == 'x' && get32(g, at + 20) == 1);
    u32 l = get32(g, at + 16);
    EXPECT(l >= HEAP_START && l % 8 == 0 && p[l] == 1 && load_u64(p + l + 8) == 2);
    EXPECT(load_u16(p + l + 16) == (u16)-3 && p[at + 24] == 1);
    EXPECT(lift_f32_bits(get32(g, at + 32)) == 0.5f &&
           lift_f64_bits(load_u64(p + at + 40)) == 0.25);
}

TEST(glue_records)
{
    for (u32 moves = 0; moves < 2; moves++) {
        Guest g;
        guest_init(&g);
        g.moves = moves == 1;
        put_mixed(&g, 704);
        CALL(void, &g, "echo-mixed", TYPES(u32, u32, u32), 704, 1, 64);
        EXPECT_EQ(g.failure[0], 0);
        EXPECT_EQ(get32(&g, 68), 1);
        expect_mixed(&g, get32(&g, 64));
        CALL(void, &g, "echo-flat", TYPES(u32, u32, u32, u32, u32, u32, u32, float, double, u32),
             600, 3, 1, 'x', 640, 1, 1, 0.5f, 0.25, 128);
        EXPECT_EQ(g.failure[0], 0);
        expect_mixed(&g, 128);
        guest_release(&g);
    }
}

TEST(glue_variants)
{
    Guest g;
    guest_init(&g);
    put_text(&g, 500, "text");
    /* flat: the core types of the cases are joined */
    CALL(void, &g, "echo-shape", TYPES(u32, u64, u64, u32, u32), 1, 7, 0, 0, 64);
    EXPECT(g.memory.base[64] == 1 && get32(&g, 72) == 7);
    CALL(void, &g, "echo-shape", TYPES(u32, u64, u64, u32, u32), 2, lower_f32_bits(1.5f), 0, 0, 64);
    EXPECT(g.memory.base[64] == 2 && get32(&g, 72) == lower_f32_bits(1.5f));
    CALL(void, &g, "echo-shape", TYPES(u32, u64, u64, u32, u32), 3, lower_f64_bits(-1), 0, 0, 64);
    EXPECT(g.memory.base[64] == 3 && load_u64(g.memory.base + 72) == lower_f64_bits(-1));
    CALL(void, &g, "echo-shape", TYPES(u32, u64, u64, u32, u32), 4, 500, 4, 0, 64);
    EXPECT_EQ(g.memory.base[64], 4);
    expect_text(&g, 72, "text");
    CALL(void, &g, "echo-shape", TYPES(u32, u64, u64, u32, u32), 5, 9, 10, 0xffff, 64);
    EXPECT(g.memory.base[64] == 5 && g.memory.base[72] == 9 && load_u64(g.memory.base + 80) == 10 &&
           load_u16(g.memory.base + 88) == 0xffff);
    EXPECT_EQ(g.failure[0], 0);
    /* the same bytes from memory */
    CALL(void, &g, "echo-shapes", TYPES(u32, u32, u32), 64, 1, 32);
    u32 at = get32(&g, 32);
    EXPECT(get32(&g, 36) == 1 && g.memory.base[at] == 5 && g.memory.base[at + 8] == 9);
    CALL(void, &g, "echo-shape", TYPES(u32, u64, u64, u32, u32), 7, 0, 0, 0, 64);
    EXPECT_STR(g.failure, "unexpected discriminant: 7");
    guest_release(&g);
}

TEST(glue_results)
{
    Guest g;
    guest_init(&g);
    put_text(&g, 500, "bad");
    CALL(void, &g, "echo-results", TYPES(u32, u32, u32, u32, u32, u32, u32), 1, 500, 3, 1, 2, 1,
         64);
    EXPECT_EQ(g.failure[0], 0);
    EXPECT_EQ(g.memory.base[64], 1);
    expect_text(&g, 68, "bad");
    EXPECT(g.memory.base[76] == 1 && g.memory.base[77] == 2 && g.memory.base[78] == 1);
    CALL(void, &g, "echo-results", TYPES(u32, u32, u32, u32, u32, u32, u32), 0, 42, 9, 0, 99, 0,
         64);
    EXPECT_EQ(g.failure[0], 0); /* what the case does not use may be anything */
    EXPECT(g.memory.base[64] == 0 && get32(&g, 68) == 42 && g.memory.base[76] == 0);
    CALL(void, &g, "echo-results", TYPES(u32, u32, u32, u32, u32, u32, u32), 0, 42, 0, 1, 3, 0, 64);
    EXPECT_STR(g.failure, "unexpected discriminant: 3");
    guest_release(&g);
}

TEST(glue_lists)
{
    Guest g;
    guest_init(&g);
    u8 *p = g.memory.base;
    put_text(&g, 500, "abc");
    u32 rows[] = {500, 3, 501, 1, /* strings at 512 */ 500, 2, 0, 0 /* bytes at 528 */};
    memcpy(p + 512, rows, sizeof rows);
    memcpy(p + 560, "\x02\x00\x01", 3); /* bools, colors, perms */
    put32(&g, 564, 0xdeadbeef);
    CALL(void, &g, "echo-lists",
         TYPES(u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32), 512, 2, 560, 3,
         564, 1, 528, 2, 560, 3, 560, 3, 64);
    EXPECT_EQ(g.failure[0], 0);
    EXPECT_EQ(get32(&g, 68), 2);
    expect_text(&g, get32(&g, 64), "abc");
    expect_text(&g, get32(&g, 64) + 8, "b");
    EXPECT(get32(&g, 76) == 3 && memcmp(p + get32(&g, 72), "\x01\x00\x01", 3) == 0);
    EXPECT(get32(&g, 84) == 1 && get32(&g, get32(&g, 80)) == 0xdeadbeef);
    EXPECT_EQ(get32(&g, 92), 2);
    expect_text(&g, get32(&g, 88), "ab");
    EXPECT(get32(&g, 100) == 3 && memcmp(p + get32(&g, 96), "\x02\x00\x01", 3) == 0);
    EXPECT(get32(&g, 108) == 3 && memcmp(p + get32(&g, 104), "\x02\x00\x01", 3) == 0);
    guest_release(&g);
}

TEST(glue_array)
{
    Guest g;
    guest_init(&g);
    CALL(void, &g, "echo-array", TYPES(u32, u32, u32, u32), 0x10001, 2, 3, 64);
    EXPECT_EQ(g.failure[0], 0);
    EXPECT(load_u16(g.memory.base + 64) == 1 && load_u16(g.memory.base + 68) == 3);
    guest_release(&g);
}

TEST(glue_resources)
{
    Guest g;
    guest_init(&g);
    u32 a = CALL(u32, &g, "[constructor]thing", TYPES(u32), 40);
    u32 b = CALL(u32, &g, "[constructor]thing", TYPES(u32), 2);
    EXPECT_EQ(CALL(u32, &g, "[method]thing.get", TYPES(u32), a), 40);
    CALL(void, &g, "[static]thing.merge", TYPES(u32, u32, u32), a, b, 64);
    EXPECT_EQ(g.memory.base[64], 0);
    EXPECT_EQ(CALL(u32, &g, "[method]thing.get", TYPES(u32), get32(&g, 68)), 42);
    put32(&g, 128, a);
    put32(&g, 132, b);
    CALL(void, &g, "[static]thing.all", TYPES(u32, u32, u32), 128, 2, 64);
    EXPECT_EQ(get32(&g, 68), 2);
    EXPECT_EQ(CALL(u32, &g, "[method]thing.get", TYPES(u32), get32(&g, get32(&g, 64) + 4)), 2);
    EXPECT_EQ(g.failure[0], 0);
    glue_shapes_thing_type.drop(&g, TAKE_PTR(g.handles[b]));
    EXPECT_EQ(g.drops, 1);
    CALL(u32, &g, "[method]thing.get", TYPES(u32), b);
    EXPECT_STR(g.failure, "unknown handle index 2");
    guest_release(&g);
}

/* Things for handles 1 to n, in a list at 128. */
static void give_things(Guest *g, u32 n)
{
    for (u32 i = 0; i < n; i++)
        put32(g, 128 + i * 4, CALL(u32, g, "[constructor]thing", TYPES(u32), i));
}

TEST(glue_drops_what_nobody_got)
{
    Guest g;
    guest_init(&g);
    give_things(&g, 3);
    CALL(void, &g, "[static]thing.merge", TYPES(u32, u32, u32), 1, 7, 64);
    EXPECT_STR(g.failure, "unknown handle index 7");
    EXPECT_EQ(g.drops, 1); /* the one that was taken; the function was not called */
    EXPECT(!g.handles[1] && g.handles[2] && g.handles[3]);
    guest_release(&g);

    guest_init(&g);
    give_things(&g, 3);
    g.offset = MEMORY_SIZE;
    CALL(void, &g, "[static]thing.all", TYPES(u32, u32, u32), 128, 3, 64);
    EXPECT_STR(g.failure, "realloc return: beyond end of memory");
    EXPECT_EQ(g.drops, 3); /* the copies */
    guest_release(&g);

    guest_init(&g);
    give_things(&g, 3);
    g.full = 6;
    CALL(void, &g, "[static]thing.all", TYPES(u32, u32, u32), 128, 3, 64);
    EXPECT_STR(g.failure, "the table is full");
    EXPECT_EQ(g.drops, 1); /* two are the guest's */
    EXPECT(g.handles[4] && g.handles[5] && !g.handles[6]);
    guest_release(&g);

    guest_init(&g);
    g.full = 1;
    CALL(u32, &g, "[constructor]thing", TYPES(u32), 9);
    EXPECT_EQ(g.drops, 1);
    guest_release(&g);

    guest_init(&g);
    give_things(&g, 1);
    CALL(void, &g, "[static]thing.merge", TYPES(u32, u32, u32), 1, 1, 4096);
    EXPECT_EQ(g.drops, 1);
    guest_release(&g);
}

TEST(glue_bad_pointers)
{
    static const struct {
        u32 at, n;
        const char *failure;
    } rows[] = {
        {4096, 1, "list pointer/length out of bounds of memory"},
        {0, 4097 / 24, "list pointer/length out of bounds of memory"},
        {0, UINT32_MAX, "list pointer/length out of bounds of memory"},
        {UINT32_MAX - 7, 1, "list pointer/length out of bounds of memory"},
        {4, 1, "list pointer is not aligned"},
    };
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        Guest g;
        guest_init(&g);
        CALL(void, &g, "echo-mixed", TYPES(u32, u32, u32), rows[i].at, rows[i].n, 64);
        EXPECT_STR(g.failure, rows[i].failure);
        EXPECT_EQ(g.leaves, 1);
        guest_release(&g);
    }
}

static const char *string_failure(Guest *g, u32 at, u32 len)
{
    LiftCall c;
    g->failure[0] = 0;
    lift_enter(&c, &g->env, NULL);
    (void)lift_string(&c, at, len);
    lift_leave(&c);
    return g->failure;
}

TEST(glue_fuel)
{
    Guest g;
    guest_init(&g);
    g.env.fuel = 100;
    CALL(void, &g, "echo-shapes", TYPES(u32, u32, u32), 0, 10, 64);
    EXPECT(strstr(g.failure, "too much data"));
    EXPECT_STR(string_failure(&g, 500, 100), "");
    EXPECT(strstr(string_failure(&g, 500, 101), "too much data")); /* though it is not copied */
    guest_release(&g);
}

TEST(lift_strings_that_are_wrong)
{
    Guest g;
    guest_init(&g);
    put_text(&g, 100, "ok\xff");
    put_text(&g, 200, "\xe2\x82x");
    EXPECT_STR(string_failure(&g, 100, 2), "");
    EXPECT_STR(string_failure(&g, 100, 3), "invalid utf-8 sequence of 1 bytes from index 2");
    EXPECT_STR(string_failure(&g, 200, 3), "invalid utf-8 sequence of 2 bytes from index 0");
    EXPECT_STR(string_failure(&g, 200, 2), "incomplete utf-8 byte sequence from index 0");
    EXPECT_STR(string_failure(&g, 4095, 2), "string pointer/length out of bounds of memory");
    EXPECT_STR(string_failure(&g, UINT32_MAX, 2), "string pointer/length out of bounds of memory");
    EXPECT_STR(string_failure(&g, 4096, 0), "");
    EXPECT_STR(string_failure(&g, 4097, 0), "string pointer/length out of bounds of memory");
    g.env.encoding = LIFT_UTF16;
    store_u16(g.memory.base + 300, 0xd800);
    EXPECT_STR(string_failure(&g, 300, 1), "unpaired surrogate found: d800");
    EXPECT_STR(string_failure(&g, 301, 1), "string pointer not aligned to 2");
    guest_release(&g);
}

TEST(lift_string_encodings)
{
    static const char *const texts[] = {"", "plain", "caf\xc3\xa9",
                                        "\xe2\x82\xac \xf0\x9f\x98\x80"};
    for (u32 e = LIFT_UTF8; e <= LIFT_LATIN1_UTF16; e++) {
        for (u32 i = 0; i < ARRAY_LEN(texts); i++) {
            Guest g;
            LiftCall c;
            guest_init(&g);
            g.env.encoding = (LiftEncoding)e;
            lift_enter(&c, &g.env, NULL);
            lower_string(&c, 64, str_of(texts[i]));
            Str back = lift_string(&c, get32(&g, 64), get32(&g, 68));
            EXPECT(str_eq(back, str_of(texts[i])));
            EXPECT_EQ(g.failure[0], 0);
            lift_leave(&c);
            guest_release(&g);
        }
    }
}

TEST(lower_to_a_wrong_realloc)
{
    Guest g;
    guest_init(&g);
    put_text(&g, 500, "text");
    g.offset = MEMORY_SIZE;
    CALL(void, &g, "echo-shape", TYPES(u32, u64, u64, u32, u32), 4, 500, 4, 0, 64);
    EXPECT_STR(g.failure, "realloc return: beyond end of memory");
    g.failure[0] = 0;
    g.offset = 1;
    CALL(void, &g, "echo-mixed", TYPES(u32, u32, u32), 704, 1, 64);
    EXPECT_STR(g.failure, "realloc return: result not aligned");
    guest_release(&g);
}
