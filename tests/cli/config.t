# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Configuration files.
. "$top/tests/cli/lib.sh"

begin "config new"
run config new a/b/c.toml
code 0
stdout "Successfully created a new configuration file at 'a/b/c.toml'."
expect grep -qx '\[cache\]' a/b/c.toml
run config new a/b/c.toml
code 1
err_has "Configuration file 'a/b/c.toml' already exists."
run config new
code 0
expect test -f .config/wasmtime/config.toml
run config other
code 2

begin "the file that was made is read"
run "$data/args.wat"
code 0
run -C cache-config=a/b/c.toml "$data/args.wat"
code 0

begin "a bad cache configuration fails the run, unless the cache is off"
echo '[cache]
enabled = true' >bad.toml
run -C cache-config=bad.toml "$data/args.wat"
code 1
err_has "bad.toml:2:1: unknown field"
run -C cache-config=bad.toml,cache=n "$data/args.wat"
code 0
run -C cache-config=nowhere.toml "$data/args.wat"
code 1

begin "options from a file, the command line above them"
cat >c.toml <<TOML
[wasm]
max-wasm-stack = 65536
fuel = 1000
[optimize]
opt-level = "s"
TOML
run --config c.toml "$data/loop.wat"
code 134
err_has "all fuel consumed"
run --config c.toml -W max-wasm-stack=0 "$data/args.wat"
code 1
err_has "max_wasm_stack size cannot be zero"

begin "errors have a place"
echo '[wsm]' >t.toml
run --config t.toml "$data/args.wat"
code 1
err_has "unknown field \`wsm\`, expected one of \`optimize\`, \`codegen\`, \`debug\`, \`wasm\`, \`wasi\`"
printf '[wasm]\nfoo = 1\n' >k.toml
run --config k.toml "$data/args.wat"
code 1
err_has "unknown field \`foo\`"
run --config nowhere.toml "$data/args.wat"
code 1
err_has "nowhere.toml"

finish
