/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Benchmarks of components within a process. */
#ifndef BENCH_COMPONENT_H
#define BENCH_COMPONENT_H

/* Calls of the component whose text is in that file. */
int bench_component(const char *path);
/* Decoding and validating the binary component in that file; "DECODENS n" on stderr. */
int bench_component_decode(const char *path);

#endif
