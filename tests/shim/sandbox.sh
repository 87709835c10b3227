# shellcheck shell=sh disable=SC2034,SC2154,SC2086 # parts of the runner, tests/shim/run; words
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Containers by our own sandbox: what a program sees is the same as with runc, whatever the
# configuration asks for; what it does not take goes to runc; hostile roots get nothing made outside.

probed="/ /etc /proc/keys /proc/kcore /proc/timer_list /proc/acpi /proc/scsi /proc/sys/kernel/hostname
    /proc/sysrq-trigger /sys/firmware /sys/kernel/mm /proc/irq /dev/null /etc/x /run /dev/shm /data /data/f
    /one /etc/hosts /var/run/secrets/x/f /slave/f"
probe_root() {
    [ -x "$root/bin/probe" ] || cc -static -O1 -D_GNU_SOURCE -o "$root/bin/probe" "$here/probe.c"
    mkdir -p data/sub && echo text >data/f
}
# Mounts in any order. The folder of cgroups and the mode of a tmpfs are written otherwise by runc;
# signal 32, which the C library keeps to itself, it hands on as it was.
normal() {
    sed -e 's,fifo/[0-9]*,fifo/N,' -e '/^\/sys\/fs\/cgroup\/\. /d' -e '/^mount .* \/sys\/fs\/cgroup /d' \
        -e '/^mount/s/,mode=[0-7]*//' -e '/SigIgn/s/80000000$/00000000/' "$1" | sort
}
same() {
    normal own >own.sorted
    normal runtime >runtime.sorted
    [ "$(wc -l <own)" -gt 100 ] || { cat own own.err; return 1; }
    diff own.sorted runtime.sorted || { echo "differs (own, runtime): $*"; return 1; }
    is "$(find /sys/fs/cgroup -type d -path "*/$ns/same")" ""
}
# compared FLAGS...: the same native program by both.
compared() {
    for kind in runtime own; do
        flags="--annotation io.wasmtime.sandbox=$kind $*"
        run same /bin/probe $probed >$kind 2>$kind.err || { cat $kind.err; return 1; }
    done
    same "$@"
}

test_sandbox_shows_what_runc_shows() {
    probe_root
    compared
    compared --seccomp --read-only --env A=b --env HOME= --cwd /work/a --user 1000:1001 --hostname name
    compared --net-host --cpus 0.5 --cpuset-cpus 0 --memory-limit 64000000 \
        --mount "type=bind,src=$PWD/data,dst=/data,options=rbind:ro" \
        --mount "type=bind,src=$PWD/data/f,dst=/one,options=bind:rw"
    compared --privileged
    compared --cap-add CAP_SYS_ADMIN --cap-drop CAP_CHOWN --allow-new-privs
    compared --cap-add CAP_SYS_ADMIN --seccomp --allow-new-privs --rootfs-propagation rslave
    compared --device /dev/loop-control --user 7
}

# A limit that is none, which is a number beyond those with a sign.
test_sandbox_limits_without_end() {
    probe_root
    start base /bin/native sleep
    for kind in runtime own; do
        # jq has no such numbers
        python3 -c '
import json, sys
c = json.load(open(sys.argv[1]))
c["process"]["rlimits"] = [{"type": "RLIMIT_CORE", "soft": 2**64 - 1, "hard": 2**64 - 1}]
c["process"]["args"] = ["/bin/probe", "/"]
c["annotations"] = {"io.wasmtime.sandbox": sys.argv[2]}
c["linux"]["cgroupsPath"] = sys.argv[3]
json.dump(c, sys.stdout)' "$work/state/io.containerd.runtime.v2.task/$ns/base/config.json" $kind "/$ns/same" >$kind.json
        grep -q 18446744073709551615 $kind.json
        ctr run --rm --runtime "$runtime" --config $kind.json same >$kind
    done
    finish base
    grep -q 'Max core file size *unlimited *unlimited' own
    same limits
}

