/* A badly behaved web server: see rude_server.h. */
#include "rude_server.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct peer {
    struct peer *next;
    struct server *server;
    unsigned requests;
    struct bufferevent *bev;
    struct event *drip;
};

static void peer_reset(struct peer *p)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(bufferevent_getfd(p->bev), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    if (p->drip)
        event_free(p->drip);
    struct peer **link = &p->server->first;
    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
    bufferevent_free(p->bev);
    free(p);
}

static void on_drip(evutil_socket_t fd, short what, void *arg)
{
    struct peer *p = arg;
    (void)fd, (void)what;
    bufferevent_write(p->bev, "x", 1);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct peer *p = arg;
    static const char chunk[16384];
    (void)bev;
    if (p->server->act == ENDLESS && p->requests > 0)
        bufferevent_write(p->bev, chunk, sizeof(chunk));
    else if (p->server->act == ANSWER_RAW && p->requests > 0)
        peer_reset(p);
}

static void answer_ok(struct peer *p)
{
    struct server *s = p->server;
    evbuffer_add_printf(bufferevent_get_output(p->bev), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n%s\r\n", s->body.n, s->extra_header ? s->extra_header : "");
    bufferevent_write(p->bev, s->body.p, s->body.n);
}

static void on_request(struct peer *p)
{
    struct server *s = p->server;
    s->requests++;
    p->requests++;
    static const struct timeval often = {0, 20000};
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 100000000\r\n\r\n";
    switch (s->act) {
    case ANSWER:
        answer_ok(p);
        break;
    case ANSWER_RAW:
        bufferevent_write(p->bev, s->body.p, s->body.n);
        break;
    case RESET_ON_REUSE:
        if (p->requests == 1)
            answer_ok(p);
        else
            peer_reset(p);
        break;
    case RESET:
        peer_reset(p);
        break;
    case SILENCE:
        break;
    case DRIP:
        bufferevent_write(p->bev, head, sizeof(head) - 1);
        p->drip = event_new(s->base, -1, EV_PERSIST, on_drip, p);
        event_add(p->drip, &often);
        break;
    case ENDLESS:
        bufferevent_write(p->bev, head, sizeof(head) - 1);
        break;
    }
}

/* Waits for a whole request: head, and as much body as Content-Length says. */
static void on_bytes(struct bufferevent *bev, void *arg)
{
    struct peer *p = arg;
    struct evbuffer *in = bufferevent_get_input(bev);
    size_t n = evbuffer_get_length(in);
    char text[sizeof(p->server->last)];
    n = n < sizeof(text) - 1 ? n : sizeof(text) - 1;
    evbuffer_copyout(in, text, n);
    text[n] = '\0';
    const char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "content-length:");
    if (!end)
        return;
    size_t whole = (size_t)(end + 4 - text) + (length && length < end ? strtoul(length + 15, NULL, 10) : 0);
    if (n < whole)
        return;
    memcpy(p->server->last, text, n + 1);
    evbuffer_drain(in, whole);
    on_request(p);
}

static void on_gone(struct bufferevent *bev, short what, void *arg)
{
    (void)bev, (void)what;
    peer_reset(arg);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from, int n, void *arg)
{
    struct server *s = arg;
    struct peer *p = calloc(1, sizeof(*p));
    (void)l, (void)from, (void)n;
    p->server = s;
    p->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(p->bev, on_bytes, on_written, on_gone, p);
    bufferevent_enable(p->bev, EV_READ | EV_WRITE);
    p->next = s->first;
    s->first = p;
    s->connections++;
}

bool server_start(struct server *s, struct event_base *base)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(any);
    s->base = base;
    s->listener = evconnlistener_new_bind(base, on_accept, s, LEV_OPT_CLOSE_ON_FREE, 64, (struct sockaddr *)&any, sizeof(any));
    if (!s->listener || getsockname(evconnlistener_get_fd(s->listener), (struct sockaddr *)&any, &n) != 0)
        return false;
    s->port = ntohs(any.sin_port);
    return true;
}

void server_stop(struct server *s)
{
    while (s->first)
        peer_reset(s->first);
    evconnlistener_free(s->listener);
}
