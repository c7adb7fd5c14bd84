/* A web server for tests that reads whole requests and then behaves as badly as it is told to. */
#ifndef SANGKIEN_TESTS_BOT_ZALO_RUDE_SERVER_H
#define SANGKIEN_TESTS_BOT_ZALO_RUDE_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "str.h"

struct event_base;
struct evconnlistener;
struct peer;

enum act {
    ANSWER,          /* 200 with `body`, connection kept */
    ANSWER_RAW,      /* the bytes of `body` as they stand, then close */
    RESET_ON_REUSE,  /* the first request of a connection is answered, the second one taken and the connection reset */
    RESET,           /* take the request, then reset */
    SILENCE,         /* take the request, never answer */
    DRIP,            /* an answer of one byte every now and then */
    ENDLESS,         /* an answer without end */
};

struct server {
    struct event_base *base;
    struct evconnlistener *listener;
    struct peer *first; /* open connections */
    unsigned port;
    enum act act;
    struct str body;
    const char *extra_header;
    unsigned requests, connections;
    char last[8192]; /* the last request, head and body */
};

/** Listens on a free port of the loopback, which it puts into s->port; what is set in *s before stays. */
bool server_start(struct server *s, struct event_base *base);

/** Resets all connections and stops listening. */
void server_stop(struct server *s);

#endif
