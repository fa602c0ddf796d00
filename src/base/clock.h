/* clock.h - time. Durations come from the monotonic clock, dates from the wall clock. */
#ifndef KN_BASE_CLOCK_H
#define KN_BASE_CLOCK_H

#include <stdint.h>

double kn_clock_now(void);      /* seconds since some fixed moment; never goes back */
int64_t kn_clock_unix_ms(void); /* milliseconds since 1970, UTC */
void kn_clock_sleep(double seconds);

#endif
