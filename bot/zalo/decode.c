/* From webhook body to struct inbound: see decode.h. */
#include "decode.h"

#include <string.h>

#include "json.h"
#include "reading/text.h"
#include "sha256.h"

enum { URL_BYTES_MAX = 2048, COORDINATE_BYTES_MAX = 32, CARD_TOKENS_MAX = 64 };

/* ---- the events ---- */

/* Who is the person where neither party's id is an OA of ours, and where else to look. */
enum person_at { PERSON_SENDS, PERSON_RECEIVES, PERSON_NAMED };

struct event {
    struct str name;
    enum inbound_kind kind;
    enum person_at person;
};

#define EVENT(name, kind, person) {{(name), sizeof(name) - 1}, (kind), (person)}

/* Section 1.8.  Names with "_group" are recognised by that part. */
static const struct event events[] = {
    EVENT("user_send_text", IN_TEXT, PERSON_SENDS),
    EVENT("user_send_image", IN_IMAGE, PERSON_SENDS),
    EVENT("user_send_gif", IN_GIF, PERSON_SENDS),
    EVENT("user_send_link", IN_LINK, PERSON_SENDS),
    EVENT("user_send_audio", IN_AUDIO, PERSON_SENDS),
    EVENT("user_send_video", IN_VIDEO, PERSON_SENDS),
    EVENT("user_send_file", IN_FILE, PERSON_SENDS),
    EVENT("user_send_sticker", IN_STICKER, PERSON_SENDS),
    EVENT("user_send_location", IN_LOCATION, PERSON_SENDS),
    EVENT("user_send_business_card", IN_CARD, PERSON_SENDS),
    EVENT("user_received_message", IN_RECEIVED, PERSON_RECEIVES),
    EVENT("user_seen_message", IN_SEEN, PERSON_RECEIVES),
    EVENT("user_reacted_message", IN_REACTION, PERSON_SENDS),
    EVENT("user_submit_info", IN_SUBMIT_INFO, PERSON_SENDS),
    EVENT("follow", IN_FOLLOW, PERSON_NAMED),
    EVENT("unfollow", IN_UNFOLLOW, PERSON_NAMED),
    EVENT("user_click_chatnow", IN_CHATNOW, PERSON_NAMED),
    EVENT("user_withdraw", IN_WITHDRAW, PERSON_NAMED),
    EVENT("permission_revoked", IN_REVOKED, PERSON_NAMED),
    EVENT("oa_send_text", IN_ECHO, PERSON_RECEIVES),
    EVENT("oa_send_image", IN_ECHO, PERSON_RECEIVES),
    EVENT("oa_send_gif", IN_ECHO, PERSON_RECEIVES),
    EVENT("oa_send_list", IN_ECHO, PERSON_RECEIVES),
    EVENT("oa_send_file", IN_ECHO, PERSON_RECEIVES),
    EVENT("oa_send_sticker", IN_ECHO, PERSON_RECEIVES),
    EVENT("oa_send_template", IN_ECHO, PERSON_RECEIVES),
    EVENT("oa_send_anonymous_text", IN_ECHO, PERSON_RECEIVES),
    EVENT("oa_send_anonymous_image", IN_ECHO, PERSON_RECEIVES),
    EVENT("oa_send_anonymous_file", IN_ECHO, PERSON_RECEIVES),
    EVENT("oa_send_anonymous_sticker", IN_ECHO, PERSON_RECEIVES),
    EVENT("anonymous_send_text", IN_ANONYMOUS, PERSON_SENDS),
    EVENT("anonymous_send_image", IN_ANONYMOUS, PERSON_SENDS),
    EVENT("anonymous_send_file", IN_ANONYMOUS, PERSON_SENDS),
    EVENT("anonymous_send_sticker", IN_ANONYMOUS, PERSON_SENDS),
    /* Known and not used: the counter of unknown names stays worth an alarm. */
    EVENT("oa_reacted_message", IN_IGNORED, PERSON_RECEIVES),
    EVENT("add_user_to_tag", IN_IGNORED, PERSON_NAMED),
    EVENT("remove_user_from_tag", IN_IGNORED, PERSON_NAMED),
    EVENT("remove_tag", IN_IGNORED, PERSON_NAMED),
    EVENT("update_user_info", IN_IGNORED, PERSON_NAMED),
    EVENT("widget_interaction_accepted", IN_IGNORED, PERSON_NAMED),
    EVENT("widget_failed_to_sync_user_external_id", IN_IGNORED, PERSON_NAMED),
    EVENT("user_asking_product", IN_IGNORED, PERSON_NAMED),
    EVENT("shop_has_order", IN_IGNORED, PERSON_NAMED),
    EVENT("extension_purchased", IN_IGNORED, PERSON_NAMED),
    EVENT("oa_send_consent", IN_IGNORED, PERSON_NAMED),
    EVENT("user_reply_consent", IN_IGNORED, PERSON_NAMED),
    EVENT("user_call_oa", IN_IGNORED, PERSON_NAMED),
    EVENT("oa_call_user", IN_IGNORED, PERSON_NAMED),
    EVENT("user_feedback", IN_IGNORED, PERSON_NAMED),
    EVENT("user_click_response_button", IN_IGNORED, PERSON_NAMED),
    EVENT("change_template_status", IN_IGNORED, PERSON_NAMED),
    EVENT("change_template_quality", IN_IGNORED, PERSON_NAMED),
    EVENT("change_template_quota", IN_IGNORED, PERSON_NAMED),
    EVENT("change_oa_daily_quota", IN_IGNORED, PERSON_NAMED),
    EVENT("change_oa_template_tags", IN_IGNORED, PERSON_NAMED),
    EVENT("event_journey_acknowledged", IN_IGNORED, PERSON_NAMED),
    EVENT("event_journey_time_out", IN_IGNORED, PERSON_NAMED),
};

