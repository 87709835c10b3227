/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The guest of component-sockets.wasm: tells what each call of wasi:sockets gives, one line a call.
 * Arguments: tcp4, tcp6, udp4, udp6, names NAME..., send PORT, or what is wrong: wd4, ws4, wp4,
 * wm4. Made with `wit-bindgen c` (a world that imports what is used), clang for wasm32 with
 * wasi-libc, `wasm-tools component new` and `strip -a`.
 */
#include "guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T(f) wasi_sockets_tcp_method_tcp_socket_##f
#define U(f) wasi_sockets_udp_method_udp_socket_##f
#define IN(f) wasi_io_streams_method_input_stream_##f
#define OUT(f) wasi_io_streams_method_output_stream_##f

typedef wasi_sockets_network_ip_socket_address_t Addr;
typedef wasi_sockets_tcp_borrow_tcp_socket_t Tcp;
typedef wasi_sockets_udp_borrow_udp_socket_t Udp;
typedef wasi_io_streams_borrow_input_stream_t Input;
typedef wasi_io_streams_borrow_output_stream_t Output;

static const char *const names[] = {"unknown",
                                    "access-denied",
                                    "not-supported",
                                    "invalid-argument",
                                    "out-of-memory",
                                    "timeout",
                                    "concurrency-conflict",
                                    "not-in-progress",
                                    "would-block",
                                    "invalid-state",
                                    "new-socket-limit",
                                    "address-not-bindable",
                                    "address-in-use",
                                    "remote-unreachable",
                                    "connection-refused",
                                    "connection-reset",
                                    "connection-aborted",
                                    "datagram-too-large",
                                    "name-unresolvable",
                                    "temporary-resolver-failure",
                                    "permanent-resolver-failure"};

static uint8_t err;
static wasi_sockets_network_borrow_network_t net;
static bool v6;

static void put(const char *s)
{
    wasi_io_streams_own_output_stream_t out = wasi_cli_stdout_get_stdout();
    guest_list_u8_t l = {(uint8_t *)s, strlen(s)};
    wasi_io_streams_stream_error_t e;
    OUT(blocking_write_and_flush)((Output){out.__handle}, &l, &e);
    wasi_io_streams_output_stream_drop_own(out);
}

static bool tell(const char *what, bool ok)
{
    put(what);
    put(": ");
    put(ok ? "ok" : names[err]);
    put("\n");
    return ok;
}
#define TRY(call) tell(#call, call)

static void tell_number(const char *what, uint64_t n)
{
    char digits[24], *p = digits + sizeof digits;
    *--p = 0;
    do
        *--p = (char)('0' + n % 10);
    while (n /= 10);
    put(what);
    put(" = ");
    put(p);
    put("\n");
}

static void wait_for(wasi_io_poll_own_pollable_t p)
{
    wasi_io_poll_method_pollable_block((wasi_io_poll_borrow_pollable_t){p.__handle});
    wasi_io_poll_pollable_drop_own(p);
}

static Addr addr(uint8_t a, uint8_t d, uint16_t port)
{
    Addr r = {0};
    r.tag = v6;
    if (v6) {
        r.val.ipv6.port = port;
        r.val.ipv6.address.f0 = a == 224 ? 0xff02 : 0;
        r.val.ipv6.address.f7 = d;
    } else {
        r.val.ipv4.port = port;
        r.val.ipv4.address.f0 = a;
        r.val.ipv4.address.f3 = d;
    }
    return r;
}

static Addr loopback(uint16_t port)
{
    return addr(127, 1, port);
}

static uint16_t port_of(const Addr *a)
{
    return a->tag ? a->val.ipv6.port : a->val.ipv4.port;
}

static Tcp tcp_new(void)
{
    wasi_sockets_tcp_own_tcp_socket_t s = {0};
    if (!tell("create-tcp-socket", wasi_sockets_tcp_create_socket_create_tcp_socket(v6, &s, &err)))
        wasi_cli_exit_exit_with_code(2);
    return (Tcp){s.__handle};
}

