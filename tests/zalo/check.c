/* What the platform refuses in the body of a message (zalo-oa-api 2.3): limits, shapes, unknown uploads. */
#include "check.h"
#include "assets.h"

#include <string.h>

#define TEXT_UNITS_MAX   2000
#define BUTTONS_MAX      5
#define ELEMENTS_MAX     5
#define TITLE_MAX        100
#define SUBTITLE_MAX     500
#define PAYLOAD_MAX      1000
#define SMS_MAX          160
#define ASSET_LIFETIME_MS (INT64_C(7) * 24 * 3600 * 1000)

static struct check refuse(int code, const char *why)
{
    return (struct check){.code = code, .why = why};
}

static struct check accept_as(const char *kind)
{
    return (struct check){.kind = kind};
}

static bool fits(const char *text, size_t least, size_t most)
{
    return text && utf8_characters(text) >= least && utf8_characters(text) <= most;
}

static bool is_query(const char *type)
{
    return strcmp(type, "oa.query.show") == 0 || strcmp(type, "oa.query.hide") == 0;
}

static bool is_http(const char *url)
{
    return url && (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0);
}

static const char *button_fault(const cJSON *button)
{
    const char  *type = json_string(button, "type");
    const cJSON *payload = json_member(button, "payload");
    if (!fits(json_string(button, "title"), 1, TITLE_MAX))
        return "buttons.title is invalid";
    if (!type)
        return "buttons.type is invalid";
    if (is_query(type))
        return fits(cJSON_GetStringValue(payload), 1, PAYLOAD_MAX) ? NULL : "buttons.payload is invalid";
    if (strcmp(type, "oa.open.url") == 0)
        return is_http(json_string(payload, "url")) ? NULL : "buttons.payload.url is invalid";
    if (strcmp(type, "oa.open.phone") == 0)
        return fits(json_string(payload, "phone_code"), 1, 20) ? NULL : "buttons.payload.phone_code is invalid";
    if (strcmp(type, "oa.open.sms") == 0)
        return fits(json_string(payload, "phone_code"), 1, 20) && fits(json_string(payload, "content"), 1, SMS_MAX)
                   ? NULL
                   : "buttons.payload is invalid";
    return "buttons.type is invalid";
}

static const char *buttons_fault(const cJSON *buttons)
{
    if (!cJSON_IsArray(buttons) || cJSON_GetArraySize(buttons) > BUTTONS_MAX)
        return "buttons is invalid";
    const cJSON *b;
    cJSON_ArrayForEach(b, buttons)
    {
        const char *why = button_fault(b);
        if (why)
            return why;
    }
    return NULL;
}

static struct check check_buttons(const cJSON *payload, const char *text)
{
    const cJSON *buttons = json_member(payload, "buttons");
    if (!text)
        return refuse(-201, "text is required");
    if (cJSON_GetArraySize(buttons) == 0)
        return refuse(-201, "buttons is required");
    const char *why = buttons_fault(buttons);
    return why ? refuse(-201, why) : accept_as("text");
}

static struct check check_upload(const struct standin *s, const char *id, enum asset_use use, const char *kind)
{
    const struct asset *a = assets_find(s, id);
    if (!a || a->use != use)
        return refuse(-201, "attachment_id is invalid");
    if (standin_now(s) - a->uploaded_ms > ASSET_LIFETIME_MS)
        return refuse(-100, NULL);
    return (struct check){.kind = kind, .asset = id};
}

static struct check check_media(const struct standin *s, const cJSON *payload)
{
    const cJSON *elements = json_member(payload, "elements"), *e = cJSON_GetArrayItem(elements, 0);
    const char  *type = json_string(e, "media_type"), *id = json_string(e, "attachment_id"), *url = json_string(e, "url");
    if (!cJSON_IsArray(elements) || cJSON_GetArraySize(elements) != 1 || !type)
        return refuse(-201, "elements is invalid");
    if (!id == !url)
        return refuse(-201, "attachment_id or url is required, not both");
    if (url && !is_http(url))
        return refuse(-201, "url is invalid");
    if (strcmp(type, "image") == 0)
        return url ? (struct check){.kind = "image", .url = url} : check_upload(s, id, ASSET_IMAGE, "image");
    if (strcmp(type, "gif") == 0) {
        if (json_integer(e, "width", 0) <= 0 || json_integer(e, "height", 0) <= 0)
            return refuse(-201, "width and height are required");
        return url ? (struct check){.kind = "gif", .url = url} : check_upload(s, id, ASSET_GIF, "gif");
    }
    if (strcmp(type, "sticker") == 0) /* ids come from a catalogue outside */
        return (struct check){.kind = "sticker", .url = url};
    return refuse(-201, "media_type is invalid");
}

