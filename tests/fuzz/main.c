/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Runs fuzz targets without libFuzzer:
 *   fuzzer TARGET PATH...         replays files and folders
 *   fuzzer TARGET -n COUNT SEED   short random inputs, seeds SEED, SEED + 1, ...
 *   fuzzer module SEED|FILE       the generated module, to the standard output
 *   fuzzer module-js SEED|FILE    as it is made for JavaScript embeddings
 *   fuzzer module-exec SEED|FILE  as the target exec runs it
 *   fuzzer outcomes FIRST COUNT FOLDER  modules for JavaScript embeddings and what they do
 *   fuzzer mutants FIRST COUNT FOLDER [SCRIPTS]  changed modules and our verdict on them
 * With -DFUZZ_TARGET=<name> it is that target for libFuzzer instead.
 */
#include "fuzz/gen.h"
#include "fuzz/mutants.h"
#include "fuzz/outcome.h"
#include "fuzz/targets.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef FUZZ_TARGET
#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)
#define TEXT2(a) #a
#define TEXT(a) TEXT2(a)
int LLVMFuzzerTestOneInput(const u8 *p, usize n);
int LLVMFuzzerTestOneInput(const u8 *p, usize n)
{
    /* Modules as they are only to be replayed: a mutated one need not end, nor agree on NaNs. */
    if (strcmp(TEXT(FUZZ_TARGET), "exec") == 0 && n >= 4 && memcmp(p, "\0asm", 4) == 0)
        return -1;
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

static void write_file(const char *folder, u64 seed, const char *ending, const Buf *b)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%llu.%s", folder, (unsigned long long)seed, ending);
    FILE *f = fopen(path, "wb");
    if (!f || (b->n && fwrite(b->p, b->n, 1, f) != 1) || fclose(f) != 0) {
        fprintf(stderr, "fuzzer: cannot write %s\n", path);
        exit(2);
    }
}

static int write_outcomes(const char *first, const char *count, const char *folder)
{
    GenOptions o = {.features = gen_features() & ~gen_features_not_js(), .js = true};
    u64 seed = strtoull(first, NULL, 0), n = strtoull(count, NULL, 0);
    for (u64 i = 0; i < n; i++, seed++) {
        Buf wasm = {0}, text = {0};
        gen_module(&o, (const u8 *)&seed, sizeof seed, &wasm);
        fuzz_outcome(wasm.p, wasm.n, &text);
        write_file(folder, seed, "wasm", &wasm);
        write_file(folder, seed, "txt", &text);
        buf_release(&wasm);
        buf_release(&text);
    }
    return 0;
}

static int write_mutants(char **args, const char *scripts)
{
    MutantBases *bases = mutant_bases_new(scripts);
    u64 seed = strtoull(args[0], NULL, 0), n = strtoull(args[1], NULL, 0);
    for (u64 i = 0; i < n; i++, seed++) {
        Buf wasm = {0}, text = {0};
        mutant(bases, seed, &wasm, &text);
        write_file(args[2], seed, "wasm", &wasm);
        write_file(args[2], seed, "txt", &text);
        buf_release(&wasm);
        buf_release(&text);
    }
    mutant_bases_free(bases);
    return 0;
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
    if (argc == 5 && strcmp(argv[1], "outcomes") == 0)
        return write_outcomes(argv[2], argv[3], argv[4]);
    if ((argc == 5 || argc == 6) && strcmp(argv[1], "mutants") == 0)
        return write_mutants(argv + 2, argc == 6 ? argv[5] : NULL);
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
