/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Log lines: time="..." level=... msg="...", one write each. */
#include "shim/log.h"

#include "base/buf.h"
#include "os/time.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LINE = 3500 }; /* below PIPE_BUF: lines of several writers do not mix */

void shim_log_open(ShimLog *l, bool debug)
{
    struct stat st;
    l->debug = debug;
    l->fd = open("log", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (l->fd >= 0 && (fstat(l->fd, &st) != 0 || !S_ISFIFO(st.st_mode))) {
        close(l->fd);
        l->fd = -1;
    }
}

static void put_quoted(Buf *out, const Buf *text)
{
    for (usize i = 0; i < MIN(text->n, MAX_LINE); i++) {
        u8 c = text->p[i];
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c == '\n')
            buf_str(out, STR("\\n"));
        else
            buf_u8(out, c < ' ' ? ' ' : c);
    }
}

void shim_log(const ShimLog *l, const char *level, const char *fmt, ...)
{
    if (l->fd < 0 || (!l->debug && strcmp(level, "debug") == 0))
        return;
    Buf text = {0}, line = {0};
    u64 now = os_realtime_ns();
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    buf_str(&line, STR("time=\""));
    buf_utc(&line, now / 1000000000);
    buf_printf(&line, ".%09uZ\" level=%s msg=\"", (u32)(now % 1000000000), level);
    put_quoted(&line, &text);
    buf_str(&line, STR("\"\n"));
    ssize_t lost = write(l->fd, line.p, line.n);
    (void)lost;
    buf_release(&text);
    buf_release(&line);
}
