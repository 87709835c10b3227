;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; What a world's `use wasi:io/streams.{output-stream}` makes: a type that nobody offers, equal to
;; a resource that the host does. Prints by it. Reads nothing and sees what realloc gave come back.
(component
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type $out (sub resource)))
    (export "input-stream" (type $in (sub resource)))
    (alias outer 1 $error (type $e'))
    (export "error" (type $e (eq $e')))
    (type $err' (variant (case "last-operation-failed" (own $e)) (case "closed")))
    (export "stream-error" (type $err (eq $err')))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $out)) (param "contents" (list u8))
            (result (result (error $err)))))
    (export "[method]input-stream.read"
      (func (param "self" (borrow $in)) (param "len" u64)
            (result (result (list u8) (error $err)))))))
  (alias export $streams "output-stream" (type $out'))
  (alias export $streams "input-stream" (type $in'))
  (import "output-stream" (type $out (eq $out')))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (export "get-stdout" (func (result (own $out))))))
  (import "wasi:cli/stdin@0.2.0" (instance $stdin
    (export "get-stdin" (func (result (own $in'))))))
  (core module $libc
    (memory (export "mem") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4321)))
  (core instance $libc (instantiate $libc))
  (core func $get (canon lower (func $stdout "get-stdout")))
  (core func $get-in (canon lower (func $stdin "get-stdin")))
  (core func $write (canon lower
    (func $streams "[method]output-stream.blocking-write-and-flush") (memory $libc "mem")))
  (core func $read (canon lower (func $streams "[method]input-stream.read")
    (memory $libc "mem") (realloc (func $libc "realloc"))))
  (core func $drop (canon resource.drop $out))
  (core module $m
    (import "libc" "mem" (memory 1))
    (import "" "get" (func $get (result i32)))
    (import "" "get-in" (func $get-in (result i32)))
    (import "" "write" (func $write (param i32 i32 i32 i32)))
    (import "" "read" (func $read (param i32 i64 i32)))
    (import "" "drop" (func $drop (param i32)))
    (data (i32.const 64) "used\n")
    (func (export "run") (result i32) (local i32)
      (local.set 0 (call $get))
      (call $write (local.get 0) (i32.const 64) (i32.const 5) (i32.const 0))
      (call $drop (local.get 0))
      (call $read (call $get-in) (i64.const 0) (i32.const 16))
      (i32.ne (i32.load (i32.const 20)) (i32.const 4321))))
  (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance
    (export "get" (func $get)) (export "get-in" (func $get-in)) (export "write" (func $write))
    (export "read" (func $read)) (export "drop" (func $drop))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run)))
