;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
;; The export "" goes before _start.
(module (func (export "") (unreachable)) (func (export "_start")))
