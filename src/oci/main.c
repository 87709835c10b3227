/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * oci-tar-builder: packs WebAssembly modules and components as a container image. Exit codes: 0,
 * 1 if the image could not be made, 2 if the command line is wrong.
 */
#include "base/version.h"
#include "oci/image.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char help_text[] =
    "Pack WebAssembly modules and components as a container image\n"
    "\n"
    "Usage: oci-tar-builder --name <NAME> --tag <TAG> --repo <REPO> --out-path <FILE>\n"
    "                       <--module <FILE>...|--components <DIR>> [--layer <TYPE=FILE>]...\n"
    "\n"
    "Options:\n"
    "  -n, --name <NAME>        Name of the image\n"
    "  -t, --tag <TAG>          Tag of the image\n"
    "  -r, --repo <REPO>        Repository in front of the name; a port is allowed\n"
    "  -m, --module <FILE>      A module or a component; may be repeated\n"
    "  -c, --components <DIR>   All *.wasm files of a directory, in the order of their names\n"
    "  -l, --layer <TYPE=FILE>  A layer of any media type; may be repeated\n"
    "  -o, --out-path <FILE>    The archive; its folders are made\n"
    "  -a, --as-artifact        Make a WebAssembly OCI artifact instead of an image\n"
    "  -h, --help               Print this help\n"
    "  -V, --version            Print the version\n"
    "\n"
    "SOURCE_DATE_EPOCH gives the time that an artifact says it was created at.\n";

/* clang-format off */
static const struct option long_options[] = {
    {"name", required_argument, NULL, 'n'},
    {"tag", required_argument, NULL, 't'},
    {"repo", required_argument, NULL, 'r'},
    {"module", required_argument, NULL, 'm'},
    {"layer", required_argument, NULL, 'l'},
    {"components", required_argument, NULL, 'c'},
    {"out-path", required_argument, NULL, 'o'},
    {"as-artifact", no_argument, NULL, 'a'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};
/* clang-format on */

/* All strings are borrowed from the command line. */
typedef struct Args {
    const char *name, *tag, *repo, *components, *out_path;
    VEC(const char *) modules, layers;
    bool as_artifact;
    bool done; /* help or version were printed */
} Args;

static Error *usage(const char *what, const char *which)
{
    return error_new_kind(ERROR_USAGE, 2, "%s%s; see `oci-tar-builder --help`", what, which);
}

static Error *set_once(const char **option, const char *name)
{
    if (*option)
        return usage("this option is given more than once: --", name);
    if (!*optarg)
        return usage("this option needs a value that is not empty: --", name);
    *option = optarg;
    return NULL;
}

static Error *take_option(Args *a, int c, const char *program)
{
    switch (c) {
    case 'n':
        return set_once(&a->name, "name");
    case 't':
        return set_once(&a->tag, "tag");
    case 'r':
        return set_once(&a->repo, "repo");
    case 'c':
        return set_once(&a->components, "components");
    case 'o':
        return set_once(&a->out_path, "out-path");
    case 'm':
        vec_push(&a->modules, optarg);
        return NULL;
    case 'l':
        vec_push(&a->layers, optarg);
        return NULL;
    case 'a':
        a->as_artifact = true;
        return NULL;
    case 'h':
        a->done = true;
        fputs(help_text, stdout);
        return NULL;
    case 'V':
        a->done = true;
        printf("oci-tar-builder %s\n", WASMTIME_VERSION);
        return NULL;
    case ':':
        return usage("this option needs a value: ", program);
    default:
        return usage("unknown option: ", program);
    }
}

static Error *check_args(const Args *a)
{
    const struct {
        const char *value, *name;
    } needed[] = {{a->name, "--name <NAME>"},
                  {a->tag, "--tag <TAG>"},
                  {a->repo, "--repo <REPO>"},
                  {a->out_path, "--out-path <FILE>"}};
    for (usize i = 0; i < ARRAY_LEN(needed); i++)
        if (!needed[i].value)
            return usage("this option is needed: ", needed[i].name);
    if (a->modules.n > 0 && a->components)
        return usage("--module and --components exclude each other", "");
    if (a->modules.n == 0 && !a->components)
        return usage("--module <FILE> or --components <DIR> is needed", "");
    for (u32 i = 0; i < a->layers.n; i++) {
        const char *equals = strchr(a->layers.p[i], '=');
        if (!equals || equals == a->layers.p[i] || !equals[1])
            return usage("a layer is <TYPE=FILE>, not ", a->layers.p[i]);
    }
    return NULL;
}

static Error *parse_args(Args *a, int argc, char **argv)
{
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":n:t:r:m:l:c:o:ahV", long_options, NULL)) != -1;) {
        Error *e = take_option(a, c, argv[optind > 0 ? optind - 1 : 0]);
        if (e || a->done)
            return e;
    }
    if (optind < argc)
        return usage("unexpected argument: ", argv[optind]);
    return check_args(a);
}

