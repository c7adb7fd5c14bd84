/* The outbox sender: see outbox.h. */
#include "outbox.h"

#include <event2/event.h>
#include <event2/util.h>
#include <stdlib.h>

#include "clock.h"
#include "fault.h"
#include "ids.h"
#include "lanes.h"
#include "limiter.h"
#include "log.h"
#include "outbox_results.h"
#include "outbox_store.h"
#include "pg_queue.h"
#include "reconcile.h"
#include "scoped.h"
#include "settings.h"
#include "token/token.h"
#include "turns.h"
#include "zalo/client.h"
#include "zalo/encode.h"

enum {
    IN_FLIGHT_MAX = 64,   /* performance: 256 gives nothing over 64 */
    HELD_MAX = 2000,      /* rows in memory at most */
    PRESSED_MS = 10000,   /* so long after no more could be held: what waits in the database is still more than enough */
    HELD_MS = 10000,      /* and no more than go out in this time: their leases must not run out meanwhile */
    SEND_LEASE_MS = 15000, /* that a lease must last when its row is sent: longer than a call (10 s) and its writing back */
    CLAIM_MOST = 500,
    LOOK_MS = 1000,       /* for rows of other processes and retries; what is ours is looked for when it is due */
    TRIES_MAX = 12,
    BLIND_TRIES_MAX = 4, /* when its outcome is unknown and nobody can be asked: each may be a copy more (else see reconcile.h) */
    RETRY_LEAST_MS = 1000,
    RETRY_MOST_MS = 15 * 60 * 1000,
    UNKNOWN_WAIT_MS = 5000, /* at least: its echo may be on the way */
    HOLD_STOP_MS = 60 * 1000,
    QUOTA_WAIT_MS = 60 * 60 * 1000,
    DATABASE_DEADLINE_MS = 5000,
    STOP_MS = 10000,
    AWAY_STOP_MS = 2000, /* once the wire is quiet: for a database that is only restarting */
};

struct outbox {
    struct outbox_options options;
    struct lanes lanes;
    size_t in_flight;
    struct outbox_results *results;
    struct event *look_timer, *pause_timer, *stop_timer;
    int64_t look_at_ms;
    bool looking, asking; /* for what is due; about what is in hand */
    int64_t lost_until_ms; /* a claim whose answer was lost may have been made, or still be made, until then */
    bool pumping;
    int64_t pressed_until_ms;
    int64_t paused_until_ms; /* Zalo takes nothing from this OA */
    bool hold, stopping, hurried, releasing;
    void (*stopped)(void *ctx);
    void *stopped_ctx;
    struct outbox_counters counters;
};

static void pump(struct outbox *o);
static void stop_further(struct outbox *o);

static void arm(struct event *timer, int64_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(timer, &tv);
}

/* Full jitter between half and all of an exponential step: retries of a crowd spread out. */
static int64_t backoff_ms(int attempts)
{
    int64_t step = RETRY_LEAST_MS;
    for (int i = 0; i < attempts && step < RETRY_MOST_MS; i++)
        step *= 2;
    if (step > RETRY_MOST_MS)
        step = RETRY_MOST_MS;
    ev_uint32_t r;
    evutil_secure_rng_get_bytes(&r, sizeof(r));
    return step / 2 + (int64_t)(r % (unsigned)(step / 2));
}

/* Nothing may start: by order, at the end, or because the allowance is set to 0. */
static bool is_held(const struct outbox *o)
{
    return o->hold || o->stopping || o->options.settings->send.per_minute == 0;
}

static void settle(struct outbox *o, const struct outbox_claim *claim, const char *zalo_msg_id, const char *failure)
{
    outbox_results_settle(o->results, *claim, zalo_msg_id, failure);
    if (failure)
        o->counters.failed++;
    else
        o->counters.sent++;
}

static void give_back(struct outbox *o, const struct outbox_claim *claim, int64_t retry_ms, bool tried, const char *error)
{
    outbox_results_give_back(o->results, *claim, retry_ms, tried, error);
    outbox_look_in(o, retry_ms);
}

/* How many more rows can be held and still go out in time. */
static size_t room_left(const struct outbox *o)
{
    size_t most = (size_t)(limiter_share(o->options.limiter) * HELD_MS / 60000) + 1;
    if (most > HELD_MAX)
        most = HELD_MAX;
    return o->lanes.held < most ? most - o->lanes.held : 0;
}

