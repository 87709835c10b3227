/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Types of components and core types as text. Types inside component and instance types nest at
 * most as deep as the decoder allows.
 */
#include "wit/text/cprint_parts.h"

void cprint_extern_name(CPrinter *p)
{
    static const char *const words[] = {"implements", "versionsuffix", "external-id"};
    u8 kind = read_u8(&p->r);
    buf_u8(p->out, ' ');
    buf_quoted(p->out, read_name(&p->r));
    u32 n = kind == 2 ? read_u32(&p->r) : 0;
    for (u32 i = 0; i < n && read_ok(&p->r); i++) {
        u8 word = read_u8(&p->r);
        buf_printf(p->out, " (%s ", word < ARRAY_LEN(words) ? words[word] : "?");
        buf_quoted(p->out, read_name(&p->r));
        buf_u8(p->out, ')');
    }
}

void cprint_extern_type(CPrinter *p)
{
    static const char *const words[] = {"core module", "func",      "value",
                                        "type",        "component", "instance"};
    u8 code = read_u8(&p->r);
    if (code == 0)
        (void)read_u8(&p->r); /* the sort of core modules */
    buf_printf(p->out, " (%s", code < ARRAY_LEN(words) ? words[code] : "?");
    if (code == 2 || code == 3) {
        bool eq = read_u8(&p->r) == 0;
        buf_str(p->out, eq ? STR(" (eq") : code == 3 ? STR(" (sub resource") : STR(""));
        if (eq)
            cprint_index(p);
        else if (code == 2)
            cprint_value_type(p);
        buf_str(p->out, eq || code == 3 ? STR("))") : STR(")"));
        return;
    }
    buf_str(p->out, STR(" (type"));
    cprint_index(p);
    buf_str(p->out, STR("))"));
}

static const char *primitive_name(u8 code)
{
    static const char *const names[] = {"string", "char", "f64", "f32", "u64", "s64", "u32",
                                        "s32",    "u16",  "s16", "u8",  "s8",  "bool"};
    return code == 0x64 ? "error-context" : code >= 0x73 ? names[code - 0x73] : "?";
}

void cprint_value_type(CPrinter *p)
{
    i64 v = read_s(&p->r, 33);
    if (v >= 0)
        buf_printf(p->out, " %lld", (long long)v);
    else
        buf_printf(p->out, " %s", primitive_name((u8)(v & 0x7f)));
}

static bool print_optional(CPrinter *p, const char *before, const char *after)
{
    if (read_u8(&p->r) != 1)
        return false;
    buf_str(p->out, str_of(before));
    cprint_value_type(p);
    buf_str(p->out, str_of(after));
    return true;
}

void cprint_result(CPrinter *p)
{
    if (read_u8(&p->r) != 0) {
        (void)read_u8(&p->r);
        return;
    }
    buf_str(p->out, STR(" (result"));
    cprint_value_type(p);
    buf_u8(p->out, ')');
}

/* (WORD "name" type)* */
static void print_named(CPrinter *p, const char *word, bool is_case)
{
    u32 n = read_u32(&p->r);
    for (u32 i = 0; i < n && read_ok(&p->r); i++) {
        buf_printf(p->out, " (%s ", word);
        buf_quoted(p->out, read_name(&p->r));
        if (!is_case) {
            cprint_value_type(p);
        } else {
            (void)print_optional(p, "", "");
            (void)read_u8(&p->r);
        }
        buf_u8(p->out, ')');
    }
}

static void print_labels(CPrinter *p)
{
    u32 n = read_u32(&p->r);
    for (u32 i = 0; i < n && read_ok(&p->r); i++) {
        buf_u8(p->out, ' ');
        buf_quoted(p->out, read_name(&p->r));
    }
}

static void print_tuple(CPrinter *p)
{
    u32 n = read_u32(&p->r);
    for (u32 i = 0; i < n && read_ok(&p->r); i++)
        cprint_value_type(p);
}

static void print_resource(CPrinter *p)
{
    buf_str(p->out, STR("(rep"));
    cprint_core_value_type(p);
    buf_u8(p->out, ')');
    if (read_u8(&p->r) == 1) {
        buf_str(p->out, STR(" (dtor (core func"));
        cprint_index(p);
        buf_str(p->out, STR("))"));
    }
}

static void print_declaration(CPrinter *p)
{
    u8 code = read_u8(&p->r);
    cprint_line(p);
    if (code == 2) {
        cprint_alias(p, "");
        return;
    }
    static const char *const words[] = {"core type", "type", "", "import", "export"};
    buf_printf(p->out, "(%s", code < ARRAY_LEN(words) ? words[code] : "?");
    if (code == 0) {
        cprint_core_type(p);
    } else if (code == 1) {
        cprint_type(p);
    } else {
        cprint_extern_name(p);
        cprint_extern_type(p);
    }
    buf_u8(p->out, ')');
}

