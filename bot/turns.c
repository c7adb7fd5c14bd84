/* The turn queue: see turns.h.
 *
 * A lane is one person's queue; it exists while events of that person wait or are in hand.  A runner is one connection
 * with the lanes that are ready for its next batch.  What becomes of a batch that fails:
 *   a repeat may cure it                  TRIES_MAX tries, with growing pauses when the database takes no writes at all
 *   otherwise, or when that did not help  cut in halves, so that a poison event ends alone
 *   alone, no cure                        kept in dead_event
 *   alone, a repeat might cure it         tried for ever; dead when it fails TRIES_MAX times more while others go through
 * (Some events bring the server down, others come while it is down: only what happens to the rest tells them apart.) */
#include "turns.h"

#include <event2/event.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "clock.h"
#include "fault.h"
#include "log.h"
#include "messages.h"
#include "outbox_store.h"
#include "pg.h"
#include "pg_queue.h"
#include "revive.h"
#include "scoped.h"
#include "settings.h"
#include "suspects.h"
#include "turn_batch.h"

enum {
    BATCH_MAX = 256,
    TRIES_MAX = 5,
    LANE_BUCKETS = 1024,
    CROWD = 16,       /* so many in a batch: the next one */
    GATHER_US = 1000, /* waits so long for those just answered */
    DEFER_MS = 20, /* a person locked by another process is tried again after this */
    PAUSE_LEAST_MS = 100, /* while the database takes no writes */
    PAUSE_MOST_MS = 1000,
    RECEIPTS_LEAST = TURNS_CONNECTIONS * BATCH_MAX, /* as many as the batches in flight may spend */
    RECEIPTS_LOW = RECEIPTS_LEAST + BATCH_MAX,      /* time to draw more */
    DRAW_AGAIN_MS = 1000,
    BACKGROUND_DEADLINE_MS = 5000,
    APOLOGY_EXPIRES_MS = 10 * 60 * 1000,
};

struct lane {
    struct lane *next_in_bucket;
    struct lane *next_ready;
    struct turn_event *first, **last;
    uint32_t hash;
    bool queued; /* in its runner's ready list */
    bool busy;   /* its first event is in a batch */
    bool put_off; /* locked elsewhere: waits for the defer timer */
};

/* Events that must be tried again as a batch of their own: the whole of a failed one, or a half. */
struct again {
    struct again *next;
    struct turn_event **events;
    size_t count;
    int tries;
    bool half;          /* of a batch that failed, */
    uint64_t failed_at; /* when its connection had committed so many */
};

struct runner {
    struct turns *turns;
    struct pg *pg;
    struct lane *first_ready, **last_ready;
    struct again *again;       /* before new work, first in first out */
    struct again *current;     /* what the batch in flight consists of */
    bool settling;             /* answers may bring new events: they join the next batch, together */
    struct event *defer_timer, *pause_timer; /* pending: nothing is tried */
    struct event *gather_timer; /* pending: a crowd's next batch is still growing */
    size_t committed;           /* events of the batch that has just come to its end */
    int pause_ms; /* the last one; 0 after a commit */
    uint64_t commits;
    int64_t refused_since_ms; /* monotonic: the first refusal since the last commit; 0: none */
    struct err dead_error;
};

struct turns {
    struct turns_options options;
    struct runner runner[TURNS_CONNECTIONS];
    struct lane *bucket[LANE_BUCKETS];
    size_t waiting, waiting_bytes;
    struct receipt_stock receipts;
    bool drawing_receipts;
    struct turn_counters counters;
};

static void run_next(struct runner *r);

/* ---- lanes ---- */

static struct lane *lane_of(struct turns *t, const char *user_id, bool make)
{
    uint32_t h = (uint32_t)str_hash(str_of(user_id));
    for (struct lane *l = t->bucket[h % LANE_BUCKETS]; l; l = l->next_in_bucket)
        if (l->hash == h && strcmp(l->first->in->user_id, user_id) == 0)
            return l;
    if (!make)
        return NULL;
    struct lane *l = talloc_zero(t, struct lane);
    l->hash = h;
    l->last = &l->first;
    l->next_in_bucket = t->bucket[h % LANE_BUCKETS];
    t->bucket[h % LANE_BUCKETS] = l;
    return l;
}

