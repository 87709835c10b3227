/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the files that write and read compiled files. */
#ifndef ENGINE_IMAGE_PRIV_H
#define ENGINE_IMAGE_PRIV_H

#include "engine/engine_priv.h"
#include "engine/image.h"

enum {
    IMAGE_HEADER_AT = 64, /* behind the ELF header */
    IMAGE_TEXT_ALIGN = 4096,
};

/* Settings that are yes or no, as bits. */
u32 image_flags(const Tunables *t);
/* Of a whole file: around the field that holds it. */
u64 image_checksum(const u8 *file, usize n);
/* Appends a validated module or component, whose functions do nothing then. */
void image_strip(const u8 *p, usize n, Buf *out);

#endif
