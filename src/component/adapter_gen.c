/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The code of adapters, value by value. A value is first lifted: its numbers, tags, pointers and
 * lengths are checked and kept in locals. Once all parameters are, they are lowered in the same
 * order. What lists of anything but numbers hold is read twice: to check it, and to copy it.
 */
#include "component/adapter_priv.h"

enum { LEAVES_MAX = 160, CODE_MAX = 1 << 16, LISTS_MAX = 2 };

#define STRING_BYTES_MAX 0x7fffffffu

/* --- single instructions --- */

void adapt_op(AdapterGen *g, u8 code)
{
    buf_u8(&g->code, code);
    if (g->code.n > CODE_MAX)
        g->failed = true;
}

void adapt_index(AdapterGen *g, u8 code, u32 index)
{
    adapt_op(g, code);
    buf_uleb(&g->code, index);
}

void adapt_const(AdapterGen *g, u32 v)
{
    adapt_op(g, OP_I32_CONST);
    buf_sleb(&g->code, (i32)v);
}

static void const64(AdapterGen *g, i64 v)
{
    adapt_op(g, OP_I64_CONST);
    buf_sleb(&g->code, v);
}

u32 adapt_local(AdapterGen *g, u8 type)
{
    vec_push(&g->locals, type);
    return g->locals.n - 1;
}

static void get(AdapterGen *g, u32 local)
{
    adapt_index(g, OP_LOCAL_GET, local);
}

static void set(AdapterGen *g, u32 local)
{
    adapt_index(g, OP_LOCAL_SET, local);
}

static u32 index_of(const AdapterGen *g, AdapterImport first, AdapterImport which)
{
    u32 n = 0;
    for (u32 i = first; i < (u32)which; i++)
        n += adapter_imports(g->shape, (AdapterImport)i);
    return n;
}

void adapt_call(AdapterGen *g, AdapterImport which)
{
    bool handle = which >= ADAPTER_LOOK_CALLER && which <= ADAPTER_MOVE_CALLEE;
    if (!handle && !adapter_imports(g->shape, which))
        g->failed = true;
    adapt_index(g, OP_CALL, index_of(g, ADAPTER_CALLEE, which));
}

void adapt_trap_if(AdapterGen *g, TrapCode code)
{
    adapt_op(g, OP_IF);
    adapt_op(g, BLOCK_EMPTY);
    adapt_const(g, code);
    adapt_call(g, ADAPTER_TRAP);
    adapt_op(g, OP_END);
}

/* --- memory --- */

static u32 memory_index(AdapterGen *g, const GenSide *side)
{
    if (!adapter_imports(g->shape, side->memory))
        g->failed = true;
    return index_of(g, ADAPTER_MEMORY_CALLER, side->memory);
}

/* A load or store; its address is below what it stores. */
static void access(AdapterGen *g, u8 code, const GenSide *side, u32 offset)
{
    adapt_op(g, code);
    buf_u8(&g->code, 0x40); /* any alignment; a memory index follows */
    buf_uleb(&g->code, memory_index(g, side));
    buf_uleb(&g->code, offset);
}

static void check_aligned(AdapterGen *g, u32 address, u32 align)
{
    if (align == 1)
        return;
    get(g, address);
    adapt_const(g, align - 1);
    adapt_op(g, OP_I32_AND);
    adapt_trap_if(g, TRAP_UNALIGNED_POINTER);
}

/* Traps unless as many bytes as the i64 on the stack says are at the address. */
static void check_inside(AdapterGen *g, const GenSide *side, u32 address, TrapCode trap)
{
    get(g, address);
    adapt_op(g, OP_I64_EXTEND_U);
    adapt_op(g, OP_I64_ADD);
    adapt_index(g, OP_MEMORY_SIZE, memory_index(g, side));
    adapt_op(g, OP_I64_EXTEND_U);
    const64(g, 16);
    adapt_op(g, OP_I64_SHL);
    adapt_op(g, OP_I64_GT_U);
    adapt_trap_if(g, trap);
}