static void print_declarations(CPrinter *p)
{
    u32 n = read_u32(&p->r);
    p->indent++;
    for (u32 i = 0; i < n && read_ok(&p->r); i++)
        print_declaration(p);
    p->indent--;
    if (n)
        cprint_line(p);
}

/* What follows the code of a constructor. */
static void print_parts(CPrinter *p, u8 code)
{
    switch (code) {
    case 0x72:
        print_named(p, "field", false);
        break;
    case 0x71:
        print_named(p, "case", true);
        break;
    case 0x6f:
        print_tuple(p);
        break;
    case 0x6e:
    case 0x6d:
        print_labels(p);
        break;
    case 0x6a:
        (void)print_optional(p, "", "");
        (void)print_optional(p, " (error", ")");
        break;
    case 0x69:
    case 0x68:
        cprint_index(p);
        break;
    case 0x66:
    case 0x65:
        (void)print_optional(p, "", "");
        break;
    case 0x63:
        cprint_value_type(p);
        cprint_value_type(p);
        break;
    case 0x67:
        cprint_value_type(p);
        cprint_index(p);
        break;
    case 0x3f:
        buf_u8(p->out, ' ');
        print_resource(p);
        break;
    case 0x43:
    case 0x40:
        buf_str(p->out, code == 0x43 ? STR(" async") : STR(""));
        print_named(p, "param", false);
        cprint_result(p);
        break;
    case 0x41:
    case 0x42:
        print_declarations(p);
        break;
    default: /* list, option */
        cprint_value_type(p);
    }
}

void cprint_type(CPrinter *p)
{
    static const struct {
        u8 code;
        const char *word;
    } types[] = {{0x72, "record"}, {0x71, "variant"},   {0x70, "list"},     {0x67, "list"},
                 {0x6f, "tuple"},  {0x6e, "flags"},     {0x6d, "enum"},     {0x6b, "option"},
                 {0x6a, "result"}, {0x69, "own"},       {0x68, "borrow"},   {0x66, "stream"},
                 {0x65, "future"}, {0x63, "map"},       {0x3f, "resource"}, {0x40, "func"},
                 {0x43, "func"},   {0x41, "component"}, {0x42, "instance"}};
    u8 code = read_u8(&p->r);
    for (u32 i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].code != code)
            continue;
        buf_printf(p->out, " (%s", types[i].word);
        print_parts(p, code);
        buf_u8(p->out, ')');
        return;
    }
    buf_printf(p->out, " %s", primitive_name(code));
}

/* ---- core types ---- */

static const char *heap_name(u8 code)
{
    static const char *const names[] = {
        [0x68] = "cont",  [0x69] = "exn",   [0x6a] = "array",    [0x6b] = "struct",
        [0x6c] = "i31",   [0x6d] = "eq",    [0x6e] = "any",      [0x6f] = "extern",
        [0x70] = "func",  [0x71] = "none",  [0x72] = "noextern", [0x73] = "nofunc",
        [0x74] = "noexn", [0x75] = "nocont"};
    return code < ARRAY_LEN(names) && names[code] ? names[code] : "?";
}

void cprint_core_value_type(CPrinter *p)
{
    static const char *const numbers[] = {"v128", "f64", "f32", "i64", "i32"};
    u8 code = read_u8(&p->r);
    if (code >= 0x7b && code <= 0x7f) {
        buf_printf(p->out, " %s", numbers[code - 0x7b]);
        return;
    }
    if (code != 0x63 && code != 0x64) {
        buf_printf(p->out, " (ref null %s)", heap_name(code));
        return;
    }
    i64 heap = read_s(&p->r, 33);
    buf_printf(p->out, " (ref %s", code == 0x63 ? "null " : "");
    if (heap >= 0)
        buf_printf(p->out, "%lld)", (long long)heap);
    else
        buf_printf(p->out, "%s)", heap_name((u8)(heap & 0x7f)));
}

static void print_core_list(CPrinter *p, const char *word)
{
    u32 n = read_u32(&p->r);
    if (n)
        buf_printf(p->out, " (%s", word);
    for (u32 i = 0; i < n && read_ok(&p->r); i++)
        cprint_core_value_type(p);
    buf_str(p->out, n ? STR(")") : STR(""));
}

static void print_field(CPrinter *p)
{
    u8 code = p->r.at < p->r.end ? *p->r.at : 0;
    Buf type = {0}, *out = p->out;
    p->out = &type;
    if (code == 0x78 || code == 0x77) {
        (void)read_u8(&p->r);
        buf_str(&type, code == 0x78 ? STR(" i8") : STR(" i16"));
    } else {
        cprint_core_value_type(p);
    }
    p->out = out;
    bool mut = read_u8(&p->r) == 1;
    buf_str(out, mut ? STR(" (mut") : STR(""));
    buf_bytes(out, type.p, type.n);
    buf_str(out, mut ? STR(")") : STR(""));
    buf_release(&type);
}

