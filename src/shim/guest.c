/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What runs is what `wasmtime run` (or `serve`, for HTTP handlers) does with these words, so a
 * container behaves as the command does. The default grants are the container's own file system and
 * network: the sandbox is the container.
 */
#include "shim/guest.h"

#include "cli/cmdline.h"
#include "cli/exit.h"
#include "cli/value.h"
#include "engine/engine.h"
#include "os/fs.h"
#include "os/socket.h"
#include "os/vm.h"
#include "shim/entry.h"
#include "shim/options.h"
#include "wit/component.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MODULE "/proc/self/fd/4"
#define HTTP_ADDRESS "WASMTIME_HTTP_PROXY_SOCKET_ADDR"

enum { EXECUTOR_FD = 3, HELD_FD = 3, MODULE_FD = 4, EXIT_FAILED = 137, SIGNALLED = 128 };

static const int ending_signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};

/* The first process of a container has no default actions for signals. */
static void end_by_signal(int signal)
{
    _exit(SIGNALLED + signal);
}

/* A server that is not there yet has nothing to end but itself. */
static void end_well(int signal)
{
    (void)signal;
    _exit(0);
}

static void mask_signals(int how)
{
    sigset_t set;
    sigemptyset(&set);
    for (usize i = 0; i < ARRAY_LEN(ending_signals); i++)
        sigaddset(&set, ending_signals[i]);
    sigprocmask(how, &set, NULL);
}

u64 guest_signals(void)
{
    u64 set = 0;
    for (usize i = 0; i < ARRAY_LEN(ending_signals); i++)
        set |= (u64)1 << (ending_signals[i] - 1);
    return set;
}

/* What came before, and was held back, is done now. */
static void take_signals(EntryKind kind)
{
    for (usize i = 0; i < ARRAY_LEN(ending_signals); i++) {
        struct sigaction a = {.sa_handler = end_by_signal};
        if (kind == ENTRY_HTTP && (ending_signals[i] == SIGTERM || ending_signals[i] == SIGINT))
            a.sa_handler = end_well; /* until the server has its own */
        sigaction(ending_signals[i], &a, NULL);
    }
    mask_signals(SIG_UNBLOCK);
}

/* What is wrong with a component is said by who runs it. */
static EntryKind kind_of_component(Str bytes, const char *func)
{
    TypeRegistry *types = types_new();
    ComponentOptions o = {.features = features_default(),
                          .component_features = component_features_default(),
                          .skip_bodies = true,
                          .borrow = true};
    Diag diag;
    diag_init(&diag);
    Component *c = component_decode(types, &o, (const u8 *)bytes.p, bytes.n, &diag);
    EntryKind kind = c ? entry_of_component(c, func) : ENTRY_RUN;
    component_free(c);
    types_free(types);
    return kind;
}

typedef struct Guest {
    GuestOptions options;
    const char *func;
    int nargs;
    char **args; /* view */
    EntryKind kind;
    bool component;
} Guest;

/* Mapped, not read: code that other containers have mapped, too, is in memory once. */
static Error *find_kind(Guest *g)
{
    OsStat st;
    if (os_stat(MODULE_FD, &st) != 0 || st.size == 0)
        return error_new("the module is missing");
    u64 bytes = os_page_up(st.size);
    u8 *p = os_vm_map_file(NULL, bytes, MODULE_FD, 0, OS_PROT_R, false);
    if (!p)
        return error_new("failed to map the module");
    Str inner = engine_compiled_component(p, st.size);
    if (inner.n == 0)
        inner = (Str){(const char *)p, st.size};
    g->component = component_is((const u8 *)inner.p, inner.n);
    if (g->component)
        g->kind = kind_of_component(inner, g->func);
    else
        g->kind = entry_of_module(g->func);
    os_vm_release(p, bytes);
    return NULL;
}

typedef VEC(char *) WordList;

/* Own. */
static void put(WordList *words, const char *fmt, const char *arg)
{
    Buf b = {0};
    buf_printf(&b, "%s", fmt);
    buf_str(&b, str_of(arg));
    vec_push(words, buf_take_string(&b));
}

/* Behind the defaults, which they change; folders take the place of all. */
static void put_options(WordList *words, const Guest *g, const char *dir)
{
    const GuestOptions *o = &g->options;
    static const char dir_flag[] = "--dir=";
    for (u32 i = 0; i < o->words.n; i++) {
        if (str_starts(str_of(o->words.p[i]), STR("--dir=")))
            dir = NULL;
        if (strcmp(o->words.p[i], dir_flag) != 0)
            put(words, o->words.p[i], "");
    }
    if (dir)
        put(words, dir_flag, dir);
    put(words, "-Ccache=n", ""); /* the environment is the image's: it names no file to write to */
}

