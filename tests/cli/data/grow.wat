;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
(module
  (memory (export "memory") 1)
  (table (export "table") 1 funcref)
  (func (export "memory-grow") (result i32) (memory.grow (i32.const 10)))
  (func (export "table-grow") (result i32) (table.grow 0 (ref.null func) (i32.const 10)))
  (func (export "table-grow-all") (result i32) (table.grow 0 (ref.null func) (i32.const -1))))
