/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Memory of one side of a call, and whole parameter lists. */
#include "component/abi.h"

#include "component/abi_priv.h"
#include "component/instance_priv.h"

enum { TREE_BYTES_MAX = 1 << 30 };

/* The words depend on who is at the other end. */
typedef struct Complaint {
    TrapCode trap;
    const char *host;
} Complaint;

static Error *complain(const AbiSide *s, Complaint c)
{
    return s->host ? error_new("%s", c.host) : trap_error(c.trap);
}

Error *abi_bad_discriminant(const AbiSide *s, u32 found, u32 cases)
{
    return s->host ? error_new("discriminant %u out of range [0..%u)", found, cases)
                   : trap_error(TRAP_INVALID_DISCRIMINANT);
}

Error *abi_bad_char(const AbiSide *s)
{
    return complain(s, (Complaint){TRAP_INVALID_CHAR, "converted integer out of range for `char`"});
}

static const Complaint bounds[] = {
    [ABI_STRING] = {TRAP_STRING_OUT_OF_BOUNDS, "string pointer/length out of bounds of memory"},
    [ABI_LIST] = {TRAP_LIST_OUT_OF_BOUNDS, "list pointer/length out of bounds of memory"},
    [ABI_TUPLE] = {TRAP_MEMORY_OUT_OF_BOUNDS, "pointer out of bounds of memory"},
};

MUST_CHECK static Error *check_words(AbiSide *s, Complaint aligned, Complaint inside,
                                     bool inside_first, u64 ptr, u64 size, u32 align,
                                     u8 **ret_place)
{
    if (!s->memory)
        return error_new("no memory is given to the canonical function");
    u64 length = 0;
    u8 *base = memory_data(s->memory, &length);
    bool fits = ptr <= length && size <= length - ptr;
    if (!fits && inside_first)
        return complain(s, inside);
    if (ptr & (align - 1))
        return complain(s, aligned);
    if (!fits)
        return complain(s, inside);
    *ret_place = base + ptr;
    return NULL;
}

Error *abi_check(AbiSide *s, AbiWhat what, u64 ptr, u64 size, u32 align, u8 **ret_place)
{
    Complaint aligned = {TRAP_UNALIGNED_POINTER, what == ABI_LIST ? "list pointer is not aligned"
                                                 : what == ABI_STRING
                                                     ? "string pointer not aligned to 2"
                                                     : "pointer not aligned"};
    /* Wasmtime's order, which shows where both are wrong */
    bool inside_first = what == ABI_LIST && (size == UINT64_MAX || s->host);
    return check_words(s, aligned, bounds[what], inside_first, ptr, size, align, ret_place);
}

Error *abi_realloc(AbiSide *s, AbiWhat what, u64 old, u64 old_size, u32 align, u64 size,
                   u64 *ret_ptr)
{
    if (!s->realloc)
        return error_new("no realloc is given to the canonical function");
    if (!s->wide && size > UINT32_MAX)
        return complain(s, bounds[what]);
    VmVal vals[4] = {{.pair = {old}}, {.pair = {old_size}}, {.pair = {align}}, {.pair = {size}}};
    bool may_leave = *s->may_leave;
    *s->may_leave = false;
    u64 context[2];
    task_hide_context(s->inst, context);
    Error *e = func_call(s->store, s->realloc, vals);
    if (e)
        return e;
    task_show_context(s->inst, context);
    *s->may_leave = may_leave;
    u64 ptr = s->wide ? vals[0].pair[0] : (u32)vals[0].i32;
    Complaint aligned = {TRAP_UNALIGNED_POINTER, "realloc return: result not aligned"};
    Complaint inside = {bounds[what].trap, "realloc return: beyond end of memory"};
    u8 *place = NULL;
    e = check_words(s, aligned, inside, false, ptr, size, align, &place);
    if (!e)
        *ret_ptr = ptr;
    return e;
}

