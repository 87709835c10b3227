/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fuzz target: generated modules behave in the engine as in the reference interpreter. Compared
 * after each call: how it ended, the results (NaNs as one value), memories, globals and tables.
 * The first bytes choose the engine's configuration.
 */
#include "backend/x64/cpu.h"
#include "engine/engine.h"
#include "fuzz/gen.h"
#include "fuzz/targets.h"
#include "ref/interp.h"
#include "wasm/text/text.h"

#include <math.h>
#include <stdio.h>

enum { STEPS = 3000000, MEMORY_BYTES = 16 << 20, VALUES = GEN_MAX_VALUES };

/* The same module and instance twice. */
typedef struct Unit {
    Module *module;
    Instance *instance;
    WasmModule *m; /* of the interpreter's side */
    RefInstance *ref;
} Unit;

typedef struct Pair {
    Engine *engine;
    Store *store;
    TypeRegistry *types; /* of the interpreter's side */
    RefStore *ref_store;
    Unit relay, main;
    bool relayed;      /* main's imports are relay's exports, otherwise host functions */
    const u8 *p, *end; /* input for arguments */
    bool over;         /* nothing more can be compared */
} Pair;

/* Stands between the module and the host functions, with a context and a memory of its own. */
static const char relay_text[] =
    "(import \"env\" \"h0\" (func $h0 (param i32) (result i32)))"
    "(import \"env\" \"h1\" (func $h1 (param i64 i32) (result i64)))"
    "(import \"env\" \"h2\" (func $h2 (param f64) (result f64)))"
    "(import \"env\" \"h3\" (func $h3 (param i32 i64) (result i64 i32)))"
    "(memory (export \"memory\") 1 2) (global $n (export \"calls\") (mut i64) (i64.const 0))"
    "(func (export \"h0\") (param i32) (result i32)"
    " (i32.store (i32.const 4) (i32.add (i32.load (i32.const 4)) (local.get 0)))"
    " (global.set $n (i64.add (global.get $n) (i64.const 1)))"
    " (call $h0 (i32.load (i32.const 4))))"
    "(func (export \"h1\") (param i64 i32) (result i64)"
    " (return_call $h1 (i64.add (local.get 0) (global.get $n)) (local.get 1)))"
    "(func (export \"h2\") (param f64) (result f64)"
    " (f64.add (call $h2 (local.get 0)) (f64.load (i32.const 16))))"
    "(func (export \"h3\") (param i32 i64) (result i64 i32)"
    " (i64.store (i32.const 24) (local.get 1))"
    " (return_call $h3 (i32.wrap_i64 (i64.load (i32.const 24)))"
    "  (i64.extend_i32_u (local.get 0))))";

static u32 next(Pair *x)
{
    return x->p < x->end ? *x->p++ : 0;
}

/* Host functions, of the engine and of the interpreter. */

static u32 typed_h0(void *env, VmCtx *caller, u32 a)
{
    (void)env, (void)caller;
    return gen_host_h0(a);
}

static u64 typed_h1(void *env, VmCtx *caller, u64 a, u32 b)
{
    (void)env, (void)caller;
    return gen_host_h1(a, b);
}

static double typed_h2(void *env, VmCtx *caller, double a)
{
    (void)env, (void)caller;
    return gen_host_h2(a);
}

static void array_h3(void *env, VmCtx *caller, VmVal *vals)
{
    (void)env, (void)caller;
    i32 a = vals[0].i32;
    i64 b = vals[1].i64;
    vals[0].i64 = b;
    vals[1].i32 = a;
}

static RefStatus ref_h0(void *env, RefVal *v, TrapCode *ret_trap)
{
    (void)env, (void)ret_trap;
    v->u32s[0] = gen_host_h0(v->u32s[0]);
    return REF_OK;
}

static RefStatus ref_h1(void *env, RefVal *v, TrapCode *ret_trap)
{
    (void)env, (void)ret_trap;
    v->u64s[0] = gen_host_h1(v->u64s[0], v[1].u32s[0]);
    return REF_OK;
}

static RefStatus ref_h2(void *env, RefVal *v, TrapCode *ret_trap)
{
    (void)env, (void)ret_trap;
    v->f64s[0] = gen_host_h2(v->f64s[0]);
    return REF_OK;
}

static RefStatus ref_h3(void *env, RefVal *v, TrapCode *ret_trap)
{
    (void)env, (void)ret_trap;
    RefVal a = v[0];
    v[0] = v[1];
    v[1] = (RefVal){.u32s = {a.u32s[0]}};
    return REF_OK;
}

