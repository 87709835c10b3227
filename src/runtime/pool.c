/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Instances that are used again.
 *
 * What a guest can change, and who puts it back:
 *   memory       pages written since the image was mapped are copied back from it (or zeroed beyond
 *                it), if they are few; otherwise they are given back to the system. Growth is
 *                decommitted. The kernel says which pages were written.
 *   context      globals, lengths of memories and tables: copied back as one piece
 *   tables       elements copied back
 *   segments     flags of what was dropped copied back
 * Imports are set anew for every store, and the initial state must not depend on them.
 */
#include "runtime/pool.h"

#include "os/vm.h"
#include "runtime/runtime_priv.h"

enum {
    MAX_IDLE = 16,          /* instances kept by a module */
    RESIDENT = 1 << 20,     /* bytes of written pages that an idle memory keeps */
    MAX_IMAGE = 64 << 20,   /* bytes */
    MAX_TABLE_SPARE = 4096, /* elements that an idle table may have beyond its initial ones */
};

struct Snapshot {
    u8 *context; /* own: bytes from the end of VmCtx to the function imports */
    usize context_bytes;
    bool *dropped; /* own: elem and data segments */
    u64 **tables;  /* own: elements; NULL for common tables */
    const u8 *map; /* of the memory: where it was */
    u64 committed;
    u32 refs_at; /* functions that were compiled when the references were made */
};

static bool state_depends_on_imports(const WasmModule *w)
{
    if (w->n_imported_memories || w->n_imported_tables || w->n_imported_globals)
        return true;
    for (u32 f = 0; f < w->n_imported_funcs; f++)
        if (w->escapes[f]) /* a table may hold a reference to it */
            return true;
    return false;
}

void pool_init(InstancePool *p, const WasmModule *w)
{
    os_mutex_init(&p->lock);
    p->possible = !state_depends_on_imports(w) && w->nmemories <= 1 &&
                  !(w->nmemories == 1 && w->memories[0].shared);
}

static void free_whole(Instance *i, const WasmModule *w)
{
    for (u32 k = 0; k < w->nmemories; k++)
        memory_release(i->memories[k]);
    for (u32 k = 0; k < w->ntables; k++)
        table_release(i->tables[k]);
    instance_free(i, w);
}

static void free_image(MemoryImage *image)
{
    os_vm_release((void *)(uintptr_t)image->content, image->bytes);
    os_close(image->fd);
    mem_free(image);
}

void pool_release(InstancePool *p, const WasmModule *w)
{
    while (p->idle) {
        Instance *i = p->idle;
        p->idle = i->next;
        free_whole(i, w);
    }
    MemoryImage *image = atomic_load(&p->image);
    if (image)
        free_image(image);
    os_mutex_release(&p->lock);
}

void snapshot_free(Snapshot *s)
{
    if (!s)
        return;
    mem_free(s->context);
    mem_free(s->dropped);
    mem_free(s->tables);
    mem_free(s);
}

const MemoryImage *pool_image(const Module *m)
{
    return atomic_load_explicit(&m->pool.image, memory_order_acquire);
}

/* --- taking --- */

static bool within_limits(const Store *s, const WasmModule *w)
{
    const StoreLimits *l = &s->config.limits;
    if (s->nmemories + w->nmemories > l->memories || s->ntables + w->ntables > l->tables)
        return false;
    for (u32 k = 0; k < w->nmemories; k++)
        if (w->memories[k].limits.min << w->memories[k].page_size_log2 > l->memory_bytes)
            return false;
    for (u32 k = 0; k < w->ntables; k++)
        if (w->tables[k].type.limits.min > l->table_elements)
            return false;
    return true;
}

Instance *pool_take(Store *s, Module *m)
{
    InstancePool *p = &m->pool;
    if (!p->possible || !within_limits(s, m->wasm))
        return NULL; /* the long way says what is over the limit */
    os_mutex_lock(&p->lock);
    Instance *i = p->idle;
    if (i) {
        p->idle = i->next;
        p->nidle--;
    }
    os_mutex_unlock(&p->lock);
    if (!i)
        return NULL;
    i->module = module_ref(m);
    i->store = s;
    i->ctx->store = &s->vm;
    u32 compiled = module_compiled_funcs(m);
    if (compiled != i->snapshot->refs_at) {
        instance_update_refs(i);
        i->snapshot->refs_at = compiled;
    }
    return i;
}