# As the CRI plugin writes it: namespaces of the pod, control groups, mounts of Kubernetes.
cri_config() {
    jq --arg words "/bin/probe $probed" --arg pod "$pod" --arg kind "$1" --arg data "$PWD/data" --arg ns "$ns" '
        .process.args = ($words | gsub("\\s+"; " ") | split(" "))
        | .process.env = ["PATH=/bin", "A=1", "B=2", "A=3"]
        | .process.user = {uid: 1000, gid: 1000, umask: 63, additionalGids: [5, 2000]}
        | .process.oomScoreAdj = 999
        | .process.capabilities.ambient = ["CAP_NET_BIND_SERVICE"]
        | .process.capabilities.inheritable = ["CAP_NET_BIND_SERVICE"]
        | .process.rlimits += [{type: "RLIMIT_CORE", soft: 0, hard: 0}]
        | .annotations = {"io.wasmtime.sandbox": $kind}
        | .hostname = "cri-host"
        | .linux.cgroupsPath = "/\($ns)/same"
        | .linux.namespaces = [{type: "pid"}, {type: "uts"}, {type: "mount"}, {type: "cgroup"},
            {type: "ipc", path: "/proc/\($pod)/ns/ipc"}, {type: "network", path: "/proc/\($pod)/ns/net"}]
        | .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup",
                options: ["nosuid", "noexec", "nodev", "relatime", "ro"]},
            {destination: "/etc/hosts", type: "bind", source: "\($data)/f", options: ["rbind", "rprivate", "rw"]},
            {destination: "/var/run/secrets/x", type: "bind", source: $data, options: ["rbind", "rprivate", "ro"]},
            {destination: "/slave", type: "bind", source: $data, options: ["rbind", "rslave", "nosuid", "noexec"]},
            {destination: "/late", type: "tmpfs", source: "late", options: ["size=1m", "ro"]}]
        | .linux.resources = {memory: {limit: 100000000, swap: 200000000, reservation: 50000000},
            cpu: {shares: 512, quota: 50000, period: 100000, cpus: "0"}, pids: {limit: 50},
            devices: [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 10, minor: 229, access: "rw"}]}
        | .linux.devices = [{path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 432, uid: 3, gid: 4}]'
}

test_sandbox_in_a_pod() {
    probe_root
    start holder /bin/native sleep
    pod=$(ctr task ls | awk '$1 == "holder" { print $2 }')
    config=$work/state/io.containerd.runtime.v2.task/$ns/holder/config.json
    for kind in runtime own; do
        cri_config $kind <"$config" >$kind.json
        ctr run --rm --runtime "$runtime" --config $kind.json same >$kind 2>$kind.err || { cat $kind.err; return 1; }
    done
    same pod
    # The processes of the pod, too.
    for kind in runtime own; do
        jq --arg pod "$pod" '.linux.namespaces |= map(if .type == "pid" then .path = "/proc/\($pod)/ns/pid" else . end)' \
            $kind.json >shared.json
        ctr run --rm --runtime "$runtime" --config shared.json same >$kind
        ! grep -q '^pid 1 ' $kind
        sed -i -e 's/^pid [0-9]* sid [0-9]* pgid [0-9]*/pid/' -e '/Tgid\|NStgid\|NSpid\|NSsid/d' $kind
    done
    same shared
    is "$(grep -c ' by the runtime' "$work/daemon.log")" 0
    finish holder
}
finish() {
    ctr task kill -s SIGKILL "$1"
    until_ok is_state "$1" STOPPED
    ctr task delete "$1" || true
    ctr container delete "$1"
}

# What is not on the list is runc's; asked for by name, it is an error that says why.
test_sandbox_leaves_the_rest_to_runc() {
    flags="--annotation io.wasmtime.sandbox=own --cgroup relative"
    exits 1 run rest /guest.wasm
    has "$err" "linux.cgroupsPath"
    flags="--cgroup relative$$"
    exits 0 run rest /guest.wasm
    is "$out" "hello world"
    flags="--annotation io.wasmtime.sandbox=other"
    exits 1 run rest /guest.wasm
    has "$err" "own, runtime or auto"
}

# A further process: what it sees is what runc's sees, but for the numbers of the processes.
test_sandbox_exec() {
    probe_root
    for kind in runtime own; do
        flags="--annotation io.wasmtime.sandbox=$kind --seccomp --user 1000 --env A=b"
        start same "/guest.wasm#spin"
        ctr task exec --exec-id e --cwd /etc --user 7:8 same /bin/probe $probed >$kind || return 1
        sed -i -e 's/^pid [0-9]* sid [0-9]* pgid [0-9]*/pid/' -e '/Tgid\|NStgid\|NSpid\|NSsid/d' $kind
        exits 3 ctr task exec --exec-id f same /bin/native exit 3
        exits 1 ctr task exec --exec-id g same /bin/nothing
        exits 1 ctr task exec --exec-id h --cwd /proc/self/fd/7 same /bin/native exit 3
        finish same
    done
    flags=
    same exec
}

