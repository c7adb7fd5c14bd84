/* `sangkien import`: which kind of file; and initiatives of earlier years, to be found as duplicates and to be counted.
 *
 * One pass over the file inside one transaction: a row that cannot be taken is reported with its line, and at the end the
 * transaction is rolled back if there was one (all or nothing), unless --keep-good.  What is taken is indexed at once. */
#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <event2/event.h>

#include "clock.h"
#include "command.h"
#include "commands.h"
#include "table/commands_import.h"
#include "table/csv_read.h"
#include "draft.h"
#include "ids.h"
#include "table/import_row.h"
#include "receipt.h"

enum { BATCH = 512, REPORT_MOST = 200, DEADLINE_MS = 60000 };

const char import_usage[] =
    "usage: sangkien import initiatives [--keep-good] FILE\n"
    "       sangkien import units FILE\n"
    "       sangkien import campaign FILE\n\n"
    "initiatives\n"
    "FILE is JSON lines ({\"id\", \"title\", \"description\", \"annual_vnd\", \"sector\", \"union_unit\"}) or a table as a spreadsheet\n"
    "exports it (CSV, the first row names the columns).  Only the title and the description must be there.\n"
    "Rows that cannot be taken are reported with their line; then nothing is stored, unless\n"
    "  --keep-good  stores the others\n\n"
    "units\n"
    "FILE is a table (CSV, the first row names the columns; config/units-example.csv): code, name, parent (code of the unit above, empty\n"
    "at the top), level (1 province, 2 upper-level union, 3 grassroots, 4 section), and when wanted kind (province_unit, upper_unit,\n"
    "iz_union, civil_union, sector_union, grassroots_unit, section), cluster (of those ranked together), members, valid_from and valid_to\n"
    "(days; valid_to is the first day on which the unit is no more).  The code is the key: a known one is changed, a new one is added,\n"
    "one that the file does not name stays; so the file can be imported again.  A renamed unit keeps its old name as an alias.  A merger\n"
    "is valid_to and, as parent, the unit of the same level that took it in: what was counted for it counts there.  Nothing is stored\n"
    "when any line is wrong.\n\n"
    "campaign\n"
    "FILE is a table: record, code, name, from, to, unit, initiatives (config/campaign-example.csv).  record is campaign (code, name),\n"
    "wave (code, name, first and last day, both entirely, of the campaign above it) or target (code of the wave, unit, how many\n"
    "initiatives it is to reach).  Known codes are changed; the targets of a wave that the file names are replaced by those in it.\n"
    "Nothing is stored when any line is wrong.  The moment when an initiative was sent, as Zalo signed it, decides on its wave.\n";

struct import {
    struct command *c;
    struct import_reader *reader;
    bool keep_good;
    struct ids ids;
    struct receipt_stock receipts;
    int64_t now_ms;
    long good, refused;
    struct import_row row[BATCH];
    size_t count;
    TALLOC_CTX *memory; /* of the batch */
    struct err e;       /* of the database */
};

static void refuse(struct import *i, long line, const char *why)
{
    if (i->refused++ < REPORT_MOST)
        fprintf(stderr, "line %ld: %s\n", line, why);
    else if (i->refused == REPORT_MOST + 1)
        fputs("further lines are not listed\n", stderr);
}

/* ---- the database ---- */

static void on_known(const struct pg_answer *answer, void *ctx)
{
    struct import *i = ctx;
    const PGresult *res = answer->result[0];
    for (int r = 0; r < PQntuples(res); r++)
        for (size_t n = 0; n < i->count; n++)
            if (str_eq(pg_bytes(res, r, 0), str_of(i->row[n].user_id)))
                i->row[n].known = true;
    struct str key = pg_bytes(answer->result[1], 0, 0);
    if (key.n == RECEIPT_KEY_BYTES) {
        memcpy(i->receipts.key, key.p, key.n);
        i->receipts.key_known = true;
    }
    for (int r = 0; r < PQntuples(answer->result[2]); r++)
        receipt_stock_add(&i->receipts, pg_int8(answer->result[2], r, 0));
}

