/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The blob is written under a lease, without which containerd could collect it before the layer
 * refers to it. Single labels are set, so that whoever sets others at the same time loses nothing.
 */
#include "shim/store.h"

#include "os/time.h"
#include "shim/shim.pb-c.h"
#include "shim/ttrpc.h"

#include <stdio.h>

#define CONTENT "/containerd.services.content.v1.Content/"
#define LEASES "/containerd.services.leases.v1.Leases/"
#define LABEL "runwasi.io/precompiled/wasmtime/"

enum {
    MAX_ANSWER = 4 << 20,
    PIECE = 4 << 20, /* of a blob, in one message */
    MAX_BLOB = INT32_MAX,
    WRITE = 1,
    COMMIT = 2,
    LEASE_SECONDS = 600, /* if its end is never said */
    LABEL_SIZE = 64,
    NAME_SIZE = 128,
    DIGEST_SIZE = 72,
};

static void digest_text(const Digest *d, char text[DIGEST_SIZE])
{
    snprintf(text, DIGEST_SIZE, "sha256:%s", d->hex);
}

Error *store_digest(const char *text, Digest *ret_digest)
{
    if (!str_starts(str_of(text), STR("sha256:")) || strlen(text) != DIGEST_SIZE - 1 ||
        strspn(text + 7, "0123456789abcdef") != 64)
        return error_new("`%.100s` is not a SHA-256 digest", text);
    memcpy(ret_digest->hex, text + 7, sizeof ret_digest->hex);
    return NULL;
}

Error *store_get(const GrpcTarget *t, const char *method, const ProtobufCMessage *request,
                 const ProtobufCMessageDescriptor *d, void *ret_message)
{
    Buf data = {0};
    usize at = 0;
    Str bytes;
    Error *e = grpc_call(t, method, request, MAX_ANSWER, &data);
    if (e)
        return e;
    void *m = grpc_next(&data, &at, &bytes) ? message_get(d, bytes.p, bytes.n) : NULL;
    buf_release(&data);
    if (!m)
        return error_new("containerd has no answer to %s", method);
    memcpy(ret_message, &m, sizeof m);
    return NULL;
}

static Error *append_reads(const Buf *data, Buf *out)
{
    usize at = 0;
    for (Str bytes; grpc_next(data, &at, &bytes);) {
        Pb__ReadReply *r = message_get(&pb__read_reply__descriptor, bytes.p, bytes.n);
        if (!r)
            return error_new("containerd's answer is not a message");
        buf_bytes(out, r->data.data, r->data.len);
        protobuf_c_message_free_unpacked(&r->base, NULL);
    }
    return NULL;
}

Error *store_read(const GrpcTarget *t, const Digest *d, usize limit, Buf *ret_bytes)
{
    Pb__ReadRequest request = PB__READ_REQUEST__INIT;
    Buf data = {0};
    Digest have;
    char digest[DIGEST_SIZE];
    digest_text(d, digest);
    request.digest = digest;
    /* The data has some bytes of framing for each message. */
    Error *e = grpc_call(t, CONTENT "Read", &request.base, limit + limit / 16 + 4096, &data);
    if (!e)
        e = append_reads(&data, ret_bytes);
    buf_release(&data);
    if (!e) {
        digest_of(ret_bytes->p, ret_bytes->n, &have);
        if (strcmp(have.hex, d->hex) != 0)
            e = error_new("the content of %s is damaged or missing", digest);
    }
    if (e)
        buf_release(ret_bytes);
    return e;
}

/* The label of a blob, own; NULL if it has none of that name, or the blob is not there. */
static Error *read_label(const GrpcTarget *t, const Digest *d, const char *name, char **ret_value)
{
    Pb__InfoRequest request = PB__INFO_REQUEST__INIT;
    Pb__InfoReply *reply;
    char digest[DIGEST_SIZE];
    digest_text(d, digest);
    request.digest = digest;
    Error *e = store_get(t, CONTENT "Info", &request.base, &pb__info_reply__descriptor, &reply);
    if (e)
        return e;
    *ret_value = NULL;
    for (usize i = 0; reply->info && i < reply->info->n_labels && !*ret_value; i++) {
        const Pb__Label *l = reply->info->labels[i];
        if (strcmp(l->key, name) == 0)
            *ret_value = mem_strdup_n(l->value, strlen(l->value));
    }
    protobuf_c_message_free_unpacked(&reply->base, NULL);
    return NULL;
}

/* Does the blob's own label say that it was made of the layer? */
static Error *check_original(const GrpcTarget *t, const Digest *code, const Digest *layer,
                             const char *label)
{
    char name[NAME_SIZE], *value = NULL, digest[DIGEST_SIZE];
    digest_text(layer, digest);
    snprintf(name, sizeof name, "%s/original", label);
    Error *e = read_label(t, code, name, &value);
    if (!e && (!value || strcmp(value, digest) != 0))
        e = error_new("the compiled code of %s says that it is another's", digest);
    mem_free(value);
    return e;
}

Error *store_fetch(const GrpcTarget *t, const Digest *layer, const char *target, bool *ret_found,
                   Buf *ret_code)
{
    char name[LABEL_SIZE], *value = NULL;
    Digest code;
    snprintf(name, sizeof name, LABEL "%s", target);
    *ret_found = false;
    Error *e = read_label(t, layer, name, &value);
    if (!e && value) {
        e = store_digest(value, &code);
        if (!e)
            e = check_original(t, &code, layer, name);
        if (!e)
            e = store_read(t, &code, MAX_BLOB, ret_code);
        *ret_found = !e;
    }
    mem_free(value);
    return e;
}

/* ---- writing ---- */

