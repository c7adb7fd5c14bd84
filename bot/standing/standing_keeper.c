/* Keeps the standing up to date: see standing_keeper.h. */
#include "standing_keeper.h"

#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "pg_queue.h"
#include "turn.h"

enum {
    FOLD_MS = 15000,            /* how old the standing gets; with the fold itself and a look in between, well below a minute */
    LOOK_MS = 5000,
    FOLD_DEADLINE_MS = 600000,  /* all units anew, after the tree or the waves have changed */
    FREEZE_DEADLINE_MS = 600000,
    DEADLINE_MS = 5000,
};

struct standing_keeper {
    struct pg_queue *queue;
    struct event *timer;
    int64_t began_ms;
    struct wave_end wave;
    TALLOC_CTX *words; /* of the wave */
    struct standing_counters counters;
    struct log_gate gate;
};

static void note_failure(struct standing_keeper *k, const char *what, const struct err *e)
{
    k->counters.failures++;
    if (log_pass(&k->gate, 30000))
        log_warn("%s: %s; later again", what, e->msg);
}

static void look_in(struct standing_keeper *k, int ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(k->timer, &tv);
}

static void on_wave(const struct pg_answer *answer, void *arg)
{
    struct standing_keeper *k = arg;
    if (answer->e) {
        note_failure(k, "cannot look at the waves", answer->e);
    } else {
        const PGresult *res = answer->result[0];
        TALLOC_FREE(k->words);
        k->wave = (struct wave_end){0};
        if (PQntuples(res) > 0) {
            k->words = talloc_new(k);
            k->wave = (struct wave_end){.name = pg_text(k->words, res, 0, 0), .ends_on = pg_text(k->words, res, 0, 1),
                                        .closes_at_ms = pg_time_ms(res, 0, 2)};
        }
    }
    look_in(k, LOOK_MS);
}

static void on_frozen(const struct pg_answer *answer, void *arg)
{
    struct standing_keeper *k = arg;
    if (answer->e)
        note_failure(k, "a wave that has ended is not kept yet", answer->e);
    else if (PQntuples(answer->result[0]) > 0)
        log_info("wave %.*s is counted and kept", STR_ARG(pg_bytes(answer->result[0], 0, 0)));
    struct pg_unit *unit = pg_unit_new(k);
    pg_add(unit, SQL_WAVE_NOW, NULL);
    pg_queue_run(k->queue, unit, DEADLINE_MS, on_wave, k);
}

static void on_folded(const struct pg_answer *answer, void *arg)
{
    struct standing_keeper *k = arg;
    if (answer->e) {
        note_failure(k, "the standing was not brought up to date", answer->e);
    } else if (!pg_null(answer->result[0], 0, 0)) {
        k->counters.folds++;
        k->counters.fold_ms = clock_monotonic_ms() - k->began_ms;
    }
    struct pg_unit *unit = pg_unit_new(k);
    struct pg_params *p = pg_params_new(unit);
    pg_param_int8(p, 1);
    pg_add(unit, SQL_STANDING_FREEZE_DUE, p);
    pg_queue_run(k->queue, unit, FREEZE_DEADLINE_MS, on_frozen, k);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct standing_keeper *k = arg;
    (void)fd;
    (void)what;
    k->began_ms = clock_monotonic_ms();
    struct pg_unit *unit = pg_unit_new(k);
    struct pg_params *p = pg_params_new(unit);
    pg_param_int8(p, FOLD_MS);
    pg_add(unit, SQL_STANDING_FOLD, p);
    pg_queue_run(k->queue, unit, FOLD_DEADLINE_MS, on_folded, k);
}

static int keeper_end(struct standing_keeper *k)
{
    event_free(k->timer);
    return 0;
}

struct standing_keeper *standing_keeper_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *queue)
{
    struct standing_keeper *k = talloc_zero(ctx, struct standing_keeper);
    k->queue = queue;
    k->timer = event_new(base, -1, 0, on_timer, k);
    talloc_set_destructor(k, keeper_end);
    look_in(k, 0);
    return k;
}

const struct wave_end *standing_keeper_wave(const struct standing_keeper *k)
{
    return &k->wave;
}

const struct standing_counters *standing_keeper_counters(const struct standing_keeper *k)
{
    return &k->counters;
}
