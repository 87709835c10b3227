/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * C code between values and their flat form. Names of local variables end in an underscore, which
 * names from WIT never do unless what is in front of it is a keyword.
 */
#include "bindgen/bindgen_priv.h"

Str bindgen_core_type(char letter)
{
    return letter == 'I'   ? STR("int64_t")
           : letter == 'f' ? STR("float")
           : letter == 'd' ? STR("double")
                           : STR("int32_t");
}

/* `expr`, a core value of type `from`, in a slot of type `to`. */
static Str convert(Bindgen *g, Str expr, char from, char to)
{
    if (from == to)
        return expr;
    if (from == 'i')
        return to == 'I' ? bindgen_format(g, "(int64_t) (uint32_t) (%.*s)", TEXT_ARG(expr))
                         : bindgen_format(g, "float_of_bits(%.*s)", TEXT_ARG(expr));
    if (from == 'f' && to == 'i')
        return bindgen_format(g, "bits_of_float(%.*s)", TEXT_ARG(expr));
    if (from == 'f')
        return bindgen_format(g, "(int64_t) (uint32_t) bits_of_float(%.*s)", TEXT_ARG(expr));
    if (from == 'd')
        return bindgen_format(g, "bits_of_double(%.*s)", TEXT_ARG(expr));
    /* from a joined i64 */
    return to == 'i'   ? bindgen_format(g, "(int32_t) (%.*s)", TEXT_ARG(expr))
           : to == 'f' ? bindgen_format(g, "float_of_bits((int32_t) (%.*s))", TEXT_ARG(expr))
                       : bindgen_format(g, "double_of_bits(%.*s)", TEXT_ARG(expr));
}

static void push_expr(FlatExprs *f, Str e)
{
    ALWAYS(f->n < WIT_MAX_FLAT);
    f->e[f->n++] = e;
}

/* The expression of the payload of a case. */
static Str payload_of(Bindgen *g, const WitType *t, u32 i, Str expr)
{
    if (t->kind == WIT_OPTION)
        return bindgen_format(g, "%.*s.val", TEXT_ARG(expr));
    if (t->kind == WIT_RESULT)
        return bindgen_format(g, "%.*s.val.%s", TEXT_ARG(expr), i == 0 ? "ok" : "err");
    return bindgen_format(g, "%.*s.val.%.*s", TEXT_ARG(expr),
                          TEXT_ARG(bindgen_ident(g, t->fields[i].name)));
}

static const char *tag_member(const WitType *t)
{
    return t->kind == WIT_OPTION ? "is_some" : t->kind == WIT_RESULT ? "is_err" : "tag";
}

/* Locals for the slots of a variant, filled by case. */
static void lower_variant(Bindgen *g, WitId id, const WitType *t, Str expr, u32 *names, Buf *body,
                          FlatExprs *ret_flat)
{
    WitFlat want = {.n = 0};
    wit_flatten(g->m, id, &want);
    u32 first = *names;
    *names += want.n;
    buf_printf(body, "  int32_t flat%u_ = (int32_t) %.*s.%s;\n", first, TEXT_ARG(expr),
               tag_member(t));
    push_expr(ret_flat, bindgen_format(g, "flat%u_", first));
    for (u32 k = 1; k < want.n; k++) {
        buf_printf(body, "  %.*s flat%u_ = 0;\n", TEXT_ARG(bindgen_core_type(want.c[k])),
                   first + k);
        push_expr(ret_flat, bindgen_format(g, "flat%u_", first + k));
    }
    if (want.n == 1)
        return;
    buf_printf(body, "  switch (flat%u_) {\n", first);
    for (u32 i = 0; i < wit_ncases(t); i++) {
        if (wit_case(t, i) == WIT_NONE)
            continue;
        WitFlat have = {.n = 0};
        FlatExprs part = {.n = 0};
        wit_flatten(g->m, wit_case(t, i), &have);
        buf_printf(body, "  case %u: {\n", i);
        bindgen_lower(g, wit_case(t, i), payload_of(g, t, i, expr), names, body, &part);
        for (u32 k = 0; k < part.n; k++)
            buf_printf(body, "  flat%u_ = %.*s;\n", first + 1 + k,
                       TEXT_ARG(convert(g, part.e[k], have.c[k], want.c[k + 1])));
        buf_str(body, STR("  break;\n  }\n"));
    }
    buf_str(body, STR("  default:\n    break;\n  }\n"));
}

static Str member(Bindgen *g, const WitType *t, u32 i, Str expr)
{
    return t->kind == WIT_TUPLE ? bindgen_format(g, "%.*s.f%u", TEXT_ARG(expr), i)
                                : bindgen_format(g, "%.*s.%.*s", TEXT_ARG(expr),
                                                 TEXT_ARG(bindgen_ident(g, t->fields[i].name)));
}

