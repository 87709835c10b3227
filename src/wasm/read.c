/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The slow and the failing paths of the binary reader, names, and the types. */
#include "wasm/read.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

void read_fail(Reader *r, DiagKind kind, const u8 *at, const char *fmt, ...)
{
    if (diag_ok(r->diag)) {
        char msg[DIAG_MSG_SIZE];
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(msg, sizeof msg, fmt, ap);
        va_end(ap);
        diag_set(r->diag, kind, read_offset(r, at), "%s", msg);
    }
    r->at = r->end;
}

void read_fail_end(Reader *r)
{
    read_fail(r, DIAG_MALFORMED, r->end, "unexpected end of section or function");
}

const char *read_proposal_name(enum FeatureBit bit)
{
    static const char *const ids[FEATURE_COUNT] = {
#define FEATURE(id, name, on, all) #id,
#include "wasm/features.def"
#undef FEATURE
    };
    const char *key = feature_name(bit);
    return *key ? key : ids[bit];
}

bool read_need(Reader *r, enum FeatureBit bit, const u8 *at, const char *what)
{
    r->uses |= (FeatureSet)1 << bit;
    if (LIKELY(r->m->features >> bit & 1))
        return true;
    read_fail(r, DIAG_UNSUPPORTED, at, "%s: the %s proposal is off", what, read_proposal_name(bit));
    return false;
}

/* Unsigned LEB128 of at most `bits` bits. */
static u64 read_uleb(Reader *r, u32 bits)
{
    const u8 *start = r->at;
    u64 v = 0;
    for (u32 shift = 0;; shift += 7) {
        if (r->at >= r->end) {
            read_fail_end(r);
            return 0;
        }
        u8 b = *r->at++;
        v |= (u64)(b & 0x7f) << shift;
        bool last = shift + 7 >= bits;
        if (last && b & 0x80) {
            read_fail(r, DIAG_MALFORMED, start, "integer representation too long");
            return 0;
        }
        if (last && b >> (bits - shift)) {
            read_fail(r, DIAG_MALFORMED, start, "integer too large");
            return 0;
        }
        if (!(b & 0x80))
            return v;
    }
}

u32 read_u32_slow(Reader *r)
{
    return (u32)read_uleb(r, 32);
}

u64 read_u64_slow(Reader *r)
{
    return read_uleb(r, 64);
}

i64 read_sleb(Reader *r, u32 bits)
{
    const u8 *start = r->at;
    u64 v = 0;
    for (u32 shift = 0;; shift += 7) {
        if (r->at >= r->end) {
            read_fail_end(r);
            return 0;
        }
        u8 b = *r->at++;
        v |= (u64)(b & 0x7f) << shift;
        if (shift + 7 >= bits) {
            /* The bits from the sign on must all be the same. */
            u8 mask = (u8)(0x7f << (bits - shift - 1)) & 0x7f;
            if (b & 0x80) {
                read_fail(r, DIAG_MALFORMED, start, "integer representation too long");
                return 0;
            }
            if ((b & mask) != 0 && (b & mask) != mask) {
                read_fail(r, DIAG_MALFORMED, start, "integer too large");
                return 0;
            }
        }
        if (!(b & 0x80)) {
            u32 used = MIN(shift + 7, 64);
            return (i64)(v << (64 - used)) >> (64 - used);
        }
    }
}

const u8 *read_bytes(Reader *r, usize n)
{
    if (read_left(r) < n) {
        read_fail_end(r);
        return NULL;
    }
    const u8 *p = r->at;
    r->at += n;
    return p;
}

u32 read_count(Reader *r, u32 limit, const char *what)
{
    const u8 *at = r->at;
    u32 n = read_u32(r);
    if (n > limit) {
        read_fail(r, DIAG_LIMIT, at, "too many %s: %u, the limit is %u", what, n, limit);
        return 0;
    }
    if (n > read_left(r)) {
        read_fail_end(r);
        return 0;
    }
    return n;
}

Str read_name(Reader *r)
{
    const u8 *at = r->at;
    u32 n = read_u32(r);
    if (n > read_left(r)) {
        read_fail(r, DIAG_MALFORMED, at,
                  "length out of bounds: a name of %u bytes where %zu are left", n, read_left(r));
        return (Str){0};
    }
    if (n > LIMIT_STRING) {
        read_fail(r, DIAG_LIMIT, at, "name too long: %u bytes, the limit is %u", n, LIMIT_STRING);
        return (Str){0};
    }
    Str s = {(const char *)r->at, n};
    if (!utf8_valid(s.p, s.n)) {
        read_fail(r, DIAG_MALFORMED, r->at, "malformed UTF-8 encoding");
        return (Str){0};
    }
    r->at += n;
    return s;
}

static bool type_index_known(Reader *r, u64 index, const u8 *at)
{
    if (index >= (u64)r->m->ntypes + r->group)
        read_fail(r, DIAG_INVALID, at, "unknown type %llu: type index out of bounds",
                  (unsigned long long)index);
    else if (index < r->m->ntypes && r->m->types[index] == TYPE_NONE)
        read_fail(r, DIAG_INVALID, at, "type index %llu is a module type, not a sub type",
                  (unsigned long long)index);
    return read_ok(r);
}

