/* Reading back what was missed: see catch_up.h. */
#include "catch_up.h"

#include <event2/event.h>

#include "clock.h"
#include "fault.h"
#include "spool/intake.h"
#include "send/limiter.h"
#include "log.h"
#include "pending.h"
#include "pg_queue.h"
#include "settings.h"
#include "token/token.h"
#include "turns.h"
#include "zalo/client.h"
#include "zalo/decode.h"
#include "zalo/encode.h"

enum {
    BEAT_MS = 10000,
    LADDER_MS = (30 + 300 + 900 + 1800 + 3600) * 1000, /* all of Zalo's repeats (1.5) */
    MARGIN_MS = 120 * 1000, /* before the last sign of life: what was on its way then */
    LEASE_MS = 60000,
    PACE_MS = 150,          /* a tenth of what may be sent */
    AGAIN_MS = 5000,        /* after a call that failed */
    TRIES_MAX = 20,         /* of one call */
    DEADLINE_MS = 5000,
    PEOPLE_MAX = 50000,
    PAGES_MAX = 20,         /* of one conversation */
    ROOM = 1000,            /* events that may wait for the database meanwhile */
};

/* A message of the person at hand; newest first. */
struct missed {
    struct str body;
    unsigned char key[EVENT_KEY_BYTES];
    bool known;
};

struct catch_up {
    struct catch_up_options o;
    struct event *beat_timer, *step_timer;
    struct pending *beat, *step;
    bool running;
    int64_t since_ms, renewed_ms;
    int64_t first_since_ms; /* since_ms at the beginning */
    /* the list of chats */
    TALLOC_CTX *page_memory;
    struct zalo_spoken chat[ZALO_CONVERSATION_MAX];
    size_t chats, chat_at;
    int offset;
    bool last_page;
    int64_t begun_ms; /* 0: the top has been read again */
    /* the person at hand */
    TALLOC_CTX *memory;
    const char *user_id; /* NULL: none */
    struct missed missed[PAGES_MAX * ZALO_CONVERSATION_MAX];
    size_t missed_count;
    int page;
    int tries;
    int64_t token_generation; /* of the call under way */
    int64_t people, messages, missing, unreadable;
    bool cut_off;
};

static void next_step(struct catch_up *c);

static void arm(struct event *timer, int64_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(timer, &tv);
}

static struct pg_params *params_new(const struct catch_up *c, TALLOC_CTX *ctx)
{
    struct pg_params *p = pg_params_new(ctx);
    pg_param_text(p, c->o.settings->zalo.oa_id);
    return p;
}

static void stop(struct catch_up *c)
{
    c->running = false;
    c->user_id = NULL;
    TALLOC_FREE(c->memory);
    TALLOC_FREE(c->page_memory);
}

/* ---- the end ---- */

static void on_ended(const struct pg_answer *answer, void *arg)
{
    struct catch_up *c = pending_end(arg);
    if (!c)
        return;
    if (answer->e) {
        arm(c->step_timer, AGAIN_MS);
        return;
    }
    log_info("caught up: %lld conversations, %lld messages, %lld had been missed, %lld of a kind that cannot be read back%s", (long long)c->people,
             (long long)c->messages, (long long)c->missing, (long long)c->unreadable, c->cut_off ? "; there were more than may be read" : "");
    stop(c);
}

static void count_params(const struct catch_up *c, struct pg_params *p)
{
    pg_param_int8(p, c->people);
    pg_param_int8(p, c->messages);
    pg_param_int8(p, c->missing);
    pg_param_int8(p, c->unreadable);
}

static void end(struct catch_up *c)
{
    struct pg_unit *unit = pg_unit_new(c);
    struct pg_params *p = params_new(c, unit);
    pg_param_text(p, c->o.process);
    pg_param_time_ms(p, c->first_since_ms);
    count_params(c, p);
    pg_param_int8(p, c->cut_off);
    pg_add(unit, SQL_CATCH_UP_END, p);
    PG_FAULTS(unit, "catch_up_before_end", "catch_up_after_end");
    pg_queue_run(c->o.db, unit, DEADLINE_MS, on_ended, pending_new(c->o.db, c, &c->step));
}

