/* One HTTP request to the stand-in, from its arrival to its single answer, with the fault that may befall it. */
#include "call.h"
#include "record.h"

#include <event2/bufferevent.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const struct {
    int         code;
    const char *text;
} sentences[] = {
    {-32, "Your application reach limit call api/minute"}, {-100, "Attachment is expired"}, {-200, "Send message failed"},
    {-201, "Parameter is invalid"}, {-204, "Official Account has been deleted"}, {-205, "Official Account does not exist"},
    {-209, "Application is not activated"}, {-210, "Parameter is over allowable length"}, {-211, "Out of quota"},
    {-212, "Official Account has not registered this api"}, {-213, "User has not followed OA"}, {-214, "Article is processing"},
    {-216, "Access token is invalid"}, {-217, "User has blocked invitations from Official Account"},
    {-218, "Out of quota receive"}, {-219, "Application has been removed or disabled"},
    {-220, "Access token is expired or removed"}, {-221, "Official Account must be verified"},
    {-223, "OA has not authorized application to call this api"}, {-224, "OA needs to upgrade the package"},
    {-227, "User is banned or has been inactive for more than 45 days"},
    {-230, "User has not interacted with the OA in the past 7 days"},
    {-232, "User has not interacted with the OA or the interaction has expired"}, {-233, "Message type is not support"},
    {-234, "Message cannot be sent at this time"}, {-235, "API does not support this type of Official Account"},
    {-237, "Group has been disabled"}, {-240, "Message V2 API has been shut down, please switch to V3 API"},
    {-242, "appsecret_proof provided is invalid"}, {-244, "User has restricted this type of message from your OA"},
    {-248, "Violation of platform standards"}, {-249, "Template cannot be sent by user id"},
    {-320, "Your application needs to connect with Zalo Cloud Account"}, {-321, "Zalo Cloud Account is out of money"},
    {404, "empty api"},
};

const char *error_sentence(int code)
{
    for (size_t i = 0; i < COUNT_OF(sentences); i++)
        if (sentences[i].code == code)
            return sentences[i].text;
    return "Unknown error";
}

/* Every live call, so that none is left behind at the end of the process. */
static TAILQ_HEAD(, call) calls = TAILQ_HEAD_INITIALIZER(calls);

static const char *method_name(enum evhttp_cmd_type method)
{
    switch (method) {
    case EVHTTP_REQ_GET: return "GET";
    case EVHTTP_REQ_POST: return "POST";
    case EVHTTP_REQ_PUT: return "PUT";
    case EVHTTP_REQ_DELETE: return "DELETE";
    default: return "HEAD";
    }
}

static bool is_platform(const char *path)
{
    return strncmp(path, "/v", 2) == 0; /* /v2.0, /v3.0, /v4: what the bot calls */
}

void call_begin(struct standin *s, struct evhttp_request *req, void (*route)(struct call *c))
{
    struct call             *c = must_alloc(sizeof(*c));
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
    const char              *raw_path = evhttp_uri_get_path(uri), *raw_query = evhttp_uri_get_query(uri);
    struct evbuffer         *in = evhttp_request_get_input_buffer(req);
    c->s = s;
    c->req = req;
    c->method = evhttp_request_get_command(req);
    c->path = raw_path ? evhttp_uridecode(raw_path, 0, NULL) : NULL;
    if (!c->path)
        c->path = must_dup("/");
    TAILQ_INIT(&c->query);
    TAILQ_INSERT_TAIL(&calls, c, next);
    if (raw_query)
        evhttp_parse_query_str(raw_query, &c->query);
    c->body_n = evbuffer_get_length(in);
    evbuffer_add(in, "", 1); /* the NUL behind the body */
    c->body = (const char *)evbuffer_pullup(in, -1);
    if (is_platform(c->path)) {
        record_request(s, method_name(c->method), c->path, raw_query, evhttp_request_get_input_headers(req), c->body, c->body_n);
        c->fault = faults_take(s->faults, c->path, c->body, c->body_n);
    }
    if (c->fault.kind != FAULT_NONE && !c->fault.processed)
        call_fail(c);
    else
        route(c);
}

/* ---- the end of a call ---- */

/* Where the connection failed by itself, evhttp has left the request to us; where we end it, it frees the request. */
void call_hung_up(struct call *c)
{
    if (c->req && !evhttp_request_get_connection(c->req))
        evhttp_request_free(c->req);
    c->req = NULL;
}

static void on_hangup(struct evhttp_connection *con, void *arg)
{
    (void)con;
    call_hung_up(arg);
}

void call_hold(struct call *c)
{
    evhttp_connection_set_closecb(evhttp_request_get_connection(c->req), on_hangup, c);
}

