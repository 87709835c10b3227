/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Option groups -O -C -D -W as an EngineConfig. */
#include "cli/engine_setup.h"

#include "cli/cache_config.h"
#include "cli/target.h"

#include <stdlib.h>

enum { GUARD_ALIGN = 1 << 16, SERVED_MEMORIES = 1024 };

/* A proposal is what its own key says, else what all-proposals says, else on or off by default. */
static FeatureSet wanted_features(const Options *o)
{
    static const struct {
        const char *key;
        FeatureSet bit;
        bool all;
    } rows[] = {
#define FEATURE(id, name, on, all) {name, FEATURE_MASK(id), all},
#include "wasm/features.def"
#undef FEATURE
    };
    FeatureSet set = features_default();
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        if (!*rows[i].key)
            continue;
        Str rest;
        OptId id = options_find(GROUP_W, str_of(rows[i].key), &rest);
        ALWAYS(id < OPT_COUNT);
        bool on = set & rows[i].bit;
        if (opt_given(o, id))
            on = opt_bool(o, id);
        else if (rows[i].all && opt_given(o, OPT_W_all_proposals))
            on = opt_bool(o, OPT_W_all_proposals);
        set = on ? set | rows[i].bit : set & ~rows[i].bit;
    }
    if (!opt_bool(o, OPT_W_gc_support))
        set &= ~(FEATURE_MASK(GC) | FEATURE_MASK(EXCEPTIONS));
    return set;
}

static void set_tunables(const Options *o, Tunables *t)
{
    t->fuel = opt_given(o, OPT_W_fuel);
    t->epoch = opt_bool(o, OPT_W_epoch_interruption);
    t->nan_canonicalization = opt_bool(o, OPT_W_nan_canonicalization);
    t->relaxed_simd_deterministic = opt_bool(o, OPT_W_relaxed_simd_deterministic);
    if (!opt_bool(o, OPT_O_signals_based_traps))
        t->signal_traps = false;
    if (!opt_bool(o, OPT_O_memory_may_move) || opt_bool(o, OPT_O_static_memory_forced))
        t->memory_may_move = false;
    t->memory_reservation =
        opt_u64_or(o, OPT_O_memory_reservation,
                   opt_u64_or(o, OPT_O_static_memory_maximum_size, t->memory_reservation));
    u64 guard = opt_u64_or(o, OPT_O_memory_guard_size,
                           opt_u64_or(o, OPT_O_static_memory_guard_size, t->memory_guard));
    t->memory_guard = align_up(MIN(guard, (u64)1 << 46), GUARD_ALIGN);
}

static bool reservation_given(const Options *o)
{
    static const OptId ids[] = {OPT_O_memory_reservation, OPT_O_static_memory_maximum_size,
                                OPT_O_memory_guard_size, OPT_O_static_memory_guard_size};
    for (usize i = 0; i < ARRAY_LEN(ids); i++)
        if (opt_given(o, ids[i]))
            return true;
    return false;
}

static void set_limits(const Options *o, StoreLimits *l)
{
    l->memory_bytes = opt_u64_or(o, OPT_W_max_memory_size, l->memory_bytes);
    l->table_elements = opt_u64_or(o, OPT_W_max_table_elements, l->table_elements);
    l->instances = (u32)MIN(opt_u64(o, OPT_W_max_instances), UINT32_MAX);
    l->memories = (u32)MIN(opt_u64(o, OPT_W_max_memories), UINT32_MAX);
    l->tables = (u32)MIN(opt_u64(o, OPT_W_max_tables), UINT32_MAX);
    l->trap_on_grow_failure = opt_bool(o, OPT_W_trap_on_grow_failure);
}

/* Setting one of the two stack sizes moves the default of the other out of the way. */
MUST_CHECK static Error *check_stacks(const Options *o)
{
    u64 wasm = opt_u64(o, OPT_W_max_wasm_stack);
    u64 async = opt_u64(o, OPT_W_async_stack_size);
    if (wasm == 0)
        return error_new("max_wasm_stack size cannot be zero");
    if (opt_given(o, OPT_W_max_wasm_stack) && !opt_given(o, OPT_W_async_stack_size))
        return NULL;
    if (wasm > async)
        return error_new("max_wasm_stack size cannot exceed the async_stack_size");
    return NULL;
}

/* Zero is as if the key was not given, but without the note, as in Wasmtime. */
static void set_backtrace(const Options *o, EngineConfig *config)
{
    u64 frames = opt_u64(o, OPT_D_max_backtrace);
    const char *details = getenv("WASMTIME_BACKTRACE_DETAILS");
    bool wanted = details && strcmp(details, "1") == 0;
    if (frames)
        config->max_backtrace = (u32)MIN(frames, UINT32_MAX);
    config->no_offsets = !opt_bool(o, OPT_D_address_map);
    config->details = frames && wanted;
    config->details_note = frames && !wanted;
}

Error *engine_setup_config(const CmdLine *c, EngineUse use, EngineConfig *ret_config)
{
    const Options *o = &c->options;
    EngineConfig config;
    engine_config_init(&config);
    if (use == ENGINE_SERVE)
        engine_config_memories(&config, SERVED_MEMORIES);
    Error *e = check_stacks(o);
    if (!e)
        e = cache_config_check(o);
    if (e)
        return e;
    config.features = wanted_features(o);
    if ((config.features & (FEATURE_MASK(SIMD) | FEATURE_MASK(RELAXED_SIMD))) ==
        FEATURE_MASK(RELAXED_SIMD))
        return error_new("cannot disable the simd proposal but enable the relaxed simd proposal");
    set_tunables(o, &config.tunables);
    config.memories_given = reservation_given(o);
    e = target_setup(c, &config.tunables);
    if (e)
        return e;
    set_limits(o, &config.limits);
    config.max_wasm_stack = opt_u64(o, OPT_W_max_wasm_stack);
    set_backtrace(o, &config);
    if (!opt_bool(o, OPT_C_parallel_compilation))
        config.compile_threads = 1;
    config.lazy = use != ENGINE_COMPILE;
    config.tunables.direct_calls = use == ENGINE_COMPILE;
    *ret_config = config;
    return NULL;
}

Error *engine_setup(const CmdLine *c, EngineUse use, Engine **ret_engine)
{
    EngineConfig config;
    Error *e = engine_setup_config(c, use, &config);
    return e ? e : engine_new(&config, ret_engine);
}

Error *engine_setup_store(const CmdLine *c, Engine *engine, Store **ret_store)
{
    const Options *o = &c->options;
    Store *store = NULL;
    Error *e = engine_store_new(engine, &store);
    if (e)
        return e;
    if (opt_given(o, OPT_W_fuel))
        store_set_fuel(store, opt_u64(o, OPT_W_fuel));
    if (opt_bool(o, OPT_W_epoch_interruption))
        store_set_epoch_deadline(store, 1);
    *ret_store = store;
    return NULL;
}
