/* The public HTTP side: see webhook.h. */
#include "webhook.h"

#include <event2/event.h>
#include <stdlib.h>

#include "broadcast/broadcast_seen.h"
#include "clock.h"
#include "conversation_store.h"
#include "fault.h"
#include "spool/intake.h"
#include "log.h"
#include "metrics.h"
#include "send/outbox.h"
#include "pg_queue.h"
#include "scoped.h"
#include "settings.h"
#include "similar/similar.h"
#include "similar/similar_finder.h"
#include "token/token.h"
#include "zalo/decode.h"
#include "zalo/signature.h"

enum {
    ECHO_DEADLINE_MS = 700, /* twice that (behind a write that fails) and the spool's fsync fit into ANSWER_MS */
    ECHO_AGAIN_MS = 1000,
    ANSWER_MS = 1800,       /* Zalo waits 2 s */
};

/* An echo that has to be kept: written with all that came meanwhile, answered when committed or spooled. */
struct echo {
    struct echo *next;
    struct inbound *in;
    struct str body;
    struct http_request_id request;
    int64_t spool_id; /* 0: not out of the spool */
};

struct webhook {
    struct webhook_options options;
    struct http_server *server[2]; /* public; admin, when it has an address of its own */
    struct listener *listener[2];
    size_t listeners;
    struct echo *echoes, **last_echo, *writing;
    struct event *echo_timer;
    unsigned draining;
    void (*drained)(void *ctx);
    void *drained_ctx;
};

struct listener {
    struct webhook *w;
    struct http_server *server;
    bool public_paths, admin_paths;
};

static void answer(struct listener *l, struct http_request_id id, int status, const char *body)
{
    http_answer(l->server, id, status, STR(""), str_of(body));
}

static void ok(struct webhook *w, struct http_request_id id)
{
    http_answer(w->server[0], id, 200, STR("application/json"), STR("{}"));
}

/* ---- echoes ---- */

static void write_echoes(struct webhook *w);

static void queue_echo(struct webhook *w, struct echo *e)
{
    e->next = NULL;
    *w->last_echo = e;
    w->last_echo = &e->next;
}

/* Not written: into the spool, or, when it comes from there, later again. */
static void keep_echo(struct webhook *w, struct echo *e)
{
    if (e->spool_id) {
        queue_echo(w, e);
        return;
    }
    struct spool_row row = {.user_id = e->in->user_id, .body = e->body};
    if (zalo_event_key(e->in, e->body, row.key))
        intake_spool(w->options.intake, &row, e->request);
    else
        webhook_answer(w, e->request, false);
    talloc_free(e);
}

static void on_echoes_written(const struct pg_answer *db, void *arg)
{
    struct webhook *w = arg;
    struct echo *e = TAKE(w->writing);
    while (e) {
        struct echo *next = e->next;
        if (db->e) {
            keep_echo(w, e);
        } else {
            if (e->spool_id)
                intake_echo_written(w->options.intake, e->spool_id, e->body);
            else
                ok(w, e->request);
            talloc_free(e);
        }
        e = next;
    }
    struct timeval later = {ECHO_AGAIN_MS / 1000, 0};
    if (w->echoes && db->e)
        event_add(w->echo_timer, &later);
    else if (w->echoes)
        write_echoes(w);
}

static void on_echo_timer(evutil_socket_t fd, short what, void *arg)
{
    struct webhook *w = arg;
    (void)fd;
    (void)what;
    if (w->echoes && !w->writing)
        write_echoes(w);
}

/* The signed number is not checked: one ahead of our clock (or beyond what a timestamp holds) becomes now. */
static int64_t echo_at_ms(const struct inbound *in)
{
    int64_t now_ms = clock_epoch_ms();
    return in->sent_at_ms < now_ms ? in->sent_at_ms : now_ms;
}

static void write_echoes(struct webhook *w)
{
    w->writing = TAKE(w->echoes);
    w->last_echo = &w->echoes;
    struct pg_unit *unit = pg_unit_new(w);
    struct save *s = save_new(unit);
    for (const struct echo *e = w->writing; e; e = e->next)
        save_row(s, SQL_ECHO_ADD, "ttmtt", e->in->user_id, e->in->msg_id ? e->in->msg_id : "", echo_at_ms(e->in), e->in->admin_id, e->in->text);
    save_into(s, unit);
    PG_FAULTS(unit, "echo_before_write", "echo_after_write");
    pg_queue_run(w->options.background, unit, ECHO_DEADLINE_MS, on_echoes_written, w);
}

