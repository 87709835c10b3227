/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:filesystem for guests: its functions, and one-line calls that print how they end. */
#ifndef FS_H
#define FS_H

#include "guest.h"

enum { FOLLOW = 1 };
enum { CREATE = 1, DIRECTORY = 2, EXCLUSIVE = 4, TRUNCATE = 8 };
enum { READ = 1, WRITE = 2, FILE_SYNC = 4, DATA_SYNC = 8, REQUESTED_SYNC = 16, MUTATE = 32 };
enum { NO_CHANGE, NOW, TIMESTAMP };

/* Results by the alignment of what they carry. */
typedef struct Res1 {
    u8 is_err, v;
} Res1;
typedef struct Res4 {
    u8 is_err;
    union {
        u8 err;
        u32 v;
        Span span;
        struct {
            Span data;
            u8 end;
        };
        struct {
            u8 some;
            u32 type;
            Span name;
        } entry;
    };
} Res4;
typedef struct Time {
    u64 some, sec;
    u32 ns;
} Time;
typedef struct Res8 {
    u8 is_err;
    union {
        u8 err;
        u64 v;
        struct {
            u64 lower, upper;
        };
        struct {
            u8 type;
            u64 links, size;
            Time access, modification, change;
        } stat;
    };
} Res8;

#define D(name) IMPORT(FS_TYPES, "[method]descriptor." name)
IMPORT(FS_PREOPENS, "get-directories") void get_directories(Span *ret);
IMPORT(FS_TYPES, "filesystem-error-code") void filesystem_error_code(u32 error, Res1 *ret);
IMPORT(FS_TYPES, "[resource-drop]descriptor") void d_drop(u32 self);
IMPORT(FS_TYPES, "[resource-drop]directory-entry-stream") void entries_drop(u32 self);
IMPORT(FS_TYPES, "[method]directory-entry-stream.read-directory-entry")
void entries_read(u32 self, Res4 *ret);
D("read-via-stream") void d_read_via_stream(u32 self, u64 offset, Res4 *ret);
D("write-via-stream") void d_write_via_stream(u32 self, u64 offset, Res4 *ret);
D("append-via-stream") void d_append_via_stream(u32 self, Res4 *ret);
D("advise") void d_advise(u32 self, u64 offset, u64 length, u32 advice, Res1 *ret);
D("sync-data") void d_sync_data(u32 self, Res1 *ret);
D("sync") void d_sync(u32 self, Res1 *ret);
D("get-flags") void d_get_flags(u32 self, Res1 *ret);
D("get-type") void d_get_type(u32 self, Res1 *ret);
D("set-size") void d_set_size(u32 self, u64 size, Res1 *ret);
D("set-times")
void d_set_times(u32 self, u32 a, u64 asec, u32 ans, u32 m, u64 msec, u32 mns, Res1 *ret);
D("read") void d_read(u32 self, u64 length, u64 offset, Res4 *ret);
D("write") void d_write(u32 self, const void *p, u32 n, u64 offset, Res8 *ret);
D("read-directory") void d_read_directory(u32 self, Res4 *ret);
D("create-directory-at") void d_create_directory_at(u32 self, const char *p, u32 n, Res1 *ret);
D("stat") void d_stat(u32 self, Res8 *ret);
D("stat-at") void d_stat_at(u32 self, u32 flags, const char *p, u32 n, Res8 *ret);
D("set-times-at")
void d_set_times_at(u32 self, u32 flags, const char *p, u32 n, u32 a, u64 asec, u32 ans, u32 m,
                    u64 msec, u32 mns, Res1 *ret);
D("link-at")
void d_link_at(u32 self, u32 flags, const char *p, u32 n, u32 to, const char *q, u32 m, Res1 *ret);
D("open-at")
void d_open_at(u32 self, u32 flags, const char *p, u32 n, u32 open, u32 mode, Res4 *ret);
D("readlink-at") void d_readlink_at(u32 self, const char *p, u32 n, Res4 *ret);
D("remove-directory-at") void d_remove_directory_at(u32 self, const char *p, u32 n, Res1 *ret);
D("rename-at")
void d_rename_at(u32 self, const char *p, u32 n, u32 to, const char *q, u32 m, Res1 *ret);
D("symlink-at")
void d_symlink_at(u32 self, const char *p, u32 n, const char *q, u32 m, Res1 *ret);
D("unlink-file-at") void d_unlink_file_at(u32 self, const char *p, u32 n, Res1 *ret);
D("is-same-object") u32 d_is_same_object(u32 self, u32 other);
D("metadata-hash") void d_metadata_hash(u32 self, Res8 *ret);
D("metadata-hash-at") void d_metadata_hash_at(u32 self, u32 flags, const char *p, u32 n, Res8 *ret);

