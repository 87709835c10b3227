/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Functions of an address: a walk over the entries of .debug_info, which are a tree in prefix
 * order. Units whose ranges leave the address out are passed over.
 */
#include "wasm/dwarf.h"

#include <stdlib.h>

#include "base/vec.h"
#include "wasm/dwarf_priv.h"

enum {
    TAG_SUBPROGRAM = 0x2e,
    TAG_INLINED = 0x1d,
    MAX_STEPS = 1 << 25, /* entries, attributes, ranges, rows and file names a frame may take */
    MAX_NESTED = 64,     /* inlined functions of an address */
    MAX_ORIGINS = 8,     /* entries that a name may be away */
};

typedef struct Abbrev {
    u64 code, tag;
    bool children;
    u32 at; /* its attributes, in .debug_abbrev */
} Abbrev;

/* What of an entry is of interest. */
typedef struct Die {
    u64 tag;
    bool children;
    DwValue name, linkage, origin, low, high, ranges;
    DwValue call_file, call_line, call_column;
    DwValue program, dir, str_base, addr_base, ranges_base;
} Die;

typedef struct Unit {
    u64 at, dies, end; /* in .debug_info */
    DwFormat format;
    u64 abbrevs_at;
    VEC(Abbrev) abbrevs; /* by code */
    Die root;
    u64 base; /* of its ranges */
} Unit;

/* --- entries --- */

static int by_code(const void *a, const void *b)
{
    u64 x = ((const Abbrev *)a)->code, y = ((const Abbrev *)b)->code;
    return x < y ? -1 : x > y;
}

static void read_abbrevs(Dwarf *d, Unit *u)
{
    DwCursor c = dw_at(d, DW_ABBREV, u->abbrevs_at);
    const u8 *start = (const u8 *)d->sections[DW_ABBREV].p;
    while (!c.bad && dw_step(d)) {
        Abbrev a = {.code = dw_uleb(&c)};
        if (a.code == 0)
            break;
        a.tag = dw_uleb(&c);
        a.children = dw_uint(&c, 1);
        if (c.bad)
            break;
        a.at = (u32)(c.at - start);
        for (bool more = true; more && !c.bad && dw_step(d);) {
            u64 attribute = dw_uleb(&c), form = dw_uleb(&c);
            if (form == 0x21) /* implicit_const */
                dw_sleb(&c);
            more = attribute || form;
        }
        vec_push(&u->abbrevs, a);
    }
    if (u->abbrevs.n)
        qsort(u->abbrevs.p, u->abbrevs.n, sizeof(Abbrev), by_code);
}

static DwValue *die_field(Die *die, u64 attribute)
{
    switch (attribute) {
    case 0x03:
        return &die->name;
    case 0x6e:   /* linkage_name */
    case 0x2007: /* MIPS_linkage_name */
        return &die->linkage;
    case 0x31: /* abstract_origin */
    case 0x47: /* specification */
        return &die->origin;
    case 0x11:
        return &die->low;
    case 0x12:
        return &die->high;
    case 0x55:
        return &die->ranges;
    case 0x58:
        return &die->call_file;
    case 0x59:
        return &die->call_line;
    case 0x57:
        return &die->call_column;
    case 0x10: /* stmt_list */
        return &die->program;
    case 0x1b: /* comp_dir */
        return &die->dir;
    case 0x72:
        return &die->str_base;
    case 0x73:
        return &die->addr_base;
    case 0x74:
        return &die->ranges_base;
    default:
        return NULL;
    }
}

