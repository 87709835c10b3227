/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The modules that are generated. A lowered function that needs the memory of a module cannot be
 * made before that module is there, which in turn wants the function as an import. So the shim has
 * a function for each, which calls through a table, and the fixup fills the table when all is
 * there.
 */
#include "wit/wrap/wrap_parts.h"

static const u8 preamble[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
enum {
    M_TYPE = 1,
    M_IMPORT = 2,
    M_FUNCTION = 3,
    M_TABLE = 4,
    M_EXPORT = 7,
    M_START = 8,
    M_ELEMENT = 9,
    M_CODE = 10
};
#define TABLE_NAME STR("$imports")

static void end_section(Buf *out, u8 id, Buf *payload)
{
    buf_section(out, id, payload);
    payload->n = 0;
}

static void put_func_type(const FuncType *t, Buf *out)
{
    static const u8 codes[] = {
        [KIND_I32] = 0x7f, [KIND_I64] = 0x7e, [KIND_F32] = 0x7d, [KIND_F64] = 0x7c};
    buf_u8(out, 0x60);
    buf_uleb(out, t->nparams);
    for (u32 i = 0; i < t->nparams; i++)
        buf_u8(out, codes[valtype_kind(t->params[i])]);
    buf_uleb(out, t->nresults);
    for (u32 i = 0; i < t->nresults; i++)
        buf_u8(out, codes[valtype_kind(t->results[i])]);
}

/* The types of the slots, each once; the index of each slot's type. Own. */
static u32 *put_slot_types(const Wrap *w, bool void_too, Buf *payload, u32 *ret_void)
{
    u32 *index = mem_alloc_array((usize)w->slots.n + 1, sizeof *index), n = 0;
    static const FuncType none = {0};
    Arena arena;
    Map seen = {0};
    Buf types = {0}, one = {0};
    arena_init(&arena);
    for (u32 i = 0; i < w->slots.n + void_too; i++) {
        one.n = 0;
        put_func_type(i < w->slots.n ? w->slots.p[i].type : &none, &one);
        u64 found = n;
        if (!map_get(&seen, (Str){(char *)one.p, one.n}, &found)) {
            map_add(&seen, (Str){arena_dup(&arena, one.p, one.n), one.n}, n++);
            buf_bytes(&types, one.p, one.n);
        }
        if (i < w->slots.n)
            index[i] = (u32)found;
        else
            *ret_void = (u32)found;
    }
    buf_uleb(payload, n);
    buf_bytes(payload, types.p, types.n);
    map_release(&seen);
    buf_release(&types);
    buf_release(&one);
    arena_release(&arena);
    return index;
}

static void put_table_type(const Wrap *w, Buf *out)
{
    buf_bytes(out, "\x70\x01", 2);
    buf_uleb(out, w->slots.n);
    buf_uleb(out, w->slots.n);
}

static void put_number_name(u32 n, Buf *out)
{
    Buf name = {0};
    buf_printf(&name, "%u", n);
    buf_name(out, (Str){(char *)name.p, name.n});
    buf_release(&name);
}

/* Passes its parameters on to the function in the table. */
static void put_forwarder(u32 slot, u32 type, u32 nparams, Buf *out)
{
    Buf body = {0};
    buf_u8(&body, 0); /* no locals */
    for (u32 i = 0; i < nparams; i++) {
        buf_u8(&body, 0x20);
        buf_uleb(&body, i);
    }
    buf_u8(&body, 0x41);
    buf_sleb(&body, slot);
    buf_u8(&body, 0x11);
    buf_uleb(&body, type);
    buf_u8(&body, 0);
    buf_u8(&body, 0x0b);
    buf_sized(out, body.p, body.n);
    buf_release(&body);
}

void wrap_shim_module(const Wrap *w, Buf *out)
{
    Buf p = {0};
    u32 n = w->slots.n;
    buf_bytes(out, preamble, sizeof preamble);
    u32 *types = put_slot_types(w, false, &p, NULL);
    end_section(out, M_TYPE, &p);
    buf_uleb(&p, n);
    for (u32 i = 0; i < n; i++)
        buf_uleb(&p, types[i]);
    end_section(out, M_FUNCTION, &p);
    buf_u8(&p, 1);
    put_table_type(w, &p);
    end_section(out, M_TABLE, &p);
    buf_uleb(&p, n + 1);
    for (u32 i = 0; i < n; i++) {
        put_number_name(i, &p);
        buf_u8(&p, 0);
        buf_uleb(&p, i);
    }
    buf_name(&p, TABLE_NAME);
    buf_bytes(&p, "\x01\x00", 2);
    end_section(out, M_EXPORT, &p);
    buf_uleb(&p, n);
    for (u32 i = 0; i < n; i++)
        put_forwarder(i, types[i], w->slots.p[i].type->nparams, &p);
    end_section(out, M_CODE, &p);
    buf_release(&p);
    mem_free(types);
}

void wrap_fixup_module(const Wrap *w, bool init, Buf *out)
{
    Buf p = {0};
    u32 n = w->slots.n, void_type = 0;
    buf_bytes(out, preamble, sizeof preamble);
    u32 *types = put_slot_types(w, init, &p, &void_type);
    end_section(out, M_TYPE, &p);
    buf_uleb(&p, n + (n != 0) + init);
    for (u32 i = 0; i < n; i++) {
        buf_name(&p, STR(""));
        put_number_name(i, &p);
        buf_u8(&p, 0);
        buf_uleb(&p, types[i]);
    }
    if (n) {
        buf_name(&p, STR(""));
        buf_name(&p, TABLE_NAME);
        buf_u8(&p, 1);
        put_table_type(w, &p);
    }
    if (init) {
        buf_name(&p, STR(""));
        buf_name(&p, STR("init"));
        buf_u8(&p, 0);
        buf_uleb(&p, void_type);
    }
    end_section(out, M_IMPORT, &p);
    if (init) {
        buf_uleb(&p, n);
        end_section(out, M_START, &p);
    }
    if (n) {
        buf_bytes(&p, "\x01\x00\x41\x00\x0b", 5); /* one active segment at 0 */
        buf_uleb(&p, n);
        for (u32 i = 0; i < n; i++)
            buf_uleb(&p, i);
        end_section(out, M_ELEMENT, &p);
    }
    buf_release(&p);
    mem_free(types);
}

/*
 * (func (export "cabi_realloc") (param old old_size align size) (result i32)): new memory only, in
 * whole pages: grows the memory, traps if it cannot or if there is something to move.
 */
void wrap_realloc_module(bool room, Buf *out)
{
    /* clang-format off */
    static const u8 head[] = {
        0, 'a', 's', 'm', 1, 0, 0, 0,
        M_TYPE, 12, 2, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f, 0x60, 0, 0,
        M_IMPORT, 8, 1, 0, 2, 'm', 'm', 2, 0, 0};            /* (import "" "mm" (memory 0)) */
    static const u8 functions[] = {M_FUNCTION, 2, 1, 0}, functions_room[] = {M_FUNCTION, 3, 2, 0, 1};
    static const u8 export[] = {
        M_EXPORT, 16, 1, 12, 'c', 'a', 'b', 'i', '_', 'r', 'e', 'a', 'l', 'l', 'o', 'c', 0, 0};
    static const u8 code[] = {M_CODE, 39, 1}, code_room[] = {M_START, 1, 1, M_CODE, 48, 2};
    static const u8 body[] = {
        37, 0,
        0x20, 0, 0x20, 1, 0x72, 0x04, 0x40, 0x00, 0x0b,      /* old | old_size: unreachable */
        0x20, 3, 0x41, 0xff, 0xff, 3, 0x6a, 0x41, 16, 0x76,  /* (size + 65535) >> 16 */
        0x40, 0, 0x22, 0,                                    /* memory.grow, local.tee */
        0x41, 0x7f, 0x46, 0x04, 0x40, 0x00, 0x0b,            /* -1: unreachable */
        0x20, 0, 0x41, 16, 0x74, 0x0b};
    static const u8 body_room[] = {8, 0, 0x41, 0x80, 8, 0x40, 0, 0x1a, 0x0b}; /* 1024 pages */
    /* clang-format on */
    buf_bytes(out, head, sizeof head);
    buf_bytes(out, room ? functions_room : functions,
              room ? sizeof functions_room : sizeof functions);
    buf_bytes(out, export, sizeof export);
    buf_bytes(out, room ? code_room : code, room ? sizeof code_room : sizeof code);
    buf_bytes(out, body, sizeof body);
    if (room)
        buf_bytes(out, body_room, sizeof body_room);
}
