/* Initiatives that are alike: the job that writes their index behind the turns, and the look-up.
 *
 *   initiative stored or edited -> (at most a second later) writer: read a batch, hash it, write it, again while there is more
 *
 * A look-up is two round trips on the connection it is given and never waits for the writer: an initiative that is not yet
 * indexed is not yet found.  Every process may run a writer; rows that another one was faster with are left alone. */
#ifndef SANGKIEN_BOT_SIMILAR_H
#define SANGKIEN_BOT_SIMILAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "err.h"
#include "pg_queue.h"
#include "str.h"

struct event_base;

/* ---- the writer ---- */

struct similar_writer;

/** Starts at once. @param queue  a connection that nobody waits for, borrowed. Ends with talloc_free(), before the queue. */
struct similar_writer *similar_writer_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *queue);

struct similar_counters {
    uint64_t written; /* initiatives indexed by this process */
    int64_t lag_ms;   /* how long the oldest initiative without an index has waited, at the last look; 0: none does */
};
const struct similar_counters *similar_writer_counters(const struct similar_writer *w);

/** Called after a batch: how many initiatives it took in hand, or what went wrong. */
typedef void similar_batch_fn(size_t written, const struct err *e, void *ctx);

enum { SIMILAR_BATCH_MAX = 1000 };

/** Reads and writes one batch; for the writer, and for commands that want to be up to date before they ask.
 *  @param most  how many initiatives, at most SIMILAR_BATCH_MAX; many are cheaper together, and hold the loop for longer.
 *  @param on_done  exactly once, never before this returns; fewer than `most`: nothing waits but what others hold just now. */
void similar_write_batch(struct pg_queue *queue, size_t most, similar_batch_fn *on_done, void *arg);

/* ---- the look-up ---- */

enum { SIMILAR_MATCHES_MAX = 10 };

/* An initiative like the one asked for. */
struct similar_match {
    const char *user_id, *code, *title, *status, *unit; /* unit: its name, or as typed; "": not known */
    int64_t id, unit_id; /* unit_id 0: none */
    int64_t submitted_ms;
    bool confidential; /* its words are for its author and for staff */
    int score;           /* similarity.h; from SIMILAR_FLAG on it is very similar */
};

/** @param match  best first, valid during the call. @param e  NULL: it was looked up. */
typedef void similar_done_fn(const struct similar_match *match, size_t count, const struct err *e, void *ctx);

/**
 * Looks for initiatives like this one.
 * @param queue  best a connection of its own, which nothing else waits for; turns ask over similar_desk.h.
 * @param most   at most SIMILAR_MATCHES_MAX.
 * @param on_done  exactly once, never before this returns, at the latest after some three seconds (ERR_TIMEOUT).
 */
void similar_look_up(struct pg_queue *queue, struct str title, struct str description, size_t most, similar_done_fn *on_done, void *arg);

#endif
