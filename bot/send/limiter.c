/* The pace of all calls: see limiter.h. */
#include "limiter.h"

#include <event2/event.h>

#include "breaker.h"
#include "clock.h"
#include "log.h"
#include "pg_queue.h"
#include "settings.h"
#include "zalo/answer.h"

enum {
    SLACK_MS = 900,
    LAG_MS = 400, /* moments so far behind may still be leased: a process that was held up loses nothing */
    REPLY_AHEAD_MS = 1000,
    BROADCAST_AHEAD_MS = 100,
    LEAST_MS = 20,  /* worth asking the database for: at high rates not a few calls only */
    AGAIN_MS = 40,  /* until the next try when all is leased */
    LEASES_MAX = 8,
    ENTER_MS = 20000,
    DEADLINE_MS = 1000,
    ALONE_DIVISOR = 2,
    BACK_OFF_EXTRA_MS = 1500, /* Zalo's minute may begin that much later than ours */
};

#define NS_PER_MS INT64_C(1000000)

/* Moments first_ns + k * step_ns by our clock: as late as the database may mean them, and, less `early_ns`, as early. */
struct lease {
    int64_t first_ns, step_ns, early_ns;
    int64_t calls, used;
};

struct limiter {
    struct limiter_options options;
    struct lease lease[LEASES_MAX];
    size_t leases;
    bool leasing;
    int64_t asked_ns, step_ns; /* of the lease being asked for */
    int64_t again_ms, hold_until_ms;
    int64_t processes;
    uint64_t debt; /* calls that did not wait */
    struct breaker breaker;
    struct {
        void (*more)(void *ctx);
        void *ctx;
        size_t waiting; /* refused; 0: nobody waits */
    } rank[SEND_RANKS];
    struct event *timer, *enter_timer;
    struct limiter_counters counters;
};

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 * NS_PER_MS + ts.tv_nsec;
}

static int64_t step_ns(const struct limiter *l)
{
    return (60000 + SLACK_MS) * NS_PER_MS / l->options.settings->send.per_minute;
}

static void arm(struct event *timer, int64_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(timer, &tv);
}

/* Nobody may send for so long. */
static int64_t hold_ms(const struct limiter *l)
{
    int64_t now_ms = clock_monotonic_ms(), held = l->hold_until_ms - now_ms, broken = breaker_wait_ms(&l->breaker, now_ms);
    return held > broken ? held : broken;
}

static bool wanted(const struct limiter *l)
{
    return l->rank[SEND_REPLY].waiting || l->rank[SEND_BROADCAST].waiting;
}

/* ---- moments in hand ---- */

static void drop_first(struct limiter *l)
{
    l->leases--;
    for (size_t i = 0; i < l->leases; i++)
        l->lease[i] = l->lease[i + 1];
}

/* Moments that have passed unused. */
static void forget_void(struct limiter *l, int64_t now)
{
    while (l->leases > 0) {
        struct lease *a = &l->lease[0];
        while (a->used < a->calls && a->first_ns - a->early_ns + a->used * a->step_ns + SLACK_MS * NS_PER_MS < now) {
            a->used++;
            l->counters.lapsed++;
        }
        if (a->used < a->calls)
            return;
        drop_first(l);
    }
}

static int64_t left(const struct limiter *l)
{
    int64_t n = 0;
    for (size_t i = 0; i < l->leases; i++)
        n += l->lease[i].calls - l->lease[i].used;
    return n;
}

/* Spends the next moment; false: it has not come yet, or there is none. */
static bool spend(struct limiter *l, int64_t now)
{
    forget_void(l, now);
    if (l->leases == 0 || l->lease[0].first_ns + l->lease[0].used * l->lease[0].step_ns > now)
        return false;
    if (++l->lease[0].used == l->lease[0].calls)
        drop_first(l);
    return true;
}

/* ---- leasing ---- */

static void wait_further(struct limiter *l);

static void wake(struct limiter *l)
{
    for (int r = 0; r < SEND_RANKS; r++) {
        if (r == SEND_BROADCAST && l->rank[SEND_REPLY].waiting)
            break;
        bool waits = l->rank[r].waiting > 0;
        l->rank[r].waiting = 0;
        if (waits && l->rank[r].more)
            l->rank[r].more(l->rank[r].ctx);
    }
    wait_further(l);
}