static const struct {
    void *fn;
    bool typed;
    RefHostFn *ref;
} hosts[] = {{(void *)typed_h0, true, ref_h0},
             {(void *)typed_h1, true, ref_h1},
             {(void *)typed_h2, true, ref_h2},
             {(void *)array_h3, false, ref_h3}};

/* Setting up. */

static void must(Error *e, const char *what)
{
    if (!e)
        return;
    Buf b = {0};
    error_format(e, &b);
    fuzz_finding("%s: %.*s", what, (int)b.n, (const char *)b.p);
}

/* Relaxed SIMD is comparable only where the engine can take the interpreter's choices. */
static void configure(EngineConfig *c, const u8 head[4])
{
    u32 a = head[0], b = head[1], cpu = (u32)head[2] << 8 | head[3];
    engine_config_init(c);
    c->features |= gen_features();
    c->limits.memory_bytes = MEMORY_BYTES;
    c->max_wasm_stack = 1 << 20;
    c->compile_threads = 1;
    c->lazy = a & 1;
    Tunables *t = &c->tunables;
    t->direct_calls = !c->lazy && (a & 2);
    t->nan_canonicalization = (a & 12) == 12;
    t->fuel = (a & 0x30) == 0x30;
    t->epoch = (a & 0xc0) == 0xc0;
    if ((b & 3) == 3)
        t->signal_traps = false;
    if ((b & 12) == 12) {
        t->memory_reservation = (u64)(b >> 6) << 16;
        t->memory_guard = 64 << 10;
    }
    if ((b & 0x30) == 0x30)
        t->cpu = (t->cpu & cpu) | X64_CPU_SET_BASE;
    if (!X64_HAS(t->cpu, AVX))
        t->cpu &= ~((u64)1 << X64_CPU_AVX2 | (u64)1 << X64_CPU_FMA | (u64)1 << X64_CPU_F16C);
    t->relaxed_simd_deterministic = true; /* as the interpreter is */
}

/* Both sides' modules; through a compiled file if the configuration allows one. */
static void make_modules(Pair *x, Unit *u, const Buf *wasm, bool file)
{
    const EngineConfig *c = engine_config(x->engine);
    DecodeOptions o = {.features = c->features};
    Diag diag;
    diag_init(&diag);
    must(engine_module_new(x->engine, wasm->p, wasm->n, &diag, &u->module), "module");
    u->m = module_decode(x->types, &o, wasm->p, wasm->n, &diag);
    if (!file || !c->tunables.direct_calls)
        return;
    Buf image = {0};
    must(engine_module_serialize(x->engine, u->module, &image), "serialize");
    module_unref(u->module);
    must(engine_module_load(x->engine, image.p, image.n, &u->module), "load");
    buf_release(&image);
}

/* Which of `hosts` the import "h<number>" is. */
static u32 host_number(const Import *im)
{
    u32 n = im->name.n == 2 ? (u32)im->name.p[1] - '0' : UINT32_MAX;
    if (n >= ARRAY_LEN(hosts))
        fuzz_finding("an import that this target does not have");
    return n;
}

/* What the host gives for import `n`, to both sides: functions, empty memories and tables, and
 * globals that hold a small number. */
static void host_import(Pair *x, const Unit *u, u32 n, Extern *a, RefExtern *b)
{
    const WasmModule *wm = module_wasm(u->module), *m = u->m;
    const Import *im = &m->imports[n];
    u32 i = im->index;
    *a = (Extern){.kind = im->kind};
    *b = (RefExtern){.kind = im->kind};
    switch ((ExternKind)im->kind) {
    case EXTERN_FUNC: {
        u32 h = host_number(im);
        must(store_host_func(x->store, wm->funcs[i].type, hosts[h].typed, hosts[h].fn, NULL,
                             &a->func),
             "host function");
        b->func = ref_host_func(x->ref_store, m->funcs[i].type, hosts[h].ref, NULL);
        break;
    }
    case EXTERN_TABLE:
        must(store_table_new(x->store, &wm->tables[i].type, 0, &a->table), "table");
        b->table = ref_table_new(x->ref_store, m->tables[i].type, NULL);
        break;
    case EXTERN_MEMORY:
        must(store_memory_new(x->store, &wm->memories[i], &a->memory), "memory");
        b->memory = ref_memory_new(x->ref_store, m->memories[i]);
        break;
    case EXTERN_GLOBAL: {
        u64 number = valtype_is_ref(m->globals[i].type.type) ? 0 : 60;
        must(store_global_new(x->store, wm->globals[i].type, (VmVal){.pair = {number}}, &a->global),
             "global");
        b->global = ref_global_new(x->ref_store, m->globals[i].type, (RefVal){.u64s = {number}});
        break;
    }
    case EXTERN_TAG:
        fuzz_finding("an import that this target does not have");
    }
}

