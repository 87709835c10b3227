/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The command line: which subcommand, which flags with which values, what is left. commands.def and
 * flags.def are the lists; parsing, help, completion and the reference page all read them.
 */
#ifndef CLI_CMDLINE_H
#define CLI_CMDLINE_H

#include "cli/log.h"
#include "cli/options.h"

typedef enum CommandId {
#define COMMAND(id, name, args, min, max, help, example) CMD_##id,
#define UNBUILT(id, name, help) CMD_##id,
#include "cli/commands.def"
#undef COMMAND
#undef UNBUILT
    CMD_COUNT
} CommandId;

typedef enum FlagId {
#define FLAG(id, commands, short_name, long_name, value, arity, help) FLAG_##id,
#include "cli/flags.def"
#undef FLAG
    FLAG_COUNT
} FlagId;

typedef enum FlagArity { ARITY_SWITCH, ARITY_ONCE, ARITY_REPEAT, ARITY_MAYBE } FlagArity;

typedef struct FlagDesc {
    u64 commands; /* bits 1 << CommandId */
    char short_name;
    u8 arity;
    const char *name, *value, *help;
} FlagDesc;

enum { ARGS_MANY = 1000000, ARGS_GUEST };

typedef struct CmdLine CmdLine;

typedef struct CommandDesc {
    const char *name, *args, *help;
    const char *example; /* a whole command line; NULL if `run` is */
    int min, max;
    Error *(*run)(CmdLine *c, int *ret_status); /* NULL: not in this build */
} CommandDesc;

typedef struct FlagUse {
    u8 flag;
    const char *value; /* NULL if it has none; borrowed from argv */
} FlagUse;

struct CmdLine {
    CommandId command;
    bool root; /* no subcommand was named */
    VEC(FlagUse) uses;
    VEC(const char *) args; /* positional ones; for ARGS_GUEST all from the first on */
    Options options;
    Log log;
    const char *container; /* NULL: not in one; else borrowed, what it calls its program. A function
                              of that prints nothing if it has no result. */
};

typedef enum CmdLineEnd {
    CMDLINE_RUN,  /* go on with the command */
    CMDLINE_TEXT, /* print the text to stdout and end well */
} CmdLineEnd;

/* argv without the program's name. Reads --config's file too. On CMDLINE_TEXT `text` has what was
 * asked for. */
Error *cmdline_parse(CmdLine *c, int argc, char **argv, Buf *text, CmdLineEnd *ret_end) MUST_CHECK;
void cmdline_release(CmdLine *c);

const CommandDesc *command_desc(CommandId id);
CommandId command_find(Str name); /* CMD_COUNT if there is none */
/*
 * Names of two words, as "component new", are subcommands of a group. The first word of such a
 * name, empty for others.
 */
Str command_group(CommandId id);
/* Appends the subcommands of a group, with `separator` between; false if there are none. */
bool command_members(Str group, const char *separator, Buf *out);
const FlagDesc *flag_desc(FlagId id);
bool flag_in(FlagId f, CommandId c);
/* The option group whose flag this is, GROUP_COUNT for other flags. */
OptGroup flag_group(FlagId f);

/* The last value, NULL if the flag was not given (or has none). */
const char *cmdline_value(const CmdLine *c, FlagId f);
bool cmdline_given(const CmdLine *c, FlagId f);
/* A flag with an optional boolean: absent, `--flag`, `--flag=BOOL`. */
Error *cmdline_bool(const CmdLine *c, FlagId f, bool *value) MUST_CHECK;
/* "error: invalid value 'x' for '--dir <DIR>': why" */
Error *cmdline_bad_value(FlagId f, const char *value, const char *why) MUST_CHECK;

void help_print(CommandId id, bool root, Buf *out);
/* The subcommands of a group. */
void help_group(Str group, Buf *out);
void help_usage(CommandId id, bool root, bool required_only, Buf *out);
void help_markdown(Buf *out);
/* "--wasm <KEY[=VAL[,..]]>" */
void help_flag(FlagId f, Buf *out);

#define COMMAND(id, name, args, min, max, help, example)                                           \
    Error *cmd_##id(CmdLine *c, int *ret_status);
#define UNBUILT(id, name, help)
#include "cli/commands.def"
#undef COMMAND
#undef UNBUILT

#endif
