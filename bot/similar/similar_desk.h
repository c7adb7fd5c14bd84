/* Look-ups that turns ask for: one at a time, and never more than a part of the machine.
 *
 * A look-up among two million initiatives is as much work as some thirty turns.  Asked for by every registration of a rush,
 * look-ups would slow down the very turns that ask.  So one that took t is followed by 4 t without any; asked now and then,
 * each starts at once.  What has waited for too long, or is one too many, is given up, the oldest first: the talk goes on
 * without an answer. */
#ifndef SANGKIEN_BOT_SIMILAR_DESK_H
#define SANGKIEN_BOT_SIMILAR_DESK_H

#include "similar.h"

struct similar_desk;

enum { SIMILAR_DESK_WAITING_MAX = 100 }; /* more than two seconds of a rush could look up; each holds a description */

/** @param queue  a connection that nothing else waits for, borrowed. Ends with talloc_free(), before the queue: what waits is
 *  called back with ERR_UNAVAILABLE, what is being looked up when the queue ends. */
struct similar_desk *similar_desk_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *queue);

/**
 * similar_look_up() as soon as it may be.
 * @param title, description  copied.
 * @param on_done  exactly once, never before this returns; ERR_TIMEOUT: its turn did not come within two seconds, or
 *                 too many came behind it.
 */
void similar_desk_ask(struct similar_desk *desk, struct str title, struct str description, size_t most, similar_done_fn *on_done, void *arg);

struct similar_desk_counters {
    uint64_t asked, answered, given_up;
};
const struct similar_desk_counters *similar_desk_counters(const struct similar_desk *desk);

#endif
