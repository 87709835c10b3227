/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Values of component types as trees, for the host: arguments and results of calls, and what is on
 * its way between two components. All parts of a tree live in one arena; the tree does not name its
 * type, whoever reads it has the type at hand.
 */
#ifndef COMPONENT_VALUE_H
#define COMPONENT_VALUE_H

#include "wit/component.h"

typedef struct ResourceType ResourceType;
typedef struct ComponentVal ComponentVal;

/* How the bytes of a string are written. */
typedef enum TextForm { TEXT_UTF8, TEXT_UTF16, TEXT_LATIN1 } TextForm;

struct ComponentVal {
    u8 kind;   /* CTypeKind; fixed-length lists are of CT_LIST, too */
    u8 form;   /* strings: TextForm */
    bool flat; /* lists: `bytes` holds the elements as they lie in memory, see val_flat_size;
                  strings: they came in the encoding latin1+utf16 */
    u32 n;     /* items; code units of a string; the case of a variant, enum, option or result */
    union {
        u64 bits;            /* bool, integers (sign-extended), floats, char, flags */
        const u8 *bytes;     /* strings, flat lists */
        ComponentVal *items; /* records, tuples, lists; maps: keys and values in turn, 2n of them */
        ComponentVal *payload; /* variants, options, results; NULL: none */
        struct {
            ResourceType *resource;
            u64 rep; /* an address of the host's, or 32 bits of a guest */
        };
    };
};

/* Bytes of an element that a flat list holds: of integers, floats, bool and char; 0 for others. */
u32 val_flat_size(CTypeKind element);
/* Item i of a list, flat or not. */
ComponentVal val_item(const ComponentVal *list, CTypeKind element, u32 i);
/* The value of that kind that lies at p, of val_flat_size bytes. */
ComponentVal val_scalar(CTypeKind kind, const u8 *p);
/* A string's text as UTF-8; in the arena unless it is in that form already. */
Str val_text(const ComponentVal *string, Arena *arena);
ComponentVal val_string(Str utf8);
/* Do the trees hold the same value of the type? NaNs are equal. */
bool val_equal(const ComponentTypes *t, CTypeId type, const ComponentVal *a, const ComponentVal *b);

#endif
