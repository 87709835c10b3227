/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Adapters against trees: functions of random types between two components, called with random
 * values and with damaged ones, give the same results, the same allocations and the same errors.
 */
#include "component/instance.h"
#include "component/wave.h"
#include "unit/test.h"
#include "wit/text/ctext.h"

enum { TYPES = 100, VALUES = 24, TYPE_DEPTH = 3 };

typedef struct Rng {
    u64 s;
} Rng;

static u32 below(Rng *r, u32 n)
{
    r->s = r->s * 6364136223846793005u + 1442695040888963407u;
    return (u32)(r->s >> 33) % n;
}

/* --- types --- */

static void put_type(Rng *r, u32 depth, Buf *out)
{
    static const char *const plain[] = {"bool", "s8",  "u8",  "s16", "u16",  "s32",   "u32",
                                        "s64",  "u64", "f32", "f64", "char", "string"};
    u32 k = below(r, depth ? 22 : 13);
    if (k < 13) {
        buf_str(out, str_of(plain[k]));
        return;
    }
    buf_str(out, k < 15   ? STR("(tuple ")
                 : k < 17 ? STR("(list ")
                 : k < 19 ? STR("(option ")
                 : k < 21 ? STR("(result ")
                          : STR("(tuple "));
    u32 n = k < 15 ? 1 + below(r, 4) : k == 21 ? 2 : 1;
    for (u32 i = 0; i < n; i++) {
        put_type(r, depth - 1, out);
        buf_u8(out, ' ');
    }
    if (k == 19 || k == 20) {
        buf_str(out, STR("(error "));
        put_type(r, depth - 1, out);
        buf_u8(out, ')');
    }
    buf_u8(out, ')');
}

/* --- the components --- */

#define LIBC                                                                                       \
    "(memory (export \"mem\") 1) (global $at (mut i32) (i32.const 1024))"                          \
    "(func $realloc (export \"realloc\") (param i32 i32 i32 i32) (result i32) (local $r i32)"      \
    "  (local.set $r (i32.and (i32.add (global.get $at)"                                           \
    "      (i32.sub (local.get 2) (i32.const 1))) (i32.sub (i32.const 0) (local.get 2))))"         \
    "  (if (i32.gt_u (local.get 3) (i32.const 40000)) (then unreachable))"                         \
    "  (global.set $at (i32.add (local.get $r) (local.get 3)))"                                    \
    "  (local.get $r))"

/* Half of the pairs speak UTF-8. */
static Str encoding(u64 seed, bool caller)
{
    static const char *const names[] = {"", "string-encoding=utf16",
                                        "string-encoding=latin1+utf16"};
    return str_of(names[seed % 2 ? seed / (caller ? 2 : 6) % 3 : 0]);
}

/* The caller changes a byte of what it passes, and the callee one of what it returns. */
static void put_components(Str type, u64 seed, Buf *out)
{
    static const char text[] =
        "(component (component $C (core module $m " LIBC
        "(func (export \"same\") (param i32 i32 i32 i32) (result i32)"
        "  (i32.store8 (local.get 2) (i32.xor (i32.load8_u (local.get 2)) (local.get 3)))"
        "  (i32.store (i32.const 8) (local.get 0)) (i32.store (i32.const 12) (local.get 1))"
        "  (i32.store (i32.const 16) (global.get $at))"
        "  (i32.const 8)))"
        "(core instance $i (instantiate $m))"
        "(func (export \"same\") (param \"a\" (list %s)) (param \"at\" u32) (param \"x\" u32)"
        "  (result (tuple (list %s) u32))"
        "  (canon lift (core func $i \"same\") %c (memory (core memory $i \"mem\"))"
        "    (realloc (core func $i \"realloc\")))))"
        "(component $D (import \"same\" (func $same (param \"a\" (list %s)) (param \"at\" u32)"
        "    (param \"x\" u32) (result (tuple (list %s) u32))))"
        "(core module $libc " LIBC ")"
        "(core instance $libc (instantiate $libc))"
        "(core func $same' (canon lower (func $same) %d (memory (core memory $libc \"mem\"))"
        "    (realloc (core func $libc \"realloc\"))))"
        "(core module $m (import \"\" \"mem\" (memory 1))"
        "  (import \"\" \"same\" (func $same (param i32 i32 i32 i32 i32)))"
        "  (func (export \"same\") (param i32 i32 i32 i32 i32) (result i32)"
        "    (i32.store8 (local.get 4) (i32.xor (i32.load8_u (local.get 4)) (local.get 3)))"
        "    (call $same (local.get 0) (local.get 1) (local.get 2) (local.get 3) (i32.const 16))"
        "    (i32.const 16)))"
        "(core instance $i (instantiate $m (with \"\" (instance"
        "  (export \"mem\" (memory $libc \"mem\")) (export \"same\" (func $same'))))))"
        "(func (export \"same\") (param \"a\" (list %s)) (param \"at\" u32) (param \"x\" u32)"
        "    (param \"mine\" u32) (result (tuple (list %s) u32))"
        "  (canon lift (core func $i \"same\") %d (memory (core memory $libc \"mem\"))"
        "    (realloc (core func $libc \"realloc\")))))"
        "(instance $c (instantiate $C))"
        "(instance $d (instantiate $D (with \"same\" (func $c \"same\"))))"
        "(export \"d\" (instance $d)))";
    for (const char *p = text; *p; p++) {
        if (*p != '%') {
            buf_u8(out, (u8)*p);
            continue;
        }
        p++;
        buf_str(out, *p == 's' ? type : encoding(seed, *p == 'd'));
    }
}

