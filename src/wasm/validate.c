/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The walk over a body: operand stack, locals, index spaces, and the instructions that a row of the
 * table types completely. Time and memory are linear in the body.
 */
#include "wasm/validate.h"

#include <stdarg.h>
#include <stdio.h>

Validator *validator_new(void)
{
    return mem_alloc(sizeof(Validator));
}

void validator_free(Validator *v)
{
    if (!v)
        return;
    mem_free(v->stack);
    mem_free(v->init);
    vec_release(&v->frames);
    vec_release(&v->runs);
    vec_release(&v->inits);
    vec_release(&v->label_seen);
    mem_free(v);
}

void validate_fail(Validator *v, const Insn *i, const char *fmt, ...)
{
    char msg[DIAG_MSG_SIZE];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    read_fail(&v->r, DIAG_INVALID, v->r.base + (i ? i->offset : v->offset), "%s", msg);
}

void validate_mismatch(Validator *v, ValType want, ValType found)
{
    char a[VALTYPE_NAME_SIZE], b[VALTYPE_NAME_SIZE];
    validate_fail(v, NULL, "type mismatch: expected %s, found %s", valtype_name(want, a),
                  valtype_name(found, b));
}

/* ---- the operand stack ---- */

void validate_grow(Validator *v, u32 more)
{
    u64 need = (u64)v->n + more;
    if (need <= v->cap)
        return;
    u32 cap = vec_capacity(v->cap, need);
    v->stack = mem_realloc(v->stack, v->cap * sizeof(ValType), cap * sizeof(ValType));
    v->cap = cap;
}

static void fail_empty(Validator *v, const char *want)
{
    validate_fail(v, NULL, "type mismatch: expected %s but nothing on stack", want);
}

bool validate_subtype(Validator *v, ValType a, ValType b)
{
    u64 key = (u64)a << 32 | b;
    u64 *known = &v->subs[(a >> HEAP_SHIFT ^ b >> (HEAP_SHIFT - 3) ^ a) % SUBS];
    if (*known == key)
        return true;
    if (!valtype_is_subtype(v->types, a, b))
        return false;
    *known = key;
    v->any_match = true;
    return true;
}

ValType validate_pop_slow(Validator *v, ValType want)
{
    if (v->n == v->base) {
        if (!v->unreachable) {
            char name[VALTYPE_NAME_SIZE];
            fail_empty(v, valtype_name(want, name));
        }
        return VT_BOT;
    }
    ValType t = v->stack[--v->n];
    if (!sub(v, t, want))
        validate_mismatch(v, want, t);
    return t;
}

ValType validate_pop_any(Validator *v)
{
    if (v->n > v->base)
        return v->stack[--v->n];
    if (!v->unreachable)
        fail_empty(v, "a value");
    return VT_BOT;
}

ValType validate_pop_ref(Validator *v)
{
    ValType t = validate_pop_any(v);
    if (t != VT_BOT && !valtype_is_ref(t)) {
        char name[VALTYPE_NAME_SIZE];
        validate_fail(v, NULL, "type mismatch: expected a reference, found %s",
                      valtype_name(t, name));
        return VT_BOT;
    }
    return t;
}

/* The operands on top, which are enough, against a list; they are popped. */
static void pop_list(Validator *v, Types t)
{
    const ValType *have = v->stack + v->n - t.n;
    v->n -= t.n;
    if (memcmp(have, t.p, t.n * sizeof(ValType)) == 0)
        return;
    ValType a = VT_BOT, b = VT_BOT; /* the pair before: long lists repeat themselves */
    for (u32 i = 0; i < t.n; i++) {
        if (have[i] == t.p[i] || (have[i] == a && t.p[i] == b))
            continue;
        a = have[i];
        b = t.p[i];
        if (!sub(v, a, b)) {
            validate_mismatch(v, b, a);
            return;
        }
    }
}

void validate_pop_all(Validator *v, Types t)
{
    if (t.n == 0)
        return;
    if (LIKELY(v->n - v->base >= t.n)) {
        pop_list(v, t);
        return;
    }
    /* Below an empty stack in unreachable code everything is there. */
    for (u32 i = t.n; i-- > 0 && read_ok(&v->r) && !(v->unreachable && v->n == v->base);)
        pop(v, t.p[i]);
}

void validate_push_all(Validator *v, Types t)
{
    if (t.n == 0)
        return;
    validate_grow(v, t.n);
    memcpy(v->stack + v->n, t.p, t.n * sizeof(ValType));
    v->n += t.n;
}

