/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Frozen memories.
 *
 * What a memory held when it was frozen is an image: a file without a name that all memories with
 * this content map, privately. The kernel tells which pages are a guest's own: those that were
 * written, in this request or in one before. They are written again by copying, and stay: so the
 * pages that requests usually write are resident, and writing them faults no more. What is beyond
 * the budget is given back, and so are, every now and then, pages that the last request left as
 * they were. A page that a share p of the requests writes costs a fault every (1 - p) samples, or a
 * needless copy in (1 - p) of the requests: over the sampling interval the two are about equal.
 *
 * What a guest grew is zeroed in the same way, and becomes inaccessible.
 */
#include "os/vm.h"
#include "runtime/runtime_priv.h"

#include <stdatomic.h>

enum { PAGE = 4096 };

#define IMAGE_MAX ((u64)1 << 30) /* bytes */

struct SlotImage {
    _Atomic u32 refs;
    int fd;      /* -1: no file, memories have copies */
    u64 bytes;   /* whole pages; zeros behind them */
    u64 length;  /* of the memory */
    u8 *content; /* NULL if bytes is 0 */
};

struct SlotImages {
    _Atomic u32 refs;
    OsMutex lock;
    VEC(SlotImage *) images; /* own references, by number of the memory; NULL: none yet */
};

SlotImages *slot_images_new(void)
{
    SlotImages *s = mem_alloc(sizeof *s);
    atomic_init(&s->refs, 1);
    os_mutex_init(&s->lock);
    return s;
}

SlotImages *slot_images_ref(SlotImages *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

static SlotImage *image_ref(SlotImage *i)
{
    atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
    return i;
}

static void image_unref(SlotImage *i)
{
    if (!i || atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) != 1)
        return;
    os_vm_release(i->content, i->bytes);
    os_close(i->fd);
    mem_free(i);
}

void slot_images_unref(SlotImages *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (u32 i = 0; i < s->images.n; i++)
        image_unref(s->images.p[i]);
    vec_release(&s->images);
    os_mutex_release(&s->lock);
    mem_free(s);
}

void frozen_memory_release(FrozenMemory *f)
{
    image_unref(f->image);
    f->image = NULL;
}

