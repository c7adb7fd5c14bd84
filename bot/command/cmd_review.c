/* `sangkien review`: thousands of verdicts by spreadsheet.
 *
 * import reads the whole file and holds every row against what stands in the database before anything is written.  Then one
 * transaction: the initiatives are held as they were read, the verdicts applied, their authors' mail and the record written.
 * The mail is told apart by a twentieth of a second each, so that the replies of the day are not kept waiting by it. */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "case_store.h"
#include "clock.h"
#include "commands.h"
#include "hours.h"
#include "ids.h"
#include "table/import_table.h"
#include "messages.h"
#include "table/review_sheet.h"
#include "review_store.h"
#include "role_store.h"
#include "scoped.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum { BATCH = 1000, DEADLINE_MS = 60000, TOLD_PER_SECOND = 20, DAY_BYTES = 11 };

const char review_usage[] =
    "usage: sangkien review export [--format csv|xlsx] [--status WORD,WORD] [--unit CODE] > FILE\n"
    "       sangkien review import [--dry-run] FILE\n\n"
    "export writes what waits for a verdict (or the initiatives of those statuses) with columns to fill in: verdict (hop le, can bo sung,\n"
    "trung lap, khong hop le, cong nhan, mo lai; accents as you like), and what a verdict needs: the code it duplicates; the part (ten,\n"
    "noi dung, gia tri lam loi, don vi) and a reason; who recognised it and when.  A row without a verdict changes figures and the mark.\n"
    "import takes the table back as CSV.  It lists what is wrong by line and then changes nothing; else it applies what changed, and the\n"
    "authors are told, twenty a second.\n"
    "  --dry-run  only says what would change\n";

struct import {
    struct command *c;
    struct review_row *row;
    struct review_known *known; /* beside `row` */
    struct review_known *one;   /* of the batch that is asked for */
    size_t count, room, first;
    size_t changed, told;
    size_t held; /* of the batch that is written */
    struct refusals refused;
    size_t overtaken; /* changed by their authors after they were read */
    struct err e; /* of the database */
    bool in_doubt; /* the commit was sent and not answered */
};

/* ---- what the file says ---- */

static void add_row(struct import *i, const struct review_row *row)
{
    if (i->count == i->room) {
        i->room = i->room ? i->room * 2 : 256;
        i->row = talloc_realloc(i->c, i->row, struct review_row, (unsigned)i->room);
    }
    i->row[i->count++] = *row;
}

static bool read_file(struct import *i, FILE *in, struct err *e)
{
    struct csv_reader r;
    struct csv_row cells;
    struct review_heading heading;
    char today[DAY_BYTES];
    struct tm tm;
    time_t now = (time_t)((clock_epoch_ms() + VIETNAM_OFFSET_MS) / 1000);
    if (!gmtime_r(&now, &tm) || strftime(today, sizeof(today), "%Y-%m-%d", &tm) == 0)
        return err_set(e, ERR_SYSTEM, "there is no date");
    if (!csv_reader_begin(&r, in, e) || !csv_reader_next(&r, i->c, &cells, e))
        return e->kind != ERR_NONE ? false : err_set(e, ERR_INVALID, "it has no rows");
    if (!review_heading_read(&cells, &heading, e))
        return false;
    for (;;) {
        struct err wrong = {0};
        TALLOC_CTX *tmp = talloc_new(i->c);
        struct review_row row;
        if (!csv_reader_next(&r, tmp, &cells, &wrong)) {
            talloc_free(tmp);
            if (wrong.kind == ERR_NONE)
                return true;
            refusals_add(&i->refused, r.line, "%s", wrong.msg);
            if (wrong.kind != ERR_INVALID)
                return true;
            continue;
        }
        if (!review_row_read(i->c, &heading, &cells, today, &row, &wrong)) {
            refusals_add(&i->refused, r.line, "%s", wrong.msg);
        } else {
            row.line = r.line;
            add_row(i, &row);
        }
        talloc_free(tmp);
    }
}

