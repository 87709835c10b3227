/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The option groups: reading values into the table, refusing what is not there yet, help. */
#include "cli/options.h"

#include "cli/value.h"

static const OptDesc descs[] = {
#define OPT(group, id, kind, choices, deflt, support, help)                                        \
    {GROUP_##group, OPT_##kind, OPT_##support, #id, choices, deflt, help},
#include "cli/options.def"
#undef OPT
};

static const GroupDesc groups[] = {
    [GROUP_O] = {'O', "optimize", "optimize"}, [GROUP_C] = {'C', "codegen", "codegen"},
    [GROUP_D] = {'D', "debug", "debug"},       [GROUP_W] = {'W', "wasm", "wasm"},
    [GROUP_S] = {'S', "wasi", "wasi"},         [GROUP_R] = {'R', "record", "record"},
};

const OptDesc *opt_desc(OptId id)
{
    return &descs[id];
}

const GroupDesc *opt_group(OptGroup g)
{
    return &groups[g];
}

void opt_print_key(OptId id, Buf *out)
{
    for (const char *c = descs[id].id; *c; c++)
        buf_u8(out, *c == '_' ? '-' : (u8)*c);
}

/* An enumeration whose first choices are those of a boolean is written like one, too. */
static bool begins_like_bool(const OptDesc *d)
{
    return d->kind == OPT_ENUM && str_starts(str_of(d->choices), STR("y|n|"));
}

/* The key alone says yes. */
static bool needs_value(const OptDesc *d)
{
    return d->kind != OPT_BOOL && d->kind != OPT_AUTO && !begins_like_bool(d);
}

void opt_print_value(OptId id, Buf *out)
{
    switch ((OptKind)descs[id].kind) {
    case OPT_BOOL:
        buf_str(out, STR("[=y|n]"));
        break;
    case OPT_NUM:
    case OPT_SIZE:
        buf_str(out, STR("=N"));
        break;
    case OPT_DURATION:
        buf_str(out, STR("=N|Ns|Nms|.."));
        break;
    case OPT_TEXT:
    case OPT_LIST:
        buf_str(out, STR("=val"));
        break;
    case OPT_PATH:
        buf_str(out, STR("=path"));
        break;
    case OPT_ENUM:
        buf_printf(out, begins_like_bool(&descs[id]) ? "[=%s]" : "=%s", descs[id].choices);
        break;
    case OPT_AUTO:
        buf_str(out, STR("[=y|n|auto]"));
        break;
    case OPT_PAIR:
        buf_str(out, STR("=<name>=<val>"));
        break;
    case OPT_PREFIX:
        buf_str(out, STR("-KEY[=val]"));
        break;
    }
}

/* The key as it is written against the id of a row. */
static bool key_matches(const char *id, Str key)
{
    usize i = 0;
    for (; i < key.n && id[i]; i++)
        if ((id[i] == '_' ? '-' : id[i]) != key.p[i])
            return false;
    return i == key.n && !id[i];
}

OptId options_find(OptGroup group, Str key, Str *ret_rest)
{
    for (u32 i = 0; i < OPT_COUNT; i++) {
        if (descs[i].group != group)
            continue;
        usize n = strlen(descs[i].id);
        if (descs[i].kind == OPT_PREFIX && key.n > n + 1 && key.p[n] == '-' &&
            key_matches(descs[i].id, (Str){key.p, n})) {
            /* A row of the full name wins over the prefix; it comes first in the table. */
            *ret_rest = (Str){key.p + n + 1, key.n - n - 1};
            return (OptId)i;
        }
        if (descs[i].kind != OPT_PREFIX && key_matches(descs[i].id, key))
            return (OptId)i;
    }
    return OPT_COUNT;
}

MUST_CHECK static Error *bad_value(const OptDesc *d, Str v)
{
    switch ((OptKind)d->kind) {
    case OPT_BOOL:
        return error_new("unknown boolean flag `%.*s`, expected y, yes, true, n, no or false",
                         STR_ARG(v));
    case OPT_ENUM:
        return error_new("unknown value `%.*s`, expected one of %s", STR_ARG(v), d->choices);
    case OPT_AUTO:
        return error_new("unknown value `%.*s`, expected y, n or auto", STR_ARG(v));
    case OPT_DURATION:
        return error_new("`%.*s` is not a duration, expected a number with s, ms, us or ns",
                         STR_ARG(v));
    case OPT_NUM:
    case OPT_SIZE:
        return error_new("`%.*s` is not a number that fits 64 bits, decimal or 0x-hexadecimal",
                         STR_ARG(v));
    case OPT_LIST: /* graphs are the only ones that are looked at */
        return error_new("graph does not contain `::` separator for directory");
    case OPT_PAIR:
    case OPT_TEXT:
    case OPT_PATH:
    case OPT_PREFIX:
        break;
    }
    BUG("this kind takes any text");
}

static Str copy_str(Options *o, Str s)
{
    return (Str){arena_strdup(&o->arena, s), s.n};
}

/* Reads the text into the value; false if it does not fit the kind. */
static bool read_value(Options *o, OptId id, Str s, OptValue *v)
{
    const OptDesc *d = &descs[id];
    bool yes = false;
    switch ((OptKind)d->kind) {
    case OPT_AUTO:
        if (str_eq(s, STR("auto"))) {
            v->n = AUTO_AUTO;
            return true;
        }
        __attribute__((fallthrough));
    case OPT_BOOL:
        if (!value_bool(s, &yes))
            return false;
        v->n = yes;
        return true;
    case OPT_NUM:
        return value_number(s, &v->n);
    case OPT_SIZE:
        return value_size(s, &v->n);
    case OPT_DURATION:
        return value_duration(s, &v->n);
    case OPT_ENUM:
        if (begins_like_bool(d) && value_bool(s, &yes))
            s = yes ? STR("y") : STR("n");
        if (!value_choice(s, d->choices, &v->n))
            return false;
        v->text = copy_str(o, s).p;
        return true;
    case OPT_TEXT:
    case OPT_PATH:
        v->text = copy_str(o, s).p;
        return true;
    case OPT_PAIR: {
        Buf pair = {0};
        buf_str(&pair, s);
        if (!memchr(s.p, '=', s.n)) /* an empty value */
            buf_u8(&pair, '=');
        vec_push(&v->list, copy_str(o, (Str){(char *)pair.p, pair.n}));
        buf_release(&pair);
        return true;
    }
    case OPT_LIST:
        if (id == OPT_S_nn_graph && !memmem(s.p, s.n, "::", 2))
            return false;
        __attribute__((fallthrough));
    case OPT_PREFIX:
        vec_push(&v->list, copy_str(o, s));
        return true;
    }
    return false;
}

void options_init(Options *o)
{
    *o = (Options){0};
    arena_init(&o->arena);
    for (u32 i = 0; i < OPT_COUNT; i++)
        if (*descs[i].deflt)
            ALWAYS(read_value(o, (OptId)i, str_of(descs[i].deflt), &o->values[i]));
}

void options_release(Options *o)
{
    for (u32 i = 0; i < OPT_COUNT; i++)
        vec_release(&o->values[i].list);
    arena_release(&o->arena);
}

Error *options_set_from_file(Options *o, OptId id, Str value)
{
    OptValue *v = &o->values[id];
    if (v->given && !v->from_file)
        return NULL;
    if (!read_value(o, id, value, v))
        return bad_value(&descs[id], value);
    v->given = v->from_file = true;
    return NULL;
}

/* The closest key of the group, OPT_COUNT if nothing is near. */
static OptId nearest_key(OptGroup group, Str key)
{
    u32 best = MIN((u32)key.n / 2, 3) + 1;
    OptId found = OPT_COUNT;
    for (u32 i = 0; i < OPT_COUNT; i++) {
        if (descs[i].group != group)
            continue;
        Buf name = {0};
        opt_print_key((OptId)i, &name);
        u32 d = typo_distance(key, (Str){(char *)name.p, name.n}, best);
        buf_release(&name);
        if (d < best) {
            best = d;
            found = (OptId)i;
        }
    }
    return found;
}

MUST_CHECK static Error *unknown_key(OptGroup group, Str key)
{
    const GroupDesc *g = &groups[group];
    Buf text = {0};
    buf_printf(&text, "unknown -%c / --%s option: %.*s", g->letter, g->name, STR_ARG(key));
    OptId near = nearest_key(group, key);
    if (near < OPT_COUNT) {
        buf_printf(&text, "\n\n  tip: did you mean `-%c ", g->letter);
        opt_print_key(near, &text);
        buf_printf(&text, "`? `-%c help` lists them all", g->letter);
    }
    Error *e =
        error_new_kind(ERROR_USAGE, USAGE_PLAIN, "%.*s", STR_ARG(((Str){(char *)text.p, text.n})));
    buf_release(&text);
    return e;
}

/* One "key" or "key=value". */
MUST_CHECK static Error *parse_item(Options *o, OptGroup group, Str item)
{
    const char *eq = memchr(item.p, '=', item.n);
    Str key = {item.p, eq ? (usize)(eq - item.p) : item.n}, rest = {0};
    OptId id = options_find(group, key, &rest);
    if (id == OPT_COUNT)
        return unknown_key(group, key);
    const OptDesc *d = &descs[id];
    Str value = eq ? (Str){eq + 1, item.n - key.n - 1} : STR("y");
    Error *e = NULL;
    OptValue *v = &o->values[id];
    if (d->kind == OPT_PREFIX)
        value = (Str){rest.p, (usize)(item.p + item.n - rest.p)};
    else if (!eq && needs_value(d))
        e = error_new("a value is missing, write `%.*s=VALUE`", STR_ARG(key));
    if (!e && !read_value(o, id, value, v))
        e = bad_value(d, value);
    if (e) {
        Error *usage =
            error_new_kind(ERROR_USAGE, USAGE_PLAIN, "failed to parse -%c option `%.*s`: %s",
                           groups[group].letter, STR_ARG(item), e->message);
        error_free(e);
        return usage;
    }
    v->given = true;
    v->from_file = false;
    return NULL;
}

Error *options_parse(Options *o, OptGroup group, Str list)
{
    const char *at = list.p, *end = list.p + list.n;
    for (;;) {
        const char *comma = memchr(at, ',', (usize)(end - at));
        Error *e = parse_item(o, group, (Str){at, (usize)((comma ? comma : end) - at)});
        if (e || !comma)
            return e;
        at = comma + 1;
    }
}

/* Does the value say what the default says? Text and lists have no default. */
static bool is_default(OptId id, const OptValue *v)
{
    Options fresh;
    options_init(&fresh);
    bool same = v->list.n == 0 && v->n == fresh.values[id].n && *descs[id].deflt;
    options_release(&fresh);
    return same;
}

/* Was it given, with another value than the default? */
static bool is_asked_for(const Options *o, u32 id)
{
    return o->values[id].given && !is_default((OptId)id, &o->values[id]);
}

/* Wasmtime's own words where it lacks the same, or refuses the same without the pool. */
static const struct {
    OptId id;
    const char *text;
} refusals[] = {
    {OPT_O_pooling_memory_protection_keys, "memory protection keys require the pooling allocator"},
    {OPT_W_wmemcheck, "wmemcheck (memory checker) was requested but is not enabled in this build"},
    {OPT_R_path, "support for rr disabled at compile time"},
};

MUST_CHECK static Error *refuse(u32 id)
{
    for (usize i = 0; i < ARRAY_LEN(refusals); i++)
        if ((u32)refusals[i].id == id)
            return error_new("%s", refusals[i].text);
    const OptDesc *d = &descs[id];
    char letter = groups[d->group].letter;
    Buf key = {0};
    opt_print_key((OptId)id, &key);
    Str k = {(char *)key.p, key.n};
    Error *e =
        d->support == OPT_GONE
            ? error_new("the `-%c%.*s` flag is no longer supported", letter, STR_ARG(k))
            : error_new("this build of wasmtime does not have `-%c %.*s` yet", letter, STR_ARG(k));
    buf_release(&key);
    return e;
}

/* Graphs are loaded where wasi-nn is on, and no backend loads them here. */
MUST_CHECK static Error *check_nn(const Options *o)
{
    const OptValue *graphs = &o->values[OPT_S_nn_graph];
    if (!opt_bool(o, OPT_S_nn) || graphs->list.n == 0)
        return NULL;
    Str first = graphs->list.p[0];
    const char *at = memmem(first.p, first.n, "::", 2);
    return error_new("unsupported backend: %.*s", (int)(at ? (usize)(at - first.p) : first.n),
                     first.p);
}

Error *options_check(const Options *o)
{
    for (u32 i = 0; i < OPT_COUNT; i++) {
        u8 support = descs[i].support;
        if ((support == OPT_NOT_YET || support == OPT_GONE) && is_asked_for(o, i))
            return refuse(i);
    }
    return check_nn(o);
}

Error *options_check_program(const Options *o, bool component)
{
    static const struct {
        OptId id;
        enum {
            REFUSED,
            NOT_YET,
            WORKS,
            CORE
        } component; /* what it is there; REFUSED with `text`,
                      * CORE, too, which works elsewhere */
        const char *text;
    } rows[] = {
        {OPT_S_listenfd, REFUSED, "components do not support --listenfd"},
        {OPT_S_tcplisten, REFUSED, "components do not support --tcplisten"},
        {OPT_W_unknown_imports_default, CORE,
         "components cannot be run with `-W unknown-imports-default`"},
        {OPT_W_unknown_exports_allow, CORE,
         "--allow-unknown-exports not supported with components"},
        {OPT_S_config, WORKS, "Cannot enable wasi-config for core wasm modules"},
        {OPT_S_keyvalue, WORKS, "Cannot enable wasi-keyvalue for core wasm modules"},
        {OPT_S_http, WORKS, "Cannot enable wasi-http for core wasm modules"},
        {OPT_S_tls, NOT_YET, "Cannot enable wasi-tls for core wasm modules"},
    };
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        if (!is_asked_for(o, rows[i].id) || rows[i].component == (component ? WORKS : CORE))
            continue;
        bool not_yet = component && rows[i].component == NOT_YET;
        return not_yet ? refuse(rows[i].id) : error_new("%s", rows[i].text);
    }
    return NULL;
}

