/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The version of Wasmtime whose behaviour this program shows. One place for the whole tree. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define WASMTIME_VERSION "48.0.8"

#endif
