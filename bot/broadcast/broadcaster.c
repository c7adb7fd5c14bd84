/* Broadcasts in the service: see broadcaster.h. */
#include "broadcaster.h"

#include <event2/event.h>
#include <string.h>

#include "broadcast_plan.h"
#include "broadcast_settle.h"
#include "broadcast_text.h"
#include "clock.h"
#include "hours.h"
#include "log.h"
#include "pg_queue.h"
#include "scoped.h"
#include "settings.h"

enum {
    BUSY_MS = 300,
    IDLE_MS = 2000,
    CHUNK_PEOPLE = 1000,
    DEADLINE_MS = 5000,
    FREEZE_DEADLINE_MS = 30000,
    STOP_MS = 10000,
};

struct broadcaster {
    struct broadcaster_options options;
    struct broadcast_sender *sender;
    struct broadcast_settler *settler;
    struct event *timer, *stop_timer;
    bool looking;
    struct chore *chore; /* freezing or writing off a chunk; NULL: none */
    bool taking;         /* a chunk for the sender */
    bool stopping;
    void (*stopped)(void *ctx);
    void *stopped_ctx;
};

/* One chunk in hand for something else than sending. */
struct chore {
    struct broadcaster *b;
    struct broadcast *about;
    struct broadcast_chunk chunk;
    const char *from_id, *last_id;
    const char *state; /* of the chunk: freeze, ready */
    bool write_off;
    int64_t asked_ms;
};

static void look_in(struct broadcaster *b, int64_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(b->timer, &tv);
}

static void complain(const struct err *e, const char *what)
{
    static struct log_gate gate;
    if (log_pass(&gate, 30000))
        log_warn("%s: %s; trying again", what, e->msg);
}

static struct pg_params *id_params(struct pg_unit *unit, int64_t id)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_int8(p, id);
    return p;
}

/* ---- taking a chunk ---- */

static bool read_chunk(struct chore *c, const PGresult *res)
{
    if (PQntuples(res) == 0)
        return false;
    c->chunk = (struct broadcast_chunk){.chunk = pg_int8(res, 0, 0), .fence = pg_int8(res, 0, 1), .marked_id = pg_text(c, res, 0, 4)};
    c->from_id = pg_text(c, res, 0, 2);
    c->last_id = pg_text(c, res, 0, 3);
    return true;
}

static struct chore *take(struct broadcaster *b, const struct broadcast *about, const char *state, pg_done_fn *on_taken)
{
    struct chore *c = talloc_zero(b, struct chore);
    c->b = b;
    c->about = talloc_steal(c, (void *)(uintptr_t)about);
    c->state = state;
    c->asked_ms = clock_monotonic_ms();
    struct pg_unit *unit = pg_unit_new(c);
    struct pg_params *p = id_params(unit, about->id);
    pg_param_text(p, state);
    pg_param_text(p, b->options.process);
    pg_param_int8(p, BROADCAST_LEASE_MS);
    pg_add(unit, SQL_BROADCAST_TAKE, p);
    pg_queue_run(b->options.db, unit, DEADLINE_MS, on_taken, c);
    return c;
}

static struct pg_params *chunk_params(struct pg_unit *unit, const struct chore *c)
{
    struct pg_params *p = id_params(unit, c->about->id);
    pg_param_int8(p, c->chunk.chunk);
    pg_param_int8(p, c->chunk.fence);
    return p;
}

/* What the last holder of the chunk had on the wire when it went. */
static void add_lost(struct pg_unit *unit, const struct chore *c)
{
    struct pg_params *p = chunk_params(unit, c);
    pg_param_text(p, c->chunk.marked_id);
    pg_add(unit, SQL_BROADCAST_LOST, p);
}

/* ---- freezing and writing off ---- */

static void end_chore(struct chore *c, int64_t next_ms)
{
    struct broadcaster *b = c->b;
    b->chore = NULL;
    talloc_free(c);
    if (!b->stopping)
        look_in(b, next_ms);
}

