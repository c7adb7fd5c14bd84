/* One HTTP connection: bytes in, requests to the handler, answers out in order, a gentle end.
 *
 *   on_ready -> conn_read -> conn_process -> dispatch ... exchange_answer -> conn_flush -> conn_update
 *
 * conn_update() is the one place that says what a connection waits for, and conn_free() the one that ends it. */
#include "http_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void conn_flush(struct conn *c);
static void on_ready(evutil_socket_t fd, short what, void *arg);

static void inbox_drop(struct conn *c)
{
    if (c->in)
        http_memory_give(c->server, c->in, c->in->size + (uint32_t)sizeof *c->in);
    c->in = NULL;
}

/* Ends the connection now; what its client had coming is lost. */
static void conn_kill(struct conn *c, enum http_kill why)
{
    c->server->stats.killed[why]++;
    if (c->server->busy == c)
        c->phase = CONN_DEAD;
    else
        conn_free(c);
}

static void note_latency(struct http_server *s, const struct exchange *x)
{
    static const int bound[HTTP_LATENCY_BUCKETS - 1] = HTTP_LATENCY_MS;
    int64_t ms = http_now_ms() - (x->deadline_ms - s->limits.handler_ms);
    size_t i = 0;
    while (i < ARRAY_LEN(bound) && ms > bound[i])
        i++;
    s->stats.latency[i]++;
    s->stats.latency_ms += (uint64_t)ms;
}

/* Encodes an answer, in its place: behind what is unsent when it is the first due, else kept until its turn. */
static bool exchange_answer(struct http_server *s, int32_t slot, const struct answer *a)
{
    struct exchange *x = &s->exchanges[slot];
    struct conn *c = x->conn;
    if (x->waiting && x->timed)
        note_latency(s, x);
    exchange_stop_waiting(s, x);
    x->answered = true;
    s->stats.answers[a->status / 100]++;
    if (s->draining && c->last == slot && !c->in && c->phase == CONN_OPEN) {
        x->close = true;
        c->phase = CONN_LAST;
    }
    if (c->first != slot)
        return answer_encode(s, &x->stored, a, x->head_only, x->close);
    if (!answer_encode(s, &c->out, a, x->head_only, x->close))
        return false;
    exchange_pop(c);
    while (c->first != NO_SLOT && s->exchanges[c->first].answered) {
        struct outbox *stored = s->exchanges[c->first].stored;
        if (!outbox_append(s, &c->out, (struct str){stored->bytes, stored->used}))
            return false;
        exchange_pop(c);
    }
    return true;
}

static void answer(struct http_server *s, struct http_request_id id, const struct answer *a)
{
    struct exchange *x = exchange_find(s, id);
    if (!x) {
        s->stats.late_answers++;
        return;
    }
    struct conn *c = x->conn;
    if (c->phase == CONN_DEAD)
        return;
    if (!exchange_answer(s, (int32_t)id.slot, a))
        conn_kill(c, HTTP_KILL_MEMORY);
    else if (c != s->busy)
        conn_flush(c);
}

void http_answer(struct http_server *s, struct http_request_id id, int status, struct str content_type,
                 struct str body)
{
    answer(s, id, &(struct answer){.status = status, .content_type = content_type, .body = body});
}

void http_answer_not_allowed(struct http_server *s, struct http_request_id id, struct str allow)
{
    answer(s, id, &(struct answer){.status = 405, .body = STR("method not allowed\n"), .allow = allow});
}

/* The handler was too slow for some: they get 503 from us. */
void http_expire_exchanges(struct http_server *s)
{
    int64_t now = http_now_ms();
    while (s->oldest != NO_SLOT && s->exchanges[s->oldest].deadline_ms <= now) {
        struct http_request_id id = {(uint32_t)s->oldest, s->exchanges[s->oldest].generation};
        s->stats.handler_timeouts++;
        http_answer(s, id, 503, STR(""), STR("too late\n"));
    }
    if (s->oldest != NO_SLOT) {
        int64_t left = s->exchanges[s->oldest].deadline_ms - now;
        struct timeval after = {left / 1000, left % 1000 * 1000};
        event_add(s->handler_timer, &after);
    }
}

bool http_request_peer(const struct http_server *s, struct http_request_id id, struct sockaddr_storage *ret)
{
    const struct exchange *x = exchange_find(s, id);
    socklen_t n = sizeof *ret;
    return x && getpeername(event_get_fd(&x->conn->ev), (struct sockaddr *)ret, &n) == 0;
}

/* --- requests --- */

