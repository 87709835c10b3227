;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
(module
  (import "host" "f" (func (param i32) (result i64)))
  (import "other" "m" (memory 1))
  (func (export "_start"))
  (func (export "call") (drop (call 0 (i32.const 1)))))
