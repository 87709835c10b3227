/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * `wasmtime completion SHELL`: completion scripts for five shells. Each is a fixed frame around one
 * list a subcommand: its flags.
 */
#include "cli/cmdline.h"

#include <stdio.h>

/* Calls `each` for the flags of a command. */
typedef void (*FlagPrinter)(CommandId command, FlagId f, Buf *out);

static void each_flag(CommandId command, FlagPrinter each, Buf *out)
{
    for (u32 f = 0; f < FLAG_COUNT; f++)
        if (flag_in((FlagId)f, command))
            each(command, (FlagId)f, out);
}

/* Calls `each` with the name of each group of subcommands. */
static void each_group(void (*each)(Str group, Buf *out), Buf *out)
{
    Str last = {0};
    for (u32 i = 0; i < CMD_COUNT; i++) {
        Str group = command_group((CommandId)i);
        if (!group.n || str_eq(group, last) || !command_desc((CommandId)i)->run)
            continue;
        each(group, out);
        last = group;
    }
}

static void group_word(Str group, Buf *out)
{
    buf_u8(out, ' ');
    buf_str(out, group);
}

/* The first words that there are. */
static void print_commands(Buf *out)
{
    const char *before = "";
    for (u32 i = 0; i < CMD_COUNT; i++)
        if (command_desc((CommandId)i)->run && !command_group((CommandId)i).n) {
            buf_printf(out, "%s%s", before, command_desc((CommandId)i)->name);
            before = " ";
        }
    each_group(group_word, out);
}

#define SHELLS "bash elvish fish powershell zsh"

/* The choices of a key, each behind `before` and the `=` that is there if `key` is. */
static void print_choices(const OptDesc *d, const char *before, Str key, Buf *out)
{
    for (const char *choice = d->choices; *choice;) {
        usize n = strcspn(choice, "|");
        buf_printf(out, "%s%.*s%s%.*s", before, STR_ARG(key), key.n ? "=" : "", (int)n, choice);
        choice += n + (choice[n] == '|');
    }
}

/*
 * The keys of an option group, with `=` where a value has to follow; with `choices` also the value
 * if it is one of a few.
 */
static void print_keys(OptGroup group, bool choices, Buf *out)
{
    buf_str(out, STR("help"));
    for (u32 i = 0; i < OPT_COUNT; i++) {
        const OptDesc *d = opt_desc((OptId)i);
        if (d->group != group)
            continue;
        if (choices && d->kind == OPT_ENUM) {
            Buf key = {0};
            opt_print_key((OptId)i, &key);
            print_choices(d, " ", (Str){(const char *)key.p, key.n}, out);
            buf_release(&key);
            continue;
        }
        buf_u8(out, ' ');
        opt_print_key((OptId)i, out);
        if (d->kind == OPT_PREFIX)
            buf_u8(out, '-');
        else if (d->kind != OPT_BOOL && d->kind != OPT_AUTO)
            buf_u8(out, '=');
    }
}

/* The values of flags and of keys of option groups that take one of a few. */
static const struct {
    FlagId flag;
    const char *words;
} flag_words[] = {
    {FLAG_template, "http cli library"},
    {FLAG_encoding, "utf8 utf16 compact-utf16"},
    {FLAG_target, "x86_64-unknown-linux-gnu x86_64-unknown-linux-musl"},
    {FLAG_access_log_format, "common json"},
    {FLAG_merge_imports, "y n"},
    {FLAG_generate_dwarf, "y n"},
    {FLAG_async, "y n"},
};

/* NULL: any value. */
static const char *values_of(FlagId f)
{
    for (usize i = 0; i < ARRAY_LEN(flag_words); i++)
        if (flag_words[i].flag == f)
            return flag_words[i].words;
    return NULL;
}

/* The words that a command takes, if they are known. */
static bool print_words(CommandId command, Buf *out)
{
    if (command == CMD_completion)
        buf_str(out, STR(SHELLS));
    else if (command == CMD_help)
        print_commands(out);
    else
        return false;
    return true;
}

/* A text in single quotes, for shells where '' or '\'' stands for one quote. */
static void quoted(const char *text, const char *quote, Buf *out)
{
    buf_u8(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_str(out, str_of(quote));
        else
            buf_u8(out, (u8)*text);
    }
    buf_u8(out, '\'');
}

static void word_flag(CommandId command, FlagId f, Buf *out)
{
    (void)command;
    const FlagDesc *d = flag_desc(f);
    if (d->short_name)
        buf_printf(out, " -%c", d->short_name);
    buf_printf(out, " --%s", d->name);
}

