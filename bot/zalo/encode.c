/* Requests of the OA API: see encode.h. */
#include "encode.h"

#include <openssl/evp.h>
#include <string.h>

#include "json_out.h"
#include "reading/text.h"
#include "sha256.h"

enum { BODY_BYTES_MAX = 64 * 1024 };

static void put_member(struct json_out *o, const char *key, struct str value)
{
    json_out_key(o, key);
    json_out_string(o, value);
}

static void put_button(struct json_out *o, const struct button *b)
{
    static const struct str web = {"https://", 8}, plain_web = {"http://", 7}, phone = {"tel:", 4};
    struct str payload = str_of(b->payload), title = str_of(b->label);
    json_out_open(o, '{');
    put_member(o, "title", text_chars(title) > ZALO_TITLE_CHARS ? text_cut(title, ZALO_TITLE_CHARS) : title);
    bool opens_page = str_starts(payload, web) || str_starts(payload, plain_web);
    if (opens_page || str_starts(payload, phone)) {
        put_member(o, "type", opens_page ? STR("oa.open.url") : STR("oa.open.phone"));
        json_out_key(o, "payload");
        json_out_open(o, '{');
        put_member(o, opens_page ? "url" : "phone_code", opens_page ? payload : str_skip(payload, phone.n));
        json_out_close(o, '}');
    } else {
        put_member(o, "type", STR("oa.query.hide"));
        put_member(o, "payload", payload);
    }
    json_out_close(o, '}');
}

static void put_buttons(struct json_out *o, const struct reply *reply, const struct zalo_encode_options *options)
{
    json_out_key(o, "attachment");
    json_out_open(o, '{');
    put_member(o, "type", STR("template"));
    json_out_key(o, "payload");
    json_out_open(o, '{');
    if (options->template_type_button)
        put_member(o, "template_type", STR("button"));
    json_out_key(o, "buttons");
    json_out_open(o, '[');
    for (size_t i = 0; i < reply->button_count; i++)
        put_button(o, &reply->button[i]);
    json_out_close(o, ']');
    json_out_close(o, '}');
    json_out_close(o, '}');
}

/* One attachment a message: a reply with a picture has no buttons. */
static void put_picture(struct json_out *o, const char *url)
{
    json_out_key(o, "attachment");
    json_out_open(o, '{');
    put_member(o, "type", STR("template"));
    json_out_key(o, "payload");
    json_out_open(o, '{');
    put_member(o, "template_type", STR("media"));
    json_out_key(o, "elements");
    json_out_open(o, '[');
    json_out_open(o, '{');
    put_member(o, "media_type", STR("image"));
    put_member(o, "url", str_of(url));
    json_out_close(o, '}');
    json_out_close(o, ']');
    json_out_close(o, '}');
    json_out_close(o, '}');
}

static bool encode_part(TALLOC_CTX *ctx, const struct reply *reply, const struct zalo_encode_options *options,
                        struct str text, bool first, bool last, struct zalo_request *ret)
{
    struct json_out o;
    const char *visit = reply->anonymous_conversation_id;
    json_out_init(&o, ctx, BODY_BYTES_MAX);
    json_out_open(&o, '{');
    json_out_key(&o, "recipient");
    json_out_open(&o, '{');
    put_member(&o, visit ? "anonymous_id" : "user_id", str_of(reply->user_id));
    if (visit)
        put_member(&o, "conversation_id", str_of(visit));
    json_out_close(&o, '}');
    json_out_key(&o, "message");
    json_out_open(&o, '{');
    put_member(&o, "text", text);
    if (!visit && first && reply->quote_msg_id && reply->quote_msg_id[0])
        put_member(&o, "quote_message_id", str_of(reply->quote_msg_id));
    if (!visit && last && reply->image_url)
        put_picture(&o, reply->image_url);
    else if (!visit && last && reply->button_count > 0)
        put_buttons(&o, reply, options);
    json_out_close(&o, '}');
    json_out_close(&o, '}');
    ret->path = visit ? ZALO_PATH_ANONYMOUS : ZALO_PATH_CS;
    ret->body = json_out_done(&o, &ret->body_n);
    return ret->body;
}

