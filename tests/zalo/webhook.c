/* Webhooks from the stand-in to the bot: signing, keep-alive connections, the 2 s deadline, the redelivery ladder.
 *
 *   webhook_post ─▶ lane (one at a time per person) ─▶ ready ─▶ a connection ─▶ 200: done
 *                                                        ▲          │ anything else: after +30 s, +5 min, +15 min,
 *                                                        └──────────┘ +30 min, +1 h again, same bytes
 *
 * The client is hand-written over bufferevents: a request per connection at a time, no pipelining, total deadline. */
#include "webhook.h"
#include "people.h"
#include "record.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t ladder_s[] = {30, 300, 900, 1800, 3600}; /* zalo-oa-api 1.5 */
#define ANSWER_MAX (1 << 20)

struct delivery {
    TAILQ_ENTRY(delivery) next;
    struct webhook  *w;
    char            *body, *signature, *message_id; /* signature "": no header */
    size_t           n;
    struct lane     *lane;
    bool             once, delayed; /* delayed: waits for its first attempt among those on the ladder */
    int              num_retry;
    size_t           step; /* of the ladder, once it failed */
    int64_t          started_us;
    struct event    *again; /* while it waits on the ladder */
    webhook_done_fn *done;
    void            *ctx;
};

/* HEAD: the status line and headers are awaited; BODY: `left` bytes; CHUNK: a size line; CLOSE: all until the end. */
enum reading { HEAD, BODY, CHUNK, CHUNK_BODY, CLOSE };

struct conn {
    TAILQ_ENTRY(conn) next;
    struct webhook     *w;
    struct bufferevent *bev;
    struct delivery    *d;     /* NULL while idle */
    struct event       *deadline;
    bool                open, reused, heard, stale; /* stale: the URL has changed meanwhile */
    enum reading        reading;
    int                 status;
    ev_ssize_t          left;
    bool                keep;
};
TAILQ_HEAD(conns, conn);

struct webhook {
    struct standin         *s;
    char                   *host_header, *path; /* path NULL: no webhook */
    struct sockaddr_storage addr;
    socklen_t               addr_n;
    bool                    off; /* switched off after a used-up ladder */
    struct deliveries       ready, held, ladder;
    size_t                  ready_n, held_n, ladder_n;
    struct conns            busy, idle;
    size_t                  busy_n, idle_n;
    struct event           *kick; /* runs pump() from the loop, never inside a caller */
    uint64_t                attempts, ok, refused, failed, timeouts, redelivered, abandoned, reconnects;
    int64_t                 worst_us, total_us;
};

static void pump(evutil_socket_t fd, short what, void *arg);
static void delivery_finish(struct delivery *d, const struct webhook_result *result);

char *webhook_signature(const char *app_id, const char *body, size_t n, const char *timestamp, const char *secret)
{
    char               hex[SHA256_HEX];
    const struct piece pieces[] = {
        {app_id, strlen(app_id)}, {body, n}, {timestamp, strlen(timestamp)}, {secret, strlen(secret)}};
    sha256_hex(pieces, COUNT_OF(pieces), hex);
    return must_format("mac=%s", hex);
}

/* The platform signs with the app_id and timestamp of the body itself; a body without them gets what it can. */
static char *signature_of(const struct standin *s, const char *body, size_t n)
{
    cJSON       *root = cJSON_ParseWithLength(body, n);
    const char  *app_id = json_string(root, "app_id");
    const cJSON *ts = json_member(root, "timestamp");
    char         digits[32] = "";
    if (cJSON_IsNumber(ts))
        snprintf(digits, sizeof(digits), "%.0f", ts->valuedouble);
    char *signature = webhook_signature(app_id ? app_id : s->app_id, body, n,
                                        cJSON_IsString(ts) ? ts->valuestring : digits, s->oa_secret);
    cJSON_Delete(root);
    return signature;
}

struct webhook *webhook_new(struct standin *s)
{
    struct webhook *w = must_alloc(sizeof(*w));
    w->s = s;
    TAILQ_INIT(&w->ready);
    TAILQ_INIT(&w->held);
    TAILQ_INIT(&w->ladder);
    TAILQ_INIT(&w->busy);
    TAILQ_INIT(&w->idle);
    w->kick = event_new(s->base, -1, 0, pump, w);
    if (!w->kick)
        exit(71);
    return w;
}

static void conn_free(struct conn *c)
{
    event_free(c->deadline);
    bufferevent_free(c->bev);
    free(c);
}

