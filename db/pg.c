/* A connection on the event loop: see pg.h. */
#include "pg.h"

#include <event2/event.h>
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fault.h"
#include "log.h"

enum {
    BACKOFF_LEAST_MS = 50,
    BACKOFF_MOST_MS = 3000,
    CONNECT_MS = 3000, /* of one host */
    HOSTS_MAX = 16,
    STATEMENTS_MAX = 96, /* of one unit */
    ERROR_TEXT_MOST = 400, /* of the server's sentence, in bytes: fits struct err with the statement's name */
};

enum pg_state { PG_WAITING, PG_CONNECTING, PG_IDLE, PG_RUNNING };

struct pg_statement {
    enum sql_id id;
    const char *control; /* BEGIN, COMMIT, ROLLBACK; NULL for a statement of the catalogue */
    struct pg_params *params;
};

struct pg_unit {
    struct pg_statement statement[STATEMENTS_MAX];
    int count;
    /* What libpq will answer, in order: a PREPARE before the first use of a statement, then the statement itself. */
    struct {
        enum sql_id prepares; /* SQL_COUNT: a statement's own result */
        int statement;
    } expected[STATEMENTS_MAX * 2];
    int expected_count, answered;
    PGresult *result[STATEMENTS_MAX];
    int failed;
    struct err e;
    bool broken;
    pg_done_fn *done;
    void *ctx;
#ifdef SANGKIEN_FAULTS
    const char *before, *after; /* points; NULL: none */
#endif
};

#ifdef SANGKIEN_FAULTS
void pg_unit_faults(struct pg_unit *unit, const char *before, const char *after)
{
    unit->before = before;
    unit->after = after;
}

static bool fails_before(const struct pg_unit *unit)
{
    return unit->before && fault_point(unit->before);
}

static bool fails_after(const struct pg_unit *unit)
{
    return unit->after && fault_point(unit->after);
}
#else
static bool fails_before(const struct pg_unit *unit)
{
    (void)unit;
    return false;
}

static bool fails_after(const struct pg_unit *unit)
{
    (void)unit;
    return false;
}
#endif

struct pg {
    struct pg *next; /* of all in this process */
    struct event_base *base;
    struct pg_options options;
    pg_idle_fn *on_idle;
    void *idle_ctx;
    enum pg_state state;
    PGconn *conn;
    struct event *socket_event;
    short waiting_for;
    struct event *timer; /* backoff, connect deadline or unit deadline, by state */
    int backoff_ms;
    int64_t away_since_ms;
    struct pg_unit *unit;
    bool read_only; /* the server said so: after a failover the writable one is another */
    bool prepared[SQL_COUNT];
    struct log_gate gate;
    /* The hosts of the URL, tried one at a time: waiting for connections on an event loop, libpq itself would never give up one
     * that takes a connection (or its packets) and says nothing, and so never try the next. */
    struct {
        const char *host, *hostaddr, *port; /* NULL: as in the URL */
    } host[HOSTS_MAX];
    int hosts, host_now, host_tries; /* of this round */
};

static struct pg *all;
static uint64_t trouble[PG_TROUBLES];

/* By enum pg_trouble; two characters: a class of SQLSTATE. */
static const char *const trouble_names[] = {"lost", "timeout", "08", "22", "23", "25", "40", "53", "55", "57", "other"};
_Static_assert(ARRAY_LEN(trouble_names) == PG_TROUBLES, "every trouble has its name");

static void connect_now(struct pg *pg);
static void on_socket(evutil_socket_t fd, short what, void *arg);

static void arm_timer(struct pg *pg, int ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(pg->timer, &tv);
}

static void wait_socket(struct pg *pg, short what)
{
    if (pg->socket_event && pg->waiting_for == what && event_get_fd(pg->socket_event) == PQsocket(pg->conn))
        return;
    if (pg->socket_event)
        event_free(pg->socket_event);
    pg->waiting_for = what;
    pg->socket_event = event_new(pg->base, PQsocket(pg->conn), (short)(what | EV_PERSIST), on_socket, pg);
    event_add(pg->socket_event, NULL);
}

static void note_error(const char *sqlstate)
{
    enum pg_trouble t = PG_CLASS_08;
    while (t < PG_OTHER && strncmp(sqlstate, trouble_names[t], 2) != 0)
        t++;
    trouble[t]++;
}