static void on_renewed(const struct pg_answer *answer, void *arg)
{
    struct catch_up *c = pending_end(arg);
    if (!c)
        return;
    if (!answer->e && PQntuples(answer->result[0]) == 0) {
        log_warn("another process reads back what was missed: leaving it to that one");
        stop(c);
        return;
    }
    arm(c->step_timer, answer->e ? AGAIN_MS : 0);
    if (!answer->e)
        c->renewed_ms = clock_monotonic_ms();
}

static void renew(struct catch_up *c)
{
    struct pg_unit *unit = pg_unit_new(c);
    struct pg_params *p = params_new(c, unit);
    pg_param_text(p, c->o.process);
    pg_param_int8(p, LEASE_MS);
    count_params(c, p);
    pg_add(unit, SQL_CATCH_UP_PROGRESS, p);
    pg_queue_run(c->o.db, unit, DEADLINE_MS, on_renewed, pending_new(c->o.db, c, &c->step));
}

/* ---- one person ---- */

static void feed(struct catch_up *c, const struct missed *m)
{
    const struct settings *s = c->o.settings;
    struct zalo_identity identity = {.app_id = s->zalo.app_id, .oa_ids = &s->zalo.oa_id, .oa_count = 1};
    struct turn_event *event = turn_event_new(c->o.turns);
    struct err e;
    event->redelivered = true;
    event->body = (struct str){talloc_memdup(event, m->body.p, m->body.n), m->body.n};
    memcpy(event->key, m->key, sizeof(event->key));
    if (FAULT_POINT("catch_up_before_feed") || !zalo_decode(event, event->body, &identity, &event->in, &e)) {
        c->unreadable++;
        talloc_free(event);
        return;
    }
    c->missing++;
    intake_take(c->o.intake, event);
}

static void person_done(struct catch_up *c)
{
    c->people++;
    c->user_id = NULL;
    c->chat_at++;
    TALLOC_FREE(c->memory);
    arm(c->step_timer, 0);
}

static void on_known(const struct pg_answer *answer, void *arg)
{
    struct catch_up *c = pending_end(arg);
    if (!c)
        return;
    if (answer->e) {
        arm(c->step_timer, AGAIN_MS);
        return;
    }
    const PGresult *res = answer->result[0];
    for (size_t i = c->missed_count; i-- > 0;) { /* oldest first */
        struct missed *m = &c->missed[i];
        for (int r = 0; r < PQntuples(res) && !m->known; r++)
            m->known = str_eq(pg_bytes(res, r, 0), (struct str){(const char *)m->key, sizeof(m->key)});
        if (!m->known)
            feed(c, m);
    }
    person_done(c);
}

static void look_what_is_known(struct catch_up *c)
{
    struct pg_unit *unit = pg_unit_new(c);
    struct pg_params *p = pg_params_new(unit);
    struct pg_array *keys = pg_array_new(p, PG_BYTEA);
    for (size_t i = 0; i < c->missed_count; i++)
        pg_array_bytea(keys, c->missed[i].key, sizeof(c->missed[i].key));
    pg_param_text(p, c->user_id);
    pg_param_array(p, keys);
    pg_add(unit, SQL_EVENT_KNOWN, p);
    pg_queue_run(c->o.db, unit, DEADLINE_MS, on_known, pending_new(c->o.db, c, &c->step));
}

/* False for what cannot be made an event again. */
static bool to_missed(struct catch_up *c, const struct zalo_spoken *s, struct missed *ret)
{
    const struct settings *set = c->o.settings;
    struct zalo_identity identity = {.app_id = set->zalo.app_id, .oa_ids = &set->zalo.oa_id, .oa_count = 1};
    struct inbound *in;
    struct err e;
    *ret = (struct missed){0};
    return zalo_encode_event(c->memory, set->zalo.app_id, set->zalo.oa_id, s, &ret->body) && zalo_decode(c->memory, ret->body, &identity, &in, &e) &&
           strcmp(in->user_id, c->user_id) == 0 && zalo_event_key(in, ret->body, ret->key);
}

