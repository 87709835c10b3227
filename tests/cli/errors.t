# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Exit codes and the layout of errors.
. "$top/tests/cli/lib.sh"

begin "a trap: exit code 134, the chain, nothing on stdout"
run "$data/unreachable.wat"
code 134
stdout ""
err_has "Error: failed to run main module \`$data/unreachable.wat\`"
err_has "    0: failed to invoke command default"
err_has "    1: error while executing at wasm backtrace:"
expect grep -qE '^ +0: +0x[0-9a-f]+ - <unknown>!main$' .err
err_has "    2: wasm trap: wasm \`unreachable\` instruction executed"

begin "an access beyond the memory says where, and how large the memory is"
cat > .oob.wat <<'END'
(module (memory 1)
  (func (export "_start") (drop (i32.load offset=16 (i32.const -1)))))
END
run .oob.wat
code 134
err_has "    2: memory fault at wasm address 0x10000000f in linear memory of size 0x10000"
err_has "    3: wasm trap: out of bounds memory access"

begin "an interrupted loop says where it is"
cat > .spin.wat <<'END'
(module (func (export "_start") (loop (br 0))))
END
run -Wtimeout=300ms .spin.wat # long enough to get there on a busy machine
code 134
expect grep -qE '^ +0: +0x[0-9a-f]*[1-9a-f][0-9a-f]* - ' .err

begin "a trap without WASI"
run -Scli=n "$data/unreachable.wat"
code 134
stdout ""

begin "a trap in the start function"
run "$data/trap_in_start.wat"
code 134
err_has "wasm trap: integer divide by zero"

begin "stack overflow"
run --invoke recurse "$data/loop.wat"
code 134
err_has "wasm trap: call stack exhausted"
expect test "$(grep -c '<unknown>!recurse' .err)" = 20
run -D max-backtrace=3 --invoke recurse "$data/loop.wat"
expect test "$(grep -c '<unknown>!recurse' .err)" = 3

run -D max-backtrace=4294967295 --invoke recurse "$data/loop.wat"
code 134
err_has "wasm trap: call stack exhausted"

begin "the place of a stack overflow is the function, not an instruction"
run --invoke recurse "$data/loop.wat"
expect grep -q '^    0: <unknown>!recurse$' .err
expect grep -qE '^    1: +0x[0-9a-f]+ - <unknown>!recurse$' .err

begin "a backtrace without places"
run -D address-map=n --invoke recurse "$data/loop.wat"
code 134
expect test "$(grep -c '^ *[0-9]*: <unknown>!recurse$' .err)" = 20

begin "names of C++ functions are shown as they are written"
cat >.cxx.wat <<'END'
(module (func $_ZN3foo3barEi (export "_start") (call $_ZNSt6vectorIiSaIiEE9push_backEOi))
  (func $_ZNSt6vectorIiSaIiEE9push_backEOi unreachable))
END
run .cxx.wat
code 134
err_has "<unknown>!std::vector<int, std::allocator<int> >::push_back(int&&)"
err_has "<unknown>!foo::bar(int)"

begin "a backtrace of no frames is one of the usual length"
run -D max-backtrace=0 --invoke recurse "$data/loop.wat"
code 134
expect test "$(grep -c '<unknown>!recurse' .err)" = 20

begin "with debug information a backtrace names what shows more of it"
note='note: using the `WASMTIME_BACKTRACE_DETAILS=1` environment variable may show more debugging information'
cat >debug.wat <<'END'
(module (@custom ".debug_info" "") (func (export "_start") unreachable))
END
run debug.wat
expect test "$(sed -n '/^    0: .*0x/{n;p;}' .err)" = "$note"
run compile debug.wat -o debug.cwasm
run --allow-precompiled debug.cwasm
err_has "$note"
run -D max-backtrace=0 debug.wat
err_lacks note:
run "$data/unreachable.wat"
err_lacks note:
export WASMTIME_BACKTRACE_DETAILS=1
run debug.wat
err_lacks note:
export WASMTIME_BACKTRACE_DETAILS=0
run debug.wat
err_has "$note"
unset WASMTIME_BACKTRACE_DETAILS