/* Sets `keys` behind the flag of an option group (or in its word: -Wfuel=1), and completes what
 * follows the last comma. */
static void bash_groups(Buf *out)
{
    buf_str(out, STR("    case $prev in\n"));
    for (u32 g = 0; g < GROUP_COUNT; g++) {
        const GroupDesc *d = opt_group((OptGroup)g);
        buf_printf(out, "    -%c | --%s) group=%c ;;\n", d->letter, d->name, d->letter);
    }
    buf_str(out, STR("    esac\n"
                     "    if [[ -z $group && $cur == -[A-Z]* ]]; then\n"
                     "        group=${cur:1:1} before=${cur:0:2} part=${cur:2}\n"
                     "    fi\n"
                     "    case $group in\n"));
    for (u32 g = 0; g < GROUP_COUNT; g++) {
        buf_printf(out, "    %c) keys='", opt_group((OptGroup)g)->letter);
        print_keys((OptGroup)g, false, out);
        buf_str(out, STR("' ;;\n"));
    }
    buf_str(out, STR("    esac\n"
                     "    if [[ -n $keys ]]; then\n"
                     "        [[ $part == *,* ]] && before+=${part%,*},\n"
                     "        COMPREPLY=($(compgen -P \"$before\" -W \"$keys\" -- "
                     "\"${part##*,}\"))\n"
                     "        compopt -o nospace +o filenames 2>/dev/null\n"
                     "        return\n"
                     "    fi\n"));
}

/* Calls `each` for the subcommands of groups. */
static void each_pair(void (*each)(CommandId command, Buf *out), Buf *out)
{
    for (u32 i = 0; i < CMD_COUNT; i++)
        if (command_group((CommandId)i).n && command_desc((CommandId)i)->run)
            each((CommandId)i, out);
}

static void bash_pair(CommandId command, Buf *out)
{
    buf_printf(out, "    '%s') [[ $COMP_CWORD -gt 2 ]] && cmd='%s' ;;\n",
               command_desc(command)->name, command_desc(command)->name);
}

/* Behind the name of a group come its subcommands. */
static void bash_group(Str group, Buf *out)
{
    buf_printf(out, "    %.*s) words='", STR_ARG(group));
    command_members(group, " ", out);
    buf_str(out, STR("' files= ;;\n"));
}

/*
 * Values behind a flag, or behind `=`, which is a word of its own: `--template=http`,
 * `-O opt-level=2`.
 */
static void bash_values(Buf *out)
{
    buf_str(out, STR("    [[ $cur == = ]] && part= equals=1\n"
                     "    [[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD-2]} equals=1\n"
                     "    case $prev$equals in\n"));
    for (usize i = 0; i < ARRAY_LEN(flag_words); i++) {
        const FlagDesc *d = flag_desc(flag_words[i].flag);
        if (d->arity != ARITY_MAYBE)
            buf_printf(out, "    --%s | ", d->name);
        buf_printf(out, "%s--%s1) values='%s' ;;\n", d->arity == ARITY_MAYBE ? "    " : "", d->name,
                   flag_words[i].words);
    }
    for (u32 i = 0; i < OPT_COUNT; i++) {
        const OptDesc *d = opt_desc((OptId)i);
        if (d->kind != OPT_ENUM)
            continue;
        Buf key = {0};
        opt_print_key((OptId)i, &key);
        Str k = {(const char *)key.p, key.n};
        buf_printf(out, "    %.*s1 | *,%.*s1 | -%c%.*s1) values='", STR_ARG(k), STR_ARG(k),
                   opt_group((OptGroup)d->group)->letter, STR_ARG(k));
        print_choices(d, " ", (Str){0}, out);
        buf_str(out, STR("' ;;\n"));
        buf_release(&key);
    }
    buf_str(out, STR("    esac\n"
                     "    if [[ -n $values ]]; then\n"
                     "        COMPREPLY=($(compgen -W \"$values\" -- \"$part\"))\n"
                     "        return\n"
                     "    fi\n"));
}

