/* Campaigns, waves and targets from the chat: see campaign_job.h. */
#include "campaign_job.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "draft.h"
#include "jobs.h"
#include "pg_queue.h"
#include "standing_store.h"
#include "wave_rules.h"

enum { DEADLINE_MS = 10000 };

/* Columns of campaign_rights. */
enum { MAY_WAVES, MAY_TARGET, UNIT_CODE, UNIT_NAME, TARGET };

struct asking {
    struct job *job;
    cJSON *result;
};

static const char *word(const struct asking *a, const char *name)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(job_args(a->job), name));
    return s ? s : "";
}

static int64_t number(const struct asking *a, const char *name)
{
    return id_parse(word(a, name));
}

static void refuse(struct asking *a, const char *why)
{
    cJSON_AddStringToObject(a->result, "refused", why);
    job_done(a->job, a->result);
}

static void fail(struct asking *a, const struct err *e)
{
    cJSON_Delete(a->result);
    job_failed(a->job, e);
}

static void add_wave(struct asking *a, const struct wave_row *w)
{
    cJSON_AddStringToObject(a->result, "wave_name", w->name);
    cJSON_AddStringToObject(a->result, "campaign", w->campaign_name);
    cJSON_AddStringToObject(a->result, "from", w->starts_on);
    cJSON_AddStringToObject(a->result, "to", w->ends_on);
}

static void on_written(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    if (answer->e) { /* also when somebody else's wave of those days came first: tried again, it is refused with the reason */
        fail(a, answer->e);
        return;
    }
    cJSON_AddTrueToObject(a->result, "done");
    job_done(a->job, a->result);
}

static void set_target(struct asking *a, const struct wave_row *waves, const PGresult *rights)
{
    const struct wave_row *w = waves;
    while (w && w->id != number(a, "wave"))
        w = w->next;
    if (!w || pg_null(rights, 0, UNIT_CODE) || number(a, "n") > TARGET_MOST) {
        refuse(a, "gone");
        return;
    }
    if (!pg_bool(rights, 0, MAY_TARGET)) {
        refuse(a, "rights");
        return;
    }
    add_wave(a, w);
    cJSON_AddStringToObject(a->result, "n", word(a, "n"));
    cJSON_AddStringToObject(a->result, "unit_name", pg_text(a, rights, 0, UNIT_NAME));
    if (!pg_null(rights, 0, TARGET))
        cJSON_AddStringToObject(a->result, "old", talloc_asprintf(a, "%" PRId64, pg_int8(rights, 0, TARGET)));
    if (w->frozen) {
        refuse(a, wave_fault_name(WAVE_FROZEN));
        return;
    }
    struct pg_unit *unit = pg_unit_new(a);
    standing_store_put_target(unit, w->code, pg_text(unit, rights, 0, UNIT_CODE), number(a, "n"));
    pg_queue_run(job_work(a->job), unit, DEADLINE_MS, on_written, a);
}

static const struct wave_row *wave_coded(const struct wave_row *waves, const char *code)
{
    while (waves && strcmp(waves->code, code) != 0)
        waves = waves->next;
    return waves;
}

/* The campaign's code and the first number that is free behind it. */
static const char *free_code(struct asking *a, const struct wave_row *waves, const char *campaign)
{
    for (int n = 1;; n++) {
        const char *code = talloc_asprintf(a, "%.*s-%d", CAMPAIGN_CODE_BYTES_MAX - 8, campaign, n);
        if (!wave_coded(waves, code))
            return code;
    }
}

/* The wave as it is to be: one that is there with its new name and days, or a new one of the campaign that was planned last. */
static bool wave_wanted(struct asking *a, const struct wave_row *waves, struct wave_row *ret)
{
    int64_t id = number(a, "wave"), new_id = number(a, "new_id");
    const struct wave_row *of = NULL;
    for (const struct wave_row *w = waves; w; w = w->next)
        if (id ? w->id == id : !of || of->id != new_id) /* done twice, the new one is there already */
            of = w;
    if (!of)
        return false;
    *ret = *of;
    if (!id && of->id != new_id) {
        ret->id = new_id;
        ret->frozen = false;
        ret->code = free_code(a, waves, of->campaign);
    }
    ret->name = *word(a, "name") || !id ? word(a, "name") : of->name;
    ret->starts_on = word(a, "from");
    ret->ends_on = word(a, "to");
    return true;
}

