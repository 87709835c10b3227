/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Operations on paths beneath a directory. Those that act on a name (create, remove, rename, link)
 * resolve the parent in the sandbox and give the system call one component, which it never
 * follows; a trailing slash is taken off first or turned into the directory itself, because the
 * kernel would follow a link in front of it.
 */
#include "wasi/fs.h"

#include <errno.h>

#include "base/utf8.h"
#include "base/vec.h"

void fs_node_release(FsNode *n)
{
    if (!n->borrowed && n->fd >= 0)
        os_fd_close(n->fd);
    n->fd = -1;
}

static u32 os_flags(u32 flags)
{
    static const u32 map[][2] = {
        {FS_OPEN_READ, OS_OPEN_READ},
        {FS_OPEN_WRITE, OS_OPEN_WRITE},
        {FS_OPEN_CREATE, OS_OPEN_CREATE | OS_OPEN_WRITE},
        {FS_OPEN_TRUNCATE, OS_OPEN_TRUNC | OS_OPEN_WRITE},
    };
    u32 os = 0;
    for (u32 i = 0; i < ARRAY_LEN(map); i++)
        os |= flags & map[i][0] ? map[i][1] : 0;
    if (!(flags & FS_OPEN_WRITE)) /* what is neither to be read nor written can be read */
        os |= OS_OPEN_READ;
    if (flags & FS_OPEN_CREATE && flags & FS_OPEN_EXCLUSIVE)
        os |= OS_OPEN_EXCL;
    if (!(flags & FS_OPEN_FOLLOW))
        os |= OS_OPEN_NOFOLLOW;
    return os;
}

int fs_open_at(Sandbox *s, const FsNode *dir, Str path, u32 flags, FsNode *ret_node)
{
    if (flags & FS_OPEN_DIRECTORY &&
        flags & (FS_OPEN_CREATE | FS_OPEN_EXCLUSIVE | FS_OPEN_TRUNCATE))
        return EINVAL;
    u32 os = os_flags(flags);
    if (dir->read_only && os & OS_OPEN_WRITE)
        return EPERM;
    char buf[WASI_LIMIT_PATH];
    int fd;
    OsStat st;
    int err = sandbox_path(path, buf);
    if (!err)
        err = sandbox_open(s, dir->fd, buf, os, &fd);
    if (err)
        return err;
    err = os_stat(fd, &st);
    if (!err && flags & FS_OPEN_DIRECTORY && st.type != OS_FILE_DIRECTORY)
        err = ENOTDIR;
    if (err) {
        os_fd_close(fd);
        return err;
    }
    *ret_node = (FsNode){
        .fd = fd,
        .is_dir = st.type == OS_FILE_DIRECTORY,
        .read_only = dir->read_only,
        .readable = os & OS_OPEN_READ,
        .writable = os & OS_OPEN_WRITE,
    };
    return 0;
}

/* One name in the directory itself. */
static bool is_plain_name(const char *path)
{
    return !strchr(path, '/') && strcmp(path, ".") != 0 && strcmp(path, "..") != 0;
}

int fs_stat_at(Sandbox *s, const FsNode *dir, Str path, bool follow, OsStat *ret_stat)
{
    char buf[WASI_LIMIT_PATH];
    int err = sandbox_path(path, buf);
    if (err)
        return err;
    if (!follow && is_plain_name(buf))
        return os_stat_at(dir->fd, buf, ret_stat);
    int fd;
    err = sandbox_open(s, dir->fd, buf, OS_OPEN_PATH | (follow ? 0 : OS_OPEN_NOFOLLOW), &fd);
    if (err)
        return err;
    err = os_stat(fd, ret_stat);
    os_fd_close(fd);
    return err;
}

static int open_parent(Sandbox *s, const FsNode *dir, Str path, SandboxParent *ret_parent)
{
    char buf[WASI_LIMIT_PATH];
    int err = sandbox_path(path, buf);
    return err ? err : sandbox_parent(s, dir->fd, buf, ret_parent);
}