static size_t runner_number(uint32_t hash)
{
    return hash / LANE_BUCKETS % TURNS_CONNECTIONS;
}

static struct runner *runner_of(struct turns *t, const struct lane *l)
{
    return &t->runner[runner_number(l->hash)];
}

static void lane_free(struct turns *t, struct lane *lane)
{
    struct lane **at = &t->bucket[lane->hash % LANE_BUCKETS];
    while (*at != lane)
        at = &(*at)->next_in_bucket;
    *at = lane->next_in_bucket;
    talloc_free(lane);
}

static void make_ready(struct turns *t, struct lane *l)
{
    if (l->queued || l->busy || l->put_off || !l->first)
        return;
    struct runner *r = runner_of(t, l);
    l->queued = true;
    l->next_ready = NULL;
    *r->last_ready = l;
    r->last_ready = &l->next_ready;
}

/* The event at the head of its person's lane has come to its end. */
static void settle(struct runner *r, struct turn_event *event, enum turn_outcome outcome)
{
    struct turns *t = r->turns;
    struct lane *l = lane_of(t, event->in->user_id, false);
    l->busy = false;
    l->first = event->next;
    if (!l->first)
        l->last = &l->first;
    suspects_clear(t->options.suspects, event);
    t->waiting--;
    t->waiting_bytes -= event->body.n;
    if (l->first)
        make_ready(t, l);
    else
        lane_free(t, l);
    t->options.on_settled(event, outcome, t->options.ctx);
    talloc_free(event);
}

static void on_defer(evutil_socket_t fd, short what, void *arg)
{
    struct runner *r = arg;
    struct turns *t = r->turns;
    (void)fd;
    (void)what;
    for (size_t i = 0; i < LANE_BUCKETS; i++)
        for (struct lane *l = t->bucket[i]; l; l = l->next_in_bucket)
            if (l->put_off && runner_of(t, l) == r) {
                l->put_off = false;
                make_ready(t, l);
            }
    run_next(r);
}

static void on_waited(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    run_next(arg);
}

/* The event stays first in its lane, nobody else waits for it. */
static void defer(struct runner *r, struct turn_event *event)
{
    struct lane *l = lane_of(r->turns, event->in->user_id, false);
    l->busy = false;
    l->put_off = true;
    r->turns->counters.deferred++;
    struct timeval soon = {0, DEFER_MS * 1000};
    if (!event_pending(r->defer_timer, EV_TIMEOUT, NULL))
        event_add(r->defer_timer, &soon);
}

static void refused(struct runner *r)
{
    if (!r->refused_since_ms)
        r->refused_since_ms = clock_monotonic_ms();
}

/* ---- receipts ---- */

static void on_blocks_drawn(const struct pg_answer *answer, void *arg)
{
    struct turns *t = arg;
    t->drawing_receipts = false;
    if (answer->e) {
        static struct log_gate gate;
        if (log_pass(&gate, 30000))
            log_warn("cannot draw receipt numbers: %s; turns wait", answer->e->msg);
        struct timeval again = {DRAW_AGAIN_MS / 1000, 0};
        for (size_t i = 0; i < TURNS_CONNECTIONS; i++) {
            event_add(t->runner[i].defer_timer, &again); /* what waits must not wait for another event to come */
            refused(&t->runner[i]);
        }
        return;
    }
    struct str key = pg_bytes(answer->result[0], 0, 0);
    if (key.n == RECEIPT_KEY_BYTES) {
        memcpy(t->receipts.key, key.p, key.n);
        t->receipts.key_known = true;
    }
    for (int i = 1; i < answer->count; i++)
        receipt_stock_add(&t->receipts, pg_int8(answer->result[i], 0, 0));
    for (size_t i = 0; i < TURNS_CONNECTIONS; i++)
        run_next(&t->runner[i]);
}

