/* The OA's token: see token.h for the cycle. */
#include "token.h"

#include <event2/event.h>
#include <event2/util.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "clock.h"
#include "fault.h"
#include "log.h"
#include "pending.h"
#include "pg_queue.h"
#include "secret.h"
#include "settings.h"
#include "token_file.h"
#include "zalo/client.h"

enum {
    LEASE_MS = 60000,
    STATEMENT_MS = 3000,
    LOOK_MS = 30000,       /* an operator's new pair, another node's refresh */
    LOOK_HELD_MS = 2000,   /* while nothing can be sent */
    LOOK_LEASED_MS = 500,  /* while another process refreshes */
    STORE_AGAIN_MS = 1000,
    JITTER_MS_MAX = 600000,
    LIFETIME_DEFAULT_MS = 90000 * 1000,
    REFUSED_AGAIN_MS = 3600 * 1000,
    TRIES = 3,             /* of one refresh, within a minute (zalo-oa-api.md 4.3, 6) */
    QUICK_REJECTIONS = 5,  /* of fresh tokens in a row, until refreshing slows down */
    QUICK_MS = 60000,
};

static const int try_again_ms[TRIES] = {5000, 20000, 60000}; /* after the n-th failure; the last ends the refresh */
static const int give_up_ms[] = {60000, 300000, 900000, 3600000};

/* The row as it was read. */
struct row {
    bool found;
    int64_t generation;
    int64_t expires_at_ms; /* epoch */
    int64_t expires_in_ms, refresh_in_ms; /* on the database's clock, when it was read */
    const char *lease_owner;
    bool leased, needs_consent, held;
    const char *access, *refresh; /* NULL: they do not open with our key */
    char base[TOKEN_FINGERPRINT_SIZE];
};

struct tokens {
    struct pg_queue *db;
    struct zalo_client *zalo;
    const struct settings *settings;
    const char *owner;
    tokens_changed_fn *on_change;
    void *change_ctx;

    struct event *timer; /* armed whenever no step is under way */
    struct pending *step; /* the one statement or call under way */
    struct seal_key *key;
    TALLOC_CTX *row_memory;
    struct row row;

    struct token current; /* generation 0: nothing read yet */
    char *current_access;
    int64_t expires_ms;  /* monotonic */
    int64_t adopted_ms;  /* monotonic: since when */
    int64_t jitter_ms;   /* refresh so long after half of life */
    int64_t announced;   /* generation on_change was last called about, 0: none usable */
    int64_t rejected;    /* generation Zalo refused, or whose pair is spent */
    bool accepted;       /* Zalo took a call with the current one */
    int quick;           /* fresh tokens refused in a row */

    TALLOC_CTX *kept_memory;
    struct token_pair kept; /* the newest pair we know of, from Zalo or the file; access NULL: none */

    int64_t not_before_ms; /* monotonic: no refresh until then */
    int tries, given_up;
    int64_t watched;       /* generation another process was seen refreshing */
    int64_t spent;         /* generation whose refresh token Zalo called invalid */
    bool lost_answer;      /* of an earlier try: the refresh token may have been spent by it */
    char took_over_from[128]; /* who held the lease before us without ending it */
    bool failing;          /* the last refresh ended without a pair */
    bool nothing_logged;   /* "no token" was said */
    char why[400];
    struct log_gate store_gate, key_gate, db_gate, file_gate;
};

static void look(struct tokens *t);
static void decide(struct tokens *t);

static int64_t wall_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t random_below(int64_t limit)
{
    uint64_t r;
    evutil_secure_rng_get_bytes(&r, sizeof(r));
    return limit > 0 ? (int64_t)(r % (uint64_t)limit) : 0;
}

static void wait_ms(struct tokens *t, int64_t ms)
{
    if (ms < 0)
        ms = 0;
    struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000) * 1000};
    event_add(t->timer, &tv);
}

/* Says why sending is held; the sentence is also what /readyz shows. */
__attribute__((format(printf, 2, 3))) static void because(struct tokens *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(t->why, sizeof(t->why), fmt, ap);
    va_end(ap);
}

/* ---- statements ---- */

