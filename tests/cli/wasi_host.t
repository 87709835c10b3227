# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The functions of preview 1 and 0 as host functions: how they end a guest, limits, both layouts.
. "$top/tests/cli/lib.sh"
errors=$data/wasi_errors.wat
unstable=$data/wasi_unstable.wat

begin "a guest without an exported memory"
sed 's/(memory (export "memory") 1)/(memory 1)/' "$errors" >hidden.wat
run --invoke hello hidden.wat
code 1
stdout ""
err_has "2: missing required memory export"

begin "the place of a result is misaligned: what was to be done is done"
run --invoke result_misaligned "$errors"
code 1
expect test "$(cat .out)" = hello
err_has "2: In func wasi_snapshot_preview1::fd_write at write size: Pointer not aligned to 4: Region { start: 1, len: 4 }"
err_has "3: Pointer not aligned to 4: Region { start: 1, len: 4 }"

begin "a buffer is misaligned or out of bounds"
run --invoke buffer_misaligned "$errors"
code 1
stdout ""
err_has "2: Pointer not aligned to 4: Region { start: 17, len: 4 }"
run --invoke buffer_beyond "$errors"
code 1
err_has "2: Pointer out of bounds: Region { start: 65536, len: 4 }"

begin "a value of no such type"
run --invoke whence "$errors"
code 1
err_has "2: In func wasi_snapshot_preview1::fd_seek at convert Whence: Invalid enum value Whence"

begin "more buffers than a call may walk over"
run --invoke too_many_buffers "$errors"
code 0
stdout "48"
run -Shostcall-fuel=5000 --invoke many_buffers "$errors"
stdout "48"

begin "the limit of random bytes"
run -Smax-random-size=256 --invoke random "$errors"
code 0
run -Smax-random-size=255 --invoke random "$errors"
code 1
err_has "requested len 256 exceeds limit 255"

begin "preview 0"
printf 'twelve bytes' >file
ln file other
for case in links:2 size:12 end:11 poll:13; do
    run --dir . --invoke "${case%:*}" "$unstable"
    code 0
    stdout "${case#*:}"
done
run --invoke send "$unstable"
code 1
err_has "sock_send unsupported"

begin "standard streams that are closed"
"$WASMTIME" run --dir . --invoke size "$unstable" >&- 2>/dev/null
expect test $? = 0
"$WASMTIME" run --dir . --invoke hello "$errors" >&- 2>/dev/null
expect test $? = 0
expect test "$(cat file)" = "twelve bytes"

begin "nobody reads the output"
{ "$WASMTIME" run --invoke hello "$errors" 2>.err || echo $? >.code; } | :
expect test "$(cat .code 2>/dev/null || echo 0)" -lt 126

begin "a wait is interrupted"
sed 's/(i32.store offset=80 (i32.const 1024) (i32.const 1))/(i64.store offset=32 (i32.const 1024) (i64.const -1)) (i64.store offset=88 (i32.const 1024) (i64.const -1))/' \
    "$unstable" >wait.wat
run -Wtimeout=50ms --invoke poll wait.wat
code 134
err_has "wasm trap: interrupt"

finish
