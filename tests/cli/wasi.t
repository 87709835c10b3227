# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the flags give the guest.
. "$top/tests/cli/lib.sh"

begin "the environment is empty by default"
OUTER=1
export OUTER
run --invoke env "$data/args.wat"
code 0
stdout ""

begin "variables by flag, in order"
run --env A=1 --env OUTER --env NOT_THERE --env B= --invoke env "$data/args.wat"
code 0
stdout "A=1
OUTER=1
B="

begin "the whole environment"
run -Sinherit-env --env LAST=x --invoke env "$data/args.wat"
code 0
out_has "OUTER=1"
expect test "$(tail -n 1 .out)" = LAST=x

begin "text that is not UTF-8 is refused"
bad=$(printf '\377')
run "$data/args.wat" "$bad"
code 1
run --env "A=$bad" "$data/args.wat"
expect test "$status" = 1 -o "$status" = 2

begin "a directory that is not there"
run --dir no-such-directory "$data/args.wat"
code 1
err_has "No such file or directory"

begin "output that is cut off"
run -Sinherit-stdout=n "$data/args.wat"
code 0
stdout ""

begin "a partial line is seen before stdin is read"
mkfifo in out
"$WASMTIME" "$data/echo.wat" <in >out 2>/dev/null &
exec 3>in 4<out
expect test "$(head -c 2 <&4)" = "> "
echo hello >&3
exec 3>&-
expect test "$(cat <&4)" = hello
exec 4<&-
wait

begin "the oldest interface can be switched off"
run -Spreview0=n "$data/exit_unstable.wat"
code 1
err_has "unknown import: \`wasi_unstable::proc_exit\`"
run -Scli=n "$data/args.wat"
code 1
err_has "unknown import: \`wasi_snapshot_preview1::"

finish
