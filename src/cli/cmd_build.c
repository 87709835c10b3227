/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime build`: the component of the project in the current directory; with --up it runs, too.
 */
#include "cli/cmdline.h"
#include "cli/project.h"
#include "os/spawn.h"

#include <stdio.h>
#include <sys/stat.h>

static Error *run_it(const Project *p)
{
    bool http = p->template && strcmp(p->template, "http") == 0;
    if (p->template && strcmp(p->template, "library") == 0)
        return error_new("a library cannot be run; `wasmtime run --invoke` calls its functions");
    const char *const serve[] = {"/proc/self/exe", "serve", "-S", "cli=y", p->output, NULL};
    const char *const run[] = {"/proc/self/exe", "run", p->output, NULL};
    return os_exec(http ? serve : run);
}

Error *cmd_build(CmdLine *c, int *ret_status)
{
    Project p = {0};
    struct stat st;
    Error *e = project_read(&p);
    if (!e)
        e = project_build(&p, cmdline_given(c, FLAG_release));
    if (!e && stat(p.output, &st) == 0)
        fprintf(stderr, "Built %s, %lld bytes\n", p.output, (long long)st.st_size);
    if (!e && cmdline_given(c, FLAG_up))
        e = run_it(&p);
    project_release(&p);
    *ret_status = 0;
    return e;
}
