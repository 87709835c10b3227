# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# WASMTIME_LOG.
. "$top/tests/cli/lib.sh"

stamp='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z'

cat >quiet.wat <<'END'
(module (func (export "_start")))
END
cat >calls.wat <<'END'
(module (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $close (i32.const 77)))))
END

begin "no log lines without the variable"
run "quiet.wat"
code 0
stderr ""

begin "a level: lines with time, level and target"
export WASMTIME_LOG=info
run "quiet.wat"
code 0
expect grep -qxE "$stamp  INFO wasmtime::module: loaded quiet.wat" .err
err_lacks DEBUG
export WASMTIME_LOG=DEBUG
run "quiet.wat"
expect grep -qE "^$stamp DEBUG wasmtime::instance: instantiating " .err
err_lacks TRACE

begin "components are named, too"
export WASMTIME_LOG=info
run "$data/component-echo.wasm"
expect grep -qxE "$stamp  INFO wasmtime::module: loaded $data/component-echo.wasm" .err

begin "calls of WASI, with names and values"
export WASMTIME_LOG=wasmtime_wasi=trace
run "calls.wat"
head='TRACE wiggle abi\{module="wasi_snapshot_preview1" function="fd_close"\}: wasmtime_wasi'
expect grep -qE "^$stamp $head.*: fd=77\$" .err
expect grep -qE "^$stamp $head.*: result=errno 8\$" .err
err_lacks wasmtime::

begin "targets are prefixes, and the longest one decides"
export WASMTIME_LOG=wasmtime=debug,wasmtime::instance=off
run "quiet.wat"
err_has wasmtime::module
err_lacks wasmtime::instance

begin "only the messages"
export WASMTIME_LOG=info WASMTIME_LOG_NO_CONTEXT=1
run "quiet.wat"
stderr "loaded quiet.wat"
unset WASMTIME_LOG_NO_CONTEXT

begin "-D logging=n"
run -D logging=n "quiet.wat"
stderr ""

begin "a rule that cannot be read is named, the others count"
export WASMTIME_LOG=a=b,info
run "quiet.wat"
code 0
err_has 'ignoring `a=b`: a level is expected'
err_has "loaded"
export WASMTIME_LOG=off
run "quiet.wat"
stderr ""

finish
