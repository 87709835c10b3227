# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Which word is the subcommand, which the file, which the guest's.
. "$top/tests/cli/lib.sh"

begin "no argument at all is a usage error"
run
code 2
stdout ""
err_has "the following required arguments were not provided:"
err_has "  <WASM>..."

begin "run without a file is a usage error"
run run
code 2
err_has "Usage: wasmtime run <WASM>..."

begin "an unknown first word is a file"
run invalid-subcommand
code 1
err_has 'Error: failed to open wasm module "invalid-subcommand"'
err_has "No such file or directory (os error 2)"

begin "a file named like a subcommand, behind -- or an option"
cp "$data/args.wat" run
run -- run
code 0
stdout "run"
run -Ccache=n run
code 0
stdout "run"
run run run
stdout "run"

begin "all that follows the file is the guest's"
run run -- "$data/args.wat" -- -- -a b
code 0
stdout "args.wat
--
--
-a
b"
run "$data/args.wat" --invoke -Wfuel=1 -
stdout "args.wat
--invoke
-Wfuel=1
-"

begin "argv0 is the file's name or --argv0"
cp "$data/args.wat" ./x.wat
run ./x.wat
stdout "x.wat"
run --argv0 a/b x.wat
stdout "a/b"

begin "version and help"
run --version
code 0
expect grep -qE '^wasmtime [0-9]+\.[0-9]+\.[0-9]+$' .out
run run -V
code 0
run -h
code 0
out_has "Usage: wasmtime [OPTIONS] <WASM>..."
run compile --help
code 0
out_has "Usage: wasmtime compile [OPTIONS] <MODULE>"

begin "unknown flags"
run --wam x
code 2
err_has "error: unexpected argument '--wam' found"
run -z x
code 2
err_has "error: unexpected argument '-z' found"
run compile a b
code 2
err_has "error: unexpected argument 'b' found"

begin "flags without or with a value too many"
run --invoke
code 2
err_has "a value is required for '--invoke <FUNCTION>' but none was supplied"
run --allow-precompiled=x y
code 2
err_has "unexpected value 'x' for '--allow-precompiled' found"
run --invoke a --invoke b x
code 2
err_has "the argument '--invoke <FUNCTION>' cannot be used multiple times"

begin "names of Wasmtime's that this build does not have"
for name in explore objdump hot-blocks wizer; do
    run $name x
    code 1
    err_has "this build of wasmtime does not have the \`$name\` subcommand yet"
done

begin "the module from standard input"
stdin=$data/args.wat
run - a
code 0
stdout "-
a"

finish
