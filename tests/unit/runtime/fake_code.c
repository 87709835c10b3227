/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The routines: all of type (i32 i32) -> i32, in wasm's calling convention (edi, esi -> eax; r14
 * context, r15 memory 0). In each the labels `trap` and `call` stand at the instruction that may
 * trap and behind the call; without them it has none.
 */
#include "unit/runtime/fake_code.h"

#include "runtime/trap.h"
#include "unit/test.h"
#include "wasm/text/text.h"

#define ROUTINE(name, body)                                                                        \
    extern const u8 code_##name[], code_##name##_trap[], code_##name##_call[],                     \
        code_##name##_end[];                                                                       \
    __asm__(".pushsection .rodata\n.intel_syntax noprefix\n"                                       \
            ".macro trap\ncode_" #name "_trap:\n.endm\n"                                           \
            ".macro called\ncode_" #name "_call:\n.endm\n"                                         \
            "code_" #name ":\n" body "\ncode_" #name "_end:\n"                                     \
            ".purgem trap\n.purgem called\n.weak code_" #name "_trap, code_" #name "_call\n"       \
            ".att_syntax\n.popsection\n");

/* clang-format off */
ROUTINE(add, "push rbp; mov rbp, rsp; lea eax, [rdi + rsi]; pop rbp; ret")
ROUTINE(stop, "push rbp; mov rbp, rsp; trap; ud2")
ROUTINE(load, "push rbp; mov rbp, rsp; mov edi, edi; trap; mov eax, [r15 + rdi]; pop rbp; ret")
ROUTINE(divide, "push rbp; mov rbp, rsp; mov eax, edi; xor edx, edx; trap; div esi; pop rbp; ret")
ROUTINE(spin, "push rbp; mov rbp, rsp; 1: jmp 1b")
/* an access that no wasm instruction makes */
ROUTINE(wild, "push rbp; mov rbp, rsp; trap; mov eax, [r15 - 8]; pop rbp; ret")
/* the relocation of the call is at called - 4 */
ROUTINE(callnext, "push rbp; mov rbp, rsp; .byte 0xe8, 0, 0, 0, 0; called; pop rbp; ret")
ROUTINE(recurse, "push rbp; mov rbp, rsp; mov rax, [r14 + 8]; cmp rsp, [rax]; ja 1f; trap; ud2;"
                 "1: .byte 0xe8, 0, 0, 0, 0; called; pop rbp; ret")
/* import 0, of a module without memories, tables and globals: at 48 in the context */
ROUTINE(import0, "push rbp; mov rbp, rsp; push r14; push r15; mov rax, r14;"
                 "mov rcx, [r14 + 48]; mov r14, [r14 + 56]; call rcx; called;"
                 "pop r15; pop r14; pop rbp; ret")
/* memory.grow 0 by the first argument; wrong unless builtins keep r10 and r11 */
ROUTINE(grow, "push rbp; mov rbp, rsp; mov edx, edi; xor esi, esi; mov rdi, r14; mov r10, 10;"
              "mov r11, -10; mov rax, [r14 + 16]; call [rax]; called; add eax, r10d; add eax, r11d;"
              "pop rbp; ret")
/* keeps what wasm functions keep, around a call of the next function */
ROUTINE(keeps, "push rbp; mov rbp, rsp; mov r10d, 10; mov r11d, 11; mov ebx, 3; mov r12d, 12;"
               "movd xmm0, edi; .byte 0xe8, 0, 0, 0, 0; called; add eax, r10d; add eax, r11d;"
               "add eax, ebx; add eax, r12d; pop rbp; ret")
ROUTINE(entry_stub, "push rbp; mov rbp, rsp; push rbx; push r12; push r13; push r14; push r15; push rdx;"
               "mov r14, rdi; mov r15, [r14 + 24]; mov rcx, rsi; mov edi, [rdx]; mov esi, [rdx + 16];"
               "xor eax, eax; call rcx; pop rdx; mov [rdx], rax;"
               "pop r15; pop r14; pop r13; pop r12; pop rbx; pop rbp; ret")
