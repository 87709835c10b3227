/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The printer's state, shared by print.c (modules), print_names.c (the name section and other
 * custom sections), print_types.c and print_insn.c. Private to the folder.
 */
#ifndef WASM_TEXT_PRINTER_H
#define WASM_TEXT_PRINTER_H

#include "wasm/read.h"
#include "wasm/text/parser.h"

/* An empty name is {NULL,0} or has length 0; it is usable as an identifier if nobody else has it.
 */
typedef struct PrintName {
    Str name;
    bool usable;
} PrintName;

typedef struct PrintSubName {
    u32 outer, index;
    PrintName name;
} PrintSubName;
typedef VEC(PrintSubName) PrintSubNames; /* by outer, then by index */

/* A type as it is written in the type section: with the module's type indices. */
typedef struct PrintType {
    u8 kind; /* CompositeKind */
    bool is_sub, final;
    u32 super;       /* TYPE_NONE without one */
    u32 nparams, n;  /* of codes: params and results, or fields */
    TypeCode *codes; /* arena */
    bool *mut;       /* arena; of fields */
    u32 cont;
} PrintType;

/* An entry of the type section. */
typedef struct PrintGroup {
    u32 size;
    bool rec; /* written as (rec ...) */
} PrintGroup;

/* A canonical type and the first index that it has in the module. */
typedef struct CanonIndex {
    u32 canon, index;
} CanonIndex;

typedef struct Printer {
    const WasmModule *m;
    Buf *out;
    Arena arena;
    PrintType *types;
    PrintGroup *groups;
    u32 ngroups;
    CanonIndex *canon; /* by canonical id */
    PrintName module_name;
    PrintName *names[SPACE_COUNT]; /* NULL if the space has none */
    PrintSubNames locals, labels, fields;
    VEC(Hint) hints;
    TextMap *map;              /* borrow; NULL if nobody wants it */
    bool has_names, has_hints; /* those custom sections are printed as names and annotations */

    /* the function at hand */
    u32 func, next_label, nlocals;
    PrintName *local_names; /* arena; NULL if there are none */
    VEC(Label) open;
    Map label_map;
    usize next_hint;
} Printer;

/* What is printed next comes from that byte of the module. */
static inline void print_mark(Printer *p, u32 binary)
{
    if (p->map)
        vec_push(p->map, ((TextMark){binary, u32_of(p->out->n)}));
}

/* ---- print_names.c ---- */
void print_names_init(Printer *p);
void print_unsigned(Printer *p, u64 v);
void print_string(Printer *p, Str s, bool utf8); /* in quotes; otherwise bytes */
void print_id(Printer *p, Str name);             /* $name or $"name" */
/* Behind a definition's keyword: " $name (;7;)". */
void print_definition(Printer *p, Space s, u32 index);
void print_index(Printer *p, Space s, u32 index); /* "$name" or "7" */
void print_name_annotation(Printer *p, const PrintName *n);
/* Name of `index` within `outer`, NULL if it has none. */
const PrintName *print_sub_name(const PrintSubNames *v, u32 outer, u32 index);
void print_customs(Printer *p);

/* ---- print_types.c ---- */
void print_types_init(Printer *p);
void print_types(Printer *p);
void print_type_code(Printer *p, TypeCode t);
void print_valtype(Printer *p, ValType t);
void print_heap(Printer *p, ValType t); /* the heap type of a reference type */
u32 print_type_index(const Printer *p, u32 canon);
/* " (type 3) (param i32) (result i32)" */
void print_typeuse(Printer *p, u32 index);
/* As above, with the names of the locals. */
void print_func_typeuse(Printer *p, u32 index);

/* ---- print_insn.c ---- */
void print_body(Printer *p, u32 func);
/* A constant expression: one instruction in parentheses, or (WORD ...). */
void print_expr(Printer *p, Range r, const char *word);
/* Where the expression that starts there ends. */
u32 print_skip_expr(const Printer *p, Range r);

#endif
