/* `sangkien standing`: where the units stand, as text or as a table; keeping a wave for good, and proving what was kept. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "commands.h"
#include "messages.h"
#include "table/sheet.h"
#include "standing/standing_figures.h"
#include "standing_store.h"
#include "zalo/json_out.h"

enum { FRESH_MS = 60000, DEADLINE_MS = 30000, FOLD_DEADLINE_MS = 600000, LINE_BYTES_MAX = 64 * 1024 };

const char standing_usage[] =
    "usage: sangkien standing [--unit CODE] [--wave CODE] [--format text|csv|xlsx|json] [--why]\n"
    "       sangkien standing --wave CODE --freeze | --verify | --rows\n\n"
    "Without --wave the wave that runs today, else the one that ended last; without any, or with --wave ever, all there is.\n"
    "  text    the unit and those directly below it (default)\n"
    "  csv, xlsx, json  the unit and all below it, a row each\n"
    "  --why   what came into the unit's count since yesterday and what left it, and whom it passed or was passed by\n"
    "The figures are at most a minute old (their time is shown); `sangkien serve` keeps them so, without one they are counted now.\n\n"
    "A wave that ended more than a day ago is counted anew and kept for good, by itself or with\n"
    "  --freeze  now\n"
    "  --verify  computes the SHA-256 over the kept rows again and compares\n"
    "  --rows    prints what the hash is over: `sangkien standing --wave CODE --rows | sha256sum`\n";

enum act { SHOW, WHY, FREEZE, VERIFY, ROWS };

struct wish {
    const char *unit, *wave, *format;
    enum act act;
    bool bad;
};

struct view {
    struct command *c;
    struct wish wish;
    struct standing_wave wave;
    bool wave_found;
    int64_t unit_id; /* 0: everything */
    bool unit_found;
    struct standing_row *row;
    int rows;
    int64_t loose_people, loose_counted;
};

static struct wish read_arguments(int argc, char **argv)
{
    struct wish w = {.format = "text"};
    const struct {
        const char *name;
        const char **value;
    } valued[] = {{"--unit", &w.unit}, {"--wave", &w.wave}, {"--format", &w.format}};
    static const struct {
        const char *name;
        enum act act;
    } acts[] = {{"--why", WHY}, {"--freeze", FREEZE}, {"--verify", VERIFY}, {"--rows", ROWS}};
    for (int i = 1; i < argc; i++) {
        bool known = false;
        for (size_t k = 0; k < ARRAY_LEN(valued) && !known; k++) {
            size_t n = strlen(valued[k].name);
            if (strcmp(argv[i], valued[k].name) == 0 && i + 1 < argc) {
                *valued[k].value = argv[++i];
                known = true;
            } else if (strncmp(argv[i], valued[k].name, n) == 0 && argv[i][n] == '=') {
                *valued[k].value = argv[i] + n + 1;
                known = true;
            }
        }
        for (size_t k = 0; k < ARRAY_LEN(acts) && !known; k++)
            if (strcmp(argv[i], acts[k].name) == 0) {
                w.act = acts[k].act;
                known = true;
            }
        w.bad |= !known;
    }
    enum sheet_format format;
    bool sheet = sheet_format_named(w.format, &format);
    w.bad |= !sheet && strcmp(w.format, "text") != 0 && strcmp(w.format, "json") != 0;
    return w;
}

/* ---- the database ---- */

static void on_wave(const PGresult *res, void *ctx)
{
    struct view *v = ctx;
    v->wave_found = standing_store_wave(v->c, res, &v->wave);
}

static bool load_wave(struct view *v, struct err *e)
{
    struct pg_params *p = pg_params_new(v->c);
    bool ever = v->wish.wave && strcmp(v->wish.wave, "ever") == 0;
    pg_param_text(p, v->wish.wave);
    if (!command_query(v->c, SQL_STANDING_WAVE, p, on_wave, v, e))
        return false;
    if (v->wish.wave && !ever && !v->wave_found)
        return err_set(e, ERR_NOT_FOUND, "there is no wave %s; `sangkien import campaign` brings them", v->wish.wave);
    return true;
}

static void on_unit(const PGresult *res, void *ctx)
{
    struct view *v = ctx;
    v->unit_found = PQntuples(res) == 1;
    if (v->unit_found)
        v->unit_id = pg_int8(res, 0, 0);
}

