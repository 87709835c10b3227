/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Scripts of the specification's test suite on the reference interpreter. */
#include "ref/script.h"

#include "base/map.h"
#include "ref/interp.h"
#include "wasm/wast/wast.h"

#include <math.h>

typedef struct Script {
    WastScript *wast;
    TypeRegistry *registry;
    RefStore *store;
    FeatureSet features;
    VEC(WasmModule *) modules;
    Map names, registered; /* to RefInstance pointers; their keys are of the script */
    Map definitions;       /* to WasmModule pointers */
    RefInstance *last;     /* NULL: it could not be made */
    RefExtern spectest[16];
    RefScriptCount *count;
    Buf *log;
    u32 line;
} Script;

typedef enum Verdict { PASS, FAIL, SKIP } Verdict;

static Verdict fail(Script *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
static Verdict fail(Script *s, const char *fmt, ...)
{
    va_list ap;
    buf_printf(s->log, "line %u: ", s->line);
    va_start(ap, fmt);
    buf_vprintf(s->log, fmt, ap);
    va_end(ap);
    buf_printf(s->log, "\n");
    return FAIL;
}

static RefStatus host_nothing(void *env, RefVal *vals, TrapCode *ret_trap)
{
    (void)env, (void)vals, (void)ret_trap;
    return REF_OK;
}

/* What the suite calls the module "spectest". */
static const struct {
    const char *name;
    const ValType params[2];
    u32 nparams;
} spectest_funcs[] = {
    {"print", {0}, 0},
    {"print_i32", {VT_I32}, 1},
    {"print_i64", {VT_I64}, 1},
    {"print_f32", {VT_F32}, 1},
    {"print_f64", {VT_F64}, 1},
    {"print_i32_f32", {VT_I32, VT_F32}, 2},
    {"print_f64_f64", {VT_F64, VT_F64}, 2},
};
static const char *const spectest_rest[] = {"global_i32", "global_i64",   "global_f32",
                                            "global_f64", "table",        "table64",
                                            "memory",     "shared_memory"};

static void make_spectest(Script *s)
{
    u32 n = 0;
    for (u32 i = 0; i < ARRAY_LEN(spectest_funcs); i++) {
        u32 type = types_add_func(s->registry, spectest_funcs[i].params, spectest_funcs[i].nparams,
                                  NULL, 0);
        RefFunc *f = ref_host_func(s->store, type, host_nothing, NULL);
        s->spectest[n++] = (RefExtern){.kind = EXTERN_FUNC, .func = f};
    }
    const RefVal values[] = {
        {.u32s = {666}}, {.u64s = {666}}, {.f32s = {666.6f}}, {.f64s = {666.6}}};
    for (u32 i = 0; i < ARRAY_LEN(values); i++) {
        GlobalType t = {.type = VT_I32 + i};
        RefGlobal *g = ref_global_new(s->store, t, values[i]);
        s->spectest[n++] = (RefExtern){.kind = EXTERN_GLOBAL, .global = g};
    }
    for (u32 is64 = 0; is64 < 2; is64++) {
        TableType t = {.elem = VT_FUNCREF, .is64 = is64, .limits = {10, 20, true}};
        s->spectest[n++] =
            (RefExtern){.kind = EXTERN_TABLE, .table = ref_table_new(s->store, t, NULL)};
    }
    for (u32 shared = 0; shared < 2; shared++) {
        MemoryType m = {.limits = {1, 2, true}, .page_size_log2 = 16, .shared = shared};
        s->spectest[n++] =
            (RefExtern){.kind = EXTERN_MEMORY, .memory = ref_memory_new(s->store, m)};
    }
}

static bool find_spectest(const Script *s, Str name, RefExtern *ret_extern)
{
    u32 nfuncs = ARRAY_LEN(spectest_funcs);
    for (u32 i = 0; i < nfuncs + ARRAY_LEN(spectest_rest); i++) {
        const char *known = i < nfuncs ? spectest_funcs[i].name : spectest_rest[i - nfuncs];
        if (str_eq(name, str_of(known))) {
            *ret_extern = s->spectest[i];
            return true;
        }
    }
    return false;
}

static RefInstance *instance_of(const Map *map, Str name)
{
    u64 v = 0;
    map_get(map, name, &v);
    return (RefInstance *)(uintptr_t)v;
}

/* NULL: malformed or invalid, see diag. */
static WasmModule *decode(Script *s, const WastModule *wm, Diag *diag)
{
    Buf binary = {0};
    WasmModule *m = NULL;
    if (wast_module_binary(s->wast, wm, &binary, NULL, diag)) {
        DecodeOptions o = {.features = s->features};
        m = module_decode(s->registry, &o, binary.p, binary.n, diag);
    }
    buf_release(&binary);
    if (m)
        vec_push(&s->modules, m);
    return m;
}

/* Sets status REF_LINK_ERROR with `what` NULL if an import stands on a module that was skipped. */
static RefInstance *instantiate(Script *s, const WasmModule *m, RefResult *ret_result)
{
    RefExtern *imports = mem_alloc_array(m->nimports + 1, sizeof *imports);
    RefInstance *i = NULL;
    *ret_result = (RefResult){.status = REF_OK};
    for (u32 n = 0; n < m->nimports && ret_result->status == REF_OK; n++) {
        const Import *im = &m->imports[n];
        RefInstance *from = instance_of(&s->registered, im->module);
        u64 known;
        if (str_eq(im->module, STR("spectest")) ? find_spectest(s, im->name, &imports[n])
                                                : from && ref_export(from, im->name, &imports[n]))
            continue;
        bool skipped = map_get(&s->registered, im->module, &known) && !from;
        *ret_result = (RefResult){REF_LINK_ERROR, .what = skipped ? NULL : "unknown import"};
    }
    if (ret_result->status == REF_OK)
        i = ref_instantiate(s->store, m, imports, ret_result);
    mem_free(imports);
    return i;
}

static bool lacking(const RefResult *r)
{
    return r->status == REF_UNSUPPORTED || (r->status == REF_LINK_ERROR && !r->what);
}

static Verdict run_module(Script *s, const WasmModule *m, Str name)
{
    RefResult r;
    s->last = instantiate(s, m, &r);
    if (name.n)
        map_set(&s->names, name, (uintptr_t)s->last);
    if (s->last)
        return PASS;
    return lacking(&r) ? SKIP : fail(s, "module does not instantiate: %s", r.what ? r.what : "");
}

static Verdict module_command(Script *s, const WastCommand *c)
{
    Diag diag;
    diag_init(&diag);
    WasmModule *m = decode(s, &c->module, &diag);
    s->last = NULL;
    if (!m && c->module.name.n)
        map_set(&s->names, c->module.name, 0);
    if (!m)
        return diag.kind == DIAG_UNSUPPORTED ? SKIP : fail(s, "%s", diag.msg);
    if (!c->module.is_definition)
        return run_module(s, m, c->module.name);
    map_set(&s->definitions, c->module.name, (uintptr_t)m);
    return PASS;
}

static Verdict instance_command(Script *s, const WastCommand *c)
{
    u64 m;
    if (!map_get(&s->definitions, c->of, &m))
        return fail(s, "unknown definition");
    return run_module(s, (const WasmModule *)(uintptr_t)m, c->name);
}

enum { HOST_REFS = 0x10000 };

static RefVal argument(const WastValue *v)
{
    RefVal r = {0};
    if (v->kind == WAST_VALUE_EXTERN)
        r.ref = (void *)(uintptr_t)(HOST_REFS + v->number);
    else if (v->kind <= WAST_VALUE_V128)
        memcpy(r.u8s, v->bytes, 16);
    return r;
}

static bool float_matches(u64 bits, u32 width, u8 nan, u64 wanted)
{
    u64 quiet = width == 32 ? 0x7fc00000 : 0x7ff8000000000000;
    u64 sign = (u64)1 << (width - 1);
    if (nan == WAST_NAN_NONE)
        return bits == wanted;
    return nan == WAST_NAN_CANONICAL ? (bits & ~sign) == quiet : (bits & quiet) == quiet;
}

static bool vector_matches(const RefVal *r, const WastValue *v)
{
    if (!v->is_float)
        return memcmp(r->u8s, v->bytes, 16) == 0;
    for (u32 i = 0; i < 128U / v->lane_bits; i++) {
        u64 wanted = v->lane_bits == 32 ? load_u32(v->bytes + 4 * i) : load_u64(v->bytes + 8 * i);
        u64 bits = v->lane_bits == 32 ? r->u32s[i] : r->u64s[i];
        if (!float_matches(bits, v->lane_bits, v->nan[i], wanted))
            return false;
    }
    return true;
}

static bool value_matches(const RefVal *r, const WastValue *v)
{
    switch ((WastValueKind)v->kind) {
    case WAST_VALUE_I32:
        return r->u32s[0] == load_u32(v->bytes);
    case WAST_VALUE_I64:
        return r->u64s[0] == load_u64(v->bytes);
    case WAST_VALUE_F32:
        return float_matches(r->u32s[0], 32, v->nan[0], load_u32(v->bytes));
    case WAST_VALUE_F64:
        return float_matches(r->u64s[0], 64, v->nan[0], load_u64(v->bytes));
    case WAST_VALUE_V128:
        return vector_matches(r, v);
    case WAST_VALUE_NULL:
        return !r->ref;
    case WAST_VALUE_EXTERN:
        return v->any ? r->ref != NULL : r->ref == argument(v).ref;
    case WAST_VALUE_HOST:
    case WAST_VALUE_REF:
        return r->ref != NULL;
    case WAST_VALUE_EITHER:
        for (u32 i = 0; i < v->nalternatives; i++)
            if (value_matches(r, &v->alternatives[i]))
                return true;
        return false;
    case WAST_VALUE_COMPONENT:
        return false;
    }
    return false;
}

enum { MAX_VALUES = 1024 };

/* SKIP if the instance is not there because it could not be made. */
static Verdict action(Script *s, const WastAction *a, RefResult *ret_result, RefVal *vals)
{
    RefInstance *i = a->module.n ? instance_of(&s->names, a->module) : s->last;
    RefExtern e;
    *ret_result = (RefResult){.status = REF_OK};
    if (!i)
        return SKIP;
    if (!ref_export(i, a->name, &e) || a->nargs > MAX_VALUES)
        return fail(s, "no export \"%.*s\"", STR_ARG(a->name));
    if (a->kind == WAST_GET) {
        vals[0] = e.global->value;
        return PASS;
    }
    for (u32 n = 0; n < a->nargs; n++)
        vals[n] = argument(&a->args[n]);
    *ret_result = ref_call(s->store, e.func, vals);
    if (ret_result->status != REF_UNSUPPORTED)
        return PASS;
    if (a->module.n) /* its state is not what the script expects from here on */
        map_set(&s->names, a->module, 0);
    else
        s->last = NULL;
    return SKIP;
}

static Verdict assert_return(Script *s, const WastCommand *c)
{
    RefVal vals[MAX_VALUES] = {0};
    RefResult r;
    Verdict v = action(s, &c->action, &r, vals);
    if (v != PASS)
        return v;
    if (r.status != REF_OK)
        return fail(s, "%.*s: status %d, trap %s", STR_ARG(c->action.name), r.status,
                    r.status == REF_TRAPPED ? trap_text(r.trap) : "none");
    for (u32 i = 0; i < c->nresults; i++)
        if (!value_matches(&vals[i], &c->results[i]))
            return fail(s, "%.*s: result %u is %016llx %016llx", STR_ARG(c->action.name), i,
                        (unsigned long long)vals[i].u64s[1], (unsigned long long)vals[i].u64s[0]);
    return PASS;
}

/* The suite's words may be the beginning of ours, or ours of the suite's. */
static bool trap_matches(TrapCode trap, Str message)
{
    static const struct {
        TrapCode code;
        const char *text;
    } names[] = {{TRAP_TABLE_OUT_OF_BOUNDS, "undefined element"},
                 {TRAP_TABLE_OUT_OF_BOUNDS, "out of bounds table access"},
                 {TRAP_UNREACHABLE, "unreachable"},
                 {TRAP_NULL_REFERENCE, "null function reference"},
                 {TRAP_NULL_REFERENCE, "null reference"},
                 {TRAP_INDIRECT_CALL_TO_NULL, "uninitialized element"},
                 {TRAP_HEAP_MISALIGNED, "unaligned atomic"},
                 {TRAP_ATOMIC_WAIT_NON_SHARED, "expected shared memory"}};
    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].code == trap && str_starts(message, str_of(names[i].text)))
            return true;
    return str_starts(str_of(trap_text(trap)), message);
}