static void tcp_options(Tcp s)
{
    bool on;
    uint64_t n;
    uint32_t count;
    uint8_t hops;
    TRY(T(set_listen_backlog_size)(s, 0, &err));
    TRY(T(set_listen_backlog_size)(s, UINT64_MAX, &err));
    TRY(T(keep_alive_enabled)(s, &on, &err));
    tell_number("enabled", on);
    TRY(T(set_keep_alive_enabled)(s, true, &err));
    TRY(T(keep_alive_enabled)(s, &on, &err));
    tell_number("enabled", on);
    TRY(T(set_keep_alive_idle_time)(s, 0, &err));
    TRY(T(set_keep_alive_idle_time)(s, 1, &err));
    TRY(T(keep_alive_idle_time)(s, &n, &err));
    tell_number("idle", n);
    TRY(T(set_keep_alive_idle_time)(s, UINT64_MAX, &err));
    TRY(T(keep_alive_idle_time)(s, &n, &err));
    tell_number("idle", n);
    TRY(T(set_keep_alive_interval)(s, 2900000000, &err));
    TRY(T(keep_alive_interval)(s, &n, &err));
    tell_number("interval", n);
    TRY(T(set_keep_alive_count)(s, 0, &err));
    TRY(T(set_keep_alive_count)(s, UINT32_MAX, &err));
    TRY(T(keep_alive_count)(s, &count, &err));
    tell_number("count", count);
    TRY(T(set_hop_limit)(s, 0, &err));
    TRY(T(set_hop_limit)(s, 42, &err));
    TRY(T(hop_limit)(s, &hops, &err));
    tell_number("hops", hops);
    TRY(T(set_receive_buffer_size)(s, 0, &err));
    TRY(T(set_receive_buffer_size)(s, 65536, &err));
    TRY(T(receive_buffer_size)(s, &n, &err));
    tell_number("receive", n);
    TRY(T(set_send_buffer_size)(s, UINT64_MAX, &err));
    TRY(T(set_send_buffer_size)(s, 65536, &err));
    TRY(T(send_buffer_size)(s, &n, &err));
    tell_number("send", n);
    tell_number("family", T(address_family)(s));
}

static void tcp_states(Tcp s)
{
    wasi_sockets_tcp_tuple2_own_input_stream_own_output_stream_t io;
    wasi_sockets_tcp_tuple3_own_tcp_socket_own_input_stream_own_output_stream_t got;
    Addr a = loopback(0), b;
    TRY(T(finish_bind)(s, &err));
    TRY(T(finish_connect)(s, &io, &err));
    TRY(T(start_listen)(s, &err));
    TRY(T(finish_listen)(s, &err));
    TRY(T(accept)(s, &got, &err));
    TRY(T(shutdown)(s, 2, &err));
    TRY(T(local_address)(s, &b, &err));
    TRY(T(remote_address)(s, &b, &err));
    tell_number("listening", T(is_listening)(s));
    a = addr(224, 1, 0);
    tell("bind multicast", T(start_bind)(s, net, &a, &err));
    a = loopback(0);
    a.tag = !a.tag;
    tell("bind other family", T(start_bind)(s, net, &a, &err));
    a = loopback(0);
    tell("connect port 0", T(start_connect)(s, net, &a, &err));
    a = addr(0, 0, 80);
    tell("connect unspecified", T(start_connect)(s, net, &a, &err));
    a = loopback(0);
    if (!TRY(T(start_bind)(s, net, &a, &err)))
        wasi_cli_exit_exit_with_code(3);
    TRY(T(local_address)(s, &b, &err));
    TRY(T(finish_bind)(s, &err));
    TRY(T(start_bind)(s, net, &a, &err));
    TRY(T(local_address)(s, &b, &err));
    tell_number("port", port_of(&b) != 0);
    TRY(T(start_listen)(s, &err));
    TRY(T(start_listen)(s, &err));
    TRY(T(finish_listen)(s, &err));
    TRY(T(accept)(s, &got, &err));
    TRY(T(start_listen)(s, &err));
    TRY(T(start_bind)(s, net, &a, &err));
    tell_number("listening", T(is_listening)(s));
}

static uint64_t read_all(Input in, uint64_t want)
{
    uint64_t got = 0;
    guest_list_u8_t l;
    wasi_io_streams_stream_error_t e;
    while (got < want && IN(blocking_read)(in, 100000, &l, &e)) {
        for (size_t i = 0; i < l.len; i++)
            if (l.ptr[i] != (uint8_t)((got + i) % 251)) {
                put("WRONG BYTE\n");
                return got;
            }
        got += l.len;
        if (l.len)
            free(l.ptr);
    }
    return got;
}