# With a terminal: the container's own one, which is its console, and one of an exec.
# on_terminal FILE WORDS...: ctr cuts the output of a terminal now and then, of runc's shim, too.
on_terminal() {
    file=$1; shift
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        timeout 30 script -qec "$bin/ctr -a $work/c.sock -n $ns run -t --rm --runtime $runtime $*" typed </dev/null >/dev/null
        tr -d '\r\000' <typed | sed 's,^^@,,' | grep -av '^Script\|DEPRECATION' >"$file"
        grep -aq '^arg /bin/probe$' "$file" && grep -aq '^device 1:11' "$file" && return 0
    done
    cat "$file"
    return 1
}
test_sandbox_terminal() {
    probe_root
    for kind in runtime own; do
        on_terminal $kind --annotation io.wasmtime.sandbox=$kind --rootfs "$root" same /bin/probe $(echo $probed /dev/console)
    done
    grep -q '/dev/console 20620 0:5' own
    same terminal
    flags="--annotation io.wasmtime.sandbox=own"
    start same "/guest.wasm#spin"
    for n in 1 2 3 4 5 6 7 8 9 10; do
        timeout 30 script -qec "$bin/ctr -a $work/c.sock -n $ns task exec -t --exec-id t$n same /bin/native tty" typed </dev/null >/dev/null
        grep -aq "native tty yes" typed && break
    done
    flags=
    finish same
    grep -aq "native tty yes" typed
}

test_killed_while_it_is_paused() {
    for kind in own runtime; do
        flags="--annotation io.wasmtime.sandbox=$kind"
        start frozen "/guest.wasm#spin"
        ctr task pause frozen
        is_state frozen PAUSED
        finish frozen
    done
    flags=
}

# own_root: a root with the test's programs, for spoiling.
own_root() {
    rm -rf spoilt && mkdir -p spoilt/bin spoilt/etc outside
    cp "$root/bin/native" spoilt/bin/
    cp "$root/guest.wasm" spoilt/
}
# spoilt FLAGS... ID ARGS...: runs in it; then nothing may have been made or changed outside.
spoilt() {
    code=0
    ctr run --rm --runtime "$runtime" --annotation io.wasmtime.sandbox=own "$@" >out 2>err </dev/null || code=$?
    is "$(find outside | sort | tr '\n' ' ')" "outside "
    is "$(find /sys/fs/cgroup -type d -path "*/$ns/spoilt")" ""
    is "$(grep -c "$PWD" /proc/self/mountinfo)" 0
}

test_security_sandbox_links_in_the_root() {
    for row in proc:/etc sys:../../.. proc:"$PWD/outside" sys:"$PWD/outside"; do
        own_root
        ln -s "${row#*:}" "spoilt/${row%%:*}"
        spoilt --rootfs "$PWD/spoilt" spoilt /guest.wasm
        is "$code" 1
        has "$(cat err)" "failed to mount \`/${row%%:*}\`"
    done
    # Others lead to what is in the root, and no further.
    for to in "$PWD/outside" ../../../../outside /proc/1/root; do
        own_root
        ln -s "$to" spoilt/dev
        spoilt --rootfs "$PWD/spoilt" spoilt /guest.wasm
        own_root
        ln -s "$to" spoilt/data
        spoilt --mount "type=bind,src=$root/etc,dst=/data/new/x,options=rbind:ro" --rootfs "$PWD/spoilt" spoilt /guest.wasm
        own_root
        ln -s "$to" spoilt/cwd
        spoilt --cwd /cwd/new --rootfs "$PWD/spoilt" spoilt /guest.wasm
    done
}

test_security_sandbox_mounts_over_proc() {
    for to in /proc /proc/sys proc/1; do
        own_root
        ln -s "$to" spoilt/data
        spoilt --mount "type=bind,src=$root/etc,dst=/data,options=rbind:ro" --rootfs "$PWD/spoilt" spoilt /guest.wasm
        is "$code" 1
        has "$(cat err)" "failed to mount \`/data\`: Operation not permitted"
    done
}

test_security_sandbox_working_directory() {
    own_root
    for dir in /proc/self/fd/7 /proc/1/cwd /proc/self/fd/7/../../..; do
        spoilt --cwd "$dir" --rootfs "$PWD/spoilt" spoilt /guest.wasm
        is "$code" 1
    done
    ln -s /proc/self/fd/8 spoilt/link
    spoilt --cwd /link --rootfs "$PWD/spoilt" spoilt /guest.wasm
    is "$code" 1
}

