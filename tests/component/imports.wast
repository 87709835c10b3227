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

;; What `use` makes of a resource, in an interface or in the world: equal to one that is there.
(component
  (import "host" (instance $host
    (export "resource1" (type $r (sub resource)))
    (export "[constructor]resource1" (func (param "r" u32) (result (own $r))))
    (export "[static]resource1.assert" (func (param "r" (own $r)) (param "rep" u32)))))
  (alias export $host "resource1" (type $r))
  (import "r" (type $used (eq $r)))
  (import "types" (instance $types (export "r" (type (eq $used)))))
  (alias export $types "r" (type $again))
  (alias export $host "[constructor]resource1" (func $new))
  (alias export $host "[static]resource1.assert" (func $assert))
  (component $c
    (import "types" (instance $t (export "r" (type (sub resource)))))
    (alias export $t "r" (type $r))
    (import "new" (func $new (param "r" u32) (result (own $r))))
    (import "assert" (func $assert (param "r" (own $r)) (param "rep" u32)))
    (core func $new (canon lower (func $new)))
    (core func $assert (canon lower (func $assert)))
    (core func $drop (canon resource.drop $r))
    (core module $m
      (import "" "new" (func $new (param i32) (result i32)))
      (import "" "assert" (func $assert (param i32 i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "run")
        (call $drop (call $new (i32.const 6)))
        (call $assert (call $new (i32.const 7)) (i32.const 7))))
    (core instance $i (instantiate $m (with "" (instance
      (export "new" (func $new)) (export "assert" (func $assert)) (export "drop" (func $drop))))))
    (func (export "run") (canon lift (core func $i "run"))))
  (instance $n (instantiate $c (with "types" (instance $types))
    (with "new" (func $new)) (with "assert" (func $assert))))
  (core func $drop (canon resource.drop $again))
  (core func $new-here (canon lower (func $new)))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "here") (call $drop (call $new (i32.const 8)))))
  (core instance $i (instantiate $m (with "" (instance
    (export "new" (func $new-here)) (export "drop" (func $drop))))))
  (func (export "here") (canon lift (core func $i "here")))
  (export "run" (func $n "run")))
(assert_return (invoke "run"))
(assert_return (invoke "here"))

;; Offered, but not the same one.
(assert_unlinkable
  (component
    (import "host" (instance $host
      (export "resource1" (type $r (sub resource)))
      (export "resource2" (type (eq $r))))))
  "mismatched resource types")

;; What a host cannot do.
(assert_invalid
  (component (import "c" (component)))
  "root-level component imports are not supported")
(assert_invalid
  (component (component $c) (export "c" (component $c)))
  "exporting a component from the root component is not supported")
(assert_invalid
  (component
    (import "host" (instance $i (export "return-three" (func (result u32)))))
    (alias export $i "return-three" (func $f))
    (export "f" (func $f)))
  "component export `f` is a reexport of an imported function which is not implemented")
