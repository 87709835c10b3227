# shellcheck shell=sh disable=SC2034,SC2154 # parts of the runner, tests/shim/run
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the tests of the shim that this one takes the place of show, each under its name there, where no test of
# the runner has it: hello_world, hello_world_oci, custom_entrypoint, unreachable, exit_code and http_proxy are in `run`.

life() { timeout 100 "$here/life.py" "$shim" "$root" "$ns" "$1"; }
test_delete_after_create() { life delete_after_create; }
test_delete_after_delete() { life delete_after_delete; }
test_can_handle_fails_create() { life create_says_what_can_not_run; }
test_task_lifecycle() { life task_lifecycle; }
test_cri_task() { life cri_task; }
test_handling_signals() { life handling_signals; }
test_systemd_cgroup_option() { life systemd_cgroup; }

# The working directory that a guest sees is that of its container.
test_seccomp() {
    flags="--seccomp"
    exits 0 run seccomp /guest.wasm
    is "$out" "hello world"
}

# Devices that no specification names are there for a guest, as they are for a native program.
test_has_default_devices() {
    cat >"$root/devices.wat" <<'EOF'
(module
  (import "wasi_snapshot_preview1" "path_filestat_get"
    (func $stat (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "dev/null\00dev/zero\00dev/full\00dev/random\00dev/urandom\00dev/tty\00\00")
  ;; The length of the text at an address.
  (func $length (param $at i32) (result i32) (local $n i32)
    (loop $next
      (if (i32.load8_u (i32.add (local.get $at) (local.get $n)))
        (then (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $next))))
    (local.get $n))
  ;; How many of them are character devices: file type 2.
  (func (export "_start") (local $at i32) (local $n i32) (local $found i32)
    (loop $next
      (local.set $n (call $length (local.get $at)))
      (if (local.get $n)
        (then
          (i32.store8 (i32.const 1040) (i32.const 0))
          (drop (call $stat (i32.const 3) (i32.const 1) (local.get $at) (local.get $n) (i32.const 1024)))
          (if (i32.eq (i32.load8_u (i32.const 1040)) (i32.const 2))
            (then (local.set $found (i32.add (local.get $found) (i32.const 1)))))
          (local.set $at (i32.add (local.get $at) (i32.add (local.get $n) (i32.const 1))))
          (br $next))))
    (call $exit (local.get $found))))
EOF
    exits 6 run devices /devices.wat
}

# A component with functions that it exports itself.
test_simple_component() {
    cat >"$root/thunk.wat" <<'EOF'
(component
  (core module $m (func (export "thunk")) (func (export "thunk-trap") unreachable))
  (core instance $i (instantiate $m))
  (func (export "thunk") (canon lift (core func $i "thunk")))
  (func (export "thunk-trap") (canon lift (core func $i "thunk-trap"))))
EOF
    exits 0 run thunk "/thunk.wat#thunk"
    is "$out" ""
    exits 137 run thunk "/thunk.wat#thunk-trap"
}

test_wasip2_component() {
    [ -f "$root/component-hello-world.wasm" ] || { echo "skip wasip2_component: no $WASMTIME_SUITES/components"; return 0; }
    exits 0 run wasip2 /component-hello-world.wasm
    is "$out" "Hello, world!"
}

# A request that a client has only begun is waited for; the second signal ends the server at once.
test_http_proxy_force_shutdown() {
    cp "$top/tests/cli/data/component-http.wasm" "$root/http.wasm"
    port=$((20000 + $$ % 10000))
    flags="--net-host --env WASMTIME_HTTP_PROXY_SOCKET_ADDR=127.0.0.1:$port"
    start force /http.wasm
    until_ok curl -sf "127.0.0.1:$port"
    (printf half; sleep 20) | timeout 20 curl -s -T - "127.0.0.1:$port/echo" >/dev/null &
    client=$!
    sleep 0.5
    ctr task kill -s SIGTERM force
    sleep 0.5
    is_state force RUNNING
    ctr task kill -s SIGTERM force
    until_ok is_state force STOPPED
    kill $client || true # it may have seen the end itself
    ctr task delete force
    ctr container delete force
}

test_context_arguments_and_environment() {
    exits 0 run none "/guest.wasm#args"
    is "$out" "/guest.wasm#args "
    exits 0 run many "/guest.wasm#args" a b "" c
    is "$out" "/guest.wasm#args a b  c "
    exits 1 run empty ""
    exits 1 run path "#init"
    flags="--env A=1 --env B="
    exits 0 run envs "/guest.wasm#env"
    has "$out" "A=1 B= "
}

# The same life of a container under both shims: events in order, with the same fields, and the exit code.
test_events_are_those_of_the_usual_shim() {
    timeout 50 "$bin/ctr" -a "$work/c.sock" -n "$ns" events >events 2>/dev/null &
    events=$!
    sleep 0.5
    for kind in io.containerd.runc.v2:usual "$runtime:ours"; do
        id=${kind#*:}
        runtime=${kind%:*}
        for program in "/bin/native exit 7"; do
            # shellcheck disable=SC2086 # words
            exits 7 run "$id" $program
        done
        start "$id" /bin/native sleep
        exits 3 ctr task exec --exec-id "$id-exec" "$id" /bin/native exit 3
        ctr task pause "$id"
        ctr task resume "$id"
        ctr task kill -s SIGKILL "$id"
        until_ok is_state "$id" STOPPED
        ctr task delete "$id" || :
        is "$(grep -o 'exit code [0-9]*\|status [0-9]*' "$work/ctr.err" | grep -o '[0-9]*')" 137
        ctr container delete "$id"
    done
    runtime=io.containerd.wasmtime.v1
    until_ok sh -c '[ $(grep -c "/containers/delete" events) = 4 ]'
    kill $events
    for id in usual ours; do
        # Topics and fields, without what differs from one run to the next.
        grep "/tasks/" events | grep "\"$id\(-exec\)\?\"" | sed 's/^.* \(\/tasks\/[^ ]*\) /\1 /' |
            jq -Rc "split(\" \") | [.[0], (.[1:] | join(\" \") | fromjson | del(.exited_at.seconds?, .exited_at.nanos?)
                | walk(if type == \"number\" and . > 255 then \"pid\" else . end)
                | walk(if type == \"string\" then gsub(\"$id\"; \"ID\") | gsub(\"fifo/[0-9]+\"; \"fifo\")
                    | gsub(\"[0-9]{4}-[0-9]{2}-[0-9]{2}T.*\"; \"time\") else . end))]" >"$id.events"
    done
    [ "$(wc -l <usual.events)" -ge 11 ] && [ "$(wc -l <ours.events)" = 13 ] || { cat events; return 1; }
    # runc's shim may end before its last event, the deletion, is sent; ours may not.
    diff usual.events ours.events >different || ! grep '^<' different || return 1
    ! grep '^>' different | grep -v '^> ."/tasks/delete"'
}

test_http_proxy_csharp() {
    file=$WASMTIME_SUITES/components/hello_wasi_http_csharp.wasm
    [ -f "$file" ] || { echo "skip http_proxy_csharp: there is no $file"; return 0; }
    cp "$file" "$root/csharp.wasm"
    port=$((20000 + $$ % 10000))
    flags="--net-host --env WASMTIME_HTTP_PROXY_SOCKET_ADDR=127.0.0.1:$port"
    start csharp /csharp.wasm
    until_ok curl -sf "127.0.0.1:$port"
    has "$(curl -s "127.0.0.1:$port")" "Hello, from C#!"
    ctr task kill -s SIGINT csharp
    until_ok is_state csharp STOPPED
    ctr task delete csharp
    ctr container delete csharp
}
