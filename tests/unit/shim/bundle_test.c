/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What kind of program a bundle asks for, with hostile roots. */
#include "shim/bundle.h"

#include "os/file.h"
#include "shim/container.h"
#include "unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Place {
    char dir[64];
    Bundle bundle;
} Place;

static void write_at(const Place *p, const char *name, const char *bytes, usize n, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", p->dir, name);
    EXPECT(!os_write_file(path, bytes, n));
    EXPECT(chmod(path, mode) == 0);
}

static void place_init(Place *p)
{
    char path[128];
    snprintf(p->dir, sizeof p->dir, "/tmp/bundle-test-XXXXXX");
    EXPECT(mkdtemp(p->dir));
    snprintf(path, sizeof path, "%s/rootfs", p->dir);
    EXPECT(mkdir(path, 0755) == 0);
    write_at(p, "outside.wasm", "\0asm\1\0\0\0", 8, 0644);
    write_at(p, "rootfs/m.wasm", "\0asm\1\0\0\0", 8, 0644);
    write_at(p, "rootfs/m.wat", " (module)", 9, 0644);
    write_at(p, "rootfs/native", "\177ELF....", 8, 0755);
    write_at(p, "rootfs/script", "#!/bin/sh", 9, 0755);
    write_at(p, "rootfs/compiled.cwasm", "\177ELF....", 8, 0644);
    snprintf(path, sizeof path, "%s/rootfs/away.wasm", p->dir);
    EXPECT(symlink("../outside.wasm", path) == 0);
    snprintf(path, sizeof path, "%s/rootfs/inside.wasm", p->dir);
    EXPECT(symlink("/m.wasm", path) == 0);
    snprintf(path, sizeof path, "%s/rootfs/fifo", p->dir);
    EXPECT(mkfifo(path, 0644) == 0);
}

static void place_release(const Place *p)
{
    static const char *const names[] = {
        "rootfs/m.wasm",
        "rootfs/m.wat",
        "rootfs/native",
        "rootfs/away.wasm",
        "rootfs/script",
        "rootfs/inside.wasm",
        "rootfs/compiled.cwasm",
        "rootfs/fifo",
        "outside.wasm",
        "wasm/config.json",
        "config.json",
        "wasm",
        "rootfs",
        "",
    };
    for (usize i = 0; i < ARRAY_LEN(names); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", p->dir, names[i]);
        if (unlink(path) != 0)
            rmdir(path);
    }
}

/* The bundle with these words as its JSON list of arguments. */
static Error *find(Place *p, const char *args)
{
    char config[512];
    int n = snprintf(config, sizeof config,
                     "{\"root\":{\"path\":\"rootfs\"},\"process\":{\"cwd\":\"/\",\"args\":%s,"
                     "\"env\":[\"PATH=/nowhere\",\"A=1\"]}}",
                     args);
    write_at(p, "config.json", config, (usize)n, 0600);
    Error *e = bundle_open(&p->bundle, p->dir);
    return e ? e : bundle_find_program(&p->bundle);
}

static void expect_kind(Place *p, const char *args, BundleKind kind, const char *func)
{
    Error *e = find(p, args);
    if (e)
        test_fail(__FILE__, __LINE__, "%s: %s", args, e->message);
    EXPECT_EQ(p->bundle.kind, kind);
    if (func)
        EXPECT_STR(p->bundle.func, func);
    bundle_release(&p->bundle);
}

static void expect_refused(Place *p, const char *args)
{
    Error *e = find(p, args);
    if (!e)
        test_fail(__FILE__, __LINE__, "%s is not refused", args);
    error_free(e);
    bundle_release(&p->bundle);
}

