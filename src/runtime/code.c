/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Code memory and the registry of code regions.
 *
 * Text is never mapped writable while it is executable. With a memfd it is never mapped writable
 * at all: bytes arrive by pwrite in the pages that the executable mapping shows. Where the kernel
 * forbids that, pages are anonymous and each publication starts a page of its own, which is
 * written first and executable after, so that code of other threads is never taken away.
 */
#include "runtime/code.h"

#include "os/thread.h"
#include "os/vm.h"
#include "runtime/x64/entry.h"
#include "runtime/module.h"

enum {
    STUB_BYTES = 16,
    LAZY_PART = 6, /* offset of the compiling part in a stub */
    CODE_PLACE_ALIGN = 32,
    MAX_TEXT = 1 << 30,
};

/* --- the registry: a list of chunks that only grows; a region writes its entry's version around
 * every change, so a reader sees a whole entry or tries again --- */

enum { CHUNK_ENTRIES = 256 };

typedef struct RegistryEntry {
    _Atomic u32 version; /* odd while it changes */
    _Atomic u64 start, end;
    _Atomic(CodeMem *) mem;
} RegistryEntry;

typedef struct RegistryChunk {
    RegistryEntry entries[CHUNK_ENTRIES];
    _Atomic(struct RegistryChunk *) next;
} RegistryChunk;

static RegistryChunk first_chunk;
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;

static void entry_set(RegistryEntry *e, CodeMem *m)
{
    atomic_fetch_add(&e->version, 1);
    atomic_store(&e->mem, m);
    atomic_store(&e->start, m ? (u64)(uintptr_t)m->text : 0);
    atomic_store(&e->end, m ? (u64)(uintptr_t)m->text + m->text_bytes : 0);
    atomic_fetch_add(&e->version, 1);
}

static RegistryEntry *entry_at(u32 index)
{
    RegistryChunk *c = &first_chunk;
    for (; index >= CHUNK_ENTRIES; index -= CHUNK_ENTRIES)
        c = atomic_load(&c->next);
    return &c->entries[index];
}

static void registry_add(CodeMem *m)
{
    pthread_mutex_lock(&registry_lock);
    u32 base = 0;
    for (RegistryChunk *c = &first_chunk;; base += CHUNK_ENTRIES) {
        for (u32 i = 0; i < CHUNK_ENTRIES; i++) {
            if (atomic_load(&c->entries[i].mem))
                continue;
            m->registry = base + i;
            entry_set(&c->entries[i], m);
            pthread_mutex_unlock(&registry_lock);
            return;
        }
        RegistryChunk *next = atomic_load(&c->next);
        if (!next) {
            next = mem_alloc(sizeof *next);
            atomic_store(&c->next, next);
        }
        c = next;
    }
}

static void registry_remove(CodeMem *m)
{
    pthread_mutex_lock(&registry_lock);
    entry_set(entry_at(m->registry), NULL);
    pthread_mutex_unlock(&registry_lock);
}

/* What the entry has for `pc`. The region stays while its code is on the caller's stack. */
static const CodeMem *entry_match(RegistryEntry *e, u64 pc)
{
    for (;;) {
        u32 version = atomic_load(&e->version);
        bool hit = pc >= atomic_load(&e->start) && pc < atomic_load(&e->end);
        const CodeMem *m = hit ? atomic_load(&e->mem) : NULL;
        if (!hit || (!(version & 1) && atomic_load(&e->version) == version))
            return m;
    }
}

const CodeMem *code_find(u64 pc)
{
    for (RegistryChunk *c = &first_chunk; c; c = atomic_load(&c->next)) {
        for (u32 i = 0; i < CHUNK_ENTRIES; i++) {
            const CodeMem *m = entry_match(&c->entries[i], pc);
            if (m)
                return m;
        }
    }
    return NULL;
}

/* --- text --- */

/* An executable mapping of a new memfd over [text, text + bytes); false if that is not allowed. */
static bool map_memfd(CodeMem *m)
{
    m->fd = os_memfd("wasm-code", m->text_bytes, true);
    if (m->fd < 0)
        return false;
    if (os_vm_map_file(m->text, m->text_bytes, m->fd, 0, OS_PROT_RX, true))
        return true;
    os_close(m->fd);
    m->fd = -1;
    return false;
}

