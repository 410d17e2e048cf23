/* Counts the operations that write below a folder, and has one of them fail, or the process killed at it.

   Preloaded. FAULTS_FOLDER: the folder. FAULTS_STATE: a file of STATE bytes that all processes share: how many
   operations there were, and which one was disturbed. FAULTS_AT: its number, from 1; 0: none. FAULTS_HOW: an errno as
   a number, for that one operation; KILL: half of a write is written, then the process is killed; FULL: from there on
   nothing can be made or written, as on a full disk. FAULTS_LOG: a file to which each operation adds a line, its name
   and path; none: "". */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { STATE = 4096, GO_ON = 0, DISTURBED = 1 };

static unsigned long *state; /* the count, and after it the name of what was disturbed */
static char folder[PATH_MAX];
static unsigned long at;
static int is_kill, is_full, code, log_file = -1;

__attribute__((visibility("default"), constructor)) void faults_arm(void) {
    const char *wanted = getenv("FAULTS_FOLDER"), *path = getenv("FAULTS_STATE"), *how = getenv("FAULTS_HOW");
    state = NULL;
    if (!wanted || !path) return;
    int file = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (file < 0) return;
    void *shared = (void *)syscall(SYS_mmap, NULL, STATE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    syscall(SYS_close, file);
    if (shared == MAP_FAILED) return;
    snprintf(folder, sizeof folder, "%s/", wanted);
    at = strtoul(getenv("FAULTS_AT") ? getenv("FAULTS_AT") : "0", NULL, 10);
    is_kill = how && !strcmp(how, "KILL");
    is_full = how && !strcmp(how, "FULL");
    code = is_full ? ENOSPC : how ? atoi(how) : 0;
    const char *log_path = getenv("FAULTS_LOG");
    log_file = log_path && *log_path ? syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    state = shared;
}

/* Adds a line to the log, whole even where several processes write. */
static void logged(const char *name, const char *path) {
    char line[PATH_MAX + 64];
    int n = snprintf(line, sizeof line, "%s %s\n", name, path);
    syscall(SYS_write, log_file, line, n < (int)sizeof line ? n : (int)sizeof line);
}

static int is_below(const char *path) { return !strncmp(path, folder, strlen(folder)); }

/* The path of an open file, or "". */
static const char *of_file(int file, char *into) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    long n = syscall(SYS_readlinkat, AT_FDCWD, link, into, PATH_MAX - 1);
    into[n > 0 ? n : 0] = 0;
    return into;
}

/* A path as seen from a folder that is open, or from the working directory. */
static const char *resolved(int from, const char *path, char *into) {
    char start[PATH_MAX];
    if (!path || path[0] == '/') return path ? path : "";
    if (from == AT_FDCWD) {
        if (syscall(SYS_getcwd, start, sizeof start) < 0) return "";
    } else {
        of_file(from, start);
    }
    snprintf(into, PATH_MAX, "%s/%s", start, path);
    return into;
}

/* Counts an operation on a path; DISTURBED with errno set where it fails instead, and no return where it kills. */
static int disturbed(const char *name, const char *path, int makes, int file, const void *data, size_t n) {
    if (!state || !is_below(path)) return GO_ON;
    unsigned long number = __sync_add_and_fetch(state, 1);
    if (log_file >= 0) logged(name, path + strlen(folder));
    if (!at || number < at || (number > at && !(is_full && makes))) return GO_ON;
    if (is_full && !makes) return GO_ON;
    if (number == at) snprintf((char *)(state + 1), STATE - sizeof *state, "%s %s", name, path + strlen(folder));
    if (is_kill) {
        if (n > 1) syscall(SYS_write, file, data, n / 2);
        syscall(SYS_kill, getpid(), SIGKILL);
    }
    errno = code;
    return DISTURBED;
}

static int on_file(const char *name, int file, int makes, const void *data, size_t n) {
    char path[PATH_MAX];
    return state && file > 2 ? disturbed(name, of_file(file, path), makes, file, data, n) : GO_ON;
}

static int on_path(const char *name, int from, const char *given, int makes) {
    char path[PATH_MAX];
    return state ? disturbed(name, resolved(from, given, path), makes, -1, NULL, 0) : GO_ON;
}

static int open_at(int from, const char *path, int flags, unsigned mode) {
    if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) && on_path("open", from, path, 1)) return -1;
    return syscall(SYS_openat, from, path, flags, mode);
}

static unsigned mode_of(int flags, va_list rest) { return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, unsigned) : 0; }

#define OPEN(NAME) \
    int NAME(const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        unsigned mode = mode_of(flags, rest); \
        va_end(rest); \
        return open_at(AT_FDCWD, path, flags, mode); \
    }
