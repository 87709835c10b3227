/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Directories and links. */
#include "show.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path)
{
    char *names[2048];
    int n = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        names[n++] = strdup(e->d_name);
    if (d)
        closedir(d);
    qsort(names, (size_t)n, sizeof *names, by_name);
    printf("%s: %d entries", path, n);
    for (int i = 0; i < n; i++) {
        if (i < 8)
            printf(" %s", names[i]);
        free(names[i]);
    }
    printf("\n");
}

static void make(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0644);
    if (fd >= 0)
        close(fd);
    else
        printf("cannot make %s: %s\n", path, errno_name(errno));
}

static void directories(void)
{
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d/e", 0755));
    SHOW(mkdir("x/y", 0755));
    SHOW(mkdir("t/", 0755));
    make("d/f");
    make("d/e/g");
    list("d");
    list(".");
    SHOW(rmdir("d"));
    SHOW(rmdir("d/f"));
    SHOW(unlink("d/e"));
    SHOW(rename("d/e", "d/f"));
    SHOW(rename("d/f", "d/e"));
    SHOW(rename("t", "d/e"));
    SHOW(rename("d/e/", "moved/"));
    list("moved");
    SHOW(rename("d/f", "d/g/"));
    SHOW(rmdir("t/"));
    struct stat st;
    SHOW(stat("moved", &st));
    printf("directory %d\n", S_ISDIR(st.st_mode));
    SHOW(stat("moved/g/", &st));
    SHOW(stat("moved/../moved/./g", &st));
    SHOW(stat("none", &st));
}

/* More entries than fit one buffer, and removal while reading. */
static void many(void)
{
    char name[32];
    mkdir("many", 0755);
    for (int i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "many/file-%d", i);
        make(name);
    }
    list("many");
    int removed = 0;
    DIR *d = opendir("many");
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.') {
            snprintf(name, sizeof name, "many/%.16s", e->d_name);
            removed += unlink(name) == 0;
        }
    rewinddir(d);
    int left = 0;
    while (readdir(d))
        left++;
    closedir(d);
    printf("removed %d, left %d\n", removed, left);
    SHOW(rmdir("many"));
}

static void links(void)
{
    char buf[64];
    struct stat st;
    make("target");
    SHOW(symlink("target", "link"));
    SHOW(symlink("target", "link"));
    SHOW(symlink("none", "dangling"));
    SHOW(symlink("loop", "loop"));
    SHOW(symlink("moved", "to-dir"));
    memset(buf, 0, sizeof buf);
    SHOW(readlink("link", buf, sizeof buf));
    printf("%s\n", buf);
    SHOW(readlink("target", buf, sizeof buf));
    SHOW(readlink("link", buf, 3));
    SHOW(lstat("link", &st));
    printf("link %d\n", S_ISLNK(st.st_mode));
    SHOW(stat("link", &st));
    printf("link %d\n", S_ISLNK(st.st_mode));
    SHOW(stat("dangling", &st));
    SHOW(stat("loop", &st));
    SHOW(stat("to-dir/g", &st));
    SHOW(open("link", O_RDONLY | O_NOFOLLOW));
    SHOW(link("target", "hard"));
    SHOW(link("target", "hard"));
    SHOW(stat("hard", &st));
    printf("links %d\n", (int)st.st_nlink);
    SHOW(unlink("link"));
    SHOW(unlink("dangling"));
    SHOW(unlink("loop"));
    SHOW(unlink("to-dir"));
    SHOW(stat("target", &st));
    list(".");
}

int main(void)
{
    directories();
    many();
    links();
    return 0;
}