static bool write_text(CodeMem *m, u64 at, const void *p, usize n)
{
    if (m->fd >= 0)
        return os_pwrite(m->fd, p, n, at);
    ALWAYS(at % os_page_size() == 0);
    u64 bytes = os_page_up(n);
    if (!os_vm_protect(m->text + at, bytes, OS_PROT_RW))
        return false;
    memcpy(m->text + at, p, n);
    return os_vm_protect(m->text + at, bytes, OS_PROT_RX);
}

/* Where the next publication goes. */
static u64 next_place(const CodeMem *m)
{
    return m->fd >= 0 ? align_up(m->used, CODE_PLACE_ALIGN) : os_page_up(m->used);
}

static void put_rel32(u8 *at, u64 from_end, u64 to)
{
    i64 d = (i64)(to - from_end);
    store_u32(at, (u32)i32_of(d));
}

/* jmp [rip + 0]; address */
static void build_lazy_entry(u8 *p)
{
    static const u8 jmp[6] = {0xff, 0x25, 0, 0, 0, 0};
    memcpy(p, jmp, sizeof jmp);
    store_u64(p + sizeof jmp, (u64)(uintptr_t)lazy_common);
}

/* jmp [rip + slot]; mov eax, index; jmp lazy entry */
static void build_stub(u8 *p, u64 address, u64 slot, u64 lazy, u32 index)
{
    p[0] = 0xff;
    p[1] = 0x25;
    put_rel32(p + 2, address + 6, slot);
    p[6] = 0xb8;
    store_u32(p + 7, index);
    p[11] = 0xe9;
    put_rel32(p + 12, address + 16, lazy);
}

static bool build_stubs(CodeMem *m)
{
    u64 text = (u64)(uintptr_t)m->text;
    usize bytes = STUB_BYTES * ((usize)m->nslots + 1);
    u8 *p = mem_alloc(bytes);
    build_lazy_entry(p);
    for (u32 i = 0; i < m->nslots; i++) {
        usize at = STUB_BYTES * ((usize)i + 1);
        build_stub(p + at, text + at, (u64)(uintptr_t)&m->slots[i], text, i);
        atomic_store_explicit(&m->slots[i], m->text + at + LAZY_PART, memory_order_relaxed);
    }
    bool ok = write_text(m, 0, p, bytes);
    mem_free(p);
    m->used = bytes;
    return ok;
}

static Error *map_region(CodeMem *m, const CodeMemConfig *c)
{
    u64 slots = os_page_up((u64)c->nslots * sizeof *m->slots);
    u64 stubs = c->nslots ? STUB_BYTES * ((u64)c->nslots + 1) : 0;
    m->text_bytes = os_page_up(MIN(c->text_bytes, MAX_TEXT) + stubs);
    m->map_bytes = slots + m->text_bytes;
    m->map = os_vm_reserve(m->map_bytes);
    if (!m->map)
        return error_new("failed to reserve %llu bytes of address space for code",
                         (unsigned long long)m->map_bytes);
    m->text = m->map + slots;
    if (c->nslots) {
        m->slots = (_Atomic(const void *) *)m->map;
        if (!os_vm_commit(m->map, slots))
            return error_new("failed to allocate the jump table");
    }
    bool shared = c->backing != CODE_BACKING_ANONYMOUS && map_memfd(m);
    if (!shared && c->backing == CODE_BACKING_MEMFD)
        return error_new("the system allows no executable memory file");
    if (m->slots && !build_stubs(m))
        return error_new("failed to make code executable");
    return NULL;
}

Error *code_mem_new(const CodeMemConfig *c, CodeMem **ret_mem)
{
    CodeMem *m = mem_alloc(sizeof *m);
    m->owner = c->owner;
    m->nslots = c->nslots;
    m->first_func = c->first_func;
    m->fd = -1;
    m->cap = c->max_funcs;
    m->registry = UINT32_MAX;
    arena_init(&m->meta);
    m->funcs = mem_alloc_array(c->max_funcs, sizeof *m->funcs);
    Error *e = map_region(m, c);
    if (e) {
        code_mem_free(m);
        return e;
    }
    registry_add(m);
    *ret_mem = m;
    return NULL;
}

