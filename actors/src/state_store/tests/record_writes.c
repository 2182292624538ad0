/* Test only: loaded before libc into a child process, it logs every write and sync on the files of
 * a data directory, with its bytes and in its order, to the file named by LOCKSTEP_WRITES.
 *
 * A record: operation (1 byte), file (1), is it synced by itself (1), offset (8), length (8), bytes.
 * Operations: w write, s sync, t truncate to the offset. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *const names[] = {"/data.mdb", "/mark", "/lock", "/told", "/key.guard"};

static int log_fd(void) {
    static int fd = -1;
    if (fd < 0 && getenv("LOCKSTEP_WRITES"))
        fd = open(getenv("LOCKSTEP_WRITES"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return fd;
}

/* Which of the files this descriptor is; -1: another. */
static int file_of(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t bytes = readlink(link, path, sizeof path - 1);
    if (bytes < 0) return -1;
    path[bytes] = 0;
    for (int i = 0; i < 5; i++) {
        size_t length = strlen(names[i]);
        if ((size_t)bytes >= length && !strcmp(path + bytes - length, names[i])) return i;
    }
    return -1;
}

static void record(char op, int fd, uint64_t at, const struct iovec *parts, int count) {
    int file = file_of(fd), log = log_fd();
    if (file < 0 || log < 0) return;
    unsigned char head[19] = {(unsigned char)op, (unsigned char)file,
                              (fcntl(fd, F_GETFL) & O_DSYNC) != 0};
    uint64_t length = 0;
    for (int i = 0; i < count; i++) length += parts[i].iov_len;
    memcpy(head + 3, &at, 8);
    memcpy(head + 11, &length, 8);
    ssize_t (*really)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    if (really(log, head, sizeof head) != sizeof head) abort();
    for (int i = 0; i < count; i++)
        if (really(log, parts[i].iov_base, parts[i].iov_len) != (ssize_t)parts[i].iov_len) abort();
}

#define NEXT(name) __typeof__(&name) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    struct iovec part = {(void *)bytes, length};
    NEXT(pwrite);
    record('w', fd, (uint64_t)at, &part, 1);
    return next(fd, bytes, length, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    struct iovec part = {(void *)bytes, length};
    NEXT(pwrite64);
    record('w', fd, (uint64_t)at, &part, 1);
    return next(fd, bytes, length, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    NEXT(pwritev);
    record('w', fd, (uint64_t)at, parts, count);
    return next(fd, parts, count, at);
}

/* Where a write without an offset goes. */
static uint64_t position(int fd) {
    off_t at = (fcntl(fd, F_GETFL) & O_APPEND) ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
    return at < 0 ? 0 : (uint64_t)at;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    struct iovec part = {(void *)bytes, length};
    NEXT(write);
    record('w', fd, position(fd), &part, 1);
    return next(fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    NEXT(writev);
    record('w', fd, position(fd), parts, count);
    return next(fd, parts, count);
}

int fdatasync(int fd) {
    NEXT(fdatasync);
    int done = next(fd);
    record('s', fd, 0, NULL, 0);
    return done;
}

int fsync(int fd) {
    NEXT(fsync);
    int done = next(fd);
    record('s', fd, 0, NULL, 0);
    return done;
}

int ftruncate(int fd, off_t length) {
    NEXT(ftruncate);
    record('t', fd, (uint64_t)length, NULL, 0);
    return next(fd, length);
}

int ftruncate64(int fd, off64_t length) {
    NEXT(ftruncate64);
    record('t', fd, (uint64_t)length, NULL, 0);
    return next(fd, length);
}
