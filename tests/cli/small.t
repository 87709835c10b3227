# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# completion, settings, help and the reference page.
. "$top/tests/cli/lib.sh"

begin "completion for five shells"
for shell in bash elvish fish powershell zsh; do
    run completion $shell
    code 0
    stderr ""
    out_has allow-precompiled
    out_has compile
done
run completion csh
code 2
err_has "invalid value 'csh' for '<SHELL>'"
run completion bash
expect bash -n .out

begin "bash completes flags and commands"
cat >try.sh <<'S'
. ./.out
COMP_WORDS=(wasmtime compile --tar) COMP_CWORD=2
_wasmtime
echo "${COMPREPLY[*]}"
COMP_WORDS=(wasmtime comp) COMP_CWORD=1
_wasmtime
echo "${COMPREPLY[*]}"
S
expect test "$(bash try.sh | tr '\n' ' ')" = "--target compile completion component "

begin "bash completes option keys, and the words of commands"
cat >try.sh <<'S'
. ./.out
try() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _wasmtime
    echo "${COMPREPLY[*]}"
}
touch bank
try wasmtime run -W fu
try wasmtime -O opt
try wasmtime run --wasi inherit-env,preview0
try wasmtime -Dmax
try wasmtime completion ba
try wasmtime help set
S
run completion bash
expect test "$(bash try.sh | tr '\n' ' ')" = "fuel= function-references opt-level= \
inherit-env,preview0 -Dmax-backtrace= bash settings "
for shell in zsh fish; do
    run completion $shell
    out_has ' fuel= epoch-interruption '
    out_has "bash elvish fish powershell zsh"
done

begin "values that are one of a few are completed"
cat >try.sh <<'S'
. ./.out
try() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _wasmtime
    echo "${COMPREPLY[*]}"
}
try wasmtime new component --template ""
try wasmtime new component --template = c
try wasmtime component embed --encoding =
try wasmtime component new --merge-imports-based-on-semver = y
try wasmtime serve --access-log-format j
try wasmtime run -O opt-level = ""
try wasmtime run -O memory-reservation=0,opt-level = s
try wasmtime -Ccompiler = w
S
run completion bash
expect test "$(bash try.sh | tr '\n' '/')" = \
    "http cli library/cli/utf8 utf16 compact-utf16/y/json/0 1 2 s/s/winch/"
for template in http cli library; do
    run new component "new-$template" --template $template
    code 0
done
for encoding in utf8 utf16 compact-utf16; do
    echo 'package a:b; world w { import f: func(x: string); }' >few.wit
    run component embed --dummy few.wit --encoding $encoding -o few.wasm
    code 0
done
run completion zsh
out_has "value:(http cli library)"
out_has "opt-level=0 opt-level=1 opt-level=2 opt-level=s"
run completion fish
out_has "-a 'utf8 utf16 compact-utf16'"
out_has "opt-level=0 opt-level=1 opt-level=2 opt-level=s"

begin "zsh takes its completion from fpath and from a sourced file"
if command -v zsh >/dev/null; then
    run completion zsh
    mkdir -p fpath
    cp .out fpath/_wasmtime
    expect test "$(zsh -fc 'autoload -U compinit; compinit -D; . ./.out; print $_comps[wasmtime]' 2>&1)" = _wasmtime
    expect test "$(zsh -fc 'fpath+=($PWD/fpath); autoload -U compinit; compinit -u -D
        print $_comps[wasmtime]' 2>&1)" = _wasmtime
else
    echo "skip $topic: zsh takes its completion from fpath and from a sourced file: no zsh here"
fi

begin "settings"
run settings
code 0
out_has "Cranelift settings for target 'x86_64-unknown-linux-gnu':"
out_has "Boolean settings:"
out_has "Settings inferred for the current host:"
run settings --target x86_64-unknown-linux-gnu
code 0
expect sh -c '! grep -q inferred .out'
run settings --json
code 0
out_has '"triple": "x86_64-unknown-linux-gnu"'
out_has '"inferred": ['

begin "help of a command"
run help wast
code 0
out_has "Usage: wasmtime wast [OPTIONS] <SCRIPT>..."
run help nope
code 2

# --help behind an example shows that what is before it was understood; behind the file that `run`
# runs it would be the guest's.
begin "the help of every command has an example, which parses"
run help --markdown
sed -n 's/^## wasmtime //p' .out >.commands
expect test "$(wc -l <.commands)" -ge 20
while read -r command; do
    run help $command
    code 0
    expect grep -qxF "Example:" .out
    example=$(sed -n '/^Example:$/{n;s/^  wasmtime //;s/ > .*//;p;}' .out)
    case $example in
    "$command" | "$command "*) ;;
    *) wrong "the example of $command is: $example" ;;
    esac
    [ "$command" = run ] && example="run --help ${example#run }"
    run $example --help
    code 0
    out_has "Example:"
done <.commands

begin "docs/cli.md is what the program says"
run help --markdown
code 0
expect cmp -s .out "$top/docs/cli.md"

finish
