/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Bodies that make a careless validator quadratic or worse. Time and memory must stay linear in the
 * input: each test has a limit that a quadratic walk would miss by far.
 */
#include "unit/wasm/wasm_fixture.h"

#include <stdio.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
enum { SLOWER = 20 };
#else
enum { SLOWER = 1 };
#endif

enum { PARAMS = 1000 };

/* A module of a type section and functions that all have type 0. */
typedef struct Bomb {
    Buf types; /* payload of the type section behind its count */
    u32 ntypes;
    Buf imports; /* of a function of each function type, likewise */
    u32 nimports;
    Buf bodies; /* with their sizes */
    u32 nbodies;
    Buf body; /* the one being written */
} Bomb;

static void bomb_type(Bomb *b, const char *hex)
{
    wasm_hex(&b->types, hex);
    b->ntypes++;
}

/*
 * A function type with `nparams` parameters and `nresults` results of one type each; the next
 * imported function is of this type.
 */
static u32 bomb_func_type(Bomb *b, u32 nparams, const char *param, u32 nresults, const char *result)
{
    buf_u8(&b->types, 0x60);
    buf_uleb(&b->types, nparams);
    for (u32 i = 0; i < nparams; i++)
        wasm_hex(&b->types, param);
    buf_uleb(&b->types, nresults);
    for (u32 i = 0; i < nresults; i++)
        wasm_hex(&b->types, result);
    buf_bytes(&b->imports, "\0\0\0", 3);
    buf_uleb(&b->imports, b->ntypes);
    b->nimports++;
    return b->ntypes++;
}

static void bomb_end_body(Bomb *b)
{
    buf_uleb(&b->bodies, b->body.n);
    buf_bytes(&b->bodies, b->body.p, b->body.n);
    b->body.n = 0;
    b->nbodies++;
}

/* Decodes, checks the time, releases. */
static void bomb_run(int line, Bomb *b, double seconds)
{
    Buf m = {0}, payload = {0};
    wasm_begin(&m);
    buf_uleb(&payload, b->ntypes);
    buf_bytes(&payload, b->types.p, b->types.n);
    wasm_section(&m, 1, &payload);
    payload.n = 0;
    buf_uleb(&payload, b->nimports);
    buf_bytes(&payload, b->imports.p, b->imports.n);
    wasm_section(&m, 2, &payload);
    payload.n = 0;
    buf_uleb(&payload, b->nbodies);
    for (u32 i = 0; i < b->nbodies; i++)
        buf_u8(&payload, 0);
    wasm_section(&m, 3, &payload);
    payload.n = 0;
    buf_uleb(&payload, b->nbodies);
    buf_bytes(&payload, b->bodies.p, b->bodies.n);
    wasm_section(&m, 10, &payload);
    clock_t start = clock();
    WasmModule *module = wasm_decode_ok(__FILE__, line, &m, wasm_all_features());
    wasm_drop(module);
    double took = (double)(clock() - start) / CLOCKS_PER_SEC;
    printf("line %d: %zu bytes in %.3f s\n", line, m.n, took);
    if (took > seconds * SLOWER)
        test_fail(__FILE__, line, "took %.2f s, the limit is %.2f s", took, seconds * SLOWER);
    buf_release(&m);
    buf_release(&payload);
    buf_release(&b->types);
    buf_release(&b->imports);
    buf_release(&b->bodies);
    buf_release(&b->body);
}

#define RUN(b, seconds) bomb_run(__LINE__, (b), (seconds))

static void repeat(Buf *b, const char *hex, u32 n)
{
    Buf item = {0};
    wasm_hex(&item, hex);
    buf_reserve(b, item.n * n);
    for (u32 i = 0; i < n; i++)
        buf_bytes(b, item.p, item.n);
    buf_release(&item);
}

TEST(security_nested_blocks)
{
    Bomb b = {0};
    bomb_type(&b, "60 00 00");
    enum { N = 2500000 };
    buf_u8(&b.body, 0);
    repeat(&b.body, "02 40", N);
    repeat(&b.body, "0b", N + 1);
    bomb_end_body(&b);
    RUN(&b, 1);
}