/* Keeps enough codes at hand that the batches never run out of them, even if every turn spends one. */
static bool have_receipts(struct turns *t)
{
    bool enough = receipt_stock_left(&t->receipts) >= RECEIPTS_LEAST;
    if (receipt_stock_left(&t->receipts) >= RECEIPTS_LOW || t->drawing_receipts)
        return enough;
    t->drawing_receipts = true;
    unsigned char fresh[RECEIPT_KEY_BYTES];
    if (RAND_bytes(fresh, sizeof(fresh)) != 1)
        abort(); /* a guessable key would be kept for ever */
    struct pg_unit *unit = pg_unit_new(t);
    struct pg_params *p = pg_params_new(unit);
    pg_param_bytea(p, fresh, sizeof(fresh));
    pg_add(unit, SQL_RECEIPT_KEY, p);
    for (unsigned i = t->receipts.block_count; i < RECEIPT_BLOCKS; i++)
        pg_add(unit, SQL_RECEIPT_BLOCK, NULL);
    PG_FAULTS(unit, "receipts_before_draw", "receipts_after_draw");
    pg_queue_run(t->options.background, unit, BACKGROUND_DEADLINE_MS, on_blocks_drawn, t);
    return enough;
}

/* ---- batches ---- */

static int by_user_id(const void *a, const void *b)
{
    return strcmp((*(struct turn_event *const *)a)->in->user_id, (*(struct turn_event *const *)b)->in->user_id);
}

/* An event that must not share its batch. */
static bool goes_alone(const struct turn_event *event)
{
    return event->doom || event->failures || event->suspect;
}

static struct again *take_ready(struct runner *r)
{
    if (!r->first_ready)
        return NULL;
    struct again *a = talloc_zero(r->turns, struct again);
    a->events = talloc_array(a, struct turn_event *, BATCH_MAX);
    while (r->first_ready && a->count < BATCH_MAX) {
        struct lane *l = r->first_ready;
        if (a->count > 0 && (goes_alone(a->events[0]) || goes_alone(l->first)))
            break;
        r->first_ready = l->next_ready;
        l->queued = false;
        l->busy = true;
        a->events[a->count++] = l->first;
    }
    if (!r->first_ready)
        r->last_ready = &r->first_ready;
    qsort(a->events, a->count, sizeof(struct turn_event *), by_user_id);
    return a;
}

static void push_again(struct runner *r, struct again *a)
{
    a->next = NULL;
    struct again **at = &r->again;
    while (*at)
        at = &(*at)->next;
    *at = a;
}

static struct again *half_of(struct runner *r, const struct again *a, size_t from, size_t count)
{
    struct again *h = talloc_zero(r->turns, struct again);
    h->events = talloc_memdup(h, a->events + from, sizeof(struct turn_event *) * count);
    h->count = count;
    h->half = true;
    h->failed_at = r->commits;
    return h;
}

static void recover(struct runner *r, struct again *a, const struct err *e);

static void on_dead_written(const struct pg_answer *answer, void *arg)
{
    struct runner *r = arg;
    struct again *a = TAKE(r->current);
    struct turn_event *event = a->events[0];
    if (answer->e && (pg_transient(answer->e) || pg_unwell(answer->e))) {
        recover(r, a, answer->e);
        return;
    }
    if (answer->e) {
        log_error("%s: a dead event could not be kept: %s", log_person(event->in->user_id), answer->e->msg);
        settle(r, event, TURN_UNAVAILABLE);
    } else {
        log_error("%s: an event could not be processed and is kept in dead_event: %s", log_person(event->in->user_id), r->dead_error.msg);
        r->turns->counters.dead++;
        r->turns->options.on_reply_later(0, r->turns->options.ctx);
        settle(r, event, TURN_DEAD);
    }
    talloc_free(a);
}

