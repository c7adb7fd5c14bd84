/* Sending a chunk: see broadcast_send.h. */
#include "broadcast_send.h"

#include <event2/event.h>
#include <event2/util.h>
#include <stdio.h>
#include <string.h>

#include "broadcast_text.h"
#include "broadcast_wire.h"
#include "clock.h"
#include "send/limiter.h"
#include "log.h"
#include "pg_queue.h"
#include "scoped.h"
#include "settings.h"
#include "token/token.h"
#include "zalo/client.h"
#include "zalo/encode.h"

enum {
    IN_FLIGHT_MAX = 48, /* of the client's 64: replies always find a place */
    LEAST_MARKED = 4,
    SEND_MARGIN_MS = 15000, /* longer than a call lasts: what is sent under a lease is answered under it */
    KEEP_MS = 15000,
    TRIES_MAX = 3,
    AGAIN_MS = 2000,
    FULL_MS = 20, /* the client took no more */
    POISON_MAX = 10, /* refusals in a row that speak of the message itself */
    DATABASE_DEADLINE_MS = 5000,
    FREE_MIN = 48 * 60,
    WINDOW_MIN = 7 * 24 * 60,
    CODE_FEATURE_QUOTA = -211,
};

struct item {
    struct item *next;
    const char *user_id;
    int64_t place;         /* in the chunk */
    const char *before_id; /* marked up to here before it */
    struct zalo_request request;
    int tries;
    bool token_retried;
    int64_t token_generation, not_before_ms;
};

struct result {
    struct result *next;
    const char *user_id, *state, *message_id, *reason;
    bool charged;
};

struct broadcast_sender {
    struct broadcast_sender_options options;
    struct chunk_run *run; /* NULL: idle */
    struct event *timer;
    struct broadcast_counters counters;
};

/* One chunk from start to end; every item and result is its child. */
struct chunk_run {
    struct broadcast_sender *s;
    struct broadcast *b;
    int64_t chunk, fence;
    char *marked_id;
    int64_t places; /* rows marked so far */
    int64_t reached; /* of these, up to the furthest that was put on the wire */
    int64_t lease_ends_ms, asked_ms, kept_ms;
    struct item *unsent, **last_unsent;
    size_t unsent_count, in_flight;
    struct result *results, *writing;
    size_t result_count;
    bool db_busy, end_reached, halting;
    size_t asked_for; /* rows of the mark that is under way */
    int poison;
};

static void pump(struct chunk_run *r);
static void step(struct chunk_run *r);

static void arm(struct event *timer, int64_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(timer, &tv);
}

/* Half a second's worth of this process's share, within bounds: what a pause, a stop or a crash has to give up. */
static size_t window(const struct broadcast_sender *s)
{
    int64_t n = limiter_share(s->options.limiter) / 120;
    return n < LEAST_MARKED ? LEAST_MARKED : n > BROADCAST_MARKED_MAX ? BROADCAST_MARKED_MAX : (size_t)n;
}

/* ---- results ---- */

static void settle(struct chunk_run *r, const char *user_id, const char *state, const char *message_id, const char *reason, bool charged)
{
    struct result *x = talloc_zero(r, struct result);
    *x = (struct result){.next = r->results, .user_id = talloc_strdup(x, user_id), .state = state, .charged = charged};
    x->message_id = message_id ? talloc_strdup(x, message_id) : NULL;
    x->reason = reason ? talloc_strdup(x, reason) : NULL;
    r->results = x;
    r->result_count++;
    struct broadcast_counters *c = &r->s->counters;
    ++*(state[0] == 'f' ? &c->failed : state[0] == 'u' ? &c->unknown : strcmp(state, "skipped") == 0 ? &c->skipped : &c->sent);
}

static void drop(struct item *item)
{
    talloc_free(item);
}

/* Not sent, and may go again: in front of the others, so that the order of the chunk is kept. */
static void put_back(struct chunk_run *r, struct item *item, int64_t wait_ms)
{
    item->not_before_ms = wait_ms ? clock_monotonic_ms() + wait_ms : 0;
    item->next = r->unsent;
    if (!r->unsent)
        r->last_unsent = &item->next;
    r->unsent = item;
    r->unsent_count++;
}

