/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Which of the two makes a container, and what the sandbox is given: the executor with its
 * descriptors, or a program of the container.
 */
#include "shim/sandboxed.h"

#include "sandbox/sandbox.h"
#include "shim/guest.h"

#include <stdlib.h>

#define ANNOTATION "io.wasmtime.sandbox"
#define VARIABLE "WASMTIME_SHIM_SANDBOX"

enum { GUEST_FDS = 5, MODULE_FD = 4 };

typedef enum Maker { MAKER_AUTO, MAKER_OWN, MAKER_RUNTIME } Maker;

static Error *wanted_maker(const Bundle *b, Maker *ret_maker)
{
    static const char *const names[] = {
        [MAKER_AUTO] = "auto", [MAKER_OWN] = "own", [MAKER_RUNTIME] = "runtime"};
    const char *text = bundle_annotation(b, ANNOTATION), *from = ANNOTATION;
    if (!text) {
        text = getenv(VARIABLE);
        from = VARIABLE;
    }
    if (!text || !*text) {
        *ret_maker = MAKER_AUTO;
        return NULL;
    }
    for (usize i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret_maker = (Maker)i;
            return NULL;
        }
    }
    return error_new("%s: `%.100s` is not a kind of sandbox: own, runtime or auto", from, text);
}

static char *why_not(const Runtime *r, const char *id, const Bundle *b, Plan *p)
{
    char *why = plan_read(p, b->config, b->root);
    if (!why && r->systemd_cgroup)
        why = mem_strdup_n("systemd makes the control groups", 32);
    if (!why && r->no_pivot)
        why = mem_strdup_n("the root is not to be changed by pivot_root", 43);
    if (!why && runtime_has(r, id))
        why = mem_strdup_n("the runtime has a container of this name", 40);
    return why ? why : sandbox_refuses(p);
}

/* The executor, with the function and the arguments of the guest. */
static const char **guest_argv(const Bundle *b, const Plan *p, bool held)
{
    usize n = 0, at = 0;
    while (p->process.args[n])
        n++;
    const char **argv = mem_alloc_array(n + 4, sizeof *argv);
    argv[at++] = "wasmtime";
    argv[at++] = held ? "--held-guest" : "--guest";
    argv[at++] = b->func;
    for (usize i = 0; i < n; i++)
        argv[at++] = p->process.args[i];
    return argv;
}

/* A program of the container, which is there already, or the executor with the module. */
static Error *make(Container *c, const Bundle *b, const Plan *p, int executor, pid_t *ret_pid)
{
    int files[3] = {-1, -1, -1};
    SandboxMade made;
    Error *e = stdio_open(&c->init->stdio, files);
    if (e)
        return e;
    const char **argv = b->kind == BUNDLE_WASM ? guest_argv(b, p, true) : NULL;
    SandboxProgram program = {.fd = -1, .argv = p->process.args, .nfds = 3};
    memcpy(program.fds, files, sizeof files);
    if (argv) {
        program.fd = executor;
        program.argv = argv;
        program.fds[MODULE_FD] = b->module;
        program.nfds = GUEST_FDS;
        program.blocked = guest_signals();
    }
    char *state = runtime_state(&c->runtime, c->id);
    e = sandbox_create(p, c->id, state, &program, &made);
    mem_free(state);
    if (!e) {
        c->runtime.cgroup = mem_strdup_n(p->cgroup, strlen(p->cgroup));
        c->runtime.hold = made.hold;
        *ret_pid = made.pid;
        if (made.console >= 0)
            stdio_console_take(&c->init->stdio, made.console, files);
    }
    mem_free(argv);
    stdio_close_fds(files);
    return e;
}

Error *sandboxed_create(Shim *s, Container *c, const Bundle *b, int executor, pid_t *ret_pid,
                        bool *ret_made)
{
    Maker maker = MAKER_AUTO;
    Plan p;
    Error *e = wanted_maker(b, &maker);
    *ret_made = false;
    if (e || maker == MAKER_RUNTIME || (b->kind == BUNDLE_NATIVE && maker != MAKER_OWN))
        return e;
    char *why = why_not(&c->runtime, c->id, b, &p);
    if (why && maker == MAKER_OWN)
        e = error_new("this container is not for a sandbox of our own: %s", why);
    else if (why)
        shim_log(&s->log, "debug", "%s: made by the runtime: %s", c->id, why);
    else
        e = make(c, b, &p, executor, ret_pid);
    *ret_made = !e && !why;
    mem_free(why);
    plan_release(&p);
    return e;
}

/* ---- further processes ---- */

static Error *read_process(const char *path, Plan *p, const char *root)
{
    json_error_t why;
    json_t *spec = json_load_file(path, 0, &why);
    if (!spec) {
        *p = (Plan){0};
        return error_new("the process is not JSON: %s", why.text);
    }
    char *refused = plan_read_process(p, spec, root);
    Error *e = refused ? error_new("this process can not be made: %s", refused) : NULL;
    mem_free(refused);
    json_decref(spec);
    return e;
}

static Error *exec(Container *c, Process *p, const Plan *plan, const Bundle *b, int executor,
                   pid_t *ret_pid)
{
    int files[3] = {-1, -1, -1};
    SandboxMade made;
    Error *e = stdio_open(&p->stdio, files);
    if (e)
        return e;
    const char **argv = b->kind == BUNDLE_WASM ? guest_argv(b, plan, false) : NULL;
    SandboxProgram program = {.fd = -1, .argv = plan->process.args, .nfds = 3};
    memcpy(program.fds, files, sizeof files);
    if (argv) {
        program.fd = program.fds[SANDBOX_HELD_FD] = executor; /* which the guest closes */
        program.argv = argv;
        program.fds[MODULE_FD] = b->module;
        program.nfds = GUEST_FDS;
        program.blocked = guest_signals();
    }
    e = sandbox_exec(plan, c->id, c->init->pidfd, &program, &made);
    if (!e) {
        *ret_pid = made.pid;
        if (made.console >= 0)
            stdio_console_take(&p->stdio, made.console, files);
    }
    mem_free(argv);
    stdio_close_fds(files);
    return e;
}

/* The container's own filter is the new process's, too. */
Error *sandboxed_exec(Container *c, Process *p, const char *spec, const Bundle *program,
                      int executor, pid_t *ret_pid)
{
    Bundle b;
    Plan plan = {0}, process = {0};
    Error *e = bundle_open(&b, c->bundle);
    char *why = e ? NULL : plan_read(&plan, b.config, b.root);
    if (why)
        e = error_new("the container's configuration has changed: %s", why);
    if (!e)
        e = read_process(spec, &process, b.root);
    if (!e) {
        plan.process = process.process;
        e = exec(c, p, &plan, program, executor, ret_pid);
    }
    mem_free(why);
    plan_release(&plan);
    plan_release(&process);
    bundle_release(&b);
    return e;
}
