/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What hosts got wrong around guests: pointers, descriptors, waits that cannot be ended, metadata
 * that was believed.
 */
#include "security/modes.h"
#include "unit/wasi/guest_fixture.h"
#include "wasi/p1/p1.h"
#include "wasm/text/text.h"

#include "os/thread.h"
#include "os/time.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* --- every pointer of every function of preview 1, through compiled code --- */

static const struct {
    const char *name, *sig, *params;
} functions[] = {
#define P1(name, sig, versions, params, args) {#name, sig, #params},
#include "wasi/p1/p1.def"
#undef P1
};

enum { TEXT = 32768, BUFFERS = 1024 };

/* A value that is right for a parameter of that name. */
static u64 usual(Str param)
{
    static const struct {
        const char *name;
        u64 value;
    } rows[] = {{"fd", 3},          {"old_fd", 3},      {"new_fd", 3},     {"path", TEXT},
                {"old_path", TEXT}, {"new_path", TEXT}, {"target", TEXT},  {"len", 1},
                {"old_len", 1},     {"new_len", 1},     {"target_len", 1}, {"n", 1},
                {"cap", 8},         {"iovs", BUFFERS},  {"subs", 4096}};
    for (usize i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(param, str_of(rows[i].name)))
            return rows[i].value;
    return strstr(param.p, "ret") == param.p || str_eq(param, STR("buf")) ? 64 : 0;
}

/* Parameter number `k` of a list like "(u32 fd, u64 offset)"; empty behind the last. */
static Str param_name(const char *params, u32 k)
{
    const char *p = params + 1;
    for (; k && (p = strchr(p, ',')); k--)
        p += 2;
    const char *space = p ? strchr(p, ' ') : NULL;
    return space ? (Str){space + 1, strcspn(space + 1, ",)")} : (Str){0};
}

static Instance *wasi_instance(Harness *h, Linker *l, const char *name, const char *sig)
{
    Buf t = {0}, bin = {0};
    Diag d;
    diag_init(&d);
    usize n = strcspn(sig, ":");
    for (u32 round = 0; round < 2; round++) {
        buf_printf(&t,
                   round ? "(memory (export \"memory\") 1 1)(func (export \"run\") (param"
                         : "(import \"wasi_snapshot_preview1\" \"%s\" (func $f (param",
                   name);
        for (usize i = 0; i < n; i++)
            buf_str(&t, sig[i] == 'i' ? STR(" i32") : STR(" i64"));
        buf_str(&t, sig[n + 1] ? STR(") (result i32)") : STR(")"));
        buf_str(&t, round ? STR(" (call $f") : STR("))"));
    }
    for (usize i = 0; i < n; i++)
        buf_printf(&t, "(local.get %zu)", i);
    buf_str(&t, STR("))"));
    if (!text_parse_module((Str){(char *)t.p, t.n}, &(TextOptions){0}, &bin, NULL, &d))
        test_fail(__FILE__, __LINE__, "%s: %.*s", d.msg, (int)t.n, (char *)t.p);
    EXPECT(!engine_module_new(h->engine, bin.p, bin.n, &d, &h->module));
    EXPECT(!linker_instantiate(l, h->module, &h->instance));
    buf_release(&t);
    buf_release(&bin);
    return h->instance;
}

/* What the guest had in its memory before the call. */
static void prepare(u8 *mem)
{
    memset(mem, 0, 65536);
    mem[TEXT] = 'f';
    store_u32(mem + BUFFERS, 2048); /* one buffer */
    store_u32(mem + BUFFERS + 4, 16);
}

static void attack_function(const char *name, const char *sig, const char *params, const char *dir)
{
    static const u64 places[] = {65535,      65536,      65537,      65533,      65529,
                                 0x7fffffff, 0xfffffff8, 0xffffffff, 0x80000000, 1};
    Harness h = {0};
    EngineConfig c;
    engine_config_init(&c);
    EXPECT(!engine_new(&c, &h.engine) && !engine_store_new(h.engine, &h.store));
    WasiCtx *ctx = wasi_ctx_new();
    EXPECT(!wasi_ctx_preopen(ctx, dir, STR("dir"), false));
    EXPECT(!wasi_ctx_arg(ctx, STR("argument")));
    Linker *l = linker_new(h.store);
    EXPECT(!wasi_p1_link(l, ctx));
    wasi_instance(&h, l, name, sig);
    Extern x;
    EXPECT(instance_export(h.instance, STR("memory"), &x));
    u64 bytes;
    u8 *mem = memory_data(x.memory, &bytes);
    EXPECT(instance_export(h.instance, STR("run"), &x));
    u32 n = (u32)strcspn(sig, ":");
    for (u32 k = 0; k < n; k++)
        for (usize i = 0; i < ARRAY_LEN(places); i++) {
            VmVal vals[12] = {{.i64 = 0}};
            for (u32 j = 0; j < n; j++)
                vals[j].i64 = (i64)(j == k ? places[i] : usual(param_name(params, j)));
            prepare(mem);
            error_free(func_call(h.store, x.func, vals)); /* nothing is read or written behind */
        }
    linker_free(l);
    store_free(h.store);
    wasi_ctx_free(ctx);
    module_unref(h.module);
    engine_free(h.engine);
}

