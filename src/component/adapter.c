/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The code of adapters. */
#include "component/adapter.h"

#include "abi/trap.h"

/* Function and global indices: imports come first, in the order of the text in adapter.h. */
enum { FUNC_CALLEE, FUNC_TRAP, FUNC_POST };
enum { GLOBAL_CALLER_LEAVE, GLOBAL_CALLEE_LEAVE, GLOBAL_ENTER };

enum {
    OP_IF = 0x04,
    OP_END = 0x0b,
    OP_CALL = 0x10,
    OP_LOCAL_GET = 0x20,
    OP_LOCAL_SET = 0x21,
    OP_GLOBAL_GET = 0x23,
    OP_GLOBAL_SET = 0x24,
    OP_I32_CONST = 0x41,
    OP_I32_EQZ = 0x45,
    OP_I32_NE = 0x47,
    OP_I32_LT_U = 0x49,
    OP_I32_GE_U = 0x4f,
    OP_I32_SUB = 0x6b,
    OP_I32_AND = 0x71,
    OP_I32_OR = 0x72,
    OP_I32_SHL = 0x74,
    OP_I32_SHR_S = 0x75,
    BLOCK_EMPTY = 0x40,
};

static bool is_scalar(const CType *c)
{
    return c->kind <= CT_CHAR || c->kind == CT_ENUM || (c->kind == CT_FLAGS && c->n <= 32);
}

bool adapter_possible(const ComponentTypes *t, const CType *func, const FlatSig *sig)
{
    for (u32 i = 0; i < func->n; i++)
        if (!is_scalar(ctype_get(t, func->fields[i].type)))
            return false;
    return !sig->params_spilled && !sig->results_spilled &&
           (func->result == CTYPE_NONE || is_scalar(ctype_get(t, func->result)));
}

static void key_type(const CType *c, Buf *out)
{
    buf_u8(out, c->kind);
    buf_uleb(out, c->n);
}

void adapter_key(const AdapterShape *s, Buf *out)
{
    buf_uleb(out, s->nentered);
    buf_u8(out, s->post_return);
    buf_uleb(out, s->func->n);
    for (u32 i = 0; i < s->func->n; i++)
        key_type(ctype_get(s->types, s->func->fields[i].type), out);
    if (s->func->result != CTYPE_NONE)
        key_type(ctype_get(s->types, s->func->result), out);
}

/* --- code --- */

static void op(Buf *b, u8 code)
{
    buf_u8(b, code);
}

static void op_index(Buf *b, u8 code, u32 index)
{
    buf_u8(b, code);
    buf_uleb(b, index);
}

static void op_const(Buf *b, i32 v)
{
    buf_u8(b, OP_I32_CONST);
    buf_sleb(b, v);
}

/* Traps if the i32 on the stack is not 0. */
static void trap_if(Buf *b, TrapCode code)
{
    op(b, OP_IF);
    op(b, BLOCK_EMPTY);
    op_const(b, (i32)code);
    op_index(b, OP_CALL, FUNC_TRAP);
    op(b, OP_END);
}

static void require_flag(Buf *b, u32 global, TrapCode code)
{
    op_index(b, OP_GLOBAL_GET, global);
    op(b, OP_I32_EQZ);
    trap_if(b, code);
}

static void set_flag(Buf *b, u32 global, bool value)
{
    op_const(b, value);
    op_index(b, OP_GLOBAL_SET, global);
}

static void set_masked(Buf *b, u32 local, u32 mask)
{
    op_index(b, OP_LOCAL_GET, local);
    op_const(b, (i32)mask);
    op(b, OP_I32_AND);
    op_index(b, OP_LOCAL_SET, local);
}

static void set_extended(Buf *b, u32 local, u32 bits)
{
    op_index(b, OP_LOCAL_GET, local);
    op_const(b, (i32)(32 - bits));
    op(b, OP_I32_SHL);
    op_const(b, (i32)(32 - bits));
    op(b, OP_I32_SHR_S);
    op_index(b, OP_LOCAL_SET, local);
}

static void check_char(Buf *b, u32 local)
{
    op_index(b, OP_LOCAL_GET, local);
    op_const(b, 0x110000);
    op(b, OP_I32_GE_U);
    op_index(b, OP_LOCAL_GET, local);
    op_const(b, 0xd800);
    op(b, OP_I32_SUB);
    op_const(b, 0x800);
    op(b, OP_I32_LT_U);
    op(b, OP_I32_OR);
    trap_if(b, TRAP_INVALID_CHAR);
}

/* The value in the local as the other side is to see it. */
static void convert(Buf *b, const CType *c, u32 local)
{
    switch ((CTypeKind)c->kind) {
    case CT_BOOL:
        op_index(b, OP_LOCAL_GET, local);
        op_const(b, 0);
        op(b, OP_I32_NE);
        op_index(b, OP_LOCAL_SET, local);
        break;
    case CT_U8:
        set_masked(b, local, UINT8_MAX);
        break;
    case CT_U16:
        set_masked(b, local, UINT16_MAX);
        break;
    case CT_FLAGS:
        set_masked(b, local, c->n == 32 ? UINT32_MAX : ((u32)1 << c->n) - 1);
        break;
    case CT_S8:
        set_extended(b, local, 8);
        break;
    case CT_S16:
        set_extended(b, local, 16);
        break;
    case CT_CHAR:
        check_char(b, local);
        break;
    case CT_ENUM:
        op_index(b, OP_LOCAL_GET, local);
        op_const(b, (i32)c->n);
        op(b, OP_I32_GE_U);
        trap_if(b, TRAP_INVALID_DISCRIMINANT);
        break;
    default:
        break; /* all bits count */
    }
}

