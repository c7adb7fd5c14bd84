/* The OA API (openapi.zalo.me): admission by rate, token and proof, then users, tags, conversations and quota.  Sending is in
 * send.c, uploads in assets.c. */
#include "openapi.h"
#include "assets.h"
#include "people.h"
#include "record.h"
#include "send.h"
#include "state.h"
#include "tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Counts the call in its clock minute. @return false: over the limit (-32). */
static bool within_rate(struct call *c)
{
    static int64_t minute, used;
    int64_t        now = standin_now(c->s) / 60000, limit = c->s->set.rate_limit_per_minute;
    if (now != minute) {
        minute = now;
        used = 0;
    }
    if (limit <= 0)
        return true;
    c->rated = true;
    if (used >= limit) {
        record_counters(c->s->record)->rate_limited++;
        return false;
    }
    c->rate_remain = limit - ++used;
    return true;
}

static bool proof_is_good(const struct call *c, const char *access)
{
    const char *proof = call_header(c, "appsecret_proof");
    char        want[SHA256_HEX];
    if (!c->s->set.require_proof)
        return true;
    hmac_sha256_hex(c->s->app_secret, access, want);
    return proof && strcmp(proof, want) == 0;
}

static bool admitted(struct call *c)
{
    const char *access = call_header(c, "access_token");
    int         error = within_rate(c) ? tokens_check(c->s, access) : -32;
    if (error && error != -32)
        record_counters(c->s->record)->bad_token++;
    if (!error && !proof_is_good(c, access))
        error = -242;
    if (error)
        call_error(c, error, NULL);
    return error == 0;
}

/* The arguments of a GET: one JSON object in the query member "data". */
static cJSON *arguments(const struct call *c)
{
    const char *data = call_query(c, "data");
    cJSON      *o = data ? cJSON_Parse(data) : NULL;
    if (cJSON_IsObject(o))
        return o;
    cJSON_Delete(o);
    return NULL;
}

static char *avatar_url(const struct standin *s, const struct person *p)
{
    return must_format("%s/cdn/avatar/%s", s->public_url, p->id);
}

static void day_text(int64_t ms, char out[16])
{
    time_t    seconds = (time_t)(ms / 1000 + 7 * 3600); /* Vietnam has no summer time */
    struct tm day;
    gmtime_r(&seconds, &day);
    strftime(out, 16, "%d/%m/%Y", &day);
}

static void user_detail(struct call *c)
{
    cJSON         *args = arguments(c);
    struct person *p = people_find(c->s->people, json_string(args, "user_id"));
    cJSON_Delete(args);
    if (!p) {
        call_error(c, -201, "user_id is invalid");
        return;
    }
    char  *avatar = avatar_url(c->s, p), day[16];
    cJSON *data = cJSON_CreateObject(), *avatars, *notes;
    day_text(p->last_interaction_ms, day);
    cJSON_AddStringToObject(data, "user_id", p->id);
    cJSON_AddStringToObject(data, "user_id_by_app", p->id_by_app);
    cJSON_AddStringToObject(data, "user_external_id", "");
    cJSON_AddStringToObject(data, "display_name", person_name(p));
    cJSON_AddStringToObject(data, "user_alias", person_name(p));
    cJSON_AddBoolToObject(data, "is_sensitive", false);
    cJSON_AddStringToObject(data, "user_last_interaction_date", day);
    cJSON_AddBoolToObject(data, "user_is_follower", p->follows);
    cJSON_AddStringToObject(data, "avatar", avatar);
    avatars = cJSON_AddObjectToObject(data, "avatars");
    cJSON_AddStringToObject(avatars, "120", avatar);
    cJSON_AddStringToObject(avatars, "240", avatar);
    cJSON_AddStringToObject(data, "dynamic_param", "");
    notes = cJSON_AddObjectToObject(data, "tags_and_notes_info");
    cJSON_AddItemToObject(notes, "notes", cJSON_CreateArray());
    cJSON_AddItemToObject(notes, "tag_names", p->tags ? cJSON_Duplicate(p->tags, true) : cJSON_CreateArray());
    if (p->shared_info)
        cJSON_AddItemToObject(data, "shared_info", cJSON_Duplicate(p->shared_info, true));
    free(avatar);
    call_success(c, data);
}

/* Over by more than this: "TODAY" and the like; an unknown period matches nobody. */
static int64_t period_ms(const char *period)
{
    const int64_t day = INT64_C(86400000);
    if (!period)
        return INT64_MAX;
    return strcmp(period, "TODAY") == 0 ? day : strcmp(period, "YESTERDAY") == 0 ? 2 * day : strcmp(period, "L7D") == 0 ? 7 * day
         : strcmp(period, "L30D") == 0 ? 30 * day : 0;
}