/* 3 MiB, while the other end reads only when there is no more room. */
static void stream_a_lot(Output out, Input in)
{
    enum { TOTAL = 3 << 20 };
    static uint8_t buf[1 << 20];
    uint64_t sent = 0, got = 0, n = 0;
    wasi_io_streams_stream_error_t e;
    while (sent < TOTAL) {
        if (!OUT(check_write)(out, &n, &e))
            break;
        if (n == 0) {
            /* Both at once: the rest goes out while we read. */
            got += read_all(in, 1) ? 0 : 0;
            put("unexpected\n");
            break;
        }
        size_t part = n < sizeof buf ? (size_t)n : sizeof buf;
        for (size_t i = 0; i < part; i++)
            buf[i] = (uint8_t)((sent + i) % 251);
        guest_list_u8_t l = {buf, part};
        if (!OUT(write)(out, &l, &e))
            break;
        sent += part;
        uint64_t have = got;
        while (got < sent) { /* blocks: only the background can write the rest */
            guest_list_u8_t r;
            if (!IN(blocking_read)(in, 65536, &r, &e))
                break;
            for (size_t i = 0; i < r.len; i++)
                if (r.ptr[i] != (uint8_t)((got + i) % 251))
                    put("WRONG BYTE\n");
            got += r.len;
            if (r.len)
                free(r.ptr);
        }
        if (got == have)
            break;
    }
    tell_number("sent", sent);
    tell_number("received", got);
}

static void tcp(void)
{
    Tcp server = tcp_new(), client = tcp_new();
    tcp_options(client);
    tcp_states(server);
    Addr a, b;
    wasi_sockets_tcp_tuple2_own_input_stream_own_output_stream_t io;
    wasi_sockets_tcp_tuple3_own_tcp_socket_own_input_stream_own_output_stream_t got;
    TRY(T(local_address)(server, &a, &err));
    TRY(T(start_connect)(client, net, &a, &err));
    TRY(T(start_connect)(client, net, &a, &err));
    TRY(T(remote_address)(client, &b, &err));
    wait_for(T(subscribe)(client));
    TRY(T(finish_connect)(client, &io, &err));
    TRY(T(finish_connect)(client, &io, &err));
    wait_for(T(subscribe)(server));
    TRY(T(accept)(server, &got, &err));
    Tcp peer = {got.f0.__handle};
    TRY(T(remote_address)(client, &b, &err));
    tell_number("same port", port_of(&a) == port_of(&b));
    TRY(T(start_listen)(client, &err));
    Output out = {io.f1.__handle};
    Input in = {got.f1.__handle};
    guest_list_u8_t l;
    wasi_io_streams_stream_error_t e;
    uint64_t n;
    tell("read nothing", IN(read)(in, 10, &l, &e));
    tell_number("length", l.len);
    TRY(OUT(check_write)(out, &n, &e));
    tell_number("permitted", n > 0);
    stream_a_lot(out, in);
    TRY(T(shutdown)(client, 1, &err));
    tell("read the end", IN(blocking_read)(in, 10, &l, &e) || (err = 8, e.tag != 1));
    tell_number("closed", e.tag);
    tell("read nothing behind the end", IN(read)(in, 0, &l, &e) || (err = 8, e.tag != 1));
    tell("write after shutdown", OUT(check_write)(out, &n, &e) || (err = 9, false));
    wasi_io_streams_input_stream_drop_own(io.f0);
    wasi_io_streams_output_stream_drop_own(io.f1);
    wasi_io_streams_input_stream_drop_own(got.f1);
    wasi_io_streams_output_stream_drop_own(got.f2);
    wasi_sockets_tcp_tcp_socket_drop_own(got.f0);
    wasi_sockets_tcp_tcp_socket_drop_own((wasi_sockets_tcp_own_tcp_socket_t){client.__handle});
    wasi_sockets_tcp_tcp_socket_drop_own((wasi_sockets_tcp_own_tcp_socket_t){server.__handle});
    (void)peer;
    /* Nobody listens there any more. */
    Tcp lost = tcp_new();
    TRY(T(start_connect)(lost, net, &a, &err));
    wait_for(T(subscribe)(lost));
    TRY(T(finish_connect)(lost, &io, &err));
    TRY(T(finish_connect)(lost, &io, &err));
    TRY(T(local_address)(lost, &b, &err));
}

static Udp udp_new(void)
{
    wasi_sockets_udp_own_udp_socket_t s = {0};
    if (!tell("create-udp-socket", wasi_sockets_udp_create_socket_create_udp_socket(v6, &s, &err)))
        wasi_cli_exit_exit_with_code(2);
    return (Udp){s.__handle};
}

