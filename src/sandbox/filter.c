/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The specification's `linux.seccomp` as a program of the kernel's filter machine: the number of
 * the call is looked up in ranges of numbers with one action each, by halves; then come the
 * conditions on arguments, if there are any.
 *
 * Rules mean what they mean with libseccomp, which the OCI runtimes use, where that is plain: two
 * actions for one call are refused. Calls of other machines than this one (32 bits, x32) end the
 * process even where the profile would let them go by: our own programs make none.
 */
#include "sandbox/plan_priv.h"

#include "base/vec.h"
#include "os/syscalls.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>

enum { MAX_RULES = 2000, MAX_CALLS = 20000, ARGS = 6, X32_BIT = 0x40000000 };

typedef struct Cond {
    u32 index;
    const struct OpRow *op;
    u64 value, value_two;
} Cond;

/* All of the conditions hold. */
typedef struct Match {
    const Cond *conds;
    u32 n;
} Match;

typedef struct Entry {
    u32 number, action;
    VEC(Match) matches; /* one of them, or else the default; none: always */
} Entry;

typedef struct Range {
    u32 first, action;
    const Entry *entry; /* NULL, or its conditions come first */
} Range;

typedef struct Compiler {
    Reader *r;
    u32 default_action;
    u32 ncalls; /* in all rules, so far */
    bool stub;  /* calls that the profile does not know of are ENOSYS */
    VEC(Entry) entries;
    VEC(Range) ranges;
    VEC(OsFilterInsn) code;
} Compiler;

static const char *const where = "linux.seccomp";

/* ---- reading ---- */

typedef struct ActionRow {
    const char *name;
    u32 action;
    bool has_errno;
} ActionRow;

