/* What all exported tables share: reading by pages, and cells of the catalogue's words, amounts and marks.  See export.h. */
#include "export.h"

#include <stdio.h>

#include "messages.h"

struct reading {
    const struct export_table *table;
    struct sheet *sheet;
    int rows;            /* of the last page */
    TALLOC_CTX *memory;  /* of the page before, which holds user_id */
    const char *user_id; /* of the last row */
    int64_t id;
};

static void on_page(const PGresult *res, void *ctx)
{
    struct reading *r = ctx;
    TALLOC_CTX *memory = talloc_new(NULL);
    r->rows = PQntuples(res);
    for (int row = 0; row < r->rows; row++)
        r->table->write_row(r->sheet, memory, res, row);
    if (r->rows > 0) {
        r->user_id = pg_text(memory, res, r->rows - 1, r->table->user_id_column);
        r->id = pg_int8(res, r->rows - 1, r->table->id_column);
    }
    talloc_free(r->memory);
    r->memory = memory;
}

bool export_by_pages(struct command *c, struct sheet *s, const struct export_table *table, const struct export_filter *filter, struct err *e)
{
    enum { PAGE = 500 };
    struct reading r = {.table = table, .sheet = s, .rows = PAGE, .user_id = ""};
    bool ok = true;
    while (ok && r.rows == PAGE && sheet_ok(s)) {
        struct pg_params *p = pg_params_new(c);
        pg_param_int8(p, PAGE);
        pg_param_text(p, r.user_id);
        pg_param_int8(p, r.id);
        if (table->add_filter)
            table->add_filter(p, filter);
        ok = command_query(c, table->sql, p, on_page, &r, e);
    }
    talloc_free(r.memory);
    return ok;
}

void export_word(struct sheet *s, const char *prefix, struct str word)
{
    char name[64];
    snprintf(name, sizeof(name), "%s%.*s", prefix, STR_ARG(word));
    enum msg id = message_named(str_of(name));
    sheet_text(s, id == MSG_NONE ? word : str_of(message_get(id)->text));
}

void export_amount(struct sheet *s, const PGresult *res, int row, int col)
{
    if (pg_null(res, row, col))
        sheet_empty(s);
    else
        sheet_number(s, pg_int8(res, row, col));
}

void export_mark(struct sheet *s, bool marked)
{
    sheet_text(s, marked ? str_of(message_get(MSG_SHEET_YES)->text) : (struct str){"", 0});
}
