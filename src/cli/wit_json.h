/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A WIT model as JSON. */
#ifndef CLI_WIT_JSON_H
#define CLI_WIT_JSON_H

#include "wit/wit.h"

void wit_json(const WitModel *m, Buf *out);

#endif