static bool find_unit(struct view *v, struct err *e)
{
    if (!v->wish.unit)
        return true;
    struct pg_params *p = pg_params_new(v->c);
    pg_param_text(p, v->wish.unit);
    return command_query(v->c, SQL_UNIT_BY_CODE, p, on_unit, v, e) &&
           (v->unit_found || err_set(e, ERR_NOT_FOUND, "there is no unit with the code %s; `sangkien import units` brings them", v->wish.unit));
}

/* Where no server keeps it young. */
static bool freshen(struct view *v, struct err *e)
{
    if (v->wave.folded_at_ms && v->wave.age_ms <= FRESH_MS)
        return true;
    struct pg_unit *unit = pg_unit_new(v->c);
    struct pg_params *p = pg_params_new(unit);
    pg_param_int8(p, FRESH_MS);
    pg_add_control(unit, "BEGIN");
    pg_add(unit, SQL_STANDING_FOLD, p);
    pg_add_control(unit, "COMMIT");
    return command_commit(v->c, unit, FOLD_DEADLINE_MS, NULL, NULL, e) && load_wave(v, e);
}

static void on_rows(const struct pg_answer *answer, void *ctx)
{
    struct view *v = ctx;
    const PGresult *res = answer->result[2];
    v->rows = PQntuples(res);
    v->row = talloc_zero_array(v->c, struct standing_row, (unsigned)v->rows);
    for (int r = 0; r < v->rows; r++)
        standing_store_row(v->row, res, r, &v->row[r]);
}

static void on_loose(const PGresult *res, void *ctx)
{
    struct view *v = ctx;
    if (PQntuples(res) > 0) {
        v->loose_people = pg_int8(res, 0, 0);
        v->loose_counted = pg_int8(res, 0, 1);
    }
}

static bool load_rows(struct view *v, struct err *e)
{
    bool text = strcmp(v->wish.format, "text") == 0;
    struct pg_unit *unit = pg_unit_new(v->c);
    struct pg_params *loose = pg_params_new(v->c);
    pg_add_control(unit, "BEGIN");
    pg_add(unit, SQL_STANDING_ROOM, NULL);
    standing_store_ask_rows(unit, v->wave.id, v->wave.frozen_at_ms != 0, v->unit_id, text ? 1 : STANDING_ALL_BELOW, NULL);
    pg_add_control(unit, "COMMIT");
    pg_param_int8(loose, v->wave.id);
    return command_unit(v->c, unit, DEADLINE_MS, on_rows, v, e) &&
           (v->unit_id || command_query(v->c, SQL_STANDING_LOOSE, loose, on_loose, v, e));
}

/* ---- showing ---- */

static void print_text(struct view *v)
{
    struct message_arg args[STANDING_ARGS_MAX];
    if (v->rows == 0) {
        puts(message_get(MSG_STANDING_NOTHING)->text);
        return;
    }
    size_t n = standing_args(v->c, &v->wave, &v->row[0], args);
    enum msg id = v->wave.id && v->wave.ended ? MSG_ADMIN_WAVE_SUMMARY : MSG_ADMIN_DAILY;
    puts(message_render(v->c, message_get(id)->text, args, n));
    for (int r = 1; r < v->rows; r++)
        puts(standing_line(v->c, &v->wave, r > 1 ? &v->row[r - 1] : NULL, &v->row[r]));
    if (v->loose_people || v->loose_counted) {
        char people[24], counted[24];
        snprintf(people, sizeof(people), "%" PRId64, v->loose_people);
        snprintf(counted, sizeof(counted), "%" PRId64, v->loose_counted);
        const struct message_arg loose[] = {{"people", standing_grouped(v->c, people)}, {"n", standing_grouped(v->c, counted)}};
        puts(message_render(v->c, message_get(MSG_STANDING_LOOSE)->text, loose, ARRAY_LEN(loose)));
    }
}

static void number_or_empty(struct sheet *s, bool there, int64_t n)
{
    if (there)
        sheet_number(s, n);
    else
        sheet_empty(s);
}

/* A sum may be longer than a number of the sheet: such a one is text. */
static void digits(struct sheet *s, const char *text)
{
    if (strlen(text) <= 15)
        sheet_number(s, strtoll(text, NULL, 10));
    else
        sheet_text(s, str_of(text));
}

/* Per cent with one decimal, as a person would type it. */
static void tenths_cell(TALLOC_CTX *ctx, struct sheet *s, bool there, int64_t tenths)
{
    sheet_text(s, there ? str_of(talloc_asprintf(ctx, "%" PRId64 ",%d", tenths / 10, (int)(tenths % 10))) : STR(""));
}

