/* One PostgreSQL connection on the event loop: connects by itself, runs one unit of statements at a time.
 *
 *   connecting -> idle <-> running
 *        ^          |          |
 *        +--backoff-+----------+   (connection lost, deadline passed: reconnect after 50 ms .. 3 s with jitter)
 *
 * With several hosts in the URL each gets 3 s in turn, beginning with the next after the one that was lost.
 *
 * A unit is a list of statements sent in one pipelined round trip with one sync: an error in one aborts those behind it.
 * Every unit has a deadline; when it passes the connection is dropped and the outcome is unknown (ERR_TIMEOUT). */
#ifndef SANGKIEN_DB_PG_H
#define SANGKIEN_DB_PG_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "err.h"
#include "pg_value.h"
#include "statements.h" /* generated from db/sql: enum sql_id */

struct event_base;
struct pg;
struct pg_unit;

struct pg_options {
    const char *url;        /* libpq connection string or URI */
    const char *name;       /* for the log: "turn 0" */
    bool named_statements;  /* prepared once per connection; false behind pgbouncer before 1.21 */
};

/** Called when the connection has become idle: after connecting and after each unit's callback has returned. */
typedef void pg_idle_fn(struct pg *pg, void *ctx);

/** Starts connecting.  Freed with talloc_free(); a unit in flight is then called back with ERR_UNAVAILABLE first. */
struct pg *pg_new(TALLOC_CTX *ctx, struct event_base *base, const struct pg_options *options, pg_idle_fn *on_idle, void *idle_ctx);

/** True when connected with nothing in flight: pg_run() may be called. */
bool pg_idle(const struct pg *pg);

/** True when connected. */
bool pg_connected(const struct pg *pg);

/** Milliseconds without a connection, 0 while connected. */
int64_t pg_away_ms(const struct pg *pg);

/** An empty unit, a child of ctx. */
struct pg_unit *pg_unit_new(TALLOC_CTX *ctx);

/** Appends a statement.  The parameters belong to the unit afterwards. @return its index among the results. */
int pg_add(struct pg_unit *unit, enum sql_id id, struct pg_params *params);

/** Appends a statement without parameters that is not in the catalogue: BEGIN, COMMIT, ROLLBACK only. */
int pg_add_control(struct pg_unit *unit, const char *word);

/* In test builds (fault.h): at `before` the connection breaks and the unit is not sent, at `after` its answer is lost. */
#ifdef SANGKIEN_FAULTS
void pg_unit_faults(struct pg_unit *unit, const char *before, const char *after);
#define PG_FAULTS(unit, before, after) pg_unit_faults(unit, before, after)
#else
#define PG_FAULTS(unit, before, after) ((void)0)
#endif

struct pg_answer {
    const struct err *e;      /* NULL: every statement succeeded */
    int failed;               /* index of the statement that failed, -1 when it was the connection */
    PGresult *const *result;  /* one per statement, cleared after the callback; NULL members on failure */
    int count;
};
typedef void pg_done_fn(const struct pg_answer *answer, void *ctx);

/**
 * Sends a unit; takes it over.  `done` runs exactly once, never before pg_run() returns, with the connection already
 * idle again (or lost): it may start the next unit at once.  The connection must be idle.
 */
void pg_run(struct pg *pg, struct pg_unit *unit, int deadline_ms, pg_done_fn *done, void *ctx);

/** SQLSTATE classes that a repeat of the same transaction may cure: 40001, 40P01, 55P03, 08*, 57P0x, and the server's own
 *  time limits (57014, 25P03): being slow is no fault of the event. */
bool pg_transient(const struct err *e);

/** SQLSTATEs that say the database cannot take writes now: 08*, 57P0x, 25006, 53*. */
bool pg_unwell(const struct err *e);

/** True when the last result of a unit is a COMMIT that really committed (a failed transaction answers ROLLBACK). */
bool pg_committed(const struct pg_answer *answer);

/* Over all connections of the process. */
enum pg_trouble { PG_LOST, PG_TIMEOUT, PG_CLASS_08, PG_CLASS_22, PG_CLASS_23, PG_CLASS_25, PG_CLASS_40, PG_CLASS_53, PG_CLASS_55, PG_CLASS_57,
                  PG_OTHER, PG_TROUBLES };
struct pg_stats {
    unsigned connections, connected, busy; /* there are; of these up; of these with a unit in flight */
    uint64_t trouble[PG_TROUBLES];         /* connections lost, deadlines passed, statements that failed by class of SQLSTATE */
};
void pg_stats_read(struct pg_stats *ret);

/** "lost", "timeout", "08", ..., "other": a label. */
const char *pg_trouble_name(enum pg_trouble t);

#endif
