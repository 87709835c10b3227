/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Compiled files: writing, checking, mapping. */
#include "engine/image.h"

#include "backend/x64/cpu.h"
#include "engine/engine_priv.h"
#include "os/vm.h"

#include <elf.h>
#include <sys/stat.h>

enum {
    HEADER_AT = sizeof(Elf64_Ehdr),
    TEXT_AT = 4096,
    NSECTIONS = 7, /* null, .text, four tables, .shstrtab */
};

/* Settings that are yes or no, in the order of their bits. */
static const char *const flag_names[] = {
    "memory moving",      "signals-based traps",  "fuel",
    "epoch interruption", "NaN canonicalization", "deterministic relaxed simd"};

static u32 flags_of(const Tunables *t)
{
    return (u32)t->memory_may_move | (u32)t->signal_traps << 1 | (u32)t->fuel << 2 |
           (u32)t->epoch << 3 | (u32)t->nan_canonicalization << 4 |
           (u32)t->relaxed_simd_deterministic << 5;
}

/* Each step is a bijection of the lane for a given word and of the word for a given lane, so a
 * change of one word never goes unnoticed. */
static inline u64 mix(u64 lane, u64 word, u64 k)
{
    u64 v = (lane ^ word) * k;
    return v ^ v >> 32;
}

/* Four independent lanes: as fast as memory. Not against forgery: whoever may write the file may
 * write machine code. */
static u64 checksum_add(u64 h, const u8 *p, usize n)
{
    static const u64 k[4] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb,
                             0xd6e8feb86659fd93};
    u64 lane[4] = {h ^ k[0], h ^ k[1], h ^ k[2], h ^ k[3]};
    usize i = 0;
    for (; n - i >= 32; i += 32)
        for (u32 l = 0; l < 4; l++)
            lane[l] = mix(lane[l], load_u64(p + i + 8 * l), k[l]);
    u8 rest[32] = {0};
    memcpy(rest, p + i, n - i);
    for (u32 l = 0; l < 4; l++)
        lane[l] = mix(lane[l], load_u64(rest + 8 * l), k[l]);
    u64 sum = n;
    for (u32 l = 0; l < 4; l++)
        sum = mix(sum, lane[l], k[l]);
    return sum;
}

/* Of a whole file: around the field that holds it. */
static u64 checksum_of(const u8 *file, usize n)
{
    usize field = HEADER_AT + offsetof(ImageHeader, checksum), behind = field + sizeof(u64);
    return checksum_add(checksum_add(n, file, field), file + behind, n - behind);
}

void image_seal(u8 *file, usize n)
{
    store_u64(file + HEADER_AT + offsetof(ImageHeader, checksum), checksum_of(file, n));
}

/* --- writing --- */

static void pad_to(Buf *out, usize align)
{
    static const u8 zeros[TEXT_AT];
    usize n = align_up(out->n, align) - out->n;
    buf_bytes(out, zeros, n);
}

static ImagePart end_part(const Buf *out, usize start)
{
    return (ImagePart){start, out->n - start};
}

static ImagePart write_text(Buf *out, const CodeMem *m, u32 n)
{
    pad_to(out, TEXT_AT);
    usize start = out->n;
    u32 base = n ? m->funcs[0].at : 0;
    if (n)
        buf_bytes(out, m->text + base, m->funcs[n - 1].at + m->funcs[n - 1].size - base);
    pad_to(out, TEXT_AT);
    return end_part(out, start);
}

static ImagePart write_funcs(Buf *out, const CodeMem *m, u32 n)
{
    usize start = out->n;
    for (u32 i = 0; i < n; i++) {
        const CodeFunc *f = &m->funcs[i];
        ImageFunc rec = {f->at - m->funcs[0].at, f->size, f->ntraps, f->ncalls};
        buf_bytes(out, &rec, sizeof rec);
    }
    return end_part(out, start);
}

static ImagePart write_traps(Buf *out, const CodeMem *m, u32 n)
{
    usize start = out->n;
    for (u32 i = 0; i < n; i++) {
        for (u32 k = 0; k < m->funcs[i].ntraps; k++) {
            const TrapSite *t = &m->funcs[i].traps[k];
            buf_u32(out, t->code);
            buf_u32(out, t->wasm);
            buf_u32(out, t->trap); /* with the padding */
        }
    }
    static_assert(sizeof(TrapSite) == 12, "written field by field");
    return end_part(out, start);
}

