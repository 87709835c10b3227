/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Functions: the prototypes, wrappers around imports, and exports that call the user's functions.
 *
 * An optional parameter is a pointer that may be NULL. A result that is an option or a result is
 * taken apart: true if there is a value, which `ret` (and `err` for the other case) points to.
 */
#include "bindgen/bindgen_priv.h"

WitFlat bindgen_flat_params(const WitModel *m, const WitFunc *f)
{
    WitFlat flat = {.n = 0};
    for (u32 i = 0; i < f->nparams; i++)
        wit_flatten(m, f->params[i].type, &flat);
    return flat;
}

WitFlat bindgen_flat_result(const WitModel *m, const WitFunc *f)
{
    WitFlat flat = {.n = 0};
    if (f->result != WIT_NONE)
        wit_flatten(m, f->result, &flat);
    return flat;
}

/* What is taken apart, by whatever name the function has for it. */
static const WitType *result_shape(const WitModel *m, WitId result)
{
    return &m->types[wit_unalias(m, result)];
}

/* --- prototypes --- */

static Str param_name(Bindgen *g, const WitFunc *f, u32 i)
{
    Str name = bindgen_ident(g, f->params[i].name);
    bool optional = bindgen_shape(g->m, f->params[i].type)->kind == WIT_OPTION;
    return optional ? bindgen_format(g, "maybe_%.*s", TEXT_ARG(name)) : name;
}

static void put_param(Bindgen *g, const WitFunc *f, u32 i, Buf *out)
{
    WitId id = f->params[i].type;
    const WitType *t = bindgen_shape(g->m, id);
    Str type = bindgen_ctype(g, t->kind == WIT_OPTION ? t->elem : id);
    const char *star = bindgen_by_value(g->m, id) ? "" : "*";
    buf_printf(out, "%s%.*s %s%.*s", i ? ", " : "", TEXT_ARG(type), star,
               TEXT_ARG(param_name(g, f, i)));
}

/* What the C function returns. */
static Str return_type(Bindgen *g, const WitFunc *f)
{
    if (f->result == WIT_NONE)
        return STR("void");
    WitKind kind = result_shape(g->m, f->result)->kind;
    if (kind == WIT_OPTION || kind == WIT_RESULT)
        return STR("bool");
    return bindgen_by_value(g->m, f->result) ? bindgen_ctype(g, f->result) : STR("void");
}

static void put_out_param(Bindgen *g, WitId type, const char *name, bool *any, Buf *out)
{
    if (type == WIT_NONE)
        return;
    buf_printf(out, "%s%.*s *%s", *any ? ", " : "", TEXT_ARG(bindgen_ctype(g, type)), name);
    *any = true;
}

void bindgen_prototype(Bindgen *g, const WitFunc *f, bool export, Buf *out)
{
    bool any = f->nparams > 0;
    buf_printf(out, "%.*s %.*s(", TEXT_ARG(return_type(g, f)),
               TEXT_ARG(bindgen_func_name(g, f, export)));
    for (u32 i = 0; i < f->nparams; i++)
        put_param(g, f, i, out);
    if (f->result != WIT_NONE) {
        const WitType *t = result_shape(g->m, f->result);
        if (t->kind == WIT_OPTION || t->kind == WIT_RESULT) {
            put_out_param(g, t->elem, "ret", &any, out);
            put_out_param(g, t->second, "err", &any, out);
        } else if (!bindgen_by_value(g->m, f->result)) {
            put_out_param(g, f->result, "ret", &any, out);
        }
    }
    buf_str(out, any ? STR(")") : STR("void)"));
}

/* --- imports --- */

static Str core_result(const WitFlat *result)
{
    return result->n == 1 ? bindgen_core_type(result->c[0]) : STR("void");
}

static void put_import_declaration(Bindgen *g, const WitFunc *f, Str name, const WitFlat *params,
                                   const WitFlat *result)
{
    Buf *o = &g->imports;
    Str module = g->wasm_module.n ? g->wasm_module : STR("$root");
    u32 n = 0;
    buf_printf(o,
               "__attribute__((__import_module__(\"%.*s\"), __import_name__(\"%.*s\")))\n"
               "extern %.*s __wasm_import_%.*s(",
               TEXT_ARG(module), TEXT_ARG(f->name), TEXT_ARG(core_result(result)), TEXT_ARG(name));
    if (params->n > WIT_MAX_FLAT_PARAMS)
        buf_printf(o, "%suint8_t *", n++ ? ", " : "");
    else
        while (n < params->n) {
            buf_printf(o, "%s%.*s", n ? ", " : "", TEXT_ARG(bindgen_core_type(params->c[n])));
            n++;
        }
    if (result->n > 1)
        buf_printf(o, "%suint8_t *", n++ ? ", " : "");
    buf_str(o, n ? STR(");\n\n") : STR("void);\n\n"));
}