static void failed_call(struct catch_up *c, const struct zalo_answer *answer, const char *what)
{
    if (answer->class == ZALO_TOKEN)
        tokens_rejected(c->o.tokens, c->token_generation);
    if (answer->class == ZALO_TOKEN || ++c->tries < TRIES_MAX) {
        arm(c->step_timer, answer->code == ZALO_CODE_RATE_LIMIT ? limiter_back_off(c->o.limiter) : AGAIN_MS);
        return;
    }
    c->tries = 0;
    log_error("%s cannot be read back: %s (code %d): given up after %d tries", what, answer->meaning, answer->code, TRIES_MAX);
    c->cut_off = true;
    if (c->user_id)
        person_done(c);
    else
        end(c);
}

static void on_conversation(const struct zalo_answer *answer, struct str body, void *arg)
{
    struct catch_up *c = pending_end(arg);
    struct zalo_spoken said[ZALO_CONVERSATION_MAX];
    size_t n = 0;
    if (!c)
        return;
    if (answer->class != ZALO_OK || !zalo_read_conversation(c->memory, body, said, &n)) {
        failed_call(c, answer, "a conversation");
        return;
    }
    c->tries = 0;
    bool older = n < ZALO_CONVERSATION_MAX;
    for (size_t i = 0; i < n; i++) {
        if (said[i].at_ms < c->since_ms) {
            older = true;
        } else if (!said[i].by_oa) {
            c->messages++;
            if (to_missed(c, &said[i], &c->missed[c->missed_count]))
                c->missed_count++;
            else
                c->unreadable++;
        }
    }
    if (!older && ++c->page < PAGES_MAX) {
        arm(c->step_timer, PACE_MS);
        return;
    }
    c->cut_off |= !older;
    c->page = PAGES_MAX;
    arm(c->step_timer, 0);
}

/* ---- the list of chats ---- */

static void on_chats(const struct zalo_answer *answer, struct str body, void *arg)
{
    struct catch_up *c = pending_end(arg);
    if (!c)
        return;
    TALLOC_FREE(c->page_memory);
    c->page_memory = talloc_new(c);
    c->chats = c->chat_at = 0;
    if (answer->class != ZALO_OK || !zalo_read_conversation(c->page_memory, body, c->chat, &c->chats)) {
        failed_call(c, answer, "the list of conversations");
        return;
    }
    c->tries = 0;
    c->offset += ZALO_CONVERSATION_MAX;
    c->last_page = c->chats < ZALO_CONVERSATION_MAX;
    for (size_t i = 0; i < c->chats; i++)
        if (c->chat[i].at_ms < c->since_ms)
            c->last_page = true;
    arm(c->step_timer, PACE_MS);
}

static bool call(struct catch_up *c, const char *path, const char *data, zalo_got_fn *on_got)
{
    const struct token *token = tokens_current(c->o.tokens);
    struct err e;
    if (!token || !data)
        return false;
    struct pending *step = pending_new(c->o.client, c, &c->step);
    if (!zalo_client_get(c->o.client, token->access, path, data, on_got, step, &e)) {
        pending_end(step);
        return false;
    }
    c->token_generation = token->generation;
    limiter_spend(c->o.limiter);
    return true;
}

static void ask_chats(struct catch_up *c)
{
    TALLOC_CTX *tmp = talloc_new(c);
    if (!call(c, ZALO_PATH_RECENT, zalo_encode_page(tmp, c->offset, ZALO_CONVERSATION_MAX), on_chats))
        arm(c->step_timer, AGAIN_MS);
    talloc_free(tmp);
}

static void ask_conversation(struct catch_up *c)
{
    char *data = zalo_encode_conversation(c->memory, c->user_id, c->page * ZALO_CONVERSATION_MAX, ZALO_CONVERSATION_MAX);
    if (!call(c, ZALO_PATH_CONVERSATION, data, on_conversation))
        arm(c->step_timer, AGAIN_MS);
}

/* ---- the steps ---- */

/* The next person of the page whose last message is new enough. */
static bool take_person(struct catch_up *c)
{
    while (c->chat_at < c->chats) {
        const struct zalo_spoken *s = &c->chat[c->chat_at];
        const char *user_id = s->by_oa ? s->to_id : s->from_id;
        if (user_id && s->at_ms >= c->since_ms) {
            c->memory = talloc_new(c);
            c->user_id = talloc_strdup(c->memory, user_id);
            c->missed_count = 0;
            c->page = 0;
            return true;
        }
        c->chat_at++;
    }
    return false;
}

