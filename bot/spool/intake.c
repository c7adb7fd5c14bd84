/* Where an event waits: see intake.h. */
#include "intake.h"

#include <event2/event.h>

#include "clock.h"
#include "fault.h"
#include "log.h"
#include "order.h"
#include "revive.h"
#include "settings.h"

enum {
    ROOM = 1000,        /* rows are read back while fewer events are in memory: the rest is for new ones */
    ECHOES_MAX = 256,   /* read back and not written yet */
    LOOK_AGAIN_MS = 1000,
    OTHERS_MS = 10,     /* between looks whether another worker is done with what comes first */
    OPEN_AGAIN_MS = 5000, /* a folder that cannot be used: its disk is full or not mounted, and somebody mends that */
};

/* One event's stay, from its arrival until it is committed (or is on disk only). */
struct stay {
    struct intake *k;
    struct turn_event *event;   /* NULL: it has settled, or is not in memory */
    struct stay *older, *newer; /* among those not spooled yet, by arrival */
    bool waiting;               /* in that list */
    bool writing;               /* its row is on its way to the disk */
    bool leave;                 /* its row is to stay */
    bool disk_only;
    int64_t arrived_ms;         /* monotonic */
    int64_t spool_id;           /* 0: no row */
    struct str body;            /* for its size, once the event is gone */
    uint32_t cell;
    struct order_mark *mark;    /* until it settles */
    struct http_request_id request; /* of one on disk only */
};

struct intake {
    struct intake_options options;
    struct turns *turns;
    struct spool *spool; /* NULL: unusable */
    struct order *order;
    struct event *due_timer, *look_timer, *open_timer;
    struct stay *oldest, *newest;
    /* How many rows on disk only people with that hash have.  Who shares a cell with another waits with him: slower, in order. */
    uint32_t *behind;
    uint64_t rows_behind; /* on disk only, and written */
    int64_t cursor;       /* rows up to this id have been read back */
    bool reading;
    size_t echoes;
    uint64_t drained, refused;
};

static void look(struct intake *k);

static void arm(struct event *timer, int64_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(timer, &tv);
}

static void answer(struct intake *k, struct http_request_id request, bool stored)
{
    if (request.generation)
        k->options.answer(request, stored, k->options.ctx);
}

/* ---- who waits for his commit ---- */

static void wait_begin(struct stay *s)
{
    struct intake *k = s->k;
    s->waiting = true;
    s->older = k->newest;
    *(k->newest ? &k->newest->newer : &k->oldest) = s;
    k->newest = s;
}

static void wait_end(struct stay *s)
{
    struct intake *k = s->k;
    if (!s->waiting)
        return;
    s->waiting = false;
    *(s->older ? &s->older->newer : &k->oldest) = s->newer;
    *(s->newer ? &s->newer->older : &k->newest) = s->older;
    s->older = s->newer = NULL;
}

static void arm_due(struct intake *k)
{
    if (!k->oldest) {
        event_del(k->due_timer);
        return;
    }
    int64_t ms = k->oldest->arrived_ms + k->options.settings->spool.after_ms - clock_monotonic_ms();
    if (!event_pending(k->due_timer, EV_TIMEOUT, NULL))
        arm(k->due_timer, ms > 0 ? ms : 0);
}

/* ---- into the spool ---- */

static void on_added(int64_t id, const struct err *why, void *arg)
{
    struct stay *s = arg;
    struct intake *k = s->k;
    s->writing = false;
    if (!id) {
        k->refused++;
        static struct log_gate gate;
        if (log_pass(&gate, 30000))
            log_error("an event could not be spooled: %s; what PostgreSQL does not take is answered 503", why->msg);
    }
    if (s->disk_only) {
        answer(k, s->request, id != 0);
        k->behind[s->cell] -= !id;
        k->rows_behind += id != 0;
        if (!id)
            order_end(k->order, s->cell, s->mark);
        talloc_free(s);
        look(k);
    } else if (!s->event) {
        if (id && !s->leave)
            spool_remove(k->spool, id, s->body);
        talloc_free(s);
    } else if (id) {
        s->spool_id = id;
        answer(k, s->event->request, true);
        s->event->request.generation = 0;
    }
}

static void log_full(void)
{
    static struct log_gate gate;
    if (log_pass(&gate, 30000))
        log_error("the spool is full (spool.max_mb) or its disk too slow: what PostgreSQL does not take is answered 503");
}

static bool add(struct stay *s, const struct spool_row *row)
{
    struct intake *k = s->k;
    if (k->spool && !FAULT_POINT("intake_before_spool") && spool_add(k->spool, row, on_added, s))
        return true;
    k->refused++;
    if (k->spool)
        log_full();
    return false;
}

