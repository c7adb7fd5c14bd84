/* The HTTP server around its connections: listening sockets, accepting within limits, the timer wheel, the drain. */
#include "http.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "http_conn.h"
#include "log.h"

enum {
    ACCEPT_AT_ONCE = 16,      /* then other events, and other processes on the same socket, get their turn */
    ACCEPT_PAUSE_MIN_MS = 100,
    ACCEPT_PAUSE_MAX_MS = 1000,
    DESCRIPTORS_FOR_OTHERS = 32, /* PostgreSQL, Zalo, spool, logs */
    BACKLOG = 1024,
};

static const char *const kill_names[] = {
    [HTTP_KILL_IDLE] = "idle",     [HTTP_KILL_HEAD] = "head",       [HTTP_KILL_BODY] = "body",
    [HTTP_KILL_DRAIN] = "drain",   [HTTP_KILL_LINGER] = "linger",   [HTTP_KILL_REFUSED] = "refused",
    [HTTP_KILL_PEER] = "peer",     [HTTP_KILL_MEMORY] = "memory",
};
_Static_assert(ARRAY_LEN(kill_names) == HTTP_KILL_COUNT, "every reason has a name");

const char *http_kill_name(enum http_kill why)
{
    return kill_names[why];
}

int64_t http_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- the timer wheel: one timer for all connections ---
 * A connection hangs in the slot of some tick not later than its deadline.  A later deadline costs a store; the slot is
 * corrected when its tick comes.  So a busy connection is not moved for every request. */

static uint32_t tick_of(const struct http_server *s, int64_t at_ms)
{
    return (uint32_t)((at_ms - s->started_ms) / s->tick_ms);
}

static void wheel_unlink(struct conn *c)
{
    *c->prev = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->prev = NULL;
}

static void wheel_link(struct conn *c)
{
    struct http_server *s = c->server;
    uint32_t tick = tick_of(s, c->deadline_ms) + 1; /* the first tick that finds it passed */
    if ((int32_t)(tick - s->wheel_tick) < 1)
        tick = s->wheel_tick + 1;
    if (tick - s->wheel_tick >= WHEEL_SLOTS)
        tick = s->wheel_tick + WHEEL_SLOTS - 1;
    struct conn **slot = &s->wheel[tick % WHEEL_SLOTS];
    c->linked_tick = tick;
    c->prev = slot;
    c->next = *slot;
    if (c->next)
        c->next->prev = &c->next;
    *slot = c;
}

void server_conn_deadline(struct conn *c, int64_t deadline_ms)
{
    c->deadline_ms = deadline_ms;
    if (c->prev && (int32_t)(tick_of(c->server, deadline_ms) + 1 - c->linked_tick) >= 0)
        return;
    if (c->prev)
        wheel_unlink(c);
    wheel_link(c);
}

/* RFC 9110 5.6.7; not strftime(), whose names follow the locale. */
static void write_date(struct http_server *s)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = time(NULL);
    struct tm t;
    gmtime_r(&now, &t);
    snprintf(s->date, sizeof s->date, "%.3s, %02d %.3s %d %02d:%02d:%02d GMT", days + 3 * t.tm_wday, t.tm_mday,
             months + 3 * t.tm_mon, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct http_server *s = arg;
    (void)fd, (void)what;
    write_date(s);
    int64_t now = http_now_ms();
    uint32_t until = tick_of(s, now);
    if (until - s->wheel_tick > WHEEL_SLOTS) /* we were stopped for long: one turn looks at everybody */
        s->wheel_tick = until - WHEEL_SLOTS;
    for (size_t expired = 0; s->wheel_tick != until;) {
        s->wheel_tick++;
        struct conn **slot = &s->wheel[s->wheel_tick % WHEEL_SLOTS];
        struct conn *due = *slot;
        *slot = NULL;
        if (due)
            due->prev = &due;
        while (due) {
            struct conn *c = due;
            wheel_unlink(c);
            wheel_link(c); /* behind this tick, also when it is over: conn_expire() may keep it */
            if (c->deadline_ms > now)
                continue;
            conn_expire(c);
            if (++expired < EXPIRE_AT_ONCE || !due)
                continue;
            *slot = due; /* the rest of this tick at once, but behind what else has come */
            due->prev = slot;
            s->wheel_tick--;
            event_active(s->tick, EV_READ, 1); /* not EV_TIMEOUT, which would put the next tick off by one more */
            return;
        }
    }
}

static void on_handler_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    http_expire_exchanges(arg);
}

/* --- accepting --- */

static void accept_update(struct http_server *s)
{
    bool want = !s->draining && !s->accept_paused && s->stats.connections < s->limits.max_connections;
    if (want == s->accepting)
        return;
    s->accepting = want;
    for (struct listener *l = s->listeners; l; l = l->next) {
        if (want)
            event_add(l->ev, NULL);
        else
            event_del(l->ev);
    }
}

