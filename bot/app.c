/* The parts of a process and their start: see app.h. */
#include "app.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <talloc.h>
#include <unistd.h>

#include "broadcast/broadcast_job.h"
#include "broadcast/broadcast_seen.h"
#include "broadcast/broadcast_wire.h"
#include "broadcast/broadcaster.h"
#include "catch_up.h"
#include "clock.h"
#include "evidence.h"
#include "housekeeping.h"
#include "http/http.h"
#include "ids.h"
#include "spool/intake.h"
#include "jobs.h"
#include "send/file_job.h"
#include "send/limiter.h"
#include "log.h"
#include "nudger.h"
#include "messages.h"
#include "migrate.h"
#include "send/outbox.h"
#include "pg_queue.h"
#include "predecessor.h"
#include "service.h"
#include "similar/similar.h"
#include "similar/similar_desk.h"
#include "similar/similar_finder.h"
#include "standing/campaign_job.h"
#include "standing/standing_job.h"
#include "table/shortlist_job.h"
#include "standing/standing_keeper.h"
#include "supervisor.h"
#include "suspects.h"
#include "token/token.h"
#include "turns.h"
#include "vitals.h"
#include "watch.h"
#include "webhook.h"
#include "zalo/client.h"
#include "zalo/signature.h"

enum { STOP_MS = 5000, ALIVE_MS = 1000 };

struct app {
    struct settings *settings;
    const char *settings_path;
    struct event_base *base;
    const char *process; /* name in leases: node, pid and a random part */
    struct ids ids;
    struct pg_queue *background; /* write-backs, polls, tokens: short, somebody waits for them */
    struct pg_queue *jobs;       /* work that takes its time */
    struct pg_queue *errands;    /* jobs that turns asked for: seconds, perhaps */
    struct pg_queue *standing_work; /* folds the standing */
    struct pg_queue *look_ups;   /* of similar initiatives: some milliseconds each */
    struct pg_queue *broadcasts; /* marks and results: a message waits for them */
    struct zalo_client *client;
    struct tokens *tokens;
    struct limiter *limiter;
    struct outbox *outbox;
    struct broadcaster *broadcaster;
    struct broadcast_wire *wire; /* what it has put on the wire */
    struct turns *turns;
    struct intake *intake;
    struct evidence_fetcher *evidence;
    struct webhook *webhook;
    struct housekeeping *housekeeping;
    struct nudger *nudger;
    struct catch_up *catch_up;
    struct similar_writer *similar;
    struct similar_desk *similar_desk;
    struct similar_finder *similar_finder;
    struct jobs *job_desk;
    struct standing_keeper *standing;
    struct event *stop_timer, *alive_timer;
    bool stopping;
    struct workforce *force; /* NULL: no supervisor, this is the only process */
    size_t seat;
    int64_t watchdog_ms, told_ms; /* systemd's, without a supervisor */
};

/* What a process is started with. */
struct start {
    struct settings *settings;
    const char *settings_path;
    bool hold;
    int webhook_fd, admin_fd; /* listening; admin_fd -1: the same */
};

/* ---- the arrows between the parts ---- */

static void on_settled(const struct turn_event *event, enum turn_outcome outcome, void *arg)
{
    struct app *app = arg;
    intake_settled(app->intake, event, outcome);
}

static void on_refused(struct turn_event *event, void *arg)
{
    struct app *app = arg;
    intake_refused(app->intake, event);
}

static void on_answer(struct http_request_id request, bool stored, void *arg)
{
    struct app *app = arg;
    webhook_answer(app->webhook, request, stored);
}

static void on_spooled_echo(struct inbound *in, int64_t spool_id, struct str body, void *arg)
{
    struct app *app = arg;
    webhook_take_spooled_echo(app->webhook, in, spool_id, body);
}

static bool may_send(void *arg)
{
    struct app *app = arg;
    return outbox_has_room(app->outbox);
}

static bool is_pressed(void *arg)
{
    struct app *app = arg;
    return outbox_pressed(app->outbox);
}

static void on_reply(const struct reply *reply, void *arg)
{
    struct app *app = arg;
    outbox_take(app->outbox, reply);
}

static void on_reply_later(int64_t due_ms, void *arg)
{
    struct app *app = arg;
    outbox_look_in(app->outbox, due_ms);
}

