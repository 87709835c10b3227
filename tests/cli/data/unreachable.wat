;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
(module (func $main (export "_start") (unreachable)))
