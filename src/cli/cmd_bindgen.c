/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `wasmtime component bindgen c WIT`: header, source and component-type object of a world. */
#include "cli/bindgen_files.h"
#include "cli/component_io.h"

Error *cmd_component_bindgen(CmdLine *c, int *ret_status)
{
    const char *dir = cmdline_value(c, FLAG_out_dir);
    WitModel *m = NULL;
    WitId world = WIT_NONE;
    if (strcmp(c->args.p[0], "c") != 0)
        return error_new_kind(ERROR_USAGE, 0,
                              "invalid value '%s' for '<LANGUAGE>'\n  [possible values: c]",
                              c->args.p[0]);
    Error *e = component_read_wit(c, c->args.p[1], &m);
    if (!e)
        e = component_world(c, m, &world);
    if (!e)
        e = bindgen_write_files(m, world, dir ? dir : ".", true);
    wit_free(m);
    *ret_status = 0;
    return e;
}