static const char *const core_names[] = {
    [KIND_I32] = "i32", [KIND_I64] = "i64", [KIND_F32] = "f32", [KIND_F64] = "f64"};

static void put_params(const CLayout *l, Buf *out)
{
    for (u32 i = 0; i < l->nflat; i++)
        buf_printf(out, " %s", core_names[l->flat[i]]);
}

/* Flat value i as an i64. */
static void put_as_i64(const CLayout *l, u32 i, Buf *out)
{
    static const char *const to[] = {[KIND_I32] = "(i64.extend_i32_u ",
                                     [KIND_I64] = "(i64.or (i64.const 0) ",
                                     [KIND_F32] = "(i64.extend_i32_u (i32.reinterpret_f32 ",
                                     [KIND_F64] = "(i64.reinterpret_f64 "};
    buf_printf(out, "%s(local.get %u))%s", to[l->flat[i]], i, l->flat[i] == KIND_F32 ? ")" : "");
}

/* The way back. */
static void put_from_i64(const CLayout *l, u32 i, const char *value, Buf *out)
{
    static const char *const from[] = {[KIND_I32] = "(i32.wrap_i64 ",
                                       [KIND_I64] = "(i64.or (i64.const 0) ",
                                       [KIND_F32] = "(f32.reinterpret_i32 (i32.wrap_i64 ",
                                       [KIND_F64] = "(f64.reinterpret_i64 "};
    buf_printf(out, "%s%s)%s", from[l->flat[i]], value, l->flat[i] == KIND_F32 ? ")" : "");
}

/*
 * A function of one flat value: the callee gives a number made of all its core values. The caller
 * changes core value `k` by `x` on the way.
 */
static void put_flat_components(Str type, const CLayout *l, Buf *out)
{
    u32 n = l->nflat;
    buf_str(out,
            STR("(component (component $C (core module $m " LIBC "(func (export \"sum\") (param"));
    put_params(l, out);
    buf_str(out, STR(") (result i64) (local $s i64)"));
    for (u32 i = 0; i < n; i++) {
        buf_str(out, STR("(local.set $s (i64.add (i64.mul (local.get $s) (i64.const 31))"));
        put_as_i64(l, i, out);
        buf_str(out, STR("))"));
    }
    buf_printf(out,
               "(local.get $s))) (core instance $i (instantiate $m)) (func (export \"sum\") "
               "(param \"a\" %.*s) (result u64) (canon lift (core func $i \"sum\") (memory (core "
               "memory $i \"mem\")) (realloc (core func $i \"realloc\")))))"
               "(component $D (import \"sum\" (func $sum (param \"a\" %.*s) (result u64)))"
               "(core module $libc " LIBC ") (core instance $libc (instantiate $libc))"
               "(core func $sum' (canon lower (func $sum) (memory (core memory $libc \"mem\"))"
               "    (realloc (core func $libc \"realloc\"))))"
               "(core module $m (import \"\" \"sum\" (func $sum (param",
               STR_ARG(type), STR_ARG(type));
    put_params(l, out);
    buf_str(out, STR(") (result i64))) (func (export \"sum\") (param"));
    put_params(l, out);
    buf_str(out, STR(" i32 i64) (result i64)"));
    for (u32 i = 0; i < n; i++) {
        Buf changed = {0};
        buf_str(&changed, STR("(i64.xor "));
        put_as_i64(l, i, &changed);
        buf_printf(&changed, " (local.get %u))", n + 1);
        buf_u8(&changed, 0);
        buf_printf(out, "(if (i32.eq (local.get %u) (i32.const %u)) (then (local.set %u ", n, i, i);
        put_from_i64(l, i, (char *)changed.p, out);
        buf_str(out, STR(")))"));
        buf_release(&changed);
    }
    buf_str(out, STR("(call $sum "));
    for (u32 i = 0; i < n; i++)
        buf_printf(out, "(local.get %u) ", i);
    buf_printf(out,
               "))) (core instance $i (instantiate $m (with \"\" (instance (export \"sum\" "
               "(func $sum'))))))"
               "(func (export \"same\") (param \"a\" %.*s) (param \"k\" u32) (param \"x\" u64)"
               "  (result (tuple u64))"
               "  (canon lift (core func $i \"sum\") (memory (core memory $libc \"mem\"))"
               "    (realloc (core func $libc \"realloc\")))))"
               "(instance $c (instantiate $C))"
               "(instance $d (instantiate $D (with \"sum\" (func $c \"sum\"))))"
               "(export \"d\" (instance $d)))",
               STR_ARG(type));
}

