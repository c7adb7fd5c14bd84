/* What `sangkien export` writes: one function per table, a page of rows at a time. */
#ifndef SANGKIEN_BOT_EXPORT_H
#define SANGKIEN_BOT_EXPORT_H

#include "command/command.h"
#include "sheet.h"

enum { EXPORT_UNITS_MAX = 16 };

struct export_filter {
    const char *status[8]; /* NULL-terminated; none: all */
    int64_t unit_id[EXPORT_UNITS_MAX + 1]; /* with all below them, ended by 0; none: everywhere */
    int64_t from_ms, before_ms; /* of submission; 0: whenever */
    int64_t top;           /* so many, the best first; 0: all */
    bool social;           /* only those marked for their social meaning */
};

/** Parameters of export_top and export_units. */
struct pg_params *export_top_params(TALLOC_CTX *ctx, const struct export_filter *filter);
struct pg_params *export_units_params(TALLOC_CTX *ctx, const struct export_filter *filter);

/* Columns of export_top (and export_initiatives) and of export_units that a shortlist shows. */
enum { EXPORT_CODE = 2, EXPORT_TITLE = 3, EXPORT_CHECKED = 11, EXPORT_UNIT = 20 };
enum { EXPORT_UNITS_RANK = 0, EXPORT_UNITS_NAME = 1, EXPORT_UNITS_VALID = 3, EXPORT_UNITS_AUTHORS = 5 };

/** Writes all rows into the sheet. @return false with what went wrong in the database; the sheet is incomplete then. */
bool export_tickets(struct command *c, struct sheet *s, const struct export_filter *filter, struct err *e);
bool export_units(struct command *c, struct sheet *s, const struct export_filter *filter, struct err *e);
bool export_initiatives(struct command *c, struct sheet *s, const struct export_filter *filter, struct err *e);

/**
 * Writes the table of that name to stdout, by the arguments behind argv[0]: --format and, where the table has them, filters.
 * @param command  what the errors begin with. @return an exit code.
 */
int export_run(struct settings *s, const char *table, const char *command, int argc, char **argv);

/** A table that is read in the order of (user id, id), a page at a time: constant memory, and no cursor that a pooler would lose. */
struct export_table {
    enum sql_id sql; /* its parameters: rows wanted, user id and id behind which they begin, then what add_filter adds */
    int user_id_column, id_column;
    void (*add_filter)(struct pg_params *p, const struct export_filter *filter); /* NULL: there are no more parameters */
    /** One row into the sheet, its end included. @param memory  lives until the page is written. */
    void (*write_row)(struct sheet *s, TALLOC_CTX *memory, const PGresult *res, int row);
};

bool export_by_pages(struct command *c, struct sheet *s, const struct export_table *table, const struct export_filter *filter, struct err *e);

/** The catalogue's word for a stored one, "ticket_state_" and "new"; the stored word itself where it has none. */
void export_word(struct sheet *s, const char *prefix, struct str word);
/** A number, or an empty cell for SQL null. */
void export_amount(struct sheet *s, const PGresult *res, int row, int col);
/** The catalogue's "yes", or nothing. */
void export_mark(struct sheet *s, bool marked);

#endif