static void bash(Buf *out)
{
    buf_str(out, STR("_wasmtime() {\n"
                     "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                     "    local part=$cur before= group= keys= files=1 values= equals=\n"
                     "    local cmd=run words= commands='"));
    print_commands(out);
    buf_str(out,
            STR("'\n"
                "    if [[ $COMP_CWORD -gt 1 && \" $commands \" == *\" ${COMP_WORDS[1]} \"* ]]; "
                "then\n"
                "        cmd=${COMP_WORDS[1]}\n"
                "    fi\n"));
    buf_str(out, STR("    case ${COMP_WORDS[1]}' '${COMP_WORDS[2]} in\n"));
    each_pair(bash_pair, out);
    buf_str(out, STR("    esac\n"));
    bash_values(out);
    bash_groups(out);
    buf_str(out, STR("    case $cmd in\n"));
    for (u32 i = 0; i < CMD_COUNT; i++) {
        if (!command_desc((CommandId)i)->run)
            continue;
        buf_printf(out, "    '%s') words='", command_desc((CommandId)i)->name);
        each_flag((CommandId)i, word_flag, out);
        buf_u8(out, ' ');
        bool known = print_words((CommandId)i, out);
        buf_printf(out, "'%s ;;\n", known ? " files=" : "");
    }
    each_group(bash_group, out);
    buf_str(out, STR("    esac\n"
                     "    [[ $COMP_CWORD -eq 1 ]] && words+=\" $commands\"\n"
                     "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                     "    [[ -n $files && $cur != -* ]] && COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
                     "}\n"
                     "complete -o filenames -F _wasmtime wasmtime\n"));
}

static void zsh_flag(CommandId command, FlagId f, Buf *out)
{
    (void)command;
    const FlagDesc *d = flag_desc(f);
    Buf help = {0};
    for (const char *s = d->help; *s; s++) {
        if (strchr("[]:\\", *s))
            buf_u8(&help, '\\');
        buf_u8(&help, (u8)*s);
    }
    char *text = buf_take_string(&help);
    for (int form = d->short_name ? 0 : 1; form < 2; form++) {
        Buf spec = {0};
        buf_str(&spec, d->arity == ARITY_REPEAT ? STR("*") : STR(""));
        if (form == 0)
            buf_printf(&spec, "-%c", d->short_name);
        else
            buf_printf(&spec, "--%s", d->name);
        buf_printf(&spec, "%s[%s]%s",
                   d->arity == ARITY_SWITCH  ? ""
                   : d->arity == ARITY_MAYBE ? "=-"
                   : form                    ? "="
                                             : "+",
                   text,
                   flag_group(f) < GROUP_COUNT ? ":option:("
                   : values_of(f)              ? ":value:("
                   : d->value                  ? ":value:_files"
                                               : "");
        if (flag_group(f) < GROUP_COUNT) {
            print_keys(flag_group(f), true, &spec);
            buf_u8(&spec, ')');
        } else if (values_of(f)) {
            buf_printf(&spec, "%s)", values_of(f));
        }
        char *z = buf_take_string(&spec);
        buf_str(out, STR("            "));
        quoted(z, "'\\''", out);
        buf_str(out, STR(" \\\n"));
        mem_free(z);
    }
    mem_free(text);
}

static void zsh_pair(CommandId command, Buf *out)
{
    buf_printf(out, "    '%s') (( CURRENT > 3 )) && cmd='%s' ;;\n", command_desc(command)->name,
               command_desc(command)->name);
}

static void zsh_group(Str group, Buf *out)
{
    buf_printf(out, "    %.*s)\n        compadd ", STR_ARG(group));
    command_members(group, " ", out);
    buf_str(out, STR("\n        ;;\n"));
}

static void zsh(Buf *out)
{
    buf_str(out, STR("#compdef wasmtime\n\n_wasmtime() {\n"
                     "    local cmd=run\n    local -a commands=("));
    print_commands(out);
    buf_str(out, STR(")\n"
                     "    if (( CURRENT == 2 )); then\n"
                     "        compadd -a commands\n"
                     "    elif (( ${commands[(Ie)$words[2]]} )); then\n"
                     "        cmd=$words[2]\n"
                     "    fi\n"
                     "    case \"$words[2] $words[3]\" in\n"));
    each_pair(zsh_pair, out);
    buf_str(out, STR("    esac\n"
                     "    case $cmd in\n"));
    each_group(zsh_group, out);
    for (u32 i = 0; i < CMD_COUNT; i++) {
        if (!command_desc((CommandId)i)->run)
            continue;
        buf_printf(out, "    '%s')\n        _arguments -s \\\n", command_desc((CommandId)i)->name);
        each_flag((CommandId)i, zsh_flag, out);
        Buf words = {0};
        if (print_words((CommandId)i, &words))
            buf_printf(out, "            '*:word:(%.*s)'\n        ;;\n",
                       STR_ARG(((Str){(char *)words.p, words.n})));
        else
            buf_str(out, STR("            '*:file:_files'\n        ;;\n"));
        buf_release(&words);
    }
    buf_str(out, STR("    esac\n}\n\n"
                     "if [ \"$funcstack[1]\" = _wasmtime ]; then\n" /* found by name in fpath */
                     "    _wasmtime \"$@\"\n"
                     "else\n" /* sourced */
                     "    compdef _wasmtime wasmtime\n"
                     "fi\n"));
}