void adapt_check_tuple(AdapterGen *g, const GenSide *side, u32 address, u32 size, u32 align)
{
    check_aligned(g, address, align);
    const64(g, size);
    check_inside(g, side, address, TRAP_MEMORY_OUT_OF_BOUNDS);
}

/* Bytes of n elements as i64, which is below 2^32 where it was checked. */
static void push_bytes(AdapterGen *g, u32 n, u32 size)
{
    get(g, n);
    adapt_op(g, OP_I64_EXTEND_U);
    if (size == 1)
        return;
    const64(g, size);
    adapt_op(g, OP_I64_MUL);
}

/* What realloc gives for n elements, checked; n is a constant 1 if the local is UINT32_MAX. */
static u32 alloc(AdapterGen *g, const GenSide *side, u32 n, u32 size, u32 align, TrapCode trap)
{
    u32 address = adapt_local(g, KIND_I32);
    adapt_const(g, 0);
    adapt_const(g, 0);
    adapt_const(g, align);
    if (n == UINT32_MAX)
        const64(g, size);
    else
        push_bytes(g, n, size);
    adapt_op(g, OP_I32_WRAP);
    adapt_call(g, side->realloc);
    set(g, address);
    check_aligned(g, address, align);
    if (n == UINT32_MAX)
        const64(g, size);
    else
        push_bytes(g, n, size);
    check_inside(g, side, address, trap);
    return address;
}

u32 adapt_alloc_tuple(AdapterGen *g, const GenSide *side, u32 size, u32 align)
{
    return alloc(g, side, UINT32_MAX, size, align, TRAP_MEMORY_OUT_OF_BOUNDS);
}

/* --- places --- */

/* The bits of the value on the stack as another core type: variants join those of their cases. */
static void reinterpret(AdapterGen *g, u8 have, u8 want)
{
    if (have == want)
        return;
    if (have == KIND_F32)
        adapt_op(g, OP_I32_REINTERPRET);
    else if (have == KIND_F64)
        adapt_op(g, OP_I64_REINTERPRET);
    bool wide = have == KIND_I64 || have == KIND_F64,
         to_wide = want == KIND_I64 || want == KIND_F64;
    if (wide && !to_wide)
        adapt_op(g, OP_I32_WRAP);
    else if (!wide && to_wide)
        adapt_op(g, OP_I64_EXTEND_U);
    if (want == KIND_F32)
        adapt_op(g, OP_F32_REINTERPRET);
    else if (want == KIND_F64)
        adapt_op(g, OP_F64_REINTERPRET);
}

typedef struct Access {
    u8 load, store, size;
} Access;

/* How a value of a kind that is one core value lies in memory. */
static Access access_of(const CType *c)
{
    static const Access sized[] = {
        [1] = {0x2d, 0x3a, 1}, [2] = {0x2f, 0x3b, 2}, [4] = {0x28, 0x36, 4}};
    switch ((CTypeKind)c->kind) {
    case CT_S8:
        return (Access){0x2c, 0x3a, 1};
    case CT_S16:
        return (Access){0x2e, 0x3b, 2};
    case CT_S64:
    case CT_U64:
        return (Access){0x29, 0x37, 8};
    case CT_F32:
        return (Access){0x2a, 0x38, 4};
    case CT_F64:
        return (Access){0x2b, 0x39, 8};
    default:
        return sized[c->layout[0].size];
    }
}

/* Into a new leaf of the core type; `a` says how it is loaded. */
static u32 read_leaf(AdapterGen *g, GenPlace *from, u8 core, Access a, u32 offset)
{
    u32 leaf = adapt_local(g, core);
    if (g->leaves.n >= LEAVES_MAX)
        g->failed = true;
    vec_push(&g->leaves, leaf);
    get(g, from->local);
    if (from->in_memory)
        access(g, a.load, from->side, from->offset + offset);
    else
        reinterpret(g, g->locals.p[from->local++], core);
    set(g, leaf);
    return leaf;
}

