/* What is too slow for a turn (standing, exports, the count of a broadcast), done behind it, one after the other.
 *
 *   job_wish of a turn -> row of job, in the turn's transaction -> taken here under a lease -> its kind's function
 *   -> the row goes and mail "job_done" comes, in one transaction -> a turn of the person who asked says the result
 *
 * The payload of the mail is {"job": kind, "result": {...}}, or {"job": kind, "failed": true, "args": {...}} when it was tried
 * TRIES_MAX times in vain.  A process that dies leaves a lease that runs out: another one takes the job, so what a job does it must be able to
 * do twice.  Jobs have a connection of their own; nobody's turn and no reply waits for them. */
#ifndef SANGKIEN_BOT_JOBS_H
#define SANGKIEN_BOT_JOBS_H

#include <stdint.h>
#include <talloc.h>

#include "err.h"

struct cJSON;
struct event_base;
struct ids;
struct job;
struct jobs;
struct pg_queue;

enum { JOB_KINDS_MAX = 16, JOB_RESULT_BYTES_MAX = 64 * 1024 };

struct jobs_options {
    struct event_base *base;
    const char *process;         /* name in leases */
    struct pg_queue *background; /* takes and ends jobs; borrowed */
    struct pg_queue *work;       /* for the jobs themselves; borrowed, ends before the jobs */
    struct ids *ids;
    void (*on_mail)(void *ctx);  /* mail was posted that is due now */
    void *ctx;
};

struct jobs *jobs_new(TALLOC_CTX *ctx, const struct jobs_options *options);

/**
 * What does jobs of that kind.  It may return before the job is done; the job, a talloc context, lives until exactly one of
 * job_done() and job_failed() is called, from there or later.
 * @param kind  borrowed for good.
 */
void jobs_register(struct jobs *j, const char *kind, void (*run)(struct job *job, void *ctx), void *ctx);

/** A turn that wished for a job is committed. */
void jobs_poke(struct jobs *j);

/** Who asked. */
const char *job_user_id(const struct job *job);

/** What was asked, an object; owned by the job. */
const struct cJSON *job_args(const struct job *job);

/** The connection for its statements. */
struct pg_queue *job_work(const struct job *job);

/** Ends the job. @param result  an object, taken over; NULL (no memory) counts as a failure. */
void job_done(struct job *job, struct cJSON *result);

/** It is tried again after a pause, or given up: at once when the error says that a repeat will not help (ERR_INVALID without
 *  an SQLSTATE), else after TRIES_MAX tries. */
void job_failed(struct job *job, const struct err *e);

struct jobs_counters {
    uint64_t done, retried, given_up;
    int64_t lag_ms; /* how long the job taken last had been due */
};
const struct jobs_counters *jobs_counters(const struct jobs *j);

#endif
