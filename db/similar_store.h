/* The inverted index over initiatives: writing it in batches, asking it for candidates. */
#ifndef SANGKIEN_DB_SIMILAR_STORE_H
#define SANGKIEN_DB_SIMILAR_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "pg.h"

/* Rows of similar_write, collected. */
struct similar_rows;

struct similar_rows *similar_rows_new(TALLOC_CTX *ctx);

/** @param stamp  of similar_waiting. @param n  0: there is nothing to find it by; its index entry goes. */
void similar_rows_add(struct similar_rows *rows, const char *user_id, int64_t id, int64_t stamp, const int32_t *terms, size_t n);

size_t similar_rows_count(const struct similar_rows *rows);

/** Appends what writes them; the unit must hold nothing else, for it forces its plan. `rows` is used up. */
void similar_rows_into(struct similar_rows *rows, struct pg_unit *unit);

/** Appends similar_waiting for at most `most` initiatives. @return its index among the results. */
int similar_store_ask_waiting(struct pg_unit *unit, int64_t most);

/** An initiative that waits for its index; all but numbers are views into the result. */
struct similar_waiting {
    const char *user_id; /* owned by ctx */
    int64_t id, stamp;
    struct str title, description; /* empty after an erasure */
    int64_t age_ms;
};
struct similar_waiting similar_store_waiting_at(TALLOC_CTX *ctx, const PGresult *res, int row);

/** Appends the first half of a look-up; the unit must hold nothing else, for it forces its plan. @param n  may be 0: then there
 *  are no rows. @return the index of the rows among the results. */
int similar_store_ask_lists(struct pg_unit *unit, const int32_t *terms, size_t n);

/** Part of the list of one term. */
struct similar_list {
    struct str entries; /* similar_rank.h */
    uint32_t length;    /* of the whole list */
    uint32_t docs;      /* numbers given out: no entry has a greater one */
};
struct similar_list similar_store_list_at(const PGresult *res, int row);

/** Appends the second half: the initiatives of these numbers, best first, as far as they still exist. As above. */
int similar_store_ask_candidates(struct pg_unit *unit, const uint32_t *docs, size_t n);

/** A candidate; all but numbers are views into the result. */
struct similar_candidate {
    struct str user_id, code, title, description, status, unit; /* unit: its name, or what was typed for it, or nothing */
    int64_t id, unit_id; /* unit_id 0: none */
    int64_t submitted_ms;
    bool confidential;
};
struct similar_candidate similar_store_candidate_at(const PGresult *res, int row);

#endif