static void make_instances(Pair *x, Unit *u, bool relayed)
{
    u32 n = u->m->nimports;
    Extern *imports = mem_alloc_array(n + 1, sizeof *imports);
    RefExtern *ref_imports = mem_alloc_array(n + 1, sizeof *ref_imports);
    RefResult r;
    for (u32 i = 0; i < n; i++) {
        const Import *im = &u->m->imports[i];
        if (!relayed || im->kind != EXTERN_FUNC)
            host_import(x, u, i, &imports[i], &ref_imports[i]);
        else if (!instance_export(x->relay.instance, im->name, &imports[i]) ||
                 !ref_export(x->relay.ref, im->name, &ref_imports[i]))
            fuzz_finding("an import that this target does not have");
    }
    u->ref = ref_instantiate(x->ref_store, u->m, ref_imports, &r);
    if (!u->ref)
        fuzz_finding("the interpreter cannot instantiate: status %d", r.status);
    must(instance_new(x->store, u->module, imports, n, &u->instance), "instance");
    mem_free(imports);
    mem_free(ref_imports);
}

static void open_relay(Pair *x)
{
    Buf wasm = {0};
    Diag diag;
    diag_init(&diag);
    if (!text_parse_module(str_of(relay_text), &(TextOptions){0}, &wasm, NULL, &diag))
        fuzz_finding("relay: %s", diag.msg);
    make_modules(x, &x->relay, &wasm, false);
    make_instances(x, &x->relay, false);
    buf_release(&wasm);
}

static void pair_open(Pair *x, const EngineConfig *c, const Buf *wasm, u32 how)
{
    RefLimits limits = ref_limits_default();
    limits.memory_bytes = MEMORY_BYTES;
    must(engine_new(c, &x->engine), "engine");
    must(engine_store_new(x->engine, &x->store), "store");
    if (c->tunables.fuel)
        store_set_fuel(x->store, (u64)1 << 50);
    if (c->tunables.epoch)
        store_set_epoch_deadline(x->store, 1000);
    x->types = types_new();
    x->ref_store = ref_store_new(x->types, limits);
    x->relayed = how & 2;
    if (x->relayed)
        open_relay(x);
    make_modules(x, &x->main, wasm, how & 1);
    make_instances(x, &x->main, x->relayed);
}

static void unit_release(Unit *u)
{
    module_unref(u->module);
    module_free(u->m);
}

static void pair_close(Pair *x)
{
    store_free(x->store);
    ref_store_free(x->ref_store);
    unit_release(&x->relay);
    unit_release(&x->main);
    engine_free(x->engine);
    types_free(x->types);
}

/* Comparing. */

static bool same_float32(u32 a, u32 b)
{
    bool nan_a = (a & 0x7fffffff) > 0x7f800000, nan_b = (b & 0x7fffffff) > 0x7f800000;
    return nan_a || nan_b ? nan_a && nan_b : a == b;
}

static bool same_float64(u64 a, u64 b)
{
    bool nan_a = a << 1 > (u64)0x7ff << 53, nan_b = b << 1 > (u64)0x7ff << 53;
    return nan_a || nan_b ? nan_a && nan_b : a == b;
}

/* Functions by their index, host functions as one; other references are null or not. */
static bool same_ref(ValType t, u64 a, const void *b)
{
    bool func = valtype_heap(t) == HEAP_FUNC || heap_is_concrete(valtype_heap(t));
    if (!a || !b || !func)
        return !a == !b;
    const VmFuncRef *f = (const VmFuncRef *)(uintptr_t)a;
    const RefFunc *r = b;
    return f->func == UINT32_MAX ? r->host != NULL : !r->host && f->func == r->index;
}

