/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fuzz target of the canonical ABI: a value of a type goes from the host through two components
 * with string encodings of their own to a host's function, which sends it back the same way. It
 * must arrive as it went. Types, encodings and values are made from the input.
 */
#include "base/utf8.h"
#include "component/instance.h"
#include "component/wave.h"
#include "fuzz/targets.h"
#include "wit/text/ctext.h"

enum { TYPES_MAX = 12, ITEMS_MAX = 4, DEPTH_MAX = 8, TREE_MAX = 4000 };

typedef struct Source {
    const u8 *p;
    usize n, i;
    u64 more;   /* goes on where the input ends */
    u32 values; /* made so far, bounded */
} Source;

static u8 next(Source *s)
{
    u8 c = s->i < s->n ? s->p[s->i++] : 0;
    s->more = (s->more ^ c) * 0x100000001b3 + 0x9e3779b97f4a7c15;
    return s->i < s->n ? c : (u8)(s->more >> 56);
}

static u32 below(Source *s, u32 n)
{
    return next(s) % n;
}

/* --- types --- */

static const char *const primitives[] = {"bool", "s8",  "u8",  "s16", "u16",  "s32",   "u32",
                                         "s64",  "u64", "f32", "f64", "char", "string"};

/* A primitive type or one of those that were defined. */
static void put_ref(Source *s, u32 defined, Buf *out)
{
    u32 c = next(s);
    if (defined && c % 2)
        buf_printf(out, " $t%u", c / 2 % defined);
    else
        buf_printf(out, " %s", primitives[c / 2 % ARRAY_LEN(primitives)]);
}

static void put_members(Source *s, u32 defined, const char *word, bool maybe, Buf *out)
{
    u32 n = 1 + below(s, ITEMS_MAX);
    for (u32 i = 0; i < n; i++) {
        buf_printf(out, " (%s \"n%u\"", word, i);
        if (!maybe || below(s, 3))
            put_ref(s, defined, out);
        buf_str(out, STR(")"));
    }
}

static void put_labels(Source *s, const char *word, u32 max, Buf *out)
{
    u32 n = 1 + below(s, max);
    buf_str(out, str_of(word));
    for (u32 i = 0; i < n; i++)
        buf_printf(out, " \"l%u\"", i);
}

static void put_type(Source *s, u32 defined, Buf *out)
{
    u32 n;
    buf_str(out, STR("("));
    switch (below(s, 10)) {
    case 0:
        buf_str(out, STR("record"));
        put_members(s, defined, "field", false, out);
        break;
    case 1:
        buf_str(out, STR("variant"));
        put_members(s, defined, "case", true, out);
        break;
    case 2:
    case 3:
        buf_str(out, STR("list"));
        put_ref(s, defined, out);
        break;
    case 4:
        buf_str(out, STR("tuple"));
        n = 1 + below(s, ITEMS_MAX);
        for (u32 i = 0; i < n; i++)
            put_ref(s, defined, out);
        break;
    case 5:
        put_labels(s, "flags", 32, out);
        break;
    case 6:
        put_labels(s, "enum", 9, out);
        break;
    case 7:
        buf_str(out, STR("option"));
        put_ref(s, defined, out);
        break;
    case 8:
        buf_str(out, STR("result"));
        put_ref(s, defined, out);
        buf_str(out, STR(" (error"));
        put_ref(s, defined, out);
        buf_str(out, STR(")"));
        break;
    case 9:
        buf_str(out, STR("list"));
        put_ref(s, defined, out);
        buf_printf(out, " %u", 1 + below(s, ITEMS_MAX));
        break;
    }
    buf_str(out, STR(")"));
}

/* Named types, which components import; the last is the value's. */
static u32 put_types(Source *s, Buf *out)
{
    u32 n = 1 + below(s, TYPES_MAX);
    for (u32 i = 0; i < n; i++) {
        buf_printf(out, " (type $d%u ", i);
        put_type(s, i, out);
        buf_printf(out, ") (import \"t%u\" (type $t%u (eq $d%u)))\n", i, i, i);
    }
    buf_printf(out, " (import \"h\" (func $h (param \"x\" $t%u) (result $t%u)))\n", n - 1, n - 1);
    return n;
}

/* --- components --- */

static const char *const encodings[] = {"utf8", "utf16", "latin1+utf16"};

