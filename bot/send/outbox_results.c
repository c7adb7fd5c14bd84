/* Results of sending: see outbox_results.h. */
#include "outbox_results.h"

#include <event2/event.h>

#include "log.h"
#include "pg_queue.h"
#include "scoped.h"
#include "ticket_store.h"

enum {
    WRITTEN_SLOTS = 8192,
    DEADLINE_MS = 5000,
    AGAIN_MS = 1000,
    GATHER_MS = 10, /* one commit for what ends within it; a crash leaves so much more to be asked about */
};

/* What is to be written back for one row. */
struct result {
    struct result *next;
    struct outbox_claim claim;
    const char *zalo_msg_id, *failure; /* settled when one of them is set */
    int64_t retry_ms;                  /* otherwise */
    bool tried;
    const char *why;
};

struct outbox_results {
    struct pg_queue *background;
    struct event *timer;
    struct result *first, **last, *writing;
    size_t count;
    uint64_t written[WRITTEN_SLOTS]; /* hashes of message ids; a newer one takes the slot of an older */
    void (*on_quiet)(void *ctx);
    void *quiet_ctx;
};

static void arm(struct outbox_results *r, int ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(r->timer, &tv);
}

/* Never 0, which is an empty slot. */
static uint64_t hash_of(const char *zalo_msg_id)
{
    return str_hash(str_of(zalo_msg_id)) | 1;
}

static void put_back(struct outbox_results *r, struct result *list)
{
    struct result **last = &list;
    while (*last)
        last = &(*last)->next;
    *last = r->first;
    if (!r->first)
        r->last = last;
    r->first = list;
}

static void on_written(const struct pg_answer *answer, void *arg)
{
    struct outbox_results *r = arg;
    struct result *done = TAKE(r->writing);
    if (answer->e) {
        static struct log_gate gate;
        if (log_pass(&gate, 10000))
            log_warn("results of sent replies could not be written: %s; trying again", answer->e->msg);
        put_back(r, done);
        arm(r, AGAIN_MS);
        return;
    }
    while (done) {
        struct result *next = done->next;
        if (done->zalo_msg_id) { /* only now its echo need not be kept: a crash before this would have left it unsettled */
            uint64_t h = hash_of(done->zalo_msg_id);
            r->written[h / 2 % WRITTEN_SLOTS] = h;
        }
        talloc_free(done);
        done = next;
        r->count--;
    }
    if (r->first)
        arm(r, GATHER_MS);
    else
        r->on_quiet(r->quiet_ctx);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct outbox_results *r = arg;
    (void)fd;
    (void)what;
    if (r->writing || !r->first)
        return;
    r->writing = TAKE(r->first);
    r->last = &r->first;
    struct pg_unit *unit = pg_unit_new(r);
    struct save *s = save_new(unit);
    pg_add(unit, SQL_KEYED_PLAN, NULL);
    for (const struct result *one = r->writing; one; one = one->next) {
        if (one->zalo_msg_id || one->failure)
            outbox_store_settle(s, one->claim, one->zalo_msg_id, one->failure);
        if (one->failure)
            ticket_store_relay_failed(s, one->claim.user_id, one->claim.id);
        if (!one->zalo_msg_id && !one->failure)
            outbox_store_retry(s, one->claim, one->retry_ms, one->tried, one->why);
    }
    save_into(s, unit);
    PG_FAULTS(unit, "outbox_before_results", "outbox_after_results");
    pg_queue_run(r->background, unit, DEADLINE_MS, on_written, r);
}

static struct result *add(struct outbox_results *r, struct outbox_claim claim)
{
    struct result *one = talloc_zero(r, struct result);
    one->claim = claim;
    one->claim.user_id = talloc_strdup(one, claim.user_id);
    *r->last = one;
    r->last = &one->next;
    r->count++;
    if (!r->writing && !event_pending(r->timer, EV_TIMEOUT, NULL))
        arm(r, GATHER_MS);
    return one;
}

static int results_destructor(struct outbox_results *r)
{
    event_free(r->timer);
    return 0;
}

struct outbox_results *outbox_results_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *background,
                                          void (*on_quiet)(void *ctx), void *quiet_ctx)
{
    struct outbox_results *r = talloc_zero(ctx, struct outbox_results);
    r->background = background;
    r->last = &r->first;
    r->on_quiet = on_quiet;
    r->quiet_ctx = quiet_ctx;
    r->timer = event_new(base, -1, 0, on_timer, r);
    talloc_set_destructor(r, results_destructor);
    return r;
}

void outbox_results_settle(struct outbox_results *r, struct outbox_claim claim, const char *zalo_msg_id, const char *failure)
{
    struct result *one = add(r, claim);
    one->zalo_msg_id = zalo_msg_id ? talloc_strdup(one, zalo_msg_id) : NULL;
    one->failure = failure ? talloc_strdup(one, failure) : NULL;
}

void outbox_results_give_back(struct outbox_results *r, struct outbox_claim claim, int64_t retry_ms, bool tried, const char *why)
{
    struct result *one = add(r, claim);
    one->retry_ms = retry_ms;
    one->tried = tried;
    one->why = talloc_strdup(one, why);
}

bool outbox_results_settled_before(struct outbox_results *r, struct outbox_claim claim)
{
    const struct result *const lists[] = {r->first, r->writing};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        for (const struct result *one = lists[i]; one; one = one->next)
            if (one->claim.id == claim.id && (one->zalo_msg_id || one->failure) && strcmp(one->claim.user_id, claim.user_id) == 0) {
                outbox_results_settle(r, claim, one->zalo_msg_id, one->failure);
                return true;
            }
    return false;
}

bool outbox_results_written_lately(const struct outbox_results *r, const char *zalo_msg_id)
{
    uint64_t h = hash_of(zalo_msg_id);
    return r->written[h / 2 % WRITTEN_SLOTS] == h;
}

bool outbox_results_knows(const struct outbox_results *r, const char *zalo_msg_id)
{
    const struct result *const lists[] = {r->first, r->writing};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        for (const struct result *one = lists[i]; one; one = one->next)
            if (one->zalo_msg_id && strcmp(one->zalo_msg_id, zalo_msg_id) == 0)
                return true;
    return outbox_results_written_lately(r, zalo_msg_id);
}

void outbox_results_list(const struct outbox_results *r, struct pg_array *user_ids, struct pg_array *ids)
{
    const struct result *const lists[] = {r->first, r->writing};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        for (const struct result *one = lists[i]; one; one = one->next) {
            pg_array_text(user_ids, one->claim.user_id);
            pg_array_int8(ids, one->claim.id);
        }
}

size_t outbox_results_waiting(const struct outbox_results *r)
{
    return r->count;
}
