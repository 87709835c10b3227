// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// node tests/fuzz/verdicts.cjs FUZZER WASM_TOOLS FIRST COUNT [SCRIPTS]: compares our verdict on
// changed modules, of generated ones and those of a folder of scripts, with that of
// `wasm-tools validate`. Prints each difference; the modules stay in the folder that it names.
'use strict';
const fs = require('fs'), os = require('os'), path = require('path');
const {spawnSync} = require('child_process');
const features = '-all,mutable-global,saturating-float-to-int,sign-extension,reference-types,' +
    'multi-value,bulk-memory,simd,relaxed-simd,threads,tail-call,floats,multi-memory,exceptions,' +
    'memory64,extended-const,function-references,gc,custom-page-sizes,wide-arithmetic,' +
    'stack-switching,gc-types';

const [fuzzer, tools, first, count, scripts] = process.argv.slice(2);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fuzz-verdicts-'));
const args = ['mutants', first, count, dir].concat(scripts ? [scripts] : []);
if (spawnSync(fuzzer, args, {stdio: 'inherit'}).status !== 0) process.exit(2);
let bad = 0, valid = 0;
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
    const file = path.join(dir, seed + '.wasm');
    const ours = fs.readFileSync(path.join(dir, seed + '.txt'), 'utf8').trim();
    const theirs = spawnSync(tools, ['validate', '--features=' + features, file],
                             {encoding: 'utf8'});
    if (theirs.status === 0) valid++;
    if ((theirs.status === 0) === (ours === 'valid')) {
        fs.unlinkSync(file);
        continue;
    }
    bad++;
    const reason = theirs.status === 0 ? 'valid' : theirs.stderr.trim().split('\n').pop().trim();
    console.log(`${file}: ours: ${ours}; theirs: ${reason}`);
}
console.log(`verdicts: ${count} modules, ${valid} valid, ${bad} differ`);
if (!bad) fs.rmSync(dir, {recursive: true});
process.exit(bad ? 1 : 0);
