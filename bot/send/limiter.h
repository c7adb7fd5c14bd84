/* One pace for all calls to Zalo, over all processes and nodes of the app: whoever sends asks here first.
 *
 * At most send.per_minute calls go out in any 60 s.  The row send_pace is a time line on which each call has a moment of its
 * own; a process leases moments ahead (replies up to a second, broadcasts a tenth) and spends each at its moment or up to
 * SLACK later, else it is void.  The step between two moments is (60 s + SLACK) / send.per_minute, so that no 60 s can hold
 * more, however late each call is; what is lost by that is 1.5 %.  Only the database's clock counts, and of a lease only the
 * part of which it is sure that the database means it.  Without the database a process keeps to half of an even share.
 *
 * Replies to people go first: a broadcast gets nothing here while a reply waits, and leases so little ahead that another
 * process's replies wait for it a tenth of a second at most.  While most calls of this process fail, one a second goes (breaker.h).
 * Source: design.md 7; zalo-oa-api.md 3.5. */
#ifndef SANGKIEN_BOT_LIMITER_H
#define SANGKIEN_BOT_LIMITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

struct event_base;
struct limiter;
struct pg_queue;
struct settings;
struct zalo_answer;

enum send_rank { SEND_REPLY, SEND_BROADCAST, SEND_RANKS };

struct limiter_options {
    struct event_base *base;
    const struct settings *settings; /* zalo.app_id, send.per_minute (live), server.workers */
    const char *process;             /* unique among all running processes */
    struct pg_queue *db;
};

struct limiter_counters {
    uint64_t calls[SEND_RANKS]; /* let go */
    uint64_t leased, lapsed;    /* moments leased; those nobody spent in time */
    uint64_t alone;             /* moments this process gave itself, the database being away */
    uint64_t refused;           /* Zalo said it was too much */
};

struct limiter *limiter_new(TALLOC_CTX *ctx, const struct limiter_options *options);

/** Who is called, from the event loop, when more of that rank may go after a refusal. */
void limiter_on_more(struct limiter *l, enum send_rank rank, void (*more)(void *ctx), void *ctx);

/**
 * One call to Zalo, to be made now.
 * @param waiting  calls the asker would make now, this one included: so many moments are leased at once.
 * @return false: not yet; on_more will tell.
 */
bool limiter_take(struct limiter *l, enum send_rank rank, size_t waiting);

/** What became of a call that limiter_take() let go. */
void limiter_heard(struct limiter *l, const struct zalo_answer *answer);

/** True while only one call a second is tried. */
bool limiter_broken(const struct limiter *l);

/** A call that does not wait for its turn (a look into a conversation): those after it make up for it. */
void limiter_spend(struct limiter *l);

/** Zalo answered -32: nobody sends until its next clock minute has surely begun. @return ms until then. */
int64_t limiter_back_off(struct limiter *l);

/** Calls a minute that fall to this process when all send. */
int64_t limiter_share(const struct limiter *l);

const struct limiter_counters *limiter_counters(const struct limiter *l);

#endif
