/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lists of proposals as `wasm-tools validate --features` takes them. */
#ifndef CLI_FEATURE_LIST_H
#define CLI_FEATURE_LIST_H

#include "base/error.h"
#include "wit/component.h"

typedef struct FeatureList {
    FeatureSet core;
    ComponentFeatures component;
    bool components; /* are there any? */
} FeatureList;

FeatureList feature_list_default(void);
FeatureList feature_list_all(void);
/* Changes the list by "gc,-simd,cm-async"; NULL, or an error that says what there is. Own. */
Error *feature_list_apply(FeatureList *l, const char *text) MUST_CHECK;

#endif
