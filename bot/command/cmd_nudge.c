/* `sangkien nudge`: whom the automatic reminders have reached and what came of it, and whom they would reach now. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "broadcast_store.h"
#include "clock.h"
#include "command.h"
#include "commands.h"
#include "nudger.h"
#include "table/csv.h"
#include "zalo/json_out.h"

enum { PAGE = 1000, PREVIEW_PEOPLE = 2000, DAYS = 7, DAYS_MAX = 3650, LINE_BYTES_MAX = 16 * 1024 };

const char nudge_usage[] =
    "usage: sangkien nudge list [--days N] [--kind draft|returned|wave] [--unit CODE] [--format text|csv|json]\n"
    "       sangkien nudge preview [--kind draft|returned|wave] [--unit CODE] [--format text|csv|json]\n\n"
    "  list     each automatic reminder of the last N days (7): who, unit, when, of what, what became of the message\n"
    "           (queued, said, sent, failed, dropped and why), of the matter (submitted, open, discarded, or a verdict),\n"
    "           and whether the person wrote within two days\n"
    "  preview  who would be reminded now, by kind, and who is left out and why; changes nothing and sends nothing; in a\n"
    "           terminal it tells how many people it has looked at\n\n"
    "text ends with the sums (of preview they are all it has); csv and json have a row for each.  The settings are nudge.* and\n"
    "hours.broadcast.\n";

enum format { TEXT, CSV, JSON };

static const char *const kinds[NUDGE_KINDS] = {[NUDGE_DRAFT] = "draft", [NUDGE_RETURNED] = "returned", [NUDGE_WAVE] = "wave"};

struct job {
    struct command *c;
    bool preview;
    enum format format;
    const char *unit_code, *kind;
    int64_t unit_id, days;
    struct csv csv;
    const char *last_user; /* where the next page begins */
    int64_t last_id;
    int rows;              /* of the page before */
    const char *chosen;    /* of the preview: the person whose reminder was found just now */
    int64_t sum[NUDGE_KINDS][8], answered[NUDGE_KINDS];
};

/* ---- what can become of a reminder, as columns of the sums ---- */

struct word {
    const char *stored, *shown;
};
static const struct word states[] = {
    {"queued", "queued"}, {"said", "said, on its way"}, {"sent", "sent"}, {"failed", "failed"}, {"dropped", "not said"}};
static const struct word results[] = {
    {"submitted", "submitted since"}, {"open", "still open"}, {"discarded", "thrown away"}};
/* In the order in which nudge_candidates() looks (0020_nudge_outcome.sql); NULL: nothing is against it. */
static const struct word blocks[] = {
    {NULL, "reminded now"}, {"opted_out", "want no reminders"}, {"with_support", "talk with a support contact"},
    {"reminded", "reminded of it already"}, {"writing", "wrote within three hours"}, {"out_of_reach", "beyond the free 48 hours"},
    {"lately", "reminded of something else today"}, {"capped", "heard of us twice this week"}};

static int fail(int code, const char *what, const char *which)
{
    fprintf(stderr, "sangkien nudge: %s%s%s\n", what, which ? " " : "", which ? which : "");
    return code;
}

static int kind_of(struct str kind)
{
    for (int k = 0; k < NUDGE_KINDS; k++)
        if (str_eq(kind, str_of(kinds[k])))
            return k;
    return -1;
}

static size_t word_of(const struct word *words, size_t n, struct str stored, bool null)
{
    for (size_t i = 0; i < n; i++)
        if (null ? !words[i].stored : words[i].stored && str_eq(stored, str_of(words[i].stored)))
            return i;
    return n;
}

/* ---- a row ---- */

struct cell {
    const char *name;
    struct str text;
    bool null;
};

static struct cell cell(const char *name, const PGresult *res, int row, int col)
{
    return (struct cell){name, pg_bytes(res, row, col), pg_null(res, row, col)};
}

static void print_json(const struct job *j, const struct cell *cells, size_t n)
{
    struct json_out o;
    size_t bytes;
    json_out_init(&o, j->c, LINE_BYTES_MAX);
    json_out_open(&o, '{');
    for (size_t i = 0; i < n; i++) {
        json_out_key(&o, cells[i].name);
        if (cells[i].null)
            json_out_raw(&o, STR("null"));
        else
            json_out_string(&o, cells[i].text);
    }
    json_out_close(&o, '}');
    const char *line = json_out_done(&o, &bytes);
    puts(line ? line : "{}");
    talloc_free(o.p);
}

