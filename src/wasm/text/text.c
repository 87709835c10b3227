/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Places in a text, and errors that show them. */
#include "wasm/text/text.h"
#include "base/utf8.h"

u64 text_map_offset(const TextMap *map, u64 binary)
{
    u32 lo = 0, hi = map->n;
    while (lo < hi) { /* the first mark behind it */
        u32 mid = lo + (hi - lo) / 2;
        if (map->p[mid].binary <= binary)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo == 0 ? 0 : map->p[lo - 1].text;
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

TextPos text_pos(Str source, u64 offset)
{
    usize at = MIN(offset, source.n), start = 0, end;
    TextPos pos = {1, 1, {0}};
    for (usize i = 0; i < at; i++) {
        if (source.p[i] == '\n') {
            pos.line++;
            start = i + 1;
        }
    }
    end = start;
    while (end < source.n && !is_line_end(source.p[end]))
        end++;
    pos.line_text = (Str){source.p + start, end - start};
    for (usize i = start; i < MIN(at, end);) {
        u32 c, len = utf8_decode((const u8 *)source.p + i, end - i, &c);
        i += len ? len : 1;
        pos.col++;
    }
    return pos;
}

enum { LINE_MAX_SHOWN = 400 }; /* bytes of a line in a message */

/* Each character in one column, as the caret below counts them, and none that a terminal obeys. */
static void put_line(Buf *out, Str line)
{
    for (usize i = 0; i < line.n; i++) {
        u8 c = (u8)line.p[i];
        if (c == '\t')
            buf_str(out, STR(" "));
        else if (c < ' ' || c == 0x7f)
            buf_str(out, STR("\xef\xbf\xbd")); /* U+FFFD */
        else
            buf_u8(out, c);
    }
}

Error *text_error(const char *path, Str source, const Diag *diag)
{
    TextPos pos = text_pos(source, diag->offset);
    Buf b = {0}, number = {0};
    buf_printf(&number, "%u", pos.line);
    usize width = MAX(number.n, 4);
    buf_printf(&b, "%s\n%*s--> %s:%u:%u", diag->msg, (int)width + 1, "", path, pos.line, pos.col);
    if (pos.line_text.n <= LINE_MAX_SHOWN && utf8_valid(pos.line_text.p, pos.line_text.n)) {
        buf_printf(&b, "\n%*s |\n%*u | ", (int)width + 1, "", (int)width + 1, pos.line);
        put_line(&b, pos.line_text);
        buf_printf(&b, "\n%*s | %*s^", (int)width + 1, "", (int)pos.col - 1, "");
    }
    char *msg = buf_take_string(&b);
    Error *e = error_new("%s", msg);
    mem_free(msg);
    buf_release(&number);
    return e;
}
