/* Keeping watch: see watch.h. */
#include "watch.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "hours.h"
#include "send/limiter.h"
#include "log.h"
#include "metrics.h"
#include "send/outbox.h"
#include "pending.h"
#include "pg_queue.h"
#include "settings.h"
#include "token/token.h"
#include "zalo/client.h"
#include "zalo/encode.h"

enum {
    LOOK_MS = 60 * 1000,       /* more often when watch.silence_ms is short */
    DEADLINE_MS = 5000,
    DAY_MS = 24 * 3600 * 1000,
    ASK_AGAIN_MS = 10 * 60 * 1000, /* after Zalo gave no answer */
    NO_TOKEN_MS = 5000,
    AGAIN_SILENT_MS = 3 * 3600 * 1000, /* a notice is repeated after this, while it holds */
    AGAIN_MS = DAY_MS,
    PACKAGE_DAYS = 14,         /* enough to have a bill paid */
    BAD_LOOKS = 2,             /* in a row: what passes by itself is no news */
};

struct watch {
    struct watch_state shown; /* first: what the outside holds a pointer to */
    struct watch_options options;
    struct event *look, *ask;
    struct pending *silence, *oa; /* questions under way */
    uint64_t heard;               /* signed requests when they were last written down */
    int bad_tokens, bad_sends;    /* looks in a row */
};

static void arm(struct event *timer, int64_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(timer, &tv);
}

/* ---- telling ---- */

struct notice {
    struct watch *w;
    const char *kind;
};

static void on_told(const struct pg_answer *answer, void *arg)
{
    struct notice *n = arg;
    if (answer->e)
        log_warn("organizers could not be told (%s): %s; tried again at the next look", n->kind, answer->e->msg);
    else if (PQntuples(answer->result[0]) > 0) {
        log_warn("notice %s: %" PRId64 " organizers are told in chat", n->kind, pg_int8(answer->result[0], 0, 0));
        n->w->shown.notices++;
    }
    talloc_free(n);
}

/* @param detail  digits and slashes only, stands in the text; "": none. */
static void tell(struct watch *w, const char *kind, const char *detail, int64_t again_ms)
{
    struct notice *n = talloc_zero(w, struct notice);
    *n = (struct notice){.w = w, .kind = kind};
    struct pg_unit *unit = pg_unit_new(n);
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, kind);
    pg_param_text(p, talloc_asprintf(unit, "{\"kind\":\"%s\",\"detail\":\"%s\"}", kind, detail));
    pg_param_int8(p, ids_next(w->options.ids));
    pg_param_int8(p, again_ms);
    pg_add(unit, SQL_OPERATOR_TELL, p);
    pg_queue_run(w->options.db, unit, DEADLINE_MS, on_told, n);
}

/* ---- silence ---- */

static struct watch *silence_answered(const struct pg_answer *answer, struct pending *note)
{
    struct watch *w = pending_end(note);
    if (w && answer->e)
        w->heard = 0; /* to be written down all the same */
    return answer->e ? NULL : w;
}

static void on_heard_noted(const struct pg_answer *answer, void *ctx)
{
    silence_answered(answer, ctx);
}

static void on_silence(const struct pg_answer *answer, void *ctx)
{
    struct watch *w = silence_answered(answer, ctx);
    if (!w)
        return;
    int64_t silent_ms = pg_int8(answer->result[answer->count - 1], 0, 0), bound_ms = w->options.settings->watch.silence_ms;
    w->shown.silent = silent_ms >= bound_ms;
    if (!w->shown.silent)
        return;
    static struct log_gate gate;
    if (log_pass(&gate, 3600 * 1000))
        log_error("no webhook has come for %" PRId64 " min in working hours: look in the developer console whether Zalo has switched it off",
                  silent_ms / 60000);
    char minutes[24];
    snprintf(minutes, sizeof(minutes), "%" PRId64, silent_ms / 60000);
    tell(w, "silent", minutes, AGAIN_SILENT_MS);
}

/* What all processes have heard decides; each writes down what it heard itself. */
static void look_for_silence(struct watch *w)
{
    const struct settings *s = w->options.settings;
    int64_t now = clock_epoch_ms(), bound_ms = s->watch.silence_ms;
    bool news = metrics.signed_requests != w->heard;
    bool working = bound_ms > 0 && hours_open(&s->hours.staff, &s->hours.holidays, now) &&
                   hours_open(&s->hours.staff, &s->hours.holidays, now - bound_ms);
    if (!working)
        w->shown.silent = 0;
    if (w->silence || (!news && !working))
        return;
    w->heard = metrics.signed_requests;
    struct pg_unit *unit = pg_unit_new(w);
    if (news)
        pg_add(unit, SQL_OPERATOR_HEARD, NULL);
    if (working)
        pg_add(unit, SQL_OPERATOR_SILENCE_COUNT, NULL);
    struct pending *note = pending_new(w->options.db, w, &w->silence);
    pg_queue_run(w->options.db, unit, DEADLINE_MS, working ? on_silence : on_heard_noted, note);
}

