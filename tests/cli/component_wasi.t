# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Components that are commands, on WASI 0.2.
. "$top/tests/cli/lib.sh"

hello=$WASMTIME_SUITES/components/component-hello-world.wasm
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

begin "the working directory that a component is told"
cat >cwd.wat <<'EOF'
(component
  (import "wasi:cli/environment@0.2.0"
    (instance $e (export "initial-cwd" (func (result (option string))))))
  (core module $m
    (memory (export "mem") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $i (instantiate $m))
  (core func $f (canon lower (func $e "initial-cwd")
    (memory $i "mem") (realloc (func $i "realloc"))))
  (core module $n (import "" "f" (func $f (param i32)))
    (func (export "r") (result i32) (call $f (i32.const 64)) (i32.const 64)))
  (core instance $k (instantiate $n (with "" (instance (export "f" (func $f))))))
  (func (export "cwd") (result (option string))
    (canon lift (core func $k "r") (memory $i "mem"))))
EOF
run --invoke 'cwd()' cwd.wat
stdout none
run -Scwd=/some/where --invoke 'cwd()' cwd.wat
code 0
stdout 'some("/some/where")'
run -Scwd= --invoke 'cwd()' cwd.wat
stdout 'some("")'

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

begin "interfaces that no option grants"
cat >granted.wat <<'EOF'
(component
  (import "wasi:keyvalue/store@0.2.0-draft" (instance $kv
    (export "bucket" (type (sub resource)))))
  (import "wasi:random/random@0.2.0" (instance
    (export "get-random-u64" (func (result u64)))))
  (core module $m (func (export "run") (result i32) i32.const 0))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run)))
EOF
run granted.wat
code 1
err_has "\`wasi:keyvalue/store@0.2.0-draft\` \`bucket\`: resource (not defined)"
err_lacks random
run -Skeyvalue granted.wat
code 0
run -Skeyvalue -Scli=n granted.wat
code 1
err_has "\`wasi:random/random@0.2.0\` \`get-random-u64\`: func() -> u64 (not defined)"
err_lacks keyvalue
run -Skeyvalue -Scommon=n granted.wat
code 1
run -Skeyvalue -Scommon=y granted.wat
code 0
run -Scommon -Scli granted.wat
code 1

begin "terminals"
if command -v script >/dev/null; then
    cat >terminal.wat <<'EOF'
(component
  (import "wasi:cli/terminal-output@0.2.0" (instance $output
    (export "terminal-output" (type (sub resource)))))
  (alias export $output "terminal-output" (type $terminal))
  (import "wasi:cli/terminal-stdout@0.2.0" (instance $stdout
    (alias outer 1 $terminal (type $o))
    (export "terminal-output" (type $t (eq $o)))
    (export "get-terminal-stdout" (func (result (option (own $t)))))))
  (import "wasi:cli/exit@0.2.0" (instance $exit
    (export "exit-with-code" (func (param "status-code" u8)))))
  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (core func $get (canon lower (func $stdout "get-terminal-stdout") (memory $memory "memory")))
  (core func $drop (canon resource.drop $terminal))
  (core func $code (canon lower (func $exit "exit-with-code")))
  (core module $m
    (import "" "memory" (memory 1))
    (import "" "get" (func $get (param i32)))
    (import "" "drop" (func $drop (param i32)))
    (import "" "code" (func $code (param i32)))
    (func (export "run") (result i32)
      (call $get (i32.const 8))
      (if (i32.load8_u (i32.const 8)) (then (call $drop (i32.load (i32.const 12)))))
      (call $code (i32.add (i32.const 20) (i32.load8_u (i32.const 8))))
      (i32.const 0)))
  (core instance $i (instantiate $m (with "" (instance
    (export "memory" (memory $memory "memory")) (export "get" (func $get))
    (export "drop" (func $drop)) (export "code" (func $code))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run)))
EOF
    run terminal.wat
    code 20
    timeout 60 script -qec "'$WASMTIME' run terminal.wat" script.log >.out 2>.err </dev/null
    status=$?
    code 21
    timeout 60 script -qec "'$WASMTIME' run -Sinherit-stdout=n terminal.wat" script.log >.out 2>.err </dev/null
    status=$?
    code 20
else
    echo "skip $topic: there is no script(1) to make a terminal with"
fi

begin "more handles than there may be"
cat >handles.wat <<'EOF'
(component
  (type $r (resource (rep i32)))
  (core func $new (canon resource.new $r))
  (core func $drop (canon resource.drop $r))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "one-by-one") (result i32) (local $n i32)
      (loop $l
        (call $drop (call $new (i32.const 1)))
        (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 200000))))
      (local.get $n))
    (func (export "all") (loop $l (drop (call $new (i32.const 1))) (br $l))))
  (core instance $i (instantiate $m
    (with "" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
  (func (export "one-by-one") (result u32) (canon lift (core func $i "one-by-one")))
  (func (export "all") (canon lift (core func $i "all"))))
EOF
run --invoke "one-by-one()" handles.wat
code 0
stdout 200000
run --invoke "all()" handles.wat
code 1
err_has "cannot allocate another handle: store handle limit exceeded"
run -Smax-component-handles=0 --invoke "one-by-one()" handles.wat
code 1

begin "a resource that a world uses, and what realloc gives for an empty list"
run "$data/component-use.wat"
code 0
stdout used
stderr ""

begin "two resource types of a component are two, though the host gives it one for both"
cat >twins.wat <<'EOF'
(component
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.ready" (func (param "self" (borrow $p)) (result bool)))))
  (import "wasi:io/poll@0.2.1" (instance $poll1 (export "pollable" (type (sub resource)))))
  (alias export $poll1 "pollable" (type $mine))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $mine (type $mine))
    (export "pollable" (type $p (eq $mine)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (core func $sub (canon lower (func $clock "subscribe-duration")))
  (core func $ready (canon lower (func $poll "[method]pollable.ready")))
  (core func $drop (canon resource.drop $mine))
  (core module $m
    (import "" "sub" (func $sub (param i64) (result i32)))
    (import "" "ready" (func $ready (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "good") (call $drop (call $sub (i64.const 0))))
    (func (export "bad") (result i32) (call $ready (call $sub (i64.const 0)))))
  (core instance $i (instantiate $m (with "" (instance
    (export "sub" (func $sub)) (export "ready" (func $ready)) (export "drop" (func $drop))))))
  (func (export "good") (canon lift (core func $i "good")))
  (func (export "bad") (result bool) (canon lift (core func $i "bad"))))
EOF
run --invoke "good()" twins.wat
code 0
run --invoke "bad()" twins.wat
code 1
err_has "handle index 1 used with the wrong type, expected host-defined resource but found a different host-defined resource"

begin "a resource type is offered by the interface that defines it, not by those that use it"
cat >used.wat <<'EOF'
(component
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance
    (export "pollable" (type $p (sub resource)))
    (export "now" (func (result u64)))))
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func (export "f") (canon lift (core func $i "f"))))
EOF
run --invoke "f()" used.wat
code 1
err_has "\`wasi:clocks/monotonic-clock@0.2.0\` \`pollable\`: resource (not defined)"
err_lacks "now"

begin "a task whose caller does not wait for it and that yields is refused, and never spins"
for name in spin yields between; do
    run -Wcomponent-model-async-stackful -Wtimeout=20s --invoke "$name()" "$data/component-beside.wat"
    code 1
    err_has "tasks that run beside their callers are not supported by this build yet"
done

finish