static const char *element_fault(const cJSON *e, bool first, bool actions)
{
    const char  *subtitle = json_string(e, "subtitle");
    const cJSON *action = json_member(e, "default_action");
    if (!fits(json_string(e, "title"), 1, TITLE_MAX))
        return "elements.title is invalid";
    if ((first && !fits(subtitle, 1, SUBTITLE_MAX)) || (subtitle && !fits(subtitle, 0, SUBTITLE_MAX)))
        return "elements.subtitle is invalid";
    if (!actions || (first && !action))
        return NULL;
    const char *type = json_string(action, "type");
    if (!type)
        return "elements.default_action is invalid";
    if (is_query(type))
        return fits(json_string(action, "payload"), 1, PAYLOAD_MAX) ? NULL : "elements.default_action.payload is invalid";
    if (strcmp(type, "oa.open.url") == 0)
        return is_http(json_string(action, "url")) ? NULL : "elements.default_action.url is invalid";
    return strcmp(type, "oa.open.phone") == 0 || strcmp(type, "oa.open.sms") == 0 ? NULL : "elements.default_action.type is invalid";
}

static struct check check_elements(const cJSON *payload, int most, const char *kind)
{
    const cJSON *elements = json_member(payload, "elements"), *buttons = json_member(payload, "buttons"), *e;
    int          n = cJSON_GetArraySize(elements);
    bool         list = strcmp(kind, "list") == 0, first = true;
    if (!cJSON_IsArray(elements) || n < 1 || n > most)
        return refuse(-201, "elements is invalid");
    cJSON_ArrayForEach(e, elements)
    {
        const char *why = element_fault(e, first, list);
        if (why)
            return refuse(-201, why);
        first = false;
    }
    if (buttons && !list)
        return refuse(-201, "buttons is invalid"); /* one attachment per message */
    const char *why = buttons ? buttons_fault(buttons) : NULL;
    return why ? refuse(-201, why) : accept_as(kind);
}

static struct check check_attachment(const struct standin *s, const cJSON *attachment, const char *text)
{
    const char  *type = json_string(attachment, "type");
    const cJSON *payload = json_member(attachment, "payload");
    if (!type || !cJSON_IsObject(payload))
        return refuse(-201, "attachment is invalid");
    if (strcmp(type, "file") == 0) {
        const char *token = json_string(payload, "token");
        if (!token)
            return refuse(-201, "attachment.payload.token is required");
        return check_upload(s, token, ASSET_FILE, "file");
    }
    if (strcmp(type, "template") != 0)
        return refuse(-201, "attachment.type is invalid");
    const cJSON *template_type = json_member(payload, "template_type");
    const char  *word = cJSON_GetStringValue(template_type);
    if (!template_type || (word && strcmp(word, "button") == 0))
        return check_buttons(payload, text);
    if (word && strcmp(word, "media") == 0)
        return check_media(s, payload);
    if (word && strcmp(word, "list") == 0)
        return s->set.list_messages ? check_elements(payload, ELEMENTS_MAX, "list") : refuse(-233, NULL);
    if (word && strcmp(word, "request_user_info") == 0)
        return check_elements(payload, 1, "request_user_info");
    return refuse(-201, "attachment.payload.template_type is invalid");
}

struct check check_message(const struct standin *s, const cJSON *message)
{
    const cJSON *text = json_member(message, "text"), *attachment = json_member(message, "attachment");
    const char  *words = cJSON_GetStringValue(text);
    if (!cJSON_IsObject(message))
        return refuse(-201, "message is required");
    if ((text && !words) || (words && !*words))
        return refuse(-201, "text is invalid");
    if (!words && !attachment)
        return refuse(-201, "text or attachment is required");
    if (words && utf16_units(words) > TEXT_UNITS_MAX)
        return refuse(-210, "text is over the limit of 2000 characters");
    return attachment ? check_attachment(s, attachment, words) : accept_as("text");
}