# A root's own /dev/null that is a file or another device, which the masks would show.
test_security_sandbox_masks_with_the_null_device() {
    own_root
    mkdir spoilt/dev
    echo text >spoilt/dev/null
    start base /bin/native sleep
    jq --arg root "$PWD/spoilt" '.root.path = $root | .mounts |= map(select(.destination | startswith("/dev") | not))
        | .annotations = {"io.wasmtime.sandbox": "own"} | .process.args = ["/guest.wasm"] | .linux.cgroupsPath += "/spoilt"' \
        "$work/state/io.containerd.runtime.v2.task/$ns/base/config.json" >config.json
    finish base
    code=0
    ctr run --rm --runtime "$runtime" --config config.json spoilt >out 2>err || code=$?
    is "$code" 1
    has "$(cat err)" "/dev/null"
    rm spoilt/dev/null
    mknod spoilt/dev/null c 1 5
    code=0
    ctr run --rm --runtime "$runtime" --config config.json spoilt >out 2>err || code=$?
    is "$code" 1
}

# Nothing is left of what could not be made, at whatever step.
test_sandbox_that_can_not_be_made() {
    own_root
    spoilt --mount "type=bind,src=$PWD/nothing,dst=/data,options=rbind" --rootfs "$PWD/spoilt" spoilt /guest.wasm
    is "$code" 1
    has "$(cat err)" "failed to mount \`/data\`: No such file or directory"
    spoilt --with-ns "network:$PWD/nothing" --rootfs "$PWD/spoilt" spoilt /guest.wasm
    has "$(cat err)" "failed to open the namespace"
    spoilt --with-ns "network:/proc/self/ns/uts" --rootfs "$PWD/spoilt" spoilt /guest.wasm
    has "$(cat err)" "another kind"
    spoilt --memory-limit 1 --cpuset-cpus 5000 --rootfs "$PWD/spoilt" spoilt /guest.wasm
    has "$(cat err)" "failed to set the limits of the control group"
    spoilt --rootfs "$PWD/spoilt" spoilt /bin/nothing
    is "$(ls -A "$work/state/io.containerd.runtime.v2.task/$ns")" ""
}

# What the executor has open, and what it is: of a container of our own.
test_security_sandbox_executor() {
    flags="--annotation io.wasmtime.sandbox=own --seccomp"
    start executor "/guest.wasm#spin"
    sleep 0.3
    pid=$(ctr task ls | awk '$1 == "executor" { print $2 }')
    for fd in /proc/"$pid"/fd/*; do
        case ${fd##*/}:$(readlink "$fd") in
        [012]:*fifo* | [012]:/dev/null | *:anon_inode:*) ;;
        4:* | *:/memfd:wasm-*) ;; # the module, its code
        *:/) test "$fd" -ef "/proc/$pid/root" ;; # what the guest may open
        *) echo "open: $fd $(readlink "$fd")"; return 1 ;;
        esac
    done
    is "$(awk '/^Seccomp:/ { print $2 }' "/proc/$pid/status")" 2
    is "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$pid/status")" 1
    is "$(awk '/^CapAmb|^CapInh/ { print $2 }' "/proc/$pid/status" | sort -u)" 0000000000000000
    is "$(ls "/proc/$pid/task" | wc -l)" "$(grep -l '^Seccomp:.*2' "/proc/$pid"/task/*/status | wc -l)"
    flags=
    finish executor
}

# A folder of the root that becomes a link to outside, and a folder again, all the time.
test_security_sandbox_root_that_changes() {
    own_root
    mkdir -p spoilt/a
    ln -s "$PWD/outside" link
    cat >swap.py <<END
import ctypes, os
libc = ctypes.CDLL(None)
while os.path.exists("go"):
    libc.renameat2(-100, b"spoilt/a", -100, b"link", 2) # exchanges them
END
    : >go
    python3 swap.py &
    swapper=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
        ctr run --rm --runtime "$runtime" --annotation io.wasmtime.sandbox=own --cwd /a/cwd \
            --mount "type=bind,src=$root/etc,dst=/a/b/c,options=rbind:ro" --rootfs "$PWD/spoilt" spoilt /guest.wasm >/dev/null 2>&1 || :
        find outside -mindepth 1 >>made
    done
    rm go
    wait $swapper
    is "$(cat made)" ""
    is "$(find outside)" "outside"
}

