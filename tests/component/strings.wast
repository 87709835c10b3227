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

;; Long strings: nothing is read before there is room for it, and then all of it is checked.
(component definition $long
  (component $to
    (core module $m
      (memory (export "mem") 1)
      (global $allow (mut i32) (i32.const 0))
      (func (export "allow") (global.set $allow (i32.const 1)))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (if (i32.eqz (global.get $allow)) (then unreachable))
        (drop (memory.grow (i32.add (i32.shr_u (local.get 3) (i32.const 16)) (i32.const 1))))
        (i32.const 0))
      (func (export "f") (param i32 i32) (result i32) (local.get 1)))
    (core instance $i (instantiate $m))
    (func (export "allow") (canon lift (core func $i "allow")))
    (func (export "compact") (param "s" string) (result u32) (canon lift (core func $i "f")
      (memory $i "mem") (realloc (func $i "realloc")) string-encoding=latin1+utf16))
    (func (export "utf8") (param "s" string) (result u32) (canon lift (core func $i "f")
      (memory $i "mem") (realloc (func $i "realloc")))))
  (component $from
    (import "compact" (func $compact (param "s" string) (result u32)))
    (import "utf8" (func $utf8 (param "s" string) (result u32)))
    (core module $libc
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
    (core instance $libc (instantiate $libc))
    (core func $compact (canon lower (func $compact) (memory $libc "mem") string-encoding=utf16))
    (core func $utf8 (canon lower (func $utf8) (memory $libc "mem") string-encoding=utf16))
    (core module $m
      (import "" "mem" (memory 1))
      (import "" "compact" (func $compact (param i32 i32) (result i32)))
      (import "" "utf8" (func $utf8 (param i32 i32) (result i32)))
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "set") (param i32 i32) (i32.store16 (local.get 0) (local.get 1)))
      (func (export "compact") (param i32) (result i32) (call $compact (i32.const 0) (local.get 0)))
      (func (export "utf8") (param i32) (result i32) (call $utf8 (i32.const 0) (local.get 0))))
    (core instance $i (instantiate $m (with "" (instance (export "mem" (memory $libc "mem"))
      (export "compact" (func $compact)) (export "utf8" (func $utf8))))))
    (func (export "grow") (param "n" u32) (result s32) (canon lift (core func $i "grow")))
    (func (export "set") (param "at" u32) (param "to" u32) (canon lift (core func $i "set")))
    (func (export "compact") (param "n" u32) (result u32) (canon lift (core func $i "compact")))
    (func (export "utf8") (param "n" u32) (result u32) (canon lift (core func $i "utf8"))))
  (instance $to (instantiate $to))
  (instance $from (instantiate $from
    (with "compact" (func $to "compact")) (with "utf8" (func $to "utf8"))))
  (export "allow" (func $to "allow"))
  (export "grow" (func $from "grow"))
  (export "set" (func $from "set"))
  (export "compact" (func $from "compact"))
  (export "utf8" (func $from "utf8")))
(component instance $a $long)
(assert_return (invoke "grow" (u32.const 32767)) (s32.const 1))
(assert_trap (invoke "utf8" (u32.const 0x3fff_ffff)) "unreachable")
(component instance $a $long)
(assert_return (invoke "grow" (u32.const 32767)) (s32.const 1))
(assert_trap (invoke "compact" (u32.const 0x3fff_ffff)) "unreachable")
(component instance $a $long)
(assert_return (invoke "grow" (u32.const 32767)) (s32.const 1))
(assert_trap (invoke "utf8" (u32.const 0x4000_0000)) "string content out-of-bounds")
(component instance $a $long)
(assert_return (invoke "allow"))
(assert_return (invoke "grow" (u32.const 100)) (s32.const 1))
(assert_return (invoke "utf8" (u32.const 1500001)) (u32.const 1500001))
(assert_return (invoke "compact" (u32.const 1500001)) (u32.const 1500001))
;; one character at the end makes it UTF-16, or one byte longer
(assert_return (invoke "set" (u32.const 3000000) (u32.const 0x100)))
(assert_return (invoke "compact" (u32.const 1500001)) (u32.const 0x8016e361))
(assert_return (invoke "utf8" (u32.const 1500001)) (u32.const 1500002))
(assert_return (invoke "set" (u32.const 3000000) (u32.const 0xdc00)))
(assert_trap (invoke "utf8" (u32.const 1500001)) "")
(component instance $a $long)
(assert_return (invoke "allow"))
(assert_return (invoke "grow" (u32.const 100)) (s32.const 1))
(assert_return (invoke "set" (u32.const 3000000) (u32.const 0xd800)))
(assert_trap (invoke "compact" (u32.const 1500001)) "")
