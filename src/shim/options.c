/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The options are checked by the parser of the command line, before the container is made. */
#include "shim/options.h"

#include "cli/cmdline.h"

#define PREFIX "io.wasmtime."

enum { MAX_VALUE = 4096 };

/* Less address space than that has no room for the memories that code expects otherwise. */
#define ROOM ((json_int_t)8 << 30)
#define WITHOUT_ROOM "--optimize=memory-reservation=0,memory-guard-size=65536"

typedef struct OptionRow {
    const char *name, *flag;
    bool engine;
} OptionRow;

/* clang-format off */
static const OptionRow rows[] = {
    {"wasm", "--wasm=", true},
    {"optimize", "--optimize=", true},
    {"wasi", "--wasi=", false},
    {"sandbox", NULL, false}, /* how the container is made: not the executor's */
};
/* clang-format on */

#define DIRS "dirs"       /* one more: folders instead of all */
#define SANDBOX "sandbox" /* and one that is read elsewhere */

static void push(GuestOptions *o, const char *flag, const char *value, usize n)
{
    Buf b = {0};
    buf_str(&b, str_of(flag));
    buf_bytes(&b, value, n);
    vec_push(&o->words, buf_take_string(&b));
}

static void add_dirs(GuestOptions *o, const char *value)
{
    do {
        usize n = strcspn(value, ",");
        push(o, "--dir=", value, n);
        value += n + (value[n] == ',');
    } while (*value);
}

static Error *add(GuestOptions *o, const char *name, const char *value)
{
    if (!value || strlen(value) > MAX_VALUE || strpbrk(value, "\r\n"))
        return error_new("the annotation " PREFIX "%.100s is not one line of text", name);
    if (strcmp(name, DIRS) == 0) {
        add_dirs(o, value);
        return NULL;
    }
    if (strcmp(name, SANDBOX) == 0)
        return NULL;
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(name, rows[i].name) != 0)
            continue;
        if (!rows[i].flag)
            return NULL;
        push(o, rows[i].flag, value, strlen(value));
        if (rows[i].engine)
            o->engine[o->nengine++] = o->words.p[o->words.n - 1];
        return NULL;
    }
    return error_new("unknown annotation: " PREFIX "%.100s", name);
}

/* As if the words from `first` on stood on the command line of `run`. */
static Error *check(const GuestOptions *o, u32 first)
{
    VEC(char *) argv = {0};
    CmdLine c;
    CmdLineEnd end;
    Buf text = {0};
    vec_push(&argv, (char *)"run");
    for (u32 i = first; i < o->words.n; i++)
        if (strcmp(o->words.p[i], "--dir=") != 0)
            vec_push(&argv, o->words.p[i]);
    vec_push(&argv, (char *)"-");
    Error *e = cmdline_parse(&c, (int)argv.n, argv.p, &text, &end);
    if (!e && end != CMDLINE_RUN)
        e = error_new("help is no option of a container");
    if (!e)
        e = options_check(&c.options);
    cmdline_release(&c);
    buf_release(&text);
    vec_release(&argv);
    return e;
}

/* Each by itself, so that the error names it. */
static Error *read_one(GuestOptions *o, const char *key, const char *value)
{
    u32 first = o->words.n;
    Error *e = add(o, key + strlen(PREFIX), value);
    return e ? e : error_wrap(check(o, first), "the annotation %.100s", key);
}

/* Does the process have a limit of its address space that is low? */
static bool is_narrow(const Bundle *b)
{
    usize i;
    json_t *limit;
    json_array_foreach(json_object_get(json_object_get(b->config, "process"), "rlimits"), i, limit)
    {
        const char *type = json_string_value(json_object_get(limit, "type"));
        const json_t *soft = json_object_get(limit, "soft");
        if (type && strcmp(type, "RLIMIT_AS") == 0 && json_is_integer(soft))
            return json_integer_value(soft) >= 0 && json_integer_value(soft) < ROOM;
    }
    return false;
}

Error *guest_options_read(const Bundle *b, GuestOptions *ret_options)
{
    const char *key;
    json_t *value;
    GuestOptions *o = ret_options;
    Error *e = NULL;
    *o = (GuestOptions){0};
    if (is_narrow(b)) { /* what the annotations say comes behind it */
        push(o, WITHOUT_ROOM, "", 0);
        o->engine[o->nengine++] = o->words.p[0];
    }
    json_object_foreach(json_object_get(b->config, "annotations"), key, value)
    {
        if (!e && str_starts(str_of(key), STR(PREFIX)))
            e = read_one(o, key, json_string_value(value));
    }
    if (!e && o->words.n > 0)
        e = check(o, 0);
    return error_wrap(e, "the annotations of the container are not right");
}

void guest_options_release(GuestOptions *o)
{
    for (u32 i = 0; i < o->words.n; i++)
        mem_free(o->words.p[i]);
    vec_release(&o->words);
}

char *guest_word_make(const GuestOptions *o, const char *func)
{
    Buf b = {0};
    for (u32 i = 0; i < o->words.n; i++)
        buf_printf(&b, "%s\n", o->words.p[i]);
    if (b.n > 0 || *func == '-')
        buf_str(&b, STR("--\n"));
    buf_str(&b, str_of(func));
    return buf_take_string(&b);
}

char *guest_word_read(char *word, GuestOptions *ret_options)
{
    *ret_options = (GuestOptions){0};
    while (*word == '-') {
        char *end = strchr(word, '\n');
        if (!end)
            return word; /* not of guest_word_make */
        *end = 0;
        char *line = word;
        word = end + 1;
        if (strcmp(line, "--") == 0)
            break;
        vec_push(&ret_options->words, line);
    }
    return word;
}
