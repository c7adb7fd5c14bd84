/* One batch of turns: load, think, save, each a pipelined round trip, in one transaction.
 *
 *   turn_batch_start -> on_claimed -> think -> (on_needs_loaded -> think)* -> on_saved -> done
 *
 * People met for the first time get their rows and are claimed in a second round trip.
 *
 * The batch does not retry: its outcome says what the queue should do. */
#ifndef SANGKIEN_BOT_TURN_BATCH_H
#define SANGKIEN_BOT_TURN_BATCH_H

#include "conversation_store.h"
#include "outbox_store.h"
#include "turn.h"
#include "turns.h"

struct pg;

/* The turn of one event inside a batch. */
struct turn {
    struct turn_event *event;
    struct turn_row *row; /* in batch->rows */
    struct turn_input in;
    struct turn_output *out; /* NULL when there is nothing to do: locked elsewhere, or a duplicate */
    struct conversation conv; /* as it will be saved */
    struct my_data my_data;
    struct unit_match units[5];
    char code[RECEIPT_CODE_BYTES];
};

struct turn_batch {
    const struct turns_options *options;
    struct pg *pg;
    struct receipt_stock *receipts;
    size_t count;
    struct turn *turn;     /* count of them, sorted by user_id */
    struct turn_row *rows; /* the same order */
    int rounds;            /* how often the dialogue asked for more */
    int64_t now_ms;
    bool introduced; /* those nobody had met have got their rows */
    bool sends; /* its immediate replies are this process's to send */
    const char **merges; /* whose older answers are not sent any more */
    size_t merge_count;
    int merge_statement;
    int64_t merged; /* how many those were */
    bool commit_sent, committed;
    struct err e;          /* kind ERR_NONE when committed */
    bool transaction_open; /* after a failure: ROLLBACK is needed before the connection is used again */
    void (*done)(struct turn_batch *batch, void *ctx);
    void *ctx;
};

/**
 * Runs a batch.  `events` are of different people, sorted by user_id (strcmp); they stay the caller's.
 * @param receipts holds at least `count` codes.
 * The batch is a child of ctx; the caller frees it after `done`, which runs exactly once and never before the return.
 */
struct turn_batch *turn_batch_start(TALLOC_CTX *ctx, const struct turns_options *options, struct pg *pg, struct turn_event **events,
                                    size_t count, struct receipt_stock *receipts, void (*done)(struct turn_batch *batch, void *ctx), void *done_ctx);

/** Hands the committed batch's replies, mail and wishes on, through options->on_*. */
void turn_batch_publish(const struct turn_batch *batch);

/**
 * Notes at each event the replies that a batch without an answer to its COMMIT would have sent: their rows may be there, under
 * a lease of this process.  Whichever batch the event commits with gives them back in the same transaction.
 */
void turn_batch_orphans(const struct turn_batch *batch);

#endif