/* What the OA was seen to send.  Our own message whose answer has come needs no row; an echo that overtook its answer, or
 * another sender's, is kept. */
static void take_echo(struct webhook *w, struct inbound *in, const struct http_request *r)
{
    metrics.echoes++;
    if (in->msg_id && outbox_sent_lately(w->options.outbox, in->msg_id)) {
        ok(w, r->id);
        talloc_free(in);
        return;
    }
    struct echo *e = talloc_zero(w, struct echo);
    *e = (struct echo){
        .in = talloc_steal(e, in), .body = {talloc_memdup(e, r->body.p, r->body.n), r->body.n}, .request = r->id};
    queue_echo(w, e);
    if (!w->writing)
        write_echoes(w);
}

void webhook_take_spooled_echo(struct webhook *w, struct inbound *in, int64_t spool_id, struct str body)
{
    struct echo *e = talloc_zero(w, struct echo);
    *e = (struct echo){.in = talloc_steal(e, in), .body = {NULL, body.n}, .spool_id = spool_id};
    queue_echo(w, e);
    if (!w->writing && !event_pending(w->echo_timer, EV_TIMEOUT, NULL))
        write_echoes(w);
}

/* ---- events ---- */

static void take_event(struct webhook *w, const struct http_request *r, struct inbound *in, TALLOC_CTX *memory)
{
    struct turn_event *event = turn_event_new(w->options.turns);
    event->in = talloc_steal(event, in);
    event->request = r->id;
    event->redelivered = http_header_count(r, STR("num_retry")) > 0;
    event->body = (struct str){talloc_memdup(event, r->body.p, r->body.n), r->body.n};
    bool keyed = zalo_event_key(in, r->body, event->key);
    talloc_free(memory);
    if (!keyed || FAULT_POINT("webhook_before_intake")) {
        talloc_free(event);
        http_answer(w->server[0], r->id, 503, STR(""), STR(""));
        return;
    }
    intake_take(w->options.intake, event);
}

static void take_receipt(struct webhook *w, const struct inbound *in)
{
    if (in->kind == IN_RECEIVED && in->msg_id)
        broadcast_seen_note(w->options.seen, in->user_id, in->msg_id, false);
    for (size_t i = 0; in->kind == IN_SEEN && i < in->seen_count; i++)
        broadcast_seen_note(w->options.seen, in->user_id, in->seen_ids[i], true);
}

static void dispatch(struct webhook *w, const struct http_request *r, struct inbound *in, TALLOC_CTX *memory)
{
    metrics.events[in->kind]++;
    switch (in->kind) {
    case IN_RECEIVED:
    case IN_SEEN:
        take_receipt(w, in);
        ok(w, r->id);
        talloc_free(memory);
        return;
    case IN_IGNORED:
        ok(w, r->id);
        talloc_free(memory);
        return;
    case IN_REVOKED:
        log_error("the OA has withdrawn its permission: nothing can be sent until it consents again (sangkien token set)");
        ok(w, r->id);
        talloc_free(memory);
        return;
    case IN_ECHO:
        if (!in->admin_id || in->conversation_id) {
            in = talloc_steal(w, in);
            talloc_free(memory);
            take_echo(w, in, r);
            return;
        }
        break; /* a human in OA Manager: an event of that person's conversation */
    default:
        break;
    }
    take_event(w, r, in, memory);
}