u32 read_type_index(Reader *r)
{
    const u8 *at = r->at;
    u32 index = read_u32(r);
    return read_ok(r) && type_index_known(r, index, at) ? index : 0;
}

typedef struct AbstractCode {
    u8 code;
    u8 feature;
    HeapType heap;
} AbstractCode;

static const AbstractCode abstract_codes[] = {
    {0x70, FEATURE_BIT_MVP, HEAP_FUNC},
    {0x6f, FEATURE_BIT_REFERENCE_TYPES, HEAP_EXTERN},
    {0x6e, FEATURE_BIT_GC, HEAP_ANY},
    {0x6d, FEATURE_BIT_GC, HEAP_EQ},
    {0x6c, FEATURE_BIT_GC, HEAP_I31},
    {0x6b, FEATURE_BIT_GC, HEAP_STRUCT},
    {0x6a, FEATURE_BIT_GC, HEAP_ARRAY},
    {0x71, FEATURE_BIT_GC, HEAP_NONE},
    {0x73, FEATURE_BIT_GC, HEAP_NOFUNC},
    {0x72, FEATURE_BIT_GC, HEAP_NOEXTERN},
    {0x69, FEATURE_BIT_EXCEPTIONS, HEAP_EXN},
    {0x74, FEATURE_BIT_EXCEPTIONS, HEAP_NOEXN},
    {0x68, FEATURE_BIT_STACK_SWITCHING, HEAP_CONT},
    {0x75, FEATURE_BIT_STACK_SWITCHING, HEAP_NOCONT},
};

/* The abstract heap type of a one-byte code, 0 if there is none (0 is never abstract). */
static HeapType abstract_heap(Reader *r, u8 code, const u8 *at)
{
    for (u32 i = 0; i < ARRAY_LEN(abstract_codes); i++)
        if (abstract_codes[i].code == code) {
            if (!read_need(r, (enum FeatureBit)abstract_codes[i].feature, at, "heap type"))
                return 0;
            return abstract_codes[i].heap;
        }
    return 0;
}

u8 read_heap_code(HeapType heap)
{
    for (u32 i = 0; i < ARRAY_LEN(abstract_codes); i++)
        if (abstract_codes[i].heap == heap)
            return abstract_codes[i].code;
    BUG("heap type without a code");
}

/* Garbage collection includes the types of typed function references. */
static bool need_typed_ref(Reader *r, const u8 *at)
{
    if (r->m->features & FEATURE_MASK(GC)) {
        r->uses |= FEATURE_MASK(FUNCTION_REFERENCES);
        return true;
    }
    return read_need(r, FEATURE_BIT_FUNCTION_REFERENCES, at, "typed reference");
}

HeapType read_heap_type(Reader *r, ValType *ret_rel)
{
    const u8 *at = r->at;
    *ret_rel = 0;
    if (r->at < r->end && (*r->at & 0xc0) == 0x40) {
        HeapType h = abstract_heap(r, *r->at++, at);
        if (!h)
            read_fail(r, DIAG_MALFORMED, at, "malformed heap type 0x%02x", *at);
        return h;
    }
    i64 index = read_s(r, 33);
    if (index < 0)
        read_fail(r, DIAG_MALFORMED, at, "malformed heap type");
    if (!read_ok(r) || !type_index_known(r, (u64)index, at) || !need_typed_ref(r, at))
        return 0;
    if (index < r->m->ntypes)
        return r->m->types[index];
    *ret_rel = VALTYPE_REL;
    return (HeapType)(index - r->m->ntypes);
}

ValType read_ref_to(Reader *r, bool nullable)
{
    ValType rel;
    HeapType h = read_heap_type(r, &rel);
    return VALTYPE_REF(h, nullable) | rel;
}

/* A reference type whose first byte is `code`; 0 (which is i32) if it is none. */
static ValType ref_type_of_code(Reader *r, u8 code, const u8 *at)
{
    if (code == 0x63 || code == 0x64) {
        if (!need_typed_ref(r, at))
            return 0;
        return read_ref_to(r, code == 0x63);
    }
    HeapType h = abstract_heap(r, code, at);
    return h ? VALTYPE_REF(h, true) : 0;
}

ValType read_ref_type(Reader *r)
{
    const u8 *at = r->at;
    u8 code = read_u8(r);
    ValType t = read_ok(r) ? ref_type_of_code(r, code, at) : 0;
    if (!t)
        read_fail(r, DIAG_MALFORMED, at, "malformed reference type 0x%02x", code);
    return t;
}

ValType read_val_type(Reader *r)
{
    const u8 *at = r->at;
    u8 code = read_u8(r);
    switch (code) {
    case 0x7f:
        return VT_I32;
    case 0x7e:
        return VT_I64;
    case 0x7d:
        return VT_F32;
    case 0x7c:
        return VT_F64;
    case 0x7b:
        read_need(r, FEATURE_BIT_SIMD, at, "v128");
        return VT_V128;
    default:
        break;
    }
    ValType t = read_ok(r) ? ref_type_of_code(r, code, at) : 0;
    if (!t)
        read_fail(r, DIAG_MALFORMED, at, "malformed value type 0x%02x", code);
    else
        read_need(r, FEATURE_BIT_REFERENCE_TYPES, at, "reference");
    return t;
}
