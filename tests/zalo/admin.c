/* The admin side except events: what tests set, switch on and look at.  The README beside this file describes each. */
#include "admin.h"
#include "assets.h"
#include "events.h"
#include "feed.h"
#include "people.h"
#include "record.h"
#include "state.h"
#include "tokens.h"
#include "webhook.h"

#include <stdlib.h>
#include <string.h>

static void ok(struct call *c)
{
    call_json(c, 200, cJSON_CreateObject());
}

/* The body as an object; on failure the call has been answered. */
static cJSON *wanted(struct call *c)
{
    cJSON *body = call_body_json(c);
    if (!body)
        call_bad(c, "the body is no JSON object");
    return body;
}

/* Answers with the sentence (taken), or with {} when there is none. */
static void answer_why(struct call *c, char *why)
{
    if (why)
        call_bad(c, "%s", why);
    else
        ok(c);
    free(why);
}

static void stats(struct call *c)
{
    struct standin        *s = c->s;
    const struct counters *n = record_counters(s->record);
    cJSON                 *o = cJSON_CreateObject();
    const struct {
        const char *name;
        uint64_t    value;
    } rows[] = {{"sends", n->sends}, {"charged", n->charged}, {"duplicates", n->duplicates}, {"refreshes", n->refreshes},
                {"refresh_refused", n->refresh_refused}, {"rate_limited", n->rate_limited}, {"bad_token", n->bad_token},
                {"people", people_count(s->people)}, {"last_seq", people_last_seq(s->people)}};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cJSON_AddNumberToObject(o, rows[i].name, (double)rows[i].value);
    cJSON_AddNumberToObject(o, "requests_per_s", (double)record_rate_per_s(s->record));
    cJSON_AddItemToObject(o, "requests", record_paths_json(s->record));
    cJSON_AddItemToObject(o, "webhook", webhook_stats_json(s->webhook));
    call_json(c, 200, o);
}

static void info(struct call *c)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "oa_name", c->s->oa_name);
    cJSON_AddStringToObject(o, "oa_id", c->s->oa_id);
    cJSON_AddStringToObject(o, "app_id", c->s->app_id);
    cJSON_AddNumberToObject(o, "now", (double)standin_now(c->s));
    call_json(c, 200, o);
}

static void fault_add(struct call *c)
{
    cJSON *body = wanted(c);
    if (body)
        answer_why(c, faults_add(c->s->faults, body));
    cJSON_Delete(body);
}

static void fault_list(struct call *c)
{
    call_json(c, 200, faults_json(c->s->faults));
}

static void fault_clear(struct call *c)
{
    faults_clear(c->s->faults);
    ok(c);
}

static void token_show(struct call *c)
{
    call_json(c, 200, tokens_json(c->s));
}

static void token_set(struct call *c)
{
    cJSON *body = wanted(c);
    if (body)
        answer_why(c, tokens_apply(c->s, body));
    cJSON_Delete(body);
}

static void webhook_url(struct call *c)
{
    cJSON *body = wanted(c);
    if (body)
        answer_why(c, webhook_set_url(c->s->webhook, json_string(body, "url")));
    cJSON_Delete(body);
}

static void settings_show(struct call *c)
{
    call_json(c, 200, settings_json(&c->s->set));
}

static void settings_change(struct call *c)
{
    cJSON *body = wanted(c);
    if (body)
        answer_why(c, settings_apply(&c->s->set, body));
    cJSON_Delete(body);
}

/* {"user", "last_interaction_ms" (0: never) or "age_ms"} */
static void window_set(struct call *c)
{
    cJSON      *body = wanted(c);
    const char *user = json_string(body, "user");
    if (body && !user) {
        call_bad(c, "user is missing");
    } else if (body) {
        struct person *p = people_get(c->s->people, user);
        if (json_member(body, "age_ms"))
            p->last_interaction_ms = standin_now(c->s) - json_integer(body, "age_ms", 0);
        else
            p->last_interaction_ms = json_integer(body, "last_interaction_ms", 0);
        state_touch(c->s);
        ok(c);
    }
    cJSON_Delete(body);
}

