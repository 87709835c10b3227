/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What runs is what `wasmtime run` (or `serve`, for HTTP handlers) does with these words, so a
 * container behaves as the command does. The default grants are the container's own file system and
 * network: the sandbox is the container.
 */
#include "shim/guest.h"

#include "cli/cmdline.h"
#include "cli/exit.h"
#include "engine/engine.h"
#include "os/fs.h"
#include "os/vm.h"
#include "wit/component.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MODULE "/proc/self/fd/4"
#define HTTP_ADDRESS "WASMTIME_HTTP_PROXY_SOCKET_ADDR"

enum { EXECUTOR_FD = 3, MODULE_FD = 4, EXIT_FAILED = 137, SIGNALLED = 128 };

typedef enum GuestKind { GUEST_RUN, GUEST_HTTP, GUEST_INVOKE } GuestKind;

/* The first process of a container has no default actions for signals. */
static void end_by_signal(int signal)
{
    _exit(SIGNALLED + signal);
}

static void catch_signals(void)
{
    static const int ending[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};
    struct sigaction a = {.sa_handler = end_by_signal};
    for (usize i = 0; i < ARRAY_LEN(ending); i++)
        sigaction(ending[i], &a, NULL);
}

static GuestKind kind_of_exports(const Component *c, const char *func)
{
    const CType *t = ctype_get(c->types, c->type);
    GuestKind kind = strcmp(func, "_start") == 0 ? GUEST_RUN : GUEST_INVOKE;
    for (u32 i = 0; i < t->nexports; i++) {
        Str name = t->exports[i].name.text;
        if (str_starts(name, STR("wasi:http/incoming-handler")))
            return GUEST_HTTP;
        if (str_starts(name, STR("wasi:cli/run")))
            kind = GUEST_RUN;
    }
    return kind;
}

/* What is wrong with a component is said by who runs it. */
static GuestKind kind_of_component(Str bytes, const char *func)
{
    TypeRegistry *types = types_new();
    ComponentOptions o = {.features = features_default(),
                          .component_features = component_features_default(),
                          .skip_bodies = true,
                          .borrow = true};
    Diag diag;
    diag_init(&diag);
    Component *c = component_decode(types, &o, (const u8 *)bytes.p, bytes.n, &diag);
    GuestKind kind = c ? kind_of_exports(c, func) : GUEST_RUN;
    component_free(c);
    types_free(types);
    return kind;
}

/* Mapped, not read: code that other containers have mapped, too, is in memory once. */
static Error *find_kind(const char *func, GuestKind *ret_kind, bool *ret_component)
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
    *ret_component = component_is((const u8 *)inner.p, inner.n);
    if (*ret_component)
        *ret_kind = kind_of_component(inner, func);
    else
        *ret_kind = strcmp(func, "_start") == 0 ? GUEST_RUN : GUEST_INVOKE;
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

static void put_grants(WordList *words)
{
    put(words, "-S", "inherit-env,inherit-network,tcp,udp,allow-ip-name-lookup");
    put(words, "-C", "cache=n"); /* the environment is the image's: it names no file to write to */
    put(words, "--dir=", "/::/");
}

static void put_run(WordList *words, GuestKind kind, bool component, int nargs, char **args)
{
    put(words, "run", "");
    put(words, "--allow-precompiled", ""); /* only the shim says what descriptor 4 is */
    put_grants(words);
    put(words, "--argv0=", nargs > 1 ? args[1] : "");
    if (kind == GUEST_INVOKE) {
        put(words, "--invoke=", args[0]);
        if (component)
            put(words, TAKE_PTR(words->p[--words->n]), "()");
    }
    put(words, MODULE, "");
    for (int i = 2; i < nargs; i++)
        put(words, args[i], "");
}

static void put_serve(WordList *words)
{
    const char *address = getenv(HTTP_ADDRESS);
    put(words, "serve", "");
    put(words, "--allow-precompiled", "");
    put(words, "-S", "cli,inherit-env");
    put(words, "-C", "cache=n");
    put(words, "--addr=", address && *address ? address : "0.0.0.0:8080");
    put(words, MODULE, "");
    unsetenv(HTTP_ADDRESS);
    unsetenv("WASMTIME_HTTP_PROXY_BACKLOG");
    unsetenv("WASMTIME_HTTP_BACKLOG");
}

static Error *run_words(const WordList *words, int *ret_status)
{
    CmdLine c;
    CmdLineEnd end;
    Buf text = {0};
    Error *e = cmdline_parse(&c, (int)words->n, words->p, &text, &end);
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

int guest_main(int nargs, char **args)
{
    WordList words = {0};
    GuestKind kind = GUEST_RUN;
    bool component = false;
    int status = 0;
    close(EXECUTOR_FD);
    if (os_fill_stdio() != 0)
        return EXIT_FAILED;
    os_ignore_write_signals();
    if (nargs < 1)
        return EXIT_FAILED;
    Error *e = find_kind(args[0], &kind, &component);
    if (!e) {
        if (kind == GUEST_HTTP) {
            put_serve(&words);
        } else {
            catch_signals();
            put_run(&words, kind, component, nargs, args);
        }
        e = run_words(&words, &status);
    }
    status = status_of(e, status);
    for (u32 i = 0; i < words.n; i++)
        mem_free(words.p[i]);
    vec_release(&words);
    return fflush(stdout) == 0 ? status : EXIT_FAILED;
}
