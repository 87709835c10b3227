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
    char *func;       /* own; of path#func, "_start" by default */
    BundleKind kind;
    int module; /* BUNDLE_WASM: sealed memory with the program, -1: none yet */
} Bundle;

void bundle_release(Bundle *b);
/* Reads config.json. */
Error *bundle_open(Bundle *b, const char *path) MUST_CHECK;
/* The annotation's value, NULL if there is none; borrowed. */
const char *bundle_annotation(const Bundle *b, const char *key);
/* What args[0] names in the mounted root, an error if it can not be run. */
Error *bundle_find_program(Bundle *b) MUST_CHECK;
/* The program is not a file of the root, but these bytes, of an image's layer. */
Error *bundle_use_module(Bundle *b, const Buf *bytes) MUST_CHECK;
/* Writes `<bundle>/wasm/config.json`: descriptor 3 is the executor, 4 the module. Own. */
Error *bundle_write_wasm(const Bundle *b, char **ret_dir) MUST_CHECK;

/* A sealed copy of the bytes that nobody can change. */
Error *sealed_memory(const char *name, const Buf *bytes, int *ret_fd) MUST_CHECK;

#endif
