/* The meaning of Zalo's answers: see answer.h. */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"

enum { MESSAGE_BYTES_MAX = 200, TOKEN_BYTES_MAX = 4096, DEFAULT_EXPIRES_IN_S = 90000, UNKNOWN_TRIES = 2, OAUTH_TRIES = 3 };

struct code {
    int code;
    enum zalo_class class;
    int tries_max; /* 0: the sender's general bound */
    const char *meaning;
    const char *says; /* this row only when the message holds this word, any case; such rows stand first */
};

/* Section 6.1, openapi.zalo.me. */
static const struct code oa_codes[] = {
    {-32, ZALO_RETRY, 0, "too many requests in this minute", NULL},
    {-100, ZALO_POISON, 0, "uploaded asset has expired", NULL},
    {-124, ZALO_TOKEN, 0, "access token invalid", NULL},
    {-200, ZALO_RETRY, 3, "send failed for no given reason", NULL},
    {-201, ZALO_POISON, 0, "a parameter is invalid", NULL},
    {-202, ZALO_STOP, 0, "mac is wrong (v2)", NULL},
    {-203, ZALO_STOP, 0, "not supported (v2)", NULL},
    {-204, ZALO_STOP, 0, "official account is deleted or disabled", NULL},
    {-205, ZALO_STOP, 0, "official account is unknown", NULL},
    {-207, ZALO_STOP, 0, "third-party registration is missing (v2)", NULL},
    {-208, ZALO_STOP, 0, "secret key is wrong (v2)", NULL},
    {-209, ZALO_STOP, 0, "app is not activated for this call", NULL},
    {-210, ZALO_POISON, 0, "a parameter is over its limit", NULL},
    {-211, ZALO_QUOTA, 0, "quota of this feature is used up", NULL},
    {-212, ZALO_STOP, 0, "app has not registered this call", NULL},
    {-213, ZALO_DROP, 0, "person does not follow the official account", NULL},
    {-214, ZALO_RETRY, 0, "article is still being processed", NULL},
    {-215, ZALO_STOP, 0, "app id is wrong (v2)", NULL},
    {-216, ZALO_TOKEN, 0, "access token invalid", NULL},
    {-217, ZALO_DROP, 0, "person blocked invitations", NULL},
    {-218, ZALO_QUOTA, 0, "person can receive no more today", NULL},
    {-219, ZALO_STOP, 0, "app is removed or disabled", NULL},
    {-220, ZALO_TOKEN, 0, "access token expired or withdrawn", NULL},
    {-221, ZALO_STOP, 0, "official account is not verified", NULL},
    {-222, ZALO_DROP, 0, "person blocked the official account or is inactive (v2)", NULL},
    {-223, ZALO_QUOTA, 0, "quota of articles is used up", "quota"},
    {-223, ZALO_STOP, 0, "official account has not authorised this call", NULL},
    {-224, ZALO_STOP, 0, "package of the official account is too small", NULL},
    {-227, ZALO_DROP, 0, "person is banned or inactive for over 45 days", NULL},
    {-230, ZALO_DROP, 0, "no interaction in 7 days", NULL},
    {-232, ZALO_DROP, 0, "no interaction, or it has expired", NULL},
    {-233, ZALO_POISON, 0, "message type is invalid or unsupported", NULL},
    {-234, ZALO_NIGHT, 0, "not allowed at night", NULL},
    {-235, ZALO_STOP, 0, "call is not for this kind of official account", NULL},
    {-237, ZALO_DROP, 0, "group is disabled", NULL},
    {-238, ZALO_POISON, 0, "asset id is used already or disabled", NULL},
    {-240, ZALO_STOP, 0, "v2 message call is closed", NULL},
    {-241, ZALO_POISON, 0, "asset id is used already or disabled", NULL},
    {-242, ZALO_STOP, 0, "appsecret_proof is wrong or missing", NULL},
    {-244, ZALO_DROP, 0, "person does not want this kind of message", NULL},
    {-248, ZALO_POISON, 0, "content violates the platform's standards", NULL},
    {-249, ZALO_POISON, 0, "template cannot go by user id", NULL},
    {-305, ZALO_DROP, 0, "reply limit of 48 hours (legacy)", NULL},
    {-311, ZALO_QUOTA, 0, "reply limit of 48 hours is used up (legacy)", NULL},
    {-320, ZALO_STOP, 0, "no zalo cloud account is linked", NULL},
    {-321, ZALO_STOP, 0, "zalo cloud account is out of money", NULL},
    {-403, ZALO_DROP, 0, "official account is not in the group", NULL},
    {-1340, ZALO_POISON, 0, "advertising form is unknown", NULL},
    {-1341, ZALO_POISON, 0, "no access to the advertising form", NULL},
    /* Positive and HTTP-like forms of the same, seen in production (6.1). */
    {216, ZALO_TOKEN, 0, "access token invalid", NULL},
    {401, ZALO_TOKEN, 0, "access token invalid", NULL},
    {-401, ZALO_TOKEN, 0, "access token invalid", NULL},
    {404, ZALO_POISON, 0, "wrong path, or a token of another product", NULL},
};

