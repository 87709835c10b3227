/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Compiled files: checking and mapping. Nothing is used before the checksum was found right. */
#include "backend/x64/cpu.h"
#include "engine/image_priv.h"
#include "os/vm.h"

#include <elf.h>
#include <sys/stat.h>

enum { LARGE = 1 << 20 };

/* In the order of image_flags. */
static const char *const flag_names[] = {
    "memory moving",      "signals-based traps",  "fuel",
    "epoch interruption", "NaN canonicalization", "deterministic relaxed simd"};

bool engine_is_compiled(const u8 *p, usize n)
{
    return n > EI_OSABI && memcmp(p, ELFMAG, SELFMAG) == 0 && p[EI_OSABI] == IMAGE_OSABI;
}

bool engine_is_compiled_component(const u8 *p, usize n)
{
    Elf64_Ehdr elf;
    if (n < sizeof elf || !engine_is_compiled(p, n))
        return false;
    memcpy(&elf, p, sizeof elf);
    return elf.e_flags & IMAGE_FLAG_COMPONENT;
}

/* A file that is mapped. */
typedef struct Image {
    Engine *engine; /* borrow */
    u8 *map;        /* own until a module takes it */
    u64 size, map_bytes;
    ImageHeader h;
} Image;

static Error *check_header(const Image *f, u32 flag)
{
    Elf64_Ehdr elf;
    if (f->size < IMAGE_HEADER_AT + sizeof(ImageHeader))
        return error_new("the file is too short for a compiled module");
    memcpy(&elf, f->map, sizeof elf);
    if (!engine_is_compiled(f->map, f->size) || elf.e_ident[EI_CLASS] != ELFCLASS64)
        return error_new("the file is not a compiled module");
    if (elf.e_machine != EM_X86_64)
        return error_new("Module was compiled for a different architecture");
    if (memcmp(f->h.magic, IMAGE_MAGIC, sizeof f->h.magic) != 0)
        return error_new("Module was compiled by a different WebAssembly runtime");
    if (f->h.version != IMAGE_VERSION)
        return error_new("Module was compiled with incompatible version '%u'", f->h.version);
    if (elf.e_flags != flag)
        return error_new("the file holds no %s",
                         flag == IMAGE_FLAG_MODULE ? "core module" : "component");
    if (f->h.file_size != f->size)
        return error_new("the compiled module has %llu bytes, expected %llu: it is truncated or "
                         "damaged",
                         (unsigned long long)f->size, (unsigned long long)f->h.file_size);
    return NULL;
}

static Error *check_setting(const char *what, u64 have, u64 want)
{
    if (have == want)
        return NULL;
    return error_new("Module was compiled with a %s of '%llu' but '%llu' is expected for the host",
                     what, (unsigned long long)have, (unsigned long long)want);
}

static Error *check_settings(Engine *e, const ImageHeader *h)
{
    const Tunables *t = &e->config.tunables;
    X64CpuSet lacking = h->cpu & ~t->cpu;
    if (lacking) {
        Buf names = {0};
        x64_cpu_print(lacking, &names);
        if (!names.n)
            buf_str(&names, STR("abilities that this program does not know"));
        buf_u8(&names, 0);
        Error *error = error_new("Module was compiled for a processor with %s, which this one "
                                 "does not have or which is switched off",
                                 (char *)names.p);
        buf_release(&names);
        return error;
    }
    u32 differ = h->flags ^ image_flags(t);
    for (u32 i = 0; i < ARRAY_LEN(flag_names); i++)
        if (differ >> i & 1)
            return error_new("Module was compiled %s %s but it is%s enabled for the host",
                             h->flags >> i & 1 ? "with" : "without", flag_names[i],
                             h->flags >> i & 1 ? " not" : "");
    if (engine_adopt_memories(e, h->memory_reservation, h->memory_guard))
        return NULL;
    Error *error =
        check_setting("memory reservation", h->memory_reservation, t->memory_reservation);
    return error ? error : check_setting("memory guard size", h->memory_guard, t->memory_guard);
}

static bool part_ok(const Image *f, ImagePart p, u64 align, u64 record)
{
    return p.at % align == 0 && p.at <= f->size && p.size <= f->size - p.at && p.size % record == 0;
}

static bool parts_ok(const Image *f, const ImageModule *m)
{
    return part_ok(f, m->text, IMAGE_TEXT_ALIGN, IMAGE_TEXT_ALIGN) &&
           part_ok(f, m->funcs, 4, sizeof(ImageFunc)) &&
           part_ok(f, m->traps, 4, sizeof(TrapSite)) && part_ok(f, m->calls, 4, sizeof(CallSite));
}

