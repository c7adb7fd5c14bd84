/* Work behind the turns: see jobs.h.
 *
 *   idle -> taking -> working -> ending -> taking ...
 *     ^        | (nothing due)      | (after a failure of the database: the lease runs out)
 *     +--------+--------------------+ */
#include "jobs.h"

#include <cjson/cJSON.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "ids.h"
#include "job_store.h"
#include "log.h"
#include "pg_queue.h"
#include "scoped.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum {
    TRIES_MAX = 5,
    LOOK_MS = 1000,
    LEASE_MS = 30000,
    EXTEND_MS = 10000,
    WORK_MAX_MS = 15 * 60 * 1000, /* a job that takes longer loses its lease */
    PAUSE_MS = 1000,              /* after the first failure; doubles */
    DEADLINE_MS = 5000,
};

struct kind {
    const char *name;
    void (*run)(struct job *job, void *ctx);
    void *ctx;
};

struct job {
    struct jobs *jobs;
    struct job_row row;
    cJSON *args;
    int64_t worked_ms; /* as far as the lease was extended */
    bool ended;
};

struct jobs {
    struct jobs_options options;
    struct kind kind[JOB_KINDS_MAX];
    size_t kinds;
    struct job *in_hand;
    bool busy;  /* taking, working or ending */
    bool poked; /* meanwhile: there may be more */
    struct event *timer, *extend_timer;
    struct jobs_counters counters;
    struct log_gate gate;
};

static void arm(struct event *timer, int ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(timer, &tv);
}

static void note_failure(struct jobs *j, const char *what, const struct err *e)
{
    if (log_pass(&j->gate, 30000))
        log_warn("%s: %s; later again", what, e->msg);
}

/* ---- the end of a job ---- */

static void rest(struct jobs *j, int next_look_ms)
{
    event_del(j->extend_timer);
    TALLOC_FREE(j->in_hand);
    j->busy = false;
    arm(j->timer, j->poked ? 0 : next_look_ms);
    j->poked = false;
}

static void on_ended(const struct pg_answer *answer, void *arg)
{
    struct jobs *j = arg;
    if (answer->e) {
        note_failure(j, "the end of a job cannot be written, its lease runs out", answer->e);
        rest(j, LOOK_MS);
        return;
    }
    if (strcmp(PQcmdTuples(answer->result[0]), "1") == 0)
        j->options.on_mail(j->options.ctx);
    rest(j, 0);
}

static void on_put_off(const struct pg_answer *answer, void *arg)
{
    struct jobs *j = arg;
    if (answer->e)
        note_failure(j, "a failed job waits for the end of its lease", answer->e);
    rest(j, 0);
}

/* {"job": kind, NAME: value}. @param value  taken over. */
static char *payload(const struct job *job, const char *name, cJSON *value)
{
    SCOPED(json) cJSON *root = cJSON_CreateObject();
    if (!root || !value || !cJSON_AddItemToObject(root, name, value)) {
        cJSON_Delete(value);
        return NULL;
    }
    if (!cJSON_AddStringToObject(root, "job", job->row.kind))
        return NULL;
    if (strcmp(name, "failed") == 0 && cJSON_IsObject(job->args) && !cJSON_AddItemToObject(root, "args", cJSON_Duplicate(job->args, true)))
        return NULL;
    return cJSON_PrintUnformatted(root);
}

static void end(struct job *job, const char *json)
{
    struct jobs *j = job->jobs;
    struct pg_unit *unit = pg_unit_new(j);
    job_store_end(unit, &job->row, ids_next(j->options.ids), json);
    pg_queue_run(j->options.background, unit, DEADLINE_MS, on_ended, j);
}

static void give_up(struct job *job, const char *why)
{
    struct jobs *j = job->jobs;
    SCOPED(json_text) char *json = payload(job, "failed", cJSON_CreateTrue());
    job->ended = true;
    j->counters.given_up++;
    log_error("job %s of %s is given up after %d tries: %s", job->row.kind, log_person(job->row.user_id), (int)job->row.attempt, why);
    if (json)
        end(job, json);
    else
        rest(j, LOOK_MS);
}

void job_failed(struct job *job, const struct err *e)
{
    struct jobs *j = job->jobs;
    bool hopeless = e->kind == ERR_INVALID && !e->sqlstate[0];
    if (job->ended)
        abort();
    if (hopeless || job->row.attempt >= TRIES_MAX) {
        give_up(job, e->msg);
        return;
    }
    job->ended = true;
    j->counters.retried++;
    note_failure(j, job->row.kind, e);
    struct pg_unit *unit = pg_unit_new(j);
    job_store_again(unit, &job->row, e->msg, (int64_t)PAUSE_MS << (job->row.attempt - 1));
    pg_queue_run(j->options.background, unit, DEADLINE_MS, on_put_off, j);
}