/* Section 4.4, the OAuth host. */
static const struct code oauth_codes[] = {
    {-118, ZALO_TOKEN, 0, "grant is invalid", NULL},
    {-14002, ZALO_STOP, 0, "app id is unknown or the app is not active", NULL},
    {-14003, ZALO_STOP, 0, "redirect uri differs from the console's", NULL},
    {-14004, ZALO_STOP, 0, "app secret is wrong", NULL},
    {-14005, ZALO_STOP, 0, "code is invalid, expired or used: consent is needed again", NULL},
    {-14014, ZALO_TOKEN, 0, "refresh token is used, expired or revoked", NULL},
    {-14018, ZALO_POISON, 0, "grant_type is not accepted", NULL},
};

static bool holds_word(struct str text, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= text.n; i++)
        if (strncasecmp(text.p + i, word, n) == 0)
            return true;
    return false;
}

static const struct code *find(const struct code *row, size_t count, int code, struct str message)
{
    for (size_t i = 0; i < count; i++)
        if (row[i].code == code && (!row[i].says || holds_word(message, row[i].says)))
            return &row[i];
    return NULL;
}

const char *zalo_class_name(enum zalo_class class)
{
    static const char *const name[ZALO_CLASS_COUNT] = {
        [ZALO_OK] = "ok",         [ZALO_RETRY] = "retry", [ZALO_TOKEN] = "token", [ZALO_DROP] = "drop",
        [ZALO_POISON] = "poison", [ZALO_STOP] = "stop",   [ZALO_QUOTA] = "quota", [ZALO_NIGHT] = "night",
        [ZALO_UNKNOWN_OUTCOME] = "unknown_outcome",
    };
    return name[class];
}

/* ---- from code and status to a class ---- */

static void answer_init(struct zalo_answer *a, int http_status)
{
    *a = (struct zalo_answer){
        .known = true, .meaning = "", .message = "", .quota_remain = -1, .quota_total = -1, .rate_remain = -1,
        .http_status = http_status,
    };
}

static void set(struct zalo_answer *a, enum zalo_class class, const char *meaning)
{
    a->class = class;
    a->meaning = meaning;
}

static void set_by_code(struct zalo_answer *a, const struct code *table, size_t count, int unknown_tries)
{
    const struct code *row = find(table, count, a->code, str_of(a->message));
    if (row) {
        set(a, row->class, row->meaning);
        a->tries_max = row->tries_max;
    } else {
        set(a, ZALO_RETRY, "unknown code");
        a->tries_max = unknown_tries;
        a->known = false;
    }
}

