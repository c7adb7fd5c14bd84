/* Fetching evidence: see evidence.h. */
#include "evidence.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "evidence_file.h"
#include "fault.h"
#include "log.h"
#include "pending.h"
#include "pg_queue.h"
#include "zalo/client.h"

enum {
    AT_ONCE = 4,
    LEASE_MS = 60000,
    DOWNLOAD_MS = 40000, /* with the sync and the statement it stays below the lease */
    STATEMENT_MS = 3000,
    LOOK_MS = 1000,
    SWEEP_MS = 30000,
    SWEEP_ROWS = 100,    /* the LIMIT of file_removal_due */
    STORE_TRIES = 5,
    GONE_TRIES = 3,      /* of an answer 4xx: a link of a CDN may be slow to work, but hours do not help */
};

static const int again_s[] = {30, 120, 600, 3600, 6 * 3600}; /* after the n-th failure */

/* The descriptor while the client writes to it: a child of the note, so it stays open until the client is done with it, even
 * when the piece goes before. */
struct lent {
    int fd; /* -1: given back */
};

struct piece {
    struct evidence_fetcher *f;
    struct pending *step;
    const char *user_id, *url, *name;
    int64_t id, attempts;
    int fd;            /* -1: not open */
    struct lent *lent; /* while the client has it */
    char temporary[EVIDENCE_TEMPORARY_SIZE], path[EVIDENCE_PATH_SIZE];
    unsigned char sha256[32];
    int64_t bytes;
    bool published;
    int store_tries;
    bool given_up;
    struct event *timer;
    struct evidence_publication *publication; /* while it is under way */
};

struct evidence_fetcher {
    struct event_base *base;
    struct pg_queue *db;
    struct zalo_client *zalo;
    const struct settings *settings;
    evidence_failed_fn *on_failed;
    void *failed_ctx;
    const char **exact_hosts;
    size_t exact_count;
    int folder; /* -1: not open */
    struct event *look_timer, *sweep_timer;
    struct pending *claim, *sweep;
    bool more_to_sweep;
    TALLOC_CTX *pieces;
    unsigned open;
    unsigned long stored, given_up;
    struct log_gate folder_gate, room_gate, db_gate, disk_gate, removal_gate;
};

static void look(struct evidence_fetcher *f);

static void arm(struct event *timer, int ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(timer, &tv);
}

static int64_t wall_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct pg_unit *unit_of(struct evidence_fetcher *f, enum sql_id id, struct pg_params *params)
{
    struct pg_unit *unit = pg_unit_new(f);
    pg_add(unit, id, params);
    return unit;
}

static void run(struct evidence_fetcher *f, struct pg_unit *unit, pg_done_fn *done, struct pending *pending)
{
    pg_queue_run(f->db, unit, STATEMENT_MS, done, pending);
}

/* ---- one piece ---- */

static int lent_close(struct lent *lent)
{
    if (lent->fd >= 0)
        close(lent->fd);
    return 0;
}

static void piece_drop_file(struct piece *p)
{
    if (p->fd >= 0 && !p->lent)
        close(p->fd);
    p->fd = -1;
    if (p->temporary[0] && !p->published)
        unlinkat(p->f->folder, p->temporary, 0);
    p->temporary[0] = '\0';
}

static int piece_end(struct piece *p)
{
    pending_forget(&p->step);
    TALLOC_FREE(p->publication); /* before what it works on */
    piece_drop_file(p);
    if (p->timer)
        event_free(p->timer);
    p->f->open--;
    return 0;
}

/* Its place is free for the next. */
static void piece_done(struct piece *p)
{
    struct evidence_fetcher *f = p->f;
    talloc_free(p);
    evidence_fetcher_poke(f);
}

static void on_failure_noted(const struct pg_answer *answer, void *ctx)
{
    struct piece *p = pending_end(ctx);
    if (!p)
        return;
    struct evidence_fetcher *f = p->f;
    if (answer->e) { /* it comes due again when its lease ends */
        if (log_pass(&f->db_gate, 30000))
            log_warn("a failed download could not be noted: %s, ignoring", answer->e->msg);
    } else if (p->given_up) {
        f->given_up++;
        if (f->on_failed)
            f->on_failed(p->user_id, p->name, f->failed_ctx);
    }
    piece_done(p);
}

enum failure {
    LATER,    /* with backoff, until the tries are used up */
    GONE,     /* with backoff, fewer tries */
    FOR_GOOD, /* a repeat will not help */
    OUR_DISK, /* no fault of the piece: with backoff, without an end */
};

