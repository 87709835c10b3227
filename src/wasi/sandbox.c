/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Path resolution that cannot leave a directory: through openat2, or by a walk that gives the same
 * answers. See sandbox.h for what is refused.
 */
#include "wasi/sandbox.h"

#include <errno.h>

#include "base/buf.h"
#include "base/vec.h"

int sandbox_path(Str path, char buf[WASI_LIMIT_PATH])
{
    if (path.n == 0)
        return ENOENT;
    if (memchr(path.p, 0, path.n))
        return EINVAL;
    if (path.n >= WASI_LIMIT_PATH)
        return ENAMETOOLONG;
    memcpy(buf, path.p, path.n);
    buf[path.n] = 0;
    return 0;
}

/* The state of a walk. */
typedef struct Walk {
    VEC(int) dirs; /* own, but for the first: the root, then the directories on the way down */
    Buf todo;      /* what is left of the path, from `at` */
    usize at;
    u32 links;         /* expanded or met so far */
    bool dir_required; /* the path ends in a slash or in "." or ".." */
    char link[WASI_LIMIT_PATH];
} Walk;

static int walk_top(const Walk *w)
{
    return w->dirs.p[w->dirs.n - 1];
}

static void walk_release(Walk *w)
{
    for (u32 i = 1; i < w->dirs.n; i++)
        os_fd_close(w->dirs.p[i]);
    vec_release(&w->dirs);
    buf_release(&w->todo);
}

/* Takes the next component; false at the end of the path. */
static bool walk_next(Walk *w, Str *ret_name, bool *ret_last)
{
    const char *p = (const char *)w->todo.p;
    while (w->at < w->todo.n && p[w->at] == '/')
        w->at++;
    if (w->at == w->todo.n)
        return false;
    usize from = w->at;
    while (w->at < w->todo.n && p[w->at] != '/')
        w->at++;
    *ret_name = (Str){p + from, w->at - from};
    usize rest = w->at;
    while (rest < w->todo.n && p[rest] == '/')
        rest++;
    *ret_last = rest == w->todo.n;
    if (*ret_last && rest > w->at)
        w->dir_required = true;
    return true;
}

/* Puts the target of a link in front of what is left. */
static int walk_expand(Walk *w, int dir, const char *name)
{
    usize n;
    int err = os_readlink_at(dir, name, w->link, sizeof w->link, &n);
    if (err)
        return err;
    if (++w->links > WASI_LIMIT_SYMLINKS)
        return ELOOP;
    if (n == 0)
        return ENOENT;
    if (w->link[0] == '/')
        return EPERM;
    Buf todo = {0};
    buf_bytes(&todo, w->link, n);
    if (w->at < w->todo.n) { /* begins with a slash */
        buf_bytes(&todo, w->todo.p + w->at, w->todo.n - w->at);
    }
    buf_release(&w->todo);
    w->todo = todo;
    w->at = 0;
    return 0;
}

/* A component that is not the last: a directory, or a link to one. */
static int walk_down(Walk *w, const char *name)
{
    int fd;
    OsStat st;
    int err = os_open_at(walk_top(w), name, OS_OPEN_PATH, &fd);
    if (err)
        return err;
    err = os_stat(fd, &st);
    if (!err && st.type == OS_FILE_DIRECTORY) {
        vec_push(&w->dirs, fd);
        return 0;
    }
    if (!err)
        err = st.type == OS_FILE_SYMLINK ? walk_expand(w, fd, "") : ENOTDIR;
    os_fd_close(fd);
    return err;
}

static int walk_up(Walk *w)
{
    if (w->dirs.n == 1)
        return EPERM;
    os_fd_close(walk_top(w));
    w->dirs.n--;
    return 0;
}

