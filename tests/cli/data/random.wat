;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; Asks for random bytes: returns the error number.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "bytes") (param i32) (result i32) (call $random (i32.const 0) (local.get 0))))
