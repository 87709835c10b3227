# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# For the black-box tests of the command line: a case runs the program once or more and says what it
# expects of stdout, stderr and the exit code.
#
#   begin "what is tested"        a new case
#   run ARGS...                   runs the program (stdin: $stdin, an empty file by default)
#   code N | stdout TEXT | stderr TEXT          exact
#   out_has TEXT | err_has TEXT | err_lacks TEXT   somewhere
#   expect COMMAND...             any other condition
#   finish                        at the end of the file
#
# Each file runs in an empty directory of its own. $data is the directory with the test modules.

ncases=0 case_name= case_failed=
stdin=/dev/null
data=$(cd "$(dirname "$0")" && pwd)/data
unset WASMTIME_LOG WASMTIME_BACKTRACE_DETAILS RUST_BACKTRACE XDG_CONFIG_HOME
HOME=$PWD
export HOME
: >.out >.err
status=0

end_case() {
    [ -n "$case_name" ] || return 0
    [ -n "$case_failed" ] || echo "ok $topic: $case_name"
}

begin() {
    end_case
    case_name=$1 case_failed= last=
    stdin=/dev/null
}

wrong() {
    [ -n "$case_failed" ] || echo "FAIL $topic: $case_name"
    case_failed=1
    echo " wasmtime $last"
    echo " $1"
    sed 's/^/  stdout| /' .out | head -n 8
    sed 's/^/  stderr| /' .err | head -n 12
}

run() {
    last=$*
    timeout 60 "$WASMTIME" "$@" >.out 2>.err <"$stdin"
    status=$?
}

code() { [ "$status" = "$1" ] || wrong "exit code $status, expected $1"; }
stdout() { [ "$(cat .out; echo .)" = "$1${1:+
}." ] || wrong "stdout is not: $1"; }
stderr() { [ "$(cat .err; echo .)" = "$1${1:+
}." ] || wrong "stderr is not: $1"; }
out_has() { grep -qF -e "$1" .out || wrong "stdout does not contain: $1"; }
err_has() { grep -qF -e "$1" .err || wrong "stderr does not contain: $1"; }
err_lacks() { ! grep -qF -e "$1" .err || wrong "stderr contains: $1"; }
expect() { "$@" || wrong "not true: $*"; }

finish() { end_case; }
