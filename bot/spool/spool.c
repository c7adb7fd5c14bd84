/* The spool and its writer thread: see spool.h.
 *
 *   loop:    spool_add() ... ─▶ todo ─▶ thread: begin, run all, commit ─▶ done ─▶ eventfd ─▶ loop: call back
 *
 * Jobs are top-level talloc objects: one thread at a time touches one. */
#include "spool.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "settings.h"

enum {
    GROUP_MAX = 1024, /* jobs of one transaction */
    AGAIN_MS = 500,   /* removals that failed are tried again after this */
    TIDY_MS = 2000,   /* empty for so long: the disk is given back */
    STOP_S = 5,
    READ_BYTES = 8 << 20,
};

enum job_kind { JOB_ADD, JOB_REMOVE, JOB_READ };

struct job {
    struct job *next;
    enum job_kind kind;
    struct spool_row row;    /* added; or id alone: to be removed, to be read behind */
    struct spool_row *rows;  /* what was read */
    size_t count;
    bool failed;
    struct err e;
    union {
        spool_added_fn *added;
        spool_read_fn *read;
    } on;
    void *ctx;
};

struct job_list {
    struct job *first, **last;
    size_t count;
};

struct spool {
    const struct settings *settings;
    unsigned number;
    struct spool_counters counters;
    uint64_t rows, bytes;
    size_t in_flight, bytes_in_flight; /* of jobs given and not called back */
    bool well;
    int done_fd;
    struct event *done_event;
    pthread_t thread;
    bool threaded;

    struct spool_file *file; /* the thread's */
    _Atomic int64_t oldest_ms;
    pthread_mutex_t lock;    /* guards the rest */
    pthread_cond_t wake;
    struct job_list todo, done;
    bool stop;
};

static void list_empty(struct job_list *l)
{
    *l = (struct job_list){.last = &l->first};
}

static void list_add(struct job_list *l, struct job *job)
{
    job->next = NULL;
    *l->last = job;
    l->last = &job->next;
    l->count++;
}

static struct job *list_pop(struct job_list *l)
{
    struct job *job = l->first;
    if (job && !(l->first = job->next))
        l->last = &l->first;
    l->count -= job != NULL;
    return job;
}

/* ---- the thread ---- */

static void keep_row(const struct spool_row *row, void *ctx)
{
    struct job *job = ctx;
    struct spool_row *copy = &job->rows[job->count++];
    *copy = *row;
    copy->user_id = talloc_strdup(job, row->user_id);
    copy->body.p = talloc_memdup(job, row->body.p, row->body.n);
}

static bool run_job(struct spool_file *f, struct job *job, struct err *e)
{
    switch (job->kind) {
    case JOB_ADD:
        return spool_file_add(f, &job->row, &job->row.id, e);
    case JOB_REMOVE:
        return spool_file_remove(f, job->row.id, e);
    case JOB_READ:
        job->rows = talloc_array(job, struct spool_row, SPOOL_READ_ROWS);
        return spool_file_read(f, job->row.id, SPOOL_READ_ROWS, READ_BYTES, keep_row, job, e);
    }
    return false;
}

/* All or none of them. */
static bool run_group(struct spool_file *f, struct job_list *group, struct err *e)
{
    bool durable = false;
    for (const struct job *job = group->first; job; job = job->next)
        durable |= job->kind == JOB_ADD;
    bool ok = spool_file_begin(f, durable, e);
    for (struct job *job = group->first; ok && job; job = job->next)
        ok = run_job(f, job, e);
    ok = ok && spool_file_commit(f, e);
    if (!ok)
        spool_file_rollback(f);
    return ok;
}

static void absolute(struct timespec *ret, int ms)
{
    clock_gettime(CLOCK_MONOTONIC, ret);
    ret->tv_sec += ms / 1000;
    ret->tv_nsec += (long)(ms % 1000) * 1000000;
    if (ret->tv_nsec >= 1000000000) {
        ret->tv_sec++;
        ret->tv_nsec -= 1000000000;
    }
}

