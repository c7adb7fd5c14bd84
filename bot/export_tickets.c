/* The support questions as a table for people. */
#include "export.h"

#include <stdio.h>

#include "messages.h"

enum { PAGE = 500 };

/* Columns of ticket_export. The person's Zalo id stays out: nobody reading the table needs it, and spreadsheets round it. */
enum { NUMBER, USER_ID, ID, STATE, TOPIC, QUESTION, STEP, OPENED_AT, CLOSED_AT, ASSIGNEE, FULL_NAME, UNIT, PHONE, CODE, TALK, FIRST_MIN,
       SLOWEST_MIN };

struct page {
    struct sheet *sheet;
    int rows;
    TALLOC_CTX *memory;
    const char *user_id; /* of the last row */
    int64_t id;
};

void export_word(struct sheet *s, const char *prefix, struct str word)
{
    char name[64];
    snprintf(name, sizeof(name), "%s%.*s", prefix, STR_ARG(word));
    enum msg id = message_named(str_of(name));
    sheet_text(s, id == MSG_NONE ? word : str_of(message_get(id)->text));
}

/* With blanks a spreadsheet keeps it as text, leading zero and all. */
static void write_phone(struct sheet *s, struct str phone)
{
    char text[16];
    bool digits = phone.n == 10;
    for (size_t i = 0; digits && i < phone.n; i++)
        digits = phone.p[i] >= '0' && phone.p[i] <= '9';
    if (digits) {
        snprintf(text, sizeof(text), "%.4s %.3s %.3s", phone.p, phone.p + 4, phone.p + 7);
        phone = str_of(text);
    }
    sheet_text(s, phone);
}

static void on_page(const PGresult *res, void *ctx)
{
    struct page *page = ctx;
    struct sheet *s = page->sheet;
    page->rows = PQntuples(res);
    for (int i = 0; i < page->rows; i++) {
        sheet_number(s, pg_int8(res, i, NUMBER));
        export_word(s, "ticket_state_", pg_bytes(res, i, STATE));
        export_word(s, "ticket_topic_", pg_bytes(res, i, TOPIC));
        sheet_moment(s, pg_time_ms(res, i, OPENED_AT));
        sheet_moment(s, pg_time_ms(res, i, CLOSED_AT));
        sheet_text(s, pg_bytes(res, i, FULL_NAME));
        sheet_text(s, pg_bytes(res, i, UNIT));
        write_phone(s, pg_bytes(res, i, PHONE));
        sheet_text(s, pg_bytes(res, i, CODE));
        sheet_text(s, pg_bytes(res, i, QUESTION));
        sheet_text(s, pg_bytes(res, i, TALK));
        sheet_text(s, pg_bytes(res, i, ASSIGNEE));
        sheet_text(s, pg_bytes(res, i, FIRST_MIN));
        sheet_text(s, pg_bytes(res, i, SLOWEST_MIN));
        sheet_end_row(s);
    }
    if (page->rows > 0) {
        TALLOC_FREE(page->memory);
        page->memory = talloc_new(NULL);
        page->user_id = pg_text(page->memory, res, page->rows - 1, USER_ID);
        page->id = pg_int8(res, page->rows - 1, ID);
    }
}

bool export_tickets(struct command *c, struct sheet *s, const struct export_filter *filter, struct err *e)
{
    struct page page = {.sheet = s, .rows = PAGE, .user_id = ""};
    bool ok = true;
    (void)filter;
    while (ok && page.rows == PAGE && sheet_ok(s)) {
        struct pg_params *p = pg_params_new(c);
        pg_param_int8(p, PAGE);
        pg_param_text(p, page.user_id);
        pg_param_int8(p, page.id);
        ok = command_query(c, SQL_TICKET_EXPORT, p, on_page, &page, e);
    }
    talloc_free(page.memory);
    return ok;
}