static int by_code(const void *a, const void *b)
{
    const struct review_row *x = a, *y = b;
    int order = strcmp(x->code, y->code);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static int by_line(const void *a, const void *b)
{
    const struct review_row *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

static void refuse_twins(struct import *i)
{
    if (i->count)
        qsort(i->row, i->count, sizeof(i->row[0]), by_code);
    for (size_t n = 1; n < i->count; n++)
        if (strcmp(i->row[n].code, i->row[n - 1].code) == 0)
            refusals_add(&i->refused, i->row[n].line, "its code stands on another line as well");
    if (i->count)
        qsort(i->row, i->count, sizeof(i->row[0]), by_line);
}

/* ---- what stands there ---- */

static size_t batch_of(const struct import *i)
{
    return i->count - i->first < BATCH ? i->count - i->first : BATCH;
}

static void take_known(struct import *i, const PGresult *res, int r, struct review_known *ret)
{
    *ret = (struct review_known){
        .user_id = pg_text(i->known, res, r, 1), .id = pg_int8(res, r, 2), .title = pg_text(i->known, res, r, 3),
        .status = pg_text(i->known, res, r, 4), .stamp = pg_int8(res, r, 5), .checked_benefit_vnd = pg_int8(res, r, 6),
        .recognised_benefit_vnd = pg_int8(res, r, 7), .recognised_by = pg_text(i->known, res, r, 8),
        .recognised_on = pg_text(i->known, res, r, 9), .social = pg_bool(res, r, 10), .duplicate_of = pg_text(i->known, res, r, 11)};
}

struct found {
    struct str code;
    int row;
};

static int by_found(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    size_t n = x->code.n < y->code.n ? x->code.n : y->code.n;
    int order = memcmp(x->code.p, y->code.p, n);
    return order ? order : (x->code.n > y->code.n) - (x->code.n < y->code.n);
}

static int row_of(const struct found *found, size_t n, const char *code)
{
    struct found wanted = {.code = str_of(code)};
    const struct found *f = n ? bsearch(&wanted, found, n, sizeof(*found), by_found) : NULL;
    return f ? f->row : -1;
}

static void on_known(const struct pg_answer *answer, void *ctx)
{
    struct import *i = ctx;
    const PGresult *res = answer->result[0];
    size_t n = (size_t)PQntuples(res);
    struct found *found = talloc_zero_array(i->c, struct found, (unsigned)n + 1);
    for (size_t r = 0; r < n; r++)
        found[r] = (struct found){pg_bytes(res, (int)r, 0), (int)r};
    qsort(found, n, sizeof(*found), by_found);
    for (size_t k = i->first; k < i->first + batch_of(i); k++) {
        struct review_row *row = &i->row[k];
        int at = row_of(found, n, row->code);
        struct err wrong = {0};
        bool changed = false;
        if (at < 0) {
            refusals_add(&i->refused, row->line, "no initiative has this code");
            continue;
        }
        take_known(i, res, at, &i->known[k]);
        const struct verdict *v = &row->said;
        bool duplicate = v->verdict && strcmp(v->verdict, STATUS_DUPLICATE) == 0;
        if (duplicate && row_of(found, n, v->duplicate_of) < 0)
            refusals_add(&i->refused, row->line, "no initiative has the code that it is to duplicate");
        else if (!review_row_settle(row, &i->known[k], &changed, &wrong))
            refusals_add(&i->refused, row->line, "%s", wrong.msg);
        if (!changed)
            i->known[k].user_id = NULL;
        i->changed += changed;
    }
    talloc_free(found);
}

static bool compare(struct import *i)
{
    i->known = talloc_zero_array(i->c, struct review_known, (unsigned)i->count + 1);
    for (i->first = 0; i->first < i->count; i->first += BATCH) {
        struct pg_unit *unit = pg_unit_new(i->c);
        struct pg_params *p = pg_params_new(unit);
        struct pg_array *codes = pg_array_new(p, PG_TEXT);
        for (size_t k = i->first; k < i->first + batch_of(i); k++) {
            pg_array_text(codes, i->row[k].code);
            if (i->row[k].said.duplicate_of)
                pg_array_text(codes, i->row[k].said.duplicate_of);
        }
        pg_param_array(p, codes);
        pg_add(unit, SQL_REVIEW_KNOWN, p);
        if (!command_unit(i->c, unit, DEADLINE_MS, on_known, i, &i->e))
            return false;
    }
    return true;
}

/* ---- what is written ---- */

static const char *print(TALLOC_CTX *ctx, cJSON *root)
{
    SCOPED(json_text) char *json = cJSON_PrintUnformatted(root);
    return talloc_strdup(ctx, json ? json : "{}");
}

static void add_text(cJSON *root, const char *name, const char *value)
{
    if (value)
        cJSON_AddStringToObject(root, name, value);
}

/* As handlers/verdict.c reads it; without an id, because it has taken effect when it comes. */
static const char *mail_of(TALLOC_CTX *ctx, const struct review_row *row, const struct review_known *known)
{
    SCOPED(json) cJSON *root = cJSON_CreateObject();
    const struct verdict *v = &row->said;
    add_text(root, "status", v->verdict);
    add_text(root, "initiative_id", talloc_asprintf(ctx, "%lld", (long long)known->id));
    add_text(root, "field", v->field);
    add_text(root, "note", v->note);
    add_text(root, "code_other", v->duplicate_of);
    add_text(root, "level", v->recognised_by);
    if (v->checked_benefit_vnd)
        add_text(root, "checked", talloc_asprintf(ctx, "%lld", (long long)v->checked_benefit_vnd));
    add_text(root, "title", known->title);
    add_text(root, "code", row->code);
    return print(ctx, root);
}

static const char *record_of(TALLOC_CTX *ctx, const struct review_row *row)
{
    SCOPED(json) cJSON *root = cJSON_CreateObject();
    add_text(root, "code", row->code);
    add_text(root, "verdict", row->said.verdict);
    add_text(root, "duplicate_of", row->said.duplicate_of);
    return print(ctx, root);
}

static void save_one(struct import *i, struct save *s, struct ids *ids, const char *who, size_t k)
{
    struct review_row *row = &i->row[k];
    struct verdict *v = &row->said;
    v->id = ids_next(ids);
    v->reviewer = who;
    review_store_apply(s, v);
    struct audit_entry a = {.id = ids_next(ids), .action = "verdict", .about = v->user_id, .detail = record_of(s, row)};
    role_store_add_audit(s, who, &a);
    if (strcmp(v->verdict, VERDICT_MARKED) == 0)
        return;
    struct mail m = {.user_id = v->user_id, .id = ids_next(ids), .kind = "verdict", .payload = mail_of(s, row, &i->known[k]),
                     .not_before_ms = clock_epoch_ms() + (int64_t)(i->told++ * 1000 / TOLD_PER_SECOND)};
    case_store_add_mail(s, &m);
}

static void on_held(const struct pg_answer *answer, void *ctx)
{
    struct import *i = ctx;
    i->held = (size_t)pg_int8(answer->result[0], 0, 0);
}

/* @return false with i->e set, or with i->overtaken. */
static bool write_batch(struct import *i, struct ids *ids, const char *who)
{
    struct pg_unit *hold = pg_unit_new(i->c), *unit = pg_unit_new(i->c);
    struct pg_params *p = pg_params_new(hold);
    struct pg_array *users = pg_array_new(p, PG_TEXT), *numbers = pg_array_new(p, PG_INT8), *stamps = pg_array_new(p, PG_INT8),
                    *statuses = pg_array_new(p, PG_TEXT);
    struct save *s = save_new(unit);
    size_t n = 0;
    for (size_t k = i->first; k < i->first + batch_of(i); k++) {
        const struct review_known *known = &i->known[k];
        if (!known->user_id)
            continue;
        pg_array_text(users, known->user_id);
        pg_array_int8(numbers, known->id);
        pg_array_int8(stamps, known->stamp);
        pg_array_text(statuses, known->status);
        save_one(i, s, ids, who, k);
        n++;
    }
    pg_param_array(p, users);
    pg_param_array(p, numbers);
    pg_param_array(p, stamps);
    pg_param_array(p, statuses);
    pg_add(hold, SQL_REVIEW_HOLD, p);
    if (n == 0 || !command_unit(i->c, hold, DEADLINE_MS, on_held, i, &i->e)) {
        talloc_free(unit);
        if (n == 0)
            talloc_free(hold);
        return n == 0;
    }
    if (i->held != n) {
        i->overtaken = n - i->held;
        talloc_free(unit);
        return false;
    }
    save_into(s, unit);
    return command_unit(i->c, unit, DEADLINE_MS, NULL, NULL, &i->e);
}

static bool write_all(struct import *i)
{
    struct ids ids;
    ids_init(&ids);
    const char *who = command_actor(i->c);
    if (!command_control(i->c, "BEGIN", DEADLINE_MS, &i->e))
        return false;
    for (i->first = 0; i->first < i->count; i->first += BATCH)
        if (!write_batch(i, &ids, who)) {
            if (i->e.kind == ERR_NONE)
                command_control(i->c, "ROLLBACK", DEADLINE_MS, &i->e);
            return false;
        }
    i->in_doubt = !command_control(i->c, "COMMIT", DEADLINE_MS, &i->e);
    return !i->in_doubt;
}

/* @return an exit code, after a sentence about what happened. */
static int conclude(struct import *i, bool ok, bool dry)
{
    if (i->in_doubt) {
        fprintf(stderr, "sangkien review: %s; it is not known whether it was changed: export again and look\n", i->e.msg);
        return EX_UNAVAILABLE;
    }
    if (!ok && i->e.kind != ERR_NONE) {
        fprintf(stderr, "sangkien review: nothing is changed: %s; run it again\n", i->e.msg);
        return EX_UNAVAILABLE;
    }
    if (i->overtaken) {
        fprintf(stderr, "sangkien review: nothing is changed: %zu initiatives were changed by their authors just now; run it again\n",
                i->overtaken);
        return EX_TEMPFAIL;
    }
    if (i->refused.count) {
        refusals_print(&i->refused);
        fprintf(stderr, "nothing is changed: %zu lines are wrong\n", i->refused.count);
        return EX_DATAERR;
    }
    printf("%zu rows, %zu %s, %zu authors %s\n", i->count, i->changed, dry ? "would change" : "changed", i->told, dry ? "told" : "are told");
    return EX_OK;
}

static int import(struct command *c, const char *path, bool dry)
{
    struct import i = {.c = c};
    struct err e = {0};
    int code = EX_DATAERR;
    FILE *in = fopen(path, "re");
    if (!in) {
        fprintf(stderr, "sangkien review: cannot open %s: %s\n", path, strerror(errno));
        return EX_NOINPUT;
    }
    bool read = read_file(&i, in, &e);
    fclose(in);
    if (read) {
        refuse_twins(&i);
        bool ok = compare(&i) && (i.refused.count || dry || write_all(&i));
        code = conclude(&i, ok, dry);
    } else {
        fprintf(stderr, "sangkien review: %s: %s\n", path, e.msg);
    }
    refusals_done(&i.refused);
    return code;
}

/* ---- the command line ---- */

int cmd_review(struct settings *s, int argc, char **argv)
{
    bool reads = argc > 1 && strcmp(argv[1], "import") == 0, writes = argc > 1 && strcmp(argv[1], "export") == 0;
    bool dry = reads && argc == 4 && strcmp(argv[2], "--dry-run") == 0;
    if (writes)
        return export_run(s, "review", "sangkien review", argc - 1, argv + 1);
    if (!reads || (argc != 3 && !dry)) {
        fputs(review_usage, stderr);
        return EX_USAGE;
    }
    struct err e;
    struct command *c = command_new(NULL, s);
    int code = EX_UNAVAILABLE;
    if (c && command_open_database(c, &e))
        code = import(c, argv[argc - 1], dry);
    else
        fprintf(stderr, "sangkien review: %s\n", c ? e.msg : "out of memory");
    talloc_free(c);
    return code;
}
