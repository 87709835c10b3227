#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The declarations of two C headers, without regard to order, comments and blanks: prints what only
one of them has, and fails if there is anything."""
import re
import sys


def declarations(path):
    text = re.sub(r'//[^\n]*|/\*.*?\*/', '', open(path).read(), flags=re.S)
    found, lines = set(), []
    for line in text.split('\n'):
        if line.startswith('#define') and not line.endswith('_H'):
            found.add(' '.join(line.split()))
        elif not line.startswith('#') and not line.startswith('extern "C"'):
            lines.append(line)
    depth, current = 0, ''
    for c in '\n'.join(lines):
        depth += (c == '{') - (c == '}')
        current += c
        if c == ';' and depth == 0:
            found.add(re.sub(r' ?(\W) ?', r'\1', ' '.join(current.split())))
            current = ''
    return found


ours, theirs = declarations(sys.argv[1]), declarations(sys.argv[2])
for d in sorted(ours - theirs):
    print('only in ours:   ' + d[:200])
for d in sorted(theirs - ours):
    print('only in theirs: ' + d[:200])
print('%d declarations' % len(ours))
sys.exit(ours != theirs or not ours)