/* The person is told; the conversation stays where it was, so the next message goes on from there. */
static void apologise(struct runner *r, struct pg_unit *unit, const struct inbound *in)
{
    if (in->kind == IN_ECHO || in->kind == IN_ANONYMOUS || in->kind == IN_MAIL || in->kind == IN_IGNORED)
        return;
    struct save *s = save_new(unit);
    struct reply sorry = {
        .user_id = in->user_id, .id = ids_next(r->turns->options.ids), .text = message_render(s, message_get(MSG_APOLOGY)->text, NULL, 0)};
    outbox_store_add(s, &sorry, NULL, 0, APOLOGY_EXPIRES_MS, false);
    save_into(s, unit);
}

/* The culprit, alone: it is kept with its error and acknowledged, the others went on without it. */
static void bury(struct runner *r, struct again *a, const struct err *e)
{
    struct turn_event *event = a->events[0];
    r->dead_error = *e;
    r->current = a;
    struct pg_unit *unit = pg_unit_new(r->turns);
    apologise(r, unit, event->in);
    struct pg_params *p = pg_params_new(unit);
    bool mail = event->in->kind == IN_MAIL;
    pg_param_text(p, event->in->user_id);
    if (mail) {
        pg_param_int8(p, event->in->mail_id);
    } else {
        pg_param_bytea(p, event->key, sizeof(event->key));
        pg_param_bytea(p, event->body.p, event->body.n);
    }
    pg_param_text(p, e->msg);
    if (!mail)
        pg_param_int8(p, event->in->mail_id);
    pg_add(unit, mail ? SQL_DEAD_MAIL_ADD : SQL_DEAD_EVENT_ADD, p);
    PG_FAULTS(unit, "dead_before_write", "dead_after_write");
    pg_run(r->pg, unit, BACKGROUND_DEADLINE_MS, on_dead_written, r);
}

/* The database takes nothing now: the events are kept elsewhere meanwhile, and nothing is tried for a while. */
static void pause_for_database(struct runner *r, const struct again *a)
{
    struct turns *t = r->turns;
    for (size_t i = 0; i < a->count; i++)
        t->options.on_refused(a->events[i], t->options.ctx);
    refused(r);
    r->pause_ms = r->pause_ms ? r->pause_ms * 2 : PAUSE_LEAST_MS;
    if (r->pause_ms > PAUSE_MOST_MS)
        r->pause_ms = PAUSE_MOST_MS;
    struct timeval tv = {r->pause_ms / 1000, (r->pause_ms % 1000) * 1000};
    event_add(r->pause_timer, &tv);
}

/* It failed alone, and a repeat might cure it: a database that is slow or away is no fault of the event, unless it keeps
 * failing while others go through. */
static void put_off(struct runner *r, struct turn_event *event, const struct err *e)
{
    event->failures += event->failures == 0 || event->failed_at != r->commits;
    event->failed_at = r->commits;
    if (event->failures > TRIES_MAX)
        event->doom = talloc_strdup(event, e->msg);
    defer(r, event);
}

/* Decides what becomes of a batch that did not commit; the connection is idle or lost. */
static void recover(struct runner *r, struct again *a, const struct err *e)
{
    bool idle = pg_idle(r->pg), may_pass = pg_transient(e) || pg_unwell(e) || !idle;
    const struct turn_event *known = a->count == 1 && a->events[0]->failures ? a->events[0] : NULL;
    bool to_blame = known ? known->failed_at != r->commits : a->half && a->failed_at != r->commits; /* others went through since */
    r->turns->counters.retries++;
    if ((pg_unwell(e) || !idle) && !to_blame)
        pause_for_database(r, a);
    if (may_pass && !known && !to_blame && ++a->tries < TRIES_MAX) {
        a->next = r->again;
        r->again = a;
        return;
    }
    if (a->count > 1) { /* also when repeating did not help: one of them may be the reason */
        push_again(r, half_of(r, a, 0, a->count / 2));
        push_again(r, half_of(r, a, a->count / 2, a->count - a->count / 2));
    } else if (may_pass) {
        put_off(r, a->events[0], e);
    } else {
        bury(r, a, e);
        return;
    }
    talloc_free(a);
}

