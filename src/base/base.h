/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What every file may rely on: fixed-width integers, attributes, unaligned access, checked
 * narrowing. Little-endian 64-bit hosts only.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* gcc's names for the sanitizers it builds for, in clang too. */
#ifdef __has_feature
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ 1
#endif
#endif

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef size_t usize;

static_assert(sizeof(void *) == 8, "64-bit hosts only");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian hosts only");

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define NORETURN __attribute__((noreturn))
#define COLD __attribute__((cold, noinline))
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Takes a pointer out of a variable that a cleanup attribute would free. */
#define TAKE_PTR(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

/* A broken invariant of our own, in release builds too: prints and aborts. Never for input. */
NORETURN COLD void base_bug(const char *file, int line, const char *what);
#define BUG(what) base_bug(__FILE__, __LINE__, what)
#define ALWAYS(x) (LIKELY(x) ? (void)0 : BUG(#x))

/* Narrowing where the caller knows that the value fits; a wrong belief stops the program. */
static inline u32 u32_of(u64 v)
{
    ALWAYS(v <= UINT32_MAX);
    return (u32)v;
}
static inline i32 i32_of(i64 v)
{
    ALWAYS(v >= INT32_MIN && v <= INT32_MAX);
    return (i32)v;
}
static inline u16 u16_of(u64 v)
{
    ALWAYS(v <= UINT16_MAX);
    return (u16)v;
}
static inline u8 u8_of(u64 v)
{
    ALWAYS(v <= UINT8_MAX);
    return (u8)v;
}

#define BASE_LOAD_STORE(bits)                                                                      \
    static inline u##bits load_u##bits(const void *p)                                              \
    {                                                                                              \
        u##bits v;                                                                                 \
        memcpy(&v, p, sizeof v);                                                                   \
        return v;                                                                                  \
    }                                                                                              \
    static inline void store_u##bits(void *p, u##bits v)                                           \
    {                                                                                              \
        memcpy(p, &v, sizeof v);                                                                   \
    }
BASE_LOAD_STORE(16)
BASE_LOAD_STORE(32)
BASE_LOAD_STORE(64)
#undef BASE_LOAD_STORE

static inline u64 align_up(u64 v, u64 align)
{
    return (v + align - 1) & ~(align - 1);
}

/* A borrowed piece of text or bytes: not terminated, may hold NUL. */
typedef struct Str {
    const char *p;
    usize n;
} Str;

#define STR(lit) ((Str){"" lit, sizeof(lit) - 1})
#define STR_ARG(s) (int)MIN((s).n, 4096), (s).p /* for "%.*s" */

static inline Str str_of(const char *z)
{
    return (Str){z, z ? strlen(z) : 0};
}
static inline bool str_eq(Str a, Str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool str_starts(Str s, Str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* ASCII, whatever the locale. */
static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool is_hex_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
static inline bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}
static inline bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}
static inline bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without the spaces and line ends behind it; around it. */
static inline Str str_trim_end(Str s)
{
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}
static inline Str str_trim(Str s)
{
    while (s.n && is_space(s.p[0]))
        s = (Str){s.p + 1, s.n - 1};
    return str_trim_end(s);
}

#endif
