;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
(module
  (func (export "x") (i32.foo)))
