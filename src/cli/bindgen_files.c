/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writing of bindings to a directory. */
#include "cli/bindgen_files.h"

#include "bindgen/bindgen.h"
#include "cli/file.h"
#include "wit/wit_binary.h"

#include <stdio.h>

static Error *write_one(const char *dir, const char *name, const char *suffix, const Buf *b,
                        bool say)
{
    Buf path = {0};
    buf_printf(&path, "%s/%s%s", dir, name, suffix);
    char *z = buf_take_string(&path);
    Error *e = file_write(z, b->p, b->n);
    if (!e && say)
        fprintf(stderr, "Wrote %s\n", z);
    mem_free(z);
    return e;
}

Error *bindgen_write_files(const WitModel *m, WitId world, const char *dir, bool say)
{
    BindgenOutput o = {0};
    Buf type = {0}, object = {0};
    Error *e = bindgen_c(m, world, &o);
    if (e)
        return error_wrap(e, "no bindings for the world `%.*s`", STR_ARG(m->worlds[world].name));
    wit_encode_world(m, world, STRING_UTF8, &type);
    bindgen_object(m->worlds[world].name, o.name, (Str){(const char *)type.p, type.n}, &object);
    e = file_make_folder(dir);
    if (!e)
        e = write_one(dir, o.name, ".h", &o.header, say);
    if (!e)
        e = write_one(dir, o.name, ".c", &o.source, say);
    if (!e)
        e = write_one(dir, o.name, "_component_type.o", &object, say);
    bindgen_release(&o);
    buf_release(&type);
    buf_release(&object);
    return e;
}