void call_end(struct call *c)
{
    if (c->req)
        evhttp_connection_set_closecb(evhttp_request_get_connection(c->req), NULL, NULL);
    if (c->timer)
        event_free(c->timer);
    if (c->answer)
        evbuffer_free(c->answer);
    TAILQ_REMOVE(&calls, c, next);
    evhttp_clear_headers(&c->query);
    free(c->path);
    free(c);
}

void calls_end(void)
{
    while (!TAILQ_EMPTY(&calls))
        call_end(TAILQ_FIRST(&calls));
}

void call_add_header(struct call *c, const char *name, const char *value)
{
    if (c->req)
        evhttp_add_header(evhttp_request_get_output_headers(c->req), name, value);
}

static void answer_now(struct call *c)
{
    struct evhttp_request *req = c->req;
    if (req) {
        if (c->type)
            call_add_header(c, "Content-Type", c->type);
        if (c->rated) {
            char digits[24];
            snprintf(digits, sizeof(digits), "%lld", (long long)c->s->set.rate_limit_per_minute);
            call_add_header(c, "X-RateLimit-Limit", digits);
            snprintf(digits, sizeof(digits), "%lld", (long long)c->rate_remain);
            call_add_header(c, "X-RateLimit-Remain", digits);
        }
        evhttp_connection_set_closecb(evhttp_request_get_connection(req), NULL, NULL);
        c->req = NULL;
        evhttp_send_reply(req, c->status, c->status == 200 ? "OK" : NULL, c->answer);
    }
    call_end(c);
}

static void wait_ms(struct call *c, int64_t ms, event_callback_fn then)
{
    if (!c->timer && !(c->timer = evtimer_new(c->s->base, then, c)))
        exit(71);
    struct timeval t = {ms / 1000, (ms % 1000) * 1000};
    evtimer_add(c->timer, &t);
}

static void on_delay_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    answer_now(arg);
}

static void give_answer(struct call *c)
{
    if (c->fault.kind != FAULT_NONE && c->fault.kind != FAULT_PASS) {
        call_fail(c);
    } else if (c->s->set.api_delay_ms > 0 && is_platform(c->path)) {
        if (c->req)
            call_hold(c);
        wait_ms(c, c->s->set.api_delay_ms, on_delay_over);
    } else {
        answer_now(c);
    }
}

void call_text(struct call *c, int status, const char *type, const char *p, size_t n)
{
    c->status = status;
    c->type = type;
    c->answer = evbuffer_new();
    if (!c->answer)
        exit(71);
    evbuffer_add(c->answer, p, n);
    give_answer(c);
}

void call_json(struct call *c, int status, cJSON *o)
{
    char *text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    call_text(c, status, "application/json; charset=utf-8", text, strlen(text));
    cJSON_free(text);
}

void call_error(struct call *c, int code, const char *why)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "error", code);
    cJSON_AddStringToObject(o, "message", why && *why ? why : error_sentence(code));
    call_json(c, 200, o);
}

void call_success(struct call *c, cJSON *data)
{
    cJSON *o = cJSON_CreateObject();
    if (data)
        cJSON_AddItemToObject(o, "data", data);
    cJSON_AddNumberToObject(o, "error", 0);
    cJSON_AddStringToObject(o, "message", "Success");
    call_json(c, 200, o);
}

void call_bad(struct call *c, const char *fmt, ...)
{
    char    why[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "error", why);
    call_json(c, 400, o);
}

/* ---- faults ---- */

/* The connection ends without evhttp's help.  A reset is made by dissolving the socket's association: Linux sends RST. */
static void cut(struct call *c, bool reset, const char *first_bytes)
{
    if (c->req) {
        struct evhttp_connection *con = evhttp_request_get_connection(c->req);
        evutil_socket_t           fd = bufferevent_getfd(evhttp_connection_get_bufferevent(con));
        if (first_bytes && send(fd, first_bytes, strlen(first_bytes), MSG_NOSIGNAL) < 0)
            standin_say(c->s, "could not write the bad answer, ignoring");
        if (reset && connect(fd, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)) < 0)
            standin_say(c->s, "could not reset a connection, ignoring");
        evhttp_connection_set_closecb(con, NULL, NULL);
        c->req = NULL;
        evhttp_connection_free(con);
    }
    call_end(c);
}

static void on_cut(evutil_socket_t fd, short what, void *arg)
{
    struct call *c = arg;
    (void)fd;
    (void)what;
    const char *bytes = c->fault.kind == FAULT_BAD_HTTP ? "\x16\x03\x01 this is no HTTP\r\n\r\n" : NULL;
    cut(c, c->fault.kind == FAULT_RESET, bytes);
}

