/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Private to the baseline compiler: its state and the verbs that its files share.
 *
 * Values on wasm's operand stack are described, not computed: a constant, a local that was not
 * overwritten since, a register, a frame slot or the CPU's flags. Registers are of two kinds: pins
 * hold a local for the whole function, temporaries belong to at most one value.
 *
 * Invariants
 * 1. An i32 (and a reference that is no funcref) in a register is zero-extended, always. Memory
 *    accesses rely on it: [r15 + index + offset].
 * 2. A spilled value lies in the slot of its own stack position.
 * 3. At the borders of blocks every value below the block's parameters is a constant, a slot or a
 *    local that nothing overwrites; block parameters and results lie in the places that
 *    bl_places() chooses by their types alone. So states at a merge are equal by construction.
 * 4. V_FLAGS is only ever the topmost value, and only if the next instruction consumes it; until
 *    then only moves are emitted.
 * 5. RAX and XMM15 never hold a value from one instruction to the next.
 */
#ifndef COMPILE_BASELINE_H
#define COMPILE_BASELINE_H

#include "backend/x64/asm.h"
#include "backend/x64/roles.h"
#include "compile/compile.h"
#include "wasm/insn.h"

typedef enum ValKind {
    V_CONST, /* imm: the bits; not for v128 */
    V_LOCAL, /* local; its type may be i32 where the value's is i64: zero-extended */
    V_REG,   /* reg: a temporary, or for the time until the next instruction a pin */
    V_SLOT,  /* the slot of its position */
    V_FLAGS, /* cond */
} ValKind;

/* A value on the operand stack. `type` is a TypeKind. */
typedef struct Val {
    u8 kind, type;
    u8 reg;  /* Gpr or Xmm by type */
    u8 cond; /* BlCond */
    union {
        u32 local;
        u32 reach; /* V_REG: as bl_reach says */
    };
    u64 imm; /* V_CONST: the bits; V_SLOT: the stack position; V_LOCAL: the position of the next
                lower value of that local, if there is one */
} Val;

/* Condition codes of the CPU and two that also look at the parity flag. */
typedef enum BlCond { COND_FEQ = CC_COUNT, COND_FNE } BlCond;

typedef struct Local {
    u8 type;        /* TypeKind */
    u8 reg;         /* its pin, GPR_NONE if it lives in the frame */
    bool written;   /* by local.set or local.tee anywhere */
    bool need_init; /* may be read before it is written */
    bool saved;     /* pinned in a register that calls do not keep */
    u32 weight;     /* uses, each worth 8^(loop depth) */
    bool stepped;   /* by a constant, within a loop */
    u32 reads;      /* places in loops */
    u32 refs;       /* V_LOCAL values of it on the stack */
    u32 top_ref;    /* position of the topmost one, if there is any */
    u32 last_write; /* module offset of the last instruction that writes it */
    u32 check_depth, check_serial, check_calls; /* where its pin was last compared with memory 0's
                                                   length (bl_note_check), serial 0: nowhere */
    u32 check_slack;
    u32 hoist_depth, hoist_serial; /* the loop before which it was compared */
    u32 hoist;                     /* scan: the innermost open loop's, plus one */
    i32 offset;                    /* of its slot from rbp, 0 if it has none */
    u32 def_depth, def_serial;     /* scan: the block of the first write */
} Local;

typedef enum BlockKind { BK_FUNC, BK_BLOCK, BK_LOOP, BK_IF, BK_ELSE } BlockKind;

typedef struct Block {
    u8 kind;
    bool reached; /* by a branch to its end */
    u8 single;    /* TypeKind of the only result if `results` is NULL */
    u32 serial;   /* of the code from its start, or from its `else`, on */
    u32 loop;     /* position of the innermost loop's block, itself included; 0 if there is none */
    u32 height;   /* values below its parameters */
    u32 nparams, nresults;
    const ValType *params, *results;
    CodeLabel label;      /* where branches go: the end, or the head of a loop */
    CodeLabel other;      /* BK_IF: where the condition fails */
    CodeLabel table_stub; /* of the current br_table: its label plus one, 0 if none */
} Block;

/* An open block of the scan; an `else` starts another one. */
typedef struct ScanBlock {
    u32 serial;
    u32 loop; /* number of the loop plus one, 0 for other blocks */
} ScanBlock;

/* What the scan of a loop leaves. */
typedef struct LoopInfo {
    bool innermost;
    u32 outer; /* number of the loop around it plus one, 0 for none */
    u32 calls; /* scan: calls before it */
    u32 hoist, nhoists;
} LoopInfo;

