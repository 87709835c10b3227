/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Attacks on the file system of WASI 0.2, as on that of preview 1 (wasi_test.c): the functions of
 * wasi:filesystem are called as generated glue calls them. Beside the directory given lies one that
 * is not, with a canary in it.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bind/wasi_filesystem_preopens.h"
#include "bind/wasi_random_insecure.h"
#include "bind/wasi_random_random.h"
#include "unit/wasi/guest_fixture.h"
#include "wasi/p2/p2_priv.h"

#define CODE(name) WASI_FILESYSTEM_TYPES_ERROR_CODE_##name
typedef WasiFilesystemTypesDescriptor Descriptor;
typedef WasiFilesystemTypesResultVoidErrorCode VoidResult;
typedef WasiFilesystemTypesNewTimestamp Timestamp;

enum {
    FOLLOW = WASI_FILESYSTEM_TYPES_PATH_FLAGS_SYMLINK_FOLLOW,
    CREATE = WASI_FILESYSTEM_TYPES_OPEN_FLAGS_CREATE,
    EXCLUSIVE = WASI_FILESYSTEM_TYPES_OPEN_FLAGS_EXCLUSIVE,
    TRUNCATE = WASI_FILESYSTEM_TYPES_OPEN_FLAGS_TRUNCATE,
    DIRECTORY = WASI_FILESYSTEM_TYPES_OPEN_FLAGS_DIRECTORY,
    READ = WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ,
    WRITE = WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_WRITE,
    MUTATE = WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_MUTATE_DIRECTORY,
    OK = -1,
    MAX_DIRS = 2
};

typedef struct Caller {
    LiftEnv env; /* first: lift_enter gets a pointer to it */
    LiftCall call, *c;
    WasiP2 *p2;
    Descriptor *dirs[MAX_DIRS]; /* own */
    char failure[256];
} Caller;

static void on_fail(LiftCall *c, const char *text)
{
    Caller *k = (Caller *)(uintptr_t)c->env;
    snprintf(k->failure, sizeof k->failure, "%s", text);
}

static void on_leave(LiftCall *c)
{
    (void)c;
}

static const LiftOps ops = {.fail = on_fail, .leave = on_leave};

static void caller_init(Caller *k, Guest *g)
{
    *k = (Caller){.env = {.ops = &ops}};
    k->p2 = wasi_p2_new(g->ctx, NULL);
    k->env.host = k->p2;
    k->c = &k->call;
    lift_enter(k->c, &k->env, NULL);
    WasiFilesystemPreopensListTuple2TypesDescriptorString list = {0};
    wasi_filesystem_preopens_get_directories(k->c, &list);
    EXPECT(list.n <= MAX_DIRS);
    for (usize i = 0; i < list.n; i++)
        k->dirs[i] = list.p[i].f0;
}

static void caller_release(Caller *k)
{
    for (u32 i = 0; i < MAX_DIRS; i++)
        if (k->dirs[i])
            wasi_filesystem_types_descriptor_drop(k->p2, k->dirs[i]);
    EXPECT_EQ(k->p2->resources, 0);
    lift_leave(k->c);
    wasi_p2_free(k->p2);
}

/* --- calls: an error code, or OK --- */

static int outcome(const VoidResult *r)
{
    return r->is_err ? (int)r->as.err : OK;
}

static Descriptor *opened(Caller *k, Descriptor *dir, const char *path, u32 flags, u32 how,
                          u32 mode, int *ret_code)
{
    WasiFilesystemTypesResultDescriptorErrorCode r = {0};
    wasi_filesystem_types_descriptor_open_at(k->c, dir, (WasiFilesystemTypesPathFlags)flags,
                                             str_of(path), (WasiFilesystemTypesOpenFlags)how,
                                             (WasiFilesystemTypesDescriptorFlags)mode, &r);
    *ret_code = r.is_err ? (int)r.as.err : OK;
    return r.is_err ? NULL : r.as.ok;
}

static int try_open(Caller *k, Descriptor *dir, const char *path, u32 flags, u32 how, u32 mode)
{
    int code;
    Descriptor *d = opened(k, dir, path, flags, how, mode, &code);
    if (d)
        wasi_filesystem_types_descriptor_drop(k->p2, d);
    return code;
}

