/* `sangkien broadcast`: writing a message to many, rehearsing it, letting it go, watching it, its report. */
#include <event2/event.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "broadcast/broadcast_show.h"
#include "broadcast_text.h"
#include "clock.h"
#include "command.h"
#include "commands.h"
#include "table/csv.h"
#include "ids.h"
#include "messages.h"
#include "reading/text.h"
#include "scoped.h"

enum { TEXT_BYTES_MAX = 16 * 1024, SAMPLES = 3, PAGE = 1000, WATCH_MS = 500, WATCH_MOST_MS = 5000,
       WATCH_SHARE = 10, /* adding up the ledger takes at most a tenth of the time */
       ALL_MS = 120000 /* 350,000 people take 10 s on a busy machine */ };

const char broadcast_usage[] =
    "usage: sangkien broadcast create --to SEGMENT [--text FILE] [--buttons \"register human\"] [--free-only]\n"
    "                                 [--template ID --data FILE]      prints its number and who would get it\n"
    "       sangkien broadcast rehearse ID           who gets it, who not and why, the cost, the end, three samples\n"
    "       sangkien broadcast test ID USER          sends it to that one person, as a reply\n"
    "       sangkien broadcast start ID [--at \"YYYY-MM-DD HH:MM\"] [--by NAME]\n"
    "       sangkien broadcast confirm ID [--by NAME]   the second person's yes, over broadcast.confirm_over\n"
    "       sangkien broadcast pause|resume|cancel ID\n"
    "       sangkien broadcast retry-failed ID       a new one, to those to whom it failed\n"
    "       sangkien broadcast list                  number, state, time, author, segment, first line; the newest first\n"
    "       sangkien broadcast show ID               what became of it: the sums\n"
    "       sangkien broadcast watch ID              the same as a bar that moves, until it is over\n"
    "       sangkien broadcast report ID             every recipient as CSV\n\n"
    "The text comes from FILE or stdin and may hold {xung_ho} {ten} {ho_ten} {unit} {title} {n}.  Buttons: register, list_mine,\n"
    "resume, help_what, human; one that ends reminders is always there.  A SEGMENT is made of\n"
    "  everybody  registered  initiative  draft  returned  silent DAYS  unit CODE  behind WAVE  role ROLE  and  or  not  ( )\n"
    "and never holds who opted out, was reminded twice this week or talks with a support contact.\n";

struct options {
    const char *to, *text, *buttons, *template_id, *data, *at, *by;
    bool free_only;
};

struct job {
    struct command *c;
    struct options o;
    int64_t id;
    const char *user_id;
    struct broadcast *b; /* the one named, for verbs that need it */
};

/* ---- small things ---- */

static int fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(int code, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fputs("sangkien broadcast: ", stderr);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
    return code;
}

static const char *actor(const struct job *j)
{
    const struct passwd *p = getpwuid(getuid());
    if (j->o.by)
        return talloc_asprintf(j->c, "cli:%s", j->o.by);
    return p ? talloc_asprintf(j->c, "cli:%s", p->pw_name) : talloc_asprintf(j->c, "cli:%ld", (long)getuid());
}

static void on_read(const PGresult *res, void *arg)
{
    struct job *j = arg;
    j->b = PQntuples(res) == 1 ? broadcast_store_row(j->c, res, 0) : NULL;
}

static struct pg_params *id_params(const struct job *j, int64_t id)
{
    struct pg_params *p = pg_params_new(j->c);
    pg_param_int8(p, id);
    return p;
}

static int read_broadcast(struct job *j)
{
    struct err e;
    if (!command_query(j->c, SQL_BROADCAST_GET, id_params(j, j->id), on_read, j, &e))
        return fail(EX_UNAVAILABLE, "%s", e.msg);
    return j->b ? EX_OK : fail(EX_DATAERR, "there is no broadcast %" PRId64 "; `sangkien broadcast list` shows those there are", j->id);
}

