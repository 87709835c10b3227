/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Parsing of the command line. Errors have the words that users of Wasmtime's argument parser know:
 * "unexpected argument", "the following required arguments were not provided", and a tip where a
 * known word is near.
 */
#include "cli/cmdline.h"

#include "cli/config_file.h"
#include "cli/value.h"
#include "base/version.h"

enum { MANY = ARGS_MANY, GUEST = ARGS_GUEST };

static const CommandDesc commands[] = {
#define COMMAND(id, name, args, min, max, help, example)                                           \
    {name, args, help, example, min, max, cmd_##id},
#define UNBUILT(id, name, help) {name, "", help, NULL, 0, ARGS_MANY, NULL},
#include "cli/commands.def"
#undef COMMAND
#undef UNBUILT
};

#define IN(id) (1ull << CMD_##id)
static const FlagDesc flags[] = {
#define FLAG(id, commands, short_name, long_name, value, arity, help)                              \
    {commands, short_name, ARITY_##arity, long_name, value, help},
#include "cli/flags.def"
#undef FLAG
};
static_assert(CMD_COUNT <= 64, "commands of a flag are a set of 64 bits");

static const OptGroup group_of_flag[] = {
    [FLAG_optimize] = GROUP_O, [FLAG_codegen] = GROUP_C, [FLAG_debug] = GROUP_D,
    [FLAG_wasm] = GROUP_W,     [FLAG_wasi] = GROUP_S,    [FLAG_record] = GROUP_R,
};

const CommandDesc *command_desc(CommandId id)
{
    return &commands[id];
}

CommandId command_find(Str name)
{
    u32 i = 0;
    while (i < CMD_COUNT && !str_eq(name, str_of(commands[i].name)))
        i++;
    return (CommandId)i;
}

Str command_group(CommandId id)
{
    const char *space = strchr(commands[id].name, ' ');
    return space ? (Str){commands[id].name, (usize)(space - commands[id].name)} : STR("");
}

bool command_members(Str group, const char *separator, Buf *out)
{
    bool any = false;
    for (u32 i = 0; i < CMD_COUNT; i++) {
        if (!group.n || !str_eq(command_group((CommandId)i), group) || !commands[i].run)
            continue;
        buf_printf(out, "%s%s", any ? separator : "", commands[i].name + group.n + 1);
        any = true;
    }
    return any;
}

const FlagDesc *flag_desc(FlagId id)
{
    return &flags[id];
}

bool flag_in(FlagId f, CommandId c)
{
    return flags[f].commands >> c & 1;
}

OptGroup flag_group(FlagId f)
{
    return f < ARRAY_LEN(group_of_flag) ? group_of_flag[f] : GROUP_COUNT;
}

const char *cmdline_value(const CmdLine *c, FlagId f)
{
    const char *value = NULL;
    for (u32 i = 0; i < c->uses.n; i++)
        if (c->uses.p[i].flag == f)
            value = c->uses.p[i].value;
    return value;
}

bool cmdline_given(const CmdLine *c, FlagId f)
{
    for (u32 i = 0; i < c->uses.n; i++)
        if (c->uses.p[i].flag == f)
            return true;
    return false;
}

Error *cmdline_bad_value(FlagId f, const char *value, const char *why)
{
    Buf flag = {0};
    help_flag(f, &flag);
    Error *e = error_new_kind(ERROR_USAGE, 0, "invalid value '%s' for '%.*s': %s", value,
                              STR_ARG(((Str){(char *)flag.p, flag.n})), why);
    buf_release(&flag);
    return e;
}

Error *cmdline_bool(const CmdLine *c, FlagId f, bool *value)
{
    const char *text = cmdline_value(c, f);
    if (!text) {
        *value |= cmdline_given(c, f);
        return NULL;
    }
    return value_bool(str_of(text), value)
               ? NULL
               : cmdline_bad_value(f, text, "expected y, yes, true, n, no or false");
}

/* A usage error with the command's usage line below it; `required_only` leaves the options out. */
PRINTF_LIKE(3, 4)
MUST_CHECK static Error *usage_error(const CmdLine *c, bool required_only, const char *fmt, ...)
{
    Buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    buf_str(&text, STR("\n\n"));
    help_usage(c->command, c->root, required_only, &text);
    char *z = buf_take_string(&text);
    Error *e = error_new_kind(ERROR_USAGE, 0, "%s", z);
    mem_free(z);
    return e;
}

static FlagId nearest_flag(CommandId command, Str name)
{
    u32 best = MIN((u32)name.n / 2, 3) + 1;
    FlagId found = FLAG_COUNT;
    for (u32 i = 0; i < FLAG_COUNT; i++) {
        u32 d = typo_distance(name, str_of(flags[i].name), best);
        if (flag_in((FlagId)i, command) && d < best) {
            best = d;
            found = (FlagId)i;
        }
    }
    return found;
}

MUST_CHECK static Error *unknown_flag(const CmdLine *c, Str shown, Str name)
{
    FlagId near = name.n > 1 ? nearest_flag(c->command, name) : FLAG_COUNT;
    if (near == FLAG_COUNT && commands[c->command].max == ARGS_GUEST)
        return usage_error(c, false,
                           "unexpected argument '%.*s' found\n\n"
                           "  tip: to pass '%.*s' as a value, use '-- %.*s'",
                           STR_ARG(shown), STR_ARG(shown), STR_ARG(shown));
    if (near == FLAG_COUNT)
        return usage_error(c, false, "unexpected argument '%.*s' found", STR_ARG(shown));
    return usage_error(c, false,
                       "unexpected argument '%.*s' found\n\n"
                       "  tip: a similar argument exists: '--%s'",
                       STR_ARG(shown), flags[near].name);
}

/* Where the parser stands in argv. */
typedef struct Words {
    char **at, **end;
} Words;

MUST_CHECK static Error *help_text(CmdLine *c, FlagId f, Buf *text, CmdLineEnd *ret_end)
{
    if (f == FLAG_version)
        buf_printf(text, "wasmtime %s\n", WASMTIME_VERSION);
    else
        help_print(c->command, c->root, text);
    *ret_end = CMDLINE_TEXT;
    return NULL;
}

MUST_CHECK static Error *repeated_flag(const CmdLine *c, FlagId f)
{
    Buf shown = {0};
    help_flag(f, &shown);
    Error *e = usage_error(c, false, "the argument '%.*s' cannot be used multiple times",
                           STR_ARG(((Str){(char *)shown.p, shown.n})));
    buf_release(&shown);
    return e;
}

/* Notes a flag and its value; `value` NULL: it stands in the next word, if the flag wants one. */
MUST_CHECK static Error *use_flag(CmdLine *c, FlagId f, const char *value, Words *w, Buf *text,
                                  CmdLineEnd *ret_end)
{
    const FlagDesc *d = &flags[f];
    if (f == FLAG_help || f == FLAG_version)
        return help_text(c, f, text, ret_end);
    if (d->arity != ARITY_REPEAT && cmdline_given(c, f))
        return repeated_flag(c, f);
    if (d->arity == ARITY_SWITCH && value)
        return usage_error(c, false,
                           "unexpected value '%s' for '--%s' found; no more were expected", value,
                           d->name);
    if ((d->arity == ARITY_ONCE || d->arity == ARITY_REPEAT) && !value) {
        if (w->at == w->end)
            return error_new_kind(ERROR_USAGE, 0,
                                  "a value is required for '--%s <%s>' but none was supplied",
                                  d->name, d->value);
        value = *w->at++;
    }
    vec_push(&c->uses, ((FlagUse){(u8)f, value}));
    OptGroup group = flag_group(f);
    if (group == GROUP_COUNT)
        return NULL;
    bool long_form = strcmp(value, "help-long") == 0;
    if (!long_form && strcmp(value, "help") != 0)
        return options_parse(&c->options, group, str_of(value));
    options_help(group, long_form, text);
    *ret_end = CMDLINE_TEXT;
    return NULL;
}

MUST_CHECK static Error *parse_long(CmdLine *c, const char *word, Words *w, Buf *text,
                                    CmdLineEnd *ret_end)
{
    const char *eq = strchr(word, '=');
    Str name = {word + 2, eq ? (usize)(eq - word - 2) : strlen(word + 2)};
    for (u32 i = 0; i < FLAG_COUNT; i++)
        if (flag_in((FlagId)i, c->command) && str_eq(name, str_of(flags[i].name)))
            return use_flag(c, (FlagId)i, eq ? eq + 1 : NULL, w, text, ret_end);
    return unknown_flag(c, (Str){word, name.n + 2}, name);
}

MUST_CHECK static Error *parse_short(CmdLine *c, const char *word, Words *w, Buf *text,
                                     CmdLineEnd *ret_end)
{
    for (const char *s = word + 1; *s && *ret_end == CMDLINE_RUN; s++) {
        u32 i = 0;
        while (i < FLAG_COUNT && !(flags[i].short_name == *s && flag_in((FlagId)i, c->command)))
            i++;
        if (i == FLAG_COUNT) {
            char shown[3] = {'-', *s, 0};
            return unknown_flag(c, str_of(shown), (Str){s, 1});
        }
        const char *value = s[1] == '=' ? s + 2 : s[1] ? s + 1 : NULL;
        bool is_switch = flags[i].arity == ARITY_SWITCH;
        Error *e = use_flag(c, (FlagId)i, is_switch ? NULL : value, w, text, ret_end);
        if (e || !is_switch)
            return e;
    }
    return NULL;
}

/* Positional arguments up to the end, or from the first on for a guest. */
MUST_CHECK static Error *parse_words(CmdLine *c, Words *w, Buf *text, CmdLineEnd *ret_end)
{
    const CommandDesc *d = &commands[c->command];
    bool only_args = false;
    while (w->at < w->end && *ret_end == CMDLINE_RUN) {
        const char *word = *w->at++;
        Error *e = NULL;
        if (!only_args && strcmp(word, "--") == 0) {
            only_args = true;
        } else if (only_args || word[0] != '-' || !word[1]) {
            if ((int)c->args.n == d->max)
                return usage_error(c, false, "unexpected argument '%s' found", word);
            vec_push(&c->args, word);
            while (d->max == ARGS_GUEST && w->at < w->end)
                vec_push(&c->args, *w->at++);
        } else if (word[1] == '-') {
            e = parse_long(c, word, w, text, ret_end);
        } else {
            e = parse_short(c, word, w, text, ret_end);
        }
        if (e)
            return e;
    }
    return NULL;
}

void cmdline_release(CmdLine *c)
{
    vec_release(&c->uses);
    vec_release(&c->args);
    options_release(&c->options);
    log_release(&c->log);
}

/* The subcommand that the first words name; CMD_COUNT if they are none. */
static CommandId named_command(Words *w)
{
    if (w->at == w->end)
        return CMD_COUNT;
    CommandId id = command_find(str_of(w->at[0]));
    if (id == CMD_COUNT && w->end - w->at > 1) {
        Buf two = {0};
        buf_printf(&two, "%s %s", w->at[0], w->at[1]);
        id = command_find((Str){(const char *)two.p, two.n});
        buf_release(&two);
        w->at += id < CMD_COUNT;
    }
    w->at += id < CMD_COUNT;
    return id;
}

/* The name of a group without one of its subcommands: help, or what is missing. */
MUST_CHECK static Error *group_alone(const char *group, const char *next, Buf *text,
                                     CmdLineEnd *ret_end)
{
    if (next && (strcmp(next, "--help") == 0 || strcmp(next, "-h") == 0)) {
        help_group(str_of(group), text);
        *ret_end = CMDLINE_TEXT;
        return NULL;
    }
    Buf members = {0};
    command_members(str_of(group), ", ", &members);
    Str list = {(const char *)members.p, members.n};
    Error *e =
        next && next[0] != '-'
            ? error_new_kind(ERROR_USAGE, 0, "unrecognized subcommand '%s'\n  [subcommands: %.*s]",
                             next, STR_ARG(list))
            : error_new_kind(ERROR_USAGE, 0,
                             "'wasmtime %s' requires a subcommand but one was not "
                             "provided\n  [subcommands: %.*s]",
                             group, STR_ARG(list));
    buf_release(&members);
    return e;
}

Error *cmdline_parse(CmdLine *c, int argc, char **argv, Buf *text, CmdLineEnd *ret_end)
{
    *c = (CmdLine){.command = CMD_run, .root = true};
    *ret_end = CMDLINE_RUN;
    options_init(&c->options);
    Words w = {argv, argv + argc};
    CommandId named = named_command(&w);
    if (named < CMD_COUNT) {
        c->command = named;
        c->root = false;
    } else if (argc && command_members(str_of(argv[0]), "", text)) {
        text->n = 0;
        return group_alone(argv[0], argc > 1 ? argv[1] : NULL, text, ret_end);
    }
    if (!commands[c->command].run)
        return error_new("this build of wasmtime does not have the `%s` subcommand yet",
                         commands[c->command].name);
    Error *e = parse_words(c, &w, text, ret_end);
    if (e || *ret_end == CMDLINE_TEXT)
        return e;
    if ((int)c->args.n < commands[c->command].min)
        return usage_error(c, true, "the following required arguments were not provided:\n  %s",
                           commands[c->command].args);
    const char *file = cmdline_value(c, FLAG_config);
    return file ? config_file_read(file, &c->options) : NULL;
}
