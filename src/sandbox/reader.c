/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Null is as good as nothing, as it is for the programs that write and read these files. */
#include "sandbox/reader.h"

static const char unlimited[] = "18446744073709551615", stand_in[] = "-9223372036854775807";
enum { WIDTH = sizeof unlimited - 1 };
static_assert(sizeof stand_in == sizeof unlimited, "one takes the place of the other");

static bool is_number_at(const char *p, usize n, const char *number)
{
    return n >= WIDTH && memcmp(p, number, WIDTH) == 0 &&
           (n == WIDTH || p[WIDTH] == 0 || !strchr("0123456789.eE", p[WIDTH]));
}

/* The end of the string that begins there; n if it has none. */
static usize skip_string(const char *text, usize n, usize at)
{
    for (at++; at < n && text[at] != '"'; at++)
        at += text[at] == '\\';
    return MIN(at, n);
}

/* How often `from` is there as a number; it becomes `to`, if that is not NULL. */
static u32 replace(char *text, usize n, const char *from, const char *to)
{
    u32 found = 0;
    for (usize at = 0; at < n; at++) {
        char c = text[at];
        if (c == '"') {
            at = skip_string(text, n, at);
        } else if (c == '-' || (c >= '0' && c <= '9')) {
            bool same = is_number_at(text + at, n - at, from);
            found += same;
            if (same && to)
                memcpy(text + at, to, WIDTH);
            while (at + 1 < n && text[at + 1] && strchr("0123456789.eE+-", text[at + 1]))
                at++;
        }
    }
    return found;
}

bool reader_hide_unlimited(char *text, usize n)
{
    if (replace(text, n, stand_in, NULL) > 0)
        return false;
    replace(text, n, unlimited, stand_in);
    return true;
}

void reader_show_unlimited(char *text, usize n)
{
    replace(text, n, stand_in, unlimited);
}

void reader_refuse(Reader *r, const char *where, const char *fmt, ...)
{
    if (r->why)
        return;
    Buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    if (*where)
        buf_printf(&b, "%s: ", where);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    r->why = buf_take_string(&b);
}

static bool has_word(const char *words, const char *word)
{
    usize n = strlen(word);
    for (const char *p = words; n > 0 && (p = strstr(p, word)); p += n)
        if ((p == words || p[-1] == ' ') && (p[n] == ' ' || p[n] == 0))
            return true;
    return false;
}

bool reader_object(Reader *r, const json_t *v, const char *where, const char *keys)
{
    if (r->why || !v || json_is_null(v))
        return false;
    if (!json_is_object(v)) {
        reader_refuse(r, where, "not an object");
        return false;
    }
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)v, key, item)
    {
        if (strchr(key, ' ') || !has_word(keys, key))
            reader_refuse(r, where, "the key `%.200s` is not known", key);
    }
    return !r->why;
}

static const json_t *get(const Reader *r, const json_t *object, const char *key)
{
    const json_t *v = r->why ? NULL : json_object_get(object, key);
    return json_is_null(v) ? NULL : v;
}

const json_t *reader_list(Reader *r, const json_t *object, const char *where, const char *key,
                          usize most)
{
    const json_t *v = get(r, object, key);
    if (!v)
        return NULL;
    if (!json_is_array(v))
        reader_refuse(r, where, "`%s` is not a list", key);
    else if (json_array_size(v) > most)
        reader_refuse(r, where, "`%s` has more than %zu elements", key, most);
    return r->why ? NULL : v;
}

static const char *text_of(Reader *r, const json_t *v, const char *where, const char *key)
{
    if (!json_is_string(v))
        reader_refuse(r, where, "`%s` is not text", key);
    else if (strlen(json_string_value(v)) != json_string_length(v))
        reader_refuse(r, where, "`%s` has a NUL", key);
    if (r->why)
        return NULL;
    return arena_strdup(r->arena, (Str){json_string_value(v), json_string_length(v)});
}

const char *reader_text(Reader *r, const json_t *object, const char *where, const char *key)
{
    const json_t *v = get(r, object, key);
    return v ? text_of(r, v, where, key) : NULL;
}

const char *reader_text_at(Reader *r, const json_t *list, usize i, const char *where)
{
    const char *text = r->why ? NULL : text_of(r, json_array_get(list, i), where, "element");
    return text ? text : "";
}

bool reader_int(Reader *r, const json_t *object, const char *where, const char *key, i64 least,
                i64 most, i64 *ret_value)
{
    const json_t *v = get(r, object, key);
    if (!v)
        return false;
    i64 value = json_integer_value(v);
    if (!json_is_integer(v) || value < least || value > most) {
        reader_refuse(r, where, "`%s` is not an integer from %lld to %lld", key, (long long)least,
                      (long long)most);
        return false;
    }
    *ret_value = value;
    return true;
}

u32 reader_u32(Reader *r, const json_t *object, const char *where, const char *key)
{
    i64 v = 0;
    reader_int(r, object, where, key, 0, UINT32_MAX, &v);
    return (u32)v;
}

bool reader_bool(Reader *r, const json_t *object, const char *where, const char *key)
{
    const json_t *v = get(r, object, key);
    if (v && !json_is_boolean(v))
        reader_refuse(r, where, "`%s` is not a boolean", key);
    return json_is_true(v);
}

void reader_empty(Reader *r, const json_t *object, const char *where, const char *key)
{
    const json_t *v = get(r, object, key);
    bool empty = !v || (json_is_object(v) && json_object_size(v) == 0) ||
                 (json_is_array(v) && json_array_size(v) == 0) ||
                 (json_is_string(v) && json_string_length(v) == 0) || json_is_false(v);
    if (!empty)
        reader_refuse(r, where, "`%s` is not done here", key);
}