/* A broken rule: answered in its turn, nothing behind it is interpreted. */
static void conn_refuse(struct conn *c, int status, bool head_only)
{
    c->phase = CONN_LAST;
    int32_t slot = exchange_push(c, head_only, true);
    struct str body = str_skip(answer_status_line(status), sizeof "HTTP/1.1 400" - 1);
    body = (struct str){body.p + 1, body.n - 3}; /* the reason phrase */
    struct answer a = {.status = status, .body = body,
                       .allow = status == 405 ? STR("GET, HEAD, POST") : STR("")};
    if (slot == NO_SLOT || !exchange_answer(c->server, slot, &a))
        conn_kill(c, HTTP_KILL_MEMORY);
}

static void dispatch(struct conn *c, const struct http_parse *p, const char *bytes)
{
    struct http_server *s = c->server;
    bool close = p->close || s->draining;
    c->served = true;
    if (close)
        c->phase = CONN_LAST;
    int32_t slot = exchange_push(c, p->method == HTTP_HEAD, close);
    if (slot == NO_SLOT) {
        conn_kill(c, HTTP_KILL_MEMORY);
        return;
    }
    if (p->method == HTTP_OPTIONS) { /* "OPTIONS *", the ping of HTTP */
        if (!exchange_answer(s, slot, &(struct answer){.status = 204, .allow = STR("GET, HEAD, POST")}))
            conn_kill(c, HTTP_KILL_MEMORY);
        return;
    }
    struct http_request r = {
        .id = {(uint32_t)slot, s->exchanges[slot].generation},
        .method = p->method == HTTP_POST ? STR("POST") : p->method == HTTP_GET ? STR("GET") : STR("HEAD"),
        .path = {bytes + p->target_at, p->path_len},
        .query = {bytes + p->query_at, p->query_len},
        .headers = {bytes + p->headers_at, p->head_len - p->headers_at},
        .body = {bytes + p->head_len, p->body_len},
    };
    s->stats.requests++;
    exchange_wait(s, slot, http_now_ms());
    s->exchanges[slot].timed = p->method == HTTP_POST;
    s->handler(&r, s->ctx);
}

struct str http_header(const struct http_request *r, struct str lower_case_name)
{
    return http_parse_header(r->headers, lower_case_name, NULL);
}

unsigned http_header_count(const struct http_request *r, struct str lower_case_name)
{
    unsigned count;
    http_parse_header(r->headers, lower_case_name, &count);
    return count;
}

/* The answers gathered while `c` was busy go out. May free `c`. */
static void conn_uncork(struct conn *c)
{
    c->server->busy = NULL;
    if (c->phase == CONN_DEAD)
        conn_free(c);
    else
        conn_flush(c);
}

/* Keeps what is left of the bytes read in the connection's own buffer, which doubles as they come: who announces much and sends little
 * takes little. */
static bool conn_keep(struct conn *c, const char *bytes, size_t n, const struct http_parse *p, bool stalled, bool fresh)
{
    struct http_server *s = c->server;
    struct inbox *old = c->in;
    bool restart = fresh || !old || old->stalled; /* the time of a request does not run while we do not read */
    size_t need = http_parse_need(p);
    if (stalled) /* not read meanwhile */
        need = n;
    else if (need <= n || need > 2 * n) /* length unknown, or far off */
        need = 2 * n;
    if (!old || old->size < (stalled ? n : n + 1)) {
        size_t most = sizeof *old + need;
        uint32_t bytes_new = (uint32_t)most;
        if (most > BLOCK_BYTES && s->stats.buffered_bytes + most > s->limits.buffered_bytes)
            return false;
        struct inbox *in = http_memory_take(s, &bytes_new);
        if (!in)
            return false;
        *in = (struct inbox){.size = bytes_new - (uint32_t)sizeof *in};
        if (old) {
            in->since_ms = old->since_ms;
            in->continued = old->continued;
        }
        memcpy(in->bytes, bytes, n);
        inbox_drop(c);
        c->in = in;
    } else if (bytes != old->bytes) {
        memmove(old->bytes, bytes, n);
    }
    struct inbox *in = c->in;
    if (restart) {
        in->since_ms = http_now_ms();
        in->continued = false;
    }
    in->used = (uint32_t)n;
    in->stalled = stalled;
    in->parse = *p;
    return true;
}

static bool may_dispatch(const struct conn *c)
{
    return c->phase == CONN_OPEN && c->pending < c->server->limits.pipelined_max &&
           (!c->out || (!c->unsent && c->out->used < CORKED_BYTES));
}

