;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; The core module of component-pollable.wasm, made as component-wasi.wasm is.
(module
  (import "wasi:cli/stdout@0.2.12" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.12" "[method]output-stream.subscribe" (func $subscribe (param i32) (result i32)))
  (import "wasi:io/streams@0.2.12" "[resource-drop]output-stream" (func $drop (param i32)))
  (import "wasi:io/poll@0.2.12" "[resource-drop]pollable" (func $drop-pollable (param i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "wasi:cli/run@0.2.12#run") (result i32)
    (local $s i32) (local $p i32)
    ;; in the right order
    (local.set $s (call $stdout))
    (call $drop-pollable (call $subscribe (local.get $s)))
    (call $drop (local.get $s))
    ;; in the wrong one
    (local.set $s (call $stdout))
    (local.set $p (call $subscribe (local.get $s)))
    (call $drop (local.get $s))
    (i32.const 0)))
