/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * JSON with a list of what is known. Sticky: the first thing that is not on the list is kept as the
 * reason, and what is read after it is zero or empty.
 */
#ifndef SANDBOX_READER_H
#define SANDBOX_READER_H

#include "base/buf.h"

#include <jansson.h>

/*
 * 2^64-1 means "without limit" in these files, and is no number for a reader of signed ones: before
 * the text is read, another one of as many letters takes its place, and gives it back in what is
 * written. False if that one was there before.
 */
#define READER_UNLIMITED (INT64_MIN + 1)
bool reader_hide_unlimited(char *text, usize n);
void reader_show_unlimited(char *text, usize n);

typedef struct Reader {
    Arena *arena;
    char *why; /* own; NULL: all is known so far */
} Reader;

void reader_refuse(Reader *r, const char *where, const char *fmt, ...) PRINTF_LIKE(3, 4);
/*
 * The value is an object with no other keys than these, separated by blanks; or nothing (NULL or
 * null), then false without a reason. `where` names it in reasons, "" is the whole.
 */
bool reader_object(Reader *r, const json_t *v, const char *where, const char *keys);
/* The list of an object's key, NULL if it is not there; of so many elements at most. */
const json_t *reader_list(Reader *r, const json_t *object, const char *where, const char *key,
                          usize most);
/* Text of the arena, without NUL in it; NULL if the key is not there. */
const char *reader_text(Reader *r, const json_t *object, const char *where, const char *key);
const char *reader_text_at(Reader *r, const json_t *list, usize i, const char *where);
/* False if the key is not there. */
bool reader_int(Reader *r, const json_t *object, const char *where, const char *key, i64 least,
                i64 most, i64 *ret_value);
u32 reader_u32(Reader *r, const json_t *object, const char *where, const char *key);
bool reader_bool(Reader *r, const json_t *object, const char *where, const char *key);
/* The key is not there, or has nothing in it. */
void reader_empty(Reader *r, const json_t *object, const char *where, const char *key);

#endif