/* The last component, a name. Sets *ret_fd, or leaves it at -1 if a link was expanded instead. */
static int walk_last(Walk *w, const char *name, u32 flags, int *ret_fd)
{
    int dir = walk_top(w);
    bool follow = !(flags & OS_OPEN_NOFOLLOW) || w->dir_required;
    if (w->dir_required) {
        if (flags & OS_OPEN_CREATE)
            return EISDIR;
        flags |= OS_OPEN_DIRECTORY;
    }
    int fd;
    int err = os_open_at(dir, name, flags, &fd);
    OsStat st;
    if (!err) {
        if (!follow || !(flags & OS_OPEN_PATH)) { /* not a link, or a link is wanted */
            *ret_fd = fd;
            return 0;
        }
        err = os_stat(fd, &st);
        if (!err && st.type != OS_FILE_SYMLINK) {
            *ret_fd = fd;
            return 0;
        }
        if (!err)
            err = walk_expand(w, fd, "");
        os_fd_close(fd);
        return err;
    }
    /* With OS_OPEN_DIRECTORY a link is not a directory. */
    if (!follow || (err != ELOOP && !(err == ENOTDIR && flags & OS_OPEN_DIRECTORY)))
        return err;
    if (os_stat_at(dir, name, &st) || st.type != OS_FILE_SYMLINK) {
        /* Gone again: have another look, but not for ever. */
        return err == ENOTDIR || ++w->links > WASI_LIMIT_SYMLINKS ? err : EAGAIN;
    }
    return walk_expand(w, dir, name);
}

static int walk_component(Walk *w, Str c, bool last, u32 flags, int *ret_fd)
{
    if (str_eq(c, STR(".")) || str_eq(c, STR(".."))) {
        w->dir_required |= last;
        return c.n == 2 ? walk_up(w) : 0;
    }
    char name[WASI_LIMIT_NAME];
    if (c.n >= sizeof name)
        return ENAMETOOLONG;
    memcpy(name, c.p, c.n);
    name[c.n] = 0;
    if (!last)
        return walk_down(w, name);
    int err;
    do
        err = walk_last(w, name, flags, ret_fd);
    while (err == EAGAIN);
    return err;
}

static int walk_open(int root, const char *path, u32 flags, int *ret_fd)
{
    if (path[0] == '/')
        return EPERM;
    Walk w = {0};
    vec_push(&w.dirs, root);
    buf_bytes(&w.todo, path, strlen(path));
    int err = 0, fd = -1;
    Str c;
    bool last;
    while (!err && fd < 0 && walk_next(&w, &c, &last))
        err = walk_component(&w, c, last, flags, &fd);
    /* The path ended in a directory that is already open: the root, "." or "..". */
    if (!err && fd < 0)
        err = os_open_at(walk_top(&w), ".", flags, &fd);
    walk_release(&w);
    if (!err)
        *ret_fd = fd;
    return err;
}

static int kernel_open(Sandbox *s, int root, const char *path, u32 flags, int *ret_fd)
{
    int err = EAGAIN;
    for (int i = 0; i < WASI_LIMIT_RESOLVE_RETRIES && err == EAGAIN; i++)
        err = os_open_beneath(root, path, flags, ret_fd);
    s->walk |= err == ENOSYS;
    return err == EXDEV ? EPERM : err;
}

int sandbox_open(Sandbox *s, int root, const char *path, u32 flags, int *ret_fd)
{
    int fd;
    int err = s->walk ? ENOSYS : kernel_open(s, root, path, flags, &fd);
    /* EPERM is also what system call filters answer: the walk finds out. */
    if (err == ENOSYS || err == EPERM || err == EAGAIN)
        err = walk_open(root, path, flags, &fd);
    if (err)
        return err;
    OsFsKind kind = os_fs_kind(fd);
    if (kind == OS_FS_PROC || (kind == OS_FS_KERNEL && os_fs_kind(root) != OS_FS_KERNEL)) {
        os_fd_close(fd);
        return EPERM;
    }
    *ret_fd = fd;
    return 0;
}

int sandbox_parent(Sandbox *s, int root, const char *path, SandboxParent *ret_parent)
{
    const char *slash = strrchr(path, '/');
    Str name = str_of(slash ? slash + 1 : path);
    Str dir = {path, (usize)(name.p - path)};
    if (name.n == 0 || str_eq(name, STR(".")) || str_eq(name, STR(".."))) {
        dir = str_of(path);
        name = STR(".");
    }
    if (name.n >= WASI_LIMIT_NAME)
        return ENAMETOOLONG;
    SandboxParent p = {.dir = root};
    if (dir.n > 0) {
        char buf[WASI_LIMIT_PATH];
        int err = sandbox_path(dir, buf);
        if (!err)
            err = sandbox_open(s, root, buf, OS_OPEN_PATH | OS_OPEN_DIRECTORY, &p.dir);
        if (err)
            return err;
        p.owned = true;
    }
    memcpy(p.name, name.p, name.n); /* the rest is zero */
    *ret_parent = p;
    return 0;
}

void sandbox_parent_release(SandboxParent *p)
{
    if (p->owned)
        os_fd_close(p->dir);
}
