/* What the imports of tables share: columns found by their headings, days, and a report of what is wrong, by line. */
#ifndef SANGKIEN_BOT_IMPORT_TABLE_H
#define SANGKIEN_BOT_IMPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "csv_read.h"
#include "err.h"

struct table_column {
    const char *key;
    const char *headings; /* other names, folded, apart by '|': "|ma|ma don vi|" */
};

enum { TABLE_COLUMNS_MAX = 16 };

struct table {
    struct csv_reader csv;
    struct csv_row row;
    const struct table_column *columns;
    size_t count;
    int at[TABLE_COLUMNS_MAX]; /* -1: the file has none */
};

/** Reads the heading. @param required  the first so many columns must be there. @param in  seekable. */
bool table_begin(struct table *t, TALLOC_CTX *ctx, FILE *in, const struct table_column *columns, size_t count, size_t required, struct err *e);

/** The cell of that column in t->row, clean, owned by ctx; "" when there is none. */
const char *table_cell(struct table *t, TALLOC_CTX *ctx, size_t column);

/** "2026-08-01" or "01/08/2023" as YYYY-MM-DD; NULL when it is no day. */
const char *table_day(TALLOC_CTX *ctx, const char *text);

/** Digits only, at most `most`. */
bool table_number(const char *text, int64_t most, int64_t *ret);

/** "" reads as NULL. */
const char *table_or_null(const char *text);

struct refusal;
struct refusals {
    struct refusal *list;
    size_t count;
};

void __attribute__((format(printf, 3, 4))) refusals_add(struct refusals *r, long line, const char *format, ...);
/** To stderr in the order of the lines, the first 200 of them. */
void refusals_print(struct refusals *r);
/** Frees the list. */
void refusals_done(struct refusals *r);

#endif
