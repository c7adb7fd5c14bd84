/* Collects rows for set-based statements: one statement per kind of row, however many turns a batch has. */
#ifndef SANGKIEN_DB_SAVE_H
#define SANGKIEN_DB_SAVE_H

#include <talloc.h>

#include "pg.h"

struct save;

struct save *save_new(TALLOC_CTX *ctx);

/**
 * Adds one row to the statement `id`, whose parameters are parallel arrays.
 * @param types one letter per column, followed by that many arguments:
 *   t const char * (NULL: null)   i int64_t   n int64_t (0: null)   b int (bool)   m int64_t epoch ms (0: null)
 *   y const void *, size_t
 */
void save_row(struct save *s, enum sql_id id, const char *types, ...);

/** True when nothing was added to that statement. */
bool save_empty(const struct save *s, enum sql_id id);

/** Appends a statement for each kind of row that was added, in an order that foreign keys allow. */
void save_into(struct save *s, struct pg_unit *unit);

#endif