static void put_run(WordList *words, const Guest *g)
{
    put(words, "run", "");
    put(words, "--allow-precompiled", ""); /* only the shim says what descriptor 4 is */
    put(words, "-S", "inherit-env,inherit-network,tcp,udp,allow-ip-name-lookup");
    put_options(words, g, "/::/");
    put(words, "--argv0=", g->nargs > 0 ? g->args[0] : "");
    if (g->kind == ENTRY_INVOKE) {
        put(words, "--invoke=", g->func);
        if (g->component)
            put(words, TAKE_PTR(words->p[--words->n]), "()");
    }
    put(words, MODULE, "");
    for (int i = 1; i < g->nargs; i++)
        put(words, g->args[i], "");
}

/* A number that is none is as if it was not there. */
static void put_backlog(WordList *words)
{
    static const char *const names[] = {"WASMTIME_HTTP_PROXY_BACKLOG", "WASMTIME_HTTP_BACKLOG"};
    const char *found = NULL;
    u64 n;
    for (usize i = 0; i < ARRAY_LEN(names) && !found; i++)
        found = getenv(names[i]);
    if (found && value_number(str_of(found), &n) && n > 0)
        put(words, "--backlog=", found);
    for (usize i = 0; i < ARRAY_LEN(names); i++)
        unsetenv(names[i]);
}

/* A wrong address is not the usual one: that would be open to all networks. */
static Error *check_address(const char *address)
{
    OsAddress parsed;
    if (os_address_parse(str_of(address), &parsed))
        return NULL;
    return error_new(HTTP_ADDRESS ": `%.100s` is not an IP address with a port", address);
}

static Error *put_serve(WordList *words, const Guest *g)
{
    const char *address = getenv(HTTP_ADDRESS);
    address = address && *address ? address : "0.0.0.0:8080";
    Error *e = check_address(address);
    put(words, "serve", "");
    put(words, "--allow-precompiled", "");
    put(words, "-S", "cli,inherit-env");
    put_options(words, g, NULL);
    put(words, "--addr=", address);
    put_backlog(words);
    put(words, MODULE, "");
    unsetenv(HTTP_ADDRESS);
    return e;
}

static Error *run_words(const WordList *words, const char *name, int *ret_status)
{
    CmdLine c;
    CmdLineEnd end;
    Buf text = {0};
    Error *e = cmdline_parse(&c, (int)words->n, words->p, &text, &end);
    c.container = name;
    if (!e)
        e = options_check(&c.options);
    if (!e && !command_desc(c.command)->run)
        e = error_new("this build has no `%s`", command_desc(c.command)->name);
    if (!e)
        e = command_desc(c.command)->run(&c, ret_status);
    buf_release(&text);
    cmdline_release(&c);
    return e;
}

/* A guest's own exit is its code; whatever else ends it is 137, and said where its errors go. */
static int status_of(Error *e, int status)
{
    if (!e)
        return status;
    Buf text = {0};
    const Error *own = error_find(e, ERROR_EXIT);
    status = own ? own->value : EXIT_FAILED;
    exit_of_error(e, &text);
    fflush(stdout);
    fwrite(text.p, 1, text.n, stderr);
    buf_release(&text);
    error_free(e);
    return status;
}

/* False if it never shall. */
static bool may_run(void)
{
    char byte;
    usize n = 0;
    int error;
    do {
        error = os_fd_read(HELD_FD, &byte, 1, &n);
    } while (error == EINTR);
    close(HELD_FD);
    return n == 1;
}

int guest_main(bool held, int nargs, char **args)
{
    WordList words = {0};
    int status = 0;
    mask_signals(SIG_BLOCK);
    if (!held)
        close(EXECUTOR_FD);
    if (os_fill_stdio() != 0)
        return EXIT_FAILED;
    os_ignore_write_signals();
    if (nargs < 1)
        return EXIT_FAILED;
    Guest g = {.nargs = nargs - 1, .args = args + 1};
    g.func = guest_word_read(args[0], &g.options);
    Error *e = find_kind(&g);
    take_signals(g.kind);
    if (g.kind == ENTRY_HTTP && !e)
        e = put_serve(&words, &g);
    else
        put_run(&words, &g);
    if (held && !may_run())
        return EXIT_FAILED;
    if (!e)
        e = run_words(&words, g.nargs > 0 ? g.args[0] : "", &status);
    status = status_of(e, status);
    for (u32 i = 0; i < words.n; i++)
        mem_free(words.p[i]);
    vec_release(&words);
    vec_release(&g.options.words);
    return fflush(stdout) == 0 ? status : EXIT_FAILED;
}
