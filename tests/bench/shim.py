#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The container shim beside runc's: `make bench-shim`.

  tests/bench/shim.py [--json FILE] [--rounds N] [--tasks N] [PART...]
parts: hello tasks first rate memory (all by default)

On a containerd 2.2 of its own (tests/shim/containerd), with images of a hello module and of a static native program
that does the same. What is compared takes turns; figures are the minimum and the median over the rounds, since on a
machine that others use only the least says what the work takes. Needs root.

BUILD            where the programs are, build if not set
CONTAINERD_BIN   a folder with containerd, ctr and containerd-shim-runc-v2
WASMTIME_SUITES  the suites, with components/; without them the HTTP component is one of the tests' own
"""
import argparse, json, os, re, shutil, socket, statistics, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get('BUILD', os.path.join(TOP, 'build')))
SUITES = os.environ.get('WASMTIME_SUITES', os.path.join(TOP, '../shared/suites'))
HTTP = os.path.join(SUITES, 'components/hello_wasi_http.wasm')
if not os.path.exists(HTTP):
    HTTP = os.path.join(TOP, 'tests/cli/data/component-http.wasm')
SHIM = os.path.join(TOP, 'tests/shim')
OURS, RUNC = 'io.containerd.wasmtime.v1', 'io.containerd.runc.v2'
CORES = sorted(os.sched_getaffinity(0))
SERVER, LOAD = str(CORES[0]), str(CORES[-1])
NS = f'bench{os.getpid()}'
HELLO_C = 'int puts(const char *); int main(void) { puts("hello world"); }'
HELLO_WAT = '''(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 8) "\\10\\00\\00\\00\\0c\\00\\00\\00hello world\\n")
  (func (export "_start") (drop (call $w (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0)))))'''
work = tempfile.mkdtemp()
results = {}
count = 0


def sh(*args, **more):
    return subprocess.run(args, check=True, capture_output=True, text=True, **more).stdout


class Containerd:
    def __init__(self):
        try:
            self.bin = sh(os.path.join(SHIM, 'containerd')).strip()
        except subprocess.CalledProcessError as e:
            sys.exit(f'no containerd: {e.stderr.strip()}')
        config = os.path.join(work, 'config.toml')
        with open(config, 'w') as f:
            f.write(f'''version = 2
root = "{work}/root"
state = "{work}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
[grpc]
  address = "{work}/c.sock"
''')
        path = os.pathsep.join([BUILD, self.bin, os.environ['PATH']])
        self.process = subprocess.Popen([os.path.join(self.bin, 'containerd'), '-c', config], stderr=subprocess.DEVNULL,
                                        env={**os.environ, 'PATH': path, 'WASMTIME_SHIM_CACHE': work + '/cache'})
        for _ in range(200):
            if subprocess.run(self.words('version'), capture_output=True).returncode == 0:
                return
            time.sleep(0.05)
        sys.exit('containerd does not start')

    def words(self, *args):
        return [os.path.join(self.bin, 'ctr'), '-a', work + '/c.sock', '-n', NS, *args]

    def ctr(self, *args):
        done = subprocess.run(self.words(*args), capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f'ctr {" ".join(args)}: {done.stderr}')
        return done.stdout

    def pid(self, name):
        return int(re.search(rf'^{name}\s+(\d+)', self.ctr('task', 'ls'), re.M).group(1))

    def end(self, name):
        subprocess.run(self.words('task', 'delete', '--force', name), capture_output=True)
        subprocess.run(self.words('container', 'delete', name), capture_output=True)

    def stop(self):
        for name in self.ctr('task', 'ls', '-q').split():
            self.end(name)
        self.process.terminate()
        self.process.wait()


def name():
    global count
    count += 1
    return f'c{count}'


def images(d):
    with open(work + '/hello.wat', 'w') as f:
        f.write(HELLO_WAT)
    with open(work + '/hello.c', 'w') as f:
        f.write(HELLO_C)
    sh('wat2wasm', work + '/hello.wat', '-o', work + '/hello.wasm')
    sh('cc', '-static', '-O2', '-o', work + '/hello', work + '/hello.c')
    sh(os.path.join(SHIM, 'image.py'), '--entry=/hello', 'localhost/native:v1', work + '/native.tar', work + '/hello')
    for module in ('hello', 'http'):
        sh(BUILD + '/oci-tar-builder', '--name', module, '--tag', 'v1', '--repo', 'localhost', '-o', f'{work}/{module}.tar',
           '--module', HTTP if module == 'http' else work + '/hello.wasm')
    for image in ('native', 'hello', 'http'):
        d.ctr('image', 'import', '--all-platforms', f'{work}/{image}.tar')


def row(label, values, unit, first=None):
    """The least, the median and the largest; and the ratio of the least ones."""
    ratio = f'{min(values) / min(first):9.2f} x' if first else ''
    print(f'  {label:44}{min(values):9.1f}{statistics.median(values):9.1f}{max(values):9.1f} {unit}{ratio}')
    results[label] = {'min': min(values), 'median': statistics.median(values), 'max': max(values), 'unit': unit}


def head(text):
    print(f'{text:46}{"least":>9}{"median":>9}{"largest":>9}')


def run_hello(d, runtime, image):
    begun = time.perf_counter()
    d.ctr('run', '--rm', '--runtime', runtime, f'localhost/{image}:v1', name())
    return (time.perf_counter() - begun) * 1e3


KINDS = (('runc\'s shim, a static program', RUNC, 'native'), ('this shim, a hello module', OURS, 'hello'),
         ('this shim, the same static program', OURS, 'native'))


def part_hello(d, a):
    times = {kind: [] for kind in KINDS}
    version = []
    for kind in KINDS:
        run_hello(d, *kind[1:])
    for _ in range(a.rounds):
        for kind in KINDS:
            times[kind].append(run_hello(d, *kind[1:]))
        begun = time.perf_counter()
        d.ctr('version')
        version.append((time.perf_counter() - begun) * 1e3)
    head('ctr run --rm from an image, wall time')
    for kind in KINDS:
        row(kind[0], times[kind], 'ms', times[KINDS[0]])
    row('ctr version alone', version, 'ms')
    return min(times[KINDS[0]])


def part_tasks(d, a):
    rates = {kind: [] for kind in KINDS[:2]}
    for _ in range(3):
        for kind in KINDS[:2]:
            begun = time.perf_counter()
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda _: run_hello(d, *kind[1:]), range(a.tasks)))
            rates[kind].append(a.tasks / (time.perf_counter() - begun))
    print(f'{f"{a.tasks} tasks, 4 at a time, three times":46}{"most":>9}{"median":>9}')
    first = max(rates[KINDS[0]])
    for kind in KINDS[:2]:
        most = max(rates[kind])
        print(f'  {kind[0]:44}{most:9.1f}{statistics.median(rates[kind]):9.1f} tasks/s{most / first:9.2f} x')
        results['tasks: ' + kind[0]] = {'most': most, 'unit': 'tasks/s'}


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def get(port):
    with socket.create_connection(('127.0.0.1', port), 10) as s:
        s.sendall(b'GET / HTTP/1.1\r\nhost: x\r\n\r\n')
        return s.recv(100).startswith(b'HTTP/1.1 200')


def until_answer(port, pause=0.001):
    for _ in range(20000):
        try:
            if get(port):
                return
        except OSError:
            pass
        time.sleep(pause)
    sys.exit('no answer')


def serve(d, *flags):
    """Its name, its port, and the seconds until the first answer."""
    port, c = free_port(), name()
    begun = time.perf_counter()
    with subprocess.Popen(d.words('run', '-d', '--net-host', '--runtime', OURS, '--env',
                                  f'WASMTIME_HTTP_PROXY_SOCKET_ADDR=127.0.0.1:{port}', *flags, 'localhost/http:v1', c),
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        until_answer(port)
        seconds = time.perf_counter() - begun
    return c, port, seconds


def part_first(d, a):
    natives, times = [], []
    for _ in range(a.rounds):
        natives.append(run_hello(d, RUNC, 'native'))
        c, _, seconds = serve(d)
        times.append(seconds * 1e3)
        d.end(c)
    head('first answer of an HTTP component')
    row('runc\'s shim, ctr run --rm of a static program', natives, 'ms')
    row('from ctr run to the answer', times, 'ms', natives)


def load(port, seconds):
    text = sh('taskset', '-c', LOAD, 'wrk', '-t1', '-c32', f'-d{seconds}', f'http://127.0.0.1:{port}/')
    return float(re.search(r'Requests/sec:\s*([\d.]+)', text).group(1))


def part_rate(d, a):
    if not shutil.which('wrk'):
        print('no wrk: no rates')
        return
    c, port, _ = serve(d, '--cpuset-cpus', SERVER)
    other = free_port()
    server = subprocess.Popen(['taskset', '-c', SERVER, BUILD + '/wasmtime', 'serve', '-S', 'cli', '--addr', f'127.0.0.1:{other}', HTTP],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until_answer(other)
    ports = {'in a container': port, 'wasmtime serve': other}
    rates = {k: [] for k in ports}
    for _ in range(max(3, a.rounds // 3)):
        for k, p in ports.items():
            rates[k].append(load(p, 2))
    server.terminate()
    server.wait()
    d.end(c)
    print(f'{"requests a second of hello_wasi_http":46}{"most":>9}{"median":>9}')
    for k, v in rates.items():
        print(f'  {k:44}{max(v):9.0f}{statistics.median(v):9.0f} 1/s {max(v) / max(rates["wasmtime serve"]):11.2f} x')
        results['rate: ' + k] = {'most': max(v), 'median': statistics.median(v)}


def rollup(pid):
    text = open(f'/proc/{pid}/smaps_rollup').read()
    field = lambda key: sum(int(n) for n in re.findall(rf'^{key}:\s+(\d+)', text, re.M)) / 1024
    return field('Rss'), field('Pss'), field('Private_[A-Z][a-z]+')


def shims():
    """Process ids of this daemon's shims."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            words = open(f'/proc/{pid}/cmdline').read().split('\0')
        except OSError:
            continue
        if 'containerd-shim' in words[0] and work + '/c.sock' in words:
            found.append(int(pid))
    return found