static void on_changed(const PGresult *res, void *arg)
{
    *(bool *)arg = PQntuples(res) == 1;
}

/* Every act of weight is in the record. */
static bool record(const struct job *j, const char *action, struct err *e)
{
    struct ids ids;
    struct pg_params *p = pg_params_new(j->c);
    struct pg_array *who = pg_array_new(p, PG_TEXT), *id = pg_array_new(p, PG_INT8), *act = pg_array_new(p, PG_TEXT),
                    *about = pg_array_new(p, PG_TEXT), *detail = pg_array_new(p, PG_TEXT);
    ids_init(&ids);
    pg_array_text(who, actor(j));
    pg_array_int8(id, ids_next(&ids));
    pg_array_text(act, action);
    pg_array_text(about, NULL);
    pg_array_text(detail, talloc_asprintf(p, "{\"broadcast\":\"%" PRId64 "\"}", j->id));
    struct pg_array *columns[] = {who, id, act, about, detail};
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        pg_param_array(p, columns[i]);
    return command_query(j->c, SQL_AUDIT_ADD, p, NULL, NULL, e);
}

static int change(const struct job *j, enum sql_id id, struct pg_params *p, const char *action, bool *ret_done)
{
    struct err e;
    *ret_done = false;
    if (!command_query(j->c, id, p, on_changed, ret_done, &e) || (*ret_done && !record(j, action, &e)))
        return fail(EX_UNAVAILABLE, "%s", e.msg);
    return EX_OK;
}

/* ---- create and rehearse ---- */

static char *read_text(const struct job *j, const char *path, int *ret_code)
{
    FILE *f = path && strcmp(path, "-") != 0 ? fopen(path, "r") : stdin;
    char *raw = talloc_zero_size(j->c, TEXT_BYTES_MAX + 1);
    *ret_code = EX_NOINPUT;
    if (!f) {
        fail(EX_NOINPUT, "cannot open %s", path);
        return NULL;
    }
    size_t n = fread(raw, 1, TEXT_BYTES_MAX + 1, f);
    bool bad = ferror(f) || n > TEXT_BYTES_MAX;
    if (f != stdin)
        fclose(f);
    char *clean = bad ? NULL : text_clean(j->c, (struct str){raw, n});
    if (!clean)
        fail(EX_NOINPUT, "the text cannot be read, or is longer than %d bytes", TEXT_BYTES_MAX);
    return clean;
}

struct rehearsal {
    const struct job *j;
    struct broadcast_reach reach;
};

static void on_counted(const struct pg_answer *answer, void *arg)
{
    ((struct rehearsal *)arg)->reach = broadcast_store_reach(answer->result[0]);
}

static void on_samples(const struct pg_answer *answer, void *arg)
{
    broadcast_show_samples(((struct rehearsal *)arg)->j->b, answer->result[0]);
}

/* A statement that reads everybody. */
static bool ask_all(const struct job *j, enum sql_id id, struct pg_params *p, command_answer_fn *on_answer, struct rehearsal *r, struct err *e)
{
    struct pg_unit *unit = pg_unit_new(j->c);
    pg_add(unit, id, p);
    return command_unit(j->c, unit, ALL_MS, on_answer, r, e);
}

static bool count(const struct job *j, struct rehearsal *r, struct err *e)
{
    struct pg_params *p = broadcast_plan_params(j->c, j->b, e);
    return p && ask_all(j, SQL_BROADCAST_COUNT, p, on_counted, r, e);
}

static int rehearse(struct job *j)
{
    struct err e;
    struct rehearsal r = {.j = j};
    if (!count(j, &r, &e))
        return fail(EX_UNAVAILABLE, "%s", e.msg);
    broadcast_show_rehearsal(j->b, &r.reach, j->c->settings);
    struct pg_params *p = broadcast_plan_params(j->c, j->b, &e);
    pg_param_int8(p, j->b->free_only);
    pg_param_int8(p, j->b->template_id != NULL);
    pg_param_int8(p, SAMPLES);
    if (!ask_all(j, SQL_BROADCAST_PREVIEW, p, on_samples, &r, &e))
        return fail(EX_UNAVAILABLE, "%s", e.msg);
    return EX_OK;
}