static const struct event *event_named(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        if (str_eq(events[i].name, name))
            return &events[i];
    return NULL;
}

static bool is_group_event(struct str name)
{
    return memmem(name.p, name.n, "_group", 6) != NULL;
}

/* ---- reading members ---- */

/* What zalo_decode() really allocates; the reason stays out of struct inbound, which others fill as well. */
struct decoded {
    struct inbound in;
    const char *ignored;
};

struct decoding {
    struct json doc;
    struct inbound *in; /* the context of every string */
    bool no_memory;
    const char *bad_id; /* the member that broke the rule for ids */
};

static const char *keep(struct decoding *d, char *s)
{
    if (!s)
        d->no_memory = true;
    return s;
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool c1 = c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0;
        if (c < 0x20 || c == 0x7f || c1)
            return true;
    }
    return false;
}

static bool all_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* An id, by the rule in decode.h; NULL when absent. */
static const char *id_of(struct decoding *d, json_ref value, const char *what)
{
    enum json_type type = json_type(&d->doc, value);
    struct str raw = json_raw(&d->doc, value);
    if ((type != JSON_STRING && type != JSON_NUMBER) || raw.n == 0)
        return NULL;
    if (type == JSON_NUMBER || json_is_plain(&d->doc, value)) {
        if (raw.n > INBOUND_ID_MAX || has_control(raw) || (type == JSON_NUMBER && !all_digits(raw))) {
            d->bad_id = what;
            return NULL;
        }
        return keep(d, talloc_strndup(d->in, raw.p, raw.n));
    }
    const char *id = keep(d, json_string(d->in, &d->doc, value));
    struct str s = str_of(id);
    if (s.n > INBOUND_ID_MAX || has_control(s) || json_was_replaced(&d->doc, value)) {
        d->bad_id = what;
        return NULL;
    }
    return s.n > 0 ? id : NULL;
}

static const char *id_at(struct decoding *d, json_ref object, const char *member)
{
    return id_of(d, json_get(&d->doc, object, str_of(member)), member);
}

/* A text for people, cleaned; NULL when absent or not a string. */
static const char *text_of(struct decoding *d, json_ref value)
{
    if (json_type(&d->doc, value) != JSON_STRING)
        return NULL;
    if (json_is_plain(&d->doc, value))
        return keep(d, text_clean(d->in, json_raw(&d->doc, value)));
    char *raw = json_string(d->in, &d->doc, value);
    const char *clean = keep(d, raw ? text_clean(d->in, str_of(raw)) : NULL);
    talloc_free(raw);
    return clean;
}

static const char *text_at(struct decoding *d, json_ref object, const char *member)
{
    return text_of(d, json_get(&d->doc, object, str_of(member)));
}