static void print_composite(CPrinter *p, u8 code)
{
    switch (code) {
    case 0x60:
        buf_str(p->out, STR(" (func"));
        print_core_list(p, "param");
        print_core_list(p, "result");
        break;
    case 0x5f: {
        u32 n = read_u32(&p->r);
        buf_str(p->out, STR(" (struct"));
        for (u32 i = 0; i < n && read_ok(&p->r); i++) {
            buf_str(p->out, STR(" (field"));
            print_field(p);
            buf_u8(p->out, ')');
        }
        break;
    }
    case 0x5e:
        buf_str(p->out, STR(" (array"));
        print_field(p);
        break;
    default:
        buf_printf(p->out, " (cont %lld", (long long)read_s(&p->r, 33));
    }
    buf_u8(p->out, ')');
}

static void print_sub(CPrinter *p, u8 code)
{
    if (code != 0x50 && code != 0x4f) {
        print_composite(p, code);
        return;
    }
    u32 n = read_u32(&p->r);
    buf_str(p->out, code == 0x4f ? STR(" (sub final") : STR(" (sub"));
    for (u32 i = 0; i < n && read_ok(&p->r); i++)
        cprint_index(p);
    print_composite(p, read_u8(&p->r));
    buf_u8(p->out, ')');
}

static void print_limits(CPrinter *p)
{
    u8 flags = read_u8(&p->r);
    buf_str(p->out, flags & 4 ? STR(" i64") : STR(""));
    buf_printf(p->out, " %llu", (unsigned long long)read_u64(&p->r));
    if (flags & 1)
        buf_printf(p->out, " %llu", (unsigned long long)read_u64(&p->r));
    buf_str(p->out, flags & 2 ? STR(" shared") : STR(""));
    if (flags & 8) {
        u32 log = read_u32(&p->r);
        buf_printf(p->out, " (pagesize %u)", log < 32 ? 1u << log : 0);
    }
}

/* The type of an import or export of a module type. */
static void print_core_extern(CPrinter *p)
{
    static const char *const words[] = {"func", "table", "memory", "global", "tag"};
    u8 kind = read_u8(&p->r);
    buf_printf(p->out, " (%s", kind < ARRAY_LEN(words) ? words[kind] : "?");
    Buf type = {0}, *out = p->out;
    switch (kind) {
    case EXTERN_TABLE:
        p->out = &type;
        cprint_core_value_type(p);
        p->out = out;
        print_limits(p);
        buf_bytes(out, type.p, type.n);
        break;
    case EXTERN_MEMORY:
        print_limits(p);
        break;
    case EXTERN_GLOBAL:
        print_field(p);
        break;
    default:
        if (kind == EXTERN_TAG)
            (void)read_u8(&p->r);
        buf_str(out, STR(" (type"));
        cprint_index(p);
        buf_u8(out, ')');
    }
    buf_release(&type);
    buf_u8(out, ')');
}

/* (type ...) or (rec ...) with the type's code read by the caller of the latter. */
static void print_group(CPrinter *p)
{
    u8 code = read_u8(&p->r);
    if (code != 0x4e) {
        buf_str(p->out, STR("(type"));
        print_sub(p, code);
        buf_u8(p->out, ')');
        return;
    }
    u32 n = read_u32(&p->r);
    buf_str(p->out, STR("(rec"));
    for (u32 i = 0; i < n && read_ok(&p->r); i++) {
        buf_str(p->out, STR(" (type"));
        print_sub(p, read_u8(&p->r));
        buf_u8(p->out, ')');
    }
    buf_u8(p->out, ')');
}

static void print_module_declaration(CPrinter *p)
{
    u8 code = read_u8(&p->r);
    cprint_line(p);
    if (code == 1) {
        print_group(p);
        return;
    }
    if (code == 2) {
        (void)read_bytes(&p->r, 2);
        buf_str(p->out, STR("(alias outer"));
        cprint_index(p);
        cprint_index(p);
        buf_str(p->out, STR(" (type))"));
        return;
    }
    buf_str(p->out, code ? STR("(export ") : STR("(import "));
    if (!code) {
        buf_quoted(p->out, read_name(&p->r));
        buf_u8(p->out, ' ');
    }
    buf_quoted(p->out, read_name(&p->r));
    print_core_extern(p);
    buf_u8(p->out, ')');
}

void cprint_core_type(CPrinter *p)
{
    u8 code = read_u8(&p->r);
    if (code == 0) /* a subtype that is not final, told apart from module types */
        code = read_u8(&p->r);
    else if (code == 0x50) {
        u32 n = read_u32(&p->r);
        buf_str(p->out, STR(" (module"));
        p->indent++;
        for (u32 i = 0; i < n && read_ok(&p->r); i++)
            print_module_declaration(p);
        p->indent--;
        buf_u8(p->out, ')');
        return;
    }
    print_sub(p, code);
}
