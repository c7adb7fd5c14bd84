/* Who waits for messages: the chat page's event stream and the long poll of /_admin/sent. */
#include "feed.h"
#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define HEARTBEAT_S 15 /* keeps the stream open through proxies and finds out who has gone */
#define WAIT_MAX_MS 60000

struct stream {
    TAILQ_ENTRY(stream) next;
    struct feed *feed;
    struct call *call;
};

struct waiter {
    TAILQ_ENTRY(waiter) next;
    struct feed  *feed;
    struct call  *call;
    char         *user; /* NULL: all */
    uint64_t      after;
    int64_t       count;
    struct event *timeout;
};

struct feed {
    struct standin *s;
    TAILQ_HEAD(, stream) streams;
    TAILQ_HEAD(, waiter) waiters;
    struct event *heartbeat;
};

static void write_out(struct stream *st, const char *text)
{
    struct evbuffer *out = evbuffer_new();
    if (!out)
        exit(71);
    evbuffer_add(out, text, strlen(text));
    evhttp_send_reply_chunk(st->call->req, out);
    evbuffer_free(out);
}

static void to_streams(struct feed *f, const char *text)
{
    for (struct stream *st = TAILQ_FIRST(&f->streams), *next; st; st = next) {
        next = TAILQ_NEXT(st, next); /* a failing write ends the stream */
        write_out(st, text);
    }
}

static void on_heartbeat(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    to_streams(arg, ": still here\n\n");
}

struct feed *feed_new(struct standin *s)
{
    struct feed   *f = must_alloc(sizeof(*f));
    struct timeval period = {HEARTBEAT_S, 0};
    f->s = s;
    TAILQ_INIT(&f->streams);
    TAILQ_INIT(&f->waiters);
    f->heartbeat = event_new(s->base, -1, EV_PERSIST, on_heartbeat, f);
    if (!f->heartbeat)
        exit(71);
    event_add(f->heartbeat, &period);
    return f;
}

static void waiter_free(struct waiter *w)
{
    TAILQ_REMOVE(&w->feed->waiters, w, next);
    event_free(w->timeout);
    free(w->user);
    free(w);
}

void feed_free(struct feed *f)
{
    if (!f)
        return;
    struct stream *st;
    while ((st = TAILQ_FIRST(&f->streams))) {
        TAILQ_REMOVE(&f->streams, st, next);
        free(st);
    }
    while (!TAILQ_EMPTY(&f->waiters))
        waiter_free(TAILQ_FIRST(&f->waiters));
    event_free(f->heartbeat);
    free(f);
}

/* ---- event stream ---- */

static void on_stream_closed(struct evhttp_connection *con, void *arg)
{
    struct stream *st = arg;
    (void)con;
    TAILQ_REMOVE(&st->feed->streams, st, next);
    call_hung_up(st->call);
    call_end(st->call);
    free(st);
}

void feed_stream(struct call *c)
{
    struct stream *st = must_alloc(sizeof(*st));
    *st = (struct stream){.feed = c->s->feed, .call = c};
    TAILQ_INSERT_TAIL(&st->feed->streams, st, next);
    evhttp_connection_set_closecb(evhttp_request_get_connection(c->req), on_stream_closed, st);
    call_add_header(c, "Content-Type", "text/event-stream; charset=utf-8");
    call_add_header(c, "Cache-Control", "no-store");
    evhttp_send_reply_start(c->req, 200, "OK");
    write_out(st, "retry: 1000\n\n");
}

/* ---- long poll ---- */

static bool is_sent_to(const struct message *m, uint64_t after)
{
    return m->from == FROM_OA && m->seq > after;
}

static void add_sent(const struct standin *s, const struct person *p, uint64_t after, cJSON *list)
{
    const struct message *m;
    TAILQ_FOREACH(m, &p->messages, next)
        if (is_sent_to(m, after))
            cJSON_AddItemToArray(list, message_json(s, m));
}

static cJSON *sent_list(const struct standin *s, const char *user, uint64_t after)
{
    cJSON *list = cJSON_CreateArray();
    if (user) {
        const struct person *p = people_find(s->people, user);
        if (p)
            add_sent(s, p, after, list);
    } else {
        for (size_t i = 0; i < people_count(s->people); i++)
            add_sent(s, people_at(s->people, i), after, list);
    }
    return list;
}

static void answer_sent(struct call *c, cJSON *list)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "last", (double)people_last_seq(c->s->people));
    cJSON_AddItemToObject(o, "messages", list);
    call_json(c, 200, o);
}

static void waiter_answer(struct waiter *w)
{
    struct call *c = w->call;
    cJSON       *list = sent_list(c->s, w->user, w->after);
    waiter_free(w);
    answer_sent(c, list);
}

static void on_wait_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    waiter_answer(arg);
}

void feed_sent(struct call *c)
{
    const char *user = call_query(c, "user");
    uint64_t    after = (uint64_t)call_query_integer(c, "after", 0);
    int64_t     count = call_query_integer(c, "count", 1), wait_ms = call_query_integer(c, "wait_ms", 0);
    cJSON      *list = sent_list(c->s, user, after);
    if (wait_ms <= 0 || cJSON_GetArraySize(list) >= count) {
        answer_sent(c, list);
        return;
    }
    struct waiter *w = must_alloc(sizeof(*w));
    *w = (struct waiter){.feed = c->s->feed, .call = c, .user = must_dup(user), .after = after,
                         .count = count - cJSON_GetArraySize(list)};
    cJSON_Delete(list);
    if (wait_ms > WAIT_MAX_MS)
        wait_ms = WAIT_MAX_MS;
    struct timeval limit = {wait_ms / 1000, (wait_ms % 1000) * 1000};
    w->timeout = evtimer_new(c->s->base, on_wait_over, w);
    if (!w->timeout)
        exit(71);
    evtimer_add(w->timeout, &limit);
    TAILQ_INSERT_TAIL(&w->feed->waiters, w, next);
    call_hold(c);
}

/* ---- what happens ---- */

void feed_message(struct standin *s, struct message *m, bool fresh)
{
    struct feed *f = s->feed;
    if (!f)
        return; /* while the state file is read */
    if (!TAILQ_EMPTY(&f->streams)) {
        cJSON *o = message_json(s, m);
        char  *json = cJSON_PrintUnformatted(o), *text = must_format("event: message\ndata: %s\n\n", json);
        to_streams(f, text);
        free(text);
        cJSON_free(json);
        cJSON_Delete(o);
    }
    if (!fresh)
        return;
    for (struct waiter *w = TAILQ_FIRST(&f->waiters), *next; w; w = next) {
        next = TAILQ_NEXT(w, next);
        if ((!w->user || strcmp(w->user, m->person->id) == 0) && is_sent_to(m, w->after) && --w->count <= 0)
            event_active(w->timeout, EV_TIMEOUT, 0); /* answered from the loop, not in the middle of a send */
    }
}

void feed_note(struct standin *s, const cJSON *o)
{
    char *json = cJSON_PrintUnformatted(o), *text = must_format("event: note\ndata: %s\n\n", json);
    to_streams(s->feed, text);
    free(text);
    cJSON_free(json);
}
