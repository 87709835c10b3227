/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Values to WAVE. */
#include "base/float.h"
#include "base/utf8.h"
#include "component/wave.h"

static bool is_hidden(u32 c)
{
    static const struct {
        u32 first, last;
    } rows[] = {
#define HIDDEN(from, to) {from, to},
#include "component/wave_hidden.def"
#undef HIDDEN
    };
    usize low = 0, high = ARRAY_LEN(rows);
    while (low < high) {
        usize mid = (low + high) / 2;
        if (c > rows[mid].last)
            low = mid + 1;
        else
            high = mid;
    }
    return low < ARRAY_LEN(rows) && c >= rows[low].first;
}

static void put_char(u32 c, Buf *out)
{
    static const char names[] = {
        ['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r', ['"'] = '"', ['\''] = '\'', ['\\'] = '\\'};
    if (c < sizeof names && names[c]) {
        buf_u8(out, '\\');
        buf_u8(out, (u8)names[c]);
    } else if (is_hidden(c)) {
        buf_printf(out, "\\u{%x}", c);
    } else {
        utf8_put(out, c);
    }
}

static void put_string(const ComponentVal *v, Buf *out)
{
    Arena arena;
    arena_init(&arena);
    Str s = val_text(v, &arena);
    buf_u8(out, '"');
    for (usize i = 0; i < s.n;) {
        u32 c = 0;
        i += utf8_decode((const u8 *)s.p + i, s.n - i, &c);
        put_char(c, out);
    }
    buf_u8(out, '"');
    arena_release(&arena);
}

/* A label that would read as a value of its own is marked. */
static void put_label(Str label, Buf *out)
{
    static const char *const words[] = {"true", "false", "inf", "nan", "some", "none", "ok", "err"};
    for (usize i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(label, str_of(words[i])))
            buf_u8(out, '%');
    buf_str(out, label);
}

static void put_float(CTypeKind kind, u64 bits, Buf *out)
{
    u64 exponent = kind == CT_F32 ? 0x7f800000 : 0x7ff0000000000000;
    u64 magnitude = bits & (kind == CT_F32 ? 0x7fffffff : INT64_MAX);
    if (magnitude > exponent)
        buf_str(out, STR("nan"));
    else if (kind == CT_F32)
        print_f32((u32)bits, out);
    else
        print_f64(bits, out);
}

static void separate(u32 *n, Buf *out)
{
    if ((*n)++)
        buf_str(out, STR(", "));
}

static void put_list(const ComponentTypes *t, CTypeId element, const ComponentVal *v, Buf *out)
{
    CTypeKind kind = (CTypeKind)ctype_get(t, element)->kind;
    buf_u8(out, '[');
    for (u32 i = 0, n = 0; i < v->n; i++) {
        ComponentVal item = val_item(v, kind, i);
        separate(&n, out);
        wave_print(t, element, &item, out);
    }
    buf_u8(out, ']');
}

static void put_tuple(const ComponentTypes *t, const CType *c, const ComponentVal *v, Buf *out)
{
    u32 n = 0;
    buf_u8(out, '(');
    for (u32 i = 0; i < c->n; i++) {
        separate(&n, out);
        wave_print(t, c->fields[i].type, &v->items[i], out);
    }
    buf_u8(out, ')');
}

static void put_map(const ComponentTypes *t, const CType *c, const ComponentVal *v, Buf *out)
{
    buf_u8(out, '[');
    for (u32 i = 0; i < v->n; i++) {
        buf_str(out, i ? STR(", (") : STR("("));
        wave_print(t, c->fields[0].type, &v->items[2 * i], out);
        buf_str(out, STR(", "));
        wave_print(t, c->fields[1].type, &v->items[2 * i + 1], out);
        buf_u8(out, ')');
    }
    buf_u8(out, ']');
}

static void put_record(const ComponentTypes *t, const CType *c, const ComponentVal *v, Buf *out)
{
    u32 n = 0;
    buf_u8(out, '{');
    for (u32 i = 0; i < c->n; i++) {
        if (v->items[i].kind == CT_OPTION && v->items[i].n == 0)
            continue;
        separate(&n, out);
        buf_str(out, c->fields[i].name);
        buf_str(out, STR(": "));
        wave_print(t, c->fields[i].type, &v->items[i], out);
    }
    buf_str(out, n ? STR("}") : STR(":}"));
}

static void put_flags(const CType *c, const ComponentVal *v, Buf *out)
{
    u32 n = 0;
    buf_u8(out, '{');
    for (u32 i = 0; i < c->n; i++)
        if (v->bits >> i & 1) {
            separate(&n, out);
            buf_str(out, c->fields[i].name);
        }
    buf_u8(out, '}');
}

static void put_case(const ComponentTypes *t, const CType *c, const ComponentVal *v, Buf *out)
{
    static const char *const options[] = {"none", "some"}, *const results[] = {"ok", "err"};
    if (c->kind == CT_OPTION)
        buf_str(out, str_of(options[v->n]));
    else if (c->kind == CT_RESULT)
        buf_str(out, str_of(results[v->n]));
    else
        put_label(c->fields[v->n].name, out);
    if (!v->payload)
        return;
    buf_u8(out, '(');
    wave_print(t, c->fields[v->n].type, v->payload, out);
    buf_u8(out, ')');
}

void wave_print(const ComponentTypes *t, CTypeId type, const ComponentVal *v, Buf *out)
{
    const CType *c = ctype_get(t, type);
    switch ((CTypeKind)c->kind) {
    case CT_BOOL:
        buf_str(out, v->bits ? STR("true") : STR("false"));
        break;
    case CT_S8:
    case CT_S16:
    case CT_S32:
    case CT_S64:
        buf_printf(out, "%lld", (long long)v->bits);
        break;
    case CT_U8:
    case CT_U16:
    case CT_U32:
    case CT_U64:
        buf_printf(out, "%llu", (unsigned long long)v->bits);
        break;
    case CT_F32:
    case CT_F64:
        put_float((CTypeKind)c->kind, v->bits, out);
        break;
    case CT_CHAR:
        buf_u8(out, '\'');
        put_char((u32)v->bits, out);
        buf_u8(out, '\'');
        break;
    case CT_STRING:
        put_string(v, out);
        break;
    case CT_LIST:
    case CT_FIXED_LIST:
        put_list(t, c->fields[0].type, v, out);
        break;
    case CT_MAP:
        put_map(t, c, v, out);
        break;
    case CT_TUPLE:
        put_tuple(t, c, v, out);
        break;
    case CT_RECORD:
        put_record(t, c, v, out);
        break;
    case CT_FLAGS:
        put_flags(c, v, out);
        break;
    case CT_VARIANT:
    case CT_ENUM:
    case CT_OPTION:
    case CT_RESULT:
        put_case(t, c, v, out);
        break;
    case CT_OWN:
    case CT_BORROW:
    case CT_ERROR_CONTEXT:
    case CT_STREAM:
    case CT_FUTURE:
        buf_printf(out, "<%s>", ctype_kind_name((CTypeKind)c->kind));
        break;
    case CT_RESOURCE:
    case CT_FUNC:
    case CT_INSTANCE:
    case CT_COMPONENT:
    case CT_KIND_COUNT:
        BUG("not a value type");
    }
}