/* Takes what waits into `group`. @return false when it is time to end. */
static bool wait_for_work(struct spool *s, struct job_list *group, int wait_ms, bool *timed_out)
{
    struct timespec until;
    absolute(&until, wait_ms);
    *timed_out = false;
    pthread_mutex_lock(&s->lock);
    while (!s->todo.first && !s->stop && !*timed_out)
        if (wait_ms == 0)
            pthread_cond_wait(&s->wake, &s->lock);
        else
            *timed_out = pthread_cond_timedwait(&s->wake, &s->lock, &until) != 0;
    bool more = s->todo.first || !s->stop;
    while (s->todo.first && group->count < GROUP_MAX)
        list_add(group, list_pop(&s->todo));
    pthread_mutex_unlock(&s->lock);
    return more;
}

static void hand_back(struct spool *s, struct job_list *group, bool ok, const struct err *e, struct job_list *again)
{
    pthread_mutex_lock(&s->lock);
    for (struct job *job; (job = list_pop(group));) {
        job->failed = !ok;
        if (!ok) {
            job->e = *e;
            job->count = 0;
        }
        if (!ok && job->kind == JOB_REMOVE && !s->stop)
            list_add(again, job);
        else
            list_add(&s->done, job);
    }
    pthread_mutex_unlock(&s->lock);
    eventfd_write(s->done_fd, 1);
}

static void *writer(void *arg)
{
    struct spool *s = arg;
    struct job_list group, again;
    list_empty(&group);
    list_empty(&again);
    bool tidied = false, timed_out;
    int wait_ms = 0;
    while (wait_for_work(s, &group, wait_ms, &timed_out)) {
        struct err e = {0};
        if (!again.first && !group.first) {
            if (timed_out && !tidied) {
                spool_file_tidy(s->file);
                tidied = true;
            }
            wait_ms = 0;
            continue;
        }
        while (again.first)
            list_add(&group, list_pop(&again));
        bool ok = run_group(s->file, &group, &e);
        int64_t oldest = spool_file_oldest_ms(s->file);
        atomic_store(&s->oldest_ms, oldest);
        hand_back(s, &group, ok, &e, &again);
        tidied = tidied && oldest == 0;
        wait_ms = again.first ? AGAIN_MS : oldest == 0 ? TIDY_MS : 0;
    }
    while (again.first)
        talloc_free(list_pop(&again));
    return NULL;
}

/* ---- the loop's side ---- */

static void forget_row(struct spool *s, struct str body)
{
    s->rows--;
    s->bytes -= spool_row_cost(body);
}

static void job_done(struct spool *s, struct job *job)
{
    s->in_flight--;
    switch (job->kind) {
    case JOB_ADD:
        s->bytes_in_flight -= job->row.body.n;
        s->well = !job->failed;
        if (job->failed) {
            s->counters.refused++;
            forget_row(s, job->row.body);
        } else {
            s->counters.added++;
        }
        job->on.added(job->failed ? 0 : job->row.id, job->failed ? &job->e : NULL, job->ctx);
        break;
    case JOB_READ:
        job->on.read(job->rows, job->count, job->failed ? &job->e : NULL, job->ctx);
        break;
    case JOB_REMOVE:
        s->counters.removed++;
        break;
    }
    talloc_free(job);
}

static void on_done(evutil_socket_t fd, short what, void *arg)
{
    struct spool *s = arg;
    struct job_list done;
    eventfd_t n;
    (void)what;
    eventfd_read(fd, &n);
    list_empty(&done);
    pthread_mutex_lock(&s->lock);
    while (s->done.first)
        list_add(&done, list_pop(&s->done));
    pthread_mutex_unlock(&s->lock);
    for (struct job *job; (job = list_pop(&done));)
        job_done(s, job);
}

