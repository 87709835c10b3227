;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; What the programs import to mark their timed part; nothing is timed here.
(module
  (func (export "start"))
  (func (export "end")))
