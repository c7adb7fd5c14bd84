/* Commands that wait for answers: see command.h. */
#include "command.h"

#include <event2/event.h>
#include <pwd.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "hours.h"
#include "migrate.h"
#include "secret.h"
#include "token/token_file.h"
#include "similar/similar.h"
#include "zalo/encode.h"

enum { WAIT_MS = 30000 };

static int command_end(struct command *c)
{
    zalo_client_free(c->zalo);
    TALLOC_FREE(c->db);
    event_base_free(c->base);
    return 0;
}

struct command *command_new(TALLOC_CTX *ctx, const struct settings *s)
{
    struct command *c = talloc_zero(ctx, struct command);
    if (!c || !(c->base = event_base_new())) {
        talloc_free(c);
        return NULL;
    }
    c->settings = s;
    talloc_set_destructor(c, command_end);
    return c;
}

bool command_open_database(struct command *c, struct err *e)
{
    if (!migrate_check(c->settings->database.url, e))
        return false;
    struct pg_options options = {.url = c->settings->database.url, .name = "command"};
    c->db = pg_queue_new(c, c->base, &options);
    return c->db || err_set(e, ERR_NOMEM, "out of memory");
}

bool command_open_zalo(struct command *c, struct err *e)
{
    const struct settings *s = c->settings;
    struct zalo_client_options options = {.api_url = s->zalo.api_url, .oauth_url = s->zalo.oauth_url, .app_id = s->zalo.app_id,
                                          .app_secret = s->zalo.app_secret, .appsecret_proof = s->zalo.appsecret_proof,
                                          .ca_file = s->zalo.ca_file[0] ? s->zalo.ca_file : NULL};
    c->zalo = zalo_client_new(c, c->base, &options, e);
    return c->zalo != NULL;
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
    bool *late = arg;
    (void)fd;
    (void)what;
    *late = true;
}

bool command_wait(struct command *c, const bool *done, struct err *e)
{
    bool late = false;
    struct event *timer = event_new(c->base, -1, 0, on_late, &late);
    struct timeval most = {WAIT_MS / 1000, 0};
    if (!timer)
        return err_set(e, ERR_NOMEM, "out of memory");
    event_add(timer, &most);
    while (!*done && !late)
        if (event_base_loop(c->base, EVLOOP_ONCE) != 0)
            break;
    event_free(timer);
    return *done || err_set(e, ERR_TIMEOUT, "no answer within %d s", WAIT_MS / 1000);
}

struct unit_wait {
    command_answer_fn *on_answer;
    void *ctx;
    bool done, ok;
    struct err e;
};

static void on_unit_done(const struct pg_answer *answer, void *arg)
{
    struct unit_wait *w = arg;
    w->done = true;
    w->ok = !answer->e;
    if (answer->e)
        w->e = *answer->e;
    else if (w->on_answer)
        w->on_answer(answer, w->ctx);
}

bool command_unit(struct command *c, struct pg_unit *unit, int deadline_ms, command_answer_fn *on_answer, void *ctx, struct err *e)
{
    struct unit_wait w = {.on_answer = on_answer, .ctx = ctx};
    if (!c->db) {
        talloc_free(unit);
        return err_set(e, ERR_UNAVAILABLE, "the connection to the database is gone");
    }
    pg_queue_run(c->db, unit, deadline_ms, on_unit_done, &w); /* it answers within its deadline */
    while (!w.done)
        if (event_base_loop(c->base, EVLOOP_ONCE) != 0)
            TALLOC_FREE(c->db); /* calls back */
    if (!w.ok && e)
        *e = w.e;
    return w.ok;
}

struct first_result {
    command_rows_fn *on_rows;
    void *ctx;
};

static void on_first_result(const struct pg_answer *answer, void *arg)
{
    struct first_result *first = arg;
    if (first->on_rows)
        first->on_rows(answer->result[0], first->ctx);
}

bool command_query(struct command *c, enum sql_id id, struct pg_params *params, command_rows_fn *on_rows, void *ctx, struct err *e)
{
    struct pg_unit *unit = pg_unit_new(c);
    struct first_result first = {.on_rows = on_rows, .ctx = ctx};
    pg_add(unit, id, params);
    return command_unit(c, unit, WAIT_MS / 3, on_first_result, &first, e);
}

struct commit {
    command_answer_fn *on_answer;
    void *ctx;
    bool committed;
    struct err e;
};

static void on_commit_answered(const struct pg_answer *answer, void *arg)
{
    struct commit *k = arg;
    k->committed = pg_committed(answer);
    if (!k->committed)
        err_set(&k->e, ERR_INVALID, "the commit answered %s", PQcmdStatus(answer->result[answer->count - 1]));
    else if (k->on_answer)
        k->on_answer(answer, k->ctx);
}

bool command_commit(struct command *c, struct pg_unit *unit, int deadline_ms, command_answer_fn *on_answer, void *ctx, struct err *e)
{
    struct commit k = {.on_answer = on_answer, .ctx = ctx};
    if (!command_unit(c, unit, deadline_ms, on_commit_answered, &k, e))
        return false;
    if (!k.committed && e)
        *e = k.e;
    return k.committed;
}

