/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The choice of an adapter, by what the module imports and exports. */
#include "cli/adapt.h"

#include "cli/builtin.h"
#include "wasm/module.h"

#define PREVIEW1 "wasi_snapshot_preview1"

static AdapterKind kind_of(const WasmModule *m)
{
    AdapterKind kind = ADAPTER_REACTOR;
    for (u32 i = 0; i < m->nexports; i++) {
        Str name = m->exports[i].name;
        if (str_eq(name, STR("_start")))
            return ADAPTER_COMMAND;
        if (str_starts(name, STR("wasi:http/incoming-handler@")))
            kind = ADAPTER_PROXY;
    }
    return kind;
}

Error *adapt_find(const u8 *p, usize n, bool *ret_needed, WrapAdapter *ret_adapter)
{
    TypeRegistry *r = types_new();
    DecodeOptions o = {.features = ~(FeatureSet)0};
    Diag diag;
    diag_init(&diag);
    WasmModule *m = module_decode(r, &o, p, n, &diag);
    AdapterKind kind = m ? kind_of(m) : ADAPTER_REACTOR;
    *ret_needed = false;
    for (u32 i = 0; m && i < m->nimports && !*ret_needed; i++)
        *ret_needed = str_eq(m->imports[i].module, STR(PREVIEW1));
    module_free(m);
    types_free(r);
    Str bytes;
    Error *e = *ret_needed ? builtin_adapter(kind, &bytes) : NULL;
    if (*ret_needed && !e)
        *ret_adapter = (WrapAdapter){STR(PREVIEW1), (const u8 *)bytes.p, bytes.n};
    return e;
}