/* A local that is compared with the length before a loop (loop_checks.c). */
typedef struct Hoist {
    u32 local, loop; /* number of the loop plus one */
    u32 step;        /* by how much it grows in a turn */
    u32 outer;       /* scan: the same local's entry for a loop around this one, plus one */
    bool dead;       /* it does not qualify after all */
} Hoist;

/* ud2 out of line. */
typedef struct TrapStub {
    CodeLabel label;
    u32 wasm;
    u8 trap;
} TrapStub;

/* A slot on the stack or register that a value is moved to. */
typedef struct Move {
    Val from;
    u8 dst;
} Move;

enum {
    BL_MAX_PINS = 8,
    BL_FLOAT_PINS = 10, /* leaves five temporaries */
    BL_MIN_TEMPS = 3,
    BL_MERGE_INTS = 2,
    BL_MERGE_FLOATS = 4,
    BL_MAX_PARALLEL = 16,
    BL_NEAR_TOP = 32, /* values below so many others get no temporary again */
};

/* Of the prologue. Leaf functions with small frames rely on the area below the limit. */
typedef enum StackCheck { CHECK_NONE, CHECK_SMALL, CHECK_LARGE } StackCheck;

typedef struct Baseline {
    CodeBuf code;
    InsnReader r;
    Insn in;
    u32 wasm_at; /* offset of the instruction that is compiled */
    bool reachable;
    bool failed; /* the frame is too large */

    const CompileEnv *env;
    const WasmModule *m;
    const VmLayout *layout;
    const Tunables *t;
    const FuncType *type;
    CallLayout call; /* of the function itself */
    u32 func;
    Arena arena; /* reset per function */
    Diag diag;

    VEC(Val) stack;   /* .n is the height */
    u32 unspilled[2]; /* no value below is in a temporary: [0] general, [1] vector registers */
    u32 flushed;      /* no value below is in a temporary or a local that is ever written */
    VEC(Block) blocks;
    Local *locals;
    u32 nlocals;
    u32 locals_cap;
    VEC(u32) used; /* locals of a weight, ascending: there may be very many that nobody uses */

    /* What the scan found. */
    u32 call_weight;  /* calls, each worth 8^(loop depth) */
    u32 length_local; /* stands for the length of memory 0 among the locals; behind them */
    bool has_call;    /* any call of wasm, host or builtin: the frame needs the stack check */
    bool leaves;      /* calls that leave the instance: the frame has the context and a word */
    bool has_v128;

    u32 gpr_temps, gpr_busy; /* masks */
    u32 xmm_temps, xmm_busy;
    u8 merge_gpr[BL_MERGE_INTS];
    u8 saved_pins[BL_MAX_PINS]; /* registers that the prologue saves */
    u32 nsaved;
    u32 npinned;
    u32 pinned[BL_MAX_PINS + BL_FLOAT_PINS]; /* locals that are pinned */
    VEC(ScanBlock) scan_blocks;
    VEC(LoopInfo) loops; /* in order */
    VEC(Hoist) hoists;   /* in order of the loops */
    u32 loop;            /* number of the next one */
    u32 serial;          /* of the newest block */
    u32 calls_made;      /* so far */

    u32 slot_log2;    /* log2 of the bytes of a stack slot */
    u32 locals_start; /* bytes below rbp where the locals' slots begin ... */
    u32 locals_end;   /* ... and end; the stack's slots follow */
    u32 max_slot;     /* highest slot used plus one */
    u32 result_ptr;   /* slot (bytes below rbp) of the results' address, 0 if none */
    u32 max_down;     /* bytes that calls take below the frame */
    u32 frame_patch;  /* offset of the prologue's frame size */
    u32 check_patch;  /* offset of the size in the check of a large frame */
    u8 check;         /* StackCheck */
    bool mem0_moves;
    u8 length_reg; /* has the length of memory 0; GPR_NONE if it has no register */
    u64 fuel_pending;

    CodeLabel epilogue, overflow;
    VEC(TrapStub) stubs;
    VEC(TrapSite) traps;
    VEC(CallSite) calls;
    VEC(FuncReloc) relocs;
    VEC(CodeLabel) labels; /* scratch of br_table */
    void (*dump)(void *arg, u32 wasm, u32 code);
    void *dump_arg;
} Baseline;

struct CompileCtx {
    Baseline b;
};

