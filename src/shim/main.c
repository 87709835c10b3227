/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * containerd-shim-wasmtime-v1: between containerd and containers with WebAssembly programs. Also
 * the program inside those containers ("--guest"), and the compiler for them ("--precompile").
 */
#include "base/version.h"
#include "shim/guest.h"
#include "shim/precompile.h"
#include "shim/shim.pb-c.h"
#include "shim/start.h"
#include "shim/ttrpc.h"

#include <stdio.h>

#define NAME "io.containerd.wasmtime.v1"

static Error *print_info(void)
{
    Pb__RuntimeInfo info = PB__RUNTIME_INFO__INIT;
    Pb__RuntimeVersion version = PB__RUNTIME_VERSION__INIT;
    Buf out = {0};
    info.name = (char *)NAME;
    version.version = (char *)WASMTIME_VERSION;
    info.version = &version;
    message_put(&out, &info.base);
    bool ok = fwrite(out.p, 1, out.n, stdout) == out.n;
    buf_release(&out);
    return ok ? NULL : error_new("failed to print the information");
}

static Error *run(const ShimFlags *f)
{
    if (f->version) {
        printf("containerd-shim-wasmtime-v1:\n  Runtime: " NAME "\n  Version: %s\n",
               WASMTIME_VERSION);
        return NULL;
    }
    if (f->info)
        return print_info();
    if (strcmp(f->action, "start") == 0)
        return shim_start(f);
    if (strcmp(f->action, "delete") == 0)
        return shim_delete(f);
    if (*f->action)
        return error_new_kind(ERROR_USAGE, 2, "unknown action: %s", f->action);
    return shim_serve(f);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--guest") == 0)
        return guest_main(argc - 2, argv + 2);
    if (argc > 1 && strcmp(argv[1], "--precompile") == 0)
        return precompile_main(argc - 2, argv + 2);
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
