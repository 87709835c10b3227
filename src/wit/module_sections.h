/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The sections of a module or component, one after the other, without a look inside. */
#ifndef WIT_MODULE_SECTIONS_H
#define WIT_MODULE_SECTIONS_H

#include "base/buf.h"
#include "base/error.h"

typedef struct SectionView {
    u8 id;
    Str name;    /* of custom sections */
    Str payload; /* behind the name */
    Str whole;   /* with id and size */
    usize at;    /* of its first byte in the binary */
} SectionView;

typedef struct SectionReader {
    const u8 *p;
    usize n, at;
    Error *error; /* own; of the first section that is broken */
} SectionReader;

void sections_init(SectionReader *r, const u8 *p, usize n);
/* False at the end and after an error. */
bool sections_next(SectionReader *r, SectionView *ret_section);
/* The module without the custom sections that `drop` wants gone. */
Error *sections_filter(const u8 *p, usize n, bool (*drop)(void *arg, const SectionView *s),
                       void *arg, Buf *out) MUST_CHECK;
/* Is it `component-type`, with or without something behind it? */
bool section_is_component_type(const SectionView *s);

#endif
