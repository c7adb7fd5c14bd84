/* `sangkien export tickets`: the support questions as a table for people, a page of rows at a time. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "commands.h"
#include "csv.h"
#include "messages.h"

enum { PAGE = 500 };

/* Columns of ticket_export. */
enum { NUMBER, USER_ID, ID, STATE, TOPIC, QUESTION, STEP, OPENED_AT, CLOSED_AT, ASSIGNEE, FULL_NAME, UNIT, PHONE, CODE, TALK };

/* The person's Zalo id stays out: nobody reading the table needs it, and spreadsheets round it. */
static const char english_header[] = "Number|State|Topic|Opened|Closed|Name|Unit|Phone|Initiative|Question|Conversation|Assignee";

struct page {
    struct csv *csv;
    int rows;
    TALLOC_CTX *memory;
    const char *user_id; /* of the last row */
    int64_t id;
};

/* The catalogue's text of that name, or `otherwise` while it has none. */
static const char *wording(const char *name, const char *otherwise)
{
    enum msg id = message_named(str_of(name));
    return id == MSG_NONE ? otherwise : message_get(id)->text;
}

static struct str trimmed(struct str s)
{
    while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == ' '))
        s.n--;
    while (s.n > 0 && (s.p[0] == '\n' || s.p[0] == ' '))
        s = str_skip(s, 1);
    return s;
}

static void write_header(struct csv *csv)
{
    struct str rest = str_of(wording("export_ticket_header", english_header));
    for (;;) {
        const char *bar = rest.n ? memchr(rest.p, '|', rest.n) : NULL;
        size_t n = bar ? (size_t)(bar - rest.p) : rest.n;
        csv_text(csv, trimmed((struct str){rest.p, n}));
        if (!bar)
            break;
        rest = str_skip(rest, n + 1);
    }
    csv_end_row(csv);
}

/* "ticket_state_new" for the state new; the stored word itself while the catalogue has no such text. */
static void write_word(struct csv *csv, const char *prefix, struct str word)
{
    char name[64], plain[64];
    snprintf(name, sizeof(name), "%s%.*s", prefix, STR_ARG(word));
    snprintf(plain, sizeof(plain), "%.*s", STR_ARG(word));
    csv_text(csv, trimmed(str_of(wording(name, plain))));
}

static void write_time(struct csv *csv, int64_t epoch_ms)
{
    char text[COMMAND_TIME_SIZE];
    csv_text(csv, str_of(command_time(epoch_ms, text)));
}

/* With blanks a spreadsheet keeps it as text, leading zero and all. */
static void write_phone(struct csv *csv, struct str phone)
{
    char text[16];
    bool digits = phone.n == 10;
    for (size_t i = 0; digits && i < phone.n; i++)
        digits = phone.p[i] >= '0' && phone.p[i] <= '9';
    if (digits) {
        snprintf(text, sizeof(text), "%.4s %.3s %.3s", phone.p, phone.p + 4, phone.p + 7);
        phone = str_of(text);
    }
    csv_text(csv, phone);
}

static void on_page(const PGresult *res, void *ctx)
{
    struct page *page = ctx;
    struct csv *csv = page->csv;
    page->rows = PQntuples(res);
    for (int i = 0; i < page->rows; i++) {
        csv_number(csv, pg_int8(res, i, NUMBER));
        write_word(csv, "ticket_state_", pg_bytes(res, i, STATE));
        write_word(csv, "ticket_topic_", pg_bytes(res, i, TOPIC));
        write_time(csv, pg_time_ms(res, i, OPENED_AT));
        write_time(csv, pg_time_ms(res, i, CLOSED_AT));
        csv_text(csv, pg_bytes(res, i, FULL_NAME));
        csv_text(csv, pg_bytes(res, i, UNIT));
        write_phone(csv, pg_bytes(res, i, PHONE));
        csv_text(csv, pg_bytes(res, i, CODE));
        csv_text(csv, pg_bytes(res, i, QUESTION));
        csv_text(csv, pg_bytes(res, i, TALK));
        csv_text(csv, pg_bytes(res, i, ASSIGNEE));
        csv_end_row(csv);
    }
    if (page->rows > 0) {
        TALLOC_FREE(page->memory);
        page->memory = talloc_new(NULL);
        page->user_id = pg_text(page->memory, res, page->rows - 1, USER_ID);
        page->id = pg_int8(res, page->rows - 1, ID);
    }
}

static int export_tickets(struct command *c)
{
    struct err e;
    struct csv csv;
    struct page page = {.csv = &csv, .rows = PAGE, .user_id = ""};
    csv_begin(&csv, stdout);
    write_header(&csv);
    bool ok = true;
    while (ok && page.rows == PAGE && !ferror(stdout)) {
        struct pg_params *p = pg_params_new(c);
        pg_param_int8(p, PAGE);
        pg_param_text(p, page.user_id);
        pg_param_int8(p, page.id);
        ok = command_query(c, SQL_TICKET_EXPORT, p, on_page, &page, &e);
    }
    talloc_free(page.memory);
    if (!ok) {
        fprintf(stderr, "sangkien export: the table is incomplete: %s; run it again\n", e.msg);
        return EX_UNAVAILABLE;
    }
    if (!csv_finish(&csv, &e)) {
        fprintf(stderr, "sangkien export: %s; the table is incomplete\n", e.msg);
        return EX_IOERR;
    }
    return EX_OK;
}

static const char usage[] = "usage: sangkien export tickets [--format csv] > FILE\n";

int cmd_export(struct settings *s, int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : NULL, *format = "csv";
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--format") == 0 && i + 1 < argc) {
            format = argv[++i];
        } else if (strncmp(argv[i], "--format=", 9) == 0) {
            format = argv[i] + 9;
        } else {
            fprintf(stderr, "sangkien export: unknown argument %s\n%s", argv[i], usage);
            return EX_USAGE;
        }
    }
    if (what && (strcmp(what, "--help") == 0 || strcmp(what, "-h") == 0)) {
        fputs(usage, stdout);
        return EX_OK;
    }
    if (!what || (strcmp(what, "tickets") != 0 && strcmp(what, "initiatives") != 0)) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    if (strcmp(what, "initiatives") == 0) {
        fputs("sangkien export: this version exports tickets only; initiatives come with a later one\n", stderr);
        return EX_USAGE;
    }
    if (strcmp(format, "csv") != 0) {
        fprintf(stderr, "sangkien export: this version writes csv only, not %s; spreadsheets open it\n", format);
        return EX_USAGE;
    }
    struct err e;
    struct command *c = command_new(NULL, s);
    int code;
    if (!c) {
        fputs("sangkien export: out of memory\n", stderr);
        code = EX_OSERR;
    } else if (!messages_load(s->texts.file[0] ? s->texts.file : NULL, &e)) {
        fprintf(stderr, "sangkien export: %s\n", e.msg);
        code = EX_CONFIG;
    } else if (!command_open_database(c, &e)) {
        fprintf(stderr, "sangkien export: %s\n", e.msg);
        code = EX_UNAVAILABLE;
    } else {
        code = export_tickets(c);
    }
    talloc_free(c);
    return code;
}