static void set_wave(struct asking *a, const struct wave_row *waves, const PGresult *rights)
{
    struct wave_row wave;
    const struct wave_row *other = NULL;
    if (!pg_bool(rights, 0, MAY_WAVES)) {
        refuse(a, "rights");
        return;
    }
    if (!wave_wanted(a, waves, &wave)) {
        refuse(a, "gone");
        return;
    }
    enum wave_fault fault = wave_check(&wave, waves, &other);
    add_wave(a, &wave);
    if (other) {
        cJSON_AddStringToObject(a->result, "other", other->name);
        cJSON_AddStringToObject(a->result, "other_from", other->starts_on);
        cJSON_AddStringToObject(a->result, "other_to", other->ends_on);
    }
    if (fault) {
        refuse(a, wave_fault_name(fault));
        return;
    }
    struct pg_unit *unit = pg_unit_new(a);
    standing_store_put_wave(unit, &wave);
    pg_queue_run(job_work(a->job), unit, DEADLINE_MS, on_written, a);
}

static void on_campaign_written(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    struct err e;
    if (!answer->e && !pg_committed(answer)) {
        err_set(&e, ERR_UNAVAILABLE, "the campaign was not committed");
        fail(a, &e);
        return;
    }
    on_written(answer, arg);
}

/* With its first wave.  Its code is made of its id: one that is in no wave yet, from a file, could have any other. */
static void add_campaign(struct asking *a, const struct wave_row *waves, const PGresult *rights)
{
    const char *name = word(a, "campaign"), *code = talloc_asprintf(a, "CD%" PRId64, number(a, "new_id"));
    const struct wave_row wave = {.id = number(a, "new_id"), .code = talloc_asprintf(a, "%s-1", code), .name = word(a, "name"), .campaign = code,
                                  .campaign_name = name, .starts_on = word(a, "from"), .ends_on = word(a, "to")};
    if (!pg_bool(rights, 0, MAY_WAVES)) {
        refuse(a, "rights");
        return;
    }
    if (!wave.id || !campaign_name_ok(name)) {
        refuse(a, "gone");
        return;
    }
    add_wave(a, &wave);
    for (const struct wave_row *w = waves; w; w = w->next)
        if (strcmp(w->campaign_name, name) == 0 && strcmp(w->campaign, code) != 0) { /* its own: this is done a second time */
            refuse(a, "campaign_there");
            return;
        }
    enum wave_fault fault = wave_check(&wave, waves, NULL);
    if (fault) {
        refuse(a, wave_fault_name(fault));
        return;
    }
    struct pg_unit *unit = pg_unit_new(a);
    pg_add_control(unit, "BEGIN");
    standing_store_put_campaign(unit, wave.id, code, name);
    standing_store_put_wave(unit, &wave);
    pg_add_control(unit, "COMMIT");
    pg_queue_run(job_work(a->job), unit, DEADLINE_MS, on_campaign_written, a);
}

static void on_looked(const struct pg_answer *answer, void *arg)
{
    struct asking *a = arg;
    if (answer->e) {
        fail(a, answer->e);
        return;
    }
    const struct wave_row *waves = standing_store_waves_of(a, answer->result[0], job_user_id(a->job));
    if (strcmp(word(a, "op"), "wave") == 0)
        set_wave(a, waves, answer->result[1]);
    else if (strcmp(word(a, "op"), "campaign") == 0)
        add_campaign(a, waves, answer->result[1]);
    else
        set_target(a, waves, answer->result[1]);
}

void campaign_job(struct job *job, void *ctx)
{
    (void)ctx;
    struct asking *a = talloc_zero((TALLOC_CTX *)job, struct asking);
    *a = (struct asking){.job = job, .result = cJSON_CreateObject()};
    cJSON_AddStringToObject(a->result, "op", word(a, "op"));
    struct pg_unit *unit = pg_unit_new(a);
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, job_user_id(job));
    pg_param_int8(p, number(a, "unit"));
    pg_param_int8(p, number(a, "wave"));
    standing_store_ask_waves(unit, job_user_id(job));
    pg_add(unit, SQL_CAMPAIGN_RIGHTS, p);
    pg_queue_run(job_work(job), unit, DEADLINE_MS, on_looked, a);
}
