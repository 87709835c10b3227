# shellcheck shell=sh disable=SC2034,SC2154 # parts of the runner, tests/shim/run
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Pods as the kubelet makes them, through containerd's CRI plugin and the client in cri/. They have the host's
# network, so that no plugin for networks is needed.

cri() { CRI_SOCKET=$work/c.sock CRI_LOGS=$work/logs CRI_CGROUP=/$cri_ns timeout 60 "$client" "$@"; }
cri_field() { cri "$1" "$2" | jq -r "$3"; }
is_cri() { [ "$(cri_field "$1" "$2" "$3")" = "$4" ]; }
# Every process of this test's shims, in the pods' control groups, or with the socket's name in its words.
cri_shims() { ps -eo pid,args | awk -v a="$work/c.sock" '/[c]ontainerd-shim-wasmtime-v1/ && index($0, a) { print $1 }'; }

# $client, built from source.
build_cri() {
    command -v go >/dev/null || { echo "there is no go to build a client of CRI with" >&2; return 1; }
    client=$PWD/cri
    (cd "$here/cri" && CGO_ENABLED=0 timeout 500 go build -trimpath -o "$client" . >"$client.log" 2>&1) ||
        { echo "the client of CRI could not be built: $(tail -n 1 "$client.log")" >&2; return 1; }
}
# A daemon with the plugin and an image for pods.
cri_daemon() {
    cat >config.toml <<EOF
version = 3
root = "$PWD/root"
state = "$PWD/state"
[grpc]
  address = "$PWD/c.sock"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "localhost/pause:v1"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    conf_dir = "$PWD/cni"
    bin_dirs = ["$PWD/cni"]
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.wasmtime]
    runtime_type = "$runtime"
    pod_annotations = ["io.wasmtime.*"]
    container_annotations = ["io.wasmtime.*"]
[plugins.'io.containerd.grpc.v1.cri']
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
EOF
    cri_ns=$ns
    own_daemon
    ns=k8s.io
    "$here/image.py" --entry /native --entry pause localhost/pause:v1 pause.tar "$root/bin/native=native"
    ctr image import pause.tar >/dev/null
    until_ok cri ready
}

# nginx of the machine or of its Debian package, with the libraries that it needs here.
find_nginx() {
    nginx=$(command -v nginx || command -v /usr/sbin/nginx) ||
        nginx=$("$here/debian" nginx)/usr/sbin/nginx || return 1
    ldd "$nginx" >ldd && ! grep "not found" ldd
}
nginx_image() {
    cat >nginx.conf <<EOF
daemon off; user root; worker_processes 1; pid /nginx.pid; error_log /dev/stderr;
events { worker_connections 64; }
http { access_log /dev/stdout; client_body_temp_path /b; proxy_temp_path /p; fastcgi_temp_path /f;
uwsgi_temp_path /u; scgi_temp_path /s;
server { listen 127.0.0.1:$1; location / { return 200 "nginx\n"; } } }
EOF
    echo root:x:0:0:root:/:/ >passwd
    echo root:x:0: >group
    # shellcheck disable=SC2046 # words
    "$here/image.py" --entry=/nginx --entry=-c --entry=/nginx.conf --dir var/log/nginx --dir var/lib/nginx --dir run \
        localhost/nginx:v1 nginx.tar "$nginx=nginx" nginx.conf passwd=etc/passwd group=etc/group "$root/bin/native=native" \
        $(grep -o '/[^ ]*' ldd | sort -u | sed 's|.*|&=&|')
    ctr image import nginx.tar >/dev/null
}

