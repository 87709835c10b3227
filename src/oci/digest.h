/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* SHA-256 as OCI writes it. */
#ifndef OCI_DIGEST_H
#define OCI_DIGEST_H

#include "base/base.h"

typedef struct Digest {
    char hex[65]; /* 64 lower-case digits and NUL, without "sha256:" */
} Digest;

void digest_of(const void *p, usize n, Digest *ret_digest);

#endif
