# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What a guest may take.
. "$top/tests/cli/lib.sh"

begin "random bytes in one request"
run -S max-random-size=255 --invoke bytes "$data/random.wat" 255
code 0
stdout 0
run -S max-random-size=255 --invoke bytes "$data/random.wat" 256
expect test "$status" -ne 0
stdout ""
err_has "requested len 256 exceeds limit 255"
err_has "!<wasm function 1>"

begin "a memory larger than the limit is not made"
run -W max-memory-size=65535 "$data/grow.wat"
expect test "$status" -ne 0 -a "$status" -lt 128
run -W max-memory-size=65536 "$data/grow.wat"
code 0

begin "a table larger than the limit is not made"
run -W max-table-elements=0 "$data/grow.wat"
expect test "$status" -ne 0 -a "$status" -lt 128

begin "a store without room for instances, memories or tables"
for what in instances memories tables; do
    run -W max-$what=0 "$data/grow.wat"
    expect test "$status" -ne 0 -a "$status" -lt 128
done

begin "fuel that suffices and fuel that does not"
run -W fuel=1000 --invoke add "$data/values.wat" 1 2
code 0
stdout 3
run -W fuel=1 "$data/args.wat"
code 134
err_has "wasm trap: all fuel consumed by WebAssembly"

begin "a small wasm stack"
run -W max-wasm-stack=65536 --invoke recurse "$data/loop.wat"
code 134
err_has "wasm trap: call stack exhausted"

begin "memory that grows where nothing is reserved"
run -O memory-reservation=0,memory-guard-size=0 --invoke memory-grow "$data/grow.wat"
code 0
stdout 1
run -O memory-reservation=0,memory-may-move=n --invoke memory-grow "$data/grow.wat"
code 0

begin "calls of a thousand arguments: two bytes that make ten thousand"
awk 'BEGIN {
    for (i = 0; i < 1000; i++) { params = params " i64"; zeros = zeros " i64.const 5"; gets = gets " local.get " 999 - i }
    for (i = 0; i < 1000; i++) { calls = calls " call $f"; drops = drops " drop" }
    print "(module (func $f (param" params ") (result" params ")" gets ")"
    print "(func (export \"_start\")" zeros calls drops "))"
}' >wide.wat
run wide.wat
code 0
stderr ""

case $WASMTIME in
*/build/wasmtime) # other builds take more address space themselves
    begin "address space for some guarded memories, but not for all that a program may have"
    awk 'BEGIN { print "(module"; for (i = 0; i < 9; i++) print "(memory 1)"
        print "(func (export \"_start\") (i32.store8 8 (i32.const 7) (i32.const 1))) (func (export \"far\")"
        print " (i32.store8 8 (i32.const 65536) (i32.const 1))))" }' >nine.wat
    echo '(module (memory (export "memory") 1) (func (export "_start") (i32.store (i32.const 4) (i32.const 1))))' >one.wat
    limited() {
        last="ulimit -v 20000000; $*"
        (ulimit -v 20000000 && exec timeout 60 "$WASMTIME" "$@" >.out 2>.err </dev/null)
        status=$?
    }
    limited run nine.wat
    code 0
    limited run --invoke far nine.wat
    code 134
    err_has "wasm trap: out of bounds memory access"
    limited run --preload a=one.wat --preload b=one.wat --preload c=one.wat --preload d=one.wat \
        --preload e=one.wat one.wat
    code 0

    begin "compiled files and a limit on address space"
    run compile -o one.cwasm one.wat
    run compile -o nine.cwasm nine.wat
    limited run --allow-precompiled one.cwasm
    code 0
    limited run --allow-precompiled nine.cwasm
    code 1
    err_has "no address space left for the 4294967296 that it reserves; with \`-O memory-reservation=0\`"
    limited compile -o nine.cwasm nine.wat
    limited run --allow-precompiled nine.cwasm
    code 0
    run run --allow-precompiled nine.cwasm
    code 0
    run run --allow-precompiled -O memory-reservation=0x100000000 nine.cwasm
    code 1
    err_has "Module was compiled with a memory reservation of '0' but '4294967296' is expected"
    ;;
esac

begin "a limit on the size of files ends a write, not the process"
cat >write.wat <<'W'
(module
  (import "wasi_snapshot_preview1" "path_open" (func $open
    (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "out")
  (data (i32.const 8) "\00\01\00\00\00\40\00\00")
  (func (export "_start")
    (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 3) (i32.const 1)
      (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16)))
    (drop (call $write (i32.load (i32.const 16)) (i32.const 8) (i32.const 1) (i32.const 20)))
    (call $exit (call $write (i32.load (i32.const 16)) (i32.const 8) (i32.const 1) (i32.const 20)))))
W
for blocks in 0 2; do
    (ulimit -f $blocks && exec "$WASMTIME" run --dir . write.wat 2>.err)
    status=$?
    last="ulimit -f $blocks"
    code 22
    expect test ! -s .err
done

begin "a program starts without /dev and with closed standard descriptors"
if unshare -rm true 2>/dev/null; then
    mkdir -p root
    cp "$WASMTIME" root/wasmtime
    cp "$data/exit.wat" root/x.wat
    unshare -r chroot root /wasmtime x.wat <&- >&- 2>&-
    status=$?
    last="in an empty root"
    code 0
else
    echo "skip $topic: a program starts without /dev: no user namespaces here"
fi
(ulimit -n 0 && exec "$WASMTIME" --version) <&- >&- 2>&-
status=$?
last="ulimit -n 0"
code 1

finish

begin "limits of a pool, where one is asked for"
echo '(module (table 25000 funcref))' > table.wat
echo '(module (memory 2) (table 0 funcref) (table 0 funcref))' > two.wat
run table.wat
code 0
run -O pooling-allocator table.wat
code 1
err_has "Error: module table does not fit in pooling allocator requirements"
err_has "    table index 0 has a minimum element size of 25000 which exceeds the limit of 20000"
run -O pooling-allocator -W max-table-elements=25000 table.wat
code 0
run -O pooling-allocator,pooling-table-elements=25000 table.wat
code 0
run -O pooling-allocator two.wat
code 1
err_has "    defined tables count of 2 exceeds the per-instance limit of 1"
run -O pooling-allocator,pooling-max-tables-per-module=2 two.wat
code 0
run -O pooling-allocator -W max-memory-size=65536 two.wat
code 1
err_has "    0: memory index 0 is unsupported in this pooling allocator configuration"
err_has "    1: memory has a minimum byte size of 131072 which exceeds the limit of 0x10000 bytes"
run -O pooling-allocator,pooling-max-memories-per-module=0 two.wat
code 1
err_has "    defined memories count of 1 exceeds the per-instance limit of 0"