void *abi_tree_alloc(AbiSide *s, u64 n, usize size)
{
    if (n * size > TREE_BYTES_MAX || s->arena->total > TREE_BYTES_MAX)
        return NULL;
    return arena_alloc_array(s->arena, n, size);
}

Error *abi_tree_full(void)
{
    return error_new("fuel allocated for hostcalls has been exhausted");
}

Error *abi_no_async(void)
{
    return error_new("streams, futures and error contexts are not supported by this build yet");
}

u64 abi_load_ptr(const AbiSide *s, const u8 *p)
{
    return s->wide ? load_u64(p) : load_u32(p);
}

/* Size and alignment of the values laid out as a tuple; `ret_offsets` may be NULL. */
static void tuple_layout(const AbiSide *s, const AbiTuple *t, u32 *ret_size, u32 *ret_align)
{
    u32 size = 0, align = 1;
    for (u32 i = 0; i < t->n; i++) {
        const CLayout *l = &ctype_get(s->types, t->fields[i].type)->layout[s->wide];
        size = (u32)align_up(size, l->align) + l->size;
        align = MAX(align, l->align);
    }
    *ret_size = (u32)align_up(size, align);
    *ret_align = align;
}

Error *abi_lift(AbiSide *s, const AbiTuple *t, const u64 *flat, ComponentVal *ret_vals)
{
    if (!t->spilled) {
        FlatReader r = {flat, 0};
        Error *e = NULL;
        for (u32 i = 0; i < t->n && !e; i++)
            e = abi_lift_flat(s, t->fields[i].type, &r, &ret_vals[i]);
        return e;
    }
    u32 size, align;
    tuple_layout(s, t, &size, &align);
    u8 *place = NULL;
    Error *e = abi_check(s, ABI_TUPLE, flat[0], size, align, &place);
    u32 at = 0;
    for (u32 i = 0; i < t->n && !e; i++) {
        const CLayout *l = &ctype_get(s->types, t->fields[i].type)->layout[s->wide];
        at = (u32)align_up(at, l->align);
        e = abi_load(s, t->fields[i].type, place + at, &ret_vals[i]);
        at += l->size;
    }
    return e;
}

Error *abi_lower(AbiSide *s, const AbiTuple *t, const ComponentVal *vals, const u64 *out,
                 u64 *ret_flat)
{
    if (!t->spilled) {
        FlatWriter w = {ret_flat, 0};
        Error *e = NULL;
        for (u32 i = 0; i < t->n && !e; i++)
            e = abi_lower_flat(s, t->fields[i].type, &vals[i], &w);
        return e;
    }
    u32 size, align;
    tuple_layout(s, t, &size, &align);
    u64 ptr = 0;
    u8 *place = NULL;
    Error *e = NULL;
    if (out) {
        ptr = *out;
        e = abi_check(s, ABI_TUPLE, ptr, size, align, &place);
    } else {
        e = abi_realloc(s, ABI_TUPLE, 0, 0, align, size, &ptr);
        ret_flat[0] = ptr;
    }
    u32 at = 0;
    for (u32 i = 0; i < t->n && !e; i++) {
        const CLayout *l = &ctype_get(s->types, t->fields[i].type)->layout[s->wide];
        at = (u32)align_up(at, l->align);
        e = abi_store(s, t->fields[i].type, &vals[i], ptr + at);
        at += l->size;
    }
    return e;
}

void abi_from_vals(const u8 *types, u32 n, const VmVal *vals, u64 *ret_flat)
{
    for (u32 i = 0; i < n; i++) {
        bool narrow = types[i] == VT_I32 || types[i] == VT_F32;
        ret_flat[i] = narrow ? vals[i].f32 : vals[i].f64;
    }
}

void abi_to_vals(const u64 *flat, u32 n, VmVal *ret_vals)
{
    for (u32 i = 0; i < n; i++)
        ret_vals[i] = (VmVal){.pair = {flat[i]}};
}
