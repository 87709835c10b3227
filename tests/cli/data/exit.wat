;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; Exits with the status that the export's name says.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 0)
  (func (export "exit0") (call $exit (i32.const 0)))
  (func (export "exit3") (call $exit (i32.const 3)))
  (func (export "exit125") (call $exit (i32.const 125)))
  (func (export "exit126") (call $exit (i32.const 126))))
