/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The program of a container in a layer of its image, from containerd's content store. */
#ifndef SHIM_LAYERS_H
#define SHIM_LAYERS_H

#include "shim/grpc.h"

/*
 * The one wasm layer of the container's image, whose bytes are what its digest says. *ret_found is
 * false if the image is not of architecture wasm or has no such layer; then files are looked at;
 * true with an error if it has one that can not be used.
 */
Error *layers_find(const GrpcTarget *t, const char *id, bool *ret_found, Buf *ret_bytes) MUST_CHECK;

#endif
