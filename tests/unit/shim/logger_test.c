/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Addresses of loggers. */
#include "shim/logger.h"

#include "unit/test.h"

#include <stdio.h>

static void expect_words(const char *address, const char *words)
{
    char *block, text[500] = "";
    const char **list;
    if (!logger_parse(address, &block, &list))
        test_fail(__FILE__, __LINE__, "%s is refused", address);
    for (usize i = 0; list[i]; i++) {
        usize n = strlen(text);
        snprintf(text + n, sizeof text - n, "%s%s", i ? "|" : "", list[i]);
    }
    EXPECT_STR(text, words);
    mem_free(list);
    mem_free(block);
}

TEST(shim_logger_addresses)
{
    expect_words("binary:///bin/log", "/bin/log");
    expect_words("binary:///bin/a%20b?x=1&y=a+b%2Bc&z&=", "/bin/a b|x|1|y|a b+c|z||");
    expect_words("binary:///bin/a+b?--flag=v=w", "/bin/a+b|--flag|v=w");
    static const char *const wrong[] = {
        "binary://",       "binary://bin/log",  "binary:///a%2",    "binary:///a%zz",
        "binary:///a%00b", "binary:///a?b=%00", "binary:///a#part", "binary:///a?b#part"};
    for (usize i = 0; i < ARRAY_LEN(wrong); i++) {
        char *block;
        const char **list;
        if (logger_parse(wrong[i], &block, &list))
            test_fail(__FILE__, __LINE__, "%s is not refused", wrong[i]);
    }
    Buf many = {0};
    buf_str(&many, STR("binary:///a?"));
    for (u32 i = 0; i < 100; i++)
        buf_str(&many, STR("&a=b"));
    char *address = buf_take_string(&many), *block;
    const char **list;
    EXPECT(!logger_parse(address, &block, &list));
    mem_free(address);
}
