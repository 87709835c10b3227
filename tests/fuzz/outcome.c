/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What generated modules do in the reference interpreter, as text that tests/fuzz/v8.cjs prints for
 * another engine: one line for each call of run<i> and, after it, for each export with state.
 */
#include "fuzz/outcome.h"

#include "fuzz/gen.h"
#include "fuzz/targets.h"
#include "ref/interp.h"

enum { STEPS = 3000000 };

static RefStatus h0(void *env, RefVal *v, TrapCode *ret_trap)
{
    (void)env, (void)ret_trap;
    v->u32s[0] = gen_host_h0(v->u32s[0]);
    return REF_OK;
}

static RefStatus h1(void *env, RefVal *v, TrapCode *ret_trap)
{
    (void)env, (void)ret_trap;
    v->u64s[0] = gen_host_h1(v->u64s[0], v[1].u32s[0]);
    return REF_OK;
}

static RefStatus h2(void *env, RefVal *v, TrapCode *ret_trap)
{
    (void)env, (void)ret_trap;
    v->f64s[0] = gen_host_h2(v->f64s[0]);
    return REF_OK;
}

static RefStatus h3(void *env, RefVal *v, TrapCode *ret_trap)
{
    (void)env, (void)ret_trap;
    RefVal a = v[0];
    v[0] = v[1];
    v[1] = (RefVal){.u32s = {a.u32s[0]}};
    return REF_OK;
}

/* Engines name traps differently; these classes they have in common. */
static const char *trap_class(TrapCode t)
{
    static const struct {
        TrapCode trap;
        const char *name;
    } classes[] = {{TRAP_MEMORY_OUT_OF_BOUNDS, "memory"},
                   {TRAP_TABLE_OUT_OF_BOUNDS, "table"},
                   {TRAP_INDIRECT_CALL_TO_NULL, "indirect"},
                   {TRAP_BAD_SIGNATURE, "indirect"},
                   {TRAP_INTEGER_OVERFLOW, "number"},
                   {TRAP_INTEGER_DIVISION_BY_ZERO, "number"},
                   {TRAP_BAD_CONVERSION_TO_INTEGER, "number"},
                   {TRAP_UNREACHABLE, "unreachable"},
                   {TRAP_NULL_REFERENCE, "null"}};
    for (u32 i = 0; i < ARRAY_LEN(classes); i++)
        if (classes[i].trap == t)
            return classes[i].name;
    return "other";
}

static u32 hash(const RefMemory *m)
{
    u32 h = 2166136261;
    for (u64 i = 0; i < m->bytes; i++)
        h = (h ^ m->data[i]) * 16777619;
    return h;
}

static void global_line(const RefGlobal *g, Buf *out)
{
    RefVal v = g->value;
    switch (valtype_kind(g->type.type)) {
    case KIND_I32:
        buf_printf(out, "%u\n", v.u32s[0]);
        return;
    case KIND_I64:
        buf_printf(out, "%llu\n", (unsigned long long)v.u64s[0]);
        return;
    case KIND_F32:
        v.f64s[0] = (f64)v.f32s[0];
        buf_printf(out, v.f64s[0] != v.f64s[0] ? "NaN\n" : "%llx\n", (unsigned long long)v.u64s[0]);
        return;
    case KIND_F64:
        buf_printf(out, v.f64s[0] != v.f64s[0] ? "NaN\n" : "%llx\n", (unsigned long long)v.u64s[0]);
        return;
    case KIND_REF:
        buf_printf(out, "%s\n", v.ref ? "reference" : "null");
        return;
    case KIND_V128:
    case KIND_BOT:
        break;
    }
    BUG("a global of a type that is not exported");
}

static void state_lines(const WasmModule *m, const RefInstance *i, Buf *out)
{
    for (u32 n = 0; n < m->nexports; n++) {
        const Export *e = &m->exports[n];
        RefExtern x = ref_extern_at(i, (ExternKind)e->kind, e->index);
        if (e->kind == EXTERN_FUNC)
            continue;
        buf_printf(out, "  %.*s ", STR_ARG(e->name));
        if (e->kind == EXTERN_MEMORY)
            buf_printf(out, "%llu %u\n", (unsigned long long)x.memory->bytes, hash(x.memory));
        else if (e->kind == EXTERN_TABLE)
            buf_printf(out, "%llu\n", (unsigned long long)x.table->n);
        else
            global_line(x.global, out);
    }
}

/* False if the run was cut short. */
static bool run_line(RefStore *s, const RefInstance *i, Str name, Buf *out)
{
    RefVal v[1] = {{.u64s = {0}}};
    RefExtern f;
    if (!ref_export(i, STR("reset"), &f))
        fuzz_finding("no reset");
    ref_call(s, f.func, v);
    ref_export(i, name, &f);
    ref_store_set_steps(s, STEPS);
    RefResult r = ref_call(s, f.func, v);
    if (r.status == REF_OK)
        buf_printf(out, "%.*s %llu\n", STR_ARG(name), (unsigned long long)v->u64s[0]);
    else if (r.status == REF_TRAPPED)
        buf_printf(out, "%.*s trap %s\n", STR_ARG(name), trap_class(r.trap));
    return r.status == REF_OK || r.status == REF_TRAPPED;
}

void fuzz_outcome(const u8 *wasm, usize n, Buf *out)
{
    static RefHostFn *const hosts[] = {h0, h1, h2, h3};
    DecodeOptions o = {.features = gen_features() | features_default()};
    TypeRegistry *types = types_new();
    RefStore *s = ref_store_new(types, ref_limits_default());
    RefExtern imports[ARRAY_LEN(hosts)];
    Diag diag;
    RefResult r;
    diag_init(&diag);
    WasmModule *m = module_decode(types, &o, wasm, n, &diag);
    if (!m || m->nimports != ARRAY_LEN(hosts))
        fuzz_finding("not a generated module: %s", diag.msg);
    for (u32 i = 0; i < ARRAY_LEN(hosts); i++) {
        imports[i].kind = EXTERN_FUNC;
        imports[i].func = ref_host_func(s, m->funcs[i].type, hosts[i], NULL);
    }
    RefInstance *i = ref_instantiate(s, m, imports, &r);
    for (u32 k = 0; i && k < m->nexports; k++) {
        if (!str_starts(m->exports[k].name, STR("run")))
            continue;
        if (!run_line(s, i, m->exports[k].name, out))
            break;
        state_lines(m, i, out);
    }
    ref_store_free(s);
    module_free(m);
    types_free(types);
}