#define OPEN_AT(NAME) \
    int NAME(int from, const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        unsigned mode = mode_of(flags, rest); \
        va_end(rest); \
        return open_at(from, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
OPEN_AT(openat)
OPEN_AT(openat64)
int __open_2(const char *path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __openat_2(int from, const char *path, int flags) { return open_at(from, path, flags, 0); }
int __openat64_2(int from, const char *path, int flags) { return open_at(from, path, flags, 0); }
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

#define FOPEN(NAME) \
    FILE *NAME(const char *path, const char *mode) { \
        static FILE *(*real)(const char *, const char *); \
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, #NAME); \
        if (strpbrk(mode, "wa+") && on_path("fopen", AT_FDCWD, path, 1)) return NULL; \
        return real(path, mode); \
    }
FOPEN(fopen)
FOPEN(fopen64)
size_t fwrite(const void *data, size_t size, size_t n, FILE *stream) {
    static size_t (*real)(const void *, size_t, size_t, FILE *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "fwrite");
    return on_file("fwrite", fileno(stream), 1, NULL, 0) ? 0 : real(data, size, n, stream);
}

ssize_t write(int file, const void *data, size_t n) {
    return on_file("write", file, 1, data, n) ? -1 : syscall(SYS_write, file, data, n);
}
#define PWRITE(NAME) \
    ssize_t NAME(int file, const void *data, size_t n, off_t place) { \
        return on_file("pwrite", file, 1, NULL, 0) ? -1 : syscall(SYS_pwrite64, file, data, n, place); \
    }
PWRITE(pwrite)
PWRITE(pwrite64)
ssize_t writev(int file, const struct iovec *parts, int n) {
    return on_file("writev", file, 1, NULL, 0) ? -1 : syscall(SYS_writev, file, parts, n);
}
#define SENDFILE(NAME) \
    ssize_t NAME(int into, int from, off_t *place, size_t n) { \
        return on_file("sendfile", into, 1, NULL, 0) ? -1 : syscall(SYS_sendfile, into, from, place, n); \
    }
SENDFILE(sendfile)
SENDFILE(sendfile64)
ssize_t copy_file_range(int from, off64_t *start, int into, off64_t *place, size_t n, unsigned flags) {
    if (on_file("copy_file_range", into, 1, NULL, 0)) return -1;
    return syscall(SYS_copy_file_range, from, start, into, place, n, flags);
}

int fsync(int file) { return on_file("fsync", file, 0, NULL, 0) ? -1 : syscall(SYS_fsync, file); }
int fdatasync(int file) { return on_file("fdatasync", file, 0, NULL, 0) ? -1 : syscall(SYS_fdatasync, file); }
int ftruncate(int file, off_t n) { return on_file("ftruncate", file, 1, NULL, 0) ? -1 : syscall(SYS_ftruncate, file, n); }
int ftruncate64(int file, off64_t n) { return ftruncate(file, n); }
int truncate(const char *path, off_t n) {
    return on_path("truncate", AT_FDCWD, path, 1) ? -1 : syscall(SYS_truncate, path, n);
}
int fallocate(int file, int mode, off_t start, off_t n) {
    return on_file("fallocate", file, 1, NULL, 0) ? -1 : syscall(SYS_fallocate, file, mode, start, n);
}
int posix_fallocate(int file, off_t start, off_t n) {
    return on_file("fallocate", file, 1, NULL, 0) || syscall(SYS_fallocate, file, 0, start, n) < 0 ? errno : 0;
}
int posix_fallocate64(int file, off64_t start, off64_t n) { return posix_fallocate(file, start, n); }

#define MMAP(NAME) \
    void *NAME(void *where, size_t n, int protection, int flags, int file, off_t start) { \
        int writes = (flags & MAP_SHARED) && (protection & PROT_WRITE) && !(flags & MAP_ANONYMOUS); \
        if (writes && on_file("mmap", file, 1, NULL, 0)) return MAP_FAILED; \
        return (void *)syscall(SYS_mmap, where, n, protection, flags, file, start); \
    }
MMAP(mmap)
MMAP(mmap64)

int renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
    return on_path("rename", to, new, 1) ? -1 : syscall(SYS_renameat2, from, old, to, new, flags);
}
int renameat(int from, const char *old, int to, const char *new) { return renameat2(from, old, to, new, 0); }
int rename(const char *old, const char *new) { return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0); }
int linkat(int from, const char *old, int to, const char *new, int flags) {
    return on_path("link", to, new, 1) ? -1 : syscall(SYS_linkat, from, old, to, new, flags);
}
int link(const char *old, const char *new) { return linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }
int symlinkat(const char *old, int to, const char *new) {
    return on_path("symlink", to, new, 1) ? -1 : syscall(SYS_symlinkat, old, to, new);
}
int symlink(const char *old, const char *new) { return symlinkat(old, AT_FDCWD, new); }
int mkdirat(int from, const char *path, mode_t mode) {
    return on_path("mkdir", from, path, 1) ? -1 : syscall(SYS_mkdirat, from, path, mode);
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
int unlinkat(int from, const char *path, int flags) {
    return on_path("unlink", from, path, 0) ? -1 : syscall(SYS_unlinkat, from, path, flags);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