/* Behind the words of the subcommand. */
static void fish_condition(CommandId command, Buf *out)
{
    Str group = command_group(command);
    buf_str(out, STR("complete -c wasmtime -n '"));
    if (group.n)
        buf_printf(out, "__fish_seen_subcommand_from %.*s; and ", STR_ARG(group));
    buf_printf(out, "__fish_seen_subcommand_from %s'",
               command_desc(command)->name + (group.n ? group.n + 1 : 0));
}

static void fish_group(Str group, Buf *out)
{
    buf_printf(out,
               "complete -c wasmtime -n __fish_use_subcommand -a %.*s\n"
               "complete -c wasmtime -n '__fish_seen_subcommand_from %.*s' -f -a '",
               STR_ARG(group), STR_ARG(group));
    command_members(group, " ", out);
    buf_str(out, STR("'\n"));
}

static void fish_flag(CommandId command, FlagId f, Buf *out)
{
    const FlagDesc *d = flag_desc(f);
    if (command == CMD_run)
        buf_str(out,
                STR("complete -c wasmtime -n 'not __fish_seen_subcommand_from $__wasmtime_other'"));
    else
        fish_condition(command, out);
    if (d->short_name)
        buf_printf(out, " -s %c", d->short_name);
    buf_printf(out, " -l %s%s -d ", d->name,
               d->arity == ARITY_ONCE || d->arity == ARITY_REPEAT ? " -r" : "");
    quoted(d->help, "\\'", out);
    if (flag_group(f) < GROUP_COUNT) {
        buf_str(out, STR(" -f -a '"));
        print_keys(flag_group(f), true, out);
        buf_u8(out, '\'');
    } else if (values_of(f)) {
        buf_printf(out, " -f -a '%s'", values_of(f));
    }
    buf_str(out, STR("\n"));
}

static void fish_words(CommandId command, Buf *out)
{
    Buf words = {0};
    if (print_words(command, &words))
        fish_condition(command, out);
    if (words.n)
        buf_printf(out, " -f -a '%.*s'\n", STR_ARG(((Str){(char *)words.p, words.n})));
    buf_release(&words);
}

static void fish(Buf *out)
{
    buf_str(out, STR("set -g __wasmtime_other"));
    for (u32 i = 0; i < CMD_COUNT; i++)
        if (i != CMD_run && command_desc((CommandId)i)->run && !command_group((CommandId)i).n)
            buf_printf(out, " %s", command_desc((CommandId)i)->name);
    each_group(group_word, out);
    buf_str(out, STR("\n"));
    each_group(fish_group, out);
    for (u32 i = 0; i < CMD_COUNT; i++) {
        const CommandDesc *d = command_desc((CommandId)i);
        if (!d->run)
            continue;
        if (!command_group((CommandId)i).n) {
            buf_printf(out, "complete -c wasmtime -n __fish_use_subcommand -a %s -d ", d->name);
            quoted(d->help, "\\'", out);
            buf_str(out, STR("\n"));
        }
        each_flag((CommandId)i, fish_flag, out);
        fish_words((CommandId)i, out);
    }
}

static void elvish_flag(CommandId command, FlagId f, Buf *out)
{
    (void)command;
    const FlagDesc *d = flag_desc(f);
    for (int form = d->short_name ? 0 : 1; form < 2; form++) {
        if (form == 0)
            buf_printf(out, "            cand -%c ", d->short_name);
        else
            buf_printf(out, "            cand --%s ", d->name);
        quoted(d->help, "''", out);
        buf_str(out, STR("\n"));
    }
}

static void elvish_group(Str group, Buf *out)
{
    buf_printf(out, "        &%.*s= { put ", STR_ARG(group));
    command_members(group, " ", out);
    buf_str(out, STR(" }\n"));
}

static void elvish_group_name(Str group, Buf *out)
{
    buf_printf(out, "        put %.*s\n", STR_ARG(group));
}