static void on_unknown_code(const PGresult *res, void *arg)
{
    const char **code = arg;
    *code = PQntuples(res) > 0 ? pg_text(NULL, res, 0, 0) : NULL;
}

static int check_codes(const struct job *j, const struct broadcast *b)
{
    struct err e;
    const char *unknown = NULL;
    if (!command_query(j->c, SQL_BROADCAST_UNKNOWN_CODES, broadcast_plan_codes(j->c, b), on_unknown_code, &unknown, &e))
        return fail(EX_UNAVAILABLE, "%s", e.msg);
    int code = unknown ? fail(EX_DATAERR, "no unit or wave has the code %s", unknown) : EX_OK;
    talloc_free((void *)(uintptr_t)unknown);
    return code;
}

static void on_added(const PGresult *res, void *arg)
{
    ((struct job *)arg)->id = pg_int8(res, 0, 0);
}

static int add(struct job *j, const struct broadcast *b)
{
    struct err e;
    if (!command_query(j->c, SQL_BROADCAST_ADD, broadcast_store_add(j->c, b, actor(j), 0), on_added, j, &e) || !record(j, "broadcast_create", &e))
        return fail(EX_UNAVAILABLE, "%s", e.msg);
    printf("%" PRId64 "\n", j->id);
    int code = read_broadcast(j);
    return code == EX_OK ? rehearse(j) : code;
}

static int run_create(struct job *j)
{
    struct err e;
    int code;
    struct broadcast b = {.segment = j->o.to, .buttons = j->o.buttons ? j->o.buttons : "", .template_id = j->o.template_id, .free_only = j->o.free_only};
    if (!b.segment)
        return fail(EX_USAGE, "create needs --to SEGMENT");
    if (!(b.body = read_text(j, j->o.text, &code)) || (j->o.data && !(b.template_data = read_text(j, j->o.data, &code))))
        return code;
    if (!broadcast_plan_check(&b, &e))
        return fail(EX_DATAERR, "%s", e.msg);
    code = check_codes(j, &b);
    return code == EX_OK ? add(j, &b) : code;
}

static int run_retry(struct job *j)
{
    struct broadcast b = *j->b;
    if (strcmp(b.state, "done") != 0 && strcmp(b.state, "cancelled") != 0)
        return fail(EX_DATAERR, "broadcast %" PRId64 " is not over", b.id);
    b.parent_id = b.id;
    return add(j, &b);
}

/* ---- letting it go ---- */

/* "YYYY-MM-DD HH:MM" in Vietnam; 0: not such a time. */
static int64_t parse_time(const char *text)
{
    struct tm tm = {0};
    char *end = strptime(text, "%Y-%m-%d %H:%M", &tm);
    return end && !*end ? ((int64_t)timegm(&tm) - INT64_C(7) * 3600) * 1000 : 0;
}

static int run_start(struct job *j)
{
    struct err e;
    struct rehearsal r = {.j = j};
    char time[COMMAND_TIME_SIZE];
    const struct settings *s = j->c->settings;
    int64_t at_ms = j->o.at ? parse_time(j->o.at) : 0;
    if (j->o.at && !at_ms)
        return fail(EX_USAGE, "--at takes \"YYYY-MM-DD HH:MM\"");
    if (!count(j, &r, &e))
        return fail(EX_UNAVAILABLE, "%s", e.msg);
    int64_t now = clock_epoch_ms();
    struct broadcast_figures f = broadcast_plan_figures(j->b, &r.reach, s, at_ms > now ? at_ms : now);
    int64_t hold_ms = broadcast_plan_hold_ms(&f, s);
    struct pg_params *p = broadcast_plan_start(j->c, j->id, actor(j), at_ms, hold_ms, 0, NULL);
    bool done;
    int code = change(j, SQL_BROADCAST_START, p, "broadcast_start", &done);
    if (code != EX_OK)
        return code;
    if (!done)
        return fail(EX_DATAERR, "broadcast %" PRId64 " is %s: it was started before", j->id, broadcast_show_state(j->b));
    printf("broadcast %" PRId64 " to %" PRId64 " people ", j->id, f.recipients);
    if (hold_ms)
        printf("begins at %s, or once a second person says so (sangkien broadcast confirm %" PRId64 "); until then it can be cancelled\n",
               command_time(at_ms > now + hold_ms ? at_ms : now + hold_ms, time), j->id);
    else
        printf("begins %s%s\n", at_ms > now ? "at " : "now", at_ms > now ? command_time(at_ms, time) : "");
    return EX_OK;
}

