/* Finds what is alike behind the turns: see similar_finder.h. */
#include "similar_finder.h"

#include <cjson/cJSON.h>
#include <event2/event.h>
#include <stdlib.h>

#include "draft.h"
#include "ids.h"
#include "log.h"
#include "pg_queue.h"
#include "reading/similarity.h"
#include "scoped.h"
#include "signal_store.h"
#include "similar_desk.h"
#include "turn.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum {
    LOOK_MS = 1000,      /* how often checks are looked for while there are none */
    AFTER_FAILURE_MS = 5000,
    DEADLINE_MS = 10000,
};

struct similar_finder {
    struct similar_finder_options options;
    struct event *timer;
    struct similar_finder_counters counters;
    struct log_gate gate;
};

/* An initiative that is very similar, kept from the look-up on. */
struct like {
    struct signal_found found;
    const char *code, *title, *unit, *words;
    int64_t unit_id, submitted_ms;
    bool confidential, reachable;
};

/* One search under way, for a wish or for a check; a child of the finder. */
struct search {
    struct similar_finder *finder;
    const char *user_id, *title, *description;
    int64_t draft_id;   /* of a wish */
    uint64_t text_hash;
    struct signal_check check; /* its user_id is NULL for a wish */
    struct like like[SIMILAR_MATCHES_MAX];
    size_t likes;
};

static void arm(struct similar_finder *f, int ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(f->timer, &tv);
}

static void note_failure(struct similar_finder *f, const struct err *e)
{
    if (e && log_pass(&f->gate, 30000))
        log_warn("initiatives alike could not be looked for: %s", e->msg);
}

/* Very similar, of somebody who stands by it, and not the initiative itself. */
static void keep_likes(struct search *s, const struct similar_match *match, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct similar_match *m = &match[i];
        bool itself = s->check.user_id && m->id == s->check.id && strcmp(m->user_id, s->check.user_id) == 0;
        if (m->score < SIMILAR_FLAG || itself || strcmp(m->status, STATUS_WITHDRAWN) == 0)
            continue;
        s->like[s->likes++] = (struct like){
            .found = {.user_id = talloc_strdup(s, m->user_id), .id = m->id, .score = m->score}, .code = talloc_strdup(s, m->code),
            .title = talloc_strdup(s, m->title), .unit = talloc_strdup(s, m->unit), .unit_id = m->unit_id, .submitted_ms = m->submitted_ms,
            .confidential = m->confidential};
    }
}

static void found_of(const struct search *s, struct signal_found *ret)
{
    for (size_t i = 0; i < s->likes; i++)
        ret[i] = s->like[i].found;
}

/* ---- for the author ---- */

static void end_wish(struct search *s, const struct err *e)
{
    struct similar_finder_counters *n = &s->finder->counters;
    ++*(e ? &n->lost : s->likes ? &n->found : &n->nothing);
    note_failure(s->finder, e && e->kind == ERR_TIMEOUT ? NULL : e); /* given up in a rush: that is counted, not told */
    talloc_free(s);
}

static void on_posted(const struct pg_answer *answer, void *arg)
{
    struct search *s = arg;
    if (!answer->e)
        s->finder->options.on_mail(s->finder->options.ctx);
    end_wish(s, answer->e);
}

static bool add_id(cJSON *object, const char *name, int64_t id)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%lld", (long long)id);
    return id == 0 || cJSON_AddStringToObject(object, name, digits);
}

static bool is_own(const struct search *s, const struct like *l)
{
    return strcmp(l->found.user_id, s->user_id) == 0;
}

/* Of other people's only what is shown: no receipt code. */
static bool add_like(const struct search *s, cJSON *list, const struct like *l)
{
    cJSON *item = cJSON_CreateObject();
    return item && cJSON_AddItemToArray(list, item) && cJSON_AddStringToObject(item, "user_id", l->found.user_id) &&
           add_id(item, "id", l->found.id) && cJSON_AddNumberToObject(item, "score", l->found.score) &&
           cJSON_AddStringToObject(item, "code", is_own(s, l) ? l->code : "") && cJSON_AddStringToObject(item, "title", l->title) &&
           cJSON_AddStringToObject(item, "unit", l->unit) && add_id(item, "unit_id", l->unit_id) &&
           add_id(item, "submitted_at_ms", l->submitted_ms) && cJSON_AddStringToObject(item, "words", l->words ? l->words : "") &&
           cJSON_AddBoolToObject(item, "reachable", l->reachable);
}

/* The payload that handlers/similar.c reads. */
static const char *finding(struct search *s)
{
    char hash[20];
    snprintf(hash, sizeof(hash), "%llx", (unsigned long long)s->text_hash);
    SCOPED(json) cJSON *root = cJSON_CreateObject();
    bool ok = root && add_id(root, "draft_id", s->draft_id) && cJSON_AddStringToObject(root, "hash", hash);
    cJSON *list = ok ? cJSON_AddArrayToObject(root, "like") : NULL;
    for (size_t i = 0; list && i < s->likes; i++)
        if (s->like[i].title && !add_like(s, list, &s->like[i]))
            list = NULL;
    SCOPED(json_text) char *json = list ? cJSON_PrintUnformatted(root) : NULL;
    return json ? talloc_strdup(s, json) : NULL;
}