static void on_mail(const struct mail *mail, int64_t now_ms, void *arg)
{
    struct app *app = arg;
    housekeeping_mail_in(app->housekeeping, mail->not_before_ms - now_ms);
}

static void on_evidence(void *arg)
{
    struct app *app = arg;
    evidence_fetcher_poke(app->evidence);
}

static void on_similar(const char *user_id, const struct similar_wish *wish, void *arg)
{
    struct app *app = arg;
    similar_finder_take(app->similar_finder, user_id, wish);
}

static void on_job(void *arg)
{
    struct app *app = arg;
    jobs_poke(app->job_desk);
}

static void on_mail_now(void *arg)
{
    struct app *app = arg;
    housekeeping_mail_in(app->housekeeping, 0);
}

static void on_token_change(void *arg)
{
    struct app *app = arg;
    outbox_wake(app->outbox);
    broadcaster_wake(app->broadcaster);
}

static void on_mail_posted(const struct pg_answer *answer, void *arg)
{
    struct app *app = arg;
    if (answer->e)
        log_warn("somebody could not be told that a file was not fetched: %s", answer->e->msg);
    else
        housekeeping_mail_in(app->housekeeping, 0);
}

/* A file could not be fetched for good: its sender hears of it in a turn of his own. */
static void on_evidence_failed(const char *user_id, const char *name, void *arg)
{
    struct app *app = arg;
    struct pg_unit *unit = pg_unit_new(app);
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, user_id);
    pg_param_int8(p, ids_next(&app->ids));
    pg_param_text(p, name);
    pg_add(unit, SQL_MAILBOX_EVIDENCE_FAILED, p);
    pg_queue_run(app->background, unit, STOP_MS, on_mail_posted, app);
}

static void on_leases_given_back(void *arg)
{
    struct app *app = arg;
    outbox_look_in(app->outbox, 0);
}

/* ---- signals ---- */

static void on_outbox_stopped(void *arg)
{
    struct app *app = arg;
    event_base_loopexit(app->base, NULL);
}

static void on_broadcaster_stopped(void *arg)
{
    struct app *app = arg;
    outbox_stop(app->outbox, on_outbox_stopped, app);
}

static void on_drained(void *arg)
{
    struct app *app = arg;
    event_del(app->stop_timer);
    broadcaster_stop(app->broadcaster, on_broadcaster_stopped, app);
}

static void on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
    struct app *app = arg;
    (void)fd;
    (void)what;
    log_warn("requests were still open after %d ms, stopping all the same", STOP_MS);
    broadcaster_stop(app->broadcaster, on_broadcaster_stopped, app);
}

static void on_stop_signal(evutil_socket_t signal, short what, void *arg)
{
    struct app *app = arg;
    (void)what;
    if (app->stopping) {
        event_base_loopbreak(app->base);
        return;
    }
    app->stopping = true;
    log_info("signal %d: finishing what is in hand", (int)signal);
    if (!app->force)
        service_notify("STOPPING=1");
    struct timeval tv = {STOP_MS / 1000, 0};
    event_add(app->stop_timer, &tv);
    webhook_drain(app->webhook, on_drained, app);
}

static void reload(struct app *app)
{
    struct err e;
    if (!settings_reload(app->settings_path, app->settings, &e)) {
        log_error("settings were not reloaded: %s", e.msg);
        return;
    }
    const char *texts = app->settings->texts.file;
    if (!messages_load(texts[0] ? texts : NULL, &e))
        log_error("texts were not reloaded: %s", e.msg);
    else
        log_info("settings and texts reloaded");
}

static void on_reload_signal(evutil_socket_t signal, short what, void *arg)
{
    struct app *app = arg;
    (void)signal;
    (void)what;
    if (!app->force)
        service_notify_reloading();
    reload(app);
    if (!app->force)
        service_notify("READY=1");
}

/* ---- start ---- */

static bool raise_descriptor_limit(const struct settings *s)
{
    struct rlimit limit;
    rlim_t want = (rlim_t)s->server.max_connections + 256;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
        return true;
    limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* Tokens and people's words are in memory: what is left of a crash is its line in the log. */
static void leave_no_core(void)
{
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) != 0)
        log_warn("a crash could leave a core file: %s, ignoring", strerror(errno));
}

