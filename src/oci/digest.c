/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * SHA-256 in hexadecimal. Of OpenSSL, the functions of the algorithm alone: those that look for it
 * by name bring in modules to be loaded at run time, which a static program has none of.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "oci/digest.h"

#include <openssl/sha.h>

void digest_of(const void *p, usize n, Digest *ret_digest)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[SHA256_DIGEST_LENGTH];
    SHA256_CTX c;
    ALWAYS(SHA256_Init(&c) == 1 && SHA256_Update(&c, p, n) == 1 && SHA256_Final(raw, &c) == 1);
    for (usize i = 0; i < sizeof raw; i++) {
        ret_digest->hex[2 * i] = digits[raw[i] >> 4];
        ret_digest->hex[2 * i + 1] = digits[raw[i] & 15];
    }
    ret_digest->hex[64] = 0;
}
