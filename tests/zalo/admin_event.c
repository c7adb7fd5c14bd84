/* POST /_admin/event: a person does something, and the webhook hears of it.  One row per kind; the answer is given when the
 * webhook has answered. */
#include "admin.h"
#include "assets.h"
#include "events.h"
#include "feed.h"
#include "people.h"
#include "state.h"

#include <stdlib.h>
#include <string.h>

/* What a kind's function makes out of the wish. */
struct act {
    struct standin *s;
    const cJSON    *wish;
    struct person  *person; /* NULL for a few kinds */
    int64_t         at_ms;
    cJSON          *event;   /* the body, owned until it is posted */
    char           *raw;     /* or these bytes instead */
    struct message *message; /* what appears in the conversation, already published, or NULL */
    const char     *admin_id; /* the event is the echo of `message` */
    bool            silent;  /* nothing is delivered */
    char           *why;     /* not NULL: refused; owned */
};

static const char *wish_string(const struct act *a, const char *name, const char *otherwise)
{
    const char *v = json_string(a->wish, name);
    return v ? v : otherwise;
}

/* user_send_*: the event with its parties and message, and the message in the conversation. */
static cJSON *say(struct act *a, const char *kind, const char *text, cJSON *attachment)
{
    struct standin *s = a->s;
    const char     *quote = json_string(a->wish, "quote_msg_id");
    char           *name = must_format("%s_send_%s", a->person->conversation_id ? "anonymous" : "user", kind);
    struct message *m = message_new(s, a->person, FROM_USER, kind, json_string(a->wish, "msg_id"));
    m->at_ms = a->at_ms;
    m->text = must_dup(text);
    m->quote_id = must_dup(quote);
    a->event = zevent_new(s, name, a->person, a->at_ms);
    zevent_parties(a->event, a->person->id, s->oa_id);
    cJSON *message = cJSON_AddObjectToObject(a->event, "message");
    cJSON_AddStringToObject(message, "msg_id", m->id);
    if (a->person->conversation_id)
        cJSON_AddStringToObject(message, "conversation_id", a->person->conversation_id);
    if (quote)
        cJSON_AddStringToObject(message, "quote_msg_id", quote);
    if (text)
        cJSON_AddStringToObject(message, "text", text);
    if (attachment) {
        cJSON_AddItemToArray(cJSON_AddArrayToObject(message, "attachments"), attachment);
        m->attachment = cJSON_PrintUnformatted(attachment);
    }
    a->message = m;
    a->person->chatted = true;
    person_interacted(s, a->person);
    free(name);
    return message;
}

static void do_text(struct act *a)
{
    const char *text = json_string(a->wish, "text");
    if (!text) {
        a->why = must_dup("text is missing");
        return;
    }
    say(a, "text", text, NULL);
    a->message->hidden = json_flag(a->wish, "hidden", false);
    a->silent = a->s->set.syntax_filter && text[0] != '#';
}

/* Pictures, voice, files: from /_admin/media, from an address, or a sample. */
static void do_media(struct act *a)
{
    static const char *const kinds[] = {"image", "gif", "audio", "video", "file", "sticker"};
    const char              *kind = json_string(a->wish, "kind"), *id = json_string(a->wish, "media"), *url = json_string(a->wish, "url");
    struct asset            *asset = id ? assets_find(a->s, id) : url ? NULL : assets_sample(a->s, kind);
    size_t                   i = 0;
    while (i + 1 < COUNT_OF(kinds) && strcmp(kinds[i], kind) != 0)
        i++;
    if (id && !asset) {
        a->why = must_format("no media has the id %s", id);
        return;
    }
    say(a, kinds[i], json_string(a->wish, "text"), zevent_attachment(a->s, kind, asset, url));
    if (asset) {
        a->message->media_url = asset_path(asset);
        a->message->media_name = must_dup(asset->name);
    } else {
        a->message->media_url = must_dup(url);
    }
}

static void do_link(struct act *a)
{
    const char *url = wish_string(a, "url", wish_string(a, "text", "https://example.com"));
    cJSON      *link = zevent_attachment(a->s, "link", NULL, url), *payload = cJSON_GetObjectItemCaseSensitive(link, "payload");
    cJSON_AddStringToObject(payload, "description", wish_string(a, "description", ""));
    say(a, "link", wish_string(a, "text", url), link);
}

