# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Compiled files.
. "$top/tests/cli/lib.sh"

begin "the compiled file is in the current directory"
run compile "$data/args.wat"
code 0
stdout ""
stderr ""
expect test -s args.cwasm
run --allow-precompiled args.cwasm a
code 0
stdout "args.cwasm
a"

begin "a compiled file needs the flag"
run args.cwasm
code 1
err_has "running a precompiled module requires the \`--allow-precompiled\` flag"

begin "the output by name, and over an old one"
mkdir -p sub
run compile -o sub/x.cwasm "$data/values.wat"
code 0
run compile -o sub/x.cwasm "$data/values.wat"
code 0
expect test "$(ls sub)" = x.cwasm
run --allow-precompiled --invoke add sub/x.cwasm 1 2
code 0
stdout 3

begin "from standard input, as a file and as a pipe"
stdin=args.cwasm
run --allow-precompiled - b
code 0
stdout "-
b"
cat args.cwasm | timeout 60 "$WASMTIME" run --allow-precompiled - c >piped
expect test "$(cat piped)" = "-
c"

begin "damaged files are refused"
size=$(wc -c <args.cwasm)
for at in 4 16 36 64 100 $((size / 2)) $((size - 1)); do
    head -c "$at" args.cwasm >cut.cwasm
    run --allow-precompiled cut.cwasm
    expect test "$status" -ne 0 -a "$status" -lt 128
done

begin "traps and exits from compiled code"
run compile -o u.cwasm "$data/unreachable.wat"
run --allow-precompiled u.cwasm
code 134
err_has "!main"
err_has "wasm trap: wasm \`unreachable\` instruction executed"

begin "components"
run compile "$data/component.wat"
code 0
run --allow-precompiled component.cwasm
code 1
err_has "no exported instance named \`wasi:cli/run"
run compile "$data/component-echo.wasm"
code 0
run --allow-precompiled --invoke 'add(1, -2)' component-echo.cwasm
code 0
stdout -1
run --invoke 'add(1, -2)' component-echo.cwasm
code 1
err_has "requires the \`--allow-precompiled\` flag"
run --allow-precompiled --invoke 'trap()' component-echo.cwasm
code 134
err_has "wasm trap: wasm \`unreachable\` instruction executed"
grep '^ .* - ' .err >compiled
run --invoke 'trap()' "$data/component-echo.wasm"
grep '^ .* - ' .err >direct
expect cmp compiled direct
run --allow-precompiled --preload "x=component-echo.cwasm" args.cwasm
code 1
err_has "a core module is needed here, not a component"
run --allow-precompiled -W component-model=n component-echo.cwasm
code 1
err_has "cannot execute a component without"
cat component-echo.cwasm | timeout 60 "$WASMTIME" run --allow-precompiled \
    --invoke 'add(1, -2)' - >piped
expect test "$(cat piped)" = -1
size=$(wc -c <component-echo.cwasm)
for at in 4 36 100 $((size / 2)) $((size - 1)); do
    head -c "$at" component-echo.cwasm >cut.cwasm
    run --allow-precompiled --invoke 'add(1, -2)' cut.cwasm
    expect test "$status" -ne 0 -a "$status" -lt 128
done

begin "components of other toolchains"
if [ -d "$WASMTIME_SUITES/components" ]; then
    for name in component-hello-world hello_wasi_http fetch_rs hello_js_http; do
        run compile -o suite.cwasm "$WASMTIME_SUITES/components/$name.wasm"
        code 0
        run --allow-precompiled suite.cwasm
        if [ $name = component-hello-world ]; then
            code 0
            stdout "Hello, world!"
        else
            expect test "$status" -ne 0 -a "$status" -lt 128
        fi
    done
else
    echo "skip $topic: components of other toolchains: there is no $WASMTIME_SUITES/components"
fi

begin "modules that do not compile"
run compile "$data/invalid.wat"
code 1
expect test ! -e invalid.cwasm
run compile nowhere.wasm
code 1

begin "listings of machine code"
cat >list.wat <<'EOF'
(module (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (unreachable)))
EOF
run compile --dump=add list.wat
code 0
stderr ""
expect test ! -e list.cwasm
expect test "$(head -n 1 .out | sed 's/: .*//')" = "function 0 add"
expect grep -qE '^  0x[0-9a-f]+ +i32.add +([0-9a-f]{2})+$' .out
expect grep -qE '^ +\(rest\) .*c3' .out
expect test "$(grep -c '^function' .out)" = 1
run compile --dump=1 list.wat
expect test "$(head -n 1 .out | sed 's/: .*//')" = "function 1"
run compile --dump list.wat
code 0
expect test "$(grep -c '^function' .out)" = 2
run compile --dump=nobody list.wat
code 1
err_has "no function \`nobody\` is defined in the module"

begin "targets"
run compile --target x86_64-unknown-linux-gnu -o t.cwasm "$data/values.wat"
code 0
run --allow-precompiled --invoke add t.cwasm 1 2
stdout 3
run compile --target foo "$data/args.wat"
code 1
err_has "foo"

finish
