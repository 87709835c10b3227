;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; Calls the preloaded function twice.
(module
  (import "lib" "next" (func $next (result i32)))
  (func (export "twice") (result i32 i32) (call $next) (call $next)))
