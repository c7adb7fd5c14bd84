/* The support questions as a table for people. */
#include "export.h"

#include <stdio.h>

/* Columns of ticket_export. The person's Zalo id stays out: nobody reading the table needs it, and spreadsheets round it. */
enum { NUMBER, USER_ID, ID, STATE, TOPIC, QUESTION, STEP, OPENED_AT, CLOSED_AT, ASSIGNEE, FULL_NAME, UNIT, PHONE, CODE, TALK, FIRST_MIN,
       SLOWEST_MIN };

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

static void write_row(struct sheet *s, TALLOC_CTX *memory, const PGresult *res, int i)
{
    (void)memory;
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

bool export_tickets(struct command *c, struct sheet *s, const struct export_filter *filter, struct err *e)
{
    static const struct export_table table = {SQL_TICKET_EXPORT, USER_ID, ID, NULL, write_row};
    return export_by_pages(c, s, &table, filter, e);
}
