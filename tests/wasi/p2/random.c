/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:random, and its limit. */
/* flags: -Smax-random-size=255 */
/* case: show */
/* case: secure */
/* case: insecure */
#include "guest.h"

IMPORT(CLI("environment"), "get-arguments") void get_arguments(Span *ret);
IMPORT(RANDOM("random"), "get-random-bytes") void random_bytes(u64 n, Span *ret);
IMPORT(RANDOM("random"), "get-random-u64") u64 random_u64(void);
IMPORT(RANDOM("insecure"), "get-insecure-random-bytes") void insecure_bytes(u64 n, Span *ret);
IMPORT(RANDOM("insecure"), "get-insecure-random-u64") u64 insecure_u64(void);
IMPORT(RANDOM("insecure-seed"), "insecure-seed") void insecure_seed(u64 ret[2]);

/* Are there at least ten different bytes? */
static bool varied(Span s)
{
    u32 seen[8] = {0}, n = 0;
    for (u32 i = 0; i < s.n; i++) {
        u8 b = ((const u8 *)s.p)[i];
        n += !(seen[b / 32] >> b % 32 & 1);
        seen[b / 32] |= 1u << b % 32;
    }
    return n >= 10;
}

static void show(void (*get)(u64, Span *))
{
    Span s;
    get(255, &s);
    say_u64("bytes", s.n);
    say_bool("varied", varied(s));
    get(0, &s);
    say_u64("bytes", s.n);
}

static void secure(u64 n, Span *ret)
{
    random_bytes(n, ret);
}
static void insecure(u64 n, Span *ret)
{
    insecure_bytes(n, ret);
}

void test(void)
{
    Span args, s;
    u64 a[2], b[2];
    get_arguments(&args);
    Span arg = ((const Span *)args.p)[1];
    if (span_is(arg, "secure"))
        random_bytes(256, &s);
    if (span_is(arg, "insecure"))
        insecure_bytes(256, &s);
    show(secure);
    show(insecure);
    say_bool("different", random_u64() != random_u64());
    say_bool("different", insecure_u64() != insecure_u64());
    insecure_seed(a);
    insecure_seed(b);
    say_bool("the same seed", a[0] == b[0] && a[1] == b[1]);
}
