# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Test scripts.
. "$top/tests/cli/lib.sh"

begin "a script that is right says nothing"
cat >good.wast <<'W'
(module $m (func (export "f") (param i32) (result i32) (i32.div_u (i32.const 6) (local.get 0)))
  (global (export "g") f32 (f32.const nan:0x200000)))
(assert_return (invoke "f" (i32.const 2)) (i32.const 3))
(assert_return (get "g") (f32.const nan:0x200000))
(assert_trap (invoke $m "f" (i32.const 0)) "integer divide by zero")
(register "lib" $m)
(module (import "lib" "f" (func $f (param i32) (result i32)))
  (func (export "h") (result i32) (call $f (i32.const 3))))
(assert_return (invoke "h") (i32.const 2))
(assert_invalid (module (func (result i32))) "type mismatch")
(assert_malformed (module quote "(func (foo))") "unknown operator")
(assert_unlinkable (module (import "lib" "nope" (func))) "unknown import")
W
run wast good.wast
code 0
stdout ""
stderr ""

begin "a module with a name can be imported by it"
cat >named.wast <<'W'
(module $lib (func (export "f") (result i32) (i32.const 5)) (memory (export "m") 1))
(module (import "lib" "f" (func $f (result i32))) (func (export "g") (result i32) (call $f)))
(assert_return (invoke "g") (i32.const 5))
(module definition $d (global (export "x") i32 (i32.const 7)))
(module instance $i $d)
(module (import "i" "x" (global i32)) (export "x" (global 0)))
(assert_return (get "x") (i32.const 7))
(assert_unlinkable (module (import "lib" "m" (memory i64 1))) "expected 64-bit memory, found 32-bit")
(assert_unlinkable (module (memory i64 1) (data (i64.const 0xffffffffff) "x")) "out of bounds memory")
(assert_trap (module (table i64 0x2000000000000000 funcref)) "overflow calculating table allocation size")
W
run wast named.wast
code 0
stdout ""
stderr ""

begin "a trap while a module is made is no failure to link"
cat >no_link.wast <<'W'
(assert_unlinkable (module (memory 1) (data (i32.const 65536) "x")) "unknown import")
W
run wast --ignore-error-messages no_link.wast
code 1
err_has 'assert_unlinkable: expected "unknown import", got'

begin "spectest prints values with their types"
cat >print.wast <<'W'
(module (import "spectest" "print_i32_f32" (func $p (param i32 f32)))
  (func (export "f") (call $p (i32.const 3) (f32.const 1.5))))
(invoke "f")
W
run wast print.wast
code 0
stdout "3: i32
1.5: f32"

begin "a wrong result names the line and both values"
printf '(module (func (export "f") (result i32) (i32.const 1)))\n(assert_return (invoke "f") (i32.const 2))\n' >w.wast
run wast w.wast
code 1
err_has "Error: failed to run script file 'w.wast'"
err_has "    0: failed directive on w.wast:2"
err_has "expected i32:2, got i32:1"

# refuse NAME LINE TEXT < script
refuse() {
    cat >"$1.wast"
    run wast "$1.wast"
    code 1
    err_has "failed directive on $1.wast:$2"
    err_has "$3"
}

begin "an assertion that does not hold fails, of every kind"
refuse trap 2 "expected the trap" <<'W'
(module (func (export "f")))
(assert_trap (invoke "f") "unreachable")
W
refuse other_trap 2 "integer divide by zero" <<'W'
(module (func (export "f") (unreachable)))
(assert_trap (invoke "f") "integer divide by zero")
W
refuse valid 1 "expected module to fail to build" <<'W'
(assert_invalid (module (func)) "type mismatch")
W
refuse message 1 "type mismatch" <<'W'
(assert_invalid (module (func (result i32))) "unknown local")
W
refuse wellformed 1 "expected module to fail to build" <<'W'
(assert_malformed (module quote "(func)") "unexpected token")
W
refuse linkable 1 "expected module to fail to link" <<'W'
(assert_unlinkable (module) "unknown import")
W
refuse nan 2 "nan:canonical" <<'W'
(module (func (export "f") (result f32) (f32.const 1)))
(assert_return (invoke "f") (f32.const nan:canonical))
W
refuse arithmetic 2 "nan:arithmetic" <<'W'
(module (func (export "f") (result f64) (f64.const nan:0x1)))
(assert_return (invoke "f") (f64.const nan:arithmetic))
W
refuse lanes 2 "expected" <<'W'
(module (func (export "f") (result v128) (v128.const i32x4 1 2 3 4)))
(assert_return (invoke "f") (v128.const i32x4 1 2 3 5))
W
refuse null 2 "null" <<'W'
(module (func $f (export "f") (result funcref) (ref.func $f)))
(assert_return (invoke "f") (ref.null func))
W
refuse count 2 "expected 0 results, got 1" <<'W'
(module (func (export "f") (result i32) (i32.const 1)))
(assert_return (invoke "f"))
W
refuse type 2 "expected i64:1" <<'W'
(module (func (export "f") (result i32) (i32.const 1)))
(assert_return (invoke "f") (i64.const 1))
W
refuse name 2 "no item named \`g\` found" <<'W'
(module (func (export "f")))
(invoke "g")
W

