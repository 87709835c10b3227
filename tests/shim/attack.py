#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Misuse of a shim's socket: tests/shim/attack.py SOCKET ID. After each, the shim must still answer."""
import random
import sys

import ttrpc
from ttrpc import frame, request, text

path, container = sys.argv[1:]


def connect():
    return ttrpc.connect(path)


def answer(s):
    return ttrpc.response(s)[:2]


def expect(what, sent, *codes):
    s = connect()
    s.sendall(sent)
    for want in codes:
        got = answer(s)
        assert got == want, f"{what}: {got}, expected {want}"
    s.close()
    alive(what)


def alive(what):
    s = connect()
    s.sendall(request(1, "Connect", text(1, container)))
    assert answer(s) == (1, 0), f"after {what} the shim does not answer"
    s.close()


good = request(1, "State", text(1, container))
expect("a request", good, (1, 0))
expect("an unknown method", request(1, "Nothing"), (1, 12))
expect("checkpoint", request(1, "Checkpoint", text(1, container)), (1, 12))
expect("an unknown service", request(1, "State", b"", "x"), (1, 12))
expect("the newer service", request(1, "State", text(1, container), "containerd.task.v3.Task"), (1, 0))
expect("an unknown container", request(1, "State", text(1, "nobody")), (1, 5))
expect("ids that are paths", request(1, "Create", text(1, "../x") + text(2, "/tmp")), (1, 3))
expect("a bundle that is not absolute", request(1, "Create", text(1, "x") + text(2, "tmp")), (1, 3))
expect("a bundle that is not there", request(1, "Create", text(1, "x") + text(2, "/nonexistent")), (1, 2))
expect("a container again", request(1, "Create", text(1, container) + text(2, "/tmp")), (1, 6))
expect("no signal", request(1, "Kill", text(1, container) + b"\x18\x00"), (1, 3))
expect("an empty frame", frame(1, b""), (1, 12))
expect("no message", frame(1, b"\xff\xff"), (1, 3))
expect("no payload message", request(1, "State", b"\x0a\xff"), (1, 3))
expect("an even stream", request(2, "State", text(1, container)), (2, 3))
s = connect()
s.sendall(good)
assert answer(s) == (1, 0)
s.sendall(good)
assert answer(s) == (1, 3), "a stream again"
s.close()
expect("other types of frames", frame(1, b"x", 3) + frame(1, b"", 77) + good, (1, 0))
expect("a large frame", frame(1, b"\0" * ((4 << 20) + 1)) + request(3, "State", text(1, container)), (1, 8), (3, 0))
expect("an endless frame", frame(1, b"abc", 1, 0xFFFFFFFF), (1, 8))
for cut in range(len(good)):
    s = connect()
    s.sendall(good[:cut])
    s.close()
alive("requests that are cut")
s = connect()
s.sendall(b"".join(request(2 * i + 1, "Wait", text(1, container)) for i in range(3000)))
alive("many calls that wait")
s.close()
r = random.Random(1)
for _ in range(300):
    b = bytearray(request(1, r.choice(["State", "Exec", "Update", "Pids", "Stats", "CloseIO", "ResizePty"]),
                          text(1, container) + text(2, "e") + r.randbytes(r.randrange(40))))
    for _ in range(r.randrange(4)):
        b[r.randrange(4, len(b))] = r.randrange(256)
    s = connect()
    s.sendall(b)
    s.close()
alive("changed requests")
