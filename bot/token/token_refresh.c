/* The way to a new pair: lease, Zalo's answer, another try or the end of trying. */
#include <inttypes.h>
#include <stdio.h>

#include "secret.h"
#include "token_state.h"

enum {
    LEASE_MS = 60000,
    TRIES = 3,            /* of one refresh, within a minute (zalo-oa-api.md 4.3, 6) */
};

static const int try_again_ms[TRIES] = {5000, 20000, 60000}; /* after the n-th failure; the last ends the refresh */
static const int give_up_ms[] = {TOKEN_GIVE_UP_MS, 300000, 900000, 3600000};

static void on_failure_noted(const struct pg_answer *answer, void *ctx)
{
    struct tokens *t = pending_end(ctx);
    if (!t)
        return;
    if (answer->e)
        log_warn("could not note the failed token refresh: %s, ignoring: the lease ends by itself", answer->e->msg);
    tokens_wait(t, TOKEN_LOOK_HELD_MS);
}

/* Ends a refresh without a pair: gives the lease back and says when to try again. */
static void give_up(struct tokens *t, int64_t again_ms, bool needs_consent)
{
    t->failing = true;
    t->tries = 0;
    t->lost_answer = false;
    t->not_before_ms = clock_monotonic_ms() + again_ms;
    struct pg_params *p = tokens_params(t);
    pg_param_int8(p, t->row.generation);
    pg_param_int8(p, again_ms);
    pg_param_int8(p, needs_consent);
    struct pg_unit *unit = tokens_unit(t, SQL_TOKEN_REFRESH_FAILED, p);
    PG_FAULTS(unit, "token_before_failure", "token_after_failure");
    tokens_run(t, unit, on_failure_noted);
}

/* The refresh token is spent and no newer pair has turned up, in the row or on this node's disk. */
void tokens_ask_for_consent(struct tokens *t)
{
    t->spent = 0;
    if (t->took_over_from[0])
        tokens_because(t, "process %s began a token refresh and did not finish it, and the old refresh token is spent: the new tokens may lie on"
                   " that node's disk, start it again; otherwise run `sangkien token set` and open the link it prints", t->took_over_from);
    else
        tokens_because(t, "Zalo calls the refresh token invalid (-14014)%s: run `sangkien token set` and open the link it prints",
                t->lost_answer ? " after an answer was lost" : "");
    log_error("%s; messages wait meanwhile, none is dropped", t->why);
    give_up(t, TOKEN_REFUSED_AGAIN_MS, true);
}

static void try_again(struct tokens *t, const char *why)
{
    int tries = ++t->tries;
    tokens_because(t, "the token refresh fails: %s", why);
    if (tries < TRIES) { /* the lease stays ours, the next look renews it */
        int64_t pause = try_again_ms[tries - 1];
        log_warn("%s; again in %" PRId64 " s", t->why, pause / 1000);
        t->not_before_ms = clock_monotonic_ms() + pause;
        tokens_wait(t, pause);
        return;
    }
    size_t n = (size_t)t->given_up < ARRAY_LEN(give_up_ms) ? (size_t)t->given_up : ARRAY_LEN(give_up_ms) - 1;
    int64_t pause = give_up_ms[n] / 2 + tokens_random(give_up_ms[n]);
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
        .expires_at_ms = clock_epoch_ms() + (got->expires_in_s > 0 ? got->expires_in_s * 1000 : TOKEN_LIFETIME_MS),
    };
    memcpy(pair.base, t->row.base, sizeof(pair.base));
    tokens_keep(t, memory, &pair);
    tokens_write_file(t);
    (void)FAULT_POINT("token_after_file");
    t->tries = t->given_up = 0;
    t->failing = t->lost_answer = false;
    t->rejected = t->row.generation; /* Zalo killed it when it answered */
    tokens_because(t, "new tokens are being stored");
    tokens_store_kept(t);
    tokens_announce(t);
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
        tokens_look(t);
        return;
    case ZALO_STOP:
    case ZALO_POISON:
        tokens_because(t, "Zalo refuses to refresh the token: %s: check zalo.app_id and zalo.app_secret", why);
        log_error("%s; next try in an hour or after a restart", t->why);
        give_up(t, TOKEN_REFUSED_AGAIN_MS, false);
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
        tokens_wait(t, TOKEN_LOOK_LEASED_MS);
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

void tokens_lease(struct tokens *t)
{
    const char *before = t->row.lease_owner;
    if (before && strcmp(before, t->owner) != 0)
        snprintf(t->took_over_from, sizeof(t->took_over_from), "%s", before);
    struct pg_params *p = tokens_params(t);
    pg_param_int8(p, t->row.generation);
    pg_param_text(p, t->owner);
    pg_param_int8(p, LEASE_MS);
    struct pg_unit *unit = tokens_unit(t, SQL_TOKEN_LEASE, p);
    PG_FAULTS(unit, "token_before_lease", "token_after_lease");
    tokens_run(t, unit, on_leased);
}