static void write_local(AdapterGen *g, GenPlace *to, u32 local, Access a, u32 offset)
{
    if (to->in_memory) {
        get(g, to->local);
        get(g, local);
        access(g, a.store, to->side, to->offset + offset);
    } else {
        get(g, local);
        reinterpret(g, g->locals.p[local], g->locals.p[to->local]);
        set(g, to->local++);
    }
}

static u32 next_leaf(AdapterGen *g)
{
    return g->next < g->leaves.n ? g->leaves.p[g->next++] : 0;
}

static GenPlace behind(const GenPlace *p, u32 offset)
{
    GenPlace at = *p;
    at.offset += p->in_memory ? offset : 0;
    return at;
}

/* --- scalars --- */

static bool is_scalar(const CType *c)
{
    return c->kind <= CT_CHAR || c->kind == CT_ENUM || (c->kind == CT_FLAGS && c->n <= 32);
}

/* Lists of these are copied as they are. */
static bool is_number(const CType *c)
{
    return c->kind >= CT_S8 && c->kind <= CT_F64;
}

static void set_masked(AdapterGen *g, u32 local, u32 mask)
{
    get(g, local);
    adapt_const(g, mask);
    adapt_op(g, OP_I32_AND);
    set(g, local);
}

static void set_extended(AdapterGen *g, u32 local, u32 bits)
{
    get(g, local);
    adapt_const(g, 32 - bits);
    adapt_op(g, OP_I32_SHL);
    adapt_const(g, 32 - bits);
    adapt_op(g, OP_I32_SHR_S);
    set(g, local);
}

static void check_char(AdapterGen *g, u32 local)
{
    get(g, local);
    adapt_const(g, 0x110000);
    adapt_op(g, OP_I32_GE_U);
    get(g, local);
    adapt_const(g, 0xd800);
    adapt_op(g, OP_I32_SUB);
    adapt_const(g, 0x800);
    adapt_op(g, OP_I32_LT_U);
    adapt_op(g, OP_I32_OR);
    adapt_trap_if(g, TRAP_INVALID_CHAR);
}

static void check_case(AdapterGen *g, u32 local, u32 n)
{
    get(g, local);
    adapt_const(g, n);
    adapt_op(g, OP_I32_GE_U);
    adapt_trap_if(g, TRAP_INVALID_DISCRIMINANT);
}

/* The value in the local as the other side is to see it. */
static void convert(AdapterGen *g, const CType *c, u32 local)
{
    switch ((CTypeKind)c->kind) {
    case CT_BOOL:
        get(g, local);
        adapt_const(g, 0);
        adapt_op(g, OP_I32_NE);
        set(g, local);
        break;
    case CT_U8:
        set_masked(g, local, UINT8_MAX);
        break;
    case CT_U16:
        set_masked(g, local, UINT16_MAX);
        break;
    case CT_FLAGS:
        set_masked(g, local, c->n == 32 ? UINT32_MAX : ((u32)1 << c->n) - 1);
        break;
    case CT_S8:
        set_extended(g, local, 8);
        break;
    case CT_S16:
        set_extended(g, local, 16);
        break;
    case CT_CHAR:
        check_char(g, local);
        break;
    case CT_ENUM:
        check_case(g, local, c->n);
        break;
    default:
        break; /* all bits count */
    }
}

/* --- strings and lists --- */

static void lift_slice(AdapterGen *g, GenPlace *from, u32 *ret_at, u32 *ret_n)
{
    const Access word = {0x28, 0x36, 4};
    *ret_at = read_leaf(g, from, KIND_I32, word, 0);
    *ret_n = read_leaf(g, from, KIND_I32, word, 4);
}

static void lower_slice(AdapterGen *g, GenPlace *to, u32 at, u32 n)
{
    const Access word = {0x28, 0x36, 4};
    write_local(g, to, at, word, 0);
    write_local(g, to, n, word, 4);
}