static bool print_sheet(struct view *v, struct err *e)
{
    enum sheet_format format;
    sheet_format_named(v->wish.format, &format);
    struct sheet *s = sheet_new(v->c, stdout, format, message_get(MSG_SHEET_STANDING)->text, message_get(MSG_SHEET_STANDING_HEADER)->text, 0, e);
    if (!s)
        return false;
    for (int r = 0; r < v->rows; r++) {
        const struct standing_row *row = &v->row[r];
        TALLOC_CTX *tmp = talloc_new(NULL);
        sheet_text(s, str_of(row->code ? row->code : ""));
        sheet_text(s, str_of(row->name));
        sheet_text(s, str_of(row->parent ? row->parent : ""));
        sheet_number(s, row->level);
        sheet_text(s, str_of(row->cluster ? row->cluster : ""));
        sheet_number(s, row->people);
        number_or_empty(s, row->has_before, row->people - row->before_people);
        number_or_empty(s, row->rank != 0, row->rank_people);
        sheet_number(s, row->sent);
        sheet_number(s, row->counted);
        number_or_empty(s, row->has_before, row->counted - row->before_counted);
        number_or_empty(s, row->rank != 0, row->rank);
        number_or_empty(s, row->before_rank != 0, row->before_rank);
        number_or_empty(s, row->rank != 0, row->peers);
        sheet_number(s, row->valid);
        sheet_number(s, row->pending);
        sheet_number(s, row->duplicate);
        sheet_number(s, row->refused);
        number_or_empty(s, row->target != 0, row->target);
        tenths_cell(tmp, s, row->target != 0, row->target ? standing_tenths(row->counted, row->target) : 0);
        number_or_empty(s, row->target != 0, standing_missing(row));
        number_or_empty(s, row->target != 0 && v->wave.days_left > 0, standing_daily(row, &v->wave));
        digits(s, row->benefit_vnd);
        number_or_empty(s, row->has_median, row->median_vnd);
        sheet_number(s, row->nonmonetary);
        sheet_number(s, row->unknown);
        tenths_cell(tmp, s, row->has_median, standing_share(row->largest_vnd, row->benefit_vnd));
        sheet_moment(s, v->wave.frozen_at_ms ? v->wave.frozen_at_ms : v->wave.folded_at_ms);
        sheet_end_row(s);
        talloc_free(tmp);
    }
    return sheet_finish(s, e);
}

static void named_number(struct json_out *o, const char *name, bool there, int64_t n)
{
    json_out_key(o, name);
    if (there)
        json_out_integer(o, n);
    else
        json_out_raw(o, STR("null"));
}

static void named_text(struct json_out *o, const char *name, const char *text)
{
    json_out_key(o, name);
    json_out_string(o, str_of(text));
}

static void json_head(const struct view *v, struct json_out *o)
{
    named_text(o, "wave", v->wave.id ? v->wave.code : "ever");
    named_number(o, "folded_at_ms", v->wave.folded_at_ms != 0, v->wave.folded_at_ms);
    named_number(o, "frozen_at_ms", v->wave.frozen_at_ms != 0, v->wave.frozen_at_ms);
    named_number(o, "days_left", v->wave.id != 0, v->wave.days_left);
    named_number(o, "people_without_unit", !v->unit_id, v->loose_people);
    named_number(o, "counted_without_unit", !v->unit_id, v->loose_counted);
}

static void json_row(const struct view *v, struct json_out *o, const struct standing_row *row)
{
    named_text(o, "code", row->code ? row->code : "");
    named_text(o, "name", row->name);
    if (row->parent)
        named_text(o, "parent", row->parent);
    named_number(o, "level", true, row->level);
    if (row->cluster)
        named_text(o, "cluster", row->cluster);
    named_number(o, "people", true, row->people);
    named_number(o, "sent", true, row->sent);
    named_number(o, "counted", true, row->counted);
    named_number(o, "valid", true, row->valid);
    named_number(o, "pending", true, row->pending);
    named_number(o, "duplicate", true, row->duplicate);
    named_number(o, "refused", true, row->refused);
    named_number(o, "target", row->target != 0, row->target);
    named_number(o, "percent_tenths", row->target != 0, row->target ? standing_tenths(row->counted, row->target) : 0);
    named_number(o, "missing", row->target != 0, standing_missing(row));
    named_number(o, "daily", row->target != 0, standing_daily(row, &v->wave));
    named_text(o, "benefit_vnd", row->benefit_vnd);
    named_number(o, "median_vnd", row->has_median, row->median_vnd);
    named_text(o, "largest_five_vnd", row->largest_vnd);
    named_number(o, "nonmonetary", true, row->nonmonetary);
    named_number(o, "unknown", true, row->unknown);
    named_number(o, "rank", row->rank != 0, row->rank);
    named_number(o, "rank_people", row->rank != 0, row->rank_people);
    named_number(o, "peers", row->rank != 0, row->peers);
    named_number(o, "people_before", row->has_before, row->before_people);
    named_number(o, "counted_before", row->has_before, row->before_counted);
    named_number(o, "rank_before", row->before_rank != 0, row->before_rank);
}

