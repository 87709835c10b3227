/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:config: variables that the command line gave. Nothing of it can fail. */
#include "base/utf8.h"
#include "bind/wasi_config_store.h"
#include "wasi/p2/p2_priv.h"

MUST_CHECK static Error *add_pair(P2Pairs *p, Str text)
{
    const char *eq = text.n ? memchr(text.p, '=', text.n) : NULL;
    if (!eq)
        return error_new("`%.*s` is not of the form NAME=VALUE", STR_ARG(text));
    if (!utf8_valid(text.p, text.n))
        return error_new("`%.*s` is not valid UTF-8", STR_ARG(text));
    usize n = (usize)(eq - text.p);
    const char *kept = arena_strdup(&p->arena, text);
    P2Pair pair = {{kept, n}, {kept + n + 1, text.n - n - 1}};
    u64 at;
    if (map_get(&p->index, pair.name, &at)) {
        p->list.p[at].value = pair.value;
        return NULL;
    }
    map_add(&p->index, pair.name, p->list.n);
    vec_push(&p->list, pair);
    return NULL;
}

Error *p2_pairs_new(const Str *pairs, u32 n, P2Pairs **ret_pairs)
{
    P2Pairs *p = mem_alloc(sizeof *p);
    Error *e = NULL;
    *ret_pairs = p;
    for (u32 i = 0; i < n && !e; i++)
        e = add_pair(p, pairs[i]);
    return e;
}

void p2_pairs_free(P2Pairs *p)
{
    if (!p)
        return;
    map_release(&p->index);
    vec_release(&p->list);
    arena_release(&p->arena);
    mem_free(p);
}

void wasi_config_store_get(LiftCall *call, Str key,
                           WasiConfigStoreResultOptionStringError *ret_result)
{
    const P2Pairs *p = p2_of(call)->config;
    u64 at = 0;
    ret_result->is_err = false;
    ret_result->as.ok.some = map_get(&p->index, key, &at);
    if (ret_result->as.ok.some)
        ret_result->as.ok.value = p->list.p[at].value;
}

void wasi_config_store_get_all(LiftCall *call,
                               WasiConfigStoreResultListTuple2StringStringError *ret_result)
{
    const P2Pairs *p = p2_of(call)->config;
    WasiConfigStoreTuple2StringString *out = lift_alloc(call, p->list.n, sizeof *out);
    for (u32 i = 0; i < p->list.n; i++)
        out[i] = (WasiConfigStoreTuple2StringString){p->list.p[i].name, p->list.p[i].value};
    ret_result->is_err = false;
    ret_result->as.ok = (WasiConfigStoreListTuple2StringString){out, p->list.n};
}
