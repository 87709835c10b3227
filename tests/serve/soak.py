# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The clients of the soak: what they ask, how often, and what must come back.

Each of Kinds.rows is a weight and a function that asks, checks every answer, and gives back the connection to go on
with, which may be a new one.
"""
import random, socket, threading, time

FRESH = '1 1 1 1 '
TIMEOUT = 3  # seconds that the server gives a request
HOST = b' HTTP/1.1\r\nhost: x\r\n'


class Wrong(Exception):
    pass


def need(ok, what):
    if not ok:
        raise Wrong(what)


class Kinds:
    """again() is a new connection, `handles` what /handles answered first."""

    def __init__(self, again, rng, handles):
        self.again, self.rng, self.handles = again, rng, handles

    def fresh(self, a, what):
        need(a.status == 200 and a.text.startswith(FRESH) and not a.cut, f'{what}: {a.status} {a.text[:60]!r}')

    def same(self, a, status, text, what):
        need(a.status == status and a.text == text and not a.cut, f'{what}: {a.status} {a.text[:60]!r}')

    # --- good ---

    def count(self, c):
        self.fresh(c.get('/count'), 'count')
        return c

    def closes(self, c):
        c.send(b'GET /count' + HOST + b'connection: close\r\n\r\n')
        self.fresh(c.answer(), 'close')
        need(c.is_closed(), 'the connection stays')
        return self.again()

    def old(self, c):
        c.send(b'GET /count HTTP/1.0\r\nhost: x\r\n\r\n')
        a = c.answer()
        self.fresh(a, 'HTTP/1.0')
        return self.again()

    def head(self, c):
        for path in ['/count', '/short', '/cut-trap']:
            need(c.get(path, method='HEAD').status == 200, f'HEAD {path}')
        return c

    def pipeline(self, c):
        n = self.rng.randrange(2, 12)
        c.send(b''.join(b'GET /header' + HOST + b'x-test: %d\r\n\r\n' % i for i in range(n)))
        for i in range(n):
            self.same(c.answer(), 200, f'{i};', 'pipelined')
        return c

    def length(self, c):
        n = self.rng.randrange(5000)
        body = b'%x\r\n' % n + b'x' * n + b'\r\n' if n else b''
        a = c.get('/length', method='POST', head='transfer-encoding: chunked\r\n', body=body + b'0\r\na: b\r\n\r\n')
        self.same(a, 200, f'length {n} ', 'chunks')
        return c

    def expects(self, c):
        c.send(b'POST /length' + HOST + b'expect: 100-continue\r\ncontent-length: 3\r\n\r\n')
        need(c.answer('HEAD').status == 100, 'no 100 Continue')
        c.send(b'abc')
        self.same(c.answer(), 200, 'length 3 ', '100 Continue')
        return c

    def unread(self, c):
        self.fresh(c.get('/count', method='POST', head='content-length: 300\r\n', body=b'GET /hide' + b' ' * 291), 'unread')
        return c

    def dirty(self, c):
        self.fresh(c.get('/dirty'), 'dirty')
        return c

    def touch(self, c):
        self.same(c.get('/touch'), 200, 'touched', 'touch')
        return c

    def opens(self, c):
        self.same(c.get('/handles'), 200, self.handles, 'handles')
        return c

    def prints(self, c):
        self.same(c.get('/stdout'), 200, 'printed', 'stdout')
        return c

    def secret(self, c):
        need(c.get('/hide').status == 200, 'hide')
        self.same(c.get('/look'), 200, 'found 0 ', 'look')
        return c

    # --- failing ---

    def traps(self, c):
        for path in self.rng.sample(['/early-trap', '/never', '/error', '/exit'], 2):
            a = c.get(path)
            need(a.status == 500 and a.text.endswith('</html>'), f'{path}: {a.status} {a.text[:60]!r}')
        return c

    def late_traps(self, c):
        self.fresh(c.get('/trap'), 'trap')  # behind a response that was whole
        return c

    def cut(self, c):
        path = self.rng.choice(['/cut', '/cut-trap', '/short'])
        a = c.get(path)
        need(a.status == 200 and a.cut and 'part' in a.text, f'{path}: {a.status} {a.text[:60]!r}')
        return self.again()

    def grows(self, c):
        a = c.get('/grow')
        need(a.text == 'pages 1024 ', f'grow: {a.text}')
        return c

    # --- slow ---

    def times_out(self, c):
        path = self.rng.choice(['/loop', '/sleep'])
        begun = time.time()
        a = c.get(path)
        need(a.status == 500 and time.time() - begun > TIMEOUT - 0.1, f'{path}: {a.status} after {time.time() - begun}')
        return c

    def dribbles(self, c):
        for piece in [b'PO', b'ST /echo' + HOST, b'content-length: 6\r\n\r', b'\nab', b'cd', b'ef']:
            c.send(piece)
            time.sleep(0.002)
        self.same(c.answer(), 200, 'abcdef', 'dribble')
        return c

    # --- huge ---

    def echo(self, c):
        data = bytes([self.rng.randrange(256)]) * self.rng.randrange(200000)
        a = c.get('/echo', method='POST', head=f'content-length: {len(data)}\r\n', body=data)
        need(a.body == data and not a.cut, f'echo of {len(data)}: {len(a.body)}')
        return c

    def too_much(self, c):
        a = c.get('/count', head='a: ' + 'b' * 200000 + '\r\n')
        need(a.status in (431, 0), f'200 KB of head: {a.status}')
        return self.again()

    # --- cut off by the client ---

    def leaves(self, c):
        way = self.rng.randrange(5)
        if way == 0:
            c.send(b'POST /echo' + HOST + b'content-length: 9\r\n\r\nx')
        elif way == 1:
            c.send(b'GET /big' + HOST + b'\r\n')
            c.more()
        elif way == 2:
            c.send(b'GET /nap' + HOST + b'\r\n')
        elif way == 3:
            c.send(b'GET /count HTTP')
        else:
            c.send(b'POST /length' + HOST + b'transfer-encoding: chunked\r\n\r\nff\r\nx')
        c.close(reset=self.rng.random() < 0.7)
        return self.again()

    # --- malformed ---

    heads = [b'nonsense\r\n\r\n', b'\x16\x03\x01\x00', b'GET /count HTTP/1.1\r\n\r\n', b'GET /count HTTP/1.1\nhost: x\n\n',
             b'GET /count HTTP/9.9\r\n\r\n', b'GET /count' + HOST + b'host: y\r\n\r\n', b'GET /count' + HOST + b'a : b\r\n\r\n',
             b'GET /count' + HOST + b' folded\r\n\r\n', b'GET /count' + HOST + b'a: \x00\r\n\r\n',
             b'GET /count' + HOST + b'a: b\r\n' * 300 + b'\r\n',
             b'POST /length' + HOST + b'content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
             b'POST /length' + HOST + b'content-length: +3\r\n\r\nabc',
             b'POST /length' + HOST + b'content-length: 3\r\ncontent-length: 3\r\n\r\nabc',
             b'POST /length' + HOST + b'transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n']
    bodies = [b'zz\r\n', b'-1\r\n', b'0x1\r\nx\r\n', b'5\nhello\r\n', b'5\r\nhelloX\r\n', b'fffffffffffffffff\r\n',
              b'5;\x00\r\nhello\r\n', b'0\r\nhost: x\r\n\r\n']

    def malformed(self, c):
        text = self.rng.choice(self.heads)
        c.send(text + b'GET /hide' + HOST + b'\r\n')
        a = c.answer()
        need(400 <= a.status <= 505 and a.status != 500 or a.status == 0, f'{text[:60]}: {a.status}')
        need(c.is_closed() and b'HTTP/' not in c.buffer, f'{text[:60]}: more than an answer')
        return self.again()

    def broken(self, c):
        text = self.rng.choice(self.bodies)
        c.send(b'POST /length' + HOST + b'transfer-encoding: chunked\r\n\r\n' + text)
        a = c.answer()
        need(a.status == 400, f'{text}: {a.status} {a.text[:60]}')
        need(c.is_closed(), f'{text}: the connection stays')
        return self.again()

    rows = [(600, count), (20, closes), (20, old), (10, head), (20, pipeline), (30, length), (10, expects), (20, unread),
            (20, dirty), (20, touch), (20, opens), (10, prints), (10, secret), (40, traps), (10, late_traps), (20, cut),
            (1, grows), (0.05, times_out), (3, dribbles), (4, echo), (2, too_much), (30, leaves), (30, malformed),
            (20, broken)]


def run(again, total, threads, seed, handles):
    """Asks `total` times, in that many threads. How often what was asked; the first answers that were wrong."""
    counts, wrong, left, lock = {}, [], [total], threading.Lock()

    def client(number):
        rng = random.Random(f'{seed} {number}')
        kinds, mine = Kinds(again, rng, handles), {}
        weights = [weight for weight, _ in Kinds.rows]
        c = again()
        while not wrong:
            with lock:
                some = min(left[0], 50)
                left[0] -= some
            if some == 0:
                break
            for _, ask in rng.choices(Kinds.rows, weights, k=some):
                begun, name = time.time(), ask.__name__
                try:
                    c = ask(kinds, c)
                except (Wrong, OSError, ValueError) as e:
                    if time.time() - begun >= TIMEOUT:  # its thread computed for another, or the machine is busy
                        c.close()
                        c, name = again(), 'late'
                        continue
                    wrong.append(f'{name} (seed {seed}, client {number}): {type(e).__name__} {e}')
                    return
                finally:
                    mine[name] = mine.get(name, 0) + 1
        c.close()
        with lock:
            for name, n in mine.items():
                counts[name] = counts.get(name, 0) + n
    clients = [threading.Thread(target=client, args=[n]) for n in range(threads)]
    for t in clients:
        t.start()
    for t in clients:
        t.join()
    return counts, wrong
