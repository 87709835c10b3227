;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
(; a component ;) ( ;; in an odd layout
component)
