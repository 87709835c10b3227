/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Option groups: values, errors with tips, what is refused, configuration files. */
#include "cli/config_file.h"
#include "cli/value.h"
#include "unit/test.h"

static u64 number(const char *text)
{
    u64 v = 0;
    return value_number(str_of(text), &v) ? v : UINT64_MAX;
}

TEST(value_numbers)
{
    EXPECT_EQ(number("12"), 12);
    EXPECT_EQ(number("1_000"), 1000);
    EXPECT_EQ(number("0xff_ff"), 0xffff);
    EXPECT(number("18446744073709551614") == UINT64_MAX - 1);
    static const char *const bad[] = {"", "_", "0x", "-1", "1k", "0b1", "18446744073709551616",
                                      "f"};
    u64 v = 7;
    for (usize i = 0; i < ARRAY_LEN(bad); i++)
        EXPECT(!value_number(str_of(bad[i]), &v) && v == 7);
}

TEST(value_sizes_and_durations)
{
    u64 v;
    EXPECT(value_size(STR("64KiB"), &v) && v == 65536);
    EXPECT(value_size(STR("1TiB"), &v) && v == (u64)1 << 40);
    EXPECT(!value_size(STR("KiB"), &v) && !value_size(STR("99999999999TiB"), &v));
    static const struct {
        const char *text;
        u64 nanos;
    } durations[] = {{"2", 2000000000}, {"3s", 3000000000},          {"250ms", 250000000},
                     {"7us", 7000},     {"7\xce\xbcs", 7000},        {"1ns", 1},
                     {"0", 0},          {"99999999999s", UINT64_MAX}};
    for (usize i = 0; i < ARRAY_LEN(durations); i++)
        EXPECT(value_duration(str_of(durations[i].text), &v) && v == durations[i].nanos);
    static const char *const bad[] = {"", "s", "1.5s", "1m", "-1s", "1 s"};
    for (usize i = 0; i < ARRAY_LEN(bad); i++)
        EXPECT(!value_duration(str_of(bad[i]), &v));
}

TEST(words_at_a_distance)
{
    EXPECT_EQ(edit_distance(STR("fuel"), STR("fuel"), 5), 0);
    EXPECT_EQ(edit_distance(STR("feul"), STR("fuel"), 5), 2);
    EXPECT_EQ(edit_distance(STR(""), STR("abc"), 5), 3);
    EXPECT_EQ(edit_distance(STR("abcdef"), STR("uvwxyz"), 2), 3);
    EXPECT_EQ(typo_distance(STR("inv"), STR("invoke"), 2), 0);
    EXPECT_EQ(typo_distance(STR("inv"), STR("env"), 2), 1);
    EXPECT_EQ(typo_distance(STR("in"), STR("invoke"), 2), 3);
    EXPECT_EQ(typo_distance(STR("invoke"), STR("invoke"), 2), 0);
}

/* Frees the error after a look at it. */
static void expect_error(Error *e, const char *message)
{
    EXPECT(e != NULL);
    EXPECT_STR(e->message, message);
    error_free(e);
}

TEST(options_lists_of_keys)
{
    Options o;
    options_init(&o);
    EXPECT(opt_bool(&o, OPT_W_simd) && !opt_given(&o, OPT_W_simd));
    EXPECT_EQ(opt_u64(&o, OPT_W_max_wasm_stack), 524288);
    EXPECT(!options_parse(&o, GROUP_W, STR("simd=n,fuel=0x10,timeout=250ms")));
    EXPECT(!opt_bool(&o, OPT_W_simd));
    EXPECT_EQ(opt_u64(&o, OPT_W_fuel), 16);
    EXPECT_EQ(opt_u64(&o, OPT_W_timeout), 250000000);
    EXPECT(!options_parse(&o, GROUP_W, STR("simd,nan-canonicalization=yes")));
    EXPECT(opt_bool(&o, OPT_W_simd) && opt_bool(&o, OPT_W_nan_canonicalization));
    EXPECT(!options_parse(&o, GROUP_C, STR("cranelift-has_avx=false,cranelift-debug-verifier")));
    EXPECT_EQ(o.values[OPT_C_cranelift].list.n, 1);
    EXPECT(str_eq(o.values[OPT_C_cranelift].list.p[0], STR("has_avx=false")));
    EXPECT(!options_parse(&o, GROUP_O, STR("opt-level=s")));
    EXPECT_EQ(opt_u64(&o, OPT_O_opt_level), 3);
    options_release(&o);
}