/* Without a readable body. */
static void set_by_status(struct zalo_answer *a)
{
    int status = a->http_status;
    if (status >= 200 && status < 300)
        set(a, ZALO_UNKNOWN_OUTCOME, "answer is unreadable");
    else if (status >= 300 && status < 400)
        set(a, ZALO_RETRY, "redirect, not followed");
    else if (status == 401)
        set(a, ZALO_TOKEN, "http 401");
    else if (status == 404)
        set(a, ZALO_POISON, "http 404");
    else if (status == 429)
        set(a, ZALO_RETRY, "too many requests");
    else
        set(a, ZALO_RETRY, "server error");
}

enum zalo_class zalo_classify(int code, struct str message, const char **ret_meaning)
{
    const struct code *row = code == 0 ? NULL : find(oa_codes, ARRAY_LEN(oa_codes), code, message);
    if (ret_meaning)
        *ret_meaning = row ? row->meaning : code == 0 ? "success" : "unknown code";
    return row ? row->class : code == 0 ? ZALO_OK : ZALO_RETRY;
}

void zalo_answer_lost(int http_status, bool written, const char *why, struct zalo_answer *ret)
{
    answer_init(ret, http_status);
    ret->written = written;
    if (http_status >= 300)
        set_by_status(ret);
    else if (written)
        set(ret, ZALO_UNKNOWN_OUTCOME, "no whole answer came");
    else
        set(ret, ZALO_RETRY, "request was not sent");
    ret->message = why;
}

/* ---- reading ---- */

/* Room for the tokens of one document; the documents here are small, the room is the bound. */
struct document {
    struct json json;
    struct json_token token[JSON_TOKENS_MAX];
};

static bool document_read(struct document *d, struct str body)
{
    struct str bounded = body.n <= ZALO_ANSWER_BYTES_MAX ? body : (struct str){body.p, 0}; /* read as empty: refused */
    return json_read(&d->json, bounded, d->token, ARRAY_LEN(d->token), NULL);
}

static json_ref get(struct document *d, json_ref object, const char *member)
{
    return json_get(&d->json, object, str_of(member));
}

/* Text of a string, digits of a number; NULL for anything else and for "". */
static char *word_at(TALLOC_CTX *ctx, struct document *d, json_ref object, const char *member)
{
    json_ref v = get(d, object, member);
    struct str raw = json_raw(&d->json, v);
    if (json_type(&d->json, v) == JSON_NUMBER)
        return talloc_strndup(ctx, raw.p, raw.n);
    char *s = json_string(ctx, &d->json, v);
    return s && s[0] ? s : NULL;
}

static int64_t integer_at(struct document *d, json_ref object, const char *member, int64_t otherwise)
{
    int64_t n = otherwise;
    return json_integer(&d->json, get(d, object, member), &n) ? n : otherwise;
}

static bool truth_at(struct document *d, json_ref object, const char *member)
{
    json_ref v = get(d, object, member);
    return json_type(&d->json, v) == JSON_TRUE || str_eq(json_raw(&d->json, v), STR("1")) ||
           str_eq(json_raw(&d->json, v), STR("true"));
}

/* Zalo's prose may quote what we sent: short, one line, printable. */
static const char *prose(TALLOC_CTX *ctx, struct document *d, json_ref value)
{
    char *s = json_string(ctx, &d->json, value);
    if (!s)
        return "";
    size_t n = strlen(s), at = 0;
    while (at < n) {
        size_t step = utf8_sequence(s + at, n - at);
        if (at + step > MESSAGE_BYTES_MAX)
            break;
        if ((unsigned char)s[at] < 0x20 || s[at] == 0x7f)
            s[at] = ' ';
        at += step;
    }
    s[at] = '\0';
    return s;
}

/* The integer `error`, also as a string.  @return false: there is none, or it is out of range. */
static bool read_error_code(struct document *d, int *ret)
{
    int64_t code;
    if (!json_integer(&d->json, get(d, JSON_ROOT, "error"), &code) || code < INT32_MIN || code > INT32_MAX)
        return false;
    *ret = (int)code;
    return true;
}

static bool is_success_status(int status)
{
    return status >= 200 && status < 300;
}