static void lift_string(AdapterGen *g, GenPlace *from)
{
    u32 at, n;
    lift_slice(g, from, &at, &n);
    if (!adapter_recodes(g->shape)) { /* otherwise bounds are the function's, too */
        get(g, n);
        adapt_const(g, STRING_BYTES_MAX);
        adapt_op(g, OP_I32_GT_U);
        adapt_trap_if(g, TRAP_STRING_OUT_OF_BOUNDS);
        push_bytes(g, n, 1);
        check_inside(g, from->side, at, TRAP_STRING_OUT_OF_BOUNDS);
    }
    get(g, at);
    get(g, n);
    adapt_call(g, from->side->check);
}

/* From the address in one local to that in another. */
static void copy_bytes(AdapterGen *g, const GenSide *to, u32 dst, const GenSide *from, u32 src,
                       u32 n, u32 size)
{
    get(g, dst);
    get(g, src);
    push_bytes(g, n, size);
    adapt_op(g, OP_I32_WRAP);
    adapt_index(g, OP_PREFIX, OP_MEMORY_COPY);
    buf_uleb(&g->code, memory_index(g, to));
    buf_uleb(&g->code, memory_index(g, from));
}

/* In another encoding. */
static void lower_recoded(AdapterGen *g, GenPlace *to, u32 at, u32 n)
{
    u32 both = adapt_local(g, KIND_I64), dst = adapt_local(g, KIND_I32);
    u32 length = adapt_local(g, KIND_I32);
    get(g, at);
    get(g, n);
    adapt_call(g, to->side->recode);
    adapt_index(g, OP_LOCAL_TEE, both);
    adapt_op(g, OP_I32_WRAP);
    set(g, dst);
    get(g, both);
    const64(g, 32);
    adapt_op(g, OP_I64_SHR_U);
    adapt_op(g, OP_I32_WRAP);
    set(g, length);
    lower_slice(g, to, dst, length);
}

static void lower_string(AdapterGen *g, GenPlace *to, const GenSide *from)
{
    u32 at = next_leaf(g), n = next_leaf(g);
    if (adapter_recodes(g->shape)) {
        lower_recoded(g, to, at, n);
        return;
    }
    u32 dst = alloc(g, to->side, n, 1, 1, TRAP_STRING_OUT_OF_BOUNDS);
    copy_bytes(g, to->side, dst, from, at, n, 1);
    lower_slice(g, to, dst, n);
}

/* A loop over n elements: `address` goes with it. Ended by end_loop. */
static u32 begin_loop(AdapterGen *g, u32 n)
{
    u32 left = adapt_local(g, KIND_I32);
    if (++g->lists > LISTS_MAX)
        g->failed = true;
    get(g, n);
    adapt_index(g, OP_LOCAL_TEE, left);
    adapt_op(g, OP_IF);
    adapt_op(g, BLOCK_EMPTY);
    adapt_op(g, OP_LOOP);
    adapt_op(g, BLOCK_EMPTY);
    return left;
}

static u32 copy_of(AdapterGen *g, u32 local)
{
    u32 copy = adapt_local(g, KIND_I32);
    get(g, local);
    set(g, copy);
    return copy;
}

static void advance(AdapterGen *g, u32 address, u32 size)
{
    get(g, address);
    adapt_const(g, size);
    adapt_op(g, OP_I32_ADD);
    set(g, address);
}

static void end_loop(AdapterGen *g, u32 left)
{
    get(g, left);
    adapt_const(g, 1);
    adapt_op(g, OP_I32_SUB);
    adapt_index(g, OP_LOCAL_TEE, left);
    adapt_index(g, OP_BR_IF, 0);
    adapt_op(g, OP_END);
    adapt_op(g, OP_END);
    g->lists--;
}

static void lift_elements(AdapterGen *g, CTypeId type, const GenSide *side, u32 at, u32 n)
{
    u32 mark = g->leaves.n, address = copy_of(g, at), left = begin_loop(g, n);
    GenPlace from = {side, true, address, 0};
    if (!g->failed)
        adapt_lift(g, type, &from);
    advance(g, address, ctype_get(g->shape->types, type)->layout[0].size);
    end_loop(g, left);
    g->leaves.n = mark;
}

