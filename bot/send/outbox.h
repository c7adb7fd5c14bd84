/* The outbox sender: replies go to Zalo after their turn committed, in order per person, at the pace of limiter.h.
 *
 * What this process leased (at commit or by a claim) lies in one lane per person; the head of each lane is on the wire at
 * a time.  A result is written back under the row's fence, in batches, and tried again until the database has taken it.
 * Retried rows go back to the database, so any process may take them; a crash leaves leases that run out. */
#ifndef SANGKIEN_BOT_OUTBOX_H
#define SANGKIEN_BOT_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "rows.h"
#include "zalo/answer.h"

struct event_base;
struct limiter;
struct outbox;
struct pg_queue;
struct settings;
struct tokens;
struct zalo_client;

struct outbox_options {
    struct event_base *base;
    const struct settings *settings;
    const char *process;
    struct pg_queue *background;
    struct zalo_client *client;
    struct tokens *tokens;
    struct limiter *limiter; /* whose callback for replies the outbox takes */
    bool hold; /* send nothing until outbox_hold(o, false): after a restored backup */
};

struct outbox_counters {
    uint64_t by_class[ZALO_CLASS_COUNT]; /* answers */
    uint64_t sent, failed, retried, expired, lease_lost;
    uint64_t dropped; /* courtesies, while more important replies waited */
    uint64_t reconciled; /* found to have been sent, by their echo, when they were about to go again */
};

struct outbox *outbox_new(TALLOC_CTX *ctx, const struct outbox_options *options);

/** False when a reply would only be given back: nothing may be sent now, or as many wait as go out before their leases end. */
bool outbox_has_room(const struct outbox *o);

/** True while, and shortly after, replies alone exceed the pace: as many are held as go out before their leases end. */
bool outbox_pressed(const struct outbox *o);

/** Sends a committed reply whose row this process has just leased.  Copies what it needs. */
void outbox_take(struct outbox *o, const struct reply *reply);

/** Something becomes due in due_ms: look then. */
void outbox_look_in(struct outbox *o, int64_t due_ms);

/** The token has changed, or is there at last. */
void outbox_wake(struct outbox *o);

void outbox_hold(struct outbox *o, bool hold);

/** True when this process sent that message a short while ago and has written it down: its echo needs no row. */
bool outbox_sent_lately(const struct outbox *o, const char *zalo_msg_id);

/** Replies in this process's hands: waiting, on the wire, or with a result not yet written. */
size_t outbox_waiting(const struct outbox *o);

/** True while Zalo refuses to send for this OA at all; tried again once a minute. */
bool outbox_paused(const struct outbox *o);

/** Starts nothing new; calls `done` once when the wire is quiet and results are written (or after 10 s), with what was
 *  still held given back. */
void outbox_stop(struct outbox *o, void (*done)(void *ctx), void *ctx);

const struct outbox_counters *outbox_counters(const struct outbox *o);

#endif
