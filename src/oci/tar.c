/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tar with GNU headers (magic "ustar  "), as in the GNU tar manual, "Basic Tar Format". */
#include "oci/tar.h"

#include "os/file.h"

#include <stdio.h>

enum { BLOCK = 512 };

/* What the format puts at the start of each file; numbers are octal text. */
typedef struct TarHeader {
    char name[100];
    char mode[8], uid[8], gid[8];
    char size[12], mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[8];
    char rest[247];
} TarHeader;

static_assert(sizeof(TarHeader) == BLOCK, "a header is one block");

static void write_all(TarWriter *t, const void *bytes, usize n)
{
    if (!t->why)
        t->why = os_write_all(t->fd, bytes, n);
}

static void octal(char *field, usize size, u64 value)
{
    field[size - 1] = 0;
    for (usize i = size - 1; i-- > 0; value >>= 3)
        field[i] = (char)('0' + (value & 7));
    ALWAYS(value == 0);
}

/* The checksum is the sum of the header's bytes with blanks in its own place. */
static void seal(TarHeader *h)
{
    u32 sum = 0;
    memset(h->checksum, ' ', sizeof h->checksum);
    for (usize i = 0; i < sizeof *h; i++)
        sum += ((const u8 *)h)[i];
    octal(h->checksum, 7, sum);
}

void tar_file(TarWriter *t, const char *name, u32 mode, const void *p, usize n)
{
    static const u8 zeros[BLOCK];
    TarHeader h = {.type = '0', .magic = "ustar  "};
    usize length = strlen(name);
    ALWAYS(length < sizeof h.name);
    memcpy(h.name, name, length);
    octal(h.mode, sizeof h.mode, mode);
    octal(h.uid, sizeof h.uid, 0);
    octal(h.gid, sizeof h.gid, 0);
    octal(h.size, sizeof h.size, n);
    octal(h.mtime, sizeof h.mtime, 0);
    seal(&h);
    write_all(t, &h, sizeof h);
    write_all(t, p, n);
    write_all(t, zeros, (usize)(align_up(n, BLOCK) - n));
}

Error *tar_end(TarWriter *t)
{
    static const u8 zeros[2 * BLOCK];
    write_all(t, zeros, sizeof zeros);
    return TAKE_PTR(t->why);
}
