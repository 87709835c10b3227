/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The functions of WASI 0.2 that the adapter imports, with the core signatures and the layouts that
 * the canonical ABI gives them.
 */
#ifndef ADAPTER_HOST_H
#define ADAPTER_HOST_H

#include "adapter.h"

#define V "@0.2.12"
#define FS "wasi:filesystem/types" V
#define STREAMS "wasi:io/streams" V

/* result<_, error-code> */
typedef struct Result1 {
    u8 is_err, code;
} Result1;

/* Results with handles and lists. */
typedef struct Result4 {
    u8 is_err;
    union {
        u8 code;
        u32 handle;
        struct {
            u8 *p;
            u32 n;
            u8 at_end;
        } list;
        struct { /* option<directory-entry> */
            u8 is_some;
            u8 type __attribute__((aligned(4)));
            u8 *name;
            u32 name_n;
        } entry;
        struct { /* stream-error: 0 failed, with an error, 1 closed */
            u8 tag;
            u32 error;
        } stream;
    } __attribute__((aligned(4)));
} Result4;

typedef struct Datetime {
    u64 seconds;
    u32 nanoseconds;
} Datetime;

typedef struct OptionDatetime {
    u8 is_some;
    Datetime at;
} OptionDatetime;

typedef struct DescriptorStat {
    u8 type;
    u64 links, size;
    OptionDatetime atim, mtim, ctim;
} DescriptorStat;

typedef struct Result8 {
    u8 is_err;
    union {
        u8 code;
        u64 n;
        DescriptorStat stat;
        struct {
            u64 lower, upper;
        } hash;
    } __attribute__((aligned(8)));
} Result8;

/* --- streams --- */
IMPORT(STREAMS, "[method]input-stream.blocking-read")
void input_blocking_read(u32 self, u64 n, Result4 *ret);
IMPORT(STREAMS, "[method]input-stream.subscribe") u32 input_subscribe(u32 self);
IMPORT(STREAMS, "[method]output-stream.blocking-write-and-flush")
void output_write_and_flush(u32 self, const u8 *p, u32 n, Result4 *ret);
IMPORT(STREAMS, "[method]output-stream.subscribe") u32 output_subscribe(u32 self);
IMPORT(STREAMS, "[resource-drop]output-stream") void output_drop(u32 self);
IMPORT(STREAMS, "[resource-drop]input-stream") void input_drop(u32 self);
IMPORT("wasi:io/error" V, "[resource-drop]error") void error_drop(u32 self);
IMPORT("wasi:io/poll" V, "[resource-drop]pollable") void pollable_drop(u32 self);
IMPORT("wasi:io/poll" V, "poll") void poll_list(const u32 *handles, u32 n, List *ret);
IMPORT("wasi:cli/stdin" V, "get-stdin") u32 get_stdin(void);
IMPORT("wasi:cli/stdout" V, "get-stdout") u32 get_stdout(void);
IMPORT("wasi:cli/stderr" V, "get-stderr") u32 get_stderr(void);

/* --- clocks, random numbers --- */
IMPORT("wasi:clocks/monotonic-clock" V, "now") u64 monotonic_now(void);
IMPORT("wasi:clocks/monotonic-clock" V, "resolution") u64 monotonic_resolution(void);
IMPORT("wasi:clocks/monotonic-clock" V, "subscribe-instant") u32 subscribe_instant(u64 when);
IMPORT("wasi:clocks/monotonic-clock" V, "subscribe-duration") u32 subscribe_duration(u64 when);
IMPORT("wasi:clocks/wall-clock" V, "now") void wall_now(Datetime *ret);
IMPORT("wasi:clocks/wall-clock" V, "resolution") void wall_resolution(Datetime *ret);
IMPORT("wasi:random/random" V, "get-random-bytes") void get_random_bytes(u64 n, List *ret);

#ifndef ADAPTER_PROXY
/* --- the command's world --- */
IMPORT("wasi:cli/environment" V, "get-arguments") void get_arguments(List *ret);
IMPORT("wasi:cli/environment" V, "get-environment") void get_environment(List *ret);
IMPORT("wasi:cli/exit" V, "exit") void host_exit(u32 is_err);

typedef struct OptionHandle {
    u8 is_some;
    u32 handle;
} OptionHandle;
IMPORT("wasi:cli/terminal-stdin" V, "get-terminal-stdin") void terminal_stdin(OptionHandle *ret);
IMPORT("wasi:cli/terminal-stdout" V, "get-terminal-stdout") void terminal_stdout(OptionHandle *ret);
IMPORT("wasi:cli/terminal-stderr" V, "get-terminal-stderr") void terminal_stderr(OptionHandle *ret);
IMPORT("wasi:cli/terminal-input" V, "[resource-drop]terminal-input")
void terminal_input_drop(u32 h);
IMPORT("wasi:cli/terminal-output" V, "[resource-drop]terminal-output")
void terminal_output_drop(u32 h);

