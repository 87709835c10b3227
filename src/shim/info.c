/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * containerd asks once, and caches the answer. The features are the runtime's: what our own code
 * does not know it does.
 */
#include "shim/info.h"

#include "base/version.h"
#include "os/file.h"
#include "os/fs.h"
#include "os/vm.h"
#include "shim/child.h"
#include "shim/shim.pb-c.h"
#include "shim/ttrpc.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>

#define FEATURES "types.containerd.io/opencontainers/runtime-spec/1/features/Features"

enum { MAX_FEATURES = 1 << 20 };

static void ignore_exit(void *ctx, pid_t pid, int status)
{
    (void)ctx;
    (void)pid;
    (void)status;
}

static Error *run_runtime(int out, int *ret_status)
{
    static const char *const argv[] = {"runc", "features", NULL};
    const ChildSpec spec = {.argv = argv, .fds = {-1, out, -1, -1, -1}};
    Children children = {0};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    Error *e = children_init(&children, ignore_exit, NULL);
    return e ? e : children_run(&children, &spec, ret_status);
}

/* An older runtime, or none, has nothing to say; false then. */
static bool read_features(Buf *ret_json)
{
    int status = -1, out = os_memfd("features", 0, false);
    if (out < 0)
        return false;
    Error *e = run_runtime(out, &status);
    bool ok = !e && status == 0;
    error_free(e);
    for (usize n = 1; ok && n > 0;) {
        buf_reserve(ret_json, 65536);
        ok = os_fd_pread(out, ret_json->p + ret_json->n, 65536, ret_json->n, &n) == 0 &&
             ret_json->n + n <= MAX_FEATURES;
        ret_json->n += ok ? n : 0;
    }
    os_fd_close(out);
    json_t *json = ok ? json_loadb((const char *)ret_json->p, ret_json->n, 0, NULL) : NULL;
    ok = json_is_object(json);
    json_decref(json);
    return ok;
}

Error *info_print(void)
{
    Pb__RuntimeInfo info = PB__RUNTIME_INFO__INIT;
    Pb__RuntimeVersion version = PB__RUNTIME_VERSION__INIT;
    Pb__Any features = PB__ANY__INIT;
    Buf out = {0}, json = {0};
    info.name = (char *)SHIM_NAME;
    version.version = (char *)WASMTIME_VERSION;
    info.version = &version;
    if (read_features(&json)) {
        features.type_url = (char *)FEATURES;
        features.value = (ProtobufCBinaryData){json.n, json.p};
        info.features = &features;
    }
    message_put(&out, &info.base);
    bool ok = fwrite(out.p, 1, out.n, stdout) == out.n;
    buf_release(&out);
    buf_release(&json);
    return ok ? NULL : error_new("failed to print the information");
}
