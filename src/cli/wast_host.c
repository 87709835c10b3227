/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What components in scripts may import: a few functions, and the instance "host" with resources
 * that count how they are dropped. Wasmtime's own scripts rely on them.
 */
#include "cli/wast_priv.h"

/* --- functions: each checks what it is called with, since importers give them any type --- */

typedef struct Takes {
    u8 n;
    u8 kinds[2]; /* CTypeKind */
    u8 result;   /* CTypeKind; CT_PRIMITIVES: none */
} Takes;

/* The row of a function and the host that it serves. */
typedef struct HostEnv {
    const struct HostRow *row;
    struct WastHost *host;
} HostEnv;

typedef struct HostRow {
    const char *instance, *name;
    Takes takes;
    Error *(*call)(struct WastHost *h, const ComponentVal *p, ComponentVal *ret_result);
} HostRow;

struct WastHost {
    ComponentLinker *linker;
    ResourceType resource1, resource2;
    u32 drops, last_drop;
    HostEnv envs[16];
};

static ComponentVal number(u32 n)
{
    return (ComponentVal){.kind = CT_U32, .bits = n};
}

#define HOST(name) static Error *name(WastHost *h, const ComponentVal *p, ComponentVal *ret_result)

HOST(return_two)
{
    (void)h, (void)p;
    *ret_result = number(2);
    return NULL;
}

HOST(return_three)
{
    (void)h, (void)p;
    *ret_result = number(3);
    return NULL;
}

HOST(echo)
{
    (void)h;
    *ret_result = number((u32)p[0].bits);
    return NULL;
}

HOST(return_hi)
{
    (void)h, (void)p;
    *ret_result = val_string(STR("hi"));
    return NULL;
}

HOST(resource1_new)
{
    *ret_result = (ComponentVal){.kind = CT_OWN, .resource = &h->resource1, .rep = (u32)p[0].bits};
    return NULL;
}

HOST(resource1_is)
{
    (void)h, (void)ret_result;
    if (p[0].rep != (u32)p[1].bits)
        return error_new("the resource is %llu, not %u", (unsigned long long)p[0].rep,
                         (u32)p[1].bits);
    return NULL;
}

HOST(last_drop)
{
    (void)p;
    *ret_result = number(h->last_drop);
    return NULL;
}

HOST(drops)
{
    (void)p;
    *ret_result = number(h->drops);
    return NULL;
}

HOST(take)
{
    (void)h, (void)p, (void)ret_result;
    return NULL;
}

static const HostRow rows[] = {
    {"", "host-return-two", {0, {0}, CT_U32}, return_two},
    {"", "host-echo-u32", {1, {CT_U32}, CT_U32}, echo},
    {"host", "return-three", {0, {0}, CT_U32}, return_three},
    {"host", "return-hi", {0, {0}, CT_STRING}, return_hi},
    {"host", "[constructor]resource1", {1, {CT_U32}, CT_OWN}, resource1_new},
    {"host", "[static]resource1.assert", {2, {CT_OWN, CT_U32}, CT_PRIMITIVES}, resource1_is},
    {"host", "[static]resource1.last-drop", {0, {0}, CT_U32}, last_drop},
    {"host", "[static]resource1.drops", {0, {0}, CT_U32}, drops},
    {"host", "[method]resource1.simple", {2, {CT_BORROW, CT_U32}, CT_PRIMITIVES}, resource1_is},
    {"host", "[method]resource1.take-borrow", {2, {CT_BORROW, CT_BORROW}, CT_PRIMITIVES}, take},
    {"host", "[method]resource1.take-own", {2, {CT_BORROW, CT_OWN}, CT_PRIMITIVES}, take},
};

static bool same_kind(const ComponentTypes *t, CTypeId type, u8 kind)
{
    return type == CTYPE_NONE ? kind == CT_PRIMITIVES : ctype_get(t, type)->kind == kind;
}

static Error *call_row(void *env, HostCall *call, const ComponentVal *params,
                       ComponentVal *ret_result)
{
    const HostEnv *e = env;
    const Takes *takes = &e->row->takes;
    bool fits =
        call->type->n == takes->n && same_kind(call->side.types, call->type->result, takes->result);
    for (u32 i = 0; i < takes->n && fits; i++)
        fits = same_kind(call->side.types, call->type->fields[i].type, takes->kinds[i]);
    if (!fits)
        return error_new("`%s` is imported with another type", e->row->name);
    return e->row->call(e->host, params, ret_result);
}

/* --- resources --- */

static Error *drop1(void *env, void *host, u64 rep)
{
    WastHost *h = env;
    (void)host;
    h->drops++;
    h->last_drop = (u32)rep;
    return NULL;
}

MUST_CHECK static Error *define_all(WastHost *h)
{
    const struct {
        const char *name;
        ResourceType *type;
    } resources[] = {
        {"resource1", &h->resource1},
        {"resource2", &h->resource2},
        {"resource1-again", &h->resource1},
    };
    Error *e = NULL;
    for (u32 i = 0; i < ARRAY_LEN(resources) && !e; i++)
        e = component_linker_resource(h->linker, STR("host"), str_of(resources[i].name),
                                      resources[i].type);
    static_assert(ARRAY_LEN(rows) <= ARRAY_LEN(h->envs), "a place for each function");
    for (u32 i = 0; i < ARRAY_LEN(rows) && !e; i++) {
        h->envs[i] = (HostEnv){&rows[i], h};
        HostFunc f = {.vals = call_row, .env = &h->envs[i]};
        e = component_linker_func(h->linker, str_of(rows[i].instance), str_of(rows[i].name), &f);
    }
    return e;
}

WastHost *wast_host_new(void)
{
    WastHost *h = mem_alloc(sizeof *h);
    h->linker = component_linker_new();
    h->resource1 = (ResourceType){.host_drop = drop1, .env = h};
    Error *e = define_all(h);
    ALWAYS(!e); /* each name is there once */
    return h;
}

const ComponentLinker *wast_host_linker(const WastHost *h)
{
    return h->linker;
}

void wast_host_free(WastHost *h)
{
    if (h)
        component_linker_free(h->linker);
    mem_free(h);
}