/* --- values --- */

static ComponentVal make_value(Rng *r, const ComponentTypes *t, CTypeId type, Arena *a);

static ComponentVal make_items(Rng *r, const ComponentTypes *t, const CType *c, Arena *a)
{
    bool list = c->kind == CT_LIST;
    u32 n = list ? below(r, 5) : c->n;
    ComponentVal *items = arena_array(a, ComponentVal, MAX(n, 1));
    for (u32 i = 0; i < n; i++)
        items[i] = make_value(r, t, c->fields[list ? 0 : i].type, a);
    return (ComponentVal){.kind = c->kind, .n = n, .items = items};
}

static ComponentVal make_case(Rng *r, const ComponentTypes *t, const CType *c, Arena *a)
{
    ComponentVal v = {.kind = c->kind, .n = below(r, c->n)};
    if (c->fields[v.n].type != CTYPE_NONE) {
        v.payload = arena_new(a, ComponentVal);
        *v.payload = make_value(r, t, c->fields[v.n].type, a);
    }
    return v;
}

static ComponentVal make_value(Rng *r, const ComponentTypes *t, CTypeId type, Arena *a)
{
    static const char *const words[] = {"", "a", "\xc3\xa9t\xc3\xa9", "\xf0\x9f\x98\x80 and more",
                                        "caf\xc3\xa9"};
    const CType *c = ctype_get(t, type);
    u8 bytes[8];
    store_u64(bytes, (u64)below(r, 1u << 31) << 33 ^ below(r, 1u << 31));
    if (c->kind == CT_BOOL)
        return (ComponentVal){.kind = CT_BOOL, .bits = bytes[0] & 1};
    if (c->kind == CT_CHAR)
        return (ComponentVal){.kind = CT_CHAR, .bits = below(r, 0xd800)};
    if (c->kind < CT_CHAR)
        return val_scalar((CTypeKind)c->kind, bytes);
    if (c->kind == CT_STRING)
        return val_string(str_of(words[below(r, ARRAY_LEN(words))]));
    return c->kind == CT_OPTION || c->kind == CT_RESULT ? make_case(r, t, c, a)
                                                        : make_items(r, t, c, a);
}

/* --- one call --- */

/* The result as text, or the error, of a new instance. */
static void call(Engine *e, LoadedComponent *c, Rng rng, Buf *out)
{
    Store *s = NULL;
    ComponentInstance *i = NULL;
    ComponentItem d, f;
    Arena arena;
    arena_init(&arena);
    EXPECT(!engine_store_new(e, &s));
    EXPECT(!component_instance_new(s, c, NULL, &i));
    EXPECT(items_find(component_exports(i), STR("d"), &d));
    EXPECT(items_find(d.instance, STR("same"), &f));
    const ComponentTypes *t = NULL;
    const CType *type = NULL;
    EXPECT(component_func_type(f.func, &t, &type));
    ComponentVal args[4], result = {0};
    args[0] = make_value(&rng, t, type->fields[0].type, &arena);
    bool callee = below(&rng, 3) == 0, caller = below(&rng, 2) == 0;
    u32 where[2] = {1024 + below(&rng, 40), 1024 + below(&rng, 40)};
    u32 x = below(&rng, 2) ? 0xff : 1u << below(&rng, 8);
    args[1] = (ComponentVal){.kind = CT_U32, .bits = callee ? where[0] : 512};
    args[2] = (ComponentVal){.kind = CT_U32, .bits = x};
    args[3] = (ComponentVal){.kind = CT_U32, .bits = caller ? where[1] : 512};
    if (type->n == 3) { /* a flat value: k and x */
        args[1].bits = caller ? below(&rng, 14) : 99;
        args[2] = (ComponentVal){.kind = CT_U64, .bits = x | (u64)(below(&rng, 4) == 0) << 40};
    }
    Error *error = component_call(f.func, args, &arena, &result);
    if (!error)
        wave_print(t, type->result, &result, out);
    for (const Error *p = error; p; p = p->cause)
        if (!p->cause || p->kind == ERROR_TRAP)
            buf_str(out, str_of(p->message));
    error_free(error);
    store_free(s);
    component_instance_free(i);
    arena_release(&arena);
}