/* Under pressure nobody waits for a question because of a thank-you. */
static bool drop_courtesy(struct outbox *o, const struct reply *reply, const struct outbox_claim *claim)
{
    if (reply->class != REPLY_COURTESY || !outbox_pressed(o))
        return false;
    outbox_results_settle(o->results, *claim, NULL, "a courtesy, dropped while others waited");
    o->counters.dropped++;
    return true;
}

/* ---- what is in hand ---- */

/* The head must wait: it and what follows it go back to the database, so that order holds whoever takes them.
 * `tried`: the head has an attempt less; those behind it have not had their turn. */
static void lane_give_back(struct outbox *o, struct lane *l, int64_t retry_ms, bool tried, const char *error)
{
    while (l->first) {
        give_back(o, &l->first->claim, retry_ms, tried || l->first->unsure, error); /* an attempt keeps it unsure */
        lanes_drop_head(&o->lanes, l);
        tried = false;
    }
    lanes_next(&o->lanes, l);
}

static void lane_retry(struct outbox *o, struct lane *l, int64_t retry_ms, bool tried, const char *error)
{
    o->counters.retried++;
    lane_give_back(o, l, retry_ms, tried, error);
}

static const char *silenced_words(enum reply_class class)
{
    return class == REPLY_PROMPT || class == REPLY_COURTESY ? "a person has the conversation" : OUTBOX_OVERTAKEN;
}

/* @param row as it was claimed; NULL: this process has just committed it. */
static void add_item(struct outbox *o, const struct reply *reply, const struct outbox_row *row)
{
    struct item *item = lanes_add(&o->lanes, (struct outbox_claim){.user_id = reply->user_id, .id = reply->id, .fence = row ? row->fence : 0});
    struct zalo_encode_options how = {.template_type_button = o->options.settings->zalo.button_template_type};
    struct err e;
    item->attempts = row ? row->attempts : 0;
    item->last_code = row && row->last_error ? (int)strtol(row->last_error, NULL, 10) : 0; /* on_head_failed() wrote it */
    item->unsure = row && row->unsure;
    item->silenced = row && row->silenced ? silenced_words(reply->class) : NULL;
    item->lease_ends_ms = clock_monotonic_ms() + TURN_LEASE_MS;
    if (room_left(o) == 0)
        o->pressed_until_ms = clock_monotonic_ms() + PRESSED_MS;
    if (!zalo_encode_parts(item, reply, &how, &item->part, &item->part_count, &e)) {
        log_error("%s: a reply cannot be sent: %s", log_person(reply->user_id), e.msg);
        item->part_count = 0; /* settled when its turn comes, so that order stays */
    }
}

/* ---- the wire ---- */

static void on_head_failed(struct outbox *o, struct lane *l, const struct zalo_answer *answer)
{
    struct item *item = l->first;
    char why[1200]; /* nothing is cut: half a character could not be stored, and no result with it */
    snprintf(why, sizeof(why), "%d %s: %s", answer->code, answer->meaning, answer->message);
    int64_t now = clock_monotonic_ms();
    switch (answer->class) {
    case ZALO_TOKEN:
        tokens_rejected(o->options.tokens, item->token_generation);
        if (!item->token_retried) { /* at most one refresh and one resend; it stays at the head until the token changes */
            item->token_retried = true;
            lanes_next(&o->lanes, l);
            return;
        }
        lane_retry(o, l, backoff_ms(item->attempts), false, why);
        return;
    case ZALO_STOP:
        log_error("Zalo refuses to send for this OA: %s; trying again in a minute", why);
        o->paused_until_ms = now + HOLD_STOP_MS;
        lane_retry(o, l, HOLD_STOP_MS, false, why);
        return;
    case ZALO_QUOTA:
    case ZALO_NIGHT:
        lane_retry(o, l, QUOTA_WAIT_MS, false, why);
        return;
    case ZALO_UNKNOWN_OUTCOME:
        if (item->attempts + 1 < TRIES_MAX) {
            int64_t wait_ms = backoff_ms(item->attempts);
            lane_retry(o, l, wait_ms > UNKNOWN_WAIT_MS ? wait_ms : UNKNOWN_WAIT_MS, true, why);
            return;
        }
        break;
    case ZALO_RETRY:
        if (answer->code == ZALO_CODE_RATE_LIMIT) { /* the window is the clock minute: all senders slow down */
            lane_retry(o, l, limiter_back_off(o->options.limiter), false, why);
            return;
        }
        /* The bound of a code is for that code alone: it does not count what else went wrong before. */
        if (item->attempts + 1 < (answer->tries_max && item->last_code == answer->code ? answer->tries_max : TRIES_MAX)) {
            lane_retry(o, l, backoff_ms(item->attempts), true, why);
            return;
        }
        break;
    default:
        break;
    }
    log_warn("%s: a reply was given up: %s", log_person(l->user_id), why);
    settle(o, &item->claim, NULL, why);
    lanes_drop_head(&o->lanes, l);
    lanes_next(&o->lanes, l);
}

