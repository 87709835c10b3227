/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The name section: names of the module and of its functions, as slices of the module. It is
 * indexed on first use, and what of it is malformed is left out; nothing depends on it but texts.
 *
 * Source: https://webassembly.github.io/spec/core/appendix/custom.html
 */
#include "wasm/names.h"

#include "base/vec.h"
#include "wasm/read.h"

#include <stdlib.h>

typedef struct NameEntry {
    u32 func;
    u32 at, size; /* in the module's bytes */
} NameEntry;

typedef struct NameIndex {
    Str module;
    VEC(NameEntry) funcs; /* by rising index */
} NameIndex;

void names_free(NameIndex *names)
{
    if (!names)
        return;
    vec_release(&names->funcs);
    mem_free(names);
}

static int by_func(const void *a, const void *b)
{
    const NameEntry *x = a, *y = b;
    if (x->func != y->func)
        return x->func < y->func ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Indices should rise, but adapters that tools cut to size begin with one that was added last. Of
 * several names of a function the first counts. */
static void read_func_names(NameIndex *names, Reader *r)
{
    bool rising = true;
    u32 n = read_count(r, UINT32_MAX, "names");
    for (u32 i = 0; i < n; i++) {
        u32 func = read_u32(r);
        Str name = read_name(r);
        if (!read_ok(r))
            break;
        rising &= names->funcs.n == 0 || names->funcs.p[names->funcs.n - 1].func < func;
        vec_push(&names->funcs,
                 ((NameEntry){func, (u32)(name.p - (const char *)r->base), (u32)name.n}));
    }
    if (!rising)
        qsort(names->funcs.p, names->funcs.n, sizeof *names->funcs.p, by_func);
}

enum { NAMES_MODULE = 0, NAMES_FUNCTIONS = 1 };

static NameIndex *names_read(const WasmModule *m)
{
    NameIndex *names = mem_alloc(sizeof *names);
    Str payload;
    if (!module_custom(m, STR("name"), &payload))
        return names;
    Diag diag;
    diag_init(&diag);
    Reader r = {.at = (const u8 *)payload.p,
                .end = (const u8 *)payload.p + payload.n,
                .base = m->bytes,
                .m = m,
                .diag = &diag};
    while (r.at < r.end) {
        u8 id = read_u8(&r);
        u32 size = read_u32(&r);
        const u8 *p = read_bytes(&r, size);
        if (!p)
            break;
        Diag inner_diag;
        diag_init(&inner_diag);
        Reader inner = {.at = p, .end = p + size, .base = r.base, .m = m, .diag = &inner_diag};
        if (id == NAMES_MODULE)
            names->module = read_name(&inner);
        else if (id == NAMES_FUNCTIONS && names->funcs.n == 0)
            read_func_names(names, &inner);
    }
    return names;
}

/* Threads may race to make it: the first one wins. */
static const NameIndex *names_of(const WasmModule *m)
{
    NameIndex **place = &((WasmModule *)(uintptr_t)m)->names;
    NameIndex *have = __atomic_load_n(place, __ATOMIC_ACQUIRE);
    if (have)
        return have;
    NameIndex *made = names_read(m);
    if (__atomic_compare_exchange_n(place, &have, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return made;
    names_free(made);
    return have;
}

Str module_name(const WasmModule *m)
{
    return names_of(m)->module;
}

Str module_func_name(const WasmModule *m, u32 func)
{
    const NameIndex *names = names_of(m);
    u32 lo = 0, hi = names->funcs.n;
    while (lo < hi) {
        u32 mid = (lo + hi) / 2;
        if (names->funcs.p[mid].func < func)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == names->funcs.n || names->funcs.p[lo].func != func)
        return (Str){0};
    return (Str){(const char *)m->bytes + names->funcs.p[lo].at, names->funcs.p[lo].size};
}
