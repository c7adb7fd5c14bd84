/* Replies on their way to Zalo: written with the turn that caused them, taken under a lease, settled under its fence. */
#ifndef SANGKIEN_DB_OUTBOX_STORE_H
#define SANGKIEN_DB_OUTBOX_STORE_H

#include "pg.h"
#include "rows.h"
#include "save.h"

/* A claimed reply. */
struct outbox_row {
    struct outbox_row *next;
    struct reply reply;
    int64_t fence;
    int attempts;
    bool expired;
    bool unsure;             /* it may have been sent: by a process that died, or its answer was lost */
    bool silenced;           /* the bot's prompts while a person has the conversation, a contact's words when it is his no more: not sent */
    const char *last_error;  /* why it was given back; NULL: never */
    const char *echo_msg_id; /* Zalo was seen to have sent it already; NULL: no sign of that */
};

/* What names a claimed row when its result is written back. */
struct outbox_claim {
    const char *user_id;
    int64_t id;
    int64_t fence;
};

/**
 * Adds one reply.
 * @param owner   this process: the row is leased for due_ms; NULL: whoever comes after due_ms may take it.
 * @param answers what its reader wrote: the next such reply may take its place, see outbox_store_merge().
 */
void outbox_store_add(struct save *s, const struct reply *r, const char *owner, int64_t due_ms, int64_t expires_ms, bool answers);

/**
 * Replies exceed the pace, and these people get a new answer: older ones that nobody has begun to send go into the transcript
 * as not sent.  Before outbox_store_add().  @return the statement's place in the unit: it affects as many rows as were merged.
 */
int outbox_store_merge(struct pg_unit *unit, const char *const *user_ids, size_t count);

/** Deletes the person's collected replies that nobody has claimed. */
void outbox_store_drop_collected(struct save *s, const char *user_id);

/** A person takes the conversation: deletes the bot's prompts that nobody has claimed. */
void outbox_store_drop_unclaimed(struct save *s, const char *user_id);

/** Claims what is due; the answer's last result is read with outbox_store_claimed(). */
void outbox_store_claim(struct pg_unit *unit, const char *process, int lease_ms, int most);

/** The claimed rows, a list ordered by (user_id, id) as far as one person is concerned; each is a child of ctx. */
struct outbox_row *outbox_store_claimed(TALLOC_CTX *ctx, const PGresult *res);

/** Of replies in hand, by (user_id, id): the rows of the last answer name those that are not to be sent any more (struct outbox_row,
 *  silenced). */
void outbox_store_silenced(struct pg_unit *unit, struct pg_array *user_ids, struct pg_array *ids);

/** Settles a row: with Zalo's message id, or given up with a reason. */
void outbox_store_settle(struct save *s, struct outbox_claim row, const char *zalo_msg_id, const char *failure);

/** Gives a row back: it may be taken again after due_ms.  @param tried counts as an attempt of that row. */
void outbox_store_retry(struct save *s, struct outbox_claim row, int64_t due_ms, bool tried, const char *error);

/** Rows this process has claimed and does not hold may be claimed again: before a claim in the same unit, after one whose answer was lost. */
void outbox_store_lost_claims(struct pg_unit *unit, const char *process, struct pg_array *user_ids, struct pg_array *ids);

/** Gives back everything this process holds. */
void outbox_store_release(struct pg_unit *unit, const char *process);

#endif