/* Opened once, before there are workers; or systemd has opened them, and they outlive this program. */
static bool open_sockets(struct start *start, struct err *e)
{
    const struct settings *s = start->settings;
    start->webhook_fd = service_socket("webhook");
    start->admin_fd = -1;
    if (start->webhook_fd < 0 && (start->webhook_fd = http_listen(s->server.listen.text, e)) < 0)
        return err_wrap(e, "server.listen %s", s->server.listen.text);
    if (strcmp(s->server.listen.text, s->server.admin_listen.text) == 0)
        return true;
    start->admin_fd = service_socket("admin");
    if (start->admin_fd < 0 && (start->admin_fd = http_listen(s->server.admin_listen.text, e)) < 0)
        return err_wrap(e, "server.admin_listen %s", s->server.admin_listen.text);
    return true;
}

static bool accept_requests(struct app *app, const struct start *start, struct err *e)
{
    bool apart = start->admin_fd >= 0;
    return webhook_listen(app->webhook, start->webhook_fd, true, !apart, e) &&
           (!apart || webhook_listen(app->webhook, start->admin_fd, false, true, e));
}

static bool make_client(struct app *app, struct err *e)
{
    const struct settings *s = app->settings;
    struct zalo_client_options options = {
        .api_url = s->zalo.api_url, .oauth_url = s->zalo.oauth_url, .app_id = s->zalo.app_id, .app_secret = s->zalo.app_secret,
        .appsecret_proof = s->zalo.appsecret_proof, .ca_file = s->zalo.ca_file[0] ? s->zalo.ca_file : NULL};
    app->client = zalo_client_new(app, app->base, &options, e);
    return app->client != NULL;
}

/* Beside the spool as well. */
static struct broadcast_wire *watch_wire(struct app *app)
{
    struct err e;
    const struct spool *spool = intake_spool_of(app->intake);
    struct broadcast_wire *w = spool ? broadcast_wire_new(app, app->settings->spool.path, spool_number(spool), &e) : NULL;
    if (spool && !w)
        log_error("%s: of a broadcast a kill leaves unknown what was never sent", e.msg);
    return w;
}

/* Beside the spool, whose number is this process's own. */
static struct suspects *watch_crashes(struct app *app)
{
    struct err e;
    const struct spool *spool = intake_spool_of(app->intake);
    struct suspects *s = spool ? suspects_new(app, app->settings->spool.path, spool_number(spool), app->process, &e) : NULL;
    if (spool && !s)
        log_error("%s: an event that crashes the program will crash it again and again", e.msg);
    if (*suspects_predecessor(s))
        predecessor_end(app, &(struct predecessor_options){
            .base = app->base, .settings = app->settings, .db = app->background, .process = suspects_predecessor(s),
            .reached = broadcast_wire_before(app->wire), .on_given_back = on_leases_given_back, .ctx = app});
    return s;
}

