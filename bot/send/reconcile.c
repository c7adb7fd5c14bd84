/* Has Zalo taken a reply already: see reconcile.h. */
#include "reconcile.h"

#include <cjson/cJSON.h>

#include "outbox_results.h"
#include "pending.h"
#include "pg_queue.h"
#include "scoped.h"
#include "secret.h"
#include "zalo/client.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)

enum {
    PAGES_MAX = 3,
    CLOCKS_DIFFER_MS = 5000,
    DEADLINE_MS = 5000,
};

/* What the OA was seen to say since the reply was made, newest first. */
struct said {
    const char *text, *msg_id;
    bool known; /* as another reply */
};

struct reconcile {
    struct reconcile_question q;
    reconcile_fn *done;
    void *ctx;
    struct pending *step;
    struct said said[PAGES_MAX * ZALO_CONVERSATION_MAX];
    size_t said_count;
    int page;
};

static void end(struct reconcile *r, size_t arrived, const char *msg_id, const struct zalo_answer *trouble)
{
    r->done(arrived, msg_id, trouble, r->ctx);
    talloc_free(r);
}

/* ---- comparing ---- */

static const char *text_of(const cJSON *body)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(body, "message"), "text"));
    return text ? text : "";
}

static void compare(struct reconcile *r)
{
    size_t arrived = 0;
    const char *msg_id = NULL;
    for (size_t i = r->said_count; i-- > 0 && arrived < r->q.part_count;) { /* oldest first: parts go out in order */
        SCOPED(json) cJSON *part = cJSON_ParseWithLength(r->q.part[arrived].body, r->q.part[arrived].body_n);
        if (r->said[i].known || strcmp(text_of(part), r->said[i].text) != 0)
            continue;
        msg_id = r->said[i].msg_id;
        arrived++;
    }
    end(r, arrived, msg_id, NULL);
}

static void on_known(const struct pg_answer *answer, void *arg)
{
    struct reconcile *r = pending_end(arg);
    if (!r)
        return;
    if (answer->e) {
        struct zalo_answer trouble;
        zalo_answer_lost(0, false, "the transcript cannot be read", &trouble);
        end(r, 0, NULL, &trouble);
        return;
    }
    const PGresult *res = answer->result[0];
    for (size_t i = 0; i < r->said_count; i++)
        for (int row = 0; row < PQntuples(res) && !r->said[i].known; row++)
            r->said[i].known = str_eq(pg_bytes(res, row, 0), str_of(r->said[i].msg_id));
    compare(r);
}

/* Another reply may have the same words: one whose sending is written down, or about to be, is not ours. */
static void look_who_is_known(struct reconcile *r)
{
    struct pg_unit *unit = pg_unit_new(r);
    struct pg_params *p = pg_params_new(unit);
    struct pg_array *ids = pg_array_new(p, PG_TEXT);
    for (size_t i = 0; i < r->said_count; i++) {
        r->said[i].known = outbox_results_knows(r->q.results, r->said[i].msg_id);
        pg_array_text(ids, r->said[i].msg_id);
    }
    pg_param_text(p, r->q.user_id);
    pg_param_array(p, ids);
    pg_add(unit, SQL_MESSAGE_KNOWN, p);
    pg_queue_run(r->q.db, unit, DEADLINE_MS, on_known, pending_new(r->q.db, r, &r->step));
}

/* ---- looking ---- */

static bool next_page(struct reconcile *r, struct err *e);

static void on_page(const struct zalo_answer *answer, struct str body, void *arg)
{
    struct reconcile *r = pending_end(arg);
    struct zalo_spoken spoken[ZALO_CONVERSATION_MAX];
    size_t n = 0;
    struct err e;
    if (!r)
        return;
    if (answer->class != ZALO_OK || !zalo_read_conversation(r, body, spoken, &n)) {
        struct zalo_answer trouble = *answer;
        if (answer->class == ZALO_OK)
            zalo_answer_lost(0, false, "the conversation cannot be read", &trouble);
        end(r, 0, NULL, &trouble);
        return;
    }
    bool older = n < ZALO_CONVERSATION_MAX; /* all that was said since the reply was made has been seen */
    for (size_t i = 0; i < n; i++) {
        bool since = spoken[i].at_ms >= r->q.made_at_ms - CLOCKS_DIFFER_MS;
        older |= !since;
        if (since && spoken[i].by_oa && spoken[i].message_id)
            r->said[r->said_count++] = (struct said){.text = spoken[i].text, .msg_id = spoken[i].message_id};
    }
    if (!older && ++r->page < PAGES_MAX && next_page(r, &e))
        return;
    if (r->said_count == 0)
        end(r, 0, NULL, NULL);
    else
        look_who_is_known(r);
}

static bool next_page(struct reconcile *r, struct err *e)
{
    char *data = zalo_encode_conversation(r, r->q.user_id, r->page * ZALO_CONVERSATION_MAX, ZALO_CONVERSATION_MAX);
    if (!data)
        return err_set(e, ERR_NOMEM, "out of memory for a look into a conversation");
    struct pending *step = pending_new(r->q.client, r, &r->step);
    if (zalo_client_get(r->q.client, r->q.access_token, ZALO_PATH_CONVERSATION, data, on_page, step, e))
        return true;
    pending_end(step);
    return false;
}

static int reconcile_end(struct reconcile *r)
{
    pending_forget(&r->step);
    return 0;
}

bool reconcile_start(TALLOC_CTX *ctx, const struct reconcile_question *question, reconcile_fn *done, void *done_ctx, struct err *e)
{
    struct reconcile *r = talloc_zero(ctx, struct reconcile);
    r->q = *question;
    r->q.access_token = secret_copy(r, str_of(question->access_token));
    r->done = done;
    r->ctx = done_ctx;
    talloc_set_destructor(r, reconcile_end);
    if (next_page(r, e))
        return true;
    talloc_free(r);
    return false;
}
