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

/* "has_avx" or "has_avx=BOOL". */
MUST_CHECK static Error *apply_setting(Str setting, u64 *cpu)
{
    const char *eq = memchr(setting.p, '=', setting.n);
    Str name = {setting.p, eq ? (usize)(eq - setting.p) : setting.n};
    Str value = eq ? (Str){eq + 1, setting.n - name.n - 1} : STR("true");
    for (u32 bit = X64_CPU_BASE + 1; bit < X64_CPU_COUNT; bit++) {
        char known[SETTING_NAME_SIZE];
        bool on;
        setting_name(bit, known);
        if (!str_eq(name, str_of(known)))
            continue;
        if (!value_bool(value, &on))
            return error_new("`%.*s` is not a value of the setting '%s', expected true or false",
                             STR_ARG(value), known);
        Buf change = {0};
        buf_printf(&change, "%c%s", on ? '+' : '-', x64_cpu_name((X64CpuBit)bit));
        Error *e = x64_cpu_parse((Str){(char *)change.p, change.n}, cpu);
        buf_release(&change);
        return e;
    }
    return error_new("No existing setting named '%.*s'", STR_ARG(name));
}

Error *target_cpu(const CmdLine *c, u64 *cpu_in_out)
{
    const char *triple = cmdline_value(c, FLAG_target);
    Error *e = target_check(triple);
    if (e)
        return e;
    u64 host = *cpu_in_out, cpu = triple ? X64_CPU_SET_BASE : host;
    if (!triple && !X64_HAS(host, BASE))
        return error_new("this CPU is too old: SSE4.1 is missing");
    const OptValue *settings = &c->options.values[OPT_C_cranelift];
    for (u32 i = 0; i < settings->list.n; i++) {
        e = apply_setting(settings->list.p[i], &cpu);
        if (e)
            return e;
    }
    if (!triple && (cpu & ~host))
        return error_new("a setting asks for a CPU feature that this machine does not have");
    *cpu_in_out = cpu;
    return NULL;
}