static void delivery_free(struct delivery *d)
{
    if (d->again)
        event_free(d->again);
    if (d->done) /* only at the end of the process: who waits for an answer is told that there is none */
        d->done(&(struct webhook_result){0, 0, "the stand-in is stopping"}, d->ctx);
    free(d->body);
    free(d->signature);
    free(d->message_id);
    free(d);
}

static void deliveries_free(struct deliveries *list)
{
    struct delivery *d;
    while ((d = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, d, next);
        delivery_free(d);
    }
}

void webhook_free(struct webhook *w)
{
    if (!w)
        return;
    struct conn *c;
    while ((c = TAILQ_FIRST(&w->busy))) {
        TAILQ_REMOVE(&w->busy, c, next);
        if (c->d->lane)
            deliveries_free(&c->d->lane->waiting);
        delivery_free(c->d);
        conn_free(c);
    }
    while ((c = TAILQ_FIRST(&w->idle))) {
        TAILQ_REMOVE(&w->idle, c, next);
        conn_free(c);
    }
    struct delivery *d;
    TAILQ_FOREACH(d, &w->ready, next)
        if (d->lane)
            deliveries_free(&d->lane->waiting);
    deliveries_free(&w->ready);
    deliveries_free(&w->held);
    deliveries_free(&w->ladder);
    event_free(w->kick);
    free(w->host_header);
    free(w->path);
    free(w);
}

char *webhook_set_url(struct webhook *w, const char *url)
{
    char *path = NULL, *host_header = NULL;
    if (url && *url) {
        struct evhttp_uri *uri = evhttp_uri_parse(url);
        const char        *scheme = uri ? evhttp_uri_get_scheme(uri) : NULL, *host = uri ? evhttp_uri_get_host(uri) : NULL;
        if (!scheme || strcmp(scheme, "http") != 0 || !host || !*host) {
            if (uri)
                evhttp_uri_free(uri);
            return must_format("webhook address \"%s\" is not http://host:port/path", url);
        }
        int              port = evhttp_uri_get_port(uri) < 0 ? 80 : evhttp_uri_get_port(uri);
        char             service[12];
        struct addrinfo *found = NULL, want = {.ai_socktype = SOCK_STREAM};
        snprintf(service, sizeof(service), "%d", port);
        if (getaddrinfo(host, service, &want, &found) != 0) {
            char *why = must_format("webhook host \"%s\" is not known", host);
            evhttp_uri_free(uri);
            return why;
        }
        memcpy(&w->addr, found->ai_addr, found->ai_addrlen);
        w->addr_n = found->ai_addrlen;
        freeaddrinfo(found);
        const char *p = evhttp_uri_get_path(uri), *q = evhttp_uri_get_query(uri);
        path = must_format("%s%s%s", p && *p ? p : "/", q ? "?" : "", q ? q : "");
        host_header = must_format("%s:%d", host, port);
        evhttp_uri_free(uri);
    }
    free(w->path);
    free(w->host_header);
    w->path = path;
    w->host_header = host_header;
    w->off = false;
    struct conn *c;
    TAILQ_FOREACH(c, &w->busy, next)
        c->stale = true;
    while ((c = TAILQ_FIRST(&w->idle))) {
        TAILQ_REMOVE(&w->idle, c, next);
        w->idle_n--;
        conn_free(c);
    }
    event_active(w->kick, 0, 0);
    return NULL;
}

static void make_ready(struct webhook *w, struct delivery *d, bool first)
{
    if (first)
        TAILQ_INSERT_HEAD(&w->ready, d, next);
    else
        TAILQ_INSERT_TAIL(&w->ready, d, next);
    w->ready_n++;
    event_active(w->kick, 0, 0);
}

static void queue_up(struct webhook *w, struct delivery *d)
{
    struct lane *lane = d->lane;
    if (lane && !lane->ready) {
        TAILQ_INIT(&lane->waiting);
        lane->ready = true;
    }
    if (lane && lane->busy) {
        TAILQ_INSERT_TAIL(&lane->waiting, d, next);
        return;
    }
    if (lane)
        lane->busy = true;
    make_ready(w, d, false);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    struct delivery *d = arg;
    struct webhook  *w = d->w;
    (void)fd;
    (void)what;
    TAILQ_REMOVE(&w->ladder, d, next);
    w->ladder_n--;
    event_free(d->again);
    d->again = NULL;
    if (d->delayed) {
        d->delayed = false;
        queue_up(w, d);
        return;
    }
    d->num_retry++;
    w->redelivered++;
    make_ready(w, d, false);
}