/* The database does not answer: some moments of our own, for replies that are in hand all the same. */
static void go_alone(struct limiter *l)
{
    int64_t step = step_ns(l) * ALONE_DIVISOR * l->processes;
    struct lease own = {.first_ns = now_ns(), .step_ns = step, .calls = DEADLINE_MS * NS_PER_MS / step + 1};
    if (l->leases == LEASES_MAX)
        return;
    l->lease[l->leases++] = own;
    l->counters.alone += (uint64_t)own.calls;
}

static void on_leased(const struct pg_answer *answer, void *arg)
{
    struct limiter *l = arg;
    l->leasing = false;
    if (answer->e) {
        static struct log_gate gate;
        if (log_pass(&gate, 30000))
            log_warn("the pace of sending cannot be shared: %s; keeping to half of an even share", answer->e->msg);
        go_alone(l);
        wake(l);
        return;
    }
    const PGresult *res = answer->result[answer->count - 1];
    if (PQntuples(res) == 0 || l->leases == LEASES_MAX) {
        l->again_ms = clock_monotonic_ms() + AGAIN_MS;
        wait_further(l);
        return;
    }
    int64_t arrived = now_ns(), calls = pg_int8(res, 0, 1), processes = pg_int8(res, 0, 2);
    l->lease[l->leases++] = (struct lease){
        .first_ns = arrived + pg_int8(res, 0, 0) * 1000, .step_ns = l->step_ns, .early_ns = arrived - l->asked_ns, .calls = calls};
    l->counters.leased += (uint64_t)calls;
    l->processes = processes > 0 ? processes : 1;
    wake(l);
}

static void lease_more(struct limiter *l)
{
    bool reply = l->rank[SEND_REPLY].waiting > 0;
    int64_t now_ms = clock_monotonic_ms(), ahead_ms = reply ? REPLY_AHEAD_MS : BROADCAST_AHEAD_MS;
    if (l->leasing || now_ms < l->again_ms || l->leases == LEASES_MAX)
        return;
    int64_t step = step_ns(l), most = ahead_ms * NS_PER_MS / step + 1, least = LEAST_MS * NS_PER_MS / step + 1;
    int64_t calls = (int64_t)(l->rank[SEND_REPLY].waiting + l->rank[SEND_BROADCAST].waiting + l->debt);
    calls = calls < least ? least : calls > most ? most : calls;
    l->leasing = true;
    l->asked_ns = now_ns();
    l->step_ns = step;
    struct pg_unit *unit = pg_unit_new(l);
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, l->options.settings->zalo.app_id);
    pg_param_int8(p, calls);
    pg_param_int8(p, step);
    pg_param_int8(p, ahead_ms);
    pg_param_int8(p, LAG_MS);
    pg_add(unit, SQL_PACE_PLAN, NULL);
    pg_add(unit, SQL_PACE_LEASE, p);
    pg_queue_run(l->options.db, unit, DEADLINE_MS, on_leased, l);
}