TEST(security_nested_ifs_and_long_chains)
{
    Bomb b = {0};
    bomb_type(&b, "60 00 00");
    enum { N = 1000000 };
    buf_u8(&b.body, 0);
    repeat(&b.body, "41 00 04 40", N);
    repeat(&b.body, "05 0b", N);
    buf_u8(&b.body, 0x0b);
    bomb_end_body(&b);
    wasm_hex(&b.body, "01 01 7f 20 00");
    repeat(&b.body, "45", N);       /* i32.eqz */
    repeat(&b.body, "20 00 6a", N); /* additions */
    wasm_hex(&b.body, "1a 0b");
    bomb_end_body(&b);
    wasm_hex(&b.body, "01 01 7f 20 00");
    repeat(&b.body, "20 00 20 00 1b", N); /* select of selects */
    wasm_hex(&b.body, "1a 0b");
    bomb_end_body(&b);
    repeat(&b.body, "00", 1);
    repeat(&b.body, "41 00", N); /* a million operands */
    repeat(&b.body, "1a", N);
    wasm_hex(&b.body, "0b");
    bomb_end_body(&b);
    RUN(&b, 1);
}

/* Tables of labels that each take a thousand operands. */
TEST(security_br_table_bomb)
{
    enum { LABELS = 1000, TABLES = 3000, KINDS = 64 };
    Bomb b = {0};
    bomb_type(&b, "60 00 00");
    bomb_func_type(&b, 0, "", PARAMS, "6c"); /* function 0: i31refs, below what labels take */
    bomb_func_type(&b, PARAMS, "6e", 0, ""); /* function 1: drops them all */
    u32 first = b.ntypes;
    for (u32 i = 0; i < KINDS; i++) { /* eqrefs, one of them an anyref */
        wasm_hex(&b.types, "60 00");
        buf_uleb(&b.types, PARAMS);
        for (u32 k = 0; k < PARAMS; k++)
            buf_u8(&b.types, k == i ? 0x6e : 0x6d);
        b.ntypes++;
    }
    buf_u8(&b.body, 0);
    for (u32 i = 0; i < LABELS; i++) {
        buf_u8(&b.body, 0x02);
        buf_sleb(&b.body, first + i % KINDS);
    }
    for (u32 i = 0; i < TABLES; i++) {
        wasm_hex(&b.body, "02 40 10 00 41 00 0e");
        buf_uleb(&b.body, LABELS - 1);
        for (u32 k = 1; k <= LABELS; k++)
            buf_uleb(&b.body, k);
        buf_u8(&b.body, 0x0b);
    }
    buf_u8(&b.body, 0x00);
    for (u32 i = 0; i < LABELS; i++)
        wasm_hex(&b.body, i + 1 < LABELS ? "0b 10 01 00" : "0b 10 01");
    buf_u8(&b.body, 0x0b);
    bomb_end_body(&b);
    RUN(&b, 2);
}

/* Two bytes that compare, pop and push a thousand operands, by subtyping of concrete types. */
TEST(security_wide_signatures)
{
    enum { N = 300000 };
    Bomb b = {0};
    bomb_type(&b, "60 00 00");
    bomb_type(&b, "50 00 5f 00");    /* a structure */
    bomb_type(&b, "50 01 01 5f 00"); /* and one below it: the same without the other's name */
    bomb_func_type(&b, 0, "", PARAMS, "63 02");
    bomb_func_type(&b, PARAMS, "63 01", 0, "");
    bomb_func_type(&b, PARAMS, "63 01", PARAMS, "63 02");
    buf_u8(&b.body, 0);
    for (u32 i = 0; i < N; i++)
        wasm_hex(&b.body, i % 8 == 0 ? "10 00" : i % 8 == 7 ? "10 01" : "10 02");
    wasm_hex(&b.body, "0b");
    bomb_end_body(&b);
    buf_u8(&b.body, 0);
    wasm_hex(&b.body, "00");
    repeat(&b.body, "10 01", N); /* behind unreachable */
    wasm_hex(&b.body, "0b");
    bomb_end_body(&b);
    RUN(&b, 2);
}

