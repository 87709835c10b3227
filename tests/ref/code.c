/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads bodies for the reference interpreter: instructions with the ends of their blocks. */
#include "ref/interp_priv.h"

typedef struct CodeReader {
    VEC(RefInsn) insns;
    VEC(u32) open; /* block, loop, if and else instructions without their `end` yet */
} CodeReader;

static void count_locals(void *arg, u32 count, ValType type)
{
    (void)type;
    *(u32 *)arg += count;
}

/* `at` is the index of an `else` or `end`: completes what it closes. */
static void close_block(CodeReader *c, u32 at)
{
    bool is_else = c->insns.p[at].in.op == OP_else;
    while (c->open.n > 0) {
        u32 opener = c->open.p[c->open.n - 1];
        RefInsn *o = &c->insns.p[opener];
        if (is_else) {
            o->other = at + 1;
            break;
        }
        c->open.n--;
        o->after = at + 1;
        if (o->in.op == OP_if && o->other == 0)
            o->other = at;
        if (o->in.op != OP_else)
            break;
    }
    if (is_else)
        vec_push(&c->open, at);
}

static void add_insn(CodeReader *c, const WasmModule *m, const Insn *in)
{
    RefInsn ri = {.in = *in};
    u32 at = c->insns.n;
    bool opens = in->op == OP_block || in->op == OP_loop || in->op == OP_if;
    if (opens) {
        BlockSig sig;
        block_sig(m, &in->block, &sig);
        ri.nparams = sig.nparams;
        ri.nresults = sig.nresults;
        vec_push(&c->open, at);
    }
    vec_push(&c->insns, ri);
    if (in->op == OP_else || in->op == OP_end)
        close_block(c, at);
}

RefCode *ref_code_read(RefStore *s, const WasmModule *m, Range range, bool body)
{
    CodeReader c = {0};
    RefCode *code = arena_new(&s->arena, RefCode);
    InsnReader r;
    Diag diag;
    Insn in;
    diag_init(&diag);
    insn_reader_init(&r, m, range, &diag);
    if (body)
        ALWAYS(insn_read_locals(&r, count_locals, &code->nlocals));
    while (insn_read(&r, &in))
        add_insn(&c, m, &in);
    ALWAYS(diag_ok(&diag) && c.open.n == 0);
    code->n = c.insns.n;
    code->insns = arena_dup(&s->arena, c.insns.p, c.insns.n * sizeof *c.insns.p);
    vec_release(&c.insns);
    vec_release(&c.open);
    return code;
}