static inline const char *code_name(u8 code)
{
    static const char *const names[] = {"access",
                                        "would-block",
                                        "already",
                                        "bad-descriptor",
                                        "busy",
                                        "deadlock",
                                        "quota",
                                        "exist",
                                        "file-too-large",
                                        "illegal-byte-sequence",
                                        "in-progress",
                                        "interrupted",
                                        "invalid",
                                        "io",
                                        "is-directory",
                                        "loop",
                                        "too-many-links",
                                        "message-size",
                                        "name-too-long",
                                        "no-device",
                                        "no-entry",
                                        "no-lock",
                                        "insufficient-memory",
                                        "insufficient-space",
                                        "not-directory",
                                        "not-empty",
                                        "not-recoverable",
                                        "unsupported",
                                        "no-tty",
                                        "no-such-device",
                                        "overflow",
                                        "not-permitted",
                                        "pipe",
                                        "read-only",
                                        "invalid-seek",
                                        "text-file-busy",
                                        "cross-device"};
    return names[code];
}

static inline bool ended1(const char *what, const Res1 *r)
{
    say(what, r->is_err ? code_name(r->v) : "ok");
    return !r->is_err;
}
static inline bool ended4(const char *what, const Res4 *r)
{
    say(what, r->is_err ? code_name(r->err) : "ok");
    return !r->is_err;
}
static inline bool ended8(const char *what, const Res8 *r)
{
    say(what, r->is_err ? code_name(r->err) : "ok");
    return !r->is_err;
}

/* The first directory given, and the second. */
static inline u32 preopen(u32 n)
{
    Span list;
    get_directories(&list);
    const struct {
        u32 d;
        Span name;
    } *dirs = list.p;
    return dirs[n].d;
}

/* 0 if it fails. */
static inline u32 open(u32 dir, const char *path, u32 flags, u32 how, u32 mode)
{
    Res4 r;
    d_open_at(dir, flags, S(path), how, mode, &r);
    put("open ");
    return ended4(path, &r) ? r.v : 0;
}
static inline void make_dir(u32 dir, const char *path)
{
    Res1 r;
    d_create_directory_at(dir, S(path), &r);
    put("create-directory ");
    ended1(path, &r);
}
static inline void unlink(u32 dir, const char *path)
{
    Res1 r;
    d_unlink_file_at(dir, S(path), &r);
    put("unlink ");
    ended1(path, &r);
}
static inline void remove_dir(u32 dir, const char *path)
{
    Res1 r;
    d_remove_directory_at(dir, S(path), &r);
    put("remove-directory ");
    ended1(path, &r);
}
static inline void write_at(u32 file, const char *text, u64 offset)
{
    Res8 r;
    d_write(file, S(text), offset, &r);
    if (ended8("write", &r))
        say_u64(" bytes", r.v);
}
static inline void read_at(u32 file, u64 length, u64 offset)
{
    Res4 r;
    d_read(file, length, offset, &r);
    if (!ended4("read", &r))
        return;
    say_span(" data", r.data);
    say_bool(" end", r.end);
}
static inline void rename(u32 from, const char *old, u32 to, const char *new)
{
    Res1 r;
    d_rename_at(from, S(old), to, S(new), &r);
    put("rename ");
    put(old);
    put(" ");
    ended1(new, &r);
}
static inline void link(u32 from, u32 flags, const char *old, u32 to, const char *new)
{
    Res1 r;
    d_link_at(from, flags, S(old), to, S(new), &r);
    put("link ");
    put(old);
    put(" ");
    ended1(new, &r);
}
static inline void symlink(u32 dir, const char *old, const char *new)
{
    Res1 r;
    d_symlink_at(dir, S(old), S(new), &r);
    put("symlink ");
    put(old);
    put(" ");
    ended1(new, &r);
}
static inline void readlink(u32 dir, const char *path)
{
    Res4 r;
    d_readlink_at(dir, S(path), &r);
    put("readlink ");
    if (ended4(path, &r))
        say_span(" to", r.span);
}

#endif