static ImagePart write_calls(Buf *out, const CodeMem *m, u32 n)
{
    usize start = out->n;
    for (u32 i = 0; i < n; i++)
        buf_bytes(out, m->funcs[i].calls, m->funcs[i].ncalls * sizeof(CallSite));
    return end_part(out, start);
}

enum { SECTION_CODE = 10 };

/* A number of validated bytes. */
static u32 read_u32(const u8 *p, u32 *at)
{
    u32 v = 0;
    for (u32 shift = 0; shift < 35; shift += 7) {
        u8 b = p[(*at)++];
        v |= (u32)(b & 0x7f) << shift;
        if (!(b & 0x80))
            break;
    }
    return v;
}

/* The module with functions that do nothing: the code is in .text, and what else the bytes say is
 * needed for types, imports, segments and names. */
static ImagePart write_module(Buf *out, const WasmModule *w, u32 n)
{
    static const u8 empty[] = {2, 0, 0x0b}; /* size, no locals, end */
    usize start = out->n;
    buf_bytes(out, w->bytes, 8);
    for (u32 at = 8, from = 8; at < w->size; from = at) {
        u8 id = w->bytes[at++];
        u32 size = read_u32(w->bytes, &at);
        at += size;
        if (id != SECTION_CODE) {
            buf_bytes(out, w->bytes + from, at - from);
            continue;
        }
        Buf count = {0};
        buf_uleb(&count, n);
        buf_u8(out, id);
        buf_uleb(out, count.n + (u64)n * sizeof empty);
        buf_bytes(out, count.p, count.n);
        for (u32 i = 0; i < n; i++)
            buf_bytes(out, empty, sizeof empty);
        buf_release(&count);
    }
    return end_part(out, start);
}

/* Names and headers for tools; returns where the headers are. */
static u64 write_sections(Buf *out, const ImageHeader *h)
{
    static const char names[] = "\0.text\0.wasmtime.funcs\0.wasmtime.traps\0.wasmtime.calls\0"
                                ".wasmtime.module\0.shstrtab";
    const ImagePart parts[NSECTIONS - 2] = {h->text, h->funcs, h->traps, h->calls, h->module};
    Elf64_Shdr s[NSECTIONS] = {0};
    u32 name = 1;
    for (u32 i = 0; i < NSECTIONS - 1; i++) {
        ImagePart p = i < NSECTIONS - 2 ? parts[i] : (ImagePart){out->n, sizeof names};
        s[i + 1] = (Elf64_Shdr){.sh_name = name,
                                .sh_type = i < NSECTIONS - 2 ? SHT_PROGBITS : SHT_STRTAB,
                                .sh_flags = i == 0 ? SHF_ALLOC | SHF_EXECINSTR : 0,
                                .sh_offset = p.at,
                                .sh_size = p.size,
                                .sh_addralign = i == 0 ? TEXT_AT : 8};
        name += (u32)strlen(names + name) + 1;
    }
    buf_bytes(out, names, sizeof names);
    pad_to(out, 8);
    u64 at = out->n;
    buf_bytes(out, s, sizeof s);
    return at;
}

static Elf64_Ehdr elf_header(u64 sections)
{
    return (Elf64_Ehdr){.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                                    EV_CURRENT, IMAGE_OSABI},
                        .e_type = ET_REL,
                        .e_machine = EM_X86_64,
                        .e_version = EV_CURRENT,
                        .e_shoff = sections,
                        .e_flags = IMAGE_FLAG_MODULE,
                        .e_ehsize = sizeof(Elf64_Ehdr),
                        .e_shentsize = sizeof(Elf64_Shdr),
                        .e_shnum = NSECTIONS,
                        .e_shstrndx = NSECTIONS - 1};
}

