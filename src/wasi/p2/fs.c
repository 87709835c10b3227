/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wasi:filesystem: descriptors are nodes of fs.h, which does the work on paths. */
#include "bind/wasi_filesystem_preopens.h"
#include "bind/wasi_filesystem_types.h"
#include "os/time.h"
#include "wasi/p2/p2_priv.h"

#include <errno.h>

#define CODE(name) WASI_FILESYSTEM_TYPES_ERROR_CODE_##name
typedef WasiFilesystemTypesErrorCode Code;
typedef WasiFilesystemTypesDescriptor Descriptor;
typedef WasiFilesystemTypesResultVoidErrorCode VoidResult;
typedef WasiFilesystemTypesResultDescriptorStatErrorCode StatResult;
typedef WasiFilesystemTypesResultMetadataHashValueErrorCode HashResult;
typedef WasiFilesystemTypesNewTimestamp NewTimestamp;

struct WasiFilesystemTypesDescriptor {
    P2File *file; /* own */
};

struct WasiFilesystemTypesDirectoryEntryStream {
    FsListing *listing; /* own */
    u32 next;
};

P2File *p2_file_ref(P2File *f)
{
    f->refs++;
    return f;
}

void p2_file_unref(P2File *f)
{
    if (!f || --f->refs)
        return;
    fs_node_release(&f->node);
    mem_free(f);
}

static Descriptor *descriptor_new(LiftCall *call, FsNode node)
{
    Descriptor *d = p2_resource_new(call, sizeof *d);
    d->file = mem_alloc(sizeof *d->file);
    *d->file = (P2File){1, node};
    return d;
}

void wasi_filesystem_types_descriptor_drop(void *host, Descriptor *rep)
{
    p2_file_unref(rep->file);
    p2_resource_free(host, rep);
}

/* --- error codes --- */

static const struct {
    int err;
    Code code;
} codes[] = {
    {EACCES, CODE(ACCESS)},
    {EAGAIN, CODE(WOULD_BLOCK)},
    {EALREADY, CODE(ALREADY)},
    {EBADF, CODE(BAD_DESCRIPTOR)},
    {EBUSY, CODE(BUSY)},
    {EDEADLK, CODE(DEADLOCK)},
    {EDQUOT, CODE(QUOTA)},
    {EEXIST, CODE(EXIST)},
    {EFBIG, CODE(FILE_TOO_LARGE)},
    {EILSEQ, CODE(ILLEGAL_BYTE_SEQUENCE)},
    {EINPROGRESS, CODE(IN_PROGRESS)},
    {EINTR, CODE(INTERRUPTED)},
    {EINVAL, CODE(INVALID)},
    {EIO, CODE(IO)},
    {EISDIR, CODE(IS_DIRECTORY)},
    {ELOOP, CODE(LOOP)},
    {EMLINK, CODE(TOO_MANY_LINKS)},
    {EMSGSIZE, CODE(MESSAGE_SIZE)},
    {ENAMETOOLONG, CODE(NAME_TOO_LONG)},
    {ENODEV, CODE(NO_DEVICE)},
    {ENOENT, CODE(NO_ENTRY)},
    {ENOLCK, CODE(NO_LOCK)},
    {ENOMEM, CODE(INSUFFICIENT_MEMORY)},
    {ENOSPC, CODE(INSUFFICIENT_SPACE)},
    {ENOTDIR, CODE(NOT_DIRECTORY)},
    {ENOTEMPTY, CODE(NOT_EMPTY)},
    {ENOTRECOVERABLE, CODE(NOT_RECOVERABLE)},
    {ENOTSUP, CODE(UNSUPPORTED)},
    {ENOSYS, CODE(UNSUPPORTED)},
    {ENOTTY, CODE(NO_TTY)},
    {ENXIO, CODE(NO_SUCH_DEVICE)},
    {EOVERFLOW, CODE(OVERFLOW)},
    {EPERM, CODE(NOT_PERMITTED)},
    {EPIPE, CODE(PIPE)},
    {EROFS, CODE(READ_ONLY)},
    {ESPIPE, CODE(INVALID_SEEK)},
    {ETXTBSY, CODE(TEXT_FILE_BUSY)},
    {EXDEV, CODE(CROSS_DEVICE)},
};

static bool find_code(int err, Code *ret_code)
{
    for (usize i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].err == err) {
            *ret_code = codes[i].code;
            return true;
        }
    return false;
}