/* Drops the connection, tells a unit in flight, tries again after the backoff. */
static void disconnect(struct pg *pg, const char *why)
{
    if (pg->away_since_ms == 0) {
        pg->away_since_ms = clock_monotonic_ms();
        trouble[PG_LOST]++;
    }
    if (log_pass(&pg->gate, 30000))
        log_warn("database connection %s: %s; trying again", pg->options.name, why);
    if (pg->socket_event)
        event_free(pg->socket_event); /* before PQfinish: the descriptor may be reused */
    pg->socket_event = NULL;
    if (pg->conn)
        PQfinish(pg->conn);
    pg->conn = NULL;
    memset(pg->prepared, 0, sizeof(pg->prepared));
    pg->read_only = false;
    pg->state = PG_WAITING;
    pg->host_now = (pg->host_now + 1) % pg->hosts; /* also when it worked before: after a failover another one does */
    if (++pg->host_tries < pg->hosts) {
        arm_timer(pg, 0);
    } else {
        pg->host_tries = 0;
        pg->backoff_ms = pg->backoff_ms ? pg->backoff_ms * 2 : BACKOFF_LEAST_MS;
        if (pg->backoff_ms > BACKOFF_MOST_MS)
            pg->backoff_ms = BACKOFF_MOST_MS;
        ev_uint32_t jitter;
        evutil_secure_rng_get_bytes(&jitter, sizeof(jitter));
        arm_timer(pg, pg->backoff_ms / 2 + (int)(jitter % (unsigned)(pg->backoff_ms / 2 + 1)));
    }

    struct pg_unit *unit = pg->unit;
    pg->unit = NULL;
    if (!unit)
        return;
    if (unit->e.kind == ERR_NONE)
        err_set(&unit->e, ERR_UNAVAILABLE, "database connection: %s", why);
    struct pg_answer answer = {.e = &unit->e, .failed = -1, .result = unit->result, .count = unit->count};
    unit->done(&answer, unit->ctx);
    talloc_free(unit);
}

static void became_idle(struct pg *pg)
{
    pg->state = PG_IDLE;
    if (pg->on_idle)
        pg->on_idle(pg, pg->idle_ctx);
}

/* How many bytes of a text fit into `most` without cutting a character: half a one could not be stored (dead_event). */
static int whole_characters(const char *text, size_t most)
{
    size_t n = strnlen(text, most + 1);
    if (n > most)
        for (n = most; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
            n--;
    return (int)n;
}

static void unit_error(struct pg_unit *unit, int statement, const PGresult *res)
{
    if (unit->e.kind != ERR_NONE)
        return; /* what follows the first error is its consequence */
    const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const struct pg_statement *s = &unit->statement[statement];
    if (!text)
        text = "no message from the server";
    err_set(&unit->e, ERR_INVALID, "statement %s: %.*s", s->control ? s->control : sql_statements[s->id].name,
            whole_characters(text, ERROR_TEXT_MOST), text);
    snprintf(unit->e.sqlstate, sizeof(unit->e.sqlstate), "%s", sqlstate ? sqlstate : "");
    note_error(unit->e.sqlstate);
    if (pg_transient(&unit->e) || pg_unwell(&unit->e))
        unit->e.kind = ERR_UNAVAILABLE;
    unit->failed = statement;
}

static void unit_finish(struct pg *pg)
{
    struct pg_unit *unit = pg->unit;
    pg->unit = NULL;
    event_del(pg->timer);
    pg->state = PG_IDLE;
    pg->host_tries = 0;
    pg->backoff_ms = 0; /* only now: a server that takes connections and drops them at once is not asked in a tight loop */
    pg->gate = (struct log_gate){0};
    bool ok = unit->e.kind == ERR_NONE;
    pg->read_only |= strcmp(unit->e.sqlstate, "25006") == 0;
    struct pg_answer answer = {.e = ok ? NULL : &unit->e, .failed = unit->failed, .result = unit->result, .count = unit->count};
    unit->done(&answer, unit->ctx);
    talloc_free(unit);
    if (pg->state != PG_IDLE || pg->unit)
        return; /* the callback has started another, perhaps the ROLLBACK */
    if (pg->read_only)
        disconnect(pg, "the server is read-only");
    else
        became_idle(pg);
}

/* Reads what has arrived; a unit ends at its sync. */
static void collect(struct pg *pg)
{
    struct pg_unit *unit = pg->unit;
    while (!PQisBusy(pg->conn)) {
        PGresult *res = PQgetResult(pg->conn);
        if (!res) {
            if (PQstatus(pg->conn) == CONNECTION_BAD) {
                disconnect(pg, "lost");
                return;
            }
            continue; /* the end of one statement's results */
        }
        ExecStatusType status = PQresultStatus(res);
        if (status == PGRES_PIPELINE_SYNC) {
            PQclear(res);
            if (fails_after(unit))
                disconnect(pg, "lost with its answer (a fault point)");
            else
                unit_finish(pg);
            return;
        }
        if (unit->answered >= unit->expected_count) { /* FATAL on a dying connection */
            PQclear(res);
            continue;
        }
        int statement = unit->expected[unit->answered].statement;
        enum sql_id prepares = unit->expected[unit->answered].prepares;
        unit->answered++;
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_PIPELINE_ABORTED)
            unit_error(unit, statement, res);
        if (prepares != SQL_COUNT) {
            pg->prepared[prepares] = status == PGRES_COMMAND_OK;
            PQclear(res);
        } else {
            PQclear(unit->result[statement]);
            unit->result[statement] = res;
        }
    }
}