static Verdict assert_trap(Script *s, const WastCommand *c)
{
    RefVal vals[MAX_VALUES] = {0};
    RefResult r;
    Diag diag;
    diag_init(&diag);
    if (c->has_module) {
        WasmModule *m = decode(s, &c->module, &diag);
        if (!m)
            return diag.kind == DIAG_UNSUPPORTED ? SKIP : fail(s, "%s", diag.msg);
        instantiate(s, m, &r);
        if (lacking(&r))
            return SKIP;
    } else {
        Verdict v = action(s, &c->action, &r, vals);
        if (v != PASS)
            return v;
    }
    if (r.status != REF_TRAPPED)
        return fail(s, "no trap, but status %d: %s", r.status, r.what ? r.what : "");
    return trap_matches(r.trap, c->message) ? PASS : fail(s, "trap %s", trap_text(r.trap));
}

static Verdict assert_unlinkable(Script *s, const WastCommand *c)
{
    RefResult r;
    Diag diag;
    diag_init(&diag);
    WasmModule *m = decode(s, &c->module, &diag);
    if (!m)
        return diag.kind == DIAG_UNSUPPORTED ? SKIP : fail(s, "%s", diag.msg);
    instantiate(s, m, &r);
    if (lacking(&r))
        return SKIP;
    return r.status == REF_LINK_ERROR ? PASS : fail(s, "it links: status %d", r.status);
}