#define AT_NAME(what)                                                                              \
    static int what(Caller *k, Descriptor *dir, const char *path)                                  \
    {                                                                                              \
        VoidResult r = {0};                                                                        \
        wasi_filesystem_types_descriptor_##what##_at(k->c, dir, str_of(path), &r);                 \
        return outcome(&r);                                                                        \
    }
AT_NAME(create_directory)
AT_NAME(remove_directory)
AT_NAME(unlink_file)

static int rename_to(Caller *k, Descriptor *from, const char *old, Descriptor *to, const char *new)
{
    VoidResult r = {0};
    wasi_filesystem_types_descriptor_rename_at(k->c, from, str_of(old), to, str_of(new), &r);
    return outcome(&r);
}

static int link_to(Caller *k, Descriptor *from, const char *old, Descriptor *to, const char *new)
{
    VoidResult r = {0};
    wasi_filesystem_types_descriptor_link_at(k->c, from, 0, str_of(old), to, str_of(new), &r);
    return outcome(&r);
}

static int symlink_at_dir(Caller *k, Descriptor *dir, const char *to, const char *path)
{
    VoidResult r = {0};
    wasi_filesystem_types_descriptor_symlink_at(k->c, dir, str_of(to), str_of(path), &r);
    return outcome(&r);
}

static int set_times(Caller *k, Descriptor *d, u64 sec)
{
    VoidResult r = {0};
    Timestamp t = {.tag = WASI_FILESYSTEM_TYPES_NEW_TIMESTAMP_TIMESTAMP, .as.timestamp = {sec, 1}};
    wasi_filesystem_types_descriptor_set_times(k->c, d, &t, &t, &r);
    return outcome(&r);
}

static int set_times_of(Caller *k, Descriptor *dir, u32 flags, const char *path)
{
    VoidResult r = {0};
    Timestamp t = {.tag = WASI_FILESYSTEM_TYPES_NEW_TIMESTAMP_NOW};
    wasi_filesystem_types_descriptor_set_times_at(k->c, dir, (WasiFilesystemTypesPathFlags)flags,
                                                  str_of(path), &t, &t, &r);
    return outcome(&r);
}

static int stat_of(Caller *k, Descriptor *dir, u32 flags, const char *path)
{
    WasiFilesystemTypesResultDescriptorStatErrorCode r = {0};
    wasi_filesystem_types_descriptor_stat_at(k->c, dir, (WasiFilesystemTypesPathFlags)flags,
                                             str_of(path), &r);
    return r.is_err ? (int)r.as.err : OK;
}

/* --- the canary --- */

static void outside_path(const Guest *g, char full[256])
{
    snprintf(full, 256, "%s/secret", g->outside);
}

static void canary_set(Guest *g, struct stat *ret_before)
{
    char full[256];
    outside_path(g, full);
    host_write(g, full, "canary");
    EXPECT(lstat(full, ret_before) == 0);
}

static void canary_check(Guest *g, const struct stat *before)
{
    struct stat now;
    char full[256];
    outside_path(g, full);
    EXPECT(lstat(full, &now) == 0);
    EXPECT_EQ(now.st_ino, before->st_ino);
    EXPECT_EQ(now.st_nlink, before->st_nlink);
    EXPECT_EQ(now.st_mtim.tv_nsec, before->st_mtim.tv_nsec);
    char *text = host_read(g, full);
    EXPECT_STR(text, "canary");
    mem_free(text);
    snprintf(full, sizeof full, "%s/new", g->outside);
    EXPECT(access(full, F_OK) != 0);
}

/* --- attacks --- */

