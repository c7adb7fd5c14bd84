/* The turn queue: per person one turn at a time, the rest wait in order; what waits while a batch is in flight is the
 * next batch.
 *
 * After a batch of many the next one grows for another millisecond: those just answered come back together, and would else
 * be one of two batches half as large, at the cost of a whole one each.
 *
 * A person always uses the same of the two connections (hash of user_id), so order needs no lock within a process. Each
 * event settles exactly once: committed (also as a duplicate) or dead.  While the database is away or takes no writes it
 * waits, first in its person's lane, and is tried again; where it is kept meanwhile is intake.h's concern. */
#ifndef SANGKIEN_BOT_TURNS_H
#define SANGKIEN_BOT_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "conversation_store.h"
#include "http/http.h"
#include "ids.h"
#include "inbound.h"
#include "receipt.h"
#include "rows.h"

struct event_base;
struct outbox_claim;
struct pg;
struct pg_queue;
struct settings;
struct similar_wish;
struct stay;
struct suspects;
struct turns;
struct wave_end;

/* One event on its way through the pipeline.  Owned by the queue from turns_take() until it settles. */
struct turn_event {
    struct turn_event *next; /* in its lane */
    struct inbound *in;
    unsigned char key[EVENT_KEY_BYTES]; /* meaningless for mail */
    struct str body;                    /* the raw webhook body; empty for mail */
    struct http_request_id request;     /* whom to answer; generation 0: nobody */
    bool redelivered;                   /* num_retry said so: a hint */
    bool spooled;                       /* it waited in the spool: may be late */
    struct stay *stay;                  /* intake's; NULL for mail */
    bool suspect;                       /* it was in hand at a crash: goes alone */
    struct outbox_claim *orphans;       /* replies it may have committed without hearing of it: see turn_batch_orphans() */
    size_t orphan_count;
    const char *doom;                   /* why it is not even tried but dead at once; NULL otherwise */
    unsigned failures;                  /* how often it failed alone while others committed */
    uint64_t failed_at;                 /* its connection's commits then */
};

enum turn_outcome {
    TURN_DONE,        /* committed, or it had been before: 200 */
    TURN_DEAD,        /* kept in dead_event: 200 */
    TURN_UNAVAILABLE, /* not even dead_event took it, and a repeat would not help: 503 */
};

struct turn_counters {
    uint64_t batches, events, duplicates, deferred, retries, dead, need_rounds;
    uint64_t merged; /* replies whose place a newer one took while they exceeded the pace */
};

/* What the pipeline works with and whom it tells. */
struct turns_options {
    struct event_base *base;
    const struct settings *settings; /* read at each use: may change at run time */
    const char *process;             /* name in leases */
    struct ids *ids;
    struct pg_queue *background;     /* receipt blocks */
    const struct wave_end *wave_end; /* read at each use: changes between turns */
    struct suspects *suspects;       /* NULL: crashes are not counted */
    void (*on_settled)(const struct turn_event *event, enum turn_outcome outcome, void *ctx);
    /* The database does not take it now; called each time it was tried. */
    void (*on_refused)(struct turn_event *event, void *ctx);
    bool (*may_send)(void *ctx); /* false: replies are stored for whoever may, without a lease of this process */
    bool (*is_pressed)(void *ctx); /* replies exceed the pace: a new answer takes the place of older ones (design 7) */
    /* A committed reply that this process leased (now) or that will be due in due_ms (collected). */
    void (*on_reply)(const struct reply *reply, void *ctx);
    void (*on_reply_later)(int64_t due_ms, void *ctx);
    void (*on_mail)(const struct mail *mail, int64_t now_ms, void *ctx); /* for somebody's next turn, perhaps later */
    void (*on_evidence)(void *ctx);
    void (*on_job)(void *ctx); /* there is a new row of table job */
    void (*on_similar)(const char *user_id, const struct similar_wish *wish, void *ctx); /* a draft to be searched for */
    void *ctx;
};

enum { TURNS_WAITING_MAX = 4000, TURNS_WAITING_BYTES_MAX = 64 << 20, TURNS_CONNECTIONS = 2, TURN_LEASE_MS = 30000 };

struct turns *turns_new(TALLOC_CTX *ctx, const struct turns_options *options);

/** An event of `turns`' memory, to be filled and given to turns_take() or freed with talloc_free(). */
struct turn_event *turn_event_new(struct turns *t);

/** Queues the event (takes it over).  Whoever brings new ones asks turns_full() before. */
void turns_take(struct turns *t, struct turn_event *event);

/** True when TURNS_WAITING_MAX events, or bodies of TURNS_WAITING_BYTES_MAX, wait already. */
bool turns_full(const struct turns *t);

/** Queues a row of the mailbox unless it is queued already or the queue is full (the next look brings it again). */
void turns_take_mail(struct turns *t, const struct mail *mail);

/** Events waiting or in hand. */
size_t turns_waiting(const struct turns *t);

/** True when both connections are up. */
bool turns_ready(const struct turns *t);

/** For how long that person's connection has been away or its server has refused writes; 0: it is well. */
int64_t turns_away_ms(const struct turns *t, const char *user_id);

const struct turn_counters *turns_counters(const struct turns *t);

#endif