static void wait_for(struct webhook *w, struct delivery *d, int64_t us)
{
    struct timeval wait = {us / 1000000, us % 1000000};
    d->again = evtimer_new(w->s->base, on_again, d);
    if (!d->again)
        exit(71);
    evtimer_add(d->again, &wait);
    TAILQ_INSERT_TAIL(&w->ladder, d, next);
    w->ladder_n++;
}

void webhook_post(struct webhook *w, const struct webhook_order *order)
{
    struct delivery *d = must_alloc(sizeof(*d));
    *d = (struct delivery){.w = w, .body = order->body, .n = order->n, .lane = order->lane, .once = order->once,
                           .num_retry = order->num_retry, .done = order->done, .ctx = order->ctx};
    d->message_id = must_dup(order->message_id);
    d->signature = order->signature ? must_dup(order->signature) : signature_of(w->s, d->body, d->n);
    if (order->hold) {
        TAILQ_INSERT_TAIL(&w->held, d, next);
        w->held_n++;
    } else if (order->delay_ms > 0) {
        d->delayed = true;
        wait_for(w, d, order->delay_ms * 1000);
    } else {
        queue_up(w, d);
    }
}

size_t webhook_release(struct webhook *w, bool reverse)
{
    size_t           n = 0;
    struct delivery *d;
    while ((d = reverse ? TAILQ_LAST(&w->held, deliveries) : TAILQ_FIRST(&w->held))) {
        TAILQ_REMOVE(&w->held, d, next);
        w->held_n--;
        queue_up(w, d);
        n++;
    }
    return n;
}

size_t webhook_redeliver_now(struct webhook *w)
{
    size_t           n = 0;
    struct delivery *d;
    TAILQ_FOREACH(d, &w->ladder, next)
    {
        event_active(d->again, EV_TIMEOUT, 0);
        n++;
    }
    return n;
}

static bool worth_repeating(const struct webhook *w, const struct delivery *d, const struct webhook_result *r)
{
    if (d->once || !w->s->set.retry || w->off)
        return false;
    return strcmp(w->s->set.retry_on, "refused") != 0 || (r->status == 0 && strcmp(r->why, "connection refused") == 0);
}

/* A failed delivery waits for its next step of the ladder, or is given up. */
static void climb(struct webhook *w, struct delivery *d, const struct webhook_result *r)
{
    bool again = worth_repeating(w, d, r) && d->step < COUNT_OF(ladder_s);
    if (r->status)
        standin_say(w->s, "webhook answered %d, %s", r->status, again ? "will be redelivered" : "given up");
    else
        standin_say(w->s, "webhook: %s, %s", r->why, again ? "will be redelivered" : "given up");
    if (!again) {
        w->abandoned++;
        if (d->step == COUNT_OF(ladder_s) && w->s->set.switch_off)
            w->off = true;
        delivery_free(d);
        return;
    }
    wait_for(w, d, (int64_t)((double)(ladder_s[d->step++] * 1000000) * w->s->set.ladder_factor));
}

static void delivery_finish(struct delivery *d, const struct webhook_result *result)
{
    struct webhook *w = d->w;
    w->attempts++;
    if (result->status == 200)
        w->ok++;
    else
        w->failed++;
    w->total_us += result->us;
    if (result->us > w->worst_us)
        w->worst_us = result->us;
    record_delivery(w->s, d->body, d->n, d->num_retry, result->status, result->us);
    if (d->message_id)
        message_tick(w->s, d->message_id, result->status == 200 ? TICK_DELIVERED : TICK_FAILED);
    struct lane *lane = d->lane;
    d->lane = NULL; /* a redelivery overtakes and is overtaken */
    if (lane) {
        struct delivery *follower = TAILQ_FIRST(&lane->waiting);
        if (follower) {
            TAILQ_REMOVE(&lane->waiting, follower, next);
            make_ready(w, follower, false);
        } else {
            lane->busy = false;
        }
    }
    webhook_done_fn *done = d->done;
    void            *ctx = d->ctx;
    d->done = NULL;
    if (result->status == 200)
        delivery_free(d);
    else
        climb(w, d, result);
    if (done)
        done(result, ctx);
}

/* ---- one connection ---- */