/* Somebody waits: for a moment in hand, for the next lease, or for the end of a hold. */
static void wait_further(struct limiter *l)
{
    if (!wanted(l))
        return;
    int64_t now_ms = clock_monotonic_ms(), now = now_ns();
    if (hold_ms(l) > 0) {
        arm(l->timer, hold_ms(l));
        return;
    }
    forget_void(l, now);
    if (left(l) == 0)
        lease_more(l);
    if (l->leases > 0) {
        int64_t wait = l->lease[0].first_ns + l->lease[0].used * l->lease[0].step_ns - now;
        arm(l->timer, wait <= 0 ? 0 : wait / NS_PER_MS + 1);
    } else if (!l->leasing) {
        arm(l->timer, l->again_ms > now_ms ? l->again_ms - now_ms : 1);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    wake(arg);
}

/* ---- asking ---- */

static void pay_debt(struct limiter *l, int64_t now)
{
    while (l->debt > 0 && spend(l, now))
        l->debt--;
}

bool limiter_take(struct limiter *l, enum send_rank rank, size_t waiting)
{
    int64_t now = now_ns();
    bool yields = rank == SEND_BROADCAST && l->rank[SEND_REPLY].waiting > 0, held = hold_ms(l) > 0;
    if (!held)
        pay_debt(l, now);
    bool goes = !yields && !held && l->debt == 0 && spend(l, now);
    l->rank[rank].waiting = goes ? 0 : waiting > 0 ? waiting : 1;
    if (!goes) {
        wait_further(l);
        return false;
    }
    l->counters.calls[rank]++;
    breaker_called(&l->breaker, clock_monotonic_ms());
    if ((int64_t)waiting > 1 && left(l) * step_ns(l) < BROADCAST_AHEAD_MS / 2 * NS_PER_MS) { /* more will be asked for soon */
        l->rank[rank].waiting = waiting - 1;
        lease_more(l);
        l->rank[rank].waiting = 0;
    }
    return true;
}

void limiter_heard(struct limiter *l, const struct zalo_answer *answer)
{
    bool answered = answer->code != 0 || (answer->class != ZALO_RETRY && answer->class != ZALO_UNKNOWN_OUTCOME);
    if (!breaker_heard(&l->breaker, answered, clock_monotonic_ms()))
        return;
    if (l->breaker.open)
        log_warn("most calls to Zalo fail, the last one with %s (%s): one a second is tried until one is answered", answer->meaning, answer->message);
    else
        log_info("Zalo answers again");
    wait_further(l);
}

bool limiter_broken(const struct limiter *l)
{
    return l->breaker.open;
}

void limiter_spend(struct limiter *l)
{
    l->debt++;
    pay_debt(l, now_ns());
}

static void on_held(const struct pg_answer *answer, void *arg)
{
    (void)arg;
    if (answer->e)
        log_warn("other processes could not be told to send less: %s, ignoring", answer->e->msg); /* Zalo tells them */
}

int64_t limiter_back_off(struct limiter *l)
{
    int64_t now_ms = clock_monotonic_ms(), wait_ms = 60000 - clock_epoch_ms() % 60000 + BACK_OFF_EXTRA_MS;
    l->counters.refused++;
    if (now_ms < l->hold_until_ms)
        return l->hold_until_ms - now_ms;
    l->hold_until_ms = now_ms + wait_ms;
    l->leases = 0;
    struct pg_unit *unit = pg_unit_new(l);
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, l->options.settings->zalo.app_id);
    pg_param_int8(p, wait_ms);
    pg_add(unit, SQL_PACE_HOLD, p);
    pg_queue_run(l->options.db, unit, DEADLINE_MS, on_held, l);
    return wait_ms;
}

/* ---- the rest ---- */

static void on_entered(const struct pg_answer *answer, void *arg)
{
    struct limiter *l = arg;
    if (answer->e)
        arm(l->enter_timer, DEADLINE_MS);
}

static void on_enter_timer(evutil_socket_t fd, short what, void *arg)
{
    struct limiter *l = arg;
    (void)fd;
    (void)what;
    arm(l->enter_timer, ENTER_MS);
    struct pg_unit *unit = pg_unit_new(l);
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, l->options.settings->zalo.app_id);
    pg_param_text(p, l->options.process);
    pg_add(unit, SQL_PACE_PLAN, NULL);
    pg_add(unit, SQL_PACE_ENTER, p);
    pg_queue_run(l->options.db, unit, DEADLINE_MS, on_entered, l);
}

static int limiter_destructor(struct limiter *l)
{
    event_free(l->timer);
    event_free(l->enter_timer);
    return 0;
}

struct limiter *limiter_new(TALLOC_CTX *ctx, const struct limiter_options *options)
{
    struct limiter *l = talloc_zero(ctx, struct limiter);
    l->options = *options;
    l->processes = options->settings->server.workers > 0 ? options->settings->server.workers : 1;
    l->timer = event_new(options->base, -1, 0, on_timer, l);
    l->enter_timer = event_new(options->base, -1, 0, on_enter_timer, l);
    talloc_set_destructor(l, limiter_destructor);
    on_enter_timer(-1, 0, l);
    return l;
}

void limiter_on_more(struct limiter *l, enum send_rank rank, void (*more)(void *ctx), void *ctx)
{
    l->rank[rank].more = more;
    l->rank[rank].ctx = ctx;
}

int64_t limiter_share(const struct limiter *l)
{
    return l->options.settings->send.per_minute / l->processes + 1;
}

const struct limiter_counters *limiter_counters(const struct limiter *l)
{
    return &l->counters;
}