begin "components: definitions, instances, values of all kinds, traps"
cat >component.wast <<'W'
(component definition $d
  (core module $m
    (func (export "div") (param i32) (result i32) (i32.div_u (i32.const 6) (local.get 0)))
    (func (export "first") (param f32 i32) (result f32) (local.get 0))
    (func (export "same") (param i32 i32 i32) (result i32) (local.get 1)))
  (core instance $m (instantiate $m))
  (type $c' (variant (case "a") (case "b" (option char))))
  (export $c "c" (type $c'))
  (type $g' (flags "x" "y"))
  (export $g "g" (type $g'))
  (func (export "div") (param "x" u32) (result u32) (canon lift (core func $m "div")))
  (func (export "first") (param "x" (tuple f32 s8)) (result f32)
    (canon lift (core func $m "first")))
  (func (export "same") (param "x" $c) (result $g) (canon lift (core func $m "same"))))
(component instance $i $d)
(assert_return (invoke "div" (u32.const 2)) (u32.const 3))
(assert_return (invoke $i "first" (tuple.const (f32.const nan:0x200000) (s8.const -1)))
  (f32.const nan:canonical))
(assert_return (invoke "same" (variant.const "a")) (flags.const))
(assert_return (invoke "same" (variant.const "b" (option.some (char.const "q")))) (flags.const "x"))
(assert_trap (invoke "div" (u32.const 0)) "integer divide by zero")
(assert_trap (invoke "div" (u32.const 1)) "cannot enter component instance")
(assert_malformed (component quote "(func") "unexpected token")
(assert_invalid (component (export "f" (func 0))) "unknown function")
(assert_unlinkable (component (import "f" (func))) "not defined")
W
run wast component.wast
code 0
stdout ""
stderr ""

begin "fixed-length lists"
cat >fixed.wast <<'W'
(component
  (core module $m (memory (export "m") 1)
    (func (export "f") (param i32 i32) (result i32)
      (i32.store (i32.const 8) (local.get 1)) (i32.store (i32.const 12) (local.get 0)) (i32.const 8)))
  (core instance $i (instantiate $m))
  (func (export "f") (param "x" (list u32 2)) (result (list u32 2))
    (canon lift (core func $i "f") (memory (core memory $i "m")))))
(assert_return (invoke "f" (list.const (u32.const 1) (u32.const 2)))
  (list.const (u32.const 2) (u32.const 1)))
W
run wast -W component-model-fixed-length-lists fixed.wast
code 0

begin "components that are not as a script says"
echo '(component definition $d
  (core module $m (func (export "f") (param i32) (result i32) (local.get 0)))
  (core instance $m (instantiate $m))
  (func (export "f") (param "x" u8) (result u32) (canon lift (core func $m "f"))))
(component instance $i $d)' >echo.txt
for case in '(u8.const 1)) (u32.const 2))|expected 2, got 1' \
    '(u8.const 1)) (u8.const 1))|expected a value of another type' '(u8.const 1)))|expected 0 results' \
    '(u16.const 1)) (u32.const 1))|argument 0' ') (u32.const 1))|1 parameters'; do
    { cat echo.txt; echo "(assert_return (invoke \"f\" ${case%%|*}"; } >echo.wast
    run wast echo.wast
    code 1
    err_has "failed directive on echo.wast:6"
    err_has "${case#*|}"
done

begin "any message will do for a refusal if asked, but not for a trap"
run wast --ignore-error-messages message.wast
code 0
run wast --ignore-error-messages other_trap.wast
code 1

begin "compiled modules, saved and loaded"
mkdir saved
run wast --precompile-save saved good.wast
code 0
expect test -s saved/good.wast.1.cwasm
run wast --precompile-load saved good.wast
code 0

begin "files that are not scripts"
run wast nowhere.wast
code 1
err_has "failed to run script file 'nowhere.wast'"
echo '(module' >cut.wast
run wast cut.wast
code 1
err_has "cut.wast:"

finish
