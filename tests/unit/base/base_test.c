/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tests of src/base: containers, text, errors. */
#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "unit/test.h"

#include <stdio.h>

TEST(arena_is_zeroed_and_aligned)
{
    Arena a;
    arena_init(&a);
    for (int round = 0; round < 3; round++) {
        for (u32 i = 1; i < 300; i++) {
            u8 *p = arena_alloc(&a, i);
            EXPECT(((uintptr_t)p & (i >= 16 ? 15 : 7)) == 0);
            for (u32 k = 0; k < i; k++)
                EXPECT(p[k] == 0);
            memset(p, 0xa5, i);
        }
        arena_reset(&a);
    }
    arena_release(&a);
}

TEST(arena_reserves_what_is_asked_for)
{
    Arena a;
    arena_init(&a);
    arena_reserve(&a, 0);
    EXPECT_EQ(a.total, 0);
    arena_reserve(&a, 100);
    EXPECT_EQ(a.total, 112);
    arena_reserve(&a, 4000); /* there is room for something */
    EXPECT_EQ(a.total, 112);
    arena_alloc(&a, 100);
    EXPECT_EQ(arena_used(&a), 112);
    arena_alloc(&a, 300);
    EXPECT(a.total >= 412);
    arena_release(&a);
}

TEST(map_keeps_many_keys)
{
    Map m = {0};
    static char keys[5000][8];
    for (u32 i = 0; i < 5000; i++) {
        int n = snprintf(keys[i], sizeof keys[i], "k%u", i);
        EXPECT(map_add(&m, (Str){keys[i], (usize)n}, i));
        EXPECT(!map_add(&m, (Str){keys[i], (usize)n}, 0));
    }
    for (u32 i = 0; i < 5000; i++) {
        u64 v = 0;
        EXPECT(map_get(&m, str_of(keys[i]), &v));
        EXPECT_EQ(v, i);
    }
    u64 v;
    EXPECT(!map_get(&m, STR("nothing"), &v));
    map_release(&m);
}

TEST(map_takes_the_empty_key)
{
    Map m = {0};
    u64 v = 0;
    EXPECT(!map_get(&m, (Str){0}, &v));
    EXPECT(map_add(&m, (Str){0}, 7));
    EXPECT(map_get(&m, STR(""), &v));
    EXPECT_EQ(v, 7);
    map_release(&m);
}

TEST(utf8_refuses_what_the_standard_refuses)
{
    static const struct {
        const char *bytes;
        usize n;
        bool valid;
    } rows[] = {
        {"abcdefghij", 10, true},       {"\xc3\xa9", 2, true},
        {"\xc0\x80", 2, false},         {"\xed\xa0\x80", 3, false},
        {"\xf4\x8f\xbf\xbf", 4, true},  {"\xf4\x90\x80\x80", 4, false},
        {"\xe2\x82", 2, false},         {"\x80", 1, false},
        {"\xf0\x80\x80\x80", 4, false},
    };
    for (usize i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_EQ(utf8_valid(rows[i].bytes, rows[i].n), rows[i].valid);
}

TEST(leb_has_the_shortest_form)
{
    Buf b = {0};
    buf_uleb(&b, 624485);
    buf_sleb(&b, -123456);
    buf_sleb(&b, INT64_MIN);
    EXPECT(b.n == 3 + 3 + 10);
    EXPECT(memcmp(b.p, "\xe5\x8e\x26\xc0\xbb\x78", 6) == 0);
    buf_release(&b);
}

TEST(error_layout_has_one_or_many_causes)
{
    Error *e = error_wrap(error_new("cause"), "top");
    Buf b = {0};
    error_format(e, &b);
    char *s = buf_take_string(&b);
    EXPECT_STR(s, "Error: top\n\nCaused by:\n    cause\n");
    mem_free(s);
    e = error_wrap(e, "new top %d", 2);
    error_format(e, &b);
    s = buf_take_string(&b);
    EXPECT_STR(s, "Error: new top 2\n\nCaused by:\n    0: top\n    1: cause\n");
    mem_free(s);
    error_free(e);
}

/* Blocks of ASCII are skipped: a wrong byte is found wherever it is. */
TEST(utf8_bad_bytes_anywhere)
{
    u8 text[200];
    for (usize n = 0; n <= sizeof text; n += 7) {
        memset(text, 'a', sizeof text);
        EXPECT(utf8_valid(text, n));
        for (usize at = 0; at < n; at++) {
            text[at] = 0x80;
            EXPECT(!utf8_valid(text, n));
            text[at] = 'a';
        }
        if (n >= 2) {
            text[n - 2] = 0xc3;
            text[n - 1] = 0xa9;
            EXPECT(utf8_valid(text, n) && !utf8_valid(text, n - 1));
        }
    }
}

TEST(times_are_utc_whatever_the_zone)
{
    Buf b = {0};
    buf_utc(&b, 951868799); /* the end of a leap day */
    buf_u8(&b, ' ');
    buf_utc(&b, 0);
    buf_u8(&b, 0);
    EXPECT_STR((char *)b.p, "2000-02-29T23:59:59 1970-01-01T00:00:00");
    b.n = 0;
    buf_utc(&b, (u64)1 << 62);
    EXPECT(b.n == 0);
    buf_release(&b);
}