/* As text_at(), for what may also come as a number: a phone, for one. */
static const char *text_or_number_at(struct decoding *d, json_ref object, const char *member)
{
    json_ref v = json_get(&d->doc, object, str_of(member));
    struct str raw = json_raw(&d->doc, v);
    if (json_type(&d->doc, v) == JSON_NUMBER && raw.n <= INBOUND_ID_MAX)
        return keep(d, talloc_strndup(d->in, raw.p, raw.n));
    return text_of(d, v);
}

static const char *url_at(struct decoding *d, json_ref object, const char *member)
{
    json_ref v = json_get(&d->doc, object, str_of(member));
    if (json_type(&d->doc, v) != JSON_STRING)
        return NULL;
    const char *url = keep(d, json_string(d->in, &d->doc, v));
    struct str s = str_of(url);
    bool fit = s.n > 0 && s.n <= URL_BYTES_MAX && !has_control(s) && !memchr(s.p, ' ', s.n);
    return fit ? url : NULL;
}

/* Decimal degrees, a string as Zalo sends them or a number; anything else is absent. */
static const char *coordinate_at(struct decoding *d, json_ref object, const char *member)
{
    json_ref v = json_get(&d->doc, object, str_of(member));
    struct str raw = json_raw(&d->doc, v);
    if ((json_type(&d->doc, v) != JSON_NUMBER && !json_is_plain(&d->doc, v)) || raw.n == 0 ||
        raw.n > COORDINATE_BYTES_MAX)
        return NULL;
    struct str digits = str_skip(raw, raw.p[0] == '-');
    size_t points = 0;
    for (size_t i = 0; i < digits.n; i++) {
        points += digits.p[i] == '.';
        if (digits.p[i] != '.' && (digits.p[i] < '0' || digits.p[i] > '9'))
            return NULL;
    }
    if (digits.n == points || points > 1)
        return NULL;
    return keep(d, talloc_strndup(d->in, raw.p, raw.n));
}

/* ---- parts of an event ---- */

