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

finish
