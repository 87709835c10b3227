/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Components: which function is meant, its arguments, its result. */
#include "cli/run_component.h"

#include "component/wave.h"

#include <stdio.h>

/* --- which function --- */

/* The instance's name in "ns:pkg/interface.func@version", and the function's. */
static bool split_name(Str name, Buf *ret_instance, Str *ret_func)
{
    const char *at = memchr(name.p, '@', name.n);
    usize end = at ? (usize)(at - name.p) : name.n, dot = end;
    while (dot > 0 && name.p[dot - 1] != '.')
        dot--;
    if (dot == 0)
        return false;
    *ret_func = (Str){name.p + dot, end - dot};
    buf_bytes(ret_instance, name.p, dot - 1);
    buf_bytes(ret_instance, name.p + end, name.n - end);
    return true;
}

static bool func_of(const ComponentItems *items, Str name, ComponentFunc **ret_func)
{
    ComponentItem item;
    if (!items_find(items, name, &item) || item.sort != SORT_FUNC)
        return false;
    *ret_func = item.func;
    return true;
}

static bool find_qualified(const ComponentItems *exports, Str name, ComponentFunc **ret_func)
{
    Buf instance = {0};
    Str func;
    ComponentItem item;
    bool found = split_name(name, &instance, &func) &&
                 items_find_version(exports, (Str){(char *)instance.p, instance.n}, &item) &&
                 item.sort == SORT_INSTANCE && func_of(item.instance, func, ret_func);
    buf_release(&instance);
    return found;
}

static void put_candidate(Buf *list, Str instance, Str name)
{
    const char *at = memchr(instance.p, '@', instance.n);
    usize n = at ? (usize)(at - instance.p) : instance.n;
    buf_str(list, list->n ? STR(", `") : STR("`"));
    buf_bytes(list, instance.p, n);
    buf_u8(list, '.');
    buf_str(list, name);
    buf_bytes(list, instance.p + n, instance.n - n);
    buf_u8(list, '`');
}

/* A bare name is looked for in the exported instances, too. */
MUST_CHECK static Error *find_inside(const ComponentItems *exports, Str name,
                                     ComponentFunc **ret_func)
{
    Buf list = {0};
    u32 hits = 0;
    for (u32 i = 0; i < items_count(exports); i++) {
        ComponentItem item = items_nth(exports, i);
        ComponentFunc *f = NULL;
        if (item.sort != SORT_INSTANCE || !func_of(item.instance, name, &f))
            continue;
        *ret_func = f;
        hits++;
        put_candidate(&list, items_name(exports, i), name);
    }
    Error *e = NULL;
    if (hits == 0)
        e = error_new("No exported func named `%.*s` in component.", STR_ARG(name));
    else if (hits > 1)
        e = error_new("Multiple instances contained funcs named `%.*s`, retry with a more specific "
                      "name: %.*s",
                      STR_ARG(name), (int)MIN(list.n, 65536), (char *)list.p);
    buf_release(&list);
    return e;
}

MUST_CHECK static Error *find_func(const ComponentItems *exports, Str name,
                                   ComponentFunc **ret_func)
{
    if (func_of(exports, name, ret_func) || find_qualified(exports, name, ret_func))
        return NULL;
    if (memchr(name.p, ':', name.n) || memchr(name.p, '/', name.n))
        return error_new("No exported func named `%.*s` in component.", STR_ARG(name));
    return find_inside(exports, name, ret_func);
}

/* --- calls --- */

static void print_result(const ComponentTypes *t, const CType *type, const ComponentVal *v)
{
    Buf out = {0};
    if (type->result == CTYPE_NONE)
        buf_str(&out, STR("()"));
    else
        wave_print(t, type->result, v, &out);
    buf_u8(&out, '\n');
    fwrite(out.p, 1, out.n, stdout);
    buf_release(&out);
}

/* `quiet`: what has no result prints nothing. */
MUST_CHECK static Error *call(ComponentFunc *f, const WaveCall *c, bool quiet, Arena *arena)
{
    const ComponentTypes *t = NULL;
    const CType *type = NULL;
    if (!component_func_type(f, &t, &type))
        return error_new("the export is a function of the host");
    ComponentVal *args = arena_array(arena, ComponentVal, MAX(type->n, 1)), result = {0};
    Error *e = wave_parse_args(t, type, c, arena, args);
    if (e)
        return error_wrap(e, "Failed to parse invoke");
    e = component_call(f, args, arena, &result);
    if (e)
        return e;
    if (!quiet || type->result != CTYPE_NONE)
        print_result(t, type, &result);
    return NULL;
}

