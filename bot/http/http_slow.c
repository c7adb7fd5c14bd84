/* Connections whose request trickles in: whoever is quicker goes first, but nobody waits for ever.
 *
 * They are watched by an epoll set of their own, which is one descriptor for the event loop.  So each turn of the loop serves some
 * of them, the one that waits longest first (the kernel moves whoever was served to the end), and never more: neither can a
 * thousand of them crowd out a quick one, nor thousands of quick ones them. */
#include <sys/epoll.h>
#include <unistd.h>

#include "http_conn.h"

enum { AT_ONCE = 16 };

/* One at a time: serving one may end another. */
static void on_slow(evutil_socket_t fd, short what, void *arg)
{
    struct epoll_event ready;
    (void)what;
    (void)arg;
    for (int n = 0; n < AT_ONCE && epoll_wait(fd, &ready, 1, 0) == 1; n++)
        conn_ready(ready.data.ptr, false);
}

bool slow_open(struct http_server *s)
{
    s->slow_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->slow_fd < 0)
        return true; /* no descriptor left: they are served like all others */
    s->slow = event_new(s->base, s->slow_fd, EV_READ | EV_PERSIST, on_slow, NULL);
    return s->slow && event_add(s->slow, NULL) == 0;
}

void slow_close(struct http_server *s)
{
    if (s->slow)
        event_free(s->slow);
    if (s->slow_fd >= 0)
        close(s->slow_fd);
}

bool slow_add(struct conn *c)
{
    struct epoll_event read = {.events = EPOLLIN, .data.ptr = c};
    return c->server->slow_fd >= 0 && epoll_ctl(c->server->slow_fd, EPOLL_CTL_ADD, event_get_fd(&c->ev), &read) == 0;
}

void slow_remove(struct conn *c)
{
    epoll_ctl(c->server->slow_fd, EPOLL_CTL_DEL, event_get_fd(&c->ev), NULL);
}
