/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tables of handles. */
#include "component/resource.h"

enum { HANDLES_MAX = 1 << 28 };

void handles_release(HandleTable *t)
{
    vec_release(&t->slots);
    t->free = 0;
}

Error *handles_add(HandleTable *t, ResourceKey type, u64 rep, CallScope *scope, u32 *ret_index)
{
    u32 index = t->free;
    if (t->budget && t->budget->alive >= t->budget->max)
        return error_new("cannot allocate another handle: store handle limit exceeded");
    if (index) {
        t->free = (u32)t->slots.p[index].rep;
    } else {
        if (t->slots.n == 0)
            vec_push(&t->slots, (Handle){0});
        index = t->slots.n;
        if (index >= HANDLES_MAX - 1)
            return error_new("cannot allocate another handle: index overflow");
        vec_push(&t->slots, (Handle){0});
    }
    t->slots.p[index] = (Handle){.type = type, .rep = rep, .scope = scope};
    if (scope)
        scope->borrows++;
    if (t->budget)
        t->budget->alive++;
    *ret_index = index;
    return NULL;
}

static void put_free(HandleTable *t, u32 index)
{
    t->slots.p[index] = (Handle){.rep = t->free};
    t->free = index;
    if (t->budget)
        t->budget->alive--;
}

static const char *owner_name(ResourceKey t)
{
    return (*t)->owner ? "guest-defined resource" : "host-defined resource";
}

MUST_CHECK static Error *find(HandleTable *t, ResourceKey type, u32 index, Handle **ret_handle)
{
    if (index >= t->slots.n || !t->slots.p[index].type)
        return error_new("unknown handle index %u", index);
    Handle *h = &t->slots.p[index];
    if (h->type != type)
        return error_new("handle index %u used with the wrong type, expected %s but found %s%s",
                         index, owner_name(type),
                         !(*type)->owner == !(*h->type)->owner ? "a different " : "a ",
                         owner_name(h->type));
    *ret_handle = h;
    return NULL;
}

Error *handles_rep(HandleTable *t, ResourceKey type, u32 index, u64 *ret_rep)
{
    Handle *h = NULL;
    Error *e = find(t, type, index, &h);
    if (!e)
        *ret_rep = h->rep;
    return e;
}

Error *handles_lend(HandleTable *t, ResourceKey type, u32 index, CallScope *scope, u64 *ret_rep)
{
    Handle *h = NULL;
    Error *e = find(t, type, index, &h);
    if (e)
        return e;
    if (!h->scope) {
        if (h->lends == UINT32_MAX)
            return error_new("handle index %u is lent too often", index);
        h->lends++;
        if (scope->nfirst < ARRAY_LEN(scope->first))
            scope->first[scope->nfirst++] = (Lender){t, index};
        else
            vec_push(&scope->more, ((Lender){t, index}));
    }
    *ret_rep = h->rep;
    return NULL;
}

static Error *refuse_lent(void)
{
    return error_new("cannot remove owned resource while borrowed");
}

Error *handles_look_own(HandleTable *t, ResourceKey type, u32 index, u64 *ret_rep)
{
    Handle *h = NULL;
    Error *e = find(t, type, index, &h);
    if (e)
        return e;
    if (h->scope)
        return error_new("cannot lift own resource from a borrow");
    if (h->lends)
        return refuse_lent();
    *ret_rep = h->rep;
    return NULL;
}

Error *handles_take_own(HandleTable *t, ResourceKey type, u32 index, u64 *ret_rep)
{
    Error *e = handles_look_own(t, type, index, ret_rep);
    if (!e)
        put_free(t, index);
    return e;
}

Error *handles_drop(HandleTable *t, ResourceKey type, u32 index, bool *ret_own, u64 *ret_rep)
{
    Handle *h = NULL;
    Error *e = find(t, type, index, &h);
    if (e)
        return e;
    if (h->lends)
        return refuse_lent();
    if (h->scope)
        h->scope->borrows--;
    *ret_own = !h->scope;
    *ret_rep = h->rep;
    put_free(t, index);
    return NULL;
}

static void end_lend(Lender l)
{
    l.table->slots.p[l.index].lends--;
}

void scope_end_lends(CallScope *s)
{
    for (u32 i = 0; i < s->nfirst; i++)
        end_lend(s->first[i]);
    for (u32 i = 0; i < s->more.n; i++)
        end_lend(s->more.p[i]);
    s->nfirst = 0;
    vec_release(&s->more);
}

Error *scope_check_borrows(const CallScope *s)
{
    return s->borrows ? error_new("borrow handles still remain at the end of the call") : NULL;
}
