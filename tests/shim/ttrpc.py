# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A client of a shim's socket: frames of ttrpc, and as much of protocol buffers as the Task service needs."""
import socket
import struct

TASK = 'containerd.task.v2.Task'
OK, INVALID, NOT_FOUND, EXISTS, PRECONDITION, UNIMPLEMENTED = 0, 3, 5, 6, 9, 12


def varint(n):
    out = b''
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def text(field, s):
    b = s.encode() if isinstance(s, str) else s
    return varint(field << 3 | 2) + varint(len(b)) + b


def number(field, n):
    return varint(field << 3) + varint(n)


def fields(data):
    """{field: [value...]}, of numbers and of bytes."""
    found, at = {}, 0

    def take():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return n
    while at < len(data):
        key = take()
        if key & 7 == 2:
            n = take()
            value = data[at:at + n]
            at += n
        else:
            assert key & 7 == 0, key
            value = take()
        found.setdefault(key >> 3, []).append(value)
    return found


def frame(stream, data, kind=1, length=None):
    return struct.pack('>IIBB', len(data) if length is None else length, stream, kind, 0) + data


def request(stream, method, payload=b'', service=TASK):
    return frame(stream, text(1, service) + text(2, method) + text(3, payload))


def connect(path, seconds=10):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(seconds)
    s.connect(path)
    return s


def read(s, n):
    b = b''
    while len(b) < n:
        more = s.recv(n - len(b))
        if not more:
            raise EOFError('the shim closed the connection')
        b += more
    return b


def response(s):
    """Stream, status code and payload, or message, of the next response."""
    n, stream, kind, _ = struct.unpack('>IIBB', read(s, 10))
    got = fields(read(s, n))
    assert kind == 2, kind
    status = fields(got[1][0]) if 1 in got else {}
    return stream, status.get(1, [0])[0], status[2][0].decode() if 2 in status else got.get(2, [b''])[0]


class Client:
    """Calls, one after the other."""

    def __init__(self, path, seconds=20):
        self.socket, self.stream = connect(path, seconds), -1

    def send(self, method, payload):
        self.stream += 2
        self.socket.sendall(request(self.stream, method, payload))
        return self.stream

    def call(self, method, payload=b'', want=OK):
        """The fields of the answer."""
        self.send(method, payload)
        stream, code, data = response(self.socket)
        assert (stream, code) == (self.stream, want), f'{method}: status {code} {data}, expected {want}'
        return fields(data) if code == OK else None
