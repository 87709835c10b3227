/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * WIT in binary form: packages as components that export a type for each interface and world, the
 * `component-type` custom sections that tell which world a core module is made for, and the world
 * of any component.
 *
 * Source: https://github.com/WebAssembly/component-model/blob/main/design/mvp/WIT.md (Package
 * Format), https://github.com/WebAssembly/tool-conventions
 */
#ifndef WIT_WIT_BINARY_H
#define WIT_WIT_BINARY_H

#include "wit/component.h"
#include "wit/wit.h"

/* Appends a package as a component. */
void wit_encode_package(const WitModel *m, WitId package, Buf *out);
/* Appends the payload of a `component-type` section for a world. */
void wit_encode_world(const WitModel *m, WitId world, StringEncoding encoding, Buf *out);

/* An error if the component cannot stand where a component of the world is wanted. */
Error *wit_check_world(const WitModel *m, WitId world, const u8 *p, usize n) MUST_CHECK;

/*
 * Collects decoded pieces into one model: what has the same name becomes one item, with the parts
 * of both.
 */
typedef struct WitBuilder WitBuilder;
/* `compatible`: imported interfaces of compatible versions become one, with the higher version. */
WitBuilder *wit_builder_new(bool compatible);
void wit_builder_free(WitBuilder *b);
/* What a component-type section holds, or a package; *ret_encoding may be NULL. All worlds in it
 * are added to a world of the name `merged` if that is not empty. */
Error *wit_builder_add(WitBuilder *b, const u8 *p, usize n, Str merged,
                       StringEncoding *ret_encoding) MUST_CHECK;
/* The component-type sections of a core module; an error if there is none and not `may_lack`. */
Error *wit_builder_add_module(WitBuilder *b, const u8 *p, usize n, Str merged, bool may_lack,
                              StringEncoding *ret_encoding) MUST_CHECK;
/* The imports and exports of a component, as the world `root:component/root`. */
Error *wit_builder_add_component(WitBuilder *b, const Component *c) MUST_CHECK;
/* Own; the builder is freed, also after an error. Its root package is the first that was added.
 * ret_names, if not NULL, gets the names of interfaces -> WitId, lower versions included;
 * map_release it before the model. */
Error *wit_builder_finish(WitBuilder *b, WitModel **ret_model, Map *ret_names) MUST_CHECK;
/* Own; the builder is freed, also after an error. Its root package is the first that was added.
 * ret_names, if not NULL, gets the names of interfaces -> WitId, lower versions included;
 * map_release it before the model. */
Error *wit_builder_finish(WitBuilder *b, WitModel **ret_model, Map *ret_names) MUST_CHECK;
/* The interface that stands for this name, which may be of a lower version; false if there is none.
 */
bool wit_builder_interface(const WitBuilder *b, Str full, WitId *ret_interface);

/* Is it a component that stands for WIT, not for code? */
bool wit_is_binary(const Component *c);
/*
 * A package, the world of a component, or that of a core module's component-type sections. Own:
 * *ret_model.
 */
Error *wit_decode(const u8 *p, usize n, WitModel **ret_model) MUST_CHECK;
/* Decodes with all parts of the component model that types need. Own. */
Error *wit_decode_component(TypeRegistry *r, const u8 *p, usize n, Component **ret) MUST_CHECK;

#endif
