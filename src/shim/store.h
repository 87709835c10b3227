/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Compiled code of an image's layer in containerd's content store: a label of the layer names the
 * blob with the code, and keeps it as long as the image is there.
 */
#ifndef SHIM_STORE_H
#define SHIM_STORE_H

#include "oci/digest.h"
#include "shim/grpc.h"

/* *ret_found is false if there is none for the target. The bytes are what their digest says, and
 * the blob's own label says that they were made of this layer. */
Error *store_fetch(const GrpcTarget *t, const Digest *layer, const char *target, bool *ret_found,
                   Buf *ret_code) MUST_CHECK;
Error *store_keep(const GrpcTarget *t, const Digest *layer, const char *target,
                  const Buf *code) MUST_CHECK;
/* A blob of the store, whose bytes are what the digest says. */
Error *store_read(const GrpcTarget *t, const Digest *d, usize limit, Buf *ret_bytes) MUST_CHECK;
/* "sha256:" and 64 small hexadecimal digits. */
Error *store_digest(const char *text, Digest *ret_digest) MUST_CHECK;
/* The answer to a call that has one message. */
Error *store_get(const GrpcTarget *t, const char *method, const ProtobufCMessage *request,
                 const ProtobufCMessageDescriptor *d, void *ret_message) MUST_CHECK;

#endif
