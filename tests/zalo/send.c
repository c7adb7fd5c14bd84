/* The send calls of the OA API: what is refused and with which code, the answer, the echo. */
#include "send.h"
#include "assets.h"
#include "check.h"
#include "events.h"
#include "people.h"
#include "record.h"

#include <stdlib.h>
#include <string.h>

#define HOUR_MS        (INT64_C(3600) * 1000)
#define FREE_WINDOW_MS (48 * HOUR_MS)
#define LAST_WINDOW_MS (7 * 24 * HOUR_MS)
#define WELCOME_TOTAL  3
#define LOOK_BACK      50 /* messages compared to find a duplicate */

/* Which allowance a consultation message uses (zalo-oa-api 2.2 and 3.1), or the error it gets. */
struct price {
    int         error;
    const char *quota_type; /* NULL: charged, no quota in the answer */
    int64_t     remain, total;
};

static struct price price_of(struct standin *s, struct person *person)
{
    int64_t age = standin_now(s) - person->last_interaction_ms;
    if (person->send_error)
        return (struct price){.error = person->send_error};
    if (person->last_interaction_ms == 0) {
        if (!person->follows || person->welcome_used >= WELCOME_TOTAL)
            return (struct price){.error = -232};
        return (struct price){0, "welcome_msg", WELCOME_TOTAL - ++person->welcome_used, WELCOME_TOTAL};
    }
    if (age > LAST_WINDOW_MS)
        return (struct price){.error = -230};
    if (age <= FREE_WINDOW_MS)
        return (struct price){0, "reply", 8, 8};
    record_counters(s->record)->charged++;
    if (s->set.sub_quota <= 0)
        return (struct price){0, NULL, 0, 0};
    s->set.sub_quota--;
    return (struct price){0, "sub_quota", s->set.sub_quota, s->set.sub_quota};
}

static void add_quota(const struct standin *s, cJSON *data, const struct price *p)
{
    const char *style = s->set.quota_members;
    if (!p->quota_type || strcmp(style, "none") == 0)
        return;
    cJSON *quota = cJSON_AddObjectToObject(data, "quota");
    cJSON_AddStringToObject(quota, "quota_type", p->quota_type);
    if (strcmp(p->quota_type, "reply") == 0 && strcmp(style, "absent") == 0)
        return; /* gone since 2026-03-01 */
    if (strcmp(style, "number") == 0) {
        cJSON_AddNumberToObject(quota, "remain", (double)p->remain);
        cJSON_AddNumberToObject(quota, "total", (double)p->total);
    } else {
        json_add_digits(quota, "remain", p->remain);
        json_add_digits(quota, "total", p->total);
    }
    if (strcmp(p->quota_type, "sub_quota") == 0)
        cJSON_AddStringToObject(quota, "expired_date", "31/12/2026");
}

static bool is_duplicate(const struct standin *s, const struct message *m)
{
    const struct message *old;
    int                   n = 0;
    TAILQ_FOREACH_REVERSE(old, &m->person->messages, messages, next)
    {
        if (n++ >= LOOK_BACK || m->at_ms - old->at_ms > s->set.duplicate_window_ms)
            return false;
        if (old->from == FROM_OA && old->content_hash == m->content_hash)
            return true;
    }
    return false;
}

/* The accepted message becomes part of the conversation. */
static struct message *publish(struct standin *s, struct person *person, const cJSON *message, const struct check *check)
{
    struct message     *m = message_new(s, person, FROM_OA, check->kind, NULL);
    const cJSON        *attachment = json_member(message, "attachment");
    const char         *quote = json_string(message, "quote_message_id");
    const struct asset *asset = check->asset ? assets_find(s, check->asset) : NULL;
    m->text = must_dup(json_string(message, "text"));
    if (quote && *quote)
        m->quote_id = must_dup(quote);
    if (attachment)
        m->attachment = cJSON_PrintUnformatted(attachment);
    if (asset) {
        m->media_url = asset_path(asset);
        m->media_name = must_dup(asset->name);
    } else if (check->url) {
        m->media_url = must_dup(check->url);
    }
    m->content_hash = hash_bytes(1, m->text ? m->text : "", m->text ? strlen(m->text) : 0);
    if (m->attachment)
        m->content_hash = hash_bytes(m->content_hash, m->attachment, strlen(m->attachment));
    struct counters *n = record_counters(s->record);
    n->sends++;
    n->duplicates += is_duplicate(s, m);
    message_publish(s, m);
    return m;
}

