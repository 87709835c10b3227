/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The text format (.wat): text to a binary module and back.
 *
 * Parsing makes bytes, which go through the same decoder and validator as any other module, and a
 * map from places in those bytes to places in the text, so that what is wrong with the bytes can be
 * shown in the text.
 *
 * Source: https://webassembly.github.io/spec/core/text/index.html
 */
#ifndef WASM_TEXT_TEXT_H
#define WASM_TEXT_TEXT_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/error.h"
#include "base/vec.h"
#include "wasm/module.h"

typedef struct TextOptions {
    bool no_names;    /* leave the name section out */
    bool any_unicode; /* allow characters that turn the direction of text (scripts do) */
} TextOptions;

/* From here on in the binary, things come from there in the text. Sorted by `binary`. */
typedef struct TextMark {
    u32 binary, text; /* bytes */
} TextMark;
typedef VEC(TextMark) TextMap;

/*
 * Translates `(module ...)` or bare module fields. False with *diag set (offset: bytes into the
 * text) if it is not a module; then the other results are untouched. ret_map may be NULL. Own:
 * buf_release(ret_binary), vec_release(ret_map).
 */
bool text_parse_module(Str source, const TextOptions *o, Buf *ret_binary, TextMap *ret_map,
                       Diag *diag);
/* Text offset of a place in the binary: that of the last mark at or before it. */
u64 text_map_offset(const TextMap *map, u64 binary);

typedef struct TextPos {
    u32 line, col; /* from 1; columns count characters */
    Str line_text; /* without its end */
} TextPos;
TextPos text_pos(Str source, u64 offset);
/* The error with the place in the text: "MESSAGE\n     --> PATH:LINE:COL\n ...". */
Error *text_error(const char *path, Str source, const Diag *diag) MUST_CHECK;

/* Appends the module as text, which parses back to an equivalent module. */
void text_print(const WasmModule *m, Buf *out);
/*
 * As above; *ret_map (own) gets a mark for each line that comes from a place in the binary:
 * functions (their body) and instructions. Both columns rise.
 */
void text_print_with_map(const WasmModule *m, Buf *out, TextMap *ret_map);

#endif
