/* Gives back what a dead process held, and once more what it seems to take after its death. */
#include "predecessor.h"

#include "log.h"

enum { DEADLINE_MS = 30000, LOOKS = 6, BETWEEN_S = 1 };

struct predecessor {
    struct predecessor_options options;
    struct event *timer;
    int looks_left;
};

static void on_given_back(const struct pg_answer *answer, void *arg)
{
    struct predecessor *p = arg;
    if (answer->e)
        log_warn("what the process before held waits for the end of its leases: %s", answer->e->msg);
    else
        p->options.on_given_back(p->options.ctx);
    struct timeval tv = {BETWEEN_S, 0};
    if (--p->looks_left > 0)
        event_add(p->timer, &tv);
}

static void give_back(struct predecessor *p)
{
    const struct predecessor_options *o = &p->options;
    struct pg_unit *unit = pg_unit_new(p);
    struct pg_params *replies = pg_params_new(unit), *chunks = pg_params_new(unit), *token = pg_params_new(unit), *reading = pg_params_new(unit);
    pg_param_text(replies, o->process);
    pg_add(unit, SQL_OUTBOX_ABANDONED, replies);
    pg_param_text(chunks, o->process);
    pg_param_int8(chunks, o->reached->broadcast);
    pg_param_int8(chunks, o->reached->chunk);
    pg_param_int8(chunks, o->reached->fence);
    pg_param_text(chunks, o->reached->user_id);
    pg_add(unit, SQL_BROADCAST_ABANDONED, chunks);
    pg_param_text(token, o->settings->zalo.oa_id);
    pg_param_text(token, o->process);
    pg_add(unit, SQL_TOKEN_ABANDONED, token);
    pg_param_text(reading, o->settings->zalo.oa_id);
    pg_param_text(reading, o->process);
    pg_add(unit, SQL_CATCH_UP_ABANDONED, reading);
    PG_FAULTS(unit, "leases_before_return", "leases_after_return");
    pg_queue_run(o->db, unit, DEADLINE_MS, on_given_back, p);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    give_back(arg);
}

static int predecessor_free(struct predecessor *p)
{
    event_free(p->timer);
    return 0;
}

void predecessor_end(TALLOC_CTX *ctx, const struct predecessor_options *options)
{
    struct predecessor *p = talloc_zero(ctx, struct predecessor);
    p->options = *options;
    p->looks_left = LOOKS;
    p->timer = event_new(options->base, -1, 0, on_timer, p);
    talloc_set_destructor(p, predecessor_free);
    give_back(p);
}
