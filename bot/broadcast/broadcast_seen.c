/* Receipts into the ledger: see broadcast_seen.h. */
#include "broadcast_seen.h"

#include <event2/event.h>

#include "log.h"
#include "pg_queue.h"

enum {
    KEPT_MS = 2000,  /* results of sent messages are written within one second */
    KEPT_MAX = 5000, /* beyond, receipts are dropped: they are no proof of anything */
    DEADLINE_MS = 5000,
};

struct receipt {
    struct receipt *next;
    const char *user_id, *message_id;
    bool seen;
};

struct broadcast_seen {
    struct pg_queue *db;
    struct event *timer;
    struct receipt *first;
    size_t count;
};

static void on_written(const struct pg_answer *answer, void *arg)
{
    static struct log_gate gate;
    (void)arg;
    if (answer->e && log_pass(&gate, 30000))
        log_warn("receipts could not be written: %s, ignoring", answer->e->msg);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct broadcast_seen *s = arg;
    (void)fd;
    (void)what;
    struct pg_unit *unit = pg_unit_new(s);
    struct pg_array *users = pg_array_new(unit, PG_TEXT), *ids = pg_array_new(unit, PG_TEXT), *states = pg_array_new(unit, PG_TEXT);
    while (s->first) {
        struct receipt *r = s->first;
        pg_array_text(users, r->user_id);
        pg_array_text(ids, r->message_id);
        pg_array_text(states, r->seen ? "seen" : "received");
        s->first = r->next;
        talloc_free(r);
    }
    s->count = 0;
    struct pg_params *p = pg_params_new(unit);
    pg_param_array(p, users);
    pg_param_array(p, ids);
    pg_param_array(p, states);
    pg_add(unit, SQL_KEYED_PLAN, NULL);
    pg_add(unit, SQL_BROADCAST_RECEIPTS, p);
    pg_queue_run(s->db, unit, DEADLINE_MS, on_written, s);
}

static int seen_destructor(struct broadcast_seen *s)
{
    event_free(s->timer);
    return 0;
}

struct broadcast_seen *broadcast_seen_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *db)
{
    struct broadcast_seen *s = talloc_zero(ctx, struct broadcast_seen);
    s->db = db;
    s->timer = event_new(base, -1, 0, on_timer, s);
    talloc_set_destructor(s, seen_destructor);
    return s;
}

void broadcast_seen_note(struct broadcast_seen *s, const char *user_id, const char *message_id, bool seen)
{
    if (s->count == KEPT_MAX)
        return;
    struct receipt *r = talloc_zero(s, struct receipt);
    *r = (struct receipt){.next = s->first, .user_id = talloc_strdup(r, user_id), .message_id = talloc_strdup(r, message_id), .seen = seen};
    s->first = r;
    struct timeval later = {KEPT_MS / 1000, 0};
    if (s->count++ == 0)
        event_add(s->timer, &later);
}