static void help_row(OptId id, usize width, Buf *out)
{
    const OptDesc *d = &descs[id];
    Buf key = {0};
    opt_print_key(id, &key);
    usize key_size = key.n;
    opt_print_value(id, &key);
    /* Keys end and values begin in the same column. */
    usize value_size = key.n - key_size;
    buf_printf(out, "  -%c %*s%.*s -- %s", groups[d->group].letter,
               (int)(width > key_size + value_size ? width - key_size - value_size : 0), "",
               STR_ARG(((Str){(char *)key.p, key.n})), d->help);
    if (*d->deflt)
        buf_printf(out, " (default %s)", d->deflt);
    buf_str(out, STR("\n"));
    buf_release(&key);
}

static void help_long_row(OptId id, Buf *out)
{
    static const char *const state[] = {
        [OPT_WORKS] = NULL,
        [OPT_HINT] = "Accepted; it does not change what a core module does.",
        [OPT_NOT_YET] = "Not in this build yet: only the default is accepted.",
        [OPT_NOT_CORE] = "Refused with core modules, as in Wasmtime.",
        [OPT_GONE] = "Refused.",
    };
    const OptDesc *d = &descs[id];
    buf_printf(out, "  -%c ", groups[d->group].letter);
    opt_print_key(id, out);
    opt_print_value(id, out);
    buf_printf(out, " --\n\n        %s.\n", d->help);
    if (*d->deflt)
        buf_printf(out, "        Default: %s.\n", d->deflt);
    if (state[d->support])
        buf_printf(out, "        %s\n", state[d->support]);
    buf_str(out, STR("\n"));
}

void options_help(OptGroup group, bool long_form, Buf *out)
{
    const GroupDesc *g = &groups[group];
    usize width = 0;
    for (u32 i = 0; i < OPT_COUNT; i++) {
        Buf key = {0};
        opt_print_key((OptId)i, &key);
        opt_print_value((OptId)i, &key);
        if (descs[i].group == group)
            width = MAX(width, key.n);
        buf_release(&key);
    }
    buf_printf(out, "Available %s options:\n\n", g->name);
    for (u32 i = 0; i < OPT_COUNT; i++) {
        if (descs[i].group != group)
            continue;
        if (long_form)
            help_long_row((OptId)i, out);
        else
            help_row((OptId)i, width, out);
    }
    if (!long_form)
        buf_printf(out, "\npass `-%c help-long` to see longer-form explanations\n", g->letter);
}
