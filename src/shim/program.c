/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * An image is asked first, since a wasm layer is what the image is for. The module is compiled, or
 * its code found, before the container is made: a module that is not valid is Create's error.
 */
#include "shim/program.h"

#include "shim/layers.h"
#include "shim/options.h"
#include "shim/store.h"

typedef struct LayerSource {
    GrpcTarget target;
    Digest digest;
    const ShimLog *log;
} LayerSource;

static Error *read_layer(void *source, Buf *ret_bytes)
{
    const LayerSource *l = source;
    Error *e = layers_read(&l->target, &l->digest, ret_bytes);
    return e ? e : bundle_check_layer(ret_bytes);
}

/* Takes the error. */
static void note(const LayerSource *l, const char *what, Error *e)
{
    if (e)
        shim_log(l->log, "warning", "%s: %s", what, e->message);
    error_free(e);
}

static bool fetch_code(void *source, const char *target, Buf *ret_code)
{
    const LayerSource *l = source;
    bool found = false;
    note(l, "compiled code of the image is not used",
         store_fetch(&l->target, &l->digest, target, &found, ret_code));
    return found;
}

static void keep_code(void *source, const char *target, const Buf *code)
{
    const LayerSource *l = source;
    note(l, "compiled code is not kept with the image",
         store_keep(&l->target, &l->digest, target, code));
}

static Error *open_layer(Shim *s, const Container *c, Bundle *b, LayerSource *l,
                         EngineWords options)
{
    bundle_use_layer(b);
    const ModuleSource source = {.id = c->id,
                                 .digest = l->digest,
                                 .func = b->func,
                                 .options = options,
                                 .read = read_layer,
                                 .fetch = fetch_code,
                                 .keep = keep_code,
                                 .arg = l};
    return modules_open(&s->modules, &source, &b->module);
}

/* What bundle_find_program has found. */
static Error *open_found(Shim *s, const Container *c, Bundle *b, EngineWords options)
{
    ModuleSource source = {.id = c->id, .func = b->func, .options = options, .bytes = &b->bytes};
    if (b->kind != BUNDLE_WASM)
        return NULL;
    digest_of(b->bytes.p, b->bytes.n, &source.digest);
    Error *e = modules_open(&s->modules, &source, &b->module);
    buf_release(&b->bytes);
    return e;
}

static Error *open_file(Shim *s, const Container *c, Bundle *b, EngineWords options)
{
    Error *e = bundle_find_program(b);
    return e ? e : open_found(s, c, b, options);
}

Error *program_executor(Shim *s, int *ret_fd)
{
    pthread_mutex_lock(&s->lock);
    Error *e = s->executor < 0 ? executor_open(&s->modules, &s->executor) : NULL;
    *ret_fd = s->executor;
    pthread_mutex_unlock(&s->lock);
    return error_wrap(e, "failed to make the executor");
}

/* ---- ahead of Create ---- */

static void *foresee(void *shim)
{
    Shim *s = shim;
    Foreseen *f = &s->foreseen;
    const GrpcTarget target = {s->address, s->ns, NULL, NULL};
    int executor;
    f->why = layers_find(&target, &s->modules.cache, f->id, &f->found, &f->layer);
    if (!f->why && f->found)
        error_free(program_executor(s, &executor)); /* Create says why, if it comes to that */
    return NULL;
}

void program_foresee(Shim *s, const char *id)
{
    s->foreseen.id = id;
    s->foreseen.begun = pthread_create(&s->foreseen.thread, NULL, foresee, s) == 0;
}

/* False if nothing was foreseen of this container; an image that could not be looked at may be
 * there by now. */
static bool take_foreseen(Shim *s, const char *id, bool *ret_found, Digest *ret_layer)
{
    Foreseen *f = &s->foreseen;
    pthread_mutex_lock(&s->lock);
    bool mine = f->begun && strcmp(f->id, id) == 0;
    if (mine)
        f->begun = false;
    pthread_mutex_unlock(&s->lock);
    if (!mine)
        return false;
    pthread_join(f->thread, NULL);
    bool ok = !f->why;
    error_free(TAKE_PTR(f->why));
    *ret_found = f->found;
    *ret_layer = f->layer;
    return ok;
}