static void on_paused(const struct pg_answer *answer, void *arg)
{
    (void)arg;
    if (answer->e)
        log_warn("a broadcast could not be paused: %s, ignoring", answer->e->msg); /* its next refusal tries again */
}

/* What a repeat does not cure concerns everybody behind it as well: a person has to look. */
static void pause_broadcast(struct chunk_run *r, const struct zalo_answer *answer)
{
    char why[300];
    snprintf(why, sizeof(why), "Zalo: %d %s", answer->code, answer->meaning);
    log_error("broadcast %lld is paused: %s; `sangkien broadcast resume %lld` goes on", (long long)r->b->id, why, (long long)r->b->id);
    struct pg_unit *unit = pg_unit_new(r->s);
    struct pg_params *p = pg_params_new(unit);
    pg_param_int8(p, r->b->id);
    pg_param_text(p, why);
    pg_add(unit, SQL_BROADCAST_PAUSE, p);
    pg_queue_run(r->s->options.db, unit, DATABASE_DEADLINE_MS, on_paused, r->s);
    broadcast_sender_halt(r->s);
}

static void refused(struct chunk_run *r, struct item *item, const struct zalo_answer *answer)
{
    char why[100];
    snprintf(why, sizeof(why), "zalo %d", answer->code);
    switch (answer->class) {
    case ZALO_TOKEN:
        tokens_rejected(r->s->options.tokens, item->token_generation);
        put_back(r, item, item->token_retried ? AGAIN_MS : 0);
        item->token_retried = true;
        return;
    case ZALO_STOP:
        put_back(r, item, 0);
        pause_broadcast(r, answer);
        return;
    case ZALO_QUOTA:
        if (answer->code != CODE_FEATURE_QUOTA)
            break;
        put_back(r, item, 0);
        pause_broadcast(r, answer);
        return;
    case ZALO_UNKNOWN_OUTCOME:
        settle(r, item->user_id, "unknown", NULL, NULL, false);
        drop(item);
        return;
    case ZALO_RETRY:
        if (answer->code == ZALO_CODE_RATE_LIMIT) {
            put_back(r, item, limiter_back_off(r->s->options.limiter));
            return;
        }
        if (++item->tries < TRIES_MAX) {
            put_back(r, item, (int64_t)AGAIN_MS * item->tries);
            return;
        }
        break;
    case ZALO_POISON:
        settle(r, item->user_id, "failed", NULL, why, false);
        drop(item);
        if (++r->poison == POISON_MAX)
            pause_broadcast(r, answer);
        return;
    default:
        break;
    }
    settle(r, item->user_id, "failed", NULL, answer->code ? why : answer->meaning, false);
    drop(item);
}

/* ---- the wire ---- */

struct wire {
    struct chunk_run *r;
    struct item *item;
};

static void on_sent(const struct zalo_answer *answer, void *arg)
{
    struct wire w = *(struct wire *)arg;
    struct chunk_run *r = w.r;
    talloc_free(arg);
    r->in_flight--;
    limiter_heard(r->s->options.limiter, answer);
    if (answer->class == ZALO_OK) {
        tokens_accepted(r->s->options.tokens, w.item->token_generation);
        r->poison = 0;
        settle(r, w.item->user_id, "sent", answer->message_id, NULL, answer->charged);
        drop(w.item);
    } else {
        refused(r, w.item, answer);
    }
    pump(r);
    step(r);
}

/* Puts one on the wire. @return false when the client takes no more now. */
static bool send_item(struct chunk_run *r, struct item *item, const struct token *token)
{
    struct wire *w = talloc_zero(r, struct wire);
    struct err e;
    *w = (struct wire){r, item};
    item->token_generation = token->generation;
    if (item->place >= r->reached) {
        broadcast_wire_reach(r->s->options.wire, item->user_id);
        r->reached = item->place + 1;
    }
    if (zalo_client_send(r->s->options.client, token->access, item->request.path, (struct str){item->request.body, item->request.body_n}, on_sent, w,
                         &e)) {
        r->in_flight++;
        return true;
    }
    talloc_free(w);
    if (e.kind == ERR_UNAVAILABLE)
        return false;
    settle(r, item->user_id, "failed", NULL, "not sendable", false);
    drop(item);
    return true;
}

