#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`wasmtime serve` beside nginx and another wasmtime: `make bench-serve`.

  tests/bench/serve.py [--json FILE] [--seconds S] [--rounds N] [PART...]
parts: hello dirty timeout javascript start memory (all by default)

Every server runs on one core, the load (wrk, 32 kept-alive connections) on another; the servers of a part
take turns in each round, and the figures are medians over the rounds. On a machine that others use, rates mean
little by themselves: look at the ratios, and at the processor time a request took. CPU ratio is that time by that of
the first row; dirty and timeout, whose ratios are near 1, take many short turns and print their spread.

WASMTIME         the command, build/wasmtime if not set
WASMTIME_REAL    another wasmtime command, from PATH if not set; without it, and without nginx, their rows are missing
WASMTIME_SUITES  the suites, with components/
"""
import argparse, glob, json, os, re, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OURS = os.environ.get('WASMTIME', os.path.join(TOP, 'build/wasmtime'))
OTHER = os.environ.get('WASMTIME_REAL') or shutil.which('wasmtime')
SUITES = os.environ.get('WASMTIME_SUITES', os.path.join(TOP, '../shared/suites'))
NGINX = shutil.which('nginx') or shutil.which('nginx', path='/usr/sbin')
WORK = tempfile.mkdtemp()
CORES = sorted(os.sched_getaffinity(0))
SERVER, LOAD = str(CORES[0]), str(CORES[-1])
HELLO = os.path.join(SUITES, 'components/hello_wasi_http.wasm')
SCRIPT = os.path.join(SUITES, 'components/hello_js_http.wasm')
GUEST = os.path.join(WORK, 'guest.wat')
TUNED = ['-O', 'pooling-allocator=y', '-O', 'pooling-memory-keep-resident=1048576', '-O',
         'pooling-table-keep-resident=1048576', '-O', 'pooling-pagemap-scan=y', '-O',
         'pooling-max-unused-warm-slots=1000']
SLICES = 12  # of a second, in each round
results = {}


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, name, args, path='/', env=None):
        self.name, self.path, self.port = name, path, free_port()
        args = [a.replace('PORT', str(self.port)) for a in args]
        self.process = subprocess.Popen(['taskset', '-c', SERVER] + args, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        self.rates, self.p99, self.cpu = [], [], []

    def first_answer(self):
        """Waits for it; the seconds."""
        begun = time.time()
        while time.time() < begun + 60:
            try:
                with socket.create_connection(('127.0.0.1', self.port), 30) as s:
                    s.sendall(f'GET {self.path} HTTP/1.1\r\nhost: x\r\n\r\n'.encode())
                    if s.recv(100).startswith(b'HTTP/1.1'):
                        return time.time() - begun
            except OSError:
                pass
            time.sleep(0.002)
        sys.exit(f'{self.name} does not answer')

    def pids(self):
        """nginx has a worker of its own."""
        children = open(f'/proc/{self.process.pid}/task/{self.process.pid}/children').read().split()
        return [self.process.pid] + [int(c) for c in children]

    def seconds(self):
        """Of the processor; the scheduler counts nanoseconds, ticks would be too coarse for short slices."""
        return sum(int(open(t).read().split()[0]) for p in self.pids()
                   for t in glob.glob(f'/proc/{p}/task/*/schedstat')) / 1e9

    def status_mib(self, what):
        return sum(int(re.search(what + r':\s*(\d+)', open(f'/proc/{p}/status').read()).group(1))
                   for p in self.pids()) / 1024

    def load(self, seconds, connections=32):
        before = self.seconds()
        text = subprocess.run(['taskset', '-c', LOAD, 'wrk', '-t1', f'-c{connections}', f'-d{seconds}', '--latency',
                               f'http://127.0.0.1:{self.port}{self.path}'], capture_output=True, text=True).stdout
        rate = float(re.search(r'Requests/sec:\s*([\d.]+)', text).group(1))
        n = int(re.search(r'(\d+) requests in', text).group(1))
        number, unit = re.search(r'99%\s+([\d.]+)(us|ms|s)', text).groups()
        self.rates.append(rate)
        self.p99.append(float(number) * {'us': 1, 'ms': 1e3, 's': 1e6}[unit])
        self.cpu.append((self.seconds() - before) / max(n, 1) * 1e6)

    def stop(self):
        self.process.send_signal(signal.SIGTERM if self.name.startswith('nginx') else signal.SIGINT)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def nginx():
    conf = os.path.join(WORK, 'nginx.conf')
    open(conf, 'w').write(f'''daemon off; worker_processes 1; pid {WORK}/nginx.pid; error_log /dev/null;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000;
client_body_temp_path {WORK}/b; proxy_temp_path {WORK}/p; fastcgi_temp_path {WORK}/f; uwsgi_temp_path {WORK}/u;
scgi_temp_path {WORK}/s;
server {{ listen 127.0.0.1:@; location / {{
return 200 "Hello, this is your first wasi:http/proxy world!\\n"; }} }} }}''')
    port = free_port()
    text = open(conf).read().replace('@', str(port))
    open(conf, 'w').write(text)
    s = Server('nginx return 200', [NGINX, '-c', conf])
    s.port = port
    return s


def ours(name, wasm, *flags, path='/'):
    return Server(name, [OURS, 'serve', '-S', 'cli=y', '--threads', '1', '--addr', '127.0.0.1:PORT', *flags, wasm], path)


def other(name, wasm, *flags, path='/'):
    return Server(name, [OTHER, 'serve', '-S', 'cli=y', '--addr', '127.0.0.1:PORT', *flags, wasm], path)


def compare(part, servers, a, connections=32, slices=1):
    """`slices` above 1: as much load in shorter turns, for ratios of a few percent."""
    for s in servers:
        s.first_answer()
        s.load(1, connections)
        s.rates, s.p99, s.cpu = [], [], []
    for turn in range(a.rounds * slices):
        for s in servers if turn % 2 else reversed(servers):
            s.load(a.seconds if slices == 1 else 1, connections)
    print(f'\n{part}\n{"":34}{"requests/s":>12}{"p99 us":>10}{"CPU us each":>13}{"rate ratio":>12}{"CPU ratio":>11}')
    first = servers[0]
    for s in servers:
        rate, p99, cpu = (statistics.median(x) for x in (s.rates, s.p99, s.cpu))
        ratio = statistics.median(m / o for m, o in zip(first.rates, s.rates))
        ratios = sorted(o / m for m, o in zip(first.cpu, s.cpu))
        cpu_ratio, fourth = statistics.median(ratios), len(ratios) // 4
        print(f'{s.name:34}{rate:12.0f}{p99:10.0f}{cpu:13.1f}{ratio:12.2f}{cpu_ratio:11.2f}',
              f'  half of them {ratios[fourth]:.2f} to {ratios[-1 - fourth]:.2f}' if slices > 1 and s is not first else '')
        results[f'{part}: {s.name}'] = {'rate': rate, 'p99_us': p99, 'cpu_us': cpu, 'ours_by_this': ratio,
                                        'cpu_ratio': cpu_ratio}
        s.stop()


def part_hello(a):
    """Ratios: ours by each."""
    servers = [ours('wasmtime, ours', HELLO)]
    servers += [nginx()] if NGINX else []
    servers += [other('the other', HELLO), other('the other, tuned', HELLO, *TUNED)] if OTHER else []
    compare('hello_wasi_http', servers, a)


def part_timeout(a):
    compare('-W timeout', [ours('with -W timeout=5s', HELLO, '-W', 'timeout=5s'), ours('without', HELLO)], a,
            slices=SLICES)


def part_dirty(a):
    made = subprocess.run([os.path.join(TOP, 'tests/serve/component.sh'), WORK])
    if made.returncode:
        return print('dirty: the guest cannot be compiled')
    compare('pages that a request writes', [ours('32 pages', GUEST, path='/touch'), ours('none', GUEST, path='/none')], a,
            slices=SLICES)


def part_javascript(a):
    servers = [ours('wasmtime, ours', SCRIPT)]
    servers += [other('the other', SCRIPT)] if OTHER else []
    compare('hello_js_http', servers, a)


def part_start(a):
    print('\nhello_js_http, start of the process to the first answer, one core')
    makers = [('wasmtime, ours', lambda: ours('ours', SCRIPT), a.rounds)]
    if OTHER:
        makers += [('the other, warm cache', lambda: other('warm', SCRIPT), a.rounds),
                   ('the other, no cache', lambda: other('cold', SCRIPT, '-C', 'cache=n'), 1)]
        s = other('warming', SCRIPT)
        s.first_answer()
        s.stop()
    first = None
    for name, make, rounds in makers:
        times, peak = [], 0
        for _ in range(rounds):
            s = make()
            times.append(s.first_answer())
            peak = max(peak, s.status_mib('VmHWM'))
            s.stop()
        ms = statistics.median(times) * 1e3
        first = first or ms
        print(f'{name:34}{ms:10.0f} ms   peak {peak:6.0f} MiB   ours by this {first / ms:.3f}')
        results[f'start: {name}'] = {'ms': ms, 'peak_mib': peak}


def part_memory(a):
    """Resident memory after some seconds of load, and after as many again."""
    print('\nresident memory under load, hello_wasi_http')
    for name, make in [('wasmtime, ours', ours)] + ([('the other', other)] if OTHER else []):
        s = make(name, HELLO)
        s.first_answer()
        seen = []
        for _ in range(2):
            s.load(a.seconds * 2)
            seen.append(s.status_mib('VmRSS'))
        print(f'{name:34}{seen[0]:8.1f} MiB, then {seen[1]:.1f}')
        results[f'memory: {name}'] = {'first_mib': seen[0], 'then_mib': seen[1]}
        s.stop()


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--json')
    p.add_argument('--seconds', type=int, default=3)
    p.add_argument('--rounds', type=int, default=3)
    parts = {'hello': part_hello, 'dirty': part_dirty, 'timeout': part_timeout, 'javascript': part_javascript,
             'start': part_start, 'memory': part_memory}
    p.add_argument('parts', nargs='*', metavar='PART')
    a = p.parse_args()
    if not shutil.which('wrk') or not os.path.exists(HELLO):
        sys.exit('wrk and WASMTIME_SUITES are needed')
    for name in a.parts or parts:
        parts[name](a)
    if a.json:
        json.dump(results, open(a.json, 'w'), indent=1)


try:
    main()
finally:
    shutil.rmtree(WORK)
