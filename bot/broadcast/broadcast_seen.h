/* Receipts of broadcast messages: "received" and "seen" go into the ledger, many at a time and a little later.
 *
 * A receipt may overtake the answer that tells the message's id, so it is kept for a moment before it is written; a crash loses
 * what is kept, as receipts get lost anyhow: their absence proves nothing (zalo-oa-api.md 1.8). */
#ifndef SANGKIEN_BOT_BROADCAST_SEEN_H
#define SANGKIEN_BOT_BROADCAST_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

struct broadcast_seen;
struct event_base;
struct pg_queue;

/** Freed after its connection. */
struct broadcast_seen *broadcast_seen_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *db);

/** A phone has it, or somebody has read it.  Also of messages that were no broadcast: they are not found.  Copies. */
void broadcast_seen_note(struct broadcast_seen *s, const char *user_id, const char *message_id, bool seen);

#endif