/* The parameters in a struct with the layout that they have in memory. */
static void put_args_struct(Bindgen *g, const WitFunc *f, const char *name, Buf *body)
{
    buf_str(body, STR("  struct {\n"));
    for (u32 i = 0; i < f->nparams; i++)
        buf_printf(body, "    %.*s f%u;\n", TEXT_ARG(bindgen_ctype(g, f->params[i].type)), i);
    buf_printf(body, "  } %s;\n", name);
}

static void store_params(Bindgen *g, const WitFunc *f, Buf *body)
{
    put_args_struct(g, f, "args_", body);
    for (u32 i = 0; i < f->nparams; i++) {
        Str name = param_name(g, f, i);
        if (bindgen_shape(g->m, f->params[i].type)->kind == WIT_OPTION)
            buf_printf(body,
                       "  args_.f%u.is_some = %.*s != NULL;\n  if (%.*s) {\n"
                       "    args_.f%u.val = *%.*s;\n  }\n",
                       i, TEXT_ARG(name), TEXT_ARG(name), i, TEXT_ARG(name));
        else
            buf_printf(body, "  args_.f%u = %s%.*s;\n", i,
                       bindgen_by_value(g->m, f->params[i].type) ? "" : "*", TEXT_ARG(name));
    }
}

static void lower_params(Bindgen *g, const WitFunc *f, Buf *body, FlatExprs *ret_flat)
{
    u32 names = 0;
    for (u32 i = 0; i < f->nparams; i++) {
        WitId id = f->params[i].type;
        Str name = param_name(g, f, i);
        if (bindgen_shape(g->m, id)->kind == WIT_OPTION) {
            buf_printf(body,
                       "  %.*s option%u_;\n  option%u_.is_some = %.*s != NULL;\n"
                       "  if (%.*s) {\n    option%u_.val = *%.*s;\n  }\n",
                       TEXT_ARG(bindgen_ctype(g, id)), i, i, TEXT_ARG(name), TEXT_ARG(name), i,
                       TEXT_ARG(name));
            name = bindgen_format(g, "option%u_", i);
        } else if (!bindgen_by_value(g->m, id)) {
            name = bindgen_format(g, "(*%.*s)", TEXT_ARG(name));
        }
        bindgen_lower(g, id, name, &names, body, ret_flat);
    }
}

static Str joined(Bindgen *g, const FlatExprs *e)
{
    Buf b = {0};
    for (u32 i = 0; i < e->n; i++)
        buf_printf(&b, "%s%.*s", i ? ", " : "", TEXT_ARG(e->e[i]));
    Str s = {arena_strdup(&g->arena, (Str){(const char *)b.p, b.n}), b.n};
    buf_release(&b);
    return s;
}

/* What is done with the one core result, `result_`. */
static void put_scalar_result(Bindgen *g, const WitFunc *f, const WitFlat *result, Buf *body)
{
    WitKind kind = result_shape(g->m, f->result)->kind;
    FlatExprs flat = {.e = {STR("result_")}, .n = 1};
    u32 at = 0;
    if (kind == WIT_RESULT) {
        buf_str(body, STR("  return result_ == 0;\n"));
        return;
    }
    if (!bindgen_by_value(g->m, f->result)) {
        bindgen_lift(g, f->result, STR("(*ret)"), &flat, result, &at, body);
        return;
    }
    buf_printf(body, "  %.*s value_;\n", TEXT_ARG(bindgen_ctype(g, f->result)));
    bindgen_lift(g, f->result, STR("value_"), &flat, result, &at, body);
    buf_str(body, STR("  return value_;\n"));
}

/* Takes a result apart that came through memory. */
static void put_area_result(Bindgen *g, const WitFunc *f, Buf *body)
{
    const WitType *t = result_shape(g->m, f->result);
    if (t->kind == WIT_OPTION)
        buf_str(body, STR("  if (area_.is_some) {\n    *ret = area_.val;\n  }\n"
                          "  return area_.is_some;\n"));
    if (t->kind != WIT_RESULT)
        return;
    if (t->elem != WIT_NONE)
        buf_str(body, STR("  if (!area_.is_err) {\n    *ret = area_.val.ok;\n  }\n"));
    if (t->second != WIT_NONE)
        buf_str(body, STR("  if (area_.is_err) {\n    *err = area_.val.err;\n  }\n"));
    buf_str(body, STR("  return !area_.is_err;\n"));
}

