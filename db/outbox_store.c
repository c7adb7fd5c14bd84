/* The outbox: see outbox_store.h. */
#include "outbox_store.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

#include "scoped.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

/* [["label","payload"], ...], NULL without buttons. */
static char *buttons_to_json(const struct reply *r)
{
    if (r->button_count == 0)
        return NULL;
    SCOPED(json) cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < r->button_count; i++) {
        cJSON *pair = cJSON_CreateArray();
        cJSON_AddItemToArray(pair, cJSON_CreateString(r->button[i].label));
        cJSON_AddItemToArray(pair, cJSON_CreateString(r->button[i].payload));
        cJSON_AddItemToArray(list, pair);
    }
    return cJSON_PrintUnformatted(list);
}

static void buttons_from_json(TALLOC_CTX *ctx, struct str json, struct reply *r)
{
    SCOPED(json) cJSON *list = cJSON_ParseWithLength(json.p, json.n);
    const cJSON *pair;
    cJSON_ArrayForEach(pair, list)
    {
        const char *label = cJSON_GetStringValue(cJSON_GetArrayItem(pair, 0));
        const char *payload = cJSON_GetStringValue(cJSON_GetArrayItem(pair, 1));
        if (!label || !payload || r->button_count == REPLY_BUTTONS_MAX)
            continue;
        r->button[r->button_count++] = (struct button){talloc_strdup(ctx, label), talloc_strdup(ctx, payload)};
    }
}

void outbox_store_add(struct save *s, const struct reply *r, const char *owner, int64_t due_ms, int64_t expires_ms, bool answers)
{
    SCOPED(json_text) char *buttons = buttons_to_json(r);
    save_row(s, SQL_OUTBOX_ADD, "tittitttitittb", r->user_id, r->id, r->text, buttons, (int64_t)r->class, r->collapse_key, r->quote_msg_id,
             r->anonymous_conversation_id, due_ms, owner, expires_ms, r->image_url, r->file_token, (int)answers);
}

void outbox_store_drop_collected(struct save *s, const char *user_id)
{
    save_row(s, SQL_OUTBOX_DROP_COLLECTED, "t", user_id);
}

int outbox_store_merge(struct pg_unit *unit, const char *const *user_ids, size_t count)
{
    struct pg_params *p = pg_params_new(unit);
    struct pg_array *ids = pg_array_new(p, PG_TEXT);
    for (size_t i = 0; i < count; i++)
        pg_array_text(ids, user_ids[i]);
    pg_param_array(p, ids);
    return pg_add(unit, SQL_OUTBOX_MERGE, p);
}

void outbox_store_drop_unclaimed(struct save *s, const char *user_id)
{
    save_row(s, SQL_OUTBOX_DROP_UNCLAIMED, "t", user_id);
}

void outbox_store_claim(struct pg_unit *unit, const char *process, int lease_ms, int most)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, process);
    pg_param_int8(p, lease_ms);
    pg_param_int8(p, most);
    pg_add(unit, SQL_SAVE_PLAN, NULL);
    pg_add(unit, SQL_OUTBOX_CLAIM_DUE, p);
}

static int by_person_and_id(const void *a, const void *b)
{
    const struct outbox_row *x = *(struct outbox_row *const *)a, *y = *(struct outbox_row *const *)b;
    int order = strcmp(x->reply.user_id, y->reply.user_id);
    if (order)
        return order;
    return x->reply.id < y->reply.id ? -1 : x->reply.id > y->reply.id;
}

struct outbox_row *outbox_store_claimed(TALLOC_CTX *ctx, const PGresult *res)
{
    int n = PQntuples(res);
    if (n == 0)
        return NULL;
    struct outbox_row **rows = talloc_array(ctx, struct outbox_row *, (unsigned)n);
    for (int r = 0; r < n; r++) {
        struct outbox_row *row = rows[r] = talloc_zero(ctx, struct outbox_row);
        row->reply.user_id = pg_text(row, res, r, 0);
        row->reply.id = pg_int8(res, r, 1);
        row->reply.text = pg_text(row, res, r, 2);
        buttons_from_json(row, pg_bytes(res, r, 3), &row->reply);
        row->reply.class = (enum reply_class)pg_int8(res, r, 4);
        row->reply.quote_msg_id = pg_text(row, res, r, 5);
        row->reply.anonymous_conversation_id = pg_text(row, res, r, 6);
        row->fence = pg_int8(res, r, 7);
        row->attempts = (int)pg_int8(res, r, 8);
        row->expired = pg_bool(res, r, 9);
        row->unsure = pg_bool(res, r, 10);
        row->echo_msg_id = pg_text(row, res, r, 11);
        row->silenced = pg_bool(res, r, 12);
        row->reply.image_url = pg_text(row, res, r, 13);
        row->last_error = pg_text(row, res, r, 14);
        row->reply.file_token = pg_text(row, res, r, 15);
    }
    qsort(rows, (size_t)n, sizeof(struct outbox_row *), by_person_and_id);
    for (int r = 0; r + 1 < n; r++)
        rows[r]->next = rows[r + 1];
    struct outbox_row *first = rows[0];
    talloc_free(rows);
    return first;
}

void outbox_store_settle(struct save *s, struct outbox_claim row, const char *zalo_msg_id, const char *failure)
{
    save_row(s, SQL_OUTBOX_SENT, "tiitt", row.user_id, row.id, row.fence, zalo_msg_id, failure);
}

void outbox_store_retry(struct save *s, struct outbox_claim row, int64_t due_ms, bool tried, const char *error)
{
    save_row(s, SQL_OUTBOX_RETRY, "tiiiit", row.user_id, row.id, row.fence, due_ms, (int64_t)tried, error);
}

void outbox_store_lost_claims(struct pg_unit *unit, const char *process, struct pg_array *user_ids, struct pg_array *ids)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, process);
    pg_param_array(p, user_ids);
    pg_param_array(p, ids);
    pg_add(unit, SQL_OUTBOX_LOST_CLAIMS, p);
}

void outbox_store_silenced(struct pg_unit *unit, struct pg_array *user_ids, struct pg_array *ids)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_array(p, user_ids);
    pg_param_array(p, ids);
    pg_add(unit, SQL_KEYED_PLAN, NULL);
    pg_add(unit, SQL_OUTBOX_SILENCED, p);
}

void outbox_store_release(struct pg_unit *unit, const char *process)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, process);
    pg_add(unit, SQL_OUTBOX_RELEASE, p);
}
