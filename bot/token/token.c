/* The OA's token: see token.h for the cycle. */
#include <event2/util.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "secret.h"
#include "token_state.h"

enum {
    STATEMENT_MS = 3000,
    LOOK_MS = 30000,       /* an operator's new pair, another node's refresh */
    JITTER_MS_MAX = 600000,
    QUICK_REJECTIONS = 5,  /* of fresh tokens in a row, until refreshing slows down */
    QUICK_MS = 60000,
};

static void decide(struct tokens *t);

int64_t tokens_random(int64_t limit)
{
    uint64_t r;
    evutil_secure_rng_get_bytes(&r, sizeof(r));
    return limit > 0 ? (int64_t)(r % (uint64_t)limit) : 0;
}

void tokens_wait(struct tokens *t, int64_t ms)
{
    if (ms < 0)
        ms = 0;
    struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000};
    event_add(t->timer, &tv);
}

void tokens_because(struct tokens *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(t->why, sizeof(t->why), fmt, ap);
    va_end(ap);
}

/* ---- statements ---- */

struct pg_unit *tokens_unit(struct tokens *t, enum sql_id id, struct pg_params *params)
{
    struct pg_unit *unit = pg_unit_new(t);
    pg_add(unit, id, params);
    return unit;
}

void tokens_run(struct tokens *t, struct pg_unit *unit, pg_done_fn *done)
{
    pg_queue_run(t->db, unit, STATEMENT_MS, done, pending_new(t->db, t, &t->step));
}

struct pg_params *tokens_params(struct tokens *t)
{
    struct pg_params *p = pg_params_new(t);
    pg_param_text(p, t->settings->zalo.oa_id);
    return p;
}

/* ---- what senders see ---- */

static bool usable(const struct tokens *t)
{
    return t->current.access && !t->row.held && t->rejected != t->current.generation && clock_monotonic_ms() < t->expires_ms;
}

const struct token *tokens_current(struct tokens *t)
{
    return usable(t) ? &t->current : NULL;
}

void tokens_announce(struct tokens *t)
{
    int64_t now = usable(t) ? t->current.generation : 0;
    if (now == t->announced)
        return;
    t->announced = now;
    if (t->on_change)
        t->on_change(t->change_ctx);
}

void tokens_accepted(struct tokens *t, int64_t generation)
{
    if (generation == t->current.generation) {
        t->accepted = true;
        t->quick = 0;
    }
}

void tokens_rejected(struct tokens *t, int64_t generation)
{
    if (generation != t->current.generation || generation == t->rejected)
        return; /* an older one: the caller has the newer to try; or it is being seen to */
    int64_t now = clock_monotonic_ms();
    t->rejected = generation;
    t->quick = !t->accepted && now - t->adopted_ms < QUICK_MS ? t->quick + 1 : 0;
    tokens_because(t, "Zalo refused the access token; a new one is being fetched");
    if (t->quick >= QUICK_REJECTIONS) {
        int doublings = t->quick - QUICK_REJECTIONS;
        int64_t pause = doublings > 5 ? TOKEN_REFUSED_AGAIN_MS : QUICK_MS * (INT64_C(1) << doublings);
        t->not_before_ms = now + pause;
        tokens_because(t, "Zalo refuses access tokens it has just issued, %d in a row: is the app still granted to the OA?", t->quick);
        log_error("%s Next refresh in %" PRId64 " s", t->why, pause / 1000);
    }
    if (!t->step)
        tokens_wait(t, 0);
}

bool tokens_degraded(const struct tokens *t, const char **why)
{
    bool bad = !usable(t) || t->failing || t->row.needs_consent;
    if (t->row.held) {
        *why = "the database was restored from a backup: nothing is sent until `sangkien token release`";
        return true;
    }
    *why = !bad ? "" : t->why[0] ? t->why : "the access token has expired; a new one is being fetched";
    return bad;
}

int64_t tokens_expires_in_s(const struct tokens *t)
{
    return usable(t) ? (t->expires_ms - clock_monotonic_ms()) / 1000 : 0;
}

/* ---- looking ---- */

static bool refresh_due(const struct tokens *t)
{
    const struct row *row = &t->row;
    if (row->needs_consent)
        return row->refresh_in_ms <= 0; /* once an hour, in case Zalo was wrong */
    return row->generation == t->rejected || row->expires_in_ms <= 0 || row->refresh_in_ms + t->jitter_ms <= 0;
}