static void wire(struct app *app, bool hold)
{
    const struct settings *s = app->settings;
    struct pg_options pg = {.url = s->database.url, .name = "background", .named_statements = s->database.named_statements};
    app->background = pg_queue_new(app, app->base, &pg);
    pg.name = "jobs";
    app->jobs = pg_queue_new(app, app->base, &pg);
    pg.name = "errands";
    app->errands = pg_queue_new(app, app->base, &pg);
    pg.name = "standing";
    app->standing_work = pg_queue_new(app, app->base, &pg);
    app->standing = standing_keeper_new(app, app->base, app->standing_work);
    pg.name = "look-ups";
    app->look_ups = pg_queue_new(app, app->base, &pg);
    pg.name = "broadcasts";
    app->broadcasts = pg_queue_new(app, app->base, &pg);
    app->tokens = tokens_new(app, app->base, app->background, app->client, s, app->process, on_token_change, app);
    app->limiter = limiter_new(app, &(struct limiter_options){.base = app->base, .settings = s, .process = app->process, .db = app->background});
    app->outbox = outbox_new(app, &(struct outbox_options){
        .base = app->base, .settings = s, .process = app->process, .background = app->background, .client = app->client,
        .tokens = app->tokens, .hold = hold, .limiter = app->limiter});
    app->intake = intake_new(app, &(struct intake_options){
        .base = app->base, .settings = s, .board = app->force ? &app->force->order : NULL, .seat = app->seat,
        .answer = on_answer, .on_echo = on_spooled_echo, .ctx = app});
    app->wire = watch_wire(app);
    app->broadcaster = broadcaster_new(app, &(struct broadcaster_options){
        .base = app->base, .settings = s, .process = app->process, .db = app->broadcasts, .work = app->jobs, .client = app->client,
        .tokens = app->tokens, .limiter = app->limiter, .wire = app->wire, .hold = hold});
    app->turns = turns_new(app, &(struct turns_options){
        .base = app->base, .settings = s, .process = app->process, .ids = &app->ids, .background = app->background,
        .wave_end = standing_keeper_wave(app->standing), .suspects = watch_crashes(app), .on_settled = on_settled, .on_refused = on_refused, .may_send = may_send, .is_pressed = is_pressed,
        .on_reply = on_reply, .on_reply_later = on_reply_later, .on_mail = on_mail, .on_evidence = on_evidence, .on_job = on_job, .on_similar = on_similar, .ctx = app});
    intake_start(app->intake, app->turns);
    app->evidence = evidence_fetcher_new(app, app->base, app->background, app->client, s, on_evidence_failed, app);
    app->similar = similar_writer_new(app, app->base, app->jobs);
    app->similar_desk = similar_desk_new(app, app->base, app->look_ups);
    app->similar_finder = similar_finder_new(app, &(struct similar_finder_options){
        .base = app->base, .desk = app->similar_desk, .jobs = app->jobs, .ids = &app->ids, .on_mail = on_mail_now, .ctx = app});
    app->job_desk = jobs_new(app, &(struct jobs_options){
        .base = app->base, .process = app->process, .background = app->background, .work = app->errands, .ids = &app->ids,
        .on_mail = on_mail_now, .ctx = app});
    jobs_register(app->job_desk, "standing", standing_job, NULL);
    jobs_register(app->job_desk, "shortlist", shortlist_job, NULL);
    jobs_register(app->job_desk, "campaign", campaign_job, NULL);
    struct broadcast_desk *desk = talloc_zero(app, struct broadcast_desk);
    *desk = (struct broadcast_desk){.settings = s, .broadcaster = app->broadcaster};
    jobs_register(app->job_desk, "broadcast", broadcast_job, desk);
    struct file_desk *files = talloc_zero(app, struct file_desk);
    *files = (struct file_desk){.settings = s, .client = app->client, .tokens = app->tokens, .limiter = app->limiter};
    jobs_register(app->job_desk, "contact_file", file_job, files);
    jobs_register(app->job_desk, "worker_file", file_job, files);
    app->nudger = nudger_new(app, &(struct nudger_options){
        .base = app->base, .settings = s, .db = app->jobs, .ids = &app->ids, .on_mail = on_mail_now, .ctx = app, .hold = hold});
    app->housekeeping = housekeeping_new(app, app->base, app->background, app->turns, s);
    const struct watch_state *watch = watch_new(app, &(struct watch_options){
        .base = app->base, .settings = s, .db = app->background, .client = app->client, .tokens = app->tokens, .limiter = app->limiter,
        .outbox = app->outbox, .ids = &app->ids, .asks_zalo = app->seat == 0 && !hold});
    app->catch_up = catch_up_new(app, &(struct catch_up_options){
        .base = app->base, .settings = s, .process = app->process, .db = app->background, .client = app->client, .tokens = app->tokens,
        .limiter = app->limiter, .intake = app->intake, .turns = app->turns});
    app->webhook = webhook_new(app, &(struct webhook_options){
        .base = app->base, .settings = s, .turns = app->turns, .intake = app->intake, .outbox = app->outbox, .tokens = app->tokens,
        .background = app->background, .limiter = app->limiter, .seen = broadcast_seen_new(app, app->base, app->jobs),
        .broadcaster = app->broadcaster, .nudger = app->nudger,
        .vitals = vitals_new(app, app->base, app->background, s, app->seat == 0), .watch = watch, .similar = app->similar, .similar_finder = app->similar_finder});
}

static struct event *on_signal(struct app *app, int signal, event_callback_fn fn)
{
    struct event *ev = evsignal_new(app->base, signal, fn, app);
    event_add(ev, NULL);
    return ev;
}