static Code code_of(int err)
{
    Code c = CODE(IO);
    (void)find_code(err, &c);
    return c;
}

/* Sets a result to the error if there is one. */
#define SET_ERROR(ret, e)                                                                          \
    do {                                                                                           \
        int err_ = (e);                                                                            \
        (ret)->is_err = err_ != 0;                                                                 \
        if (err_)                                                                                  \
            (ret)->as.err = code_of(err_);                                                         \
    } while (0)

void wasi_filesystem_types_filesystem_error_code(LiftCall *call, WasiIoErrorError *err,
                                                 WasiFilesystemTypesOptionErrorCode *ret_result)
{
    (void)call;
    ret_result->some = find_code(err->err, &ret_result->value);
}

/* --- preopens --- */

void wasi_filesystem_preopens_get_directories(
    LiftCall *call, WasiFilesystemPreopensListTuple2TypesDescriptorString *ret_result)
{
    const WasiCtx *c = p2_of(call)->ctx;
    WasiFilesystemPreopensTuple2TypesDescriptorString *out =
        lift_alloc(call, c->preopens.n, sizeof *out);
    for (u32 i = 0; i < c->preopens.n; i++) {
        FsNode node = c->preopens.p[i].node;
        node.borrowed = true; /* the context's */
        out[i].f0 = descriptor_new(call, node);
        out[i].f1 = str_of(c->preopens.p[i].name);
    }
    *ret_result = (WasiFilesystemPreopensListTuple2TypesDescriptorString){out, c->preopens.n};
}

/* --- contents of files --- */

static int check_write(const Descriptor *d)
{
    const FsNode *n = &d->file->node;
    return n->is_dir ? EBADF : n->read_only ? EPERM : !n->writable ? EBADF : 0;
}

void wasi_filesystem_types_descriptor_read_via_stream(
    LiftCall *call, Descriptor *self, u64 offset,
    WasiFilesystemTypesResultStreamsInputStreamErrorCode *ret_result)
{
    const FsNode *n = &self->file->node;
    SET_ERROR(ret_result, n->is_dir ? EISDIR : 0); /* reading says it if it is not possible */
    if (ret_result->is_err)
        return;
    WasiIoStreamsInputStream *s = p2_resource_new(call, sizeof *s);
    *s = (WasiIoStreamsInputStream){.fd = n->fd, .file = p2_file_ref(self->file), .offset = offset};
    ret_result->as.ok = s;
}

static void output_of(LiftCall *call, Descriptor *d, u64 offset, bool append,
                      WasiFilesystemTypesResultStreamsOutputStreamErrorCode *ret_result)
{
    const FsNode *n = &d->file->node;
    SET_ERROR(ret_result, n->is_dir ? EBADF : n->read_only ? EPERM : 0);
    if (ret_result->is_err)
        return;
    WasiIoStreamsOutputStream *s = p2_resource_new(call, sizeof *s);
    *s = (WasiIoStreamsOutputStream){
        .fd = d->file->node.fd, .file = p2_file_ref(d->file), .offset = offset, .append = append};
    ret_result->as.ok = s;
}

void wasi_filesystem_types_descriptor_write_via_stream(
    LiftCall *call, Descriptor *self, u64 offset,
    WasiFilesystemTypesResultStreamsOutputStreamErrorCode *ret_result)
{
    output_of(call, self, offset, false, ret_result);
}

void wasi_filesystem_types_descriptor_append_via_stream(
    LiftCall *call, Descriptor *self,
    WasiFilesystemTypesResultStreamsOutputStreamErrorCode *ret_result)
{
    output_of(call, self, 0, true, ret_result);
}

void wasi_filesystem_types_descriptor_read(
    LiftCall *call, Descriptor *self, u64 length, u64 offset,
    WasiFilesystemTypesResultTuple2ListU8BoolErrorCode *ret_result)
{
    const FsNode *n = &self->file->node;
    usize want = (usize)MIN(length, (u64)WASI_LIMIT_STDIN_READ), got = 0;
    u8 *p = lift_alloc(call, want, 1);
    int err = n->is_dir || !n->readable ? EBADF : 0;
    if (!err)
        err = os_fd_pread(n->fd, p, want, offset, &got);
    SET_ERROR(ret_result, err);
    if (err)
        return;
    ret_result->as.ok.f0 = (LiftListU8){p, got};
    ret_result->as.ok.f1 = got == 0;
}