struct call {
    struct outbox *o;
    struct lane *lane;
};

static void on_sent(const struct zalo_answer *answer, void *arg)
{
    struct call *call = arg;
    struct outbox *o = call->o;
    struct lane *l = call->lane;
    struct item *item = l->first;
    talloc_free(call);
    o->in_flight--;
    o->counters.by_class[answer->class]++;
    struct zalo_answer lost;
    if (FAULT_POINT("outbox_after_send")) { /* as when the answer was lost on its way */
        zalo_answer_lost(0, true, "a fault point", &lost);
        answer = &lost;
    }
    limiter_heard(o->options.limiter, answer);
    if (answer->class != ZALO_OK) {
        on_head_failed(o, l, answer);
    } else {
        tokens_accepted(o->options.tokens, item->token_generation);
        if (++item->part_at < item->part_count) {
            lanes_next(&o->lanes, l);
        } else {
            settle(o, &item->claim, answer->message_id ? answer->message_id : "", NULL);
            lanes_drop_head(&o->lanes, l);
            lanes_next(&o->lanes, l);
        }
    }
    pump(o);
    stop_further(o);
}

/* A call may go now; false: the limiter, or the end of the pause, wakes the pump. */
static bool allowed(struct outbox *o)
{
    int64_t now = clock_monotonic_ms();
    if (now < o->paused_until_ms) {
        arm(o->pause_timer, o->paused_until_ms - now);
        return false;
    }
    return limiter_take(o->options.limiter, SEND_REPLY, o->lanes.held - o->in_flight);
}

/* It may have been sent already: now we know, or cannot know. */
static void on_looked(size_t arrived, const char *msg_id, const struct zalo_answer *trouble, void *arg)
{
    struct call *call = arg;
    struct outbox *o = call->o;
    struct lane *l = call->lane;
    struct item *item = l->first;
    talloc_free(call);
    o->in_flight--;
    if (trouble && (trouble->class == ZALO_TOKEN || trouble->class == ZALO_RETRY || trouble->class == ZALO_UNKNOWN_OUTCOME)) {
        on_head_failed(o, l, trouble);
    } else if (trouble && item->attempts >= BLIND_TRIES_MAX) {
        settle(o, &item->claim, NULL, "nobody can tell whether it was sent");
        lanes_drop_head(&o->lanes, l);
        lanes_next(&o->lanes, l);
    } else { /* when asking is not allowed to this app it is sent, perhaps twice */
        item->unsure = item->token_retried = false;
        item->part_at = arrived;
        if (arrived == item->part_count) {
            o->counters.reconciled++;
            settle(o, &item->claim, msg_id, NULL);
            lanes_drop_head(&o->lanes, l);
        }
        lanes_next(&o->lanes, l);
    }
    pump(o);
    stop_further(o);
}

/* Asks the conversation about the head of a lane. @return false when the client takes no more now. */
static bool look_for_head(struct outbox *o, struct lane *l, const struct token *token)
{
    struct item *item = l->first;
    struct call *call = talloc_zero(o, struct call);
    *call = (struct call){.o = o, .lane = l};
    item->token_generation = token->generation;
    struct reconcile_question q = {
        .client = o->options.client, .db = o->options.background, .results = o->results, .access_token = token->access,
        .user_id = l->user_id, .made_at_ms = ids_made_at_ms(item->claim.id), .part = item->part, .part_count = item->part_count};
    struct err e = {.kind = ERR_UNAVAILABLE};
    if (FAULT_POINT("outbox_before_look") || !reconcile_start(o, &q, on_looked, call, &e)) {
        talloc_free(call);
        if (e.kind == ERR_UNAVAILABLE)
            return false;
        item->unsure = false; /* it cannot be asked about */
        lanes_next(&o->lanes, l);
        return true;
    }
    l->busy = true;
    o->in_flight++;
    return true;
}