static void do_location(struct act *a)
{
    cJSON *o = cJSON_CreateObject(), *at;
    cJSON_AddStringToObject(o, "type", "location");
    at = cJSON_AddObjectToObject(cJSON_AddObjectToObject(o, "payload"), "coordinates");
    cJSON_AddStringToObject(at, "latitude", wish_string(a, "latitude", "10.7642473"));
    cJSON_AddStringToObject(at, "longitude", wish_string(a, "longitude", "106.6564314"));
    say(a, "location", NULL, o);
}

static void do_business_card(struct act *a)
{
    cJSON *card = cJSON_CreateObject(), *o = cJSON_CreateObject(), *payload;
    cJSON_AddStringToObject(card, "phone", wish_string(a, "phone", "84900000000"));
    cJSON_AddStringToObject(card, "qrCodeUrl", "https://cdn.example/qr.jpg");
    char *description = cJSON_PrintUnformatted(card);
    cJSON_AddStringToObject(o, "type", "link");
    payload = cJSON_AddObjectToObject(o, "payload");
    cJSON_AddStringToObject(payload, "thumbnail", "https://cdn.example/a.jpg");
    cJSON_AddStringToObject(payload, "description", description);
    cJSON_AddStringToObject(payload, "url", "https://zalo.example/u");
    say(a, "business_card", NULL, o);
    cJSON_free(description);
    cJSON_Delete(card);
}

/* The button with this label, on the message `on` or else on the newest that has one; list rows count as buttons. */
static cJSON *find_button(const struct act *a, const char *label)
{
    const char           *on = json_string(a->wish, "on");
    const struct message *m;
    TAILQ_FOREACH_REVERSE(m, &a->person->messages, messages, next)
    {
        if (m->from == FROM_USER || !m->attachment || (on && strcmp(on, m->id) != 0))
            continue;
        cJSON       *sent = cJSON_Parse(m->attachment);
        const cJSON *payload = json_member(sent, "payload"), *b;
        cJSON_ArrayForEach(b, json_member(payload, "buttons"))
        {
            if (json_string(b, "title") && strcmp(json_string(b, "title"), label) == 0) {
                cJSON *copy = cJSON_Duplicate(b, true);
                cJSON_Delete(sent);
                return copy;
            }
        }
        cJSON_ArrayForEach(b, json_member(payload, "elements"))
        {
            if (json_string(b, "title") && strcmp(json_string(b, "title"), label) == 0) {
                cJSON *copy = cJSON_Duplicate(json_member(b, "default_action"), true);
                cJSON_Delete(sent);
                return copy;
            }
        }
        cJSON_Delete(sent);
    }
    return NULL;
}

/* A tap is user_send_text with the payload as text (zalo-oa-api 1.7); buttons that open something produce no webhook. */
static void do_tap(struct act *a)
{
    const char *payload = json_string(a->wish, "payload"), *label = json_string(a->wish, "label");
    if (payload) {
        say(a, "text", payload, NULL);
        a->message->hidden = json_flag(a->wish, "hidden", true);
        return;
    }
    cJSON      *button = label ? find_button(a, label) : NULL;
    const char *type = json_string(button, "type");
    if (!type) {
        a->why = must_format("no message shows a button \"%s\"", label ? label : "");
    } else if (strncmp(type, "oa.query.", 9) == 0 && json_string(button, "payload")) {
        say(a, "text", json_string(button, "payload"), NULL);
        a->message->hidden = strcmp(type, "oa.query.hide") == 0;
    } else {
        a->silent = true;
    }
    cJSON_Delete(button);
}

static void tell_page(struct act *a)
{
    cJSON *note = cJSON_CreateObject();
    cJSON_AddStringToObject(note, "type", "person");
    cJSON_AddStringToObject(note, "user", a->person->id);
    cJSON_AddBoolToObject(note, "follows", a->person->follows);
    cJSON_AddBoolToObject(note, "chatted", a->person->chatted);
    feed_note(a->s, note);
    cJSON_Delete(note);
}

static void follow(struct act *a, const char *name, bool follows)
{
    a->event = zevent_new(a->s, name, a->person, a->at_ms);
    cJSON_AddStringToObject(a->event, "oa_id", a->s->oa_id);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(a->event, "follower"), "id", a->person->id);
    cJSON_AddStringToObject(a->event, "source", wish_string(a, "source", "oa_profile"));
    a->person->follows = follows;
    if (follows)
        person_interacted(a->s, a->person);
    state_touch(a->s);
    tell_page(a);
}

static void do_follow(struct act *a)
{
    follow(a, "follow", true);
}