/* The first that may go now, taken out; NULL: none, *ret_wait_ms until one may. */
static struct item *next_item(struct chunk_run *r, const struct token *token, int64_t now, int64_t *ret_wait_ms)
{
    *ret_wait_ms = -1;
    for (struct item **at = &r->unsent; *at; at = &(*at)->next) {
        struct item *item = *at;
        if (item->token_retried && item->token_generation == token->generation && item->not_before_ms == 0)
            continue; /* refused with this very token: it waits for the next */
        if (item->not_before_ms > now) {
            if (*ret_wait_ms < 0 || item->not_before_ms - now < *ret_wait_ms)
                *ret_wait_ms = item->not_before_ms - now;
            continue;
        }
        *at = item->next;
        if (!*at)
            r->last_unsent = at;
        r->unsent_count--;
        return item;
    }
    return NULL;
}

static void pump(struct chunk_run *r)
{
    struct broadcast_sender *s = r->s;
    const struct token *token = tokens_current(s->options.tokens);
    int64_t now = clock_monotonic_ms();
    if (r->lease_ends_ms <= now + SEND_MARGIN_MS)
        broadcast_sender_halt(s);
    while (token && !r->halting && r->unsent && r->in_flight < IN_FLIGHT_MAX) {
        int64_t wait_ms;
        struct item *item = next_item(r, token, now, &wait_ms);
        if (!item) {
            if (wait_ms >= 0)
                arm(s->timer, wait_ms + 1);
            return;
        }
        if (!limiter_take(s->options.limiter, SEND_BROADCAST, r->unsent_count + 1)) {
            put_back(r, item, 0);
            return;
        }
        if (!send_item(r, item, token)) {
            put_back(r, item, 0);
            arm(s->timer, FULL_MS);
            return;
        }
    }
}

/* ---- marking and writing ---- */

static const char *why_skipped(const struct chunk_run *r, const PGresult *res, int row)
{
    int64_t silent_min = pg_int8(res, row, 5);
    if (pg_bool(res, row, 2))
        return "opted_out";
    if (pg_bool(res, row, 3))
        return "with_support";
    if (pg_int8(res, row, 4) >= BROADCAST_PER_WEEK)
        return "capped";
    if (r->b->free_only && silent_min >= FREE_MIN)
        return "not_free";
    return silent_min >= WINDOW_MIN && !pg_bool(res, row, 6) ? "silent" : NULL;
}

static bool encode(struct chunk_run *r, struct item *item, const char *text, bool by_template)
{
    struct zalo_encode_options how = {.template_type_button = r->s->options.settings->zalo.button_template_type};
    struct err e;
    if (by_template)
        return zalo_encode_template(item, item->user_id, r->b->template_id, text, &item->request, &e);
    TALLOC_CTX *tmp = talloc_new(item);
    struct reply reply = {.user_id = item->user_id, .text = text};
    struct zalo_request *part = NULL;
    size_t parts = 0;
    broadcast_buttons_add(tmp, r->b->buttons, &reply);
    bool ok = zalo_encode_parts(tmp, &reply, &how, &part, &parts, &e) && parts == 1;
    if (ok)
        item->request = (struct zalo_request){part->path, talloc_steal(item, part->body), part->body_n};
    talloc_free(tmp);
    return ok;
}

static void take_row(struct chunk_run *r, const PGresult *res, int row)
{
    const char *why = why_skipped(r, res, row);
    struct item *item = talloc_zero(r, struct item);
    item->user_id = pg_text(item, res, row, 0);
    item->place = r->places++;
    item->before_id = talloc_steal(item, r->marked_id);
    r->marked_id = talloc_strdup(r, item->user_id);
    const char *own = pg_text(item, res, row, 1), *words = pg_text(item, res, row, 7), *body = r->b->body;
    const char *text = own ? own : words ? broadcast_text_fill(item, body, words) : body;
    if (why) {
        settle(r, item->user_id, "skipped", NULL, why, false);
        drop(item);
    } else if (!encode(r, item, text, pg_bool(res, row, 6))) {
        settle(r, item->user_id, "failed", NULL, "not sendable", false);
        drop(item);
    } else {
        *r->last_unsent = item;
        r->last_unsent = &item->next;
        r->unsent_count++;
    }
}

