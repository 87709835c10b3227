;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
(module
  (global $n (mut i32) (i32.const 100))
  (func (export "_initialize") (global.set $n (i32.const 0)))
  (func (export "next") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (global.get $n)))