static void put_body(const AdapterShape *s, Buf *b)
{
    const CType *f = s->func;
    bool result = f->result != CTYPE_NONE;
    require_flag(b, GLOBAL_CALLER_LEAVE, TRAP_CANNOT_LEAVE_COMPONENT);
    for (u32 i = 0; i < f->n; i++)
        convert(b, ctype_get(s->types, f->fields[i].type), i);
    for (u32 i = 0; i < s->nentered; i++)
        require_flag(b, GLOBAL_ENTER + i, TRAP_CANNOT_ENTER_COMPONENT);
    for (u32 i = 0; i < s->nentered; i++)
        set_flag(b, GLOBAL_ENTER + i, false);
    for (u32 i = 0; i < f->n; i++)
        op_index(b, OP_LOCAL_GET, i);
    op_index(b, OP_CALL, FUNC_CALLEE);
    if (result)
        op_index(b, OP_LOCAL_SET, f->n);
    if (s->post_return) {
        set_flag(b, GLOBAL_CALLEE_LEAVE, false);
        if (result)
            op_index(b, OP_LOCAL_GET, f->n);
        op_index(b, OP_CALL, FUNC_POST);
        set_flag(b, GLOBAL_CALLEE_LEAVE, true);
    }
    for (u32 i = 0; i < s->nentered; i++)
        set_flag(b, GLOBAL_ENTER + i, true);
    if (result) {
        convert(b, ctype_get(s->types, f->result), f->n);
        op_index(b, OP_LOCAL_GET, f->n);
    }
    op(b, OP_END);
}

/* --- the module around it --- */

static u8 core_code(const ComponentTypes *t, CTypeId type)
{
    static const u8 codes[] = {
        [KIND_I32] = 0x7f, [KIND_I64] = 0x7e, [KIND_F32] = 0x7d, [KIND_F64] = 0x7c};
    return codes[ctype_get(t, type)->layout[0].flat[0]];
}

static void put_section(Buf *out, u8 id, Buf *body)
{
    buf_u8(out, id);
    buf_uleb(out, body->n);
    buf_bytes(out, body->p, body->n);
    buf_release(body);
}

static void put_types(const AdapterShape *s, Buf *b)
{
    const CType *f = s->func;
    bool result = f->result != CTYPE_NONE;
    buf_uleb(b, 3);
    buf_u8(b, 0x60); /* 0: the function */
    buf_uleb(b, f->n);
    for (u32 i = 0; i < f->n; i++)
        buf_u8(b, core_code(s->types, f->fields[i].type));
    buf_u8(b, result);
    if (result)
        buf_u8(b, core_code(s->types, f->result));
    buf_bytes(b, "\x60\x01\x7f\x00\x60", 5); /* 1: (i32) -> (); 2: post-return */
    buf_u8(b, result);
    if (result)
        buf_u8(b, core_code(s->types, f->result));
    buf_u8(b, 0);
}

static void put_import(Buf *b, char name, bool global, u8 type)
{
    const u8 head[] = {0, 1, (u8)name, global ? 3 : 0};
    buf_bytes(b, head, sizeof head);
    buf_u8(b, type);
    if (global)
        buf_u8(b, 1); /* mutable */
}

static void put_imports(const AdapterShape *s, Buf *b)
{
    buf_uleb(b, 4 + s->post_return + s->nentered);
    put_import(b, 'f', false, 0);
    put_import(b, 't', false, 1);
    if (s->post_return)
        put_import(b, 'p', false, 2);
    put_import(b, 'l', true, 0x7f);
    put_import(b, 'c', true, 0x7f);
    for (u32 i = 0; i < s->nentered; i++)
        put_import(b, 'e', true, 0x7f);
}

static void put_code(const AdapterShape *s, Buf *b)
{
    Buf body = {0};
    bool result = s->func->result != CTYPE_NONE;
    buf_u8(&body, result);
    if (result) {
        buf_u8(&body, 1);
        buf_u8(&body, core_code(s->types, s->func->result));
    }
    put_body(s, &body);
    buf_uleb(b, 1);
    buf_uleb(b, body.n);
    buf_bytes(b, body.p, body.n);
    buf_release(&body);
}

void adapter_encode(const AdapterShape *s, Buf *out)
{
    Buf b = {0};
    buf_bytes(out, "\0asm\1\0\0\0", 8);
    put_types(s, &b);
    put_section(out, 1, &b);
    put_imports(s, &b);
    put_section(out, 2, &b);
    buf_bytes(out, "\x03\x02\x01\x00", 4); /* one function, of type 0 */
    buf_bytes(&b,
              "\x01\x01"
              "a\x00",
              4);
    buf_uleb(&b, 2 + (u32)s->post_return);
    put_section(out, 7, &b);
    put_code(s, &b);
    put_section(out, 10, &b);
}
