/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Help, from the tables of commands, flags and options: for a terminal and as a reference page. */
#include "cli/cmdline.h"

#include <stdio.h>

void help_flag(FlagId f, Buf *out)
{
    const FlagDesc *d = flag_desc(f);
    buf_printf(out, "--%s", d->name);
    if (d->arity == ARITY_MAYBE)
        buf_printf(out, "[=<%s>]", d->value);
    else if (d->value)
        buf_printf(out, " <%s>", d->value);
}

void help_usage(CommandId id, bool root, bool required_only, Buf *out)
{
    const CommandDesc *d = command_desc(id);
    buf_str(out, STR("Usage: wasmtime "));
    if (!root)
        buf_printf(out, "%s ", d->name);
    buf_printf(out, "%s%s", required_only && d->min ? "" : "[OPTIONS] ", d->args);
    while (out->p[out->n - 1] == ' ')
        out->n--;
    if (root && !required_only)
        buf_str(out, STR("\n       wasmtime <COMMAND>"));
}

static void print_flag_row(FlagId f, Buf *out)
{
    const FlagDesc *d = flag_desc(f);
    if (d->short_name)
        buf_printf(out, "  -%c, ", d->short_name);
    else
        buf_str(out, STR("      "));
    help_flag(f, out);
    buf_printf(out, "%s\n          %s\n", d->arity == ARITY_REPEAT ? "..." : "", d->help);
}

/* One row for each subcommand of the group, or for each that is in none. */
static void print_command_rows(Str group, Buf *out)
{
    for (u32 i = 0; i < CMD_COUNT; i++) {
        const CommandDesc *d = command_desc((CommandId)i);
        if (d->run && str_eq(command_group((CommandId)i), group))
            buf_printf(out, "  %-10s  %s\n", d->name + (group.n ? group.n + 1 : 0), d->help);
    }
}

static void print_group_rows(Buf *out)
{
    Str last = {0};
    for (u32 i = 0; i < CMD_COUNT; i++) {
        Str group = command_group((CommandId)i);
        Buf members = {0};
        if (group.n && !str_eq(group, last) && command_members(group, ", ", &members))
            buf_printf(out, "  %-10.*s  Subcommands: %.*s\n", STR_ARG(group), (int)members.n,
                       (const char *)members.p);
        buf_release(&members);
        last = group.n ? group : last;
    }
}

void help_group(Str group, Buf *out)
{
    buf_printf(out, "Usage: wasmtime %.*s <COMMAND>\n\nCommands:\n", STR_ARG(group));
    print_command_rows(group, out);
}

void help_print(CommandId id, bool root, Buf *out)
{
    if (root)
        buf_str(out, STR("Runs WebAssembly\n\n"));
    else
        buf_printf(out, "%s\n\n", command_desc(id)->help);
    help_usage(id, root, false, out);
    buf_str(out, STR("\n\n"));
    if (root) {
        buf_str(out, STR("Commands:\n"));
        print_command_rows(STR(""), out);
        print_group_rows(out);
        buf_str(out, STR("\nWithout a command, `run` is meant.\n\n"));
    }
    buf_str(out, STR("Options:\n"));
    for (u32 i = 0; i < FLAG_COUNT; i++)
        if (flag_in((FlagId)i, id))
            print_flag_row((FlagId)i, out);
    buf_printf(out, "\nExample:\n  %s\n", command_desc(id)->example);
}

/* Text of a table cell: | would end it. */
static void print_cell(Buf *text, Buf *out)
{
    for (usize i = 0; i < text->n; i++) {
        if (text->p[i] == '|')
            buf_u8(out, '\\');
        buf_u8(out, text->p[i]);
    }
    text->n = 0;
}

