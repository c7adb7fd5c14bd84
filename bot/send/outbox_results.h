/* What became of replies, on its way into the database: written in batches, tried again until it is taken.
 *
 * A result that is lost would let a lease run out and the reply go twice, so nothing here is ever given up; every row is
 * written under the fence of its claim, and one that another process has claimed since is left alone. */
#ifndef SANGKIEN_BOT_OUTBOX_RESULTS_H
#define SANGKIEN_BOT_OUTBOX_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "outbox_store.h"

struct event_base;
struct outbox_results;
struct pg_array;
struct pg_queue;

/** @param on_quiet called whenever the last result has been written. */
struct outbox_results *outbox_results_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *background,
                                          void (*on_quiet)(void *ctx), void *quiet_ctx);

/** The reply was sent (its message id, "" when Zalo gave none) or given up (why).  Copies what it needs. */
void outbox_results_settle(struct outbox_results *r, struct outbox_claim claim, const char *zalo_msg_id, const char *failure);

/** The reply may be taken again, by anybody, after retry_ms.  @param tried counts as an attempt. */
void outbox_results_give_back(struct outbox_results *r, struct outbox_claim claim, int64_t retry_ms, bool tried, const char *why);

/**
 * A row taken again while its outcome was still to be written (the database was away longer than a lease lasts): it has been
 * sent, so the outcome is written under the new fence too.  @return false when it is not one of those.
 */
bool outbox_results_settled_before(struct outbox_results *r, struct outbox_claim claim);

/** True when the sending of that message was written down a short while ago: its echo needs no row. */
bool outbox_results_written_lately(const struct outbox_results *r, const char *zalo_msg_id);

/** True when this process has sent that message itself: written down a short while ago, or not yet. */
bool outbox_results_knows(const struct outbox_results *r, const char *zalo_msg_id);

/** Appends the rows whose results are not written yet. */
void outbox_results_list(const struct outbox_results *r, struct pg_array *user_ids, struct pg_array *ids);

/** Results that are not written yet. */
size_t outbox_results_waiting(const struct outbox_results *r);

#endif
