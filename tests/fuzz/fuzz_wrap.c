/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fuzz targets of WIT in binary form and of wrapped modules: a package and a module with bytes
 * changed. What is decoded prints as text that resolves; what is wrapped is a valid component.
 */
#include "fuzz/targets.h"
#include "wasm/text/text.h"
#include "wit/wit_binary.h"
#include "wit/wrap/wrap.h"

static const char wit_seed[] =
    "package a:b@1.2.3; interface t { record p { x: u32, y: string } resource r { constructor(a: "
    "u32); get: func() -> p; make: static func(p: p) -> r; } type q = list<p>; enum e { u, v } "
    "flags f { m, n } variant v { a, b(p), c(list<tuple<u8, option<char>>>) } }"
    "interface o { use t.{p, r as rr, q}; resource box { constructor(p: p); } "
    "take: func(r: borrow<rr>) -> result<q, string>; go: func(b: box) -> option<box>; }"
    "world w { use t.{r}; import t; import l: func(s: string, r: borrow<r>); "
    "import i: interface { f: func(a: u32) -> u64; } export o; export run: func() -> string; }"
    "world d { import h: func(s: string) -> string; export a: func(); }";

static const char core_seed[] =
    "(module (import \"a:b/t@1.2.3\" \"[method]r.get\" (func (param i32 i32)))"
    "(import \"$root\" \"l\" (func (param i32 i32 i32))) (import \"i\" \"f\" (func (param i32) "
    "(result i64)))"
    "(import \"[export]a:b/o@1.2.3\" \"[resource-new]box\" (func (param i32) (result i32)))"
    "(import \"$root\" \"[resource-drop]r\" (func (param i32)))"
    "(import \"old\" \"f\" (func (param i32) (result i32))) (memory (export \"memory\") 1)"
    "(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 0)"
    "(func (export \"run\") (result i32) i32.const 0) (func (export \"cabi_post_run\") (param i32))"
    "(func (export \"a:b/o@1.2.3#[constructor]box\") (param i32 i32 i32) (result i32) i32.const 0)"
    "(func (export \"a:b/o@1.2.3#[dtor]box\") (param i32)) (func (export \"_initialize\"))"
    "(func (export \"a:b/o@1.2.3#take\") (param i32) (result i32) i32.const 0)"
    "(func (export \"a:b/o@1.2.3#go\") (param i32) (result i32) i32.const 0))";

static const char adapter_seed[] =
    "(module (import \"env\" \"memory\" (memory 0)) (import \"__main_module__\" \"cabi_realloc\" "
    "(func $r (param i32 i32 i32 i32) (result i32))) (import \"$root\" \"h\" (func $h (param i32 "
    "i32 i32))) (global $__stack_pointer (mut i32) (i32.const 0)) (global $allocation_state (mut "
    "i32) (i32.const 0)) (func $g (param i32) (result i32) (call $h (local.get 0) (i32.const 1) "
    "(global.get $__stack_pointer)) (i32.const 1)) (func (export \"f\") (param i32) (result i32) "
    "(call $g (local.get 0))) (func (export \"unused\")) (func (export \"a\")) (func (export "
    "\"cabi_import_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 8))";

static WitModel *seed_model(void)
{
    WitModel *m = NULL;
    WitInput *in = wit_input_new();
    Error *e = wit_input_add(in, 0, STR("fuzz.wit"), str_of(wit_seed));
    if (!e)
        e = wit_resolve(in, &(WitOptions){0}, &m);
    if (e)
        fuzz_finding("the seed is wrong: %s", e->message);
    wit_input_free(in);
    return m;
}

/* Up to `n` / 3 bytes of `b` changed, at places from `from` on. */
static void change(const u8 *p, usize n, usize from, Buf *b)
{
    for (usize i = 0; i + 3 <= n && i < 24 && b->n > from; i += 3)
        b->p[from + load_u16(p + i) % (b->n - from)] = p[i + 2];
}

static void print(const WitModel *m, Buf *out)
{
    wit_print_package(m, m->root, NULL, out);
    for (u32 i = 0; i < m->npackages; i++)
        if (i != m->root)
            wit_print_package(m, i, NULL, out);
}

/* A decoded model encodes. What was changed may say what cannot be said again, which the command
 * refuses to write; what was not changed decodes again. */
static void check_model(const WitModel *m, bool changed)
{
    Buf text = {0}, binary = {0};
    WitModel *again = NULL;
    print(m, &text);
    wit_encode_package(m, m->root, &binary);
    if (m->packages[m->root].ninterfaces + m->packages[m->root].nworlds) {
        Error *e = wit_decode(binary.p, binary.n, &again);
        if (e && (!changed || !*e->message))
            fuzz_finding("what was encoded does not decode: %s",
                         e->cause ? e->cause->message : e->message);
        error_free(e);
        wit_free(again);
    }
    buf_release(&text);
    buf_release(&binary);
}

void fuzz_wit_binary(const u8 *p, usize n)
{
    Buf b = {0};
    WitModel *seed = seed_model(), *m = NULL;
    if (n && p[0] < 128)
        wit_encode_package(seed, seed->root, &b);
    else
        wit_encode_world(seed, 0, STRING_UTF8, &b);
    if (n > 1)
        change(p + 1, n - 1, 8, &b);
    Error *e = wit_decode(b.p, b.n, &m);
    if (e && !*e->message)
        fuzz_finding("an error without a message");
    if (!e)
        check_model(m, n > 1);
    error_free(e);
    wit_free(m);
    wit_free(seed);
    buf_release(&b);
}

static void embed(const WitModel *m, const char *world, const char *text, Buf *out)
{
    Buf core = {0};
    WitId id = 0;
    Diag diag;
    diag_init(&diag);
    if (!text_parse_module(str_of(text), &(TextOptions){0}, &core, NULL, &diag))
        fuzz_finding("the seed is wrong: %s", diag.msg);
    Error *e = wit_find_world(m, str_of(world), &id);
    if (!e)
        e = component_embed(m, id, STRING_UTF8, core.p, core.n, out);
    if (e)
        fuzz_finding("the seed is wrong: %s", e->message);
    buf_release(&core);
}

void fuzz_wrap(const u8 *p, usize n)
{
    Buf core = {0}, adapter = {0}, out = {0};
    WitModel *m = seed_model();
    embed(m, "w", core_seed, &core);
    embed(m, "d", adapter_seed, &adapter);
    if (n > 1)
        change(p + 1, n - 1, 8, p[0] < 128 ? &core : &adapter);
    WrapAdapter a = {STR("old"), adapter.p, adapter.n};
    WrapOptions o = {.adapters = &a, .nadapters = 1, .keep_versions = n && p[0] % 2};
    Error *e = component_wrap(core.p, core.n, &o, &out);
    if (e && !*e->message)
        fuzz_finding("an error without a message");
    if (n == 0 && e)
        fuzz_finding("the seed is wrong: %s: %s", e->message, e->cause ? e->cause->message : "");
    error_free(e);
    wit_free(m);
    buf_release(&core);
    buf_release(&adapter);
    buf_release(&out);
}
