;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; As a command every call gets an instance of its own; _start is not run.
(module
  (global $n (mut i32) (i32.const 0))
  (func (export "_start") (unreachable))
  (func (export "next") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (global.get $n)))
