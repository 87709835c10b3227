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
        {"_RNCNvC5crate4main0", "crate::main::{closure#0}"},
        {"_RNCNvC5crate4mains_0", "crate::main::{closure#1}"},
        {"_RNvNtC3std3mem8align_ofC3foo", "std::mem::align_of"},
        {"_RINvNtC3std3mem8align_ofjE", "std::mem::align_of::<usize>"},
        {"_RINvNtC3std3mem8align_ofjEC3foo.llvm.12", "std::mem::align_of::<usize>"},
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

/* As the real runtime prints them, but for the names that it cuts. */
TEST(demangle_rust_generic_names)
{
    static const struct {
        const char *name, *want;
    } t[] = {
        {"_RINvNtNtCset5xJoy1xWQ_3std3sys9backtrace26___rust_end_short_backtraceNCNvNtB6_"
         "9panicking13panic_handler0zEB6_",
         "std[a88812da5ee6ad9e]::sys::backtrace::__rust_end_short_backtrace::<"
         "std[a88812da5ee6ad9e]::panicking::panic_handler::{closure#0}, !>"},
        {"_RNCNvNtCset5xJoy1xWQ_3std9panicking13panic_handler0B5_",
         "std[a88812da5ee6ad9e]::panicking::panic_handler::{closure#0}"},
        {"_RINvC1b1gNtC5alloc6StringAAnj3_j2_EB2_",
         "b::g::<alloc::String, [[i128; 3usize]; 2usize]>"},
        {"_RINvC1b1cKc27_Kb0_Kan80_Ko10000000000000000_EB2_",
         "b::c::<'\\'', false, -128i8, 0x10000000000000000u128>"},
        {"_RINvC1b1fDG_INtC4core2FnTRL0_eEEp6OutputNtBd_3BoxEL_EB2_",
         "b::f::<dyn for<'a> core::Fn<(&'a str,), Output = core::Box>>"},
        {"_RNvC1au6gr_yka", "a::gr\xc3\xbc"},
        {"_RNvC1au8zzzzzzzz", "a::punycode{zzzzzzzz}"},
        {"_RNvXs_C1aINtB4_1SThhEENtB4_1T1f", "<a::S<(u8, u8)> as a::T>::f"},
        {"_RNvMC1aNtB2_1S1f", "<a::S>::f"},
        {"_RNvYhNtC1a1T1f", "<u8 as a::T>::f"},
        {"_RINvC1a1fFUKCPhOtEzE", "a::f::<unsafe extern \"C\" fn(*const u8, *mut u16) -> !>"},
        {"_RINvC1a1fFK9rust_callEuE", "a::f::<extern \"rust-call\" fn()>"},
        {"_RINvC1a1fQL_hRL_tE", "a::f::<&mut u8, &u16>"},
        {"_RINvC1a1fFG0_RL1_hRL0_tEuE", "a::f::<for<'a, 'b> fn(&'a u8, &'b u16)>"},
        {"_RINvC1a1fL_TEThEShE", "a::f::<'_, (), (u8,), [u8]>"},
        {"_RNSC1a6vtable", "a::{shim:vtable#0}"},
        {"_RINvC1a1fKpKcd800_E", "_RINvC1a1fKpKcd800_E"}, /* no character */
        {"_RINvC1a1fKb2_E", "_RINvC1a1fKb2_E"},
        {"_RINvC1a1fL0_E", "_RINvC1a1fL0_E"}, /* a lifetime that nothing binds */
        {"_RINvC1a1fB_E", "_RINvC1a1fB_E"},   /* itself */
        {"_RINvC1a1fB9_E", "_RINvC1a1fB9_E"}, /* forward */
        {"_RINvC1a1fDB6_L_E", "_RINvC1a1fDB6_L_E"},
        {"_RNvC1a1b$x", "_RNvC1a1b$x"},
    };
    for (u32 i = 0; i < ARRAY_LEN(t); i++) {
        Buf out = {0};
        demangle(&out, str_of(t[i].name));
        buf_u8(&out, 0);
        EXPECT_STR((char *)out.p, t[i].want);
        buf_release(&out);
    }
}

/* Short names of long texts, deep ones, and what any few pieces make. */
TEST(demangle_hostile_rust_names)
{
    static const char *const pieces[] = {"N",   "v",   "C", "1a", "I",        "E",    "B_",  "B0_",
                                         "B1_", "B5_", "T", "u",  "h",        "R",    "L_",  "L0_",
                                         "D",   "p1a", "F", "G_", "Gzzzzzz_", "K",    "j0_", "A",
                                         "S",   "X",   "M", "Y",  "s_",       "u3a_b"};
    u64 seed = 5;
    for (u32 i = 0; i < 30000; i++) {
        Buf name = {0}, out = {0};
        buf_str(&name, i % 3 ? STR("_RINvC1a1f") : STR("_R"));
        u32 r[4];
        for (u32 k = 0; k < 4; k++)
            r[k] = (u32)((seed = seed * 6364136223846793005u + 1442695040888963407u) >> 33);
        for (u32 k = 0; name.n < 300; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            u32 choice = i % 4 == 3 ? (u32)(seed >> 33) : r[k % (1 + i % 4)];
            buf_str(&name, str_of(pieces[choice % ARRAY_LEN(pieces)]));
        }
        demangle(&out, (Str){(char *)name.p, name.n});
        EXPECT(out.n > 0 && out.n <= 8192);
        buf_release(&name);
        buf_release(&out);
    }
    Buf name = {0}, out = {0};
    buf_str(&name, STR("_RINvC1a1fuTuuE")); /* each tuple holds the one before twice */
    static const char *const before[] = {"8", "c", "k",  "s",  "A",  "I",
                                         "Q", "Y", "16", "1e", "1o", "1y"};
    for (u32 i = 0; i < ARRAY_LEN(before); i++)
        buf_printf(&name, "TB%s_B%s_E", before[i], before[i]);
    buf_str(&name, STR("E"));
    demangle(&out, (Str){(char *)name.p, name.n});
    EXPECT_EQ(out.n, name.n);
    buf_release(&name);
    buf_release(&out);
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
