/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What annotations `io.wasmtime.*` of a container say: options of the engine and of WASI, as on the
 * command line. They are given by who makes the container, never by its image.
 */
#ifndef SHIM_OPTIONS_H
#define SHIM_OPTIONS_H

#include "base/vec.h"
#include "shim/bundle.h"
#include "shim/precompile.h"

typedef struct GuestOptions {
    VEC(char *) words;                    /* own; for the executor */
    const char *engine[MAX_ENGINE_WORDS]; /* views of those that code depends on */
    usize nengine;
} GuestOptions;

/* An error names the annotation that is not known or not right. To be released in any case. */
Error *guest_options_read(const Bundle *b, GuestOptions *ret_options) MUST_CHECK;
void guest_options_release(GuestOptions *o);

/*
 * The executor's first word: the words, a line each, and a line "--", if there are any; then the
 * function, which may be any text. Own.
 */
char *guest_word_make(const GuestOptions *o, const char *func);
/* Cuts the word in place into those; returns the function. Views. */
char *guest_word_read(char *word, GuestOptions *ret_options);

#endif
