/* The two clocks, mostly in milliseconds: one for waiting, one for the calendar. */
#ifndef SANGKIEN_CONFIG_CLOCK_H
#define SANGKIEN_CONFIG_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ms(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/** Never jumps: for deadlines, backoff, ages within this process. */
static inline int64_t clock_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

/** Epoch milliseconds: for what people and Zalo see. */
static inline int64_t clock_epoch_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

/** Finer: for an order among processes of one machine. */
static inline int64_t clock_epoch_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

#endif