ROUTINE(host_stub, "push rbp; mov rbp, rsp; push r10; push r11; sub rsp, 32; mov rcx, [r14 + 8];"
              "mov rdx, [rbp]; mov [rcx + 40], rdx; mov rdx, [rbp + 8]; mov [rcx + 48], rdx;"
              "mov [rsp], rdi; mov [rsp + 16], rsi; mov rdi, [r14 + 24]; mov rsi, rax; mov rdx, rsp;"
              "call [r14 + 16]; mov rcx, [r14 + 8]; cmp qword ptr [rcx + 32], 0; je 1f;"
              "mov rdi, r14; mov rax, [rcx + 64]; call [rax + 8 * 12];"
              "1: mov eax, [rsp]; add rsp, 32; pop r11; pop r10; pop rbp; ret")
/* clang-format on */
static_assert(BUILTIN_memory_grow == 0 && BUILTIN_raise_pending == 12, "numbers in the routines");
static_assert(offsetof(VmCtx, memory0_base) == 24 && offsetof(VmHostFunc, fn) == 16 &&
                  offsetof(VmHostFunc, env) == 24 && offsetof(VmStore, pending) == 32 &&
                  offsetof(VmStore, builtins) == 64,
              "offsets in the routines");

typedef struct Routine {
    const char *name;
    const u8 *code, *trap, *call, *end;
    u8 code_of_trap;
    u8 calls; /* 1: the next function, 2: itself */
} Routine;

#define ROW(name, trap, calls)                                                                     \
    {                                                                                              \
#name, code_##name, code_##name##_trap, code_##name##_call, code_##name##_end, trap, calls \
    }
static const Routine routines[] = {
    ROW(add, 0, 0),
    ROW(stop, TRAP_UNREACHABLE, 0),
    ROW(load, TRAP_MEMORY_OUT_OF_BOUNDS, 0),
    ROW(divide, TRAP_INTEGER_DIVISION_BY_ZERO, 0),
    ROW(spin, 0, 0),
    ROW(wild, TRAP_MEMORY_OUT_OF_BOUNDS, 0),
    ROW(callnext, 0, 1),
    ROW(recurse, TRAP_STACK_OVERFLOW, 2),
    ROW(import0, 0, 0),
    ROW(grow, 0, 0),
    ROW(keeps, 0, 1),
};

typedef struct Compiled {
    CompiledFunc func;
    FuncReloc reloc;
    TrapSite trap;
    CallSite call;
} Compiled;

static void describe(const Routine *r, u32 func, u32 body_at, Compiled *c)
{
    *c = (Compiled){.func = {.code = r->code, .size = (u32)(r->end - r->code)}};
    if (r->trap) {
        c->trap = (TrapSite){(u32)(r->trap - r->code), body_at + 1, r->code_of_trap};
        c->func.traps = &c->trap;
        c->func.ntraps = 1;
    }
    if (r->call) {
        c->call = (CallSite){(u32)(r->call - r->code), body_at + 2};
        c->func.calls = &c->call;
        c->func.ncalls = 1;
    }
    if (r->calls) {
        c->reloc = (FuncReloc){(u32)(r->call - r->code) - 4, RELOC_CALL_FUNC,
                               r->calls == 1 ? func + 1 : func};
        c->func.relocs = &c->reloc;
        c->func.nrelocs = 1;
    }
}

/* The routine with which the function's export name begins. */
static const Routine *routine_of(const WasmModule *w, u32 func)
{
    for (u32 i = 0; i < w->nexports; i++) {
        if (w->exports[i].kind != EXTERN_FUNC || w->exports[i].index != func)
            continue;
        for (u32 k = 0; k < ARRAY_LEN(routines); k++)
            if (str_starts(w->exports[i].name, str_of(routines[k].name)))
                return &routines[k];
    }
    return NULL;
}

static Error *compile(void *arg, Module *m, u32 func)
{
    Fake *f = arg;
    f->compiled++;
    const Routine *r = routine_of(module_wasm(m), func);
    if (!r)
        return error_new("no such routine");
    Compiled c;
    describe(r, func, module_wasm(m)->funcs[func].body.at, &c);
    return module_publish(m, &c.func, &func, 1);
}

static Error *stub(void *arg, StubKind kind, u32 type, const void **ret_code)
{
    (void)type;
    Fake *f = arg;
    CompiledFunc c = {.code = code_entry_stub,
                      .size = (u32)(code_entry_stub_end - code_entry_stub)};
    if (kind != STUB_ENTRY)
        c = (CompiledFunc){.code = code_host_stub,
                           .size = (u32)(code_host_stub_end - code_host_stub)};
    u32 none = UINT32_MAX;
    os_mutex_lock(&f->lock);
    Error *e = code_publish(f->stubs, &c, &none, 1, ret_code);
    os_mutex_unlock(&f->lock);
    return e;
}

