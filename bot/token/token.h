/* The OA's access token: kept fresh, shared by all processes of the installation through one row, never lost.
 *
 *   timer ──▶ look (read the row) ──▶ decide ─┬─ a pair the row does not have yet (memory, file) ──▶ store it ──▶ look
 *     ▲                                       ├─ refresh due, nobody else at it ──▶ lease ──▶ ask Zalo ──▶ file ──▶ store
 *     └──────────── wait ◀────────────────────┴─ otherwise: take over what the row holds
 *
 * Every path goes through look and decide, so a pair that another process or an operator put there is noticed on each.
 * One thing is under way at a time: a process never has two refreshes open; the lease (60 s, longer than a call lasts) keeps
 * other processes out.  Zalo kills the old access token and spends the refresh token the moment it answers, so the new pair
 * goes to a synced file first, then to the row, and only then into use.
 * Source: zalo-oa-api.md 4.2 to 4.4; reliability.md T1 to T7. */
#ifndef SANGKIEN_BOT_TOKEN_H
#define SANGKIEN_BOT_TOKEN_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

struct event_base;
struct pg_queue;
struct settings;
struct zalo_client;

struct tokens;

struct token {
    const char *access; /* a secret, registered with log_hide() */
    int64_t generation; /* grows with every change of the row */
};

typedef void tokens_changed_fn(void *ctx);

/**
 * Starts reading the row.  Freed with talloc_free(), before or after `db` and `zalo`; the base and the settings outlive it.
 * @param process_name  owner in the lease: unique among all running processes of the installation; copied.
 * @param on_change     called from the event loop, never from a function of this header, whenever tokens_current() has begun
 *                      to give something else.  It may call tokens_rejected(), but not free the tokens.
 */
struct tokens *tokens_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *db, struct zalo_client *zalo,
                          const struct settings *s, const char *process_name, tokens_changed_fn *on_change, void *change_ctx);

/** The token to send with; NULL: none usable now, hold what is to be sent until on_change.  Valid until the loop runs on. */
const struct token *tokens_current(struct tokens *t);

/** Zalo refused a call made with this generation (class ZALO_TOKEN).  Leads to a refresh only when the row still holds it. */
void tokens_rejected(struct tokens *t, int64_t generation);

/** Zalo took a call made with this generation.  Optional: without it five refusals within a minute of a change, as a
 *  misconfigured app gives them, slow refreshing down even when calls succeeded in between. */
void tokens_accepted(struct tokens *t, int64_t generation);

/** True when sending is held or soon will be. @param[out] why  a sentence for the operator, valid until the loop runs on. */
bool tokens_degraded(const struct tokens *t, const char **why);

/** Seconds until the token in use expires, by the database's clock; 0 when there is none. For the metric. */
int64_t tokens_expires_in_s(const struct tokens *t);

#endif
