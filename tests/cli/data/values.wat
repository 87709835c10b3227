;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; Exports that show how arguments are read and results are printed.
(module
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "v128arg") (param v128))
  (func (export "none"))
  (func (export "many") (result i32 i64 f32 f64 v128 funcref externref)
    (i32.const -1) (i64.const -2) (f32.const 1.5) (f64.const 1e21)
    (v128.const i64x2 -1 1) (ref.null func) (ref.null extern))
  (func $f (export "func") (result funcref) (ref.func $f))
  (func (export "nan") (result f32 f64) (f32.const nan) (f64.const -inf))
  (memory (export "mem") 1))
