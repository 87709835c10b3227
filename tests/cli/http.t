# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# wasi:http from `run`. The lists of results are what Wasmtime 48 gives for the same guest, except
# that ports are checked and user information is refused when an authority is set, and that a stream
# is closed once a write to it failed.
. "$top/tests/cli/lib.sh"

guest=$data/component-http.wasm

same() {
    diff -a "$data/http-$1.txt" .out >difference || wrong "$(head -n 20 difference)"
}

for what in fields messages bodies; do
    begin "rules of $what"
    run -S http "$guest" $what
    code 0
    stderr ""
    same $what
done

begin "sets of fields are bounded"
for what in distinct equal; do
    run -S http "$guest" $what
    code 1
    err_has "total size of fields exceeds limit"
    run -S http,max-http-fields-size=1000 "$guest" $what
    code 1
    stdout 0
    err_has "total size of fields exceeds limit"
done
run -S http,max-http-fields-size=4294967296 "$guest" distinct
code 1
err_has "too many fields in the field map"

begin "what an outgoing body permits to be written"
run -S http,http-outgoing-body-chunk-size=77 "$guest" bodies
code 0
out_has "response - 5: 77, ok, ok, ok"

begin "requests that are refused before they are sent"
run -S http "$guest" fetch ftp://127.0.0.1/
stdout "refused: HTTP-protocol-error"
run -S http "$guest" fetch http:///
stdout "refused: HTTP-request-URI-invalid"
run -S http "$guest" fetch http://127.0.0.1
stdout "refused: HTTP-request-URI-invalid"

begin "without -S http there is none, and the option is named"
run "$guest" fields
code 1
err_has "it is there with \`-S http\`"

finish