/* Puts the head of a lane on the wire. @return false when the client takes no more now. */
static bool send_head(struct outbox *o, struct lane *l, const struct token *token)
{
    struct item *item = l->first;
    struct call *call = talloc_zero(o, struct call);
    *call = (struct call){.o = o, .lane = l};
    item->token_generation = token->generation;
    const struct zalo_request *part = &item->part[item->part_at];
    struct err e;
    if (FAULT_POINT("outbox_before_send")) { /* as with no connection to be had */
        talloc_free(call);
        lane_retry(o, l, RETRY_LEAST_MS, true, "a fault point");
        return true;
    }
    if (!zalo_client_send(o->options.client, token->access, part->path, (struct str){part->body, part->body_n}, on_sent, call, &e)) {
        talloc_free(call);
        if (e.kind == ERR_UNAVAILABLE)
            return false;
        log_error("%s: a reply cannot be sent: %s", log_person(l->user_id), e.msg);
        settle(o, &item->claim, NULL, e.msg);
        lanes_drop_head(&o->lanes, l);
        lanes_next(&o->lanes, l);
        return true;
    }
    l->busy = true;
    o->in_flight++;
    return true;
}

static void pump(struct outbox *o)
{
    if (o->pumping || is_held(o))
        return;
    o->pumping = true;
    const struct token *token = tokens_current(o->options.tokens);
    int64_t now = clock_monotonic_ms();
    while (token && o->lanes.first_ready && o->in_flight < IN_FLIGHT_MAX) {
        struct lane *l = lanes_take(&o->lanes, token->generation);
        if (!l)
            break;
        if (!l->first) {
            lanes_next(&o->lanes, l);
        } else if (l->first->part_count == 0) {
            settle(o, &l->first->claim, NULL, "cannot be encoded");
            lanes_drop_head(&o->lanes, l);
            lanes_next(&o->lanes, l);
        } else if (l->first->silenced && !l->first->unsure && l->first->part_at == 0) {
            settle(o, &l->first->claim, NULL, l->first->silenced);
            lanes_drop_head(&o->lanes, l);
            lanes_next(&o->lanes, l);
        } else if (l->first->lease_ends_ms <= now + SEND_LEASE_MS) { /* soon somebody else's to send, and all that follows with it */
            o->counters.lease_lost++;
            lane_give_back(o, l, 0, false, "its lease was running out");
        } else if (!allowed(o) || !(l->first->unsure ? look_for_head(o, l, token) : send_head(o, l, token))) {
            lanes_put_first(&o->lanes, l);
            break;
        }
    }
    o->pumping = false;
}

static void on_pause_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    pump(arg);
}

static void on_more_allowed(void *arg)
{
    pump(arg);
}

/* ---- taking due rows ---- */

static void on_claimed(const struct pg_answer *answer, void *arg)
{
    struct outbox *o = arg;
    o->looking = false;
    if (answer->e) {
        o->lost_until_ms = clock_monotonic_ms() + TURN_LEASE_MS;
        static struct log_gate gate;
        if (log_pass(&gate, 30000))
            log_warn("cannot look for due replies: %s", answer->e->msg);
        return;
    }
    const PGresult *rows = answer->result[answer->count - 1];
    TALLOC_CTX *tmp = talloc_new(o);
    for (const struct outbox_row *row = outbox_store_claimed(tmp, rows); row; row = row->next) {
        struct outbox_claim claim = {row->reply.user_id, row->reply.id, row->fence};
        if (outbox_results_settled_before(o->results, claim))
            continue;
        if (row->echo_msg_id) {
            o->counters.reconciled++;
            settle(o, &claim, row->echo_msg_id, NULL);
        } else if (row->expired) {
            o->counters.expired++;
            settle(o, &claim, NULL, "expired");
        } else if (row->silenced && !(row->reply.class == REPLY_STAFF && row->unsure)) { /* whose words it is wants to know whether they arrived */
            settle(o, &claim, NULL, silenced_words(row->reply.class));
        } else if (row->unsure || !drop_courtesy(o, &row->reply, &claim)) {
            add_item(o, &row->reply, row);
        }
    }
    if (PQntuples(rows) > 0) /* perhaps more; what is held bounds it */
        outbox_look_in(o, 0);
    talloc_free(tmp);
    pump(o);
}