static void on_post(struct listener *l, const struct http_request *r)
{
    struct webhook *w = l->w;
    const struct settings *s = w->options.settings;
    const char *oa_ids[] = {s->zalo.oa_id};
    struct zalo_secrets secrets = {
        .current = str_of(s->zalo.oa_secret_key), .previous = str_of(s->zalo.oa_secret_key_previous), .oa_ids = oa_ids, .oa_count = 1};
    struct str signature = http_header(r, STR("x-zevent-signature"));
    enum zalo_verdict verdict = zalo_verify(r->body, signature, http_header_count(r, STR("x-zevent-signature")), &secrets);
    if (verdict == ZALO_NO_SECRET) { /* bootstrap: the console shows the secret after the URL has been accepted */
        ok(w, r->id);
        return;
    }
    if (verdict == ZALO_UNSIGNED && (r->body.n == 0 || r->body.p[0] != '{')) { /* a bare probe of the console (1.2) */
        ok(w, r->id);
        return;
    }
    if (verdict != ZALO_SIGNED) {
        static struct log_gate gate;
        if (log_pass(&gate, 30000))
            log_warn("a webhook request is not signed as it should be (%s): answered 401; see zalo.oa_secret_key", zalo_verdict_name(verdict));
        answer(l, r->id, 401, "not signed\n");
        return;
    }
    metrics.signed_requests++;
    TALLOC_CTX *memory = talloc_new(w);
    struct zalo_identity identity = {.app_id = s->zalo.app_id, .oa_ids = oa_ids, .oa_count = 1};
    struct inbound *in = NULL;
    struct err e;
    if (!zalo_decode(memory, r->body, &identity, &in, &e)) {
        static struct log_gate gate;
        metrics.undecodable++;
        if (log_pass(&gate, 10000))
            log_warn("a signed event cannot be read: %s; answered 200, a repeat would not help", e.msg);
        talloc_free(memory);
        ok(w, r->id);
        return;
    }
    dispatch(w, r, in, memory);
}

/* ---- the other paths ---- */

static bool is_verification(const struct settings *s, struct str path)
{
    if (!s->zalo.verification[0] || path.n < 2)
        return false;
    struct str file = str_skip(path, 1), name = str_of(s->zalo.verification);
    if (str_eq(file, name))
        return true;
    const struct str front = STR("zalo_verifier"), back = STR(".html");
    return file.n == front.n + name.n + back.n && str_starts(file, front) && str_starts(str_skip(file, front.n), name) &&
           str_eq(str_skip(file, front.n + name.n), back);
}

/* The code inside "zalo_verifierCODE.html", or the setting itself. */
static struct str verification_code(const struct settings *s)
{
    struct str code = str_of(s->zalo.verification);
    const struct str front = STR("zalo_verifier"), back = STR(".html");
    if (str_starts(code, front))
        code = str_skip(code, front.n);
    if (code.n > back.n && str_eq(str_skip(code, code.n - back.n), back))
        code.n -= back.n;
    return code;
}

static void answer_verification(struct listener *l, const struct http_request *r)
{
    struct str code = verification_code(l->w->options.settings);
    char *page = talloc_asprintf(NULL,
                                 "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">"
                                 "<meta name=\"zalo-platform-site-verification\" content=\"%.*s\"></head>"
                                 "<body>There Is No Limit To What You Can Accomplish Using Zalo!</body></html>\n",
                                 STR_ARG(code));
    http_answer(l->server, r->id, 200, STR("text/html; charset=utf-8"), str_of(page));
    talloc_free(page);
}

/* The first thing that an operator has to mend; an event is taken as long as the database or the spool takes it. */
static void answer_ready(struct listener *l, const struct http_request *r)
{
    const struct webhook_options *o = &l->w->options;
    char body[300];
    const char *why = "";
    bool database = turns_ready(o->turns), spool = intake_well(o->intake);
    if (!database && !spool)
        snprintf(body, sizeof(body), "neither the database nor the spool can be used\n");
    else if (!database)
        snprintf(body, sizeof(body), "degraded: the database cannot be reached; %llu events wait in the spool\n",
                 (unsigned long long)spool_rows(intake_spool_of(o->intake)));
    else if (!spool)
        snprintf(body, sizeof(body), "degraded: the spool cannot be used; what the database does not take in time is answered 503\n");
    else if (tokens_degraded(o->tokens, &why))
        snprintf(body, sizeof(body), "degraded: %s\n", why);
    else
        snprintf(body, sizeof(body), "ready\n");
    answer(l, r->id, database || spool ? 200 : 503, body);
}

