;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; What differs in preview 0: the layout of a filestat, the order of whence, the longer subscription.
(module
  (import "wasi_unstable" "path_filestat_get"
    (func $stat (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_unstable" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_unstable" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "file")
  (func $statted
    (if (call $stat (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 64))
      (then (unreachable))))
  (func (export "links") (result i32) (call $statted) (i32.load offset=20 (i32.const 64)))
  (func (export "size") (result i64) (call $statted) (i64.load offset=24 (i32.const 64)))
  (func (export "end") (result i64)
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0)
          (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 64))
      (then (unreachable)))
    (if (call $seek (i32.load (i32.const 64)) (i64.const -1) (i32.const 1) (i32.const 72))
      (then (unreachable)))
    (i64.load (i32.const 72)))
  (func (export "poll") (result i32) ;; two clocks that are due, on the monotonic clock
    (i64.store (i32.const 1024) (i64.const 5))
    (i32.store offset=24 (i32.const 1024) (i32.const 1))
    (i64.store offset=56 (i32.const 1024) (i64.const 6))
    (i32.store offset=80 (i32.const 1024) (i32.const 1))
    (if (call $poll (i32.const 1024) (i32.const 2048) (i32.const 2) (i32.const 64))
      (then (unreachable)))
    (i32.add (i32.load (i32.const 64)) ;; 2 events, of 5 and 6
      (i32.add (i32.load (i32.const 2048)) (i32.load offset=32 (i32.const 2048)))))
  (func (export "send") (result i32)
    (call $send (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64))))
