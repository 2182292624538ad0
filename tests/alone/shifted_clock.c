/* A wall clock that tests can set while a process runs: loaded before libc, it adds to the real-time
 * clock as many milliseconds as the file CLOCK_OFFSET_FILE says at the moment. Every other clock stays
 * as it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long offset_ms(void) {
    char text[32];
    const char *path = getenv("CLOCK_OFFSET_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) return 0;
    text[length] = 0;
    return atoll(text);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, time);
    if (result == 0 && clock == CLOCK_REALTIME) {
        long long ms = time->tv_sec * 1000LL + time->tv_nsec / 1000000 + offset_ms();
        time->tv_sec = ms / 1000;
        time->tv_nsec = ms % 1000 * 1000000 + time->tv_nsec % 1000000;
    }
    return result;
}
