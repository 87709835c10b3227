/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* TCP and UDP sockets of guests. All are non-blocking; functions return 0 or an errno value. */
#ifndef OS_INET_H
#define OS_INET_H

#include "base/base.h"

typedef struct OsInetAddr {
    bool v6;
    u16 port;
    u8 ip[16]; /* network order; the first four for IPv4 */
    u32 flow, scope;
} OsInetAddr;

/* IPv6 sockets are for IPv6 only. */
int os_inet_socket(bool v6, bool datagrams, int *ret_fd);
int os_inet_bind(int fd, const OsInetAddr *a, bool reuse);
int os_inet_connect(int fd, const OsInetAddr *a); /* EINPROGRESS: os_inet_connected tells later */
int os_inet_disconnect(int fd);                   /* datagrams */
/* Once the socket is ready to be written to. EAGAIN: it is not. */
int os_inet_connected(int fd);
int os_inet_listen(int fd, u32 backlog);
int os_inet_accept(int fd, int *ret_fd);
typedef enum OsInetShut { OS_INET_SHUT_READ, OS_INET_SHUT_WRITE, OS_INET_SHUT_BOTH } OsInetShut;
int os_inet_shutdown(int fd, OsInetShut how);
int os_inet_local(int fd, OsInetAddr *ret_addr);
int os_inet_remote(int fd, OsInetAddr *ret_addr);
/* To and from the other side, or `to`; never SIGPIPE. */
int os_inet_send(int fd, const void *p, usize n, const OsInetAddr *to, usize *ret_n);
int os_inet_recv(int fd, void *p, usize n, OsInetAddr *ret_from,
                 usize *ret_n); /* ret_from may be NULL */

typedef enum OsInetOption {
    OS_INET_KEEP_ALIVE,
    OS_INET_KEEP_IDLE,     /* seconds */
    OS_INET_KEEP_INTERVAL, /* seconds */
    OS_INET_KEEP_COUNT,
    OS_INET_HOPS_4,
    OS_INET_HOPS_6,
    OS_INET_RECV_BUFFER,
    OS_INET_SEND_BUFFER,
    OS_INET_NO_DELAY,
} OsInetOption;
int os_inet_get(int fd, OsInetOption o, int *ret_value);
int os_inet_set(int fd, OsInetOption o, int value);

#endif