/* Takes over what the row holds. */
static void adopt(struct tokens *t)
{
    const struct row *row = &t->row;
    t->expires_ms = clock_monotonic_ms() + row->expires_in_ms;
    if (t->current.generation == row->generation && t->current.access && row->access && strcmp(t->current.access, row->access) == 0)
        return;
    TALLOC_FREE(t->current_access);
    t->current = (struct token){.generation = row->generation};
    t->rejected = t->spent = 0;
    t->tries = t->given_up = 0;
    t->accepted = t->failing = t->lost_answer = false;
    if (t->quick < QUICK_REJECTIONS)
        t->not_before_ms = 0; /* that was about the pair before */
    t->took_over_from[0] = '\0';
    t->adopted_ms = clock_monotonic_ms();
    int64_t half_ms = row->expires_in_ms - row->refresh_in_ms, most = half_ms / 10 < JITTER_MS_MAX ? half_ms / 10 : JITTER_MS_MAX;
    t->jitter_ms = tokens_random(most);
    if (!row->access) {
        tokens_because(t, "the stored tokens do not open with this node's key: give all nodes the same zalo.token_key, or run `sangkien token set`");
        if (log_pass(&t->key_gate, 600000))
            log_error("%s", t->why);
        return;
    }
    t->current_access = secret_copy(t, str_of(row->access));
    t->current.access = t->current_access;
    log_hide(row->access);
    log_hide(row->refresh);
    t->nothing_logged = false;
    t->why[0] = '\0';
    log_info("access token of generation %" PRId64 " in use, good for %" PRId64 " min", row->generation, row->expires_in_ms / 60000);
}

/* When to look again, with nothing to do now. */
static void rest(struct tokens *t)
{
    const struct row *row = &t->row;
    int64_t pause = usable(t) ? LOOK_MS : TOKEN_LOOK_HELD_MS;
    if (!row->needs_consent) {
        int64_t due = refresh_due(t) ? 0 : row->refresh_in_ms + t->jitter_ms, allowed = t->not_before_ms - clock_monotonic_ms();
        if (due > row->expires_in_ms && row->expires_in_ms > 0)
            due = row->expires_in_ms;
        int64_t next = due > allowed ? due : allowed;
        if (next < pause)
            pause = next;
    }
    tokens_wait(t, pause + 1);
}

/* No row yet: the first start, or a database that lost it. */
static void decide_first(struct tokens *t)
{
    const struct settings *s = t->settings;
    bool configured = s->zalo.refresh_token[0] != '\0';
    if (t->kept.access && (t->kept.expires_at_ms > clock_epoch_ms() || !configured)) {
        tokens_store_kept(t);
        return;
    }
    if (!configured) {
        tokens_because(t, "there are no tokens yet: run `sangkien token set`");
        if (!t->nothing_logged)
            log_warn("%s; messages are received, answers wait", t->why);
        t->nothing_logged = true;
        tokens_wait(t, TOKEN_LOOK_HELD_MS);
        return;
    }
    if (!token_is_plausible(str_of(s->zalo.refresh_token)) || (s->zalo.access_token[0] && !token_is_plausible(str_of(s->zalo.access_token)))) {
        tokens_because(t, "zalo.access_token and zalo.refresh_token are not tokens (blanks or line breaks in them?)");
        if (log_pass(&t->key_gate, 600000))
            log_error("%s", t->why);
        tokens_wait(t, LOOK_MS);
        return;
    }
    tokens_store_configured(t);
}

static void decide(struct tokens *t)
{
    const struct row *row = &t->row;
    bool foreign = row->leased && (!row->lease_owner || strcmp(row->lease_owner, t->owner) != 0);
    if (!row->found || row->generation != t->current.generation || refresh_due(t) || t->spent)
        tokens_reload_file(t);
    if (!row->found) {
        decide_first(t);
        return;
    }
    if (t->kept.access && token_file_is_newer(&t->kept, row->generation, row->expires_at_ms, row->base)) {
        tokens_store_kept(t);
        return;
    }
    adopt(t);
    tokens_announce(t);
    if (!row->access) {
        tokens_wait(t, TOKEN_LOOK_HELD_MS);
    } else if (t->spent) {
        tokens_ask_for_consent(t);
    } else if (!refresh_due(t) || clock_monotonic_ms() < t->not_before_ms) {
        if (row->needs_consent && !t->why[0])
            tokens_because(t, "Zalo calls the refresh token invalid: run `sangkien token set` and open the link it prints");
        rest(t);
    } else if (foreign) {
        tokens_because(t, "process %s is fetching a new access token", row->lease_owner ? row->lease_owner : "?");
        t->watched = row->generation;
        tokens_wait(t, TOKEN_LOOK_LEASED_MS);
    } else if (t->watched == row->generation && !row->lease_owner) { /* it gave up: asking the same at once helps nobody */
        t->watched = 0;
        t->not_before_ms = clock_monotonic_ms() + TOKEN_GIVE_UP_MS;
        rest(t);
    } else {
        tokens_lease(t);
    }
}

