/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Modules with a few bytes changed. */
#include "fuzz/mutants.h"

#include "base/vec.h"
#include "fuzz/gen.h"
#include "wasm/wast/wast.h"

#include <dirent.h>
#include <stdio.h>

struct MutantBases {
    VEC(Buf) modules;
};

static void add_script(MutantBases *b, Str source)
{
    WastScript *s = wast_open(source);
    WastCommand c;
    Diag diag;
    diag_init(&diag);
    while (wast_next(s, &c, &diag)) {
        Buf binary = {0};
        Diag d;
        diag_init(&d);
        if (c.kind == WAST_MODULE && !c.module.is_component &&
            wast_module_binary(s, &c.module, &binary, NULL, &d))
            vec_push(&b->modules, binary);
        else
            buf_release(&binary);
    }
    wast_close(s);
}

static void add_file(MutantBases *b, const char *path)
{
    Buf source = {0};
    u8 chunk[8192];
    usize n;
    FILE *f = fopen(path, "rb");
    if (!f)
        return;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_bytes(&source, chunk, n);
    fclose(f);
    add_script(b, (Str){(const char *)source.p, source.n});
    buf_release(&source);
}

MutantBases *mutant_bases_new(const char *folder)
{
    MutantBases *b = mem_alloc(sizeof *b);
    DIR *d = folder ? opendir(folder) : NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[1024];
        usize n = strlen(e->d_name);
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (n > 5 && strcmp(e->d_name + n - 5, ".wast") == 0)
            add_file(b, path);
    }
    if (d)
        closedir(d);
    return b;
}

void mutant_bases_free(MutantBases *b)
{
    for (u32 i = 0; i < b->modules.n; i++)
        buf_release(&b->modules.p[i]);
    vec_release(&b->modules);
    mem_free(b);
}

static u64 next(u64 *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random >> 8;
}

static void change(Buf *wasm, u64 *random)
{
    static const u8 bytes[] = {0,    1,    2,    3,    0x0b, 0x40, 0x60, 0x63, 0x64, 0x6f, 0x70,
                               0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x80, 0xff, 0x1a, 0x20, 0x41, 0xfd,
                               0xfb, 0xfc, 0xfe, 0xd0, 0xd2, 0x0c, 0x0d, 0x0f, 0x10, 0x1f, 0x6e};
    usize at = 8 + next(random) % (wasm->n - 8);
    switch (next(random) % 4) {
    case 0:
        wasm->p[at] = (u8)next(random);
        break;
    case 1:
        wasm->p[at] = (u8)(wasm->p[at] + (next(random) % 2 ? 1 : -1));
        break;
    case 2:
        wasm->p[at] ^= (u8)(1 << next(random) % 8);
        break;
    default:
        wasm->p[at] = bytes[next(random) % ARRAY_LEN(bytes)];
        break;
    }
}

static void verdict_on(const Buf *wasm, Buf *out)
{
    DecodeOptions o = {.features = ((FeatureSet)1 << FEATURE_COUNT) - 1};
    TypeRegistry *r = types_new();
    Diag diag;
    diag_init(&diag);
    WasmModule *m = module_decode(r, &o, wasm->p, wasm->n, &diag);
    if (m)
        buf_printf(out, "valid\n");
    else
        buf_printf(out, "invalid %s (at offset 0x%llx)\n", diag.msg,
                   (unsigned long long)diag.offset);
    module_free(m);
    types_free(r);
}

void mutant(const MutantBases *b, u64 seed, Buf *ret_wasm, Buf *ret_verdict)
{
    u64 random = (seed + 1) * 0x9e3779b97f4a7c15;
    GenOptions o = {.features = gen_features()};
    u64 pick = next(&random);
    if (b->modules.n > 0 && pick % 4 != 0) {
        const Buf *base = &b->modules.p[pick / 4 % b->modules.n];
        buf_bytes(ret_wasm, base->p, base->n);
    } else {
        gen_module(&o, (const u8 *)&seed, sizeof seed, ret_wasm);
    }
    if (ret_wasm->n > 8)
        for (u64 n = next(&random) % 4; n > 0; n--)
            change(ret_wasm, &random);
    verdict_on(ret_wasm, ret_verdict);
}