void pool_attach(Instance *i)
{
    const WasmModule *w = i->module->wasm;
    Store *s = i->store;
    for (u32 k = 0; k < w->nmemories; k++) {
        i->memories[k]->next = s->memories;
        s->memories = i->memories[k];
    }
    for (u32 k = 0; k < w->ntables; k++) {
        i->tables[k]->next = s->tables;
        s->tables = i->tables[k];
    }
    s->nmemories += w->nmemories;
    s->ntables += w->ntables;
}

/* --- remembering --- */

/* Bytes of memory 0 that active segments initialise, from its start, in whole pages. */
static u64 image_bytes(Instance *i)
{
    const WasmModule *w = i->module->wasm;
    u64 end = 0;
    for (u32 k = 0; k < w->ndatas; k++) {
        VmVal at;
        if (w->datas[k].mode != SEGMENT_ACTIVE || w->datas[k].bytes.size == 0)
            continue;
        Error *e = const_eval(i, w->datas[k].offset, &at);
        ALWAYS(!e); /* the segments have run */
        end = MAX(end, at.pair[0] + w->datas[k].bytes.size);
    }
    return os_page_up(end);
}

static MemoryImage *make_image(Instance *i)
{
    u64 bytes = image_bytes(i);
    if (bytes == 0 || bytes > MAX_IMAGE || bytes > i->memories[0]->committed)
        return NULL;
    int fd = os_memfd("wasm-data", bytes, false);
    if (fd < 0)
        return NULL;
    const u8 *content = NULL;
    if (os_pwrite(fd, i->memories[0]->vm->base, bytes, 0))
        content = os_vm_map_file(NULL, bytes, fd, 0, OS_PROT_R, true);
    if (!content) {
        os_close(fd);
        return NULL;
    }
    MemoryImage *image = mem_alloc(sizeof *image);
    *image = (MemoryImage){fd, bytes, content};
    return image;
}

/* The memory's start comes from the image from now on. */
static bool use_image(Instance *i)
{
    if (i->module->wasm->nmemories == 0 || pool_image(i->module))
        return true; /* it was mapped when the instance was made */
    if (image_bytes(i) == 0)
        return true;
    MemoryImage *image = make_image(i);
    if (!image)
        return false;
    u8 *base = i->memories[0]->vm->base;
    if (!os_vm_map_file(base, image->bytes, image->fd, 0, OS_PROT_RW, false)) {
        if (!os_vm_is_mapped(base, image->bytes))
            BUG("a mapping was lost"); /* the system takes the old one away first */
        free_image(image);
        return false;
    }
    InstancePool *p = &i->module->pool;
    os_mutex_lock(&p->lock);
    MemoryImage *other = atomic_load(&p->image);
    if (!other)
        atomic_store_explicit(&p->image, image, memory_order_release);
    os_mutex_unlock(&p->lock);
    if (other) /* another thread was quicker; the mapping keeps our file alive */
        free_image(image);
    return true;
}

void pool_remember(Instance *i)
{
    Module *m = i->module;
    const WasmModule *w = m->wasm;
    /* The first instance may be the only one. */
    if (!m->pool.possible || atomic_fetch_add(&m->pool.made, 1) == 0 || !use_image(i))
        return;
    Snapshot *s = mem_alloc(sizeof *s);
    s->context_bytes = m->layout.func_imports - sizeof(VmCtx);
    s->context = mem_dup((u8 *)i->ctx + sizeof(VmCtx), s->context_bytes);
    s->dropped = mem_alloc((usize)w->nelems + w->ndatas);
    memcpy(s->dropped, i->elem_dropped, w->nelems);
    memcpy(s->dropped + w->nelems, i->data_dropped, w->ndatas);
    u64 total = 0;
    for (u32 k = 0; k < w->ntables; k++)
        total += i->tables[k]->common ? 0 : i->tables[k]->vm->length;
    s->tables = mem_alloc_array(w->ntables + total, sizeof(u64));
    u64 *at = (u64 *)(s->tables + w->ntables);
    for (u32 k = 0; k < w->ntables; k++) {
        i->tables[k]->pooled = true;
        if (i->tables[k]->common)
            continue;
        s->tables[k] = at;
        memcpy(at, i->tables[k]->vm->elems, i->tables[k]->vm->length * sizeof *at);
        at += i->tables[k]->vm->length;
    }
    if (w->nmemories) {
        s->map = i->memories[0]->map;
        s->committed = i->memories[0]->committed;
        i->memories[0]->pooled = true;
    }
    s->refs_at = UINT32_MAX; /* references may be newer or older: made again on the first use */
    i->snapshot = s;
}

