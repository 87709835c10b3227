/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Building binary modules piece by piece, and expecting what the decoder says of them. */
#ifndef TESTS_UNIT_WASM_FIXTURE_H
#define TESTS_UNIT_WASM_FIXTURE_H

#include "base/buf.h"
#include "unit/test.h"
#include "wasm/insn.h"

/*
 * Bytes written in hexadecimal, blanks between; [ ... ] is what stands in it behind its size. What
 * is not hexadecimal fails the test.
 */
void wasm_hex(Buf *b, const char *hex);
/* The header, then hexadecimal. */
void wasm_begin(Buf *b);
void wasm_section(Buf *b, u8 id, const Buf *payload);
void wasm_section_hex(Buf *b, u8 id, const char *hex);
/* One function of type `type` ("60 00 00") with a body: locals and code without size. */
void wasm_one_func(Buf *b, const char *type, const char *body);

/* All proposals on. */
FeatureSet wasm_all_features(void);

/* The module must decode; it lives with its own registry until wasm_drop. */
WasmModule *wasm_decode_ok(const char *file, int line, const Buf *b, FeatureSet features);
void wasm_drop(WasmModule *m);
/* The module must be refused with a message that begins so; offset -1: anywhere. */
void wasm_expect_error(const char *file, int line, const Buf *b, FeatureSet features, DiagKind kind,
                       i64 offset, const char *message);

#define DECODE_OK(b) wasm_decode_ok(__FILE__, __LINE__, (b), wasm_all_features())
#define EXPECT_ERROR(b, kind, offset, message)                                                     \
    wasm_expect_error(__FILE__, __LINE__, (b), wasm_all_features(), (kind), (offset), (message))

/* Reads a file of the suites; skips the test if it is not there. Own. */
u8 *wasm_suite_file(const char *name, usize *ret_size);

#endif