/* Which of the batch are there already, and receipt numbers for all of it. */
static bool prepare(struct import *i)
{
    struct pg_unit *unit = pg_unit_new(i->c);
    struct pg_params *known = pg_params_new(unit), *key = pg_params_new(unit), *blocks = pg_params_new(unit);
    struct pg_array *users = pg_array_new(known, PG_TEXT);
    unsigned char fresh[RECEIPT_KEY_BYTES];
    if (RAND_bytes(fresh, sizeof(fresh)) != 1)
        abort(); /* a guessable key would be kept for ever */
    for (size_t n = 0; n < i->count; n++)
        pg_array_text(users, i->row[n].user_id);
    pg_param_array(known, users);
    pg_param_bytea(key, fresh, sizeof(fresh));
    unsigned left = receipt_stock_left(&i->receipts);
    pg_param_int8(blocks, left < i->count ? (int64_t)(i->count - left + RECEIPT_BLOCK - 1) / RECEIPT_BLOCK : 0);
    pg_add(unit, SQL_IMPORT_KNOWN, known);
    pg_add(unit, SQL_RECEIPT_KEY, key);
    pg_add(unit, SQL_RECEIPT_BLOCKS, blocks);
    return command_unit(i->c, unit, DEADLINE_MS, on_known, i, &i->e);
}

struct columns {
    struct pg_array *user_id, *id, *code, *title, *description, *benefit, *kind, *benefit_text, *unit_text, *sector, *at;
};

static void add_row(struct import *i, struct columns *c, const struct import_row *row, int64_t id)
{
    char code[RECEIPT_CODE_BYTES];
    receipt_stock_peek(&i->receipts, code);
    receipt_stock_spend(&i->receipts);
    pg_array_text(c->user_id, row->user_id);
    pg_array_int8(c->id, id);
    pg_array_text(c->code, code);
    pg_array_text(c->title, row->title);
    pg_array_text(c->description, row->description);
    if (row->has_benefit)
        pg_array_int8(c->benefit, row->benefit_vnd);
    else
        pg_array_null(c->benefit);
    pg_array_text(c->kind, row->has_benefit ? "money" : "unknown");
    pg_array_text(c->benefit_text, row->benefit_text);
    pg_array_text(c->unit_text, row->unit);
    pg_array_text(c->sector, row->sector);
    pg_array_time_ms(c->at, i->now_ms);
}

static bool store(struct import *i)
{
    struct pg_unit *unit = pg_unit_new(i->c);
    struct pg_params *p = pg_params_new(unit);
    struct columns c = {pg_array_new(p, PG_TEXT), pg_array_new(p, PG_INT8), pg_array_new(p, PG_TEXT), pg_array_new(p, PG_TEXT),
                        pg_array_new(p, PG_TEXT), pg_array_new(p, PG_INT8), pg_array_new(p, PG_TEXT), pg_array_new(p, PG_TEXT),
                        pg_array_new(p, PG_TEXT), pg_array_new(p, PG_TEXT), pg_array_new(p, PG_TIME)};
    for (size_t n = 0; n < i->count; n++)
        if (!i->row[n].known)
            add_row(i, &c, &i->row[n], ids_next(&i->ids));
    if (pg_array_count(c.id) == 0) {
        talloc_free(unit);
        return true;
    }
    struct pg_array *const all[] = {c.user_id, c.id, c.code, c.title, c.description, c.benefit, c.kind, c.benefit_text, c.unit_text, c.sector, c.at};
    for (size_t n = 0; n < ARRAY_LEN(all); n++)
        pg_param_array(p, all[n]);
    pg_add(unit, SQL_IMPORT_INITIATIVES, p);
    return command_unit(i->c, unit, DEADLINE_MS, NULL, NULL, &i->e);
}

