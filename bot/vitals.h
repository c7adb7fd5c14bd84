/* How this process and its surroundings fare: what no part of it counts by itself, looked at every few seconds.
 *
 * The database is asked by one process of a node (the first worker); the answer is about all nodes. */
#ifndef SANGKIEN_BOT_VITALS_H
#define SANGKIEN_BOT_VITALS_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

struct event_base;
struct pg_queue;
struct settings;

enum { VITALS_CLASSES = 4 /* of replies, enum reply_class */ };

struct vitals {
    /* of this process */
    uint64_t loop_lag_ms;    /* the longest the event loop was late in the last 10 to 20 s */
    uint64_t files, files_most; /* descriptors open, and allowed */
    uint64_t resident_bytes;
    /* of the disk with the spool, and the one with the evidence */
    uint64_t spool_disk_bytes, spool_disk_free, evidence_disk_bytes, evidence_disk_free;
    /* of the database; all 0 in the processes that do not ask */
    uint64_t asked;          /* 1: the last question was answered */
    uint64_t clock_skew_ms;  /* between this machine and the database, without sign */
    uint64_t outbox[VITALS_CLASSES], outbox_oldest_s[VITALS_CLASSES]; /* replies waiting by class; age of the oldest */
    uint64_t leases_expired; /* replies whose sender has not come back and that nobody has taken yet */
    uint64_t mailbox_late_s; /* for how long the oldest piece of mail has been due */
    uint64_t dead;           /* rows in dead_event */
    uint64_t evidence_waiting;
    uint64_t transaction_s;  /* age of the oldest open transaction */
    uint64_t broadcasts, broadcasts_paused, broadcast_chunks; /* under way; halted ones of these; pieces of them to be frozen or sent */
    uint64_t deliveries_unknown;
    uint64_t dead_rows_pct;  /* of the rows that outbox, mailbox and conversation hold on disk */
};

/**
 * Starts looking.  Freed with talloc_free(), before or after `db`; base and settings outlive it.
 * @param asks  whether this process asks the database.
 */
const struct vitals *vitals_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *db, const struct settings *settings, bool asks);

#endif