static inline bool bl_is_float(u8 type)
{
    return type == KIND_F32 || type == KIND_F64 || type == KIND_V128;
}
/* Operand size of an integer type; references take 64 bits. */
static inline X64Size bl_size(u8 type)
{
    return type == KIND_I32 ? SZ_32 : SZ_64;
}

/* True if faults are traps and the guards are as abi/vmctx.h says. */
static inline bool bl_checks_by_guard(const Baseline *b, const MemoryType *t)
{
    return memory_needs_faults(t, b->t) && !memory_is_guarded(t, b->t);
}

enum { HOIST_REACH = CHECKED_GUARD / 2, HOIST_DRIFT = CHECKED_GUARD - HOIST_REACH };

/*
 * Notes that the local's pin is at most the length of memory 0 plus `slack` from here on, and that
 * an access which proved it less is behind or ahead on every way. Memories do not shrink, so that
 * holds as long as the pin keeps its value: in what the check dominates (its block is open),
 * without a write in between, be it by way of an inner loop's head. After a call the pin has been
 * reloaded, which may be speculation on an older value: it counts no more.
 */
static inline void bl_note_check(Baseline *b, Local *l, u32 slack)
{
    l->check_depth = b->blocks.n - 1;
    l->check_serial = b->blocks.p[l->check_depth].serial;
    l->check_calls = b->calls_made;
    l->check_slack = slack;
}
/* The loop is open before which the pin was checked, for all of the loop's turns. */
static inline bool bl_is_hoisted(const Baseline *b, const Local *l)
{
    return l->hoist_serial && l->hoist_depth < b->blocks.n &&
           b->blocks.p[l->hoist_depth].serial == l->hoist_serial;
}
/* By how much the pin may exceed the length, plus one; 0 if nothing is known. */
static inline u32 bl_pin_reach(const Baseline *b, const Local *l)
{
    if (l->check_serial && l->check_calls == b->calls_made && l->check_depth < b->blocks.n &&
        b->blocks.p[l->check_depth].serial == l->check_serial &&
        (l->check_depth >= b->blocks.p[b->blocks.n - 1].loop || l->last_write < b->wasm_at))
        return l->check_slack + 1;
    return bl_is_hoisted(b, l) ? HOIST_DRIFT + 1 : 0;
}
/* True if accesses by the pin that end within so many bytes need no check. */
static inline bool bl_is_checked(const Baseline *b, const Local *l, u64 bytes)
{
    u32 reach = bl_pin_reach(b, l);
    return reach && reach - 1 + bytes <= CHECKED_GUARD;
}

/* --- loop_checks.c --- */
enum { LOOP_STACK = 16, LOOP_LOCALS = 8 };
typedef struct LoopLocal {
    u32 local, step;
    bool accessed; /* memory is, by its value */
    bool bad;      /* it does not qualify */
} LoopLocal;
/* The state of the scan of loops. */
typedef struct LoopScan {
    bool on;
    bool straight; /* since the head of the innermost loop there was no branch or label */
    bool full;     /* what follows is not followed */
    u32 loop;      /* number of the innermost one plus one, 0 for none */
    u32 calls;     /* so far */
    u32 nstack, nlocals;
    u32 stack[LOOP_STACK]; /* values: the local that they are, or as loop_checks.c says */
    LoopLocal locals[LOOP_LOCALS];
} LoopScan;
void loop_scan_init(Baseline *b, LoopScan *s);
void loop_scan_open(Baseline *b, LoopScan *s); /* the loop that was pushed last */
void loop_scan_close(Baseline *b, LoopScan *s);
void loop_scan_straight(Baseline *b, LoopScan *s, const Insn *in);
/* Every instruction, before what it does to loops and locals is told. */
static inline void loop_scan_insn(Baseline *b, LoopScan *s, const Insn *in)
{
    if (s->straight)
        loop_scan_straight(b, s, in);
}
/* A write that adds the constant `step` to the local; 0: any other. */
void loop_scan_write(Baseline *b, LoopScan *s, u32 local, u64 step);
/* Before the head of the loop whose block will have that depth and serial. */
void bl_hoist_checks(Baseline *b, const LoopInfo *info, u32 depth, u32 serial);

/* --- scan.c --- */
/* Reads the body once: fills locals and the flags above, leaves the reader at its start. */
void bl_scan(Baseline *b);
/* Decides which locals are pinned and lays out the frame. */
void bl_assign_registers(Baseline *b);

/* True if callees may leave the instance for good: by return_call_ref too, whose opcode belongs to
 * another proposal. */