static void read_sent(TALLOC_CTX *ctx, struct document *d, struct zalo_answer *ret)
{
    json_ref data = get(d, JSON_ROOT, "data"), quota = get(d, data, "quota");
    ret->message_id = word_at(ctx, d, data, "message_id");
    if (!ret->message_id)
        ret->message_id = word_at(ctx, d, data, "msg_id");
    ret->quota_type = word_at(ctx, d, quota, "quota_type");
    ret->quota_remain = integer_at(d, quota, "remain", -1);
    ret->quota_total = integer_at(d, quota, "total", -1);
    const char *type = ret->quota_type;
    bool free_of_charge = type && (strcmp(type, "reply") == 0 || strcmp(type, "welcome_msg") == 0 ||
                                   strcmp(type, "sub_quota") == 0 || strcmp(type, "purchase_quota") == 0 ||
                                   strcmp(type, "reward_quota") == 0);
    ret->charged = !free_of_charge;
}

void zalo_answer_read(TALLOC_CTX *ctx, int http_status, struct str body, struct zalo_answer *ret)
{
    struct document d;
    answer_init(ret, http_status);
    if (!document_read(&d, body) || !read_error_code(&d, &ret->code)) {
        set_by_status(ret);
        return;
    }
    ret->message = prose(ctx, &d, get(&d, JSON_ROOT, "message"));
    if (ret->code != 0) {
        set_by_code(ret, oa_codes, ARRAY_LEN(oa_codes), UNKNOWN_TRIES);
    } else if (is_success_status(http_status)) {
        set(ret, ZALO_OK, "success");
        read_sent(ctx, &d, ret);
    } else {
        set(ret, ZALO_UNKNOWN_OUTCOME, "status and body contradict each other");
    }
    if (d.json.duplicate)
        set(ret, ZALO_UNKNOWN_OUTCOME, "answer is unreadable");
}

/* Tokens travel in a header: nothing but visible ASCII may be in them. */
static char *token_at(TALLOC_CTX *ctx, struct document *d, const char *member)
{
    char *s = json_string(ctx, &d->json, get(d, JSON_ROOT, member));
    size_t n = s ? strlen(s) : 0;
    for (size_t i = 0; i < n; i++)
        if (s[i] <= ' ' || s[i] > '~')
            return NULL;
    return n > 0 && n <= TOKEN_BYTES_MAX ? s : NULL;
}

void zalo_oauth_read(TALLOC_CTX *ctx, int http_status, struct str body, struct zalo_tokens *tokens,
                     struct zalo_answer *ret)
{
    struct document d;
    answer_init(ret, http_status);
    if (!document_read(&d, body) || json_type(&d.json, JSON_ROOT) != JSON_OBJECT) {
        set_by_status(ret);
        return;
    }
    bool has_code = read_error_code(&d, &ret->code);
    static const char *const told_in[] = {"error_name", "error_reason", "error_description", "message"};
    for (size_t i = 0; i < ARRAY_LEN(told_in) && !ret->message[0]; i++)
        ret->message = prose(ctx, &d, get(&d, JSON_ROOT, told_in[i]));
    if (has_code && ret->code != 0) {
        set_by_code(ret, oauth_codes, ARRAY_LEN(oauth_codes), OAUTH_TRIES);
        return;
    }
    struct zalo_tokens t = {
        .access_token = token_at(ctx, &d, "access_token"),
        .refresh_token = token_at(ctx, &d, "refresh_token"),
        .expires_in_s = integer_at(&d, JSON_ROOT, "expires_in", 0),
        .refresh_expires_in_s = integer_at(&d, JSON_ROOT, "refresh_token_expires_in", 0),
    };
    if (t.expires_in_s <= 0)
        t.expires_in_s = DEFAULT_EXPIRES_IN_S;
    if (!t.access_token || d.json.duplicate || !is_success_status(http_status)) {
        set_by_status(ret); /* a pair may have been made and lost: not a plain retry on 2xx */
        return;
    }
    set(ret, ZALO_OK, "success");
    *tokens = t;
}

/* ---- the GET calls ---- */

