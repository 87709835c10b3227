/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Reads --config's file into the options. Values have TOML's types: booleans, numbers, strings; a
 * choice may be a string or an integer; a duration is a string as on the command line or a table of
 * `secs` and `nanos`.
 */
#include "cli/config_file.h"

#include "cli/file.h"
#include "cli/toml.h"
#include "cli/value.h"

MUST_CHECK static Error *unknown_table(const TomlEntry *e, const char *label)
{
    Buf text = {0};
    buf_printf(&text, "unknown field `%.*s`, expected one of ", STR_ARG(e->path[0]));
    for (u32 g = 0; g < GROUP_COUNT; g++)
        buf_printf(&text, "%s`%s`", g ? ", " : "", opt_group((OptGroup)g)->table);
    char *z = buf_take_string(&text);
    Error *err = toml_error_at(e, label, z);
    mem_free(z);
    return err;
}

PRINTF_LIKE(3, 4)
MUST_CHECK static Error *entry_error(const TomlEntry *e, const char *label, const char *fmt, ...)
{
    Buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    char *z = buf_take_string(&text);
    Error *err = toml_error_at(e, label, z);
    mem_free(z);
    return err;
}

/* Does TOML's type suit the kind of option? */
static bool type_fits(OptKind kind, TomlKind type)
{
    switch (kind) {
    case OPT_BOOL:
        return type == TOML_BOOLEAN;
    case OPT_NUM:
    case OPT_SIZE:
        return type == TOML_INTEGER;
    case OPT_DURATION:
        return type == TOML_STRING || type == TOML_INTEGER;
    case OPT_TEXT:
    case OPT_PATH:
        return type == TOML_STRING;
    case OPT_ENUM:
        return type == TOML_STRING || type == TOML_INTEGER || type == TOML_BOOLEAN;
    case OPT_AUTO:
        return type == TOML_STRING || type == TOML_BOOLEAN;
    case OPT_LIST:
    case OPT_PAIR:
    case OPT_PREFIX:
        return false;
    }
    return false;
}

/* `secs` and `nanos` of a duration add up. */
MUST_CHECK static Error *set_duration_part(const TomlEntry *e, const char *label, OptId id,
                                           Options *o)
{
    u64 v, factor = str_eq(e->path[2], STR("secs")) ? 1000000000 : 1;
    if (factor == 1 && !str_eq(e->path[2], STR("nanos")))
        return entry_error(e, label, "unknown field `%.*s`, expected `secs` or `nanos`",
                           STR_ARG(e->path[2]));
    if (e->kind != TOML_INTEGER || !value_number(e->text, &v) ||
        __builtin_mul_overflow(v, factor, &v) || v > UINT64_MAX / 2)
        return entry_error(e, label, "expected a number of %s",
                           factor == 1 ? "nanoseconds" : "seconds");
    OptValue *value = &o->values[id];
    if (value->given && !value->from_file)
        return NULL;
    value->n = (value->given ? MIN(value->n, UINT64_MAX / 2) : 0) + v;
    value->given = value->from_file = true;
    return NULL;
}

MUST_CHECK static Error *set_entry(const TomlEntry *e, const char *label, Options *o)
{
    u32 g = 0;
    while (g < GROUP_COUNT && !str_eq(e->path[0], str_of(opt_group((OptGroup)g)->table)))
        g++;
    if (g == GROUP_COUNT)
        return unknown_table(e, label);
    if (e->depth == 1)
        return e->kind == TOML_TABLE
                   ? NULL
                   : entry_error(e, label, "`%.*s` must be a table", STR_ARG(e->path[0]));
    Str rest;
    OptId id = options_find((OptGroup)g, e->path[1], &rest);
    if (id == OPT_COUNT)
        return entry_error(e, label, "unknown field `%.*s`", STR_ARG(e->path[1]));
    OptKind kind = (OptKind)opt_desc(id)->kind;
    if (kind == OPT_DURATION && e->depth == 3)
        return set_duration_part(e, label, id, o);
    if (kind == OPT_DURATION && e->kind == TOML_TABLE)
        return NULL;
    if (e->depth != 2 || !type_fits(kind, (TomlKind)e->kind))
        return entry_error(e, label, "`%.*s` cannot have a value of this type",
                           STR_ARG(e->path[1]));
    /* A choice called y or n is written true or false. */
    bool yes;
    Str text = e->text;
    if (e->kind == TOML_BOOLEAN && kind == OPT_ENUM && value_bool(text, &yes))
        text = yes ? STR("y") : STR("n");
    Error *err = options_set_from_file(o, id, text);
    if (!err)
        return NULL;
    Error *placed = toml_error_at(e, label, err->message);
    error_free(err);
    return placed;
}

Error *config_text_read(Str text, const char *label, Options *o)
{
    TomlDoc doc;
    Error *e = toml_read(text, label, &doc);
    if (e)
        return e;
    for (u32 i = 0; i < doc.entries.n && !e; i++)
        e = set_entry(&doc.entries.p[i], label, o);
    toml_release(&doc);
    return e;
}

Error *config_file_read(const char *path, Options *o)
{
    Buf bytes = {0};
    Error *e = file_read(path, &bytes);
    if (!e)
        e = config_text_read((Str){(char *)bytes.p, bytes.n}, path, o);
    buf_release(&bytes);
    return error_wrap(e, "failed to load the configuration file `%s`", path);
}
