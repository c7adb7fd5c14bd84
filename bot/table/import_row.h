/* One initiative of a file to import, from JSON lines or from a table. */
#ifndef SANGKIEN_BOT_IMPORT_ROW_H
#define SANGKIEN_BOT_IMPORT_ROW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <talloc.h>

#include "err.h"

#define IMPORT_USER_PREFIX "import:"

struct import_row {
    long line;
    const char *user_id; /* IMPORT_USER_PREFIX and the row's id; without an id, a hash of title and description */
    const char *title, *description;
    const char *unit, *sector, *benefit_text; /* NULL: not given */
    bool has_benefit;
    int64_t benefit_vnd;
    bool known; /* for the importer: stored before */
};

struct import_reader;

/** Finds out the format and, for a table, what its columns are. @param in  seekable, borrowed.
 *  @return NULL with ERR_INVALID: no title or description column, or a character set it does not read. */
struct import_reader *import_reader_new(TALLOC_CTX *ctx, FILE *in, struct err *e);

enum import_result { IMPORT_END, IMPORT_ROW, IMPORT_REFUSED };

/** The next row; its strings are owned by ctx, cleaned as everything that is stored (T1 to T4, T10).
 *  @return IMPORT_REFUSED: ret->line is set and *e says why. */
enum import_result import_reader_next(struct import_reader *r, TALLOC_CTX *ctx, struct import_row *ret, struct err *e);

#endif
