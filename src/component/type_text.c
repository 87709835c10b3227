/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types in WIT's words. */
#include "component/instance.h"

enum { TEXT_MAX = 4096 }; /* types may be large: what is longer is cut */

static void put_fields(const ComponentTypes *t, const CType *c, const TypeNames *names,
                       const char *close, Buf *out)
{
    for (u32 i = 0; i < c->n; i++) {
        if (i)
            buf_str(out, STR(", "));
        if (c->fields[i].name.n) {
            buf_str(out, c->fields[i].name);
            if (c->fields[i].type != CTYPE_NONE && c->kind != CT_VARIANT)
                buf_str(out, STR(": "));
        }
        if (c->fields[i].type == CTYPE_NONE)
            continue;
        if (c->kind == CT_VARIANT)
            buf_u8(out, '(');
        type_text(t, c->fields[i].type, names, out);
        if (c->kind == CT_VARIANT)
            buf_u8(out, ')');
    }
    buf_str(out, str_of(close));
}

static bool put_name(CTypeId type, const TypeNames *names, Buf *out)
{
    if (!names || !names->types || type == CTYPE_NONE || !names->types[type].p)
        return false;
    buf_str(out, names->types[type]);
    return true;
}

static void put_resource(u32 number, const TypeNames *names, Buf *out)
{
    if (names && number >= names->first && number - names->first < names->n &&
        names->resources[number - names->first].p)
        buf_str(out, names->resources[number - names->first]);
    else
        buf_str(out, STR("resource"));
}

static void put_result(const ComponentTypes *t, const CType *c, const TypeNames *names, Buf *out)
{
    CTypeId ok = c->fields[0].type, error = c->fields[1].type;
    buf_str(out, STR("result"));
    if (ok == CTYPE_NONE && error == CTYPE_NONE)
        return;
    buf_u8(out, '<');
    if (ok == CTYPE_NONE)
        buf_u8(out, '_');
    else
        type_text(t, ok, names, out);
    if (error != CTYPE_NONE) {
        buf_str(out, STR(", "));
        type_text(t, error, names, out);
    }
    buf_u8(out, '>');
}

static void put_func(const ComponentTypes *t, const CType *c, const TypeNames *names, Buf *out)
{
    buf_str(out, c->is_async ? STR("async func(") : STR("func("));
    put_fields(t, c, names, ")", out);
    if (c->result == CTYPE_NONE)
        return;
    buf_str(out, STR(" -> "));
    type_text(t, c->result, names, out);
}

void type_text(const ComponentTypes *t, CTypeId type, const TypeNames *names, Buf *out)
{
    const CType *c = ctype_get(t, type);
    CTypeKind kind = (CTypeKind)c->kind;
    if (out->n > TEXT_MAX || put_name(type, names, out))
        return;
    if (kind == CT_FUNC) {
        put_func(t, c, names, out);
        return;
    }
    if (kind == CT_RESOURCE) {
        put_resource(c->resource, names, out);
        return;
    }
    if (kind == CT_RESULT) {
        put_result(t, c, names, out);
        return;
    }
    buf_str(out, str_of(kind == CT_FIXED_LIST ? "list" : ctype_kind_name(kind)));
    switch (kind) {
    case CT_RECORD:
    case CT_VARIANT:
    case CT_FLAGS:
    case CT_ENUM:
        buf_str(out, STR(" { "));
        put_fields(t, c, names, " }", out);
        break;
    case CT_LIST:
    case CT_FIXED_LIST:
        buf_u8(out, '<');
        type_text(t, c->fields[0].type, names, out);
        if (kind == CT_FIXED_LIST)
            buf_printf(out, ", %u", c->length);
        buf_u8(out, '>');
        break;
    case CT_OPTION:
        buf_u8(out, '<');
        type_text(t, c->fields[1].type, names, out);
        buf_u8(out, '>');
        break;
    case CT_TUPLE:
    case CT_MAP:
        buf_u8(out, '<');
        put_fields(t, c, names, ">", out);
        break;
    case CT_OWN:
    case CT_BORROW:
        buf_u8(out, '<');
        if (!put_name(c->handle, names, out))
            put_resource(c->resource, names, out);
        buf_u8(out, '>');
        break;
    default:
        break; /* a word is all there is to say */
    }
}
