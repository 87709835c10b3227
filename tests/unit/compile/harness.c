/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The engine, with one instance. */
#include "unit/compile/harness.h"

#include "wasm/text/text.h"

static void must(Error *e, const char *what)
{
    if (!e)
        return;
    Buf text = {0};
    error_format(e, &text);
    test_fail(__FILE__, __LINE__, "%s: %.*s", what, (int)text.n, (const char *)text.p);
}

Harness harness_new(const char *wat, const EngineConfig *config)
{
    Harness h = {0};
    EngineConfig c;
    engine_config_init(&c);
    if (config)
        c = *config;
    must(engine_new(&c, &h.engine), "engine");
    must(engine_store_new(h.engine, &h.store), "store");
    Diag d;
    diag_init(&d);
    Buf bin = {0};
    if (!text_parse_module(str_of(wat), &(TextOptions){0}, &bin, NULL, &d))
        test_fail(__FILE__, __LINE__, "text: %s at %llu", d.msg, (unsigned long long)d.offset);
    must(engine_module_new(h.engine, bin.p, bin.n, &d, &h.module), "module");
    buf_release(&bin);
    must(instance_new(h.store, h.module, NULL, 0, &h.instance), "instance");
    return h;
}

void harness_free(Harness *h)
{
    store_free(h->store);
    module_unref(h->module);
    engine_free(h->engine);
}

int harness_call(Harness *h, const char *name, VmVal *vals)
{
    Extern e;
    if (!instance_export(h->instance, str_of(name), &e) || e.kind != EXTERN_FUNC)
        test_fail(__FILE__, __LINE__, "no function %s", name);
    Error *error = func_call(h->store, e.func, vals);
    if (!error)
        return HARNESS_OK;
    const Error *trap = error_find(error, ERROR_TRAP);
    if (!trap)
        must(error, name);
    int code = trap->value;
    error_free(error);
    return code;
}

u64 harness_run(Harness *h, const char *name, u64 a, u64 b, u64 c)
{
    VmVal vals[16] = {{.ref = a}, {.ref = b}, {.ref = c}};
    int trap = harness_call(h, name, vals);
    if (trap != HARNESS_OK)
        test_fail(__FILE__, __LINE__, "%s: trap: %s", name, trap_text((TrapCode)trap));
    Extern e;
    EXPECT(instance_export(h->instance, str_of(name), &e));
    const FuncType *t = func_type(h->store, e.func);
    return t->nresults && t->results[0] == VT_I32 ? (u32)vals[0].ref : vals[0].ref;
}

void harness_trap(Harness *h, const char *name, u64 a, u64 b, TrapCode trap)
{
    VmVal vals[16] = {{.ref = a}, {.ref = b}};
    int got = harness_call(h, name, vals);
    if (got != (int)trap)
        test_fail(__FILE__, __LINE__, "%s: %s, expected %s", name,
                  got == HARNESS_OK ? "no trap" : trap_text((TrapCode)got), trap_text(trap));
}