static bool is_ours(const struct zalo_identity *identity, const char *id)
{
    for (size_t i = 0; id && i < identity->oa_count; i++)
        if (strcmp(identity->oa_ids[i], id) == 0)
            return true;
    return false;
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

struct parties {
    const char *top_oa, *sender, *recipient;
    const char *named; /* follower.id or user_id */
};

static struct parties read_parties(struct decoding *d)
{
    struct json *doc = &d->doc;
    struct parties p = {
        .top_oa = id_at(d, JSON_ROOT, "oa_id"),
        .recipient = id_at(d, json_get(doc, JSON_ROOT, STR("recipient")), "id"),
        .sender = id_at(d, json_get(doc, JSON_ROOT, STR("sender")), "id"),
        .named = id_at(d, json_get(doc, JSON_ROOT, STR("follower")), "id"),
    };
    if (!p.top_oa)
        p.top_oa = id_at(d, JSON_ROOT, "oaId");
    if (!p.named)
        p.named = id_at(d, JSON_ROOT, "user_id");
    return p;
}

/* The rule of section 1.6, in its order. */
static const char *our_oa(const struct zalo_identity *identity, const struct parties *p)
{
    const char *const candidate[] = {p->top_oa, p->recipient, p->sender};
    for (size_t i = 0; i < ARRAY_LEN(candidate); i++)
        if (is_ours(identity, candidate[i]))
            return candidate[i];
    return NULL;
}

static const char *person_of(const struct parties *p, const char *oa_id, enum person_at at)
{
    const char *by_name = at == PERSON_RECEIVES ? p->recipient : p->sender;
    const char *party = same(p->recipient, oa_id) ? p->sender : same(p->sender, oa_id) ? p->recipient : by_name;
    const char *person = at == PERSON_NAMED && p->named ? p->named : party ? party : p->named;
    return same(person, oa_id) || same(person, ZALO_NOBODY) ? NULL : person;
}

static void read_attachment(struct decoding *d, json_ref element, struct attachment *a)
{
    struct json *doc = &d->doc;
    json_ref payload = json_get(doc, element, STR("payload"));
    json_ref place = json_get(doc, payload, STR("coordinates"));
    int64_t size;
    a->type = text_at(d, element, "type");
    a->url = url_at(d, payload, "url");
    a->name = text_at(d, payload, "name");
    a->description = text_at(d, payload, "description");
    a->size_bytes = json_integer(doc, json_get(doc, payload, STR("size")), &size) && size >= 0 ? size : -1;
    a->latitude = coordinate_at(d, place, "latitude");
    a->longitude = coordinate_at(d, place, "longitude");
}

static void read_attachments(struct decoding *d, json_ref message)
{
    struct inbound *in = d->in;
    json_ref list = json_get(&d->doc, message, STR("attachments"));
    for (json_ref v = json_first(&d->doc, list); v && in->attachment_count < INBOUND_ATTACHMENTS_MAX;
         v = json_next(&d->doc, v))
        if (json_type(&d->doc, v) == JSON_OBJECT)
            read_attachment(d, v, &in->attachment[in->attachment_count++]);
}

static void read_seen_ids(struct decoding *d, json_ref message)
{
    struct inbound *in = d->in;
    json_ref list = json_get(&d->doc, message, STR("msg_ids"));
    for (json_ref v = json_first(&d->doc, list); v && in->seen_count < INBOUND_ATTACHMENTS_MAX; v = json_next(&d->doc, v)) {
        const char *id = id_of(d, v, "msg_ids");
        if (id)
            in->seen_ids[in->seen_count++] = id;
    }
    if (in->seen_count == 0 && in->msg_id)
        in->seen_ids[in->seen_count++] = in->msg_id;
}

/* Members that Zalo packs as JSON into a string: a card's description, an old form's text.  Not JSON: nothing is read. */
static void read_packed_info(struct decoding *d, const char *packed)
{
    struct json_token token[CARD_TOKENS_MAX];
    struct decoding inner = {.in = d->in};
    if (!packed || packed[0] != '{' || !json_read(&inner.doc, str_of(packed), token, ARRAY_LEN(token), NULL))
        return;
    const char *name = text_at(&inner, JSON_ROOT, "name");
    const char *phone = text_or_number_at(&inner, JSON_ROOT, "phone");
    d->no_memory = d->no_memory || inner.no_memory;
    if (inner.doc.duplicate)
        return;
    if (!d->in->info_name)
        d->in->info_name = name;
    if (!d->in->info_phone)
        d->in->info_phone = phone;
}

static void read_info(struct decoding *d)
{
    struct inbound *in = d->in;
    const json_ref place[] = {json_get(&d->doc, JSON_ROOT, STR("info")), JSON_ROOT};
    for (size_t i = 0; i < ARRAY_LEN(place); i++) {
        if (!in->info_name)
            in->info_name = text_at(d, place[i], "name");
        if (!in->info_phone)
            in->info_phone = text_or_number_at(d, place[i], "phone");
    }
    read_packed_info(d, in->text);
}

/* A real card may come under user_send_link: its description then is an object with a phone. */
static void read_card(struct decoding *d)
{
    struct inbound *in = d->in;
    for (size_t i = 0; i < in->attachment_count && !in->info_phone; i++)
        read_packed_info(d, in->attachment[i].description);
    if (in->info_phone)
        in->kind = IN_CARD;
    if (in->kind == IN_LINK)
        in->info_name = NULL; /* a link whose description happens to be JSON */
}

/* ---- the whole event ---- */

/* Delivery of a phone template: the recipient is a phone number, not a person of ours (1.8). */
static bool is_phone_template(struct decoding *d, json_ref message)
{
    return json_get(&d->doc, message, STR("tracking_id")) || json_get(&d->doc, message, STR("delivery_time"));
}

/* The console's URL check and Test button are signed like the rest (1.2). */
static bool is_console_probe(const struct inbound *in)
{
    return same(in->msg_id, "This is message id");
}

static const char *why_ignored(const struct decoding *d, const struct zalo_identity *identity, const struct event *event,
                               const struct parties *p)
{
    const struct inbound *in = d->in;
    if (is_console_probe(in))
        return "console_probe";
    if (!same(in->app_id, identity->app_id))
        return "foreign_app";
    bool nobody_named = !p->top_oa && !p->sender && !p->recipient; /* the payload of permission_revoked is a guess */
    if (!in->oa_id && !(event && event->kind == IN_REVOKED && nobody_named))
        return "foreign_oa";
    if (!event)
        return is_group_event(str_of(in->event_name)) ? "group" : "unknown_event";
    if (event->kind == IN_IGNORED)
        return "other_event";
    return NULL;
}

static bool read_timestamp(struct decoding *d, int64_t *ret)
{
    json_ref v = json_get(&d->doc, JSON_ROOT, STR("timestamp"));
    struct str raw = json_raw(&d->doc, v);
    return raw.n >= 10 && raw.n <= 16 && all_digits(raw) && json_integer(&d->doc, v, ret);
}

/* Fills in->...; @return the reason when it is not for us. */
static const char *read_event(struct decoding *d, const struct zalo_identity *identity)
{
    struct inbound *in = d->in;
    json_ref message = json_get(&d->doc, JSON_ROOT, STR("message"));
    struct parties parties = read_parties(d);

    in->event_name = id_at(d, JSON_ROOT, "event_name");
    if (!in->event_name)
        in->event_name = "";
    in->app_id = id_at(d, JSON_ROOT, "app_id");
    in->oa_id = our_oa(identity, &parties);
    in->msg_id = id_at(d, message, "msg_id");
    in->user_id = ZALO_NOBODY;

    const struct event *event = event_named(str_of(in->event_name));
    const char *ignored = why_ignored(d, identity, event, &parties);
    if (ignored)
        return ignored;
    if (event->kind == IN_RECEIVED && is_phone_template(d, message))
        return "phone_template";
    if (event->kind != IN_REVOKED) {
        const char *person = person_of(&parties, in->oa_id, event->person);
        if (!person)
            return "no_person";
        in->user_id = person;
    }

    in->kind = event->kind;
    in->text = text_at(d, message, "text");
    if (!in->text && in->kind == IN_TEXT)
        in->text = "";
    in->quote_msg_id = id_at(d, message, "quote_msg_id");
    in->conversation_id = id_at(d, message, "conversation_id");
    in->reaction = text_at(d, message, "react_icon");
    in->admin_id = id_at(d, json_get(&d->doc, JSON_ROOT, STR("sender")), "admin_id");
    read_attachments(d, message);
    if (in->kind == IN_SEEN)
        read_seen_ids(d, message);
    if (in->kind == IN_SUBMIT_INFO)
        read_info(d);
    if (in->kind == IN_CARD || in->kind == IN_LINK)
        read_card(d);
    return NULL;
}

bool zalo_decode(TALLOC_CTX *ctx, struct str body, const struct zalo_identity *identity, struct inbound **ret,
                 struct err *e)
{
    struct json_token token[JSON_TOKENS_MAX];
    struct decoding d = {0};
    if (!json_read(&d.doc, body, token, ARRAY_LEN(token), e))
        return err_wrap(e, "webhook body refused");
    if (json_type(&d.doc, JSON_ROOT) != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "webhook body refused: not an object");

    /* One pool for the struct and its strings, which are together hardly longer than the body. */
    struct decoded *decoded = talloc_pooled_object(ctx, struct decoded, 16, (unsigned)(body.n < 4096 ? body.n : 4096));
    if (!decoded)
        return err_set(e, ERR_NOMEM, "out of memory for a webhook event");
    *decoded = (struct decoded){0};
    d.in = &decoded->in;
    decoded->ignored = read_event(&d, identity);

    bool ok = true;
    if (d.no_memory)
        ok = err_set(e, ERR_NOMEM, "out of memory for a webhook event");
    else if (d.bad_id)
        ok = err_set(e, ERR_INVALID, "webhook body refused: bad id in %s", d.bad_id);
    else if (!read_timestamp(&d, &d.in->sent_at_ms))
        ok = err_set(e, ERR_INVALID, "webhook body refused: bad timestamp");
    else if (d.doc.duplicate)
        ok = err_set(e, ERR_INVALID, "webhook body refused: a member stands there twice");
    if (!ok) {
        talloc_free(decoded);
        return false;
    }
    *ret = d.in;
    return true;
}

const char *zalo_ignored_reason(const struct inbound *in)
{
    const struct decoded *decoded = in->kind == IN_IGNORED ? talloc_get_type(in, struct decoded) : NULL;
    return decoded ? decoded->ignored : NULL;
}

bool zalo_event_key(const struct inbound *in, struct str body, unsigned char key[static ZALO_EVENT_KEY_BYTES])
{
    unsigned char digest[SHA256_BYTES];
    const struct str name_and_id[] = {str_of(in->event_name), {"", 1}, str_of(in->msg_id)};
    bool whole = !in->msg_id || in->kind == IN_REACTION || same(in->event_name, "oa_reacted_message");
    bool ok = whole ? sha256_parts(&body, 1, digest) : sha256_parts(name_and_id, ARRAY_LEN(name_and_id), digest);
    memcpy(key, digest, ZALO_EVENT_KEY_BYTES);
    return ok;
}