bool command_control(struct command *c, const char *word, int deadline_ms, struct err *e)
{
    struct pg_unit *unit = pg_unit_new(c);
    pg_add_control(unit, word);
    if (strcmp(word, "COMMIT") == 0)
        return command_commit(c, unit, deadline_ms, NULL, NULL, e);
    return command_unit(c, unit, deadline_ms, NULL, NULL, e);
}

/* ---- the token ---- */

struct token_rows {
    TALLOC_CTX *ctx;
    const struct seal_key *key;
    const char *oa_id;
    struct command_token token;
};

static const char *open_column(struct token_rows *t, const PGresult *res, int col, const char *what)
{
    struct str plain;
    TALLOC_CTX *scratch = talloc_new(NULL);
    bool ok = t->key && seal_open(t->ctx, t->key, token_about(scratch, t->oa_id, what), pg_bytes(res, 0, col), &plain, NULL);
    talloc_free(scratch);
    return ok ? plain.p : NULL;
}

static void on_token_row(const PGresult *res, void *arg)
{
    struct token_rows *t = arg;
    t->token = (struct command_token){.found = PQntuples(res) == 1};
    if (!t->token.found)
        return;
    t->token.access = open_column(t, res, 0, "access");
    t->token.refresh = open_column(t, res, 1, "refresh");
    t->token.opens = t->token.access && t->token.refresh;
    t->token.expires_at_ms = pg_time_ms(res, 0, 2);
    t->token.generation = pg_int8(res, 0, 4);
    t->token.lease_owner = pg_text(t->ctx, res, 0, 5);
    t->token.leased = pg_bool(res, 0, 6);
    t->token.needs_consent = pg_bool(res, 0, 7);
    t->token.expires_in_ms = pg_int8(res, 0, 8);
    t->token.refresh_in_ms = pg_int8(res, 0, 9);
}

bool command_token_row(TALLOC_CTX *ctx, struct command *c, const struct seal_key *key, struct command_token *ret, struct err *e)
{
    struct token_rows rows = {.ctx = ctx, .key = key, .oa_id = c->settings->zalo.oa_id};
    struct pg_params *p = pg_params_new(c);
    pg_param_text(p, rows.oa_id);
    if (!command_query(c, SQL_TOKEN_GET, p, on_token_row, &rows, e))
        return false;
    *ret = rows.token;
    return true;
}

struct question {
    TALLOC_CTX *ctx;
    struct zalo_answer *answer;
    struct zalo_oa *oa;
    bool done;
};

static void on_oa(const struct zalo_answer *answer, struct str body, void *arg)
{
    struct question *q = arg;
    q->done = true;
    *q->answer = *answer;
    q->answer->message = talloc_strdup(q->ctx, answer->message);
    q->answer->message_id = q->answer->quota_type = NULL;
    *q->oa = (struct zalo_oa){0};
    if (answer->class == ZALO_OK && !zalo_read_oa(q->ctx, body, q->oa))
        q->answer->class = ZALO_UNKNOWN_OUTCOME;
}

bool command_ask_oa(TALLOC_CTX *ctx, struct command *c, const char *access_token, struct zalo_answer *ret_answer, struct zalo_oa *ret_oa,
                    struct err *e)
{
    struct question q = {.ctx = ctx, .answer = ret_answer, .oa = ret_oa};
    if (!zalo_client_get(c->zalo, access_token, ZALO_PATH_OA, NULL, on_oa, &q, e))
        return false;
    if (command_wait(c, &q.done, e))
        return true;
    zalo_client_free(c->zalo); /* so that nothing calls back with q gone */
    c->zalo = NULL;
    return false;
}

struct catching_up {
    bool done;
    size_t written;
    struct err e;
};

static void on_batch(size_t written, const struct err *e, void *arg)
{
    struct catching_up *c = arg;
    *c = (struct catching_up){.done = true, .written = written};
    if (e)
        c->e = *e;
}

bool command_index_similar(struct command *c, struct err *e)
{
    struct catching_up state;
    do {
        state = (struct catching_up){0};
        similar_write_batch(c->db, SIMILAR_BATCH_MAX, on_batch, &state);
        if (!command_wait(c, &state.done, e)) {
            TALLOC_FREE(c->db); /* calls back, while there is a state to call back to */
            return false;
        }
        if (state.e.kind != ERR_NONE) {
            *e = state.e;
            return false;
        }
    } while (state.written == SIMILAR_BATCH_MAX); /* what a turn or another writer holds is theirs to wait for */
    return true;
}

const char *command_actor(TALLOC_CTX *ctx)
{
    const struct passwd *p = getpwuid(getuid());
    return p ? talloc_asprintf(ctx, "cli:%s", p->pw_name) : talloc_asprintf(ctx, "cli:%ld", (long)getuid());
}

const char *command_time(int64_t epoch_ms, char ret[static COMMAND_TIME_SIZE])
{
    struct tm tm;
    time_t t = (time_t)((epoch_ms + VIETNAM_OFFSET_MS) / 1000);
    ret[0] = '\0';
    if (epoch_ms != 0 && gmtime_r(&t, &tm))
        strftime(ret, COMMAND_TIME_SIZE, "%Y-%m-%d %H:%M", &tm);
    return ret;
}