static void log_show(struct call *c)
{
    call_json(c, 200, record_requests_json(c->s->record, call_query(c, "path")));
}

static void log_clear(struct call *c)
{
    record_clear(c->s->record);
    ok(c);
}

static void deliveries_show(struct call *c)
{
    call_json(c, 200, record_deliveries_json(c->s->record));
}

/* {"reverse": false, "redeliver": false}: lets held events go, or makes waiting redeliveries due. */
static void release(struct call *c)
{
    cJSON *body = wanted(c);
    if (body) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddNumberToObject(o, "released", (double)webhook_release(c->s->webhook, json_flag(body, "reverse", false)));
        if (json_flag(body, "redeliver", false))
            cJSON_AddNumberToObject(o, "redelivered", (double)webhook_redeliver_now(c->s->webhook));
        call_json(c, 200, o);
    }
    cJSON_Delete(body);
}

/* ---- people ---- */

static cJSON *person_json(const struct person *p)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "user", p->id);
    cJSON_AddStringToObject(o, "name", person_name(p));
    cJSON_AddBoolToObject(o, "follows", p->follows);
    cJSON_AddBoolToObject(o, "chatted", p->chatted);
    cJSON_AddNumberToObject(o, "last_interaction_ms", (double)p->last_interaction_ms);
    cJSON_AddNumberToObject(o, "send_error", p->send_error);
    cJSON_AddNumberToObject(o, "messages", (double)p->message_count);
    return o;
}

static void people_show(struct call *c)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < people_count(c->s->people); i++)
        cJSON_AddItemToArray(list, person_json(people_at(c->s->people, i)));
    call_json(c, 200, list);
}

/* {"user", "name", "follows", "send_error", "age_ms", "shared_info"}: what is given is changed. */
static void person_set(struct call *c)
{
    cJSON      *body = wanted(c);
    const char *user = json_string(body, "user");
    if (body && !user) {
        call_bad(c, "user is missing");
    } else if (body) {
        struct person *p = people_get(c->s->people, user);
        if (json_string(body, "name"))
            set_string(&p->name, json_string(body, "name"));
        if (json_member(body, "age_ms"))
            p->last_interaction_ms = standin_now(c->s) - json_integer(body, "age_ms", 0);
        if (json_member(body, "shared_info")) {
            cJSON_Delete(p->shared_info);
            p->shared_info = cJSON_Duplicate(json_member(body, "shared_info"), true);
        }
        p->follows = json_flag(body, "follows", p->follows);
        p->send_error = (int)json_integer(body, "send_error", p->send_error);
        state_touch(c->s);
        call_json(c, 200, person_json(p));
    }
    cJSON_Delete(body);
}

/* {"prefix", "from", "count", "age_ms"}: many people with an open window at once, for benchmarks. */
static void people_make(struct call *c)
{
    cJSON      *body = wanted(c);
    const char *prefix = json_string(body, "prefix");
    int64_t     from = json_integer(body, "from", 1), count = json_integer(body, "count", 0);
    if (body && (!prefix || count < 1 || count > 5000000)) {
        call_bad(c, "prefix and count (1 to 5000000) are needed");
    } else if (body) {
        for (int64_t i = from; i < from + count; i++) {
            char          *id = must_format("%s%lld", prefix, (long long)i);
            struct person *p = people_get(c->s->people, id);
            p->last_interaction_ms = standin_now(c->s) - json_integer(body, "age_ms", 0);
            p->follows = p->chatted = true;
            free(id);
        }
        state_touch(c->s);
        ok(c);
    }
    cJSON_Delete(body);
}

static void history(struct call *c)
{
    const char          *user = call_query(c, "user");
    uint64_t             after = (uint64_t)call_query_integer(c, "after", 0);
    const struct person *p = people_find(c->s->people, user);
    cJSON               *o = cJSON_CreateObject(), *list = cJSON_CreateArray();
    const struct message *m;
    if (p) {
        TAILQ_FOREACH(m, &p->messages, next)
            if (m->seq > after)
                cJSON_AddItemToArray(list, message_json(c->s, m));
        cJSON_AddItemToObject(o, "person", person_json(p));
    }
    cJSON_AddNumberToObject(o, "last", (double)people_last_seq(c->s->people));
    cJSON_AddItemToObject(o, "messages", list);
    call_json(c, 200, o);
}