static bool same_value(ValType t, const VmVal *a, const RefVal *b)
{
    switch (valtype_kind(t)) {
    case KIND_I32:
        return (u32)a->i32 == b->u32s[0];
    case KIND_I64:
        return (u64)a->i64 == b->u64s[0];
    case KIND_F32:
        return same_float32(a->f32, b->u32s[0]);
    case KIND_F64:
        return same_float64(a->f64, b->u64s[0]);
    case KIND_V128:
        return memcmp(a->v128, b->u8s, 16) == 0;
    case KIND_REF:
        return same_ref(t, a->ref, b->ref);
    case KIND_BOT:
        break;
    }
    return false;
}

static void compare_value(ValType t, const VmVal *a, const RefVal *b, const char *what, u32 index)
{
    if (same_value(t, a, b))
        return;
    char name[VALTYPE_NAME_SIZE];
    fuzz_finding("%s %u of type %s: engine %016llx %016llx, interpreter %016llx %016llx", what,
                 index, valtype_name(t, name), (unsigned long long)a->pair[1],
                 (unsigned long long)a->pair[0], (unsigned long long)b->u64s[1],
                 (unsigned long long)b->u64s[0]);
}

static void compare_memory(Memory *a, const RefMemory *b, Str name)
{
    u64 bytes;
    const u8 *data = memory_data(a, &bytes);
    if (bytes != b->bytes)
        fuzz_finding("memory %.*s: engine %llu bytes, interpreter %llu", STR_ARG(name),
                     (unsigned long long)bytes, (unsigned long long)b->bytes);
    if (bytes == 0 || memcmp(data, b->data, bytes) == 0)
        return;
    for (u64 i = 0; i < bytes; i++)
        if (data[i] != b->data[i])
            fuzz_finding("memory %.*s at 0x%llx: engine %02x, interpreter %02x", STR_ARG(name),
                         (unsigned long long)i, data[i], b->data[i]);
}

static void compare_table(RtTable *a, const RefTable *b, Str name)
{
    u64 n;
    const u64 *elems = table_elems(a, &n);
    if (n != b->n)
        fuzz_finding("table %.*s: engine %llu elements, interpreter %llu", STR_ARG(name),
                     (unsigned long long)n, (unsigned long long)b->n);
    for (u64 i = 0; i < n; i++)
        if (!same_ref(b->type.elem, elems[i], b->elems[i]))
            fuzz_finding("table %.*s, element %llu differs", STR_ARG(name), (unsigned long long)i);
}

static void compare_unit(const Unit *u)
{
    for (u32 i = 0; i < u->m->nexports; i++) {
        const Export *e = &u->m->exports[i];
        Extern a;
        RefExtern b;
        if (!instance_export(u->instance, e->name, &a) || !ref_export(u->ref, e->name, &b))
            fuzz_finding("no export %.*s", STR_ARG(e->name));
        if (e->kind == EXTERN_MEMORY)
            compare_memory(a.memory, b.memory, e->name);
        else if (e->kind == EXTERN_TABLE)
            compare_table(a.table, b.table, e->name);
        else if (e->kind == EXTERN_GLOBAL)
            compare_value(b.global->type.type, global_value(a.global), &b.global->value, "global",
                          e->index);
    }
}

static void compare_state(const Pair *x)
{
    compare_unit(&x->main);
    if (x->relayed)
        compare_unit(&x->relay);
}

/* Calling. */

/* A trap code, -1 for success; other errors are findings. */
static int engine_call(Pair *x, VmFuncRef *f, VmVal *vals)
{
    Error *e = func_call(x->store, f, vals);
    if (!e)
        return -1;
    const Error *trap = error_find(e, ERROR_TRAP);
    if (!trap)
        must(e, "call");
    int code = trap->value;
    error_free(e);
    return code;
}

static const char *outcome(int trap)
{
    return trap < 0 ? "success" : trap_text((TrapCode)trap);
}

/* Both sides call; `vals` and `ref_vals` hold the arguments. False if no comparison is possible. */
static void call_both(Pair *x, Str name, VmVal *vals, RefVal *ref_vals)
{
    Extern a;
    RefExtern b;
    if (!instance_export(x->main.instance, name, &a) || !ref_export(x->main.ref, name, &b))
        fuzz_finding("no export %.*s", STR_ARG(name));
    const FuncType *t = types_func_type(x->types, b.func->type);
    ref_store_set_steps(x->ref_store, STEPS);
    RefResult r = ref_call(x->ref_store, b.func, ref_vals);
    if (r.status == REF_UNSUPPORTED)
        fuzz_finding("the interpreter does not have %s", r.what);
    x->over = r.status != REF_OK && r.status != REF_TRAPPED;
    if (x->over)
        return;
    int wanted = r.status == REF_TRAPPED ? (int)r.trap : -1, got = engine_call(x, a.func, vals);
    x->over = got == TRAP_STACK_OVERFLOW && wanted != got; /* frames are as large as they are */
    if (x->over)
        return;
    if (got != wanted)
        fuzz_finding("%.*s: engine %s, interpreter %s", STR_ARG(name), outcome(got),
                     outcome(wanted));
    for (u32 i = 0; wanted < 0 && i < t->nresults; i++)
        compare_value(t->results[i], &vals[i], &ref_vals[i], "result", i);
}