/* One object a line: the first tells of the wave and the moment, the others of a unit each.  Sums of money are strings. */
static bool print_json(struct view *v, struct err *e)
{
    for (int r = -1; r < v->rows; r++) {
        struct json_out o;
        size_t n;
        json_out_init(&o, v->c, LINE_BYTES_MAX);
        json_out_open(&o, '{');
        if (r < 0)
            json_head(v, &o);
        else
            json_row(v, &o, &v->row[r]);
        json_out_close(&o, '}');
        const char *line = json_out_done(&o, &n);
        if (!line)
            return err_set(e, ERR_NOMEM, "out of memory for a line of %d bytes", LINE_BYTES_MAX);
        fwrite(line, 1, n, stdout);
        putchar('\n');
        talloc_free(o.p);
    }
    return (fflush(stdout) == 0 && !ferror(stdout)) || err_set(e, ERR_SYSTEM, "cannot write the output");
}

/* ---- why a rank changed ---- */

static void on_events(const PGresult *res, void *ctx)
{
    char at[COMMAND_TIME_SIZE];
    (void)ctx;
    for (int r = 0; r < PQntuples(res); r++) {
        struct str status = pg_bytes(res, r, 1);
        bool left = str_eq(status, STR("duplicate")) || str_eq(status, STR("refused")) || str_eq(status, STR("withdrawn"));
        printf("%s  %c1  %.*s  %.*s\n", command_time(pg_time_ms(res, r, 2), at), left ? '-' : '+', STR_ARG(pg_bytes(res, r, 0)), STR_ARG(status));
    }
}

static void on_moved(const PGresult *res, void *ctx)
{
    const struct view *v = ctx;
    for (int r = 0; r < PQntuples(res); r++)
        printf("%s  %.*s %.*s: %" PRId64 " -> %" PRId64 " (rank %" PRId64 " -> %" PRId64 ")\n",
               pg_int8(res, r, 5) > v->row[0].counted ? "ahead " : pg_int8(res, r, 5) < v->row[0].counted ? "behind" : "beside",
               STR_ARG(pg_bytes(res, r, 0)), STR_ARG(pg_bytes(res, r, 1)), pg_int8(res, r, 4), pg_int8(res, r, 5), pg_int8(res, r, 2), pg_int8(res, r, 3));
}

static bool print_why(struct view *v, struct err *e)
{
    char at[COMMAND_TIME_SIZE];
    struct pg_params *events = pg_params_new(v->c), *moved = pg_params_new(v->c);
    if (!v->unit_id || v->wave.frozen_at_ms)
        return err_set(e, ERR_INVALID, v->wave.frozen_at_ms ? "the wave is kept: its ranks change no more" : "name the unit with --unit");
    if (v->rows == 0 || !v->row[0].has_before)
        return err_set(e, ERR_NOT_FOUND, "there is no evening before to compare with yet");
    const struct standing_row *row = &v->row[0];
    printf("%s %s since %s: %" PRId64 " -> %" PRId64 " counted, rank %" PRId64 " -> %" PRId64 " of %" PRId64 "\n", row->code, row->name,
           command_time(v->wave.before_at_ms, at), row->before_counted, row->counted, row->before_rank, row->rank, row->peers);
    pg_param_int8(events, v->wave.id);
    pg_param_int8(events, v->unit_id);
    pg_param_int8(moved, v->wave.id);
    pg_param_int8(moved, v->unit_id);
    return command_query(v->c, SQL_STANDING_EVENTS, events, on_events, v, e) && command_query(v->c, SQL_STANDING_MOVED, moved, on_moved, v, e);
}

/* ---- what is kept ---- */

struct proof {
    bool kept, same;
    char text[200];
};

