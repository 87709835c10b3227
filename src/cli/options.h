/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The option groups -O -C -D -W -S -R: keys, their values, their help. options.def is the one list
 * of keys; values come from the command line and from a configuration file, the command line first.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/error.h"
#include "base/vec.h"

typedef enum OptGroup {
    GROUP_O,
    GROUP_C,
    GROUP_D,
    GROUP_W,
    GROUP_S,
    GROUP_R,
    GROUP_COUNT
} OptGroup;

typedef enum OptId {
#define OPT(group, id, kind, choices, deflt, support, help) OPT_##group##_##id,
#include "cli/options.def"
#undef OPT
    OPT_COUNT
} OptId;

typedef enum OptKind {
    OPT_BOOL,
    OPT_NUM,
    OPT_SIZE,
    OPT_DURATION,
    OPT_TEXT,
    OPT_PATH,
    OPT_ENUM,
    OPT_AUTO,
    OPT_LIST,
    OPT_PAIR,
    OPT_PREFIX,
} OptKind;

typedef enum OptSupport { OPT_WORKS, OPT_HINT, OPT_NOT_YET, OPT_NOT_CORE, OPT_GONE } OptSupport;

typedef struct OptDesc {
    u8 group, kind, support;
    const char *id; /* the key with _ for - */
    const char *choices, *deflt, *help;
} OptDesc;

typedef struct GroupDesc {
    char letter;
    const char *name;  /* of the long flag */
    const char *table; /* of the configuration file */
} GroupDesc;

/* Value of an ERROR_USAGE that is printed without a pointer to --help. */
enum { USAGE_PLAIN = 1 };

enum { AUTO_NO, AUTO_YES, AUTO_AUTO };

typedef struct OptValue {
    bool given, from_file;
    u64 n; /* BOOL, NUM, SIZE, DURATION (nanoseconds), AUTO, ENUM (number of the choice) */
    const char *text; /* TEXT, PATH, ENUM; in Options.arena */
    VEC(Str) list;    /* LIST, PAIR, PREFIX (what follows the prefix) */
} OptValue;

typedef struct Options {
    Arena arena;
    OptValue values[OPT_COUNT];
} Options;

void options_init(Options *o); /* every key at its default */
void options_release(Options *o);

/* One argument of a group's flag: "k=v,k2". The error is ERROR_USAGE with the words for stderr. */
Error *options_parse(Options *o, OptGroup group, Str list) MUST_CHECK;
/* One key from the configuration file; what the command line gave stays. */
Error *options_set_from_file(Options *o, OptId id, Str value) MUST_CHECK;
/* Refuses what this build does not have. */
Error *options_check(const Options *o) MUST_CHECK;
/* Refuses what makes no sense for the kind of program. */
Error *options_check_program(const Options *o, bool component) MUST_CHECK;

/* OPT_COUNT if there is none. *ret_rest gets what follows a prefix key. */
OptId options_find(OptGroup group, Str key, Str *ret_rest);
const OptDesc *opt_desc(OptId id);
const GroupDesc *opt_group(OptGroup g);
void opt_print_key(OptId id, Buf *out);
/* What follows the key in help: "[=y|n]", "=N", ... */
void opt_print_value(OptId id, Buf *out);
void options_help(OptGroup group, bool long_form, Buf *out);

static inline bool opt_given(const Options *o, OptId id)
{
    return o->values[id].given;
}
static inline bool opt_bool(const Options *o, OptId id)
{
    return o->values[id].n != 0;
}
static inline u64 opt_u64(const Options *o, OptId id)
{
    return o->values[id].n;
}
static inline u64 opt_u64_or(const Options *o, OptId id, u64 otherwise)
{
    return o->values[id].given ? o->values[id].n : otherwise;
}

#endif