/* ---- what this process sees by itself ---- */

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;
    const char *why;
    (void)fd;
    (void)what;
    int64_t bound_ms = w->options.settings->watch.silence_ms;
    arm(w->look, bound_ms > 0 && bound_ms / 2 < LOOK_MS ? bound_ms / 2 : LOOK_MS);
    look_for_silence(w);
    w->bad_tokens = tokens_degraded(w->options.tokens, &why) ? w->bad_tokens + 1 : 0;
    if (w->bad_tokens >= BAD_LOOKS)
        tell(w, "token", "", AGAIN_MS);
    w->bad_sends = outbox_paused(w->options.outbox) ? w->bad_sends + 1 : 0;
    if (w->bad_sends >= BAD_LOOKS)
        tell(w, "stopped", "", AGAIN_MS);
}

/* ---- the OA, by Zalo's own word ---- */

/* "31/12/2026": the days from today to then, -1 when it is over, INT64_MAX when it is no date. */
static int64_t days_until(const char *date, int64_t now_ms)
{
    struct tm tm = {0};
    if (!date || !strptime(date, "%d/%m/%Y", &tm))
        return INT64_MAX;
    tm.tm_mday++; /* the end of that day, Việt Nam's clock */
    int64_t left_ms = (int64_t)timegm(&tm) * 1000 - VIETNAM_OFFSET_MS - now_ms;
    return left_ms < 0 ? -1 : left_ms / DAY_MS;
}

static void judge(struct watch *w, const struct zalo_oa *oa)
{
    int64_t days = days_until(oa->package_valid_through, clock_epoch_ms());
    w->shown.oa_known = 1;
    w->shown.oa_unverified = oa->verified_known && !oa->is_verified;
    w->shown.package_days = days > 0 && days < INT64_MAX ? (uint64_t)days : 0;
    if (days <= PACKAGE_DAYS) {
        log_error("the OA's package ends on %s: have it extended in OA Manager", oa->package_valid_through);
        struct tm day = {0};
        char date[32] = "";
        if (strptime(oa->package_valid_through, "%d/%m/%Y", &day))
            strftime(date, sizeof(date), "%d/%m/%Y", &day);
        tell(w, days < 0 ? "package_over" : "package", date, AGAIN_MS);
    }
    if (w->shown.oa_unverified) {
        log_error("the OA is not verified (any more): Zalo will refuse to send");
        tell(w, "unverified", "", AGAIN_MS);
    }
}

static void on_oa(const struct zalo_answer *answer, struct str body, void *ctx)
{
    struct watch *w = pending_end(ctx);
    if (!w)
        return;
    TALLOC_CTX *memory = talloc_new(w);
    struct zalo_oa oa;
    bool told = answer->class == ZALO_OK && zalo_read_oa(memory, body, &oa);
    if (told)
        judge(w, &oa);
    else
        log_warn("Zalo did not tell about the OA: %s, asking again in %d min", answer->meaning, ASK_AGAIN_MS / 60000);
    talloc_free(memory);
    arm(w->ask, told ? DAY_MS : ASK_AGAIN_MS);
}

static void on_ask(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;
    struct err e;
    (void)fd;
    (void)what;
    const struct token *token = tokens_current(w->options.tokens);
    if (!token || w->oa) {
        arm(w->ask, NO_TOKEN_MS);
        return;
    }
    limiter_spend(w->options.limiter);
    struct pending *note = pending_new(w->options.client, w, &w->oa);
    if (zalo_client_get(w->options.client, token->access, ZALO_PATH_OA, NULL, on_oa, note, &e))
        return;
    pending_end(note);
    arm(w->ask, NO_TOKEN_MS);
}

static int watch_destructor(struct watch *w)
{
    event_free(w->look);
    event_free(w->ask);
    pending_forget(&w->silence);
    pending_forget(&w->oa);
    return 0;
}

const struct watch_state *watch_new(TALLOC_CTX *ctx, const struct watch_options *options)
{
    struct watch *w = talloc_zero(ctx, struct watch);
    w->options = *options;
    w->look = event_new(options->base, -1, 0, on_look, w);
    w->ask = event_new(options->base, -1, 0, on_ask, w);
    talloc_set_destructor(w, watch_destructor);
    on_look(-1, 0, w);
    if (options->asks_zalo)
        arm(w->ask, 0);
    return &w->shown;
}
