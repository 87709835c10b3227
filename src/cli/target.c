/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The target triple, and CPU features as settings of the code generator. */
#include "cli/target.h"

#include "backend/x64/cpu.h"
#include "cli/value.h"

Error *target_check(const char *triple)
{
    static const char *const names[] = {HOST_TRIPLE, "x86_64-unknown-linux-musl",
                                        "x86_64-linux-gnu", "x86_64-linux", "x86_64"};
    if (!triple)
        return NULL;
    for (usize i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(triple, names[i]) == 0)
            return NULL;
    return error_new("this build cannot compile for the target `%s`, only for `%s`", triple,
                     HOST_TRIPLE);
}

void setting_name(u32 bit, char ret_name[SETTING_NAME_SIZE])
{
    static const char prefix[] = "has_";
    const char *name = x64_cpu_name((X64CpuBit)bit);
    usize n = sizeof prefix - 1;
    memcpy(ret_name, prefix, n);
    for (; *name && n + 1 < SETTING_NAME_SIZE; name++)
        if (*name != '.')
            ret_name[n++] = *name;
    ret_name[n] = 0;
}

/* What `-C cranelift-KEY` gave: the name with _ for -, the value or none. */
typedef struct Setting {
    char name[SETTING_NAME_SIZE];
    Str value;
    bool has_value;
} Setting;

static bool setting_split(Str text, Setting *ret)
{
    const char *eq = memchr(text.p, '=', text.n);
    usize n = eq ? (usize)(eq - text.p) : text.n;
    if (n >= SETTING_NAME_SIZE)
        return false;
    for (usize i = 0; i < n; i++)
        ret->name[i] = text.p[i] == '-' ? '_' : text.p[i];
    ret->name[n] = 0;
    ret->has_value = eq;
    ret->value = eq ? (Str){eq + 1, text.n - n - 1} : (Str){0};
    return true;
}

MUST_CHECK static Error *setting_bool(const Setting *s, bool *ret_on)
{
    static const char *const words[] = {"false", "off", "no", "0", "true", "on", "yes", "1"};
    *ret_on = true;
    if (!s->has_value)
        return NULL;
    for (usize i = 0; i < ARRAY_LEN(words); i++) {
        *ret_on = i >= ARRAY_LEN(words) / 2;
        if (str_eq(s->value, str_of(words[i])))
            return NULL;
    }
    return error_new("Unexpected value for a setting, expected bool: '%s' is given `%.*s`", s->name,
                     STR_ARG(s->value));
}

/* Words "a|b|c" as the list "a, b, c". */
MUST_CHECK static Error *setting_not_a_word(const char *words)
{
    Buf list = {0};
    for (; *words; words++)
        buf_str(&list, *words == '|' ? STR(", ") : (Str){words, 1});
    char *z = buf_take_string(&list);
    Error *e = error_new("Unexpected value for a setting, expected any among %s", z);
    mem_free(z);
    return e;
}

/* A setting that changes nothing here: only its value is looked at. */
MUST_CHECK static Error *check_setting(const Setting *s, const char *values)
{
    bool on;
    u64 number;
    if (strcmp(values, "bool") == 0)
        return setting_bool(s, &on);
    if (!s->has_value)
        return error_new("Trying to set a setting with the wrong type: '%s' has a value", s->name);
    if (strcmp(values, "number") == 0)
        return value_number(s->value, &number) && number <= UINT8_MAX
                   ? NULL
                   : error_new("Unexpected value for a setting, expected number");
    return value_choice(s->value, values, &number) ? NULL : setting_not_a_word(values);
}

MUST_CHECK static Error *apply_cpu(const Setting *s, u32 bit, u64 *cpu)
{
    bool on;
    Error *e = setting_bool(s, &on);
    if (e)
        return e;
    Buf change = {0};
    buf_printf(&change, "%c%s", on ? '+' : '-', x64_cpu_name((X64CpuBit)bit));
    e = x64_cpu_parse((Str){(char *)change.p, change.n}, cpu);
    buf_release(&change);
    return e;
}

/* Features that all code may use. */
MUST_CHECK static Error *check_base_feature(const Setting *s)
{
    bool on;
    Error *e = setting_bool(s, &on);
    if (e || on)
        return e;
    return error_new("the setting '%s' cannot be switched off: compiled code needs SSE4.1",
                     s->name);
}

MUST_CHECK static Error *apply_setting(Str text, Tunables *t)
{
    static const struct {
        const char *name, *values;
    } others[] = {
#define SETTING(name, values) {#name, values},
#include "cli/settings.def"
#undef SETTING
    };
    static const char *const base[] = {"has_sse3", "has_ssse3", "has_sse41"};
    Setting s;
    if (!setting_split(text, &s))
        return error_new("No existing setting named '%.*s'", STR_ARG(text));
    for (u32 bit = X64_CPU_BASE + 1; bit < X64_CPU_COUNT; bit++) {
        char known[SETTING_NAME_SIZE];
        setting_name(bit, known);
        if (strcmp(s.name, known) == 0)
            return apply_cpu(&s, bit, &t->cpu);
    }
    if (strcmp(s.name, "enable_nan_canonicalization") == 0)
        return setting_bool(&s, &t->nan_canonicalization);
    for (usize i = 0; i < ARRAY_LEN(base); i++)
        if (strcmp(s.name, base[i]) == 0)
            return check_base_feature(&s);
    for (usize i = 0; i < ARRAY_LEN(others); i++)
        if (strcmp(s.name, others[i].name) == 0)
            return check_setting(&s, others[i].values);
    return error_new("No existing setting named '%s'", s.name);
}

Error *target_setup(const CmdLine *c, Tunables *t)
{
    const char *triple = cmdline_value(c, FLAG_target);
    Error *e = target_check(triple);
    if (e)
        return e;
    u64 host = t->cpu;
    if (!triple && !X64_HAS(host, BASE))
        return error_new("this CPU is too old: SSE4.1 is missing");
    if (triple)
        t->cpu = X64_CPU_SET_BASE;
    const OptValue *settings = &c->options.values[OPT_C_cranelift];
    for (u32 i = 0; i < settings->list.n; i++) {
        e = apply_setting(settings->list.p[i], t);
        if (e)
            return e;
    }
    if (!triple && (t->cpu & ~host))
        return error_new("a setting asks for a CPU feature that this machine does not have");
    return NULL;
}
