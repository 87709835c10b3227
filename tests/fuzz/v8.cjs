// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// node tests/fuzz/v8.cjs FUZZER FIRST COUNT: compares what COUNT generated modules do in V8 with
// what they do in the reference interpreter. Works in a temporary folder; exits with 1 on a
// difference, whose seed it prints.
'use strict';
const fs = require('fs'), os = require('os'), path = require('path');
const {spawnSync} = require('child_process');
const v8 = require('v8');
v8.setFlagsFromString('--experimental-wasm-extended-const');
v8.setFlagsFromString('--experimental-wasm-return-call');

const imports = {env: {
    h0: (a) => (Math.imul(a, 2654435761 | 0) + 1) | 0,
    h1: (a, b) => BigInt.asIntN(64, (a << BigInt(b & 7)) ^ BigInt(b >>> 0)),
    h2: (a) => a * 0.5 + 1,
    h3: (a, b) => [b, a],
}};

function trapClass(e) {
    const m = e.message;
    if (/divide|remainder|representable/.test(m)) return 'number';
    if (/memory|data segment/.test(m)) return 'memory';
    if (/signature/.test(m)) return 'indirect';
    if (/table|element segment/.test(m)) return 'table';
    if (/unreachable/.test(m)) return 'unreachable';
    if (/null/.test(m)) return 'null';
    return 'other: ' + m;
}

function floatText(x) {
    if (x !== x) return 'NaN';
    return new BigUint64Array(new Float64Array([x]).buffer)[0].toString(16);
}

function memoryText(memory) {
    const bytes = new Uint8Array(memory.buffer);
    let h = 2166136261 | 0;
    for (const b of bytes) h = Math.imul(h ^ b, 16777619);
    return `${bytes.length} ${h >>> 0}`;
}

// The type of an exported global is in the line that the interpreter wrote: so compare by it.
function globalText(value, expected) {
    if (typeof value === 'bigint') return BigInt.asUintN(64, value).toString();
    if (value === null) return 'null';
    if (typeof value !== 'number') return 'reference';
    return String(value >>> 0) === expected && value === (value | 0) && !Object.is(value, -0)
        ? expected : floatText(value);
}

function stateLines(exports, expected) {
    const lines = [];
    for (const [name, e] of Object.entries(exports)) {
        const wanted = expected[lines.length] || '';
        if (e instanceof WebAssembly.Memory) lines.push(`  ${name} ${memoryText(e)}`);
        else if (e instanceof WebAssembly.Table) lines.push(`  ${name} ${e.length}`);
        else if (e instanceof WebAssembly.Global)
            lines.push(`  ${name} ${globalText(e.value, wanted.split(' ')[3])}`);
    }
    return lines;
}

// Runs what the interpreter ran, in its order; returns the lines that differ.
function differences(wasm, expected) {
    const {exports} = new WebAssembly.Instance(new WebAssembly.Module(wasm), imports);
    const found = [];
    for (let at = 0; at < expected.length;) {
        const name = expected[at].split(' ')[0];
        let line;
        exports.reset();
        try {
            line = `${name} ${BigInt.asUintN(64, exports[name]())}`;
        } catch (e) {
            if (e instanceof RangeError && /call stack/.test(e.message)) return [];
            if (!(e instanceof WebAssembly.RuntimeError)) throw e;
            line = `${name} trap ${trapClass(e)}`;
        }
        let end = at + 1;
        while (end < expected.length && expected[end].startsWith('  ')) end++;
        const lines = [line, ...stateLines(exports, expected.slice(at + 1, end))];
        lines.forEach((l, i) => {
            if (l !== expected[at + i]) found.push(`V8 "${l}", interpreter "${expected[at + i]}"`);
        });
        at = end;
    }
    return found;
}

const [fuzzer, first, count] = process.argv.slice(2);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fuzz-v8-'));
const made = spawnSync(fuzzer, ['outcomes', first, count, dir], {stdio: 'inherit'});
if (made.status !== 0) process.exit(2);
let bad = 0, calls = 0;
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
    const base = path.join(dir, String(seed));
    const text = fs.readFileSync(base + '.txt', 'utf8');
    const expected = text ? text.trimEnd().split('\n') : [];
    const found = differences(fs.readFileSync(base + '.wasm'), expected);
    calls += expected.filter((l) => !l.startsWith('  ')).length;
    if (found.length) {
        bad++;
        console.log(`seed ${seed}: ${found.slice(0, 3).join('; ')}`);
    }
}
fs.rmSync(dir, {recursive: true});
console.log(`v8: ${count} modules, ${calls} calls, ${bad} modules differ`);
process.exit(bad ? 1 : 0);
