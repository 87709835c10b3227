#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Makes the guest of these tests: tests/serve/component.sh WORK writes WORK/guest.wat.
#
# GUEST_CC   compiler of guests, "clang --target=wasm32" if not set
set -eu
here=$(cd "$(dirname "$0")" && pwd)
world=$here/../wasi/p2/world
work=$1
# Position of symbols: the guest's own data are within the first MiB, what realloc gives is behind.
${GUEST_CC:-clang --target=wasm32} -O1 -Wall -Wextra -nostdlib -ffreestanding -fno-builtin \
    -mbulk-memory -Wl,--no-entry -Wl,--import-memory -Wl,--initial-memory=1048576 \
    -Wl,-z,stack-size=65536 "$here/guest.c" -o "$work/guest.core"
{
    echo '(component'
    cat "$world/memory.wat" "$world/base.wat" "$here/http.wat"
    wasm2wat "$work/guest.core" | sed '1s/^(module/(core module $guest/'
    printf '  (core instance $guest (instantiate $guest\n    (with "env" (instance $mem))\n'
    sed -n 's/^  (core instance \($"core \([^"]*\)"\).*$/    (with "\2" (instance \1))/p' \
        "$world/base.wat" "$here/http.wat"
    cat <<'END'
  ))
  (func $handle (param "request" (own $incoming-request)) (param "response-out" (own $response-outparam))
    (canon lift (core func $guest "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.12" (instance $handler)))
END
} > "$work/guest.wat"