struct rollback {
    struct runner *runner;
    struct again *again;
    struct err e;
};

static void on_rolled_back(const struct pg_answer *answer, void *arg)
{
    struct rollback *rb = arg;
    (void)answer; /* without a connection there is nothing left to roll back */
    recover(rb->runner, rb->again, &rb->e);
    talloc_free(rb);
}

static void on_batch_done(struct turn_batch *b, void *arg)
{
    struct runner *r = arg;
    struct turns *t = r->turns;
    struct again *a = TAKE(r->current);
    if (!b->committed) {
        suspects_hold(t->options.suspects, (size_t)(r - t->runner), NULL, 0);
        static struct log_gate gate;
        if (log_pass(&gate, 10000))
            log_warn("a batch of %zu turns did not commit: %s", b->count, b->e.msg);
        struct err e = b->e;
        if (!pg_idle(r->pg))
            turn_batch_orphans(b);
        if (b->transaction_open && pg_idle(r->pg)) {
            struct rollback *rb = talloc_zero(t, struct rollback);
            *rb = (struct rollback){.runner = r, .again = a, .e = e};
            struct pg_unit *unit = pg_unit_new(rb);
            pg_add_control(unit, "ROLLBACK");
            PG_FAULTS(unit, "turn_before_rollback", "turn_after_rollback");
            pg_run(r->pg, unit, BACKGROUND_DEADLINE_MS, on_rolled_back, rb);
        } else {
            recover(r, a, &e);
        }
        talloc_free(b);
        return;
    }
    (void)FAULT_POINT("turn_before_publication");
    t->counters.batches++;
    r->pause_ms = 0;
    r->refused_since_ms = 0;
    r->commits++;
    r->settling = true;
    r->committed = b->count;
    turn_batch_publish(b);
    (void)FAULT_POINT("turn_before_settling");
    for (size_t i = 0; i < b->count; i++) {
        struct turn_event *event = b->turn[i].event;
        if (!b->rows[i].locked) {
            defer(r, event);
            continue;
        }
        t->counters.events++;
        t->counters.duplicates += !b->rows[i].fresh;
        settle(r, event, TURN_DONE);
    }
    suspects_hold(t->options.suspects, (size_t)(r - t->runner), NULL, 0); /* handing its replies on is part of it */
    r->settling = false; /* pg calls on_idle next */
    t->counters.need_rounds += (unsigned)b->rounds;
    t->counters.merged += (uint64_t)b->merged;
    talloc_free(b);
    talloc_free(a);
}

static void run_next(struct runner *r)
{
    struct turns *t = r->turns;
    if (r->current || r->settling || !pg_idle(r->pg) || event_pending(r->pause_timer, EV_TIMEOUT, NULL) ||
        event_pending(r->gather_timer, EV_TIMEOUT, NULL) ||
        (!r->again && !r->first_ready) || !have_receipts(t))
        return;
    struct again *a = r->again;
    if (a)
        r->again = a->next;
    else
        a = take_ready(r);
    if (a->events[0]->doom) {
        struct err e;
        err_set(&e, ERR_INVALID, "%s", a->events[0]->doom);
        bury(r, a, &e);
        return;
    }
    r->current = a;
    suspects_hold(t->options.suspects, (size_t)(r - t->runner), a->events, a->count);
    turn_batch_start(t, &t->options, r->pg, a->events, a->count, &t->receipts, on_batch_done, r);
}

static void on_idle(struct pg *pg, void *arg)
{
    struct runner *r = arg;
    (void)pg;
    if (r->committed >= CROWD && r->turns->waiting < TURNS_CONNECTIONS * BATCH_MAX) {
        struct timeval tv = {0, GATHER_US};
        event_add(r->gather_timer, &tv);
    }
    r->committed = 0;
    run_next(r);
}

