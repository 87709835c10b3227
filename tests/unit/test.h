/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Unit tests register themselves: TEST(name) { ... } puts a row into a linker section. The runner
 * forks for each test, with a time limit, so a crash fails one test only.
 *
 *   build/unit-tests [-l] [-v] [substring ...]
 */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include "base/base.h"

typedef struct TestCase {
    const char *name, *file;
    void (*run)(void);
} TestCase;

#define TEST(id)                                                                                   \
    static void test_##id(void);                                                                   \
    static const TestCase test_row_##id = {#id, __FILE__, test_##id};                              \
    static const TestCase *const test_ptr_##id                                                     \
        __attribute__((section("unit_tests"), used, aligned(8))) = &test_row_##id;                 \
    static void test_##id(void)

/* Ends the test: prints the place and the reason. */
NORETURN void test_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Ends the test as skipped; the reason is in the output. */
NORETURN void test_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Calls of the heap, for memory and threads that this process has made so far, but not to free. */
long test_memory_calls(void);

#define EXPECT(x)                                                                                  \
    do {                                                                                           \
        if (!(x))                                                                                  \
            test_fail(__FILE__, __LINE__, "%s", #x);                                               \
    } while (0)
#define EXPECT_EQ(a, b)                                                                            \
    do {                                                                                           \
        long long a_ = (long long)(a), b_ = (long long)(b);                                        \
        if (a_ != b_)                                                                              \
            test_fail(__FILE__, __LINE__, "%s is %lld (0x%llx), expected %lld (0x%llx)", #a, a_,   \
                      (unsigned long long)a_, b_, (unsigned long long)b_);                         \
    } while (0)
#define EXPECT_STR(a, b)                                                                           \
    do {                                                                                           \
        const char *a_ = (a), *b_ = (b);                                                           \
        if (!a_ || strcmp(a_, b_) != 0)                                                            \
            test_fail(__FILE__, __LINE__, "%s is \"%s\", expected \"%s\"", #a, a_ ? a_ : "(null)", \
                      b_);                                                                         \
    } while (0)

#endif
