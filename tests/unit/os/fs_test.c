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
