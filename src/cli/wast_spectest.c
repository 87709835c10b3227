/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The module "spectest": print functions, globals, tables, a memory. */
#include "cli/invoke.h"
#include "cli/wast_run.h"

#include <stdio.h>

/* Prints each argument as "VALUE: TYPE" on a line. `env` is the function's type. */
static void spectest_print(void *env, VmCtx *caller, VmVal *vals)
{
    (void)caller;
    const FuncType *t = env;
    Buf out = {0};
    for (u32 i = 0; i < t->nparams; i++) {
        char name[VALTYPE_NAME_SIZE];
        invoke_print_value(t->params[i], &vals[i], &out);
        out.n--;
        buf_printf(&out, ": %s\n", valtype_name(t->params[i], name));
    }
    if (out.n)
        fwrite(out.p, 1, out.n, stdout);
    buf_release(&out);
}

static void collect(void *env, VmCtx *caller, VmVal *vals)
{
    (void)env, (void)caller, (void)vals; /* no garbage-collected heap exists */
}

MUST_CHECK static Error *define_func(Store *s, Linker *l, Str module, Str name, void *fn,
                                     const ValType *params, u32 n)
{
    TypeRegistry *r = store_registry(s);
    u32 type = types_add_func(r, params, n, NULL, 0);
    Extern e = {.kind = EXTERN_FUNC};
    Error *err = store_host_func(s, type, false, fn, (void *)types_func_type(r, type), &e.func);
    if (!err)
        types_unref(r, type); /* the function holds it */
    return err ? err : linker_define(l, module, name, e);
}

static const struct {
    const char *name;
    u32 n;
    ValType params[2];
} prints[] = {
    {"print", 0, {0}},
    {"print_i32", 1, {VT_I32}},
    {"print_i64", 1, {VT_I64}},
    {"print_f32", 1, {VT_F32}},
    {"print_f64", 1, {VT_F64}},
    {"print_i32_f32", 2, {VT_I32, VT_F32}},
    {"print_f64_f64", 2, {VT_F64, VT_F64}},
};

static const struct {
    const char *name;
    ValType type;
    VmVal value;
} globals[] = {
    {"global_i32", VT_I32, {.i32 = 666}},
    {"global_i64", VT_I64, {.i64 = 666}},
    {"global_f32", VT_F32, {.f32 = 0x4426a666}},
    {"global_f64", VT_F64, {.f64 = 0x4084d4cccccccccd}},
};

MUST_CHECK static Error *define_tables(Store *s, Linker *l)
{
    for (int is64 = 0; is64 < 2; is64++) {
        TableType t = {.elem = VT_FUNCREF, .is64 = is64, .limits = {10, 20, true}};
        Extern e = {.kind = EXTERN_TABLE};
        Error *err = store_table_new(s, &t, 0, &e.table);
        if (!err)
            err = linker_define(l, STR("spectest"), is64 ? STR("table64") : STR("table"), e);
        if (err)
            return err;
    }
    return NULL;
}

Error *wast_define_spectest(Store *s, Linker *l)
{
    Error *err = define_tables(s, l);
    for (usize i = 0; i < ARRAY_LEN(prints) && !err; i++)
        err = define_func(s, l, STR("spectest"), str_of(prints[i].name), (void *)spectest_print,
                          prints[i].params, prints[i].n);
    for (usize i = 0; i < ARRAY_LEN(globals) && !err; i++) {
        Extern e = {.kind = EXTERN_GLOBAL};
        err =
            store_global_new(s, (GlobalType){globals[i].type, false}, globals[i].value, &e.global);
        if (!err)
            err = linker_define(l, STR("spectest"), str_of(globals[i].name), e);
    }
    MemoryType memory = {.limits = {1, 2, true}, .page_size_log2 = 16};
    Extern e = {.kind = EXTERN_MEMORY};
    if (!err)
        err = store_memory_new(s, &memory, &e.memory);
    return err ? err : linker_define(l, STR("spectest"), STR("memory"), e);
}

Error *wast_define_builtins(Store *s, Linker *l)
{
    return define_func(s, l, STR("wasmtime"), STR("gc"), (void *)collect, NULL, 0);
}
