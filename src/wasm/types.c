/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The type registry: recursive groups are hash-consed. The key of a group spells its types out in
 * words, references to its own types by place and to all others by canonical id, so two groups are
 * the same type exactly if their keys are equal.
 *
 * All changes happen under one lock. Entries sit in chunks that never move, so types_get needs no
 * lock: whoever has an id got it from the registry and holds a reference to it.
 */
#include "wasm/types.h"

#include "base/map.h"
#include "base/vec.h"

#include <pthread.h>

typedef struct Group Group;
struct Group {
    Group *next; /* in its bucket */
    u64 hash;
    u64 refs;
    u32 n, nkey;
    u32 *ids, *key; /* of the same allocation, like the arrays of the types */
};

typedef struct Entry {
    SubType type;
    Group *group;
    u32 jump; /* an ancestor further up, for a search in logarithmic time */
} Entry;

enum { CHUNK_LOG2 = 12, CHUNK = 1 << CHUNK_LOG2, MAX_IDS = HEAP_FIRST_ABSTRACT & ~(CHUNK - 1) };

struct TypeRegistry {
    pthread_mutex_t lock;
    Group **buckets;
    u32 nbuckets, ngroups; /* nbuckets is a power of two */
    u32 next_id;           /* ids from here on were never used */
    u32 ntypes;
    VEC(u32) free_ids;
    Entry *chunks[MAX_IDS / CHUNK];
};