static void conn_end(struct conn *c, const char *why)
{
    struct webhook  *w = c->w;
    struct delivery *d = c->d;
    bool             retry_at_once = c->reused && !c->heard && strcmp(why, "closed without an answer") == 0;
    if (d) {
        TAILQ_REMOVE(&w->busy, c, next);
        w->busy_n--;
    } else {
        TAILQ_REMOVE(&w->idle, c, next);
        w->idle_n--;
    }
    conn_free(c);
    if (!d)
        return;
    if (retry_at_once) { /* an idle connection that the server was closing: any HTTP client asks again on a new one */
        w->reconnects++;
        make_ready(w, d, true);
        return;
    }
    struct webhook_result r = {0, monotonic_us() - d->started_us, why};
    w->timeouts += strcmp(why, "no answer in time") == 0;
    w->refused += strcmp(why, "connection refused") == 0;
    event_active(w->kick, 0, 0);
    delivery_finish(d, &r);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    conn_end(arg, "no answer in time");
}

static void conn_answered(struct conn *c)
{
    struct webhook       *w = c->w;
    struct delivery      *d = c->d;
    struct webhook_result r = {c->status, monotonic_us() - d->started_us, ""};
    evtimer_del(c->deadline);
    c->d = NULL;
    TAILQ_REMOVE(&w->busy, c, next);
    w->busy_n--;
    TAILQ_INSERT_HEAD(&w->idle, c, next); /* the latest used is the least likely to be closed */
    w->idle_n++;
    c->reused = true;
    if (!c->keep || c->stale || evbuffer_get_length(bufferevent_get_input(c->bev)) > 0)
        conn_end(c, "");
    event_active(w->kick, 0, 0);
    delivery_finish(d, &r);
}

/* The head decides how the body ends (RFC 9112 section 6.3). @return false: not HTTP. */
static bool read_head(struct conn *c, struct evbuffer *in)
{
    size_t n;
    char  *line = evbuffer_readln(in, &n, EVBUFFER_EOL_CRLF);
    int    minor = 0;
    bool   good = line && sscanf(line, "HTTP/1.%d %d", &minor, &c->status) == 2 && c->status >= 100 && c->status <= 599;
    free(line);
    c->keep = minor >= 1;
    c->left = -1;
    bool chunked = false;
    while (good && (line = evbuffer_readln(in, &n, EVBUFFER_EOL_CRLF)) && n > 0) {
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            c->left = (ev_ssize_t)strtol(line + 15, NULL, 10);
        else if (strncasecmp(line, "Transfer-Encoding:", 18) == 0)
            chunked = strcasestr(line, "chunked") != NULL;
        else if (strncasecmp(line, "Connection:", 11) == 0)
            c->keep = strcasestr(line, "close") == NULL;
        free(line);
    }
    if (good)
        free(line);
    if (c->status == 204 || c->status == 304)
        c->left = 0;
    c->reading = chunked ? CHUNK : c->left >= 0 ? BODY : CLOSE;
    if (c->reading == CLOSE)
        c->keep = false;
    return good;
}

/* Drops what has arrived of the body. @return true once it is complete. */
static bool read_body(struct conn *c, struct evbuffer *in)
{
    for (;;) {
        if (c->reading == CLOSE) {
            evbuffer_drain(in, evbuffer_get_length(in));
            return false;
        }
        if (c->reading == CHUNK) {
            size_t n;
            char  *line = evbuffer_readln(in, &n, EVBUFFER_EOL_CRLF);
            if (!line)
                return false;
            c->left = n == 0 ? 0 : (ev_ssize_t)strtol(line, NULL, 16);
            bool last = n > 0 && c->left == 0;
            free(line);
            if (last) {
                c->left = 2; /* the empty line behind the last chunk; we expect no trailers */
                c->reading = BODY;
            } else if (c->left > 0) {
                c->reading = CHUNK_BODY;
            }
            continue;
        }
        size_t have = evbuffer_get_length(in), take = have < (size_t)c->left ? have : (size_t)c->left;
        evbuffer_drain(in, take);
        c->left -= (ev_ssize_t)take;
        if (c->left > 0)
            return false;
        if (c->reading == BODY)
            return true;
        c->reading = CHUNK;
    }
}

static void on_readable(struct bufferevent *bev, void *arg)
{
    struct conn     *c = arg;
    struct evbuffer *in = bufferevent_get_input(bev);
    c->heard = true;
    if (!c->d) {
        conn_end(c, ""); /* an answer nobody asked for */
        return;
    }
    if (c->reading == HEAD) {
        struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
        if (end.pos < 0) {
            if (evbuffer_get_length(in) > ANSWER_MAX)
                conn_end(c, "endless answer");
            return;
        }
        if (!read_head(c, in)) {
            conn_end(c, "not an HTTP answer");
            return;
        }
    }
    if (read_body(c, in))
        conn_answered(c);
}