static const char *open_column(struct tokens *t, const PGresult *res, int col, const char *what)
{
    struct str plain;
    if (!seal_open(t->row_memory, t->key, token_about(t->row_memory, t->settings->zalo.oa_id, what), pg_bytes(res, 0, col), &plain, NULL))
        return NULL;
    return plain.p;
}

static void row_read(struct tokens *t, const PGresult *res)
{
    TALLOC_FREE(t->row_memory);
    t->row_memory = talloc_new(t);
    t->row = (struct row){.found = PQntuples(res) == 1};
    if (!t->row.found)
        return;
    const char *access = open_column(t, res, 0, "access"), *refresh = open_column(t, res, 1, "refresh");
    t->row.access = refresh ? access : NULL;
    t->row.refresh = access ? refresh : NULL;
    if (access && refresh)
        token_fingerprint(access, refresh, t->row.base);
    t->row.expires_at_ms = pg_time_ms(res, 0, 2);
    t->row.generation = pg_int8(res, 0, 4);
    t->row.lease_owner = pg_text(t->row_memory, res, 0, 5);
    t->row.leased = pg_bool(res, 0, 6);
    t->row.needs_consent = pg_bool(res, 0, 7);
    t->row.expires_in_ms = pg_int8(res, 0, 8);
    t->row.refresh_in_ms = pg_int8(res, 0, 9);
    t->row.held = pg_bool(res, 0, 10);
}

static void on_row(const struct pg_answer *answer, void *ctx)
{
    struct tokens *t = pending_end(ctx);
    if (!t)
        return;
    if (answer->e) {
        if (!t->current.access)
            tokens_because(t, "the tokens cannot be read: %s", answer->e->msg);
        if (log_pass(&t->db_gate, 30000))
            log_warn("the tokens cannot be read: %s; trying again", answer->e->msg);
        tokens_wait(t, TOKEN_STORE_AGAIN_MS);
        return;
    }
    row_read(t, answer->result[0]);
    decide(t);
}

void tokens_look(struct tokens *t)
{
    struct err e;
    if (!t->key && !(t->key = seal_key_load(t, t->settings, &e))) {
        tokens_because(t, "no key for the stored tokens: %s", e.msg);
        if (log_pass(&t->key_gate, 600000))
            log_error("%s", t->why);
        tokens_wait(t, LOOK_MS);
        return;
    }
    struct pg_unit *unit = tokens_unit(t, SQL_TOKEN_GET, tokens_params(t));
    PG_FAULTS(unit, "token_before_look", "token_after_look");
    tokens_run(t, unit, on_row);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct tokens *t = arg;
    (void)fd;
    (void)what;
    if (t->step)
        return; /* its end looks, or arms the timer */
    tokens_announce(t); /* it may have expired or been refused since */
    tokens_look(t);
}

static int tokens_end(struct tokens *t)
{
    pending_forget(&t->step);
    event_free(t->timer);
    return 0;
}

struct tokens *tokens_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *db, struct zalo_client *zalo,
                          const struct settings *s, const char *process_name, tokens_changed_fn *on_change, void *change_ctx)
{
    struct tokens *t = talloc_zero(ctx, struct tokens);
    if (!t)
        return NULL;
    t->timer = event_new(base, -1, 0, on_timer, t);
    t->owner = talloc_strdup(t, process_name);
    if (!t->timer || !t->owner) {
        if (t->timer)
            event_free(t->timer);
        talloc_free(t);
        return NULL;
    }
    t->db = db;
    t->zalo = zalo;
    t->settings = s;
    t->on_change = on_change;
    t->change_ctx = change_ctx;
    talloc_set_destructor(t, tokens_end);
    tokens_because(t, "the tokens have not been read yet");
    if (s->zalo.oa_id[0])
        tokens_wait(t, 0);
    else
        tokens_because(t, "zalo.oa_id is not set: nothing can be sent");
    return t;
}
