/* What happened, for tests to look at: the last requests and webhook deliveries, and counters. */
#include "record.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define BODY_KEPT 8192

struct entry {
    TAILQ_ENTRY(entry) next;
    int64_t at_ms, us;
    char   *method, *path, *query, *headers, *body;
    int     status, num_retry;
};
TAILQ_HEAD(entries, entry);

struct log {
    struct entries entries;
    int64_t        count;
};

/* Paths are few; what does not fit is counted as "other", so a scanner cannot grow the table. */
#define PATHS_MAX 64
struct path_count {
    char    *path;
    uint64_t count;
};

struct record {
    struct log        requests, deliveries;
    struct counters   counters;
    struct path_count paths[PATHS_MAX];
    size_t            path_count;
    int64_t           second, this_second, last_second;
};

struct record *record_new(void)
{
    struct record *r = must_alloc(sizeof(*r));
    TAILQ_INIT(&r->requests.entries);
    TAILQ_INIT(&r->deliveries.entries);
    return r;
}

static void entry_free(struct entry *e)
{
    free(e->method);
    free(e->path);
    free(e->query);
    free(e->headers);
    free(e->body);
    free(e);
}

static void log_trim(struct log *l, int64_t keep)
{
    while (l->count > keep) {
        struct entry *e = TAILQ_FIRST(&l->entries);
        TAILQ_REMOVE(&l->entries, e, next);
        l->count--;
        entry_free(e);
    }
}

static void log_add(struct log *l, struct entry *e, int64_t keep)
{
    TAILQ_INSERT_TAIL(&l->entries, e, next);
    l->count++;
    log_trim(l, keep < 0 ? 0 : keep);
}

void record_clear(struct record *r)
{
    log_trim(&r->requests, 0);
    log_trim(&r->deliveries, 0);
    for (size_t i = 0; i < r->path_count; i++)
        free(r->paths[i].path);
    r->path_count = 0;
    r->counters = (struct counters){0};
}

void record_free(struct record *r)
{
    if (!r)
        return;
    record_clear(r);
    free(r);
}

struct counters *record_counters(struct record *r)
{
    return &r->counters;
}

static void count_path(struct record *r, const char *path)
{
    size_t i = 0;
    while (i < r->path_count && strcmp(r->paths[i].path, path) != 0)
        i++;
    if (i == PATHS_MAX - 1 && i == r->path_count)
        path = "other";
    if (i == PATHS_MAX)
        i--;
    if (i == r->path_count) {
        r->paths[i] = (struct path_count){must_dup(path), 0};
        r->path_count++;
    }
    r->paths[i].count++;
}

static void count_second(struct record *r)
{
    int64_t second = monotonic_ms() / 1000;
    if (second != r->second) {
        r->last_second = second == r->second + 1 ? r->this_second : 0;
        r->this_second = 0;
        r->second = second;
    }
    r->this_second++;
}

static char *headers_text(const struct evkeyvalq *headers)
{
    size_t                 n = 0;
    const struct evkeyval *h;
    TAILQ_FOREACH(h, headers, next)
        n += strlen(h->key) + strlen(h->value) + 3;
    char *out = must_alloc(n + 1), *at = out;
    TAILQ_FOREACH(h, headers, next)
    {
        at = stpcpy(at, h->key);
        at = stpcpy(at, ": ");
        at = stpcpy(at, h->value);
        at = stpcpy(at, "\n");
    }
    return out;
}

void record_request(struct standin *s, const char *method, const char *path, const char *query,
                    const struct evkeyvalq *headers, const char *body, size_t n)
{
    struct record *r = s->record;
    count_path(r, path);
    count_second(r);
    if (s->set.log_entries <= 0)
        return;
    struct entry *e = must_alloc(sizeof(*e));
    e->at_ms = standin_now(s);
    e->method = must_dup(method);
    e->path = must_dup(path);
    e->query = must_dup(query);
    e->headers = headers_text(headers);
    e->body = must_dup_n(body, n < BODY_KEPT ? n : BODY_KEPT);
    log_add(&r->requests, e, s->set.log_entries);
}

void record_delivery(struct standin *s, const char *body, size_t n, int num_retry, int status, int64_t us)
{
    if (s->set.log_entries <= 0)
        return;
    struct entry *e = must_alloc(sizeof(*e));
    e->at_ms = standin_now(s);
    e->body = must_dup_n(body, n < BODY_KEPT ? n : BODY_KEPT);
    e->num_retry = num_retry;
    e->status = status;
    e->us = us;
    log_add(&s->record->deliveries, e, s->set.log_entries);
}

static cJSON *headers_json(const char *text)
{
    cJSON *o = cJSON_CreateObject();
    while (*text) {
        const char *colon = strstr(text, ": "), *end = strchr(text, '\n');
        char       *name = must_dup_n(text, (size_t)(colon - text)), *value = must_dup_n(colon + 2, (size_t)(end - colon - 2));
        cJSON_AddStringToObject(o, name, value);
        free(name);
        free(value);
        text = end + 1;
    }
    return o;
}

cJSON *record_requests_json(const struct record *r, const char *path)
{
    cJSON              *list = cJSON_CreateArray();
    const struct entry *e;
    TAILQ_FOREACH(e, &r->requests.entries, next)
    {
        if (path && strncmp(e->path, path, strlen(path)) != 0)
            continue;
        cJSON *o = cJSON_CreateObject();
        cJSON_AddNumberToObject(o, "at", (double)e->at_ms);
        cJSON_AddStringToObject(o, "method", e->method);
        cJSON_AddStringToObject(o, "path", e->path);
        if (e->query)
            cJSON_AddStringToObject(o, "query", e->query);
        cJSON_AddItemToObject(o, "headers", headers_json(e->headers));
        cJSON_AddStringToObject(o, "body", e->body);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

cJSON *record_deliveries_json(const struct record *r)
{
    cJSON              *list = cJSON_CreateArray();
    const struct entry *e;
    TAILQ_FOREACH(e, &r->deliveries.entries, next)
    {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddNumberToObject(o, "at", (double)e->at_ms);
        cJSON_AddNumberToObject(o, "num_retry", e->num_retry);
        cJSON_AddNumberToObject(o, "status", e->status);
        cJSON_AddNumberToObject(o, "ms", (double)(e->us / 100) / 10);
        cJSON_AddStringToObject(o, "body", e->body);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

cJSON *record_paths_json(const struct record *r)
{
    cJSON *o = cJSON_CreateObject();
    for (size_t i = 0; i < r->path_count; i++)
        cJSON_AddNumberToObject(o, r->paths[i].path, (double)r->paths[i].count);
    return o;
}

int64_t record_rate_per_s(const struct record *r)
{
    int64_t second = monotonic_ms() / 1000;
    return second == r->second ? r->last_second : second == r->second + 1 ? r->this_second : 0;
}
