/* Settling unknown outcomes: see broadcast_settle.h. */
#include "broadcast_settle.h"

#include <event2/event.h>
#include <string.h>

#include "send/limiter.h"
#include "log.h"
#include "pg_queue.h"
#include "token/token.h"
#include "zalo/client.h"
#include "zalo/encode.h"

enum {
    LOOK_MS = 5000,
    AT_ONCE = 8,           /* conversations asked for at a time */
    UNKNOWN_MS = 10000,    /* an echo and a message on its way have come by then */
    CLOCKS_MS = 10000,     /* that Zalo's clock and ours may differ by */
    DEADLINE_MS = 10000,
};

struct broadcast_settler {
    struct broadcast_settler_options options;
    struct event *timer;
    bool looking;
    size_t open; /* questions to Zalo that are not answered */
};

/* One row whose outcome is asked for. */
struct question {
    struct broadcast_settler *s;
    const char *user_id, *text;
    int64_t broadcast_id, since_ms;
    bool by_template; /* what a template said is not known here */
};

static void arm(struct broadcast_settler *s, int64_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(s->timer, &tv);
}

static void on_settled(const struct pg_answer *answer, void *arg)
{
    struct question *q = arg;
    struct broadcast_settler *s = q->s;
    if (answer->e)
        log_warn("an unknown outcome could not be settled: %s; asked again in a minute", answer->e->msg);
    talloc_free(q);
    if (--s->open == 0)
        arm(s, 0);
}

static void settle(struct question *q, const char *state, const char *message_id, const char *reason)
{
    struct pg_unit *unit = pg_unit_new(q);
    struct pg_params *p = pg_params_new(unit);
    struct pg_array *ids = pg_array_new(unit, PG_INT8), *column[4];
    const char *value[] = {q->user_id, state, message_id, reason};
    pg_array_int8(ids, q->broadcast_id);
    pg_param_array(p, ids);
    for (size_t i = 0; i < ARRAY_LEN(column); i++) {
        column[i] = pg_array_new(unit, PG_TEXT);
        pg_array_text(column[i], value[i]);
        pg_param_array(p, column[i]);
    }
    pg_add(unit, SQL_BROADCAST_SETTLE, p);
    pg_queue_run(q->s->options.db, unit, DEADLINE_MS, on_settled, q);
}

/* It stands there: sent.  What stands there reaches back to before it, and it is not among it: not sent.  Else nobody can tell. */
static void on_conversation(const struct zalo_answer *answer, struct str body, void *arg)
{
    struct question *q = arg;
    struct zalo_spoken said[ZALO_CONVERSATION_MAX];
    size_t n = 0;
    TALLOC_CTX *tmp = talloc_new(q);
    if (answer->class != ZALO_OK || !zalo_read_conversation(tmp, body, said, &n)) {
        struct broadcast_settler *s = q->s;
        talloc_free(q); /* asked again in a minute */
        if (--s->open == 0)
            arm(s, LOOK_MS);
        return;
    }
    bool reaches_back = n < ZALO_CONVERSATION_MAX;
    const char *found = NULL;
    for (size_t i = 0; i < n && !found; i++) {
        if (said[i].at_ms && said[i].at_ms < q->since_ms)
            reaches_back = true;
        else if (said[i].by_oa && strcmp(said[i].text, q->text) == 0)
            found = said[i].message_id ? said[i].message_id : "";
    }
    if (found)
        settle(q, "sent", found, NULL);
    else if (reaches_back && !q->by_template)
        settle(q, "failed", NULL, "not sent");
    else
        settle(q, "unknown", NULL, "not told");
    talloc_free(tmp);
}

static void on_due(const struct pg_answer *answer, void *arg)
{
    struct broadcast_settler *s = arg;
    s->looking = false;
    if (answer->e) {
        arm(s, LOOK_MS);
        return;
    }
    const PGresult *res = answer->result[answer->count - 1];
    const struct token *token = tokens_current(s->options.tokens);
    for (int r = 0; token && r < PQntuples(res); r++) {
        struct question *q = talloc_zero(s, struct question);
        struct err e;
        *q = (struct question){.s = s, .user_id = pg_text(q, res, r, 0), .broadcast_id = pg_int8(res, r, 1), .text = pg_text(q, res, r, 2),
                               .since_ms = pg_time_ms(res, r, 3) - CLOCKS_MS, .by_template = pg_bool(res, r, 4)};
        const char *data = zalo_encode_conversation(q, q->user_id, 0, ZALO_CONVERSATION_MAX);
        if (!data || !zalo_client_get(s->options.client, token->access, ZALO_PATH_CONVERSATION, data, on_conversation, q, &e)) {
            talloc_free(q);
            continue;
        }
        limiter_spend(s->options.limiter);
        s->open++;
    }
    if (s->open == 0)
        arm(s, LOOK_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct broadcast_settler *s = arg;
    (void)fd;
    (void)what;
    arm(s, LOOK_MS);
    if (s->looking || s->open)
        return;
    s->looking = true;
    struct pg_unit *unit = pg_unit_new(s);
    struct pg_params *p = pg_params_new(unit);
    pg_param_int8(p, AT_ONCE);
    pg_param_int8(p, UNKNOWN_MS);
    pg_add(unit, SQL_BROADCAST_SETTLE_BY_ECHO, NULL);
    pg_add(unit, SQL_BROADCAST_UNKNOWN_DUE, p);
    pg_queue_run(s->options.db, unit, DEADLINE_MS, on_due, s);
}

static int settler_destructor(struct broadcast_settler *s)
{
    event_free(s->timer);
    return 0;
}

struct broadcast_settler *broadcast_settler_new(TALLOC_CTX *ctx, const struct broadcast_settler_options *options)
{
    struct broadcast_settler *s = talloc_zero(ctx, struct broadcast_settler);
    s->options = *options;
    s->timer = event_new(options->base, -1, 0, on_timer, s);
    talloc_set_destructor(s, settler_destructor);
    arm(s, LOOK_MS);
    return s;
}
