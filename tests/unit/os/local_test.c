/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sockets with names. */
#include "os/local.h"
#include "os/socket.h"

#include "os/fs.h"
#include "unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(local_sockets)
{
    char dir[] = "/tmp/local-test-XXXXXX", path[64], name[128], back[6] = {0};
    int listener, client, server, again;
    usize n;
    struct stat st;
    EXPECT(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/socket", dir);
    EXPECT_EQ(os_local_connect(path, 1, &client), ENOENT);
    EXPECT_EQ(os_local_listen(path, &listener), 0);
    EXPECT(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    EXPECT_EQ(os_local_listen(path, &again), EADDRINUSE);
    os_local_name(listener, name, sizeof name);
    EXPECT_STR(name, path);
    EXPECT_EQ(os_local_accept(listener, 1, &server), ETIMEDOUT);
    EXPECT_EQ(os_local_connect(path, 1, &client), 0);
    EXPECT_EQ(os_local_accept(listener, 1000, &server), 0);
    EXPECT(os_local_peer_trusted(server));
    EXPECT_EQ(os_local_send(client, "hello", 5), 0);
    EXPECT_EQ(os_recv(server, back, 5, &n), 0);
    EXPECT_EQ(n, 5);
    EXPECT_STR(back, "hello");
    EXPECT_EQ(os_recv(client, back, 5, &n), EAGAIN); /* after a second */
    os_local_shutdown(server);
    EXPECT_EQ(os_recv(client, back, 5, &n), 0);
    EXPECT_EQ(n, 0);
    EXPECT_EQ(os_local_send(server, "hello", 5), EPIPE);
    os_fd_close(server);
    os_fd_close(client);
    os_fd_close(listener);
    EXPECT_EQ(os_local_connect(path, 1, &client), ECONNREFUSED);
    unlink(path);
    rmdir(dir);
    char longer[300];
    memset(longer, 'a', sizeof longer);
    longer[299] = 0;
    EXPECT_EQ(os_local_connect(longer, 1, &client), ENAMETOOLONG);
    EXPECT_EQ(os_local_listen(longer, &client), ENAMETOOLONG);
}