/* Catch clauses and tail calls that compare long lists by subtyping. */
TEST(security_wide_catch_clauses)
{
    enum { N = 1000, CLAUSES = 1000 };
    Buf m = {0}, payload = {0};
    wasm_begin(&m);
    Bomb b = {0};
    bomb_type(&b, "60 00 00");
    bomb_type(&b, "50 00 5f 00");
    bomb_type(&b, "50 01 01 5f 00");
    u32 tag = bomb_func_type(&b, PARAMS, "63 02", 0, "");
    u32 block = bomb_func_type(&b, 0, "", PARAMS, "63 01");
    buf_uleb(&payload, b.ntypes);
    buf_bytes(&payload, b.types.p, b.types.n);
    wasm_section(&m, 1, &payload);
    wasm_hex(&m, "03 [01 00]");
    payload.n = 0;
    wasm_hex(&payload, "01 00");
    buf_uleb(&payload, tag);
    wasm_section(&m, 13, &payload);
    buf_u8(&b.body, 0);
    buf_u8(&b.body, 0x02);
    buf_sleb(&b.body, block);
    for (u32 i = 0; i < N; i++) {
        wasm_hex(&b.body, "1f 40");
        buf_uleb(&b.body, CLAUSES);
        repeat(&b.body, "00 00 00", CLAUSES);
        wasm_hex(&b.body, "0b");
    }
    wasm_hex(&b.body, "00 0b 00 0b");
    payload.n = 0;
    buf_u8(&payload, 1);
    buf_uleb(&payload, b.body.n);
    buf_bytes(&payload, b.body.p, b.body.n);
    wasm_section(&m, 10, &payload);
    clock_t start = clock();
    wasm_drop(DECODE_OK(&m));
    EXPECT(clock() - start < CLOCKS_PER_SEC * SLOWER);
    buf_release(&m);
    buf_release(&payload);
    buf_release(&b.types);
    buf_release(&b.imports);
    buf_release(&b.body);
}

TEST(security_many_locals)
{
    enum { FUNCS = 300000, BLOCKS = 10000, LOCALS = 50000 };
    Bomb b = {0};
    bomb_type(&b, "60 00 00");
    for (u32 i = 0; i < FUNCS; i++) { /* 50,000 vectors in nine bytes */
        wasm_hex(&b.body, "01 d0 86 03 7b 0b");
        bomb_end_body(&b);
    }
    for (u32 i = 0; i < FUNCS / 10; i++) { /* as many without a default, one of them set */
        wasm_hex(&b.body, "01 d0 86 03 64 70 00 21 cf 86 03 20 cf 86 03 1a 0b");
        bomb_end_body(&b);
    }
    /* One local a group, and the last ones used in many blocks. */
    buf_uleb(&b.body, LOCALS);
    for (u32 i = 0; i < LOCALS; i++)
        wasm_hex(&b.body, i % 2 ? "01 7f" : "01 7e");
    repeat(&b.body, "02 40 20 cf 86 03 21 cd 86 03", BLOCKS);
    repeat(&b.body, "0b", BLOCKS + 1);
    bomb_end_body(&b);
    /* Locals without a default set in each of nested blocks, forgotten at its end. */
    wasm_hex(&b.body, "01 d0 86 03 64 70");
    for (u32 i = 0; i < LOCALS; i++) {
        wasm_hex(&b.body, "02 40 00 21");
        buf_uleb(&b.body, i);
    }
    repeat(&b.body, "0b", LOCALS + 1);
    bomb_end_body(&b);
    RUN(&b, 1);
}

/* Structures of ten thousand fields, made with default values and behind unreachable. */
TEST(security_wide_structures)
{
    enum { N = 500000, FIELDS = 10000 };
    Bomb b = {0};
    bomb_type(&b, "60 00 00");
    buf_u8(&b.types, 0x5f);
    buf_uleb(&b.types, FIELDS);
    repeat(&b.types, "7f 00", FIELDS);
    b.ntypes++;
    bomb_type(&b, "5e 7f 00");
    buf_u8(&b.body, 0);
    repeat(&b.body, "fb 01 01 1a", N); /* struct.new_default */
    wasm_hex(&b.body, "00");
    repeat(&b.body, "fb 00 01 1a", N);           /* struct.new */
    repeat(&b.body, "fb 08 02 90 4e 1a", N / 2); /* array.new_fixed of 10,000 */
    wasm_hex(&b.body, "0b");
    bomb_end_body(&b);
    RUN(&b, 1);
}