TEST_BOTH_WAYS(security_p2_links_to_the_outside)
{
    static const char *const paths[] = {
        "evil/secret",   "evil//secret", "evil/./secret",  "link1secret",      "absolute",
        "chain2/secret", "../outside",   "d/../../secret", "d/../evil/secret", "loop",
        "loop/x",        "evil/new",     "link1/new",      "slash/secret",
    };
    char target[300];
    struct stat before;
    Caller k;
    canary_set(g, &before);
    host_symlink(g, g->outside, "evil");
    snprintf(target, sizeof target, "%s/", g->outside);
    host_symlink(g, target, "slash");
    host_symlink(g, "evil/", "link1");
    host_symlink(g, "evil/secret", "link1secret");
    outside_path(g, target);
    host_symlink(g, target, "absolute");
    host_symlink(g, "evil", "chain1");
    host_symlink(g, "chain1", "chain2");
    host_symlink(g, "loop", "loop");
    host_mkdir(g, "d");
    caller_init(&k, g);
    Descriptor *dir = k.dirs[0];
    for (usize i = 0; i < ARRAY_LEN(paths); i++) {
        EXPECT(try_open(&k, dir, paths[i], FOLLOW, 0, READ) != OK);
        EXPECT(try_open(&k, dir, paths[i], FOLLOW, CREATE, WRITE) != OK);
        EXPECT(try_open(&k, dir, paths[i], FOLLOW, TRUNCATE, WRITE) != OK);
        EXPECT(stat_of(&k, dir, FOLLOW, paths[i]) != OK);
        EXPECT(set_times_of(&k, dir, FOLLOW, paths[i]) != OK);
        EXPECT(link_to(&k, dir, paths[i], dir, "got") != OK || !host_exists(g, "got/secret"));
        (void)unlink_file(&k, dir, "got");
    }
    static const char *const dirs[] = {"evil/", "evil/.", "evil//",   "link1/",     "link1",
                                       "slash", "slash/", "chain2/.", "d/../evil/", "d/../.."};
    for (usize i = 0; i < ARRAY_LEN(dirs); i++) {
        EXPECT(try_open(&k, dir, dirs[i], FOLLOW, DIRECTORY, READ) != OK);
        EXPECT(try_open(&k, dir, dirs[i], FOLLOW, DIRECTORY, READ | MUTATE) != OK);
    }
    EXPECT(create_directory(&k, dir, "evil/new") != OK);
    EXPECT(create_directory(&k, dir, "link1/new") != OK);
    EXPECT(symlink_at_dir(&k, dir, "x", "evil/new") != OK);
    EXPECT(unlink_file(&k, dir, "evil/secret") != OK);
    EXPECT(rename_to(&k, dir, "evil/secret", dir, "mine") != OK);
    EXPECT(rename_to(&k, dir, "d", dir, "evil/new") != OK);
    EXPECT_EQ(symlink_at_dir(&k, dir, "/etc", "abs"), CODE(NOT_PERMITTED));
    canary_check(g, &before);
    caller_release(&k);
}

