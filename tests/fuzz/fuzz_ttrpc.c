/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Fuzz target of the container shim's protocol. The first byte says how long the pieces are; frames
 * must be the same as when all comes at once, and requests and their payloads are read.
 */
#include "fuzz/targets.h"
#include "shim/runtime.h"
#include "shim/shim.pb-c.h"
#include "shim/ttrpc.h"

static const ProtobufCMessageDescriptor *const payloads[] = {
    &pb__create_request__descriptor,   &pb__exec_request__descriptor,
    &pb__kill_request__descriptor,     &pb__update_request__descriptor,
    &pb__process_request__descriptor,  &pb__resize_pty_request__descriptor,
    &pb__shutdown_request__descriptor, &pb__close_io_request__descriptor,
};

/* Options of Create: both kinds, whatever the type says. */
static void read_options(ProtobufCBinaryData bytes)
{
    static const char *const types[] = {"runtimeoptions.v1.Options", "containerd.runc.v1.Options"};
    for (usize i = 0; i < ARRAY_LEN(types); i++) {
        Runtime r;
        Pb__Any any = PB__ANY__INIT;
        any.type_url = (char *)types[i];
        any.value = bytes;
        error_free(runtime_init(&r, NULL, "ns", &any));
        runtime_release(&r);
    }
}

static void read_messages(const TtrpcFrame *f)
{
    Pb__Request *r = message_get(&pb__request__descriptor, f->p, f->n);
    if (!r)
        return;
    for (usize i = 0; i < ARRAY_LEN(payloads); i++)
        protobuf_c_message_free_unpacked(message_get(payloads[i], r->payload.data, r->payload.len),
                                         NULL);
    read_options(r->payload);
    Buf again = {0};
    message_put(&again, &r->base);
    if (again.n != protobuf_c_message_get_packed_size(&r->base))
        fuzz_finding("a request has another size than it says");
    buf_release(&again);
    protobuf_c_message_free_unpacked(&r->base, NULL);
}

/* A text of the frames. */
static void transcript(const u8 *p, usize n, usize piece, bool messages, Buf *out)
{
    TtrpcReader r = {0};
    TtrpcFrame f;
    for (usize at = 0; at < n; at += piece) {
        ttrpc_feed(&r, p + at, MIN(piece, n - at));
        while (ttrpc_next(&r, &f)) {
            buf_printf(out, "%u %u %u %d %u ", f.stream, f.type, f.flags, f.too_large, f.n);
            buf_bytes(out, f.p, f.n);
            if (messages && !f.too_large)
                read_messages(&f);
        }
        if (r.bytes.n > n)
            fuzz_finding("the reader keeps more than came");
    }
    ttrpc_reader_release(&r);
}

void fuzz_ttrpc(const u8 *p, usize n)
{
    if (n < 2)
        return;
    Buf whole = {0}, pieces = {0};
    transcript(p + 1, n - 1, n, true, &whole);
    transcript(p + 1, n - 1, 1u + p[0], false, &pieces);
    if (whole.n != pieces.n || (whole.n && memcmp(whole.p, pieces.p, whole.n) != 0))
        fuzz_finding("pieces of %u bytes give other frames", 1u + p[0]);
    buf_release(&whole);
    buf_release(&pieces);
}
