/* Broadcasts from the chat: see broadcast_job.h.  What is done is what the command does, with the asker's rights. */
#include "broadcast_job.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <string.h>

#include "broadcast_plan.h"
#include "broadcast_text.h"
#include "broadcaster.h"
#include "clock.h"
#include "draft.h"
#include "hours.h"
#include "jobs.h"
#include "pg_queue.h"
#include "reading/unit_name.h"
#include "settings.h"

enum { DEADLINE_MS = 60000 /* 350,000 people are counted in 10 s, on a busy machine in 30 */, MINUTE_MS = 60000, SAMPLES = 3 };

struct asking {
    struct job *job;
    const struct broadcast_desk *desk;
    const struct op *op;
    struct broadcast *b;
    struct broadcast_reach reach;
    struct broadcast_figures figures;
    int64_t at_ms, hold_ms;
    int64_t wanted_ms; /* not before; 0: now */
    char *sample[SAMPLES];
    cJSON *result;
};

/* Each step asks one thing of the database and says what comes after its answer. */
struct op {
    const char *name;
    void (*begin)(struct asking *a);
};

/* ---- small things ---- */

static const char *word(const struct asking *a, const char *name)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(job_args(a->job), name));
    return s ? s : "";
}

static void add_number(struct asking *a, const char *name, int64_t n)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRId64, n);
    cJSON_AddStringToObject(a->result, name, digits);
}

static void done(struct asking *a)
{
    add_number(a, "id", a->b ? a->b->id : 0);
    job_done(a->job, a->result);
}

static void failed(struct asking *a, const struct err *e)
{
    cJSON_Delete(a->result);
    job_failed(a->job, e);
}

static void run(struct asking *a, enum sql_id id, struct pg_params *p, pg_done_fn *then)
{
    struct pg_unit *unit = pg_unit_new(a);
    pg_add(unit, id, p);
    pg_queue_run(job_work(a->job), unit, DEADLINE_MS, then, a);
}

/* The answer's rows, or NULL after the job has failed. */
static const PGresult *rows_of(struct asking *a, const struct pg_answer *answer)
{
    if (!answer->e)
        return answer->result[0];
    failed(a, answer->e);
    return NULL;
}

static struct pg_params *id_params(struct asking *a)
{
    struct pg_params *p = pg_params_new(a);
    pg_param_int8(p, a->b->id);
    return p;
}

/* ---- rehearsed: whom it reaches, what one of them will read ---- */

static void add_figures(struct asking *a)
{
    const struct broadcast_figures *f = &a->figures;
    add_number(a, "people", f->recipients);
    add_number(a, "free", f->recipients - f->charged);
    add_number(a, "charged", f->charged);
    add_number(a, "cost_vnd", f->cost_vnd);
    add_number(a, "ends_at_ms", f->ends_at_ms > 0 ? f->ends_at_ms : 0);
    add_number(a, "silent", (a->b->template_id ? 0 : a->reach.silent) + a->reach.never);
    if (a->b->template_id) {
        cJSON_AddStringToObject(a->result, "template", a->b->template_id);
        add_number(a, "by_template", a->reach.silent);
    }
    add_number(a, "opted_out", a->reach.opted_out);
    add_number(a, "capped", a->reach.capped);
    add_number(a, "with_support", a->reach.with_support);
    const char *const name[SAMPLES] = {"sample", "sample2", "sample3"};
    for (size_t i = 0; i < SAMPLES; i++)
        cJSON_AddStringToObject(a->result, name[i], a->sample[i]);
}

static void on_sample(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    const PGresult *res = rows_of(a, answer);
    if (!res)
        return;
    for (int r = 0; r < PQntuples(res) && r < SAMPLES; r++) {
        struct broadcast_person who = {.full_name = pg_text(a, res, r, 2), .unit_name = pg_text(a, res, r, 3), .title = pg_text(a, res, r, 4),
                                       .initiatives = pg_int8(res, r, 5)};
        bool templated = str_eq(pg_bytes(res, r, 1), STR("silent"));
        a->sample[r] = broadcast_sample(a, a->b->body, templated ? a->b->template_id : NULL, a->b->template_data, &who);
    }
    a->op->begin(a);
}

