/* Replies in hand: see lanes.h. */
#include "lanes.h"

#include <string.h>

#include "str.h"

void lanes_init(struct lanes *lanes, TALLOC_CTX *ctx)
{
    *lanes = (struct lanes){.ctx = ctx};
    lanes->last_ready = &lanes->first_ready;
}

static struct lane *lane_find(struct lanes *lanes, const char *user_id, uint32_t h)
{
    struct lane *l = lanes->bucket[h % LANE_BUCKETS];
    while (l && (l->hash != h || strcmp(l->user_id, user_id) != 0))
        l = l->next_in_bucket;
    return l;
}

static struct lane *lane_of(struct lanes *lanes, const char *user_id)
{
    uint32_t h = (uint32_t)str_hash(str_of(user_id));
    struct lane **bucket = &lanes->bucket[h % LANE_BUCKETS];
    struct lane *l = lane_find(lanes, user_id, h);
    if (l)
        return l;
    l = talloc_zero(lanes->ctx, struct lane);
    l->user_id = talloc_strdup(l, user_id);
    l->hash = h;
    l->last = &l->first;
    l->next_in_bucket = *bucket;
    *bucket = l;
    return l;
}

static void make_ready(struct lanes *lanes, struct lane *l)
{
    if (l->queued || l->busy || !l->first)
        return;
    l->queued = true;
    l->next_ready = NULL;
    *lanes->last_ready = l;
    lanes->last_ready = &l->next_ready;
}

struct item *lanes_add(struct lanes *lanes, struct outbox_claim claim)
{
    struct lane *l = lane_of(lanes, claim.user_id);
    struct item *item = talloc_zero(l, struct item);
    item->claim = claim;
    item->claim.user_id = l->user_id;
    lanes->held++;
    *l->last = item;
    l->last = &item->next;
    make_ready(lanes, l);
    return item;
}

struct item *lanes_find(struct lanes *lanes, const char *user_id, int64_t id)
{
    const struct lane *l = lane_find(lanes, user_id, (uint32_t)str_hash(str_of(user_id)));
    struct item *item = l ? l->first : NULL;
    while (item && item->claim.id != id)
        item = item->next;
    return item;
}

struct lane *lanes_take(struct lanes *lanes, int64_t token_generation)
{
    for (struct lane **at = &lanes->first_ready; *at; at = &(*at)->next_ready) {
        struct lane *l = *at;
        if (l->first && l->first->token_retried && l->first->token_generation == token_generation)
            continue;
        *at = l->next_ready;
        if (!*at)
            lanes->last_ready = at;
        l->queued = false;
        return l;
    }
    return NULL;
}

void lanes_put_first(struct lanes *lanes, struct lane *l)
{
    l->queued = true;
    l->next_ready = lanes->first_ready;
    lanes->first_ready = l;
    if (!l->next_ready)
        lanes->last_ready = &l->next_ready;
}

void lanes_drop_head(struct lanes *lanes, struct lane *l)
{
    struct item *item = l->first;
    l->first = item->next;
    if (!l->first)
        l->last = &l->first;
    lanes->held--;
    talloc_free(item);
}

void lanes_next(struct lanes *lanes, struct lane *l)
{
    l->busy = false;
    if (l->first) {
        make_ready(lanes, l);
        return;
    }
    if (l->queued)
        return;
    struct lane **at = &lanes->bucket[l->hash % LANE_BUCKETS];
    while (*at != l)
        at = &(*at)->next_in_bucket;
    *at = l->next_in_bucket;
    talloc_free(l);
}
