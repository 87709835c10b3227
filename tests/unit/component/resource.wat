;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
(component
  (core module $d
    (global $n (mut i32) (i32.const 0))
    (func (export "dtor") (param i32) (global.set $n (i32.add (global.get $n) (local.get 0))))
    (func (export "dropped") (result i32) (global.get $n)))
  (core instance $d (instantiate $d))
  (type $r' (resource (rep i32) (dtor (core func $d "dtor"))))
  (export $r "r" (type $r'))
  (core func $new (canon resource.new $r'))
  (core func $rep (canon resource.rep $r'))
  (core func $drop (canon resource.drop $r'))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "rep" (func $rep (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "get") (param i32) (result i32) (local.get 0))
    (func (export "rep") (param i32) (result i32) (call $rep (local.get 0)))
    (func (export "eat") (param i32) (call $drop (local.get 0))))
  (core instance $m (instantiate $m (with "" (instance
    (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
  (func (export "make") (param "n" u32) (result (own $r)) (canon lift (core func $m "make")))
  (func (export "get") (param "self" (borrow $r)) (result u32) (canon lift (core func $m "get")))
  (func (export "eat") (param "self" (own $r)) (canon lift (core func $m "eat")))
  (func (export "rep") (param "n" u32) (result u32) (canon lift (core func $m "rep")))
  (func (export "dropped") (result u32) (canon lift (core func $d "dropped"))))
