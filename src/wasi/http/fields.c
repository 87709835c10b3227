/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * wasi:http: sets of fields. What a set holds is shared by the handles to it and the message that
 * it belongs to; a handle may change it as long as it belongs to none. Work is linear in the number
 * of names for each change, which the size of a set bounds.
 */
#include "wasi/http/http_priv.h"

typedef WasiHttpTypesFields Fields;
typedef WasiHttpTypesResultVoidHeaderError VoidResult;
typedef WasiHttpTypesHeaderErrorTag Refusal;

enum {
    NAME_COST = 32, /* of a name, beside its bytes */
    VALUE_COST = 40,
    MAX_NAMES = 24576,
    MAX_NAME_BYTES = 65535,
    MAX_TEXT = 1 << 30,
    SPARE_FIELDS = 8, /* sets that are kept for the next request */
    SPARE_BYTES = 4096,
};

/* --- sets --- */

P2Fields *p2_fields_new(P2Http *h)
{
    P2Fields *f = h->spare;
    if (f) {
        h->spare = f->next;
        h->nspare--;
    } else {
        f = mem_alloc(sizeof *f);
    }
    f->http = h;
    f->refs = 1;
    return f;
}

P2Fields *p2_fields_ref(P2Fields *f)
{
    f->refs++;
    return f;
}

void p2_fields_free(P2Fields *f)
{
    vec_release(&f->list);
    buf_release(&f->text);
    mem_free(f);
}

static void clear(P2Fields *f)
{
    f->names = f->last_name = 0;
    f->size = 0;
    f->list.n = 0;
    f->text.n = 0;
}

