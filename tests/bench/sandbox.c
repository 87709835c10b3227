/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * How long create, start and delete of a container take: `bench-sandbox BUNDLE TIMES`. The bundle's
 * config.json is as containerd writes it, with a native program. One line for each of TIMES, in
 * microseconds: create, start, delete.
 */
#include "os/time.h"
#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(Error *e)
{
    if (!e)
        return;
    Buf text = {0};
    error_format(e, &text);
    fprintf(stderr, "%.*s\n", (int)text.n, (const char *)text.p);
    exit(1);
}

static void run_once(const char *state, const char *config_path)
{
    SandboxProgram program = {.fd = -1, .nfds = 3};
    SandboxMade made;
    Plan p;
    u64 t0 = os_monotonic_ns();
    json_t *config = json_load_file(config_path, 0, NULL);
    const char *root = json_string_value(json_object_get(json_object_get(config, "root"), "path"));
    char *why = config && root ? plan_read(&p, config, root) : NULL;
    if (!config || !root || why) {
        fprintf(stderr, "%s: %s\n", config_path, why ? why : "not a configuration");
        exit(1);
    }
    for (int i = 0; i < 3; i++)
        program.fds[i] = fcntl(i, F_DUPFD_CLOEXEC, 50);
    program.argv = p.process.args;
    check(sandbox_create(&p, "bench", state, &program, &made));
    u64 t1 = os_monotonic_ns();
    check(sandbox_start(made.hold));
    u64 t2 = os_monotonic_ns();
    waitpid(made.pid, NULL, 0);
    u64 t3 = os_monotonic_ns();
    check(sandbox_delete(state, p.cgroup));
    u64 t4 = os_monotonic_ns();
    printf("%llu %llu %llu\n", (unsigned long long)(t1 - t0) / 1000,
           (unsigned long long)(t2 - t1) / 1000, (unsigned long long)(t4 - t3) / 1000);
    for (int i = 0; i < 3; i++)
        close(program.fds[i]);
    plan_release(&p);
    json_decref(config);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bench-sandbox BUNDLE TIMES\n");
        return 2;
    }
    Buf path = {0};
    buf_printf(&path, "%s/config.json", argv[1]);
    char *config = buf_take_string(&path);
    buf_printf(&path, "%s/state", argv[1]);
    char *state = buf_take_string(&path);
    for (long n = strtol(argv[2], NULL, 10); n > 0; n--)
        run_once(state, config);
    mem_free(config);
    mem_free(state);
    return 0;
}