static Error *find_layer(Shim *s, const char *id, LayerSource *l, bool *ret_found)
{
    if (take_foreseen(s, id, ret_found, &l->digest))
        return NULL;
    return layers_find(&l->target, &s->modules.cache, id, ret_found, &l->digest);
}

/* A layer of the image, else a file; why there is no layer is said, but ends nothing. */
static Error *open_program(Shim *s, const Container *c, Bundle *b, EngineWords options)
{
    LayerSource l = {.target = {s->address, s->ns, NULL, NULL}, .log = &s->log};
    bool found = false;
    Error *e = find_layer(s, c->id, &l, &found);
    if (e && !found) {
        shim_log(&s->log, "warning", "%s: the image is not looked at: %s", c->id, e->message);
        error_free(e);
        e = NULL;
    }
    if (!e)
        e = found ? open_layer(s, c, b, &l, options) : open_file(s, c, b, options);
    return e;
}

/* The executor is told the options with the function. */
static void add_options(Bundle *b, const GuestOptions *o)
{
    if (b->kind != BUNDLE_WASM)
        return;
    char *word = guest_word_make(o, b->func);
    mem_free(b->func);
    b->func = word;
}

Error *program_find(Shim *s, const Container *c, Bundle *b)
{
    GuestOptions o;
    Error *e = guest_options_read(b, &o);
    if (!e)
        e = open_program(s, c, b, (EngineWords){o.engine, o.nengine});
    if (!e)
        add_options(b, &o);
    guest_options_release(&o);
    return error_wrap(e, "this container can not be run");
}

/* Its first argument without "#" and the function; own. */
static char *program_of(const Bundle *b)
{
    json_t *args = json_object_get(json_object_get(b->config, "process"), "args");
    const char *word = json_string_value(json_array_get(args, 0));
    const char *hash = word ? strrchr(word, '#') : NULL;
    if (!word)
        return mem_strdup_n("", 0);
    return mem_strdup_n(word, hash ? (usize)(hash - word) : strlen(word));
}

static Error *open_exec(Shim *s, const Container *c, Bundle *b, LayerSource *layer)
{
    GuestOptions o;
    Error *e = guest_options_read(b, &o);
    const EngineWords options = {o.engine, o.nengine};
    if (!e)
        e = layer ? open_layer(s, c, b, layer, options) : open_found(s, c, b, options);
    if (!e)
        add_options(b, &o);
    guest_options_release(&o);
    return error_wrap(e, "this can not be run");
}

/* What is no file may be the program of the container itself, which is a layer of the image; what
 * is neither is left to who says that it is not there. */
static Error *find_exec(Shim *s, const Container *c, Bundle *b, bool own_program)
{
    LayerSource l = {.target = {s->address, s->ns, NULL, NULL}, .log = &s->log};
    bool found = false;
    Error *e = bundle_find_program(b);
    if (!e)
        return b->kind == BUNDLE_NATIVE ? NULL : open_exec(s, c, b, NULL);
    error_free(e);
    b->kind = BUNDLE_NATIVE;
    if (own_program)
        error_free(layers_find(&l.target, &s->modules.cache, c->id, &found, &l.digest));
    return found ? open_exec(s, c, b, &l) : NULL;
}

Error *program_find_exec(Shim *s, const Container *c, const char *spec, Bundle *b)
{
    json_t *process = json_load_file(spec, 0, NULL);
    if (!process)
        return error_new("the process is not JSON");
    char *own = program_of(b);
    json_object_set_new(b->config, "process", process);
    char *program = program_of(b);
    Error *e = find_exec(s, c, b, strcmp(own, program) == 0);
    mem_free(own);
    mem_free(program);
    return e;
}
