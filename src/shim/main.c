/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * containerd-shim-wasmtime-v1: between containerd and containers with WebAssembly programs. Also
 * the program inside those containers ("--guest", "--held-guest"), and the compiler for them
 * ("--precompile", "--check"), and the beginning of the OCI runtime ("--with-parent").
 */
#include "base/version.h"
#include "shim/guest.h"
#include "shim/info.h"
#include "shim/precompile.h"
#include "shim/start.h"

#include <stdio.h>

static Error *run(const ShimFlags *f)
{
    if (f->version) {
        printf("containerd-shim-wasmtime-v1:\n  Runtime: " SHIM_NAME "\n  Version: %s\n",
               WASMTIME_VERSION);
        return NULL;
    }
    if (f->info)
        return info_print();
    if (strcmp(f->action, "start") == 0)
        return shim_start(f);
    if (strcmp(f->action, "delete") == 0)
        return shim_delete(f);
    return error_new_kind(ERROR_USAGE, 2, "unknown action: `%s`", f->action);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--guest") == 0)
        return guest_main(false, argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "--held-guest") == 0)
        return guest_main(true, argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "--precompile") == 0)
        return precompile_main(true, argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "--check") == 0)
        return precompile_main(false, argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "--with-parent") == 0)
        return child_main(argc - 2, argv + 2);
    ShimFlags f;
    Error *e = shim_flags_parse(&f, argc, argv);
    if (!e)
        e = run(&f);
    if (!e)
        return fflush(stdout) == 0 ? 0 : 1;
    Buf text = {0};
    error_format(e, &text);
    fwrite(text.p, 1, text.n, stderr);
    buf_release(&text);
    int status = error_find(e, ERROR_USAGE) ? 2 : 1;
    error_free(e);
    return status;
}