static LoadedComponent *load(Engine *e, const Buf *text)
{
    Buf binary = {0};
    Diag diag;
    LoadedComponent *c = NULL;
    diag_init(&diag);
    if (!component_text_parse((Str){(char *)text->p, text->n}, &(TextOptions){0}, &binary, NULL,
                              &diag))
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    ComponentOptions o = {.features = engine_config(e)->features,
                          .component_features = component_features_default()};
    Error *error = component_load(e, &o, binary.p, binary.n, &diag, &c);
    if (error)
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    buf_release(&binary);
    return c;
}

/* Adapters between two memories need several in a module. */
static Engine *make_engine(bool adapters, u32 instances)
{
    EngineConfig config;
    Engine *e = NULL;
    engine_config_init(&config);
    config.limits.instances = instances;
    config.tunables.memory_reservation = config.tunables.memory_guard = 0; /* memories that move */
    if (!adapters)
        config.features &= ~FEATURE_MASK(MULTI_MEMORY);
    if (engine_new(&config, &e))
        test_skip("no such processor");
    return e;
}

/* The same values both ways. */
static void check_text(Engine *adapters, Engine *trees, const Buf *text, u64 seed, u32 *ret_errors)
{
    LoadedComponent *a = load(adapters, text), *b = load(trees, text);
    for (u32 i = 0; i < VALUES; i++) {
        Buf want = {0}, got = {0};
        Rng rng = {seed * 1000 + i};
        call(adapters, a, rng, &got);
        call(trees, b, rng, &want);
        *ret_errors += want.n == 0 || want.p[0] != '(';
        if (want.n != got.n || memcmp(want.p, got.p, want.n) != 0)
            test_fail(__FILE__, __LINE__, "%.*s\nseed %llu: \"%.*s\" by trees, \"%.*s\" by adapter",
                      (int)text->n, (char *)text->p, (unsigned long long)rng.s, (int)want.n,
                      (char *)want.p, (int)got.n, (char *)got.p);
        buf_release(&want);
        buf_release(&got);
    }
    component_unref(a);
    component_unref(b);
}

/* The core values of the type; false if they are too many to be parameters with two more. */
static bool layout_of(Engine *e, Str type, CLayout *ret_layout, u8 flat[MAX_FLAT])
{
    Buf text = {0};
    buf_printf(&text, "(component (type (func (param \"a\" %.*s))))", STR_ARG(type));
    LoadedComponent *c = load(e, &text);
    const Component *k = component_decoded(c);
    const CType *func = ctype_get(k->types, k->ctypes[k->counts[SORT_TYPE] - 1]);
    *ret_layout = ctype_get(k->types, func->fields[0].type)->layout[0];
    bool fits = ret_layout->nflat <= MAX_FLAT_PARAMS - 2;
    for (u32 i = 0; fits && i < ret_layout->nflat; i++)
        flat[i] = ret_layout->flat[i];
    ret_layout->flat = flat;
    component_unref(c);
    buf_release(&text);
    return fits;
}

static void check_type(Engine *adapters, Engine *trees, Str type, u64 seed, u32 *ret_errors)
{
    Buf text = {0};
    CLayout layout;
    u8 flat[MAX_FLAT];
    put_components(type, seed, &text);
    check_text(adapters, trees, &text, seed, ret_errors);
    buf_release(&text);
    if (!layout_of(adapters, type, &layout, flat))
        return;
    put_flat_components(type, &layout, &text);
    check_text(adapters, trees, &text, seed, ret_errors);
    buf_release(&text);
}

/* Is the room for one more instance than the three of the components used up? */
static bool has_adapter(Engine *narrow, Str type)
{
    Buf text = {0};
    Store *s = NULL;
    ComponentInstance *i = NULL;
    put_components(type, 0, &text);
    LoadedComponent *c = load(narrow, &text);
    EXPECT(!engine_store_new(narrow, &s));
    Error *error = component_instance_new(s, c, NULL, &i);
    error_free(error);
    store_free(s);
    component_instance_free(i);
    component_unref(c);
    buf_release(&text);
    return error != NULL;
}

TEST(component_adapters_do_what_trees_do)
{
    Engine *adapters = make_engine(true, 100), *trees = make_engine(false, 100);
    Engine *narrow = make_engine(true, 3);
    u32 errors = 0, made = 0;
    for (u32 i = 0; i < TYPES; i++) {
        Rng r = {i};
        Buf type = {0};
        below(&r, 2);
        put_type(&r, i % (TYPE_DEPTH + 1), &type);
        check_type(adapters, trees, (Str){(char *)type.p, type.n}, i, &errors);
        made += has_adapter(narrow, (Str){(char *)type.p, type.n});
        buf_release(&type);
    }
    EXPECT(errors > TYPES && errors < TYPES * VALUES * 2);
    EXPECT(made > TYPES * 3 / 4);
    engine_free(narrow);
    engine_free(adapters);
    engine_free(trees);
}