#define RX(f) wasi_sockets_udp_method_incoming_datagram_stream_##f
#define TX(f) wasi_sockets_udp_method_outgoing_datagram_stream_##f

static void udp(void)
{
    Udp a = udp_new(), b = udp_new();
    wasi_sockets_udp_tuple2_own_incoming_datagram_stream_own_outgoing_datagram_stream_t sa, sb;
    Addr to = loopback(0), from;
    uint64_t n;
    uint8_t hops;
    TRY(U(finish_bind)(a, &err));
    TRY(U(local_address)(a, &from, &err));
    TRY(U(remote_address)(a, &from, &err));
    TRY(U(stream)(a, NULL, &sa, &err));
    TRY(U(set_unicast_hop_limit)(a, 0, &err));
    TRY(U(set_unicast_hop_limit)(a, 9, &err));
    TRY(U(unicast_hop_limit)(a, &hops, &err));
    tell_number("hops", hops);
    TRY(U(set_receive_buffer_size)(a, 0, &err));
    TRY(U(set_receive_buffer_size)(a, 65536, &err));
    TRY(U(receive_buffer_size)(a, &n, &err));
    tell_number("receive", n);
    to.tag = !to.tag;
    tell("bind other family", U(start_bind)(a, net, &to, &err));
    to = loopback(0);
    if (!TRY(U(start_bind)(a, net, &to, &err)))
        wasi_cli_exit_exit_with_code(3);
    TRY(U(local_address)(a, &from, &err));
    TRY(U(finish_bind)(a, &err));
    TRY(U(start_bind)(a, net, &to, &err));
    TRY(U(local_address)(a, &from, &err));
    TRY(U(start_bind)(b, net, &to, &err));
    TRY(U(finish_bind)(b, &err));
    TRY(U(stream)(a, NULL, &sa, &err));
    to = loopback(0);
    tell("stream to port 0", U(stream)(b, &to, &sb, &err));
    TRY(U(stream)(b, &from, &sb, &err));
    TRY(U(remote_address)(b, &to, &err));
    tell_number("same port", port_of(&to) == port_of(&from));
    wasi_sockets_udp_borrow_incoming_datagram_stream_t rx = {sa.f0.__handle};
    wasi_sockets_udp_borrow_outgoing_datagram_stream_t tx = {sb.f1.__handle}, ta = {sa.f1.__handle};
    wasi_sockets_udp_list_incoming_datagram_t got;
    TRY(RX(receive)(rx, 0, &got, &err));
    TRY(RX(receive)(rx, 5, &got, &err));
    tell_number("received", got.len);
    wasi_sockets_udp_outgoing_datagram_t d[2] = {0};
    d[0].data = (guest_list_u8_t){(uint8_t *)"hello", 5};
    d[1].data = (guest_list_u8_t){(uint8_t *)"", 0};
    wasi_sockets_udp_list_outgoing_datagram_t l = {d, 2};
    TRY(TX(check_send)(tx, &n, &err));
    tell_number("permitted", n);
    TRY(TX(send)(tx, &l, &n, &err));
    tell_number("sent", n);
    wait_for(RX(subscribe)(rx));
    TRY(RX(receive)(rx, 5, &got, &err));
    tell_number("received", got.len);
    for (size_t i = 0; i < got.len; i++)
        tell_number("length", got.ptr[i].data.len);
    /* Without and with a wrong address. */
    l.len = 1;
    TRY(TX(check_send)(ta, &n, &err));
    tell("send to nobody", TX(send)(ta, &l, &n, &err));
    d[0].remote_address.is_some = true;
    d[0].remote_address.val = loopback(0);
    TRY(TX(check_send)(ta, &n, &err));
    tell("send to port 0", TX(send)(ta, &l, &n, &err));
    d[0].remote_address.val = loopback(9);
    TRY(TX(check_send)(tx, &n, &err));
    tell("send elsewhere", TX(send)(tx, &l, &n, &err));
    TRY(TX(check_send)(tx, &n, &err));
    static uint8_t big[70000];
    d[0].remote_address.is_some = false;
    d[0].data = (guest_list_u8_t){big, sizeof big};
    tell("send too much", TX(send)(tx, &l, &n, &err));
}