TEST(security_every_parameter_of_preview_1)
{
    Guest *g = guest_new((GuestOptions){0});
    for (usize i = 0; i < ARRAY_LEN(functions); i++) {
        host_write(g, "f", "text");
        printf("%s\n", functions[i].name);
        attack_function(functions[i].name, functions[i].sig, functions[i].params, g->dir);
    }
    guest_free(g);
}

/* --- CVE-2025-53901: descriptors that are renumbered, in a process with few of them --- */

static u32 open_descriptors(void)
{
    u32 n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) != -1;
    return n;
}

TEST(security_renumbering_keeps_the_count)
{
    Guest *g = guest_new((GuestOptions){0});
    u32 before = open_descriptors();
    struct rlimit few = {before + 8, before + 8};
    EXPECT(setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (u32 i = 0; i < 2000; i++) {
        u32 a, b;
        EXPECT_EQ(guest_open(g, "a", 0, P1_OFLAGS_CREAT, P1_RIGHT_FD_WRITE, 0, &a), P1_SUCCESS);
        EXPECT_EQ(guest_open(g, "b", 0, P1_OFLAGS_CREAT, P1_RIGHT_FD_WRITE, 0, &b), P1_SUCCESS);
        EXPECT_EQ(guest_ok(g, p1_fd_renumber(g->c, a, b)), P1_SUCCESS);
        EXPECT_EQ(guest_ok(g, p1_fd_renumber(g->c, a, b)), P1_EBADF);
        EXPECT_EQ(guest_ok(g, p1_fd_renumber(g->c, b, UINT32_MAX)), P1_EBADF);
        EXPECT_EQ(guest_ok(g, p1_fd_renumber(g->c, b, b)), P1_SUCCESS);
        EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, b)), P1_SUCCESS);
    }
    EXPECT_EQ(open_descriptors(), before);
    /* The guest is told when there are no more, and goes on. */
    u32 fds[64], n = 0;
    while (n < ARRAY_LEN(fds) && guest_open(g, "a", 0, 0, P1_RIGHT_FD_READ, 0, &fds[n]) == 0)
        n++;
    EXPECT(n > 0 && n < ARRAY_LEN(fds));
    while (n)
        EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, fds[--n])), P1_SUCCESS);
    EXPECT_EQ(open_descriptors(), before);
    guest_free(g);
}

/* --- very many sleeps and opens --- */

static u64 resident(void)
{
    char text[256] = {0};
    FILE *f = fopen("/proc/self/statm", "r");
    EXPECT(f && fgets(text, sizeof text, f));
    fclose(f);
    char *end;
    strtoull(text, &end, 10);
    return strtoull(end, NULL, 10) * 4096;
}

TEST(security_many_sleeps_and_opens_leave_nothing)
{
    Guest *g = guest_new((GuestOptions){0});
    host_write(g, "f", "text");
    u64 before = 0;
    for (u32 i = 0; i < 40000; i++) {
        u32 fd;
        g->c->fuel = 1 << 20;
        memset(g->mem + 8192, 0, 64);
        store_u32(g->mem + 8192 + 16, 1); /* the monotonic clock, 1 ns */
        store_u64(g->mem + 8192 + 24, 1);
        EXPECT_EQ(guest_ok(g, p1_poll_oneoff(g->c, 8192, 16384, 1, GUEST_RET)), P1_SUCCESS);
        EXPECT_EQ(guest_open(g, "f", 0, 0, P1_RIGHT_FD_READ, 0, &fd), P1_SUCCESS);
        EXPECT_EQ(guest_ok(g, p1_fd_close(g->c, fd)), P1_SUCCESS);
        if (i == 4000)
            before = resident();
    }
    EXPECT(resident() < before + (1 << 20));
    guest_free(g);
}

/* --- nothing that a guest runs goes on after an interrupt --- */

typedef struct Alarm {
    Store *store;
    u64 raised;
} Alarm;

static void raise_alarm(void *arg)
{
    Alarm *a = arg;
    usleep(50000);
    a->raised = os_monotonic_ns();
    store_interrupt(a->store);
}