static bool has_tag(const struct person *p, const char *tag)
{
    const cJSON *t;
    cJSON_ArrayForEach(t, p->tags) if (strcmp(t->valuestring, tag) == 0) return true;
    return false;
}

static void user_list(struct call *c)
{
    cJSON  *args = arguments(c);
    int64_t offset = json_integer(args, "offset", -1), count = json_integer(args, "count", -1), matching = 0;
    int64_t period = period_ms(json_string(args, "last_interaction_period"));
    const char  *tag = json_string(args, "tag_name");
    const cJSON *follower = json_member(args, "is_follower");
    if (offset < 0 || offset > 9951 || count < 1 || count > 50) {
        call_error(c, -201, "offset or count is invalid");
        cJSON_Delete(args);
        return;
    }
    cJSON *data = cJSON_CreateObject(), *users = cJSON_CreateArray();
    for (size_t i = 0; i < people_count(c->s->people); i++) {
        const struct person *p = people_at(c->s->people, i);
        if (p->conversation_id || (cJSON_IsBool(follower) && cJSON_IsTrue(follower) != p->follows) ||
            (tag && *tag && !has_tag(p, tag)) || standin_now(c->s) - p->last_interaction_ms > period)
            continue;
        if (matching >= offset && matching < offset + count) {
            cJSON *user = cJSON_CreateObject();
            cJSON_AddStringToObject(user, "user_id", p->id);
            cJSON_AddItemToArray(users, user);
        }
        matching++;
    }
    cJSON_AddNumberToObject(data, "total", (double)matching);
    cJSON_AddNumberToObject(data, "count", (double)count);
    cJSON_AddNumberToObject(data, "offset", (double)offset);
    cJSON_AddItemToObject(data, "users", users);
    cJSON_Delete(args);
    call_success(c, data);
}

static void user_update(struct call *c)
{
    cJSON         *body = call_body_json(c);
    struct person *p = people_find(c->s->people, json_string(body, "user_id"));
    if (!p) {
        call_error(c, -201, "user_id is invalid");
    } else {
        if (cJSON_IsObject(json_member(body, "shared_info"))) {
            cJSON_Delete(p->shared_info);
            p->shared_info = cJSON_Duplicate(json_member(body, "shared_info"), true);
            state_touch(c->s);
        }
        call_success(c, NULL);
    }
    cJSON_Delete(body);
}

static void oa_info(struct call *c)
{
    cJSON  *data = cJSON_CreateObject();
    int64_t followers = 0;
    for (size_t i = 0; i < people_count(c->s->people); i++)
        followers += people_at(c->s->people, i)->follows;
    cJSON_AddStringToObject(data, "oa_id", c->s->oa_id);
    cJSON_AddStringToObject(data, "name", c->s->oa_name);
    cJSON_AddStringToObject(data, "description", "");
    cJSON_AddStringToObject(data, "oa_type", "2");
    cJSON_AddBoolToObject(data, "is_verified", c->s->set.verified);
    cJSON_AddNumberToObject(data, "num_follower", (double)followers);
    cJSON_AddStringToObject(data, "package_name", "Nâng cao");
    cJSON_AddStringToObject(data, "package_valid_through_date", c->s->set.package_valid_through);
    cJSON_AddStringToObject(data, "linked_ZCA", "");
    call_success(c, data);
}

/* ---- tags ---- */

static void tag_person(struct person *p, const char *tag, bool add)
{
    int i = 0;
    if (add && !has_tag(p, tag)) {
        if (!p->tags)
            p->tags = cJSON_CreateArray();
        cJSON_AddItemToArray(p->tags, cJSON_CreateString(tag));
    }
    const cJSON *t;
    if (!add) {
        cJSON_ArrayForEach(t, p->tags)
        {
            if (strcmp(t->valuestring, tag) == 0) {
                cJSON_DeleteItemFromArray(p->tags, i);
                break;
            }
            i++;
        }
    }
}

static void tag_follower(struct call *c, bool add)
{
    cJSON         *body = call_body_json(c);
    const cJSON   *id = json_member(body, "user_id"); /* the documented sample writes a number, strings are accepted */
    char           digits[32] = "";
    const char    *tag = json_string(body, "tag_name");
    if (cJSON_IsNumber(id))
        snprintf(digits, sizeof(digits), "%.0f", id->valuedouble);
    struct person *p = people_find(c->s->people, cJSON_IsString(id) ? id->valuestring : digits);
    if (!p || !tag || !*tag) {
        call_error(c, -201, "user_id or tag_name is invalid");
    } else if (!p->follows) {
        call_error(c, -213, NULL);
    } else {
        tag_person(p, tag, add);
        state_touch(c->s);
        call_success(c, NULL);
    }
    cJSON_Delete(body);
}

