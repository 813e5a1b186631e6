/* A disk that fails on demand: loaded into Tenure's processes by LD_PRELOAD.
 *
 * The file that TENURE_TORTURE_FAULTS names says what fails where, and is looked at for each call,
 * so running processes begin and stop to fail at once. One fault per line:
 *
 *     KIND EVERY PATH
 *
 * for every EVERY-th call whose file lies at or below PATH. The kinds:
 *
 *     full      writing fails: ENOSPC
 *     readonly  writing, opening for writing, renaming, removing fail: EROFS
 *     nosync    fsync fails without having synced: EIO
 *     synced    fsync fails after it has synced: EIO
 *     slow      fsync takes 0.4 s longer
 *
 * Only files are looked at, no pipes and sockets: those have no path that begins with a slash.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#undef open
#undef openat

static const char *control;
static atomic_uint calls;

__attribute__((constructor)) static void begin(void) { control = getenv("TENURE_TORTURE_FAULTS"); }

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int below(const char *path, const char *top) {
    size_t size = strlen(top);
    return strncmp(path, top, size) == 0 && (path[size] == 0 || path[size] == '/');
}

/* Whether a call of this kind on this path fails now. Keeps errno. */
static int fails(const char *kind, const char *path) {
    char text[4096], *line, *rest = text;
    int saved = errno, file, yes = 0;
    ssize_t size;
    if (control == NULL || path == NULL || path[0] != '/') return 0;
    file = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) {
        errno = saved;
        return 0;
    }
    size = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    text[size < 0 ? 0 : size] = 0;
    while (!yes && (line = strsep(&rest, "\n")) != NULL) {
        char *word = strsep(&line, " "), *every = strsep(&line, " ");
        unsigned n = every == NULL ? 0 : (unsigned)atoi(every);
        if (line == NULL || n == 0 || strcmp(word, kind) != 0 || !below(path, line)) continue;
        yes = atomic_fetch_add(&calls, 1) % n == 0;
    }
    errno = saved;
    return yes;
}

static int fails_at(const char *kind, int file) {
    char link[64], path[4096];
    ssize_t size;
    int saved = errno;
    if (control == NULL || syscall(SYS_faccessat, AT_FDCWD, control, F_OK) != 0) {
        errno = saved;
        return 0;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    size = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (size < 0) return 0;
    path[size] = 0;
    return fails(kind, path);
}

static int refuse(int number) {
    errno = number;
    return -1;
}

static int no_write(int file) {
    if (fails_at("full", file)) return ENOSPC;
    if (fails_at("readonly", file)) return EROFS;
    return 0;
}

#define WRITE(name, type, params, args)                                                            \
    type name params {                                                                             \
        int why = no_write(file);                                                                  \
        return why ? refuse(why) : REAL(name) args;                                                \
    }

WRITE(write, ssize_t, (int file, const void *at, size_t size), (file, at, size))
WRITE(pwrite, ssize_t, (int file, const void *at, size_t size, off_t to), (file, at, size, to))
WRITE(pwrite64, ssize_t, (int file, const void *at, size_t size, off64_t to), (file, at, size, to))
WRITE(writev, ssize_t, (int file, const struct iovec *at, int count), (file, at, count))
WRITE(ftruncate, int, (int file, off_t size), (file, size))
WRITE(ftruncate64, int, (int file, off64_t size), (file, size))

static int sync_file(int file, int (*real)(int)) {
    struct timespec pause = {0, 400000000};
    if (fails_at("slow", file)) nanosleep(&pause, NULL);
    if (fails_at("nosync", file)) return refuse(EIO);
    if (fails_at("synced", file)) {
        real(file);
        return refuse(EIO);
    }
    return real(file);
}

int fsync(int file) { return sync_file(file, REAL(fsync)); }
int fdatasync(int file) { return sync_file(file, REAL(fdatasync)); }

static int no_open(const char *path, int flags) {
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
    return writes && fails("readonly", path);
}

#define OPEN(name, params, args)                                                                   \
    int name params {                                                                              \
        mode_t mode = 0;                                                                           \
        if (flags & (O_CREAT | __O_TMPFILE)) {                                                     \
            va_list more;                                                                          \
            va_start(more, flags);                                                                 \
            mode = va_arg(more, mode_t);                                                           \
            va_end(more);                                                                          \
        }                                                                                          \
        return no_open(path, flags) ? refuse(EROFS) : REAL(name) args;                             \
    }

OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))
OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode))

int rename(const char *from, const char *to) {
    return fails("readonly", to) ? refuse(EROFS) : REAL(rename)(from, to);
}

int renameat(int at, const char *from, int there, const char *to) {
    return fails("readonly", to) ? refuse(EROFS) : REAL(renameat)(at, from, there, to);
}

int unlink(const char *path) {
    return fails("readonly", path) ? refuse(EROFS) : REAL(unlink)(path);
}

int unlinkat(int at, const char *path, int flags) {
    return fails("readonly", path) ? refuse(EROFS) : REAL(unlinkat)(at, path, flags);
}

int mkdir(const char *path, mode_t mode) {
    return fails("readonly", path) ? refuse(EROFS) : REAL(mkdir)(path, mode);
}
