/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What others are given can not be changed by them; what is one's own is believed only if it is. */
#include "os/share.h"

#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(share_sealed_memory)
{
    int fd;
    char back[6] = {0};
    EXPECT_EQ(os_sealed_memory("label", "bytes", 5, &fd), 0);
    EXPECT(read(fd, back, 5) == 5);
    EXPECT_STR(back, "bytes");
    EXPECT(pwrite(fd, "x", 1, 0) < 0);
    EXPECT(ftruncate(fd, 0) != 0);
    EXPECT(ftruncate(fd, 10) != 0);
    close(fd);
}

static int reopen(int fd, int flags)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, flags | O_CLOEXEC);
}

TEST(share_readonly_view)
{
    char path[] = "/tmp/share-test-XXXXXX";
    int fd = mkstemp(path), view = -1, mount = -1;
    EXPECT(write(fd, "bytes", 5) == 5);
    EXPECT_EQ(os_readonly_view(fd, &view, &mount), EACCES); /* mode 0600 */
    EXPECT(fchmod(fd, 0711) == 0);
    EXPECT_EQ(os_readonly_view(fd, &view, &mount), EACCES);
    EXPECT(fchmod(fd, 0744) == 0);
    EXPECT_EQ(os_readonly_view(fd, &view, &mount), EACCES); /* the owner alone may run it */
    EXPECT(fchmod(fd, 0755) == 0);
    int err = os_readonly_view(fd, &view, &mount);
    if (err == EPERM || err == ENOSYS) {
        close(fd);
        unlink(path);
        test_skip("this process may make no mounts");
    } else {
        char back[6] = {0};
        EXPECT_EQ(err, 0);
        close(mount);
        EXPECT(read(view, back, 5) == 5);
        EXPECT_STR(back, "bytes");
        errno = 0;
        EXPECT(reopen(view, O_RDWR) < 0);
        EXPECT_EQ(errno, EROFS);
        EXPECT(fchmod(view, 0777) != 0);
        int again = reopen(view, O_RDONLY);
        EXPECT(again >= 0);
        close(again);
        close(view);
        EXPECT(pwrite(fd, "B", 1, 0) == 1); /* the file itself is as before */
    }
    close(fd);
    unlink(path);
}

TEST(share_private_folder)
{
    char base[] = "/tmp/share-test-XXXXXX", path[64], link[64];
    int dir = -1, fd = -1;
    EXPECT(mkdtemp(base));
    snprintf(path, sizeof path, "%s/own", base);
    snprintf(link, sizeof link, "%s/link", base);
    EXPECT_EQ(os_private_dir(path, &dir), 0);
    close(dir);
    EXPECT(chmod(path, 0701) == 0);
    EXPECT_EQ(os_private_dir(path, &dir), EPERM);
    EXPECT(chmod(path, 0700) == 0);
    EXPECT(symlink(path, link) == 0);
    EXPECT(os_private_dir(link, &dir) != 0);
    EXPECT_EQ(os_private_dir(path, &dir), 0);
    EXPECT_EQ(os_private_create(dir, "file", &fd), 0);
    EXPECT_EQ(os_lock(fd, (u64)1 << 60), 0);
    EXPECT(write(fd, "x", 1) == 1);
    close(fd);
    EXPECT_EQ(os_private_open(dir, "file", &fd), 0);
    close(fd);
    EXPECT(fchmodat(dir, "file", 0664, 0) == 0);
    EXPECT_EQ(os_private_open(dir, "file", &fd), EPERM);
    EXPECT(fchmodat(dir, "file", 0644, 0) == 0);
    EXPECT(linkat(dir, "file", dir, "again", 0) == 0);
    EXPECT_EQ(os_private_open(dir, "file", &fd), EPERM);
    EXPECT(unlinkat(dir, "file", 0) == 0);
    EXPECT(symlinkat("again", dir, "file") == 0);
    EXPECT(os_private_open(dir, "file", &fd) != 0);
    EXPECT(os_private_create(dir, "file", &fd) != 0);
    EXPECT_EQ(os_private_open(dir, "again", &fd), 0);
    close(fd);
    EXPECT_EQ(os_private_open(dir, "none", &fd), ENOENT);
    unlinkat(dir, "file", 0);
    unlinkat(dir, "again", 0);
    close(dir);
    unlink(link);
    rmdir(path);
    rmdir(base);
}
