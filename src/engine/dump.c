/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Listings of machine code: each instruction of a function with the bytes that were made for it.
 * What has none was folded into its neighbours, or cannot be reached.
 */
#include "compile/compile.h"
#include "engine/engine_priv.h"
#include "wasm/insn.h"

typedef struct DumpRow {
    u32 wasm, code;
} DumpRow;

typedef struct Dump {
    VEC(DumpRow) rows;
} Dump;

/* A function may be compiled twice: the second time counts. */
static void note_row(void *arg, u32 wasm, u32 code)
{
    Dump *d = arg;
    if (d->rows.n && d->rows.p[d->rows.n - 1].wasm >= wasm)
        d->rows.n = 0;
    vec_push(&d->rows, ((DumpRow){wasm, code}));
}

/* A row of the listing; `at` is 0 for code of no instruction. */
static void put_row(Buf *out, u32 at, const char *what, const u8 *code, u32 n)
{
    if (at)
        buf_printf(out, "  %#-8x", at);
    else
        buf_printf(out, "  %-8s", "");
    buf_printf(out, n ? " %-24s " : " %s", what);
    for (u32 i = 0; i < n; i++)
        buf_printf(out, "%02x", code[i]);
    buf_u8(out, '\n');
}

static void skip_group(void *arg, u32 count, ValType type)
{
    (void)arg;
    (void)count;
    (void)type;
}

static void put_listing(const WasmModule *w, u32 func, const Dump *d, const CompiledFunc *f,
                        Buf *out)
{
    Diag diag;
    diag_init(&diag);
    InsnReader r;
    Insn in;
    insn_reader_init(&r, w, w->funcs[func].body, &diag);
    put_row(out, 0, "(entry)", f->code, d->rows.n ? d->rows.p[0].code : f->size);
    if (!insn_read_locals(&r, skip_group, NULL))
        return;
    u32 k = 0, end = 0;
    while (insn_read(&r, &in)) {
        u32 from = 0, to = 0;
        if (k < d->rows.n && d->rows.p[k].wasm == in.offset) {
            from = d->rows.p[k].code;
            to = k + 1 < d->rows.n ? d->rows.p[k + 1].code : from;
            end = to;
            k++;
        }
        put_row(out, in.offset, op_infos[in.op].text, f->code + from, to - from);
    }
    if (d->rows.n)
        put_row(out, 0, "(rest)", f->code + end, f->size - end);
}

Error *engine_module_dump(Engine *e, Module *m, u32 func, Buf *out)
{
    const WasmModule *w = module_wasm(m);
    CompileEnv env = {w, module_layout(m), &e->config.tunables};
    CompileCtx *c = engine_take_ctx(e);
    CompiledFunc f;
    Dump d = {0};
    compile_dump(c, note_row, &d);
    Error *error = compile_baseline(c, &env, func, &f);
    if (!error) {
        Str name = module_func_name(w, func);
        buf_printf(out, "function %u%s%.*s: %u bytes of code\n", func, name.n ? " " : "",
                   (int)name.n, name.p ? name.p : "", f.size);
        put_listing(w, func, &d, &f, out);
    }
    compile_dump(c, NULL, NULL);
    engine_give_ctx(e, c);
    vec_release(&d.rows);
    return error;
}
