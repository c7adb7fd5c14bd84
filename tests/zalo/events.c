/* Webhook events: their bodies by the catalogue (zalo-oa-api 1.8), and the ones the platform sends by itself. */
#include "events.h"

#include <stdlib.h>
#include <string.h>

cJSON *zevent_new(const struct standin *s, const char *name, const struct person *person, int64_t at_ms)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "app_id", s->app_id);
    if (person && !person->conversation_id)
        cJSON_AddStringToObject(o, "user_id_by_app", person->id_by_app);
    cJSON_AddStringToObject(o, "event_name", name);
    if (s->set.timestamp_number)
        cJSON_AddNumberToObject(o, "timestamp", (double)at_ms);
    else
        json_add_digits(o, "timestamp", at_ms);
    return o;
}

cJSON *zevent_parties(cJSON *event, const char *sender, const char *recipient)
{
    cJSON *from = cJSON_AddObjectToObject(event, "sender");
    cJSON_AddStringToObject(from, "id", sender);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(event, "recipient"), "id", recipient);
    return from;
}

void zevent_post(struct standin *s, cJSON *event, struct webhook_order *order)
{
    order->body = cJSON_PrintUnformatted(event);
    order->n = strlen(order->body);
    cJSON_Delete(event);
    webhook_post(s->webhook, order);
}

char *zevent_asset_url(const struct standin *s, const struct asset *a)
{
    char *path = asset_path(a), *url = must_format("%s%s", s->public_url, path);
    free(path);
    return url;
}

static void add_file(cJSON *payload, const struct asset *a)
{
    char        md5[MD5_HEX];
    const char *dot = strrchr(a->name, '.');
    md5_hex(a->p, a->n, md5);
    json_add_digits(payload, "size", (int64_t)a->n);
    cJSON_AddStringToObject(payload, "name", a->name);
    cJSON_AddStringToObject(payload, "checksum", md5);
    cJSON_AddStringToObject(payload, "type", dot ? dot + 1 : "");
}

cJSON *zevent_attachment(const struct standin *s, const char *kind, const struct asset *a, const char *url)
{
    char  *own = a ? zevent_asset_url(s, a) : NULL;
    cJSON *o = cJSON_CreateObject(), *payload;
    cJSON_AddStringToObject(o, "type", kind);
    payload = cJSON_AddObjectToObject(o, "payload");
    if (a)
        url = own;
    if (!url)
        url = "";
    if (strcmp(kind, "image") == 0 || strcmp(kind, "gif") == 0 || strcmp(kind, "video") == 0 || strcmp(kind, "link") == 0)
        cJSON_AddStringToObject(payload, "thumbnail", url);
    if (strcmp(kind, "video") == 0)
        cJSON_AddStringToObject(payload, "description", "");
    if (strcmp(kind, "sticker") == 0)
        cJSON_AddStringToObject(payload, "id", a ? a->id : "bfe458bf64fa8da4d4eb");
    cJSON_AddStringToObject(payload, "url", url);
    if (strcmp(kind, "file") == 0 && a)
        add_file(payload, a);
    free(own);
    return o;
}

/* The parts of an oa_send_* body that depend on the kind of message. */
static void add_echo_attachments(const struct standin *s, cJSON *message, const struct message *m)
{
    cJSON       *sent = m->attachment ? cJSON_Parse(m->attachment) : NULL;
    const cJSON *payload = json_member(sent, "payload"), *elements = json_member(payload, "elements"), *e;
    const char  *id = json_string(payload, "token");
    if (strcmp(m->kind, "list") == 0) {
        cJSON *list = cJSON_AddArrayToObject(message, "attachments");
        cJSON_ArrayForEach(e, elements)
        {
            cJSON *link = zevent_attachment(s, "link", NULL, json_string(json_member(e, "default_action"), "url"));
            cJSON *p = cJSON_GetObjectItemCaseSensitive(link, "payload");
            cJSON_AddStringToObject(p, "title", json_string(e, "title") ? json_string(e, "title") : "");
            cJSON_AddStringToObject(p, "description", json_string(e, "subtitle") ? json_string(e, "subtitle") : "");
            cJSON_AddItemToArray(list, link);
        }
    } else if (strcmp(m->kind, "text") != 0 && strcmp(m->kind, "template") != 0) {
        const cJSON *first = cJSON_GetArrayItem(elements, 0);
        if (!id)
            id = json_string(first, "attachment_id");
        cJSON *list = cJSON_AddArrayToObject(message, "attachments");
        cJSON_AddItemToArray(list, zevent_attachment(s, m->kind, id ? assets_find(s, id) : NULL, json_string(first, "url")));
    }
    cJSON_Delete(sent);
}

void zevent_echo(struct standin *s, const struct message *m, const char *admin_id, webhook_done_fn *done, void *ctx)
{
    bool        anonymous = m->person->conversation_id != NULL;
    const char *kind = strcmp(m->kind, "request_user_info") == 0 ? "template" : m->kind;
    char       *name = must_format(anonymous ? "oa_send_anonymous_%s" : "oa_send_%s", kind);
    cJSON      *event = zevent_new(s, name, m->person, m->at_ms);
    cJSON      *sender = zevent_parties(event, s->oa_id, m->person->id);
    if (admin_id)
        cJSON_AddStringToObject(sender, "admin_id", admin_id);
    cJSON *message = cJSON_AddObjectToObject(event, "message");
    cJSON_AddStringToObject(message, "msg_id", m->id);
    if (anonymous)
        cJSON_AddStringToObject(message, "conversation_id", m->person->conversation_id);
    if (m->quote_id)
        cJSON_AddStringToObject(message, "quote_msg_id", m->quote_id);
    if (m->text)
        cJSON_AddStringToObject(message, "text", m->text);
    if (strcmp(kind, "template") != 0)
        add_echo_attachments(s, message, m);
    free(name);
    zevent_post(s, event, &(struct webhook_order){.lane = done ? NULL : &m->person->lanes[LANE_OA], .done = done, .ctx = ctx,
                                                 .delay_ms = done ? 0 : s->set.echo_delay_ms});
}

static void post_for_person(struct standin *s, cJSON *event, const struct person *person)
{
    zevent_post(s, event, &(struct webhook_order){.lane = (struct lane *)&person->lanes[LANE_OA]});
}

void zevent_received(struct standin *s, const struct message *m)
{
    cJSON *event = zevent_new(s, "user_received_message", m->person, standin_now(s));
    zevent_parties(event, s->oa_id, m->person->id);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(event, "message"), "msg_id", m->id);
    post_for_person(s, event, m->person);
}

void zevent_seen(struct standin *s, const struct person *person, const cJSON *msg_ids)
{
    cJSON *event = zevent_new(s, "user_seen_message", person, standin_now(s));
    zevent_parties(event, s->oa_id, person->id);
    cJSON_AddItemToObject(cJSON_AddObjectToObject(event, "message"), "msg_ids", cJSON_Duplicate(msg_ids, true));
    post_for_person(s, event, person);
}

void zevent_oa_reacted(struct standin *s, const struct message *m, const char *icon)
{
    cJSON *event = zevent_new(s, "oa_reacted_message", m->person, standin_now(s));
    zevent_parties(event, s->oa_id, m->person->id);
    cJSON *message = cJSON_AddObjectToObject(event, "message");
    cJSON_AddStringToObject(message, "msg_id", m->id);
    cJSON_AddStringToObject(message, "react_icon", icon);
    post_for_person(s, event, m->person);
}
