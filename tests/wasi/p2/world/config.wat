;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; A piece of a component (see run): what it imports, wasi:config, each function lowered.
  (type $ty-wasi:config/store@0.2.0-rc.1
    (instance
      (type (variant (case "upstream" string) (case "io" string)))
      (export "error" (type (eq 0)))
      (type (option string))
      (type (result 2 (error 1)))
      (type (func (param "key" string) (result 3)))
      (export "get" (func (type 4)))
      (type (tuple string string))
      (type (list 5))
      (type (result 6 (error 1)))
      (type (func (result 7)))
      (export "get-all" (func (type 8)))
    )
  )
  (import "wasi:config/store@0.2.0-rc.1" (instance $wasi:config/store@0.2.0-rc.1 (type $ty-wasi:config/store@0.2.0-rc.1)))
  (core func $"wasi:config/store@0.2.0-rc.1 get" (canon lower (func $wasi:config/store@0.2.0-rc.1 "get")
    (memory $mem "memory") (realloc (func $mem "realloc"))))
  (core func $"wasi:config/store@0.2.0-rc.1 get-all" (canon lower (func $wasi:config/store@0.2.0-rc.1 "get-all")
    (memory $mem "memory") (realloc (func $mem "realloc"))))
  (core instance $"core wasi:config/store@0.2.0-rc.1"
    (export "get" (func $"wasi:config/store@0.2.0-rc.1 get"))
    (export "get-all" (func $"wasi:config/store@0.2.0-rc.1 get-all")))
