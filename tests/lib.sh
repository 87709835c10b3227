# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# For test runners in POSIX sh: work on many cases with all cores, and a summary line.
#
# A worker prints one line for its case, "ok CASE", "FAIL CASE: why" or "skip CASE: why"; details of a
# failure may follow on lines that begin with a blank.

jobs=$( (nproc || echo 1) 2>/dev/null)

# each WORKER < cases: runs `WORKER CASE` for each line, several at a time.
each() {
    while IFS= read -r case; do printf '%s\0' "$case"; done | xargs -0 -r -n 1 -P "$jobs" "$@"
}

# summary PART LOG: prints what is not ok and the result line; fails if a case failed.
summary() {
    grep -av '^ok ' "$2"
    echo "$1: $(grep -ac '^ok ' "$2") passed, $(grep -ac '^FAIL ' "$2") failed," \
        "$(grep -ac '^skip ' "$2") skipped"
    ! grep -aq '^FAIL ' "$2"
}

# no_suites PART: what a runner says and does without the suites.
no_suites() {
    echo "skip $1: there is no $WASMTIME_SUITES; set WASMTIME_SUITES to the folder of the suites"
    echo "$1: 0 passed, 0 failed, 1 skipped"
    exit 0
}