static void write_image(const Engine *e, const Module *m, Buf *out)
{
    const WasmModule *w = module_wasm(m);
    const CodeMem *code = module_code(m);
    const Tunables *t = &e->config.tunables;
    u32 n = w->nfuncs - w->n_imported_funcs;
    ImageHeader h = {.version = IMAGE_VERSION,
                     .flags = flags_of(t),
                     .cpu = t->cpu,
                     .features = w->features,
                     .memory_reservation = t->memory_reservation,
                     .memory_guard = t->memory_guard};
    memcpy(h.magic, IMAGE_MAGIC, sizeof h.magic);
    pad_to(out, TEXT_AT);
    u8 zero[HEADER_AT + sizeof h] = {0};
    buf_bytes(out, zero, sizeof zero);
    h.text = write_text(out, code, n);
    h.funcs = write_funcs(out, code, n);
    h.traps = write_traps(out, code, n);
    h.calls = write_calls(out, code, n);
    h.module = write_module(out, w, n);
    pad_to(out, 8);
    Elf64_Ehdr elf = elf_header(write_sections(out, &h));
    h.file_size = out->n;
    memcpy(out->p, &elf, sizeof elf);
    memcpy(out->p + HEADER_AT, &h, sizeof h);
    image_seal(out->p, out->n);
}

/* True if the code is one piece, in the order of the functions, that refers to itself only. */
static bool is_movable(const CodeMem *m, u32 n)
{
    if (m->bound)
        return false;
    for (u32 i = 0; i < n; i++)
        if (m->funcs[i].func != m->first_func + i)
            return false;
    return true;
}

Error *engine_module_serialize(Engine *e, Module *m, Buf *out)
{
    const WasmModule *w = module_wasm(m);
    if (!e->config.tunables.direct_calls)
        return error_new("only modules with direct calls can be serialized");
    if (module_code(m) && !module_code(m)->slots)
        return error_new("a module that was loaded cannot be serialized again");
    Error *error = engine_module_compile(e, m);
    if (!error && module_code(m) && !is_movable(module_code(m), w->nfuncs - w->n_imported_funcs))
        error = error_new("a module that was compiled function by function cannot be serialized");
    if (!error)
        write_image(e, m, out);
    return error;
}

/* --- reading --- */

bool engine_is_compiled(const u8 *p, usize n)
{
    return n > EI_OSABI && memcmp(p, ELFMAG, SELFMAG) == 0 && p[EI_OSABI] == IMAGE_OSABI;
}

/* A file that is mapped for reading. */
typedef struct Image {
    u8 *map; /* own until a module takes it */
    u64 size, map_bytes;
    ImageHeader h;
} Image;

static Error *check_header(const Image *f)
{
    Elf64_Ehdr elf;
    if (f->size < HEADER_AT + sizeof(ImageHeader))
        return error_new("the file is too short for a compiled module");
    memcpy(&elf, f->map, sizeof elf);
    if (!engine_is_compiled(f->map, f->size) || elf.e_ident[EI_CLASS] != ELFCLASS64)
        return error_new("the file is not a compiled module");
    if (elf.e_machine != EM_X86_64)
        return error_new("Module was compiled for a different architecture");
    if (!(elf.e_flags & IMAGE_FLAG_MODULE))
        return error_new("the file holds no core module");
    if (memcmp(f->h.magic, IMAGE_MAGIC, sizeof f->h.magic) != 0)
        return error_new("Module was compiled by a different WebAssembly runtime");
    if (f->h.version != IMAGE_VERSION)
        return error_new("Module was compiled with incompatible version '%u'", f->h.version);
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

static Error *check_settings(const Engine *e, const ImageHeader *h)
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
    u32 differ = h->flags ^ flags_of(t);
    for (u32 i = 0; i < ARRAY_LEN(flag_names); i++)
        if (differ >> i & 1)
            return error_new("Module was compiled %s %s but it is%s enabled for the host",
                             h->flags >> i & 1 ? "with" : "without", flag_names[i],
                             h->flags >> i & 1 ? " not" : "");
    Error *error =
        check_setting("memory reservation", h->memory_reservation, t->memory_reservation);
    return error ? error : check_setting("memory guard size", h->memory_guard, t->memory_guard);
}

static bool part_ok(const Image *f, ImagePart p, u64 align, u64 record)
{
    return p.at % align == 0 && p.at <= f->size && p.size <= f->size - p.at && p.size % record == 0;
}

