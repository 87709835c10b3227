/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Every vector instruction as compiled code against the reference interpreter: with operands in
 * locals, and as temporaries under register pressure with the result going to a local; with all
 * CPU features and with none. What relaxed instructions compute is open: they are compared in the
 * deterministic profile, and otherwise left to the suite's scripts.
 */
#include "backend/x64/cpu.h"
#include "ref/interp.h"
#include "unit/compile/harness.h"
#include "wasm/insn.h"
#include "wasm/text/text.h"

#include <math.h>
#include <stdio.h>

static const OpId FIRST = OP_v128_load, LAST = OP_i32x4_relaxed_dot_i8x16_i7x16_add_s;
enum { ROUNDS = 24 };

static const char *type_name(char c)
{
    switch (c) {
    case 'v':
        return "v128";
    case 'l':
        return "i64";
    case 'f':
        return "f32";
    case 'd':
        return "f64";
    default: /* i32 and addresses */
        return "i32";
    }
}

static void put_immediates(Buf *b, OpId op, u32 seed)
{
    static const u8 lanes[] = {16, 8, 4, 2};
    u32 log2 = op_infos[op].flags / OPF_W8 ? op_access_log2(op) : 0;
    if (strncmp(op_infos[op].text, "i16x8", 5) == 0)
        log2 = 1;
    if (strncmp(op_infos[op].text + 1, "32x4", 4) == 0)
        log2 = 2;
    if (strncmp(op_infos[op].text + 1, "64x2", 4) == 0)
        log2 = 3;
    switch (op_infos[op].imm) {
    case IMM_LANE:
        buf_printf(b, " %u", seed % lanes[log2]);
        break;
    case IMM_MEMARG:
        buf_printf(b, " offset=%u", seed % 5);
        break;
    case IMM_MEMARG_LANE:
        buf_printf(b, " offset=%u %u", seed % 5, seed % lanes[log2]);
        break;
    case IMM_SHUFFLE:
        for (u32 i = 0; i < 16; i++)
            buf_printf(b, " %u", (seed * 7 + i * (seed % 11)) % 32);
        break;
    case IMM_V128:
        buf_printf(b, " i32x4 1 0x%x -1 7", seed);
        break;
    default:
        break;
    }
}

/* A value that is computed, and equal to the parameter. */
static void put_temporary(Buf *b, char type, u32 param)
{
    static const struct {
        char type;
        const char *op;
    } twice[] = {{'v', "v128.not"}, {'f', "f32.neg"}, {'d', "f64.neg"}};
    for (u32 i = 0; i < ARRAY_LEN(twice); i++) {
        if (twice[i].type == type) {
            buf_printf(b, " (%s (%s (local.get %u)))", twice[i].op, twice[i].op, param);
            return;
        }
    }
    buf_printf(b, " (%s.xor (local.get %u) (%s.const 0))", type_name(type), param, type_name(type));
}

/* One function: "<text>" with locals as operands or "<text>!" with temporaries. */
static void put_func(Buf *b, OpId op, bool pressure)
{
    const char *sig = op_infos[op].sig, *colon = strchr(sig, ':');
    u32 nparams = (u32)(colon - sig), live = pressure ? 6 : 0;
    char result = colon[1] ? colon[1] : 'v';
    buf_printf(b, "(func (export \"%s%s\")", op_infos[op].text, pressure ? "!" : "");
    for (u32 i = 0; i < nparams; i++)
        buf_printf(b, " (param %s)", type_name(sig[i]));
    buf_printf(b, " (result %s) (local %s v128)", type_name(result), type_name(result));
    for (u32 i = 0; i < live; i++) /* values that stay on the stack meanwhile */
        buf_printf(b, " (v128.not (v128.const i32x4 %u 2 3 4))", i);
    for (u32 i = 0; i < nparams; i++) {
        if (pressure)
            put_temporary(b, sig[i], i);
        else
            buf_printf(b, " local.get %u", i);
    }
    buf_printf(b, " %s", op_infos[op].text);
    put_immediates(b, op, op * 5u + pressure);
    if (!colon[1])
        buf_printf(b, " i32.const 96 v128.load");
    buf_printf(b, " local.set %u", nparams);
    for (u32 i = 0; i + 1 < live; i++)
        buf_printf(b, " v128.xor");
    if (live)
        buf_printf(b, " local.set %u", nparams + 1);
    buf_printf(b, " local.get %u", nparams);
    if (live && result == 'v') /* flips a bit that the values above leave set */
        buf_printf(b, " local.get %u v128.xor", nparams + 1);
    buf_printf(b, ")\n");
}

