;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; Rules of validation that the component model's own scripts have no case of.

;; Values do not go through a shared memory.
(assert_invalid
  (component
    (core module $m (memory (export "m") 0 1 shared) (func (export "f")))
    (core instance $i (instantiate $m))
    (func (canon lift (core func $i "f") (memory $i "m"))))
  "mismatch in the shared flag for memories")
(assert_invalid
  (component
    (core module $m (memory (export "m") 0 1 shared))
    (core instance $i (instantiate $m))
    (alias core export $i "m" (core memory $memory))
    (core func (canon waitable-set.wait (memory $memory))))
  "mismatch in the shared flag for memories")

;; The type of a module is no type of a reference, and nothing's supertype.
(assert_invalid
  (component
    (core type $t (module))
    (core type (func (param (ref $t)))))
  "type index 0 is a module type, not a sub type")
(assert_invalid
  (component
    (core type $t (module))
    (core type (sub $t (func))))
  "type index 0 is a module type, not a sub type")

;; A type inside a module type may be open.
(component
  (core type (module
    (type $t (sub (func)))
    (import "" "f" (func (type $t))))))

(assert_invalid
  (component
    (import "a" (type $a (sub resource)))
    (import "[constructor]a" (func async (result (own $a)))))
  "constructor function cannot be async")

;; What a component makes itself is not asked for by its imports.
(assert_invalid
  (component
    (type $r (resource (rep i32)))
    (import "x" (type (eq $r))))
  "local resource type found in imports")
(assert_invalid
  (component
    (type $r (resource (rep i32)))
    (import "i" (instance (alias outer 1 $r (type $t)) (export "t" (type (eq $t))))))
  "local resource type found in imports")
(assert_invalid
  (component
    (type (component
      (export "r1" (type $r (sub resource)))
      (import "r2" (type (eq $r))))))
  "local resource type found in imports")
(assert_invalid
  (component
    (type (component
      (export "i" (instance $i (export "r" (type (sub resource)))))
      (alias export $i "r" (type $r))
      (import "j" (instance (alias outer 1 $r (type $t)) (export "t" (type (eq $t))))))))
  "local resource type found in imports")
(component definition
  (import "r" (type $r (sub resource)))
  (import "i" (instance (alias outer 1 $r (type $t)) (export "t" (type (eq $t))))))
