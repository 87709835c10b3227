;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; Gives bench.start and bench.end to a program (`--preload bench=bench.wat`): end writes the time
;; between both to stderr as "BENCHNS <20 digits>\n".
(module
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $started (mut i64) (i64.const 0))
  ;; 0: iovec, 8: bytes written, 16: time, 32: the text
  (data (i32.const 0) "\20\00\00\00\1d\00\00\00")
  (data (i32.const 32) "BENCHNS 00000000000000000000\n")
  (func $now (result i64)
    (drop (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 16)))
    (i64.load (i32.const 16)))
  (func (export "start")
    (global.set $started (call $now)))
  (func (export "end") (local $ns i64) (local $at i32)
    (local.set $ns (i64.sub (call $now) (global.get $started)))
    (local.set $at (i32.const 59))
    (loop $digit
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $ns) (i64.const 10)))))
      (local.set $ns (i64.div_u (local.get $ns) (i64.const 10)))
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (br_if $digit (i64.ne (local.get $ns) (i64.const 0))))
    (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))))