static Error *check_parts(const Image *f)
{
    const ImageHeader *h = &f->h;
    ImageModule all = {h->text, h->funcs, h->traps, h->calls, 0};
    if (!parts_ok(f, &all) || h->text.at < IMAGE_TEXT_ALIGN ||
        !part_ok(f, h->modules, 8, sizeof(ImageModule)) || !part_ok(f, h->wasm, 1, 1))
        return error_new("the compiled module is damaged: a part lies outside of the file");
    if (image_checksum(f->map, f->size) != h->checksum)
        return error_new("the compiled module is damaged: its checksum is wrong");
    /* Of what was read for that, only what is used again stays resident. */
    if (f->size >= LARGE && !os_vm_discard(f->map, f->map_bytes))
        return error_new("failed to give pages of the compiled module back");
    return NULL;
}

static Error *tables_damaged(void)
{
    return error_new("the compiled module is damaged: its tables do not fit");
}

static u32 count_modules(const Image *f)
{
    return (u32)MIN(f->h.modules.size / sizeof(ImageModule), UINT32_MAX);
}

static ImageModule nth_module(const Image *f, u32 i)
{
    ImageModule m;
    memcpy(&m, f->map + f->h.modules.at + i * sizeof m, sizeof m);
    return m;
}

/* The modules' texts lie in the file's, one behind the other. */
static Error *check_modules(const Image *f)
{
    u64 end = f->h.text.at;
    for (u32 i = 0; i < count_modules(f); i++) {
        ImageModule m = nth_module(f, i);
        if (!parts_ok(f, &m) || m.text.at < end ||
            m.text.at + m.text.size > f->h.text.at + f->h.text.size)
            return tables_damaged();
        end = m.text.at + m.text.size;
    }
    return NULL;
}

/* The tables of the functions, pointing into the mapping; NULL if they do not add up. */
static CodeFunc *read_funcs(const Image *f, const ImageModule *m, const WasmModule *w)
{
    u32 n = w->nfuncs - w->n_imported_funcs;
    u64 traps = m->traps.size / sizeof(TrapSite), calls = m->calls.size / sizeof(CallSite);
    if (m->funcs.size != n * sizeof(ImageFunc))
        return NULL;
    const ImageFunc *rec = (const ImageFunc *)(f->map + m->funcs.at);
    const TrapSite *trap = (const TrapSite *)(f->map + m->traps.at);
    const CallSite *call = (const CallSite *)(f->map + m->calls.at);
    CodeFunc *funcs = mem_alloc_array(n, sizeof *funcs);
    u64 end = 0;
    for (u32 i = 0; i < n; i++) {
        bool ok = rec[i].at >= end && (u64)rec[i].at + rec[i].size <= m->text.size &&
                  rec[i].ntraps <= traps && rec[i].ncalls <= calls;
        if (!ok) {
            mem_free(funcs);
            return NULL;
        }
        end = (u64)rec[i].at + rec[i].size;
        funcs[i] = (CodeFunc){rec[i].at,     rec[i].size,   w->n_imported_funcs + i,
                              rec[i].ntraps, rec[i].ncalls, trap,
                              call};
        trap += rec[i].ntraps;
        call += rec[i].ncalls;
        traps -= rec[i].ntraps;
        calls -= rec[i].ncalls;
    }
    return funcs;
}

/* Transfers `w`, and with `take` the mapping. */
static Error *make_module(Image *f, u32 i, WasmModule *w, bool take, Module **ret_module)
{
    ImageModule m = nth_module(f, i);
    CodeFunc *funcs = read_funcs(f, &m, w);
    if (!funcs) {
        module_free(w);
        return tables_damaged();
    }
    w->file_at = (u32)m.file_at;
    ModuleConfig config = engine_module_config(f->engine);
    u8 *map = f->map;
    if (take)
        f->map = NULL;
    *ret_module = module_new_image(w, &config, take ? map : NULL, f->map_bytes, map + m.text.at,
                                   m.text.size, funcs);
    engine_ref(f->engine);
    mem_free(funcs);
    return NULL;
}

static Error *check(Image *f, u32 flag)
{
    if (f->size >= IMAGE_HEADER_AT + sizeof f->h)
        memcpy(&f->h, f->map + IMAGE_HEADER_AT, sizeof f->h);
    Error *error = check_header(f, flag);
    if (!error)
        error = check_settings(f->engine, &f->h);
    if (!error)
        error = check_parts(f);
    if (!error)
        error = check_modules(f);
    if (!error && !os_vm_protect(f->map + f->h.text.at, f->h.text.size, OS_PROT_RX))
        error = error_new("failed to make the compiled module executable");
    return error;
}

/* `f` is to be released in any case. */
static Error *map_file(Engine *e, int fd, const char *label, u32 flag, Image *f)
{
    struct stat st;
    *f = (Image){.engine = e};
    if (fstat(fd, &st) != 0 || st.st_size <= 0)
        return error_new("failed to read %s: it is empty or no file", label);
    f->size = (u64)st.st_size;
    f->map_bytes = os_page_up(f->size);
    f->map = os_vm_map_file(NULL, f->map_bytes, fd, 0, OS_PROT_R, false);
    if (!f->map)
        return error_new("failed to map %s", label);
    return error_wrap(check(f, flag), "failed to load compiled module %s", label);
}

