;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
(module
  (func (export "_start") (loop $l (br $l)))
  (func $recurse (export "recurse") (call $recurse) (call $recurse)))
