/* The initiatives as a table for the national portal and for whoever gives awards. */
#include "export.h"

#include "messages.h"

enum { PAGE = 1000 };

/* Columns of export_initiatives. */
enum {
    USER_ID, ID, CODE, TITLE, DESCRIPTION, SOLUTION_KIND, SECTOR, APPLIED_ON, BENEFIT_KIND, DECLARED, BENEFIT_TEXT, CHECKED, RECOGNISED,
    STATUS, NOTE, DUPLICATE_OF, RECOGNISED_BY, RECOGNISED_ON, SOCIAL, CONFIDENTIAL, UNIT, UPPER_UNIT, FULL_NAME, OWN_SHARE, COAUTHORS,
    EVIDENCE, SUBMITTED_AT,
};

struct page {
    struct sheet *sheet;
    int rows;
    TALLOC_CTX *memory;
    const char *user_id; /* of the last row */
    int64_t id;
};

static void write_amount(struct sheet *s, const PGresult *res, int row, int col)
{
    if (pg_null(res, row, col))
        sheet_empty(s);
    else
        sheet_number(s, pg_int8(res, row, col));
}

static void write_mark(struct sheet *s, bool marked)
{
    sheet_text(s, marked ? str_of(message_get(MSG_SHEET_YES)->text) : (struct str){"", 0});
}

/* In the order of the text sheet_initiatives of the catalogue. */
static void write_row(struct sheet *s, const PGresult *res, int i)
{
    bool confidential = pg_bool(res, i, CONFIDENTIAL);
    sheet_text(s, pg_bytes(res, i, CODE));
    sheet_text(s, pg_bytes(res, i, TITLE));
    /* Whoever asked for it is told of by name, effect and awards alone (domain.md section 5). */
    sheet_text(s, confidential ? (struct str){"", 0} : pg_bytes(res, i, DESCRIPTION));
    export_word(s, "sheet_kind_", pg_bytes(res, i, SOLUTION_KIND));
    sheet_text(s, pg_bytes(res, i, SECTOR));
    sheet_day(s, pg_bytes(res, i, APPLIED_ON));
    export_word(s, "sheet_benefit_", pg_bytes(res, i, BENEFIT_KIND));
    write_amount(s, res, i, DECLARED);
    sheet_text(s, pg_bytes(res, i, BENEFIT_TEXT));
    write_amount(s, res, i, CHECKED);
    write_amount(s, res, i, RECOGNISED);
    export_word(s, "label_", pg_bytes(res, i, STATUS));
    sheet_text(s, pg_bytes(res, i, NOTE));
    sheet_text(s, pg_bytes(res, i, DUPLICATE_OF));
    sheet_text(s, pg_bytes(res, i, RECOGNISED_BY));
    sheet_day(s, pg_bytes(res, i, RECOGNISED_ON));
    write_mark(s, pg_bool(res, i, SOCIAL));
    write_mark(s, confidential);
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

static void on_page(const PGresult *res, void *ctx)
{
    struct page *page = ctx;
    page->rows = PQntuples(res);
    for (int i = 0; i < page->rows; i++)
        write_row(page->sheet, res, i);
    if (page->rows > 0) {
        TALLOC_FREE(page->memory);
        page->memory = talloc_new(NULL);
        page->user_id = pg_text(page->memory, res, page->rows - 1, USER_ID);
        page->id = pg_int8(res, page->rows - 1, ID);
    }
}

static void add_span(struct pg_params *p, const struct export_filter *filter)
{
    pg_param_int8(p, filter->unit_id);
    pg_param_time_ms(p, filter->from_ms);
    pg_param_time_ms(p, filter->before_ms);
}

static void add_bool(struct pg_params *p, bool v)
{
    pg_param_text(p, v ? "true" : "false");
}

/* For the awards: the largest checked benefits. */
static bool export_top(struct command *c, struct page *page, const struct export_filter *filter, struct err *e)
{
    struct pg_params *p = pg_params_new(c);
    pg_param_int8(p, filter->top);
    add_span(p, filter);
    add_bool(p, filter->social);
    bool ok = command_query(c, SQL_EXPORT_TOP, p, on_page, page, e);
    talloc_free(page->memory);
    return ok;
}

bool export_initiatives(struct command *c, struct sheet *s, const struct export_filter *filter, struct err *e)
{
    struct page page = {.sheet = s, .rows = PAGE, .user_id = ""};
    bool ok = true;
    if (filter->top)
        return export_top(c, &page, filter, e);
    while (ok && page.rows == PAGE && sheet_ok(s)) {
        struct pg_params *p = pg_params_new(c);
        struct pg_array *statuses = pg_array_new(p, PG_TEXT);
        for (size_t i = 0; filter->status[i]; i++)
            pg_array_text(statuses, filter->status[i]);
        pg_param_int8(p, PAGE);
        pg_param_text(p, page.user_id);
        pg_param_int8(p, page.id);
        pg_param_array(p, statuses);
        add_span(p, filter);
        add_bool(p, filter->social);
        ok = command_query(c, SQL_EXPORT_INITIATIVES, p, on_page, &page, e);
    }
    talloc_free(page.memory);
    return ok;
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

bool export_units(struct command *c, struct sheet *s, const struct export_filter *filter, struct err *e)
{
    struct pg_params *p = pg_params_new(c);
    pg_param_int8(p, filter->top ? filter->top : INT32_MAX);
    add_span(p, filter);
    return command_query(c, SQL_EXPORT_UNITS, p, on_units, s, e);
}
