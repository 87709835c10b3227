/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What components may try against each other and the host: the sections of component.wast, a test
 * each, and what needs a host's function, a clock or many variants. After each, another component
 * runs in the same engine.
 */
#include "cli/file.h"
#include "cli/wast_run.h"
#include "component/instance.h"
#include "unit/test.h"
#include "wit/text/ctext.h"

#include <stdio.h>

static Engine *engine_with(const EngineConfig *c)
{
    Engine *engine = NULL;
    if (engine_new(c, &engine))
        test_skip("no such processor");
    return engine;
}

static Engine *engine_of(bool fuel)
{
    EngineConfig c;
    engine_config_init(&c);
    c.tunables.fuel = fuel;
    return engine_with(&c);
}

/* How memories are bounded, and who carries values between components. */
enum { GUARDS, NO_RESERVATION, NO_SIGNALS, TREES, MODES };

static Engine *engine_in(u32 mode)
{
    static const char *const names[] = {"guards", "no reservation", "no signals", "trees"};
    EngineConfig c;
    engine_config_init(&c);
    if (mode == NO_RESERVATION)
        c.tunables.memory_reservation = c.tunables.memory_guard = 0;
    c.tunables.signal_traps &= mode != NO_SIGNALS;
    if (mode == TREES) /* adapters have two memories */
        c.features &= ~FEATURE_MASK(MULTI_MEMORY);
    printf("mode: %s\n", names[mode]);
    return engine_with(&c);
}

static void run_script(Engine *engine, const char *name, Str text)
{
    Store *store = NULL;
    EXPECT(!engine_store_new(engine, &store));
    store_set_fuel(store, (u64)1 << 40);
    WastOptions o = {.component_features = component_features_default() |
                                           COMPONENT_FEATURE_MASK(ASYNC_STACKFUL) |
                                           COMPONENT_FEATURE_MASK(MORE_ASYNC_BUILTINS)};
    Error *e = wast_run(engine, store, &o, name, text);
    if (e) {
        Buf out = {0};
        error_format(e, &out);
        test_fail(__FILE__, __LINE__, "%.*s", (int)out.n, (const char *)out.p);
    }
}

/* Nothing of what came before may be felt. */
static void expect_unharmed(Engine *engine)
{
    run_script(engine, "unharmed",
               STR("(component (core module $m (memory (export \"m\") 1)"
                   " (func (export \"r\") (param i32 i32 i32 i32) (result i32) (i32.const 8))"
                   " (func (export \"f\") (param i32 i32) (result i32) (local.get 1)))"
                   " (core instance $i (instantiate $m))"
                   " (func (export \"f\") (param \"s\" string) (result u32) (canon lift"
                   "  (core func $i \"f\") (memory (core memory $i \"m\"))"
                   "  (realloc (core func $i \"r\")))))"
                   "(assert_return (invoke \"f\" (str.const \"abc\")) (u32.const 3))"));
}

/* From the section's heading to the next one. */
static void run_section(const char *name)
{
    Buf file = {0};
    EXPECT(!file_read("tests/security/component.wast", &file));
    buf_u8(&file, 0);
    char heading[64];
    snprintf(heading, sizeof heading, ";; ==== %s\n", name);
    const char *at = strstr((const char *)file.p, heading);
    EXPECT(at);
    const char *end = strstr(at + 1, ";; ====");
    for (u32 mode = 0; mode < MODES; mode++) {
        Engine *engine = engine_in(mode);
        run_script(engine, name, (Str){at, end ? (usize)(end - at) : strlen(at)});
        expect_unharmed(engine);
        engine_free(engine);
    }
    buf_release(&file);
}

