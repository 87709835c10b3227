/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime config new`: a configuration file to start from. */
#include "cli/cache_config.h"
#include "cli/cmdline.h"
#include "cli/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char new_config[] = "# Configuration of wasmtime's compilation cache.\n"
                                 "#\n"
                                 "# Keys of the table below that are not set have their default;\n"
                                 "# `wasmtime -C cache=n` runs without the cache.\n"
                                 "\n"
                                 "[cache]\n";

/* Makes the directories above the path. */
MUST_CHECK static Error *make_parents(const char *path)
{
    char *copy = mem_strdup_n(path, strlen(path));
    Error *e = NULL;
    for (char *slash = strchr(copy + 1, '/'); slash && !e; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            e = error_new("failed to create the directory '%s': %s", copy, strerror(errno));
        *slash = '/';
    }
    mem_free(copy);
    return e;
}

Error *cmd_config(CmdLine *c, int *ret_status)
{
    if (strcmp(c->args.p[0], "new") != 0)
        return error_new_kind(ERROR_USAGE, 0, "unrecognized subcommand '%s'", c->args.p[0]);
    char *own = c->args.n > 1 ? NULL : cache_config_default_path();
    const char *path = c->args.n > 1 ? c->args.p[1] : own;
    Error *e = NULL;
    if (!path || !*path)
        e = error_new("there is no home directory: name the file to make");
    else if (access(path, F_OK) == 0)
        e = error_new("Configuration file '%s' already exists.", path);
    if (!e)
        e = make_parents(path);
    if (!e)
        e = file_write(path, new_config, sizeof new_config - 1);
    if (!e)
        printf("Successfully created a new configuration file at '%s'.\n", path);
    mem_free(own);
    *ret_status = 0;
    return e;
}
