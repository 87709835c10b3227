/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Scripts of the specification's test suite (.wast): a list of commands, read one at a time. This
 * only reads; running them is somebody else's work.
 *
 * A module in a script stays text until wast_module_binary is asked for it, so that a module that
 * is wrong on purpose is an ordinary result.
 *
 * Source: https://github.com/WebAssembly/spec/tree/main/interpreter#scripts
 */
#ifndef WASM_WAST_WAST_H
#define WASM_WAST_WAST_H

#include "wasm/text/lexer.h"
#include "wasm/text/text.h"

typedef enum WastModuleForm {
    WAST_MODULE_TEXT,
    WAST_MODULE_BINARY,
    WAST_MODULE_QUOTE,
} WastModuleForm;

typedef struct WastModule {
    u8 form;            /* WastModuleForm */
    bool is_definition; /* not to be instantiated */
    bool is_component;  /* `text` is of a component: see wast_read_components */
    Str name;           /* of the identifier, {NULL,0} without one */
    Str text;           /* in the script, with its parentheses */
    u32 offset;         /* of `text` in the script */
    u32 first, end;     /* tokens of its contents */
} WastModule;

typedef enum WastValueKind {
    WAST_VALUE_I32,
    WAST_VALUE_I64,
    WAST_VALUE_F32,
    WAST_VALUE_F64,
    WAST_VALUE_V128,
    WAST_VALUE_NULL,      /* (ref.null heap), or of any heap type if `any` */
    WAST_VALUE_EXTERN,    /* (ref.extern number), or any non-null one if `any` */
    WAST_VALUE_HOST,      /* (ref.host number): a host reference as an `any` */
    WAST_VALUE_REF,       /* (ref.struct) and so on: non-null, of heap type `heap` */
    WAST_VALUE_EITHER,    /* one of the alternatives */
    WAST_VALUE_COMPONENT, /* `component` */
} WastValueKind;

/* Values of components by the word before ".const" (options and results: all of it). */
typedef enum WastComponentKind {
#define WAST_COMPONENT(id, word, shape) WAST_COMPONENT_##id,
#include "wasm/wast/component_values.def"
#undef WAST_COMPONENT
    WAST_COMPONENT_COUNT
} WastComponentKind;

typedef struct WastComponentValue {
    u8 kind;           /* WastComponentKind */
    u64 bits;          /* bool, integers (sign-extended), floats, characters */
    Str text;          /* strings; the case of variants and enums */
    u32 n;             /* items of lists, records, tuples; flags; 0 or 1 payload */
    const Str *labels; /* of the fields of a record; of flags */
    const struct WastComponentValue *items;
} WastComponentValue;

typedef enum WastNan { WAST_NAN_NONE, WAST_NAN_CANONICAL, WAST_NAN_ARITHMETIC } WastNan;

/* An argument, or what a result must match. */
typedef struct WastValue {
    u8 kind;       /* WastValueKind */
    u8 lane_bits;  /* V128: 8 to 64 */
    bool is_float; /* V128: lanes are floats */
    bool any;
    u8 nan[4];     /* WastNan of F32 and F64 (the first) or of float lanes; their bytes are 0 */
    HeapType heap; /* HEAP_FUNC ... */
    u32 number;    /* of EXTERN and HOST */
    u8 bytes[16];  /* little endian; numbers use the first ones */
    u32 nalternatives;
    const struct WastValue *alternatives;
    const WastComponentValue *component;
} WastValue;

typedef enum WastActionKind { WAST_INVOKE, WAST_GET } WastActionKind;
typedef struct WastAction {
    u8 kind;    /* WastActionKind */
    Str module; /* name of the instance, {NULL,0} for the last one */
    Str name;   /* of the export */
    u32 nargs;
    const WastValue *args;
} WastAction;

typedef enum WastKind {
    WAST_MODULE,                  /* module: instantiate it (unless it is a definition) */
    WAST_INSTANCE,                /* name: an instance of the definition `of` */
    WAST_REGISTER,                /* message: the name to import from; name: of the instance */
    WAST_ACTION,                  /* action */
    WAST_ASSERT_RETURN,           /* action, results */
    WAST_ASSERT_TRAP,             /* action or module (has_module), message */
    WAST_ASSERT_EXHAUSTION,       /* action, message */
    WAST_ASSERT_EXCEPTION,        /* action */
    WAST_ASSERT_SUSPENSION,       /* action, message */
    WAST_ASSERT_MALFORMED,        /* module, message */
    WAST_ASSERT_INVALID,          /* module, message */
    WAST_ASSERT_UNLINKABLE,       /* module, message */
    WAST_ASSERT_MALFORMED_CUSTOM, /* module, message */
    WAST_ASSERT_INVALID_CUSTOM,   /* module, message */
    WAST_THREAD,                  /* name, body: a script for a thread of its own */
    WAST_WAIT,                    /* name: of the thread */
} WastKind;

/* Valid until the next wast_next. */
typedef struct WastCommand {
    u8 kind; /* WastKind */
    u32 offset, line;
    bool has_module;
    WastModule module;
    WastAction action;
    u32 nresults;
    const WastValue *results;
    Str message;
    Str name, of;
    Str body;
    u32 nshared;       /* of a thread: the modules that it shares */
    const Str *shared; /* their names */
} WastCommand;

/* Heap; the source is borrowed. */
typedef struct WastScript WastScript;
WastScript *wast_open(Str source);
void wast_close(WastScript *s);
/* False at the end, or with *diag set (offset in the source) if a command is malformed. */
bool wast_next(WastScript *s, WastCommand *ret_command, Diag *diag);
/*
 * Translates the definitions of a component, which stand between two tokens. As
 * component_text_parse_fields of a layer above this one.
 */
typedef bool WastComponentReader(Lexer *l, u32 first, u32 end, Str name, const TextOptions *o,
                                 Buf *ret_binary, TextMap *ret_map, Diag *diag);
/* Without a reader, components that are text are unsupported. */
void wast_read_components(WastScript *s, WastComponentReader *reader);
/*
 * The bytes of the module or component (not yet decoded). False with *diag set if its text is
 * malformed; the offset is in the script. ret_map may be NULL; it is empty unless the form is
 * WAST_MODULE_TEXT.
 */
bool wast_module_binary(WastScript *s, const WastModule *m, Buf *ret_binary, TextMap *ret_map,
                        Diag *diag);

#endif
