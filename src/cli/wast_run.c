/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The script runner. A command either does what the script says or ends the script with an error
 * that names its line. A module that needs a proposal without a compiler yet ends the script with
 * an error that says "not supported by this build".
 */
#include "cli/file.h"
#include "cli/wast_priv.h"
#include "wit/text/ctext.h"

#include <unistd.h>

static Str keep(WastRun *r, Str s)
{
    return (Str){arena_strdup(&r->arena, s), s.n};
}

/* All messages of a chain in one text; own. */
static char *chain_text(const Error *e)
{
    Buf out = {0};
    for (; e; e = e->cause)
        buf_printf(&out, "%s%s", e->message, e->cause ? ": " : "");
    return buf_take_string(&out);
}

/*
 * Words of the suite and others of ours that are as good: Wasmtime has one text where the suite's
 * reference interpreter has several, and bytes that end early are noticed before what they spoil.
 */
static const struct {
    const char *expected, *ours;
} synonyms[] = {
    {"uninitialized element ", "uninitialized element"},
    {"was not found", "not defined"},
    {"expected resource found func", "something else is defined"},
    {"expected instance found func", "something else is defined"},
    {"invalid string escape", "illegal escape in a string"},
    {"null function reference", "null reference"},
    {"null structure reference", "null reference"},
    {"null array reference", "null reference"},
    {"null i31 reference", "null reference"},
    {"null exception reference", "null reference"},
    {"expected shared memory", "atomic wait on non-shared memory"},
    {"integer representation too long", "unexpected end"},
    {"integer too large", "unexpected end"},
    {"integer representation too long", "malformed section id 128"},
    {"integer representation too long", "malformed definition type 0xe0"},
    {"integer too large", "malformed section id 128"},
    {"section size mismatch", "unexpected end"},
    {"malformed limits flags", "unexpected end"},
    {"length out of bounds", "unexpected end"},
    {"unexpected content after last section", "function and code section have inconsistent"},
    {"operators remaining after end", "section size mismatch: unexpected content after the end"},
    {"overflow calculating table allocation size", "failed to allocate a table"},
    {"type mismatch: instruction requires [i32] but stack has []", "type mismatch: expected i32"},
    {"type mismatch: instruction requires [i32] but stack has [i64]",
     "type mismatch: expected i32, found i64"},
};

static bool message_matches(const char *actual, Str expected)
{
    usize n = strlen(actual);
    if (!expected.n || memmem(actual, n, expected.p, expected.n))
        return true;
    for (usize i = 0; i < ARRAY_LEN(synonyms); i++)
        if (str_starts(expected, str_of(synonyms[i].expected)) && strstr(actual, synonyms[i].ours))
            return true;
    return false;
}

MUST_CHECK static Error *wrong_message(const char *what, Str expected, const char *actual)
{
    return error_new("%s: expected \"%.*s\", got \"%s\"", what, STR_ARG(expected), actual);
}

MUST_CHECK static Error *unsupported(const char *what)
{
    return error_new("%s: not supported by this build", what);
}

/* --- modules --- */

static char *compiled_path(const WastRun *r, const char *directory)
{
    Buf b = {0};
    Str base = path_base(r->path);
    buf_printf(&b, "%s/%.*s.%u.cwasm", directory, STR_ARG(base), r->nmodules);
    return buf_take_string(&b);
}

/* From bytes or from the directory of compiled modules. */
MUST_CHECK static Error *make_module(WastRun *r, const Buf *binary, Diag *diag, Module **ret_module)
{
    if (r->o->load) {
        char *path = compiled_path(r, r->o->load);
        Buf image = {0};
        Error *e = access(path, F_OK) == 0 ? file_read(path, &image) : NULL;
        bool found = image.n > 0;
        if (!e && found)
            e = engine_module_load(r->engine, image.p, image.n, ret_module);
        buf_release(&image);
        mem_free(path);
        if (e || found)
            return e;
    }
    Module *m;
    Error *e = engine_module_new(r->engine, binary->p, binary->n, diag, &m);
    if (!e && r->o->save) {
        char *path = compiled_path(r, r->o->save);
        Buf image = {0};
        e = engine_module_serialize(r->engine, m, &image);
        if (!e)
            e = file_write(path, image.p, image.n);
        buf_release(&image);
        mem_free(path);
        if (e)
            module_unref(m);
    }
    if (!e)
        *ret_module = m;
    return e;
}

static void release_definition(WastDefinition d)
{
    if (d.module)
        module_unref(d.module);
    component_unref(d.component);
}

/*
 * Text or bytes to a module or component. What is wrong with it is in *diag and the error; an error
 * with a good *diag is one of our own.
 */
