# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What makes an unknown bug harder to use: the program's own binary, and the code that it generates.
. "$top/tests/cli/lib.sh"

begin "the program is position independent, its relocations read-only, its stack not executable"
case $WASMTIME in
*/build/wasmtime)
    readelf -hW "$WASMTIME" >.header
    readelf -lW "$WASMTIME" >.segments
    expect grep -q 'Type: *DYN' .header
    expect grep -q 'GNU_RELRO' .segments
    expect grep -qE 'GNU_STACK.* RW +0x' .segments
    expect test "$(grep -cE 'LOAD.* RWE ' .segments)" = 0
    expect test "$(grep -c 'INTERP' .segments)" = 0
    ;;
esac

# masked NAME WAT FLAG...: every access of the function is behind a compare and a conditional move, so
# that nothing is read speculatively beyond the bounds.
masked() {
    begin "no speculation beyond the check: $1"
    printf '%s\n' "$2" >.masked.wat
    shift 2
    run compile "$@" -o .masked.cwasm .masked.wat
    code 0
    objdump -d -M intel --no-show-raw-insn .masked.cwasm >.masked.s 2>.err
    expect awk '
        $2 == "cmp" { compared = 1 }
        compared && $2 ~ /^cmov/ { masked = 1 }
        END { exit !masked }' .masked.s
}
masked "memory" '(module (memory 1)
  (func (export "f") (param i32) (result i32) (i32.load (local.get 0))))' \
    -O memory-reservation=0,memory-guard-size=0
masked "64-bit memory" '(module (memory i64 1)
  (func (export "f") (param i64) (result i32) (i32.load8_u offset=9 (local.get 0))))'
masked "table.get" '(module (table 5 funcref)
  (func (export "f") (param i32) (result funcref) (table.get (local.get 0))))'
masked "call_indirect" '(module (table 5 funcref)
  (func (export "f") (param i32) (call_indirect (local.get 0))))'
masked "br_table" '(module (func (export "f") (param i32) (result i32)
  (block (block (block (block (block (br_table 0 1 2 3 4 (local.get 0))))
  (return (i32.const 1))) (return (i32.const 2))) (return (i32.const 3))) (i32.const 4)))'
# The guest waits for a byte of stdin; meanwhile its file becomes another, then nothing.
begin "the file is overwritten while it runs"
cat >.waits.wat <<'END'
(module (import "wasi_snapshot_preview1" "fd_read"
  (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "\10\00\00\00\01\00\00\00")
  (func (export "run") (result i32)
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $late (i32.load8_u (i32.const 16))))
  (func $late (param i32) (result i32) (i32.add (local.get 0) (i32.const 1000))))
END
mkfifo .fifo
for change in "printf x" "head -c 300000 /dev/zero"; do
    cp .waits.wat .now.wat
    timeout 60 "$WASMTIME" --invoke run .now.wat <.fifo >.out 2>.err &
    pid=$!
    exec 9>.fifo
    sleep 0.3
    $change >.now.wat
    printf A >&9
    exec 9>&-
    wait $pid
    status=$?
    code 0
    stdout 1065
done
finish
