/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The documents of an image (OCI image specification 1.1: configuration, manifest, index) and the
 * archive. The order of all that is written is fixed and times come from the caller, so equal input
 * makes equal archives.
 */
#include "oci/image.h"

#include "oci/tar.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_CONFIG "application/vnd.oci.image.config.v1+json"
#define ARTIFACT_CONFIG "application/vnd.wasm.config.v0+json"
#define MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define INDEX "application/vnd.oci.image.index.v1+json"
#define BLOB_MODE 0444
#define FILE_MODE 0644

enum { MAX_LAYER = 1 << 30, BLOB_PATH = 96 };

/* A document as text, with its digest. */
typedef struct Document {
    char *text; /* own */
    usize n;
    Digest digest;
} Document;

/* Consumes the value. */
static void document_of(json_t *value, usize flags, Document *ret_document)
{
    char *text = json_dumps(value, flags);
    ALWAYS(text);
    json_decref(value);
    usize n = strlen(text);
    ret_document->text = text;
    ret_document->n = n;
    digest_of(text, n, &ret_document->digest);
}

static json_t *digest_json(const Digest *d)
{
    return json_sprintf("sha256:%s", d->hex);
}

static json_t *descriptor(const char *media_type, const Digest *d, usize size)
{
    return json_pack("{s:s, s:o, s:I}", "mediaType", media_type, "digest", digest_json(d), "size",
                     (json_int_t)size);
}

void oci_image_release(OciImage *i)
{
    for (u32 k = 0; k < i->layers.n; k++) {
        mem_free(i->layers.p[k].media_type);
        buf_release(&i->layers.p[k].bytes);
    }
    for (u32 k = 0; k < i->imports.n; k++)
        mem_free(i->imports.p[k]);
    for (u32 k = 0; k < i->exports.n; k++)
        mem_free(i->exports.p[k]);
    vec_release(&i->layers);
    vec_release(&i->imports);
    vec_release(&i->exports);
}

Error *oci_image_add_file(OciImage *i, const char *media_type, const char *path)
{
    OciLayer layer = {0};
    Error *e = os_read_file(path, MAX_LAYER, &layer.bytes);
    if (e)
        return error_wrap(e, "failed to read the layer `%s`", path);
    layer.media_type = mem_strdup_n(media_type, strlen(media_type));
    digest_of(layer.bytes.p, layer.bytes.n, &layer.digest);
    vec_push(&i->layers, layer);
    return NULL;
}

/* Is there an equal layer before number `at`? One is named, and stored, once. */
static bool is_repeated(const OciImage *i, u32 at)
{
    for (u32 k = 0; k < at; k++)
        if (strcmp(i->layers.p[k].digest.hex, i->layers.p[at].digest.hex) == 0)
            return true;
    return false;
}

/* The digest over the layers' digests, by which tools see which layers an image has. */
static void layers_digest(const OciImage *i, Digest *ret_digest)
{
    Buf all = {0};
    for (u32 k = 0; k < i->layers.n; k++)
        buf_bytes(&all, i->layers.p[k].digest.hex, 64);
    digest_of(all.p, all.n, ret_digest);
    buf_release(&all);
}

static json_t *image_config(const OciImage *i)
{
    Digest all;
    layers_digest(i, &all);
    return json_pack("{s:s, s:s, s:{s:[s], s:{s:s}}, s:{s:s, s:[]}}", "architecture", "wasm", "os",
                     "wasip1", "config", "Entrypoint", i->entrypoint, "Labels",
                     "containerd.runwasi.layers", all.hex, "rootfs", "type", "layers", "diff_ids");
}

static json_t *names_json(char *const *names, u32 n)
{
    json_t *list = json_array();
    for (u32 k = 0; k < n; k++)
        json_array_append_new(list, json_string(names[k]));
    return list;
}

static json_t *component_json(const OciImage *i)
{
    if (!i->is_component)
        return json_null();
    return json_pack("{s:o, s:o, s:n}", "exports", names_json(i->exports.p, i->exports.n),
                     "imports", names_json(i->imports.p, i->imports.n), "target");
}

static const char *os_name(const OciImage *i, bool as_artifact)
{
    return as_artifact && i->is_component ? "wasip2" : "wasip1";
}

static json_t *artifact_config(const OciImage *i)
{
    Buf created = {0};
    buf_utc(&created, (u64)i->created);
    buf_u8(&created, 'Z');
    json_t *digests = json_array();
    for (u32 k = 0; k < i->layers.n; k++)
        if (!is_repeated(i, k))
            json_array_append_new(digests, digest_json(&i->layers.p[k].digest));
    json_t *config = json_pack("{s:s%, s:n, s:s, s:s, s:o, s:o}", "created", created.p, created.n,
                               "author", "architecture", "wasm", "os", os_name(i, true),
                               "layerDigests", digests, "component", component_json(i));
    buf_release(&created);
    return config;
}

