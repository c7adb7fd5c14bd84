/* Work behind a turn: see job_store.h. */
#include "job_store.h"

void job_store_add(struct save *s, const char *user_id, int64_t id, const char *kind, const char *args)
{
    save_row(s, SQL_JOB_ADD, "titt", user_id, id, kind, args);
}

void job_store_take(struct pg_unit *unit, const char *process, const char *const *kinds, size_t count, int lease_ms)
{
    struct pg_params *p = pg_params_new(unit);
    struct pg_array *known = pg_array_new(p, PG_TEXT);
    for (size_t i = 0; i < count; i++)
        pg_array_text(known, kinds[i]);
    pg_param_text(p, process);
    pg_param_array(p, known);
    pg_param_int8(p, lease_ms);
    pg_add(unit, SQL_JOB_TAKE, p);
}

bool job_store_taken(TALLOC_CTX *ctx, const PGresult *res, struct job_row *ret)
{
    if (PQntuples(res) == 0)
        return false;
    *ret = (struct job_row){
        .user_id = pg_text(ctx, res, 0, 0),
        .id = pg_int8(res, 0, 1),
        .kind = pg_text(ctx, res, 0, 2),
        .args = pg_text(ctx, res, 0, 3),
        .attempt = pg_int8(res, 0, 4),
        .waited_ms = pg_int8(res, 0, 5),
    };
    return true;
}

static struct pg_params *of(struct pg_unit *unit, const struct job_row *job)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, job->user_id);
    pg_param_int8(p, job->id);
    pg_param_int8(p, job->attempt);
    return p;
}

void job_store_extend(struct pg_unit *unit, const struct job_row *job, int lease_ms)
{
    struct pg_params *p = of(unit, job);
    pg_param_int8(p, lease_ms);
    pg_add(unit, SQL_JOB_EXTEND, p);
}

void job_store_again(struct pg_unit *unit, const struct job_row *job, const char *why, int64_t pause_ms)
{
    struct pg_params *p = of(unit, job);
    pg_param_text(p, why);
    pg_param_int8(p, pause_ms);
    pg_add(unit, SQL_JOB_AGAIN, p);
}

void job_store_end(struct pg_unit *unit, const struct job_row *job, int64_t mail_id, const char *payload)
{
    struct pg_params *p = of(unit, job);
    pg_param_int8(p, mail_id);
    pg_param_text(p, payload);
    pg_add(unit, SQL_JOB_END, p);
}
