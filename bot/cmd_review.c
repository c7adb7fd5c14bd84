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
#include "ids.h"
#include "messages.h"
#include "review_sheet.h"
#include "review_store.h"
#include "role_store.h"
#include "scoped.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum { BATCH = 1000, REPORT_MOST = 200, DEADLINE_MS = 60000, TOLD_PER_SECOND = 20, VIETNAM_MS = 7 * 3600 * 1000, DAY_BYTES = 11 };

static const char usage[] =
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
    long refused;
    struct err e; /* of the database */
};

static void refuse(struct import *i, long line, const char *why)
{
    if (i->refused++ < REPORT_MOST)
        fprintf(stderr, "line %ld: %s\n", line, why);
    else if (i->refused == REPORT_MOST + 1)
        fputs("further lines are not listed\n", stderr);
}

/* ---- the database ---- */

struct waiting {
    bool done;
    struct import *import;
    void (*on_rows)(struct import *i, const struct pg_answer *answer);
};

static void on_unit_done(const struct pg_answer *answer, void *arg)
{
    struct waiting *w = arg;
    w->done = true;
    if (answer->e)
        w->import->e = *answer->e;
    else if (w->on_rows)
        w->on_rows(w->import, answer);
}

/* All units go over one connection: what is between BEGIN and COMMIT is one transaction.  After an error nothing is sent. */
static bool run(struct import *i, struct pg_unit *unit, void (*on_rows)(struct import *i, const struct pg_answer *answer))
{
    struct waiting w = {.import = i, .on_rows = on_rows};
    if (!i->c->db)
        return false;
    pg_queue_run(i->c->db, unit, DEADLINE_MS, on_unit_done, &w);
    while (!w.done)
        if (event_base_loop(i->c->base, EVLOOP_ONCE) != 0)
            TALLOC_FREE(i->c->db); /* calls back */
    return i->e.kind == ERR_NONE;
}

static bool control(struct import *i, const char *word)
{
    struct pg_unit *unit = pg_unit_new(i->c);
    pg_add_control(unit, word);
    return run(i, unit, NULL);
}

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
    time_t now = (time_t)((clock_epoch_ms() + VIETNAM_MS) / 1000);
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
            refuse(i, r.line, wrong.msg);
            if (wrong.kind != ERR_INVALID)
                return true;
            continue;
        }
        if (!review_row_read(i->c, &heading, &cells, today, &row, &wrong)) {
            refuse(i, r.line, wrong.msg);
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
            refuse(i, i->row[n].line, "its code stands on another line as well");
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

static void on_known(struct import *i, const struct pg_answer *answer)
{
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
            refuse(i, row->line, "no initiative has this code");
            continue;
        }
        take_known(i, res, at, &i->known[k]);
        const struct verdict *v = &row->said;
        bool duplicate = v->verdict && strcmp(v->verdict, STATUS_DUPLICATE) == 0;
        if (duplicate && row_of(found, n, v->duplicate_of) < 0)
            refuse(i, row->line, "no initiative has the code that it is to duplicate");
        else if (!review_row_settle(row, &i->known[k], &changed, &wrong))
            refuse(i, row->line, wrong.msg);
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
        if (!run(i, unit, on_known))
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

static void on_held(struct import *i, const struct pg_answer *answer)
{
    i->held = (size_t)pg_int8(answer->result[0], 0, 0);
}

/* @return false with i->e set, or with i->refused when some changed after they were read. */
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
    if (n == 0 || !run(i, hold, on_held)) {
        talloc_free(unit);
        if (n == 0)
            talloc_free(hold);
        return n == 0;
    }
    if (i->held != n) {
        fprintf(stderr, "%zu initiatives were changed by their authors just now\n", n - i->held);
        i->refused++;
        talloc_free(unit);
        return false;
    }
    save_into(s, unit);
    return run(i, unit, NULL);
}

static bool write_all(struct import *i)
{
    struct ids ids;
    ids_init(&ids);
    const char *who = command_actor(i->c);
    if (!control(i, "BEGIN"))
        return false;
    for (i->first = 0; i->first < i->count; i->first += BATCH)
        if (!write_batch(i, &ids, who)) {
            if (i->e.kind == ERR_NONE)
                control(i, "ROLLBACK");
            return false;
        }
    return control(i, "COMMIT");
}

static int import(struct command *c, const char *path, bool dry)
{
    struct import i = {.c = c};
    struct err e = {0};
    FILE *in = fopen(path, "re");
    if (!in) {
        fprintf(stderr, "sangkien review: cannot open %s: %s\n", path, strerror(errno));
        return EX_NOINPUT;
    }
    bool read = read_file(&i, in, &e);
    fclose(in);
    if (!read) {
        fprintf(stderr, "sangkien review: %s: %s\n", path, e.msg);
        return EX_DATAERR;
    }
    refuse_twins(&i);
    bool ok = compare(&i) && (i.refused || dry || write_all(&i));
    if (!ok && i.e.kind != ERR_NONE) {
        fprintf(stderr, "sangkien review: nothing is changed: %s; run it again\n", i.e.msg);
        return EX_UNAVAILABLE;
    }
    if (i.refused) {
        fprintf(stderr, "nothing is changed: %ld lines are wrong\n", i.refused);
        return EX_DATAERR;
    }
    printf("%zu rows, %zu %s, %zu authors %s\n", i.count, i.changed, dry ? "would change" : "changed", i.told, dry ? "told" : "are told");
    return EX_OK;
}

/* ---- the command line ---- */

int cmd_review(struct settings *s, int argc, char **argv)
{
    bool help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    bool reads = argc > 1 && strcmp(argv[1], "import") == 0, writes = argc > 1 && strcmp(argv[1], "export") == 0;
    bool dry = reads && argc == 4 && strcmp(argv[2], "--dry-run") == 0;
    if (writes)
        return export_run(s, "review", "sangkien review", argc - 1, argv + 1);
    if (help || !reads || (argc != 3 && !dry)) {
        fputs(usage, help ? stdout : stderr);
        return help ? EX_OK : EX_USAGE;
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
