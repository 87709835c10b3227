/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "base/map.h"

#include <stdio.h>

#include "unit/test.h"

enum { KEYS = 500 };

static Str key_of(char (*texts)[8], u32 i)
{
    return str_of(texts[i]);
}

/* Takes keys out in another order than they came: the others stay where they are found. */
TEST(map_removed_keys_leave_the_others)
{
    char texts[KEYS][8];
    Map m = {0};
    map_remove(&m, STR("nothing is there"));
    for (u32 i = 0; i < KEYS; i++) {
        snprintf(texts[i], sizeof texts[i], "k%u", i);
        EXPECT(map_add(&m, key_of(texts, i), i));
    }
    for (u32 n = 0; n < KEYS; n++) {
        u32 gone = n * 7 % KEYS; /* 7 and 500 have no common divisor */
        map_remove(&m, key_of(texts, gone));
        map_remove(&m, key_of(texts, gone));
        EXPECT_EQ(m.n, KEYS - n - 1);
        for (u32 k = 0; k < KEYS; k++) {
            u64 value = 0;
            u32 turn = k * 143 % KEYS; /* 7 * 143 is 1 modulo 500: when k goes */
            EXPECT_EQ(map_get(&m, key_of(texts, k), &value), turn > n);
            EXPECT(turn <= n || value == k);
        }
    }
    EXPECT(map_add(&m, STR(""), 1));
    map_remove(&m, (Str){0});
    EXPECT_EQ(m.n, 0);
    map_release(&m);
}
