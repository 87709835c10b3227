# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Option groups: how keys and values are written, what is refused.
. "$top/tests/cli/lib.sh"

begin "every way to write an option"
for way in -Wfuel=100000 "-W fuel=0x10000" "-W relaxed-simd=n,fuel=100_000" "--wasm fuel=100000" --wasm=fuel=100000; do
    # shellcheck disable=SC2086 # two words
    run $way "$data/loop.wat"
    code 134
    err_has "wasm trap: all fuel consumed by WebAssembly"
done

begin "the last value counts"
run -Wsimd=n -Wsimd=y --invoke none "$data/values.wat"
code 0
run -Wsimd -Wsimd=no,relaxed-simd=n --invoke none "$data/values.wat"
code 1

begin "unknown keys and bad values"
run -Wfoo x
code 2
stderr "error: unknown -W / --wasm option: foo"
run -Ssimd x
code 2
err_has "unknown -S / --wasi option: simd"
run -Wfeul=1 x
code 2
err_has "did you mean \`-W fuel\`?"
run -Wfuel=x x
code 2
err_has "error: failed to parse -W option \`fuel=x\`: "
run -Wsimd=q x
code 2
err_has "unknown boolean flag \`q\`"
run -Wfuel x
code 2
run -Oopt-level=9 x
code 2

begin "help of a group needs no file and ends well"
for group in O C D W S R; do
    run run -$group help
    code 0
    out_has "Available "
    out_has "  -$group "
    out_has "help-long"
    run -${group}help-long
    code 0
done
run -W help
out_has "=N|Ns|Nms|.. -- "
run -O help
out_has "opt-level=0|1|2|s -- "

begin "what this build does not have"
run -D debug-info "$data/args.wat"
code 1
err_has "this build of wasmtime does not have \`-D debug-info\` yet"
run -S http=n -D debug-info=n "$data/args.wat"
code 0
run -S nn "$data/args.wat" # as in Wasmtime, it is the imports that matter
code 0
run -S nn-graph=onnx::. "$data/args.wat"
code 0
run -S nn,nn-graph=onnx::. "$data/args.wat"
code 1
err_has "unsupported backend: onnx"
run -S threads "$data/args.wat"
code 1
err_has "the \`-Sthreads\` flag is no longer supported"
run -S preview2=n "$data/args.wat"
code 1
run -S preview2,p3 -W component-model-async "$data/args.wat"
code 0

begin "what is refused with core modules, in order and in Wasmtime's words"
refused() {
    run "$1" "$2" "$data/args.wat"
    code 1
    stderr "Error: $3"
}
refused -S listenfd,http "components do not support --listenfd"
refused -S tcplisten=127.0.0.1:0 "components do not support --tcplisten"
for name in config keyvalue http tls; do
    refused -S $name "Cannot enable wasi-$name for core wasm modules"
    run -S $name=n "$data/args.wat"
    code 0
done
refused -S http,config "Cannot enable wasi-config for core wasm modules"
refused -R path=x "support for rr disabled at compile time"
refused -W wmemcheck "wmemcheck (memory checker) was requested but is not enabled in this build"
refused -O pooling-memory-protection-keys "memory protection keys require the pooling allocator"
run -S http "no such file"
err_lacks http
run -S config-var=a=b,keyvalue-in-memory-data=a=b "$data/args.wat"
code 0

begin "profilers"
run --profile=perfmap "$data/args.wat"
code 1
err_has "this build of wasmtime does not have \`--profile\` yet"
run --profile=foo "$data/args.wat"
code 2
err_has "invalid value 'foo' for '--profile <STRATEGY>': unknown profiling strategy"

begin "inlining is switched like a boolean, too"
run -C inlining,inlining=yes,inlining=false,inlining=gc --invoke none "$data/values.wat"
code 0
run -C inlining=maybe --invoke none "$data/values.wat"
code 2
err_has "unknown value \`maybe\`, expected one of y|n|gc|inter-module|intrinsics"

begin "stack sizes"
run -W max-wasm-stack=0 "$data/args.wat"
code 1
err_has "max_wasm_stack size cannot be zero"
run -W max-wasm-stack=1000,async-stack-size=10 "$data/args.wat"
code 1
err_has "max_wasm_stack size cannot exceed the async_stack_size"

begin "a proposal switched off"
run -W simd=n --invoke none "$data/values.wat"
code 1
err_has "cannot disable the simd proposal but enable the relaxed simd proposal"
run -W simd=n,relaxed-simd=n --invoke none "$data/values.wat"
code 1
run -W all-proposals=n,simd --invoke none "$data/values.wat"
code 1
run -W all-proposals=n,simd,multi-value,reference-types --invoke none "$data/values.wat"
code 0