static void end_run(struct chunk_run *r)
{
    struct broadcast_sender *s = r->s;
    s->run = NULL;
    talloc_free(r);
    s->options.on_idle(s->options.ctx);
}

static void on_ended(const struct pg_answer *answer, void *arg)
{
    struct chunk_run *r = arg;
    if (answer->e)
        log_warn("a chunk of broadcast %lld waits for the end of its lease: %s", (long long)r->b->id, answer->e->msg);
    end_run(r);
}

static struct pg_params *chunk_params(struct pg_unit *unit, const struct chunk_run *r)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_int8(p, r->b->id);
    pg_param_int8(p, r->chunk);
    pg_param_int8(p, r->fence);
    return p;
}

/* Everything that was sent is written: the chunk is closed, or goes back from the first that was not sent. */
static void end_chunk(struct chunk_run *r)
{
    struct pg_unit *unit = pg_unit_new(r);
    struct pg_params *p = chunk_params(unit, r);
    if (!r->halting) {
        pg_add(unit, SQL_BROADCAST_CHUNK_END, p);
    } else {
        const struct item *first = r->unsent;
        for (const struct item *i = r->unsent; i; i = i->next)
            if (i->place < first->place)
                first = i;
        pg_param_text(p, first ? first->before_id : r->marked_id);
        pg_add(unit, SQL_BROADCAST_UNMARK, p);
    }
    r->db_busy = true;
    pg_queue_run(r->s->options.db, unit, DATABASE_DEADLINE_MS, on_ended, r);
}

static void on_written(const struct pg_answer *answer, void *arg)
{
    struct chunk_run *r = arg;
    r->db_busy = false;
    struct result *written = TAKE(r->writing);
    if (answer->e) {
        static struct log_gate gate;
        if (log_pass(&gate, 30000))
            log_warn("broadcast %lld waits for the database: %s", (long long)r->b->id, answer->e->msg);
        while (written) {
            struct result *next = written->next;
            written->next = r->results;
            r->results = written;
            r->result_count++;
            written = next;
        }
        arm(r->s->timer, AGAIN_MS);
        return;
    }
    while (written) {
        struct result *next = written->next;
        talloc_free(written);
        written = next;
    }
    if (r->asked_for != SIZE_MAX) { /* rows were asked for, perhaps none, to keep the lease */
        const PGresult *rows = answer->result[answer->count - 1];
        int n = PQntuples(rows);
        r->lease_ends_ms = r->asked_ms + BROADCAST_LEASE_MS;
        r->kept_ms = r->asked_ms;
        if ((size_t)n < r->asked_for)
            r->end_reached = true;
        for (int i = 0; i < n; i++)
            take_row(r, rows, i);
    }
    pump(r);
    step(r);
}

static void add_results(struct chunk_run *r, struct pg_unit *unit)
{
    struct pg_array *users = pg_array_new(unit, PG_TEXT), *states = pg_array_new(unit, PG_TEXT), *ids = pg_array_new(unit, PG_TEXT),
                    *reasons = pg_array_new(unit, PG_TEXT), *charged = pg_array_new(unit, PG_BOOL);
    for (const struct result *x = r->results; x; x = x->next) {
        pg_array_text(users, x->user_id);
        pg_array_text(states, x->state);
        pg_array_text(ids, x->message_id);
        pg_array_text(reasons, x->reason);
        pg_array_bool(charged, x->charged);
    }
    struct pg_params *p = pg_params_new(unit);
    pg_param_int8(p, r->b->id);
    struct pg_array *columns[] = {users, states, ids, reasons, charged};
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        pg_param_array(p, columns[i]);
    pg_add(unit, SQL_KEYED_PLAN, NULL);
    pg_add(unit, SQL_BROADCAST_RESULTS, p);
    r->writing = TAKE(r->results);
    r->result_count = 0;
}

