/* Units of background work on one connection, one after the other: write-backs, polls, tokens, housekeeping. */
#ifndef SANGKIEN_DB_PG_QUEUE_H
#define SANGKIEN_DB_PG_QUEUE_H

#include "pg.h"

struct pg_queue;

/** Opens a connection of its own.  Freed with talloc_free(): what waits is called back with ERR_UNAVAILABLE. */
struct pg_queue *pg_queue_new(TALLOC_CTX *ctx, struct event_base *base, const struct pg_options *options);

/** Runs the unit when its turn comes (takes it over); `done` exactly once, never before this returns.
 *  A unit that waits longer than deadline_ms for the connection fails with ERR_UNAVAILABLE. */
void pg_queue_run(struct pg_queue *q, struct pg_unit *unit, int deadline_ms, pg_done_fn *done, void *ctx);

/** Units waiting or running. */
size_t pg_queue_depth(const struct pg_queue *q);

struct pg *pg_queue_connection(struct pg_queue *q);

#endif
