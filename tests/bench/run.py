#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The benchmarks: ratios against peers in one run, interleaved, minimum of several, as a table and as JSON.

usage: run.py [-n ROUNDS] [-o OUT.json] [--only PART,...] [--programs REGEX]
parts: compile run cold hello calls instantiate slots component checks size (all by default)

Peers: node (V8) on PATH; the real wasmtime on PATH or in WASMTIME_REAL. A missing peer is named."""
import argparse, glob, json, math, os, re, shutil, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SUITES = os.environ.get('WASMTIME_SUITES', os.path.join(TOP, '../shared/suites'))
OURS = os.path.join(TOP, 'build/wasmtime')
MICRO = os.path.join(TOP, 'build/bench-micro')
SLOTS = os.path.join(TOP, 'build/bench-slots')
NODE = shutil.which('node')
REAL = os.environ.get('WASMTIME_REAL') or shutil.which('wasmtime')
LIFTOFF = ['--no-warnings', '--single-threaded', '--liftoff-only', '--no-wasm-lazy-compilation']
TURBOFAN = ['--no-warnings', '--single-threaded', '--no-liftoff', '--no-wasm-lazy-compilation']
PRELOAD = ['run', '--preload', f'bench={HERE}/bench.wat', '--dir', '.']
COMPILE_PROGRAMS = ['sqlite3/sqlite3', 'rust-compression/benchmark', 'regex/benchmark',
                    'libsodium/libsodium-sign']
COLD_PROGRAMS = ['sqlite3/sqlite3', 'rust-compression/benchmark', 'regex/benchmark',
                 'pulldown-cmark/benchmark', 'rust-json/benchmark']
results = {}


def geomean(xs):
    return math.exp(sum(map(math.log, xs)) / len(xs)) if xs else float('nan')


def run(cmd, cwd=None, timeout=300):
    t0 = time.perf_counter_ns()
    r = subprocess.run(cmd, cwd=cwd, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout)
    return r, time.perf_counter_ns() - t0


def interleave(rounds, rows):
    """rows: {name: function -> ns or None}; the minimum and the spread (p90 / min) of each."""
    times = {name: [] for name in rows}
    for _ in range(rounds):
        for name, measure in rows.items():
            ns = measure()
            if ns is not None:
                times[name].append(ns)
    return {name: (min(t), sorted(t)[int(len(t) * 0.9)] / min(t)) for name, t in times.items() if t}


def found(stderr, key):
    m = re.search(key + rb' 0*(\d+)', stderr)
    return max(int(m.group(1)), 1) if m else None


def code_section_bytes(path):
    data = open(path, 'rb').read()
    at, total = 8, 0
    while at < len(data):
        section, at = data[at], at + 1
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        total += size if section == 10 else 0
        at += size
    return total


def sightglass(name):
    return os.path.join(SUITES, 'sightglass', name + '.wasm')


def part_compile(a):
    """MB of code section a second, one core, validation included."""
    ratios, rows = [], []
    for name in COMPILE_PROGRAMS:
        wasm = sightglass(name)
        if not os.path.exists(wasm):
            print(f'  {name}: not there, skipped')
            continue
        engines = {'ours': lambda: found(run([MICRO, 'compile', wasm])[0].stderr, b'COMPILENS')}
        if NODE:
            engines['liftoff'] = lambda: found(
                run([NODE, *LIFTOFF, f'{HERE}/v8.cjs', 'compile', wasm])[0].stderr, b'COMPILENS')
        best = interleave(a.n, engines)
        size = code_section_bytes(wasm)
        row = {'program': name, **{k: round(size / v[0] * 1e3, 2) for k, v in best.items()},
               'spread': {k: round(v[1], 3) for k, v in best.items()}}
        rows.append(row)
        if 'liftoff' in best and 'ours' in best:
            ratios.append(best['liftoff'][0] / best['ours'][0])
        print('  ', row)
    print(f'  speed against Liftoff: {geomean(ratios):.2f} x (goal >= 1.0)')
    results['compile'] = {'rows': rows, 'ratio_liftoff': geomean(ratios)}


def expected(wasm, kind):
    folder, stem = os.path.dirname(wasm), wasm[:-5]
    for path in (f'{stem}.{kind}.expected', f'{folder}/benchmark.{kind}.expected',
                 f'{folder}/default.{kind}.expected'):
        if os.path.exists(path):
            return open(path, 'rb').read()
    return None


def engines_for_run(wasm):
    def timed(cmd):
        def measure():
            try:
                r, _ = run(cmd + [wasm], cwd=os.path.dirname(wasm))
            except subprocess.TimeoutExpired:
                return None
            want = expected(wasm, 'stdout')
            return found(r.stderr, b'BENCHNS') if want is None or r.stdout == want else None
        return measure
    rows = {'ours': timed([OURS, *PRELOAD])}
    if REAL:
        rows['wasmtime'] = timed([REAL, *PRELOAD])
    if NODE:
        rows['liftoff'] = timed([NODE, *LIFTOFF, f'{HERE}/v8.cjs', 'run'])
    return rows


def part_run(a):
    """Run time between bench.start and bench.end, against the real Wasmtime (Cranelift)."""
    rows, ratios = [], {'ours': [], 'liftoff': []}
    for wasm in sorted(glob.glob(SUITES + '/sightglass/**/*.wasm', recursive=True)):
        name = os.path.relpath(wasm, SUITES + '/sightglass')[:-5]
        if not re.search(a.programs, name) or re.search('splay|cm-online|noop', name):
            continue
        best = interleave(a.n, engines_for_run(wasm))
        row = {'program': name, **{k: round(v[0] / 1e6, 3) for k, v in best.items()}}
        base = best.get('wasmtime')
        if base and base[0] > 200_000:
            for k in ratios:
                if k in best:
                    row[k + '_ratio'] = round(best[k][0] / base[0], 2)
                    ratios[k].append(best[k][0] / base[0])
        if 'ours' not in best:
            row['ours'] = 'FAILED'
        rows.append(row)
        print('  ', row, flush=True)
    for k, r in ratios.items():
        if r:
            print(f'  {k} / wasmtime: geomean {geomean(r):.3f} over {len(r)}, max {max(r):.2f}')
    results['run'] = {'rows': rows, **{k: geomean(r) for k, r in ratios.items()}}


def part_cold(a):
    """Whole process from nothing to the result, without a cache."""
    ratios, rows = [], []
    for name in COLD_PROGRAMS:
        wasm = sightglass(name)
        if not os.path.exists(wasm):
            continue
        cwd = os.path.dirname(wasm)
        engines = {'ours': lambda: run([OURS, *PRELOAD, wasm], cwd)[1]}
        if REAL:
            engines['wasmtime'] = lambda: run([REAL, 'run', '-C', 'cache=n', *PRELOAD[1:], wasm], cwd)[1]
        best = interleave(a.n, engines)
        rows.append({'program': name, **{k: round(v[0] / 1e6, 2) for k, v in best.items()}})
        if 'wasmtime' in best:
            ratios.append(best['ours'][0] / best['wasmtime'][0])
        print('  ', rows[-1])
    print(f'  cold, ours / wasmtime: {geomean(ratios):.3f} (goal <= 0.6)')
    results['cold'] = {'rows': rows, 'ratio': geomean(ratios)}


def part_hello(a):
    """`run hello.wasm`, a C program of wasi-libc: whole process, and resident memory."""
    with tempfile.TemporaryDirectory() as tmp:
        src, wasm, native = f'{tmp}/hello.c', f'{tmp}/hello.wasm', f'{tmp}/hello'
        open(src, 'w').write('#include <stdio.h>\nint main(void) { puts("Hello, world!"); }\n')
        if run(['clang', '--target=wasm32-wasi', '-O2', '-o', wasm, src])[0].returncode:
            print('  clang with wasi-libc is missing, skipped')
            return
        run(['cc', '-O2', '-o', native, src])
        def timed(cmd):
            def measure():
                r, ns = run(cmd)
                return ns if r.stdout == b'Hello, world!\n' else None
            return measure
        engines = {'native': timed([native]), 'ours': timed([OURS, wasm])}
        if REAL:
            engines['wasmtime'] = timed([REAL, 'run', '-C', 'cache=n', wasm])
        best = interleave(max(a.n * 20, 40), engines)
        rss = found(run([MICRO, 'rss', OURS, wasm])[0].stderr, b'RSSKIB')
    row = {**{k: round(v[0] / 1e6, 3) for k, v in best.items()}, 'rss_mb': round(rss / 1024, 2)}
    print('   ms', row, '(goal ours <= 1.5 ms, <= 5 MB)')
    results['hello'] = row


def part_micro(name, goal, *args):
    r, _ = run([MICRO, name, *args])
    sys.stdout.write('   ' + r.stdout.decode().replace('\n', '\n   ').rstrip() + f' {goal}\n')
    results[name] = dict(re.findall(r'(\S+) ([\d.]+) ns', r.stdout.decode()))


def part_slots(a):
    """A request in a fresh instance, without a socket."""
    wasm = os.path.join(SUITES, 'components/component-hello-world.wasm')
    rows = [('guarded', [SLOTS], {}), ('idle', [SLOTS, 'idle', '1000'], {})]
    if os.path.exists(wasm):
        exact = {**os.environ, 'RESERVATION': str(256 << 20), 'EXACT': '1'}
        rows += [('hello', [SLOTS, wasm], None), ('hello, exact', [SLOTS, wasm], exact),
                 ('hello, idle', [SLOTS, 'idle', '1000', wasm], None)]
    http = os.path.join(SUITES, 'components/hello_wasi_http.wasm')
    if os.path.exists(http):
        rows += [('http', [SLOTS, 'http', http], None),
                 ('http, idle', [SLOTS, 'idle', '1000', http], None)]
    for name, cmd, env in rows:
        r = subprocess.run(cmd, capture_output=True, env=env or None, timeout=300)
        for line in r.stdout.decode().splitlines():
            print(f'   {name}: {line}')
            found_ns = re.search(r'^(.*?) +([\d.]+) ns', line)
            if found_ns:
                results[f'slots {name} {found_ns[1]}'] = float(found_ns[2])
    print('   (goals: a request <= 8 us and no faults, an idle slot <= 6 KiB)')


def part_component(a):
    """Components: calls across borders, decoding, the whole process."""
    part_micro('component', '', f'{HERE}/component.wat')
    js, hello = (f'{SUITES}/components/{name}.wasm'
                 for name in ('hello_js_http', 'component-hello-world'))
    if not os.path.exists(js):
        print(f'  {js}: not there, skipped')
        return
    print('   goals: <= 20 and 20; <= 8 and 60 ns; memory speed')
    best = interleave(a.n, {'ours': lambda: found(
        run([MICRO, 'component-decode', js])[0].stderr, b'DECODENS')})
    print(f'   decode and validate 13 MB: {best["ours"][0] / 1e6:.1f} ms (goal <= 60)')
    with tempfile.TemporaryDirectory() as tmp:
        run([OURS, 'compile', '-o', f'{tmp}/hello.cwasm', hello])
        def timed(cmd):
            def measure():
                r, ns = run(cmd)
                return ns if r.stdout == b'Hello, world!\n' else None
            return measure
        engines = {'ours': timed([OURS, 'run', hello]),
                   'compiled': timed([OURS, 'run', '--allow-precompiled', f'{tmp}/hello.cwasm'])}
        if REAL:
            engines['wasmtime'] = timed([REAL, 'run', hello])
        hello = interleave(max(a.n * 8, 20), engines)
    row = {k: round(v[0] / 1e6, 2) for k, v in hello.items()}
    print('   hello component, ms', row, '(goal ours <= 4)')
    results['component'].update({'decode_ms': best['ours'][0] / 1e6, 'hello_ms': row})


def part_checks(a):
    """Explicit bounds checks instead of guard pages."""
    ratios = []
    for name in ['sqlite3/sqlite3', 'shootout/shootout-matrix', 'shootout/shootout-keccak',
                 'regex/benchmark', 'pulldown-cmark/benchmark', 'bz2/benchmark',
                 'shootout/shootout-heapsort', 'shootout/shootout-sieve']:
        wasm = sightglass(name)
        if not os.path.exists(wasm):
            continue
        def timed(flags):
            return lambda: found(run([OURS, *PRELOAD, *flags, wasm], os.path.dirname(wasm))[0].stderr,
                                 b'BENCHNS')
        best = interleave(a.n, {'guard': timed([]),
                                'checks': timed(['-O', 'memory-reservation=0,memory-guard-size=0'])})
        if len(best) == 2:
            ratios.append(best['checks'][0] / best['guard'][0])
            print(f'   {name}: {ratios[-1]:.3f}')
    print(f'  explicit checks / guard pages: {geomean(ratios):.3f} (goal <= 1.25)')
    results['checks'] = geomean(ratios)


def part_size(a):
    with tempfile.NamedTemporaryFile() as f:
        run(['strip', '-o', f.name, OURS])
        size = os.path.getsize(f.name)
    print(f'   static binary, stripped: {size / 1e6:.2f} MB (goal <= 2)')
    results['size'] = size


PARTS = {
    'compile': part_compile, 'run': part_run, 'cold': part_cold, 'hello': part_hello,
    'calls': lambda a: part_micro('calls', '(goals <= 8 and <= 4 ns)'),
    'instantiate': lambda a: part_micro('instantiate', '(goal <= 3000 ns)'),
    'slots': part_slots, 'component': part_component, 'checks': part_checks, 'size': part_size,
}


def main():
    p = argparse.ArgumentParser()
    p.add_argument('-n', type=int, default=5)
    p.add_argument('-o', default=os.path.join(TOP, 'build/bench.json'))
    p.add_argument('--only', default=','.join(PARTS))
    p.add_argument('--programs', default='.')
    a = p.parse_args()
    print(f'peers: node {"found" if NODE else "MISSING"}, wasmtime {REAL or "MISSING"}')
    for part in a.only.split(','):
        print(part + (': ' + PARTS[part].__doc__ if PARTS[part].__doc__ else ''), flush=True)
        PARTS[part](a)
    json.dump(results, open(a.o, 'w'), indent=1)


main()
