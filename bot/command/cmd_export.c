/* `sangkien export`: tables for people, as CSV or as a workbook, to stdout. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "commands.h"
#include "table/export.h"
#include "messages.h"
#include "table/review_sheet.h"
#include "rows.h"

enum { TOP_MAX = 10000 };

const char export_usage[] =
    "usage: sangkien export initiatives|units|tickets [--format csv|xlsx] [FILTER ...] > FILE\n"
    "Writes a row for each; csv when no format is named.  Filters, for initiatives and units:\n"
    "  --unit CODE         of that unit and all below it\n"
    "  --wave CODE         submitted in that wave\n"
    "  --top N             the best N: initiatives by checked benefit (of those valid or recognised), units by initiatives found valid\n"
    "for initiatives:\n"
    "  --status WORD,WORD  submitted, returned, valid, duplicate, refused, recognised, withdrawn\n"
    "  --social            those marked for their social meaning\n"
    "A workbook is made in $TMPDIR (/var/tmp) first; past 1,048,576 rows it goes on on a further sheet.\n";

static const struct table {
    const char *name;
    enum msg title, header;
    bool (*write)(struct command *c, struct sheet *s, const struct export_filter *filter, struct err *e);
    bool filters;
} tables[] = {
    {"initiatives", MSG_SHEET_INITIATIVES, MSG_SHEET_INITIATIVES_HEADER, export_initiatives, true},
    {"units", MSG_SHEET_UNITS, MSG_SHEET_UNITS_HEADER, export_units, true},
    {"tickets", MSG_SHEET_TICKETS, MSG_SHEET_TICKETS_HEADER, export_tickets, false},
    {"review", MSG_SHEET_REVIEW, MSG_SHEET_REVIEW_HEADER, review_sheet_write, true},
};

struct wish {
    const char *command; /* what errors begin with */
    const struct table *table;
    enum sheet_format format;
    struct export_filter filter;
    const char *unit_code, *wave_code;
};

static int wrong(const struct wish *wish, const char *what, const char *which)
{
    fprintf(stderr, "%s: %s %s\n%s", wish->command, what, which ? which : "", export_usage);
    return EX_USAGE;
}

/* "valid,recognised"; cuts the argument in place. */
static bool read_statuses(char *list, struct export_filter *filter)
{
    static const char *const known[] = {STATUS_SUBMITTED, STATUS_RETURNED, STATUS_VALID, STATUS_DUPLICATE,
                                        STATUS_REFUSED, STATUS_RECOGNISED, STATUS_WITHDRAWN};
    size_t n = 0;
    for (char *rest = list, *word; (word = strsep(&rest, ",")) != NULL;) {
        size_t k = 0;
        while (k < ARRAY_LEN(known) && strcmp(known[k], word) != 0)
            k++;
        if (k == ARRAY_LEN(known) || n == ARRAY_LEN(filter->status) - 1)
            return false;
        filter->status[n++] = known[k];
    }
    return true;
}

/* @return EX_OK, or what to end with. */
static int read_arguments(int argc, char **argv, struct wish *ret)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--social") == 0 && ret->table->filters) {
            ret->filter.social = true;
            continue;
        }
        char *equals = strchr(argv[i], '='), *value = equals ? equals + 1 : i + 1 < argc ? argv[i + 1] : NULL, *end = value;
        struct str name = {argv[i], equals ? (size_t)(equals - argv[i]) : strlen(argv[i])};
        bool top = str_eq(name, STR("--top"));
        bool filter = top || str_eq(name, STR("--status")) || str_eq(name, STR("--unit")) || str_eq(name, STR("--wave"));
        if (!filter && !str_eq(name, STR("--format")))
            return wrong(ret, "unknown argument", argv[i]);
        if (filter && !ret->table->filters)
            return wrong(ret, "no filter here:", argv[i]);
        if (!value)
            return wrong(ret, "a value is missing after", argv[i]);
        if (str_eq(name, STR("--format")) && !sheet_format_named(value, &ret->format))
            return wrong(ret, "unknown format", value);
        if (str_eq(name, STR("--status")) && !read_statuses(value, &ret->filter))
            return wrong(ret, "unknown status among", value);
        if (top && ((ret->filter.top = strtol(value, &end, 10)) < 1 || *end || ret->filter.top > TOP_MAX))
            return wrong(ret, "no number from 1 to 10000:", value);
        if (str_eq(name, STR("--unit")))
            ret->unit_code = value;
        if (str_eq(name, STR("--wave")))
            ret->wave_code = value;
        i += equals == NULL;
    }
    return EX_OK;
}