/* --- files --- */
typedef struct Preopen {
    u32 handle;
    u8 *name;
    u32 name_n;
} Preopen;
IMPORT("wasi:filesystem/preopens" V, "get-directories") void get_directories(List *ret);
IMPORT(FS, "[resource-drop]descriptor") void descriptor_drop(u32 self);
IMPORT(FS, "[resource-drop]directory-entry-stream") void entries_drop(u32 self);
IMPORT(FS, "[method]descriptor.append-via-stream") void descriptor_append(u32 self, Result4 *ret);
IMPORT(FS, "[method]descriptor.advise")
void descriptor_advise(u32 self, u64 offset, u64 n, u32 advice, Result1 *ret);
IMPORT(FS, "[method]descriptor.sync-data") void descriptor_sync_data(u32 self, Result1 *ret);
IMPORT(FS, "[method]descriptor.sync") void descriptor_sync(u32 self, Result1 *ret);
IMPORT(FS, "[method]descriptor.get-flags") void descriptor_get_flags(u32 self, Result1 *ret);
IMPORT(FS, "[method]descriptor.get-type") void descriptor_get_type(u32 self, Result1 *ret);
IMPORT(FS, "[method]descriptor.set-size") void descriptor_set_size(u32 self, u64 n, Result1 *ret);
IMPORT(FS, "[method]descriptor.set-times")
void descriptor_set_times(u32 self, u32 akind, u64 asec, u32 ansec, u32 mkind, u64 msec, u32 mnsec,
                          Result1 *ret);
IMPORT(FS, "[method]descriptor.read")
void descriptor_read(u32 self, u64 n, u64 offset, Result4 *ret);
IMPORT(FS, "[method]descriptor.write")
void descriptor_write(u32 self, const u8 *p, u32 n, u64 offset, Result8 *ret);
IMPORT(FS, "[method]descriptor.read-directory") void descriptor_entries(u32 self, Result4 *ret);
IMPORT(FS, "[method]descriptor.create-directory-at")
void descriptor_mkdir(u32 self, const u8 *p, u32 n, Result1 *ret);
IMPORT(FS, "[method]descriptor.stat") void descriptor_stat(u32 self, Result8 *ret);
IMPORT(FS, "[method]descriptor.stat-at")
void descriptor_stat_at(u32 self, u32 flags, const u8 *p, u32 n, Result8 *ret);
/* 11 core parameters: they are flat. */
IMPORT(FS, "[method]descriptor.set-times-at")
void descriptor_set_times_at(u32 self, u32 flags, const u8 *p, u32 n, u32 akind, u64 asec,
                             u32 ansec, u32 mkind, u64 msec, u32 mnsec, Result1 *ret);
IMPORT(FS, "[method]descriptor.link-at")
void descriptor_link(u32 self, u32 flags, const u8 *p, u32 n, u32 to, const u8 *q, u32 m,
                     Result1 *ret);
IMPORT(FS, "[method]descriptor.open-at")
void descriptor_open(u32 self, u32 flags, const u8 *p, u32 n, u32 oflags, u32 dflags, Result4 *ret);
IMPORT(FS, "[method]descriptor.readlink-at")
void descriptor_readlink(u32 self, const u8 *p, u32 n, Result4 *ret);
IMPORT(FS, "[method]descriptor.remove-directory-at")
void descriptor_rmdir(u32 self, const u8 *p, u32 n, Result1 *ret);
IMPORT(FS, "[method]descriptor.rename-at")
void descriptor_rename(u32 self, const u8 *p, u32 n, u32 to, const u8 *q, u32 m, Result1 *ret);
IMPORT(FS, "[method]descriptor.symlink-at")
void descriptor_symlink(u32 self, const u8 *p, u32 n, const u8 *q, u32 m, Result1 *ret);
IMPORT(FS, "[method]descriptor.unlink-file-at")
void descriptor_unlink(u32 self, const u8 *p, u32 n, Result1 *ret);
IMPORT(FS, "[method]descriptor.metadata-hash") void descriptor_hash(u32 self, Result8 *ret);
IMPORT(FS, "[method]descriptor.metadata-hash-at")
void descriptor_hash_at(u32 self, u32 flags, const u8 *p, u32 n, Result8 *ret);
IMPORT(FS, "[method]directory-entry-stream.read-directory-entry")
void entries_read(u32 self, Result4 *ret);
#endif

Errno errno_of(u32 code);
u8 filetype_of(u32 descriptor_type);

#endif
