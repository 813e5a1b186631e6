/* Writes down what a process does to the files below one folder: loaded by LD_PRELOAD.
 *
 * TENURE_RECORD_BELOW names the folder, TENURE_RECORD_TO the record. An entry is one line, then as
 * many bytes as its last word says:
 *
 *     link INO PATH-BYTES        a new name, of a file that was just made; then the path
 *     write INO AT BYTES         then what was written
 *     cut INO SIZE 0             the file now ends there
 *     sync INO 0                 the disk has the file, or the names of the folder
 *     nosync INO 0               this sync failed: the disk has not what was written since the last
 *     rename FROM-BYTES BYTES    then both paths, one after the other
 *     unlink PATH-BYTES          then the path
 *     folder INO PATH-BYTES      a folder was opened, to be synced by this number; then the path
 *
 * TENURE_RECORD_FAIL, if set, is `N ENDING`: the N-th sync of a file whose path has that ending fails
 * with EIO and syncs nothing. With TENURE_RECORD_DIES the process is killed there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#undef open
#undef openat

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static const char *below, *failing;
static int record = -1, countdown;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    const char *to = getenv("TENURE_RECORD_TO"), *fail = getenv("TENURE_RECORD_FAIL");
    below = getenv("TENURE_RECORD_BELOW");
    if (to == NULL || below == NULL) return;
    record = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fail != NULL) {
        countdown = atoi(fail);
        failing = strchr(fail, ' ') + 1;
    }
}

static int ours(const char *path) {
    size_t size = below == NULL ? 0 : strlen(below);
    return record >= 0 && size && strncmp(path, below, size) == 0 && (path[size] == 0 || path[size] == '/');
}

static void put(const char *head, const void *a, size_t a_size, const void *b, size_t b_size) {
    char line[128];
    struct iovec parts[3];
    parts[0].iov_base = line;
    parts[0].iov_len = (size_t)snprintf(line, sizeof line, "%s\n", head);
    parts[1].iov_base = (void *)a;
    parts[1].iov_len = a_size;
    parts[2].iov_base = (void *)b;
    parts[2].iov_len = b_size;
    if (syscall(SYS_writev, record, parts, 3) < 0) abort();
}

static unsigned long inode(int file) {
    struct stat found;
    return fstat(file, &found) == 0 ? (unsigned long)found.st_ino : 0;
}

static int path_of(int file, char *path, size_t size) {
    char link[64];
    ssize_t got;
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    got = readlink(link, path, size - 1);
    errno = saved;
    path[got < 0 ? 0 : got] = 0;
    return got > 0 && ours(path);
}

static void wrote(int file, const void *data, ssize_t size, off_t at) {
    char path[4096], head[128];
    if (size <= 0 || record < 0 || !path_of(file, path, sizeof path)) return;
    snprintf(head, sizeof head, "write %lu %lld %zd", inode(file), (long long)at, size);
    put(head, data, (size_t)size, NULL, 0);
}

ssize_t write(int file, const void *data, size_t size) {
    ssize_t done;
    pthread_mutex_lock(&one_at_a_time);
    done = REAL(write)(file, data, size);
    if (done > 0) wrote(file, data, done, lseek(file, 0, SEEK_CUR) - done);
    pthread_mutex_unlock(&one_at_a_time);
    return done;
}

#define PWRITE(name, offset)                                                                       \
    ssize_t name(int file, const void *data, size_t size, offset at) {                             \
        ssize_t done;                                                                              \
        pthread_mutex_lock(&one_at_a_time);                                                        \
        done = REAL(name)(file, data, size, at);                                                   \
        wrote(file, data, done, (off_t)at);                                                        \
        pthread_mutex_unlock(&one_at_a_time);                                                      \
        return done;                                                                               \
    }

PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

static int cut(int file, long long size, int done) {
    char path[4096], head[128];
    if (done == 0 && record >= 0 && path_of(file, path, sizeof path)) {
        snprintf(head, sizeof head, "cut %lu %lld 0", inode(file), size);
        put(head, NULL, 0, NULL, 0);
    }
    return done;
}

int ftruncate(int file, off_t size) { return cut(file, size, REAL(ftruncate)(file, size)); }
int ftruncate64(int file, off64_t size) { return cut(file, size, REAL(ftruncate64)(file, size)); }

static int fails(const char *path) {
    size_t size = strlen(path), ending = failing == NULL ? 0 : strlen(failing);
    if (!ending || size < ending || strcmp(path + size - ending, failing) != 0) return 0;
    return --countdown == 0;
}

static int sync_file(int file, int (*real)(int)) {
    char path[4096], head[128];
    int done;
    if (record < 0 || !path_of(file, path, sizeof path)) return real(file);
    pthread_mutex_lock(&one_at_a_time);
    if (fails(path)) {
        done = -1;
        errno = EIO;
    } else {
        done = 0; /* the real disk may take its time: this one is on paper */
    }
    snprintf(head, sizeof head, "%s %lu 0", done == 0 ? "sync" : "nosync", inode(file));
    put(head, NULL, 0, NULL, 0);
    if (done != 0 && getenv("TENURE_RECORD_DIES") != NULL) kill(getpid(), SIGKILL);
    pthread_mutex_unlock(&one_at_a_time);
    return done;
}

