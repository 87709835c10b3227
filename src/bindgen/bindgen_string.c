/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The string type of a world and its functions. */
#include "bindgen/bindgen_priv.h"

void bindgen_string_type(const Bindgen *g, Buf *out)
{
    buf_printf(out,
               "typedef struct %.*s_string_t {\n  uint8_t *ptr;\n  size_t len;\n} "
               "%.*s_string_t;\n\n",
               TEXT_ARG(g->world), TEXT_ARG(g->world));
}

/* `%` stands for the name of the world. */
static void put_template(const Bindgen *g, const char *text, Buf *out)
{
    for (const char *s = text; *s; s++) {
        if (*s == '%')
            buf_str(out, g->world);
        else
            buf_u8(out, (u8)*s);
    }
}

void bindgen_string_helpers(const Bindgen *g, Buf *out)
{
    put_template(g,
                 "// Makes `ret` the C string `s`, which is not copied\n"
                 "void %_string_set(%_string_t *ret, const char *s);\n\n"
                 "// Makes `ret` a copy of the C string `s`\n"
                 "void %_string_dup(%_string_t *ret, const char *s);\n\n"
                 "// Makes `ret` a copy of the `len` bytes at `s`\n"
                 "void %_string_dup_n(%_string_t *ret, const char *s, size_t len);\n\n"
                 "// Frees what the string holds; it is empty then\n"
                 "void %_string_free(%_string_t *ret);\n",
                 out);
}

void bindgen_string_source(const Bindgen *g, Buf *out)
{
    put_template(g,
                 "void %_string_set(%_string_t *ret, const char *s) {\n"
                 "  ret->ptr = (uint8_t *) s;\n  ret->len = strlen(s);\n}\n\n"
                 "void %_string_dup(%_string_t *ret, const char *s) {\n"
                 "  %_string_dup_n(ret, s, strlen(s));\n}\n\n"
                 "void %_string_dup_n(%_string_t *ret, const char *s, size_t len) {\n"
                 "  ret->len = len;\n  ret->ptr = cabi_realloc(NULL, 0, 1, len);\n"
                 "  memcpy(ret->ptr, s, len);\n}\n\n"
                 "void %_string_free(%_string_t *ret) {\n  if (ret->len > 0) {\n"
                 "    free(ret->ptr);\n  }\n  ret->ptr = NULL;\n  ret->len = 0;\n}\n\n",
                 out);
}