static void on_count(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    struct err e;
    const PGresult *res = rows_of(a, answer);
    if (!res)
        return;
    a->reach = broadcast_store_reach(res);
    a->figures = broadcast_plan_figures(a->b, &a->reach, a->desk->settings, a->at_ms);
    struct pg_params *p = broadcast_plan_params(a, a->b, &e);
    pg_param_int8(p, a->b->free_only);
    bool templated = a->b->template_id;
    pg_param_int8(p, templated);
    pg_param_int8(p, !broadcast_text_is_plain(a->b->body) ? SAMPLES : templated ? 2 : 1);
    run(a, SQL_BROADCAST_PREVIEW, p, on_sample);
}

/* Counts, then begins `next`. */
static void rehearse(struct asking *a, const struct op *next)
{
    struct err e;
    struct pg_params *p = broadcast_plan_params(a, a->b, &e);
    if (!p) {
        failed(a, &e);
        return;
    }
    int64_t now = clock_epoch_ms();
    a->op = next;
    if (a->at_ms < now)
        a->at_ms = now;
    run(a, SQL_BROADCAST_COUNT, p, on_count);
}

/* The hour it was put off to before its text was changed; 0: none that is to come. */
static int64_t kept_at_ms(const struct broadcast *b)
{
    return b->start_at_ms > clock_epoch_ms() ? b->start_at_ms : 0;
}

static void tell_rehearsal(struct asking *a)
{
    add_figures(a);
    add_number(a, "kept_at_ms", kept_at_ms(a->b));
    cJSON_AddTrueToObject(a->result, "done");
    done(a);
}

static const struct op told = {"", tell_rehearsal};

/* ---- where it stands ---- */

static const char *state_of(const struct broadcast *b)
{
    bool over = strcmp(b->state, "done") == 0 || strcmp(b->state, "cancelled") == 0;
    return !over && b->paused_at_ms ? "paused" : b->held ? "held" : b->state;
}

static void on_sums(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    const PGresult *res = rows_of(a, answer);
    if (!res)
        return;
    struct broadcast_sums s = broadcast_store_sums(res);
    add_number(a, "frozen", s.frozen);
    add_number(a, "arrived", s.received + s.seen);
    add_number(a, "sent", s.sent);
    add_number(a, "waiting", s.waiting + s.sending);
    add_number(a, "failed", s.failed);
    add_number(a, "skipped", s.skipped);
    add_number(a, "cancelled", s.cancelled);
    add_number(a, "unknown", s.unknown);
    cJSON_AddStringToObject(a->result, "state", state_of(a->b));
    done(a);
}

static void on_read_again(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    const PGresult *res = rows_of(a, answer);
    if (!res)
        return;
    if (PQntuples(res) == 1)
        a->b = broadcast_store_row(a, res, 0);
    run(a, SQL_BROADCAST_SUMS, id_params(a), on_sums);
}

static void look(struct asking *a)
{
    run(a, SQL_BROADCAST_GET, id_params(a), on_read_again);
}

static void on_changed(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    const PGresult *res = rows_of(a, answer);
    if (!res)
        return;
    if (PQntuples(res) == 1) {
        cJSON_AddTrueToObject(a->result, "done");
        broadcaster_poke(a->desk->broadcaster);
    }
    look(a);
}

/* ---- what is asked ---- */

static void on_added(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    const PGresult *res = rows_of(a, answer);
    if (!res)
        return;
    a->b->id = pg_int8(res, 0, 0);
    rehearse(a, &told);
}

static void add(struct asking *a)
{
    run(a, SQL_BROADCAST_ADD, broadcast_store_add(a, a->b, job_user_id(a->job), id_parse(word(a, "new_id"))), on_added);
}

static void on_codes(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    const PGresult *res = rows_of(a, answer);
    if (!res)
        return;
    if (PQntuples(res) == 0) {
        add(a);
        return;
    }
    cJSON_AddStringToObject(a->result, "unknown_code", pg_text(a, res, 0, 0));
    a->b = NULL;
    done(a);
}

/* None, or more than one: the asker says it once more, with a code. */
static void tell_unit_unclear(struct asking *a, const PGresult *res)
{
    char *codes = talloc_strdup(a, "");
    for (int r = 0; r < PQntuples(res); r++)
        codes = talloc_asprintf_append(codes, "%s%s", r ? ", " : "", pg_text(a, res, r, 0));
    cJSON_AddStringToObject(a->result, PQntuples(res) ? "codes" : "unknown_code", PQntuples(res) ? codes : word(a, "unit"));
    a->b = NULL;
    done(a);
}