static bool encode_file(TALLOC_CTX *ctx, const struct reply *reply, struct zalo_request *ret)
{
    struct json_out o;
    json_out_init(&o, ctx, BODY_BYTES_MAX);
    json_out_open(&o, '{');
    json_out_key(&o, "recipient");
    json_out_open(&o, '{');
    put_member(&o, "user_id", str_of(reply->user_id));
    json_out_close(&o, '}');
    json_out_key(&o, "message");
    json_out_open(&o, '{');
    json_out_key(&o, "attachment");
    json_out_open(&o, '{');
    put_member(&o, "type", STR("file"));
    json_out_key(&o, "payload");
    json_out_open(&o, '{');
    put_member(&o, "token", str_of(reply->file_token));
    json_out_close(&o, '}');
    json_out_close(&o, '}');
    json_out_close(&o, '}');
    json_out_close(&o, '}');
    ret->path = ZALO_PATH_CS;
    ret->body = json_out_done(&o, &ret->body_n);
    return ret->body;
}

char *zalo_encode_file_form(TALLOC_CTX *ctx, const char *boundary, const char *name, struct str content, size_t *ret_n)
{
    char *plain = talloc_strdup(ctx, name);
    for (char *c = plain; c && *c; c++) /* a quote or a line's end would end the name, or the heading */
        if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\' || *c == 127)
            *c = '_';
    char *head = plain ? talloc_asprintf(ctx, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n"
                                              "Content-Type: application/octet-stream\r\n\r\n", boundary, plain) : NULL;
    char *tail = talloc_asprintf(ctx, "\r\n--%s--\r\n", boundary), *form = NULL;
    if (head && tail) {
        const size_t head_n = strlen(head), tail_n = strlen(tail);
        *ret_n = head_n + content.n + tail_n;
        if ((form = talloc_size(ctx, *ret_n))) {
            memcpy(form, head, head_n);
            memcpy(form + head_n, content.p, content.n);
            memcpy(form + head_n + content.n, tail, tail_n);
        }
    }
    talloc_free(head);
    talloc_free(tail);
    talloc_free(plain);
    return form;
}

/* A person's own text may come back in a reply, so what is too long is found here, not at Zalo. */
static bool check_reply(const struct reply *reply, struct err *e)
{
    if (!reply->user_id || !reply->user_id[0])
        return err_set(e, ERR_INVALID, "reply names nobody");
    if (!reply->text || !reply->text[0])
        return err_set(e, ERR_INVALID, "reply has no text");
    if (reply->button_count > REPLY_BUTTONS_MAX)
        return err_set(e, ERR_INVALID, "reply has %zu buttons, %d are allowed", reply->button_count, REPLY_BUTTONS_MAX);
    for (size_t i = 0; i < reply->button_count; i++) {
        struct str label = str_of(reply->button[i].label), payload = str_of(reply->button[i].payload);
        if (label.n == 0 || payload.n == 0 || text_utf16_units(payload) > ZALO_PAYLOAD_CHARS)
            return err_set(e, ERR_INVALID, "button %zu of the reply has no label or no payload of at most %d characters",
                           i + 1, ZALO_PAYLOAD_CHARS);
    }
    return true;
}

bool zalo_encode_parts(TALLOC_CTX *ctx, const struct reply *reply, const struct zalo_encode_options *options,
                       struct zalo_request **ret, size_t *ret_count, struct err *e)
{
    struct str part[ZALO_PARTS_MAX];
    size_t count = 0;
    if (!check_reply(reply, e))
        return false;
    struct str rest = str_of(reply->text);
    do {
        if (count == ZALO_PARTS_MAX)
            return err_set(e, ERR_INVALID, "reply of %zu bytes needs more than %d messages", strlen(reply->text),
                           ZALO_PARTS_MAX);
        struct str before = rest;
        part[count] = text_split(before, ZALO_TEXT_UNITS, &rest);
        if (part[count].n == 0 || rest.n >= before.n)
            return err_set(e, ERR_INVALID, "reply has a text that cannot be split");
        count++;
    } while (rest.n > 0);