begin "a missing import says what would provide it"
cat >imports.wat <<'END'
(module (import "a" "f" (func)) (import "wasi:cli/run@0.2.0" "run" (func))
  (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
  (import "wasi_unstable" "sched_yield" (func (result i32))))
END
component="this is a component's import: the module has to be made into a component"
run imports.wat
code 1
err_has '    1: unknown import: `a::f` has not been defined (expected (func)'
err_has '`a`; give it with `--preload a=FILE`)'
err_has "; $component)"
err_lacks "it is there with"
run -S cli=n imports.wat
expect test "$(grep -cF 'it is there with `-S cli=y`)' .err)" = 2
run -S preview0=n imports.wat
expect test "$(grep -cF 'it is there with `-S preview0=y`)' .err)" = 1
echo '(module (func (export "g")))' >a.wat
run --preload a=a.wat imports.wat
err_has '`a::f` has not been defined (expected (func))'
err_lacks --preload

begin "what is wrong with a binary: the offset, and the section or the function"
printf '\0asm\1\0\0\0\1\4\1\140\0\0\7\5\1\1a\0\0' >.section.wasm
run .section.wasm
code 1
stderr "Error: failed to parse WebAssembly module

Caused by:
    unknown function 0 (at offset 0x14 in the export section)"
printf '\0asm\2\0\0\0' >.version.wasm
run .version.wasm
err_has "    unknown binary version (at offset 0x4)"
printf '\0asm\1\0\0\0\1\4\1\140\0\0\3\3\2\0\0\12\10\2\2\0\13\3\0\152\13' >.body.wasm
run .body.wasm
code 1
stderr "Error: failed to compile: wasm[0]::function[1]

Caused by:
    0: WebAssembly translation error
    1: Invalid input WebAssembly code at offset 27: type mismatch: expected i32 but nothing on stack"
printf '\0asm\15\0\1\0\1\16\0asm\1\0\0\0\1\4\1\140\1\0' >.nested.wasm
run .nested.wasm
err_has " section)"

begin "output that cannot be written is an error, short or long"
echo '(module (func (export "f") (result i32) i32.const 7))' >.seven.wat
for args in "--version" "help --markdown" "completion zsh" "-W help" "--invoke f .seven.wat"; do
    # shellcheck disable=SC2086
    timeout 60 "$WASMTIME" $args >/dev/full 2>.err
    expect test $? = 1
    err_has "Error: failed to write to stdout"
done

begin "a text without anything in it is no module"
for text in '' ' ;; only a comment' '(; and another ;)'; do
    printf '%s\n' "$text" >.empty.wat
    run .empty.wat
    code 1
    err_has "Error: expected at least one module field"
    err_has "     --> .empty.wat:2:1"
done
run /dev/null
code 1

begin "the line of an error: tabs are a column wide, control characters are shown as none"
printf '(module\n\t(func\tfoo)\n' >.tab.wat
run .tab.wat
stderr "Error: unknown operator foo, expected an instruction
     --> .tab.wat:2:8
      |
    2 |  (func foo)
      |        ^"
printf '(module \0\33[31m)\n' >.control.wat
run .control.wat
stderr "Error: illegal character
     --> .control.wat:1:9
      |
    1 | (module ��[31m)
      |         ^"

begin "timeouts interrupt loops and host calls"
for file in loop loop_in_start sleep; do
    run -Wtimeout=20ms "$data/$file.wat"
    code 134
    err_has "wasm trap: interrupt"
done
run -Wtimeout=1ns "$data/sleep.wat"
err_has "interrupt"
run -Wtimeout=1000s "$data/args.wat"
code 0

begin "exit codes of the guest"
for n in 0 3 125; do
    run --invoke exit$n "$data/exit.wat"
    code $n
    stdout ""
    stderr ""
done
run "$data/exit_unstable.wat"
code 7

begin "an exit code from 126 on is an error"
run --invoke exit126 "$data/exit.wat"
code 1
stdout ""
err_has "exit with invalid exit status outside of [0..126)"

begin "nothing to call is fine"
run "$data/values.wat"
code 0
stdout ""
stderr ""

begin "text that is not a module shows the place"
run "$data/bad_syntax.wat"
code 1
err_has "--> $data/bad_syntax.wat:3:"
run "$data/invalid.wat"
code 1
err_has "type mismatch"

begin "bytes that are not a module"
printf '\0asm\1\0\0\0\1' >cut.wasm
run cut.wasm
code 1
err_has "unexpected end"
printf '\0asm\2\0\0\0' >version.wasm
run version.wasm
code 1

begin "missing imports are reported all at once"
run "$data/missing_imports.wat"
code 1
err_has "failed to instantiate \"$data/missing_imports.wat\""
err_has "unknown import: \`host::f\` has not been defined"
err_has "\`other::m\`"

begin "missing functions that trap, and everything else a default"
cat >.both.wat <<'END'
(module (import "a" "f" (func $f (result i32))) (import "a" "m" (memory 1))
  (import "a" "t" (table 2 funcref)) (import "a" "g" (global $g i64))
  (func (export "get") (result i64 i32) (global.get $g) (i32.load (i32.const 8)))
  (func (export "call") (result i32) (call $f)))
END
run -W unknown-imports-trap,unknown-imports-default --invoke get .both.wat
code 0
stdout "0
0"
run -W unknown-imports-trap,unknown-imports-default --invoke call .both.wat
code 1
err_has "unknown import: \`a::f\` has not been defined"

begin "missing imports that trap or have default values"
run -W unknown-imports-default --invoke call "$data/missing_imports.wat"
code 0
run -W unknown-imports-default "$data/missing_imports.wat"
code 0

begin "components are refused"
run "$data/component.wat"
code 1
err_has "component"
run -W component-model=n "$data/component.wat"
code 1
err_has "cannot execute a component without \`--wasm component-model\`"
printf '\0asm\15\0\1\0' >component.wasm
run -W component-model=n component.wasm
code 1
err_has "cannot execute a component without \`--wasm component-model\`"

begin "an instruction of the GC in a constant expression names its proposal"
echo '(module (global i31ref (ref.i31 (i32.const 1))) (func (export "_start")))' >i31.wat
run i31.wat
code 1
err_has "the module uses the gc proposal, which is not supported by this build"
err_has "ref.i31"

finish

begin "source files and lines, with inlined functions"
for version in 4 5; do
    WASMTIME_BACKTRACE_DETAILS=1 run --invoke run "$data/lines$version.wat" 1
    code 134
    [ "$(sed -n '/wasm backtrace/,$p' .err)" = "    1: error while executing at wasm backtrace:
    0:     0x4a - inner
                    at /src/lines.c:3:16
                - middle
                    at /src/lines.c:7:12
                - outer
                    at /src/lines.c:11:12
    1:     0x56 - run
                    at /src/lines.c:15:12
    2: wasm trap: integer divide by zero" ] || wrong "backtrace is $(cat .err)"
    run --invoke run "$data/lines$version.wat" 1
    err_has "    1:     0x56 - <unknown>!run
note: using the \`WASMTIME_BACKTRACE_DETAILS=1\`"
    run -D max-backtrace=0 --invoke run "$data/lines$version.wat" 1
    err_lacks "WASMTIME_BACKTRACE_DETAILS"
done
