/* Has Zalo taken a reply whose outcome nobody knows?  Its sender died, or the answer was lost: the conversation call tells.
 *
 * Echoes are asked before, when the row is claimed (outbox.sql).  Here the newest messages of the conversation are compared
 * with the parts of the reply: said by the OA since the reply was made, the same words, and not known as another reply.
 *
 *   reconcile_start -> on_page (up to PAGES_MAX) -> on_known -> done          Source: zalo-oa-api.md 2.11, 5 */
#ifndef SANGKIEN_BOT_RECONCILE_H
#define SANGKIEN_BOT_RECONCILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "err.h"
#include "zalo/answer.h"
#include "zalo/encode.h"

struct outbox_results;
struct pg_queue;
struct zalo_client;

/* Borrowed until `done`. */
struct reconcile_question {
    struct zalo_client *client;
    struct pg_queue *db;
    const struct outbox_results *results; /* what this process has sent and not written down yet */
    const char *access_token, *user_id;
    int64_t made_at_ms; /* no part was sent before */
    const struct zalo_request *part;
    size_t part_count;
};

/**
 * @param arrived  parts that have arrived, from the first on.
 * @param msg_id   of the last of them; NULL when there is none.
 * @param trouble  NULL, or why nothing could be found out.
 */
typedef void reconcile_fn(size_t arrived, const char *msg_id, const struct zalo_answer *trouble, void *ctx);

/** @return false, without ever calling back, with the errors of zalo_client_get().  The question ends with ctx. */
bool reconcile_start(TALLOC_CTX *ctx, const struct reconcile_question *question, reconcile_fn *done, void *done_ctx, struct err *e);

#endif