/* The entry at the cursor; tag 0 for the one that ends a list of children. False at an error. */
static bool read_die(Dwarf *d, const Unit *u, DwCursor *c, Die *ret)
{
    *ret = (Die){0};
    Abbrev key = {.code = dw_uleb(c)};
    if (c->bad || !dw_step(d))
        return false;
    if (key.code == 0)
        return true;
    const Abbrev *a =
        u->abbrevs.n ? bsearch(&key, u->abbrevs.p, u->abbrevs.n, sizeof key, by_code) : NULL;
    if (!a || a->tag == 0)
        return false;
    ret->tag = a->tag;
    ret->children = a->children;
    DwCursor at = dw_at(d, DW_ABBREV, a->at);
    while (dw_step(d)) {
        u64 attribute = dw_uleb(&at), form = dw_uleb(&at);
        i64 implicit = form == 0x21 ? dw_sleb(&at) : 0;
        if (at.bad || (attribute == 0 && form == 0))
            return !at.bad && !c->bad;
        DwValue v, *field = die_field(ret, attribute);
        if (!dw_form(c, u->format, form, implicit, &v) || c->bad)
            return false;
        if (field && v.kind != DWV_NONE)
            *field = v;
    }
    return false;
}

static DwCursor unit_cursor(const Dwarf *d, const Unit *u, u64 at)
{
    DwCursor c = dw_at(d, DW_INFO, at);
    if (!c.bad)
        c.end = (const u8 *)d->sections[DW_INFO].p + u->end;
    return c;
}

/* --- indirect values --- */

static u64 table_entry(const Dwarf *d, DwSection s, const DwValue *base, u64 index, u32 bytes)
{
    if (index > UINT32_MAX)
        return 0;
    DwCursor c = dw_at(d, s, base->n + index * bytes);
    return dw_uint(&c, bytes);
}

static u64 address_of(const Dwarf *d, const Unit *u, const DwValue *v)
{
    if (v->kind != DWV_ADDRX)
        return v->n;
    return table_entry(d, DW_ADDR, &u->root.addr_base, v->n, u->format.address_size);
}

static Str string_of(const Dwarf *d, const Unit *u, const DwValue *v)
{
    if (v->kind != DWV_STRX)
        return dw_text(d, v);
    return dw_string_at(d, DW_STR, table_entry(d, DW_STR_OFFSETS, &u->root.str_base, v->n, 4));
}

/* --- ranges --- */

/* Zero is where the linker leaves functions that it drops. */
static bool within(u64 address, u64 low, u64 high)
{
    return low != 0 && address >= low && address < high;
}

static bool in_old_ranges(Dwarf *d, const Unit *u, u64 offset, u64 address)
{
    u32 bytes = u->format.address_size;
    u64 highest = bytes == 8 ? UINT64_MAX : UINT32_MAX, base = u->base;
    DwCursor c = dw_at(d, DW_RANGES, offset);
    while (dw_step(d)) {
        u64 low = dw_uint(&c, bytes), high = dw_uint(&c, bytes);
        if (c.bad || (low == 0 && high == 0))
            return false;
        if (low == highest)
            base = high;
        else if (within(address, base + low, base + high))
            return true;
    }
    return false;
}

/* An entry of a version 5 list into [*low, *high), empty if it has none; false at the end. */
static bool next_range(const Dwarf *d, const Unit *u, DwCursor *c, u64 *base, u64 *low, u64 *high)
{
    u32 bytes = u->format.address_size;
    u64 kind = dw_uint(c, 1);
    *low = *high = 0;
    DwValue a = {.kind = DWV_ADDRX}, b = {.kind = DWV_ADDRX};
    switch (kind) {
    case 1: /* base_addressx */
        a.n = dw_uleb(c);
        *base = address_of(d, u, &a);
        break;
    case 2: /* startx_endx */
    case 3: /* startx_length */
        a.n = dw_uleb(c);
        b.n = dw_uleb(c);
        *low = address_of(d, u, &a);
        *high = kind == 2 ? address_of(d, u, &b) : *low + b.n;
        break;
    case 4: /* offset_pair */
        *low = *base + dw_uleb(c);
        *high = *base + dw_uleb(c);
        break;
    case 5: /* base_address */
        *base = dw_uint(c, bytes);
        break;
    case 6: /* start_end */
    case 7: /* start_length */
        *low = dw_uint(c, bytes);
        *high = kind == 6 ? dw_uint(c, bytes) : *low + dw_uleb(c);
        break;
    default:
        return false;
    }
    return !c->bad;
}

