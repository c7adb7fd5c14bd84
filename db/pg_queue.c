/* Background work on one connection: see pg_queue.h. */
#include "pg_queue.h"

#include <event2/event.h>

#include "clock.h"

struct job {
    struct job *next;
    struct pg_queue *q;
    struct pg_unit *unit;
    int deadline_ms;
    int64_t give_up_ms;
    pg_done_fn *done;
    void *ctx;
};

struct pg_queue {
    struct pg *pg;
    struct job *first, **last;
    size_t depth;
    bool running;
    struct event *sweep; /* fails what waits too long while the connection is away */
};

static struct job *pop(struct pg_queue *q)
{
    struct job *job = q->first;
    if (job && !(q->first = job->next))
        q->last = &q->first;
    return job;
}

static void fail(struct job *job, const char *why)
{
    struct err e;
    err_set(&e, ERR_UNAVAILABLE, "%s", why);
    struct pg_answer answer = {.e = &e, .failed = -1};
    job->q->depth--;
    job->done(&answer, job->ctx);
    talloc_free(job);
}

static void on_job_done(const struct pg_answer *answer, void *arg)
{
    struct job *job = arg;
    struct pg_queue *q = job->q;
    q->running = false;
    q->depth--;
    job->done(answer, job->ctx);
    talloc_free(job);
}

static void start_next(struct pg *pg, void *arg)
{
    struct pg_queue *q = arg;
    if (!pg || q->running || !pg_idle(pg)) /* no connection: the queue is being freed, its destructor fails what is left */
        return;
    struct job *job = pop(q);
    if (!job)
        return;
    q->running = true;
    pg_run(pg, job->unit, job->deadline_ms, on_job_done, job);
}

/* The first whose patience has ended, wherever it stands: those before it may have more. */
static struct job *take_expired(struct pg_queue *q, int64_t now)
{
    struct job **at = &q->first;
    while (*at && (*at)->give_up_ms > now)
        at = &(*at)->next;
    struct job *job = *at;
    if (job && !(*at = job->next))
        q->last = at;
    return job;
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct pg_queue *q = arg;
    (void)fd;
    (void)what;
    int64_t now = clock_monotonic_ms();
    for (struct job *job; (job = take_expired(q, now));)
        fail(job, "the database connection is away");
    start_next(q->pg, q);
}

static int queue_destructor(struct pg_queue *q)
{
    event_free(q->sweep);
    TALLOC_FREE(q->pg);
    while (q->first)
        fail(pop(q), "the database connection is being closed");
    return 0;
}

struct pg_queue *pg_queue_new(TALLOC_CTX *ctx, struct event_base *base, const struct pg_options *options)
{
    struct pg_queue *q = talloc_zero(ctx, struct pg_queue);
    q->last = &q->first;
    q->pg = pg_new(q, base, options, start_next, q);
    q->sweep = event_new(base, -1, EV_PERSIST, on_sweep, q);
    struct timeval every = {0, 200000};
    event_add(q->sweep, &every);
    talloc_set_destructor(q, queue_destructor);
    return q;
}

void pg_queue_run(struct pg_queue *q, struct pg_unit *unit, int deadline_ms, pg_done_fn *done, void *ctx)
{
    struct job *job = talloc_zero(q, struct job);
    *job = (struct job){
        .q = q, .unit = talloc_steal(job, unit), .deadline_ms = deadline_ms, .give_up_ms = clock_monotonic_ms() + deadline_ms, .done = done, .ctx = ctx};
    *q->last = job;
    q->last = &job->next;
    q->depth++;
    start_next(q->pg, q);
}

size_t pg_queue_depth(const struct pg_queue *q)
{
    return q->depth;
}

struct pg *pg_queue_connection(struct pg_queue *q)
{
    return q->pg;
}