static Error *check_parts(const Image *f)
{
    const ImageHeader *h = &f->h;
    if (!part_ok(f, h->text, TEXT_AT, TEXT_AT) || h->text.at < TEXT_AT ||
        !part_ok(f, h->funcs, 4, sizeof(ImageFunc)) || !part_ok(f, h->traps, 4, sizeof(TrapSite)) ||
        !part_ok(f, h->calls, 4, sizeof(CallSite)) || !part_ok(f, h->module, 1, 1))
        return error_new("the compiled module is damaged: a part lies outside of the file");
    if (checksum_of(f->map, f->size) != h->checksum)
        return error_new("the compiled module is damaged: its checksum is wrong");
    return NULL;
}

/* The tables of the functions, pointing into the mapping; NULL if they do not add up. */
static CodeFunc *read_funcs(const Image *f, const WasmModule *w)
{
    u32 n = w->nfuncs - w->n_imported_funcs;
    const ImageHeader *h = &f->h;
    u64 traps = h->traps.size / sizeof(TrapSite), calls = h->calls.size / sizeof(CallSite);
    if (h->funcs.size != n * sizeof(ImageFunc))
        return NULL;
    const ImageFunc *rec = (const ImageFunc *)(f->map + h->funcs.at);
    const TrapSite *trap = (const TrapSite *)(f->map + h->traps.at);
    const CallSite *call = (const CallSite *)(f->map + h->calls.at);
    CodeFunc *funcs = mem_alloc_array(n, sizeof *funcs);
    u64 end = 0;
    for (u32 i = 0; i < n; i++) {
        bool ok = rec[i].at >= end && (u64)rec[i].at + rec[i].size <= h->text.size &&
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

static Error *make_module(Engine *e, Image *f, Module **ret_module)
{
    Diag diag;
    diag_init(&diag);
    DecodeOptions options = {.features = e->config.features, .skip_bodies = true, .borrow = true};
    WasmModule *w =
        module_decode(e->types, &options, f->map + f->h.module.at, f->h.module.size, &diag);
    if (!w)
        return engine_diag_error(&diag);
    CodeFunc *funcs = read_funcs(f, w);
    if (!funcs || !os_vm_protect(f->map + f->h.text.at, f->h.text.size, OS_PROT_RX)) {
        module_free(w);
        bool damaged = !funcs;
        mem_free(funcs);
        return damaged ? error_new("the compiled module is damaged: its tables do not fit")
                       : error_new("failed to make the compiled module executable");
    }
    ModuleConfig config = engine_module_config(e);
    u8 *text = f->map + f->h.text.at;
    *ret_module =
        module_new_image(w, &config, TAKE_PTR(f->map), f->map_bytes, text, f->h.text.size, funcs);
    engine_ref(e);
    mem_free(funcs);
    return NULL;
}

static Error *load(Engine *e, Image *f, Module **ret_module)
{
    if (f->size >= HEADER_AT + sizeof f->h)
        memcpy(&f->h, f->map + HEADER_AT, sizeof f->h);
    Error *error = check_header(f);
    if (!error)
        error = check_settings(e, &f->h);
    if (!error)
        error = check_parts(f);
    if (!error)
        error = make_module(e, f, ret_module);
    if (f->map)
        os_vm_release(f->map, f->map_bytes);
    return error;
}

Error *engine_module_load_fd(Engine *e, int fd, const char *label, Module **ret_module)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_size <= 0)
        return error_new("failed to read %s: it is empty or no file", label);
    Image f = {.size = (u64)st.st_size, .map_bytes = os_page_up((u64)st.st_size)};
    f.map = os_vm_map_file(NULL, f.map_bytes, fd, 0, OS_PROT_R, false);
    if (!f.map)
        return error_new("failed to map %s", label);
    return error_wrap(load(e, &f, ret_module), "failed to load compiled module %s", label);
}

Error *engine_module_load(Engine *e, const u8 *p, usize n, Module **ret_module)
{
    int fd = os_memfd("wasm-image", n, true);
    if (fd < 0 || !os_pwrite(fd, p, n, 0)) {
        os_close(fd);
        return error_new("failed to copy the compiled module to memory");
    }
    Error *error = engine_module_load_fd(e, fd, "from memory", ret_module);
    os_close(fd);
    return error;
}