/* Who writes while we read moves up to what has been read: those are read once more, from when we began. */
static bool read_the_top_again(struct catch_up *c)
{
    if (!c->begun_ms || c->offset <= ZALO_CONVERSATION_MAX)
        return false;
    c->since_ms = c->begun_ms;
    c->begun_ms = 0;
    c->offset = 0;
    c->last_page = false;
    return true;
}

static void next_step(struct catch_up *c)
{
    if (!c->running || c->step)
        return;
    if (clock_monotonic_ms() - c->renewed_ms > LEASE_MS / 3)
        renew(c);
    else if (turns_waiting(c->o.turns) >= ROOM)
        arm(c->step_timer, PACE_MS);
    else if (c->user_id && c->page == PAGES_MAX && c->missed_count > 0)
        look_what_is_known(c);
    else if (c->user_id && c->page == PAGES_MAX)
        person_done(c);
    else if (c->user_id || take_person(c))
        ask_conversation(c);
    else if (c->people >= PEOPLE_MAX) {
        c->cut_off = true;
        end(c);
    } else if (!c->last_page || read_the_top_again(c))
        ask_chats(c);
    else
        end(c);
}

static void on_step(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    next_step(arg);
}

/* ---- the beginning ---- */

static void on_claimed(const struct pg_answer *answer, void *arg)
{
    struct catch_up *c = pending_end(arg);
    if (!c || answer->e || PQntuples(answer->result[0]) == 0)
        return; /* away, or another process was faster; the next beat tells */
    int64_t now_ms = clock_epoch_ms(), most_ms = now_ms - CATCH_UP_BACK_HOURS_MAX * INT64_C(3600000);
    c->since_ms = pg_time_ms(answer->result[0], 0, 0) - MARGIN_MS;
    if (c->since_ms < most_ms)
        c->since_ms = most_ms;
    c->first_since_ms = c->since_ms;
    c->begun_ms = now_ms - MARGIN_MS;
    c->renewed_ms = clock_monotonic_ms();
    c->people = c->messages = c->missing = c->unreadable = 0;
    c->offset = c->tries = 0;
    c->chats = c->chat_at = 0;
    c->last_page = c->cut_off = false;
    c->running = true;
    log_info("reading back what was said to the OA in the last %lld min", (long long)((now_ms - c->since_ms) / 60000));
    arm(c->step_timer, 0);
}

static void on_beat_told(const struct pg_answer *answer, void *arg)
{
    struct catch_up *c = pending_end(arg);
    if (!c || answer->e || c->running || !pg_bool(answer->result[0], 0, 0))
        return;
    struct pg_unit *unit = pg_unit_new(c);
    struct pg_params *p = params_new(c, unit);
    pg_param_text(p, c->o.process);
    pg_param_int8(p, LEASE_MS);
    pg_add(unit, SQL_CATCH_UP_CLAIM, p);
    PG_FAULTS(unit, "catch_up_before_claim", "catch_up_after_claim");
    pg_queue_run(c->o.db, unit, DEADLINE_MS, on_claimed, pending_new(c->o.db, c, &c->step));
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
    struct catch_up *c = arg;
    (void)fd;
    (void)what;
    arm(c->beat_timer, BEAT_MS);
    if (c->beat || c->step)
        return;
    struct pg_unit *unit = pg_unit_new(c);
    struct pg_params *p = params_new(c, unit);
    pg_param_int8(p, LADDER_MS);
    pg_param_text(p, c->o.process);
    pg_add(unit, SQL_CATCH_UP_BEAT, p);
    pg_queue_run(c->o.db, unit, DEADLINE_MS, on_beat_told, pending_new(c->o.db, c, &c->beat));
}

static int catch_up_free(struct catch_up *c)
{
    pending_forget(&c->beat);
    pending_forget(&c->step);
    event_free(c->beat_timer);
    event_free(c->step_timer);
    return 0;
}

struct catch_up *catch_up_new(TALLOC_CTX *ctx, const struct catch_up_options *options)
{
    struct catch_up *c = talloc_zero(ctx, struct catch_up);
    c->o = *options;
    c->beat_timer = event_new(options->base, -1, 0, on_beat, c);
    c->step_timer = event_new(options->base, -1, 0, on_step, c);
    talloc_set_destructor(c, catch_up_free);
    if (options->settings->zalo.oa_id[0])
        arm(c->beat_timer, 0);
    return c;
}
