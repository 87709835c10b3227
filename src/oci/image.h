/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A container image of WebAssembly layers as an OCI image layout in a tar archive, which
 * `ctr image import` and `docker load` read. Two forms: an image whose configuration is of the
 * usual type with architecture "wasm", and an artifact with the configuration of
 * application/vnd.wasm.config.v0+json.
 */
#ifndef OCI_IMAGE_H
#define OCI_IMAGE_H

#include "base/error.h"
#include "base/vec.h"
#include "oci/digest.h"

#define OCI_COMPONENT_LAYER "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm"
#define OCI_WASM_LAYER "application/wasm"

typedef struct OciLayer {
    char *media_type; /* own */
    Buf bytes;        /* own */
    Digest digest;
} OciLayer;

typedef struct OciImage {
    const char *repo, *name, *tag; /* borrow */
    const char *entrypoint;        /* borrow; a path in the image, without leading slash */
    i64 created;                   /* seconds since 1970 */
    VEC(OciLayer) layers;
    /* Of a component: what it imports and exports. */
    bool is_component;
    VEC(char *) imports, exports; /* own */
} OciImage;

void oci_image_release(OciImage *i);
/* Adds a layer from a file. */
Error *oci_image_add_file(OciImage *i, const char *media_type, const char *path) MUST_CHECK;
/* If the bytes are a component, notes its imports and exports; an error if it is not valid. */
Error *oci_image_note_component(OciImage *i, const char *path, const Buf *bytes) MUST_CHECK;
/* Writes the archive in place of `path`, whose folders are made; nothing is left on failure. */
Error *oci_image_write(const OciImage *i, bool as_artifact, const char *path) MUST_CHECK;

#endif
