/* The public HTTP side: POST /webhook, the domain verification, health and metrics.
 *
 * A webhook request is answered 200 once its event is committed (or is none of ours), 401 when it is not signed, 503 when
 * nothing could be stored.  zalo-oa-api.md 1.1 to 1.6. */
#ifndef SANGKIEN_BOT_WEBHOOK_H
#define SANGKIEN_BOT_WEBHOOK_H

#include <talloc.h>

#include "err.h"
#include "http.h"
#include "turns.h"

struct event_base;
struct outbox;
struct pg_queue;
struct settings;
struct similar_finder;
struct similar_writer;
struct tokens;
struct webhook;

struct webhook_options {
    struct event_base *base;
    const struct settings *settings;
    struct turns *turns;
    struct outbox *outbox;
    struct tokens *tokens;
    struct pg_queue *background;
    const struct similar_writer *similar; /* for the metrics, like the next */
    const struct similar_finder *similar_finder;
};

struct webhook *webhook_new(TALLOC_CTX *ctx, const struct webhook_options *options);

/** Serves on a listening socket; `admin` tells whether health and metrics are shown there as well. */
bool webhook_listen(struct webhook *w, int fd, bool public_paths, bool admin_paths, struct err *e);

/** An event has come to its end: its request is answered. */
void webhook_settled(struct webhook *w, const struct turn_event *event, enum turn_outcome outcome);

/** Accepts no more, finishes what is there; `done` once. */
void webhook_drain(struct webhook *w, void (*done)(void *ctx), void *ctx);

#endif