void wasi_filesystem_types_descriptor_write(LiftCall *call, Descriptor *self, LiftListU8 buffer,
                                            u64 offset,
                                            WasiFilesystemTypesResultU64ErrorCode *ret_result)
{
    (void)call;
    usize n = 0;
    int err = check_write(self);
    if (!err)
        err = os_fd_pwrite(self->file->node.fd, buffer.p, buffer.n, offset, &n);
    SET_ERROR(ret_result, err);
    if (!err)
        ret_result->as.ok = n;
}

void wasi_filesystem_types_descriptor_advise(LiftCall *call, Descriptor *self, u64 offset,
                                             u64 length, WasiFilesystemTypesAdvice advice,
                                             VoidResult *ret_result)
{
    (void)call;
    const FsNode *n = &self->file->node;
    SET_ERROR(ret_result, n->is_dir ? EBADF : os_advise(n->fd, offset, length, (OsAdvice)advice));
}

void wasi_filesystem_types_descriptor_sync_data(LiftCall *call, Descriptor *self,
                                                VoidResult *ret_result)
{
    (void)call;
    SET_ERROR(ret_result, os_sync(self->file->node.fd, true));
}

void wasi_filesystem_types_descriptor_sync(LiftCall *call, Descriptor *self, VoidResult *ret_result)
{
    (void)call;
    SET_ERROR(ret_result, os_sync(self->file->node.fd, false));
}

void wasi_filesystem_types_descriptor_set_size(LiftCall *call, Descriptor *self, u64 size,
                                               VoidResult *ret_result)
{
    (void)call;
    const FsNode *n = &self->file->node;
    SET_ERROR(ret_result, n->is_dir ? EBADF : fs_set_size(n, size));
}

/* --- what there is to know of a node --- */

static WasiFilesystemTypesDescriptorType type_of(OsFileType t)
{
    static const WasiFilesystemTypesDescriptorType types[] = {
        [OS_FILE_UNKNOWN] = WASI_FILESYSTEM_TYPES_DESCRIPTOR_TYPE_UNKNOWN,
        [OS_FILE_REGULAR] = WASI_FILESYSTEM_TYPES_DESCRIPTOR_TYPE_REGULAR_FILE,
        [OS_FILE_DIRECTORY] = WASI_FILESYSTEM_TYPES_DESCRIPTOR_TYPE_DIRECTORY,
        [OS_FILE_SYMLINK] = WASI_FILESYSTEM_TYPES_DESCRIPTOR_TYPE_SYMBOLIC_LINK,
        [OS_FILE_BLOCK] = WASI_FILESYSTEM_TYPES_DESCRIPTOR_TYPE_BLOCK_DEVICE,
        [OS_FILE_CHAR] = WASI_FILESYSTEM_TYPES_DESCRIPTOR_TYPE_CHARACTER_DEVICE,
        [OS_FILE_FIFO] = WASI_FILESYSTEM_TYPES_DESCRIPTOR_TYPE_FIFO,
        [OS_FILE_SOCKET] = WASI_FILESYSTEM_TYPES_DESCRIPTOR_TYPE_SOCKET,
    };
    return types[t];
}

void wasi_filesystem_types_descriptor_get_flags(
    LiftCall *call, Descriptor *self, WasiFilesystemTypesResultDescriptorFlagsErrorCode *ret_result)
{
    (void)call;
    const FsNode *n = &self->file->node;
    u32 flags = n->readable ? WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ : 0;
    if (n->is_dir && !n->read_only && n->borrowed) /* what was given, as Wasmtime says it */
        flags |= WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_MUTATE_DIRECTORY;
    if (!n->is_dir && n->writable)
        flags |= WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_WRITE;
    ret_result->is_err = false;
    ret_result->as.ok = (WasiFilesystemTypesDescriptorFlags)flags;
}

void wasi_filesystem_types_descriptor_get_type(
    LiftCall *call, Descriptor *self, WasiFilesystemTypesResultDescriptorTypeErrorCode *ret_result)
{
    (void)call;
    OsStat st;
    SET_ERROR(ret_result, os_stat(self->file->node.fd, &st));
    if (!ret_result->is_err)
        ret_result->as.ok = type_of(st.type);
}

