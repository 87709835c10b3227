/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Annotations as options, and their way to the executor. */
#include "shim/options.h"

#include "unit/test.h"

#include <stdio.h>

static Error *read_options(const char *annotations, GuestOptions *o)
{
    Bundle b = {.module = -1};
    b.config = json_pack("{s:o}", "annotations", json_loads(annotations, 0, NULL));
    EXPECT(b.config);
    Error *e = guest_options_read(&b, o);
    bundle_release(&b);
    return e;
}

static void expect_word(const char *annotations, const char *func, const char *word)
{
    GuestOptions o, back;
    EXPECT(!read_options(annotations, &o));
    char *made = guest_word_make(&o, func);
    EXPECT_STR(made, word);
    EXPECT_STR(guest_word_read(made, &back), func);
    EXPECT_EQ(back.words.n, o.words.n);
    for (u32 i = 0; i < o.words.n; i++)
        EXPECT_STR(back.words.p[i], o.words.p[i]);
    vec_release(&back.words);
    guest_options_release(&o);
    mem_free(made);
}

TEST(shim_options_reach_the_executor)
{
    expect_word("{}", "_start", "_start");
    expect_word("{\"other\":\"x\",\"io.wasmtime\":\"y\"}", "f", "f");
    expect_word("{\"io.wasmtime.wasm\":\"gc=n,max-memory-size=65536\"}", "f",
                "--wasm=gc=n,max-memory-size=65536\n--\nf");
    expect_word("{\"io.wasmtime.dirs\":\"/a::/b,/c\"}", "f", "--dir=/a::/b\n--dir=/c\n--\nf");
    expect_word("{\"io.wasmtime.dirs\":\"\"}", "f", "--dir=\n--\nf");
}

/* A function's name comes from the image: it never becomes an option. */
TEST(security_shim_function_is_no_option)
{
    static const char *const names[] = {
        "--wasi=http", "--wasi=http\n--\n_start", "-", "--", "a\n--dir=/", "--\n--", ""};
    for (usize i = 0; i < ARRAY_LEN(names); i++) {
        GuestOptions o = {0}, back;
        char *word = guest_word_make(&o, names[i]);
        EXPECT_STR(guest_word_read(word, &back), names[i]);
        EXPECT_EQ(back.words.n, 0);
        mem_free(word);
    }
    expect_word("{\"io.wasmtime.wasi\":\"http\"}", "--wasi=x\n--\nf",
                "--wasi=http\n--\n--wasi=x\n--\nf");
}

/* Code that is compiled outside of the container's limits runs within them. */
TEST(shim_options_of_little_address_space)
{
    static const struct {
        const char *limits;
        usize n;
    } rows[] = {{"[]", 0},
                {"[{\"type\":\"RLIMIT_AS\",\"soft\":200000000,\"hard\":200000000}]", 1},
                {"[{\"type\":\"RLIMIT_AS\",\"soft\":20000000000,\"hard\":20000000000}]", 0},
                {"[{\"type\":\"RLIMIT_NOFILE\",\"soft\":1024,\"hard\":1024}]", 0}};
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        Bundle b = {.module = -1};
        GuestOptions o;
        b.config =
            json_pack("{s:{s:o}}", "process", "rlimits", json_loads(rows[i].limits, 0, NULL));
        EXPECT(b.config && !guest_options_read(&b, &o));
        EXPECT_EQ(o.nengine, rows[i].n);
        EXPECT_EQ(o.words.n, rows[i].n);
        guest_options_release(&o);
        bundle_release(&b);
    }
}

TEST(shim_options_code_depends_on)
{
    GuestOptions o;
    char base[17], same[17], other[17];
    EXPECT(!precompile_target((EngineWords){0}, base));
    EXPECT(!read_options("{\"io.wasmtime.wasi\":\"http\",\"io.wasmtime.dirs\":\"/a\"}", &o));
    EXPECT_EQ(o.nengine, 0);
    guest_options_release(&o);
    EXPECT(!read_options("{\"io.wasmtime.wasm\":\"max-memory-size=65536\"}", &o));
    EXPECT(!precompile_target((EngineWords){o.engine, o.nengine}, same));
    EXPECT_STR(same, base);
    guest_options_release(&o);
    EXPECT(!read_options("{\"io.wasmtime.wasm\":\"fuel=1000\"}", &o));
    EXPECT(!precompile_target((EngineWords){o.engine, o.nengine}, other));
    EXPECT(strcmp(other, base) != 0);
    guest_options_release(&o);
}

/* Does a message of the chain have the name that the annotation has in the JSON? */
static bool names_key(const Error *e, const char *annotation)
{
    char key[40];
    snprintf(key, sizeof key, "%.*s", (int)strcspn(annotation + 2, "\""), annotation + 2);
    while (e && !strstr(e->message, key))
        e = e->cause;
    return e != NULL;
}

TEST(shim_options_refused)
{
    static const char *const wrong[] = {
        "{\"io.wasmtime.x\":\"\"}",
        "{\"io.wasmtime.\":\"\"}",
        "{\"io.wasmtime.wasm\":7}",
        "{\"io.wasmtime.wasm\":\"nonsense\"}",
        "{\"io.wasmtime.wasm\":\"\"}",
        "{\"io.wasmtime.wasm\":\"help\"}",
        "{\"io.wasmtime.wasi\":\"a\\nb\"}",
        "{\"io.wasmtime.dirs\":\"/a\\n--wasi=http\"}",
        "{\"io.wasmtime.optimize\":\"gc=y\"}",
    };
    for (usize i = 0; i < ARRAY_LEN(wrong); i++) {
        GuestOptions o;
        Error *e = read_options(wrong[i], &o);
        if (!e)
            test_fail(__FILE__, __LINE__, "%s is not refused", wrong[i]);
        else if (!names_key(e, wrong[i]))
            test_fail(__FILE__, __LINE__, "the error of %s does not name it", wrong[i]);
        error_free(e);
        guest_options_release(&o);
    }
}