static char *module_text(void)
{
    Buf b = {0};
    buf_printf(&b, "(memory 1) (data (i32.const 90)"
                   " \"0123456789\\80\\ff\\7f\\f0abcdefghijklmnopqrstuvwxyz\")\n");
    for (OpId op = FIRST; op <= LAST; op++) {
        put_func(&b, op, false);
        put_func(&b, op, true);
    }
    return buf_take_string(&b);
}

typedef struct Oracle {
    TypeRegistry *types;
    WasmModule *module;
    RefStore *store;
    RefInstance *instance;
    Buf binary;
} Oracle;

static Oracle oracle_new(const char *wat)
{
    Oracle o = {.types = types_new()};
    Diag d;
    diag_init(&d);
    EXPECT(text_parse_module(str_of(wat), &(TextOptions){0}, &o.binary, NULL, &d));
    DecodeOptions options = {.features = features_default()};
    o.module = module_decode(o.types, &options, o.binary.p, o.binary.n, &d);
    if (!o.module)
        test_fail(__FILE__, __LINE__, "%s", d.msg);
    o.store = ref_store_new(o.types, ref_limits_default());
    RefResult r;
    o.instance = ref_instantiate(o.store, o.module, NULL, &r);
    EXPECT(o.instance);
    return o;
}

static void oracle_free(Oracle *o)
{
    ref_store_free(o->store);
    module_free(o->module);
    types_free(o->types);
    buf_release(&o->binary);
}

