/* What a command needs that asks the database or Zalo and waits: an event loop that runs until the answer is there. */
#ifndef SANGKIEN_BOT_COMMAND_H
#define SANGKIEN_BOT_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "err.h"
#include "pg_queue.h"
#include "settings.h"
#include "zalo/client.h"

struct command {
    const struct settings *settings;
    struct event_base *base;
    struct pg_queue *db;      /* NULL until command_open_database() */
    struct zalo_client *zalo; /* NULL until command_open_zalo() */
};

/** A loop, nothing connected yet.  Frees it all with talloc_free(). NULL: no memory. */
struct command *command_new(TALLOC_CTX *ctx, const struct settings *s);

/** Connects, after making sure that the database is there and has this program's schema.
 *  @return false with a sentence that says what to do. */
bool command_open_database(struct command *c, struct err *e);

bool command_open_zalo(struct command *c, struct err *e);

/** Looks at the result of a statement; it is gone afterwards. */
typedef void command_rows_fn(const PGresult *res, void *ctx);

/** Runs one statement of the catalogue and waits at most 30 s. @param params  taken over. @param on_rows  may be NULL. */
bool command_query(struct command *c, enum sql_id id, struct pg_params *params, command_rows_fn *on_rows, void *ctx, struct err *e);

/** Looks at the results of a unit; they are gone afterwards. */
typedef void command_answer_fn(const struct pg_answer *answer, void *ctx);

/** Runs a unit (takes it over) and waits at most deadline_ms.  All units of a command go over one connection, so what comes
 *  between command_control() of BEGIN and of COMMIT is one transaction. @param on_answer  of a success only; may be NULL. */
bool command_unit(struct command *c, struct pg_unit *unit, int deadline_ms, command_answer_fn *on_answer, void *ctx, struct err *e);

/** BEGIN, COMMIT (which must say so: a failed transaction answers ROLLBACK) or ROLLBACK. */
bool command_control(struct command *c, const char *word, int deadline_ms, struct err *e);

/** Runs a unit from BEGIN to COMMIT (takes it over) and waits. @param on_answer  called when it is committed; may be NULL.
 *  @return false when it was not, or when that is not known (ERR_TIMEOUT, ERR_UNAVAILABLE). */
bool command_commit(struct command *c, struct pg_unit *unit, int deadline_ms, command_answer_fn *on_answer, void *ctx, struct err *e);

/** The row of oa_token, opened. */
struct command_token {
    bool found;
    bool opens; /* with this installation's key */
    const char *access, *refresh; /* secrets; NULL when it does not open */
    int64_t generation;
    int64_t expires_in_ms, refresh_in_ms; /* by the database's clock */
    int64_t expires_at_ms;
    bool needs_consent, leased;
    const char *lease_owner;
};

struct seal_key;

/** @param key  NULL: the row is read, not opened. Strings are owned by ctx. */
bool command_token_row(TALLOC_CTX *ctx, struct command *c, const struct seal_key *key, struct command_token *ret, struct err *e);

/** Asks Zalo whose token this is, one GET.
 *  @param ret_answer  of any class; `meaning` lives on, `message` is owned by ctx. @param ret_oa  filled when the class is ZALO_OK. */
bool command_ask_oa(TALLOC_CTX *ctx, struct command *c, const char *access_token, struct zalo_answer *ret_answer, struct zalo_oa *ret_oa,
                    struct err *e);

/** Indexes what waits for it (similar.h), which may be much after an import, or when no server runs. */
bool command_index_similar(struct command *c, struct err *e);

/** Who is at the keyboard, for the record of privileged acts: "cli:LOGIN". */
const char *command_actor(TALLOC_CTX *ctx);

/** Runs the loop until *done is true. @return false with ERR_TIMEOUT after 30 s. */
bool command_wait(struct command *c, const bool *done, struct err *e);

/** Local time in Vietnam (UTC+7 all year), "2026-11-23 14:05", into `ret`; "" for 0. */
enum { COMMAND_TIME_SIZE = 24 };
const char *command_time(int64_t epoch_ms, char ret[static COMMAND_TIME_SIZE]);

#endif
