/* "Tình hình" as a job: see standing_job.h. */
#include "standing_job.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "draft.h"
#include "jobs.h"
#include "pg_queue.h"
#include "standing_figures.h"
#include "standing_store.h"

enum { DEADLINE_MS = 10000, LINES_MAX = 20, LIST_UNITS_MAX = 1500 };

struct asking {
    struct job *job;
    struct standing_wave wave;
    const char *what;
    int64_t unit_id;
};

static const char *word(const struct asking *a, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(job_args(a->job), name));
}

/* A long list ends with how many are not shown. */
static char *lines_of(struct asking *a, const PGresult *res, int from)
{
    char *lines = talloc_strdup(a, "");
    struct standing_row row = {0};
    int shown = 0;
    for (int r = from; r < PQntuples(res); r++) {
        const struct standing_row before = row;
        standing_store_row(a, res, r, &row);
        const char *line = standing_line(a, &a->wave, r > from ? &before : NULL, &row);
        if (shown == LINES_MAX || strlen(lines) + strlen(line) > LIST_UNITS_MAX) {
            const struct message_arg more[] = {{"n", talloc_asprintf(a, "%d", PQntuples(res) - r)}};
            line = message_render(a, message_get(MSG_STANDING_MORE)->text, more, ARRAY_LEN(more));
            return talloc_asprintf_append(lines, "%s%s", shown ? "\n" : "", line);
        }
        lines = talloc_asprintf_append(lines, "%s%s", shown++ ? "\n" : "", line);
    }
    return lines;
}

static cJSON *result_of(struct asking *a, const PGresult *res)
{
    struct standing_row top = {0};
    struct message_arg args[STANDING_ARGS_MAX];
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "what", a->what);
    if (PQntuples(res) > 0)
        standing_store_row(a, res, 0, &top);
    if (PQntuples(res) == 0 || (a->unit_id && top.unit_id != a->unit_id)) { /* it is not the asker's: what is below it may be */
        cJSON_AddTrueToObject(root, "nothing");
        return root;
    }
    size_t n = standing_args(a, &a->wave, &top, args);
    cJSON *named = cJSON_AddObjectToObject(root, "args");
    for (size_t i = 0; i < n; i++)
        cJSON_AddStringToObject(named, args[i].name, args[i].value ? args[i].value : "");
    cJSON_AddStringToObject(root, "unit", talloc_asprintf(a, "%" PRId64, top.unit_id));
    cJSON_AddStringToObject(root, "lines", lines_of(a, res, 1));
    cJSON_AddBoolToObject(root, "ended", a->wave.id != 0 && a->wave.ended);
    return root;
}

static void on_rows(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    if (answer->e)
        job_failed(a->job, answer->e);
    else
        job_done(a->job, result_of(a, answer->result[0]));
}

static struct pg_array *within_of(const struct asking *a, struct pg_unit *unit)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(job_args(a->job), "within"), *item;
    struct pg_array *ids = pg_array_new(unit, PG_INT8);
    cJSON_ArrayForEach(item, list)
    {
        const char *id = cJSON_GetStringValue(item);
        bool everywhere = id && strcmp(id, "0") == 0;
        pg_array_int8(ids, everywhere ? 0 : id_parse(id) ? id_parse(id) : -1);
    }
    return ids;
}

static void on_wave(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    if (answer->e) {
        job_failed(a->job, answer->e);
        return;
    }
    standing_store_wave(a, answer->result[0], &a->wave);
    struct pg_unit *unit = pg_unit_new(a);
    standing_store_ask_rows(unit, a->wave.id, a->wave.frozen_at_ms != 0, a->unit_id, strcmp(a->what, "below") == 0, within_of(a, unit));
    pg_queue_run(job_work(a->job), unit, DEADLINE_MS, on_rows, a);
}

void standing_job(struct job *job, void *ctx)
{
    (void)ctx;
    struct asking *a = talloc_zero((TALLOC_CTX *)job, struct asking);
    a->job = job;
    a->what = word(a, "what") ? word(a, "what") : "daily";
    a->unit_id = word(a, "unit") ? id_parse(word(a, "unit")) : 0;
    struct pg_unit *unit = pg_unit_new(a);
    standing_store_ask_wave(unit, word(a, "wave"));
    pg_queue_run(job_work(job), unit, DEADLINE_MS, on_wave, a);
}
