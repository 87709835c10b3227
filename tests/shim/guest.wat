;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; The guest of the shim's tests: one export for each behaviour.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $env_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get"
    (func $env_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "hello world\n")
  ;; Writes so many bytes from an address to standard output.
  (func $put (param $at i32) (param $n i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $n))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  ;; The same with blanks for the NULs between strings.
  (func $put_strings (param $at i32) (param $n i32) (local $i i32)
    (loop $next
      (if (i32.lt_u (local.get $i) (local.get $n))
        (then
          (if (i32.eqz (i32.load8_u (i32.add (local.get $at) (local.get $i))))
            (then (i32.store8 (i32.add (local.get $at) (local.get $i)) (i32.const 32))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $next))))
    (call $put (local.get $at) (local.get $n)))
  (func $hello (export "_start") (export "foo") (call $put (i32.const 64) (i32.const 12)))
  (func (export "code") (call $exit (i32.const 42)))
  (func (export "trap") unreachable)
  (func (export "spin") (loop $l (br $l)))
  ;; Takes and writes pages until there are no more.
  (func (export "grow")
    (loop $more
      (memory.fill (i32.mul (memory.grow (i32.const 16)) (i32.const 65536)) (i32.const 1) (i32.const 1048576))
      (br $more)))
  (func (export "args")
    (drop (call $args_sizes (i32.const 16) (i32.const 20)))
    (drop (call $args_get (i32.const 1024) (i32.const 8192)))
    (call $put_strings (i32.const 8192) (i32.load (i32.const 20))))
  (func (export "env")
    (drop (call $env_sizes (i32.const 16) (i32.const 20)))
    (drop (call $env_get (i32.const 1024) (i32.const 8192)))
    (call $put_strings (i32.const 8192) (i32.load (i32.const 20))))
  (func (export "cat")
    (loop $more
      (i32.store (i32.const 0) (i32.const 1024))
      (i32.store (i32.const 4) (i32.const 4096))
      (if (i32.eqz (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
        (then
          (if (i32.load (i32.const 8))
            (then
              (call $put (i32.const 1024) (i32.load (i32.const 8)))
              (br $more))))))))
