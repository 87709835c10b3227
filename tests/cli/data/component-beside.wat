;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; A task whose caller does not wait for it cannot yield to that caller yet: this is refused by
;; name, and never spins.
(component
  (component $a
    (core func $yield (canon thread.yield))
    (core module $m
      (import "" "yield" (func $yield (result i32)))
      (func (export "spin") (result i32) (loop (drop (call $yield)) (br 0)) unreachable)
      (func (export "yields") (result i32) (i32.const 1 (; YIELD ;)))
      (func (export "step") (param i32 i32 i32) (result i32) (i32.const 1)))
    (core instance $i (instantiate $m (with "" (instance (export "yield" (func $yield))))))
    (func (export "spin") async (canon lift (core func $i "spin") async (callback (core func $i "step"))))
    (func (export "yields") async
      (canon lift (core func $i "yields") async (callback (core func $i "step")))))
  (component $between ;; waits for the one that yields, but nobody waits for it
    (import "spin" (func $spin async))
    (core func $spin (canon lower (func $spin)))
    (core func $return (canon task.return))
    (core module $m
      (import "" "spin" (func $spin)) (import "" "return" (func $return))
      (func (export "spin") (call $spin) (call $return)))
    (core instance $i (instantiate $m
      (with "" (instance (export "spin" (func $spin)) (export "return" (func $return))))))
    (func (export "spin") async (canon lift (core func $i "spin") async)))
  (component $b
    (import "f" (func $f async))
    (core func $f (canon lower (func $f) async))
    (core module $m (import "" "f" (func $f (result i32))) (func (export "run") (drop (call $f))))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") async (canon lift (core func $i "run"))))
  (instance $a (instantiate $a))
  (instance $between (instantiate $between (with "spin" (func $a "spin"))))
  (instance $b1 (instantiate $b (with "f" (func $a "spin"))))
  (instance $b2 (instantiate $b (with "f" (func $a "yields"))))
  (instance $b3 (instantiate $b (with "f" (func $between "spin"))))
  (export "spin" (func $b1 "run"))
  (export "yields" (func $b2 "run"))
  (export "between" (func $b3 "run")))
