/* Reads tables as spreadsheets export them: RFC 4180 with what Excel and LibreOffice make of it.
 *
 * A byte-order mark is skipped; the separator is the one of `,` `;` and tab that the first line has most of; cells may be
 * quoted and then contain line breaks and doubled quotes; lines end with LF or CR LF.  Our own export's apostrophe in front
 * of what would be a formula is taken off again (csv.h). */
#ifndef SANGKIEN_BOT_CSV_READ_H
#define SANGKIEN_BOT_CSV_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <talloc.h>

#include "err.h"
#include "str.h"

enum { CSV_CELLS_MAX = 64, CSV_ROW_BYTES_MAX = 1024 * 1024 };

struct csv_reader {
    FILE *in;     /* borrowed */
    char separator;
    long line;    /* of the row read last, counted as an editor counts; 0: none yet */
    long next_line;
};

struct csv_row {
    size_t count;
    struct str cell[CSV_CELLS_MAX];
};

/** @param in  at its beginning, seekable. @return false with ERR_INVALID: UTF-16, which spreadsheets call "Unicode text"; with
 *  ERR_SYSTEM: it cannot be read. */
bool csv_reader_begin(struct csv_reader *r, FILE *in, struct err *e);

/**
 * The next row; empty lines are left out.
 * @param ret  cells owned by ctx.
 * @return false at the end (e->kind is ERR_NONE) or with what is wrong; after ERR_INVALID reading can go on.  A row whose
 *         letters are not UTF-8 is wrong: what Windows-1258 made of a name would be stored for good.
 */
bool csv_reader_next(struct csv_reader *r, TALLOC_CTX *ctx, struct csv_row *ret, struct err *e);

#endif