static Str strip_slashes(Str path)
{
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

static bool ends_in_slash(Str path)
{
    return path.n > 0 && path.p[path.n - 1] == '/';
}

int fs_create_directory_at(Sandbox *s, const FsNode *dir, Str path)
{
    SandboxParent p;
    int err = dir->read_only ? EPERM : open_parent(s, dir, strip_slashes(path), &p);
    if (err)
        return err;
    err = os_mkdir_at(p.dir, p.name);
    sandbox_parent_release(&p);
    return err;
}

/* Why a path that ends in a slash but names no directory cannot be removed: because of where its
 * link leads, or because it is a link at all. */
static int not_removed(Sandbox *s, const FsNode *dir, Str path)
{
    char buf[WASI_LIMIT_PATH];
    int fd, err = sandbox_path(path, buf);
    if (!err)
        err = sandbox_open(s, dir->fd, buf, OS_OPEN_PATH | OS_OPEN_DIRECTORY, &fd);
    if (err)
        return err;
    os_fd_close(fd);
    return EINVAL;
}

int fs_remove_directory_at(Sandbox *s, const FsNode *dir, Str path)
{
    SandboxParent p;
    int err = dir->read_only ? EPERM : open_parent(s, dir, strip_slashes(path), &p);
    if (err)
        return err;
    err = os_rmdir_at(p.dir, p.name);
    sandbox_parent_release(&p);
    return err == ENOTDIR && ends_in_slash(path) ? not_removed(s, dir, path) : err;
}

int fs_unlink_at(Sandbox *s, const FsNode *dir, Str path)
{
    SandboxParent p;
    int err = dir->read_only ? EPERM : open_parent(s, dir, path, &p);
    if (err)
        return err;
    err = os_unlink_at(p.dir, p.name);
    sandbox_parent_release(&p);
    return err;
}

int fs_rename_at(Sandbox *s, const FsNode *old_dir, Str old_path, const FsNode *new_dir,
                 Str new_path)
{
    if (old_dir->read_only || new_dir->read_only)
        return EPERM;
    SandboxParent from, to;
    int err = open_parent(s, old_dir, strip_slashes(old_path), &from);
    if (err)
        return err;
    err = open_parent(s, new_dir, strip_slashes(new_path), &to);
    if (!err) {
        /* A slash behind either name asks for a directory. The kernel checks it at the source,
         * and there does not follow a link. */
        if (ends_in_slash(old_path) || ends_in_slash(new_path))
            from.name[strlen(from.name)] = '/';
        err = os_rename_at(from.dir, from.name, to.dir, to.name);
        sandbox_parent_release(&to);
    }
    sandbox_parent_release(&from);
    return err;
}

int fs_link_at(Sandbox *s, const FsNode *old_dir, bool follow, Str old_path, const FsNode *new_dir,
               Str new_path)
{
    if (old_dir->read_only || new_dir->read_only)
        return EPERM;
    if (follow)
        return EINVAL;
    SandboxParent from, to;
    int err = open_parent(s, old_dir, old_path, &from);
    if (err)
        return err;
    err = open_parent(s, new_dir, new_path, &to);
    if (!err) {
        err = os_link_at(from.dir, from.name, to.dir, to.name);
        sandbox_parent_release(&to);
    }
    sandbox_parent_release(&from);
    return err;
}

int fs_symlink_at(Sandbox *s, Str target, const FsNode *dir, Str path)
{
    if (dir->read_only)
        return EPERM;
    char buf[WASI_LIMIT_PATH];
    SandboxParent p;
    int target_err = sandbox_path(target, buf);
    if (!target_err && buf[0] == '/')
        return EPERM;
    int err = open_parent(s, dir, path, &p);
    if (err)
        return err;
    err = target_err;
    if (!err)
        err = os_symlink_at(buf, p.dir, p.name);
    sandbox_parent_release(&p);
    return err;
}

int fs_readlink_at(Sandbox *s, const FsNode *dir, Str path, char buf[WASI_LIMIT_PATH],
                   usize *ret_len)
{
    SandboxParent p;
    usize n;
    int err = open_parent(s, dir, path, &p);
    if (err)
        return err;
    err = os_readlink_at(p.dir, p.name, buf, WASI_LIMIT_PATH, &n);
    sandbox_parent_release(&p);
    if (!err && n > 0 && buf[0] == '/')
        err = EPERM;
    if (!err && !utf8_valid(buf, n))
        err = EILSEQ;
    if (!err)
        *ret_len = n;
    return err;
}

static int set_times_follow(Sandbox *s, int root, const char *path, const OsTime *atime,
                            const OsTime *mtime)
{
    static const u32 modes[] = {OS_OPEN_PATH, OS_OPEN_READ}; /* the second before Linux 5.8 */
    int err = 0;
    for (u32 i = 0; i < ARRAY_LEN(modes); i++) {
        int fd;
        err = sandbox_open(s, root, path, modes[i], &fd);
        if (err)
            return err;
        err = os_set_times(fd, atime, mtime);
        os_fd_close(fd);
        if (err != EINVAL)
            break;
    }
    return err;
}

int fs_set_times_at(Sandbox *s, const FsNode *dir, Str path, bool follow, const OsTime *atime,
                    const OsTime *mtime)
{
    if (dir->read_only)
        return EPERM;
    if (follow) {
        char buf[WASI_LIMIT_PATH];
        int err = sandbox_path(path, buf);
        return err ? err : set_times_follow(s, dir->fd, buf, atime, mtime);
    }
    SandboxParent p;
    int err = open_parent(s, dir, path, &p);
    if (err)
        return err;
    err = os_set_times_at(p.dir, p.name, atime, mtime);
    sandbox_parent_release(&p);
    return err;
}

int fs_set_times(const FsNode *n, const OsTime *atime, const OsTime *mtime)
{
    return n->read_only ? EPERM : os_set_times(n->fd, atime, mtime);
}

int fs_set_size(const FsNode *n, u64 size)
{
    return n->read_only ? EPERM : os_truncate(n->fd, size);
}

#define ROTL(x, b) ((x) << (b) | (x) >> (64 - (b)))

static void sip_round(u64 v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = ROTL(v[1], 13) ^ v[0];
    v[3] = ROTL(v[3], 16) ^ v[2];
    v[0] = ROTL(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = ROTL(v[1], 17) ^ v[2];
    v[3] = ROTL(v[3], 21) ^ v[0];
    v[2] = ROTL(v[2], 32);
}

/* SipHash-1-3 of device and inode with a key of zeros: the number Wasmtime shows. */
u64 fs_identity(const OsStat *st)
{
    const u64 words[] = {st->dev, st->ino, (u64)16 << 56};
    u64 v[4] = {0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261, 0x7465646279746573};
    for (u32 i = 0; i < ARRAY_LEN(words); i++) {
        v[3] ^= words[i];
        sip_round(v);
        v[0] ^= words[i];
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

int fs_time_ns(OsTime t, u64 *ret_ns)
{
    if (t.sec < 0) {
        *ret_ns = 0;
        return 0;
    }
    u64 ns;
    if (__builtin_mul_overflow((u64)t.sec, 1000000000u, &ns) ||
        __builtin_add_overflow(ns, t.nsec, &ns))
        return EOVERFLOW;
    *ret_ns = ns;
    return 0;
}

typedef struct ListingRow {
    usize name; /* offset in names */
    u64 ino;
    OsFileType type;
} ListingRow;

struct FsListing {
    VEC(ListingRow) rows;
    Buf names; /* each terminated */
    u64 max_bytes;
    u32 nillegal; /* names that are not UTF-8: empty here */
};

u64 fs_listing_bytes(const FsListing *l)
{
    return l->names.n + l->rows.n * sizeof(ListingRow);
}

static int listing_add(void *arg, const char *name, OsFileType type, u64 ino)
{
    FsListing *l = arg;
    usize n = strlen(name);
    if (!utf8_valid(name, n)) {
        l->nillegal++;
        name += n; /* "", as no entry is called */
        n = 0;
    }
    if (fs_listing_bytes(l) + n + 1 + sizeof(ListingRow) > l->max_bytes)
        return ENOMEM;
    ListingRow row = {.name = l->names.n, .ino = ino, .type = type};
    vec_push(&l->rows, row);
    buf_bytes(&l->names, name, n + 1);
    return 0;
}

int fs_list(const FsNode *dir, u64 max_bytes, FsListing **ret_listing)
{
    FsListing *l = mem_alloc(sizeof *l);
    l->max_bytes = max_bytes;
    int err = os_list_dir(dir->fd, listing_add, l);
    if (err) {
        fs_listing_free(l);
        return err;
    }
    *ret_listing = l;
    return 0;
}

u32 fs_listing_count(const FsListing *l)
{
    return l->rows.n;
}

FsEntry fs_listing_entry(const FsListing *l, u32 i)
{
    const ListingRow *row = &l->rows.p[i];
    const char *name = (const char *)l->names.p + row->name;
    return (FsEntry){*name ? name : NULL, row->ino, row->type};
}

bool fs_listing_is_utf8(const FsListing *l)
{
    return l->nillegal == 0;
}

void fs_listing_free(FsListing *l)
{
    if (!l)
        return;
    vec_release(&l->rows);
    buf_release(&l->names);
    mem_free(l);
}