void validate_dead(Validator *v)
{
    v->n = v->base;
    v->unreachable = true;
    v->frames.p[v->frames.n - 1].unreachable = true;
}

/*
 * Long lists that were found to match are remembered: an instruction of two bytes may compare a
 * thousand types.
 */
enum { MATCH_MIN = 8 };

static bool match_slow(Validator *v, Types a, Types b)
{
    Match *m = NULL;
    if (a.n >= MATCH_MIN) {
        u64 h = ((u64)(uintptr_t)a.p >> 3) * 31 + ((u64)(uintptr_t)b.p >> 3);
        m = &v->matches[h % MATCHES];
        if (m->a == a.p && m->b == b.p && m->n == a.n)
            return true;
    }
    for (u32 i = 0; i < a.n; i++)
        if (!sub(v, a.p[i], b.p[i]))
            return false;
    if (m) {
        *m = (Match){a.p, b.p, a.n};
        v->any_match = true;
    }
    return true;
}

bool validate_types_match(Validator *v, Types a, Types b)
{
    if (a.n != b.n)
        return false;
    if (a.p == b.p || a.n == 0 || memcmp(a.p, b.p, a.n * sizeof(ValType)) == 0)
        return true;
    return match_slow(v, a, b);
}

/* ---- index spaces ---- */

const SubType *validate_type(Validator *v, const Insn *i, u32 index, CompositeKind kind)
{
    static const char *const kinds[] = {"function", "struct", "array", "continuation"};
    if (index >= v->m->ntypes) {
        validate_fail(v, i, "unknown type %u", index);
        return NULL;
    }
    const SubType *t = types_get(v->types, v->m->types[index]);
    if (t->kind != kind) {
        validate_fail(v, i, "type mismatch: expected %s type at index %u", kinds[kind], index);
        return NULL;
    }
    return t;
}

const Table *validate_table(Validator *v, const Insn *i, u32 index)
{
    if (index < v->m->ntables)
        return &v->m->tables[index];
    validate_fail(v, i, "unknown table %u", index);
    return NULL;
}

ValType validate_memory(Validator *v, const Insn *i, u32 index)
{
    if (LIKELY(index < v->m->nmemories))
        return addr_type(v->m->memories[index].is64);
    validate_fail(v, i, "unknown memory %u", index);
    return VT_I32;
}

const FuncType *validate_func_index(Validator *v, const Insn *i, u32 index)
{
    if (LIKELY(index < v->m->nfuncs))
        return module_func_type(v->m, index);
    validate_fail(v, i, "unknown function %u", index);
    return NULL;
}

const FuncType *validate_tag(Validator *v, const Insn *i, u32 index)
{
    if (index < v->m->ntags)
        return types_func_type(v->types, v->m->tags[index]);
    validate_fail(v, i, "unknown tag %u", index);
    return NULL;
}

bool validate_data(Validator *v, const Insn *i, u32 index)
{
    if (!v->m->has_data_count) {
        read_fail(&v->r, DIAG_MALFORMED, v->r.base + i->offset, "data count section required");
        return false;
    }
    if (index < v->m->ndatas)
        return true;
    validate_fail(v, i, "unknown data segment %u", index);
    return false;
}

const ElemSegment *validate_elem(Validator *v, const Insn *i, u32 index)
{
    if (index < v->m->nelems)
        return &v->m->elems[index];
    validate_fail(v, i, "unknown elem segment %u", index);
    return NULL;
}

/* ---- locals ---- */

static bool has_default(ValType t)
{
    return !valtype_is_ref(t) || valtype_nullable(t);
}