static void on_chore_done(const struct pg_answer *answer, void *arg)
{
    struct chore *c = arg;
    if (answer->e)
        complain(answer->e, "a chunk of a broadcast could not be prepared");
    end_chore(c, answer->e ? IDLE_MS : 0);
}

/* The chunk's recipients, with the text each will get: what fills the body, where that is all there is to it. */
static void on_recipients(const struct pg_answer *answer, void *arg)
{
    struct chore *c = arg;
    if (answer->e) {
        on_chore_done(answer, c);
        return;
    }
    const PGresult *res = answer->result[0];
    const struct broadcast *about = c->about;
    bool plain = broadcast_text_is_plain(about->body);
    struct pg_unit *unit = pg_unit_new(c);
    struct pg_array *users = pg_array_new(unit, PG_TEXT), *texts = pg_array_new(unit, PG_TEXT), *words = pg_array_new(unit, PG_TEXT),
                    *by_template = pg_array_new(unit, PG_BOOL);
    for (int r = 0; r < PQntuples(res); r++) {
        TALLOC_CTX *tmp = talloc_new(unit);
        struct broadcast_person who = {.full_name = pg_text(tmp, res, r, 2), .unit_name = pg_text(tmp, res, r, 3),
                                       .title = pg_text(tmp, res, r, 4), .initiatives = pg_int8(res, r, 5)};
        bool templated = about->template_id && str_eq(pg_bytes(res, r, 1), STR("silent"));
        pg_array_text(users, pg_text(tmp, res, r, 0));
        pg_array_bool(by_template, templated);
        const char *own = templated || plain ? NULL : broadcast_text_words(tmp, about->body, &who);
        pg_array_text(words, own);
        if (templated)
            pg_array_text(texts, broadcast_data_render(tmp, about->template_data, &who));
        else
            pg_array_text(texts, plain || own ? NULL : broadcast_text_render(tmp, about->body, &who));
        talloc_free(tmp);
    }
    struct pg_params *p = chunk_params(unit, c);
    pg_param_array(p, users);
    pg_param_array(p, texts);
    pg_param_array(p, words);
    pg_param_array(p, by_template);
    pg_add(unit, SQL_BROADCAST_FROZEN, p);
    pg_queue_run(c->b->options.work, unit, FREEZE_DEADLINE_MS, on_chore_done, c);
}

static void freeze(struct chore *c)
{
    struct err e;
    struct pg_unit *unit = pg_unit_new(c);
    struct pg_params *p = broadcast_plan_params(unit, c->about, &e);
    if (!p) { /* it was checked when it was written */
        log_error("broadcast %lld cannot be frozen: %s", (long long)c->about->id, e.msg);
        talloc_free(unit);
        end_chore(c, IDLE_MS);
        return;
    }
    pg_param_int8(p, c->about->free_only);
    pg_param_int8(p, c->about->template_id != NULL);
    pg_param_text(p, c->from_id);
    pg_param_text(p, c->last_id);
    pg_add(unit, SQL_BROADCAST_FREEZE, p);
    pg_queue_run(c->b->options.work, unit, FREEZE_DEADLINE_MS, on_recipients, c);
}

static void write_off(struct chore *c)
{
    struct pg_unit *unit = pg_unit_new(c);
    struct pg_params *p = chunk_params(unit, c);
    add_lost(unit, c);
    pg_param_text(p, c->chunk.marked_id);
    pg_add(unit, SQL_BROADCAST_WRITE_OFF, p);
    pg_queue_run(c->b->options.work, unit, FREEZE_DEADLINE_MS, on_chore_done, c);
}

static void on_chore_taken(const struct pg_answer *answer, void *arg)
{
    struct chore *c = arg;
    if (answer->e || !read_chunk(c, answer->result[0])) {
        if (answer->e)
            complain(answer->e, "a chunk of a broadcast could not be taken");
        end_chore(c, answer->e ? IDLE_MS : BUSY_MS);
        return;
    }
    if (c->write_off)
        write_off(c);
    else
        freeze(c);
}

/* ---- sending ---- */

