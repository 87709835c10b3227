;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; A piece of a component (see run): memory for the guest, from 1 MiB on what realloc gives.
  (core module $mem-module
    (memory (export "memory") 64)
    (global $next (mut i32) (i32.const 0x100000))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32)
        (param $size i32) (result i32)
      (local $at i32)
      (local.set $at
        (i32.and (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
                 (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (loop $more
        (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 0x10000)))
          (then
            (if (i32.eq (memory.grow (i32.const 64)) (i32.const -1)) (then (unreachable)))
            (br $more))))
      (local.get $at)))
  (core instance $mem (instantiate $mem-module))