static void on_about(const struct pg_answer *answer, void *arg)
{
    struct search *s = arg;
    if (answer->e) {
        end_wish(s, answer->e);
        return;
    }
    bool there[SIMILAR_MATCHES_MAX] = {false};
    for (int r = 0; r < PQntuples(answer->result[0]); r++) {
        TALLOC_CTX *tmp = talloc_new(s);
        struct signal_about about = signal_store_about_at(answer->result[0], r);
        struct like *l = &s->like[about.place];
        if (is_own(s, l) || !l->confidential) { /* what both speak of tells what is in there */
            const struct similar_doc *doc = similar_read(tmp, str_of(l->title), about.description);
            l->words = similar_common_words(s, str_of(s->title), str_of(s->description), doc);
        }
        l->reachable = about.reachable;
        there[about.place] = true;
        talloc_free(tmp);
    }
    for (size_t i = 0; i < s->likes; i++)
        if (!there[i])
            s->like[i].title = NULL; /* erased meanwhile */
    const char *payload = finding(s);
    if (!payload) {
        struct err e;
        err_set(&e, ERR_NOMEM, "out of memory for a finding");
        end_wish(s, &e);
        return;
    }
    struct pg_unit *unit = pg_unit_new(s);
    struct save *save = save_new(unit);
    save_row(save, SQL_MAILBOX_ADD, "tittm", s->user_id, ids_next(s->finder->options.ids), "similar_found", payload, INT64_C(0));
    save_into(save, unit);
    pg_queue_run(s->finder->options.jobs, unit, DEADLINE_MS, on_posted, s);
}

static void on_wish_looked_up(const struct similar_match *match, size_t count, const struct err *e, void *arg)
{
    struct search *s = arg;
    if (!e) {
        keep_likes(s, match, count);
        s->likes = s->likes < SIMILAR_SHOWN_MAX ? s->likes : SIMILAR_SHOWN_MAX;
    }
    if (e || s->likes == 0) {
        end_wish(s, e);
        return;
    }
    struct signal_found found[SIMILAR_MATCHES_MAX];
    found_of(s, found);
    struct pg_unit *unit = pg_unit_new(s);
    signal_store_ask_about(unit, found, s->likes);
    pg_queue_run(s->finder->options.jobs, unit, DEADLINE_MS, on_about, s);
}

void similar_finder_take(struct similar_finder *f, const char *user_id, const struct similar_wish *wish)
{
    struct search *s = talloc_zero(f, struct search);
    *s = (struct search){.finder = f, .user_id = talloc_strdup(s, user_id), .title = talloc_strdup(s, wish->title),
                         .description = talloc_strdup(s, wish->description), .draft_id = wish->draft_id, .text_hash = wish->text_hash};
    similar_desk_ask(f->options.desk, str_of(s->title), str_of(s->description), SIMILAR_MATCHES_MAX, on_wish_looked_up, s);
}

/* ---- for the reviewer ---- */

static void end_check(struct search *s, int next_look_ms)
{
    arm(s->finder, next_look_ms);
    talloc_free(s);
}

static void on_put_off(const struct pg_answer *answer, void *arg)
{
    end_check(arg, answer->e ? AFTER_FAILURE_MS : 0);
}

/* It may be this one that cannot be checked: the others do not wait for it. */
static void put_off(struct search *s, const struct err *e)
{
    if (e->kind == ERR_TIMEOUT) { /* given up in a rush: all of them wait */
        end_check(s, AFTER_FAILURE_MS);
        return;
    }
    note_failure(s->finder, e);
    struct pg_unit *unit = pg_unit_new(s);
    signal_store_put_off_check(unit, &s->check);
    pg_queue_run(s->finder->options.jobs, unit, DEADLINE_MS, on_put_off, s);
}

static void on_check_written(const struct pg_answer *answer, void *arg)
{
    struct search *s = arg;
    if (answer->e) {
        put_off(s, answer->e);
        return;
    }
    s->finder->counters.checked++;
    end_check(s, 0);
}

static void on_check_looked_up(const struct similar_match *match, size_t count, const struct err *e, void *arg)
{
    struct search *s = arg;
    if (e) {
        put_off(s, e);
        return;
    }
    keep_likes(s, match, count);
    struct signal_found found[SIMILAR_MATCHES_MAX];
    found_of(s, found);
    struct pg_unit *unit = pg_unit_new(s);
    signal_store_end_check(unit, &s->check, found, s->likes);
    pg_queue_run(s->finder->options.jobs, unit, DEADLINE_MS, on_check_written, s);
}

static void on_check(const struct pg_answer *answer, void *arg)
{
    struct similar_finder *f = arg;
    struct search *s = talloc_zero(f, struct search);
    s->finder = f;
    if (answer->e || !signal_store_check_of(s, answer->result[0], &s->check)) {
        note_failure(f, answer->e);
        f->counters.check_lag_ms = answer->e ? f->counters.check_lag_ms : 0;
        talloc_free(s);
        arm(f, answer->e ? AFTER_FAILURE_MS : LOOK_MS);
        return;
    }
    f->counters.check_lag_ms = s->check.age_ms;
    similar_desk_ask(f->options.desk, s->check.title, s->check.description, SIMILAR_MATCHES_MAX, on_check_looked_up, s);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct similar_finder *f = arg;
    (void)fd;
    (void)what;
    struct pg_unit *unit = pg_unit_new(f);
    signal_store_ask_check(unit);
    pg_queue_run(f->options.jobs, unit, DEADLINE_MS, on_check, f);
}

static int finder_end(struct similar_finder *f)
{
    event_free(f->timer);
    return 0;
}

struct similar_finder *similar_finder_new(TALLOC_CTX *ctx, const struct similar_finder_options *options)
{
    struct similar_finder *f = talloc_zero(ctx, struct similar_finder);
    f->options = *options;
    f->timer = event_new(options->base, -1, 0, on_timer, f);
    talloc_set_destructor(f, finder_end);
    arm(f, LOOK_MS);
    return f;
}

const struct similar_finder_counters *similar_finder_counters(const struct similar_finder *f)
{
    return &f->counters;
}
