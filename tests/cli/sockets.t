# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# wasi:sockets, on loopback. The lists of results are what Wasmtime gives for the same guest.
. "$top/tests/cli/lib.sh"

guest=$data/component-sockets.wasm
on=-Sinherit-network

same() {
    grep -v '^family' .out >got
    diff "$data/sockets-$1.txt" got >difference || wrong "$(head -n 20 difference)"
}

families=4
if grep -q . /proc/net/if_inet6 2>/dev/null; then
    families="4 6"
else
    echo "skip $topic: there is no IPv6 here"
fi

for f in $families; do
    begin "TCP over IPv$f: states, options, streams of 3 MiB, a refused connection"
    run $on "$guest" "tcp$f"
    code 0
    stderr ""
    same tcp

    begin "UDP over IPv$f: states, options, datagrams"
    run $on "$guest" "udp$f"
    code 0
    stderr ""
    same udp

    begin "sockets over IPv$f without addresses"
    run -Stcp,udp "$guest" "tcp$f"
    code 3
    out_has "bind other family: invalid-argument"
    out_has "T(start_bind)(s, net, &a, &err): access-denied"
    run -Stcp,udp "$guest" "udp$f"
    code 3
    out_has "U(start_bind)(a, net, &to, &err): access-denied"
done

# What is wrong with an address is said before the system sees it: for each sort of use, of the family
# and the numbers, 0 or 100 and the number of the error, as Wasmtime gives it.
begin "addresses that are mapped, compatible, multicast, broadcast, unspecified, without a port"
while read -r numbers answer; do
    case $numbers in ?,1,*) [ "$families" = "4 6" ] || continue ;; esac
    run $on --invoke "probe($numbers)" "$data/component-addresses.wat"
    code 0
    stdout "$answer"
done <"$data/sockets-addresses.txt"

# The guest closes first, so the connection's end of its port stays for a minute.
begin "a port can be listened at again at once, with room for 128 connections"
port=$((10000 + $$ % 10000))
for turn in first second; do
    "$WASMTIME" run $on --invoke "serve($port)" "$data/component-listen.wat" >"$turn" 2>&1 &
    server=$!
    for _ in $(seq 100); do
        room=$(ss -Hltn "sport = :$port" | awk '{ print $3 }')
        [ -z "$room" ] || break
        sleep 0.05
    done
    expect test "$room" = 128
    python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1]))).recv(1)' "$port"
    wait $server
    expect test "$(cat "$turn")" = 0
done
expect test -n "$(ss -Htan state time-wait "sport = :$port")"

ends_with() {
    run $on "$guest" "$1"
    code 1
    err_has "$2"
}
begin "what ends a guest"
ends_with wd4 "resource has children"
ends_with ws4 "UDP streams not dropped yet"
ends_with wp4 "unpermitted: argument exceeds permitted size"
ends_with wm4 "unpermitted: argument exceeds permitted size"

begin "no sockets unless they are granted"
for how in tcp4 tcp6; do
    run "$guest" $how
    code 2
    stdout "create-tcp-socket: access-denied"
    run -Sudp "$guest" $how
    code 2
done
run -Stcp "$guest" udp4
code 2
stdout "create-udp-socket: access-denied"

begin "what is said of TCP or UDP counts more than the network"
run -Stcp=n,inherit-network "$guest" tcp4
code 2
stdout "create-tcp-socket: access-denied"
run -Sinherit-network,udp=n "$guest" udp4
code 2
stdout "create-udp-socket: access-denied"

begin "names are not looked up unless it is granted"
run $on "$guest" names 127.0.0.1 localhost
code 0
stdout "lookup 127.0.0.1: permanent-resolver-failure
lookup localhost: permanent-resolver-failure"

begin "addresses as names, and names that are none"
run -Sallow-ip-name-lookup "$guest" names 127.0.0.1 ::1 '[::1]' a..b 'x<y' 0x7f000001 1.2 ''
code 0
stdout "lookup 127.0.0.1: ok
next: ok
v4 first = 127
next: ok
lookup ::1: ok
next: ok
v6 last = 1
next: ok
lookup [::1]: ok
next: ok
v6 last = 1
next: ok
lookup a..b: ok
next: name-unresolvable
lookup x<y: invalid-argument
lookup 0x7f000001: invalid-argument
lookup 1.2: invalid-argument
lookup : invalid-argument"

begin "names beyond what names can be"
label=$(printf '%063d' 0 | tr 0 a)
run -Sallow-ip-name-lookup "$guest" names "$label.$label.$label.$label" "${label}a.b"
code 0
out_has "$label.$label: invalid-argument"
out_has "next: name-unresolvable"

if grep -q localhost /etc/hosts 2>/dev/null; then
    begin "a name of the hosts file"
    run -Sallow-ip-name-lookup "$guest" names localhost
    code 0
    out_has "lookup localhost: ok"
    out_has "v4 first = 127"
else
    echo "skip $topic: no localhost in /etc/hosts"
fi

if command -v python3 >/dev/null; then
    cat >peer.py <<'END'
import socket, sys
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
for answer in (True, False):
    c, _ = s.accept()
    c.settimeout(20)
    got = c.recv(100)
    if answer:
        c.sendall(b"you said " + got)
        c.close()
    else:
        c.recv(1)  # until the guest is gone
END
    python3 peer.py >port &
    peer=$!
    n=0
    while [ ! -s port ] && [ $n -lt 100 ]; do sleep 0.05; n=$((n + 1)); done

    begin "a server outside"
    run $on "$guest" send "$(cat port)"
    code 0
    out_has "you said ping"

    begin "a time limit while waiting for a socket"
    run $on -Wtimeout=300ms "$guest" send "$(cat port)"
    code 134
    err_has "interrupt"
    kill $peer 2>/dev/null
    wait $peer 2>/dev/null

    # The queue of the listener is full: nobody answers what else comes.
    cat >full.py <<'END'
import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(0)
held = []
for _ in range(8):
    c = socket.socket()
    c.setblocking(False)
    c.connect_ex(s.getsockname())
    held.append(c)
time.sleep(0.2)
print(s.getsockname()[1], flush=True)
time.sleep(60)
END
    rm -f port
    python3 full.py >port &
    peer=$!
    n=0
    while [ ! -s port ] && [ $n -lt 100 ]; do sleep 0.05; n=$((n + 1)); done
    begin "a time limit while a connection is not answered"
    run $on -Wtimeout=300ms "$guest" send "$(cat port)"
    code 134
    err_has "interrupt"
    kill $peer 2>/dev/null
    wait $peer 2>/dev/null
else
    echo "skip $topic: no python3 for a server outside"
fi

finish
