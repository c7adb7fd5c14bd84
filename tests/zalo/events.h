/* Webhook events: their bodies by the catalogue (zalo-oa-api 1.8), and the ones the platform sends by itself.  The prefix is
 * zevent_ because event_ belongs to libevent. */
#ifndef STANDIN_EVENTS_H
#define STANDIN_EVENTS_H

#include "assets.h"
#include "people.h"
#include "webhook.h"

/** app_id, event_name, timestamp and, for a person, user_id_by_app. Owned by the caller. */
cJSON *zevent_new(const struct standin *s, const char *name, const struct person *person, int64_t at_ms);
/** Adds sender and recipient. @return the sender object, for an admin_id. */
cJSON *zevent_parties(cJSON *event, const char *sender, const char *recipient);
/** Prints `event` into order->body and posts it; `event` is taken. */
void   zevent_post(struct standin *s, cJSON *event, struct webhook_order *order);

/** One member of message.attachments: of an asset, or of an address elsewhere. Owned by the caller. */
cJSON *zevent_attachment(const struct standin *s, const char *kind, const struct asset *a, const char *url);
/** Where the bot fetches it, absolute. Owned by the caller. */
char  *zevent_asset_url(const struct standin *s, const struct asset *a);

/** The oa_send_* echo of a message of the OA; `admin_id` when a human typed it. `done` as in webhook_order. */
void   zevent_echo(struct standin *s, const struct message *m, const char *admin_id, webhook_done_fn *done, void *ctx);
/** user_received_message, or user_seen_message for several. */
void   zevent_received(struct standin *s, const struct message *m);
void   zevent_seen(struct standin *s, const struct person *person, const cJSON *msg_ids);
void   zevent_oa_reacted(struct standin *s, const struct message *m, const char *icon);

#endif
