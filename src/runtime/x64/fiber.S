/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Switching stacks: fiber_stack.h. What C wants kept goes onto the stack that is left. The control
 * words of SSE and x87 are C's to keep, too; they are loaded only if they differ, which is dear.
 */
    .intel_syntax noprefix
    .text

#define MXCSR_CONTROL 0xffc0

/* void fiber_switch(u64 *ret_sp, u64 sp) */
    .globl fiber_switch
    .hidden fiber_switch
    .type fiber_switch, @function
    .p2align 4
fiber_switch:
    endbr64
    push rbp
    push rbx
    push r12
    push r13
    push r14
    push r15
    sub rsp, 8
    stmxcsr [rsp]
    fnstcw [rsp + 4]
    mov eax, [rsp]
    movzx ecx, word ptr [rsp + 4]
    mov [rdi], rsp
    mov rsp, rsi
    xor eax, [rsp]
    xor cx, [rsp + 4]
    test eax, MXCSR_CONTROL
    jnz .Lmxcsr
.Lmxcsr_done:
    test cx, cx
    jnz .Lx87
.Lx87_done:
    add rsp, 8
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    /* As a return it would be predicted from the stack that was left. */
    pop rdx
    notrack jmp rdx
.Lmxcsr:
    ldmxcsr [rsp]
    jmp .Lmxcsr_done
.Lx87:
    fldcw [rsp + 4]
    jmp .Lx87_done
    .size fiber_switch, . - fiber_switch

/* Where the first switch to a fiber arrives; rbp is 0: the outermost frame. */
    .globl fiber_start
    .hidden fiber_start
    .type fiber_start, @function
    .p2align 4
fiber_start:
    endbr64
    mov rdi, r12
    call fiber_main
    ud2
    .size fiber_start, . - fiber_start

    .section .note.GNU-stack, "", @progbits