def part_memory(d, a):
    """A pod of HTTP servers that were asked once and wait."""
    print(f'{"resident memory of a pod of idle HTTP components, MB":60}{"Rss":>8}{"Pss":>8}{"private":>9}')
    pod, servers = [], []
    for n in (1, 2, 5):
        while len(servers) < n:
            c, port, _ = serve(d, '--annotation', 'io.kubernetes.cri.sandbox-id=' + (servers[0] if servers else f'c{count + 1}'))
            servers.append(c)
        time.sleep(0.5)
        shim = shims()
        assert len(shim) == 1, shim
        rows = [rollup(shim[0])] + [rollup(d.pid(c)) for c in servers]
        total = [sum(r[i] for r in rows) for i in range(3)]
        pod.append((n, total))
        print(f'  {f"the shim, of {n}":58}{rows[0][0]:8.2f}{rows[0][1]:8.2f}{rows[0][2]:9.2f}')
        print(f'  {f"shim and {n} processes":58}{total[0]:8.2f}{total[1]:8.2f}{total[2]:9.2f}')
        results[f'memory: the shim, of {n}'] = rows[0]
        results[f'memory: shim and {n} processes'] = total
    each = [(pod[-1][1][i] - pod[0][1][i]) / 4 for i in range(3)]
    print(f'  {"each further container":58}{each[0]:8.2f}{each[1]:8.2f}{each[2]:9.2f}')
    results['memory: each further container'] = each
    for c in servers:
        d.end(c)


def main():
    parts = {'hello': part_hello, 'tasks': part_tasks, 'first': part_first, 'rate': part_rate, 'memory': part_memory}
    p = argparse.ArgumentParser()
    p.add_argument('--json')
    p.add_argument('--rounds', type=int, default=9)
    p.add_argument('--tasks', type=int, default=100)
    p.add_argument('parts', nargs='*')
    a = p.parse_args()
    if os.geteuid() != 0:
        sys.exit('containers need root')
    d = Containerd()
    try:
        images(d)
        for part in a.parts or parts:
            parts[part](d, a)
    finally:
        d.stop()
        for mount in reversed([m.split()[1] for m in open('/proc/mounts') if m.split()[1].startswith(work)]):
            subprocess.run(['umount', '-l', mount])
        shutil.rmtree(work, ignore_errors=True)
        for top, dirs, _ in list(os.walk('/sys/fs/cgroup', topdown=False)):
            if os.path.basename(top) == NS:
                os.rmdir(top)
    if a.json:
        with open(a.json, 'w') as f:
            json.dump(results, f, indent=1)


main()