static void lookup(guest_string_t *name)
{
    wasi_sockets_ip_name_lookup_own_resolve_address_stream_t s;
    wasi_sockets_ip_name_lookup_option_ip_address_t a;
    guest_string_t copy = *name;
    put("lookup");
    put(" ");
    guest_list_u8_t l = {copy.ptr, copy.len};
    wasi_io_streams_own_output_stream_t out = wasi_cli_stdout_get_stdout();
    wasi_io_streams_stream_error_t e;
    OUT(blocking_write_and_flush)((Output){out.__handle}, &l, &e);
    wasi_io_streams_output_stream_drop_own(out);
    if (!tell("", wasi_sockets_ip_name_lookup_resolve_addresses(net, name, &s, &err)))
        return;
    wasi_sockets_ip_name_lookup_borrow_resolve_address_stream_t b = {s.__handle};
    wait_for(wasi_sockets_ip_name_lookup_method_resolve_address_stream_subscribe(b));
    for (;;) {
        if (!tell("next",
                  wasi_sockets_ip_name_lookup_method_resolve_address_stream_resolve_next_address(
                      b, &a, &err)) ||
            !a.is_some)
            break;
        tell_number(a.val.tag ? "v6 last" : "v4 first",
                    a.val.tag ? a.val.val.ipv6.f7 : a.val.val.ipv4.f0);
    }
}

/* Connects to a server outside, sends a line and tells what comes back. */
static void talk(guest_string_t *port)
{
    uint16_t p = 0;
    for (size_t i = 0; i < port->len; i++)
        p = (uint16_t)(p * 10 + port->ptr[i] - '0');
    Tcp s = tcp_new();
    Addr a = loopback(p);
    wasi_sockets_tcp_tuple2_own_input_stream_own_output_stream_t io;
    TRY(T(start_connect)(s, net, &a, &err));
    wait_for(T(subscribe)(s));
    if (!TRY(T(finish_connect)(s, &io, &err)))
        return;
    guest_list_u8_t l = {(uint8_t *)"ping\n", 5}, r;
    wasi_io_streams_stream_error_t e;
    TRY(OUT(blocking_write_and_flush)((Output){io.f1.__handle}, &l, &e));
    while (IN(blocking_read)((Input){io.f0.__handle}, 100, &r, &e)) {
        wasi_io_streams_own_output_stream_t out = wasi_cli_stdout_get_stdout();
        OUT(blocking_write_and_flush)((Output){out.__handle}, &r, &e);
        wasi_io_streams_output_stream_drop_own(out);
    }
}

/* Each ends the guest. */
static void wrong(char what)
{
    wasi_sockets_udp_tuple2_own_incoming_datagram_stream_own_outgoing_datagram_stream_t st, more;
    wasi_sockets_udp_outgoing_datagram_t d[20] = {0};
    wasi_sockets_udp_list_outgoing_datagram_t l = {d, what == 'm' ? 20 : 1};
    Udp u = udp_new();
    Addr a = loopback(0);
    uint64_t n;
    if (!TRY(U(start_bind)(u, net, &a, &err)) || !TRY(U(finish_bind)(u, &err)) ||
        !TRY(U(stream)(u, NULL, &st, &err)))
        return;
    wasi_sockets_udp_borrow_outgoing_datagram_stream_t tx = {st.f1.__handle};
    if (what == 'm')
        TRY(TX(check_send)(tx, &n, &err));
    if (what == 'd') /* the streams are still there */
        wasi_sockets_udp_udp_socket_drop_own((wasi_sockets_udp_own_udp_socket_t){u.__handle});
    else if (what == 's') /* so that there would be two pairs */
        TRY(U(stream)(u, NULL, &more, &err));
    else /* more than was permitted: nothing, or 16 */
        TRY(TX(send)(tx, &l, &n, &err));
    put("still here\n");
}

bool exports_wasi_cli_run_run(void)
{
    guest_list_string_t args;
    wasi_cli_environment_get_arguments(&args);
    net = wasi_sockets_network_borrow_network(wasi_sockets_instance_network_instance_network());
    guest_string_t *how = &args.ptr[1];
    v6 = how->ptr[how->len - 1] == '6';
    if (how->ptr[0] == 't')
        tcp();
    else if (how->ptr[0] == 'u')
        udp();
    else if (how->ptr[0] == 'w')
        wrong((char)how->ptr[1]);
    else if (how->ptr[0] == 's')
        talk(&args.ptr[2]);
    else
        for (size_t i = 2; i < args.len; i++)
            lookup(&args.ptr[i]);
    return true;
}