    const bool file = reply->file_token && !reply->anonymous_conversation_id;
    struct zalo_request *request = talloc_zero_array(ctx, struct zalo_request, (unsigned)count + file);
    for (size_t i = 0; request && i < count; i++)
        if (!encode_part(request, reply, options, part[i], i == 0, i + 1 == count, &request[i]))
            TALLOC_FREE(request);
    if (request && file && !encode_file(request, reply, &request[count++]))
        TALLOC_FREE(request);
    if (!request)
        return err_set(e, ERR_NOMEM, "out of memory for a reply of %zu bytes", strlen(reply->text));
    *ret = request;
    *ret_count = count;
    return true;
}

bool zalo_encode_template(TALLOC_CTX *ctx, const char *user_id, const char *template_id, const char *data_json, struct zalo_request *ret,
                          struct err *e)
{
    if (!user_id || !user_id[0] || !template_id || !template_id[0] || !data_json || data_json[0] != '{')
        return err_set(e, ERR_INVALID, "a template message names nobody, no template or no data");
    struct json_out o;
    json_out_init(&o, ctx, BODY_BYTES_MAX);
    json_out_open(&o, '{');
    put_member(&o, "user_id", str_of(user_id));
    put_member(&o, "template_id", str_of(template_id));
    json_out_key(&o, "template_data");
    json_out_raw(&o, str_of(data_json));
    json_out_close(&o, '}');
    ret->path = ZALO_PATH_TEMPLATE;
    ret->body = json_out_done(&o, &ret->body_n);
    return ret->body || err_set(e, ERR_NOMEM, "out of memory for a template message");
}

char *zalo_encode_user(TALLOC_CTX *ctx, const char *user_id)
{
    struct json_out o;
    size_t n;
    json_out_init(&o, ctx, BODY_BYTES_MAX);
    json_out_open(&o, '{');
    put_member(&o, "user_id", str_of(user_id));
    json_out_close(&o, '}');
    return json_out_done(&o, &n);
}

char *zalo_encode_conversation(TALLOC_CTX *ctx, const char *user_id, int offset, int count)
{
    struct json_out o;
    size_t n;
    json_out_init(&o, ctx, BODY_BYTES_MAX);
    json_out_open(&o, '{');
    put_member(&o, "user_id", str_of(user_id));
    json_out_key(&o, "offset");
    json_out_integer(&o, offset);
    json_out_key(&o, "count");
    json_out_integer(&o, count);
    json_out_close(&o, '}');
    return json_out_done(&o, &n);
}

char *zalo_encode_page(TALLOC_CTX *ctx, int offset, int count)
{
    struct json_out o;
    size_t n;
    json_out_init(&o, ctx, BODY_BYTES_MAX);
    json_out_open(&o, '{');
    json_out_key(&o, "offset");
    json_out_integer(&o, offset);
    json_out_key(&o, "count");
    json_out_integer(&o, count);
    json_out_close(&o, '}');
    return json_out_done(&o, &n);
}

/* The types of the conversation call, the events they were and the attachments of these (1.8, 5). */
static const struct {
    const char *type, *event, *attachment;
} said_types[] = {
    {"text", "user_send_text", NULL},       {"photo", "user_send_image", "image"},     {"GIF", "user_send_gif", "gif"},
    {"link", "user_send_link", "link"},     {"links", "user_send_link", "link"},       {"voice", "user_send_audio", "audio"},
    {"sticker", "user_send_sticker", NULL}, {"location", "user_send_location", NULL},
};

