/* Shortlists as a job: see shortlist_job.h. */
#include "shortlist_job.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <string.h>

#include "draft.h"
#include "export.h"
#include "jobs.h"
#include "messages.h"
#include "pg_queue.h"
#include "reading/amount.h"
#include "reading/text.h"
#include "standing_store.h"

enum { DEADLINE_MS = 30000, PAGE_ROWS = 10, PAGES_MAX = 20, TITLE_CHARS = 60, UNIT_CHARS = 50 };

struct asking {
    struct job *job;
    const struct shortlist *list;
    struct standing_wave wave;
    struct export_filter filter;
    int64_t page;
    bool ever;
};

static int64_t number_in(const struct asking *a, const char *name)
{
    return id_parse(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(job_args(a->job), name)));
}

static const char *cell(struct asking *a, const PGresult *res, int r, int col, size_t chars)
{
    return pg_null(res, r, col) ? NULL : text_short(a, pg_bytes(res, r, col), chars);
}

/* ---- one row as a line ---- */

static char *initiative_line(struct asking *a, const PGresult *res, int r)
{
    bool has_amount = !pg_null(res, r, EXPORT_CHECKED);
    const struct message_arg args[] = {
        {"i", talloc_asprintf(a, "%d", r + 1)},
        {"title", cell(a, res, r, EXPORT_TITLE, TITLE_CHARS)},
        {"code", cell(a, res, r, EXPORT_CODE, TITLE_CHARS)},
        {"amount", has_amount ? amount_digits(a, pg_int8(res, r, EXPORT_CHECKED)) : NULL},
        {"unit", cell(a, res, r, EXPORT_UNIT, UNIT_CHARS)},
    };
    return message_render(a, message_get(has_amount ? MSG_SHORTLIST_LINE : MSG_SHORTLIST_LINE_NO_AMOUNT)->text, args, ARRAY_LEN(args));
}

static char *unit_line(struct asking *a, const PGresult *res, int r)
{
    const struct message_arg args[] = {
        {"i", talloc_asprintf(a, "%" PRId64, pg_int8(res, r, EXPORT_UNITS_RANK))},
        {"unit", cell(a, res, r, EXPORT_UNITS_NAME, UNIT_CHARS)},
        {"n", amount_digits(a, pg_int8(res, r, EXPORT_UNITS_VALID))},
        {"people", amount_digits(a, pg_int8(res, r, EXPORT_UNITS_AUTHORS))},
    };
    return message_render(a, message_get(MSG_SHORTLIST_LINE_UNIT)->text, args, ARRAY_LEN(args));
}

static const struct shortlist {
    const char *name;
    bool social;
    enum sql_id sql;
    struct pg_params *(*params)(TALLOC_CTX *ctx, const struct export_filter *filter);
    char *(*line)(struct asking *a, const PGresult *res, int r);
} lists[] = {
    {"benefit", false, SQL_EXPORT_TOP, export_top_params, initiative_line},
    {"social", true, SQL_EXPORT_TOP, export_top_params, initiative_line},
    {"units", false, SQL_EXPORT_UNITS, export_units_params, unit_line},
};

/* ---- the steps ---- */

static void done(struct asking *a, const char *lines, bool more)
{
    cJSON *result = cJSON_CreateObject();
    cJSON_AddStringToObject(result, "list", a->list->name);
    cJSON_AddStringToObject(result, "page", talloc_asprintf(a, "%" PRId64, a->page));
    cJSON_AddBoolToObject(result, "ever", a->ever);
    if (a->wave.id)
        cJSON_AddStringToObject(result, "wave", a->wave.name);
    cJSON_AddStringToObject(result, "lines", lines);
    cJSON_AddBoolToObject(result, "more", more && a->page < PAGES_MAX);
    cJSON_AddBoolToObject(result, "cut", more && a->page == PAGES_MAX);
    job_done(a->job, result);
}

static void on_rows(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    if (answer->e) {
        job_failed(a->job, answer->e);
        return;
    }
    const PGresult *res = answer->result[0];
    int from = (int)(a->page - 1) * PAGE_ROWS, rows = PQntuples(res);
    char *lines = talloc_strdup(a, "");
    for (int r = from; r < rows && r < from + PAGE_ROWS; r++)
        lines = talloc_asprintf_append(lines, "%s%s", r > from ? "\n" : "", a->list->line(a, res, r));
    done(a, lines, rows > from + PAGE_ROWS);
}

static void ask_rows(struct asking *a)
{
    struct pg_unit *unit = pg_unit_new(a);
    a->filter.top = a->page * PAGE_ROWS + 1; /* one more tells whether there are more */
    a->filter.social = a->list->social;
    pg_add(unit, a->list->sql, a->list->params(unit, &a->filter));
    pg_queue_run(job_work(a->job), unit, DEADLINE_MS, on_rows, a);
}

static void on_span(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    if (answer->e) {
        job_failed(a->job, answer->e);
        return;
    }
    if (PQntuples(answer->result[0]) == 1) {
        a->filter.from_ms = pg_time_ms(answer->result[0], 0, 0);
        a->filter.before_ms = pg_time_ms(answer->result[0], 0, 1);
    }
    ask_rows(a);
}

static void on_wave(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    if (answer->e) {
        job_failed(a->job, answer->e);
        return;
    }
    if (!standing_store_wave(a, answer->result[0], &a->wave)) {
        ask_rows(a);
        return;
    }
    struct pg_unit *unit = pg_unit_new(a);
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, a->wave.code);
    pg_add(unit, SQL_WAVE_SPAN, p);
    pg_queue_run(job_work(a->job), unit, DEADLINE_MS, on_span, a);
}

/* @return false when nothing is the asker's to see. */
static bool read_within(struct asking *a)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(job_args(a->job), "within"), *item;
    size_t n = 0;
    cJSON_ArrayForEach(item, list)
    {
        const char *id = cJSON_GetStringValue(item);
        if (id && strcmp(id, "0") == 0) {
            a->filter.unit_id[0] = 0;
            return true;
        }
        if (id_parse(id) && n < EXPORT_UNITS_MAX)
            a->filter.unit_id[n++] = id_parse(id);
    }
    return n > 0;
}

void shortlist_job(struct job *job, void *ctx)
{
    (void)ctx;
    struct asking *a = talloc_zero((TALLOC_CTX *)job, struct asking);
    *a = (struct asking){.job = job, .list = &lists[0]};
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(job_args(job), "list"));
    for (size_t i = 0; name && i < ARRAY_LEN(lists); i++)
        if (strcmp(lists[i].name, name) == 0)
            a->list = &lists[i];
    a->page = number_in(a, "page");
    a->page = a->page < 1 ? 1 : a->page > PAGES_MAX ? PAGES_MAX : a->page;
    a->ever = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(job_args(job), "ever"));
    if (!read_within(a)) {
        done(a, "", false);
        return;
    }
    if (a->ever) {
        ask_rows(a);
        return;
    }
    struct pg_unit *unit = pg_unit_new(a);
    standing_store_ask_wave(unit, NULL);
    pg_queue_run(job_work(job), unit, DEADLINE_MS, on_wave, a);
}