void bindgen_lower(Bindgen *g, WitId id, Str expr, u32 *names, Buf *body, FlatExprs *ret_flat)
{
    const WitType *t = &g->m->types[wit_unalias(g->m, id)];
    switch (t->kind) {
    case WIT_U64:
    case WIT_S64:
        push_expr(ret_flat, bindgen_format(g, "(int64_t) %.*s", TEXT_ARG(expr)));
        break;
    case WIT_F32:
    case WIT_F64:
        push_expr(ret_flat, expr);
        break;
    case WIT_STRING:
    case WIT_LIST:
    case WIT_MAP:
        push_expr(ret_flat, bindgen_format(g, "(int32_t) %.*s.ptr", TEXT_ARG(expr)));
        push_expr(ret_flat, bindgen_format(g, "(int32_t) %.*s.len", TEXT_ARG(expr)));
        break;
    case WIT_RECORD:
    case WIT_TUPLE:
        for (u32 i = 0; i < t->nfields; i++)
            bindgen_lower(g, t->fields[i].type, member(g, t, i, expr), names, body, ret_flat);
        break;
    case WIT_VARIANT:
    case WIT_OPTION:
    case WIT_RESULT:
        lower_variant(g, id, t, expr, names, body, ret_flat);
        break;
    case WIT_OWN:
    case WIT_BORROW:
        if (t->kind == WIT_OWN || !bindgen_own_resource(g, id)) {
            push_expr(ret_flat, bindgen_format(g, "%.*s.__handle", TEXT_ARG(expr)));
            break;
        }
        __attribute__((fallthrough));
    default:
        push_expr(ret_flat, bindgen_format(g, "(int32_t) %.*s", TEXT_ARG(expr)));
    }
}

static void lift_variant(Bindgen *g, WitId id, const WitType *t, Str dest, const FlatExprs *flat,
                         const WitFlat *have, u32 *at, Buf *body)
{
    WitFlat want = {.n = 0};
    wit_flatten(g->m, id, &want);
    u32 first = *at;
    *at += want.n;
    const char *tag =
        t->kind == WIT_VARIANT ? bindgen_int_type(wit_discriminant_size(t->nfields)) : "bool";
    buf_printf(body, "  %.*s.%s = (%s) %.*s;\n", TEXT_ARG(dest), tag_member(t), tag,
               TEXT_ARG(flat->e[first]));
    if (want.n == 1)
        return;
    buf_printf(body, "  switch (%.*s) {\n", TEXT_ARG(flat->e[first]));
    for (u32 i = 0; i < wit_ncases(t); i++) {
        if (wit_case(t, i) == WIT_NONE)
            continue;
        WitFlat parts = {.n = 0};
        FlatExprs converted = {.n = 0};
        wit_flatten(g->m, wit_case(t, i), &parts);
        for (u32 k = 0; k < parts.n; k++)
            push_expr(&converted,
                      convert(g, flat->e[first + 1 + k], have->c[first + 1 + k], parts.c[k]));
        u32 from = 0;
        buf_printf(body, "  case %u:\n", i);
        bindgen_lift(g, wit_case(t, i), payload_of(g, t, i, dest), &converted, &parts, &from, body);
        buf_str(body, STR("  break;\n"));
    }
    buf_str(body, STR("  default:\n    break;\n  }\n"));
}

void bindgen_lift(Bindgen *g, WitId id, Str dest, const FlatExprs *flat, const WitFlat *have,
                  u32 *at, Buf *body)
{
    const WitType *t = &g->m->types[wit_unalias(g->m, id)];
    switch (t->kind) {
    case WIT_STRING:
    case WIT_LIST:
    case WIT_MAP:
        buf_printf(body, "  %.*s.ptr = (void *) (%.*s);\n", TEXT_ARG(dest), TEXT_ARG(flat->e[*at]));
        buf_printf(body, "  %.*s.len = (size_t) (%.*s);\n", TEXT_ARG(dest),
                   TEXT_ARG(flat->e[*at + 1]));
        *at += 2;
        break;
    case WIT_RECORD:
    case WIT_TUPLE:
        for (u32 i = 0; i < t->nfields; i++)
            bindgen_lift(g, t->fields[i].type, member(g, t, i, dest), flat, have, at, body);
        break;
    case WIT_VARIANT:
    case WIT_OPTION:
    case WIT_RESULT:
        lift_variant(g, id, t, dest, flat, have, at, body);
        break;
    case WIT_OWN:
    case WIT_BORROW:
        if (t->kind == WIT_OWN || !bindgen_own_resource(g, id))
            buf_printf(body, "  %.*s.__handle = %.*s;\n", TEXT_ARG(dest), TEXT_ARG(flat->e[*at]));
        else
            buf_printf(body, "  %.*s = (void *) (%.*s);\n", TEXT_ARG(dest), TEXT_ARG(flat->e[*at]));
        ++*at;
        break;
    default:
        buf_printf(body, "  %.*s = (%.*s) (%.*s);\n", TEXT_ARG(dest),
                   TEXT_ARG(bindgen_ctype(g, id)), TEXT_ARG(flat->e[*at]));
        ++*at;
    }
}
