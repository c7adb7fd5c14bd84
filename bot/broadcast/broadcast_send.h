/* Sends one chunk of a broadcast: marks rows, puts them on the wire, writes down what became of them.
 *
 *   mark (commit) ──▶ wire ──▶ result ──▶ written with the next mark (one transaction for both)
 *
 * At most MARKED_MAX rows of a process are marked and not settled at any moment.  A crash leaves those unknown whose call may have
 * begun (broadcast_wire.h), and nobody sends an unknown one again; the others wait again.  A row is looked at once more when it is marked: who opted out, has heard enough or talks with a support
 * contact meanwhile is skipped.  Zalo's refusals that a repeat may cure are repeated from here, the row staying marked.
 * Nothing goes out after the lease of the chunk could have ended. */
#ifndef SANGKIEN_BOT_BROADCAST_SEND_H
#define SANGKIEN_BOT_BROADCAST_SEND_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "broadcast_store.h"
#include "zalo/answer.h"

struct broadcast_sender;
struct event_base;
struct limiter;
struct pg_queue;
struct settings;
struct tokens;
struct zalo_client;

enum { BROADCAST_MARKED_MAX = 64, BROADCAST_LEASE_MS = 60000 };

struct broadcast_sender_options {
    struct event_base *base;
    const struct settings *settings;
    struct pg_queue *db;
    struct zalo_client *client;
    struct tokens *tokens;
    struct limiter *limiter; /* whose callback for broadcasts the sender takes */
    struct broadcast_wire *wire; /* NULL: a kill leaves all that is marked unknown */
    void (*on_idle)(void *ctx); /* the chunk is done, or given back */
    void *ctx;
};

struct broadcast_counters {
    uint64_t sent, failed, skipped, unknown;
};

/* A taken chunk. */
struct broadcast_chunk {
    int64_t chunk, fence;
    const char *marked_id;
};

struct broadcast_sender *broadcast_sender_new(TALLOC_CTX *ctx, const struct broadcast_sender_options *options);

/** Begins; the sender must be idle.  Copies what it needs. @param taken_ms  when the lease was asked for (monotonic). */
void broadcast_sender_start(struct broadcast_sender *s, const struct broadcast *b, const struct broadcast_chunk *chunk, int64_t taken_ms);

/** The broadcast whose chunk is being sent; 0: idle. */
int64_t broadcast_sender_id(const struct broadcast_sender *s);

/** Sends nothing more; gives the chunk back once what is on the wire has been answered and written.  May be called again. */
void broadcast_sender_halt(struct broadcast_sender *s);

/** Now and then: keeps the lease, and wakes what waits. */
void broadcast_sender_tick(struct broadcast_sender *s);

/** The token has changed. */
void broadcast_sender_wake(struct broadcast_sender *s);

const struct broadcast_counters *broadcast_sender_counters(const struct broadcast_sender *s);

#endif