/* ---- what a person has taken over since ---- */

static void on_asked(const struct pg_answer *answer, void *arg)
{
    struct outbox *o = arg;
    o->asking = false;
    if (answer->e) /* it is asked again in a moment, or goes out as it would have a moment before */
        return;
    const PGresult *rows = answer->result[answer->count - 1];
    for (int r = 0; r < PQntuples(rows); r++) {
        struct item *item = lanes_find(&o->lanes, PQgetvalue(rows, r, 0), pg_int8(rows, r, 1));
        if (item)
            item->silenced = silenced_words((enum reply_class)pg_int8(rows, r, 2));
    }
    pump(o);
}

/* What waits in hand was nobody's when it was taken; that may have changed.  Nothing is asked while replies go out as they come. */
static void ask_about_waiting(struct outbox *o)
{
    int64_t taken_before = clock_monotonic_ms() + TURN_LEASE_MS - LOOK_MS / 2;
    if (o->asking || o->lanes.held == o->in_flight)
        return;
    struct pg_unit *unit = pg_unit_new(o);
    struct pg_array *user_ids = pg_array_new(unit, PG_TEXT), *ids = pg_array_new(unit, PG_INT8);
    size_t n = 0;
    for (size_t i = 0; i < LANE_BUCKETS; i++)
        for (const struct lane *l = o->lanes.bucket[i]; l; l = l->next_in_bucket)
            for (const struct item *item = l->first; item; item = item->next)
                if (!(l->busy && item == l->first) && !item->silenced && item->lease_ends_ms < taken_before) {
                    pg_array_text(user_ids, l->user_id);
                    pg_array_int8(ids, item->claim.id);
                    n++;
                }
    if (n == 0) {
        talloc_free(unit);
        return;
    }
    o->asking = true;
    outbox_store_silenced(unit, user_ids, ids);
    pg_queue_run(o->options.background, unit, DATABASE_DEADLINE_MS, on_asked, o);
}

/* What a claim took whose answer was lost is free again: the claim behind this takes it. */
static void free_lost_claims(struct outbox *o, struct pg_unit *unit)
{
    struct pg_array *user_ids = pg_array_new(unit, PG_TEXT), *ids = pg_array_new(unit, PG_INT8);
    for (size_t i = 0; i < LANE_BUCKETS; i++)
        for (const struct lane *l = o->lanes.bucket[i]; l; l = l->next_in_bucket)
            for (const struct item *item = l->first; item; item = item->next) {
                pg_array_text(user_ids, l->user_id);
                pg_array_int8(ids, item->claim.id);
            }
    outbox_results_list(o->results, user_ids, ids);
    outbox_store_lost_claims(unit, o->options.process, user_ids, ids);
}

static void on_look_timer(evutil_socket_t fd, short what, void *arg)
{
    struct outbox *o = arg;
    (void)fd;
    (void)what;
    o->look_at_ms = 0;
    outbox_look_in(o, LOOK_MS);
    ask_about_waiting(o);
    size_t room = room_left(o);
    if (o->looking || is_held(o) || room == 0 || !tokens_current(o->options.tokens))
        return;
    o->looking = true;
    struct pg_unit *unit = pg_unit_new(o);
    if (clock_monotonic_ms() < o->lost_until_ms)
        free_lost_claims(o, unit);
    outbox_store_claim(unit, o->options.process, TURN_LEASE_MS, room < CLAIM_MOST ? (int)room : CLAIM_MOST);
    PG_FAULTS(unit, "outbox_before_claim", "outbox_after_claim");
    pg_queue_run(o->options.background, unit, DATABASE_DEADLINE_MS, on_claimed, o);
}

void outbox_look_in(struct outbox *o, int64_t due_ms)
{
    int64_t at = clock_monotonic_ms() + due_ms + 2; /* the database's clock decides; a look too early would find nothing */
    if (o->look_at_ms && o->look_at_ms <= at)
        return;
    o->look_at_ms = at;
    arm(o->look_timer, due_ms + 2);
}

