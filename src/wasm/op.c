/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The instruction table, found by encoding (direct, a row a prefix) and by keyword. */
#include "wasm/read.h"

const OpInfo op_infos[OP_COUNT] = {
#define OP(id, prefix, code, text, imm, sig, feature, flags)                                       \
    [OP_##id] = {text, sig, code, flags, prefix, imm, FEATURE_BIT_##feature},
#include "wasm/opcodes.def"
#undef OP
};

#define ROW(prefix) ((prefix) == 0 ? 0 : (prefix)-0xfa)

const u16 op_by_code[OP_PREFIXES][OP_CODES] = {
#define OP(id, prefix, code, text, imm, sig, feature, flags) [ROW(prefix)][code] = OP_##id + 1,
#include "wasm/opcodes.def"
#undef OP
};

#define OP(id, prefix, code, text, imm, sig, feature, flags)                                       \
    static_assert((code) < OP_CODES && ((prefix) == 0 || ((prefix) >= 0xfb && (prefix) <= 0xfe)),  \
                  "row out of the tables: " text);
#include "wasm/opcodes.def"
#undef OP

OpId op_find(u8 prefix, u32 code)
{
    if (code >= OP_CODES || (prefix != 0 && (prefix < 0xfb || prefix > 0xfe)))
        return OP_COUNT;
    u16 found = op_by_code[ROW(prefix)][code];
    return found ? (OpId)(found - 1) : OP_COUNT;
}

/* Length of each keyword: a quick filter before the comparison. */
static const u8 text_len[OP_COUNT] = {
#define OP(id, prefix, code, text, imm, sig, feature, flags) sizeof(text) - 1,
#include "wasm/opcodes.def"
#undef OP
};

OpId op_find_text(Str text)
{
    if (text.n == 0 || text.n > UINT8_MAX)
        return OP_COUNT;
    const u8 *end = text_len + OP_COUNT;
    for (const u8 *l = text_len; (l = memchr(l, (int)text.n, (usize)(end - l))); l++) {
        OpId op = (OpId)(l - text_len);
        if (memcmp(op_infos[op].text, text.p, text.n) == 0)
            return op;
    }
    return OP_COUNT;
}

void op_text_map(Map *ret_map)
{
    for (u32 op = 0; op < OP_COUNT; op++)
        map_add(ret_map, str_of(op_infos[op].text), op);
}
