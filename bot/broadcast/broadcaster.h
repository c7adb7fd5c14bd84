/* Broadcasts in the service: looks what there is to do, freezes the recipients in chunks, has chunks sent, settles the rest.
 *
 *   waiting ──cut──▶ freezing ──all chunks──▶ sending ──all chunks──▶ done        cancelled: what is left is written off
 *
 * Every process of every node takes part; a chunk is taken under a lease with a fence.  While something is under way the table
 * is looked at three times a second, so a pause is felt within one; else every two seconds.  Sending happens inside
 * hours.broadcast; what is left at closing time goes on, at the same even pace, when they open again. */
#ifndef SANGKIEN_BOT_BROADCASTER_H
#define SANGKIEN_BOT_BROADCASTER_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "broadcast_send.h"

struct broadcaster;

struct broadcaster_options {
    struct event_base *base;
    const struct settings *settings;
    const char *process;
    struct pg_queue *db;     /* for what has to be quick: looking, marking, writing */
    struct pg_queue *work;   /* for freezing */
    struct zalo_client *client;
    struct tokens *tokens;
    struct limiter *limiter;
    struct broadcast_wire *wire; /* NULL: none */
    bool hold; /* send nothing: after a restored backup */
};

/** Freed after its connections, which call it back. */
struct broadcaster *broadcaster_new(TALLOC_CTX *ctx, const struct broadcaster_options *options);

/** Something was started, resumed or cancelled: look at once. */
void broadcaster_poke(struct broadcaster *b);

/** The token has changed. */
void broadcaster_wake(struct broadcaster *b);

/** Begins nothing new; `done` once what is on the wire is answered and written, or after ten seconds. */
void broadcaster_stop(struct broadcaster *b, void (*done)(void *ctx), void *ctx);

const struct broadcast_counters *broadcaster_counters(const struct broadcaster *b);

#endif
