/* One HTTP request to the stand-in, from its arrival to its single answer, with the fault that may befall it. */
#ifndef STANDIN_CALL_H
#define STANDIN_CALL_H

#include "faults.h"
#include "standin.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <sys/queue.h>

struct call {
    TAILQ_ENTRY(call)      next;
    struct standin        *s;
    struct evhttp_request *req;  /* NULL once the client has hung up on a held call */
    char                  *path; /* decoded, without the query */
    struct evkeyvalq       query;
    const char            *body; /* NUL-terminated for convenience; valid until the answer */
    size_t                 body_n;
    enum evhttp_cmd_type   method;
    bool                   rated;       /* the answer carries X-RateLimit-* */
    int64_t                rate_remain;
    struct fault           fault;       /* FAULT_NONE: answered as it should be */
    struct event          *timer;       /* a fault or delay that takes time */
    int                    status;      /* the answer while it waits */
    struct evbuffer       *answer;
    const char            *type;
    size_t                 sent;
};

/** Entry: every request of the server.  Its answer is given by exactly one of the call_ functions below. */
void call_begin(struct standin *s, struct evhttp_request *req, void (*route)(struct call *c));

/** Must be called before a handler returns without having answered: survives the client's hanging up. */
void call_hold(struct call *c);

/** For a handler with its own close callback: the client has gone. */
void call_hung_up(struct call *c);

/** Answer with `o`, which is taken.  API answers go through the fault, api_delay_ms and rate headers. */
void call_json(struct call *c, int status, cJSON *o);
/** The same with JSON already printed. */
void call_text(struct call *c, int status, const char *type, const char *p, size_t n);
/** {"error":code,"message":...} with HTTP 200; `why` NULL: the usual sentence of the code. */
void call_error(struct call *c, int code, const char *why);
/** {"data":data,"error":0,"message":"Success"}; `data` is taken, NULL leaves it out. */
void call_success(struct call *c, cJSON *data);
/** Admin endpoints: HTTP 400 with {"error": sentence}. */
void call_bad(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Answers by what the fault says instead of the answer; `c->fault` must not be FAULT_NONE. */
void call_fail(struct call *c);
/** The call is over without an ordinary answer (an event stream was closed). */
void call_end(struct call *c);
/** Ends the calls still waiting when the process stops. */
void calls_end(void);

const char *call_header(const struct call *c, const char *name);
const char *call_query(const struct call *c, const char *name);
int64_t     call_query_integer(const struct call *c, const char *name, int64_t otherwise);
/** The body as a JSON object, or NULL.  Owned by the caller. */
cJSON      *call_body_json(const struct call *c);
void        call_add_header(struct call *c, const char *name, const char *value);

/** The usual English sentence of an error code of the OA API. */
const char *error_sentence(int code);

#endif