static void put_call(Bindgen *g, const WitFunc *f, Str name, Str args, const WitFlat *result,
                     Buf *body)
{
    const char *comma = args.n && result->n > 1 ? ", " : "";
    if (result->n <= 1) {
        Str keep = result->n ? bindgen_format(g, "%.*s result_ = ", TEXT_ARG(core_result(result)))
                             : STR("");
        buf_printf(body, "  %.*s__wasm_import_%.*s(%.*s);\n", TEXT_ARG(keep), TEXT_ARG(name),
                   TEXT_ARG(args));
        if (result->n)
            put_scalar_result(g, f, result, body);
        return;
    }
    WitKind kind = result_shape(g->m, f->result)->kind;
    bool apart = kind == WIT_OPTION || kind == WIT_RESULT;
    if (apart)
        buf_printf(body, "  %.*s area_;\n", TEXT_ARG(bindgen_ctype(g, f->result)));
    buf_printf(body, "  __wasm_import_%.*s(%.*s%s(uint8_t *) %s);\n", TEXT_ARG(name),
               TEXT_ARG(args), comma, apart ? "&area_" : "ret");
    put_area_result(g, f, body);
}

void bindgen_import(Bindgen *g, const WitFunc *f)
{
    Str name = bindgen_func_name(g, f, false);
    WitFlat params = bindgen_flat_params(g->m, f), result = bindgen_flat_result(g->m, f);
    put_import_declaration(g, f, name, &params, &result);
    buf_str(&g->funcs, STR("extern "));
    bindgen_prototype(g, f, false, &g->funcs);
    buf_str(&g->funcs, STR(";\n"));
    Buf *body = &g->exports;
    bindgen_prototype(g, f, false, body);
    buf_str(body, STR(" {\n"));
    Str args = STR("(uint8_t *) &args_");
    if (params.n > WIT_MAX_FLAT_PARAMS) {
        store_params(g, f, body);
    } else {
        FlatExprs flat = {.n = 0};
        lower_params(g, f, body, &flat);
        args = joined(g, &flat);
    }
    put_call(g, f, name, args, &result, body);
    buf_str(body, STR("}\n\n"));
}

/* --- exports --- */

/* Values of the parameters from flat arguments; the expressions to pass go to `args`. */
static void lift_params(Bindgen *g, const WitFunc *f, const WitFlat *params, Buf *body, Buf *args)
{
    FlatExprs flat = {.n = params->n};
    u32 at = 0;
    for (u32 i = 0; i < params->n; i++)
        flat.e[i] = bindgen_format(g, "arg%u_", i);
    for (u32 i = 0; i < f->nparams; i++) {
        WitId id = f->params[i].type;
        Str name = bindgen_format(g, "param%u_", i);
        buf_printf(body, "  %.*s %.*s;\n", TEXT_ARG(bindgen_ctype(g, id)), TEXT_ARG(name));
        bindgen_lift(g, id, name, &flat, params, &at, body);
        const char *comma = i ? ", " : "";
        if (bindgen_shape(g->m, id)->kind == WIT_OPTION)
            buf_printf(args, "%sparam%u_.is_some ? &param%u_.val : NULL", comma, i, i);
        else
            buf_printf(args, "%s%sparam%u_", comma, bindgen_by_value(g->m, id) ? "" : "&", i);
    }
}

/* The same from memory. */
static void load_params(Bindgen *g, const WitFunc *f, Buf *body, Buf *args)
{
    put_args_struct(g, f, "*args_ = (void *) arg0_", body);
    for (u32 i = 0; i < f->nparams; i++) {
        WitId id = f->params[i].type;
        const char *comma = i ? ", " : "";
        if (bindgen_shape(g->m, id)->kind == WIT_OPTION)
            buf_printf(args, "%sargs_->f%u.is_some ? &args_->f%u.val : NULL", comma, i, i);
        else
            buf_printf(args, "%s%sargs_->f%u", comma, bindgen_by_value(g->m, id) ? "" : "&", i);
    }
}

static void put_post_return(Bindgen *g, const WitFunc *f, Str name)
{
    Str type = bindgen_type_name(g, f->result);
    Str item = bindgen_export_name(g, f->name);
    buf_printf(&g->imports,
               "__attribute__((__weak__, __export_name__(\"cabi_post_%.*s\")))\n"
               "void __wasm_export_%.*s_post_return(%.*s_t *result) {\n  %.*s_free(result);\n}\n\n",
               TEXT_ARG(item), TEXT_ARG(name), TEXT_ARG(type), TEXT_ARG(type));
}