static void do_unfollow(struct act *a)
{
    follow(a, "unfollow", false);
}

static void flat_event(struct act *a, const char *name)
{
    a->event = zevent_new(a->s, name, a->person, a->at_ms);
    cJSON_AddStringToObject(a->event, "oa_id", a->s->oa_id);
    cJSON_AddStringToObject(a->event, "user_id", a->person->id);
}

static void do_chatnow(struct act *a)
{
    flat_event(a, "user_click_chatnow");
    a->person->chatted = true;
    person_interacted(a->s, a->person);
    tell_page(a);
}

static void do_withdraw(struct act *a)
{
    flat_event(a, "user_withdraw");
}

static void do_submit_info(struct act *a)
{
    a->event = zevent_new(a->s, "user_submit_info", a->person, a->at_ms);
    zevent_parties(a->event, a->person->id, a->s->oa_id);
    const cJSON *given = json_member(a->wish, "info");
    cJSON       *info = given ? cJSON_Duplicate(given, true) : cJSON_CreateObject();
    if (!given) {
        cJSON *address = cJSON_CreateObject();
        cJSON_AddStringToObject(info, "name", person_name(a->person));
        cJSON_AddStringToObject(info, "phone", "84900000000");
        cJSON_AddStringToObject(info, "user_dob", "30/10/1999");
        cJSON_AddStringToObject(info, "gender", "Nam");
        cJSON_AddStringToObject(address, "user_city", "Thành phố Hồ Chí Minh");
        cJSON_AddStringToObject(address, "user_ward", "Phường Ví Dụ");
        cJSON_AddStringToObject(address, "user_address", "1 Đường Ví Dụ");
        cJSON_AddItemToObject(info, "full_address", address);
    }
    cJSON_AddItemToObject(a->event, "info", info);
    cJSON_Delete(a->person->shared_info);
    a->person->shared_info = cJSON_CreateObject();
    static const char *const kept[] = {"name", "phone"};
    for (size_t i = 0; i < COUNT_OF(kept); i++)
        if (json_string(info, kept[i]))
            cJSON_AddStringToObject(a->person->shared_info, kept[i], json_string(info, kept[i]));
    person_interacted(a->s, a->person);
}

static const struct message *last_from_oa(const struct person *p)
{
    const struct message *m;
    TAILQ_FOREACH_REVERSE(m, &p->messages, messages, next)
        if (m->from != FROM_USER)
            return m;
    return NULL;
}

static const char *message_meant(struct act *a)
{
    const struct message *last = last_from_oa(a->person);
    const char           *id = wish_string(a, "on", last ? last->id : NULL);
    if (!id)
        a->why = must_dup("there is no message to refer to; name one with \"on\"");
    return id;
}

static void do_reaction(struct act *a)
{
    const char *id = message_meant(a), *icon = wish_string(a, "icon", "/-heart");
    if (!id)
        return;
    a->event = zevent_new(a->s, "user_reacted_message", a->person, a->at_ms);
    zevent_parties(a->event, a->person->id, a->s->oa_id);
    cJSON *message = cJSON_AddObjectToObject(a->event, "message");
    cJSON_AddStringToObject(message, "msg_id", id);
    cJSON_AddStringToObject(message, "react_icon", icon);
    struct message *m = message_find(a->s->people, id);
    if (m) {
        set_string(&m->reaction, strcmp(icon, "/-remove") == 0 ? NULL : icon);
        message_changed(a->s, m);
    }
}

static void do_received(struct act *a)
{
    const char *id = message_meant(a);
    if (!id)
        return;
    a->event = zevent_new(a->s, "user_received_message", a->person, a->at_ms);
    zevent_parties(a->event, a->s->oa_id, a->person->id);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(a->event, "message"), "msg_id", id);
    struct message *m = message_find(a->s->people, id);
    if (m)
        m->received = true;
}

/* {"msg_ids": [...]}; without it, everything of the OA not seen yet. */
static void do_seen(struct act *a)
{
    cJSON          *ids = cJSON_Duplicate(json_member(a->wish, "msg_ids"), true);
    bool            all = !cJSON_IsArray(ids);
    struct message *m;
    if (all) {
        cJSON_Delete(ids);
        ids = cJSON_CreateArray();
        TAILQ_FOREACH(m, &a->person->messages, next)
            if (m->from != FROM_USER && !m->seen)
                cJSON_AddItemToArray(ids, cJSON_CreateString(m->id));
    }
    const cJSON *id;
    cJSON_ArrayForEach(id, ids)
    {
        if (cJSON_IsString(id) && (m = message_find(a->s->people, id->valuestring)))
            m->received = m->seen = true;
    }
    a->silent = cJSON_GetArraySize(ids) == 0;
    a->event = zevent_new(a->s, "user_seen_message", a->person, a->at_ms);
    zevent_parties(a->event, a->s->oa_id, a->person->id);
    cJSON_AddItemToObject(cJSON_AddObjectToObject(a->event, "message"), "msg_ids", ids);
    state_touch(a->s);
}

