/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the files of wasi:sockets. */
#ifndef WASI_P2_SOCKETS_PRIV_H
#define WASI_P2_SOCKETS_PRIV_H

#include "bind/wasi_sockets_network.h"
#include "os/inet.h"
#include "wasi/p2/p2_priv.h"

typedef WasiSocketsNetworkErrorCode SockCode;
typedef WasiSocketsNetworkIpSocketAddress SockAddr;
#define SOCK_CODE(name) WASI_SOCKETS_NETWORK_ERROR_CODE_##name

/* Sets a result of some interface of wasi:sockets to an error. */
#define SOCK_FAIL(ret, code)                                                                       \
    do {                                                                                           \
        (ret)->is_err = true;                                                                      \
        (ret)->as.err = (code);                                                                    \
    } while (0)
/* The same for an errno value; 0 is success. */
#define SOCK_RESULT(ret, value)                                                                    \
    do {                                                                                           \
        int err_ = (value);                                                                        \
        (ret)->is_err = err_ != 0;                                                                 \
        if (err_)                                                                                  \
            (ret)->as.err = sock_code(err_);                                                       \
    } while (0)

SockCode sock_code(int err); /* of an errno value */
void sock_from_guest(const SockAddr *a, OsInetAddr *ret_addr);
void sock_to_guest(const OsInetAddr *a, SockAddr *ret_addr);
/* Of the socket's family, and none of those that stand for IPv4 addresses. */
bool sock_is_of_family(const OsInetAddr *a, bool v6);
bool sock_is_unicast(const OsInetAddr *a);
bool sock_is_remote(const OsInetAddr *a);            /* has a port and names a host */
void sock_describe(void *impl, WasiIoErrorError *e); /* P2InputOps.describe */

/* Options that TCP and UDP share; 0 or an errno value. */
int sock_get_buffer(int fd, OsInetOption o, u64 *ret_bytes);
int sock_set_buffer(int fd, OsInetOption o, u64 bytes);
int sock_get_hops(int fd, bool v6, u8 *ret_hops);
int sock_set_hops(int fd, bool v6, u8 hops);

void sock_ip_to_guest(const OsInetAddr *a, WasiSocketsNetworkIpAddress *ret_ip);

#endif