static void on_drained(evutil_socket_t fd, short what, void *arg)
{
    struct http_server *s = arg;
    (void)fd, (void)what;
    s->on_drained(s->drained_ctx); /* may free the server */
}

void server_conn_gone(struct conn *c)
{
    struct http_server *s = c->server;
    if (c->prev)
        wheel_unlink(c);
    s->stats.connections--;
    if (s->draining && s->stats.connections == 0)
        event_active(s->drained, EV_TIMEOUT, 1);
    else
        accept_update(s);
}

static void on_accept_timer(evutil_socket_t fd, short what, void *arg)
{
    struct http_server *s = arg;
    (void)fd, (void)what;
    s->accept_paused = false;
    accept_update(s);
}

/* No descriptor left: the first in the queue learns it at once, thanks to a descriptor kept for that; the others wait. */
static void accept_pause(struct http_server *s, int listen_fd, int error)
{
    static struct log_gate gate;
    if (s->reserve_fd >= 0) {
        close(s->reserve_fd);
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            close(fd);
            s->stats.refused++;
        }
    }
    s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    uint32_t ms = 2 * s->accept_pause_ms;
    s->accept_pause_ms = ms < ACCEPT_PAUSE_MIN_MS ? ACCEPT_PAUSE_MIN_MS
                       : ms > ACCEPT_PAUSE_MAX_MS ? ACCEPT_PAUSE_MAX_MS : ms;
    s->stats.accept_pauses++;
    s->accept_paused = true;
    accept_update(s);
    struct timeval after = {s->accept_pause_ms / 1000, s->accept_pause_ms % 1000 * 1000};
    event_add(s->accept_timer, &after);
    if (log_pass(&gate, 10000))
        log_warn("could not accept a connection: %s; %u are open, trying again in %u ms", strerror(error),
                 s->stats.connections, s->accept_pause_ms);
}

static void on_acceptable(evutil_socket_t listen_fd, short what, void *arg)
{
    struct http_server *s = arg;
    (void)what;
    for (int i = 0; i < ACCEPT_AT_ONCE && s->accepting; i++) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            s->stats.accepted++;
            s->accept_pause_ms = 0;
            if (!conn_new(s, fd))
                s->stats.killed[HTTP_KILL_MEMORY]++;
            accept_update(s);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            accept_pause(s, listen_fd, errno);
            return;
        } /* else this one client failed (accept(2), "Error handling"): the next */
    }
}

static int listener_free(struct listener *l)
{
    event_free(l->ev);
    return 0;
}

