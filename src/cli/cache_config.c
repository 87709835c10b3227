/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Checking the cache's configuration. The keys are those of Wasmtime, and an unknown one is an
 * error. Nothing is cached yet, so the values are looked at for their type only.
 */
#include "cli/cache_config.h"

#include "cli/file.h"
#include "cli/toml.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct CacheKey {
    const char *name;
    TomlKind kind;
} CacheKey;

static const CacheKey keys[] = {
    {"directory", TOML_STRING},
    {"worker-event-queue-size", TOML_STRING},
    {"baseline-compression-level", TOML_INTEGER},
    {"optimized-compression-level", TOML_INTEGER},
    {"optimized-compression-usage-counter-threshold", TOML_STRING},
    {"cleanup-interval", TOML_STRING},
    {"optimizing-compression-task-timeout", TOML_STRING},
    {"allowed-clock-drift-for-files-from-future", TOML_STRING},
    {"file-count-soft-limit", TOML_STRING},
    {"files-total-size-soft-limit", TOML_STRING},
    {"file-count-limit-percent-if-deleting", TOML_STRING},
    {"files-total-size-limit-percent-if-deleting", TOML_STRING},
};

char *cache_config_default_path(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    Buf path = {0};
    if (xdg && *xdg == '/')
        buf_printf(&path, "%s", xdg);
    else if (home && *home)
        buf_printf(&path, "%s/.config", home);
    else
        return NULL;
    buf_str(&path, STR("/wasmtime/config.toml"));
    return buf_take_string(&path);
}

MUST_CHECK static Error *check_entry(const TomlEntry *e, const char *label)
{
    if (!str_eq(e->path[0], STR("cache")))
        return toml_error_at(e, label, "unknown field, expected `cache`");
    if (e->depth == 1)
        return e->kind == TOML_TABLE ? NULL : toml_error_at(e, label, "`cache` must be a table");
    for (usize i = 0; i < ARRAY_LEN(keys); i++) {
        if (!str_eq(e->path[1], str_of(keys[i].name)))
            continue;
        if (e->depth > 2 || e->kind != keys[i].kind)
            return toml_error_at(e, label,
                                 keys[i].kind == TOML_STRING
                                     ? "this key has a string as its value"
                                     : "this key has a number as its value");
        if (i == 0 && (e->text.n == 0 || e->text.p[0] != '/'))
            return toml_error_at(e, label, "the cache's directory must be an absolute path");
        return NULL;
    }
    return toml_error_at(e, label, "unknown field of the table `cache`");
}

Error *cache_config_text_check(Str text, const char *label)
{
    TomlDoc doc;
    Error *e = toml_read(text, label, &doc);
    if (e)
        return e;
    for (u32 i = 0; i < doc.entries.n && !e; i++)
        e = check_entry(&doc.entries.p[i], label);
    toml_release(&doc);
    return e;
}

Error *cache_config_check(const Options *o)
{
    if (!opt_bool(o, OPT_C_cache))
        return NULL;
    const char *given = o->values[OPT_C_cache_config].text;
    char *own = given ? NULL : cache_config_default_path();
    const char *path = given ? given : own;
    Error *e = NULL;
    if (path && (given || access(path, F_OK) == 0)) {
        Buf text = {0};
        e = file_read(path, &text);
        if (!e)
            e = cache_config_text_check((Str){(char *)text.p, text.n}, path);
        buf_release(&text);
        e = error_wrap(e, "failed to load the cache configuration `%s`", path);
    }
    mem_free(own);
    return e;
}
