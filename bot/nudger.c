/* Automatic reminders: see nudger.h. */
#include "nudger.h"

#include <event2/event.h>

#include "broadcast_store.h"
#include "clock.h"
#include "fault.h"
#include "hours.h"
#include "ids.h"
#include "log.h"
#include "pg_queue.h"
#include "settings.h"

enum {
    LOOK_MS = 3000,  /* of a process; the row of nudge_sweep lets one look in EVERY_MS through, of whichever process */
    EVERY_MS = 6000,
    PEOPLE_PER_LOOK = 1000, /* 350,000 people are gone through in 35 minutes; a look takes some 50 ms, however many there are */
    PER_LOOK = NUDGES_PER_MINUTE * EVERY_MS / (60 * 1000),
    SAID_WITHIN_MS = 60 * 60 * 1000, /* the look leaves an hour of the free 48 */
    DEADLINE_MS = 10000,
};

struct nudger {
    struct nudger_options options;
    struct event *timer;
    bool looking;
    uint64_t posted[NUDGE_KINDS];
};

static void look_later(struct nudger *n)
{
    struct timeval tv = {LOOK_MS / 1000, 0};
    event_add(n->timer, &tv);
}

static void on_swept(const struct pg_answer *answer, void *arg)
{
    static const char *const kinds[] = {[NUDGE_DRAFT] = "draft", [NUDGE_RETURNED] = "returned", [NUDGE_WAVE] = "wave"};
    struct nudger *n = arg;
    n->looking = false;
    if (answer->e) {
        static struct log_gate gate;
        if (log_pass(&gate, 30000))
            log_warn("cannot look for people to remind: %s; later again", answer->e->msg);
        return;
    }
    if (answer->count < 2)
        return; /* outside the hours */
    const PGresult *res = answer->result[1];
    for (int r = 0; r < PQntuples(res); r++)
        for (int k = 0; k < NUDGE_KINDS; k++)
            n->posted[k] += str_eq(pg_bytes(res, r, 0), str_of(kinds[k]));
    if (PQntuples(res) > 0)
        n->options.on_mail(n->options.ctx);
}

static struct pg_params *look_params(struct pg_unit *unit, struct nudger *n, int64_t now_ms)
{
    const struct settings *s = n->options.settings;
    const int64_t close_ms = hours_close(&s->hours.broadcast, &s->hours.holidays, now_ms), hour_ms = now_ms + SAID_WITHIN_MS;
    struct pg_params *p = pg_params_new(unit);
    pg_param_int8(p, PEOPLE_PER_LOOK);
    pg_param_int8(p, PER_LOOK);
    pg_param_int8(p, ids_next(n->options.ids));
    pg_param_int8(p, BROADCAST_PER_WEEK);
    pg_param_int8(p, s->nudge.draft_hours);
    pg_param_int8(p, s->nudge.returned_hours);
    pg_param_int8(p, s->nudge.wave_days);
    pg_param_int8(p, s->nudge.charged);
    pg_param_int8(p, EVERY_MS);
    pg_param_int8(p, close_ms < hour_ms ? close_ms : hour_ms);
    return p;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct nudger *n = arg;
    const struct settings *s = n->options.settings;
    const int64_t now_ms = clock_epoch_ms();
    (void)fd;
    (void)what;
    look_later(n);
    if (n->looking)
        return;
    n->looking = true;
    struct pg_unit *unit = pg_unit_new(n);
    pg_add(unit, SQL_NUDGE_SETTLE, NULL);
    if (hours_open(&s->hours.broadcast, &s->hours.holidays, now_ms) && (s->nudge.draft_hours || s->nudge.returned_hours || s->nudge.wave_days))
        pg_add(unit, SQL_NUDGE_SWEEP, look_params(unit, n, now_ms));
    PG_FAULTS(unit, "nudge_before_post", "nudge_after_post");
    pg_queue_run(n->options.db, unit, DEADLINE_MS, on_swept, n);
}

static int nudger_end(struct nudger *n)
{
    event_free(n->timer);
    return 0;
}

struct nudger *nudger_new(TALLOC_CTX *ctx, const struct nudger_options *options)
{
    struct nudger *n = talloc_zero(ctx, struct nudger);
    n->options = *options;
    n->timer = event_new(options->base, -1, 0, on_timer, n);
    talloc_set_destructor(n, nudger_end);
    if (!options->hold)
        look_later(n);
    return n;
}

const uint64_t *nudger_counters(const struct nudger *n)
{
    return n->posted;
}
