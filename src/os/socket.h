/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Stream sockets by descriptor: nonblocking and close-on-exec, all of them. Thin: one system call
 * each where it can be, retried when a signal interrupts it. The functions that return int return 0
 * or an errno value; outputs are left alone on failure.
 */
#ifndef OS_SOCKET_H
#define OS_SOCKET_H

#include "base/base.h"

/* The address of a TCP or unix socket, as the system has it. */
typedef struct OsAddress {
    u32 n;
    _Alignas(8) u8 raw[128];
} OsAddress;

enum { OS_ADDRESS_TEXT = 160 };
/* "IP:PORT", "[IP]:PORT" or "unix:PATH"; false if it is none of them. */
bool os_address_parse(Str text, OsAddress *ret_address) MUST_CHECK;
/* An IP address (4 or 16 bytes, as in the packet) and a port. */
void os_address_ip(const u8 *ip, u32 n, u16 port, OsAddress *ret_address);
/* Terminated text, as os_address_parse takes it. */
void os_address_format(const OsAddress *a, char ret_text[OS_ADDRESS_TEXT]);
int os_socket_address(int fd, OsAddress *ret_address); /* the own one */
int os_socket_peer(int fd, OsAddress *ret_address);

/*
 * `n` listening sockets at one address, for as many threads. Another process cannot listen there,
 * nor can this one a second time: the first socket is bound for itself (EADDRINUSE), and only then
 * opened for the others, between which the system divides the connections. Addresses in TIME_WAIT
 * are no hindrance. Port 0 is a free port, the same for all. A unix socket is one queue with `n`
 * descriptors; what is left of a dead server at its path is replaced.
 */
int os_listen(const OsAddress *a, int backlog, u32 n, int *ret_fds);
/* What is at the path of a unix socket's address: its file, once it listens. Zeros if nothing. */
typedef struct OsSocketFile {
    u64 device, inode;
} OsSocketFile;
OsSocketFile os_socket_file(const OsAddress *a);
/* Removes it, unless something else is there by now. */
void os_socket_file_remove(const OsAddress *a, OsSocketFile f);
/*
 * Descriptors that a service manager passed (LISTEN_PID, LISTEN_FDS): *ret_n of them from
 * *ret_first on, made nonblocking and close-on-exec; 0 if there are none.
 */
void os_inherited_sockets(int *ret_first, u32 *ret_n);
bool os_socket_listens(int fd); /* a stream socket that accepts connections */
int os_socket_dup(int fd, int *ret_fd);
/* `to` becomes what `from` is, which is closed. */
int os_socket_move(int from, int to);
int os_socket_pair(int ret_fds[2]);

int os_accept(int fd, int *ret_fd);
/* Starts to connect: 0 or EINPROGRESS; then the socket becomes writable, and os_socket_error tells.
 */
int os_connect(const OsAddress *a, int *ret_fd);
int os_socket_error(int fd);
void os_socket_no_delay(int fd);

/* EAGAIN if nothing is there or fits. *ret_n is 0 at the end of the stream. */
int os_recv(int fd, void *p, usize n, usize *ret_n);
/* Two pieces, one system call; EPIPE, never a signal, if the peer is gone. */
int os_send(int fd, Str first, Str second, usize *ret_n);
void os_shutdown_write(int fd);

#endif
