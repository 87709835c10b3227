;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; Imports that ask for nothing: nobody has to offer them.

(component
  (import "nothing" (instance))
  (import "nested" (instance (export "x" (instance (export "y" (instance))))))
  (type $u u32)
  (import "a" (type $a (eq $u)))
  (import "b" (type (eq $a)))
  (import "types:only/shapes@1.0.0" (instance $shapes
    (type $p (record (field "x" u32) (field "y" u32)))
    (export "point" (type $point (eq $p)))
    (export "inner" (instance $inner
      (export "also" (type (eq $point)))))))
  (alias export $shapes "point" (type $point))
  (alias export $shapes "inner" (instance $inner))
  (alias export $inner "also" (type $also))
  (core module $m
    (func (export "sum") (param i32 i32 i32 i32) (result i32)
      (i32.add (i32.add (local.get 0) (local.get 1)) (i32.add (local.get 2) (local.get 3)))))
  (core instance $i (instantiate $m))
  (component $c
    (import "shapes" (instance $s
      (type $p (record (field "x" u32) (field "y" u32)))
      (export "point" (type $point (eq $p)))
      (export "inner" (instance (export "also" (type (eq $point)))))))
    (alias export $s "inner" (instance $inner))
    (export "inner" (instance $inner)))
  (instance $n (instantiate $c (with "shapes" (instance $shapes))))
  (export "p" (type $point))
  (func $sum (param "a" $point) (param "b" $also) (result u32) (canon lift (core func $i "sum")))
  (export "sum" (func $sum)))
(assert_return
  (invoke "sum" (record.const (field "x" u32.const 1) (field "y" u32.const 2))
                (record.const (field "x" u32.const 3) (field "y" u32.const 4)))
  (u32.const 10))