#define SECTION(name)                                                                              \
    TEST(security_component_##name)                                                                \
    {                                                                                              \
        run_section(#name);                                                                        \
    }
SECTION(handles)
SECTION(borrow_kept)
SECTION(destructors)
SECTION(lifted_intrinsics)
SECTION(post_return)
SECTION(post_return_order)
SECTION(hostile_realloc)
SECTION(bad_strings)
SECTION(bad_lists)
SECTION(bad_results_to_the_host)
SECTION(type_bombs)
SECTION(unused_bytes)
SECTION(dead_instances)

/* task.return never, twice, with another type; context slots of calls; backpressure. */
TEST(security_component_tasks)
{
    Buf file = {0};
    EXPECT(!file_read("tests/component/tasks.wast", &file));
    Engine *engine = engine_of(false);
    run_script(engine, "tasks", (Str){(const char *)file.p, file.n});
    expect_unharmed(engine);
    engine_free(engine);
    buf_release(&file);
}

/* --- CVE-2026-34941: all pairs of encodings, at the end of memory and beyond --- */

/* The encodings, and what a length of one code unit is of them. */
static const struct {
    const char *option;
    u32 unit, tag;
} encodings[] = {
    {"utf8", 1, 0},
    {"utf16", 2, 0},
    {"latin1+utf16", 1, 0},
    {"latin1+utf16", 2, 0x80000000},
};
enum { PAGE = 65536 };

static void put_string_components(Buf *out, usize from, usize to)
{
    buf_printf(
        out,
        "(component definition $T"
        " (component $C"
        "  (core module $m (memory (export \"m\") 4) (global $at (mut i32) (i32.const 0))"
        "   (func (export \"r\") (param i32 i32 i32 i32) (result i32) (i32.const 1024))"
        "   (func (export \"f\") (param i32 i32) (result i32) (local.get 1)))"
        "  (core instance $i (instantiate $m))"
        "  (func (export \"f\") (param \"s\" string) (result u32) (canon lift (core func $i \"f\")"
        "   (memory (core memory $i \"m\")) (realloc (core func $i \"r\")) string-encoding=%s)))"
        " (instance $c (instantiate $C))"
        " (component $D (import \"f\" (func $f (param \"s\" string) (result u32)))"
        "  (core module $m (memory (export \"m\") 1)) (core instance $m (instantiate $m))"
        "  (core func $f' (canon lower (func $f) (memory (core memory $m \"m\"))"
        "   string-encoding=%s))"
        "  (func (export \"f\") (param \"p\" u32) (param \"n\" u32) (result u32)"
        "   (canon lift (core func $f'))))"
        " (instance $d (instantiate $D (with \"f\" (func $c \"f\"))))"
        " (export \"f\" (func $d \"f\")))\n",
        encodings[to].option, encodings[from].option);
}

static void put_call(Buf *out, u32 ptr, u32 units, usize from, bool good)
{
    buf_printf(out, "(component instance $i $T)\n%s(invoke \"f\" (u32.const %u) (u32.const %u))",
               good ? "" : "(assert_trap ", ptr, units | encodings[from].tag);
    if (!good)
        buf_str(out, STR(" \"string content out-of-bounds\")"));
    buf_u8(out, '\n');
}

TEST(security_component_strings_end_with_memory)
{
    Engine *engine = engine_of(false);
    for (usize from = 0; from < ARRAY_LEN(encodings); from++) {
        for (usize to = 0; to < ARRAY_LEN(encodings) - 1; to++) {
            Buf b = {0};
            u32 unit = encodings[from].unit;
            put_string_components(&b, from, to);
            put_call(&b, PAGE - 8 * unit, 8, from, true);
            put_call(&b, PAGE, 0, from, true);
            put_call(&b, PAGE - 8 * unit, 9, from, false);
            put_call(&b, 65520, unit == 2 ? 10 : 17, from, false);
            put_call(&b, 0, 0x7fffffff, from, false);
            put_call(&b, 0xfffffffe, 1, from, false);
            put_call(&b, 0xfffffffe, 0x7fffffff, from, false);
            run_script(engine, "strings", (Str){(const char *)b.p, b.n});
            buf_release(&b);
        }
    }
    expect_unharmed(engine);
    engine_free(engine);
}

/* --- CVE-2026-35195, CVE-2026-34942: the later calls of realloc, for all pairs --- */

/* A text in an encoding, and how many calls of realloc each target needs: utf8, utf16,
 * latin1+utf16; and the length that it has there. */
static const struct {
    u32 from; /* of `encodings` */
    const char *bytes;
    u32 n, calls[3], length[3];
} texts[] = {
    {0, "abcd", 4, {1, 1, 1}, {4, 4, 4}},
    {0, "a\\c3\\a9b", 4, {1, 2, 2}, {4, 3, 3}},
    {0, "a\\c4\\80b", 4, {1, 2, 3}, {4, 3, 0x80000003}},
    {0, "\\c3\\8b\\e2\\94\\9b", 5, {1, 2, 3}, {5, 2, 0x80000002}},
    {1, "a\\00b\\00", 2, {1, 1, 1}, {2, 2, 2}},
    {1, "a\\00\\e9\\00b\\00", 3, {3, 1, 1}, {4, 3, 3}},
    {1, "a\\00\\00\\01b\\00", 3, {3, 1, 2}, {4, 3, 0x80000003}},
    {1, "a\\00\\3d\\d8\\00\\deb\\00", 4, {3, 1, 2}, {6, 4, 0x80000004}},
    {2, "abcd", 4, {1, 1, 1}, {4, 4, 4}},
    {2, "a\\e9b", 3, {3, 1, 1}, {4, 3, 3}},
    {3, "a\\00\\e9\\00b\\00", 3, {3, 1, 2}, {4, 3, 3}},
    {3, "a\\00\\00\\01b\\00", 3, {3, 1, 1}, {4, 3, 0x80000003}},
    {3, "", 0, {1, 1, 2}, {0, 0, 0}},
};

/* What realloc answers; 0: it traps. */
static const u32 answers[] = {0, 1025, PAGE - 1, 0xfffffffe};

static void put_realloc_components(Buf *out, usize text, usize to)
{
    usize from = texts[text].from;
    buf_printf(
        out,
        "(component definition $T"
        " (component $C"
        "  (core module $m (memory (export \"m\") 1)"
        "   (global $left (mut i32) (i32.const 0)) (global $answer (mut i32) (i32.const 0))"
        "   (func (export \"set\") (param i32 i32)"
        "    (global.set $left (local.get 0)) (global.set $answer (local.get 1)))"
        "   (func (export \"r\") (param i32 i32 i32 i32) (result i32)"
        "    (global.set $left (i32.sub (global.get $left) (i32.const 1)))"
        "    (if (global.get $left) (then (return (i32.const 1024))))"
        "    (if (i32.eqz (global.get $answer)) (then unreachable))"
        "    (global.get $answer))"
        "   (func (export \"f\") (param i32 i32) (result i32) (local.get 1)))"
        "  (core instance $i (instantiate $m))"
        "  (func (export \"set\") (param \"k\" u32) (param \"to\" u32) (canon lift"
        "   (core func $i \"set\")))"
        "  (func (export \"f\") (param \"s\" string) (result u32) (canon lift (core func $i \"f\")"
        "   (memory (core memory $i \"m\")) (realloc (core func $i \"r\")) string-encoding=%s)))"
        " (instance $c (instantiate $C))"
        " (component $D (import \"f\" (func $f (param \"s\" string) (result u32)))"
        "  (core module $mem (memory (export \"m\") 1) (data (i32.const 16) \"%s\"))"
        "  (core instance $mem (instantiate $mem))"
        "  (core func $f' (canon lower (func $f) (memory (core memory $mem \"m\"))"
        "   string-encoding=%s))"
        "  (core module $m (import \"\" \"f\" (func $f (param i32 i32) (result i32)))"
        "   (func (export \"f\") (result i32) (call $f (i32.const 16) (i32.const %u))))"
        "  (core instance $i (instantiate $m (with \"\" (instance (export \"f\" (func $f'))))))"
        "  (func (export \"f\") (result u32) (canon lift (core func $i \"f\"))))"
        " (instance $d (instantiate $D (with \"f\" (func $c \"f\"))))"
        " (export \"set\" (func $c \"set\")) (export \"f\" (func $d \"f\")))\n",
        encodings[to].option, texts[text].bytes, encodings[from].option,
        texts[text].n | encodings[from].tag);
}

/* Call `k` of realloc answers so: what comes of it. NULL: it is contained. */
static const char *wrong_answer(u32 answer, bool aligned_to_2, bool empty)
{
    if (!answer)
        return "wasm `unreachable` instruction executed";
    if (aligned_to_2 && answer % 2)
        return "unaligned pointer";
    return answer == 1025 || (empty && answer < PAGE) ? NULL : "string content out-of-bounds";
}

static void put_realloc_call(Buf *out, usize text, usize to, u32 k, u32 answer)
{
    bool meant = k <= texts[text].calls[to];
    const char *trap = meant ? wrong_answer(answer, to != 0, texts[text].n == 0) : NULL;
    buf_printf(out, "(component instance $i $T)\n(invoke \"set\" (u32.const %u) (u32.const %u))\n",
               k, answer);
    if (trap)
        buf_printf(out, "(assert_trap (invoke \"f\") \"%s\")\n", trap);
    else
        buf_printf(out, "(assert_return (invoke \"f\") (u32.const %u))\n", texts[text].length[to]);
}

TEST(security_component_every_call_of_realloc)
{
    for (u32 mode = 0; mode < MODES; mode++) {
        Engine *engine = engine_in(mode);
        for (usize text = 0; text < ARRAY_LEN(texts); text++) {
            for (usize to = 0; to < 3; to++) {
                Buf b = {0};
                put_realloc_components(&b, text, to);
                for (u32 k = 1; k <= 4; k++)
                    for (usize a = 0; a < ARRAY_LEN(answers); a++)
                        put_realloc_call(&b, text, to, k, answers[a]);
                run_script(engine, "realloc", (Str){(const char *)b.p, b.n});
                buf_release(&b);
            }
        }
        expect_unharmed(engine);
        engine_free(engine);
    }
}

/* --- with a host's function --- */

typedef struct Bed {
    Engine *engine;
    Store *store;
    LoadedComponent *component;
    ComponentLinker *linker;
    ComponentInstance *instance;
    Arena arena;
} Bed;

static void bed_start(Bed *b, Engine *engine, const char *text)
{
    Buf binary = {0};
    Diag diag;
    diag_init(&diag);
    b->engine = engine;
    arena_init(&b->arena);
    EXPECT(!engine_store_new(engine, &b->store));
    if (!component_text_parse(str_of(text), &(TextOptions){0}, &binary, NULL, &diag))
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    ComponentOptions o = {.features = engine_config(engine)->features,
                          .component_features = component_features_default()};
    Error *e = component_load(engine, &o, binary.p, binary.n, NULL, &b->component);
    if (e)
        test_fail(__FILE__, __LINE__, "%s", e->cause ? e->cause->message : e->message);
    buf_release(&binary);
    e = component_instance_new(b->store, b->component, b->linker, &b->instance);
    if (e)
        test_fail(__FILE__, __LINE__, "%s", e->message);
}

static void bed_end(Bed *b)
{
    store_free(b->store);
    component_instance_free(b->instance);
    component_linker_free(b->linker);
    component_unref(b->component);
    arena_release(&b->arena);
    expect_unharmed(b->engine);
    engine_free(b->engine);
}

/* Calls a function of one u32; the innermost message of how it ended, "" if it returned. */
static const char *call(Bed *b, const char *name, u32 arg)
{
    ComponentItem item;
    EXPECT(items_find(component_exports(b->instance), str_of(name), &item));
    ComponentVal val = {.kind = CT_U32, .bits = arg}, result = {0};
    Error *e = component_call(item.func, &val, &b->arena, &result);
    const Error *last = e;
    while (last && last->cause)
        last = last->cause;
    const char *text = last ? arena_strdup(&b->arena, str_of(last->message)) : "";
    error_free(e);
    return text;
}

static Error *host_calls_back(void *env, HostCall *host, const ComponentVal *params,
                              ComponentVal *ret_result)
{
    (void)host;
    (void)params;
    (void)ret_result;
    Bed *b = env;
    const char *text = call(b, "inner", 0);
    return *text ? error_new("%s", text) : NULL;
}

TEST(security_component_host_cannot_re_enter)
{
    Bed b = {.linker = component_linker_new()};
    HostFunc f = {.vals = host_calls_back, .env = &b};
    EXPECT(!component_linker_func(b.linker, STR(""), STR("back"), &f));
    bed_start(
        &b, engine_of(false),
        "(component (import \"back\" (func $back)) (core func $back' (canon lower (func $back)))"
        " (core module $m (import \"\" \"back\" (func $back))"
        "  (func (export \"inner\") (param i32))"
        "  (func (export \"outer\") (param i32) (call $back)))"
        " (core instance $i (instantiate $m (with \"\" (instance"
        "  (export \"back\" (func $back'))))))"
        " (func (export \"inner\") (param \"x\" u32) (canon lift (core func $i \"inner\")))"
        " (func (export \"outer\") (param \"x\" u32) (canon lift (core func $i \"outer\"))))");
    EXPECT_STR(call(&b, "inner", 0), "");
    EXPECT_STR(call(&b, "outer", 0), "wasm trap: cannot enter component instance");
    EXPECT_STR(call(&b, "inner", 0), "wasm trap: cannot enter component instance");
    bed_end(&b);
}

/* --- realloc that never comes back --- */

TEST(security_component_realloc_is_stopped)
{
    Bed b = {0};
    bed_start(
        &b, engine_of(true),
        "(component (core module $m (memory (export \"m\") 1)"
        "  (func (export \"r\") (param i32 i32 i32 i32) (result i32) (loop (br 0)) unreachable)"
        "  (func (export \"f\") (param i32 i32)))"
        " (core instance $i (instantiate $m))"
        " (func (export \"f\") (param \"x\" (list u8)) (canon lift"
        "  (core func $i \"f\") (memory (core memory $i \"m\"))"
        "  (realloc (core func $i \"r\")))))");
    store_set_fuel(b.store, 100000);
    ComponentItem item;
    EXPECT(items_find(component_exports(b.instance), STR("f"), &item));
    ComponentVal list = {.kind = CT_LIST, .flat = true, .n = 3, .bytes = (const u8 *)"abc"};
    Error *e = component_call(item.func, &list, &b.arena, NULL);
    const Error *trap = error_find(e, ERROR_TRAP);
    EXPECT(trap && trap->value == TRAP_OUT_OF_FUEL);
    error_free(e);
    bed_end(&b);
}

/* --- a million strings in one list --- */

TEST(security_component_many_strings)
{
    enum { N = 1000000 };
    Bed b = {0};
    bed_start(&b, engine_of(false),
              "(component (core module $m (memory (export \"m\") 200)"
              "  (global $at (mut i32) (i32.const 64))"
              "  (func (export \"r\") (param i32 i32 i32 i32) (result i32) (local i32)"
              "   (local.set 4 (i32.and (i32.add (global.get $at) (i32.const 3)) (i32.const -4)))"
              "   (global.set $at (i32.add (local.get 4) (local.get 3))) (local.get 4))"
              "  (func (export \"f\") (param i32 i32) (result i32)"
              "   (i32.store (i32.const 8) (local.get 0)) (i32.store (i32.const 12) (local.get 1))"
              "   (i32.const 8)))"
              " (core instance $i (instantiate $m))"
              " (func (export \"f\") (param \"x\" (list string)) (result (list string)) (canon lift"
              "  (core func $i \"f\") (memory (core memory $i \"m\"))"
              "  (realloc (core func $i \"r\")))))");
    ComponentItem item;
    EXPECT(items_find(component_exports(b.instance), STR("f"), &item));
    ComponentVal *strings = arena_array(&b.arena, ComponentVal, N), result = {0};
    for (u32 i = 0; i < N; i++)
        strings[i] = val_string(i % 2 ? STR("a") : STR("b"));
    ComponentVal list = {.kind = CT_LIST, .n = N, .items = strings};
    EXPECT(!component_call(item.func, &list, &b.arena, &result));
    EXPECT_EQ(result.n, N);
    EXPECT(str_eq(val_text(&result.items[N - 1], &b.arena), STR("a")));
    bed_end(&b);
}

/* --- names and nesting that double --- */

/* `levels` components, each of which instantiates the next one twice. */
static void put_doubling(Buf *out, u32 levels)
{
    buf_str(out, STR("(component\n"));
    for (u32 i = 0; i < levels; i++)
        buf_printf(out, "(component $c%u", i);
    for (u32 i = levels; i-- > 0;) {
        if (i + 1 < levels)
            buf_printf(out, "(instance (instantiate $c%u)) (instance (instantiate $c%u))", i + 1,
                       i + 1);
        buf_str(out, STR(")\n"));
    }
    buf_str(out, STR("(instance (instantiate $c0)))\n"));
}

TEST(security_component_instances_are_bounded)
{
    Engine *engine = engine_of(false);
    Buf text = {0};
    buf_str(&text, STR("(assert_unlinkable "));
    put_doubling(&text, 30);
    buf_str(&text, STR(" \"resource limit exceeded: more than 10000 component instances\")"));
    run_script(engine, "doubling", (Str){(const char *)text.p, text.n});
    text.n = 0;
    put_doubling(&text, 8);
    run_script(engine, "doubling", (Str){(const char *)text.p, text.n});
    buf_release(&text);
    expect_unharmed(engine);
    engine_free(engine);
}

/* --- #12066, #12356: how many bytes a discriminant has --- */

/* Sends the last case, of n, from one component to another, and one more. */
static void check_cases(Engine *engine, u32 n)
{
    Buf b = {0}, names = {0};
    for (u32 i = 0; i < n; i++)
        buf_printf(&names, " \"c%u\"", i);
    int size = (int)names.n;
    const char *labels = (const char *)names.p;
    buf_printf(
        &b,
        "(component definition $T (component $C (type $e' (enum%.*s))"
        " (export $e \"e\" (type $e')) (core module $m (memory (export \"m\") 1)"
        "  (func (export \"r\") (param i32 i32 i32 i32) (result i32) (i32.const 64))"
        "  (func (export \"f\") (param i32 i32) (result i32) (local.get 1)))"
        " (core instance $i (instantiate $m))"
        " (func (export \"f\") (param \"x\" (list $e)) (result u32) (canon lift"
        "  (core func $i \"f\") (memory (core memory $i \"m\"))"
        "  (realloc (core func $i \"r\")))))"
        " (instance $c (instantiate $C)) (component $D"
        " (import \"c\" (instance $c (type $e' (enum%.*s)) (export \"e\" (type $e (eq $e')))"
        "  (export \"f\" (func (param \"x\" (list $e)) (result u32)))))"
        " (core module $mem (memory (export \"m\") 1)) (core instance $mem (instantiate $mem))"
        " (core func $f (canon lower (func $c \"f\") (memory (core memory $mem \"m\"))))"
        " (core module $m (import \"\" \"m\" (memory 1))"
        "  (import \"\" \"f\" (func $f (param i32 i32) (result i32)))"
        "  (func (export \"f\") (param i32) (result i32)"
        "   (i32.store (i32.const 4) (local.get 0)) (call $f (i32.const 4) (i32.const 1))))"
        " (core instance $i (instantiate $m (with \"\" (instance (export \"f\" (func $f))"
        "  (export \"m\" (memory $mem \"m\"))))))"
        " (func (export \"f\") (param \"x\" u32) (result u32) (canon lift (core func $i \"f\"))))"
        " (instance $d (instantiate $D (with \"c\" (instance $c))))"
        " (export \"f\" (func $d \"f\")))"
        "(component instance $i $T)"
        "(assert_return (invoke \"f\" (u32.const %u)) (u32.const 1))"
        "(assert_return (invoke \"f\" (u32.const 0)) (u32.const 1))\n",
        size, labels, size, labels, n - 1);
    if (n != 256) /* then every byte is a case */
        buf_printf(
            &b, "(assert_trap (invoke \"f\" (u32.const %u)) \"invalid variant discriminant\")", n);
    run_script(engine, "cases", (Str){(const char *)b.p, b.n});
    buf_release(&b);
    buf_release(&names);
}

TEST(security_component_discriminants_of_all_sizes)
{
    Engine *engine = engine_of(false);
    check_cases(engine, 1);
    check_cases(engine, 255);
    check_cases(engine, 256);
    check_cases(engine, 257);
    expect_unharmed(engine);
    engine_free(engine);
}