static const ActionRow actions[] = {
    {"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, false},
    {"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, true},
    {"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, false},
    {"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, false},
    {"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, false},
    {"SCMP_ACT_TRAP", SECCOMP_RET_TRAP, false},
    {"SCMP_ACT_LOG", SECCOMP_RET_LOG, false},
};

static u32 read_action(Reader *r, const json_t *v, const char *key, const char *errno_key)
{
    const char *text = reader_text(r, v, where, key);
    i64 number = EPERM;
    bool given = reader_int(r, v, where, errno_key, 0, 4095, &number);
    for (usize i = 0; text && i < ARRAY_LEN(actions); i++) {
        if (strcmp(text, actions[i].name) != 0)
            continue;
        if (given && !actions[i].has_errno)
            reader_refuse(r, where, "an error number with the action `%s`", text);
        return actions[i].has_errno ? actions[i].action | (u32)number : actions[i].action;
    }
    reader_refuse(r, where, "the action `%.50s` is not done here", text ? text : "");
    return 0;
}

typedef void EmitFn(Compiler *c, const Cond *cond);
typedef struct OpRow {
    const char *name;
    EmitFn *emit;
} OpRow;

static EmitFn emit_equal, emit_not_equal, emit_masked, emit_greater, emit_greater_equal, emit_less,
    emit_less_equal;

static const OpRow ops[] = {
    {"SCMP_CMP_EQ", emit_equal},         {"SCMP_CMP_NE", emit_not_equal},
    {"SCMP_CMP_MASKED_EQ", emit_masked}, {"SCMP_CMP_GT", emit_greater},
    {"SCMP_CMP_GE", emit_greater_equal}, {"SCMP_CMP_LT", emit_less},
    {"SCMP_CMP_LE", emit_less_equal},
};

static void read_cond(Reader *r, const json_t *v, Cond *cond, u32 *seen)
{
    i64 value = 0, value_two = 0;
    if (!reader_object(r, v, where, "index value valueTwo op")) {
        reader_refuse(r, where, "not a condition");
        return;
    }
    cond->index = reader_u32(r, v, where, "index");
    reader_int(r, v, where, "value", 0, INT64_MAX, &value);
    reader_int(r, v, where, "valueTwo", 0, INT64_MAX, &value_two);
    cond->value = (u64)value;
    cond->value_two = (u64)value_two;
    const char *op = reader_text(r, v, where, "op");
    for (usize i = 0; op && i < ARRAY_LEN(ops); i++)
        if (strcmp(op, ops[i].name) == 0)
            cond->op = &ops[i];
    if (!cond->op)
        reader_refuse(r, where, "the comparison `%.50s` is not known", op ? op : "");
    else if (cond->op->emit == emit_masked && cond->value_two & ~cond->value)
        reader_refuse(r, where, "a masked value with other bits than the mask");
    if (cond->index >= ARGS || *seen >> cond->index & 1) {
        reader_refuse(r, where, "two conditions on one argument, or on one that there is not");
        cond->index = 0;
    }
    *seen |= 1u << cond->index;
}

static Entry *entry_of(Compiler *c, u32 number, u32 action)
{
    for (u32 i = 0; i < c->entries.n; i++) {
        Entry *e = &c->entries.p[i];
        if (e->number == number) {
            if (e->action != action)
                reader_refuse(c->r, where, "two actions for the call %u", number);
            return e;
        }
    }
    vec_push(&c->entries, ((Entry){.number = number, .action = action}));
    return NULL;
}

static void add_call(Compiler *c, u32 number, u32 action, const Match *m)
{
    Entry *e = entry_of(c, number, action);
    if (!e) { /* a new one */
        if (m->n > 0)
            vec_push(&c->entries.p[c->entries.n - 1].matches, *m);
    } else if (m->n == 0) {
        vec_release(&e->matches);
    } else if (e->matches.n > 0) {
        vec_push(&e->matches, *m);
    }
}

static void read_rule(Compiler *c, const json_t *v)
{
    Reader *r = c->r;
    if (!reader_object(r, v, where, "names action errnoRet args")) {
        reader_refuse(r, where, "not a rule");
        return;
    }
    u32 action = read_action(r, v, "action", "errnoRet"), seen = 0;
    const json_t *names = reader_list(r, v, where, "names", MAX_CALLS - c->ncalls);
    const json_t *args = reader_list(r, v, where, "args", ARGS);
    c->ncalls += (u32)json_array_size(names);
    Cond *conds = arena_array(r->arena, Cond, json_array_size(args));
    for (usize i = 0; i < json_array_size(args); i++)
        read_cond(r, json_array_get(args, i), &conds[i], &seen);
    Match m = {conds, (u32)json_array_size(args)};
    for (usize i = 0; i < json_array_size(names) && !r->why; i++) {
        const char *name = reader_text_at(r, names, i, where);
        i32 number = os_syscall_number(name);
        if (number >= 0 && action != c->default_action)
            add_call(c, (u32)number, action, &m);
        else if (number < 0 && action != SECCOMP_RET_ALLOW)
            reader_refuse(r, where, "the call `%.100s` is not known", name);
    }
}

static void read_flags(Reader *r, const json_t *v, u32 *ret_flags)
{
    const json_t *list = reader_list(r, v, where, "flags", 10);
    for (usize i = 0; i < json_array_size(list); i++) {
        const char *flag = reader_text_at(r, list, i, where);
        if (strcmp(flag, "SECCOMP_FILTER_FLAG_LOG") == 0)
            *ret_flags |= OS_FILTER_LOG;
        else if (strcmp(flag, "SECCOMP_FILTER_FLAG_SPEC_ALLOW") == 0)
            *ret_flags |= OS_FILTER_SPEC_ALLOW;
        else if (strcmp(flag, "SECCOMP_FILTER_FLAG_TSYNC") != 0) /* there is one thread */
            reader_refuse(r, where, "the flag `%.50s` is not done here", flag);
    }
}

static void read_arches(Reader *r, const json_t *v)
{
    const json_t *list = reader_list(r, v, where, "architectures", 100);
    for (usize i = 0; i < json_array_size(list); i++)
        if (!str_starts(str_of(reader_text_at(r, list, i, where)), STR("SCMP_ARCH_")))
            reader_refuse(r, where, "an architecture that is not known");
}

/* ---- ranges ---- */

static int compare_entries(const void *a, const void *b)
{
    u32 x = ((const Entry *)a)->number, y = ((const Entry *)b)->number;
    return x < y ? -1 : x > y;
}

static void add_range(Compiler *c, u32 first, u32 action, const Entry *entry)
{
    const Range *last = c->ranges.n ? &c->ranges.p[c->ranges.n - 1] : NULL;
    if (last && last->first == first)
        c->ranges.n--;
    last = c->ranges.n ? &c->ranges.p[c->ranges.n - 1] : NULL;
    if (!last || entry || last->entry || last->action != action)
        vec_push(&c->ranges, ((Range){first, action, entry}));
}

static void make_ranges(Compiler *c)
{
    if (c->entries.n > 0)
        qsort(c->entries.p, c->entries.n, sizeof *c->entries.p, compare_entries);
    add_range(c, 0, c->default_action, NULL);
    for (u32 i = 0; i < c->entries.n; i++) {
        const Entry *e = &c->entries.p[i];
        bool last = i + 1 == c->entries.n;
        add_range(c, e->number, e->action, e->matches.n ? e : NULL);
        add_range(c, e->number + 1,
                  last && c->stub ? SECCOMP_RET_ERRNO | ENOSYS : c->default_action, NULL);
    }
}

/* ---- code ---- */

enum { FAIL = 255 }; /* a jump to the end of the match, until that is known */

static void emit(Compiler *c, u16 code, u8 jt, u8 jf, u32 k)
{
    vec_push(&c->code, ((OsFilterInsn){code, jt, jf, k}));
}

static void emit_load(Compiler *c, u32 offset)
{
    emit(c, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

static void emit_jump(Compiler *c, u16 op, u8 jt, u8 jf, u32 k)
{
    emit(c, (u16)(BPF_JMP | op | BPF_K), jt, jf, k);
}

static void emit_return(Compiler *c, u32 action)
{
    emit(c, BPF_RET | BPF_K, 0, 0, action);
}

/* The halves of an argument; the machine has 32 bits. */
static void load_low(Compiler *c, const Cond *cond)
{
    emit_load(c, (u32)offsetof(struct seccomp_data, args) + 8 * cond->index);
}

static void load_high(Compiler *c, const Cond *cond)
{
    emit_load(c, (u32)offsetof(struct seccomp_data, args) + 8 * cond->index + 4);
}

static void emit_equal(Compiler *c, const Cond *cond)
{
    load_high(c, cond);
    emit_jump(c, BPF_JEQ, 0, FAIL, (u32)(cond->value >> 32));
    load_low(c, cond);
    emit_jump(c, BPF_JEQ, 0, FAIL, (u32)cond->value);
}

static void emit_not_equal(Compiler *c, const Cond *cond)
{
    load_high(c, cond);
    emit_jump(c, BPF_JEQ, 0, 2, (u32)(cond->value >> 32));
    load_low(c, cond);
    emit_jump(c, BPF_JEQ, FAIL, 0, (u32)cond->value);
}

static void emit_masked(Compiler *c, const Cond *cond)
{
    load_high(c, cond);
    emit(c, BPF_ALU | BPF_AND | BPF_K, 0, 0, (u32)(cond->value >> 32));
    emit_jump(c, BPF_JEQ, 0, FAIL, (u32)(cond->value_two >> 32));
    load_low(c, cond);
    emit(c, BPF_ALU | BPF_AND | BPF_K, 0, 0, (u32)cond->value);
    emit_jump(c, BPF_JEQ, 0, FAIL, (u32)cond->value_two);
}

/* `op` compares the low halves where the high ones are equal. */
static void emit_above(Compiler *c, const Cond *cond, u16 op)
{
    load_high(c, cond);
    emit_jump(c, BPF_JGT, 3, 0, (u32)(cond->value >> 32));
    emit_jump(c, BPF_JEQ, 0, FAIL, (u32)(cond->value >> 32));
    load_low(c, cond);
    emit_jump(c, op, 0, FAIL, (u32)cond->value);
}

static void emit_below(Compiler *c, const Cond *cond, u16 op)
{
    load_high(c, cond);
    emit_jump(c, BPF_JGT, FAIL, 0, (u32)(cond->value >> 32));
    emit_jump(c, BPF_JEQ, 0, 2, (u32)(cond->value >> 32));
    load_low(c, cond);
    emit_jump(c, op, FAIL, 0, (u32)cond->value);
}

static void emit_greater(Compiler *c, const Cond *cond)
{
    emit_above(c, cond, BPF_JGT);
}

static void emit_greater_equal(Compiler *c, const Cond *cond)
{
    emit_above(c, cond, BPF_JGE);
}

static void emit_less(Compiler *c, const Cond *cond)
{
    emit_below(c, cond, BPF_JGE);
}

static void emit_less_equal(Compiler *c, const Cond *cond)
{
    emit_below(c, cond, BPF_JGT);
}

static void emit_match(Compiler *c, const Match *m, u32 action)
{
    u32 start = c->code.n;
    for (u32 i = 0; i < m->n; i++)
        m->conds[i].op->emit(c, &m->conds[i]);
    emit_return(c, action);
    for (u32 i = start; i < c->code.n; i++) {
        OsFilterInsn *insn = &c->code.p[i];
        if (insn->jt == FAIL)
            insn->jt = u8_of(c->code.n - i - 1);
        if (insn->jf == FAIL)
            insn->jf = u8_of(c->code.n - i - 1);
    }
}

static void emit_range(Compiler *c, const Range *range)
{
    const Entry *e = range->entry;
    for (u32 i = 0; e && i < e->matches.n; i++)
        emit_match(c, &e->matches.p[i], e->action);
    emit_return(c, e ? c->default_action : range->action);
}

/* The number is in A. As deep as the number of ranges has bits. */
static void emit_ranges(Compiler *c, const Range *ranges, u32 n)
{
    if (n == 1) {
        emit_range(c, ranges);
        return;
    }
    u32 half = n / 2;
    emit_jump(c, BPF_JGE, 0, 1, ranges[half].first);
    u32 jump = c->code.n;
    emit_jump(c, BPF_JA, 0, 0, 0);
    emit_ranges(c, ranges, half);
    c->code.p[jump].k = c->code.n - jump - 1;
    emit_ranges(c, ranges + half, n - half);
}

static void emit_all(Compiler *c)
{
    emit_load(c, (u32)offsetof(struct seccomp_data, arch));
    emit_jump(c, BPF_JEQ, 1, 0, os_syscall_arch());
    emit_return(c, SECCOMP_RET_KILL_PROCESS);
    emit_load(c, (u32)offsetof(struct seccomp_data, nr));
    emit_jump(c, BPF_JGE, 0, 1, X32_BIT);
    emit_return(c, SECCOMP_RET_KILL_PROCESS);
    emit_ranges(c, c->ranges.p, c->ranges.n);
}

/* ---- all of it ---- */

static bool goes_by(u32 action)
{
    return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

/* The program is begun under the filter, from its descriptor. */
static void check_exec(Compiler *c)
{
    u32 number = (u32)os_syscall_number("execveat"), action = c->default_action;
    for (u32 i = 0; i < c->entries.n; i++)
        if (c->entries.p[i].number == number && c->entries.p[i].matches.n == 0)
            action = c->entries.p[i].action;
    if (!goes_by(action))
        reader_refuse(c->r, where, "the call `execveat` is not allowed");
}

static void compile(Compiler *c, const json_t *v, Plan *p)
{
    const json_t *rules = reader_list(c->r, v, where, "syscalls", MAX_RULES);
    for (usize i = 0; i < json_array_size(rules) && !c->r->why; i++)
        read_rule(c, json_array_get(rules, i));
    check_exec(c);
    if (c->r->why)
        return;
    make_ranges(c);
    emit_all(c);
    if (c->code.n > PLAN_FILTER) {
        reader_refuse(c->r, where, "more than %d instructions", PLAN_FILTER);
        return;
    }
    p->filter = arena_dup(c->r->arena, c->code.p, c->code.n * sizeof *c->code.p);
    p->nfilter = u16_of(c->code.n);
}

void plan_read_filter(Reader *r, Plan *p, const json_t *v)
{
    if (!reader_object(r, v, where,
                       "defaultAction defaultErrnoRet architectures flags listenerPath "
                       "listenerMetadata syscalls"))
        return;
    Compiler c = {.r = r, .default_action = read_action(r, v, "defaultAction", "defaultErrnoRet")};
    c.stub = !goes_by(c.default_action) && c.default_action != (SECCOMP_RET_ERRNO | ENOSYS);
    reader_empty(r, v, where, "listenerPath");
    reader_empty(r, v, where, "listenerMetadata");
    read_arches(r, v);
    read_flags(r, v, &p->filter_flags);
    if (!r->why)
        compile(&c, v, p);
    for (u32 i = 0; i < c.entries.n; i++)
        vec_release(&c.entries.p[i].matches);
    vec_release(&c.entries);
    vec_release(&c.ranges);
    vec_release(&c.code);
}
