/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Compiled files: writing. */
#include "engine/image_priv.h"

#include <elf.h>

enum { NSECTIONS = 8 }; /* null, .text, five tables, .shstrtab */

static_assert(sizeof(Elf64_Ehdr) == IMAGE_HEADER_AT, "the header is behind that of ELF");

u32 image_flags(const Tunables *t)
{
    return (u32)t->memory_may_move | (u32)t->signal_traps << 1 | (u32)t->fuel << 2 |
           (u32)t->epoch << 3 | (u32)t->nan_canonicalization << 4 |
           (u32)t->relaxed_simd_deterministic << 5;
}

void engine_compatibility(const EngineConfig *c, Buf *out)
{
    const Tunables *t = &c->tunables;
    buf_printf(out, "%u %x %llx %llx %llx %llx", IMAGE_VERSION, image_flags(t),
               (unsigned long long)t->cpu, (unsigned long long)c->features,
               (unsigned long long)t->memory_reservation, (unsigned long long)t->memory_guard);
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

u64 image_checksum(const u8 *file, usize n)
{
    usize field = IMAGE_HEADER_AT + offsetof(ImageHeader, checksum), behind = field + sizeof(u64);
    return checksum_add(checksum_add(n, file, field), file + behind, n - behind);
}

void image_seal(u8 *file, usize n)
{
    store_u64(file + IMAGE_HEADER_AT + offsetof(ImageHeader, checksum), image_checksum(file, n));
}

/* --- writing --- */

static void pad_to(Buf *out, usize align)
{
    static const u8 zeros[IMAGE_TEXT_ALIGN];
    usize n = align_up(out->n, align) - out->n;
    buf_bytes(out, zeros, n);
}

static ImagePart end_part(const Buf *out, usize start)
{
    return (ImagePart){start, out->n - start};
}

static u32 defined_funcs(const Module *m)
{
    const WasmModule *w = module_wasm(m);
    return w->nfuncs - w->n_imported_funcs;
}

static ImagePart write_text(Buf *out, const Module *module)
{
    const CodeMem *m = module_code(module);
    u32 n = defined_funcs(module);
    usize start = out->n;
    u32 base = n ? m->funcs[0].at : 0;
    if (n)
        buf_bytes(out, m->text + base, m->funcs[n - 1].at + m->funcs[n - 1].size - base);
    pad_to(out, IMAGE_TEXT_ALIGN);
    return end_part(out, start);
}

static ImagePart write_funcs(Buf *out, const Module *module)
{
    const CodeMem *m = module_code(module);
    u32 n = defined_funcs(module);
    usize start = out->n;
    for (u32 i = 0; i < n; i++) {
        const CodeFunc *f = &m->funcs[i];
        ImageFunc rec = {f->at - m->funcs[0].at, f->size, f->ntraps, f->ncalls};
        buf_bytes(out, &rec, sizeof rec);
    }
    return end_part(out, start);
}

static ImagePart write_traps(Buf *out, const Module *module)
{
    const CodeMem *m = module_code(module);
    u32 n = defined_funcs(module);
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

static ImagePart write_calls(Buf *out, const Module *module)
{
    const CodeMem *m = module_code(module);
    u32 n = defined_funcs(module);
    usize start = out->n;
    for (u32 i = 0; i < n; i++)
        buf_bytes(out, m->funcs[i].calls, m->funcs[i].ncalls * sizeof(CallSite));
    return end_part(out, start);
}

/* What is compiled: a module, or a component with its modules. */
typedef struct ImageSource {
    const u8 *wasm;
    usize size;
    FeatureSet features;
    u32 elf_flags, nmodules;
    Module *const *modules;
} ImageSource;

/* The same table of each module, one behind the other; `part` says where to note a module's. */
typedef ImagePart (*WriteTable)(Buf *out, const Module *m);

static ImagePart write_tables(Buf *out, const ImageSource *s, WriteTable write, ImageModule *recs,
                              usize part)
{
    usize start = out->n;
    for (u32 i = 0; i < s->nmodules; i++) {
        ImagePart p = write(out, s->modules[i]);
        memcpy((u8 *)&recs[i] + part, &p, sizeof p);
    }
    return end_part(out, start);
}

static void write_parts(Buf *out, const ImageSource *s, ImageHeader *h)
{
    ImageModule *recs = mem_alloc_array(MAX(s->nmodules, 1), sizeof *recs);
    pad_to(out, IMAGE_TEXT_ALIGN);
    h->text = write_tables(out, s, write_text, recs, offsetof(ImageModule, text));
    h->funcs = write_tables(out, s, write_funcs, recs, offsetof(ImageModule, funcs));
    h->traps = write_tables(out, s, write_traps, recs, offsetof(ImageModule, traps));
    h->calls = write_tables(out, s, write_calls, recs, offsetof(ImageModule, calls));
    for (u32 i = 0; i < s->nmodules; i++)
        recs[i].file_at = module_wasm(s->modules[i])->file_at;
    pad_to(out, 8);
    usize start = out->n;
    buf_bytes(out, recs, s->nmodules * sizeof *recs);
    h->modules = end_part(out, start);
    start = out->n;
    image_strip(s->wasm, s->size, out);
    h->wasm = end_part(out, start);
    pad_to(out, 8);
    mem_free(recs);
}

/* Names and headers for tools; returns where the headers are. */
static u64 write_sections(Buf *out, const ImageHeader *h)
{
    static const char names[] = "\0.text\0.wasmtime.funcs\0.wasmtime.traps\0.wasmtime.calls\0"
                                ".wasmtime.modules\0.wasmtime.wasm\0.shstrtab";
    const ImagePart parts[NSECTIONS - 2] = {h->text,  h->funcs,   h->traps,
                                            h->calls, h->modules, h->wasm};
    Elf64_Shdr s[NSECTIONS] = {0};
    u32 name = 1;
    for (u32 i = 0; i < NSECTIONS - 1; i++) {
        ImagePart p = i < NSECTIONS - 2 ? parts[i] : (ImagePart){out->n, sizeof names};
        s[i + 1] = (Elf64_Shdr){.sh_name = name,
                                .sh_type = i < NSECTIONS - 2 ? SHT_PROGBITS : SHT_STRTAB,
                                .sh_flags = i == 0 ? SHF_ALLOC | SHF_EXECINSTR : 0,
                                .sh_offset = p.at,
                                .sh_size = p.size,
                                .sh_addralign = i == 0 ? IMAGE_TEXT_ALIGN : 8};
        name += (u32)strlen(names + name) + 1;
    }
    buf_bytes(out, names, sizeof names);
    pad_to(out, 8);
    u64 at = out->n;
    buf_bytes(out, s, sizeof s);
    return at;
}

static Elf64_Ehdr elf_header(u32 flags, u64 sections)
{
    return (Elf64_Ehdr){.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                                    EV_CURRENT, IMAGE_OSABI},
                        .e_type = ET_REL,
                        .e_machine = EM_X86_64,
                        .e_version = EV_CURRENT,
                        .e_shoff = sections,
                        .e_flags = flags,
                        .e_ehsize = sizeof(Elf64_Ehdr),
                        .e_shentsize = sizeof(Elf64_Shdr),
                        .e_shnum = NSECTIONS,
                        .e_shstrndx = NSECTIONS - 1};
}

static void write_image(const Engine *e, const ImageSource *s, Buf *out)
{
    const Tunables *t = &e->config.tunables;
    ImageHeader h = {.version = IMAGE_VERSION,
                     .flags = image_flags(t),
                     .cpu = t->cpu,
                     .features = s->features,
                     .memory_reservation = t->memory_reservation,
                     .memory_guard = t->memory_guard};
    memcpy(h.magic, IMAGE_MAGIC, sizeof h.magic);
    u8 zero[IMAGE_HEADER_AT + sizeof h] = {0};
    buf_bytes(out, zero, sizeof zero);
    write_parts(out, s, &h);
    Elf64_Ehdr elf = elf_header(s->elf_flags, write_sections(out, &h));
    h.file_size = out->n;
    memcpy(out->p, &elf, sizeof elf);
    memcpy(out->p + IMAGE_HEADER_AT, &h, sizeof h);
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

/* All code of the module, such that it can go to a file. */
MUST_CHECK static Error *compile_for_file(Engine *e, Module *m)
{
    if (module_code(m) && !module_code(m)->slots)
        return error_new("a module that was loaded cannot be serialized again");
    Error *error = engine_module_compile(e, m);
    if (!error && module_code(m) && !is_movable(module_code(m), defined_funcs(m)))
        error = error_new("a module that was compiled function by function cannot be serialized");
    return error;
}

MUST_CHECK static Error *serialize(Engine *e, const ImageSource *s, Buf *out)
{
    Error *error = NULL;
    if (!e->config.tunables.direct_calls)
        return error_new("only modules with direct calls can be serialized");
    for (u32 i = 0; i < s->nmodules && !error; i++)
        error = compile_for_file(e, s->modules[i]);
    if (!error)
        write_image(e, s, out);
    return error;
}

Error *engine_module_serialize(Engine *e, Module *m, Buf *out)
{
    const WasmModule *w = module_wasm(m);
    return serialize(e, &(ImageSource){w->bytes, w->size, w->features, IMAGE_FLAG_MODULE, 1, &m},
                     out);
}

Error *engine_component_serialize(Engine *e, const u8 *p, usize n, Module *const *modules,
                                  u32 nmodules, Buf *out)
{
    return serialize(
        e, &(ImageSource){p, n, e->config.features, IMAGE_FLAG_COMPONENT, nmodules, modules}, out);
}