MUST_CHECK static Error *build(WastRun *r, const WastModule *m, Diag *diag,
                               WastDefinition *ret_definition)
{
    Buf binary = {0};
    diag_init(diag);
    if (!m->is_component)
        r->nmodules++;
    if (!wast_module_binary(r->script, m, &binary, NULL, diag))
        return error_new("%s", diag->msg);
    *ret_definition = (WastDefinition){0};
    Error *e = m->is_component ? wast_component_build(r, &binary, diag, &ret_definition->component)
                               : make_module(r, &binary, diag, &ret_definition->module);
    buf_release(&binary);
    return e;
}

MUST_CHECK static Error *instantiate(WastRun *r, WastDefinition d, WastInstance *ret_instance)
{
    *ret_instance = (WastInstance){0};
    return d.component ? wast_component_instantiate(r, d.component, &ret_instance->component)
                       : linker_instantiate(r->linker, d.module, &ret_instance->core);
}

/* As in Wasmtime's scripts, what has a name can be imported by it without being registered. */
MUST_CHECK static Error *add_instance(WastRun *r, Str name, WastInstance i)
{
    r->last = i;
    vec_push(&r->all_instances, i);
    if (!name.n)
        return NULL;
    map_set(&r->instances, keep(r, name), r->all_instances.n - 1);
    return i.core ? linker_define_instance(r->linker, name, i.core) : NULL;
}

static void add_definition(WastRun *r, Str name, WastDefinition d)
{
    vec_push(&r->all_definitions, d);
    if (name.n)
        map_set(&r->definitions, keep(r, name), r->all_definitions.n - 1);
}

MUST_CHECK static Error *run_module(WastRun *r, const WastModule *m)
{
    Diag diag;
    WastDefinition d;
    Error *e = build(r, m, &diag, &d);
    if (e)
        return e;
    if (m->is_definition) {
        add_definition(r, m->name, d);
        return NULL;
    }
    WastInstance i;
    e = instantiate(r, d, &i);
    r->last = (WastInstance){0};
    if (!e)
        e = add_instance(r, m->name, i);
    release_definition(d);
    return e;
}

MUST_CHECK static Error *run_instance(WastRun *r, const WastCommand *c)
{
    u64 index = r->all_definitions.n - 1;
    if (r->all_definitions.n == 0 || (c->of.n && !map_get(&r->definitions, c->of, &index)))
        return error_new("no module definition named `%.*s` found", STR_ARG(c->of));
    WastInstance i;
    Error *e = instantiate(r, r->all_definitions.p[index], &i);
    return e ? e : add_instance(r, c->name, i);
}

MUST_CHECK static Error *find_instance(WastRun *r, Str name, WastInstance *ret_instance)
{
    u64 index;
    if (!name.n && (r->last.core || r->last.component))
        *ret_instance = r->last;
    else if (name.n && map_get(&r->instances, name, &index))
        *ret_instance = r->all_instances.p[index];
    else
        return error_new("no instance named `%.*s` found", STR_ARG(name));
    return NULL;
}

MUST_CHECK static Error *run_register(WastRun *r, const WastCommand *c)
{
    WastInstance i;
    Error *e = find_instance(r, c->name, &i);
    if (!e && i.component)
        return error_new("components cannot be registered");
    return e ? e : linker_define_instance(r->linker, c->message, i.core);
}

/* --- actions --- */

/* What an action gave; `component` is of a component's function. */
typedef struct Outcome {
    u32 n;
    const ValType *types;
    ValType global; /* what `types` points to after a get */
    VmVal *vals;    /* own */
    bool is_component;
    WastComponentResult component; /* own */
} Outcome;

static void release_outcome(Outcome *o)
{
    mem_free(o->vals);
    if (o->is_component)
        arena_release(&o->component.arena);
}

/*
 * Calls the function. Two kinds of failure: the returned error is of the script or of ours,
 * *ret_guest (own) is what the call ended with.
 */
MUST_CHECK static Error *call(WastRun *r, const WastAction *a, VmFuncRef *f, Outcome *out,
                              Error **ret_guest)
{
    const FuncType *t = func_type(r->store, f);
    if (a->nargs != t->nparams)
        return error_new("`%.*s` has %u parameters, %u arguments are given", STR_ARG(a->name),
                         t->nparams, a->nargs);
    out->vals = mem_alloc_array(MAX(MAX(t->nparams, t->nresults), 1), sizeof *out->vals);
    for (u32 i = 0; i < a->nargs; i++)
        if (!wast_value_make(r->store, &a->args[i], t->params[i], &out->vals[i]))
            return error_new("argument %u of `%.*s` is not of the parameter's type", i,
                             STR_ARG(a->name));
    *ret_guest = func_call(r->store, f, out->vals);
    out->n = t->nresults;
    out->types = t->results;
    return NULL;
}