/* The loop turns: the supervisor (or systemd) sees it, and the other workers see our numbers. */
static void on_alive_timer(evutil_socket_t fd, short what, void *arg)
{
    struct app *app = arg;
    int64_t now_ms = clock_monotonic_ms();
    (void)fd;
    (void)what;
    if (app->force) {
        app->force->seat[app->seat].alive_ms = now_ms;
        webhook_note_metrics(app->webhook);
    } else if (app->watchdog_ms && now_ms - app->told_ms >= app->watchdog_ms - ALIVE_MS) {
        app->told_ms = now_ms;
        service_notify("WATCHDOG=1");
    }
    struct timeval tv = {ALIVE_MS / 1000, 0};
    event_add(app->alive_timer, &tv);
}

static int run(struct app *app)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a write that fails, like a full disk */
    struct event *signals[] = {on_signal(app, SIGTERM, on_stop_signal), on_signal(app, SIGINT, on_stop_signal),
                               on_signal(app, SIGHUP, on_reload_signal)};
    app->stop_timer = event_new(app->base, -1, 0, on_stop_timer, app);
    app->alive_timer = event_new(app->base, -1, 0, on_alive_timer, app);
    if (app->force) {
        metrics_share(app->force->metrics, app->force->workers + 1, app->seat);
    } else {
        app->watchdog_ms = service_watchdog_ms();
        service_notify("READY=1");
    }
    on_alive_timer(-1, 0, app);
    log_info("sangkien serves on %s as %s", app->settings->server.listen.text, app->process);
    event_base_dispatch(app->base);
    log_info("stopped");
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        event_free(signals[i]);
    event_free(app->stop_timer);
    event_free(app->alive_timer);
    return EX_OK;
}

/* One process, from its first connection to its end. */
static int serve(const struct start *start, struct workforce *force, size_t seat)
{
    struct err e;
    struct settings *settings = start->settings;
    struct app *app = talloc_zero(NULL, struct app);
    app->settings = settings;
    app->settings_path = start->settings_path;
    app->force = force;
    app->seat = seat;
    ids_init(&app->ids);
    app->process = talloc_asprintf(app, "%s:%d:%x", settings->server.node, (int)getpid(), app->ids.node);
    app->base = event_base_new();
    int code = EX_UNAVAILABLE;
    if (!app->base || !make_client(app, &e)) {
        log_error("cannot start: %s", app->base ? e.msg : "no event loop");
    } else {
        wire(app, start->hold);
        if (accept_requests(app, start, &e))
            code = run(app);
        else
            log_error("cannot accept requests: %s", e.msg);
    }
    struct event_base *base = app->base;
    /* What is in flight is called back with an error: while those whom it concerns are still there. */
    TALLOC_FREE(app->catch_up);
    TALLOC_FREE(app->similar);
    TALLOC_FREE(app->similar_desk);
    TALLOC_FREE(app->look_ups);
    TALLOC_FREE(app->jobs);
    TALLOC_FREE(app->errands);
    TALLOC_FREE(app->standing_work);
    TALLOC_FREE(app->broadcasts);
    TALLOC_FREE(app->background);
    TALLOC_FREE(app->turns);
    talloc_free(app);
    if (base)
        event_base_free(base);
    return code;
}

static int serve_as_worker(struct workforce *force, size_t seat, void *ctx)
{
    struct start *start = ctx;
    int code = serve(start, force, seat);
    settings_free(start->settings); /* the worker's copy */
    return code;
}

int app_serve(struct settings *settings, const char *settings_path, bool hold)
{
    struct err e;
    if (!zalo_signature_init()) {
        log_error("OpenSSL offers no SHA-256: check its configuration");
        return EX_SOFTWARE;
    }
    if (!messages_load(settings->texts.file[0] ? settings->texts.file : NULL, &e)) {
        log_error("the texts cannot be used: %s", e.msg);
        return EX_CONFIG;
    }
    if (!migrate_check(settings->database.url, &e)) {
        if (e.kind != ERR_UNAVAILABLE) {
            log_error("%s", e.msg);
            return EX_CONFIG;
        }
        log_warn("%s; serving all the same, it is tried again and again", e.msg);
    }
    leave_no_core();
    if (!raise_descriptor_limit(settings))
        log_warn("cannot raise the limit of open files, ignoring");
    struct start start = {.settings = settings, .settings_path = settings_path, .hold = hold};
    if (!open_sockets(&start, &e)) {
        log_error("%s; is another process using it?", e.msg);
        return EX_UNAVAILABLE;
    }
    if (settings->server.workers > 1)
        return supervise((int)settings->server.workers, serve_as_worker, &start);
    return serve(&start, NULL, 0);
}
