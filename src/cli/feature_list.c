/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lists of proposals: names, a minus in front of those that are refused, and names of many. */
#include "cli/feature_list.h"

typedef struct FeatureName {
    const char *name;
    FeatureList set;
} FeatureName;

#define CORE(id) FEATURE_MASK(id)
#define WASM1 (CORE(MVP) | CORE(MUTABLE_GLOBALS) | CORE(FLOATS))
#define WASM2                                                                                      \
    (WASM1 | CORE(SIGN_EXTENSION) | CORE(SAT_FLOAT_TO_INT) | CORE(MULTI_VALUE) |                   \
     CORE(BULK_MEMORY) | CORE(REFERENCE_TYPES) | CORE(SIMD))
#define WASM3                                                                                      \
    (WASM2 | CORE(RELAXED_SIMD) | CORE(TAIL_CALL) | CORE(EXTENDED_CONST) | CORE(MULTI_MEMORY) |    \
     CORE(MEMORY64) | CORE(FUNCTION_REFERENCES) | CORE(GC) | CORE(EXCEPTIONS))

/* A component's parts go by cm-NAME, too: see find_name. */
static const FeatureName names[] = {
    {"component-model", {0, 0, true}},
    {"mutable-global", {CORE(MUTABLE_GLOBALS), 0, false}},
    {"sign-extension", {CORE(SIGN_EXTENSION), 0, false}},
    {"saturating-float-to-int", {CORE(SAT_FLOAT_TO_INT), 0, false}},
    {"floats", {CORE(FLOATS), 0, false}},
#define FEATURE(id, name, on, all) {name, {CORE(id), 0, false}},
#include "wasm/features.def"
#undef FEATURE
#define COMPONENT_FEATURE(id, name, on, text) {name, {0, COMPONENT_FEATURE_MASK(id), false}},
#include "wit/component_features.def"
#undef COMPONENT_FEATURE
};

/* These stand alone: what was on before goes. */
static const FeatureName versions[] = {{"mvp", {WASM1, 0, false}},
                                       {"wasm1", {WASM1, 0, false}},
                                       {"wasm2", {WASM2, 0, false}},
                                       {"wasm3", {WASM3, 0, false}}};

FeatureList feature_list_default(void)
{
    return (FeatureList){features_default(), component_features_default(), true};
}

FeatureList feature_list_all(void)
{
    return (FeatureList){~(FeatureSet)0, ~(ComponentFeatures)0, true};
}

static bool find_name(Str s, FeatureList *ret)
{
    static const Str prefix = {"component-model-", 16}, alias = {"cm-", 3};
    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        Str name = str_of(names[i].name), rest = {name.p + prefix.n, name.n - prefix.n};
        bool short_name = str_starts(name, prefix) && s.n == rest.n + alias.n &&
                          str_starts(s, alias) && memcmp(s.p + alias.n, rest.p, rest.n) == 0;
        if (name.n && (str_eq(name, s) || short_name)) {
            *ret = names[i].set;
            return true;
        }
    }
    *ret = feature_list_all();
    return str_eq(s, STR("all"));
}

static Error *unknown(Str s)
{
    Buf known = {0};
    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].name[0])
            buf_printf(&known, "%s, ", names[i].name);
    for (u32 i = 0; i < ARRAY_LEN(versions); i++)
        buf_printf(&known, "%s, ", versions[i].name);
    Error *e = error_new_kind(ERROR_USAGE, 0, "there is no proposal `%.*s`; these are: %.*sall",
                              STR_ARG(s), (int)known.n, (const char *)known.p);
    buf_release(&known);
    return e;
}

static Error *apply(FeatureList *l, Str s)
{
    FeatureList set;
    for (u32 i = 0; i < ARRAY_LEN(versions); i++)
        if (str_eq(s, str_of(versions[i].name))) {
            *l = versions[i].set;
            return NULL;
        }
    bool off = s.n && s.p[0] == '-';
    if (!s.n)
        return NULL;
    Str name = {s.p + off, s.n - off};
    if (!find_name(name, &set))
        return unknown(name);
    l->core = off ? l->core & ~set.core : l->core | set.core;
    l->component = off ? l->component & ~set.component : l->component | set.component;
    l->components = off ? l->components && !set.components : l->components || set.components;
    return NULL;
}

Error *feature_list_apply(FeatureList *l, const char *text)
{
    Error *e = NULL;
    while (!e) {
        usize n = strcspn(text, ",");
        e = apply(l, (Str){text, n});
        if (!text[n])
            break;
        text += n + 1;
    }
    return e;
}
