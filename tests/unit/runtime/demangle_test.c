/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names of Rust symbols; the expected forms are those of rustc's own tools. */
#include "runtime/demangle.h"

#include "os/thread.h"
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
        {"_ZN4core9panickingE", "core::panicking"}, /* C++ has these */
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

/* As the real runtime prints them. */
TEST(demangle_cxx_names)
{
    static const struct {
        const char *name, *want;
    } t[] = {
        {"_ZN3foo3barEi", "foo::bar(int)"},
        {"_ZNSt6vectorIiSaIiEE9push_backEOi",
         "std::vector<int, std::allocator<int> >::push_back(int&&)"},
        {"_ZTI3foo", "typeinfo for foo"},
        {"_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()() const"},
        {"_Z3mapIZ1gvEUliE_EvT_", "void map<g()::{lambda(int)#1}>(g()::{lambda(int)#1})"},
        {"__Z1hv", "h()"},
        {"____Z1hv", "h()"},
        {"_____Z1hv", "_____Z1hv"},
        {"_Z9not", "_Z9not"},
        {"_Z", "_Z"},
        {"Z1hv", "Z1hv"},
        {"f", "f"}, /* a type, but hardly meant to be one */
        {"_ZL4statv.isra.0", "stat() [clone .isra.0]"},
        {"_ZN12_GLOBAL__N_11xEv", "(anonymous namespace)::x()"},
        {"_Z1qDv4_fPFivEM3fooi", "q(float __vector(4), int (*)(), int foo::*)"},
        {"_ZplRK3fooS1_", "operator+(foo const&, foo const&)"},
        {"_ZN3foocvbEv", "foo::operator bool()"},
        {"_ZNK4Base5printERKNSt3__212basic_stringIcNS0_11char_traitsIcEENS0_9allocatorIcEEEE",
         "Base::print(std::__2::basic_string<char, std::__2::char_traits<char>, "
         "std::__2::allocator<char> > const&) const"},
    };
    for (u32 i = 0; i < ARRAY_LEN(t); i++) {
        Buf out = {0};
        demangle(&out, str_of(t[i].name));
        buf_u8(&out, 0);
        EXPECT_STR((char *)out.p, t[i].want);
        buf_release(&out);
    }
    Buf out = {0};
    demangle(&out, (Str){"_Z1h\0v", 6}); /* not of C++ */
    EXPECT_EQ(out.n, 6);
    buf_release(&out);
}

/* Names that double with each piece, that nest, that repeat any few pieces. */
static void cxx_piece(Buf *b, u32 choice)
{
    static const char *const pieces[] = {"N",   "E",  "I",  "S_",    "S0_", "S1_", "T_",     "T0_",
                                         "T1_", "i",  "v",  "P",     "R",   "F",   "1a",     "2bc",
                                         "St",  "Sa", "J",  "Dp",    "Z",   "L",   "XadL_Z", "C1",
                                         "cv",  "dp", "sr", "fp",    "Ut_", "M",   "UlvE_",  "Dv4_",
                                         "A3_", "DT", "pl", "3fooI", "sZ",  "X",   "Li0E",   "sp"};
    buf_str(b, str_of(pieces[choice % ARRAY_LEN(pieces)]));
}

static void hostile_names(void *arg)
{
    (void)arg;
    u64 seed = 7;
    for (u32 i = 0; i < 20000; i++) {
        u32 r[4];
        Buf name = {0}, out = {0};
        buf_str(&name, i % 2 ? STR("_Z1fI") : STR("_Z1f"));
        for (u32 k = 0; k < 4; k++)
            r[k] = (u32)((seed = seed * 6364136223846793005u + 1442695040888963407u) >> 33);
        for (u32 k = 0; name.n < 580; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            cxx_piece(&name, i % 4 == 3 ? (u32)(seed >> 33) : r[k % (1 + i % 4)]);
        }
        demangle(&out, (Str){(char *)name.p, name.n});
        EXPECT(out.n > 0 && out.n <= 4096);
        buf_release(&name);
        buf_release(&out);
    }
}

TEST(demangle_hostile_cxx_names)
{
    Buf name = {0}, out = {0};
    buf_str(&name, STR("_Z1f1aIiiE")); /* S0_ is a<int, int>; each is twice the one before */
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (u32 i = 0; i < 30; i++)
        buf_printf(&name, "S_IS%c_S%c_E", digits[i], digits[i]);
    demangle(&out, (Str){(char *)name.p, name.n});
    EXPECT(out.n == name.n && memcmp(out.p, name.p, name.n) == 0);
    out.n = name.n = 0;
    buf_str(&name, STR("_Z"));
    for (u32 i = 0; i < 1 << 20; i++)
        buf_u8(&name, 'P');
    demangle(&out, (Str){(char *)name.p, name.n});
    EXPECT_EQ(out.n, name.n);
    buf_release(&name);
    buf_release(&out);
    OsThread t; /* with two megabytes of stack */
    EXPECT(os_thread_start(&t, hostile_names, NULL));
    os_thread_join(t);
}