static void on_lost_written(const struct pg_answer *answer, void *arg)
{
    struct chore *c = arg;
    struct broadcaster *b = c->b;
    b->taking = false;
    if (answer->e)
        complain(answer->e, "a chunk of a broadcast could not be taken"); /* its lease runs out */
    else if (!b->stopping)
        broadcast_sender_start(b->sender, c->about, &c->chunk, c->asked_ms);
    talloc_free(c);
}

static void on_chunk_taken(const struct pg_answer *answer, void *arg)
{
    struct chore *c = arg;
    struct broadcaster *b = c->b;
    if (answer->e || !read_chunk(c, answer->result[0])) {
        b->taking = false;
        talloc_free(c);
        return;
    }
    struct pg_unit *unit = pg_unit_new(c);
    add_lost(unit, c);
    pg_queue_run(b->options.db, unit, DEADLINE_MS, on_lost_written, c);
}

static void on_sender_idle(void *arg)
{
    struct broadcaster *b = arg;
    if (b->stopped)
        event_active(b->stop_timer, EV_TIMEOUT, 0);
    else if (!b->stopping)
        look_in(b, 0);
}

/* ---- looking ---- */

static void on_step(const struct pg_answer *answer, void *arg)
{
    struct broadcaster *b = arg;
    if (answer->e)
        complain(answer->e, "a broadcast could not be moved on");
    else if (!b->stopping)
        look_in(b, 0);
}

static void move_on(struct broadcaster *b, enum sql_id id, int64_t broadcast, int64_t people)
{
    struct pg_unit *unit = pg_unit_new(b);
    struct pg_params *p = id_params(unit, broadcast);
    if (people)
        pg_param_int8(p, people);
    pg_add(unit, id, p);
    pg_queue_run(b->options.work, unit, FREEZE_DEADLINE_MS, on_step, b);
}

/* A row of broadcast_active. */
struct active {
    struct broadcast *about;
    bool paused, due;
    int64_t to_freeze, to_send;
};

static struct active active_row(TALLOC_CTX *ctx, const PGresult *res, int r)
{
    struct broadcast *a = talloc_zero(ctx, struct broadcast);
    *a = (struct broadcast){
        .id = pg_int8(res, r, 0), .segment = pg_text(a, res, r, 1), .scope_unit = pg_int8(res, r, 2), .parent_id = pg_int8(res, r, 3),
        .body = pg_text(a, res, r, 4), .buttons = pg_text(a, res, r, 5), .template_id = pg_text(a, res, r, 6),
        .template_data = pg_text(a, res, r, 7), .free_only = pg_bool(res, r, 8), .state = pg_text(a, res, r, 9)};
    return (struct active){a, pg_bool(res, r, 10), pg_bool(res, r, 11), pg_int8(res, r, 12), pg_int8(res, r, 13)};
}

static bool may_send(const struct broadcaster *b)
{
    const struct settings *s = b->options.settings;
    return !b->options.hold && hours_open(&s->hours.broadcast, &s->hours.holidays, clock_epoch_ms());
}

/* What this broadcast needs next. @return true when that is not just waiting. */
static bool serve(struct broadcaster *b, const struct active *a)
{
    const char *state = a->about->state;
    if (strcmp(state, "cancelled") == 0) {
        if (broadcast_sender_id(b->sender) == a->about->id)
            broadcast_sender_halt(b->sender);
        else if (!b->chore)
            (b->chore = take(b, a->about, a->to_send ? "ready" : "freeze", on_chore_taken))->write_off = true;
        return true;
    }
    if (a->paused)
        return false;
    if (strcmp(state, "waiting") == 0) {
        if (a->due)
            move_on(b, SQL_BROADCAST_CUT, a->about->id, CHUNK_PEOPLE);
        return a->due;
    }
    if (strcmp(state, "freezing") == 0) {
        if (a->to_freeze == 0)
            move_on(b, SQL_BROADCAST_ALL_FROZEN, a->about->id, 0);
        else if (!b->chore)
            b->chore = take(b, a->about, "freeze", on_chore_taken);
        return true;
    }
    if (a->to_send == 0) {
        move_on(b, SQL_BROADCAST_FINISH, a->about->id, 0);
    } else if (!b->taking && !broadcast_sender_id(b->sender) && may_send(b)) {
        b->taking = true;
        take(b, a->about, "ready", on_chunk_taken);
    }
    return true;
}