MUST_CHECK static Error *act(WastRun *r, const WastAction *a, Outcome *out, Error **ret_guest)
{
    *out = (Outcome){0};
    *ret_guest = NULL;
    WastInstance i;
    Extern e;
    Error *err = find_instance(r, a->module, &i);
    if (err)
        return err;
    if (i.component) {
        out->is_component = true;
        return wast_component_call(i.component, a, &out->component, ret_guest);
    }
    if (!instance_export(i.core, a->name, &e))
        return error_new("no item named `%.*s` found", STR_ARG(a->name));
    if (a->kind == WAST_INVOKE) {
        if (e.kind != EXTERN_FUNC)
            return error_new("the export `%.*s` is not a function", STR_ARG(a->name));
        return call(r, a, e.func, out, ret_guest);
    }
    if (e.kind != EXTERN_GLOBAL)
        return error_new("the export `%.*s` is not a global", STR_ARG(a->name));
    out->vals = mem_dup(global_value(e.global), sizeof *out->vals);
    out->global = global_type(e.global).type;
    out->types = &out->global;
    out->n = 1;
    return NULL;
}

/* --- assertions --- */

MUST_CHECK static Error *compare_results(WastRun *r, const WastCommand *c, const Outcome *out)
{
    if (out->is_component)
        return wast_component_compare(c->results, c->nresults, &out->component);
    if (c->nresults != out->n)
        return error_new("expected %u results, got %u", c->nresults, out->n);
    for (u32 i = 0; i < out->n; i++) {
        const ValType *type = out->types == &out->global ? &out->global : &out->types[i];
        if (wast_value_matches(r->store, &c->results[i], *type, &out->vals[i]))
            continue;
        Buf text = {0};
        buf_printf(&text, "result %u: expected ", i);
        wast_value_print(&c->results[i], &text);
        buf_str(&text, STR(", got "));
        wast_value_print_actual(r->store, *type, &out->vals[i], &text);
        char *z = buf_take_string(&text);
        Error *e = error_new("%s", z);
        mem_free(z);
        return e;
    }
    return NULL;
}

/* An action that must end normally; with results if the command asserts them. */
MUST_CHECK static Error *run_action(WastRun *r, const WastCommand *c)
{
    Outcome out;
    Error *guest, *e = act(r, &c->action, &out, &guest);
    if (!e)
        e = guest;
    if (!e && c->kind == WAST_ASSERT_RETURN)
        e = compare_results(r, c, &out);
    release_outcome(&out);
    return e;
}

/* Judges how a call or an instantiation ended; takes `guest` over. */
MUST_CHECK static Error *expect_trap(const WastCommand *c, bool is_component, Error *guest)
{
    if (!guest)
        return error_new("expected the trap \"%.*s\", but the call returned", STR_ARG(c->message));
    char *text = chain_text(guest);
    bool refused = strstr(text, "not supported by this build") != NULL;
    /*
     * Much of what ends a call between components is no trap with a code; nor is a memory or table
     * that is not to be had, which the words alone tell.
     */
    if (refused || !(error_find(guest, ERROR_TRAP) || is_component || c->has_module)) {
        mem_free(text);
        return error_wrap(guest, "expected the trap \"%.*s\"", STR_ARG(c->message));
    }
    Error *e =
        message_matches(text, c->message) ? NULL : wrong_message("assert_trap", c->message, text);
    mem_free(text);
    error_free(guest);
    return e;
}

MUST_CHECK static Error *assert_trap(WastRun *r, const WastCommand *c)
{
    Error *guest = NULL;
    bool is_component = c->module.is_component;
    if (c->has_module) {
        Diag diag;
        WastDefinition d;
        WastInstance i;
        Error *e = build(r, &c->module, &diag, &d);
        if (e)
            return e;
        guest = instantiate(r, d, &i);
        release_definition(d);
    } else {
        Outcome out;
        Error *e = act(r, &c->action, &out, &guest);
        is_component = out.is_component;
        release_outcome(&out);
        if (e)
            return e;
    }
    return expect_trap(c, is_component, guest);
}

MUST_CHECK static Error *assert_exception(WastRun *r, const WastCommand *c)
{
    Outcome out;
    Error *guest, *e = act(r, &c->action, &out, &guest);
    release_outcome(&out);
    if (e)
        return e;
    if (!guest)
        return error_new("expected an exception, but the call returned");
    char *text = chain_text(guest);
    e = strstr(text, "exception") ? NULL
                                  : wrong_message("assert_exception", STR("exception"), text);
    mem_free(text);
    error_free(guest);
    return e;
}

