/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Components from text, and what a composition of them imports and exports. */
#ifndef TESTS_UNIT_COMPOSE_FIXTURE_H
#define TESTS_UNIT_COMPOSE_FIXTURE_H

#include "compose/graph.h"
#include "unit/test.h"

/* The text must be a valid component. */
GraphPackage *compose_package(Graph *g, const char *name, const char *text);
/* Own: the composition's imports and exports, one line each: "import a:b/c@1.0.0: ...". */
char *compose_interface(Graph *g);
/* The error's chain must have that text in it; frees the error. */
void compose_expect_error(const char *file, int line, Error *e, const char *part);
#define EXPECT_COMPOSE_ERROR(e, part) compose_expect_error(__FILE__, __LINE__, (e), (part))
/* There must be no error. */
void compose_ok(const char *file, int line, Error *e);
#define EXPECT_COMPOSE_OK(e) compose_ok(__FILE__, __LINE__, (e))

#endif
