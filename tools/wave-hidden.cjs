// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// node tools/wave-hidden.cjs > src/component/wave_hidden.def: the characters that WAVE shows by
// number, by the Unicode tables of node (17.0).
'use strict';
const hidden = /\p{Grapheme_Extend}|\p{Cc}|\p{Cf}|\p{Cs}|\p{Co}|\p{Cn}|\p{Zl}|\p{Zp}|\p{Zs}/u;
const rows = [];
let first = -1;
for (let c = 0; c <= 0x110000; c++) {
    const is = c < 0x110000 && c !== 0x20 && hidden.test(String.fromCodePoint(c));
    if (is && first < 0) first = c;
    if (!is && first >= 0) {
        rows.push(`HIDDEN(0x${first.toString(16)}, 0x${(c - 1).toString(16)})`);
        first = -1;
    }
}
console.log(`/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Characters that are shown by number, HIDDEN(first, last): what joins the character before it, and
 * what has no look of its own (controls, spaces but ' ', private, unassigned). Unicode ${
    process.versions.unicode}, written
 * by tools/wave-hidden.cjs.
 */
/* clang-format off */`);
let line = '';
for (const row of rows) {
    if (line.length + row.length + 1 > 100) {
        console.log(line);
        line = '';
    }
    line += (line ? ' ' : '') + row;
}
console.log(line + '\n/* clang-format on */');