begin "growth that is refused"
run -W max-memory-size=65536 --invoke memory-grow "$data/grow.wat"
code 0
stdout "-1"
run -W max-memory-size=65536,trap-on-grow-failure --invoke memory-grow "$data/grow.wat"
code 1
err_has "forcing trap when growing memory to 720896 bytes"
run -W max-table-elements=5,trap-on-grow-failure --invoke table-grow "$data/grow.wat"
code 1
err_has "forcing trap when growing table to 11 elements"
run -W trap-on-grow-failure --invoke table-grow-all "$data/grow.wat"
code 1
err_has "forcing trap when growing table to 4294967296 elements"

begin "code generator settings"
run -C cranelift-has_avx=false --invoke none "$data/values.wat"
code 0
run -C cranelift-has_lse "$data/args.wat"
code 1
err_has "No existing setting named 'has_lse'"

begin "settings of Wasmtime's optimising compiler are taken as it takes them"
for setting in opt_level=none opt_level=speed opt-level=speed_and_size regalloc_algorithm=single_pass \
    enable_verifier enable_verifier=true enable_nan_canonicalization=on is_pic=yes has-avx=0 has_avx2=off \
    probestack_size_log2=14 preserve_frame_pointers=false has_avx512f=true has_sse41 tls_model=elf_gd; do
    run run -C "cranelift-$setting" --invoke add "$data/values.wat" 40 2
    code 0
    stdout 42
done
refuse() {
    run run -C "cranelift-$1" "$data/args.wat"
    code 1
    err_has "$2"
}
refuse opt_level=fast "Unexpected value for a setting, expected any among none, speed, speed_and_size"
refuse opt_level "Trying to set a setting with the wrong type"
refuse probestack_size_log2=x "Unexpected value for a setting, expected number"
refuse has_avx=maybe "Unexpected value for a setting, expected bool"
refuse enable_verifier=maybe "Unexpected value for a setting, expected bool"
refuse has_sse41=false "compiled code needs SSE4.1"
refuse x86-64-v3 "No existing setting named 'x86_64_v3'"
refuse "$(printf '%300s' x)" "No existing setting named"
cat >nan.wat <<'W'
(module (func (export "f") (result i32)
  (i32.reinterpret_f32 (f32.add (f32.reinterpret_i32 (i32.const 0x7fe00001)) (f32.const 1)))))
W
run run -C cranelift-enable_nan_canonicalization=true --invoke f nan.wat
code 0
stdout 2143289344

begin "explicit bounds checks give the same traps"
run -O signals-based-traps=n --invoke add "$data/values.wat" 40 2
code 0
stdout 42
run -O memory-reservation=0,memory-guard-size=0 --invoke memory-grow "$data/grow.wat"
code 0
stdout 1

# Each key of each group with a value that is not its default: the program runs as if nothing had been
# said, or it does not run at all and an error says why.
begin "every key of every group works or says that it does not"
keys=0
for group in O C D W S R; do
    run run -$group help
    awk '/^  -/ { d = $NF; if ($(NF - 1) != "(default") d = "-"; sub(/\)$/, "", d); print $2, d }' .out >.keys
    while read -r row default; do
        key=${row%%[=[]*}
        case $row in
        *'[=y|n'*) value=y && [ "$default" != y ] || value=n ;;
        *=N) value=700000 ;;
        *=N\|Ns*) value=50s ;;
        nn-graph=*) value=there::is-no-such-file ;;
        *=path | *=val) value=there-is-no-such-file ;;
        *=\<name\>=*) value=a=b ;;
        cranelift-KEY*) key=cranelift-enable_nothing value=1 ;;
        *) value=${row##*[=|]} && [ "$default" != "$value" ] || value=$(echo "$row" | sed 's/.*=\([^|]*\)|.*/\1/') ;;
        esac
        keys=$((keys + 1))
        run -$group "$key=$value" "$data/args.wat"
        if [ "$key$status" = cli-exit-with-code0 ]; then
            err_has "has no effect"
        elif [ "$status" = 0 ]; then
            stderr ""
        else
            code 1
            err_has "Error: "
            err_lacks "internal error"
        fi
        run -$group "$key=$value" --invoke add "$data/values.wat" 40 2
        if [ "$status" = 0 ]; then
            stdout 42
        else
            stdout ""
        fi
    done <.keys
done
expect test $keys -gt 150
finish