static u64 random_u64(u64 *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* Any bits, small lanes, or floats of both widths. */
static u64 operand_bits(u32 round, u64 *seed)
{
    static const float floats[] = {0, -0.0f, 1.5f, -2.5f, 3e9f, -3e9f, 1e20f, NAN, INFINITY};
    static const double doubles[] = {0, -0.0, 1.5, -2.5, 3e9, -3e9, 1e300, NAN, -INFINITY};
    u64 r = random_u64(seed), bits;
    if (round % 3 == 0)
        return r;
    if (round % 3 == 1) {
        memcpy(&bits, &doubles[r % ARRAY_LEN(doubles)], 8);
        return bits;
    }
    u32 half[2];
    memcpy(&half[0], &floats[r % ARRAY_LEN(floats)], 4);
    memcpy(&half[1], &floats[r / 16 % ARRAY_LEN(floats)], 4);
    return (u64)half[1] << 32 | half[0];
}

/* Equal bits, or NaN in the same lanes of a float instruction. */
static bool same(OpId op, const RefVal *x, const RefVal *y, u32 bytes)
{
    const char *t = op_infos[op].text;
    bool single = strncmp(t, "f32x4", 5) == 0, twice = strncmp(t, "f64x2", 5) == 0;
    bool ok = true;
    for (u32 i = 0; i < 4 && single && 4 * i < bytes; i++)
        ok &= x->u32s[i] == y->u32s[i] || (isnan(x->f32s[i]) && isnan(y->f32s[i]));
    for (u32 i = 0; i < 2 && twice && 8 * i < bytes; i++)
        ok &= x->u64s[i] == y->u64s[i] || (isnan(x->f64s[i]) && isnan(y->f64s[i]));
    return single || twice ? ok : memcmp(x, y, bytes) == 0;
}

static u32 result_bytes(OpId op)
{
    const char *colon = strchr(op_infos[op].sig, ':');
    return colon[1] == 'i' || colon[1] == 'f' ? 4 : colon[1] == 'l' || colon[1] == 'd' ? 8 : 16;
}

static void compare(Harness *h, Oracle *o, OpId op, const char *suffix, bool relaxed)
{
    char name[64];
    const char *sig = op_infos[op].sig;
    u64 seed = 77 + op;
    snprintf(name, sizeof name, "%s%s", op_infos[op].text, suffix);
    RefExtern f;
    EXPECT(ref_export(o->instance, str_of(name), &f));
    for (u32 round = 0; round < ROUNDS; round++) {
        RefVal want[4] = {0};
        VmVal got[4] = {0};
        for (u32 i = 0; sig[i] != ':'; i++) {
            want[i].u64s[0] = operand_bits(round, &seed);
            want[i].u64s[1] = sig[i] == 'v' ? operand_bits(round, &seed) : 0;
            if (sig[i] == 'a')
                want[i].u64s[0] = 90 + want[i].u64s[0] % 16;
            if (sig[i] == 'i' || sig[i] == 'f')
                want[i].u64s[0] = want[i].u32s[0];
            memcpy(&got[i], &want[i], 16);
        }
        RefVal in[4];
        memcpy(in, want, sizeof in);
        EXPECT_EQ(harness_call(h, name, got), HARNESS_OK);
        if (!relaxed && op_infos[op].feature == FEATURE_BIT_RELAXED_SIMD)
            continue;
        EXPECT_EQ(ref_call(o->store, f.func, want).status, REF_OK);
        if (!same(op, (RefVal *)got, want, result_bytes(op)))
            test_fail(__FILE__, __LINE__,
                      "%s of %016llx_%016llx and %016llx_%016llx is %016llx_%016llx, expected "
                      "%016llx_%016llx",
                      name, (unsigned long long)in[0].u64s[1], (unsigned long long)in[0].u64s[0],
                      (unsigned long long)in[1].u64s[1], (unsigned long long)in[1].u64s[0],
                      (unsigned long long)got[0].pair[1], (unsigned long long)got[0].pair[0],
                      (unsigned long long)want[0].u64s[1], (unsigned long long)want[0].u64s[0]);
    }
}

static void compare_all(X64CpuSet cpu, bool deterministic)
{
    char *wat = module_text();
    EngineConfig config;
    engine_config_init(&config);
    config.tunables.cpu = cpu;
    config.tunables.relaxed_simd_deterministic = deterministic;
    Harness h = harness_new(wat, &config);
    Oracle o = oracle_new(wat);
    for (OpId op = FIRST; op <= LAST; op++) {
        compare(&h, &o, op, "", deterministic);
        compare(&h, &o, op, "!", deterministic);
    }
    oracle_free(&o);
    harness_free(&h);
    mem_free(wat);
}

TEST(baseline_simd_equals_the_reference)
{
    X64CpuSet here;
    EXPECT(x64_cpu_detect(&here));
    compare_all(here, false);
}

/* Without fused multiply-add, too, which then is a call. */
TEST(baseline_relaxed_simd_is_deterministic_if_asked_to)
{
    X64CpuSet here;
    EXPECT(x64_cpu_detect(&here));
    compare_all(here, true);
    compare_all(X64_CPU_SET_BASE, true);
}

TEST(baseline_simd_of_the_oldest_cpu_equals_the_reference)
{
    compare_all(X64_CPU_SET_BASE, false);
}

static void access_the_end(const EngineConfig *config)
{
    Harness h = harness_new("(memory 1)"
                            "(func (export \"load\") (param i32) (result i32)"
                            " (v128.any_true (v128.load (local.get 0))))"
                            "(func (export \"splat\") (param i32) (result i32)"
                            " (v128.any_true (v128.load16_splat (local.get 0))))"
                            "(func (export \"lane\") (param i32) (result i32)"
                            " (v128.any_true (v128.load64_lane 1 (local.get 0)"
                            "  (v128.const i64x2 0 0))))"
                            "(func (export \"store\") (param i32) (result i32)"
                            " (v128.store32_lane 2 (local.get 0) (v128.const i64x2 0 0))"
                            " (i32.const 0))",
                            config);
    static const struct {
        const char *name;
        u32 bytes;
    } cases[] = {{"load", 16}, {"splat", 2}, {"lane", 8}, {"store", 4}};
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        EXPECT_EQ(harness_run(&h, cases[i].name, 65536 - cases[i].bytes, 0, 0), 0);
        harness_trap(&h, cases[i].name, 65537 - cases[i].bytes, 0, TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    harness_free(&h);
}

TEST(baseline_simd_traps_at_the_memory_end)
{
    EngineConfig config;
    engine_config_init(&config);
    access_the_end(&config);
    config.tunables.memory_reservation = 0; /* checked instead of guarded */
    config.tunables.memory_guard = 0;
    access_the_end(&config);
}