static void on_check(const PGresult *res, void *ctx)
{
    struct proof *p = ctx;
    char at[COMMAND_TIME_SIZE];
    p->kept = PQntuples(res) == 1;
    if (!p->kept)
        return;
    struct str stored = pg_bytes(res, 0, 0), computed = pg_bytes(res, 0, 1);
    p->same = str_eq(stored, computed) && pg_int8(res, 0, 2) == pg_int8(res, 0, 3);
    snprintf(p->text, sizeof(p->text), "%.*s  %" PRId64 " rows, kept %s", STR_ARG(stored), pg_int8(res, 0, 2), command_time(pg_time_ms(res, 0, 4), at));
}

static int verify(struct view *v, struct err *e)
{
    struct proof proof = {0};
    struct pg_params *p = pg_params_new(v->c);
    pg_param_int8(p, v->wave.id);
    if (!command_query(v->c, SQL_SNAPSHOT_CHECK, p, on_check, &proof, e))
        return EX_UNAVAILABLE;
    if (!proof.kept) {
        err_set(e, ERR_NOT_FOUND, "wave %s is not kept yet; it is by itself a day after its end, or with --freeze", v->wave.code);
        return EX_DATAERR;
    }
    puts(proof.text);
    if (proof.same)
        return EX_OK;
    err_set(e, ERR_INVALID, "the rows of wave %s are not those that were kept: their SHA-256 is another one", v->wave.code);
    return EX_DATAERR;
}

static int freeze(struct view *v, struct err *e)
{
    struct pg_unit *unit = pg_unit_new(v->c);
    struct pg_params *p = pg_params_new(unit);
    pg_param_int8(p, v->wave.id);
    pg_add_control(unit, "BEGIN");
    pg_add(unit, SQL_STANDING_FREEZE, p);
    pg_add_control(unit, "COMMIT");
    if (!command_commit(v->c, unit, FOLD_DEADLINE_MS, NULL, NULL, e))
        return e->sqlstate[0] ? EX_DATAERR : EX_UNAVAILABLE;
    return verify(v, e);
}

static void on_lines(const PGresult *res, void *ctx)
{
    (void)ctx;
    for (int r = 0; r < PQntuples(res); r++) {
        struct str line = pg_bytes(res, r, 0);
        fwrite(line.p, 1, line.n, stdout);
    }
}

/* ---- the command ---- */

static int run(struct view *v, struct err *e)
{
    bool ok = load_wave(v, e) && find_unit(v, e);
    if (!ok)
        return e->kind == ERR_NOT_FOUND ? EX_DATAERR : EX_UNAVAILABLE;
    bool keeping = v->wish.act == FREEZE || v->wish.act == VERIFY || v->wish.act == ROWS;
    if (keeping && !v->wave.id) {
        err_set(e, ERR_INVALID, "name the wave with --wave");
        return EX_USAGE;
    }
    if (v->wish.act == FREEZE)
        return freeze(v, e);
    if (v->wish.act == VERIFY)
        return verify(v, e);
    if (v->wish.act == ROWS) {
        struct pg_params *p = pg_params_new(v->c);
        pg_param_int8(p, v->wave.id);
        return command_query(v->c, SQL_SNAPSHOT_LINES, p, on_lines, v, e) ? EX_OK : EX_UNAVAILABLE;
    }
    if (!freshen(v, e) || !load_rows(v, e))
        return EX_UNAVAILABLE;
    if (v->wish.act == WHY)
        return print_why(v, e) ? EX_OK : EX_DATAERR;
    if (strcmp(v->wish.format, "text") == 0) {
        print_text(v);
        return EX_OK;
    }
    ok = strcmp(v->wish.format, "json") == 0 ? print_json(v, e) : print_sheet(v, e);
    return ok ? EX_OK : EX_IOERR;
}

int cmd_standing(struct settings *s, int argc, char **argv)
{
    struct err e = {0};
    struct view v = {.wish = read_arguments(argc, argv)};
    if (v.wish.bad) {
        fputs(standing_usage, stderr);
        return EX_USAGE;
    }
    int code = EX_UNAVAILABLE;
    v.c = command_new(NULL, s);
    if (!v.c)
        err_set(&e, ERR_NOMEM, "out of memory");
    else if (messages_load(s->texts.file[0] ? s->texts.file : NULL, &e) && command_open_database(v.c, &e))
        code = run(&v, &e);
    if (code != EX_OK)
        fprintf(stderr, "sangkien standing: %s\n", e.msg);
    talloc_free(v.c);
    return code;
}
