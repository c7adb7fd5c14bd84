/* A table of units (`import units`), read and held against the tree that is there: what is wrong, with line and mend. */
#ifndef SANGKIEN_BOT_UNITS_READ_H
#define SANGKIEN_BOT_UNITS_READ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <talloc.h>

#include "err.h"
#include "import_table.h"

/* One unit: of the file, or (line 0) of the database. */
struct unit_row {
    long line;
    int64_t id; /* 0: new */
    const char *code, *name;
    const char *parent; /* code; NULL: a root */
    int level;
    const char *kind, *cluster; /* cluster NULL: none */
    int64_t members;            /* -1: not known */
    const char *valid_from, *valid_to; /* YYYY-MM-DD, NULL: open; valid_to is the first day on which it is no more */
    struct unit_row *up, *stored;      /* set by units_check(); stored: as the database has it, NULL: new */
    int depth;                         /* from the root, by the tree as it will be */
};

struct units {
    struct unit_row **row; /* of the file, in its order */
    size_t count;
};

/** Reads the file. @param in  seekable. @return false with ERR_INVALID: no table, or columns are missing. */
bool units_read(TALLOC_CTX *ctx, FILE *in, struct units *ret, struct refusals *refusals, struct err *e);

/** Holds the rows against the stored units: doubles, unknown parents, circles, levels.
 *  @param stored  sorted by code (strcmp); may be empty.  A column that the file lacks keeps what is stored. */
void units_check(TALLOC_CTX *ctx, struct units *units, struct unit_row **stored, size_t stored_count, struct refusals *refusals);

#endif
