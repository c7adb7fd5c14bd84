/* Where an event waits until it is committed: in the turn queue, in the spool, or in both.
 *
 *   webhook ─▶ intake_take() ─▶ turn queue ──── committed in time ───────────────▶ 200
 *                    │               └─ after spool.after_ms, or refused by PostgreSQL ─▶ copied to the spool ─▶ 200
 *                    └─ the queue is full, older events of that person are on disk only, or another worker has taken
 *                       some and not settled them (order.h) ─▶ spool ─▶ 200, read back in order
 *
 * An event in memory stays there, first in its person's lane, until PostgreSQL takes it; its row in the spool is only there
 * for a crash, and is removed when it settles.  What is on disk only is read back, oldest first, as the queue has room.
 *
 * The races, and why they are none:
 *  - Order.  Per person, rows on disk only are newer than events in memory, and while there are any his next event joins
 *    them.  Ids in the spool follow arrival: before a row of his is written, what he said earlier and what still waits is.  So
 *    it is also the order in which a later start reads them.
 *  - The commit comes back after the event was spooled and acknowledged: it settles, its row is removed.  If it settles while
 *    its row is being written, the row is removed when it has been.
 *  - The outcome of the commit is unknown, or the removal was lost: the event is tried again, and its key makes that a
 *    duplicate without effect.
 *  - PostgreSQL goes away while rows are read back: they are events in memory like others, and wait.
 *  - The process stops or is killed: the rows stay, the next start reads them before it takes any newer event of that person.
 *  - The spool refuses (full, disk error): the event waits for its commit alone; none by 1.8 s, 503, and Zalo sends it again.
 *    When it is full and PostgreSQL known to be away, 503 at once, and nothing is kept. */
#ifndef SANGKIEN_BOT_INTAKE_H
#define SANGKIEN_BOT_INTAKE_H

#include "spool.h"
#include "turns.h"

struct event_base;
struct intake;
struct order_board;
struct settings;

struct intake_options {
    struct event_base *base;
    const struct settings *settings; /* read at each use */
    struct order_board *board; /* shared with the other workers of the node; NULL: there are none */
    size_t seat;               /* on it */
    void (*answer)(struct http_request_id request, bool stored, void *ctx); /* 200 or 503; never for generation 0 */
    /* A spooled echo that is to be written again (takes `in` over); intake_echo_written() when it has been. */
    void (*on_echo)(struct inbound *in, int64_t spool_id, struct str body, void *ctx);
    void *ctx;
};

/** Opens the spool.  While it cannot be used (said in the log, tried again every 5 s) what PostgreSQL does not take in time is
 *  answered 503. */
struct intake *intake_new(TALLOC_CTX *ctx, const struct intake_options *options);

/** Before anything else is asked of it: where events go. */
void intake_start(struct intake *k, struct turns *turns);

/** Takes over an event of turn_event_new() that waits for its request's answer. */
void intake_take(struct intake *k, struct turn_event *event);

/** Spools something that is no turn; answered when it is on disk.  `row` needs user_id, key, body, redelivered. */
void intake_spool(struct intake *k, const struct spool_row *row, struct http_request_id request);

/** PostgreSQL does not take it now (turns_options.on_refused). */
void intake_refused(struct intake *k, struct turn_event *event);

/** The event has come to its end; its request is answered here. */
void intake_settled(struct intake *k, const struct turn_event *event, enum turn_outcome outcome);

void intake_echo_written(struct intake *k, int64_t spool_id, struct str body);

/** NULL when it cannot be used. */
const struct spool *intake_spool_of(const struct intake *k);

/** True when an event that PostgreSQL does not take can be kept. */
bool intake_well(const struct intake *k);

/** How long the oldest event has been waiting to take effect, here or in the spool; 0: none waits. */
int64_t intake_oldest_age_ms(const struct intake *k);

/** Rows read back so far; events that the spool did not take. */
uint64_t intake_drained(const struct intake *k);
uint64_t intake_refused_count(const struct intake *k);

#endif
