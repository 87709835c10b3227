/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the files of the canonical ABI. */
#ifndef COMPONENT_ABI_PRIV_H
#define COMPONENT_ABI_PRIV_H

#include "component/abi.h"

typedef struct FlatReader {
    const u64 *p;
    u32 i;
} FlatReader;
typedef struct FlatWriter {
    u64 *p;
    u32 i;
} FlatWriter;

Error *abi_lift_flat(AbiSide *s, CTypeId type, FlatReader *r, ComponentVal *ret_val) MUST_CHECK;
/* `place` was checked for the type's size and alignment; lifting runs no guest code. */
Error *abi_load(AbiSide *s, CTypeId type, const u8 *place, ComponentVal *ret_val) MUST_CHECK;
Error *abi_lower_flat(AbiSide *s, CTypeId type, const ComponentVal *v, FlatWriter *w) MUST_CHECK;
/* The address was checked; realloc may move the memory in between, so it is no pointer. */
Error *abi_store(AbiSide *s, CTypeId type, const ComponentVal *v, u64 ptr) MUST_CHECK;

u64 abi_load_ptr(const AbiSide *s, const u8 *p);
/* n * size zeroed bytes for a tree; NULL if the call has taken too much. */
void *abi_tree_alloc(AbiSide *s, u64 n, usize size);
Error *abi_tree_full(void);
Error *abi_no_async(void);
Error *abi_bad_discriminant(const AbiSide *s, u32 found, u32 cases);
Error *abi_bad_char(const AbiSide *s);

static inline bool char_is_valid(u32 c)
{
    return c < 0xd800 || (c >= 0xe000 && c < 0x110000);
}

/* Keys and values of a map lie in memory as a list of pairs. */
typedef struct MapLayout {
    u32 value, size, align;
} MapLayout;
static inline MapLayout map_layout(const AbiSide *s, const CType *c)
{
    const CLayout *k = &ctype_get(s->types, c->fields[0].type)->layout[s->wide];
    const CLayout *v = &ctype_get(s->types, c->fields[1].type)->layout[s->wide];
    u32 align = MAX(k->align, v->align), at = (u32)align_up(k->size, v->align);
    return (MapLayout){at, (u32)align_up((u64)at + v->size, align), align};
}

#endif
