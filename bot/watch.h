/* What the operator must not find out too late: said in the log, in a metric, and to the organizers in chat.
 *
 *   silent   no webhook came for watch.silence_ms in working hours: Zalo may have switched it off
 *   stopped  Zalo refuses to send for this OA: package, balance or permission
 *   token    sending is held or soon will be: a new consent may be needed
 *   package, unverified   what Zalo says about the OA, asked at start and daily
 *
 * Each is told once in a while, by whichever process comes first; over all nodes. */
#ifndef SANGKIEN_BOT_WATCH_H
#define SANGKIEN_BOT_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "ids.h"

struct event_base;
struct limiter;
struct outbox;
struct pg_queue;
struct settings;
struct tokens;
struct zalo_client;

struct watch_options {
    struct event_base *base;
    const struct settings *settings; /* watch.silence_ms, hours.staff, hours.holidays: read at each look */
    struct pg_queue *db;
    struct zalo_client *client;
    struct tokens *tokens;
    struct limiter *limiter;
    const struct outbox *outbox;
    struct ids *ids;
    bool asks_zalo; /* one process of a node asks about the OA */
};

/* For the metrics. */
struct watch_state {
    uint64_t silent;       /* 1: no webhook for longer than it should be */
    uint64_t oa_known;     /* 1: Zalo has told about the OA; else the next two are 0 */
    uint64_t oa_unverified;
    uint64_t package_days; /* left of the OA's package; 0: none, over, or not told */
    uint64_t notices;      /* told since start */
};

/** Freed with talloc_free(), before or after `db` and `client`; the rest outlives it. */
const struct watch_state *watch_new(TALLOC_CTX *ctx, const struct watch_options *options);

#endif
