/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A strict reader of TOML 1.0 into a flat list of entries. Not read: dates and times, arrays of
 * tables, and tables deeper than TOML_MAX_DEPTH; they are errors, like everything that TOML
 * forbids.
 *
 * Source: https://toml.io/en/v1.0.0
 */
#ifndef CLI_TOML_H
#define CLI_TOML_H

#include "base/error.h"
#include "base/map.h"
#include "base/vec.h"

enum { TOML_MAX_DEPTH = 4, TOML_MAX_NESTING = 32 };

typedef enum TomlKind {
    TOML_TABLE, /* a header; entries of the table follow */
    TOML_STRING,
    TOML_INTEGER,
    TOML_FLOAT,
    TOML_BOOLEAN,
    TOML_ARRAY, /* its items are not kept */
} TomlKind;

typedef struct TomlEntry {
    Str path[TOML_MAX_DEPTH];
    u32 depth;
    u8 kind;
    Str text; /* a string's contents, otherwise as it is written without _ */
    u32 line, column;
} TomlEntry;

typedef struct TomlDoc {
    Arena arena;
    VEC(TomlEntry) entries; /* in the order of the file */
} TomlDoc;

/* The error names `label:line:column`. */
Error *toml_read(Str source, const char *label, TomlDoc *ret_doc) MUST_CHECK;
void toml_release(TomlDoc *d);
/* An error at an entry's place. */
Error *toml_error_at(const TomlEntry *e, const char *label, const char *what) MUST_CHECK;

#endif