static bool in_ranges(Dwarf *d, const Unit *u, const DwValue *list, u64 address)
{
    if (u->format.version < 5)
        return in_old_ranges(d, u, list->n, address);
    u64 offset = list->n, base = u->base, low, high;
    if (list->kind == DWV_RNGLISTX)
        offset =
            u->root.ranges_base.n + table_entry(d, DW_RNGLISTS, &u->root.ranges_base, list->n, 4);
    DwCursor c = dw_at(d, DW_RNGLISTS, offset);
    while (dw_step(d) && next_range(d, u, &c, &base, &low, &high))
        if (within(address, low, high))
            return true;
    return false;
}

static bool has_ranges(const Die *die)
{
    return die->ranges.kind || (die->low.kind && die->high.kind);
}

static bool covers(Dwarf *d, const Unit *u, const Die *die, u64 address)
{
    if (die->ranges.kind)
        return in_ranges(d, u, &die->ranges, address);
    if (!has_ranges(die))
        return false;
    u64 low = address_of(d, u, &die->low), high = address_of(d, u, &die->high);
    if (die->high.kind != DWV_ADDR && die->high.kind != DWV_ADDRX)
        high = low + die->high.n;
    return within(address, low, high);
}

/* --- units --- */

/* The unit at that offset, with its abbreviations and its first entry if `deep`. False if there is
 * none; one that cannot be read is empty. */
static bool read_unit(Dwarf *d, u64 at, bool deep, Unit *u)
{
    u->abbrevs.n = 0;
    u->at = at;
    u->root = (Die){0};
    DwCursor c = dw_at(d, DW_INFO, at);
    u64 n = dw_uint(&c, 4);
    if (c.bad || n > (u64)(c.end - c.at))
        return false;
    u->end = at + 4 + n;
    c.end = c.at + n;
    u->format.version = (u16)dw_uint(&c, 2);
    u64 kind = u->format.version == 5 ? dw_uint(&c, 1) : 1;
    if (u->format.version == 5)
        u->format.address_size = (u8)dw_uint(&c, 1);
    u->abbrevs_at = dw_uint(&c, 4);
    if (u->format.version < 5)
        u->format.address_size = (u8)dw_uint(&c, 1);
    u->dies = u->end - (u64)(c.end - c.at);
    bool known = u->format.version >= 2 && u->format.version <= 5 && (kind == 1 || kind == 3) &&
                 (u->format.address_size == 4 || u->format.address_size == 8);
    if (!known || c.bad) {
        u->dies = u->end;
    } else if (deep) {
        read_abbrevs(d, u);
        if (!read_die(d, u, &c, &u->root))
            u->dies = u->end;
        u->base = address_of(d, u, &u->root.low);
    }
    return true;
}

static Str name_of(Dwarf *d, const Unit *u, Die die)
{
    Unit other = {0};
    Str name = {0};
    for (u32 i = 0; i < MAX_ORIGINS; i++) {
        const DwValue *v = die.linkage.kind ? &die.linkage : &die.name;
        if (v->kind) {
            name = string_of(d, u, v);
            break;
        }
        u64 at = die.origin.kind == DWV_REF ? u->at + die.origin.n : die.origin.n;
        if (!die.origin.kind)
            break;
        if (at < u->at || at >= u->end) {
            u64 unit = 0;
            while (dw_step(d) && read_unit(d, unit, false, &other) && other.end <= at)
                unit = other.end;
            if (!read_unit(d, unit, true, &other) || at < other.at || at >= other.end)
                break;
            u = &other;
        }
        DwCursor c = unit_cursor(d, u, at);
        if (!read_die(d, u, &c, &die))
            break;
    }
    vec_release(&other.abbrevs);
    return name;
}

