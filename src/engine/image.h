/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The compiled file: an ELF object for x86-64 that is mapped and run as it is. It holds a core
 * module, or a component with its modules in the order of their definitions.
 *
 *     ELF header, image header
 *     .text                 page-aligned, one module's after the other; functions in order, direct
 *                           calls resolved
 *     .wasmtime.funcs       ImageFunc, one a defined function; module by module, as what follows
 *     .wasmtime.traps       TrapSite, by function
 *     .wasmtime.calls       CallSite, by function
 *     .wasmtime.modules     ImageModule: a module's share of the parts above
 *     .wasmtime.wasm        the bytes of the module or component with empty function bodies
 *     .shstrtab, section headers
 *
 * Everything is little-endian and naturally aligned. The image header says where the parts are;
 * the section headers say it again for tools. A file is refused unless version, processor and
 * settings fit and its checksum is right.
 */
#ifndef ENGINE_IMAGE_H
#define ENGINE_IMAGE_H

#include "base/base.h"

/* Raised with every change of this file, of abi/ or of generated code. */
#define IMAGE_VERSION 6u
#define IMAGE_MAGIC "WTCIMAGE"

enum {
    IMAGE_OSABI = 200, /* what Wasmtime marks its files with */
    /* e_flags: what is in it */
    IMAGE_FLAG_MODULE = 1,
    IMAGE_FLAG_COMPONENT = 2,
};

/* A range of the file. */
typedef struct ImagePart {
    u64 at, size; /* bytes */
} ImagePart;

typedef struct ImageFunc {
    u32 at, size; /* in .text */
    u32 ntraps, ncalls;
} ImageFunc;

typedef struct ImageModule {
    ImagePart text, funcs, traps, calls;
    u64 file_at; /* WasmModule.file_at of what was compiled; the bytes here are shorter */
} ImageModule;

typedef struct ImageHeader {
    char magic[8];
    u32 version;
    u32 flags;    /* settings that are yes or no */
    u64 checksum; /* of the whole file with this field zero */
    u64 file_size;
    u64 cpu, features;
    u64 memory_reservation, memory_guard;
    ImagePart text, funcs, traps, calls, modules, wasm;
} ImageHeader;

/* Puts the checksum into a file of at least the two headers: when it is written, and by tests that
 * change one. */
void image_seal(u8 *file, usize n);

#endif
