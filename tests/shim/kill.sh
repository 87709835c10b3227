# shellcheck shell=sh disable=SC2034,SC2154 # parts of the runner, tests/shim/run
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# kill -9 at every step of a container's life: after containerd's cleaning nothing is left of it.

# A daemon whose runc can be held.
held_daemon() {
    mkdir tools
    cp "$here/runc-held" tools/runc
    ln -s "$(command -v runc)" tools/real
    path_first=$PWD/tools:
    own_daemon
}
hold() { : >"tools/$1-$2"; } # hold POINT-VERB ID
is_held() { [ -e "tools/held-$1" ]; }
let_go() { rm -f "tools/held-$1"; }

task_pid() { ctr task ls | awk -v id="$1" '$1 == id { print $2 }'; }
pids_in_groups_of() { find /sys/fs/cgroup -path "*/$ns/$1/*" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -un; }
# What there is of a container: a line for each.
left_of() {
    shim_pid "$1" | sed 's/^/shim /'
    pids_in_groups_of "$1" | sed 's/^/process /'
    find /sys/fs/cgroup -type d -path "*/$ns/$1" | sed 's/^/group /'
    grep -F "$work/state/io.containerd.runtime.v2.task/$ns/$1/" /proc/mounts | sed 's/^/mount /'
    ls -d "/run/containerd/s/$(printf %s "$work/c.sock/$ns/$1" | sha256sum | cut -d' ' -f1)" \
        "/run/containerd/wasmtime/$ns/$1" "$work/state/io.containerd.runtime.v2.task/$ns/$1" 2>/dev/null
    for p in /proc/[0-9]*; do
        tr '\0' ' ' 2>/dev/null <"$p/cmdline" | grep -q "[-][-]root /run/containerd/wasmtime/$ns .* $1 \$" && echo "runtime $p"
    done
    :
}
nothing_of() { [ -z "$(left_of "$1")" ]; }

# victim NAME ID: the process that is killed.
victim() {
    case $1 in
    shim) shim_pid "$2" ;;
    runtime) cat "tools/held-$2" ;;
    init) pids_in_groups_of "$2" | head -n 1 ;;
    daemon) daemon ;;
    esac
}

# kill_at ID PROGRAM POINT VICTIM: a container of that program up to the point, where the victim is killed.
kill_at() {
    id=$1 at=$3
    case $at in
    *-create | *-start)
        hold "$at" "$id"
        start "$id" "$2" $args >/dev/null 2>&1 &
        until_ok is_held "$id"
        ;;
    *)
        start "$id" "$2" $args
        until_ok is_state "$id" RUNNING
        ;;
    esac
    case $at in
    *-kill)
        hold "$at" "$id"
        ctr task kill -a -s SIGKILL "$id" >/dev/null 2>&1 &
        until_ok is_held "$id"
        ;;
    *-delete)
        ctr task kill -s SIGKILL "$id"
        until_ok is_state "$id" STOPPED
        hold "$at" "$id"
        ctr task delete "$id" >/dev/null 2>&1 &
        until_ok is_held "$id"
        ;;
    esac
    pid=$(victim "$4" "$id")
    [ -n "$pid" ] || { echo "$id: there is no $4 to kill"; return 1; }
    # shellcheck disable=SC2086 # words
    kill -9 $pid
    sleep 0.1
    let_go "$id" # a containerd that starts waits for tasks that are being made
    [ "$4" != daemon ] || start_daemon
}

gone_after() { for _ in $(seq 40); do nothing_of "$1" && return 0; sleep 1; done; echo "left of $1:"; left_of "$1"; return 1; }
# A runtime that hangs, as in a hook, is ended when who asked for the container does not wait for it any more.
test_client_that_gives_up() {
    held_daemon
    for at in before-create amid-create after-create; do
        hold "$at" "$at"
        "$bin/ctr" -a "$work/c.sock" -n "$ns" run -d --runtime "$runtime" --annotation io.wasmtime.sandbox=runtime \
            --rootfs "$root" "$at" /bin/native sleep >/dev/null 2>&1 &
        client=$!
        until_ok is_held "$at"
        kill -9 $client
    done
    for at in before-create amid-create after-create; do gone_after "$at"; done
}