static int run_confirm(struct job *j)
{
    struct pg_params *p = id_params(j, j->id);
    bool done;
    pg_param_text(p, actor(j));
    int code = change(j, SQL_BROADCAST_CONFIRM, p, "broadcast_confirm", &done);
    if (code == EX_OK && !done)
        return fail(EX_DATAERR, "broadcast %" PRId64 " waits for nobody, or for somebody else than who started it (%s)", j->id,
                    j->b->started_by ? j->b->started_by : "nobody yet");
    return code;
}

static int simple(const struct job *j, enum sql_id id, struct pg_params *p, const char *action, const char *why_not)
{
    bool done;
    int code = change(j, id, p, action, &done);
    return code == EX_OK && !done ? fail(EX_DATAERR, "broadcast %" PRId64 " is %s: %s", j->id, broadcast_show_state(j->b), why_not) : code;
}

static int run_pause(struct job *j)
{
    struct pg_params *p = id_params(j, j->id);
    pg_param_text(p, talloc_asprintf(p, "by %s", actor(j)));
    return simple(j, SQL_BROADCAST_PAUSE, p, "broadcast_pause", "there is nothing to pause");
}

static int run_resume(struct job *j)
{
    return simple(j, SQL_BROADCAST_RESUME, id_params(j, j->id), "broadcast_resume", "it is not paused");
}

static int run_cancel(struct job *j)
{
    struct pg_params *p = id_params(j, j->id);
    pg_param_text(p, actor(j));
    return simple(j, SQL_BROADCAST_CANCEL, p, "broadcast_cancel", "it is over");
}

static int run_test(struct job *j)
{
    struct err e;
    struct ids ids;
    bool done = false;
    ids_init(&ids);
    struct pg_params *p = broadcast_plan_try(j->c, j->b, j->user_id, ids_next(&ids));
    if (!command_query(j->c, SQL_BROADCAST_TRY, p, on_changed, &done, &e))
        return fail(EX_UNAVAILABLE, "%s", e.msg);
    return done ? EX_OK : fail(EX_DATAERR, "%s has never written to the OA", j->user_id);
}

/* ---- looking ---- */

static void on_list(const PGresult *res, void *arg)
{
    for (int r = 0; r < PQntuples(res); r++)
        broadcast_show_line(broadcast_store_row(arg, res, r));
}

static int run_list(struct job *j)
{
    struct err e;
    return command_query(j->c, SQL_BROADCAST_LIST, pg_params_new(j->c), on_list, j->c, &e) ? EX_OK : fail(EX_UNAVAILABLE, "%s", e.msg);
}

static void on_report(const PGresult *res, void *arg)
{
    const struct job *j = arg;
    broadcast_show_report(j->b, res, j->c->settings);
}

static int run_show(struct job *j)
{
    struct err e;
    return command_query(j->c, SQL_BROADCAST_SUMS, id_params(j, j->id), on_report, j, &e) ? EX_OK : fail(EX_UNAVAILABLE, "%s", e.msg);
}

