/* Replies in hand, person by person: the head of a person's lane is on the wire at a time, what follows waits behind it.
 *
 * A lane is queued while its head may go, busy while it is on the wire or asked about, and gone when nothing is left in it. */
#ifndef SANGKIEN_BOT_LANES_H
#define SANGKIEN_BOT_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "outbox_store.h"

enum { LANE_BUCKETS = 1024 };

struct zalo_request;

struct item {
    struct item *next;
    struct outbox_claim claim; /* whose user_id is the lane's */
    struct zalo_request *part;
    size_t part_count, part_at;
    int attempts;
    int last_code;            /* Zalo's, of the attempt before; 0: none */
    bool token_retried;
    bool unsure;              /* it may have been sent already: the conversation is asked first */
    const char *silenced;     /* and if it was not, it is not sent any more: why; NULL: it is */
    int64_t token_generation; /* that the last try used */
    int64_t lease_ends_ms;    /* monotonic; after it somebody else may have the row */
};

struct lane {
    struct lane *next_in_bucket, *next_ready;
    const char *user_id;
    struct item *first, **last;
    uint32_t hash;
    bool queued, busy;
};

struct lanes {
    TALLOC_CTX *ctx;
    struct lane *bucket[LANE_BUCKETS];
    struct lane *first_ready, **last_ready;
    size_t held; /* items in all of them */
};

/** @param ctx whose children the lanes are. */
void lanes_init(struct lanes *lanes, TALLOC_CTX *ctx);

/** A new last item of that person's lane, zero but for its claim; the caller fills it in at once. */
struct item *lanes_add(struct lanes *lanes, struct outbox_claim claim);

/** The item of that row, NULL when it is not held. */
struct item *lanes_find(struct lanes *lanes, const char *user_id, int64_t id);

/** The lane that may go next, taken from the queue: not one whose head was refused with the token of that generation.  NULL: none. */
struct lane *lanes_take(struct lanes *lanes, int64_t token_generation);

/** Its head cannot go just now after all: it is the next one again. */
void lanes_put_first(struct lanes *lanes, struct lane *l);

/** The head has come to its end. */
void lanes_drop_head(struct lanes *lanes, struct lane *l);

/** The lane is not busy any more: its head, if any, may go.  A lane without one is freed. */
void lanes_next(struct lanes *lanes, struct lane *l);

#endif
