/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "unit/engine/slot_bed.h"

#include "wasm/text/text.h"

void slot_bed_configure(SlotBed *b)
{
    *b = (SlotBed){0};
    engine_config_init(&b->config);
}

void slot_bed_begin(SlotBed *b, const SlotOptions *o)
{
    if (engine_new(&b->config, &b->engine))
        test_skip("no such processor");
    b->options = *o;
    b->images = slot_images_new();
}

void slot_bed_init(SlotBed *b, const SlotOptions *o, u64 reservation)
{
    slot_bed_configure(b);
    b->config.tunables.signal_traps = reservation != SLOT_BED_EXACT;
    b->config.tunables.memory_reservation =
        reservation == SLOT_BED_EXACT ? (u64)64 << 20 : reservation;
    slot_bed_begin(b, o);
}

void slot_bed_module(SlotBed *b, const char *wat)
{
    Buf bytes = {0};
    Diag diag;
    diag_init(&diag);
    ALWAYS(b->nmodules < SLOT_BED_MODULES);
    if (!text_parse_module(str_of(wat), &(TextOptions){0}, &bytes, NULL, &diag))
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    Error *e = engine_module_new(b->engine, bytes.p, bytes.n, &diag, &b->modules[b->nmodules++]);
    if (e)
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    buf_release(&bytes);
}

void slot_bed_release(SlotBed *b)
{
    for (u32 k = 0; k < b->nmodules; k++)
        module_unref(b->modules[k]);
    slot_images_unref(b->images);
    engine_free(b->engine);
}

static u32 add_one(void *env, VmCtx *caller, u32 n)
{
    (void)env;
    (void)caller;
    return n + 1;
}

/* The host's function, or what the first instance exports. */
static u32 imports_of(const SlotRun *r, const Module *m, Extern *ret)
{
    const WasmModule *w = module_wasm(m);
    ALWAYS(w->nimports <= 8);
    for (u32 k = 0; k < w->nimports; k++)
        if (r->n == 0)
            ret[k] = r->import;
        else
            EXPECT(instance_export(r->instances[0], w->imports[k].name, &ret[k]));
    return w->nimports;
}

void slot_run_init(SlotRun *r, SlotBed *b, bool frozen)
{
    *r = (SlotRun){.import = {.kind = EXTERN_FUNC}};
    EXPECT(!engine_store_new(b->engine, &r->store));
    store_set_fuel(r->store, b->fuel);
    if (frozen)
        store_will_freeze(r->store);
    const ValType i32s[] = {VT_I32};
    u32 type = types_add_func(engine_types(b->engine), i32s, 1, i32s, 1);
    EXPECT(!store_host_func(r->store, type, true, (void *)add_one, NULL, &r->import.func));
    types_unref(engine_types(b->engine), type);
    for (; r->n < b->nmodules; r->n++) {
        Extern imports[8];
        u32 n = imports_of(r, b->modules[r->n], imports);
        EXPECT(!instance_new(r->store, b->modules[r->n], imports, n, &r->instances[r->n]));
    }
    if (frozen)
        EXPECT(!store_freeze(r->store, &b->options, b->images));
}

void slot_run_release(SlotRun *r)
{
    store_free(r->store);
}

u64 slot_run_any(SlotRun *r, u32 instance, const char *name, u32 x, u32 y)
{
    Extern f;
    EXPECT(instance_export(r->instances[instance], str_of(name), &f));
    VmVal vals[2] = {{.i32 = (i32)x}, {.i32 = (i32)y}};
    Error *e = func_call(r->store, f.func, vals);
    if (!e)
        return (u32)vals[0].i32;
    const Error *trap = error_find(e, ERROR_TRAP);
    EXPECT(trap);
    u64 code = (u64)1 << 32 | (u32)trap->value;
    error_free(e);
    return code;
}

u32 slot_run_call(SlotRun *r, u32 instance, const char *name, u32 x, u32 y)
{
    u64 v = slot_run_any(r, instance, name, x, y);
    if (v >> 32)
        test_fail(__FILE__, __LINE__, "%s(%u, %u): %s", name, x, y, trap_text((TrapCode)(u32)v));
    return (u32)v;
}

void slot_run_trap_at(SlotRun *r, u32 instance, const char *name, u32 x, TrapCode code)
{
    EXPECT_EQ(slot_run_any(r, instance, name, x, 0), (u64)1 << 32 | code);
}

void slot_run_trap(SlotRun *r, u32 instance, const char *name, TrapCode code)
{
    slot_run_trap_at(r, instance, name, UINT32_MAX, code);
}

static void same_export(SlotRun *a, SlotRun *b, u32 instance, u32 n)
{
    Extern x = instance_export_nth(a->instances[instance], n);
    Extern y = instance_export_nth(b->instances[instance], n);
    u64 nx = 0, ny = 0;
    if (x.kind == EXTERN_MEMORY) {
        const u8 *p = memory_data(x.memory, &nx), *q = memory_data(y.memory, &ny);
        EXPECT(nx == ny && memcmp(p, q, nx) == 0);
    } else if (x.kind == EXTERN_TABLE) {
        const u64 *p = table_elems(x.table, &nx), *q = table_elems(y.table, &ny);
        EXPECT_EQ(nx, ny);
        for (u64 k = 0; k < nx; k++)
            EXPECT(!p[k] == !q[k]);
    } else if (x.kind == EXTERN_GLOBAL) {
        EXPECT(memcmp(global_value(x.global), global_value(y.global), sizeof(VmVal)) == 0);
    }
}

void slot_run_same(SlotRun *a, SlotRun *b)
{
    for (u32 k = 0; k < a->n; k++)
        for (u32 n = 0; n < module_wasm(instance_module(a->instances[k]))->nexports; n++)
            same_export(a, b, k, n);
}
