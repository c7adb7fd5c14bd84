/* The one writer of tables for people: the same cells as CSV or as a workbook (xlsx), in constant memory.
 *
 * Text is text in both, whatever it begins with: CSV guards it (csv.h), a workbook stores it as a string that no program
 * evaluates.  Amounts are numbers and moments are dates, in Vietnam's time.  A workbook begins a further sheet with the
 * header again when one is full.  A workbook can only be written to a file that can be searched, so it is made in $TMPDIR
 * (/var/tmp), where it takes its size about twice, and copied to `out` at the end. */
#ifndef SANGKIEN_BOT_SHEET_H
#define SANGKIEN_BOT_SHEET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <talloc.h>

#include "err.h"
#include "str.h"

struct sheet;

enum sheet_format { SHEET_CSV, SHEET_XLSX };

enum {
    SHEET_ROWS_MAX = 1048576, /* of one sheet, the header among them: what Excel and LibreOffice read */
    SHEET_COLUMNS_MAX = 40,
    SHEET_CELL_UNITS_MAX = 32767, /* of one cell, UTF-16; a longer text is cut there and ends in an ellipsis */
};

/** "csv" or "xlsx". */
bool sheet_format_named(const char *name, enum sheet_format *ret);

/**
 * Starts a table and writes its header.
 * @param out     borrowed; a pipe will do.
 * @param name    of the sheets of a workbook, at most 25 characters.
 * @param header  the names of the columns, separated by '|': one text of the catalogue.
 * @param rows_max  rows of one sheet, 0: SHEET_ROWS_MAX; fewer are for tests.
 * @return freed with talloc_free(), which removes what was not finished; NULL with ERR_SYSTEM or ERR_NOMEM.
 */
struct sheet *sheet_new(TALLOC_CTX *ctx, FILE *out, enum sheet_format format, const char *name, const char *header, uint32_t rows_max,
                        struct err *e);

/* One cell each, from left to right. */
void sheet_text(struct sheet *s, struct str text); /* UTF-8; an empty one is an empty cell */
void sheet_number(struct sheet *s, int64_t number);
void sheet_empty(struct sheet *s);
void sheet_moment(struct sheet *s, int64_t epoch_ms); /* date and time; 0 is an empty cell */
void sheet_day(struct sheet *s, struct str iso);      /* "2023-07-26"; anything else is an empty cell */

void sheet_end_row(struct sheet *s);

/** Rows under the header so far. */
int64_t sheet_rows(const struct sheet *s);

/** False once something could not be written: sheet_finish() will say what. */
bool sheet_ok(const struct sheet *s);

/** Writes what is left. @return false with ERR_SYSTEM when any of it could not be written. */
bool sheet_finish(struct sheet *s, struct err *e);

#endif
