# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Components that are commands, on WASI 0.2.
. "$top/tests/cli/lib.sh"

hello=${WASMTIME_SUITES:-$top/../shared/suites}/components/component-hello-world.wasm
if [ -f "$hello" ]; then
    begin "a component writes to standard output"
    run "$hello"
    code 0
    stdout "Hello, world!"
    stderr ""

    begin "output that nobody is to see"
    run -Sinherit-stdout=n "$hello"
    code 0
    stdout ""

    begin "without WASI the imports are missing, each by its name"
    run -Scli=n "$hello"
    code 1
    err_has "get-stdout"
    err_has "not defined"
else
    echo "skip $topic: there is no $hello; set WASMTIME_SUITES to the folder of the suites"
fi

begin "files, streams, polls, arguments and an exit"
mkdir files
echo input >input
stdin=input
run --dir files "$data/component-wasi.wasm" a b
code 3
stdout "contents
input"
stderr ""
expect test -z "$(ls files)"

begin "a component that is given no directory"
run "$data/component-wasi.wasm"
code 10

begin "a request for more random bytes than there may be"
stdin=input
run --dir files -Smax-random-size=63 "$data/component-wasi.wasm"
code 1
err_has "requested len 64 exceeds limit 63"

begin "more resources than there may be"
run --dir files -Smax-resources=3 "$data/component-wasi.wasm"
code 1
err_has "resource table has no free keys"

begin "a stream that is dropped before its pollable"
run "$data/component-pollable.wasm"
code 1
err_has "resource has children"

begin "a function of the host's that is imported with another type"
cat >types.wat <<'EOF'
(component
  (import "wasi:random/random@0.2.3" (instance
    (export "get-random-u64" (func (result s64)))))
  (import "wasi:clocks/wall-clock@0.2.0" (instance $clock
    (type $t (record (field "seconds" u64) (field "nanos" u32)))
    (export "datetime" (type $d (eq $t)))
    (export "now" (func (result $d)))))
  (import "wasi:io/error@0.2.0" (instance $error
    (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error))
  (import "wasi:io/poll@0.2.0" (instance
    (export "pollable" (type (sub resource)))
    (alias outer 1 $error (type $o))
    (export "error" (type $e (eq $o)))
    (type $b (borrow $e))
    (type $l (list $b))
    (type $r (list u32))
    (export "poll" (func (param "in" $l) (result $r))))))
EOF
run types.wat
code 1
err_has "\`wasi:random/random@0.2.3\` \`get-random-u64\`: func() -> s64 (of another type; the one that is there is func() -> u64)"
err_has "\`now\`: func() -> record { seconds: u64, nanos: u32 } (of another type; the one that is there is func() -> datetime)"
err_has "\`poll\`: func(in: list<borrow<error>>) -> list<u32> (of another type; the one that is there is"

finish
