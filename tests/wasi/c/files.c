/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Streams and descriptors of files. */
#include "show.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void dump(const char *path)
{
    char buf[256];
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(buf, 1, sizeof buf, f) : 0;
    printf("%s holds %zu: %.*s\n", path, n, (int)n, buf);
    if (f)
        fclose(f);
}

static void streams(void)
{
    FILE *f = fopen("a", "w+");
    fprintf(f, "%d %s %5.2f\n", 42, "text", 3.14159);
    SHOW(fseek(f, 0, SEEK_SET));
    int d = 0;
    char word[16] = "";
    SHOW(fscanf(f, "%d %15s", &d, word));
    printf("%d %s\n", d, word);
    SHOW(ftell(f));
    SHOW(fseek(f, -3, SEEK_END));
    SHOW(fgetc(f));
    SHOW(ungetc('Z', f));
    SHOW(fgetc(f));
    SHOW(fseek(f, 100, SEEK_SET));
    fputc('!', f);
    SHOW(fflush(f));
    SHOW(ftell(f));
    fclose(f);
    f = fopen("a", "a");
    fputs("end", f);
    fclose(f);
    f = fopen("a", "r+");
    fputs("BEGIN", f);
    fclose(f);
    dump("a");
    SHOW(fopen("none", "r") != NULL);
    SHOW(fopen("a", "wx") != NULL);
}

static void descriptors(void)
{
    char buf[32] = "";
    int fd = open("b", O_RDWR | O_CREAT | O_TRUNC, 0644);
    SHOW(write(fd, "0123456789", 10));
    SHOW(pwrite(fd, "AB", 2, 4));
    SHOW(pread(fd, buf, 4, 3));
    printf("%s\n", buf);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, -20, SEEK_CUR));
    SHOW(lseek(fd, 5, SEEK_END));
    SHOW(write(fd, "x", 1));
    SHOW(ftruncate(fd, 12));
    SHOW(fsync(fd));
    struct stat st;
    SHOW(fstat(fd, &st));
    printf("size %lld links %lld regular %d\n", (long long)st.st_size, (long long)st.st_nlink,
           S_ISREG(st.st_mode));
    SHOW(close(fd));
    SHOW(close(fd));
    SHOW(write(fd, "x", 1));
    fd = open("b", O_WRONLY | O_APPEND);
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(write(fd, "tail", 4));
    SHOW(read(fd, buf, 1));
    close(fd);
    fd = open("b", O_RDONLY);
    SHOW(write(fd, "x", 1));
    close(fd);
    dump("b");
    SHOW(open("none", O_RDWR));
    SHOW(open("b", O_RDWR | O_CREAT | O_EXCL, 0644));
    SHOW(open(".", O_RDWR));
    SHOW(open("b", O_RDONLY | O_DIRECTORY));
    SHOW(open("b/", O_RDONLY));
    SHOW(open("b/c", O_RDONLY));
}

static void names(void)
{
    SHOW(rename("b", "c"));
    SHOW(rename("b", "d"));
    SHOW(rename("c", "a"));
    dump("a");
    SHOW(unlink("a"));
    SHOW(unlink("a"));
    SHOW(access("a", F_OK));
    SHOW(unlink("."));
}

int main(void)
{
    streams();
    descriptors();
    names();
    return 0;
}