static Verdict register_command(Script *s, const WastCommand *c)
{
    RefInstance *i = c->name.n ? instance_of(&s->names, c->name) : s->last;
    map_set(&s->registered, c->message, (uintptr_t)i);
    return i ? PASS : SKIP;
}

/* Malformed and invalid modules are the decoder's business, not the interpreter's. */
static Verdict command(Script *s, const WastCommand *c)
{
    RefVal vals[MAX_VALUES] = {0};
    RefResult r;
    switch ((WastKind)c->kind) {
    case WAST_MODULE:
        return module_command(s, c);
    case WAST_INSTANCE:
        return instance_command(s, c);
    case WAST_REGISTER:
        return register_command(s, c);
    case WAST_ACTION:
        return action(s, &c->action, &r, vals);
    case WAST_ASSERT_RETURN:
        return assert_return(s, c);
    case WAST_ASSERT_TRAP:
    case WAST_ASSERT_EXHAUSTION:
        return assert_trap(s, c);
    case WAST_ASSERT_UNLINKABLE:
        return assert_unlinkable(s, c);
    case WAST_ASSERT_MALFORMED:
    case WAST_ASSERT_INVALID:
    case WAST_ASSERT_MALFORMED_CUSTOM:
    case WAST_ASSERT_INVALID_CUSTOM:
    case WAST_ASSERT_EXCEPTION:
    case WAST_ASSERT_SUSPENSION:
    case WAST_THREAD:
    case WAST_WAIT:
        return SKIP;
    }
    return SKIP;
}

static void script_release(Script *s)
{
    ref_store_free(s->store);
    for (u32 i = 0; i < s->modules.n; i++)
        module_free(s->modules.p[i]);
    vec_release(&s->modules);
    map_release(&s->names);
    map_release(&s->registered);
    map_release(&s->definitions);
    types_free(s->registry);
    wast_close(s->wast);
}

void ref_script_run(Str source, FeatureSet features, RefScriptCount *count, Buf *log)
{
    Script s = {.wast = wast_open(source),
                .registry = types_new(),
                .features = features,
                .count = count,
                .log = log};
    WastCommand c;
    Diag diag;
    diag_init(&diag);
    s.store = ref_store_new(s.registry, ref_limits_default());
    make_spectest(&s);
    while (wast_next(s.wast, &c, &diag)) {
        s.line = c.line;
        Verdict v = command(&s, &c);
        *(v == PASS ? &count->passed : v == FAIL ? &count->failed : &count->skipped) += 1;
    }
    if (!diag_ok(&diag)) {
        fail(&s, "script: %s", diag.msg);
        count->failed++;
    }
    script_release(&s);
}