static void on_unit(const PGresult *res, void *ctx)
{
    int64_t *id = ctx;
    *id = PQntuples(res) == 1 ? pg_int8(res, 0, 0) : 0;
}

static void on_wave(const PGresult *res, void *ctx)
{
    struct export_filter *filter = ctx;
    if (PQntuples(res) == 1) {
        filter->from_ms = pg_time_ms(res, 0, 0);
        filter->before_ms = pg_time_ms(res, 0, 1);
    }
}

/* What the filters name, to numbers. */
static bool find_named(struct command *c, struct wish *wish, struct err *e)
{
    struct pg_params *unit = pg_params_new(c), *wave = pg_params_new(c);
    pg_param_text(unit, wish->unit_code);
    pg_param_text(wave, wish->wave_code);
    if (!command_query(c, SQL_UNIT_BY_CODE, unit, on_unit, &wish->filter.unit_id[0], e) ||
        !command_query(c, SQL_WAVE_SPAN, wave, on_wave, &wish->filter, e))
        return false;
    if (wish->unit_code && !wish->filter.unit_id[0])
        return err_set(e, ERR_NOT_FOUND, "no unit has the code %s; sangkien import units brings them in", wish->unit_code);
    if (wish->wave_code && !wish->filter.before_ms)
        return err_set(e, ERR_NOT_FOUND, "no wave has the code %s; sangkien import campaign brings them in", wish->wave_code);
    return true;
}

static int write_table(struct command *c, struct wish *wish)
{
    struct err e = {0};
    if (!find_named(c, wish, &e)) {
        fprintf(stderr, "%s: %s\n", wish->command, e.msg);
        return e.kind == ERR_NOT_FOUND ? EX_DATAERR : EX_UNAVAILABLE;
    }
    const struct table *table = wish->table;
    struct sheet *s = sheet_new(c, stdout, wish->format, message_get(table->title)->text, message_get(table->header)->text, 0, &e);
    if (!s) {
        fprintf(stderr, "%s: %s\n", wish->command, e.msg);
        return EX_CANTCREAT;
    }
    if (!table->write(c, s, &wish->filter, &e)) {
        fprintf(stderr, "%s: the table is incomplete: %s; run it again\n", wish->command, e.msg);
        return EX_UNAVAILABLE;
    }
    if (!sheet_finish(s, &e)) {
        fprintf(stderr, "%s: %s; the table is incomplete\n", wish->command, e.msg);
        return EX_IOERR;
    }
    return EX_OK;
}

int export_run(struct settings *s, const char *table, const char *command, int argc, char **argv)
{
    struct wish wish = {.command = command};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        if (strcmp(tables[i].name, table) == 0)
            wish.table = &tables[i];
    if (!wish.table)
        return wrong(&wish, "there is no table", table);
    int code = read_arguments(argc, argv, &wish);
    if (code != EX_OK)
        return code;
    struct err e;
    struct command *c = command_new(NULL, s);
    if (!c) {
        fprintf(stderr, "%s: out of memory\n", command);
        code = EX_OSERR;
    } else if (!messages_load(s->texts.file[0] ? s->texts.file : NULL, &e)) {
        fprintf(stderr, "%s: %s\n", command, e.msg);
        code = EX_CONFIG;
    } else if (!command_open_database(c, &e)) {
        fprintf(stderr, "%s: %s\n", command, e.msg);
        code = EX_UNAVAILABLE;
    } else {
        code = write_table(c, &wish);
    }
    talloc_free(c);
    return code;
}

int cmd_export(struct settings *s, int argc, char **argv)
{
    if (argc < 2)
        return wrong(&(struct wish){.command = "sangkien export"}, "say which table", NULL);
    return export_run(s, argv[1], "sangkien export", argc - 1, argv + 1);
}