static void check_read_only(bool walk)
{
    Guest *g = guest_new((GuestOptions){.walk = walk, .read_only = true});
    Caller k;
    struct stat before, after;
    char full[256];
    int code;
    EXPECT(!wasi_ctx_preopen(g->ctx, g->outside, STR("rw"), false));
    host_write(g, "f", "text");
    host_mkdir(g, "d");
    snprintf(full, sizeof full, "%s/f", g->dir);
    EXPECT(lstat(full, &before) == 0);
    caller_init(&k, g);
    Descriptor *ro = k.dirs[0], *rw = k.dirs[1];
    EXPECT_EQ(try_open(&k, ro, "f", 0, 0, WRITE), CODE(NOT_PERMITTED));
    EXPECT_EQ(try_open(&k, ro, "f", 0, 0, READ | WRITE), CODE(NOT_PERMITTED));
    EXPECT_EQ(try_open(&k, ro, "f", 0, TRUNCATE, READ), CODE(NOT_PERMITTED));
    EXPECT_EQ(try_open(&k, ro, "f", 0, TRUNCATE, 0), CODE(NOT_PERMITTED));
    EXPECT_EQ(try_open(&k, ro, "new", 0, CREATE, READ), CODE(NOT_PERMITTED));
    EXPECT_EQ(try_open(&k, ro, "new", 0, CREATE | EXCLUSIVE, READ), CODE(NOT_PERMITTED));
    EXPECT_EQ(try_open(&k, ro, "d", 0, DIRECTORY, READ | MUTATE), CODE(NOT_PERMITTED));
    EXPECT_EQ(create_directory(&k, ro, "x"), CODE(NOT_PERMITTED));
    EXPECT_EQ(remove_directory(&k, ro, "d"), CODE(NOT_PERMITTED));
    EXPECT_EQ(unlink_file(&k, ro, "f"), CODE(NOT_PERMITTED));
    EXPECT_EQ(symlink_at_dir(&k, ro, "f", "x"), CODE(NOT_PERMITTED));
    EXPECT_EQ(set_times_of(&k, ro, 0, "f"), CODE(NOT_PERMITTED));
    EXPECT_EQ(set_times(&k, ro, 1), CODE(NOT_PERMITTED));
    EXPECT_EQ(rename_to(&k, ro, "f", ro, "g"), CODE(NOT_PERMITTED));
    EXPECT_EQ(rename_to(&k, ro, "f", rw, "g"), CODE(NOT_PERMITTED));
    EXPECT_EQ(link_to(&k, ro, "f", ro, "g"), CODE(NOT_PERMITTED));
    EXPECT_EQ(link_to(&k, ro, "f", rw, "g"), CODE(NOT_PERMITTED));
    EXPECT_EQ(try_open(&k, rw, "mine", 0, CREATE, WRITE), OK);
    EXPECT_EQ(rename_to(&k, rw, "mine", ro, "g"), CODE(NOT_PERMITTED));
    EXPECT_EQ(link_to(&k, rw, "mine", ro, "g"), CODE(NOT_PERMITTED));
    Descriptor *d = opened(&k, ro, "d", 0, DIRECTORY, READ, &code);
    EXPECT(d);
    EXPECT_EQ(create_directory(&k, d, "x"), CODE(NOT_PERMITTED)); /* beneath it is no better */
    wasi_filesystem_types_descriptor_drop(k.p2, d);
    Descriptor *f = opened(&k, ro, "f", 0, 0, READ, &code);
    EXPECT(f);
    VoidResult r = {0};
    wasi_filesystem_types_descriptor_set_size(k.c, f, 0, &r);
    EXPECT_EQ(outcome(&r), CODE(NOT_PERMITTED));
    EXPECT_EQ(set_times(&k, f, 1), CODE(NOT_PERMITTED));
    WasiFilesystemTypesResultU64ErrorCode w = {0};
    wasi_filesystem_types_descriptor_write(k.c, f, (LiftListU8){(const u8 *)"x", 1}, 0, &w);
    EXPECT(w.is_err && w.as.err == CODE(NOT_PERMITTED));
    WasiFilesystemTypesResultStreamsOutputStreamErrorCode s = {0};
    wasi_filesystem_types_descriptor_write_via_stream(k.c, f, 0, &s);
    EXPECT(s.is_err && s.as.err == CODE(NOT_PERMITTED));
    wasi_filesystem_types_descriptor_append_via_stream(k.c, f, &s);
    EXPECT(s.is_err && s.as.err == CODE(NOT_PERMITTED));
    wasi_filesystem_types_descriptor_drop(k.p2, f);
    EXPECT(lstat(full, &after) == 0);
    EXPECT_EQ(after.st_size, before.st_size);
    EXPECT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    caller_release(&k);
    guest_free(g);
}

TEST(security_p2_read_only_openat2)
{
    check_read_only(false);
}

TEST(security_p2_read_only_walk)
{
    check_read_only(true);
}

TEST_BOTH_WAYS(security_p2_procfs)
{
    static const char *const paths[] = {"proc",
                                        "proc/self/mem",
                                        "proc/self/exe",
                                        "proc/1/root",
                                        "dev/fd/1",
                                        "proc/self/root/etc/passwd",
                                        "etc/../proc/self/maps"};
    Caller k;
    if (access("/proc/self/mem", F_OK) != 0)
        test_skip("no procfs at /proc");
    EXPECT(!wasi_ctx_preopen(g->ctx, "/", STR("/"), false));
    caller_init(&k, g);
    for (usize i = 0; i < ARRAY_LEN(paths); i++)
        for (u32 flags = 0; flags <= FOLLOW; flags++) {
            EXPECT(try_open(&k, k.dirs[1], paths[i], flags, 0, READ) != OK);
            EXPECT(try_open(&k, k.dirs[1], paths[i], flags, 0, READ | WRITE) != OK);
        }
    EXPECT_EQ(stat_of(&k, k.dirs[1], FOLLOW, "etc/passwd"), OK); /* the rest is there */
    caller_release(&k);
}

