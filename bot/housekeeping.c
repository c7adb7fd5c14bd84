/* Housekeeping: see housekeeping.h. */
#include "housekeeping.h"

#include <event2/event.h>

#include "case_store.h"
#include "clock.h"
#include "log.h"
#include "pg_queue.h"
#include "reading/unit_name.h"
#include "settings.h"
#include "turns.h"

enum {
    MAIL_LOOK_MS = 1000,
    MAIL_MOST = 500,
    SWEEP_MS = 60 * 1000, /* retention and unit keys; more often while there is something left */
    FORGET_MOST = 5000,
    EVENT_DAYS = 30, /* longer than any redelivery; design section 4 */
    DEADLINE_MS = 10000,
};

/* Of a name without a letter or digit: an empty key would be looked for again at once, for ever.  Nobody's typing folds to it. */
#define NO_KEY "-"

struct housekeeping {
    struct event_base *base;
    struct pg_queue *background;
    struct turns *turns;
    const struct settings *settings;
    struct event *mail_timer, *sweep_timer;
    int64_t mail_at_ms; /* monotonic: the next look */
    bool mail_looking;
};

static void arm(struct event *timer, int64_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(timer, &tv);
}

static void log_failure(const struct err *e, const char *what)
{
    static struct log_gate gate;
    if (log_pass(&gate, 30000))
        log_warn("%s: %s; later again", what, e->msg);
}

/* ---- mail ---- */

static void on_mail_due(const struct pg_answer *answer, void *arg)
{
    struct housekeeping *h = arg;
    h->mail_looking = false;
    if (answer->e) {
        log_failure(answer->e, "cannot look at the mailbox");
        return;
    }
    TALLOC_CTX *tmp = talloc_new(h);
    for (const struct mail *m = case_store_due_mail(tmp, answer->result[0]); m; m = m->next)
        turns_take_mail(h->turns, m);
    talloc_free(tmp);
}

static void on_mail_timer(evutil_socket_t fd, short what, void *arg)
{
    struct housekeeping *h = arg;
    (void)fd;
    (void)what;
    h->mail_at_ms = 0;
    housekeeping_mail_in(h, MAIL_LOOK_MS);
    if (h->mail_looking || turns_waiting(h->turns) > TURNS_WAITING_MAX / 2)
        return;
    h->mail_looking = true;
    struct pg_unit *unit = pg_unit_new(h);
    struct pg_params *p = pg_params_new(unit);
    pg_param_int8(p, MAIL_MOST);
    pg_add(unit, SQL_MAILBOX_DUE, p);
    PG_FAULTS(unit, "mail_before_look", "mail_after_look");
    pg_queue_run(h->background, unit, DEADLINE_MS, on_mail_due, h);
}

void housekeeping_mail_in(struct housekeeping *h, int64_t due_ms)
{
    if (due_ms < 0)
        due_ms = 0;
    int64_t at = clock_monotonic_ms() + due_ms;
    if (h->mail_at_ms && h->mail_at_ms <= at)
        return; /* a steady flow of later mail must not put the look off for ever */
    h->mail_at_ms = at;
    arm(h->mail_timer, due_ms);
}

/* ---- unit names ---- */

static void on_keys_written(const struct pg_answer *answer, void *arg)
{
    struct housekeeping *h = arg;
    if (answer->e)
        log_failure(answer->e, "cannot write the folded names of units");
    else
        arm(h->sweep_timer, 0); /* there may be more */
}

/* Units that came by SQL have no folded name yet; without it nobody's typing would find them. */
static void on_unkeyed(const struct pg_answer *answer, void *arg)
{
    struct housekeeping *h = arg;
    if (answer->e) {
        log_failure(answer->e, "cannot read the names of units");
        return;
    }
    const PGresult *res = answer->result[0];
    if (PQntuples(res) == 0)
        return;
    struct pg_unit *unit = pg_unit_new(h);
    struct save *s = save_new(unit);
    for (int r = 0; r < PQntuples(res); r++) {
        struct str name = pg_bytes(res, r, 1);
        const char *key = unit_key(unit, name);
        save_row(s, pg_bool(res, r, 2) ? SQL_UNIT_ALIAS_KEY : SQL_UNIT_KEY, "itt", pg_int8(res, r, 0), talloc_strndup(unit, name.p, name.n),
                 key && *key ? key : NO_KEY);
    }
    save_into(s, unit);
    pg_queue_run(h->background, unit, DEADLINE_MS, on_keys_written, h);
}

/* ---- retention ---- */

static void on_forgotten(const struct pg_answer *answer, void *arg)
{
    struct housekeeping *h = arg;
    if (answer->e) {
        log_failure(answer->e, "cannot delete old rows");
        return;
    }
    for (int i = 0; i < answer->count; i++)
        if (strcmp(PQcmdTuples(answer->result[i]), "5000") == 0) /* FORGET_MOST: a full batch, so there is more */
            arm(h->sweep_timer, 1000);
}

static void forget(struct housekeeping *h)
{
    struct pg_unit *unit = pg_unit_new(h);
    struct pg_params *events = pg_params_new(unit), *messages = pg_params_new(unit), *echoes = pg_params_new(unit), *invites = pg_params_new(unit);
    pg_param_int8(events, EVENT_DAYS);
    pg_param_int8(events, FORGET_MOST);
    pg_param_int8(messages, h->settings->retention.message_days);
    pg_param_int8(messages, FORGET_MOST);
    pg_param_int8(echoes, FORGET_MOST);
    pg_param_int8(invites, FORGET_MOST);
    pg_add(unit, SQL_EVENT_FORGET_OLD, events);
    pg_add(unit, SQL_MESSAGE_FORGET_OLD, messages);
    pg_add(unit, SQL_ECHO_FORGET_OLD, echoes);
    pg_add(unit, SQL_INVITE_FORGET_OLD, invites);
    PG_FAULTS(unit, "retention_before_delete", "retention_after_delete");
    pg_queue_run(h->background, unit, DEADLINE_MS, on_forgotten, h);
}

static void on_sweep_timer(evutil_socket_t fd, short what, void *arg)
{
    struct housekeeping *h = arg;
    (void)fd;
    (void)what;
    arm(h->sweep_timer, SWEEP_MS);
    struct pg_unit *unit = pg_unit_new(h);
    pg_add(unit, SQL_UNIT_UNKEYED, NULL);
    pg_queue_run(h->background, unit, DEADLINE_MS, on_unkeyed, h);
    forget(h);
}

static int housekeeping_destructor(struct housekeeping *h)
{
    event_free(h->mail_timer);
    event_free(h->sweep_timer);
    return 0;
}

struct housekeeping *housekeeping_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *background, struct turns *turns,
                                      const struct settings *settings)
{
    struct housekeeping *h = talloc_zero(ctx, struct housekeeping);
    *h = (struct housekeeping){.base = base, .background = background, .turns = turns, .settings = settings};
    h->mail_timer = event_new(base, -1, 0, on_mail_timer, h);
    h->sweep_timer = event_new(base, -1, 0, on_sweep_timer, h);
    talloc_set_destructor(h, housekeeping_destructor);
    housekeeping_mail_in(h, 0);
    arm(h->sweep_timer, 0);
    return h;
}
