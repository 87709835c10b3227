/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Descriptors of the process. */
#include "unit/test.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(os_fill_stdio)
{
    int out = dup(1);
    EXPECT(out > 2);
    close(0);
    close(1);
    bool good = os_fill_stdio() == 0;
    good = good && fcntl(0, F_GETFD) >= 0 && fcntl(1, F_GETFD) >= 0 && write(1, "x", 1) == 1;
    EXPECT(dup2(out, 1) == 1);
    EXPECT(good);
}

TEST(os_open_waits_for_nobody)
{
    char dir[] = "/tmp/os-test-XXXXXX";
    int d, fd;
    EXPECT(mkdtemp(dir) && os_open_dir(dir, &d) == 0);
    EXPECT(mkfifoat(d, "fifo", 0600) == 0);
    EXPECT_EQ(os_open_at(d, "fifo", OS_OPEN_READ, &fd), 0);
    EXPECT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    EXPECT_EQ(os_open_at(d, "fifo", OS_OPEN_CREATE | OS_OPEN_EXCL | OS_OPEN_WRITE, &fd), EEXIST);
    EXPECT(symlinkat("fifo", d, "link") == 0);
    EXPECT_EQ(os_open_at(d, "link", OS_OPEN_READ, &fd), ELOOP);
    EXPECT(unlinkat(d, "fifo", 0) == 0 && unlinkat(d, "link", 0) == 0 && rmdir(dir) == 0);
}

/* An absolute name, a link and ".." all stay in the folder that is the root. */
TEST(os_open_rooted)
{
    static const char *const inside[] = {"/file", "file",   "../../file",
                                         "/link", "dir/up", "/dir/up"};
    static const char *const none[] = {"/etc/passwd", "away", "/dir/away"};
    char base[] = "/tmp/os-test-XXXXXX";
    int root, fd;
    EXPECT(mkdtemp(base));
    EXPECT_EQ(os_open_dir(base, &root), 0);
    EXPECT_EQ(os_open_at(root, "file", OS_OPEN_WRITE | OS_OPEN_CREATE, &fd), 0);
    os_fd_close(fd);
    EXPECT_EQ(os_mkdir_at(root, "dir"), 0);
    EXPECT_EQ(os_symlink_at("/file", root, "link"), 0);
    EXPECT_EQ(os_symlink_at("../../../file", root, "dir/up"), 0);
    EXPECT_EQ(os_symlink_at("/etc/passwd", root, "away"), 0);
    EXPECT_EQ(os_symlink_at("/proc/self/root/etc/passwd", root, "dir/away"), 0);
    for (usize i = 0; i < ARRAY_LEN(inside); i++) {
        EXPECT_EQ(os_open_rooted(root, inside[i], OS_OPEN_READ, &fd), 0);
        os_fd_close(fd);
    }
    for (usize i = 0; i < ARRAY_LEN(none); i++)
        EXPECT_EQ(os_open_rooted(root, none[i], OS_OPEN_READ, &fd), ENOENT);
    static const char *const names[] = {"file", "link", "dir/up", "away", "dir/away"};
    for (usize i = 0; i < ARRAY_LEN(names); i++)
        EXPECT_EQ(os_unlink_at(root, names[i]), 0);
    os_rmdir_at(root, "dir");
    os_fd_close(root);
    rmdir(base);
}