static void do_anonymous_text(struct act *a)
{
    if (!a->person->conversation_id) {
        char id[21];
        random_hex(id, 20);
        a->person->conversation_id = must_dup(wish_string(a, "conversation_id", id));
    }
    do_text(a);
}

static void do_group_text(struct act *a)
{
    char id[21];
    random_hex(id, 20);
    a->event = zevent_new(a->s, "user_send_group_text", a->person, a->at_ms);
    cJSON_AddStringToObject(a->event, "oa_id", a->s->oa_id);
    zevent_parties(a->event, a->person->id, wish_string(a, "group", "f414c8f76fa586fbdfb4"));
    cJSON *message = cJSON_AddObjectToObject(a->event, "message");
    cJSON_AddStringToObject(message, "msg_id", wish_string(a, "msg_id", id));
    cJSON_AddStringToObject(message, "text", wish_string(a, "text", ""));
    person_interacted(a->s, a->person);
}

/* A human answers in OA Manager: an echo with admin_id. */
static void do_admin_text(struct act *a)
{
    a->message = message_new(a->s, a->person, FROM_STAFF, "text", json_string(a->wish, "msg_id"));
    a->message->at_ms = a->at_ms;
    a->message->text = must_dup(wish_string(a, "text", ""));
    a->message->quote_id = must_dup(json_string(a->wish, "quote_msg_id"));
    a->admin_id = wish_string(a, "admin_id", "1857363030121000009");
}

/* The console's check: rightly signed, but addressed to somebody else's OA (zalo-oa-api 1.2). */
static void do_probe(struct act *a)
{
    a->event = zevent_new(a->s, "user_send_text", NULL, a->at_ms);
    zevent_parties(a->event, "4000000000000000001", "2197174064623000003");
    cJSON *message = cJSON_AddObjectToObject(a->event, "message");
    cJSON_AddStringToObject(message, "msg_id", "This is message id");
    cJSON_AddStringToObject(message, "text", "This is testing message");
}

static void do_custom(struct act *a)
{
    const cJSON *raw = json_member(a->wish, "raw");
    if (cJSON_IsString(raw))
        a->raw = must_dup(raw->valuestring);
    else if (raw)
        a->raw = cJSON_PrintUnformatted(raw);
    else
        a->why = must_dup("raw is missing: an object, or a string that is sent byte for byte");
}

static const struct row {
    const char *kind;
    void (*act)(struct act *a);
    bool nobody; /* needs no user */
} rows[] = {
    {"text", do_text, false},         {"tap", do_tap, false},
    {"image", do_media, false},       {"gif", do_media, false},
    {"audio", do_media, false},       {"video", do_media, false},
    {"file", do_media, false},        {"sticker", do_media, false},
    {"link", do_link, false},         {"location", do_location, false},
    {"business_card", do_business_card, false}, {"follow", do_follow, false},
    {"unfollow", do_unfollow, false}, {"chatnow", do_chatnow, false},
    {"submit_info", do_submit_info, false}, {"reaction", do_reaction, false},
    {"withdraw", do_withdraw, false}, {"received", do_received, false},
    {"seen", do_seen, false},         {"anonymous_text", do_anonymous_text, false},
    {"group_text", do_group_text, false}, {"admin_text", do_admin_text, false},
    {"probe", do_probe, true},        {"custom", do_custom, true},
};

/* ---- delivery and answer ---- */

struct pending {
    struct call *call; /* NULL: the answer was not waited for */
    int          copies;
    cJSON       *answer, *results;
};

static void pending_done(struct pending *p)
{
    if (p->call) {
        const cJSON *first = cJSON_GetArrayItem(p->results, 0);
        cJSON_AddNumberToObject(p->answer, "status", (double)json_integer(first, "status", 0));
        cJSON_AddNumberToObject(p->answer, "ms", cJSON_GetNumberValue(json_member(first, "ms")));
        if (cJSON_GetArraySize(p->results) > 1)
            cJSON_AddItemToObject(p->answer, "results", cJSON_Duplicate(p->results, true));
        call_json(p->call, 200, p->answer);
    } else {
        cJSON_Delete(p->answer);
    }
    cJSON_Delete(p->results);
    free(p);
}