/* Hands out all whole requests among the bytes, which start where c->in (or a new message) starts. May free `c`. */
static void conn_process(struct conn *c, char *bytes, size_t n)
{
    struct http_server *s = c->server;
    struct http_parse p = {0};
    if (c->in)
        p = c->in->parse;
    size_t at = 0;
    bool incomplete = false;
    s->busy = c;
    while (at < n && may_dispatch(c)) {
        size_t left = n - at;
        enum http_verdict v = http_parse(&p, &s->parse_limits, bytes + at, &left);
        if (v == HTTP_MORE) {
            n = at + left;
            incomplete = true;
            break;
        }
        if (v == HTTP_BAD) {
            s->stats.killed[HTTP_KILL_REFUSED]++;
            conn_refuse(c, p.status, p.method == HTTP_HEAD);
            break;
        }
        dispatch(c, &p, bytes + at);
        at += p.pos;
        p = (struct http_parse){0};
    }
    if (c->phase != CONN_OPEN || at == n)
        inbox_drop(c);
    else if (!conn_keep(c, bytes + at, n - at, &p, !incomplete, at > 0)) {
        inbox_drop(c);
        s->stats.killed[HTTP_KILL_MEMORY]++;
        conn_refuse(c, 503, p.method == HTTP_HEAD);
    }
    conn_uncork(c);
}

/* --- the socket --- */

/* A request that is not there after so long is one that trickles in. */
static bool is_slow(const struct conn *c)
{
    return c->in && !c->in->stalled && http_now_ms() - c->in->since_ms >= SLOW_MS;
}

static void conn_watch(struct conn *c, uint8_t what)
{
    bool slow = what == EV_READ && is_slow(c);
    if (c->watched == what && c->slow == slow)
        return;
    evutil_socket_t fd = event_get_fd(&c->ev);
    if (c->slow)
        slow_remove(c);
    event_del(&c->ev);
    c->watched = what;
    c->slow = slow && slow_add(c);
    if (c->slow)
        return;
    event_assign(&c->ev, c->server->base, fd, (short)(what | EV_PERSIST), on_ready, c);
    if (what && event_add(&c->ev, NULL) != 0)
        c->watched = 0; /* the kernel has no memory for it: the deadline ends it */
}

static bool is_idle(const struct conn *c)
{
    return c->phase == CONN_OPEN && c->pending == 0 && !c->in && !c->out;
}

/* Says what the connection waits for next, and until when. */
static void conn_update(struct conn *c)
{
    const struct http_limits *l = &c->server->limits;
    bool stalled = c->in && c->in->stalled;
    bool read = c->phase == CONN_LINGER || (may_dispatch(c) && !stalled && !c->eof);
    conn_watch(c, c->unsent ? EV_WRITE : read ? EV_READ : 0);
    if ((stalled && may_dispatch(c)) || (c->server->draining && is_idle(c)))
        event_active(&c->ev, EV_READ, 1); /* not here: we may be within http_answer() */
    if (c->phase == CONN_LINGER || c->unsent)
        return; /* total deadlines, set when the phase began */
    if (c->in && !stalled)
        server_conn_deadline(c, c->in->since_ms + (c->in->parse.head_len ? l->request_ms : l->head_ms));
    else
        server_conn_deadline(c, http_now_ms() + l->idle_ms);
}

/* Everything is said: closes our side and waits, not for long, for the client to close its own. */
static void conn_linger(struct conn *c)
{
    inbox_drop(c);
    if (c->eof || shutdown(event_get_fd(&c->ev), SHUT_WR) != 0) {
        conn_free(c);
        return;
    }
    c->phase = CONN_LINGER;
    server_conn_deadline(c, http_now_ms() + c->server->limits.linger_ms);
    conn_update(c);
}

/* The client waits for permission to send its body, and nothing else is due before that. */
static bool wants_continue(const struct conn *c)
{
    return c->in && !c->in->stalled && c->pending == 0 && !c->in->continued && c->in->parse.expect_continue &&
           c->in->parse.head_len == c->in->used;
}

/* Sends what there is, then decides what comes next. May free `c`. */
static void conn_flush(struct conn *c)
{
    if (wants_continue(c)) {
        c->in->continued = true;
        if (!outbox_append(c->server, &c->out, STR("HTTP/1.1 100 Continue\r\n\r\n"))) {
            conn_kill(c, HTTP_KILL_MEMORY);
            return;
        }
    }
    while (c->out) {
        struct outbox *out = c->out;
        ssize_t n = send(event_get_fd(&c->ev), out->bytes + out->sent, out->used - out->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            conn_kill(c, HTTP_KILL_PEER);
            return;
        }
        out->sent += n > 0 ? (uint32_t)n : 0;
        if (out->sent == out->used) {
            outbox_drop(c->server, &c->out);
        } else {
            if (!c->unsent)
                server_conn_deadline(c, http_now_ms() + c->server->limits.drain_ms);
            c->unsent = true;
            if (n <= 0)
                break;
        }
    }
    if (!c->out && c->unsent) {
        c->unsent = false;
        if (c->in)
            c->in->since_ms = http_now_ms(); /* the client's time did not run while we did not read */
    }
    if (c->phase == CONN_LAST && c->pending == 0 && !c->out)
        conn_linger(c);
    else
        conn_update(c);
}