void job_done(struct job *job, cJSON *result)
{
    if (job->ended)
        abort();
    struct err e;
    SCOPED(json_text) char *json = payload(job, "result", result);
    if (!json || strlen(json) > JOB_RESULT_BYTES_MAX) {
        err_set(&e, json ? ERR_INVALID : ERR_NOMEM, json ? "a result of %zu bytes is longer than a mail may be" : "out of memory for a result",
                json ? strlen(json) : 0);
        job_failed(job, &e);
        return;
    }
    job->ended = true;
    job->jobs->counters.done++;
    end(job, json);
}

/* ---- the beginning ---- */

static int job_free(struct job *job)
{
    cJSON_Delete(job->args);
    return 0;
}

static void start(struct job *job)
{
    struct jobs *j = job->jobs;
    const struct kind *kind = j->kind;
    while (strcmp(kind->name, job->row.kind) != 0) /* only those are taken */
        kind++;
    arm(j->extend_timer, EXTEND_MS);
    kind->run(job, kind->ctx);
}

static void on_taken(const struct pg_answer *answer, void *arg)
{
    struct jobs *j = arg;
    if (answer->e) {
        note_failure(j, "cannot look for jobs", answer->e);
        rest(j, LOOK_MS);
        return;
    }
    struct job *job = j->in_hand = talloc_zero(j, struct job);
    job->jobs = j;
    talloc_set_destructor(job, job_free);
    if (!job_store_taken(job, answer->result[0], &job->row)) {
        rest(j, LOOK_MS);
        return;
    }
    j->counters.lag_ms = job->row.waited_ms;
    job->args = cJSON_Parse(job->row.args);
    if (job->row.attempt > TRIES_MAX) /* each time its process died, or could not write the end */
        give_up(job, "it ended without a result each time");
    else if (!cJSON_IsObject(job->args))
        give_up(job, "its arguments are no object");
    else
        start(job);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct jobs *j = arg;
    (void)fd;
    (void)what;
    if (j->busy || j->kinds == 0)
        return;
    const char *names[JOB_KINDS_MAX];
    for (size_t i = 0; i < j->kinds; i++)
        names[i] = j->kind[i].name;
    j->busy = true;
    struct pg_unit *unit = pg_unit_new(j);
    job_store_take(unit, j->options.process, names, j->kinds, LEASE_MS);
    pg_queue_run(j->options.background, unit, DEADLINE_MS, on_taken, j);
}

static void on_extended(const struct pg_answer *answer, void *arg)
{
    if (answer->e)
        note_failure(arg, "the lease of a job was not extended", answer->e);
}

static void on_extend_timer(evutil_socket_t fd, short what, void *arg)
{
    struct jobs *j = arg;
    struct job *job = j->in_hand;
    (void)fd;
    (void)what;
    if (!job || job->ended || (job->worked_ms += EXTEND_MS) > WORK_MAX_MS)
        return;
    struct pg_unit *unit = pg_unit_new(j);
    job_store_extend(unit, &job->row, LEASE_MS);
    pg_queue_run(j->options.background, unit, DEADLINE_MS, on_extended, j);
    arm(j->extend_timer, EXTEND_MS);
}

static int jobs_end(struct jobs *j)
{
    event_free(j->timer);
    event_free(j->extend_timer);
    return 0;
}

struct jobs *jobs_new(TALLOC_CTX *ctx, const struct jobs_options *options)
{
    struct jobs *j = talloc_zero(ctx, struct jobs);
    j->options = *options;
    j->timer = event_new(options->base, -1, 0, on_timer, j);
    j->extend_timer = event_new(options->base, -1, 0, on_extend_timer, j);
    talloc_set_destructor(j, jobs_end);
    arm(j->timer, 0);
    return j;
}

void jobs_register(struct jobs *j, const char *kind, void (*run)(struct job *job, void *ctx), void *ctx)
{
    if (j->kinds == JOB_KINDS_MAX)
        abort();
    j->kind[j->kinds++] = (struct kind){.name = kind, .run = run, .ctx = ctx};
}

void jobs_poke(struct jobs *j)
{
    j->poked = j->busy;
    if (!j->busy)
        arm(j->timer, 0);
}

const char *job_user_id(const struct job *job)
{
    return job->row.user_id;
}

const cJSON *job_args(const struct job *job)
{
    return job->args;
}

struct pg_queue *job_work(const struct job *job)
{
    return job->jobs->options.work;
}

const struct jobs_counters *jobs_counters(const struct jobs *j)
{
    return &j->counters;
}
