/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The process can neither become more than nobody, nor open a file, nor compile for ever, and the
 * kernel takes it first when memory runs out. A module too much for it is run as it is, and
 * compiled function by function within its container's limits.
 */
#include "shim/precompile.h"

#include "base/version.h"
#include "cli/engine_setup.h"
#include "cli/load.h"
#include "component/instance.h"
#include "oci/digest.h"
#include "os/file.h"
#include "os/fs.h"
#include "os/vm.h"
#include "shim/confine.h"
#include "shim/entry.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OUTPUT_FD = 3,
    NOBODY = 65534,
    SECONDS = 120, /* of processor time */
    MAX_WHY = 4096,
    MAX_COMPILED = 1 << 30,
    EXIT_MODULE = 1,
    EXIT_OTHER = 2,
};

/* For its memory and its file. */
#define MEMORY ((rlim_t)4 << 30)

/* ---- the process ---- */

static void limit(int what, rlim_t value)
{
    struct rlimit l = {value, value};
    (void)setrlimit((__rlimit_resource_t)what, &l); /* it was lower already, else */
}

static bool give_up_rights(void)
{
    error_free(os_write_file("/proc/self/oom_score_adj", "1000", 4));
    limit(RLIMIT_CPU, SECONDS);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, MEMORY);
    limit(RLIMIT_DATA, MEMORY);
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
                           setresuid(NOBODY, NOBODY, NOBODY) != 0))
        return false;
    /* It ends with the thread that waits for it; behind the change of the user, which undoes that.
     */
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && confine_to_computing();
}

/* The command line of `compile`, or of `run` with what is compiled, with these options; *ret_c is
 * to be released in any case. */
static Error *parse(EngineWords options, bool compiled, CmdLine *ret_c)
{
    char *words[MAX_ENGINE_WORDS + 5];
    usize n = 0;
    CmdLineEnd end;
    Buf text = {0};
    words[n++] = compiled ? (char *)"run" : (char *)"compile";
    if (compiled)
        words[n++] = (char *)"--allow-precompiled";
    words[n++] = (char *)"-C";
    words[n++] = (char *)"cache=n";
    ALWAYS(options.n <= MAX_ENGINE_WORDS);
    for (usize i = 0; i < options.n; i++)
        words[n++] = (char *)options.words[i];
    words[n++] = (char *)"-";
    Error *e = cmdline_parse(ret_c, (int)n, words, &text, &end);
    if (!e)
        e = options_check(&ret_c->options);
    buf_release(&text);
    return e;
}

static bool input_is_compiled(void)
{
    u8 head[64];
    usize n = 0;
    return os_fd_pread(STDIN_FILENO, head, sizeof head, 0, &n) == 0 && engine_is_compiled(head, n);
}

/* What is compiled is loaded to see whether it can be, and stays as it is. `out` NULL: for that
 * alone. */
static Error *compile(const CmdLine *c, const char *func, bool compiled, Buf *out)
{
    Engine *engine = NULL;
    Module *m = NULL;
    LoadedComponent *component = NULL;
    Error *e = engine_setup(c, ENGINE_COMPILE, &engine);
    if (!e)
        e = load_program(engine, c, "-", &m, &component);
    if (!e)
        e = entry_check(m, component, func);
    os_rewind(STDIN_FILENO);
    if (!e && out && compiled)
        e = os_read_fd(STDIN_FILENO, "the compiled module", MAX_COMPILED, out);
    else if (!e && out)
        e = component ? component_serialize(component, out)
                      : engine_module_serialize(engine, m, out);
    module_unref(m);
    component_unref(component);
    if (engine)
        engine_free(engine);
    return e;
}

static void say(Error *e)
{
    for (const Error *k = e; k; k = k->cause)
        fprintf(stderr, "%s%s", k == e ? "" : ": ", k->message);
    error_free(e);
}

static int say_why(const char *what)
{
    fprintf(stderr, "%s: %s", what, strerror(errno));
    return EXIT_OTHER;
}

int precompile_main(bool makes, int nwords, char **words)
{
    CmdLine c;
    Buf out = {0};
    if (!give_up_rights() || nwords < 1 || nwords > MAX_ENGINE_WORDS + 1)
        return EXIT_OTHER;
    bool compiled = input_is_compiled();
    const EngineWords options = {(const char *const *)words + 1, (usize)nwords - 1};
    Error *e = parse(options, compiled, &c);
    if (!e)
        e = compile(&c, words[0], compiled, makes ? &out : NULL);
    int status = e ? EXIT_MODULE : 0;
    if (e)
        say(e);
    else if (makes && !os_pwrite(OUTPUT_FD, out.p, out.n, 0))
        status = say_why("the code can not be written");
    buf_release(&out);
    cmdline_release(&c);
    return status;
}

/* ---- its caller ---- */

Error *precompile_target(EngineWords options, char ret_target[17])
{
    CmdLine c;
    EngineConfig config;
    Error *e = parse(options, false, &c);
    if (!e)
        e = engine_setup_config(&c, ENGINE_COMPILE, &config);
    if (!e) {
        Buf text = {0};
        Digest d;
        buf_str(&text, STR(WASMTIME_VERSION " "));
        engine_compatibility(&config, &text);
        digest_of(text.p, text.n, &d);
        memcpy(ret_target, d.hex, 16);
        ret_target[16] = 0;
        buf_release(&text);
    }
    cmdline_release(&c);
    return e;
}

/* What it said, own; "" if nothing. */
static char *read_words(int fd)
{
    char bytes[MAX_WHY];
    usize n = 0;
    if (os_fd_pread(fd, bytes, sizeof bytes, 0, &n) != 0)
        n = 0;
    return mem_strdup_n(bytes, n);
}

static char *why_not(int status, int words)
{
    char *said = read_words(words);
    Buf b = {0};
    if (WIFSIGNALED(status))
        buf_printf(&b, "compiling was ended by signal %d", WTERMSIG(status));
    else
        buf_printf(&b, "compiling ended with exit code %d", WEXITSTATUS(status));
    buf_printf(&b, "%s%s", *said ? ": " : "", said);
    mem_free(said);
    return buf_take_string(&b);
}

Error *precompile_run(Children *children, const char *func, EngineWords options, int in, int out,
                      bool *ret_made, char **ret_why)
{
    const char *argv[MAX_ENGINE_WORDS + 4];
    usize n = 0;
    int status, words = os_memfd("words", 0, false);
    ALWAYS(options.n <= MAX_ENGINE_WORDS);
    argv[n++] = "/proc/self/exe";
    argv[n++] = out >= 0 ? "--precompile" : "--check";
    argv[n++] = func;
    for (usize i = 0; i < options.n; i++)
        argv[n++] = options.words[i];
    argv[n] = NULL;
    ChildSpec spec = {.argv = argv, .fds = {in, -1, words, out, -1}};
    Error *e = children_run(children, &spec, &status);
    *ret_made = !e && status == 0;
    if (!e && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_MODULE) {
        char *why = read_words(words);
        e = error_new("%s", why);
        mem_free(why);
    } else if (!*ret_made) {
        *ret_why = e ? mem_strdup_n(e->message, strlen(e->message)) : why_not(status, words);
        error_free(e);
        e = NULL;
    }
    if (words >= 0)
        os_fd_close(words);
    return e;
}