/* --- resetting --- */

typedef struct Reset {
    const MemoryImage *image;
    u8 *base;
    u64 bytes; /* put back so far */
} Reset;

static bool put_back(void *arg, void *at, u64 bytes)
{
    Reset *r = arg;
    u64 from = (u64)((u8 *)at - r->base), end = from + bytes;
    r->bytes += bytes;
    if (r->bytes > RESIDENT)
        return false;
    u64 image = r->image ? r->image->bytes : 0;
    if (from < image) {
        u64 n = MIN(end, image) - from;
        memcpy(r->base + from, r->image->content + from, n);
        from += n;
    }
    if (from < end)
        memset(r->base + from, 0, end - from);
    return true;
}

static bool reset_memory(Instance *i)
{
    Memory *m = i->memories[0];
    u64 keep = i->snapshot->committed;
    u8 *base = m->map + m->front;
    if (m->map != i->snapshot->map || m->committed < keep)
        return false;
    if (!os_vm_decommit(base + keep, m->committed - keep))
        return false;
    m->committed = keep;
    Reset r = {.image = pool_image(i->module), .base = base};
    if (keep && (!os_vm_dirty(base, keep, put_back, &r) || r.bytes > RESIDENT))
        return os_vm_discard(base, keep);
    return true;
}

static bool reset_table(RtTable *t, const u64 *elems)
{
    u64 n = t->type.limits.min;
    if (t->common)
        return table_reset(t, t->common, n, MAX_TABLE_SPARE);
    if (t->cap > n + MAX_TABLE_SPARE)
        return false;
    memcpy(t->vm->elems, elems, n * sizeof *elems);
    memset(t->vm->elems + n, 0, (t->vm->length - n) * sizeof *elems); /* as it may grow again */
    return true;
}

static bool reset(Instance *i)
{
    const WasmModule *w = i->module->wasm;
    const Snapshot *s = i->snapshot;
    if (w->nmemories && !reset_memory(i))
        return false;
    for (u32 k = 0; k < w->ntables; k++)
        if (!reset_table(i->tables[k], s->tables[k]))
            return false;
    VmTable *tables = (VmTable *)((u8 *)i->ctx + i->module->layout.tables);
    for (u32 k = 0; k < w->ntables; k++) /* where they are now, for the copy below */
        ((VmTable *)(s->context + (i->module->layout.tables - sizeof(VmCtx))))[k].elems =
            tables[k].elems;
    memcpy((u8 *)i->ctx + sizeof(VmCtx), s->context, s->context_bytes);
    memcpy(i->elem_dropped, s->dropped, w->nelems);
    memcpy(i->data_dropped, s->dropped + w->nelems, w->ndatas);
    return true;
}

void pool_give(Instance *i)
{
    Module *m = i->module;
    InstancePool *p = &m->pool;
    bool keep = reset(i);
    i->store = NULL;
    i->ctx->store = NULL;
    i->module = NULL; /* idle instances hold no reference: the module holds them */
    if (keep) {
        os_mutex_lock(&p->lock);
        keep = p->nidle < MAX_IDLE;
        if (keep) {
            i->next = p->idle;
            p->idle = i;
            p->nidle++;
        }
        os_mutex_unlock(&p->lock);
    }
    if (!keep)
        free_whole(i, m->wasm);
    module_unref(m);
}