TEST(shim_bundle_kinds)
{
    Place p;
    place_init(&p);
    expect_kind(&p, "[\"/m.wasm\"]", BUNDLE_WASM, "_start");
    expect_kind(&p, "[\"m.wasm#f\"]", BUNDLE_WASM, "f");
    expect_kind(&p, "[\"/m.wat#a-b\",\"x\"]", BUNDLE_WASM, "a-b");
    expect_kind(&p, "[\"/inside.wasm\"]", BUNDLE_WASM, "_start");
    expect_kind(&p, "[\"/native\"]", BUNDLE_NATIVE, NULL);
    expect_kind(&p, "[\"/script\"]", BUNDLE_NATIVE, NULL);
    expect_refused(&p, "[\"/none\"]");
    expect_refused(&p, "[\"\"]");
    expect_refused(&p, "[]");
    expect_refused(&p, "7");
    expect_refused(&p, "[\"/\"]");
    place_release(&p);
}

/* Links stay in the root; compiled files, FIFOs and directories are not run. */
TEST(security_shim_bundle_stays_in_root)
{
    Place p;
    place_init(&p);
    expect_refused(&p, "[\"/away.wasm\"]");
    expect_refused(&p, "[\"/../outside.wasm\"]");
    expect_refused(&p, "[\"/compiled.cwasm\"]");
    expect_refused(&p, "[\"/fifo\"]");
    expect_refused(&p, "[\"/proc/self/fd/0\"]");
    place_release(&p);
}

TEST(shim_bundle_executor_takes_the_place)
{
    Place p;
    char path[128], *dir = NULL;
    place_init(&p);
    EXPECT(!find(&p, "[\"/m.wasm#f\",\"a b\"]"));
    EXPECT(!bundle_write_wasm(&p.bundle, &dir));
    snprintf(path, sizeof path, "%s/config.json", dir);
    json_t *c = json_load_file(path, 0, NULL), *args, *words;
    EXPECT(json_unpack(c, "{s:{s:o}}", "process", "args", &args) == 0);
    words = json_pack("[s,s,s,s,s]", "/proc/self/fd/3", "--guest", "f", "/m.wasm#f", "a b");
    EXPECT(json_equal(args, words));
    snprintf(path, sizeof path, "%s/rootfs", p.dir);
    EXPECT_STR(json_string_value(json_object_get(json_object_get(c, "root"), "path")), path);
    json_decref(words);
    json_decref(c);
    mem_free(dir);
    bundle_release(&p.bundle);
    place_release(&p);
}

/* What no signed number says: it is read, and what is written has it again. */
TEST(shim_bundle_without_limit)
{
    static const char config[] =
        "{\"process\":{\"args\":[\"18446744073709551615\"],\"rlimits\":[{\"type\":\"RLIMIT_CORE\","
        "\"soft\":18446744073709551615,\"hard\":18446744073709551615}]},\"a\\\"\":["
        "1844674407370955161,"
        "18446744073709551615 , 1.8446744073709551615]}";
    Buf text = {(u8 *)config, sizeof config - 1, 0};
    Bundle b;
    EXPECT(!bundle_parse(&b, "/b", &text));
    bundle_use_layer(&b);
    char *out = bundle_wasm_config(&b);
    EXPECT(strstr(out, "\"soft\":18446744073709551615,\"hard\":18446744073709551615}"));
    EXPECT(strstr(out, "[1844674407370955161,18446744073709551615,1.8"));
    EXPECT(strstr(out, "\"18446744073709551615\""));
    EXPECT(!strstr(out, "9223372036854775807"));
    mem_free(out);
    bundle_release(&b);
    static const char wrong[] = "{\"a\":-9223372036854775807}";
    text = (Buf){(u8 *)wrong, sizeof wrong - 1, 0};
    Error *e = bundle_parse(&b, "/b", &text);
    EXPECT(e);
    error_free(e);
    bundle_release(&b);
}

TEST(security_shim_ids)
{
    char text[5001];
    memset(text, 'a', sizeof text);
    text[5000] = 0;
    EXPECT(!id_valid(text));
    text[200] = 0;
    EXPECT(id_valid(text));
    EXPECT(id_valid("A-b_c.9"));
    static const char *const wrong[] = {"", ".", "..", "../x", "a/b", "a b", "-x", "a\n", "\xff"};
    for (usize i = 0; i < ARRAY_LEN(wrong); i++)
        EXPECT(!id_valid(wrong[i]));
}
