/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A queue, and a thread that calls Forward for each event and waits for the answer. If containerd
 * is away, the event is sent again on a new connection, with pauses that grow.
 */
#include "shim/events.h"

#include "os/fs.h"
#include "os/local.h"
#include "os/socket.h"
#include "shim/ttrpc.h"

#include <time.h>
#include <unistd.h>

enum { MAX_QUEUE = 4096, TRIES = 6, ANSWER_SECONDS = 5 };

Pb__Timestamp timestamp_now(void)
{
    struct timespec now;
    Pb__Timestamp t = PB__TIMESTAMP__INIT;
    clock_gettime(CLOCK_REALTIME, &now);
    t.seconds = now.tv_sec;
    t.nanos = (i32)now.tv_nsec;
    return t;
}

/* The answer to stream e->stream; any answer is the end of it, an error of containerd's included.
 */
static bool await_answer(Events *e, TtrpcReader *r)
{
    u8 bytes[4096];
    TtrpcFrame f;
    for (;;) {
        usize n = 0;
        if (os_recv(e->fd, bytes, sizeof bytes, &n) != 0 || n == 0)
            return false;
        ttrpc_feed(r, bytes, n);
        while (ttrpc_next(r, &f))
            if (f.type == TTRPC_RESPONSE && f.stream == e->stream)
                return true;
    }
}

static bool send_once(Events *e, const Event *event)
{
    if (e->fd < 0) {
        e->stream = (u32)-1;
        if (os_local_connect(e->address, ANSWER_SECONDS, &e->fd) != 0)
            return false;
    }
    e->stream += 2;
    Pb__ForwardRequest *m =
        message_get(&pb__forward_request__descriptor, event->request.p, event->request.n);
    ALWAYS(m);
    Buf out = {0};
    TtrpcReader reader = {0};
    ttrpc_put_request(&out, e->stream, "containerd.services.events.ttrpc.v1.Events", "Forward",
                      &m->base);
    bool ok = os_local_send(e->fd, out.p, out.n) == 0 && await_answer(e, &reader);
    ttrpc_reader_release(&reader);
    buf_release(&out);
    protobuf_c_message_free_unpacked(&m->base, NULL);
    if (!ok) {
        os_fd_close(e->fd);
        e->fd = -1;
    }
    return ok;
}

static void send_event(Events *e, const Event *event)
{
    for (u32 i = 0; i < TRIES; i++) {
        if (i > 1) /* the first failure may just be a connection of old */
            sleep(i - 1);
        if (send_once(e, event))
            return;
    }
    shim_log(e->log, "error", "the event %s could not be published", event->topic);
}

static void *events_thread(void *arg)
{
    Events *e = arg;
    pthread_mutex_lock(&e->lock);
    for (;;) {
        while (e->queue.n == 0)
            pthread_cond_wait(&e->changed, &e->lock);
        Event event = e->queue.p[0];
        memmove(e->queue.p, e->queue.p + 1, --e->queue.n * sizeof event);
        e->busy = true;
        pthread_mutex_unlock(&e->lock);
        send_event(e, &event);
        buf_release(&event.request);
        mem_free(event.topic);
        pthread_mutex_lock(&e->lock);
        e->busy = false;
        pthread_cond_broadcast(&e->changed);
    }
    return NULL;
}

Error *events_init(Events *e, const char *address, const char *ns, const ShimLog *log)
{
    pthread_t thread;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    e->address = address;
    e->ns = ns;
    e->log = log;
    e->fd = -1;
    int why = pthread_create(&thread, NULL, events_thread, e);
    return why ? error_new("failed to start a thread: %s", strerror(why)) : NULL;
}

void events_put(Events *e, const char *topic, const char *type, const ProtobufCMessage *event)
{
    if (!e->address)
        return;
    Buf bytes = {0};
    Pb__Timestamp now = timestamp_now();
    Pb__Any any = PB__ANY__INIT;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    Pb__ForwardRequest request = PB__FORWARD_REQUEST__INIT;
    message_put(&bytes, event);
    any.type_url = (char *)type;
    any.value = (ProtobufCBinaryData){bytes.n, bytes.p};
    envelope.timestamp = &now;
    envelope.namespace_ = (char *)e->ns;
    envelope.topic = (char *)topic;
    envelope.event = &any;
    request.envelope = &envelope;
    Event own = {.topic = mem_strdup_n(topic, strlen(topic))};
    message_put(&own.request, &request.base);
    buf_release(&bytes);
    pthread_mutex_lock(&e->lock);
    if (e->queue.n < MAX_QUEUE) {
        vec_push(&e->queue, own);
        pthread_cond_broadcast(&e->changed);
    } else {
        buf_release(&own.request);
        mem_free(own.topic);
    }
    pthread_mutex_unlock(&e->lock);
}

void events_flush(Events *e, u32 ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&e->lock);
    while ((e->queue.n > 0 || e->busy) &&
           pthread_cond_timedwait(&e->changed, &e->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&e->lock);
}
