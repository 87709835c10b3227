/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a call may make the host take: bytes of strings and lists. */
/* world: keyvalue */
/* flags: -Skeyvalue -Shostcall-fuel=300 */
/* case: string 300 */
/* case: string 301 */
/* case: list 300 */
/* case: list 301 */
/* case: both 150 */
/* case: both 151 */
/* case: strings 12 */
/* case: strings 13 */
/* case: pairs 6 */
/* case: pairs 7 */
/* case: write 300 */
/* case: write 301 */
#include "guest.h"

IMPORT(CLI("environment"), "get-arguments") void get_arguments(Span *ret);
IMPORT(KV("store"), "open") void kv_open(const char *p, u32 n, u32 *ret);
IMPORT(KV("store"), "[method]bucket.set")
void kv_set(u32 b, const char *p, u32 n, const char *value, u32 nvalue, u32 *ret);
IMPORT(KV("batch"), "delete-many") void kv_delete_many(u32 b, const Span *p, u32 n, u32 *ret);
IMPORT(KV("batch"), "set-many") void kv_set_many(u32 b, const Span *p, u32 n, u32 *ret);

static char text[400];
static Span nothing[64];

void test(void)
{
    Span args;
    u32 r[4], n = 0;
    get_arguments(&args);
    const Span *arg = args.p;
    for (u32 i = 0; i < arg[2].n; i++)
        n = n * 10 + ((const u8 *)arg[2].p)[i] - '0';
    for (u32 i = 0; i < sizeof text; i++)
        text[i] = '.';
    kv_open("", 0, r);
    u32 b = r[1];
    if (span_is(arg[1], "string"))
        kv_set(b, text, n, "", 0, r);
    else if (span_is(arg[1], "list"))
        kv_set(b, "", 0, text, n, r);
    else if (span_is(arg[1], "both"))
        kv_set(b, text, n, text, n, r);
    else if (span_is(arg[1], "strings"))
        kv_delete_many(b, nothing, n, r);
    else if (span_is(arg[1], "pairs"))
        kv_set_many(b, nothing, n, r);
    else
        put_bytes(text, n);
    put("done\n");
}