static void add_checked(struct asking *a)
{
    struct err e;
    if (!broadcast_plan_check(a->b, &e)) { /* the chat has looked at it before */
        failed(a, &e);
        return;
    }
    run(a, SQL_BROADCAST_UNKNOWN_CODES, broadcast_plan_codes(a, a->b), on_codes);
}

static void on_unit_named(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    const PGresult *res = rows_of(a, answer);
    if (!res)
        return;
    if (PQntuples(res) != 1) {
        tell_unit_unclear(a, res);
        return;
    }
    a->b->segment = talloc_asprintf(a, "unit %s", pg_text(a, res, 0, 0));
    add_checked(a);
}

static void create(struct asking *a)
{
    struct err e;
    if (!id_parse(word(a, "scope")) && strcmp(word(a, "scope"), "0") != 0) {
        err_set(&e, ERR_INVALID, "a broadcast without a scope is for nobody");
        failed(a, &e);
        return;
    }
    a->b = talloc_zero(a, struct broadcast);
    *a->b = (struct broadcast){.segment = word(a, "segment"), .scope_unit = id_parse(word(a, "scope")), .body = word(a, "text"), .buttons = ""};
    if (!*word(a, "unit")) {
        add_checked(a);
        return;
    }
    struct pg_params *p = pg_params_new(a);
    pg_param_text(p, unit_key(p, str_of(word(a, "unit"))));
    pg_param_int8(p, a->b->scope_unit);
    pg_param_text(p, word(a, "unit"));
    run(a, SQL_BROADCAST_UNIT_NAMED, p, on_unit_named);
}

static void retry(struct asking *a)
{
    if (strcmp(a->b->state, "done") != 0 && strcmp(a->b->state, "cancelled") != 0) {
        look(a);
        return;
    }
    a->b->parent_id = a->b->id;
    add(a);
}

/* What those are told whose yes it waits for. */
static const char *asking_mail(struct asking *a)
{
    cJSON *payload = cJSON_CreateObject();
    char number[24];
    snprintf(number, sizeof(number), "%" PRId64, a->b->id);
    cJSON_AddStringToObject(payload, "id", number);
    snprintf(number, sizeof(number), "%" PRId64, a->figures.recipients);
    cJSON_AddStringToObject(payload, "people", number);
    snprintf(number, sizeof(number), "%" PRId64, a->hold_ms / MINUTE_MS);
    cJSON_AddStringToObject(payload, "hold_min", number);
    cJSON_AddStringToObject(payload, "name", word(a, "name"));
    cJSON_AddStringToObject(payload, "sample", a->sample[0]);
    char *text = cJSON_PrintUnformatted(payload);
    const char *owned = talloc_strdup(a, text);
    cJSON_free(text);
    cJSON_Delete(payload);
    return owned;
}

static void on_started(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    const struct settings *s = a->desk->settings;
    const PGresult *res = rows_of(a, answer);
    if (!res)
        return;
    if (PQntuples(res) == 0) { /* it was started before */
        look(a);
        return;
    }
    broadcaster_poke(a->desk->broadcaster);
    cJSON_AddTrueToObject(a->result, "done");
    add_figures(a);
    int64_t begins = hours_next_open(&s->hours.broadcast, &s->hours.holidays, a->at_ms);
    add_number(a, "begins_at_ms", begins > clock_epoch_ms() ? begins : 0);
    add_number(a, "hold_min", a->hold_ms / MINUTE_MS);
    if (a->hold_ms)
        add_number(a, "asked", pg_int8(res, 0, 1));
    done(a);
}

static void start(struct asking *a)
{
    a->hold_ms = broadcast_plan_hold_ms(&a->figures, a->desk->settings);
    struct pg_unit *unit = pg_unit_new(a);
    pg_add(unit, SQL_BROADCAST_START, broadcast_plan_start(unit, a->b->id, job_user_id(a->job), a->wanted_ms, a->hold_ms,
                                                           id_parse(word(a, "new_id")), a->hold_ms ? asking_mail(a) : NULL));
    PG_FAULTS(unit, "broadcast_before_start", "broadcast_after_start");
    pg_queue_run(job_work(a->job), unit, DEADLINE_MS, on_started, a);
}