static void on_conn_event(struct bufferevent *bev, short what, void *arg)
{
    struct conn *c = arg;
    (void)bev;
    if (what & BEV_EVENT_CONNECTED) {
        int one = 1;
        setsockopt(bufferevent_getfd(c->bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        c->open = true;
        return;
    }
    if (!c->open)
        conn_end(c, "connection refused");
    else if (c->d && c->reading == CLOSE && (what & BEV_EVENT_EOF))
        conn_answered(c);
    else
        conn_end(c, "closed without an answer");
}

static struct conn *conn_new(struct webhook *w)
{
    struct conn *c = must_alloc(sizeof(*c));
    c->w = w;
    c->bev = bufferevent_socket_new(w->s->base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    c->deadline = evtimer_new(w->s->base, on_deadline, c);
    if (!c->bev || !c->deadline)
        exit(71);
    bufferevent_setcb(c->bev, on_readable, NULL, on_conn_event, c);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    return c;
}

static void conn_send(struct conn *c, struct delivery *d)
{
    struct webhook *w = c->w;
    struct timeval  limit = {w->s->set.deadline_ms / 1000, (w->s->set.deadline_ms % 1000) * 1000};
    c->d = d;
    c->heard = false;
    c->reading = HEAD;
    d->started_us = monotonic_us();
    evtimer_add(c->deadline, &limit);
    struct evbuffer *out = bufferevent_get_output(c->bev);
    evbuffer_add_printf(out, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: ZaloWebhook\r\nContent-Type: application/json\r\n"
                             "Content-Length: %zu\r\n", w->path, w->host_header, d->n);
    if (*d->signature)
        evbuffer_add_printf(out, "X-ZEvent-Signature: %s\r\n", d->signature);
    if (d->num_retry > 0)
        evbuffer_add_printf(out, "num_retry: %d\r\n", d->num_retry);
    evbuffer_add(out, "\r\n", 2);
    evbuffer_add(out, d->body, d->n);
}

/* Hands what is ready to idle connections, and to new ones up to the limit. */
static void pump(evutil_socket_t fd, short what, void *arg)
{
    struct webhook  *w = arg;
    struct delivery *d;
    (void)fd;
    (void)what;
    while ((d = TAILQ_FIRST(&w->ready))) {
        if (w->path && !w->off && (int64_t)w->busy_n >= w->s->set.webhook_connections)
            return;
        TAILQ_REMOVE(&w->ready, d, next);
        w->ready_n--;
        if (!w->path || w->off) {
            d->once = true;
            d->started_us = monotonic_us();
            delivery_finish(d, &(struct webhook_result){0, 0, w->off ? "webhook is switched off" : "no webhook address is set"});
            continue;
        }
        struct conn *c = TAILQ_FIRST(&w->idle);
        bool         fresh = c == NULL;
        if (fresh) {
            c = conn_new(w);
        } else {
            TAILQ_REMOVE(&w->idle, c, next);
            w->idle_n--;
        }
        TAILQ_INSERT_TAIL(&w->busy, c, next);
        w->busy_n++;
        conn_send(c, d);
        if (fresh && bufferevent_socket_connect(c->bev, (struct sockaddr *)&w->addr, (int)w->addr_n) < 0)
            conn_end(c, "connection refused");
    }
}

cJSON *webhook_stats_json(const struct webhook *w)
{
    cJSON *o = cJSON_CreateObject();
    const struct {
        const char *name;
        uint64_t    value;
    } rows[] = {{"attempts", w->attempts}, {"ok", w->ok}, {"failed", w->failed}, {"timeouts", w->timeouts},
                {"refused", w->refused}, {"redelivered", w->redelivered}, {"abandoned", w->abandoned},
                {"reconnects", w->reconnects}, {"ready", w->ready_n}, {"in_flight", w->busy_n}, {"held", w->held_n},
                {"waiting", w->ladder_n}, {"connections", w->busy_n + w->idle_n}};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        cJSON_AddNumberToObject(o, rows[i].name, (double)rows[i].value);
    cJSON_AddNumberToObject(o, "worst_ms", (double)(w->worst_us / 100) / 10);
    cJSON_AddNumberToObject(o, "mean_ms", w->attempts ? (double)(w->total_us / (int64_t)w->attempts / 10) / 100 : 0);
    cJSON_AddBoolToObject(o, "off", w->off);
    return o;
}