/* Type of a local behind the parameters and the fast ones: its run by bisection. */
static ValType local_of_run(const Validator *v, u32 index)
{
    u32 lo = 0, hi = v->runs.n;
    while (lo < hi) {
        u32 mid = (lo + hi) / 2;
        if (v->runs.p[mid].end <= index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return v->runs.p[lo].type;
}

ValType validate_local(Validator *v, const Insn *i)
{
    if (LIKELY(i->idx < v->nfast))
        return v->fast[i->idx];
    if (i->idx >= v->nlocals) {
        validate_fail(v, i, "unknown local %u", i->idx);
        return VT_I32;
    }
    return i->idx < v->params.n ? v->params.p[i->idx] : local_of_run(v, i->idx);
}

static void locals_group(void *arg, u32 count, ValType type)
{
    Validator *v = arg;
    if (count == 0)
        return;
    for (u32 i = v->nlocals; i < v->nlocals + count && i < LOCALS_FAST; i++)
        v->fast[v->nfast++] = type;
    v->nlocals += count;
    vec_push(&v->runs, ((LocalRun){v->nlocals, type}));
    if (!has_default(type))
        v->has_nonnull = true;
}

static void locals_begin(Validator *v)
{
    v->nlocals = v->params.n;
    v->nfast = MIN(v->nlocals, LOCALS_FAST);
    if (v->nfast)
        memcpy(v->fast, v->params.p, v->nfast * sizeof(ValType));
    v->runs.n = 0;
    v->inits.n = 0;
    v->has_nonnull = false;
    const u8 *at = v->r.at;
    insn_read_locals(&v->r, locals_group, v);
    if (v->nlocals > LIMIT_LOCALS && v->nlocals > v->params.n)
        read_fail(&v->r, DIAG_LIMIT, at, "too many locals: %u, the limit is %u", v->nlocals,
                  LIMIT_LOCALS);
    if (v->has_nonnull && read_ok(&v->r)) {
        if (!v->init)
            v->init = mem_alloc_array(LIMIT_LOCALS, sizeof *v->init);
        v->epoch++;
    }
}

static void local_op(Validator *v, const Insn *i)
{
    ValType t = validate_local(v, i);
    bool nonnull = UNLIKELY(v->has_nonnull) && !has_default(t) && i->idx >= v->params.n;
    if (i->op == OP_local_get) {
        if (nonnull && v->init[i->idx] != v->epoch)
            validate_fail(v, i, "uninitialized local: %u", i->idx);
        push(v, t);
        return;
    }
    pop(v, t);
    if (nonnull && read_ok(&v->r) && v->init[i->idx] != v->epoch) {
        v->init[i->idx] = v->epoch;
        vec_push(&v->inits, i->idx);
    }
    if (i->op == OP_local_tee)
        push(v, t);
}

/* ---- instructions ---- */

static void global_op(Validator *v, const Insn *i)
{
    u32 limit = v->is_const ? v->nglobals : v->m->nglobals;
    if (i->idx >= limit) {
        validate_fail(v, i, "unknown global %u", i->idx);
        return;
    }
    const GlobalType *g = &v->m->globals[i->idx].type;
    if (i->op == OP_global_get) {
        if (v->is_const) {
            if (g->mut)
                validate_fail(v, i, "constant expression required: global %u is mutable", i->idx);
            else if (i->idx >= v->m->n_imported_globals && !(v->m->features & FEATURE_MASK(GC)))
                validate_fail(v, i, "constant expression required: global %u is not imported",
                              i->idx);
        }
        push(v, g->type);
        return;
    }
    if (!g->mut)
        validate_fail(v, i, "immutable global: %u cannot be set", i->idx);
    pop(v, g->type);
}

/* Alignment and offset of an access; returns the address type. */
static ValType check_memarg(Validator *v, const Insn *i, const OpInfo *info)
{
    ValType addr = validate_memory(v, i, i->memarg.memory);
    u32 natural = (u32)(info->flags >> 8) - 1;
    if (i->memarg.align_log2 != natural) {
        if (i->memarg.align_log2 > natural)
            validate_fail(v, i, "alignment must not be larger than natural: %llu for %s",
                          1ull << i->memarg.align_log2, info->text);
        else if (info->flags & OPF_ATOMIC)
            validate_fail(v, i, "alignment must be natural: %llu for %s",
                          1ull << i->memarg.align_log2, info->text);
    }
    if (addr == VT_I32 && i->memarg.offset > UINT32_MAX)
        validate_fail(v, i, "offset out of range: %llu, the memory has 32-bit addresses",
                      (unsigned long long)i->memarg.offset);
    return addr;
}

static void check_lanes(Validator *v, const Insn *i, const OpInfo *info)
{
    if (info->imm == IMM_SHUFFLE) {
        for (u32 k = 0; k < 16; k++)
            if (i->v128[k] >= 32)
                validate_fail(v, i, "invalid lane index %u of %s", i->v128[k], info->text);
        return;
    }
    /* The shape of a lane instruction is the head of its keyword: i8x16, i16x8, f64x2. */
    u32 lanes;
    if (info->imm != IMM_LANE)
        lanes = 16u >> ((u32)(info->flags >> 8) - 1);
    else
        lanes = info->text[1] == '8' ? 16 : (u32)(info->text[4] - '0');
    if (i->lane >= lanes)
        validate_fail(v, i, "invalid lane index %u of %s", i->lane, info->text);
}

/* An instruction whose row has a signature; `addr` stands for 'a'. */
static void typed_op(Validator *v, const char *sig, ValType addr)
{
    static const u8 types[128] = {
        ['i'] = KIND_I32, ['l'] = KIND_I64, ['f'] = KIND_F32, ['d'] = KIND_F64, ['v'] = KIND_V128};
    const char *colon = sig;
    while (*colon != ':')
        colon++;
    for (const char *c = colon; c-- > sig;)
        pop(v, *c == 'a' ? addr : types[(u8)*c]);
    while (*++colon)
        push(v, *colon == 'a' ? addr : types[(u8)*colon]);
}

static void simple_op(Validator *v, const Insn *i, const OpInfo *info)
{
    ValType addr = VT_I32;
    switch ((u32)info->imm) {
    case IMM_MEMARG_LANE:
        check_lanes(v, i, info);
        addr = check_memarg(v, i, info);
        break;
    case IMM_MEMARG:
        addr = check_memarg(v, i, info);
        break;
    case IMM_LANE:
    case IMM_SHUFFLE:
        check_lanes(v, i, info);
        break;
    case IMM_MEMORY:
        addr = validate_memory(v, i, i->idx);
        break;
    case IMM_DATA_MEMORY:
        addr = validate_memory(v, i, i->idx2);
        validate_data(v, i, i->idx);
        break;
    case IMM_DATA:
        validate_data(v, i, i->idx);
        break;
    case IMM_ELEM:
        validate_elem(v, i, i->idx);
        break;
    default:
        break;
    }
    typed_op(v, info->sig, addr);
    if (i->op == OP_unreachable)
        validate_dead(v);
}

static void memory_copy(Validator *v, const Insn *i)
{
    ValType to = validate_memory(v, i, i->idx), from = validate_memory(v, i, i->idx2);
    pop(v, to == VT_I64 && from == VT_I64 ? VT_I64 : VT_I32);
    pop(v, from);
    pop(v, to);
}

static void select_op(Validator *v, const Insn *i)
{
    if (i->op == OP_select_t) {
        if (i->count != 1)
            validate_fail(v, i, "invalid result arity: select of %u types", i->count);
        pop(v, VT_I32);
        pop(v, i->type);
        pop(v, i->type);
        push(v, i->type);
        return;
    }
    pop(v, VT_I32);
    ValType a = validate_pop_any(v), b = validate_pop_any(v);
    if ((a != VT_BOT && valtype_is_ref(a)) || (b != VT_BOT && valtype_is_ref(b)))
        validate_fail(v, i, "type mismatch: select of references needs a type");
    else if (a != b && a != VT_BOT && b != VT_BOT)
        validate_mismatch(v, b, a);
    push(v, a == VT_BOT ? b : a);
}

/* Instructions whose typing a signature does not tell. */
static void custom_op(Validator *v, const Insn *i, const OpInfo *info)
{
    switch ((u32)i->op) {
    case OP_drop:
        validate_pop_any(v);
        return;
    case OP_select:
    case OP_select_t:
        select_op(v, i);
        return;
    case OP_global_get:
    case OP_global_set:
        global_op(v, i);
        return;
    case OP_memory_copy:
        memory_copy(v, i);
        return;
    default:
        break;
    }
    if (info->feature == FEATURE_BIT_STACK_SWITCHING)
        validate_cont_op(v, i);
    else if (info->flags & OPF_CTRL)
        validate_control(v, i);
    else if (info->prefix == 0xfb)
        validate_gc_op(v, i);
    else if (info->prefix == 0xfc || i->op == OP_table_get || i->op == OP_table_set)
        validate_table_op(v, i);
    else if (i->op >= OP_ref_null && i->op <= OP_ref_as_non_null)
        validate_ref_op(v, i);
    else
        validate_calls(v, i);
}

static inline void step(Validator *v, const Insn *i)
{
    const OpInfo *info = &op_infos[i->op];
    v->offset = i->offset;
    if (i->op >= OP_local_get && i->op <= OP_local_tee)
        local_op(v, i);
    else if (info->sig[0] != '*')
        simple_op(v, i, info);
    else
        custom_op(v, i, info);
}

/*
 * The most frequent instructions in their shortest form, without the reader: local.get, .set, .tee,
 * i32.const and the numeric ones of the first version. False if it is none of them; nothing has
 * happened then.
 */
static inline bool quick_step(Validator *v)
{
    const u8 *at = v->r.at;
    if (UNLIKELY(v->r.end - at < 2))
        return false;
    u8 code = at[0], arg = at[1];
    if (code >= 0x20 && code <= 0x22 && arg < v->nfast && !v->has_nonnull) {
        v->offset = (u32)(at - v->r.base);
        v->r.at += 2;
        if (code != 0x20)
            pop(v, v->fast[arg]);
        if (code != 0x21)
            push(v, v->fast[arg]);
    } else if (code == 0x41 && arg < 0x80) {
        push(v, VT_I32);
        v->r.at += 2;
    } else if (code >= 0x45 && code <= 0xbf) {
        v->offset = (u32)(at - v->r.base);
        v->r.at++;
        typed_op(v, op_infos[op_by_code[0][code] - 1].sig, VT_I32);
        return true;
    } else {
        return false;
    }
    return true;
}
static_assert(LOCALS_FAST <= 0x80, "an index of one byte");
static_assert(OP_f64_reinterpret_i64 - OP_i32_eqz == 0xbf - 0x45, "no gap, no other signature");

static void begin(Validator *v, const WasmModule *m, Diag *diag)
{
    v->m = m;
    v->types = m->registry;
    v->r.diag = diag;
    v->n = v->base = 0;
    v->unreachable = false;
    v->frames.n = 0;
    if (v->any_match) {
        memset(v->matches, 0, sizeof v->matches);
        memset(v->subs, 0, sizeof v->subs);
    }
    v->any_match = false;
    vec_push(&v->frames, (Frame){0});
}

bool validate_func(Validator *v, const WasmModule *m, u32 func, FeatureSet *ret_uses, Diag *diag)
{
    const Func *f = &m->funcs[func];
    const FuncType *type = types_func_type(m->registry, f->type);
    insn_reader_init(&v->r, m, f->body, diag);
    begin(v, m, diag);
    v->is_const = false;
    v->params = (Types){type->params, type->nparams};
    v->results = (Types){type->results, type->nresults};
    diag->func = func;
    diag->section = "code";
    locals_begin(v);
    v->r.uses |= FEATURE_MASK(MVP);
    Insn insn;
    while (v->frames.n) {
        if (quick_step(v))
            continue;
        if (!insn_read(&v->r, &insn))
            break;
        step(v, &insn);
        if (UNLIKELY(v->n > LIMIT_OPERANDS))
            read_fail(&v->r, DIAG_LIMIT, v->r.at, "operand stack too deep: the limit is %u",
                      LIMIT_OPERANDS);
    }
    validate_end_body(v, func + 1 == m->nfuncs);
    if (!diag_ok(diag))
        return false;
    diag->func = DIAG_NO_FUNC;
    diag->section = NULL;
    *ret_uses |= v->r.uses;
    return true;
}

static void const_op(Validator *v, const Insn *i)
{
    const OpInfo *info = &op_infos[i->op];
    if (!(info->flags & OPF_CONST)) {
        validate_fail(v, i, "constant expression required: %s is not constant", info->text);
        return;
    }
    if (i->op >= OP_i32_add && i->op <= OP_i64_mul)
        read_need(&v->r, FEATURE_BIT_EXTENDED_CONST, v->r.base + i->offset, info->text);
    if (i->op == OP_ref_func && i->idx < v->m->nfuncs)
        v->escapes[i->idx] |= ESCAPES;
    step(v, i);
}

Range validate_const_expr(Validator *v, Reader *r, ValType want, u32 nglobals, u8 *escapes)
{
    const u8 *start = r->at;
    v->r = *r;
    v->r.group = 0;
    begin(v, r->m, r->diag);
    v->is_const = true;
    v->nglobals = nglobals;
    v->escapes = escapes;
    v->result = want;
    v->params = (Types){0};
    v->results = (Types){&v->result, 1};
    v->nlocals = v->nfast = 0;
    v->has_nonnull = false;
    Insn insn;
    while (v->frames.n && insn_read(&v->r, &insn))
        const_op(v, &insn);
    if (v->frames.n)
        read_fail_end(&v->r);
    r->at = v->r.at;
    r->uses |= v->r.uses;
    if (!read_ok(r)) {
        r->at = r->end;
        return (Range){0};
    }
    return (Range){(u32)read_offset(r, start), (u32)(r->at - start)};
}