/* A copy for a crash; the event stays where it is. */
static void spool_copy(struct stay *s)
{
    struct turn_event *event = s->event;
    wait_end(s);
    event->spooled = true;
    struct spool_row row = {.held = true, .redelivered = event->redelivered, .user_id = event->in->user_id, .body = event->body};
    memcpy(row.key, event->key, sizeof(row.key));
    s->writing = add(s, &row);
}

/* All that arrived up to then, so that ids follow arrival. */
static void spool_waiting(struct intake *k, int64_t arrived_ms)
{
    while (k->oldest && k->oldest->arrived_ms <= arrived_ms)
        spool_copy(k->oldest);
    arm_due(k);
}

/* What that person said before and what still waits; the list is short unless the database is in trouble. */
static void spool_person(struct intake *k, uint32_t cell)
{
    for (struct stay *s = k->oldest, *newer; s; s = newer) {
        newer = s->newer;
        if (s->cell == cell)
            spool_copy(s);
    }
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    struct intake *k = arg;
    (void)fd;
    (void)what;
    spool_waiting(k, clock_monotonic_ms() - k->options.settings->spool.after_ms);
}

void intake_spool(struct intake *k, const struct spool_row *row, struct http_request_id request)
{
    struct stay *s = talloc_zero(k, struct stay);
    *s = (struct stay){.k = k, .disk_only = true, .cell = order_cell(row->user_id), .request = request};
    spool_person(k, s->cell);
    if (!add(s, row)) {
        talloc_free(s);
        answer(k, request, false);
        return;
    }
    s->mark = order_add(k->order, s->cell, clock_epoch_us(), true);
    k->behind[s->cell]++;
}

void intake_take(struct intake *k, struct turn_event *event)
{
    const char *user_id = event->in->user_id;
    uint32_t cell = order_cell(user_id);
    if (k->behind[cell] || turns_full(k->turns) || (k->spool && !order_may_go(k->order, cell, NULL))) {
        struct spool_row row = {.redelivered = event->redelivered, .user_id = user_id, .body = event->body};
        memcpy(row.key, event->key, sizeof(row.key));
        intake_spool(k, &row, event->request);
        talloc_free(event);
        return;
    }
    bool away = turns_away_ms(k->turns, user_id) >= k->options.settings->spool.after_ms;
    if (away && k->spool && !spool_has_room(k->spool, event->body)) { /* neither will take it in time */
        k->refused++;
        log_full();
        answer(k, event->request, false);
        talloc_free(event);
        return;
    }
    struct stay *s = event->stay = talloc_zero(k, struct stay);
    *s = (struct stay){.k = k, .event = event, .cell = cell, .arrived_ms = clock_monotonic_ms(), .body = event->body};
    s->mark = order_add(k->order, cell, clock_epoch_us(), false);
    wait_begin(s);
    turns_take(k->turns, event);
    if (away)
        spool_waiting(k, INT64_MAX); /* nobody needs to wait for what is known */
    else
        arm_due(k);
}

void intake_refused(struct intake *k, struct turn_event *event)
{
    (void)k;
    if (event->stay && event->stay->waiting)
        spool_copy(event->stay);
}

void intake_settled(struct intake *k, const struct turn_event *event, enum turn_outcome outcome)
{
    struct stay *s = event->stay;
    answer(k, event->request, outcome != TURN_UNAVAILABLE);
    if (s) {
        wait_end(s);
        s->event = NULL;
        s->leave = outcome == TURN_UNAVAILABLE; /* nothing of it is stored elsewhere */
        order_end(k->order, s->cell, s->mark);
        if (s->spool_id && !s->leave)
            spool_remove(k->spool, s->spool_id, s->body);
        if (!s->writing)
            talloc_free(s);
    }
    look(k);
}

/* ---- and back ---- */

static void take_row(struct intake *k, const struct spool_row *row, uint32_t cell, struct order_mark *mark)
{
    struct turn_event *event = turn_event_new(k->turns);
    event->spooled = true;
    event->redelivered = row->redelivered;
    event->body = (struct str){talloc_memdup(event, row->body.p, row->body.n), row->body.n};
    memcpy(event->key, row->key, sizeof(event->key));
    revive_decode(event, row->user_id, k->options.settings);
    event->in->arrived_at_ms = row->at_ms;
    if (event->in->kind == IN_ECHO && (!event->in->admin_id || event->in->conversation_id)) {
        k->echoes++;
        order_end(k->order, cell, mark); /* an echo is written at any time */
        k->options.on_echo(talloc_steal(k, event->in), row->id, row->body, k->options.ctx);
        talloc_free(event);
        return;
    }
    struct stay *s = event->stay = talloc_zero(k, struct stay);
    *s = (struct stay){.k = k, .event = event, .cell = cell, .mark = mark, .spool_id = row->id, .body = event->body};
    order_in_memory(mark);
    turns_take(k->turns, event);
}