int fsync(int file) { return sync_file(file, REAL(fsync)); }
int fdatasync(int file) { return sync_file(file, REAL(fdatasync)); }

static void opened(const char *path, int is_new, int flags, int file) {
    char head[128], whole[4096];
    struct stat found;
    int saved = errno;
    (void)path;
    if (file < 0 || record < 0 || !path_of(file, whole, sizeof whole)) {
        errno = saved;
        return;
    }
    if (fstat(file, &found) == 0) {
        int folder = S_ISDIR(found.st_mode);
        snprintf(head, sizeof head, "%s %lu %zu", folder ? "folder" : "link",
                 (unsigned long)found.st_ino, strlen(whole));
        if (folder || is_new) put(head, whole, strlen(whole), NULL, 0);
        snprintf(head, sizeof head, "cut %lu 0 0", (unsigned long)found.st_ino);
        if (!folder && !is_new && (flags & O_TRUNC)) put(head, NULL, 0, NULL, 0);
    }
    errno = saved;
}

#define OPEN(name, params, args, at)                                                               \
    int name params {                                                                              \
        mode_t mode = 0;                                                                           \
        int file, is_new = (flags & O_CREAT) && syscall(SYS_faccessat, at, path, F_OK) != 0;        \
        if (flags & (O_CREAT | __O_TMPFILE)) {                                                     \
            va_list more;                                                                          \
            va_start(more, flags);                                                                 \
            mode = va_arg(more, mode_t);                                                           \
            va_end(more);                                                                          \
        }                                                                                          \
        file = REAL(name) args;                                                                    \
        opened(path, is_new, flags, file);                                                         \
        return file;                                                                               \
    }

OPEN(open, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPEN(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode), folder)
OPEN(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, mode), folder)

static int renamed(const char *from, const char *to, int done) {
    char head[128];
    if (done == 0 && (ours(from) || ours(to))) {
        snprintf(head, sizeof head, "rename %zu %zu", strlen(from), strlen(from) + strlen(to));
        put(head, from, strlen(from), to, strlen(to));
    }
    return done;
}

int rename(const char *from, const char *to) { return renamed(from, to, REAL(rename)(from, to)); }

int renameat(int at, const char *from, int there, const char *to) {
    return renamed(from, to, REAL(renameat)(at, from, there, to));
}

static int removed(const char *path, int done) {
    char head[128];
    if (done == 0 && ours(path)) {
        snprintf(head, sizeof head, "unlink %zu", strlen(path));
        put(head, path, strlen(path), NULL, 0);
    }
    return done;
}

int unlink(const char *path) { return removed(path, REAL(unlink)(path)); }
int unlinkat(int at, const char *path, int flags) {
    return removed(path, REAL(unlinkat)(at, path, flags));
}
