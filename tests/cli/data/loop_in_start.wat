;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
(module (func $s (loop $l (br $l))) (start $s))
