# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Modules that are loaded first.
. "$top/tests/cli/lib.sh"

begin "a reactor is one instance, initialised once"
run --preload lib="$data/reactor.wat" --invoke twice "$data/next_twice.wat"
code 0
stdout "1
2"

begin "a command gets an instance for every call"
run --preload lib="$data/command.wat" --invoke twice "$data/next_twice.wat"
code 0
stdout "1
1"

begin "what cannot be preloaded"
run --preload lib="$data/both_kinds.wat" --invoke twice "$data/next_twice.wat"
code 1
err_has "failed to process preload \`lib\` at \`$data/both_kinds.wat\`"
run --preload lib=nowhere.wat --invoke twice "$data/next_twice.wat"
code 1
err_has "nowhere.wat"
run --preload lib "$data/next_twice.wat"
code 2
err_has "invalid value 'lib' for '--preload <NAME=MODULE_PATH>'"

begin "what a command may export"
echo '(module (func (export "_start")))' >.user.wat
# preload EXPORT: a command with that export, preloaded.
preload() {
    echo "(module $2 (func (export \"_start\")))" >.command.wat
    # shellcheck disable=SC2086 # one word, or none
    run $1 --preload c=.command.wat .user.wat
}
for export in '(memory (export "memory") 1)' '(table (export "table") 1 funcref)' \
    '(global (export "__heap_base") i32 (i32.const 1))'; do
    preload "" "$export"
    code 0
done
for export in '(memory (export "x") 1)' '(global (export "x") i32 (i32.const 1))' \
    '(table (export "x") 1 funcref)' '(tag (export "x"))'; do
    preload "" "$export"
    code 1
    err_has "command export 'x' is not a function"
    preload -Wunknown-exports-allow "$export"
    code 0
done
finish