static void on_read(const struct spool_row *rows, size_t count, const struct err *e, void *arg)
{
    struct intake *k = arg;
    k->reading = false;
    if (e || count == 0) {
        static struct log_gate gate;
        if (log_pass(&gate, 30000))
            log_error("spooled events cannot be read back: %s; tried again", e ? e->msg : "they are gone from the file");
        arm(k->look_timer, LOOK_AGAIN_MS);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t cell = order_cell(rows[i].user_id);
        struct order_mark *mark = order_next_on_disk(k->order, cell);
        if (!order_may_go(k->order, cell, mark)) {
            arm(k->look_timer, OTHERS_MS);
            return;
        }
        k->cursor = rows[i].id;
        k->rows_behind--;
        k->behind[cell]--;
        k->drained++;
        if (spool_row_is_whole(&rows[i])) {
            take_row(k, &rows[i], cell, mark);
            continue;
        }
        order_end(k->order, cell, mark);
        log_error("a spooled event (row %lld) is damaged and left where it is", (long long)rows[i].id);
    }
    look(k);
}

/* Reads the next rows back when there are any and there is room. */
static void look(struct intake *k)
{
    if (!k->spool || k->reading || k->rows_behind == 0 || turns_waiting(k->turns) >= ROOM || k->echoes >= ECHOES_MAX)
        return;
    k->reading = true;
    spool_read(k->spool, k->cursor, on_read, k);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    look(arg);
}

void intake_echo_written(struct intake *k, int64_t spool_id, struct str body)
{
    k->echoes--;
    spool_remove(k->spool, spool_id, body);
    look(k);
}

/* ---- start ---- */

static void on_found(const struct spool_row *row, void *arg)
{
    struct intake *k = arg;
    uint32_t cell = order_cell(row->user_id);
    order_add(k->order, cell, row->at_ms * 1000, true);
    k->behind[cell]++;
    k->rows_behind++;
}

/* Blocks for the time of reading the file, which is empty or small unless an earlier process left it behind. */
static bool open_spool(struct intake *k, struct err *e)
{
    k->spool = spool_new(k, k->options.base, k->options.settings, on_found, k, e);
    if (!k->spool) { /* rows that were counted before it failed are not there to be waited for */
        memset(k->behind, 0, sizeof(*k->behind) * ORDER_CELLS);
        k->rows_behind = 0;
        order_forget_disk(k->order);
        return false;
    }
    if (k->rows_behind)
        log_info("%llu events wait in the spool", (unsigned long long)k->rows_behind);
    return true;
}

static void on_open_timer(evutil_socket_t fd, short what, void *arg)
{
    struct intake *k = arg;
    struct err e;
    (void)fd;
    (void)what;
    static struct log_gate gate;
    if (open_spool(k, &e)) {
        log_info("the spool can be used now");
        look(k);
        return;
    }
    if (log_pass(&gate, 10 * 60 * 1000))
        log_error("%s: still no spool", e.msg);
    arm(k->open_timer, OPEN_AGAIN_MS);
}

static int intake_destructor(struct intake *k)
{
    TALLOC_FREE(k->spool); /* writes what waits */
    event_free(k->due_timer);
    event_free(k->look_timer);
    event_free(k->open_timer);
    return 0;
}

struct intake *intake_new(TALLOC_CTX *ctx, const struct intake_options *options)
{
    struct err e;
    struct intake *k = talloc_zero(ctx, struct intake);
    k->options = *options;
    k->behind = talloc_zero_array(k, uint32_t, ORDER_CELLS);
    k->order = order_new(k, options->board, options->seat);
    k->due_timer = evtimer_new(options->base, on_due, k);
    k->look_timer = evtimer_new(options->base, on_look, k);
    k->open_timer = evtimer_new(options->base, on_open_timer, k);
    talloc_set_destructor(k, intake_destructor);
    if (!open_spool(k, &e)) {
        log_error("%s: without a spool, events that PostgreSQL does not take in time are answered 503; tried again every %d s, see spool.path",
                  e.msg, OPEN_AGAIN_MS / 1000);
        arm(k->open_timer, OPEN_AGAIN_MS);
    }
    order_opened(k->order);
    return k;
}

void intake_start(struct intake *k, struct turns *turns)
{
    k->turns = turns;
    arm(k->look_timer, 0);
}

const struct spool *intake_spool_of(const struct intake *k)
{
    return k->spool;
}

bool intake_well(const struct intake *k)
{
    return k->spool && spool_well(k->spool);
}

int64_t intake_oldest_age_ms(const struct intake *k)
{
    int64_t waiting_ms = k->oldest ? clock_monotonic_ms() - k->oldest->arrived_ms : 0, spooled_ms = k->spool ? spool_oldest_age_ms(k->spool) : 0;
    return waiting_ms > spooled_ms ? waiting_ms : spooled_ms;
}

uint64_t intake_drained(const struct intake *k)
{
    return k->drained;
}

uint64_t intake_refused_count(const struct intake *k)
{
    return k->refused;
}