static void on_trickle(evutil_socket_t fd, short what, void *arg)
{
    struct call *c = arg;
    (void)fd;
    (void)what;
    if (!c->req) {
        call_end(c);
        return;
    }
    struct evbuffer *out = evbuffer_new();
    if (!out)
        exit(71);
    if (c->fault.kind == FAULT_ENDLESS) {
        static const char spaces[] = "                                                                ";
        for (int i = 0; i < 256; i++)
            evbuffer_add(out, spaces, sizeof(spaces) - 1);
    } else {
        evbuffer_remove_buffer(c->answer, out, 1);
    }
    evhttp_send_reply_chunk(c->req, out);
    evbuffer_free(out);
    if (c->req && c->fault.kind == FAULT_SLOW_BODY && evbuffer_get_length(c->answer) == 0) {
        struct evhttp_request *req = c->req;
        evhttp_connection_set_closecb(evhttp_request_get_connection(req), NULL, NULL);
        c->req = NULL;
        evhttp_send_reply_end(req);
        call_end(c);
        return;
    }
    wait_ms(c, c->fault.ms, on_trickle);
}

static void trickle(struct call *c)
{
    char length[24];
    if (!c->answer) /* befallen before it was processed */
        c->answer = evbuffer_new();
    if (c->answer && evbuffer_get_length(c->answer) == 0)
        evbuffer_add_printf(c->answer, "{\"error\":-200,\"message\":\"Send message failed\"}");
    snprintf(length, sizeof(length), "%zu", evbuffer_get_length(c->answer));
    call_add_header(c, "Content-Type", "application/json");
    if (c->fault.kind == FAULT_SLOW_BODY)
        call_add_header(c, "Content-Length", length);
    if (c->req)
        evhttp_send_reply_start(c->req, 200, "OK");
    wait_ms(c, c->fault.ms, on_trickle);
}

static void replace_answer(struct call *c, int status, const char *type, const char *text)
{
    if (c->answer)
        evbuffer_free(c->answer);
    c->answer = evbuffer_new();
    if (!c->answer)
        exit(71);
    evbuffer_add(c->answer, text, strlen(text));
    c->status = status;
    c->type = type;
    answer_now(c);
}

/* OAuth errors have their own shape (zalo-oa-api 4.4). */
static char *error_body(const struct call *c)
{
    const char *text = c->fault.message[0] ? c->fault.message : error_sentence(c->fault.code);
    cJSON      *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "error", c->fault.code);
    cJSON_AddStringToObject(o, strncmp(c->path, "/v4/oa/", 7) == 0 ? "error_name" : "message", text);
    char *body = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    return body;
}

void call_fail(struct call *c)
{
    if (c->req)
        call_hold(c);
    switch (c->fault.kind) {
    case FAULT_STATUS:
        replace_answer(c, c->fault.code, "text/html", "<html><body><h1>It is not your fault</h1></body></html>");
        break;
    case FAULT_GARBAGE:
        replace_answer(c, 200, "application/json", "<!doctype html><title>{\"error\":0,</title>");
        break;
    case FAULT_TRUNCATED: {
        size_t n = c->answer ? evbuffer_get_length(c->answer) / 2 : 0;
        char  *half = must_alloc(n + 1);
        if (n)
            evbuffer_remove(c->answer, half, n);
        replace_answer(c, 200, "application/json", half);
        free(half);
        break;
    }
    case FAULT_ERROR: {
        char *body = error_body(c);
        replace_answer(c, 200, "application/json", body);
        cJSON_free(body);
        break;
    }
    case FAULT_DELAY:
        if (c->answer)
            wait_ms(c, c->fault.ms, on_delay_over);
        else
            replace_answer(c, 200, "application/json", "{\"error\":-200,\"message\":\"Send message failed\"}");
        break;
    case FAULT_SLOW_BODY:
    case FAULT_ENDLESS: trickle(c); break;
    case FAULT_STALL: wait_ms(c, c->fault.ms, on_cut); break;
    default: wait_ms(c, 0, on_cut); break; /* not inside evhttp's own callback: it still uses the connection */
    }
}

/* ---- reading ---- */

const char *call_header(const struct call *c, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(c->req), name);
}

const char *call_query(const struct call *c, const char *name)
{
    return evhttp_find_header(&c->query, name);
}

int64_t call_query_integer(const struct call *c, const char *name, int64_t otherwise)
{
    const char *text = call_query(c, name);
    return text && *text ? strtoll(text, NULL, 10) : otherwise;
}

cJSON *call_body_json(const struct call *c)
{
    if (!utf8_valid(c->body, c->body_n))
        return NULL;
    cJSON *o = cJSON_ParseWithLength(c->body, c->body_n);
    if (cJSON_IsObject(o))
        return o;
    cJSON_Delete(o);
    return NULL;
}