static bool is_zero(const u8 *p, u64 n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* --- images --- */

/* Calls back with all that may be other than zero. The memory has no image yet. */
static void each_run(const Memory *m, const SlotOptions *o, OsVmRun run, void *arg)
{
    u8 *base = m->map + m->front;
    if (m->committed && (o->no_scan || !os_vm_dirty(base, m->committed, run, arg)))
        run(arg, base, m->committed);
}

typedef struct Extent {
    const u8 *base;
    u64 end;
} Extent;

static bool find_end(void *arg, void *at, u64 bytes)
{
    Extent *x = arg;
    while (bytes && is_zero((const u8 *)at + bytes - PAGE, PAGE))
        bytes -= PAGE;
    if (bytes)
        x->end = (u64)((const u8 *)at - x->base) + bytes;
    return true;
}

typedef struct Saving {
    const u8 *base;
    SlotImage *image;
    bool failed;
} Saving;

static bool save_run(void *arg, void *at, u64 bytes)
{
    Saving *s = arg;
    u64 from = (u64)((u8 *)at - s->base);
    u64 n = MIN(bytes, s->image->bytes - MIN(from, s->image->bytes));
    if (n && s->image->fd < 0)
        memcpy(s->image->content + from, at, n);
    else if (n && !os_pwrite(s->image->fd, at, n, from))
        s->failed = true;
    return !s->failed;
}

/* The image's file, or without one its memory; false if neither is to be had. */
static bool make_room(SlotImage *i, const SlotOptions *o)
{
    i->fd = o->no_file ? -1 : os_memfd("wasm-slot", i->bytes, false);
    if (i->fd < 0)
        i->content = os_vm_alloc(i->bytes);
    return i->fd >= 0 || i->content;
}

/* NULL if it cannot be made. */
static SlotImage *image_new(const Memory *m, u64 bytes, const SlotOptions *o)
{
    SlotImage *i = mem_alloc(sizeof *i);
    *i = (SlotImage){.fd = -1, .bytes = bytes, .length = m->vm->length};
    atomic_init(&i->refs, 1);
    if (bytes == 0)
        return i;
    Saving s = {m->map + m->front, i, bytes > IMAGE_MAX || !make_room(i, o)};
    if (!s.failed)
        each_run(m, o, save_run, &s);
    if (!s.failed && i->fd >= 0)
        i->content = os_vm_map_file(NULL, bytes, i->fd, 0, OS_PROT_R, true);
    if (!s.failed && i->content)
        return i;
    image_unref(i);
    return NULL;
}

static bool image_fits(const SlotImage *i, const Memory *m, u64 bytes)
{
    return i->length == m->vm->length && i->bytes == bytes &&
           (bytes == 0 || memcmp(i->content, m->map + m->front, bytes) == 0);
}

/* The image that others made of the memory with this number, or a new one. */
static SlotImage *image_for(const Memory *m, u32 number, const SlotOptions *o, SlotImages *all)
{
    Extent x = {m->map + m->front, 0};
    each_run(m, o, find_end, &x);
    os_mutex_lock(&all->lock);
    while (all->images.n <= number)
        vec_push(&all->images, NULL);
    SlotImage **shared = &all->images.p[number];
    SlotImage *i = NULL;
    if (*shared && image_fits(*shared, m, x.end) && ((*shared)->fd < 0) == o->no_file)
        i = image_ref(*shared);
    else
        i = image_new(m, x.end, o);
    if (i && !*shared)
        *shared = image_ref(i);
    os_mutex_unlock(&all->lock);
    return i;
}

/* The memory's start comes from the image, the rest is zero, none of it is the memory's own. */
static bool map_image(const Memory *m, const SlotImage *i)
{
    u8 *base = m->map + m->front;
    if (i->fd >= 0 && !os_vm_map_file(base, i->bytes, i->fd, 0, OS_PROT_RW, false))
        return false;
    if (i->fd < 0 && i->bytes)
        memcpy(base, i->content, i->bytes);
    return os_vm_discard(base + i->bytes, m->committed - i->bytes);
}

Error *memory_freeze(Memory *m, u32 number, const SlotOptions *o, SlotImages *images,
                     FrozenMemory *ret_frozen)
{
    SlotImage *i = m->type.shared ? NULL : image_for(m, number, o, images);
    if (!i)
        return error_new("the content of a memory cannot be kept");
    if (m->reserved)
        os_vm_small_pages(m->map + m->front, m->reserved);
    if (!map_image(m, i)) {
        image_unref(i);
        return error_new("failed to map the initial content of a memory");
    }
    m->moved = false;
    *ret_frozen = (FrozenMemory){.m = m,
                                 .image = i,
                                 .length = m->vm->length,
                                 .committed = m->committed,
                                 .high = m->committed};
    return NULL;
}

/* --- putting it back --- */

typedef struct Reset {
    const SlotImage *image;
    u8 *base;
    u64 end;  /* bytes from the base */
    u64 room; /* bytes that may still stay */
    bool sample, failed;
} Reset;

static void restore(const Reset *r, u64 from, u64 end)
{
    if (from < r->image->bytes) {
        u64 n = MIN(end, r->image->bytes) - from;
        memcpy(r->base + from, r->image->content + from, n);
        from += n;
    }
    if (from < end)
        memset(r->base + from, 0, end - from);
}

static bool is_initial(const Reset *r, u64 at)
{
    return at < r->image->bytes ? memcmp(r->base + at, r->image->content + at, PAGE) == 0
                                : is_zero(r->base + at, PAGE);
}

static void give_back(Reset *r, u64 from, u64 end)
{
    if (from >= end)
        return;
    if (!os_vm_discard(r->base + from, end - from))
        r->failed = true;
    else if (r->image->fd < 0 && from < r->image->bytes)
        restore(r, from, MIN(end, r->image->bytes));
}

/* The same, and pages that nobody wrote are given back; without a file only where zeros are due. */
static void restore_written(Reset *r, u64 from, u64 end)
{
    u64 clean = from; /* since there all pages are as they were */
    for (u64 at = from; at < end; at += PAGE) {
        if (is_initial(r, at) && (r->image->fd >= 0 || at >= r->image->bytes))
            continue;
        give_back(r, clean, at);
        restore(r, at, at + PAGE);
        clean = at + PAGE;
    }
    give_back(r, clean, end);
}

static bool put_back(void *arg, void *at, u64 bytes)
{
    Reset *r = arg;
    u64 from = (u64)((u8 *)at - r->base), stay = MIN(bytes, r->room);
    r->room -= stay;
    if (r->sample)
        restore_written(r, from, from + stay);
    else
        restore(r, from, from + stay);
    if (stay == bytes)
        return true;
    give_back(r, from + stay, r->end);
    return false;
}

/*
 * Makes what was grown inaccessible; it is zero. Where compiled code compares every access with the
 * exact length, there is nothing to do: pages that requests usually grow into stay as they are.
 */
static bool shrink(const Store *s, FrozenMemory *f, u64 keep, bool sample)
{
    Memory *m = f->m;
    u8 *base = m->map + m->front;
    u64 end = m->committed;
    if (!memory_needs_faults(&m->type, &s->tunables) && end - f->committed <= keep)
        return true;
    f->high = MAX(f->high, end);
    if (!os_vm_protect(base + f->committed, end - f->committed, OS_PROT_NONE))
        return false;
    m->committed = f->committed;
    if (!sample || f->high == end)
        return true;
    u64 high = f->high;
    f->high = end;
    return os_vm_discard(base + end, high - end);
}

/* It was copied to another place, where nothing is left of the image's mapping. */
static bool start_again(const Store *s, FrozenMemory *f)
{
    f->high = f->committed;
    return memory_remap(s, f->m, f->length) && map_image(f->m, f->image);
}

bool memory_reset(const Store *s, FrozenMemory *f, const SlotOptions *o)
{
    Memory *m = f->m;
    if (m->moved)
        return start_again(s, f);
    bool sample = ++f->resets % o->sample_every == 0;
    Reset r = {.image = f->image,
               .base = m->map + m->front,
               .end = m->committed,
               .room = o->resident,
               .sample = sample};
    if (r.end && (o->no_scan || !os_vm_dirty(r.base, r.end, put_back, &r)))
        give_back(&r, 0, r.end);
    m->vm->length = f->length;
    return !r.failed && shrink(s, f, o->resident, sample);
}
