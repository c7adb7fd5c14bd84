/* Look-ups one at a time, with rests between: see similar_desk.h. */
#include "similar_desk.h"

#include <event2/event.h>

#include "clock.h"

enum {
    REST_TIMES = 4,    /* as long as the look-up took: it gets a fifth of the time */
    REST_MAX_MS = 500, /* a database that answers late is rested for, but asked again */
    PATIENCE_MS = 2000,
};

struct question {
    struct question *next;
    char *title, *description;
    size_t most;
    int64_t since_ms;
    similar_done_fn *on_done;
    void *arg;
};

/* A child of the queue, like the look-up: it outlives the desk. */
struct running {
    struct similar_desk *desk; /* NULL: the desk is gone */
    int64_t since_ms;
    similar_done_fn *on_done;
    void *arg;
};

struct similar_desk {
    struct pg_queue *queue;
    struct event *timer;
    struct question *first, **last;
    size_t waiting;
    struct running *running;
    int64_t rest_until_ms;
    struct similar_desk_counters counters;
};

static struct question *take_first(struct similar_desk *d)
{
    struct question *q = d->first;
    d->first = q->next;
    if (!d->first)
        d->last = &d->first;
    d->waiting--;
    return q;
}

static void refuse(struct question *q, enum err_kind kind, const char *why)
{
    struct err e;
    err_set(&e, kind, "%s", why);
    q->on_done(NULL, 0, &e, q->arg);
    talloc_free(q);
}

static void give_up_first(struct similar_desk *d)
{
    d->counters.given_up++;
    refuse(take_first(d), ERR_TIMEOUT, "too many look-ups were waiting");
}

static void arm(struct similar_desk *d, int64_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(d->timer, &tv);
}

static void on_looked_up(const struct similar_match *match, size_t count, const struct err *e, void *arg)
{
    struct running *r = arg;
    struct similar_desk *d = r->desk;
    if (d) {
        int64_t now_ms = clock_monotonic_ms(), rest_ms = (now_ms - r->since_ms + 1) * REST_TIMES;
        d->running = NULL;
        d->rest_until_ms = now_ms + (rest_ms < REST_MAX_MS ? rest_ms : REST_MAX_MS);
        d->counters.answered += !e;
        if (d->first)
            arm(d, d->rest_until_ms - now_ms);
    }
    r->on_done(match, count, e, r->arg); /* which may ask the next question */
    talloc_free(r);
}

static void start_next(struct similar_desk *d)
{
    int64_t now_ms = clock_monotonic_ms();
    while (d->first && now_ms - d->first->since_ms > PATIENCE_MS) {
        give_up_first(d);
    }
    if (!d->first || d->running)
        return;
    if (now_ms < d->rest_until_ms) {
        arm(d, d->rest_until_ms - now_ms);
        return;
    }
    struct question *q = take_first(d);
    struct running *r = talloc(d->queue, struct running);
    *r = (struct running){.desk = d, .since_ms = now_ms, .on_done = q->on_done, .arg = q->arg};
    d->running = r;
    similar_look_up(d->queue, str_of(q->title), str_of(q->description), q->most, on_looked_up, r);
    talloc_free(q);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    start_next(arg);
}

static int desk_end(struct similar_desk *d)
{
    if (d->running)
        d->running->desk = NULL;
    while (d->first)
        refuse(take_first(d), ERR_UNAVAILABLE, "shutting down");
    event_free(d->timer);
    return 0;
}

struct similar_desk *similar_desk_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *queue)
{
    struct similar_desk *d = talloc_zero(ctx, struct similar_desk);
    d->queue = queue;
    d->last = &d->first;
    d->timer = event_new(base, -1, 0, on_timer, d);
    talloc_set_destructor(d, desk_end);
    return d;
}

void similar_desk_ask(struct similar_desk *d, struct str title, struct str description, size_t most, similar_done_fn *on_done, void *arg)
{
    struct question *q = talloc(d, struct question);
    *q = (struct question){.title = talloc_strndup(q, title.p ? title.p : "", title.n),
                           .description = talloc_strndup(q, description.p ? description.p : "", description.n),
                           .most = most, .since_ms = clock_monotonic_ms(), .on_done = on_done, .arg = arg};
    if (d->waiting == SIMILAR_DESK_WAITING_MAX)
        give_up_first(d);
    *d->last = q;
    d->last = &q->next;
    d->waiting++;
    d->counters.asked++;
    if (!d->running && d->first == q && q->since_ms >= d->rest_until_ms)
        arm(d, 0); /* not from here: a look-up is the work of a millisecond, and the caller is in the middle of a turn */
    else if (!d->running && d->first == q)
        arm(d, d->rest_until_ms - q->since_ms);
}

const struct similar_desk_counters *similar_desk_counters(const struct similar_desk *d)
{
    return &d->counters;
}