/* The connections first: each calls back the batch it has in flight. */
static int turns_destructor(struct turns *t)
{
    for (int i = 0; i < TURNS_CONNECTIONS; i++) {
        TALLOC_FREE(t->runner[i].pg);
        event_free(t->runner[i].defer_timer);
        event_free(t->runner[i].pause_timer);
        event_free(t->runner[i].gather_timer);
    }
    return 0;
}

struct turns *turns_new(TALLOC_CTX *ctx, const struct turns_options *options)
{
    struct turns *t = talloc_zero(ctx, struct turns);
    t->options = *options;
    for (int i = 0; i < TURNS_CONNECTIONS; i++) {
        struct runner *r = &t->runner[i];
        char name[16];
        snprintf(name, sizeof(name), "turns %d", i);
        struct pg_options pg = {
            .url = options->settings->database.url, .name = name, .named_statements = options->settings->database.named_statements};
        *r = (struct runner){.turns = t, .last_ready = &r->first_ready};
        r->defer_timer = event_new(options->base, -1, 0, on_defer, r);
        r->pause_timer = event_new(options->base, -1, 0, on_waited, r);
        r->gather_timer = event_new(options->base, -1, 0, on_waited, r);
        r->pg = pg_new(t, options->base, &pg, on_idle, r);
    }
    talloc_set_destructor(t, turns_destructor);
    return t;
}

struct turn_event *turn_event_new(struct turns *t)
{
    return talloc_zero(t, struct turn_event);
}

bool turns_full(const struct turns *t)
{
    return t->waiting >= TURNS_WAITING_MAX || t->waiting_bytes >= TURNS_WAITING_BYTES_MAX;
}

void turns_take(struct turns *t, struct turn_event *event)
{
    enum suspicion suspicion = suspects_about(t->options.suspects, event);
    event->suspect = suspicion != SUSPICION_NONE;
    if (suspicion == SUSPICION_PROVEN)
        event->doom = "it was in hand at two crashes of the program";
    struct lane *l = lane_of(t, event->in->user_id, true);
    event->next = NULL;
    *l->last = event;
    l->last = &event->next;
    t->waiting++;
    t->waiting_bytes += event->body.n;
    make_ready(t, l);
    run_next(runner_of(t, l));
}

void turns_take_mail(struct turns *t, const struct mail *mail)
{
    struct lane *l = lane_of(t, mail->user_id, false);
    if (turns_full(t))
        return;
    for (const struct turn_event *e = l ? l->first : NULL; e; e = e->next)
        if (e->in->mail_id == mail->id)
            return;
    struct turn_event *event = turn_event_new(t);
    if (strcmp(mail->kind, REVIVE_MAIL_KIND) == 0) {
        revive_event(event, mail, t->options.settings);
        turns_take(t, event);
        return;
    }
    struct inbound *in = talloc_zero(event, struct inbound);
    in->kind = IN_MAIL;
    in->user_id = talloc_strdup(in, mail->user_id);
    in->mail_id = mail->id;
    in->mail_kind = talloc_strdup(in, mail->kind);
    in->mail_payload = talloc_strdup(in, mail->payload);
    in->sent_at_ms = mail->not_before_ms;
    event->in = in;
    turns_take(t, event);
}

size_t turns_waiting(const struct turns *t)
{
    return t->waiting;
}

bool turns_ready(const struct turns *t)
{
    for (int i = 0; i < TURNS_CONNECTIONS; i++)
        if (!pg_connected(t->runner[i].pg))
            return false;
    return true;
}

int64_t turns_away_ms(const struct turns *t, const char *user_id)
{
    const struct runner *r = &t->runner[runner_number((uint32_t)str_hash(str_of(user_id)))];
    int64_t away_ms = pg_away_ms(r->pg), refused_ms = r->refused_since_ms ? clock_monotonic_ms() - r->refused_since_ms : 0;
    return away_ms > refused_ms ? away_ms : refused_ms;
}

const struct turn_counters *turns_counters(const struct turns *t)
{
    return &t->counters;
}
