# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Projects: `new component`, `build`; what is built is run and served.
. "$top/tests/cli/lib.sh"

begin "new component makes a project, once"
run new component my-app
code 0
out_has "cd my-app"
expect test -f my-app/src/main.c
expect test -f my-app/wit/world.wit
expect test -f my-app/README.md
expect grep -q '^/build/' my-app/.gitignore
expect grep -q 'name = "my-app"' my-app/wasmtime.toml
expect test "$(grep -c . my-app/README.md)" -le 10
run new component my-app
code 1
err_has 'Error: `my-app` is there already'

begin "names and templates that are none"
run new component 'a b'
code 2
err_has '`a b` is no name for a component'
run new component other --template rust
code 2
err_has "invalid value 'rust' for '--template <TEMPLATE>': expected http, cli or library"
expect test ! -e other

begin "build outside of a project"
run build
code 1
err_has "there is no project here"

begin "wasmtime.toml with a key that is none"
mkdir odd && cd odd
printf '[component]\nname = "odd"\ncolour = "red"\n' >wasmtime.toml
run build
code 1
err_has "wasmtime.toml:3"
err_has "unknown key"
cd ..

begin "a command of one's own"
mkdir own own/wit && cd own
printf '[component]\nname = "own"\ncommand = "cp given.wasm made.wasm"\nmodule = "made.wasm"\n' >wasmtime.toml
printf 'package a:b;\nworld w {\n  export f: func() -> u32;\n}\n' >wit/w.wit
printf '(module (func (export "f") (result i32) (i32.const 7)))' >given.wat
run component embed wit given.wat -o given.wasm
run build
code 0
err_has "Built build/own_s.wasm"
run run --invoke 'f()' build/own_s.wasm
stdout "7"
cd ..

begin "what is missing is said in one line"
cd my-app
old_path=$PATH
PATH=/nonexistent
last=build
"$WASMTIME" build >.out 2>.err
status=$?
PATH=$old_path
code 1
err_has 'Error: clang is missing: `apt install clang lld wasi-libc'
cd ..

echo '#include <stdlib.h>
int main(void) { return 0; }' >probe.c
if ! clang --target=wasm32-wasi probe.c -o probe.wasm 2>/dev/null; then
    end_case
    case_name=
    echo "skip project: building: clang, lld or wasi-libc is not there"
    finish
    exit 0
fi

# `func` is a keyword of WIT, and bindings called string.h are not the header of the C library.
begin "names that mean something elsewhere"
for name in func string; do
    run new component $name --template library
    code 0
    cd $name
    run build
    code 0
    err_has "Built build/${name}_s.wasm"
    err_lacks "warning"
    cd ..
done

begin "a command from C, with arguments"
run new component hello-cli --template cli
cd hello-cli
run build --release
code 0
err_has "Built build/hello_cli_s.wasm"
run run build/hello_cli_s.wasm one 'two three'
code 0
stdout "Hello from C!
1: one
2: two three"
run build --up
code 0
stdout "Hello from C!"
cd ..

begin "a library from C"
run new component hello-lib --template library
cd hello-lib
run build
run run --invoke 'greet("you")' build/hello_lib_s.wasm
stdout '"Hello, you"'
run build --up
code 1
err_has "a library cannot be run"
cd ..

begin "a mistake in the program"
cd hello-lib
echo 'int x = ;' >>src/main.c
run build
code 1
err_has "src/main.c"
err_has "Error: the compiler ended with status 1"
cd ..

begin "a served component from C, below 100 KB"
cd my-app
run build
code 0
expect test "$(wc -c <build/my_app_s.wasm)" -lt 100000
"$WASMTIME" serve -S cli=y --addr 127.0.0.1:0 build/my_app_s.wasm >served 2>&1 &
server=$!
n=0
while ! grep -q 'http://' served && [ $n -lt 100 ]; do
    sleep 0.1
    n=$((n + 1))
done
curl -s --max-time 10 "$(sed -n 's,.*\(http://[^ ]*\).*,\1,p' served | head -n 1)" >.out 2>.err
kill $server
stdout "Hello from C!"
cd ..

begin "dev serves, swaps, and keeps the last good build"
cd my-app
"$WASMTIME" dev --addr 127.0.0.1:18499 >served 2>&1 &
dev=$!
get() { # TEXT: until the answer is this one, ten seconds
    n=0
    while [ "$(curl -s --max-time 5 http://127.0.0.1:18499/)" != "$1" ] && [ $n -lt 100 ]; do
        sleep 0.1
        n=$((n + 1))
    done
    [ $n -lt 100 ]
}
expect get "Hello from C!"
cp src/main.c good.c
sed 's/Hello from C!/Good day!/' good.c >src/main.c
expect get "Good day!"
echo 'int x = ;' >>src/main.c
n=0
while ! grep -q 'last good build' served && [ $n -lt 100 ]; do
    sleep 0.1
    n=$((n + 1))
done
expect get "Good day!"
kill $dev
wait $dev
expect test -z "$(curl -s --max-time 5 http://127.0.0.1:18499/)"
cd ..

begin "dev ends where another program listens"
cd my-app
cp good.c src/main.c
"$WASMTIME" dev --addr 127.0.0.1:18499 >served 2>&1 &
dev=$!
expect get "Hello from C!"
run dev --addr 127.0.0.1:18499
code 1
stderr "Error: failed to listen on 127.0.0.1:18499: Address already in use (os error 98)"
run dev --addr nowhere
code 1
stderr "Error: \`nowhere\` is no address: expected IP:PORT or unix:PATH"
kill $dev
wait $dev
cd ..

begin "dev reads wasmtime.toml again, and keeps the port that it was free to choose"
cd my-app
cp good.c src/main.c
sed 's/Hello from C!/Other source!/' good.c >src/other.c
cp wasmtime.toml good.toml
"$WASMTIME" dev --addr 127.0.0.1:0 >served 2>&1 &
dev=$!
get() { # TEXT: until the answer is this one, ten seconds
    n=0
    while [ $n -lt 100 ]; do
        at=$(sed -n 's,.*\(http://[^ ]*\).*,\1,p' served | head -n 1)
        [ -z "$at" ] || [ "$(curl -s --max-time 5 "$at")" != "$1" ] || return 0
        sleep 0.1
        n=$((n + 1))
    done
    return 1
}
expect get "Hello from C!"
sed 's,^source = .*,source = "src/other.c",' good.toml >wasmtime.toml
expect get "Other source!"
kill $dev
wait $dev
mv good.toml wasmtime.toml
cd ..

finish