TypeRegistry *types_new(void)
{
    TypeRegistry *r = mem_alloc(sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    r->nbuckets = 64;
    r->buckets = mem_alloc_array(r->nbuckets, sizeof(Group *));
    return r;
}

void types_free(TypeRegistry *r)
{
    if (!r)
        return;
    for (u32 i = 0; i < r->nbuckets; i++)
        for (Group *g = r->buckets[i], *next; g; g = next) {
            next = g->next;
            mem_free(g);
        }
    for (u32 i = 0; i < ARRAY_LEN(r->chunks) && r->chunks[i]; i++)
        mem_free(r->chunks[i]);
    mem_free(r->buckets);
    vec_release(&r->free_ids);
    pthread_mutex_destroy(&r->lock);
    mem_free(r);
}

static Entry *entry_of(const TypeRegistry *r, u32 id)
{
    return &__atomic_load_n(&r->chunks[id >> CHUNK_LOG2], __ATOMIC_ACQUIRE)[id & (CHUNK - 1)];
}

const SubType *types_get(const TypeRegistry *r, u32 id)
{
    return &entry_of(r, id)->type;
}

bool types_is_subtype(const TypeRegistry *r, u32 sub, u32 super)
{
    if (sub == super)
        return true;
    u32 depth = entry_of(r, super)->type.depth;
    const Entry *e = entry_of(r, sub);
    while (e->type.depth > depth) {
        const Entry *far = entry_of(r, e->jump);
        sub = far->type.depth >= depth ? e->jump : e->type.super;
        e = entry_of(r, sub);
    }
    return sub == super;
}

/* ---- keys ---- */

typedef VEC(u32) Words;

static void key_func(Words *w, const FuncType *f)
{
    vec_push(w, f->nparams);
    vec_push(w, f->nresults);
    for (u32 i = 0; i < f->nparams; i++)
        vec_push(w, f->params[i]);
    for (u32 i = 0; i < f->nresults; i++)
        vec_push(w, f->results[i]);
}

/* Storage and mutability fit into bits that a value type leaves free. */
enum { KEY_STORAGE_SHIFT = 5, KEY_MUT = 1 << 7 };
static_assert(VALTYPE_REL == 16 && HEAP_SHIFT == 8, "bits 5 to 7 are free");

static void key_type(Words *w, const SubType *t)
{
    vec_push(w, t->kind | (u32)t->final << 8);
    vec_push(w, t->super);
    switch ((CompositeKind)t->kind) {
    case COMPOSITE_FUNC:
        key_func(w, &t->func);
        break;
    case COMPOSITE_STRUCT:
    case COMPOSITE_ARRAY:
        vec_push(w, t->nfields);
        for (u32 i = 0; i < t->nfields; i++) {
            const FieldType *f = &t->fields[i];
            vec_push(w, f->type | (u32)f->storage << KEY_STORAGE_SHIFT | (f->mut ? KEY_MUT : 0));
        }
        break;
    case COMPOSITE_CONT:
        vec_push(w, t->cont);
        break;
    }
}

/* ---- making and dropping groups, under the lock ---- */

static usize arrays_size(const SubType *t)
{
    switch ((CompositeKind)t->kind) {
    case COMPOSITE_FUNC:
        return align_up(((usize)t->func.nparams + t->func.nresults) * sizeof(ValType), 8);
    case COMPOSITE_STRUCT:
    case COMPOSITE_ARRAY:
        return align_up(t->nfields * sizeof(FieldType), 8);
    case COMPOSITE_CONT:
        return 0;
    }
    return 0;
}

static ValType absolute(const Group *g, ValType t)
{
    if (!(t & VALTYPE_REL))
        return t;
    return VALTYPE_REF(g->ids[valtype_heap(t)], valtype_nullable(t));
}

static u32 absolute_id(const Group *g, u32 id)
{
    return id != TYPE_NONE && id & TYPE_REL ? g->ids[id & ~TYPE_REL] : id;
}

/* Copies a type into its entry; `at` is room for its arrays. */
static void entry_fill(TypeRegistry *r, Entry *e, Group *g, const SubType *t, u8 *at)
{
    e->type = *t;
    e->group = g;
    e->type.super = absolute_id(g, t->super);
    if (t->kind == COMPOSITE_CONT) {
        e->type.cont = absolute_id(g, t->cont);
    } else if (t->kind == COMPOSITE_FUNC) {
        ValType *to = (ValType *)(void *)at;
        e->type.func.params = to;
        for (u32 i = 0; i < t->func.nparams; i++)
            *to++ = absolute(g, t->func.params[i]);
        e->type.func.results = to;
        for (u32 i = 0; i < t->func.nresults; i++)
            *to++ = absolute(g, t->func.results[i]);
    } else {
        FieldType *to = (FieldType *)(void *)at;
        e->type.fields = to;
        e->type.has_default = true;
        for (u32 i = 0; i < t->nfields; i++, to++) {
            *to = t->fields[i];
            to->type = absolute(g, to->type);
            if (valtype_is_ref(to->type) && !valtype_nullable(to->type))
                e->type.has_default = false;
        }
    }
    if (e->type.super == TYPE_NONE)
        return;
    /* Jump as far as the parent's two jumps if they are equally long, otherwise to the parent. */
    const Entry *super = entry_of(r, e->type.super);
    e->jump = e->type.super;
    if (super->type.super != TYPE_NONE) {
        const Entry *far = entry_of(r, super->jump);
        int first = super->type.depth - far->type.depth;
        if (far->type.super != TYPE_NONE &&
            first == far->type.depth - entry_of(r, far->jump)->type.depth)
            e->jump = far->jump;
    }
}

static bool take_id(TypeRegistry *r, u32 *ret_id)
{
    if (r->free_ids.n) {
        *ret_id = r->free_ids.p[--r->free_ids.n];
        return true;
    }
    if (r->next_id == MAX_IDS)
        return false;
    Entry **chunk = &r->chunks[r->next_id >> CHUNK_LOG2];
    if (!*chunk)
        __atomic_store_n(chunk, mem_alloc_array(CHUNK, sizeof(Entry)), __ATOMIC_RELEASE);
    *ret_id = r->next_id++;
    return true;
}

/* Adds `n` to the references of each group outside `g` that a type of it names. */
static void outer_add(TypeRegistry *r, const Group *g, HeapType h, i64 n, Words *zeros)
{
    if (!heap_is_concrete(h))
        return;
    Group *other = entry_of(r, h)->group;
    if (other == g)
        return;
    other->refs += (u64)n;
    if (other->refs == 0)
        vec_push(zeros, h);
}

static void outer_add_val(TypeRegistry *r, const Group *g, ValType t, i64 n, Words *zeros)
{
    if (valtype_is_ref(t))
        outer_add(r, g, valtype_heap(t), n, zeros);
}

static void outer_each(TypeRegistry *r, const Group *g, i64 n, Words *zeros)
{
    for (u32 i = 0; i < g->n; i++) {
        const SubType *t = &entry_of(r, g->ids[i])->type;
        if (t->super != TYPE_NONE)
            outer_add(r, g, t->super, n, zeros);
        switch ((CompositeKind)t->kind) {
        case COMPOSITE_FUNC:
            for (u32 k = 0; k < t->func.nparams; k++)
                outer_add_val(r, g, t->func.params[k], n, zeros);
            for (u32 k = 0; k < t->func.nresults; k++)
                outer_add_val(r, g, t->func.results[k], n, zeros);
            break;
        case COMPOSITE_STRUCT:
        case COMPOSITE_ARRAY:
            for (u32 k = 0; k < t->nfields; k++)
                outer_add_val(r, g, t->fields[k].type, n, zeros);
            break;
        case COMPOSITE_CONT:
            outer_add(r, g, t->cont, n, zeros);
            break;
        }
    }
}

static void buckets_grow(TypeRegistry *r)
{
    u32 n = r->nbuckets * 2;
    Group **buckets = mem_alloc_array(n, sizeof(Group *));
    for (u32 i = 0; i < r->nbuckets; i++)
        for (Group *g = r->buckets[i], *next; g; g = next) {
            next = g->next;
            Group **b = &buckets[g->hash & (n - 1)];
            g->next = *b;
            *b = g;
        }
    mem_free(r->buckets);
    r->buckets = buckets;
    r->nbuckets = n;
}

static Group *group_find(const TypeRegistry *r, u64 hash, const Words *key)
{
    for (Group *g = r->buckets[hash & (r->nbuckets - 1)]; g; g = g->next)
        if (g->hash == hash && g->nkey == key->n &&
            memcmp(g->key, key->p, key->n * sizeof(u32)) == 0)
            return g;
    return NULL;
}

static bool group_take_ids(TypeRegistry *r, Group *g)
{
    for (u32 i = 0; i < g->n; i++)
        if (!take_id(r, &g->ids[i])) {
            while (i-- > 0)
                vec_push(&r->free_ids, g->ids[i]);
            return false;
        }
    return true;
}

/* NULL if there are no ids left. */
static Group *group_new(TypeRegistry *r, u64 hash, const Words *key, const SubType *types, u32 n)
{
    usize head = align_up(sizeof(Group) + ((usize)n + key->n) * sizeof(u32), 8);
    usize size = head;
    for (u32 i = 0; i < n; i++)
        size += arrays_size(&types[i]);
    Group *g = mem_alloc(size);
    g->hash = hash;
    g->n = n;
    g->nkey = key->n;
    g->ids = (u32 *)(void *)(g + 1);
    g->key = g->ids + n;
    memcpy(g->key, key->p, key->n * sizeof(u32));
    if (!group_take_ids(r, g)) {
        mem_free(g);
        return NULL;
    }
    u8 *at = (u8 *)g + head;
    for (u32 i = 0; i < n; i++) {
        entry_fill(r, entry_of(r, g->ids[i]), g, &types[i], at);
        at += arrays_size(&types[i]);
    }
    outer_each(r, g, 1, NULL);
    if (r->ngroups == r->nbuckets)
        buckets_grow(r);
    Group **bucket = &r->buckets[hash & (r->nbuckets - 1)];
    g->next = *bucket;
    *bucket = g;
    r->ngroups++;
    r->ntypes += n;
    return g;
}

/* Drops the group, and those that only it held: their ids go to `zeros`. */
static void group_drop(TypeRegistry *r, Group *g, Words *zeros)
{
    Group **at = &r->buckets[g->hash & (r->nbuckets - 1)];
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    r->ngroups--;
    r->ntypes -= g->n;
    outer_each(r, g, -1, zeros);
    for (u32 i = 0; i < g->n; i++) {
        *entry_of(r, g->ids[i]) = (Entry){0};
        vec_push(&r->free_ids, g->ids[i]);
    }
    mem_free(g);
}

/* ---- the interface ---- */

bool types_add_group(TypeRegistry *r, const SubType *types, u32 n, u32 *ret_ids)
{
    if (n == 0)
        return true;
    Words key = {0};
    for (u32 i = 0; i < n; i++)
        key_type(&key, &types[i]);
    u64 hash = hash_bytes(key.p, key.n * sizeof(u32));
    pthread_mutex_lock(&r->lock);
    Group *g = group_find(r, hash, &key);
    if (!g)
        g = group_new(r, hash, &key, types, n);
    if (g) {
        g->refs += n;
        memcpy(ret_ids, g->ids, n * sizeof(u32));
    }
    pthread_mutex_unlock(&r->lock);
    vec_release(&key);
    return g != NULL;
}

u32 types_add_func(TypeRegistry *r, const ValType *params, u32 nparams, const ValType *results,
                   u32 nresults)
{
    SubType t = {.kind = COMPOSITE_FUNC,
                 .final = true,
                 .super = TYPE_NONE,
                 .func = {nparams, nresults, params, results}};
    u32 id = 0;
    ALWAYS(types_add_group(r, &t, 1, &id));
    return id;
}

void types_ref(TypeRegistry *r, u32 id)
{
    pthread_mutex_lock(&r->lock);
    entry_of(r, id)->group->refs++;
    pthread_mutex_unlock(&r->lock);
}

void types_unref_all(TypeRegistry *r, const u32 *ids, u32 n)
{
    Words zeros = {0};
    pthread_mutex_lock(&r->lock);
    for (u32 i = 0; i < n; i++) {
        Group *g = entry_of(r, ids[i])->group;
        ALWAYS(g && g->refs > 0);
        if (--g->refs == 0)
            group_drop(r, g, &zeros);
        while (zeros.n) {
            Group *next = entry_of(r, zeros.p[--zeros.n])->group;
            group_drop(r, next, &zeros);
        }
    }
    pthread_mutex_unlock(&r->lock);
    vec_release(&zeros);
}

void types_unref(TypeRegistry *r, u32 id)
{
    types_unref_all(r, &id, 1);
}

u32 types_count(TypeRegistry *r)
{
    pthread_mutex_lock(&r->lock);
    u32 n = r->ntypes;
    pthread_mutex_unlock(&r->lock);
    return n;
}
