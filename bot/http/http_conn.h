/* What http.c (server: ports, timers, drain), http_conn.c (one connection), http_slow.c (requests that trickle in) and
 * http_exchange.c (requests that wait, answers) share; nobody else includes this.
 *
 * An idle connection is one struct conn, mostly libevent's event in it.  Bytes are read into one buffer of the server and
 * parsed there; only what is left of an incomplete request moves to a buffer of the connection. */
#ifndef SANGKIEN_BOT_HTTP_CONN_H
#define SANGKIEN_BOT_HTTP_CONN_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "http.h"
#include "http_parse.h"

enum {
    NO_SLOT = -1,
    SCRATCH_BYTES = 16 * 1024, /* read at once; also the most a connection holds of pipelined requests */
    BLOCK_BYTES = 2 * 1024,    /* pooled buffer: an ordinary webhook or some answers */
    POOL_BLOCKS = 256,         /* kept for reuse, 512 KiB */
    CORKED_BYTES = 64 * 1024,  /* answers gathered before they are sent while requests are being read */
    LINGER_BYTES = 4 << 20,    /* thrown away at most while waiting for a client to close */
    WHEEL_SLOTS = 256,
    EXPIRE_AT_ONCE = 64,       /* then other events get their turn */
    SLOW_MS = 300,             /* a request not there after so long is a slow one */
};

/*  OPEN ----- "close" or a broken rule -----> LAST -- all answers sent --> LINGER -- client closed --> freed
 *   \-- hang-up with nothing due, deadline -----------------------------------------------------------/
 * OPEN:   requests are read while fewer than pipelined_max wait and nothing is unsent.
 * LAST:   nothing more is read; answers due still go out, the last one says "Connection: close".
 * LINGER: our side is shut; what comes is thrown away, or the reset would eat the answer (RFC 9112 9.6).
 * DEAD:   failed while its own request was being handed out; freed when that is over. */
enum conn_phase { CONN_OPEN, CONN_LAST, CONN_LINGER, CONN_DEAD };

/* Start of an incomplete request, or requests that have to wait (`stalled`). */
struct inbox {
    uint32_t size, used;
    int64_t since_ms; /* first byte of the request */
    bool stalled;     /* not parsed to the end because too much is unanswered or unsent */
    bool continued;   /* "100 Continue" is out */
    struct http_parse parse;
    char bytes[];
};

/* Encoded answers. */
struct outbox {
    uint32_t size, used, sent;
    char bytes[];
};

struct conn {
    struct event ev;         /* persistent; EV_READ or EV_WRITE as `watched` says, unless `slow` */
    struct http_server *server;
    struct conn *next, **prev; /* wheel slot of tick `linked_tick`, never later than the deadline */
    int64_t deadline_ms;
    struct inbox *in;        /* NULL when nothing is half read */
    struct outbox *out;      /* NULL when nothing is unsent */
    int32_t first, last;     /* exchanges in order of arrival, NO_SLOT when none */
    uint32_t linked_tick;
    uint32_t discarded;      /* while lingering */
    uint16_t pending;
    uint8_t phase;
    uint8_t watched;
    bool eof : 1;            /* the client has finished sending */
    bool served : 1;         /* at least one request came */
    bool unsent : 1;         /* the drain deadline runs */
    bool slow : 1;           /* watched by http_slow.c, not by `ev` */
};

/* A request that has not been answered, or whose answer waits for an earlier one. */
struct exchange {
    struct conn *conn;     /* NULL: free */
    struct outbox *stored; /* its answer, when it came before its turn */
    int64_t deadline_ms;
    uint32_t generation;
    int32_t next;          /* of the same connection, or of the free list */
    int32_t older, newer;  /* of all that wait for the handler: one duration, so in order of deadline */
    bool waiting, answered, close, head_only;
    bool timed;            /* its latency counts */
};

struct listener {
    struct event *ev;
    struct listener *next;
};

struct http_server {
    struct event_base *base;
    struct http_limits limits;
    struct http_parse_limits parse_limits;
    http_handler *handler;
    void *ctx;
    struct http_stats stats;

    struct listener *listeners;
    struct event *accept_timer; /* ends a pause */
    uint32_t accept_pause_ms;
    int reserve_fd;
    bool accepting, accept_paused;

    struct event *tick;         /* turns the wheel */
    struct event *handler_timer; /* deadline of the oldest waiting exchange, or earlier */
    uint32_t tick_ms, wheel_tick;
    int64_t started_ms;
    struct conn *wheel[WHEEL_SLOTS];

    struct event *slow;         /* of http_slow.c */
    int slow_fd;

    bool draining;
    struct event *drained;
    void (*on_drained)(void *ctx);
    void *drained_ctx;

    struct conn *busy;          /* its requests are being handed out: its answers are corked */
    struct exchange *exchanges;
    uint32_t exchange_count;
    int32_t exchange_free, oldest, newest;
    void *pool;
    uint32_t pooled;
    char date[40];              /* value of the Date header, at most a tick old */
    char scratch[SCRATCH_BYTES];
};

int64_t http_now_ms(void);

/* http_exchange.c */
struct answer {
    int status;
    struct str content_type, body, allow;
};
/* Buffers count in stats.buffered_bytes; *size is rounded up to what was taken. */
void *http_memory_take(struct http_server *s, uint32_t *size);
void http_memory_give(struct http_server *s, void *p, uint32_t size);
void http_exchanges_done(struct http_server *s);
bool outbox_append(struct http_server *s, struct outbox **box, struct str text);
void outbox_drop(struct http_server *s, struct outbox **box);
int32_t exchange_push(struct conn *c, bool head_only, bool close);
void exchange_wait(struct http_server *s, int32_t slot, int64_t now);
void exchange_stop_waiting(struct http_server *s, struct exchange *x);
void exchange_pop(struct conn *c);
struct exchange *exchange_find(const struct http_server *s, struct http_request_id id);
struct str answer_status_line(int status);
bool answer_encode(struct http_server *s, struct outbox **box, const struct answer *a, bool head_only, bool close);

/* http_conn.c */
bool conn_new(struct http_server *s, int fd);
void conn_free(struct conn *c);
void conn_expire(struct conn *c);
void conn_drain(struct conn *c);
void conn_ready(struct conn *c, bool write); /* may free it */
void http_expire_exchanges(struct http_server *s);

/* http_slow.c */
bool slow_open(struct http_server *s);
void slow_close(struct http_server *s);
bool slow_add(struct conn *c); /* false: watch it like any other */
void slow_remove(struct conn *c);

/* http.c */
void server_conn_deadline(struct conn *c, int64_t deadline_ms); /* links it into the wheel when it is new */
void server_conn_gone(struct conn *c);                          /* unlinks and uncounts it */

#endif
