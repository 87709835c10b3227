/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The program of a container in a layer of its image, from containerd's content store. */
#ifndef SHIM_LAYERS_H
#define SHIM_LAYERS_H

#include "oci/digest.h"
#include "shim/cache.h"
#include "shim/grpc.h"

/*
 * The digest of the one wasm layer of the container's image. *ret_found is false if the image is
 * not of architecture wasm or has no such layer; then files are looked at; true with an error if it
 * has one that can not be used. What an image's manifest says is noted in the cache.
 */
Error *layers_find(const GrpcTarget *t, const CodeCache *cache, const char *id, bool *ret_found,
                   Digest *ret_digest) MUST_CHECK;
/* The same from the digest of a manifest or an index on, with documents from anywhere. */
typedef struct DocumentReader {
    Error *(*read)(void *arg, const Digest *d, Buf *ret_bytes);
    void *arg;
} DocumentReader;
Error *layers_pick(const DocumentReader *r, const char *digest, bool *ret_found,
                   Digest *ret_digest) MUST_CHECK;
/* Its bytes, which are what the digest says. */
Error *layers_read(const GrpcTarget *t, const Digest *d, Buf *ret_bytes) MUST_CHECK;

#endif
