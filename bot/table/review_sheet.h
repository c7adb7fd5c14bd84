/* Verdicts in a spreadsheet: the table reviewers fill in, and what a row of it says when it comes back. */
#ifndef SANGKIEN_BOT_REVIEW_SHEET_H
#define SANGKIEN_BOT_REVIEW_SHEET_H

#include "csv_read.h"
#include "export.h"
#include "rows.h"

/** Those that wait for a verdict, or of the filter's statuses; the last columns are for the reviewer. */
bool review_sheet_write(struct command *c, struct sheet *s, const struct export_filter *filter, struct err *e);

/* The columns that are read back. */
enum review_column {
    REVIEW_CODE, REVIEW_VERDICT, REVIEW_DUPLICATE_OF, REVIEW_FIELD, REVIEW_REASON, REVIEW_CHECKED, REVIEW_RECOGNISED, REVIEW_LEVEL, REVIEW_DAY,
    REVIEW_SOCIAL, REVIEW_STAMP, REVIEW_COLUMNS,
};

struct review_heading {
    int at[REVIEW_COLUMNS]; /* -1: the file has none */
};

/** @return false with ERR_INVALID when a column that must be there is not. */
bool review_heading_read(const struct csv_row *row, struct review_heading *ret, struct err *e);

/* One row as filled in; NULL and 0 where nothing stands. */
struct review_row {
    long line;
    const char *code;
    int64_t stamp;
    struct verdict said; /* verdict is NULL when only figures or the mark are given */
};

/** @param today  YYYY-MM-DD. @return false with ERR_INVALID: what is wrong with it. Texts are owned by ctx. */
bool review_row_read(TALLOC_CTX *ctx, const struct review_heading *h, const struct csv_row *row, const char *today, struct review_row *ret,
                     struct err *e);

/* What stands in the database for a code. */
struct review_known {
    const char *user_id;
    int64_t id;
    const char *title, *status;
    int64_t stamp;
    int64_t checked_benefit_vnd, recognised_benefit_vnd;
    const char *recognised_by, *recognised_on, *duplicate_of;
    bool social;
};

/**
 * What the row changes: its verdict becomes VERDICT_MARKED when only figures or the mark differ.
 * @param[out] ret_changed  false when all stands so already.
 * @return false with ERR_INVALID when it may not be done.
 */
bool review_row_settle(struct review_row *row, const struct review_known *known, bool *ret_changed, struct err *e);

#endif