static inline bool bl_tail_calls(const WasmModule *m)
{
    return m->uses & (FEATURE_MASK(TAIL_CALL) | FEATURE_MASK(FUNCTION_REFERENCES));
}

/* --- baseline.c --- */
void bl_restore_saved(Baseline *b); /* registers that the prologue saved */

/* --- baseline_stack.c --- */
Gpr bl_alloc_gpr(Baseline *b);
Xmm bl_alloc_xmm(Baseline *b);
/* Makes that temporary free for the caller, who has not taken it yet. */
void bl_evict_gpr(Baseline *b, Gpr r);
static inline bool bl_is_temp_gpr(const Baseline *b, u8 r)
{
    return b->gpr_temps >> r & 1;
}
static inline void bl_free_gpr(Baseline *b, Gpr r)
{
    b->gpr_busy &= ~(1u << r);
}
static inline void bl_free_xmm(Baseline *b, Xmm r)
{
    b->xmm_busy &= ~(1u << r);
}
/* Ends a popped value: its temporary is free. */
static inline void bl_release(Baseline *b, Val v)
{
    if (v.kind != V_REG)
        return;
    if (bl_is_float(v.type))
        b->xmm_busy &= ~(1u << v.reg);
    else
        b->gpr_busy &= ~(1u << v.reg);
}
void bl_push(Baseline *b, Val v); /* V_LOCAL: counted and linked */
void bl_push_const(Baseline *b, u8 type, u64 bits);
void bl_push_gpr(Baseline *b, u8 type, Gpr r); /* marks a temporary as taken */
void bl_push_xmm(Baseline *b, u8 type, Xmm r);
Val bl_pop(Baseline *b);
/* The value in a register, to be read only; the value may move there. */
Gpr bl_gpr(Baseline *b, Val *v);
Xmm bl_xmm(Baseline *b, Val *v);
/* In a temporary that may be overwritten, or in `want` if that is one. */
Gpr bl_own_gpr(Baseline *b, Val *v);
Xmm bl_own_xmm(Baseline *b, Val *v);
/* Copies the value into that register; flags stay. */
void bl_load_gpr(Baseline *b, const Val *v, Gpr dst);
void bl_load_xmm(Baseline *b, const Val *v, Xmm dst);
/* Stores the value; RAX and XMM15 are used, flags stay. */
void bl_store_val(Baseline *b, const Val *v, X64Mem dst);
/* True, with the operand, if the value is in memory with the width of its type. */
bool bl_in_memory(Baseline *b, const Val *v, X64Mem *ret_mem);
bool bl_in_memory_x(Baseline *b, const Val *v, X64Mem *ret_mem); /* constants too */
X64Mem bl_slot(Baseline *b, u32 position);
X64Mem bl_local_mem(Baseline *b, u32 local);
bool bl_fits_i32(u64 imm);
/* Stores the value at that position of the stack to its slot, if it is not there. */
void bl_to_slot(Baseline *b, u32 position);
/* Where the next instruction wants the result: the pin of the local that it sets, whose other
 * values on the stack are saved then. GPR_NONE if there is no such wish. Call it after popping. */
Gpr bl_hint_gpr(Baseline *b);
Xmm bl_hint_xmm(Baseline *b);
/* A destination of its class: the hint, else a temporary. The value `x`, of either class, has been
 * brought to where the instruction reads it; its register may be chosen. */
Gpr bl_dest_for(Baseline *b, Val x);
Xmm bl_dest_for_x(Baseline *b, Val x);
/* The opcode byte of the next instruction, 0xff at the end. */
static inline u8 bl_peek(const Baseline *b)
{
    return b->r.at < b->r.end ? *b->r.at : 0xff;
}
void bl_save_local_refs(Baseline *b, u32 local);
/* Values from `from` up to but without the topmost `keep` go to their slots. */
void bl_spill_for_block(Baseline *b, u32 keep);
void bl_spill_for_call(Baseline *b, u32 keep);
/* Drops everything above `height`. */
void bl_drop_to(Baseline *b, u32 height);
void bl_local_get(Baseline *b, u32 local);
void bl_local_set(Baseline *b, u32 local, bool tee);
/* All at once, cycles by way of the scratch registers; flags stay. */
void bl_parallel_gpr(Baseline *b, Move *m, u32 n);
void bl_parallel_xmm(Baseline *b, Move *m, u32 n);
/* Notes a trap site at the next instruction. */
void bl_trap_site(Baseline *b, TrapCode trap);
/* The label of an out-of-line trap for the current instruction. */
CodeLabel bl_trap_label(Baseline *b, TrapCode trap);
void bl_trap_stubs(Baseline *b);

