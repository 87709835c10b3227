/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Puts the functions of preview 0 and 1 into a linker. The host function of a row of p1.def finds
 * the caller's memory, runs p1_<name> and turns an error into the end of the guest.
 */
#include "wasi/p1/p1.h"

#include "wasi/p1/p1_priv.h"

#include <stdio.h>

/* `caller` is NULL if the host calls the function, through an export that is an import. */
static bool enter(P1Call *c, const P1Env *self, VmCtx *caller, const char *func)
{
    *c = (P1Call){
        .ctx = self->ctx,
        .abi = self->abi,
        .func = func,
        .fuel = self->ctx->hostcall_fuel,
        .stop = &store_vm(self->store)->pending,
    };
    if (caller && caller_memory(caller, &c->mem.base, &c->mem.len))
        return true;
    host_fail(self->store, error_new("missing required memory export"));
    return false;
}

/* "fd=1 iovs=16"; `names` is the list of p1.def: "(fd, iovs)". */
static void trace_enter(const P1Call *c, const char *names, const u64 *args)
{
    Buf text = {0};
    for (const char *at = names + 1; *at && *at != ')'; args++) {
        usize n = strcspn(at, ",)");
        buf_printf(&text, "%s%.*s=%llu", text.n ? " " : "", (int)n, at, (unsigned long long)*args);
        at += n + strspn(at + n, ", ");
    }
    buf_u8(&text, 0);
    c->ctx->trace(c->ctx->trace_arg, c->abi->module, c->func, (char *)text.p);
    buf_release(&text);
}

static void trace_leave(const P1Call *c, u32 err)
{
    char text[32];
    snprintf(text, sizeof text, "result=errno %u", err);
    const char *end = c->mem.error ? "result=an error that ends the guest" : text;
    c->ctx->trace(c->ctx->trace_arg, c->abi->module, c->func, end);
}

static u32 leave(P1Call *c, const P1Env *self, u32 err)
{
    if (c->ctx->trace)
        trace_leave(c, err);
    if (c->mem.error)
        host_fail(self->store, TAKE_PTR(c->mem.error));
    return err;
}

#define P1(name, signature, versions, params, args)                                                \
    static u32 host_##name(const P1Env *self, VmCtx *caller P1_LIST params)                        \
    {                                                                                              \
        P1Call c;                                                                                  \
        if (!enter(&c, self, caller, #name))                                                       \
            return 0;                                                                              \
        if (self->ctx->trace)                                                                      \
            trace_enter(&c, #args, (const u64[]){0 P1_LIST args} + 1);                             \
        return leave(&c, self, p1_##name(&c P1_LIST args));                                        \
    }
#include "wasi/p1/p1.def"
#undef P1

typedef struct P1Row {
    const char *name, *signature;
    void *fn;
    bool both; /* in preview 0, too */
} P1Row;

enum { BOTH = true, ONLY1 = false };
static const P1Row p1_rows[] = {
#define P1(name, signature, versions, params, args)                                                \
    {#name, signature, (void *)host_##name, versions},
#include "wasi/p1/p1.def"
#undef P1
};
static_assert(ARRAY_LEN(p1_rows) == 46, "functions of the specification");

/* The canonical type of a signature of p1.def, with a reference. */
static u32 type_of(TypeRegistry *types, const char *signature)
{
    ValType vals[16];
    u32 n[2] = {0, 0}, side = 0;
    for (const char *at = signature; *at; at++) {
        if (*at == ':') {
            side = 1;
            continue;
        }
        ALWAYS(n[0] + n[1] < ARRAY_LEN(vals));
        vals[n[0] + n[1]] = *at == 'I' ? VT_I64 : VT_I32;
        n[side]++;
    }
    return types_add_func(types, vals, n[0], vals + n[0], n[1]);
}

static Error *link_row(Linker *l, const P1Row *row, P1Env *env)
{
    TypeRegistry *types = store_registry(env->store);
    u32 type = type_of(types, row->signature);
    VmFuncRef *func;
    Error *e = store_host_func(env->store, type, true, row->fn, env, &func);
    types_unref(types, type);
    if (e)
        return e;
    Extern ext = {.kind = EXTERN_FUNC, .func = func};
    return linker_define(l, str_of(env->abi->module), str_of(row->name), ext);
}

static Error *link_version(Linker *l, WasiCtx *ctx, u32 version, const P1Abi *abi)
{
    P1Env *env = &ctx->p1_env[version];
    *env = (P1Env){ctx, abi, linker_store(l)};
    Error *e = NULL;
    for (u32 i = 0; i < ARRAY_LEN(p1_rows) && !e; i++)
        if (version == 1 || p1_rows[i].both)
            e = link_row(l, &p1_rows[i], env);
    return e;
}

Error *wasi_p1_link(Linker *l, WasiCtx *ctx)
{
    return link_version(l, ctx, 1, &P1_ABI_PREVIEW1);
}

Error *wasi_p0_link(Linker *l, WasiCtx *ctx)
{
    return link_version(l, ctx, 0, &P1_ABI_PREVIEW0);
}