void p2_fields_unref(P2Http *h, P2Fields *f)
{
    if (!f || --f->refs)
        return;
    h->held -= f->size;
    if (h->nspare >= SPARE_FIELDS || f->text.cap > SPARE_BYTES ||
        f->list.cap * sizeof(P2Field) > SPARE_BYTES) {
        p2_fields_free(f);
        return;
    }
    clear(f);
    f->next = h->spare;
    h->spare = f;
    h->nspare++;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static u32 hash_of(Str name)
{
    u32 hash = 2166136261u;
    for (usize i = 0; i < name.n; i++)
        hash = (hash ^ (u8)lower(name.p[i])) * 16777619u;
    return hash;
}

/* The first field of that name; NULL if there is none. */
static P2Field *find(const P2Fields *f, Str name, u32 hash)
{
    if (!f->names)
        return NULL;
    u32 i = 0;
    do {
        P2Field *e = &f->list.p[i];
        if (e->hash == hash && http_same_text(p2_field_name(f, e), name))
            return e;
        i = e->after;
    } while (i);
    return NULL;
}

static u32 put_text(P2Fields *f, Str s)
{
    u32 at = (u32)f->text.n;
    buf_bytes(&f->text, s.p, s.n);
    return at;
}

static void put_name(P2Fields *f, P2Field *e, Str name)
{
    e->name = put_text(f, name);
    e->name_n = (u32)name.n;
    e->id = (u8)http_name_find(name);
    for (u32 i = 0; i < e->name_n; i++)
        f->text.p[e->name + i] = (u8)lower((char)f->text.p[e->name + i]);
}

P2FieldsAdd p2_fields_add(P2Fields *f, Str name, Str value, u64 limit)
{
    P2Field e = {.hash = hash_of(name), .value_n = (u32)value.n};
    P2Field *first = find(f, name, e.hash);
    u64 cost = value.n + VALUE_COST + (first ? 0 : name.n + NAME_COST);
    if (cost > limit || f->size > limit - cost || f->size + cost > MAX_TEXT)
        return P2_FIELDS_TOO_LARGE;
    if (!first && f->names == MAX_NAMES)
        return P2_FIELDS_TOO_MANY;
    u32 at = f->list.n;
    f->size += cost;
    f->http->held += cost;
    if (first) {
        e.name = first->name;
        e.name_n = first->name_n;
        e.id = first->id;
        f->list.p[first->last].same = at;
        first->last = at;
    } else {
        put_name(f, &e, name);
        e.last = at;
        if (f->names++)
            f->list.p[f->last_name].after = at;
        f->last_name = at;
    }
    e.value = put_text(f, value);
    vec_push(&f->list, e);
    return P2_FIELDS_OK;
}

const P2Field *p2_fields_next(const P2Fields *f, P2FieldsAt *at)
{
    if (at->field >= f->list.n)
        return NULL;
    const P2Field *e = &f->list.p[at->field];
    if (e->same) {
        at->field = e->same;
    } else {
        u32 after = f->list.p[at->name].after;
        at->name = at->field = after ? after : f->list.n;
    }
    return e;
}

static void copy_fields(P2Fields *to, const P2Fields *from, u32 first)
{
    for (const P2Field *e = &from->list.p[first]; e; e = e->same ? &from->list.p[e->same] : NULL)
        ALWAYS(p2_fields_add(to, p2_field_name(from, e), p2_field_value(from, e), UINT64_MAX) ==
               P2_FIELDS_OK);
}

static P2Fields *copy_of(P2Http *h, const P2Fields *from)
{
    P2Fields *f = p2_fields_new(h);
    for (u32 i = 0, more = from->names; more; i = from->list.p[i].after, more--)
        copy_fields(f, from, i);
    return f;
}

bool p2_field_forbidden(HttpName id)
{
    return (http_name_is_framing(id) && id != HTTP_NAME_CONTENT_LENGTH) ||
           id == HTTP_NAME_PROXY_AUTHENTICATE || id == HTTP_NAME_PROXY_AUTHORIZATION;
}

/* A message that was read is not larger than the codec permits. */
static void add_arrived(P2Fields *f, HttpName id, Str name, Str value)
{
    if (!p2_field_forbidden(id) && p2_fields_add(f, name, value, UINT64_MAX) != P2_FIELDS_OK)
        BUG("a message with more fields than fit");
}

void p2_fields_add_wire(P2Fields *f, const u8 *bytes, const HttpFields *fields)
{
    for (u32 i = 0; i < fields->n; i++) {
        const HttpField *e = &fields->f[i];
        add_arrived(f, (HttpName)e->id, http_field_name(e, bytes), http_field_value(e, bytes));
    }
}

void p2_fields_add_pairs(P2Fields *f, const HttpPair *pairs, u32 n)
{
    for (u32 i = 0; i < n; i++)
        add_arrived(f, http_name_find(pairs[i].name), pairs[i].name, pairs[i].value);
}

bool p2_fields_length(const P2Fields *f, i64 *ret_length)
{
    const P2Field *e = find(f, STR("content-length"), hash_of(STR("content-length")));
    *ret_length = HTTP_LENGTH_UNKNOWN;
    for (bool first = true; e; e = e->same ? &f->list.p[e->same] : NULL, first = false) {
        u64 v = 0;
        if (!http_length_parse(p2_field_value(f, e), &v) || v > INT64_MAX ||
            (!first && v != (u64)*ret_length))
            return false;
        *ret_length = (i64)v;
    }
    return true;
}

const HttpPair *p2_fields_pairs(P2Http *h, const P2Fields *f, u32 *ret_n)
{
    P2FieldsAt at = {0};
    h->pairs.n = 0;
    vec_reserve(&h->pairs, MAX(f->list.n, 1));
    for (const P2Field *e = p2_fields_next(f, &at); e; e = p2_fields_next(f, &at))
        if (e->id != HTTP_NAME_CONTENT_LENGTH)
            h->pairs.p[h->pairs.n++] = (HttpPair){p2_field_name(f, e), p2_field_value(f, e)};
    *ret_n = h->pairs.n;
    return h->pairs.p;
}

/* --- handles --- */

Fields *p2_fields_handle(LiftCall *c, P2Fields *map, bool immutable)
{
    Fields *f = p2_resource_new(c, sizeof *f);
    *f = (Fields){.map = map, .immutable = immutable};
    return f;
}

P2Fields *p2_fields_take(P2Http *h, Fields *f)
{
    P2Fields *map = f->map;
    p2_resource_free(h->p2, f);
    return map;
}

void wasi_http_types_fields_drop(void *host, Fields *rep)
{
    P2Http *h = ((WasiP2 *)host)->http;
    p2_fields_unref(h, p2_fields_take(h, rep));
}

/* A name that may be set; otherwise false and why not. */
static bool name_ok(Str name, Refusal *ret_why)
{
    *ret_why = WASI_HTTP_TYPES_HEADER_ERROR_INVALID_SYNTAX;
    if (name.n > MAX_NAME_BYTES || !http_token_valid(name))
        return false;
    *ret_why = WASI_HTTP_TYPES_HEADER_ERROR_FORBIDDEN;
    return !p2_field_forbidden(http_name_find(name));
}

/* There is one Content-Length, a number; `first`: the name has no value yet. */
static bool value_ok(Str name, Str value, bool first, Refusal *ret_why)
{
    u64 length;
    *ret_why = WASI_HTTP_TYPES_HEADER_ERROR_INVALID_SYNTAX;
    return http_value_valid(value) && (http_name_find(name) != HTTP_NAME_CONTENT_LENGTH ||
                                       (first && http_length_parse(value, &length)));
}

/* Both are valid; the guest ends if there is no room. A length is written without zeros in front.
 */
static void add(LiftCall *call, P2Fields *f, Str name, Str value)
{
    const P2Http *h = p2_http_of(call);
    if (http_name_find(name) == HTTP_NAME_CONTENT_LENGTH)
        for (; value.n > 1 && value.p[0] == '0'; value.n--)
            value.p++;
    if (h->held > WASI_LIMIT_HTTP_HELD) {
        lift_fail(call, "total size of all fields and bodies exceeds limit");
        return;
    }
    switch (p2_fields_add(f, name, value, h->options.max_fields_size)) {
    case P2_FIELDS_OK:
        return;
    case P2_FIELDS_TOO_LARGE:
        lift_fail(call, "total size of fields exceeds limit");
        return;
    case P2_FIELDS_TOO_MANY:
        lift_fail(call, "too many fields in the field map");
        return;
    }
}

static Str str_of_bytes(LiftListU8 v)
{
    return (Str){(const char *)v.p, v.n};
}

static void refuse(VoidResult *ret, Refusal why)
{
    *ret = (VoidResult){.is_err = true, .as.err.tag = why};
}

void wasi_http_types_fields_constructor(LiftCall *call, Fields **ret_result)
{
    *ret_result = p2_fields_handle(call, p2_fields_new(p2_http_of(call)), false);
}

void wasi_http_types_fields_from_list(LiftCall *call, WasiHttpTypesListTuple2StringListU8 entries,
                                      WasiHttpTypesResultFieldsHeaderError *ret_result)
{
    P2Http *h = p2_http_of(call);
    P2Fields *f = p2_fields_new(h);
    Refusal why = 0;
    for (usize i = 0; i < entries.n && lift_ok(call); i++) {
        Str name = entries.p[i].f0, value = str_of_bytes(entries.p[i].f1);
        bool first = !find(f, name, hash_of(name));
        if (!name_ok(name, &why) || !value_ok(name, value, first, &why)) {
            *ret_result = (WasiHttpTypesResultFieldsHeaderError){.is_err = true, .as.err.tag = why};
            p2_fields_unref(h, f);
            return;
        }
        add(call, f, name, value);
    }
    ret_result->is_err = false;
    ret_result->as.ok = p2_fields_handle(call, f, false);
}

void wasi_http_types_fields_get(LiftCall *call, Fields *self, Str name,
                                WasiHttpTypesListListU8 *ret_result)
{
    const P2Fields *f = self->map;
    const P2Field *first = find(f, name, hash_of(name));
    usize n = 0;
    *ret_result = (WasiHttpTypesListListU8){0};
    if (!first)
        return;
    for (const P2Field *e = first; e; e = e->same ? &f->list.p[e->same] : NULL)
        n++;
    LiftListU8 *out = lift_alloc(call, n, sizeof *out);
    *ret_result = (WasiHttpTypesListListU8){out, n};
    for (const P2Field *e = first; e; e = e->same ? &f->list.p[e->same] : NULL)
        *out++ = (LiftListU8){f->text.p + e->value, e->value_n};
}

void wasi_http_types_fields_has(LiftCall *call, Fields *self, Str name, bool *ret_result)
{
    (void)call;
    *ret_result = find(self->map, name, hash_of(name)) != NULL;
}

/* Puts the values in the place of those that the name has, or behind all. */
static void replace(LiftCall *call, Fields *self, Str name, WasiHttpTypesListListU8 values)
{
    P2Http *h = p2_http_of(call);
    P2Fields *f = p2_fields_new(h), *was = self->map;
    const P2Field *old = find(was, name, hash_of(name));
    self->map = f;
    for (u32 i = 0, more = was->names; more; i = was->list.p[i].after, more--) {
        if (&was->list.p[i] != old)
            copy_fields(f, was, i);
        for (usize k = 0; k < values.n && &was->list.p[i] == old && lift_ok(call); k++)
            add(call, f, name, str_of_bytes(values.p[k]));
    }
    for (usize k = 0; k < values.n && !old && lift_ok(call); k++)
        add(call, f, name, str_of_bytes(values.p[k]));
    p2_fields_unref(h, was);
}

void wasi_http_types_fields_set(LiftCall *call, Fields *self, Str name,
                                WasiHttpTypesListListU8 value, VoidResult *ret_result)
{
    Refusal why = 0;
    bool ok = name_ok(name, &why);
    for (usize i = 0; i < value.n && ok; i++)
        ok = value_ok(name, str_of_bytes(value.p[i]), i == 0, &why);
    if (ok && self->immutable)
        why = WASI_HTTP_TYPES_HEADER_ERROR_IMMUTABLE;
    if (!ok || self->immutable) {
        refuse(ret_result, why);
        return;
    }
    *ret_result = (VoidResult){0};
    replace(call, self, name, value);
}

void wasi_http_types_fields_delete(LiftCall *call, Fields *self, Str name, VoidResult *ret_result)
{
    Refusal why = 0;
    bool ok = name_ok(name, &why);
    if (ok && self->immutable)
        why = WASI_HTTP_TYPES_HEADER_ERROR_IMMUTABLE;
    if (!ok || self->immutable) {
        refuse(ret_result, why);
        return;
    }
    *ret_result = (VoidResult){0};
    if (find(self->map, name, hash_of(name)))
        replace(call, self, name, (WasiHttpTypesListListU8){0});
}

void wasi_http_types_fields_append(LiftCall *call, Fields *self, Str name, LiftListU8 value,
                                   VoidResult *ret_result)
{
    Refusal why = 0;
    Str v = str_of_bytes(value);
    bool first = !find(self->map, name, hash_of(name));
    bool ok = name_ok(name, &why) && value_ok(name, v, first, &why);
    if (ok && self->immutable)
        why = WASI_HTTP_TYPES_HEADER_ERROR_IMMUTABLE;
    if (!ok || self->immutable) {
        refuse(ret_result, why);
        return;
    }
    *ret_result = (VoidResult){0};
    add(call, self->map, name, v);
}

void wasi_http_types_fields_entries(LiftCall *call, Fields *self,
                                    WasiHttpTypesListTuple2StringListU8 *ret_result)
{
    const P2Fields *f = self->map;
    P2FieldsAt at = {0};
    WasiHttpTypesTuple2StringListU8 *out = lift_alloc(call, f->list.n, sizeof *out);
    *ret_result = (WasiHttpTypesListTuple2StringListU8){out, f->list.n};
    for (const P2Field *e = p2_fields_next(f, &at); e; e = p2_fields_next(f, &at), out++) {
        out->f0 = p2_field_name(f, e);
        out->f1 = (LiftListU8){f->text.p + e->value, e->value_n};
    }
}

void wasi_http_types_fields_clone(LiftCall *call, Fields *self, Fields **ret_result)
{
    P2Http *h = p2_http_of(call);
    if (h->held > WASI_LIMIT_HTTP_HELD)
        lift_fail(call, "total size of all fields and bodies exceeds limit");
    else
        *ret_result = p2_fields_handle(call, copy_of(h, self->map), false);
}
