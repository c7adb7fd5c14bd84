/* Webhooks from the stand-in to the bot: signing, keep-alive connections, the 2 s deadline, the redelivery ladder. */
#ifndef STANDIN_WEBHOOK_H
#define STANDIN_WEBHOOK_H

#include "standin.h"

#include <sys/queue.h>

struct delivery;
TAILQ_HEAD(deliveries, delivery);

/* Deliveries that wait for each other: one person's, so that they arrive in order.  Zero-filled is ready for use. */
struct lane {
    struct deliveries waiting;
    bool              ready, busy;
};

struct webhook_result {
    int         status; /* 0: no answer */
    int64_t     us;     /* from the request's first byte to the answer */
    const char *why;    /* what went wrong when status is 0; static */
};
typedef void webhook_done_fn(const struct webhook_result *result, void *ctx);

struct webhook_order {
    char            *body; /* taken; sent byte for byte, at each redelivery too */
    size_t           n;
    const char      *signature; /* NULL: the genuine one; "": no such header */
    struct lane     *lane;      /* NULL: waits for nobody */
    const char      *message_id; /* NULL, or the message whose tick shows whether it arrived; copied */
    bool             once;      /* a failure is not redelivered */
    bool             hold;      /* waits for webhook_release() */
    int64_t          delay_ms;  /* sent that much later */
    int              num_retry;
    webhook_done_fn *done; /* may be NULL; runs once, after the first attempt and never inside webhook_post() */
    void            *ctx;
};

struct webhook *webhook_new(struct standin *s);
void            webhook_free(struct webhook *w);
/** @return NULL, or an owned sentence saying what is wrong with `url`. "" or NULL: events go nowhere. */
char           *webhook_set_url(struct webhook *w, const char *url);
void            webhook_post(struct webhook *w, const struct webhook_order *order);
/** Sends the held deliveries, in the order they were posted or the other way round. @return how many. */
size_t          webhook_release(struct webhook *w, bool reverse);
/** Makes every waiting redelivery due now. @return how many. */
size_t          webhook_redeliver_now(struct webhook *w);
cJSON          *webhook_stats_json(const struct webhook *w);

/** "mac=" + SHA-256 over app id, body, timestamp and OA secret (zalo-oa-api 1.3). Owned by the caller. */
char *webhook_signature(const char *app_id, const char *body, size_t n, const char *timestamp, const char *secret);

#endif