/* --- baseline_control.c --- */
void bl_push_func_block(Baseline *b);
void bl_op_block(Baseline *b, BlockKind kind);
void bl_op_else(Baseline *b);
void bl_op_end(Baseline *b);
void bl_op_br(Baseline *b, u32 depth);
void bl_op_br_if(Baseline *b);
void bl_op_br_table(Baseline *b);
void bl_op_return(Baseline *b);
void bl_op_unreachable(Baseline *b);
void bl_op_select(Baseline *b);
void bl_op_br_on_null(Baseline *b, bool non_null);
/* Pops a condition; jumps to `l` if it holds (or not, if `negate`). */
void bl_branch_if(Baseline *b, Val cond, bool negate, CodeLabel l);
/* The flags now hold `cond`: leaves them for the next instruction if that consumes them, makes a
 * 0 or 1 otherwise. */
void bl_push_cond(Baseline *b, u32 cond);
void bl_skip_dead(Baseline *b);
void bl_interrupt_checks(Baseline *b); /* fuel and epoch at entries and loop heads */
void bl_fuel_flush(Baseline *b);

/* --- baseline_int.c, baseline_float.c --- */
bool bl_op_int(Baseline *b, OpId op);
/* --- baseline_div.c --- */
void bl_op_div(Baseline *b, u8 type, bool is_signed, bool rem);
/* Takes RDX, puts x into RAX and y into another register, which is returned. */
Gpr bl_set_up_division(Baseline *b, Val x, Val *y);
bool bl_op_float(Baseline *b, OpId op);

/* --- baseline_memory.c --- */
typedef struct Addr {
    X64Mem m;
    u8 temp[2]; /* registers to free after use, GPR_NONE */
} Addr;
/* The operand of an access of `size` bytes; notes nothing. May use RAX in the operand. */
Addr bl_address(Baseline *b, Val *index, const MemArg *a, u32 size);
void bl_addr_free(Baseline *b, const Addr *a);
/* Of a scalar access: log2 of its bytes. */
u32 bl_access_size(OpId op);
/* The lesser of register and length of the memory. */
void bl_mask_index(Baseline *b, u32 memory, Gpr i);
/* As bl_pin_reach, of a value that is an index of memory 0. */
u32 bl_reach(const Baseline *b, const Val *v);
bool bl_op_memory(Baseline *b, OpId op);
/* True if memory.copy or memory.fill of that constant length needs no builtin (for a fill: if its
 * byte is constant, too). */
bool bl_bulk_is_inline(const Baseline *b, const Insn *in, u64 n);
void bl_reload_memory0(Baseline *b);
void bl_reload_length(Baseline *b); /* if it has a register */

/* --- baseline_call.c --- */
void bl_op_call(Baseline *b, bool tail);
void bl_op_call_indirect(Baseline *b, bool tail);
void bl_op_call_ref(Baseline *b, bool tail);
/* What a builtin gets behind the context: constants, then the topmost values. */
typedef struct BuiltinArgs {
    u64 pre[2];
    u32 npre, n;
} BuiltinArgs;
/* Pops the values and pushes the result, if any, as that type (KIND_BOT: none). */
/* Has the function no reference in the context, and comes with none? */
bool bl_ref_is_late(const Baseline *b, u32 func);
void bl_call_builtin(Baseline *b, Builtin f, BuiltinArgs args, u8 result);
/* The call alone, with the arguments behind the context in place. */
void bl_builtin_raw(Baseline *b, Builtin f);
/* Calls a builtin with `arg` and the address of the topmost `n` vectors, the last one lowest; the
 * first one is the result. */
void bl_call_on_vectors(Baseline *b, Builtin f, u32 arg, u32 n);
/* Pins in registers that callees need not keep, before and after calls. */
void bl_save_pins(Baseline *b);
void bl_reload_pins(Baseline *b);
void bl_func_results(Baseline *b);
/* The operand of a table's element; checks the index, which becomes a temporary. In RAX + index. */
X64Mem bl_table_elem(Baseline *b, u32 table, Val *index);
X64Mem bl_table_field(Baseline *b, u32 table, u32 field); /* of its VmTable; may use RAX */

/* --- baseline_table.c (globals too), baseline_simd.c --- */
bool bl_op_table(Baseline *b, OpId op);
bool bl_op_simd(Baseline *b, OpId op);
/* The instruction calls a builtin. */
bool bl_simd_calls(const Baseline *b, OpId op);

#endif