static void markdown_group(OptGroup g, Buf *out)
{
    static const char *const state[] = {[OPT_WORKS] = "yes",
                                        [OPT_HINT] = "no effect",
                                        [OPT_NOT_YET] = "not yet",
                                        [OPT_NOT_CORE] = "not for modules",
                                        [OPT_GONE] = "no"};
    const GroupDesc *d = opt_group(g);
    buf_printf(out, "\n### `-%c`, `--%s`; table `%s`\n\n", d->letter, d->name, d->table);
    buf_str(out, STR("| key | default | in this build | meaning |\n|---|---|---|---|\n"));
    Buf cell = {0};
    for (u32 i = 0; i < OPT_COUNT; i++) {
        const OptDesc *o = opt_desc((OptId)i);
        if (o->group != g)
            continue;
        buf_str(&cell, STR("`"));
        opt_print_key((OptId)i, &cell);
        opt_print_value((OptId)i, &cell);
        buf_str(&cell, STR("`"));
        buf_str(out, STR("| "));
        print_cell(&cell, out);
        buf_printf(&cell, " | %s | %s | ", *o->deflt ? o->deflt : "none", state[o->support]);
        buf_bytes(out, cell.p, cell.n);
        cell.n = 0;
        buf_printf(&cell, "%s", o->help);
        print_cell(&cell, out);
        buf_str(out, STR(" |\n"));
    }
    buf_release(&cell);
}

void help_markdown(Buf *out)
{
    buf_str(out, STR("# The command line\n\n"
                     "This page is made by `wasmtime help --markdown` from the program's own "
                     "tables; `make docs` writes it anew.\n"));
    for (u32 i = 0; i < CMD_COUNT; i++) {
        const CommandDesc *d = command_desc((CommandId)i);
        if (!d->run)
            continue;
        buf_printf(out, "\n## wasmtime %s\n\n%s.\n\n```\n", d->name, d->help);
        help_usage((CommandId)i, false, false, out);
        buf_str(out, STR("\n"));
        for (u32 f = 0; f < FLAG_COUNT; f++)
            if (flag_in((FlagId)f, (CommandId)i))
                print_flag_row((FlagId)f, out);
        buf_printf(out, "\nExample:\n  %s\n```\n", d->example);
    }
    buf_str(out,
            STR("\n## Option groups\n\n"
                "`-W key`, `-W key=value,key2`, `-Wkey` and `--wasm key=value` are the same. "
                "A boolean is y, yes, true, n, no or false, and y without a value; a number is "
                "decimal or 0x-hexadecimal with `_` where you like; a size may end in KiB, "
                "MiB, GiB or TiB; a duration is a number of seconds or ends in s, ms, us or "
                "ns. A file given with `--config` has a table for each group with the same "
                "keys. \"No effect\" means that the key is accepted and changes nothing that a "
                "core module or its caller can see.\n"));
    for (u32 g = 0; g < GROUP_COUNT; g++)
        markdown_group((OptGroup)g, out);
}

Error *cmd_help(CmdLine *c, int *ret_status)
{
    Buf text = {0};
    CommandId id = CMD_run;
    for (u32 i = 0; i < c->args.n; i++)
        buf_printf(&text, "%s%s", i ? " " : "", c->args.p[i]);
    char *name = buf_take_string(&text);
    if (c->args.n)
        id = command_find(str_of(name));
    bool group = id == CMD_COUNT && command_members(str_of(name), "", &text);
    text.n = 0;
    if (group)
        help_group(str_of(name), &text);
    Error *e = id < CMD_COUNT || group
                   ? NULL
                   : error_new_kind(ERROR_USAGE, 0, "unrecognized subcommand '%s'", name);
    mem_free(name);
    if (group || e) {
        fwrite(text.p, 1, text.n, stdout);
        buf_release(&text);
        *ret_status = 0;
        return e;
    }
    if (!command_desc(id)->run)
        return error_new("this build of wasmtime does not have the `%s` subcommand yet",
                         command_desc(id)->name);
    if (cmdline_given(c, FLAG_markdown))
        help_markdown(&text);
    else
        help_print(id, c->args.n == 0, &text);
    fwrite(text.p, 1, text.n, stdout);
    buf_release(&text);
    *ret_status = 0;
    return NULL;
}
