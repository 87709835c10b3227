/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The lattice of heap types, subtyping of value types, their names, and the proposals' names. */
#include "wasm/types.h"

#include <stdio.h>

FeatureSet features_default(void)
{
    FeatureSet set = 0;
#define FEATURE(id, name, on, all) set |= (FeatureSet)(on) << FEATURE_BIT_##id;
#include "wasm/features.def"
#undef FEATURE
    return set;
}

const char *feature_name(enum FeatureBit bit)
{
    static const char *const names[FEATURE_COUNT] = {
#define FEATURE(id, name, on, all) name,
#include "wasm/features.def"
#undef FEATURE
    };
    return bit < FEATURE_COUNT ? names[bit] : "";
}

#define ABSTRACT(h) ((h)-HEAP_FIRST_ABSTRACT)
#define BIT(h) (1u << ABSTRACT(HEAP_##h))

/* For each abstract heap type the abstract types above it, itself included. */
static const u16 supers[HEAP_BOT - HEAP_FIRST_ABSTRACT + 1] = {
    [ABSTRACT(HEAP_FUNC)] = BIT(FUNC),
    [ABSTRACT(HEAP_EXTERN)] = BIT(EXTERN),
    [ABSTRACT(HEAP_ANY)] = BIT(ANY),
    [ABSTRACT(HEAP_EQ)] = BIT(EQ) | BIT(ANY),
    [ABSTRACT(HEAP_I31)] = BIT(I31) | BIT(EQ) | BIT(ANY),
    [ABSTRACT(HEAP_STRUCT)] = BIT(STRUCT) | BIT(EQ) | BIT(ANY),
    [ABSTRACT(HEAP_ARRAY)] = BIT(ARRAY) | BIT(EQ) | BIT(ANY),
    [ABSTRACT(HEAP_NONE)] = BIT(NONE) | BIT(I31) | BIT(STRUCT) | BIT(ARRAY) | BIT(EQ) | BIT(ANY),
    [ABSTRACT(HEAP_NOFUNC)] = BIT(NOFUNC) | BIT(FUNC),
    [ABSTRACT(HEAP_NOEXTERN)] = BIT(NOEXTERN) | BIT(EXTERN),
    [ABSTRACT(HEAP_EXN)] = BIT(EXN),
    [ABSTRACT(HEAP_NOEXN)] = BIT(NOEXN) | BIT(EXN),
    [ABSTRACT(HEAP_CONT)] = BIT(CONT),
    [ABSTRACT(HEAP_NOCONT)] = BIT(NOCONT) | BIT(CONT),
    [ABSTRACT(HEAP_BOT)] = 0xffff,
};
static_assert(HEAP_BOT - HEAP_FIRST_ABSTRACT < 16, "one bit each");

/* The abstract type of a kind of concrete types, and the bottom below all of them. */
static const struct {
    HeapType above, bottom;
} of_kind[] = {
    [COMPOSITE_FUNC] = {HEAP_FUNC, HEAP_NOFUNC},
    [COMPOSITE_STRUCT] = {HEAP_STRUCT, HEAP_NONE},
    [COMPOSITE_ARRAY] = {HEAP_ARRAY, HEAP_NONE},
    [COMPOSITE_CONT] = {HEAP_CONT, HEAP_NOCONT},
};

static bool abstract_is_subtype(HeapType sub, HeapType super)
{
    return supers[ABSTRACT(sub)] >> ABSTRACT(super) & 1;
}

bool heap_is_subtype(const TypeRegistry *r, HeapType sub, HeapType super)
{
    if (sub == super)
        return true;
    if (!heap_is_concrete(sub)) {
        if (!heap_is_concrete(super))
            return abstract_is_subtype(sub, super);
        return sub == HEAP_BOT || sub == of_kind[types_get(r, super)->kind].bottom;
    }
    if (!heap_is_concrete(super))
        return abstract_is_subtype(of_kind[types_get(r, sub)->kind].above, super);
    return types_is_subtype(r, sub, super);
}

HeapType heap_top(const TypeRegistry *r, HeapType h)
{
    static const HeapType tops[] = {HEAP_ANY, HEAP_FUNC, HEAP_EXTERN, HEAP_EXN, HEAP_CONT};
    for (u32 i = 0; i < ARRAY_LEN(tops); i++)
        if (heap_is_subtype(r, h, tops[i]))
            return tops[i];
    BUG("heap type without a top");
}

bool valtype_is_subtype(const TypeRegistry *r, ValType sub, ValType super)
{
    if (sub == super || sub == VT_BOT)
        return true;
    if (!valtype_is_ref(sub) || !valtype_is_ref(super))
        return false;
    if (valtype_nullable(sub) && !valtype_nullable(super))
        return false;
    return heap_is_subtype(r, valtype_heap(sub), valtype_heap(super));
}

static const char *const heap_names[] = {
    "func",   "extern",   "any", "eq",    "i31",  "struct", "array", "none",
    "nofunc", "noextern", "exn", "noexn", "cont", "nocont", "bot",
};
static_assert(ARRAY_LEN(heap_names) == HEAP_BOT - HEAP_FIRST_ABSTRACT + 1, "a name each");

const char *valtype_name(ValType t, char buf[VALTYPE_NAME_SIZE])
{
    static const char *const names[] = {"i32", "i64", "f32", "f64", "v128"};
    TypeKind kind = valtype_kind(t);
    if (kind == KIND_REF) {
        HeapType h = valtype_heap(t);
        const char *null = valtype_nullable(t) ? "null " : "";
        if (t == VT_FUNCREF || t == VT_EXTERNREF)
            snprintf(buf, VALTYPE_NAME_SIZE, "%sref", heap_names[ABSTRACT(h)]);
        else if (heap_is_concrete(h))
            snprintf(buf, VALTYPE_NAME_SIZE, "(ref %s$%u)", null, h);
        else
            snprintf(buf, VALTYPE_NAME_SIZE, "(ref %s%s)", null, heap_names[ABSTRACT(h)]);
    } else {
        snprintf(buf, VALTYPE_NAME_SIZE, "%s", kind < KIND_REF ? names[kind] : "any type");
    }
    return buf;
}