static struct pg_unit *unit_of(struct tokens *t, enum sql_id id, struct pg_params *params)
{
    struct pg_unit *unit = pg_unit_new(t);
    pg_add(unit, id, params);
    return unit;
}

static void run(struct tokens *t, struct pg_unit *unit, pg_done_fn *done)
{
    pg_queue_run(t->db, unit, STATEMENT_MS, done, pending_new(t->db, t, &t->step));
}

static struct pg_params *params_new(struct tokens *t)
{
    struct pg_params *p = pg_params_new(t);
    pg_param_text(p, t->settings->zalo.oa_id);
    return p;
}

static bool param_sealed(struct tokens *t, struct pg_params *p, const char *what, const char *token)
{
    struct str sealed;
    struct err e;
    if (!seal_close(p, t->key, token_about(p, t->settings->zalo.oa_id, what), str_of(token), &sealed, &e)) {
        because(t, "%s", e.msg);
        return false;
    }
    pg_param_bytea(p, sealed.p, sealed.n);
    return true;
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

static void announce(struct tokens *t)
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
    because(t, "Zalo refused the access token; a new one is being fetched");
    if (t->quick >= QUICK_REJECTIONS) {
        int doublings = t->quick - QUICK_REJECTIONS;
        int64_t pause = doublings > 5 ? REFUSED_AGAIN_MS : QUICK_MS * (INT64_C(1) << doublings);
        t->not_before_ms = now + pause;
        because(t, "Zalo refuses access tokens it has just issued, %d in a row: is the app still granted to the OA?", t->quick);
        log_error("%s Next refresh in %" PRId64 " s", t->why, pause / 1000);
    }
    if (!t->step)
        wait_ms(t, 0);
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

/* ---- the pair the row does not have yet ---- */

static void keep(struct tokens *t, TALLOC_CTX *memory, const struct token_pair *pair)
{
    TALLOC_FREE(t->kept_memory);
    t->kept_memory = talloc_steal(t, memory);
    t->kept = *pair;
    log_hide(pair->access);
    log_hide(pair->refresh);
}

/* A sibling process may have written the file and died before its commit. */
static void reload_file(struct tokens *t)
{
    TALLOC_CTX *memory = talloc_new(t);
    struct token_pair pair;
    struct err e = {0};
    bool ok = token_file_read(memory, t->settings, t->key, &pair, &e);
    if (ok && (!t->kept.access || pair.expires_at_ms > t->kept.expires_at_ms)) {
        keep(t, memory, &pair);
        return;
    }
    talloc_free(memory);
    if (!ok && e.kind != ERR_NOT_FOUND && log_pass(&t->file_gate, 3600000))
        log_warn("%s, ignoring it", e.msg);
}

static void write_file(struct tokens *t)
{
    struct err e;
    if (!token_file_write(t->settings, t->key, &t->kept, &e))
        log_error("%s; until the database has the new tokens they are in memory only", e.msg);
}

static void on_stored(const struct pg_answer *answer, void *ctx)
{
    struct tokens *t = pending_end(ctx);
    if (!t)
        return;
    if (answer->e) {
        because(t, "new tokens wait for the database: %s", answer->e->msg);
        if (log_pass(&t->store_gate, 30000))
            log_error("new tokens could not be stored: %s; trying again each second, they must not be lost", answer->e->msg);
        wait_ms(t, STORE_AGAIN_MS);
        return;
    }
    if (PQntuples(answer->result[0]) == 1) { /* in the file too: were the row ever older than this, the database was restored */
        t->kept.base_generation = pg_int8(answer->result[0], 0, 0);
        t->kept.base[0] = '\0';
        write_file(t);
    }
    look(t); /* none changed: somebody was faster and the row says who; one changed: take it from there */
}

static void store_kept(struct tokens *t)
{
    const struct row *row = &t->row;
    int64_t base = row->found ? row->generation : 0;
    bool restored = t->kept.base_generation != base;
    if (restored) { /* from here on the file belongs to its history */
        log_error("the tokens of the database are older than those of this node, so it was restored from a backup: the newer ones are put back,"
                  " and nothing is sent until `sangkien token release`");
        t->kept.base_generation = base;
        memcpy(t->kept.base, row->base, sizeof(t->kept.base));
        write_file(t);
    }
    int64_t lifetime_ms = t->kept.expires_at_ms - wall_ms();
    struct pg_params *p = params_new(t);
    if (row->found)
        pg_param_int8(p, base);
    if (!param_sealed(t, p, "access", t->kept.access) || !param_sealed(t, p, "refresh", t->kept.refresh)) {
        talloc_free(p);
        wait_ms(t, STORE_AGAIN_MS);
        return;
    }
    pg_param_int8(p, lifetime_ms > 1 ? lifetime_ms : 1);
    if (row->found)
        pg_param_int8(p, restored);
    struct pg_unit *unit = unit_of(t, row->found ? SQL_TOKEN_RENEWED : SQL_TOKEN_FIRST, p);
    PG_FAULTS(unit, "token_before_store", "token_after_store");
    run(t, unit, on_stored);
}

/* ---- refreshing ---- */

static void on_failure_noted(const struct pg_answer *answer, void *ctx)
{
    struct tokens *t = pending_end(ctx);
    if (!t)
        return;
    if (answer->e)
        log_warn("could not note the failed token refresh: %s, ignoring: the lease ends by itself", answer->e->msg);
    wait_ms(t, LOOK_HELD_MS);
}

/* Ends a refresh without a pair: gives the lease back and says when to try again. */
static void give_up(struct tokens *t, int64_t again_ms, bool needs_consent)
{
    t->failing = true;
    t->tries = 0;
    t->lost_answer = false;
    t->not_before_ms = clock_monotonic_ms() + again_ms;
    struct pg_params *p = params_new(t);
    pg_param_int8(p, t->row.generation);
    pg_param_int8(p, again_ms);
    pg_param_int8(p, needs_consent);
    struct pg_unit *unit = unit_of(t, SQL_TOKEN_REFRESH_FAILED, p);
    PG_FAULTS(unit, "token_before_failure", "token_after_failure");
    run(t, unit, on_failure_noted);
}

/* The refresh token is spent and no newer pair has turned up, in the row or on this node's disk. */
static void ask_for_consent(struct tokens *t)
{
    t->spent = 0;
    if (t->took_over_from[0])
        because(t, "process %s began a token refresh and did not finish it, and the old refresh token is spent: the new tokens may lie on"
                   " that node's disk, start it again; otherwise run `sangkien token set` and open the link it prints", t->took_over_from);
    else
        because(t, "Zalo calls the refresh token invalid (-14014)%s: run `sangkien token set` and open the link it prints",
                t->lost_answer ? " after an answer was lost" : "");
    log_error("%s; messages wait meanwhile, none is dropped", t->why);
    give_up(t, REFUSED_AGAIN_MS, true);
}

static void try_again(struct tokens *t, const char *why)
{
    int tries = ++t->tries;
    because(t, "the token refresh fails: %s", why);
    if (tries < TRIES) { /* the lease stays ours, the next look renews it */
        int64_t pause = try_again_ms[tries - 1];
        log_warn("%s; again in %" PRId64 " s", t->why, pause / 1000);
        t->not_before_ms = clock_monotonic_ms() + pause;
        wait_ms(t, pause);
        return;
    }
    size_t n = (size_t)t->given_up < ARRAY_LEN(give_up_ms) ? (size_t)t->given_up : ARRAY_LEN(give_up_ms) - 1;
    int64_t pause = give_up_ms[n] / 2 + random_below(give_up_ms[n]);
    t->given_up++;
    log_error("%s, %d times; again in %" PRId64 " s", t->why, tries, pause / 1000);
    bool lost = t->lost_answer;
    give_up(t, pause, false);
    t->lost_answer = lost; /* still worth telling when -14014 comes later */
}

static void take_pair(struct tokens *t, const struct zalo_tokens *got)
{
    (void)FAULT_POINT("token_after_refresh");
    TALLOC_CTX *memory = talloc_new(t);
    struct token_pair pair = {
        .access = secret_copy(memory, str_of(got->access_token)),
        .refresh = secret_copy(memory, str_of(got->refresh_token && *got->refresh_token ? got->refresh_token : t->row.refresh)),
        .base_generation = t->row.generation,
        .expires_at_ms = wall_ms() + (got->expires_in_s > 0 ? got->expires_in_s * 1000 : LIFETIME_DEFAULT_MS),
    };
    memcpy(pair.base, t->row.base, sizeof(pair.base));
    keep(t, memory, &pair);
    write_file(t);
    (void)FAULT_POINT("token_after_file");
    t->tries = t->given_up = 0;
    t->failing = t->lost_answer = false;
    t->rejected = t->row.generation; /* Zalo killed it when it answered */
    because(t, "new tokens are being stored");
    store_kept(t);
    announce(t);
}

static void on_tokens(const struct zalo_tokens *got, const struct zalo_answer *answer, void *ctx)
{
    struct tokens *t = pending_end(ctx);
    if (!t)
        return;
    char why[300];
    snprintf(why, sizeof(why), "%s (code %d)%s%s", answer->meaning, answer->code, answer->message[0] ? ": " : "", answer->message);
    switch (answer->class) {
    case ZALO_OK:
        if (got && token_is_plausible(str_of(got->access_token))) {
            take_pair(t, got);
            return;
        }
        t->lost_answer = true;
        try_again(t, "the answer holds no usable access token");
        return;
    case ZALO_TOKEN: /* spent: by another process, whose pair the row or its file will show, or by a lost answer */
        t->spent = t->row.generation;
        look(t);
        return;
    case ZALO_STOP:
    case ZALO_POISON:
        because(t, "Zalo refuses to refresh the token: %s: check zalo.app_id and zalo.app_secret", why);
        log_error("%s; next try in an hour or after a restart", t->why);
        give_up(t, REFUSED_AGAIN_MS, false);
        return;
    default:
        t->lost_answer |= answer->class == ZALO_UNKNOWN_OUTCOME;
        try_again(t, why);
    }
}

static void on_leased(const struct pg_answer *answer, void *ctx)
{
    struct tokens *t = pending_end(ctx);
    struct err e;
    if (!t)
        return;
    if (answer->e || PQntuples(answer->result[0]) == 0) { /* away, or another process was faster */
        wait_ms(t, LOOK_LEASED_MS);
        return;
    }
    if (FAULT_POINT("token_before_refresh")) {
        try_again(t, "a fault point");
        return;
    }
    struct pending *step = pending_new(t->zalo, t, &t->step);
    if (zalo_client_refresh(t->zalo, t->row.refresh, on_tokens, step, &e))
        return;
    pending_end(step);
    try_again(t, e.msg);
}

static void lease(struct tokens *t)
{
    const char *before = t->row.lease_owner;
    if (before && strcmp(before, t->owner) != 0)
        snprintf(t->took_over_from, sizeof(t->took_over_from), "%s", before);
    struct pg_params *p = params_new(t);
    pg_param_int8(p, t->row.generation);
    pg_param_text(p, t->owner);
    pg_param_int8(p, LEASE_MS);
    struct pg_unit *unit = unit_of(t, SQL_TOKEN_LEASE, p);
    PG_FAULTS(unit, "token_before_lease", "token_after_lease");
    run(t, unit, on_leased);
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
    t->jitter_ms = random_below(most);
    if (!row->access) {
        because(t, "the stored tokens do not open with this node's key: give all nodes the same zalo.token_key, or run `sangkien token set`");
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
    int64_t pause = usable(t) ? LOOK_MS : LOOK_HELD_MS;
    if (!row->needs_consent) {
        int64_t due = refresh_due(t) ? 0 : row->refresh_in_ms + t->jitter_ms, allowed = t->not_before_ms - clock_monotonic_ms();
        if (due > row->expires_in_ms && row->expires_in_ms > 0)
            due = row->expires_in_ms;
        int64_t next = due > allowed ? due : allowed;
        if (next < pause)
            pause = next;
    }
    wait_ms(t, pause + 1);
}

/* No row yet: the first start, or a database that lost it. */
static void decide_first(struct tokens *t)
{
    const struct settings *s = t->settings;
    bool configured = s->zalo.refresh_token[0] != '\0';
    if (t->kept.access && (t->kept.expires_at_ms > wall_ms() || !configured)) {
        store_kept(t);
        return;
    }
    if (!configured) {
        because(t, "there are no tokens yet: run `sangkien token set`");
        if (!t->nothing_logged)
            log_warn("%s; messages are received, answers wait", t->why);
        t->nothing_logged = true;
        wait_ms(t, LOOK_HELD_MS);
        return;
    }
    if (!token_is_plausible(str_of(s->zalo.refresh_token)) || (s->zalo.access_token[0] && !token_is_plausible(str_of(s->zalo.access_token)))) {
        because(t, "zalo.access_token and zalo.refresh_token are not tokens (blanks or line breaks in them?)");
        if (log_pass(&t->key_gate, 600000))
            log_error("%s", t->why);
        wait_ms(t, LOOK_MS);
        return;
    }
    bool access = s->zalo.access_token[0] != '\0'; /* without one the refresh token fetches it at once */
    struct pg_params *p = params_new(t);
    if (!param_sealed(t, p, "access", access ? s->zalo.access_token : "none") || !param_sealed(t, p, "refresh", s->zalo.refresh_token)) {
        talloc_free(p);
        wait_ms(t, STORE_AGAIN_MS);
        return;
    }
    pg_param_int8(p, access ? LIFETIME_DEFAULT_MS : 1);
    struct pg_unit *unit = unit_of(t, SQL_TOKEN_FIRST, p);
    PG_FAULTS(unit, "token_before_first", "token_after_first");
    run(t, unit, on_stored);
}

static void decide(struct tokens *t)
{
    const struct row *row = &t->row;
    bool foreign = row->leased && (!row->lease_owner || strcmp(row->lease_owner, t->owner) != 0);
    if (!row->found || row->generation != t->current.generation || refresh_due(t) || t->spent)
        reload_file(t);
    if (!row->found) {
        decide_first(t);
        return;
    }
    if (t->kept.access && token_file_is_newer(&t->kept, row->generation, row->expires_at_ms, row->base)) {
        store_kept(t);
        return;
    }
    adopt(t);
    announce(t);
    if (!row->access) {
        wait_ms(t, LOOK_HELD_MS);
    } else if (t->spent) {
        ask_for_consent(t);
    } else if (!refresh_due(t) || clock_monotonic_ms() < t->not_before_ms) {
        if (row->needs_consent && !t->why[0])
            because(t, "Zalo calls the refresh token invalid: run `sangkien token set` and open the link it prints");
        rest(t);
    } else if (foreign) {
        because(t, "process %s is fetching a new access token", row->lease_owner ? row->lease_owner : "?");
        t->watched = row->generation;
        wait_ms(t, LOOK_LEASED_MS);
    } else if (t->watched == row->generation && !row->lease_owner) { /* it gave up: asking the same at once helps nobody */
        t->watched = 0;
        t->not_before_ms = clock_monotonic_ms() + give_up_ms[0];
        rest(t);
    } else {
        lease(t);
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
            because(t, "the tokens cannot be read: %s", answer->e->msg);
        if (log_pass(&t->db_gate, 30000))
            log_warn("the tokens cannot be read: %s; trying again", answer->e->msg);
        wait_ms(t, STORE_AGAIN_MS);
        return;
    }
    row_read(t, answer->result[0]);
    decide(t);
}

static void look(struct tokens *t)
{
    struct err e;
    if (!t->key && !(t->key = seal_key_load(t, t->settings, &e))) {
        because(t, "no key for the stored tokens: %s", e.msg);
        if (log_pass(&t->key_gate, 600000))
            log_error("%s", t->why);
        wait_ms(t, LOOK_MS);
        return;
    }
    struct pg_unit *unit = unit_of(t, SQL_TOKEN_GET, params_new(t));
    PG_FAULTS(unit, "token_before_look", "token_after_look");
    run(t, unit, on_row);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct tokens *t = arg;
    (void)fd;
    (void)what;
    if (t->step)
        return; /* its end looks, or arms the timer */
    announce(t); /* it may have expired or been refused since */
    look(t);
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
    because(t, "the tokens have not been read yet");
    if (s->zalo.oa_id[0])
        wait_ms(t, 0);
    else
        because(t, "zalo.oa_id is not set: nothing can be sent");
    return t;
}