void fake_init(Fake *f, CodeBacking backing)
{
    *f = (Fake){.types = types_new(), .backing = backing};
    f->tunables = (Tunables){.memory_reservation = (u64)4 << 30,
                             .memory_guard = 32 << 20,
                             .memory_may_move = true,
                             .signal_traps = true};
    f->config = (StoreConfig){.registry = f->types,
                              .tunables = &f->tunables,
                              .limits = store_limits_default(),
                              .max_wasm_stack = 512 << 10,
                              .max_backtrace = 20,
                              .epoch = &f->epoch,
                              .stub = stub,
                              .arg = f};
    os_mutex_init(&f->lock);
    CodeMemConfig c = {.text_bytes = 1 << 20, .backing = backing};
    EXPECT(code_mem_new(&c, &f->stubs) == NULL);
}

void fake_release(Fake *f)
{
    code_mem_free(f->stubs);
    os_mutex_release(&f->lock);
    types_free(f->types);
}

Module *fake_module(Fake *f, const char *wat)
{
    Buf binary = {0};
    Diag diag;
    diag_init(&diag);
    if (!text_parse_module(str_of(wat), &(TextOptions){0}, &binary, NULL, &diag))
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    DecodeOptions o = {.features = ~(FeatureSet)0};
    WasmModule *w = module_decode(f->types, &o, binary.p, binary.n, &diag);
    if (!w)
        test_fail(__FILE__, __LINE__, "%s", diag.msg);
    buf_release(&binary);
    ModuleConfig c = {.arg = f, .compile = compile, .backing = f->backing};
    Module *m = NULL;
    EXPECT(module_new(w, &c, &m) == NULL);
    return m;
}

Store *fake_store(Fake *f)
{
    Store *s = NULL;
    EXPECT(store_new(&f->config, &s) == NULL);
    return s;
}

Instance *fake_instance(Store *s, Module *m, const Extern *imports, u32 n)
{
    Instance *i = NULL;
    Error *e = instance_new(s, m, imports, n, &i);
    if (e)
        test_fail(__FILE__, __LINE__, "%s", e->message);
    return i;
}

VmFuncRef *fake_func(Instance *i, const char *name)
{
    Extern x;
    if (!instance_export(i, str_of(name), &x) || x.kind != EXTERN_FUNC)
        test_fail(__FILE__, __LINE__, "no function %s", name);
    return x.func;
}

static Error *call(Instance *i, const char *name, u32 a, u32 b, u32 *ret_result)
{
    VmVal vals[2] = {{.i32 = (i32)a}, {.i32 = (i32)b}};
    Error *e = func_call(instance_store(i), fake_func(i, name), vals);
    *ret_result = (u32)vals[0].i32;
    return e;
}

u32 fake_call(Instance *i, const char *name, u32 a, u32 b)
{
    u32 result = 0;
    Error *e = call(i, name, a, b, &result);
    if (e)
        test_fail(__FILE__, __LINE__, "%s: %s", name, fake_text(e));
    return result;
}

const char *fake_text(Error *e)
{
    enum { TEXTS = 8, SIZE = 8192 };
    static _Thread_local char texts[TEXTS][SIZE];
    static _Thread_local u32 next;
    char *text = texts[next++ % TEXTS];
    *text = 0;
    if (!e)
        return text;
    Buf out = {0};
    error_format(e, &out);
    error_free(e);
    usize n = MIN(out.n, SIZE - 1);
    memcpy(text, out.p, n);
    text[n] = 0;
    buf_release(&out);
    return text;
}

const char *fake_call_error(Instance *i, const char *name, u32 a, u32 b)
{
    u32 result = 0;
    return fake_text(call(i, name, a, b, &result));
}

VmFuncRef *fake_host(Fake *f, Store *s, void (*fn)(void *env, VmCtx *caller, VmVal *vals),
                     void *env)
{
    static const ValType types[] = {VT_I32, VT_I32};
    u32 type = types_add_func(f->types, types, 2, types, 1);
    VmFuncRef *ref = NULL;
    EXPECT(store_host_func(s, type, false, (void *)fn, env, &ref) == NULL);
    types_unref(f->types, type);
    return ref;
}