TEST(options_usage_errors)
{
    Options o;
    options_init(&o);
    Error *e = options_parse(&o, GROUP_W, STR("simd,feul=1"));
    EXPECT(e && e->kind == ERROR_USAGE);
    expect_error(e, "unknown -W / --wasm option: feul\n\n"
                    "  tip: did you mean `-W fuel`? `-W help` lists them all");
    expect_error(options_parse(&o, GROUP_S, STR("zzzzzzzz")),
                 "unknown -S / --wasi option: zzzzzzzz");
    expect_error(options_parse(&o, GROUP_W, STR("fuel")),
                 "failed to parse -W option `fuel`: a value is missing, write `fuel=VALUE`");
    expect_error(options_parse(&o, GROUP_W, STR("simd=q")),
                 "failed to parse -W option `simd=q`: unknown boolean flag `q`, expected y, yes, "
                 "true, n, no or false");
    expect_error(options_parse(&o, GROUP_O, STR("opt-level=9")),
                 "failed to parse -O option `opt-level=9`: unknown value `9`, expected one of "
                 "0|1|2|s");
    expect_error(options_parse(&o, GROUP_W, STR("")), "unknown -W / --wasm option: ");
    EXPECT(!opt_given(&o, OPT_W_fuel));
    options_release(&o);
}

TEST(options_not_in_this_build)
{
    Options o;
    options_init(&o);
    EXPECT(!options_parse(&o, GROUP_S, STR("http=n,threads=n")));
    EXPECT(!options_parse(&o, GROUP_O, STR("pooling-allocator=n")));
    EXPECT(!options_check(&o));
    EXPECT(!options_parse(&o, GROUP_S, STR("nn-graph=onnx::dir"))); /* nothing without nn */
    EXPECT(!options_check(&o));
    EXPECT(!options_parse(&o, GROUP_S, STR("nn")));
    expect_error(options_check(&o), "unsupported backend: onnx");
    options_release(&o);
    options_init(&o);
    EXPECT(!options_parse(&o, GROUP_S, STR("threads")));
    expect_error(options_check(&o), "the `-Sthreads` flag is no longer supported");
    options_release(&o);
    options_init(&o);
    EXPECT(!options_parse(&o, GROUP_D, STR("coredump=core")));
    expect_error(options_check(&o), "this build of wasmtime does not have `-D coredump` yet");
    options_release(&o);
}

TEST(config_file_values)
{
    Options o;
    options_init(&o);
    EXPECT(!options_parse(&o, GROUP_W, STR("fuel=5")));
    Error *e = config_text_read(STR("[wasm]\n"
                                    "fuel = 9 # the command line wins\n"
                                    "max-wasm-stack = 65_536\n"
                                    "timeout = { secs = 1, nanos = 5 }\n"
                                    "simd = false\n"
                                    "[optimize]\n"
                                    "opt-level = 1\n"
                                    "[codegen]\n"
                                    "inlining = true\n"
                                    "cache-config = \"/x\"\n"),
                                "f.toml", &o);
    EXPECT(!e);
    EXPECT_EQ(opt_u64(&o, OPT_W_fuel), 5);
    EXPECT_EQ(opt_u64(&o, OPT_W_max_wasm_stack), 65536);
    EXPECT_EQ(opt_u64(&o, OPT_W_timeout), 1000000005);
    EXPECT(!opt_bool(&o, OPT_W_simd));
    EXPECT_EQ(opt_u64(&o, OPT_O_opt_level), 1);
    EXPECT_STR(o.values[OPT_C_cache_config].text, "/x");
    options_release(&o);
}

TEST(config_file_errors)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"[wasm]\nfoo=1", "c:2:1: unknown field `foo`"},
        {"[wsm]\n", "c:1:2: unknown field `wsm`, expected one of `optimize`, `codegen`, `debug`, "
                    "`wasm`, `wasi`, `record`"},
        {"[wasm]\nfuel=\"a\"", "c:2:1: `fuel` cannot have a value of this type"},
        {"[wasm]\n fuel=-1", "c:2:2: `-1` is not a number that fits 64 bits, decimal or "
                             "0x-hexadecimal"},
        {"wasm=1", "c:1:1: `wasm` must be a table"},
        {"[wasi]\nconfig-var=\"a=b\"", "c:2:1: `config-var` cannot have a value of this type"},
        {"[wasm.timeout]\nsec=1", "c:2:1: unknown field `sec`, expected `secs` or `nanos`"},
    };
    for (usize i = 0; i < ARRAY_LEN(cases); i++) {
        Options o;
        options_init(&o);
        expect_error(config_text_read(str_of(cases[i].text), "c", &o), cases[i].error);
        options_release(&o);
    }
}
