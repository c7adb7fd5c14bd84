/* The public HTTP side: POST /webhook, the domain verification, health and metrics.
 *
 * A webhook request is answered 200 once its event is committed or spooled (or is none of ours), 401 when it is not signed,
 * 503 when nothing could be stored within 1.8 s.  zalo-oa-api.md 1.1 to 1.6. */
#ifndef SANGKIEN_BOT_WEBHOOK_H
#define SANGKIEN_BOT_WEBHOOK_H

#include <talloc.h>

#include "err.h"
#include "http/http.h"
#include "inbound.h"

struct event_base;
struct broadcast_seen;
struct intake;
struct limiter;
struct broadcaster;
struct nudger;
struct outbox;
struct pg_queue;
struct settings;
struct similar_finder;
struct similar_writer;
struct tokens;
struct turns;
struct vitals;
struct watch_state;
struct webhook;

struct webhook_options {
    struct event_base *base;
    const struct settings *settings;
    struct turns *turns;
    struct intake *intake;
    struct outbox *outbox;
    struct tokens *tokens;
    struct pg_queue *background;
    struct broadcast_seen *seen;
    const struct limiter *limiter; /* for the metrics, like the next */
    const struct broadcaster *broadcaster;
    const struct nudger *nudger;
    const struct vitals *vitals;
    const struct watch_state *watch;
    const struct similar_writer *similar;
    const struct similar_finder *similar_finder;
};

struct webhook *webhook_new(TALLOC_CTX *ctx, const struct webhook_options *options);

/** Serves on a listening socket; `admin` tells whether health and metrics are shown there as well. */
bool webhook_listen(struct webhook *w, int fd, bool public_paths, bool admin_paths, struct err *e);

/** Answers 200, or 503 when the event is not stored. */
void webhook_answer(struct webhook *w, struct http_request_id request, bool stored);

/** An echo out of the spool: takes `in` over, tells the intake when it is written. @param body  for its size. */
void webhook_take_spooled_echo(struct webhook *w, struct inbound *in, int64_t spool_id, struct str body);

/** This process's numbers, for the page that another worker is asked for (metrics.h). */
void webhook_note_metrics(const struct webhook *w);

/** Accepts no more, finishes what is there; `done` once. */
void webhook_drain(struct webhook *w, void (*done)(void *ctx), void *ctx);

#endif