TEST_BOTH_WAYS(security_p2_names)
{
    Caller k;
    Buf deep = {0};
    char name[300];
    caller_init(&k, g);
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    EXPECT_EQ(try_open(&k, k.dirs[0], name, 0, CREATE, WRITE), CODE(NAME_TOO_LONG));
    for (u32 i = 0; i < 100000; i++)
        buf_str(&deep, STR("x/"));
    buf_u8(&deep, 0);
    EXPECT_EQ(try_open(&k, k.dirs[0], (char *)deep.p, 0, 0, READ), CODE(NAME_TOO_LONG));
    buf_release(&deep);
    EXPECT_EQ(try_open(&k, k.dirs[0], "", 0, 0, READ), CODE(NO_ENTRY));
    static const char *const plain[] = {"CON", "COM\xc2\xb9", "a:b", "a\\b"};
    for (usize i = 0; i < ARRAY_LEN(plain); i++) {
        EXPECT_EQ(try_open(&k, k.dirs[0], plain[i], 0, CREATE, WRITE), OK);
        EXPECT(host_exists(g, plain[i]));
    }
    caller_release(&k);
}

TEST_BOTH_WAYS(security_p2_special_files)
{
    Caller k;
    char full[256];
    snprintf(full, sizeof full, "%s/fifo", g->dir);
    EXPECT(mkfifo(full, 0600) == 0);
    caller_init(&k, g);
    (void)try_open(&k, k.dirs[0], "fifo", 0, 0, READ); /* does not wait for a writer */
    (void)try_open(&k, k.dirs[0], "fifo", 0, 0, WRITE);
    caller_release(&k);
}

TEST_BOTH_WAYS(security_p2_times)
{
    static const u64 seconds[] = {0, 1, (u64)1 << 32, (u64)INT64_MAX, (u64)1 << 63, UINT64_MAX};
    Caller k;
    int code;
    host_write(g, "f", "text");
    caller_init(&k, g);
    Descriptor *f = opened(&k, k.dirs[0], "f", 0, 0, READ | WRITE, &code);
    EXPECT(f);
    for (usize i = 0; i < ARRAY_LEN(seconds); i++) {
        code = set_times(&k, f, seconds[i]);
        EXPECT(code == OK || seconds[i] > (u64)1 << 32);
        EXPECT(seconds[i] <= (u64)INT64_MAX || code == CODE(OVERFLOW));
        EXPECT_EQ(stat_of(&k, k.dirs[0], 0, "f"), OK);
    }
    wasi_filesystem_types_descriptor_drop(k.p2, f);
    caller_release(&k);
}

/* A request for everything takes what there is, not what is asked for. */
TEST_BOTH_WAYS(security_p2_reads_are_bounded)
{
    Caller k;
    int code;
    host_write(g, "f", "text");
    caller_init(&k, g);
    Descriptor *f = opened(&k, k.dirs[0], "f", 0, 0, READ, &code);
    EXPECT(f);
    WasiFilesystemTypesResultTuple2ListU8BoolErrorCode r = {0};
    wasi_filesystem_types_descriptor_read(k.c, f, UINT64_MAX, 0, &r);
    EXPECT(!r.is_err && r.as.ok.f0.n == 4);
    wasi_filesystem_types_descriptor_read(k.c, f, UINT64_MAX, UINT64_MAX, &r);
    EXPECT(r.is_err || r.as.ok.f0.n == 0);
    wasi_filesystem_types_descriptor_drop(k.p2, f);
    LiftListU8 bytes = {0};
    wasi_random_random_get_random_bytes(k.c, UINT64_MAX, &bytes);
    EXPECT(k.call.failed && strstr(k.failure, "exceeds limit") && !bytes.n);
    k.call.failed = false;
    wasi_random_insecure_get_insecure_random_bytes(k.c, UINT64_MAX, &bytes);
    EXPECT(k.call.failed && !bytes.n);
    caller_release(&k);
}

TEST_BOTH_WAYS(security_p2_resources_are_bounded)
{
    Caller k;
    int code;
    Descriptor *many[8] = {0};
    host_write(g, "f", "text");
    wasi_ctx_max_resources(g->ctx, ARRAY_LEN(many)); /* the directory is one of them */
    caller_init(&k, g);
    for (usize i = 0; i < ARRAY_LEN(many); i++) {
        EXPECT(!k.call.failed);
        many[i] = opened(&k, k.dirs[0], "f", 0, 0, READ, &code);
    }
    EXPECT(k.call.failed);
    EXPECT_STR(k.failure, "resource table has no free keys");
    for (usize i = 0; i < ARRAY_LEN(many); i++)
        if (many[i])
            wasi_filesystem_types_descriptor_drop(k.p2, many[i]);
    caller_release(&k);
}