static int by_user(const void *a, const void *b)
{
    const struct import_row *x = *(const struct import_row *const *)a, *y = *(const struct import_row *const *)b;
    int order = strcmp(x->user_id, y->user_id);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* An id that stands twice in the batch: the first one counts. */
static void find_twins(struct import *i)
{
    const struct import_row *sorted[BATCH] = {0};
    for (size_t n = 0; n < i->count; n++)
        sorted[n] = &i->row[n];
    qsort(sorted, i->count, sizeof(const struct import_row *), by_user);
    for (size_t n = 1; n < i->count; n++)
        if (strcmp(sorted[n]->user_id, sorted[n - 1]->user_id) == 0)
            i->row[sorted[n] - i->row].known = true;
}

static bool flush(struct import *i)
{
    if (i->count == 0)
        return true;
    if (!prepare(i))
        return false;
    find_twins(i);
    for (size_t n = 0; n < i->count; n++) {
        char why[160];
        snprintf(why, sizeof(why), "the id %.100s is there already, from an earlier line or import", i->row[n].user_id + strlen(IMPORT_USER_PREFIX));
        if (i->row[n].known)
            refuse(i, i->row[n].line, why);
        else
            i->good++;
    }
    bool ok = (i->refused > 0 && !i->keep_good) || store(i); /* what will be rolled back need not be sent */
    i->count = 0;
    talloc_free(i->memory);
    i->memory = talloc_new(i->c);
    return ok;
}

/* ---- the command ---- */

static bool read_all(struct import *i)
{
    struct err e;
    for (;;) {
        struct import_row *row = &i->row[i->count];
        switch (import_reader_next(i->reader, i->memory, row, &e)) {
        case IMPORT_END:
            return flush(i);
        case IMPORT_REFUSED:
            refuse(i, row->line, e.msg);
            break;
        case IMPORT_ROW:
            if (++i->count == BATCH && !flush(i))
                return false;
            break;
        }
    }
}

static int finish(struct import *i, bool read)
{
    bool keep = read && i->good > 0 && (i->refused == 0 || i->keep_good);
    if (!read) { /* the failed transaction ends with its connection */
        fprintf(stderr, "sangkien import: %s; nothing was imported\n", i->e.msg);
        return EX_UNAVAILABLE;
    }
    if (!command_control(i->c, keep ? "COMMIT" : "ROLLBACK", DEADLINE_MS, &i->e)) {
        fprintf(stderr, "sangkien import: %s; it is not known whether it was imported: run it again, what is there will be refused\n", i->e.msg);
        return EX_UNAVAILABLE;
    }
    if (i->refused == 0 || keep)
        printf("%ld initiatives imported, %ld lines refused\n", i->good, i->refused);
    else
        printf("nothing imported: %ld lines refused, %ld would be good; mend them, or import the good ones with --keep-good\n", i->refused, i->good);
    /* Not in the transaction of the import, which would rewrite the same lists again and again. */
    if (keep && !command_index_similar(i->c, &i->e))
        fprintf(stderr, "sangkien import: the index of similar initiatives is not complete: %s; a running server or `sangkien similar` "
                        "completes it\n", i->e.msg);
    return i->refused ? EX_DATAERR : EX_OK;
}

static int import_file(struct command *c, FILE *in, const char *name, bool keep_good)
{
    struct err e;
    struct import *i = talloc_zero(c, struct import);
    i->c = c;
    i->keep_good = keep_good;
    i->now_ms = clock_epoch_ms();
    i->memory = talloc_new(c);
    ids_init(&i->ids);
    if (!(i->reader = import_reader_new(i, in, &e))) {
        fprintf(stderr, "sangkien import: %s: %s\n", name, e.msg);
        return EX_DATAERR;
    }
    if (!command_control(i->c, "BEGIN", DEADLINE_MS, &i->e)) {
        fprintf(stderr, "sangkien import: %s\n", i->e.msg);
        return EX_UNAVAILABLE;
    }
    return finish(i, read_all(i));
}

static int import_initiatives(struct command *c, FILE *in, const char *name)
{
    return import_file(c, in, name, false);
}

static int import_good_initiatives(struct command *c, FILE *in, const char *name)
{
    return import_file(c, in, name, true);
}

static const struct {
    const char *what;
    int (*run)(struct command *c, FILE *in, const char *name);
    int (*run_keep_good)(struct command *c, FILE *in, const char *name); /* NULL: all or nothing */
} kinds[] = {
    {"initiatives", import_initiatives, import_good_initiatives},
    {"units", import_units, NULL},
    {"campaign", import_campaign, NULL},
};

int cmd_import(struct settings *s, int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : NULL, *name = NULL;
    bool keep_good = false;
    for (int a = 2; a < argc; a++) {
        if (strcmp(argv[a], "--keep-good") == 0)
            keep_good = true;
        else if (argv[a][0] != '-' && !name)
            name = argv[a];
        else
            name = what = NULL;
    }
    int (*run_import)(struct command *c, FILE *in, const char *name) = NULL;
    for (size_t k = 0; what && k < ARRAY_LEN(kinds); k++)
        if (strcmp(kinds[k].what, what) == 0)
            run_import = keep_good ? kinds[k].run_keep_good : kinds[k].run;
    if (!run_import || !name) {
        fputs(import_usage, stderr);
        return EX_USAGE;
    }
    FILE *in = fopen(name, "rb");
    if (!in) {
        fprintf(stderr, "sangkien import: %s: %s\n", name, strerror(errno));
        return EX_NOINPUT;
    }
    struct err e;
    struct command *c = command_new(NULL, s);
    int code = EX_UNAVAILABLE;
    if (!c)
        fputs("sangkien import: out of memory\n", stderr);
    else if (!command_open_database(c, &e))
        fprintf(stderr, "sangkien import: %s\n", e.msg);
    else
        code = run_import(c, in, name);
    talloc_free(c);
    fclose(in);
    return code;
}
