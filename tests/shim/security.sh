# shellcheck shell=sh disable=SC2034,SC2154,SC2086 # parts of the runner, tests/shim/run; words
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What images, guests and other users try. tests/security/lines.def says which class of attack each test is of.

# Labels and environment of an image choose nothing on the host: no logger, no runtime, no file.
test_security_labels_of_an_image() {
    here_no=$PWD/made
    "$here/image.py" --arch wasm --os wasip1 --entry /guest.wasm --label "nerdctl/log-uri=binary:///bin/touch?$here_no=1" \
        --label "containerd.io/log-uri=binary:///bin/touch?$here_no" --label "io.kubernetes.cri.sandbox-id=other" \
        --label io.wasmtime.wasm=max-memory-size=0 --label "io.containerd.runc.v2.group=other" \
        --env "WASMTIME_SHIM_CACHE=$here_no" --env WASMTIME_SHIM_SANDBOX=own --env "LD_PRELOAD=$here_no" --env "TMPDIR=$here_no" \
        --env "WASMTIME_LOG=trace" localhost/labels:v1 labels.tar "$root/guest.wasm=guest.wasm"
    ctr image import --all-platforms labels.tar >/dev/null
    exits 0 ctr run --rm --runtime "$runtime" localhost/labels:v1 labels
    is "$out" "hello world"
    [ ! -e "$here_no" ]
    ctr run -d --runtime "$runtime" localhost/labels:v1 labels "/guest.wasm#spin"
    is "$(shim_pid labels | wc -l)" 1 # not that of a pod of another name
    finish labels
}

# The socket and its folder are root's alone, with any umask; another user is turned away, even where the file's
# mode would let it in; and what lies in the socket's place already is no way in.
test_security_socket() {
    life socket_is_private
    is "$(stat -c '%a %u' /run/containerd/s | grep -c '[0-7][0-5][0-5] 0')" 1
}

test_security_streams() { life streams_are_not_followed; }
test_security_output_that_nobody_reads() { life output_that_nobody_reads; }
test_security_paths_of_control_groups() { life paths_of_control_groups; }
test_security_users() { life users; }

# A guest with the container's root looks for the host: through procfs and its links, the devices, and paths upwards.
test_security_guest_looks_for_the_host() {
    cat >"$root/look.wat" <<'EOF'
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0)
    "etc/../../etc/shadow\00../etc/shadow\00/etc/shadow\00proc/self/exe\00proc/self/mem\00proc/self/root/etc\00proc/self/cwd\00"
    "proc/self/fd/0\00proc/self/fd/3\00proc/self/fd/4\00proc/self/environ\00proc/self/maps\00proc/1/root\00proc/1/exe\00proc/1/mem\00"
    "proc/1/environ\00proc/1/ns/net\00proc/1/cwd\00proc/sys/kernel/core_pattern\00proc/kcore\00sys/kernel\00"
    "sys/fs/cgroup/memory/tasks\00dev/mem\00dev/kmem\00dev/sda\00link/shadow\00\00")
  (data (i32.const 4000) "link/etc")
  (func $length (param $at i32) (result i32) (local $n i32)
    (loop $next
      (if (i32.load8_u (i32.add (local.get $at) (local.get $n)))
        (then (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $next))))
    (local.get $n))
  ;; The number of the first that can be opened, from 1 on; 0 if none can.
  (func (export "_start") (local $at i32) (local $n i32) (local $i i32)
    (drop (call $symlink (i32.const 4004) (i32.const 4) (i32.const 3) (i32.const 4000) (i32.const 4)))
    (loop $next
      (local.set $n (call $length (local.get $at)))
      (if (local.get $n)
        (then
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (if (i32.eqz (call $open (i32.const 3) (i32.const 1) (local.get $at) (local.get $n) (i32.const 0)
                (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 2000)))
            (then (call $exit (local.get $i))))
          (local.set $at (i32.add (local.get $at) (i32.add (local.get $n) (i32.const 1))))
          (br $next))))))
EOF
    echo secret >"$root/../shadow"
    for kind in own runtime; do
        flags="--annotation io.wasmtime.sandbox=$kind"
        exits 0 run look /look.wat
        rm -f "$root/link"
    done
}

# The confinement of the process that is the guest: as native code in it would find it.
test_security_guest_process() {
    for kind in own runtime; do
        flags="--seccomp --annotation io.wasmtime.sandbox=$kind"
        start confined "/guest.wasm#spin"
        pid=$(ctr task ls | awk '$1 == "confined" { print $2 }')
        sleep 0.3
        for thread in "/proc/$pid/task/"*; do
            is "$(awk '/^(CapInh|CapAmb|NoNewPrivs|Seccomp):/ { printf "%s ", $2 }' "$thread/status")" "0000000000000000 0000000000000000 1 2 "
            is "$(awk '/^CapBnd/ { print $2 }' "$thread/status")" 00000000a80425fb
        done
        for space in pid net ipc uts mnt; do
            [ "$(readlink "/proc/$pid/ns/$space")" != "$(readlink "/proc/self/ns/$space")" ]
        done
        # Its root has no way up, its descriptors lead to nothing of the host but its streams and its module.
        is "$(nsenter -t "$pid" -m -p -r sh -c : 2>&1 | grep -c 'sh')" 1
        for fd in "/proc/$pid/fd/"*; do
            case $(readlink "$fd") in
            pipe:* | "anon_inode:"* | /dev/null | "$work/"*fifo* | /run/containerd/fifo/* | /memfd:* | / | "") ;;
            *"/${fd##*/}" | socket:*) echo "descriptor: $(readlink "$fd")"; return 1 ;;
            esac
        done
        is "$(awk '$5 == "/" { print $4 }' "/proc/$pid/mountinfo" | grep -c .)" 1
        ! grep -q " $work/state .*shim" "/proc/$pid/mountinfo"
        finish confined
    done
}