/* Parts that do not depend on the type: memory, and a realloc that never frees. */
static const char memory_text[] =
    " (core module $mem (memory (export \"m\") 1) (global $at (mut i32) (i32.const 64))\n"
    "  (func (export \"r\") (param $old i32) (param $was i32) (param $align i32) (param $n i32)"
    " (result i32) (local $p i32)\n"
    "   (local.set $p (i32.and (i32.add (global.get $at) (i32.sub (local.get $align)"
    " (i32.const 1))) (i32.sub (i32.const 0) (local.get $align))))\n"
    "   (global.set $at (i32.add (local.get $p) (local.get $n)))\n"
    "   (block $room (loop $more\n"
    "    (br_if $room (i32.le_u (global.get $at) (i32.mul (memory.size) (i32.const 65536))))\n"
    "    (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))\n"
    "    (br $more)))\n"
    "   (memory.fill (local.get $p) (i32.const 0xa5) (local.get $n))\n"
    "   (memory.copy (local.get $p) (local.get $old) (select (local.get $was) (local.get $n)"
    " (i32.lt_u (local.get $was) (local.get $n))))\n"
    "   (local.get $p)))\n"
    " (core instance $mem (instantiate $mem))\n";

static const char *core_name(u8 type)
{
    return type == VT_I32 ? "i32" : type == VT_I64 ? "i64" : type == VT_F32 ? "f32" : "f64";
}

static void put_sig(const FlatSig *sig, Buf *out)
{
    for (u32 i = 0; i < sig->nparams; i++)
        buf_printf(out, " (param %s)", core_name(sig->params[i]));
    for (u32 i = 0; i < sig->nresults; i++)
        buf_printf(out, " (result %s)", core_name(sig->results[i]));
}

typedef struct Shape {
    FlatSig lift, lower;
    u32 size; /* of the type in memory */
} Shape;

/* The core code hands on what it gets, and the result as well. */
static void put_code(const Shape *k, Buf *out)
{
    buf_str(out, STR(" (core module $code (import \"\" \"h\" (func $h"));
    put_sig(&k->lower, out);
    buf_str(out, STR("))\n  (import \"\" \"r\" (func $r (param i32 i32 i32 i32) (result i32)))\n"
                     "  (func (export \"f\")"));
    put_sig(&k->lift, out);
    buf_str(out, STR(" (local $out i32)\n"));
    if (k->lower.results_spilled)
        buf_printf(out,
                   "   (local.set $out (call $r (i32.const 0) (i32.const 0) (i32.const 8)"
                   " (i32.const %u)))\n",
                   k->size);
    for (u32 i = 0; i < k->lift.nparams; i++)
        buf_printf(out, "   (local.get %u)\n", i);
    if (k->lower.results_spilled)
        buf_str(out, STR("   (call $h (local.get $out)) (local.get $out)"));
    else
        buf_str(out, STR("   (call $h)"));
    buf_str(out, STR("))\n"));
}

static void put_component(char name, Str types, u32 ntypes, const Shape *k, const char *encoding,
                          Buf *out)
{
    buf_printf(out, "(component $%c\n", name);
    buf_str(out, types);
    buf_str(out, str_of(memory_text));
    buf_printf(out,
               " (core func $h' (canon lower (func $h) (memory (core memory $mem \"m\"))"
               " (realloc (core func $mem \"r\")) string-encoding=%s))\n",
               encoding);
    put_code(k, out);
    buf_str(out, STR(" (core instance $code (instantiate $code (with \"\" (instance"
                     " (export \"h\" (func $h')) (export \"r\" (func $mem \"r\"))))))\n"));
    buf_printf(out,
               " (func (export \"f\") (param \"x\" $t%u) (result $t%u) (canon lift"
               " (core func $code \"f\") (memory (core memory $mem \"m\"))"
               " (realloc (core func $mem \"r\")) string-encoding=%s)))\n",
               ntypes - 1, ntypes - 1, encoding);
}

static void put_instance(char name, u32 ntypes, const char *callee, Buf *out)
{
    buf_printf(out, "(instance $i%c (instantiate $%c (with \"h\" %s)", name, name, callee);
    for (u32 i = 0; i < ntypes; i++)
        buf_printf(out, " (with \"t%u\" (type $t%u))", i, i);
    buf_str(out, STR("))\n"));
}