MUST_CHECK static Error *invoke_text(const ComponentItems *exports, const char *text, bool quiet)
{
    WaveCall c = {0};
    ComponentFunc *f = NULL;
    Error *e = wave_parse_call(str_of(text), &c);
    if (e)
        return error_wrap(e, "Failed to parse invoke");
    e = find_func(exports, c.name, &f);
    if (e)
        return e;
    Arena arena;
    arena_init(&arena);
    e = call(f, &c, quiet, &arena);
    arena_release(&arena);
    return e;
}

/* func() -> result, with nothing in either case. */
static bool is_command(ComponentFunc *f)
{
    const ComponentTypes *t = NULL;
    const CType *type = NULL;
    if (!component_func_type(f, &t, &type) || type->n || type->result == CTYPE_NONE)
        return false;
    const CType *result = ctype_get(t, type->result);
    return result->kind == CT_RESULT && result->fields[0].type == CTYPE_NONE &&
           result->fields[1].type == CTYPE_NONE;
}

MUST_CHECK static Error *run_command(const ComponentItems *exports)
{
    ComponentFunc *f = NULL;
    ComponentItem item;
    if (!items_find_version(exports, STR("wasi:cli/run@0.2.12"), &item) ||
        item.sort != SORT_INSTANCE || !func_of(item.instance, STR("run"), &f))
        return error_new("no exported instance named `wasi:cli/run@0.2.12`");
    if (!is_command(f))
        return error_new("`run` of `wasi:cli/run` is not of the type func() -> result");
    Arena arena;
    arena_init(&arena);
    ComponentVal result = {0};
    Error *e = component_call(f, NULL, &arena, &result);
    bool failed = !e && result.n == 1;
    arena_release(&arena);
    if (failed)
        return error_new_kind(ERROR_EXIT, 1, "exit with status 1");
    return error_wrap(e, "failed to invoke `run` function");
}

/* --- imports that are missing --- */

/* ComponentHint: the option that provides the interface, unless it is on, or that none does. */
static void hint_import(void *arg, Str name, Buf *out)
{
    static const struct {
        const char *prefix, *option;
        OptId id;
    } rows[] = {{"wasi:http/", "http", OPT_S_http},
                {"wasi:config/", "config", OPT_S_config},
                {"wasi:keyvalue/", "keyvalue", OPT_S_keyvalue},
                {"wasi:tls/", NULL, OPT_COUNT},
                {"wasi:nn/", NULL, OPT_COUNT},
                {"wasi:", "cli", OPT_S_cli}};
    const CmdLine *c = arg;
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        if (!str_starts(name, str_of(rows[i].prefix)))
            continue;
        if (!rows[i].option)
            buf_str(out, STR("; this build of wasmtime does not have it yet"));
        else if (!opt_bool(&c->options, rows[i].id))
            buf_printf(out, "; it is there with `-S %s`", rows[i].option);
        return;
    }
}

void run_component_hints(ComponentLinker *l, const CmdLine *c)
{
    component_linker_hint(l, hint_import, (void *)(uintptr_t)c);
}

Error *run_component(const CmdLine *c, Store *s, LoadedComponent *component,
                     const ComponentLinker *l, ComponentInstance **ret_instance)
{
    Error *e = component_instance_new(s, component, l, ret_instance);
    if (e)
        return e;
    const ComponentItems *exports = component_exports(*ret_instance);
    const char *invoked = cmdline_value(c, FLAG_invoke);
    return invoked ? invoke_text(exports, invoked, c->container != NULL) : run_command(exports);
}

Error *run_component_link_http(const CmdLine *c, ComponentLinker *l, WasiP2 *p)
{
    const Options *o = &c->options;
    WasiHttpOptions http = wasi_http_options_default();
    if (!opt_bool(o, OPT_S_http))
        return NULL;
    http.max_fields_size = opt_u64(o, OPT_S_max_http_fields_size);
    http.chunk_size = opt_u64(o, OPT_S_http_outgoing_body_chunk_size);
    http.buffer_chunks = (u32)MIN(opt_u64(o, OPT_S_http_outgoing_body_buffer_chunks), UINT32_MAX);
    return wasi_p2_link_http(l, p, &http);
}
