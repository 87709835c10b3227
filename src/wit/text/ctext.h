/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The text format of components: `(component ...)` to a binary component. As with modules, parsing
 * only makes bytes, which go through the same decoder and validator as any other component, and a
 * map from places in those bytes to places in the text.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md
 */
#ifndef WIT_TEXT_CTEXT_H
#define WIT_TEXT_CTEXT_H

#include "wasm/text/lexer.h"
#include "wasm/text/text.h"
#include "wit/component.h"

/*
 * Translates `(component ...)`. False with *diag set (offset: bytes into the text) if it is not a
 * component; then the other results are untouched. ret_map may be NULL. Own:
 * buf_release(ret_binary), vec_release(ret_map).
 */
bool component_text_parse(Str source, const TextOptions *o, Buf *ret_binary, TextMap *ret_map,
                          Diag *diag);
/*
 * The same for the definitions that stand between the tokens `first` and `end` (the closing
 * parenthesis or the end of the input) of a text. `name`: of the component, {NULL,0} for none.
 */
bool component_text_parse_fields(Lexer *l, u32 first, u32 end, Str name, const TextOptions *o,
                                 Buf *ret_binary, TextMap *ret_map, Diag *diag);
/* Appends the component as text, which parses back to one with the same definitions; custom
 * sections are left out. */
void component_text_print(const Component *c, Buf *out);

#endif