static const struct op starts = {"", start};

static void count_and_start(struct asking *a)
{
    a->wanted_ms = id_parse(word(a, "at_ms")) ? id_parse(word(a, "at_ms")) : kept_at_ms(a->b);
    a->at_ms = a->wanted_ms;
    rehearse(a, &starts);
}

static void try_it(struct asking *a)
{
    run(a, SQL_BROADCAST_TRY, broadcast_plan_try(a, a->b, job_user_id(a->job), id_parse(word(a, "new_id"))), on_changed);
}

static void confirm(struct asking *a)
{
    struct pg_params *p = id_params(a);
    pg_param_text(p, job_user_id(a->job));
    run(a, SQL_BROADCAST_CONFIRM, p, on_changed);
}

static void pause_it(struct asking *a)
{
    struct pg_params *p = id_params(a);
    pg_param_text(p, talloc_asprintf(p, "by %s", job_user_id(a->job)));
    run(a, SQL_BROADCAST_PAUSE, p, on_changed);
}

static void resume(struct asking *a)
{
    run(a, SQL_BROADCAST_RESUME, id_params(a), on_changed);
}

static void drop(struct asking *a)
{
    struct pg_params *p = id_params(a);
    pg_param_text(p, job_user_id(a->job));
    run(a, SQL_BROADCAST_CANCEL, p, on_changed);
}

/* ---- another text, or a template for those who were silent too long ---- */

static void on_changed_text(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    const PGresult *res = rows_of(a, answer);
    if (!res)
        return;
    if (PQntuples(res) == 0) { /* it has begun, or is over */
        look(a);
        return;
    }
    a->at_ms = kept_at_ms(a->b);
    rehearse(a, &told);
}

static void change(struct asking *a, const struct broadcast *b, bool template)
{
    struct err e;
    if (!broadcast_plan_check(b, &e)) { /* the chat has looked at it before */
        failed(a, &e);
        return;
    }
    struct pg_params *p = id_params(a);
    pg_param_text(p, template ? NULL : b->body);
    pg_param_int8(p, template);
    pg_param_text(p, template ? b->template_id : NULL);
    pg_param_text(p, template ? b->template_data : NULL);
    run(a, SQL_BROADCAST_CHANGE, p, on_changed_text);
}

static void change_text(struct asking *a)
{
    a->b->body = word(a, "text");
    change(a, a->b, false);
}

static void change_template(struct asking *a)
{
    a->b->template_id = *word(a, "template") ? word(a, "template") : NULL;
    a->b->template_data = a->b->template_id ? word(a, "data") : NULL;
    change(a, a->b, true);
}

static const struct op ops[] = {
    {"text", change_text}, {"template", change_template},
    {"look", look},   {"go", count_and_start}, {"try", try_it}, {"confirm", confirm}, {"pause", pause_it},
    {"resume", resume}, {"drop", drop},        {"retry", retry},
};

/* ---- beginning ---- */

static void on_found(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    const PGresult *res = rows_of(a, answer);
    if (!res)
        return;
    a->b = PQntuples(res) == 1 ? broadcast_store_row(a, res, 0) : NULL;
    if (a->b)
        a->op->begin(a);
    else
        done(a);
}

void broadcast_job(struct job *job, void *ctx)
{
    struct asking *a = talloc_zero((TALLOC_CTX *)job, struct asking);
    *a = (struct asking){.job = job, .desk = ctx, .result = cJSON_CreateObject()};
    for (size_t i = 0; i < SAMPLES; i++)
        a->sample[i] = talloc_strdup(a, "");
    const char *op = word(a, "op");
    cJSON_AddStringToObject(a->result, "op", op);
    if (strcmp(op, "create") == 0) {
        create(a);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        if (strcmp(ops[i].name, op) == 0)
            a->op = &ops[i];
    if (!a->op) {
        done(a);
        return;
    }
    struct pg_params *p = pg_params_new(a);
    pg_param_int8(p, id_parse(word(a, "id")));
    pg_param_text(p, job_user_id(job));
    run(a, SQL_BROADCAST_OF, p, on_found);
}