static void elvish(Buf *out)
{
    buf_str(out, STR("use builtin\nuse str\n\n"
                     "set edit:completion:arg-completer[wasmtime] = {|@words|\n"
                     "    fn cand {|text desc|\n"
                     "        edit:complex-candidate $text &display=$text' '$desc\n"
                     "    }\n"
                     "    var command = run\n"
                     "    if (> (count $words) 2) { set command = $words[1] }\n"
                     "    var completions = [\n"));
    for (u32 i = 0; i < CMD_COUNT; i++) {
        if (!command_desc((CommandId)i)->run)
            continue;
        buf_printf(out, "        &'%s'= {\n", command_desc((CommandId)i)->name);
        each_flag((CommandId)i, elvish_flag, out);
        buf_str(out, STR("        }\n"));
    }
    each_group(elvish_group, out);
    buf_str(out, STR("    ]\n"
                     "    if (> (count $words) 3) {\n"
                     "        var two = $words[1]' '$words[2]\n"
                     "        if (has-key $completions $two) { set command = $two }\n"
                     "    }\n"
                     "    if (not (has-key $completions $command)) { set command = run }\n"
                     "    if (== (count $words) 2) {\n"));
    for (u32 i = 0; i < CMD_COUNT; i++) {
        const CommandDesc *d = command_desc((CommandId)i);
        if (!d->run || command_group((CommandId)i).n)
            continue;
        buf_printf(out, "        cand %s ", d->name);
        quoted(d->help, "''", out);
        buf_str(out, STR("\n"));
    }
    each_group(elvish_group_name, out);
    buf_str(out, STR("    }\n    $completions[$command]\n}\n"));
}

static void powershell_flag(CommandId command, FlagId f, Buf *out)
{
    (void)command;
    const FlagDesc *d = flag_desc(f);
    if (d->short_name)
        buf_printf(out, "'-%c', ", d->short_name);
    buf_printf(out, "'--%s', ", d->name);
}

static void powershell_group(Str group, Buf *out)
{
    buf_printf(out, "        '%.*s' = @('", STR_ARG(group));
    command_members(group, "', '", out);
    buf_str(out, STR("')\n"));
}

static void powershell(Buf *out)
{
    buf_str(out, STR("Register-ArgumentCompleter -Native -CommandName 'wasmtime' -ScriptBlock {\n"
                     "    param($wordToComplete, $commandAst, $cursorPosition)\n"
                     "    $flags = @{\n"));
    for (u32 i = 0; i < CMD_COUNT; i++) {
        if (!command_desc((CommandId)i)->run)
            continue;
        buf_printf(out, "        '%s' = @(", command_desc((CommandId)i)->name);
        each_flag((CommandId)i, powershell_flag, out);
        out->n -= 2; /* the last comma */
        buf_str(out, STR(")\n"));
    }
    each_group(powershell_group, out);
    buf_str(
        out,
        STR("    }\n"
            "    $words = @($commandAst.CommandElements | ForEach-Object { \"$_\" })\n"
            "    $command = 'run'\n"
            "    if ($words.Count -gt 1 -and $flags.ContainsKey($words[1])) { $command = "
            "$words[1] }\n"
            "    if ($words.Count -gt 2 -and $flags.ContainsKey(\"$($words[1]) $($words[2])\")) "
            "{ $command = \"$($words[1]) $($words[2])\" }\n"
            "    $candidates = @($flags[$command])\n"
            "    if ($words.Count -le 2) { $candidates += $flags.Keys -notlike '* *' }\n"
            "    $candidates | Where-Object { $_ -like \"$wordToComplete*\" } | Sort-Object "
            "|\n"
            "        ForEach-Object { "
            "[System.Management.Automation.CompletionResult]::new($_) }\n"
            "}\n"));
}

Error *cmd_completion(CmdLine *c, int *ret_status)
{
    static const struct {
        const char *name;
        void (*print)(Buf *out);
    } shells[] = {{"bash", bash},
                  {"elvish", elvish},
                  {"fish", fish},
                  {"powershell", powershell},
                  {"zsh", zsh}};
    for (usize i = 0; i < ARRAY_LEN(shells); i++) {
        if (strcmp(c->args.p[0], shells[i].name) != 0)
            continue;
        Buf out = {0};
        shells[i].print(&out);
        fwrite(out.p, 1, out.n, stdout);
        buf_release(&out);
        *ret_status = 0;
        return NULL;
    }
    return error_new_kind(ERROR_USAGE, 0,
                          "invalid value '%s' for '<SHELL>'\n"
                          "  [possible values: bash, elvish, fish, powershell, zsh]",
                          c->args.p[0]);
}
