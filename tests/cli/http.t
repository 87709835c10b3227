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

begin "all sets of fields and waiting bodies together are bounded"
run -S http "$guest" clones
code 1
stdout '0
1000
2000'
err_has "total size of all fields and bodies exceeds limit"
run -S http "$guest" waiting
code 0
stdout "many: failed: internal-error"

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

begin "https, with roots that are given and without"
if command -v openssl >/dev/null; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x \
        -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout key.pem -out cert.pem \
        2>/dev/null
    openssl s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -www >tls.out 2>&1 &
    server=$!
    for _ in $(seq 100); do
        grep -q ACCEPT tls.out && break
        sleep 0.05
    done
    to=$(grep -o '127.0.0.1:[0-9]*' tls.out | head -n 1)
    export SSL_CERT_FILE=$PWD/cert.pem
    run -S http "$guest" fetch "https://$to/"
    code 0
    out_has 200
    out_has s_server
    run -S http "$guest" fetch "https://localhost:${to#*:}/"
    out_has s_server
    unset SSL_CERT_FILE
    run -S http "$guest" fetch "https://$to/"
    stdout "error: TLS-certificate-error"
    kill $server
else
    echo "skip $topic: there is no openssl command"
fi

begin "without -S http there is none, and the option is named"
run "$guest" fields
code 1
err_has "it is there with \`-S http\`"

finish