static void on_delivered(const struct webhook_result *result, void *arg)
{
    struct pending *p = arg;
    cJSON          *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "status", result->status);
    cJSON_AddNumberToObject(o, "ms", (double)(result->us / 10) / 100);
    if (!result->status)
        cJSON_AddStringToObject(o, "why", result->why);
    cJSON_AddItemToArray(p->results, o);
    if (--p->copies == 0)
        pending_done(p);
}

static void deliver(struct call *c, struct act *a)
{
    const cJSON    *signature = json_member(a->wish, "signature");
    bool            hold = json_flag(a->wish, "hold", false), wait = !hold && json_flag(a->wish, "wait", true);
    int             copies = (int)json_integer(a->wish, "copies", 1);
    struct pending *p = must_alloc(sizeof(*p));
    p->answer = cJSON_CreateObject();
    p->results = cJSON_CreateArray();
    p->copies = copies < 1 ? 1 : copies;
    if (a->message) {
        cJSON_AddStringToObject(p->answer, "msg_id", a->message->id);
        cJSON_AddNumberToObject(p->answer, "seq", (double)a->message->seq);
    }
    if (a->silent) {
        cJSON_AddNumberToObject(p->answer, "status", 0);
        cJSON_AddStringToObject(p->answer, "why", "this produces no webhook");
        call_json(c, 200, p->answer);
        cJSON_Delete(p->results);
        free(p);
        return;
    }
    if (wait) {
        p->call = c;
        call_hold(c);
    } else {
        cJSON *now = cJSON_Duplicate(p->answer, true);
        cJSON_AddBoolToObject(now, "held", hold);
        call_json(c, 200, now);
    }
    if (a->admin_id) {
        p->copies = 1;
        zevent_echo(a->s, a->message, a->admin_id, on_delivered, p);
        return;
    }
    char *body = a->raw ? a->raw : cJSON_PrintUnformatted(a->event);
    bool  one_by_one = json_flag(a->wish, "ordered", true) && p->copies == 1 && a->person;
    struct webhook_order order = {
        .n = strlen(body), .lane = one_by_one ? &a->person->lanes[LANE_USER] : NULL, .hold = hold,
        .once = !json_flag(a->wish, "retry", true), .num_retry = (int)json_integer(a->wish, "num_retry", 0),
        .delay_ms = json_integer(a->wish, "delay_ms", 0), .done = on_delivered, .ctx = p,
        .message_id = a->message ? a->message->id : NULL,
        .signature = json_flag(a->wish, "forge", false) ? "mac=00000000000000000000000000000000000000000000000000000000deadbeef"
                   : signature ? (cJSON_IsString(signature) ? signature->valuestring : "") : NULL};
    for (int i = 0, n = p->copies; i < n; i++) { /* p may be gone once the last one is posted */
        order.body = must_dup_n(body, order.n);
        webhook_post(a->s->webhook, &order);
    }
    if (!a->raw)
        cJSON_free(body);
}

static const struct row *row_of(const cJSON *wish)
{
    const char *kind = json_string(wish, "kind");
    if (!kind && json_member(wish, "raw"))
        kind = "custom";
    for (size_t i = 0; kind && i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].kind, kind) == 0)
            return &rows[i];
    return NULL;
}

void admin_event(struct call *c)
{
    cJSON            *wish = call_body_json(c);
    const struct row *row = row_of(wish);
    const char       *user = json_string(wish, "user");
    if (!wish || !row || (!row->nobody && !user)) {
        call_bad(c, !wish ? "the body is no JSON object" : !row ? "kind is missing or unknown" : "user is missing");
        cJSON_Delete(wish);
        return;
    }
    struct act a = {.s = c->s, .wish = wish, .person = user ? people_get(c->s->people, user) : NULL,
                    .at_ms = json_integer(wish, "timestamp", standin_now(c->s))};
    row->act(&a);
    if (a.message)
        message_publish(c->s, a.message);
    if (a.why)
        call_bad(c, "%s", a.why);
    else
        deliver(c, &a);
    cJSON_Delete(a.event);
    free(a.raw);
    free(a.why);
    cJSON_Delete(wish);
}
