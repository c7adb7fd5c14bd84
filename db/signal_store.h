/* Likeness for the reviewer: what authors said about it, and the checks after filing. */
#ifndef SANGKIEN_DB_SIGNAL_STORE_H
#define SANGKIEN_DB_SIGNAL_STORE_H

#include "pg.h"
#include "rows.h"
#include "save.h"

void signal_store_add(struct save *s, const struct similar_signal *signal);

/** The initiative is new, or its wording changed: it is to be searched for again. */
void signal_store_add_check(struct save *s, const char *user_id, int64_t id);

/* An initiative to be checked. */
struct signal_check {
    const char *user_id;
    int64_t id, stamp, age_ms; /* since it was due */
    struct str title, description; /* of the result */
};

/** Adds the question for the next check. */
void signal_store_ask_check(struct pg_unit *unit);
/** @return false when nothing is due. @param ctx owns ret->user_id. */
bool signal_store_check_of(TALLOC_CTX *ctx, const PGresult *res, struct signal_check *ret);

/** A check that failed comes again after those behind it. */
void signal_store_put_off_check(struct pg_unit *unit, const struct signal_check *check);

/* One that was found to be alike. */
struct signal_found {
    const char *user_id;
    int64_t id;
    int score;
};

/** Ends a check: signals that nobody has said anything about become exactly these. */
void signal_store_end_check(struct pg_unit *unit, const struct signal_check *check, const struct signal_found *found, size_t n);

/* More about one of them; one that was erased meanwhile is left out. */
struct signal_about {
    size_t place;           /* in the question, from 0 */
    struct str description; /* of the result */
    bool reachable;         /* its author talks to the bot */
};

/** Adds the question about these; @return the index of its result. */
int signal_store_ask_about(struct pg_unit *unit, const struct signal_found *found, size_t n);
struct signal_about signal_store_about_at(const PGresult *res, int row);

#endif
