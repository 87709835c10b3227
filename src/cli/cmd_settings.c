/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime settings`: what `-C cranelift-KEY` can set, and what this machine sets by itself. */
#include "backend/x64/cpu.h"
#include "cli/target.h"

#include <stdio.h>

static void print_text(const char *triple, bool infer, u64 host, Buf *out)
{
    buf_printf(out, "Cranelift settings for target '%s':\n\nBoolean settings:\n", triple);
    for (u32 bit = X64_CPU_BASE + 1; bit < X64_CPU_COUNT; bit++) {
        char name[SETTING_NAME_SIZE];
        setting_name(bit, name);
        buf_printf(out, "  %-18s Code may use %s.\n", name, x64_cpu_name((X64CpuBit)bit));
    }
    if (!infer)
        return;
    buf_str(out, STR("\nSettings inferred for the current host:\n"));
    for (u32 bit = X64_CPU_BASE + 1; bit < X64_CPU_COUNT; bit++) {
        char name[SETTING_NAME_SIZE];
        setting_name(bit, name);
        if (host >> bit & 1)
            buf_printf(out, "  %s\n", name);
    }
}

static void print_json(const char *triple, bool infer, u64 host, Buf *out)
{
    buf_printf(out, "{\n  \"triple\": \"%s\",\n  \"enums\": [],\n  \"nums\": [],\n  \"bools\": [",
               triple);
    for (u32 bit = X64_CPU_BASE + 1; bit < X64_CPU_COUNT; bit++) {
        char name[SETTING_NAME_SIZE];
        setting_name(bit, name);
        buf_printf(out,
                   "%s\n    {\n      \"name\": \"%s\",\n      \"description\": \"Code may use "
                   "%s.\",\n      \"values\": null\n    }",
                   bit > X64_CPU_BASE + 1 ? "," : "", name, x64_cpu_name((X64CpuBit)bit));
    }
    buf_str(out, STR("\n  ],\n  \"presets\": [],\n  \"inferred\": "));
    const char *before = "[";
    for (u32 bit = X64_CPU_BASE + 1; bit < X64_CPU_COUNT && infer; bit++) {
        char name[SETTING_NAME_SIZE];
        setting_name(bit, name);
        if (host >> bit & 1) {
            buf_printf(out, "%s\n    \"%s\"", before, name);
            before = ",";
        }
    }
    if (!infer)
        buf_str(out, STR("null\n}\n"));
    else
        buf_printf(out, "%s\n}\n", *before == '[' ? "[]" : "\n  ]");
}

Error *cmd_settings(CmdLine *c, int *ret_status)
{
    const char *triple = cmdline_value(c, FLAG_target);
    Error *e = target_check(triple);
    if (e)
        return e;
    u64 host = 0;
    bool infer = !triple && x64_cpu_detect(&host);
    Buf out = {0};
    if (cmdline_given(c, FLAG_json))
        print_json(triple ? triple : HOST_TRIPLE, infer, host, &out);
    else
        print_text(triple ? triple : HOST_TRIPLE, infer, host, &out);
    fwrite(out.p, 1, out.n, stdout);
    buf_release(&out);
    *ret_status = 0;
    return NULL;
}