# The runtime ends with the shim, so that it makes nothing when all has been cleaned up.
test_runtime_ends_with_its_shim() {
    held_daemon
    hold before-create bound
    start bound /bin/native sleep >/dev/null 2>&1 &
    until_ok is_held bound
    kill -9 "$(shim_pid bound)"
    sleep 0.3
    gone "$(cat tools/held-bound)"
    gone_after bound
}

# The task is deleted as an operator would do it.
clean_up() {
    for _ in 1 2 3 4 5 6 7 8; do
        ctr task delete --force "$1" || :
        nothing_of "$1" && break
        sleep 0.2
    done >/dev/null 2>&1
    ctr container delete "$1" || :
    until_ok nothing_of "$1" >/dev/null || { echo "left of $1:"; left_of "$1"; return 1; }
}

# kill_rows DAEMON-OR-NOT ROW...: rows "PROGRAM POINT VICTIM".
kill_row() {
    # shellcheck disable=SC2086 # words
    set -- $1
    name=$2-$3
    case $1 in */native) args=sleep name=native-$name ;; *) args='' name=wasm-$name ;; esac
    flags="--annotation io.wasmtime.sandbox=runtime"
    kill_at "$name" "$1" "$2" "$3" && clean_up "$name"
}

points_of_runtime=${POINTS:-before-create amid-create after-create before-start after-start running before-kill after-kill before-delete after-delete}
test_killed_shim_at_every_step() { kill_victim shim; }
test_killed_runtime_at_every_step() { kill_victim runtime; }
test_killed_process_at_every_step() { kill_victim init; }
test_killed_containerd_at_every_step() { kill_victim daemon; }
kill_victim() {
    held_daemon
    : >failed
    rows=
    programs="/bin/native /guest.wasm#spin"
    [ "$1" != daemon ] || programs=/bin/native # one after the other, and the same for both
    for point in $points_of_runtime; do
        case $1:$point in
        runtime:running | init:*-delete | init:before-create | init:amid-create | init:after-kill) continue ;;
        esac
        for program in $programs; do
            row="$program $point $1"
            (out=$(kill_row "$row" 2>&1) || printf 'FAILED: %s\n%s\n' "$row" "$out" >>failed) &
            rows="$rows $!"
            [ "$1" != daemon ] || wait $! # there is only one
        done
    done
    # shellcheck disable=SC2086 # words
    wait $rows || : # of one that was waited for
    is "$(cat failed)" ""
}

# A containerd that was killed between the start of a shim and the first container knows nothing of the shim.
test_shim_without_containerd_ends() {
    mkdir lost
    echo '{"ociVersion": "1.0.2", "root": {"path": "rootfs"}}' >lost/config.json
    socket=$(cd lost && "$shim" -namespace "$ns" -id lost -address "$PWD/lost" start)
    until_ok test -n "$(shim_pid lost)"
    rm -r lost
    pid=$(shim_pid lost)
    for _ in 1 2 3; do until_ok gone "$pid" && break; done
    gone "$pid"
    [ ! -e "${socket#unix://}" ]
}

# Where the shim makes the container itself nothing can be held: the victim is killed some time after the start.
killed_after() { # SECONDS VICTIM
    id=after$1
    start "$id" "/guest.wasm#spin" >/dev/null 2>&1 &
    client=$!
    for _ in $(seq 500); do
        pid=$(shim_pid "$id")
        [ -z "$pid" ] || break
        sleep 0.002
    done
    sleep "$1"
    if [ "$2" = daemon ]; then
        kill -9 "$(daemon)"
        start_daemon
    else
        for _ in $(seq 100); do # `start` and the shim, whichever are there: the first ends by itself
            pid=$(shim_pid "$id")
            # shellcheck disable=SC2086 # words
            [ -n "$pid" ] && kill -9 $pid 2>/dev/null && break
            sleep 0.002
        done
    fi
    wait $client || :
    clean_up "$id"
}
killed_at_any_time() { # VICTIM SECONDS...
    victim=$1
    shift
    own_daemon
    : >failed
    for delay; do
        out=$(killed_after "$delay" "$victim" 2>&1) || printf 'FAILED: %s\n%s\n' "$delay" "$out" >>failed
    done
    is "$(cat failed)" ""
}
test_killed_shim_at_any_time() { killed_at_any_time shim 0 0.002 0.005 0.01 0.015 0.02 0.03 0.04 0.06 0.1; }
test_killed_containerd_at_any_time() { killed_at_any_time daemon 0 0.005 0.01 0.02 0.04; }