/* Times before 1970 cannot be said. */
static WasiFilesystemTypesOptionWallClockDatetime time_of(OsTime t)
{
    return (WasiFilesystemTypesOptionWallClockDatetime){t.sec >= 0, {(u64)t.sec, t.nsec}};
}

static void put_stat(int err, const OsStat *st, StatResult *ret_result)
{
    SET_ERROR(ret_result, err);
    if (err)
        return;
    ret_result->as.ok = (WasiFilesystemTypesDescriptorStat){
        .type = type_of(st->type),
        .link_count = st->nlink,
        .size = st->size,
        .data_access_timestamp = time_of(st->atime),
        .data_modification_timestamp = time_of(st->mtime),
    };
    if (st->has_btime)
        ret_result->as.ok.status_change_timestamp = time_of(st->btime);
}

void wasi_filesystem_types_descriptor_stat(LiftCall *call, Descriptor *self, StatResult *ret_result)
{
    (void)call;
    OsStat st;
    put_stat(os_stat(self->file->node.fd, &st), &st, ret_result);
}

void wasi_filesystem_types_descriptor_is_same_object(LiftCall *call, Descriptor *self,
                                                     Descriptor *other, bool *ret_result)
{
    (void)call;
    OsStat a, b;
    *ret_result = !os_stat(self->file->node.fd, &a) && !os_stat(other->file->node.fd, &b) &&
                  a.dev == b.dev && a.ino == b.ino;
}

static void put_hash(int err, const OsStat *st, HashResult *ret_result)
{
    static const u64 other = 0x400921fb54442d18; /* to have a second number: pi */
    SET_ERROR(ret_result, err);
    if (err)
        return;
    u64 lower = fs_identity(st);
    ret_result->as.ok = (WasiFilesystemTypesMetadataHashValue){lower, lower ^ other};
}

void wasi_filesystem_types_descriptor_metadata_hash(LiftCall *call, Descriptor *self,
                                                    HashResult *ret_result)
{
    (void)call;
    OsStat st;
    put_hash(os_stat(self->file->node.fd, &st), &st, ret_result);
}

/* --- times --- */

enum { NS = 1000000000 };

/* NULL in *ret_time: no change. */
static int time_from(const NewTimestamp *t, OsTime *buf, const OsTime **ret_time)
{
    *ret_time = t->tag == WASI_FILESYSTEM_TYPES_NEW_TIMESTAMP_NO_CHANGE ? NULL : buf;
    if (t->tag == WASI_FILESYSTEM_TYPES_NEW_TIMESTAMP_NOW) {
        u64 now = os_realtime_ns();
        *buf = (OsTime){(i64)(now / NS), (u32)(now % NS)};
    }
    if (t->tag == WASI_FILESYSTEM_TYPES_NEW_TIMESTAMP_TIMESTAMP) {
        u64 sec;
        u32 ns = t->as.timestamp.nanoseconds;
        if (__builtin_add_overflow(t->as.timestamp.seconds, ns / NS, &sec) || sec > INT64_MAX)
            return EOVERFLOW;
        *buf = (OsTime){(i64)sec, ns % NS};
    }
    return 0;
}

typedef struct Times {
    OsTime buf[2];
    const OsTime *access, *modification;
} Times;

static int times_from(const NewTimestamp *access, const NewTimestamp *modification, Times *t)
{
    int err = time_from(access, &t->buf[0], &t->access);
    return err ? err : time_from(modification, &t->buf[1], &t->modification);
}

void wasi_filesystem_types_descriptor_set_times(LiftCall *call, Descriptor *self,
                                                const NewTimestamp *data_access_timestamp,
                                                const NewTimestamp *data_modification_timestamp,
                                                VoidResult *ret_result)
{
    (void)call;
    Times t;
    int err = times_from(data_access_timestamp, data_modification_timestamp, &t);
    if (!err)
        err = fs_set_times(&self->file->node, t.access, t.modification);
    SET_ERROR(ret_result, err);
}

/* --- paths --- */

static Sandbox *sandbox(LiftCall *call)
{
    return &p2_of(call)->ctx->sandbox;
}

static int check_dir(const Descriptor *d)
{
    return d->file->node.is_dir ? 0 : ENOTDIR;
}

static bool follows(WasiFilesystemTypesPathFlags flags)
{
    return flags & WASI_FILESYSTEM_TYPES_PATH_FLAGS_SYMLINK_FOLLOW;
}