static void lower_elements(AdapterGen *g, CTypeId type, const GenPlace *from, const GenPlace *to,
                           u32 n)
{
    u32 mark = g->leaves.n, next = g->next, size = ctype_get(g->shape->types, type)->layout[0].size;
    GenPlace src = {from->side, true, copy_of(g, from->local), 0};
    GenPlace dst = {to->side, true, copy_of(g, to->local), 0};
    u32 left = begin_loop(g, n);
    g->next = mark;
    if (!g->failed)
        adapt_lift(g, type, &(GenPlace){src.side, true, src.local, 0});
    if (!g->failed)
        adapt_lower(g, type, &(GenPlace){dst.side, true, dst.local, 0}, src.side);
    advance(g, src.local, size);
    advance(g, dst.local, size);
    end_loop(g, left);
    g->leaves.n = mark;
    g->next = next;
}

static void lift_list(AdapterGen *g, const CType *c, GenPlace *from)
{
    const CType *element = ctype_get(g->shape->types, c->fields[0].type);
    u32 size = element->layout[0].size, at, n;
    lift_slice(g, from, &at, &n);
    if (size == 0)
        g->failed = true;
    push_bytes(g, n, size);
    const64(g, UINT32_MAX);
    adapt_op(g, OP_I64_GT_U);
    adapt_trap_if(g, TRAP_LIST_OUT_OF_BOUNDS);
    check_aligned(g, at, element->layout[0].align);
    push_bytes(g, n, size);
    check_inside(g, from->side, at, TRAP_LIST_OUT_OF_BOUNDS);
    if (!is_number(element))
        lift_elements(g, c->fields[0].type, from->side, at, n);
}

static void lower_list(AdapterGen *g, const CType *c, GenPlace *to, const GenSide *from)
{
    const CType *element = ctype_get(g->shape->types, c->fields[0].type);
    const CLayout *l = &element->layout[0];
    u32 at = next_leaf(g), n = next_leaf(g);
    u32 dst = alloc(g, to->side, n, l->size, l->align, TRAP_LIST_OUT_OF_BOUNDS);
    if (is_number(element))
        copy_bytes(g, to->side, dst, from, at, n, l->size);
    else
        lower_elements(g, c->fields[0].type, &(GenPlace){from, true, at, 0},
                       &(GenPlace){to->side, true, dst, 0}, n);
    lower_slice(g, to, dst, n);
}

/* --- handles --- */

/*
 * An own handle stays where it is until it is lowered, so whatever fails before that leaves it with
 * its owner. A borrowed one is only lent for the call, in which the caller cannot run: nothing has
 * to note that it is lent, unless the same call gives it away. To who defines the type it is what
 * is behind it; others get handles that they have to drop, which only trees count.
 */
static void lift_handle(AdapterGen *g, const CType *c, GenPlace *from)
{
    const Access word = {0x28, 0x36, 4};
    bool own = c->kind == CT_OWN;
    const AdapterShape *s = g->shape;
    u32 leaf = read_leaf(g, from, KIND_I32, word, 0);
    g->owns |= own;
    g->borrows |= !own;
    if (!own && (!s->owns || !s->owns(s->owner, c->resource)))
        g->failed = true;
    get(g, leaf);
    adapt_const(g, c->resource | (own ? ADAPTER_OWN : 0));
    adapt_call(g, from->side->look);
    if (own)
        adapt_op(g, OP_DROP);
    else
        set(g, leaf);
}

static void lower_handle(AdapterGen *g, const CType *c, GenPlace *to)
{
    const Access word = {0x28, 0x36, 4};
    u32 leaf = next_leaf(g);
    if (c->kind == CT_OWN) {
        u32 given = adapt_local(g, KIND_I32);
        get(g, leaf);
        adapt_const(g, c->resource);
        adapt_call(g, to->side->move);
        set(g, given);
        leaf = given;
    }
    write_local(g, to, leaf, word, 0);
}

/* --- compound values --- */

