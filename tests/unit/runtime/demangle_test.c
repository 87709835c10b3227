/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names of Rust symbols; the expected forms are those of rustc's own tools. */
#include "runtime/demangle.h"

#include "unit/test.h"

TEST(demangle_rust_names)
{
    static const struct {
        const char *name, *want;
    } t[] = {
        {"main", "main"},
        {"", ""},
        {"_ZN4core9panicking9panic_fmt17he093f8ef6966d6c7E",
         "core::panicking::panic_fmt::he093f8ef6966d6c7"},
        {"_ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17h68545d9913332777E",
         "std::rt::lang_start::{{closure}}::h68545d9913332777"},
        {"_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h"
         "930b740aa94f1d3aE",
         "<Test + 'static as foo::Bar<Test>>::bar::h930b740aa94f1d3a"},
        {"_ZN4core9panickingE", "_ZN4core9panickingE"}, /* C++ has these */
        {"_ZN9999999999999core17he093f8ef6966d6c7E", "_ZN9999999999999core17he093f8ef6966d6c7E"},
        {"_RNvCscSpY9Juk0HT_7___rustc17rust_begin_unwind",
         "__rustc[95feac21a9532783]::rust_begin_unwind"},
        {"_RNvCscSpY9Juk0HT_7___rustc18___rust_start_panic",
         "__rustc[95feac21a9532783]::__rust_start_panic"},
        {"_RNCNvC5crate4main0", "crate[0]::main::{closure#0}"},
        {"_RNCNvC5crate4mains_0", "crate[0]::main::{closure#1}"},
        {"_RNvNtC3std3mem8align_ofC3foo", "std[0]::mem::align_of"},
        {"_RINvNtC3std3mem8align_ofjE", "_RINvNtC3std3mem8align_ofjE"}, /* generic: left */
        {"_RNvC", "_RNvC"},
        {"_R", "_R"},
        {"_RNvC99999999999999999999x", "_RNvC99999999999999999999x"},
    };
    for (u32 i = 0; i < ARRAY_LEN(t); i++) {
        Buf out = {0};
        demangle(&out, str_of(t[i].name));
        buf_u8(&out, 0);
        EXPECT_STR((char *)out.p, t[i].want);
        buf_release(&out);
    }
}

TEST(demangle_deep_names_without_deep_recursion)
{
    Buf name = {0}, out = {0};
    buf_str(&name, STR("_R"));
    for (u32 i = 0; i < 100000; i++)
        buf_str(&name, STR("Nv"));
    demangle(&out, (Str){(char *)name.p, name.n});
    EXPECT_EQ(out.n, name.n);
    buf_release(&name);
    buf_release(&out);
}