static void print_row(struct job *j, const struct cell *cells, size_t n)
{
    if (j->format == JSON) {
        print_json(j, cells, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (j->format == CSV)
            csv_text(&j->csv, cells[i].text);
        else
            printf("%s%.*s", i ? "\t" : "", STR_ARG(cells[i].text));
    }
    if (j->format == CSV)
        csv_end_row(&j->csv);
    else
        putchar('\n');
}

static void print_header(struct job *j, const char *const *names, size_t n)
{
    if (j->format != CSV)
        return;
    csv_begin(&j->csv, stdout);
    for (size_t i = 0; i < n; i++)
        csv_text(&j->csv, str_of(names[i]));
    csv_end_row(&j->csv);
}

/* ---- list ---- */

/* Columns of nudge_list. */
enum { L_USER, L_ID, L_AT, L_KIND, L_STATE, L_REASON, L_NAME, L_UNIT, L_CODE, L_ABOUT, L_RESULT, L_WROTE };
static const char *const list_names[] = {"at", "user_id", "name", "unit", "unit_code", "kind", "about", "state", "reason", "result", "wrote"};

static void list_row(struct job *j, const PGresult *res, int r)
{
    char at[COMMAND_TIME_SIZE];
    const bool sent = str_eq(pg_bytes(res, r, L_STATE), STR("sent")), wrote = pg_bool(res, r, L_WROTE);
    command_time(pg_time_ms(res, r, L_AT), at);
    const struct cell cells[] = {
        {list_names[0], str_of(at), false}, cell(list_names[1], res, r, L_USER), cell(list_names[2], res, r, L_NAME),
        cell(list_names[3], res, r, L_UNIT), cell(list_names[4], res, r, L_CODE), cell(list_names[5], res, r, L_KIND),
        cell(list_names[6], res, r, L_ABOUT), cell(list_names[7], res, r, L_STATE), cell(list_names[8], res, r, L_REASON),
        sent ? cell(list_names[9], res, r, L_RESULT) : (struct cell){list_names[9], STR(""), true},
        {list_names[10], wrote ? STR("yes") : STR("no"), false}};
    print_row(j, cells, ARRAY_LEN(cells));
    int kind = kind_of(pg_bytes(res, r, L_KIND));
    if (kind < 0)
        return;
    if (!sent) {
        size_t state = word_of(states, ARRAY_LEN(states), pg_bytes(res, r, L_STATE), false);
        j->sum[kind][state < ARRAY_LEN(states) ? state : 0]++;
        return;
    }
    size_t result = word_of(results, ARRAY_LEN(results), pg_bytes(res, r, L_RESULT), false);
    j->sum[kind][2]++;
    j->sum[kind][ARRAY_LEN(states) + (result < ARRAY_LEN(results) ? result : 0)]++; /* a verdict: it was sent in since */
    j->answered[kind] += wrote;
}

static void on_list(const PGresult *res, void *ctx)
{
    struct job *j = ctx;
    j->rows = PQntuples(res);
    for (int r = 0; r < j->rows; r++)
        list_row(j, res, r);
    if (j->rows > 0) {
        j->last_user = pg_text(j->c, res, j->rows - 1, L_USER);
        j->last_id = pg_int8(res, j->rows - 1, L_ID);
    }
}

static void print_sums(const struct job *j, const struct word *words, size_t n, size_t from)
{
    for (size_t i = 0; i < n; i++) {
        printf("%-34s", words[i].shown);
        for (int k = 0; k < NUDGE_KINDS; k++)
            printf("%10" PRId64, j->sum[k][from + i]);
        putchar('\n');
    }
}

static void print_kinds(const char *title)
{
    printf("%-34s%10s%10s%10s\n", title, kinds[0], kinds[1], kinds[2]);
}

static bool list(struct job *j, struct err *e)
{
    print_header(j, list_names, ARRAY_LEN(list_names));
    do {
        struct pg_params *p = pg_params_new(j->c);
        pg_param_int8(p, PAGE);
        pg_param_text(p, j->last_user);
        pg_param_int8(p, j->last_id);
        pg_param_int8(p, j->days);
        pg_param_text(p, j->kind);
        pg_param_int8(p, j->unit_id);
        if (!command_query(j->c, SQL_NUDGE_LIST, p, on_list, j, e))
            return false;
    } while (j->rows == PAGE);
    if (j->format != TEXT)
        return true;
    print_kinds("reminders");
    print_sums(j, states, ARRAY_LEN(states), 0);
    print_kinds("of those sent");
    print_sums(j, results, ARRAY_LEN(results), ARRAY_LEN(states));
    printf("%-34s%10" PRId64 "%10" PRId64 "%10" PRId64 "\n", "wrote within two days", j->answered[0], j->answered[1], j->answered[2]);
    return true;
}

/* ---- preview ---- */

/* Columns of nudge_preview. */
enum { P_USER, P_KIND, P_BLOCKED, P_NAME, P_UNIT, P_CODE };
static const char *const preview_names[] = {"user_id", "name", "unit", "unit_code", "kind", "left_out"};

static void preview_row(struct job *j, const PGresult *res, int r)
{
    struct cell blocked = cell(preview_names[5], res, r, P_BLOCKED);
    if (blocked.null && j->chosen && str_eq(pg_bytes(res, r, P_USER), str_of(j->chosen)))
        blocked = (struct cell){preview_names[5], STR("lately"), false}; /* only the first thing of several is said */
    else if (blocked.null)
        j->chosen = pg_text(j->c, res, r, P_USER);
    int kind = kind_of(pg_bytes(res, r, P_KIND));
    if (kind < 0 || (j->kind && strcmp(j->kind, kinds[kind]) != 0))
        return;
    size_t why = word_of(blocks, ARRAY_LEN(blocks), blocked.text, blocked.null);
    if (why < ARRAY_LEN(blocks))
        j->sum[kind][why]++;
    const struct cell cells[] = {cell(preview_names[0], res, r, P_USER), cell(preview_names[1], res, r, P_NAME), cell(preview_names[2], res, r, P_UNIT),
                                 cell(preview_names[3], res, r, P_CODE), cell(preview_names[4], res, r, P_KIND), blocked};
    if (j->format != TEXT)
        print_row(j, cells, ARRAY_LEN(cells));
}

static void on_preview(const struct pg_answer *answer, void *ctx)
{
    struct job *j = ctx;
    const PGresult *res = answer->result[0], *end = answer->result[1];
    for (int r = 0; r < PQntuples(res); r++)
        preview_row(j, res, r);
    j->last_user = PQntuples(end) == 1 ? pg_text(j->c, end, 0, 0) : NULL;
}

static void print_hours(const struct job *j)
{
    const struct settings *s = j->c->settings;
    const int64_t now_ms = clock_epoch_ms();
    char at[COMMAND_TIME_SIZE];
    int64_t total = 0;
    for (int k = 0; k < NUDGE_KINDS; k++)
        total += j->sum[k][0];
    if (hours_open(&s->hours.broadcast, &s->hours.holidays, now_ms))
        printf("now is inside the hours; %" PRId64 " people at %d a minute take about %" PRId64 " min\n", total, NUDGES_PER_MINUTE,
               (total + NUDGES_PER_MINUTE - 1) / NUDGES_PER_MINUTE);
    else
        printf("now is outside the hours: nobody is reminded before %s\n",
               command_time(hours_next_open(&s->hours.broadcast, &s->hours.holidays, now_ms), at));
    const int64_t on[] = {[NUDGE_DRAFT] = s->nudge.draft_hours, [NUDGE_RETURNED] = s->nudge.returned_hours, [NUDGE_WAVE] = s->nudge.wave_days};
    for (int k = 0; k < NUDGE_KINDS; k++)
        if (on[k] == 0)
            printf("%s: switched off by its setting\n", kinds[k]);
}

static bool preview(struct job *j, struct err *e)
{
    const struct settings *s = j->c->settings;
    /* 350,000 people may take a minute; rows on the same screen tell enough. */
    const bool watched = isatty(STDERR_FILENO) == 1 && (j->format == TEXT || isatty(STDOUT_FILENO) != 1);
    print_header(j, preview_names, ARRAY_LEN(preview_names));
    for (int64_t looked_at = 0; j->last_user; looked_at += PREVIEW_PEOPLE) {
        if (watched && looked_at > 0)
            fprintf(stderr, "\r%" PRId64 " people looked at", looked_at);
        struct pg_unit *unit = pg_unit_new(j->c);
        struct pg_params *p = pg_params_new(unit), *end = pg_params_new(unit);
        pg_param_text(p, j->last_user);
        pg_param_int8(p, PREVIEW_PEOPLE);
        pg_param_int8(p, BROADCAST_PER_WEEK);
        pg_param_int8(p, s->nudge.draft_hours);
        pg_param_int8(p, s->nudge.returned_hours);
        pg_param_int8(p, s->nudge.wave_days);
        pg_param_int8(p, s->nudge.charged);
        pg_param_int8(p, j->unit_id);
        pg_add(unit, SQL_NUDGE_PREVIEW, p);
        pg_param_text(end, j->last_user);
        pg_param_int8(end, PREVIEW_PEOPLE);
        pg_add(unit, SQL_NUDGE_PREVIEW_END, end);
        if (!command_unit(j->c, unit, 30000, on_preview, j, e))
            return false;
    }
    if (watched)
        fputs("\r\033[K", stderr);
    if (j->format != TEXT)
        return true;
    print_kinds("who has something to be reminded of");
    print_sums(j, blocks, ARRAY_LEN(blocks), 0);
    print_hours(j);
    return true;
}

/* ---- the command ---- */

static int read_arguments(int argc, char **argv, struct job *j)
{
    j->preview = argc > 1 && strcmp(argv[1], "preview") == 0;
    if (argc < 2 || (!j->preview && strcmp(argv[1], "list") != 0)) {
        fputs(nudge_usage, stderr);
        return EX_USAGE;
    }
    for (int i = 2; i < argc; i++) {
        char *equals = strchr(argv[i], '='), *value = equals ? equals + 1 : i + 1 < argc ? argv[i + 1] : NULL, *end = value;
        const struct str name = {argv[i], equals ? (size_t)(equals - argv[i]) : strlen(argv[i])};
        if (!value)
            return fail(EX_USAGE, "a value is missing after", argv[i]);
        if (str_eq(name, STR("--unit"))) {
            j->unit_code = value;
        } else if (str_eq(name, STR("--kind"))) {
            j->kind = value;
            if (kind_of(str_of(value)) < 0)
                return fail(EX_USAGE, "the kinds are draft, returned and wave, not", value);
        } else if (str_eq(name, STR("--days")) && !j->preview) {
            j->days = strtol(value, &end, 10);
            if (!*value || *end || j->days < 1 || j->days > DAYS_MAX)
                return fail(EX_USAGE, "no number of days from 1 to 3650:", value);
        } else if (str_eq(name, STR("--format"))) {
            static const char *const formats[] = {[TEXT] = "text", [CSV] = "csv", [JSON] = "json"};
            size_t f = 0;
            while (f < ARRAY_LEN(formats) && strcmp(formats[f], value) != 0)
                f++;
            if (f == ARRAY_LEN(formats))
                return fail(EX_USAGE, "the formats are text, csv and json, not", value);
            j->format = (enum format)f;
        } else {
            return fail(EX_USAGE, "unknown argument", argv[i]);
        }
        i += equals == NULL;
    }
    return EX_OK;
}

static void on_unit(const PGresult *res, void *ctx)
{
    ((struct job *)ctx)->unit_id = PQntuples(res) == 1 ? pg_int8(res, 0, 0) : 0;
}

static int run(struct job *j)
{
    struct err e;
    if (!command_open_database(j->c, &e))
        return fail(EX_UNAVAILABLE, e.msg, NULL);
    if (j->unit_code) {
        struct pg_params *p = pg_params_new(j->c);
        pg_param_text(p, j->unit_code);
        if (!command_query(j->c, SQL_UNIT_BY_CODE, p, on_unit, j, &e))
            return fail(EX_UNAVAILABLE, e.msg, NULL);
        if (!j->unit_id)
            return fail(EX_DATAERR, "no unit has the code", j->unit_code);
    }
    if (!(j->preview ? preview(j, &e) : list(j, &e)))
        return fail(EX_UNAVAILABLE, e.msg, NULL);
    return fflush(stdout) == 0 && !ferror(stdout) ? EX_OK : fail(EX_IOERR, "cannot write the output", NULL);
}

int cmd_nudge(struct settings *s, int argc, char **argv)
{
    struct job j = {.days = DAYS, .last_user = ""};
    int code = read_arguments(argc, argv, &j);
    if (code != EX_OK)
        return code;
    j.c = command_new(NULL, s);
    code = j.c ? run(&j) : fail(EX_OSERR, "out of memory", NULL);
    talloc_free(j.c);
    return code;
}