static Access tag_access(const CType *c)
{
    static const Access sized[] = {
        [1] = {0x2d, 0x3a, 1}, [2] = {0x2f, 0x3b, 2}, [4] = {0x28, 0x36, 4}};
    return sized[c->tag_size];
}

/* Opens a block for the case of that number. */
static void begin_case(AdapterGen *g, u32 tag, u32 number)
{
    get(g, tag);
    adapt_const(g, number);
    adapt_op(g, OP_I32_EQ);
    adapt_op(g, OP_IF);
    adapt_op(g, BLOCK_EMPTY);
}

static void lift_variant(AdapterGen *g, const CType *c, GenPlace *from)
{
    u32 start = from->local;
    u32 tag = read_leaf(g, from, KIND_I32, tag_access(c), 0);
    check_case(g, tag, c->n);
    for (u32 i = 0; i < c->n && !g->failed; i++) {
        if (c->fields[i].type == CTYPE_NONE)
            continue;
        GenPlace payload = behind(from, c->payload_offset[0]);
        begin_case(g, tag, i);
        adapt_lift(g, c->fields[i].type, &payload);
        adapt_op(g, OP_END);
    }
    if (!from->in_memory)
        from->local = start + c->layout[0].nflat;
}

static void lower_variant(AdapterGen *g, const CType *c, GenPlace *to, const GenSide *from)
{
    u32 start = to->local, tag = next_leaf(g);
    write_local(g, to, tag, tag_access(c), 0);
    for (u32 i = 0; i < c->n && !g->failed; i++) {
        if (c->fields[i].type == CTYPE_NONE)
            continue;
        GenPlace payload = behind(to, c->payload_offset[0]);
        begin_case(g, tag, i);
        adapt_lower(g, c->fields[i].type, &payload, from);
        adapt_op(g, OP_END);
    }
    if (!to->in_memory)
        to->local = start + c->layout[0].nflat;
}

void adapt_lift(AdapterGen *g, CTypeId type, GenPlace *from)
{
    const CType *c = ctype_get(g->shape->types, type);
    if (g->failed)
        return;
    if (is_scalar(c)) {
        u32 leaf = read_leaf(g, from, c->layout[0].flat[0], access_of(c), 0);
        if (!from->in_memory || !is_number(c))
            convert(g, c, leaf);
    } else if (c->kind == CT_STRING) {
        lift_string(g, from);
    } else if (c->kind == CT_LIST) {
        lift_list(g, c, from);
    } else if (c->kind == CT_RECORD || c->kind == CT_TUPLE) {
        for (u32 i = 0; i < c->n && !g->failed; i++) {
            GenPlace field = behind(from, c->fields[i].offset[0]);
            adapt_lift(g, c->fields[i].type, &field);
            from->local = field.local;
        }
    } else if (c->kind == CT_VARIANT || c->kind == CT_OPTION || c->kind == CT_RESULT) {
        lift_variant(g, c, from);
    } else if (c->kind == CT_OWN || c->kind == CT_BORROW) {
        lift_handle(g, c, from);
    } else {
        g->failed = true;
    }
}

void adapt_lower(AdapterGen *g, CTypeId type, GenPlace *to, const GenSide *from)
{
    const CType *c = ctype_get(g->shape->types, type);
    if (g->failed)
        return;
    if (is_scalar(c)) {
        write_local(g, to, next_leaf(g), access_of(c), 0);
    } else if (c->kind == CT_STRING) {
        lower_string(g, to, from);
    } else if (c->kind == CT_LIST) {
        lower_list(g, c, to, from);
    } else if (c->kind == CT_RECORD || c->kind == CT_TUPLE) {
        for (u32 i = 0; i < c->n && !g->failed; i++) {
            GenPlace field = behind(to, c->fields[i].offset[0]);
            adapt_lower(g, c->fields[i].type, &field, from);
            to->local = field.local;
        }
    } else if (c->kind == CT_OWN || c->kind == CT_BORROW) {
        lower_handle(g, c, to);
    } else {
        lower_variant(g, c, to, from);
    }
}
