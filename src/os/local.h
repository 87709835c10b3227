/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Local stream sockets for threads that wait: blocking, close-on-exec. The functions return 0 or an
 * errno value; outputs are left alone on failure.
 */
#ifndef OS_LOCAL_H
#define OS_LOCAL_H

#include "base/base.h"

/* ENAMETOOLONG: a name has some hundred bytes at most. `seconds`: how long a send or a receive may
 * wait. */
int os_local_connect(const char *path, u32 seconds, int *ret_fd) MUST_CHECK;
/* For this user alone. EADDRINUSE: the name is taken, maybe by a socket that nobody has open. */
int os_local_listen(const char *path, int *ret_fd) MUST_CHECK;
/* Waits for a connection: ETIMEDOUT if none comes within so many milliseconds. */
int os_local_accept(int fd, u32 ms, int *ret_fd) MUST_CHECK;
/* The name that a socket listens at; "" if it has none. */
void os_local_name(int fd, char *name, usize size);
void os_local_send_limit(int fd, u32 seconds);
/* All of it; EPIPE, never a signal, if the peer is gone. What comes is read by os_recv. */
int os_local_send(int fd, const void *p, usize n) MUST_CHECK;
/* Nothing can be sent or received any more, by either side. */
void os_local_shutdown(int fd);
/* Is the peer a process of the same user, or of root? */
bool os_local_peer_trusted(int fd);

#endif
