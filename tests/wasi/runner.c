/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Runs the programs of the wasi-testsuite with a `wasmtime` command:
 *
 *   runner [-v] WASMTIME DIRECTORY... [-- name-part...]
 *
 * Beside x.wasm an optional x.json says how: args, env, root (a directory, copied afresh for each
 * program and given as "/"), stdin, and what is expected: exit_code (0), stdout, stderr (anything
 * if not named). Linked with nothing of the engine.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ARGS = 64, MAX_TEXT = 1 << 16, MAX_TESTS = 4096, TEST_SECONDS = 60, PATH_SIZE = 4096 };

typedef struct Test {
    char *args[MAX_ARGS], *env[MAX_ARGS]; /* env as "name=value" */
    int nargs, nenv;
    char *root, *in, *out, *err; /* NULL: none, or not checked */
    int exit_code;
} Test;

static void die(const char *what, const char *name)
{
    fprintf(stderr, "runner: %s %s: %s\n", what, name, strerror(errno));
    exit(2);
}

static char *copy(const char *p, size_t n)
{
    char *s = malloc(n + 1);
    if (!s)
        die("out of memory for", p);
    memcpy(s, p, n);
    s[n] = 0;
    return s;
}

static char *join(const char *a, const char *mid, const char *b)
{
    char buf[2 * PATH_SIZE];
    snprintf(buf, sizeof buf, "%s%s%s", a, mid, b);
    return copy(buf, strlen(buf));
}

/* The whole file, own; NULL if it cannot be read. */
static char *read_file(const char *path)
{
    static char buf[MAX_TEXT];
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    size_t n = fread(buf, 1, sizeof buf, f);
    fclose(f);
    return copy(buf, n);
}

/* As much JSON as the suite uses: objects, arrays, strings, integers. */
typedef struct Json {
    const char *at, *file;
} Json;

static void json_bad(const Json *j)
{
    fprintf(stderr, "runner: %s: bad JSON near \"%.20s\"\n", j->file, j->at);
    exit(2);
}

static void json_space(Json *j)
{
    j->at += strspn(j->at, " \t\r\n");
}

static bool json_take(Json *j, char c)
{
    json_space(j);
    if (*j->at != c)
        return false;
    j->at++;
    return true;
}

static void json_want(Json *j, char c)
{
    if (!json_take(j, c))
        json_bad(j);
}

static char json_escape(Json *j)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *p = *j->at ? strchr(from, *j->at) : NULL;
    if (!p)
        json_bad(j);
    j->at++;
    return to[p - from];
}

static char *json_string(Json *j)
{
    static char buf[MAX_TEXT];
    size_t n = 0;
    json_want(j, '"');
    while (*j->at != '"') {
        if (!*j->at || n == sizeof buf)
            json_bad(j);
        char c = *j->at++;
        buf[n++] = c == '\\' ? json_escape(j) : c;
    }
    j->at++;
    return copy(buf, n);
}

/* Any value the runner does not know: only strings, numbers and words. */
static void json_skip(Json *j)
{
    json_space(j);
    if (*j->at == '"')
        free(json_string(j));
    else
        j->at += strcspn(j->at, ",}]");
}

static void json_args(Json *j, Test *t)
{
    json_want(j, '[');
    if (json_take(j, ']'))
        return;
    do {
        if (t->nargs == MAX_ARGS)
            json_bad(j);
        t->args[t->nargs++] = json_string(j);
    } while (json_take(j, ','));
    json_want(j, ']');
}

static void json_env(Json *j, Test *t)
{
    json_want(j, '{');
    if (json_take(j, '}'))
        return;
    do {
        char *name = json_string(j);
        json_want(j, ':');
        char *value = (json_space(j), json_string(j));
        if (t->nenv == MAX_ARGS)
            json_bad(j);
        t->env[t->nenv++] = join(name, "=", value);
    } while (json_take(j, ','));
    json_want(j, '}');
}

static void json_field(Json *j, const char *key, Test *t)
{
    struct {
        const char *key;
        char **to;
    } strings[] = {{"root", &t->root}, {"stdin", &t->in}, {"stdout", &t->out}, {"stderr", &t->err}};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        if (strcmp(key, strings[i].key) == 0) {
            json_space(j);
            *strings[i].to = json_string(j);
            return;
        }
    if (strcmp(key, "args") == 0) {
        json_args(j, t);
    } else if (strcmp(key, "env") == 0) {
        json_env(j, t);
    } else if (strcmp(key, "exit_code") == 0) {
        json_space(j);
        t->exit_code = (int)strtol(j->at, (char **)&j->at, 10);
    } else {
        json_skip(j);
    }
}

static void json_test(const char *file, Test *t)
{
    char *text = read_file(file);
    if (!text)
        return; /* everything as usual */
    Json j = {text, file};
    json_want(&j, '{');
    if (!json_take(&j, '}')) {
        do {
            json_space(&j);
            char *key = json_string(&j);
            json_want(&j, ':');
            json_field(&j, key, t);
        } while (json_take(&j, ','));
        json_want(&j, '}');
    }
    free(text);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
    (void)st, (void)type, (void)w;
    return remove(path);
}

static void copy_file(const char *from, const char *to)
{
    char buf[MAX_TEXT];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0666);
    ssize_t n = -1;
    while (in >= 0 && out >= 0 && (n = read(in, buf, sizeof buf)) > 0)
        if (write(out, buf, (size_t)n) != n)
            break;
    if (n != 0)
        die("cannot copy", from);
    close(in);
    close(out);
}

