#include "clock.h"

#include <errno.h>
#include <math.h>
#include <time.h>

double kn_clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int64_t kn_clock_unix_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void kn_clock_sleep(double seconds)
{
    struct timespec t;

    if (!(seconds > 0))
        return;
    t.tv_sec = (time_t)floor(seconds);
    t.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
    while (nanosleep(&t, &t) == -1 && errno == EINTR)
        ;
}
