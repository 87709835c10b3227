/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* flags: -Sconfig -Sconfig-var=one=1 -Sconfig-var=two=a=b */
/* flags: -Sconfig-var=one=uno -Sconfig-var=empty= */
/* world: config */
#include "guest.h"

IMPORT(CONFIG, "get") void config_get(const char *key, u32 n, void *ret);
IMPORT(CONFIG, "get-all") void config_get_all(void *ret);

static void get(const char *key)
{
    struct {
        u8 is_err;
        union {
            struct {
                u8 some;
                Span value;
            } ok;
        };
    } r;
    config_get(S(key), &r);
    put(key);
    if (r.is_err)
        put(" err\n");
    else if (!r.ok.some)
        put(" none\n");
    else
        say_span(" some", r.ok.value);
}

void test(void)
{
    get("one");
    get("two");
    get("empty");
    get("three");
    get("");
    struct {
        u8 is_err;
        Span list;
    } all;
    config_get_all(&all);
    say_u64("variables", all.list.n);
    const Span(*pairs)[2] = all.list.p;
    u32 bytes = 0; /* the order is not said */
    for (u32 i = 0; i < all.list.n; i++)
        bytes += pairs[i][0].n * 100 + pairs[i][1].n;
    say_u64("lengths", bytes);
}