/* The functions of the unit that the address is in, outermost first. */
static u32 find_functions(Dwarf *d, const Unit *u, u64 address, Die *found)
{
    DwCursor c = unit_cursor(d, u, u->dies);
    u32 depth = 0, n = 0, depths[MAX_NESTED];
    Die die;
    while (read_die(d, u, &c, &die)) {
        if (die.tag == 0) {
            if (depth == 0 || --depth == 0 || (n && depth == depths[0]))
                break;
            continue;
        }
        bool nested = n > 0 && die.tag == TAG_INLINED && depth > depths[n - 1];
        if ((nested || (n == 0 && die.tag == TAG_SUBPROGRAM)) && n < MAX_NESTED &&
            covers(d, u, &die, address)) {
            depths[n] = depth;
            found[n++] = die;
        }
        if (die.children)
            depth++;
        else if (n && depth == depths[0])
            break;
    }
    return n;
}

/* --- frames --- */

static void set_file(Dwarf *d, const Unit *u, u64 file, DwarfFrame *f)
{
    dw_file_name(d, u->root.program.n, file, &f->sub, &f->file);
    f->dir = string_of(d, u, &u->root.dir);
}

/* Innermost first: where each is, is where the line program or the call inside it says. */
static u32 unit_frames(Dwarf *d, const Unit *u, u64 address, DwarfFrame *ret, u32 max)
{
    Die found[MAX_NESTED];
    u32 n = find_functions(d, u, address, found), file = 0;
    DwarfFrame place = {0};
    if (u->root.program.kind &&
        dw_line_of(d, u->root.program.n, address, &file, &place.line, &place.column))
        set_file(d, u, file, &place);
    if (n == 0 && !place.file.p)
        return 0;
    for (u32 i = 0; i < MAX(n, 1) && i < max; i++) {
        ret[i] = place;
        if (n == 0)
            continue;
        const Die *die = &found[n - 1 - i];
        ret[i].name = name_of(d, u, *die);
        place = (DwarfFrame){.line = (u32)die->call_line.n, .column = (u32)die->call_column.n};
        if (die->call_file.kind)
            set_file(d, u, die->call_file.n, &place);
    }
    return MIN(MAX(n, 1), max);
}

static const char *const section_names[DW_SECTIONS] = {
    [DW_INFO] = ".debug_info",         [DW_ABBREV] = ".debug_abbrev",
    [DW_LINE] = ".debug_line",         [DW_STR] = ".debug_str",
    [DW_LINE_STR] = ".debug_line_str", [DW_STR_OFFSETS] = ".debug_str_offsets",
    [DW_ADDR] = ".debug_addr",         [DW_RANGES] = ".debug_ranges",
    [DW_RNGLISTS] = ".debug_rnglists",
};

u32 dwarf_frames(const WasmModule *m, u32 offset, DwarfFrame *ret_frames, u32 max)
{
    Dwarf d = {.steps = MAX_STEPS};
    for (u32 i = 0; i < DW_SECTIONS; i++)
        module_custom(m, str_of(section_names[i]), &d.sections[i]);
    if (offset < m->code_at || offset - m->code_at >= m->code_size)
        return 0;
    u64 address = offset - m->code_at;
    Unit u = {0};
    u32 n = 0;
    for (u64 at = 0; n == 0 && dw_step(&d) && read_unit(&d, at, true, &u); at = u.end)
        if (u.dies < u.end && (!has_ranges(&u.root) || covers(&d, &u, &u.root, address)))
            n = unit_frames(&d, &u, address, ret_frames, max);
    vec_release(&u.abbrevs);
    return n;
}

/* A path that does not go on from what is before it. */
static bool is_absolute(Str s)
{
    return s.n && (s.p[0] == '/' || (s.n > 2 && s.p[1] == ':' && s.p[2] == '\\'));
}

void dwarf_put_path(const DwarfFrame *f, Buf *out)
{
    if (!f->file.p)
        return;
    Str pieces[] = {f->dir, f->sub, f->file};
    usize start = out->n;
    for (usize i = 0; i < ARRAY_LEN(pieces); i++) {
        if (is_absolute(pieces[i]))
            out->n = start;
        else if (out->n > start && out->p[out->n - 1] != '/')
            buf_u8(out, '/');
        buf_str(out, pieces[i]);
    }
}
