/* Broadcasts and their ledger, as rows: what the service, the command and the chat share of db/sql/broadcast.sql. */
#ifndef SANGKIEN_DB_BROADCAST_STORE_H
#define SANGKIEN_DB_BROADCAST_STORE_H

#include "pg.h"

enum { BROADCAST_PER_WEEK = 2 }; /* reminders somebody gets in a week at most (domain.md 10) */

/* A row of broadcast; strings are owned by the context it was read into. */
struct broadcast {
    int64_t id;
    const char *segment;
    int64_t scope_unit;
    int64_t parent_id; /* 0: none */
    const char *body, *buttons;
    const char *template_id, *template_data; /* NULL: none */
    bool free_only;
    const char *state;
    int64_t start_at_ms, paused_at_ms, created_at_ms, sending_at_ms, ended_at_ms;
    const char *pause_reason, *created_by, *started_by, *confirmed_by;
    bool held; /* for a second person */
};

/** Row `r` of broadcast_get or broadcast_list. */
struct broadcast *broadcast_store_row(TALLOC_CTX *ctx, const PGresult *res, int r);

/** The sums of a ledger by state, in the order a report has them. */
struct broadcast_sums {
    int64_t waiting, sending, sent, received, seen, failed, skipped, cancelled, unknown;
    int64_t charged;
    int64_t frozen; /* all of them */
};

/** Adds up the answer of broadcast_sums. */
struct broadcast_sums broadcast_store_sums(const PGresult *res);

/** People of a segment by whether they can be reached. */
struct broadcast_reach {
    int64_t free, charged, silent, never, opted_out, with_support, capped;
};

/** Adds up the answer of broadcast_count. */
struct broadcast_reach broadcast_store_reach(const PGresult *res);

/** Adds a broadcast: the parameters of broadcast_add. @param by  who, "cli:LOGIN" or a user id.
 *  @param wish_id  asked for again with the same one it is not added again; 0: always. */
struct pg_params *broadcast_store_add(TALLOC_CTX *ctx, const struct broadcast *b, const char *by, int64_t wish_id);

#endif
