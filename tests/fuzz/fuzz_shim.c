/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fuzz targets of what the container shim reads besides ttrpc: containerd's answers over HTTP/2,
 * config.json of a container, and the documents of images.
 */
#include "fuzz/targets.h"
#include "shim/bundle.h"
#include "shim/grpc.h"
#include "shim/layers.h"
#include "shim/options.h"
#include "shim/shim.pb-c.h"
#include "shim/ttrpc.h"

enum { LIMIT = 1 << 16, BODY = 100000 };

/* ---- containerd's answers ---- */

static void read_answers(const Buf *data)
{
    static const ProtobufCMessageDescriptor *const kinds[] = {
        &pb__container_reply__descriptor, &pb__image_reply__descriptor, &pb__read_reply__descriptor,
        &pb__info_reply__descriptor};
    usize at = 0;
    for (Str m; grpc_next(data, &at, &m);)
        for (usize i = 0; i < ARRAY_LEN(kinds); i++)
            protobuf_c_message_free_unpacked(message_get(kinds[i], m.p, m.n), NULL);
}

/* The same frames in pieces give the same data and answers. */
static GrpcStep take_all(const u8 *p, usize n, usize piece, Buf *data, Buf *out)
{
    Buf in = {0}, body = {0};
    GrpcSending s;
    GrpcStep step = GRPC_MORE;
    buf_reserve(&body, BODY);
    memset(body.p, 0, BODY);
    body.n = BODY;
    grpc_sending_init(&s, &body);
    for (usize at = 0; at < n && step == GRPC_MORE; at += piece) {
        buf_bytes(&in, p + at, MIN(piece, n - at));
        step = grpc_take(&in, LIMIT, data, out, &s);
        if (data->n > LIMIT || s.window > INT32_MAX || s.stream_window > INT32_MAX)
            fuzz_finding("a limit is not kept");
    }
    Buf sent = {0};
    i64 room = MIN(s.window, s.stream_window);
    grpc_put_data(&sent, &s);
    if ((i64)s.sent > MAX(room, 0))
        fuzz_finding("more is sent than there is room for");
    buf_release(&sent);
    buf_release(&in);
    buf_release(&body);
    return step;
}

void fuzz_grpc(const u8 *p, usize n)
{
    Buf data[2] = {0}, out[2] = {0};
    if (n < 2)
        return;
    GrpcStep whole = take_all(p + 1, n - 1, n, &data[0], &out[0]);
    GrpcStep pieces = take_all(p + 1, n - 1, 1u + p[0], &data[1], &out[1]);
    if (whole != pieces || data[0].n != data[1].n || out[0].n != out[1].n)
        fuzz_finding("pieces of %u bytes give something else", 1u + p[0]);
    read_answers(&data[0]);
    for (usize i = 0; i < 2; i++) {
        buf_release(&data[i]);
        buf_release(&out[i]);
    }
}

/* ---- config.json ---- */

static void executor_config(Bundle *b, const GuestOptions *o)
{
    GuestOptions back;
    bundle_use_layer(b);
    char *word = guest_word_make(o, b->func), *text;
    const char *func = guest_word_read(word, &back);
    if (strcmp(func, b->func) != 0 || back.words.n != o->words.n)
        fuzz_finding("the executor is told something else");
    if ((text = bundle_wasm_config(b))) {
        Buf again = {(u8 *)text, strlen(text), 0};
        Bundle c;
        if (bundle_parse(&c, "/b", &again))
            fuzz_finding("the runtime's configuration is not JSON");
        bundle_release(&c);
    }
    mem_free(text);
    vec_release(&back.words);
    mem_free(word);
}

void fuzz_bundle(const u8 *p, usize n)
{
    const Buf text = {(u8 *)p, n, 0};
    Bundle b;
    GuestOptions o = {0};
    Error *e = bundle_parse(&b, "/b", &text);
    if (!e)
        e = guest_options_read(&b, &o);
    if (!e)
        executor_config(&b, &o);
    guest_options_release(&o);
    bundle_release(&b);
    error_free(e);
}

/* ---- documents of images ---- */

typedef struct Documents {
    const u8 *p;
    usize n;
    u32 reads;
} Documents;

/* The next one: they are separated by NUL. */
static Error *next_document(void *arg, const Digest *d, Buf *ret_bytes)
{
    Documents *docs = arg;
    if (strlen(d->hex) != 64)
        fuzz_finding("a digest has %zu digits", strlen(d->hex));
    if (++docs->reads > 3)
        fuzz_finding("an index, a manifest, a configuration: what else?");
    const u8 *end = docs->n ? memchr(docs->p, 0, docs->n) : NULL;
    usize n = end ? (usize)(end - docs->p) : docs->n;
    buf_bytes(ret_bytes, docs->p, n);
    n += end != NULL;
    docs->p += n;
    docs->n -= n;
    return NULL;
}

void fuzz_manifest(const u8 *p, usize n)
{
    Documents docs = {p, n, 0};
    const DocumentReader r = {next_document, &docs};
    char digest[72] = "sha256:";
    Digest layer = {"?"};
    bool found;
    memset(digest + 7, 'a', 64);
    Error *e = layers_pick(&r, digest, &found, &layer);
    if (found && !e && strspn(layer.hex, "0123456789abcdef") != 64)
        fuzz_finding("a layer without a digest is found");
    error_free(e);
}
