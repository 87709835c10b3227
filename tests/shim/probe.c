/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Prints what a program in a container sees of its confinement, without what differs from one run
 * to the next; the two ways to make a container must print the same.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

/* Without ids, device numbers and peer groups; in the order of the mounts. */
static void print_mounts(void)
{
    char line[8192];
    FILE *f = fopen("/proc/self/mountinfo", "r");
    while (f && fgets(line, sizeof line, f)) {
        char *p = line, *end = strstr(line, " - ");
        for (int i = 0; i < 3; i++)
            p += strcspn(p, " ") + 1;
        char *options = p;
        for (int i = 0; i < 2; i++)
            options += strcspn(options, " ") + 1;
        options += strcspn(options, " ");
        int shared = strstr(options, "shared:") && strstr(options, "shared:") < end;
        int slave = strstr(options, "master:") && strstr(options, "master:") < end;
        printf("mount %.*s%s%s%s", (int)(options - p), p, shared ? " shared" : "",
               slave ? " slave" : "", end);
    }
    if (f)
        fclose(f);
}

static void print_lines(const char *path, const char *const *keys)
{
    char line[8192];
    FILE *f = fopen(path, "r");
    if (!f)
        printf("%s: %s\n", path, strerror(errno));
    while (f && fgets(line, sizeof line, f)) {
        int wanted = !keys;
        for (int i = 0; keys && keys[i]; i++)
            wanted |= strncmp(line, keys[i], strlen(keys[i])) == 0;
        if (wanted)
            printf("%s: %s", path, line);
    }
    if (f)
        fclose(f);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void print_folder(const char *path)
{
    struct dirent **list;
    int n = scandir(path, &list, NULL, by_name);
    printf("%s: %d\n", path, n);
    for (int i = 0; i < n; i++) {
        char name[1024], link[1024] = "";
        struct stat st;
        snprintf(name, sizeof name, "%s/%s", path, list[i]->d_name);
        if (lstat(name, &st) == 0 && strcmp(list[i]->d_name, "..") != 0) {
            ssize_t k = S_ISLNK(st.st_mode) ? readlink(name, link, sizeof link - 1) : 0;
            link[k > 0 ? k : 0] = 0;
            if (strchr(link, '[')) /* a pipe's number */
                *strchr(link, '[') = 0;
            printf("%s %o %u:%u %u:%u %s\n", name, st.st_mode, st.st_uid, st.st_gid,
                   major(st.st_rdev), minor(st.st_rdev), link);
        }
        free(list[i]);
    }
    if (n >= 0)
        free(list);
}

/* What opens and reads of a path come to. */
static void try_path(const char *path)
{
    struct stat st = {0};
    char bytes[16];
    int stat_error = stat(path, &st) == 0 ? 0 : errno;
    int r = open(path, O_RDONLY | O_NONBLOCK);
    int open_error = r < 0 ? errno : 0;
    ssize_t n = r < 0 ? -1 : read(r, bytes, sizeof bytes);
    int w = open(path, O_WRONLY | O_NONBLOCK);
    int write_error = w < 0 ? errno : 0;
    printf("try %s: stat %d %o open %d read %d write %d\n", path, stat_error,
           (unsigned)(st.st_mode & S_IFMT), open_error, n > 0, write_error);
    if (r >= 0)
        close(r);
    if (w >= 0)
        close(w);
}

static void try_devices(void)
{
    static const struct {
        unsigned kind, major, minor;
    } rows[] = {{S_IFCHR, 1, 3},    {S_IFCHR, 1, 1},    {S_IFCHR, 5, 0},   {S_IFCHR, 5, 1},
                {S_IFCHR, 5, 2},    {S_IFCHR, 10, 229}, {S_IFBLK, 254, 0}, {S_IFBLK, 7, 0},
                {S_IFCHR, 10, 200}, {S_IFCHR, 1, 11}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[64];
        snprintf(name, sizeof name, "/dev/shm/node%u", i);
        int made = mknod("/dev/node", rows[i].kind | 0666, makedev(rows[i].major, rows[i].minor));
        int error = made ? errno : 0, fd = made ? -1 : open("/dev/node", O_RDWR | O_NONBLOCK);
        printf("device %u:%u %d %d\n", rows[i].major, rows[i].minor, error, fd < 0 ? errno : 0);
        if (fd >= 0)
            close(fd);
        unlink("/dev/node");
    }
}

static void print_process(void)
{
    gid_t groups[100];
    char cwd[1024] = "";
    struct utsname u;
    struct ifreq lo = {.ifr_name = "lo"};
    int death = 0, n = getgroups(100, groups), s = socket(AF_INET, SOCK_DGRAM, 0);
    printf("pid %d sid %d pgid %d ids %d %d %d %d\n", getpid(), getsid(0), getpgid(0), getuid(),
           geteuid(), getgid(), getegid());
    for (int i = 0; i < n; i++)
        printf("group %u\n", groups[i]);
    printf("cwd %s\n", getcwd(cwd, sizeof cwd) ? cwd : strerror(errno));
    for (char **e = environ; *e; e++)
        printf("env %s\n", *e);
    uname(&u);
    printf("host %s %s\n", u.nodename, u.domainname);
    prctl(PR_GET_PDEATHSIG, &death);
    printf("dumpable %d death %d securebits %d keepcaps %d\n", prctl(PR_GET_DUMPABLE), death,
           prctl(PR_GET_SECUREBITS), prctl(PR_GET_KEEPCAPS));
    printf("lo %d", ioctl(s, SIOCGIFFLAGS, &lo));
    printf(" up %d\n", !!(lo.ifr_flags & IFF_UP));
    char key[256] = "";
    long k = syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, key, sizeof key);
    /* The name has the container's id in it. */
    printf("keyring %d %d\n", k > 0, k > 0 && strstr(key, ";_ses.") != NULL);
    printf("sysctl %d\n", open("/proc/sys/kernel/domainname", O_WRONLY) < 0 ? errno : 0);
    close(s);
}

static const char *const status_keys[] = {"Name",
                                          "Umask",
                                          "Tgid",
                                          "Uid",
                                          "Gid",
                                          "Groups",
                                          "NStgid",
                                          "NSpid",
                                          "NSsid",
                                          "Threads",
                                          "SigPnd",
                                          "SigBlk",
                                          "SigIgn",
                                          "SigCgt",
                                          "Cap",
                                          "NoNewPrivs",
                                          "Seccomp",
                                          "Cpus_allowed_list",
                                          "Mems_allowed_list",
                                          NULL};

int main(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        printf("arg %s\n", argv[i]);
    print_process();
    print_lines("/proc/self/status", status_keys);
    print_lines("/proc/self/limits", NULL);
    print_lines("/proc/self/oom_score_adj", NULL);
    print_lines("/proc/self/cgroup", NULL);
    print_mounts();
    print_folder("/proc/self/fd");
    print_folder("/dev");
    print_folder("/sys/fs/cgroup");
    for (int i = 1; i < argc; i++)
        try_path(argv[i]);
    try_devices();
    fflush(stdout);
    return 0;
}