static bool parse(const Buf *text, Buf *ret_binary)
{
    Diag diag;
    diag_init(&diag);
    bool good = component_text_parse((Str){(const char *)text->p, text->n}, &(TextOptions){0},
                                     ret_binary, NULL, &diag);
    if (!good)
        fuzz_finding("text: %s\n%.*s", diag.msg, (int)text->n, (const char *)text->p);
    return good;
}

static ComponentOptions options(Engine *engine)
{
    return (ComponentOptions){.features = engine_config(engine)->features,
                              .component_features = component_features_default() |
                                                    COMPONENT_FEATURE_MASK(FIXED_LENGTH_LISTS)};
}

/* The core signatures of the imported function; false if a type is over a limit. */
static bool shape_of(Engine *engine, Str types, Shape *ret)
{
    Buf text = {0}, binary = {0};
    buf_str(&text, STR("(component"));
    buf_str(&text, types);
    buf_str(&text, STR(")"));
    parse(&text, &binary);
    ComponentOptions o = options(engine);
    Diag diag;
    diag_init(&diag);
    Component *c = component_decode(engine_types(engine), &o, binary.p, binary.n, &diag);
    if (c) {
        const CType *f = ctype_get(c->types, c->funcs[0]);
        CanonOptions none = {0};
        ctype_flatten(c->types, f, FLAT_LIFT, &none, &ret->lift);
        ctype_flatten(c->types, f, FLAT_LOWER, &none, &ret->lower);
        ret->size = ctype_get(c->types, f->result)->layout[0].size;
    } else if (!strstr(diag.msg, "limit")) {
        fuzz_finding("types: %s\n%.*s", diag.msg, (int)text.n, (const char *)text.p);
    }
    bool good = c && ret->size < 1 << 20;
    component_free(c);
    buf_release(&text);
    buf_release(&binary);
    return good;
}

/* False if a type is over a limit. */
static bool make_component(Engine *engine, Source *s, Buf *ret_text)
{
    Buf types = {0};
    u32 n = put_types(s, &types);
    Str t = {(const char *)types.p, types.n};
    Shape k = {0};
    const char *a = encodings[below(s, 3)], *b = encodings[below(s, 3)];
    bool good = shape_of(engine, t, &k);
    if (good) {
        buf_str(ret_text, STR("(component\n"));
        buf_str(ret_text, t);
        put_component('A', t, n, &k, a, ret_text);
        put_component('B', t, n, &k, b, ret_text);
        put_instance('B', n, "(func $h)", ret_text);
        put_instance('A', n, "(func $iB \"f\")", ret_text);
        buf_str(ret_text, STR("(export \"f\" (func $iA \"f\")))\n"));
    }
    buf_release(&types);
    return good;
}

/* --- values --- */

typedef struct Maker {
    Source *s;
    const ComponentTypes *types;
    Arena *arena;
} Maker;

static void make_string(const Maker *m, ComponentVal *ret)
{
    static const u32 chars[] = {'a', 0x7f, 0xe9, 0xff, 0x100, 0x20ac, 0xd7ff, 0xffff, 0x1f600};
    Buf b = {0};
    for (u32 n = below(m->s, 9); n; n--)
        utf8_put(&b, chars[below(m->s, ARRAY_LEN(chars))]);
    *ret = val_string((Str){arena_dup(m->arena, b.p, b.n), b.n});
    buf_release(&b);
}

static void make_scalar(const Maker *m, CTypeKind kind, ComponentVal *ret)
{
    u8 bytes[8];
    for (u32 i = 0; i < sizeof bytes; i++)
        bytes[i] = next(m->s);
    if (kind == CT_CHAR)
        *ret = (ComponentVal){.kind = CT_CHAR, .bits = load_u16(bytes) % 0xd800u};
    else if (kind == CT_BOOL)
        *ret = (ComponentVal){.kind = CT_BOOL, .bits = bytes[0] & 1};
    else
        *ret = val_scalar(kind, bytes);
}

static void make_value(const Maker *m, CTypeId type, ComponentVal *ret);

static void make_items(const Maker *m, const CType *c, u32 n, ComponentVal *ret)
{
    bool list = c->kind == CT_LIST || c->kind == CT_FIXED_LIST;
    *ret = (ComponentVal){.kind = list ? CT_LIST : c->kind, .n = n};
    ret->items = arena_array(m->arena, ComponentVal, MAX(n, 1));
    for (u32 i = 0; i < n; i++)
        make_value(m, c->fields[list ? 0 : i].type, &ret->items[i]);
}

