#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One call of the Task service: tests/shim/call.py SOCKET METHOD [FIELD=TEXT | FIELD:=NUMBER]...

FIELD is a number, or two with a dot for a field of a message inside. Prints the status code, and the
fields of the answer that are numbers or text, one a line.
"""
import socket
import struct
import sys


def varint(n):
    b = b""
    while n > 127:
        b += bytes([n & 127 | 128])
        n >>= 7
    return b + bytes([n])


def data(field, b):
    return varint(field << 3 | 2) + varint(len(b)) + b


def encode(word):
    key, value = word.split("=", 1)
    number = key.endswith(":")
    path = [int(k) for k in key.rstrip(":").split(".")]
    b = varint(path[-1] << 3) + varint(int(value)) if number else data(path[-1], value.encode())
    for field in reversed(path[:-1]):
        b = data(field, b)
    return b


def fields(b):
    def take():
        nonlocal b
        n = shift = 0
        while True:
            c, b = b[0], b[1:]
            n |= (c & 127) << shift
            shift += 7
            if c < 128:
                return n

    while b:
        key = take()
        if key & 7 == 0:
            yield key >> 3, take()
        else:
            n = take()
            yield key >> 3, b[:n]
            b = b[n:]


path, method, *words = sys.argv[1:]
s = socket.socket(socket.AF_UNIX)
s.settimeout(30)
s.connect(path)
request = data(1, b"containerd.task.v3.Task") + data(2, method.encode()) + data(3, b"".join(map(encode, words)))
s.sendall(struct.pack(">IIBB", len(request), 1, 1, 0) + request)
f = s.makefile("rb")
n, stream, kind, _ = struct.unpack(">IIBB", f.read(10))
assert (stream, kind) == (1, 2)
reply = dict(fields(f.read(n)))
status = dict(fields(reply.get(1, b"")))
print("code", status.get(1, 0), status.get(2, b"").decode())
for field, value in fields(reply.get(2, b"")):
    print(field, value if isinstance(value, int) else value.decode(errors="replace"))
