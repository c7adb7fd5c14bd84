/* Fetches the pictures, files and voice notes people sent, before Zalo's links to them expire, and removes what was erased.
 *
 *   claim (lease 60 s) ──▶ download to tmp-… ──▶ sync and rename ──▶ evidence_stored ──▶ done
 *                             │ fails: again after 30 s, 2 min, 10 min, 1 h, 6 h; then given up and said so
 *                             └ refused for good (host, size): given up at once
 *
 * At most four at a time and process, at most evidence.max_mb each; none while the disk has no room for one. */
#ifndef SANGKIEN_BOT_EVIDENCE_H
#define SANGKIEN_BOT_EVIDENCE_H

#include <talloc.h>

struct event_base;
struct pg_queue;
struct settings;
struct zalo_client;
struct evidence_fetcher;

/** A piece was given up, and the database says so: tell the person. `name` is the file's name, NULL for pictures. */
typedef void evidence_failed_fn(const char *user_id, const char *name, void *ctx);

/** Starts.  Freed with talloc_free(), before or after `db` and `zalo` (it waits for a sync under way); what is under way then
 *  comes due again elsewhere.  The base and the settings outlive it. */
struct evidence_fetcher *evidence_fetcher_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *db, struct zalo_client *zalo,
                                              const struct settings *s, evidence_failed_fn *on_failed, void *failed_ctx);

/** New evidence was committed: look now instead of at the next second. Starts nothing before it returns. */
void evidence_fetcher_poke(struct evidence_fetcher *f);

/** Pieces under way, and pieces stored and given up since the start: for metrics. */
void evidence_fetcher_counts(const struct evidence_fetcher *f, unsigned *ret_open, unsigned long *ret_stored, unsigned long *ret_given_up);

#endif
