/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Plugging: the exports of components, the plugs, become the imports of another one, the socket.
 * The socket's exports are those of the result; what no plug has is imported by it.
 */
#ifndef COMPOSE_PLUG_H
#define COMPOSE_PLUG_H

#include "compose/graph.h"

/*
 * Names match if they are equal, otherwise by a compatible version. A plug that matches nothing is
 * left out; if none matches, that is an error.
 */
Error *graph_plug(Graph *g, GraphPackage *socket, GraphPackage *const *plugs,
                  u32 nplugs) MUST_CHECK;

#endif
