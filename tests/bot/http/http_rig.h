/* A server and its clients in one event loop, for tests over real sockets: nothing sleeps, everything waits for an event. */
#ifndef SANGKIEN_TESTS_HTTP_RIG_H
#define SANGKIEN_TESTS_HTTP_RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/http.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

struct rig {
    struct event_base *base;
    struct http_server *server;
    int listen_fd;
    struct sockaddr_in address;
    bool later;                     /* keep ids in `ids` instead of answering at once */
    struct http_request_id ids[4096];
    unsigned count;                 /* requests seen */
    void *own;                      /* of a test's own handler */
    struct str body;                /* answered; "<path> <length of the body>\n" when empty */
};

static inline void rig_answer(struct rig *rig, const struct http_request *r)
{
    char text[600];
    struct str path = {r->path.p, r->path.n < 500 ? r->path.n : 500};
    int n = snprintf(text, sizeof text, "%.*s %zu\n", STR_ARG(path), r->body.n);
    http_answer(rig->server, r->id, 200, STR(""), rig->body.n ? rig->body : (struct str){text, (size_t)n});
}

static inline void rig_handler(const struct http_request *r, void *ctx)
{
    struct rig *rig = ctx;
    assert_true(r->id.generation != 0);
    if (rig->count < sizeof rig->ids / sizeof rig->ids[0])
        rig->ids[rig->count] = r->id;
    rig->count++;
    if (!rig->later)
        rig_answer(rig, r);
}

static inline struct rig *rig_open_with(const struct http_limits *limits, http_handler *handler)
{
    struct err e = {0};
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    alarm(120); /* a test that waits for what never comes ends here */
    rig->base = event_base_new();
    rig->listen_fd = http_listen("127.0.0.1:0", &e);
    if (rig->listen_fd < 0)
        fail_msg("%s", e.msg);
    socklen_t n = sizeof rig->address;
    assert_int_equal(getsockname(rig->listen_fd, (struct sockaddr *)&rig->address, &n), 0);
    rig->server = http_server_new(NULL, rig->base, limits, handler, rig);
    assert_non_null(rig->server);
    assert_true(http_server_listen_fd(rig->server, rig->listen_fd, &e));
    return rig;
}

static inline struct rig *rig_open(const struct http_limits *limits)
{
    return rig_open_with(limits, rig_handler);
}

static inline void rig_close(struct rig *rig)
{
    http_server_free(rig->server);
    close(rig->listen_fd);
    event_base_free(rig->base);
    free(rig);
}

static inline void rig_turn(struct rig *rig)
{
    event_base_loop(rig->base, EVLOOP_ONCE);
}

#define RIG_WAIT(rig, condition) do { while (!(condition)) rig_turn(rig); } while (0)

struct client {
    struct event *ev;
    int fd;
    char *got;
    size_t n, size;
    bool closed; /* end of file or reset */
};

static inline void client_on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;
    (void)what;
    if (c->size - c->n < 65536) {
        c->size = 2 * c->size + 65536;
        c->got = realloc(c->got, c->size + 1);
        assert_non_null(c->got);
    }
    ssize_t n = recv(fd, c->got + c->n, c->size - c->n, 0);
    if (n > 0)
        c->n += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        c->closed = true;
        event_del(c->ev);
    }
    c->got[c->n] = '\0';
}

/* `receive_bytes` > 0 asks for a small socket buffer. */
static inline struct client *client_open_with(struct rig *rig, int receive_bytes)
{
    struct client *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(c->fd >= 0);
    if (receive_bytes)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&rig->address, sizeof rig->address), 0);
    evutil_make_socket_nonblocking(c->fd);
    c->ev = event_new(rig->base, c->fd, EV_READ | EV_PERSIST, client_on_readable, c);
    event_add(c->ev, NULL);
    return c;
}

static inline struct client *client_open(struct rig *rig)
{
    return client_open_with(rig, 0);
}

static inline void client_free(struct client *c)
{
    event_free(c->ev);
    close(c->fd);
    free(c->got);
    free(c);
}

/* Sends all, turning the loop while the socket is full; stops when the server closes. */
static inline void client_send(struct rig *rig, struct client *c, struct str bytes)
{
    while (bytes.n && !c->closed) {
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n > 0)
            bytes = str_skip(bytes, (size_t)n);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            rig_turn(rig);
        else
            return;
    }
}

/* Status of the answer at *at, which moves behind it; 0 when there is no whole answer. 1xx answers count. */
static inline int client_next(const struct client *c, size_t *at, struct str *body)
{
    if (c->n <= *at)
        return 0;
    const char *head = c->got + *at, *end = strstr(head, "\r\n\r\n");
    if (!end || strncmp(head, "HTTP/1.1 ", 9) != 0)
        return 0;
    const char *length = strstr(head, "\r\nContent-Length: ");
    size_t n = length && length < end ? strtoul(length + 18, NULL, 10) : 0;
    if (c->n - (size_t)(end + 4 - c->got) < n)
        return 0;
    if (body)
        *body = (struct str){end + 4, n};
    *at = (size_t)(end + 4 - c->got) + n;
    return (int)strtol(head + 9, NULL, 10);
}

static inline unsigned client_count(const struct client *c, int from, int to)
{
    unsigned count = 0;
    size_t at = 0;
    for (int status; (status = client_next(c, &at, NULL)) != 0;)
        count += status >= from && status < to;
    return count;
}

/* Status of the i-th answer, waiting for it; 0 when the connection ends before. */
static inline int client_answer(struct rig *rig, struct client *c, unsigned i, struct str *body)
{
    if (body)
        *body = (struct str){NULL, 0};
    for (;;) {
        size_t at = 0;
        int status = 0;
        for (unsigned k = 0; k <= i; k++)
            if ((status = client_next(c, &at, body)) == 0)
                break;
        if (status || c->closed)
            return status;
        rig_turn(rig);
    }
}

#define client_wait_closed(rig, c) RIG_WAIT(rig, (c)->closed)

#endif
