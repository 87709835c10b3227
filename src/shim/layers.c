/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * From the container's record to its image, manifest, configuration and layer. All are bounded and
 * checked against their digests.
 */
#include "shim/layers.h"

#include "oci/image.h"
#include "shim/shim.pb-c.h"
#include "shim/store.h"

#include <jansson.h>
#include <stdio.h>

enum { MAX_DOCUMENT = 4 << 20, MAX_LAYER = 1 << 30 };

static char *copy(const char *s)
{
    return mem_strdup_n(s, strlen(s));
}

/* The digest of the container's image, own; NULL if it has no image. */
static Error *image_digest(const GrpcTarget *t, const char *id, char **ret_digest)
{
    Pb__IdRequest by_id = PB__ID_REQUEST__INIT;
    Pb__ContainerReply *c;
    Pb__ImageReply *i;
    by_id.id = (char *)id;
    Error *e = store_get(t, "/containerd.services.containers.v1.Containers/Get", &by_id.base,
                         &pb__container_reply__descriptor, &c);
    if (e)
        return e;
    by_id.id = c->container ? c->container->image : (char *)"";
    *ret_digest = NULL;
    if (*by_id.id) {
        e = store_get(t, "/containerd.services.images.v1.Images/Get", &by_id.base,
                      &pb__image_reply__descriptor, &i);
        if (!e) {
            if (i->image && i->image->target)
                *ret_digest = copy(i->image->target->digest);
            protobuf_c_message_free_unpacked(&i->base, NULL);
        }
    }
    protobuf_c_message_free_unpacked(&c->base, NULL);
    return e;
}

static Error *read_json(const DocumentReader *r, const char *digest, json_t **ret_json)
{
    Buf text = {0};
    Digest d;
    Error *e = store_digest(digest, &d);
    if (!e)
        e = r->read(r->arg, &d, &text);
    if (e)
        return e;
    json_t *json = json_loadb((const char *)text.p, text.n, 0, NULL);
    buf_release(&text);
    if (!json_is_object(json)) {
        json_decref(json);
        return error_new("%s is not a JSON object", digest);
    }
    *ret_json = json;
    return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

/* The digest of an index's manifest for wasm; "" if there is none. */
static const char *pick_manifest(json_t *manifests)
{
    usize i;
    json_t *m;
    json_array_foreach(manifests, i, m)
    {
        if (strcmp(text_of(json_object_get(m, "platform"), "architecture"), "wasm") == 0)
            return text_of(m, "digest");
    }
    return "";
}

/* The manifest by its own digest or an index's; *ret_manifest is NULL if it is not for wasm. */
static Error *read_manifest(const DocumentReader *r, const char *digest, json_t **ret_manifest)
{
    json_t *m = NULL, *inner = NULL;
    Error *e = read_json(r, digest, &m);
    json_t *manifests = json_object_get(m, "manifests");
    if (!e && manifests && json_object_get(m, "layers"))
        e = error_new("%s is an index and a manifest at once", digest);
    if (!e && manifests) {
        const char *one = pick_manifest(manifests);
        if (*one)
            e = read_json(r, one, &inner);
        json_decref(m);
        m = inner;
    }
    if (e)
        json_decref(m);
    else
        *ret_manifest = m;
    return e;
}

static bool is_wasm_layer(const json_t *layer)
{
    const char *type = text_of(layer, "mediaType");
    return strcmp(type, OCI_COMPONENT_LAYER) == 0 || strcmp(type, OCI_WASM_LAYER) == 0;
}

static Error *pick_layer(json_t *manifest, const char **ret_digest)
{
    usize i;
    json_t *layer;
    json_array_foreach(json_object_get(manifest, "layers"), i, layer)
    {
        if (!is_wasm_layer(layer))
            continue;
        if (*ret_digest)
            return error_new("the image has more than one wasm layer");
        *ret_digest = text_of(layer, "digest");
    }
    return NULL;
}

static Error *find_layer(const DocumentReader *r, json_t *manifest, bool *ret_found,
                         Digest *ret_digest)
{
    json_t *config = NULL;
    const char *layer = NULL;
    Error *e = read_json(r, text_of(json_object_get(manifest, "config"), "digest"), &config);
    if (!e && strcmp(text_of(config, "architecture"), "wasm") == 0)
        e = pick_layer(manifest, &layer);
    json_decref(config);
    *ret_found = layer != NULL;
    return layer && !e ? store_digest(layer, ret_digest) : e;
}

Error *layers_read(const GrpcTarget *t, const Digest *d, Buf *ret_bytes)
{
    return store_read(t, d, MAX_LAYER, ret_bytes);
}

Error *layers_pick(const DocumentReader *r, const char *digest, bool *ret_found, Digest *ret_digest)
{
    json_t *manifest = NULL;
    *ret_found = false;
    Error *e = read_manifest(r, digest, &manifest);
    if (!e && manifest)
        e = find_layer(r, manifest, ret_found, ret_digest);
    json_decref(manifest);
    return e;
}

static Error *read_document(void *target, const Digest *d, Buf *ret_bytes)
{
    return store_read(target, d, MAX_DOCUMENT, ret_bytes);
}

/* "wasm" and the layer's digest, or "none"; neither changes, as the image's digest is of all that
 * they come from. */
static bool recall(const CodeCache *cache, const Digest *image, bool *ret_found, Digest *ret_digest)
{
    char text[sizeof "wasm sha256:" + sizeof(Digest)];
    if (!cache_recall(cache, image->hex, text, sizeof text))
        return false;
    *ret_found = str_starts(str_of(text), STR("wasm "));
    if (!*ret_found)
        return strcmp(text, "none") == 0;
    Error *e = store_digest(text + strlen("wasm "), ret_digest);
    bool ok = !e;
    error_free(e);
    return ok;
}

static void note(const CodeCache *cache, const Digest *image, bool found, const Digest *layer)
{
    char text[sizeof "wasm sha256:" + sizeof(Digest)] = "none";
    if (found)
        snprintf(text, sizeof text, "wasm sha256:%s", layer->hex);
    error_free(cache_remember(cache, image->hex, text)); /* it is read again, then */
}

static Error *find_by_digest(const GrpcTarget *t, const CodeCache *cache, const char *digest,
                             bool *ret_found, Digest *ret_digest)
{
    const DocumentReader r = {read_document, (void *)t};
    Digest image;
    Error *e = store_digest(digest, &image);
    if (e || recall(cache, &image, ret_found, ret_digest))
        return e;
    e = layers_pick(&r, digest, ret_found, ret_digest);
    if (!e)
        note(cache, &image, *ret_found, ret_digest);
    return e;
}

Error *layers_find(const GrpcTarget *t, const CodeCache *cache, const char *id, bool *ret_found,
                   Digest *ret_digest)
{
    GrpcLink link = {0};
    GrpcTarget linked = *t;
    char *digest = NULL;
    *ret_found = false;
    linked.link = &link;
    Error *e = image_digest(&linked, id, &digest);
    if (!e && digest)
        e = find_by_digest(&linked, cache, digest, ret_found, ret_digest);
    grpc_link_close(&link);
    mem_free(digest);
    return e;
}