/* ---- the answer and the echo, in the order the test wants them ---- */

struct late_answer {
    struct call *call;
    cJSON       *data;
};

static void on_echo_taken(const struct webhook_result *result, void *arg)
{
    struct late_answer *late = arg;
    (void)result;
    call_success(late->call, late->data);
    free(late);
}

static void receipts(struct standin *s, struct message *m)
{
    bool seen = strcmp(s->set.receipts, "seen") == 0;
    if (m->person->conversation_id || (!seen && strcmp(s->set.receipts, "received") != 0))
        return;
    m->received = true;
    m->seen = seen;
    zevent_received(s, m);
    if (seen) {
        cJSON *ids = cJSON_CreateArray();
        cJSON_AddItemToArray(ids, cJSON_CreateString(m->id));
        zevent_seen(s, m->person, ids);
        cJSON_Delete(ids);
    }
}

static void answer_and_echo(struct call *c, struct message *m, cJSON *data)
{
    struct standin *s = c->s;
    bool            off = strcmp(s->set.echo, "off") == 0;
    if (c->fault.echo_first || strcmp(s->set.echo, "before") == 0) {
        struct late_answer *late = must_alloc(sizeof(*late));
        *late = (struct late_answer){c, data};
        call_hold(c);
        zevent_echo(s, m, NULL, on_echo_taken, late);
    } else {
        call_success(c, data);
        if (!off)
            zevent_echo(s, m, NULL, NULL, NULL);
    }
    receipts(s, m);
}

/* ---- the endpoints ---- */

/* The recipient, or NULL with *why set. */
static struct person *recipient_of(struct standin *s, const cJSON *body, const char **why)
{
    const cJSON *recipient = json_member(body, "recipient");
    const char  *user_id = json_string(recipient, "user_id"), *message_id = json_string(recipient, "message_id");
    *why = "recipient is invalid";
    if (user_id && *user_id) {
        struct person *person = people_find(s->people, user_id);
        if (!person && strcmp(s->set.unknown_users, "accept") == 0) {
            person = people_get(s->people, user_id);
            person_interacted(s, person);
        }
        *why = "user_id is invalid";
        return person && !person->conversation_id ? person : NULL;
    }
    if (message_id) {
        const struct message *m = message_find(s->people, message_id);
        *why = "message_id is invalid or expired";
        return m && m->from == FROM_USER && standin_now(s) - m->at_ms <= FREE_WINDOW_MS ? m->person : NULL;
    }
    return NULL;
}

static bool quote_is_good(const struct standin *s, const cJSON *message, const struct person *person)
{
    const char *quote = json_string(message, "quote_message_id");
    if (!quote || !*quote)
        return true;
    const struct message *m = message_find(s->people, quote);
    return m && m->person == person;
}

void send_consultation(struct call *c)
{
    struct standin *s = c->s;
    cJSON          *body = call_body_json(c);
    const char     *why;
    struct person  *person = body ? recipient_of(s, body, &why) : NULL;
    if (!person) {
        call_error(c, -201, body ? why : "body is invalid");
        cJSON_Delete(body);
        return;
    }
    const cJSON *message = json_member(body, "message");
    struct check check = check_message(s, message);
    struct price price = {.error = check.code};
    if (!check.code && !quote_is_good(s, message, person)) {
        price.error = -201;
        check.why = "quote_message_id is invalid";
    } else if (!check.code) {
        price = price_of(s, person);
    }
    if (price.error) {
        call_error(c, price.error, check.why);
    } else {
        struct message *m = publish(s, person, message, &check);
        cJSON          *data = cJSON_CreateObject();
        cJSON_AddStringToObject(data, "message_id", m->id);
        cJSON_AddStringToObject(data, "user_id", person->id);
        json_add_digits(data, "sent_time", m->at_ms);
        add_quota(s, data, &price);
        answer_and_echo(c, m, data);
    }
    cJSON_Delete(body);
}