static void piece_failed(struct piece *p, enum failure kind, const char *why)
{
    size_t nth = p->attempts > 0 ? (size_t)p->attempts : 1, longest = ARRAY_LEN(again_s);
    p->given_up = kind == FOR_GOOD || (kind == GONE && nth >= GONE_TRIES) || (kind == LATER && nth > longest);
    int pause_s = again_s[nth > longest ? longest - 1 : nth - 1];
    if (p->given_up)
        log_warn("evidence of %s given up after %zu tries: %s", log_person(p->user_id), nth, why);
    else if (kind != OUR_DISK)
        log_info("evidence of %s not fetched: %s; again in %d s", log_person(p->user_id), why, pause_s);
    else if (log_pass(&p->f->disk_gate, 60000))
        log_error("evidence cannot be kept: %s; trying again", why);
    piece_drop_file(p);
    struct pg_params *params = pg_params_new(p);
    pg_param_text(params, p->user_id);
    pg_param_int8(params, p->id);
    pg_param_time_ms(params, p->given_up ? 0 : wall_ms() + pause_s * INT64_C(1000));
    pg_param_text(params, why);
    struct pg_unit *unit = unit_of(p->f, SQL_EVIDENCE_FAILED, params);
    PG_FAULTS(unit, "evidence_before_failure", "evidence_after_failure");
    run(p->f, unit, on_failure_noted, pending_new(p->f->db, p, &p->step));
}

static void piece_store(struct piece *p);

static void on_store_again(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    piece_store(arg);
}

static void on_stored(const struct pg_answer *answer, void *ctx)
{
    struct piece *p = pending_end(ctx);
    struct err e;
    if (!p)
        return;
    if (answer->e) {
        /* The outcome may be unknown, so the file stays: it is stored, or the piece comes due again and gets the same path. */
        if (++p->store_tries < STORE_TRIES && (p->timer || (p->timer = event_new(p->f->base, -1, 0, on_store_again, p)))) {
            arm(p->timer, 1000 * p->store_tries);
            return;
        }
        if (log_pass(&p->f->db_gate, 30000))
            log_warn("a fetched piece could not be noted: %s; it will be fetched again", answer->e->msg);
    } else if (PQntuples(answer->result[0]) == 0) { /* erased while it was under way */
        if (!evidence_remove(p->f->folder, p->path, &e))
            log_error("%s: an erased piece is still there: %s", e.msg, p->path);
    } else {
        p->f->stored++;
    }
    piece_done(p);
}

static void piece_store(struct piece *p)
{
    struct pg_params *params = pg_params_new(p);
    pg_param_text(params, p->user_id);
    pg_param_int8(params, p->id);
    pg_param_bytea(params, p->sha256, sizeof(p->sha256));
    pg_param_text(params, p->path);
    pg_param_int8(params, p->bytes);
    struct pg_unit *unit = unit_of(p->f, SQL_EVIDENCE_STORED, params);
    PG_FAULTS(unit, "evidence_before_note", "evidence_after_note");
    run(p->f, unit, on_stored, pending_new(p->f->db, p, &p->step));
}

static void on_published(const struct err *e, void *ctx)
{
    struct piece *p = ctx;
    p->publication = NULL;
    close(p->fd);
    p->fd = -1;
    if (e) {
        piece_failed(p, OUR_DISK, e->msg);
        return;
    }
    p->published = true;
    piece_store(p);
}

static void on_downloaded(const struct zalo_download *download, void *ctx)
{
    struct piece *p = pending_owner(ctx);
    if (p) {
        p->lent->fd = -1;
        p->lent = NULL;
    }
    pending_end(ctx);
    if (!p)
        return;
    (void)FAULT_POINT("evidence_after_download");
    if (!download->ok) {
        bool gone = download->http_status >= 400 && download->http_status < 500;
        enum failure kind = download->err.kind == ERR_SYSTEM ? OUR_DISK : gone ? GONE : download->err.kind == ERR_INVALID ? FOR_GOOD : LATER;
        piece_failed(p, kind, download->err.msg);
        return;
    }
    memcpy(p->sha256, download->sha256, sizeof(p->sha256));
    p->bytes = download->bytes;
    evidence_path(p->sha256, p->id, p->path);
    p->publication = evidence_publish(p, p->f->base, p->f->folder, p->fd, p->temporary, p->path, on_published, p);
}