left_of_killed() {
    find /sys/fs/cgroup -type d -path "*/$ns/killed*"
    grep -F "$work/state/io.containerd.runtime.v2.task/$ns/killed" /proc/mounts
    ls "$work/state/io.containerd.runtime.v2.task/$ns" | grep killed
    for id in 1 2 3 4 5 6 7 8 9 10; do shim_pid "killed$id"; done
}
nothing_left_of_killed() { [ -z "$(left_of_killed)" ]; }

# The shim ends at some moment of a container's start; what it made is taken away by whoever comes.
test_sandbox_shim_killed_at_any_time() {
    for id in 1 2 3 4 5 6 7 8 9 10; do
        (start "killed$id" "/guest.wasm#spin" || :) >/dev/null 2>&1 &
        starter=$!
        for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
            pid=$(shim_pid "killed$id")
            [ -z "$pid" ] || break
            sleep 0.01
        done
        sleep "0.0$id"
        [ -z "$pid" ] || kill -9 $pid || :
        wait $starter
    done
    until_ok nothing_left_of_killed || { left_of_killed; return 1; }
    for id in 1 2 3 4 5 6 7 8 9 10; do ctr container delete "killed$id" 2>/dev/null || :; done
}

# The life of a container, by what is given, on a containerd of its own that sees control groups of version 2.
cat >"$work/on_cgroup2" <<'EOF2'
set -eu
umount -l /sys/fs/cgroup/* 2>/dev/null || :
umount -l /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
cat >two.toml <<END
version = 2
root = "$PWD/two"
state = "$PWD/two.state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
[grpc]
  address = "$PWD/two.sock"
END
"$bin/containerd" -c two.toml >two.log 2>&1 &
daemon=$!
trap 'kill $daemon; wait; rmdir /sys/fs/cgroup/two$ns || :' EXIT
ctr() { timeout 60 "$bin/ctr" -a "$PWD/two.sock" -n "two$ns" "$@" 2>>errors; }
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do ctr version >/dev/null && break; sleep 0.3; done
in_state() { for _ in 1 2 3 4 5 6 7 8 9 10; do ctr task ls | grep -q "$1" && return 0; sleep 0.3; done; ctr task ls; exit 1; }
for kind in runtime own; do
    jq --arg kind $kind '.process.args = ["/bin/probe"] | .annotations["io.wasmtime.sandbox"] = $kind' <config.json >probe.json
    ctr run --rm --runtime "$runtime" --config probe.json same >$kind
done
ctr run -d --runtime "$runtime" --config config.json same
ctr task pause same
in_state PAUSED
grep -q 'frozen 1' "/sys/fs/cgroup/two$ns/same/cgroup.events"
ctr task resume same
in_state RUNNING
code=0
ctr task exec --exec-id e same /bin/native exit 3 || code=$?
[ $code = 3 ]
[ "$(ctr task metrics --format json same | jq '.cpu.usage_usec > 0')" = true ]
ctr task kill -a -s SIGKILL same
in_state STOPPED
ctr task delete same || :
[ ! -d "/sys/fs/cgroup/two$ns/same" ]
ctr container delete same
ctr run -d --runtime "$runtime" --config config.json same
kill -9 "$(ps -eo pid,args | awk -v ns="two$ns" '/[c]ontainerd-shim-wasmtime-v1 -namespace/ && $4 == ns { print $1 }')"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ -d "/sys/fs/cgroup/two$ns/same" ] || break; sleep 0.3; done
[ ! -d "/sys/fs/cgroup/two$ns/same" ]
EOF2

# There are no controllers for it where the tests run on version 1: limits are not tried.
test_sandbox_with_cgroups_of_version_two() {
    probe_root
    unshare -m sh -c 'umount -l /sys/fs/cgroup/* /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup' 2>/dev/null ||
        { echo "skip sandbox_with_cgroups_of_version_two: control groups of version 2 can not be mounted"; return 0; }
    start base /bin/native sleep
    jq --arg ns "two$ns" 'del(.linux.resources.cpu) | .linux.cgroupsPath = "/\($ns)/same"
        | .linux.namespaces += [{type: "cgroup"}] | .process.args = ["/guest.wasm#spin"]
        | .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup",
            options: ["nosuid", "noexec", "nodev", "ro"]}] | .annotations = {"io.wasmtime.sandbox": "own"}' \
        "$work/state/io.containerd.runtime.v2.task/$ns/base/config.json" >config.json
    finish base
    export bin ns runtime
    PATH=$(dirname "$shim"):$bin:$PATH unshare -m sh "$work/on_cgroup2" || { cat errors; return 1; }
    same two
}