/* ---- stopping ---- */

static void on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
    struct outbox *o = arg;
    (void)fd;
    (void)what;
    if (!o->stopped)
        return;
    void (*stopped)(void *ctx) = TAKE(o->stopped);
    stopped(o->stopped_ctx);
}

static void on_released(const struct pg_answer *answer, void *arg)
{
    struct outbox *o = arg;
    if (answer->e)
        log_warn("replies in hand could not be given back: %s; their leases run out", answer->e->msg);
    arm(o->stop_timer, 0);
}

/* Once the wire is quiet and every result is written, what this process still holds is given back.  Without a database neither
 * can be done: what was sent is found by its echo when its lease has run out. */
static void stop_further(struct outbox *o)
{
    if (!o->stopping || o->releasing || o->in_flight > 0)
        return;
    if (!o->hurried && !pg_connected(pg_queue_connection(o->options.background))) {
        o->hurried = true;
        arm(o->stop_timer, AWAY_STOP_MS);
    }
    if (outbox_results_waiting(o->results) > 0)
        return;
    o->releasing = true;
    struct pg_unit *unit = pg_unit_new(o);
    outbox_store_release(unit, o->options.process);
    PG_FAULTS(unit, "outbox_before_release", "outbox_after_release");
    pg_queue_run(o->options.background, unit, DATABASE_DEADLINE_MS, on_released, o);
}

void outbox_stop(struct outbox *o, void (*done)(void *ctx), void *ctx)
{
    if (o->stopping)
        return;
    o->stopping = true;
    o->stopped = done;
    o->stopped_ctx = ctx;
    arm(o->stop_timer, STOP_MS);
    stop_further(o);
}

/* ---- the rest ---- */

static void on_results_quiet(void *arg)
{
    stop_further(arg);
}

static int outbox_destructor(struct outbox *o)
{
    event_free(o->look_timer);
    event_free(o->pause_timer);
    event_free(o->stop_timer);
    return 0;
}

struct outbox *outbox_new(TALLOC_CTX *ctx, const struct outbox_options *options)
{
    struct outbox *o = talloc_zero(ctx, struct outbox);
    o->options = *options;
    o->hold = options->hold;
    lanes_init(&o->lanes, o);
    o->look_timer = event_new(options->base, -1, 0, on_look_timer, o);
    o->results = outbox_results_new(o, options->base, options->background, on_results_quiet, o);
    o->pause_timer = event_new(options->base, -1, 0, on_pause_timer, o);
    limiter_on_more(options->limiter, SEND_REPLY, on_more_allowed, o);
    o->stop_timer = event_new(options->base, -1, 0, on_stop_timer, o);
    talloc_set_destructor(o, outbox_destructor);
    outbox_look_in(o, 0);
    return o;
}

bool outbox_has_room(const struct outbox *o)
{
    return !is_held(o) && room_left(o) > 0;
}

bool outbox_pressed(const struct outbox *o)
{
    return clock_monotonic_ms() < o->pressed_until_ms;
}

void outbox_take(struct outbox *o, const struct reply *reply)
{
    struct outbox_claim claim = {.user_id = reply->user_id, .id = reply->id};
    if (drop_courtesy(o, reply, &claim))
        return;
    if (!outbox_has_room(o)) { /* at once: under our lease it would be overtaken by the person's next reply */
        give_back(o, &claim, 0, false, "its sender was busy");
        return;
    }
    add_item(o, reply, NULL);
    pump(o);
}

void outbox_wake(struct outbox *o)
{
    pump(o);
}

void outbox_hold(struct outbox *o, bool hold)
{
    o->hold = hold;
    pump(o);
}

bool outbox_sent_lately(const struct outbox *o, const char *zalo_msg_id)
{
    return outbox_results_written_lately(o->results, zalo_msg_id);
}

size_t outbox_waiting(const struct outbox *o)
{
    return o->lanes.held + outbox_results_waiting(o->results);
}

bool outbox_paused(const struct outbox *o)
{
    return o->paused_until_ms > clock_monotonic_ms();
}

const struct outbox_counters *outbox_counters(const struct outbox *o)
{
    return &o->counters;
}
