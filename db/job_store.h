/* Work behind a turn (table job): what bot/jobs.c takes, keeps and ends. */
#ifndef SANGKIEN_DB_JOB_STORE_H
#define SANGKIEN_DB_JOB_STORE_H

#include "pg.h"
#include "save.h"

/** In the turn's transaction. @param args  a JSON object. */
void job_store_add(struct save *s, const char *user_id, int64_t id, const char *kind, const char *args);

struct job_row {
    const char *user_id;
    int64_t id;
    const char *kind, *args;
    int64_t attempt;   /* 1: the first; the key to end it */
    int64_t waited_ms; /* since it was due */
};

/** Takes the job that has been due longest. @param kinds  those that this process knows. */
void job_store_take(struct pg_unit *unit, const char *process, const char *const *kinds, size_t count, int lease_ms);

/** @return false when none was due; strings are owned by ctx. */
bool job_store_taken(TALLOC_CTX *ctx, const PGresult *res, struct job_row *ret);

void job_store_extend(struct pg_unit *unit, const struct job_row *job, int lease_ms);

/** Failed: to be tried again after a pause. */
void job_store_again(struct pg_unit *unit, const struct job_row *job, const char *why, int64_t pause_ms);

/** Ended: the row goes, the mail "job_done" comes. */
void job_store_end(struct pg_unit *unit, const struct job_row *job, int64_t mail_id, const char *payload);

#endif