/* The module must be refused, for the right reason. */
MUST_CHECK static Error *assert_refused(WastRun *r, const WastCommand *c, const char *what,
                                        bool malformed)
{
    Diag diag;
    WastDefinition d;
    Error *e = build(r, &c->module, &diag, &d);
    if (!e) {
        release_definition(d);
        return error_new("%s: expected module to fail to build", what);
    }
    if (diag_ok(&diag) || diag.kind == DIAG_NOT_BUILT)
        return e;
    error_free(e);
    /* The component model's suite calls any binary that it does not want invalid. */
    bool either = c->module.is_component && c->module.form == WAST_MODULE_BINARY;
    if (malformed != (diag.kind == DIAG_MALFORMED) && !either && !r->o->ignore_messages)
        return error_new("%s: the module is %s: %s", what, malformed ? "invalid" : "malformed",
                         diag.msg);
    return r->o->ignore_messages || message_matches(diag.msg, c->message)
               ? NULL
               : wrong_message(what, c->message, diag.msg);
}

MUST_CHECK static Error *assert_unlinkable(WastRun *r, const WastCommand *c)
{
    Diag diag;
    WastDefinition d;
    WastInstance i;
    Error *e = build(r, &c->module, &diag, &d);
    if (e)
        return e;
    Error *guest = instantiate(r, d, &i);
    release_definition(d);
    if (!guest)
        return error_new("expected module to fail to link");
    char *text = chain_text(guest);
    /* A trap while it is made is no failure to link, unless the script's words are those of it. */
    bool any = r->o->ignore_messages && !error_find(guest, ERROR_TRAP);
    if (!any && !message_matches(text, c->message))
        e = wrong_message("assert_unlinkable", c->message, text);
    mem_free(text);
    error_free(guest);
    return e;
}

MUST_CHECK static Error *run_command(WastRun *r, const WastCommand *c)
{
    switch ((WastKind)c->kind) {
    case WAST_MODULE:
        return run_module(r, &c->module);
    case WAST_INSTANCE:
        return run_instance(r, c);
    case WAST_REGISTER:
        return run_register(r, c);
    case WAST_ACTION:
    case WAST_ASSERT_RETURN:
        return run_action(r, c);
    case WAST_ASSERT_TRAP:
    case WAST_ASSERT_EXHAUSTION:
        return assert_trap(r, c);
    case WAST_ASSERT_EXCEPTION:
        return assert_exception(r, c);
    case WAST_ASSERT_SUSPENSION:
        return unsupported("stack switching");
    case WAST_ASSERT_MALFORMED:
        return assert_refused(r, c, "assert_malformed", true);
    case WAST_ASSERT_INVALID:
        return assert_refused(r, c, "assert_invalid", false);
    case WAST_ASSERT_MALFORMED_CUSTOM:
        return assert_refused(r, c, "assert_malformed_custom", true);
    case WAST_ASSERT_INVALID_CUSTOM:
        return assert_refused(r, c, "assert_invalid_custom", false);
    case WAST_ASSERT_UNLINKABLE:
        return assert_unlinkable(r, c);
    case WAST_THREAD:
    case WAST_WAIT:
        return unsupported("threads in scripts (shared memories)");
    }
    BUG("commands of scripts are all listed above");
}

MUST_CHECK static Error *run_commands(WastRun *r, Str source)
{
    Diag diag;
    WastCommand c;
    diag_init(&diag);
    while (wast_next(r->script, &c, &diag)) {
        Error *e = run_command(r, &c);
        if (e)
            return error_wrap(e, "failed directive on %s:%u", r->path, c.line);
    }
    return diag_ok(&diag) ? NULL : text_error(r->path, source, &diag);
}

static void release(WastRun *r)
{
    wast_close(r->script);
    linker_free(r->linker);
    store_free(r->store);
    for (u32 i = 0; i < r->components.n; i++)
        component_instance_free(r->components.p[i]);
    vec_release(&r->components);
    wast_host_free(r->host);
    for (u32 i = 0; i < r->all_definitions.n; i++)
        release_definition(r->all_definitions.p[i]);
    vec_release(&r->all_definitions);
    vec_release(&r->all_instances);
    map_release(&r->instances);
    map_release(&r->definitions);
    arena_release(&r->arena);
}

Error *wast_run(Engine *engine, Store *store, const WastOptions *o, const char *path, Str source)
{
    WastRun r = {.o = o, .engine = engine, .store = store, .path = path};
    r.script = wast_open(source);
    wast_read_components(r.script, component_text_parse_fields);
    arena_init(&r.arena);
    r.linker = linker_new(store);
    linker_allow_shadowing(r.linker, true);
    Error *e = wast_define_spectest(store, r.linker);
    if (!e && o->wasmtime_builtins)
        e = wast_define_builtins(r.store, r.linker);
    if (!e)
        e = run_commands(&r, source);
    release(&r);
    return e;
}