static void on_sums(const PGresult *res, void *arg)
{
    *(struct broadcast_sums *)arg = broadcast_store_sums(res);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

/* Over, and nothing is left on any wire. */
static bool is_over(const struct broadcast *b, const struct broadcast_sums *s)
{
    return strcmp(b->state, "done") == 0 || (strcmp(b->state, "cancelled") == 0 && s->waiting == 0 && s->sending == 0);
}

/* Of the terminal; 0: it is none. */
static int columns(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO))
        return 0;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

/* How fast it goes: each look counts a third, or the figure would jump. */
static int64_t smoothed(int64_t per_s, int64_t settled, int64_t before, int64_t ms)
{
    int64_t now = ms > 0 ? (settled - before) * 1000 / ms : 0;
    return per_s > 0 ? (2 * per_s + now) / 3 : now;
}

static bool wait_ms(const struct job *j, int64_t ms)
{
    struct err e;
    bool ticked = false;
    struct event *timer = event_new(j->c->base, -1, 0, on_tick, &ticked);
    struct timeval pause = {ms / 1000, (ms % 1000) * 1000};
    event_add(timer, &pause);
    bool waited = command_wait(j->c, &ticked, &e);
    event_free(timer);
    return waited;
}

static int run_watch(struct job *j)
{
    struct broadcast_sums sums = {0};
    struct err e;
    int64_t before = -1, at_ms = 0, per_s = 0;
    char last[32] = "";
    for (;;) {
        int64_t asked_ms = clock_monotonic_ms();
        if (!command_query(j->c, SQL_BROADCAST_SUMS, id_params(j, j->id), on_sums, &sums, &e))
            return fail(EX_UNAVAILABLE, "%s", e.msg);
        int64_t now = clock_monotonic_ms(), settled = broadcast_show_settled(&sums), took_ms = now - asked_ms;
        bool moved = settled != before || strcmp(last, broadcast_show_state(j->b)) != 0;
        per_s = j->b->paused_at_ms || before < 0 ? 0 : smoothed(per_s, settled, before, now - at_ms);
        if (moved || columns() > 0)
            broadcast_show_bar(j->b, &sums, per_s, columns());
        snprintf(last, sizeof(last), "%s", broadcast_show_state(j->b));
        before = settled;
        at_ms = now;
        if (is_over(j->b, &sums))
            break;
        int64_t pause_ms = took_ms * WATCH_SHARE > WATCH_MS ? took_ms * WATCH_SHARE : WATCH_MS;
        if (!wait_ms(j, pause_ms < WATCH_MOST_MS ? pause_ms : WATCH_MOST_MS))
            return fail(EX_UNAVAILABLE, "the database is gone");
        talloc_free(j->b);
        int code = read_broadcast(j);
        if (code != EX_OK)
            return code;
    }
    if (columns() > 0)
        puts("");
    return EX_OK;
}

struct report {
    TALLOC_CTX *memory;
    struct csv csv;
    const char *last_id;
    int rows;
};

static void on_rows(const PGresult *res, void *arg)
{
    struct report *r = arg;
    r->rows = PQntuples(res);
    for (int i = 0; i < r->rows; i++) {
        char at[COMMAND_TIME_SIZE];
        csv_text(&r->csv, pg_bytes(res, i, 0));
        csv_text(&r->csv, pg_bytes(res, i, 6));
        csv_text(&r->csv, pg_bytes(res, i, 7));
        csv_text(&r->csv, pg_bytes(res, i, 1));
        csv_text(&r->csv, pg_bytes(res, i, 2));
        csv_text(&r->csv, str_of(command_time(pg_time_ms(res, i, 3), at)));
        csv_text(&r->csv, pg_bytes(res, i, 4));
        csv_text(&r->csv, pg_bool(res, i, 5) ? STR("charged") : STR(""));
        csv_end_row(&r->csv);
    }
    if (r->rows > 0)
        r->last_id = pg_text(r->memory, res, r->rows - 1, 0);
}

