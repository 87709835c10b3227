#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# run.sh SECONDS TARGET...: fuzzes each target for so long, one after the other. New inputs stay in
# build/fuzz-corpus/<target>/; a finding is written to tests/fuzz/regress/<target>/, named by its
# hash, where `make test` replays it from then on. What was found is said once more at the end.
# FUZZ_SEED: libFuzzer's seed, so that a run can be repeated; 0, the default, is another one each time.
set -u
seconds=$1
shift
here=$(dirname "$0")
make -s -j2 MODE=fuzz CC=clang fuzz-programs || exit 1
findings=$(mktemp)
trap 'rm -f "$findings" "$findings.log"' EXIT
for target in "$@"; do
    corpus=build/fuzz-corpus/$target
    mkdir -p "$corpus" "$here/regress/$target"
    seeds=
    for dir in "$here/corpus/$target" "$here/regress/$target"; do
        if [ -d "$dir" ]; then seeds="$seeds $dir"; fi
    done
    echo "fuzz: $target, $seconds s"
    # shellcheck disable=SC2086
    "build/fuzz/clang/fuzz-$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 \
        -max_len=4096 -print_final_stats=1 -verbosity=0 -seed="${FUZZ_SEED:-0}" \
        -artifact_prefix="$here/regress/$target/" "$corpus" $seeds >"$findings.log" 2>&1 || {
        grep -av '^"' "$findings.log" | tail -n 60
        echo "fuzz: $target: FINDING, see $here/regress/$target/" >>"$findings"
        grep -aE '^(SUMMARY|Base64|==.*ERROR)' "$findings.log" >>"$findings"
    }
    grep -a '^stat::' "$findings.log"
    rmdir "$here/regress/$target" 2>/dev/null
done
cat "$findings"
[ ! -s "$findings" ]