static void image_release(Image *f)
{
    os_vm_release(f->map, f->map_bytes);
}

Str engine_compiled_component(const u8 *p, usize n)
{
    Image f = {.map = (u8 *)p, .size = n};
    if (n < IMAGE_HEADER_AT + sizeof f.h || !engine_is_compiled_component(p, n))
        return STR("");
    memcpy(&f.h, p + IMAGE_HEADER_AT, sizeof f.h);
    if (f.h.version != IMAGE_VERSION || !part_ok(&f, f.h.wasm, 1, 1))
        return STR("");
    return (Str){(const char *)p + f.h.wasm.at, f.h.wasm.size};
}

bool engine_compiled_intact(int fd)
{
    struct stat st;
    ImageHeader h;
    if (fstat(fd, &st) != 0 || st.st_size < (off_t)(IMAGE_HEADER_AT + sizeof h))
        return false;
    u64 size = (u64)st.st_size, bytes = os_page_up(size);
    u8 *p = os_vm_map_file(NULL, bytes, fd, 0, OS_PROT_R, false);
    if (!p)
        return false;
    memcpy(&h, p + IMAGE_HEADER_AT, sizeof h);
    bool ok = engine_is_compiled(p, size) && memcmp(h.magic, IMAGE_MAGIC, sizeof h.magic) == 0 &&
              h.version == IMAGE_VERSION && h.file_size == size &&
              image_checksum(p, size) == h.checksum;
    os_vm_release(p, bytes);
    return ok;
}

MUST_CHECK static Error *memory_file(const u8 *p, usize n, int *ret_fd)
{
    int fd = os_memfd("wasm-image", n, true);
    if (fd < 0 || !os_pwrite(fd, p, n, 0)) {
        os_close(fd);
        return error_new("failed to copy the compiled module to memory");
    }
    *ret_fd = fd;
    return NULL;
}

/* --- modules --- */

static Error *load_module(Image *f, Module **ret_module)
{
    Diag diag;
    diag_init(&diag);
    DecodeOptions options = {
        .features = f->engine->config.features, .skip_bodies = true, .borrow = true};
    if (count_modules(f) != 1)
        return tables_damaged();
    WasmModule *w =
        module_decode(f->engine->types, &options, f->map + f->h.wasm.at, f->h.wasm.size, &diag);
    return w ? make_module(f, 0, w, true, ret_module) : engine_diag_error(&diag);
}

Error *engine_module_load_fd(Engine *e, int fd, const char *label, Module **ret_module)
{
    Image f;
    Error *error = map_file(e, fd, label, IMAGE_FLAG_MODULE, &f);
    if (!error)
        error = error_wrap(load_module(&f, ret_module), "failed to load compiled module %s", label);
    image_release(&f);
    return error;
}

Error *engine_module_load(Engine *e, const u8 *p, usize n, Module **ret_module)
{
    int fd = -1;
    Error *error = memory_file(p, n, &fd);
    if (error)
        return error;
    error = engine_module_load_fd(e, fd, "from memory", ret_module);
    os_close(fd);
    return error;
}

/* --- components --- */

struct CompiledComponent {
    Image image;
};

Error *engine_component_open_fd(Engine *e, int fd, const char *label, CompiledComponent **ret_file)
{
    CompiledComponent c;
    Error *error = map_file(e, fd, label, IMAGE_FLAG_COMPONENT, &c.image);
    if (error)
        image_release(&c.image);
    else
        *ret_file = mem_dup(&c, sizeof c);
    return error;
}

Error *engine_component_open(Engine *e, const u8 *p, usize n, CompiledComponent **ret_file)
{
    int fd = -1;
    Error *error = memory_file(p, n, &fd);
    if (error)
        return error;
    error = engine_component_open_fd(e, fd, "from memory", ret_file);
    os_close(fd);
    return error;
}

Str compiled_component_bytes(const CompiledComponent *c)
{
    return (Str){(const char *)c->image.map + c->image.h.wasm.at, c->image.h.wasm.size};
}

u32 compiled_component_modules(const CompiledComponent *c)
{
    return count_modules(&c->image);
}

Error *compiled_component_module(CompiledComponent *c, u32 i, WasmModule *w, Module **ret_module)
{
    if (i < count_modules(&c->image))
        return make_module(&c->image, i, w, false, ret_module);
    module_free(w);
    return tables_damaged();
}

void compiled_component_free(CompiledComponent *c)
{
    if (!c)
        return;
    image_release(&c->image);
    mem_free(c);
}
