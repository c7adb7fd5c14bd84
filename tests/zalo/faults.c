/* Faults that tests switch on: which requests they befall, and what is done to them. */
#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct rule {
    TAILQ_ENTRY(rule) next;
    struct fault fault;
    char        *path, *user, *name; /* user NULL: anybody */
    int64_t      skip, times;        /* times < 0: until it is removed */
    uint64_t     taken;
};

struct faults {
    TAILQ_HEAD(, rule) rules;
};

static const struct word {
    const char     *name;
    enum fault_kind kind;
    bool            processed; /* unless the test says otherwise */
    int64_t         ms;
} words[] = {
    {"reset_before", FAULT_RESET, false, 0}, {"reset_after", FAULT_RESET, true, 0},
    {"stall", FAULT_STALL, false, 60000},    {"stall_after", FAULT_STALL, true, 60000},
    {"slow_body", FAULT_SLOW_BODY, true, 1000}, {"endless", FAULT_ENDLESS, true, 1},
    {"garbage", FAULT_GARBAGE, false, 0},    {"bad_http", FAULT_BAD_HTTP, false, 0},
    {"truncated", FAULT_TRUNCATED, true, 0}, {"close", FAULT_CLOSE, false, 0},
    {"error", FAULT_ERROR, false, 0},        {"delay", FAULT_DELAY, true, 1000},
    {"pass", FAULT_PASS, true, 0},
};

struct faults *faults_new(void)
{
    struct faults *f = must_alloc(sizeof(*f));
    TAILQ_INIT(&f->rules);
    return f;
}

static void rule_remove(struct faults *f, struct rule *r)
{
    TAILQ_REMOVE(&f->rules, r, next);
    free(r->path);
    free(r->user);
    free(r->name);
    free(r);
}

void faults_clear(struct faults *f)
{
    while (!TAILQ_EMPTY(&f->rules))
        rule_remove(f, TAILQ_FIRST(&f->rules));
}

void faults_free(struct faults *f)
{
    if (!f)
        return;
    faults_clear(f);
    free(f);
}

/* "http503" is a word of its own kind: the digits are the status. */
static bool read_word(const char *name, struct fault *out)
{
    if (strncmp(name, "http", 4) == 0 && strspn(name + 4, "0123456789") == 3 && name[7] == '\0') {
        *out = (struct fault){.kind = FAULT_STATUS, .code = (int)strtol(name + 4, NULL, 10)};
        return out->code >= 200 && out->code <= 599;
    }
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(words[i].name, name) == 0) {
            *out = (struct fault){.kind = words[i].kind, .processed = words[i].processed, .ms = words[i].ms, .code = -200};
            return true;
        }
    }
    return false;
}

char *faults_add(struct faults *f, const cJSON *wanted)
{
    const char  *path = json_string(wanted, "path"), *name = json_string(wanted, "do"), *message = json_string(wanted, "message");
    struct fault fault;
    if (!path)
        return must_dup("path is missing; \"*\" means every path");
    if (!name || !read_word(name, &fault))
        return must_format("do is \"%s\", which is no fault; the README lists them", name ? name : "");
    fault.processed = json_flag(wanted, "processed", fault.processed);
    fault.echo_first = json_flag(wanted, "echo_first", false);
    fault.code = (int)json_integer(wanted, "code", fault.code);
    fault.ms = json_integer(wanted, "ms", fault.ms);
    snprintf(fault.message, sizeof(fault.message), "%s", message ? message : "");
    struct rule *r = must_alloc(sizeof(*r));
    r->fault = fault;
    r->path = must_dup(path);
    r->name = must_dup(name);
    r->user = must_dup(json_string(wanted, "user"));
    r->skip = json_integer(wanted, "skip", 0);
    r->times = json_integer(wanted, "times", 1);
    TAILQ_INSERT_TAIL(&f->rules, r, next);
    return NULL;
}

struct fault faults_take(struct faults *f, const char *path, const char *body, size_t n)
{
    struct rule *r;
    TAILQ_FOREACH(r, &f->rules, next)
    {
        if (strcmp(r->path, "*") != 0 && strncmp(path, r->path, strlen(r->path)) != 0)
            continue;
        if (r->user && !(n && memmem(body, n, r->user, strlen(r->user))))
            continue;
        if (r->skip > 0) {
            r->skip--;
            continue;
        }
        if (r->times == 0)
            continue; /* used up; stays listed with its count */
        if (r->times > 0)
            r->times--;
        r->taken++;
        return r->fault;
    }
    return (struct fault){.kind = FAULT_NONE};
}

cJSON *faults_json(const struct faults *f)
{
    cJSON             *list = cJSON_CreateArray();
    const struct rule *r;
    TAILQ_FOREACH(r, &f->rules, next)
    {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "path", r->path);
        cJSON_AddStringToObject(o, "do", r->name);
        if (r->user)
            cJSON_AddStringToObject(o, "user", r->user);
        cJSON_AddNumberToObject(o, "times", (double)r->times);
        cJSON_AddNumberToObject(o, "taken", (double)r->taken);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}