static void piece_start(struct piece *p)
{
    struct evidence_fetcher *f = p->f;
    struct err e;
    if (!p->url || !evidence_url_allowed(p->url, &f->settings->evidence.allow_hosts, &e)) {
        piece_failed(p, FOR_GOOD, p->url ? e.msg : "the piece came without an address");
        return;
    }
    p->fd = evidence_temporary(f->folder, p->temporary, &e);
    if (p->fd < 0) {
        p->temporary[0] = '\0';
        piece_failed(p, OUR_DISK, e.msg);
        return;
    }
    struct zalo_download_options options = {
        .max_bytes = f->settings->evidence.max_mb * 1024 * 1024,
        .allow_hosts = f->exact_hosts,
        .allow_count = f->exact_count,
        .total_ms = DOWNLOAD_MS,
    };
    (void)FAULT_POINT("evidence_before_download");
    struct pending *step = pending_new(f->zalo, p, &p->step);
    p->lent = talloc(step, struct lent);
    if (p->lent) {
        p->lent->fd = p->fd;
        talloc_set_destructor(p->lent, lent_close);
        if (zalo_client_download(f->zalo, p->url, &options, p->fd, on_downloaded, step, &e))
            return;
        p->lent->fd = -1;
        p->lent = NULL;
    } else {
        err_set(&e, ERR_NOMEM, "out of memory");
    }
    pending_end(step);
    piece_failed(p, e.kind == ERR_INVALID ? FOR_GOOD : LATER, e.msg);
}

/* ---- claiming ---- */

static void on_claimed(const struct pg_answer *answer, void *ctx)
{
    struct evidence_fetcher *f = pending_end(ctx);
    if (!f)
        return;
    if (answer->e) {
        if (log_pass(&f->db_gate, 30000))
            log_warn("evidence cannot be looked up: %s; trying again", answer->e->msg);
        arm(f->look_timer, LOOK_MS);
        return;
    }
    arm(f->look_timer, LOOK_MS);
    const PGresult *res = answer->result[0];
    for (int i = 0; i < PQntuples(res); i++) {
        struct piece *p = talloc_zero(f->pieces, struct piece);
        *p = (struct piece){.f = f, .fd = -1};
        p->user_id = pg_text(p, res, i, 0);
        p->id = pg_int8(res, i, 1);
        p->url = pg_text(p, res, i, 2);
        p->attempts = pg_int8(res, i, 3);
        p->name = pg_text(p, res, i, 4);
        f->open++;
        talloc_set_destructor(p, piece_end);
        piece_start(p);
    }
}

static bool folder_ready(struct evidence_fetcher *f)
{
    struct err e;
    if (f->folder < 0 && (f->folder = evidence_folder_open(f->settings->evidence.path, &e)) < 0 && log_pass(&f->folder_gate, 60000))
        log_error("%s; evidence waits", e.msg);
    return f->folder >= 0;
}

/* How many more there is a place for, in the process and on the disk. */
static unsigned room_for(struct evidence_fetcher *f)
{
    int64_t piece = f->settings->evidence.max_mb * 1024 * 1024;
    int64_t fit = evidence_folder_free(f->folder) / piece - f->open;
    if (fit <= 0 && f->open < AT_ONCE && log_pass(&f->room_gate, 60000))
        log_error("the disk of %s has no room for a piece of %" PRId64 " MB; evidence waits", f->settings->evidence.path,
                  f->settings->evidence.max_mb);
    unsigned places = f->open < AT_ONCE ? AT_ONCE - f->open : 0;
    return fit <= 0 ? 0 : fit < places ? (unsigned)fit : places;
}

static void look(struct evidence_fetcher *f)
{
    if (f->claim)
        return; /* its end looks again */
    unsigned room = folder_ready(f) ? room_for(f) : 0;
    if (room == 0) {
        arm(f->look_timer, LOOK_MS);
        return;
    }
    struct pg_params *params = pg_params_new(f);
    pg_param_int8(params, room);
    pg_param_int8(params, LEASE_MS);
    struct pg_unit *unit = unit_of(f, SQL_EVIDENCE_CLAIM, params);
    PG_FAULTS(unit, "evidence_before_claim", "evidence_after_claim");
    run(f, unit, on_claimed, pending_new(f->db, f, &f->claim));
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    look(arg);
}

void evidence_fetcher_poke(struct evidence_fetcher *f)
{
    if (!f->claim && f->open < AT_ONCE)
        arm(f->look_timer, 0);
}

