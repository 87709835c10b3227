/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the decoder share. Private to the folder, but for the reader of components. */
#ifndef WASM_DECODE_H
#define WASM_DECODE_H

#include "wasm/validate.h"

/* Section ids; also CustomSection.after. */
typedef enum SectionId {
    SECTION_CUSTOM,
    SECTION_TYPE,
    SECTION_IMPORT,
    SECTION_FUNCTION,
    SECTION_TABLE,
    SECTION_MEMORY,
    SECTION_GLOBAL,
    SECTION_EXPORT,
    SECTION_START,
    SECTION_ELEMENT,
    SECTION_CODE,
    SECTION_DATA,
    SECTION_DATA_COUNT,
    SECTION_TAG,
    SECTION_COUNT
} SectionId;

typedef struct Decoder {
    Reader r;
    WasmModule *m;
    Validator *v;
    u32 data_count; /* of the data count section */
    u32 nbodies;    /* of the code section */
    u8 last;        /* SectionId: last section that was not custom */
    VEC(CustomSection) customs;
} Decoder;

void decode_types(Decoder *d);
void decode_imports(Decoder *d);
void decode_functions(Decoder *d);
void decode_tables(Decoder *d);
void decode_memories(Decoder *d);
void decode_tags(Decoder *d);
void decode_globals(Decoder *d);
void decode_exports(Decoder *d);
void decode_start(Decoder *d);
void decode_elements(Decoder *d);
void decode_code(Decoder *d);
void decode_data(Decoder *d);
/* Of a module that is complete: which tables are common, and which functions escape by elements. */
void decode_common_tables(Decoder *d);

/*
 * The types of imports at the reader's place; a component's reader calls them, too, with a module
 * that holds the core types of a scope.
 */
u32 decode_func_type_index(Decoder *d); /* canonical id */
TableType decode_table_type(Decoder *d);
MemoryType decode_memory_type(Decoder *d);
GlobalType decode_global_type(Decoder *d);
u32 decode_tag_type(Decoder *d);
/* One recursive group, added to the module's types, which have room for *cap. */
void decode_type_group(Decoder *d, u32 *cap);

/* The index names a defined or imported item of the kind; an error otherwise. */
bool decode_index(Decoder *d, ExternKind kind, u32 index, const u8 *at);
/* Which functions can be referred to, a byte each; made when the functions are known. */
u8 *decode_escapes(Decoder *d);

#endif
