/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Log lines: which ones are wanted, and how they are written. */
#include "cli/log.h"

#include "os/time.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const char *const level_names[] = {"off", "error", "warn", "info", "debug", "trace"};
static const char *const level_heads[] = {"", "ERROR", " WARN", " INFO", "DEBUG", "TRACE"};

static bool read_level(Str s, LogLevel *ret_level)
{
    if (s.n == 1 && s.p[0] >= '0' && s.p[0] <= '5') {
        *ret_level = (LogLevel)(s.p[0] - '0');
        return true;
    }
    for (u32 i = 0; i < ARRAY_LEN(level_names); i++)
        if (s.n == strlen(level_names[i]) && strncasecmp(s.p, level_names[i], s.n) == 0) {
            *ret_level = (LogLevel)i;
            return true;
        }
    return false;
}

/* A word without `=` is a level or else a target, of which everything is wanted. */
static void parse_rule(Log *l, Str s, Buf *complaints)
{
    const char *eq = memchr(s.p, '=', s.n);
    LogRule r = {.level = LOG_TRACE};
    if (eq)
        r.target = (Str){s.p, (usize)(eq - s.p)};
    else if (!read_level(s, &r.level))
        r.target = s;
    if (eq && !read_level((Str){eq + 1, (usize)(s.p + s.n - eq - 1)}, &r.level)) {
        buf_printf(complaints,
                   "ignoring `%.*s`: a level is expected behind `=`: \"off\", \"error\", \"warn\", "
                   "\"info\", \"debug\", \"trace\", or a number 0-5\n",
                   STR_ARG(s));
        return;
    }
    vec_push(&l->rules, r);
}

static void parse_rules(Log *l, Str rules, Buf *complaints)
{
    const char *at = rules.p, *end = rules.p + rules.n;
    for (;;) {
        const char *comma = memchr(at, ',', (usize)(end - at));
        Str rule = str_trim((Str){at, (usize)((comma ? comma : end) - at)});
        if (rule.n)
            parse_rule(l, rule, complaints);
        if (!comma)
            return;
        at = comma + 1;
    }
}

void log_init(Log *l)
{
    const char *rules = getenv("WASMTIME_LOG"), *bare = getenv("WASMTIME_LOG_NO_CONTEXT");
    *l = (Log){.bare = bare && strcmp(bare, "0") != 0};
    Buf complaints = {0};
    if (rules)
        parse_rules(l, str_of(rules), &complaints);
    fwrite(complaints.p, 1, complaints.n, stderr);
    buf_release(&complaints);
}

void log_release(Log *l)
{
    vec_release(&l->rules);
}

/* Of rules of equal length the last one counts. */
bool log_wants(const Log *l, LogLevel level, const char *target)
{
    const LogRule *best = NULL;
    for (u32 i = 0; i < l->rules.n; i++) {
        const LogRule *r = &l->rules.p[i];
        if (str_starts(str_of(target), r->target) && (!best || r->target.n >= best->target.n))
            best = r;
    }
    return best && level <= best->level;
}

static void put_time(Buf *out)
{
    u64 ns = os_realtime_ns();
    buf_utc(out, ns / 1000000000);
    buf_printf(out, ".%06uZ ", (u32)(ns / 1000 % 1000000));
}

void log_line(const Log *l, LogLevel level, const char *context, const char *target, Str text)
{
    Buf line = {0};
    if (!l->bare) {
        put_time(&line);
        buf_printf(&line, "%s ", level_heads[level]);
    }
    if (context)
        buf_printf(&line, "%s: ", context);
    if (!l->bare)
        buf_printf(&line, "%s: ", target);
    buf_str(&line, text);
    buf_u8(&line, '\n');
    fwrite(line.p, 1, line.n, stderr);
    buf_release(&line);
}

void log_print(const Log *l, LogLevel level, const char *target, const char *fmt, ...)
{
    if (!log_wants(l, level, target))
        return;
    char text[1024];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    log_line(l, level, NULL, target, (Str){text, (usize)MIN(MAX(n, 0), (int)sizeof text - 1)});
}