/* Where the payload is: `data` of a successful envelope, or the whole body when it comes bare. */
static json_ref payload_of(struct document *d, struct str body)
{
    int code;
    if (!document_read(d, body))
        return JSON_NOTHING;
    if (json_type(&d->json, JSON_ROOT) != JSON_OBJECT)
        return JSON_ROOT;
    json_ref error = get(d, JSON_ROOT, "error");
    if (error && (!read_error_code(d, &code) || code != 0))
        return JSON_NOTHING;
    return get(d, JSON_ROOT, "data");
}

bool zalo_read_conversation(TALLOC_CTX *ctx, struct str body, struct zalo_spoken ret[static ZALO_CONVERSATION_MAX],
                            size_t *ret_count)
{
    struct document d;
    json_ref list = payload_of(&d, body);
    if (json_type(&d.json, list) != JSON_ARRAY)
        return false;
    size_t n = 0;
    for (json_ref v = json_first(&d.json, list); v && n < ZALO_CONVERSATION_MAX; v = json_next(&d.json, v)) {
        if (json_type(&d.json, v) != JSON_OBJECT)
            continue;
        struct zalo_spoken s = {
            .by_oa = integer_at(&d, v, "src", -1) == 0,
            .at_ms = integer_at(&d, v, "time", 0),
            .type = word_at(ctx, &d, v, "type"),
            .text = word_at(ctx, &d, v, "message"),
            .message_id = word_at(ctx, &d, v, "message_id"),
            .from_id = word_at(ctx, &d, v, "from_id"),
            .to_id = word_at(ctx, &d, v, "to_id"),
            .url = word_at(ctx, &d, v, "url"),
        };
        s.text = s.text ? s.text : "";
        ret[n++] = s;
    }
    if (d.json.duplicate)
        return false;
    *ret_count = n;
    return true;
}

bool zalo_read_oa(TALLOC_CTX *ctx, struct str body, struct zalo_oa *ret)
{
    struct document d;
    json_ref data = payload_of(&d, body);
    if (json_type(&d.json, data) != JSON_OBJECT)
        return false;
    struct zalo_oa oa = {
        .oa_id = word_at(ctx, &d, data, "oaid"),
        .name = word_at(ctx, &d, data, "name"),
        .package_name = word_at(ctx, &d, data, "package_name"),
        .package_valid_through = word_at(ctx, &d, data, "package_valid_through_date"),
        .is_verified = truth_at(&d, data, "is_verified"),
        .verified_known = json_type(&d.json, get(&d, data, "is_verified")) != JSON_ABSENT,
        .followers = integer_at(&d, data, "num_follower", -1),
    };
    if (!oa.oa_id)
        oa.oa_id = word_at(ctx, &d, data, "oa_id");
    if (d.json.duplicate)
        return false;
    *ret = oa;
    return true;
}

bool zalo_read_user(TALLOC_CTX *ctx, struct str body, struct zalo_user *ret)
{
    struct document d;
    json_ref data = payload_of(&d, body), shared;
    if (json_type(&d.json, data) != JSON_OBJECT)
        return false;
    shared = get(&d, data, "shared_info");
    struct zalo_user u = {
        .user_id = word_at(ctx, &d, data, "user_id"),
        .display_name = word_at(ctx, &d, data, "display_name"),
        .last_interaction = word_at(ctx, &d, data, "user_last_interaction_date"),
        .shared_name = word_at(ctx, &d, shared, "name"),
        .shared_phone = word_at(ctx, &d, shared, "phone"),
        .is_follower = truth_at(&d, data, "user_is_follower"),
    };
    if (d.json.duplicate)
        return false;
    *ret = u;
    return true;
}

const char *zalo_read_upload(TALLOC_CTX *ctx, struct str body)
{
    struct document d;
    json_ref data = payload_of(&d, body);
    if (json_type(&d.json, data) != JSON_OBJECT)
        return NULL;
    const char *token = word_at(ctx, &d, data, "token");
    return d.json.duplicate || !token || !*token ? NULL : token;
}