/* ---- for the chat page ---- */

static void phones_show(struct call *c)
{
    call_json(c, 200, cJSON_Duplicate(c->s->phones, true));
}

static void phones_set(struct call *c)
{
    cJSON       *list = cJSON_ParseWithLength(c->body, c->body_n);
    const cJSON *phone;
    bool         good = cJSON_IsArray(list);
    cJSON_ArrayForEach(phone, list)
    {
        good = good && json_string(phone, "id") && *json_string(phone, "id") && json_string(phone, "name");
    }
    if (!good) {
        cJSON_Delete(list);
        call_bad(c, "the body is no array of phones with id and name");
        return;
    }
    cJSON_ArrayForEach(phone, list)
        set_string(&people_get(c->s->people, json_string(phone, "id"))->name, json_string(phone, "name"));
    cJSON_Delete(c->s->phones);
    c->s->phones = list;
    state_touch(c->s);
    cJSON *note = cJSON_CreateObject();
    cJSON_AddStringToObject(note, "type", "phones");
    feed_note(c->s, note);
    cJSON_Delete(note);
    ok(c);
}

/* POST /_admin/media?name=anh.jpg with the bytes as body. */
static void media_add(struct call *c)
{
    const char *name = call_query(c, "name");
    if (!name || !*name || strchr(name, '/') || c->body_n == 0) {
        call_bad(c, "a name without slashes and a body are needed");
        return;
    }
    struct asset *a = assets_add(c->s, ASSET_MEDIA, name, c->body, c->body_n);
    char         *url = zevent_asset_url(c->s, a);
    cJSON        *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "media", a->id);
    cJSON_AddStringToObject(o, "url", url);
    cJSON_AddNumberToObject(o, "size", (double)a->n);
    free(url);
    call_json(c, 200, o);
}

static const struct route {
    enum evhttp_cmd_type method;
    const char          *name;
    void (*answer)(struct call *c);
} routes[] = {
    {EVHTTP_REQ_POST, "event", admin_event},      {EVHTTP_REQ_GET, "sent", feed_sent},
    {EVHTTP_REQ_GET, "feed", feed_stream},        {EVHTTP_REQ_GET, "history", history},
    {EVHTTP_REQ_GET, "stats", stats},             {EVHTTP_REQ_GET, "info", info},
    {EVHTTP_REQ_POST, "fault", fault_add},        {EVHTTP_REQ_GET, "fault", fault_list},
    {EVHTTP_REQ_DELETE, "fault", fault_clear},    {EVHTTP_REQ_GET, "token", token_show},
    {EVHTTP_REQ_POST, "token", token_set},        {EVHTTP_REQ_POST, "webhook", webhook_url},
    {EVHTTP_REQ_GET, "settings", settings_show},  {EVHTTP_REQ_POST, "settings", settings_change},
    {EVHTTP_REQ_POST, "window", window_set},      {EVHTTP_REQ_GET, "log", log_show},
    {EVHTTP_REQ_DELETE, "log", log_clear},        {EVHTTP_REQ_GET, "deliveries", deliveries_show},
    {EVHTTP_REQ_POST, "release", release},        {EVHTTP_REQ_GET, "people", people_show},
    {EVHTTP_REQ_POST, "people", people_make},     {EVHTTP_REQ_POST, "person", person_set},
    {EVHTTP_REQ_GET, "phones", phones_show},      {EVHTTP_REQ_PUT, "phones", phones_set},
    {EVHTTP_REQ_POST, "media", media_add},
};

void admin_route(struct call *c)
{
    const char *name = c->path + strlen("/_admin/");
    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        if (routes[i].method == c->method && strcmp(routes[i].name, name) == 0) {
            routes[i].answer(c);
            return;
        }
    }
    call_bad(c, "no such admin call; the README lists them");
}
