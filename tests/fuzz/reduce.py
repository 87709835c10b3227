#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes a module with a finding smaller, line by line of its text.

  tests/fuzz/reduce.py FUZZER WASM_TOOLS IN.wasm OUT.wat TEXT [SECONDS]

Ranges of lines are taken out, or replaced by one simple instruction, as long as the module stays
valid and `FUZZER exec` still prints TEXT. Get the module with `fuzzer module-exec SEED|FILE`.
"""
import os
import subprocess
import sys
import tempfile
import time

SIMPLE = ['drop', 'i32.const 1', 'i64.const 1', 'f32.const 1', 'f64.const 1', 'unreachable']


class Reducer:
    def __init__(self, fuzzer, tools, text, seconds):
        self.fuzzer, self.tools, self.text = fuzzer, tools, text
        self.end = time.time() + seconds
        self.dir = tempfile.mkdtemp(prefix='fuzz-reduce-')

    def interesting(self, lines):
        wat, wasm = os.path.join(self.dir, 'a.wat'), os.path.join(self.dir, 'a.wasm')
        with open(wat, 'w', encoding='utf-8') as f:
            f.write('\n'.join(lines))
        for step in (['parse', wat, '-o', wasm], ['validate', '--features', 'all', wasm]):
            if subprocess.run([self.tools] + step, capture_output=True, check=False).returncode:
                return False
        try:
            run = subprocess.run([self.fuzzer, 'exec', wasm], capture_output=True, check=False,
                                 text=True, errors='replace', timeout=5)
        except subprocess.TimeoutExpired:
            return False
        return self.text in run.stderr

    def candidates(self, lines, at, size):
        yield lines[:at] + lines[at + size:]
        if size > 12 or (size == 1 and lines[at].split()[:1] and
                         any(s.startswith(lines[at].split()[0]) for s in SIMPLE)):
            return
        for simple in SIMPLE:
            yield lines[:at] + [simple] + lines[at + size:]

    def round(self, lines):
        size = max(1, len(lines) // 2)
        while size >= 1:
            at = 0
            while at < len(lines) and time.time() < self.end:
                smaller = next((c for c in self.candidates(lines, at, size)
                                if self.interesting(c)), None)
                if smaller is None or len(smaller) == len(lines):
                    at += 1
                lines = smaller or lines
            size = size // 2 if size > 8 else size - 1
        return lines

    def reduce(self, lines):
        while time.time() < self.end:
            smaller = self.round(lines)
            if smaller == lines:
                break
            lines = smaller
        return lines


def main():
    fuzzer, tools, source, out, text = sys.argv[1:6]
    seconds = float(sys.argv[6]) if len(sys.argv) > 6 else 120
    printed = subprocess.run([tools, 'print', source], capture_output=True, check=True, text=True)
    reducer = Reducer(fuzzer, tools, text, seconds)
    lines = printed.stdout.split('\n')
    if not reducer.interesting(lines):
        sys.exit(f'reduce: {source} does not print "{text}"')
    lines = reducer.reduce(lines)
    with open(out, 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines))
    print(f'reduce: {len(lines)} lines')


main()