void send_template(struct call *c)
{
    struct standin *s = c->s;
    cJSON          *body = call_body_json(c);
    const char     *user_id = json_string(body, "user_id"), *template_id = json_string(body, "template_id");
    const cJSON    *values = json_member(body, "template_data"), *v;
    struct person  *person = user_id ? people_find(s->people, user_id) : NULL;
    if (!person || !template_id || !*template_id || !cJSON_IsObject(values)) {
        call_error(c, -201, !person ? "user_id is invalid" : "template_id or template_data is invalid");
    } else if (person->send_error) {
        call_error(c, person->send_error, NULL);
    } else if (standin_now(s) - person->last_interaction_ms > 365 * 24 * HOUR_MS) {
        call_error(c, -232, NULL);
    } else {
        struct message *m = message_new(s, person, FROM_OA, "template", NULL);
        char           *text = must_format("[%s]", template_id);
        cJSON_ArrayForEach(v, values)
        {
            char *more = must_format("%s\n%s: %s", text, v->string, cJSON_IsString(v) ? v->valuestring : "");
            free(text);
            text = more;
        }
        m->text = text;
        record_counters(s->record)->sends++;
        message_publish(s, m);
        cJSON *data = cJSON_CreateObject();
        cJSON_AddStringToObject(data, "message_id", m->id);
        cJSON_AddStringToObject(data, "user_id", person->id);
        json_add_digits(data, "sent_time", m->at_ms);
        add_quota(s, data, &(struct price){0, "purchase_quota", 999, 1000});
        answer_and_echo(c, m, data);
    }
    cJSON_Delete(body);
}

static void send_anonymous(struct call *c, const cJSON *body)
{
    struct standin *s = c->s;
    const cJSON    *recipient = json_member(body, "recipient"), *message = json_member(body, "message");
    const char     *id = json_string(recipient, "anonymous_id"), *conversation = json_string(recipient, "conversation_id");
    struct person  *person = people_find(s->people, id);
    struct check    check = check_message(s, message);
    if (!person || !person->conversation_id || !conversation || strcmp(conversation, person->conversation_id) != 0) {
        call_error(c, -201, "anonymous_id or conversation_id is invalid");
    } else if (check.code) {
        call_error(c, check.code, check.why);
    } else {
        struct message *m = publish(s, person, message, &check);
        cJSON          *data = cJSON_CreateObject();
        cJSON_AddStringToObject(data, "anonymous_id", person->id);
        cJSON_AddStringToObject(data, "conversation_id", conversation);
        cJSON_AddStringToObject(data, "message_id", m->id);
        answer_and_echo(c, m, data);
    }
}

static void react(struct call *c, const cJSON *body)
{
    static const char *const icons[] = {":>", "--b", ":-((", "/-strong", "/-heart", ":-h", ":o", "/-remove"};
    const cJSON             *action = json_member(body, "sender_action");
    const char              *icon = json_string(action, "react_icon"), *id = json_string(action, "react_message_id");
    const char              *user_id = json_string(json_member(body, "recipient"), "user_id");
    struct message          *m = message_find(c->s->people, id);
    size_t                   i = 0;
    while (icon && i < COUNT_OF(icons) && strcmp(icons[i], icon) != 0)
        i++;
    if (!icon || i == COUNT_OF(icons) || !m || !user_id || strcmp(m->person->id, user_id) != 0) {
        call_error(c, -201, "react_icon or react_message_id is invalid");
        return;
    }
    set_string(&m->oa_reaction, strcmp(icon, "/-remove") == 0 ? NULL : icon);
    message_changed(c->s, m);
    zevent_oa_reacted(c->s, m, icon);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "message_id", m->id);
    call_success(c, data);
}

void send_v2(struct call *c)
{
    cJSON       *body = call_body_json(c);
    const cJSON *recipient = json_member(body, "recipient");
    if (!body)
        call_error(c, -201, "body is invalid");
    else if (json_member(recipient, "anonymous_id"))
        send_anonymous(c, body);
    else if (json_member(body, "sender_action"))
        react(c, body);
    else
        call_error(c, -240, NULL);
    cJSON_Delete(body);
}