static void lease_name(char name[NAME_SIZE])
{
    u64 number;
    os_random(&number, sizeof number);
    snprintf(name, NAME_SIZE, "wasmtime-precompiled-%016llx", (unsigned long long)number);
}

/* Asks for an answer of which only is needed that there is one. */
static Error *call(const GrpcTarget *t, const char *method, const ProtobufCMessage *request)
{
    Buf data = {0};
    Str bytes;
    usize at = 0;
    Error *e = grpc_call(t, method, request, MAX_ANSWER, &data);
    if (!e && !grpc_next(&data, &at, &bytes))
        e = error_new("containerd refused %s", method);
    buf_release(&data);
    return e;
}

static Error *make_lease(const GrpcTarget *t, char name[NAME_SIZE])
{
    Pb__LeaseRequest request = PB__LEASE_REQUEST__INIT;
    Pb__Label expire = PB__LABEL__INIT, *labels[] = {&expire};
    Buf when = {0};
    lease_name(name);
    buf_utc(&when, os_realtime_ns() / 1000000000 + LEASE_SECONDS);
    buf_bytes(&when, "Z", 2);
    expire.key = (char *)"containerd.io/gc.expire";
    expire.value = (char *)when.p;
    request.id = name;
    request.labels = labels;
    request.n_labels = 1;
    Error *e = call(t, LEASES "Create", &request.base);
    buf_release(&when);
    return e;
}

static void end_lease(const GrpcTarget *t, char *name)
{
    Pb__LeaseRequest request = PB__LEASE_REQUEST__INIT;
    request.id = name;
    error_free(call(t, LEASES "Delete", &request.base)); /* it ends by itself, too */
}

static void put_pieces(Buf *body, Pb__WriteRequest *w, const Buf *code)
{
    w->action = WRITE;
    for (usize at = 0; at < code->n; at += PIECE) {
        w->offset = (i64)at;
        w->data = (ProtobufCBinaryData){MIN(code->n - at, (usize)PIECE), code->p + at};
        grpc_put_message(body, &w->base);
    }
    w->data = (ProtobufCBinaryData){0};
    w->offset = w->total;
    w->action = COMMIT;
}

/* A blob that is there already is refused, and as good: what is there is looked at after. */
static Error *write_blob(const GrpcTarget *t, const Digest *code, const Buf *bytes,
                         Pb__Label *label)
{
    Pb__WriteRequest w = PB__WRITE_REQUEST__INIT;
    Pb__InfoRequest info = PB__INFO_REQUEST__INIT;
    Buf body = {0}, data = {0};
    char digest[DIGEST_SIZE], ref[NAME_SIZE];
    digest_text(code, digest);
    snprintf(ref, sizeof ref, "wasmtime-precompiled-%s", digest);
    w.ref = ref;
    w.total = (i64)bytes->n;
    w.expected = digest;
    put_pieces(&body, &w, bytes);
    w.labels = &label;
    w.n_labels = 1;
    grpc_put_message(&body, &w.base);
    Error *e = grpc_call_body(t, CONTENT "Write", &body, MAX_ANSWER, &data);
    info.digest = digest;
    if (!e)
        e = call(t, CONTENT "Info", &info.base);
    buf_release(&body);
    buf_release(&data);
    return e;
}

static Error *set_labels(const GrpcTarget *t, const Digest *blob, Pb__Label **labels, usize n)
{
    Pb__ContentInfo info = PB__CONTENT_INFO__INIT;
    Pb__FieldMask mask = PB__FIELD_MASK__INIT;
    Pb__InfoUpdate update = PB__INFO_UPDATE__INIT;
    char digest[DIGEST_SIZE], fields[2][NAME_SIZE], *paths[2];
    ALWAYS(n <= ARRAY_LEN(paths));
    for (usize i = 0; i < n; i++) {
        snprintf(fields[i], sizeof fields[i], "labels.%s", labels[i]->key);
        paths[i] = fields[i];
    }
    digest_text(blob, digest);
    info.digest = digest;
    info.labels = labels;
    info.n_labels = n;
    mask.paths = paths;
    mask.n_paths = n;
    update.info = &info;
    update.mask = &mask;
    return call(t, CONTENT "Update", &update.base);
}

static Error *write_and_refer(const GrpcTarget *t, const Digest *layer, const char *target,
                              const Buf *code)
{
    Digest digest;
    char original[NAME_SIZE], name[LABEL_SIZE], ref[NAME_SIZE], from[DIGEST_SIZE], to[DIGEST_SIZE];
    Pb__Label by_name = PB__LABEL__INIT, by_ref = PB__LABEL__INIT, of = PB__LABEL__INIT;
    Pb__Label *labels[] = {&by_name, &by_ref};
    digest_of(code->p, code->n, &digest);
    digest_text(layer, from);
    digest_text(&digest, to);
    snprintf(name, sizeof name, LABEL "%s", target);
    snprintf(ref, sizeof ref, "containerd.io/gc.ref.content.precompiled.%s", target);
    snprintf(original, sizeof original, "%s/original", name);
    of = (Pb__Label){of.base, original, from};
    by_name = (Pb__Label){by_name.base, name, to};
    by_ref = (Pb__Label){by_ref.base, ref, to};
    Error *e = write_blob(t, &digest, code, &of);
    return e ? e : set_labels(t, layer, labels, ARRAY_LEN(labels));
}

Error *store_keep(const GrpcTarget *t, const Digest *layer, const char *target, const Buf *code)
{
    GrpcTarget leased = *t;
    char lease[NAME_SIZE];
    Error *e = make_lease(t, lease);
    if (e)
        return e;
    leased.lease = lease;
    e = write_and_refer(&leased, layer, target, code);
    end_lease(t, lease);
    return e;
}