static void make_case(const Maker *m, const CType *c, ComponentVal *ret)
{
    *ret = (ComponentVal){.kind = c->kind, .n = below(m->s, c->n)};
    if (c->kind == CT_ENUM || c->fields[ret->n].type == CTYPE_NONE)
        return;
    ret->payload = arena_new(m->arena, ComponentVal);
    make_value(m, c->fields[ret->n].type, ret->payload);
}

/* As deep as the type. Of large types, lists are empty from some point on. */
static void make_value(const Maker *m, CTypeId type, ComponentVal *ret)
{
    const CType *c = ctype_get(m->types, type);
    m->s->values++;
    if (c->kind == CT_STRING)
        make_string(m, ret);
    else if ((u32)c->kind < CT_PRIMITIVES)
        make_scalar(m, (CTypeKind)c->kind, ret);
    else if (c->kind == CT_LIST)
        make_items(m, c, m->s->values < TREE_MAX ? below(m->s, ITEMS_MAX + 1) : 0, ret);
    else if (c->kind == CT_FIXED_LIST)
        make_items(m, c, c->length, ret);
    else if (c->kind == CT_RECORD || c->kind == CT_TUPLE)
        make_items(m, c, c->n, ret);
    else if (c->kind == CT_FLAGS)
        *ret = (ComponentVal){.kind = CT_FLAGS,
                              .bits = (next(m->s) * 0x01010101u) & (u32)(((u64)1 << c->n) - 1)};
    else
        make_case(m, c, ret);
}

/* --- the way and back --- */

static Error *send_back(void *env, HostCall *call, const ComponentVal *params,
                        ComponentVal *ret_result)
{
    (void)env;
    (void)call;
    *ret_result = params[0];
    return NULL;
}

static void judge(const Maker *m, const CType *type, const ComponentVal *sent, Error *e,
                  const ComponentVal *got, const Buf *text)
{
    Buf out = {0};
    if (e)
        error_format(e, &out);
    else if (!val_equal(m->types, type->result, sent, got)) {
        wave_print(m->types, type->result, sent, &out);
        buf_str(&out, STR("\ncame back as\n"));
        wave_print(m->types, type->result, got, &out);
    }
    if (out.n)
        fuzz_finding("%.*s\n%.*s", (int)out.n, (const char *)out.p, (int)text->n,
                     (const char *)text->p);
}

static void travel(const Buf *text, ComponentInstance *i, Source *s)
{
    ComponentItem item;
    Arena arena;
    arena_init(&arena);
    Maker m = {.s = s, .arena = &arena};
    const CType *type = NULL;
    if (!items_find(component_exports(i), STR("f"), &item) ||
        !component_func_type(item.func, &m.types, &type))
        fuzz_finding("no function");
    for (u32 round = 0; round < 3; round++) {
        ComponentVal sent, got = {0};
        make_value(&m, type->result, &sent);
        judge(&m, type, &sent, component_call(item.func, &sent, &arena, &got), &got, text);
    }
    arena_release(&arena);
}

void fuzz_abi(const u8 *p, usize n)
{
    Source s = {.p = p, .n = n};
    EngineConfig config;
    engine_config_init(&config);
    config.tunables.memory_reservation = 0;
    config.tunables.memory_guard = 0;
    Engine *engine = NULL;
    Store *store = NULL;
    if (engine_new(&config, &engine) || engine_store_new(engine, &store))
        fuzz_finding("no engine");
    Buf text = {0}, binary = {0};
    LoadedComponent *c = NULL;
    ComponentInstance *i = NULL;
    ComponentLinker *l = component_linker_new();
    HostFunc f = {.vals = send_back};
    if (component_linker_func(l, STR(""), STR("h"), &f))
        fuzz_finding("linker");
    if (make_component(engine, &s, &text)) {
        parse(&text, &binary);
        ComponentOptions o = options(engine);
        Error *e = component_load(engine, &o, binary.p, binary.n, NULL, &c);
        if (!e)
            e = component_instance_new(store, c, l, &i);
        if (e)
            fuzz_finding("%s: %s\n%.*s", e->message, e->cause ? e->cause->message : "", (int)text.n,
                         (const char *)text.p);
        travel(&text, i, &s);
    }
    store_free(store);
    component_instance_free(i);
    component_linker_free(l);
    component_unref(c);
    engine_free(engine);
    buf_release(&text);
    buf_release(&binary);
}
