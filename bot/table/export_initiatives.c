/* The initiatives as a table for the national portal and for whoever gives awards. */
#include "export.h"

#include <assert.h>

#include "messages.h"

/* Columns of export_initiatives. */
enum {
    USER_ID, ID, CODE, TITLE, DESCRIPTION, SOLUTION_KIND, SECTOR, APPLIED_ON, BENEFIT_KIND, DECLARED, BENEFIT_TEXT, CHECKED, RECOGNISED,
    STATUS, NOTE, DUPLICATE_OF, RECOGNISED_BY, RECOGNISED_ON, SOCIAL, CONFIDENTIAL, UNIT, UPPER_UNIT, FULL_NAME, OWN_SHARE, COAUTHORS,
    EVIDENCE, SUBMITTED_AT,
};

static_assert((int)CODE == EXPORT_CODE && (int)TITLE == EXPORT_TITLE && (int)CHECKED == EXPORT_CHECKED && (int)UNIT == EXPORT_UNIT, "a shortlist reads the same columns");

/* In the order of the text sheet_initiatives of the catalogue. */
static void write_row(struct sheet *s, TALLOC_CTX *memory, const PGresult *res, int i)
{
    (void)memory;
    bool confidential = pg_bool(res, i, CONFIDENTIAL);
    sheet_text(s, pg_bytes(res, i, CODE));
    sheet_text(s, pg_bytes(res, i, TITLE));
    /* Whoever asked for it is told of by name, effect and awards alone (domain.md section 5). */
    sheet_text(s, confidential ? (struct str){"", 0} : pg_bytes(res, i, DESCRIPTION));
    export_word(s, "sheet_kind_", pg_bytes(res, i, SOLUTION_KIND));
    sheet_text(s, pg_bytes(res, i, SECTOR));
    sheet_day(s, pg_bytes(res, i, APPLIED_ON));
    export_word(s, "sheet_benefit_", pg_bytes(res, i, BENEFIT_KIND));
    export_amount(s, res, i, DECLARED);
    sheet_text(s, pg_bytes(res, i, BENEFIT_TEXT));
    export_amount(s, res, i, CHECKED);
    export_amount(s, res, i, RECOGNISED);
    export_word(s, "label_", pg_bytes(res, i, STATUS));
    sheet_text(s, pg_bytes(res, i, NOTE));
    sheet_text(s, pg_bytes(res, i, DUPLICATE_OF));
    sheet_text(s, pg_bytes(res, i, RECOGNISED_BY));
    sheet_day(s, pg_bytes(res, i, RECOGNISED_ON));
    export_mark(s, pg_bool(res, i, SOCIAL));
    export_mark(s, confidential);
    sheet_text(s, pg_bytes(res, i, FULL_NAME));
    if (pg_null(res, i, OWN_SHARE))
        sheet_number(s, 100);
    else
        sheet_number(s, pg_int8(res, i, OWN_SHARE));
    sheet_text(s, pg_bytes(res, i, COAUTHORS));
    sheet_text(s, pg_bytes(res, i, UNIT));
    sheet_text(s, pg_bytes(res, i, UPPER_UNIT));
    sheet_number(s, pg_int8(res, i, EVIDENCE));
    sheet_moment(s, pg_time_ms(res, i, SUBMITTED_AT));
    sheet_end_row(s);
}

static void add_span(struct pg_params *p, const struct export_filter *filter)
{
    struct pg_array *units = pg_array_new(p, PG_INT8);
    for (size_t i = 0; filter->unit_id[i]; i++)
        pg_array_int8(units, filter->unit_id[i]);
    pg_param_array(p, units);
    pg_param_time_ms(p, filter->from_ms);
    pg_param_time_ms(p, filter->before_ms);
}

static void add_bool(struct pg_params *p, bool v)
{
    pg_param_text(p, v ? "true" : "false");
}

static void add_filter(struct pg_params *p, const struct export_filter *filter)
{
    struct pg_array *statuses = pg_array_new(p, PG_TEXT);
    for (size_t i = 0; filter->status[i]; i++)
        pg_array_text(statuses, filter->status[i]);
    pg_param_array(p, statuses);
    add_span(p, filter);
    add_bool(p, filter->social);
}

static void on_top(const PGresult *res, void *ctx)
{
    for (int row = 0; row < PQntuples(res); row++)
        write_row(ctx, NULL, res, row);
}

struct pg_params *export_top_params(TALLOC_CTX *ctx, const struct export_filter *filter)
{
    struct pg_params *p = pg_params_new(ctx);
    pg_param_int8(p, filter->top);
    add_span(p, filter);
    add_bool(p, filter->social);
    return p;
}

/* For the awards: the largest checked benefits. */
static bool export_top(struct command *c, struct sheet *s, const struct export_filter *filter, struct err *e)
{
    return command_query(c, SQL_EXPORT_TOP, export_top_params(c, filter), on_top, s, e);
}

bool export_initiatives(struct command *c, struct sheet *s, const struct export_filter *filter, struct err *e)
{
    static const struct export_table table = {SQL_EXPORT_INITIATIVES, USER_ID, ID, add_filter, write_row};
    return filter->top ? export_top(c, s, filter, e) : export_by_pages(c, s, &table, filter, e);
}

/* ---- units ---- */

static void on_units(const PGresult *res, void *ctx)
{
    struct sheet *s = ctx;
    for (int i = 0; i < PQntuples(res); i++) {
        sheet_number(s, pg_int8(res, i, 0));
        sheet_text(s, pg_bytes(res, i, 1));
        sheet_text(s, pg_bytes(res, i, 2));
        for (int col = 3; col <= 7; col++)
            sheet_number(s, pg_int8(res, i, col));
        sheet_end_row(s);
    }
}

struct pg_params *export_units_params(TALLOC_CTX *ctx, const struct export_filter *filter)
{
    struct pg_params *p = pg_params_new(ctx);
    pg_param_int8(p, filter->top ? filter->top : INT32_MAX);
    add_span(p, filter);
    return p;
}

bool export_units(struct command *c, struct sheet *s, const struct export_filter *filter, struct err *e)
{
    return command_query(c, SQL_EXPORT_UNITS, export_units_params(c, filter), on_units, s, e);
}
