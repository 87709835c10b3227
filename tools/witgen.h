/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The bindings generator: WIT in, C out. For each interface of a folder wit/NAME a header
 * NAME_IFACE.h (C types and the prototypes of the host functions, with `-` as `_`) and a source
 * (glue between the canonical ABI and these prototypes; descriptors).
 */
#ifndef TOOLS_WITGEN_H
#define TOOLS_WITGEN_H

#include "base/buf.h"
#include "base/map.h"
#include "wit/wit_flat.h"

enum {
    NEED_LOAD = 1,
    NEED_FLAT = 2,
    NEED_STORE = 4,
    NEED_DROP = 8
}; /* functions of a type in one source */

typedef struct Gen {
    const WitModel *m;
    Str *prefixes;       /* of each package: "wasi_io" */
    bool *imported;      /* of each interface: by a world, so that the host implements it */
    u32 *sizes, *aligns; /* of each type */
    /* Per interface: */
    WitId interface;
    Buf out;
    u8 *needs;   /* of each type: NEED_... */
    Map emitted; /* what is written already, by name */
    Arena arena; /* of names */
} Gen;

/* --- names --- */
void gen_snake(Buf *out, Str name);  /* "input_stream" */
void gen_upper(Buf *out, Str name);  /* "INPUT_STREAM" */
void gen_pascal(Buf *out, Str name); /* "InputStream" */
void gen_ident(Buf *out, Str name);  /* as gen_snake; no keyword of C */
/* "wasi_io_streams" */
void gen_interface_name(const Gen *g, WitId interface, Buf *out);
/* The C type of values of the type: "u32", "WasiIoStreamsStreamError", "... *" for handles. */
void gen_ctype(const Gen *g, WitId type, Buf *out);
/* The prefix of a type's constants: "WASI_IO_STREAMS_STREAM_ERROR_". */
void gen_constants(const Gen *g, WitId type, Buf *out);
/* The descriptor of the resource behind a handle: "wasi_io_streams_input_stream_type". */
void gen_resource(const Gen *g, WitId handle, Buf *out);
void gen_func_name(const Gen *g, const WitFunc *f, Buf *out);

/* --- the canonical ABI --- */
void gen_layout(Gen *g); /* sizes and aligns */
u32 gen_payload_offset(const Gen *g, const WitType *t);
/* Same bytes in guest memory and in C, any of which are good. */
bool gen_is_plain(const Gen *g, WitId type);
/* Passed to host functions by value. */
bool gen_by_value(const Gen *g, WitId type);

/* Of a function's type: LiftFunc.type. */
u64 gen_type_hash(const Gen *g, const WitFunc *f);

/* --- output, into g->out --- */
void gen_header(Gen *g);
void gen_source(Gen *g);
void gen_prototype(const Gen *g, const WitFunc *f, Buf *out);
/* The C expression of case i of `v` (a pointer), as "v->as.name". */
void gen_case_path(const Gen *g, const WitType *t, u32 i, Buf *out);

#endif