static void tag_add(struct call *c)
{
    tag_follower(c, true);
}

static void tag_remove_follower(struct call *c)
{
    tag_follower(c, false);
}

static void tag_remove(struct call *c)
{
    cJSON      *body = call_body_json(c);
    const char *tag = json_string(body, "tag_name");
    for (size_t i = 0; tag && i < people_count(c->s->people); i++)
        tag_person(people_at(c->s->people, i), tag, false);
    if (tag)
        call_success(c, NULL);
    else
        call_error(c, -201, "tag_name is invalid");
    cJSON_Delete(body);
}

static void tag_list(struct call *c)
{
    struct map seen = {NULL, 0, 0};
    cJSON     *data = cJSON_CreateArray();
    for (size_t i = 0; i < people_count(c->s->people); i++) {
        const cJSON *t;
        cJSON_ArrayForEach(t, people_at(c->s->people, i)->tags)
        {
            if (!map_get(&seen, t->valuestring))
                cJSON_AddItemToArray(data, cJSON_CreateString(t->valuestring));
            map_set(&seen, t->valuestring, data);
        }
    }
    map_done(&seen);
    call_success(c, data);
}

/* ---- conversations ---- */

static const char *conversation_type(const char *kind)
{
    static const char *const names[][2] = {{"image", "photo"}, {"gif", "GIF"}, {"link", "link"}, {"list", "links"},
                                           {"audio", "voice"}, {"sticker", "sticker"}, {"location", "location"}};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(names[i][0], kind) == 0)
            return names[i][1];
    return "text";
}

static cJSON *conversation_item(const struct standin *s, const struct message *m)
{
    bool        from_user = m->from == FROM_USER;
    char       *avatar = avatar_url(s, m->person), *oa_avatar = must_format("%s/cdn/avatar/%s", s->public_url, s->oa_id);
    const char *name = person_name(m->person);
    cJSON      *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "src", from_user ? 1 : 0);
    cJSON_AddNumberToObject(o, "time", (double)m->at_ms);
    cJSON_AddStringToObject(o, "type", conversation_type(m->kind));
    cJSON_AddStringToObject(o, "message", m->text ? m->text : "");
    cJSON_AddStringToObject(o, "message_id", m->id);
    cJSON_AddStringToObject(o, "from_id", from_user ? m->person->id : s->oa_id);
    cJSON_AddStringToObject(o, "to_id", from_user ? s->oa_id : m->person->id);
    cJSON_AddStringToObject(o, "from_display_name", from_user ? name : s->oa_name);
    cJSON_AddStringToObject(o, "from_avatar", from_user ? avatar : oa_avatar);
    cJSON_AddStringToObject(o, "to_display_name", from_user ? s->oa_name : name);
    cJSON_AddStringToObject(o, "to_avatar", from_user ? oa_avatar : avatar);
    if (m->media_url) {
        char *url = m->media_url[0] == '/' ? must_format("%s%s", s->public_url, m->media_url) : must_dup(m->media_url);
        cJSON_AddStringToObject(o, "url", url);
        free(url);
    }
    free(avatar);
    free(oa_avatar);
    return o;
}

/* {offset, count <= 10}; false when they are out of range and the call has been answered. */
static bool page_of(struct call *c, const cJSON *args, int64_t *offset, int64_t *count)
{
    *offset = json_integer(args, "offset", 0);
    *count = json_integer(args, "count", 10);
    if (*offset >= 0 && *count >= 1 && *count <= 10)
        return true;
    call_error(c, -201, "offset or count is invalid");
    return false;
}

static void conversation(struct call *c)
{
    cJSON         *args = arguments(c);
    struct person *p = people_find(c->s->people, json_string(args, "user_id"));
    int64_t        offset, count, i = 0;
    if (!p)
        call_error(c, -201, "user_id is invalid");
    if (p && page_of(c, args, &offset, &count)) {
        cJSON                *data = cJSON_CreateArray();
        const struct message *m;
        TAILQ_FOREACH_REVERSE(m, &p->messages, messages, next)
        {
            if (i >= offset && i < offset + count)
                cJSON_AddItemToArray(data, conversation_item(c->s, m));
            i++;
        }
        call_success(c, data);
    }
    cJSON_Delete(args);
}