static u32 open_flags(WasiFilesystemTypesPathFlags path_flags,
                      WasiFilesystemTypesOpenFlags open_flags,
                      WasiFilesystemTypesDescriptorFlags flags)
{
    u32 f = follows(path_flags) ? FS_OPEN_FOLLOW : 0;
    f |= open_flags & WASI_FILESYSTEM_TYPES_OPEN_FLAGS_CREATE ? FS_OPEN_CREATE : 0;
    f |= open_flags & WASI_FILESYSTEM_TYPES_OPEN_FLAGS_DIRECTORY ? FS_OPEN_DIRECTORY : 0;
    f |= open_flags & WASI_FILESYSTEM_TYPES_OPEN_FLAGS_EXCLUSIVE ? FS_OPEN_EXCLUSIVE : 0;
    f |= open_flags & WASI_FILESYSTEM_TYPES_OPEN_FLAGS_TRUNCATE ? FS_OPEN_TRUNCATE : 0;
    f |= flags & WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ ? FS_OPEN_READ : 0;
    f |= flags & WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_WRITE ? FS_OPEN_WRITE : 0;
    return f;
}

void wasi_filesystem_types_descriptor_open_at(
    LiftCall *call, Descriptor *self, WasiFilesystemTypesPathFlags path_flags, Str path,
    WasiFilesystemTypesOpenFlags how, WasiFilesystemTypesDescriptorFlags flags,
    WasiFilesystemTypesResultDescriptorErrorCode *ret_result)
{
    static const u32 sync = WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_FILE_INTEGRITY_SYNC |
                            WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_DATA_INTEGRITY_SYNC |
                            WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_REQUESTED_WRITE_SYNC;
    FsNode node;
    int err = check_dir(self);
    if (!err && flags & WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_MUTATE_DIRECTORY &&
        self->file->node.read_only)
        err = EPERM;
    if (!err && flags & sync)
        err = ENOTSUP;
    if (!err)
        err = fs_open_at(sandbox(call), &self->file->node, path, open_flags(path_flags, how, flags),
                         &node);
    SET_ERROR(ret_result, err);
    if (!err)
        ret_result->as.ok = descriptor_new(call, node);
}

void wasi_filesystem_types_descriptor_stat_at(LiftCall *call, Descriptor *self,
                                              WasiFilesystemTypesPathFlags path_flags, Str path,
                                              StatResult *ret_result)
{
    OsStat st;
    int err = check_dir(self);
    if (!err)
        err = fs_stat_at(sandbox(call), &self->file->node, path, follows(path_flags), &st);
    put_stat(err, &st, ret_result);
}

void wasi_filesystem_types_descriptor_metadata_hash_at(LiftCall *call, Descriptor *self,
                                                       WasiFilesystemTypesPathFlags path_flags,
                                                       Str path, HashResult *ret_result)
{
    OsStat st;
    int err = check_dir(self);
    if (!err)
        err = fs_stat_at(sandbox(call), &self->file->node, path, follows(path_flags), &st);
    put_hash(err, &st, ret_result);
}

void wasi_filesystem_types_descriptor_set_times_at(LiftCall *call, Descriptor *self,
                                                   WasiFilesystemTypesPathFlags path_flags,
                                                   Str path,
                                                   const NewTimestamp *data_access_timestamp,
                                                   const NewTimestamp *data_modification_timestamp,
                                                   VoidResult *ret_result)
{
    Times t;
    int err = check_dir(self);
    if (!err)
        err = times_from(data_access_timestamp, data_modification_timestamp, &t);
    if (!err)
        err = fs_set_times_at(sandbox(call), &self->file->node, path, follows(path_flags), t.access,
                              t.modification);
    SET_ERROR(ret_result, err);
}

/* An operation on one name. */
static void at_name(LiftCall *call, int (*op)(Sandbox *, const FsNode *, Str), const Descriptor *d,
                    Str path, VoidResult *ret_result)
{
    int err = check_dir(d);
    SET_ERROR(ret_result, err ? err : op(sandbox(call), &d->file->node, path));
}

void wasi_filesystem_types_descriptor_create_directory_at(LiftCall *call, Descriptor *self,
                                                          Str path, VoidResult *ret_result)
{
    at_name(call, fs_create_directory_at, self, path, ret_result);
}

