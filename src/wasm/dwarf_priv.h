/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shared by the readers of DWARF: sections, a cursor that stays in bounds, forms of values. */
#ifndef WASM_DWARF_PRIV_H
#define WASM_DWARF_PRIV_H

#include "wasm/dwarf.h"

/* Reads beyond the end give zeros and set `bad`. */
typedef struct DwCursor {
    const u8 *at, *end;
    bool bad;
} DwCursor;

typedef enum DwSection {
    DW_INFO,
    DW_ABBREV,
    DW_LINE,
    DW_STR,
    DW_LINE_STR,
    DW_STR_OFFSETS,
    DW_ADDR,
    DW_RANGES,
    DW_RNGLISTS,
    DW_SECTIONS,
} DwSection;

typedef struct Dwarf {
    Str sections[DW_SECTIONS];
    u64 steps; /* that are left; at zero all reading ends */
} Dwarf;

/* What a form has; DWV_STRX, DWV_ADDRX and DWV_RNGLISTX are indices into the unit's tables. */
typedef enum DwValueKind {
    DWV_NONE,
    DWV_CONST,
    DWV_ADDR,
    DWV_OFFSET,
    DWV_REF,      /* from the unit's start */
    DWV_REF_INFO, /* from the section's start */
    DWV_STRING,
    DWV_STRP, /* place of one: looked for only where it is wanted (dw_text) */
    DWV_LINE_STRP,
    DWV_STRX,
    DWV_ADDRX,
    DWV_RNGLISTX,
} DwValueKind;

typedef struct DwValue {
    u8 kind; /* DwValueKind */
    u64 n;
    Str s;
} DwValue;

typedef struct DwFormat {
    u16 version;
    u8 address_size;
} DwFormat;

u64 dw_uint(DwCursor *c, u32 bytes); /* of up to 8 */
u64 dw_uleb(DwCursor *c);
i64 dw_sleb(DwCursor *c);
Str dw_string(DwCursor *c); /* up to a zero byte */
void dw_skip(DwCursor *c, u64 bytes);
/* From there to the section's end; bad if it has no such place. */
DwCursor dw_at(const Dwarf *d, DwSection s, u64 offset);
Str dw_string_at(const Dwarf *d, DwSection s, u64 offset);
/* Takes steps from the budget; false if there are none left. */
bool dw_step(Dwarf *d);

/* A value of that form; false, with the cursor bad, for forms that are not known. */
bool dw_form(DwCursor *c, DwFormat f, u64 form, i64 implicit, DwValue *ret_value);
/* Of a value with one of the kinds of strings; empty of others. */
Str dw_text(const Dwarf *d, const DwValue *v);

/* --- dwarf_line.c --- */

/* The line and file of an address, by the line program at that offset of its section. */
bool dw_line_of(Dwarf *d, u64 program, u64 address, u32 *ret_file, u32 *ret_line, u32 *ret_column);
/* Name of that file of the program, and of its directory if that is not the unit's own. */
void dw_file_name(Dwarf *d, u64 program, u64 file, Str *ret_sub, Str *ret_file);

#endif