/* The client has finished sending; what it is owed it still gets. */
static void conn_eof(struct conn *c)
{
    c->eof = true;
    inbox_drop(c);
    if (c->phase == CONN_LINGER || (c->pending == 0 && !c->out)) {
        conn_free(c);
        return;
    }
    c->phase = CONN_LAST;
    conn_update(c);
}

/* Nothing to read. While draining that ends an idle connection; a new one may still have its first request under way. */
static void conn_read_nothing(struct conn *c)
{
    if (!c->server->draining || !is_idle(c))
        return;
    if (c->served)
        conn_free(c);
    else
        server_conn_deadline(c, http_now_ms() + (c->server->limits.head_ms < 1000 ? c->server->limits.head_ms : 1000));
}

static void conn_read(struct conn *c)
{
    struct http_server *s = c->server;
    if (c->in && c->in->stalled) {
        if (may_dispatch(c))
            conn_process(c, c->in->bytes, c->in->used);
        return;
    }
    if (!(c->watched & EV_READ))
        return;
    bool partial = c->phase == CONN_OPEN && c->in;
    char *to = partial ? c->in->bytes + c->in->used : s->scratch;
    size_t room = partial ? c->in->size - c->in->used : sizeof s->scratch;
    ssize_t n = recv(event_get_fd(&c->ev), to, room, 0);
    if (n < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
            conn_read_nothing(c);
        else if (c->pending || c->in)
            conn_kill(c, HTTP_KILL_PEER);
        else
            conn_free(c);
    } else if (n == 0) {
        conn_eof(c);
    } else if (c->phase == CONN_LINGER) {
        c->discarded += (uint32_t)n;
        if (c->discarded > LINGER_BYTES)
            conn_kill(c, HTTP_KILL_LINGER);
    } else if (partial) {
        c->in->used += (uint32_t)n;
        conn_process(c, c->in->bytes, c->in->used);
    } else {
        conn_process(c, s->scratch, (size_t)n);
    }
}

void conn_ready(struct conn *c, bool write)
{
    if (write)
        conn_flush(c);
    else
        conn_read(c);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    conn_ready(arg, what & EV_WRITE);
}

/* --- life --- */

/* Takes over the socket, in any case. */
bool conn_new(struct http_server *s, int fd)
{
    struct conn *c = malloc(sizeof *c); /* not talloc: its header would be half as large as all of this */
    if (!c) {
        close(fd);
        return false;
    }
    *c = (struct conn){.server = s, .first = NO_SLOT, .last = NO_SLOT};
    event_assign(&c->ev, s->base, fd, EV_PERSIST, on_ready, c);
    s->stats.connections++;
    conn_update(c);
    if (!c->watched) {
        conn_free(c);
        return false;
    }
    return true;
}

/* Closes and forgets; unanswered ids become stale. */
void conn_free(struct conn *c)
{
    struct http_server *s = c->server;
    while (c->first != NO_SLOT)
        exchange_pop(c);
    inbox_drop(c);
    outbox_drop(s, &c->out);
    evutil_socket_t fd = event_get_fd(&c->ev);
    if (c->slow)
        slow_remove(c);
    event_del(&c->ev);
    close(fd);
    server_conn_gone(c);
    free(c);
}

/* A deadline has passed. */
void conn_expire(struct conn *c)
{
    if (c->phase == CONN_LINGER) {
        conn_kill(c, HTTP_KILL_LINGER);
    } else if (c->unsent) {
        /* Abort, or the kernel would go on trying to deliver what nobody takes. */
        struct linger off = {.l_onoff = 1, .l_linger = 0};
        setsockopt(event_get_fd(&c->ev), SOL_SOCKET, SO_LINGER, &off, sizeof off);
        conn_kill(c, HTTP_KILL_DRAIN);
    } else if (c->in && !c->in->stalled) {
        c->server->stats.killed[c->in->parse.head_len ? HTTP_KILL_BODY : HTTP_KILL_HEAD]++;
        bool head_only = c->in->parse.method == HTTP_HEAD;
        inbox_drop(c);
        c->server->busy = c;
        conn_refuse(c, 408, head_only);
        conn_uncork(c); // NOLINT(clang-analyzer-unix.Malloc): while c is busy, conn_kill() only marks it dead
    } else if (c->pending || c->in) {
        conn_update(c); /* its requests have deadlines of their own */
    } else {
        conn_kill(c, HTTP_KILL_IDLE);
    }
}

/* The server stops: whoever is idle is looked at once more, for a request may have come meanwhile. */
void conn_drain(struct conn *c)
{
    if (is_idle(c))
        event_active(&c->ev, EV_READ, 1);
}
