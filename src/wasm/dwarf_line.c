/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Line programs: a machine that writes a table of addresses, files, lines and columns. It runs
 * until the row that an address belongs to is known; the table is not kept.
 */
#include "wasm/dwarf_priv.h"

enum { CONTENT_PATH = 1, CONTENT_DIRECTORY = 2, MAX_OPERANDS = 256 };

typedef struct Header {
    DwFormat format;
    DwCursor names;   /* directories and files */
    DwCursor program; /* the instructions */
    u32 min_length, opcode_base;
    i64 line_base;
    u64 line_range;
    u8 operands[MAX_OPERANDS]; /* of the standard opcodes */
} Header;

static bool read_header(const Dwarf *d, u64 offset, Header *ret)
{
    Header h = {0};
    DwCursor c = dw_at(d, DW_LINE, offset);
    u64 n = dw_uint(&c, 4);
    if (c.bad || n > (u64)(c.end - c.at))
        return false;
    c.end = c.at + n;
    h.format = (DwFormat){.version = (u16)dw_uint(&c, 2), .address_size = 4};
    if (h.format.version < 2 || h.format.version > 5)
        return false;
    if (h.format.version == 5)
        dw_skip(&c, 2); /* sizes of addresses and of segments */
    u64 header = dw_uint(&c, 4);
    h.program = c;
    dw_skip(&h.program, header);
    h.min_length = (u32)dw_uint(&c, 1);
    dw_skip(&c, h.format.version >= 4 ? 2 : 1); /* operations of an instruction; is_stmt */
    h.line_base = (i8)dw_uint(&c, 1);
    h.line_range = dw_uint(&c, 1);
    h.opcode_base = (u32)dw_uint(&c, 1);
    for (u32 i = 1; i < h.opcode_base; i++)
        h.operands[i] = (u8)dw_uint(&c, 1);
    h.names = c;
    *ret = h;
    return !c.bad && !h.program.bad && h.line_range && h.opcode_base;
}

/* --- the machine --- */

typedef struct Row {
    u64 address;
    u32 file, line, column;
    bool end; /* of a run of addresses */
} Row;

static const Row first_row = {.file = 1, .line = 1};

static void advance(const Header *h, Row *r, u64 operation)
{
    r->address += operation * h->min_length;
}

static void extended(DwCursor *c, Row *r)
{
    u64 n = dw_uleb(c);
    DwCursor in = *c;
    dw_skip(c, n);
    if (c->bad || n == 0)
        return;
    in.end = c->at;
    switch (dw_uint(&in, 1)) {
    case 1: /* end_sequence */
        r->end = true;
        break;
    case 2: /* set_address */
        r->address = dw_uint(&in, (u32)MIN(n - 1, 8));
        break;
    default:
        break;
    }
}

/* One instruction; true if it writes a row. */
static bool execute(const Header *h, DwCursor *c, Row *r)
{
    u32 op = (u32)dw_uint(c, 1);
    if (op >= h->opcode_base) {
        u32 special = op - h->opcode_base;
        advance(h, r, special / h->line_range);
        r->line += (u32)(h->line_base + (i64)(special % h->line_range));
        return true;
    }
    switch (op) {
    case 0:
        extended(c, r);
        return r->end;
    case 1: /* copy */
        return true;
    case 2: /* advance_pc */
        advance(h, r, dw_uleb(c));
        return false;
    case 3: /* advance_line */
        r->line += (u32)dw_sleb(c);
        return false;
    case 4: /* set_file */
        r->file = (u32)dw_uleb(c);
        return false;
    case 5: /* set_column */
        r->column = (u32)dw_uleb(c);
        return false;
    case 8: /* const_add_pc */
        advance(h, r, (255 - h->opcode_base) / h->line_range);
        return false;
    case 9: /* fixed_advance_pc */
        r->address += dw_uint(c, 2);
        return false;
    default:
        for (u32 i = 0; i < h->operands[op]; i++)
            dw_uleb(c);
        return false;
    }
}

bool dw_line_of(Dwarf *d, u64 program, u64 address, u32 *ret_file, u32 *ret_line, u32 *ret_column)
{
    Header h;
    if (!read_header(d, program, &h))
        return false;
    DwCursor c = h.program;
    Row r = first_row, last = {0};
    bool have = false; /* `last` is a row of this run */
    while (!c.bad && c.at < c.end && dw_step(d)) {
        if (!execute(&h, &c, &r) || c.bad)
            continue;
        /* a run that begins at 0 is of a function that the linker dropped */
        if (have && last.address <= address && address < r.address) {
            *ret_file = last.file;
            *ret_line = last.line;
            *ret_column = last.column;
            return true;
        }
        have = !r.end && (have || r.address != 0);
        last = r;
        if (r.end)
            r = first_row;
    }
    return false;
}

/* --- names --- */

/* Up to version 4: strings, the last one empty. File 1 is the first, directory 0 the unit's. */
static void old_names(Dwarf *d, DwCursor c, u64 file, Str *ret_sub, Str *ret_file)
{
    DwCursor dirs = c;
    while (dw_string(&c).n && dw_step(d))
        ;
    Str name = {0};
    u64 dir = 0;
    for (u64 i = 0; i < file; i++) {
        name = dw_string(&c);
        dir = dw_uleb(&c);
        dw_uleb(&c);
        dw_uleb(&c);
        if (c.bad || name.n == 0 || !dw_step(d))
            return;
    }
    *ret_file = name;
    for (u64 i = 0; i < dir; i++) {
        *ret_sub = dw_string(&dirs);
        if (ret_sub->n == 0 || !dw_step(d))
            return;
    }
}

/* Version 5: the entry of that number of a table that says what it has; behind it if there is none
 * of that number. */
static void entry_of(Dwarf *d, DwFormat f, DwCursor *c, u64 wanted, Str *ret_path, u64 *ret_dir)
{
    u32 nformats = (u32)dw_uint(c, 1);
    DwCursor formats = *c;
    for (u32 i = 0; i < 2 * nformats; i++)
        dw_uleb(c);
    u64 n = dw_uleb(c);
    for (u64 i = 0; i < n && i <= wanted && !c->bad && nformats; i++) {
        DwCursor at = formats;
        for (u32 k = 0; k < nformats && dw_step(d); k++) {
            u64 content = dw_uleb(&at), form = dw_uleb(&at);
            DwValue v;
            if (!dw_form(c, f, form, 0, &v))
                return;
            if (i == wanted && content == CONTENT_PATH)
                *ret_path = dw_text(d, &v);
            else if (i == wanted && content == CONTENT_DIRECTORY)
                *ret_dir = v.n;
        }
        if (d->steps == 0)
            c->bad = true;
    }
}

void dw_file_name(Dwarf *d, u64 program, u64 file, Str *ret_sub, Str *ret_file)
{
    *ret_sub = *ret_file = (Str){0};
    Header h;
    if (!read_header(d, program, &h))
        return;
    if (h.format.version < 5) {
        old_names(d, h.names, file, ret_sub, ret_file);
        return;
    }
    Str none = {0};
    u64 dir = 0, unused = 0;
    DwCursor c = h.names, dirs = h.names;
    entry_of(d, h.format, &c, UINT64_MAX, &none, &unused);
    entry_of(d, h.format, &c, file, ret_file, &dir);
    if (dir)
        entry_of(d, h.format, &dirs, dir, ret_sub, &unused);
}
