/* CSV for spreadsheets: what people typed can never become a formula there.
 *
 * RFC 4180 with a UTF-8 byte-order mark, without which Excel reads Vietnamese in the machine's old code page.  Text is always
 * quoted.  Where a spreadsheet would begin a cell with `= + - @` (or their full-width forms) an apostrophe goes in front;
 * that is also after a line break, `;` or tab inside the text, where a program set to another separator begins a new cell.
 * Source: OWASP "CSV Injection". */
#ifndef SANGKIEN_BOT_CSV_H
#define SANGKIEN_BOT_CSV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"
#include "str.h"

/* Plain value; `out` is borrowed. */
struct csv {
    FILE *out;
    bool in_row;
};

/** Starts a file: writes the byte-order mark. */
void csv_begin(struct csv *csv, FILE *out);

/** One cell of text, UTF-8. NUL bytes are left out. */
void csv_text(struct csv *csv, struct str text);

/** One cell that is a number, unquoted. */
void csv_number(struct csv *csv, int64_t number);

void csv_end_row(struct csv *csv);

/** Flushes. @return false with ERR_SYSTEM when anything since csv_begin() could not be written. */
bool csv_finish(struct csv *csv, struct err *e);

#endif