static void copy_tree(const char *from, const char *to)
{
    DIR *d = opendir(from);
    if (!d || (mkdir(to, 0777) < 0 && errno != EEXIST))
        die("cannot copy", from);
    for (const struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char *a = join(from, "/", e->d_name), *b = join(to, "/", e->d_name);
        if (e->d_type == DT_DIR)
            copy_tree(a, b);
        else
            copy_file(a, b);
        free(a);
        free(b);
    }
    closedir(d);
}

static pid_t running;

static void on_alarm(int sig)
{
    (void)sig;
    kill(running, SIGKILL);
}

static void redirect(const char *path, int flags, int fd)
{
    int f = open(path, flags, 0666);
    if (f < 0 || dup2(f, fd) < 0)
        die("cannot open", path);
    close(f);
}

/* The exit status, or 128 + the signal. Output lands in scratch/out and scratch/err. */
static int run(char **argv, const char *scratch, const char *input)
{
    char *out = join(scratch, "/", "out"), *err = join(scratch, "/", "err");
    running = fork();
    if (running == 0) {
        redirect(input, O_RDONLY, 0);
        redirect(out, O_WRONLY | O_CREAT | O_TRUNC, 1);
        redirect(err, O_WRONLY | O_CREAT | O_TRUNC, 2);
        execvp(argv[0], argv);
        _exit(127);
    }
    int status = 0;
    alarm(TEST_SECONDS);
    while (waitpid(running, &status, 0) < 0 && errno == EINTR)
        ;
    alarm(0);
    free(out);
    free(err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int compare(const Test *t, int status, const char *scratch)
{
    char *out = read_file(join(scratch, "/", "out")), *err = read_file(join(scratch, "/", "err"));
    bool same = status == t->exit_code && (!t->out || (out && strcmp(out, t->out) == 0)) &&
                (!t->err || (err && strcmp(err, t->err) == 0));
    if (!same)
        printf("  exit status %d, expected %d\n  stdout: %.2000s\n  stderr: %.2000s\n", status,
               t->exit_code, out ? out : "", err ? err : "");
    free(out);
    free(err);
    return same;
}

static bool run_test(const char *wasmtime, const char *dir, const char *wasm, const char *scratch)
{
    Test t = {0};
    char *stem = copy(wasm, strlen(wasm) - strlen(".wasm"));
    char *path = join(dir, "/", stem);
    json_test(join(path, ".", "json"), &t);
    char *argv[2 * MAX_ARGS + MAX_ARGS + 8];
    int n = 0;
    argv[n++] = copy(wasmtime, strlen(wasmtime));
    argv[n++] = copy("run", 3);
    for (int i = 0; i < t.nenv; i++) {
        argv[n++] = copy("--env", 5);
        argv[n++] = t.env[i];
    }
    if (t.root) {
        char *root = join(scratch, "/", "root");
        copy_tree(join(dir, "/", t.root), root);
        argv[n++] = copy("--dir", 5);
        argv[n++] = join(root, "::", "/");
    }
    argv[n++] = join(path, ".", "wasm");
    for (int i = 0; i < t.nargs; i++)
        argv[n++] = t.args[i];
    argv[n] = NULL;
    char *input = copy("/dev/null", 9);
    if (t.in) {
        input = join(scratch, "/", "in");
        FILE *f = fopen(input, "w");
        if (!f || fputs(t.in, f) < 0 || fclose(f) != 0)
            die("cannot write", input);
    }
    int status = run(argv, scratch, input);
    return compare(&t, status, scratch);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_tests(const char *dir, char **names)
{
    DIR *d = opendir(dir);
    int n = 0;
    for (const struct dirent *e; d && (e = readdir(d));) {
        size_t len = strlen(e->d_name);
        if (len > 5 && strcmp(e->d_name + len - 5, ".wasm") == 0 && n < MAX_TESTS)
            names[n++] = copy(e->d_name, len);
    }
    if (d)
        closedir(d);
    qsort(names, (size_t)n, sizeof *names, by_name);
    return n;
}

static bool selected(const char *name, char **parts)
{
    for (char **p = parts; *p; p++)
        if (strstr(name, *p))
            return true;
    return !*parts;
}

int main(int argc, char **argv)
{
    bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    char **at = argv + 1 + verbose;
    if (argc < 3 + verbose) {
        fprintf(stderr, "usage: runner [-v] WASMTIME DIRECTORY... [-- name-part...]\n");
        return 2;
    }
    const char *wasmtime = *at++;
    char **parts = at;
    while (*parts && strcmp(*parts, "--") != 0)
        parts++;
    char **dirs_end = parts;
    parts += *parts != NULL;
    signal(SIGALRM, on_alarm);
    int passed = 0, failed = 0, skipped = 0;
    for (; at < dirs_end; at++) {
        static char *names[MAX_TESTS];
        int n = list_tests(*at, names);
        if (n == 0) {
            printf("SKIP %s: no programs there\n", *at);
            skipped++;
        }
        for (int i = 0; i < n; i++) {
            if (!selected(names[i], parts))
                continue;
            char scratch[] = "/tmp/wasi-runner-XXXXXX";
            if (!mkdtemp(scratch))
                die("cannot make", scratch);
            bool ok = run_test(wasmtime, *at, names[i], scratch);
            nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
            passed += ok;
            failed += !ok;
            if (!ok || verbose)
                printf("%s %s/%s\n", ok ? "ok" : "FAIL", *at, names[i]);
        }
    }
    printf("wasi: %d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed != 0;
}