static void give(struct spool *s, struct job *job)
{
    s->in_flight++;
    pthread_mutex_lock(&s->lock);
    list_add(&s->todo, job);
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

bool spool_has_room(const struct spool *s, struct str body)
{
    return s->in_flight < SPOOL_JOBS_MAX && s->bytes_in_flight < SPOOL_JOBS_BYTES_MAX &&
           s->bytes + spool_row_cost(body) <= (uint64_t)s->settings->spool.max_mb << 20;
}

bool spool_add(struct spool *s, const struct spool_row *row, spool_added_fn *on_added, void *ctx)
{
    if (!spool_has_room(s, row->body)) {
        s->counters.refused++;
        return false;
    }
    struct job *job = talloc_zero(NULL, struct job);
    *job = (struct job){.kind = JOB_ADD, .row = *row, .on.added = on_added, .ctx = ctx};
    job->row.user_id = talloc_strdup(job, row->user_id);
    job->row.body.p = talloc_memdup(job, row->body.p, row->body.n);
    job->row.at_ms = clock_epoch_ms();
    if (!spool_row_sign(&job->row)) {
        s->counters.refused++;
        talloc_free(job);
        return false;
    }
    s->rows++;
    s->bytes += spool_row_cost(row->body);
    s->bytes_in_flight += row->body.n;
    give(s, job);
    return true;
}

void spool_remove(struct spool *s, int64_t id, struct str body)
{
    struct job *job = talloc_zero(NULL, struct job);
    *job = (struct job){.kind = JOB_REMOVE, .row.id = id};
    forget_row(s, body);
    give(s, job);
}

void spool_read(struct spool *s, int64_t after, spool_read_fn *on_read, void *ctx)
{
    struct job *job = talloc_zero(NULL, struct job);
    *job = (struct job){.kind = JOB_READ, .row.id = after, .on.read = on_read, .ctx = ctx};
    give(s, job);
}

/* ---- start and end ---- */

struct count {
    struct spool *s;
    spool_row_fn *on_row;
    void *ctx;
    int64_t oldest_ms;
};

static void count_row(const struct spool_row *row, void *ctx)
{
    struct count *c = ctx;
    c->s->rows++;
    c->s->bytes += spool_row_cost(row->body);
    if (!c->oldest_ms)
        c->oldest_ms = row->at_ms;
    c->on_row(row, c->ctx);
}

static int spool_destructor(struct spool *s)
{
    if (s->threaded) {
        struct timespec until;
        pthread_mutex_lock(&s->lock);
        s->stop = true;
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->lock);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += STOP_S;
        if (pthread_timedjoin_np(s->thread, NULL, &until) != 0) {
            log_error("the disk of the spool does not answer: ending all the same");
            _exit(EXIT_FAILURE); /* the thread still uses what would be freed; what was acknowledged is on disk */
        }
    }
    for (struct job *job; (job = list_pop(&s->todo)) || (job = list_pop(&s->done));)
        talloc_free(job);
    if (s->done_event)
        event_free(s->done_event);
    if (s->done_fd >= 0)
        close(s->done_fd);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    return 0;
}

/* Signals are for the loop's thread. */
static bool start_thread(struct spool *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    s->threaded = pthread_create(&s->thread, NULL, writer, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s->threaded;
}

struct spool *spool_new(TALLOC_CTX *ctx, struct event_base *base, const struct settings *settings, spool_row_fn *on_row, void *row_ctx,
                        struct err *e)
{
    struct spool *s = talloc_zero(ctx, struct spool);
    *s = (struct spool){.settings = settings, .well = true, .done_fd = -1};
    list_empty(&s->todo);
    list_empty(&s->done);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&s->lock, NULL);
    talloc_set_destructor(s, spool_destructor);
    struct count count = {.s = s, .on_row = on_row, .ctx = row_ctx};
    struct spool_opened opened;
    s->file = spool_file_open(s, settings->spool.path, count_row, &count, &opened, e);
    if (!s->file) {
        talloc_free(s);
        return NULL;
    }
    s->number = opened.number;
    s->counters.torn = opened.torn;
    s->oldest_ms = count.oldest_ms;
    if (opened.adopted)
        log_info("%llu events of the spools of processes that are gone were taken over", (unsigned long long)opened.adopted);
    s->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->done_event = s->done_fd >= 0 ? event_new(base, s->done_fd, EV_READ | EV_PERSIST, on_done, s) : NULL;
    if (!s->done_event || event_add(s->done_event, NULL) != 0 || !start_thread(s)) {
        talloc_free(s);
        err_set(e, ERR_SYSTEM, "spool: no thread or descriptor to be had");
        return NULL;
    }
    return s;
}

unsigned spool_number(const struct spool *s)
{
    return s->number;
}

uint64_t spool_rows(const struct spool *s)
{
    return s->rows;
}

uint64_t spool_bytes(const struct spool *s)
{
    return s->bytes;
}

int64_t spool_oldest_age_ms(const struct spool *s)
{
    int64_t oldest = atomic_load(&s->oldest_ms), age = clock_epoch_ms() - oldest;
    return oldest && age > 0 ? age : 0;
}

bool spool_well(const struct spool *s)
{
    return s->well;
}

const struct spool_counters *spool_counters(const struct spool *s)
{
    return &s->counters;
}