static Error *creation_time(i64 *ret_time)
{
    const char *text = getenv("SOURCE_DATE_EPOCH");
    if (!text) {
        *ret_time = (i64)time(NULL);
        return NULL;
    }
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    /* 253402300799 is the last second of the year 9999, the last that the text has room for. */
    if (errno != 0 || end == text || *end || value < 0 || value > 253402300799)
        return usage("SOURCE_DATE_EPOCH is not a number of seconds: ", text);
    *ret_time = value;
    return NULL;
}

static Error *add_wasm(OciImage *image, const Args *a, const char *path)
{
    Error *e =
        oci_image_add_file(image, a->as_artifact ? OCI_WASM_LAYER : OCI_COMPONENT_LAYER, path);
    if (!e && a->as_artifact)
        e = oci_image_note_component(image, path, &image->layers.p[image->layers.n - 1].bytes);
    return e;
}

static int is_wasm(const struct dirent *d)
{
    usize n = strlen(d->d_name);
    return n > 5 && strcmp(d->d_name + n - 5, ".wasm") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static Error *add_components(OciImage *image, const Args *a)
{
    struct dirent **found = NULL;
    int n = scandir(a->components, &found, is_wasm, by_name);
    if (n < 0)
        return error_new("failed to read the directory `%s`: %s", a->components, strerror(errno));
    Error *e = n == 0 ? error_new("there is no *.wasm file in `%s`", a->components) : NULL;
    for (int i = 0; i < n; i++) {
        Buf path = {0};
        buf_printf(&path, "%s/%s", a->components, found[i]->d_name);
        buf_u8(&path, 0);
        if (!e)
            e = add_wasm(image, a, (const char *)path.p);
        buf_release(&path);
        free(found[i]);
    }
    free(found);
    return e;
}

static Error *add_layer(OciImage *image, const char *text)
{
    const char *equals = strchr(text, '=');
    char *type = mem_strdup_n(text, (usize)(equals - text));
    Error *e = oci_image_add_file(image, type, equals + 1);
    mem_free(type);
    return e;
}

static Error *build(const Args *a)
{
    Buf entrypoint = {0};
    buf_printf(&entrypoint, "%s.wasm", a->name);
    buf_u8(&entrypoint, 0);
    OciImage image = {
        .repo = a->repo, .name = a->name, .tag = a->tag, .entrypoint = (const char *)entrypoint.p};
    Error *e = creation_time(&image.created);
    for (u32 i = 0; i < a->modules.n && !e; i++)
        e = add_wasm(&image, a, a->modules.p[i]);
    if (!e && a->components)
        e = add_components(&image, a);
    for (u32 i = 0; i < a->layers.n && !e; i++)
        e = add_layer(&image, a->layers.p[i]);
    if (!e)
        e = oci_image_write(&image, a->as_artifact, a->out_path);
    oci_image_release(&image);
    buf_release(&entrypoint);
    return e;
}

int main(int argc, char **argv)
{
    Args a = {0};
    Error *e = parse_args(&a, argc, argv);
    if (!e && !a.done)
        e = build(&a);
    vec_release(&a.modules);
    vec_release(&a.layers);
    if (!e)
        return fflush(stdout) == 0 ? 0 : 1;
    const Error *wrong = error_find(e, ERROR_USAGE);
    int status = wrong ? wrong->value : 1;
    Buf text = {0};
    error_format(e, &text);
    fwrite(text.p, 1, text.n, stderr);
    buf_release(&text);
    error_free(e);
    return status;
}