test_cri_pod_of_nginx_and_two_wasm() {
    build_cri 2>why || { echo "skip cri_pod_of_nginx_and_two_wasm: $(cat why)"; return 0; }
    find_nginx 2>why || { echo "skip cri_pod_of_nginx_and_two_wasm: no nginx that runs here: $(cat why ldd)"; return 0; }
    cri_daemon
    http=$((20000 + $$ % 10000)) native=$((10001 + $$ % 10000))
    nginx_image $native
    image http --module "$top/tests/cli/data/component-http.wasm"
    image guest --module "$root/guest.wasm"
    pod=$(cri run-pod pod wasmtime)
    nginx=$(cri create "$pod" pod nginx localhost/nginx:v1)
    server=$(cri create "$pod" pod http localhost:5000/test/http:v1 "WASMTIME_HTTP_PROXY_SOCKET_ADDR=127.0.0.1:$http" -- /http.wasm)
    hello=$(cri create "$pod" pod hello localhost:5000/test/guest:v1 -- /guest.wasm)
    spin=$(cri create "$pod" pod spin localhost:5000/test/guest:v1 -- "/guest.wasm#spin")
    for id in $nginx $server $hello $spin; do cri start "$id"; done
    until_ok curl -sf "127.0.0.1:$http"
    until_ok curl -sf "127.0.0.1:$native" || { cat logs/pod/nginx.log; cri status "$nginx"; return 1; }
    is "$(curl -s "127.0.0.1:$http/echo" -d text)" text
    is "$(curl -s "127.0.0.1:$native")" nginx
    is "$(cri_shims | wc -l)" 1
    is_cri pod-status "$pod" '.status.state // 0' 0 # ready

    until_ok is_cri status "$hello" .state 2 # exited
    is "$(cri_field status "$hello" '"\(.exit_code // 0) \(.reason)"')" "0 Completed"
    has "$(cat logs/pod/hello.log)" " stdout F hello world"
    has "$(cat logs/pod/nginx.log)" "GET / HTTP/1.1"
    is "$(cri exec "$nginx" /native exit 3 | tr '\n' ' ')" "native exit 3 "
    exits 1 cri exec "$spin" /nothing

    for id in $nginx $server $spin; do
        is "$(cri_field stats "$id" '(.cpu.usage_core_nano_seconds.value > 0) and (.memory.working_set_bytes.value > 100000)')" true
    done
    is "$(cri_field pod-stats "$pod" '(.linux.cpu.usage_core_nano_seconds.value > 0) and (.linux.containers | length) >= 3')" true

    # A grace period that is enough, and one that the guest does not use.
    for row in "$server 0" "$nginx 0" "$spin 143"; do
        begun=$(date +%s)
        cri stop "${row% *}" 20
        [ $(($(date +%s) - begun)) -lt 15 ]
        is "$(cri_field status "${row% *}" '.exit_code // 0')" "${row#* }"
    done
    exits 7 curl -s "127.0.0.1:$http"
    cri remove "$spin"
    cri stop-pod "$pod"
    cri remove-pod "$pod"
    is "$(cri list)" ""
    nothing_is_left
}

no_shims() { [ -z "$(cri_shims)" ]; }
# Nothing of any pod: processes, mounts, control groups, sockets, state.
nothing_is_left() {
    until_ok no_shims
    is "$(awk -v at="$work/state" 'index($2, at) == 1 { print $2 }' /proc/mounts)" ""
    is "$(find /sys/fs/cgroup -type d -path "*/$cri_ns*" -name '????????????????????????????????*')" ""
    is "$(ls -A "$work/state/io.containerd.runtime.v2.task/k8s.io")" ""
    is "$(ctr task ls -q)" ""
}

# A limit is the reason of the end; a larger one is taken while the container runs; and the pod lives on when
# containerd is killed and comes back.
test_cri_limits_and_restart() {
    build_cri 2>why || { echo "skip cri_limits_and_restart: $(cat why)"; return 0; }
    cri_daemon
    image guest --module "$root/guest.wasm"
    pod=$(cri run-pod pod wasmtime)
    grow=$(cri create "$pod" pod grow localhost:5000/test/guest:v1 memory=67108864 -- "/guest.wasm#grow")
    spin=$(cri create "$pod" pod spin localhost:5000/test/guest:v1 memory=67108864 -- "/guest.wasm#spin")
    for id in $grow $spin; do cri start "$id"; done
    until_ok is_cri status "$grow" .state 2
    is "$(cri_field status "$grow" '"\(.exit_code) \(.reason)"')" "137 OOMKilled"
    cri resize "$spin" 100663296
    file=$(find /sys/fs/cgroup -path "*/$cri_ns/pod/$spin/memory.limit_in_bytes" -o -path "*/$cri_ns/pod/$spin/memory.max")
    is "$(cat "$file")" 100663296
    kill -9 "$(daemon)"
    until_ok gone "$(daemon)"
    start_daemon
    until_ok cri ready
    is_cri status "$spin" .state 1
    cri stop "$spin" 5
    is "$(cri_field status "$spin" .exit_code)" 143
    cri stop-pod "$pod"
    cri remove-pod "$pod"
    nothing_is_left
}