bool http_server_listen_fd(struct http_server *s, int fd, struct err *e)
{
    int on = 1;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return err_set(e, ERR_SYSTEM, "could not prepare listening socket %d: %s", fd, strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* inherited by accepted sockets; no TCP, no need */
    struct listener *l = talloc_zero(s, struct listener);
    if (!l || !(l->ev = event_new(s->base, fd, EV_READ | EV_PERSIST, on_acceptable, s))) {
        talloc_free(l);
        return err_set(e, ERR_NOMEM, "out of memory for a listening socket");
    }
    talloc_set_destructor(l, listener_free);
    if (s->accepting && event_add(l->ev, NULL) != 0) {
        talloc_free(l);
        return err_set(e, ERR_SYSTEM, "could not watch listening socket %d", fd);
    }
    l->next = s->listeners;
    s->listeners = l;
    return true;
}

static int open_listening(const struct addrinfo *a, bool all)
{
    int on = 1, off = 0;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, all ? &off : &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Splits "[host]:port" or "host:port". */
static bool split_address(const char *host_port, char host[256], char port[6])
{
    const char *colon = strrchr(host_port, ':');
    if (!colon || colon == host_port || strlen(colon + 1) > 5 || !isdigit((unsigned char)colon[1]))
        return false;
    const char *p = host_port;
    size_t n = (size_t)(colon - host_port);
    if (p[0] == '[') {
        if (n < 3 || p[n - 1] != ']')
            return false;
        p++;
        n -= 2;
    } else if (memchr(p, ':', n)) {
        return false; /* IPv6 without brackets: which colon is it? */
    }
    char *end;
    if (n >= 256 || strtoul(colon + 1, &end, 10) > 65535 || *end)
        return false;
    memcpy(host, p, n);
    host[n] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

int http_listen(const char *host_port, struct err *e)
{
    char host[256], port[6];
    if (!split_address(host_port, host, port)) {
        err_set(e, ERR_INVALID, "cannot listen on \"%s\": give address:port, such as 127.0.0.1:8080 or [::1]:8080",
                host_port);
        return -1;
    }
    bool all = strcmp(host, "*") == 0;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *list;
    int fd = -1, error = EADDRNOTAVAIL;
    /* "*" is first tried as the IPv6 socket that takes IPv4 as well. */
    for (int pass = 0; pass < 2 && fd < 0; pass++) {
        hints.ai_family = !all ? AF_UNSPEC : pass == 0 ? AF_INET6 : AF_INET;
        int failed = getaddrinfo(all ? NULL : host, port, &hints, &list);
        if (failed && !all) {
            err_set(e, ERR_INVALID, "cannot listen on \"%s\": %s", host_port, gai_strerror(failed));
            return -1;
        }
        for (struct addrinfo *a = failed ? NULL : list; a && fd < 0; a = a->ai_next) {
            fd = open_listening(a, all);
            if (fd < 0)
                error = errno;
        }
        if (!failed)
            freeaddrinfo(list);
        if (!all)
            break;
    }
    if (fd < 0)
        err_set(e, ERR_SYSTEM, "cannot listen on \"%s\": %s", host_port, strerror(error));
    return fd;
}

/* --- life --- */

static void default_to(uint32_t *limit, uint32_t value)
{
    if (*limit == 0)
        *limit = value;
}

static void set_limits(struct http_server *s, const struct http_limits *limits)
{
    struct http_limits *l = &s->limits;
    if (limits)
        *l = *limits;
    default_to(&l->head_bytes, 8 * 1024);
    if (l->head_lines == 0)
        l->head_lines = 64;
    default_to(&l->body_bytes, 1 << 20);
    default_to(&l->buffered_bytes, 64 << 20);
    default_to(&l->max_connections, 16000);
    default_to(&l->pipelined_max, 16);
    default_to(&l->head_ms, 5000);
    default_to(&l->request_ms, 15000);
    default_to(&l->drain_ms, 15000);
    default_to(&l->idle_ms, 75000);
    default_to(&l->linger_ms, 2000);
    default_to(&l->handler_ms, 1900);
    assert(l->head_bytes <= UINT16_MAX && l->body_bytes <= 1 << 28 && l->pipelined_max <= UINT16_MAX);
    s->parse_limits = (struct http_parse_limits){l->head_bytes, l->body_bytes, l->head_lines};

    /* Descriptors spent on clients would be missing where their requests have to go. */
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY) {
        rlim_t most = files.rlim_cur > 2 * DESCRIPTORS_FOR_OTHERS ? files.rlim_cur - DESCRIPTORS_FOR_OTHERS
                                                                  : files.rlim_cur / 2;
        if (l->max_connections > most)
            l->max_connections = (uint32_t)most;
    }

    /* Fine enough for the shortest deadline, and the date; idle processes wake seldom. */
    uint32_t shortest = l->head_ms;
    const uint32_t others[] = {l->request_ms, l->drain_ms, l->idle_ms, l->linger_ms};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (others[i] < shortest)
            shortest = others[i];
    s->tick_ms = shortest < 10 ? 1 : shortest > 5000 ? 500 : shortest / 10;
}

static int server_done(struct http_server *s)
{
    assert(!s->busy);
    s->draining = true; /* nobody is accepted in place of those who go */
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        while (s->wheel[i])
            conn_free(s->wheel[i]);
    http_exchanges_done(s);
    struct event *const own[] = {s->tick, s->handler_timer, s->accept_timer, s->drained};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (own[i])
            event_free(own[i]);
    slow_close(s);
    if (s->reserve_fd >= 0)
        close(s->reserve_fd);
    return 0;
}

struct http_server *http_server_new(TALLOC_CTX *parent, struct event_base *base, const struct http_limits *limits,
                                    http_handler *handler, void *ctx)
{
    struct http_server *s = talloc_zero(parent, struct http_server);
    if (!s)
        return NULL;
    s->base = base;
    s->handler = handler;
    s->ctx = ctx;
    s->exchange_free = s->oldest = s->newest = NO_SLOT;
    s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    s->slow_fd = -1;
    s->started_ms = http_now_ms();
    s->accepting = true;
    set_limits(s, limits);
    write_date(s);
    talloc_set_destructor(s, server_done);
    struct timeval every = {s->tick_ms / 1000, s->tick_ms % 1000 * 1000};
    if (!(s->tick = event_new(base, -1, EV_PERSIST, on_tick, s)) ||
        !(s->handler_timer = evtimer_new(base, on_handler_timer, s)) ||
        !(s->accept_timer = evtimer_new(base, on_accept_timer, s)) ||
        !(s->drained = event_new(base, -1, 0, on_drained, s)) || event_add(s->tick, &every) != 0 || !slow_open(s)) {
        talloc_free(s);
        return NULL;
    }
    return s;
}

void http_server_free(struct http_server *s)
{
    talloc_free(s);
}

const struct http_stats *http_server_stats(const struct http_server *s)
{
    return &s->stats;
}

void http_server_drain(struct http_server *s, void (*done)(void *ctx), void *ctx)
{
    assert(!s->draining);
    s->on_drained = done;
    s->drained_ctx = ctx;
    s->draining = true;
    event_del(s->accept_timer);
    accept_update(s);
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        for (struct conn *c = s->wheel[i]; c; c = c->next)
            conn_drain(c);
    if (s->stats.connections == 0)
        event_active(s->drained, EV_TIMEOUT, 1);
}
