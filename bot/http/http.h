/* The HTTP/1.1 server behind nginx or haproxy: strict framing, total deadlines, bounded memory, answers now or later.
 *
 * Not evhttp: see http_parse.h for strictness; deadlines there are per read and an idle connection costs 2 kB.  One
 * thread, one event base.  Only GET, HEAD and POST reach the handler; everything else is answered here. */
#ifndef SANGKIEN_BOT_HTTP_H
#define SANGKIEN_BOT_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <talloc.h>

#include "err.h"
#include "str.h"

struct event_base;
struct http_server;

/* Names a request that waits for its answer.  Never a pointer: when the client is gone the name is stale. */
struct http_request_id {
    uint32_t slot;
    uint32_t generation; /* never 0 in a live id */
};

/* Views into the read buffer, valid during the callback only. */
struct http_request {
    struct http_request_id id;
    struct str method;  /* "GET", "HEAD" or "POST" */
    struct str path;    /* as sent, not decoded: compare with known names, never open as a file */
    struct str query;   /* behind '?', may be empty */
    struct str headers; /* read through http_header() */
    struct str body;
};

/**
 * Called once per request, from the event loop. Leads to exactly one http_answer() with r->id, in the callback or later
 * (the server itself answers 503 after limits.handler_ms). Must not call http_server_free().
 */
typedef void http_handler(const struct http_request *r, void *ctx);

/* 0 takes the value in brackets. */
struct http_limits {
    uint32_t head_bytes;      /* [8 KiB] request line and headers */
    uint16_t head_lines;      /* [64] */
    uint32_t body_bytes;      /* [1 MiB] */
    uint32_t buffered_bytes;  /* [64 MiB] partial requests and unsent answers of all connections; beyond: 503 */
    uint32_t max_connections; /* [16,000] at most the process may open, less some for others; beyond: the backlog */
    uint32_t pipelined_max;   /* [16] unanswered requests of one connection, then it is not read */
    uint32_t head_ms;         /* [5,000] from a request's first byte to the end of its head */
    uint32_t request_ms;      /* [15,000] from its first byte to its last */
    uint32_t drain_ms;        /* [15,000] for the client to take what waits to be sent */
    uint32_t idle_ms;         /* [75,000] between requests; longer than the proxy's, so that the proxy closes first */
    uint32_t linger_ms;       /* [2,000] after a last answer, for the client to read it and close */
    uint32_t handler_ms;      /* [1,900] from a request's last byte to the server's own 503 */
};

/* Why a connection was ended by us before its client was through. */
enum http_kill {
    HTTP_KILL_IDLE,    /* nothing asked for idle_ms */
    HTTP_KILL_HEAD,    /* head too slow, answered 408 */
    HTTP_KILL_BODY,    /* body too slow, answered 408 */
    HTTP_KILL_DRAIN,   /* answer not taken */
    HTTP_KILL_LINGER,  /* client did not close after its last answer */
    HTTP_KILL_REFUSED, /* a request broke the rules, answered 4xx or 5xx */
    HTTP_KILL_PEER,    /* reset or vanished with an answer due */
    HTTP_KILL_MEMORY,
    HTTP_KILL_COUNT,
};

/* Upper bounds of the latency buckets, ms; the last bucket has none. */
#define HTTP_LATENCY_MS {5, 10, 25, 50, 100, 250, 500, 1000, 1500, 2000}
enum { HTTP_LATENCY_BUCKETS = 11 };

struct http_stats {
    uint32_t connections;             /* open now */
    uint32_t pending;                 /* requests handed out and unanswered, now */
    uint64_t buffered_bytes;          /* in read and write buffers, now */
    uint64_t accepted;
    uint64_t refused;                 /* connections closed unread because descriptors ran out */
    uint64_t accept_pauses;
    uint64_t killed[HTTP_KILL_COUNT];
    uint64_t requests;                /* handed to the handler */
    uint64_t answers[6];              /* by first digit of the status */
    uint64_t handler_timeouts;        /* of these, our own 503 */
    uint64_t latency[HTTP_LATENCY_BUCKETS]; /* POST requests, from the last byte to the answer; each in one bucket */
    uint64_t latency_ms;              /* their sum */
    uint64_t late_answers;            /* http_answer() with a stale id: nobody was there any more */
};

/** Short stable name for a metric label, "idle", "head", ... */
const char *http_kill_name(enum http_kill why);

/**
 * A server without a port yet. Freed by http_server_free(), talloc_free() or with `parent`.
 * @param limits  copied; NULL takes all defaults.
 * @return NULL when memory is out.
 */
struct http_server *http_server_new(TALLOC_CTX *parent, struct event_base *base, const struct http_limits *limits,
                                    http_handler *handler, void *ctx);

/** Closes all connections, unanswered ones too; the listening sockets stay open, they are the caller's. NULL is fine. */
void http_server_free(struct http_server *s);

/**
 * Accepts from a listening socket (several are fine), which other processes may share.
 * @param fd  stays the caller's, open until http_server_free(). Made non-blocking.
 * @return false with ERR_SYSTEM or ERR_NOMEM.
 */
bool http_server_listen_fd(struct http_server *s, int fd, struct err *e);

/**
 * Opens a listening socket: "127.0.0.1:8080", "[::1]:8080", "localhost:8080", "*:8080" (all addresses); port 0 = any.
 * @return descriptor (non-blocking, close-on-exec), or -1 with ERR_INVALID (the text) or ERR_SYSTEM.
 */
int http_listen(const char *host_port, struct err *e);

/** First value of a header, without blanks around it; p == NULL when it is not there. */
struct str http_header(const struct http_request *r, struct str lower_case_name);

/** How many header lines bear that name. */
unsigned http_header_count(const struct http_request *r, struct str lower_case_name);

/** Address of the connection's other end, the proxy's when there is one. @return false for a stale id. */
bool http_request_peer(const struct http_server *s, struct http_request_id id, struct sockaddr_storage *ret);

/**
 * Answers a request; a stale or already answered id is ignored. Content-Length, Date, Connection and nosniff are added,
 * HEAD gets no body, earlier requests of the connection are answered first.
 * @param content_type  "" with a body means text/plain in UTF-8. At most 100 bytes, no line end.
 * @param body          copied.
 */
void http_answer(struct http_server *s, struct http_request_id id, int status, struct str content_type,
                 struct str body);

/** Answers 405 with the methods that are allowed, e.g. STR("GET, HEAD"). */
void http_answer_not_allowed(struct http_server *s, struct http_request_id id, struct str allow);

const struct http_stats *http_server_stats(const struct http_server *s);

/**
 * Accepts no more, answers what is there with "Connection: close", closes what idles.
 * @param done  called once, from the event loop, when no connection is left; may free the server.
 */
void http_server_drain(struct http_server *s, void (*done)(void *ctx), void *ctx);

#endif