void wasi_filesystem_types_descriptor_remove_directory_at(LiftCall *call, Descriptor *self,
                                                          Str path, VoidResult *ret_result)
{
    at_name(call, fs_remove_directory_at, self, path, ret_result);
}

void wasi_filesystem_types_descriptor_unlink_file_at(LiftCall *call, Descriptor *self, Str path,
                                                     VoidResult *ret_result)
{
    at_name(call, fs_unlink_at, self, path, ret_result);
}

void wasi_filesystem_types_descriptor_link_at(LiftCall *call, Descriptor *self,
                                              WasiFilesystemTypesPathFlags old_path_flags,
                                              Str old_path, Descriptor *new_descriptor,
                                              Str new_path, VoidResult *ret_result)
{
    int err = check_dir(self);
    if (!err)
        err = check_dir(new_descriptor);
    if (!err)
        err = fs_link_at(sandbox(call), &self->file->node, follows(old_path_flags), old_path,
                         &new_descriptor->file->node, new_path);
    SET_ERROR(ret_result, err);
}

void wasi_filesystem_types_descriptor_rename_at(LiftCall *call, Descriptor *self, Str old_path,
                                                Descriptor *new_descriptor, Str new_path,
                                                VoidResult *ret_result)
{
    int err = check_dir(self);
    if (!err)
        err = check_dir(new_descriptor);
    if (!err)
        err = fs_rename_at(sandbox(call), &self->file->node, old_path, &new_descriptor->file->node,
                           new_path);
    SET_ERROR(ret_result, err);
}

void wasi_filesystem_types_descriptor_symlink_at(LiftCall *call, Descriptor *self, Str old_path,
                                                 Str new_path, VoidResult *ret_result)
{
    int err = check_dir(self);
    if (!err)
        err = fs_symlink_at(sandbox(call), old_path, &self->file->node, new_path);
    SET_ERROR(ret_result, err);
}

void wasi_filesystem_types_descriptor_readlink_at(
    LiftCall *call, Descriptor *self, Str path,
    WasiFilesystemTypesResultStringErrorCode *ret_result)
{
    char buf[WASI_LIMIT_PATH];
    usize n = 0;
    int err = check_dir(self);
    if (!err)
        err = fs_readlink_at(sandbox(call), &self->file->node, path, buf, &n);
    SET_ERROR(ret_result, err);
    if (!err)
        ret_result->as.ok = lift_copy(call, (Str){buf, n});
}

/* --- entries --- */

void wasi_filesystem_types_directory_entry_stream_drop(void *host,
                                                       WasiFilesystemTypesDirectoryEntryStream *rep)
{
    WasiP2 *p = host;
    p->ctx->listing_bytes -= fs_listing_bytes(rep->listing);
    fs_listing_free(rep->listing);
    p2_resource_free(host, rep);
}

void wasi_filesystem_types_descriptor_read_directory(
    LiftCall *call, Descriptor *self,
    WasiFilesystemTypesResultDirectoryEntryStreamErrorCode *ret_result)
{
    WasiCtx *c = p2_of(call)->ctx;
    FsListing *l = NULL;
    int err = check_dir(self);
    if (!err)
        err = fs_list(&self->file->node, WASI_LIMIT_DIRECTORY_BYTES - c->listing_bytes, &l);
    SET_ERROR(ret_result, err);
    if (err)
        return;
    c->listing_bytes += fs_listing_bytes(l);
    WasiFilesystemTypesDirectoryEntryStream *s = p2_resource_new(call, sizeof *s);
    s->listing = l;
    ret_result->as.ok = s;
}

void wasi_filesystem_types_directory_entry_stream_read_directory_entry(
    LiftCall *call, WasiFilesystemTypesDirectoryEntryStream *self,
    WasiFilesystemTypesResultOptionDirectoryEntryErrorCode *ret_result)
{
    (void)call;
    *ret_result = (WasiFilesystemTypesResultOptionDirectoryEntryErrorCode){0};
    if (self->next >= fs_listing_count(self->listing))
        return;
    FsEntry e = fs_listing_entry(self->listing, self->next++);
    SET_ERROR(ret_result, e.name ? 0 : EILSEQ);
    if (!e.name)
        return;
    ret_result->as.ok.some = true;
    ret_result->as.ok.value = (WasiFilesystemTypesDirectoryEntry){type_of(e.type), str_of(e.name)};
}
