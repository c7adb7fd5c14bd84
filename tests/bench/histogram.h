/* Latencies in ns, counted in buckets that are less than 1 % wide. */
#ifndef SANGKIEN_TESTS_BENCH_HISTOGRAM_H
#define SANGKIEN_TESTS_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 128, HISTOGRAM_BUCKETS = HISTOGRAM_STEPS * 40 };

struct histogram {
    uint64_t bucket[HISTOGRAM_BUCKETS];
    uint64_t count, max;
};

/* 128 buckets for each power of two: the leading bit says which, the next seven where in it. */
static inline unsigned histogram_bucket(uint64_t ns)
{
    if (ns < HISTOGRAM_STEPS)
        return (unsigned)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - 7u;
    unsigned b = (shift + 1) * HISTOGRAM_STEPS + (unsigned)(ns >> shift & (HISTOGRAM_STEPS - 1));
    return b < HISTOGRAM_BUCKETS ? b : HISTOGRAM_BUCKETS - 1;
}

static inline void histogram_add(struct histogram *h, uint64_t ns)
{
    h->bucket[histogram_bucket(ns)]++;
    h->count++;
    if (ns > h->max)
        h->max = ns;
}

/** The latency that `share` (0.99) of all do not exceed: the upper end of its bucket; 0 when there are none. */
static inline uint64_t histogram_quantile(const struct histogram *h, double share)
{
    uint64_t want = (uint64_t)(share * (double)h->count), seen = 0;
    for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
        seen += h->bucket[b];
        if (seen <= want)
            continue;
        unsigned shift = b / HISTOGRAM_STEPS ? b / HISTOGRAM_STEPS - 1 : 0;
        uint64_t low = b < HISTOGRAM_STEPS ? b : (uint64_t)(HISTOGRAM_STEPS + b % HISTOGRAM_STEPS) << shift;
        uint64_t high = low + (UINT64_C(1) << shift) - 1;
        return high < h->max ? high : h->max;
    }
    return h->max;
}

#endif
