# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# wasi:http behind `serve`, with curl. The list of answers is what Wasmtime 48 gives for the same
# guest, except that a response of status 101 is refused, trailers are sent without being asked for,
# a body that is cut off is an error for curl, HTTP/1.0 is answered by 1.1 with Connection, and
# fields stay in their order where others were left out.
. "$top/tests/cli/lib.sh"

command -v curl >/dev/null || { echo "skip $topic: there is no curl"; exit 0; }
guest=$data/component-http.wasm
"$WASMTIME" serve -S cli=y --addr 127.0.0.1:0 "$guest" >served.out 2>served.err &
server=$!
trap 'kill -INT $server 2>/dev/null' EXIT
for _ in $(seq 200); do
    grep -q Serving served.err && break
    sleep 0.05
done
url=$(grep -o 'http://[0-9.:]*' served.err | head -n 1)
url=${url%/}

# The answer without the time and the port, and without the page of an error.
get() {
    path=$1
    shift
    echo "== $path $*"
    curl -s -m 20 -i "$@" "$url$path" >answer
    result=$?
    tr -d '\r' <answer | sed -e '/^date:/d' -e 's/127.0.0.1:[0-9]*/HOST/' -e '/^content-length: [0-9][0-9][0-9]$/d' -e '/^<!doctype/,$d'
    echo "[curl: $result]"
}

answers() {
    get /
    get /echo -d hello
    get /echo -H 'Transfer-Encoding: chunked' -d hello
    get '/show?x=y&z=%20' -X PURGE -A t -H 'B: 1' -H 'a: 2' -H 'b: 3' -H 'Connection: x' \
        -H 'Keep-Alive: x' -H 'Proxy-Connection: x' -H 'Upgrade: x'
    get / -I
    get /length/5/5 -I
    for status in 101 204 304 404 999; do
        get /status/$status
    done
    for path in bodiless before trailers bad-trailers length/3/3 length/5/3 length/5/6 trap none \
        drop error cut cut-trap consume count count big/3; do
        get /$path
    done
    get / --http1.0
    get /trailers --http1.0
}

begin "answers of a guest"
last="serve, and curl"
answers >got 2>.err
diff -a "$data/http-serve.txt" got >difference || wrong "$(head -n 30 difference)"

begin "large bodies, both ways"
: >.err
curl -s -m 60 "$url/big/30000000" | wc -c >.out
stdout 30000000
head -c 20000000 /dev/urandom >sent
curl -s -m 60 -T sent "$url/echo" >.out
expect cmp sent .out

begin "events come one by one"
# Each is 200 ms after the one before it; the first two are there long before the third.
curl -s -N -m 0.5 "$url/events" >.out 2>/dev/null
expect test "$(grep -c '^data' .out)" -ge 2
expect test "$(grep -c '^data' .out)" -le 3

begin "guests that fetch, from the server they run in"
curl -s -m 20 "$url/fetch/$url/status/404" >.out
stdout status
curl -s -m 20 "$url/fetch/$url/trailers" >.out
stdout 'body
trailers:
  x-after: all'
curl -s -m 20 "$url/post/$url/echo" | tr -d x >.out
stdout ""
curl -s -m 20 "$url/post-length/$url/echo" | wc -c >.out
stdout 300000
curl -s -m 20 "$url/hurry/100/$url/sleep/5000" >.out
stdout "error: connection-read-timeout"

begin "the server ends, and says why requests failed"
kill -INT $server
wait $server
status=$?
trap - EXIT
mv served.out .out
mv served.err .err
code 0
err_has "guest never invoked \`response-outparam::set\` method"
err_has "on purpose"
err_lacks panicked

finish
