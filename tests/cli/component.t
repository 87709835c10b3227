# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Components: exports called with WAVE, missing imports. The text of the files in data/ is in
# tests/unit/component/.
. "$top/tests/cli/lib.sh"

begin "a component's export is called with values as text"
run --invoke 'add(1, -2)' "$data/component-echo.wasm"
code 0
stdout -1
stderr ""

begin "an importer and an exporter, nested into one, as text and in binary"
for form in wat wasm; do
    run --invoke 'welcome("world", true)' "$data/component-nested.$form"
    code 0
    stdout '"Hello, world!"'
    stderr ""
done
run compile -o nested.cwasm "$data/component-nested.wat"
code 0
run --allow-precompiled --invoke 'welcome("you", false)' nested.cwasm
code 0
stdout '"Hello, you."'

begin "arguments that are none"
run --invoke 'add(256, 0)' "$data/component-echo.wasm"
code 1
stdout ""
err_has "expected a number of type u8 at 1:5"
run --invoke add "$data/component-echo.wasm"
code 1
err_has "Failed to parse invoke"

begin "an export that is not there"
run --invoke 'other()' "$data/component-echo.wasm"
code 1
err_has "No exported func named \`other\` in component."

begin "an export of a compatible version"
cat >version.wat <<'EOF'
(component
  (core module $m (func (export "f") (result i32) (i32.const 7)))
  (core instance $i (instantiate $m))
  (func $f (result u8) (canon lift (core func $i "f")))
  (instance $e (export "f" (func $f)))
  (export "a:b/c@1.2.3" (instance $e)))
EOF
for version in 1.2.3 1.2.4 1.0.0 1.9.0; do
    run --invoke "a:b/c.f@$version()" version.wat
    code 0
    stdout 7
done
for version in 2.0.0 0.2.3; do
    run --invoke "a:b/c.f@$version()" version.wat
    code 1
    err_has "No exported func named \`a:b/c.f@$version\` in component."
done

