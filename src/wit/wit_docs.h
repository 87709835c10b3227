/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Documentation and gates of a package in binary form: the payload of the custom section
 * `package-docs`, which is what the tools of others read and write, too.
 */
#ifndef WIT_WIT_DOCS_H
#define WIT_WIT_DOCS_H

#include "wit/wit.h"

/* Appends the payload; nothing if there is nothing to say. */
void wit_docs_write(const WitModel *m, WitId package, Buf *out);
/* Puts what the payload says into the package; an error if it tells of what is not there. */
Error *wit_docs_read(WitModel *m, WitId package, Str payload) MUST_CHECK;

#endif
