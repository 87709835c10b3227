;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; How strings between encodings call realloc, and what realloc sees.

;; UTF-16 that turns out to be Latin-1 is shrunk with the alignment that it was allocated with.
(component definition $shrink
  (component $to
    (core module $m
      (memory (export "mem") 1)
      (global $seen (mut i32) (i32.const 0))
      (func (export "realloc") (param $old i32) (param $size i32) (param $align i32)
            (param $new i32) (result i32)
        (global.set $seen (i32.add (i32.mul (global.get $seen) (i32.const 10)) (local.get $align)))
        (select (local.get $old) (i32.const 1024) (local.get $old)))
      (func (export "f") (param i32 i32) (result i32) (global.get $seen)))
    (core instance $i (instantiate $m))
    (func (export "f") (param "s" string) (result u32) (canon lift (core func $i "f")
      (memory $i "mem") (realloc (func $i "realloc")) string-encoding=latin1+utf16)))
  (component $from
    (import "f" (func $to (param "s" string) (result u32)))
    (core module $libc
      (memory (export "mem") 1)
      (data (i32.const 16) "a\00b\00"))
    (core instance $libc (instantiate $libc))
    (core func $f (canon lower (func $to) (memory $libc "mem") string-encoding=latin1+utf16))
    (core module $m
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (func (export "run") (result i32) (call $f (i32.const 16) (i32.const 0x80000002))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $to (instantiate $to))
  (instance $from (instantiate $from (with "f" (func $to "f"))))
  (export "run" (func $from "run")))
(component instance $a $shrink)
(assert_return (invoke "run") (u32.const 22))

;; A string for the host that is at an odd address.
(component definition $odd
  (core module $m
    (memory (export "mem") 1)
    (func (export "f") (result i32)
      (i32.store (i32.const 8) (i32.const 1))
      (i32.const 8)))
  (core instance $i (instantiate $m))
  (func (export "f") (result string)
    (canon lift (core func $i "f") (memory $i "mem") string-encoding=utf16)))
(component instance $b $odd)
(assert_trap (invoke "f") "string pointer not aligned to 2")

;; Context slots: a realloc has its own, on both sides of a call.
(component
  (component $to
    (core func $get (canon context.get i32 0))
    (core func $set (canon context.set i32 0))
    (core module $m
      (import "" "get" (func $get (result i32)))
      (import "" "set" (func $set (param i32)))
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (if (call $get) (then unreachable))
        (call $set (i32.const 5))
        (i32.const 64))
      (func (export "f") (param i32 i32) (result i32)
        (if (call $get) (then unreachable))
        (i32.store (i32.const 8) (i32.const 64))
        (i32.store (i32.const 12) (i32.const 3))
        (i32.const 8)))
    (core instance $i (instantiate $m (with "" (instance
      (export "get" (func $get)) (export "set" (func $set))))))
    (func (export "f") (param "s" string) (result string)
      (canon lift (core func $i "f") (memory $i "mem") (realloc (func $i "realloc")))))
  (component $plain
    (core module $m
      (memory (export "mem") 1)
      (func (export "f") (result i32)
        (i32.store (i32.const 12) (i32.const 3))
        (i32.const 8)))
    (core instance $i (instantiate $m))
    (func (export "f") (result string) (canon lift (core func $i "f") (memory $i "mem"))))
  (component $from
    (import "f" (func $to (param "s" string) (result string)))
    (import "g" (func $plain (result string)))
    (core func $get (canon context.get i32 0))
    (core func $set (canon context.set i32 0))
    (core module $libc
      (import "" "get" (func $get (result i32)))
      (import "" "set" (func $set (param i32)))
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (if (call $get) (then unreachable))
        (call $set (i32.const 6))
        (i32.const 32)))
    (core instance $libc (instantiate $libc (with "" (instance
      (export "get" (func $get)) (export "set" (func $set))))))
    (core func $f (canon lower (func $to) (memory $libc "mem") (realloc (func $libc "realloc"))))
    (core func $g
      (canon lower (func $plain) (memory $libc "mem") (realloc (func $libc "realloc"))))
    (core module $m
      (import "" "get" (func $get (result i32)))
      (import "" "set" (func $set (param i32)))
      (import "" "f" (func $f (param i32 i32 i32)))
      (import "" "g" (func $g (param i32)))
      (func (export "run") (param i32 i32) (result i32)
        (if (call $get) (then unreachable))
        (call $set (i32.const 7))
        (call $f (i32.const 0) (i32.const 3) (i32.const 100))
        (call $g (i32.const 100))
        (call $get)))
    (core instance $i (instantiate $m (with "" (instance
      (export "get" (func $get)) (export "set" (func $set)) (export "f" (func $f))
      (export "g" (func $g))))))
    (func (export "run") (param "s" string) (result u32) (canon lift (core func $i "run")
      (memory $libc "mem") (realloc (func $libc "realloc")))))
  (instance $to (instantiate $to))
  (instance $plain (instantiate $plain))
  (instance $from (instantiate $from (with "f" (func $to "f")) (with "g" (func $plain "f"))))
  (export "run" (func $from "run")))
(assert_return (invoke "run" (str.const "abc")) (u32.const 7))