static int newest_first(const void *a, const void *b)
{
    const struct message *x = *(const struct message *const *)a, *y = *(const struct message *const *)b;
    return x->seq < y->seq ? 1 : x->seq > y->seq ? -1 : 0;
}

static void recent_chats(struct call *c)
{
    cJSON  *args = arguments(c);
    int64_t offset, count;
    if (page_of(c, args, &offset, &count)) {
        size_t                 n = 0, people = people_count(c->s->people);
        const struct message **last = must_alloc((people + 1) * sizeof(*last));
        for (size_t i = 0; i < people; i++)
            if (!TAILQ_EMPTY(&people_at(c->s->people, i)->messages))
                last[n++] = TAILQ_LAST(&people_at(c->s->people, i)->messages, messages);
        qsort(last, n, sizeof(*last), newest_first);
        cJSON *data = cJSON_CreateArray();
        for (size_t i = (size_t)offset; i < n && i < (size_t)(offset + count); i++)
            cJSON_AddItemToArray(data, conversation_item(c->s, last[i]));
        free(last);
        call_success(c, data);
    }
    cJSON_Delete(args);
}

/* ---- quota ---- */

static void quota(struct call *c)
{
    cJSON         *body = call_body_json(c);
    struct person *p = people_find(c->s->people, json_string(body, "user_id"));
    if (json_string(body, "quota_owner")) {
        cJSON *data = cJSON_CreateArray(), *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "asset_id", "sub-1");
        cJSON_AddStringToObject(o, "product_type", "cs");
        cJSON_AddStringToObject(o, "quota_type", "sub_quota");
        cJSON_AddStringToObject(o, "valid_through", "31/12/2026");
        cJSON_AddNumberToObject(o, "total", (double)c->s->set.sub_quota);
        cJSON_AddNumberToObject(o, "remain", (double)c->s->set.sub_quota);
        cJSON_AddItemToArray(data, o);
        call_success(c, data);
    } else if (!p) {
        call_error(c, -201, "user_id is invalid");
    } else {
        cJSON *data = cJSON_CreateObject();
        json_add_digits(data, "last_interaction", p->last_interaction_ms);
        cJSON_AddItemToObject(data, "cs_reply", cJSON_CreateObject());
        call_success(c, data);
    }
    cJSON_Delete(body);
}

/* ---- routing ---- */

static const struct route {
    enum evhttp_cmd_type method;
    const char          *path;
    void (*answer)(struct call *c);
    bool                 json; /* the body is JSON and must say so */
} routes[] = {
    {EVHTTP_REQ_POST, "/v3.0/oa/message/cs", send_consultation, true},
    {EVHTTP_REQ_POST, "/v3.0/oa/message/template", send_template, true},
    {EVHTTP_REQ_POST, "/v2.0/oa/message", send_v2, true},
    {EVHTTP_REQ_GET, "/v3.0/oa/user/detail", user_detail, false},
    {EVHTTP_REQ_GET, "/v3.0/oa/user/getlist", user_list, false},
    {EVHTTP_REQ_POST, "/v3.0/oa/user/update", user_update, true},
    {EVHTTP_REQ_GET, "/v2.0/oa/getoa", oa_info, false},
    {EVHTTP_REQ_GET, "/v2.0/oa/conversation", conversation, false},
    {EVHTTP_REQ_GET, "/v2.0/oa/listrecentchat", recent_chats, false},
    {EVHTTP_REQ_POST, "/v3.0/oa/quota/message", quota, true},
    {EVHTTP_REQ_POST, "/v2.0/oa/tag/tagfollower", tag_add, true},
    {EVHTTP_REQ_POST, "/v2.0/oa/tag/rmfollowerfromtag", tag_remove_follower, true},
    {EVHTTP_REQ_POST, "/v2.0/oa/tag/rmtag", tag_remove, true},
    {EVHTTP_REQ_GET, "/v2.0/oa/tag/gettagsofoa", tag_list, false},
    {EVHTTP_REQ_POST, "/v2.0/oa/upload/image", assets_upload, false},
    {EVHTTP_REQ_POST, "/v2.0/oa/upload/gif", assets_upload, false},
    {EVHTTP_REQ_POST, "/v2.0/oa/upload/file", assets_upload, false},
};

void openapi_route(struct call *c)
{
    if (!admitted(c))
        return;
    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        if (routes[i].method != c->method || strcmp(routes[i].path, c->path) != 0)
            continue;
        const char *type = call_header(c, "Content-Type");
        if (routes[i].json && !(type && strncasecmp(type, "application/json", 16) == 0))
            call_error(c, -201, "Content-Type must be application/json");
        else
            routes[i].answer(c);
        return;
    }
    call_error(c, 404, NULL);
}