static void arguments(Pair *x, const FuncType *t, VmVal *vals, RefVal *ref_vals)
{
    static const u64 numbers[] = {0,
                                  1,
                                  2,
                                  UINT64_MAX,
                                  0x7f,
                                  0x80,
                                  0x7fffffff,
                                  0x80000000,
                                  0xffff,
                                  INT64_MAX,
                                  0x3f800000,
                                  0x7fc00000,
                                  0xff800000,
                                  64,
                                  0xbff0000000000000,
                                  (u64)1 << 63,
                                  0x7ff8000000000000};
    for (u32 i = 0; i < t->nparams; i++) {
        vals[i] = (VmVal){0};
        ref_vals[i] = (RefVal){0};
        if (valtype_is_ref(t->params[i]))
            continue;
        for (u32 k = 0; k < 2; k++)
            vals[i].pair[k] = numbers[next(x) % ARRAY_LEN(numbers)] + (next(x) & 3);
        if (valtype_kind(t->params[i]) != KIND_V128)
            vals[i].pair[1] = 0;
        memcpy(ref_vals[i].u8s, vals[i].v128, 16);
    }
}

static void reset(Pair *x)
{
    VmVal v[1];
    RefVal r[1];
    if (module_find_export(x->main.m, STR("reset")))
        call_both(x, STR("reset"), v, r);
}

/*
 * The module and the bytes that choose the configuration: a module is taken as it is, with the
 * bytes in a custom section "config" at its end if it has one; anything else makes a module.
 */
static void exec_input(const u8 *p, usize n, Buf *ret_wasm, u8 ret_head[4],
                       EngineConfig *ret_config)
{
    static const u8 magic[] = {0, 'a', 's', 'm'};
    static const u8 section[] = {0, 11, 6, 'c', 'o', 'n', 'f', 'i', 'g'};
    GenOptions o = {.features = gen_features()};
    if (n < 8 || memcmp(p, magic, sizeof magic) != 0) {
        memcpy(ret_head, p, MIN(n, 4));
        configure(ret_config, ret_head);
        gen_module(&o, p, n, ret_wasm);
        return;
    }
    buf_bytes(ret_wasm, p, n);
    const u8 *last = p + n - sizeof section - 4;
    if (n > sizeof section + 4 && memcmp(last, section, sizeof section) == 0)
        memcpy(ret_head, last + sizeof section, 4);
    configure(ret_config, ret_head);
}

/* For `fuzzer exec-module`: the module of an input, with its configuration. */
void fuzz_exec_module(const u8 *p, usize n, Buf *out)
{
    u8 head[4] = {0};
    EngineConfig c;
    exec_input(p, n, out, head, &c);
    buf_bytes(out, "\0\13\6config", 9);
    buf_bytes(out, head, sizeof head);
}

void fuzz_exec(const u8 *p, usize n)
{
    EngineConfig c;
    Buf wasm = {0};
    Pair x = {0};
    u8 head[4] = {0};
    exec_input(p, n, &wasm, head, &c);
    pair_open(&x, &c, &wasm, head[2]);
    x.p = head;
    x.end = head + sizeof head;
    compare_state(&x);
    for (u32 i = 0; i < x.main.m->nexports && !x.over; i++) {
        const Export *e = &x.main.m->exports[i];
        VmVal vals[VALUES];
        RefVal ref_vals[VALUES];
        if (e->kind != EXTERN_FUNC || str_eq(e->name, STR("reset")))
            continue;
        reset(&x);
        arguments(&x, module_func_type(x.main.m, e->index), vals, ref_vals);
        call_both(&x, e->name, vals, ref_vals);
        if (!x.over)
            compare_state(&x);
    }
    pair_close(&x);
    buf_release(&wasm);
}
