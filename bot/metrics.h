/* Numbers about the service in Prometheus' text format, over all its worker processes.
 *
 * Each worker has a seat in shared memory and writes its numbers there, once a second and when it is asked; who is asked adds
 * them up.  So a number of another worker is at most a second old, and none needs a lock. */
#ifndef SANGKIEN_BOT_METRICS_H
#define SANGKIEN_BOT_METRICS_H

#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "inbound.h"

struct http_server;
struct intake;
struct broadcaster;
struct nudger;
struct outbox;
struct pg_queue;
struct limiter;
struct similar_counters;
struct similar_finder_counters;
struct tokens;
struct turns;
struct vitals;
struct watch_state;

/* Counted where it happens; what a part counts itself is read from that part. */
struct metrics {
    uint64_t events[IN_KIND_COUNT];
    uint64_t signed_requests, undecodable, echoes;
};
extern struct metrics metrics;

enum metric_kind {
    METRIC_NONE,    /* not written yet */
    METRIC_COUNTER, /* added up; kept when a worker ends, so that it never goes back */
    METRIC_GAUGE,   /* added up */
    METRIC_MOST,    /* the greatest tells */
    METRIC_LEAST,
};

enum { METRICS_MAX = 256 };

/* The lines of the page that carry a number, in its order. */
struct metrics_seat {
    _Atomic uint64_t value[METRICS_MAX];
    _Atomic uint8_t kind[METRICS_MAX]; /* enum metric_kind */
};

/* Whom the page asks. */
struct metrics_sources {
    const struct http_server *http;
    const struct turns *turns;
    const struct intake *intake;
    const struct outbox *outbox;
    const struct broadcaster *broadcaster;
    const struct nudger *nudger;
    const struct pg_queue *background;
    const struct limiter *limiter;
    struct tokens *tokens;
    const struct vitals *vitals;
    const struct watch_state *watch;
    const struct similar_counters *similar;
    const struct similar_finder_counters *finder;
};

/** From now on this process's numbers stand in all[mine], and the page is about all of them. Without it: about itself. */
void metrics_share(struct metrics_seat *all, size_t count, size_t mine);

/** A worker is gone: its counters are added to those of `kept`, its seat is empty. */
void metrics_retire(struct metrics_seat *dead, struct metrics_seat *kept);

/** The whole page, owned by ctx. */
char *metrics_text(TALLOC_CTX *ctx, const struct metrics_sources *sources);

#endif