TEST(security_everything_can_be_interrupted)
{
#ifdef __SANITIZE_THREAD__
    test_skip("signals are not delivered promptly under ThreadSanitizer");
#endif
    static const char *const bodies[] = {
        "(loop (br 0))",
        "(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 67108864)) (br 0))",
        "(loop (memory.copy (i32.const 0) (i32.const 1) (i32.const 67108000)) (br 0))",
        "(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 60000)) (br 0))",
        "(loop (memory.init $d (i32.const 0) (i32.const 0) (i32.const 30000)) (br 0))",
        "(loop (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1)) (br 0))",
        "(loop (table.fill $t (i32.const 0) (ref.null func) (i32.const 1000000)) (br 0))",
        "(loop (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 999999)) (br 0))",
        "(loop (drop (memory.grow (i32.const 0))) (br 0))",
        "(loop (drop (table.grow $t (ref.null func) (i32.const 0))) (br 0))",
        "(loop (call $a) (br 0))",
        "(call $ring)",
        "(loop (call_indirect $t (type $v) (i32.const 0)) (br 0))",
        "(loop (br_table 0 0 0 (i32.const 1)))",
        "(call $tree (i32.const 60))",
    };
    for (usize i = 0; i < ARRAY_LEN(bodies); i++)
        for (u32 checked = 0; checked < 2; checked++) {
            char wat[32000];
            snprintf(wat, sizeof wat,
                     "(memory 1024) (table $t 1000000 funcref) (type $v (func))"
                     "(elem (table $t) (i32.const 0) func $a) (func $a)"
                     "(data $d \"%030000d\") (elem $e func $a)"
                     "(func $ring (return_call $ring2)) (func $ring2 (return_call $ring))"
                     "(func $tree (param i32) (if (local.get 0) (then"
                     " (call $tree (i32.sub (local.get 0) (i32.const 1)))"
                     " (call $tree (i32.sub (local.get 0) (i32.const 1))))))"
                     "(func (export \"run\") %s)",
                     0, bodies[i]);
            EngineConfig c;
            engine_config_init(&c);
            c.tunables.signal_traps &= !checked;
            c.lazy = !checked;
            Harness h = harness_new(wat, &c);
            Alarm a = {.store = h.store};
            OsThread t;
            EXPECT(os_thread_start(&t, raise_alarm, &a));
            harness_trap(&h, "run", 0, 0, TRAP_INTERRUPT);
            u64 took = os_monotonic_ns() - a.raised;
            os_thread_join(t);
            if (took > 1000000000)
                test_fail(__FILE__, __LINE__, "%s goes on for %llu ms", bodies[i],
                          (unsigned long long)(took / 1000000));
            harness_free(&h);
        }
}

/* --- sections that only describe --- */

static u64 with_section(const Buf *module, const char *name, u64 seed)
{
    static const u8 kinds[] = {0, 1, 2, 3, 0x7f, 0x80, 0xff};
    Buf all = {0}, body = {0};
    usize n = strlen(name);
    buf_uleb(&body, n);
    buf_bytes(&body, name, n);
    for (u32 i = 0; i < seed % 40; i++)
        buf_u8(&body, kinds[(seed = seed * 6364136223846793005u + 1) >> 40 & 7
                                ? (seed >> 33) % ARRAY_LEN(kinds)
                                : 0]);
    /* in front, where it comes before what it describes, or at the end */
    usize at = seed >> 60 & 1 ? 8 : module->n;
    buf_bytes(&all, module->p, at);
    buf_u8(&all, 0);
    buf_uleb(&all, body.n);
    buf_bytes(&all, body.p, body.n);
    buf_bytes(&all, module->p + at, module->n - at);
    EngineConfig c;
    engine_config_init(&c);
    c.features |= FEATURE_MASK(BRANCH_HINTING);
    Harness h = {0};
    Diag d;
    EXPECT(!engine_new(&c, &h.engine) && !engine_store_new(h.engine, &h.store));
    Error *e = engine_module_new(h.engine, all.p, all.n, &d, &h.module);
    u64 result = 0;
    if (!e) {
        EXPECT(!instance_new(h.store, h.module, NULL, 0, &h.instance));
        result = harness_run(&h, "run", 10, 0, 0);
        harness_trap(&h, "boom", 0, 0, TRAP_UNREACHABLE);
    }
    bool refused = e != NULL;
    error_free(e);
    store_free(h.store);
    if (h.module)
        module_unref(h.module);
    engine_free(h.engine);
    buf_release(&all);
    buf_release(&body);
    return refused ? UINT64_MAX : result;
}

TEST(security_metadata_changes_no_result)
{
    static const char *const names[] = {
        "name",      "metadata.code.branch_hint", ".debug_info", ".debug_line", ".debug_abbrev",
        "producers", "sourceMappingURL"};
    Buf bin = {0};
    Diag d;
    diag_init(&d);
    EXPECT(text_parse_module(STR("(func (export \"run\") (param i32) (result i32) (local i32)"
                                 " (loop (local.set 1 (i32.add (local.get 1) (local.get 0)))"
                                 "  (if (i32.and (local.get 0) (i32.const 1)) (then (local.set 1"
                                 "   (i32.add (local.get 1) (i32.const 100)))))"
                                 "  (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
                                 " (local.get 1))"
                                 "(func (export \"boom\") unreachable)"),
                             &(TextOptions){0}, &bin, NULL, &d));
    for (usize i = 0; i < ARRAY_LEN(names); i++)
        for (u64 seed = 1; seed < 200; seed++) {
            u64 got = with_section(&bin, names[i], seed * 0x9e3779b97f4a7c15u);
            if (got != 55 + 5 * 100)
                test_fail(__FILE__, __LINE__, "section %s: %llu", names[i],
                          (unsigned long long)got);
        }
    buf_release(&bin);
}