static json_t *annotations(const OciImage *i)
{
    return json_pack("{s:o, s:s}", "io.containerd.image.name",
                     json_sprintf("%s/%s:%s", i->repo, i->name, i->tag),
                     "org.opencontainers.image.ref.name", i->tag);
}

static json_t *manifest(const OciImage *i, const char *config_type, const Document *config)
{
    json_t *layers = json_array();
    for (u32 k = 0; k < i->layers.n; k++) {
        const OciLayer *l = &i->layers.p[k];
        if (!is_repeated(i, k))
            json_array_append_new(layers, descriptor(l->media_type, &l->digest, l->bytes.n));
    }
    return json_pack("{s:i, s:s, s:o, s:o, s:o}", "schemaVersion", 2, "mediaType", MANIFEST,
                     "config", descriptor(config_type, &config->digest, config->n), "layers",
                     layers, "annotations", annotations(i));
}

static json_t *index_json(const OciImage *i, bool as_artifact, const Document *m)
{
    json_t *d = descriptor(MANIFEST, &m->digest, m->n);
    json_object_set_new(d, "annotations", annotations(i));
    json_object_set_new(
        d, "platform",
        json_pack("{s:s, s:s}", "architecture", "wasm", "os", os_name(i, as_artifact)));
    return json_pack("{s:i, s:s, s:[o]}", "schemaVersion", 2, "mediaType", INDEX, "manifests", d);
}

static void blob_path(const Digest *d, char *path)
{
    ALWAYS(snprintf(path, BLOB_PATH, "blobs/sha256/%s", d->hex) < BLOB_PATH);
}

/* What `docker load` reads. */
static json_t *docker_manifest(const OciImage *i, const Document *config)
{
    char path[BLOB_PATH];
    json_t *layers = json_array();
    for (u32 k = 0; k < i->layers.n; k++) {
        blob_path(&i->layers.p[k].digest, path);
        if (!is_repeated(i, k))
            json_array_append_new(layers, json_string(path));
    }
    blob_path(&config->digest, path);
    return json_pack("[{s:s, s:[o], s:o}]", "Config", path, "RepoTags",
                     json_sprintf("%s/%s:%s", i->repo, i->name, i->tag), "Layers", layers);
}

static void add_blob(TarWriter *t, const Digest *d, const void *p, usize n)
{
    char path[BLOB_PATH];
    blob_path(d, path);
    tar_file(t, path, BLOB_MODE, p, n);
}

static void add_document(TarWriter *t, const char *name, json_t *value)
{
    Document d;
    document_of(value, JSON_COMPACT, &d);
    tar_file(t, name, FILE_MODE, d.text, d.n);
    free(d.text);
}

static Error *write_archive(const OciImage *i, bool as_artifact, int fd)
{
    TarWriter t = {.fd = fd};
    Document config, m;
    document_of(as_artifact ? artifact_config(i) : image_config(i), JSON_INDENT(2), &config);
    document_of(manifest(i, as_artifact ? ARTIFACT_CONFIG : IMAGE_CONFIG, &config), JSON_COMPACT,
                &m);
    for (u32 k = 0; k < i->layers.n; k++)
        if (!is_repeated(i, k))
            add_blob(&t, &i->layers.p[k].digest, i->layers.p[k].bytes.p, i->layers.p[k].bytes.n);
    add_blob(&t, &config.digest, config.text, config.n);
    add_blob(&t, &m.digest, m.text, m.n);
    add_document(&t, "index.json", index_json(i, as_artifact, &m));
    add_document(&t, "oci-layout", json_pack("{s:s}", "imageLayoutVersion", "1.0.0"));
    add_document(&t, "manifest.json", docker_manifest(i, &config));
    free(config.text);
    free(m.text);
    return tar_end(&t);
}

static Error *make_parents(const char *path)
{
    Error *e = NULL;
    for (usize k = 0; path[k] && !e; k++) {
        if (path[k] == '/' && k > 0) {
            char *name = mem_strdup_n(path, k);
            if (mkdir(name, 0777) != 0 && errno != EEXIST)
                e = error_new("failed to create the folder `%s`: %s", name, strerror(errno));
            mem_free(name);
        }
    }
    return e;
}

static Error *write_in_place(const OciImage *i, bool as_artifact, const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    Error *e = fd < 0 ? os_error() : write_archive(i, as_artifact, fd);
    if (fd >= 0)
        close(fd);
    return e;
}

static Error *replace(const OciImage *i, bool as_artifact, const char *path)
{
    OsReplacement r;
    Error *e = os_replace_begin(&r, path);
    return e ? e : os_replace_end(&r, write_archive(i, as_artifact, r.fd));
}

Error *oci_image_write(const OciImage *i, bool as_artifact, const char *path)
{
    struct stat st;
    Error *e = make_parents(path);
    if (e)
        return e;
    bool in_place = stat(path, &st) == 0 && !S_ISREG(st.st_mode); /* a pipe or a device stays */
    e = in_place ? write_in_place(i, as_artifact, path) : replace(i, as_artifact, path);
    return error_wrap(e, "failed to write `%s`", path);
}
