/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Log lines on stderr, chosen by the environment variable WASMTIME_LOG: rules with commas between
 * them, each LEVEL, TARGET or TARGET=LEVEL. A rule is for the targets that begin as its own; the
 * longest such rule decides. A level is off, error, warn, info, debug, trace or 0 to 5.
 */
#ifndef CLI_LOG_H
#define CLI_LOG_H

#include "base/buf.h"
#include "base/vec.h"

typedef enum LogLevel {
    LOG_OFF,
    LOG_ERROR,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG,
    LOG_TRACE,
} LogLevel;

typedef struct LogRule {
    Str target; /* borrowed from the variable; empty: every target */
    LogLevel level;
} LogRule;

typedef struct Log {
    VEC(LogRule) rules;
    bool bare; /* no time, level or target */
} Log;

/* Reads the variables; a rule that cannot be read is reported on stderr and left out. */
void log_init(Log *l);
void log_release(Log *l);

bool log_wants(const Log *l, LogLevel level, const char *target);
/* `context` stands between the level and the target: a span and its fields, or NULL. */
void log_line(const Log *l, LogLevel level, const char *context, const char *target, Str text);
void log_print(const Log *l, LogLevel level, const char *target, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

#endif
