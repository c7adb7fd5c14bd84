/* The index of initiatives that are alike: see similar.h. */
#include "similar.h"

#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "reading/similarity.h"
#include "similar_rank.h"
#include "similar_store.h"

enum {
    LOOK_MS = 1000,          /* how often the writer looks while nothing waits */
    REST_TIMES = 9,          /* after a full batch, as long as it took: a rush of registrations comes before its index */
    REST_MAX_MS = 2000,
    BATCH = 200,             /* about a millisecond and a half of this loop, 40 ms of the database */
    WRITE_DEADLINE_MS = 30000,
    LISTS_DEADLINE_MS = 1500, /* the statements themselves give up after 1000 (similar_plan) */
    FIND_DEADLINE_MS = 1500,
    CANDIDATES = 36, /* read whole and scored, about fifteen microseconds each */
};

/* ---- a batch ---- */

/* A child of the queue: it outlives whoever asked for it. */
struct batch {
    struct pg_queue *queue;
    similar_batch_fn *on_done; /* NULL: nobody waits any more */
    void *arg;
    size_t count;
    int64_t *lag_ms; /* NULL: nobody asks */
};

static void end_batch(struct batch *b, size_t written, const struct err *e)
{
    similar_batch_fn *on_done = b->on_done;
    void *arg = b->arg;
    talloc_free(b);
    if (on_done)
        on_done(written, e, arg);
}

static void on_batch_written(const struct pg_answer *answer, void *arg)
{
    struct batch *b = arg;
    end_batch(b, answer->e ? 0 : b->count, answer->e);
}

static void on_waiting(const struct pg_answer *answer, void *arg)
{
    struct batch *b = arg;
    if (answer->e) {
        end_batch(b, 0, answer->e);
        return;
    }
    const PGresult *res = answer->result[0];
    struct pg_unit *unit = pg_unit_new(b);
    struct similar_rows *rows = similar_rows_new(unit);
    for (int r = 0; r < PQntuples(res); r++) {
        TALLOC_CTX *tmp = talloc_new(unit);
        int32_t terms[SIMILAR_TERMS_MAX];
        struct similar_waiting w = similar_store_waiting_at(tmp, res, r);
        similar_rows_add(rows, w.user_id, w.id, w.stamp, terms, similar_terms(similar_read(tmp, w.title, w.description), terms));
        if (r == 0 && b->lag_ms)
            *b->lag_ms = w.age_ms;
        talloc_free(tmp);
    }
    if (PQntuples(res) == 0 && b->lag_ms)
        *b->lag_ms = 0;
    b->count = similar_rows_count(rows);
    if (b->count == 0) {
        end_batch(b, 0, NULL);
        return;
    }
    similar_rows_into(rows, unit);
    pg_queue_run(b->queue, unit, WRITE_DEADLINE_MS, on_batch_written, b);
}

static struct batch *write_batch(struct pg_queue *queue, size_t most, int64_t *lag_ms, similar_batch_fn *on_done, void *arg)
{
    struct batch *b = talloc(queue, struct batch);
    *b = (struct batch){.queue = queue, .on_done = on_done, .arg = arg, .lag_ms = lag_ms};
    struct pg_unit *unit = pg_unit_new(b);
    similar_store_ask_waiting(unit, (int64_t)most);
    pg_queue_run(queue, unit, WRITE_DEADLINE_MS, on_waiting, b);
    return b;
}

void similar_write_batch(struct pg_queue *queue, size_t most, similar_batch_fn *on_done, void *arg)
{
    write_batch(queue, most < SIMILAR_BATCH_MAX ? most : SIMILAR_BATCH_MAX, NULL, on_done, arg);
}

/* ---- the writer ---- */

struct similar_writer {
    struct pg_queue *queue;
    struct event *timer;
    struct batch *in_hand;
    int64_t since_ms; /* in_hand */
    struct similar_counters counters;
    struct log_gate gate;
};

static void arm(struct similar_writer *w, int ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(w->timer, &tv);
}

static void on_batch(size_t written, const struct err *e, void *arg)
{
    struct similar_writer *w = arg;
    w->in_hand = NULL;
    if (e && log_pass(&w->gate, 30000))
        log_warn("cannot write the index of similar initiatives: %s; later again", e->msg);
    w->counters.written += written;
    int64_t rest_ms = (clock_monotonic_ms() - w->since_ms) * REST_TIMES;
    arm(w, written < BATCH ? LOOK_MS : rest_ms < REST_MAX_MS ? (int)rest_ms : REST_MAX_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct similar_writer *w = arg;
    (void)fd;
    (void)what;
    w->since_ms = clock_monotonic_ms();
    w->in_hand = write_batch(w->queue, BATCH, &w->counters.lag_ms, on_batch, w);
}

static int writer_end(struct similar_writer *w)
{
    event_free(w->timer);
    if (w->in_hand) {
        w->in_hand->on_done = NULL;
        w->in_hand->lag_ms = NULL;
    }
    return 0;
}

struct similar_writer *similar_writer_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *queue)
{
    struct similar_writer *w = talloc_zero(ctx, struct similar_writer);
    w->queue = queue;
    w->timer = event_new(base, -1, 0, on_timer, w);
    talloc_set_destructor(w, writer_end);
    arm(w, 0);
    return w;
}