CodeMem *code_mem_image(Module *owner, u8 *map, u64 map_bytes, u8 *text, u64 text_bytes,
                        u32 first_func, const CodeFunc *funcs, u32 nfuncs)
{
    CodeMem *m = mem_alloc(sizeof *m);
    *m = (CodeMem){.owner = owner,
                   .map = map,
                   .map_bytes = map_bytes,
                   .text = text,
                   .text_bytes = text_bytes,
                   .fd = -1,
                   .first_func = first_func,
                   .used = text_bytes,
                   .cap = nfuncs};
    m->funcs = mem_dup(funcs, nfuncs * sizeof *funcs);
    atomic_store(&m->nfuncs, nfuncs);
    arena_init(&m->meta);
    registry_add(m);
    return m;
}

void code_mem_free(CodeMem *m)
{
    if (!m)
        return;
    if (m->registry != UINT32_MAX)
        registry_remove(m);
    os_vm_release(m->map, m->map_bytes);
    os_close(m->fd);
    arena_release(&m->meta);
    buf_release(&m->scratch);
    mem_free(m->funcs);
    mem_free(m);
}

/* --- publishing --- */

const void *code_entry(const CodeMem *m, u32 func)
{
    if (!m->slots)
        return m->text + m->funcs[func - m->first_func].at;
    const void *code = atomic_load_explicit(&m->slots[func - m->first_func], memory_order_acquire);
    const u8 *stub = code_stub(m, func);
    return code == stub + LAZY_PART ? stub : code;
}

bool code_is_compiled(const CodeMem *m, u32 func)
{
    return !m->slots || code_entry(m, func) != code_stub(m, func);
}

/* Where a direct call to `func` goes, while a batch whose places are known is being linked. */
static u64 call_target(CodeMem *m, u32 func, const u32 *batch_at, u32 batch_first, u32 n)
{
    if (func - batch_first < n) /* eager batches are contiguous; lazy ones have one function */
        return (u64)(uintptr_t)m->text + batch_at[func - batch_first];
    m->bound = true;
    return (u64)(uintptr_t)code_entry(m, func);
}

static void relocate(CodeMem *m, const CompiledFunc *c, u8 *bytes, u64 address, const u32 *batch_at,
                     u32 batch_first, u32 n)
{
    for (u32 i = 0; i < c->nrelocs; i++) {
        const FuncReloc *r = &c->relocs[i];
        ALWAYS((u64)r->at + 4 <= c->size);
        u64 to = 0;
        switch ((FuncRelocKind)r->kind) {
        case RELOC_CALL_FUNC:
            to = call_target(m, r->target, batch_at, batch_first, n);
            break;
        case RELOC_SLOT:
            m->bound = true;
            to = (u64)(uintptr_t)&m->slots[r->target - m->first_func];
            break;
        }
        put_rel32(bytes + r->at, address + r->at + 4, to);
    }
}

static CodeFunc meta_of(CodeMem *m, const CompiledFunc *c, u32 at, u32 func)
{
    return (CodeFunc){.at = at,
                      .size = c->size,
                      .func = func,
                      .ntraps = c->ntraps,
                      .ncalls = c->ncalls,
                      .traps = arena_dup(&m->meta, c->traps, c->ntraps * sizeof *c->traps),
                      .calls = arena_dup(&m->meta, c->calls, c->ncalls * sizeof *c->calls)};
}

/* Offsets of each function in text; the end is returned. */
static u64 lay_out(const CompiledFunc *compiled, u32 n, u64 start, u32 *ret_at)
{
    u64 end = start;
    for (u32 i = 0; i < n; i++) {
        u64 at = align_up(end, CODE_PLACE_ALIGN);
        end = at + compiled[i].size;
        ret_at[i] = at <= UINT32_MAX ? (u32)at : UINT32_MAX;
    }
    return end;
}

