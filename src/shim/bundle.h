/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The OCI bundle that containerd made: what kind of program it asks for, and the configuration with
 * which the runtime starts our executor in its place.
 */
#ifndef SHIM_BUNDLE_H
#define SHIM_BUNDLE_H

#include "base/error.h"

#include <jansson.h>

typedef enum BundleKind { BUNDLE_NATIVE, BUNDLE_WASM } BundleKind;

typedef struct Bundle {
    const char *path; /* borrow */
    json_t *config;   /* own */
    char *root;       /* own; absolute path of the root file system */
    char *func;       /* own; of path#func, "_start" by default; with guest_word_make's options */
    BundleKind kind;
    Buf bytes;  /* own; BUNDLE_WASM: the program, if it is a file */
    int module; /* BUNDLE_WASM: own; what the executor gets of it, -1: nothing yet */
} Bundle;

void bundle_release(Bundle *b);
/* Reads config.json. */
Error *bundle_open(Bundle *b, const char *path) MUST_CHECK;
/* The same from the file's text. */
Error *bundle_parse(Bundle *b, const char *path, const Buf *text) MUST_CHECK;
/* The annotation's value, NULL if there is none; borrowed. */
const char *bundle_annotation(const Bundle *b, const char *key);
/* What args[0] names in the mounted root or its bind mounts, an error if it can not be run. */
Error *bundle_find_program(Bundle *b) MUST_CHECK;
/* The program is not a file of the root, but a layer of the image. */
void bundle_use_layer(Bundle *b);
/* May a layer with these bytes be run? */
Error *bundle_check_layer(const Buf *bytes) MUST_CHECK;
/* The configuration for the runtime, with the executor in place of the program; NULL if it
 * can not be written. Own. */
char *bundle_wasm_config(const Bundle *b);
/* Writes `<bundle>/wasm/config.json`: descriptor 3 is the executor, 4 the module. Own. */
Error *bundle_write_wasm(const Bundle *b, char **ret_dir) MUST_CHECK;
/* Writes the process alone, for a further one: the same descriptors. */
Error *bundle_write_exec(const Bundle *b, const char *file) MUST_CHECK;

#endif