/* What is marked now and was not settled: the bound holds for these together. */
static size_t open_rows(const struct chunk_run *r)
{
    return r->unsent_count + r->in_flight;
}

/* Writes what has come and marks what comes next, when it is worth a transaction. */
static void step(struct chunk_run *r)
{
    if (r->db_busy)
        return;
    size_t most = window(r->s), open = open_rows(r), want = open < most ? most - open : 0;
    bool idle = r->in_flight == 0 && (r->unsent_count == 0 || r->halting), enough = r->result_count >= (most + 1) / 2;
    if (r->halting || r->end_reached)
        want = 0;
    if (idle && r->result_count == 0 && (r->halting || r->end_reached)) {
        end_chunk(r);
        return;
    }
    bool keep = clock_monotonic_ms() - r->kept_ms > KEEP_MS && !r->halting;
    if (!(enough || (idle && (r->result_count > 0 || want > 0)) || keep))
        return;
    struct pg_unit *unit = pg_unit_new(r);
    if (r->result_count > 0)
        add_results(r, unit);
    r->asked_for = SIZE_MAX;
    if (!r->halting && (want > 0 || keep)) {
        struct pg_params *p = chunk_params(unit, r);
        pg_param_text(p, r->marked_id);
        pg_param_int8(p, (int64_t)want);
        pg_param_int8(p, BROADCAST_LEASE_MS);
        pg_add(unit, SQL_BROADCAST_MARK, p);
        r->asked_for = want;
        r->asked_ms = clock_monotonic_ms();
    }
    r->db_busy = true;
    pg_queue_run(r->s->options.db, unit, DATABASE_DEADLINE_MS, on_written, r);
}

/* ---- the rest ---- */

static void on_more(void *arg)
{
    struct broadcast_sender *s = arg;
    if (!s->run)
        return;
    pump(s->run);
    step(s->run);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    on_more(arg);
}

static int sender_destructor(struct broadcast_sender *s)
{
    event_free(s->timer);
    return 0;
}

struct broadcast_sender *broadcast_sender_new(TALLOC_CTX *ctx, const struct broadcast_sender_options *options)
{
    struct broadcast_sender *s = talloc_zero(ctx, struct broadcast_sender);
    s->options = *options;
    s->timer = event_new(options->base, -1, 0, on_timer, s);
    talloc_set_destructor(s, sender_destructor);
    limiter_on_more(options->limiter, SEND_BROADCAST, on_more, s);
    return s;
}

void broadcast_sender_start(struct broadcast_sender *s, const struct broadcast *b, const struct broadcast_chunk *chunk, int64_t taken_ms)
{
    struct chunk_run *r = s->run = talloc_zero(s, struct chunk_run);
    r->s = s;
    r->b = talloc_zero(r, struct broadcast);
    *r->b = (struct broadcast){.id = b->id, .free_only = b->free_only, .body = talloc_strdup(r->b, b->body), .buttons = talloc_strdup(r->b, b->buttons),
                               .template_id = b->template_id ? talloc_strdup(r->b, b->template_id) : NULL};
    r->chunk = chunk->chunk;
    r->fence = chunk->fence;
    r->marked_id = talloc_strdup(r, chunk->marked_id);
    r->last_unsent = &r->unsent;
    r->kept_ms = taken_ms;
    r->lease_ends_ms = taken_ms + BROADCAST_LEASE_MS;
    broadcast_wire_begin(s->options.wire, b->id, r->chunk, r->fence, r->marked_id);
    step(r);
}

int64_t broadcast_sender_id(const struct broadcast_sender *s)
{
    return s->run ? s->run->b->id : 0;
}

void broadcast_sender_halt(struct broadcast_sender *s)
{
    if (!s->run || s->run->halting)
        return;
    s->run->halting = true;
    arm(s->timer, 0); /* not from within the caller: it may be in the middle of something */
}

void broadcast_sender_tick(struct broadcast_sender *s)
{
    on_more(s);
}

void broadcast_sender_wake(struct broadcast_sender *s)
{
    on_more(s);
}

const struct broadcast_counters *broadcast_sender_counters(const struct broadcast_sender *s)
{
    return &s->counters;
}