static bool write_batch(CodeMem *m, const CompiledFunc *compiled, const u32 *funcs, u32 n,
                        const u32 *at, u64 start, u64 end)
{
    m->scratch.n = 0;
    buf_reserve(&m->scratch, end - start);
    u8 *image = m->scratch.p;
    memset(image, 0xcc, end - start); /* gaps trap */
    for (u32 i = 0; i < n; i++) {
        u8 *bytes = image + (at[i] - start);
        memcpy(bytes, compiled[i].code, compiled[i].size);
        relocate(m, &compiled[i], bytes, (u64)(uintptr_t)m->text + at[i], at, funcs[0], n);
    }
    return write_text(m, start, image, end - start);
}

Error *code_publish(CodeMem *m, const CompiledFunc *compiled, const u32 *funcs, u32 n,
                    const void **ret_first)
{
    u64 start = next_place(m);
    u32 *at = mem_alloc_array(n, sizeof *at);
    u64 end = lay_out(compiled, n, start, at);
    u32 have = atomic_load_explicit(&m->nfuncs, memory_order_relaxed);
    Error *e = NULL;
    if (end > m->text_bytes)
        e = error_new("the module's code needs more than the %llu bytes reserved for it",
                      (unsigned long long)m->text_bytes);
    else if (!write_batch(m, compiled, funcs, n, at, start, end))
        e = error_new("failed to make code executable");
    if (e) {
        mem_free(at);
        return e;
    }
    m->used = end;
    for (u32 i = 0; i < n && funcs[i] != UINT32_MAX; i++) {
        ALWAYS(have < m->cap);
        m->funcs[have] = meta_of(m, &compiled[i], at[i], funcs[i]);
        atomic_store_explicit(&m->nfuncs, ++have, memory_order_release);
    }
    for (u32 i = 0; i < n && funcs[i] != UINT32_MAX && m->slots; i++)
        atomic_store_explicit(&m->slots[funcs[i] - m->first_func], m->text + at[i],
                              memory_order_release);
    *ret_first = m->text + at[0];
    mem_free(at);
    return NULL;
}

/* --- lookups --- */

const CodeFunc *code_find_func(const CodeMem *m, u64 pc)
{
    u64 off = pc - (u64)(uintptr_t)m->text;
    u32 lo = 0, hi = atomic_load_explicit(&m->nfuncs, memory_order_acquire);
    while (lo < hi) {
        u32 mid = lo + (hi - lo) / 2;
        const CodeFunc *f = &m->funcs[mid];
        if (off < f->at)
            hi = mid;
        else if (off >= (u64)f->at + f->size)
            lo = mid + 1;
        else
            return f;
    }
    return NULL;
}

const TrapSite *code_find_trap(const CodeMem *m, const CodeFunc *f, u64 pc)
{
    u32 off = (u32)(pc - (u64)(uintptr_t)m->text - f->at), lo = 0, hi = f->ntraps;
    while (lo < hi) {
        u32 mid = lo + (hi - lo) / 2;
        if (f->traps[mid].code == off)
            return &f->traps[mid];
        if (f->traps[mid].code < off)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* Both kinds of site begin alike; the number of them at or before `off`. */
#define SITES_UP_TO(sites, n, off)                                                                 \
    ({                                                                                             \
        u32 lo_ = 0, hi_ = (n);                                                                    \
        while (lo_ < hi_) {                                                                        \
            u32 mid_ = lo_ + (hi_ - lo_) / 2;                                                      \
            if ((sites)[mid_].code <= (off))                                                       \
                lo_ = mid_ + 1;                                                                    \
            else                                                                                   \
                hi_ = mid_;                                                                        \
        }                                                                                          \
        lo_;                                                                                       \
    })

u32 code_wasm_offset(const CodeMem *m, const CodeFunc *f, u64 pc)
{
    u32 off = (u32)(pc - (u64)(uintptr_t)m->text - f->at);
    u32 c = SITES_UP_TO(f->calls, f->ncalls, off), t = SITES_UP_TO(f->traps, f->ntraps, off);
    if (c && (!t || f->calls[c - 1].code >= f->traps[t - 1].code))
        return f->calls[c - 1].wasm;
    if (t)
        return f->traps[t - 1].wasm;
    return module_wasm(m->owner)->funcs[f->func].body.at;
}