/* ---- removing ---- */

static void on_removed(const struct pg_answer *answer, void *ctx)
{
    struct evidence_fetcher *f = pending_end(ctx);
    if (!f)
        return;
    if (answer->e && log_pass(&f->db_gate, 30000))
        log_warn("removed files could not be ticked off: %s, ignoring", answer->e->msg);
    arm(f->sweep_timer, f->more_to_sweep ? LOOK_MS : SWEEP_MS);
}

static void on_removal_due(const struct pg_answer *answer, void *ctx)
{
    struct evidence_fetcher *f = pending_end(ctx);
    if (!f)
        return;
    arm(f->sweep_timer, SWEEP_MS);
    if (answer->e || !folder_ready(f))
        return;
    const PGresult *res = answer->result[0];
    struct pg_params *params = pg_params_new(f);
    struct pg_array *done = pg_array_new(params, PG_TEXT);
    for (int i = 0; i < PQntuples(res); i++) {
        const char *path = pg_text(params, res, i, 0);
        struct err e;
        bool removed = evidence_remove(f->folder, path, &e);
        if (!removed && log_pass(&f->removal_gate, 60000))
            log_error("%s", e.msg);
        if (removed || e.kind == ERR_INVALID) /* what is not ours never will be: no use in keeping it at the head of the list */
            pg_array_text(done, path);
    }
    if (pg_array_count(done) == 0) {
        talloc_free(params);
        return;
    }
    f->more_to_sweep = PQntuples(res) == SWEEP_ROWS;
    pg_param_array(params, done);
    struct pg_unit *unit = unit_of(f, SQL_FILE_REMOVAL_DONE, params);
    PG_FAULTS(unit, "removal_before_done", "removal_after_done");
    run(f, unit, on_removed, pending_new(f->db, f, &f->sweep));
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct evidence_fetcher *f = arg;
    (void)fd;
    (void)what;
    if (f->sweep)
        return;
    struct pg_unit *unit = unit_of(f, SQL_FILE_REMOVAL_DUE, pg_params_new(f));
    PG_FAULTS(unit, "removal_before_look", "removal_after_look");
    run(f, unit, on_removal_due, pending_new(f->db, f, &f->sweep));
}

/* ---- life ---- */

static int fetcher_end(struct evidence_fetcher *f)
{
    pending_forget(&f->claim);
    pending_forget(&f->sweep);
    TALLOC_FREE(f->pieces);
    if (f->folder >= 0)
        close(f->folder);
    if (f->look_timer)
        event_free(f->look_timer);
    if (f->sweep_timer)
        event_free(f->sweep_timer);
    return 0;
}

struct evidence_fetcher *evidence_fetcher_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *db, struct zalo_client *zalo,
                                              const struct settings *s, evidence_failed_fn *on_failed, void *failed_ctx)
{
    struct evidence_fetcher *f = talloc_zero(ctx, struct evidence_fetcher);
    if (!f)
        return NULL;
    f->base = base;
    f->db = db;
    f->zalo = zalo;
    f->settings = s;
    f->on_failed = on_failed;
    f->failed_ctx = failed_ctx;
    f->folder = -1;
    talloc_set_destructor(f, fetcher_end);
    /* A host named exactly is the operator's own word, so it may be private; one below a ".domain" has to be public. */
    const struct string_list *hosts = &s->evidence.allow_hosts;
    f->exact_hosts = talloc_zero_array(f, const char *, (unsigned)hosts->count + 1);
    f->pieces = talloc_new(f);
    f->look_timer = event_new(base, -1, 0, on_look, f);
    f->sweep_timer = event_new(base, -1, 0, on_sweep, f);
    if (!f->exact_hosts || !f->pieces || !f->look_timer || !f->sweep_timer) {
        talloc_free(f);
        return NULL;
    }
    for (size_t i = 0; i < hosts->count; i++)
        if (hosts->item[i][0] != '.')
            f->exact_hosts[f->exact_count++] = hosts->item[i];
    arm(f->look_timer, 0);
    arm(f->sweep_timer, LOOK_MS);
    return f;
}

void evidence_fetcher_counts(const struct evidence_fetcher *f, unsigned *ret_open, unsigned long *ret_stored, unsigned long *ret_given_up)
{
    *ret_open = f->open;
    *ret_stored = f->stored;
    *ret_given_up = f->given_up;
}
