/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Runs fuzz targets without libFuzzer:
 *   fuzzer TARGET PATH...         replays files and folders
 *   fuzzer TARGET -n COUNT SEED   short random inputs, seeds SEED, SEED + 1, ...
 *   fuzzer module SEED|FILE       the generated module, to the standard output
 *   fuzzer module-js SEED|FILE    as it is made for JavaScript embeddings
 *   fuzzer module-exec SEED|FILE  as the target exec runs it
 * With -DFUZZ_TARGET=<name> it is that target for libFuzzer instead.
 */
#include "fuzz/gen.h"
#include "fuzz/targets.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef FUZZ_TARGET
#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)
int LLVMFuzzerTestOneInput(const u8 *p, usize n);
int LLVMFuzzerTestOneInput(const u8 *p, usize n)
{
    PASTE(fuzz_, FUZZ_TARGET)(p, n);
    return 0;
}
#else

static void read_input(const char *arg, Buf *out)
{
    char *end;
    u64 seed = strtoull(arg, &end, 0);
    u8 chunk[4096];
    usize n;
    if (*end == 0) {
        buf_u64(out, seed);
        return;
    }
    FILE *f = fopen(arg, "rb");
    if (!f) {
        fprintf(stderr, "fuzz: cannot read %s\n", arg);
        exit(2);
    }
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_bytes(out, chunk, n);
    fclose(f);
}

static int write_module(const char *arg, const char *how)
{
    bool js = strcmp(how, "module-js") == 0;
    GenOptions o = {.features = gen_features(), .js = js};
    Buf input = {0}, wasm = {0};
    if (js)
        o.features &= ~gen_features_not_js();
    read_input(arg, &input);
    if (strcmp(how, "module-exec") == 0)
        fuzz_exec_module(input.p, input.n, &wasm);
    else
        gen_module(&o, input.p, input.n, &wasm);
    fwrite(wasm.p, 1, wasm.n, stdout);
    buf_release(&input);
    buf_release(&wasm);
    return 0;
}

/* Of the run, for the message when it crashes. */
static volatile u64 current_seed;

static void report_seed(int signo)
{
    char text[40];
    int n = snprintf(text, sizeof text, "seed %llu\n", (unsigned long long)current_seed);
    if (write(2, text, (usize)n) == n)
        signal(signo, SIG_DFL);
    raise(signo);
}

static int run_seeds(const FuzzTarget *t, const char *count, const char *first)
{
    signal(SIGABRT, report_seed);
    signal(SIGALRM, report_seed);
    u64 seed = strtoull(first, NULL, 0), n = strtoull(count, NULL, 0);
    for (u64 i = 0; i < n; i++, seed++) {
        u8 bytes[8];
        store_u64(bytes, seed);
        current_seed = seed;
        alarm(20);
        t->run(bytes, sizeof bytes);
    }
    printf("%s: %llu seeds\n", t->name, (unsigned long long)n);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strncmp(argv[1], "module", 6) == 0)
        return write_module(argv[2], argv[1]);
    const FuzzTarget *t = argc > 2 ? fuzz_find(argv[1]) : NULL;
    if (!t) {
        fprintf(stderr, "usage: fuzzer TARGET PATH... | fuzz TARGET -n COUNT SEED | fuzz module "
                        "SEED|FILE\n");
        return 2;
    }
    if (argc == 5 && strcmp(argv[2], "-n") == 0)
        return run_seeds(t, argv[3], argv[4]);
    u32 n = 0;
    for (int i = 2; i < argc; i++)
        n += fuzz_replay(t, argv[i]);
    printf("%s: %u inputs\n", t->name, n);
    return 0;
}
#endif