static void pump(struct pg *pg, short what)
{
    if ((what & EV_READ) && !PQconsumeInput(pg->conn)) {
        disconnect(pg, "lost");
        return;
    }
    int unsent = PQflush(pg->conn);
    if (unsent < 0) {
        disconnect(pg, "lost while sending");
        return;
    }
    wait_socket(pg, unsent ? EV_READ | EV_WRITE : EV_READ); /* the server may need us to read before it reads */
    if (what & EV_READ)
        collect(pg);
}

static void on_connected(struct pg *pg)
{
    PQsetnonblocking(pg->conn, 1);
    if (!PQenterPipelineMode(pg->conn)) {
        disconnect(pg, "no pipeline mode");
        return;
    }
    if (pg->away_since_ms && pg->backoff_ms)
        log_info("database connection %s: up after %lld ms", pg->options.name, (long long)(clock_monotonic_ms() - pg->away_since_ms));
    pg->away_since_ms = 0;
    event_del(pg->timer);
    wait_socket(pg, EV_READ);
    became_idle(pg);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct pg *pg = arg;
    (void)fd;
    switch (pg->state) {
    case PG_CONNECTING:
        switch (PQconnectPoll(pg->conn)) {
        case PGRES_POLLING_READING:
            wait_socket(pg, EV_READ); /* the socket may have changed */
            break;
        case PGRES_POLLING_WRITING:
            wait_socket(pg, EV_WRITE);
            break;
        case PGRES_POLLING_OK:
            on_connected(pg);
            break;
        default: {
            char why[256];
            const char *text = PQerrorMessage(pg->conn);
            snprintf(why, sizeof(why), "%.*s", (int)strcspn(text, "\n"), text);
            disconnect(pg, why);
        }
        }
        break;
    case PG_RUNNING:
        pump(pg, what);
        break;
    case PG_IDLE: /* notices, or the server going away */
        if (!PQconsumeInput(pg->conn) || PQstatus(pg->conn) == CONNECTION_BAD)
            disconnect(pg, "closed by the server");
        break;
    case PG_WAITING:
        break;
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct pg *pg = arg;
    (void)fd;
    (void)what;
    switch (pg->state) {
    case PG_WAITING:
        connect_now(pg);
        break;
    case PG_CONNECTING:
        disconnect(pg, "no connection within 3 s");
        break;
    case PG_RUNNING:
        err_set(&pg->unit->e, ERR_TIMEOUT, "the database did not answer in time");
        trouble[PG_TIMEOUT]++;
        disconnect(pg, "a deadline passed");
        break;
    case PG_IDLE:
        break;
    }
}

static void drop_notice(void *arg, const PGresult *res)
{
    (void)arg;
    (void)res; /* the default writes to stderr and may hold user data */
}

static void connect_now(struct pg *pg)
{
    /* Our defaults come first, so that the URL wins where it says otherwise. */
    const char *const keys[] = {"fallback_application_name", "connect_timeout", "tcp_user_timeout", "keepalives_idle",
                                "keepalives_interval", "keepalives_count", "target_session_attrs", "client_encoding", "options", "dbname",
                                "host", "hostaddr", "port", NULL};
    /* No statement of ours is worth compiling: most of a second for what runs for some ms, whenever an estimate is far off.  An older
     * pgbouncer refuses options at the start. */
    const char *settings = pg->options.named_statements ? "-c jit=off" : NULL;
    const char *const values[] = {"sangkien", "3", "5000", "10", "3", "3", "read-write", "UTF8", settings, pg->options.url,
                                  pg->host[pg->host_now].host, pg->host[pg->host_now].hostaddr, pg->host[pg->host_now].port, NULL};
    pg->state = PG_CONNECTING;
    pg->conn = PQconnectStartParams(keys, values, 1);
    if (!pg->conn || PQstatus(pg->conn) == CONNECTION_BAD) {
        char why[256];
        const char *text = pg->conn ? PQerrorMessage(pg->conn) : "out of memory";
        snprintf(why, sizeof(why), "%.*s", (int)strcspn(text, "\n"), text);
        disconnect(pg, why);
        return;
    }
    PQsetNoticeReceiver(pg->conn, drop_notice, NULL);
    wait_socket(pg, EV_WRITE);
    arm_timer(pg, CONNECT_MS);
}

static int pg_destructor(struct pg *pg)
{
    struct pg_unit *unit = pg->unit;
    struct pg **at = &all;
    while (*at != pg)
        at = &(*at)->next;
    *at = pg->next;
    pg->unit = NULL;
    if (unit) {
        err_set(&unit->e, ERR_UNAVAILABLE, "the database connection is being closed");
        struct pg_answer answer = {.e = &unit->e, .failed = -1, .result = unit->result, .count = unit->count};
        unit->done(&answer, unit->ctx);
        talloc_free(unit);
    }
    if (pg->socket_event)
        event_free(pg->socket_event);
    event_free(pg->timer);
    if (pg->conn)
        PQfinish(pg->conn);
    return 0;
}

/* The n-th of a list with commas; the only one of a list of one; NULL of no list. */
static const char *nth(TALLOC_CTX *ctx, const char *list, int n)
{
    if (!list || !strchr(list, ','))
        return list ? talloc_strdup(ctx, list) : NULL;
    while (n-- > 0 && list)
        if ((list = strchr(list, ',')))
            list++;
    return list ? talloc_strndup(ctx, list, strcspn(list, ",")) : NULL;
}

static int entries(const char *list)
{
    int n = list && *list;
    for (; list && (list = strchr(list, ',')); list++)
        n++;
    return n;
}

/* One host or none named: the URL as it is. */
static void read_hosts(struct pg *pg)
{
    const char *host = NULL, *hostaddr = NULL, *port = NULL;
    PQconninfoOption *options = PQconninfoParse(pg->options.url, NULL);
    for (const PQconninfoOption *o = options; o && o->keyword; o++) {
        host = strcmp(o->keyword, "host") == 0 ? o->val : host;
        hostaddr = strcmp(o->keyword, "hostaddr") == 0 ? o->val : hostaddr;
        port = strcmp(o->keyword, "port") == 0 ? o->val : port;
    }
    int n = entries(hostaddr) > entries(host) ? entries(hostaddr) : entries(host);
    pg->hosts = n < 1 ? 1 : n < HOSTS_MAX ? n : HOSTS_MAX;
    for (int i = 0; i < pg->hosts && n > 1; i++) {
        pg->host[i].host = nth(pg, host, i);
        pg->host[i].hostaddr = nth(pg, hostaddr, i);
        pg->host[i].port = nth(pg, port, i);
    }
    PQconninfoFree(options);
}

struct pg *pg_new(TALLOC_CTX *ctx, struct event_base *base, const struct pg_options *options, pg_idle_fn *on_idle, void *idle_ctx)
{
    struct pg *pg = talloc_zero(ctx, struct pg);
    pg->base = base;
    pg->options = *options;
    pg->options.url = talloc_strdup(pg, options->url);
    pg->options.name = talloc_strdup(pg, options->name);
    read_hosts(pg);
    pg->on_idle = on_idle;
    pg->idle_ctx = idle_ctx;
    pg->away_since_ms = clock_monotonic_ms();
    pg->timer = event_new(base, -1, 0, on_timer, pg);
    pg->state = PG_WAITING;
    pg->next = all;
    all = pg;
    talloc_set_destructor(pg, pg_destructor);
    arm_timer(pg, 0);
    return pg;
}

bool pg_idle(const struct pg *pg)
{
    return pg->state == PG_IDLE && !pg->unit;
}

bool pg_connected(const struct pg *pg)
{
    return pg->state == PG_IDLE || pg->state == PG_RUNNING;
}

int64_t pg_away_ms(const struct pg *pg)
{
    return pg_connected(pg) ? 0 : clock_monotonic_ms() - pg->away_since_ms;
}

static int unit_destructor(struct pg_unit *unit)
{
    for (int i = 0; i < unit->count; i++)
        PQclear(unit->result[i]);
    return 0;
}

struct pg_unit *pg_unit_new(TALLOC_CTX *ctx)
{
    struct pg_unit *unit = talloc_zero(ctx, struct pg_unit);
    unit->failed = -1;
    talloc_set_destructor(unit, unit_destructor);
    return unit;
}

static int add(struct pg_unit *unit, struct pg_statement statement)
{
    if (unit->count == STATEMENTS_MAX)
        abort(); /* units are built by stores with a known number of statements */
    unit->statement[unit->count] = statement;
    return unit->count++;
}

int pg_add(struct pg_unit *unit, enum sql_id id, struct pg_params *params)
{
    return add(unit, (struct pg_statement){.id = id, .params = talloc_steal(unit, params)});
}

int pg_add_control(struct pg_unit *unit, const char *word)
{
    return add(unit, (struct pg_statement){.id = SQL_COUNT, .control = word});
}

static bool send_statement(struct pg *pg, struct pg_unit *unit, int i)
{
    static const struct pg_params none = {0};
    const struct pg_statement *s = &unit->statement[i];
    const struct pg_params *p = s->params ? s->params : &none;
    if (s->control) {
        unit->expected[unit->expected_count].prepares = SQL_COUNT;
        unit->expected[unit->expected_count++].statement = i;
        return PQsendQueryParams(pg->conn, s->control, 0, NULL, NULL, NULL, NULL, 1) == 1;
    }
    const struct sql_statement *sql = &sql_statements[s->id];
    if (pg->options.named_statements && !pg->prepared[s->id]) {
        bool in_this_unit = false;
        for (int k = 0; k < unit->expected_count; k++)
            in_this_unit |= unit->expected[k].prepares == s->id;
        if (!in_this_unit) {
            unit->expected[unit->expected_count].prepares = s->id;
            unit->expected[unit->expected_count++].statement = i;
            if (PQsendPrepare(pg->conn, sql->name, sql->text, p->count, p->type) != 1)
                return false;
        }
    }
    unit->expected[unit->expected_count].prepares = SQL_COUNT;
    unit->expected[unit->expected_count++].statement = i;
    if (pg->options.named_statements)
        return PQsendQueryPrepared(pg->conn, sql->name, p->count, p->value, p->length, p->format, 1) == 1;
    return PQsendQueryParams(pg->conn, sql->text, p->count, p->type, p->value, p->length, p->format, 1) == 1;
}

void pg_run(struct pg *pg, struct pg_unit *unit, int deadline_ms, pg_done_fn *done, void *ctx)
{
    if (!pg_idle(pg))
        abort(); /* callers wait for on_idle */
    pg->unit = talloc_steal(pg, unit);
    unit->done = done;
    unit->ctx = ctx;
    pg->state = PG_RUNNING;
    bool sent = !fails_before(unit);
    for (int i = 0; i < unit->count && sent; i++)
        sent = send_statement(pg, unit, i);
    sent = sent && PQpipelineSync(pg->conn) == 1;
    int unsent = sent ? PQflush(pg->conn) : -1;
    arm_timer(pg, unsent >= 0 ? deadline_ms : 0); /* a dead connection is reported from the loop, not from here */
    wait_socket(pg, unsent != 0 ? EV_READ | EV_WRITE : EV_READ);
}

bool pg_transient(const struct err *e)
{
    static const char *const exact[] = {"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "25P03"};
    for (size_t i = 0; i < ARRAY_LEN(exact); i++)
        if (strcmp(e->sqlstate, exact[i]) == 0)
            return true;
    return strncmp(e->sqlstate, "08", 2) == 0 || (!e->sqlstate[0] && (e->kind == ERR_UNAVAILABLE || e->kind == ERR_TIMEOUT));
}

bool pg_unwell(const struct err *e)
{
    return strncmp(e->sqlstate, "08", 2) == 0 || strncmp(e->sqlstate, "57P0", 4) == 0 || strncmp(e->sqlstate, "53", 2) == 0 ||
           strcmp(e->sqlstate, "25006") == 0 || (!e->sqlstate[0] && (e->kind == ERR_UNAVAILABLE || e->kind == ERR_TIMEOUT));
}

bool pg_committed(const struct pg_answer *answer)
{
    return !answer->e && answer->count > 0 && answer->result[answer->count - 1] &&
           strcmp(PQcmdStatus(answer->result[answer->count - 1]), "COMMIT") == 0;
}

void pg_stats_read(struct pg_stats *ret)
{
    *ret = (struct pg_stats){0};
    for (const struct pg *pg = all; pg; pg = pg->next) {
        ret->connections++;
        ret->connected += pg_connected(pg);
        ret->busy += pg->state == PG_RUNNING;
    }
    memcpy(ret->trouble, trouble, sizeof(trouble));
}

const char *pg_trouble_name(enum pg_trouble t)
{
    return trouble_names[t];
}