static char *metrics_of(const struct webhook *w)
{
    return metrics_text(NULL, &(struct metrics_sources){
        .http = w->server[0], .turns = w->options.turns, .intake = w->options.intake, .outbox = w->options.outbox,
        .background = w->options.background, .limiter = w->options.limiter, .tokens = w->options.tokens, .vitals = w->options.vitals,
        .broadcaster = w->options.broadcaster, .nudger = w->options.nudger,
        .watch = w->options.watch,
        .similar = similar_writer_counters(w->options.similar),
        .finder = similar_finder_counters(w->options.similar_finder)});
}

void webhook_note_metrics(const struct webhook *w)
{
    talloc_free(metrics_of(w)); /* to write the page is to note its numbers */
}

static void answer_metrics(struct listener *l, const struct http_request *r)
{
    char *text = metrics_of(l->w);
    http_answer(l->server, r->id, 200, STR("text/plain; version=0.0.4; charset=utf-8"), str_of(text));
    talloc_free(text);
}

static void on_request(const struct http_request *r, void *arg)
{
    struct listener *l = arg;
    bool get = !str_eq(r->method, STR("POST"));
    if (l->public_paths && str_eq(r->path, STR("/webhook"))) {
        if (get)
            answer(l, r->id, 200, ""); /* the console may look with a bare GET when the URL is saved (1.2) */
        else
            on_post(l, r);
        return;
    }
    bool verification = l->public_paths && (is_verification(l->w->options.settings, r->path) ||
                                            (str_eq(r->path, STR("/")) && l->w->options.settings->zalo.verification[0]));
    bool health = l->admin_paths && str_eq(r->path, STR("/healthz"));
    bool ready = l->admin_paths && str_eq(r->path, STR("/readyz"));
    bool numbers = l->admin_paths && str_eq(r->path, STR("/metrics"));
    if (!verification && !health && !ready && !numbers) {
        answer(l, r->id, 404, "nothing here\n");
    } else if (!get) {
        http_answer_not_allowed(l->server, r->id, STR("GET, HEAD"));
    } else if (verification) {
        answer_verification(l, r);
    } else if (health) {
        answer(l, r->id, 200, "alive\n");
    } else if (ready) {
        answer_ready(l, r);
    } else {
        answer_metrics(l, r);
    }
}

static int webhook_destructor(struct webhook *w)
{
    event_free(w->echo_timer);
    return 0;
}

struct webhook *webhook_new(TALLOC_CTX *ctx, const struct webhook_options *options)
{
    struct webhook *w = talloc_zero(ctx, struct webhook);
    w->options = *options;
    w->last_echo = &w->echoes;
    w->echo_timer = evtimer_new(options->base, on_echo_timer, w);
    talloc_set_destructor(w, webhook_destructor);
    if (!options->settings->zalo.oa_secret_key[0])
        log_warn("no zalo.oa_secret_key: webhook requests are answered 200 and NOT processed, until the key from the console is set");
    return w;
}

bool webhook_listen(struct webhook *w, int fd, bool public_paths, bool admin_paths, struct err *e)
{
    struct listener *l = talloc_zero(w, struct listener);
    struct http_limits limits = {.max_connections = (uint32_t)w->options.settings->server.max_connections, .handler_ms = ANSWER_MS};
    *l = (struct listener){.w = w, .public_paths = public_paths, .admin_paths = admin_paths};
    l->server = http_server_new(l, w->options.base, &limits, on_request, l);
    if (!l->server)
        return err_set(e, ERR_NOMEM, "out of memory for the HTTP server");
    w->server[w->listeners] = l->server;
    w->listener[w->listeners++] = l;
    return http_server_listen_fd(l->server, fd, e);
}

void webhook_answer(struct webhook *w, struct http_request_id request, bool stored)
{
    if (stored && !FAULT_POINT("webhook_before_answer"))
        ok(w, request);
    else
        http_answer(w->server[0], request, 503, STR(""), STR(""));
}

static void on_server_drained(void *arg)
{
    struct webhook *w = arg;
    if (--w->draining == 0)
        w->drained(w->drained_ctx);
}

void webhook_drain(struct webhook *w, void (*done)(void *ctx), void *ctx)
{
    w->drained = done;
    w->drained_ctx = ctx;
    w->draining = (unsigned)w->listeners;
    for (size_t i = 0; i < w->listeners; i++)
        http_server_drain(w->server[i], on_server_drained, w);
}