begin "what nobody offers, as functions that fail"
cat >unknown.wat <<'EOF'
(component
  (import "foo" (func $foo))
  (import "a:b/c" (instance $c (export "r" (type (sub resource)))
    (export "f" (func (param "x" string)))))
  (alias export $c "r" (type $r))
  (import "a:b/d" (instance $d (alias outer 1 $r (type $q)) (export "r" (type $r (eq $q)))
    (export "make" (func (result (own $r))))))
  (import "wasi:random/random@0.2.3" (instance $w (export "get-random-u64" (func (result u64)))
    (export "get-random-u99" (func (result u64)))))
  (core module $l (memory (export "mem") 1))
  (core instance $mem (instantiate $l))
  (core func $foo' (canon lower (func $foo)))
  (core func $f' (canon lower (func $c "f") (memory $mem "mem")))
  (core func $make' (canon lower (func $d "make")))
  (core func $w' (canon lower (func $w "get-random-u64")))
  (core func $w2' (canon lower (func $w "get-random-u99")))
  (core module $m
    (import "" "foo" (func $foo)) (import "" "f" (func $f (param i32 i32)))
    (import "" "make" (func $make (result i32))) (import "" "w" (func $w (result i64)))
    (import "" "w2" (func $w2 (result i64)))
    (func (export "one") (call $foo))
    (func (export "two") (call $f (i32.const 0) (i32.const 1)))
    (func (export "three") (drop (call $make)))
    (func (export "four") (drop (call $w)))
    (func (export "five") (drop (call $w2))))
  (core instance $i (instantiate $m (with "" (instance (export "foo" (func $foo'))
    (export "f" (func $f')) (export "make" (func $make')) (export "w" (func $w'))
    (export "w2" (func $w2'))))))
  (func (export "one") (canon lift (core func $i "one")))
  (func (export "two") (canon lift (core func $i "two")))
  (func (export "three") (canon lift (core func $i "three")))
  (func (export "four") (canon lift (core func $i "four")))
  (func (export "five") (canon lift (core func $i "five"))))
EOF
run --invoke 'four()' unknown.wat
code 1
err_has "not defined"
run -Wunknown-imports-trap --invoke 'four()' unknown.wat
code 0
stdout "()"
for pair in one=foo 'two=a:b/c#f' 'three=a:b/d#make'; do
    run -Wunknown-imports-trap --invoke "${pair%%=*}()" unknown.wat
    code 1
    err_has "unknown import: \`${pair#*=}\` has not been defined"
done
run -Wunknown-imports-trap --invoke 'five()' unknown.wat
code 1
err_has "get-random-u99\` has not been defined"
run -Wunknown-imports-default --invoke 'four()' unknown.wat
code 1
err_has "components cannot be run with \`-W unknown-imports-default\`"
run -Wunknown-imports-trap version.wat
code 1
err_has "no exported instance named"

begin "a component that traps"
run --invoke 'trap()' "$data/component-echo.wasm"
code 134
err_has "    0:     0x92 - <unknown>!<wasm function 3>"
err_has "wasm trap: wasm \`unreachable\` instruction executed"

begin "a component that is no command"
run "$data/component-echo.wasm"
code 1
err_has "no exported instance named \`wasi:cli/run@0.2.12\`"

begin "which of several commands runs: version 0.2.12, else the newest release of 0.2"
# commands VERSION VERSION: the first succeeds, the second fails.
commands() {
    cat >commands.wat <<EOF
(component
  (core module \$m
    (func (export "f0") (result i32) i32.const 0)
    (func (export "f1") (result i32) i32.const 1))
  (core instance \$i (instantiate \$m))
  (func \$f0 (result (result)) (canon lift (core func \$i "f0")))
  (func \$f1 (result (result)) (canon lift (core func \$i "f1")))
  (instance \$i0 (export "run" (func \$f0)))
  (instance \$i1 (export "run" (func \$f1)))
  (export "wasi:cli/run@$1" (instance \$i0))
  (export "wasi:cli/run@$2" (instance \$i1)))
EOF
    run commands.wat
}
commands 0.2.10 0.2.9
code 0
commands 0.2.9 0.2.10
code 1
commands 0.2.13 0.2.12
code 1
commands 0.2.0 0.2.1-rc.1
code 0
commands 0.2.0-rc-2023-11-10 0.2.0
code 1
commands 0.2.0-rc-2023-11-10 0.1.0
code 1
err_has "no exported instance named \`wasi:cli/run@0.2.12\`"

begin "a command whose result carries something"
cat >payload.wat <<'EOF'
(component
  (core module $m (memory (export "m") 1) (func (export "f") (result i32) i32.const 16))
  (core instance $i (instantiate $m))
  (func $f (result (result u32)) (canon lift (core func $i "f") (memory $i "m")))
  (instance $run (export "run" (func $f)))
  (export "wasi:cli/run@0.2.0" (instance $run)))
EOF
run payload.wat
code 1
err_has "\`run\` of \`wasi:cli/run\` is not of the type func() -> result"

begin "missing imports: how to get them, in the words of their interface, and who made the file"
http=$WASMTIME_SUITES/components/hello_wasi_http.wasm
if [ -f "$http" ]; then
    run "$http"
    code 1
    err_has "\`wasi:http/types@0.2.1\`: instance (not defined; it is there with \`-S http\`)"
    err_has "\`[method]outgoing-response.body\`: func(self: borrow<outgoing-response>) -> result<own<outgoing-body>> (not defined)"
    err_has "result<own<outgoing-response>, error-code>) (not defined)"
    err_has "[constructor]outgoing-response\`: func(headers: own<headers>) -> own<outgoing-response>"
    err_has "the component was made by "
    err_has "wit-component "
else
    echo "skip $topic: there is no $http; set WASMTIME_SUITES to the folder of the suites"
fi

begin "missing imports are listed with their types"
run --invoke 'twice(1)' "$data/component-host.wasm"
code 1
err_has "\`host:api/math@0.2.3\` \`twice\`: func(n: u32) -> u32 (not defined)"
err_has "\`host:api/math@0.2.3\` \`r\`: resource (not defined)"

begin "components are not preloaded, nor preloaded for"
run --preload x="$data/values.wat" "$data/component-echo.wasm"
code 1
err_has "--preload cannot be used with components"

begin "fields that a record does not have are read and forgotten"
cat >record.wat <<'EOF'
(component
  (type $r' (record (field "a" u32) (field "b" (option u32))))
  (export $r "r" (type $r'))
  (core module $m (func (export "f") (param i32 i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 2))))
  (core instance $i (instantiate $m))
  (func (export "f") (param "x" $r) (result u32) (canon lift (core func $i "f"))))
EOF
answers() {
    run --invoke "f($1)" record.wat
    code "$2"
    if [ "$2" = 0 ]; then stdout "$3"; else err_has "$3"; fi
}
answers "{a: 1, c: 2}" 0 1
answers "{z: {q: [1, (-2.5e1, -inf)], w: '}'}, a: 1, zz: some(\"]\"), b: 4, y: %none}" 0 5
answers "{a: 1, z: }" 1 "expected a value at 1:13"
answers "{a: 1, z: (1]}" 1 "expected ',' or a bracket at 1:15"
answers "{a: 1, z: 1 2}" 1 "expected ',' or '}' at 1:15"
answers "{a: 1, a: 1}" 1 "duplicate field at 1:11"
answers "{a: 1, : 1}" 1 "expected a field at 1:10"
deep=$(printf '%065d' 0 | tr 0 '[')
answers "{a: 1, z: $deep" 1 "too many brackets"

begin "options that components have no use for, and values that are left out"
run -Wunknown-exports-allow --invoke "f({a: 7})" record.wat
code 1
err_has "--allow-unknown-exports not supported with components"
run -Snn-graph=x --invoke "f({a: 7})" record.wat
code 2
err_has "failed to parse -S option \`nn-graph=x\`: graph does not contain \`::\` separator for directory"
run -Sconfig-var=a,keyvalue-in-memory-data=b --invoke "f({a: 7})" record.wat
code 0
stdout 7

begin "what no option provides is not promised"
cat >tls.wat <<'EOF'
(component (import "wasi:tls/types@0.2.0-draft"
  (instance (export "client-handshake" (type (sub resource))))))
EOF
run tls.wat
code 1
err_has "(not defined; this build of wasmtime does not have it yet)"
err_lacks "it is there with"

finish