static void put_party(struct json_out *o, const char *key, const char *id)
{
    json_out_key(o, key);
    json_out_open(o, '{');
    put_member(o, "id", str_of(id));
    json_out_close(o, '}');
}

static void put_attachment(struct json_out *o, const char *type, const char *url)
{
    json_out_key(o, "attachments");
    json_out_open(o, '[');
    json_out_open(o, '{');
    put_member(o, "type", str_of(type));
    json_out_key(o, "payload");
    json_out_open(o, '{');
    put_member(o, "url", str_of(url));
    json_out_close(o, '}');
    json_out_close(o, '}');
    json_out_close(o, ']');
}

bool zalo_encode_event(TALLOC_CTX *ctx, const char *app_id, const char *oa_id, const struct zalo_spoken *said, struct str *ret)
{
    size_t i = 0;
    while (i < ARRAY_LEN(said_types) && (!said->type || strcmp(said_types[i].type, said->type) != 0))
        i++;
    if (i == ARRAY_LEN(said_types) || !said->message_id || !said->from_id || said->by_oa || (i == 0 && !said->text[0]))
        return false;
    struct json_out o;
    char *stamp = talloc_asprintf(ctx, "%lld", (long long)said->at_ms);
    json_out_init(&o, ctx, BODY_BYTES_MAX);
    json_out_open(&o, '{');
    put_member(&o, "app_id", str_of(app_id));
    put_member(&o, "event_name", str_of(said_types[i].event));
    put_member(&o, "timestamp", str_of(stamp));
    put_party(&o, "sender", said->from_id);
    put_party(&o, "recipient", oa_id);
    json_out_key(&o, "message");
    json_out_open(&o, '{');
    put_member(&o, "msg_id", str_of(said->message_id));
    if (said->text[0])
        put_member(&o, "text", str_of(said->text));
    if (said_types[i].attachment && said->url)
        put_attachment(&o, said_types[i].attachment, said->url);
    json_out_close(&o, '}');
    json_out_close(&o, '}');
    ret->p = json_out_done(&o, &ret->n);
    return ret->p;
}

char *zalo_encode_percent(TALLOC_CTX *ctx, struct str text)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = talloc_size(ctx, text.n * 3 + 1), *at = out;
    if (!out)
        return NULL;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool stays = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                     c == '_' || c == '~';
        if (stays) {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    *at = '\0';
    return out;
}

/* base64url without padding of the raw SHA-256 of the verifier (4.1). */
static bool code_challenge(const char *verifier, char ret[static 45])
{
    unsigned char digest[SHA256_BYTES];
    if (!sha256_parts(&(struct str){verifier, strlen(verifier)}, 1, digest))
        return false;
    EVP_EncodeBlock((unsigned char *)ret, digest, SHA256_BYTES); /* 44 characters, the last one is '=' */
    ret[43] = '\0';
    for (char *c = ret; *c; c++)
        *c = (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c);
    return true;
}

char *zalo_encode_consent_url(TALLOC_CTX *ctx, const char *oauth_url, const char *app_id, const char *redirect_uri,
                              const char *verifier, const char *state)
{
    TALLOC_CTX *tmp = talloc_new(NULL);
    const char *id = zalo_encode_percent(tmp, str_of(app_id)), *to = zalo_encode_percent(tmp, str_of(redirect_uri));
    const char *with_state = state ? zalo_encode_percent(tmp, str_of(state)) : NULL;
    char challenge[45] = "";
    char *url = NULL;
    if (tmp && id && to && (!state || with_state) && (!verifier || code_challenge(verifier, challenge)))
        url = talloc_asprintf(ctx, "%s/v4/oa/permission?app_id=%s&redirect_uri=%s%s%s%s%s", oauth_url, id, to,
                              verifier ? "&code_challenge=" : "", challenge, state ? "&state=" : "",
                              state ? with_state : "");
    talloc_free(tmp);
    return url;
}