static void on_active(const struct pg_answer *answer, void *arg)
{
    struct broadcaster *b = arg;
    b->looking = false;
    if (b->stopping)
        return;
    if (answer->e) {
        complain(answer->e, "broadcasts could not be looked at");
        look_in(b, IDLE_MS);
        return;
    }
    const PGresult *res = answer->result[0];
    int64_t sending = broadcast_sender_id(b->sender);
    bool goes_on = false, busy = false;
    TALLOC_CTX *tmp = talloc_new(b);
    for (int r = 0; r < PQntuples(res); r++) {
        struct active a = active_row(tmp, res, r);
        if (a.about->id == sending && !a.paused && strcmp(a.about->state, "sending") == 0)
            goes_on = true;
        busy |= serve(b, &a);
    }
    talloc_free(tmp);
    if (sending && (!goes_on || !may_send(b)))
        broadcast_sender_halt(b->sender);
    look_in(b, busy || sending ? BUSY_MS : IDLE_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct broadcaster *b = arg;
    (void)fd;
    (void)what;
    broadcast_sender_tick(b->sender);
    look_in(b, IDLE_MS);
    if (b->looking || b->stopping)
        return;
    b->looking = true;
    struct pg_unit *unit = pg_unit_new(b);
    pg_add(unit, SQL_BROADCAST_ACTIVE, NULL);
    pg_queue_run(b->options.db, unit, DEADLINE_MS, on_active, b);
}

/* ---- the rest ---- */

static void on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
    struct broadcaster *b = arg;
    (void)fd;
    (void)what;
    if (!b->stopped)
        return;
    void (*stopped)(void *ctx) = TAKE(b->stopped);
    stopped(b->stopped_ctx);
}

static int broadcaster_destructor(struct broadcaster *b)
{
    event_free(b->timer);
    event_free(b->stop_timer);
    return 0;
}

struct broadcaster *broadcaster_new(TALLOC_CTX *ctx, const struct broadcaster_options *options)
{
    struct broadcaster *b = talloc_zero(ctx, struct broadcaster);
    b->options = *options;
    b->timer = event_new(options->base, -1, 0, on_timer, b);
    b->stop_timer = event_new(options->base, -1, 0, on_stop_timer, b);
    talloc_set_destructor(b, broadcaster_destructor);
    b->sender = broadcast_sender_new(b, &(struct broadcast_sender_options){
        .base = options->base, .settings = options->settings, .db = options->db, .client = options->client, .tokens = options->tokens,
        .limiter = options->limiter, .wire = options->wire, .on_idle = on_sender_idle, .ctx = b});
    b->settler = broadcast_settler_new(b, &(struct broadcast_settler_options){
        .base = options->base, .db = options->work, .client = options->client, .tokens = options->tokens, .limiter = options->limiter});
    look_in(b, 0);
    return b;
}

void broadcaster_poke(struct broadcaster *b)
{
    if (!b->stopping)
        look_in(b, 0);
}

void broadcaster_wake(struct broadcaster *b)
{
    broadcast_sender_wake(b->sender);
}

void broadcaster_stop(struct broadcaster *b, void (*done)(void *ctx), void *ctx)
{
    if (b->stopping)
        return;
    b->stopping = true;
    b->stopped = done;
    b->stopped_ctx = ctx;
    broadcast_sender_halt(b->sender);
    struct timeval most = {broadcast_sender_id(b->sender) ? STOP_MS / 1000 : 0, 0};
    event_add(b->stop_timer, &most);
}

const struct broadcast_counters *broadcaster_counters(const struct broadcaster *b)
{
    return broadcast_sender_counters(b->sender);
}