/* The call of the user's function, with its result in `value_` or returned. */
static void put_user_call(Bindgen *g, const WitFunc *f, Str name, Buf *args, const WitFlat *result,
                          Buf *body)
{
    Str list = {(const char *)args->p, args->n};
    const char *comma = args->n ? ", " : "";
    if (f->result == WIT_NONE) {
        buf_printf(body, "  %.*s(%.*s);\n", TEXT_ARG(name), TEXT_ARG(list));
        return;
    }
    const WitType *t = result_shape(g->m, f->result);
    buf_printf(body, "  %s%.*s value_;\n", result->n > 1 ? "static " : "",
               TEXT_ARG(bindgen_ctype(g, f->result)));
    if (t->kind == WIT_OPTION) {
        buf_printf(body, "  value_.is_some = %.*s(%.*s%s&value_.val);\n", TEXT_ARG(name),
                   TEXT_ARG(list), comma);
        return;
    }
    if (t->kind != WIT_RESULT) {
        bool value = bindgen_by_value(g->m, f->result);
        buf_printf(body, value ? "  value_ = %.*s(%.*s" : "  %.*s(%.*s", TEXT_ARG(name),
                   TEXT_ARG(list));
        buf_printf(body, value ? ");\n" : "%s&value_);\n", comma);
        return;
    }
    bool ok = t->elem != WIT_NONE, err = t->second != WIT_NONE;
    if (ok)
        buf_printf(body, "  %.*s ok_;\n", TEXT_ARG(bindgen_ctype(g, t->elem)));
    if (err)
        buf_printf(body, "  %.*s error_;\n", TEXT_ARG(bindgen_ctype(g, t->second)));
    buf_printf(body, "  value_.is_err = !%.*s(%.*s%s%s%s%s);\n", TEXT_ARG(name), TEXT_ARG(list),
               ok || err ? comma : "", ok ? "&ok_" : "", ok && err ? ", " : "",
               err ? "&error_" : "");
    if (ok)
        buf_str(body, STR("  if (!value_.is_err) {\n    value_.val.ok = ok_;\n  }\n"));
    if (err)
        buf_str(body, STR("  if (value_.is_err) {\n    value_.val.err = error_;\n  }\n"));
}

static void put_return(Bindgen *g, const WitFunc *f, const WitFlat *result, Buf *body)
{
    FlatExprs flat = {.n = 0};
    u32 names = 0;
    if (result->n > 1) {
        buf_str(body, STR("  return (uint8_t *) &value_;\n"));
    } else if (result->n == 1) {
        bindgen_lower(g, f->result, STR("value_"), &names, body, &flat);
        buf_printf(body, "  return %.*s;\n", TEXT_ARG(flat.e[0]));
    }
}

void bindgen_export(Bindgen *g, const WitFunc *f)
{
    Str name = bindgen_func_name(g, f, true);
    WitFlat params = bindgen_flat_params(g->m, f), result = bindgen_flat_result(g->m, f);
    bool memory = params.n > WIT_MAX_FLAT_PARAMS;
    bindgen_prototype(g, f, true, &g->funcs);
    buf_str(&g->funcs, STR(";\n"));
    if (f->result != WIT_NONE && g->traits[f->result] & TYPE_MEMORY)
        put_post_return(g, f, name);
    Buf *body = &g->exports, args = {0};
    buf_printf(body, "__attribute__((__export_name__(\"%.*s\")))\n%.*s__wasm_export_%.*s(",
               TEXT_ARG(bindgen_export_name(g, f->name)),
               TEXT_ARG(result.n > 1 ? STR("uint8_t *")
                                     : bindgen_format(g, "%.*s ", TEXT_ARG(core_result(&result)))),
               TEXT_ARG(name));
    for (u32 i = 0; i < (memory ? 1 : params.n); i++)
        buf_printf(body, "%s%.*s arg%u_", i ? ", " : "",
                   TEXT_ARG(memory ? STR("uint8_t *") : bindgen_core_type(params.c[i])), i);
    buf_str(body, params.n ? STR(") {\n") : STR("void) {\n"));
    if (memory)
        load_params(g, f, body, &args);
    else
        lift_params(g, f, &params, body, &args);
    put_user_call(g, f, name, &args, &result, body);
    if (memory)
        buf_str(body, STR("  free(arg0_);\n"));
    put_return(g, f, &result, body);
    buf_str(body, STR("}\n\n"));
    buf_release(&args);
}
