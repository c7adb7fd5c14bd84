/* Numbers about this process in Prometheus' text format. */
#ifndef SANGKIEN_BOT_METRICS_H
#define SANGKIEN_BOT_METRICS_H

#include <stdint.h>
#include <talloc.h>

#include "inbound.h"

struct http_server;
struct intake;
struct outbox;
struct pg_queue;
struct similar_counters;
struct similar_finder_counters;
struct turns;

/* Counted where it happens; what a part counts itself is read from that part. */
struct metrics {
    uint64_t events[IN_KIND_COUNT];
    uint64_t signed_requests, undecodable, echoes;
};
extern struct metrics metrics;

/** The whole page, owned by ctx. */
char *metrics_text(TALLOC_CTX *ctx, const struct http_server *http, const struct turns *turns, const struct intake *intake,
                   const struct outbox *outbox, const struct pg_queue *background, const struct similar_counters *similar,
                   const struct similar_finder_counters *finder);

#endif