static int run_report(struct job *j)
{
    static const char *const header[] = {"User", "Name", "Unit", "State", "Reason", "At", "Message", "Charged"};
    struct report r = {.memory = j->c, .last_id = ""};
    struct err e;
    csv_begin(&r.csv, stdout);
    for (size_t i = 0; i < ARRAY_LEN(header); i++)
        csv_text(&r.csv, str_of(header[i]));
    csv_end_row(&r.csv);
    do {
        struct pg_params *p = id_params(j, j->id);
        pg_param_text(p, r.last_id);
        pg_param_int8(p, PAGE);
        if (!command_query(j->c, SQL_BROADCAST_ROWS, p, on_rows, &r, &e))
            return fail(EX_UNAVAILABLE, "%s", e.msg);
    } while (r.rows == PAGE);
    return csv_finish(&r.csv, &e) ? EX_OK : fail(EX_IOERR, "%s", e.msg);
}

/* ---- the command line ---- */

static const struct {
    const char *name;
    bool takes_id, takes_user;
    int (*run)(struct job *j);
} verbs[] = {
    {"create", false, false, run_create}, {"rehearse", true, false, rehearse},   {"test", true, true, run_test},
    {"start", true, false, run_start},    {"confirm", true, false, run_confirm}, {"pause", true, false, run_pause},
    {"resume", true, false, run_resume},  {"cancel", true, false, run_cancel},   {"retry-failed", true, false, run_retry},
    {"list", false, false, run_list},     {"show", true, false, run_show},       {"watch", true, false, run_watch},
    {"report", true, false, run_report},
};

/* What follows the verb; @return false when it is none of these. */
static bool read_options(struct options *o, char **argv)
{
    const struct {
        const char *name;
        const char **to;
    } known[] = {{"--to", &o->to}, {"--text", &o->text}, {"--buttons", &o->buttons}, {"--template", &o->template_id},
                 {"--data", &o->data}, {"--at", &o->at}, {"--by", &o->by}};
    for (; *argv; argv++) {
        size_t i = 0;
        if (strcmp(*argv, "--free-only") == 0) {
            o->free_only = true;
            continue;
        }
        while (i < ARRAY_LEN(known) && strcmp(*argv, known[i].name) != 0)
            i++;
        if (i == ARRAY_LEN(known) || !argv[1])
            return false;
        *known[i].to = *++argv;
    }
    return true;
}

static int64_t read_id(const char *text)
{
    char *end;
    long long n = text && *text >= '1' && *text <= '9' ? strtoll(text, &end, 10) : 0;
    return n > 0 && !*end ? n : 0;
}

static int run(size_t verb, struct job *j, const struct settings *s)
{
    struct err e;
    if (!messages_load(s->texts.file[0] ? s->texts.file : NULL, &e))
        return fail(EX_CONFIG, "the texts cannot be used: %s", e.msg);
    if (!command_open_database(j->c, &e))
        return fail(EX_UNAVAILABLE, "%s", e.msg);
    int code = verbs[verb].takes_id ? read_broadcast(j) : EX_OK;
    return code == EX_OK ? verbs[verb].run(j) : code;
}

int cmd_broadcast(struct settings *s, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    size_t verb = 0;
    while (verb < ARRAY_LEN(verbs) && strcmp(name, verbs[verb].name) != 0)
        verb++;
    struct job j = {.c = NULL};
    bool known = verb < ARRAY_LEN(verbs);
    int next = 2;
    if (known && verbs[verb].takes_id)
        known = (j.id = next < argc ? read_id(argv[next++]) : 0) > 0;
    if (known && verbs[verb].takes_user)
        known = (j.user_id = next < argc ? argv[next++] : NULL) != NULL;
    if (!known || !read_options(&j.o, argv + next)) {
        fputs(broadcast_usage, stderr);
        return EX_USAGE;
    }
    if (!(j.c = command_new(NULL, s)))
        return fail(EX_OSERR, "out of memory");
    int code = run(verb, &j, s);
    talloc_free(j.c);
    return code == EX_OK && fflush(stdout) != 0 ? EX_IOERR : code;
}
