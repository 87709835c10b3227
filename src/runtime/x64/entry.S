/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Ways into and out of wasm code (entry.h). Registers of generated code: backend/x64/roles.h.
 */
#include "runtime/x64/offsets.h"

    .intel_syntax noprefix
    .text

#define FUNCTION(name)                                                                             \
    .globl name;                                                                                   \
    .hidden name;                                                                                  \
    .type name, @function;                                                                         \
    .p2align 4;                                                                                    \
    name:

/*
 * Wasm computes with MXCSR as a new process has it: to nearest, subnormals kept, faults masked. A host
 * that has set something else gets it back. The low bits are flags that say nothing.
 */
#define MXCSR_CONTROL 0xffc0
#define MXCSR_DEFAULT 0x1f80

/* Saves what C wants kept, and a word for MXCSR at the stack pointer that wasm_unwind gets. */
    .macro enter_frame
    endbr64
    push rbp
    mov rbp, rsp
    push rbx
    push r12
    push r13
    push r14
    push r15
    sub rsp, 8
    mov [rdi], rsp
    .endm

    .macro enter_args
    mov rax, rsi
    mov rdi, rdx
    mov rsi, rcx
    mov rdx, r8
    .endm

/* u32 wasm_enter(u64 *ret_sp, stub, callee, code, vals) */
FUNCTION(wasm_enter)
    enter_frame
    mov dword ptr [rsp], MXCSR_DEFAULT
    enter_args
.Lcall:
    call rax
    xor eax, eax
.Lleave:
    mov ecx, [rsp]
    and ecx, MXCSR_CONTROL
    cmp ecx, MXCSR_DEFAULT
    jne .Lreset_mxcsr
.Lleft:
    add rsp, 8
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret
.Lreset_mxcsr:
    ldmxcsr [rsp]
    jmp .Lleft
    .size wasm_enter, . - wasm_enter

/* u32 wasm_enter_floats(u64 *ret_sp, stub, callee, code, vals) */
FUNCTION(wasm_enter_floats)
    enter_frame
    stmxcsr [rsp]
    enter_args
    mov ecx, [rsp]
    and ecx, MXCSR_CONTROL
    cmp ecx, MXCSR_DEFAULT
    je .Lcall
    mov dword ptr [rsp + 4], MXCSR_DEFAULT
    ldmxcsr [rsp + 4]
    jmp .Lcall
    .size wasm_enter_floats, . - wasm_enter_floats

/* void wasm_unwind(u64 sp) */
FUNCTION(wasm_unwind)
    endbr64
    mov rsp, rdi
    mov eax, 1
    jmp .Lleave
    .size wasm_unwind, . - wasm_unwind

/*
 * Wasm code may be anywhere: nothing is at hand but the stack, of which it uses nothing below the
 * pointer (the 128 bytes are C's red zone, left alone nevertheless). Registers that C keeps are not
 * saved here.
 */
FUNCTION(wasm_yield)
    endbr64
    lea rsp, [rsp - 128 - 8]
    pushfq
    push rbp
    mov rbp, rsp
    push rax
    push rcx
    push rdx
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    sub rsp, 256
    and rsp, -16
    .set at, 0
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups [rsp + at], xmm\n
    .set at, at + 16
    .endr
    cld
    mov rdi, [rbp]
    call wasm_yielded
    mov [rbp + 16], rax
    .set at, 0
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups xmm\n, [rsp + at]
    .set at, at + 16
    .endr
    lea rsp, [rbp - 72]
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rax
    pop rbp
    popfq
    ret 128
    .size wasm_yield, . - wasm_yield

/* Every register that may hold an argument, and those that wasm callees keep but C does not. */
FUNCTION(lazy_common)
    endbr64
    push rbp
    mov rbp, rsp
    push rdi
    push rsi
    push r8
    push r9
    push rdx
    push rcx
    push r10
    push r11
    sub rsp, 128
    movups [rsp], xmm0
    movups [rsp + 16], xmm1
    movups [rsp + 32], xmm2
    movups [rsp + 48], xmm3
    movups [rsp + 64], xmm4
    movups [rsp + 80], xmm5
    movups [rsp + 96], xmm6
    movups [rsp + 112], xmm7
    mov r10, [r14 + CTX_STORE]
    mov r11, [rbp]
    mov [r10 + STORE_EXIT_FP], r11
    mov r11, [rbp + 8]
    mov [r10 + STORE_EXIT_PC], r11
    mov rdi, r14
    mov esi, eax
    call lazy_compile
    movups xmm0, [rsp]
    movups xmm1, [rsp + 16]
    movups xmm2, [rsp + 32]
    movups xmm3, [rsp + 48]
    movups xmm4, [rsp + 64]
    movups xmm5, [rsp + 80]
    movups xmm6, [rsp + 96]
    movups xmm7, [rsp + 112]
    add rsp, 128
    pop r11
    pop r10
    pop rcx
    pop rdx
    pop r9
    pop r8
    pop rsi
    pop rdi
    pop rbp
    jmp rax
    .size lazy_common, . - lazy_common

/*
 * Builtins: note where wasm was left, go on in C. Like wasm functions they keep r10 and r11, which
 * belong to callers further up and which C clobbers.
 * raise_pending is called by stubs of host functions, which have noted it already.
 */
    .macro builtin_entry name, note
    .globl builtin_entry_\name
    .hidden builtin_entry_\name
    .type builtin_entry_\name, @function
    .p2align 4
builtin_entry_\name:
    endbr64
    push r10
    push r11
    .if \note
    mov rax, [rdi + CTX_STORE]
    mov [rax + STORE_EXIT_FP], rbp
    mov r11, [rsp + 16]
    mov [rax + STORE_EXIT_PC], r11
    .endif
    sub rsp, 8
    call builtin_\name
    add rsp, 8
    pop r11
    pop r10
    ret
    .size builtin_entry_\name, . - builtin_entry_\name
    .endm

#define BUILTIN(name, result, params)                                                              \
    .ifc name, raise_pending;                                                                      \
    builtin_entry name, 0;                                                                         \
    .else;                                                                                         \
    builtin_entry name, 1;                                                                         \
    .endif;
#include "abi/builtins.def"
#undef BUILTIN

    .section .note.GNU-stack, "", @progbits
