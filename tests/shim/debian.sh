# shellcheck shell=sh disable=SC2034,SC2154 # parts of the runner, tests/shim/run
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Debian's containerd, 1.6, which is not installed for it.

test_debian_containerd() {
    package=$("$here/debian" containerd 2>&1) || { echo "skip debian_containerd: $package"; return 0; }
    # The address is not passed on, the ttrpc socket is: the shim must do with what 1.6 gives it.
    own_daemon "$package/usr/bin"
    has "$(ctr version)" "1.6."
    # A module as a file of an ordinary layer; layers that are wasm are refused by 1.6 itself.
    "$here/image.py" --arch wasm --os wasip1 --entry /guest.wasm localhost/files:v1 files.tar "$root/guest.wasm=guest.wasm" \
        "$top/tests/cli/data/component-http.wasm=http.wasm"
    ctr image import --all-platforms files.tar >/dev/null
    exits 0 ctr run --rm --runtime "$runtime" localhost/files:v1 hello
    is "$out" "hello world"
    exits 42 ctr run --rm --runtime "$runtime" localhost/files:v1 code "/guest.wasm#code"
    exits 1 ctr run --rm --runtime "$runtime" localhost/files:v1 none /nothing
    has "$err" "there is no program"
    port=$((20000 + $$ % 10000))
    (code=0; ctr run --rm --net-host --env "WASMTIME_HTTP_PROXY_SOCKET_ADDR=127.0.0.1:$port" --runtime "$runtime" \
        localhost/files:v1 http /http.wasm || code=$?; echo "$code" >code) &
    until_ok curl -sf "127.0.0.1:$port"
    ctr task kill -s SIGTERM http
    wait $!
    is "$(cat code)" 0
    ctr run -d --runtime "$runtime" localhost/files:v1 spin "/guest.wasm#spin"
    metrics=$(ctr task metrics --format json spin)
    is "$(echo "$metrics" | jq '(.memory.usage.usage // .memory.usage // 0) > 100000')" true
    ctr task kill -s SIGTERM spin
    until_ok is_state spin STOPPED
    ctr task delete spin || has "$(cat "$work/ctr.err")" 143
    is "$(ls -A "$work/state/io.containerd.runtime.v2.task/$ns")" ""
}
