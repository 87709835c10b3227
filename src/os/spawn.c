/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Other programs, by posix_spawn. */
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int spawn(const char *const *argv, bool quiet, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    if (quiet)
        error = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (!error)
        error = posix_spawnp(ret_pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 127;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Error *os_spawn(const char *const *argv, bool quiet, OsProcess *ret_process)
{
    int error = spawn(argv, quiet, ret_process);
    return error ? error_new("failed to run `%s`: %s", argv[0], strerror(error)) : NULL;
}

Error *os_spawn_wait(const char *const *argv, bool quiet, int *ret_status)
{
    pid_t pid;
    int error = spawn(argv, quiet, &pid);
    if (error == ENOENT || error == EACCES) {
        *ret_status = -1;
        return NULL;
    }
    if (error)
        return error_new("failed to run `%s`: %s", argv[0], strerror(error));
    *ret_status = wait_for(pid);
    return NULL;
}

bool os_process_ended(OsProcess p)
{
    return waitpid(p, NULL, WNOHANG) != 0;
}

void os_process_stop(OsProcess p)
{
    kill(p, SIGTERM);
    wait_for(p);
}

int os_process_open(OsProcess p)
{
    return (int)syscall(SYS_pidfd_open, p, 0);
}

int os_process_signal(int fd, int signal)
{
    return syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) == 0 ? 0 : errno;
}

Error *os_exec(const char *const *argv)
{
    execvp(argv[0], (char *const *)argv);
    return error_new("failed to run `%s`: %s", argv[0], strerror(errno));
}