const struct similar_counters *similar_writer_counters(const struct similar_writer *w)
{
    return &w->counters;
}

/* ---- the look-up ----
 *
 *   terms of the question -> lists of the rarest of them -> rank -> the best initiatives, whole -> score -> on_done */

struct look_up {
    struct pg_queue *queue;
    struct similar_doc *doc;
    size_t most;
    int rows; /* index of what was asked for among the results */
    similar_done_fn *on_done;
    void *arg;
};

static void end_look_up(struct look_up *l, const struct similar_match *match, size_t count, const struct err *e)
{
    l->on_done(match, count, e, l->arg);
    talloc_free(l);
}

/* Inserts in descending order of score; equal ones stay in the order of the candidates. */
static size_t keep_best(struct similar_match *match, size_t count, size_t most, const struct similar_match *m)
{
    size_t at = count < most ? count : most;
    while (at > 0 && match[at - 1].score < m->score)
        at--;
    if (at == most)
        return count;
    if (count < most)
        count++;
    for (size_t i = count - 1; i > at; i--)
        match[i] = match[i - 1];
    match[at] = *m;
    return count;
}

static const char *copy(TALLOC_CTX *ctx, struct str s)
{
    return talloc_strndup(ctx, s.p ? s.p : "", s.n);
}

static void on_candidates(const struct pg_answer *answer, void *arg)
{
    struct look_up *l = arg;
    struct similar_match match[SIMILAR_MATCHES_MAX];
    size_t count = 0;
    const PGresult *res = answer->e ? NULL : answer->result[l->rows];
    for (int r = 0; res && r < PQntuples(res); r++) {
        TALLOC_CTX *tmp = talloc_new(l);
        struct similar_candidate c = similar_store_candidate_at(res, r);
        struct similar_match m = {.id = r, .score = similar_score(l->doc, similar_read(tmp, c.title, c.description))};
        count = keep_best(match, count, l->most, &m);
        talloc_free(tmp);
    }
    for (size_t i = 0; i < count; i++) {
        struct similar_candidate c = similar_store_candidate_at(res, (int)match[i].id);
        match[i] = (struct similar_match){.user_id = copy(l, c.user_id), .code = copy(l, c.code), .title = copy(l, c.title),
                                          .status = copy(l, c.status), .unit = copy(l, c.unit), .id = c.id, .unit_id = c.unit_id,
                                          .submitted_ms = c.submitted_ms, .confidential = c.confidential, .score = match[i].score};
    }
    end_look_up(l, match, count, answer->e);
}

static void on_lists(const struct pg_answer *answer, void *arg)
{
    struct look_up *l = arg;
    const PGresult *res = answer->e ? NULL : answer->result[l->rows];
    if (!res || PQntuples(res) == 0) {
        end_look_up(l, NULL, 0, answer->e);
        return;
    }
    struct similar_rank *rank = similar_rank_new(l, similar_store_list_at(res, 0).docs);
    for (int r = 0; r < PQntuples(res); r++) {
        struct similar_list list = similar_store_list_at(res, r);
        similar_rank_add(rank, list.entries, list.length);
    }
    uint32_t docs[CANDIDATES];
    size_t n = similar_rank_best(rank, docs, CANDIDATES);
    talloc_free(rank);
    struct pg_unit *unit = pg_unit_new(l);
    l->rows = similar_store_ask_candidates(unit, docs, n);
    pg_queue_run(l->queue, unit, FIND_DEADLINE_MS, on_candidates, l);
}

void similar_look_up(struct pg_queue *queue, struct str title, struct str description, size_t most, similar_done_fn *on_done, void *arg)
{
    struct look_up *l = talloc(queue, struct look_up);
    int32_t terms[SIMILAR_TERMS_MAX];
    *l = (struct look_up){.queue = queue, .most = most < SIMILAR_MATCHES_MAX ? most : SIMILAR_MATCHES_MAX, .on_done = on_done, .arg = arg};
    l->doc = similar_read(l, title, description);
    size_t n = similar_terms(l->doc, terms);
    struct pg_unit *unit = pg_unit_new(l);
    l->rows = similar_store_ask_lists(unit, terms, n);
    pg_queue_run(queue, unit, LISTS_DEADLINE_MS, on_lists, l);
}
